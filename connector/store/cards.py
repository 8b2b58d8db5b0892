"""One suspect and everything the card shows of it: posts, the words of their matches, notes, what it was joined with.

Called by the Queue page through `queue.py`, which hands these on. Texts come with their placeholders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import exists, or_
from sqlmodel import Session, col, select

from connector.models import (
    Decision,
    Draft,
    Match,
    Note,
    Post,
    RequestType,
    Rule,
    SourceState,
    Suspect,
    SuspectPost,
    now,
)


@dataclass(frozen=True, slots=True)
class CardPost:
    """A post on the card, with the words of its matches."""

    post: Post
    kind: str
    """Of its source."""
    words: tuple[str, ...]
    joined_by: str = ""
    """Who put it there; empty: the machine."""


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the card shows of one suspect."""

    suspect: Suspect
    type: RequestType
    posts: Sequence[CardPost]
    notes: Sequence[Note] = ()
    """Newest first."""
    has_drafts: bool = False
    """Somebody typed something here and has not sent it."""
    codes: Sequence[str] = ()
    """Of the request types whose rules the posts shown here met."""

    @property
    def claimed_by(self) -> str:
        """Who has it open at this moment; empty: nobody."""
        until = self.suspect.claimed_until
        return self.suspect.claimed_by if until and until > now() else ""


def card(session: Session, suspect_id: int) -> Card | None:
    """One suspect with its posts, the leading one first.

    What few suspects have is asked for only where the first question says that it is there.
    """
    noted = exists().where(col(Note.suspect_id) == suspect_id)
    drafted = exists().where(col(Draft.suspect_id) == suspect_id)
    asked = select(Suspect, RequestType, noted, drafted).join(RequestType)
    found = session.exec(asked.where(Suspect.id == suspect_id)).first()
    if found is None:
        return None
    suspect, kind, is_noted, has_drafts = found
    rows = session.exec(
        select(Post, SourceState.kind, SuspectPost.joined_by)
        .join(SuspectPost, col(SuspectPost.post_id) == col(Post.id))
        .join(SourceState, col(SourceState.name) == col(Post.source), isouter=True)
        .where(SuspectPost.suspect_id == suspect_id)
        .order_by((col(Post.id) != suspect.lead_post_id), col(Post.posted_at))
        .limit(50)
    ).all()
    words: dict[int, list[str]] = {}
    codes: set[str] = set()
    matched = select(Match.post_id, Match.words, RequestType.code).where(
        col(Match.post_id).in_([post.id for post, *_ in rows])
    )
    of_types = matched.join(Rule, col(Rule.id) == col(Match.rule_id)).join(RequestType)
    for post_id, found_words, code in session.exec(of_types):
        words.setdefault(post_id, []).extend(found_words or [])
        codes.add(code)
    posts = [
        CardPost(post, of or post.source, tuple(dict.fromkeys(words.get(post.id or 0, []))), by)
        for post, of, by in rows
    ]
    notes = select(Note).where(Note.suspect_id == suspect_id).order_by(col(Note.at).desc(), col(Note.id).desc())
    return Card(suspect, kind, posts, session.exec(notes).all() if is_noted else (), bool(has_drafts), sorted(codes))


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


def decisions(session: Session, suspect_id: int) -> list[Decision]:
    """What people did with it, newest first."""
    query = select(Decision).where(Decision.suspect_id == suspect_id).order_by(col(Decision.id).desc())
    return list(session.exec(query))
