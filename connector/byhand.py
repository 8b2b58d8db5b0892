"""What a person does with a delivery or ticket that the machine cannot finish; the Tickets page calls these verbs.

Each is compare-and-set on the row's status and writes a line of its history. `workflow.py` has the decisions on
suspects, `deliver.py` what happens without a person.
"""

from __future__ import annotations

from sqlalchemy import update as sql_update
from sqlmodel import col

from connector import membership, privacy
from connector.errors import AlreadyDecidedError
from connector.models import DeliveryStatus, Dispatch, Ticket, TicketEvent, now
from connector.store import Database


def close_by_hand(database: Database, ticket_id: int, note: str, by: str) -> None:
    """Close a ticket that no other system keeps; raises ValueError without a note, it is what the resident is told."""
    if not note.strip():
        raise ValueError("Say in a few words what was done: the resident is told so.")
    with database.writing() as session:
        ticket = session.get_one(Ticket, ticket_id, with_for_update=True)
        if ticket.status == "closed":
            raise AlreadyDecidedError("It is closed already.")
        ticket.status, ticket.notes, ticket.closed_at, ticket.changed_at = "closed", note.strip(), now(), now()
        ticket.check_at = None
        session.add(ticket)
        session.add(TicketEvent(dispatch_id=ticket.dispatch_id, what=f"Closed: {note.strip()}", by=by))


def try_again(database: Database, dispatch_id: int, by: str) -> None:
    """Give an exhausted delivery its tries again, at once; raises AlreadyDecidedError if it moved meanwhile."""
    with database.writing() as session:
        done = session.exec(
            sql_update(Dispatch)
            .where(col(Dispatch.id) == dispatch_id, col(Dispatch.status) == DeliveryStatus.EXHAUSTED)
            .values(status=DeliveryStatus.QUEUED, due_at=now(), attempts=0)
        )
        if done.rowcount != 1:
            raise AlreadyDecidedError("It moved meanwhile; look again.")
        session.add(TicketEvent(dispatch_id=dispatch_id, what="Tried again by hand", by=by))


def look_up_now(database: Database, dispatch_id: int, by: str) -> None:
    """Ask now whether an unclear delivery arrived."""
    with database.writing() as session:
        done = session.exec(
            sql_update(Dispatch)
            .where(col(Dispatch.id) == dispatch_id, col(Dispatch.status) == DeliveryStatus.UNCLEAR)
            .values(due_at=now(), lookups=0)
        )
        if done.rowcount != 1:
            raise AlreadyDecidedError("It moved meanwhile; look again.")
        session.add(TicketEvent(dispatch_id=dispatch_id, what="Looked up by hand", by=by))


def send_again(database: Database, dispatch_id: int, by: str) -> None:
    """A person looked and did not find it there: an unclear delivery is sent once more."""
    at = now()
    with database.writing() as session:
        membership.locked(session, [session.get_one(Dispatch, dispatch_id).suspect_id])
        done = session.exec(
            sql_update(Dispatch)
            .where(
                col(Dispatch.id) == dispatch_id,
                col(Dispatch.status) == DeliveryStatus.UNCLEAR,
                col(Dispatch.claimed_until).is_(None) | (col(Dispatch.claimed_until) < at),
            )
            .values(status=DeliveryStatus.QUEUED, due_at=at, lookups=0)
        )
        if done.rowcount != 1:
            raise AlreadyDecidedError("It moved meanwhile; look again.")
        session.add(TicketEvent(dispatch_id=dispatch_id, what="Not found there: sent again by hand", by=by))
        privacy.recheck(session, dispatch_id)


def flag_done(database: Database, ticket_id: int, by: str) -> None:
    """A person took the deleted text out of the ticket over there."""
    with database.writing() as session:
        ticket = session.get_one(Ticket, ticket_id, with_for_update=True)
        if ticket.flagged:
            ticket.flagged = ""
            session.add(ticket)
            session.add(TicketEvent(dispatch_id=ticket.dispatch_id, what="Done at the CRM", by=by))


def filed_by_hand(database: Database, dispatch_id: int, number: str, by: str) -> None:
    """A person filed it, or found it there: keep the number they give. Raises ValueError without one."""
    if not number.strip():
        raise ValueError("Give the number that the ticket has over there.")
    with database.writing() as session:
        membership.locked(session, [session.get_one(Dispatch, dispatch_id).suspect_id])
        dispatch = session.get_one(Dispatch, dispatch_id, with_for_update=True, populate_existing=True)
        if dispatch.status not in (DeliveryStatus.UNCLEAR, DeliveryStatus.EXHAUSTED, DeliveryStatus.QUEUED):
            raise AlreadyDecidedError("It moved meanwhile; look again.")
        dispatch.status, dispatch.claimed_by, dispatch.claimed_until = DeliveryStatus.BY_HAND, "", None
        session.add(dispatch)
        session.add(
            Ticket(
                dispatch_id=dispatch_id, suspect_id=dispatch.suspect_id, channel=dispatch.channel,
                number=number.strip(), check_at=now(),
            )
        )  # fmt: skip
        session.add(TicketEvent(dispatch_id=dispatch_id, what=f"Filed by hand as {number.strip()}", by=by))
        privacy.recheck(session, dispatch_id)
