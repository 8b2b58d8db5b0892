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

from connector.triage.mentions import Mention, find_mentions
from connector.triage.names import SUFFIXES, Named, Names, words_of
from connector.triage.text import Text
from connector.triage.vocabulary import FILLERS, JOINTS, LOOSE, VAGUE

Method = Literal["address", "intersection", "landmark", "street", "geotag"]

_SIGNS = frozenset(["&", "&amp;", "/", "@", "+", "&amp"])
_EVERYWHERE = re.compile(
    r"\b(?:everywhere|city ?wide|all over (?:town|the city|the place)|the whole (?:city|town)|toda la ciudad"
    r"|(?:en|por) todas partes|en todos lados)\b",
    re.IGNORECASE,
)
_JOINING = JOINTS | FILLERS
_SENTENCE_END = re.compile(r"[.!?…](?=\s)|\n")
_CLOSE = 8
"""Words between two names that still belong together."""


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
        tokens = Text(text)
        starts = self._names.starts(tokens.raw)
        if not starts:
            return None
        tokens.locate()
        mentions = find_mentions(tokens, starts, self._names, self._districts)
        if not mentions:
            return None
        reading = (
            self._address(tokens, mentions)
            or self._intersection(tokens, mentions)
            or self._landmark(tokens, mentions)
            or self._street(tokens, mentions)
        )
        if reading and reading.sure < 0.8 and not VAGUE.isdisjoint(tokens.raw) and _EVERYWHERE.search(text):
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
            if m.number is None:
                continue
            for street in m.streets:
                if self._has_number(street, m.number) or (m.block and self._has_number(street, m.number + 50)):
                    sure = 0.95 if m.full else 0.85
                    return Reading("address", (street,), None, m.number, m.block, text.span(m.start, m.last), sure)
        return None

    def _intersection(self, text: Text, mentions: list[Mention]) -> Reading | None:
        streets = [m for m in mentions if m.streets]
        if len(streets) < 2:
            return None
        best: tuple[float, int, int, tuple[int, int]] | None = None
        for (at, a), (to, b) in combinations(enumerate(streets), 2):
            sure = _joined(text, a, b, to - at == 1)
            if sure and (best is None or sure > best[0]):
                pair = next(((x, y) for x in a.streets for y in b.streets if x != y and self._meet(x, y)), None)
                best = (sure, at, to, pair) if pair else best
        if best is None:
            return None
        sure, at, to, pair = best
        third = self._between(text, streets, at, to, pair)
        if third is not None:
            return Reading(
                "intersection",
                (*pair, third),
                None,
                None,
                False,
                text.span(streets[at].first, streets[to + 1].last),
                sure,
            )
        a, b = streets[at], streets[to]
        close = b.first - a.last <= _CLOSE
        strong = max(a, b, key=lambda m: m.sure)
        words = text.span(a.first, b.last) if close else text.span(strong.first, strong.last)
        return Reading("intersection", pair, None, None, False, words, sure)

    def _between(self, text: Text, streets: list[Mention], at: int, to: int, pair: tuple[int, int]) -> int | None:
        """The third street of "X between Y and Z"."""
        a, b = streets[at], streets[to]
        if to + 1 >= len(streets) or not {"between", "entre"} & set(text.norms[a.last : b.first]):
            return None
        c = streets[to + 1]
        if (
            not {"and", "y"} & set(text.norms[b.last : c.first])
            and text.between(b.last, c.first).strip(" #") not in _SIGNS
        ):
            return None
        return next((z for z in c.streets if z not in pair and self._meet(pair[0], z)), None)

    def _landmark(self, text: Text, mentions: list[Mention]) -> Reading | None:
        known = [m for m in mentions if m.landmark is not None and m.sure >= 0.5]
        if not known:
            return None
        best = max(known, key=lambda m: m.sure)
        words = text.span(best.first, best.last)
        streets: tuple[int, ...] = ()
        if any(m.streets and m.full and m.number is None and m.last + _CLOSE < best.first for m in mentions):
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


def _joined(text: Text, a: Mention, b: Mention, adjacent: bool) -> float:
    """How surely two street names are told as a crossing; 0 if nothing but their standing in one text says so."""
    between = text.between(a.last, b.first)
    if text.norms[a.last - 1] in SUFFIXES or len(text.norms[a.last - 1]) == 1:
        between = between.removeprefix(".")
    gap = text.norms[a.last : b.first]
    named = bool(a.sure or b.sure)
    broken = _SENTENCE_END.search(between) is not None
    if not broken and adjacent and len(gap) <= 5:
        if between.strip(" #") in _SIGNS or (_JOINING.issuperset(gap) and not JOINTS.isdisjoint(gap)):
            weak = bool(gap) and not (named or a.likely or b.likely)
            return 0.0 if weak else 0.9 if named else 0.8
        if "corner" in gap or "esquina" in gap:
            return 0.85
    if (
        not broken
        and len(gap) <= _CLOSE
        and (not LOOSE.isdisjoint(gap) or not JOINTS.isdisjoint(gap) or "(" in between)
    ):
        return (0.75 if named else 0.7) if (a.likely or a.sure) and (b.likely or b.sure) else 0.0
    return 0.6 if a.sure >= 0.5 and b.sure >= 0.5 else 0.0
