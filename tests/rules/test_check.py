"""Everything doubtful about a rule at once, with its place; the caret; the given cases."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.rules import OPERATORS, caret, check

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).parents[3] / "shared"))
CASES = SHARED / "data" / "rules" / "x_rule_cases.jsonl"

LATER = {
    "v023": "min_likes:",
    "v024": "-is:nullcast",
    "v027": "sample:",
    "v032": "place_country:",
    "v040": "list:",
    "v048": "has:geo",
    "v049": "context:",
    "v050": "has:geo",
}
"""Valid rules of the given file whose operators come later, each with the operator it waits for."""


@pytest.mark.parametrize(
    ("rule", "places"),
    [
        ("pothole", []),
        ("-is:retweet pothole", []),
        ("(grumpy cat) OR (#meme has:images)", []),
        ('"X data" has:mentions (has:media OR has:links)', []),
        ("pothole (a -b)", []),
        ("pothole OR (leak -roof)", []),
        ("", [(0, 1, "")]),
        ("-apple", [(0, 6, "")]),
        ("-apple -has:links", [(0, 17, "")]),
        ("apple OR -ipad", [(9, 5, "")]),
        ("x (apple OR -ipad)", [(12, 5, "")]),
        ("apple OR (-a -b)", [(10, 5, "")]),
        ("has:media", [(0, 9, "")]),
        ("has:links OR is:retweet", [(0, 23, "")]),
        ("-apple has:links", [(0, 16, "")]),
        ("skiing -(snow OR day OR noschool)", [(7, 26, "-snow -day -noschool")]),
        ("skiing -(snow)", [(7, 7, "-snow")]),
        ("skiing -(-snow)", [(7, 8, "snow")]),
        ("skiing -(snow day)", [(7, 11, "")]),
        ("is:retwet pothole", [(0, 9, "is:retweet")]),
        ("a AND is:retwet -(b OR c)", [(2, 3, " "), (6, 9, "is:retweet"), (16, 9, "-b -c")]),
        ("-is:retwet", [(0, 10, ""), (1, 9, "is:retweet")]),
    ],
)
def test_problems_and_their_places(rule: str, places: list[tuple[int, int, str]]) -> None:
    assert [(found.position, found.length, found.suggestion) for found in check(rule)] == places


def test_length_depends_on_the_surface() -> None:
    rule = "x" * 1024
    assert check(rule) == []
    assert [(found.position, found.length) for found in check(rule + "x")] == [(1024, 1)]
    assert [(found.position, found.length) for found in check(rule, "search")] == [(512, 512)]
    assert check(rule + "x", "local") == []


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
def test_suggestions_are_valid_where_they_stand(operator) -> None:
    wrong = (
        f"pothole {operator.name[:-1]}x{operator.name[-1]}es" if operator.name.endswith(":") else "pothole is:retwet"
    )
    for problem in check(wrong):
        if problem.suggestion:
            end = problem.position + problem.length
            assert not check(wrong[: problem.position] + problem.suggestion + wrong[end:])


def _cases() -> list[dict]:
    if not CASES.exists():
        return []
    return [case for case in map(json.loads, CASES.read_text("utf-8").splitlines()) if case["check"] == "valid"]


@pytest.mark.skipif(not CASES.exists(), reason="the given rule cases are not beside this repository")
def test_given_cases_agree() -> None:
    disagree = {case["id"] for case in _cases() if (not check(case["rule"], case["surface"])) != case["expect"]}
    assert disagree == LATER.keys()
    assert len(_cases()) - len(disagree) >= 20


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=400) | st.text(alphabet="ab\"(): -OR#@\\'~[]", max_size=2000))
def test_garbage_never_crashes_and_is_never_slow(text: str) -> None:
    started = time.process_time()
    problems = check(text)
    assert time.process_time() - started < 1  # milliseconds unless something is quadratic
    for problem in problems:
        assert 0 <= problem.position <= len(text)
        assert problem.length >= 1
        above, below = caret(text, problem.position, problem.length).split("\n")
        assert below.strip("^ ") == ""
        assert "^" in below


@pytest.mark.parametrize("piece", ["(", '"', "a:[", "'a ", "-", "a:b ", "#", "(a OR ", "a:" + "b" * 50 + " ", '"\\'])
def test_repeated_pieces_are_not_slow(piece: str) -> None:
    text = piece * (9_000 // len(piece))
    started = time.process_time()
    check(text)
    assert time.process_time() - started < 1  # milliseconds unless something is quadratic


def test_caret_points_at_the_place() -> None:
    assert caret("pothole AND leak", 8, 3) == "pothole AND leak\n        ^^^"
    assert caret("道路 is:retwet", 3, 9) == "道路 is:retwet\n     ^^^^^^^^^"
    assert caret("(", 0, 1) == "(\n^"


def test_caret_shows_a_window_of_a_long_rule() -> None:
    rule = "a" * 200 + " is:retwet " + "b" * 200
    above, below = caret(rule, 201, 9).split("\n")
    assert len(above) == 70
    assert above[0] == above[-1] == "…"
    assert above[below.index("^") : below.index("^") + 9] == "is:retwet"


def test_caret_past_the_end_and_over_line_breaks() -> None:
    assert caret("", 0, 1) == "\n^"
    assert caret("a\nb (", 4, 1) == "a b (\n    ^"
    assert caret("a" * 300, 300, 1).splitlines()[1].endswith("^")
