"""HTTP of the sources: where a token goes, what a failure means, and what no message may tell."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import msgspec
import pytest
from pydantic import SecretStr

from connector.errors import AdapterError, AuthError, RefusedError, TemporaryError
from connector.sources import _http
from connector.sources._http import Http, StoppedError, address, wait
from tests.contracts import SECRET, TEXT, assert_tells_nothing
from tests.servers import HttpServer, Says, free_port, http_server, loopback_certificate, says_json


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@contextlib.contextmanager
def calls(url: str, timeout: float = 1) -> Iterator[Http]:
    with Http("way-in", url, SecretStr(SECRET), timeout) as http:
        yield http


def error_of(http: Http, path: str = "/posts") -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        http.refuse(http.get(path))
    assert caught.value.adapter == "way-in"
    assert_tells_nothing(caught.value)
    return caught.value


def test_a_token_travels_in_the_header_alone(server: HttpServer) -> None:
    server.then(says_json({"id": "1"}))
    with calls(server.url) as http:
        assert http.decoded(http.get("/posts", [("limit", "2")]), dict[str, str]) == {"id": "1"}
        http.post("/posts", [("batch", "[]")])
    get, post = server.asked
    assert get.headers["Authorization"] == post.headers["Authorization"] == f"Bearer {SECRET}"
    assert (get.path, get.query) == ("/posts", [("limit", "2")])
    assert post.field == {"batch": "[]"}


def test_what_is_sent_arrives_as_it_is(server: HttpServer) -> None:
    server.then(says_json({}))
    with calls(server.url) as http:
        http.post_json("/rules", {"add": ["é"]})
        http.put("/upload", b"1\n2\n")
        http.post("/form", [("id", "1"), ("id", "2")])
    rules, upload, form = server.asked
    assert (rules.method, json.loads(rules.body)) == ("POST", {"add": ["é"]})
    assert rules.headers["Content-Type"] == "application/json"
    assert (upload.method, upload.body) == ("PUT", b"1\n2\n")
    assert form.fields == [("id", "1"), ("id", "2")]


def test_a_token_follows_no_redirect(server: HttpServer) -> None:
    with http_server() as other, calls(server.url) as http:
        other.then(says_json({}))
        server.then(Says(302, headers={"Location": f"{other.url}/posts"}))
        assert isinstance(error_of(http), AuthError)
        assert other.asked == []


def test_without_a_token_none_is_looked_for(
    server: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    server.then(says_json({}))
    with Http("way-in", server.url) as http:
        http.get("/")
    assert "Authorization" not in server.asked[0].headers


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, AuthError), (401, AuthError), (403, AuthError), (400, RefusedError), (404, RefusedError),
        (408, TemporaryError), (429, TemporaryError), (500, TemporaryError), (502, TemporaryError),
        (503, TemporaryError),
    ],
)  # fmt: skip
def test_a_status_says_what_to_do(status: int, kind: type[AdapterError], server: HttpServer) -> None:
    server.then(says_json({"error": f"{TEXT} {SECRET}"}, status, Retry_After="7"))
    with calls(server.url) as http:
        error = error_of(http)
    assert type(error) is kind
    if isinstance(error, TemporaryError):
        assert error.retry_after == 7
        assert error.cause == ("rate limit" if status == 429 else "")


@pytest.mark.parametrize("how", ["reset", "silence", "cut", "drip"])
def test_no_answer_is_temporary(how: str, server: HttpServer) -> None:
    server.then(Says(200, b"x" * 100, how=how))
    begin = time.monotonic()
    with calls(server.url) as http:
        assert isinstance(error_of(http), TemporaryError)
    assert time.monotonic() - begin < 3


def test_a_server_that_is_not_there_is_temporary() -> None:
    with calls(f"http://127.0.0.1:{free_port()}") as http:
        assert isinstance(error_of(http, f"/posts?proof={SECRET}"), TemporaryError)


def test_a_certificate_that_nobody_vouches_for_gets_no_token(tmp_path: Path) -> None:
    with http_server(loopback_certificate(tmp_path)) as server, calls(server.url) as http:
        assert isinstance(error_of(http), AuthError)
        assert server.asked == []


def test_an_answer_without_end_is_not_kept(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "LARGEST", 1000)
    server.then(Says(200, b"[" + b"1," * 100_000 + b"1]"))
    with calls(server.url) as http:
        assert isinstance(error_of(http), TemporaryError)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id": 1', b'{"id": 1}', b"[]", b"\xff", b'{"id": "\xff"}'])
def test_an_answer_of_another_shape_is_temporary(body: bytes, server: HttpServer) -> None:
    server.then(Says(200, body))
    with calls(server.url) as http, pytest.raises(TemporaryError) as caught:
        http.decoded(http.get("/"), dict[str, str])
    assert_tells_nothing(caught.value)


def test_an_answer_of_brackets_alone_is_temporary(server: HttpServer) -> None:
    server.then(Says(200, b"[" * 100_000))
    with calls(server.url) as http, pytest.raises(TemporaryError):
        http.decoded(http.get("/"), list[msgspec.Raw])


@pytest.mark.parametrize("call", [lambda http: http.get("/posts"), lambda http: http.stream("/stream")])
def test_a_call_is_given_up_as_soon_as_it_is_told_to_stop(call: Callable[[Http], object], server: HttpServer) -> None:
    server.then(Says(how="silence"))
    begin = time.monotonic()
    stopping = [False, False, True]
    with Http("way-in", server.url, stopping=lambda _: stopping.pop(0)) as http, pytest.raises(StoppedError):
        call(http)
    assert time.monotonic() - begin < 2


def test_no_call_is_begun_once_it_is_told_to_stop(server: HttpServer) -> None:
    with Http("way-in", server.url, stopping=lambda _: True) as http, pytest.raises(StoppedError):
        http.get("/posts")
    assert server.asked == []


# -- streams -----------------------------------------------------------------------------------------------------------

EVENT_STREAM = {"Content-Type": "text/event-stream; charset=utf-8"}


def test_a_stream_is_read_line_by_line_to_its_end(server: HttpServer) -> None:
    server.then(Says(200, b":)\nevent: update\r\ndata: \xc3\xa9\n\nrest", EVENT_STREAM))
    with calls(server.url) as http:
        stream = http.stream("/stream", [("tag", "pothole")])
    assert stream is not None
    assert list(stream.lines()) == [b":)", b"event: update", b"data: \xc3\xa9", b""]
    assert server.asked[0].query == [("tag", "pothole")]


@pytest.mark.parametrize("says", [Says(404), Says(501), Says(200, b"<html>", {"Content-Type": "text/html"})])
def test_what_is_no_stream_is_none(says: Says, server: HttpServer) -> None:
    server.then(says)
    with calls(server.url) as http:
        assert http.stream("/stream") is None


def test_a_stream_that_waits_can_be_shut_by_another_thread() -> None:
    with http_server() as server:
        server.then(Says(200, b"one\n" + b"x" * 400, EVENT_STREAM, how="drip"))
        with calls(server.url) as http:
            stream = http.stream("/stream")
        assert stream is not None
        lines: list[bytes] = []
        reading = threading.Thread(target=lambda: lines.extend(stream.lines()))
        reading.start()
        time.sleep(0.3)
        assert reading.is_alive()
        stream.shut()
        reading.join(1)
        assert not reading.is_alive()
        stream.shut()
    assert lines == [b"one"]


def test_a_line_without_end_ends_the_stream(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "LONGEST_LINE", 1000)
    server.then(Says(200, b"one\n" + b"x" * 2_000_000 + b"\ntwo\n", EVENT_STREAM))
    with calls(server.url) as http:
        stream = http.stream("/stream")
    assert stream is not None
    assert list(stream.lines()) == [b"one"]


# -- addresses and waits -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written", ["https://social.example", "https://social.example:8443/", "http://localhost:3000", "http://[::1]"]
)
def test_an_address_is_taken_without_its_last_slash(written: str) -> None:
    assert address(written) == written.rstrip("/")


@pytest.mark.parametrize(
    "written",
    [
        "http://social.example", "social.example", "ftp://social.example", "https://", "https://me:pw@social.example",
        "https://social.example/?token=1", "http://127.0.0.1.social.example",
    ],
)  # fmt: skip
def test_an_address_where_a_token_could_be_overheard_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        address(written)


def _as_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


def _as_iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _as_number(at: datetime) -> str:
    return str(int(at.timestamp()))


@pytest.mark.parametrize("header", ["Retry-After", "X-RateLimit-Reset", "RateLimit-Reset"])
@pytest.mark.parametrize("written", [_as_date, _as_iso, _as_number])
@pytest.mark.parametrize(("later", "seconds"), [(90, 90), (-90, 1), (90_000, 3600)])
def test_the_moment_that_they_name_is_waited_for_within_an_hour(
    header: str, written: Callable[[datetime], str], later: float, seconds: float
) -> None:
    told = wait({header: written(datetime.now(UTC) + timedelta(seconds=later))})
    assert told == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "12"}, 12),
        ({"Retry-After": " 0 "}, 1),
        ({"Retry-After": "99999"}, 3600),
        ({"Retry-After": "9" * 400}, 3600),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "²"}, None),
        ({"Retry-After": f"Mon, 01 Jan 2026 00:00:00 +{10**17}"}, None),
        ({}, None),
    ],
)
def test_so_many_seconds_are_waited(headers: dict[str, str], seconds: float | None) -> None:
    assert wait(headers) == seconds
