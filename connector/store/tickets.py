"""Deliveries and tickets: what is due, what is open, what a person must look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, not_, or_, union
from sqlmodel import Session, col, select

from connector.models import (
    Decision,
    DeliveryStatus,
    Dispatch,
    Post,
    RequestType,
    Suspect,
    Ticket,
    TicketEvent,
    TicketStatus,
)
from connector.models.deliveries import CHECKED, FLAGGED, HAS_URL, SETTLED
from connector.models.suspects import RETURNED

D = DeliveryStatus
_columns: Any = select  # sqlmodel's types end at four columns
_delivery, _ticket = col(Dispatch.id), col(Ticket.dispatch_id)
_RETURNED = select(Suspect.id).where(RETURNED)
_PARTS: dict[str, list[tuple[Any, Any]]] = {
    "all": [(_delivery, col(Dispatch.status) == status) for status in D if status != D.CANCELLED],
    "needs you": [
        (_delivery, col(Dispatch.status) == D.EXHAUSTED),
        (_delivery, col(Dispatch.status) == D.UNCLEAR),
        (_delivery, and_(col(Dispatch.suspect_id).in_(_RETURNED), col(Dispatch.status) == D.REFUSED)),
        (_ticket, FLAGGED),
    ],
    "on the way": [(_delivery, col(Dispatch.status) == status) for status in (D.QUEUED, D.SENDING)],
    "open": [(_ticket, col(Ticket.status) == status) for status in (TicketStatus.OPEN, TicketStatus.UNTRACKABLE)],
    "closed": [(_ticket, col(Ticket.status) == TicketStatus.CLOSED)],
}
"""The views of the Tickets page, each in parts that one index answers: whose id, and which of them."""
VIEWS = tuple(_PARTS)
"""Their names; a cancelled dispatch is in none of them."""
_NEEDS_YOU = or_(
    col(Dispatch.status).in_((D.EXHAUSTED, D.UNCLEAR)),
    and_(col(Dispatch.status) == D.REFUSED, col(Suspect.returned_because) != ""),
    func.coalesce(Ticket.flagged, "") != "",
)
"""The same of a row that is read anyway."""


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
    session: Session, view: str = "all", find: str = "", limit: int | None = 200, before: int | None = None
) -> list[TicketRow]:
    """Tickets, those that need a person first, then `limit` others, newest first; `find` by reference, number or link.

    `limit` None: all. `before` is the `dispatch_id` of the last row of the page before, within one view.
    """
    shown = or_(col(Dispatch.status) != D.CANCELLED, func.coalesce(Ticket.flagged, "") != "")
    newest = _rows().where(shown).order_by(_delivery.desc()).limit(limit)
    if before:
        newest = newest.where(_delivery < before)
    if view != "all" or find:
        parts = _found(find.strip()) if find else _PARTS[view]
        return _read(session, newest.where(_delivery.in_(_ids(parts, limit, before))))
    first = _rows().where(_delivery.in_(_ids(_PARTS["needs you"], None, None)))
    waiting = [] if before else _read(session, first.order_by(_URGENCY, _delivery.desc()).limit(limit))
    # Those that need a person are few; the rest is a page by id, so that no sort touches the whole table.
    return [*waiting, *_read(session, newest.where(not_(_NEEDS_YOU)))]


def _ids(parts: Sequence[tuple[Any, Any]], limit: int | None, before: int | None) -> Any:
    """The dispatch ids of any of the parts, of each the newest `limit` before that one."""
    found = []
    for id_, where in parts:
        part = select(id_.label("id")).where(where)
        if before:
            part = part.where(id_ < before)
        found.append(select(part.order_by(id_.desc()).limit(limit).subquery().c.id))
    return union(*found)


def _found(wanted: str) -> list[tuple[Any, Any]]:
    if wanted.startswith(("http://", "https://")):
        return [(_ticket, and_(HAS_URL, col(Ticket.url) == wanted))]
    references = wanted.upper(), f"SC-{wanted.upper()}"
    return [
        (_delivery, col(Dispatch.reference).in_(references)),
        (_ticket, col(Ticket.number).in_((wanted, wanted.upper()))),
    ]


def _read(session: Session, query: Any) -> list[TicketRow]:
    return [TicketRow(*row) for row in session.exec(query)]


def rows(session: Session, dispatch_ids: Sequence[int]) -> list[TicketRow]:
    """These deliveries as they are now, in the order given; a list that is being read keeps its order."""
    found = {row[0]: TicketRow(*row) for row in session.exec(_rows().where(col(Dispatch.id).in_(dispatch_ids)))}
    return [found[i] for i in dispatch_ids if i in found]


def newest_id(session: Session) -> int:
    """The id of the last delivery made."""
    return session.exec(select(func.max(Dispatch.id))).one() or 0


def newer(session: Session, than: int, cap: int = 100) -> int:
    """How many deliveries were made since that one."""
    query = select(Dispatch.id).where(col(Dispatch.id) > than, Dispatch.status != D.CANCELLED).limit(cap)
    return session.exec(select(func.count()).select_from(query.subquery())).one()


def one(session: Session, dispatch_id: int) -> TicketRow | None:
    row = session.exec(_rows().where(Dispatch.id == dispatch_id)).first()
    return TicketRow(*row) if row else None


def by_suspects(session: Session, suspect_ids: Sequence[int]) -> list[TicketRow]:
    """The deliveries of these suspects, oldest first."""
    if not suspect_ids:
        return []
    query = _rows().where(col(Dispatch.suspect_id).in_(suspect_ids)).order_by(col(Dispatch.id))
    return [TicketRow(*row) for row in session.exec(query)]


def counts(session: Session, cap: int = 10_000) -> dict[str, int]:
    """How many stand in each view; counted up to `cap`."""

    def counted(parts: Sequence[tuple[Any, Any]]) -> int:
        return session.exec(select(func.count()).select_from(_ids(parts, cap, None).subquery())).one()

    # The parts of a view have nothing in common, but for what needs a person: a flagged ticket's dispatch may be there.
    return {
        name: min(cap, counted(parts) if name == "needs you" else sum(counted([part]) for part in parts))
        for name, parts in _PARTS.items()
    }


def history(session: Session, dispatch_id: int) -> list[TicketEvent]:
    """What happened to it, newest first."""
    query = select(TicketEvent).where(TicketEvent.dispatch_id == dispatch_id).order_by(col(TicketEvent.id).desc())
    return list(session.exec(query))


def _rows() -> Any:
    return (
        _columns(
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


@dataclass(frozen=True, slots=True)
class TicketCard:
    """Everything the card shows of one delivery."""

    row: TicketRow
    dispatch: Dispatch
    ticket: Ticket | None
    suspect: Suspect
    text: str
    """Of the leading post, with placeholders; empty once it is gone."""
    events: Sequence[TicketEvent]
    decisions: Sequence[Decision]
    titles: dict[int, str]
    """Request type → title, for the decisions."""
    codes: dict[str, str]
    """Code of a request type → title."""
    later: str
    """The reference of the suspect's next delivery, if it was accepted again."""


def card(session: Session, dispatch_id: int) -> TicketCard | None:
    """One delivery with its ticket and history; None if there is none."""
    row, dispatch = one(session, dispatch_id), session.get(Dispatch, dispatch_id)
    if row is None or dispatch is None:
        return None
    decided = select(Decision).where(Decision.suspect_id == row.suspect_id).order_by(col(Decision.id).desc())
    types = session.exec(select(RequestType.id, RequestType.code, RequestType.title)).all()
    last = latest_dispatch(session, row.suspect_id)
    return TicketCard(
        row=row,
        dispatch=dispatch,
        ticket=session.get(Ticket, row.ticket_id) if row.ticket_id else None,
        suspect=session.get_one(Suspect, row.suspect_id),
        text=lead_text(session, row.suspect_id),
        events=history(session, dispatch_id),
        decisions=session.exec(decided).all(),
        titles={i: title for i, _, title in types if i is not None},
        codes={code: title for _, code, title in types},
        later=last.reference if last and last.id != dispatch_id and (last.id or 0) > dispatch_id else "",
    )


@dataclass(frozen=True, slots=True)
class ChannelHealth:
    """How a channel has been doing, from its deliveries and follow-ups."""

    waiting: int = 0
    """Deliveries that were tried and have not arrived."""
    last_error: str = ""
    answered_at: datetime | None = None


def channel_health(session: Session, channels: Iterable[str]) -> dict[str, ChannelHealth]:
    """Each of these channels → its health; one that was never used is missing."""
    found = {}
    for name in channels:
        here = col(Dispatch.channel) == name
        failing = [col(Dispatch.status) == status for status in (D.QUEUED, D.EXHAUSTED)]
        tried = select(Dispatch.id).where(here, or_(*failing), Dispatch.attempts > 0, Dispatch.last_error != "")
        waiting, last = session.exec(select(func.count(), func.max(tried.subquery().c.id))).one()
        sent = select(Dispatch.settled_at).where(here, SETTLED).order_by(col(Dispatch.settled_at).desc())
        asked = select(Ticket.checked_at).where(Ticket.channel == name, CHECKED).order_by(col(Ticket.checked_at).desc())
        answered = [at for at in (session.exec(query.limit(1)).first() for query in (sent, asked)) if at]
        if waiting or answered:
            error = session.get_one(Dispatch, last).last_error if last else ""
            found[name] = ChannelHealth(waiting, error, max(answered, default=None))
    return found
