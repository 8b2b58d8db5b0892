"""X's recent search against its simulator: gaps are filled page by page, and it stands in for the stream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from pydantic import SecretStr

from connector.errors import AuthError, RefusedError, SpentError, TemporaryError
from connector.incoming import Arrived, Batch, Missed, Refused
from connector.sources import Budget, Source, Stopping, Wanted
from connector.sources.x import X
from connector.sources.x.client import Client
from connector.sources.x.pages import read
from connector.sources.x.payload import LineError, decode
from connector.sources.x.search import Place, Search, first_id, moment_of
from connector.sources.x.source import Pace
from tests.conftest import SHARED
from tests.peers import x_answers
from tests.peers.x_faults import Fault
from tests.peers.x_posts import Shown, shown
from tests.peers.x_simulator import Simulator, x_simulator
from tests.source_contract import Peer, SourceContract
from tests.sources.x_peer import XPeer, a_source

CRATER = (Wanted(1, 1, "crater"),)
MANY = tuple(Wanted(number, 1, f"crater street{number}") for number in range(9))
TWO_QUERIES = (Wanted(1, 1, "crater"), Wanted(2, 1, f"pothole -{'x' * 480}"))
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
WORDS = "must be a tweet id created after"


@pytest.fixture
def x() -> Iterator[Simulator]:
    """Its index is never behind."""
    with x_simulator(lag=0, newest=0) as simulator:
        yield simulator


def a_search(x: Simulator, longest: int = 512, **values: Any) -> Search:
    client = Client("way-in", SecretStr(x.bearer), x.url)
    return Search(client, longest, **{"every": 0, "settled": 0} | values)


def goes_on(seconds: float) -> bool:
    return False


def now(x: Simulator) -> datetime:
    return datetime.fromtimestamp(x.clock.now(), UTC)


def written(x: Simulator, count: int, text: str = "A crater on street{}", ago: float = 600, **values: Any) -> list[str]:
    """Ids of so many posts, one a second, the first so many seconds ago."""
    begin = x.clock.now() - ago
    return [x.emit(text.format(n), at=begin + n, **values).id for n in range(count)]


def filled(
    x: Simulator, wanted: Sequence[Wanted] = CRATER, search: Search | None = None, cursor: str = "",
    from_at: datetime | None = None, to_at: datetime | None = None, stopping: Stopping = goes_on,
    budget: Budget | None = None,
) -> Iterator[Batch]:  # fmt: skip
    """The last hour, unless told otherwise."""
    until = to_at or now(x)
    search = search or a_search(x)
    return search.between(wanted, from_at or until - HOUR, until, cursor, stopping, budget or Budget())


def ids(batches: Sequence[Batch]) -> list[str]:
    return [event.post.source_id for batch in batches for event in batch.events if isinstance(event, Arrived)]


def missed(batches: Sequence[Batch]) -> list[Missed]:
    return [event for batch in batches for event in batch.events if isinstance(event, Missed)]


# -- filling -----------------------------------------------------------------------------------------------------------


def test_an_interval_is_brought_page_by_page_newest_first(x: Simulator) -> None:
    posts = written(x, 250)
    batches = list(filled(x))
    assert ids(batches) == posts[::-1]
    assert [len(batch.events) for batch in batches] == [100, 100, 50]
    assert {batch.surface for batch in batches} == {"search"}


def test_a_further_page_is_asked_for_as_the_first_but_for_its_token(x: Simulator) -> None:
    written(x, 250)
    list(filled(x))
    first, *further = [attempt.query for attempt in x.tried("search")]
    assert len(further) == 2
    assert all({**query, "next_token": ""} == {**first, "next_token": ""} for query in further)


def test_nothing_from_outside_the_interval_is_brought(x: Simulator) -> None:
    begin = now(x) - HOUR
    inside = [x.emit("crater", at=(begin + offset).timestamp()).id for offset in (SECOND / 10, HOUR / 2)]
    for offset in (-SECOND / 10, HOUR / 2 + SECOND):
        x.emit("crater", at=(begin + offset).timestamp())
    assert sorted(ids(list(filled(x, from_at=begin, to_at=begin + HOUR / 2)))) == sorted(inside)


def test_a_post_from_search_is_the_same_as_from_the_stream(x: Simulator) -> None:
    other = x.emit("Look at @ann_example's hole https://example.org/a", "a_neighbour", place="Elm, CT", media=["photo"])
    for n in range(3):
        x.emit("Another crater", f"somebody{n}", reply_to=other.id)
    post = x.emit(
        "A crater by @ann_example #pothole", quote=other.id, place="Ash, CT", point=(-72.9, 41.3), media=["video"]
    )
    x.emit("A crater alone", "someone_else", media=["photo"])
    found = {one.source_id: one for batch in filled(x) for event in batch.events for one in [event.post]}  # type: ignore[union-attr]
    wanted = Shown.of(
        {name: value for name, value in x.tried("search")[0].query.items() if "." in name or name == "expansions"}
    )
    data, includes, _ = shown([post.post], wanted, x.world.post_of, x.world.user_of)
    (streamed,) = decode(json.dumps({"data": data[0], "includes": includes}).encode())
    for same in (found[post.id], decode(found[post.id].raw)[0]):
        assert (same.source_id, same.text, same.lang) == (streamed.source_id, streamed.text, streamed.lang)
        assert same.detail == streamed.detail
        assert same.more == streamed.more
    assert streamed.detail.quoted_text
    assert streamed.detail.people


def test_posts_of_recorded_pages_stand_by_themselves() -> None:
    """Recorded answers stand beside this repository, where `CONNECTOR_SHARED` says."""
    files = sorted((SHARED / "data" / "x").glob("*.jsonl"))
    if not files:
        pytest.skip("there are no recorded pages here")
    posts = 0
    for line in (line for file in files for line in file.read_bytes().splitlines()):
        recorded = line if b'"cassette"' not in line else json.dumps(json.loads(line)["json"]).encode()
        if b'"data": [' not in recorded and b'"data":[' not in recorded:
            continue
        try:
            whole = decode(recorded)
        except LineError:
            continue
        apart = [event.post for event in read(recorded).events if isinstance(event, Arrived)]
        assert [post.detail for post in apart] == [post.detail for post in whole]
        assert [post.more for post in apart] == [post.more for post in whole]
        posts += len(apart)
    assert posts > 1000


def test_what_others_on_the_page_refer_to_does_not_come_along(x: Simulator) -> None:
    x.emit("A crater", "first_author")
    x.emit("A crater", "second_author")
    for batch in filled(x):
        for event in batch.events:
            assert isinstance(event, Arrived)
            assert event.post.detail.people == ()


@pytest.mark.parametrize("rules", [CRATER, MANY])
def test_after_any_batch_a_restart_goes_on_and_loses_nothing(x: Simulator, rules: Sequence[Wanted]) -> None:
    posts, cursor, got, rounds = written(x, 230), "", list[str](), 0
    while batch := next(filled(x, rules, a_search(x, longest=60), cursor, to_at=moment_of(int(posts[-1]))), None):
        got, cursor, rounds = [*got, *ids([batch])], batch.cursor, rounds + 1
    expected = set(posts) if rules is CRATER else set(posts[:9])
    assert set(got) == expected
    assert len(got) < 1.1 * len(expected) + 5
    assert rounds > 2


def test_every_query_is_asked(x: Simulator) -> None:
    posts = written(x, 9)
    assert sorted(ids(list(filled(x, MANY, a_search(x, longest=60))))) == sorted(posts)
    assert len({attempt.query["query"] for attempt in x.tried("search")}) == 3


def test_posts_of_one_second_are_not_lost_by_a_restart_among_them(x: Simulator) -> None:
    at = float(int(x.clock.now()) - 60)
    posts = {x.emit("crater", at=at + n / 1000).id for n in range(150)}
    first = next(filled(x))
    assert posts == set(ids([first])) | set(ids(list(filled(x, cursor=first.cursor))))
    again = moment_of(int(x.tried("search")[1].query["until_id"]))
    assert again.timestamp() == at + 1, "X does not say in which order they come"


def test_with_other_rules_a_restart_begins_anew(x: Simulator) -> None:
    craters, holes = written(x, 150), written(x, 30, "A hole on street{}", 590)
    first = next(filled(x))
    rules = (*CRATER, Wanted(2, 1, "hole"))
    assert sorted(ids(list(filled(x, rules, cursor=first.cursor)))) == sorted(craters + holes)


def test_a_young_interval_is_asked_for_when_it_is_indexed() -> None:
    waits: list[float] = []
    with x_simulator(lag=30) as x:
        x.emit("crater")
        begun = filled(x, search=a_search(x, settled=35), stopping=lambda seconds: bool(waits.append(seconds) or True))
        assert list(begun) == []
        assert not x.tried("search")
    assert waits == [pytest.approx(35, abs=1)]


def test_an_old_interval_is_asked_for_at_once(x: Simulator) -> None:
    waits: list[float] = []
    until = now(x) - 2 * HOUR
    assert not missed(
        list(filled(x, search=a_search(x, settled=35), to_at=until, stopping=lambda s: bool(s and waits.append(s))))
    )
    assert not waits


def test_a_clock_that_is_ahead_of_xs_is_told(x: Simulator) -> None:
    search = a_search(x, settled=35, clock=lambda: now(x) + timedelta(minutes=5))
    with pytest.raises(TemporaryError, match="clock is ahead") as caught:
        list(filled(x, to_at=now(x) + timedelta(minutes=4), search=search))
    assert caught.value.retry_after == pytest.approx(4 * 60 + 30, abs=3)


def test_without_rules_nothing_is_asked(x: Simulator) -> None:
    assert list(filled(x, ())) == []
    assert not x.attempts


# -- what is out of reach ----------------------------------------------------------------------------------------------


def test_what_x_does_not_reach_back_to_is_lost_and_the_rest_is_brought(x: Simulator) -> None:
    posts = written(x, 20, ago=600)
    horizon = now(x) - timedelta(seconds=590)
    x.forget_before(horizon.timestamp())
    begin = now(x) - HOUR
    batches = list(filled(x, from_at=begin))
    (gap,) = missed(batches)
    assert gap.lost
    assert gap.from_at == begin.replace(microsecond=begin.microsecond // 1000 * 1000)
    assert horizon <= gap.to_at < horizon + SECOND
    assert "no further" in gap.why
    assert set(ids(batches)) == {post for post in posts if moment_of(int(post)) >= gap.to_at}
    assert isinstance(batches[0].events[0], Missed)


def test_an_interval_that_is_wholly_out_of_reach_is_lost_as_a_whole(x: Simulator) -> None:
    begin = now(x) - timedelta(days=30)
    batches = list(filled(x, TWO_QUERIES, from_at=begin, to_at=begin + HOUR))
    (gap,) = missed(batches)
    assert abs(gap.from_at - begin) < SECOND
    assert abs(gap.to_at - (begin + HOUR)) < SECOND
    assert not ids(batches)


def test_a_horizon_that_moves_on_meanwhile_takes_only_what_was_not_brought(x: Simulator) -> None:
    posts = written(x, 250)
    walk = filled(x, from_at=now(x) - timedelta(days=6))
    first = next(walk)
    x.forget_before(moment_of(int(posts[50])).timestamp())
    rest = list(walk)
    (gap,) = missed(rest)
    lost = {post for post in posts if moment_of(int(post)) < gap.to_at}
    assert 50 <= len(lost) <= 52
    assert set(ids([first, *rest])) == set(posts) - lost


def test_a_horizon_beyond_what_was_brought_ends_the_walk(x: Simulator) -> None:
    posts = written(x, 150)
    walk = filled(x)
    first = next(walk)
    x.forget_before(moment_of(int(posts[100])).timestamp())
    rest = list(walk)
    assert set(ids([first, *rest])) == set(posts[50:])
    (gap,) = missed(rest)
    oldest_brought = moment_of(int(posts[50]))
    assert oldest_brought <= gap.to_at <= oldest_brought + SECOND, "what stands here is not told as lost"
    assert all(int(one.query["since_id"]) < int(one.query["until_id"]) for one in x.tried("search"))
    assert len(x.tried("search")) == 2


def test_of_a_seven_day_old_interval_the_reachable_end_is_brought_in_few_words() -> None:
    with x_simulator(lag=0, scale=20) as x:  # its reach moves on between any two calls
        x.emit("crater street1", at=x.clock.now() - 7 * 86400 + 600)
        begin = now(x) - timedelta(days=7, hours=1)
        rules = [Wanted(number, 1, f"crater street{number}") for number in range(40)]
        batches = list(filled(x, rules, a_search(x, longest=20), from_at=begin))
        assert len(ids(batches)) == 1
        told = missed(batches)
        assert all(gap.lost for gap in told)
        assert 1 <= len(told) < 9
        assert [gap.to_at for gap in told[:-1]] == [gap.from_at for gap in told[1:]]


def test_a_horizon_is_understood_by_its_time_where_no_id_is_named(x: Simulator) -> None:
    earliest = now(x) - timedelta(minutes=30)
    message = f"'since_id' {WORDS} {earliest:%Y-%m-%dT%H:%M}Z. Please use another one."
    x.fail("search", Fault.answer(400, x_answers.invalid(("since_id", "1", message)).body))
    (gap,) = missed(list(filled(x)))
    assert abs(gap.to_at - earliest) < timedelta(minutes=1, seconds=1)


# -- rules that cannot be asked for ------------------------------------------------------------------------------------


def test_rules_that_search_does_not_know_are_told_as_lost_when_the_others_are_done(x: Simulator) -> None:
    posts, until = written(x, 3), now(x)
    rules = (*CRATER, Wanted(7, 1, "pothole bio:plumber"))
    *others, last = filled(x, rules, to_at=until)
    assert sorted(ids(others)) == posts
    (gap,) = missed([last])
    assert (gap.from_at, gap.to_at, gap.lost) == (until - HOUR, until, True)
    assert "rule 7: bio:" in gap.why
    assert not missed(others)
    assert list(filled(x, rules, from_at=until, to_at=until)) == [], "it is told once"


def test_a_rule_that_x_refuses_does_not_keep_the_others_back(x: Simulator) -> None:
    posts, search = written(x, 3), a_search(x)
    rules = (*CRATER, Wanted(2, 1, "hole"))
    refusal = Fault.answer(400, x_answers.invalid(("query", "…", "not available on this plan")).body)
    x.fail("search", refusal, times=2)  # both together, then the first one by itself
    batches = list(filled(x, rules, search))
    assert len({attempt.query["query"] for attempt in x.tried("search")}) == 3
    (gap,) = missed(batches)
    assert "not available on this plan" in gap.why
    refused = {"crater": 1, "hole": 2}[x.tried("search")[1].query["query"]]
    assert f"rule {refused}:" in gap.why
    assert sorted(ids(batches)) == ([] if refused == 1 else posts)
    before = len(x.tried("search"))
    list(filled(x, rules, search))
    assert len(x.tried("search")) == before + 1, "it is asked for again"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


def test_no_more_is_read_than_the_budget_grants(x: Simulator) -> None:
    posts, budget = written(x, 200), Budget(130)
    walk = filled(x, budget=budget)
    batches = [next(walk), next(walk)]
    with pytest.raises(SpentError):
        next(walk)
    assert ids(batches) == posts[::-1][:130]
    assert [attempt.query["max_results"] for attempt in x.tried("search")] == ["100", "30"]
    budget.renew(None)
    assert set(ids(batches)) | set(ids(list(filled(x, cursor=batches[-1].cursor, budget=budget)))) == set(posts)


def test_fewer_posts_than_search_gives_at_least_are_not_asked_for(x: Simulator) -> None:
    budget = Budget(9)
    with pytest.raises(SpentError, match="monthly_limit"):
        list(filled(x, budget=budget))
    assert not x.attempts
    assert budget.take(9) == 9


def test_what_a_page_did_not_bring_is_given_back(x: Simulator) -> None:
    written(x, 3)
    budget = Budget(500)
    list(filled(x, budget=budget))
    x.fail("search", Fault.server_error(503))
    with pytest.raises(TemporaryError):
        list(filled(x, budget=budget))
    assert budget.take(500) == 497


def test_too_many_calls_are_put_off_until_x_allows_them(x: Simulator) -> None:
    posts = written(x, 150)
    walk = filled(x)
    first = next(walk)
    x.fail("search", Fault.rate_limited(70))
    with pytest.raises(TemporaryError) as caught:
        next(walk)
    assert caught.value.retry_after == pytest.approx(71, abs=2)
    assert set(ids([first])) | set(ids(list(filled(x, cursor=first.cursor)))) == set(posts)


def test_something_that_a_post_refers_to_and_nobody_may_see_is_no_fault(x: Simulator) -> None:
    gone = x.emit("An old hole")
    x.emit("crater", quote=gone.id)
    x.delete(gone.id)
    assert len(ids(list(filled(x)))) == 1


def test_a_post_that_cannot_be_read_is_counted_and_the_others_are_brought() -> None:
    page = read(b'{"data": [7, {"id": "5", "text": "crater"}, {"id": "6"}], "meta": {"next_token": "abc"}}')
    assert [type(event) for event in page.events] == [Refused, Arrived, Refused]
    assert (page.oldest, page.more) == (5, "abc")


@pytest.mark.parametrize("body", ["<html>no</html>", [], {"errors": [{"title": "Odd"}]}, {"meta": 7, "data": 7}])
def test_an_answer_that_is_no_page_is_asked_for_again(x: Simulator, body: Any) -> None:
    x.fail("search", Fault.answer(200, body))
    if body == {"meta": 7, "data": 7}:
        assert ids(list(filled(x))) == []
    else:
        with pytest.raises(TemporaryError):
            list(filled(x))


def test_pages_that_lead_in_a_circle_are_left(x: Simulator) -> None:
    x.fail("search", Fault.answer(200, {"data": [], "meta": {"next_token": "again"}}), times=None)
    with pytest.raises(TemporaryError):
        list(filled(x))
    assert len(x.tried("search")) == 2


def test_a_page_without_posts_is_not_the_last_one(x: Simulator) -> None:
    posts = written(x, 12)
    client = a_search(x).client
    token = client.get("tweets/search/recent", {"query": "crater", "max_results": 10})["meta"]["next_token"]
    x.fail("search", Fault.answer(200, {"meta": {"result_count": 0, "next_token": token}}))
    assert sorted(ids(list(filled(x)))) == posts[:2]


def test_it_stops_while_an_answer_is_awaited(x: Simulator) -> None:
    x.fail("search", Fault.silence(30))
    told = threading.Event()
    threading.Timer(0.3, told.set).start()
    assert list(filled(x, stopping=told.wait)) == []


def test_names_of_parameters_are_those_that_x_describes(x: Simulator) -> None:
    file = SHARED / "data" / "x" / "openapi-2.167.json"
    if not file.exists():
        pytest.skip("X's description is not here")
    description = json.loads(file.read_text())
    named = {
        one.get("name") or description["components"]["parameters"][one["$ref"].rpartition("/")[2]]["name"]
        for one in description["paths"]["/2/tweets/search/recent"]["get"]["parameters"]
    }
    written(x, 101)
    list(filled(x))
    asked = set().union(*(attempt.query for attempt in x.tried("search")))
    assert {name.replace("tweet.", "post.") for name in asked} <= named
    assert {"query", "since_id", "until_id", "max_results", "next_token"} <= asked


def test_ids_and_moments_are_each_others_inverse() -> None:
    moment = datetime(2026, 8, 3, 12, 30, 15, 250_000, UTC)
    assert moment_of(first_id(moment)) == moment
    assert first_id(datetime(2026, 8, 7, 11, 45, tzinfo=UTC)) < 2083157183716917248 + (8 << 58)
    # a recorded pair: this id was given in the minute that X named beside it
    assert moment_of(2083157183716917248).replace(second=0, microsecond=0) == datetime(2026, 7, 31, 11, 45, tzinfo=UTC)


# -- in place of the stream --------------------------------------------------------------------------------------------


class Rounds:
    """Reads `live`, and stops before the round that follows so many others."""

    def __init__(self, x: Simulator, rules: Sequence[Wanted] = CRATER, **values: Any) -> None:
        self.x, self.rules = x, list(rules)
        self.waits: list[float] = []
        self.told: list[Sequence[str]] = []
        self.search = a_search(x, tell=self.told.append, **{"every": 300} | values)

    def read(self, cursor: str = "", rounds: int = 1, budget: Budget | None = None) -> list[Batch]:
        time.sleep(0.003)  # an id knows no less than a millisecond
        left = iter(range(rounds * 20 - 1))

        def stopping(seconds: float) -> bool:
            if not seconds:
                return False
            self.waits.append(seconds)
            return next(left, None) is None

        return list(self.search.live(lambda: self.rules, cursor, stopping, budget or Budget()))


def test_at_first_nothing_of_before_is_looked_for(x: Simulator) -> None:
    written(x, 5)
    batches = Rounds(x).read()
    assert not ids(batches)
    assert batches, "it says that it is well"


def test_what_came_while_x_refused_us_from_the_beginning_is_brought(x: Simulator) -> None:
    x.bearer = "another token"
    walk = Search(Client("way-in", SecretStr("old"), x.url), 512, settled=0).live(lambda: CRATER, "", goes_on, Budget())
    first = next(walk)
    with pytest.raises(AuthError):
        next(walk)
    post = x.emit("crater").id
    assert ids(Rounds(x).read(first.cursor)) == [post]


def test_each_round_brings_what_came_since_the_last(x: Simulator) -> None:
    rounds = Rounds(x)
    cursor = rounds.read()[-1].cursor
    got = []
    for n in range(3):
        post = x.emit(f"crater {n}").id
        batches = rounds.read(cursor)
        cursor = batches[-1].cursor
        got.append((post, ids(batches)))
    assert all(found == [post] for post, found in got)


def test_it_looks_at_its_own_pace_and_says_meanwhile_that_it_is_well(x: Simulator) -> None:
    rounds = Rounds(x)
    batches = rounds.read(rounds=2)
    assert sum(rounds.waits) == pytest.approx(2 * 300)
    assert max(rounds.waits) <= 20
    assert len(batches) >= 40


def test_more_queries_than_x_allows_calls_take_longer(x: Simulator) -> None:
    x.settings.limits["search"] = 45
    rounds = Rounds(x, MANY, longest=30, every=60)
    cursor = rounds.read()[-1].cursor
    rounds.waits.clear()
    rounds.read(cursor, rounds=1)
    asked = len(rounds.search.packed(MANY).queries)
    assert asked == 9
    assert sum(rounds.waits) >= min(20 * 15, 900 * asked / 45) - 15


def test_a_new_rule_is_looked_for_from_the_next_round_on_and_not_in_the_past(x: Simulator) -> None:
    rounds = Rounds(x)
    cursor = rounds.read()[-1].cursor
    x.emit("hole before")
    cursor = rounds.read(cursor)[-1].cursor
    rounds.rules.append(Wanted(2, 1, "hole"))
    after = x.emit("hole after").id
    batches = rounds.read(cursor)
    assert ids(batches) == [after]


def test_a_restart_in_the_middle_of_a_round_goes_on(x: Simulator) -> None:
    rounds = Rounds(x, MANY, longest=60)
    cursor = rounds.read()[-1].cursor
    posts = {x.emit(f"crater street{n}").id for n in range(9)}
    got = set[str]()
    for _ in range(3):  # ended after two batches of each
        search = Rounds(x, MANY, longest=60).search
        for batch in islice(search.live(lambda: MANY, cursor, goes_on, Budget()), 2):
            got |= set(ids([batch]))
            cursor = batch.cursor
    assert got <= posts
    assert got | set(ids(rounds.read(cursor))) == posts


def test_a_round_with_other_rules_after_a_restart_begins_anew(x: Simulator) -> None:
    cursor = Rounds(x, MANY, longest=60).read()[-1].cursor
    posts = {x.emit(f"crater street{n}").id for n in range(9)}
    time.sleep(0.003)
    walk = Rounds(x, MANY, longest=60).search.live(lambda: MANY, cursor, goes_on, Budget())
    *_, last = islice(walk, 2)
    assert set(ids(Rounds(x, CRATER).read(last.cursor))) == posts


def test_after_a_pause_that_is_too_long_the_part_out_of_reach_is_lost(x: Simulator) -> None:
    x.forget_before(x.clock.now() - 600)
    post = x.emit("crater", at=x.clock.now() - 300).id
    cursor = Place(first_id(now(x) - HOUR)).cursor
    batches = Rounds(x).read(cursor)
    (gap,) = missed(batches)
    assert gap.lost
    assert abs((gap.to_at - gap.from_at) - timedelta(minutes=50)) < timedelta(seconds=2)
    assert ids(batches) == [post]


def test_rules_that_are_not_looked_for_are_told_to_a_person(x: Simulator) -> None:
    rounds = Rounds(x, (*CRATER, Wanted(7, 1, "pothole bio:plumber")))
    rounds.read()
    assert "rule 7: bio:" in rounds.told[-1][0]
    rounds.rules.pop()
    rounds.read()
    assert not rounds.told[-1]


def test_the_source_fills_its_gaps_by_search(x: Simulator) -> None:
    posts, source = written(x, 5), a_source(x, *CRATER, pace=Pace(indexed=0))
    assert sorted(ids(list(source.fill(now(x) - HOUR, now(x), "", goes_on)))) == posts
    source = a_source(x, *CRATER, fill="never")
    with pytest.raises(RefusedError, match="never"):
        list(source.fill(now(x) - HOUR, now(x), "", goes_on))


def test_the_plan_says_how_long_a_query_may_be(x: Simulator) -> None:
    long = Wanted(1, 1, " OR ".join(f"crater{number}" for number in range(99)))
    assert len(a_source(x).search.packed([long]).queries) == 3
    assert len(a_source(x, plan="enterprise").search.packed([long]).queries) == 1


class TestXBySearch(SourceContract):
    """What every source promises, with recent search in place of the stream."""

    kind = "x"

    @pytest.fixture
    def peer(self) -> Iterator[Peer]:
        with x_simulator(lag=0, newest=0, job_takes=0) as x:
            x.settings.limits["search"] = 100_000
            yield SearchPeer(x)

    def load(self, settings: dict[str, Any]) -> Source:
        source = super().load(settings)
        assert isinstance(source, X)
        source.pace = Pace(indexed=0)  # type: ignore[misc]
        return source

    def is_ready(self, reading: Any) -> bool:
        return bool(reading.batches)

    def test_abilities_are_as_declared(self, source: Source) -> None:
        assert source.capabilities.resumes, "search reads on from its cursor"


class SearchPeer(XPeer):
    @property
    def settings(self) -> dict[str, Any]:
        return super().settings | {"mode": "search", "search_every": 10}

    def refuse(self) -> None:
        self.x.bearer = "another token"

    def fail(self, how: str) -> None:
        faults = {
            "rate limit": Fault.rate_limited(60),
            "unavailable": Fault.server_error(503),
            "error": Fault.server_error(500),
            "broken": Fault.half(),
            "reset": Fault.reset(),
        }
        self.x.fail("search", faults[how])
