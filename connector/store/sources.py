"""How the sources are: their state and cursor, what was read of them, and the gaps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Integer, cast, func, literal_column
from sqlalchemy import update as sql_update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from connector.models import Gap, GapState, Post, ReadCount, ReadHour, SourceState, now


def state(session: Session, name: str, kind: str) -> SourceState:
    """The state of this source; a new one where there is none."""
    found = session.get(SourceState, name)
    if found is None:
        found = SourceState(name=name, kind=kind)
        session.add(found)
        session.flush()
    return found


def advance(session: Session, name: str, cursor: str, arrived: bool, worker: str = "", well: bool = True) -> bool:
    """Keep the cursor, in the same commit as the posts before it. False: another worker reads this source now.

    `well`: nothing went wrong since these posts came.
    """
    values: dict[str, Any] = {"cursor": cursor}
    if well:
        values |= {"state": "running", "last_error": "", "alive_at": now()}
    if arrived:
        values["last_post_at"] = now()
    mine = [col(SourceState.name) == name] + ([col(SourceState.lease_by) == worker] if worker else [])
    done = session.exec(sql_update(SourceState).where(*mine).values(values))
    return bool(done.rowcount == 1)


def heard(session: Session, name: str) -> None:
    """What a person asked of it is done."""
    session.exec(sql_update(SourceState).where(col(SourceState.name) == name).values(asked=""))


def is_held(session: Session, name: str, worker: str) -> bool:
    """Whether this worker may store for this source; without a name there is one worker only."""
    if not worker:
        return True
    query = select(SourceState.lease_by).where(SourceState.name == name).with_for_update()
    return session.exec(query).first() == worker


def held_posts(session: Session, source: str, after: int, limit: int = 10_000) -> list[tuple[int, str]]:
    """(our id, source_id) of posts that are not gone, in the order of our ids, behind `after`."""
    query = select(Post.id, Post.source_id).where(Post.source == source, col(Post.gone_at).is_(None))
    return list(session.exec(query.where(col(Post.id) > after).order_by(col(Post.id)).limit(limit)).all())  # type: ignore[arg-type]


def count_reads(
    session: Session, source: str, day: date, priced: Mapping[str, int], free: Mapping[str, int], price: int = 0
) -> None:
    """Add to what became of this source's posts on this city day, and what reading them cost."""
    rows = [
        {"source": source, "day": day, "outcome": outcome, "count": number, "cost_micros": number * each}
        for outcomes, each in ((priced, price), (free, 0))
        for outcome, number in outcomes.items()
    ]
    if rows:
        _added(session, ReadCount, rows, ("source", "day", "outcome"), ("count", "cost_micros"))


def count_hour(session: Session, source: str, number: int) -> None:
    """Add to what this source delivered in this hour."""
    hour = now().replace(minute=0, second=0, microsecond=0)
    _added(session, ReadHour, [{"source": source, "hour_at": hour, "count": number}], ("source", "hour_at"), ("count",))


def read_since(session: Session, source: str, since: date) -> int:
    """Posts read of this source from this city day on: what its budget counts."""
    free = (col(ReadCount.outcome) == "deleted") | col(ReadCount.outcome).startswith("refused", autoescape=True)
    query = select(func.sum(ReadCount.count)).where(ReadCount.source == source, ReadCount.day >= since, ~free)
    return int(session.exec(query).one() or 0)


def read_and_paid(session: Session, since: date) -> dict[str, tuple[int, int]]:
    """Source → posts read from this city day on, as its budget counts them, and what they cost, in millionths."""
    free = (col(ReadCount.outcome) == "deleted") | col(ReadCount.outcome).startswith("refused", autoescape=True)
    sums = select(ReadCount.source, func.sum(ReadCount.count), func.sum(ReadCount.cost_micros))
    found = session.exec(sums.where(ReadCount.day >= since, ~free).group_by(col(ReadCount.source)))
    return {source: (int(count), int(cost)) for source, count, cost in found}


def _added(
    session: Session, table: Any, rows: list[dict[str, Any]], keys: tuple[str, ...], sums: tuple[str, ...]
) -> None:
    connection = session.connection()
    # The rows beside the statement, not in it: SQLAlchemy then knows it again, and compiles it once.
    connection.execute(_adding(connection.dialect.name, table, keys, sums), rows)


@lru_cache(maxsize=8)
def _adding(dialect: str, table: Any, keys: tuple[str, ...], sums: tuple[str, ...]) -> Any:
    """Made once: to put it together takes longer than to run it."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table)
    summed = {name: getattr(table, name) + insert.excluded[name] for name in sums}
    return insert.on_conflict_do_update(index_elements=keys, set_=summed)


def all_states(session: Session) -> list[SourceState]:
    return list(session.exec(select(SourceState).order_by(col(SourceState.name))))


def gaps(session: Session, source: str, limit: int = 50) -> list[Gap]:
    """The newest gaps of a source."""
    query = select(Gap).where(Gap.source == source).order_by(col(Gap.from_at).desc()).limit(limit)
    return list(session.exec(query))


def lately_missed(session: Session, since: datetime, limit: int = 500) -> list[Gap]:
    """The gaps of all sources that reach beyond this moment, the newest first."""
    reach = col(Gap.to_at).is_(None) | (col(Gap.to_at) >= since)
    return list(session.exec(select(Gap).where(reach).order_by(col(Gap.from_at).desc()).limit(limit)))


def ledger_mark(session: Session) -> tuple[Any, ...]:
    """Moves with every gap that is made, closed, put off or partly filled."""
    sums = select(func.count(), func.max(Gap.id), func.max(Gap.closed_at), func.max(Gap.due_at), func.sum(Gap.posts))  # type: ignore[call-overload]
    return tuple(session.exec(sums).one())


def open_gaps(session: Session) -> dict[str, int]:
    """Source → how many of its gaps are neither filled nor given up."""
    query = select(Gap.source, func.count()).where(Gap.state == GapState.OPEN).group_by(col(Gap.source))
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
