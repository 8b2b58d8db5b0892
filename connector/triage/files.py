"""The city's own lists of streets, landmarks and districts, read from GeoJSON or, by the file's ending, from CSV.

Called by `gazetteer.py`. A CSV file has a header and a row for each feature, with a comma or a semicolon between:
`name`, `aliases` (with a | between), for streets also `main` (yes) and `from_number`, `to_number`; and where it is, as
`wkt`, as `lat`, `lon` for a landmark, or as `from_lat`, `from_lon`, `to_lat`, `to_lon` for a street. A row becomes what
the same feature is in GeoJSON, and both are checked alike.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, TypeVar

from connector.errors import ConfigError
from connector.triage.geometry import Line, Point, box_of
from connector.triage.grid import District
from connector.triage.names import Named

T = TypeVar("T")
Numbers = tuple[int, int]
"""The least and the greatest house number of a piece of street."""
Street = tuple[Named, list[tuple[Line, Numbers | None]]]

_COLUMNS = {
    "latitude": "lat",
    "longitude": "lon",
    "lng": "lon",
    "the_geom": "wkt",
    "geometry": "wkt",
    "alias": "aliases",
}
"""As other programs call them."""
ACCEPTED = {
    "street": "name, aliases, main, from_number, to_number, and wkt or from_lat, from_lon, to_lat, to_lon",
    "landmark": "name, aliases, and lat, lon or wkt",
    "district": "name, wkt",
}
_ENDS = ("from_lat", "from_lon", "to_lat", "to_lon")
_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*([A-Z]+)(?:\s+Z)?\s*(\(.*\))\s*\Z", re.IGNORECASE | re.DOTALL)
_KINDS = {
    kind.upper(): kind for kind in ("Point", "LineString", "MultiLineString", "Polygon", "MultiPolygon")
}  # fmt: skip
_YES = ("yes", "y", "true", "1", "x")


def streets(file: Path) -> list[Street]:
    """A street for each feature. ConfigError names the file and the feature, here and below."""
    return _each(file, "street", _street)


def landmarks(file: Path) -> list[tuple[Named, Point]]:
    return _each(file, "landmark", _landmark)


def districts(file: Path) -> list[District]:
    return _each(file, "district", _district)


def _each(file: Path, what: str, make: Callable[[Mapping[str, Any], Mapping[str, Any]], T]) -> list[T]:
    made = []
    reads = _rows if file.suffix.lower() in (".csv", ".tsv") else _features
    for where, feature in reads(file, what):
        name = ""
        try:
            if isinstance(feature, ValueError):
                raise feature
            properties = feature["properties"]
            name = str(properties["name"])
            made.append(make(properties, feature["geometry"]))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            why = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            which = where + (f" ({name})" if name else "")
            raise ConfigError(f"{file}, {which}: {why}; a {what} needs a name and its coordinates") from error
    return made


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be read: {error.strerror}; mend the path under [city] in the settings"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not in UTF-8 ({error}); export it anew in that encoding") from error


def _features(file: Path, what: str) -> Iterator[tuple[str, Any]]:
    try:
        features = json.loads(_read(file))["features"]
        yield from ((f"feature {at}", feature) for at, feature in enumerate(features, 1))
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{file} is no GeoJSON FeatureCollection: {error}") from error


def _rows(file: Path, what: str) -> Iterator[tuple[str, Any]]:
    """Each row as a GeoJSON feature, or the ValueError that it gave."""
    text = _read(file)
    header = text.partition("\n")[0]
    sign = max(",;\t", key=header.count)
    reader = csv.DictReader(StringIO(text, newline=""), delimiter=sign, skipinitialspace=True)
    names = [_COLUMNS.get(name.strip().lower(), name.strip().lower()) for name in reader.fieldnames or ()]
    reader.fieldnames = names
    placed = "wkt" in names or {"landmark": {"lat", "lon"}, "street": set(_ENDS), "district": {"wkt"}}[what] <= set(
        names
    )
    if "name" not in names or not placed:
        raise ConfigError(
            f"{file} has the columns {', '.join(names) or '(none)'}; for a {what} it may have {ACCEPTED[what]}"
        )
    for row in reader:
        where = f"line {reader.line_num}"
        cells = {name: cell.strip() for name, cell in row.items() if name and isinstance(cell, str)}
        if not any(cells.values()):
            continue
        try:
            yield where, {"properties": _properties(cells), "geometry": _geometry(cells, what)}
        except ValueError as error:
            yield where, error


def _properties(cells: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"name": cells["name"]} if cells.get("name") else {}
    told["aliases"] = [alias.strip() for alias in cells.get("aliases", "").split("|") if alias.strip()]
    told["main"] = cells.get("main", "").lower() in _YES
    if cells.get("from_number") and cells.get("to_number"):
        told["numbers"] = [cells["from_number"], cells["to_number"]]
    return told


def _geometry(cells: Mapping[str, str], what: str) -> dict[str, Any]:
    if cells.get("wkt"):
        return _of_wkt(cells["wkt"])
    if what == "landmark":
        return {"type": "Point", "coordinates": [_degrees(cells, "lon"), _degrees(cells, "lat")]}
    ends = [_degrees(cells, name) for name in _ENDS]
    return {"type": "LineString", "coordinates": [[ends[1], ends[0]], [ends[3], ends[2]]]}


def _degrees(cells: Mapping[str, str], name: str) -> float:
    try:
        return float(cells.get(name, ""))
    except ValueError:
        raise ValueError(f"{name} is {cells.get(name, '')!r}, no number") from None


def _of_wkt(text: str) -> dict[str, Any]:
    """Well-known text as GeoJSON: `LINESTRING (10 50, 10.1 50)`."""
    found = _WKT.match(text)
    kind = _KINDS.get(found[1].upper()) if found else None
    if not found or kind is None:
        raise ValueError(f"wkt begins with {text[:20]!r}; it may be {', '.join(_KINDS)}")
    points = re.sub(r"[-+.\deE]+(?:\s+[-+.\deE]+)+", lambda each: f"[{','.join(each[0].split())}]", found[2])
    try:
        coordinates = json.loads(points.replace("(", "[").replace(")", "]"))
    except ValueError:
        raise ValueError(f"wkt {text[:40]!r} is damaged") from None
    return {"type": kind, "coordinates": coordinates[0] if kind == "Point" else coordinates}


def _street(properties: Mapping[str, Any], geometry: Mapping[str, Any]) -> Street:
    parts = {"LineString": [geometry["coordinates"]], "MultiLineString": geometry["coordinates"]}.get(geometry["type"])
    if parts is None:
        raise ValueError(f"a street is a LineString, not a {geometry['type']}")
    lines = [Line(_points(part, 2)) for part in parts]
    numbers = properties.get("numbers")
    span = (int(numbers[0]), int(numbers[1])) if numbers and len(lines) == 1 else None
    named = Named(properties["name"], tuple(properties.get("aliases") or ()), bool(properties.get("main")))
    return named, [(line, span) for line in lines]


def _landmark(properties: Mapping[str, Any], geometry: Mapping[str, Any]) -> tuple[Named, Point]:
    if geometry["type"] != "Point":
        raise ValueError(f"a landmark is a Point, not a {geometry['type']}")
    return Named(properties["name"], tuple(properties.get("aliases") or ())), _points([geometry["coordinates"]], 1)[0]


def _district(properties: Mapping[str, Any], geometry: Mapping[str, Any]) -> District:
    parts = {"Polygon": [geometry["coordinates"]], "MultiPolygon": geometry["coordinates"]}.get(geometry["type"])
    if parts is None:
        raise ValueError(f"a district is a Polygon, not a {geometry['type']}")
    polygons = [[_points(ring, 4) for ring in rings] for rings in parts]
    return District(properties["name"], box_of([point for rings in polygons for point in rings[0]]), polygons)


def _points(coordinates: Sequence[Any], least: int) -> list[Point]:
    points = [(float(lon), float(lat)) for lon, lat, *_ in coordinates]
    if len(points) < least:
        raise ValueError(f"{len(points)} coordinates where at least {least} are needed")
    if any(not (-180 <= lon <= 180 and -90 <= lat <= 90) for lon, lat in points):
        raise ValueError(
            "coordinates are longitude, latitude in degrees WGS84; these are not, so export the file anew in WGS84"
            " (EPSG:4326)"
        )
    return points
