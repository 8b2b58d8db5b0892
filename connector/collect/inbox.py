"""Between a reader and the one who stores: a few batches in memory, and for platforms that push the rest on disk.

A source that can be held back is held back when the memory is full; one that cannot goes on into its `spool.py`.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from connector.collect.spool import Spool
from connector.incoming import Batch
from connector.sources import Source

_ROOM = 4  # batches of up to 500 events
_LOOK = 0.25  # seconds between two looks whether to stop


@dataclass(frozen=True, slots=True)
class Handed:
    """A batch on its way into the database."""

    source: Source
    batch: Batch
    first: bool = False
    """The first one after a start or a failure."""
    gap: int | None = None
    """It fills this gap."""
    last: bool = False
    """Nothing more comes to fill it."""


class Inbox:
    """What one reader handed over and nobody stored yet, oldest first."""

    def __init__(self, source: Source, arrived: threading.Condition) -> None:
        """`arrived` is told of everything that comes; the one who stores waits at it."""
        self._source, self._arrived = source, arrived
        self._spool: Spool | None = None
        self._memory: deque[Handed] = deque()
        self._held: Handed | None = None
        """Given out from the spool, and not stored yet."""

    def open(self, spool: Spool) -> None:
        """Go on into this spool, and give out first what stands in it."""
        with self._arrived:
            self._spool, self._held = spool, None
            self._arrived.notify_all()

    def put(self, handed: Handed, stopped: Callable[[], bool]) -> bool:
        """Waits for room if need be, and for a place on the disk; False when it was told to stop instead."""
        while not stopped():
            with self._arrived:
                if len(self._memory) < _ROOM and not self._spooled():
                    self._memory.append(handed)
                    self._arrived.notify_all()
                    return True
                if self._spool is not None and not self._spool.is_full:
                    self._spool.append(handed.batch, handed.first)
                    self._arrived.notify_all()
                    return True
                self._arrived.wait(_LOOK)
        return False

    def next(self) -> Handed | None:
        """The oldest; it is given again until `stored`."""
        with self._arrived:
            if self._memory:
                return self._memory[0]
            if self._held is None and self._spool is not None and (found := self._spool.next()):
                self._held = Handed(self._source, *found)
            return self._held

    def stored(self, handed: Handed) -> None:
        """What `next` gave is in the database; nothing is done if it was forgotten meanwhile."""
        with self._arrived:
            if self._memory and self._memory[0] is handed:
                self._memory.popleft()
            elif self._held is handed and self._spool is not None:
                self._held = None
                self._spool.stored()
            self._arrived.notify_all()

    def forget(self) -> None:
        """Drop what is in memory: another worker reads this source now, from the last cursor stored."""
        with self._arrived:
            self._memory.clear()
            self._arrived.notify_all()

    @property
    def last_cursor(self) -> str:
        """Behind the newest batch that was spooled before this process began; empty: nothing was."""
        return self._spool.last_cursor if self._spool is not None else ""

    @property
    def waits(self) -> bool:
        return bool(self._memory) or self._spooled()

    def _spooled(self) -> bool:
        return self._spool is not None and len(self._spool) > 0
