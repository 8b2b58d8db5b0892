"""Circles and boxes on the globe, for `point_radius:` and `bounding_box:`; degrees in, kilometres out.

X takes a post whose exact position lies within the region, or whose tagged place lies within it wholly. `arguments.py`
makes the regions, `operands.py` asks them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

EARTH_KM = 6371.0088
MILE_KM = 1.609344


def distance_km(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Along the surface, by the haversine formula."""
    phi, other_phi = math.radians(lat), math.radians(other_lat)
    half_height = math.sin((other_phi - phi) / 2)
    half_width = math.sin(math.radians(other_lon - lon) / 2)
    chord = half_height**2 + math.cos(phi) * math.cos(other_phi) * half_width**2
    return 2 * EARTH_KM * math.asin(math.sqrt(min(1.0, chord)))


@dataclass(frozen=True, slots=True)
class Box:
    """Between two meridians and two parallels."""

    west: float
    south: float
    east: float
    north: float

    def holds(self, lon: float, lat: float) -> bool:
        return self.west <= lon <= self.east and self.south <= lat <= self.north

    def holds_box(self, inner: Box) -> bool:
        return self.holds(inner.west, inner.south) and self.holds(inner.east, inner.north)

    def size(self) -> tuple[float, float]:
        """Its longest parallel and its height, in kilometres."""
        widest = min(abs(self.south), abs(self.north)) if self.south * self.north > 0 else 0.0
        degrees = self.east - self.west
        return math.radians(degrees) * math.cos(math.radians(widest)) * EARTH_KM, (
            math.radians(self.north - self.south) * EARTH_KM
        )


@dataclass(frozen=True, slots=True)
class Circle:
    """Everything within so many kilometres of a point."""

    lon: float
    lat: float
    km: float

    def holds(self, lon: float, lat: float) -> bool:
        return distance_km(self.lon, self.lat, lon, lat) <= self.km

    def holds_box(self, inner: Box) -> bool:
        """Whether all four corners lie inside; at under 25 miles the sides do not bulge out."""
        return all(self.holds(lon, lat) for lon in (inner.west, inner.east) for lat in (inner.south, inner.north))
