"""A record of the network to a post: words at once, the rest when somebody asks.

A post's id is its address without scheme and collection, `did:…/post/…`: it leads to the post on bsky.app and back to
`at://…/app.bsky.feed.post/…`. Records are read tolerantly, since their authors' programs write what they like. The
shapes are those of the lexicon `app.bsky.feed.post`. Called by `stream.py` and `mentions.py`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from connector.incoming import NOBODY, Detail, Incoming, Kind, Media, More, Person, Reference
from connector.sources.bluesky.people import DID, People

COLLECTION = "app.bsky.feed.post"
HIDING = frozenset({"!hide", "!takedown", "!no-unauthenticated"})
"""Labels of which the network's own pages make the post unseen, wholly or for who is not signed in."""
PICTURES = "https://cdn.bsky.app/img/feed_fullsize/plain/{did}/{cid}"
FILMS = "https://video.bsky.app/watch/{did}/{cid}/thumbnail.jpg"
_ID = re.compile(rf"({DID.pattern})/post/([A-Za-z0-9._:~-]{{1,512}})")
_URI = re.compile(rf"at://({DID.pattern})/{re.escape(COLLECTION)}/([A-Za-z0-9._:~-]{{1,512}})")
_TID = "234567abcdefghijklmnopqrstuvwxyz"


def post_id(did: Any, rkey: Any) -> str:
    """Empty where these are no such names."""
    found = f"{did}/post/{rkey}"
    return found if _ID.fullmatch(found) else ""


def id_of(uri: Any) -> str:
    """The id of a post by its `at://` address; empty for anything else."""
    found = _URI.fullmatch(uri) if isinstance(uri, str) else None
    return f"{found[1]}/post/{found[2]}" if found else ""


def uri_of(id: str) -> str:
    """The `at://` address; empty where the id is not one of ours."""
    found = _ID.fullmatch(id)
    return f"at://{found[1]}/{COLLECTION}/{found[2]}" if found else ""


def made_at(id: str) -> datetime | None:
    """When the post's key was made, which says when it was written where the key is a TID (as nearly all are)."""
    key = id.rpartition("/")[2]
    if len(key) != 13 or any(letter not in _TID for letter in key):
        return None
    number = 0
    for letter in key:
        number = number * 32 + _TID.index(letter)
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=number >> 10)
    except OverflowError:
        return None


def incoming(
    did: str, rkey: str, record: Any, raw: bytes, at: datetime, people: People,
    crowd: Sequence[str] = (), labels: Any = (),
) -> Incoming | None:  # fmt: skip
    """The post; None where the record has no text. `at` is when the network told it."""
    id, fields = post_id(did, rkey), _dict(record)
    if not id or not isinstance(fields.get("text"), str):
        return None
    detail = partial(_detail, did, id, fields, at, people, crowd, labels)
    more = partial(_more, did, fields, people, crowd)
    return Incoming(id, _text(fields["text"]), _language(fields), raw, detail, more)


def _detail(
    did: str, id: str, record: dict[str, Any], at: datetime, people: People, crowd: Sequence[str], labels: Any
) -> Detail:
    author, features = people.of(did, crowd), _features(record)
    embed, media_of = _parts(_dict(record.get("embed")))
    references = _references(record, embed)
    mentioned = _once([_mentioned(written, one, people) for one, written in features if _is(one, "mention")])
    tags = [_text(one.get("tag")) for one, _ in features if _is(one, "tag")]
    links = [_text(one.get("uri")) for one, _ in features if _is(one, "link")]
    return Detail(
        kind=references[0].kind if references else Kind.POST,
        posted_at=min(_moment(record.get("createdAt")) or at, at),
        author=author,
        mentioned=mentioned,
        people=_people(features, references, people, but=(author.handle, *mentioned)),
        hashtags=_once([*tags, *(_text(tag) for tag in _list(record.get("tags")))]),
        urls=_once([*links, _text(_dict(media_of.get("external")).get("uri"))]),
        media=_media(did, media_of),
        conversation_id=id_of(_dict(_dict(record.get("reply")).get("root")).get("uri")) or id,
        references=references,
        withheld=not HIDING.isdisjoint((*_self_labels(record), *labels_in_force(labels))),
        own=people.is_ours(did),
    )


def _more(did: str, record: dict[str, Any], people: People, crowd: Sequence[str], _raw: bytes) -> More:
    parent = id_of(_dict(_dict(record.get("reply")).get("parent")).get("uri")).partition("/")[0]
    answered = Person(people.known(parent), "", parent) if parent else NOBODY
    return More(author_id=did, answered=answered, name=people.of(did, crowd).name or None)


def labels_in_force(labels: Any) -> set[str]:
    """The values of a list of labels, without those taken back."""
    told = [_dict(label) for label in _list(labels)]
    return {_text(one.get("val")) for one in told} - {_text(one.get("val")) for one in told if one.get("neg") is True}


def _self_labels(record: dict[str, Any]) -> list[str]:
    return [_text(_dict(label).get("val")) for label in _list(_dict(record.get("labels")).get("values"))]


# -- what stands in the text -------------------------------------------------------------------------------------------


def _features(record: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Each mention, link and tag, with the words that it stands on: places count bytes of UTF-8."""
    facets = _list(record.get("facets"))
    text = record["text"].encode("utf-8", "replace") if facets else b""
    found = []
    for facet in map(_dict, facets):
        place = _dict(facet.get("index"))
        start, end = place.get("byteStart"), place.get("byteEnd")
        sound = isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text)
        words = text[start:end].decode("utf-8", "ignore") if sound else ""
        found += [(_dict(feature), words) for feature in _list(facet.get("features"))]
    return found


def _is(feature: dict[str, Any], kind: str) -> bool:
    return feature.get("$type") == f"app.bsky.richtext.facet#{kind}"


def _mentioned(written: str, feature: dict[str, Any], people: People) -> str:
    """The handle as it stands in the text; else as it is known, else the DID."""
    did = feature.get("did")
    if not isinstance(did, str) or not DID.fullmatch(did):
        return ""
    if written.startswith("@") and len(written) > 1 and not people.is_ours(did):
        return _text(written[1:])
    return people.known(did) or (_text(written[1:]) if written.startswith("@") else "") or did


def _people(
    features: Sequence[tuple[dict[str, Any], str]], references: Sequence[Reference], people: People, but: Sequence[str]
) -> tuple[str, ...]:
    """Further handles in sight, as far as they are known."""
    dids = [_text(one.get("did")) for one, _ in features if _is(one, "mention")]
    dids += [reference.source_id.partition("/")[0] for reference in references]
    return _once([people.known(did) for did in dids], but)


def _language(record: dict[str, Any]) -> str:
    """The first that its author named, without country or script."""
    languages = _list(record.get("langs"))
    first = languages[0] if languages else ""
    return first.partition("-")[0].lower()[:8] if isinstance(first, str) and first.isascii() else ""


# -- what stands beside it ---------------------------------------------------------------------------------------------


def _parts(embed: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The embedded record and what holds media or a link; each may be empty."""
    match embed.get("$type"):
        case "app.bsky.embed.record":
            return _dict(embed.get("record")), {}
        case "app.bsky.embed.recordWithMedia":
            return _dict(_dict(embed.get("record")).get("record")), _dict(embed.get("media"))
        case _:
            return {}, embed


def _references(record: dict[str, Any], embedded: dict[str, Any]) -> tuple[Reference, ...]:
    """What it answers before what it quotes; lists, feeds and the like are no posts."""
    parent = id_of(_dict(_dict(record.get("reply")).get("parent")).get("uri"))
    quoted = id_of(embedded.get("uri"))
    found = ((Kind.REPLY, parent), (Kind.QUOTE, quoted))
    return tuple(Reference(kind, id) for kind, id in found if id)


def _media(did: str, holder: dict[str, Any]) -> tuple[Media, ...]:
    match holder.get("$type"):
        case "app.bsky.embed.images":
            images = map(_dict, _list(holder.get("images")))
            return tuple(
                Media("photo", _blob(PICTURES, did, one.get("image")), _text(one.get("alt"))) for one in images
            )
        case "app.bsky.embed.video":
            return (Media("video", _blob(FILMS, did, holder.get("video")), _text(holder.get("alt"))),)
        case _:
            return ()


def _blob(address: str, did: str, blob: Any) -> str:
    """Where it can be looked at; empty where its name cannot be read. JSON writes the name out, CBOR as bytes."""
    ref = _dict(blob).get("ref")
    name = _dict(ref).get("$link")
    if isinstance(ref, bytes):
        name = "b" + base64.b32encode(ref).decode().rstrip("=").lower()
    return address.format(did=did, cid=name) if isinstance(name, str) and name.isalnum() else ""


# -- tolerance ---------------------------------------------------------------------------------------------------------


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _text(value: Any) -> str:
    """Without what a database cannot keep."""
    if not isinstance(value, str):
        return ""
    sound = value if value.isascii() else value.encode("utf-8", "replace").decode()
    return sound.replace("\0", "\ufffd")


def _moment(written: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _once(values: Sequence[str], but: Sequence[str] = ()) -> tuple[str, ...]:
    """Each once, as first written, `but` those left out."""
    first: dict[str, str] = dict.fromkeys(map(str.lower, but), "")
    for value in values:
        if value:
            first.setdefault(value.lower(), value)
    return tuple(filter(None, first.values()))
