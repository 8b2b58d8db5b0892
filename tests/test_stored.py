"""Stored posts as the matcher sees them: all of them once, decided as if they came now, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session

from connector import rules, stored
from connector.incoming import Kind
from connector.models import Post, SourceState, now
from connector.sealing import CLOSE, OPEN, Sealer
from connector.store import Database, bulk
from tests.builders import a_post

HANDLE = f"{OPEN}0{CLOSE}"


def ids_met(session: Session, sealer: Sealer, text: str) -> list[int]:
    """By the quick way: page by page, and whole only what may meet the rule."""
    compiled, surfaces = rules.compile([(1, 1, text)]), stored.surfaces(session)
    return [
        post.id
        for page in stored.pages(session)
        for post, _ in stored.matching(session, sealer, compiled, page, surfaces)
    ]


def many(session: Session, count: int) -> None:
    """Posts with ids from 1 on, without the ORM."""
    columns = ("id", "source", "source_id", "version_id", "kind", "lang", "text", "conversation_id", "reply_settings",
               "place_name", "own", "mentions_us", "author_key", "about_id", "posted_at", "received_at")  # fmt: skip
    rows = [
        (n, "sample", f"m{n}", "", "post", "en", f"pothole {n}", "", "", "", False, False, "", "", now(), now())
        for n in range(1, count + 1)
    ]
    writer = bulk.writer(Post.__table__, columns, session.connection().dialect)  # type: ignore[attr-defined]
    writer.insert(session, rows)


def test_pages_hold_every_post_once_in_order(database: Database) -> None:
    with database.writing() as session:
        many(session, 2 * stored.PAGE + 1)
    with stored.reading(database) as session:
        pages = list(stored.pages(session))
        assert stored.count(session) == 2 * stored.PAGE + 1
    assert [len(page) for page in pages] == [stored.PAGE, stored.PAGE, 1]
    assert [row[0] for page in pages for row in page] == list(range(1, 2 * stored.PAGE + 2))


def test_pages_show_one_moment(database: Database) -> None:
    with database.writing() as session:
        many(session, stored.PAGE + 2)
    with stored.reading(database) as session:
        pages = stored.pages(session)
        next(pages)
        with database.writing() as other:
            other.get_one(Post, stored.PAGE + 1).gone_at = now()
            a_post(other, id=stored.PAGE + 9)
        assert [row[0] for row in next(pages)] == [stored.PAGE + 1, stored.PAGE + 2]


def test_what_is_gone_or_too_old_is_left_out(database: Database) -> None:
    with database.writing() as session:
        old = a_post(session, posted_at=now() - timedelta(days=9)).id
        young = a_post(session, posted_at=now() - timedelta(days=2)).id
        a_post(session, gone_at=now())
        older = a_post(session, posted_at=now() - timedelta(days=8)).id
    since = now() - timedelta(days=3)
    with stored.reading(database) as session:
        assert [row[0] for page in stored.pages(session) for row in page] == [old, young, older]
        assert [row[0] for page in stored.pages(session, since) for row in page] == [young]
        assert stored.count(session, since) == 2, "gone ones are counted: it is only for the progress"


POSTS = {
    "plain": {"text": "A Pothole on Elm"},
    "accented": {"text": "Un bache en la calle Peñón"},
    "none": {"text": "hello"},
    "tagged": {"text": "see there", "entities": {"hashtags": ["Pothole"]}},
    "quoting": {"text": "this!", "kind": "quote", "quoted_text": "pothole on Elm", "refs": "quote"},
    "reply": {"text": "that pothole", "kind": "reply", "refs": "reply"},
    "repost": {"text": "pothole again", "kind": "repost"},
    "linked": {"text": "pothole https://t.co/a", "entities": {"urls": [f"https://example.org/{HANDLE}"]}},
    "pictured": {"text": "pothole", "media": [{"kind": "photo", "url": "", "alt": ""}]},
    "masked": {"text": f"@{HANDLE} pothole", "entities": {"mention_keys": ["ann"]}},
    "ours": {"text": "pothole fixed", "own": True},
    "spanish": {"text": "pothole", "lang": "es"},
    "placed": {"text": "pothole", "place_name": "New Haven", "lat": 41.3, "lon": -72.9},
}


@pytest.fixture
def posts(database: Database, sealer: Sealer) -> dict[str, int]:
    """Name → id of the posts above, written by Ann, who is known by pseudonym only."""
    ids = {}
    with database.writing() as session:
        for name, told in POSTS.items():
            values = {"author_key": sealer.pseudonym("ann_example"), **told}
            if kind := values.pop("refs", None):
                values["references"] = [{"kind": kind, "id": "77"}]
            entities = {"hashtags": [], "urls": [], "mention_keys": [], **values.pop("entities", {})}
            entities["mention_keys"] = [sealer.pseudonym(f"{key}_example") for key in entities["mention_keys"]]
            ids[name] = a_post(session, values.pop("text"), entities=entities, conversation_id="5", **values).id
    return ids


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("pothole", "plain quoting reply repost linked pictured masked ours spanish placed"),
        ("#pothole", "tagged"),
        ("penon", "accented"),
        ('"pothole on elm"', "plain quoting"),
        ("pothole lang:es", "spanish"),
        ("pothole is:retweet", "repost"),
        ("pothole is:reply", "reply"),
        ("pothole is:quote", "quoting"),
        ("pothole has:images", "pictured"),
        ("pothole has:mentions", "masked"),
        ("pothole has:links", "linked pictured"),
        ("@Ann_Example", "masked"),
        ("@bob_example", ""),
        ("from:ann_example bache", "accented"),
        ("from:bob_example", ""),
        ("pothole -from:bob_example has:media", "pictured"),
        ("in_reply_to_tweet_id:77", "reply"),
        ("conversation_id:5 hello", "none"),
        ('place:"new haven"', "placed"),
        ("point_radius:[-72.9 41.3 1km]", "placed"),
        # Nobody stored what these ask for: unknown, also under a minus.
        ("pothole followers_count:0", ""),
        ("pothole -is:verified", ""),
    ],
)
def test_a_rule_finds_what_it_would_have_found(
    text: str, met: str, posts: dict[str, int], database: Database, sealer: Sealer
) -> None:
    with stored.reading(database) as session:
        found = ids_met(session, sealer, text)
    assert [name for name, id_ in posts.items() if id_ in found] == met.split()
    assert found == sorted(found)


@pytest.mark.parametrize("text", ["pothole", "#pothole", "penon OR bache", "from:ann_example", "hello -pothole"])
def test_the_quick_way_finds_what_reading_all_of_them_finds(
    text: str, posts: dict[str, int], database: Database, sealer: Sealer
) -> None:
    with stored.reading(database) as session:
        quick = ids_met(session, sealer, text)
        whole = stored.some(session, sealer, list(posts.values()))
        met = stored.decided(rules.compile([(1, 1, text)]), whole, {})
    assert quick == [post.id for post, _ in met]


def test_posts_of_x_are_read_as_its_stream_reads_them(database: Database, sealer: Sealer) -> None:
    with database.writing() as session:
        session.add(SourceState(name="x", kind="x"))
        session.add(SourceState(name="old", kind="no_longer_known"))
        local = a_post(session, "calle Peñón").id
        a_post(session, "calle Peñón", source="x")
        unknown = a_post(session, "calle Peñón", source="old").id
    with stored.reading(database) as session:
        assert stored.surfaces(session) == {"x": "stream"}
        assert ids_met(session, sealer, "penon") == [local, unknown]
        assert len(ids_met(session, sealer, "peñón")) == 3
        whole = stored.some(session, sealer, range(1, 99))
        met = stored.decided(rules.compile([(1, 1, "penon")]), whole, stored.surfaces(session))
        assert [post.id for post, _ in met] == [local, unknown]


def test_a_stored_post_shows_no_handle_and_needs_no_session(
    posts: dict[str, int], database: Database, sealer: Sealer
) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    with database.writing() as session:
        session.get_one(Post, posts["reply"]).posted_at = at
    with stored.reading(database) as session:
        found = stored.some(session, sealer, [posts[name] for name in ("masked", "linked", "reply")])
    by_text = {post.text: post for post in found}
    assert set(by_text) == {"@… pothole", "pothole https://t.co/a", "that pothole"}
    assert list(by_text["pothole https://t.co/a"].detail.urls) == ["https://example.org/…"]
    answer = by_text["that pothole"]
    assert (answer.posted_at, answer.detail.posted_at, answer.detail.kind) == (at, at, Kind.REPLY)
    assert answer.detail.author is None


def test_the_newest_come_first_and_ours_are_left_out(database: Database, sealer: Sealer) -> None:
    with database.writing() as session:
        posts = [a_post(session, posted_at=now() - timedelta(hours=hours)).id for hours in (5, 1, 3)]
        a_post(session, own=True)
        a_post(session, gone_at=now())
        assert [post.id for post in stored.newest(session, sealer, 2)] == [posts[1], posts[2]]
