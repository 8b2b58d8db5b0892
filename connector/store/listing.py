"""The list's SQL: what a line holds, what a filter asks, and which ranges of which indexes give the four orders.

`queue.py` asks with it, page by page. Each `Band` is a stretch of the list that an index holds in its order, so that a
page reads no more than it shows; what narrows further is tested on columns of the same index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, text, tuple_
from sqlmodel import Session, col, select

from connector.models import Post, RequestType, Suspect, SuspectStatus, now

AGES: dict[str, tuple[timedelta | None, timedelta | None]] = {
    "hour": (None, timedelta(hours=1)),
    "day": (None, timedelta(days=1)),
    "week": (None, timedelta(weeks=1)),
    "over_day": (timedelta(days=1), None),
    "over_week": (timedelta(weeks=1), None),
}
"""Name → at least, at most how old the first post is."""
SORTS = ("urgent", "oldest", "people", "score")
NOWHERE = "-"
"""Instead of a district: no place is known."""
# Literally, so that SQLite sees that its partial indexes serve.
ASSIGNED: Any = text("suspect.assigned_to <> ''")
CLAIMED: Any = text("suspect.claimed_by <> ''")
_columns: Any = select  # sqlmodel's types end at four columns
_S: Any = Suspect


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A line of the list."""

    id: int
    version: int
    urgent: bool
    type: str
    text: str
    place: str
    people: int
    first_posted_at: datetime
    claimed_by: str
    claimed_until: datetime | None
    source: str = ""
    assigned_to: str = ""
    urgent_why: str = ""
    score: float | None = None
    parked_until: datetime | None = None
    key: tuple[Any, ...] = ()
    """What the next page starts after."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to, and its order; urgent suspects pass every filter and stand on top in every order.

    Two things are no filters: the view `parked` shows what was put aside, and `find` what was looked for.
    """

    view: str = "all"
    """all, urgent, mine, parked"""
    by: str = ""
    type_code: str = ""
    district: str = ""
    language: str = ""
    find: str = ""
    source: str = ""
    age: str = ""
    """One of `AGES`."""
    sort: str = "urgent"
    """Among the urgent ones and among the others: newest first (urgent), oldest first, most people, highest score."""
    teams: tuple[str, ...] = ()
    """Whose members `by` is: what is assigned to them is theirs too."""
    made_after: int = 0
    """Only suspects made after this id: what came since somebody looked."""

    @property
    def narrowed(self) -> bool:
        """Whether only urgent suspects pass."""
        told = (self.type_code, self.district, self.language, self.source, self.age)
        return any(told) or self.view == "mine"


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the list that one range of one index holds, in its order."""

    order: tuple[str, ...]
    where: tuple[ColumnElement[bool], ...] = ()
    urgent: int | None = None
    newest: bool = True
    """Or else ascending."""


_BY_TIME = ("first_posted_at", "id")
_SEVERAL: Any = text("suspect.people > 1")
_SINGLE: Any = text("suspect.people <= 1")
_BY: dict[str, tuple[Band, ...]] = {
    "urgent": (Band(_BY_TIME),),
    "oldest": (Band(_BY_TIME, newest=False),),
    "people": (Band(("people", "id"), (_SEVERAL,)), Band(_BY_TIME, (_SINGLE,))),
    "score": (Band(("score", "id"), (_S.score.is_not(None),)), Band(_BY_TIME, (_S.score.is_(None),))),
}


def bands(where: Filter, urgencies: Sequence[int] = (1, 0)) -> list[Band]:
    """What the list is put together from, in its order."""
    if where.view == "urgent":
        urgencies = [urgent for urgent in urgencies if urgent]
    elif where.sort == "urgent" and not where.narrowed and len(urgencies) == 2:
        return [Band(("urgent", *_BY_TIME))]  # one range has both
    return [replace(band, urgent=urgent) for urgent in urgencies for band in _BY[where.sort]]


def rows() -> Any:
    return (
        _columns(
            _S.id, _S.version, _S.urgent, RequestType.title, func.substr(Post.text, 1, 220), _S.place, _S.people,
            _S.first_posted_at, _S.claimed_by, _S.claimed_until, _S.source, _S.assigned_to, _S.urgent_why, _S.score,
            _S.parked_until,
        )
        .select_from(Suspect)
        .join(RequestType, _S.request_type_id == col(RequestType.id))
        .join(Post, col(Post.id) == _S.lead_post_id, isouter=True)
    )  # fmt: skip


def read(session: Session, query: Any) -> list[QueueRow]:
    return [QueueRow(i, v, bool(u), t, x or "", *rest) for i, v, u, t, x, *rest in session.exec(query)]


def in_band(query: Any, where: Filter, band: Band, after: tuple[Any, ...] | None, up_to: int | None) -> Any:
    columns = [getattr(_S, name) for name in band.order]
    query = query.where(*passes(where, band.urgent), *band.where)
    if up_to is not None:
        query = query.where(_S.id <= up_to)
    if after:
        key = tuple_(*columns)
        query = query.where(key < after if band.newest else key > after)
    return query.order_by(*(column.desc() if band.newest else column for column in columns))


def passes(where: Filter, urgent: int | None = None) -> list[Any]:
    """What a suspect of this urgency must meet, the searched text apart; None: of either, without a filter."""
    asked: list[Any] = [_S.status == (SuspectStatus.PARKED if where.view == "parked" else SuspectStatus.WAITING)]
    if urgent is not None:
        asked.append(_S.urgent == urgent)
    if where.view == "mine":
        asked.append(_theirs(where, urgent == 1))
    if where.made_after:
        asked.append(_S.id > where.made_after)
    return asked + (_narrow(where) if urgent == 0 else [])


def _theirs(where: Filter, or_nobodys: bool) -> ColumnElement[bool]:
    """Assigned to them or a team of theirs; of the urgent ones also what nobody was given."""
    names = [where.by, *(f"team:{team.removeprefix('team:')}" for team in where.teams)]
    mine = and_(_S.assigned_to.in_(names), ASSIGNED)
    return or_(mine, _S.assigned_to == "") if or_nobodys else mine


def _narrow(where: Filter) -> list[ColumnElement[bool]]:
    asked: list[Any] = []
    if where.type_code:
        of_code = select(RequestType.id).where(RequestType.code == where.type_code)
        asked.append(_S.request_type_id == of_code.scalar_subquery())
    if where.district == NOWHERE:
        asked.append(_S.place == "")
    elif where.district:
        asked.append(_S.district == where.district)
    for name in ("language", "source"):
        if value := getattr(where, name):
            asked.append(getattr(_S, name) == value)
    if where.age:
        at_least, at_most = AGES[where.age]
        asked += [_S.first_posted_at < now() - at_least] if at_least else []
        asked += [_S.first_posted_at >= now() - at_most] if at_most else []
    return asked
