"""Text → place, as a table of what residents write about an invented city, then measured on the demo's posts."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from connector.config import DEMO
from connector.triage import Gazetteer, names
from connector.triage.gazetteer import Street
from connector.triage.geometry import Line

EAST = ["Quarry Road", "Mason Street", "Pine Street", "Mill Street", "Birch Street", "Kowalski Lane", "Main Street"]
NORTH = ["5th Avenue", "12th Avenue", "Elm Street", "Cedar Avenue", "Camino Real", "Lantern Hill Drive"]
LANDMARKS = {
    "Central Library": ["the library"],
    "Founders Green": ["the Green"],
    "St. Agnes Hospital": [],
    "Elm Center": [],
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Gazetteer:
    """A grid: every street of EAST crosses every one of NORTH; house numbers 1–999 on all of them."""
    folder = tmp_path_factory.mktemp("city")
    lines = [(name, [[10, 50 + row / 100], [10.1, 50 + row / 100]]) for row, name in enumerate(EAST)]
    lines += [(name, [[10.01 + at / 100, 49.99], [10.01 + at / 100, 50.1]]) for at, name in enumerate(NORTH)]
    streets = [feature("LineString", line, name=name, aliases=[], numbers=[1, 999]) for name, line in lines]
    streets[10]["properties"]["aliases"] = ["N Cedar"]
    landmarks = [feature("Point", [10.05, 50.05], name=name, aliases=also) for name, also in LANDMARKS.items()]
    ring = [[9, 49], [11, 49], [11, 51], [9, 51], [9, 49]]
    return Gazetteer.load(
        written(folder / "streets.geojson", streets),
        written(folder / "landmarks.geojson", landmarks),
        written(folder / "districts.geojson", [feature("Polygon", [ring], name="Cedar")]),
    )


def feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def written(file: Path, features: list[dict[str, Any]]) -> Path:
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return file


FOUND = [
    # crossings
    ("Pothole at 5th and Main again", "5th Avenue & Main Street", "5th and Main"),
    ("Light is out, Mason/12th", "Mason Street & 12th Avenue", "Mason/12th"),
    ("light out at the corner of Elm and Quarry", "Elm Street & Quarry Road", "Elm and Quarry"),
    ("PINE & FIFTH, THE SIGNAL IS DEAD", "Pine Street & 5th Avenue", "PINE & FIFTH"),
    ("birch st. @ 12th ave floods", "Birch Street & 12th Avenue", "birch st. @ 12th ave"),
    ("Mill at Cedar: hydrant leaks", "Mill Street & Cedar Avenue", "Mill at Cedar"),
    ("where Kowalski meets 12th", "Kowalski Lane & 12th Avenue", "Kowalski meets 12th"),
    ("bache en la Pine con la quinta", "Pine Street & 5th Avenue", "Pine con la quinta"),
    ("fuga en la Mason esquina Elm", "Mason Street & Elm Street", "Mason esquina Elm"),
    ("#Mason & #5thAve is a lake", "Mason Street & 5th Avenue", "Mason & #5thAve"),
    ("5th &amp; Main is a lake", "5th Avenue & Main Street", "5th &amp; Main"),
    ("hole on Quarry (maybe 5th)", "Quarry Road & 5th Avenue", "Quarry (maybe 5th"),
    ("signal out again: elm and pine", "Elm Street & Pine Street", "elm and pine"),
    (
        "hole on Quarry since spring and nobody came for two whole weeks, then 5th Ave",
        "Quarry Road & 5th Avenue",
        "5th Ave",
    ),
    (
        "Quarry Rd since spring and nobody came for two whole weeks, then on 5th",
        "Quarry Road & 5th Avenue",
        "Quarry Rd",
    ),
    ("out: Elm at Mason and, way off, Birch", "Elm Street & Mason Street", "Elm at Mason"),
    (
        "tree down, Elm between Mason and Pine",
        "Elm Street between Mason Street & Pine Street",
        "Elm between Mason and Pine",
    ),
    # addresses
    ("trash still out at 214 Birch", "214 Birch Street", "214 Birch"),
    ("214 Birch St., second week", "214 Birch Street", "214 Birch St"),
    ("weeds at 27 Kowalski", "27 Kowalski Lane", "27 Kowalski"),
    ("600 block Mason is dark", "600 block Mason Street", "600 block Mason"),
    ("600 block of N Cedar is dark", "600 block Cedar Avenue", "600 block of N Cedar"),
    ("700 blk Mason, same thing", "700 block Mason Street", "700 blk Mason"),
    # landmarks
    ("They tagged the library. The LIBRARY.", "Central Library", "LIBRARY"),
    ("grafiti en la biblioteca", "Central Library", "biblioteca"),
    ("needles by Founders Green", "Founders Green", "Founders Green"),
    ("hole outside Central Library on Quarry Rd", "Central Library, Quarry Road", "Central Library on Quarry Rd"),
    ("wires down near St Agnes Hospital", "St. Agnes Hospital", "St Agnes Hospital"),
    ("Elm Ctr is dark", "Elm Center", "Elm Ctr"),
    # streets
    ("Quarry Rd is a mess", "Quarry Road", "Quarry Rd"),
    ("big hole on Quarry, watch out", "Quarry Road", "Quarry"),
    ("no sale agua en la calle Pine", "Pine Street", "calle Pine"),
    ("otro bache en avenida Cedar", "Cedar Avenue", "avenida Cedar"),
    ("llevan horas en la calle 12", "12th Avenue", "calle 12"),
    ("fifth ave is flooded", "5th Avenue", "fifth ave"),
    ("#QuarryRd again", "Quarry Road", "QuarryRd"),
    ("QuarryRd again", "Quarry Road", "QuarryRd"),
    ("leak again #Kowalski", "Kowalski Lane", "Kowalski"),
    ("hole on #Quarri today", "Quarry Road", "Quarri"),
    ("needles behind Kowalski", "Kowalski Lane", "Kowalski"),
    ("avda Mason inundada", "Mason Street", "avda Mason"),
    ("Kowlaski Lane has no water", "Kowalski Lane", "Kowlaski Lane"),
    ("no plow on Kowalsky", "Kowalski Lane", "Kowalsky"),
    ("lights out everywhere on Lantern Hill Drive", "Lantern Hill Drive", "Lantern Hill Drive"),
    ("semáforo dañado en Camino Real", "Camino Real", "Camino Real"),
    # hashtags of several words
    ("#5thAndMain is a skating rink", "5th Avenue & Main Street", "5thAndMain"),
    ("#elmandquarry again, signal dead", "Elm Street & Quarry Road", "elmandquarry"),
    ("another one #LanternHillDrivePothole", "Lantern Hill Drive", "LanternHillDrive"),
    ("#FixQuarryRoad already", "Quarry Road", "QuarryRoad"),
    ("hole: #ElmSt at #Quarry", "Elm Street & Quarry Road", "ElmSt at #Quarry"),
    # stretches
    (
        "Between Mason and Pine on Elm it is dark",
        "Elm Street between Mason Street & Pine Street",
        "Mason and Pine on Elm",
    ),
    ("Elm from Mason to Mill not plowed", "Elm Street between Mason Street & Mill Street", "Elm from Mason to Mill"),
    ("Elm St btwn Pine & Mill dark", "Elm Street between Pine Street & Mill Street", "Elm St btwn Pine & Mill"),
    (
        "bache en la Elm entre la Pine y la Mill",
        "Elm Street between Pine Street & Mill Street",
        "Elm entre la Pine y la Mill",
    ),
    # numbers
    ("the 1xx block of Mason", "100 block Mason Street", "1xx block of Mason"),
    ("600blk Mason dark again", "600 block Mason Street", "600blk Mason"),
    ("214-216 Birch, no pickup", "214 Birch Street", "214-216 Birch"),
    ("214B Birch, no pickup", "214 Birch Street", "214B Birch"),
    ("fuga en calle Pine 214", "214 Pine Street", "calle Pine 214"),
    ("couch outside Mason St #27", "27 Mason Street", "Mason St #27"),
    ("fuga en calle Pine no. 27", "27 Pine Street", "calle Pine no. 27"),
    ("couch dumped at 2140 Birch", "Birch Street", "Birch"),
    # directions
    ("tree down N Cedar", "Cedar Avenue", "N Cedar"),
    ("water main break 12th Ave N at Pine", "12th Avenue & Pine Street", "12th Ave N at Pine"),
    ("northbound Quarry pothole", "Quarry Road", "Quarry"),
    ("NE corner of Elm & Mill, pole down", "Elm Street & Mill Street", "Elm & Mill"),
    # misspelt, abbreviated
    ("Qarry Rd is all ice", "Quarry Road", "Qarry Rd"),
    ("Kowlaskie Lane is all ice", "Kowalski Lane", "Kowlaskie Lane"),
    ("Brich St is all ice", "Birch Street", "Brich St"),
    ("Masons St is all ice", "Mason Street", "Masons St"),
    ("pothole on kowalsky, all week", "Kowalski Lane", "kowalsky"),
    ("Camino Real Wy", "Camino Real", "Camino Real"),
    # landmarks
    ("sewage smell near the library", "Central Library", "library"),
    ("sidewalk broken across from the library", "Central Library", "library"),
    ("in front of Elm Center a hydrant leaks", "Elm Center", "Elm Center"),
    ("basura junto a la Biblioteca Central", "Central Library", "Biblioteca Central"),
    ("ratas en el Parque Founders Green", "Founders Green", "Founders Green"),
    # names alone
    ("Huge pothole. Kowalski. All week", "Kowalski Lane", "Kowalski"),
    ("the Birch pothole got me", "Birch Street", "Birch"),
    ("bache en la 12va", "12th Avenue", "12va"),
]


@pytest.mark.parametrize(("text", "name", "words"), FOUND)
def test_place_is_found(city: Gazetteer, text: str, name: str, words: str) -> None:
    place = city.find(text)
    assert place is not None
    assert (place.name, place.words) == (name, words)
    assert words in text
    assert 0 < place.sure <= 1


@pytest.mark.parametrize(
    "text",
    [
        "Pine-scented soap is back",
        "the alder and pine tree fell",
        "grew up in a mill town",
        "we milled about on main stage",
        "third street light on our block to die",
        "potholes everywhere, even on Pine",
        "on the 5th we moved",
        "meet me at 5th grade graduation",
        "my friend Mason says hi",
        "thanks @Mason you are the best",
        "read https://example.com/Quarry-Road/12th",
        "a library card would be nice",
        "LIBRARY is closed",
        "TREE DOWN ON PINE",
        "hole again, @Mason and Elm",
        "Elm collapsed",
        "Kowalski",
        "Elm collapsed and nobody came for a week or two, so did Pine",
        "the green line is late",
        "trouble in Cedar, the whole neighborhood is dark",
        "20 pine needles in my shoe",
        "Quarry workers on strike",
        "walking on main roads and near birches",
        "garbage was not picked up",
        # other cities
        "pothole on Elm Street in Chicago",
        "Mason Street, Seattle: pothole",
        "back in Springdale, on Elm St in Springdale, a pothole",
        "NYC 5th Avenue pothole",
        "Brooklyn's 5th Ave is dark",
        "pothole en la calle Pine en New York",
        # no part of a name is a name
        "near Old Kalyan Elm Center a pipe leaks",
        "we left the elm. Center court was dark",
        # any city has one
        "reading at the library all day",
        "my kid loves the library",
        # a slip that only the street's own suffix could make likely
        "there is a hole on Masons way home",
        # dates, ranks, numbers
        "the crew came on 11th and 12th March, pothole still there",
        "pothole outside, 5th. Fix it",
        "at 12th hour they fixed the hole",
        "728 pine cones on my lawn",
        "Fifth pothole this week",
        "#MainStreetMedia never covers potholes",
        "#PineFlood is a band",
        "",
        "🌮🌮🌮 … ¿?",
    ],
)
def test_no_place_is_invented(city: Gazetteer, text: str) -> None:
    assert city.find(text) is None


def test_best_evidence_wins(city: Gazetteer) -> None:
    def method(text: str) -> str:
        place = city.find(text)
        return place.method if place else ""

    assert method("fire at 214 Birch St, near Elm and Main, by the library") == "address"
    assert method("fire near Elm and Main, by the library on Quarry Rd") == "intersection"
    assert method("fire by the library on Quarry Rd") == "landmark"
    assert method("fire on Quarry Rd") == "street"


@pytest.mark.parametrize(
    ("answer", "name"),
    [
        ("the library", "Central Library"),
        ("by the library", "Central Library"),
        ("Kowalski", "Kowalski Lane"),
        ("on Pine", "Pine Street"),
        ("on 5th", "5th Avenue"),
        ("Elm and Mill", "Elm Street & Mill Street"),
    ],
)
def test_an_answer_need_not_tell_the_trouble_again(city: Gazetteer, answer: str, name: str) -> None:
    place = city.find(answer, asked=True)
    assert place is not None
    assert place.name == name
    assert "and" in answer or city.find(answer) is None or "on " in answer


@pytest.mark.parametrize("answer", ["no idea", "library card?", "the 5th of March", "Elm Street in Chicago", "mill"])
def test_an_answer_may_name_no_place_either(city: Gazetteer, answer: str) -> None:
    assert city.find(answer, asked=True) is None


def test_a_landmark_of_any_city_loses_to_a_street_in_full(city: Gazetteer) -> None:
    place = city.find("by the library they said no, so I say it here and to all of you: pothole on Quarry Road")
    assert place is not None
    assert place.name == "Quarry Road"


def test_two_sentences_about_two_streets_tell_of_no_crossing(city: Gazetteer) -> None:
    place = city.find("Quarry Rd got its hole fixed last week and we all cheered. Now do 5th Ave")
    assert place is not None
    assert place.method == "street"


def test_our_own_city_is_no_other_one() -> None:
    line = Line([(10.0, 50.0), (10.0, 50.1)])
    streets = [Street("Elm Street", (), False, [(line, None)])]
    text = "pothole on Elm Street in Springdale"
    assert Gazetteer(streets, [], [], "Springdale").find(text)
    assert not Gazetteer(streets, [], [], "Port Alder").find(text)


def test_a_place_names_its_streets_and_its_landmark(city: Gazetteer) -> None:
    between = city.find("Elm between Mason and Pine is dark")
    library = city.find("hole outside Central Library on Quarry Rd")
    assert between is not None
    assert library is not None
    assert (between.streets, between.landmark) == (("Elm Street", "Mason Street", "Pine Street"), "")
    assert (library.streets, library.landmark) == (("Quarry Road",), "Central Library")


def test_a_number_that_the_street_does_not_have_is_no_address(city: Gazetteer) -> None:
    place = city.find("5000 Birch Street")
    assert place is not None
    assert (place.name, place.method) == ("Birch Street", "street")


def test_the_point_is_where_the_words_say(city: Gazetteer) -> None:
    place = city.find("Pothole at 5th and Pine")
    assert place is not None
    assert (place.lat, place.lon, place.district) == (pytest.approx(50.02), pytest.approx(10.01), "Cedar")


def test_a_full_crossing_is_surer_than_a_bare_name(city: Gazetteer) -> None:
    crossing, full, bare = (city.find(text) for text in ("5th Ave & Main St", "Quarry Road", "hole on Quarry"))
    assert crossing is not None
    assert full is not None
    assert bare is not None
    assert crossing.sure > full.sure > bare.sure


def test_words_stay_exact_after_emoji_and_accents(city: Gazetteer) -> None:
    text = "👩‍👩‍👧 İSTANBUL’da değil — está roto el semáforo, Mason’s end of Quarry Rd"
    place = city.find(text)
    assert place is not None
    assert place.words == "Quarry Rd"


def test_an_accent_may_be_a_character_of_its_own(city: Gazetteer) -> None:
    text = unicodedata.normalize("NFD", "semáforo dañado en Camíno Real")
    place = city.find(text)
    assert place is not None
    assert place.words == unicodedata.normalize("NFD", "Camíno Real")


@pytest.mark.parametrize("text", ["calle ² Mason", "²14 Birch", "block ²"])
def test_a_raised_digit_is_no_number(city: Gazetteer, text: str) -> None:
    place = city.find(text)
    assert place is None or place.method == "street"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("see https://x.com/Elm_Street, hole on Quarry", "Quarry"),
        ("://a://Quarry Quarry Rd", "Quarry Rd"),
        ("link:// 'Quarry Rd'", "Quarry Rd"),
        ("hole on _Quarry_ and it grows", "Quarry"),
        ("hole on 'Quarry_Rd'", "Quarry_Rd"),
        ("Mason Mason’s Mason St. 🌮 Mason St.", "Mason St"),
    ],
)
def test_words_are_cut_where_they_stand(city: Gazetteer, text: str, words: str) -> None:
    place = city.find(text)
    assert place is not None
    assert place.words == words
    assert words in text


def test_a_flood_of_new_words_is_forgotten(city: Gazetteer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_MOST_WORDS", 3)
    for number in range(50):
        place = city.find(f"hole a{number} b{number} c{number} on Quarry Rd")
        assert place is not None
        assert place.name == "Quarry Road"


SHORT = {"St": "Street", "Ave": "Avenue", "Rd": "Road", "Blvd": "Boulevard", "Dr": "Drive", "Ln": "Lane", "Ct": "Court"}


def named(place: str) -> set[str]:
    """The streets and landmarks of a place's name, without numbers, in full."""
    parts = re.split(r" & (?!Bubbles)|, | between ", re.sub(r"^\d+ (block (of )?)?", "", place))
    return {" ".join(SHORT.get(word, word) for word in part.split()) for part in parts}


def test_demo_posts_are_placed() -> None:
    """At least .8 of the placed posts share a street or landmark with the truth; replies that name none count too.

    A post whose author's place is not in the truth may still name one ("the drain on Mason is fixed"), so the share of
    those with a place is bounded, not zero.
    """
    city = Gazetteer.load(DEMO / "streets.geojson", DEMO / "landmarks.geojson", DEMO / "districts.geojson")
    posts = [json.loads(line) for line in (DEMO / "posts.jsonl").read_text(encoding="utf-8").splitlines()]
    found = [(post.get("place"), city.find(post["text"])) for post in posts]
    agree = [bool(place and named(place.name) & named(truth)) for truth, place in found if truth]
    said = [place is not None for truth, place in found if not truth]
    assert sum(agree) / len(agree) >= 0.8
    assert sum(said) / len(said) <= 0.05
