"""The city's names in a text, each weighed by the words beside it: called by `place.py` when a text may hold one.

"Mill" is a street after "on" or before "Street", not before "town": a name without its suffix needs a preposition, a
number or a second street beside it, and one that is also an ordinary word needs them to fit. The word lists stand in
`vocabulary.py`; names are folded and found by `names.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from connector.triage.names import (
    DIRECTIONS,
    LEADING,
    LOOSE_SUFFIXES,
    NUMBERED,
    SUFFIXES,
    Choice,
    Entry,
    Names,
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
    WEAK,
)

_BLOCK = frozenset(["block", "blk", "cuadra"])


@dataclass(slots=True)
class Mention:
    """A name in the text, from word `first` up to, not with, `last`."""

    first: int
    last: int
    streets: tuple[int, ...] = ()
    """All that the name may mean; empty for a landmark."""
    landmark: int | None = None
    sure: float = 0.0
    """By itself; 0 counts only beside a second street or a number."""
    likely: bool = False
    """Written like a name: capital, number or full form."""
    full: bool = False
    number: int | None = None
    block: bool = False
    start: int = 0
    """Where the house number stands, else `first`."""


def find_mentions(text: Text, starts: list[int], names: Names, districts: frozenset[str]) -> list[Mention]:
    """Every name that may mean a place, in order, of those that may begin at the words `starts`."""
    found: list[Mention] = []
    end = 0
    for at in starts:
        mention = _mention_at(text, names, districts, at) if at >= end else None
        if mention:
            found.append(mention)
            end = mention.last
    return found


def _mention_at(text: Text, names: Names, districts: frozenset[str], at: int) -> Mention | None:
    norm, slip = text.norms[at], False
    if norm.isdecimal() and at and text.raw[at - 1] in NUMBERED and len(norm) < 4:
        norm = ordinal(int(norm))
    choices = names.heads.get(norm)
    if not choices and len(norm) > 5 and _invites_slip(text, at):
        norm, slip = names.near(norm), True
        choices = names.heads.get(norm)
    if not choices or text.text[text.start(at) - 1 : text.start(at)] == "@":
        return None
    weak: Mention | None = None
    for choice in choices:
        last = at + len(choice.words)
        if (last - at > 1 and text.norms[at + 1 : last] != choice.words[1:]) or _hyphened(text, last):
            continue
        mention = _landmark(text, at, last, choice.landmark) if choice.landmark else None
        if not mention and choice.streets:
            mention = _street(text, at, last, choice, districts)
        if mention and mention.sure:
            mention.sure -= 0.15 if slip else 0.0
            return mention
        weak = weak or mention
    return weak


def _invites_slip(text: Text, at: int) -> bool:
    """Whether a misspelt street may stand here: before a suffix, or capitalised after a preposition."""
    if at + 1 < len(text.norms) and text.raw[at + 1] in SUFFIXES:
        return True
    return bool(at) and text.raw[at - 1] in AFTER and text.capital(at)


def _landmark(text: Text, first: int, last: int, entry: Entry) -> Mention | None:
    if entry.article and _goes_on_as_a_name(text, last, entry.own):
        return None
    before = text.raw[first - 1] if first else ""
    article = before in ("the", "la", "el", "del", "al")
    lead = text.raw[first - 2] if first > 1 and article else before
    placed = lead in AFTER or before in ("del", "al")
    capital = text.capital(first)
    if entry.article and not article:
        sure = 0.0
    elif entry.article:
        ends = last == len(text.raw) or text.raw[last] in GOES_ON or bool(text.between(last, last).strip())
        plain_word = entry.proper and last - first == 1 and not capital and (text.mixed or not placed or not ends)
        sure = 0.0 if plain_word else 0.75 if capital else 0.65 if placed else 0.5
    elif before != "the" and before in ARTICLES and not capital:
        sure = 0.0
    else:
        sure = 0.85 if capital or placed or article else 0.6 if last - first > 1 else 0.0
    if not sure:
        return None
    return Mention(first, last, landmark=entry.place, sure=sure, likely=True, full=True, start=first)


def _street(text: Text, first: int, last: int, choice: Choice, districts: frozenset[str]) -> Mention | None:
    capital, entries = text.capital(first), choice.streets
    mention = Mention(first, last, likely=capital or not text.mixed or text.norms[first][0].isdigit())
    if first and (direction := text.norms[first - 1]) in DIRECTIONS:
        entries = [e for e in entries if e.direction == direction] or entries
        mention.first = first - 1
    after = text.norms[last] if last < len(text.norms) else ""
    if after not in SUFFIXES or text.between(last, last).strip(".") != " ":
        after = ""
    fits = _fitting(text, first, last, entries, after) if after in choice.suffixes or "" in choice.suffixes else []
    if fits:
        entries, mention.sure, mention.full, mention.likely = fits, 0.8, True, True
        mention.last = last + (after in SUFFIXES and fits[0].suffix == after)
    elif after in LOOSE_SUFFIXES and any(e.suffix for e in entries) and _wrong_suffix_is_meant(text, mention, last):
        mention.sure, mention.last, mention.likely = 0.5, last + 1, True
    elif mention.first and text.raw[mention.first - 1] in LEADING:
        mention.sure, mention.first, mention.full, mention.likely = 0.75, mention.first - 1, True, True
    else:
        entries = [e for e in entries if e.suffix] or entries
        mention.sure = _bare(text, mention, entries[0], districts)
        if mention.sure < 0:
            return None
    mention.streets = tuple(dict.fromkeys([e.place for e in entries])) if len(entries) > 1 else (entries[0].place,)
    _number(text, mention)
    return mention


def _fitting(text: Text, first: int, last: int, entries: list[Entry], after: str) -> list[Entry]:
    """Those whose full name stands here: with the word `after`, or without it if they have none."""
    called = _called(text, first, last)
    return [e for e in entries if (e.suffix == after if e.suffix else called or not e.article)]


def _goes_on_as_a_name(text: Text, last: int, own: frozenset[str]) -> bool:
    """Whether another name begins here: "the College Street bridge", "el Hospital Coromoto"."""
    if last >= len(text.raw) or text.between(last, last).strip():
        return False
    word = text.raw[last]
    acronym = text.span(last, last + 1).isupper()
    named = text.capital(last) and not acronym and word not in GOES_ON
    return text.norms[last] in SUFFIXES or (named and text.norms[last] not in own)


def _called(text: Text, first: int, last: int) -> bool:
    """Whether a name that wants its article has it: "along the Lookout", "the hill road", but not "the cut"."""
    if not first or text.raw[first - 1] != "the":
        return False
    return last - first > 1 or text.capital(first) or text.raw[first - 2 : first - 1] in (["by"], ["on"], ["at"])


def _hyphened(text: Text, last: int) -> bool:
    """Whether the name is part of a compound: "Pine-scented"."""
    end = text.end(last - 1)
    return text.text[end : end + 1] == "-" and text.text[end + 1 : end + 2].islower()


def _wrong_suffix_is_meant(text: Text, mention: Mention, suffix: int) -> bool:
    """ "Mill Road" for Mill Street, but not "third street light"."""
    following = text.raw[suffix + 1] if suffix + 1 < len(text.raw) else ""
    return following not in LIGHTS and (text.capital(mention.first) or not text.mixed)


def _bare(text: Text, mention: Mention, entry: Entry, districts: frozenset[str]) -> float:
    """How surely a name without suffix means the street; 0: only beside another one; -1: it does not."""
    first, last = mention.first, mention.last
    following = text.raw[last] if last < len(text.raw) and not text.between(last, last).strip(" #") else ""
    if following in NOT_A_STREET:
        return -1.0
    name = " ".join(text.norms[first:last])
    before = text.raw[first - 1] if first else ""
    if first and text.text[text.start(first) - 1] == "#":
        return 0.0 if name in COMMON else 0.5
    if before in ("la", "el") and text.mixed:
        spanish = text.raw[first - 2] in AFTER if first > 1 else True
        return 0.6 if spanish and not entry.article and (text.capital(last - 1) or text.raw[first].isdigit()) else 0.0
    if before in ARTICLES or entry.article or name in districts:
        return 0.0
    if following and following not in GOES_ON and text.capital(last):
        return 0.0
    return _placed(text, mention, name, before, following)


def _placed(text: Text, mention: Mention, name: str, before: str, following: str) -> float:
    """The weight of the preposition before a bare name, of its capital and of what follows."""
    first = mention.first
    capital, numbered = text.capital(first), name[0].isdigit()
    strong = before in STRONG or (before == "of" and first > 1 and text.raw[first - 2] in OF)
    weak = before in WEAK and not STREET_WORDS.isdisjoint(text.raw)
    if not strong and not weak:
        return 0.0
    if numbered:
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


def _number(text: Text, mention: Mention) -> None:
    """Notes the house or block number that stands before the name."""
    at = mention.first - 1
    mention.start = mention.first
    if at > 0 and text.raw[at] in ("of", "de", "on", "del"):
        at -= 1
    elif at > 0 and text.raw[at] in ("la",):
        at -= 2 if text.raw[at - 1] == "de" else 1
    block = at > 0 and text.raw[at] in _BLOCK
    at = at - 1 if block else at
    if at < 0 or not (block or at == mention.first - 1):
        return
    digits = text.raw[at].replace("xx", "00") if block else text.raw[at]
    if not digits.isdecimal():
        return
    if len(digits) > 5 or (not block and not mention.full and len(digits) < 3 and not _told(text, mention, at)):
        return
    if text.between(at + 1, at + 1).strip():  # "at 8:05, Mill …" is no address
        return
    mention.number, mention.block, mention.start = int(digits), block, at


def _told(text: Text, mention: Mention, number: int) -> bool:
    """Whether a short number before a bare name is a house: "at 27 Lindqvist", not "20 Pine"."""
    return text.capital(mention.first) and number > 0 and text.raw[number - 1] in ("at", "of", "en", "near")
