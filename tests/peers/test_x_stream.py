"""The simulated stream, and every fault as it is seen on the wire, byte by byte where that matters."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.peers import x_answers
from tests.peers.x_clients import Line, asked, streaming
from tests.peers.x_faults import DISCONNECTS, Fault, of_requests, of_streams
from tests.peers.x_plans import ENTERPRISE
from tests.peers.x_simulator import Simulator, x_simulator


@pytest.fixture
def x() -> Iterator[Simulator]:
    """A minute lasts a second; one rule is in force."""
    with x_simulator(scale=60, newest=0.0, lag=0.0) as running:
        running.add_rule("pothole", "streets")
        yield running


@pytest.fixture(scope="module")
def shared() -> Iterator[Simulator]:
    with x_simulator(scale=60, keep_alive=6.0, limits={}) as running:
        running.add_rule("pothole", "streets")
        yield running


@pytest.fixture
def steady(shared: Simulator) -> Simulator:
    """The same for many small tests, each of which leaves it as it was."""
    no_stream(shared)
    return shared


def until(true: Callable[[], Any]) -> None:
    """Wait for it, not long."""
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end, "it did not happen within 5 s"
        time.sleep(0.005)


def last_stream(x: Simulator) -> Any:
    return x.tried("stream")[-1]


def no_stream(x: Simulator) -> None:
    """Wait until none is open, which would take the fault that is meant for the next."""
    until(lambda: not x.streams)


def listens(x: Simulator) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", urlsplit(x.url).port)):
        return True
    return False


# A stream on a good day.


def test_matching_posts_come_with_the_rules_that_met_them(x: Simulator) -> None:
    x.add_rule("row")
    with streaming(x) as line:
        x.emit("Nothing to see")
        post = x.emit("Pothole on Tannery Row")
        assert line.message() == {
            "data": {"id": post.id, "text": "Pothole on Tannery Row", "edit_history_tweet_ids": [post.id]},
            "matching_rules": [{"id": x.rules[0].id, "tag": "streets"}, {"id": x.rules[1].id}],
        }
    until(lambda: last_stream(x).ending == "the client has gone")
    assert last_stream(x).posts == 1


def test_keep_alive_comes_every_twenty_seconds(x: Simulator) -> None:
    begun = x.clock.now()
    with streaming(x) as line:
        assert [line.chunk(), line.chunk()] == [b"\r\n", b"\r\n"]
        assert 40 <= x.clock.now() - begun < 100


def test_posts_of_a_gap_are_missed_by_the_stream_and_found_by_search(x: Simulator) -> None:
    with streaming(x) as line:
        x.emit("Pothole one")
        line.message()
    no_stream(x)
    x.emit("Pothole two")
    with streaming(x) as line:
        x.emit("Pothole three")
        assert line.message()["data"]["text"] == "Pothole three"
    found = asked(x, "GET", "/2/tweets/search/recent", params={"query": "pothole"}).json()["data"]
    assert [post["text"] for post in found] == ["Pothole three", "Pothole two", "Pothole one"]
    assert [(len(post.written_to), len(post.found_at)) for post in x.account] == [(1, 1), (0, 1), (1, 1)]


def test_edit_comes_as_a_post_of_its_own(x: Simulator) -> None:
    with streaming(x) as line:
        old = x.emit("Pothole on Tanery Row")
        new = x.edit(old.id, "Pothole on Tannery Row")
        histories = [line.message()["data"]["edit_history_tweet_ids"] for _ in range(2)]
        assert histories[-1] == [old.id, new.id]


def test_second_stream_is_one_too_many(x: Simulator) -> None:
    with streaming(x):
        second = Line(x)
        assert (second.status, second.body()["connection_issue"]) == (429, "TooManyConnections")
        second.close()
    no_stream(x)
    with streaming(x):
        pass


def test_vanished_clients_place_stays_taken_for_as_long_as_asked(x: Simulator) -> None:
    x.settings.client_gone_after = 300.0
    with streaming(x):
        pass
    no_stream(x)
    line = Line(x)
    assert line.status == 429
    line.close()
    x.clock.skip(301)
    with streaming(x):
        pass


def test_enterprise_has_two_streams_and_backfill() -> None:
    with x_simulator(scale=60, plan=ENTERPRISE) as x:
        x.add_rule("pothole")
        missed = x.emit("Pothole")
        with streaming(x), streaming(x, "backfill_minutes=1") as line:
            assert line.message()["data"]["id"] == missed.id


def test_backfill_is_not_for_everyone(x: Simulator) -> None:
    assert asked(x, "GET", "/2/tweets/search/stream", params={"backfill_minutes": "1"}).status_code == 400


def test_stream_without_rules_is_a_conflict() -> None:
    with x_simulator() as x:
        answer = asked(x, "GET", "/2/tweets/search/stream")
        assert (answer.status_code, answer.json()["connection_issue"]) == (409, "RuleConfigurationIssue")


def test_reader_that_takes_nothing_is_disconnected_as_too_slow() -> None:
    with x_simulator(scale=60, slow_after=12.0, send_buffer=4096) as x:
        x.add_rule("pothole")
        with streaming(x, receive_buffer=4096) as line:
            stream = x.wait_for_stream()
            for _ in range(200):
                x.emit("pothole " * 30)
            until(lambda: stream.over_at)
            seen: list[Any] = []
            while "errors" not in (seen or [{}])[-1]:
                seen.append(line.message())
            assert seen[-1]["errors"][0]["disconnect_type"] == "SlowReader"
            assert line.chunk() == b""
        no_stream(x)
        assert last_stream(x).ending == "SlowReader"
        assert last_stream(x).posts <= len(seen) < 200


def test_reader_that_is_slow_but_reads_is_kept() -> None:
    with x_simulator(scale=60, slow_after=45.0, send_buffer=4096) as x:
        x.add_rule("pothole")
        with streaming(x, receive_buffer=4096) as line:
            for _ in range(40):
                x.emit("pothole " * 30)
            for _ in range(40):
                x.clock.sleep(1.5)
                assert "data" in line.message()


def test_reader_with_too_many_posts_waiting_is_disconnected() -> None:
    with x_simulator(queue=100, send_buffer=4096) as x:
        x.add_rule("pothole")
        with streaming(x, receive_buffer=4096):
            stream = x.wait_for_stream()
            for _ in range(300):
                x.emit("pothole " * 30)
            until(lambda: stream.over_at)


# Faults that end the stream.


@pytest.mark.parametrize("kind", DISCONNECTS)
def test_disconnect_says_why_and_hangs_up(steady: Simulator, kind: str) -> None:
    x = steady
    with streaming(x) as line:
        x.fail("stream", Fault.disconnect(kind), after=1)
        x.emit("Pothole")
        assert "data" in line.message()
        (error,) = line.message()["errors"]
        assert (error["title"], error["disconnect_type"]) == ("operational-disconnect", kind)
        assert line.chunk() == b""
    until(lambda: last_stream(x).ending == kind)


def test_accepted_then_closed(x: Simulator) -> None:
    x.fail("stream", Fault.end(), times=3)
    for _ in range(3):
        with streaming(x) as line:
            assert line.chunk() == b""
    until(lambda: [attempt.ending for attempt in x.tried("stream")] == ["ended"] * 3)
    with streaming(x) as line:
        x.emit("Pothole")
        assert "data" in line.message()


def test_drop_is_a_reset(x: Simulator) -> None:
    with streaming(x) as line:
        x.fail("stream", Fault.drop())
        with pytest.raises(ConnectionResetError):
            line.chunk()


def test_line_that_is_cut_was_not_written(x: Simulator) -> None:
    x.fail("stream", Fault.cut_line(), after=1)
    with streaming(x) as line:
        whole, cut = x.emit("Pothole one"), x.emit("Pothole two")
        assert "data" in line.message()
        with pytest.raises(EOFError):
            line.chunk()
    assert (len(whole.written_to), cut.written_to) == (1, [])


def test_stalled_stream_is_open_and_silent(x: Simulator) -> None:
    with streaming(x) as line:
        x.fail("stream", Fault.stall())
        until(lambda: x.streams[0].live_until)
        missed = x.emit("Pothole")
        line.sock.settimeout(0.5)
        with pytest.raises(TimeoutError):
            line.chunk()
        assert x.streams
    assert missed.written_to == []


def test_nobody_listens_for_a_while(x: Simulator) -> None:
    with streaming(x) as line:
        x.refuse(90)
        x.refuse(3000)
        with pytest.raises((ConnectionResetError, EOFError)):
            line.chunk()
    with pytest.raises(ConnectionRefusedError):
        Line(x)
    until(lambda: listens(x))
    with streaming(x) as line:
        x.emit("Pothole")
        assert "data" in line.message()
    assert [attempt.ending for attempt in x.tried("stream")][0] == "refused"


# Faults that bend messages.


def _bent(x: Simulator, fault: Fault, posts: int = 1) -> list[Any]:
    no_stream(x)
    x.fail("stream", fault)
    with streaming(x) as line:
        for number in range(posts):
            x.emit(f"Pothole {number}")
        return [line.message() for _ in range(posts)]


def test_tags_and_rules_may_be_missing_null_or_numbers(x: Simulator) -> None:
    number = x.rules[0].id
    assert _bent(x, Fault.without_tag())[0]["matching_rules"] == [{"id": number}]
    assert _bent(x, Fault.null_tag())[0]["matching_rules"] == [{"id": number, "tag": None}]
    assert _bent(x, Fault.int_rule_ids())[0]["matching_rules"] == [{"id": int(number), "tag": "streets"}]
    assert "matching_rules" not in _bent(x, Fault.without_rules())[0]


def test_unknown_fields_and_errors_beside_data(x: Simulator) -> None:
    message = _bent(x, Fault.unknown_fields())[0]
    assert "weather_note" in message
    assert "weather_note" in message["data"]
    assert "weather_note" in message["matching_rules"][0]
    message = _bent(x, Fault.partial_errors())[0]
    assert message["errors"][0]["title"] == "Not Found Error"
    assert "data" in message


def test_post_comes_twice(x: Simulator) -> None:
    x.fail("stream", Fault.twice())
    with streaming(x) as line:
        post = x.emit("Pothole")
        assert line.message() == line.message()
        until(lambda: len(post.written_to) == 2)


def test_post_comes_after_later_ones(x: Simulator) -> None:
    texts = [message["data"]["text"] for message in _bent(x, Fault.hold(2), posts=4)]
    assert texts == ["Pothole 1", "Pothole 2", "Pothole 0", "Pothole 3"]


def test_held_post_comes_with_the_next_keep_alive_at_the_latest(x: Simulator) -> None:
    assert _bent(x, Fault.hold(9))[0]["data"]["text"] == "Pothole 0"


def test_unknown_message_comes_before_the_post(x: Simulator) -> None:
    x.fail("stream", Fault.unknown_message())
    with streaming(x) as line:
        x.emit("Pothole")
        assert set(line.message()) == {"weather"}
        assert "data" in line.message()


def test_broken_line_is_no_json_and_the_post_follows(x: Simulator) -> None:
    x.fail("stream", Fault.broken_line())
    with streaming(x) as line:
        x.emit("Pothole")
        broken = line.chunk()
        assert broken.endswith(b"\r\n")
        with pytest.raises(json.JSONDecodeError):
            json.loads(broken)
        assert "data" in line.message()


def _chunks(x: Simulator, fault: Fault) -> list[bytes]:
    no_stream(x)
    x.fail("stream", fault)
    with streaming(x) as line:
        x.emit("Pothole on Tannery Row")
        chunks = [line.chunk()]
        while not chunks[-1].endswith(b"\n") or chunks == [b"\r\n"]:
            chunks.append(line.chunk())
        return chunks


def test_line_is_split_at_any_byte(x: Simulator) -> None:
    assert {len(chunk) for chunk in _chunks(x, Fault.split(1))} == {1}
    assert [len(chunk) for chunk in _chunks(x, Fault.split(3, 5))][:3] == [3, 5, 5]
    assert [chunk[-1:] for chunk in _chunks(x, Fault.split())] == [b"\r", b"\n"]
    anywhere = _chunks(x, Fault.split_anywhere())
    assert len(anywhere) > 1
    assert json.loads(b"".join(anywhere))["data"]["text"] == "Pothole on Tannery Row"


def test_keep_alive_is_split_or_stands_before_a_post(x: Simulator) -> None:
    x.fail("stream", Fault.split_keep_alive())
    with streaming(x) as line:
        assert [line.chunk(), line.chunk()] == [b"\r", b"\n"]
    assert _chunks(x, Fault.extra_keep_alive())[0].startswith(b"\r\n{")


def test_slow_message_is_late(x: Simulator) -> None:
    begun = x.clock.now()
    _bent(x, Fault.slow(15))
    assert x.clock.now() - begun >= 15


# Faults of any request.


@pytest.mark.parametrize("kind", ["TooManyConnections", "ProvisioningSubscription", "RulesInvalidIssue"])
def test_connection_issue_is_told(steady: Simulator, kind: str) -> None:
    x = steady
    x.fail("stream", Fault.connection_issue(kind))
    answer = asked(x, "GET", "/2/tweets/search/stream")
    assert answer.status_code == (429 if kind == "TooManyConnections" else 409)
    assert answer.json()["connection_issue"] == kind


@pytest.mark.parametrize(
    ("fault", "status", "title"),
    [
        (Fault.unauthorized(), 401, "Unauthorized"),
        (Fault.credits_depleted(), 402, "CreditsDepleted"),
        (Fault.forbidden(), 403, "Client Forbidden"),
        (Fault.usage_capped(), 429, "UsageCapExceeded"),
        (Fault.rate_limited(), 429, "Too Many Requests"),
        (Fault.server_error(500), 500, "Internal Server Error"),
        (Fault.server_error(503), 503, "Service Unavailable"),
    ],
)
@pytest.mark.parametrize("path", ["/2/tweets/search/stream", "/2/tweets/search/stream/rules"])
def test_refusal_is_told(steady: Simulator, fault: Fault, status: int, title: str, path: str) -> None:
    x = steady
    x.fail("all", fault)
    answer = asked(x, "GET", path)
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert x.attempts[-1].status == status
    assert asked(x, "GET", "/2/tweets/search/stream/rules").status_code == 200


def test_rate_limit_names_its_end(x: Simulator) -> None:
    x.fail("stream", Fault.rate_limited(reset=3000))
    headers = asked(x, "GET", "/2/tweets/search/stream").headers
    assert headers["x-rate-limit-remaining"] == "0"
    assert 2900 < int(headers["x-rate-limit-reset"]) - x.clock.now() <= 3001


def test_page_is_no_json(x: Simulator) -> None:
    x.fail("rules", Fault.page(200))
    assert asked(x, "GET", "/2/tweets/search/stream/rules").text == x_answers.PAGE


@pytest.mark.parametrize("fault", [Fault.reset(), Fault.close(), Fault.half()], ids=lambda fault: fault.name)
@pytest.mark.parametrize("path", ["/2/tweets/search/stream", "/2/tweets/search/stream/rules"])
def test_broken_connection_is_an_error_of_the_connection(steady: Simulator, fault: Fault, path: str) -> None:
    x = steady
    x.fail("all", fault)
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        asked(x, "GET", path)
    until(lambda: x.attempts[-1].ending == fault.name)


def test_reset_is_one(x: Simulator) -> None:
    x.fail("stream", Fault.reset())
    with pytest.raises(ConnectionResetError):
        Line(x)


def test_silence_is_never_answered(x: Simulator) -> None:
    x.fail("rules", Fault.silence())
    with pytest.raises(requests.ReadTimeout):
        requests.get(x.url + "/2/tweets/search/stream/rules", timeout=0.2)
    until(lambda: x.attempts[-1].ending == "silence")
    assert x.attempts[-1].status == 0


def test_late_answer_is_right(x: Simulator) -> None:
    x.fail("rules", Fault.late(12))
    begun = x.clock.now()
    assert asked(x, "GET", "/2/tweets/search/stream/rules").ok
    assert x.clock.now() - begun >= 12


def test_fault_strikes_as_often_and_as_long_as_ordered(x: Simulator) -> None:
    def status() -> int:
        return asked(x, "GET", "/2/tweets/search/stream/rules").status_code

    x.fail("rules", Fault.server_error(503), times=2)
    assert [status() for _ in range(3)] == [503, 503, 200]
    x.fail("rules", Fault.server_error(500), seconds=600)
    assert [status(), status()] == [500, 500]
    x.clock.skip(601)
    assert status() == 200
    x.fail("rules", Fault.server_error(502), times=None)
    assert [status(), status()] == [502, 502]
    x.mend()
    assert status() == 200
    x.fail("search", Fault.server_error(504))
    assert status() == 200
    assert [name for _, _, name in x.faults.struck] == ["answer"] * 6


def test_fault_of_an_unknown_endpoint_is_refused(x: Simulator) -> None:
    with pytest.raises(ValueError, match="endpoint is one of stream, rules"):
        x.fail("steam", Fault.end())


@pytest.mark.parametrize("fault", of_requests() + of_streams(), ids=lambda fault: fault.name)
def test_after_any_fault_all_is_well(steady: Simulator, fault: Fault) -> None:
    x = steady
    x.fail("stream", fault)
    with contextlib.suppress(OSError, EOFError):
        line = Line(x, timeout=1)
        with contextlib.closing(line):
            x.emit("Pothole one")
            if line.status == 200:
                until(lambda: not x.faults.waiting())  # a busy machine takes its time; then what stays away, stays away
            line.sock.settimeout(0.25)
            seen, end = b"", time.monotonic() + 1
            while line.status == 200 and time.monotonic() < end:
                seen += line.chunk()
                if b"Pothole one" in seen and seen.endswith(b"\n") and not x.faults.waiting():
                    break
    until(lambda: not x.streams and all(attempt.ended_at for attempt in x.attempts))
    assert x.faults.waiting() == []
    with streaming(x) as again:
        x.emit("Pothole two")
        assert again.message()["data"]["text"] == "Pothole two"


# Time and the account.


def test_waits_are_told_in_documented_seconds(x: Simulator) -> None:
    x.fail("stream", Fault.server_error(503), times=2)
    for _ in range(2):
        asked(x, "GET", "/2/tweets/search/stream")
        x.clock.sleep(10)
    with streaming(x):
        pass
    assert all(10 <= wait < 100 for wait in x.waits())
    assert [(attempt.status, wait >= 10) for attempt, wait in x.returns()] == [(503, True), (503, True)]


def test_losses_are_what_lay_beyond_the_horizon_when_search_was_answered(x: Simulator) -> None:
    with streaming(x):
        pass
    no_stream(x)
    gone = x.clock.now()
    x.clock.skip(3000)
    x.forget_before(x.clock.now() - 1000)
    with streaming(x):
        asked(x, "GET", "/2/tweets/search/recent", params={"query": "pothole"})
        begin, end = x.lost()[-1]
    assert abs(begin - gone) < 100
    assert abs(end - (gone + 2000)) < 100


def test_port_is_closed_when_the_block_ends() -> None:
    with x_simulator() as x:
        port = int(x.url.rsplit(":", 1)[1])
    with socket.socket() as probe, pytest.raises(ConnectionRefusedError):
        probe.connect(("127.0.0.1", port))
