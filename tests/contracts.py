"""What every adapter promises, as tests to inherit: an adapter's own test names its kind, its settings and one answer.

`ChannelContract` holds for every way out, `HttpChannelContract` adds what the net can do to one that speaks HTTP.
Read on in `dispatch/test_open311.py`.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from connector import config, dispatch
from connector.dispatch import Absent, Channel, Found, Receipt, Request, TicketRef, Unknown
from connector.errors import AdapterError, AuthError, ConfigError, RefusedError, TemporaryError, UnclearError
from tests.servers import MAINTENANCE, Answers, HttpServer, Says, free_port, http_server

SECRET = "k3y-that-nobody-may-read"
TEXT = "Huge crater swallowed my bicycle wheel near @quarryhill_ana yesterday evening, someone WILL get hurt there"
HANDLE = "@quarryhill_ana"


def a_request(**changes: Any) -> Request:
    """A request with every field filled."""
    return Request(
        **{
            "reference": "SC-7F3K9Q",
            "type_code": "pothole",
            "type_title": "Pothole",
            "department": "Streets",
            "text": TEXT,
            "place": "Quarry Rd & Elm St",
            "lat": 45.512345,
            "lon": -122.658765,
            "district": "North Hill",
            "people": 3,
            "links": ("https://x.com/i/web/status/1", "https://x.com/i/web/status/2"),
            "service_code": "001",
            "to": "streets@city.example",
            "accepted_at": datetime.now(UTC).replace(microsecond=0),
            "due_at": datetime(2026, 12, 4, 1, 0, tzinfo=UTC),
            "ticket_page": "https://city.example/tickets?reference=SC-7F3K9Q",
            "city": "Port Alder",
            "timezone": "America/Los_Angeles",
        }
        | changes
    )


def assert_tells_nothing(error: AdapterError) -> None:
    """A sentence for a screen, without key, handle or post, and no more in what a log would print of it."""
    words = str(error)
    assert words
    assert "\n" not in words
    assert len(words) <= 400
    assert words[0].isupper() or words[0] in "“`" or words.split()[0].replace(".", "").isalnum()
    for told in (words, "".join(traceback.format_exception(error))):
        assert SECRET not in told
        assert HANDLE not in told
        assert TEXT not in told
        assert "swallowed my bicycle" not in told


class ChannelContract:
    """Holds for every channel. A subclass names `kind` and gives `settings` whose other side is well."""

    kind: ClassVar[str]

    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        """Valid settings, as in the TOML file."""
        raise NotImplementedError

    @pytest.fixture
    def channel(self, settings: dict[str, Any], tmp_path: Path) -> Channel:
        return self.load(settings, tmp_path)

    def load(self, settings: dict[str, Any], home: Path, timeout: float = 2) -> Channel:
        return dispatch.load("way-out", config.Adapter(kind=self.kind, **settings), timeout, home)

    def test_a_receipt_names_the_request(self, channel: Channel) -> None:
        receipt = channel.send(a_request())
        assert isinstance(receipt, Receipt)
        assert receipt.number or receipt.token or not receipt.trackable

    def test_every_setting_is_explained(self) -> None:
        cls = dispatch.kinds()[self.kind]
        assert cls.title
        assert cls.__doc__
        for name, field in cls.Settings.model_fields.items():
            assert field.description, f"{self.kind}: {name} has no description"

    def test_secrets_are_kept_as_secrets(self, channel: Channel) -> None:
        for name, field in type(channel.settings).model_fields.items():
            if any(word in name for word in ("key", "password", "token", "secret")):
                assert field.annotation is SecretStr, name
        assert SECRET not in repr(channel.settings)
        assert SECRET not in str(vars(channel))

    def test_an_unknown_setting_is_a_typo(self, settings: dict[str, Any], tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="no_such_setting"):
            self.load(settings | {"no_such_setting": 1}, tmp_path)

    def test_a_frozen_request_comes_back_whole(self) -> None:
        for request in (a_request(), a_request(accepted_at=None, due_at=None, links=(), lat=None, lon=None)):
            assert Request.thawed(json.loads(json.dumps(request.frozen()))) == request

    def test_abilities_are_as_declared(self, channel: Channel) -> None:
        overridden = {name: getattr(type(channel), name) is not getattr(Channel, name) for name in ("find", "status")}
        assert overridden == {"find": channel.can_find, "status": channel.can_follow}

    def test_what_was_sent_is_found(self, channel: Channel) -> None:
        request = a_request()
        receipt = channel.send(request)
        found = channel.find(request)
        if channel.can_find:
            assert found == Found(receipt)
        else:
            assert isinstance(found, Unknown)
            assert found.why

    def test_what_was_never_sent_is_absent(self, channel: Channel) -> None:
        found = channel.find(a_request(reference="SC-NEVER1"))
        assert isinstance(found, Absent if channel.can_find else Unknown)

    def test_test_says_a_sentence(self, channel: Channel) -> None:
        said = channel.test()
        assert said
        assert "\n" not in said
        assert SECRET not in said

    def test_forgetting_also_twice_leaves_no_file_of_it(self, settings: dict[str, Any], tmp_path: Path) -> None:
        home = tmp_path / "home"
        home.mkdir()
        channel = self.load(settings, home)
        channel.send(a_request())
        channel.forget("SC-7F3K9Q")
        channel.forget("SC-7F3K9Q")
        assert [file for file in home.rglob("*") if file.is_file()] == []

    def test_nothing_is_logged_of_it(self, channel: Channel, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            channel.send(a_request())
            channel.find(a_request())
        # aiosmtpd, the other side in the tests of mail, runs in this process and logs what it is sent.
        ours = "\n".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
        assert SECRET not in ours
        assert HANDLE not in ours
        assert "swallowed my bicycle" not in ours


FAILURES = [
    ("429", Says(429, b"slow down"), TemporaryError),
    ("503", Says(503, b"<html>busy</html>"), TemporaryError),
    ("500", Says(500, b"<html>Traceback</html>"), UnclearError),
    ("502", Says(502), UnclearError),
    ("504", Says(504), UnclearError),
    ("401", Says(401), AuthError),
    ("403", Says(403), AuthError),
    ("404 page", Says(404, b"<html>not here</html>"), RefusedError),
    ("410", Says(410), RefusedError),
    ("422", Says(422, b'{"error": "no"}'), RefusedError),
    ("moved", Says(301, b"", {"Location": "https://elsewhere.example/?api_key=" + SECRET}), AuthError),
    ("see other", Says(303, b"", {"Location": "/requests/1"}), UnclearError),
    ("maintenance page", MAINTENANCE, UnclearError),
    ("nothing", Says(200, b""), UnclearError),
    ("no content", Says(204), UnclearError),
    ("broken", Says(200, b'[{"service_request'), UnclearError),
    ("bomb", Says(200, b"[" * 200_000), UnclearError),
    ("reset after reading", Says(how="reset"), UnclearError),
    ("half an answer", Says(200, b'[{"service_request_id": "1"}]' * 2, how="cut"), UnclearError),
    ("silence", Says(how="silence"), UnclearError),
    ("drip", Says(200, b"[" + b" " * 100 + b"]", how="drip"), UnclearError),
]


def patience(says: Says) -> float:
    """Seconds: few only where the server keeps us waiting, so that a busy computer fails no test."""
    return 0.5 if says.how in ("silence", "drip") else 10


class HttpChannelContract(ChannelContract):
    """Adds the failures of HTTP."""

    @property
    def created(self) -> Says | Answers:
        """What a server that is well says to a good request, and to what is asked after it."""
        raise NotImplementedError

    @pytest.fixture
    def server(self) -> Iterator[HttpServer]:
        with http_server() as server:
            yield server.then(self.created)

    @pytest.mark.parametrize(("says", "kind"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
    def test_every_failure_says_what_to_do(
        self, says: Says, kind: type[AdapterError], server: HttpServer, settings: dict[str, Any], tmp_path: Path
    ) -> None:
        server.then(says)
        channel = self.load(settings, tmp_path, patience(says))
        with pytest.raises(kind) as caught:
            channel.send(a_request())
        assert caught.value.adapter == "way-out"
        assert_tells_nothing(caught.value)
        assert len(server.asked) == 1, "a request is sent once, whatever happens"

    def test_nobody_listens(self, server: HttpServer, settings: dict[str, Any], tmp_path: Path) -> None:
        there = {
            key: str(value).replace(server.url, f"http://127.0.0.1:{free_port()}") for key, value in settings.items()
        }
        with pytest.raises(TemporaryError, match="cannot be reached") as caught:
            self.load(there, tmp_path).send(a_request())
        assert_tells_nothing(caught.value)

    @pytest.mark.parametrize("status", [429, 503])
    def test_they_say_when_to_come_back(self, status: int, server: HttpServer, channel: Channel) -> None:
        server.then(Says(status, headers={"Retry-After": "17"}))
        with pytest.raises(TemporaryError) as caught:
            channel.send(a_request())
        assert caught.value.retry_after == 17
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
        server.then(Says(status, headers={"Retry-After": later}))
        with pytest.raises(TemporaryError) as caught:
            channel.send(a_request())
        assert caught.value.retry_after == pytest.approx(90, abs=5)
        server.then(Says(status, headers={"Retry-After": "soon"}))
        with pytest.raises(TemporaryError) as caught:
            channel.send(a_request())
        assert caught.value.retry_after is None

    def test_their_reason_is_told_without_what_they_echo(self, server: HttpServer, channel: Channel) -> None:
        echo = f"The street is not ours. You wrote: {TEXT} with api_k3y {SECRET}"
        server.then(Says(422, json.dumps([{"code": 422, "description": echo}]).encode()))
        with pytest.raises((RefusedError, AuthError)) as caught:
            channel.send(a_request())
        assert "The street is not ours" in str(caught.value)
        assert_tells_nothing(caught.value)

    @pytest.mark.parametrize("says", [row[1] for row in FAILURES if "4" not in row[0]])
    def test_a_failed_look_up_is_unknown(self, says: Says, server: HttpServer, settings: Any, tmp_path: Path) -> None:
        server.then(says)
        found = self.load(settings, tmp_path, patience(says)).find(a_request())
        assert isinstance(found, Unknown)
        assert SECRET not in found.why

    def test_a_failed_question_is_never_unclear(self, server: HttpServer, settings: Any, tmp_path: Path) -> None:
        for _, says, _ in FAILURES:
            server.then(says)
            channel = self.load(settings, tmp_path, patience(says))
            error = self._failure_of_a_question(channel)
            if error:
                assert not isinstance(error, UnclearError), says
                assert_tells_nothing(error)

    def _failure_of_a_question(self, channel: Channel) -> AdapterError | None:
        try:
            channel.status([TicketRef(number="1")])
        except AdapterError as error:
            return error
        return None

    def test_no_connection_is_kept(self, server: HttpServer, channel: Channel) -> None:
        channel.send(a_request())
        channel.send(a_request())
        assert [asked.headers["Connection"] for asked in server.asked] == ["close", "close"]
