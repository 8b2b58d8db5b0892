"""Queue: a list of suspects beside one card; one key decides exactly what the card shows.

Titled Queue, named review: `pages/queue.py` would shadow the standard library's `queue`. The pieces stand in
`connector/screen/`: `queue.py`, `queue_list.py`, `card.py`, `bar.py`, `add_post.py`; what a decision does in
`connector/workflow.py`.
"""

import streamlit as st

from connector import screen, workflow
from connector.addpost import Added, Pasted
from connector.screen import add_post, bar, queue, queue_list
from connector.screen.card import Shown, card, typed

house, me = screen.house(), screen.me()
database, config = house.database, house.config


def accept(shown: Shown) -> None:
    text = typed(shown)
    bar.decide(shown, "Accepted", lambda: workflow.accept(database, config, shown.id, me, shown.version, text))


def dismiss(shown: Shown, reason: str) -> None:
    label = bar.REASONS[reason]
    bar.decide(shown, "Dismissed", lambda: workflow.dismiss(database, shown.id, reason, me, shown.version), label)


def park(shown: Shown) -> None:
    if shown.parked:
        bar.decide(shown, "Put back", lambda: workflow.undo(database, shown.id, me))
    else:
        bar.decide(shown, "Parked", lambda: workflow.park(database, shown.id, me, shown.version))


def retype(shown: Shown, code: str) -> None:
    bar.retype(shown, lambda: workflow.retype(database, config, shown.id, code, me, shown.version))


def undo(last: queue.Last) -> None:
    bar.undo(last, lambda: workflow.undo(database, last.id, me))


def add(pasted: Pasted) -> Added:
    return workflow.add_post(database, config, house.sealer, house.gazetteer, pasted, me)


verbs = bar.Verbs(accept, dismiss, park, retype, undo)
queue.read_address()
where = queue.header(lambda: add_post.button(add))
rows = queue_list.rows(where)
shown = None
if not rows:
    queue_list.nothing(where)
elif screen.phone():
    shown = card(queue.mine().chosen)
    st.markdown("**Next up**")
    queue_list.the_list(rows)
else:
    left, right = st.columns([1, 1])
    with left:
        queue_list.the_list(rows)
    with right:
        shown = card(queue.mine().chosen)
with st.bottom:
    if shown and bar.choosing(shown):
        bar.types(shown, verbs)
    else:
        left, right = st.columns([1, 1], vertical_alignment="center")
        with left:
            bar.happened(undo)
        with right:
            if shown:
                bar.actions(shown, verbs)
queue.write_address()
bar.drawn(shown)
