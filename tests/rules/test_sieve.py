"""The sieve keeps every line that can meet a rule, whatever hides the word; and passes ordinary ones over."""

from __future__ import annotations

import itertools
import json
import re
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.rules import compile, sieve, tokens
from connector.sources.x.payload import decode

pytestmark = pytest.mark.skipif(not sieve.available(), reason="hyperscan has no wheel for this platform")


def a_line(text: str, escaped: bool = False) -> bytes:
    return json.dumps({"data": {"id": "1", "text": text, "lang": "en"}}, ensure_ascii=escaped).encode()


def kept(anchors: list[str], *lines: bytes, accents: bool = True) -> list[int]:
    return list(sieve.Sieve([(anchor, frozenset()) for anchor in anchors], accents).kept(lines))


def characters() -> list[str]:
    return [char for char in map(chr, range(128, sys.maxunicode)) if unicodedata.category(char) not in ("Cs", "Cn")]


def test_lines_with_an_anchor_as_a_whole_word_are_kept() -> None:
    lines = [a_line(text) for text in ("a Pothole here", "potholes", "#pothole", "no", "POTHOLE", "on\npothole", "")]
    assert kept(["pothole"], *lines) == [0, 2, 4, 5]


def test_a_word_that_needs_company_is_kept_only_in_company() -> None:
    made = sieve.Sieve(
        [("tree", frozenset({"down", "fallen"})), ("bush", frozenset()), ("tree", frozenset({"on"}))], True
    )
    lines = [a_line(text) for text in ("a tree", "tree down", "fallen", "a bush", "on a tree", "m\u00e1s fallen tree")]
    assert list(made.kept(lines)) == [1, 3, 4, 5]
    beyond = sieve.Sieve([("tree", frozenset({"down", "caído"}))], accents=True)
    assert list(beyond.kept(lines[:1])) == [0]


def test_lines_are_told_apart_at_their_ends() -> None:
    lines = [b"x", b"tree", b"", b"tree", b"a tree", b"y"]
    assert kept(["tree"], *lines) == [1, 3, 4]
    assert kept(["tree"], *[line + b"\n" for line in lines]) == [1, 3, 4]


def test_escapes_and_entities_that_may_hide_a_letter_are_kept() -> None:
    lines = [b'{"text":"p\\u006fthole"}', b"po&shy;thole", b"&#112;othole", b"caf&eacute;", b"R&amp;D", b"a &lt; b"]
    assert kept(["pothole"], *lines) == [0, 1, 2, 3]


def test_an_anchor_with_accents_is_found_by_its_ascii_part_or_by_any_sign_beyond_ascii() -> None:
    lines = [a_line(text) for text in ("el CAMIÓN", "el camio\u0301n", "cama", "un año", "a dog")]
    assert kept(["camión"], *lines) == [0, 1]
    assert kept(["año"], *lines) == [0, 1, 3]


@pytest.mark.parametrize("accents", [True, False])
def test_no_character_hides_a_word(accents: bool) -> None:
    """Every character, inside the word and in the place of one of its letters."""
    chars = characters()
    hiding = [char for char in chars if tokens.split(f"tr{char}ee", accents) == ["tree"]]
    standing = [
        (folded, char)
        for char in chars
        if re.search("[a-z0-9]", folded := "".join(tokens.split(char, accents))) and folded.isascii()
    ]
    assert len(hiding) > 100
    assert len(standing) > 10
    lines = [a_line(f"a tr{char}ee") for char in hiding]
    assert kept(["tree"], *lines, accents=accents) == list(range(len(lines)))
    lines = [a_line(f"a x{char}y") for _, char in standing]
    assert kept([f"x{folded}y" for folded, _ in standing], *lines, accents=accents) == list(range(len(lines)))


WORDS = ["tree", "fallen", "bache", "camión", "straße", "🌳", "道路", "ñandú", "x1"]
SIGNS = st.sampled_from([*" \n\t.,'\"\\/#@&_-’…", "\u00ad", "\u200d", "\ufe0f", "é", "ß", "\u0301", "&amp;", "n", "t"])


@given(
    st.lists(st.lists(st.sampled_from(WORDS) | SIGNS | st.characters(codec="utf-8"), max_size=8), max_size=6),
    st.lists(st.sampled_from(WORDS), max_size=2),
    st.sampled_from(["stream", "local"]),
    st.booleans(),
)
def test_what_matches_is_kept(texts: list[list[str]], chosen: list[str], surface: str, escaped: bool) -> None:
    pairs = [f'"{one}" "{other}"' for one, other in itertools.combinations(WORDS, 2)]
    texts_of_rules = [*(f'"{word}"' for word in chosen), *pairs, '"bache tree" OR ("x1 fallen" -tree)']
    rules = compile([(at, 1, text) for at, text in enumerate(texts_of_rules)])
    lines = [a_line("".join(parts) or "-", escaped) for parts in texts]
    met = [at for at, line in enumerate(lines) if any(rules.match(decode(line), surface))]
    survivors = rules.survivors(lines, surface)
    assert set(met) <= set(survivors)
    rules = compile([(at, 1, text) for at, text in enumerate(texts_of_rules)])
    of_block = rules.survivors_of(b"".join(line + b"\n" for line in lines), len(lines), surface)
    assert of_block == [lines[at] for at in survivors]


def test_a_rule_without_words_keeps_every_line() -> None:
    assert compile([(1, 1, "from:cityhall"), (2, 1, "tree")]).survivors([b"a", b"b"], "stream") == range(2)


def test_it_gives_up_where_nearly_every_line_is_kept() -> None:
    made = sieve.Sieve([("tree", frozenset())], accents=True)
    lines = [a_line("a tree")] * 900 + [a_line("a bush")] * 100
    assert list(made.kept(lines)) == list(range(900))
    assert made.kept_of(b"a tree\n", 1) is None
    assert made.kept(lines) == range(1000)
