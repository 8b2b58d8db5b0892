"""Names one slip of the pen away from a word: one letter added, left out, changed, or two neighbours swapped."""

from __future__ import annotations


class Slips:
    """The words that may be meant, under themselves and under what is left of them without one letter."""

    def __init__(self) -> None:
        self._under: dict[str, list[str]] = {}
        self._begin: set[str] = set()
        self._end: set[str] = set()
        self._longest = 0

    def add(self, word: str) -> None:
        """Know a word of six or more letters."""
        for short in {word, *_one_less(word)}:
            under = self._under.setdefault(short, [])
            if word not in under:
                under.append(word)
        self._begin.add(word[:3])
        self._end.add(word[-3:])
        self._longest = max(self._longest, len(word))

    def near(self, word: str) -> str:
        """The known word that is one slip away from a word of six or more letters, always the same, or ""."""
        if len(word) > self._longest + 1 or not self._may_be(word):
            return ""
        for short in (word, *_one_less(word)):
            for right in self._under.get(short, ()):
                # An ending is grammar and another first letter another word, neither is a slip.
                if (
                    right[0] == word[0]
                    and right not in (word, word[:-1])
                    and right[:-1] != word
                    and _one_slip(word, right)
                ):
                    return right
        return ""

    def _may_be(self, word: str) -> bool:
        """False for most words: a slip in a long one leaves its first or its last three letters as they are."""
        return len(word) < 7 or word[:3] in self._begin or word[-3:] in self._end


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
