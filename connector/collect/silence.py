"""Whether a source is quieter than it usually is at this hour: counts in, a judgement out, nothing stored.

Usual is the mean of the same hour of the day (the city's) over the last days that teach something: on which the source
was read and not silent. Weekdays and weekends stand apart where enough of them are known. Asked by `alerts.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS, FURTHEST = 14, 60
"""So many days make the mean; so far back they are looked for, since a long silence must not become usual."""
FEWEST_DAYS = 3
FEWEST_POSTS = 5.0
"""Of a source that brings less nobody can say within two hours whether it is silent."""
CHANCE = 0.001
_HOUR = timedelta(hours=1)
_BRIEF = 300.0  # seconds: an hour in which it was away for longer is no usual hour
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Quiet:
    """It brought so many posts in so many minutes, where so many are usual."""

    posts: int
    usual: float
    minutes: int


@dataclass(frozen=True, slots=True)
class History:
    """What is known of a source."""

    hours: Mapping[datetime, int]
    """Posts by hour (UTC); an hour without an entry brought none."""
    away: Sequence[Span]
    """When it was not read."""
    silent: Sequence[Span] = ()
    """When it was known to be silent."""


def judged(history: History, at: datetime, zone: ZoneInfo) -> Quiet | None:
    """None: all is as usual, or too little is known to say. The window is the last full hour and what is past of this
    one, so 60 to 120 minutes."""
    this = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    before = this - _HOUR
    usual_this, usual_before = usual(history, this, zone), usual(history, before, zone)
    if usual_this is None or usual_before is None:
        return None
    now_usual = usual_this * _read(history, (this, at)) / 3600
    whole = now_usual + usual_before * _read(history, (before, this)) / 3600
    here = history.hours.get(this, 0)
    posts = here + history.hours.get(before, 0)
    recovers = now_usual >= FEWEST_POSTS and here >= now_usual / 2
    # Poisson's law would take every slow hour of a busy source for silence: less than half is asked for too.
    if whole < FEWEST_POSTS or posts >= whole / 2 or recovers or chance(posts, whole) >= CHANCE:
        return None
    return Quiet(posts, whole, round((at - before).total_seconds() / 60))


def usual(history: History, hour: datetime, zone: ZoneInfo) -> float | None:
    """Mean posts of this hour of the day; None if fewer than three days are known."""
    there = hour.astimezone(zone)
    first = min(history.hours, default=hour)
    known: list[tuple[bool, int]] = []
    for days in range(1, FURTHEST + 1):
        day = there - timedelta(days=days)
        begin = day.astimezone(UTC).replace(minute=0)
        if begin > first and not _teaches_nothing(history, (begin, begin + _HOUR)):  # the first hour was no whole one
            known.append((day.weekday() >= 5, history.hours.get(begin, 0)))
        if len(known) == DAYS:
            break
    alike = [count for weekend, count in known if weekend == (there.weekday() >= 5)]
    counts = alike if len(alike) >= FEWEST_DAYS else [count for _, count in known]
    return sum(counts) / len(counts) if len(counts) >= FEWEST_DAYS else None


def chance(posts: int, usual: float) -> float:
    """Poisson's probability of so few or fewer."""
    if usual <= 0:
        return 1.0
    log = math.log(usual)
    return min(1.0, math.fsum(math.exp(n * log - usual - math.lgamma(n + 1)) for n in range(posts + 1)))


def _read(history: History, span: Span) -> float:
    """Seconds of the span in which it was read."""
    return max(0.0, (span[1] - span[0]).total_seconds() - _overlap(history.away, span))


def _teaches_nothing(history: History, span: Span) -> bool:
    return _overlap(history.away, span) > _BRIEF or _overlap(history.silent, span) > 0


def _overlap(spans: Sequence[Span], of: Span) -> float:
    """Seconds of `of` that lie in any of the spans."""
    inside = sorted((max(begin, of[0]), min(end, of[1])) for begin, end in spans if begin < of[1] and end > of[0])
    total, reached = 0.0, of[0]
    for begin, end in inside:
        total += max(0.0, (end - max(begin, reached)).total_seconds())
        reached = max(reached, end)
    return total
