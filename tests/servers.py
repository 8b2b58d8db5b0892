"""Small real servers on loopback for the tests: HTTP that answers, lies, dawdles or breaks off as it is told.

`HttpServer` is used by the contract in `contracts.py` and by the tests of every adapter that speaks HTTP.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    @property
    def fields(self) -> list[tuple[str, str]]:
        return parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(self.body))

    @property
    def field(self) -> dict[str, str]:
        return dict(self.fields)


@dataclass(frozen=True)
class Says:
    """An answer, or one of the ways of not giving one."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "at once"
    """at once, reset (after reading all), silence (reads, never answers), drip (a byte at a time), cut (half a body)"""


def says_json(content: Any, status: int = 200, **headers: str) -> Says:
    named = {"Content-Type": "application/json"} | {key.replace("_", "-"): value for key, value in headers.items()}
    return Says(status, json.dumps(content).encode(), named)


def says_xml(text: str, status: int = 200) -> Says:
    return Says(status, text.encode(), {"Content-Type": "text/xml; charset=utf-8"})


MAINTENANCE = Says(200, b"<!DOCTYPE html>\n<html><body><h1>Back soon</h1></body></html>", {"Content-Type": "text/html"})
Answers = Callable[[Asked], Says]


class Handler(BaseHTTPRequestHandler):
    """What every server here does: it can break off, and is silent about who hangs up."""

    protocol_version = "HTTP/1.1"

    def reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *args: object) -> None:
        pass


class HttpServer:
    """Answers with what `then` was given, in turn; the last one stays. `asked` is what arrived."""

    def __init__(self, certificate: Path | None = None) -> None:
        self.asked: list[Asked] = []
        self._answers: list[Says | Answers] = [Says(404)]
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._scheme = "http"
        if certificate:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(certificate)
            self._scheme, self._server.socket = "https", tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    def then(self, *answers: Says | Answers) -> HttpServer:
        """Say this from now on."""
        self._answers = list(answers)
        return self

    def stop(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, asked: Asked) -> Says:
        self.asked.append(asked)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(asked) if callable(answer) else answer

    def _handler(self) -> type[Handler]:
        server = self

        class Answering(Handler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                query = parse_qsl(parts.query, keep_blank_values=True)
                self._say(server._next(Asked(self.command, parts.path, query, dict(self.headers), body)))

            do_POST = do_PUT = do_GET

            def _say(self, answer: Says) -> None:
                self.close_connection = True
                if answer.how == "reset":
                    self.reset()
                    return
                if answer.how == "silence":
                    server._over.wait(10)
                    return
                with contextlib.suppress(OSError):
                    self.send_response(answer.status)
                    for name, value in ({"Content-Length": str(len(answer.body))} | answer.headers).items():
                        self.send_header(name, value)
                    self.send_header("Connection", "close")  # said, since it is done: a client must not use it again
                    self.end_headers()
                    if answer.how == "drip":
                        for at in range(len(answer.body)):
                            self.wfile.write(answer.body[at : at + 1])
                            time.sleep(0.05)
                    else:
                        self.wfile.write(answer.body[: len(answer.body) // 2] if answer.how == "cut" else answer.body)

        return Answering


@contextlib.contextmanager
def http_server(certificate: Path | None = None) -> Iterator[HttpServer]:
    """Runs for as long as the block does; with a certificate it speaks HTTPS."""
    server = HttpServer(certificate)
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port on loopback at which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def loopback_certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    file = folder / "both.pem"
    written = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(written + made.public_bytes(serialization.Encoding.PEM))
    return file
