"""What may follow an operator's colon: each form of argument read, checked and brought into its plainest writing.

`FORMS` has a row a form; `operators.py` names the form of each operator, `parser.py` reads with them, `truth.py` and
`operands.py` take the values apart again. Ranges are X's (longitude ±180, radius under 25 miles …).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from connector.rules.geo import MILE_KM, Box, Circle
from connector.rules.tokens import is_emoji, is_ignored, is_wordlike, split

_LARGEST_KM = 25 * MILE_KM
NEAR_MOST = 6
CASHTAG = re.compile(r"[A-Za-z]{1,6}([._][A-Za-z]{1,2})?")
HANDLE = re.compile(r"[A-Za-z0-9_][\w.-]*(@[\w.-]+)?", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?")
_CONTEXT = re.compile(r"\d{1,20}\.(\d{1,20}|\*)|\*\.\d{1,20}", re.ASCII)
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
_COUNT = re.compile(r"(\d{1,15})(?:\.\.(\d{1,15}))?", re.ASCII)
_SHARE = re.compile(r"0(\.\d{1,9})?|1(\.0{1,9})?|\.\d{1,9}", re.ASCII)
_NUMBER = r"-?\d{1,9}(?:\.\d{1,15})?"
_RADIUS = re.compile(r"(\d{1,9}(?:\.\d{1,15})?)(mi|km)", re.ASCII | re.IGNORECASE)
# ISO 3166-1; X takes no other codes.
_COUNTRIES = frozenset(
    re.findall(
        "[A-Z]+",
        """AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY
        BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK
        FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR
        IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK
        ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM
        PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF
        TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW""",
    )
)
_OTHER_COUNTRIES = {"UK": "GB", "EN": "GB", "USA": "US", "GBR": "GB", "MEX": "MX", "ESP": "ES", "CAN": "CA"}


_WANTS_TEXT = "a word, or several in double quotes; with punctuation always in quotes"
_WANTS_HANDLE = "an account's handle without @, or its number"
_WANTS_LANGUAGE = "a language code such as en or es"
_WANTS_COUNTRY = "a country's code of two letters, such as US or MX"
_WANTS_ID = "a number without spaces, as it stands in the post's address"
_WANTS_COUNT = "a number, which means at least so many, or from..to, such as 100..500"
_WANTS_NUMBER = "a whole number"
_WANTS_PERCENT = "a whole number from 1 to 100"
_WANTS_SHARE = "a number from 0 to 1, such as 0.4"
_WANTS_CONTEXT = "domain and thing by number, * for any: 66.834828445238431744, 66.* or *.834828445238431744"
_WANTS_POINT = "[longitude latitude radius], the radius in mi or km: [-73.98 40.75 2mi]"
_WANTS_BOX = "[west south east north] in degrees: [-74.02 40.70 -73.93 40.80]"


class Read(NamedTuple):
    """An argument as it was understood, or what is wrong with it."""

    value: str
    wrong: str = ""
    """Empty: nothing; else what is expected instead."""
    better: str = ""
    """What could stand after the colon instead; empty: no idea."""


@dataclass(frozen=True, slots=True)
class Form:
    """One form of argument."""

    expects: str
    """In words, for messages and help."""
    read: Callable[[str], Read]
    """From what stands behind the colon, quotes and brackets included."""
    values: tuple[str, ...] = ()
    """Some that can be offered while typing."""


def bare(text: str) -> bool:
    """Whether the text can stand without quotes: letters and digits, `_` inside, or emoji without variants."""
    if not text or text[0] == "_" or not split(text, accents=False):
        return False
    return all((is_wordlike(char) and not is_ignored(char)) or is_emoji(char) for char in text)


def quoted(text: str) -> str:
    """The text as a phrase in a rule."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquoted(written: str) -> str:
    """What stands between the quotes, without escapes."""
    return re.sub(r'\\(["\\])', r"\1", written[1:-1])


def writing(form: str, value: str) -> str:
    """A value as it stands behind the colon."""
    return value if form not in ("text", "literal") or bare(value) else quoted(value)


def circle(value: str) -> Circle:
    """Of a sound `point` argument."""
    lon, lat, radius = value[1:-1].split()
    found = _RADIUS.fullmatch(radius)
    assert found
    return Circle(float(lon), float(lat), float(found[1]) * (MILE_KM if found[2] == "mi" else 1))


def box(value: str) -> Box:
    """Of a sound `box` argument."""
    west, south, east, north = map(float, value[1:-1].split())
    return Box(west, south, east, north)


def limits(value: str) -> tuple[int, float]:
    """The least and the largest number of a sound `count` or `number` argument."""
    least, _, most = value.partition("..")
    return int(least), int(most) if most else math.inf


def _text(written: str) -> Read:
    """Words to look for: one bare, or several in quotes."""
    if written[:1] != '"':
        if bare(written):
            return Read(written)
        return Read(written, _WANTS_TEXT, quoted(written) if split(written, accents=False) else "")
    text = unquoted(written)
    return Read(text) if split(text, accents=False) else Read(text, "there is no word to look for between the quotes")


def _literal(written: str) -> Read:
    """Characters that are looked for as they are."""
    if written[:1] == '"' and unquoted(written).strip():
        return Read(unquoted(written))
    return _text(written)


def _matching(pattern: re.Pattern[str], expects: str, change: Callable[[str], str] = str) -> Callable[[str], Read]:
    def read(written: str) -> Read:
        if pattern.fullmatch(written):
            return Read(change(written))
        plain = written.strip('@"')
        return Read(written, expects, change(plain) if pattern.fullmatch(plain) else "")

    return read


def _country(written: str) -> Read:
    code = written.strip('"').upper()
    if code in _COUNTRIES and code == written.upper():
        return Read(code)
    return Read(written, _WANTS_COUNTRY, code if code in _COUNTRIES else _OTHER_COUNTRIES.get(code, ""))


def _number(least: int, most: int | None, expects: str) -> Callable[[str], Read]:
    def read(written: str) -> Read:
        digits = written.replace(",", "").strip('<>=+%"')
        if not _DIGITS.fullmatch(digits) or len(digits) > 15:
            return Read(written, expects)
        number = max(least, min(int(digits), int(digits) if most is None else most))
        return Read(str(number)) if written == digits and number == int(digits) else Read(written, expects, str(number))

    return read


def _count(written: str) -> Read:
    found = _COUNT.fullmatch(written)
    if not found:
        digits = written.replace(",", "").strip('<>=+"').replace("...", "..").replace("-", "..")
        return Read(written, _WANTS_COUNT, digits if _COUNT.fullmatch(digits) and _count(digits).wrong == "" else "")
    least, most = int(found[1]), found[2]
    if most is None:
        return Read(str(least))
    if least > int(most):
        return Read(written, "the smaller number comes first", f"{int(most)}..{least}")
    return Read(f"{least}..{int(most)}")


def _share(written: str) -> Read:
    return (
        Read(written if written[0] != "." else f"0{written}")
        if _SHARE.fullmatch(written)
        else Read(written, _WANTS_SHARE)
    )


def _parts(written: str, count: int, expects: str) -> list[str] | Read:
    """The parts between the brackets, as many as there must be."""
    if written[:1] != "[" or written[-1:] != "]":
        return Read(written, expects if written[:1] != "[" else "this [ is never closed: add a ]")
    parts = written[1:-1].split()
    if len(parts) == count:
        return parts
    split_up = written[1:-1].replace(",", " ").replace(";", " ").split()
    return Read(written, expects, f"[{' '.join(split_up)}]" if len(split_up) == count else "")


def _point(written: str) -> Read:
    parts = _parts(written, 3, _WANTS_POINT)
    if isinstance(parts, Read):
        return parts._replace(better=parts.better if parts.better and not _point(parts.better).wrong else "")
    radius = _RADIUS.fullmatch(parts[2])
    if not radius or not _are_numbers(parts[:2]):
        return Read(written, _WANTS_POINT)
    lon, lat = float(parts[0]), float(parts[1])
    if wrong := _off_earth([lon], [lat]):
        swapped = f"[{parts[1]} {parts[0]} {parts[2].lower()}]" if abs(lon) <= 90 else ""
        return Read(written, wrong, swapped if not _off_earth([lat], [lon]) else "")
    value = f"[{parts[0]} {parts[1]} {parts[2].lower()}]"
    if not 0 < circle(value).km < _LARGEST_KM:
        return Read(written, f"the radius is more than 0 and less than 25 miles ({_LARGEST_KM:.0f} km)")
    return Read(value)


def _box(written: str) -> Read:
    parts = _parts(written, 4, _WANTS_BOX)
    if isinstance(parts, Read):
        return parts._replace(better=parts.better if parts.better and not _box(parts.better).wrong else "")
    if not _are_numbers(parts):
        return Read(written, _WANTS_BOX)
    west, south, east, north = map(float, parts)
    if wrong := _off_earth([west, east], [south, north]):
        return Read(written, wrong)
    if west > east or south > north:
        ordered = [*sorted([parts[0], parts[2]], key=float), *sorted([parts[1], parts[3]], key=float)]
        better = f"[{ordered[0]} {ordered[2]} {ordered[1]} {ordered[3]}]"
        return Read(written, _WANTS_BOX, "" if _box(better).wrong else better)
    value = f"[{' '.join(parts)}]"
    wide, high = box(value).size()
    if max(wide, high) >= _LARGEST_KM:
        size = f"{wide / MILE_KM:.0f} by {high / MILE_KM:.0f} miles"
        return Read(written, f"both sides are less than 25 miles long ({_LARGEST_KM:.0f} km); this is {size}")
    return Read(value)


def _are_numbers(parts: list[str]) -> bool:
    return all(re.fullmatch(_NUMBER, part, re.ASCII) for part in parts)


def _off_earth(lons: list[float], lats: list[float]) -> str:
    if any(abs(lon) > 180 for lon in lons):
        return "a longitude lies between -180 and 180; it comes first"
    return "a latitude lies between -90 and 90; it comes second" if any(abs(lat) > 90 for lat in lats) else ""


FORMS: dict[str, Form] = {
    "text": Form(_WANTS_TEXT, _text),
    "literal": Form(_WANTS_TEXT, _literal),
    "handle": Form(_WANTS_HANDLE, _matching(HANDLE, _WANTS_HANDLE)),
    "language": Form(_WANTS_LANGUAGE, _matching(_LANGUAGE, _WANTS_LANGUAGE, str.lower), ("en", "es")),
    "country": Form(_WANTS_COUNTRY, _country, ("US", "MX", "CA", "GB", "ES")),
    "id": Form(_WANTS_ID, _matching(_DIGITS, _WANTS_ID)),
    "context": Form(_WANTS_CONTEXT, _matching(_CONTEXT, _WANTS_CONTEXT)),
    "count": Form(_WANTS_COUNT, _count),
    "number": Form(_WANTS_NUMBER, _number(0, None, _WANTS_NUMBER)),
    "percent": Form(_WANTS_PERCENT, _number(1, 100, _WANTS_PERCENT)),
    "share": Form(_WANTS_SHARE, _share),
    "point": Form(_WANTS_POINT, _point),
    "box": Form(_WANTS_BOX, _box),
}
