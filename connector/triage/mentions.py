"""The city's names in a text, each weighed by the words beside it: called by `place.py` when a text may hold one.

"Mill" is a street after "on" or before "Street", not before "town": a name without its suffix needs a preposition, a
number or a second street beside it, and one that is also an ordinary word needs them to fit. The word lists stand in
`vocabulary.py`; names are folded and found by `names.py`.
"""

from __future__ import annotations

import re
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
    COUNTED,
    GOES_ON,
    LIGHTS,
    MONTHS,
    NAMELESS,
    NOT_A_STREET,
    OF,
    SOFT,
    SPOTS,
    STREET_WORDS,
    STRONG,
    THE,
    TROUBLE,
)

_HARD = TROUBLE - SOFT
_BLOCK = frozenset(["block", "blk", "cuadra"])
_BLOCK_NUMBER = re.compile(r"(\d{1,3}(?:00|xx))(?:block|blk)")
_STOPS = (",", ".", ";", "!", "?", "…")
_ENDS = (".", "!", "-", "–", "—", ":", ";", ")")
_BEGINS = (".", "!", "-", "–", "—", ":", ";", "(")
_MANY = 8
"""Letters of a word that is misspelt rather than another one."""
_NUMBER_SIGNS = frozenset(["no", "num", "numero", "number", "nr"])
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
    beside = before in _SUPPORT or before[:1].isdigit() or after in SUFFIXES
    if beside or not names.is_faint(text.raw[at], after):
        return False
    return not text.led_by("#", at) and not (text.capital(at) and _stands_alone(text, at, at + 1))


def find_mentions(text: Text, starts: list[Start], names: Names, districts: frozenset[str]) -> list[Mention]:
    """Every name that may mean a place, in order, of those that may begin at the words `starts`."""
    found: list[Mention] = []
    end = 0
    for at, choices in starts:
        if at < end:
            continue
        slip, believed = False, True
        if choices is None:
            choices, slip, believed = _meant(text, names, at)
        mention = _mention_at(text, at, choices, districts)
        if mention and (believed or _has_suffix(text, mention)):
            if slip and mention.sure:
                mention.sure -= 0.15
            found.append(mention)
            end = mention.last
    return found


def _meant(text: Text, names: Names, at: int) -> tuple[list[Choice], bool, bool]:
    """What a number after "calle" or a misspelt word may name, under the word as it stands.

    Then whether it is misspelt, and whether that is believed without the street's own suffix.
    """
    (word,) = text.norms(at, at + 1)
    numbered = word.isdecimal() and text.raw[at - 1] in NUMBERED and len(word) < 4
    choices = names.heads.get(ordinal(int(word)) if numbered else word, [])
    right, believed = ("", True) if choices else names.slip(word)
    if right and _invites_slip(text, at):
        choices = names.heads.get(right, [])
    as_written = [(choice, " ".join([word, *choice.rest])) for choice in choices]
    return [replace(choice, name=name, core=name) for choice, name in as_written], bool(right), believed


def _has_suffix(text: Text, mention: Mention) -> bool:
    return mention.full and mention.last - mention.name > 1 and text.raw[mention.last - 1] in SUFFIXES


def _mention_at(text: Text, at: int, choices: list[Choice], districts: frozenset[str]) -> Mention | None:
    weak: Mention | None = None
    for choice in choices:
        last = at + 1
        if choice.rest:
            last += len(choice.rest)
            if text.raw[at + 1] not in choice.second or text.norms(at + 1, last) != choice.rest:
                continue
        if _part_of_another_word(text, at, last) or (choice.rest and _breaks(text, at, last)):
            continue
        mention = _landmark(text, at, last, choice.landmark) if choice.landmark else None
        if not mention and choice.streets:
            mention = _street(text, at, last, choice, districts)
        if mention and mention.sure:
            return mention
        weak = weak or mention
    return weak


def _invites_slip(text: Text, at: int) -> bool:
    """Whether a misspelt street may stand here: before a suffix, or capitalised after a preposition.

    Small letters must be many, or all, and the text about a street.
    """
    if text.raw[at + 1] in SUFFIXES or (text.raw[at - 1] in AFTER and text.capital(at)):
        return True
    likely = len(text.raw[at]) >= _MANY or not text.mixed
    return likely and text.raw[at - 1] in STRONG and text.tells(STREET_WORDS)


def _breaks(text: Text, first: int, last: int) -> bool:
    """Whether a sentence or a list ends between the words of a name: "the station. 3 police cars"."""
    for at in range(first, last - 1):
        gap = text.gap(at).strip()
        if gap and not (gap == "." and (text.raw[at] in ONE_FORM or len(text.raw[at]) < 3)) and gap[0] in ".,;:!?…|":
            return True
    return False


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
    placed = (
        lead in AFTER or before in ("del", "al") or (lead == "of" and text.raw[first - (3 if article else 2)] in OF)
    )
    capital = text.capital(first)
    if entry.article:
        sure = _any_citys(text, first, last, entry, placed, lead in STRONG)
    elif not article and (_begins_before(text, first) if capital else before in ARTICLES):
        sure = 0.0
    else:
        sure = 0.85 if capital else 0.75 if placed or article else 0.6 if last - first > 1 else 0.0
    return Mention(first, last, first, (), entry.place, sure, True, None) if sure else None


def _any_citys(text: Text, first: int, last: int, entry: Entry, placed: bool, strong: bool) -> float:
    """The weight of "the library": every city has one, so a problem must be told beside it."""
    capital, troubled = text.capital(first), text.tells(TROUBLE if strong else _HARD)
    following = text.raw[last]
    ends = not following or following in GOES_ON or bool(text.gap(last - 1).strip())
    plain_word = entry.proper and last - first == 1 and not capital and (text.mixed or not placed or not ends)
    if plain_word or not (troubled or (capital and text.mixed)):
        return 0.0
    return 0.75 if capital else 0.7 if strong and ends else 0.65 if placed else 0.5


def _begins_before(text: Text, first: int) -> bool:
    """Whether the name is the end of a longer one: "Manila City Hall"."""
    before = text.raw[first - 1] if first else ""
    if not before or before in AFTER or before in NAMELESS or not text.mixed or text.gap(first - 1) != " ":
        return False
    opens = first == 1 or text.gap(first - 2).strip()[-1:] in (".", "!", "?", "…", ":")
    return text.capital(first - 1) and not opens and not text.span(first - 1, first).isupper()


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
    numbered = (before in _OF_A_NUMBER or before[:1].isdigit()) and (full or not entries[0].article)
    house = _house(text, first, last, full, choice) if numbered else None
    if full and house is None and (text.raw[last][:1].isdigit() or text.raw[last] in _NUMBER_SIGNS):
        house, last = _house_behind(text, last)
    if full and text.raw[last] in DIRECTIONS and len(text.raw[last]) < 3 and text.capital(last):
        last += not text.gap(last - 1).strip(" .")  # "12th Ave N"
    return Mention(first, last, name, streets, None, sure, full, house)


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
    if (
        choice.core[0].isdigit()
        and following in ("and", "to", "or")
        and not MONTHS.isdisjoint(raw[last + 1 : last + 3])
    ):
        return -1.0  # "on 11th and 12th March"
    core = choice.core
    if first and "#" in text.text and text.led_by("#", first):
        return 0.0 if core in COMMON or (core[0].isdigit() and not text.tells(TROUBLE)) else 0.5
    article = choice.bare[0].article
    if before in ("la", "el") and (text.mixed or raw[first][0].isdigit()):
        spanish = first < 2 or raw[first - 2] in AFTER
        named = text.capital(last - 1) or (raw[first][0].isdigit() and text.tells(TROUBLE))
        return 0.6 if spanish and not article and named else 0.0
    directed = core != choice.name and text.capital(first) and text.capital(first + 1)
    if directed and not article and text.tells(TROUBLE) and before not in STRONG:
        return 0.5  # "tree down N Cedar"
    counts = core[0].isdigit()  # "Fifth pothole this week"
    if not (article or counts or choice.name in districts) and text.capital(first) and _stands_alone(text, first, last):
        return 0.5
    if before not in AFTER or article or choice.name in districts or text.gap(first - 1).strip()[:1] in _STOPS:
        return 0.0
    if following and following not in GOES_ON:
        if text.gap(last - 1).strip(" #"):
            following = ""
        elif text.capital(last):
            return 0.0
    return _placed(text, first, core, following)


def _stands_alone(text: Text, first: int, last: int) -> bool:
    """Whether a name is all of a sentence about a street, "Pothole! Kowalski.", or has the trouble right behind it."""
    if text.raw[last] in SPOTS:
        return not text.gap(last - 1).strip()
    if not text.tells(STREET_WORDS) or not text.mixed or not (first or text.asked):
        return False
    ended = not text.raw[last] or text.gap(last - 1).strip()[:1] in _ENDS
    return ended and (not first or text.gap(first - 1).strip()[-1:] in _BEGINS) and not text.led_by("@", first)


def _placed(text: Text, first: int, name: str, following: str) -> float:
    """The weight of the preposition before a bare name, of its capital and of what follows."""
    before = text.raw[first - 1]
    strong = before in STRONG or (before == "of" and text.raw[first - 2] in OF)
    if not strong and not text.tells(STREET_WORDS):
        return 0.0
    capital = text.capital(first)
    ends = not following or following in GOES_ON
    troubled = text.tells(TROUBLE)
    if name[0].isdigit():
        digits = text.raw[first][0].isdigit()
        told = ends and troubled and ((digits and before != "in") or capital)
        return 0.0 if not told else 0.6 if strong else 0.5
    if capital:
        return (0.65 if strong else 0.5) if troubled or name not in COMMON else 0.0
    if name in COMMON:
        on_it = strong and ends and before in ("on", "along", "off", "of")
        return 0.4 if on_it and text.tells(STREET_WORDS) else 0.0
    return 0.5 if strong and ends else 0.0


def _house(text: Text, first: int, last: int, full: bool, choice: Choice) -> House | None:
    """The house or block number that stands before a name, which may be told in `full`."""
    at = first - 1
    if at > 0 and text.raw[at] in ("of", "de", "on", "del"):
        at -= 1
    elif at > 0 and text.raw[at] in ("la",):
        at -= 2 if text.raw[at - 1] == "de" else 1
    if at < 0:
        return None
    joined = _BLOCK_NUMBER.fullmatch(text.raw[at])
    block = joined is not None or (at > 0 and text.raw[at] in _BLOCK)
    at -= block and not joined
    if not (block or at == first - 1):
        return None
    digits = joined[1] if joined else text.raw[at]
    digits = digits.replace("xx", "00") if block else digits.rstrip("ab")
    if not digits.isdecimal() or len(digits) > 5:
        return None
    if not block and not full and not _told(text, first, last, at, choice):
        return None
    if text.gap(at).strip():  # "at 8:05, Mill …" is no address
        return None
    if at and text.raw[at - 1].isdecimal() and text.gap(at - 1).strip() in ("-", "–"):  # "214-216 Birch"
        at, digits = at - 1, text.raw[at - 1]
    return House(int(digits), block, at)


def _told(text: Text, first: int, last: int, number: int, choice: Choice) -> bool:
    """Whether a number before a bare name is a house: "214 birch" or "at 27 Lindqvist", not "20 Pine"."""
    capital = text.capital(first)
    if len(text.raw[number]) > 2:
        following = text.raw[last]
        ends = not following or following in GOES_ON or bool(text.gap(last - 1).strip())
        return capital or ends or choice.core not in COMMON or text.tells(TROUBLE)
    return capital and number > 0 and text.raw[number - 1] in ("at", "of", "en", "near")


def _house_behind(text: Text, last: int) -> tuple[House | None, int]:
    """The house number behind a name told in full, "calle Pine 214", "Pine Street no. 214", and where it ends."""
    at = last + (text.raw[last] in _NUMBER_SIGNS)
    digits, gap = text.raw[at], text.gap(last - 1).strip()
    signed = at > last or gap.endswith("#")
    if (
        not digits.isdecimal()
        or not (3 <= len(digits) <= 5 or (signed and len(digits) < 3))
        or gap not in ("", ",", "#", ", #")
    ):
        return None, last
    if text.raw[at + 1] in COUNTED or (text.gap(at).strip()[:1] in (":", "/") and text.raw[at + 1].isdecimal()):
        return None, last
    return House(int(digits), False, at), at + 1
