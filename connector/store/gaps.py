"""The gap ledger: intervals in which a source may have missed posts, why, and what became of them.

`intake.py` writes down what a source itself says it missed, `collect/` what it sees: a source that fails opens a gap
that lasts, and the first word after it ends it. A gap is open until its posts were brought (filled) or cannot be had
(lost).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.models import Gap, GapCause, GapState, now


def began(session: Session, source: str, since: datetime, cause: GapCause, why: str) -> None:
    """Something keeps us from this source since then. One that lasts already keeps its beginning; its cause becomes
    one that waits for a person."""
    gap = _lasting(session, source)
    if gap is None:
        session.add(Gap(source=source, from_at=since, why=why, cause=cause))
    elif cause in (GapCause.REFUSED, GapCause.CREDITS, GapCause.PAUSED):
        gap.cause, gap.why = cause, why
        session.add(gap)


def ended(session: Session, source: str, why: str, shortest: float) -> bool:
    """The source goes on where it was: what lasted is filled by that, and forgotten if it was shorter than so many
    seconds. False: nothing lasted."""
    gap = _lasting(session, source)
    if gap is None:
        return False
    gap.to_at = gap.closed_at = now()
    if (gap.to_at - gap.from_at).total_seconds() < shortest:
        session.delete(gap)
    else:
        gap.state, gap.why = GapState.FILLED, why
        session.add(gap)
    return True


def was_down(session: Session, source: str, since: datetime, why: str) -> None:
    """No worker ran since then, and the source went on where it was."""
    at = now()
    session.add(
        Gap(
            source=source, from_at=since, to_at=at, why=why, cause=GapCause.DOWN, state=GapState.FILLED, closed_at=at
        )
    )  # fmt: skip


def missed(session: Session, told: Gap, ends: bool = True, can_fill: bool = False, by_itself: bool = False) -> None:
    """What the source itself says; with `ends` it ends a gap that lasted. Saying it twice writes one line."""
    known = (Gap.state != GapState.LOST) if can_fill else (Gap.state == GapState.LOST)
    same = (Gap.source == told.source, Gap.from_at == told.from_at, Gap.to_at == told.to_at, known)
    if session.exec(select(Gap.id).where(*same).limit(1)).first() is not None:
        return
    gap = (_lasting(session, told.source) if ends else None) or told
    gap.from_at, gap.to_at, gap.why = min(gap.from_at, told.from_at), told.to_at, told.why
    gap.cause = gap.cause or told.cause
    _wanted(gap, can_fill, by_itself)
    session.add(gap)


def over(session: Session, source: str, can_fill: bool, by_itself: bool) -> None:
    """The source brings posts again and says of nothing that it missed it: what lasted ends now."""
    gap = _lasting(session, source)
    if gap is not None:
        gap.to_at = now()
        _wanted(gap, can_fill, by_itself)
        session.add(gap)


def _wanted(gap: Gap, can_fill: bool, by_itself: bool) -> None:
    if can_fill:
        gap.due_at = now() if by_itself else None
    else:
        gap.state, gap.closed_at = GapState.LOST, now()


def due(session: Session, sources: Collection[str]) -> Gap | None:
    """The next gap of these sources to be filled; the oldest first, since it is the next to fall out of reach."""
    query = select(Gap).where(
        col(Gap.source).in_(sources), Gap.state == GapState.OPEN, col(Gap.to_at).is_not(None), col(Gap.due_at) <= now()
    )
    return session.exec(query.order_by(col(Gap.from_at)).limit(1)).first()


def brought(session: Session, gap_id: int, cursor: str, posts: int, lost_until: datetime | None) -> None:
    """A part of it was brought, in the same commit; `lost_until`: what lies before cannot be had, and stands apart."""
    gap = session.get_one(Gap, gap_id)
    gap.cursor, gap.posts, gap.tries, gap.error = cursor, gap.posts + posts, 0, ""
    if lost_until is not None and gap.to_at is not None:
        gap.from_at = min(max(gap.from_at, lost_until), gap.to_at)
    session.add(gap)


def filled(session: Session, gap_id: int) -> None:
    """All of it that can be had is here."""
    gap = session.get_one(Gap, gap_id)
    if gap.from_at == gap.to_at:  # all of it was lost, and stands there so
        session.delete(gap)
        return
    gap.state, gap.closed_at, gap.due_at, gap.error = GapState.FILLED, now(), None, ""
    session.add(gap)


def put_off(session: Session, gap_id: int, until: datetime | None, why: str) -> None:
    """Filling it failed; `until` None: it waits for a person."""
    gap = session.get_one(Gap, gap_id)
    gap.tries, gap.due_at, gap.error = gap.tries + 1, until, why
    session.add(gap)


def fill_now(session: Session, gap_id: int) -> bool:
    """A person asks for it; False: it is not open any more."""
    wanted = (col(Gap.id) == gap_id, col(Gap.state) == GapState.OPEN)
    done = session.exec(sql_update(Gap).where(*wanted).values(due_at=now(), tries=0, error=""))
    return bool(done.rowcount == 1)


def give_up(session: Session, gap_id: int) -> bool:
    """A person says that it will not be filled; False: it is not open any more."""
    wanted = (col(Gap.id) == gap_id, col(Gap.state) == GapState.OPEN, col(Gap.to_at).is_not(None))
    done = session.exec(sql_update(Gap).where(*wanted).values(state=GapState.LOST, closed_at=now(), due_at=None))
    return bool(done.rowcount == 1)


def _lasting(session: Session, source: str) -> Gap | None:
    return session.exec(select(Gap).where(Gap.source == source, col(Gap.to_at).is_(None)).limit(1)).first()
