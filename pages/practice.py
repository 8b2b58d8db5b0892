"""Practice: demo posts to decide with the queue's own keys, scored against what was meant; no suspect is touched.

The pieces stand in `connector/screen/practice.py`, the cards and what is kept in `connector/practice.py`.
"""

import streamlit as st

from connector import practice, screen
from connector.screen import Right
from connector.screen import practice as parts

screen.only(Right.QUEUE)
database, me = screen.house().database, screen.me()


def keep(right: int, of: int) -> None:
    screen.act(Right.QUEUE, lambda: practice.keep(database, right, of, me))


parts.header()
screen.said()
if parts.current().is_over:
    parts.summary()
    if screen.allowed(Right.PEOPLE):
        parts.who()
else:
    parts.card()
    with st.bottom:
        parts.actions(keep)
