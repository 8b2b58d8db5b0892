"""What a text says about where: which of the city's names stand in it, and what speaks for them.

`Reader.read` looks at every stored post, so a text without a name costs no more than cutting it and a look-up a word
(`Names.starts`). Only then are names matched and weighed (`mentions.py`), paired and ranked: address, intersection,
landmark, street. `gazetteer.py` hands in what only geometry knows and turns the `Reading` into a point; `names.py`
folds words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from connector.triage.mentions import Mention, find_mentions, is_idle
from connector.triage.names import SUFFIXES, Named, Names, words_of
from connector.triage.text import Text, cut, spaced
from connector.triage.vocabulary import FILLERS, JOINTS, LOOSE, VAGUE

Method = Literal["address", "intersection", "landmark", "street", "geotag"]

_SIGNS = frozenset(["&", "&amp;", "/", "@", "+", "&amp"])
_EVERYWHERE = re.compile(
    r"\b(?:everywhere|city ?wide|all over (?:town|the city|the place)|the whole (?:city|town)|toda la ciudad"
    r"|(?:en|por) todas partes|en todos lados)\b",
    re.IGNORECASE,
)
_JOINING = JOINTS | FILLERS
_TELLING = JOINTS | LOOSE | frozenset(["amp"])
"""Without one of these, words between two names tell of no crossing."""
_SENTENCE_END = re.compile(r"[.!?…](?=\s)|\n")
_CLOSE = 8
"""Words between two names that still belong together."""
_APART = 0.6
"""How surely two streets cross that meet and are named in one text, each sure by itself."""


class Reading(NamedTuple):
    """The strongest evidence of a text: positions in the lists of streets and landmarks, and the words."""

    method: Method
    streets: tuple[int, ...]
    """One street, two that meet, or three: the first between the two others."""
    landmark: int | None
    number: int | None
    block: bool
    words: str
    sure: float


class Reader:
    """Reads places out of texts; `meet` and `has_number` are asked with positions in `streets`."""

    def __init__(
        self,
        streets: Sequence[Named],
        landmarks: Sequence[Named],
        districts: Iterable[str],
        meet: Callable[[int, int], bool],
        has_number: Callable[[int, int], bool],
    ) -> None:
        self._names = Names(streets, landmarks)
        self._main = [street.main for street in streets]
        self._districts = frozenset(" ".join(words_of(name)) for name in districts)
        self._meet, self._has_number = meet, has_number

    def read(self, text: str) -> Reading | None:
        """The best place that the text names, or None."""
        folded = spaced(text)
        words = cut(folded)
        starts = self._names.starts(words)
        if not starts:
            return None
        tokens = Text(text, folded, words)
        if len(starts) == 1 and is_idle(tokens, starts[0][0], self._names):
            return None
        mentions = find_mentions(tokens, starts, self._names, self._districts)
        if not mentions:
            return None
        reading = (
            self._address(tokens, mentions)
            or (self._intersection(tokens, mentions) if len(mentions) > 1 else None)
            or self._landmark(tokens, mentions)
            or self._street(tokens, mentions)
        )
        if reading and reading.sure < 0.8 and not VAGUE.isdisjoint(words) and _EVERYWHERE.search(text):
            return None
        return reading

    def _one(self, mention: Mention) -> int | None:
        """The street that a mention means by itself: the only one, or the only main one of several."""
        if len(mention.streets) == 1:
            return mention.streets[0]
        main = [street for street in mention.streets if self._main[street]]
        return main[0] if len(main) == 1 else None

    def _address(self, text: Text, mentions: list[Mention]) -> Reading | None:
        for m in mentions:
            if m.house is None:
                continue
            number, block, at = m.house
            for street in m.streets:
                if self._has_number(street, number) or (block and self._has_number(street, number + 50)):
                    sure = 0.95 if m.full else 0.85
                    return Reading("address", (street,), None, number, block, text.span(at, m.last), sure)
        return None

    def _intersection(self, text: Text, mentions: list[Mention]) -> Reading | None:
        streets = [m for m in mentions if m.streets]
        best: tuple[float, int, int, tuple[int, int]] | None = None
        for (at, a), (to, b) in combinations(enumerate(streets), 2):
            apart = _APART if a.sure >= 0.5 and b.sure >= 0.5 else 0.0
            close = b.first - a.last <= _CLOSE
            pair = self._meeting(a, b) if close or apart else None
            if pair:
                sure = _joined(text, a, b, to - at == 1, apart) if close else apart
                if sure and (best is None or sure > best[0]):
                    best = (sure, at, to, pair)
        if best is None:
            return None
        sure, at, to, pair = best
        a, b = streets[at], streets[to]
        third = self._between(text, streets, at, to, pair)
        if third is not None:
            words = text.span(a.first, streets[to + 1].last)
            return Reading("intersection", (*pair, third), None, None, False, words, sure)
        if b.first - a.last <= _CLOSE:
            words = text.span(a.first, b.last)
        else:
            surer = a if a.sure >= b.sure else b
            words = text.span(surer.first, surer.last)
        return Reading("intersection", pair, None, None, False, words, sure)

    def _meeting(self, a: Mention, b: Mention) -> tuple[int, int] | None:
        """The first two streets that the names may mean and that do meet."""
        for x in a.streets:
            for y in b.streets:
                if x != y and self._meet(x, y):
                    return x, y
        return None

    def _between(self, text: Text, streets: list[Mention], at: int, to: int, pair: tuple[int, int]) -> int | None:
        """The third street of "X between Y and Z"."""
        a, b = streets[at], streets[to]
        if to + 1 >= len(streets) or not {"between", "entre"} & set(text.norms(a.last, b.first)):
            return None
        c = streets[to + 1]
        if (
            not {"and", "y"} & set(text.norms(b.last, c.first))
            and text.between(b.last, c.first).strip(" #") not in _SIGNS
        ):
            return None
        return next((z for z in c.streets if z not in pair and self._meet(pair[0], z)), None)

    def _landmark(self, text: Text, mentions: list[Mention]) -> Reading | None:
        best: Mention | None = None
        for m in mentions:
            if m.landmark is not None and m.sure >= 0.5 and (best is None or m.sure > best.sure):
                best = m
        if best is None:
            return None
        words = text.span(best.first, best.last)
        streets: tuple[int, ...] = ()
        if any(m.streets and m.full and m.house is None and m.last + _CLOSE < best.first for m in mentions):
            return None  # "Ivy Court is cut off. … shifts at St Brendans": the post is about the first
        for m in mentions:
            street = self._one(m) if m.streets and m.sure >= 0.5 else None
            if street is not None and max(m.first - best.last, best.first - m.last) <= _CLOSE // 2:
                words, streets = text.span(min(m.first, best.first), max(m.last, best.last)), (street,)
                break
        return Reading("landmark", streets, best.landmark, None, False, words, best.sure)

    def _street(self, text: Text, mentions: list[Mention]) -> Reading | None:
        best: tuple[float, Mention, int] | None = None
        for m in mentions:
            street = self._one(m) if m.streets and m.sure else None
            if street is not None and (best is None or m.sure > best[0] + 0.1):
                best = (m.sure, m, street)
        if best is None:
            return None
        sure, m, street = best
        return Reading("street", (street,), None, None, False, text.span(m.first, m.last), sure)


def _is_abbreviated(word: str) -> bool:
    """Whether a full stop after a word in its one form need not end a sentence."""
    return word in SUFFIXES or len(word) == 1


def _joined(text: Text, a: Mention, b: Mention, adjacent: bool, apart: float) -> float:
    """How surely two street names, close to each other, are told as a crossing; `apart` if nothing joins them."""
    gap = text.norms(a.last, b.first)
    if gap and _TELLING.isdisjoint(gap) and "(" not in text.text:
        return apart
    between = text.between(a.last, b.first)
    if between.startswith(".") and _is_abbreviated(*text.norms(a.last - 1, a.last)):
        between = between[1:]
    if _SENTENCE_END.search(between):
        return apart
    named, joint = bool(a.sure or b.sure), not JOINTS.isdisjoint(gap)
    if adjacent and len(gap) <= 5:
        if between.strip(" #") in _SIGNS or (joint and _JOINING.issuperset(gap)):
            told = named or not gap or a.likely(text) or b.likely(text)
            return 0.9 if named else 0.8 if told else 0.0
        if "corner" in gap or "esquina" in gap:
            return 0.85
    if joint or not LOOSE.isdisjoint(gap) or "(" in between:
        return (0.75 if named else 0.7) if a.likely(text) and b.likely(text) else 0.0
    return apart
