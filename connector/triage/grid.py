"""A grid of squares in front of the geometry: what a geotag is in and near, without measuring the whole city.

A square has its answer when no border runs through it, and a short list of what to measure otherwise; both are what
`geometry.py` says without a grid. Built when first asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import cos, floor, hypot, radians

from connector.triage.geometry import METRES_A_DEGREE, Box, Line, Point, box_of, holds

SIDE = 0.001
"""Degrees; about 100 metres."""
_HAIR = 1e-9
"""Degrees; keeps what lies on an edge in both squares."""

Square = tuple[int, int]


@dataclass(frozen=True, slots=True)
class District:
    name: str
    box: Box
    polygons: list[list[list[Point]]]


class Areas:
    """Which district holds a point."""

    def __init__(self, districts: Sequence[District]) -> None:
        self._districts = districts
        self._known: dict[Square, str] = {}

    def at(self, point: Point) -> str:
        """As `holding`, known for a square that no border touches."""
        square = _square(point)
        name = self._known.get(square)
        if name is None:
            name = self.holding(point)
            if name and square not in self._borders:
                self._known[square] = name
        return name

    def holding(self, point: Point) -> str:
        """The first district that holds the point, or ""."""
        x, y = point
        for district in self._districts:
            west, south, east, north = district.box
            inside = west <= x <= east and south <= y <= north
            if inside and any(holds(rings, point) for rings in district.polygons):
                return district.name
        return ""

    @cached_property
    def _borders(self) -> frozenset[Square]:
        rings = (ring for district in self._districts for rings in district.polygons for ring in rings)
        return frozenset(square for ring in rings for side in pairwise(ring) for square in _squares(box_of(side), 0, 0))


class Around:
    """Which of some streets, each of several lines, is nearest to a point and within so many metres."""

    def __init__(self, streets: Sequence[Sequence[Line]], within: float) -> None:
        self._streets, self._within = streets, within

    def nearest(self, point: Point) -> int | None:
        """The position of the nearest street, of several the first; None if all are too far."""
        x, y = point
        wide = cos(radians(y))
        best, street = float("inf"), None
        for ax, ay, bx, by, at in self._near.get(_square(point), ()):
            dx, dy, px, py = (bx - ax) * wide, by - ay, (x - ax) * wide, y - ay
            square = dx * dx + dy * dy
            part = min(1.0, max(0.0, (px * dx + py * dy) / square)) if square else 0.0
            off = hypot(px - part * dx, py - part * dy) * METRES_A_DEGREE
            if off < best:
                best, street = off, at
        return street if best <= self._within else None

    @cached_property
    def _near(self) -> dict[Square, list[tuple[float, float, float, float, int]]]:
        """The pieces of street that may be near enough to a point of a square, in the streets' order."""
        near: dict[Square, list[tuple[float, float, float, float, int]]] = {}
        high = self._within / METRES_A_DEGREE
        for at, lines in enumerate(self._streets):
            for a, b in (side for line in lines for side in pairwise(line.points)):
                wide = high / max(0.01, cos(radians(min(89.0, max(abs(a[1]), abs(b[1])) + high))))
                for square in _squares(box_of((a, b)), wide, high):
                    near.setdefault(square, []).append((*a, *b, at))
        return near


def _square(point: Point) -> Square:
    return floor(point[0] / SIDE), floor(point[1] / SIDE)


def _squares(box: Box, wide: float, high: float) -> Iterator[Square]:
    """The squares that a box touches, made larger on every side."""
    west, south = _square((box[0] - wide - _HAIR, box[1] - high - _HAIR))
    east, north = _square((box[2] + wide + _HAIR, box[3] + high + _HAIR))
    return ((x, y) for x in range(west, east + 1) for y in range(south, north + 1))
