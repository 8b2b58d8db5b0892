"""Who has a suspect open: a claim of some minutes, which others see and which forbids nothing.

What forbids is the version (`record.py`); a claim keeps two people from working on the same item without need. It is
renewed while the card stands there, released by leaving, and taken over when it has run out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.membership import locked
from connector.models import OPEN, Suspect, now
from connector.store import Database
from connector.store.listing import CLAIMED


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has it open, and until when unless they renew it; nobody: an empty name."""

    by: str
    until: datetime


def claim(database: Database, suspect_id: int, by: str, minutes: float = 5) -> Claim:
    """Open it: the claim that holds now, another person's if they were first; whatever else `by` had open is left.

    Nobody claims what is decided. `minutes` is the setting `[queue] claim_minutes`. Asks before it writes, so it costs
    little at each drawing. LookupError if there is no such suspect.
    """
    at = now()
    with database.reading() as session:
        held = _held(session, suspect_id, at)
        fresh = held.by != by or held.until - at > timedelta(minutes=minutes / 2)
        if held.by and fresh and not _elsewhere(session, suspect_id, by):
            return held
    with database.writing() as session:
        locked(session, [suspect_id, *_elsewhere(session, suspect_id, by)])
        session.exec(
            sql_update(Suspect)
            .where(col(Suspect.id) == suspect_id, col(Suspect.status).in_(OPEN), _free(by, at))
            .values(
                claimed_by=by, claimed_until=at + timedelta(minutes=minutes),
                opened_by=case((col(Suspect.opened_at).is_(None), by), else_=col(Suspect.opened_by)),
                opened_at=func.coalesce(Suspect.opened_at, at),
            )
        )  # fmt: skip
        _release(session, by, col(Suspect.id) != suspect_id)
        return _held(session, suspect_id, at)


def release(database: Database, by: str, suspect_id: int | None = None) -> None:
    """This person left it, or everything that they had open."""
    with database.writing() as session:
        _release(session, by, col(Suspect.id) == suspect_id if suspect_id is not None else CLAIMED)


def _held(session: Session, suspect_id: int, at: datetime) -> Claim:
    found = session.exec(select(Suspect.claimed_by, Suspect.claimed_until).where(Suspect.id == suspect_id)).first()
    if found is None:
        raise LookupError(f"There is no suspect {suspect_id}.")
    by, until = found
    return Claim(by, until) if by and until and until > at else Claim("", at)


def _free(by: str, at: datetime) -> ColumnElement[bool]:
    return col(Suspect.claimed_by).in_(("", by)) | col(Suspect.claimed_until).is_(None) | (
        col(Suspect.claimed_until) <= at
    )  # fmt: skip


def _elsewhere(session: Session, suspect_id: int, by: str) -> list[int]:
    query = select(Suspect.id).where(CLAIMED, Suspect.claimed_by == by, Suspect.id != suspect_id)
    return [id_ for id_ in session.exec(query) if id_ is not None]


def _release(session: Session, by: str, which: ColumnElement[bool]) -> None:
    theirs = (CLAIMED, col(Suspect.claimed_by) == by, which)
    session.exec(sql_update(Suspect).where(*theirs).values(claimed_by="", claimed_until=None))
