"""A person who types a place finds it, unfinished, in a city of 20,000 streets too."""

from __future__ import annotations

import time

import pytest

from connector.config import DEMO
from connector.triage import Gazetteer
from connector.triage.gazetteer import Street
from connector.triage.geometry import Line


@pytest.fixture(scope="module")
def city() -> Gazetteer:
    return Gazetteer.load(DEMO / "streets.geojson", DEMO / "landmarks.geojson", DEMO / "districts.geojson")


@pytest.mark.parametrize(
    ("text", "first", "method"),
    [
        ("penh", "Penhallow Street", "street"),
        ("Penhallow St", "Penhallow Street", "street"),
        ("fifth", "5th Avenue", "street"),
        ("n cedar", "Cedar Avenue", "street"),
        ("marsh", "Evelyn Marsh Way", "street"),
        ("ingale", "Nightingale Lane", "street"),
        ("the cut", "Customs House Lane", "street"),
        ("5th & maple", "5th Avenue & Maple Street", "intersection"),
        ("maple and 5", "Maple Street & 5th Avenue", "intersection"),
        ("elm/9th", "Elm Street & 9th Avenue", "intersection"),
        ("1240 linden", "1240 Linden Street", "address"),
        ("1240 lind", "1240 Linden Street", "address"),
        ("99999 linden", "Linden Street", "street"),
        ("libr", "Central Library", "landmark"),
        ("orpheum", "Orpheum Theater", "landmark"),
        ("suds & bubbles", "Suds & Bubbles Laundromat", "landmark"),
    ],
)
def test_the_first_hit_is_what_is_meant(city: Gazetteer, text: str, first: str, method: str) -> None:
    found = city.search(text)
    assert (found[0].name, found[0].method) == (first, method)
    assert found[0].lat is not None
    assert found[0].sure == 1


@pytest.mark.parametrize("text", ["", "  ", "&", "qqqq", "5th & qqqq", "²"])
def test_what_is_not_there_is_not_found(city: Gazetteer, text: str) -> None:
    assert city.search(text) == []


def test_no_more_come_than_wanted_and_none_twice(city: Gazetteer) -> None:
    for text in ("st", "a", "avenue", "5th & m", "301 m"):
        names = [place.name for place in city.search(text, 3)]
        assert len(names) == 3
        assert len(set(names)) == 3


def test_streets_that_do_not_meet_are_no_crossing(city: Gazetteer) -> None:
    assert all(place.method != "intersection" for place in city.search("elm & pine"))


@pytest.mark.long
def test_search_is_fast_in_a_large_city() -> None:
    parts = ["bak", "lin", "mar", "wood", "ash", "hill", "ford", "ros", "cal", "stan"]
    names = [f"{a}{b}{c}{d} street".title() for a in parts for b in parts for c in parts for d in parts]
    names += [name.replace("Street", "Avenue") for name in names]
    lines = [Line([(10 + at / 1e5, 50.0), (10 + at / 1e5, 50.1)]) for at in range(len(names))]
    streets = [Street(name, (), False, [(line, (1, 99))]) for name, line in zip(names, lines, strict=True)]
    city = Gazetteer(streets, [], [])
    city.search("once, to make the index")
    for text in ("b", "marwood", "12 bak", "lin & ash", "oodash"):
        began = time.process_time()
        assert city.search(text) or "&" in text
        assert time.process_time() - began < 0.1, text
