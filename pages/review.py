"""Queue: a list of suspects beside one card; one key decides exactly what the card shows.

Titled Queue, named review: `pages/queue.py` would shadow the standard library's `queue`. The pieces stand in
`connector/screen_queue.py` and `screen_card.py`; what a decision does in `connector/workflow.py`.
"""

import streamlit as st

from connector import screen, workflow
from connector import screen_queue as parts
from connector.screen_card import Shown, card, typed

house, me = screen.house(), screen.me()
database, config = house.database, house.config


def accept(shown: Shown) -> None:
    text = typed(shown)
    parts.decide(shown, "Accepted", lambda: workflow.accept(database, config, shown.id, me, shown.version, text))


def dismiss(shown: Shown, reason: str) -> None:
    label = parts.REASONS[reason]
    parts.decide(shown, "Dismissed", lambda: workflow.dismiss(database, shown.id, reason, me, shown.version), label)


def park(shown: Shown) -> None:
    if shown.parked:
        parts.decide(shown, "Put back", lambda: workflow.undo(database, shown.id, me))
    else:
        parts.decide(shown, "Parked", lambda: workflow.park(database, shown.id, me, shown.version))


def retype(shown: Shown, code: str) -> None:
    parts.retype(shown, lambda: workflow.retype(database, config, shown.id, code, me, shown.version))


def undo(last: parts.Last) -> None:
    parts.undo(last, lambda: workflow.undo(database, last.id, me))


verbs = parts.Verbs(accept, dismiss, park, retype, undo)
parts.read_address()
where = parts.header()
rows = parts.rows(where)
shown = None
if not rows:
    parts.nothing(where)
elif screen.phone():
    shown = card(parts.mine().chosen)
    st.markdown("**Next up**")
    parts.the_list(rows)
else:
    left, right = st.columns([1, 1])
    with left:
        parts.the_list(rows)
    with right:
        shown = card(parts.mine().chosen)
with st.bottom:
    if shown and parts.choosing(shown):
        parts.types(shown, verbs)
    else:
        left, right = st.columns([1, 1], vertical_alignment="center")
        with left:
            parts.happened(undo)
        with right:
            if shown:
                parts.actions(shown, verbs)
parts.write_address()
