"""What only few rules ask for, read from one invented payload per shape; what X leaves out is unknown or empty."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.incoming import NOBODY, Incoming, Link, More, Person, TaggedPlace
from connector.rules import compile
from connector.sources.x.payload import decode


def a_post(**fields: Any) -> dict[str, Any]:
    return {"id": "10", "text": "Pothole", "lang": "en", "author_id": "7", "conversation_id": "10", **fields}


ANN = {
    "id": "7", "username": "ann_example", "name": "Ann &amp; Example", "description": "R&amp;D", "location": "Elm",
    "verified": False, "verified_type": "none",
    "public_metrics": {"followers_count": 1, "following_count": 2, "tweet_count": 3, "listed_count": 4},
}  # fmt: skip
BOB = {"id": "8", "username": "bob_example"}
PLACE = {
    "id": "ab12", "full_name": "Elm, AL", "name": "Elm", "country_code": "US", "geo": {"bbox": [1.0, 2.0, 3.0, 4.0]},
}  # fmt: skip


def one(value: Any) -> Incoming:
    (post,) = decode(value if isinstance(value, bytes) else json.dumps(value).encode())
    return post


def more(post: dict[str, Any], **includes: Any) -> More:
    return one({"data": post, "includes": {"users": [ANN, BOB], **includes}}).more


def test_profile_counts_and_reactions() -> None:
    metrics = {"like_count": 5, "reply_count": 6, "retweet_count": 7, "quote_count": 8}
    found = more(a_post(public_metrics=metrics, source="X for iPhone"))
    assert (found.author_id, found.name, found.bio, found.location) == ("7", "Ann & Example", "R&D", "Elm")
    assert (found.followers, found.following, found.posts, found.lists) == (1, 2, 3, 4)
    assert (found.likes, found.replies, found.reposts) == (5, 6, 7)
    assert (found.app, found.verified) == ("X for iPhone", False)


def test_the_spelling_of_2026_is_read_too() -> None:
    user = {**ANN, "public_metrics": {"post_count": 9}}
    line = {
        "data": a_post(referenced_posts=[{"type": "quoted", "id": "9"}], public_metrics={"repost_count": 3}),
        "includes": {
            "users": [user],
            "posts": [{"id": "9", "text": "x", "entities": {"mentions": [{"username": "CityHall"}]}}],
        },
    }
    found = one(line).more
    assert (found.posts, found.reposts) == (9, 3)
    assert found.quoted is not None
    assert found.quoted.mentioned == ["CityHall"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"verified": True}, True),
        ({"verified_type": "business"}, True),
        ({"verified": False, "verified_type": "blue"}, True),
        ({"verified": False}, False),
        ({"verified_type": "none"}, False),
        ({}, None),
    ],
)
def test_verified_by_either_field(fields: dict[str, Any], expected: bool | None) -> None:
    assert more(a_post(), users=[{"id": "7", "username": "ann_example", **fields}]).verified is expected


def test_what_was_not_asked_for_is_unknown() -> None:
    found = one({"id": "10", "text": "Pothole", "edit_history_tweet_ids": ["10"]}).more
    told = {name for name in found.__struct_fields__ if getattr(found, name) is not None}
    assert told == {"answered", "repeated", "links"}
    assert (found.answered, found.repeated, found.links) == (NOBODY, NOBODY, [])


def test_without_the_author_the_number_is_all_that_is_known() -> None:
    found = one({"data": a_post()}).more
    assert (found.author_id, found.name, found.bio, found.followers, found.verified) == ("7", None, None, None, None)


def test_place_and_annotations_are_empty_only_for_those_who_ask_for_fields() -> None:
    asked, bare = more(a_post()), more({"id": "10", "text": "Pothole"})
    assert (asked.located, asked.contexts, asked.named) == (False, (), [])
    assert (bare.located, bare.contexts, bare.named) == (None, None, None)


def test_answers_name_the_account_as_far_as_it_came_along() -> None:
    def reply(**f: Any) -> dict[str, Any]:
        return a_post(referenced_tweets=[{"type": "replied_to", "id": "9"}], **f)

    assert more(reply(in_reply_to_user_id="8")).answered == Person("bob_example", id="8")
    assert more(reply(in_reply_to_user_id="99")).answered == Person("", id="99")
    mentions = {"mentions": [{"username": "CityHall", "id": "99"}]}
    assert more(reply(in_reply_to_user_id="99", entities=mentions)).answered == Person("CityHall", id="99")
    assert more(reply()).answered is None
    assert more(a_post()).answered == NOBODY
    assert more(a_post(in_reply_to_user={"username": "x"}, in_reply_to_user_id=5)).answered == Person("x", id="5")


def test_reposts_name_the_account_as_far_as_it_came_along() -> None:
    repost = a_post(text="RT @bob_example: hole", referenced_tweets=[{"type": "retweeted", "id": "9"}])
    original = {"id": "9", "text": "hole $FB", "author_id": "8", "entities": {"cashtags": [{"tag": "FB"}]}}
    found = more(repost, tweets=[original])
    assert (found.repeated, found.cashtags, found.quoted) == (Person("bob_example", id="8"), ["FB"], None)
    assert more(repost).repeated == Person("bob_example")
    assert more({**repost, "text": "hole"}).repeated is None


@pytest.mark.parametrize("kind", ["quoted", "retweeted"])
def test_whether_the_inner_post_is_an_answer(kind: str) -> None:
    outer = a_post(referenced_tweets=[{"type": kind, "id": "9"}])
    answer = {"id": "9", "text": "x", "referenced_tweets": [{"type": "replied_to", "id": "8"}]}
    assert more(outer, tweets=[answer]).answers_inside is True
    assert more(outer, tweets=[{"id": "9", "text": "x", "in_reply_to_user_id": "8"}]).answers_inside is True
    assert more(outer, tweets=[{"id": "9", "text": "x"}]).answers_inside is False
    assert more(outer).answers_inside is None


def test_links_with_every_address_and_what_their_pages_say() -> None:
    urls = [
        {"url": "https://t.co/a", "expanded_url": "https://bit.ly/b", "unwound_url": "https://example.org/c",
         "title": "A &lt; B", "description": "D"},
        {"url": "https://t.co/b"},
        {"url": "https://t.co/c", "expanded_url": "https://x.com/ann_example/status/10/photo/1", "media_key": "3_1"},
    ]  # fmt: skip
    full, short, media = more(a_post(entities={"urls": urls})).links or []
    assert full == Link(["https://t.co/a", "https://bit.ly/b", "https://example.org/c"], True, "A < B", "D")
    assert short == Link(["https://t.co/b"], False)
    assert media.complete


def test_links_of_the_text_where_x_was_not_asked_for_marks() -> None:
    found = more(a_post(text="see https://t.co/a and https://example.org/b"))
    assert found.links == [Link(["https://t.co/a"], False), Link(["https://example.org/b"])]
    assert found.cashtags is None
    assert more(a_post(text="$FB", entities={"urls": []})).cashtags == []


def test_marks_of_a_long_post_stand_in_its_note() -> None:
    note = {"text": "long $FB", "entities": {"cashtags": [{"tag": "FB"}]}}
    assert more(a_post(note_tweet=note, entities={"urls": []})).cashtags == ["FB"]


def test_annotations() -> None:
    contexts = [
        {"domain": {"id": "66", "name": "Hobby"}, "entity": {"id": "12", "name": "Tom &amp; Jerry"}},
        {"domain": {"id": 47}, "entity": {"id": 5}},
        {"domain": None, "entity": {"id": "1"}},
    ]
    marks = {"annotations": [{"normalized_text": "Elm Street", "type": "Place"}]}
    found = more(a_post(context_annotations=contexts, entities=marks))
    assert found.contexts == [("66", "12"), ("47", "5")]
    assert found.named == ["Tom & Jerry", "Elm Street"]


def test_place_and_position() -> None:
    geo = {"place_id": "ab12", "coordinates": {"type": "Point", "coordinates": [1.5, 2.5]}}
    found = more(a_post(geo=geo), places=[PLACE])
    assert found.place == TaggedPlace("ab12", ["Elm, AL", "Elm"], "US", (1.0, 2.0, 3.0, 4.0))
    assert (found.located, found.position) == (True, (1.5, 2.5))
    lost = more(a_post(geo={"place_id": "ab12"}))
    assert (lost.located, lost.place, lost.position) == (True, TaggedPlace("ab12"), None)
    assert more(a_post(geo={})).located is False
    flat = one({**a_post(), "geo": {**PLACE, "place_id": "ab12"}}).more
    assert flat.place == found.place


def test_posts_of_a_page_share_what_stands_beside_them() -> None:
    page = {
        "data": [a_post(), a_post(id="11", author_id="8", geo={"place_id": "ab12"})],
        "includes": {"users": [ANN, BOB], "places": [PLACE]},
    }
    first, second = decode(json.dumps(page).encode())
    assert (first.more.bio, second.more.bio) == ("R&D", None)
    assert second.more.place is not None
    assert second.more.place.country == "US"


def test_twarc_puts_everything_into_the_post() -> None:
    inner = {"type": "quoted", "id": "9", "text": "see $FB", "author_id": "8", "author": BOB}
    found = one({**a_post(), "author": ANN, "referenced_tweets": [inner]}).more
    assert found.bio == "R&D"
    assert found.quoted is not None


@given(
    st.dictionaries(
        st.sampled_from(["geo", "entities", "public_metrics", "context_annotations", "source", "author", "includes"]),
        st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda x: st.lists(x, max_size=2), max_leaves=3),
    )
)
def test_odd_types_cost_only_what_they_stand_for(fields: dict[str, Any]) -> None:
    post = one({**a_post(), **fields})
    assert post.more.author_id == "7"
    assert compile([(1, 1, "from:7")]).match([post])[0]


def test_nothing_more_is_read_unless_a_rule_asks() -> None:
    """A decoder that fails shows that it was not asked."""

    def fail(raw: bytes) -> More:
        raise AssertionError("asked")

    post = Incoming("1", "a leak", "en", b"{}", None, fail)
    rules = compile([(1, 1, "leak -is:retweet lang:en"), (2, 1, "roof followers_count:1"), (3, 1, "leak roof bio:x")])
    assert [found.rule_id for found in rules.match([post])[0]] == [1]
    with pytest.raises(AssertionError, match="asked"):
        compile([(1, 1, "leak followers_count:1")]).match([post])
