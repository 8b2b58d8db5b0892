"""The three beats and the follow-up, through `Deliveries.step`, on both databases; the channels are hand-made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError
from sqlmodel import select

from connector import workflow
from connector.config import Config
from connector.dispatch import Absent, Channel, Found, Receipt, Request, TicketRef, TicketState, Unknown
from connector.dispatch.outbox import Outbox
from connector.errors import AuthError, RefusedError, TemporaryError, UnclearError
from connector.models import Dispatch, Post, Ticket, now
from connector.privacy import erase
from connector.store import Database, house
from connector.store import tickets as questions
from tests.builders import a_type
from tests.deliveries import (
    CLAIM,
    FOLLOW_UP,
    HOLD,
    RETRY,
    SETTLE,
    TIMEOUT,
    TRIES,
    Counter,
    SilentCounter,
    a_city,
    a_worker,
    accepted,
    dispatches,
    events,
    numbered,
    seconds_until,
    the_dispatch,
    the_suspect,
    tickets,
    time_passes,
    waiting,
)

LOST = UnclearError("The server did not answer within 20 s; the request may have arrived.", "desk")
BUSY = TemporaryError("The server asks to come back later (503, without a reason).", "desk")


@pytest.fixture
def city(config: Config) -> Config:
    return a_city(config)


# -- the three beats ---------------------------------------------------------------------------------------------------


def test_nothing_leaves_before_its_hold_is_over(city: Config, database: Database) -> None:
    desk = Counter()
    workflow.accept(database, city, waiting(database)[0], "Dana")
    worker = a_worker(database, city, desk)
    assert worker.step() == 0
    time_passes(database, HOLD - 5)
    assert worker.step() == 0
    assert desk.sent == []
    time_passes(database, 6)
    assert worker.step() == 1
    assert len(desk.sent) == 1


def test_an_accepted_suspect_becomes_a_ticket_with_its_history(city: Config, database: Database) -> None:
    desk = Counter()
    suspect_id = accepted(database, city)
    a_worker(database, city, desk).step()
    sent, (ticket,) = the_dispatch(database), tickets(database)
    assert (sent.status, sent.attempts, sent.last_error, sent.claimed_by) == ("sent", 1, "", "")
    assert sent.settled_at is not None
    assert (ticket.dispatch_id, ticket.suspect_id, ticket.channel) == (sent.id, suspect_id, "desk")
    assert (ticket.number, ticket.url, ticket.status) == (
        f"N-{sent.reference}",
        f"http://desk.example/{sent.reference}",
        "open",
    )
    assert events(database) == [f"Sent: N-{sent.reference}"]
    assert a_worker(database, city, desk).step() == 0


def test_what_was_frozen_at_acceptance_is_what_is_sent(city: Config, database: Database) -> None:
    desk = Counter()
    accepted(database, city)
    with database.writing() as session:
        kind = a_type(session)
        kind.title, kind.service_code = "Renamed", "999"
        session.add(kind)
    a_worker(database, city, desk).step()
    assert (desk.sent[0].type_title, desk.sent[0].service_code) == ("Pothole", "001")
    assert desk.sent[0] == Request.thawed(the_dispatch(database).content or {})


def test_no_session_is_open_while_the_channel_talks(city: Config, database: Database) -> None:
    """The channel writes to the very row that is being delivered, from a connection that waits for nobody."""

    def write_to_the_row(request: Request) -> Receipt:
        assert database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        other = Database(database.engine.url.render_as_string(hide_password=False))
        impatient = "PRAGMA busy_timeout=50" if other.is_sqlite else "SET lock_timeout = '50ms'"
        try:
            with other.engine.execution_options(writes=True).connect() as connection:
                if other.is_sqlite:
                    connection.connection.driver_connection.execute(impatient)  # type: ignore[union-attr]
                else:
                    connection.execute(sql(impatient))
                connection.execute(sql("UPDATE dispatch SET last_error = 'written meanwhile'"))
                claimed = connection.execute(sql("SELECT status FROM dispatch")).scalar()
                connection.commit()
        except DBAPIError as error:  # not an error of the channel: the test is to see it
            locked.append(error)
            claimed = ""
        finally:
            other.close()
        seen.append(claimed)
        return numbered(request)

    seen: list[str] = []
    locked: list[DBAPIError] = []
    desk = Counter(LOST, finds=[lambda request: Found(write_to_the_row(request))])
    accepted(database, city)
    a_worker(database, city, Counter(write_to_the_row)).step()
    assert locked == []
    assert seen == ["sending"]
    accepted(database, city)
    a_worker(database, city, desk).step()  # sends, and loses the answer
    a_worker(database, city, desk).step()  # looks up
    assert locked == []
    assert len(seen) == 2
    assert [d.status for d in dispatches(database)] == ["sent", "sent"]


def test_a_channel_that_is_not_configured_keeps_its_deliveries_waiting(city: Config, database: Database) -> None:
    desk, mail = Counter(), Counter(name="mail")
    accepted(database, city)
    accepted(database, city, "noise", channel="mail")
    assert a_worker(database, city, mail).step() == 1
    assert [(d.channel, d.status, d.attempts) for d in dispatches(database)] == [
        ("desk", "queued", 0),
        ("mail", "sent", 1),
    ]
    assert a_worker(database, city, desk, mail).step() == 1
    assert len(desk.sent) == len(mail.sent) == 1


def test_the_shipped_outbox_keeps_one_mail_a_delivery(city: Config, database: Database, tmp_path: Path) -> None:
    outbox = Outbox("desk", Outbox.Settings(), TIMEOUT, tmp_path)
    accepted(database, city)
    a_worker(database, city, outbox).step()
    reference = the_dispatch(database).reference
    assert [mail.reference for mail in outbox.messages()] == [reference]
    assert [(t.number, t.status, t.check_at) for t in tickets(database)] == [(reference, "open", None)]


# -- errors ------------------------------------------------------------------------------------------------------------


def test_a_temporary_error_waits_longer_with_every_try_and_ends_with_a_person(city: Config, database: Database) -> None:
    desk = Counter(BUSY)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    for attempt, wait in ((1, RETRY), (2, 2 * RETRY)):
        worker.step()
        tried = the_dispatch(database)
        assert (tried.status, tried.attempts, tried.last_error) == ("queued", attempt, str(BUSY))
        assert wait - 5 < seconds_until(tried.due_at) <= wait
        assert worker.step() == 0
        time_passes(database, wait + 1)
    worker.step()
    tried = the_dispatch(database)
    assert (tried.status, tried.attempts, tried.last_error) == ("exhausted", TRIES, str(BUSY))
    time_passes(database, 100_000)
    assert worker.step() == 0
    assert desk.references == [tried.reference] * TRIES
    with database.reading() as session:
        assert [row.status for row in questions.page(session, "needs you")] == ["exhausted"]
    assert events(database)[-1].endswith(f"gives up after {TRIES} tries")


def test_the_longest_wait_between_two_tries_is_a_setting(city: Config, database: Database) -> None:
    short = city.delivery.model_copy(update={"retry_longest": 40})
    accepted(database, city)
    worker = a_worker(database, city.model_copy(update={"delivery": short}), Counter(BUSY))
    worker.step()
    time_passes(database, RETRY + 1)
    worker.step()
    assert 35 < seconds_until(the_dispatch(database).due_at) <= 40


def test_the_time_they_ask_for_is_waited(city: Config, database: Database) -> None:
    accepted(database, city)
    worker = a_worker(database, city, Counter(TemporaryError("Later.", "desk", retry_after=500)))
    worker.step()
    assert 495 < seconds_until(the_dispatch(database).due_at) <= 500
    assert events(database) == ["Tried: Later."]


@pytest.mark.parametrize(("asked", "hours"), [(31_536_000, "8,760"), (9e11, "250,000,000")])
def test_no_server_puts_a_request_off_for_longer_than_a_day(
    city: Config, database: Database, asked: float, hours: str
) -> None:
    accepted(database, city)
    worker = a_worker(database, city, Counter(TemporaryError("Later.", "desk", retry_after=asked)))
    worker.step()
    assert 86_395 < seconds_until(the_dispatch(database).due_at) <= 86_400
    assert events(database) == [f"Tried: Later. They ask to wait {hours} h; it is tried again after 24 h."]


def test_a_refusal_returns_to_the_reviewer_and_accepting_again_takes_a_new_reference(
    city: Config, database: Database
) -> None:
    desk = Counter(RefusedError("The server refused it (400, “no such street”).", "desk"), numbered)
    suspect_id = accepted(database, city)
    a_worker(database, city, desk).step()
    first, back = the_dispatch(database), the_suspect(database, suspect_id)
    assert (first.status, back.status, back.decided_by) == ("refused", "waiting", "")
    assert back.returned_because == "The server refused it (400, “no such street”)."
    again = workflow.accept(database, city, suspect_id, "Ben", back.version)
    assert again != first.reference
    assert the_suspect(database, suspect_id).returned_because == ""
    time_passes(database, HOLD + 1)
    a_worker(database, city, desk).step()
    assert [d.status for d in dispatches(database)] == ["refused", "sent"]
    assert desk.references == [first.reference, again]


def test_a_refused_credential_pauses_this_channel_alone_and_costs_no_try(city: Config, database: Database) -> None:
    desk = Counter(AuthError("The server refuses our credential (401, without a reason).", "desk"), numbered)
    mail = Counter(name="mail")
    accepted(database, city)
    accepted(database, city)
    accepted(database, city, "noise", channel="mail")
    worker = a_worker(database, city, desk, mail)
    worker.step()
    assert [(d.status, d.attempts) for d in dispatches(database)] == [("queued", 0), ("queued", 0), ("sent", 1)]
    assert len(desk.sent) == 1
    with database.reading() as session:
        assert "401" in house.pauses(session)["desk"].why
    assert worker.step() == 0
    with database.writing() as session:
        house.resume(session, "desk")
    worker.step()
    assert [(d.status, d.attempts) for d in dispatches(database)] == [("sent", 1)] * 3


def test_a_pause_ends_by_itself(city: Config, database: Database) -> None:
    desk = Counter(AuthError("No.", "desk"), numbered)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    time_passes(database, city.delivery.retry_longest + 1)
    worker.step()
    assert the_dispatch(database).status == "sent"


# -- lost answers ------------------------------------------------------------------------------------------------------


def test_a_lost_answer_is_looked_up_and_never_sent_again_while_nobody_knows(city: Config, database: Database) -> None:
    desk = Counter(LOST)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    lost = the_dispatch(database)
    assert (lost.status, lost.claimed_by, lost.last_error) == ("unclear", "", str(LOST))
    for _ in range(20):
        worker.step()
        time_passes(database, 100_000)
    assert len(desk.sent) == 1
    assert len(desk.sought) == 8
    assert {request.reference for request in desk.sought} == {lost.reference}
    lost = the_dispatch(database)
    assert lost.status == "unclear"
    assert lost.last_error == "Nobody knows. A person must look whether it arrived."


def test_a_fruitless_look_up_is_repeated_with_back_off(city: Config, database: Database) -> None:
    accepted(database, city)
    worker = a_worker(database, city, Counter(LOST))
    worker.step()
    for wait in (RETRY, 2 * RETRY, 4 * RETRY):
        assert worker.step() == 1
        assert wait - 5 < seconds_until(the_dispatch(database).due_at) <= wait
        time_passes(database, wait + 1)


def test_found_by_its_reference_is_sent(city: Config, database: Database) -> None:
    desk = Counter(LOST, finds=[Unknown("Not now"), Found(Receipt(number="N-7"))])
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    worker.step()
    time_passes(database, RETRY + 1)
    worker.step()
    assert the_dispatch(database).status == "sent"
    assert [t.number for t in tickets(database)] == ["N-7"]
    assert events(database)[-1] == "Found by its reference: N-7"
    assert len(desk.sent) == 1


def test_absent_is_believed_only_after_timeout_and_settling_and_then_sent_again(
    city: Config, database: Database
) -> None:
    desk = Counter(LOST, numbered, finds=[Absent()])
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    worker.step()
    early = the_dispatch(database)
    assert early.status == "unclear"
    assert TIMEOUT + SETTLE - 5 < seconds_until(early.due_at) <= TIMEOUT + SETTLE
    time_passes(database, TIMEOUT + SETTLE - 5)
    assert worker.step() == 0
    time_passes(database, 6)
    worker.step()
    assert len(desk.sought) == 2
    assert desk.references == [early.reference] * 2
    again = the_dispatch(database)
    assert (again.status, again.attempts) == ("sent", 2)
    assert len(tickets(database)) == 1


def test_an_absent_that_was_asked_too_early_is_not_believed(city: Config, database: Database) -> None:
    """The answer speaks of the moment of the question, not of its own."""
    accepted(database, city)
    worker = a_worker(database, city, Counter(LOST))
    worker.step()
    believed_in = 0.5

    def late(request: Request) -> Absent:
        time.sleep(believed_in + 0.1)
        return Absent()

    worker = a_worker(database, city, Counter(finds=[late]))
    claim = worker._claim_lookup()
    assert claim is not None
    sent_at = now() - timedelta(seconds=TIMEOUT + SETTLE - believed_in)
    worker._look_up(replace(claim, sent_at=sent_at))
    assert the_dispatch(database).status == "unclear"


def test_a_request_that_stays_absent_is_given_up_after_its_tries(city: Config, database: Database) -> None:
    desk = Counter(LOST, finds=[Absent()])
    accepted(database, city)
    worker = a_worker(database, city, desk)
    for _ in range(3 * TRIES):
        worker.step()
        time_passes(database, TIMEOUT + SETTLE + 1)
    assert the_dispatch(database).status == "exhausted"
    assert len(desk.sent) == TRIES


def test_a_channel_that_cannot_look_up_asks_a_person_at_once(city: Config, database: Database) -> None:
    desk = SilentCounter(LOST)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    lost = the_dispatch(database)
    assert (lost.status, lost.last_error) == ("unclear", f"{LOST} A person must look whether it arrived.")
    time_passes(database, 10_000_000)
    assert worker.step() == 0
    assert len(desk.sent) == 1
    assert desk.sought == []


@pytest.mark.parametrize("broken", [ValueError("SECRET crater"), KeyError("SECRET crater"), MemoryError()])
def test_a_broken_adapter_may_have_delivered(city: Config, database: Database, broken: Exception) -> None:
    desk = Counter(broken, finds=[ValueError("SECRET crater"), Found(Receipt(number="N-1"))])
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    lost = the_dispatch(database)
    assert (lost.status, lost.last_error) == ("unclear", f"The channel broke: {type(broken).__name__}.")
    worker.step()
    assert "The look-up broke: ValueError" in the_dispatch(database).last_error
    time_passes(database, RETRY + 1)
    worker.step()
    assert the_dispatch(database).status == "sent"
    assert len(desk.sent) == 1
    assert "SECRET" not in " ".join(events(database))


def test_one_broken_delivery_does_not_hold_the_others_back(city: Config, database: Database) -> None:
    desk = Counter(ValueError("broken"), BUSY, RefusedError("No.", "desk"), numbered)
    for _ in range(4):
        accepted(database, city)
    a_worker(database, city, desk).step()
    assert [d.status for d in dispatches(database)] == ["unclear", "queued", "refused", "sent"]


# -- claims ------------------------------------------------------------------------------------------------------------


def left_by_a_dead_worker(database: Database, city: Config) -> Dispatch:
    """A delivery whose worker was killed between claim and record."""

    class Killed(BaseException):
        """Like kill -9: nothing is recorded after it."""

    def die(request: Request) -> Receipt:
        raise Killed

    accepted(database, city)
    with pytest.raises(Killed):
        a_worker(database, city, Counter(die), name="dead").step()
    return the_dispatch(database)


def test_sending_of_a_dead_worker_becomes_unclear_when_its_claim_runs_out(city: Config, database: Database) -> None:
    left = left_by_a_dead_worker(database, city)
    assert (left.status, left.claimed_by, left.attempts) == ("sending", "dead", 1)
    desk = Counter(finds=[Found(Receipt(number="N-9"))])
    worker = a_worker(database, city, desk, name="next")
    time_passes(database, CLAIM - 5)
    assert worker.step() == 0
    time_passes(database, 6)
    worker.step()
    assert desk.sent == []
    assert [t.number for t in tickets(database)] == ["N-9"]
    assert events(database)[0] == "The worker stopped while it was sending; looking it up"


def test_a_dead_workers_request_settles_after_its_claim(city: Config, database: Database) -> None:
    """It may have begun to talk late: only the end of its claim says when it was surely silent."""
    left_by_a_dead_worker(database, city)
    desk = Counter(finds=[Absent()])
    worker = a_worker(database, city, desk, name="next")
    time_passes(database, CLAIM + 1)
    worker.step()
    assert (len(desk.sought), the_dispatch(database).status) == (1, "unclear")
    time_passes(database, SETTLE - 10)
    worker.step()
    assert desk.sent == []
    time_passes(database, 11)
    worker.step()
    assert len(desk.sent) == 1
    assert the_dispatch(database).status == "sent"


def test_an_answer_after_the_claim_ran_out_is_recorded_and_makes_one_ticket(city: Config, database: Database) -> None:
    other = Counter(finds=[Unknown("Nobody knows")])

    def slow(request: Request) -> Receipt:
        time_passes(database, CLAIM + 1)
        a_worker(database, city, other, name="other").step()
        assert the_dispatch(database).status == "unclear"
        return numbered(request)

    accepted(database, city)
    a_worker(database, city, Counter(slow)).step()
    sent = the_dispatch(database)
    assert (sent.status, sent.attempts, sent.claimed_by) == ("sent", 1, "")
    assert [t.number for t in tickets(database)] == [f"N-{sent.reference}"]
    time_passes(database, 100_000)
    assert a_worker(database, city, other, name="other")._claim_due() is None


def test_a_late_answer_and_a_look_up_that_found_it_make_one_ticket(city: Config, database: Database) -> None:
    other = Counter(finds=[lambda request: Found(numbered(request))])

    def slow(request: Request) -> Receipt:
        time_passes(database, CLAIM + 1)
        a_worker(database, city, other, name="other").step()
        assert the_dispatch(database).status == "sent"
        return numbered(request)

    accepted(database, city)
    a_worker(database, city, Counter(slow)).step()
    assert len(tickets(database)) == 1


@pytest.mark.parametrize("status", ["queued", "exhausted"])
def test_a_late_answer_counts_though_it_was_given_up(city: Config, database: Database, status: str) -> None:
    tries = TRIES if status == "queued" else 1
    known = city.model_copy(update={"delivery": city.delivery.model_copy(update={"tries": tries})})
    other = Counter(finds=[Absent()])

    def slow(request: Request) -> Receipt:
        time_passes(database, CLAIM + SETTLE + 1)
        worker = a_worker(database, known, other, name="other")
        worker.reclaim()
        claim = worker._claim_lookup()
        assert claim is not None
        worker._look_up(claim)
        assert the_dispatch(database).status == status
        return numbered(request)

    accepted(database, city)
    worker = a_worker(database, known, Counter(slow))
    worker.step()
    assert the_dispatch(database).status == "sent"
    assert len(tickets(database)) == 1
    assert worker.step() == 0


@pytest.mark.parametrize("error", [BUSY, LOST, RefusedError("No.", "desk"), AuthError("No.", "desk")])
def test_an_error_after_the_claim_ran_out_changes_nothing(city: Config, database: Database, error: Exception) -> None:
    """The other worker's claim is the fence: what it does is not undone by a worker that is late."""

    def slow(request: Request) -> Receipt:
        time_passes(database, CLAIM + 1)
        a_worker(database, city, Counter(finds=[lambda r: Found(numbered(r))]), name="other").step()
        raise error

    accepted(database, city)
    a_worker(database, city, Counter(slow)).step()
    assert the_dispatch(database).status == "sent"
    assert len(tickets(database)) == 1


def test_a_worker_that_stood_still_after_its_claim_does_not_send(city: Config, database: Database) -> None:
    """A computer that slept between claim and talk would send what another one sends meanwhile."""
    desk = Counter()
    accepted(database, city)
    worker = a_worker(database, city, desk)
    claim = worker._claim_due()
    assert claim is not None
    asleep = timedelta(seconds=CLAIM - TIMEOUT + 1)
    worker._send(replace(claim, sent_at=claim.sent_at - asleep, until=claim.until - asleep))
    assert desk.sent == []
    given_back = the_dispatch(database)
    assert (given_back.status, given_back.attempts, given_back.claimed_by) == ("queued", 0, "")
    worker.step()
    assert len(desk.sent) == 1


def test_two_workers_never_send_one_delivery_twice(city: Config, database: Database) -> None:
    for suspect_id in waiting(database, 30):
        workflow.accept(database, city, suspect_id, "Dana")
    time_passes(database, HOLD + 1)
    together = threading.Barrier(3)

    def talk(request: Request) -> Receipt:
        time.sleep(0.02)  # long enough for the others to look for work
        return numbered(request)

    desks = [Counter(talk) for _ in range(3)]
    errors: list[BaseException] = []

    def work(desk: Counter, name: str) -> None:
        try:
            worker = a_worker(database, city, desk, name=name)
            together.wait()
            while worker.step():
                pass
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=work, args=(desk, f"w{at}")) for at, desk in enumerate(desks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    sent = [reference for desk in desks for reference in desk.references]
    assert sorted(sent) == sorted(d.reference for d in dispatches(database))
    assert {d.status for d in dispatches(database)} == {"sent"}
    assert len({t.dispatch_id for t in tickets(database)}) == 30


def test_a_worker_that_is_told_to_stop_begins_nothing_new(city: Config, database: Database) -> None:
    stopping = threading.Event()

    def stop(request: Request) -> Receipt:
        stopping.set()
        return numbered(request)

    accepted(database, city)
    accepted(database, city)
    desk = Counter(stop)
    a_worker(database, city, desk).step(stopping.is_set)
    assert [d.status for d in dispatches(database)] == ["sent", "queued"]
    assert desk.asked == []


# -- what was deleted while it was on its way --------------------------------------------------------------------------


def delete_posts(database: Database) -> None:
    with database.writing() as session:
        ids = list(session.exec(select(Post.source_id)))
        assert erase(session, "sample", ids, "deleted upstream") == len(ids)


def test_a_post_deleted_while_it_is_sent_is_not_tried_again(city: Config, database: Database) -> None:
    def deleted(request: Request) -> Receipt:
        delete_posts(database)
        raise BUSY

    suspect_id = accepted(database, city)
    desk = Counter(deleted)
    worker = a_worker(database, city, desk)
    worker.step()
    time_passes(database, 100_000)
    worker.step()
    ended = the_dispatch(database)
    assert (ended.status, ended.content) == ("cancelled", None)
    assert the_suspect(database, suspect_id).status == "withdrawn"
    assert len(desk.sent) == 1


def test_a_post_deleted_while_unclear_is_looked_up_but_not_sent_again(city: Config, database: Database) -> None:
    suspect_id = accepted(database, city)
    left = Counter(LOST, finds=[Absent()])
    worker = a_worker(database, city, left)
    worker.step()
    delete_posts(database)
    time_passes(database, TIMEOUT + SETTLE + 1)
    worker.step()
    assert [request.reference for request in left.sought] == [the_dispatch(database).reference]
    assert "crater" not in left.sought[0].text
    assert the_dispatch(database).status == "cancelled"
    assert the_suspect(database, suspect_id).status == "withdrawn"
    assert len(left.sent) == 1


def test_a_post_deleted_while_its_worker_died_is_forgotten(city: Config, database: Database) -> None:
    assert "crater" in str(left_by_a_dead_worker(database, city).content)
    delete_posts(database)
    time_passes(database, CLAIM + 1)
    a_worker(database, city, Counter(), name="next").step()
    left = the_dispatch(database)
    assert left.status == "unclear"
    assert "crater" not in str(left.content)


# -- follow up ---------------------------------------------------------------------------------------------------------

LONG_AGO = datetime(2026, 1, 5, 12, tzinfo=UTC)


def followed(city: Config, database: Database, *sends: object) -> tuple[Counter, Callable[..., Ticket]]:
    """A ticket that was just made, and a call that tells its state at the next look."""
    desk = Counter(*sends)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()

    def look(**told: object) -> Ticket:
        time_passes(database, 13 * FOLLOW_UP)
        (ticket,) = tickets(database)
        ref = TicketRef(number=ticket.number, token="" if ticket.number else ticket.token)
        known = {"number": ticket.number, "closed": False, "status": "open"}
        desk.states = [TicketState(ref, **(known | told))]  # type: ignore[arg-type]
        worker.step()
        (ticket,) = tickets(database)
        return ticket

    return desk, look


def test_a_token_becomes_a_number(city: Config, database: Database) -> None:
    desk, look = followed(city, database, Receipt(token="T-1"))
    assert seconds_until(tickets(database)[0].check_at or now()) <= 10
    assert (look(number="", status="").number, desk.asked[-1]) == ("", TicketRef(token="T-1"))
    assert look(number="PA-1").number == "PA-1"
    assert events(database)[-1] == "Number PA-1"
    look(number="PA-1")
    assert desk.asked[-1] == TicketRef(number="PA-1")
    assert events(database).count("Number PA-1") == 1


def test_a_closed_ticket_keeps_what_they_say_was_done(city: Config, database: Database) -> None:
    desk, look = followed(city, database)
    ticket = look(closed=True, notes="Filled this morning.", changed_at=LONG_AGO, url="http://desk.example/7")
    assert (ticket.status, ticket.notes, ticket.closed_at) == ("closed", "Filled this morning.", LONG_AGO)
    assert ticket.url == "http://desk.example/7"
    assert events(database)[-1] == "Closed: Filled this morning."


def test_an_older_state_is_ignored(city: Config, database: Database) -> None:
    desk, look = followed(city, database)
    look(closed=True, notes="Done.", changed_at=LONG_AGO)
    ticket = look(closed=False, notes="Assigned.", changed_at=LONG_AGO - timedelta(minutes=1))
    assert (ticket.status, ticket.notes, ticket.changed_at) == ("closed", "Done.", LONG_AGO)


def test_a_reopened_ticket_is_open_again(city: Config, database: Database) -> None:
    desk, look = followed(city, database)
    closed_at = now() - timedelta(hours=3)
    look(closed=True, notes="Done.", changed_at=closed_at)
    ticket = look(closed=False, notes="Came back.", changed_at=closed_at + timedelta(minutes=1))
    assert (ticket.status, ticket.notes, ticket.closed_at) == ("open", "Came back.", None)
    assert [what.partition(":")[0] for what in events(database)] == ["Sent", "Closed", "Open"]


def test_a_ticket_closed_long_ago_is_no_longer_asked_for(city: Config, database: Database) -> None:
    desk, look = followed(city, database)
    look(closed=True, changed_at=now())
    look(closed=True, changed_at=now())
    asked = len(desk.asked)
    time_passes(database, 15 * 24 * 3600)
    a_worker(database, city, desk).step()
    time_passes(database, 24 * 3600)
    a_worker(database, city, desk).step()
    assert len(desk.asked) == asked + 1


def test_a_ticket_is_asked_for_no_more_often_than_told(city: Config, database: Database) -> None:
    desk = Counter()
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    assert worker.step() == 0
    time_passes(database, FOLLOW_UP + 1)
    assert worker.step() == 1
    assert worker.step() == 0


def test_two_suspects_filed_as_one_ticket_both_follow_it(city: Config, database: Database) -> None:
    desk = Counter(Receipt(number="PA-7"))
    accepted(database, city)
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    time_passes(database, FOLLOW_UP + 1)
    desk.states = [TicketState(TicketRef(number="PA-7"), number="PA-7", closed=True, status="closed", notes="Done.")]
    worker.step()
    assert desk.asked == [TicketRef(number="PA-7")]
    assert [(t.status, t.notes) for t in tickets(database)] == [("closed", "Done.")] * 2


@pytest.mark.parametrize(
    ("failure", "said"),
    [(BUSY, str(BUSY)), (ValueError("SECRET crater"), "The channel broke: ValueError")],
)
def test_a_failed_look_at_a_ticket_is_shown_and_repeated(
    city: Config, database: Database, failure: Exception, said: str
) -> None:
    desk, look = followed(city, database)
    time_passes(database, FOLLOW_UP + 1)
    desk.states = failure
    a_worker(database, city, desk).step()
    (ticket,) = tickets(database)
    assert (ticket.status, ticket.last_error) == ("open", said)
    assert look(closed=True).last_error == ""


def test_a_refused_credential_while_following_pauses_the_channel(city: Config, database: Database) -> None:
    desk, _ = followed(city, database)
    desk.states = AuthError("The server refuses our credential.", "desk")
    time_passes(database, FOLLOW_UP + 1)
    a_worker(database, city, desk).step()
    asked = len(desk.asked)
    time_passes(database, FOLLOW_UP + 1)
    a_worker(database, city, desk).step()
    assert len(desk.asked) == asked
    with database.reading() as session:
        assert list(house.pauses(session)) == ["desk"]


def test_a_black_box_is_not_followed(city: Config, database: Database) -> None:
    desk = Counter(Receipt(trackable=False))
    accepted(database, city)
    worker = a_worker(database, city, desk)
    worker.step()
    time_passes(database, 100_000)
    worker.step()
    (ticket,) = tickets(database)
    assert (ticket.status, ticket.check_at, desk.asked) == ("untrackable", None, [])
    assert events(database) == ["Sent: no number is told"]


# -- words -------------------------------------------------------------------------------------------------------------


class Chatty(Counter):
    """Breaks in every way, with the post's text in each message of its own."""

    def send(self, request: Request) -> Receipt:
        raise ValueError(f"cannot handle {request.text}")

    def find(self, request: Request) -> Found | Absent | Unknown:
        raise ValueError(f"cannot find {request.text}")


def test_no_log_line_holds_a_post(
    city: Config, database: Database, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def late(request: Request) -> Receipt:
        workflow.filed_by_hand(database, the_dispatch(database).id or 0, "N-1", "Dana")
        return numbered(request)

    def becomes_unclear(request: Request) -> Receipt:
        time_passes(database, CLAIM + 1)
        a_worker(database, city, Chatty(), name="other").reclaim()
        return late(request)

    ways: list[Channel] = [Chatty(), Counter(becomes_unclear)]
    with structlog.testing.capture_logs() as lines:
        accepted(database, city)
        chatty = a_worker(database, city, ways[0])
        chatty.step()
        chatty.step()
        with database.writing() as session:
            session.connection().execute(sql("DELETE FROM ticket_event"))
            session.connection().execute(sql("DELETE FROM dispatch_post"))
            session.connection().execute(sql("DELETE FROM dispatch"))
        accepted(database, city)
        a_worker(database, city, ways[1]).step()
    assert [line["event"] for line in lines] == [
        "a channel broke while sending",
        "a channel broke while looking up",
        "an answer came for a delivery that had moved on",
    ]
    printed = str(lines) + "".join(capfd.readouterr())
    assert "crater" not in printed
    assert "Alder" not in printed
    assert "crater" not in " ".join(events(database))
