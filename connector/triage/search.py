"""A place looked up by a person who types: streets, "A & B" crossings, "214 birch", landmarks.

The card and Add a post ask it through `Gazetteer.search`. Unlike `place.py`, which reads what residents write, it takes
unfinished words: "penh" is Penhallow Street. A name counts the more the nearer to its beginning it is met.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from heapq import nsmallest
from itertools import islice, takewhile
from typing import NamedTuple

from connector.triage.geometry import Point
from connector.triage.names import Named, folded, words_of

_JOINT = re.compile(r"\s*(?:&|/|\+|@)\s*|\s+(?:and|at|x|y|con|between|entre)\s+", re.IGNORECASE)
_HOUSE = re.compile(r"\s*#?(\d{1,5})\s+(?:block\s+(?:of\s+)?)?(.*\S)\s*")
_FIRST, _SECOND = 5, 24
"""So many streets are tried for each half of a crossing."""
_MANY = 400
"""Names looked at for a beginning that very many share."""
_INFIX = 3
"""Letters from which on they are also looked for in the middle of a word."""
Rank = tuple[int, bool, int, str]


class Hit(NamedTuple):
    """Positions in the lists of streets and landmarks, as in `Reading`."""

    streets: tuple[int, ...] = ()
    landmark: int | None = None
    number: int | None = None


class Search:
    """The names of one city, for looking up; `crossing` and `house` are asked with positions in `streets`."""

    def __init__(
        self,
        streets: Sequence[Named],
        landmarks: Sequence[Named],
        crossing: Callable[[int, int], Point | None],
        house: Callable[[int, int], Point | None],
    ) -> None:
        self._streets = _Index(streets)
        self._landmarks = _Index(landmarks)
        self._crossing, self._house = crossing, house

    def hits(self, text: str, limit: int) -> list[Hit]:
        """The best first, at most `limit`."""
        found: dict[Hit, None] = {}
        if not any(map(str.isalnum, text)):
            return []
        if len(halves := [half for half in _JOINT.split(text) if half.strip()]) == 2:
            found |= dict.fromkeys(self._crossings(halves[0], halves[1], limit))
        house = _HOUSE.fullmatch(text)
        if house and len(found) < limit:
            number = int(house[1])
            streets = [at for at in self._streets.best(house[2], _SECOND) if self._house(at, number)]
            found |= dict.fromkeys(Hit((at,), None, number) for at in streets)
        if len(found) < limit:
            found |= dict.fromkeys(self._names(house[2] if house and not found else text, limit))
        return list(found)[:limit]

    def _names(self, text: str, limit: int) -> Iterator[Hit]:
        found = [(rank, Hit((at,))) for rank, at in self._streets.ranked(text)]
        found += [(rank, Hit((), at)) for rank, at in self._landmarks.ranked(text)]
        yield from (hit for _, hit in nsmallest(limit * 3, found, key=lambda pair: pair[0]))

    def _crossings(self, left: str, right: str, limit: int) -> Iterator[Hit]:
        others = self._streets.best(right, _SECOND)
        pairs = ((a, b) for a in self._streets.best(left, _FIRST) for b in others if a != b and self._crossing(a, b))
        yield from map(Hit, islice(pairs, limit))


class _Index:
    """Names under each of their words: "Customs House Lane" also under "house lane" and "lane"."""

    def __init__(self, named: Sequence[Named]) -> None:
        self._under: list[tuple[str, int, int, bool, str]] = []
        """What follows from a word on, which word it is, the position of the name, main or not, the name."""
        self._whole: list[tuple[str, int, bool]] = []
        for at, each in enumerate(named):
            for name in (each.name, *each.aliases):
                words = words_of(name)
                whole = " ".join(words)
                self._whole.append((whole, at, each.main))
                self._under += ((" ".join(words[n:]), n, at, each.main, whole) for n in range(len(words)))
        self._under.sort()

    def best(self, text: str, most: int) -> list[int]:
        found = nsmallest(most * 2, self.ranked(text))
        return list(dict.fromkeys(at for _, at in found))[:most]

    def ranked(self, text: str) -> list[tuple[Rank, int]]:
        """Rank and position of the names that hold the text, whose last word may be unfinished; some of very many."""
        words = words_of(text)
        if not words:
            return []
        typed = " ".join([*words[:-1], folded(text.split()[-1]).strip(".")])  # "st" may become "Stonecutter"
        found = [
            ((0 if name == wanted else 1 if not word else 2, not main, len(name), name), at)
            for wanted in {" ".join(words), typed}
            for _, word, at, main, name in self._beginning(wanted)
        ]
        if not found and len(typed) >= _INFIX:
            found = [((3, not main, len(name), name), at) for name, at, main in self._whole if typed in name]
        return found

    def _beginning(self, text: str) -> Iterator[tuple[str, int, int, bool, str]]:
        first = bisect_left(self._under, (text,))
        return takewhile(lambda entry: entry[0].startswith(text), islice(self._under, first, first + _MANY))
