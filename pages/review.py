"""Queue: a list of suspects beside one card; one key decides exactly what the card shows.

Titled Queue, named review: `pages/queue.py` would shadow the standard library's `queue`. The pieces stand in
`connector/screen_queue.py`; what a decision does in `connector/workflow.py`.
"""

import streamlit as st

from connector import screen, workflow
from connector import screen_queue as parts

house, me = screen.house(), screen.me()
database, config = house.database, house.config


def accept(shown: parts.Shown) -> None:
    text = parts.typed(shown)
    parts.decide(shown, "Accepted", lambda: workflow.accept(database, config, shown.id, me, shown.version, text))


def dismiss(shown: parts.Shown, reason: str) -> None:
    label = parts.REASONS[reason]
    parts.decide(shown, "Dismissed", lambda: workflow.dismiss(database, shown.id, reason, me, shown.version), label)


def park(shown: parts.Shown) -> None:
    if shown.parked:
        parts.decide(shown, "Put back", lambda: workflow.undo(database, shown.id, me))
    else:
        parts.decide(shown, "Parked", lambda: workflow.park(database, shown.id, me, shown.version))


def retype(shown: parts.Shown, code: str) -> None:
    parts.retype(shown, lambda: workflow.retype(database, config, shown.id, code, me, shown.version))


def undo(last: parts.Last) -> None:
    parts.undo(last, lambda: workflow.undo(database, last.id, me))


verbs = parts.Verbs(accept, dismiss, park, retype, undo)
parts.read_address()
where = parts.header()
body = st.empty()
if not parts.mine().asked:
    with body.container():
        parts.loading()
rows = parts.rows(where)
shown = None
with body.container():
    if not rows:
        parts.nothing(where)
    elif screen.phone():
        shown = parts.card()
        st.markdown("**Next up**")
        parts.the_list(rows)
    else:
        left, right = st.columns([1, 1])
        with left:
            parts.the_list(rows)
        with right:
            shown = parts.card()
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
