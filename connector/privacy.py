"""Erasing what is gone: a deletion upstream takes text, author, media, words and place with it, everywhere here.

Count, type and ticket number stay; a waiting or held suspect is withdrawn, the copy in the CRM is flagged to staff.
Found by the post, wherever it is grouped by now: what it leads, whose place it told, what quotes or reposts it, and
every dispatch that carries its words (`DispatchPost`). What lies outside the tables (the outbox, SQLite's log) is only
written down here, in the same commit, and forgotten by `deliver.py`. Called by `intake.py` for every deletion a source
reports.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import case, delete, or_
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import grouping, membership
from connector.models import (
    Decision,
    DecisionKind,
    DeliveryStatus,
    Dispatch,
    DispatchPost,
    Draft,
    Match,
    Note,
    Post,
    PostVersion,
    Reply,
    Setting,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    TicketEvent,
    Unseen,
    now,
)
from connector.models.suspects import TOLD_ELSEWHERE
from connector.sealing import Sealer
from connector.store import bulk, near

FLAG = "The author deleted the post: remove the text from the ticket"
GONE = "Its author deleted the post before it arrived"
RETURNED = "The author of one of its posts deleted it before it was sent: look at what is left"
REFUSED = "The other side refused it; its words went with a post that was deleted"
UNCLEAR = "It is not known whether it arrived"
FORGET = "forget."
"""Settings of this prefix name what must still be forgotten outside the tables: a channel's reference, or the log."""
_BY_ID = [
    f"SELECT id FROM post WHERE source = :source AND gone_at IS NULL AND {name}" for name in ("source_id", "version_id")
]
_BY_VERSION = (
    "SELECT p.id FROM post_version v JOIN post p ON p.id = v.post_id AND p.gone_at IS NULL"
    " WHERE v.source = :source AND v.version_id"
)
_ABOUT = (
    "SELECT id, kind = 'repost' FROM post WHERE source = :source AND about_id <> '' AND gone_at IS NULL AND about_id"
)
_GONE = "SELECT source_id FROM post WHERE source = :source AND gone_at IS NOT NULL AND source_id"
_BEFORE_SENDING = (DeliveryStatus.DRAFTED, DeliveryStatus.QUEUED, DeliveryStatus.EXHAUSTED)
_PERHAPS_THERE = (DeliveryStatus.SENDING, DeliveryStatus.SENT, DeliveryStatus.UNCLEAR, DeliveryStatus.BY_HAND)
_RESIDENTS = {"text": "", "place": "", "district": "", "lat": None, "lon": None, "links": ()}
_ENDED = (SuspectStatus.WITHDRAWN, SuspectStatus.DISMISSED, SuspectStatus.EXPIRED, SuspectStatus.MERGED)
"""What stays as it ended, although its posts are gone."""
_QUOTING = ("Closed", "Note", "Refused", "Tried", "No clear answer")
"""Lines of a ticket's history that go on with somebody's own words, behind a colon."""
_AT_ONCE = 500
_DISORDER = timedelta(days=1)
"""A post that comes later than that behind its own deletion is not expected."""


def erase(session: Session, source: str, source_ids: Sequence[str], why: str) -> int:
    """Erase these posts (by the id of any of their versions) and their reposts; how many were here."""
    session.flush()
    ids = {row[0] for query in (*_BY_ID, _BY_VERSION) for row in bulk.among(session, query, source_ids, source=source)}
    about = list(bulk.among(session, _ABOUT, _names(session, source_ids, ids), source=source))
    ids |= {id_ for id_, reposts in about if reposts}
    found = sorted(ids)
    for at in range(0, len(found), _AT_ONCE):
        _erase(session, found[at : at + _AT_ONCE], why)
    quoting = sorted({id_ for id_, _ in about} - ids)
    for at in range(0, len(quoting), _AT_ONCE):
        _quote_no_more(session, quoting[at : at + _AT_ONCE])
    if found or quoting:
        session.merge(Setting(name=f"{FORGET}log", value={}))
    return len(found)


def _names(session: Session, source_ids: Sequence[str], ids: Collection[int]) -> list[str]:
    """By which others may quote or repost them: the id of any of their versions."""
    known = session.exec(select(Post.source_id, Post.version_id).where(col(Post.id).in_(ids)))
    earlier = session.exec(select(PostVersion.version_id).where(col(PostVersion.post_id).in_(ids)))
    return sorted({*source_ids, *(name for names in known for name in names), *earlier} - {""})


def remember(session: Session, sealer: Sealer, source: str, source_ids: Iterable[str]) -> None:
    """Disorder is normal: a post may come behind its own deletion, and must not stand here then."""
    at = bulk.time_text(now())
    names = ("source", "key", "at")
    table = Unseen.__table__  # type: ignore[attr-defined]
    rows = [(source, sealer.number(f"{source} {id_}"), at) for id_ in source_ids]
    bulk.writer(table, names, session.connection().dialect, True).insert_bound(session, rows)


def came_late(session: Session, sealer: Sealer, source: str, source_ids: Collection[str]) -> set[str]:
    """Which of these were deleted before they came."""
    if not source_ids or session.exec(select(Unseen.key).where(Unseen.source == source).limit(1)).first() is None:
        return set()
    keys: dict[Any, str] = {sealer.number(f"{source} {id_}"): id_ for id_ in source_ids}
    query = "SELECT key FROM unseen WHERE source = :source AND key"
    return {keys[row[0]] for row in bulk.among(session, query, list(keys), source=source)}


def erased(session: Session, sealer: Sealer, source: str, source_ids: Collection[str]) -> set[str]:
    """Which of these are gone, as far as anybody here knows; for posts that quote or repost them."""
    if not source_ids:
        return set()
    gone = came_late(session, sealer, source, source_ids)
    return gone | {row[0] for row in bulk.among(session, _GONE, sorted(source_ids), source=source)}


def forget_unseen(session: Session) -> int:
    """Deletions whose posts come no more; how many. A chore."""
    return int(session.exec(delete(Unseen).where(col(Unseen.at) < now() - _DISORDER)).rowcount)


def recheck(session: Session, dispatch_id: int) -> None:
    """A delivery came to rest: if posts that it carries vanished while it was on its way, they do so now.

    The caller holds its suspect.
    """
    carried = select(Post.id).join(DispatchPost).where(DispatchPost.dispatch_id == dispatch_id)
    if session.exec(carried.where(col(Post.gone_at).is_not(None)).limit(1)).first() is None:
        return
    dispatch = session.get_one(Dispatch, dispatch_id, populate_existing=True)
    called_back = _vanish(session, dispatch)
    (suspect,) = membership.locked(session, [dispatch.suspect_id])
    _settle(session, suspect, "deleted upstream", called_back)


def _erase(session: Session, wanted: Collection[int], why: str) -> None:
    suspects = _held(session, wanted)
    here = select(Post).where(col(Post.id).in_(wanted), col(Post.gone_at).is_(None)).order_by(col(Post.id))
    posts = session.exec(here.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    ids = [post.id or 0 for post in posts]  # fewer, if somebody erased them at the same moment
    # Locked, so that a worker who claims or records one of them at this moment comes before or after, never between.
    carrying = select(DispatchPost.dispatch_id).where(col(DispatchPost.post_id).in_(ids))
    # Their keys stay: a line of its history, written at this moment, waits for nothing of this.
    query = select(Dispatch).where(col(Dispatch.id).in_(carrying)).order_by(col(Dispatch.id))
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    dispatches = session.exec(held).all()
    for post in posts:
        _empty(session, post)
    session.exec(sql_update(Match).where(col(Match.post_id).in_(ids)).values(words=[]))
    session.exec(sql_update(Reply).where(col(Reply.post_id).in_(ids)).values(content=None))
    called_back = {dispatch.suspect_id for dispatch in dispatches if _vanish(session, dispatch)}
    session.flush()
    members = set(session.exec(select(SuspectPost.suspect_id).where(col(SuspectPost.post_id).in_(ids))))
    for suspect in suspects:
        if suspect.lead_post_id in ids:
            _forget_words(suspect)
        # What a person said of the place they may have read in the post that led.
        if suspect.place_post_id in ids or (suspect.lead_post_id in ids and suspect.place_post_id is None):
            membership.forget_place(suspect)
        if suspect.id in members:
            _leave(session, suspect)
        elif suspect.status == SuspectStatus.MERGED:  # it holds no posts; it knows what this one said
            near.delete_keys(session, suspect)
            _delete_of(session, Draft, suspect)
            _delete_of(session, Note, suspect)
        if suspect.id in members or suspect.id in called_back:
            _settle(session, suspect, why, suspect.id in called_back)
        session.add(suspect)


def _held(session: Session, ids: Collection[int]) -> list[Suspect]:
    """Every suspect that knows something of these posts, held still; asked again: one may have learned meanwhile."""
    wanted: set[int] = set()
    while True:
        held = membership.locked(session, wanted)
        known = {
            *session.exec(select(SuspectPost.suspect_id).where(col(SuspectPost.post_id).in_(ids))),
            *session.exec(select(Suspect.id).where(col(Suspect.lead_post_id).in_(ids))),
            *session.exec(select(Suspect.id).where(TOLD_ELSEWHERE, col(Suspect.place_post_id).in_(ids))),
            *session.exec(select(Dispatch.suspect_id).join(DispatchPost).where(col(DispatchPost.post_id).in_(ids))),
        }  # fmt: skip
        if known <= wanted:
            return held
        wanted |= {id_ for id_ in known if id_ is not None}


def _empty(session: Session, post: Post) -> None:
    post.gone_at = now()
    post.text = post.quoted_text = post.place_name = post.author_key = post.about_id = ""
    post.author_sealed = post.lat = post.lon = None
    post.entities, post.media, post.references, post.edits = {}, [], [], []
    session.add(post)


def _quote_no_more(session: Session, ids: Collection[int]) -> None:
    """Posts that quote it stay, without what it said."""
    for post in session.exec(select(Post).where(col(Post.id).in_(ids))):
        post.quoted_text = post.about_id = ""
        session.add(post)
        own = post.text.casefold()
        for match in session.exec(select(Match).where(Match.post_id == post.id)):
            match.words = [word for word in match.words or [] if word.casefold() in own]
            session.add(match)
        holding = select(SuspectPost.suspect_id).where(SuspectPost.post_id == post.id)
        session.exec(delete(Draft).where(col(Draft.suspect_id).in_(holding)))
        leading = session.exec(select(Suspect.id).where(Suspect.lead_post_id == post.id))
        for suspect in membership.locked(session, [id_ for id_ in leading if id_]):
            suspect.why = [
                {**reason, "words": [word for word in reason.get("words") or () if word.casefold() in own]}
                for reason in suspect.why or []
            ]
            session.add(suspect)


def _leave(session: Session, suspect: Suspect) -> None:
    """Posts went out of the suspect: another one leads, and it is counted and found anew."""
    if not membership.lead(session, suspect):
        membership.forget_place(suspect)
    _delete_of(session, Draft, suspect)
    grouping.regroup(session, suspect)
    suspect.version += 1


def _forget_words(suspect: Suspect) -> None:
    suspect.why = [{**reason, "words": []} for reason in suspect.why or []]


def _delete_of(session: Session, table: type[Draft] | type[Note], suspect: Suspect) -> None:
    session.exec(delete(table).where(col(table.suspect_id) == suspect.id))


def _settle(session: Session, suspect: Suspect, why: str, called_back: bool) -> None:
    """Life cycle "a post of a suspect is deleted" (DESIGN, section 6); safe to repeat."""
    if not membership.is_alive(session, suspect):
        _withdraw(session, suspect, why)
    elif called_back and suspect.status == SuspectStatus.ACCEPTED:
        suspect.status, suspect.decided_at, suspect.decided_by = SuspectStatus.WAITING, None, ""
        suspect.returned_because = RETURNED
        suspect.version += 1
        session.add(suspect)
        session.add(Decision(suspect_id=suspect.id or 0, kind=DecisionKind.UNDO, reason=why))


def _vanish(session: Session, dispatch: Dispatch) -> bool:
    """Posts that it carries are gone: it does not leave any more, or what left is flagged. Whether it was kept here."""
    called_back = dispatch.status in _BEFORE_SENDING
    if called_back:
        dispatch.status, dispatch.last_error = DeliveryStatus.CANCELLED, GONE
        session.add(dispatch)
    if dispatch.status != DeliveryStatus.SENDING:
        _let_go(session, dispatch)
    return called_back


def _let_go(session: Session, dispatch: Dispatch) -> None:
    """The frozen content goes, and what was said of it; of an unclear one stays what it takes to look it up."""
    unclear = dispatch.status == DeliveryStatus.UNCLEAR
    if dispatch.content is not None:
        dispatch.content = {**dispatch.content, **_RESIDENTS} if unclear else None
        told = {"channel": dispatch.channel, "reference": dispatch.reference}
        session.merge(Setting(name=f"{FORGET}{dispatch.reference}", value=told))
    if dispatch.status == DeliveryStatus.REFUSED and (why := dispatch.last_error):
        said = (col(Decision.suspect_id) == dispatch.suspect_id, col(Decision.kind) == DecisionKind.REFUSED)
        session.exec(sql_update(Decision).where(*said, col(Decision.reason) == why).values(reason=REFUSED))
        returned = (col(Suspect.id) == dispatch.suspect_id, col(Suspect.returned_because) == why)
        session.exec(sql_update(Suspect).where(*returned).values(returned_because=REFUSED))
        dispatch.last_error = REFUSED
    elif unclear:
        dispatch.last_error = UNCLEAR
    session.add(dispatch)
    what = col(TicketEvent.what)
    quoted = or_(*(what.startswith(f"{kind}: ") for kind in _QUOTING))
    bare = case(*((what.startswith(f"{kind}: "), kind) for kind in _QUOTING), else_=what)
    of_it = col(TicketEvent.dispatch_id) == dispatch.id
    session.exec(sql_update(TicketEvent).where(of_it, quoted).values(what=bare))
    theirs = select(Ticket).where(Ticket.dispatch_id == dispatch.id).with_for_update(key_share=True)
    for ticket in session.exec(theirs.execution_options(populate_existing=True)):
        ticket.flagged, ticket.notes = FLAG, ""
        session.add(ticket)
        session.add(TicketEvent(dispatch_id=ticket.dispatch_id, what="The author deleted the post"))


def _withdraw(session: Session, suspect: Suspect, why: str) -> None:
    _delete_of(session, Draft, suspect)
    _delete_of(session, Note, suspect)
    suspect.returned_because = ""
    session.add(suspect)
    refused = (col(Decision.suspect_id) == suspect.id, col(Decision.kind) == DecisionKind.REFUSED)
    session.exec(sql_update(Decision).where(*refused).values(reason=""))
    there = select(Dispatch.id).where(Dispatch.suspect_id == suspect.id, col(Dispatch.status).in_(_PERHAPS_THERE))
    on_its_way = session.exec(there.limit(1)).first() is not None
    if not on_its_way and suspect.status not in _ENDED:
        before = {"status": suspect.status}
        suspect.status = SuspectStatus.WITHDRAWN
        session.add(Decision(suspect_id=suspect.id or 0, kind=DecisionKind.WITHDRAW, reason=why, before=before))
