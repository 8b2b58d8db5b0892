"""What stands around a suspect on its card: the thread, suspects nearby, and whom it can be given to.

Each question is small and asked for one suspect at a time; the list's own questions are in `queue.py`. Texts come with
their placeholders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import cos, hypot, radians
from typing import Any

from sqlmodel import Session, col, select

from connector.models import OPEN, NearKey, Post, RequestType, SourceState, Suspect, SuspectStatus, User
from connector.store.queue import CardPost

_columns: Any = select  # sqlmodel's types end at four columns
_METRES_A_DEGREE = 111_195.0
_NEAR = 1500.0
"""Metres; what is further away is hardly the same problem."""
_LOOKED_AT = 300
"""So many of the newest are looked at."""


def thread(session: Session, posts: Sequence[Post], limit: int = 20) -> list[CardPost]:
    """Stored posts of the same conversation that are not the suspect's own, the oldest first."""
    lead = next(iter(posts), None)
    if lead is None or not lead.conversation_id:
        return []
    query = (
        select(Post, SourceState.kind)
        .join(SourceState, col(SourceState.name) == col(Post.source), isouter=True)
        .where(
            Post.conversation_id == lead.conversation_id,
            Post.source == lead.source,
            col(Post.id).not_in([post.id for post in posts]),
            col(Post.gone_at).is_(None),
        )
        .order_by(col(Post.posted_at), col(Post.id))
        .limit(limit)
    )
    return [CardPost(post, kind or post.source, ()) for post, kind in session.exec(query)]


@dataclass(frozen=True, slots=True)
class Beside:
    """Another suspect that still waits."""

    id: int
    type: str
    text: str
    place: str
    people: int
    first_posted_at: datetime
    metres: float | None
    """From the suspect asked about; None where one of them has no place."""


def beside(session: Session, suspect: Suspect, limit: int = 6) -> list[Beside]:
    """Suspects that wait and may be the same problem: of its type and near it first, then near it, then of its type."""
    newest = _others(suspect).order_by(col(Suspect.first_posted_at).desc(), col(Suspect.id).desc())
    status, same = Suspect.status == SuspectStatus.WAITING, Suspect.request_type_id == suspect.request_type_id
    rows = {row[0]: row for row in session.exec(newest.where(status).limit(_LOOKED_AT))}
    rows |= {row[0]: row for row in session.exec(newest.where(status, same).limit(_LOOKED_AT))}
    ranked = []
    for row in rows.values():
        found, alike = _beside(suspect, row), row[6] == suspect.request_type_id
        if found.metres is not None and found.metres > _NEAR:
            continue
        if alike or found.metres is not None:
            ranked.append(((not alike or found.metres is None, not alike, found.metres or 0.0, -found.id), found))
    return [found for _, found in sorted(ranked, key=lambda pair: pair[0])[:limit]]


def one_beside(session: Session, suspect: Suspect, other: int) -> Beside | None:
    """The suspect of this id, if posts can be put into it."""
    open_ = col(Suspect.status).in_(OPEN)
    row = session.exec(_others(suspect).where(Suspect.id == other, open_)).first()
    return _beside(suspect, row) if row else None


def _others(suspect: Suspect) -> Any:
    return (
        _columns(
            Suspect.id, RequestType.title, Post.text, Suspect.place, Suspect.people, Suspect.first_posted_at,
            Suspect.request_type_id, Suspect.lat, Suspect.lon,
        )
        .select_from(Suspect)
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .join(Post, col(Post.id) == col(Suspect.lead_post_id), isouter=True)
        .where(Suspect.id != suspect.id)
    )  # fmt: skip


def _beside(suspect: Suspect, row: Any) -> Beside:
    id_, type_, text, place, people, at, _, lat, lon = row
    return Beside(id_, type_, text or "", place, people, at, _metres(suspect, lat, lon))


def _metres(suspect: Suspect, lat: float | None, lon: float | None) -> float | None:
    if suspect.lat is None or suspect.lon is None or lat is None or lon is None:
        return None
    wide = cos(radians(suspect.lat))
    return _METRES_A_DEGREE * hypot((lon - suspect.lon) * wide, lat - suspect.lat)


def accepted_near(
    session: Session, suspect: Suspect, keys: Sequence[int], since: datetime, metres: float
) -> dict[int, float]:
    """Accepted suspects of its type and how far away, at most `metres`, whose first post was written since; the newest
    first.

    `keys`: of the squares of ground around it, under which `near_key` finds them, whatever else is stored.
    """
    newest = (
        select(NearKey.suspect_id, NearKey.at)
        .where(col(NearKey.key).in_(keys), NearKey.at >= int(since.timestamp()))
        .order_by(col(NearKey.at).desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    query = (
        _columns(Suspect.id, Suspect.lat, Suspect.lon)
        .join(newest, newest.c.suspect_id == col(Suspect.id))
        .where(
            Suspect.status == SuspectStatus.ACCEPTED,
            Suspect.request_type_id == suspect.request_type_id,
            Suspect.id != suspect.id,
        )
        .order_by(newest.c.at.desc(), col(Suspect.id).desc())
    )
    far = ((id_, _metres(suspect, lat, lon)) for id_, lat, lon in session.exec(query))
    return {id_: away for id_, away in far if away is not None and away <= metres}


def claim(session: Session, suspect_id: int) -> tuple[str, datetime | None]:
    """Who has it open, and until when unless they renew it."""
    row = session.exec(select(Suspect.claimed_by, Suspect.claimed_until).where(Suspect.id == suspect_id)).first()
    return (row[0], row[1]) if row else ("", None)


def colleagues(session: Session) -> list[User]:
    """Everybody who is active and has a role, by name."""
    query = select(User).where(col(User.active).is_(True), User.role != "")
    return sorted(session.exec(query), key=lambda user: (user.name or user.login).lower())
