"""What could be had and what could not: the simulator's account of silences and losses, for tests to compare with."""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[float, float]


def silences(live: Iterable[Interval], since: float, until: float) -> list[Interval]:
    """The parts of `since`..`until` that no live interval covers."""
    quiet, at = [], since
    for begin, end in sorted(live):
        if begin > at:
            quiet.append((at, min(begin, until)))
        at = max(at, end)
    return [*quiet, (at, until)] if at < until else quiet


def lost(quiet: Iterable[Interval], searches: Iterable[tuple[float, float, float]]) -> list[Interval]:
    """The parts of the silences that lay beyond search's reach when it was next answered.

    `searches`: in order, the moment of each answer, the oldest and the newest moment that could be asked for then. The
    first that could tell of a moment, had it not been too old, decides; what is newer than all of them is not lost yet.
    """
    asked = list(searches)
    intervals = []
    for begin, end in quiet:
        at = begin
        for _, earliest, newest in asked:
            if newest <= at or at >= end:
                continue
            last = min(end, newest)
            if min(earliest, last) > at:
                intervals.append((at, min(earliest, last)))
            at = last
    return _joined(intervals)


def _joined(intervals: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for begin, end in intervals:
        if joined and joined[-1][1] >= begin:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
