"""What stands around the post on its card: notes, similar tickets, its other posts, the thread, what the type means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from connector import screen
from connector.models import DeliveryStatus, Note, RequestType, TicketStatus
from connector.screen import verbs
from connector.screen.card_names import NOBODY, Names
from connector.screen.card_post import marked
from connector.screen.desk import Shown
from connector.store import queue, tickets

_FIRST = 4
"""Posts shown before somebody asks for all: each has a button of its own, and buttons cost time."""
_LIVE = (
    DeliveryStatus.QUEUED, DeliveryStatus.SENDING, DeliveryStatus.SENT, TicketStatus.OPEN, TicketStatus.UNTRACKABLE
)  # fmt: skip
"""States of a ticket that somebody will still work on."""
_ASIDE = 10.0
"""Metres from which on a ticket is said to be elsewhere."""


def notes(found: Sequence[Note]) -> None:
    """What colleagues wrote, with who and when."""
    if found:
        with st.container(gap="xxsmall"):
            st.markdown("**Notes**")
            screen.posts([[(f"{note.by}, {screen.clock(note.at)}  ", "by"), (note.text, "")] for note in found])


def known(filed: Sequence[tickets.TicketRow], metres: Mapping[int, float], shown: Shown) -> None:
    """Tickets on what seems the same, with a way to put these posts to one that is not closed: a key for the first."""
    told = [row for row in reversed(filed) if row.status != DeliveryStatus.CANCELLED][:3]
    if not told:
        return
    attach = screen.key("shift+a")
    with st.container(gap="xxsmall"):
        st.markdown("**Similar tickets**")
        for row in told:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.badge(row.state, color=screen.STATE_COLOURS.get(row.state, "gray"))  # type: ignore[arg-type]
                st.text(_ticket(row, metres.get(row.suspect_id, 0.0)), width="content")
                st.page_link("tickets.py", label="See ticket", query_params={"find": row.reference})
                if shown.open and row.state in _LIVE:
                    st.button(
                        "Attach to it", key=f"attach_{row.dispatch_id}_{shown.id}_{shown.version}", type="tertiary",
                        shortcut=attach, on_click=verbs.attach, args=(shown, row.suspect_id, _name(row)),
                        help="It tells of the same: these posts go to that ticket, and none is filed",
                    )  # fmt: skip
                    attach = None


def _ticket(row: tickets.TicketRow, metres: float) -> str:
    far = f"{metres:.0f} m away" if metres >= _ASIDE else ""
    return ", ".join(part for part in (_name(row), row.place, far, screen.ago(row.since)) if part)


def _name(row: tickets.TicketRow) -> str:
    return row.number or row.reference


def others(found: queue.Card, names: Mapping[int, Names], shown: Shown) -> None:
    """All further posts, each with a way out of this suspect."""
    rest = found.posts[1:]
    if not rest:
        return
    key = f"all_posts_{shown.id}"
    few = rest if st.session_state.get(key) else rest[:_FIRST]
    st.markdown(f"**{len(rest)} more {'posts' if len(rest) > 1 else 'post'}**")
    if not shown.open:
        screen.posts([_line(one, names) for one in few])
    else:
        with st.container(gap="xxsmall"):
            for one in few:
                _with_split(one, names, shown)
    if len(few) < len(rest):
        st.button(f"Show all {len(rest)}", key=f"show_{key}", type="tertiary", on_click=_show_all, args=(key,))


def _show_all(key: str) -> None:
    st.session_state[key] = True


def _with_split(one: queue.CardPost, names: Mapping[int, Names], shown: Shown) -> None:
    text, button = st.columns([8, 1], vertical_alignment="center")
    with text:
        screen.posts([_line(one, names)])
    with button:
        st.button(
            "Split", key=f"split_{one.post.id}_{shown.id}_{shown.version}", type="tertiary", on_click=verbs.split,
            args=(shown, one.post.id),
        )  # fmt: skip


def _line(one: queue.CardPost, names: Mapping[int, Names]) -> list[tuple[str, str]]:
    who = names.get(one.post.id or 0, NOBODY)
    by = f"{screen.clock(one.post.posted_at)}  {screen.SOURCES.get(one.kind, '')}  "
    return marked(one, who, by=by)


def thread(found: Sequence[queue.CardPost], names: Mapping[int, Names]) -> None:
    """The conversation that it belongs to, as far as we have it, the oldest first."""
    if found:
        with st.container(gap="xxsmall"):
            st.markdown("**Thread around it**")
            screen.posts([_said(one, names) for one in found])


def _said(one: queue.CardPost, names: Mapping[int, Names]) -> list[tuple[str, str]]:
    who = names.get(one.post.id or 0, NOBODY)
    by = f"{who.author or 'somebody'}, {screen.clock(one.post.posted_at)}  "
    return marked(one, who, by=by)


def belongs(kind: RequestType) -> None:
    """What the type is for; for beginners, so it stands last."""
    told = (("Belongs here", kind.belongs), ("Not", kind.not_belongs))
    said = [f"**{title}:** {screen.escaped(text.rstrip('.'))}." for title, text in told if text]
    if said:
        st.markdown(f":gray[{' '.join(said)}]")
