"""X's filtered stream through tweepy, over a socket: what comes, what is odd, how it ends, and what was missed."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.errors import AdapterError, AuthError, RefusedError, SpentError, TemporaryError
from connector.incoming import Arrived, Missed, Refused
from connector.models import GapCause
from connector.sources import Wanted
from connector.sources.x.live import Cursor, Seen
from connector.sources.x.messages import NO_POST, End, ended, message, not_opened
from connector.sources.x.source import Pace
from connector.sources.x.stream import KeepAlive, Line, Stream, lines
from tests.contracts import assert_tells_nothing
from tests.peers.x_faults import DISCONNECTS, Fault
from tests.peers.x_plans import ENTERPRISE
from tests.peers.x_simulator import Simulator, x_simulator
from tests.source_contract import Reading
from tests.sources.x_peer import QUICK, QUICK_PACE, a_source

BEFORE, AFTER = timedelta(seconds=QUICK_PACE.before), timedelta(seconds=QUICK_PACE.after)


@pytest.fixture
def x() -> Iterator[Simulator]:
    with x_simulator(**QUICK) as simulator:
        yield simulator


def reading(x: Simulator, *rules: Wanted, cursor: str = "", shrink: float = 0.01, **settings: Any) -> Reading:
    return Reading(a_source(x, *rules, pace=QUICK_PACE, **settings), cursor, shrink)


def ready(it: Reading) -> None:
    it.until(lambda: bool(it.batches))


def arrived(it: Reading, text: str) -> Any:
    """The post of this text, once it is there."""
    it.until(lambda: any(post.text == text for post in it.posts))
    return next(post for post in it.posts if post.text == text)


def of(it: Reading, kind: type) -> list[Any]:
    return [event for event in it.events if isinstance(event, kind)]


def alive_at(cursor: str) -> datetime:
    found = Cursor.read(cursor).alive_at
    assert found
    return found


# -- what comes ------------------------------------------------------------------------------------------------------


ODD: dict[str, Fault] = {
    "without_tag": Fault.without_tag(),
    "null_tag": Fault.null_tag(),
    "int_rule_ids": Fault.int_rule_ids(),
    "unknown_fields": Fault.unknown_fields(),
    "partial_errors": Fault.partial_errors(),
    "byte by byte": Fault.split(1),
    "cut between CR and LF": Fault.split(),
    "cut anywhere": Fault.split(700, 1, 13),
    "a keep-alive in its chunk": Fault.extra_keep_alive(),
    "late": Fault.slow(0.3),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_message_is_read_like_any_other(x: Simulator, odd: str) -> None:
    with reading(x, Wanted(7, 3, "pothole")) as it:
        ready(it)
        x.fail("stream", ODD[odd])
        x.emit("A pothole on Elm St")
        post = arrived(it, "A pothole on Elm St")
        assert post.named == ((7, 3),)
        assert post.detail.author.handle == "a_resident"
        assert len(of(it, Arrived)) == 1
        assert not of(it, Refused)
        assert not it.errors


def test_numbers_for_ids_of_rules_are_no_obstacle(x: Simulator) -> None:
    with reading(x, Wanted(7, 3, "pothole")) as it:
        ready(it)
        x.fail("stream", Fault.int_rule_ids())
        x.fail("stream", Fault.without_tag())
        x.emit("A pothole on Elm St")
        assert arrived(it, "A pothole on Elm St").named == ((7, 3),)


def test_a_spooled_post_names_the_same_rules(x: Simulator) -> None:
    x.add_rule("street", "by hand")
    with reading(x, Wanted(7, 3, "street")) as it:
        ready(it)
        x.emit("A pothole in our street")
        post = arrived(it, "A pothole in our street")
        assert it.source.decoded(post.raw).named == post.named == ((7, 3),)


def test_a_message_without_rules_is_a_post_that_x_names_no_rule_for(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("stream", Fault.without_rules())
        x.emit("A pothole on Elm St")
        assert arrived(it, "A pothole on Elm St").named == ()


@pytest.mark.parametrize(("fault", "why"), [(Fault.broken_line(), "not JSON"), (Fault.unknown_message(), NO_POST)])
def test_what_is_no_post_is_counted_and_the_stream_lives_on(x: Simulator, fault: Fault, why: str) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("stream", fault, times=3)
        for number in range(5):
            x.emit(f"Pothole {number}")
        arrived(it, "Pothole 4")
        assert [refused.why for refused in of(it, Refused)] == [why] * 3
        assert len(of(it, Arrived)) == 5
    assert not it.errors
    assert len(x.tried("stream")) == 1


def test_a_post_that_comes_twice_is_told_once(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("stream", Fault.twice(), times=30)
        for number in range(40):
            x.emit(f"Pothole {number}")
        arrived(it, "Pothole 39")
        assert len(of(it, Arrived)) == 40


def test_posts_in_disorder_all_come(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("stream", Fault.hold(3), times=4)
        ids = {x.emit(f"Pothole {number}").id for number in range(20)}
        it.until(lambda: ids <= it.ids)


def test_every_rule_of_ours_that_met_it_is_named(x: Simulator) -> None:
    x.add_rule("street", "by hand")
    rules = Wanted(1, 1, "pothole"), Wanted(2, 5, "street"), Wanted(3, 2, "pothole"), Wanted(4, 1, "leak")
    with reading(x, *rules) as it:
        ready(it)
        x.emit("A pothole in our street")
        assert sorted(arrived(it, "A pothole in our street").named) == [(1, 1), (2, 5), (3, 2)]


def test_batches_are_small_and_wait_for_others(x: Simulator) -> None:
    told = a_source(x, pace=Pace(flush=0.5)).events("", lambda _: False)
    next(told)
    for number in range(1200):
        x.emit(f"Pothole {number}")
    end = time.monotonic() + 20
    while not x.account[-1].written_to and time.monotonic() < end:
        time.sleep(0.01)
    sizes: list[int] = []
    while sum(sizes) < 1200:
        sizes.append(len(next(told).events))
    told.close()  # type: ignore[attr-defined]
    assert max(sizes) == 500
    assert len(sizes) < 10


def test_a_quiet_stream_says_that_it_is_well_and_until_when(x: Simulator) -> None:
    with reading(x) as it:
        it.until(lambda: len({batch.cursor for batch in it.batches}) >= 3)
        moments = [alive_at(batch.cursor) for batch in it.batches]
    assert not it.events
    assert moments == sorted(moments)
    assert abs((datetime.now(UTC) - moments[-1]).total_seconds()) < 3


@given(st.lists(st.binary(max_size=12).map(lambda part: part.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_are_the_same_however_they_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(part + b"\r\n" for part in parts)
    chunks = []
    while whole:
        size = data.draw(st.integers(1, len(whole)))
        chunks.append(whole[:size])
        whole = whole[size:]
    coming = iter([*chunks, b""])
    response: Any = SimpleNamespace(raw=SimpleNamespace(read1=lambda *_, **__: next(coming)))
    assert list(lines(response)) == [part.strip() for part in parts]


def test_a_message_without_end_is_passed_over() -> None:
    coming = iter([b'{"a": "', *range(60), b'"}\r\n{"b": 1}\r\n', b""])

    def read1(*_: Any, **__: Any) -> bytes:
        part = next(coming)
        return bytes(2**20) if isinstance(part, int) else part

    response: Any = SimpleNamespace(raw=SimpleNamespace(read1=read1))
    tracemalloc.start()
    try:
        assert list(lines(response)) == [b"...", b'{"b": 1}']
        assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    finally:
        tracemalloc.stop()


def test_the_last_ids_are_known_and_older_ones_forgotten() -> None:
    seen = Seen(room=3)
    for id in "abacd":
        seen.add(id)
    assert [id in seen for id in "abcd"] == [True, False, True, True]


# -- ends ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DISCONNECTS)
def test_every_kind_of_disconnect_is_explained_and_the_gap_has_its_cause(x: Simulator, kind: str) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("stream", Fault.disconnect(kind))
        it.until(lambda: bool(of(it, Missed)))
    (error,), (gap,) = it.errors, of(it, Missed)
    assert_tells_nothing(error)
    assert str(error).startswith("X ended the stream ")
    assert "not known" not in str(error)
    if kind == "ClientApplicationStateDegraded":
        assert isinstance(error, AuthError)
        assert gap.cause is GapCause.REFUSED
    else:
        assert isinstance(error, TemporaryError)
        assert error.retry_after == (5 if kind in ("ForceDisconnect", "InvalidRules") else 0)
        assert gap.cause is (GapCause.BACK_PRESSURE if kind == "SlowReader" else GapCause.DISCONNECT)
    assert gap.why == str(error)


@pytest.mark.parametrize("say", [ended, not_opened])
def test_a_word_of_x_that_nobody_knows_is_repeated_only_if_it_is_one(say: Callable[[str, str], End]) -> None:
    assert "SolarFlare" in str(say("SolarFlare", "way-in").error)
    assert "quarryhill" not in str(say("from @quarryhill_ana", "way-in").error)
    assert isinstance(say("SolarFlare", "way-in").error, TemporaryError)


def test_an_end_that_is_told_at_the_top_of_a_message_is_one(x: Simulator) -> None:
    for line in (b'{"title": "x", "disconnect_type": "SlowReader"}', b'{"connection_issue": "TooManyConnections"}'):
        assert isinstance(message(line, "way-in", "", {}), End)


@pytest.mark.parametrize(
    ("fault", "kind", "says", "wait"),
    [
        (Fault.unauthorized(), AuthError, "bearer_token", None),
        (Fault.forbidden(), AuthError, "project", None),
        (Fault.answer(403, {"title": "Forbidden", "detail": "Nobody may."}), AuthError, "Nobody may", None),
        (Fault.credits_depleted(), SpentError, "credits", None),
        (Fault.usage_capped(), SpentError, "cap", None),
        (Fault.answer(302, "", Location="https://elsewhere.example"), AuthError, "endpoint", None),
        (Fault.answer(400, {"title": "Invalid Request", "detail": "What?"}), RefusedError, "What?", None),
        (Fault.connection_issue("TooManyConnections"), TemporaryError, "as many streams", 60),
        (Fault.connection_issue("ProvisioningSubscription"), TemporaryError, "plan", 60),
        (Fault.connection_issue("RuleConfigurationIssue"), TemporaryError, "no rule", 5),
        (Fault.connection_issue("RulesInvalidIssue"), TemporaryError, "not valid", 5),
        (Fault.server_error(500), TemporaryError, "500", 5),
        (Fault.server_error(503), TemporaryError, "503", 5),
        (Fault.page(503), TemporaryError, "503", 5),
        (Fault.reset(), TemporaryError, "broke off", 0),
        (Fault.close(), TemporaryError, "broke off", 0),
    ],
)
def test_what_x_says_instead_of_a_stream_is_explained(
    x: Simulator, fault: Fault, kind: type[AdapterError], says: str, wait: float | None
) -> None:
    x.fail("stream", fault)
    with reading(x, shrink=0.001) as it:
        it.until(lambda: bool(it.errors))
        ready(it)
    (error,) = it.errors
    assert type(error) is kind or kind is RefusedError
    assert isinstance(error, kind)
    assert says in str(error)
    assert_tells_nothing(error)
    assert getattr(error, "retry_after", None) == wait


@pytest.mark.parametrize(
    ("fault", "says", "wait"), [(Fault.server_error(503), "503", 5), (Fault.rate_limited(150), "many", 151)]
)
def test_an_answer_that_breaks_off_is_waited_for_as_its_status_asks(
    x: Simulator, fault: Fault, says: str, wait: float
) -> None:
    x.fail("stream", fault)
    x.fail("stream", Fault.half())
    with reading(x, shrink=0.001) as it:
        it.until(lambda: bool(it.errors))
        ready(it)
    (error,) = it.errors
    assert says in str(error)
    assert getattr(error, "retry_after", None) == pytest.approx(wait, abs=2)


def test_rules_are_compared_again_where_x_says_that_there_is_none(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        for rule in x.rules:
            x.world.remove_rule(rule)
        x.fail("stream", Fault.drop())
        it.until(lambda: bool(x.rules))
        x.emit("A pothole after all")
        it.until(lambda: len(of(it, Missed)) > 0)
    assert any("no rule" in str(error) for error in it.errors)


@pytest.mark.parametrize(("named", "least"), [(20.0, 60.0), (300.0, 300.0)])
def test_the_end_of_a_rate_limit_is_honoured_if_it_is_later_than_documented(
    x: Simulator, named: float, least: float
) -> None:
    x.fail("stream", Fault.rate_limited(named))
    with reading(x, shrink=0.001) as it:
        it.until(lambda: bool(it.errors))
    error = it.errors[0]
    assert isinstance(error, TemporaryError)
    assert error.retry_after is not None
    assert least <= error.retry_after <= least + 3
    assert error.cause == GapCause.RATE_LIMIT


def test_a_limit_that_is_not_used_up_is_no_reason_to_wait_for_its_end(x: Simulator) -> None:
    x.fail("stream", Fault.answer(429, {"title": "Too Many Requests"}))
    with reading(x, shrink=0.001) as it:
        it.until(lambda: bool(it.errors))
    assert x.limits.headers("stream")["x-rate-limit-remaining"] != "0"
    assert it.errors[0].retry_after == 60  # type: ignore[attr-defined]


def test_waits_are_those_of_x_over_the_wire() -> None:
    """A minute of X's lasts a quarter of a second here, on both sides."""
    with x_simulator(scale=240, keep_alive=20, rule_delay=0) as x:
        x.fail("stream", Fault.server_error(503), times=4)
        x.fail("stream", Fault.rate_limited(90))
        x.fail("stream", Fault.end(), times=6)
        pace = Pace(scale=240, stall=1200, now=lambda: datetime.fromtimestamp(x.clock.now(), UTC))
        with Reading(a_source(x, pace=pace), shrink=1) as it:
            it.until(lambda: len(x.tried("stream")) >= 12)
            x.wait_for_stream()
            x.emit("A pothole on Elm St")
            arrived(it, "A pothole on Elm St")
            time.sleep(0.3)  # more than the minute after which a stream has lived
            x.fail("stream", Fault.server_error(503))
            x.fail("stream", Fault.drop())
            it.until(lambda: len(it.errors) >= 13)
        waits, told = x.waits("stream"), [error.retry_after * 240 for error in it.errors]  # type: ignore[attr-defined]
    documented = [5.0, 10.0, 20.0, 40.0, 75.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 0.0, 5.0]
    assert told == pytest.approx([*documented[:4], told[4], *documented[5:]])
    assert 75 <= told[4] <= 93  # some of the 90 s pass while X writes the answer
    assert all(wait >= least for wait, least in zip(waits, documented, strict=False))


def test_accepting_and_closing_is_no_storm(x: Simulator) -> None:
    x.fail("stream", Fault.end(), times=None)
    with reading(x, shrink=0.2) as it:
        it.until(lambda: len(x.tried("stream")) >= 7)
    documented = [0, 0.25, 0.5, 0.75, 1, 1.25]
    assert [error.retry_after for error in it.errors[:6]] == documented  # type: ignore[attr-defined]
    assert all(wait >= least * 0.2 for wait, least in zip(x.waits("stream"), documented, strict=False))
    assert not of(it, Missed)
    assert not it.batches


def test_a_stream_that_falls_silent_is_left(x: Simulator) -> None:
    source = a_source(x, pace=Pace(flush=0.02, stall=0.6))
    with Reading(source, shrink=0.01) as it:
        ready(it)
        time.sleep(0.8)
        assert not it.errors
        x.fail("stream", Fault.stall())
        it.until(lambda: bool(it.errors))
        assert "Nothing came from X for 0.6 s" in str(it.errors[0])
        x.emit("A pothole after all")
        it.until(lambda: bool(of(it, Missed)))


def test_while_nobody_listens_there_the_waits_grow_from_none(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.refuse(0.6)
        it.until(lambda: bool(of(it, Missed)))
    assert [error.retry_after for error in it.errors[:3]] == [0, 0.25, 0.5]  # type: ignore[attr-defined]
    assert all("cannot be reached" in str(error) for error in it.errors)


@pytest.mark.parametrize("where", ["stream", "rules"])
def test_it_stops_within_two_seconds_while_x_does_not_answer(x: Simulator, where: str) -> None:
    x.fail(where, Fault.silence(), times=None)
    it = reading(x).__enter__()
    it.until(lambda: bool(x.tried(where)))
    assert it.stop() < 1
    assert not it.broke


def test_it_stops_within_two_seconds_while_the_stream_is_silent() -> None:
    with x_simulator(keep_alive=3600, rule_delay=0.0) as x:
        it = reading(x).__enter__()
        stream = x.wait_for_stream()
        assert it.stop() < 1
        end = time.monotonic() + 2
        while stream in x.streams and time.monotonic() < end:
            time.sleep(0.02)
        assert not x.streams


def test_posts_that_came_before_it_was_told_to_stop_are_handed_over(x: Simulator) -> None:
    source = a_source(x, pace=Pace(flush=60))
    with Reading(source) as it:
        x.wait_for_stream()
        x.emit("A pothole on Elm St")
        it.until(lambda: bool(x.account[0].written_to))
        time.sleep(0.5)
        assert not it.posts
    assert [post.text for post in it.posts] == ["A pothole on Elm St"]


# -- gaps ------------------------------------------------------------------------------------------------------------


def test_the_first_connection_of_all_has_missed_nothing(x: Simulator) -> None:
    with reading(x) as it:
        it.until(lambda: len(it.batches) > 1)
    assert not it.events


def test_after_a_restart_the_gap_begins_before_the_last_sign_of_life(x: Simulator) -> None:
    with reading(x) as first:
        ready(first)
    time.sleep(0.3)
    begun = datetime.now(UTC)
    with reading(x, cursor=first.cursor) as second:
        ready(second)
    (gap,) = of(second, Missed)
    assert gap.from_at == alive_at(first.cursor) - BEFORE
    assert begun + AFTER < gap.to_at < datetime.now(UTC) + AFTER
    assert gap.cause is GapCause.DOWN
    assert alive_at(second.cursor) > begun


def test_a_stream_that_brings_nothing_ends_no_gap(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        before = alive_at(it.cursor)
        x.fail("stream", Fault.end(), times=4)
        it.until(lambda: len(it.errors) >= 4)
        it.until(lambda: bool(of(it, Missed)))
    (gap,) = of(it, Missed)
    assert gap.from_at >= before - BEFORE
    accepted = [attempt.at for attempt in x.tried("stream")]
    assert gap.to_at.timestamp() >= accepted[-1] + AFTER.total_seconds() - 0.1


def test_a_sign_of_life_that_may_have_waited_for_us_has_no_time(x: Simulator) -> None:
    stream = Stream("way-in", SecretStr("token"), x.url, 45, lambda: datetime.now(UTC))
    stream.on_data(b"{}")
    stream.on_keep_alive()
    assert [stream.take(1), stream.take(1)] == [Line(b"{}"), KeepAlive(None)]
    stream.on_keep_alive()
    assert isinstance(fresh := stream.take(1), KeepAlive)
    assert fresh.at


def test_posts_that_waited_for_us_when_x_cut_us_off_lie_in_the_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """What came last is not what was written last: the rest was in nobody's hands."""
    monkeypatch.setattr("connector.sources.x.stream.ROOM", 20)
    with x_simulator(**QUICK, slow_after=0.3, send_buffer=4096) as x:
        source = a_source(x, pace=Pace(flush=0.02, before=0.5))
        found: set[str] = set()
        gaps: list[Missed] = []
        cursor = ""
        told = source.events(cursor, lambda _: False)
        cursor = next(told).cursor
        while x.streams and len(x.account) < 60_000:
            for _ in range(100):
                x.emit("A pothole on Elm St " + "x" * 12_000)
        assert x.tried("stream")[0].ending == "SlowReader"
        time.sleep(1.5)
        end = time.monotonic() + 20
        while not gaps and time.monotonic() < end:
            try:
                for batch in told:
                    cursor = batch.cursor
                    found |= {event.post.source_id for event in batch.events if isinstance(event, Arrived)}
                    gaps += [event for event in batch.events if isinstance(event, Missed)]
                    if gaps:
                        break
            except TemporaryError:
                told = source.events(cursor, lambda _: False)
        told.close()  # type: ignore[attr-defined]
        (gap,) = gaps
        missed = [emitted for emitted in x.account if emitted.id not in found]
    assert missed
    assert all(gap.from_at.timestamp() <= one.at <= gap.to_at.timestamp() for one in missed)
    assert gap.from_at.timestamp() > missed[0].at - 2  # and not much more than these


def test_a_clock_that_was_set_back_makes_no_gap_that_ends_before_it_begins(x: Simulator) -> None:
    late = str(Cursor(datetime.now(UTC) + timedelta(hours=3)))
    with reading(x, cursor=late) as it:
        ready(it)
    (gap,) = of(it, Missed)
    assert gap.from_at < gap.to_at


@pytest.mark.parametrize(
    "cursor", ["", "{}", "no JSON", '{"alive_at": "yesterday"}', '{"alive_at": "2026-01-01T00:00:00"}']
)
def test_from_a_cursor_that_says_nothing_it_begins_now(x: Simulator, cursor: str) -> None:
    with reading(x, cursor=cursor) as it:
        ready(it)
    assert not of(it, Missed)


def test_what_x_sends_again_was_not_missed() -> None:
    recently, long_ago = (str(Cursor(datetime.now(UTC) - timedelta(minutes=ago))) for ago in (2, 60))
    with x_simulator(plan=ENTERPRISE, **QUICK) as x:
        settings = {"plan": "enterprise", "backfill_minutes": 5}
        with reading(x, cursor=recently, **settings) as it:
            ready(it)
        assert not of(it, Missed)
        assert x.tried("stream")[0].query["backfill_minutes"] == "5"
        with reading(x, cursor=long_ago, **settings) as it:
            ready(it)
        (gap,) = of(it, Missed)
        assert gap.to_at < datetime.now(UTC) - timedelta(minutes=4)


def test_posts_that_x_sends_again_are_told_once() -> None:
    with x_simulator(plan=ENTERPRISE, **QUICK) as x, reading(x, plan="enterprise", backfill_minutes=5) as it:
        ready(it)
        x.emit("An early pothole")
        arrived(it, "An early pothole")
        x.fail("stream", Fault.drop())
        it.until(lambda: len(x.tried("stream")) == 2)
        x.wait_for_stream()
        x.emit("A late pothole")
        arrived(it, "A late pothole")
        assert len(x.account[0].written_to) == 2
        assert [event.post.text for event in of(it, Arrived)] == ["An early pothole", "A late pothole"]


def test_a_change_from_search_to_stream_leaves_no_hole(x: Simulator) -> None:
    source = a_source(x, mode="search")
    batch = next(source.events("", lambda _: True))
    with reading(x, cursor=batch.cursor) as it:
        ready(it)
    (gap,) = of(it, Missed)
    assert (datetime.now(UTC) - gap.from_at).total_seconds() < 120


def test_a_change_from_stream_to_search_leaves_no_hole(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
    source = a_source(x, mode="search")
    batch = next(source.events(it.cursor, lambda _: True))
    found = Cursor.read(batch.cursor).alive_at
    assert found is not None
    assert found <= alive_at(it.cursor) + timedelta(seconds=1)


# -- rules while it runs ---------------------------------------------------------------------------------------------


def test_new_rules_are_taken_up_without_cutting_the_stream(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        it.source.want([Wanted(1, 1, "crater OR pothole"), Wanted(2, 1, "leak")])
        it.until(lambda: len(x.rules) == 2)
        x.emit("A leak on Elm St")
        assert arrived(it, "A leak on Elm St").named == ((2, 1),)
    assert len(x.tried("stream")) == 1
    assert not it.errors


def test_rules_that_x_refuses_are_said_while_it_reads_on(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        it.source.want([Wanted(1, 1, "crater OR pothole"), Wanted(2, 1, "-apple")])
        it.until(lambda: bool(it.source.troubles))
        assert it.source.troubles[0].startswith("Rule 2: X does not take it")
        it.source.want([Wanted(1, 1, "crater OR pothole")])
        it.until(lambda: not it.source.troubles)
        x.emit("A pothole on Elm St")
        arrived(it, "A pothole on Elm St")


def test_rules_that_could_not_be_compared_are_compared_again_and_the_stream_lives_on(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("rules", Fault.rate_limited(0))
        it.source.want([Wanted(2, 1, "leak")])
        it.until(lambda: bool(it.source.troubles))
        assert "could not be compared" in it.source.troubles[0]
        it.until(lambda: [rule.value for rule in x.rules] == ["leak"])
        it.until(lambda: not it.source.troubles)
    assert len(x.tried("stream")) == 1
    assert not it.errors


def test_rules_that_could_not_be_compared_wait_as_long_as_x_asks(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("rules", Fault.rate_limited(600))
        it.source.want([Wanted(2, 1, "leak")])
        it.until(lambda: bool(it.source.troubles))
        time.sleep(0.5)
        assert len(x.tried("rules")) == 2


@pytest.mark.parametrize(
    ("fault", "documented"), [(Fault.server_error(503), [5, 10, 20]), (Fault.rate_limited(150), [151, 151, 240])]
)
def test_rules_that_cannot_be_compared_before_the_stream_wait_as_documented(
    x: Simulator, fault: Fault, documented: list[float]
) -> None:
    x.fail("rules", fault, times=3)
    with reading(x, shrink=0.001) as it:
        ready(it)
    waits = [error.retry_after for error in it.errors]  # type: ignore[attr-defined]
    assert waits == pytest.approx(documented, abs=2)


def test_a_comparison_that_was_stopped_with_its_stream_is_no_trouble(x: Simulator) -> None:
    with reading(x) as it:
        ready(it)
        x.fail("rules", Fault.late(1.0))
        it.source.want([Wanted(2, 1, "leak")])
        it.until(lambda: len(x.tried("rules")) == 2)
        x.fail("stream", Fault.drop())
        it.until(lambda: len(x.tried("stream")) == 2)
        x.wait_for_stream()
        time.sleep(0.5)
        assert not it.source.troubles
        assert [rule.value for rule in x.rules] == ["leak"]


def test_x_is_looked_at_again_now_and_then(x: Simulator) -> None:
    with Reading(a_source(x, pace=Pace(flush=0.02, compare=0.3))) as it:
        ready(it)
        for rule in x.rules:
            x.world.remove_rule(rule)
        it.until(lambda: bool(x.rules))


def test_without_a_rule_no_stream_is_opened_and_nothing_is_missed(x: Simulator) -> None:
    source = a_source(x, pace=QUICK_PACE)
    source.want([])
    with Reading(source) as it:
        it.until(lambda: len(it.batches) > 2)
        assert not x.tried("stream")
        source.want([Wanted(1, 1, "pothole")])
        x.wait_for_stream()
        x.emit("A pothole on Elm St")
        arrived(it, "A pothole on Elm St")
    assert not it.errors


def test_waits_are_as_much_shorter_as_the_time_of_x_is_faster(x: Simulator) -> None:
    source = a_source(x, pace=Pace(scale=20))
    source.want([])
    waits: list[float] = []
    for _ in source.events("", lambda seconds: bool(waits.append(seconds)) or len(waits) > 3):
        pass
    assert waits[-1] == 0.5  # ten seconds between two looks for rules


def test_where_x_takes_no_rule_it_says_so(x: Simulator) -> None:
    with reading(x, Wanted(1, 1, "-apple")) as it:
        it.until(lambda: bool(it.errors))
        assert isinstance(it.errors[0], RefusedError)
        assert it.source.troubles
    assert not x.tried("stream")


def test_another_installation_on_the_same_app_is_told_and_cuts_nobody_off(x: Simulator) -> None:
    with reading(x) as first:
        ready(first)
        with reading(x, installation="installation-2") as second:
            second.until(lambda: bool(second.errors))
        assert isinstance(second.errors[0], RefusedError)
        assert "another installation" in str(second.errors[0])
        x.emit("A pothole on Elm St")
        arrived(first, "A pothole on Elm St")
    assert not first.errors


# -- what it costs ---------------------------------------------------------------------------------------------------


def test_a_monthly_limit_stops_reading_before_it_is_passed(x: Simulator) -> None:
    source = a_source(x, pace=QUICK_PACE)
    source.budget.renew(30)
    with Reading(source) as it:
        ready(it)
        for number in range(30):
            x.emit(f"Pothole {number}")
        it.until(lambda: bool(it.errors))  # before a post comes that may not be read
        time.sleep(0.2)
        assert isinstance(it.errors[0], SpentError)
        assert len(of(it, Arrived)) == 30
        assert len(x.tried("stream")) == 1
        source.budget.renew(100)
        it.until(lambda: bool(of(it, Missed)))
    assert of(it, Missed)[0].cause is GapCause.CREDITS


def test_of_many_posts_at_once_no_more_than_the_limit_are_handed_over(x: Simulator) -> None:
    source = a_source(x, pace=Pace(flush=0.5))
    source.budget.renew(30)
    with Reading(source) as it:
        ready(it)
        for number in range(500):
            x.emit(f"Pothole {number}")
        it.until(lambda: bool(it.errors))
    assert len(of(it, Arrived)) == 30


def test_a_post_that_comes_twice_is_paid_once(x: Simulator) -> None:
    source = a_source(x, pace=QUICK_PACE)
    source.budget.renew(10)
    with Reading(source) as it:
        ready(it)
        x.fail("stream", Fault.twice(), times=9)
        for number in range(9):
            x.emit(f"Pothole {number}")
        arrived(it, "Pothole 8")
        time.sleep(0.1)
        assert not it.errors
    assert source.budget.take(5) == 1


# -- the house's rules -----------------------------------------------------------------------------------------------


def test_no_log_of_ours_or_of_a_library_holds_the_token(x: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        with reading(x) as it:
            ready(it)
            x.fail("stream", Fault.drop())
            it.until(lambda: bool(of(it, Missed)))
        it.source.test()
    assert caplog.records  # urllib3 does speak
    assert x.bearer not in caplog.text


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"backfill_minutes": 3}, "Enterprise"),
        ({"endpoint": "http://api.example.com"}, "https://"),
        ({"endpoint": "ftp://127.0.0.1"}, "https://"),
        ({"mode": "firehose"}, "mode"),
    ],
)
def test_settings_that_cannot_work_are_refused(x: Simulator, settings: dict[str, Any], says: str) -> None:
    with pytest.raises(Exception, match=says):
        a_source(x, **settings)


def test_the_test_of_the_connection_tells_the_room_for_rules(x: Simulator) -> None:
    x.add_rule("weather")
    assert a_source(x).test() == "X accepts the bearer token; 1 of 1,000 rules are on its stream"


def test_the_test_in_mode_search_asks_nothing_of_the_stream(x: Simulator) -> None:
    x.fail("rule_counts", Fault.forbidden(), times=None)
    assert a_source(x, mode="search").test()


def test_what_is_spooled_and_no_post_is_said(x: Simulator) -> None:
    with pytest.raises(ValueError, match="no post"):
        a_source(x).decoded(b'{"errors": [{"disconnect_type": "SlowReader"}]}')


def test_reading_files_of_x_loads_neither_requests_nor_tweepy() -> None:
    code = "import sys, connector.ingest; sys.exit(any(name in sys.modules for name in ('requests', 'tweepy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
