"""What somebody typed on a card and has not sent: kept in the database, so that a reload or another device has it.

One for each suspect and person, dropped when the suspect is decided (`verdicts.py`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col

from connector.models import Draft, now
from connector.store import Database


def keep_draft(database: Database, suspect_id: int, by: str, content: dict[str, Any]) -> None:
    """Keep what was typed, in place of what was kept before: text, place, note; an empty one is dropped."""
    with database.writing() as session:
        if any(content.values()):
            session.merge(Draft(suspect_id=suspect_id, by=by, content=content, at=now()))
        else:
            _drop(session, suspect_id, by)


def draft_of(session: Session, suspect_id: int, by: str) -> dict[str, Any]:
    """What this person typed there and has not sent; empty if nothing."""
    draft = session.get(Draft, (suspect_id, by))
    return dict(draft.content or {}) if draft else {}


def drop_draft(database: Database, suspect_id: int, by: str) -> None:
    """Forget what this person typed there."""
    with database.writing() as session:
        _drop(session, suspect_id, by)


def drop_drafts(session: Session, suspect_id: int) -> None:
    """It was decided: what anybody typed is of no use any more."""
    session.exec(delete(Draft).where(col(Draft.suspect_id) == suspect_id))


def _drop(session: Session, suspect_id: int, by: str) -> None:
    session.exec(delete(Draft).where(col(Draft.suspect_id) == suspect_id, col(Draft.by) == by))
