"""The words of a post, as `near.py` weighs them and `near_keys.py` finds them: folded, without what says nothing.

Pure: no table, no clock. A text's `wording` is plain values, so that a helper process can send it; what it is `told` of
is read later, and only of posts that are weighed. Both are remembered by text, for the same suspects are asked again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from connector.triage.names import ORDINALS, SUFFIXES, plain
from connector.triage.text import ascii_words

LONG_ENOUGH = 4
"""Words that a copy needs to be told from chance: "pothole!" is written by many."""
_MOST_WORDS, _MOST_TEXTS = 50_000, 20_000


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_LINK = re.compile(r"\b(?:\w+://|www\.|t\.co/)\S+")
_LINK_SIGNS = ("://", "www.", "t.co/")
_HANDLE = re.compile("@\\w[\\w.-]*|\ufdd0\\d+\ufdd1")
_REPOST = re.compile(r"\s*rt\b[\s:]*", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DIGITS = re.compile(r"\d{1,5}[a-z]?")
_NUMBER = re.compile(r"[a-z]?\d{3,5}[a-z]?")
_ENDINGS = re.compile(r"(?:'s|ing|ed|es|s|o|os|as|a)$")
_IDLE = _set(
    "a about after again all also am an and any are as at be because been being but by can could de del did do does "
    "down el en es esta este for from get getting go going got had has have he her here hey hi his how i if in into "
    "is it it's its i'm ya just la las like lo los lot made make many me more most much my need needs new no not "
    "now of off on one only or other our out over please pls por que really right se she should since so some still "
    "su than thank thanks that that's the their them then there there's these they this those through to too un una "
    "up us very was way we were what when where which while who why will with would y you your city town street "
    "streets road avenue side near corner front house area people someone somebody issue problem report reported "
    "resident location between across block fix fixed"
)
_NO_NAME = _set("the this that my our your a of on in at and to main one whole entire each every street")
_KINDS = {
    word: (family, group.partition("/")[0])
    for family, names in {
        "animal": "dog/perro cat/gato deer/venado coyote raccoon/mapache seal/foca bird rat/rata snake possum skunk",
        "thing": "mattress/colchon sofa/couch tire/tires/llanta tv/television fridge/refrigerator bed toilet",
        "fixture": "hydrant lamp/streetlight/streetlamp/bulb/lampara signal/signals/semaforo sign/signs stump/stumps"
        " limb/limbs/branch/branches/rama",
        "vehicle": "van camper/rv/motorhome boat trailer motorcycle bus wagon atv/atvs/quads",
        "ground": "sidewalk/sidewalks/walkway/walkways/shovel/shoveled/shoveling/banqueta/acera"
        " plow/plowed/plowing/plows/replow/unplowed drain/drains/sewer/basin ban/bans lot",
        "rubbish": "bin/bins/toter/toters/pickup/truck dumped/dumping/dump/sofa/mattress/tires litter",
    }.items()
    for group in names.split()
    for word in group.split("/")
}
"""What a post tells of, by families of which it is mostly one or the other: two that differ contradict each other."""
_IN_ROWS = _set(
    "lamp lamps light lights streetlight streetlights bulb bulbs pole poles fixture fixtures tree trees limb limbs "
    "stump stumps sign signs sidewalk sidewalks slab curb bin bins toter toters car cars meter meters"
)
"""Things that stand one beside the other: the next one, a few metres on, is another."""
_WIDE = _set(
    "pothole potholes hole holes bache baches flood flooded flooding inundado inundada outage plow plowed plowing "
    "smell noise music"
)
"""What is told of a stretch rather than of a spot."""
_AT_LARGE = _set("citywide everywhere policy ban bans kudos mayor alcalde council taxes coordinated idea suggestion")
"""Of a text about how things are, rather than what is broken where."""
_NOT_A_NUMBER = re.compile(r"(?:19|20)\d\d|[39]11|0\d*")
_SIGNS = _IN_ROWS | _WIDE | _AT_LARGE | SUFFIXES.keys() | _KINDS.keys()
"""Of a text's words the few that are looked at twice."""


class _Stems(dict[str, str]):
    """Words without their endings, filled as they turn up; empty for one that tells nothing."""

    def __missing__(self, word: str) -> str:
        stem = _ENDINGS.sub("", word) if len(word) > 4 else word
        if len(self) >= _MOST_WORDS:
            self.clear()
        stem = self[word] = "" if word in _IDLE or len(stem) < 2 else stem
        return stem


_STEMS = _Stems()


class Wording(NamedTuple):
    """The words of a text, folded, in plain values that travel well between processes."""

    copy: str
    """The text without handles, links, signs and case: equal in copies."""
    telling: str
    """Of its words those that tell something, each once, in any order."""


@dataclass(slots=True)
class Told:
    """What a text tells."""

    words: AbstractSet[str]
    """Those that tell something."""
    numbers: AbstractSet[str]
    """Of houses, lamps, poles."""
    streets: AbstractSet[str]
    """The word before a "street", "ave" and so on."""
    kinds: AbstractSet[tuple[str, str]]
    """Of what it tells, each with its family."""
    in_rows: bool
    """Whether it tells of a thing that stands in rows."""
    wide: bool
    """Whether it tells of a whole stretch."""
    at_large: bool
    """Whether it talks of the city as such."""


class _Wordings(dict[str, Wording]):
    """Of texts, because the same suspects are asked again and again; filled as they turn up."""

    def __missing__(self, text: str) -> Wording:
        words, telling = cut(text)
        return self.take(text, made_of(words, telling))

    def take(self, text: str, one: Wording) -> Wording:
        if len(self) >= _MOST_TEXTS:
            self.clear()
        self[text] = one
        return one


_WORDINGS = _Wordings()


def wording(text: str) -> Wording:
    """All that it takes to find copies."""
    return _WORDINGS[text]


def remember(text: str, one: Wording) -> None:
    """What another process has read out of a text, which costs more than to send it."""
    _WORDINGS.take(text, one)


@lru_cache(maxsize=_MOST_TEXTS)
def told(text: str) -> Told:
    """What the text tells: dearer than its wording, and asked only of posts that are weighed; remembered likewise."""
    one = wording(text)
    all_words = one.copy.split()
    signs = _SIGNS.intersection(all_words)
    numbers, streets = _addresses(all_words, signs)
    kinds = frozenset([_KINDS[word] for word in signs if word in _KINDS])
    return Told(
        frozenset(one.telling.split()), numbers, streets, kinds,
        not signs.isdisjoint(_IN_ROWS), not signs.isdisjoint(_WIDE), not signs.isdisjoint(_AT_LARGE),
    )  # fmt: skip


def cut(text: str) -> tuple[list[str], set[str]]:
    """All words of a text, and those that tell something."""
    words = _words(text)
    telling = set(map(_STEMS.__getitem__, words))
    telling.discard("")
    return words, telling


def made_of(words: Sequence[str], telling: Iterable[str]) -> Wording:
    return Wording(" ".join(words), " ".join(telling))


def _words(text: str) -> list[str]:
    if "/" in text or "@" in text or "\ufdd0" in text:
        text = _without_links(text)
        text = _HANDLE.sub(" ", text) if "@" in text or "\ufdd0" in text else text
    text = _REPOST.sub("", text, count=1) if text[:2].lower() == "rt" else text
    text = plain(text)
    return ascii_words(text) if text.isascii() else _WORD.findall(text)


def _without_links(text: str) -> str:
    """Most links stand at the end: only from the word on in which the first one begins the text is searched."""
    begun = [at for sign in _LINK_SIGNS if (at := text.find(sign)) >= 0]
    if not begun:
        return text
    start = text.rfind(" ", 0, min(begun)) + 1
    return text[:start] + _LINK.sub(" ", text[start:])


def _addresses(words: Sequence[str], signs: AbstractSet[str]) -> tuple[AbstractSet[str], AbstractSet[str]]:
    """Numbers that name a house, a lamp or a pole, and the names before a word for a street.

    `signs`: those of the words that may be words for streets.
    """
    numbers = [word for word in words if not word.isalpha() and _is_number(word)]
    streets: list[str] = []
    suffixes = signs & SUFFIXES.keys()
    for at in [at for at, word in enumerate(words) if word in suffixes] if suffixes else []:
        if at and (name := words[at - 1]) not in _NO_NAME:
            streets.append(ORDINALS.get(name, name))
            if at > 1 and _DIGITS.fullmatch(words[at - 2]):
                numbers.append(words[at - 2])
    return frozenset(numbers), frozenset(streets)


def _is_number(word: str) -> bool:
    return bool(_NUMBER.fullmatch(word)) and not _NOT_A_NUMBER.fullmatch(word)


def is_copy(a: str, b: str) -> bool:
    """Whether one text is the other but for handles, links, signs and case, and too long to be so by chance."""
    copy = wording(a).copy
    return copy.count(" ") >= LONG_ENOUGH - 1 and copy == wording(b).copy
