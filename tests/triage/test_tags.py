"""Hashtags that are opened, and where spaces were put in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.triage.names import Named, Names
from connector.triage.tags import Tags

STREETS = [Named(name) for name in ("Elm Street", "Pine Street", "5th Avenue", "Lantern Hill Drive", "Andrade Lane")]
TAGS = Tags(Names(STREETS, []))


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("#5thAndPine", "#5th And Pine"),
        ("#5thandpine", "#5th and pine"),
        ("#elmypine rota", "#elm y pine rota"),
        ("a #ElmStFlooded b #LanternHill", "a #Elm St Flooded b #Lantern Hill"),
        ("#FixLanternHillDrive", "#Fix Lantern Hill Drive"),
        ("#andradeandelm", "#andrade and elm"),
        ("#PineMedia", "#PineMedia"),
        ("#PineFlooded", "#PineFlooded"),
        ("#ElmStreetMusic", "#ElmStreetMusic"),
        ("#andpine #pineand", "#andpine #pineand"),
        ("#Kowalski", "#Kowalski"),
        ("ElmAndPine", "ElmAndPine"),
    ],
)
def test_a_tag_is_opened_if_nothing_but_a_place_stands_in_it(text: str, opened: str) -> None:
    assert TAGS.opened(text)[0] == opened


@given(st.lists(st.sampled_from(["#5thAndPine", "#elmandpine", " ", "x", "é", "#", "#PineX", "🌲"]), max_size=12))
def test_only_the_spaces_told_were_put_in(parts: list[str]) -> None:
    text = "".join(parts)
    opened, put_in = TAGS.opened(text)
    assert "".join(letter for at, letter in enumerate(opened) if at not in put_in) == text
    assert all(opened[at] == " " for at in put_in)
