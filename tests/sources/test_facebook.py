"""Facebook's Pages, over a real server on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from connector import config, rules, sources
from connector.errors import AdapterError, AuthError, ConfigError, RefusedError, SpentError, TemporaryError
from connector.incoming import Arrived, Batch, Deleted, Edited, Incoming, Kind, Link, Media, Person, Reference, Refused
from connector.sealing import Hiding
from connector.sources import Budget, Source
from connector.sources.facebook.graph import regained
from connector.sources.facebook.post import Post, incoming
from tests.contracts import HANDLE, SECRET, assert_tells_nothing
from tests.peers.facebook import PAGE_ID, FacebookPeer, facebook_peer, proof
from tests.servers import Says, http_server
from tests.source_contract import OURS, Reading, SourceContract


class TestFacebook(SourceContract):
    kind = "facebook"
    shrink = 0.002

    @pytest.fixture
    def peer(self) -> Iterator[FacebookPeer]:
        with facebook_peer() as peer:
            yield peer


@pytest.fixture
def peer() -> Iterator[FacebookPeer]:
    with facebook_peer() as peer:
        yield peer


def load(peer: FacebookPeer, **settings: Any) -> Source:
    adapter = config.Adapter(kind="facebook", **peer.settings | settings)
    return sources.load("way-in", adapter, config.Config(city=config.City(name="Port Alder", accounts=[OURS])))


def quickly(source: Source, cursor: str = "") -> Reading:
    return Reading(source, cursor, shrink=0.001)


def looks(peer: FacebookPeer) -> int:
    return sum(path.endswith("/feed") and "after" not in query for path, query in peer.asked)


def further_looks(reading: Reading, peer: FacebookPeer, number: int = 2) -> None:
    before = looks(peer)
    reading.until(lambda: looks(peer) >= before + number)


def error_of(source: Source) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        next(source.events("", lambda seconds: False))
    assert caught.value.adapter == "way-in"
    assert_tells_nothing(caught.value)
    return caught.value


# -- what is read ------------------------------------------------------------------------------------------------------


def test_comments_come_as_answers_in_the_conversation_of_their_post(peer: FacebookPeer) -> None:
    post = peer.post("We repair Elm St", OURS)
    with quickly(load(peer)) as reading:
        reading.until(lambda: post in reading.ids)
        first = peer.comment(post, "There is a crater")
        reading.until(lambda: first in reading.ids)
        below = peer.comment(post, "Where?", OURS, parent=first)
        reading.until(lambda: below in reading.ids)
        further_looks(reading, peer)
    assert len(reading.posts) == 3, "each once"
    found = {one.source_id: one.detail for one in reading.posts}
    assert (found[first].kind, found[first].references) == (Kind.REPLY, [Reference(Kind.REPLY, post)])
    assert found[below].references == [Reference(Kind.REPLY, first)]
    assert {detail.conversation_id for detail in found.values()} == {post}
    assert (found[first].own, found[below].own) == (False, True)


def test_all_comments_of_a_storm_come(peer: FacebookPeer) -> None:
    post = peer.post("We repair Elm St", OURS)
    with quickly(load(peer)) as reading:
        reading.until(lambda: post in reading.ids)
        written = {peer.comment(post, f"crater {number}") for number in range(450)}
        reading.until(lambda: written <= reading.ids)
    assert len(reading.posts) == 451


def test_a_post_that_tags_the_page_mentions_us(peer: FacebookPeer) -> None:
    with quickly(load(peer)) as reading:
        id = peer.tag("Port Alder, there is a crater")
        reading.until(lambda: id in reading.ids)
    assert reading.posts[0].mentions(OURS)


def test_what_came_while_nobody_read_is_brought_and_what_was_known_is_not(peer: FacebookPeer) -> None:
    days_ago = (datetime.now(UTC) - timedelta(days=2)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    old = [peer.post(f"crater {number}", created_time=days_ago, updated_time=days_ago) for number in range(30)]
    known, recent = peer.comment(old[3], "An old comment", ago=86_400), peer.comment(old[5], "A recent one")
    with quickly(load(peer)) as reading:
        reading.until(lambda: {*old, known, recent} <= reading.ids and "comments" in reading.cursor)
    peer.edit(old[0], "No crater")
    comment, post = peer.comment(old[1], "A crater indeed"), peer.post("A new crater")
    also = peer.comment(old[3], "Another comment")
    with quickly(load(peer), reading.cursor) as again:
        again.until(lambda: {old[0], comment, also, post} <= again.ids)
        further_looks(again, peer)
    # A comment moves its post's time: the post comes as perhaps edited, and is known to the intake by its words.
    assert again.ids - {recent, old[5]} == {old[0], old[1], old[3], comment, also, post}
    events = {event.post.source_id: type(event) for event in again.events if isinstance(event, Arrived | Edited)}
    assert (events[old[0]], events[comment], events[post]) == (Edited, Arrived, Arrived)


def test_posts_need_not_come_again_because_comments_cannot_be_read(peer: FacebookPeer) -> None:
    post = peer.post("A crater")
    comment = peer.comment(post, "Where?")
    peer.lacks = {"comments"}
    batches: list[Batch] = []
    with pytest.raises(AuthError):
        batches.extend(load(peer).events("", lambda seconds: False))
    peer.lacks = set()
    assert [len(batch.events) for batch in batches] == [1, 0]
    assert "feed" in batches[-1].cursor
    with quickly(load(peer), batches[-1].cursor) as reading:
        reading.until(lambda: comment in reading.ids)


def test_a_post_that_the_page_lets_through_later_is_new_although_it_is_old(peer: FacebookPeer) -> None:
    first = peer.post("A crater")
    hours_ago = (datetime.now(UTC) - timedelta(hours=9)).strftime("%Y-%m-%dT%H:%M:%S+0000")
    with quickly(load(peer)) as reading:
        reading.until(lambda: first in reading.ids)
        held_back = peer.post("A crater, held back", created_time=hours_ago, updated_time=hours_ago)
        reading.until(lambda: held_back in reading.ids)


def test_nothing_comes_twice_in_one_reading(peer: FacebookPeer) -> None:
    written = {peer.post(f"crater {number}") for number in range(30)} | {peer.tag("crater")}
    with quickly(load(peer)) as reading:
        reading.until(lambda: written <= reading.ids)
        further_looks(reading, peer, 3)
    assert len(reading.posts) == len(written)


def test_what_was_not_taken_comes_again(peer: FacebookPeer) -> None:
    source, id = load(peer), peer.post("A crater")
    for _ in range(2):
        batches = source.events("", lambda seconds: False)
        assert [event.post.source_id for event in next(batches).events if isinstance(event, Arrived)] == [id]
        batches.close()


def test_only_what_is_wanted_is_asked_for(peer: FacebookPeer) -> None:
    peer.lacks = {"tagged", "comments"}
    post = peer.post("A crater")
    peer.comment(post, "Where?")
    with quickly(load(peer, mentions=False, comments=False, days=3)) as reading:
        reading.until(lambda: post in reading.ids)
        further_looks(reading, peer)
    assert not reading.errors
    since = int(peer.asked[0][1]["since"][0])
    assert datetime.now(UTC).timestamp() - since == pytest.approx(3 * 86_400, abs=60)


def test_a_page_that_is_too_much_for_facebook_is_asked_for_in_smaller_parts(peer: FacebookPeer) -> None:
    peer.too_much = 30
    written = {peer.post(f"crater {number}") for number in range(120)}
    with quickly(load(peer)) as reading:
        reading.until(lambda: written <= reading.ids)
    assert not reading.errors


def test_even_the_smallest_part_may_be_too_much(peer: FacebookPeer) -> None:
    peer.too_much = 1
    assert isinstance(error_of(load(peer)), TemporaryError)


def test_a_post_that_is_gone_before_its_comments_are_read_is_no_fault(peer: FacebookPeer) -> None:
    gone, last = peer.post("A crater"), ""
    peer.comment(gone, "Where?")
    peer.lists[gone] = peer.feed.pop(gone) | {"comments": {"summary": {"total_count": 1}}}
    last = peer.post("Another crater")
    with quickly(load(peer)) as reading:
        reading.until(lambda: last in reading.ids)
        further_looks(reading, peer)
    assert not reading.errors


def test_one_post_that_cannot_be_read_does_not_hide_the_others(peer: FacebookPeer) -> None:
    first, _, last = peer.post("A crater"), peer.post("Another", created_time="at noon"), peer.post("A third")
    peer.sorts = False
    with quickly(load(peer)) as reading:
        reading.until(lambda: {first, last} <= reading.ids)
        further_looks(reading, peer)
    assert [event for event in reading.events if isinstance(event, Refused)] == [Refused("a post that cannot be read")]


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"feed": 7}', '{"feed": "x"}', "1:0"])
def test_a_cursor_of_something_else_is_a_first_reading(cursor: str, peer: FacebookPeer) -> None:
    id = peer.post("A crater")
    with quickly(load(peer), cursor) as reading:
        reading.until(lambda: id in reading.ids)


def test_a_monthly_limit_stops_reading_before_it_is_passed_and_skips_nothing(peer: FacebookPeer) -> None:
    source = load(peer)
    source.budget = Budget(15)
    written = {peer.post(f"crater {number}") for number in range(40)}
    with quickly(source) as reading:
        reading.until(lambda: bool(reading.errors))
        assert isinstance(reading.errors[0], SpentError)
        assert len(reading.posts) == 15
        source.budget.renew(500)
        reading.until(lambda: written <= reading.ids)


def test_a_look_that_failed_does_not_count_against_the_limit(peer: FacebookPeer) -> None:
    source = load(peer)
    source.budget = Budget(150)
    peer.fail("unavailable")
    error_of(source)
    assert source.budget.take(1000) == 150


def test_it_stops_while_a_server_keeps_it_waiting(peer: FacebookPeer) -> None:
    with http_server() as server:
        server.then(Says(how="silence"))
        reading = quickly(load(peer, server=server.url)).__enter__()
        reading.until(lambda: bool(server.asked))
        assert reading.stop() < 2
    assert not reading.errors


def test_posts_known_already_do_not_count_against_the_limit(peer: FacebookPeer) -> None:
    source = load(peer)
    source.budget = Budget(20)
    written = {peer.post(f"crater {number}") for number in range(10)}
    with quickly(source) as reading:
        reading.until(lambda: written <= reading.ids)
        further_looks(reading, peer, 4)
    assert not reading.errors


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_the_token_stands_in_no_address_although_theirs_hold_it(peer: FacebookPeer) -> None:
    written = [peer.post(f"crater {number}") for number in range(250)]
    with quickly(load(peer)) as reading:
        reading.until(lambda: set(written) <= reading.ids)
    list(load(peer).vanished(iter(written[:3]), lambda seconds: False))
    assert any("after" in query for _, query in peer.asked), "there was more than one part"
    assert not any("access_token" in query or SECRET in str(query) for _, query in peer.asked)


def test_the_proof_of_the_app_goes_with_every_call() -> None:
    with facebook_peer(app_secret="an app's own") as peer:
        id = peer.post("A crater")
        source = load(peer)
        assert source.test()
        with quickly(source) as reading:
            reading.until(lambda: id in reading.ids)
        assert list(source.vanished(iter([id]), lambda seconds: False)) == [[]]
        assert {query["appsecret_proof"][0] for _, query in peer.asked} == {proof("an app's own")}
        assert "an app's own" not in str({name: value for name, value in vars(source).items() if name != "config"})
        wrong = error_of(load(peer, app_secret="another app's"))
        assert isinstance(wrong, AuthError)
        assert "`app_secret`" in str(wrong)


# -- errors ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "subcode", "kind", "says"),
    [
        (190, 463, AuthError, "expired"), (190, 460, AuthError, "password"), (190, 458, AuthError, "removed the app"),
        (190, 459, AuthError, "log in"), (190, 467, AuthError, "not valid"), (190, 492, AuthError, "no role"),
        (190, 0, AuthError, "new Page access token"), (102, 0, AuthError, "new Page access token"),
        (10, 0, AuthError, "pages_read_user_content"), (200, 0, AuthError, "pages_read_engagement"),
        (299, 0, AuthError, "permission"), (3, 0, AuthError, "permission"),
        (4, 0, TemporaryError, "less often"), (17, 0, TemporaryError, "less often"),
        (32, 0, TemporaryError, "less often"), (613, 0, TemporaryError, "less often"),
        (80001, 0, TemporaryError, "less often"), (1, 0, TemporaryError, "at the moment"),
        (2, 0, TemporaryError, "at the moment"), (368, 0, TemporaryError, "blocked"),
        (100, 33, RefusedError, "`page_id`"), (803, 0, RefusedError, "`page_id`"), (2635, 0, RefusedError, "`version`"),
        (100, 0, RefusedError, "100"),
    ],
)  # fmt: skip
def test_an_error_of_theirs_says_what_to_mend(
    code: int, subcode: int, kind: type[AdapterError], says: str, peer: FacebookPeer
) -> None:
    peer.refuse(code, subcode)
    error = error_of(load(peer))
    assert isinstance(error, kind)
    assert says in str(error)
    if "less often" in says:
        assert isinstance(error, TemporaryError)
        assert (error.retry_after, error.cause) == (300, "rate limit")


def test_a_passing_error_is_tried_again_whatever_its_code(peer: FacebookPeer) -> None:
    peer.refuse(12_345, 0, is_transient=True)
    assert isinstance(error_of(load(peer)), TemporaryError)


def test_a_rate_limit_says_until_when(peer: FacebookPeer) -> None:
    peer.fail("rate limit")
    error = error_of(load(peer))
    assert isinstance(error, TemporaryError)
    assert (error.retry_after, error.cause) == (60, "rate limit")


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ('{"1": [{"estimated_time_to_regain_access": 5}, {"estimated_time_to_regain_access": 19}]}', 1140),
        ('{"1": [{"estimated_time_to_regain_access": 900}]}', 3600),
        ('{"1": [{"call_count": 100}]}', None), ('{"call_count": 28}', None), ("x", None), ("", None), ("{}", None),
    ],
)  # fmt: skip
def test_the_minutes_until_we_may_call_again_are_told_within_an_hour(told: str, seconds: float | None) -> None:
    assert regained({"X-Business-Use-Case-Usage": told}) == seconds


def test_a_lacking_permission_is_named_by_the_test_too(peer: FacebookPeer) -> None:
    peer.lacks = {"tagged"}
    with pytest.raises(AuthError, match="pages_read_user_content"):
        load(peer).test()
    assert load(peer, mentions=False).test() == "Facebook lets us read the Page Port Alder."


# -- what is gone ------------------------------------------------------------------------------------------------------


def test_posts_and_comments_that_are_gone_are_found_among_those_we_hold(peer: FacebookPeer) -> None:
    held = [peer.post(f"crater {number}") for number in range(100)]
    held += [peer.comment(held[0], "Where?"), peer.comment(held[1], "Where?"), peer.tag("crater")]
    gone = [held[7], held[55], held[-3], held[-1]]
    for id in gone:
        peer.delete(id)
    found = [one for part in load(peer).vanished(iter(held), lambda seconds: False) for one in part]
    assert found == [Deleted(id) for id in gone]
    assert len(peer.asked) == 3, "in batches"


@pytest.mark.parametrize("edge", ["feed", "tagged"])
def test_a_token_that_sees_nothing_any_more_deletes_nothing(edge: str, peer: FacebookPeer) -> None:
    id = peer.post("A crater")
    peer.delete(id)
    peer.lacks = {edge}
    with pytest.raises(AuthError):
        list(load(peer).vanished(iter([id]), lambda seconds: False))


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        ({"code": 200, "body": '{"id": "1"}'}, False),
        ({"code": 400, "body": '{"error": {"code": 100, "error_subcode": 33}}'}, True),
        ({"code": 404, "body": '{"error": {"code": 803}}'}, True),
        ({"code": 400, "body": '{"error": {"code": 100}}'}, False),
        ({"code": 403, "body": '{"error": {"code": 10}}'}, False),
        ({"code": 500, "body": '{"error": {"code": 2}}'}, False),
        ({"code": 500, "body": "<html>"}, False),
        (None, False),
    ],
)
def test_only_what_they_say_is_not_there_is_gone(answer: Any, gone: bool, peer: FacebookPeer) -> None:
    id = peer.post("A crater")
    peer.batched[id] = answer
    assert list(load(peer).vanished(iter([id]), lambda seconds: False)) == [[Deleted(id)] if gone else []]


def test_looking_up_stops_when_it_is_told_to(peer: FacebookPeer) -> None:
    (part,) = load(peer).vanished(iter([str(number) for number in range(200)]), lambda seconds: True)
    assert len(part) == 48


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"page_id": "portalder"}, "page_id"), ({"version": "26"}, "version"), ({"version": "v26.0/../x"}, "version"),
        ({"server": "http://graph.example"}, "server"), ({"every": 1}, "every"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_named(settings: dict[str, Any], named: str, peer: FacebookPeer) -> None:
    with pytest.raises(ConfigError, match=f"`{named}`"):
        load(peer, **settings)


def test_groups_are_said_to_be_missing_and_where_to_put_them() -> None:
    terms = sources.capabilities("facebook").terms
    assert "Groups are not offered" in terms
    assert "Add a post" in terms


def test_a_permalink_holds_no_handle() -> None:
    assert sources.permalink("facebook", f"{PAGE_ID}_7") == f"https://www.facebook.com/{PAGE_ID}_7"


# -- a post ------------------------------------------------------------------------------------------------------------


def read(peer: FacebookPeer, text: str = "A crater", **fields: Any) -> Incoming:
    post = msgspec.convert(peer.feed[peer.post(text)] | fields, Post)
    return incoming(post, PAGE_ID, OURS)


def test_a_post_says_who_where_and_what(peer: FacebookPeer) -> None:
    link = {"media_type": "link", "unshimmed_url": "https://example.org/it", "title": "It", "description": "That"}
    album = {
        "media_type": "album",
        "subattachments": {"data": [{"media_type": "photo", "media": {"image": {"src": "https://cdn.example/1"}}}] * 2},
    }
    film = {"media_type": "video", "unshimmed_url": "https://www.facebook.com/ana.quarry/videos/1"}
    own = {"media_type": "link", "unshimmed_url": "https://www.facebook.com/ana.quarry"}
    post = read(
        peer,
        "A crater #Pothole, Ana Quarry and Port Alder! See https://example.org/other.",
        attachments={"data": [link, album, film, own]},
        message_tags=[
            {"id": "77", "name": "Ana Quarry", "type": "user", "offset": 18, "length": 10},
            {"id": PAGE_ID, "name": "Port Alder", "type": "page", "offset": 33, "length": 10},
            {"id": "8", "name": "#Pothole"},
        ],
        place={
            "id": "5",
            "name": "Elm Park",
            "location": {"latitude": 45.5, "longitude": -122.6, "city": "Port Alder"},
        },
    )
    detail = post.detail
    assert detail.author == Person(HANDLE[1:], "A Person", HANDLE[1:])
    assert detail.mentioned == ["77", OURS]
    assert detail.people == ["Ana Quarry"]
    assert detail.hashtags == ["Pothole"]
    assert detail.urls == ["https://example.org/other", "https://example.org/it"]
    assert detail.media == [Media("photo", "https://cdn.example/1")] * 2 + [Media("video")]
    assert (detail.place_name, detail.lat, detail.lon) == ("Elm Park", 45.5, -122.6)
    assert post.more.links == [
        Link(("https://example.org/other",)), Link(("https://example.org/it",), True, "It", "That")
    ]  # fmt: skip


@pytest.mark.parametrize(
    "rule",
    [
        "crater", "#pothole", f"@{OURS}", f"from:{HANDLE[1:]}", "crater has:links", 'url:"example.org"',
        "crater has:media", "crater -is:reply", 'bio_name:"a person"', "crater has:geo", "conversation_id:CONVERSATION",
        "crater point_radius:[-122.6 45.5 1km]", 'url_title:"closed road"',
    ],
)  # fmt: skip
def test_rules_about_what_a_post_tells_meet_it(rule: str, peer: FacebookPeer) -> None:
    link = {"media_type": "link", "unshimmed_url": "https://example.org/it", "title": "A closed road"}
    post = read(
        peer,
        "crater #Pothole",
        attachments={"data": [link, {"media_type": "photo"}]},
        message_tags=[{"id": PAGE_ID, "name": "Port Alder", "type": "page"}],
        place={"name": "Elm Park", "location": {"latitude": 45.5, "longitude": -122.6}},
        id="7001",
    )
    (met,) = rules.compile([(1, 1, rule.replace("CONVERSATION", "7001"))]).match([post], "local")
    assert [found.rule_id for found in met] == [1]


def test_no_name_is_left_once_the_people_of_a_post_are_hidden(peer: FacebookPeer) -> None:
    tag = {"id": "7788", "name": "Ana Quarry", "type": "user"}
    detail = read(peer, "Ana Quarry, look at this", message_tags=[tag]).detail
    hidden = Hiding((*detail.mentioned, *detail.people), frozenset()).hide("Ana Quarry, look at this")
    assert "Ana" not in hidden
    assert "look at this" in hidden


def test_a_place_may_be_a_word_and_an_author_may_be_missing(peer: FacebookPeer) -> None:
    post = read(peer, place={"name": "Elm Park", "location": "Port Alder"}, **{"from": None})
    assert (post.detail.place_name, post.detail.lat) == ("Elm Park", None)
    assert post.detail.author is None
    assert post.wrote("anybody") is None
    assert not post.detail.own


def test_a_shared_post_is_a_repost_and_with_words_a_quote(peer: FacebookPeer) -> None:
    assert read(peer, "", parent_id="9_1").detail.references == [Reference(Kind.REPOST, "9_1")]
    assert read(peer, "Look", parent_id="9_1").detail.references == [Reference(Kind.QUOTE, "9_1")]


def test_who_wrote_is_left_open_where_it_is_not_told() -> None:
    with facebook_peer(names=False) as peer, quickly(load(peer)) as reading:
        theirs, ours = peer.post("A crater"), peer.post("We repair it", OURS)
        reading.until(lambda: {theirs, ours} <= reading.ids)
    found = {post.source_id: post.detail for post in reading.posts}
    assert found[theirs].author is None
    assert not found[theirs].own
    assert found[ours].own
