"""What a source hands over: batches of events, and a post that is decoded only as far as somebody asks.

Sources build `Incoming` posts, the matcher reads `text` and `lang` first and asks for `detail` only when a rule
needs it, `intake.py` turns what matched into rows. Handles stand here in clear and nowhere after `intake`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """What a post is in its thread; a post that replies and quotes counts as a reply."""

    POST = "post"
    REPLY = "reply"
    REPOST = "repost"
    QUOTE = "quote"


class Person(msgspec.Struct, frozen=True):
    """An account as its platform names it; `handle` without the `@`."""

    handle: str
    name: str = ""
    id: str = ""


class Media(msgspec.Struct, frozen=True):
    """A picture or film of a post: `kind` is photo, video or animated_gif."""

    kind: str
    url: str = ""
    alt: str = ""


class Reference(msgspec.Struct, frozen=True):
    """Another post that this one answers, repeats or quotes."""

    kind: Kind
    source_id: str


class Detail(msgspec.Struct):
    """Everything about a post that is not needed to look for words in it."""

    kind: Kind = Kind.POST
    posted_at: datetime | None = None
    """Aware, UTC; None where the source does not say."""
    author: Person | None = None
    mentioned: Sequence[str] = ()
    """Handles without `@`, as written, each once."""
    people: Sequence[str] = ()
    """Every further handle the payload names (authors of quoted posts …): masked wherever it stands."""
    hashtags: Sequence[str] = ()
    """Without `#`, as written."""
    urls: Sequence[str] = ()
    """Expanded links of the text, without links to its own media."""
    media: Sequence[Media] = ()
    quoted_text: str = ""
    conversation_id: str = ""
    references: Sequence[Reference] = ()
    edits: Sequence[str] = ()
    """Ids of all versions, oldest first, this one included; empty where the source knows no edits."""
    place_name: str = ""
    lat: float | None = None
    lon: float | None = None
    """Degrees, WGS 84."""
    reply_settings: str = ""
    """Who may answer, in the platform's word; empty: unknown."""
    withheld: bool = False
    own: bool = False
    """Written by one of the city's own accounts."""


class Incoming:
    """A post as a source handed it over: raw bytes, lean fields, the rest decoded on demand."""

    __slots__ = ("_decode", "_detail", "lang", "raw", "source_id", "text")

    def __init__(
        self,
        source_id: str,
        text: str,
        lang: str = "",
        raw: bytes = b"",
        detail: Detail | Callable[[], Detail] | None = None,
    ) -> None:
        self.source_id, self.text, self.lang, self.raw = source_id, text, lang, raw
        self._detail = detail if isinstance(detail, Detail) else None
        self._decode = detail if callable(detail) else Detail

    @property
    def detail(self) -> Detail:
        """Decoded at the first question, then kept."""
        if self._detail is None:
            self._detail = self._decode()
        return self._detail

    def wrote(self, handle: str) -> bool:
        """Whether this account (lower case, without `@`) is the author."""
        author = self.detail.author
        return author is not None and author.handle.lower() == handle

    def mentions(self, handle: str) -> bool:
        """Whether the text mentions this account (lower case, without `@`)."""
        return any(name.lower() == handle for name in self.detail.mentioned)


@dataclass(frozen=True, slots=True)
class Arrived:
    """A post, new or seen before."""

    post: Incoming


@dataclass(frozen=True, slots=True)
class Edited:
    """A new version of a post; it updates the row of the earlier ones."""

    post: Incoming


@dataclass(frozen=True, slots=True)
class Deleted:
    """The platform says that this post is gone, by the id of any of its versions."""

    source_id: str


@dataclass(frozen=True, slots=True)
class Missed:
    """An interval in which posts may have been missed, and why; times aware, UTC."""

    from_at: datetime
    to_at: datetime
    why: str


Event = Arrived | Edited | Deleted | Missed


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 500 events and the cursor after them; the cursor is saved in the same commit as the posts."""

    events: Sequence[Event]
    cursor: str = ""
