"""A batch in the making: frames go in, events come out in the order in which they can be stored at once.

Called by `stream.py`; read on in `records.py`.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from connector.incoming import Arrived, Batch, Deleted, Edited, Event, Missed, Refused
from connector.models import GapCause
from connector.sources import Budget
from connector.sources.bluesky.frames import Change, Told, moment
from connector.sources.bluesky.people import People
from connector.sources.bluesky.position import NEAR, Position
from connector.sources.bluesky.records import incoming, post_id

BATCH = 500
NOT_KEPT = "The network does not keep what was written then any longer"


class Draft:
    """Gathers what one stream tells; `position` is how far."""

    def __init__(self, name: str, position: Position, people: People, budget: Budget) -> None:
        self.position, self.outdated = position, False
        """`outdated`: what was written right after the position may not be kept any longer."""
        self.slack = 0
        """Microseconds after the position for which that is not believed."""
        self._passing_over = 0
        """Until this time: it was read before."""
        self.events: list[Event] = []
        self._name, self._people, self._budget = name, people, budget
        self._crowd: list[str] = []
        """Authors of the batch."""
        self._room = 0
        self._posts = 0
        self._begun = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last batch."""
        return time.monotonic() - self._begun

    def has_room(self, told: Told) -> bool:
        """A frame is never divided, for there is no cursor within it."""
        if not self.events:
            return True
        posts = self._posts + len(told.changes)
        return len(self.events) + len(told.changes) + 1 < BATCH and (not self._room or posts <= self._room)

    def take(self, told: Told) -> None:
        """Raises SpentError."""
        if told.notice == "OutdatedCursor":
            self.outdated = True
        if told.broken:
            self.events.append(Refused(told.broken))
        if told.renamed:
            self._people.renamed(*told.renamed)
        if 0 < told.at < self._passing_over:
            self.outdated = False
            return
        if told.changes and not self._room:
            self._room = self._budget.take(BATCH, self._name)
        self._note_what_is_lost(told.at)
        self.events += [event for change in told.changes if (event := self._event(change, told.at))]
        self.position = self.position.after(told.seq, told.at)

    def begin_anew(self) -> None:
        """The number is worth nothing: all is told that they keep, and passed over as far as it was read."""
        self.position = replace(self.position, seq=0)
        self._passing_over = self.position.at - NEAR

    def batch(self) -> Batch:
        """What was gathered, with the position after it."""
        events, self.events, self._crowd = _arranged(self.events), [], []
        self.give_up()
        return Batch(events, str(self.position))

    def give_up(self) -> None:
        """What was granted and not used goes back."""
        self._budget.give_back(max(0, self._room - self._posts))
        self._room, self._posts, self._begun = 0, 0, time.monotonic()
        self.events = []

    def _note_what_is_lost(self, at: int) -> None:
        if not self.outdated or not at:
            return
        self.outdated = False
        if at > self.position.at + self.slack:
            missed = Missed(moment(self.position.at), moment(at), NOT_KEPT, GapCause.DOWN, lost=True)
            self.events.append(missed)

    def _event(self, change: Change, at: int) -> Event | None:
        id = post_id(change.did, change.rkey)
        if not id:
            return Refused("a post without a proper address")
        if change.action == "delete":
            return Deleted(id)
        if change.action not in ("create", "update"):
            return None
        if change.record is None:
            return Refused("a post that did not come along")
        post = incoming(change.did, change.rkey, change.record, change.raw, moment(at), self._people, self._crowd)
        if post is None:
            return Refused("a post without text")
        self._crowd.append(change.did)
        self._posts += 1
        return Arrived(post) if change.action == "create" else Edited(post)


def _arranged(events: Sequence[Event]) -> Sequence[Event]:
    """Deletions last: posts are stored together, and what is gone is erased together. Not where a post was deleted and
    made again."""
    gone: set[str] = set()
    for event in events:
        if isinstance(event, Deleted):
            gone.add(event.source_id)
        elif isinstance(event, Arrived | Edited) and event.post.source_id in gone:
            return events
    return sorted(events, key=lambda event: isinstance(event, Deleted)) if gone else events
