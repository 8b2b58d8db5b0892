"""Urgent suspects that wait and that nobody has opened: which they are, and which of them is mailed by whom.

`oncall.py` mails them; the line on every page reads here. An index of their own makes both cost nothing however many
suspects wait. Opening a suspect takes it out, so does acknowledging it, and so does any decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, text
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.models import AuditEntry, RequestType, Suspect, now

MOST = 200
"""Are looked at together; in a storm the others follow."""
TAKEN = "urgent post taken"
"""How the audit calls it."""
_APART = timedelta(minutes=1)
"""Two mails are never closer: in a storm one tells of many."""
# Literally as the index says it, so that SQLite sees that its partial index serves.
_UNOPENED = text(
    "suspect.status = 'waiting' AND suspect.urgent = 1 AND suspect.opened_at IS NULL"
    " AND suspect.acknowledged_at IS NULL"
)
_columns: Any = select  # sqlmodel's types end at four columns


@dataclass(frozen=True, slots=True)
class Waiting:
    """An urgent suspect that nobody has opened, as a mail tells of it."""

    id: int
    type: str
    danger: str
    """Empty: only its type is urgent."""
    since: datetime
    alarmed_at: datetime | None
    """When it was mailed before this time."""


def unopened(session: Session, since: datetime) -> list[tuple[int, datetime]]:
    """Ids and when they came, of those that came until `since`, the oldest first."""
    query = select(Suspect.id, Suspect.created_at).where(_UNOPENED, col(Suspect.created_at) <= since)
    found = session.exec(query.order_by(col(Suspect.created_at)).limit(MOST))
    return [(id_ or 0, at) for id_, at in found]


def waits_for_mail(session: Session, since: datetime, again: timedelta) -> bool:
    """Whether one is due that came until `since` and was not mailed within the time `again`."""
    return session.exec(select(Suspect.id).where(*_due(since, again)).limit(1)).first() is not None


def claim_mail(session: Session, since: datetime, again: timedelta, at: datetime) -> list[Waiting]:
    """Those that this worker is to mail now, the oldest first; nobody else is given the same."""
    lately = session.exec(select(func.max(Suspect.alarmed_at)).where(_UNOPENED)).one()
    if lately and lately > at - _APART:
        return []
    due = select(Suspect.id).where(*_due(since, again)).order_by(col(Suspect.created_at)).limit(MOST)
    ids = list(session.exec(due.with_for_update(skip_locked=True)))
    query = (
        _columns(Suspect.id, RequestType.title, Suspect.urgent_why, Suspect.created_at, Suspect.alarmed_at)
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .where(col(Suspect.id).in_(ids))
        .order_by(col(Suspect.created_at))
    )
    found = [Waiting(*row) for row in session.exec(query)]
    session.exec(sql_update(Suspect).where(col(Suspect.id).in_(ids)).values(alarmed_at=at))
    return found


def put_back(session: Session, mail: Sequence[Waiting], at: datetime) -> None:
    """The mail that was claimed at this moment did not leave: it is tried again."""
    for waiting in mail:
        mine = (col(Suspect.id) == waiting.id, col(Suspect.alarmed_at) == at)
        session.exec(sql_update(Suspect).where(*mine).values(alarmed_at=waiting.alarmed_at))


def acknowledge(session: Session, ids: Sequence[int], by: str) -> int:
    """Somebody sees to these; how many of them nobody had opened or acknowledged before."""
    at = now()
    open_ = select(Suspect.id).where(_UNOPENED, col(Suspect.id).in_(ids)).order_by(col(Suspect.id))
    taken = list(session.exec(open_.with_for_update()))
    values = {"acknowledged_at": at, "acknowledged_by": by}
    session.exec(sql_update(Suspect).where(col(Suspect.id).in_(taken)).values(values))
    session.add_all(AuditEntry(what=TAKEN, suspect_id=id_, by=by, at=at) for id_ in taken)
    return len(taken)


def _due(since: datetime, again: timedelta) -> tuple[Any, ...]:
    told = col(Suspect.alarmed_at)
    return _UNOPENED, col(Suspect.created_at) <= since, told.is_(None) | (told <= now() - again)
