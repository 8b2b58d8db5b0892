"""What a text says about where: which of the city's names stand in it, and what speaks for them.

`Reader.read_all` looks at every stored post, so a text without a name costs no more than cutting it and a look-up a
word (`Names.starts`). Only then are names matched and weighed (`mentions.py`), paired and ranked: address,
intersection, landmark, street. `gazetteer.py` hands in what only geometry knows and turns the `Reading` into a point;
`names.py` folds words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Literal, NamedTuple

from connector.triage.geometry import Point
from connector.triage.mentions import Mention, find_mentions, is_idle
from connector.triage.names import SUFFIXES, Named, Names, Start, words_of
from connector.triage.tags import Tags
from connector.triage.text import Cut, Text
from connector.triage.vocabulary import BETWEEN, CITIES, FILLERS, FROM, JOINTS, LOOSE, NEW, NO_CITY, SAN, UNTIL, VAGUE

Method = Literal["address", "intersection", "landmark", "street", "geotag", "place tag"]

_SIGNS = frozenset(["&", "&amp;", "/", "@", "+", "&amp"])
_EVERYWHERE = re.compile(
    r"\b(?:everywhere|city ?wide|all over (?:town|the city|the place)|the whole (?:city|town)|toda la ciudad"
    r"|(?:en|por) todas partes|en todos lados)\b",
    re.IGNORECASE,
)
_PAIRED = UNTIL | frozenset(["and", "y", "e", "amp"])
_PAIR_SIGNS = _SIGNS | frozenset(["-", "–"])
_JOINING = JOINTS | FILLERS
_TELLING = JOINTS | LOOSE | frozenset(["amp"])
"""Without one of these, words between two names tell of no crossing."""
_SENTENCE_END = re.compile(r"[.!?…](?=\s)|\n")
_CLOSE = 8
"""Words between two names that still belong together."""
_OF_THIS_CITY = 0.75
"""How sure a landmark is that has a name, not just "the library"."""
_INSIDE = ("in", "en")
_IN = (*_INSIDE, "downtown", "new", "san", "los", "santa")
_PARTS = frozenset(["centro", "downtown", "ciudad", "city", "middle", "north", "south", "east", "west"])
"""In "el centro de Monterrey"."""
_BEFORE_CITY = dict.fromkeys(NEW, ("new",)) | dict.fromkeys(SAN, ("san", "los", "santa"))
_OF_CITIES = CITIES | {f"{word}s" for word in CITIES} | _BEFORE_CITY.keys()
"""Without one of these a text speaks of no other city."""
_NUMBERED = 0.6
"""How sure a street is that stands behind a number which it does not have."""
_APART = 0.6
"""How surely two streets cross that meet and are named in one text, each sure by itself."""


class Reading(NamedTuple):
    """The strongest evidence of a text: positions in the lists of streets and landmarks, and the words."""

    method: Method
    streets: tuple[int, ...]
    """One street, two that meet, or three: the first between the two others."""
    landmark: int | None
    number: int | None
    block: bool
    words: str
    sure: float


class Reader:
    """Reads places out of texts; `crossing` and `house` are asked with positions in `streets`."""

    def __init__(
        self,
        streets: Sequence[Named],
        landmarks: Sequence[Named],
        districts: Iterable[str],
        crossing: Callable[[int, int], Point | None],
        house: Callable[[int, int], Point | None],
        city: str = "",
    ) -> None:
        self._own = frozenset(word for name in (city, *districts) for word in words_of(name))
        self._names = Names(streets, landmarks)
        self._tags = Tags(self._names)
        self._main = [street.main for street in streets]
        self._districts = frozenset(" ".join(words_of(name)) for name in districts)
        self._crossing, self._house = crossing, house

    def read(self, text: str, asked: bool = False) -> Reading | None:
        """The best place that the text names, or None; `asked`: the text answers a question for the place."""
        return self.read_all([(text, asked, None)])[0]

    def read_all(self, texts: Iterable[tuple[str, bool, Cut | None]]) -> list[Reading | None]:
        """As `read`, for many texts, each with `asked` and, where somebody has cut it already, its words."""
        # Stage by stage, not text by text: the code of a stage stays in the processor's cache, which saves a quarter.
        begun = [self._begun(*each) for each in texts]
        named = [each and self._named(*each) for each in begun]
        return [each and self._best(*each) for each in named]

    def _begun(self, text: str, asked: bool, known: Cut | None) -> tuple[Text, list[Start]] | None:
        """The text in words, and where names may begin; None if nowhere."""
        put_in: Sequence[int] = ()
        if "#" in text:
            text, put_in = self._tags.opened(text)
        folded, words = known if known and not put_in else Cut.of(text)
        starts = self._names.starts(words)
        return (Text(text, folded, words, put_in, asked), starts) if starts else None

    def _named(self, text: Text, starts: list[Start]) -> tuple[Text, list[Mention]] | None:
        """The text and the names in it; None without one."""
        if len(starts) == 1 and is_idle(text, starts[0][0], self._names):
            return None
        mentions = find_mentions(text, starts, self._names, self._districts)
        return (text, mentions) if mentions else None

    def _best(self, text: Text, mentions: list[Mention]) -> Reading | None:
        reading = (
            self._address(text, mentions)
            or (self._intersection(text, mentions) if len(mentions) > 1 else None)
            or self._landmark(text, mentions)
            or self._street(text, mentions)
        )
        if reading and self._is_elsewhere(text, mentions):
            return None
        if reading and reading.sure < 0.8 and not VAGUE.isdisjoint(text.raw) and _EVERYWHERE.search(text.text):
            return None
        return reading

    def _is_elsewhere(self, text: Text, mentions: Sequence[Mention]) -> bool:
        """Whether the text says that it is about another city: "5th Ave in Chicago", "Elm Street, Springdale OH"."""
        raw = text.raw
        for m in mentions:
            if raw[m.last] in _INSIDE and self._is_a_town(text, m.last + 1):
                return True
        return not _OF_CITIES.isdisjoint(raw) and self._names_another_city(text, mentions)

    def _names_another_city(self, text: Text, mentions: Sequence[Mention]) -> bool:
        raw = text.raw
        ends, begins = {m.last for m in mentions}, {m.first for m in mentions}
        for at, word in enumerate(raw[:-2]):
            large = word.removesuffix("s") in CITIES or word in CITIES or raw[at - 1] in _BEFORE_CITY.get(word, ())
            if not large or word in self._own or self._names.begins(word):
                continue
            beside = at in ends or at + 1 in begins or (at and text.gap(at - 1).strip() == ",")
            if (
                beside
                or raw[at - 1] in _IN
                or (raw[at - 1] in ("de", "of") and (at - 1 in ends or raw[at - 2] in _PARTS))
            ):
                return True
        return False

    def _is_a_town(self, text: Text, at: int) -> bool:
        """Whether a word behind "in" is a town's name that is not ours."""
        word = text.raw[at]
        if not word or not text.mixed or not text.capital(at):
            return False
        return word not in NO_CITY and word not in self._own and not self._names.begins(word)

    def _one(self, mention: Mention) -> int | None:
        """The street that a mention means by itself: the only one, or the only main one of several."""
        if len(mention.streets) == 1:
            return mention.streets[0]
        main = [street for street in mention.streets if self._main[street]]
        return main[0] if len(main) == 1 else None

    def _address(self, text: Text, mentions: list[Mention]) -> Reading | None:
        for m in mentions:
            if m.house is None:
                continue
            number, block, at = m.house
            for street in m.streets:
                if self._house(street, number) or (block and self._house(street, number + 50)):
                    sure = 0.95 if m.full else 0.85
                    return Reading("address", (street,), None, number, block, text.span(min(at, m.first), m.last), sure)
        return None

    def _intersection(self, text: Text, mentions: list[Mention]) -> Reading | None:
        streets = [m for m in mentions if m.streets]
        for three in zip(streets, streets[1:], streets[2:], strict=False):
            if stretch := self._stretch(text, *three):
                words = text.span(three[0].first, three[2].last)
                return Reading("intersection", stretch, None, None, False, words, 0.9)
        best: tuple[float, int, int, tuple[int, int]] | None = None
        for (at, a), (to, b) in combinations(enumerate(streets), 2):
            apart = _APART if a.sure >= 0.5 and b.sure >= 0.5 else 0.0
            close = b.first - a.last <= _CLOSE
            pair = self._meeting(a, b) if close or apart else None
            if pair:
                sure = _joined(text, a, b, to - at == 1, apart) if close else apart
                if sure and (best is None or sure > best[0]) and not _are_parted(text, a, b):
                    best = (sure, at, to, pair)
        if best is None:
            return None
        sure, at, to, pair = best
        a, b = streets[at], streets[to]
        if b.first - a.last <= _CLOSE:
            words = text.span(a.first, b.last)
        else:
            surer = a if a.sure >= b.sure else b
            words = text.span(surer.first, surer.last)
        return Reading("intersection", pair, None, None, False, words, sure)

    def _meeting(self, a: Mention, b: Mention) -> tuple[int, int] | None:
        """The first two streets that the names may mean and that do meet."""
        for x in a.streets:
            for y in b.streets:
                if x != y and self._crossing(x, y):
                    return x, y
        return None

    def _stretch(self, text: Text, a: Mention, b: Mention, c: Mention) -> tuple[int, ...] | None:
        """Three streets told as a stretch of one, that one first: "Elm between 5th and 6th", "from A to B on C"."""
        first, second = set(text.norms(a.last, b.first)), set(text.norms(b.last, c.first))
        if max(len(first), len(second)) > _CLOSE // 2:
            return None
        before = {word for word in text.raw[max(0, a.first - 2) : a.first] if word}
        joined = _are_two(text, b, c, second)
        if joined and (first & BETWEEN or (first & FROM and second & UNTIL)):
            return self._crossed(a, b, c)
        if _are_two(text, a, b, first) and (before & BETWEEN or (before & FROM and first & UNTIL)):
            return self._crossed(c, a, b)
        return None

    def _crossed(self, main: Mention, b: Mention, c: Mention) -> tuple[int, ...] | None:
        """The streets that they may mean, if the first meets both others."""
        for street in main.streets:
            ends = [next((x for x in m.streets if x != street and self._crossing(street, x)), None) for m in (b, c)]
            if ends[0] is not None and ends[1] is not None and ends[0] != ends[1]:
                return street, ends[0], ends[1]
        return None

    def _landmark(self, text: Text, mentions: list[Mention]) -> Reading | None:
        best: Mention | None = None
        for m in mentions:
            if m.landmark is not None and m.sure >= 0.5 and (best is None or m.sure > best.sure):
                best = m
        if best is None:
            return None
        words = text.span(best.first, best.last)
        streets: tuple[int, ...] = ()
        full = [m for m in mentions if m.streets and m.full and m.house is None]
        if any(m.last + _CLOSE < best.first for m in full):
            return None  # "Ivy Court is cut off. … shifts at St Brendans": the post is about the first
        if best.sure < _OF_THIS_CITY and any(best.last + _CLOSE < m.first for m in full):
            return None
        for m in mentions:
            street = self._one(m) if m.streets and m.sure >= 0.5 else None
            if street is not None and max(m.first - best.last, best.first - m.last) <= _CLOSE // 2:
                words, streets = text.span(min(m.first, best.first), max(m.last, best.last)), (street,)
                break
        return Reading("landmark", streets, best.landmark, None, False, words, best.sure)

    def _street(self, text: Text, mentions: list[Mention]) -> Reading | None:
        best: tuple[float, Mention, int] | None = None
        for m in mentions:
            sure = max(m.sure, _NUMBERED) if m.house else m.sure
            street = self._one(m) if m.streets and sure else None
            if street is not None and (best is None or sure > best[0] + 0.1):
                best = (sure, m, street)
        if best is None:
            return None
        sure, m, street = best
        return Reading("street", (street,), None, None, False, text.span(m.first, m.last), sure)


def _are_two(text: Text, a: Mention, b: Mention, gap: set[str]) -> bool:
    """Whether two names are told as a pair: "5th and 6th", "5th to 6th", "5th & 6th", "5th-6th"."""
    return bool(gap & _PAIRED) if gap else text.between(a.last, b.first).strip(" #") in _PAIR_SIGNS


def _are_parted(text: Text, a: Mention, b: Mention) -> bool:
    """Whether a sentence ends between two names."""
    between = text.between(a.last, b.first)
    if between.startswith(".") and _is_abbreviated(*text.norms(a.last - 1, a.last)):
        between = between[1:]
    return _SENTENCE_END.search(between) is not None


def _is_abbreviated(word: str) -> bool:
    """Whether a full stop after a word in its one form need not end a sentence."""
    return word in SUFFIXES or len(word) == 1


def _joined(text: Text, a: Mention, b: Mention, adjacent: bool, apart: float) -> float:
    """How surely two street names, close to each other, are told as a crossing; `apart` if nothing joins them."""
    gap = text.norms(a.last, b.first)
    if gap and _TELLING.isdisjoint(gap) and "(" not in text.text:
        return apart
    between = text.between(a.last, b.first).removeprefix(".")
    named, joint = bool(a.sure or b.sure), not JOINTS.isdisjoint(gap)
    if adjacent and len(gap) <= 5:
        if between.strip(" #") in _SIGNS or (joint and _JOINING.issuperset(gap)):
            told = named or not gap or a.likely(text) or b.likely(text)
            return 0.9 if named else 0.8 if told else 0.0
        if "corner" in gap or "esquina" in gap:
            return 0.85
    if joint or not LOOSE.isdisjoint(gap) or "(" in between:
        return (0.75 if named else 0.7) if a.likely(text) and b.likely(text) else 0.0
    return apart
