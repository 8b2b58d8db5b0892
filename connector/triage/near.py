"""Do two posts tell of the same problem? Type, place, time, wording, author and references are weighed into one number.

Pure: no table, no clock. `near_keys.py` finds the few suspects worth weighing, `wording.py` reads the texts, `same`
decides. A suspect is known by its first post alone, so posts never chain from street to street. The weights were fitted
on labelled pairs (`python -m connector figures duplicates`).
"""

from __future__ import annotations

from math import cos, exp, hypot, radians
from typing import NamedTuple

from connector.triage.geometry import METRES_A_DEGREE
from connector.triage.wording import Told, is_copy, told

SURE = 0.75
"""From here on a post joins."""
FAR = 120.0
"""Metres from the first post beyond which nothing joins, however alike the words."""
_PLACES = ("geotag", "intersection", "address", "landmark", "by hand")
"""Ways of finding a place that name a spot; a street alone may be a mile long."""


class Sight(NamedTuple):
    """A post, or the first post of a suspect, as far as it matters here."""

    type_id: int
    at: float
    """When it was written, in seconds since 1970."""
    text: str
    lat: float | None = None
    lon: float | None = None
    spot: bool = True
    """Whether the place is a spot; False: somewhere along a street."""
    author: str = ""
    """A pseudonym; empty: unknown."""


def is_spot(method: str) -> bool:
    """Whether a place found in this way names a spot."""
    return method in _PLACES


def distance(a: Sight, b: Sight) -> float | None:
    """Metres; None where one of the places is not known."""
    if a.lat is None or a.lon is None or b.lat is None or b.lon is None:
        return None
    return hypot((b.lon - a.lon) * cos(radians(a.lat)), b.lat - a.lat) * METRES_A_DEGREE


def same(a: Sight, b: Sight, days: float, metres: float | None = None, refers: bool = False) -> float:
    """How sure it is, 0 to 1, that both tell of one problem; `days` is the widest time between them.

    `metres`: where the distance is known otherwise than by the places. `refers`: one quotes, reposts or answers the
    other.
    """
    hours = abs(a.at - b.at) / 3600
    if hours > days * 24:
        return 0.0
    metres = distance(a, b) if metres is None else metres
    if metres is not None and metres > FAR:
        return 0.0
    if a.type_id != b.type_id:
        return 0.9 if is_copy(a.text, b.text) else 0.0  # a person retyped the first
    if refers or is_copy(a.text, b.text):
        return 0.97
    spots = metres is not None and a.spot and b.spot
    found = evidence(told(a.text), told(b.text), metres, spots, hours, (a.author, b.author))
    return 1 / (1 + exp(-sum(WEIGHTS[name] * value for name, value in found.items())))


def evidence(
    a: Told, b: Told, metres: float | None, spots: bool, hours: float, authors: tuple[str, str]
) -> dict[str, float]:
    """What speaks for and against one problem, each about 0 to 1; `WEIGHTS` says how much each counts."""
    known, soon = all(authors), max(0.0, 1 - hours / 24) if spots else 0.0
    shared = a.words & b.words
    fewer = min(len(a.words), len(b.words))
    streets, numbers = a.streets & b.streets, a.numbers & b.numbers
    other_street = bool(a.streets and b.streets and not streets)
    other_number = bool(a.numbers and b.numbers and not numbers)
    families = {family for family, _ in a.kinds} & {family for family, _ in b.kinds}
    other_thing = any(not {k for k in a.kinds & b.kinds if k[0] == family} for family in families)
    contradicts = other_street or other_number or other_thing
    return {
        "spots": float(spots),
        "nearness": max(-1.0, 1 - metres / 40) if spots and metres is not None else 0.0,
        "along": float(not spots and metres is not None),
        "nowhere": float(metres is None),
        "overlap": len(shared) / fewer if fewer > 1 else 0.0,
        "alike": max(0.0, 2 * len(shared) / len(a.words | b.words) - 1) if metres is None and fewer > 4 else 0.0,
        "shared": min(len(shared), 4) / 4,
        "nothing shared": float(not shared and fewer > 2),
        "soon": soon,
        "late": min(1.0, hours / 336),
        "street": float(bool(streets)),
        "number": float(bool(numbers)),
        "other street": float(other_street),
        "other number": float(other_number),
        "other thing": float(other_thing),
        "in rows": float(a.in_rows and b.in_rows and (metres is None or metres > 10)),
        "row": float(a.in_rows and b.in_rows),
        "wide": float(spots and a.wide and b.wide),
        "at large": float(a.at_large != b.at_large),
        "one author": float(known and authors[0] == authors[1]),
        "two people": soon if known and authors[0] != authors[1] and not contradicts else 0.0,
    }


WEIGHTS = {
    "spots": 0.1,
    "nearness": 0.9,
    "along": -1.2,
    "nowhere": -3.2,
    "overlap": 1.4,
    "alike": 4.5,
    "shared": 0.9,
    "nothing shared": -0.7,
    "soon": -1.2,  # several reports in one hour are one reporter's round of several things,
    "late": -0.3,
    "street": 0.8,
    "number": 1.3,
    "other street": -1.4,
    "other number": -3.0,
    "other thing": -2.5,
    "in rows": -1.1,
    "row": -0.3,
    "wide": 1.0,
    "at large": -1.5,
    "one author": 1.0,
    "two people": 2.6,  # unless we know that two people tell it
}
