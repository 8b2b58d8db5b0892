"""Deliveries and tickets: what is due, what is open, what a person must look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, not_, or_
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

D = DeliveryStatus
_columns: Any = select  # sqlmodel's types end at four columns
VIEWS: dict[str, Any] = {
    "needs you": or_(
        col(Dispatch.status).in_((D.EXHAUSTED, D.UNCLEAR)),
        and_(col(Dispatch.status) == D.REFUSED, col(Suspect.returned_because) != ""),
        func.coalesce(Ticket.flagged, "") != "",
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
    limit: int | None = 200,
    after: tuple[datetime, int] | None = None,
) -> list[TicketRow]:
    """Tickets, those that need a person first, then `limit` others, newest first; `find` by reference, number or link.

    `limit` None: all. `after` is `(since, dispatch_id)` of the last row of the page before, within one view.
    """
    query = _rows().where(Dispatch.status != D.CANCELLED)
    if view in VIEWS:
        query = query.where(VIEWS[view])
    if find:
        query = query.where(_found(find.strip()))
    by_time = query.order_by(col(Dispatch.created_at).desc(), col(Dispatch.id).desc()).limit(limit)
    if after:
        earlier = col(Dispatch.created_at) < after[0]
        by_time = by_time.where(or_(earlier, and_(col(Dispatch.created_at) == after[0], col(Dispatch.id) < after[1])))
    if view != "all" or find:
        return [TicketRow(*row) for row in session.exec(by_time)]
    # Those that need a person are few; the rest is a page by time, so that no sort touches the whole table.
    rest = session.exec(by_time.where(not_(VIEWS["needs you"]))).all()
    first = [] if after else session.exec(query.where(VIEWS["needs you"]).order_by(_URGENCY).limit(limit)).all()
    return [TicketRow(*row) for row in [*first, *rest]]


def _found(wanted: str) -> Any:
    if wanted.startswith(("http://", "https://")):
        return Ticket.url == wanted
    return or_(col(Dispatch.reference).in_((wanted.upper(), f"SC-{wanted.upper()}")), col(Ticket.number) == wanted)


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


def channel_health(session: Session) -> dict[str, ChannelHealth]:
    """Channel → its health; a channel that was never used is missing."""
    tried = select(Dispatch.channel, func.count(), func.max(Dispatch.id)).where(
        col(Dispatch.status).in_((D.QUEUED, D.EXHAUSTED)), Dispatch.attempts > 0, Dispatch.last_error != ""
    )
    failing = {name: (n, last) for name, n, last in session.exec(tried.group_by(col(Dispatch.channel)))}
    sent = select(Dispatch.channel, func.max(Dispatch.settled_at)).where(Dispatch.status == D.SENT)
    asked = select(Ticket.channel, func.max(Ticket.checked_at)).where(Ticket.last_error == "")
    answered: dict[str, datetime] = {}
    for query in (sent.group_by(col(Dispatch.channel)), asked.group_by(col(Ticket.channel))):
        for name, at in session.exec(query):
            if at is not None:
                answered[name] = max(at, answered.get(name, at))
    found = {}
    for name in {*failing, *answered}:
        waiting, last = failing.get(name, (0, None))
        error = session.get_one(Dispatch, last).last_error if last else ""
        found[name] = ChannelHealth(waiting, error, answered.get(name))
    return found
