"""One connection to X's filtered stream, through tweepy, read in a thread of its own.

tweepy 4.17.0 opens and frames the stream; what it would decide by itself (when to connect again, what a message holds)
is taken out of its hands, see `Stream`. What comes is queued as it came; the queue is short, so a reader that falls
behind is felt by X and not by this computer's memory. `live.py` takes from it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import requests
import tweepy
import urllib3
from pydantic import SecretStr

from connector.errors import AuthError, TemporaryError
from connector.models import GapCause
from connector.sources._http import BROKEN, Answer, Bearer, lost, whole
from connector.sources.x.client import FIELDS, TIMEOUT
from connector.sources.x.governor import Failure
from connector.sources.x.messages import End, not_opened
from connector.sources.x.problems import ProblemError, problem_of, refusal, until_reset

ROOM = 2000
"""Messages that wait to be taken."""
LONGEST = 16 * 2**20
"""Bytes of one message; what is longer is passed over."""
CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Connected:
    """X has opened the stream."""

    at: datetime


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """X says that the stream lives."""

    at: datetime | None
    """None: it may have waited for us, for what came before it was not taken yet."""


@dataclass(frozen=True, slots=True)
class Line:
    """A message."""

    content: bytes


TOO_LONG = b"..."
"""Stands for a message that was passed over; it is no JSON."""
Heard = Connected | KeepAlive | Line | End


class Stream(tweepy.StreamingClient):  # type: ignore[misc]
    """tweepy's stream for a single connection: it never sleeps, never connects again, never logs.

    Left to itself tweepy 4.17.0 connects 80 times a second to a server that accepts and closes, sleeps through
    `disconnect`, ends at a message without a tag or with broken JSON, and takes a line end that is split over two
    reads for a keep-alive.
    """

    def __init__(self, name: str, token: SecretStr, endpoint: str, stall: float, now: Callable[[], datetime]) -> None:
        """`stall`: seconds without a byte after which the connection counts as dead."""
        # The token is put on the request alone: tweepy would keep it in the open, and log it.
        super().__init__(None, daemon=True, max_retries=0)
        self._name, self._endpoint, self._stall, self._now = name, endpoint.rstrip("/"), stall, now
        self._bearer = Bearer(token)
        self._heard: queue.Queue[Heard] = queue.Queue(ROOM)
        self._open: requests.Response | None = None
        self._lock = threading.Lock()
        self._told_to_end = False

    def begin(self, backfill_minutes: int = 0) -> None:
        """Connect in a thread of its own; what comes of it is told by `take`."""
        params: dict[str, Any] = {name.replace(".", "_"): value for name, value in FIELDS.items()}
        if backfill_minutes:
            params["backfill_minutes"] = backfill_minutes
        self.filter(threaded=True, **params)

    def take(self, timeout: float) -> Heard | None:
        """The next thing heard, None if there was none for so many seconds; after an End there is no more."""
        try:
            return self._heard.get(timeout=timeout)
        except queue.Empty:
            return None

    def disconnect(self) -> None:
        """At once, whatever the thread is waiting for."""
        with self._lock:
            self._told_to_end = True
            self.running = False
            if self._open is not None:
                # To close a socket wakes nobody who reads from it; to shut it down does.
                with contextlib.suppress(OSError, ValueError), _same_socket(self._open) as same:
                    same.shutdown(socket.SHUT_RDWR)

    # -- in place of tweepy's own ------------------------------------------------------------------------------------

    def _connect(self, method: str, endpoint: str, *, params: Mapping[str, Any] | None = None, **_: Any) -> None:
        """One connection from its beginning to its end."""
        self.running = not self._told_to_end
        url = f"{self._endpoint}/2/tweets/{endpoint}/stream"
        headers = {"User-Agent": "connector", "Accept-Encoding": "identity"}
        try:
            with self.session, self.session.request(
                method, url, params=params, headers=headers, auth=self._bearer, stream=True, allow_redirects=False,
                timeout=(TIMEOUT / 2, self._stall),
            ) as response:  # fmt: skip
                if response.status_code == 200:
                    self._read(response)
                else:
                    self._refused(response)
        except BROKEN as error:
            self._lost(error)
        except Exception as error:  # noqa: BLE001 - told to the reader, whose thread decides what to do
            self.on_exception(error)
        finally:
            self.running = False

    def on_connect(self) -> None:
        self._tell(Connected(self._now()))

    def on_data(self, raw_data: bytes) -> None:
        self._tell(Line(raw_data))

    def on_keep_alive(self) -> None:
        self._tell(KeepAlive(self._now() if self._heard.empty() else None))

    def on_closed(self, response: requests.Response) -> None:
        self._end("X closed the stream; it is opened again.")

    def on_exception(self, exception: Exception) -> None:
        self._end(f"The stream broke: {type(exception).__name__}.", Failure.SERVER)

    # -- ends --------------------------------------------------------------------------------------------------------

    def _read(self, response: requests.Response) -> None:
        with self._lock:
            if self._told_to_end:
                return
            self._open = response
        try:
            self.on_connect()
            for line in lines(response):
                if line:
                    self.on_data(line)
                else:
                    self.on_keep_alive()
                if self._told_to_end:
                    return
            self.on_closed(response)
        finally:
            with self._lock:
                self._open = None

    def _lost(self, error: Exception) -> None:
        if isinstance(error, urllib3.exceptions.ReadTimeoutError | requests.ReadTimeout):
            self._end(f"Nothing came from X for {self._stall:g} s, not even a sign of life; it is opened again.")
        else:
            self._tell(End(lost(error, self._name)))

    def _refused(self, response: requests.Response) -> None:
        """X answered, and opened no stream."""
        body = b""
        with contextlib.suppress(*BROKEN):  # its status says how long to wait, even where the rest does not come
            body = whole(response, time.monotonic() + TIMEOUT)
        answer = Answer(response.status_code, response.headers, body)
        if issue := problem_of(answer.body).connection_issue:
            self._tell(not_opened(issue, self._name))
            return
        error = refusal(answer, self._name)
        if isinstance(error, ProblemError) and error.status == 403:
            error = AuthError(str(error), self._name)
        if answer.status == 429:
            self._tell(End(error, Failure.RATE, until_reset(answer.headers) or 0.0))
        else:
            self._tell(End(error, Failure.SERVER))

    def _end(self, says: str, failure: Failure = Failure.NETWORK) -> None:
        self._tell(End(TemporaryError(says, self._name, cause=GapCause.DISCONNECT), failure))

    def _tell(self, heard: Heard) -> None:
        """Wait until there is room, or nobody wants to hear it any more."""
        while not self._told_to_end:
            try:
                self._heard.put(heard, timeout=0.2)
                return
            except queue.Full:
                continue


def _same_socket(response: requests.Response) -> socket.socket:
    return socket.socket(fileno=os.dup(response.raw.fileno()))


def lines(response: requests.Response) -> Iterator[bytes]:
    """Every line without its end, a keep-alive as an empty one, however the bytes were cut on their way."""
    held: list[bytes] = []
    size = 0
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            size += len(part)
            yield TOO_LONG if size > LONGEST else b"".join((*held, part)).strip()
            held, size = [], 0
        size += len(rest)
        if size > LONGEST:
            held = []
        elif rest:
            held.append(rest)
