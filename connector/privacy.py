"""Erasing what is gone: a deletion upstream takes text, author, media, words and place with it, everywhere here.

Count, type and ticket number stay; a waiting or held suspect is withdrawn, the copy in the CRM is flagged to staff.
Called by `intake.py` for every deletion a source reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.models import (
    Decision,
    DecisionKind,
    DeliveryStatus,
    Dispatch,
    Draft,
    Match,
    Note,
    Post,
    Reply,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    TicketEvent,
    now,
)

FLAG = "The author deleted the post: remove the text from the ticket"
_BEFORE_SENDING = (DeliveryStatus.DRAFTED, DeliveryStatus.QUEUED, DeliveryStatus.EXHAUSTED)


def erase(session: Session, source: str, source_ids: Sequence[str], why: str) -> int:
    """Erase these posts (by the id of any of their versions); how many were here."""
    query = select(Post).where(
        Post.source == source,
        or_(col(Post.source_id).in_(source_ids), col(Post.version_id).in_(source_ids)),
        col(Post.gone_at).is_(None),
    )
    posts = list(session.exec(query))
    for post in posts:
        _empty(session, post)
        suspects = select(Suspect).join(SuspectPost).where(SuspectPost.post_id == post.id)
        for suspect in session.exec(suspects):
            _leave(session, suspect, post, why)
    return len(posts)


def _empty(session: Session, post: Post) -> None:
    post.gone_at = now()
    post.text = post.quoted_text = post.place_name = post.author_key = ""
    post.author_sealed = post.lat = post.lon = None
    post.entities, post.media, post.references, post.edits = {}, [], [], []
    session.add(post)
    session.exec(sql_update(Match).where(col(Match.post_id) == post.id).values(words=[]))
    session.exec(sql_update(Reply).where(col(Reply.post_id) == post.id).values(content=None))


def _leave(session: Session, suspect: Suspect, post: Post, why: str) -> None:
    """The post goes out of the suspect; with the last one the suspect itself is withdrawn."""
    alive = session.exec(
        select(Post)
        .join(SuspectPost)
        .where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None), Post.id != post.id)
        .order_by(col(Post.posted_at))
    ).all()
    if suspect.lead_post_id == post.id:
        suspect.place = suspect.place_words = suspect.place_method = suspect.district = ""
        suspect.lat = suspect.lon = None
        suspect.why = [{**reason, "words": []} for reason in suspect.why or []]
        suspect.lead_post_id = alive[0].id if alive else post.id
    session.exec(
        sql_update(Dispatch)
        .where(col(Dispatch.suspect_id) == suspect.id, col(Dispatch.status) != DeliveryStatus.SENDING)
        .values(content=None)
    )
    if not alive:
        _withdraw(session, suspect, why)
    suspect.version += 1
    session.add(suspect)


def _withdraw(session: Session, suspect: Suspect, why: str) -> None:
    """Life cycle "the only post of a suspect is deleted" (DESIGN, section 6)."""
    for table in (Draft, Note):
        for row in session.exec(select(table).where(table.suspect_id == suspect.id)):
            session.delete(row)
    dispatches = session.exec(select(Dispatch).where(Dispatch.suspect_id == suspect.id)).all()
    for dispatch in dispatches:
        if dispatch.status in _BEFORE_SENDING:
            dispatch.status = DeliveryStatus.CANCELLED
            session.add(dispatch)
        if dispatch.status == DeliveryStatus.CANCELLED or dispatch.id is None:
            continue
        for ticket in session.exec(select(Ticket).where(Ticket.dispatch_id == dispatch.id)):
            ticket.flagged = FLAG
            ticket.notes = ""
            session.add(ticket)
        session.add(TicketEvent(dispatch_id=dispatch.id, what="The author deleted the post"))
    gone_out = any(d.status != DeliveryStatus.CANCELLED for d in dispatches)
    suspect.returned_because = ""
    if not gone_out and suspect.status not in (SuspectStatus.WITHDRAWN, SuspectStatus.DISMISSED):
        before = {"status": suspect.status}
        suspect.status = SuspectStatus.WITHDRAWN
        session.add(Decision(suspect_id=suspect.id or 0, kind=DecisionKind.WITHDRAW, reason=why, before=before))
