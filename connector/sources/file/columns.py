"""Which column holds what, and a row as a post.

What nobody names is guessed from the header. Read on in `dates.py`; the folder is watched in `__init__.py`, an upload
is read by `connector/takein.py`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from connector.incoming import Detail, Incoming, Person
from connector.sealing import Hiding
from connector.sources._text import handles_in, hashtags, links, mentions, web_address
from connector.sources.file.dates import DateError, Order, read
from connector.sources.file.table import Row, TableError

Column = Literal["id", "text", "posted_at", "author", "lang", "lat", "lon", "url"]
COLUMNS: dict[Column, str] = {
    "text": "Text", "id": "Number or id", "posted_at": "Date", "author": "Author", "url": "Link", "lang": "Language",
    "lat": "Latitude", "lon": "Longitude",
}  # fmt: skip
"""What a post may be told of, and how a page calls it."""
_KNOWN_AS: dict[Column, str] = {
    "text": "text description message body content comment complaint comments details posttext fulltext note notes",
    "id": "id postid sourceid ticket ticketid ticketno ticketnumber caseid casenumber servicerequestid srnumber "
    "requestid requestnumber reference number no uuid guid",
    "posted_at": "postedat createdat createddate created date datetime timestamp time opened openeddate opendate "
    "requesteddatetime requestdate submitted submittedat submitteddate reported reportedat published",
    "author": "author username user handle screenname authorhandle postedby createdby reportedby sender from name",
    "lang": "lang language locale",
    "lat": "lat latitude y",
    "lon": "lon lng long longitude x",
    "url": "url link permalink href posturl",
}
_NO_TEXT = "no text"
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]\w+)*", re.IGNORECASE)
_LONGEST_ID = 200


class RowError(ValueError):
    """Why a row is no post, in words that quote nothing of it."""


def guessed(header: Sequence[str]) -> dict[Column, str]:
    """The likely heading of each column that has one."""
    plain = {re.sub(r"[\W_]+", "", name.casefold()): name for name in reversed(header)}
    found: dict[Column, str] = {}
    for column, names in _KNOWN_AS.items():
        for name in names.split():
            if name in plain and plain[name] not in found.values():
                found[column] = plain[name]
                break
    return found


def settled(told: Mapping[Column, str], header: Sequence[str]) -> dict[Column, str]:
    """The heading of each column: as told, else as guessed. TableError when one is not there, or none has the text."""
    missing = [column for column, name in told.items() if name and name not in header]
    if missing:
        raise TableError(f"its header has no column “{told[missing[0]]}”, which `{missing[0]}` names")
    found = {column: name for column, name in guessed(header).items() if column not in told} | dict(told)
    found = {column: name for column, name in found.items() if name}
    if "text" not in found:
        raise TableError("no column of its header looks like the text: name it, as columns = {text = …}")
    return found


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes posts of the rows of one table."""

    columns: Mapping[Column, str]
    zone: ZoneInfo
    order: Order = "clear"

    @property
    def has_ids(self) -> bool:
        return "id" in self.columns

    def post(self, row: Row) -> Incoming:
        """Raises RowError."""
        if row.problem:
            raise RowError(row.problem)
        told = {column: row.cells.get(name, "").replace("\0", "").strip() for column, name in self.columns.items()}
        text = told["text"]
        if not text:
            raise RowError(_NO_TEXT)
        try:
            posted_at = read(told["posted_at"], self.zone, self.order) if told.get("posted_at") else None
        except DateError as error:
            raise RowError(str(error)) from None
        lat, lon = _position(told.get("lat", ""), told.get("lon", ""))
        author = _person(told.get("author", ""))
        link = web_address(told.get("url", ""))
        people = [*([author.name] if author and author.name else []), *(handles_in(link) if link else [])]
        detail = Detail(
            posted_at=posted_at, author=author, mentioned=mentions(text), people=people, hashtags=hashtags(text),
            urls=links(text), lat=lat, lon=lon, link=link,
        )  # fmt: skip
        lang = _LANGUAGE.fullmatch(told.get("lang", ""))
        return Incoming(_id(told, author), text, lang[1].lower() if lang else "", b"", detail)


def _person(author: str) -> Person | None:
    """A handle; what has a blank in it is a name."""
    author = author.lstrip("@").strip()
    if not author:
        return None
    return Person("", author) if " " in author else Person(author)


def _position(lat: str, lon: str) -> tuple[float | None, float | None]:
    """Degrees; nothing where they cannot be, nor where 0, 0 stands for it."""
    try:
        y, x = (float(told.replace(",", ".")) for told in (lat, lon))
    except ValueError:
        return None, None
    if not (math.isfinite(x) and math.isfinite(y) and abs(y) <= 90 and abs(x) <= 180) or (x, y) == (0, 0):
        return None, None
    return y, x


def _id(told: Mapping[Column, str], author: Person | None) -> str:
    """As told; without one, or if it holds a handle, a stable hash, so that a row that is read again is the same."""
    own = told.get("id", "")
    if own and len(own) <= _LONGEST_ID:
        names = [author.handle or author.name] if author else []
        if Hiding(names, frozenset()).hide(own) == own:
            return own
    content = own or "\0".join(f"{column}={told[column]}" for column in sorted(told))
    return "row-" + hashlib.blake2b(content.encode(), digest_size=12).hexdigest()
