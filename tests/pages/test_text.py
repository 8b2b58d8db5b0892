"""Reasons marked in outside text: nothing is lost, words win over the place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.screen.rule_posts import marked
from connector.screen.text import pieces


def test_a_word_inside_the_place_stays_marked() -> None:
    cut = pieces("ice on Canal Walk, black ice up to Mill", ["ice", "black ice"], "Canal Walk, black ice up to Mill")
    assert cut == [
        ("ice", "word"),
        (" on ", ""),
        ("Canal Walk, ", "place"),
        ("black ice", "word"),
        (" up to Mill", "place"),
    ]


def test_words_meet_whole_tokens_in_any_case() -> None:
    assert [piece for piece in pieces("Nice ICE", ["ice"]) if piece[1]] == [("ICE", "word")]


def test_what_excludes_a_post_is_marked_apart_from_what_met_it() -> None:
    assert [piece for piece in marked("Golf pothole", ["pothole"], ["golf"]) if piece[1]] == [
        ("Golf", "against"),
        ("pothole", "word"),
    ]


@given(st.text(), st.lists(st.text(min_size=1), max_size=4), st.text())
def test_joined_again_the_pieces_are_the_text(text: str, words: list[str], place: str) -> None:
    assert "".join(piece for piece, _ in pieces(text, words, place)) == text
