"""The figures of the place reading: counted right, from the shipped posts and from made ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector import place_figures
from connector.__main__ import app
from connector.config import DEMO
from connector.errors import ConfigError
from connector.triage import Gazetteer


@pytest.fixture(scope="module")
def city() -> Gazetteer:
    files = (DEMO / f"{name}.geojson" for name in ("streets", "landmarks", "districts"))
    return Gazetteer.load(*files, "Port Alder")


def written(file: Path, *posts: dict[str, Any]) -> Path:
    file.write_text("".join(json.dumps(post) + "\n" for post in posts), encoding="utf-8")
    return file


CROSSING = {"id": "a", "text": "hole at Elm and 9th", "streets": ["9th Avenue", "Elm Street"], "method": "intersection"}
LIBRARY = {"id": "b", "text": "leak by the library on Elm", "landmark": "Central Library", "method": "landmark"}
LATER = {"id": "c", "text": "leak!", "replies": ["hm", "1240 Linden St"], "streets": ["Linden Street"], "number": 1240}
WRONG = {"id": "d", "text": "hole on Quarry Rd", "streets": ["Mill Street"], "method": "street"}
MISSED = {"id": "e", "text": "hole", "streets": ["Mill Street"], "method": "street"}
INVENTED = {"id": "f", "text": "hole on Quarry Rd", "streets": [], "landmark": "", "method": "none"}
NOWHERE = {"id": "g", "text": "hole", "streets": [], "landmark": "", "method": "none"}


def test_precision_is_of_what_was_found_and_recall_of_what_was_there(city: Gazetteer, tmp_path: Path) -> None:
    posts = (CROSSING, LIBRARY, LATER, WRONG, MISSED, INVENTED, NOWHERE)
    figures = place_figures.measure(city, written(tmp_path / "a.jsonl", *posts))
    assert (figures.precision, figures.recall, figures.f1) == (3 / 5, 3 / 5, pytest.approx(3 / 5))
    assert (figures.wrong, figures.missed) == (["d", "f"], ["e"])
    assert figures.kinds["none"] == place_figures.Tally(posts=2, found=1, right=0)
    assert figures.sure == place_figures.Tally(posts=2, found=2, right=2), "the crossing and the address"


@pytest.mark.parametrize("streets", [["Elm Street"], ["Elm Street", "9th Avenue", "8th Avenue"], ["9th Avenue"]])
def test_the_set_of_streets_must_be_the_same(city: Gazetteer, tmp_path: Path, streets: list[str]) -> None:
    figures = place_figures.measure(city, written(tmp_path / "a.jsonl", CROSSING | {"streets": streets}))
    assert figures.wrong == ["a"]


def test_every_place_on_a_tweet_is_false_and_reports_are_not_looked_at(city: Gazetteer, tmp_path: Path) -> None:
    tweets = written(
        tmp_path / "t.jsonl",
        {"id": "1", "kind": "tweet", "text": "walking on Quarry Rd"},
        {"id": "2", "kind": "tweet", "text": "lunch"},
        {"id": "3", "kind": "report", "text": "hole on Quarry Rd"},
    )
    figures = place_figures.measure(city, written(tmp_path / "a.jsonl", CROSSING), tweets)
    assert (figures.tweets, figures.false) == (2, ["1 (street)"])


def test_texts_are_never_told(city: Gazetteer, tmp_path: Path) -> None:
    figures = place_figures.measure(city, written(tmp_path / "a.jsonl", WRONG, MISSED))
    assert not any("hole" in line for line in place_figures.lines(figures))


@pytest.mark.parametrize("text", ["{", '{"text": 1}'])
def test_a_bad_line_is_named(city: Gazetteer, tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a\.jsonl:1: "):
        place_figures.measure(city, file)
    with pytest.raises(ConfigError, match="cannot be read"):
        place_figures.measure(city, tmp_path / "none.jsonl")


def test_the_shipped_posts_are_read_as_well_as_we_say() -> None:
    answer = CliRunner().invoke(app, ["figures", "places", "--json"])
    figures = json.loads(answer.stdout)
    assert answer.exit_code == 0
    assert figures["f1"] >= 0.85
    assert figures["sure"]["right"] / figures["sure"]["found"] >= 0.9
    assert sum(kind["posts"] for kind in figures["kinds"].values()) == 200
    assert "precision" in CliRunner().invoke(app, ["figures", "places"]).stdout
