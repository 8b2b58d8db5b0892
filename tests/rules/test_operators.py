"""Every row of the table has a post that it meets and one that it does not."""

from __future__ import annotations

import pytest

from connector.incoming import Detail, Incoming, Kind, Media, Person
from connector.rules import OPERATORS, Operator, canonical, check, compile, parse
from connector.rules.tree import CONJUNCTION, STANDALONE, And, Not, operator_of


def a_post(text: str = "pothole", lang: str = "en", **detail: object) -> Incoming:
    return Incoming("1", text, lang, b"", Detail(**detail))  # type: ignore[arg-type]


ROWS: dict[str, tuple[str, Incoming, Incoming]] = {
    "keyword": ("pothole", a_post("a Pothole"), a_post("potholes")),
    "phrase": ('"street light"', a_post("the street light"), a_post("light street")),
    "#": ("#pothole", a_post(hashtags=["Pothole"]), a_post(hashtags=["potholes"])),
    "@": ("@cityhall", a_post(mentioned=["CityHall"]), a_post("cityhall")),
    "from:": ("from:cityhall", a_post(author=Person("CityHall")), a_post(author=Person("resident"))),
    "lang:": ("pothole lang:es", a_post(lang="es"), a_post(lang="en")),
    "is:retweet": ("pothole is:retweet", a_post(kind=Kind.REPOST), a_post(kind=Kind.QUOTE)),
    "is:reply": ("pothole is:reply", a_post(kind=Kind.REPLY), a_post()),
    "is:quote": ("pothole is:quote", a_post(kind=Kind.QUOTE), a_post(kind=Kind.REPOST)),
    "has:links": ("pothole has:links", a_post(urls=["https://example.com"]), a_post("pothole example")),
    "has:media": ("pothole has:media", a_post(media=[Media("video")]), a_post()),
    "has:images": ("pothole has:images", a_post(media=[Media("photo")]), a_post(media=[Media("video")])),
    "has:hashtags": ("pothole has:hashtags", a_post("#pothole"), a_post("pothole", quoted_text="#pothole")),
    "has:mentions": ("pothole has:mentions", a_post(mentioned=["a"]), a_post("pothole @")),
}


def test_every_operator_has_its_row() -> None:
    assert ROWS.keys() == {operator.name for operator in OPERATORS}
    assert len(OPERATORS) == len(ROWS)


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_operator_meets_and_spares(operator: Operator) -> None:
    rule, met, spared = ROWS[operator.name]
    rules = compile([(1, 1, rule)])
    assert [len(found) for found in rules.match([met, spared])] == [1, 0]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_excluding_turns_it_round(operator: Operator) -> None:
    rule, met, spared = ROWS[operator.name]
    last = rule.split(" ", 1)[-1] if " " in rule and '"' not in rule else rule
    rules = compile([(1, 1, f"-{last}")])
    assert [len(found) for found in rules.match([met, spared])] == [0, 1]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_rows_say_what_is_true(operator: Operator) -> None:
    assert operator.help
    assert check(operator.example) == []
    assert canonical(operator.example) == operator.example
    tree = parse(operator.example)
    leaves = [part.child if isinstance(part, Not) else part for part in getattr(tree, "children", (tree,))]
    assert not any(isinstance(leaf, And) for leaf in leaves)
    assert operator in [operator_of(leaf) for leaf in leaves]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_kind_decides_whether_it_may_stand_alone(operator: Operator) -> None:
    rule, _, _ = ROWS[operator.name]
    alone = rule.removeprefix("pothole ") if operator.kind == CONJUNCTION else rule
    assert operator.kind in (STANDALONE, CONJUNCTION)
    assert bool(check(alone)) is (operator.kind == CONJUNCTION)
