"""Accept, dismiss, park and the way back: compare-and-set, one commit, undone without a trace; on both databases."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from connector import workflow
from connector.config import Adapter, Config
from connector.decide import verdicts
from connector.dispatch import Receipt, Request
from connector.dispatch.outbox import Outbox
from connector.errors import (
    AlreadyDecidedError,
    ConfigError,
    UnclearError,
)
from connector.models import (
    LIVE,
    DeliveryStatus,
    DismissReason,
    Dispatch,
    Draft,
    Post,
    SourceState,
    Suspect,
    SuspectPost,
    now,
)
from connector.sealing import CLOSE, OPEN
from connector.store import Database
from tests.builders import a_dispatch, a_post, a_suspect, a_type
from tests.deliveries import (
    HOLD,
    SHOWN,
    TIMEOUT,
    Counter,
    a_worker,
    accepted,
    decisions,
    dispatches,
    numbered,
    seconds_until,
    the_dispatch,
    the_suspect,
    time_passes,
    waiting,
)

LOST = UnclearError("The answer was lost.", "desk")


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
def test_what_was_typed_outlives_the_decision_by_a_day(city: Config, database: Database, verb: str) -> None:
    decided, waits = waiting(database, 2)
    with database.writing() as session:
        for suspect_id in (decided, waits):
            session.add(Draft(suspect_id=suspect_id, by="Dana", content={"text": "half a sent"}))
    if verb == "accept":
        workflow.accept(database, city, decided, "Ben")
    else:
        workflow.dismiss(database, decided, "joke", "Ben")
    with database.writing() as session:
        assert workflow.drop_old_drafts(session) == 0
        session.get_one(Suspect, decided).decided_at = now() - timedelta(hours=25)
        session.flush()
        assert workflow.drop_old_drafts(session) == 1
        assert [draft.suspect_id for draft in session.exec(select(Draft))] == [waits]


def test_a_ticket_without_a_text_is_refused_and_the_suspect_waits_on(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with pytest.raises(ValueError, match="no text"):
        workflow.accept(database, city, suspect_id, "Dana", text=" \n")
    with database.reading() as session:
        assert session.get_one(Suspect, suspect_id).status == "waiting"
        assert session.exec(select(Dispatch)).all() == []


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


# -- the way back, of one's own --------------------------------------------------------------------------------------


def test_a_key_takes_back_only_what_its_hand_decided(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    workflow.dismiss(database, suspect_id, "joke", "Ann")
    workflow.undo(database, suspect_id, "Ben")
    workflow.accept(database, city, suspect_id, "Ben")
    with pytest.raises(AlreadyDecidedError, match="accepted by Ben"):
        workflow.undo(database, suspect_id, "Ann", own=True)
    with pytest.raises(AlreadyDecidedError, match="accepted by Ben"):
        workflow.undo(database, suspect_id, "Ann", version=1)  # its card was drawn before
    with database.reading() as session:
        assert session.get_one(Suspect, suspect_id).status == "accepted"
        assert [dispatch.status for dispatch in session.exec(select(Dispatch))] == ["queued"]


def test_what_is_being_accepted_is_not_woken(city: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    (suspect_id,) = waiting(database)
    workflow.park(database, suspect_id, "Ann", until=now() - timedelta(seconds=1))
    slow = verdicts.wait_again
    hands: list[threading.Thread] = []

    def with_a_hand_between(suspect: Suspect) -> None:
        hands.append(threading.Thread(target=workflow.accept, args=(database, city, suspect_id, "Ben")))
        hands[0].start()
        hands[0].join(1)
        slow(suspect)

    monkeypatch.setattr(verdicts, "wait_again", with_a_hand_between)
    with database.writing() as session:
        workflow.wake(session)
    hands[0].join(30)
    with database.reading() as session:
        assert session.get_one(Suspect, suspect_id).status == "accepted"
