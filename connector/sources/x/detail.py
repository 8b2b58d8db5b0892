"""What a post says besides its words: author, references, links, pictures, place. `payload.py` asks at need.

A stream message carries its own `includes`; the posts of a page share one (`Around.shared`), so there only the people
whom a post itself leads to are counted as its own. Handles stay in clear here: masking is the work of a later module.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from connector.incoming import Detail, Kind, Media, Person, Reference
from connector.rules.tokens import hashtags_in
from connector.sources.x.shapes import Entities, Geo, Id, Included, Includes, Lean, Medium, Post, Tag, Url, User

KINDS = {"retweeted": Kind.REPOST, "replied_to": Kind.REPLY, "quoted": Kind.QUOTE}
PRECEDENCE = (Kind.REPOST, Kind.REPLY, Kind.QUOTE)
MEDIA_KINDS = {"3": "photo", "7": "video", "13": "video", "16": "animated_gif"}
"""By the first part of a media key, as in every recorded answer; X does not document it."""
SPOT_DEGREES = 0.02
"""A place smaller than this (about 2 km) is taken for a spot, and its middle for the post's position."""

ENTITY = re.compile(r"&#?\w+;")
MENTION = re.compile(r"(?<![\w/.])@(\w{1,15})(?!\w)", re.ASCII)
LINK = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
HANDLE_IN_URL = re.compile(r"https?://(?:\w+\.)?(?:twitter|x)\.com/(?!i/)(\w{1,15})/status/", re.ASCII)


class Around:
    """What stands beside a post in `includes`, by id."""

    def __init__(self, includes: Includes, shared: bool = False) -> None:
        self.shared = shared
        posts, media, places = includes.tweets or includes.posts, includes.media, includes.places
        self.users = {str(user.id): user for user in includes.users or () if user.id is not None}
        self.posts = {str(post.id): post for post in posts if post.id is not None} if posts else {}
        self.media = {medium.media_key: medium for medium in media} if media else {}
        self.places = {str(place.id): place for place in places if place.id is not None} if places else {}


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
    entities, media = _entities(post), _media(post, around)
    repeated = quoted = None
    if post.referenced_tweets or post.referenced_posts:
        repeated, quoted = original(post, around), _referenced(post, around, "quoted")
    if repeated is not None:
        entities, media = _both(entities, _entities(repeated)), [*media, *_media(repeated, around)]
    references = _references(post)
    author = _author(post, around)
    mentioned = _once([user.username for user in entities.mentions]) if entities.mentions else ()
    place_name, lat, lon = _place(post.geo, around) if post.geo else ("", None, None)
    return Detail(
        kind=_kind(post, references),
        posted_at=_utc(post.created_at) if post.created_at else None,
        author=author,
        mentioned=mentioned,
        people=_people(post, around, entities, (author.handle, *mentioned) if author else mentioned),
        hashtags=_once([tag.tag for tag in entities.hashtags]) if entities.hashtags else (),
        urls=_urls(entities.urls, post, repeated) if entities.urls else (),
        media=tuple(media),
        quoted_text=words(quoted) if quoted else "",
        conversation_id=_text(post.conversation_id),
        references=references,
        edits=_edits(post),
        place_name=place_name,
        lat=lat,
        lon=lon,
        reply_settings=post.reply_settings or "",
        withheld=post.withheld is not None,
    )


def _references(post: Post) -> tuple[Reference, ...]:
    if not (found := post.referenced_tweets or post.referenced_posts):
        return ()
    return tuple([Reference(KINDS[it.type], str(it.id)) for it in found if it.type in KINDS and it.id is not None])


def _referenced(post: Post, around: Around, kind: str) -> Included | None:
    for reference in post.referenced_tweets or post.referenced_posts or ():
        if reference.type == kind:
            found = reference if reference.text is not None else around.posts.get(str(reference.id))
            return found if found is not None and found.text is not None else None
    return None


def _kind(post: Post, references: tuple[Reference, ...]) -> Kind:
    if references:
        return min([reference.kind for reference in references], key=PRECEDENCE.index)
    # Where the references were not asked for, a post inside another one's conversation is an answer.
    answers = post.in_reply_to_user_id is not None and _text(post.conversation_id) not in ("", str(post.id))
    return Kind.REPLY if answers else Kind.POST


def _author(post: Included, around: Around) -> Person | None:
    user = post.author if post.author and post.author.username else around.users.get(str(post.author_id))
    if user and user.username:
        return Person(user.username, plain(user.name or ""), _text(post.author_id if user.id is None else user.id))
    return Person(post.username, "", _text(post.author_id)) if post.username else None


def _people(post: Post, around: Around, entities: Entities, named: tuple[str, ...]) -> tuple[str, ...]:
    """Every further handle in sight than those `named`."""
    others: list[Included] = [*(post.referenced_tweets or post.referenced_posts or ())]
    if not around.shared:
        others += around.posts.values()
    elif others:
        others += [around.posts[id] for id in [str(other.id) for other in others] if id in around.posts]
    people = [] if around.shared else [user.username for user in around.users.values()]
    for each in (post, *others):
        if each.author is not None:
            people.append(each.author.username)
        if each.in_reply_to_user is not None:
            people.append(each.in_reply_to_user.username)
        if around.shared:
            ids = [str(id) for id in (each.author_id, each.in_reply_to_user_id) if id is not None]
            people += [around.users[id].username for id in ids if id in around.users]
    if entities.urls:
        people += _linked(entities.urls)
    for other in others:
        if other.text is not None:
            found = _entities(other)
            people += [mention.username for mention in found.mentions or ()]
            people += _linked(found.urls or ())
    further = [handle for handle in people if handle not in named]
    return _once(further, named) if further else ()


def _linked(urls: Sequence[Url]) -> list[str | None]:
    """Whose posts these are links to."""
    return [handle[1] for url in urls if (handle := HANDLE_IN_URL.match(url.expanded_url or ""))]


def _entities(post: Included) -> Entities:
    """As X marks them; found in the text where X was not asked for them."""
    note = post.note_tweet or post.note_post
    found = note.entities if note and note.text else post.entities
    if found is not None:
        return found
    text = words(post)
    return Entities(
        hashtags=[Tag(tag) for _, tag in hashtags_in(text)],
        mentions=[User(username=handle) for handle in MENTION.findall(text)] if "@" in text else None,
        urls=[Url(url=url) for url in LINK.findall(text)] if "://" in text else None,
    )


def _both(first: Entities, second: Entities) -> Entities:
    return Entities(
        hashtags=[*(first.hashtags or ()), *(second.hashtags or ())],
        mentions=[*(first.mentions or ()), *(second.mentions or ())],
        urls=[*(first.urls or ()), *(second.urls or ())],
    )


def _urls(urls: list[Url], post: Post, repeated: Included | None) -> tuple[str, ...]:
    """Where the links lead, without those to the post's own media."""
    posts = (post,) if repeated is None else (post, repeated)
    links = [url for url in urls if not _is_own_media(url, posts)]
    return _once([url.unwound_url or url.expanded_url or url.url for url in links])


def _is_own_media(url: Url, posts: tuple[Included, ...]) -> bool:
    if url.media_key or (url.display_url or "").startswith(("pic.twitter.com/", "pic.x.com/")):
        return True
    link = url.expanded_url or ""
    return "/status/" in link and any(
        f"/status/{post.id}/{kind}/" in link for post in posts for kind in ("photo", "video")
    )


def _media(post: Included, around: Around) -> list[Media]:
    if (attachments := post.attachments) is None:
        return []
    inlined = {medium.media_key: medium for medium in attachments.media or () if medium.media_key}
    media = []
    for key in dict.fromkeys([*(attachments.media_keys or ()), *inlined]):
        medium = inlined.get(key) or around.media.get(key) or Medium()
        if kind := medium.type or MEDIA_KINDS.get(key.partition("_")[0]):
            media.append(Media(kind, medium.url or medium.preview_image_url or "", plain(medium.alt_text or "")))
    return media


def _place(geo: Geo, around: Around) -> tuple[str, float | None, float | None]:
    """Name, latitude, longitude."""
    place = geo if geo.full_name or geo.name else around.places.get(str(geo.place_id), geo)
    name = plain(place.full_name or place.name or "")
    if geo.coordinates and geo.coordinates.coordinates and len(geo.coordinates.coordinates) == 2:
        lon, lat = geo.coordinates.coordinates
        if abs(lat) <= 90 and abs(lon) <= 180:
            return name, lat, lon
    box = place.geo.bbox if place.geo else None
    if box and len(box) == 4:
        west, south, east, north = box
        small = 0 <= east - west < SPOT_DEGREES and 0 <= north - south < SPOT_DEGREES
        if small and -90 <= south <= north <= 90 and -180 <= west <= east <= 180:
            return name, (south + north) / 2, (west + east) / 2
    return name, None, None


def _edits(post: Post) -> tuple[str, ...]:
    history = post.edit_history_tweet_ids or post.edit_history_post_ids
    own = str(post.id)
    if not history or (len(history) == 1 and str(history[0]) == own):
        return ()
    ids = {str(id) for id in history} | {own}
    return tuple(sorted(ids, key=lambda id: (len(id), id)))


def _utc(moment: datetime) -> datetime | None:
    """X speaks UTC, also where it leaves the zone out."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def _once(values: list[str | None], but: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Each once, as first written, `but` those left out."""
    if len(values) == 1 and not but:
        return (values[0],) if values[0] else ()
    first: dict[str, str | None] = dict.fromkeys(map(str.lower, but))
    for value in values:
        if value:
            first.setdefault(value.lower(), value)
    return tuple(filter(None, first.values()))


def _text(id: Id) -> str:
    return "" if id is None else str(id)
