"""The city on the ground: files, crossings, house numbers, districts, geotags; on an invented city of six streets."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from connector.config import DEMO
from connector.errors import ConfigError
from connector.triage import OUTSIDE, Gazetteer, Said
from connector.triage.geometry import Line, meeting, metres
from connector.triage.text import Cut


def feature(geometry: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": geometry, "coordinates": coordinates}}


def written(folder: Path, name: str, *features: dict[str, Any]) -> Path:
    file = folder / name
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}), encoding="utf-8")
    return file


@pytest.fixture
def city(tmp_path: Path) -> Gazetteer:
    """Elm and Birch run east, 5th and Quarry north; Loop Road stands apart. A hundredth of a degree is about 1 km."""
    streets = written(
        tmp_path,
        "streets.geojson",
        feature("LineString", [[10.0, 50.0], [10.04, 50.0]], name="Elm Street", main=True, numbers=[100, 500]),
        feature("LineString", [[10.0, 50.01], [10.04, 50.01]], name="Birch Street", numbers=[100, 500]),
        feature("LineString", [[10.01, 49.99], [10.01, 50.02]], name="5th Avenue"),
        feature("LineString", [[10.03, 50.0], [10.03, 50.0096]], name="Quarry Road"),
        feature("LineString", [[10.02, 50.03], [10.03, 50.03]], name="Loop Road", numbers=[1, 99]),
        feature("LineString", [[10.03, 50.03], [10.04, 50.03]], name="Loop Road", numbers=[101, 199]),
    )
    districts = written(
        tmp_path,
        "districts.geojson",
        feature(
            "Polygon", [[[9.99, 49.98], [10.02, 49.98], [10.02, 50.05], [9.99, 50.05], [9.99, 49.98]]], name="West"
        ),
        feature(
            "Polygon",
            [
                [[10.02, 49.98], [10.05, 49.98], [10.05, 50.05], [10.02, 50.05], [10.02, 49.98]],
                [[10.035, 50.02], [10.04, 50.02], [10.04, 50.025], [10.035, 50.025], [10.035, 50.02]],
            ],
            name="East",
        ),
    )
    landmarks = written(tmp_path, "landmarks.geojson", feature("Point", [10.015, 50.001], name="Town Pool"))
    return Gazetteer.load(streets, landmarks, districts)


def at(city: Gazetteer, name: str) -> int:
    return [street.name for street in city.streets].index(name)


def test_streets_cross_where_their_lines_do(city: Gazetteer) -> None:
    assert city.crossing(at(city, "Elm Street"), at(city, "5th Avenue")) == pytest.approx((10.01, 50.0))
    assert city.crossing(at(city, "5th Avenue"), at(city, "Elm Street")) == pytest.approx((10.01, 50.0))


def test_streets_that_share_a_point_cross_there(city: Gazetteer) -> None:
    assert city.crossing(at(city, "Elm Street"), at(city, "Quarry Road")) == pytest.approx((10.03, 50.0))


def test_a_line_that_ends_just_before_the_other_still_crosses(city: Gazetteer) -> None:
    met = city.crossing(at(city, "Birch Street"), at(city, "Quarry Road"))
    assert met is not None
    assert metres(met, (10.03, 50.01)) < 60


def test_parallel_and_distant_streets_do_not_cross(city: Gazetteer) -> None:
    assert city.crossing(at(city, "Elm Street"), at(city, "Birch Street")) is None
    assert city.crossing(at(city, "Elm Street"), at(city, "Loop Road")) is None


def test_lines_meet_where_measuring_every_point_to_every_side_says() -> None:
    chance, near, off = random.Random(311), 0, 0
    for _ in range(2000):
        a, b = wandering(chance), wandering(chance)
        met = meeting(a, b, 60)
        gap = min([b.nearest(point) for point in a.points] + [a.nearest(point) for point in b.points])
        if met and not met[0]:
            continue  # they cross or share a point
        assert met == (gap if gap[0] <= 60 else None)
        near, off = near + (met is not None), off + (met is None)
    assert near > 30
    assert off > 300


def wandering(chance: random.Random) -> Line:
    """A line of two to seven points, about 150 metres from one to the next, somewhere in a square kilometre."""
    x, y = chance.uniform(10, 10.015), chance.uniform(50, 50.01)
    points = [(x, y)]
    for _ in range(chance.randint(1, 6)):
        x, y = x + chance.uniform(-0.002, 0.002), y + chance.uniform(-0.002, 0.002)
        points.append((x, y))
    return Line(points)


def test_a_house_number_stands_at_its_share_of_the_line(city: Gazetteer) -> None:
    assert city.house(at(city, "Elm Street"), 200) == pytest.approx((10.01, 50.0))
    assert city.house(at(city, "Elm Street"), 501) is None
    assert city.house(at(city, "5th Avenue"), 1) is None, "a street without numbers has no houses"


def test_pieces_of_one_street_keep_their_own_numbers(city: Gazetteer) -> None:
    assert city.house(at(city, "Loop Road"), 50) == pytest.approx((10.025, 50.03))
    assert city.house(at(city, "Loop Road"), 150) == pytest.approx((10.035, 50.03))
    assert [name for name, _, _ in city.lines()].count("Loop Road") == 2


def test_a_point_lies_in_its_district_and_not_in_a_hole(city: Gazetteer) -> None:
    assert city.district(50.0, 10.01) == "West"
    assert city.district(50.0, 10.03) == "East"
    assert city.district(50.022, 10.037) == ""
    assert city.district(40.0, 10.03) == ""


def test_a_geotag_is_named_by_the_nearest_street(city: Gazetteer) -> None:
    place = city.at(50.0005, 10.02)
    assert (place.name, place.method, place.words) == ("Elm Street", "geotag", "")
    assert (place.lat, place.lon) == (50.0005, 10.02)


def test_a_geotag_far_from_every_street_keeps_its_coordinates(city: Gazetteer) -> None:
    place = city.at(50.02, 10.02)
    assert place.name == "50.02000, 10.02000"


def test_a_geotag_outside_every_district_is_said_to_be_outside(city: Gazetteer) -> None:
    place = city.at(48.0, 10.0)
    assert (place.name, place.lat, place.lon, place.district, place.method) == (OUTSIDE, None, None, "", "geotag")


INSIDE, ELSEWHERE = (50.0005, 10.02), (48.0, 10.0)


@pytest.mark.parametrize(
    ("text", "tag", "geotag", "name", "method"),
    [
        ("hole on Birch Street", "Town Pool", INSIDE, "Elm Street", "geotag"),
        ("hole", "", ELSEWHERE, OUTSIDE, "geotag"),
        ("hole on Birch", "", ELSEWHERE, OUTSIDE, "geotag"),
        ("hole", "Town Pool", ELSEWHERE, OUTSIDE, "geotag"),
        ("hole at 214 Birch Street", "", ELSEWHERE, "214 Birch Street", "address"),
        ("hole on Birch", "Town Pool, Testville", None, "Town Pool", "place tag"),
        ("hole on Birch", "East", None, "Birch Street", "street"),
        ("hole", "East, Testville", None, "East", "place tag"),
        ("hole", "5th Ave", None, "5th Avenue", "place tag"),
        ("hole", "Testville, OR", None, None, None),
        ("hole", "", None, None, None),
    ],
)
def test_the_best_of_geotag_words_and_place_tag_counts(
    city: Gazetteer, text: str, tag: str, geotag: tuple[float, float] | None, name: str | None, method: str | None
) -> None:
    place = city.place(text, tag, *(geotag or (None, None)))
    assert (place and place.name, place and place.method) == (name, method)


def test_posts_are_placed_together_as_each_by_itself(city: Gazetteer) -> None:
    posts = [
        Said("hole at 214 Birch Street"),
        Said("hole"),
        Said("hole on Birch", "", 50.0, 10.01),
        Said("hole", "Town Pool, Testville"),
        Said("hole at 214 Birch Street", "", *ELSEWHERE),
        Said("town pool", asked=True),
    ]
    alone = [city.place(post.text, post.tag, post.lat, post.lon, post.asked) for post in posts]
    assert city.places(posts) == alone
    assert city.places([post._replace(cut=Cut.of(post.text)) for post in posts]) == alone
    assert city.places([]) == []


def test_a_tag_is_opened_though_somebody_has_cut_the_text_already(city: Gazetteer) -> None:
    text = "hole at #BirchAndQuarry"
    assert city.places([Said(text, cut=Cut.of(text))]) == [city.place(text)]
    assert city.place(text)


def test_a_tag_of_a_whole_district_has_no_point(city: Gazetteer) -> None:
    place = city.tagged("west")
    assert place is not None
    assert (place.name, place.district, place.lat, place.lon) == ("West", "West", None, None)


def test_the_grid_says_what_measuring_every_street_and_district_says() -> None:
    city = Gazetteer.load(DEMO / "streets.geojson", None, DEMO / "districts.geojson")
    lines = [(line, at) for at, street in enumerate(city.streets) for line, _ in street.pieces]
    west, south, east, north = city.bounds or (0.0, 0.0, 0.0, 0.0)
    chance = random.Random(311)
    for _ in range(300):
        lat, lon = chance.uniform(south - 0.002, north + 0.002), chance.uniform(west - 0.002, east + 0.002)
        gap, street = min((line.nearest((lon, lat))[0], at) for line, at in lines)
        district = city.district(lat, lon)
        for _ in ("unknown square", "known square"):
            place = city.at(lat, lon)
            assert place.district == district
            if place.name != OUTSIDE:
                named = city.streets[street].name if gap <= 150 else f"{lat:.5f}, {lon:.5f}"
                assert place.name == named


def test_bounds_and_lines_for_the_map(city: Gazetteer) -> None:
    assert city.bounds == (9.99, 49.98, 10.05, 50.05)
    assert city.lines()[0] == ("Elm Street", True, [(10.0, 50.0), (10.04, 50.0)])


def test_nothing_configured_finds_nothing() -> None:
    city = Gazetteer.load(None, None, None)
    assert city.find("pothole at 5th and Main") is None
    assert city.bounds is None
    assert city.lines() == []
    geotag = city.at(50.0, 10.0)
    assert geotag.name != OUTSIDE, "without districts there is no outside"
    assert geotag.district == ""


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (feature("Point", [10, 50], name="Elm Street"), r"feature 2 \(Elm Street\): a street is a LineString"),
        (feature("LineString", [[10, 50]], name="Elm Street"), r"feature 2 \(Elm Street\): 1 coordinates"),
        (feature("LineString", [[10, 50], [10, 51]]), "feature 2: 'name' is missing"),
        (feature("LineString", [[10, 50], [10, "x"]], name="Elm"), r"feature 2 \(Elm\)"),
        (feature("LineString", [[50, 10], [50, 131]], name="Elm"), "longitude, latitude"),
        ({"type": "Feature", "properties": None}, "feature 2"),
    ],
)
def test_a_bad_feature_is_named_with_its_file(tmp_path: Path, bad: dict[str, Any], says: str) -> None:
    good = feature("LineString", [[10, 50], [10, 51]], name="Good Street")
    file = written(tmp_path, "streets.geojson", good, bad)
    with pytest.raises(ConfigError, match=says) as told:
        Gazetteer.load(file, None, None)
    assert "streets.geojson" in str(told.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"type": "Point"}'])
def test_a_file_that_is_no_collection_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "landmarks.geojson"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"landmarks\.geojson is no GeoJSON"):
        Gazetteer.load(None, file, None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"districts\.geojson cannot be read"):
        Gazetteer.load(None, None, tmp_path / "districts.geojson")


def test_the_demo_city_holds_its_landmarks() -> None:
    city = Gazetteer.load(DEMO / "streets.geojson", DEMO / "landmarks.geojson", DEMO / "districts.geojson")
    assert len(city.streets) > 100
    outside = [named.name for named, (lon, lat) in city.landmarks if not city.district(lat, lon)]
    assert not outside
