"""The story, in the order in which a post lives: collect → match → triage → decide → deliver → follow up.

`Worker` is the background process's round; `accept`, `dismiss` and their kin are what a person does. Every decision is
compare-and-set on the suspect's version, and accepting writes Decision and Dispatch in one commit. Read on in
`collect/` and `intake.py` (a post comes in), `deliver.py` (a request goes out), `byhand.py` (what people mend).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import update as sql_update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from connector import dispatch as channels
from connector import sources
from connector.addpost import add_post
from connector.byhand import close_by_hand, filed_by_hand, flag_done, look_up_now, send_again, try_again
from connector.collect import Collector
from connector.collect.alerts import Alerts
from connector.config import Config
from connector.deliver import Deliveries
from connector.errors import AlreadyDecidedError, ConfigError
from connector.intake import Intake
from connector.models import (
    Decision,
    DecisionKind,
    DeliveryStatus,
    DismissReason,
    Dispatch,
    Draft,
    Post,
    RequestType,
    SourceState,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    now,
)
from connector.sealing import mask
from connector.store import Database, house
from connector.store.tickets import latest_dispatch

__all__ = [
    "Worker",
    "accept",
    "add_post",
    "close_by_hand",
    "dismiss",
    "filed_by_hand",
    "flag_done",
    "look_up_now",
    "new_reference",
    "park",
    "request_of",
    "retype",
    "send_again",
    "try_again",
    "undo",
    "wake",
]
log = structlog.get_logger()
OPEN = (SuspectStatus.WAITING, SuspectStatus.PARKED)
_BEAT, _REST, _LOOK = 3.0, 5.0, 0.5  # seconds between heartbeats, chores, and looks for something to send
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that looks like something else
_TEXTS_IN_A_TICKET = 5


class Worker:
    """The background process: posts come in, requests go out, tickets are followed.

    One thread a source reads, this one stores, another delivers; they meet in the database. Killed at any moment, the
    next one goes on: cursors and posts share a commit, and a delivery is claimed before it is talked about.
    """

    def __init__(
        self, database: Database, config: Config, intake: Intake, chores: Sequence[Callable[[], None]] = ()
    ) -> None:
        self.database, self.config = database, config
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.chores = chores
        ways = {
            name: channels.load(name, way, config.delivery.timeout, config.home)
            for name, way in config.channels.items()
        }
        found = {name: sources.load(name, source, config) for name, source in config.sources.items()}
        self.collector = Collector(database, config, intake, found, self.name)
        self.deliveries = Deliveries(database, config, ways, self.name)
        self.alerts = Alerts(database, config)

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop."""
        started = now()
        self._beat(started)
        sender = threading.Thread(target=self._deliver, args=(stopping,), name="deliver", daemon=True)
        sender.start()
        self.collector.start()
        beaten = rested = time.monotonic()
        while not stopping.is_set():
            self.collector.store_next(0.5)
            if time.monotonic() - beaten > _BEAT:
                self._try("the heartbeat", lambda: self._beat(started))
                beaten = time.monotonic()
            if time.monotonic() - rested > _REST:
                self._try("the chores", self._chores)
                rested = time.monotonic()
        self.collector.stop()
        sender.join(timeout=self.config.delivery.timeout + 5)
        with self.database.writing() as session:
            house.stopped(session, self.name)

    def _try(self, what: str, do: Callable[[], None]) -> None:
        """A database that does not answer for a while ends no worker: what came is kept until it does."""
        try:
            do()
        except OperationalError as error:
            log.error("the database did not take it; tried again soon", what=what, kind=type(error).__name__)

    def _deliver(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self.deliveries.step(stopping.is_set)
            except Exception as error:  # noqa: BLE001 - a worker that lives but delivers nothing would be worse
                log.error("a round of deliveries broke off", kind=type(error).__name__)
            stopping.wait(_LOOK)

    def _beat(self, started: datetime) -> None:
        with self.database.writing() as session:
            house.beat(session, self.name, started)

    def _chores(self) -> None:
        with self.database.writing() as session:
            wake(session)
        for chore in self.chores:
            chore()
        self.alerts.look()


def wake(session: Session) -> int:
    """Suspects that were parked until now wait again; how many."""
    query = select(Suspect).where(Suspect.status == SuspectStatus.PARKED, col(Suspect.parked_until) <= now())
    due = session.exec(query).all()
    for suspect in due:
        _wait_again(session, suspect)
    return len(due)


def accept(
    database: Database, config: Config, suspect_id: int, by: str, version: int | None = None, text: str | None = None
) -> str:
    """Accept a suspect: it leaves after the hold. Returns the reference that travels with it.

    `version` is the one that was shown; without it the newest is meant. `text` replaces what residents wrote.
    Raises AlreadyDecidedError when someone was faster, ConfigError when its type has no address to go to.
    """
    with database.writing() as session:
        suspect = _decided(session, suspect_id, version, SuspectStatus.ACCEPTED, by)
        kind = session.get_one(RequestType, suspect.request_type_id)
        at = now()
        reference = new_reference()
        request = request_of(session, config, suspect, kind, reference, at, text)
        session.add(_decision(suspect, DecisionKind.ACCEPT, by, at))
        session.add(
            Dispatch(
                suspect_id=suspect_id,
                channel=kind.channel,
                reference=reference,
                content=request.frozen(),
                status=DeliveryStatus.QUEUED,
                due_at=at + timedelta(seconds=config.delivery.hold),
                by=by,
            )
        )
        _drop_drafts(session, suspect_id)
    return reference


def dismiss(database: Database, suspect_id: int, reason: str, by: str, version: int | None = None) -> None:
    """Dismiss a suspect for one of the five reasons; raises AlreadyDecidedError, or ValueError for another reason."""
    why = DismissReason(reason)
    with database.writing() as session:
        suspect = _decided(session, suspect_id, version, SuspectStatus.DISMISSED, by, dismiss_reason=str(why))
        session.add(_decision(suspect, DecisionKind.DISMISS, by, now(), reason=str(why)))
        _drop_drafts(session, suspect_id)


def park(
    database: Database, suspect_id: int, by: str, version: int | None = None, until: datetime | None = None
) -> None:
    """Put a suspect aside, until a time if one is given; raises AlreadyDecidedError."""
    with database.writing() as session:
        suspect = _decided(session, suspect_id, version, SuspectStatus.PARKED, by, parked_until=until)
        session.add(_decision(suspect, DecisionKind.PARK, by, now()))


def undo(database: Database, suspect_id: int, by: str) -> None:
    """Take the last decision back: the suspect waits again.

    Raises AlreadyDecidedError when it was sent meanwhile ("already sent, ticket …"), or when there is nothing to undo.
    """
    with database.writing() as session:
        suspect = session.get(Suspect, suspect_id, with_for_update=True)
        if suspect is None:
            raise LookupError(f"There is no suspect {suspect_id}.")
        if suspect.status not in (SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED, SuspectStatus.PARKED):
            raise AlreadyDecidedError(f"There is nothing to undo: it is {suspect.status}.")
        if suspect.status == SuspectStatus.ACCEPTED:
            _call_back(session, suspect_id)
        session.add(_decision(suspect, DecisionKind.UNDO, by, now()))
        _wait_again(session, suspect)


def retype(
    database: Database, config: Config, suspect_id: int, type_code: str, by: str, version: int | None = None
) -> None:
    """Say what kind of request it is; an accepted one that has not left starts its hold again.

    Raises AlreadyDecidedError when it has left ("correct it at the ticket").
    """
    with database.writing() as session:
        suspect = session.get(Suspect, suspect_id, with_for_update=True)
        kind = session.exec(select(RequestType).where(RequestType.code == type_code)).one_or_none()
        if suspect is None or kind is None:
            raise LookupError(f"There is no suspect {suspect_id}." if kind else f"There is no type {type_code!r}.")
        shown = version in (None, suspect.version)
        if not shown or suspect.status not in (*OPEN, SuspectStatus.ACCEPTED):
            raise AlreadyDecidedError(_who(session, suspect))
        at = now()
        session.add(_decision(suspect, DecisionKind.RETYPE, by, at, reason=type_code))
        suspect.request_type_id, suspect.urgent, suspect.version = kind.id or 0, int(kind.urgent), suspect.version + 1
        session.add(suspect)
        if suspect.status == SuspectStatus.ACCEPTED:
            old = _call_back(session, suspect_id, "It has left already: correct it at the ticket.")
            reference = new_reference()
            request = request_of(session, config, suspect, kind, reference, at, (old.content or {}).get("text"))
            due = at + timedelta(seconds=config.delivery.hold)
            session.add(
                Dispatch(
                    suspect_id=suspect_id, channel=kind.channel, reference=reference, content=request.frozen(),
                    due_at=due, by=by,
                )
            )  # fmt: skip


def new_reference() -> str:
    """A short id that can be read out on the telephone: `SC-7F3K9Q`."""
    return "SC-" + "".join(secrets.choice(_LETTERS) for _ in range(6))


def _decided(
    session: Session, suspect_id: int, version: int | None, status: SuspectStatus, by: str, **values: Any
) -> Suspect:
    """Compare and set: one row changed means that we were first."""
    shown = col(Suspect.version) == version if version is not None else col(Suspect.version) > 0
    at = now()
    won = session.exec(
        sql_update(Suspect)
        .where(col(Suspect.id) == suspect_id, shown, col(Suspect.status).in_(OPEN))
        .values(
            status=str(status), decided_at=at, decided_by=by, version=col(Suspect.version) + 1,
            claimed_by="", claimed_until=None, returned_because="", **values,
        )
    )  # fmt: skip
    suspect = session.get(Suspect, suspect_id, populate_existing=True)
    if suspect is None:
        raise LookupError(f"There is no suspect {suspect_id}.")
    if won.rowcount != 1:
        raise AlreadyDecidedError(_who(session, suspect))
    return suspect


def _who(session: Session, suspect: Suspect) -> str:
    last = session.exec(
        select(Decision).where(Decision.suspect_id == suspect.id).order_by(col(Decision.id).desc()).limit(1)
    ).first()
    if suspect.status in OPEN and last is None:
        return "It changed meanwhile: look at it again."
    if last is None:
        return f"It is {suspect.status} already."
    done = {"accept": "accepted", "dismiss": "dismissed", "park": "parked", "undo": "put back", "retype": "retyped"}
    by = f" by {last.by}" if last.by else ""
    return f"It was {done.get(last.kind, suspect.status)}{by}, {_ago(last.at)}; your key did nothing."


def _ago(at: datetime) -> str:
    seconds = (now() - at).total_seconds()
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "a moment ago"


def _decision(suspect: Suspect, kind: DecisionKind, by: str, at: datetime, reason: str = "") -> Decision:
    before = {"request_type_id": suspect.request_type_id, "version": suspect.version}
    return Decision(suspect_id=suspect.id or 0, kind=str(kind), reason=reason, by=by, at=at, before=before)


def _wait_again(session: Session, suspect: Suspect) -> None:
    suspect.status, suspect.decided_at, suspect.decided_by = SuspectStatus.WAITING, None, ""
    suspect.dismiss_reason, suspect.parked_until, suspect.version = "", None, suspect.version + 1
    session.add(suspect)


def _call_back(session: Session, suspect_id: int, sent: str = "") -> Dispatch:
    """Cancel the suspect's dispatch if it surely is not there: not claimed yet, or waiting for another try."""
    last = latest_dispatch(session, suspect_id)
    if last is None:
        raise AlreadyDecidedError("There is nothing to take back.")
    cancelled = session.exec(
        sql_update(Dispatch)
        .where(
            col(Dispatch.id) == last.id,
            col(Dispatch.status).in_((DeliveryStatus.QUEUED, DeliveryStatus.DRAFTED, DeliveryStatus.EXHAUSTED)),
        )
        .values(status=DeliveryStatus.CANCELLED)
    )
    if cancelled.rowcount == 1:
        session.refresh(last)
        return last
    ticket = session.exec(select(Ticket).where(Ticket.dispatch_id == last.id)).first()
    number = f", ticket {ticket.number or ticket.token}" if ticket else f", reference {last.reference}"
    raise AlreadyDecidedError(sent or f"Already sent{number}.")


def _drop_drafts(session: Session, suspect_id: int) -> None:
    for draft in session.exec(select(Draft).where(Draft.suspect_id == suspect_id)):
        session.delete(draft)


def request_of(
    session: Session,
    config: Config,
    suspect: Suspect,
    kind: RequestType,
    reference: str,
    at: datetime,
    text: str | None,
) -> channels.Request:
    """The suspect as it goes out: handles masked, links handle-free."""
    if _needs_address(config, kind) and not kind.address:
        raise ConfigError(f"{kind.title} goes out by mail, but names no address: set one in Settings, Request types.")
    posts = session.exec(
        select(Post, SourceState.kind)
        .join(SuspectPost, col(SuspectPost.post_id) == col(Post.id))
        .join(SourceState, col(SourceState.name) == col(Post.source), isouter=True)
        .where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
        .order_by(col(Post.posted_at))
    ).all()
    if not posts:
        raise AlreadyDecidedError("Its posts were deleted by their authors; there is nothing to send.")
    texts = [mask(post.text) for post, _ in posts[:_TEXTS_IN_A_TICKET]]
    links = [link for post, of in posts if (link := _link(post, of))]
    return channels.Request(
        reference=reference,
        type_code=kind.code,
        type_title=kind.title,
        department=kind.department,
        text=mask(text) if text else "\n\n".join(texts),
        place=suspect.place,
        lat=suspect.lat,
        lon=suspect.lon,
        district=suspect.district,
        urgent=bool(suspect.urgent),
        people=suspect.people,
        links=tuple(links),
        service_code=kind.service_code,
        attributes=dict(kind.attributes or {}),
        to=kind.address,
        accepted_at=at,
        due_at=at + timedelta(hours=kind.due_hours),
        ticket_page=f"{config.city.url.rstrip('/')}/tickets?find={reference}",
        city=config.city.name,
        timezone=config.city.timezone,
    )


def _link(post: Post, kind: str | None) -> str:
    """The post's handle-free address, if it has one."""
    pattern = sources.permalink(kind, post.version_id or post.source_id) if kind else ""
    own = str((post.entities or {}).get("link", ""))
    return pattern or (own if mask(own) == own else "")


def _needs_address(config: Config, kind: RequestType) -> bool:
    adapter = config.channels.get(kind.channel)
    return bool(adapter and channels.kinds()[adapter.kind].needs_address)
