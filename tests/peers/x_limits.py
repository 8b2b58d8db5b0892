"""X's counting of requests: so many in fifteen minutes for each endpoint, told in three headers."""

from __future__ import annotations

import math
import threading

from tests.peers.x_answers import TOO_MANY_REQUESTS, Answer
from tests.peers.x_clock import Clock
from tests.peers.x_plans import WINDOW


class Limits:
    """Windows begin with the first request after the last one is over."""

    def __init__(self, clock: Clock, limits: dict[str, int]) -> None:
        self._clock = clock
        self._limits = limits
        self._lock = threading.Lock()
        self._windows: dict[str, tuple[float, int]] = {}
        """The end of each endpoint's window and the requests in it."""

    def count(self, endpoint: str) -> Answer | None:
        """Count a request; the answer if it was one too many."""
        if endpoint not in self._limits:
            return None
        with self._lock:
            ends, used = self._window(endpoint)
            self._windows[endpoint] = (ends, used + 1)
        return TOO_MANY_REQUESTS if used >= self._limits[endpoint] else None

    def headers(self, endpoint: str) -> dict[str, str]:
        if endpoint not in self._limits:
            return {}
        with self._lock:
            ends, used = self._window(endpoint)
        return _told(self._limits[endpoint], self._limits[endpoint] - used, ends)

    def exceeded(self, endpoint: str, reset: float) -> Answer:
        """429 whose window ends so many seconds from now."""
        told = _told(self._limits.get(endpoint, 1), 0, self._clock.now() + reset)
        return Answer(TOO_MANY_REQUESTS.status, TOO_MANY_REQUESTS.body, told)

    def _window(self, endpoint: str) -> tuple[float, int]:
        now = self._clock.now()
        ends, used = self._windows.get(endpoint, (0.0, 0))
        return (ends, used) if ends > now else (now + WINDOW, 0)


def _told(limit: int, remaining: int, ends: float) -> dict[str, str]:
    return {
        "x-rate-limit-limit": str(limit),
        "x-rate-limit-remaining": str(max(remaining, 0)),
        "x-rate-limit-reset": str(math.ceil(ends)),
    }
