"""Dangers that a text tells of, as a dispatcher would hear them: gas, a wire down, fire, somebody hurt, water, a hole.

`find_in` looks at every post that becomes a suspect, so a text without a danger's words costs one look at its words.
What is negated, over, imagined, a joke, or told from afar is none. The phrases stand in `danger_words.py`; whom to call
stands in the settings, `[oncall]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from connector.triage import danger_words
from connector.triage.names import plain
from connector.triage.text import cut, spaced

KINDS = tuple(danger_words.PHRASES)
"""The gravest first."""
_BESIDE: dict[str, list[tuple[str, list[frozenset[str]]]]] = {}
"""`NEEDED` by its words: of what kind a phrase with one of them may be, and what then stands beside."""
for _kind, _needed in danger_words.NEEDED.items():
    for _words, _lists in _needed.items():
        for _word in _words.split():
            _beside = [frozenset(words.split()) for words in _lists.split(",") if words]
            _BESIDE.setdefault(_word, []).append((_kind, _beside))
_TELLING = frozenset(_BESIDE)
_NAMING = frozenset().union(*danger_words.WORDS.values())
"""Without one of these outside of its links a text tells of no danger."""
_GAP, _WORD = r"\s+", r"[^\W_]+(?:'[^\W_]+)?"
_OTHER_SCRIPT = re.compile("[\u0400-\u04ff\u0600-\u06ff\u3400-\u9fff\uac00-\ud7af]")
_NO_SIGN = re.compile(r"[^\w\s.!?;@']|_")
_ASCII = "".join(map(chr, range(128)))
_FOLDED = _NO_SIGN.sub(" ", _ASCII).lower().encode() + bytes(128)
"""For `bytes.translate`: what `_NO_SIGN` makes of an ASCII text."""
_PARTED = re.sub(r"[\W_]", " ", _ASCII).lower().encode() + bytes(128)
"""Likewise, with a space for all that is no part of a word."""
_LETTERS = re.compile(r"[^\W_]+")
_SENTENCE_END = re.compile(r"[.!?;\n]")
_REACH = 60
"""Characters before a phrase in which a word may unsay it."""
_OF_PEOPLE = ("hurt", "water")
_TRAPPED = re.compile(r"trapped|stuck|stranded|pinned|atrapad")
_FLOOD = re.compile(r"\bflood\w*|\bunderpass\b|\bwater (?:is |still )*rising|\binundad\w+|\bagua\b|\bcreek\b|\bwater\b")


class Danger(NamedTuple):
    """What is dangerous, and the words that say so."""

    kind: str
    start: int
    end: int


def find(text: str) -> Danger | None:
    """The gravest danger that stands in a text, or None."""
    return find_in(text, cut(spaced(text)))


def find_in(text: str, words: Sequence[str]) -> Danger | None:
    """As `find`, for a text that somebody has cut into words (`text.py`): then most cost a look at these."""
    found = None if _NAMING.isdisjoint(words) else _in_latin(text, words)
    if found is None and not text.isascii() and _OTHER_SCRIPT.search(text):
        found = _in_other_scripts(text)
    return found


def _in_latin(text: str, there: Sequence[str]) -> Danger | None:
    letters = plain(text)
    kinds = _possible(letters)
    if not kinds:
        return None
    folded = letters.encode().translate(_FOLDED).decode() if letters.isascii() else _NO_SIGN.sub(" ", letters)
    for kind, words in danger_words.WORDS.items():
        if kind in kinds and (match := _told(kind, folded)) and not words.isdisjoint(there):
            flooded = kind == "hurt" and _TRAPPED.search(match[0]) and _FLOOD.search(folded)
            found = Danger("water" if flooded else kind, match.start(), match.end())
            return None if _is_far(folded, text, kind) else found
    return None


def _possible(letters: str) -> set[str]:
    """The kinds of which a phrase may stand in a `plain` text."""
    words = letters.encode().translate(_PARTED).decode().split() if letters.isascii() else _LETTERS.findall(letters)
    telling = _TELLING.intersection(words)
    if not telling:
        return set()
    there = set(words)
    return {kind for word in telling for kind, lists in _BESIDE[word] if not any(map(there.isdisjoint, lists))}


def _told(kind: str, folded: str) -> re.Match[str] | None:
    """The first phrase of this kind that is meant."""
    if not _endings(kind).search(folded):
        return None
    return next((match for match in _phrases(kind).finditer(folded) if _is_meant(folded, match)), None)


def _is_far(folded: str, text: str, kind: str) -> bool:
    """Whether something anywhere in the text unsays it: it is over, told from afar, or said in jest."""
    if _NEWS.search(folded) or (_OVER.search(folded) and not _STILL.search(folded)):
        return True
    if kind in _OF_PEOPLE and _JOKING.search(text.lower()):
        return True
    return kind == "fire" and _PRAISE.search(folded) is not None


def _in_other_scripts(text: str) -> Danger | None:
    for kind, phrases in _SCRIPTS.items():
        if match := phrases.search(text):
            return Danger(kind, match.start(), match.end())
    return None


def _is_meant(folded: str, match: re.Match[str]) -> bool:
    """Whether nothing before the phrase, within its sentence, takes it back."""
    before = folded[max(0, match.start() - _REACH) : match.start()]
    ends = [end.end() for end in _SENTENCE_END.finditer(before)]
    before = " ".join(before[ends[-1] if ends else 0 :].split())
    before = f"{before} " if before else ""
    if _NEGATED.search(before) or _UNREAL.search(before):
        return False
    return not _UNREAL_INSIDE.search(match[0])


def _compiled(phrase: str) -> str:
    parts = re.split("( ?~+ ?)", phrase.replace("~ ~", "~~"))
    return (
        "".join(f"{_GAP}(?:{_WORD}{_GAP}){{0,{3 * part.count('~')}}}" if "~" in part else part for part in parts)
        .replace(" ?", r"\s*")
        .replace(" ", _GAP)
    )


@cache
def _phrases(kind: str) -> re.Pattern[str]:
    """Compiled when first asked for: a command would wait for it."""
    return _any_of(danger_words.PHRASES[kind])


@cache
def _endings(kind: str) -> re.Pattern[str]:
    """Stands in every text in which a phrase of this kind stands; people are dear to look for, and left out."""
    return _any_of([_LATE_OPENING.sub("", phrase) for phrase in danger_words.PHRASES[kind]])


def _any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    # All begin with a letter: told beforehand, this spares the search half of the places.
    return re.compile(rf"\b(?=\w)(?:{'|'.join(map(_compiled, phrases))})(?!\w)")


_LATE_OPENING = re.compile(rf"^(?:{'|'.join(map(re.escape, danger_words.OPENINGS))})~+ ")
_SCRIPTS = {kind: re.compile(phrases, re.IGNORECASE) for kind, phrases in danger_words.SCRIPTS.items()}
_NEGATED, _UNREAL = re.compile(danger_words.NEGATED), re.compile(danger_words.UNREAL)
_UNREAL_INSIDE = re.compile(r"\b(?:will|would|could|might|gonna|going to|may|nearly|almost)\b")
_OVER, _STILL, _NEWS = re.compile(danger_words.OVER), re.compile(danger_words.STILL), re.compile(danger_words.NEWS)
_JOKING, _PRAISE = re.compile(danger_words.JOKING), re.compile(danger_words.PRAISE)
