"""The posts of a suspect: holding it still while they change, which of them leads, and who told its place.

A suspect knows three things from its posts: what the leading one says, the place that one of them told, and the danger
that any of them tells of. The first two go when the post that told them goes; a danger stays until an edit takes it
back, to be on the safe side. `decide/`, `intake.py` and `privacy.py` come by
here; `grouping.py` counts the posts and says what they are found by.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlmodel import Session, col, select

from connector.models import Match, Post, RequestType, Rule, Suspect, SuspectPost, SuspectStatus
from connector.triage import urgency

BY_HAND = "by hand"
"""The place's method when a person says it; nothing that the machine finds later replaces it."""
NO_PLACE: dict[str, Any] = {
    "place": "", "place_method": "", "place_words": "", "place_sure": None, "place_post_id": None, "district": "",
    "lat": None, "lon": None,
}  # fmt: skip


def locked(session: Session, suspect_ids: Collection[int]) -> list[Suspect]:
    """These as they are now, and nobody else changes them until we are done.

    In one order always, so that no two people wait for each other. Their keys stay as they are: rows that name them
    may be added meanwhile.
    """
    if not suspect_ids:
        return []
    query = select(Suspect).where(col(Suspect.id).in_(suspect_ids)).order_by(col(Suspect.id))
    held = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return list(session.exec(held))


def is_alive(session: Session, suspect: Suspect) -> bool:
    """Whether any of them is left."""
    held = select(Post.id).join(SuspectPost).where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
    return session.exec(held.limit(1)).first() is not None


def lead(session: Session, suspect: Suspect) -> bool:
    """If its leading post went elsewhere or is gone, the earliest one leads, with its own reasons; the place goes with
    the post that told it. False: none is left to lead."""
    held = select(Post).join(SuspectPost).where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
    if suspect.place_post_id and not session.exec(held.where(Post.id == suspect.place_post_id)).first():
        forget_place(suspect)
    if session.exec(held.where(Post.id == suspect.lead_post_id)).first():
        return True
    post = session.exec(held.order_by(col(Post.posted_at), col(Post.id)).limit(1)).first()
    if post is None:
        return False
    suspect.lead_post_id, suspect.language, suspect.source = post.id, post.lang, post.source
    suspect.why = _why(session, post.id or 0)
    session.add(suspect)
    return True


def forget_place(suspect: Suspect) -> None:
    """As if nobody had told where."""
    for name, nothing in NO_PLACE.items():
        setattr(suspect, name, nothing)


def danger_told(session: Session, suspect: Suspect) -> str:
    """The danger that the first of its posts that are left tells of; empty: none does."""
    texts = select(Post.text).join(SuspectPost).where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
    found = map(urgency.find, session.exec(texts.order_by(col(Post.posted_at), col(Post.id))))
    return next((danger.kind for danger in found if danger), "")


def judge_urgency(session: Session, suspect: Suspect) -> None:
    """Urgent is what tells of a danger, is of an urgent type, or took in what was."""
    kind = session.get_one(RequestType, suspect.request_type_id)
    taken_in = select(Suspect.id).where(Suspect.merged_into_id == suspect.id, Suspect.urgent == 1).limit(1)
    suspect.urgent = int(kind.urgent or bool(suspect.urgent_why) or session.exec(taken_in).first() is not None)


def alarm(suspect: Suspect, danger: str) -> None:
    """Something urgent came: on top again, also where it was put aside, and unopened, since nobody has seen this."""
    suspect.urgent, suspect.urgent_why = 1, danger
    suspect.opened_at, suspect.opened_by = None, ""
    suspect.acknowledged_at, suspect.acknowledged_by = None, ""
    if suspect.status == SuspectStatus.PARKED:
        suspect.status, suspect.parked_until = SuspectStatus.WAITING, None
        suspect.decided_at, suspect.decided_by = None, ""


def _why(session: Session, post_id: int) -> list[dict[str, Any]]:
    found = select(Rule.id, Rule.name, Match.words).join(Match, col(Match.rule_id) == col(Rule.id))
    rows = session.exec(found.where(Match.post_id == post_id).order_by(col(Rule.id)))
    return [{"rule_id": id_, "rule": name, "words": words} for id_, name, words in rows]
