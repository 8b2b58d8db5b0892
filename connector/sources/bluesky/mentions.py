"""Mentions of our account, answers to it and quotes of it, from its notifications: all that a city reads that has no
use for the whole network.

Notifications are sorted by the time that their authors' programs give, so one may come to stand below others that were
read before: each look goes back an hour. Read on in `records.py`.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any

from connector.incoming import Arrived, Batch, Event, Refused
from connector.sources import Budget, Stopping, waited
from connector.sources._http import patiently
from connector.sources.bluesky.calls import Account
from connector.sources.bluesky.draft import BATCH
from connector.sources.bluesky.frames import micros, moment
from connector.sources.bluesky.people import People
from connector.sources.bluesky.position import Position
from connector.sources.bluesky.records import id_of, incoming

REASONS = ("mention", "reply", "quote")
PAGE = 100
"""The most that a call brings."""
OVERLAP = 3600 * 10**6
FIRST = 24 * OVERLAP
"""Microseconds: how far each look goes back, and how far the first one does."""
REMEMBERED = 20_000
"""Notifications whose posts were handed over; older ones may be handed over again."""


class Mentions:
    """One account's notifications."""

    def __init__(self, name: str, account: Account, host: str, people: People, budget: Budget, every: float) -> None:
        self.name, self._account, self._host, self._every = name, account, host, every
        self._people, self._budget = people, budget

    def read(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """Batches for ever. Raises AdapterError, and StoppedError."""
        now = time.time_ns() // 1000
        position = Position.of(cursor, "mentions", self._host, now - FIRST)
        seen: OrderedDict[str, None] = OrderedDict()
        while not stopping(0):
            fresh = self._fresh(position, seen, stopping)
            if not fresh:
                yield Batch([], str(position))
            while fresh:
                room = self._budget.take(min(BATCH, len(fresh)), self.name)
                part, fresh = fresh[:room], fresh[room:]
                crowd: list[str] = []
                events = [self._event(note, crowd) for note in part]
                position = position.after(0, _at(part[-1]))
                for note in part:
                    seen[note["uri"]] = None
                while len(seen) > REMEMBERED:
                    seen.popitem(last=False)
                yield Batch(events, str(position))
            if (yield from waited(self._every, str(position), stopping)):
                return

    def _fresh(self, position: Position, seen: OrderedDict[str, None], stopping: Stopping) -> list[dict[str, Any]]:
        """Those not handed over yet, oldest first."""
        since, page = position.at - OVERLAP, None
        found: dict[str, dict[str, Any]] = {}
        while True:
            params = [("limit", str(PAGE)), *(("reasons", reason) for reason in REASONS)]
            params += [("cursor", page)] if page else []
            call = partial(self._account.get, "app.bsky.notification.listNotifications", params)
            answer = patiently(call, stopping)
            listed = answer.get("notifications")
            notes = [note for note in (listed if isinstance(listed, list) else ()) if _is_note(note)]
            for note in notes:
                if note["uri"] not in seen and note.get("reason") in REASONS and _at(note) >= since:
                    found[note["uri"]] = note
            page = answer.get("cursor")
            if not notes or not page or not isinstance(page, str) or _at(notes[-1]) < since:
                return sorted(found.values(), key=_at)

    def _event(self, note: dict[str, Any], crowd: list[str]) -> Event:
        author = note["author"]
        self._people.learn(author)
        id, at = id_of(note["uri"]), moment(_at(note))
        did, _, rkey = id.partition("/post/")
        post = incoming(did, rkey, note.get("record"), b"", at, self._people, crowd, note.get("labels"))
        return Arrived(post) if post else Refused("a notification without a readable post")


def _is_note(note: Any) -> bool:
    return isinstance(note, dict) and isinstance(note.get("uri"), str) and isinstance(note.get("author"), dict)


def _at(note: dict[str, Any]) -> int:
    return micros(note.get("indexedAt"))
