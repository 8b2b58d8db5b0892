"""What a source hands over: batches of events, and a post that is decoded only as far as somebody asks.

Sources build `Incoming` posts, the matcher reads `text` and `lang` first and asks for `detail` only when a rule
needs it, for `more` only when a rare operator does; `intake.py` turns what matched into rows. Handles stand here in
clear and nowhere after `intake`; what stands in `More` is read in memory and never stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from connector.models import GapCause


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
    link: str = ""
    """The post's own address, for kinds that declare no pattern for it."""
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


class Fact(StrEnum):
    """What operators of the rule language ask of a post; a kind of source declares which of them its posts tell."""

    TEXT = "text"
    LANGUAGE = "language"
    AUTHOR = "author"
    AUTHOR_NAME = "author's name"
    PROFILE = "author's profile"
    VERIFIED = "verified author"
    FOLLOWERS = "author's counts"
    MENTIONS = "mentions"
    PARTNERS = "whom it answers or repeats"
    LINKS = "links"
    LINKED_PAGES = "linked pages"
    MEDIA = "media"
    KIND = "kind"
    REFERENCES = "references"
    CONVERSATION = "conversation"
    PLACE = "place"
    POSITION = "position"
    REACTIONS = "reactions"
    APP = "app"
    ANNOTATIONS = "annotations"
    UPSTREAM = "upstream"
    """Decided by X's servers alone: no post tells it."""


NOBODY = Person("")
"""In `More`: it is known that there is no such account."""


class Link(msgspec.Struct, frozen=True):
    """A link of a post: every address it goes by, and what the page behind it says of itself."""

    addresses: Sequence[str]
    complete: bool = True
    """False: it is shortened, and the source does not say where it leads."""
    title: str | None = None
    description: str | None = None


class TaggedPlace(msgspec.Struct, frozen=True):
    """The place that an author tagged."""

    id: str = ""
    names: Sequence[str] = ()
    country: str = ""
    """ISO 3166 code of two letters."""
    box: tuple[float, float, float, float] | None = None
    """West, south, east, north, in degrees."""


class Quoted(msgspec.Struct, frozen=True):
    """What stands in the quoted post."""

    mentioned: Sequence[str] = ()
    cashtags: Sequence[str] | None = None
    links: Sequence[Link] = ()


class More(msgspec.Struct):
    """What only few rules ask for; None: the source does not say."""

    author_id: str | None = None
    answered: Person | None = None
    """The account that the post answers, `NOBODY` if it is no answer; without a handle where only the id is told."""
    repeated: Person | None = None
    """The account whose post this one repeats; as `answered`."""
    answers_inside: bool | None = None
    """Whether the post that it quotes or repeats is an answer itself."""
    name: str | None = None
    bio: str | None = None
    location: str | None = None
    verified: bool | None = None
    followers: int | None = None
    following: int | None = None
    posts: int | None = None
    lists: int | None = None
    likes: int | None = None
    replies: int | None = None
    reposts: int | None = None
    app: str | None = None
    """The program it was written with."""
    cashtags: Sequence[str] | None = None
    """Without `$`."""
    links: Sequence[Link] | None = None
    """Those to its own media too."""
    located: bool | None = None
    """Whether it carries a place or a position."""
    position: tuple[float, float] | None = None
    """Longitude, latitude."""
    place: TaggedPlace | None = None
    contexts: Sequence[tuple[str, str]] | None = None
    """X's annotations: domain, entity."""
    named: Sequence[str] | None = None
    """Names of persons, places and things that X found in it."""
    quoted: Quoted | None = None


class Incoming:
    """A post as a source handed it over: raw bytes, lean fields, the rest decoded on demand."""

    __slots__ = ("_decode", "_decode_more", "_detail", "_more", "lang", "named", "raw", "source_id", "text")

    def __init__(
        self,
        source_id: str,
        text: str,
        lang: str = "",
        raw: bytes = b"",
        detail: Detail | Callable[[], Detail] | None = None,
        more: Callable[[bytes], More] | None = None,
        named: Sequence[tuple[int, int]] = (),
    ) -> None:
        """`more` reads it from `raw`; None: this source tells no more than `detail`.

        `named` are our rules, each with its version, that the platform itself says the post meets.
        """
        self.source_id, self.text, self.lang, self.raw = source_id, text, lang, raw
        self._detail = detail if isinstance(detail, Detail) else None
        self._decode = detail if callable(detail) else Detail
        self.named = named
        self._more: More | None = None
        self._decode_more = more

    @property
    def detail(self) -> Detail:
        """Decoded at the first question, then kept."""
        if self._detail is None:
            self._detail = self._decode()
        return self._detail

    @property
    def more(self) -> More:
        """Decoded at the first question, then kept."""
        if self._more is None:
            self._more = self._decode_more(self.raw) if self._decode_more else More()
        return self._more

    def wrote(self, handle: str) -> bool | None:
        """Whether this account (lower case, without `@`) is the author; None: it is not told who is."""
        author = self.detail.author
        return author.handle.lower() == handle if author is not None and author.handle else None

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
class Refused:
    """Something came that cannot be read as a post: it is counted with this reason, which quotes nothing of it."""

    why: str


@dataclass(frozen=True, slots=True)
class Missed:
    """An interval in which posts may have been missed, and why; times aware, UTC."""

    from_at: datetime
    to_at: datetime
    why: str
    cause: GapCause = GapCause.DISCONNECT
    lost: bool = False
    """The platform has no way to bring them any more."""


Event = Arrived | Edited | Deleted | Refused | Missed


@dataclass(frozen=True, slots=True)
class Batch:
    """Up to 500 events and the cursor after them; the cursor is saved in the same commit as the posts.

    One without events says that the source is well and has nothing new.
    """

    events: Sequence[Event]
    cursor: str = ""
    surface: str = ""
    """Whose verdict the rules' matches are, if it is not the one that the kind declares."""
