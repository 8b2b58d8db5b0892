"""A look at raw bytes before anything is decoded: which lines of JSON may hold a word of some rule.

One Hyperscan database holds the words that rules cannot do without (`matcher.py` chooses them): an anchor, and where
the rule asks for more, some words of which one must stand beside it. A batch of lines is scanned in one call. A line
that is passed over surely meets no rule; one that is kept may. Whatever bytes can hide a word goes the ordinary way:
`\\u` escapes, HTML entities, letters that fold to ASCII, signs that do not count inside a word.
Not for two threads at once: a database has one scratch space.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

from connector.rules import tokens

try:
    import hyperscan
except ImportError:  # there is no wheel for Windows: then every line goes the ordinary way
    hyperscan = None  # type: ignore[assignment]

_LEAST_RUN = 3
_TRIAL = 1_000  # lines
_WORTH = 10  # what a line that is passed over saves, in looks at a line or at a word found in it (`bench match`)
_LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_BACKSLASH = ord("\\")
_WORD = re.compile(rb"[\w\x80-\xff]*")
_IN_WORD = frozenset(b"_") | _LETTERS | frozenset(range(128, 256))
_TOKENS = 50_000  # remembered
_ASCII_RUN = re.compile("[a-z0-9]+")
_NOT_ASCII = r"[\x80-\xff]"
_ESCAPE = r"\\u"
# X writes `&amp;`, `&lt;`, `&gt;`, which hide no letter; any other entity may.
_ENTITY = re.compile(rb"&(?!amp;|lt;|gt;)#?\w+;")
# Before a letter, what may be a sign without weight: joiners and direction marks exactly, rare blocks as a whole.
_IGNORED = (
    r"(?:\xc2\xad|\xe2\x80[\x8b-\x8f\xaa-\xae]|\xe2\x81[\xa0-\xaf]|[\xd8-\xdf]."
    r"|[\xe0\xe1\xef]..|[\xf0-\xf4]...)[a-z0-9]"
)
# What folds to ASCII letters: a few where accents count, else whatever may be a Latin letter or an accent.
_FOLDING = "|".join(char.encode().decode("latin-1") for char in "ßſẞ\u212aﬀﬁﬂﬃﬄﬅﬆ")
_ACCENTED = r"[\xc3-\xcd].|\xe1[\xb4-\xbf].|\xe2[\x84\xb1].|\xea[\x9c-\xad].|\xef\xac."


Anchor = tuple[str, frozenset[str]]
"""A word, and the words of which one must stand beside it; none: it may stand alone."""


class Sieve:
    """The lines of a batch that may meet a rule with one of these anchors, for one way of reading accents."""

    def __init__(self, anchors: Iterable[Anchor], accents: bool) -> None:
        anchors = [_in_ascii(anchor) for anchor in anchors]
        whole = sorted({word for word, beside in anchors for word in (word, *beside) if word.isascii()})
        loose = {_part(word) for word, _ in anchors if not word.isascii()}
        self._lengths = list(map(len, whole))
        hiding = (_ESCAPE, _IGNORED, _FOLDING if accents else _ACCENTED)
        patterns = [*whole, *sorted(loose), *hiding]
        self._database = _compiled(patterns)
        numbers = {word: number for number, word in enumerate(whole)}
        self._folding = -1 if accents else len(patterns) - 1
        self._meant = lru_cache(_TOKENS)(_Meaning(numbers, {word for word, _ in anchors if not word.isascii()}))
        self._beside: dict[int, list[frozenset[int]]] = {}
        """For an anchor what may stand beside it; an empty set: nothing need."""
        for word, beside in anchors:
            if word.isascii():
                self._beside.setdefault(numbers[word], []).append(frozenset([numbers[other] for other in beside]))
        self._seen = self._passed_over = self._looked_at = 0

    def kept(self, lines: Sequence[bytes], together: bytes = b"") -> Sequence[int]:
        """Positions of the lines to decode, in order; of all, once looking turned out to cost more than it saves."""
        if self._costs_more():
            return range(len(lines))
        # It ends with a line feed, so that before its first byte (the last one, to Python) and behind any word is one.
        block = together if together.endswith(b"\n") else b"\n".join([*lines, b""])
        ends = list(accumulate([len(line) + 1 for line in lines]))
        return self._kept(block, len(lines), lambda end: bisect_left(ends, end))

    def kept_of(self, block: bytes, count: int) -> Sequence[bytes] | None:
        """The lines to decode of so many that each end with a line feed; None for all of them."""
        if self._costs_more():
            return None
        starts = self._kept(block, count, lambda end: block.rfind(b"\n", 0, end) + 1)
        return [block[start : block.find(b"\n", start)] for start in starts]

    def _costs_more(self) -> bool:
        return self._seen >= _TRIAL and self._passed_over * _WORTH < self._seen + self._looked_at

    def _kept(self, block: bytes, count: int, line_of: Callable[[int], int]) -> list[int]:
        """What `line_of` says of a place in each line to decode, in order."""
        hits: list[tuple[int, int]] = []
        self._database.scan(block, match_event_handler=lambda number, _, end, *__: hits.append((number, end)))
        found: dict[int, set[int]] = {}
        for number, end in hits:
            if number == self._folding:
                meant = self._meant(_token(block, end))
            else:
                meant = (number,) if self._counts(block, number, end) else ()
            if meant:
                found.setdefault(line_of(end), set()).update(meant)
        for end in _entities(block):
            found.setdefault(line_of(end), set()).add(len(self._lengths))
        kept = sorted([at for at, numbers in found.items() if self._suffice(numbers)])
        self._seen += count
        self._looked_at += len(hits)
        self._passed_over += count - len(kept)
        return kept

    def _suffice(self, numbers: set[int]) -> bool:
        """Whether these patterns together may make a match; one that is no whole word always may."""
        for number in numbers:
            if number >= len(self._lengths):
                return True
            for beside in self._beside.get(number, ()):
                if not beside or not beside.isdisjoint(numbers):
                    return True
        return False

    def _counts(self, block: bytes, number: int, end: int) -> bool:
        """Whether a pattern found by its letters alone is what it stands for."""
        return number >= len(self._lengths) or _stands_alone(block, end - self._lengths[number], end)


class _Meaning:
    """What a token with an accent in it stands for, once it is folded: words of rules, by number."""

    def __init__(self, numbers: Mapping[str, int], beyond: Collection[str]) -> None:
        self._numbers, self._beyond = numbers, beyond

    def __call__(self, token: bytes) -> tuple[int, ...]:
        text = token.decode("utf-8", "replace")
        pieces = {*tokens.split(text, accents=False), tokens.fold_tag(text, accents=False)}
        found = [number for piece in pieces if (number := self._numbers.get(piece)) is not None]
        if not pieces.isdisjoint(self._beyond) or "\ufffd" in text:
            found.append(len(self._numbers))  # no whole word in ASCII: it suffices by itself
        return tuple(found)


def _token(block: bytes, end: int) -> bytes:
    """The word around this place, with whatever is not ASCII in it."""
    start, after = end, _WORD.match(block, end)
    assert after
    while block[start - 1] in _IN_WORD:
        start -= 1
    if block[start - 1] == _BACKSLASH and block[start] in b"bfnrt":
        start += 1  # a JSON string writes a line break as a backslash and a letter
    return block[start : after.end()]


def _entities(block: bytes) -> Iterator[int]:
    """The places behind the first byte of each that may hide a letter.

    Not one of Hyperscan's patterns: a single byte makes its look at all the others slower by a quarter.
    """
    at = block.find(b"&")
    while at >= 0:
        if _ENTITY.match(block, at):
            yield at + 1
        at = block.find(b"&", at + 1)


def available() -> bool:
    return hyperscan is not None


def _stands_alone(block: bytes, start: int, end: int) -> bool:
    """Whether these bytes are a word; a JSON string writes a line break as a backslash and a letter."""
    if block[end] in _LETTERS:
        return False
    return block[start - 1] not in _LETTERS or (block[start - 2] == _BACKSLASH and block[start - 1] in b"bfnrt")


def _compiled(patterns: Sequence[str]) -> Any:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[pattern.encode("latin-1") for pattern in patterns],
        ids=list(range(len(patterns))),
        flags=[hyperscan.HS_FLAG_CASELESS] * len(patterns),
    )
    return database


def _in_ascii(anchor: Anchor) -> Anchor:
    """Words beyond ASCII are not told apart well enough to be asked for beside another."""
    word, beside = anchor
    return word, beside if all(other.isascii() for other in beside) else frozenset()


def _part(anchor: str) -> str:
    """The longest run of ASCII in an anchor, or anything that is not ASCII at all."""
    run = max(_ASCII_RUN.findall(anchor), key=len, default="")
    return run if len(run) >= _LEAST_RUN else _NOT_ASCII
