"""The fields of X's API v2 that we use, and `read`, which fills them from JSON however odd the rest of it is.

`payload.py` and `detail.py` read with these. Every field may be missing or null. Since 2026 X's own description
(OpenAPI 2.167) says `posts` where its answers say `tweets`, so fields with that word stand here in both spellings.
`gc=False`: these trees have no cycles, and the garbage collector need not walk them.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, get_args, get_origin

import msgspec

Id = str | int | None
BOM = b"\xef\xbb\xbf"
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class LineError(ValueError):
    """A line that holds no post, or not only posts; `posts` are those that could be read all the same.

    The text is fit for a screen: never a part of a post, a handle or raw bytes.
    """

    def __init__(self, reason: str, posts: tuple[Any, ...] = ()) -> None:
        super().__init__(reason)
        self.posts = posts


class LeanNote(msgspec.Struct, gc=False):
    text: str | None = None


class Lean(msgspec.Struct, gc=False):
    """What the matcher needs of every post: all else is skipped, which is what makes reading fast."""

    id: Id = None
    text: str | None = None
    lang: str | None = None
    note_tweet: LeanNote | None = None
    note_post: LeanNote | None = None
    event_type: str | None = None
    """Set in direct messages, which look like posts otherwise."""


class LeanLine(Lean, gc=False):
    """A line: a bare post, or `data` with one post, or a page of them."""

    data: Lean | list[msgspec.Raw] | None = None
    includes: msgspec.Raw = msgspec.Raw()


class Plain(msgspec.Struct, gc=False):
    """What shows that a post is sound, and whether it is an edit."""

    id: Id = None
    text: str | None = None
    event_type: str | None = None
    edit_history_tweet_ids: list[Id] | None = None
    edit_history_post_ids: list[Id] | None = None


class PlainLine(Plain, gc=False):
    data: Plain | None = None


class User(msgspec.Struct, gc=False):
    id: Id = None
    username: str | None = None
    name: str | None = None


class Tag(msgspec.Struct, gc=False):
    tag: str | None = None


class Url(msgspec.Struct, gc=False):
    url: str | None = None
    expanded_url: str | None = None
    unwound_url: str | None = None
    display_url: str | None = None
    media_key: str | None = None


class Entities(msgspec.Struct, gc=False):
    hashtags: list[Tag] | None = None
    mentions: list[User] | None = None
    urls: list[Url] | None = None


class Note(msgspec.Struct, gc=False):
    """The whole of a post longer than 280 characters."""

    text: str | None = None
    entities: Entities | None = None


class Medium(msgspec.Struct, gc=False):
    media_key: str | None = None
    type: str | None = None
    url: str | None = None
    preview_image_url: str | None = None
    alt_text: str | None = None


class Attachments(msgspec.Struct, gc=False):
    media_keys: list[str] | None = None
    media: list[Medium] | None = None
    """Inlined by twarc."""


class Box(msgspec.Struct, gc=False):
    bbox: list[float] | None = None
    """West, south, east, north, in degrees."""


class Point(msgspec.Struct, gc=False):
    coordinates: list[float] | None = None
    """Longitude, latitude."""


class Place(msgspec.Struct, gc=False):
    id: Id = None
    full_name: str | None = None
    name: str | None = None
    geo: Box | None = None


class Geo(Place, gc=False):
    """Where a post was sent from; twarc puts the place's own fields in here."""

    place_id: Id = None
    coordinates: Point | None = None


class Included(msgspec.Struct, gc=False):
    """A post that another one refers to."""

    id: Id = None
    text: str | None = None
    note_tweet: Note | None = None
    note_post: Note | None = None
    author_id: Id = None
    author: User | None = None
    username: str | None = None
    in_reply_to_user_id: Id = None
    in_reply_to_user: User | None = None
    entities: Entities | None = None
    attachments: Attachments | None = None


class Reference(Included, gc=False):
    """`type` and `id`; the rest is inlined by twarc."""

    type: str | None = None


class Withheld(msgspec.Struct, gc=False):
    """Not to be shown in some countries: that it is there is all we ask."""


class Post(Included, gc=False):
    created_at: datetime | None = None
    conversation_id: Id = None
    referenced_tweets: list[Reference] | None = None
    referenced_posts: list[Reference] | None = None
    edit_history_tweet_ids: list[str | int] | None = None
    edit_history_post_ids: list[str | int] | None = None
    geo: Geo | None = None
    reply_settings: str | None = None
    withheld: Withheld | None = None


class Includes(msgspec.Struct, gc=False):
    users: list[User] | None = None
    tweets: list[Included] | None = None
    posts: list[Included] | None = None
    media: list[Medium] | None = None
    places: list[Place] | None = None


class WholeLine(Post, gc=False):
    """A line with one post: bare, or in `data` with `includes` beside it."""

    data: Post | None = None
    includes: Includes | None = None


Shape = TypeVar("Shape", bound=msgspec.Struct)


def read(raw: bytes, shape: type[Shape]) -> Shape:
    """The fields of `shape`; what is of a wrong type is left out. Raises `LineError` if `raw` is no JSON object."""
    try:
        found: Shape = decoder(shape).decode(raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return salvage(loose(raw), shape)
    return found


@cache
def decoder(shape: type[Shape]) -> msgspec.json.Decoder[Shape]:
    return msgspec.json.Decoder(shape)


def loose(raw: bytes) -> Any:
    """JSON with broken UTF-8, lone surrogates or control characters in it, each replaced by U+FFFD or kept."""
    text = raw.removeprefix(BOM).decode("utf-8", "replace")
    try:
        return scrub(json.loads(text, strict=False))
    except json.JSONDecodeError as error:
        raise LineError(_fault(raw, text, error)) from None
    except RecursionError:
        raise LineError("not readable: nested too deeply") from None
    except ValueError:
        raise LineError("not readable: a number of thousands of digits") from None


def _fault(raw: bytes, text: str, error: json.JSONDecodeError) -> str:
    """Where it breaks, without quoting it."""
    if b"\0" in raw[:4]:
        return "not JSON in UTF-8: it looks like UTF-16"
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return f"not JSON: it breaks off after {len(raw)} bytes"
    return f"not JSON: the fault is at byte {len(text[: error.pos].encode())}"


def scrub(value: Any) -> Any:
    """The same with every lone half of a surrogate pair replaced, since no database and no page takes one."""
    if isinstance(value, str):
        return LONE_SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if isinstance(value, dict):
        return {scrub(key): scrub(item) for key, item in value.items()}
    return value


def salvage(value: Any, shape: type[Shape]) -> Shape:
    """The sound part of `value`; raises `LineError` if it is no JSON object."""
    if not isinstance(value, dict):
        raise LineError("JSON, but no post: not an object")
    sound = {field.name: _sound(value.get(field.encode_name), field.type) for field in msgspec.structs.fields(shape)}
    return shape(**{name: found for name, found in sound.items() if found is not None})


def _sound(value: Any, kind: Any) -> Any:
    """As much of `value` as fits the type, None if nothing does."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.MsgspecError, ValueError):
        pass
    for option in get_args(kind):
        if isinstance(value, dict) and isinstance(option, type) and issubclass(option, msgspec.Struct):
            return salvage(value, option)
        if isinstance(value, list) and get_origin(option) is list:
            items = [_sound(item, get_args(option)[0] | None) for item in value]
            return [item for item in items if item is not None]
    return None
