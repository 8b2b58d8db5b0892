"""The queue: a keyset page of suspects in four orders, how many wait, what is new, and searching their texts.

Flat in the number waiting: a page walks one range of an index after the other and stops when it is full, the urgent
suspects first in every order (`listing.py`); counts stop at a cap. What one suspect's card shows is asked in
`cards.py`, and handed on here. Texts come with their placeholders; the pages mask or, on the card, reveal them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from statistics import median_low
from typing import Any

from sqlalchemy import func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.models import Post, RequestType, Suspect, SuspectStatus, User, now
from connector.store import house
from connector.store.cards import Card as Card
from connector.store.cards import CardPost as CardPost
from connector.store.cards import by_post as by_post
from connector.store.cards import card as card
from connector.store.cards import decisions as decisions
from connector.store.listing import AGES as AGES
from connector.store.listing import NOWHERE as NOWHERE
from connector.store.listing import SORTS as SORTS
from connector.store.listing import Filter as Filter
from connector.store.listing import QueueRow as QueueRow
from connector.store.listing import bands, in_band, passes, read, rows
from connector.store.searching import EVERYWHERE, matching
from connector.store.searching import REACH as REACH
from connector.store.searching import Searched as Searched
from connector.store.searching import search as search

COUNT_CAP = 1000
_RECENT = 5000
EVERYTHING = Filter()
_AT_ONCE = 500
_columns: Any = select  # sqlmodel's types end at four columns


def page(
    session: Session,
    where: Filter = EVERYTHING,
    limit: int = 50,
    after: tuple[Any, ...] | None = None,
    up_to: int | None = None,
) -> list[QueueRow]:
    """Suspects that wait, in the filter's order; `up_to` leaves out those made after this id.

    `after` is the `key` of the last row of the page before. A searched text is looked for as far as `search` goes.
    """
    if where.find:
        return search(session, where, limit, up_to).rows
    found: list[QueueRow] = []
    for number, band in enumerate(bands(where)):
        if len(found) == limit or (after and after[0] > number):
            continue
        start = after[1:] if after and after[0] == number else None
        query = in_band(rows(), where, band, start, up_to).limit(limit - len(found))
        for row in read(session, query):
            found.append(replace(row, key=(number, *map(_bound, (getattr(row, name) for name in band.order)))))
    return found


def among(session: Session, ids: Sequence[int], where: Filter) -> list[QueueRow]:
    """Of these suspects those that still stand in the filter's view; what narrows it is not asked again."""
    found: list[QueueRow] = []
    for start in range(0, len(ids), _AT_ONCE):
        query = rows().where(col(Suspect.id).in_(ids[start : start + _AT_ONCE]), *passes(where))
        found += read(session, query)
    return found


def _bound(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


# -- many at once ------------------------------------------------------------------------------------------------------


def every(session: Session, columns: Any, where: Filter, limit: int, up_to: int | None = None) -> list[Any]:
    """These columns, a SELECT from suspects, of all that pass the filter, in its order; urgent ones apart."""
    if where.find:
        ids = list(islice(filter(None, matching(session, where, bands(where, (0,)), up_to, EVERYWHERE)), limit))
        return [
            row
            for start in range(0, len(ids), _AT_ONCE)
            for row in session.exec(columns.where(col(Suspect.id).in_(ids[start : start + _AT_ONCE])))
        ]
    found: list[Any] = []
    for band in bands(where, (0,)):
        found += session.exec(in_band(columns, where, band, None, up_to).limit(limit - len(found)))
    return found


def urgent_in(session: Session, where: Filter, up_to: int | None = None) -> int:
    """How many urgent ones the filter shows, counted up to `COUNT_CAP`."""
    through = bands(where, (1,))
    if where.find:
        return sum(1 for _ in islice(filter(None, matching(session, where, through, up_to, EVERYWHERE)), COUNT_CAP))
    asked = select(Suspect.id).where(*passes(where, 1)).limit(COUNT_CAP)
    asked = asked if up_to is None else asked.where(col(Suspect.id) <= up_to)
    return session.exec(select(func.count()).select_from(asked.subquery())).one()


# -- figures -----------------------------------------------------------------------------------------------------------


def counts(session: Session, by: str = "", cap: int = COUNT_CAP, teams: tuple[str, ...] = ()) -> dict[str, int]:
    """How many are in each view, counted up to `cap`."""

    def at_most(*where: Any) -> int:
        return session.exec(
            select(func.count()).select_from(select(Suspect.id).where(*where).limit(cap).subquery())
        ).one()

    waiting = col(Suspect.status) == SuspectStatus.WAITING
    return {
        "all": at_most(waiting),
        "urgent": at_most(waiting, Suspect.urgent == 1),
        "mine": at_most(*passes(Filter("mine", by, teams=teams))) if by else 0,
        "parked": at_most(col(Suspect.status) == SuspectStatus.PARKED),
    }


def newest_id(session: Session) -> int:
    """The id of the last suspect made; a list shows those up to it until asked for more."""
    return session.exec(select(func.max(Suspect.id))).one() or 0


def newer(session: Session, than: int, cap: int = 100) -> int:
    """How many waiting suspects were made since; among the newest `_RECENT`, so that asking often costs little."""
    made = select(Suspect.id, Suspect.status).where(col(Suspect.id) > than)
    recent = made.order_by(col(Suspect.id).desc()).limit(_RECENT).subquery()
    return _at_most(session, select(recent.c.id).where(recent.c.status == SuspectStatus.WAITING), cap)


def _at_most(session: Session, query: Any, cap: int) -> int:
    return session.exec(select(func.count()).select_from(query.limit(cap).subquery())).one()


@dataclass(frozen=True, slots=True)
class Since:
    """What waits and was not there when somebody last looked."""

    new: int
    """Counted up to a cap; urgent ones included."""
    urgent: int
    after: int = 0
    """Made after this id."""


def came(session: Session, after: int, cap: int = 100) -> Since:
    """What waits of those made after this id."""
    waits = (Suspect.status == SuspectStatus.WAITING, col(Suspect.id) > after)
    urgent = select(Suspect.id).where(*waits, Suspect.urgent == 1).limit(cap)
    found = session.exec(select(func.count()).select_from(urgent.subquery())).one()
    return Since(newer(session, after, cap), found, after)


def since(session: Session, login: str) -> Since:
    """What is new since this person last looked at the queue; nothing for one who never did."""
    seen_id = _seen_id(session, login)
    return Since(0, 0) if seen_id is None else came(session, seen_id, COUNT_CAP)


@dataclass(frozen=True, slots=True)
class Waited:
    """How old the queue is, by the first post of each suspect that waits."""

    oldest: datetime
    half: datetime | None
    """Half of them are older than this; None beyond `COUNT_CAP`."""


def waited(session: Session) -> Waited | None:
    """How long suspects have been waiting; None if none does."""
    firsts = [
        session.exec(
            select(func.min(Suspect.first_posted_at)).where(
                Suspect.status == SuspectStatus.WAITING, Suspect.urgent == urgent
            )
        ).one()
        for urgent in (0, 1)
    ]
    told = [first for first in firsts if first]
    if not told:
        return None
    times = session.exec(
        select(Suspect.first_posted_at).where(Suspect.status == SuspectStatus.WAITING).limit(COUNT_CAP)
    ).all()
    return Waited(min(told), median_low(times) if len(times) < COUNT_CAP else None)


def seen(session: Session, login: str) -> None:
    """This person looks at the queue now."""
    newest = newest_id(session)
    kept = session.exec(sql_update(User).where(col(User.login) == login).values(seen_at=now(), seen_id=newest))
    if kept.rowcount == 0:  # this computer's one user, where no login is configured, is in no list of people
        house.keep_setting(session, f"seen.{login}", newest)


def _seen_id(session: Session, login: str) -> int | None:
    person = session.exec(select(User).where(User.login == login)).first()
    if person:
        return person.seen_id if person.seen_at else None
    kept = house.setting(session, f"seen.{login}")
    return int(kept) if kept is not None else None


def decided_since(session: Session, by: str, since: datetime) -> int:
    """How many suspects somebody accepted or dismissed since; what was taken back is none."""
    ended = col(Suspect.status).in_((SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED))
    query = select(func.count()).where(col(Suspect.decided_at) >= since, Suspect.decided_by == by, ended)
    return session.exec(query).one()


@dataclass(frozen=True, slots=True)
class Listed:
    """A suspect as the command `suspects` prints it."""

    id: int
    status: str
    type: str
    score: float | None
    posts: int
    text: str
    place: str
    first_posted_at: datetime
    version: int


def listed(session: Session, status: str = "", limit: int | None = None) -> list[Listed]:
    """Suspects of one status, or all, urgent first, then the newest; without a `limit` every one."""
    query = (
        _columns(
            Suspect.id, Suspect.status, RequestType.code, Suspect.score, Suspect.posts, Post.text, Suspect.place,
            Suspect.first_posted_at, Suspect.version,
        )
        .select_from(Suspect)
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .join(Post, col(Post.id) == col(Suspect.lead_post_id), isouter=True)
        .order_by(col(Suspect.urgent).desc(), col(Suspect.first_posted_at).desc(), col(Suspect.id).desc())
        .limit(limit)
    )  # fmt: skip
    if status:
        query = query.where(Suspect.status == status)
    return [Listed(*row) for row in session.exec(query)]
