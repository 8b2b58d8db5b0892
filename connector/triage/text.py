"""A text cut into words, as `place.py` and `mentions.py` look at it: folded for finding, as written for showing.

Every text is `spaced` and `cut`, a few calls into C; only one that may hold a name becomes a `Text`, which looks up
where a word stands when it is asked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_letters, digits
from typing import NamedTuple

from connector.triage.names import ONE_FORM, plain

_OUTER_APOSTROPHE = re.compile(r"'(?:(?![^ '_])|(?<![^ '_]'))")
"""One with no letter before or after it; a search for one sign is much faster than for two."""
_OUTER_UNDERSCORE = re.compile(r"_(?:(?![^ '_])|(?<![^ '_]_))")
_ASCII_WORD = ascii_letters + digits + "_"
_FOLDED = "".join(c if c.isalnum() or c in "'_" else " " for c in map(chr, range(128))).lower().encode() + bytes(128)
"""For `bytes.translate`: an ASCII text in small letters, with a space for all that is no part of a word."""
_PARTED = _FOLDED.replace(b"_", b" ")
"""The same where an underscore parts words."""


def _without_links(text: str) -> str:
    """The text with a URL's characters turned into spaces: a URL names no place."""
    at = text.find("://")
    while at >= 0:
        start, end = len(text[:at].rstrip(_ASCII_WORD)), at + len(text[at:].split(None, 1)[0])
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        if start < at and end > at + 3:
            text = text[:start] + " " * (end - start) + text[end:]
        at = text.find("://", at + 1)
    return text


def spaced(text: str) -> str:
    """The text folded, with a space for all that is no part of a word; what stands at a position stays there."""
    if "://" in text:
        text = _without_links(text)
    if not text.isascii():
        text = plain(text)
    if text.isascii():
        text = text.encode().translate(_FOLDED).decode()
    else:
        text = "".join(letter if letter.isalnum() or letter in "'_" else " " for letter in text)
    if "'" in text:
        text = _OUTER_APOSTROPHE.sub(" ", text)
    return _OUTER_UNDERSCORE.sub(" ", text) if "_" in text else text


def cut(spaced: str) -> list[str]:
    """The words of a `spaced` text, folded, and two empty ones: so each has two before (`words[-1]`) and two after."""
    if "'" in spaced or "_" in spaced:
        spaced = spaced.replace("'", "").replace("_", "")
    return [*spaced.split(), "", ""]


class Cut(NamedTuple):
    """A text as `spaced`, and its words as `cut`."""

    spaced: str
    words: list[str]

    @classmethod
    def of(cls, text: str) -> Cut:
        folded = spaced(text)
        return cls(folded, cut(folded))


def ascii_words(text: str) -> list[str]:
    """The words of an ASCII text in small letters, with the apostrophes within them."""
    folded = text.encode().translate(_PARTED).decode()
    if "'" in folded:
        folded = _OUTER_APOSTROPHE.sub(" ", folded)
    return folded.split()


class Text:
    """A text that may hold a name: its words, `raw` as `cut`, and on demand their one form and where they stand."""

    __slots__ = ("_put_in", "_shouted", "_spaced", "_starts", "asked", "raw", "text")

    def __init__(self, text: str, spaced: str, raw: list[str], put_in: Sequence[int] = (), asked: bool = False) -> None:
        """`put_in`: where spaces stand in the text that its author did not write, see `tags.py`.

        `asked`: it answers a question for the place, so it need not tell of a trouble itself.
        """
        self.text, self.raw, self.asked = text, raw, asked
        self._put_in = put_in
        self._spaced = spaced + " "  # so that every word has an end to be found
        self._starts = [-1] * len(raw)
        self._shouted = text.isupper()

    @property
    def mixed(self) -> bool:
        """Whether a capital says anything."""
        return not self._shouted and not self.text.islower()

    def tells(self, words: frozenset[str]) -> bool:
        """Whether one of these words stands in it, or it need not."""
        return self.asked or not words.isdisjoint(self.raw)

    def norms(self, first: int, last: int) -> list[str]:
        """The words from `first` up to, not with, `last`, each in its one form."""
        words = self.raw[first:last]
        return list(map(ONE_FORM.get, words, words))

    def start(self, at: int) -> int:
        """Where in the text a word begins."""
        found = self._starts[at]
        if found < 0:
            rest = self._spaced.split(None, at)[at]
            found = self._starts[at] = len(self._spaced) - len(rest)
        return found

    def end(self, at: int) -> int:
        """Where in the text a word has ended."""
        return self._spaced.index(" ", self.start(at))

    def capital(self, at: int) -> bool:
        """Whether a word has a capital that says something."""
        return not self._shouted and self.text[self.start(at)].isupper()

    def led_by(self, sign: str, at: int) -> bool:
        """Whether this sign stands right before a word."""
        return sign in self.text and self.text.endswith(sign, 0, self.start(at))

    def gap(self, at: int) -> str:
        """What stands between a word and the next."""
        end = self.end(at)
        rest = self._spaced[end:]
        return self.text[end : end + len(rest) - len(rest.lstrip())]

    def between(self, first: int, after: int) -> str:
        """What stands between word `first - 1` and word `after`."""
        return self.text[self.end(first - 1) : self.start(after)]

    def span(self, first: int, last: int) -> str:
        """The words from `first` up to, not with, `last`, exactly as written."""
        start, end = self.start(first), self.end(last - 1)
        if not self._put_in:
            return self.text[start:end]
        foreign = {at for at in self._put_in if start <= at < end}
        return "".join([letter for at, letter in enumerate(self.text[start:end], start) if at not in foreign])
