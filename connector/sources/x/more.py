"""What only few rules ask for, from the raw line: profiles, counts, annotations, places. `payload.py` hands it on.

X leaves out what is empty, and what was not asked for; a payload does not say which. Here a field that X always fills
when it is asked for (counts, profile, program) is unknown where it is missing; one that is empty for most posts
(place, annotations) is taken for empty if the post carries `conversation_id`, which comes only to those who ask for
fields, else for unknown; and what is named by its id but did not come along is unknown. Nothing of this is ever stored.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from connector.incoming import NOBODY, Link, More, Person, Quoted, TaggedPlace
from connector.sources.x.detail import LINK, MENTION, plain
from connector.sources.x.more_shapes import (
    Counts,
    Entities,
    Geo,
    Included,
    Includes,
    Line,
    Mention,
    Other,
    Post,
    Referenced,
    Url,
    User,
    UserCounts,
)
from connector.sources.x.shapes import Id, LineError, Shape, read

_REPOST_OF = re.compile(r"RT @(\w{1,15}):", re.ASCII)
_SHORTENED = ("https://t.co/", "http://t.co/")


class Around:
    """What stands beside the posts in `includes`, by id."""

    def __init__(self, includes: Includes) -> None:
        self.users = {str(user.id): user for user in includes.users or ()}
        self.posts = {str(post.id): post for post in includes.tweets or includes.posts or ()}
        self.places = {str(place.id): place for place in includes.places or ()}

    @classmethod
    def of(cls, raw: bytes) -> Around:
        """Of the `includes` that the posts of a page share."""
        return cls(_tolerantly(raw, Includes))


def of_line(raw: bytes) -> More:
    """Of a line with one post, bare or as `data` with its own `includes`."""
    line = _tolerantly(raw, Line)
    return _more(line.data or line, Around(line.includes or Includes()))


def of_part(raw: bytes, around: Around) -> More:
    """Of a post in a page."""
    return _more(_tolerantly(raw, Post), around)


def _tolerantly(raw: bytes, shape: type[Shape]) -> Shape:
    try:
        return read(raw, shape)
    except LineError:
        return shape()


def _more(post: Post, around: Around) -> More:
    author = post.author or around.users.get(_text(post.author_id)) or User()
    counts, own = author.public_metrics or UserCounts(), post.public_metrics or Counts()
    repeated, quoted = (_referred(post, kind, around) for kind in ("retweeted", "quoted"))
    said = [post, repeated] if repeated else [post]
    asked = post.conversation_id is not None
    place, position = _place(post.geo, around), _position(post.geo)
    return More(
        author_id=_text(post.author_id) or None,
        answered=_answered(post, around),
        repeated=_repeated(post, repeated, around),
        answers_inside=_is_answer(quoted or repeated),
        name=_plain(author.name),
        bio=_plain(author.description),
        location=_plain(author.location),
        verified=_verified(author),
        followers=counts.followers_count,
        following=counts.following_count,
        posts=counts.post_count if counts.tweet_count is None else counts.tweet_count,
        lists=counts.listed_count,
        likes=own.like_count,
        replies=own.reply_count,
        reposts=own.repost_count if own.retweet_count is None else own.retweet_count,
        app=post.source,
        cashtags=_cashtags(said),
        links=[link for one in said for link in _links(one)],
        located=_located(post.geo, asked),
        position=position,
        place=place,
        contexts=_contexts(post, asked),
        named=_named(post, asked),
        quoted=_quoted(quoted),
    )


# -- other posts and their authors -------------------------------------------------------------------------------------


def _references(post: Post | Included) -> Sequence[Included | Referenced]:
    return post.referenced_tweets or post.referenced_posts or ()


def _referred(post: Post, kind: str, around: Around) -> Included | None:
    """The post that this one quotes or repeats, if it came along."""
    for one in _references(post):
        if one.type == kind:
            found = one if isinstance(one, Included) and one.text is not None else around.posts.get(_text(one.id))
            return found if found is not None and found.text is not None else None
    return None


def _answered(post: Post, around: Around) -> Person | None:
    id = _text(post.in_reply_to_user_id)
    if not id:
        return None if any(one.type == "replied_to" for one in _references(post)) else NOBODY
    mentioned = {_text(one.id): one.username for one in _entities(post).mentions or ()}
    user = post.in_reply_to_user or around.users.get(id)
    return Person((user and user.username) or mentioned.get(id) or "", id=id)


def _repeated(post: Post, repeated: Included | None, around: Around) -> Person | None:
    if not any(one.type == "retweeted" for one in _references(post)):
        return NOBODY
    id = _text(repeated.author_id) if repeated else ""
    user = (repeated.author if repeated else None) or around.users.get(id)
    prefix = _REPOST_OF.match(post.text or "")
    handle = (user and user.username) or (prefix[1] if prefix else "")
    return Person(handle, id=id) if handle or id else None


def _is_answer(other: Included | None) -> bool | None:
    if other is None:
        return None
    return other.in_reply_to_user_id is not None or any(one.type == "replied_to" for one in _references(other))


def _quoted(quoted: Included | None) -> Quoted | None:
    if quoted is None:
        return None
    names = [one.username for one in _entities(quoted).mentions or () if one.username]
    return Quoted(names, _cashtags([quoted]), _links(quoted))


def _verified(author: User) -> bool | None:
    kind = author.verified_type
    if author.verified or (kind and kind != "none"):
        return True
    return None if author.verified is None and kind is None else False


# -- what stands in the text -------------------------------------------------------------------------------------------


def _marked(post: Other) -> Entities | None:
    """What X marks in the text; None where it was not asked for that, or there is nothing to mark."""
    note = post.note_tweet or post.note_post
    return note.entities if note and note.text else post.entities


def _entities(post: Other) -> Entities:
    """As X marks them; without its marks the mentions and links that stand in the text."""
    if (found := _marked(post)) is not None:
        return found
    note = post.note_tweet or post.note_post
    text = plain((note and note.text) or post.text or "")
    mentions = [Mention(username=handle) for handle in MENTION.findall(text)]
    return Entities(mentions=mentions, urls=[Url(url=url) for url in LINK.findall(text)])


def _cashtags(posts: Sequence[Other]) -> Sequence[str] | None:
    """None where nothing is marked: then those in the text count."""
    found = [marks for post in posts if (marks := _marked(post)) is not None]
    return [tag.tag for marks in found for tag in marks.cashtags or () if tag.tag] if found else None


def _links(post: Other) -> list[Link]:
    return [_link(url) for url in _entities(post).urls or ()]


def _link(url: Url) -> Link:
    addresses = [one for one in (url.url, url.expanded_url, url.unwound_url) if one]
    complete = not all(one.startswith(_SHORTENED) for one in addresses)
    return Link(addresses, complete, _plain(url.title), _plain(url.description))


def _contexts(post: Post, asked: bool) -> Sequence[tuple[str, str]] | None:
    found = post.context_annotations
    if found is None:
        return () if asked else None
    return [(_text(one.domain.id), _text(one.entity.id)) for one in found if one.domain and one.entity]


def _named(post: Post, asked: bool) -> Sequence[str] | None:
    contexts = [one.entity.name for one in post.context_annotations or () if one.entity]
    names = [one.normalized_text for one in _entities(post).annotations or ()]
    found = [plain(name) for name in (*contexts, *names) if name]
    return found if found or asked else None


# -- where it was sent from --------------------------------------------------------------------------------------------


def _located(geo: Geo | None, asked: bool) -> bool | None:
    if geo is None:
        return False if asked else None
    return geo.place_id is not None or geo.coordinates is not None or geo.id is not None


def _place(geo: Geo | None, around: Around) -> TaggedPlace | None:
    if geo is None:
        return None
    place = geo if geo.full_name or geo.name else around.places.get(_text(geo.place_id))
    if place is None:
        return TaggedPlace(_text(geo.place_id)) if geo.place_id is not None else None
    names = [plain(name) for name in (place.full_name, place.name) if name]
    box = place.geo.bbox if place.geo else None
    return TaggedPlace(
        _text(place.id) or _text(geo.place_id),
        names,
        place.country_code or "",
        (box[0], box[1], box[2], box[3]) if box and len(box) == 4 else None,
    )


def _position(geo: Geo | None) -> tuple[float, float] | None:
    point = geo.coordinates.coordinates if geo and geo.coordinates else None
    return (point[0], point[1]) if point and len(point) == 2 else None


def _plain(text: str | None) -> str | None:
    return None if text is None else plain(text)


def _text(id: Id) -> str:
    return "" if id is None else str(id)
