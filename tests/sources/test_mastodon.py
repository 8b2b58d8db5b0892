"""Mastodon, over a real server on loopback: streamed, and page by page where there are no streams."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import config, rules, sources
from connector.errors import AuthError, ConfigError, SpentError, TemporaryError
from connector.incoming import NOBODY, Deleted, Edited, Incoming, Kind, Link, Media, Person, Reference, Refused
from connector.sealing import Hiding
from connector.sources import Budget, Source
from connector.sources._http import LONGEST_LINE
from connector.sources.mastodon.plain import plain
from connector.sources.mastodon.post import Status, incoming
from connector.sources.mastodon.stream import _events
from tests.contracts import HANDLE, SECRET, assert_tells_nothing
from tests.peers.mastodon import MastodonPeer, as_html, mastodon_peer
from tests.servers import Says, http_server
from tests.source_contract import OURS, Reading, SourceContract


class TestStreamed(SourceContract):
    kind = "mastodon"
    shrink = 0.002

    @pytest.fixture
    def peer(self) -> Iterator[MastodonPeer]:
        with mastodon_peer() as peer:
            yield peer


class TestPolled(SourceContract):
    """Where streaming is refused: what of the contract depends on it."""

    kind = "mastodon"
    shrink = 0.002
    test_every_setting_is_explained_and_secrets_are_kept = None
    test_an_unknown_setting_is_a_typo = None
    test_abilities_are_as_declared = None
    test_a_spooled_post_is_the_same_post = None
    test_the_test_says_a_sentence_or_why_not = None

    @pytest.fixture
    def peer(self) -> Iterator[MastodonPeer]:
        with mastodon_peer(streams=False) as peer:
            yield peer


@pytest.fixture
def peer() -> Iterator[MastodonPeer]:
    with mastodon_peer() as peer:
        yield peer


@pytest.fixture
def polled() -> Iterator[MastodonPeer]:
    with mastodon_peer(streams=False) as peer:
        yield peer


def load(peer: MastodonPeer | None = None, settings: dict[str, Any] | None = None, **more: Any) -> Source:
    adapter = config.Adapter(kind="mastodon", **(peer.settings if peer else {}) | (settings or {}) | more)
    return sources.load("way-in", adapter, config.Config(city=config.City(name="Port Alder", accounts=[OURS])))


def quickly(source: Source, cursor: str = "") -> Reading:
    return Reading(source, cursor, shrink=0.002)


def looks(peer: MastodonPeer, path: str = "/api/v1/timelines/public") -> int:
    return sum(asked == path and query.get("limit") != ["1"] for asked, query, _ in peer.asked)


def streamed(reading: Reading, peer: MastodonPeer, number: int = 1) -> None:
    """Wait until streams are open and what was there before has been read."""
    reading.until(lambda: len(peer.listening) == number and bool(reading.batches))


# -- what is read ------------------------------------------------------------------------------------------------------


def test_streams_bring_posts_without_a_further_look(peer: MastodonPeer) -> None:
    with quickly(load(peer)) as reading:
        streamed(reading, peer)
        before = looks(peer)
        written = {peer.post(f"crater {number}") for number in range(30)}
        reading.until(lambda: written <= reading.ids)
        assert looks(peer) == before


def test_what_is_written_while_a_stream_opens_is_not_missed(peer: MastodonPeer) -> None:
    early = {peer.post(f"crater {number}") for number in range(50)}
    with quickly(load(peer)) as reading:
        while len(reading.ids) < 200 and not reading.broke:
            early.add(peer.post("another crater"))
            time.sleep(0.002)
        reading.until(lambda: early <= reading.ids)
    assert len(reading.posts) == len(reading.ids), "what the stream told was not read once more"


def test_timelines_are_streamed_and_read_each_from_its_own_place(peer: MastodonPeer) -> None:
    source = load(peer, timelines=["public:remote", "hashtag:Pothole", "mentions"])
    with quickly(source) as reading:
        streamed(reading, peer, 3)
        tagged = peer.post("Look at this #pothole")
        mention = peer.post(f"@{OURS} look at this")
        both = peer.post(f"@{OURS} another #pothole")
        peer.post("of no interest")
        reading.until(lambda: {tagged, mention, both} <= reading.ids)
        newest = {"hashtag:Pothole": both, "mentions": peer.notifications[-1]["id"]}
        reading.until(lambda: json.loads(reading.cursor) == newest)
    assert len(reading.posts) == 3, "a post of two timelines comes once"
    later = peer.post(f"@{OURS} and while nobody read")
    with quickly(load(peer, timelines=["mentions"]), reading.cursor) as again:
        again.until(lambda: later in again.ids)
    assert again.ids == {later}


def test_a_hashtag_that_nobody_has_used_yet_is_no_fault(polled: MastodonPeer) -> None:
    with quickly(load(polled, timelines=["hashtag:pothole"])) as reading:
        reading.until(lambda: looks(polled, "/api/v1/timelines/tag/pothole") > 2)
        id = polled.post("A #Pothole")
        reading.until(lambda: id in reading.ids)
    assert not reading.errors


def test_a_timeline_that_was_taken_out_for_a_while_is_read_as_a_new_one(polled: MastodonPeer) -> None:
    cursor = '{"hashtag:pothole": "1", "public:local": ""}'
    with quickly(load(polled), cursor) as reading:
        reading.until(lambda: bool(reading.batches))
    assert "hashtag" not in reading.cursor


def test_one_timeline_without_stream_is_looked_at_while_others_are_streamed(peer: MastodonPeer) -> None:
    peer.refused.add("mentions")
    source = load(peer, timelines=["public:local", "mentions"])
    source.settings = source.settings.model_copy(update={"every": 0.5})
    with quickly(source) as reading:
        streamed(reading, peer)
        mention = peer.post(f"@{OURS} look", visibility="unlisted")
        assert mention not in reading.ids
        reading.until(lambda: mention in reading.ids, 8)
        assert peer.listening == ["public:local"]


def test_a_refused_stream_is_not_asked_for_again_and_again(polled: MastodonPeer) -> None:
    with quickly(load(polled)) as reading:
        reading.until(lambda: looks(polled) > 4)
    assert looks(polled, "/api/v1/streaming/public/local") == 1
    assert not reading.errors


def test_streaming_can_be_switched_off(peer: MastodonPeer) -> None:
    with quickly(load(peer, streaming=False)) as reading:
        reading.until(lambda: looks(peer) > 3)
    assert looks(peer, "/api/v1/streaming/public/local") == 0


def test_streams_are_taken_from_the_host_that_the_server_names(peer: MastodonPeer) -> None:
    with mastodon_peer() as other:
        peer.elsewhere = other.url.replace("http://", "ws://")
        with quickly(load(peer)) as reading:
            streamed(reading, other)
            id = other.post("A crater")
            reading.until(lambda: id in reading.ids)


@pytest.mark.parametrize("named", ["ws://streams.example", "http://streams.example", "nonsense", "wss://", "file:///x"])
def test_a_host_for_streams_where_the_token_could_be_overheard_is_not_used(named: str, peer: MastodonPeer) -> None:
    peer.elsewhere = named
    with quickly(load(peer)) as reading:
        streamed(reading, peer)


def test_nothing_that_was_read_comes_again_at_the_next_look(polled: MastodonPeer) -> None:
    written = {polled.post(f"crater {number}") for number in range(100)}
    with quickly(load(polled)) as reading:
        reading.until(lambda: written <= reading.ids and looks(polled) > 8)
    assert len(reading.posts) == len(written)


def test_a_post_of_another_server_that_arrives_late_is_still_found(polled: MastodonPeer) -> None:
    with quickly(load(polled)) as reading:
        early, now = polled.post("A crater"), polled.post("Another crater")
        reading.until(lambda: now in reading.ids)
    late = str(int(early) - (120_000 << 16))  # written two minutes before, federated only now
    polled.statuses[late] = polled.statuses[early] | {"id": late}
    with quickly(load(polled), reading.cursor) as again:
        again.until(lambda: late in again.ids)


def test_a_page_that_is_not_full_is_not_the_last(polled: MastodonPeer) -> None:
    polled.hides = True  # every second post, as a server does that filters what it found
    written = [polled.post(f"crater {number}") for number in range(200)]
    with quickly(load(polled)) as reading:
        reading.until(lambda: set(written[::2]) <= reading.ids)


def test_an_edit_is_seen_without_streams_too_once(polled: MastodonPeer) -> None:
    id = polled.post("A crater")
    with quickly(load(polled)) as reading:
        reading.until(lambda: id in reading.ids)
        polled.edit(id, "No crater")
        reading.until(lambda: len(reading.posts) > 1)
        before = looks(polled)
        reading.until(lambda: looks(polled) > before + 3)
    assert isinstance(reading.events[-1], Edited)
    assert [post.text for post in reading.posts] == ["A crater", "No crater"]


def test_the_first_reading_goes_back_as_far_as_it_is_told(polled: MastodonPeer) -> None:
    old, young = polled.post("An old crater"), polled.post("A young crater")
    ancient = str(int(old) - (3 * 86_400_000 << 16))
    polled.statuses = {ancient: polled.statuses[old] | {"id": ancient}, young: polled.statuses[young]}
    with quickly(load(polled, days=2)) as reading:
        reading.until(lambda: young in reading.ids)
    assert reading.ids == {young}


def test_a_server_whose_ids_tell_no_time_is_read_from_the_same_day_on(polled: MastodonPeer) -> None:
    polled.tells_time = False
    old = [polled.post(f"crater {number}", created_at="2020-01-01T00:00:00.000Z") for number in range(60)]
    young = {polled.post(f"crater {number}") for number in range(130)}
    with quickly(load(polled)) as reading:
        reading.until(lambda: young <= reading.ids)
        later = {polled.post(f"crater {number}") for number in range(90)}
        reading.until(lambda: later <= reading.ids)
    assert not set(old) & reading.ids
    assert len(reading.posts) == 220


def test_a_server_whose_ids_tell_no_time_may_be_young(polled: MastodonPeer) -> None:
    polled.tells_time = False
    with quickly(load(polled, timelines=["public:local", "mentions"])) as reading:
        reading.until(lambda: looks(polled) > 2)
        written = {polled.post(f"@{OURS} crater {number}") for number in range(90)}
        reading.until(lambda: written <= reading.ids)


@pytest.mark.parametrize("cursor", ["nonsense", "[]", '{"public:local": 7}', '{"public:local": ""}', "1:0"])
def test_a_cursor_of_something_else_is_a_first_reading(cursor: str, polled: MastodonPeer) -> None:
    id = polled.post("A crater")
    with quickly(load(polled), cursor) as reading:
        reading.until(lambda: id in reading.ids)


def test_what_was_not_taken_comes_again(peer: MastodonPeer) -> None:
    """The collector may fail to store a batch: then it goes on from the cursor before it, with the same source."""
    source = load(peer)
    id = peer.post("A crater")
    for _ in range(2):
        batches = source.events("", lambda seconds: False)
        assert any(isinstance(event.post, Incoming) and event.post.source_id == id for event in next(batches).events)
        batches.close()


# -- what is not for us ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("visibility", ["private", "direct", "", "limited"])
@pytest.mark.parametrize("streams", [True, False])
def test_a_message_to_us_is_counted_and_nothing_of_it_is_read(visibility: str, streams: bool) -> None:
    with mastodon_peer(streams=streams) as peer, quickly(load(peer, timelines=["mentions"])) as reading:
        reading.until(lambda: bool(reading.batches) and (not streams or bool(peer.listening)))
        peer.post(f"@{OURS} my neighbour drinks", visibility=visibility)
        public = peer.post(f"@{OURS} a crater", visibility="unlisted")
        reading.until(lambda: public in reading.ids)
    assert reading.ids == {public}
    assert [event for event in reading.events if isinstance(event, Refused)] == [
        Refused("not public: only some may read it")
    ]


@pytest.mark.parametrize(
    "raw",
    [
        b"event: update\ndata: undefined\n\n", b"event: filters_changed\ndata: undefined\n\n", b"\n\n\n", b"data\n\n",
        b'event: announcement\ndata: {"id": "1"}\n\n', b"event: update\ndata: []\n\n", b":thump\n",
        b'event: conversation\ndata: {"id": "1"}\n\n', b"event: \xff\xfe\ndata: \xff\n\n", b"retry: 5\nid: 7\n",
        b'event: update\ndata: {"id": "\xff"}\n\n', b"event: update\ndata: " + b"[" * 100_000 + b"\n\n",
    ],
)  # fmt: skip
def test_whatever_a_stream_says_the_next_post_comes(raw: bytes, peer: MastodonPeer) -> None:
    with quickly(load(peer)) as reading:
        streamed(reading, peer)
        peer.say("public:local", raw)
        id = peer.post("A crater")
        reading.until(lambda: id in reading.ids)
    assert not reading.errors
    assert not [event for event in reading.events if isinstance(event, Refused)]


def test_a_post_that_a_stream_spoils_is_read_from_its_timeline(peer: MastodonPeer) -> None:
    with quickly(load(peer)) as reading:
        streamed(reading, peer)
        peer.spoils = True
        id = peer.post("A crater")
        reading.until(lambda: id in reading.ids)
    assert not reading.errors


def test_an_event_without_end_is_not_kept() -> None:
    lines = chain([b"event: update"], repeat(b"data: " + b"x" * 100_000, 100), [b""])
    ((event, data),) = _events(lines)
    assert event == "update"
    assert len(data) < 2 * LONGEST_LINE


def test_one_post_that_cannot_be_read_does_not_hide_the_others(polled: MastodonPeer) -> None:
    first, last = polled.post("A crater"), ""
    broken = polled.post("Another crater")
    del polled.statuses[broken]["account"]
    last = polled.post("A third crater")
    with quickly(load(polled)) as reading:
        reading.until(lambda: {first, last} <= reading.ids and looks(polled) > 4)
    assert [event for event in reading.events if isinstance(event, Refused)] == [Refused("a post that cannot be read")]


# -- limits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("streams", [True, False])
def test_a_monthly_limit_stops_reading_before_it_is_passed_and_skips_nothing(streams: bool) -> None:
    with mastodon_peer(streams=streams) as peer:
        source = load(peer)
        source.budget = Budget(15)
        with quickly(source) as reading:
            reading.until(lambda: bool(reading.batches) and (not streams or bool(peer.listening)))
            written = [peer.post(f"crater {number}") for number in range(40)]
            reading.until(lambda: bool(reading.errors))
            assert isinstance(reading.errors[0], SpentError)
            assert len(reading.posts) <= 15
            source.budget.renew(500)
            reading.until(lambda: set(written) <= reading.ids)


def test_what_a_stream_told_beyond_the_limit_is_read_when_there_is_a_new_one(peer: MastodonPeer) -> None:
    source, until = load(peer), time.monotonic() + 5
    source.budget = Budget(15)
    batches = source.events("", lambda seconds: time.monotonic() > until)
    taken = [next(batches)]
    written = [peer.post(f"crater {number}") for number in range(40)]
    time.sleep(0.3)  # until the stream has told them all
    with pytest.raises(SpentError):
        taken.extend(batches)
    assert sum(len(batch.events) for batch in taken) == 15
    source.budget.renew(500)
    with quickly(source, taken[-1].cursor) as reading:
        reading.until(lambda: set(written[15:]) <= reading.ids)


@pytest.mark.parametrize("streams", [True, False])
def test_posts_known_already_do_not_count_against_the_limit(streams: bool) -> None:
    with mastodon_peer(streams=streams) as peer:
        source = load(peer)
        source.budget = Budget(12)
        written = {peer.post(f"crater {number}") for number in range(10)}
        with quickly(source) as reading:
            reading.until(lambda: written <= reading.ids and (streams or looks(peer) > 8))
            peer.delete(next(iter(written)))
            last = peer.post("A crater")
            reading.until(lambda: last in reading.ids)
        assert not reading.errors


def test_a_look_that_failed_does_not_count_against_the_limit(polled: MastodonPeer) -> None:
    source = load(polled, every=10)
    source.budget = Budget(100)
    polled.post("A crater")
    batches = source.events("", lambda seconds: False)
    assert [len(next(batches).events), len(next(batches).events)] == [1, 0]
    polled.fail("unavailable")
    with pytest.raises(TemporaryError):
        next(batches)
    assert source.budget.take(1000) == 99


def test_it_stops_while_a_server_keeps_it_waiting() -> None:
    with http_server() as server:
        server.then(Says(how="silence"))
        reading = quickly(load(settings={"server": server.url, "access_token": SECRET})).__enter__()
        reading.until(lambda: bool(server.asked))
        assert reading.stop() < 2
    assert not reading.errors


def test_it_stops_while_it_looks_for_its_beginning(polled: MastodonPeer) -> None:
    polled.tells_time = False
    for number in range(200):
        polled.post(f"crater {number}")
    assert not list(load(polled).events("", lambda seconds: looks(polled) > 1))
    assert looks(polled) == 2


def test_a_rate_limit_says_until_when(polled: MastodonPeer) -> None:
    polled.fail("rate limit")
    with pytest.raises(TemporaryError) as caught:
        next(load(polled).events("", lambda seconds: False))
    assert caught.value.cause == "rate limit"
    assert 0 < (caught.value.retry_after or 0) <= 2


# -- what is gone ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bulk", [True, False])
def test_posts_that_are_gone_are_found_among_those_we_hold(bulk: bool) -> None:
    with mastodon_peer(bulk=bulk) as peer:
        held = [peer.post(f"crater {number}") for number in range(45)]
        for id in held[::9]:
            peer.delete(id)
        found = [gone for part in load(peer).vanished(iter(held), lambda seconds: False) for gone in part]
        assert found == [Deleted(id) for id in held[::9]]
        asked = [query for path, query, _ in peer.asked if path == "/api/v1/statuses"]
        assert len(asked) == 3


@pytest.mark.parametrize("bulk", [True, False])
@pytest.mark.parametrize("fault", ["refuse", "unavailable", "broken", "rate limit"])
def test_a_failed_look_up_deletes_nothing(fault: str, bulk: bool) -> None:
    with mastodon_peer(bulk=bulk) as peer:
        id = peer.post("A crater")
        if fault == "refuse":
            peer.refuse()
        else:
            peer.fail(fault)
        with pytest.raises(AuthError if fault == "refuse" else TemporaryError) as caught:
            list(load(peer).vanished(iter([id]), lambda seconds: False))
        assert_tells_nothing(caught.value)


def test_a_server_that_finds_nothing_at_all_deletes_nothing() -> None:
    with http_server() as server:
        server.then(Says(404, b"<html><h1>Not Found</h1></html>"))
        source = load(settings={"server": server.url, "access_token": SECRET})
        with pytest.raises(TemporaryError):
            list(source.vanished(iter(["1"]), lambda seconds: False))


@pytest.mark.parametrize("fault", ["unavailable", "rate limit", "error"])
def test_a_look_up_that_fails_in_between_deletes_nothing(fault: str) -> None:
    with mastodon_peer(bulk=False) as peer:
        held = [peer.post("A crater"), peer.post("Another crater")]

        def spoil(seconds: float) -> bool:
            peer.fail(fault)
            return False

        found: list[Any] = []
        with pytest.raises(TemporaryError):
            found.extend(load(peer).vanished(iter(held), spoil))
        assert found == []


@pytest.mark.parametrize("bulk", [True, False])
def test_looking_up_stops_when_it_is_told_to(bulk: bool) -> None:
    with mastodon_peer(bulk=bulk) as peer:
        gone = [str(number) for number in range(100)]
        (part,) = load(peer).vanished(iter(gone), lambda seconds: True)
        assert len(part) == (20 if bulk else 1)


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"server": "http://social.example"}, "server"),
        ({"timelines": ["home"]}, "timelines"),
        ({"timelines": ["hashtag:a/../b"]}, "timelines"),
        ({"timelines": []}, "timelines"),
        ({"days": 0}, "days"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], named: str, peer: MastodonPeer) -> None:
    with pytest.raises(ConfigError, match=f"`{named}"):
        load(peer, settings)


def test_the_test_asks_for_every_timeline_and_names_the_server(peer: MastodonPeer) -> None:
    assert load(peer, timelines=["public", "mentions"]).test() == "127.0.0.1 lets us read 2 timelines."
    assert [path for path, _, _ in peer.asked] == ["/api/v1/timelines/public", "/api/v1/notifications"]


def test_the_link_of_a_post_leads_to_the_server_and_holds_no_handle(peer: MastodonPeer) -> None:
    with quickly(load(peer)) as reading:
        id = peer.post("A crater")
        reading.until(lambda: id in reading.ids)
    link = reading.posts[0].detail.link
    assert link == f"{peer.url}/web/statuses/{id}"
    assert Hiding([HANDLE[1:]], frozenset()).hide(link) == link


# -- a post ------------------------------------------------------------------------------------------------------------


def read(peer: MastodonPeer, id: str, **fields: Any) -> Incoming:
    status = msgspec.convert(peer.statuses[id] | fields, Status)
    return incoming(status, status.created_at, peer.url, "1")


def test_a_post_says_who_where_and_what(peer: MastodonPeer) -> None:
    id = peer.post(
        f"A crater #Pothole near @{OURS}, see https://example.org/long/path/to/it @kim@far.example",
        "lea@far.example",
        spoiler_text="Streets",
        language="de",
        media_attachments=[
            {"id": "1", "type": "image", "url": "https://files.example/1.jpg", "description": "A hole"},
            {"id": "2", "type": "gifv", "url": None, "description": None},
        ],
        poll={"id": "3", "options": [{"title": "Fix it", "votes_count": 1}, {"title": "Leave it"}]},
        card={"url": "https://example.org/long/path/to/it", "title": "It", "description": "That", "type": "link"},
    )
    post = read(peer, id)
    detail, more = post.detail, post.more
    assert post.text == (
        f"Streets\n\nA crater #Pothole near @{OURS}, see https://example.org/long/path/to/it @kim@far.example"
        "\n\n- Fix it\n- Leave it"
    ).replace("@kim@far.example", "@kim")
    assert post.lang == "de"
    assert detail.author == Person("lea@far.example", "A Person", peer.account("lea@far.example")["id"])
    assert detail.mentioned == [OURS, "kim@far.example"]
    assert detail.hashtags == ["pothole"]
    assert detail.urls == ["https://example.org/long/path/to/it"]
    assert detail.media == [Media("photo", "https://files.example/1.jpg", "A hole"), Media("animated_gif")]
    assert more.links == [Link(("https://example.org/long/path/to/it",), True, "It", "That")]
    assert (more.followers, more.following, more.posts, more.app) == (7, 8, 9, "Web")
    assert more.answered == more.repeated == NOBODY


@pytest.mark.parametrize(
    "rule",
    [
        "crater", "#pothole", f"@{OURS}", "from:lea", "to:lea", "crater has:links", "crater is:reply",
        'url:"example.org"', "crater lang:en", "crater min_followers:7", "crater min_likes:3", "crater has:media",
        'source:"Web"', "in_reply_to_tweet_id:77", 'url_title:"closed road"', 'bio_name:"a person"',
    ],
)  # fmt: skip
def test_rules_about_what_a_post_tells_meet_it(rule: str, peer: MastodonPeer) -> None:
    id = peer.post(f"@{OURS} crater #Pothole https://example.org/it", "lea")
    card = {"url": "https://example.org/it", "title": "A closed road"}
    answers = {"in_reply_to_id": "77", "in_reply_to_account_id": peer.account("lea")["id"]}
    post = read(peer, id, card=card, favourites_count=3, media_attachments=[{"type": "image"}], **answers)
    (met,) = rules.compile([(1, 1, rule)]).match([post], "local")
    assert [found.rule_id for found in met] == [1]


def test_no_handle_is_left_once_the_people_of_a_post_are_hidden(peer: MastodonPeer) -> None:
    first = peer.post("A crater, says @kim@far.example", "lea@far.example")
    again = read(peer, peer.post("", "max", repeats=first))
    people = (again.detail.author.handle if again.detail.author else "", *again.detail.mentioned, *again.detail.people)
    assert set(people) == {"max", "kim@far.example", "lea@far.example"}
    hidden = Hiding(people, frozenset()).hide(f"{again.text} {peer.statuses[first]['url']} kim@far.example")
    assert not any(name in hidden for name in ("kim", "lea"))


def test_an_answer_a_quote_and_a_repost_name_the_other_post(peer: MastodonPeer) -> None:
    first = peer.post("A crater", "lea")
    lea = peer.statuses[first]["account"]["id"]
    answer = read(peer, first, in_reply_to_id="7", in_reply_to_account_id=lea)
    assert answer.detail.kind is Kind.REPLY
    assert answer.more.answered == Person("lea", "", lea)
    assert read(peer, first, in_reply_to_id="7", in_reply_to_account_id="999").more.answered == Person("", "", "999")
    quote = {"state": "accepted", "quoted_status": peer.statuses[first]}
    quoting = read(peer, peer.post("Look"), quote=quote).detail
    assert (quoting.kind, quoting.quoted_text, quoting.people) == (Kind.QUOTE, "A crater", [HANDLE[1:], "lea"])
    assert quoting.references == [Reference(Kind.QUOTE, first)]
    both = read(peer, peer.post("Look"), quote=quote, in_reply_to_id="7").detail
    assert (both.kind, len(both.references)) == (Kind.REPLY, 2)
    hidden = read(peer, peer.post("Look"), quote=quote | {"state": "revoked"}).detail
    assert hidden.quoted_text == ""
    private = quote | {"quoted_status": peer.statuses[first] | {"visibility": "private"}}
    assert read(peer, peer.post("Look"), quote=private).detail.quoted_text == ""
    repost = read(peer, peer.post("", "max", repeats=first))
    assert (repost.text, repost.detail.references) == ("A crater", [Reference(Kind.REPOST, first)])
    assert repost.more.repeated == Person("lea", "", lea)


def test_our_own_account_is_known_by_its_id(peer: MastodonPeer) -> None:
    with quickly(load(peer)) as reading:
        ours = peer.post("We fix it", OURS)
        reading.until(lambda: ours in reading.ids)
    assert reading.posts[0].detail.own


# -- its text ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "text", "links"),
    [
        ("<p>one</p><p>two<br>three<br />four</p>", "one\n\ntwo\nthree\nfour", []),
        ("<p>a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;</p>", "a <b> & \"c\" 'd'", []),
        ("<p>one\ntwo</p>\n<p>three</p>", "one two\n\nthree", []),
        ("<ul><li>one</li><li>two</li></ul>after", "- one\n\n- two\n\nafter", []),
        ("<blockquote><p>q</p></blockquote><p>a</p>", "q\n\na", []),
        ("<script>alert(1)</script><style>p{}</style><p>x</p>", "x", []),
        ('<a href="javascript:alert(1)">x</a>', "x", []),
        ('<p class="quote-inline">RE: <a href="https://a.example/1">x</a><br><img src="y"></p><p>own</p>', "own", []),
        ('<a href="https://a.example/1" class="mention hashtag">#<span>tag</span></a>', "#tag", []),
        ("<p>never closed <b>bold", "never closed bold", []),
        ("x</p></div></script>y", "x\n\n\ny".replace("\n\n\n", "\n\n"), []),
        ('<a href="https://a.example/1">here</a> <a href="https://a.example/1">again</a>', "here again",
         ["https://a.example/1"]),
        (as_html("see https://example.org/a/long/path?x=1 now"), "see https://example.org/a/long/path?x=1 now",
         ["https://example.org/a/long/path?x=1"]),
        ('<img class="quote-inline">own', "own", []),
        ("a\0b", "a\ufffdb", []),
        ("", "", []),
    ],
)  # fmt: skip
def test_html_becomes_the_text_that_is_seen(written: str, text: str, links: Sequence[str]) -> None:
    assert plain(written) == (text, links)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], exclude_characters="\xa0")))
def test_what_was_escaped_comes_back_as_it_was_typed(typed: str) -> None:
    assert plain(f"<p>{html.escape(typed)}</p>")[0] == typed.strip()


PIECES = [
    "<p>", "</p>", "<br>", "<a href='https://x.example'", ">", "</a>", "<script>", "a ", "&lt;b&gt;", "<", "<!--",
    "-->", "<?x",
    "<![CDATA[", "]]>", "<li>", "\n", "&#0;",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES)))
def test_no_html_breaks_it(pieces: list[str]) -> None:
    text, links = plain("".join(pieces))
    assert text == text.strip()
    assert "\n\n\n" not in text
    assert set(links) <= {"https://x.example"}
