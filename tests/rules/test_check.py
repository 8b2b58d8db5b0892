"""Everything doubtful about a rule at once, with its place; the caret."""

from __future__ import annotations

import pytest

from connector.rules import OPERATORS, caret, check
from connector.rules.parser import read


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
        ("cat OR has:media", [(7, 9, "")]),
        ("(cat OR has:media) dog", []),
        ("(cat OR has:media) lang:en", [(8, 9, "")]),
        ("(has:media OR is:reply) lang:en -dog", [(1, 35, "")]),
        ("source:web", [(0, 10, "")]),
        ("followers_count:5 -cat", [(0, 22, "")]),
        ("cat -sample:10", [(4, 10, "sample:10")]),
        ("cat sample:10", []),
        ("(cat OR dog) sample:10", []),
        ("cat OR dog sample:10", [(11, 9, "")]),
        ("cat sample:10 sample:20", [(14, 9, "")]),
        ("cat -embedding:dog", [(4, 14, "embedding:dog")]),
        ("cat is:nullcast", [(4, 11, "-is:nullcast")]),
        ("cat -is:nullcast", []),
        ("cat min_likes:3", [(4, 11, "")]),
        ("cat -list:3", [(5, 6, "")]),
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
def test_suggestions_can_be_read_where_they_stand(operator) -> None:
    name, _, value = operator.name.partition(":")
    wrong = f"pothole {name[:-1]}x{name[-1]}:{value or 'es'}" if ":" in operator.name else "pothole is:retwet"
    problems = check(wrong)
    assert problems
    for problem in problems:
        if problem.suggestion:
            end = problem.position + problem.length
            assert not read(wrong[: problem.position] + problem.suggestion + wrong[end:])[1]


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
