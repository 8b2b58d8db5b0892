"""Erasing what is gone: a deletion upstream takes text, author, media, words and place with it, everywhere here.

Count, type and ticket number stay; a waiting or held suspect is withdrawn, the copy in the CRM is flagged to staff.
What lies outside the tables (the outbox, SQLite's log) is only written down here, in the same commit, and forgotten by
`deliver.py`. Called by `intake.py` for every deletion a source reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import grouping
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
    Setting,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    TicketEvent,
    now,
)
from connector.store import bulk, near

FLAG = "The author deleted the post: remove the text from the ticket"
GONE = "Its author deleted the post before it arrived"
RETURNED = "The author of one of its posts deleted it before it was sent: look at what is left"
FORGET = "forget."
"""Settings of this prefix name what must still be forgotten outside the tables: a channel's reference, or the log."""
_BY_ID = [
    f"SELECT id FROM post WHERE source = :source AND gone_at IS NULL AND {name}" for name in ("source_id", "version_id")
]
_BEFORE_SENDING = (DeliveryStatus.DRAFTED, DeliveryStatus.QUEUED, DeliveryStatus.EXHAUSTED)
_PERHAPS_THERE = (DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.UNCLEAR, DeliveryStatus.BY_HAND)
_RESIDENTS = {"text": "", "place": "", "district": "", "lat": None, "lon": None, "links": ()}


def erase(session: Session, source: str, source_ids: Sequence[str], why: str) -> int:
    """Erase these posts (by the id of any of their versions); how many were here."""
    session.flush()
    ids = {row[0] for query in _BY_ID for row in bulk.among(session, query, source_ids, source=source)}
    rewritten = select(Post.id, Post.edits).where(Post.source == source, col(Post.gone_at).is_(None))
    gone = set(source_ids)
    for id_, edits in session.exec(rewritten.where(col(Post.edited_at).is_not(None))):  # few, and by an index
        if not gone.isdisjoint(edit["id"] for edit in edits or []):
            ids.add(id_)
    posts = [session.get_one(Post, id_) for id_ in sorted(ids)]
    if posts:
        session.merge(Setting(name=f"{FORGET}log", value={}))
    for post in posts:
        _empty(session, post)
        suspects = select(Suspect).join(SuspectPost).where(SuspectPost.post_id == post.id)
        for suspect in session.exec(suspects):
            _leave(session, suspect, post, why)
        # One that was merged holds no posts; it knows, and is found by, what this one said.
        for merged in session.exec(select(Suspect).where(Suspect.lead_post_id == post.id)):
            near.delete_keys(session, merged)
            _forget_place(merged)
            _forget_words(merged)
            session.add(merged)
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
    lead = session.get(Post, suspect.lead_post_id) if suspect.lead_post_id else None
    if lead is None or lead.id == post.id or not _tells_place(lead, suspect):
        _forget_place(suspect)
    if lead is None or lead.id == post.id:
        _forget_words(suspect)
        alive = _alive(session, suspect)
        suspect.lead_post_id = alive.id if alive else post.id
    _delete_of(session, Draft, suspect)
    grouping.regroup(session, suspect)
    _settle(session, suspect, why)
    suspect.version += 1
    session.add(suspect)


def _forget_place(suspect: Suspect) -> None:
    suspect.place = suspect.place_words = suspect.place_method = suspect.district = ""
    suspect.lat = suspect.lon = None


def _forget_words(suspect: Suspect) -> None:
    suspect.why = [{**reason, "words": []} for reason in suspect.why or []]


def _delete_of(session: Session, table: type[Draft] | type[Note], suspect: Suspect) -> None:
    session.exec(delete(table).where(col(table.suspect_id) == suspect.id))


def _tells_place(lead: Post, suspect: Suspect) -> bool:
    """Whether the suspect's place is one that its leading post tells, or a person; else it came from another post."""
    if suspect.place_method == "geotag":
        return lead.lat is not None
    return suspect.place_method == "by hand" or bool(suspect.place_words) and suspect.place_words in lead.text


def recheck(session: Session, suspect_id: int) -> None:
    """A delivery came to rest: if posts vanished while it was on its way, they do so now."""
    _settle(session, session.get_one(Suspect, suspect_id), "deleted upstream")


def _alive(session: Session, suspect: Suspect) -> Post | None:
    query = select(Post).join(SuspectPost).where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
    return session.exec(query.order_by(col(Post.posted_at)).limit(1)).first()


def _settle(session: Session, suspect: Suspect, why: str) -> None:
    """Life cycle "a post of a suspect is deleted" (DESIGN, section 6); safe to repeat."""
    gone = select(func.max(Post.gone_at)).join(SuspectPost).where(SuspectPost.suspect_id == suspect.id)
    gone_at = session.exec(gone).one()
    if gone_at is None:
        return
    # Locked, so that a worker who claims or records one of them at this moment comes before or after, never between.
    query = select(Dispatch).where(Dispatch.suspect_id == suspect.id, col(Dispatch.created_at) <= gone_at)
    dispatches = session.exec(query.with_for_update().execution_options(populate_existing=True)).all()
    called_back = False
    for dispatch in dispatches:
        if dispatch.status in _BEFORE_SENDING:
            dispatch.status, dispatch.last_error = DeliveryStatus.CANCELLED, GONE
            called_back = True
            session.add(dispatch)
        if dispatch.status != DeliveryStatus.SENDING:
            _let_go(session, dispatch)
    on_its_way = any(dispatch.status in _PERHAPS_THERE for dispatch in dispatches)
    if _alive(session, suspect) is None:
        _withdraw(session, suspect, why, on_its_way)
    elif called_back and suspect.status == SuspectStatus.ACCEPTED:
        suspect.status, suspect.decided_at, suspect.decided_by = SuspectStatus.WAITING, None, ""
        suspect.returned_because = RETURNED
        suspect.version += 1
        session.add(suspect)
        session.add(Decision(suspect_id=suspect.id or 0, kind=DecisionKind.UNDO, reason=why))


def _let_go(session: Session, dispatch: Dispatch) -> None:
    """The frozen content goes; of an unclear one stays what it takes to look it up."""
    if dispatch.content is None:
        return
    unclear = dispatch.status == DeliveryStatus.UNCLEAR
    dispatch.content = {**dispatch.content, **_RESIDENTS} if unclear else None
    session.add(dispatch)
    told = {"channel": dispatch.channel, "reference": dispatch.reference}
    session.merge(Setting(name=f"{FORGET}{dispatch.reference}", value=told))
    for ticket in session.exec(select(Ticket).where(Ticket.dispatch_id == dispatch.id)):
        ticket.flagged, ticket.notes = FLAG, ""
        session.add(ticket)
        session.add(TicketEvent(dispatch_id=ticket.dispatch_id, what="The author deleted the post"))


def _withdraw(session: Session, suspect: Suspect, why: str, on_its_way: bool) -> None:
    _delete_of(session, Draft, suspect)
    _delete_of(session, Note, suspect)
    suspect.returned_because = ""
    if not on_its_way and suspect.status not in (SuspectStatus.WITHDRAWN, SuspectStatus.DISMISSED):
        before = {"status": suspect.status}
        suspect.status = SuspectStatus.WITHDRAWN
        session.add(Decision(suspect_id=suspect.id or 0, kind=DecisionKind.WITHDRAW, reason=why, before=before))
    session.add(suspect)
