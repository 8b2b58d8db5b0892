"""How people write the names of places: folding, abbreviations, number names, and an index of the city's own names.

A word is folded to one form on both sides, in the city's list and in the post: "Ave", "Av." and "avenida" are
`avenue`, "Fifth" and "quinta" are `5th`. `Names` is the index; `mentions.py` asks it and weighs what it finds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from connector.triage.slips import LONG, Slips
from connector.triage.vocabulary import AFTER, THE

T = TypeVar("T")

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
        "street": "st str strt calle", "avenue": "ave av avenida avda aven", "road": "rd", "lane": "ln",
        "drive": "dr drv", "boulevard": "blvd blv bulevar boul", "court": "ct", "place": "pl", "alley": "aly",
        "terrace": "ter terr", "circle": "cir", "parkway": "pkwy", "highway": "hwy", "square": "sq plaza",
        "crescent": "cres", "way": "wy", "row": "", "walk": "", "steps": "", "trail": "trl", "loop": "", "path": "",
        "pike": "", "paseo": "", "crossing": "xing",
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
    for name, variants in {
        "north": "n norte", "south": "s sur", "east": "e este", "west": "w oeste",
        "northeast": "ne", "northwest": "nw", "southeast": "se", "southwest": "sw",
    }.items()
    for variant in (name, *variants.split())
}  # fmt: skip
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
_ABBREVIATIONS = {
    "apts": "apartments", "elem": "elementary", "hosp": "hospital", "ctr": "center", "centre": "center",
    "theatre": "theater", "harbour": "harbor", "mkt": "market", "stn": "station", "pk": "park", "sch": "school",
    "hs": "high", "hts": "heights", "mt": "mount", "libary": "library", "librery": "library", "cntr": "center",
    "comm": "community", "univ": "university", "bldg": "building", "apt": "apartment", "hdqtrs": "headquarters",
}  # fmt: skip
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
_KINDS = {
    "park": "parque", "library": "biblioteca", "hospital": "hospital", "elementary": "primaria escuela",
    "school": "escuela", "bridge": "puente", "market": "mercado", "museum": "museo", "beach": "playa",
    "theater": "teatro", "stadium": "estadio", "station": "estacion", "apartments": "apartamentos edificio",
    "lighthouse": "faro", "college": "colegio", "montessori": "montessori", "grocery": "tienda",
}  # fmt: skip
"""So that "Lowell Park" is also found as "parque Lowell"."""
_PHRASES = {
    "city hall": ("ayuntamiento", "alcaldia"), "town hall": ("ayuntamiento", "alcaldia"),
    "post office": ("correo", "oficina de correos"), "bus station": ("terminal de buses", "terminal de autobuses"),
    "high school": ("preparatoria", "prepa"), "middle school": ("secundaria",), "dog park": ("parque de perros",),
    "fish market": ("mercado de pescado", "mercado de mariscos"), "mall": ("centro comercial",),
    "ferry terminal": ("terminal del ferry", "muelle del ferry"), "tram stop": ("parada del tranvia",),
    "footbridge": ("puente peatonal",), "police headquarters": ("comisaria",), "skate park": ("parque de patinaje",),
    "boat museum": ("museo de barcos",), "recycling center": ("centro de reciclaje",),
}  # fmt: skip


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
    core: str = ""
    """The words without a direction."""

    def __post_init__(self) -> None:
        self.core = self.core or self.name

    def add(self, street: Entry) -> None:
        self.streets.append(street)
        self.suffixes.add(street.suffix)
        self.bare = [e for e in self.streets if e.suffix] or self.streets

    def towards(self, direction: str) -> Choice:
        """The streets that lie in this direction, or all if none does, with the word for it."""
        directed = Choice(f"{direction} {self.name}", self.rest, self.second, core=self.core)
        for street in [e for e in self.streets if e.direction == direction] or self.streets:
            directed.add(street)
        return directed


Start = tuple[int, list[Choice] | None]
"""A word's position and what it may name; None: a number or a misspelt word, see `mentions.py`."""


class _Opening(NamedTuple):
    """What must stand beside a word for a name to begin with it: nothing, or one of these after or before it."""

    alone: bool
    after: Collection[str]
    before: Collection[str]
    choices: list[Choice] | None
    """As in `Start`."""
    is_suffix: bool
    """Then the word before may be a misspelt name."""


class _Remembered(dict[str, T]):
    """What `find` says of a word, asked once; forgotten when there are too many words."""

    def __init__(self, find: Callable[[str], T]) -> None:
        super().__init__()
        self._find = find

    def __missing__(self, word: str) -> T:
        if len(self) >= _MOST_WORDS:
            self.clear()
        found = self[word] = self._find(word)
        return found


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
                if not name.startswith("the "):
                    self._may_be_misspelt(words_of(name)[0], LONG + 1)
        for choices in self.heads.values():
            choices.sort(key=lambda choice: -len(choice.rest))
        self._openings = _Remembered(self._opening)
        self._misspelt = _Remembered(self._slip)

    def starts(self, words: Sequence[str]) -> list[Start]:
        """Where among the words of `cut` a name may begin; almost always nowhere, which costs one look-up a word."""
        found: list[Start] = []
        openings = list(map(self._openings.__getitem__, words))
        for at, opening in enumerate(openings):
            if opening is None:
                continue
            alone, after, before, choices, is_suffix = opening
            if is_suffix and openings[at - 1] is None and self.slip(_one_form(words[at - 1]))[0]:
                found.append((at - 1, None))
            if alone or words[at + 1] in after or words[at - 1] in before:
                found.append((at, choices))
        return found

    def _opening(self, word: str) -> _Opening | None:
        norm, is_suffix = _one_form(word), word in SUFFIXES
        choices = self.heads.get(norm)
        if choices:
            articled = not choices[-1].rest and _wants_article(choices[-1])
            alone = not choices[-1].rest and not articled
            seconds = frozenset().union(*(choice.second for choice in choices))
            begun = None if word.isdecimal() else choices
            return _Opening(alone, seconds, THE if articled else (), begun, is_suffix)
        if is_suffix:
            return _Opening(False, (), (), None, True)
        if norm.isdecimal() and len(norm) < 4 and ordinal(int(norm)) in self.heads:
            return _Opening(False, (), NUMBERED, None, False)
        if len(norm) >= LONG and self._slips.near(norm):
            return _Opening(False, SUFFIXES, AFTER, None, False)
        return None

    def is_faint(self, word: str, after: str) -> bool:
        """Whether a folded word, with `after` as the next, can only be a street's name without its suffix."""
        opening = self._openings[word]
        if opening is None or not opening.alone or after in opening.after:
            return False
        return not _is_full(self.heads[_one_form(word)][-1])

    def slip(self, word: str) -> tuple[str, bool]:
        """The word of a name that a folded word misspells, or "", and whether it counts without the street's suffix."""
        return self._misspelt[word]

    def _slip(self, word: str) -> tuple[str, bool]:
        near = self._slips.near(word) if len(word) >= LONG else ""
        far = self._slips.far(word) if not near and len(word) >= LONG - 2 and word.isalpha() else ""
        return near or far, bool(near)

    def begins(self, word: str) -> bool:
        """Whether a name of the city begins with a folded word."""
        return _one_form(word) in self.heads

    def is_one_word(self, word: str) -> bool:
        """Whether a folded word is a street by itself: "elm", "5th", "elmstreet"."""
        return any(not choice.rest and choice.streets for choice in self.heads.get(_one_form(word), ()))

    def length(self, words: Sequence[str], at: int) -> int:
        """How many of some folded words, from this one on, are a street's name without its suffix; 0 if it is none."""
        for choice in self.heads.get(_one_form(words[at]), ()):
            end = at + 1 + len(choice.rest)
            if choice.streets and list(map(_one_form, words[at + 1 : end])) == choice.rest:
                return end - at
        return 0

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
        self._may_be_misspelt(core[0], LONG - 1)

    def _may_be_misspelt(self, word: str, least: int) -> None:
        if len(word) >= least and word.isalpha():
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
    """The landmark's plain aliases, such as "the library", in Spanish, and its name with the kind in front."""
    *rest, kind = words_of(landmark.name)
    if rest:
        yield from (f"{spanish} {' '.join(rest)}".title() for spanish in _KINDS.get(kind, "").split())
    for alias in (landmark.name, *landmark.aliases):
        plain_alias = " ".join(word for word in words_of(alias) if word != "the")
        yield from (f"the {spanish}" for spanish in _PHRASES.get(plain_alias, ()))
    for alias in landmark.aliases:
        words = [word for word in words_of(alias) if word != "the"]
        if any(word in _TRANSLATED for word in words) and all(w in _TRANSLATED or w.isdigit() for w in words):
            yield "the " + " ".join(_TRANSLATED.get(word, word) for word in words)
