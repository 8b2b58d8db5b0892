"""How people write the names of places: folding, abbreviations, number names, and an index of the city's own names.

A word is folded to one form on both sides, in the city's list and in the post: "Ave", "Av." and "avenida" are
`avenue`, "Fifth" and "quinta" are `5th`. `Names` is the index; `mentions.py` asks it and weighs what it finds.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

WORD = re.compile(r"[^\W_]+(?:['_][^\W_]+)*")
"""A word of a `plain` text."""
_APOSTROPHES = str.maketrans("", "", "'_")


class _Plain(dict[int, str]):
    """Filled as characters turn up: each becomes one character, so positions stay."""

    def __missing__(self, code: int) -> str:
        plain = self[code] = unicodedata.normalize("NFD", chr(code))[0].lower()[0]
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
    """A text without case and accents, character by character: what stands at a position stays there."""
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


class Names:
    """All names of a city by their first word: `heads[word]` is a list of (words, entries), the longest first."""

    def __init__(self, streets: Sequence[Named], landmarks: Sequence[Named]) -> None:
        self.heads: dict[str, list[tuple[list[str], list[Entry]]]] = {}
        self._deleted: dict[str, set[str]] = {}
        for at, street in enumerate(streets):
            for name in (street.name, *(alias for alias in street.aliases if not _same(alias, street.name))):
                self._add_street(name, at)
        for at, landmark in enumerate(landmarks):
            for name in (landmark.name, *landmark.aliases, *_in_spanish(landmark)):
                self._add_phrase(name, Entry(at, landmark=True, own=frozenset(words_of(landmark.name))))
        for choices in self.heads.values():
            choices.sort(key=lambda choice: -len(choice[0]))
        variants: dict[str, list[str]] = {}
        for variant, one in ONE_FORM.items():
            variants.setdefault(one, []).append(variant)
        self.triggers: dict[str, frozenset[str] | None] = {}
        """Every folded word that may begin a name, and which words may follow; None: any, it is a name by itself."""
        for head, choices in self.heads.items():
            alone = any(len(words) == 1 for words, _ in choices)
            seconds = frozenset(form for words, _ in choices for form in _forms(words[1:2], variants))
            for form in _forms([head], variants):
                self.triggers[form] = None if alone else seconds
        numbers = frozenset(head[:-2] for head in self.heads if head[:-2].isdigit() and len(head) < 6)
        for word in NUMBERED:
            known = self.triggers.get(word, frozenset())
            self.triggers[word] = None if known is None else known | numbers

    def near(self, word: str) -> str:
        """The street word of six or more letters that is one slip of the pen away from a folded word, or ""."""
        for short in (word, *_one_less(word)):
            for right in self._deleted.get(short, ()):
                # An ending is grammar and another first letter another word, neither is a slip.
                if (
                    right[0] == word[0]
                    and right not in (word, word[:-1])
                    and right[:-1] != word
                    and _one_slip(word, right)
                ):
                    return right
        return ""

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
                for short in (word, *_one_less(word)):
                    self._deleted.setdefault(short, set()).add(word)

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
        entries = next((entries for known, entries in choices if known == words), None)
        if entries is None:
            choices.append((words, [entry]))
        elif all((e.place, e.landmark, e.article) != (entry.place, entry.landmark, entry.article) for e in entries):
            entries.append(entry)


def _same(alias: str, name: str) -> bool:
    """Whether an alias adds no more than an article."""
    words = words_of(alias)
    return words[1:] == words_of(name) and words[:1] == ["the"]


def _forms(words: list[str], variants: dict[str, list[str]]) -> Iterator[str]:
    """Each word in all its forms."""
    for word in words:
        yield word
        yield from variants.get(word, ())


def _in_spanish(landmark: Named) -> Iterator[str]:
    """The landmark's plain aliases, such as "the library", in Spanish."""
    for alias in landmark.aliases:
        words = [word for word in words_of(alias) if word != "the"]
        if any(word in _TRANSLATED for word in words) and all(w in _TRANSLATED or w.isdigit() for w in words):
            yield "the " + " ".join(_TRANSLATED.get(word, word) for word in words)


def _one_less(word: str) -> Iterable[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _one_slip(a: str, b: str) -> bool:
    """Whether one letter added, left out, changed, or two neighbours swapped make the one word the other."""
    if abs(len(a) - len(b)) == 1:
        longer, shorter = (a, b) if len(a) > len(b) else (b, a)
        return shorter in _one_less(longer)
    off = [at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y]
    swapped = len(off) == 2 and off[1] == off[0] + 1 and a[off[0]] == b[off[1]] and a[off[1]] == b[off[0]]
    return len(a) == len(b) and (len(off) == 1 or swapped)
