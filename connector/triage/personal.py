"""Personal data in a text, so that it is marked on the card and does not travel into a ticket unseen.

`spans` finds telephone numbers, e-mail addresses, number plates, card, insurance and identity numbers, dates of birth,
and the writer's own home. The place of the problem is none: a home where the problem is stands, for a crew must find
it. So does a plate, by which they find the car: it is marked, and masked by nobody but the reviewer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from phonenumbers import Leniency, PhoneNumberMatcher

Span = tuple[int, int, str]
"""Start, end and kind."""
KINDS = {
    "phone": "phone number", "email": "e-mail address", "plate": "licence plate", "card": "card number",
    "identity": "identity number", "birth": "date of birth", "home": "home address",
}  # fmt: skip
"""Kind → how a page and a ticket call it."""
STAYS = frozenset(["plate"])
"""Marked, not masked."""
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)*\.[^\W\d_]{2,}")
_OUR_NUMBER = re.compile(
    r"(?i)(?:ticket|case|permit|request|report|reference|ref|invoice|account|order|#)\W{0,3}(?:n[o°]\.?|number|"
    r"#)?\W{0,3}\Z"
)
"""Right before what may be a number of ours instead of a telephone's."""
_PLATE = re.compile(
    r"(?i)\b(?:licen[sc]e|number|registration)?\s?(?:plates?|tags?|placas?|matr[ií]cula|plaque|placa)\b"
    r"(?:[\s:#(\"“]|is|was|are|no\.?|number|n[uú]mero|reads?|says?|son|es){1,12}"
    r"(?P<it>(?-i:[A-Z]{1,4}[ -]\d{2,5}(?:-[A-Z])?|\d{1,4}[ -][A-Z]{2,4}(?:[ -]\d{1,4})?)"
    r"|(?!\d+(?:st|nd|rd|th)\b)(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{5,8})\b"
)
_CARD = re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
_SOCIAL = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_IDENTITY = re.compile(
    r"(?i)\b(?:ssn|social security|driver'?s? licen[sc]e|passport|medicare|medicaid|green card|alien|state id|my id"
    r"|seguro social|pasaporte|licencia de conducir|curp|passeport)\b(?:[\s:#]|number|no\.?|n[uú]mero|is|es){1,12}"
    r"(?P<it>(?=[A-Z0-9-]*\d{3})[A-Z0-9][A-Z0-9-]{4,17})\b"
)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-zé]*\.?"
_DATE = (
    rf"(?:\d{{1,2}}[/.-]\d{{1,2}}[/.-](?:\d{{4}}|\d{{2}})|\d{{4}}-\d{{2}}-\d{{2}}|{_MONTH} \d{{1,2}}(?:st|nd|rd|"
    rf"th)?,? \d{{4}}"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?(?: of| de)? {_MONTH}(?: de)?,? \d{{4}})"
)
_BIRTH = re.compile(
    rf"(?i)\b(?:born|dob|d\.o\.b\.?|date of birth|birth ?date|birthday|naci[oód]\w*|fecha de nacimiento|n[ée]e? le"
    rf"|nascid[oa])\b(?:[\s:]|on|is|was|el|em){{1,10}}(?P<it>{_DATE})"
)
_SUFFIX = (
    r"(?:st|street|ave?|avenue|rd|road|blvd|boulevard|dr|drive|ln|lane|ct|court|pl|place|way|ter|terrace|cir|circle"
    r"|pkwy|hwy|alley|row|sq|square|loop|trl|trail)"
)
_ADDRESS = (
    rf"(?:\d{{1,6}}[A-Za-z]? (?:[\w'.]+ ){{1,4}}?{_SUFFIX}\b(?:\.?,? (?:apt|apartment|unit|suite|#) ?#?\w+)?"
    r"|(?:la )?(?:calle|avenida|av\.?) (?:[^\W\d_]+\s){1,4}(?:#|no\.? |n[uú]mero )?\d{1,6}"
    r"|\d{1,6} (?:rue|avenue|boulevard) (?:[^\W\d_]+ ?){1,4})"
)
_HOME = re.compile(
    rf"(?i)\b(?:(?:i|we|my (?:mom|mother|dad|father|son|daughter|family|grandm\w+|sister|brother)|she|he) "
    rf"lives? (?:at|in)"
    r"|(?:my|our) (?:home |house |street |mailing )?address(?: is|:)?|(?:i'?m|i am) (?:living|at home) at|come "
    r"(?:to|by) my"
    r" (?:house|home|place|apartment)(?: at|:)?|mail it to|vivo en|vivimos en|mi (?:casa|domicilio|"
    r"direcci[oó]n) (?:es|est[aá]"
    rf" en|queda en)|j'habite(?: au)?|moro na)\s(?P<it>{_ADDRESS})"
)
_HERE = re.compile(
    r"(?i)\b(?:in front|outside|out front|right here|next door|across from (?:my|me|us)|at my (?:door|curb)"
    r"|my (?:driveway|yard|street|block|sidewalk|curb|alley|lawn|basement)|frente|afuera|mi (?:calle|banqueta|"
    r"cuadra)|devant)\b"
)
"""That the problem is where the writer lives."""


def spans(text: str, country: str = "US", place: str = "") -> list[Span]:
    """What is personal in a text, in its order, none within another; `place`: the words that say where the problem is.

    `country`, as ISO 3166 writes it, says how telephone numbers without a country code are meant.
    """
    found: list[Span] = []
    for start, end, kind in _all(text, country, place):
        if all(end <= taken[0] or start >= taken[1] for taken in found):
            found.append((start, end, kind))
    return sorted(found)


def masked(text: str, country: str = "US", place: str = "") -> str:
    """The text with "[phone number]" and the like in the place of what is personal; a plate stays."""
    for start, end, kind in reversed(spans(text, country, place)):
        if kind not in STAYS:
            text = f"{text[:start]}[{KINDS[kind]}]{text[end:]}"
    return text


def _all(text: str, country: str, place: str) -> Iterator[Span]:
    """Whatever is found, the surest first."""
    yield from _of("email", _EMAIL.finditer(text))
    yield from _of("card", (card for card in _CARD.finditer(text) if _adds_up(card[0])))
    yield from _of("identity", _SOCIAL.finditer(text))
    yield from _of("identity", _IDENTITY.finditer(text), "it")
    yield from _of("birth", _BIRTH.finditer(text), "it")
    yield from _of("plate", _PLATE.finditer(text), "it")
    if any(map(str.isdigit, text)):
        yield from _phones(text, country)
        yield from _homes(text, place)


def _of(kind: str, matches: Iterable[re.Match[str]], group: str | int = 0) -> Iterator[Span]:
    for match in matches:
        yield match.start(group), match.end(group), kind


def _phones(text: str, country: str) -> Iterator[Span]:
    for match in PhoneNumberMatcher(text, country, Leniency.VALID):
        if not _OUR_NUMBER.search(text[: match.start]):
            yield match.start, match.end, "phone"


def _homes(text: str, place: str) -> Iterator[Span]:
    homes = list(_HOME.finditer(text))
    if not homes or _HERE.search(text):
        return
    for home in homes:
        if not (place and place in home["it"]) and not (place and home["it"] in place):
            yield home.start("it"), home.end("it"), "home"


def _adds_up(number: str) -> bool:
    """The check digit of a card's number (ISO/IEC 7812-1, annex B)."""
    digits = [int(sign) for sign in reversed(number) if sign.isdigit()]
    doubled = (digit if at % 2 == 0 else 2 * digit - 9 * (digit > 4) for at, digit in enumerate(digits))
    return sum(doubled) % 10 == 0
