"""The quick ways of folding and finding, against the table of single characters and a plain loop over it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.incoming import Incoming
from connector.rules import compile, tokens
from connector.rules.truth import Text

texts = st.text(max_size=40) | st.text(
    st.sampled_from(list("aA5 _#-ßéÉİ\u0301\u200d\ufe0f\xad…’道が🕳👍🏽\ud83d\0\x7f\u2028")), max_size=20
)


def of_single_characters(text: str, accents: bool) -> str:
    return "".join(tokens._FOLDINGS[accents][ord(char)] for char in text)


def spans(text: str, accents: bool) -> list[tuple[int, int]]:
    """Where each token stands, one character after the other."""
    found: list[tuple[int, int]] = []
    grows = False
    for at, char in enumerate(text):
        piece = tokens._FOLDINGS[accents][ord(char)]
        if not piece:  # an accent or a joiner belongs to what it follows
            if found and found[-1][1] == at:
                found[-1] = (found[-1][0], at + 1)
        elif piece == " ":
            grows = False
        elif grows and piece[0] != " ":
            found[-1] = (found[-1][0], at + 1)
        else:
            found.append((at, at + 1))
            grows = piece[0] != " "
    return found


@settings(max_examples=500, deadline=None)
@given(texts, st.booleans())
def test_folding_the_quick_way_equals_the_table(text: str, accents: bool) -> None:
    composed = tokens.composed(text)
    assert composed == unicodedata.normalize("NFC", text)
    assert tokens.folded(composed, accents) == of_single_characters(composed, accents)


@pytest.mark.parametrize("accents", [True, False])
def test_ascii_folds_as_the_table_says(accents: bool) -> None:
    every = "".join(map(chr, range(128)))
    assert tokens.folded(every, accents) == of_single_characters(every, accents)
    assert tokens.folded(f"{every}é", True)[:128] == tokens.folded(every, accents)


@settings(max_examples=500, deadline=None)
@given(texts, st.booleans(), st.integers(1, 3))
def test_places_and_spans_are_those_of_a_plain_loop(text: str, accents: bool, length: int) -> None:
    """Every run of up to three tokens is found wherever it stands, and its form is cut out exactly."""
    read = Text.of(text, accents)
    words, bounds = read.words, spans(read.text, accents)
    assert len(words) == len(bounds)
    for start in range(len(words) - length + 1):
        wanted = words[start : start + length]
        expected = [
            (bounds[at][0], bounds[at + length - 1][1])
            for at in range(len(words) - length + 1)
            if words[at : at + length] == wanted
        ]
        places = read.places([f" {word} " for word in wanted])
        assert [read.span(*place) for place in places] == expected


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ('"a a"', "A a A", ("A a", "a A")),
        ('"a b"', "a, -  B a", ("a, -  B",)),
        ("ok -(b c) a", "a b ok", ("a", "ok")),
        ("(a OR b OR #c) d", "D b #c", ("D", "b", "#c")),
        ('a "🕳 hole"', "a 🕳\ufe0f HOLE 🕳 hole", ("a", "🕳\ufe0f HOLE", "🕳 hole")),
        ("weiß a", "WEISS: ein a, weiß", ("WEISS", "a", "weiß")),
    ],
)
def test_forms_are_those_of_the_text(rule: str, text: str, expected: tuple[str, ...]) -> None:
    ((found,),) = compile([(1, 1, rule)]).match([Incoming("1", text, "en", b"{}")])
    assert found.words == expected


def test_rules_that_share_words_do_not_share_what_they_wrote() -> None:
    post = Incoming("1", "ask @PotHole", "en", b"{}")
    (found,) = compile([(1, 1, "pothole"), (2, 1, "POTHOLE"), (3, 1, '"pothole" ask')]).match([post])
    assert [one.words for one in found] == [("pothole",), ("POTHOLE",), ("ask", "pothole")]
