"""Counts over time, all from SQL, over tables that hold no author.

A day is a day of the city. The database counts by quarters of an hour, of which every time zone's midnight is a
multiple, and the quarters are laid into days whose bounds are computed once, in the city's zone: every database counts
alike, one scan suffices, and daylight saving costs nothing. Called by the Trends and Rules pages.
"""

from __future__ import annotations

import csv as csv_writer
import io
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Float, Integer, case, cast, func, literal_column
from sqlalchemy import select as sa_select
from sqlmodel import Session, col, select

from connector.models import (
    Dispatch,
    Match,
    Post,
    RequestType,
    Rule,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    Utc,
    now,
)

_QUARTER = 900  # seconds
_VERDICTS = (SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED)


_columns: Any = select  # sqlmodel's types end at four columns


@dataclass(frozen=True, slots=True)
class Period:
    """Whole city days, or runs of them, named by their first day; each from midnight to midnight, times aware, UTC."""

    days: tuple[tuple[date, datetime, datetime], ...]

    @property
    def start(self) -> datetime:
        return self.days[0][1]

    @property
    def end(self) -> datetime:
        return self.days[-1][2]


def last_days(count: int, zone: ZoneInfo, at: datetime | None = None, step: int = 1) -> Period:
    """The last `count` city days, today included; with a step of 7, weeks that end today."""
    today = (at or now()).astimezone(zone).date()
    return _period([today - timedelta(days=back) for back in range(count - 1, -1, -step)], step, zone)


def days_before(period: Period, zone: ZoneInfo) -> Period:
    """As many days, just before."""
    first, end = period.days[0][0], period.end.astimezone(zone).date()
    days = (end - first).days
    step = days // len(period.days)
    return _period([first - timedelta(days=back) for back in range(days, 0, -step)], step, zone)


def _period(firsts: list[date], step: int, zone: ZoneInfo) -> Period:
    def midnight(day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)

    return Period(tuple((day, midnight(day), midnight(day + timedelta(days=step))) for day in firsts))


@dataclass(frozen=True, slots=True)
class Day:
    """What happened on one city day."""

    day: date
    posts: int
    suspects: int
    accepted: int


def daily(session: Session, period: Period, district: str = "") -> list[Day]:
    """Matched posts by the day they were written, suspects by the same, accepted by the day of the decision."""
    suspect_here: list[Any] = [Suspect.district == district] if district else []
    accepted = [Suspect.status == SuspectStatus.ACCEPTED, *suspect_here]
    posts = _by_day(session, period, col(Post.posted_at), [] if not district else [_post_in(district)])
    suspects = _by_day(session, period, col(Suspect.first_posted_at), suspect_here)
    decided = _by_day(session, period, col(Suspect.decided_at), accepted)
    return [
        Day(day, posts.get(at, 0), suspects.get(at, 0), decided.get(at, 0))
        for at, (day, _, _) in enumerate(period.days)
    ]


def _by_day(session: Session, period: Period, moment: Any, where: list[Any]) -> dict[int, int]:
    """Number of the day in the period → how many rows; days without any are left out."""
    size = literal_column(str(_QUARTER), Integer)  # no parameter: PostgreSQL would not see that both are the same
    if session.connection().dialect.name == "sqlite":
        quarter = cast(func.strftime("%s", moment), Integer) // size
    else:
        quarter = cast(func.floor(func.date_part("epoch", moment) / size), Integer)
    query = (
        sa_select(quarter.label("quarter"), func.count())
        .where(moment >= period.start, moment < period.end, *where)
        .group_by(literal_column("quarter"))
    )
    starts = [start.timestamp() for _, start, _ in period.days]
    counts: dict[int, int] = {}
    for at, count in session.connection().execute(query):
        day = bisect_right(starts, at * _QUARTER) - 1
        counts[day] = counts.get(day, 0) + count
    return counts


def _post_in(district: str) -> Any:
    inside = select(SuspectPost.post_id).join(Suspect).where(Suspect.district == district)
    return col(Post.id).in_(inside)


@dataclass(frozen=True, slots=True)
class TypeCount:
    type: str
    accepted: int
    dismissed: int
    waiting: int


def by_type(session: Session, period: Period, district: str = "") -> list[TypeCount]:
    """What became of the suspects of each type, most suspects first."""

    def share(*statuses: SuspectStatus) -> Any:
        return func.sum(case((col(Suspect.status).in_(statuses), 1), else_=0))

    query = (
        select(
            RequestType.title,
            share(SuspectStatus.ACCEPTED),
            share(SuspectStatus.DISMISSED),
            share(SuspectStatus.WAITING, SuspectStatus.PARKED),
        )
        .join(Suspect, col(Suspect.request_type_id) == col(RequestType.id))
        .where(col(Suspect.first_posted_at) >= period.start, col(Suspect.first_posted_at) < period.end)
        .group_by(RequestType.title)
        .order_by(func.count().desc(), RequestType.title)
    )
    if district:
        query = query.where(Suspect.district == district)
    return [TypeCount(title, int(a), int(d), int(w)) for title, a, d, w in session.exec(query)]


@dataclass(frozen=True, slots=True)
class RuleCount:
    rule_id: int
    name: str
    type: str
    active: bool
    matched: int
    accepted: int
    decided: int
    last_match_at: datetime | None

    @property
    def share(self) -> float | None:
        """Accepted of decided; None before the first decision."""
        return self.accepted / self.decided if self.decided else None


def by_rule(session: Session, period: Period, district: str = "") -> list[RuleCount]:
    """Every rule with the posts written in the period that it met, and what people made of them."""
    status = func.coalesce(Suspect.status, "")
    met = (
        select(Match.rule_id, Match.post_id, Match.matched_at)
        .join(Post, col(Post.id) == col(Match.post_id))
        .where(col(Post.posted_at) >= period.start, col(Post.posted_at) < period.end)
    )
    found = (met.where(_post_in(district)) if district else met).subquery()
    query = (
        _columns(
            Rule.id, Rule.name, RequestType.title, Rule.active,
            func.count(func.distinct(found.c.post_id)),
            func.sum(case((status == SuspectStatus.ACCEPTED, 1), else_=0)),
            func.sum(case((status.in_(_VERDICTS), 1), else_=0)),
            func.max(found.c.matched_at, type_=Utc),
        )
        .select_from(Rule)
        .join(RequestType, col(RequestType.id) == col(Rule.request_type_id))
        .join(found, found.c.rule_id == col(Rule.id), isouter=True)
        .join(SuspectPost, col(SuspectPost.post_id) == found.c.post_id, isouter=True)
        .join(Suspect, col(Suspect.id) == col(SuspectPost.suspect_id), isouter=True)
        .group_by(col(Rule.id), Rule.name, RequestType.title, Rule.active)
        .order_by(RequestType.title, Rule.name)
    )  # fmt: skip
    return [
        RuleCount(i, n, t, on, int(m), int(a or 0), int(d or 0), last)
        for i, n, t, on, m, a, d, last in session.exec(query)
    ]


@dataclass(frozen=True, slots=True)
class Figures:
    """The headline of a period; medians in seconds, None where nothing was counted."""

    posts: int
    accepted: int
    decided: int
    to_decision: float | None
    to_ticket: float | None

    @property
    def share(self) -> float | None:
        return self.accepted / self.decided if self.decided else None


def figures(session: Session, period: Period, district: str = "") -> Figures:
    """Matched posts, decisions, and how long people and tickets took."""
    here: list[Any] = [Suspect.district == district] if district else []
    posts = select(func.count(col(Post.id))).where(
        col(Post.posted_at) >= period.start, col(Post.posted_at) < period.end
    )
    if district:
        posts = posts.where(_post_in(district))
    decided = [col(Suspect.decided_at) >= period.start, col(Suspect.decided_at) < period.end, *here]
    verdicts = dict(
        session.exec(select(Suspect.status, func.count()).where(*decided).group_by(col(Suspect.status))).all()
    )
    accepted = verdicts.get(SuspectStatus.ACCEPTED, 0)
    waited = _seconds(session, col(Suspect.first_posted_at), col(Suspect.decided_at))
    sent = _seconds(session, col(Dispatch.created_at), col(Ticket.opened_at))
    tickets = (
        select(sent)
        .select_from(Ticket)
        .join(Dispatch, col(Dispatch.id) == col(Ticket.dispatch_id))
        .join(Suspect, col(Suspect.id) == col(Ticket.suspect_id))
        .where(col(Ticket.opened_at) >= period.start, col(Ticket.opened_at) < period.end, *here)
    )
    return Figures(
        session.exec(posts).one(),
        accepted,
        accepted + verdicts.get(SuspectStatus.DISMISSED, 0),
        _median(session, select(waited).where(*decided, col(Suspect.status).in_(_VERDICTS)), waited),
        _median(session, tickets, sent),
    )


def _seconds(session: Session, start: Any, end: Any) -> Any:
    if session.connection().dialect.name == "sqlite":
        return (func.julianday(end) - func.julianday(start)) * 86400.0
    return cast(func.date_part("epoch", end - start), Float)


def _median(session: Session, query: Any, value: Any) -> float | None:
    count = session.connection().execute(sa_select(func.count()).select_from(query.subquery())).scalar() or 0
    if not count:
        return None
    found = session.connection().execute(query.order_by(value).offset((count - 1) // 2).limit(1)).scalar()
    return float(found) if found is not None else None


def spots(session: Session, period: Period, district: str = "", limit: int = 5000) -> list[tuple[float, float, str]]:
    """Where accepted requests were: latitude, longitude (degrees), type."""
    query = (
        select(Suspect.lat, Suspect.lon, RequestType.title)
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .where(
            Suspect.status == SuspectStatus.ACCEPTED,
            col(Suspect.lat).is_not(None),
            col(Suspect.decided_at) >= period.start,
            col(Suspect.decided_at) < period.end,
        )
        .order_by(col(Suspect.decided_at).desc())
        .limit(limit)
    )
    if district:
        query = query.where(Suspect.district == district)
    return [(lat, lon, title) for lat, lon, title in session.exec(query) if lat is not None and lon is not None]


def districts(session: Session) -> list[str]:
    """Every district that a suspect lies in."""
    query = select(Suspect.district).where(Suspect.district != "").distinct().order_by(col(Suspect.district))
    return list(session.exec(query))


def first_post_at(session: Session) -> datetime | None:
    """When the oldest post that is kept was written; before it there is nothing to compare with."""
    return session.exec(select(func.min(Post.posted_at, type_=Utc))).one()


def as_csv(days: Iterable[Day], district: str = "") -> str:
    """The daily figures for a spreadsheet: no author, no text, and no cell that it would take for a formula."""
    out = io.StringIO()
    writer = csv_writer.writer(out, lineterminator="\r\n")
    writer.writerow(("day", "district", "posts", "suspects", "accepted"))
    for day in days:
        row = (day.day.isoformat(), district or "whole city", day.posts, day.suspects, day.accepted)
        writer.writerow([_harmless(str(cell)) for cell in row])
    return out.getvalue()


def _harmless(cell: str) -> str:
    """OWASP, "CSV injection": a leading sign of a formula gets an apostrophe in front."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else cell
