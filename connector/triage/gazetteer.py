"""The city's own streets, crossings, landmarks and districts, and where on the ground a post's words or geotag are.

`Gazetteer.load` reads the GeoJSON files that the settings name; whoever stores a post asks `find` for its text and
`at` for its geotag; the map draws `lines`. Which names a text holds is read in `place.py`; the geometry is in
`geometry.py`, the grid in front of it in `grid.py`. Two streets cross where they share a vertex or their lines do;
that is computed when first asked for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from connector.errors import ConfigError
from connector.triage.geometry import Box, Line, Point, box_of, meeting
from connector.triage.grid import Areas, Around, District
from connector.triage.names import Named
from connector.triage.place import Method, Reader, Reading

NEAR_STREET = 150.0
"""Metres from a geotag within which a street names it."""
TOUCH = 60.0
"""Metres that two drawn lines may miss each other by at a crossing: half a wide junction."""

T = TypeVar("T")


class Place(NamedTuple):
    """Where a post is about, and why we think so."""

    name: str
    """As the city writes it: "Quarry Road & Elm Street", "214 Birch Street", "600 block Cedar Avenue"."""
    lat: float
    """Degrees WGS84; a street alone is placed at the middle of its line."""
    lon: float
    district: str
    """Empty outside every district."""
    method: Method
    words: str
    """The part of the text that says it, exactly as written; empty for a geotag."""
    sure: float
    """0..1, rough: .9 a crossing told as one, .6 a bare name after a preposition."""


@dataclass(slots=True)
class Street:
    """All features of one name: a file may cut a street into pieces, each with its own house numbers."""

    name: str
    aliases: tuple[str, ...]
    main: bool
    pieces: list[tuple[Line, tuple[int, int] | None]] = field(default_factory=list)

    def middle(self) -> Point:
        return max((line for line, _ in self.pieces), key=lambda line: line.length).along(0.5)

    def house(self, number: int) -> Point | None:
        """Where a house number stands, by its share of the range of its piece; None if no piece holds it."""
        for line, numbers in self.pieces:
            if numbers and min(numbers) <= number <= max(numbers):
                low, high = numbers
                return line.along((number - low) / (high - low) if high != low else 0.5)
        return None


class Gazetteer:
    """One city's places; built once per process, then only read."""

    def __init__(self, streets: list[Street], landmarks: list[tuple[Named, Point]], districts: list[District]) -> None:
        self.streets, self.landmarks, self.districts = streets, landmarks, districts
        self._crossings: dict[tuple[int, int], Point | None] = {}
        self._spots: dict[tuple[object, ...], tuple[str, float, float, str]] = {}
        self._areas = Areas(districts)
        self._around = Around([[line for line, _ in street.pieces] for street in streets], NEAR_STREET)
        self._reader = Reader(
            [Named(s.name, s.aliases, s.main) for s in streets],
            [named for named, _ in landmarks],
            [d.name for d in districts],
            meet=lambda a, b: self.crossing(a, b) is not None,
            has_number=lambda street, number: self.house(street, number) is not None,
        )

    @classmethod
    def load(cls, streets: Path | None, landmarks: Path | None, districts: Path | None) -> Gazetteer:
        """Read the city's files; one that is not set is empty. ConfigError names the file and the feature."""
        return cls(
            _streets(streets) if streets else [],
            _each(landmarks, _landmark) if landmarks else [],
            _each(districts, _district) if districts else [],
        )

    def find(self, text: str) -> Place | None:
        """The place that a text names, by its best evidence: address, intersection, landmark, street."""
        reading = self._reader.read(text)
        if reading is None:
            return None
        key = (reading.streets, reading.landmark, reading.number, reading.block)
        spot = self._spots.get(key)
        if spot is None:
            name, (lon, lat) = self._located(reading)
            spot = self._spots[key] = (name, lat, lon, self.district(lat, lon))
        return Place(*spot, reading.method, reading.words, round(reading.sure, 2))

    def at(self, lat: float, lon: float) -> Place | None:
        """The place of a geotag, named by the nearest street; None outside every district, if there are any."""
        district = self._areas.at((lon, lat))
        if self.districts and not district:
            return None
        nearest = self._around.nearest((lon, lat))
        street = None if nearest is None else self.streets[nearest]
        name = street.name if street else f"{lat:.5f}, {lon:.5f}"
        return Place(name, lat, lon, district, "geotag", "", 0.95 if street else 0.7)

    def district(self, lat: float, lon: float) -> str:
        """The district that holds a point, or ""."""
        return self._areas.holding((lon, lat))

    def lines(self) -> list[tuple[str, bool, list[Point]]]:
        """Name, main street or not, and [(lon, lat)] of every piece of street, for the map."""
        return [(street.name, street.main, line.points) for street in self.streets for line, _ in street.pieces]

    @property
    def bounds(self) -> Box | None:
        """West, south, east, north of all that was loaded, in degrees; None for an empty gazetteer."""
        boxes = [line.box for street in self.streets for line, _ in street.pieces] + [d.box for d in self.districts]
        corners = [corner for w, s, e, n in boxes for corner in ((w, s), (e, n))] + [p for _, p in self.landmarks]
        return box_of(corners) if corners else None

    def crossing(self, a: int, b: int) -> Point | None:
        """Where two streets (positions in `streets`) meet, or None; computed once."""
        pair = (a, b) if a < b else (b, a)
        if pair not in self._crossings:
            first, second = self.streets[pair[0]].pieces, self.streets[pair[1]].pieces
            found = [met for x, _ in first for y, _ in second if (met := meeting(x, y, TOUCH))]
            self._crossings[pair] = min(found)[1] if found else None
        return self._crossings[pair]

    def house(self, street: int, number: int) -> Point | None:
        """Where a house number of a street (position in `streets`) stands, or None if the street has no such number."""
        return self.streets[street].house(number)

    def _located(self, reading: Reading) -> tuple[str, Point]:
        names = [self.streets[at].name for at in reading.streets]
        if reading.landmark is not None:
            named, point = self.landmarks[reading.landmark]
            return ", ".join([named.name, *names]), point
        first = reading.streets[0]
        if reading.number is not None:
            house = (self.house(first, reading.number + 50) if reading.block else None) or self.house(
                first, reading.number
            )
            point = house or self.streets[first].middle()
            return f"{reading.number} {'block ' if reading.block else ''}{names[0]}", point
        if len(names) == 1:
            return names[0], self.streets[first].middle()
        points = [met for other in reading.streets[1:] if (met := self.crossing(first, other))]
        lon, lat = (sum(axis) / len(points) for axis in zip(*points, strict=True))
        return f"{names[0]} {'&' if len(names) == 2 else 'between'} {' & '.join(names[1:])}", (lon, lat)


def _each(file: Path, make: Callable[[dict[str, Any], dict[str, Any]], T]) -> list[T]:
    """`make(properties, geometry)` for each feature of a file; what it raises becomes a ConfigError naming both."""
    made = []
    for at, feature in enumerate(_features(file)):
        name = ""
        try:
            properties = feature["properties"]
            name = str(properties["name"])
            made.append(make(properties, feature["geometry"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            which = f"feature {at + 1}" + (f" ({name})" if name else "")
            raise ConfigError(f"{file}, {which}: {why}; a feature needs a name and its coordinates") from error
    return made


def _features(file: Path) -> Iterator[Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        yield from data["features"]
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}; mend the path under [city] in the settings"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is no GeoJSON FeatureCollection: {error}") from error


def _streets(file: Path) -> list[Street]:
    byname: dict[str, Street] = {}
    for street in _each(file, _street):
        known = byname.setdefault(street.name, street)
        if known is not street:
            known.pieces += street.pieces
            known.aliases = tuple(dict.fromkeys(known.aliases + street.aliases))
            known.main = known.main or street.main
    return list(byname.values())


def _street(properties: dict[str, Any], geometry: dict[str, Any]) -> Street:
    parts = {"LineString": [geometry["coordinates"]], "MultiLineString": geometry["coordinates"]}.get(geometry["type"])
    if parts is None:
        raise ValueError(f"a street is a LineString, not a {geometry['type']}")
    lines = [Line(_points(part, 2)) for part in parts]
    numbers = properties.get("numbers")
    span = (int(numbers[0]), int(numbers[1])) if numbers and len(lines) == 1 else None
    name, aliases = properties["name"], tuple(properties.get("aliases") or ())
    return Street(name, aliases, bool(properties.get("main")), [(line, span) for line in lines])


def _landmark(properties: dict[str, Any], geometry: dict[str, Any]) -> tuple[Named, Point]:
    if geometry["type"] != "Point":
        raise ValueError(f"a landmark is a Point, not a {geometry['type']}")
    return Named(properties["name"], tuple(properties.get("aliases") or ())), _points([geometry["coordinates"]], 1)[0]


def _district(properties: dict[str, Any], geometry: dict[str, Any]) -> District:
    parts = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}.get(geometry["type"])
    if parts is None:
        raise ValueError(f"a district is a Polygon, not a {geometry['type']}")
    polygons = [[_points(ring, 4) for ring in rings] for rings in parts]
    return District(properties["name"], box_of([point for rings in polygons for point in rings[0]]), polygons)


def _points(coordinates: list[Any], least: int) -> list[Point]:
    points = [(float(lon), float(lat)) for lon, lat, *_ in coordinates]
    if len(points) < least:
        raise ValueError(f"{len(points)} coordinates where at least {least} are needed")
    if any(not (-180 <= lon <= 180 and -90 <= lat <= 90) for lon, lat in points):
        raise ValueError("coordinates are longitude, latitude in degrees WGS84; these are not")
    return points
