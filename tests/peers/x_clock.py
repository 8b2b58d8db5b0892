"""Time as the simulator of X tells it: so many times faster than the clock on the wall, from a common origin.

The mapping is a straight line from the wall clock, so that two processes that know origin and scale agree on the time.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

EPOCH = 1288834974657
"""Milliseconds since 1970 at which X's ids begin: an id holds the moment at which it was given."""
ID_BITS = 22


@dataclass
class Clock:
    """`scale=60`: a documented minute lasts a second. Times are seconds since 1970, of the scaled world."""

    scale: float = 1.0
    origin: float = field(default_factory=time.time)
    skipped: float = 0.0

    def now(self) -> float:
        return self.origin + (time.time() - self.origin) * self.scale + self.skipped

    def skip(self, seconds: float) -> None:
        """Put it forward: for tests in which nobody waits. Another process does not learn of it."""
        self.skipped += seconds

    def real(self, seconds: float) -> float:
        """How long that takes on the wall."""
        return seconds / self.scale

    def sleep(self, seconds: float) -> None:
        time.sleep(max(self.real(seconds), 0.0))


def text_of(moment: float) -> str:
    """As X writes it."""
    when = datetime.fromtimestamp(moment, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def moment_of(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 date; raises ValueError."""
    when = datetime.fromisoformat(text)
    if when.tzinfo is None:
        raise ValueError("no time zone")
    return when.timestamp()


def first_id(moment: float) -> int:
    """The smallest id that X gives at this moment."""
    return max(int(moment * 1000) - EPOCH, 0) << ID_BITS


def moment_of_id(number: int) -> float:
    return ((number >> ID_BITS) + EPOCH) / 1000
