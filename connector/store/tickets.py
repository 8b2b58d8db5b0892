"""Deliveries and tickets: what is due, what is open, what a person must look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_
from sqlmodel import Session, col, select

from connector.models import DeliveryStatus, Dispatch, Post, RequestType, Suspect, Ticket, TicketEvent, TicketStatus

D = DeliveryStatus
VIEWS: dict[str, Any] = {
    "needs you": or_(
        col(Dispatch.status).in_((D.EXHAUSTED, D.UNCLEAR)),
        and_(col(Dispatch.status) == D.REFUSED, col(Suspect.returned_because) != ""),
        col(Ticket.flagged) != "",
    ),
    "on the way": col(Dispatch.status).in_((D.QUEUED, D.SENDING)),
    "open": col(Ticket.status).in_((TicketStatus.OPEN, TicketStatus.UNTRACKABLE)),
    "closed": col(Ticket.status) == TicketStatus.CLOSED,
}
"""The views of the Tickets page; a cancelled dispatch is in none of them."""


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A line of the Tickets page: a dispatch and, once there is one, its ticket."""

    dispatch_id: int
    suspect_id: int
    type: str
    place: str
    channel: str
    reference: str
    status: str
    """Of the delivery."""
    ticket_status: str
    number: str
    url: str
    attempts: int
    last_error: str
    due_at: datetime
    since: datetime
    flagged: str
    ticket_id: int | None

    @property
    def state(self) -> str:
        """One word for both: the ticket's state once it was delivered."""
        return self.ticket_status if self.ticket_status and self.status in (D.SENT, D.BY_HAND) else self.status


def latest_dispatch(session: Session, suspect_id: int) -> Dispatch | None:
    """The newest ticket dispatch of a suspect that was not cancelled."""
    query = (
        select(Dispatch)
        .where(Dispatch.suspect_id == suspect_id, Dispatch.kind == "ticket", Dispatch.status != D.CANCELLED)
        .order_by(col(Dispatch.id).desc())
        .limit(1)
    )
    return session.exec(query).first()


_URGENCY = case(
    (col(Dispatch.status) == D.EXHAUSTED, 0),
    (col(Dispatch.status) == D.REFUSED, 1),
    (col(Dispatch.status) == D.UNCLEAR, 2),
    (col(Ticket.flagged) != "", 2),
    (col(Dispatch.status).in_((D.QUEUED, D.SENDING)), 3),
    (col(Ticket.status) != TicketStatus.CLOSED, 4),
    else_=5,
)


def page(
    session: Session,
    view: str = "all",
    find: str = "",
    limit: int = 200,
    after: tuple[datetime, int] | None = None,
) -> list[TicketRow]:
    """Tickets, those that need a person first, then the newest; `find` by reference or number.

    `after` is `(since, dispatch_id)` of the last row of the page before, within one view.
    """
    query = _rows().where(Dispatch.status != D.CANCELLED)
    if view in VIEWS:
        query = query.where(VIEWS[view])
    if find:
        wanted = find.strip()
        query = query.where(or_(func.upper(Dispatch.reference) == wanted.upper(), Ticket.number == wanted))
    if after:
        earlier = col(Dispatch.created_at) < after[0]
        query = query.where(or_(earlier, and_(col(Dispatch.created_at) == after[0], col(Dispatch.id) < after[1])))
    if view == "all" and not find and not after:
        # Those that need a person are few; the rest is a page by time, so that no sort touches the whole table.
        first = session.exec(query.where(VIEWS["needs you"]).order_by(_URGENCY).limit(limit)).all()
        known = {row[0] for row in first}
        rest = session.exec(query.order_by(col(Dispatch.created_at).desc(), col(Dispatch.id).desc()).limit(limit)).all()
        return [TicketRow(*row) for row in [*first, *(r for r in rest if r[0] not in known)][:limit]]
    query = query.order_by(col(Dispatch.created_at).desc(), col(Dispatch.id).desc()).limit(limit)
    return [TicketRow(*row) for row in session.exec(query)]


def one(session: Session, dispatch_id: int) -> TicketRow | None:
    row = session.exec(_rows().where(Dispatch.id == dispatch_id)).first()
    return TicketRow(*row) if row else None


def by_suspects(session: Session, suspect_ids: Sequence[int]) -> list[TicketRow]:
    """The deliveries of these suspects, oldest first."""
    query = _rows().where(col(Dispatch.suspect_id).in_(suspect_ids)).order_by(col(Dispatch.id))
    return [TicketRow(*row) for row in session.exec(query)]


def counts(session: Session, cap: int = 10_000) -> dict[str, int]:
    """How many stand in each view; counted up to `cap`."""
    joined = select(Dispatch.id).join(Suspect).join(Ticket, isouter=True).where(Dispatch.status != D.CANCELLED)
    found = {"all": joined, **{name: joined.where(where) for name, where in VIEWS.items()}}
    return {
        name: session.exec(select(func.count()).select_from(query.limit(cap).subquery())).one()
        for name, query in found.items()
    }


def history(session: Session, dispatch_id: int) -> list[TicketEvent]:
    """What happened to it, newest first."""
    query = select(TicketEvent).where(TicketEvent.dispatch_id == dispatch_id).order_by(col(TicketEvent.id).desc())
    return list(session.exec(query))


def _rows() -> Any:
    return (
        select(
            Dispatch.id, Dispatch.suspect_id, RequestType.title, Suspect.place, Dispatch.channel, Dispatch.reference,
            Dispatch.status, func.coalesce(Ticket.status, ""), func.coalesce(Ticket.number, ""),
            func.coalesce(Ticket.url, ""), Dispatch.attempts, Dispatch.last_error, Dispatch.due_at,
            Dispatch.created_at, func.coalesce(Ticket.flagged, ""), Ticket.id,
        )
        .select_from(Dispatch)
        .join(Suspect, col(Suspect.id) == col(Dispatch.suspect_id))
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .join(Ticket, col(Ticket.dispatch_id) == col(Dispatch.id), isouter=True)
    )  # fmt: skip


def lead_text(session: Session, suspect_id: int) -> str:
    """The leading post's text, with placeholders."""
    query = select(Post.text).join(Suspect, col(Suspect.lead_post_id) == col(Post.id)).where(Suspect.id == suspect_id)
    return session.exec(query).first() or ""
