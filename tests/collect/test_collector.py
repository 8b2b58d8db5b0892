"""The collector: posts and cursor in one commit, failures that stay with their source, gaps, budgets, wishes."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from connector import collect
from connector.collect import PAUSE, RETRY, Collector, filler
from connector.collect import inbox as inboxes
from connector.config import Config
from connector.errors import AuthError, SpentError, TemporaryError
from connector.incoming import Arrived, Batch, Deleted, Incoming, Missed
from connector.intake import Intake
from connector.models import Gap, GapState, Post, ReadCount, ReadHour, SourceState, now
from connector.sealing import Sealer
from connector.sources import Stopping
from connector.store import Database, catalogue, house
from connector.store import sources as questions
from connector.triage import Gazetteer
from tests.builders import a_rule
from tests.collect.invented import PUSHES, Told, batch, post, with_sources


class City:
    """A collector over sources that do as told, on a real database."""

    def __init__(self, database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> None:
        self.database, self.config, self.sealer, self.gazetteer = database, config, sealer, gazetteer
        with database.writing() as session:
            a_rule(session, "pothole")

    def collector(self, *sources: Told, worker: str = "worker") -> Collector:
        config = with_sources(self.config, *(source.name for source in sources))
        intake = Intake(config, self.sealer, self.gazetteer)
        return Collector(self.database, config, intake, {source.name: source for source in sources}, worker)

    @contextmanager
    def running(self, *sources: Told) -> Iterator[Collector]:
        """As the worker runs it, until the block ends."""
        collector, stopping = self.collector(*sources), threading.Event()
        broke: list[BaseException] = []

        def run() -> None:
            try:
                collector.start()
                while not stopping.is_set():
                    collector.store_next(0.02)
            except BaseException as error:  # noqa: BLE001 - raised below
                broke.append(error)
            finally:
                collector.stop()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield collector
        finally:
            stopping.set()
            thread.join(30)
        assert not thread.is_alive()
        assert not broke, broke

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(query).all())

    def ids(self) -> list[str]:
        return sorted(self.rows(select(Post.source_id)))

    def state(self, name: str) -> SourceState:
        return next(iter(self.rows(select(SourceState).where(SourceState.name == name))), SourceState(name=name))

    def ask(self, name: str, wish: str) -> None:
        with self.database.writing() as session:
            session.get_one(SourceState, name).asked = wish

    def was_alive(self, name: str, ago: float) -> None:
        """As if a worker had run until then."""
        with self.database.writing() as session:
            questions.state(session, name, "sample").alive_at = now() - timedelta(seconds=ago)

    def stored(self, *ids: str) -> None:
        until(lambda: set(ids) <= set(self.ids()))


def until(done: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def _quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filler, "LOOK", 0.05)
    monkeypatch.setattr(collect, "_OBEY", 0.05)


@pytest.fixture
def city(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> City:
    return City(database, config, sealer, gazetteer)


# -- posts and cursors -------------------------------------------------------------------------------------------------


def test_posts_and_their_cursor_are_stored_together_and_a_restart_goes_on_there(city: City) -> None:
    source = Told("a", city.config, [batch("1", "2", cursor="c2"), batch("3", cursor="c3")])
    with city.running(source):
        city.stored("1", "2", "3")
    assert city.state("a").cursor == "c3"
    again = Told("a", city.config, [batch("3", "4", cursor="c4")])
    with city.running(again):
        city.stored("4")
    assert again.began == ["c3"]
    assert city.ids() == ["1", "2", "3", "4"]


def test_what_was_handed_over_is_stored_before_it_stops(city: City) -> None:
    source = Told("a", city.config, [batch(str(n)) for n in range(30)])
    with city.running(source):
        until(lambda: bool(source.began))
    handed_over = 30 - len(source.steps)
    assert len(city.ids()) >= handed_over - 1
    assert city.state("a").cursor == (city.ids() and max(city.ids(), key=int))


def test_a_sign_of_life_moves_the_cursor_and_no_post(city: City) -> None:
    source = Told("a", city.config, [Batch([], "alive")])
    with city.running(source):
        until(lambda: city.state("a").cursor == "alive")
    state = city.state("a")
    assert (state.state, state.last_post_at) == ("running", None)
    assert state.alive_at


def test_an_hour_counts_what_was_delivered(city: City) -> None:
    with city.running(Told("a", city.config, [batch("1", "2"), batch("2", "3")])):
        city.stored("3")
    assert sum(hour.count for hour in city.rows(select(ReadHour))) == 4


def test_one_post_that_cannot_be_stored_keeps_no_other_back(city: City) -> None:
    bad = Incoming("2", "pothole", "en", b"", lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    whole = Batch([Arrived(post("1")), Arrived(bad), Arrived(post("3"))], "c")
    with city.running(Told("a", city.config, [whole, batch("4")])):
        city.stored("1", "3", "4")
    counts = {row.outcome: row.count for row in city.rows(select(ReadCount))}
    assert counts == {"new": 3, "refused: cannot be stored (ZeroDivisionError)": 1}


# -- failures ----------------------------------------------------------------------------------------------------------


def test_a_broken_source_takes_no_other_down(city: City) -> None:
    broken = Told("broken", city.config, [RuntimeError("of @ann_example"), AuthError("No.", "broken")] * 3)
    well = Told("well", city.config, [batch(str(n)) for n in range(5)])
    with city.running(broken, well):
        city.stored("0", "1", "2", "3", "4")
        until(lambda: "broke" in city.state("broken").last_error)
    assert city.state("broken").last_error == "The source broke: RuntimeError"
    assert city.state("well").last_error == ""


def test_the_platforms_word_on_when_to_come_back_is_kept(city: City) -> None:
    source = Told("a", city.config, [TemporaryError("Too many.", "a", 0.6), batch("1")])
    begin = time.monotonic()
    with city.running(source):
        city.stored("1")
    assert time.monotonic() - begin > 0.6
    assert len(source.began) == 2


def test_a_new_worker_waits_for_nothing_that_nobody_asked(city: City) -> None:
    with city.running(Told("a", city.config, [RuntimeError("a bug that the next version mends")])):
        until(lambda: city.state("a").state == "catching up")
    assert city.state("a").retry_at is None


def test_a_new_worker_keeps_to_it_too(city: City) -> None:
    first = Told("a", city.config, [TemporaryError("Too many.", "a", 3.0)])
    begin = time.monotonic()
    with city.running(first):
        until(lambda: city.state("a").state == "catching up")
    second = Told("a", city.config, [batch("1")])
    with city.running(second):
        city.stored("1")
    assert time.monotonic() - begin > 2.9


@pytest.mark.parametrize("paused", [False, True], ids=["asks again", "pauses it and lets it go on"])
def test_a_person_does_not_cut_the_platforms_wait_short(city: City, paused: bool) -> None:
    source = Told("a", city.config, [TemporaryError("Too many.", "a", 4.0), batch("1")])
    begin = time.monotonic()
    with city.running(source):
        until(lambda: city.state("a").state == "catching up")
        if paused:
            city.ask("a", PAUSE)
            until(lambda: city.state("a").state == "paused")
        city.ask("a", RETRY)
        until(lambda: city.state("a").asked == "")
        city.stored("1")
    assert time.monotonic() - begin > 3.9


def test_one_that_is_stopped_in_a_call_that_then_fails_rests_no_more(city: City) -> None:
    calling, told = threading.Event(), threading.Event()

    def hangs() -> None:
        calling.set()
        told.wait(10)
        raise AuthError("The token has expired.", "a")

    source = Told("a", city.config, [hangs, batch("1")])
    with city.running(source):
        assert calling.wait(10)
        city.ask("a", PAUSE)
        until(lambda: city.state("a").state == "paused")
        told.set()
        until(lambda: "expired" in city.state("a").last_error)
        city.ask("a", RETRY)
        city.stored("1")


def test_a_refused_credential_pauses_until_somebody_asks(city: City) -> None:
    source = Told("a", city.config, [AuthError("The token has expired; make a new one.", "a"), batch("1")])
    with city.running(source):
        until(lambda: city.state("a").state == "paused")
        assert city.state("a").last_error == "The token has expired; make a new one."
        time.sleep(0.3)
        assert len(source.began) == 1
        city.ask("a", RETRY)
        city.stored("1")
    assert city.state("a").asked == ""
    assert city.state("a").state == "running"


def test_what_came_before_a_failure_does_not_hide_it(city: City) -> None:
    """The reader notes its failure while batches of before still wait."""
    source = Told("a", city.config, [batch("1"), batch("2"), AuthError("The token has expired.", "a")])
    collector = city.collector(source)
    collector.start()
    until(lambda: city.state("a").state == "paused")
    while collector.store_next(0.1):
        pass
    assert (city.state("a").state, city.state("a").last_error) == ("paused", "The token has expired.")
    assert city.state("a").cursor == "2"
    collector.stop()


def test_a_person_pauses_it_and_lets_it_go_on(city: City) -> None:
    city.was_alive("a", 5)
    source = Told("a", city.config, [batch("1")])
    with city.running(source):
        city.stored("1")
        city.ask("a", PAUSE)
        until(lambda: city.state("a").state == "paused")
        source.then(batch("2"))
        time.sleep(0.3)
        assert city.ids() == ["1"]
    (gap,) = city.rows(select(Gap))
    assert (gap.cause, gap.to_at) == ("paused", None)
    again = Told("a", city.config, [batch("3")])
    with city.running(again):
        time.sleep(0.5)
        assert city.ids() == ["1"], "it stays paused when the worker starts anew"
        city.ask("a", RETRY)
        city.stored("3")


def test_a_wish_waits_while_the_database_does_not_answer(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = iter([OperationalError("database is locked", None, Exception())] * 3)
    heard = questions.heard

    def locked(*args: Any) -> None:
        if error := next(refusals, None):
            raise error
        heard(*args)

    monkeypatch.setattr(questions, "heard", locked)
    source = Told("a", city.config, [AuthError("The token is wrong.", "a"), batch("1")])
    with city.running(source):
        until(lambda: city.state("a").state == "paused")
        city.ask("a", RETRY)
        city.stored("1")


def test_a_batch_that_was_forgotten_while_it_was_stored_takes_no_other_with_it(city: City) -> None:
    """A lease may be lost and won again while one commit waits for the database."""
    source = Told("a", city.config)
    inbox = inboxes.Inbox(source, threading.Condition())
    old, new = inboxes.Handed(source, batch("1")), inboxes.Handed(source, batch("2"))
    inbox.put(old, lambda: False)
    assert inbox.next() is old
    inbox.forget()
    inbox.put(new, lambda: False)
    inbox.stored(old)
    assert inbox.next() is new
    inbox.stored(new)
    assert inbox.next() is None


# -- the ledger --------------------------------------------------------------------------------------------------------


def test_a_source_that_reads_on_fills_its_own_gap(city: City) -> None:
    city.was_alive("a", 3600)
    source = Told("a", city.config, [TemporaryError("It answers 503.", "a", 0.3), batch("1")])
    with city.running(source):
        until(lambda: any(gap.to_at is None for gap in city.rows(select(Gap))))
        city.stored("1")
        until(lambda: all(gap.state == "filled" for gap in city.rows(select(Gap))))
    (gap,) = city.rows(select(Gap))
    assert (gap.cause, gap.why) == ("disconnect", "It read on from where it was")
    assert 3590 < (gap.to_at - gap.from_at).total_seconds() < 3630


def test_a_worker_that_was_down_leaves_a_line(city: City) -> None:
    city.was_alive("a", 7200)
    with city.running(Told("a", city.config, [batch("1")])):
        city.stored("1")
    (gap,) = city.rows(select(Gap))
    assert (gap.cause, gap.state) == ("down", "filled")


def test_a_short_failure_of_a_source_that_reads_on_is_not_worth_a_line(city: City) -> None:
    city.was_alive("a", 3)
    with city.running(Told("a", city.config, [TemporaryError("Hm.", "a", 0.1), batch("1")])):
        city.stored("1")
    assert city.rows(select(Gap)) == []


def test_what_a_stream_says_it_missed_ends_the_gap_that_lasted_and_is_filled(city: City) -> None:
    begin = now() - timedelta(hours=1)
    city.was_alive("x", 3600)
    missed = Missed(begin, now(), "The stream was cut off")
    source = Told("x", city.config, [TemporaryError("Cut.", "x", 0.2, "rate limit"), Batch([missed], "c")], PUSHES)
    source.fills = [batch("7", cursor="page 1"), TemporaryError("Slow.", "x", 0.0), batch("8", cursor="page 2")]
    with city.running(source):
        city.stored("7", "8")
        until(lambda: [gap.state for gap in city.rows(select(Gap))] == ["filled"])
    (gap,) = city.rows(select(Gap))
    assert (gap.cause, gap.why, gap.posts, gap.tries) == ("rate limit", "The stream was cut off", 2, 0)
    assert [cursor for _, _, cursor in source.asked] == ["", "page 1"], "it goes on behind the page that is stored"
    assert city.state("x").cursor == "c", "filling moves no cursor of the stream"


def test_a_gap_that_lasted_ends_though_the_stream_has_nothing_to_tell_of_it(city: City) -> None:
    """Its first connection was refused: it was never alive, so it cannot say since when it missed something."""
    source = Told("x", city.config, [AuthError("The token is wrong.", "x")], PUSHES)
    with city.running(source):
        until(lambda: [gap.to_at for gap in city.rows(select(Gap))] == [None])
        source.then(Batch([], "alive"))
        city.ask("x", RETRY)
        until(lambda: [gap.state for gap in city.rows(select(Gap))] == ["filled"])
    assert len(source.asked) == 1


def test_the_part_that_cannot_be_had_stands_apart(city: City) -> None:
    begin, middle, end = (now() - timedelta(hours=hours) for hours in (3, 2, 1))
    source = Told("x", city.config, [Batch([Missed(begin, end, "It was down")], "c")], PUSHES)
    source.fills = [Batch([Missed(begin, middle, "Beyond 7 days", lost=True), Arrived(post("7"))], "page 1")]
    with city.running(source):
        until(lambda: sorted(gap.state for gap in city.rows(select(Gap))) == ["filled", "lost"])
    found = {gap.state: (gap.from_at, gap.to_at) for gap in city.rows(select(Gap))}
    assert found == {"lost": (begin, middle), "filled": (middle, end)}


def test_a_gap_that_is_lost_altogether_is_one_line(city: City) -> None:
    begin, end = now() - timedelta(hours=3), now() - timedelta(hours=2)
    source = Told("x", city.config, [Batch([Missed(begin, end, "It was down")], "c")], PUSHES)
    source.fills = [Batch([Missed(begin, end, "Beyond 7 days", lost=True)], "p")]
    with city.running(source):
        until(lambda: [gap.state for gap in city.rows(select(Gap))] == ["lost"])


def test_deletions_of_posts_that_we_hold_are_asked_for(city: City) -> None:
    source = Told("x", city.config, [], PUSHES)
    source.gone = {"2"}
    city.was_alive("x", 1)
    with city.database.writing() as session:
        session.add(Post(source="x", source_id="1", text="here"))
        session.add(Post(source="x", source_id="2", text="gone"))
        session.add(Post(source="y", source_id="2", text="of another"))
    with city.running(source):
        until(lambda: "gone" not in city.rows(select(Post.text)))
        until(lambda: due_again(city) > timedelta(hours=19))
    assert sorted(city.rows(select(Post.text))) == ["", "here", "of another"]


def due_again(city: City) -> timedelta:
    """How long until the platform of source x is asked again for posts that are gone; 0: it was not asked yet."""
    with city.database.reading() as session:
        last = house.setting(session, "checked.x")
    return datetime.fromisoformat(last) + filler.CHECK_EVERY - now() if last else timedelta()


def refused(stopping: Stopping) -> None:
    raise TemporaryError("Later.", "x")


@pytest.mark.parametrize(
    "checking",
    [
        pytest.param(lambda stopping: stopping(30), id="it is stopped"),
        pytest.param(refused, id="it fails"),
    ],
)
def test_asking_for_deletions_that_came_to_no_end_is_repeated_within_the_hour(
    city: City, checking: Callable[[Stopping], object]
) -> None:
    begun = threading.Event()
    source = Told("x", city.config, [], PUSHES)
    source.checking = lambda stopping: (begun.set(), checking(stopping))
    with city.running(source):
        assert begun.wait(20)
    assert timedelta(minutes=50) < due_again(city) <= timedelta(hours=1)


def test_a_worker_that_is_killed_while_it_asks_for_deletions_asks_again_within_the_hour(city: City) -> None:
    begun, go_on = threading.Event(), threading.Event()
    source = Told("x", city.config, [], PUSHES)
    source.checking = lambda stopping: (begun.set(), go_on.wait(20))
    with city.running(source):
        assert begun.wait(20)
        as_killed = due_again(city)
        go_on.set()
    assert timedelta(minutes=50) < as_killed <= timedelta(hours=1)


@contextlib.contextmanager
def filling(city: City, source: Told) -> Iterator[inboxes.Inbox]:
    """What a filler brings of this source, with nobody who stores it."""
    waiting = inboxes.Inbox(source, threading.Condition())
    filling = filler.Filler(city.database, lambda: {"x": source}, lambda _: waiting)
    filling.start()
    try:
        yield waiting
    finally:
        filling.stop()
        until(lambda: filling.ended)


def test_asking_for_deletions_ends_when_they_are_stored(city: City) -> None:
    with city.database.writing() as session:
        session.add(Post(source="x", source_id="2", text="gone"))
    source = Told("x", city.config, [], PUSHES)
    source.gone = {"2"}
    with filling(city, source) as waiting:
        until(lambda: waiting.waits)
        time.sleep(0.2)
        assert due_again(city) <= timedelta(hours=1), "killed now, nobody would erase it until tomorrow"
        page = waiting.next()
        assert page
        waiting.stored(page)
        until(lambda: due_again(city) > timedelta(hours=19))


# -- rules and budgets -------------------------------------------------------------------------------------------------


def test_sources_are_told_the_rules_and_every_change(city: City) -> None:
    source = Told("a", city.config)
    with city.running(source):
        until(lambda: len(source.wanted) == 1)
        with city.database.writing() as session:
            a_rule(session, "crater")
            catalogue.touch(session)
        until(lambda: len(source.wanted) == 2)
    assert [rule.expression for rule in source.wanted[-1]] == ["pothole", "crater"]


def test_a_budget_begins_with_what_the_month_has_used(city: City) -> None:
    today = now().astimezone(city.config.city.zone).date()
    with city.database.writing() as session:
        used = [("new", 70), ("deleted", 500), ("refused: no id", 500)]
        session.add_all(ReadCount(source="a", day=today, outcome=outcome, count=count) for outcome, count in used)
    source = Told("a", city.config, monthly_limit=100)
    taken: list[int] = []
    source.then(lambda: taken.append(source.budget.take(100)), lambda: source.budget.take(1), batch("1"))
    with city.running(source):
        until(lambda: city.state("a").state == "paused")
    assert taken == [30]
    assert "monthly_limit" in city.state("a").last_error
    assert city.rows(select(Gap.cause)) == ["credits"]


def test_troubles_of_a_source_that_is_read_on_are_kept_for_its_page(city: City) -> None:
    source = Told("a", city.config, [batch("1")])
    source.troubles = ["X refuses the rule “Potholes”: it is too long."]
    with city.running(source):
        until(lambda: city.state("a").troubles == source.troubles)
        source.troubles = []
        until(lambda: city.state("a").troubles == [])


def test_a_cause_that_waits_for_a_person_is_the_gaps_cause(city: City) -> None:
    city.was_alive("a", 600)
    source = Told("a", city.config, [TemporaryError("Cut.", "a", 0.1), AuthError("The token has expired.", "a")])
    with city.running(source):
        until(lambda: [gap.cause for gap in city.rows(select(Gap))] == ["refused"])


def test_used_up_credits_pause_it(city: City) -> None:
    with city.running(Told("a", city.config, [SpentError("No credits are left.", "a")])):
        until(lambda: city.state("a").state == "paused")


# -- more than can be stored -------------------------------------------------------------------------------------------


def _lock(database: Database) -> sqlite3.Connection:
    connection = sqlite3.connect(database.file or "", isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_locked_for_a_minute_costs_no_post_and_no_stream(
    city: City, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A minute at 2,000 posts a second, twenty times as fast: 120,000 posts while the database is locked for 3 s."""
    texts = [b"nothing to see here" if n % 200 else b"pothole on Elm St" for n in range(120_000)]
    slowest = 0.0

    def measured(put: Callable[..., bool]) -> Callable[..., bool]:
        def wrapped(*args: Any) -> bool:
            nonlocal slowest
            begin = time.monotonic()
            done = put(*args)
            slowest = max(slowest, time.monotonic() - begin)
            return done

        return wrapped

    source = Told("x", city.config, [], PUSHES)
    sent = [Batch([Arrived(post(str(n), texts[n].decode())) for n in range(at, at + 500)], str(at + 500))
            for at in range(0, 120_000, 500)]  # fmt: skip
    with city.running(source) as collector:
        source.then(batch("first"))
        city.stored("first")
        locked = _lock(database)
        inbox = collector._inbox("x")
        monkeypatch.setattr(inbox, "put", measured(inbox.put))
        begin = time.monotonic()
        for part in sent:
            source.then(part)
        until(lambda: not source.steps, 60)
        assert time.monotonic() - begin < 30
        assert len(inbox._memory) <= inboxes._ROOM
        time.sleep(max(0.0, 3 - (time.monotonic() - begin)))
        locked.rollback()
        locked.close()
        until(lambda: city.state("x").cursor == "120000", 120)
    assert slowest < 1, "so long the platform would have waited for us"
    counts = {row.outcome: row.count for row in city.rows(select(ReadCount))}
    assert counts == {"new": 601, "unmatched": 119_400}
    assert city.rows(select(Gap)) == []
    assert list((city.config.home / "spool" / "x").iterdir()) == []


def test_what_was_spooled_when_it_was_killed_is_stored_by_the_next(city: City) -> None:
    first = Told("x", city.config, [], PUSHES)
    collector = city.collector(first)
    collector.start()
    try:
        first.then(*(batch(str(n)) for n in range(20)))
        until(lambda: not first.steps)  # four in memory, the others on disk, none stored
    finally:
        for reader in collector._readers.values():
            reader.stop()
        collector._filler.stop()
        if collector._leases:
            collector._leases.stop()
    second = Told("x", city.config, [], PUSHES)
    with city.running(second):
        until(lambda: len(city.ids()) == 16)
        second.then(batch("20"))
        city.stored("20")
    assert city.ids() == sorted(str(n) for n in range(4, 21))
    assert second.began == ["19"], "it goes on behind what is on disk; the four in memory are its gap"


def test_a_deletion_in_the_spool_erases_what_came_before_it(city: City) -> None:
    source = Told("x", city.config, [], PUSHES)
    collector = city.collector(source)
    collector.start()
    source.then(*(batch(str(n)) for n in range(6)), Batch([Deleted("5")], "c"))
    until(lambda: not source.steps)
    while collector.store_next(0.1):
        pass
    collector.stop()
    assert {p.source_id for p in city.rows(select(Post)) if p.gone_at} == {"5"}


def test_a_gap_is_not_tried_again_before_what_it_brought_is_stored(city: City) -> None:
    begin, end = now() - timedelta(hours=2), now() - timedelta(hours=1)
    with city.database.writing() as session:
        session.add(Gap(source="x", from_at=begin, to_at=end, why="Cut.", state=GapState.OPEN, due_at=now()))
    source = Told("x", city.config, [], PUSHES)
    source.fills = [batch("7", cursor="page 1"), TemporaryError("Slow.", "x", 0.0)]
    with filling(city, source) as waiting:
        until(lambda: waiting.waits)
        time.sleep(0.3)
        assert len(source.asked) == 1, "nobody has stored the page yet"
        assert city.rows(select(Gap.tries)) == [0]
        page = waiting.next()
        assert page
        waiting.stored(page)
        until(lambda: city.rows(select(Gap.tries)) != [0])
