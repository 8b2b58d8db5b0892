"""Clients for the tests of the simulator of X: the stream byte by byte, and tweepy pointed at loopback."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
import tweepy

from tests.peers.x_simulator import BEARER, USER_TOKEN, Simulator

LONGEST_WAIT = 5.0
"""Seconds in which a message must come."""


class Line:
    """An open stream, read chunk by chunk."""

    def __init__(self, x: Simulator, query: str = "", receive_buffer: int = 0, timeout: float = 5.0) -> None:
        self.sock = socket.socket()
        try:
            self._ask(x, query, receive_buffer, timeout)
        except BaseException:
            self.sock.close()
            raise

    def _ask(self, x: Simulator, query: str, receive_buffer: int, timeout: float) -> None:
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(timeout)
        self.sock.connect(("127.0.0.1", urlsplit(x.url).port or 0))
        path = "/2/tweets/search/stream" + (f"?{query}" if query else "")
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {BEARER}\r\n\r\n".encode())
        self._file = self.sock.makefile("rb")
        try:
            head = self._file.readline()
            if not head:
                raise EOFError
            self.status = int(head.split()[1])
            self.headers = dict(self._headers())
        except BaseException:
            self._file.close()
            raise

    def _headers(self) -> Iterator[tuple[str, str]]:
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode().partition(": ")
            yield name.lower(), value

    def chunk(self) -> bytes:
        """The next one; empty: the stream ended in good order. Raises EOFError where it breaks off."""
        head = self._file.readline()
        if not head:
            raise EOFError
        size = int(head, 16)
        data = self._file.read(size + 2)
        if len(data) < size + 2:
            raise EOFError
        return data[:-2]

    def message(self) -> Any:
        """The next message; keep-alives are passed over, but not for ever."""
        data, end = b"", time.monotonic() + LONGEST_WAIT
        while time.monotonic() < end:
            data = data.removeprefix(b"\r\n") + self.chunk()
            if data.endswith(b"\r\n") and data != b"\r\n":
                return json.loads(data)
        raise TimeoutError("only keep-alives")

    def body(self) -> Any:
        """Of an answer that is no stream."""
        return json.loads(self._file.read(int(self.headers["content-length"])))

    def close(self) -> None:
        self._file.close()
        self.sock.close()


@contextmanager
def streaming(x: Simulator, query: str = "", receive_buffer: int = 0) -> Iterator[Line]:
    """Accepted, and open for as long as the block lasts."""
    line = Line(x, query, receive_buffer)
    try:
        assert line.status == 200, line.body()
        yield line
    finally:
        line.close()


def asked(x: Simulator, method: str, path: str, token: str = BEARER, **values: Any) -> requests.Response:
    """A request of its own connection; `values` as `requests` takes them."""
    return requests.request(method, x.url + path, headers={"Authorization": f"Bearer {token}"}, timeout=5, **values)


class Streaming(tweepy.StreamingClient):
    """tweepy, pointed at the simulator; keeps what its hooks were given."""

    def __init__(self, x: Simulator, **values: Any) -> None:
        super().__init__(BEARER, **values)
        self._url = x.url
        self.seen: list[Any] = []
        self.errors: list[Any] = []
        self.failures: list[Exception] = []
        self.keep_alives = 0

    def _connect(self, method: str, endpoint: str, **values: Any) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.bearer_token}"
        url = f"{self._url}/2/tweets/{endpoint}/stream"
        tweepy.streaming.BaseStream._connect(self, method, url, **values)

    def request(self, method: str, route: str, params: Any = None, json: Any = None, user_auth: bool = False) -> Any:
        return here(self._url, self, method, route, params, json, user_auth)

    def on_response(self, response: Any) -> None:
        self.seen.append(response)

    def on_errors(self, errors: Any) -> None:
        self.errors.append(errors)

    def on_exception(self, exception: Exception) -> None:
        self.failures.append(exception)

    def on_keep_alive(self) -> None:
        self.keep_alives += 1


class Client(tweepy.Client):
    """tweepy, pointed at the simulator; signs as the city's account where a person's name is asked for."""

    def __init__(self, x: Simulator) -> None:
        super().__init__(
            BEARER, consumer_key="k", consumer_secret="s", access_token=USER_TOKEN, access_token_secret="t"
        )
        self._url = x.url

    def request(self, method: str, route: str, params: Any = None, json: Any = None, user_auth: bool = False) -> Any:
        return here(self._url, self, method, route, params, json, user_auth)


def here(url: str, client: Any, method: str, route: str, params: Any, json: Any, user_auth: bool) -> requests.Response:
    """A request as tweepy makes it, but for the host."""
    auth, headers = None, {}
    if user_auth:
        auth = tweepy.OAuth1UserHandler(
            client.consumer_key, client.consumer_secret, client.access_token, client.access_token_secret
        ).apply_auth()
    else:
        headers["Authorization"] = f"Bearer {client.bearer_token}"
    answer = client.session.request(
        method, url + route, params=params, json=json, headers=headers, auth=auth, timeout=5
    )
    refusals = {400: tweepy.BadRequest, 401: tweepy.Unauthorized, 403: tweepy.Forbidden, 429: tweepy.TooManyRequests}
    if answer.status_code >= 400:
        raise refusals.get(answer.status_code, tweepy.HTTPException)(answer)
    return answer
