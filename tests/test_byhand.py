"""What a person does with a delivery that the machine cannot finish."""

from __future__ import annotations

import pytest

from connector import workflow
from connector.config import Config
from connector.dispatch import Receipt, Request
from connector.errors import AlreadyDecidedError, TemporaryError, UnclearError
from connector.models import Post
from connector.privacy import erase
from connector.store import Database
from tests.deliveries import (
    HOLD,
    SilentCounter,
    a_city,
    a_worker,
    accepted,
    events,
    numbered,
    the_dispatch,
    the_suspect,
    tickets,
    time_passes,
)

LOST = UnclearError("The server did not answer within 20 s; the request may have arrived.", "desk")
BUSY = TemporaryError("The server asks to come back later (503, without a reason).", "desk")


@pytest.fixture
def city(config: Config) -> Config:
    return a_city(config)


def test_an_unclear_one_is_sent_again_when_a_person_did_not_find_it(city: Config, database: Database) -> None:
    desk = SilentCounter(LOST, numbered)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    worker.step()
    assert len(desk.sent) == 1, "never blindly"
    workflow.send_again(database, the_dispatch(database).id or 0, "Dana")
    worker.step()
    assert len(desk.sent) == 2
    assert (the_dispatch(database).status, len(tickets(database))) == ("sent", 1)
    assert "Not found there: sent again by hand" in events(database)


def test_only_an_unclear_one_can_be_sent_again(city: Config, database: Database) -> None:
    accepted(database, city)
    a_worker(database, city, SilentCounter()).step()
    with pytest.raises(AlreadyDecidedError):
        workflow.send_again(database, the_dispatch(database).id or 0, "Dana")


def test_an_unclear_one_whose_post_was_deleted_is_not_sent_again(city: Config, database: Database) -> None:
    desk = SilentCounter(LOST, numbered)
    suspect_id = accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    with database.writing() as session:
        post = session.get_one(Post, the_suspect(database, suspect_id).lead_post_id)
        erase(session, post.source, [post.source_id], "deleted upstream")
    workflow.send_again(database, the_dispatch(database).id or 0, "Dana")
    worker.step()
    assert len(desk.sent) == 1
    assert the_dispatch(database).status == "cancelled"


@pytest.mark.parametrize("tries", [1, 3])
def test_what_surely_did_not_arrive_can_be_taken_back(city: Config, database: Database, tries: int) -> None:
    suspect_id = accepted(database, city)
    worker = a_worker(database, city, SilentCounter(BUSY))
    for _ in range(tries):
        worker.step()
        time_passes(database, 3600)
    workflow.undo(database, suspect_id, "Dana")
    assert (the_dispatch(database).status, the_suspect(database, suspect_id).status) == ("cancelled", "waiting")
    assert worker.step() == 0


def test_an_answer_for_one_that_was_filed_by_hand_meanwhile_is_told(city: Config, database: Database) -> None:
    """Two tickets stand there now, and only a person can know which one to close."""

    def slow(request: Request) -> Receipt:
        time_passes(database, 10 * HOLD)
        a_worker(database, city, SilentCounter(), name="w2").reclaim()
        workflow.filed_by_hand(database, the_dispatch(database).id or 0, "N-7", "Dana")
        return numbered(request)

    accepted(database, city)
    a_worker(database, city, SilentCounter(slow)).step()
    assert [ticket.number for ticket in tickets(database)] == ["N-7"]
    assert f"A late answer: it stands there too, as N-{the_dispatch(database).reference}" in events(database)
