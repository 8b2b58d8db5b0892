"""The city's names in a text, each weighed by the words beside it: called by `place.py` when a text may hold one.

"Mill" is a street after "on" or before "Street", not before "town": a name without its suffix needs a preposition, a
number or a second street beside it, and one that is also an ordinary word needs them to fit. The word lists stand in
`vocabulary.py`; names are folded and found by `names.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from connector.triage.names import (
    DIRECTIONS,
    LEADING,
    LOOSE_SUFFIXES,
    NUMBERED,
    ONE_FORM,
    SUFFIXES,
    Choice,
    Entry,
    Names,
    Start,
    ordinal,
)
from connector.triage.text import Text
from connector.triage.vocabulary import (
    AFTER,
    ARTICLES,
    COMMON,
    GOES_ON,
    LIGHTS,
    NOT_A_STREET,
    OF,
    STREET_WORDS,
    STRONG,
    THE,
)

_BLOCK = frozenset(["block", "blk", "cuadra"])
_OF_A_NUMBER = frozenset(["of", "de", "on", "del", "la"]) | _BLOCK
"""May stand between a house or block number and the name."""
_SUPPORT = AFTER | LEADING | NUMBERED | _OF_A_NUMBER | DIRECTIONS.keys()
"""Before a street's name without its suffix, only these and a number speak for the street."""


class House(NamedTuple):
    """The number before a street's name."""

    number: int
    block: bool
    """The number is that of a block."""
    at: int
    """The word it is."""


@dataclass(slots=True)
class Mention:
    """A name in the text, from word `first` up to, not with, `last`."""

    first: int
    last: int
    name: int
    """Where the name itself begins, after a direction or "calle"."""
    streets: tuple[int, ...]
    """All that the name may mean; empty for a landmark."""
    landmark: int | None
    sure: float
    """By itself; 0 counts only beside a second street or a number."""
    full: bool
    house: House | None

    def likely(self, text: Text) -> bool:
        """Whether it is written like a name: capital, number or full form."""
        if self.sure or not text.mixed or text.capital(self.name):
            return True
        return text.norms(self.name, self.last)[0][0].isdigit()


def is_idle(text: Text, at: int, names: Names) -> bool:
    """Whether a text's only name is a bare street's with no word and no sign beside it that speaks for the street."""
    before, after = text.raw[at - 1], text.raw[at + 1]
    beside = before in _SUPPORT or before.isdecimal() or after in SUFFIXES
    return not beside and names.is_faint(text.raw[at], after) and not text.led_by("#", at)


def find_mentions(text: Text, starts: list[Start], names: Names, districts: frozenset[str]) -> list[Mention]:
    """Every name that may mean a place, in order, of those that may begin at the words `starts`."""
    found: list[Mention] = []
    end = 0
    for at, choices in starts:
        if at < end:
            continue
        slip = False
        if choices is None:
            choices, slip = _meant(text, names, at)
        mention = _mention_at(text, at, choices, districts)
        if mention:
            if slip and mention.sure:
                mention.sure -= 0.15
            found.append(mention)
            end = mention.last
    return found


def _meant(text: Text, names: Names, at: int) -> tuple[list[Choice], bool]:
    """What a number after "calle" or a misspelt word may name, under the word as it stands; whether it is misspelt."""
    (word,) = text.norms(at, at + 1)
    numbered = word.isdecimal() and text.raw[at - 1] in NUMBERED and len(word) < 4
    choices = names.heads.get(ordinal(int(word)) if numbered else word, [])
    slip = not choices and _invites_slip(text, at)
    if slip:
        choices = names.heads.get(names.near(word), [])
    return [replace(choice, name=" ".join([word, *choice.rest])) for choice in choices], slip


def _mention_at(text: Text, at: int, choices: list[Choice], districts: frozenset[str]) -> Mention | None:
    weak: Mention | None = None
    for choice in choices:
        last = at + 1
        if choice.rest:
            last += len(choice.rest)
            if text.raw[at + 1] not in choice.second or text.norms(at + 1, last) != choice.rest:
                continue
        if _part_of_another_word(text, at, last):
            continue
        mention = _landmark(text, at, last, choice.landmark) if choice.landmark else None
        if not mention and choice.streets:
            mention = _street(text, at, last, choice, districts)
        if mention and mention.sure:
            return mention
        weak = weak or mention
    return weak


def _invites_slip(text: Text, at: int) -> bool:
    """Whether a misspelt street may stand here: before a suffix, or capitalised after a preposition."""
    return text.raw[at + 1] in SUFFIXES or (text.raw[at - 1] in AFTER and text.capital(at))


def _part_of_another_word(text: Text, first: int, last: int) -> bool:
    """Whether the name is a handle, "@Mason", or in a compound, "Pine-scented"."""
    written = text.text
    if "@" in written and text.led_by("@", first):
        return True
    if "-" not in written:
        return False
    end = text.end(last - 1)
    return written.startswith("-", end) and written[end + 1 : end + 2].islower()


def _landmark(text: Text, first: int, last: int, entry: Entry) -> Mention | None:
    before = text.raw[first - 1]
    article = before in THE
    if entry.article and (not article or _goes_on_as_a_name(text, last, entry.own)):
        return None
    lead = text.raw[first - 2] if article else before
    placed = lead in AFTER or before in ("del", "al")
    capital = text.capital(first)
    if entry.article:
        following = text.raw[last]
        ends = not following or following in GOES_ON or bool(text.gap(last - 1).strip())
        plain_word = entry.proper and last - first == 1 and not capital and (text.mixed or not placed or not ends)
        sure = 0.0 if plain_word else 0.75 if capital else 0.65 if placed else 0.5
    elif before != "the" and before in ARTICLES and not capital:
        sure = 0.0
    else:
        sure = 0.85 if capital or placed or article else 0.6 if last - first > 1 else 0.0
    return Mention(first, last, first, (), entry.place, sure, True, None) if sure else None


def _street(text: Text, first: int, last: int, choice: Choice, districts: frozenset[str]) -> Mention | None:
    raw, name = text.raw, first
    before = raw[first - 1]
    if before in DIRECTIONS:
        choice = choice.towards(DIRECTIONS[before])
        first -= 1
        before = raw[first - 1]
    after = SUFFIXES.get(raw[last], "")
    if after and text.gap(last - 1).strip(".") != " ":
        after = ""
    full, sure = True, 0.8
    if (after in choice.suffixes or "" in choice.suffixes) and (fits := _fitting(text, name, last, choice, after)):
        entries = fits
        last += after != "" and fits[0].suffix == after
    elif after in LOOSE_SUFFIXES and any(choice.suffixes) and _wrong_suffix_is_meant(text, first, last):
        entries, full, sure = choice.streets, False, 0.5
        last += 1
    elif before in LEADING:
        entries, sure = choice.streets, 0.75
        first -= 1
        before = raw[first - 1]
    else:
        entries, full = choice.bare, False
        sure = _bare(text, first, last, choice, districts)
        if sure < 0:
            return None
    streets = (entries[0].place,) if len(entries) == 1 else tuple(dict.fromkeys(e.place for e in entries))
    numbered = before in _OF_A_NUMBER or before.isdecimal()
    return Mention(first, last, name, streets, None, sure, full, _house(text, first, full) if numbered else None)


def _fitting(text: Text, first: int, last: int, choice: Choice, after: str) -> list[Entry]:
    """The streets whose full name stands here: with the word `after`, or without it if they have none."""
    return [
        e for e in choice.streets if (e.suffix == after if e.suffix else not e.article or _called(text, first, last))
    ]


def _goes_on_as_a_name(text: Text, last: int, own: frozenset[str]) -> bool:
    """Whether another name begins here: "the College Street bridge", "el Hospital Coromoto"."""
    word = text.raw[last]
    if word in SUFFIXES:
        return not text.gap(last - 1).strip()
    if not word or word in GOES_ON or ONE_FORM.get(word, word) in own or not text.capital(last):
        return False
    acronym = text.span(last, last + 1).isupper()
    return not acronym and not text.gap(last - 1).strip()


def _called(text: Text, first: int, last: int) -> bool:
    """Whether a name that wants its article has it: "along the Lookout", "the hill road", but not "the cut"."""
    if text.raw[first - 1] != "the":
        return False
    return last - first > 1 or text.capital(first) or text.raw[first - 2] in ("by", "on", "at")


def _wrong_suffix_is_meant(text: Text, first: int, suffix: int) -> bool:
    """ "Mill Road" for Mill Street, but not "third street light"."""
    return text.raw[suffix + 1] not in LIGHTS and (text.capital(first) or not text.mixed)


def _bare(text: Text, first: int, last: int, choice: Choice, districts: frozenset[str]) -> float:
    """How surely a name without suffix means the street; 0: only beside another one; -1: it does not."""
    raw = text.raw
    before, following = raw[first - 1], raw[last]
    if following in NOT_A_STREET and not text.gap(last - 1).strip(" #"):
        return -1.0
    if first and "#" in text.text and text.led_by("#", first):
        return 0.0 if choice.name in COMMON else 0.5
    article = choice.bare[0].article
    if before in ("la", "el") and text.mixed:
        spanish = first < 2 or raw[first - 2] in AFTER
        return 0.6 if spanish and not article and (text.capital(last - 1) or raw[first].isdigit()) else 0.0
    if before not in AFTER or article or choice.name in districts:
        return 0.0
    if following and following not in GOES_ON:
        if text.gap(last - 1).strip(" #"):
            following = ""
        elif text.capital(last):
            return 0.0
    return _placed(text, first, choice.name, following)


def _placed(text: Text, first: int, name: str, following: str) -> float:
    """The weight of the preposition before a bare name, of its capital and of what follows."""
    before = text.raw[first - 1]
    strong = before in STRONG or (before == "of" and text.raw[first - 2] in OF)
    if not strong and STREET_WORDS.isdisjoint(text.raw):
        return 0.0
    capital = text.capital(first)
    if name[0].isdigit():
        digits = text.raw[first][0].isdigit()
        return (0.6 if strong else 0.5) if (digits and before != "in") or capital else 0.0
    if capital:
        return 0.65 if strong else 0.5
    ends = not following or following in GOES_ON
    if name in COMMON:
        return (
            0.4
            if strong and ends and before in ("on", "along", "off", "of") and not STREET_WORDS.isdisjoint(text.raw)
            else 0.0
        )
    return 0.5 if strong and ends else 0.0


def _house(text: Text, first: int, full: bool) -> House | None:
    """The house or block number that stands before a name, which may be told in `full`."""
    at = first - 1
    if at > 0 and text.raw[at] in ("of", "de", "on", "del"):
        at -= 1
    elif at > 0 and text.raw[at] in ("la",):
        at -= 2 if text.raw[at - 1] == "de" else 1
    block = at > 0 and text.raw[at] in _BLOCK
    at = at - 1 if block else at
    if at < 0 or not (block or at == first - 1):
        return None
    digits = text.raw[at].replace("xx", "00") if block else text.raw[at]
    if not digits.isdecimal():
        return None
    if len(digits) > 5 or (not block and not full and len(digits) < 3 and not _told(text, first, at)):
        return None
    if text.gap(at).strip():  # "at 8:05, Mill …" is no address
        return None
    return House(int(digits), block, at)


def _told(text: Text, first: int, number: int) -> bool:
    """Whether a short number before a bare name is a house: "at 27 Lindqvist", not "20 Pine"."""
    return text.capital(first) and number > 0 and text.raw[number - 1] in ("at", "of", "en", "near")
