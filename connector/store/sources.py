"""How the sources are: their state and cursor, what was read of them, and the gaps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Integer, cast, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from connector.models import Gap, Post, ReadCount, SourceState, now


def state(session: Session, name: str, kind: str) -> SourceState:
    """The state of this source; a new one where there is none."""
    found = session.get(SourceState, name)
    if found is None:
        found = SourceState(name=name, kind=kind)
        session.add(found)
        session.flush()
    return found


def advance(session: Session, name: str, cursor: str, arrived: bool) -> None:
    """Keep the cursor, in the same commit as the posts before it."""
    found = session.get_one(SourceState, name)
    found.cursor, found.state, found.last_error = cursor, "running", ""
    if arrived:
        found.last_post_at = now()
    session.add(found)


def count_reads(session: Session, source: str, day: date, outcomes: Mapping[str, int]) -> None:
    """Add to what became of this source's posts on this city day."""
    if not outcomes:
        return
    insert = (sqlite if session.connection().dialect.name == "sqlite" else postgresql).insert(ReadCount)
    statement = insert.values(
        [{"source": source, "day": day, "outcome": o, "count": n, "cost_micros": 0} for o, n in outcomes.items()]
    )
    session.exec(
        statement.on_conflict_do_update(
            index_elements=["source", "day", "outcome"],
            set_={"count": col(ReadCount.count) + statement.excluded.count},
        )
    )


def all_states(session: Session) -> list[SourceState]:
    return list(session.exec(select(SourceState).order_by(col(SourceState.name))))


def gaps(session: Session, source: str, limit: int = 50) -> list[Gap]:
    """The newest gaps of a source."""
    query = select(Gap).where(Gap.source == source).order_by(col(Gap.from_at).desc()).limit(limit)
    return list(session.exec(query))


def open_gaps(session: Session) -> dict[str, int]:
    """Source → how many of its gaps are neither filled nor given up."""
    query = select(Gap.source, func.count()).where(Gap.state == "open").group_by(col(Gap.source))
    return dict(session.exec(query).all())


def reads(session: Session, source: str, since: date) -> list[ReadCount]:
    """What became of its posts, by day and outcome."""
    query = select(ReadCount).where(ReadCount.source == source, ReadCount.day >= since).order_by(col(ReadCount.day))
    return list(session.exec(query))


def hourly(session: Session, source: str, hours: int = 24, at: datetime | None = None) -> list[int]:
    """Matched posts an hour, oldest first."""
    return flows(session, hours, at).get(source, [0] * hours)


def flows(session: Session, hours: int = 24, at: datetime | None = None) -> dict[str, list[int]]:
    """Source → matched posts an hour, oldest first, of those that brought any."""
    end = at or now()
    start = end - timedelta(hours=hours)
    bucket = _minute(session, col(Post.received_at)).label("minute")
    query = (
        select(Post.source, bucket, func.count())
        .where(col(Post.received_at) >= start, col(Post.received_at) < end)
        .group_by(col(Post.source), literal_column("minute"))
    )
    first = int(start.timestamp()) // 60
    found: dict[str, list[int]] = {}
    for source, minute, count in session.exec(query):
        counts = found.setdefault(source, [0] * hours)
        counts[min(hours - 1, max(0, (minute - first) // 60))] += count
    return found


def _minute(session: Session, moment: Any) -> Any:
    """Whole minutes since 1970."""
    size = literal_column("60", Integer)
    if session.connection().dialect.name == "sqlite":
        return cast(func.strftime("%s", moment), Integer) // size
    return cast(func.floor(func.date_part("epoch", moment) / size), Integer)


def newest_post_id(session: Session) -> int:
    """Moves with every post that is stored."""
    return session.exec(select(func.max(Post.id))).one() or 0
