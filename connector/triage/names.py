"""How people write the names of places: folding, abbreviations, number names, and an index of the city's own names.

A word is folded to one form on both sides, in the city's list and in the post: "Ave", "Av." and "avenida" are
`avenue`, "Fifth" and "quinta" are `5th`. `Names` is the index; `mentions.py` asks it and weighs what it finds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from connector.triage.slips import Slips
from connector.triage.vocabulary import AFTER, THE

WORD = re.compile(r"[^\W_]+(?:['_][^\W_]+)*")
"""A word of a `plain` text."""
_MOST_WORDS = 50_000
_APOSTROPHES = str.maketrans("", "", "'_")


class _Plain(dict[int, str]):
    """Filled as characters turn up: each becomes one character, so positions stay."""

    def __missing__(self, code: int) -> str:
        letter = unicodedata.normalize("NFD", chr(code))[0].lower()[0]
        other = "_" if unicodedata.combining(letter) else " "  # an accent on its own joins what stands around it
        plain = self[code] = letter if letter.isalnum() else other
        return plain


_PLAIN = _Plain({ord("’"): "'"})
_ODD = re.compile(r"[^\x00-\x7f]")

SUFFIXES = {
    variant: name
    for name, variants in {
        # USPS Publication 28, appendix C1, the part that cities use; then the Spanish ones.
        "street": "st str calle", "avenue": "ave av avenida avda aven", "road": "rd", "lane": "ln", "drive": "dr drv",
        "boulevard": "blvd bulevar boul", "court": "ct", "place": "pl", "alley": "aly", "terrace": "ter terr",
        "circle": "cir", "parkway": "pkwy", "highway": "hwy", "square": "sq plaza", "crescent": "cres", "way": "",
        "row": "", "walk": "", "steps": "", "trail": "trl", "loop": "", "path": "", "pike": "", "paseo": "",
        "crossing": "xing",
    }.items()
    for variant in (name, *variants.split())
}  # fmt: skip
LOOSE_SUFFIXES = frozenset(["street", "avenue", "road", "lane", "drive", "boulevard"])
"""Those that residents mix up: "Mill Road" is Mill Street in a city without a Mill Road."""
LEADING = frozenset(["calle", "avenida", "avda", "av", "bulevar", "paseo"])
"""Stand before the name in Spanish."""
NUMBERED = frozenset(["la", "el", "calle", "avenida", "av"])
"""Before a bare number they make it a street: "calle 9", "en la 13"."""
DIRECTIONS = {
    variant: name
    for name, variants in {"north": "n norte", "south": "s sur", "east": "e este", "west": "w oeste"}.items()
    for variant in (name, *variants.split())
}
_ENGLISH = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
    " sixteenth seventeenth eighteenth nineteenth twentieth"
)
_SPANISH = "primera segunda tercera cuarta quinta sexta septima octava novena decima"


def ordinal(number: int) -> str:
    """`21` → `21st`."""
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


ORDINALS = {word: ordinal(at) for words in (_ENGLISH, _SPANISH) for at, word in enumerate(words.split(), 1)}
ORDINALS |= {f"{at}{ending}": ordinal(at) for at in range(1, 41) for ending in ("ra", "da", "ta", "ma", "va", "na")}
_ABBREVIATIONS = {"apts": "apartments", "elem": "elementary", "hosp": "hospital", "ctr": "center", "centre": "center"}
ONE_FORM = {**SUFFIXES, **DIRECTIONS, **ORDINALS, **_ABBREVIATIONS}
_VARIANTS: dict[str, set[str]] = {}
for _word, _norm in ONE_FORM.items():
    _VARIANTS.setdefault(_norm, {_norm}).add(_word)
_TRANSLATED = {
    "library": "biblioteca", "hospital": "hospital", "school": "escuela", "market": "mercado", "stadium": "estadio",
    "beach": "playa", "laundromat": "lavanderia", "station": "estacion", "lighthouse": "faro", "museum": "museo",
    "fire": "bomberos", "mall": "centro comercial", "dump": "vertedero", "clinic": "clinica",
}  # fmt: skip
"""So that an alias "the library" is also found as "la biblioteca"."""


def plain(text: str) -> str:
    """A text without case, accents and signs beyond ASCII, character by character: each stays where it stands."""
    return text.lower() if text.isascii() else _ODD.sub(lambda odd: _PLAIN[ord(odd[0])], text).lower()


def folded(word: str) -> str:
    """A word without case, accents and apostrophes."""
    return plain(word).translate(_APOSTROPHES)


def words_of(name: str) -> list[str]:
    """The words of a name, each in its one form."""
    return [ONE_FORM.get(word, word) for word in map(folded, WORD.findall(plain(name).replace("&", " and ")))]


@dataclass(frozen=True, slots=True)
class Named:
    """A street or landmark as its file names it."""

    name: str
    aliases: tuple[str, ...] = ()
    main: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One way in which a text may name a street or a landmark."""

    place: int
    """Position in the list of streets, or of landmarks."""
    landmark: bool = False
    suffix: str = ""
    """The word that follows in the full name; empty: these words are the whole name."""
    direction: str = ""
    article: bool = False
    """Written with "the": "the Cut" is a place, "cut" is not."""
    proper: bool = True
    """Written with a capital in the city's list."""
    own: frozenset[str] = frozenset()
    """A landmark's full name, for "la playa Tidewater"."""


@dataclass(slots=True)
class Choice:
    """Some words and all that they may name."""

    name: str
    """The words."""
    rest: list[str]
    """Those after the first."""
    second: frozenset[str] = frozenset()
    """How the first of these may be written."""
    streets: list[Entry] = field(default_factory=list)
    bare: list[Entry] = field(default_factory=list)
    """Of its streets those that have a suffix, which the words alone leave out; all, if none has."""
    suffixes: set[str] = field(default_factory=set)
    """Of its streets; one may have none."""
    landmark: Entry | None = None

    def add(self, street: Entry) -> None:
        self.streets.append(street)
        self.suffixes.add(street.suffix)
        self.bare = [e for e in self.streets if e.suffix] or self.streets

    def towards(self, direction: str) -> Choice:
        """The streets that lie in this direction, or all if none does, with the word for it."""
        directed = Choice(f"{direction} {self.name}", self.rest, self.second)
        for street in [e for e in self.streets if e.direction == direction] or self.streets:
            directed.add(street)
        return directed


Start = tuple[int, list[Choice] | None]
"""A word's position and what it may name; None: a number or a misspelt word, see `mentions.py`."""


class Names:
    """All names of a city by their first word: `heads[word]` is a list of choices, the longest first."""

    def __init__(self, streets: Sequence[Named], landmarks: Sequence[Named]) -> None:
        self.heads: dict[str, list[Choice]] = {}
        self._slips = Slips()
        for at, street in enumerate(streets):
            for name in (street.name, *(alias for alias in street.aliases if not _same(alias, street.name))):
                self._add_street(name, at)
        for at, landmark in enumerate(landmarks):
            for name in (landmark.name, *landmark.aliases, *_in_spanish(landmark)):
                self._add_phrase(name, Entry(at, landmark=True, own=frozenset(words_of(landmark.name))))
        for choices in self.heads.values():
            choices.sort(key=lambda choice: -len(choice.rest))
        named = {word: self.heads.get(_one_form(word), []) for word in (*self.heads, *ONE_FORM)}
        named = {word: choices for word, choices in named.items() if choices}
        alone = {word: choices[-1] for word, choices in named.items() if not choices[-1].rest}
        self._choices = {word: choices for word, choices in named.items() if not word.isdecimal()}
        self._seconds = {word: frozenset().union(*(c.second for c in choices)) for word, choices in named.items()}
        """What may follow the first word of a name."""
        self._articled = {word for word, choice in alone.items() if _wants_article(choice)}
        """Words that are a name with an article."""
        self._alone = alone.keys() - self._articled
        """Words that are a name by themselves."""
        self._faint = {word for word in self._alone if not _is_full(alone[word])}
        """Those of them that are a street's name, not in full."""
        self._dull: set[str] = set()
        """Words that no name begins with, noted as they turn up, forgotten when there are too many."""

    def starts(self, words: Sequence[str]) -> list[Start]:
        """Where among the words of `cut` a name may begin; almost always nowhere, which costs one look-up a word."""
        dull, alone, choices = self._dull, self._alone, self._choices
        if dull.issuperset(words):
            return []
        return [
            (at, choices.get(word))
            for at, word in enumerate(words)
            if word not in dull and (word in alone or self._may_begin(words, at))
        ]

    def _may_begin(self, words: Sequence[str], at: int) -> bool:
        word, before, after = words[at], words[at - 1], words[at + 1]
        seconds = self._seconds.get(word)
        if seconds is not None:
            return after in seconds or (before in THE and word in self._articled)
        norm = _one_form(word)
        if norm.isdecimal() and len(norm) < 4 and ordinal(int(norm)) in self.heads:
            return before in NUMBERED
        if self.near(norm):
            return after in SUFFIXES or before in AFTER
        if len(self._dull) >= _MOST_WORDS:
            self._dull.clear()
        self._dull.add(word)
        return False

    def is_faint(self, word: str, after: str) -> bool:
        """Whether a folded word, with `after` as the next, can only be a street's name without its suffix."""
        return word in self._faint and after not in self._seconds[word]

    def near(self, word: str) -> str:
        """The street word that is one slip of the pen away from a folded word of six or more letters, or ""."""
        return self._slips.near(word) if len(word) > 5 else ""

    def _add_street(self, name: str, at: int) -> None:
        words = words_of(name)
        suffix = words[-1] if len(words) > 1 and words[-1] in SUFFIXES and words[-1] != words[0] else ""
        if not suffix or words[0] == "the" or words[0] in SUFFIXES:
            self._add_phrase(name, Entry(at))
            return
        core = words[:-1]
        direction = core[0] if len(core) > 1 and core[0] in DIRECTIONS else ""
        core = core[1:] if direction else core
        self._put(core, Entry(at, suffix=suffix, direction=direction))
        for ending in (variant for variant, one in SUFFIXES.items() if one == suffix):
            self._put(["".join(core) + ending], Entry(at))
        for word in core:
            if len(word) >= 6 and word.isalpha():
                self._slips.add(word)

    def _add_phrase(self, name: str, entry: Entry) -> None:
        words = words_of(name)
        article = bool(words) and words[0] == "the"
        rest = words[1:] if article else words
        proper = not name.islower()
        direction = rest[0] if len(rest) == 2 and rest[0] in DIRECTIONS else ""
        if direction and not entry.landmark:  # "N Cedar": the bare name, as in "Cedar"
            self._put(rest[1:], Entry(entry.place, suffix="?", direction=direction))
        elif rest:
            self._put(rest, replace(entry, article=article, proper=proper))
            if len(rest) > 1:
                self._put(["".join(rest)], Entry(entry.place, entry.landmark))

    def _put(self, words: list[str], entry: Entry) -> None:
        choices = self.heads.setdefault(words[0], [])
        choice = next((choice for choice in choices if choice.rest == words[1:]), None)
        if choice is None:
            second = frozenset(_VARIANTS.get(words[1], words[1:2])) if words[1:] else frozenset()
            choices.append(choice := Choice(" ".join(words), words[1:], second))
        if entry.landmark:
            choice.landmark = choice.landmark or entry
        elif all((e.place, e.article) != (entry.place, entry.article) for e in choice.streets):
            choice.add(entry)


def _one_form(word: str) -> str:
    return ONE_FORM.get(word, word)


def _wants_article(choice: Choice) -> bool:
    """Whether it is nothing but a landmark, and that only with its article."""
    return choice.landmark is not None and choice.landmark.article and not choice.streets


def _is_full(choice: Choice) -> bool:
    """Whether its words may be the whole name of something."""
    return choice.landmark is not None or "" in choice.suffixes


def _same(alias: str, name: str) -> bool:
    """Whether an alias adds no more than an article."""
    words = words_of(alias)
    return words[1:] == words_of(name) and words[:1] == ["the"]


def _in_spanish(landmark: Named) -> Iterator[str]:
    """The landmark's plain aliases, such as "the library", in Spanish."""
    for alias in landmark.aliases:
        words = [word for word in words_of(alias) if word != "the"]
        if any(word in _TRANSLATED for word in words) and all(w in _TRANSLATED or w.isdigit() for w in words):
            yield "the " + " ".join(_TRANSLATED.get(word, word) for word in words)
