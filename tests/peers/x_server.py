"""The simulator of X on its sockets: HTTP/1.1 with a thread for each connection, and the breaks on the way.

What is answered comes from `x_endpoints.py`; what goes out on an open stream from `x_stream.py`.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import sys
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from tests.peers import x_control
from tests.peers.x_answers import Answer
from tests.peers.x_endpoints import Asked, endpoint_of
from tests.peers.x_faults import BREAKS
from tests.peers.x_posts import Refused
from tests.peers.x_stream import GONE, reset

if TYPE_CHECKING:
    from tests.peers.x_simulator import Simulator

CONTROL = "/_control/"
VERSION = "2.167"


@dataclass
class Attempt:
    """One request as it was made and answered; times are X's."""

    number: int
    endpoint: str
    """A name of `ENDPOINTS`; empty: none of them."""
    method: str
    path: str
    query: dict[str, str]
    at: float
    status: int = 0
    """0: no answer, or none yet."""
    ended_at: float | None = None
    ending: str = ""
    """answered, the name of a break, or why a stream ended."""
    posts: int = 0
    """Written on this stream."""


class Server(ThreadingHTTPServer):
    """Listens until `close`, which also ends what is open."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, x: Simulator, port: int, control: bool = False) -> None:
        super().__init__(("127.0.0.1", port), _handler(x, control))
        self._x = x
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                request, address = self.socket.accept()
            except OSError:
                return
            self.process_request(request, address)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):  # it has stopped before
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which closing alone does not
        self._thread.join()
        self.socket.close()

    def close(self) -> None:
        self.stop_listening()
        for request in list(self._open):
            with contextlib.suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        failure = sys.exc_info()[1]
        if failure and not isinstance(failure, OSError):
            self._x.failures.append(failure)
            super().handle_error(request, client_address)


def _handler(x: Simulator, control: bool) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "larkmere"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            if control:
                self._say(x_control.answer(x, parts.path.removeprefix(CONTROL), body))
                return
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            endpoint = endpoint_of(self.command, parts.path)
            headers = {name.title(): value for name, value in self.headers.items()}
            asked = Asked(endpoint, self.command, parts.path, query, headers, body)
            attempt = x.begin(asked)
            self._serve(asked, attempt)

        do_POST = do_PUT = do_DELETE = do_GET

        def _serve(self, asked: Asked, attempt: Attempt) -> None:
            fault = x.faults.take(asked.endpoint, (BREAKS,), x.clock.now())
            name = fault.name if fault else ""
            if fault and "seconds" in fault.value:
                self._dawdle(fault.value["seconds"])
            if name in ("reset", "close", "silence"):
                self.close_connection = True
                x.end(attempt, name)
                if name == "reset":
                    reset(self.connection)
                return
            answer = x.answer(asked)
            attempt.status = answer.status
            if asked.endpoint == "stream" and answer == Answer(200, None, answer.headers):
                self._stream(asked, attempt, answer, half=name == "half")
                return
            x.end(attempt, name or "answered")
            self._say(answer, half=name == "half")

        def _stream(self, asked: Asked, attempt: Attempt, answer: Answer, half: bool) -> None:
            self.close_connection = True
            try:
                stream = x.open_stream(asked, attempt.number, self.connection)
            except Refused as refusal:
                attempt.status = refusal.answer.status
                x.end(attempt, "answered")
                self._say(Answer(refusal.answer.status, refusal.answer.body, answer.headers))
                return
            ending = GONE
            try:
                with contextlib.suppress(OSError):
                    self._head(200, answer.headers | {"Transfer-Encoding": "chunked"})
                    ending = "half" if half else stream.serve()
            finally:
                x.close_stream(stream, attempt, ending)

        def _dawdle(self, seconds: float) -> None:
            """So long, or until the client or the test has had enough."""
            until = time.monotonic() + x.clock.real(seconds)
            while (left := until - time.monotonic()) > 0 and not x.stopping.is_set():
                readable, _, _ = select.select([self.connection], [], [], min(left, 0.1))
                if readable and not self.connection.recv(1, socket.MSG_PEEK):
                    return

        def _say(self, answer: Answer, half: bool = False) -> None:
            plain = isinstance(answer.body, str)
            content = b"" if answer.body is None else (answer.body if plain else json.dumps(answer.body)).encode()
            headers = {"Content-Type": "text/html" if plain else "application/json; charset=utf-8"} | answer.headers
            self.close_connection = self.close_connection or half
            with contextlib.suppress(OSError):
                self._head(answer.status, headers | {"Content-Length": str(len(content))})
                self.wfile.write(content[: len(content) // 2] if half else content)

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("api-version", VERSION)
            self.send_header("x-access-level", "read-write")
            self.end_headers()

        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string(x.clock.now() if timestamp is None else timestamp)

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().finish()

        def log_message(self, *args: object) -> None:
            pass

    return Handler
