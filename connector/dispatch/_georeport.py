"""GeoReport v2 answers, read: JSON or XML, told apart by the first character, as rows of plain values.

`open311.py` asks, this reads, and words the one text that is read back: the description. Everything stays as
printed: a number in JSON is text here, so that `001` survives. XML is read by element names, so that one child and
many look the same (https://wiki.open311.org/GeoReport_v2/).
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException, ElementTree

from connector.dispatch import Request
from connector.dispatch._text import one_line, plain, shortened, units

Row = dict[str, Any]
WRAPPERS = {
    "request": ("service_requests", "requests", "service_request", "request"),
    "service": ("services", "service"),
    "attribute": ("service_definition", "attributes", "attribute"),
}
"""What converters from XML put around the rows; the specification's JSON is a bare array."""
GENERAL = {"description", "detail", "details", "message", "error", "errors", "error_message", "title"}
GENERAL |= {"requests", "service_requests", "request", "non_field_errors"}
BARE_ZERO = re.compile(r'("(?:[^"\\]|\\.)*")|(?<![\w.+-])(0\d+)(?![\w.])')


LONGEST = 4_000
"""Characters of a description, the specification's limit."""
LINKS_LONGEST = 3_000
REFERENCE = re.compile(r"Reference: ([A-Za-z0-9-]+)")
USUAL_CUTS = {10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 150, 200, 250, 300, 400, 500}
"""Lengths at which servers cut lists without saying so; the specification's own limit is 1,000."""
NEARBY = 0.01
"""Degrees, about a kilometre."""


class Unreadable(Exception):
    """Neither JSON nor XML, or a page for people."""


def read(body: bytes) -> Any:
    """JSON as lists and dicts, XML as an Element; raises `Unreadable`."""
    text = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<"):
        return _xml(text)
    try:
        printed = text.decode("utf-8")
        try:
            return json.loads(printed, parse_int=str, parse_float=str)
        except json.JSONDecodeError:
            # The specification's own example prints `"service_code":001`, which is no JSON.
            quoted = BARE_ZERO.sub(lambda m: m[1] or f'"{m[2]}"', printed)
            return json.loads(quoted, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise Unreadable from error


def rows(document: Any, name: str) -> list[Row]:
    """Every `request`, `service` or `attribute` in the document."""
    if isinstance(document, Element):
        return [_row(element) for element in document.iter(name)]
    if isinstance(document, list):
        return [row for row in document if isinstance(row, dict)]
    if isinstance(document, dict):
        for wrapper in WRAPPERS[name]:
            if isinstance(document.get(wrapper), list | dict):
                return rows(document[wrapper], name)
        return [document] if document else []
    return []


def value(row: Row, name: str) -> str:
    """A field as text, as printed; '' for null, a list or an empty object."""
    found = row.get(name)
    return found.strip() if isinstance(found, str) else ""


def truth(row: Row, name: str) -> bool:
    """A field that is true in JSON, or says so in XML."""
    return row.get(name) is True or value(row, name).lower() in ("true", "1", "yes")


def moment(text: str) -> datetime | None:
    """Aware, UTC, whole seconds; a missing offset is taken for UTC, an unreadable time for none."""
    try:
        read_as = datetime.fromisoformat(text)
        read_as = read_as if read_as.tzinfo else read_as.replace(tzinfo=UTC)
        return read_as.astimezone(UTC).replace(microsecond=0)
    except (ValueError, OverflowError):
        return None


def refusal(document: Any) -> tuple[str, int | None]:
    """Their words in an error answer, whatever its shape, and the code that it names."""
    said = list(_said(document))
    codes = [int(text) for name, text in said if name == "code" and re.fullmatch(r"[45]\d\d", text)]
    words = [text if name in GENERAL else f"{name}: {text}" for name, text in said if name not in ("code", "status")]
    return "; ".join(words), codes[0] if codes else None


def description(request: Request) -> str:
    """What residents wrote, how many, where, and our reference: plain text, at most `LONGEST` characters.

    Only the residents' words are shortened; links beyond `LINKS_LONGEST` characters are counted instead of listed.
    The specification forbids HTML, and some servers would show it: angle brackets become quotation marks.
    """
    links: list[str] = []
    for link in request.links:
        if sum(units(one) + 1 for one in (*links, link)) > LINKS_LONGEST:
            links.append(f"… and {len(request.links) - len(links)} more")
            break
        links.append(one_line(link, LINKS_LONGEST))
    tail = [f"Reported by {request.people} people"] if request.people > 1 else []
    end = "\n\n" + "\n".join([*tail, *links, f"Reference: {request.reference}"])
    text = plain(request.text).translate({ord("<"): "‹", ord(">"): "›"}).strip()
    return (shortened(text, LONGEST - units(end)) + end).strip()


def bears(row: Row, request: Request) -> bool:
    """Whether this is our request: our reference is the last that its description names."""
    return REFERENCE.findall(_flat(value(row, "description")))[-1:] == [request.reference]


def may_hide(row: Row, request: Request) -> bool:
    """Whether this could be our request with the end of its description, or all of it, left out."""
    told = _flat(value(row, "description")).rstrip("….").rstrip()
    with contextlib.suppress(ValueError):
        here, there = (request.lat, request.lon), (float(value(row, "lat")), float(value(row, "long")))
        if any(ours is not None and abs(ours - theirs) > NEARBY for ours, theirs in zip(here, there, strict=True)):
            return False
    return _flat(description(request)).startswith(told)


def looks_cut(found: list[Row], headers: Mapping[str, str], longest: int) -> bool:
    """Whether more may follow; a list shorter than the `longest` that this server gave was not cut."""
    pages = headers.get("X-Page-Count", "")
    if pages.isascii() and pages.isdigit():
        return int(pages) > 1
    if 'rel="next"' in headers.get("Link", ""):
        return True
    return len(found) >= 1_000 or (len(found) in USUAL_CUTS and len(found) >= longest)


def _flat(text: str) -> str:
    return " ".join(text.split())


def _xml(text: bytes) -> Element:
    try:
        root: Element = ElementTree.fromstring(text)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise Unreadable from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    if root.tag.lower() == "html":
        raise Unreadable
    return root


def _row(element: Element) -> Row:
    """The element's own fields; what lies deeper is asked for by its own name."""
    return {child.tag: (child.text or "").strip() for child in element if not len(child)}


def _said(document: Any, name: str = "error") -> Iterator[tuple[str, str]]:
    """Every text in the document with the name it stands under."""
    if isinstance(document, Element):
        if len(document) == 0 and (document.text or "").strip():
            yield document.tag, (document.text or "").strip()
        for child in document:
            yield from _said(child)
    elif isinstance(document, dict):
        for key, inner in document.items():
            yield from _said(inner, str(key))
    elif isinstance(document, list):
        for inner in document:
            yield from _said(inner, name)
    elif isinstance(document, str) and document.strip():
        yield name, document.strip()
