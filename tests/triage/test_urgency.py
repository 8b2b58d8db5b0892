"""Dangers told in ten languages are found, and what only sounds like one is not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from re import _constants as signs  # type: ignore[attr-defined]
from re import _parser as regex  # type: ignore[attr-defined]
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.config import OnCall
from connector.triage import urgency
from connector.triage.danger_words import NEEDED, PHRASES, SCRIPTS

FROZEN = Path(__file__).with_name("urgency.tsv")
"""Kind (`-`: none) and text, written before the code and not changed since: 61 urgent posts, 90 traps."""


def frozen() -> list[tuple[str, str]]:
    pairs = [line.split("\t") for line in FROZEN.read_text("utf-8").splitlines()]
    return [("" if kind == "-" else kind, text) for kind, text in pairs]


def kind(text: str) -> str:
    found = urgency.find(text)
    return found.kind if found else ""


def test_of_the_frozen_posts_nearly_all_dangers_are_found_and_nearly_no_trap() -> None:
    urgent = [(expected, text) for expected, text in frozen() if expected]
    traps = [text for expected, text in frozen() if not expected]
    assert (len(urgent), len(traps)) == (61, 90)
    missed = [text for expected, text in urgent if kind(text) != expected]
    alarms = [text for text in traps if kind(text)]
    assert len(missed) <= 2, missed
    assert len(alarms) <= 2, alarms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Hi! There is a GAS LEAK on Elm, please come", "GAS LEAK"),
        ("¡Ojo! Huele  a  gas en la esquina", "Huele  a  gas"),
        ("power lines down at 5th’s corner", "power lines down"),
        ("路口 井盖不见了 小心", "井盖不见"),
    ],
)
def test_the_words_that_say_it_are_those_of_the_text(text: str, words: str) -> None:
    found = urgency.find(text)
    assert found
    assert text[found.start : found.end] == words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("power line down", "wire"),
        ("no power line down here", ""),
        ("What if a power line down there hits a bus", ""),
        ("power line down last year", ""),
        ("power line down last year, and again right now", "wire"),
        ("RIP to the victims of the power line down in Ohio", ""),
        ("It is raining. If only it stopped. power line down", "wire"),
        ("lol there is a gas leak again on Elm", "gas"),
        ("lol a kid is trapped in the elevator", ""),
        ("a kid is trapped in the elevator", "hurt"),
        ("a kid is trapped in a flooded car", "water"),
        ("the band's car is on fire on the bridge", ""),
    ],
)
def test_what_is_negated_imagined_over_told_from_afar_or_in_jest_is_none(text: str, expected: str) -> None:
    assert kind(text) == expected


def test_the_gravest_of_two_dangers_is_told() -> None:
    assert kind("open manhole, and there is a gas leak") == "gas"


@given(st.text(max_size=300))
def test_any_text_is_read_and_its_words_stand_in_it(text: str) -> None:
    found = urgency.find(text)
    assert found is None or 0 <= found.start < found.end <= len(text)


def test_every_kind_says_whom_to_call() -> None:
    assert set(SCRIPTS) == set(PHRASES) == set(urgency.KINDS)
    says = OnCall()
    assert all(says.whom(kind) for kind in (*urgency.KINDS, ""))
    assert "gas" in says.whom("gas")
    assert OnCall(gas="Call 555").whom("gas") == "Call 555"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("there is a housefire on our block", "fire"),
        ("wildfires near the ridge", "fire"),
        ("they knocked down powerlines by the school", "wire"),
        ("plaque d'égout ouverte devant chez nous", "hole"),
        ("un homme inconscient sur le trottoir", "hurt"),
    ],
)
def test_words_written_as_one_and_words_with_accents_or_apostrophes_are_told(text: str, kind: str) -> None:
    found = urgency.find(text)
    assert found
    assert found.kind == kind


@pytest.mark.parametrize("kind", PHRASES)
def test_no_phrase_can_be_told_without_the_words_that_its_kind_needs(kind: str) -> None:
    assert [phrase for phrase in PHRASES[kind] if Wordings(kind).without_needed(phrase)] == []


def test_what_is_looked_for_first_is_the_end_of_a_phrase() -> None:
    phrases = [phrase for kind in PHRASES for phrase in PHRASES[kind]]
    endings = [urgency._LATE_OPENING.sub("", phrase) for phrase in phrases]
    assert all(phrase == end or phrase.endswith(f"~ {end}") for phrase, end in zip(phrases, endings, strict=True))
    assert phrases != endings


def test_a_phrase_without_the_words_that_its_kind_needs_is_noticed() -> None:
    assert Wordings("gas").without_needed("(?:smell|reek)ing~ gas") == []
    assert Wordings("gas").without_needed("(?:smell|reek)ing~ (?:gas|propane)") == [set()]
    assert Wordings("wire").without_needed("(?:power|phone) lines?") == [{"line"}, {"lines"}]


class Wordings:
    """All texts that an expression matches, as far as it matters which of a kind's words they hold.

    Walks the parsed expression with a set of (word begun, words held); what is let through is dropped at once.
    """

    def __init__(self, kind: str) -> None:
        lists = [
            (set(words.split()), [set(beside.split()) for beside in besides.split(",") if beside])
            for words, besides in NEEDED[kind].items()
        ]
        self.needed = lists
        self.known = set().union(*(words.union(*besides) for words, besides in lists))

    def without_needed(self, phrase: str) -> list[set[str]]:
        """What the texts hold that are not let through; empty: there is none."""
        begun = self._all(regex.parse(urgency._compiled(phrase)), {("", frozenset())})
        return sorted((set(held) for _, held in self._ended(begun)), key=sorted)

    def _all(self, items: Iterable[Any], states: set[tuple[str, frozenset[str]]]) -> set[tuple[str, frozenset[str]]]:
        for sign, value in items:
            states = self._one(sign, value, states)
        return states

    def _one(self, sign: Any, value: Any, states: set[tuple[str, frozenset[str]]]) -> set[tuple[str, frozenset[str]]]:
        if sign is signs.LITERAL:
            return self._lettered(states, chr(value))
        if sign is signs.IN and all(what is signs.LITERAL for what, _ in value):
            return set().union(*(self._lettered(states, chr(letter)) for _, letter in value))
        if sign is signs.IN:
            return self._ended(states) if value == [(signs.CATEGORY, signs.CATEGORY_SPACE)] else self._any(states)
        if sign is signs.SUBPATTERN:
            return self._all(value[3], states)
        if sign is signs.BRANCH:
            return set().union(*(self._all(branch, states) for branch in value[1]))
        if sign in (signs.MAX_REPEAT, signs.MIN_REPEAT):
            least, most, repeated = value
            for _ in range(least):
                states = self._all(repeated, states)
            more = self._all(repeated, states) if most > least else set()
            return states | more | (self._all(repeated, more) if most > least + 1 else set())
        assert sign in (signs.AT, signs.ASSERT, signs.ASSERT_NOT), sign
        return states

    def _lettered(self, states: set[tuple[str, frozenset[str]]], letter: str) -> set[tuple[str, frozenset[str]]]:
        if not letter.isalnum():
            return self._ended(states)
        return {(begun + letter, held) for begun, held in states}

    def _any(self, states: set[tuple[str, frozenset[str]]]) -> set[tuple[str, frozenset[str]]]:
        """Some letter, after which the word is none of those needed."""
        return {("…", held) for _, held in states}

    def _ended(self, states: set[tuple[str, frozenset[str]]]) -> set[tuple[str, frozenset[str]]]:
        ended = {held | ({begun} & self.known) for begun, held in states}
        return {("", held) for held in ended if not self._lets_through(held)}

    def _lets_through(self, held: frozenset[str]) -> bool:
        return any(
            not words.isdisjoint(held) and not any(beside.isdisjoint(held) for beside in besides)
            for words, besides in self.needed
        )
