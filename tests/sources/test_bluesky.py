"""Bluesky over a small network on loopback: by Jetstream, by the firehose, and mentions alone."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest

from connector import config, sources
from connector.errors import AuthError, ConfigError, SpentError, TemporaryError
from connector.incoming import Arrived, Batch, Deleted, Edited, Missed, Person, Refused
from connector.models import GapCause
from connector.sources import Budget, Source
from connector.sources.bluesky import people, stream
from connector.sources.bluesky.calls import Xrpc
from connector.sources.bluesky.people import People
from tests.contracts import SECRET, assert_tells_nothing
from tests.peers.bluesky import MentionsPeer, Network, StreamPeer, did_of, id_of, network, tid
from tests.servers import Says, free_port, http_server
from tests.source_contract import OURS, Reading, SourceContract

HOUR = 3_600_000_000
"""Microseconds."""


@pytest.fixture
def there() -> Iterator[Network]:
    with network() as one:
        yield one


class Everything(SourceContract):
    kind = "bluesky"
    way = ""

    @pytest.fixture
    def peer(self, there: Network) -> StreamPeer:
        return StreamPeer(there, self.way)

    def is_ready(self, reading: Reading) -> bool:
        """What was written before it was first connected is not asked for."""
        return bool(reading.batches)


class TestByJetstream(Everything):
    way = "jetstream"


class TestByTheFirehose(Everything):
    way = "firehose"


class TestMentionsAlone(SourceContract):
    kind = "bluesky"

    @pytest.fixture
    def peer(self, there: Network) -> MentionsPeer:
        return MentionsPeer(there)


def loaded(settings: dict[str, Any], *accounts: str) -> Source:
    adapter = config.Adapter(kind="bluesky", **settings)
    city = config.City(name="Port Alder", accounts=list(accounts))
    return sources.load("sky", adapter, config.Config(city=city, sources={"sky": adapter}))


def by(there: Network, way: str) -> tuple[StreamPeer, Source]:
    peer = StreamPeer(there, way)
    return peer, loaded(peer.settings, OURS)


def reading(source: Source, cursor: str = "") -> Reading:
    return Reading(source, cursor, shrink=0.01)


def read_until_last(peer: StreamPeer, source: Source, cursor: str) -> Reading:
    with reading(source, cursor) as one:
        one.until(lambda: bool(one.batches))
        last = peer.post("the last crater")
        one.until(lambda: last in one.ids)
    return one


def cursor_after(peer: StreamPeer, source: Source, words: str) -> str:
    with reading(source) as one:
        one.until(lambda: bool(one.batches))
        id = peer.post(words)
        one.until(lambda: id in one.ids)
    return one.cursor


WAYS = pytest.mark.parametrize("way", ["jetstream", "older", "firehose"])


# -- going on ----------------------------------------------------------------------------------------------------------


@WAYS
def test_what_was_written_changed_and_deleted_meanwhile_is_told(there: Network, way: str) -> None:
    peer, source = by(there, way)
    first = peer.post("a crater before anybody read")
    cursor = cursor_after(peer, source, "a crater")
    old, kept = peer.post("an old crater"), peer.post("a crater")
    peer.edit(kept, "a big crater")
    peer.delete(old)
    again = read_until_last(peer, source, cursor)
    assert {old, kept} <= again.ids
    assert first not in again.ids
    assert "a big crater" in [event.post.text for event in again.events if isinstance(event, Edited)]
    assert Deleted(old) in again.events
    assert not [event for event in again.events if isinstance(event, Missed)]


@WAYS
def test_what_is_not_kept_any_longer_is_said_to_be_lost(there: Network, way: str) -> None:
    peer, source = by(there, way)
    begun = peer.post("a crater")
    days_ago = time.time_ns() // 1000 - 48 * HOUR
    there.log[0].at = days_ago
    peer.post("a crater that they forget")
    there.floor = 2
    kept = peer.post("a crater that they keep")
    host = there.relay.removeprefix("ws://")
    again = read_until_last(peer, source, f"{source.settings.stream} {host} 1 {days_ago}")
    (gap,) = [event for event in again.events if isinstance(event, Missed)]
    assert gap.lost
    assert gap.cause is GapCause.DOWN
    assert abs(gap.from_at - (datetime.now(UTC) - timedelta(hours=48))) < timedelta(minutes=1)
    assert abs(gap.to_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert kept in again.ids
    assert begun not in again.ids


@pytest.mark.parametrize("way", ["jetstream", "firehose"])
def test_half_a_minute_that_is_not_kept_is_said_to_be_lost_too(there: Network, way: str) -> None:
    peer, source = by(there, way)
    now = time.time_ns() // 1000
    for _ in range(3):
        peer.post("a crater")
    for entry, seconds in zip(there.log, (60, 50, 30), strict=True):
        entry.at = now - seconds * 1_000_000
    there.floor = 2
    host = there.relay.removeprefix("ws://")
    again = read_until_last(peer, source, f"{way} {host} 1 {now - 60_000_000 + 1}")
    (gap,) = [event for event in again.events if isinstance(event, Missed)]
    assert round((gap.to_at - gap.from_at).total_seconds()) == 30


def test_the_number_of_another_server_is_not_taken_for_ours(there: Network) -> None:
    """A server that was set up anew counts from the beginning: all that it has is read, and nothing is passed over."""
    peer, source = by(there, "firehose")
    peer.post("a crater of long ago")
    there.log[0].at -= 2 * HOUR
    fresh = peer.post("a fresh crater")
    host = there.relay.removeprefix("ws://")
    again = read_until_last(peer, source, f"firehose {host} 4711 {time.time_ns() // 1000 - HOUR}")
    assert fresh in again.ids
    assert "a crater of long ago" not in [post.text for post in again.posts]


@pytest.mark.parametrize(("before", "after"), [("jetstream", "firehose"), ("firehose", "jetstream")])
def test_a_cursor_leads_on_by_its_time_where_the_stream_is_another(there: Network, before: str, after: str) -> None:
    first, one = by(there, before)
    cursor = cursor_after(first, one, "a crater")
    between = first.post("a crater meanwhile")
    second, other = by(there, after)
    assert between in read_until_last(second, other, cursor).ids


def test_what_is_kept_is_not_said_to_be_lost_for_a_server_that_keeps_not_all(there: Network) -> None:
    """Asked for all that it has, it says that there was more; but it has all since we were there."""
    peer, source = by(there, "firehose")
    for number in range(3):
        peer.post(f"crater {number}")
    there.log[1].at -= 2 * HOUR
    there.floor = 1
    host = there.relay.removeprefix("ws://")
    again = read_until_last(peer, source, f"firehose {host} 0 {time.time_ns() // 1000 - HOUR}")
    assert [type(event) for event in again.events] == [Arrived, Arrived]


def test_a_quiet_network_is_not_read_from_its_beginning(there: Network) -> None:
    """Nothing came yet, so there is no number: the worker that follows must not lose what came next."""
    peer, source = by(there, "firehose")
    peer.post("a crater of long ago")
    there.log[0].at -= 2 * HOUR
    with reading(source) as one:
        one.until(lambda: bool(one.batches))
    between = peer.post("a crater meanwhile")
    again = read_until_last(peer, source, one.cursor)
    assert between in again.ids
    assert "a crater of long ago" not in [post.text for post in again.posts]


@pytest.mark.parametrize("way", ["jetstream", "firehose"])
def test_who_is_kept_busy_gets_everything_later(there: Network, way: str) -> None:
    """The other side waits: what was sent stands in the connection."""
    peer, source = by(there, way)
    batches = source.events("", lambda _: False)
    next(batches)
    written = {peer.post(f"crater {number} " + "on Elm St " * 20) for number in range(3000)}
    time.sleep(0.5)
    seen: set[str] = set()
    while not written <= seen:
        seen |= {event.post.source_id for event in next(batches).events if isinstance(event, Arrived)}
    batches.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("way", ["jetstream", "firehose"])
def test_who_reads_too_slowly_is_told_so_and_loses_nothing(there: Network, way: str) -> None:
    peer, source = by(there, way)
    with reading(source) as one:
        one.until(lambda: bool(one.batches))
        early = peer.post("a crater")
        there.cut("ConsumerTooSlow")
        late = peer.post("another crater")
        one.until(lambda: {early, late} <= one.ids)
    (error,) = one.errors
    assert isinstance(error, TemporaryError)
    assert error.cause == GapCause.BACK_PRESSURE


def test_connecting_again_takes_longer_each_time_but_not_long() -> None:
    source = loaded({"relay": f"ws://127.0.0.1:{free_port()}"})
    waits = []
    for _ in range(7):
        with pytest.raises(TemporaryError) as caught:
            next(source.events("", lambda _: False))
        waits.append(caught.value.retry_after)
    assert waits == [1, 2, 4, 8, 15, 15, 15]


def test_a_server_that_always_cuts_off_is_not_hurried(there: Network) -> None:
    peer, source = by(there, "firehose")
    with reading(source) as one:
        for number in range(1, 4):
            one.until(lambda number=number: len(one.batches) >= number)  # type: ignore[misc]
            there.cut("Unwell")
            one.until(lambda number=number: len(one.errors) == number)  # type: ignore[misc]
        well = peer.post("a crater")
        one.until(lambda: well in one.ids)
        there.cut("Unwell")
        one.until(lambda: len(one.errors) == 4)
    assert [getattr(error, "retry_after", None) for error in one.errors] == [1, 2, 4, 1]


def test_a_stream_that_only_answers_pings_is_connected_anew(there: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SILENCE", 0.5)
    _, source = by(there, "jetstream")
    with reading(source) as one:
        one.until(lambda: len(there.asked) >= 3)
    assert not one.errors


def test_it_says_that_it_is_well_where_nobody_writes(there: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SIGN_OF_LIFE", 0.3)
    _, source = by(there, "jetstream")
    with reading(source) as one:
        one.until(lambda: len(one.batches) >= 3)
    assert len(there.asked) == 1


@pytest.mark.parametrize("reads", ["everything", "mentions"])
def test_it_stops_while_a_server_keeps_it_waiting(reads: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        signs_in = {"handle": "city.test", "app_password": SECRET, "service": f"http://{host}"}
        source = loaded({"reads": reads, "relay": f"ws://{host}"} | signs_in)
        one = reading(source).__enter__()
        time.sleep(0.3)
        assert one.stop() < 2
    assert not one.errors


@pytest.mark.parametrize(("status", "error"), [(404, AuthError), (400, AuthError), (429, TemporaryError)])
def test_a_stream_that_is_refused_is_named_in_a_sentence(there: Network, status: int, error: type[Exception]) -> None:
    _, source = by(there, "jetstream")
    there.next_status = status
    with pytest.raises(error, match=str(status)):
        source.test()


# -- frames ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["jetstream", "firehose"])
def test_unknown_frames_are_passed_over_and_broken_ones_counted(there: Network, way: str) -> None:
    peer, source = by(there, way)
    with reading(source) as one:
        one.until(lambda: bool(one.batches))
        there.close_account(did_of("somebody"))
        there.write("ann.test", {"subject": {"uri": "at://x", "cid": "y"}}, "app.bsky.feed.like")
        there.write("ann.test", {"title": "no text"})
        there.break_down("broken")
        last = peer.post("a crater")
        one.until(lambda: last in one.ids)
    refused = [event.why for event in one.events if isinstance(event, Refused)]
    assert len(refused) == 2
    assert "a post without text" in refused
    assert [event.post.text for event in one.events if isinstance(event, Arrived)] == ["a crater"]
    assert not one.errors


def test_deletions_come_last_in_a_batch_but_not_before_what_was_made_again(there: Network) -> None:
    """So that posts are stored together, and what is gone is erased together."""
    peer, source = by(there, "jetstream")
    at = time.time_ns() // 1000
    old = [peer.post(f"crater {number}") for number in range(3)]
    for id in old:
        peer.delete(id)
        peer.post("in between")
    (batch,) = one_batch(source, at)
    kinds = [type(event) for event in batch.events]
    assert kinds == [Arrived] * 6 + [Deleted] * 3
    uri = there.write("ann.test", {"text": "a crater"}, key="3l3qo2vuowo2d")
    there.remove(uri)
    there.write("ann.test", {"text": "a crater"}, key="3l3qo2vuowo2d")
    (batch,) = one_batch(source, at)
    assert [type(event) for event in batch.events[-3:]] == [Arrived, Deleted, Arrived]


def one_batch(source: Source, at: int) -> list[Batch]:
    """Of what was written since then."""
    batches = source.events(f"jetstream elsewhere 0 {at + 60_000_000}", lambda _: False)
    found = list(islice((batch for batch in batches if batch.events), 1))
    batches.close()  # type: ignore[attr-defined]
    return found


def test_a_monthly_limit_is_not_passed(there: Network) -> None:
    peer, source = by(there, "jetstream")
    source.budget = Budget(30)
    with reading(source) as one:
        one.until(lambda: bool(one.batches))
        for number in range(50):
            peer.post(f"crater {number}")
        one.until(lambda: any(isinstance(error, SpentError) for error in one.errors))
        assert len(one.ids) == 30
        source.budget.renew(100)
        one.until(lambda: len(one.ids) == 50)
    assert source.budget.take(100) == 80 - (len(one.posts) - 50)


# -- names -------------------------------------------------------------------------------------------------------------


def asked_for(there: Network) -> list[list[str]]:
    profiles = [one for one in there.asked if one.path.endswith("getProfiles")]
    return [[actor for _, actor in one.query] for one in profiles]


def test_names_are_asked_for_when_somebody_looks_and_many_at_once(there: Network) -> None:
    peer, source = by(there, "jetstream")
    at = time.time_ns() // 1000
    for number in range(60):
        peer.post("a crater", author=f"resident{number}.test")
    (batch,) = one_batch(source, at)
    assert not asked_for(there)
    posts = [event.post for event in batch.events if isinstance(event, Arrived)]
    assert posts[5].detail.author == Person("resident5.test", "Resident5.Test of Port Alder", did_of("resident5.test"))
    assert len(asked_for(there)) == 1
    assert [post.detail.author.handle for post in posts if post.detail.author] == [
        f"resident{number}.test" for number in range(60)
    ]
    assert len(asked_for(there)) == 3


@pytest.mark.parametrize("way", ["jetstream", "older", "firehose"])
def test_a_new_handle_is_followed(there: Network, way: str) -> None:
    peer, source = by(there, way)
    with reading(source) as one:
        one.until(lambda: bool(one.batches))
        first = peer.post("a crater", author="ann.test")
        one.until(lambda: first in one.ids)
        assert handles(one) == {first: "ann.test"}
        there.rename(did_of("ann.test"), "ann.example.test")
        second = peer.post("another crater", author="ann.test")
        one.until(lambda: second in one.ids)
        assert handles(one)[second] == "ann.example.test"
    assert len(asked_for(there)) == 1


def handles(one: Reading) -> dict[str, str]:
    return {post.source_id: post.detail.author.handle for post in one.posts if post.detail.author}


def test_who_cannot_be_found_goes_by_the_did(there: Network) -> None:
    peer, source = by(there, "jetstream")
    at = time.time_ns() // 1000
    peer.post("a crater", author="gone.test")
    there.close_account(did_of("gone.test"))
    (batch,) = one_batch(source, at)
    (post,) = [event.post for event in batch.events if isinstance(event, Arrived)]
    assert post.detail.author == Person(did_of("gone.test"), "", did_of("gone.test"))


def test_posts_do_not_wait_for_names_that_nobody_tells() -> None:
    """After one failure there are no questions for a while, and everybody goes by the DID."""
    dids = [did_of(str(number)) for number in range(100)]
    with http_server() as down:
        down.then(Says(503))
        somebody = People(Xrpc("sky", down.url))
        assert [somebody.of(did).handle for did in dids] == dids
        assert len(down.asked) == 1


def test_only_so_many_names_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "KEPT", 10)
    somebody = People(Xrpc("sky", f"http://127.0.0.1:{free_port()}"))
    for number in range(30):
        somebody.learn({"did": did_of(str(number)), "handle": f"r{number}.test"})
        somebody.of(did_of("0"))
    known = [number for number in range(30) if somebody.known(did_of(str(number)))]
    assert known == [0, *range(21, 30)]


def test_our_account_is_known_by_its_did_too(there: Network) -> None:
    """Its posts must not become suspects while nobody tells names."""
    peer = StreamPeer(there, "jetstream")
    source = loaded(peer.settings | {"appview": f"http://127.0.0.1:{free_port()}"}, did_of(OURS))
    at = time.time_ns() // 1000
    peer.post("We fix the crater", author=OURS)
    (batch,) = one_batch(source, at)
    assert [event.post.detail.own for event in batch.events if isinstance(event, Arrived)] == [True]


# -- posts that are gone -----------------------------------------------------------------------------------------------


def gone(source: Source, *ids: str) -> list[str]:
    return [one.source_id for part in source.vanished(iter(ids), lambda _: False) for one in part]


def test_what_is_deleted_hidden_or_of_a_closed_account_has_vanished(there: Network) -> None:
    peer, source = by(there, "jetstream")
    ids = {name: peer.post("a crater", author=name) for name in ("deleted", "hidden", "spam", "closed", "there")}
    peer.delete(ids["deleted"])
    there.labels["at://" + ids["hidden"].replace("/post/", "/app.bsky.feed.post/")] = ["!hide"]
    there.labels["at://" + ids["spam"].replace("/post/", "/app.bsky.feed.post/")] = ["spam"]
    there.close_account(did_of("closed"))
    assert gone(source, *ids.values()) == [ids["deleted"], ids["hidden"], ids["closed"]]


def test_many_posts_are_asked_for_25_at_a_time(there: Network) -> None:
    peer, source = by(there, "jetstream")
    ids = [peer.post("a crater") for _ in range(60)]
    peer.delete(ids[30])
    assert gone(source, *ids) == [ids[30]]
    assert len([one for one in there.asked if one.path.endswith("getPosts")]) == 3


def test_a_young_post_that_is_not_shown_yet_is_not_taken_for_gone(there: Network) -> None:
    _, source = by(there, "jetstream")
    assert gone(source, f"{did_of('ann.test')}/post/{tid(time.time_ns() // 1000)}") == []


def test_a_network_that_knows_nobody_is_not_believed(there: Network) -> None:
    """Else a server set up anew, or a wrong address, would erase everything here."""
    peer, source = by(there, "jetstream")
    ids = [peer.post("a crater", author=name) for name in ("ann.test", "ben.test")]
    there.records.clear()
    there.handles.clear()
    with pytest.raises(TemporaryError, match="appview"):
        gone(source, *ids)


# -- mentions ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def mentions(there: Network) -> Source:
    return loaded(MentionsPeer(there).settings | {"every": 1}, OURS)


def test_it_signs_in_once_and_is_refreshed_when_its_token_has_run_out(there: Network, mentions: Source) -> None:
    peer = MentionsPeer(there)
    with reading(mentions) as one:
        for number in range(3):
            there.run_out = number > 0
            id = peer.post(f"crater {number}")
            one.until(lambda id=id: id in one.ids)  # type: ignore[misc]
    assert there.sign_ins == 1
    assert not one.errors


def test_a_session_outlives_a_server_that_cannot_refresh_it_now(there: Network, mentions: Source) -> None:
    """Sign-ins are rationed."""
    list(islice(mentions.events("", lambda _: False), 1))
    there.run_out = there.overloaded = True
    with pytest.raises(TemporaryError):
        mentions.test()
    there.overloaded = False
    assert mentions.test()
    assert there.sign_ins == 1


def test_names_come_with_the_mentions(there: Network, mentions: Source) -> None:
    peer = MentionsPeer(there)
    with reading(mentions) as one:
        id = peer.post("a crater", author="ann.test")
        one.until(lambda: id in one.ids)
        assert handles(one) == {id: "ann.test"}
    assert not asked_for(there)


def test_a_mention_whose_program_has_a_slow_clock_is_found_below_the_others(there: Network, mentions: Source) -> None:
    peer = MentionsPeer(there)
    with reading(mentions) as one:
        first = peer.post("a crater")
        one.until(lambda: first in one.ids)
        early = (datetime.now(UTC) - timedelta(minutes=50)).isoformat(timespec="milliseconds")
        slow = id_of(there.write("ben.test", {"text": "a crater", "createdAt": early}))
        one.until(lambda: slow in one.ids)
    assert len(one.posts) == 2


def test_hidden_by_moderation_is_withheld(there: Network, mentions: Source) -> None:
    uri = there.write("ben.test", {"text": "a crater"})
    there.labels[uri] = ["!hide"]
    with reading(mentions) as one:
        one.until(lambda: bool(one.posts))
    assert one.posts[0].detail.withheld


def test_rationed_calls_are_waited_for_as_long_as_they_say(there: Network, mentions: Source) -> None:
    there.break_down("rate limit")
    with pytest.raises(TemporaryError) as caught:
        next(mentions.events("", lambda _: False))
    assert caught.value.cause == GapCause.RATE_LIMIT
    assert 1 <= (caught.value.retry_after or 0) <= 2
    assert_tells_nothing(caught.value)


def test_a_monthly_limit_holds_for_mentions_too(there: Network, mentions: Source) -> None:
    peer = MentionsPeer(there)
    for number in range(5):
        peer.post(f"crater {number}")
    mentions.budget = Budget(3)
    batches = mentions.events("", lambda _: False)
    assert len(next(batches).events) == 3
    with pytest.raises(SpentError):
        next(batches)


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"reads": "mentions", "handle": "city.test"}, "app_password"),
        ({"reads": "mentions", "app_password": SECRET}, "app_password"),
        ({"relay": "https://relay.example"}, "relay"),
        ({"relay": "wss://me:secret@relay.example"}, "relay"),
        ({"service": "http://pds.example"}, "service"),
    ],
)
def test_a_setting_that_cannot_work_is_named(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=f"`{says}`") as caught:
        loaded(settings)
    assert SECRET not in str(caught.value)


def test_no_account_is_needed_for_all_that_is_posted() -> None:
    assert loaded({}).settings.reads == "everything"
