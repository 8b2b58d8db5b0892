"""What nobody opened for long leaves the queue by itself: a chore of the worker, by `[queue] expire_days`.

Never what is urgent, was given to somebody, or came back from the other side; nor what a post joined since.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from connector.config import Config
from connector.decide.record import record, remembered, settle
from connector.models import Decision, DecisionKind, Suspect, SuspectStatus, now

PORTION = 500
"""At once, so that nobody waits long for the database; while it is full, more are due."""


def expire(session: Session, config: Config) -> int:
    """Let the oldest of them expire, a portion at a time; how many. Undo brings each back."""
    if not config.queue.expire_days:
        return 0
    at = now()
    before = at - timedelta(days=config.queue.expire_days)
    query = (
        select(Suspect)
        .where(
            Suspect.status == SuspectStatus.WAITING,
            Suspect.urgent == 0,
            Suspect.first_posted_at < before,  # for the index; who came late by then still has their time
            Suspect.created_at < before,
            Suspect.last_posted_at < before,
            col(Suspect.opened_at).is_(None),
            Suspect.assigned_to == "",
            Suspect.returned_because == "",
        )
        .order_by(col(Suspect.first_posted_at), col(Suspect.id))
        .limit(PORTION)
        .with_for_update(skip_locked=True)
    )
    due = session.exec(query).all()
    for suspect in due:
        was = remembered(suspect)
        suspect.version += 1
        settle(suspect, SuspectStatus.EXPIRED, "", at)
        record(session, suspect, DecisionKind.EXPIRE, "", was, at=at)
    return len(due)


def expired_since(session: Session, since: datetime) -> int:
    """How many expired since; those that somebody brought back included."""
    return session.exec(select(func.count()).where(Decision.at >= since, Decision.kind == DecisionKind.EXPIRE)).one()
