"""What was accepted, where it stands, and what a person must do; those that need one come first."""

import streamlit as st

from connector import screen
from connector.access import Right
from connector.screen import ticket_card
from connector.screen import tickets as parts

screen.only(Right.QUEUE)
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    view, find = parts.header()

found = parts.rows(view, find)
if not found:
    parts.nothing(view, find)
    screen.said()
else:
    left, right = st.columns([6, 5])
    with left:
        chosen = parts.listing(found)
    with right, st.container(border=True, height=screen.pane(parts.HEIGHT), gap="small"):
        ticket_card.card(chosen)
