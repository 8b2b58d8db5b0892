"""What counts as a word: the one place that folds and splits text, for rules and for posts.

Where X's documentation settles a point, it is followed; where it does not, it is decided here, once:

- A token is a run of letters, digits and marks; punctuation, symbols, separators and `_` part tokens and are never
  one. So `pothole` meets "#pothole", "@pothole" and "pothole's", not "potholes", and "don't" is the phrase "don t",
  with a straight apostrophe or a curly one.
- A phrase meets its words whatever stands between them, line breaks too: "street light" meets "street-light". X's old
  PowerTrack said otherwise, its search says so; for a city both mean the same lamp.
- Case never counts. Accents (U+0300–036F only, for wider stripping breaks kana and Devanagari) count where `accents`
  is true, on X's stream; its search and we ourselves fold them. Composed and decomposed writing are one.
- An emoji is a token; its variant selectors, joiners and skin tones do not count.
- Chinese, Japanese and Korean have one token a character, so that a keyword there is a phrase.
- A hashtag, a cashtag and a mention is met whole, as the source marks it; where the source marks none, as X would in
  the text. Hashtags follow the accents of the surface.
- A keyword looks into the text alone, not into what a link expands to: X's current page says "the post's body".
- The text of a quoted post counts, except on X's search; a phrase never reaches over into it.
- Words are near each other as Lucene counts: `"a b"~3` lets three words stand between, one in the reverse order.

Read on in `matcher.py`, which asks.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

_EMOJI_SINGLES = frozenset("⌚⌛⌨⏏⏩⏪⏫⏬⏭⏮⏯⏰⏱⏲⏳⏸⏹⏺▪▫▶◀◻◼◽◾⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙")
_EMOJI_BLOCKS = ((0x2600, 0x27BF), (0x1F000, 0x1FBFF))
_SKIN_TONES = (0x1F3FB, 0x1F3FF)
_ACCENTS = (0x0300, 0x036F)
# Han with its marks, kana, Hangul syllables; sorted, first and last of each block.
_ONE_EACH = (
    (0x3005, 0x3007),
    (0x3041, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),
)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_TAG_SIGN = re.compile("[#＃]")
_CASHTAG = re.compile(r"(?<!\S)\$([A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?)(?=\Z|\s|[!-/:-@\[-`{-~])")
_ONE_EACH_STARTS = [first for first, _ in _ONE_EACH]


def is_emoji(char: str) -> bool:
    """Whether the character is an emoji by itself."""
    code = ord(char)
    in_block = any(first <= code <= last for first, last in _EMOJI_BLOCKS)
    return char in _EMOJI_SINGLES or (in_block and unicodedata.category(char) == "So")


def is_ignored(char: str) -> bool:
    """Whether the character has no weight: variant selectors, joiners, skin tones, soft hyphens, direction marks."""
    code = ord(char)
    if _SKIN_TONES[0] <= code <= _SKIN_TONES[1] or 0xFE00 <= code <= 0xFE0F:
        return True
    return unicodedata.category(char) == "Cf" and code != 0x200B


def is_wordlike(char: str) -> bool:
    """Whether the character can be part of a word or a hashtag: letter, mark, digit or underscore."""
    return char == "_" or unicodedata.category(char)[0] in "LMN"


def _is_one_each(code: int) -> bool:
    at = bisect_right(_ONE_EACH_STARTS, code) - 1
    return at >= 0 and code <= _ONE_EACH[at][1]


def _strip(text: str) -> str:
    """The text without accents."""
    parts = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFC", "".join(c for c in parts if not _ACCENTS[0] <= ord(c) <= _ACCENTS[1]))


class _Folding(dict[int, str]):
    """A table for `str.translate`, filled as characters turn up: folded letters, blanks around and between tokens."""

    def __init__(self, accents: bool) -> None:
        super().__init__()
        self._accents = accents
        self.steady: set[str] = set()
        """Those seen so far that become one character."""

    def __missing__(self, code: int) -> str:
        piece = self[code] = self._fold(chr(code))
        if len(piece) == 1:
            self.steady.add(chr(code))
        return piece

    def _fold(self, char: str) -> str:
        if is_ignored(char):
            return ""
        if is_emoji(char):
            return f" {char} "
        if unicodedata.category(char)[0] not in "LMN":
            return " "
        folded = char.casefold() if self._accents else _strip(_strip(char).casefold())
        return f" {folded} " if _is_one_each(ord(char)) else folded


_FOLDINGS = {True: _Folding(accents=True), False: _Folding(accents=False)}


_ASCII = "".join(_FOLDINGS[True][code] for code in range(128)).encode() + bytes(range(128, 256))
"""The same for the bytes of UTF-8, which leaves all others as they are; accents make no difference in ASCII."""


def split(text: str, accents: bool) -> list[str]:
    """The folded tokens of a text, in order."""
    return folded(composed(text), accents).split()


def composed(text: str) -> str:
    """The text in NFC, the form that `folded` and `offsets` take; nearly every post already is."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def folded(text: str, accents: bool) -> str:
    """A composed text as its folded tokens, with blanks where they part: one for each character between them."""
    if text.isascii():
        return text.encode().translate(_ASCII).decode()
    folding = _FOLDINGS[accents]
    ascii_done = text.encode("utf-8", "replace").translate(_ASCII).decode()
    return _NOT_ASCII.sub(lambda run: run[0].translate(folding), ascii_done)


def offsets(text: str, accents: bool) -> Sequence[int]:
    """For each character of `folded`, and two more, the place in the composed text that it comes from."""
    folding = _FOLDINGS[accents]
    if folding.steady.issuperset("".join(_NOT_ASCII.findall(text))):
        return range(len(text) + 2)
    found: list[int] = []
    done = 0
    for run in _NOT_ASCII.finditer(text):
        start, end = run.span()
        found += range(done, start)
        for at in range(start, end):
            found += [at] * len(folding[ord(text[at])])
        done = end
    found += range(done, len(text) + 2)
    return found


@lru_cache(maxsize=4096)
def fold_tag(tag: str, accents: bool) -> str:
    """A hashtag in the form in which two of them are compared: whole, never split."""
    folding = _FOLDINGS[accents]
    return "".join(char if folding[ord(char)] == " " else folding[ord(char)].strip() for char in composed(tag))


def hashtags_in(text: str) -> list[tuple[int, str]]:
    """The hashtags that stand in a text (position of the sign, tag), for sources that do not name them.

    As on X, a tag starts after something that is not part of a word and holds at least one letter.
    """
    found: list[tuple[int, str]] = []
    if "#" not in text and "＃" not in text:
        return found
    for sign in _TAG_SIGN.finditer(text):
        at, end = sign.span()
        if at and (is_wordlike(text[at - 1]) or text[at - 1] == "&"):
            continue
        while end < len(text) and (is_wordlike(text[end]) or text[end] == "\u200d"):
            end += 1
        tag = text[at + 1 : end]
        if any(unicodedata.category(c)[0] == "L" for c in tag):
            found.append((at, tag))
    return found


def cashtags_in(text: str) -> list[tuple[int, str]]:
    """The cashtags that stand in a text (position of the sign, tag): as on X, `$` and up to six letters, by itself."""
    return [(found.start(), found[1]) for found in _CASHTAG.finditer(text)] if "$" in text else []
