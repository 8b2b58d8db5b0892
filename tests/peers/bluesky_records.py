"""Records as people's programs write them, for the tests of what a post says."""

from __future__ import annotations

from typing import Any

from tests.peers import bluesky_frames as frames

WORDS = "¡Ojo! 🕳️ @city.test look: example.org/a… #bache @ann.test"
ANN, CITY, BEN = (f"did:plc:{letter * 24}" for letter in "abc")
PICTURE = "bafkreibme22gw2h7y2h7tg2fhqotaqjucnbc24deqo72b6mkl2egezxhvy"
_LABELS = {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "!no-unauthenticated"}]}


def uri(did: str, key: str) -> str:
    return f"at://{did}/app.bsky.feed.post/{key}"


def strong(did: str, key: str) -> dict[str, str]:
    """A reference to a post in one version."""
    return {"uri": uri(did, key), "cid": frames.cid_text(key.encode())}


def facet(words: str, kind: str, **feature: str) -> dict[str, Any]:
    """Where these words stand in `WORDS`, counted in bytes."""
    start = len(WORDS[: WORDS.index(words)].encode())
    index = {"byteStart": start, "byteEnd": start + len(words.encode())}
    return {"index": index, "features": [{"$type": f"app.bsky.richtext.facet#{kind}"} | feature]}


def picture(alt: str) -> dict[str, Any]:
    blob = {"$type": "blob", "ref": {"$link": PICTURE}, "mimeType": "image/jpeg", "size": 4711}
    return {"alt": alt, "image": blob}


EVERYTHING: dict[str, Any] = {
    "text": WORDS,
    "langs": ["es-419", "en"],
    "tags": ["Elm St"],
    "facets": [
        facet("@city.test", "mention", did=CITY),
        facet("example.org/a…", "link", uri="https://example.org/a/long/one"),
        facet("#bache", "tag", tag="bache"),
        facet("@ann.test", "mention", did=ANN),
    ],
    "reply": {"root": strong(BEN, "3l3qo2vuowo2a"), "parent": strong(ANN, "3l3qo2vuowo2b")},
    "embed": {
        "$type": "app.bsky.embed.recordWithMedia",
        "record": {"$type": "app.bsky.embed.record", "record": strong(BEN, "3l3qo2vuowo2c")},
        "media": {"$type": "app.bsky.embed.images", "images": [picture("A hole"), picture("")]},
    },
    "labels": _LABELS,
}
"""All that a post can hold at once."""
