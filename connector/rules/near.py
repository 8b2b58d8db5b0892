"""Words near each other, `"a b"~3`, counted as Lucene does.

That gives both of X's sentences: words in the rule's order may have N others between them, in the reverse order N - 2
(https://docs.x.com, Stream Rule Operators). `truth.py` asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connector.rules.reading import Hit, Reading

_WORD = re.compile(r"\S+")


def windows(words: Sequence[str], wanted: Sequence[str], distance: int) -> list[list[int]]:
    """Each way to stand near enough that ends at another word: the positions of the wanted words."""
    where: dict[str, list[int]] = {word: [] for word in wanted}
    for at, word in enumerate(words):
        if word in where:
            where[word].append(at)
    found: list[list[int]] = []
    # How far a word stands from where the first one asks for it; these may differ by the distance, not by more.
    for least in sorted({at - number for number, word in enumerate(wanted) for at in where[word]}):
        chosen = _chosen(where, wanted, least, distance)
        if chosen and (not found or chosen != found[-1]):
            found.append(chosen)
    return found


def _chosen(where: dict[str, list[int]], wanted: Sequence[str], least: int, distance: int) -> list[int]:
    """A place of its own for each word, the earliest that will do; empty: there is none."""
    taken: set[int] = set()
    for number, word in enumerate(wanted):
        first, last = least + number, least + number + distance
        place = next((at for at in where[word] if first <= at <= last and at not in taken), None)
        if place is None:
            return []
        taken.add(place)
    return sorted(taken)


def meets(post: Reading, wanted: Sequence[str], distance: int) -> bool:
    return any(windows(text.folded.split(), wanted, distance) for text in post.texts)


def hits(post: Reading, wanted: Sequence[str], distance: int) -> list[Hit]:
    """The words that stand near each other, each as it stands there; in a handle as the rule has it."""
    found = []
    for number, text in enumerate(post.texts):
        near = {at for window in windows(text.folded.split(), wanted, distance) for at in window}
        places = [one for at, one in enumerate(_WORD.finditer(text.folded)) if at in near]
        found += [text.hit(number, *place.span(), place[0]) for place in places]
    return found
