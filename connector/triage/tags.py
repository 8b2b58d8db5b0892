"""Hashtags that are several words: "#5thAndMain" is read as "5th And Main", if nothing but a place stands in it.

`place.py` opens them before it cuts a text into words. A tag with one name alone ("#Kowalski", "#ElmStreet") is a word
like any other and needs no opening; one with other words in it ("#MainStreetMedia") is left closed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from connector.triage.names import SUFFIXES, Names, folded
from connector.triage.vocabulary import STREET_WORDS

_TAG = re.compile(r"#([^\W_]\w{4,60})")
_HUMPS = re.compile(r"\d+(?:st|nd|rd|th)?(?![a-z])|[A-Z]+(?![a-z])|[A-Z]?[a-zß-ÿ]+|[^\W_]")
_JOINTS = ("and", "at", "y", "x", "con")
_BESIDE = STREET_WORDS | {"fix", "the"}
_MOST = 20_000


class Tags:
    """Opens the tags of one city's texts; what became of a tag is remembered."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[str, list[str]] = {}

    def opened(self, text: str) -> tuple[str, Sequence[int]]:
        """The text with spaces put into such tags, and where in the new text they stand."""
        parts: list[str] = []
        at, put_in = 0, []
        for tag in _TAG.finditer(text):
            words = self._words(tag[1])
            if not words:
                continue
            parts.append(text[at : tag.start(1)])
            length = sum(map(len, parts))
            for word in words[:-1]:
                length += len(word)
                put_in.append(length)
                length += 1
            parts.append(" ".join(words))
            at = tag.end()
        return ("".join([*parts, text[at:]]), put_in) if parts else (text, ())

    def _words(self, tag: str) -> list[str]:
        """The tag in pieces; empty if it stays closed."""
        words = self._known.get(tag)
        if words is None:
            if len(self._known) >= _MOST:
                self._known.clear()
            words = self._known[tag] = self._humps(tag) or self._halves(tag)
        return words

    def _humps(self, tag: str) -> list[str]:
        """Cut where a capital or a digit begins a word."""
        words = _HUMPS.findall(tag)
        if len(words) < 2 or sum(map(len, words)) != len(tag):
            return []
        return words if self._is_place([folded(word) for word in words]) else []

    def _is_place(self, words: Sequence[str]) -> bool:
        """Whether these are two joined names, or a street in full, and nothing else but words of the street."""
        at, joined, full = 0, 0, False
        while at < len(words):
            length = self._names.length(words, at)
            if length:
                at += length
                joined += 1
                suffix = at < len(words) and words[at] in SUFFIXES
                full = full or suffix or length > 1
                at += suffix
            elif words[at] in _JOINTS or words[at] in _BESIDE:
                at += 1
            else:
                return False
        return full or joined > 1

    def _halves(self, tag: str) -> list[str]:
        """Cut around an "and" between two names, where nothing shows it: "elmandpine"."""
        word = folded(tag)
        if len(word) != len(tag):
            return []
        for joint in _JOINTS:
            at = word.find(joint, 2)
            while at > 0:
                cuts = [0, at, at + len(joint), len(word)]
                halves = [word[: cuts[1]], word[cuts[2] :]]
                if all(self._names.is_one_word(half) for half in halves):
                    return [tag[a:b] for a, b in pairwise(cuts)]
                at = word.find(joint, at + 1)
        return []
