"""One reading of a Mastodon server: from a cursor on, by streams and page by page, for ever.

A stream is opened first, then its timeline is read up to now: nothing falls between the two. Pages are read on from a
little before the cursor, since posts of other servers arrive late, with an id of when they were written; this brings
edits as well, where there is no stream. Called by `__init__.py`; read on in `server.py` and `stream.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from connector.errors import SpentError
from connector.incoming import Arrived, Batch, Deleted, Edited, Event, Refused
from connector.models import now
from connector.sources import SIGN_OF_LIFE, Budget, Stopping, waited
from connector.sources._http import UNREADABLE, Fields, Http
from connector.sources.mastodon.post import Notification, Status, incoming
from connector.sources.mastodon.server import PAGE, Server, Timeline
from connector.sources.mastodon.stream import Message, Streams

_BATCH = 500
_OVERLAP = timedelta(minutes=5)
_REMEMBERED = 50_000
"""Posts known to be handed over; more than a large server gets within the overlap."""
_PAGES_BACK = 250
"""Pages of a first reading, where it must look for its beginning."""


class Reading:
    """The cursor is the newest id of each timeline, as JSON."""

    def __init__(self, server: Server, timelines: Sequence[Timeline], budget: Budget, cursor: str) -> None:
        self._server, self._budget = server, budget
        self._timelines = {timeline.name: timeline for timeline in timelines}
        self._newest = {name: id for name, id in _decoded(cursor).items() if name in self._timelines}
        self._us = ""
        # Only for this reading: what was handed over in an earlier one may never have been stored.
        self._seen: dict[str, datetime | None] = {}

    def batches(
        self, streams: Streams, streaming: bool, every: float, days: float, stopping: Stopping
    ) -> Iterator[Batch]:
        """Looks `every` seconds at what is not streamed; the very first look goes so many `days` back."""
        since = now() - timedelta(days=days)
        with self._server.calls(stopping=stopping) as http:
            self._us = self._server.us(http)
        while True:
            behind = [timeline for name, timeline in self._timelines.items() if name not in streams]
            with self._server.calls(stopping=stopping) as http:
                for timeline in behind if streaming else ():
                    if stream := self._server.stream(http, timeline, stopping):
                        streams.add(timeline.name, stream)
                for timeline in behind:
                    yield from self._read_on(http, timeline, since, stopping)
            yield self._batch([])
            yield from self._listen(streams, every, stopping)
            if (yield from waited(0 if streams else every, self._batch([]).cursor, stopping)):
                return

    def _read_on(self, http: Http, timeline: Timeline, since: datetime, stopping: Stopping) -> Iterator[Batch]:
        """Everything after the cursor, oldest first; a page may be short and still not be the last."""
        after = self._start(http, timeline, since)
        while after and not stopping(0):
            room = self._budget.take(PAGE, self._server.name)
            events: list[Event] = []
            try:
                page = self._server.page(http, timeline, [("limit", str(room)), ("min_id", after)])
                found = [self._read(timeline, bytes(raw)) for raw in reversed(page)]
                events = [event for _, event in found if event]
            finally:
                self._give_back(room, events)
            if events:
                yield self._batch(events)
            newest = max([after, *(id for id, _ in found)], key=_age)
            after = newest if newest != after else ""

    def _start(self, http: Http, timeline: Timeline, since: datetime) -> str:
        """The id to read on from; none as long as there is nothing to read."""
        newest = self._newest.get(timeline.name, "")
        if not newest:
            return self._first(http, timeline, since)
        written = None if timeline.is_mentions else _time_of(newest)
        return _id_of(written - _OVERLAP) if written else newest

    def _first(self, http: Http, timeline: Timeline, since: datetime) -> str:
        """The id of what was there before `since`: made where ids tell the time, else looked for page by page."""
        before: Fields = []
        oldest = ""
        for _ in range(_PAGES_BACK):
            page = self._server.page(http, timeline, [("limit", str(PAGE)), *before])
            found = [one for raw in page if (one := _dated(bytes(raw)))]
            if not found:
                # Lower than every id, whether they are numbers or letters.
                return "0" if oldest else ""
            if not timeline.is_mentions and _time_of(found[0].id):
                return _id_of(since)
            for one in found:
                if one.created_at < since:
                    return one.id
            oldest = found[-1].id
            before = [("max_id", oldest)]
        return oldest

    def _read(self, timeline: Timeline, raw: bytes) -> tuple[str, Event | None]:
        """The id in its timeline, and what the post brings that was not handed over yet."""
        notification = None
        try:
            if timeline.is_mentions:
                notification = msgspec.json.decode(raw, type=Notification)
            status = notification.status if notification else msgspec.json.decode(raw, type=Status)
        except UNREADABLE:
            return "", Refused("a post that cannot be read") if self._is_new(f"? {hash(raw)}", None) else None
        id = notification.id if notification else status.id if status else ""
        self._newest[timeline.name] = max(self._newest.get(timeline.name, ""), id, key=_age)
        if status is None or (notification and notification.type != "mention"):
            return id, None
        return id, self._told(status)

    def _told(self, status: Status) -> Event | None:
        known = status.id in self._seen
        if not self._is_new(status.id, status.edited_at):
            return None
        if not status.is_public:
            return Refused("not public: only some may read it")
        at = status.edited_at if status.edited_at and known else status.created_at
        post = incoming(status, at, self._server.address, self._us)
        return Edited(post) if status.edited_at else Arrived(post)

    def _is_new(self, id: str, version: datetime | None) -> bool:
        if id in self._seen and self._seen[id] == version:
            return False
        self._seen[id] = version
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        return True

    def _listen(self, streams: Streams, every: float, stopping: Stopping) -> Iterator[Batch]:
        """What the streams say, until one of them ends or it is time to look at timelines that have none."""
        alive = begun = time.monotonic()
        while streams and not stopping(0):
            said = streams.take(0.1, _BATCH)
            events, spent = self._heard_within_the_limit(streams, said)
            if said or time.monotonic() - alive > SIGN_OF_LIFE:
                alive = time.monotonic()
                yield self._batch(events)
            if spent:
                raise spent
            ended = [message.timeline for message in said if not message.event]
            for name in ended:
                self._server.rest(name, every)
            is_time = len(streams) < len(self._timelines) and time.monotonic() - begun > every
            if ended or is_time:
                return

    def _heard_within_the_limit(
        self, streams: Streams, said: Sequence[Message]
    ) -> tuple[list[Event], SpentError | None]:
        """What comes after the limit is not heard at all: the cursor stays before it, so it is read later."""
        events: list[Event] = []
        for message in said:
            try:
                room = self._budget.take(1, self._server.name)
            except SpentError as spent:
                return events, spent
            event = self._heard(streams, message)
            self._give_back(room, [event] if event else [])
            events += [event] if event else []
        return events, None

    def _heard(self, streams: Streams, message: Message) -> Event | None:
        timeline = self._timelines[message.timeline]
        if message.event == "delete" and len(message.data) < 100:
            return Deleted(message.data.decode("utf-8", "replace").strip('"'))
        if message.event not in (("notification",) if timeline.is_mentions else ("update", "status.update")):
            return None
        id, event = self._read(timeline, message.data)
        if not id:
            # The post may be sound where it is read page by page: that is done once the stream has ended.
            streams.end(message.timeline)
        return event if id else None

    def _give_back(self, room: int, events: Sequence[Event]) -> None:
        """What was read again to be sure, and was known, does not count against the month's limit."""
        self._budget.give_back(max(0, room - sum(isinstance(event, Arrived | Edited) for event in events)))

    def _batch(self, events: Sequence[Event]) -> Batch:
        return Batch(events, msgspec.json.encode(self._newest, order="sorted").decode())


def _decoded(cursor: str) -> dict[str, str]:
    """The newest id of each timeline; nothing of a cursor that is none."""
    try:
        return msgspec.json.decode(cursor or "{}", type=dict[str, str])
    except msgspec.DecodeError:
        return {}


class _Dated(msgspec.Struct):
    id: str
    created_at: datetime


def _dated(raw: bytes) -> _Dated | None:
    try:
        return msgspec.json.decode(raw, type=_Dated)
    except UNREADABLE:
        return None


def _age(id: str) -> tuple[int, str]:
    """Ids grow: in number on Mastodon, in the order of letters elsewhere."""
    return len(id), id


def _id_of(at: datetime) -> str:
    """The first id of a moment: Mastodon's ids begin with milliseconds, before 16 bits that tell no time."""
    return str(int(at.timestamp() * 1000) << 16)


def _time_of(id: str) -> datetime | None:
    """When a post of this id was written; None if the id is none of Mastodon's."""
    return datetime.fromtimestamp((int(id) >> 16) / 1000, UTC) if id.isdecimal() and 17 <= len(id) <= 19 else None
