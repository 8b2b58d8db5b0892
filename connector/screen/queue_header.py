"""The Queue page's line on top: title, views with counts, what came in, search, filters.

A reference, number or link in the search leads to its suspect or ticket. What came since the list was made is told
here, what came since this person was here last by `returned`; both are shown only when they ask. Read on in
`queue_filters.py`.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from connector import screen
from connector.screen import history, queue_filters
from connector.screen.queue import FIND, POLL, VIEW, capped, counts, mine, sources, ss, touched
from connector.store import queue, tickets

_NUMBER = re.compile(r"(?:#|suspect\s+#?)([1-9][0-9]{0,17})", re.IGNORECASE)
_LOOKS = 60  # seconds between two notes that this person looks


@dataclass(frozen=True, slots=True)
class Asked:
    """What the fields of the header ask for; known before they are drawn."""

    where: queue.Filter
    tickets: Sequence[tickets.TicketRow] = ()
    """Whose reference or number was typed."""
    find: str = ""
    link: str = ""
    suspect: int | None = None
    """Whom a link led to."""


def asked() -> Asked:
    """What the list is to show; a reference, number or link leads to its suspect or ticket, and is no text to find."""
    view = ss.get(VIEW, "all")
    if view == "mine" and not _has_mine():
        view = "all"
    return _looked_up(queue_filters.asked(view, (ss.get(FIND) or "").strip()))


def _has_mine() -> bool:
    return bool(screen.house().config.login or counts()["mine"])


def header(this: Asked, add: Callable[[], None]) -> None:
    """Title, views, what is new, search, filters and `add`, the page's own button; below, what was looked up."""
    many = counts()
    views = {
        name: f"{text} {capped(many[name])}"
        for name, text in queue_filters.VIEWS.items()
        if name != "mine" or _has_mine()
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Queue", width="content", anchor=False)
        screen.views(VIEW, views, "all", touched)
        with st.container(width="content"):
            _announce()
        st.text_input(
            "Find in the queue", key=FIND, placeholder="Text, link, reference or number", type="search",
            icon=":material/search:", label_visibility="collapsed", width="stretch",
        )  # fmt: skip
        queue_filters.popover()
        add()
    _found(this)


@st.fragment(run_every=POLL)
def _announce() -> None:
    """How many came in since the list was made, urgent ones red; the list stays as it is until somebody asks."""
    if mine().up_to is None:
        return
    with screen.reading() as session:
        came = queue.came(session, mine().up_to or 0)
    with st.container(gap=None):  # what is said aloud alone takes no room above
        _say_new(came)


def _say_new(came: queue.Since) -> None:
    new = str(came.new) if came.new < 100 else "100+"
    urgent = f", {came.urgent} of them urgent" if came.urgent else ""
    screen.heard(f"{new} new posts{urgent}: press S to show them" if came.new else "")
    if not came.new:
        return
    red = f":red[**▲ {came.urgent} urgent**], " if came.urgent else ""
    label = f"{red}:blue[{new} new, show]"
    icon, key = ":material/arrow_upward:", screen.key("s")
    if st.button(label, key="show_new", type="tertiary", icon=icon, shortcut=key, on_click=_start_anew):
        st.rerun()


def _start_anew() -> None:
    mine().asked = None
    touched()


# -- coming back ---------------------------------------------------------------------------------------------------


def returned() -> bool:
    """What came while this person was away, until they ask for it or decide something; whether there is any."""
    my = mine()
    if my.since is None:
        with screen.reading() as session:
            my.since = queue.since(session, screen.me())
    if not my.since.new or my.last:
        return False
    urgent = f", :red[**{my.since.urgent} urgent**]" if my.since.urgent else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Since you left: **{capped(my.since.new)} new**{urgent}", width="content")
        st.button("Show", key="show_since", icon=":material/arrow_upward:", on_click=_show_since, args=(my.since,))
    return True


def looked() -> None:
    """Write down now and then that this person looks; once the card is drawn, for no eye waits for it."""
    my = mine()
    if my.since and time.monotonic() - my.seen > _LOOKS:
        my.seen = time.monotonic()
        with contextlib.suppress(SQLAlchemyError), screen.house().database.writing() as session:
            queue.seen(session, screen.me())


def _show_since(since: queue.Since) -> None:
    queue_filters.show_since(since.after)
    mine().since = queue.Since(0, 0)


# -- looking something up ------------------------------------------------------------------------------------------


def _looked_up(where: queue.Filter) -> Asked:
    if not where.find:
        mine().looked_up = ""
        return Asked(where)
    find, link = where.find, _post_id(where.find)
    with screen.reading() as session:
        found = tickets.page(session, find=find, limit=3)
        suspect = queue.by_post(session, link, list(sources())) if link else _numbered(session, where.find)
    if suspect and mine().looked_up != find:
        queue_filters.link(suspect)
        mine().looked_up = find
    return Asked(replace(where, find="") if suspect or found else where, found, find, link, suspect)


def _numbered(session: Session, find: str) -> int | None:
    """The suspect that "#793" or "suspect 793" names, if there is one."""
    named = _NUMBER.fullmatch(find)
    found = queue.card(session, int(named[1])) if named else None
    return found.suspect.id if found else None


def _found(this: Asked) -> None:
    """The tickets whose number was typed, and the way to a post's history."""
    for row in this.tickets:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(row.state, color=screen.STATE_COLOURS.get(row.state, "gray"))  # type: ignore[arg-type]
            st.text(", ".join(filter(None, (row.number or row.reference, row.type, row.place))), width="content")
            st.page_link("tickets.py", label="Open in Tickets", query_params={"find": row.reference})
    if this.link or this.tickets:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            if not (this.suspect or this.tickets):
                st.text("No suspect has a post of this link.", width="content")
            if st.button("What happened to it?", key="history_of", type="tertiary", icon=":material/history:"):
                history.open_for(this.find)


def _post_id(text: str) -> str:
    """The last part of a link's path that looks like an id."""
    if not text.lower().startswith(("http://", "https://")):
        return ""
    parts = [part for part in urlsplit(text).path.split("/") if part and part not in ("photo", "video")]
    return next((part for part in reversed(parts) if len(part) > 4), "")
