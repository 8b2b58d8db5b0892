"""How people write the names of places: folding, abbreviations, number names, and an index of the city's own names.

A word is folded to one form on both sides, in the city's list and in the post: "Ave", "Av." and "avenida" are
`avenue`, "Fifth" and "quinta" are `5th`. `Names` is the index; `mentions.py` asks it and weighs what it finds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import compress, count

from connector.triage.slips import Slips
from connector.triage.vocabulary import AFTER

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

    words: list[str]
    streets: list[Entry] = field(default_factory=list)
    suffixes: set[str] = field(default_factory=set)
    """Of its streets; one may have none."""
    landmark: Entry | None = None


_NOTHING, _NAME, _BEGINS, _NUMBER, _SLIP = range(5)
"""What a word alone hints at: a name, its first word, a street's number, a misspelt street."""


class _Hints(dict[str, int]):
    """Filled as words turn up, emptied when there are too many."""

    def __init__(self, of: Callable[[str], int]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_WORDS:
            self.clear()
        hint = self[word] = self._of(word)
        return hint


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
            choices.sort(key=lambda choice: -len(choice.words))
        self._seconds = {
            head: frozenset("".join(choice.words[1:2]) for choice in choices) for head, choices in self.heads.items()
        }
        self._hint = _Hints(self._hint_of).__getitem__

    def starts(self, words: Sequence[str]) -> list[int]:
        """Where among folded words a name may begin; almost always nowhere, which costs one look-up a word."""
        hints = list(map(self._hint, words))
        if not any(hints):
            return []
        return [at for at in compress(count(), hints) if hints[at] == _NAME or self._may_begin(hints[at], words, at)]

    def _hint_of(self, word: str) -> int:
        norm = ONE_FORM.get(word, word)
        seconds = self._seconds.get(norm)
        if seconds is not None:
            return _NAME if "" in seconds else _BEGINS
        if norm.isdecimal() and len(norm) < 4 and ordinal(int(norm)) in self.heads:
            return _NUMBER
        return _SLIP if self.near(norm) else _NOTHING

    def _may_begin(self, hint: int, words: Sequence[str], at: int) -> bool:
        after = words[at + 1] if at + 1 < len(words) else ""
        if hint == _BEGINS:
            return ONE_FORM.get(after, after) in self._seconds[ONE_FORM.get(words[at], words[at])]
        before = words[at - 1] if at else ""
        return before in NUMBERED if hint == _NUMBER else after in SUFFIXES or before in AFTER

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
        choice = next((choice for choice in choices if choice.words == words), None)
        if choice is None:
            choices.append(choice := Choice(words))
        if entry.landmark:
            choice.landmark = choice.landmark or entry
        elif all((e.place, e.article) != (entry.place, entry.article) for e in choice.streets):
            choice.streets.append(entry)
            choice.suffixes.add(entry.suffix)


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
