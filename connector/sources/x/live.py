"""Reading X's filtered stream: from one connection to the next, with its rules in order and its gaps told.

One `Live` lives as long as its source and remembers between two calls of `events` how often connecting failed, what
came lately and why the last stream ended. It never waits between two connections: it raises how long to wait, after
`governor.py`. `stream.py` is one connection, `messages.py` reads what comes on it, `upkeep.py` keeps X's rules.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from connector.errors import AdapterError, AuthError, RefusedError, SpentError, TemporaryError
from connector.incoming import Arrived, Batch, Event, Incoming, Missed
from connector.models import GapCause
from connector.sources import Stopping
from connector.sources.x.client import StoppedError
from connector.sources.x.governor import Failure, Governor
from connector.sources.x.messages import End, message
from connector.sources.x.search import Place, first_id, moment_of
from connector.sources.x.stream import Connected, Heard, KeepAlive, Line, Stream
from connector.sources.x.upkeep import Upkeep

if TYPE_CHECKING:
    from connector.sources.x.source import X

LARGEST = 500
"""Events of a batch."""
POLL = 0.1
"""Seconds between two looks whether to stop."""
SEEN = 10_000
"""Ids of posts that are known as duplicates when they come again."""
IDLE = 10.0
"""Seconds between two looks for rules while there is none."""
ID = re.compile(r"\d{1,19}")
NOBODY = ("No worker was reading.", GapCause.DOWN)


class Cursor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Until when the stream was surely alive; everything before is stored, or told as missed."""

    alive_at: datetime | None = None
    since: int = 0
    """In a cursor of `search.py`, if `mode` was search before: the first id not asked for."""

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Nothing is known from one that cannot be read."""
        try:
            found = msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, ValueError):
            return cls()
        if found.since:
            return cls(moment_of(found.since))
        return found if found.alive_at is None or found.alive_at.tzinfo else cls()

    @property
    def for_search(self) -> str:
        """The same in the words of `search.py`."""
        return Place(first_id(self.alive_at)).cursor if self.alive_at else ""

    def __str__(self) -> str:
        return msgspec.json.encode(self).decode()


class Seen:
    """The last so many ids."""

    def __init__(self, room: int = SEEN) -> None:
        self._room = room
        self._ids: OrderedDict[str, None] = OrderedDict()

    def __contains__(self, id: str) -> bool:
        return id in self._ids

    def add(self, id: str) -> None:
        self._ids[id] = None
        self._ids.move_to_end(id)
        if len(self._ids) > self._room:
            self._ids.popitem(last=False)


class Live:
    """The stream of one source."""

    def __init__(self, source: X) -> None:
        self.source = source
        self.governor = Governor(lambda: time.monotonic() * source.pace.scale, source.pace.settled)
        self.seen = Seen()
        self.rules = Upkeep(source)
        self.loss = NOBODY
        """Why nobody hears the stream, and the cause."""

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """As `Source.events`; one connection at most, whose end is raised with the wait that X's back-off asks for."""
        try:
            yield from self._events(cursor, stopping)
            self.loss = NOBODY
        except StoppedError:
            self.loss = NOBODY
        except AdapterError as error:
            self.loss = (str(error), _cause(error))
            raise
        except GeneratorExit:
            self.loss = NOBODY
            raise

    def _events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        while not self.source.wanted:
            # Without a rule nothing is missed, and X opens no stream.
            self._compare(stopping)
            cursor = str(Cursor(self.source.pace.now()))
            yield Batch([], cursor)
            if stopping(IDLE):
                return
        ask_budget(self.source)
        self._compare(stopping)
        if not self.rules.standing.names:
            raise RefusedError("X took none of the rules: there is nothing to read.", self.source.name)
        yield from Connection(self, Cursor.read(cursor)).batches(stopping)

    def _compare(self, stopping: Stopping) -> None:
        try:
            self.rules.compare(stopping)
        except TemporaryError as error:
            if not isinstance(error, StoppedError):
                rate = error.cause == GapCause.RATE_LIMIT
                failure = Failure.RATE if rate else Failure.SERVER
                error.retry_after = self.governor.failed(failure, error.retry_after or 0.0)
            raise

    def over(self, end: End) -> AdapterError:
        """What to raise for this end."""
        wait = self.governor.failed(end.failure, end.at_least)
        if isinstance(end.error, TemporaryError):
            end.error.retry_after = wait
        if end.rules_doubtful:
            self.rules.doubt()
        return end.error


class Connection:
    """One stream, from opening it to its end."""

    def __init__(self, live: Live, cursor: Cursor) -> None:
        self._live, self._cursor = live, cursor
        self._connected_at: datetime | None = None
        self._alive = False
        self._events: list[Event] = []
        self._ids: set[str] = set()
        self._waits_since = self._handed_at = 0.0
        self._end: AdapterError | None = None

    def batches(self, stopping: Stopping) -> Iterator[Batch]:
        source, pace = self._live.source, self._live.source.pace
        stream = Stream(
            source.name, source.settings.bearer_token, source.settings.endpoint, pace.stall / pace.scale, pace.now
        )
        closed = threading.Event()
        stream.begin(source.settings.backfill_minutes)
        try:
            while not self._end and not stopping(0):
                heard = stream.take(POLL)
                if heard is not None:
                    self._hear(heard)
                self._live.rules.look_after(lambda _: closed.is_set())
                if self._is_due(heard):
                    yield from self._batch()
            if self._events:
                yield from self._batch()
        finally:
            closed.set()
            stream.disconnect()
        if self._end:
            raise self._end

    def _hear(self, heard: Heard) -> None:
        match heard:
            case Connected(at):
                self._connected_at = at
                self._live.governor.accepted()
            case KeepAlive(at):
                self._sign_of_life(at)
            case Line(content):
                self._sign_of_life()
                self._read(content)
            case End():
                self._end = self._live.over(heard)

    def _sign_of_life(self, at: datetime | None = None) -> None:
        """`at`: until then nothing is on its way to us any more."""
        self._live.governor.heard()
        if not self._alive and self._connected_at:
            # Only now: a stream that is accepted and brings nothing has missed what lies before and after it.
            self._alive = True
            self._add(*self._missed(self._connected_at))
            self._live.loss = NOBODY
            self._cursor = Cursor(self._connected_at)
        if at and self._cursor.alive_at and at > self._cursor.alive_at:
            self._cursor = Cursor(at)

    def _read(self, content: bytes) -> None:
        live, source = self._live, self._live.source
        found = message(content, source.name, source.installation, live.rules.standing.names)
        if isinstance(found, End):
            self._end = live.over(found)
        elif not isinstance(found, Incoming):
            self._add(found)
        elif found.source_id not in live.seen and found.source_id not in self._ids:
            try:
                source.budget.take(1, source.name)
                self._ids.add(found.source_id)
                self._add(Arrived(found))
                self._sign_of_life(self._written_at(found.source_id))
                ask_budget(source)
            except SpentError as error:
                self._end = live.over(End(error))

    def _written_at(self, id: str) -> datetime | None:
        """By X's clock: when it came says little, for it may have waited for us, and others behind it still."""
        return min(moment_of(int(id)), self._live.source.pace.now()) if ID.fullmatch(id) else None

    def _add(self, *events: Event) -> None:
        if events and not self._events:
            self._waits_since = time.monotonic()
        self._events += events

    def _missed(self, connected_at: datetime) -> Iterator[Missed]:
        """What passed between the last sign of life and this connection, without what X sends again by itself."""
        alive_at = self._cursor.alive_at
        if alive_at is None:
            return
        minutes = self._live.source.settings.backfill_minutes
        until = connected_at - timedelta(minutes=minutes)
        from_at = min(alive_at, connected_at) - timedelta(seconds=self._live.source.pace.before)
        if minutes and from_at >= until:
            return
        why, cause = self._live.loss
        yield Missed(from_at, until + timedelta(seconds=self._live.source.pace.after), why, cause)

    def _is_due(self, heard: Heard | None) -> bool:
        now, flush = time.monotonic(), self._live.source.pace.flush
        if self._events:
            return len(self._events) >= LARGEST or now - self._waits_since >= flush
        # A sign of life: the cursor goes on, and says how long nothing was missed.
        return isinstance(heard, KeepAlive) and now - self._handed_at >= flush

    def _batch(self) -> Iterator[Batch]:
        events, ids = self._events, self._ids
        self._events, self._ids, self._handed_at = [], set(), time.monotonic()
        yield Batch(events, str(self._cursor))
        # Known only once it was taken: what the reader could not take must not count as a duplicate.
        for id in ids:
            self._live.seen.add(id)


def ask_budget(source: X) -> None:
    """Whether one more post may be read; raises SpentError before it is."""
    source.budget.give_back(source.budget.take(1, source.name))


def _cause(error: AdapterError) -> GapCause:
    match error:
        case AuthError():
            return GapCause.REFUSED
        case SpentError():
            return GapCause.CREDITS
        case TemporaryError():
            return GapCause(error.cause or GapCause.DISCONNECT)
    return GapCause.DISCONNECT
