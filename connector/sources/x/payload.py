"""A line of X's JSON (API v2) to the posts in it: the stream, the search and the command `ingest` all read with this.

`decode` takes every shape that occurs: a stream message `{data, includes, matching_rules}`, an answer with one post,
a page (`data` is a list), a post on its own, also as twarc flattens it, with author and references inlined. It reads
id, words and language; the rest waits in `detail.py` and `more.py` until somebody asks. `matching_rules` is not looked
at here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from io import BytesIO
from typing import Any

import msgspec

from connector.incoming import Detail, Incoming, More
from connector.sources.x import more
from connector.sources.x.detail import Around, detail, original, words
from connector.sources.x.shapes import (
    Includes,
    Lean,
    LeanLine,
    LineError,
    PlainLine,
    Post,
    WholeLine,
    decoder,
    loose,
    read,
    salvage,
)

__all__ = ["LineError", "decode"]

LEAN_LINE = decoder(LeanLine)
PLAIN_LINE = decoder(PlainLine)
NOT_AN_OBJECT = "JSON, but no post: not an object"
SAFE_TITLE = re.compile(r"[A-Za-z][A-Za-z -]{0,59}")
"""X's titles are a few plain words; anything else is not repeated."""
REPOST_PREFIX = re.compile(r"RT @\w+: ")


def decode(line: bytes) -> list[Incoming]:
    """The primary posts of one line of JSON, not those in `includes`; an empty page gives none.

    Raises `LineError`, its text fit for a screen; of a page that is sound in part, it carries the sound posts. Broken
    UTF-8 and lone surrogates become U+FFFD, a field of a wrong type is left out: neither costs the post. `raw` of a
    post is the line; in a page it is the post's own part, without `includes`.
    """
    try:
        top = LEAN_LINE.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _decode_loosely(line)
    if isinstance(top.data, list):
        return _gather([bytes(raw) for raw in top.data], _Page(bytes(top.includes)).post)
    post = top if top.data is None else top.data
    if post.text is None or not post.id or post.event_type is not None:
        return _decode_loosely(line)
    return [_incoming(post, line, _whole)]


def is_one_plain_post(line: bytes) -> bool:
    """Whether `decode` would give exactly one post of this line, and that is no edit; False where in doubt.

    For lines that surely meet no rule: it reads less, and makes no post.
    """
    try:
        return not _odd([PLAIN_LINE.decode(line)])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def not_plain(block: bytes) -> tuple[int, list[int]] | None:
    """Of lines that each end with a line feed: how many, and the places of those that are not `is_one_plain_post`.

    None where a line is blank, holds two values or cannot be read, and each must be looked at by itself. (Not where as
    many are blank as hold one too many: to see that would cost as much as all the rest.)
    """
    try:
        tops = PLAIN_LINE.decode_lines(block)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if len(tops) != len(BytesIO(block).readlines()):  # a third of the time of `count`, which goes byte by byte
        return None
    return len(tops), _odd(tops)


def _odd(tops: Sequence[PlainLine]) -> list[int]:
    """The places of those that are no sound post, or an edit."""
    found = []
    for at, top in enumerate(tops):
        post = top if top.data is None else top.data
        history = post.edit_history_tweet_ids or post.edit_history_post_ids
        if post.text is None or not post.id or post.event_type is not None or (history and len(history) > 1):
            found.append(at)
    return found


def _decode_loosely(line: bytes) -> list[Incoming]:
    """The slow way, for lines that are odd or no posts at all: it finds what can be kept, or the reason."""
    value = loose(line)
    if isinstance(value, list):
        return _gather(_parts(value), decode)
    if not isinstance(value, dict):
        raise LineError(NOT_AN_OBJECT)
    data = value.get("data")
    if isinstance(data, list):
        return _gather(_parts(data), _Page(*_parts([value.get("includes") or {}])).post)
    post = salvage(data if isinstance(data, dict) else value, Lean)
    if not (reason := _refusal(post)):
        return [_incoming(post, line, _whole)]
    if "errors" not in value and isinstance(meta := value.get("meta"), dict) and meta.get("result_count") == 0:
        return []
    raise LineError(_error_message(value) or reason)


def _parts(items: list[Any]) -> list[bytes]:
    """Each as JSON of its own; empty where it is no object."""
    return [json.dumps(item).encode() if isinstance(item, dict) else b"" for item in items]


def _gather(parts: Sequence[bytes], read_one: Callable[[bytes], list[Incoming]]) -> list[Incoming]:
    posts: list[Incoming] = []
    faults: list[str] = []
    for part in parts:
        try:
            posts += read_one(part) if part else _refuse(NOT_AN_OBJECT)
        except LineError as error:
            posts += error.posts
            faults.append(str(error))
    if faults:
        of_how_many = "" if len(faults) == len(parts) else f"{len(faults)} of {len(parts)} entries: "
        raise LineError(of_how_many + faults[0], tuple(posts))
    return posts


def _refuse(reason: str) -> list[Incoming]:
    raise LineError(reason)


def _refusal(post: Lean) -> str:
    """Why this is no post; empty if it is one."""
    if post.text is None:
        return "JSON, but no post: it has no text"
    if post.id is None or post.id == "":
        return "JSON, but no post: it has no id"
    return "" if post.event_type is None else "JSON, but no post: a direct message"


def _error_message(value: dict[str, Any]) -> str:
    """What X says went wrong, by its title alone: the details may name accounts. Empty if this is no error."""
    errors = value.get("errors")
    error = errors[0] if isinstance(errors, list) and errors else value
    title = error.get("title") if isinstance(error, dict) else None
    if error is value and not ("title" in value and ("status" in value or "detail" in value)):
        return ""
    said = isinstance(title, str) and SAFE_TITLE.fullmatch(title)
    return f"an error message of X: {title}" if said else "an error message of X"


Whole = Callable[[bytes], tuple[Post, Around]]


def _incoming(post: Lean, raw: bytes, whole: Whole, rest: Callable[[bytes], More] = more.of_line) -> Incoming:
    text = words(post)
    ask = partial(_ask, whole, raw)
    if text.startswith("RT @"):
        # X cuts the text of a repost after 140 characters; the original in full stands beside it.
        found, around = _tolerantly(whole, raw)
        if repeated := original(found, around):
            prefix = REPOST_PREFIX.match(text)
            text = (prefix[0] if prefix else "") + words(repeated)
        ask = partial(detail, found, around)
    return Incoming(str(post.id), text, post.lang or "", raw, ask, rest)


def _ask(whole: Whole, raw: bytes) -> Detail:
    return detail(*_tolerantly(whole, raw))


def _tolerantly(whole: Whole, raw: bytes) -> tuple[Post, Around]:
    """A post that was read lean is never lost later, whatever its depths hold."""
    try:
        return whole(raw)
    except LineError:
        return Post(), Around(Includes())


def _whole(raw: bytes) -> tuple[Post, Around]:
    line = read(raw, WholeLine)
    return line.data or line, Around(line.includes or Includes())


class _Page:
    """Many posts that share one `includes`, which is read at the first question about any of them."""

    def __init__(self, includes: bytes) -> None:
        self.includes = includes

    @cached_property
    def around(self) -> Around:
        try:
            return Around(read(self.includes, Includes), shared=True)
        except LineError:
            return Around(Includes(), shared=True)

    @cached_property
    def around_rest(self) -> more.Around:
        return more.Around.of(self.includes)

    def whole(self, raw: bytes) -> tuple[Post, Around]:
        return read(raw, Post), self.around

    def rest(self, raw: bytes) -> More:
        return more.of_part(raw, self.around_rest)

    def post(self, raw: bytes) -> list[Incoming]:
        post = read(raw, Lean)
        if reason := _refusal(post):
            raise LineError(reason)
        return [_incoming(post, raw, self.whole, self.rest)]
