"""One invented payload per shape that X's API v2 is known to answer with, and the odd ones that occur in files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.incoming import Detail, Incoming, Kind, Media, Person, Reference
from connector.sources.x.payload import LineError, decode, is_one_plain_post, not_plain
from connector.sources.x.shapes import BOM

TEXT = "Pothole on Elm Street"


def a_post(**fields: Any) -> dict[str, Any]:
    return {"id": "1500000000000000010", "text": TEXT, "lang": "en", "author_id": "7", **fields}


def a_user(id: str = "7", username: str = "ann_example", **fields: Any) -> dict[str, Any]:
    return {"id": id, "username": username, "name": username.title(), **fields}


def a_message(post: dict[str, Any] | None = None, **includes: Any) -> bytes:
    """As the filtered stream sends it."""
    return json.dumps(
        {
            "data": a_post() if post is None else post,
            "includes": {"users": [a_user()], **includes},
            "matching_rules": [{"id": 1, "tag": None}],
        }
    ).encode()


def one(line: bytes | dict[str, Any]) -> Incoming:
    (post,) = decode(line if isinstance(line, bytes) else json.dumps(line).encode())
    return post


def detail_of(post: dict[str, Any], **includes: Any) -> Detail:
    return one(a_message(post, **includes)).detail


def problem(line: bytes) -> str:
    with pytest.raises(LineError) as caught:
        decode(line)
    return str(caught.value)


# The shapes of a line


def test_stream_message_gives_its_one_post_and_keeps_the_line() -> None:
    line = a_message()
    post = one(line)
    assert (post.source_id, post.text, post.lang, post.raw) == ("1500000000000000010", TEXT, "en", line)
    assert post.detail.author == Person("ann_example", "Ann_Example", "7")


def test_answer_with_one_post_and_bare_post_read_alike() -> None:
    assert one({"data": a_post()}).text == one(a_post()).text == TEXT
    assert one(a_post()).detail.author is None


def test_page_gives_its_posts_but_not_the_included_ones() -> None:
    page = {
        "data": [a_post(id="1"), a_post(id="2", author_id="8")],
        "includes": {"users": [a_user(), a_user("8", "bob_example")], "tweets": [a_post(id="3")]},
        "errors": [{"title": "Not Found Error", "value": "9"}],
        "meta": {"result_count": 2},
    }
    first, second = decode(json.dumps(page).encode())
    assert (first.source_id, second.source_id) == ("1", "2")
    assert second.detail.author == Person("bob_example", "Bob_Example", "8")
    assert json.loads(second.raw) == a_post(id="2", author_id="8")


def test_posts_of_a_page_name_only_their_own_people() -> None:
    post = a_post(referenced_tweets=[{"type": "replied_to", "id": "3"}], in_reply_to_user_id="8")
    users = [a_user(), a_user("8", "bob_example"), a_user("9", "stranger")]
    page = {"data": [post], "includes": {"users": users, "tweets": [a_post(id="3", author_id="8")]}}
    assert one(page).detail.people == ("bob_example",)


@pytest.mark.parametrize("line", [b'{"meta":{"result_count":0}}', b'{"data":[]}', b"[]"])
def test_empty_page_gives_nothing(line: bytes) -> None:
    assert decode(line) == []


def test_flattened_post_has_everything_inlined() -> None:
    quoted = a_post(id="3", text="Elm &amp; Oak", author=a_user("8", "bob_example"), type="quoted")
    post = one(
        a_post(
            author=a_user(),
            referenced_tweets=[quoted],
            in_reply_to_user=a_user("9", "cy_example"),
            attachments={
                "media_keys": ["3_1"],
                "media": [{"media_key": "3_1", "type": "photo", "url": "https://p/1"}, {}],
            },
            geo={"place_id": "p", "id": "p", "full_name": "Elm Corner", "geo": {"bbox": [10.0, 50.0, 10.01, 50.01]}},
        )
    )
    assert post.detail.kind == Kind.QUOTE
    assert post.detail.quoted_text == "Elm & Oak"
    assert set(post.detail.people) == {"bob_example", "cy_example"}
    assert post.detail.media == (Media("photo", "https://p/1"),)
    assert post.detail.place_name == "Elm Corner"
    assert (post.detail.lat, post.detail.lon) == pytest.approx((50.005, 10.005))


def test_array_of_posts_or_messages_is_read_too() -> None:
    assert [post.source_id for post in decode(json.dumps([a_post(id="1"), {"data": a_post(id="2")}]).encode())] == [
        "1",
        "2",
    ]


def test_names_of_the_newer_description_are_understood() -> None:
    detail = detail_of(
        a_post(referenced_posts=[{"type": "quoted", "id": "3"}], edit_history_post_ids=["9", "1500000000000000010"]),
        posts=[a_post(id="3", text="short", note_post={"text": "the long one"})],
    )
    assert (detail.kind, detail.quoted_text) == (Kind.QUOTE, "the long one")
    assert detail.edits == ("9", "1500000000000000010")


# Words


def test_text_is_as_a_person_wrote_it() -> None:
    assert one(a_post(text="5 &lt; 6 &amp;amp; R&amp;D &copy=1")).text == "5 < 6 &amp; R&D &copy=1"


def test_long_post_comes_in_full_with_its_own_entities() -> None:
    note = {"text": "long &amp; whole #deep", "entities": {"hashtags": [{"start": 15, "end": 20, "tag": "deep"}]}}
    post = one(a_post(note_tweet=note, entities={"urls": [{"expanded_url": "https://x.com/i/web/status/1"}]}))
    assert post.text == "long & whole #deep"
    assert (post.detail.hashtags, post.detail.urls) == (("deep",), ())


def a_repost(**fields: Any) -> dict[str, Any]:
    return a_post(text="RT @bob_example: A long sto…", referenced_tweets=[{"type": "retweeted", "id": "3"}], **fields)


def test_repost_has_the_full_text_of_its_original() -> None:
    included = a_post(
        id="3",
        text="cut",
        note_tweet={"text": "A long story &amp; #more", "entities": {"hashtags": [{"tag": "more"}]}},
        author_id="8",
        attachments={"media_keys": ["3_5"]},
    )
    post = one(a_message(a_repost(), tweets=[included], users=[a_user(), a_user("8", "bob_example")]))
    assert post.text == "RT @bob_example: A long story & #more"
    assert post.detail.kind == Kind.REPOST
    assert post.detail.hashtags == ("more",)
    assert [medium.kind for medium in post.detail.media] == ["photo"]
    assert "bob_example" in (*post.detail.people, *post.detail.mentioned)


def test_repost_names_people_and_links_of_its_original_too() -> None:
    def said(handle: str, path: str) -> dict[str, Any]:
        return {"mentions": [{"username": handle}], "urls": [{"expanded_url": f"https://example.org/{path}"}]}

    original = a_post(id="3", entities=said("cy_example", "b"))
    detail = detail_of(a_repost(entities=said("bob_example", "a")), tweets=[original])
    assert detail.mentioned == ("bob_example", "cy_example")
    assert detail.urls == ("https://example.org/a", "https://example.org/b")


def test_repost_without_its_original_keeps_the_short_text() -> None:
    assert one(a_message(a_repost())).text == "RT @bob_example: A long sto…"


def test_repost_in_a_page_and_flattened() -> None:
    page = {"data": [a_repost()], "includes": {"tweets": [a_post(id="3", text="whole")]}}
    flat = a_repost() | {"referenced_tweets": [a_post(id="3", text="whole", type="retweeted")]}
    assert one(page).text == one(flat).text == "RT @bob_example: whole"


def test_typed_rt_is_no_repost() -> None:
    post = one(a_post(text="RT @bob_example: so true"))
    assert (post.text, post.detail.kind) == ("RT @bob_example: so true", Kind.POST)


# Detail


@pytest.mark.parametrize(
    ("types", "kind"),
    [
        ([], Kind.POST),
        (["quoted"], Kind.QUOTE),
        (["quoted", "replied_to"], Kind.REPLY),
        (["replied_to", "retweeted"], Kind.REPOST),
        (["new_invention"], Kind.POST),
    ],
)
def test_kind_follows_the_references(types: list[str], kind: Kind) -> None:
    detail = detail_of(a_post(referenced_tweets=[{"type": type, "id": str(n)} for n, type in enumerate(types)]))
    assert detail.kind == kind
    assert len(detail.references) == len([type for type in types if type != "new_invention"])


def test_reply_is_known_by_its_conversation_where_references_were_not_asked_for() -> None:
    assert detail_of(a_post(in_reply_to_user_id="8", conversation_id="3")).kind == Kind.REPLY
    assert detail_of(a_post(in_reply_to_user_id="8", conversation_id="1500000000000000010")).kind == Kind.POST


def test_references_quoted_text_and_conversation() -> None:
    detail = detail_of(
        a_post(referenced_tweets=[{"type": "quoted", "id": 3}], conversation_id="1500000000000000010"),
        tweets=[a_post(id="3", text="quoted &gt; words")],
    )
    assert detail.references == (Reference(Kind.QUOTE, "3"),)
    assert detail.quoted_text == "quoted > words"
    assert detail.conversation_id == "1500000000000000010"


def test_quoted_post_that_is_gone_leaves_the_reference() -> None:
    detail = detail_of(a_post(referenced_tweets=[{"type": "quoted", "id": "3"}]))
    assert (detail.references, detail.quoted_text) == ((Reference(Kind.QUOTE, "3"),), "")


def test_entities() -> None:
    entities = {
        "hashtags": [{"tag": "Pothole"}, {"tag": "pothole"}, {"tag": "Elm"}],
        "mentions": [{"username": "CityHall", "id": "1"}, {"username": "cityhall"}],
        "urls": [
            {"url": "https://t.co/1", "expanded_url": "https://sho.rt/1", "unwound_url": "https://example.org/a"},
            {
                "url": "https://t.co/2",
                "expanded_url": "https://x.com/bob_example/status/3",
                "display_url": "x.com/bob…",
            },
            {
                "url": "https://t.co/3",
                "expanded_url": "https://x.com/ann_example/status/5/photo/1",
                "display_url": "pic.x.com/3",
            },
            {"url": "https://t.co/4", "expanded_url": "https://x.com/ann_example/status/1500000000000000010/video/1"},
            {"url": "https://t.co/5", "media_key": "3_1"},
            {"url": "https://t.co/6"},
        ],
    }
    detail = detail_of(a_post(entities=entities))
    assert detail.hashtags == ("Pothole", "Elm")
    assert detail.mentioned == ("CityHall",)
    assert detail.urls == ("https://example.org/a", "https://x.com/bob_example/status/3", "https://t.co/6")
    assert detail.people == ("bob_example",)


def test_entities_are_found_in_the_text_where_none_were_asked_for() -> None:
    detail = one({"id": "1", "text": "@CityHall #Pothole #1, see https://t.co/x. mail a@b.org c#d"}).detail
    assert (detail.mentioned, detail.hashtags, detail.urls) == (("CityHall",), ("Pothole",), ("https://t.co/x",))


def test_everyone_named_in_the_payload_is_listed() -> None:
    detail = detail_of(
        a_post(
            in_reply_to_user_id="9",
            referenced_tweets=[{"type": "replied_to", "id": "3"}],
            entities={"mentions": [{"username": "cy_example"}]},
        ),
        users=[a_user(), a_user("8", "bob_example"), a_user("9", "cy_example")],
        tweets=[
            a_post(
                id="3",
                author_id="8",
                entities={
                    "mentions": [{"username": "dee_example"}, {"username": "Ann_Example"}],
                    "urls": [{"expanded_url": "https://x.com/eve_example/status/4"}],
                },
            )
        ],
    )
    assert detail.author is not None
    assert detail.author.handle == "ann_example"
    assert detail.mentioned == ("cy_example",)
    assert set(detail.people) == {"bob_example", "dee_example", "eve_example"}


def test_author_who_is_not_included_is_unknown() -> None:
    assert detail_of(a_post(author_id="404")).author is None
    assert one(a_post(username="ann_example")).detail.author == Person("ann_example", "", "7")


def test_media() -> None:
    detail = detail_of(
        a_post(attachments={"media_keys": ["3_1", "7_2", "16_3", "99_4"]}),
        media=[
            {"media_key": "3_1", "type": "photo", "url": "https://p/1.jpg", "alt_text": "a &amp; b"},
            {"media_key": "7_2", "type": "video", "preview_image_url": "https://p/2.jpg"},
        ],
    )
    assert detail.media == (
        Media("photo", "https://p/1.jpg", "a & b"),
        Media("video", "https://p/2.jpg"),
        Media("animated_gif"),
    )


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("2024-05-01T10:00:00.000Z", 10),
        ("2024-05-01T10:00:00Z", 10),
        ("2024-05-01T10:00:00+00:00", 10),
        ("2024-05-01T12:00:00+02:00", 10),
        ("2024-05-01T10:00:00", 10),
    ],
)
def test_times_are_aware_and_utc(written: str, hour: int) -> None:
    posted_at = detail_of(a_post(created_at=written)).posted_at
    assert posted_at == datetime(2024, 5, 1, hour, tzinfo=UTC)
    assert posted_at.tzinfo is UTC


@pytest.mark.parametrize("written", ["yesterday", 5, None, "0001-01-01T00:00:00+14:00", ["x"]])
def test_odd_time_is_unknown(written: object) -> None:
    detail = detail_of(a_post(created_at=written, reply_settings="following"))
    assert (detail.posted_at, detail.reply_settings) == (None, "following")


def a_place(size: float) -> dict[str, Any]:
    return {
        "id": "p",
        "full_name": "Elm Park",
        "geo": {"type": "Feature", "bbox": [10.0, 50.0, 10.0 + size, 50.0 + size]},
    }


def test_coordinates_are_longitude_first() -> None:
    geo = {"place_id": "p", "coordinates": {"type": "Point", "coordinates": [10.5, 50.25]}}
    detail = detail_of(a_post(geo=geo), places=[a_place(1.0)])
    assert (detail.place_name, detail.lat, detail.lon) == ("Elm Park", 50.25, 10.5)


def test_small_place_is_a_spot_and_a_large_one_only_a_name() -> None:
    small, large = (detail_of(a_post(geo={"place_id": "p"}), places=[a_place(size)]) for size in (0.01, 0.5))
    assert (small.lat, small.lon) == pytest.approx((50.005, 10.005))
    assert (large.place_name, large.lat, large.lon) == ("Elm Park", None, None)


@pytest.mark.parametrize(
    "geo",
    [
        {},
        {"place_id": "gone"},
        {"coordinates": None},
        {"coordinates": {"coordinates": [200, 95]}},
        {"coordinates": {"coordinates": []}},
    ],
)
def test_unsound_position_is_none(geo: dict[str, Any]) -> None:
    detail = detail_of(a_post(geo=geo))
    assert (detail.place_name, detail.lat, detail.lon) == ("", None, None)


@pytest.mark.parametrize(
    ("history", "edits"),
    [
        (["1500000000000000010"], ()),
        ([], ()),
        (["1500000000000000010", "1499999999999999999"], ("1499999999999999999", "1500000000000000010")),
        (["999"], ("999", "1500000000000000010")),
    ],
)
def test_edits_name_all_versions_oldest_first(history: list[str], edits: tuple[str, ...]) -> None:
    post = one(a_post(edit_history_tweet_ids=history))
    assert (post.source_id, post.detail.edits) == ("1500000000000000010", edits)


def test_withheld_and_reply_settings() -> None:
    detail = detail_of(a_post(withheld={"copyright": False, "country_codes": ["XX"]}, reply_settings="mentionedUsers"))
    assert (detail.withheld, detail.reply_settings) == (True, "mentionedUsers")
    assert not detail_of(a_post()).withheld


# Tolerance


def test_numbers_for_ids_are_fine() -> None:
    post = one(a_message(a_post(id=1500000000000000010, author_id=7, conversation_id=3)))
    assert (post.source_id, post.detail.conversation_id) == ("1500000000000000010", "3")
    assert post.detail.author is not None


def test_wrong_types_do_not_cost_the_post() -> None:
    post = one(
        a_message(
            a_post(
                lang=["en"],
                entities={"hashtags": [{"tag": "ok"}, {"tag": 5}, 7], "mentions": "none", "urls": None},
                referenced_tweets=[{"type": "quoted", "id": "3"}, "x", {"type": "replied_to", "id": {}}],
                attachments=[],
                geo="here",
                withheld=None,
                note_tweet=3,
            ),
            users=[a_user(name=3), 5],
            media={},
        )
    )
    assert (post.text, post.lang) == (TEXT, "")
    assert post.detail.hashtags == ("ok",)
    assert post.detail.author == Person("ann_example", "", "7")
    assert post.detail.references == (Reference(Kind.QUOTE, "3"),)


@pytest.mark.parametrize("includes", [None, [], "x", {}, {"users": None}])
def test_page_with_odd_includes_keeps_the_rest_of_the_detail(includes: object) -> None:
    assert one({"data": [a_post(conversation_id="5")], "includes": includes}).detail.conversation_id == "5"


def test_broken_utf8_is_replaced_and_the_post_kept() -> None:
    user = b'{"id":"7","username":"ann","name":"\xff"}'
    post = one(b'{"data":{"id":"1","text":"caf\xe9 #Elm","author_id":"7"},"includes":{"users":[' + user + b"]}}")
    assert post.text == "caf\ufffd #Elm"
    assert post.detail.author == Person("ann", "\ufffd", "7")


@pytest.mark.parametrize(
    ("written", "text"),
    [(r"a\ud83d b", "a\ufffd b"), (r"\ude00", "\ufffd"), (r"\ud83d\ude00", "😀"), (r"a\u0000b", "a\ufffdb")],
)
def test_text_is_valid_unicode(written: str, text: str) -> None:
    line = f'{{"data":[{{"id":"1","text":"{written}"}}]}}'.encode()
    assert one(line).text == one(f'{{"id":"1","text":"{written}"}}'.encode()).text == text
    assert one(line).detail == Detail()


def test_lone_surrogate_in_a_page_costs_no_other_post() -> None:
    line = rb'{"data":[{"id":"1","text":"a"},{"id":"2","text":"b\ud83d"}],"includes":{"users":[{"name":"\ud83d"}]}}'
    assert [post.text for post in decode(line)] == ["a", "b\ufffd"]


def test_byte_order_mark_is_passed_over() -> None:
    assert one(b"\xef\xbb\xbf" + a_message()).detail.author is not None


def test_page_with_a_stranger_in_it_gives_the_others_and_says_so() -> None:
    with pytest.raises(LineError, match="1 of 2 entries: JSON, but no post: it has no text") as caught:
        decode(json.dumps({"data": [a_post(), {"id": "2"}]}).encode())
    assert [post.text for post in caught.value.posts] == [TEXT]


# Lines that hold no post


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "not JSON: it breaks off after 0 bytes"),
        (b'{"data": {"id": "1", "te', "not JSON: it breaks off after 24 bytes"),
        (b'{"data": secret_handle}', "not JSON: the fault is at byte 9"),
        ('{"ü": secret}'.encode(), "not JSON: the fault is at byte 7"),
        ('{"id":1}'.encode("utf-16-le"), "not JSON in UTF-8: it looks like UTF-16"),
        (b"3", "JSON, but no post: not an object"),
        (b"null", "JSON, but no post: not an object"),
        (b'["secret"]', "JSON, but no post: not an object"),
        (b"{}", "JSON, but no post: it has no text"),
        (b'{"data":null}', "JSON, but no post: it has no text"),
        (b'{"id":"1","action":"delete"}', "JSON, but no post: it has no text"),
        (b'{"text":"secret"}', "JSON, but no post: it has no id"),
        (b'{"id":true,"text":"secret"}', "JSON, but no post: it has no id"),
        (b'{"data":[{"id":"1","text":"secret","event_type":"MessageCreate"}]}', "JSON, but no post: a direct message"),
        (b'{"errors":[{"title":"Not Found Error","detail":"secret"}]}', "an error message of X: Not Found Error"),
        (b'{"errors":[{"message":"secret"}]}', "an error message of X"),
        (b'{"title":"Unauthorized","status":401}', "an error message of X: Unauthorized"),
        (b'{"title":"@secret <b>","status":401}', "an error message of X"),
        (b'{"x":' + b"[" * 100_000, "not readable: nested too deeply"),
        (b'{"data":' + b"9" * 5000 + b"}", "not readable: a number of thousands of digits"),
    ],
)
def test_reason_names_what_is_wrong_and_quotes_nothing(line: bytes, reason: str) -> None:
    assert problem(line) == reason


def test_error_carries_no_payload_along() -> None:
    with pytest.raises(LineError) as caught:
        decode(b'{"text": "secret')
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def read_all(line: bytes) -> None:
    """Either a reason or posts, and posts can always be asked for everything and written down."""
    try:
        posts = decode(line)
    except LineError as error:
        posts = list(error.posts)
    for post in posts:
        post.text.encode()
        assert isinstance(post.detail, Detail)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(line: bytes) -> None:
    read_all(line)


WHOLE = a_message(
    a_post(
        entities={"hashtags": [{"tag": "é😀"}]},
        referenced_tweets=[{"type": "quoted", "id": "3"}],
        created_at="2024-05-01T10:00:00Z",
    ),
    tweets=[a_post(id="3")],
)


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1))
def test_any_truncation_is_refused(length: int) -> None:
    with pytest.raises(LineError):
        decode(WHOLE[:length])


@given(st.integers(min_value=0, max_value=len(WHOLE) - 1), st.binary(max_size=3))
def test_any_damage_is_refused_or_read(at: int, bytes_in_place: bytes) -> None:
    read_all(WHOLE[:at] + bytes_in_place + WHOLE[at + 1 :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "text", "type", "geo", "urls", "coordinates", "full_name", "bbox"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            sorted(a_post(geo=1, entities=1, attachments=1, referenced_tweets=1, created_at=1, withheld=1))
        ),
        JSON,
    ),
    JSON,
)
def test_any_json_in_the_fields_is_refused_or_read(fields: dict[str, Any], includes: Any) -> None:
    post = a_post() | {key: value for key, value in fields.items() if key not in ("id", "text")}
    read_all(json.dumps({"data": post, "includes": includes}).encode())
    assert one({"data": [post], "includes": includes}).text == TEXT
    read_all(json.dumps(fields).encode())


_SOME = [
    b'{"data": {"id": "1", "text": "a"}}',
    b'{"id": "1", "text": "a", "edit_history_tweet_ids": ["1"]}',
    b'{"data": {"id": "2", "text": "a", "edit_history_tweet_ids": ["1", "2"]}}',
    b'{"data": {"id": "", "text": "a"}}',
    b'{"data": {"id": "1"}}',
    b'{"data": [{"id": "1", "text": "a"}]}',
    b'{"data": {"id": "1", "text": "\xff"}}',
    b'{"data": {"id": "1", "te',
    b'\xef\xbb\xbf{"id": "1", "text": "a"}',
    b"[]",
    b" ",
]


@given(st.lists(st.tuples(st.sampled_from(_SOME), st.sampled_from([b"\n", b"\r\n"])), max_size=6))
def test_lines_together_are_plain_where_each_by_itself_is(found: list[tuple[bytes, bytes]]) -> None:
    odd = [at for at, (line, _) in enumerate(found) if not is_one_plain_post(line)]
    told = not_plain(b"".join(line + end for line, end in found))
    assert told in (None, (len(found), odd))
    assert told is not None or odd, "given up only where there is something to look at"
    for at, (line, _) in enumerate(found):
        assert at in odd or len(decode(line.removeprefix(BOM))) == 1


def test_two_values_on_one_line_are_seen() -> None:
    assert not_plain(b'{"id": "1", "text": "a"} {"id": "2", "text": "b"}\n{"id": "3", "text": "c"}\n') is None
