"""What counts as a word, point by point as `tokens.py` decides it; the quick ways of folding and finding, against the
table of single characters and a plain loop over it."""

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


@pytest.mark.parametrize(
    ("text", "with_accents", "folded"),
    [
        ("Huge #Pothole's edge_of 5th", "huge pothole s edge of 5th", None),
        ("DON’T don't", "don t don t", None),
        ("coca-cola\nand/or", "coca cola and or", None),
        ("NEW.PICS.FROM.COACHELLA2015!", "new pics from coachella2015", None),
        ("Año CAFÉ cafe\u0301", "año café café", "ano cafe cafe"),
        ("Straße STRASSE", "strasse strasse", None),
        ("☃️ and 👍🏽👨‍👩‍👧", "☃ and 👍 👨 👩 👧", None),
        ("この道路!", "こ の 道 路", None),
        ("도로에", "도 로 에", None),
        ("が か", "が か", None),
        ("गड्ढा है", "गड्ढा है", None),
        ("＃１２ ＡＢ", "１２ ａｂ", None),
        ("https://t.co/aB1?x=2", "https t co ab1 x 2", None),
        ("£5 $TWTR 50%", "5 twtr 50", None),
        ("soft\xadhyphen zero\u200bwidth", "softhyphen zero width", None),
    ],
)
def test_tokens_of_a_text(text: str, with_accents: str, folded: str | None) -> None:
    assert " ".join(tokens.split(text, accents=True)) == with_accents
    assert " ".join(tokens.split(text, accents=False)) == (folded or with_accents)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("buy $TWTR, $brk.a and $FB", ["TWTR", "brk.a", "FB"]),
        ("$GOOG$TWTR$FB", ["GOOG"]),
        ("$5 US$FB $TOOLONGX $ FB ($FB) $ab1", []),
        ("a $T", ["T"]),
    ],
)
def test_cashtags_of_a_text(text: str, tags: list[str]) -> None:
    found = tokens.cashtags_in(text)
    assert [tag for _, tag in found] == tags
    assert all(text[at] == "$" and text.startswith(tag, at + 1) for at, tag in found)


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
    words, bounds = read.folded.split(), spans(read.text, accents)
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
