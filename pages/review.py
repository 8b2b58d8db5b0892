"""Queue: a list of suspects beside one card; one key decides exactly what the card shows.

Titled Queue, named review: `pages/queue.py` would shadow the standard library's `queue`. The pieces stand in
`connector/screen/`: `queue_header.py`, `queue_list.py`, `bulk.py`, `card.py`, `bar.py` (the keys), `dialogs.py`,
`add_post.py`; what a key means in `verbs.py`, what a decision does in `connector/decide/`.
"""

import streamlit as st

from connector import screen, workflow
from connector.addpost import Added, Pasted
from connector.screen import (
    add_post,
    bar,
    bulk,
    desk,
    dialogs,
    queue,
    queue_filters,
    queue_header,
    queue_list,
    queue_states,
)
from connector.screen.card import card

screen.only(screen.Right.QUEUE)


def add(pasted: Pasted) -> Added:
    house = screen.house()
    return workflow.add_post(house.database, house.config, house.sealer, house.gazetteer, pasted, screen.me())


bulk.over()
queue_filters.read_address()
this = queue_header.asked()
# The card is drawn before what stands around it, the first one too: whoever decides waits for the card alone.
first, top = desk.begins(), st.container(gap="small")
with top:
    instead_of_top = st.empty()
if first:
    with instead_of_top.container(key="top_to_come"):  # `web.py` hides it as soon as the line itself is there
        queue_states.header_to_come()
rows = queue_list.rows(this.where)
tick = bulk.pick if screen.allowed(screen.Right.DECIDE) else None
shown = None
if not rows:
    queue_states.nothing(this.where)
elif screen.phone():
    if not queue.mine().picking:
        shown = card(queue.mine().chosen)
        st.markdown("**Next up**")
    listed = st.container(gap="small")
else:
    listed, right = st.columns([1, 1])
    with right:
        shown = card(queue.mine().chosen)
if rows:
    with listed:
        instead_of_list = st.empty()
    if first:
        with instead_of_list.container():
            queue_states.list_to_come()
with st.bottom:
    bar.bar(None if queue.mine().picking else shown)
another = desk.drawn(shown)
desk.hold(shown)  # while the browser shows the card, and no eye waits for it
if another:
    desk.shows(first)
desk.follow()
queue_header.looked()
with top:
    queue_header.header(this, lambda: add_post.button(add))
if rows:
    if first:
        instead_of_list.empty()
    with listed:
        if queue.mine().picking:
            bulk.row(this.where)
        queue_list.the_list(rows, tick)
dialogs.dialogs(shown)
queue_filters.write_address()
