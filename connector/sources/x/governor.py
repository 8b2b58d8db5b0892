"""How long to wait before the stream is opened again, by X's documented back-off for each kind of failure.

Pure: it counts failures and tells seconds, it never waits. A stream that X accepts and ends at once counts as a failure
like any other; only one that has lived puts the counts back. `live.py` asks it after every end.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

SETTLED = 60.0
"""Seconds after which a stream that brought something has lived. X documents none: this is our own figure."""
SOON = 60.0
"""Seconds to wait where X says `later` and not when: its shortest wait after a 429."""


class Failure(StrEnum):
    """Kinds of failure for which X documents a back-off each."""

    NETWORK = "network"
    """Refused, reset, stalled, or ended without a reason."""
    SERVER = "server"
    """HTTP 5xx, and every other answer that is no stream."""
    RATE = "rate"
    """HTTP 429."""


@dataclass(frozen=True, slots=True)
class BackOff:
    """Seconds: the first wait, what each further one adds or by how much it is multiplied, and the longest."""

    first: float
    adds: float
    times: float
    longest: float

    def wait(self, failures: int) -> float:
        """After so many failures in a row, at least one."""
        grown = (self.first + self.adds * (failures - 1)) * self.times ** min(failures - 1, 64)
        return min(grown, self.longest)


BACK_OFFS = {
    Failure.NETWORK: BackOff(0.0, 0.25, 1, 16.0),
    Failure.SERVER: BackOff(5.0, 0, 2, 320.0),
    Failure.RATE: BackOff(SOON, 0, 2, 960.0),  # X names no longest: this is the first one past its window of 15 minutes
}


class Governor:
    """Of one stream; lives as long as its source."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, settled: float = SETTLED) -> None:
        self.settled = settled
        self._clock = clock
        self._failures = dict.fromkeys(Failure, 0)
        self._accepted_at: float | None = None
        self._heard = False

    def accepted(self) -> None:
        """X has opened the stream."""
        self._accepted_at, self._heard = self._clock(), False

    def heard(self) -> None:
        """Something came on it, if only a keep-alive."""
        self._heard = True

    def failed(self, failure: Failure, at_least: float = 0.0) -> float:
        """The stream ended, or did not begin: seconds until the next try, `at_least` as many as X named."""
        if self._lived():
            self._failures = dict.fromkeys(Failure, 0)
        self._accepted_at = None
        self._failures[failure] += 1
        return max(BACK_OFFS[failure].wait(self._failures[failure]), at_least)

    def _lived(self) -> bool:
        if self._accepted_at is None or not self._heard:
            return False
        return self._clock() - self._accepted_at >= self.settled
