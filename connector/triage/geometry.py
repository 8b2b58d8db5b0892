"""Plane geometry for a city: lines, where they meet, which polygon holds a point.

Points are (longitude, latitude) in degrees WGS84, as GeoJSON writes them; lengths are metres. A degree counts by the
latitude it stands at, which is right to a few centimetres over a city. Read on in `gazetteer.py`, which asks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from math import cos, hypot, inf, radians

Point = tuple[float, float]
Box = tuple[float, float, float, float]

METRES_A_DEGREE = 111_195.0


def metres(a: Point, b: Point) -> float:
    """The distance of two points of one city, in metres."""
    east = (b[0] - a[0]) * cos(radians((a[1] + b[1]) / 2))
    return METRES_A_DEGREE * hypot(east, b[1] - a[1])


def box_of(points: Sequence[Point]) -> Box:
    """West, south, east, north of at least one point."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def boxes_near(a: Box, b: Box, within: float) -> bool:
    """Whether two boxes overlap or stand closer than so many metres."""
    dy = within / METRES_A_DEGREE
    dx = dy / max(0.01, cos(radians(a[1]))) if within else 0.0
    return a[0] <= b[2] + dx and b[0] <= a[2] + dx and a[1] <= b[3] + dy and b[1] <= a[3] + dy


class Line:
    """A street's piece: at least two points, in order."""

    __slots__ = ("box", "points", "reach", "sides")

    def __init__(self, points: Sequence[Point]) -> None:
        self.points = list(points)
        self.box = box_of(self.points)
        self.sides = [(box_of(side), side) for side in pairwise(self.points)]
        """From each point to the next, with its own box."""
        self.reach = [0.0, *accumulate(metres(a, b) for a, b in pairwise(self.points))]
        """Metres from the start to each point."""

    @property
    def length(self) -> float:
        return self.reach[-1]

    def along(self, share: float) -> Point:
        """The point after this share (0..1) of the line's length."""
        wanted = min(1.0, max(0.0, share)) * self.length
        at = min(bisect_right(self.reach, wanted), len(self.points) - 1)
        step = self.reach[at] - self.reach[at - 1]
        part = (wanted - self.reach[at - 1]) / step if step else 0.0
        (ax, ay), (bx, by) = self.points[at - 1], self.points[at]
        return ax + part * (bx - ax), ay + part * (by - ay)

    def nearest(self, point: Point) -> tuple[float, Point]:
        """How far the line is from a point, in metres, and where on the line that is."""
        return _nearest((side for _, side in self.sides), point)


def meeting(a: Line, b: Line, within: float) -> tuple[float, Point] | None:
    """Where two lines cross, touch or come closest, with their gap in metres; None beyond `within` metres."""
    if not boxes_near(a.box, b.box, within):
        return None
    shared = set(a.points).intersection(b.points)
    if shared:
        return 0.0, min(shared, key=a.points.index)
    others = [(box, side) for box, side in b.sides if boxes_near(box, a.box, 0)]
    for box, first in a.sides:
        for other, second in others:
            crossing = _crossing(*first, *second) if boxes_near(box, other, 0) else None
            if crossing:
                return 0.0, crossing
    gap = min([*_gaps(a, b, within), *_gaps(b, a, within)], default=(inf, (0.0, 0.0)))
    return gap if gap[0] <= within else None


def _gaps(a: Line, b: Line, within: float) -> list[tuple[float, Point]]:
    """From those points of one line that may be as near to the other: how far off it is, and where."""
    wide = 2 * within  # a degree's length is that of the box's south, so a box may be a hair nearer than it looks
    sides = [side for box, side in b.sides if boxes_near(box, a.box, wide)]
    return [_nearest(sides, point) for point in a.points if sides and boxes_near(point + point, b.box, wide)]


def _nearest(sides: Iterable[tuple[Point, Point]], point: Point) -> tuple[float, Point]:
    """How far the nearest of some sides is from a point, in metres, and where on it that is."""
    wide = cos(radians(point[1]))
    best, where = inf, point
    for (ax, ay), (bx, by) in sides:
        dx, dy, px, py = (bx - ax) * wide, by - ay, (point[0] - ax) * wide, point[1] - ay
        square = dx * dx + dy * dy
        part = min(1.0, max(0.0, (px * dx + py * dy) / square)) if square else 0.0
        off = hypot(px - part * dx, py - part * dy)
        if off < best:
            best, where = off, (ax + part * (bx - ax), ay + part * (by - ay))
    return best * METRES_A_DEGREE, where


def _crossing(a: Point, b: Point, c: Point, d: Point) -> Point | None:
    """Where the segments a–b and c–d cross."""
    rx, ry, sx, sy = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    turn = rx * sy - ry * sx
    if not turn:
        return None
    t = ((c[0] - a[0]) * sy - (c[1] - a[1]) * sx) / turn
    u = ((c[0] - a[0]) * ry - (c[1] - a[1]) * rx) / turn
    return (a[0] + t * rx, a[1] + t * ry) if 0 <= t <= 1 and 0 <= u <= 1 else None


def holds(rings: Sequence[Sequence[Point]], point: Point) -> bool:
    """Whether a polygon (outer ring, then holes) holds a point: a ray to the east crosses an odd number of sides."""
    x, y = point
    inside = False
    for ring in rings:
        for (ax, ay), (bx, by) in pairwise(ring):
            if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
                inside = not inside
    return inside
