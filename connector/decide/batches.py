"""One key for many: a decision on a selection or on a whole filter, said first, undone by one key.

Done in commits of some hundreds under one batch id, each item compare-and-set on what it was when the key was pressed:
what changed meanwhile is left out and counted. If the database fails on the way, the batch id of what was done comes
back all the same, for nothing else takes it back. A filter never decides urgent suspects, nor what somebody else has
open at this moment; both are decided when they are selected themselves. Read on in `undoing.py`.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import update as sql_update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlmodel import Session, col, select

from connector.config import Config
from connector.decide.drafts import drafted
from connector.decide.record import record, remembered, seen, settle
from connector.decide.undoing import take_back
from connector.decide.verdicts import accept_in
from connector.errors import AlreadyDecidedError, ConfigError
from connector.models import (
    OPEN,
    Decision,
    DecisionKind,
    DeliveryStatus,
    DismissReason,
    Dispatch,
    RequestType,
    Suspect,
    SuspectStatus,
    now,
)
from connector.store import Database, queue
from connector.store.queue import Filter

log = structlog.get_logger()
VERBS = ("accept", "dismiss", "park", "assign")
AT_MOST = 10_000
"""Suspects that one key decides."""
_AT_ONCE = 250
_CLASHED = "clashed with what is stored already"
_UNREACHED = "not done, since the database did not answer: try again"
_DONE = {"accept": "accepted", "dismiss": "dismissed", "park": "parked", "assign": "assigned"}
Progress = Callable[[int, int], None]
"""Told after every commit how many of how many were looked at."""
_Portion = Callable[[Session, Sequence[int], Counter[str]], int]
"""Does a portion of them: how many were done; why the others were not is counted."""


def unwatched(done: int, total: int) -> None:
    """Nobody looks."""


@dataclass(frozen=True, slots=True)
class Bulk:
    """What became of it."""

    batch: str
    """Names it for `undo_batch`."""
    done: int
    left_out: int
    says: tuple[str, ...] = ()
    """Why some were left out, a sentence each."""
    broken_off: bool = False
    """The database failed before the last one; the rest can be asked for again."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a bulk decision would do."""

    count: int
    """How many it would decide, `AT_MOST` at most."""
    more: bool
    """Whether there are more, which need the key once more."""
    urgent: int
    """Urgent ones that a filter leaves out, or that are among those selected."""
    open_by_others: int
    """Left out by a filter; among those selected they are decided all the same."""
    channels: dict[str, int]
    """Of accepting: channel → how many go there."""
    sentences: tuple[str, ...]
    """The same for the page."""


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What the key means: suspects in the versions that they have now."""

    versions: dict[int, int]
    types: Counter[int]
    urgent: int
    open_by_others: int
    more: bool


def bulk_preview(
    session: Session,
    config: Config,
    which: Sequence[int] | Filter,
    verb: str,
    by: str = "",
    up_to: int | None = None,
) -> Preview:
    """What it would do, in numbers and sentences; nothing is changed. `up_to` as in `queue.page`."""
    chosen = _chosen(session, which, by, up_to)
    channels: Counter[str] = Counter()
    if verb == "accept":
        of = dict(session.exec(select(RequestType.id, RequestType.channel)).all())
        for type_id, many in chosen.types.items():
            channels[of[type_id]] += many
    count = len(chosen.versions)
    said = [*_says(chosen, verb, isinstance(which, Filter)), *_leaves(channels, config)]
    return Preview(count, chosen.more, chosen.urgent, chosen.open_by_others, dict(channels), tuple(said))


def bulk(
    database: Database,
    config: Config,
    which: Sequence[int] | Filter,
    verb: str,
    by: str,
    reason: str = "",
    up_to: int | None = None,
    progress: Progress = unwatched,
) -> Bulk:
    """accept, dismiss (`reason`: one of the five), park, or assign (`reason`: to whom) all of them.

    ValueError for another verb or reason. What is accepted leaves together, after the hold from the last one.
    """
    if verb not in VERBS:
        raise ValueError(f"{verb!r} is not for many: choose one of {', '.join(VERBS)}.")
    reason = str(DismissReason(reason)) if verb == "dismiss" else reason
    with database.reading() as session:
        versions = _chosen(session, which, by, up_to).versions
    batch = secrets.token_hex(8)

    def decide(session: Session, some: Sequence[int], failed: Counter[str]) -> int:
        held = _still(session, {id_: versions[id_] for id_ in some})
        failed["changed meanwhile"] += len(some) - len(held)
        if verb != "accept":
            _all(session, held, verb, by, reason, batch)
            return len(held)
        texts = drafted(session, [one.id or 0 for one in held], by)
        done = sum(_each(session, failed, _accepting(session, config, one, by, batch, texts)) for one in held)
        _hold_together(session, config, batch)
        return done

    return _by_portions(database, batch, sorted(versions), decide, progress)


def undo_batch(database: Database, batch: str, by: str, progress: Progress = unwatched) -> Bulk:
    """Take back all of a batch that has not left the house and that nobody touched since."""
    with database.reading() as session:
        query = select(Decision.id, Decision.suspect_id).where(
            Decision.batch == batch, Decision.kind != DecisionKind.UNDO
        )
        made = {suspect_id: id_ or 0 for id_, suspect_id in session.exec(query)}

    def put_back(session: Session, some: Sequence[int], failed: Counter[str]) -> int:
        lines = _untouched(session, [made[id_] for id_ in some])
        failed["changed meanwhile"] += len(some) - len(lines)
        return sum(_each(session, failed, _taking_back(session, suspect, line, by, batch)) for suspect, line in lines)

    return _by_portions(database, batch, sorted(made), put_back, progress)


# -- which ones --------------------------------------------------------------------------------------------------------


def _chosen(session: Session, which: Sequence[int] | Filter, by: str, up_to: int | None) -> _Chosen:
    at = now()
    columns: Any = select
    facts = columns(
        Suspect.id, Suspect.version, Suspect.request_type_id, Suspect.urgent, Suspect.claimed_by, Suspect.claimed_until
    )
    if isinstance(which, Filter):
        found = queue.every(session, facts, which, AT_MOST + 1, up_to)
        urgent = queue.urgent_in(session, which, up_to)
    else:
        found = []
        for some in _portions(list(dict.fromkeys(which))[: AT_MOST + 1]):
            found += session.exec(facts.where(col(Suspect.id).in_(some), col(Suspect.status).in_(OPEN))).all()
        urgent = sum(row[3] for row in found)
    more, found = len(found) > AT_MOST, found[:AT_MOST]
    others = {row[0] for row in found if row[4] and row[4] != by and row[5] and row[5] > at}
    kept = [row for row in found if row[0] not in others] if isinstance(which, Filter) else found
    types = Counter(type_id for _, _, type_id, *_ in kept)
    return _Chosen({id_: version for id_, version, *_ in kept}, types, urgent, len(others), more)


def _portions(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield ids[start : start + _AT_ONCE]


def _still(session: Session, versions: dict[int, int]) -> list[Suspect]:
    """Those that are as they were when the key was pressed; locked, in one order."""
    query = select(Suspect).where(col(Suspect.id).in_(versions), col(Suspect.status).in_(OPEN))
    held = session.exec(query.order_by(col(Suspect.id)).with_for_update()).all()
    return [suspect for suspect in held if suspect.version == versions[suspect.id or 0]]


# -- doing it ----------------------------------------------------------------------------------------------------------


def _by_portions(database: Database, batch: str, ids: Sequence[int], do: _Portion, progress: Progress) -> Bulk:
    """Each portion in a commit of its own; a database that fails ends it, and what is done by then is told."""
    done, failed = 0, Counter[str]()
    for at, some in enumerate(_portions(ids)):
        progress(at * _AT_ONCE, len(ids))
        left_out = Counter[str]()
        try:
            with database.writing() as session:
                now_done = do(session, some, left_out)
        except SQLAlchemyError as error:
            # The other portions would each wait as long as this one did. Whether it was committed nobody knows, if
            # its very commit was cut off: it counts as not done, and the batch takes it back all the same.
            log.error("a decision on many broke off", kind=type(error).__name__)
            failed[_UNREACHED] += len(ids) - at * _AT_ONCE
            return Bulk(batch, done, failed.total(), _sentences(failed), broken_off=True)
        done, failed = done + now_done, failed + left_out
    return Bulk(batch, done, failed.total(), _sentences(failed))


def _all(session: Session, held: Sequence[Suspect], verb: str, by: str, reason: str, batch: str) -> None:
    at = now()
    for suspect in held:
        before = remembered(suspect)
        suspect.version += 1
        if verb == "assign":
            suspect.assigned_to = reason
        else:
            seen(suspect, by)
            settle(suspect, SuspectStatus.PARKED if verb == "park" else SuspectStatus.DISMISSED, by, at)
            suspect.dismiss_reason, suspect.parked_until = reason if verb == "dismiss" else "", None
        record(session, suspect, DecisionKind(verb), by, before, reason, batch, at)


def _accepting(
    session: Session, config: Config, suspect: Suspect, by: str, batch: str, texts: Mapping[int, str]
) -> Callable[[], None]:
    def accepted() -> None:
        accept_in(session, config, suspect.id or 0, by, suspect.version, texts.get(suspect.id or 0), batch)

    return accepted


def _hold_together(session: Session, config: Config, batch: str) -> None:
    """The hold counts from the last of them, so that Undo takes back all, however long the accepting takes."""
    session.flush()
    theirs = select(Decision.suspect_id).where(Decision.batch == batch).scalar_subquery()
    waits = sql_update(Dispatch).where(
        col(Dispatch.suspect_id).in_(theirs), col(Dispatch.status) == DeliveryStatus.QUEUED, col(Dispatch.attempts) == 0
    )
    session.exec(waits.values(due_at=now() + timedelta(seconds=config.delivery.hold)))


def _untouched(session: Session, lines: Sequence[int]) -> list[tuple[Suspect, Decision]]:
    """Of these decisions those that are the last thing that happened to their suspect; locked, in one order."""
    query = select(Suspect, Decision).join(Decision, col(Decision.suspect_id) == col(Suspect.id))
    rows = session.exec(query.where(col(Decision.id).in_(lines)).order_by(col(Suspect.id)).with_for_update(of=Suspect))
    return [(suspect, line) for suspect, line in rows if suspect.version == (line.before or {}).get("version", -1) + 1]


def _taking_back(session: Session, suspect: Suspect, line: Decision, by: str, batch: str) -> Callable[[], None]:
    def assigned() -> None:
        was = remembered(suspect) | {"undone": line.id}
        suspect.assigned_to, suspect.version = (line.before or {})["assigned_to"], suspect.version + 1
        record(session, suspect, DecisionKind.UNDO, by, was, batch=batch)

    return assigned if line.kind == DecisionKind.ASSIGN else lambda: take_back(session, suspect, line, by, batch)


def _each(session: Session, failed: Counter[str], act: Callable[[], None]) -> bool:
    """Whether it was done; else it leaves no trace, and why not is counted."""
    try:
        with session.begin_nested():
            act()
    except IntegrityError:
        failed[_CLASHED] += 1  # its own words are for programmers
    except (AlreadyDecidedError, ConfigError, ValueError, LookupError) as error:
        failed["were sent already" if str(error).startswith("Already sent") else str(error)] += 1
    else:
        return True
    return False


# -- saying it ---------------------------------------------------------------------------------------------------------


def _says(chosen: _Chosen, verb: str, filtered: bool) -> Iterator[str]:
    count = len(chosen.versions)
    yield f"{_many(count, 'suspect')} will be {_DONE[verb]}."
    if chosen.more:
        yield f"There are more: one key decides {AT_MOST:,} at most."
    if chosen.urgent and filtered:
        yield f"{_many(chosen.urgent, 'urgent one')} left out: tick urgent ones themselves."
    elif chosen.urgent:
        yield f"{chosen.urgent:,} of them urgent."
    if chosen.open_by_others:
        said = "left out, since somebody has them open" if filtered else "of them open at somebody else's"
        yield f"{chosen.open_by_others:,} {said}."


def _leaves(channels: Counter[str], config: Config) -> Iterator[str]:
    if channels:
        ways = ", ".join(f"{many:,} to {name}" for name, many in channels.most_common())
        yield f"They leave in {config.delivery.hold:g} s: {ways}."


def _sentences(failed: Counter[str]) -> tuple[str, ...]:
    return tuple(f"{many:,} {why}" + ("" if why.endswith(".") else ".") for why, many in failed.most_common() if many)


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")
