"""What ends a suspect's waiting: accept, dismiss, park, and waking what was parked until now.

The keys A, 1–5 and P of the Queue page; `batches.py` does the same for many. Accepting writes Decision and Dispatch in
one commit. Read on in `undoing.py`, the way back.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from connector.config import Config
from connector.decide.outgoing import send_later
from connector.decide.record import first, record, seen, settle, wait_again
from connector.models import Decision, DecisionKind, DismissReason, RequestType, Suspect, SuspectStatus, now
from connector.store import Database


def accept(
    database: Database, config: Config, suspect_id: int, by: str, version: int | None = None, text: str | None = None
) -> str:
    """Accept a suspect: it leaves after the hold. Returns the reference that travels with it.

    `version` is the one that was shown; without it the newest is meant. `text` replaces what residents wrote.
    Raises AlreadyDecidedError when someone was faster, ConfigError when its type has no address to go to, ValueError
    for an empty text.
    """
    with database.writing() as session:
        return accept_in(session, config, suspect_id, by, version, text)


def accept_in(
    session: Session, config: Config, suspect_id: int, by: str, version: int | None, text: str | None, batch: str = ""
) -> str:
    """The same within the caller's commit."""
    if text is not None and not text.strip():
        raise ValueError("The ticket has no text: write under What Accept sends what is to be done.")
    suspect, before = _ended(session, suspect_id, SuspectStatus.ACCEPTED, by, version)
    at = suspect.decided_at or now()
    kind = session.get_one(RequestType, suspect.request_type_id)
    reference = send_later(session, config, suspect, kind, by, at, text)
    record(session, suspect, DecisionKind.ACCEPT, by, before, batch=batch, at=at)
    return reference


def dismiss(database: Database, suspect_id: int, reason: str, by: str, version: int | None = None) -> None:
    """Dismiss a suspect for one of the five reasons; raises AlreadyDecidedError, or ValueError for another reason."""
    why = DismissReason(reason)
    with database.writing() as session:
        suspect, before = _ended(session, suspect_id, SuspectStatus.DISMISSED, by, version)
        suspect.dismiss_reason = str(why)
        record(session, suspect, DecisionKind.DISMISS, by, before, str(why), at=suspect.decided_at)


def park(
    database: Database, suspect_id: int, by: str, version: int | None = None, until: datetime | None = None
) -> None:
    """Put a suspect aside, until a time if one is given; raises AlreadyDecidedError."""
    with database.writing() as session:
        suspect, before = _ended(session, suspect_id, SuspectStatus.PARKED, by, version)
        suspect.parked_until = until
        record(session, suspect, DecisionKind.PARK, by, before, at=suspect.decided_at)


def unpark(database: Database, suspect_id: int, by: str, version: int | None = None) -> None:
    """Take a parked suspect out again, whatever else was done to it since; raises AlreadyDecidedError."""
    with database.writing() as session:
        suspect, before = first(session, suspect_id, version, (SuspectStatus.PARKED,))
        wait_again(suspect)
        parking = select(func.max(Decision.id)).where(
            Decision.suspect_id == suspect_id, Decision.kind == DecisionKind.PARK
        )
        record(session, suspect, DecisionKind.UNDO, by, before | {"undone": session.exec(parking).one()})


def wake(session: Session) -> int:
    """Suspects that were parked until now wait again; how many."""
    query = select(Suspect).where(Suspect.status == SuspectStatus.PARKED, col(Suspect.parked_until) <= now())
    # One that somebody decides at this moment is theirs: written over it would wait with a ticket on its way.
    due = session.exec(query.with_for_update(skip_locked=True)).all()
    for suspect in due:
        wait_again(suspect)
        suspect.version += 1
        session.add(suspect)
    return len(due)


def _ended(
    session: Session, suspect_id: int, status: SuspectStatus, by: str, version: int | None
) -> tuple[Suspect, dict[str, Any]]:
    suspect, before = first(session, suspect_id, version)
    suspect.parked_until = None
    seen(suspect, by)
    settle(suspect, status, by, now())
    return suspect, before
