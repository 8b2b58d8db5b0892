"""The simulator of X as a process of its own, told what to do over HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
import requests

from tests.peers.test_x_stream import until
from tests.peers.x_faults import Fault
from tests.peers.x_remote import Remote, x_process
from tests.peers.x_simulator import BEARER


@pytest.fixture(scope="module")
def x() -> Iterator[Remote]:
    with x_process(scale=100, newest=0.0, lag=0.0) as running:
        yield running


def search(x: Remote) -> requests.Response:
    headers = {"Authorization": f"Bearer {BEARER}"}
    return requests.get(x.url + "/2/tweets/search/recent", {"query": "pothole"}, headers=headers, timeout=5)


def is_heard(x: Remote) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return search(x).ok
    return False


def test_process_is_told_what_to_emit_and_gives_its_account(x: Remote) -> None:
    rule = x.add_rule(value="pothole", tag="streets")
    made = x.emit_all(posts=[{"text": "Pothole"}, {"text": "Lamp", "author": "mara"}])
    assert [one["rules"] for one in made] == [[rule["id"]], []]
    assert [post["id"] for post in search(x).json()["data"]] == [made[0]["id"]]
    account = {one["id"]: one for one in x.account()}
    assert len(account[made[0]["id"]]["found_at"]) == 1
    assert x.attempts()[-1]["endpoint"] == "search"
    edited = x.edit(number=made[0]["id"], text="Pothole on Tannery Row")
    x.delete(number=edited["id"])
    assert "data" not in search(x).json()


def test_process_shares_its_clock(x: Remote) -> None:
    assert abs(x.clock_now()["now"] - x.clock.now()) < 200


def test_process_is_told_what_to_do_wrong(x: Remote) -> None:
    x.fail(endpoint="search", fault=Fault.credits_depleted(), times=1)
    assert [search(x).status_code, search(x).status_code] == [402, 200]
    x.fail(endpoint="all", fault=Fault.silence(), times=None)
    x.mend()
    assert x.faults() == {"waiting": [], "struck": x.faults()["struck"]}


def test_process_can_be_told_something_while_nobody_listens(x: Remote) -> None:
    x.refuse(seconds=150)
    with pytest.raises(requests.ConnectionError):
        search(x)
    x.emit(text="Pothole, unheard")
    until(lambda: is_heard(x))


def test_wrong_verb_or_value_is_named(x: Remote) -> None:
    with pytest.raises(ValueError, match="sing is none of account"):
        x.sing()
    with pytest.raises(ValueError, match="unexpected keyword argument 'colour'"):
        x.add_rule(value="pothole", colour="red")
