"""Compare and set: who is first changes the suspect and writes down what was before; the slower one is told.

Every verb of this package goes through `first` and `record`. Read on in `verdicts.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import privacy
from connector.errors import AlreadyDecidedError
from connector.models import OPEN, Decision, DecisionKind, RequestType, Suspect, SuspectStatus, now

BEFORE = ("status", "request_type_id", "version", "assigned_to", "decided_by")
"""What every decision remembers; no text, place or name, since a deletion upstream must not search for them here."""
_TIMES = ("decided_at", "parked_until")
_DONE = {
    DecisionKind.ACCEPT: "accepted",
    DecisionKind.DISMISS: "dismissed",
    DecisionKind.PARK: "parked",
    DecisionKind.UNDO: "put back",
    DecisionKind.RETYPE: "retyped",
    DecisionKind.MERGE: "merged",
    DecisionKind.SPLIT: "split",
    DecisionKind.ALSO: "filed a second time",
    DecisionKind.ASSIGN: "assigned",
    DecisionKind.PLACE: "given a place",
    DecisionKind.EXPIRE: "expired",
    DecisionKind.REFUSED: "refused by the other side",
    DecisionKind.WITHDRAW: "withdrawn",
}


def first(
    session: Session, suspect_id: int, version: int | None, statuses: Collection[SuspectStatus] = OPEN
) -> tuple[Suspect, dict[str, Any]]:
    """The suspect, locked and one version further, and what it was; `version` None means the newest.

    Raises AlreadyDecidedError when someone was faster, LookupError when there is none.
    """
    shown = col(Suspect.version) == version if version is not None else col(Suspect.version) > 0
    won = session.exec(
        sql_update(Suspect)
        .where(col(Suspect.id) == suspect_id, shown, col(Suspect.status).in_(statuses))
        .values(version=col(Suspect.version) + 1)
    )
    suspect = session.get(Suspect, suspect_id, populate_existing=True)
    if suspect is None:
        raise LookupError(f"There is no suspect {suspect_id}.")
    if won.rowcount != 1:
        raise AlreadyDecidedError(who(session, suspect))
    return suspect, remembered(suspect) | {"version": suspect.version - 1}


def remembered(suspect: Suspect) -> dict[str, Any]:
    """What it is, for `Decision.before`."""
    times = {name: at.isoformat() for name in _TIMES if (at := getattr(suspect, name))}
    return {name: getattr(suspect, name) for name in BEFORE} | times | {"returned": bool(suspect.returned_because)}


def record(
    session: Session, suspect: Suspect, kind: DecisionKind, by: str, before: dict[str, Any], reason: str = "",
    batch: str = "", at: datetime | None = None,
) -> Decision:  # fmt: skip
    """Write down who did what, and what was before."""
    session.add(suspect)
    made = Decision(
        suspect_id=suspect.id or 0, kind=str(kind), reason=reason, by=by, at=at or now(), batch=batch, before=before
    )
    session.add(made)
    return made


def settle(suspect: Suspect, status: SuspectStatus, by: str, at: datetime) -> None:
    """Give it a status that ends waiting: nobody has it open any more."""
    suspect.status, suspect.decided_at, suspect.decided_by = str(status), at, by
    suspect.claimed_by, suspect.claimed_until, suspect.returned_because = "", None, ""


def wait_again(suspect: Suspect) -> None:
    """Take what decided it off; the version is the caller's to count."""
    suspect.status, suspect.decided_at, suspect.decided_by = SuspectStatus.WAITING, None, ""
    suspect.dismiss_reason, suspect.parked_until, suspect.merged_into_id = "", None, None


def seen(suspect: Suspect, by: str) -> None:
    """A person dealt with it, if only in a bulk: it does not expire as one that nobody opened."""
    if by and suspect.opened_at is None:
        suspect.opened_at, suspect.opened_by = now(), by


def as_before(session: Session, suspect: Suspect, made: Decision, by: str) -> None:
    """Put back what this decision ended; one of old, that remembers nothing, ended waiting."""
    before = made.before or {}
    wait_again(suspect)
    seen(suspect, by)
    suspect.status = before.get("status", SuspectStatus.WAITING)
    suspect.decided_by = before.get("decided_by", "")
    for name in _TIMES:
        setattr(suspect, name, datetime.fromisoformat(before[name]) if before.get(name) else None)
    if before.get("returned"):
        suspect.returned_because = _returned(session, made)


def _returned(session: Session, made: Decision) -> str:
    """Why it waited again when it was decided: the other side's no, or a deletion; both stand among the decisions."""
    why = col(Decision.kind).in_((DecisionKind.REFUSED, DecisionKind.UNDO))
    query = select(Decision).where(Decision.suspect_id == made.suspect_id, why, col(Decision.id) < made.id)
    for earlier in session.exec(query.order_by(col(Decision.id).desc())):
        if earlier.kind == DecisionKind.REFUSED:
            return earlier.reason
        if not earlier.by:
            return privacy.RETURNED
    return ""


def type_of(session: Session, code: str) -> RequestType:
    """The request type of this code; LookupError if there is none."""
    kind = session.exec(select(RequestType).where(RequestType.code == code)).one_or_none()
    if kind is None:
        raise LookupError(f"There is no type {code!r}.")
    return kind


def who(session: Session, suspect: Suspect) -> str:
    """Who was faster, with what, and when, in a sentence for the slower one."""
    last = session.exec(
        select(Decision).where(Decision.suspect_id == suspect.id).order_by(col(Decision.id).desc()).limit(1)
    ).first()
    if suspect.status in OPEN and last is None:
        return "It changed meanwhile: look at it again."
    if last is None:
        return f"It is {suspect.status} already."
    took = last.kind == DecisionKind.MERGE and "from" in (last.before or {})
    done = "given another's posts" if took else _DONE[DecisionKind(last.kind)]
    by = f" by {last.by}" if last.by else ""
    return f"It was {done}{by}, {_ago(last.at)}; your key did nothing."


def _ago(at: datetime) -> str:
    seconds = (now() - at).total_seconds()
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "a moment ago"
