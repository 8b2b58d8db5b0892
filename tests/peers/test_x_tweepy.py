"""tweepy's own clients talk to the simulator of X; what they get wrong there they get wrong at X."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import pytest
import tweepy

from tests.peers.test_x_stream import until
from tests.peers.x_clients import Client, Streaming
from tests.peers.x_faults import Fault
from tests.peers.x_simulator import Simulator, x_simulator


@pytest.fixture
def x() -> Iterator[Simulator]:
    with x_simulator(scale=60, newest=0.0, lag=0.0) as running:
        running.add_rule("pothole", "streets")
        yield running


@contextmanager
def streaming(x: Simulator, **values: Any) -> Iterator[Streaming]:
    """tweepy's thread, running for as long as the block does."""
    client = Streaming(x)
    client.filter(threaded=True, **values)
    try:
        x.wait_for_stream()
        yield client
    finally:
        client.disconnect()
        for stream in list(x.streams):
            stream.stop("the test is over")
        client.thread.join()


def test_client_reads_searches_and_looks_up(x: Simulator) -> None:
    client = Client(x)
    post = x.emit("@larkmere_city pothole on Osprey Lane", "finn")
    found = client.search_recent_tweets("pothole", expansions=["author_id"], tweet_fields=["created_at"])
    assert [one.id for one in found.data] == [int(post.id)]
    assert found.includes["users"][0].username == "finn"
    assert client.get_tweets([post.id, 17]).errors[0]["title"] == "Not Found Error"
    assert client.get_recent_tweets_count("pothole").meta["total_tweet_count"] == 1
    assert client.get_me(user_auth=True).data.username == "larkmere_city"
    client.session.close()


def test_client_pages_through_search(x: Simulator) -> None:
    client = Client(x)
    for number in range(25):
        x.emit(f"Pothole {number}")
    pages = tweepy.Paginator(client.search_recent_tweets, "pothole", max_results=10)
    assert len(list(pages.flatten())) == 25
    client.session.close()


def test_client_replies_where_it_was_asked_to(x: Simulator) -> None:
    client = Client(x)
    asked, not_asked = x.emit("@larkmere_city pothole"), x.emit("pothole")
    made = client.create_tweet(text="Thank you", in_reply_to_tweet_id=asked.id, user_auth=True)
    assert x.world.posts[made.data["id"]].refers_to("replied_to") == asked.id
    with pytest.raises(tweepy.Forbidden, match="where you are mentioned or are the author"):
        client.create_tweet(text="Thanks", in_reply_to_tweet_id=not_asked.id, user_auth=True)
    client.session.close()


def test_client_runs_a_compliance_job(x: Simulator) -> None:
    client = Client(x)
    job = client.create_compliance_job("tweets").data
    assert client.get_compliance_job(job["id"]).data["status"] == "created"
    assert [one["id"] for one in client.get_compliance_jobs("tweets").data] == [job["id"]]
    client.session.close()


def test_stream_brings_posts_and_keep_alives(x: Simulator) -> None:
    with streaming(x, expansions="author_id") as client:
        x.emit("Pothole on Osprey Lane", "finn")
        until(lambda: client.seen and client.keep_alives)
    (response,) = client.seen
    assert response.data.text == "Pothole on Osprey Lane"
    assert response.includes["users"][0].username == "finn"
    assert response.matching_rules == [tweepy.StreamRule(id=x.rules[0].id, tag="streets")]


def test_rules_are_managed_as_tweepy_does(x: Simulator) -> None:
    client = Streaming(x)
    added = client.add_rules([tweepy.StreamRule("leak", "water"), tweepy.StreamRule("pothole")])
    assert [rule.value for rule in added.data] == ["leak"]
    assert added.errors[0]["title"] == "DuplicateRule"
    listed = client.get_rules().data
    assert [rule.tag for rule in listed] == ["streets", "water"]
    assert client.delete_rules(listed).meta["summary"]["deleted"] == 2
    client.session.close()


def test_disconnect_message_reaches_the_error_hook(x: Simulator) -> None:
    with streaming(x) as client:
        x.fail("stream", Fault.disconnect("UpstreamOperationalDisconnect"))
        until(lambda: client.errors)
    assert client.errors[0][0]["disconnect_type"] == "UpstreamOperationalDisconnect"


@pytest.mark.parametrize("fault", [Fault.without_tag(), Fault.broken_line()], ids=lambda fault: fault.name)
def test_tweepys_thread_ends_on_what_x_may_send(x: Simulator, fault: Fault) -> None:
    with streaming(x) as client:
        x.fail("stream", fault)
        x.emit("Pothole on Osprey Lane")
        client.thread.join(5)
        assert not client.thread.is_alive()
    assert len(client.failures) == 1


def test_tweepy_storms_a_server_that_accepts_and_closes(x: Simulator) -> None:
    """The reason for a governor of our own around it."""
    x.settings.limits.clear()
    x.fail("stream", Fault.end(), times=None)
    client = Streaming(x)
    client.filter(threaded=True)
    until(lambda: len(x.waits()) > 10)
    client.disconnect()
    client.thread.join()
    assert median(x.waits()) < 5
