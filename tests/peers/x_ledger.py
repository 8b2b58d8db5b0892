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


def lost(quiet: Iterable[Interval], searches: Iterable[tuple[float, float, float, float]]) -> list[Interval]:
    """The parts of the silences that lay beyond search's reach before it was asked for them.

    `searches`: in order, the moment of each answer, the oldest and the newest moment that could be asked for then, and
    how far back the answer went: a page with more behind it tells of nothing older than itself. What an answer could
    have told is decided by it: lost if it was too old then. What is newer than all of them is not lost yet.
    """
    asked = list(searches)
    intervals: list[Interval] = []
    for silence in quiet:
        undecided = [silence]
        for _, earliest, newest, back in asked:
            within = [(begin, min(end, newest)) for begin, end in undecided if begin < newest]
            intervals += [(begin, min(end, earliest)) for begin, end in within if begin < earliest]
            before = [(max(begin, earliest), min(end, back)) for begin, end in within]
            after = [(max(begin, newest), end) for begin, end in undecided]
            undecided = [(begin, end) for begin, end in (*before, *after) if begin < end]
    return _joined(sorted(intervals))


def _joined(intervals: list[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for begin, end in intervals:
        if joined and joined[-1][1] >= begin:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((begin, end))
    return joined
