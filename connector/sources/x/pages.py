"""A page of X's search as posts that stand by themselves: each with the part of the shared `includes` that is its own.

So a post from search has the same `raw` as one from the stream, `payload.decode` reads both, and what waits on disk can
be read again without its page. Called by `search.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from connector.incoming import Arrived, Event, Refused
from connector.sources.x.payload import NOT_AN_OBJECT, LineError, decode
from connector.sources.x.shapes import loose

_KEYS = {"users": "id", "tweets": "id", "posts": "id", "media": "media_key", "places": "id"}
"""What each kind of included thing is found by."""
_PEOPLE = ("author_id", "in_reply_to_user_id")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of search."""

    events: list[Event]
    oldest: int
    """Id of its oldest post; 0: it holds none."""
    more: str
    """The token of the next page; empty: this is the last."""


def read(body: bytes) -> Page:
    """Raises `LineError` if it is no page at all; what is wrong with a single post is an event of its own.

    `errors` beside the posts name things that they refer to and nobody may see: no fault of the page.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        value = loose(body)
    if not isinstance(value, dict) or not ("data" in value or "meta" in value):
        raise LineError("JSON, but no page of posts")
    posts, meta = _list(value.get("data")), _object(value.get("meta"))
    around = _Around(_object(value.get("includes")))
    events = [event for post in posts for event in _events(post, around)]
    ids = [int(post["id"]) for post in posts if isinstance(post, dict) and str(post.get("id")).isdecimal()]
    token = meta.get("next_token")
    return Page(events, min(ids, default=0), token if isinstance(token, str) else "")


def _events(post: Any, around: _Around) -> Iterator[Event]:
    if not isinstance(post, dict):
        yield Refused(NOT_AN_OBJECT)
        return
    includes = around.of(post)
    line = msgspec.json.encode({"data": post, "includes": includes} if includes else {"data": post})
    try:
        yield from map(Arrived, decode(line))
    except LineError as error:
        yield Refused(str(error))


class _Around:
    """The `includes` of a page, by what is referred to."""

    def __init__(self, includes: Json) -> None:
        self._found = {
            name: {str(one[key]): one for one in _list(includes.get(name)) if isinstance(one, dict) and key in one}
            for name, key in _KEYS.items()
        }

    def of(self, post: Json) -> dict[str, list[Any]]:
        """That which this post refers to, or a post that it refers to."""
        others = {name: self._named(name, _references(post)) for name in ("tweets", "posts")}
        posts = [post, *others["tweets"], *others["posts"]]
        found = {
            "users": self._named("users", (post.get(key) for post in posts for key in _PEOPLE)),
            **others,
            "media": self._named("media", (key for post in posts for key in _media(post))),
            "places": self._named("places", (_object(post.get("geo")).get("place_id") for post in posts)),
        }
        return {name: things for name, things in found.items() if things}

    def _named(self, name: str, keys: Iterable[Any]) -> list[Any]:
        known = self._found[name]
        return [known[key] for key in dict.fromkeys(map(str, keys)) if key in known]


def _references(post: Json) -> list[Any]:
    found = [*_list(post.get("referenced_tweets")), *_list(post.get("referenced_posts"))]
    return [one.get("id") for one in found if isinstance(one, dict)]


def _media(post: Json) -> list[Any]:
    return _list(_object(post.get("attachments")).get("media_keys"))


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
