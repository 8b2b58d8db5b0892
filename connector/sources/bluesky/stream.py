"""Everything that is posted, read from a websocket: connected, decoded, resumed by the cursor.

A broken connection raises TemporaryError; called again, reading goes on after the last batch. Who is cut off for
reading too slowly loses nothing either: servers keep a day and more. What they do not keep any longer is told as
missed, for good. Read on in `draft.py` (a batch in the making) and `frames.py`.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Generator, Iterator
from functools import partial
from urllib.parse import urlencode, urlsplit

from websockets.exceptions import ConnectionClosed, InvalidStatus, InvalidURI, WebSocketException
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from connector.errors import AdapterError, AuthError, TemporaryError
from connector.incoming import Batch
from connector.models import GapCause
from connector.sources import Budget, Stopping
from connector.sources._http import patiently, wait
from connector.sources.bluesky.draft import Draft
from connector.sources.bluesky.frames import CutError, of_firehose, of_jetstream
from connector.sources.bluesky.people import People
from connector.sources.bluesky.position import NEAR, Position
from connector.sources.bluesky.records import COLLECTION

JETSTREAM = "wss://jetstream.us-east.bsky.network"
FIREHOSE = "wss://bsky.network"
LONGEST_FRAME = 32 * 2**20
"""Bytes, as the network's own clients allow; a frame of the firehose has 5 MB at most."""
POLL, LULL, HOLD, SIGN_OF_LIFE = 0.1, 0.05, 0.5, 15.0
"""Seconds: between two looks whether to stop; that a post waits for the next, and for many; that nothing is said."""
SILENCE = 120.0
"""Seconds without a frame after which the connection is made anew: the other side answers pings and sends nothing."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 15.0
"""Seconds before connecting again, where the server names none: soon, since deletions are to be followed soon."""
KEPT_FOR = 24 * 3600 * 10**6
"""Microseconds that an older Jetstream keeps; it does not say when a cursor lies before that."""

_SILENT = logging.Logger("websocket")
_SILENT.disabled = True  # the library logs whole frames


class _OtherNumbersError(Exception):
    """The number in the cursor is not one of this server's."""


class Stream:
    """One stream of one network; `read` may be called again and again."""

    def __init__(self, name: str, way: str, address: str, people: People) -> None:
        """`way` is jetstream or firehose, `address` begins with ws; empty: the network's own."""
        self.name, self.way, self._people = name, way, people
        self._address = address.rstrip("/") or (JETSTREAM if way == "jetstream" else FIREHOSE)
        self._decode = of_jetstream if way == "jetstream" else of_firehose
        self._failures = 0
        self._is_older = way == "jetstream" and self._address.endswith("/subscribe")

    def read(self, cursor: str, budget: Budget, stopping: Stopping) -> Iterator[Batch]:
        """Batches for ever. Raises AdapterError, and StoppedError."""
        now = time.time_ns() // 1000
        position = Position.of(cursor, self.way, urlsplit(self._address).netloc, now)
        draft = Draft(self.name, position, self._people, budget)
        if self._is_older and now - position.at > KEPT_FOR:
            draft.outdated, draft.slack = True, NEAR
        live = not cursor
        if self.way == "firehose" and not position.seq:
            draft.begin_anew()
        while not stopping(0):
            socket = patiently(partial(self.connect, draft.position, live), stopping, _close)
            try:
                yield from self._batches(socket, draft, stopping)
            except _OtherNumbersError:
                draft.begin_anew()
                draft.outdated = True
            finally:
                draft.give_up()
                _close(socket)
            live = False

    def connect(self, position: Position, live: bool) -> ClientConnection:
        """A connection that tells what comes after this position. Raises AdapterError."""
        try:
            return connect(
                self._url(position, live), subprotocols=[Subprotocol("xrpc.v1.json")] if self._is_newer else None,
                max_size=LONGEST_FRAME, open_timeout=10, close_timeout=1, logger=_SILENT, user_agent_header="connector",
                legacy=True,
            )  # fmt: skip
        except InvalidStatus as error:
            raise self._refused(error) from None
        except InvalidURI:
            raise AuthError("The stream's address cannot be used; mend `relay` in the settings.", self.name) from None
        except (OSError, EOFError, WebSocketException):
            raise self._again("The stream cannot be reached.") from None

    @property
    def _is_newer(self) -> bool:
        return self.way == "jetstream" and not self._is_older

    def _url(self, position: Position, live: bool) -> str:
        if self._is_older:
            return f"{self._address}?" + urlencode({"wantedCollections": COLLECTION, "cursor": position.at})
        if self.way == "jetstream":
            # By time and not by number: that leads on at any of their servers, and where it is too old they say so.
            asked = [("collections", COLLECTION), ("kinds", "commit"), ("kinds", "identity"), ("cursor", position.at)]
            return f"{self._address}/xrpc/network.bsky.jetstream.subscribeEvents?" + urlencode(asked)
        # Without a number all that they keep is told, and what lies before the time is passed over.
        numbered = "" if live else f"?cursor={position.seq}"
        return f"{self._address}/xrpc/com.atproto.sync.subscribeRepos{numbered}"

    def _batches(self, socket: ClientConnection, draft: Draft, stopping: Stopping) -> Iterator[Batch]:
        """Until nothing was heard for long, or we are told to stop."""
        yield draft.batch()
        heard = time.monotonic()
        while not stopping(0):
            message, failure = self._received(socket, LULL if draft.events else POLL)
            if message:
                heard = time.monotonic()
                failure = yield from self._taken(message, draft)
            elif time.monotonic() - heard > SILENCE:
                return
            if draft.age > SIGN_OF_LIFE or (draft.events and (failure or not message or draft.age > HOLD)):
                yield draft.batch()
            if failure:
                raise failure

    def _received(self, socket: ClientConnection, timeout: float) -> tuple[bytes, AdapterError | None]:
        """A frame, empty if none came by now; or why none will come any more."""
        try:
            message = socket.recv(timeout=timeout, decode=False)
        except TimeoutError:
            return b"", None
        except (ConnectionClosed, OSError):
            return b"", self._again("The stream broke off; reading goes on from there.")
        return (message if isinstance(message, bytes) else message.encode()), None

    def _taken(self, message: bytes, draft: Draft) -> Generator[Batch, None, AdapterError | None]:
        try:
            told = self._decode(message)
        except CutError as cut:
            return self._cut(str(cut), draft)
        if not draft.has_room(told):
            yield draft.batch()
        draft.take(told)
        self._failures = 0
        return None

    def _cut(self, why: str, draft: Draft) -> AdapterError:
        """They ended the stream, by an error frame."""
        if why == "FutureCursor" and draft.position.seq:
            raise _OtherNumbersError
        if why == "ConsumerTooSlow":
            says = "The stream was cut off because we read too slowly; reading goes on from there."
            return TemporaryError(says, self.name, FIRST_WAIT, GapCause.BACK_PRESSURE)
        return self._again("The server ended the stream; reading goes on from there.")

    def _again(self, says: str, after: float | None = None) -> TemporaryError:
        """Try again, after longer and longer waits while nothing comes."""
        growing = min(FIRST_WAIT * 2**self._failures, LONGEST_WAIT)
        self._failures = min(self._failures + 1, 10)
        return TemporaryError(says, self.name, growing if after is None else after)

    def _refused(self, error: InvalidStatus) -> AdapterError:
        status, headers = error.response.status_code, error.response.headers
        if status == 429:
            says = "The server asks us to connect less often (429)."
            return TemporaryError(says, self.name, wait(headers), GapCause.RATE_LIMIT)
        if status >= 500 or status in (408, 425):
            return self._again(f"The stream is not available at the moment ({status}).", wait(headers))
        return AuthError(f"The server refuses the stream ({status}); look at `relay` and `stream`.", self.name)


def _close(socket: ClientConnection) -> None:
    with contextlib.suppress(OSError, WebSocketException):
        socket.close()
