"""Where, told later: a reply of the same author in the same conversation gives its place to a suspect that has none.

`Asked` is what one `Intake` remembers: the conversations of suspects that wait, or are parked, without a place. Only a
reply in one of them is looked at by `prepare.py` although no rule meets it; here it is joined to its suspect, so that
the place goes again when its author deletes the reply.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import islice

from sqlmodel import Session, col, select

from connector import grouping, membership
from connector.models import OPEN, Apart, Post, Suspect, SuspectPost, now
from connector.prepare import PLACE, POST, SUSPECT, Ready
from connector.triage import urgency

_CONVERSATION, _AUTHOR = POST.index("conversation_id"), POST.index("author_key")
_WHERE = SUSPECT.index("place")
_AGE = 30.0  # seconds between two looks at what waits
_DAYS = timedelta(days=14)
_MOST = 5_000
"""Conversations remembered, the newest."""
_UNTOLD = (col(Suspect.place) == "", col(Suspect.place_method) != membership.BY_HAND)
"""Nobody knows where, and no person said so: theirs is not overruled."""


class Asked:
    """The conversations in which a place is still missing."""

    def __init__(self) -> None:
        self.conversations: dict[str, str] = {}
        """Each with its source."""
        self._looked_at = 0.0

    def refresh(self, session: Session) -> None:
        """Look anew what waits without a place, now and then: other processes store and decide as well."""
        if self._looked_at and time.monotonic() - self._looked_at < _AGE:
            return
        query = (
            select(Post.conversation_id, Post.source)
            .join(Suspect, col(Suspect.lead_post_id) == Post.id)
            .where(col(Suspect.status).in_(OPEN), *_UNTOLD, col(Suspect.created_at) > now() - _DAYS)
            .where(Post.conversation_id != "", Post.author_key != "")
        )
        newest = query.order_by(col(Suspect.created_at).desc()).limit(_MOST)
        # The oldest first, as they are learned: those are the first to be given up.
        self.conversations = dict(reversed(session.exec(newest).all()))
        self._looked_at = time.monotonic()

    def learn(self, source: str, posts: Iterable[Ready]) -> None:
        """Of posts stored just now those that wait without a place."""
        for post in posts:
            if post.waits and not post.suspect[_WHERE] and post.row[_CONVERSATION] and post.row[_AUTHOR]:
                self.conversations[post.row[_CONVERSATION]] = source
        # Together: a dict that only loses its first entries has ever more empty places to pass over before the next.
        for oldest in list(islice(self.conversations, max(0, len(self.conversations) - _MOST))):
            del self.conversations[oldest]

    def take(self, session: Session, source: str, posts: Sequence[Ready]) -> None:
        """Give the places of these answers, stored just now, to what asked for them."""
        for post in posts:
            if post.answer and self.conversations.get(post.row[_CONVERSATION]) == source:
                _give(session, source, post)
                # Another suspect of this conversation is found again at the next refresh.
                self.conversations.pop(post.row[_CONVERSATION], None)


def _give(session: Session, source: str, answer: Ready) -> None:
    query = select(Post).where(Post.source == source, Post.conversation_id == answer.row[_CONVERSATION])
    posts = session.exec(query.where(Post.author_key == answer.row[_AUTHOR], col(Post.gone_at).is_(None))).all()
    told = next((post for post in posts if post.source_id == answer.key), None)
    if told is None:
        return
    asking = select(Suspect.id).where(col(Suspect.lead_post_id).in_([post.id for post in posts if post is not told]))
    parted = select(Apart.suspect_id).where(Apart.post_id == told.id)
    open_ones = session.exec(asking.where(col(Suspect.status).in_(OPEN), *_UNTOLD, col(Suspect.id).not_in(parted)))
    danger = urgency.find(told.text)
    for suspect in membership.locked(session, [id_ for id_ in open_ones if id_]):
        if suspect.status not in OPEN or suspect.place or suspect.place_method == membership.BY_HAND:
            continue  # a person was faster
        for name, value in zip(PLACE, answer.answer, strict=True):
            setattr(suspect, name, value)
        suspect.place_post_id = told.id
        if danger and not suspect.urgent_why:
            membership.alarm(suspect, danger.kind)
        if session.get(SuspectPost, {"suspect_id": suspect.id, "post_id": told.id}) is None:
            session.add(SuspectPost(suspect_id=suspect.id or 0, post_id=told.id or 0, joined_at=now()))
        suspect.version += 1
        session.add(suspect)
        grouping.regroup(session, suspect)
