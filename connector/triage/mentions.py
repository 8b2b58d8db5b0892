"""The city's names in a text, each weighed by the words beside it: called by `place.py` when a text may hold one.

"Mill" is a street after "on" or before "Street", not before "town": a name without its suffix needs a preposition, a
number or a second street beside it, and one that is also an ordinary word needs them to fit. The word lists are the
language's, English and Spanish; nothing here knows a city. Names are folded and found by `names.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from connector.triage.names import DIRECTIONS, LEADING, LOOSE_SUFFIXES, ONE_FORM, SUFFIXES, WORD, Entry, Names, folded, ordinal

_STRONG = frozenset("on along off at near behind outside across onto in en por sobre cerca".split())
_WEAK = frozenset("by from to past up down through between around toward towards under above below of and para desde hasta con de entre".split())
AFTER = _STRONG | _WEAK
"""Prepositions; the place stands after them."""
_OF = frozenset("corner block blk end top bottom side part half stretch intersection middle foot length esquina cuadra".split())
_ARTICLES = frozenset("the this that these my our your his her their its a an another any every some no old new".split())
_SPANISH_ARTICLES = frozenset(["la", "el", "calle", "avenida", "av"])
_COMMON = frozenset(
    "alder anchor apple ash aspen bank bay beach beacon beech birch bridge brook canal canary castle cedar center central"
    " chandler cherry chestnut church clay cliff coast commerce copper coral court cotton creek crescent cross crystal"
    " dale depot dock dogwood eagle elm farm ferry fern field fir flint forest forge fort foundry fountain fox foxglove"
    " front garden gate grand granite grant green grove guild gull harbor harbour hawk hawthorn hazel heather heron high"
    " hill holly iron island ivy jasmine juniper kestrel kiln king lake larch lark laurel liberty light lighthouse lilac"
    " lime linden lincoln loom lookout magnolia main maple market marina mason meadow meridian mill mint mission mountain"
    " myrtle north oak ocean olive orange orchard palm park peach peak pear pearl pecan pier pilot pine plum pond poplar"
    " port prairie primrose prospect quarry queen railroad river robin rock rope rose rowan school shore silver skylark"
    " south spindle spring spruce stable station stone summer summit sun sunset sunrise swan sycamore tallow temple thistle"
    " tower union valley view vine vineyard violet walnut water weaver wharf willow winter wood yarrow mirador sol mar"
    " luna hermitage bell dyer cannery capstan mercy peace hope granary brickyard shuttle bobbin drydock fishermans".split()
)
_NOT_A_STREET = frozenset(
    "tree trees town towns wood wooden nut nuts needle needles leaf leaves branch branches cone cones scented oil cream"
    " jar hall week weeks time times day days grade grader graders floor place month months year years inning quarter one"
    " thing person try half night morning amendment birthday anniversary season date shift party class world of kid child"
    " friday monday tuesday wednesday thursday saturday sunday ticket round generation degree gear base street's wave"
    " january february march april may june july august september october november december".split()
)
_LIGHTS = frozenset("light lights lamp lamps sign signs".split())
_GOES_ON = frozenset(
    "and at in on is was has are were be been by near again this that these for to since where when with from up down into"
    " but or so it its it's the a an just not now still today tonight yesterday because cause cuz who which toward towards"
    " past before after between until right left here there has had have needs need looks look never hasn't hasnt isn't"
    " isnt if as i we our my please pls y con en de la el los las que por no se esta hay desde hasta para casi frente esq"
    " block side corner all every full both also too too doing going below above across x esquina lleva cerca junto".split()
)
_STREET_WORDS = frozenset(
    "street streets road roads rd block blk corner sidewalk sidewalks curb kerb pothole potholes intersection lane lanes"
    " alley traffic signal light lights streetlight streetlights lamp crosswalk hydrant drain sewer manhole pavement asphalt"
    " neighborhood driveway parked car cars truck trash garbage recycling bins dumped flooded flooding plow plowed graffiti"
    " leak leaking gutter calle calles bache baches semaforo basura esquina cuadra fuga agua banqueta acera".split()
)
_BLOCK = frozenset(["block", "blk", "cuadra"])
_URL = re.compile(r"\w+://\S+|\bwww\.\S+")


class Text:
    """A text's words: `raw` folded, `norms` in their one form, and where each stands."""

    __slots__ = ("mixed", "norms", "raw", "spans", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        seen = _URL.sub(lambda url: " " * len(url[0]), text) if "://" in text or "www." in text else text
        self.spans = [found.span() for found in WORD.finditer(seen)]
        self.raw = [folded(seen[a:b]) for a, b in self.spans]
        self.norms = [ONE_FORM.get(word, word) for word in self.raw]
        self.mixed = not text.isupper()
        """Whether a capital says anything."""

    def capital(self, at: int) -> bool:
        return self.mixed and self.text[self.spans[at][0]].isupper()

    def between(self, first: int, after: int) -> str:
        """What stands between word `first - 1` and word `after`."""
        return self.text[self.spans[first - 1][1] : self.spans[after][0]]

    def span(self, first: int, last: int) -> str:
        """The words from `first` up to, not with, `last`, exactly as written."""
        return self.text[self.spans[first][0] : self.spans[last - 1][1]]


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


def find_mentions(text: Text, names: Names, districts: frozenset[str]) -> list[Mention]:
    """Every name in the text that may mean a place, in order."""
    found: list[Mention] = []
    at, end = 0, len(text.norms)
    while at < end:
        mention = _mention_at(text, names, districts, at)
        if mention:
            found.append(mention)
        at = max(mention.last, at + 1) if mention else at + 1
    return found


def _mention_at(text: Text, names: Names, districts: frozenset[str], at: int) -> Mention | None:
    norm, slip = text.norms[at], False
    if norm.isdigit() and at and text.raw[at - 1] in _SPANISH_ARTICLES and len(norm) < 4:
        norm = ordinal(int(norm))
    choices = names.heads.get(norm)
    if not choices and len(norm) > 5 and _invites_slip(text, at):
        norm, slip = names.near(norm), True
        choices = names.heads.get(norm)
    if not choices or text.text[text.spans[at][0] - 1 : text.spans[at][0]] == "@":
        return None
    for words, entries in choices:
        last = at + len(words)
        if len(words) > 1 and text.norms[at + 1 : last] != words[1:]:
            continue
        mention = _landmark(text, at, last, entries) or _street(text, at, last, entries, districts)
        if mention:
            mention.sure = max(0.0, mention.sure - 0.15) if slip else mention.sure
            return mention
    return None


def _invites_slip(text: Text, at: int) -> bool:
    """Whether a misspelt street may stand here: before a suffix, or capitalised after a preposition."""
    if at + 1 < len(text.norms) and text.raw[at + 1] in SUFFIXES:
        return True
    return bool(at) and text.raw[at - 1] in AFTER and text.capital(at)


def _landmark(text: Text, first: int, last: int, entries: list[Entry]) -> Mention | None:
    entry = next((e for e in entries if e.landmark), None)
    if entry is None or _hyphened(text, first, last):
        return None
    before = text.raw[first - 1] if first else ""
    article = before in ("the", "la", "el", "del", "al")
    lead = text.raw[first - 2] if first > 1 and article else before
    placed = lead in AFTER or before in ("del", "al")
    capital = text.capital(first)
    if entry.article and not article:
        sure = 0.0
    elif entry.article:
        sure = 0.75 if capital and entry.proper else 0.0 if entry.proper and text.mixed else 0.65 if placed else 0.5
    elif before in _ARTICLES - {"the"} and not capital:
        sure = 0.0
    else:
        sure = 0.85 if capital or placed or article else 0.6 if last - first > 1 else 0.0
    if not sure:
        return None
    return Mention(first, last, landmark=entry.place, sure=sure, likely=True, full=True, start=first)


def _street(text: Text, first: int, last: int, entries: list[Entry], districts: frozenset[str]) -> Mention | None:
    entries = [e for e in entries if not e.landmark]
    if not entries or _hyphened(text, first, last):
        return None
    mention = Mention(first, last, likely=text.capital(first) or text.norms[first][0].isdigit())
    if first and text.norms[first - 1] in DIRECTIONS:
        towards = [e for e in entries if e.direction == text.norms[first - 1]]
        entries, mention.first = towards or entries, first - 1
    after = text.norms[last] if last < len(text.norms) and text.between(last, last).strip(".") == " " else ""
    fits = [e for e in entries if e.suffix == after or (not e.suffix and not e.article)]
    if fits:
        entries, mention.sure, mention.full, mention.likely = fits, 0.8, True, True
        mention.last = last + (after in SUFFIXES and fits[0].suffix == after)
    elif after in LOOSE_SUFFIXES and _wrong_suffix_is_meant(text, mention, last):
        mention.sure, mention.last, mention.likely = 0.5, last + 1, True
    elif mention.first and text.raw[mention.first - 1] in LEADING:
        mention.sure, mention.first, mention.full, mention.likely = 0.75, mention.first - 1, True, True
    else:
        mention.sure = _bare(text, mention, entries[0], districts)
        if mention.sure < 0:
            return None
    if any(not e.suffix and len(text.norms) and last - first == 1 and not fits for e in entries) and not mention.sure:
        return None
    mention.streets = tuple(dict.fromkeys(e.place for e in entries))
    _number(text, mention)
    return mention


def _hyphened(text: Text, first: int, last: int) -> bool:
    """Whether the name is part of a compound: "Pine-scented"."""
    end = text.spans[last - 1][1]
    return text.text[end : end + 1] == "-" and text.text[end + 1 : end + 2].islower()


def _wrong_suffix_is_meant(text: Text, mention: Mention, suffix: int) -> bool:
    """"Mill Road" for Mill Street, but not "third street light"."""
    following = text.raw[suffix + 1] if suffix + 1 < len(text.raw) else ""
    return following not in _LIGHTS and (text.capital(mention.first) or not text.mixed)


def _bare(text: Text, mention: Mention, entry: Entry, districts: frozenset[str]) -> float:
    """How surely a name without suffix means the street; 0: only beside another one; -1: it does not."""
    first, last = mention.first, mention.last
    name = " ".join(text.norms[first:last])
    following = text.raw[last] if last < len(text.raw) and not text.between(last, last).strip(" #") else ""
    if following in _NOT_A_STREET:
        return -1.0
    other = bool(following) and text.capital(last) and following not in _GOES_ON and last < len(text.raw)
    before = text.raw[first - 1] if first else ""
    if first and text.text[text.spans[first][0] - 1] == "#":
        return 0.0 if name in _COMMON else 0.5
    if before in ("la", "el") and text.mixed:
        spanish = text.raw[first - 2] in AFTER if first > 1 else True
        return 0.6 if spanish and not entry.article and (text.capital(last - 1) or text.raw[first].isdigit()) else 0.0
    if before in _ARTICLES:
        meant = entry.article and before == "the" and (text.capital(first) or text.raw[first - 2 : first - 1][0:1] in (["by"], ["on"], ["at"]))
        return 0.6 if meant else 0.0
    if entry.article or other or name in districts:
        return 0.0
    return _placed(text, mention, name, before, following)


def _placed(text: Text, mention: Mention, name: str, before: str, following: str) -> float:
    """The weight of the preposition before a bare name, of its capital and of what follows."""
    first = mention.first
    capital, numbered = text.capital(first), name[0].isdigit()
    strong = before in _STRONG or (before == "of" and first > 1 and text.raw[first - 2] in _OF)
    weak = before in _WEAK and not _STREET_WORDS.isdisjoint(text.raw)
    if not strong and not weak:
        return 0.0
    if numbered:
        digits = text.raw[first][0].isdigit()
        return (0.6 if strong else 0.5) if (digits and before != "in") or capital else 0.0
    if capital:
        return 0.65 if strong else 0.5
    ends = not following or following in _GOES_ON
    if name in _COMMON:
        return 0.4 if strong and ends and before in ("on", "along", "off", "of") and not _STREET_WORDS.isdisjoint(text.raw) else 0.0
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
    if at < 0 or not text.raw[at].isdigit() or not (block or at == mention.first - 1):
        return
    digits = text.raw[at]
    if len(digits) > 5 or (not block and not mention.full and len(digits) < 3):
        return
    if text.between(at + 1, at + 1).strip():  # "at 8:05, Mill …" is no address
        return
    mention.number, mention.block, mention.start = int(digits), block, at
