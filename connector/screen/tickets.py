"""The Tickets page's list: views with counts, search, and rows that keep their order while they are read.

`pages/tickets.py` puts the list beside the card of one delivery, which stands in `ticket_card.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from connector import screen
from connector.store import tickets
from connector.store.tickets import TicketRow

VIEWS = {"all": "All", "needs you": "Needs you", "on the way": "On the way", "open": "Open", "closed": "Closed"}
COLOURS = screen.STATE_COLOURS | {"flagged": "orange"}
HEIGHT = 740
PAGE = 200
_NUMBER = re.compile(r"[\w#. -]{1,40}")
"""A reference, or a ticket's number as 311 systems write them."""
_COMPLAINT = re.compile(r"(suspect|post) \d+")
"""As the history page writes it."""
_LIST, _CHOSEN, _VIEW, _FIND = "tickets_list", "ticket_chosen", "Show tickets", "find"
_EMPTY = {
    "all": (
        "No tickets yet",
        "Accept a suspect in the queue: it leaves after a short hold, and its ticket stands here.",
    ),
    "needs you": ("Nothing needs you", "Whatever fails, is refused or gets no clear answer appears here."),
    "on the way": ("Nothing is on the way", "What was accepted stands here until it has a ticket."),
    "open": ("No ticket is open", "What was filed stands here until it is closed over there."),
    "closed": ("No ticket was closed yet", "Closed tickets come with what was said at their closing."),
}


@dataclass
class Listing:
    """What the list shows: a snapshot, so that no row moves under a reader."""

    view: str
    find: str
    ids: list[int]
    newest: int
    more: int | None
    """Where the next page starts; None at the end."""


def header() -> tuple[str, str]:
    """Title, views with counts, search; which view is chosen and what is looked for."""
    if _FIND not in st.session_state:  # widgets forget when the page is left: one comes back to a fresh list
        st.session_state.pop(_LIST, None)
        told = st.query_params.get("find", "")
        # Streamlit leaves what the history page writes behind in the address of the page that one came from.
        st.session_state[_FIND] = "" if _COMPLAINT.fullmatch(told) else told
    with screen.reading() as session:
        counts = tickets.counts(session)
    st.title("Tickets", width="content", anchor=False)
    view = screen.views(
        _VIEW, {name: f"{title} {counts[name]}" for name, title in VIEWS.items()}, "all", address="view"
    )
    if view != "all" and st.session_state[_FIND]:  # a view is chosen: the search is over
        st.session_state[_FIND] = ""
        st.query_params.pop("find", None)
    _fresh()
    if not screen.phone():
        st.space("stretch")
    find = st.text_input(
        "Find", placeholder="Reference, number or link", icon=":material/search:", label_visibility="collapsed",
        width=260, key=_FIND, type="search", on_change=_looking,
    )  # fmt: skip
    return view, (find or "").strip()


def _looking() -> None:
    """Search goes through all tickets, and stands in the address, as the links in mails write it: a reference or a
    number does. A pasted link may name its author."""
    st.session_state[_VIEW] = "all"
    found = st.session_state[_FIND].strip()
    st.query_params.from_dict({"find": found} if _NUMBER.fullmatch(found) else {})


@st.fragment(run_every=5)
def _fresh() -> None:
    listing: Listing | None = st.session_state.get(_LIST)
    if listing is None:
        return
    with screen.reading() as session:
        count = tickets.newer(session, listing.newest)
    if count and st.button(f":blue[{count} new, show]", icon=":material/arrow_upward:", type="tertiary", key="new"):
        st.session_state.pop(_LIST, None)
        st.rerun()


def rows(view: str, find: str) -> list[TicketRow]:
    """The rows of the list as they are now, in the order of the moment when it was opened."""
    listing: Listing | None = st.session_state.get(_LIST)
    with screen.reading() as session:
        if listing is None or (listing.view, listing.find) != (view, find):
            found = tickets.page(session, view, find, PAGE)
            newest = tickets.newest_id(session)
            listing = Listing(view, find, [row.dispatch_id for row in found], newest, _next(found))
            st.session_state[_LIST] = listing
            return found
        return tickets.rows(session, listing.ids)


def _next(page: list[TicketRow]) -> int | None:
    return page[-1].dispatch_id if len(page) >= PAGE else None


def older() -> None:
    """Put the next page under the list."""
    listing: Listing = st.session_state[_LIST]
    with screen.reading() as session:
        found = tickets.page(session, listing.view, listing.find, PAGE, listing.more)
    listing.ids += [row.dispatch_id for row in found]
    listing.more = _next(found)


def nothing(view: str, find: str) -> None:
    """No row: why, and what would change that."""
    if find:
        screen.empty(
            "No ticket has this reference, number or link", "What was taken back before it left has no ticket."
        )
    else:
        screen.empty(*_EMPTY[view])


def listing(found: list[TicketRow]) -> int:
    """The list; the id of the chosen delivery, the first one if none was chosen yet."""
    ids = [row.dispatch_id for row in found]
    if st.session_state.get(_CHOSEN) not in ids:
        st.session_state[_CHOSEN] = ids[0]
    at = ids.index(st.session_state[_CHOSEN])
    # The key holds what the rows are: a click that arrives late still means the row that was seen.
    key = f"tickets_{st.session_state[_LIST].view}_{ids[0]}_{len(ids)}_{st.session_state[_LIST].newest}"
    st.session_state.setdefault(key, screen.marked(at))
    more, fits = st.session_state[_LIST].more is not None, 36 + 36 * len(ids)
    st.dataframe(
        _table(found), key=key, on_select=lambda: _choose(key, ids),
        selection_mode=screen.ONE_ROW,
        hide_index=True, row_height=36, height=screen.pane(min(HEIGHT - 44 * more, fits), min(250, fits)),
        alt="Tickets, those that need a person first",
        column_order=("state", "what") if screen.phone() else None,
        column_config={
            "state": st.column_config.MultiselectColumn(
                "State", options=list(COLOURS), color=list(COLOURS.values()), width=90
            ),
            "what": st.column_config.TextColumn("Request", width=225 if screen.phone() else 295),
            "number": st.column_config.TextColumn("Ticket", width=100),
            "since": st.column_config.TextColumn("Since", width=65),
        },
    )  # fmt: skip
    if more:
        st.button(f"{PAGE} older", type="tertiary", icon=":material/expand_more:", on_click=older)
    return int(st.session_state[_CHOSEN])


def _table(found: list[TicketRow]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "state": [["flagged" if row.flagged else row.state] for row in found],
            "what": [_what(row) for row in found],
            "number": [row.number or "–" for row in found],
            "since": [screen.age(row.since) for row in found],
        }
    )


def _what(row: TicketRow) -> str:
    """On a phone there is one column, so it says the number too, by which people look."""
    parts = (row.number if screen.phone() else "", row.type, row.place)
    return ", ".join(part for part in parts if part)


def _choose(key: str, ids: list[int]) -> None:
    if (at := screen.clicked(key)) is not None:
        st.session_state[_CHOSEN] = ids[at]
