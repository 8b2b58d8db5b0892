"""Posts that are gone from X, asked of its simulator: by a job of batch compliance, or by looking up a few."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from connector.errors import AdapterError, RefusedError, TemporaryError
from connector.incoming import Deleted
from connector.sources import Budget, Stopping
from connector.sources.x import compliance
from connector.sources.x.client import Client
from connector.sources.x.compliance import FEW
from tests.conftest import SHARED
from tests.peers import x_answers
from tests.peers.x_faults import Fault
from tests.peers.x_simulator import Simulator, x_simulator

RUNNING = x_answers.problem(409, "Conflict", "There is a job already in progress.", "duplicate-job")


@pytest.fixture
def x() -> Iterator[Simulator]:
    with x_simulator(job_takes=0) as simulator:
        yield simulator


class Waits:
    """A `stopping` that notes what it is asked, and stops after so many waits."""

    def __init__(self, most: int = 1000) -> None:
        self.seconds: list[float] = []
        self._most = most

    def __call__(self, seconds: float) -> bool:
        if seconds:
            self.seconds.append(seconds)
        return len(self.seconds) > self._most


def parts(
    x: Simulator, ids: Iterable[str], stopping: Stopping | None = None, budget: Budget | None = None, few: int = 0,
    many: int = compliance.MANY,
) -> list[list[Deleted]]:  # fmt: skip
    """By a job, unless `few` are looked up."""
    client = Client("way-in", SecretStr(x.bearer), x.url)
    found = compliance.vanished(client, iter(ids), stopping or Waits(), budget or Budget(), few, many)
    return [list(part) for part in found]


def gone(x: Simulator, ids: Iterable[str], **values: Any) -> set[str]:
    return {event.source_id for part in parts(x, ids, **values) for event in part}


def written(x: Simulator, count: int = 5, **values: Any) -> list[str]:
    return [x.emit(f"A crater on street{number}", **values).id for number in range(count)]


def tried(x: Simulator) -> list[str]:
    return [attempt.endpoint for attempt in x.attempts]


# -- a job -------------------------------------------------------------------------------------------------------------


def test_a_job_tells_which_posts_are_gone(x: Simulator) -> None:
    posts = written(x)
    x.delete(posts[1])
    assert gone(x, posts) == {posts[1]}
    assert tried(x) == ["create_job", "upload", "job", "download"]


@pytest.mark.parametrize("why", ["deactivated", "suspended", "protected"])
def test_posts_of_an_account_that_nobody_may_see_are_gone(x: Simulator, why: str) -> None:
    posts, others = written(x, 2, author="hidden_one"), written(x, 2)
    x.world.hide_user("hidden_one", why)
    assert gone(x, posts + others) == set(posts)


def test_a_post_whose_place_was_taken_back_is_erased(x: Simulator) -> None:
    posts = written(x, 3, place="Elm, CT")
    x.world.scrub_geo(posts[0])
    assert gone(x, posts) == {posts[0]}


def test_lines_as_in_old_recordings_are_read() -> None:
    with x_simulator(job_takes=0, old_job_lines=True) as x:
        posts = written(x)
        x.delete(posts[0])
        assert gone(x, posts) == {posts[0]}


def test_the_answer_is_waited_for_with_growing_patience() -> None:
    with x_simulator(job_takes=40) as x:
        posts, waits = written(x), Waits()
        x.delete(posts[0])

        def stopping(seconds: float) -> bool:
            x.clock.skip(seconds)
            return waits(seconds)

        assert parts(x, posts, stopping) == [[Deleted(posts[0])]]
    assert waits.seconds == sorted(waits.seconds)
    assert waits.seconds[0] == 5
    assert 40 <= sum(waits.seconds) < 100


def test_it_stops_when_it_is_told(x: Simulator) -> None:
    x.settings.job_takes = 10_000
    assert parts(x, written(x), Waits(3)) == []
    assert tried(x).count("job") == 3


def test_a_job_that_never_ends_is_given_up_after_an_hour(x: Simulator) -> None:
    x.settings.job_takes, waits = 10_000, Waits()
    with pytest.raises(TemporaryError, match="within an hour"):
        parts(x, written(x), waits)
    assert 3600 <= sum(waits.seconds) < 3700
    assert max(waits.seconds) <= 60


@pytest.mark.parametrize("status", ["failed", "expired", "odd"])
def test_a_job_that_breaks_off_is_told(x: Simulator, status: str) -> None:
    x.fail("job", Fault.answer(200, {"data": {"id": "1", "status": status}}))
    with pytest.raises(TemporaryError, match="broke"):
        parts(x, written(x))


def test_another_job_of_the_account_is_waited_for() -> None:
    with x_simulator(scale=60, job_takes=0) as x:
        client = Client("way-in", SecretStr(x.bearer), x.url)
        client.post("compliance/jobs", {"type": "tweets"})  # nothing is uploaded: it expires after 15 minutes
        for _ in range(3):
            x.fail("create_job", Fault.answer(RUNNING.status, RUNNING.body))
        posts, waits = written(x), Waits()
        x.delete(posts[0])
        assert gone(x, posts, stopping=waits) == {posts[0]}
    assert len(waits.seconds) >= 4
    assert tried(x).count("create_job") == 1 + 3 + 1


def test_a_refusal_that_has_nothing_to_do_with_another_job_is_raised(x: Simulator) -> None:
    parts(x, written(x))  # a job of before, which has ended
    x.fail("create_job", Fault.answer(400, x_answers.invalid(("type", "tweets", "no such type")).body))
    with pytest.raises(RefusedError):
        parts(x, written(x))
    x.fail("create_job", Fault.forbidden())
    with pytest.raises(AdapterError):
        parts(x, written(x))


def test_too_many_ids_for_one_job_make_another(x: Simulator) -> None:
    posts = written(x, 10)
    for post in (posts[0], posts[5], posts[9]):
        x.delete(post)
    assert gone(x, posts, many=4) == {posts[0], posts[5], posts[9]}
    assert tried(x).count("upload") == 3


def test_many_are_told_in_parts(x: Simulator) -> None:
    posts = written(x, 1100)
    for post in posts:
        x.delete(post)
    told = parts(x, posts)
    assert [len(part) for part in told] == [500, 500, 100]


def test_lines_that_cannot_be_read_erase_nothing(x: Simulator, caplog: pytest.LogCaptureFixture) -> None:
    posts = written(x)
    lines = [
        json.dumps(
            {"id": posts[0], "action": "delete", "reason": "deleted", "created_at": "2013-06-04T16:25:04+00:00"}
        ),
        json.dumps({"id": int(posts[1]), "action": "delete"}),
        json.dumps({"id": posts[2], "action": "applaud", "reason": "deleted"}),
        json.dumps({"id": "77", "action": "delete"}),
        json.dumps([posts[3]]),
        '{"id": "1',
        "",
    ]
    x.fail("download", Fault.answer(200, "\n".join(lines)))
    assert gone(x, posts) == set(posts[:2])


def test_nothing_gone_is_no_news(x: Simulator) -> None:
    assert parts(x, written(x)) == []


@pytest.mark.parametrize("endpoint", ["create_job", "upload", "job", "download"])
def test_a_failure_on_the_way_is_temporary(x: Simulator, endpoint: str) -> None:
    x.fail(endpoint, Fault.server_error(503))
    with pytest.raises(TemporaryError) as caught:
        parts(x, written(x))
    assert "storage" not in str(caught.value)


def test_the_token_stays_with_x(x: Simulator) -> None:
    headers = list[dict[str, str]]()
    answer = x.endpoints.answer

    def noted(asked: Any) -> Any:
        if asked.endpoint in ("upload", "download"):
            headers.append(asked.headers)
        return answer(asked)

    x.endpoints.answer = noted  # type: ignore[method-assign]
    parts(x, written(x))
    assert len(headers) == 2
    assert all("authorization" not in {name.lower() for name in each} for each in headers)


def test_without_posts_nothing_is_asked(x: Simulator) -> None:
    assert parts(x, []) == []
    assert parts(x, ["", "not-a-number", "١٢"]) == []
    assert not x.attempts


# -- looking up --------------------------------------------------------------------------------------------------------


def test_few_posts_are_looked_up_in_one_call(x: Simulator) -> None:
    posts, hidden = written(x), written(x, 2, author="hidden_one")
    x.delete(posts[0])
    x.world.hide_user("hidden_one", "protected")
    assert gone(x, [*posts, *hidden, "1"], few=FEW) == {posts[0], *hidden, "1"}
    assert tried(x) == ["lookup"]


def test_a_hundred_are_few_and_one_more_is_not(x: Simulator) -> None:
    posts = written(x, 101)
    x.delete(posts[100])
    assert gone(x, posts[:100], few=FEW) == set()
    assert tried(x) == ["lookup"]
    assert gone(x, posts, few=FEW) == {posts[100]}
    assert "upload" in tried(x)


def test_posts_that_still_stand_count_as_read(x: Simulator) -> None:
    posts, budget = written(x, 5), Budget(20)
    x.delete(posts[0])
    gone(x, posts, budget=budget, few=FEW)
    assert budget.take(20) == 16


@pytest.mark.parametrize("left", [0, 3])
def test_where_the_budget_has_no_room_a_job_is_made_which_costs_nothing(x: Simulator, left: int) -> None:
    posts, budget = written(x, 5), Budget(left)
    x.delete(posts[0])
    assert gone(x, posts, budget=budget, few=FEW) == {posts[0]}
    assert "lookup" not in tried(x)
    assert left == 0 or budget.take(10) == left


def test_what_a_post_refers_to_says_nothing_about_it(x: Simulator) -> None:
    posts = written(x, 2)
    errors = [
        x_answers.not_found("tweet", "referenced_tweets.id", posts[0]),
        {**x_answers.not_found("tweet", "ids", posts[1]), "type": x_answers.PROBLEMS + "resource-unavailable"},
    ]
    x.fail("lookup", Fault.answer(200, {"errors": errors}))
    assert gone(x, posts, few=FEW) == set()


def test_names_and_bodies_are_those_that_x_describes(x: Simulator) -> None:
    file = SHARED / "data" / "x" / "openapi-2.167.json"
    if not file.exists():
        pytest.skip("X's description is not here")
    description = json.loads(file.read_text())
    gone(x, written(x), few=FEW)
    gone(x, written(x))
    paths = description["paths"]
    named = {one.get("name") for one in paths["/2/tweets"]["get"]["parameters"]}
    assert set(x.tried("lookup")[0].query) <= named
    body = description["components"]["schemas"]["CreateComplianceJobsRequest"]["properties"]
    assert "tweets" in body["type"]["enum"]
    assert "get" in paths["/2/compliance/jobs/{id}"]
