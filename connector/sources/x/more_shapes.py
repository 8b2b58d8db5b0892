"""The fields of X's API v2 that only `more.py` reads, beside those in `shapes.py`; every one may be missing or null."""

from __future__ import annotations

import msgspec

from connector.sources.x.shapes import Box, Id, Point, Tag


class UserCounts(msgspec.Struct, gc=False):
    followers_count: int | None = None
    following_count: int | None = None
    listed_count: int | None = None
    tweet_count: int | None = None
    post_count: int | None = None


class User(msgspec.Struct, gc=False):
    id: Id = None
    username: str | None = None
    name: str | None = None
    description: str | None = None
    location: str | None = None
    verified: bool | None = None
    verified_type: str | None = None
    public_metrics: UserCounts | None = None


class Mention(msgspec.Struct, gc=False):
    id: Id = None
    username: str | None = None


class Url(msgspec.Struct, gc=False):
    url: str | None = None
    expanded_url: str | None = None
    unwound_url: str | None = None
    title: str | None = None
    description: str | None = None


class Annotation(msgspec.Struct, gc=False):
    normalized_text: str | None = None


class Entities(msgspec.Struct, gc=False):
    cashtags: list[Tag] | None = None
    mentions: list[Mention] | None = None
    urls: list[Url] | None = None
    annotations: list[Annotation] | None = None


class Note(msgspec.Struct, gc=False):
    text: str | None = None
    entities: Entities | None = None


class Named(msgspec.Struct, gc=False):
    id: Id = None
    name: str | None = None


class Context(msgspec.Struct, gc=False):
    domain: Named | None = None
    entity: Named | None = None


class Place(msgspec.Struct, gc=False):
    id: Id = None
    full_name: str | None = None
    name: str | None = None
    country_code: str | None = None
    geo: Box | None = None


class Geo(Place, gc=False):
    place_id: Id = None
    coordinates: Point | None = None


class Counts(msgspec.Struct, gc=False):
    like_count: int | None = None
    reply_count: int | None = None
    retweet_count: int | None = None
    repost_count: int | None = None


class Referenced(msgspec.Struct, gc=False):
    type: str | None = None
    id: Id = None


class Other(msgspec.Struct, gc=False):
    """A post that another one refers to; `type` where twarc has put it into the reference."""

    id: Id = None
    type: str | None = None
    text: str | None = None
    author_id: Id = None
    author: User | None = None
    in_reply_to_user_id: Id = None
    note_tweet: Note | None = None
    note_post: Note | None = None
    entities: Entities | None = None


class Included(Other, gc=False):
    referenced_tweets: list[Referenced] | None = None
    referenced_posts: list[Referenced] | None = None


class Post(Other, gc=False):
    referenced_tweets: list[Included] | None = None
    referenced_posts: list[Included] | None = None
    in_reply_to_user: User | None = None
    conversation_id: Id = None
    public_metrics: Counts | None = None
    source: str | None = None
    context_annotations: list[Context] | None = None
    geo: Geo | None = None


class Includes(msgspec.Struct, gc=False):
    users: list[User] | None = None
    tweets: list[Included] | None = None
    posts: list[Included] | None = None
    places: list[Place] | None = None


class Line(Post, gc=False):
    data: Post | None = None
    includes: Includes | None = None
