"""Names one slip of the pen away from a word: one letter added, left out, changed, or two neighbours swapped."""

from __future__ import annotations

from collections.abc import Iterable


class Slips:
    """The words that may be meant, under themselves and under what is left of them without one letter."""

    def __init__(self) -> None:
        self._under: dict[str, set[str]] = {}

    def add(self, word: str) -> None:
        for short in (word, *_one_less(word)):
            self._under.setdefault(short, set()).add(word)

    def near(self, word: str) -> str:
        """The known word that is one slip away, or ""."""
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


def _one_less(word: str) -> Iterable[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _one_slip(a: str, b: str) -> bool:
    """Whether one slip makes the one word the other."""
    if abs(len(a) - len(b)) == 1:
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return shorter in _one_less(longer)
    off = [at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y]
    swapped = len(off) == 2 and off[1] == off[0] + 1 and a[off[0]] == b[off[1]] and a[off[1]] == b[off[0]]
    return len(a) == len(b) and (len(off) == 1 or swapped)
