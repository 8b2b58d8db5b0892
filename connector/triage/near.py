"""Do two posts tell of the same problem? Type, place, time, wording, author and references are weighed into one number.

Pure: no table, no clock. `bands`, `cell` and `around` give the hashed addresses under which `grouping.py` finds the few
suspects worth weighing; `same` decides. A suspect is known by its first post alone, so posts never chain from street to
street. The weights were fitted on labelled pairs (`python -m connector figures duplicates`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import lru_cache
from math import cos, exp, floor, hypot, radians
from struct import Struct
from typing import NamedTuple

from rensa import RMinHash

from connector.triage.geometry import METRES_A_DEGREE
from connector.triage.names import ORDINALS, SUFFIXES, plain
from connector.triage.text import ascii_words

SURE = 0.75
"""From here on a post joins."""
FAR = 120.0
"""Metres from the first post beyond which nothing joins, however alike the words."""
LONG_ENOUGH = 4
"""Words that a copy needs to be told from chance: "pothole!" is written by many."""
_PLACES = ("geotag", "intersection", "address", "landmark", "by hand")
"""Ways of finding a place that name a spot; a street alone may be a mile long."""
_SIDE = 2.02 * FAR / METRES_A_DEGREE
"""Degrees of latitude; a hair more than twice as far, so that four squares around a point hold all that is near."""
_BANDS, _ROWS, _SEED = 4, 3, 311
"""Two texts that share J of their words and pairs of words meet in a band with 1 - (1 - J³)⁴: 0.94 for J = 0.8."""
_CELLS = -1
_BASIS, _PRIME, _MASK = 0xCBF29CE484222325, 0x9E3779B97F4A7C15, 2**64 - 1
_DIGEST, _KEYS = Struct("<" + f"{_ROWS}I4x" * _BANDS), Struct("<" + "q8x" * _BANDS)
"""The rows of each band, and the key of each band, in 128 bits: a key needs so many while it is mixed."""


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
_MOST_WORDS, _MOST_TEXTS = 50_000, 20_000


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


class Sight(NamedTuple):
    """A post, or the first post of a suspect, as far as it matters here."""

    type_id: int
    at: float
    """When it was written, in seconds since 1970."""
    text: str
    lat: float | None = None
    lon: float | None = None
    spot: bool = True
    """Whether the place is a spot; False: somewhere along a street."""
    author: str = ""
    """A pseudonym; empty: unknown."""


def is_spot(method: str) -> bool:
    """Whether a place found in this way names a spot."""
    return method in _PLACES


class _Wordings(dict[str, Wording]):
    """Of texts, because the same suspects are asked again and again; filled as they turn up."""

    def __missing__(self, text: str) -> Wording:
        words, telling = _cut(text)
        return self.take(text, _wording(words, telling))

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


def _cut(text: str) -> tuple[list[str], set[str]]:
    """All words of a text, and those that tell something."""
    words = _words(text)
    telling = set(map(_STEMS.__getitem__, words))
    telling.discard("")
    return words, telling


def _wording(words: Sequence[str], telling: Iterable[str]) -> Wording:
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


def distance(a: Sight, b: Sight) -> float | None:
    """Metres; None where one of the places is not known."""
    if a.lat is None or a.lon is None or b.lat is None or b.lon is None:
        return None
    return hypot((b.lon - a.lon) * cos(radians(a.lat)), b.lat - a.lat) * METRES_A_DEGREE


def same(a: Sight, b: Sight, days: float, metres: float | None = None, refers: bool = False) -> float:
    """How sure it is, 0 to 1, that both tell of one problem; `days` is the widest time between them.

    `metres`: where the distance is known otherwise than by the places. `refers`: one quotes, reposts or answers the
    other.
    """
    hours = abs(a.at - b.at) / 3600
    if hours > days * 24:
        return 0.0
    metres = distance(a, b) if metres is None else metres
    if metres is not None and metres > FAR:
        return 0.0
    if a.type_id != b.type_id:
        return 0.9 if is_copy(a.text, b.text) else 0.0  # a person retyped the first
    if refers or is_copy(a.text, b.text):
        return 0.97
    spots = metres is not None and a.spot and b.spot
    found = evidence(told(a.text), told(b.text), metres, spots, hours, (a.author, b.author))
    return 1 / (1 + exp(-sum(WEIGHTS[name] * value for name, value in found.items())))


def evidence(
    a: Told, b: Told, metres: float | None, spots: bool, hours: float, authors: tuple[str, str]
) -> dict[str, float]:
    """What speaks for and against one problem, each about 0 to 1; `WEIGHTS` says how much each counts."""
    known, soon = all(authors), max(0.0, 1 - hours / 24) if spots else 0.0
    shared = a.words & b.words
    fewer = min(len(a.words), len(b.words))
    streets, numbers = a.streets & b.streets, a.numbers & b.numbers
    other_street = bool(a.streets and b.streets and not streets)
    other_number = bool(a.numbers and b.numbers and not numbers)
    families = {family for family, _ in a.kinds} & {family for family, _ in b.kinds}
    other_thing = any(not {k for k in a.kinds & b.kinds if k[0] == family} for family in families)
    contradicts = other_street or other_number or other_thing
    return {
        "spots": float(spots),
        "nearness": max(-1.0, 1 - metres / 40) if spots and metres is not None else 0.0,
        "along": float(not spots and metres is not None),
        "nowhere": float(metres is None),
        "overlap": len(shared) / fewer if fewer > 1 else 0.0,
        "alike": max(0.0, 2 * len(shared) / len(a.words | b.words) - 1) if metres is None and fewer > 4 else 0.0,
        "shared": min(len(shared), 4) / 4,
        "nothing shared": float(not shared and fewer > 2),
        "soon": soon,
        "late": min(1.0, hours / 336),
        "street": float(bool(streets)),
        "number": float(bool(numbers)),
        "other street": float(other_street),
        "other number": float(other_number),
        "other thing": float(other_thing),
        "in rows": float(a.in_rows and b.in_rows and (metres is None or metres > 10)),
        "row": float(a.in_rows and b.in_rows),
        "wide": float(spots and a.wide and b.wide),
        "at large": float(a.at_large != b.at_large),
        "one author": float(known and authors[0] == authors[1]),
        "two people": soon if known and authors[0] != authors[1] and not contradicts else 0.0,
    }


WEIGHTS = {
    "spots": 0.1,
    "nearness": 0.9,
    "along": -1.2,
    "nowhere": -3.2,
    "overlap": 1.4,
    "alike": 4.5,
    "shared": 0.9,
    "nothing shared": -0.7,
    "soon": -1.2,  # several reports in one hour are one reporter's round of several things,
    "late": -0.3,
    "street": 0.8,
    "number": 1.3,
    "other street": -1.4,
    "other number": -3.0,
    "other thing": -2.5,
    "in rows": -1.1,
    "row": -0.3,
    "wide": 1.0,
    "at large": -1.5,
    "one author": 1.0,
    "two people": 2.6,  # unless we know that two people tell it
}


def bands(texts: Iterable[tuple[int, str]]) -> list[tuple[int, ...]]:
    """For each type and text the keys of its bands; none for a text that is too short to be known again."""
    return [keys for keys, _ in bands_and_wordings(texts)]


def bands_and_wordings(texts: Iterable[tuple[int, str]]) -> list[tuple[tuple[int, ...], Wording]]:
    """For each type and text the keys of its bands, as `bands`, and its wording."""
    found = [(type_id, *_cut(text)) for type_id, text in texts]
    keys = _keys([(type_id, _digest(words, telling)) for type_id, words, telling in found if _is_long(words)])
    return [(next(keys) if _is_long(words) else (), _wording(words, telling)) for _, words, telling in found]


def _is_long(words: Sequence[str]) -> bool:
    return len(words) >= LONG_ENOUGH


def _digest(words: Sequence[str], telling: Iterable[str]) -> list[int]:
    # Both words and pairs: word order tells a copy from a likeness.
    tokens = [*map(" ".join, zip(words, words[1:], strict=False)), *telling]
    # Not by rensa's call for many: it makes threads, which a process that `pool.py` forks off waits for in vain.
    made = RMinHash(_BANDS * _ROWS, _SEED)
    made.update(tokens)
    digest: list[int] = made.digest()
    return digest


def _keys(digests: Sequence[tuple[int, Sequence[int]]]) -> Iterator[tuple[int, ...]]:
    """What `_key` makes of the bands of each type and digest, all mixed as one number, 128 bits a key."""
    size = len(digests) * _DIGEST.size
    parts = int.from_bytes(b"".join([_DIGEST.pack(*digest) for _, digest in digests]), "little")
    mixed = int.from_bytes(b"".join([_begun_bands(type_id) for type_id, _ in digests]), "little")
    part, product, shifted = (_lowest(bits, size) for bits in (32, 64, 64 - 29))
    for _ in range(_ROWS):
        mixed = (mixed ^ parts & part) * _PRIME & product
        mixed ^= mixed >> 29 & shifted
        parts >>= 32
    return _KEYS.iter_unpack(mixed.to_bytes(size, "little"))


def _lowest(bits: int, size: int) -> int:
    """Ones for the lowest bits of each key in so many bytes."""
    return int.from_bytes((2**bits - 1).to_bytes(16, "little") * (size // 16), "little")


@lru_cache(maxsize=10_000)
def _begun_bands(type_id: int) -> bytes:
    return _KEYS.pack(*[_begun(type_id, at) for at in range(_BANDS)])


@lru_cache(maxsize=10_000)
def _begun(type_id: int, at: int) -> int:
    """With what the keys of one type begin, in one band or of all squares of ground."""
    return _key(_BASIS, type_id, at)


def cell(type_id: int, lat: float, lon: float) -> int:
    """The key of the square of ground in which something stands."""
    row = floor(lat / _SIDE)
    return _square(type_id, row, floor(lon / _width(row)))


def around(type_id: int, lat: float, lon: float) -> tuple[int, ...]:
    """The keys of the four squares that hold all within `FAR` metres."""
    south = floor(lat / _SIDE - 0.5)
    return _four(type_id, south, floor(lon / _width(south) - 0.5), floor(lon / _width(south + 1) - 0.5))


@lru_cache(maxsize=20_000)
def _four(type_id: int, south: int, west: int, west_in_the_north: int) -> tuple[int, ...]:
    """Of the squares whose western ones are these, in two rows."""
    squares = [(south, west), (south + 1, west_in_the_north)]
    return tuple([_square(type_id, row, at + east) for row, at in squares for east in (0, 1)])


@lru_cache(maxsize=20_000)
def _square(type_id: int, row: int, at: int) -> int:
    """Remembered: a city has a few thousand squares, and four of them mixed anew take 9 us instead of 1.5."""
    return _key(_begun(type_id, _CELLS), row, at)


@lru_cache(maxsize=10_000)
def _width(row: int) -> float:
    """Degrees of longitude; a row of squares has one width, wherever the city lies."""
    return _SIDE / max(0.01, cos(radians((row + 0.5) * _SIDE)))


def _key(begun: int, *parts: int) -> int:
    """64 bits, signed as a database keeps them; the same in every process and version of Python.

    `begun`: the key of the parts before these.
    """
    mixed = begun
    for part in parts:
        mixed = (mixed ^ part) * _PRIME & _MASK
        mixed ^= mixed >> 29
    return mixed - (mixed >> 63 << 64)
