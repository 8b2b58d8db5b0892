"""What a record of the network says, however it came and whatever its author's program wrote."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connector import sources
from connector.incoming import NOBODY, Detail, Incoming, Kind, Media, Person, Reference
from connector.sources.bluesky import frames, records
from connector.sources.bluesky.calls import Xrpc
from connector.sources.bluesky.people import People
from tests.peers import bluesky_frames as said
from tests.peers.bluesky import tid
from tests.peers.bluesky_records import ANN, BEN, CITY, EVERYTHING, PICTURE, strong, uri

AT = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
MICROS = frames.micros(AT.isoformat())
KEY = "3l3qo2vuowo2d"


def somebody() -> People:
    """The city and Ann are known, nobody else can be asked for."""
    people = People(Xrpc("sky", "http://127.0.0.1:9"), ["city.test"])
    people.learn({"did": CITY, "handle": "city.test", "displayName": "Port Alder"})
    people.learn({"did": ANN, "handle": "ann.new.test"})
    people.learn({"did": BEN, "handle": "ben.test", "displayName": "Ben"})
    return people


def post(record: Any, did: str = BEN, **given: Any) -> Incoming:
    found = records.incoming(did, KEY, record, b"", AT, somebody(), **given)
    assert found is not None
    return found


def detail(record: dict[str, Any], **given: Any) -> Detail:
    return post({"text": "words"} | record, **given).detail


def by_each_stream() -> list[Incoming]:
    entry = said.Entry(MICROS, "create", BEN, f"app.bsky.feed.post/{KEY}", EVERYTHING, seq=5)
    told = [
        frames.of_jetstream((said.jetstream(entry) or "").encode()),
        frames.of_jetstream((said.older_jetstream(entry) or "").encode()),
        frames.of_firehose(said.firehose(entry)),
    ]
    changes = [change for one in told for change in one.changes]
    assert [one.at for one in told] == [MICROS] * 3
    found = [records.incoming(c.did, c.rkey, c.record, c.raw, AT, somebody()) for c in changes]
    return [one for one in found if one is not None]


def test_a_post_is_told_alike_by_every_stream() -> None:
    first, *others = by_each_stream()
    assert len(others) == 2
    for other in others:
        assert (other.source_id, other.text, other.lang) == (first.source_id, first.text, first.lang)
        assert other.detail == first.detail
        assert other.more == first.more
        assert b'"tags"' in other.raw


def test_all_that_a_post_holds_is_read() -> None:
    found = by_each_stream()[0]
    detail = found.detail
    assert (found.source_id, found.lang) == (f"{BEN}/post/{KEY}", "es")
    assert detail.kind is Kind.REPLY
    assert detail.references == (
        Reference(Kind.REPLY, f"{ANN}/post/3l3qo2vuowo2b"), Reference(Kind.QUOTE, f"{BEN}/post/3l3qo2vuowo2c"),
    )  # fmt: skip
    assert detail.conversation_id == f"{BEN}/post/3l3qo2vuowo2a"
    assert detail.author == Person("ben.test", "Ben", BEN)
    assert detail.mentioned == ("city.test", "ann.test")
    assert detail.people == ("ann.new.test",)
    assert detail.hashtags == ("bache", "Elm St")
    assert detail.urls == ("https://example.org/a/long/one",)
    picture = f"https://cdn.bsky.app/img/feed_fullsize/plain/{BEN}/{PICTURE}"
    assert detail.media == (Media("photo", picture, "A hole"), Media("photo", picture))
    assert detail.withheld
    assert (found.more.author_id, found.more.name) == (BEN, "Ben")
    assert found.more.answered == Person("ann.new.test", "", ANN)


def test_a_plain_post_is_the_beginning_of_its_conversation() -> None:
    found = post({"text": "words"})
    assert found.detail.kind is Kind.POST
    assert found.detail.conversation_id == found.source_id
    assert found.more.answered == NOBODY
    assert not found.detail.withheld


def test_its_id_leads_to_it_without_a_handle_and_back() -> None:
    id = post({"text": "words"}).source_id
    assert sources.permalink("bluesky", id) == f"https://bsky.app/profile/{BEN}/post/{KEY}"
    assert records.uri_of(id) == uri(BEN, KEY)
    assert records.id_of(uri(BEN, KEY)) == id


@pytest.mark.parametrize(
    "other",
    [
        "at://ann.test/app.bsky.feed.post/3l3qo2vuowo2a", f"at://{ANN}/app.bsky.feed.like/3l3qo2vuowo2a",
        f"https://bsky.app/profile/{ANN}", f"at://{ANN}/app.bsky.feed.post/a b", None, 5,
    ],
)  # fmt: skip
def test_an_address_of_anything_else_is_no_id(other: Any) -> None:
    """One with a handle in it least of all: ids are stored as they are."""
    assert records.id_of(other) == ""


def test_a_quote_of_a_post_is_one_and_of_a_list_is_none() -> None:
    of_post = {"$type": "app.bsky.embed.record", "record": strong(ANN, "3l3qo2vuowo2a")}
    of_list = {"$type": "app.bsky.embed.record", "record": {"uri": f"at://{ANN}/app.bsky.graph.list/3l3q", "cid": ""}}
    assert detail({"embed": of_post}).kind is Kind.QUOTE
    assert detail({"embed": of_list}).kind is Kind.POST


def test_a_card_is_a_link_and_a_film_is_media() -> None:
    card = {
        "$type": "app.bsky.embed.external",
        "external": {"uri": "https://example.org", "title": "", "description": ""},
    }
    film = {"$type": "app.bsky.embed.video", "alt": "A hole", "video": {"ref": {"$link": PICTURE}}}
    assert detail({"embed": card}).urls == ("https://example.org",)
    (found,) = detail({"embed": film}).media
    assert (found.kind, found.alt) == ("video", "A hole")
    assert PICTURE in found.url


@pytest.mark.parametrize(
    ("written", "posted"),
    [
        ("2026-11-21T23:59:58.123-05:00", datetime(2026, 11, 22, 4, 59, 58, 123000, tzinfo=UTC)),
        ("2026-11-22T04:00:00", AT - timedelta(hours=1)),
        ("2030-01-01T00:00:00Z", AT),
        ("0001-01-01T00:00:00+14:00", AT),
        ("yesterday", AT),
        (5, AT),
    ],
)
def test_it_was_written_when_it_says_so_but_never_later_than_it_was_told(written: Any, posted: datetime) -> None:
    assert detail({"createdAt": written}).posted_at == posted


def test_labels_that_hide_it_count_unless_taken_back() -> None:
    hidden = [{"val": "!hide"}]
    assert detail({}, labels=hidden).withheld
    assert not detail({}, labels=[*hidden, {"val": "!hide", "neg": True}]).withheld
    assert not detail({}, labels=[{"val": "spam"}]).withheld


def test_a_mention_is_the_handle_in_the_text_and_ours_is_known_by_its_account() -> None:
    def mentioned(text: str, did: str) -> tuple[str, ...]:
        feature = {"$type": "app.bsky.richtext.facet#mention", "did": did}
        facet = {"index": {"byteStart": 0, "byteEnd": len(text.encode())}, "features": [feature]}
        return tuple(post({"text": text, "facets": [facet]}).detail.mentioned)

    stranger = "did:plc:" + "z" * 24
    assert mentioned("@ann.old.test", ANN) == ("ann.old.test",)
    assert mentioned("@city.old.test", CITY) == ("city.test",)
    assert mentioned("our mayor", ANN) == ("ann.new.test",)
    assert mentioned("our mayor", stranger) == (stranger,)


def test_what_a_database_cannot_keep_is_replaced() -> None:
    found = post({"text": "a\0b\ud800", "embed": {"$type": "app.bsky.embed.images", "images": [{"alt": "c\0"}]}})
    assert found.text == "a\ufffdb?"
    assert found.detail.media[0].alt == "c\ufffd"


def test_a_key_tells_when_it_was_made() -> None:
    assert records.made_at(f"{ANN}/post/{tid(MICROS)}") == AT
    assert records.made_at(f"{ANN}/post/self") is None
    assert records.made_at(f"{ANN}/post/" + "z" * 13) is not None


def test_a_cursor_is_made_of_the_time_at_which_it_was_witnessed() -> None:
    """The other one may be that of an import; by it they would not find the place again."""
    payload = {"$type": "x#identity", "seq": 1, "did": BEN, "identity": {}, "time": "2020-01-01T00:00:00Z"}
    told = {"$type": "message", "payload": payload | {"witnessedAt": AT.isoformat()}}
    assert frames.of_jetstream(json.dumps(told).encode()).at == MICROS
    assert frames.of_jetstream(json.dumps({"$type": "message", "payload": payload}).encode()).at < MICROS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PATHS = st.sampled_from(
    ["facets", "embed", "reply", "labels", "tags", "langs", "createdAt", "facets.0.index", "facets.0.features",
     "facets.0.index.byteStart", "facets.1.features.0.uri", "facets.0.features.0.did", "embed.record", "embed.media",
     "embed.media.images", "embed.media.images.0.image", "embed.media.images.0.image.ref", "embed.record.record.uri",
     "reply.root", "reply.parent.uri", "labels.values", "labels.values.0.val"]
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(PATHS, JSON)
def test_no_record_is_lost_for_what_stands_in_its_depths(path: str, value: Any) -> None:
    record = json.loads(json.dumps(EVERYTHING))
    place, *steps = record, *path.split(".")
    for step in steps[:-1]:
        place = place[int(step) if step.isdecimal() else step]
    place[int(steps[-1]) if steps[-1].isdecimal() else steps[-1]] = value
    found = post(record)
    assert found.text == EVERYTHING["text"]
    assert found.detail.author is not None
    assert found.more.author_id == BEN


@settings(deadline=None, max_examples=60)
@given(JSON)
def test_any_json_is_a_frame_or_is_refused(value: Any) -> None:
    """Nothing of it breaks the stream."""
    for frame in (value, {"$type": "message", "payload": value}, {"kind": "commit", "did": value, "commit": value}):
        assert isinstance(frames.of_jetstream(json.dumps(frame).encode()), frames.Told)


HEAD = said.cbor({"op": 1, "t": "#commit"})
FIELDS = ["repo", "ops", "blocks", "seq", "time"]
SMALL = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5) | st.binary(max_size=40)
OPS = st.lists(
    st.fixed_dictionaries({"action": SMALL, "path": st.just(f"app.bsky.feed.post/{KEY}"), "cid": SMALL | st.just([])})
)
BODIES = st.fixed_dictionaries({"ops": OPS | SMALL}, optional={name: SMALL for name in FIELDS if name != "ops"})


ODD = {"ops": [{"action": "delete", "path": f"app.bsky.feed.post/{KEY}", "cid": []}]}


@example(HEAD + said.cbor(ODD))
@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200) | BODIES.map(lambda body: HEAD + said.cbor(body)))
def test_any_bytes_are_a_frame_or_are_refused(data: bytes) -> None:
    assert isinstance(frames.of_firehose(data), frames.Told)
