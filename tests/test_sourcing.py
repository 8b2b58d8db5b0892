"""What people ask of a source is written down once, by whom, and never for what moved meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from connector import sourcing
from connector.collect.alerts import Alerts
from connector.config import Adapter, Config
from connector.errors import AlreadyDecidedError
from connector.models import Alert, AlertKind, AuditEntry, Gap, GapState, SourceState, now
from connector.store import Database


@pytest.fixture
def config(config: Config) -> Config:
    return config.model_copy(update={"sources": {"birds": Adapter(kind="sample"), "odd": Adapter(kind="smoke")}})


def audit(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        return [(entry.what, entry.by) for entry in session.exec(select(AuditEntry).order_by(AuditEntry.id))]  # type: ignore[arg-type]


def asked(database: Database, name: str = "birds") -> str:
    with database.reading() as session:
        return session.get_one(SourceState, name).asked


def a_gap(database: Database, **values: object) -> int:
    with database.writing() as session:
        gap = Gap(**({"source": "birds", "from_at": now() - timedelta(hours=2), "to_at": now()} | values))
        session.add(gap)
        session.flush()
        return gap.id or 0


def the_gap(database: Database) -> Gap:
    with database.reading() as session:
        return session.exec(select(Gap)).one()


def test_a_source_is_paused_and_taken_up_again(config: Config, database: Database) -> None:
    sourcing.pause(database, config, "birds", "Dana")
    assert asked(database) == "pause"
    with database.writing() as session:
        session.get_one(SourceState, "birds").state = "paused"  # the worker heard it
    sourcing.retry(database, config, "birds", "Kim")
    with database.reading() as session:
        state = session.get_one(SourceState, "birds")
    assert (state.asked, state.state) == ("retry", "catching up"), "it is not shown as paused until its first word"
    assert audit(database) == [("source: pause", "Dana"), ("source: retry", "Kim")]


def test_the_rest_of_its_state_stays(config: Config, database: Database) -> None:
    with database.writing() as session:
        session.add(SourceState(name="birds", kind="sample", cursor="7", state="running"))
    sourcing.pause(database, config, "birds", "Dana")
    with database.reading() as session:
        state = session.get_one(SourceState, "birds")
    assert (state.cursor, state.state) == ("7", "running")


def test_a_source_that_left_the_settings_cannot_be_asked(config: Config, database: Database) -> None:
    with pytest.raises(LookupError, match="name no source gone"):
        sourcing.retry(database, config, "gone", "Dana")
    assert audit(database) == []


def test_an_open_gap_is_filled_at_once_with_all_its_tries(database: Database) -> None:
    gap = a_gap(database, tries=20, error="The platform answers 503")
    sourcing.fill(database, gap, "Dana")
    due = the_gap(database)
    assert due.due_at
    assert due.due_at <= now()
    assert (due.tries, due.error, due.state) == (0, "", GapState.OPEN)
    assert audit(database) == [("gap: fill now", "Dana")]


@pytest.mark.parametrize("state", [GapState.FILLED, GapState.LOST])
def test_a_closed_gap_stays_as_it_is(database: Database, state: GapState) -> None:
    gap = a_gap(database, state=state)
    for verb in (sourcing.fill, sourcing.give_up):
        with pytest.raises(AlreadyDecidedError):
            verb(database, gap, "Dana")
    assert the_gap(database).state == state
    assert audit(database) == []


def test_a_gap_that_lasts_cannot_be_given_up(database: Database) -> None:
    with pytest.raises(AlreadyDecidedError):
        sourcing.give_up(database, a_gap(database, to_at=None), "Dana")
    assert the_gap(database).state == GapState.OPEN


def test_who_says_that_a_gap_is_lost_need_not_be_told_so(config: Config, database: Database) -> None:
    with database.writing() as session:
        session.add(SourceState(name="birds", kind="sample", state="paused"))
    sourcing.give_up(database, a_gap(database), "Dana")
    assert the_gap(database).state == GapState.LOST
    alerts = Alerts(database, config)
    alerts.review()
    with database.reading() as session:
        assert [alert.closed_at is None for alert in session.exec(select(Alert))] == [False]
    with database.writing() as session:  # the machine loses one as well
        session.add(Gap(source="birds", from_at=now(), to_at=now(), state=GapState.LOST, closed_at=now()))
    alerts.review()
    with database.reading() as session:
        assert [alert.closed_at is None for alert in session.exec(select(Alert))] == [False, True]


def test_an_alert_is_seen_once(database: Database) -> None:
    with database.writing() as session:
        session.add(Alert(source="birds", kind=AlertKind.LOST, says="Posts may be lost"))
    sourcing.seen(database, 1, "Dana")
    with pytest.raises(AlreadyDecidedError):
        sourcing.seen(database, 1, "Kim")
    assert audit(database) == [("alert: seen", "Dana")]


def test_nobody_knocks_before_the_time_that_a_platform_named(config: Config, database: Database) -> None:
    with database.writing() as session:
        session.add(SourceState(name="birds", kind="sample", retry_at=now() + timedelta(minutes=5)))
    well, says = sourcing.test(database, config, "birds")
    assert not well
    assert "asked not to be tried before" in says
    with database.writing() as session:
        session.get_one(SourceState, "birds").retry_at = now() - timedelta(seconds=1)
    assert sourcing.test(database, config, "birds")[0]


def test_testing_a_source_answers_with_a_sentence_whatever_is_wrong(config: Config, database: Database) -> None:
    assert sourcing.test(database, config, "birds")[0]
    well, says = sourcing.test(database, config, "odd")
    assert not well
    assert "smoke" in says
