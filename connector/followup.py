"""Tickets are followed until they are closed: their state is asked for, recorded, and told as it is.

`Deliveries.step` of `deliver.py` calls `FollowUps.step` in each round. What a resident is told later is what the
ticket says, so notes are kept with the state, and a state older than the one we hold is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.config import Config
from connector.dispatch import Channel, TicketRef, TicketState
from connector.errors import AdapterError, AuthError, whereabouts
from connector.models import DispatchPost, Post, Ticket, TicketEvent, TicketStatus, now
from connector.store import Database
from connector.store.house import pause, paused_until

log = structlog.get_logger()
_AT_ONCE = 50  # tickets asked for in one call of a channel
_MAY_REOPEN = timedelta(days=14)
_FOLLOWED = (TicketStatus.OPEN, TicketStatus.CLOSED)


class FollowUps:
    """Follows what is open, for one worker."""

    def __init__(self, database: Database, config: Config, ways: Mapping[str, Channel]) -> None:
        self.database, self.config, self.ways = database, config, ways

    def step(self) -> int:
        """Ask for the state of tickets that are due, channel by channel; an older state than ours is ignored."""
        looked = 0
        for name, way in self.ways.items():
            if way.can_follow and (asked := self._claim_tickets(name)):
                self._ask(name, way, asked)
                looked += len(asked)
        return looked

    def _claim_tickets(self, channel: str) -> dict[TicketRef, list[int]]:
        at = now()
        with self.database.writing() as session:
            until = paused_until(session, channel)
            if until and until > at:
                return {}
            due = session.exec(
                select(Ticket)
                .where(col(Ticket.status).in_(_FOLLOWED), Ticket.channel == channel, col(Ticket.check_at) <= at)
                .order_by(col(Ticket.check_at))
                .limit(_AT_ONCE)
                .with_for_update(skip_locked=True)
            ).all()
            asked: dict[TicketRef, list[int]] = {}
            for ticket in due:
                ticket.check_at = self._next_look(ticket, at)
                session.add(ticket)
                ref = TicketRef(number=ticket.number, token="" if ticket.number else ticket.token)
                asked.setdefault(ref, []).append(ticket.id or 0)
            return asked

    def _next_look(self, ticket: Ticket, at: datetime) -> datetime | None:
        """A closed one may be reopened: it is looked at for a while, more seldom."""
        wait = timedelta(seconds=self.config.delivery.follow_up)
        if ticket.status != TicketStatus.CLOSED:
            return at + wait
        return at + 12 * wait if at - (ticket.closed_at or at) < _MAY_REOPEN else None

    def _ask(self, name: str, way: Channel, asked: Mapping[TicketRef, list[int]]) -> None:
        try:
            states: Iterable[TicketState] = way.status(list(asked))
            error = ""
        except AuthError as refused:
            with self.database.writing() as session:
                pause(session, name, str(refused), now() + timedelta(seconds=self.config.delivery.retry_longest))
            return
        except AdapterError as failed:
            states, error = [], str(failed)
        except Exception as broken:  # noqa: BLE001 - one broken answer must not stop the others
            log.error("a channel broke while following up", channel=name, **whereabouts(broken))
            states, error = [], f"The channel broke: {type(broken).__name__}"
        with self.database.writing() as session:
            ids = [ticket_id for same in asked.values() for ticket_id in same]
            session.exec(sql_update(Ticket).where(col(Ticket.id).in_(ids)).values(checked_at=now(), last_error=error))
            for state in states:
                for ticket_id in asked.get(state.ref, ()):
                    _record(session, session.get_one(Ticket, ticket_id), state)


def _record(session: Session, ticket: Ticket, state: TicketState) -> None:
    if ticket.changed_at and state.changed_at and state.changed_at < ticket.changed_at:
        return
    what, notes = [], "" if _is_erased(session, ticket) else state.notes
    if state.number and state.number != ticket.number:
        what.append(f"Number {state.number}")
        ticket.number = state.number
    closed = TicketStatus.CLOSED if state.closed else TicketStatus.OPEN
    if closed != ticket.status:
        what.append(f"Closed: {notes}" if state.closed and notes else closed.value.capitalize())
    elif notes and notes != ticket.notes:
        what.append(f"Note: {notes}")
    ticket.status, ticket.notes = closed, notes
    ticket.closed_at = (state.changed_at or now()) if state.closed else None
    ticket.changed_at, ticket.url = state.changed_at or ticket.changed_at, state.url or ticket.url
    session.add(ticket)
    for line in what:
        session.add(TicketEvent(dispatch_id=ticket.dispatch_id, what=line))


def _is_erased(session: Session, ticket: Ticket) -> bool:
    """Whether a post that it carried was deleted: their notes may repeat what it said, and are not taken again."""
    carried = select(Post.id).join(DispatchPost).where(DispatchPost.dispatch_id == ticket.dispatch_id)
    return session.exec(carried.where(col(Post.gone_at).is_not(None)).limit(1)).first() is not None
