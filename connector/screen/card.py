"""The card of a suspect: what, says who, where, is it known already, who else, and what Accept sends.

Read once, then drawn in reading order by the modules beside this one: `card_head.py`, `card_post.py`, `card_where.py`,
`card_around.py`, `card_send.py`; names are opened in `card_names.py` alone. Everything a post says is shown as text.
`pages/review.py` draws it beside the list of `queue_list.py`.
"""

from __future__ import annotations

from itertools import islice

import streamlit as st

from connector import grouping, screen, sealing
from connector.models import OPEN, SuspectStatus, now
from connector.screen import card_around, card_head, card_names, card_post, card_send, card_where, desk
from connector.screen.desk import Shown
from connector.screen.queue import mine
from connector.store import around, queue, tickets
from connector.triage import personal

HEIGHT = 626
"""Of list and card: with the header above and the actions below it fills 900 px."""
_SIMILAR = 3
_ENDED = (SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED, SuspectStatus.EXPIRED)


def card(suspect_id: int | None) -> Shown | None:
    """The suspect in reading order; returns what a key may decide."""
    with screen.reading() as session:
        found = queue.card(session, suspect_id or 0)
        if not found:
            return None
        suspect, posts = found.suspect, [one.post for one in found.posts]
        near = dict(islice(grouping.similar(session, suspect).items(), _SIMILAR))
        known = [id_ for id_ in dict.fromkeys([*near, suspect.follows_id]) if id_]
        filed = tickets.by_suspects(session, known)
        thread = around.thread(session, posts)
    names = card_names.opened(suspect.id or 0, ((one.post, one.kind) for one in (*found.posts, *thread)))
    shown = _shown(found)
    # Only the inner frame is another one for each suspect: what stands in the outer one need not be made anew.
    with st.container(border=True, height=screen.pane(HEIGHT), gap="small", key="pane"):
        with st.container(gap="small", key=f"card_{suspect.id}"):
            card_head.head(found)
            card_head.held(shown, desk.held_by(suspect.claimed_by, suspect.claimed_until, now()))
            card_post.post(found, names)
        card_where.where(found, shown)
        card_around.notes(found.notes[::-1])
        card_around.known(filed, near, shown)
        card_around.others(found, names, shown)
        card_around.thread(thread, names)
        if shown.open:
            card_send.sends(shown, found.has_drafts)
        card_around.belongs(found.type)
    return shown


def _shown(found: queue.Card) -> Shown:
    suspect, kind = found.suspect, found.type
    waits = suspect.status in OPEN
    may = not mine().picking and screen.allowed(screen.Right.DECIDE)
    places, country = suspect.place_words, screen.house().config.city.country
    told = sorted((one.post for one in found.posts if not one.post.gone_at), key=lambda post: post.posted_at)
    posts = "\n\n".join(sealing.mask(post.text) for post in told[: card_send.POSTS])
    return Shown(
        id=suspect.id or 0,
        version=suspect.version,
        what=", ".join(filter(None, (kind.title, suspect.place))),
        type_code=kind.code,
        open=waits and may,
        ended=suspect.status in _ENDED and may,
        parked=suspect.status == SuspectStatus.PARKED,
        others=tuple(code for code in found.codes if code != kind.code),
        place=suspect.place,
        assigned_to=suspect.assigned_to,
        sends=personal.masked(posts, country, places),
    )
