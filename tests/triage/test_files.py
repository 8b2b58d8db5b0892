"""The city's lists from CSV say the same as from GeoJSON, and a file that cannot be used is told what it may hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from connector.config import DEMO
from connector.errors import ConfigError
from connector.triage import Gazetteer


def written(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


STREETS = """name,aliases,main,from_number,to_number,wkt
Elm Street,Elm|the Elm,yes,100,500,"LINESTRING (10.0 50.0, 10.04 50.0)"
5th Avenue,,,,,"SRID=4326;MultiLineString((10.01 49.99, 10.01 50.0), (10.01 50.0, 10.01 50.02))"
"""


def test_streets_come_from_wkt(tmp_path: Path) -> None:
    city = Gazetteer.load(written(tmp_path, "streets.csv", STREETS), None, None)
    elm, fifth = city.streets
    assert (elm.name, elm.aliases, elm.main, elm.house(300)) == ("Elm Street", ("Elm", "the Elm"), True, (10.02, 50.0))
    assert (len(fifth.pieces), fifth.main) == (2, False)
    place = city.find("pothole at Elm and 5th")
    assert place is not None
    assert (place.lat, place.lon) == (pytest.approx(50.0), pytest.approx(10.01))


def test_streets_come_from_their_two_ends_and_pieces_of_one_name_belong_together(tmp_path: Path) -> None:
    text = (
        "\ufeffName;From_Lat;From_Lon;To_Lat;To_Lon;from_number;to_number\n"
        "Loop Road;50.0;10.0;50.0;10.1;1;99\n\nLoop Road;50.0;10.1;50.1;10.1;101;199\n"
    )
    (street,) = Gazetteer.load(written(tmp_path, "streets.csv", text), None, None).streets
    assert street.house(99) == (10.1, 50.0)
    assert street.house(199) == (10.1, 50.1)


def test_landmarks_and_districts_come_from_csv(tmp_path: Path) -> None:
    landmarks = written(
        tmp_path, "landmarks.csv", "name,aliases,latitude,longitude\nTown Pool,the pool|the baths,50.5,10.5\n"
    )
    ring = "(10 50, 11 50, 11 51, 10 51, 10 50)"
    rows = f'West,"POLYGON ({ring})"\nEast,"MULTIPOLYGON (((20 50, 21 50, 21 51, 20 50)), ({ring}))"\n'
    districts = written(tmp_path, "districts.csv", f"name,the_geom\n{rows}")
    city = Gazetteer.load(None, landmarks, districts)
    place = city.find("needles behind the baths, and trash")
    assert place is not None
    assert (place.name, place.lat, place.lon, place.district) == ("Town Pool", 50.5, 10.5, "West")
    assert city.district(50.2, 20.5) == "East"


def test_a_point_may_be_wkt(tmp_path: Path) -> None:
    city = Gazetteer.load(None, written(tmp_path, "a.csv", "name,wkt\nTown Pool,POINT Z (10.5 50.5 3)\n"), None)
    assert city.landmarks[0][1] == (10.5, 50.5)


def test_csv_says_what_geojson_says(tmp_path: Path) -> None:
    rows = ["name,aliases,main,from_number,to_number,wkt"]
    for feature in json.loads((DEMO / "streets.geojson").read_text("utf-8"))["features"]:
        told, points = feature["properties"], feature["geometry"]["coordinates"]
        low, high = told["numbers"]
        line = ", ".join(f"{lon} {lat}" for lon, lat in points)
        main = "yes" if told.get("main") else ""
        rows.append(f'{told["name"]},{"|".join(told.get("aliases", []))},{main},{low},{high},"LINESTRING ({line})"')
    ours = Gazetteer.load(written(tmp_path, "streets.csv", "\n".join(rows)), None, None)
    theirs = Gazetteer.load(DEMO / "streets.geojson", None, None)
    assert ours.lines() == theirs.lines()
    assert [(s.name, s.aliases, s.main) for s in ours.streets] == [(s.name, s.aliases, s.main) for s in theirs.streets]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"columns \(none\); for a street it may have name, aliases, main"),
        ("name,lat,lon\nElm,50,10\n", "from_lat, from_lon, to_lat, to_lon"),
        ("street,wkt\nElm,x\n", "has the columns street, wkt"),
        ("name,wkt\nElm,CIRCLE (1 2)\n", r"line 2: wkt begins with 'CIRCLE"),
        ('name,wkt\nElm,"LINESTRING (1 2, 3)"\n', "line 2"),
        ('name,wkt\nElm,"LINESTRING (1 2, 3 4"\n', "line 2"),
        ('name,wkt\n,"LINESTRING (1 2, 3 4)"\n', "line 2: 'name' is missing"),
        ("name,from_lat,from_lon,to_lat,to_lon\nElm,50,10,50,\n", "to_lon is '', no number"),
        ('name,wkt\nElm,"LINESTRING (551042 5538622, 551100 5538700)"\n', r"EPSG:4326"),
        ('name,from_number,to_number,wkt\nElm,a,b,"LINESTRING (1 2, 3 4)"\n', r"line 2 \(Elm\)"),
    ],
)
def test_a_bad_table_says_what_it_may_hold(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as told:
        Gazetteer.load(written(tmp_path, "streets.csv", text), None, None)
    assert "streets.csv" in str(told.value)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / "streets.csv"
    file.write_bytes("name,wkt\nPeña,x\n".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"streets\.csv is not in UTF-8"):
        Gazetteer.load(file, None, None)


def test_a_geojson_in_metres_is_refused(tmp_path: Path) -> None:
    line = {"type": "LineString", "coordinates": [[551042.0, 5538622.0], [551100.0, 5538700.0]]}
    feature = {"type": "Feature", "properties": {"name": "Elm"}, "geometry": line}
    file = written(tmp_path, "a.geojson", json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(ConfigError, match="export the file anew in WGS84"):
        Gazetteer.load(file, None, None)
