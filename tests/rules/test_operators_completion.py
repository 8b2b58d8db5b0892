"""What is offered while a rule is typed."""

from __future__ import annotations

import pytest

from connector.rules import OPERATORS, check, completions
from connector.rules.complete import MOST, begun

FR = ["from:", "from_affiliate_of:", "following_count:"]  # the last one by its alias friends_count:


def offered(text: str, cursor: int | None = None, surface: str = "stream") -> list[str]:
    return [one.insert for one in completions(text, len(text) if cursor is None else cursor, surface)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pothole fr", FR),
        ("pothole -fr", FR),
        ("(has:im", ["has:images"]),
        ("HAS:IM", ["has:images"]),
        ("is:n", ["-is:nullcast"]),
        ("-is:n", ["is:nullcast"]),
        ("x sam", ["sample:"]),
        ("x -sam", []),
        ("x min_l", []),
        ("x lang:", ["lang:en", "lang:es"]),
        ("x lang:e", ["lang:en", "lang:es"]),
        ("x lang:en", []),
        ("place_country:m", ["place_country:MX"]),
        ("user_b", ["bio:", "bio_location:"]),
        ('"fr', []),
        ('"fr"', []),
        ("pothole ", []),
        ("", []),
        ("#fr", []),
        ("zzz", []),
    ],
)
def test_what_is_offered(text: str, expected: list[str]) -> None:
    assert offered(text) == expected


def test_only_what_stands_before_the_cursor_counts() -> None:
    assert offered("frog pothole", 2) == FR
    assert offered("a frog", -5) == []
    assert offered("a fr", 99) == FR
    assert begun("a OR (fr", 8) == 6
    assert begun("a ", 2) == 2


def test_each_surface_offers_its_own() -> None:
    assert offered("min_l", surface="search") == ["min_likes:"]
    assert offered("bio", surface="search") == []


def test_every_operator_with_a_name_is_offered_with_its_help() -> None:
    for operator in OPERATORS:
        if ":" in operator.name:
            surface = operator.surfaces[0]
            found = completions(operator.name[:-1], len(operator.name) - 1, surface)
            mine = [one for one in found if one.operator == operator.name]
            assert [one.help for one in mine] == [operator.help]
            assert mine[0].insert.removeprefix("-") == operator.name


def test_never_more_than_fit_on_a_page() -> None:
    assert len(completions("h", 1)) <= MOST
    assert not check(f"pothole {offered('has:')[0]}")
