"""Decisions: compare-and-set, one commit, undone without a trace; on both databases, with the outbox as the way out."""

from __future__ import annotations

import contextlib
import random
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from connector import workflow
from connector.config import Adapter, Config
from connector.dispatch import Absent, Found, Receipt, Request, Unknown
from connector.dispatch.outbox import Outbox
from connector.errors import (
    AlreadyDecidedError,
    AuthError,
    ConfigError,
    ConnectorError,
    RefusedError,
    TemporaryError,
    UnclearError,
)
from connector.models import (
    DELIVERY_FOLLOWS,
    LIVE,
    SUSPECT_FOLLOWS,
    Decision,
    DeliveryStatus,
    DismissReason,
    Dispatch,
    Draft,
    Post,
    SourceState,
    Suspect,
    SuspectPost,
    SuspectStatus,
    now,
)
from connector.privacy import erase
from connector.sealing import CLOSE, OPEN
from connector.store import Database
from connector.store.house import resume
from tests.builders import a_dispatch, a_post, a_suspect, a_ticket, a_type
from tests.deliveries import (
    HOLD,
    SHOWN,
    TIMEOUT,
    Counter,
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

LOST = UnclearError("The answer was lost.", "desk")
BUSY = TemporaryError("Come back later.", "desk")


@pytest.fixture
def city(config: Config) -> Config:
    return a_city(config, "desk", "mail")


def decisions(database: Database, suspect_id: int) -> list[tuple[str, str, str]]:
    """Kind, reason and person, oldest first."""
    with database.reading() as session:
        found = session.exec(select(Decision).where(Decision.suspect_id == suspect_id).order_by(Decision.id))
        return [(d.kind, d.reason, d.by) for d in found]


# -- accept ------------------------------------------------------------------------------------------------------------


def test_accepting_queues_a_delivery_for_after_the_hold(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    reference = workflow.accept(database, city, suspect_id, "Dana", version=1)
    suspect, queued = the_suspect(database, suspect_id), the_dispatch(database)
    assert (suspect.status, suspect.decided_by, suspect.version) == ("accepted", "Dana", 2)
    assert (queued.suspect_id, queued.channel, queued.kind, queued.by) == (suspect_id, "desk", "ticket", "Dana")
    assert (queued.status, queued.attempts, queued.reference) == ("queued", 0, reference)
    assert HOLD - 5 < seconds_until(queued.due_at) <= HOLD
    assert decisions(database, suspect_id) == [("accept", "", "Dana")]
    assert re.fullmatch(r"SC-[0-9A-HJKMNP-TV-Z]{6}", reference)


def test_a_commit_that_fails_leaves_neither_decision_nor_delivery(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)

    def fail(session: Session) -> None:
        session.flush()
        written.append(session.connection().execute(text("SELECT count(*) FROM dispatch")).scalar())
        raise RuntimeError("the disk is full")

    written: list[Any] = []
    event.listen(Session, "before_commit", fail)
    try:
        with pytest.raises(RuntimeError, match="disk"):
            workflow.accept(database, city, suspect_id, "Dana")
    finally:
        event.remove(Session, "before_commit", fail)
    assert written == [1]  # all was written, and then nothing stays
    assert dispatches(database) == []
    assert decisions(database, suspect_id) == []
    assert the_suspect(database, suspect_id).status == "waiting"


def test_a_delivery_that_cannot_be_written_takes_the_decision_with_it(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        a_dispatch(session, session.get_one(Suspect, suspect_id), channel="desk")
    with pytest.raises(IntegrityError):
        workflow.accept(database, city, suspect_id, "Dana")
    assert decisions(database, suspect_id) == []
    assert the_suspect(database, suspect_id).status == "waiting"


def test_what_goes_out_is_masked_and_its_links_name_nobody(city: Config, database: Database) -> None:
    with database.writing() as session:
        session.add(SourceState(name="sample", kind="x"))
        a_type(session, channel="desk")
        first, second = a_post(session, f"{OPEN}0{CLOSE} a crater"), a_post(session, f"seen it {OPEN}0{CLOSE}")
        gone = a_post(session, "", gone_at=now())
        second.version_id = "222"
        suspect = a_suspect(session, post=first, people=2)
        suspect_id = suspect.id or 0
        session.add_all(SuspectPost(suspect_id=suspect_id, post_id=post.id or 0) for post in (second, gone))
    workflow.accept(database, city, suspect_id, "Dana")
    content = the_dispatch(database).content or {}
    assert content["text"] == "… a crater\n\nseen it …"
    assert content["links"] == [f"https://x.com/i/web/status/{first.source_id}", "https://x.com/i/web/status/222"]
    assert content["people"] == 2
    assert OPEN not in str(content)


def test_a_reviewers_wording_replaces_the_residents_and_is_masked_too(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    workflow.accept(database, city, suspect_id, "Dana", text=f"Crater, says {OPEN}0{CLOSE}")
    assert (the_dispatch(database).content or {})["text"] == "Crater, says …"


def test_the_promised_time_follows_from_the_type(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    reference = workflow.accept(database, city, suspect_id, "Dana")
    request = Request.thawed(the_dispatch(database).content or {})
    assert request.due_at is not None
    assert request.accepted_at is not None
    assert request.due_at - request.accepted_at == timedelta(hours=120)
    assert request.ticket_page == f"http://127.0.0.1:8501/tickets?find={reference}"
    assert (request.city, request.timezone, request.text) == ("Testville", "America/Los_Angeles", SHOWN)


def test_a_type_without_an_address_cannot_go_out_by_mail(city: Config, database: Database) -> None:
    mail = Adapter(kind="email")
    mailing = city.model_copy(update={"channels": {"mail": mail}})
    (suspect_id,) = waiting(database, channel="mail")
    with pytest.raises(ConfigError, match="names no address"):
        workflow.accept(database, mailing, suspect_id, "Dana")
    assert the_suspect(database, suspect_id).status == "waiting"


def test_nothing_is_sent_of_posts_that_are_gone(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        for post in session.exec(select(Post)):
            post.gone_at = now()
            session.add(post)
    with pytest.raises(AlreadyDecidedError, match="deleted by their authors"):
        workflow.accept(database, city, suspect_id, "Dana")


@pytest.mark.parametrize("verb", ["accept", "dismiss"])
def test_a_decision_drops_what_was_typed(city: Config, database: Database, verb: str) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        session.add(Draft(suspect_id=suspect_id, by="Dana", content={"text": "half a sent"}))
    if verb == "accept":
        workflow.accept(database, city, suspect_id, "Ben")
    else:
        workflow.dismiss(database, suspect_id, "joke", "Ben")
    with database.reading() as session:
        assert session.exec(select(Draft)).all() == []


# -- compare and set ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "done"), [("accept", "accepted"), ("dismiss", "dismissed"), ("park", "parked"), ("retype", "retyped")]
)
def test_the_slower_reviewer_is_told_who_was_faster_and_when(
    city: Config, database: Database, first: str, done: str
) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        a_type(session, "noise", channel="desk")
    {
        "accept": lambda: workflow.accept(database, city, suspect_id, "Dana", 1),
        "dismiss": lambda: workflow.dismiss(database, suspect_id, "joke", "Dana", 1),
        "park": lambda: workflow.park(database, suspect_id, "Dana", 1),
        "retype": lambda: workflow.retype(database, city, suspect_id, "noise", "Dana", 1),
    }[first]()
    told = rf"^It was {done} by Dana, (a moment|\d+ min) ago; your key did nothing\.$"
    before = the_suspect(database, suspect_id).model_dump()
    for second in (
        lambda: workflow.accept(database, city, suspect_id, "Ben", 1),
        lambda: workflow.dismiss(database, suspect_id, "joke", "Ben", 1),
        lambda: workflow.park(database, suspect_id, "Ben", 1),
        lambda: workflow.retype(database, city, suspect_id, "noise", "Ben", 1),
    ):
        with pytest.raises(AlreadyDecidedError, match=told):
            second()
    assert the_suspect(database, suspect_id).model_dump() == before
    assert len(decisions(database, suspect_id)) == 1


def test_a_suspect_that_changed_since_it_was_shown_is_not_decided(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        suspect = session.get_one(Suspect, suspect_id)
        suspect.version = 2  # for example: its post was edited
        session.add(suspect)
    with pytest.raises(AlreadyDecidedError, match="changed meanwhile: look at it again"):
        workflow.accept(database, city, suspect_id, "Dana", version=1)
    workflow.accept(database, city, suspect_id, "Dana", version=2)


def test_a_suspect_that_is_not_there_is_a_sentence(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    for verb in (
        lambda: workflow.accept(database, city, 999, "Dana"),
        lambda: workflow.dismiss(database, 999, "joke", "Dana"),
        lambda: workflow.undo(database, 999, "Dana"),
        lambda: workflow.retype(database, city, 999, "pothole", "Dana"),
    ):
        with pytest.raises(LookupError, match="There is no suspect 999"):
            verb()
    with pytest.raises(LookupError, match="There is no type 'nonsense'"):
        workflow.retype(database, city, suspect_id, "nonsense", "Dana")


def test_of_two_at_once_exactly_one_decides(city: Config, database: Database) -> None:
    """Thirty suspects, two people each, at the same moment."""
    suspects = waiting(database, 30)
    together = threading.Barrier(2)
    outcomes: dict[str, list[str]] = {"Dana": [], "Ben": []}

    def decide(by: str, verb: Callable[[int], object]) -> None:
        for suspect_id in suspects:
            together.wait()
            try:
                verb(suspect_id)
                outcomes[by].append("won")
            except AlreadyDecidedError as error:
                outcomes[by].append(str(error))
            except BaseException as error:
                outcomes[by].append(repr(error))
                together.abort()
                raise

    threads = [
        threading.Thread(target=decide, args=("Dana", lambda i: workflow.accept(database, city, i, "Dana", 1))),
        threading.Thread(target=decide, args=("Ben", lambda i: workflow.dismiss(database, i, "joke", "Ben", 1))),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for suspect_id, dana, ben in zip(suspects, outcomes["Dana"], outcomes["Ben"], strict=True):
        ((kind, _, by),) = decisions(database, suspect_id)
        assert {"Dana": dana, "Ben": ben}[by] == "won"
        loser = ben if by == "Dana" else dana
        assert loser.startswith(f"It was {'accepted' if kind == 'accept' else 'dismissed'} by {by}, ")
        assert len(dispatches(database, suspect_id)) == (1 if kind == "accept" else 0)


def test_a_worker_and_an_undo_at_once_agree(city: Config, database: Database) -> None:
    """Either nothing left the house, or the person is told that it did."""
    suspects = waiting(database, 20)
    for suspect_id in suspects:
        workflow.accept(database, city, suspect_id, "Dana")
    time_passes(database, HOLD + 1)
    desk = Counter()
    worker = a_worker(database, city, desk)
    undone: list[int] = []

    def undo() -> None:
        for suspect_id in reversed(suspects):
            try:
                workflow.undo(database, suspect_id, "Dana")
                undone.append(suspect_id)
            except AlreadyDecidedError as error:
                assert str(error).startswith("Already sent")  # noqa: PT017 - told only when it lost the race

    thread = threading.Thread(target=undo)
    thread.start()
    while worker.step():
        pass
    thread.join()
    while worker.step():
        pass
    for suspect_id in suspects:
        (dispatch,) = dispatches(database, suspect_id)
        assert dispatch.status == ("cancelled" if suspect_id in undone else "sent")
        assert (dispatch.reference in desk.references) == (suspect_id not in undone)


def test_one_live_delivery_a_suspect_and_channel_is_held_by_the_database(database: Database) -> None:
    with database.writing() as session:
        suspect_id = a_suspect(session).id or 0
        a_dispatch(session, session.get_one(Suspect, suspect_id), channel="desk", status="sent")
    for status in DeliveryStatus:
        for channel in ("desk", "mail"):
            with database.engine.connect() as connection:
                row = {"reference": f"SC-{status}", "status": str(status), "channel": channel, "suspect_id": suspect_id}
                insert = Dispatch.__table__.insert().values(**row)  # type: ignore[attr-defined]
                if status in LIVE and channel == "desk":
                    with pytest.raises(IntegrityError):
                        connection.execute(insert)
                else:
                    connection.execute(insert)
                    comment = insert.values(kind="comment", reference="SC-comment", status="queued", channel="desk")
                    connection.execute(comment)
                connection.rollback()


# -- dismiss, park, undo -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", DismissReason)
def test_dismissing_says_why(database: Database, reason: DismissReason) -> None:
    (suspect_id,) = waiting(database)
    workflow.dismiss(database, suspect_id, reason, "Dana", 1)
    suspect = the_suspect(database, suspect_id)
    assert (suspect.status, suspect.dismiss_reason, suspect.decided_by) == ("dismissed", reason, "Dana")
    assert decisions(database, suspect_id) == [("dismiss", reason, "Dana")]


def test_another_reason_is_none(database: Database) -> None:
    (suspect_id,) = waiting(database)
    with pytest.raises(ValueError, match="boring"):
        workflow.dismiss(database, suspect_id, "boring", "Dana")
    assert the_suspect(database, suspect_id).status == "waiting"


def test_undo_before_the_claim_leaves_no_trace_outside(city: Config, database: Database, tmp_path: Path) -> None:
    outbox = Outbox("desk", Outbox.Settings(), TIMEOUT, tmp_path / "out")
    (suspect_id,) = waiting(database)
    first = workflow.accept(database, city, suspect_id, "Dana")
    workflow.undo(database, suspect_id, "Dana")
    time_passes(database, HOLD + 1)
    worker = a_worker(database, city, outbox)
    assert worker.step() == 0
    assert list((tmp_path / "out").rglob("*")) == []
    assert the_dispatch(database).status == "cancelled"
    suspect = the_suspect(database, suspect_id)
    assert (suspect.status, suspect.decided_by, suspect.decided_at) == ("waiting", "", None)
    again = workflow.accept(database, city, suspect_id, "Dana", suspect.version)
    time_passes(database, HOLD + 1)
    worker.step()
    assert [mail.reference for mail in outbox.messages()] == [again]
    assert first != again
    assert [kind for kind, _, _ in decisions(database, suspect_id)] == ["accept", "undo", "accept"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Receipt(number="PA-7"), "Already sent, ticket PA-7."),
        (Receipt(token="T-7"), "Already sent, ticket T-7."),
        (LOST, "Already sent, reference {reference}."),
    ],
)
def test_undo_after_it_left_says_where_it_is(
    city: Config, database: Database, answer: Receipt | Exception, told: str
) -> None:
    suspect_id = accepted(database, city)
    a_worker(database, city, Counter(answer)).step()
    before = the_dispatch(database)
    with pytest.raises(AlreadyDecidedError) as error:
        workflow.undo(database, suspect_id, "Dana")
    assert str(error.value) == told.format(reference=before.reference)
    assert the_dispatch(database) == before
    assert the_suspect(database, suspect_id).status == "accepted"


def test_undo_while_it_is_being_sent_is_too_late(city: Config, database: Database) -> None:
    def undo(request: Request) -> Receipt:
        with pytest.raises(AlreadyDecidedError, match="Already sent, reference"):
            workflow.undo(database, suspect_id, "Dana")
        return numbered(request)

    suspect_id = accepted(database, city)
    a_worker(database, city, Counter(undo)).step()
    assert the_dispatch(database).status == "sent"


def test_undo_of_a_dismissal_and_of_parking(database: Database) -> None:
    for put_aside in (
        lambda i: workflow.dismiss(database, i, "joke", "Dana"),
        lambda i: workflow.park(database, i, "Dana", until=now() + timedelta(days=1)),
    ):
        (suspect_id,) = waiting(database)
        put_aside(suspect_id)
        workflow.undo(database, suspect_id, "Ben")
        suspect = the_suspect(database, suspect_id)
        assert (suspect.status, suspect.dismiss_reason, suspect.parked_until) == ("waiting", "", None)
        assert (suspect.decided_by, suspect.decided_at, suspect.version) == ("", None, 3)


def test_there_is_nothing_to_undo_twice(database: Database) -> None:
    (suspect_id,) = waiting(database)
    with pytest.raises(AlreadyDecidedError, match="nothing to undo: it is waiting"):
        workflow.undo(database, suspect_id, "Dana")


def test_a_parked_suspect_wakes_at_its_time(database: Database) -> None:
    early, late, open_ended = waiting(database, 3)
    workflow.park(database, early, "Dana", until=now() + timedelta(hours=1))
    workflow.park(database, late, "Dana", until=now() + timedelta(hours=3))
    workflow.park(database, open_ended, "Dana")
    time_passes(database, 2 * 3600)
    with database.writing() as session:
        assert workflow.wake(session) == 1
    assert [the_suspect(database, i).status for i in (early, late, open_ended)] == ["waiting", "parked", "parked"]
    assert the_suspect(database, early).parked_until is None


def test_a_parked_suspect_can_be_decided(city: Config, database: Database) -> None:
    first, second = waiting(database, 2)
    for suspect_id in (first, second):
        workflow.park(database, suspect_id, "Dana")
    workflow.accept(database, city, first, "Ben", 2)
    workflow.dismiss(database, second, "fixed", "Ben", 2)
    assert [the_suspect(database, i).status for i in (first, second)] == ["accepted", "dismissed"]


# -- retype ------------------------------------------------------------------------------------------------------------


def test_retyping_a_waiting_suspect(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        flood = a_type(session, "flooding", channel="mail", urgent=True).id
    workflow.retype(database, city, suspect_id, "flooding", "Dana", 1)
    suspect = the_suspect(database, suspect_id)
    assert (suspect.status, suspect.request_type_id, suspect.urgent, suspect.version) == ("waiting", flood, 1, 2)
    assert decisions(database, suspect_id) == [("retype", "flooding", "Dana")]
    assert dispatches(database) == []


def test_retyping_an_accepted_suspect_makes_its_delivery_anew_and_the_hold_starts_again(
    city: Config, database: Database
) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        a_type(session, "flooding", channel="mail", service_code="007")
    workflow.accept(database, city, suspect_id, "Dana", text="As I word it")
    time_passes(database, HOLD - 5)
    workflow.retype(database, city, suspect_id, "flooding", "Ben")
    old, new = dispatches(database)
    assert (old.status, new.status, new.channel, new.by) == ("cancelled", "queued", "mail", "Ben")
    assert HOLD - 5 < seconds_until(new.due_at) <= HOLD
    request = Request.thawed(new.content or {})
    assert (request.type_code, request.service_code, request.text) == ("flooding", "007", "As I word it")
    assert request.reference == new.reference != old.reference
    time_passes(database, HOLD + 1)
    desk, mail = Counter(), Counter(name="mail")
    a_worker(database, city, desk, mail).step()
    assert (desk.references, mail.references) == ([], [new.reference])


def test_retyping_within_one_channel(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        a_type(session, "flooding", channel="desk")
    workflow.accept(database, city, suspect_id, "Dana")
    workflow.retype(database, city, suspect_id, "flooding", "Dana")
    assert [d.status for d in dispatches(database)] == ["cancelled", "queued"]


def test_retyping_after_it_left_is_refused(city: Config, database: Database) -> None:
    suspect_id = accepted(database, city)
    with database.writing() as session:
        a_type(session, "flooding", channel="mail")
    a_worker(database, city, Counter()).step()
    before = the_suspect(database, suspect_id)
    with pytest.raises(AlreadyDecidedError, match="It has left already: correct it at the ticket"):
        workflow.retype(database, city, suspect_id, "flooding", "Dana")
    assert the_suspect(database, suspect_id) == before
    assert [d.status for d in dispatches(database)] == ["sent"]
    assert [kind for kind, _, _ in decisions(database, suspect_id)] == ["accept"]


def test_retyping_a_dismissed_suspect_is_refused(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    workflow.dismiss(database, suspect_id, "joke", "Dana")
    before = the_suspect(database, suspect_id)
    with pytest.raises(AlreadyDecidedError, match="dismissed by Dana"):
        workflow.retype(database, city, suspect_id, "pothole", "Ben")
    assert the_suspect(database, suspect_id) == before


# -- what a person does on Tickets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["unclear", "exhausted", "queued"])
def test_a_person_filed_it_by_hand(city: Config, database: Database, status: str) -> None:
    suspect_id = accepted(database, city)
    with database.writing() as session:
        dispatch = session.exec(select(Dispatch)).one()
        dispatch.status = status
        session.add(dispatch)
        dispatch_id = dispatch.id or 0
    with pytest.raises(ValueError, match="Give the number"):
        workflow.filed_by_hand(database, dispatch_id, "  ", "Dana")
    workflow.filed_by_hand(database, dispatch_id, " PA-9 ", "Dana")
    assert the_dispatch(database).status == "by_hand"
    assert [(t.number, t.suspect_id, t.channel, t.status) for t in tickets(database)] == [
        ("PA-9", suspect_id, "desk", "open")
    ]
    assert events(database) == ["Filed by hand as PA-9"]
    desk = Counter(finds=[Absent()])
    worker = a_worker(database, city, desk)
    worker.step()
    assert (desk.sent, desk.sought, [ref.number for ref in desk.asked]) == ([], [], ["PA-9"])


@pytest.mark.parametrize("status", ["sending", "sent", "refused", "cancelled", "by_hand"])
def test_what_is_elsewhere_is_not_filed_by_hand(database: Database, status: str) -> None:
    with database.writing() as session:
        dispatch_id = a_dispatch(session, status=status).id or 0
    with pytest.raises(AlreadyDecidedError, match="moved meanwhile"):
        workflow.filed_by_hand(database, dispatch_id, "PA-9", "Dana")
    assert tickets(database) == []


def test_closing_by_hand_says_what_was_done(database: Database) -> None:
    with database.writing() as session:
        ticket_id = a_ticket(session, check_at=now()).id or 0
    for nothing in ("", "  \n"):
        with pytest.raises(ValueError, match="what was done"):
            workflow.close_by_hand(database, ticket_id, nothing, "Dana")
    assert tickets(database)[0].status == "open"
    workflow.close_by_hand(database, ticket_id, " Filled. ", "Dana")
    (ticket,) = tickets(database)
    assert (ticket.status, ticket.notes, ticket.check_at) == ("closed", "Filled.", None)
    assert ticket.closed_at == ticket.changed_at or ticket.closed_at is not None
    assert events(database) == ["Closed: Filled."]
    with pytest.raises(AlreadyDecidedError, match="closed already"):
        workflow.close_by_hand(database, ticket_id, "Again.", "Ben")


def test_an_exhausted_delivery_gets_its_tries_again(city: Config, database: Database) -> None:
    twice = city.model_copy(update={"delivery": city.delivery.model_copy(update={"tries": 2})})
    accepted(database, twice)
    desk = Counter(BUSY, BUSY, BUSY, numbered)
    worker = a_worker(database, twice, desk)
    for status in ("queued", "exhausted"):
        worker.step()
        tried = the_dispatch(database)
        assert tried.status == status
        time_passes(database, 100)
    workflow.try_again(database, tried.id or 0, "Dana")
    for status in ("queued", "sent"):
        worker.step()
        assert the_dispatch(database).status == status
        time_passes(database, 100)
    assert desk.references == [tried.reference] * 4
    assert "Tried again by hand" in events(database)
    with pytest.raises(AlreadyDecidedError, match="moved meanwhile"):
        workflow.try_again(database, tried.id or 0, "Dana")


def test_an_unclear_delivery_is_looked_up_at_once(city: Config, database: Database) -> None:
    accepted(database, city)
    desk = Counter(LOST, finds=[Unknown("Nobody knows"), Found(Receipt(number="PA-3"))])
    worker = a_worker(database, city, desk)
    worker.step()
    worker.step()
    assert worker.step() == 0
    unclear = the_dispatch(database).id or 0
    workflow.look_up_now(database, unclear, "Dana")
    assert worker.step() == 1
    assert [t.number for t in tickets(database)] == ["PA-3"]
    assert len(desk.sent) == 1
    with pytest.raises(AlreadyDecidedError, match="moved meanwhile"):
        workflow.look_up_now(database, unclear, "Dana")


# -- the statuses ------------------------------------------------------------------------------------------------------


class Watched:
    """A small city in which everything may happen; every change of a status is checked against the tables."""

    def __init__(self, database: Database, city: Config, chance: random.Random) -> None:
        self.database, self.chance = database, chance
        delivery = city.delivery.model_copy(update={"tries": 2})
        self.city = city.model_copy(update={"delivery": delivery})
        with database.writing() as session:
            a_type(session, "pothole", channel="desk")
            a_type(session, "noise", channel="mail")
        waiting(database, 3)
        self.ways = [Counter(self.answer, finds=[self.found], name=name) for name in ("desk", "mail")]
        self.before: dict[tuple[str, int], str] = {}
        self.seen: set[tuple[str, str, str]] = set()
        self.look()

    def answer(self, request: Request) -> Receipt:
        errors = (BUSY, BUSY, LOST, LOST, RefusedError("No.", "desk"), AuthError("Who?", "desk"), ValueError("broken"))
        if self.chance.random() < 0.2:
            self.look()
            self.person()
        if self.chance.random() < 0.15:
            time_passes(self.database, 10_000)
            a_worker(self.database, self.city, *self.ways, name="another").step()
        if self.chance.random() < 0.7:
            raise self.chance.choice(errors)
        return numbered(request)

    def found(self, request: Request) -> Found | Absent | Unknown:
        return self.chance.choice((Found(numbered(request)), Absent(), Absent(), Unknown("Nobody knows")))

    def worker(self) -> None:
        """Beat by beat, so that no change hides behind the next."""
        worker = a_worker(self.database, self.city, *self.ways)
        worker.reclaim()
        self.look()
        for claim_next, talk in ((worker._claim_lookup, worker._look_up), (worker._claim_due, worker._send)):
            if claim := claim_next():
                self.look()
                talk(claim)
                self.look()

    def person(self) -> None:
        with self.database.reading() as session:
            suspect_id = self.chance.choice(session.exec(select(Suspect.id).order_by(Suspect.id)).all()[-4:]) or 0
            unsettled = select(Dispatch.id).where(col(Dispatch.status).in_(("queued", "unclear", "exhausted")))
            some = session.exec(unsettled.order_by(Dispatch.id)).all()
            posts = session.exec(select(Post.source_id).order_by(Post.id)).all()[-4:]
        dispatch_id = (self.chance.choice(some) if some else 0) or 0
        verbs: list[Callable[[], object]] = [
            lambda: workflow.accept(self.database, self.city, suspect_id, "Dana"),
            lambda: workflow.accept(self.database, self.city, suspect_id, "Dana"),
            lambda: workflow.dismiss(self.database, suspect_id, "joke", "Dana"),
            lambda: workflow.park(self.database, suspect_id, "Dana", until=now()),
            lambda: workflow.undo(self.database, suspect_id, "Dana"),
            lambda: workflow.retype(self.database, self.city, suspect_id, "noise", "Dana"),
            lambda: workflow.try_again(self.database, dispatch_id, "Dana"),
            lambda: workflow.look_up_now(self.database, dispatch_id, "Dana"),
            self.wake,
            lambda: waiting(self.database),
        ]
        rare: list[Callable[[], object]] = [
            lambda: workflow.filed_by_hand(self.database, dispatch_id, "PA-1", "Dana") if dispatch_id else None,
            lambda: self.erase(self.chance.choice(posts)),
        ]
        verb = self.chance.choice(rare if self.chance.random() < 0.1 else verbs)
        with contextlib.suppress(ConnectorError):  # refused, and said so
            verb()
        self.look()

    def wake(self) -> None:
        with self.database.writing() as session:
            workflow.wake(session)

    def resume(self) -> None:
        with self.database.writing() as session:
            for name in ("desk", "mail"):
                resume(session, name)

    def erase(self, source_id: str) -> None:
        with self.database.writing() as session:
            erase(session, "sample", [source_id], "deleted upstream")

    def look(self) -> None:
        with self.database.reading() as session:
            now_are = {("suspect", i or 0): s for i, s in session.exec(select(Suspect.id, Suspect.status))}
            now_are |= {("delivery", i or 0): s for i, s in session.exec(select(Dispatch.id, Dispatch.status))}
        for key, status in now_are.items():
            if (was := self.before.get(key, status)) != status:
                self.seen.add((key[0], was, status))
        self.before = now_are


@pytest.mark.parametrize("seed", [1, 2])
def test_statuses_move_only_as_the_tables_say(city: Config, database: Database, seed: int) -> None:
    watched = Watched(database, city, random.Random(seed))
    for _ in range(250):
        watched.person() if watched.chance.random() < 0.5 else watched.worker()
        if watched.chance.random() < 0.5:
            time_passes(database, 200)
            watched.resume()
    moved = {
        (kind, str(was), str(may))
        for kind, table in (("suspect", SUSPECT_FOLLOWS), ("delivery", DELIVERY_FOLLOWS))
        for was, those in table.items()
        for may in those
    }
    assert watched.seen - moved == set()
    assert len(watched.seen) >= 15, sorted(watched.seen)
    with database.reading() as session:
        statuses = {str(s) for s in session.exec(select(Suspect.status))}
    assert statuses <= set(SuspectStatus)
