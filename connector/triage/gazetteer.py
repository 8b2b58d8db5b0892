"""The city's own streets, crossings, landmarks and districts, and where on the ground a post's words or geotag are.

`Gazetteer.load` reads the files that the settings name (`files.py`); whoever stores posts asks `places` for the best of
their evidence: text (`find`), geotag (`at`) and place tag (`tagged`); the map draws `lines`, a person `search`es. Which
names a text holds is read in `place.py`; the geometry is in `geometry.py`, the grid in front of it in `grid.py`. Two
streets cross where they share a vertex or their lines do; that is computed when first asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from connector.triage import files
from connector.triage.geometry import Box, Line, Point, box_of, meeting
from connector.triage.grid import Areas, Around, District
from connector.triage.names import Named, words_of
from connector.triage.place import Method, Reader, Reading
from connector.triage.search import Hit, Search
from connector.triage.text import Cut

NEAR_STREET = 150.0
"""Metres from a geotag within which a street names it."""
TOUCH = 60.0
"""Metres that two drawn lines may miss each other by at a crossing: half a wide junction."""
OUTSIDE = "outside the city"
"""The place of a geotag that lies in no district; it has no point, so that none is sent on."""
_TOLD = 0.8
"""How sure the words must be that speak against a geotag outside the city: somebody writes of home from elsewhere."""


class Place(NamedTuple):
    """Where a post is about, and why we think so."""

    name: str
    """As the city writes it: "Quarry Road & Elm Street", "214 Birch Street", "600 block Cedar Avenue"."""
    lat: float | None
    """Degrees WGS84; a street alone is placed at the middle of its line, a district and `OUTSIDE` have no point."""
    lon: float | None
    district: str
    """Empty outside every district."""
    method: Method
    words: str
    """The part of the text that says it, exactly as written; empty for a geotag."""
    sure: float
    """0..1, rough: from .85 on nine of ten are right; .6 a bare name after a preposition."""
    streets: tuple[str, ...] = ()
    """The streets that it names: one, two that cross, or three, the first between the others."""
    landmark: str = ""


class Said(NamedTuple):
    """What of a post tells its place."""

    text: str
    tag: str = ""
    lat: float | None = None
    lon: float | None = None
    asked: bool = False
    cut: Cut | None = None
    """The text's words, where somebody has cut it already."""


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

    def __init__(
        self, streets: list[Street], landmarks: list[tuple[Named, Point]], districts: list[District], city: str = ""
    ) -> None:
        self.streets, self.landmarks, self.districts = streets, landmarks, districts
        self._crossings: dict[tuple[int, int], Point | None] = {}
        self._spots: dict[tuple[object, ...], tuple[str, float, float, str]] = {}
        self._named = [Named(s.name, s.aliases, s.main) for s in streets]
        self._areas = Areas(districts)
        self._around = Around([[line for line, _ in street.pieces] for street in streets], NEAR_STREET)
        self._reader = Reader(
            self._named,
            [named for named, _ in landmarks],
            [d.name for d in districts],
            self.crossing,
            self.house,
            city,
        )

    @classmethod
    def load(cls, streets: Path | None, landmarks: Path | None, districts: Path | None, city: str = "") -> Gazetteer:
        """Read the city's files; one that is not set is empty. ConfigError names the file and the feature.

        `city` is its name, so that "Elm Street in Port Alder" is not taken for another one's.
        """
        return cls(
            _whole(files.streets(streets)) if streets else [],
            files.landmarks(landmarks) if landmarks else [],
            files.districts(districts) if districts else [],
            city,
        )

    def place(
        self, text: str, tag: str = "", lat: float | None = None, lon: float | None = None, asked: bool = False
    ) -> Place | None:
        """The best of what a post says: its geotag in the city, its words, its place tag, its geotag elsewhere."""
        return self.places([Said(text, tag, lat, lon, asked)])[0]

    def places(self, posts: Sequence[Said]) -> list[Place | None]:
        """As `place`, for many posts, which costs less a post."""
        best = [self.at(p.lat, p.lon) if p.lat is not None and p.lon is not None else None for p in posts]
        unplaced = [at for at, here in enumerate(best) if here is None or here.name == OUTSIDE]
        readings = self._reader.read_all((posts[at].text, posts[at].asked, posts[at].cut) for at in unplaced)
        for at, reading in zip(unplaced, readings, strict=True):
            best[at] = self._best(best[at], reading and self._place(reading), posts[at].tag)
        return best

    def _best(self, outside: Place | None, told: Place | None, tag: str) -> Place | None:
        if outside and (told is None or told.sure < _TOLD):
            return outside
        tagged = self.tagged(tag) if tag else None
        if told and tagged:
            return tagged if tagged.lat is not None and tagged.sure > told.sure else told
        return told or tagged

    def find(self, text: str, asked: bool = False) -> Place | None:
        """The place that a text names, by its best evidence: address, intersection, landmark, street.

        `asked`: the text answers a question for the place, so it need not tell of a trouble: "the library".
        """
        reading = self._reader.read(text, asked)
        if reading is None:
            return None
        return self._place(reading)

    def at(self, lat: float, lon: float) -> Place:
        """The place of a geotag, named by the nearest street; `OUTSIDE` every district, if there are any."""
        district = self._areas.at((lon, lat))
        if self.districts and not district:
            return Place(OUTSIDE, None, None, "", "geotag", "", 0.9)
        nearest = self._around.nearest((lon, lat))
        street = None if nearest is None else self.streets[nearest]
        name = street.name if street else f"{lat:.5f}, {lon:.5f}"
        return Place(name, lat, lon, district, "geotag", "", 0.95 if street else 0.7, (name,) if street else ())

    def tagged(self, tag: str) -> Place | None:
        """The place of a tag, "Founders Green, Port Alder", that names a landmark, a street or a district.

        The city itself is none; a whole district has no point.
        """
        for part in dict.fromkeys([tag, *tag.split(",")[:1]]):
            name = _same(part)
            hit = self._by_name.get(name)
            if hit:
                sure = 0.85 if hit.landmark is not None else 0.75
                return self._place(Reading("place tag", hit.streets, hit.landmark, None, False, "", sure))
            for district in self.districts:
                if _same(district.name) == name:
                    return Place(district.name, None, None, district.name, "place tag", "", 0.6)
        return None

    def search(self, text: str, limit: int = 8) -> list[Place]:
        """What a person who types may mean, the best first: streets, crossings, houses, landmarks; all sure."""
        return [self._place(_typed(hit)) for hit in self._search.hits(text, limit)]

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

    @cached_property
    def _search(self) -> Search:
        return Search(self._named, [named for named, _ in self.landmarks], self.crossing, self.house)

    @cached_property
    def _by_name(self) -> dict[str, Hit]:
        """Landmarks before streets, full names before aliases."""
        named = [(named, Hit((), at)) for at, (named, _) in enumerate(self.landmarks)]
        named += [(street, Hit((at,))) for at, street in enumerate(self._named)]
        aliases = {_same(alias): hit for each, hit in reversed(named) for alias in each.aliases}
        return aliases | {_same(each.name): hit for each, hit in reversed(named)}

    def _place(self, reading: Reading) -> Place:
        key = (reading.streets, reading.landmark, reading.number, reading.block)
        spot = self._spots.get(key)
        if spot is None:
            name, (lon, lat) = self._located(reading)
            spot = self._spots[key] = (name, lat, lon, self.district(lat, lon))
        streets = tuple([self.streets[at].name for at in reading.streets])
        landmark = "" if reading.landmark is None else self.landmarks[reading.landmark][0].name
        return Place(*spot, reading.method, reading.words, round(reading.sure, 2), streets, landmark)

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


def _typed(hit: Hit) -> Reading:
    method: Method = "landmark" if hit.landmark is not None else "intersection" if len(hit.streets) > 1 else "street"
    if hit.number is not None:
        method = "address"
    return Reading(method, hit.streets, hit.landmark, hit.number, False, "", 1.0)


def _same(name: str) -> str:
    """A name as it is compared: without case, accents, abbreviations and its article."""
    words = words_of(name)
    return " ".join(words[1:] if words[:1] == ["the"] else words)


def _whole(found: list[files.Street]) -> list[Street]:
    """The features of one name as one street."""
    byname: dict[str, Street] = {}
    for named, pieces in found:
        street = byname.setdefault(named.name, Street(named.name, (), False))
        street.pieces += pieces
        street.aliases = tuple(dict.fromkeys(street.aliases + named.aliases))
        street.main = street.main or named.main
    return list(byname.values())
