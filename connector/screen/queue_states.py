"""What stands in the place of the Queue's list when there is none: skeletons at first, or why it is empty.

Asked by `queue_list.py` and `pages/review.py`.
"""

from __future__ import annotations

from functools import partial

import streamlit as st

from connector import screen
from connector.screen.card import HEIGHT
from connector.screen.queue import VIEW, capped, counts, ss
from connector.screen.queue_filters import clear
from connector.store import queue

HEADER = {False: 35, True: 91}  # pixels of the top line, in a window and on a phone


def loading() -> None:
    """Skeletons in the shape of list and card, until the first answer of the database."""
    left, right = st.columns([1, 1])
    with left:
        list_to_come()
    with right, st.container(border=True, height=screen.pane(HEIGHT)):
        st.skeleton(HEIGHT - 36)


def list_to_come() -> None:
    """One for all of the list: each that moves takes a little of the time in which the first card is drawn."""
    with st.container(border=True, height=screen.pane(HEIGHT)):
        st.skeleton(HEIGHT - 36)


def header_to_come() -> None:
    """In the shape of the page's top line, so that the card below stays where it is."""
    st.skeleton(HEADER[screen.phone()])


def nothing(where: queue.Filter) -> None:
    """The list is empty: why, and the one control that helps."""
    many = counts()
    if where.find or where.made_after or (where.narrowed and where.view != "mine"):
        frame = screen.empty("Nothing found", "No post fits the search and the filters.")
        label, then = "Clear search and filters", clear
    elif where.view == "all":
        frame = screen.empty("Nothing waits", "New posts are announced here as they come in.")
        label, then = f"Show {capped(many['parked'])} parked", partial(ss.update, {VIEW: "parked"})
        if not many["parked"]:
            return
    else:
        texts = {"urgent": "Nothing urgent waits", "mine": "Nothing is assigned to you", "parked": "Nothing is parked"}
        frame = screen.empty(texts[where.view], f"{capped(many['all'])} wait in all.")
        label, then = f"Show all {capped(many['all'])}", clear
        if not many["all"]:
            return
    with frame:
        st.button(label, key="useful", on_click=then)
