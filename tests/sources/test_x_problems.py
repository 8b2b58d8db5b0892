"""What X says instead of an answer: one error for everything it may say, and nothing of it that must not be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.errors import AdapterError, AuthError, RefusedError, SpentError, TemporaryError
from connector.sources._http import Answer
from connector.sources.x.client import Client, StoppedError
from connector.sources.x.problems import ProblemError, plain, problem_of, refusal, until_reset
from tests.contracts import SECRET, assert_tells_nothing
from tests.servers import HttpServer, Says, http_server, says_json

NOON = datetime(2026, 8, 4, 12, tzinfo=UTC)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


def client(server: HttpServer, timeout: float = 2) -> Client:
    return Client("way-in", SecretStr(SECRET), server.url, timeout)


def said(status: int, **body: object) -> AdapterError:
    return refusal(Answer(status, {}, json.dumps(body).encode()), "way-in")


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (said(401, title="Unauthorized"), AuthError),
        (said(402, title="CreditsDepleted"), SpentError),
        (said(403, title="Client Forbidden", reason="client-not-enrolled"), AuthError),
        (said(403, title="x", type="https://api.x.com/2/problems/unsupported-authentication"), AuthError),
        (said(403), AuthError),
        (said(403, title="Forbidden", detail="Not this one."), ProblemError),
        (said(400, title="Invalid Request", errors=[{"message": "No.", "parameters": {"query": ["x"]}}]), ProblemError),
        (said(404), RefusedError),
        (said(409, title="Conflict"), ProblemError),
        (said(429, title="UsageCapExceeded", type="https://api.x.com/2/problems/usage-capped"), SpentError),
        (said(429), TemporaryError),
        (said(500), TemporaryError),
        (said(503), TemporaryError),
        (said(308), AuthError),
    ],
)
def test_each_refusal_says_what_to_do_next(error: AdapterError, kind: type[AdapterError]) -> None:
    assert type(error) is kind or kind is RefusedError
    assert isinstance(error, kind)
    assert error.adapter == "way-in"
    assert_tells_nothing(error)


def test_a_refused_request_names_its_parameters() -> None:
    error = said(400, title="Invalid Request", errors=[{"message": "No.", "parameters": {"since_id": ["1"]}}])
    assert isinstance(error, ProblemError)
    assert error.parameters == {"since_id"}
    assert error.said == "No."
    assert "“No.”" in str(error)


scraps = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30), lambda part: st.lists(part, max_size=3)
)
bodies = st.dictionaries(
    st.sampled_from(["title", "detail", "type", "errors", "reason", "connection_issue", "status", "x"]),
    scraps
    | st.lists(st.dictionaries(st.sampled_from(["message", "parameters", "title", "detail"]), scraps), max_size=2),
)


@settings(max_examples=60)
@given(st.integers(300, 599), st.binary(max_size=60) | bodies.map(lambda body: json.dumps(body).encode()))
def test_whatever_comes_there_is_an_error_fit_for_a_screen(status: int, body: bytes) -> None:
    error = refusal(Answer(status, {}, body), "way-in")
    assert "\n" not in str(error)
    assert len(str(error)) <= 400
    assert "@" not in str(error) or "@ " in str(error) + " "


@pytest.mark.parametrize(
    "words",
    [
        "no post of @quarryhill_ana",
        "rule from:quarryhill_ana is not valid",
        "a -to:quarryhill_ana b",
        "bio:quarryhill_ana",
        "(retweets_of:quarryhill_ana OR x)",
    ],
)
def test_handles_are_not_repeated(words: str) -> None:
    assert "quarryhill" not in plain(words)


def test_long_words_of_x_are_cut() -> None:
    assert len(plain("word " * 200)) <= 200


@given(st.binary(max_size=80))
def test_a_body_that_is_no_problem_is_none(body: bytes) -> None:
    assert problem_of(b"<html>" + body).title == ""


# -- time ------------------------------------------------------------------------------------------------------------


def headers(reset: timedelta, remaining: str = "0", said_at: datetime = NOON) -> dict[str, str]:
    return {
        "X-Rate-Limit-Remaining": remaining,
        "x-rate-limit-reset": str(int((said_at + reset).timestamp())),
        "Date": format_datetime(said_at, usegmt=True),
    }


def test_the_end_of_a_window_is_counted_by_the_clock_of_x() -> None:
    assert until_reset(headers(timedelta(minutes=7))) == 7 * 60 + 1


def test_a_window_that_is_over_is_no_wait_of_minutes() -> None:
    assert until_reset(headers(timedelta(minutes=-7))) == 1


def test_a_clock_that_is_years_off_silences_nobody() -> None:
    assert until_reset(headers(timedelta(days=3000))) == 3600


def test_calls_that_are_left_mean_another_reason() -> None:
    assert until_reset(headers(timedelta(minutes=7), remaining="12")) is None


@pytest.mark.parametrize(
    "broken", [{"date": "yesterday"}, {"x-rate-limit-reset": "soon"}, {"x-rate-limit-reset": "inf"}]
)
def test_headers_that_cannot_be_read_name_no_time(broken: dict[str, str]) -> None:
    told = {name.lower(): value for name, value in headers(timedelta(minutes=7)).items()}
    assert until_reset(told | broken) is None
    assert until_reset({}) is None


# -- calls -----------------------------------------------------------------------------------------------------------


def test_what_is_uploaded_elsewhere_carries_no_token(server: HttpServer) -> None:
    server.then(Says())
    it = client(server)
    it.upload(f"{server.url}/storage?signature=abc", b"1\n2")
    it.download(f"{server.url}/storage?signature=abc")
    put, get = server.asked
    assert (put.method, put.body) == ("PUT", b"1\n2")
    assert "Authorization" not in put.headers | get.headers


def test_calls_to_x_carry_it_and_say_what_is_asked(server: HttpServer) -> None:
    server.then(says_json({"data": [1]}))
    it = client(server)
    assert it.get("tweets/search/recent", {"query": "a b", "max_results": 10}) == {"data": [1]}
    it.post("tweets/search/stream/rules", {"add": []}, {"dry_run": "true"})
    get, post = server.asked
    assert get.path == "/2/tweets/search/recent"
    assert get.query == [("query", "a b"), ("max_results", "10")]
    assert post.query == [("dry_run", "true")]
    assert (post.body, post.headers["Content-Type"]) == (b'{"add": []}', "application/json")
    assert {one.headers["Authorization"] for one in (get, post)} == {f"Bearer {SECRET}"}


@pytest.mark.parametrize(
    "answer",
    [
        Says(body=b"<html>"),
        Says(body=b"[1]"),
        Says(body=b'{"a'),
        Says(how="reset"),
        Says(body=b'{"data": 1}', how="cut"),
    ],
)
def test_an_answer_that_cannot_be_read_is_tried_again(server: HttpServer, answer: Says) -> None:
    server.then(answer)
    with pytest.raises(TemporaryError) as caught:
        client(server).get("users/me")
    assert_tells_nothing(caught.value)


def test_told_to_stop_it_waits_for_no_answer(server: HttpServer) -> None:
    server.then(Says(how="silence"))
    with pytest.raises(StoppedError):
        client(server, timeout=30).get("users/me", stopping=lambda _: True)


def test_an_answer_that_came_is_taken_even_then(server: HttpServer) -> None:
    server.then(says_json({"data": 1}))
    assert client(server).get("users/me", stopping=lambda _: False) == {"data": 1}
