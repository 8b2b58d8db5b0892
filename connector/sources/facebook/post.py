"""Posts and comments of Facebook's, from the fields of the Graph API to ours.

Facebook has no handles: an account's id stands in for one. It often does not say who wrote a post. Called by
`reading.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from connector.incoming import Detail, Incoming, Kind, Link, Media, More, Person, Reference
from connector.sources._text import hashtags, links

POST_FIELDS = (
    "id,message,created_time,updated_time,from{id,name},message_tags,parent_id,place{name,location},"
    "attachments{media_type,unshimmed_url,title,description,media{image{src}},subattachments{media_type,media{image{src}}}}"
)
COMMENT_FIELDS = (
    "id,message,created_time,from{id,name},message_tags,parent{id},"
    "attachment{type,url,title,description,media{image{src}}}"
)
_MEDIA = {"photo": "photo", "sticker": "photo", "video": "video", "video_inline": "video"}
"""By `media_type` of a post's attachments and `type` of a comment's."""


class Author(msgspec.Struct):
    id: str = ""
    name: str = ""


class Tagged(msgspec.Struct):
    id: str = ""
    name: str = ""
    type: str = ""


class Image(msgspec.Struct):
    src: str = ""


class Picture(msgspec.Struct):
    image: Image | None = None


class Attachment(msgspec.Struct):
    media_type: str = ""
    type: str = ""
    url: str = ""
    unshimmed_url: str = ""
    title: str = ""
    description: str = ""
    media: Picture | None = None
    subattachments: Attachments | None = None

    @property
    def kind(self) -> str:
        return _MEDIA.get(self.media_type or self.type, "")


class Attachments(msgspec.Struct):
    data: Sequence[Attachment] = ()


class Location(msgspec.Struct):
    latitude: float | None = None
    longitude: float | None = None


class Place(msgspec.Struct):
    name: str = ""
    location: Location | str | None = None


class Parent(msgspec.Struct):
    id: str = ""


class Summary(msgspec.Struct):
    total_count: int = 0


class Comments(msgspec.Struct):
    summary: Summary = msgspec.field(default_factory=Summary)


class Post(msgspec.Struct, rename={"author": "from"}):
    """A post, or a comment: the fields that we use."""

    id: str
    created_time: str
    updated_time: str = ""
    message: str = ""
    author: Author | None = None
    message_tags: Sequence[Tagged] = ()
    attachments: Attachments | None = None
    attachment: Attachment | None = None
    place: Place | None = None
    parent_id: str = ""
    parent: Parent | None = None
    comments: Comments | None = None

    @property
    def created_at(self) -> datetime:
        return moment(self.created_time)

    @property
    def changed_at(self) -> datetime:
        """When it was written, edited or last commented on."""
        return moment(self.updated_time or self.created_time)


def moment(written: str) -> datetime:
    """ValueError if it is no time."""
    return datetime.fromisoformat(written).astimezone(UTC)


def incoming(post: Post, page_id: str, us: str, of: str = "") -> Incoming:
    """The post, or the comment `of` a post; `us` is how the city's rules name the Page."""
    text = post.message.replace("\0", "\ufffd")
    attached = [*(post.attachments.data if post.attachments else ()), *filter(None, [post.attachment])]
    shared = {link: one for one in attached if (link := one.unshimmed_url or one.url) and not one.kind}
    urls = _once([*links(text), *(link for link in shared if _is_outside(link))])

    def detail() -> Detail:
        references = _references(post, of)
        author, place = post.author, post.place
        where = place.location if place and isinstance(place.location, Location) else Location()
        accounts = [tag for tag in post.message_tags if tag.type in ("user", "page")]
        return Detail(
            kind=references[0].kind if references else Kind.POST,
            posted_at=post.created_at,
            author=Person(author.id, author.name, author.id) if author and author.id else None,
            mentioned=_once(us if tag.id == page_id else tag.id for tag in accounts),
            people=_once(tag.name for tag in accounts if tag.type == "user" and tag.name),
            hashtags=hashtags(text),
            urls=urls,
            media=[media for one in attached for media in _media(one)],
            conversation_id=of or post.id,
            references=references,
            place_name=place.name if place else "",
            lat=where.latitude,
            lon=where.longitude,
            own=bool(author and author.id == page_id),
        )

    def more(_: bytes) -> More:
        found = [Link((url,), True, shared[url].title, shared[url].description) if url in shared else Link((url,))
                 for url in urls]  # fmt: skip
        return More(author_id=post.author.id or None if post.author else None, links=found)

    return Incoming(post.id, text, "", b"", detail, more)


def _references(post: Post, of: str) -> list[Reference]:
    if of:
        return [Reference(Kind.REPLY, post.parent.id if post.parent and post.parent.id else of)]
    if post.parent_id:
        return [Reference(Kind.QUOTE if post.message else Kind.REPOST, post.parent_id)]
    return []


def _media(attachment: Attachment) -> list[Media]:
    """Pictures of an album stand in its parts; Facebook does not tell what is seen on them."""
    if attachment.subattachments and attachment.subattachments.data:
        return [media for part in attachment.subattachments.data for media in _media(part)]
    if not attachment.kind:
        return []
    image = attachment.media.image if attachment.media else None
    return [Media(attachment.kind, image.src if image else "")]


def _is_outside(link: str) -> bool:
    """Not to Facebook's own pages, whose addresses hold names."""
    return link.startswith(("http://", "https://")) and "facebook.com/" not in link


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
