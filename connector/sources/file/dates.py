"""Dates as other tools write them, in the zone they mean; what could be two days is never guessed.

Asked by `columns.py` for each row. English month names only, whatever language the machine speaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

Order = Literal["clear", "month first", "day first"]
"""How 03/04/2026 is to be read; clear: not at all."""
UNREADABLE = "a date that cannot be read"
UNCLEAR = "a date that could be two days: say by `dates` whether the month or the day stands first"
FUTURE = "a date that lies ahead"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TIME = (
    r"(?:(?:\s*T|,?\s+(?:at\s+)?)(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"\s*(?P<half>[ap])?(?(half)\.?m\.?)\s*(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
_NAME = r"(?P<name>[a-z]{3,9})\.?"
_SHAPES = [
    re.compile(rf"{_WEEKDAY}{shape}{_TIME}", re.IGNORECASE)
    for shape in (
        r"(?P<year>\d{4})(?P<sign>[-/.])(?P<month>\d{1,2})(?P=sign)(?P<day>\d{1,2})",
        r"(?P<one>\d{1,2})(?P<sign>[-/.])(?P<two>\d{1,2})(?P=sign)(?P<year>\d{4}|\d\d)",
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[\s.-]+{_NAME},?[\s-]+(?P<year>\d{{4}})",
        rf"{_NAME}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})",
    )
]
# As X wrote it: "Wed Mar 25 14:30:00 +0000 2026".
_YEAR_LAST = re.compile(r"[a-z]{3} ([a-z]{3} \d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})", re.IGNORECASE)
_UNIX = re.compile(r"\d{10}(?:\d{3})?(?:\.\d+)?")


class DateError(ValueError):
    """Why a date is not taken; quotes nothing."""


def read(text: str, zone: ZoneInfo, order: Order = "clear") -> datetime:
    """The moment, in UTC; without a time of day the day's first minute, without a zone in `zone`.

    Of an hour that the clocks repeat the first is meant. Raises DateError.
    """
    text = text.strip()
    if _UNIX.fullmatch(text):
        seconds = float(text)
        return _not_ahead(datetime.fromtimestamp(seconds / 1000 if seconds >= 1e11 else seconds, UTC))
    if moved := _YEAR_LAST.fullmatch(text):
        text = f"{moved[1]} {moved[4]} {moved[2]} {moved[3]}"
    found = next((match for shape in _SHAPES if (match := shape.fullmatch(text))), None)
    if found is None:
        raise DateError(UNREADABLE)
    day, time = _day(found.groupdict(), order), _time(found)
    try:
        return _not_ahead(datetime(*day, *time, tzinfo=_zone(found["zone"] or "", zone)).astimezone(UTC))
    except (ValueError, OverflowError) as error:
        raise error if isinstance(error, DateError) else DateError(UNREADABLE) from None


def order_of(texts: Iterable[str]) -> tuple[Order, bool]:
    """What the dates of a column tell of their order, and whether some of them cannot do without."""
    told: set[Order] = set()
    unclear = False
    for text in texts:
        found = _SHAPES[1].fullmatch(text.strip())
        if found and found["sign"] != ".":
            one, two = int(found["one"]), int(found["two"])
            told |= {"day first"} if one > 12 else {"month first"} if two > 12 else set()
            unclear |= one <= 12 and two <= 12 and one != two
    return (told.pop() if len(told) == 1 else "clear"), unclear


def _day(parts: dict[str, str | None], order: Order) -> tuple[int, int, int]:
    year = int(parts["year"] or 0)
    year += 2000 if year < 100 else 0
    if name := parts.get("name"):
        if name[:3].lower() not in _MONTHS:
            raise DateError(UNREADABLE)
        return year, _MONTHS.index(name[:3].lower()) + 1, int(parts["day"] or 0)
    if parts.get("month"):
        return year, int(parts["month"] or 0), int(parts["day"] or 0)
    one, two = int(parts["one"] or 0), int(parts["two"] or 0)
    if parts["sign"] == "." or one > 12 or one == two:  # with dots the day stands first wherever they are written
        return year, two, one
    if two > 12:
        return year, one, two
    if order == "clear":
        raise DateError(UNCLEAR)
    return (year, one, two) if order == "month first" else (year, two, one)


def _time(found: re.Match[str]) -> tuple[int, int, int]:
    hour, half = int(found["hour"] or 0), (found["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise DateError(UNREADABLE)
        hour = hour % 12 + (12 if half == "p" else 0)
    return hour, int(found["minute"] or 0), int(found["second"] or 0)


def _zone(told: str, zone: tzinfo) -> tzinfo:
    if not told:
        return zone
    if told[0] not in "+-":
        return UTC
    ahead = timedelta(hours=int(told[1:3]), minutes=int(told[-2:]))
    return timezone(ahead if told[0] == "+" else -ahead)


def _not_ahead(at: datetime) -> datetime:
    # A day's grace, for clocks and zones that are wrong; a post from next year would stand on top of the queue.
    if at > datetime.now(UTC) + timedelta(days=1):
        raise DateError(FUTURE)
    return at
