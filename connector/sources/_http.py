"""HTTP for the sources: one chain of calls over one session, and every failure as the error that says what to do next.

A token travels in a header alone and only to the address it was given for: redirects are never followed. Bodies are
bounded, no word of an answer stands in a message. `Stream` is an answer that goes on, read line by line. Called by
`mastodon/`, `facebook/`, `bluesky/` and `x/`; read on in `connector/errors.py`.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from pydantic import SecretStr

from connector.errors import AdapterError, AuthError, RefusedError, TemporaryError, causes
from connector.models import GapCause
from connector.sources import Stopping

LARGEST = 16 * 1024 * 1024
"""Bytes; a longer answer is not read to its end."""
LONGEST_LINE = 1024 * 1024
"""Bytes; a stream with a longer one is not read on."""
LONGEST_WAIT = 3600.0
"""Seconds; who names a later time is asked again by then all the same."""
PATIENCE = 60.0
"""Seconds of silence after which a stream counts as dead; they all send a sign of life more often."""
POLL = 0.05
"""Seconds between two looks whether to stop, while somebody is awaited."""
_UNTIL = ("Retry-After", "X-RateLimit-Reset", "RateLimit-Reset")
_A_DATE = 1e9
"""More seconds than these are counted from 1970."""
BROKEN = (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError)
"""What libraries raise when a connection fails."""
UNREADABLE = (ValueError, RecursionError)
"""What decoding JSON raises: msgspec's own errors are ValueErrors, as is that of bytes that are no UTF-8."""
_SLOW = (requests.Timeout, urllib3.exceptions.ReadTimeoutError, TimeoutError)

T = TypeVar("T")
Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class StoppedError(Exception):
    """The worker stops while somebody is awaited."""


class Http:
    """Calls to one server; `name` is put into the errors, `timeout` is in seconds and for one whole answer."""

    def __init__(
        self, name: str, address: str, token: SecretStr | None = None, timeout: float = 20,
        stopping: Stopping | None = None,
    ) -> None:  # fmt: skip
        """With `stopping`, a call ends by StoppedError as soon as that says so."""
        self.name, self.timeout = name, timeout
        self._address, self._stopping = address, stopping
        self._session = requests.Session()
        self._session.auth = Bearer(token)
        self._session.headers.update({"Accept-Encoding": "identity", "User-Agent": "connector"})

    def __enter__(self) -> Http:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def get(self, path: str, params: Fields = ()) -> Answer:
        """Their answer, whatever its status; TemporaryError when there is none."""
        return self._read("GET", path, params, None)

    def post(self, path: str, fields: Fields) -> Answer:
        """As `get`, with a form in the body; only for what may be asked twice."""
        return self._read("POST", path, (), fields)

    def post_json(self, path: str, content: Any) -> Answer:
        """As `post`, with JSON in the body; None: no body."""
        return self._read("POST", path, (), None, content)

    def put(self, path: str, content: bytes) -> Answer:
        """As `get`, with a file in the body."""
        return self._read("PUT", path, (), content)

    def stream(self, path: str, params: Fields = ()) -> Stream | None:
        """A stream of server-sent events, None where they do not offer it; it outlives this chain of calls."""
        answer = self._unless_stopped(lambda: self._call("GET", path, params, None, PATIENCE), requests.Response.close)
        if answer.status_code == 200 and answer.headers.get("Content-Type", "").startswith("text/event-stream"):
            return Stream(answer)
        answer.close()
        return None

    def decoded(self, answer: Answer, shape: type[T]) -> T:
        """The JSON of an answer; TemporaryError if it is none, or another one."""
        try:
            return msgspec.json.decode(answer.body, type=shape)
        except UNREADABLE:
            raise TemporaryError("The server gave an answer that cannot be read.", self.name) from None

    def refuse(self, answer: Answer) -> NoReturn:
        """Raise what a status means that is no success."""
        status = answer.status
        if 300 <= status < 400:
            raise AuthError("The server points to another address; mend its address in the settings.", self.name)
        if status == 429:
            after, cause = wait(answer.headers), GapCause.RATE_LIMIT
            raise TemporaryError("The server asks us to call less often (429).", self.name, after, cause)
        if status == 401:
            raise AuthError("The server refuses our token (401): make a new one, then set it and resume.", self.name)
        if status == 403:
            raise AuthError("Our token does not allow this (403): make one with the scopes it needs.", self.name)
        if status in (408, 425) or status >= 500:
            after = wait(answer.headers)
            raise TemporaryError(f"The server cannot answer at the moment ({status}).", self.name, after)
        raise RefusedError(f"The server does not know what is asked of it ({status}).", self.name)

    def _read(
        self, method: str, path: str, params: Fields, fields: Fields | bytes | None, content: Any = None
    ) -> Answer:
        return self._unless_stopped(lambda: self._answer(method, path, params, fields, content))

    def _unless_stopped(self, call: Callable[[], T], over: Callable[[T], object] = lambda _: None) -> T:
        return call() if self._stopping is None else patiently(call, self._stopping, over)

    def _answer(self, method: str, path: str, params: Fields, fields: Fields | bytes | None, content: Any) -> Answer:
        deadline = time.monotonic() + self.timeout
        with self._call(method, path, params, fields, self.timeout, content) as answer:
            try:
                return Answer(answer.status_code, answer.headers, whole(answer, deadline))
            except BROKEN as error:
                raise lost(error, self.name) from None

    def _call(
        self, method: str, path: str, params: Fields, fields: Fields | bytes | None, patience: float,
        content: Any = None,
    ) -> requests.Response:  # fmt: skip
        # Chained exceptions of requests quote whole URLs: `from None` keeps them out of every log.
        try:
            return self._session.request(
                method, self._address + path, params=list(params), json=content,
                data=fields if fields is None or isinstance(fields, bytes) else list(fields),
                timeout=(self.timeout / 4, patience), allow_redirects=False, stream=True,
            )  # fmt: skip
        except BROKEN as error:
            raise lost(error, self.name) from None


class Stream:
    """An answer that goes on: one thread reads its lines, any other may shut it."""

    def __init__(self, answer: requests.Response) -> None:
        self._answer = answer

    def lines(self) -> Iterator[bytes]:
        """Each without its end, until they break off, fall silent or `shut` is called; then it is closed."""
        rest = b""
        with self._answer, contextlib.suppress(*BROKEN):
            while (piece := self._answer.raw.read1(65_536, decode_content=True)) and len(rest) < LONGEST_LINE:
                *whole, rest = (rest + piece).split(b"\n")
                yield from (line.rstrip(b"\r") for line in whole)

    def shut(self) -> None:
        """End `lines`, wherever it waits."""
        with contextlib.suppress(*BROKEN, RuntimeError):
            self._answer.raw.shutdown()


class Bearer(requests.auth.AuthBase):
    """Puts the token into the header; without one it keeps requests from looking for a password in ~/.netrc."""

    def __init__(self, token: SecretStr | None) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._token is not None:
            request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request


def lost(error: Exception, name: str) -> AdapterError:
    """What a connection that failed means; nothing of what a library says is repeated."""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes(error)):
        return AuthError("The server's certificate is not trusted; nothing was sent. Mend it.", name)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return AuthError("The server's address cannot be used; mend it in the settings.", name)
    how = "does not answer" if isinstance(error, _SLOW) else "cannot be reached, or broke off"
    return TemporaryError(f"The server {how}.", name)


def patiently(call: Callable[[], T], stopping: Stopping, over: Callable[[T], object] = lambda _: None) -> T:
    """What the call gives; StoppedError when told to stop before it returned, then its result is handed to `over`."""
    if stopping(0):
        raise StoppedError
    found: list[T] = []
    failed: list[BaseException] = []
    done, given_up = threading.Event(), threading.Event()

    def run() -> None:
        try:
            found.append(call())
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)
        done.set()
        if given_up.is_set() and found:
            over(found[0])

    threading.Thread(target=run, daemon=True).start()
    while not done.wait(POLL):
        if stopping(0):
            given_up.set()
            if done.is_set() and found:
                over(found[0])
            raise StoppedError
    if failed:
        raise failed[0]
    return found[0]


def address(written: str) -> str:
    """A server's address without a slash at its end; ValueError if a token could be overheard on the way to it."""
    parts = urlsplit(written)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc or parts.query:
        raise ValueError("write it as https://social.example")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must begin with https://, else the token could be overheard")
    return written.rstrip("/")


def is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that they ask us to wait, by `Retry-After` or the end of a rate limit; None if they name no time."""
    told = next(filter(None, (headers.get(name, "").strip() for name in _UNTIL)), "")
    if told.isascii() and told.isdecimal():
        seconds = float(told[:12])
        return min(LONGEST_WAIT, max(1.0, seconds - time.time() if seconds > _A_DATE else seconds))
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with contextlib.suppress(ValueError, OverflowError):
            moment = read(told)
            aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return min(LONGEST_WAIT, max(1.0, (aware - datetime.now(UTC)).total_seconds()))
    return None


def whole(answer: requests.Response, deadline: float) -> bytes:
    """Its body, piece by piece, so that a server that drips cannot hold us."""
    body = b""
    raw: Any = answer.raw
    while piece := raw.read1(65_536, decode_content=True):
        body += piece
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("the answer took too long")
        if len(body) > LARGEST:
            raise requests.ConnectionError("the answer is too long")
    return body
