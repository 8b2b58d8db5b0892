"""Names a slip of the pen away from a word: one letter added, left out, changed, or two neighbours swapped.

One slip in a long word is believed where a street may stand (`near`). Two of them, one in a short word, and an ending
too many or too few are believed only where the word behind is the street's own suffix (`far`).
"""

from __future__ import annotations

from collections.abc import Iterator

LONG = 6
"""Letters from which on one slip leaves a word what it is."""
_TWICE = 8
"""Letters from which on two slips do."""


class Slips:
    """The words that may be meant, under themselves and under what is left of them without one letter."""

    def __init__(self) -> None:
        self._under: dict[str, list[str]] = {}
        self._begin: set[str] = set()
        self._end: set[str] = set()
        self._longest = 0
        self._alike: dict[tuple[int, str, str], list[str]] = {}
        """Long ones by their length and first three letters, and their length, first and last three."""

    def add(self, word: str) -> None:
        """Know a word of five or more letters."""
        for short in {word, *_one_less(word)}:
            under = self._under.setdefault(short, [])
            if word not in under:
                under.append(word)
        self._begin.add(word[:3])
        self._end.add(word[-3:])
        self._longest = max(self._longest, len(word))
        for key in _keys(word, len(word)) if len(word) >= _TWICE else ():
            if word not in (alike := self._alike.setdefault(key, [])):
                alike.append(word)

    def near(self, word: str) -> str:
        """The long word that is one slip away from a word of six or more letters, always the same, or ""."""
        for right in self._one_away(word):
            if len(right) >= LONG and right not in (word, word[:-1]) and right[:-1] != word:  # an ending is grammar
                return right
        return ""

    def far(self, word: str) -> str:
        """As `near`, with two slips in a word of eight or more letters, one in a short one, and a wrong ending."""
        found: str = next(self._one_away(word), "")
        if found or len(word) < _TWICE or len(word) > self._longest + 2:
            return found
        for length in range(max(_TWICE, len(word) - 2), len(word) + 3):
            for key in _keys(word, length):
                for right in self._alike.get(key, ()):
                    if _two_slips(word, right):
                        return right
        return ""

    def _one_away(self, word: str) -> Iterator[str]:
        """Another first letter makes another word."""
        if len(word) > self._longest + 1 or not self._may_be(word):
            return
        for short in (word, *_one_less(word)):
            for right in self._under.get(short, ()):
                if right[0] == word[0] and _one_slip(word, right):
                    yield right

    def _may_be(self, word: str) -> bool:
        """False for most words: a slip in a long one leaves its first or its last three letters as they are."""
        return len(word) < 7 or word[:3] in self._begin or word[-3:] in self._end


def _keys(word: str, length: int) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    """Two slips in a long word leave its beginning, or else its first letter and its end, as they are."""
    return (length, word[:3], ""), (length, word[0], word[-3:])


def _one_less(word: str) -> list[str]:
    return [word[:at] + word[at + 1 :] for at in range(len(word))]


def _one_slip(a: str, b: str) -> bool:
    """Whether one slip makes the one word the other."""
    if abs(len(a) - len(b)) == 1:
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return shorter in _one_less(longer)
    off = [at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y]
    swapped = len(off) == 2 and off[1] == off[0] + 1 and a[off[0]] == b[off[1]] and a[off[1]] == b[off[0]]
    return len(a) == len(b) and (len(off) == 1 or swapped)


def _two_slips(a: str, b: str) -> bool:
    """Whether two slips make the one word the other: the optimal string alignment of the two costs two."""
    before, row = [0] * (len(b) + 1), list(range(len(b) + 1))
    for at, x in enumerate(a, 1):
        above, before = before, row
        row = [at]
        for to, y in enumerate(b, 1):
            cost = min(before[to] + 1, row[-1] + 1, before[to - 1] + (x != y))
            if at > 1 and to > 1 and x == b[to - 2] and y == a[at - 2]:
                cost = min(cost, above[to - 2] + 1)
            row.append(cost)
        if min(row) > 2:
            return False
    return row[-1] == 2
