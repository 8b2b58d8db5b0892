"""What somebody typed on a card and has not sent: kept in the database, so that a reload or another device has it.

One for each suspect and person. It outlives the decision by a day, so that Undo brings it back too; a deletion upstream
takes it along at once (`privacy.py`), and nothing is kept where no post is left.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from connector import membership
from connector.decide.record import who
from connector.errors import AlreadyDecidedError
from connector.models import OPEN, Draft, Suspect, now
from connector.store import Database

_KEPT = timedelta(days=1)


def keep_draft(database: Database, suspect_id: int, by: str, content: dict[str, Any]) -> None:
    """Keep what was typed, in place of what was kept before: text, place, note; an empty one is dropped.

    AlreadyDecidedError where its posts were deleted, or are another's now.
    """
    with database.writing() as session:
        if any(content.values()):
            for suspect in membership.locked(session, [suspect_id]):
                if not membership.is_alive(session, suspect):
                    raise AlreadyDecidedError(who(session, suspect))
            session.merge(Draft(suspect_id=suspect_id, by=by, content=content, at=now()))
        else:
            _drop(session, suspect_id, by)


def draft_of(session: Session, suspect_id: int, by: str) -> dict[str, Any]:
    """What this person typed there and has not sent; empty if nothing."""
    draft = session.get(Draft, (suspect_id, by))
    return dict(draft.content or {}) if draft else {}


def drafted(session: Session, suspect_ids: Sequence[int], by: str) -> dict[int, str]:
    """The texts that this person typed for the tickets of these suspects."""
    query = select(Draft.suspect_id, Draft.content).where(Draft.by == by, col(Draft.suspect_id).in_(suspect_ids))
    return {id_: text for id_, content in session.exec(query) if (text := (content or {}).get("text"))}


def drop_draft(database: Database, suspect_id: int, by: str) -> None:
    """Forget what this person typed there."""
    with database.writing() as session:
        _drop(session, suspect_id, by)


def drop_drafts(session: Session, suspect_id: int) -> None:
    """Its posts went elsewhere: what anybody typed is of no use any more."""
    session.exec(delete(Draft).where(col(Draft.suspect_id) == suspect_id))


def drop_old_drafts(session: Session) -> int:
    """Those of suspects that were decided a day ago, which nobody takes back any more; how many. A chore."""
    long_ago = or_(col(Suspect.decided_at).is_(None), col(Suspect.decided_at) < now() - _KEPT)
    drafted = col(Suspect.id).in_(select(Draft.suspect_id))
    over = select(Suspect.id).where(drafted, col(Suspect.status).not_in(OPEN), long_ago)
    return int(session.exec(delete(Draft).where(col(Draft.suspect_id).in_(over))).rowcount)


def _drop(session: Session, suspect_id: int, by: str) -> None:
    session.exec(delete(Draft).where(col(Draft.suspect_id) == suspect_id, col(Draft.by) == by))
