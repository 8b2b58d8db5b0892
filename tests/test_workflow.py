"""What a person does on Tickets, and which status may follow which, whatever happens; decisions: `tests/decide/`."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import col, select

from connector import workflow
from connector.config import Config
from connector.dispatch import Absent, Found, Receipt, Request, Unknown
from connector.dispatch.outbox import Outbox
from connector.errors import (
    AlreadyDecidedError,
    AuthError,
    ConnectorError,
    RefusedError,
    TemporaryError,
    UnclearError,
)
from connector.intake import Intake
from connector.models import (
    DELIVERY_FOLLOWS,
    SUSPECT_FOLLOWS,
    Dispatch,
    Draft,
    Post,
    Suspect,
    SuspectStatus,
    Unseen,
    now,
)
from connector.privacy import erase
from connector.sealing import Sealer
from connector.store import Database
from connector.store.house import resume
from connector.triage import Gazetteer
from tests.builders import a_dispatch, a_suspect, a_ticket, a_type
from tests.deliveries import (
    Counter,
    a_city,
    a_worker,
    accepted,
    events,
    numbered,
    the_dispatch,
    tickets,
    time_passes,
    waiting,
)

LOST = UnclearError("The answer was lost.", "desk")
BUSY = TemporaryError("Come back later.", "desk")


@pytest.fixture
def city(config: Config) -> Config:
    return a_city(config, "desk", "mail")


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


# -- chores ------------------------------------------------------------------------------------------------------------


def test_old_notices_are_forgotten_also_behind_a_channel_that_fails(
    city: Config, database: Database, sealer: Sealer, gazetteer: Gazetteer, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = workflow.Worker(database, city, Intake(city, sealer, gazetteer))
    desk, mail = worker.deliveries.ways.values()
    assert isinstance(mail, Outbox)
    mail.notify("it@city.example", "Testville: urgent post nobody has opened", "Open it")
    (file,) = mail.folder.iterdir()
    os.utime(file, (1, 1))

    def refused() -> None:
        raise PermissionError("the folder is somebody else's")

    monkeypatch.setattr(desk, "forget_notices", refused)
    worker._chores()
    assert mail.messages() == []


def test_what_nobody_needs_any_more_is_dropped(
    city: Config, database: Database, sealer: Sealer, gazetteer: Gazetteer
) -> None:
    long_ago = now() - timedelta(days=2)
    with database.writing() as session:
        over = a_suspect(session, status="dismissed", decided_at=long_ago)
        session.add(Draft(suspect_id=over.id, by="Ann", content={"text": "pothole"}))
        session.add(Unseen(source="x", key=7, at=long_ago))
    workflow.Worker(database, city, Intake(city, sealer, gazetteer))._chores()
    with database.reading() as session:
        assert (session.exec(select(Draft)).all(), session.exec(select(Unseen)).all()) == ([], [])
