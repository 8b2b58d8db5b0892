"""The queue: a keyset page of suspects, how many wait, one card, what is new since.

Flat in the number waiting: a page walks an index backwards and stops, a filtered one the urgent suspects first, then
the others; counts stop at a cap. Texts come with their placeholders; the pages mask or, on the card, reveal them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, text, tuple_
from sqlmodel import Session, col, select

from connector.models import (
    Decision,
    Match,
    Post,
    RequestType,
    Rule,
    SourceState,
    Suspect,
    SuspectPost,
    SuspectStatus,
)

COUNT_CAP = 1000
_ASSIGNED = text("suspect.assigned_to <> ''")  # literally, so that SQLite sees that its partial index serves
_columns: Any = select  # sqlmodel's types end at four columns


@dataclass(frozen=True, slots=True)
class QueueRow:
    """A line of the list."""

    id: int
    version: int
    urgent: bool
    type: str
    text: str
    place: str
    people: int
    first_posted_at: datetime
    claimed_by: str
    claimed_until: datetime | None

    @property
    def key(self) -> tuple[int, datetime, int]:
        """What the next page starts after."""
        return int(self.urgent), self.first_posted_at, self.id


@dataclass(frozen=True, slots=True)
class Filter:
    """What the list is narrowed to; urgent suspects pass every filter of type and district."""

    view: str = "all"
    """all, urgent, mine, parked"""
    by: str = ""
    type_code: str = ""
    district: str = ""
    language: str = ""
    find: str = ""


def page(
    session: Session,
    where: Filter = Filter(),
    limit: int = 50,
    after: tuple[int, datetime, int] | None = None,
    up_to: int | None = None,
) -> list[QueueRow]:
    """Suspects that wait, urgent first, then the newest; `up_to` leaves out those made after this id."""
    query = (
        _columns(
            Suspect.id, Suspect.version, Suspect.urgent, RequestType.title, func.substr(Post.text, 1, 220),
            Suspect.place, Suspect.people, Suspect.first_posted_at, Suspect.claimed_by, Suspect.claimed_until,
        )
        .select_from(Suspect)
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .join(Post, col(Post.id) == col(Suspect.lead_post_id), isouter=True)
        .order_by(col(Suspect.urgent).desc(), col(Suspect.first_posted_at).desc(), col(Suspect.id).desc())
    )  # fmt: skip
    query = _viewed(query, where)
    if up_to is not None:
        query = query.where(col(Suspect.id) <= up_to)
    if not (where.type_code or where.district or where.language):
        key = tuple_(col(Suspect.urgent), col(Suspect.first_posted_at), col(Suspect.id))
        return _rows(session, query.where(key < after) if after else query, limit)
    found: list[QueueRow] = []
    key = tuple_(col(Suspect.first_posted_at), col(Suspect.id))
    for urgent, part in ((1, query), (0, _narrowed(query, where))):  # each walks one range of one index
        if len(found) == limit or (after and after[0] < urgent):
            continue
        part = part.where(Suspect.urgent == urgent)
        part = part.where(key < after[1:]) if after and after[0] == urgent else part
        found += _rows(session, part, limit - len(found))
    return found


def _rows(session: Session, query: Any, limit: int) -> list[QueueRow]:
    return [QueueRow(i, v, bool(u), t, x or "", *rest) for i, v, u, t, x, *rest in session.exec(query.limit(limit))]


def _narrowed(query: Any, where: Filter) -> Any:
    if where.type_code:
        of_code = select(RequestType.id).where(RequestType.code == where.type_code)
        query = query.where(col(Suspect.request_type_id) == of_code.scalar_subquery())
    if where.district:
        query = query.where(Suspect.district == where.district)
    if where.language:
        query = query.where(Suspect.language == where.language)
    return query


def _viewed(query: Any, where: Filter) -> Any:
    status = SuspectStatus.PARKED if where.view == "parked" else SuspectStatus.WAITING
    query = query.where(Suspect.status == status)
    if where.view == "urgent":
        query = query.where(Suspect.urgent == 1)
    if where.view == "mine":
        query = query.where(Suspect.assigned_to == where.by, _ASSIGNED)
    if where.find:
        query = query.where(func.lower(Post.text).contains(where.find.lower(), autoescape=True))
    return query


def counts(session: Session, by: str = "", cap: int = COUNT_CAP) -> dict[str, int]:
    """How many are in each view, counted up to `cap`."""

    def at_most(*where: Any) -> int:
        return session.exec(
            select(func.count()).select_from(select(Suspect.id).where(*where).limit(cap).subquery())
        ).one()

    waiting = col(Suspect.status) == SuspectStatus.WAITING
    return {
        "all": at_most(waiting),
        "urgent": at_most(waiting, Suspect.urgent == 1),
        "mine": at_most(waiting, Suspect.assigned_to == by, _ASSIGNED) if by else 0,
        "parked": at_most(col(Suspect.status) == SuspectStatus.PARKED),
    }


def newest_id(session: Session) -> int:
    """The id of the last suspect made; a list shows those up to it until asked for more."""
    return session.exec(select(func.max(Suspect.id))).one() or 0


def newer(session: Session, than: int, cap: int = 100) -> int:
    """How many waiting suspects were made since."""
    query = select(Suspect.id).where(col(Suspect.id) > than, Suspect.status == SuspectStatus.WAITING).limit(cap)
    return session.exec(select(func.count()).select_from(query.subquery())).one()


@dataclass(frozen=True, slots=True)
class CardPost:
    """A post on the card, with the words of its matches."""

    post: Post
    kind: str
    """Of its source."""
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the card shows of one suspect."""

    suspect: Suspect
    type: RequestType
    posts: Sequence[CardPost]


def card(session: Session, suspect_id: int) -> Card | None:
    """One suspect with its posts, the leading one first."""
    found = session.exec(select(Suspect, RequestType).join(RequestType).where(Suspect.id == suspect_id)).first()
    if found is None:
        return None
    suspect, kind = found
    rows = session.exec(
        select(Post, SourceState.kind)
        .join(SuspectPost, col(SuspectPost.post_id) == col(Post.id))
        .join(SourceState, col(SourceState.name) == col(Post.source), isouter=True)
        .where(SuspectPost.suspect_id == suspect_id)
        .order_by((col(Post.id) != suspect.lead_post_id), col(Post.posted_at))
        .limit(50)
    ).all()
    words: dict[int, list[str]] = {}
    matched = select(Match.post_id, Match.words).where(col(Match.post_id).in_([post.id for post, _ in rows]))
    for post_id, found_words in session.exec(matched):
        words.setdefault(post_id, []).extend(found_words or [])
    posts = [CardPost(post, of or post.source, tuple(dict.fromkeys(words.get(post.id or 0, [])))) for post, of in rows]
    return Card(suspect, kind, posts)


def by_post(session: Session, post_id: str, sources: Sequence[str]) -> int | None:
    """The newest suspect that holds the post with this id of theirs."""
    query = (
        select(SuspectPost.suspect_id)
        .join(Post, col(Post.id) == col(SuspectPost.post_id))
        .where(col(Post.source).in_(sources), or_(col(Post.source_id) == post_id, col(Post.version_id) == post_id))
        .order_by(col(SuspectPost.suspect_id).desc())
        .limit(1)
    )
    return session.exec(query).first()


def types_of(session: Session, suspect: Suspect) -> list[str]:
    """Codes of the request types whose rules its posts met."""
    query = (
        select(RequestType.code)
        .join(Rule, col(Rule.request_type_id) == col(RequestType.id))
        .join(Match, col(Match.rule_id) == col(Rule.id))
        .join(SuspectPost, col(SuspectPost.post_id) == col(Match.post_id))
        .where(SuspectPost.suspect_id == suspect.id)
        .distinct()
    )
    return list(session.exec(query))


def similar(session: Session, suspect: Suspect, limit: int = 3) -> list[Suspect]:
    """Accepted suspects of the same type at the same place, the newest first."""
    if not suspect.place:
        return []
    query = (
        select(Suspect)
        .where(
            Suspect.status == SuspectStatus.ACCEPTED,
            Suspect.request_type_id == suspect.request_type_id,
            Suspect.place == suspect.place,
            Suspect.id != suspect.id,
        )
        .order_by(col(Suspect.id).desc())
        .limit(limit)
    )
    return list(session.exec(query))


def decided_since(session: Session, by: str, since: datetime) -> int:
    """How many decisions somebody made since."""
    query = select(func.count()).where(
        Decision.by == by, Decision.at >= since, col(Decision.kind).in_(("accept", "dismiss"))
    )
    return session.exec(query).one()


def decisions(session: Session, suspect_id: int) -> list[Decision]:
    """What people did with it, newest first."""
    query = select(Decision).where(Decision.suspect_id == suspect_id).order_by(col(Decision.id).desc())
    return list(session.exec(query))


@dataclass(frozen=True, slots=True)
class Listed:
    """A suspect as the command `suspects` prints it."""

    id: int
    status: str
    type: str
    score: float | None
    posts: int
    text: str
    place: str
    first_posted_at: datetime
    version: int


def listed(session: Session, status: str = "", limit: int = 1000) -> list[Listed]:
    """Suspects of one status, or all, urgent first, then the newest."""
    query = (
        _columns(
            Suspect.id, Suspect.status, RequestType.code, Suspect.score, Suspect.posts, Post.text, Suspect.place,
            Suspect.first_posted_at, Suspect.version,
        )
        .select_from(Suspect)
        .join(RequestType, col(RequestType.id) == col(Suspect.request_type_id))
        .join(Post, col(Post.id) == col(Suspect.lead_post_id), isouter=True)
        .order_by(col(Suspect.urgent).desc(), col(Suspect.first_posted_at).desc(), col(Suspect.id).desc())
        .limit(limit)
    )  # fmt: skip
    if status:
        query = query.where(Suspect.status == status)
    return [Listed(*row) for row in session.exec(query)]
