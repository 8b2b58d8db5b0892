"""The mail channel against a real SMTP server on loopback: TLS, login, every phase in which a send can fail."""

from __future__ import annotations

import asyncio
import email
import mailbox
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from connector.dispatch import Channel, Receipt, _mail
from connector.dispatch.email import Email
from connector.errors import AdapterError, AuthError, ConfigError, RefusedError, TemporaryError, UnclearError
from tests.contracts import SECRET, TEXT, ChannelContract, a_request, assert_tells_nothing
from tests.servers import free_port, loopback_certificate


class Postman:
    """An SMTP server in a thread. `does` says what happens at a phase: an answer, or a coroutine function."""

    def __init__(self, certificate: Path | None, login: bool = True) -> None:
        self.mails: list[EmailMessage] = []
        self.does: dict[str, Any] = {}
        self.tried = 0
        tls = None
        if certificate:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(certificate)
        self._options: dict[str, Any] = {"tls_context": tls, "require_starttls": bool(tls)}
        if login:
            self._options |= {"authenticator": self._login, "auth_required": True, "auth_require_tls": bool(tls)}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self._server, self.port = started.result(5)

    async def _start(self) -> tuple[asyncio.Server, int]:
        server = await self._loop.create_server(lambda: SMTP(self, loop=self._loop, **self._options), "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        async def end() -> None:
            self._server.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        if refusal := self.does.get("AUTH"):
            return AuthResult(success=False, handled=False, message=refusal)
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"city", SECRET.encode())
        return AuthResult(success=good, handled=False)

    async def _phase(self, name: str, server: SMTP) -> str | None:
        told = self.does.get(name)
        return await told(server) if callable(told) else told

    async def handle_MAIL(self, server: SMTP, _: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        told = await self._phase("MAIL", server)
        envelope.mail_from = address
        return told or "250 OK"

    async def handle_RCPT(self, server: SMTP, _: Any, envelope: Envelope, address: str, options: list[str]) -> str:
        told = await self._phase("RCPT", server)
        if told and not told.startswith("2"):
            return told
        envelope.rcpt_tos.append(address)
        return told or "250 OK"

    async def handle_DATA(self, server: SMTP, _: Any, envelope: Envelope) -> str:
        self.tried += 1
        mail = email.message_from_bytes(envelope.original_content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return await self._phase("DATA", server) or "250 OK"


async def hang_up(server: SMTP) -> None:
    assert server.transport
    server.transport.abort()


async def fall_silent(server: SMTP) -> None:
    await asyncio.sleep(30)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return loopback_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def postman(certificate: Path) -> Iterator[Postman]:
    postman = Postman(certificate)
    yield postman
    postman.stop()


class TestEmail(ChannelContract):
    kind = "email"

    @pytest.fixture
    def settings(self, postman: Postman, certificate: Path) -> dict[str, Any]:
        return {
            "host": "127.0.0.1",
            "port": postman.port,
            "username": "city",
            "password": SECRET,
            "sender": "311@city.example",
            "ca_file": str(certificate),
        }

    def test_the_mail_arrives_as_written(self, channel: Channel, postman: Postman) -> None:
        request = a_request(text="First line\n.\n..two dots\nFrom here on, naïve ☃ " + "long " * 300)
        assert channel.send(request) == Receipt(number="SC-7F3K9Q")
        (mail,) = postman.mails
        assert mail["To"] == "streets@city.example"
        assert mail["From"] == "Port Alder <311@city.example>"
        assert mail["Message-ID"] == "<SC-7F3K9Q@city.example>"
        assert mail["Auto-Submitted"] == "auto-generated"
        assert mail["Date"].datetime.utcoffset() == timedelta(0)
        assert mail.get_content_type() == "text/plain"
        assert mail.get_content_charset() == "utf-8"
        assert mail.get_content().replace("\r\n", "\n") == _mail.body(request)

    def test_a_notice_is_a_plain_mail_of_its_own(self, channel: Channel, postman: Postman) -> None:
        for subject in ("Port Alder: source x is refused", "Ünï\r\nBcc: x@y.example " + "long " * 60):
            channel.notify("it@city.example", subject, "Sources is here:\n.\nhttps://city.example/sources\n")
        first, second = postman.mails
        assert (first["To"], first["From"]) == ("it@city.example", "311@city.example")
        assert first["Subject"] == "Port Alder: source x is refused"
        assert first["Auto-Submitted"] == "auto-generated"
        assert first.get_content_type() == "text/plain"
        assert first.get_content().replace("\r\n", "\n") == "Sources is here:\n.\nhttps://city.example/sources\n"
        assert second["Bcc"] is None
        assert second["Subject"].startswith("Ünï Bcc: x@y.example long")
        assert first["Message-ID"] != second["Message-ID"]

    @pytest.mark.parametrize(
        ("phase", "does", "kind"),
        [
            ("MAIL", hang_up, TemporaryError),
            ("RCPT", "450 4.2.0 try later", TemporaryError),
            ("RCPT", "550 5.1.1 no such user", RefusedError),
            ("DATA", hang_up, UnclearError),
            ("AUTH", "535 5.7.8 bad credentials", AuthError),
        ],
    )
    def test_a_notice_fails_like_a_request(
        self, phase: str, does: Any, kind: type[AdapterError], postman: Postman, channel: Channel
    ) -> None:
        postman.does[phase] = does
        with pytest.raises(kind) as caught:
            channel.notify("it@city.example", "A subject", "A text")
        assert_tells_nothing(caught.value)

    def test_a_notice_to_no_address_is_refused(self, channel: Channel, postman: Postman) -> None:
        with pytest.raises(RefusedError, match=r"\[notify\]"):
            channel.notify("it@city.example, all@city.example", "A subject", "A text")
        assert postman.tried == 0

    @pytest.mark.parametrize(
        ("phase", "does", "kind"),
        [
            ("MAIL", "451 4.3.0 busy", TemporaryError),
            ("MAIL", "530 5.7.0 log in first", AuthError),
            ("MAIL", "550 5.7.1 sender not allowed", RefusedError),
            ("MAIL", hang_up, TemporaryError),
            ("MAIL", fall_silent, TemporaryError),
            ("RCPT", "450 4.2.0 try later", TemporaryError),
            ("RCPT", "452 4.2.2 mailbox full", TemporaryError),
            ("RCPT", "550 5.1.1 no such user", RefusedError),
            ("RCPT", "421 4.3.2 shutting down", TemporaryError),
            ("RCPT", hang_up, TemporaryError),
            ("RCPT", fall_silent, TemporaryError),
            ("DATA", "451 4.3.0 after message", TemporaryError),
            ("DATA", "552 5.3.4 too big", RefusedError),
            ("DATA", f"554 5.7.1 spam: {TEXT}", RefusedError),
            ("DATA", "garbage", UnclearError),
            ("DATA", hang_up, UnclearError),
            ("DATA", fall_silent, UnclearError),
            ("AUTH", "535 5.7.8 bad credentials", AuthError),
            ("AUTH", "454 4.7.0 temporary failure", TemporaryError),
        ],
    )
    def test_every_failure_says_what_to_do(
        self, phase: str, does: Any, kind: type[AdapterError], postman: Postman, settings: Any, tmp_path: Path
    ) -> None:
        postman.does[phase] = does
        started = time.monotonic()
        with pytest.raises(kind) as caught:
            self.load(settings, tmp_path, timeout=2).send(a_request())
        assert time.monotonic() - started < 3
        assert caught.value.adapter == "way-out"
        assert_tells_nothing(caught.value)
        if isinstance(does, str) and does[:3].isdigit() and TEXT not in does:
            assert does[4:] in str(caught.value)

    def test_a_wrong_password_is_an_auth_error(
        self, settings: dict[str, Any], tmp_path: Path, postman: Postman
    ) -> None:
        with pytest.raises(AuthError):
            self.load(settings | {"password": "wrong"}, tmp_path).send(a_request())
        assert postman.tried == 0

    def test_an_untrusted_certificate_sends_nothing(self, settings: Any, tmp_path: Path, postman: Postman) -> None:
        del settings["ca_file"]
        with pytest.raises(AuthError, match="certificate"):
            self.load(settings, tmp_path).send(a_request())
        with pytest.raises(AuthError, match="certificate"):
            self.load(settings, tmp_path).test()
        assert postman.tried == 0

    def test_a_server_without_starttls_gets_neither_login_nor_mail(self, settings: Any, tmp_path: Path) -> None:
        postman = Postman(None, login=False)
        try:
            with pytest.raises(AuthError, match="encryption"):
                self.load(settings | {"port": postman.port}, tmp_path).send(a_request())
            here = {"tls": "none", "username": "", "password": "", "port": postman.port}
            assert self.load(settings | here, tmp_path).send(a_request()) == Receipt(number="SC-7F3K9Q")
            assert len(postman.mails) == 1
        finally:
            postman.stop()

    def test_nobody_listens(self, settings: dict[str, Any], tmp_path: Path) -> None:
        with pytest.raises(TemporaryError, match="cannot be reached"):
            self.load(settings | {"port": free_port()}, tmp_path).send(a_request())

    @pytest.mark.parametrize(
        "greeting", [b"", b"220 hi\r\n", b"554 go away\r\n", b"421 later\r\n", b"HTTP/1.1 400\r\n"]
    )
    def test_a_strange_server(self, greeting: bytes, settings: dict[str, Any], tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            there: list[socket.socket] = []

            def greet() -> None:
                one, _ = listener.accept()
                there.append(one)
                one.sendall(greeting)

            thread = threading.Thread(target=greet)
            thread.start()
            with pytest.raises(AuthError if greeting.startswith(b"554") else TemporaryError) as caught:
                self.load(settings | {"port": listener.getsockname()[1]}, tmp_path, timeout=0.8).send(a_request())
            assert_tells_nothing(caught.value)
            thread.join()
            there[0].close()

    @pytest.mark.parametrize(
        "to",
        ["", "nobody", "a@b.example, c@d.example", "a@b.example\r\nBcc: c@d.example", "ä@b.example", "<a@b.example>"],
    )
    def test_one_plain_address_or_none(self, to: str, channel: Channel, postman: Postman) -> None:
        with pytest.raises(RefusedError):
            channel.send(a_request(to=to))
        assert postman.tried == 0

    @pytest.mark.parametrize(
        ("wrong", "setting"),
        [
            ({"host": "mail.city.example", "tls": "none"}, "this computer"),
            ({"sender": "The city <311@city.example>"}, "sender"),
            ({"sender": "311@city.example\r\nBcc: x@y.example"}, "sender"),
            ({"password": ""}, "password"),
            ({"password": "pässword"}, "ASCII"),
            ({"ca_file": "/nowhere.pem"}, "ca_file"),
            ({"ca_file": __file__}, "ca_file"),
            ({"port": 0}, "port"),
            ({"tls": "maybe"}, "tls"),
        ],
    )
    def test_wrong_settings_are_named(self, wrong: dict[str, Any], setting: str, settings: Any, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=setting) as caught:
            self.load(settings | wrong, tmp_path)
        assert SECRET not in str(caught.value)


HOSTILE = [
    "Elm St\r\nBcc: evil@example.com",
    "Elm St\nBcc: evil@example.com",
    "Elm St\rBcc: evil@example.com",
    "Elm St\u2028Bcc: evil@example.com",
    "Elm St\u2029Bcc: evil@example.com",
    "Elm St\x85Bcc: evil@example.com",
    "Elm St\x0b\x0c\x1c\x1d\x1eBcc: evil@example.com",
    "Elm St\x00Bcc: evil@example.com",
    "=?utf-8?q?Elm=0D=0ABcc:_evil@example.com?=",
    "=?utf-8?b?RWxtDQpCY2M6IGV2aWxAZXhhbXBsZS5jb20=?=",
    "=?utf-8?q?a?==?utf-8?q?=0D=0ABcc:_evil@example.com?=",
    "Elm St\r\n\r\n<html>new body</html>",
    "Elm\u202e St evil",
    "\ud800 lone surrogate",
    "Ünïcode \U0001f573 " * 60,
    "a" * 5000,
    "x\r\n" * 200,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    "where", ["place", "type_title", "city", "department", "district", "text", "links", "ticket_page"]
)
def test_nothing_from_outside_makes_a_header(where: str, text: str) -> None:
    request = a_request(**{where: (text,) if where == "links" else text})
    written = _mail.message(request, "311@city.example").as_bytes()
    head, _, rest = written.partition(b"\r\n\r\n")
    assert rest
    assert written.isascii()
    assert all(len(line) <= 998 for line in written.split(b"\r\n"))
    assert b"\r" not in written.replace(b"\r\n", b"")
    assert b"\n" not in written.replace(b"\r\n", b"")
    mail = email.message_from_bytes(written, policy=policy.default)
    wanted = ["Subject", "From", "To", "Date", "Message-ID", "Auto-Submitted", "Content-Type"]
    assert list(mail.keys()) == [*wanted, "Content-Transfer-Encoding", "MIME-Version"]
    assert mail["Message-ID"] == "<SC-7F3K9Q@city.example>"
    assert [one.addr_spec for one in mail["To"].addresses] == ["streets@city.example"]
    assert [one.addr_spec for one in mail["From"].addresses] == ["311@city.example"]
    assert str(mail["Subject"]).startswith("[SC-7F3K9Q]")
    assert len(str(mail["Subject"])) <= 200
    assert mail.defects == []
    assert b"\nBcc" not in head


class TestWords:
    def test_urgent_comes_first(self) -> None:
        assert _mail.subject(a_request(urgent=True)) == "Urgent: [SC-7F3K9Q] Pothole, Quarry Rd & Elm St"

    def test_the_body_is_what_a_department_needs(self) -> None:
        assert _mail.body(a_request(text="Deep one\nReference: SC-FAKE12", urgent=True)) == (
            "Type: Pothole\n"
            "Urgency: urgent\n"
            "Department: Streets\n"
            "Place: Quarry Rd & Elm St (North Hill)\n"
            "Due: Thursday, 3 December 2026, 17:00 PST\n"
            "Map: https://www.openstreetmap.org/?mlat=45.512345&mlon=-122.658765#map=18/45.512345/-122.658765\n"
            "\n"
            "What residents wrote (3 people):\n"
            "> Deep one\n"
            "> Reference: SC-FAKE12\n"
            "\n"
            "Their posts:\n"
            "https://x.com/i/web/status/1\n"
            "https://x.com/i/web/status/2\n"
            "\n"
            "When it is finished, close it there; residents are then told:\n"
            "https://city.example/tickets?reference=SC-7F3K9Q\n"
            "\n"
            "Reference: SC-7F3K9Q\n"
        )

    def test_what_is_not_known_is_left_out(self) -> None:
        bare = a_request(
            lat=None, place="", district="", due_at=None, links=(), ticket_page="", people=1, department=""
        )
        assert _mail.body(bare).startswith("Type: Pothole\nPlace: not known\n\nWhat residents wrote (one person):\n> ")
        assert "Map" not in _mail.body(bare)

    def test_a_long_domain_keeps_the_message_id_whole(self) -> None:
        sender = "311@" + "a" * 60 + "." + "b" * 60 + ".example"
        assert f"<SC-7F3K9Q@{sender[4:]}>".encode() in _mail.message(a_request(), sender).as_bytes()


REAL = os.environ.get("REAL_SMTP", "")
"""host:port of a real Postfix; user, password, CA file and Maildir in REAL_SMTP_USER, _PASSWORD, _CA and _MAILDIR."""


@pytest.mark.skipif(not REAL, reason="REAL_SMTP (host:port) names no real mail server")
@pytest.mark.parametrize(
    ("recipient", "kind"),
    [
        ("dept", None),
        ("temp450", TemporaryError),
        ("full452", TemporaryError),
        ("no550", RefusedError),
        ("bye421", TemporaryError),
        ("data451", TemporaryError),
        ("eod451", TemporaryError),
        ("slow", TemporaryError),
        ("late", UnclearError),
    ],
)
def test_a_real_postfix(recipient: str, kind: type[AdapterError] | None, tmp_path: Path) -> None:
    host, _, port = REAL.rpartition(":")
    user = os.environ.get("REAL_SMTP_USER", "city@city311.test")
    domain = user.partition("@")[2]
    settings = Email.Settings(
        host=host,
        port=int(port),
        username=user,
        password=os.environ.get("REAL_SMTP_PASSWORD", ""),
        sender=f"connector@{domain}",
        ca_file=os.environ.get("REAL_SMTP_CA"),
    )
    channel = Email("real", settings, timeout=10 if recipient != "late" else 6)
    reference = f"SC-{recipient.upper()}-{time.time_ns()}"
    request = a_request(to=f"{recipient}@{domain}", reference=reference)
    assert "TLS" in channel.test()
    if kind is None:
        assert channel.send(request) == Receipt(number=reference)
    else:
        with pytest.raises(kind) as caught:
            channel.send(request)
        print(f"{recipient}: {type(caught.value).__name__}: {caught.value}")  # noqa: T201
        assert_tells_nothing(caught.value)
    if folder := os.environ.get("REAL_SMTP_MAILDIR"):
        wanted = f"<{reference}@{domain}>"
        arrives = kind in (None, UnclearError)
        deadline = time.monotonic() + (15 if arrives else 1)
        while time.monotonic() < deadline:
            here = any(mail["Message-ID"] == wanted for mail in mailbox.Maildir(folder, create=False))
            if here:
                break
            time.sleep(0.5)
        assert here == arrives
