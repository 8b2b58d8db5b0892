"""A text cut into words, as `place.py` and `mentions.py` look at it: folded for finding, as written for showing.

Every text is cut, few name a place: cutting is a few calls into C, and where the words stand is left to `locate`.
"""

from __future__ import annotations

import re

from connector.triage.names import ONE_FORM, plain

_OUTER = re.compile(r"['_](?:(?![^ '_])|(?<![^ '_]['_]))")
"""An apostrophe or underscore with no letter before or after it."""
_FOLDED = "".join(c if c.isalnum() or c in "'_" else " " for c in map(chr, range(128))).lower().encode() + bytes(128)
"""For `bytes.translate`: an ASCII text in small letters, with a space for all that is no part of a word."""


def _without_links(text: str) -> str:
    """The text with a URL's characters turned into spaces: a URL names no place."""
    at = text.find("://")
    while at >= 0:
        start, end = at, at + len(text[at:].split(None, 1)[0])
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        if start < at and end > at + 3:
            text = text[:start] + " " * (end - start) + text[end:]
        at = text.find("://", at + 1)
    return text


def _spaced(text: str) -> str:
    """The text folded, with a space for all that is no part of a word; what stands at a position stays there."""
    if "://" in text:
        text = _without_links(text)
    if not text.isascii():
        text = plain(text)
    if text.isascii():
        text = text.encode().translate(_FOLDED).decode()
    else:
        text = "".join(letter if letter.isalnum() or letter in "'_" else " " for letter in text)
    return _OUTER.sub(" ", text) if "'" in text or "_" in text else text


class Text:
    """A text's words: `raw` folded, `norms` in their one form, and where each stands."""

    __slots__ = ("_found", "_spaced", "_starts", "mixed", "norms", "raw", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._spaced = spaced = _spaced(text)
        self.raw = self._found = spaced.split()
        if "'" in spaced or "_" in spaced:
            self.raw = spaced.replace("'", "").replace("_", "").split()

    def locate(self) -> None:
        """Fill in what only a text that may hold a name needs."""
        self._starts: dict[int, int] = {}
        self.norms = list(map(ONE_FORM.get, self.raw, self.raw))
        self.mixed = not self.text.isupper() and not self.text.islower()
        """Whether a capital says anything."""

    def start(self, at: int) -> int:
        """Where in the text a word begins."""
        found = self._starts.get(at)
        if found is None:
            before = self._starts.get(at - 1)
            rest = self._spaced if before is None else self._spaced[before + len(self._found[at - 1]) :]
            tail = rest.split(None, at)[at] if before is None else rest.lstrip()
            found = self._starts[at] = len(self._spaced) - len(tail)
        return found

    def end(self, at: int) -> int:
        """Where in the text a word has ended."""
        return self.start(at) + len(self._found[at])

    def capital(self, at: int) -> bool:
        return self.mixed and self.text[self.start(at)].isupper()

    def between(self, first: int, after: int) -> str:
        """What stands between word `first - 1` and word `after`."""
        return self.text[self.end(first - 1) : self.start(after)]

    def span(self, first: int, last: int) -> str:
        """The words from `first` up to, not with, `last`, exactly as written."""
        return self.text[self.start(first) : self.end(last - 1)]
