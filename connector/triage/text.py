"""A text cut into words, as `place.py` and `mentions.py` look at it: folded for finding, as written for showing."""

from __future__ import annotations

import re

from connector.triage.names import ONE_FORM, WORD, plain

_URL = re.compile(r"\w+://\S+")


class Text:
    """A text's words: `raw` folded, `norms` in their one form, and where each stands."""

    __slots__ = ("_found", "mixed", "norms", "raw", "seen", "spans", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.seen = plain(text)
        if "://" in text:
            self.seen = _URL.sub(lambda url: " " * len(url[0]), self.seen)
        self._found = WORD.findall(self.seen)
        self.raw = self._found
        if "'" in self.seen or "_" in self.seen:
            self.raw = [word if word.isalnum() else word.replace("'", "").replace("_", "") for word in self._found]

    def locate(self) -> None:
        """Fill in what only a text with a name in it needs."""
        self.spans: list[tuple[int, int]] = []
        end, find, add = 0, self.seen.find, self.spans.append
        for word in self._found:
            start = find(word, end)
            end = start + len(word)
            add((start, end))
        self.norms = [ONE_FORM.get(word, word) for word in self.raw]
        self.mixed = not self.text.isupper() and not self.text.islower()
        """Whether a capital says anything."""

    def capital(self, at: int) -> bool:
        return self.mixed and self.text[self.spans[at][0]].isupper()

    def between(self, first: int, after: int) -> str:
        """What stands between word `first - 1` and word `after`."""
        return self.text[self.spans[first - 1][1] : self.spans[after][0]]

    def span(self, first: int, last: int) -> str:
        """The words from `first` up to, not with, `last`, exactly as written."""
        return self.text[self.spans[first][0] : self.spans[last - 1][1]]
