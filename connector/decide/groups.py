"""Which posts are one problem: merge, split, and a second request of the same posts.

The key M and "Also file as …" of the Queue page. What a person joined or parted the machine leaves so: it carries
their name in `SuspectPost.joined_by`, and `Apart` names what does not belong together. A deletion upstream finds a
suspect by its posts or its leading post: so no text, place or draft may stay where neither is left. Read on in
`regrouping.py`, the way back.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import membership
from connector.decide.drafts import drop_drafts
from connector.decide.record import first, record, settle, type_of
from connector.errors import AlreadyDecidedError
from connector.grouping import regroup
from connector.membership import locked
from connector.models import (
    OPEN,
    Apart,
    DecisionKind,
    DeliveryStatus,
    Dispatch,
    Note,
    Suspect,
    SuspectPost,
    SuspectStatus,
    now,
)
from connector.store import Database, near

_JOINS = (*OPEN, SuspectStatus.ACCEPTED)
SAME = (
    "lead_post_id",
    "score",
    "why",
    "language",
    "source",
    *membership.NO_PLACE,
)
"""What a suspect knows from its posts; whether it is urgent stays as it is, to be on the safe side."""


def merge(database: Database, suspect_id: int, into: int, by: str, version: int | None = None) -> None:
    """Its posts and notes move into another one, which waits, is parked or was accepted; it leaves the queue.

    Raises AlreadyDecidedError when someone was faster with either, ValueError for a suspect and itself.
    """
    if suspect_id == into:
        raise ValueError("Choose another suspect to merge it into.")
    with database.writing() as session:
        locked(session, [suspect_id, into])
        suspect, before = first(session, suspect_id, version)
        target, was = first(session, into, None, _JOINS)
        at = now()
        posts = joins(session, suspect_id)
        there = {join.post_id for join in joins(session, into)} & {join.post_id for join in posts}
        notes = list(session.exec(select(Note.id).where(Note.suspect_id == suspect_id)))
        before |= {"into": into, "posts": told(posts), "shared": sorted(there), "notes": notes}
        before["apart"] = _no_longer_apart(session, posts, into)
        was |= {"from": suspect_id, "urgent": target.urgent, "urgent_why": target.urgent_why}
        move(session, posts, into, there, by)
        session.exec(sql_update(Note).where(col(Note.id).in_(notes)).values(suspect_id=into))
        target.urgent_why = target.urgent_why or suspect.urgent_why
        target.urgent = int(bool(target.urgent or suspect.urgent))
        settle(suspect, SuspectStatus.MERGED, by, at)
        suspect.parked_until, suspect.merged_into_id = None, into
        regroup(session, target)
        let_go(session, suspect_id)
        record(session, suspect, DecisionKind.MERGE, by, before, at=at)
        record(session, target, DecisionKind.MERGE, by, was, at=at)


def split(database: Database, suspect_id: int, post_ids: Sequence[int], by: str, version: int | None = None) -> int:
    """These posts leave into a new suspect of the same type, which waits; its id.

    The place goes with the post that told it, unless a person said it. Raises AlreadyDecidedError, and
    ValueError when none of its posts is chosen, or all.
    """
    with database.writing() as session:
        suspect, before = first(session, suspect_id, version)
        held = joins(session, suspect_id)
        leaving = [join for join in held if join.post_id in set(post_ids)]
        if not leaving or len(leaving) == len(held):
            raise ValueError("Choose some of its posts, and leave at least one.")
        staying = [join.post_id for join in held if join not in leaving]
        before |= {"posts": told(leaving), "lead_post_id": suspect.lead_post_id}
        made = _alike(suspect, suspect.request_type_id, by)
        session.add(made)
        session.flush()
        new = made.id or 0
        move(session, leaving, new, (), by)
        at = now()
        near.keep_apart(session, [join.post_id for join in leaving], suspect_id, by)
        near.keep_apart(session, staying, new, by)
        for one in (suspect, made):
            lead(session, one)
            regroup(session, one)
        let_go(session, suspect_id)
        record(session, suspect, DecisionKind.SPLIT, by, before | {"new": new}, at=at)
        record(session, made, DecisionKind.SPLIT, by, {"from": suspect_id, "version": made.version}, at=at)
        return new


def also_file(database: Database, suspect_id: int, type_code: str, by: str, version: int | None = None) -> int:
    """A second suspect of the same posts and another type, which waits; its id. Both may be accepted.

    Raises AlreadyDecidedError, LookupError without such a type, ValueError when it is of that type itself.
    """
    with database.writing() as session:
        kind = type_of(session, type_code)
        suspect, before = first(session, suspect_id, version, _JOINS)
        if suspect.request_type_id == kind.id:
            raise ValueError(f"It is filed as {kind.title} already: choose another type.")
        at, made = now(), _alike(suspect, kind.id or 0, by)
        made.urgent = int(kind.urgent or bool(made.urgent_why))
        session.add(made)
        session.flush()
        new = made.id or 0
        held = joins(session, suspect_id)
        session.add_all(SuspectPost(suspect_id=new, post_id=join.post_id, joined_at=at, joined_by=by) for join in held)
        made.people, made.posts, made.last_posted_at = suspect.people, suspect.posts, suspect.last_posted_at
        record(session, suspect, DecisionKind.ALSO, by, before | {"new": new}, type_code, at=at)
        record(session, made, DecisionKind.ALSO, by, {"from": suspect_id, "version": made.version}, type_code, at=at)
        return new


# -- posts of a suspect ------------------------------------------------------------------------------------------------


def joins(session: Session, suspect_id: int) -> list[SuspectPost]:
    """What holds its posts, in one order."""
    query = select(SuspectPost).where(SuspectPost.suspect_id == suspect_id).order_by(col(SuspectPost.post_id))
    return list(session.exec(query))


def told(held: Sequence[SuspectPost]) -> list[tuple[int, str, str]]:
    """For `Decision.before`: post, when it joined, and by whom."""
    return [(join.post_id, join.joined_at.isoformat(), join.joined_by) for join in held]


def move(session: Session, held: Sequence[SuspectPost], to: int, there: Collection[int], by: str) -> None:
    """These posts belong to another suspect from now on, by this person's word; one that is `there` only leaves."""
    for join in held:
        session.delete(join)
    session.flush()
    fresh = [join.post_id for join in held if join.post_id not in there]
    session.add_all(SuspectPost(suspect_id=to, post_id=post_id, joined_by=by) for post_id in fresh)
    session.flush()


def lead(session: Session, suspect: Suspect) -> None:
    """If its leading post went elsewhere or is gone: the earliest one leads. AlreadyDecidedError: none is left."""
    if not membership.lead(session, suspect):
        raise AlreadyDecidedError("The posts that are left were deleted by their authors.")


def let_go(session: Session, suspect_id: int) -> None:
    """Its posts are another's now: what was typed and what was frozen of them does not stay behind."""
    drop_drafts(session, suspect_id)
    over = col(Dispatch.status).in_((DeliveryStatus.CANCELLED, DeliveryStatus.REFUSED))
    session.exec(sql_update(Dispatch).where(col(Dispatch.suspect_id) == suspect_id, over).values(content=None))


def _alike(suspect: Suspect, type_id: int, by: str) -> Suspect:
    """A new one that waits, with what is known of the leading post; whoever makes it has seen it."""
    same = {name: getattr(suspect, name) for name in SAME}
    return Suspect(
        request_type_id=type_id, urgent=suspect.urgent, urgent_why=suspect.urgent_why, opened_at=now(), opened_by=by,
        first_posted_at=suspect.first_posted_at, last_posted_at=suspect.last_posted_at, **same,
    )  # fmt: skip


def _no_longer_apart(session: Session, posts: Sequence[SuspectPost], suspect_id: int) -> list[tuple[int, str]]:
    """A person joins what a person had parted; what is forgotten of it, for the way back."""
    ids = [join.post_id for join in posts]
    parted = select(Apart).where(Apart.suspect_id == suspect_id, col(Apart.post_id).in_(ids))
    forgotten = [(apart.post_id, apart.by) for apart in session.exec(parted)]
    near.let_together(session, ids, suspect_id)
    return forgotten
