"""A clock, questions and a hand-made channel for the tests of decisions and deliveries.

Time is moved in the rows, not in the program: `time_passes` sets every stored time back, so no test sleeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import col, select

from connector import workflow
from connector.adapters import Settings
from connector.config import Adapter, Config, Delivery
from connector.deliver import Deliveries
from connector.dispatch import Absent, Channel, Found, Receipt, Request, TicketRef, TicketState, Unknown
from connector.models import (
    Decision,
    Dispatch,
    Setting,
    Suspect,
    Ticket,
    TicketEvent,
    now,
)
from connector.sealing import CLOSE, OPEN
from connector.store import Database
from tests.builders import a_suspect, a_type

TEXT = f"{OPEN}0{CLOSE} there is a crater at Alder and 5th, thanks {OPEN}1{CLOSE}"
"""A stored post; the handles are placeholders."""
SHOWN = "… there is a crater at Alder and 5th, thanks …"
HOLD, TIMEOUT, CLAIM, SETTLE, RETRY, TRIES, FOLLOW_UP = 30, 20, 120, 60, 30, 3, 300


def a_city(config: Config, *channels: str) -> Config:
    """Real waiting times, and a channel by each of these names."""
    delivery = Delivery(
        hold=HOLD, timeout=TIMEOUT, claim=CLAIM, settle=SETTLE, retry_first=RETRY, tries=TRIES, follow_up=FOLLOW_UP
    )
    ways = {name: Adapter(kind="outbox") for name in channels or ("desk",)}
    return config.model_copy(update={"delivery": delivery, "channels": ways})


def waiting(database: Database, count: int = 1, type_code: str = "pothole", channel: str = "desk") -> list[int]:
    """The ids of that many fresh suspects at a place, whose type goes to this channel."""
    with database.writing() as session:
        a_type(session, type_code, channel=channel)
        place = {"place": "Alder St & 5th Ave", "lat": 47.6, "lon": -122.3}
        return [a_suspect(session, TEXT, type_code, **place).id or 0 for _ in range(count)]


def accepted(database: Database, config: Config, type_code: str = "pothole", channel: str = "desk") -> int:
    """A suspect that was accepted and whose hold is over."""
    (suspect_id,) = waiting(database, 1, type_code, channel)
    workflow.accept(database, config, suspect_id, "Dana")
    time_passes(database, HOLD + 1)
    return suspect_id


def time_passes(database: Database, seconds: float) -> None:
    """As if everything that is stored had happened earlier."""
    ago = timedelta(seconds=seconds)
    with database.writing() as session:
        for dispatch in session.exec(select(Dispatch)):
            _earlier(dispatch, ago, "due_at", "claimed_until", "sent_at")
            session.add(dispatch)
        for ticket in session.exec(select(Ticket)):
            _earlier(ticket, ago, "check_at", "closed_at")
            session.add(ticket)
        for suspect in session.exec(select(Suspect)):
            _earlier(suspect, ago, "parked_until")
            session.add(suspect)
        for pause in session.exec(select(Setting).where(col(Setting.name).startswith("paused."))):
            until = datetime.fromisoformat(pause.value["until"]) - ago
            pause.value = pause.value | {"until": until.isoformat()}
            session.add(pause)


def _earlier(row: Any, ago: timedelta, *names: str) -> None:
    for name in names:
        if (at := getattr(row, name)) is not None:
            setattr(row, name, at - ago)


class Counter(Channel):
    """A counter that does as it is told, in turn; the last thing stays. `sent` is what it was handed.

    A told thing is an answer, an error to raise, or a function of the request.
    """

    title = "Counter"
    can_find = can_follow = True

    def __init__(self, *sends: Any, finds: Sequence[Any] = (Unknown("Nobody knows"),), name: str = "desk") -> None:
        super().__init__(name, Settings(), timeout=TIMEOUT)
        self.sends, self.finds = list(sends) or [numbered], list(finds)
        self.sent: list[Request] = []
        self.sought: list[Request] = []
        self.asked: list[TicketRef] = []
        self.states: list[TicketState] | Exception = []

    def send(self, request: Request) -> Receipt:
        self.sent.append(request)
        answer: Receipt = _told(self.sends, request)
        return answer

    def find(self, request: Request) -> Found | Absent | Unknown:
        self.sought.append(request)
        answer: Found | Absent | Unknown = _told(self.finds, request)
        return answer

    def status(self, refs: Sequence[TicketRef]) -> list[TicketState]:
        self.asked += refs
        if isinstance(self.states, Exception):
            raise self.states
        return self.states

    @property
    def references(self) -> list[str]:
        return [request.reference for request in self.sent]


class SilentCounter(Counter):
    """Offers no way to look a request up."""

    can_find = False


def numbered(request: Request) -> Receipt:
    return Receipt(number=f"N-{request.reference}", url=f"http://desk.example/{request.reference}")


def _told(script: list[Any], request: Request) -> Any:
    what = script.pop(0) if len(script) > 1 else script[0]
    if isinstance(what, Exception):
        raise what
    return what(request) if callable(what) else what


def a_worker(database: Database, config: Config, *ways: Channel, name: str = "w1") -> Deliveries:
    return Deliveries(database, config, {way.name: way for way in ways}, name)


def decisions(database: Database, suspect_id: int) -> list[tuple[str, str, str]]:
    """Kind, reason and person, oldest first."""
    with database.reading() as session:
        found = session.exec(select(Decision).where(Decision.suspect_id == suspect_id).order_by(col(Decision.id)))
        return [(d.kind, d.reason, d.by) for d in found]


def dispatches(database: Database, suspect_id: int | None = None) -> list[Dispatch]:
    """Oldest first."""
    query = select(Dispatch).order_by(col(Dispatch.id))
    with database.reading() as session:
        return list(session.exec(query.where(Dispatch.suspect_id == suspect_id) if suspect_id else query))


def the_dispatch(database: Database) -> Dispatch:
    (one,) = dispatches(database)
    return one


def tickets(database: Database) -> list[Ticket]:
    with database.reading() as session:
        return list(session.exec(select(Ticket).order_by(col(Ticket.id))))


def events(database: Database) -> list[str]:
    with database.reading() as session:
        return [event.what for event in session.exec(select(TicketEvent).order_by(col(TicketEvent.id)))]


def the_suspect(database: Database, suspect_id: int) -> Suspect:
    with database.reading() as session:
        return session.get_one(Suspect, suspect_id)


def seconds_until(at: datetime) -> float:
    return (at - now()).total_seconds()
