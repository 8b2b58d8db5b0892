"""How far a source was read, as it stands in its cursor: by number where a server counts, always by time.

The time leads on where the number does not: to another server, from one kind of stream to the other, and to the
beginning of what was missed.
"""

from __future__ import annotations

from dataclasses import dataclass

NEAR = 60 * 10**6
"""Microseconds by which two servers' times for one post, or their clock and ours, may differ."""


@dataclass(frozen=True, slots=True)
class Position:
    """After this frame; `at` in microseconds since 1970."""

    way: str
    """jetstream, firehose or mentions"""
    host: str
    seq: int
    at: int

    @classmethod
    def of(cls, cursor: str, way: str, host: str, now: int) -> Position:
        """Where to read on; the number counts only at the server that gave it. Without a cursor: now."""
        parts = cursor.split(" ")
        if len(parts) != 4 or not (parts[2].isdecimal() and parts[3].isdecimal()):
            return cls(way, host, 0, now)
        if parts[:2] == [way, host]:
            return cls(way, host, int(parts[2]), int(parts[3]))
        return cls(way, host, 0, max(1, int(parts[3]) - NEAR))

    def after(self, seq: int, at: int) -> Position:
        """Time never goes back, whatever clocks say."""
        return Position(self.way, self.host, seq or self.seq, max(at, self.at))

    def __str__(self) -> str:
        return f"{self.way} {self.host} {self.seq} {self.at}"
