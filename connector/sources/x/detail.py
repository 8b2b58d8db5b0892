"""What a post says besides its words: author, references, links, pictures, place. `payload.py` asks at need.

A stream message carries its own `includes`; the posts of a page share one (`Around.shared`), so there only the people
whom a post itself leads to are counted as its own. Handles stay in clear here: masking is the work of a later module.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from connector.incoming import Detail, Kind, Media, Person, Reference
from connector.sources.x import shapes
from connector.sources.x.shapes import Entities, Id, Included, Includes, Lean, Post, Tag, Url, User

KINDS = {"retweeted": Kind.REPOST, "replied_to": Kind.REPLY, "quoted": Kind.QUOTE}
PRECEDENCE = (Kind.REPOST, Kind.REPLY, Kind.QUOTE)
MEDIA_KINDS = {"3": "photo", "7": "video", "13": "video", "16": "animated_gif"}
"""By the first part of a media key, as in every recorded answer; X does not document it."""
SPOT_DEGREES = 0.02
"""A place smaller than this (about 2 km) is taken for a spot, and its middle for the post's position."""

ENTITY = re.compile(r"&#?\w+;")
HASHTAG = re.compile(r"(?<![\w&/])[#＃](\w*[^\W\d]\w*)")
MENTION = re.compile(r"(?<![\w/.])@(\w{1,15})(?!\w)", re.ASCII)
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
HANDLE_IN_URL = re.compile(r"https?://(?:\w+\.)?(?:twitter|x)\.com/(?!i/)(\w{1,15})/status/", re.ASCII)


class Around:
    """What stands beside a post in `includes`, by id."""

    def __init__(self, includes: Includes, shared: bool = False) -> None:
        self.shared = shared
        self.users = {str(user.id): user for user in includes.users or ()}
        self.posts = {str(post.id): post for post in includes.tweets or includes.posts or ()}
        self.media = {medium.media_key: medium for medium in includes.media or ()}
        self.places = {str(place.id): place for place in includes.places or ()}


def plain(text: str) -> str:
    """As a person wrote it: X hands texts over with `&`, `<` and `>` written as in HTML."""
    if "&" in text:
        text = ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return text.replace("\0", "\ufffd") if "\0" in text else text


def words(post: Lean | Included) -> str:
    """The full text, of a long post too."""
    note = post.note_tweet or post.note_post
    return plain((note and note.text) or post.text or "")


def original(post: Post, around: Around) -> Included | None:
    """The post that this one repeats, if it came along."""
    return _referenced(post, around, "retweeted")


def detail(post: Post, around: Around) -> Detail:
    """Everything about the post that the payload holds; what is missing stays empty."""
    repeated = original(post, around)
    quoted = _referenced(post, around, "quoted")
    sources = [post] if repeated is None else [post, repeated]
    entities = [_entities(source) for source in sources]
    author = _author(post, around)
    mentioned = _once(user.username for found in entities for user in found.mentions or ())
    people = _once(_people(post, around, entities))
    named = {handle.lower() for handle in (*mentioned, author.handle if author else "")}
    place_name, lat, lon = _place(post, around)
    return Detail(
        kind=_kind(post),
        posted_at=_utc(post.created_at),
        author=author,
        mentioned=mentioned,
        people=tuple(handle for handle in people if handle.lower() not in named),
        hashtags=_once(tag.tag for found in entities for tag in found.hashtags or ()),
        urls=_once(_link(url) for found in entities for url in found.urls or () if not _is_own_media(url, sources)),
        media=tuple(_media(post, around)) or (tuple(_media(repeated, around)) if repeated else ()),
        quoted_text=words(quoted) if quoted else "",
        conversation_id=_text(post.conversation_id),
        references=tuple(Reference(KINDS[kind], id) for kind, id in _references(post)),
        edits=_edits(post),
        place_name=place_name,
        lat=lat,
        lon=lon,
        reply_settings=post.reply_settings or "",
        withheld=post.withheld is not None,
    )


def _references(post: Post) -> Iterator[tuple[str, str]]:
    for reference in post.referenced_tweets or post.referenced_posts or ():
        if reference.type in KINDS and reference.id is not None:
            yield reference.type, str(reference.id)


def _referenced(post: Post, around: Around, kind: str) -> Included | None:
    for reference in post.referenced_tweets or post.referenced_posts or ():
        if reference.type == kind:
            found = reference if reference.text is not None else around.posts.get(str(reference.id))
            return found if found is not None and found.text is not None else None
    return None


def _kind(post: Post) -> Kind:
    kinds = {KINDS[kind] for kind, _ in _references(post)}
    for kind in PRECEDENCE:
        if kind in kinds:
            return kind
    # Where the references were not asked for, a post inside another one's conversation is an answer.
    answers = post.in_reply_to_user_id is not None and _text(post.conversation_id) not in ("", str(post.id))
    return Kind.REPLY if answers else Kind.POST


def _author(post: Included, around: Around) -> Person | None:
    user = post.author if post.author and post.author.username else around.users.get(str(post.author_id))
    handle = (user and user.username) or post.username
    if not handle:
        return None
    name, id = (user.name, user.id) if user else (None, None)
    return Person(handle, plain(name or ""), _text(id if id is not None else post.author_id))


def _people(post: Post, around: Around, entities: Iterable[Entities]) -> Iterator[str | None]:
    """Every handle in sight, the author's too; `None` among them."""
    references = list(post.referenced_tweets or post.referenced_posts or ())
    included = [around.posts[id] for _, id in _references(post) if id in around.posts]
    others: list[Included] = [*references, *(included if around.shared else around.posts.values())]
    for user in () if around.shared else around.users.values():
        yield user.username
    for each in (post, *others):
        answered = each.in_reply_to_user or around.users.get(str(each.in_reply_to_user_id))
        yield answered.username if answered else None
        author = _author(each, around)
        yield author.handle if author else None
    for found in (*entities, *(_entities(other) for other in others if other.text is not None)):
        for mention in found.mentions or ():
            yield mention.username
        for url in found.urls or ():
            handle = HANDLE_IN_URL.match(url.expanded_url or "")
            yield handle[1] if handle else None


def _entities(post: Included) -> Entities:
    """As X marks them; found in the text where X was not asked for them."""
    note = post.note_tweet or post.note_post
    found = note.entities if note and note.text else post.entities
    if found is not None:
        return found
    text = words(post)
    return Entities(
        hashtags=[Tag(tag) for tag in HASHTAG.findall(text)],
        mentions=[User(username=handle) for handle in MENTION.findall(text)],
        urls=[Url(url=url) for url in LINK.findall(text)],
    )


def _link(url: Url) -> str | None:
    return url.unwound_url or url.expanded_url or url.url


def _is_own_media(url: Url, posts: list[Post] | list[Included]) -> bool:
    if url.media_key or (url.display_url or "").startswith(("pic.twitter.com/", "pic.x.com/")):
        return True
    link = url.expanded_url or ""
    return any(f"/status/{post.id}/photo/" in link or f"/status/{post.id}/video/" in link for post in posts)


def _media(post: Included, around: Around) -> Iterator[Media]:
    attachments = post.attachments or shapes.Attachments()
    inlined = {medium.media_key: medium for medium in attachments.media or ()}
    for key in dict.fromkeys([*(attachments.media_keys or ()), *filter(None, inlined)]):
        medium = inlined.get(key) or around.media.get(key) or shapes.Medium()
        kind = medium.type or MEDIA_KINDS.get(key.partition("_")[0])
        if kind:
            yield Media(kind, medium.url or medium.preview_image_url or "", plain(medium.alt_text or ""))


def _place(post: Post, around: Around) -> tuple[str, float | None, float | None]:
    if (geo := post.geo) is None:
        return "", None, None
    place = geo if geo.full_name or geo.name else around.places.get(str(geo.place_id), geo)
    name = plain(place.full_name or place.name or "")
    if geo.coordinates and geo.coordinates.coordinates and len(geo.coordinates.coordinates) == 2:
        lon, lat = geo.coordinates.coordinates
        if abs(lat) <= 90 and abs(lon) <= 180:
            return name, lat, lon
    box = place.geo.bbox if place.geo else None
    if box and len(box) == 4:
        west, south, east, north = box
        if 0 <= east - west < SPOT_DEGREES and 0 <= north - south < SPOT_DEGREES and abs(north) <= 90 >= abs(south):
            return name, (south + north) / 2, (west + east) / 2
    return name, None, None


def _edits(post: Post) -> tuple[str, ...]:
    ids = {str(id) for id in post.edit_history_tweet_ids or post.edit_history_post_ids or ()} - {""}
    if ids <= {str(post.id)}:
        return ()
    return tuple(sorted(ids | {str(post.id)}, key=lambda id: (len(id), id)))


def _utc(moment: datetime | None) -> datetime | None:
    """X speaks UTC, also where it leaves the zone out."""
    if moment is None or moment.tzinfo is None:
        return moment and moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def _once(values: Iterable[str | None]) -> tuple[str, ...]:
    """Each once, as first written."""
    first: dict[str, str] = {}
    for value in values:
        if value:
            first.setdefault(value.lower(), value)
    return tuple(first.values())


def _text(id: Id) -> str:
    return "" if id is None else str(id)
