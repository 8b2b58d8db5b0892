"""What the Sources page asks of the database beyond one state: budgets, the ledger of all, a mark of change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from connector.models import Gap, GapState, ReadCount, now
from connector.store import Database, sources

DAY = date(2026, 11, 3)


def a_gap(database: Database, **values: object) -> int:
    defaults = {"source": "birds", "from_at": now() - timedelta(days=2), "to_at": now() - timedelta(days=2)}
    with database.writing() as session:
        gap = Gap(**(defaults | values))
        session.add(gap)
        session.flush()
        return gap.id or 0


def test_what_is_read_and_paid_leaves_out_what_costs_nothing(database: Database) -> None:
    with database.writing() as session:
        for day, outcome, count, cost in (
            (DAY, "new", 10, 50_000), (DAY, "unmatched", 5, 25_000), (DAY, "deleted", 7, 0),
            (DAY, "refused: no id", 3, 0), (DAY - timedelta(days=1), "new", 100, 500_000),
        ):  # fmt: skip
            session.add(ReadCount(source="birds", day=day, outcome=outcome, count=count, cost_micros=cost))
        session.add(ReadCount(source="fish", day=DAY, outcome="duplicate", count=2, cost_micros=3_000_000_000))
    with database.reading() as session:
        assert sources.read_and_paid(session, DAY) == {"birds": (15, 75_000), "fish": (2, 3_000_000_000)}
        assert sources.read_and_paid(session, DAY)["birds"][0] == sources.read_since(session, "birds", DAY)
        assert sources.read_and_paid(session, DAY + timedelta(days=1)) == {}


def test_the_ledger_of_all_sources_reaches_back_so_far(database: Database) -> None:
    week = now() - timedelta(days=7)
    lasting = a_gap(database, source="fish", from_at=week - timedelta(days=9), to_at=None)
    reaching = a_gap(database, from_at=week - timedelta(days=2), to_at=week + timedelta(hours=1))
    inside = a_gap(database, state=GapState.FILLED)
    a_gap(database, from_at=week - timedelta(days=2), to_at=week - timedelta(days=1))
    with database.reading() as session:
        assert [gap.id for gap in sources.lately_missed(session, week)] == [inside, reaching, lasting]


@pytest.mark.parametrize(
    "change",
    [
        lambda gap: setattr(gap, "posts", 7),
        lambda gap: setattr(gap, "due_at", now()),
        lambda gap: setattr(gap, "closed_at", now()),
    ],
    ids=["partly filled", "put off", "closed"],
)
def test_the_ledgers_mark_moves_with_what_happens_to_a_gap(database: Database, change: Callable[[Gap], None]) -> None:
    def mark() -> object:
        with database.reading() as session:
            return sources.ledger_mark(session)

    seen = {mark()}
    one = a_gap(database)
    seen.add(mark())
    with database.writing() as session:
        gap = session.get_one(Gap, one)
        change(gap)
        session.add(gap)
    seen.add(mark())
    assert len(seen) == 3
    assert mark() in seen
