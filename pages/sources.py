"""Sources: how each one is, what it may have missed, and what its kind can do."""

import streamlit as st

from connector import screen
from connector.screen import sources as parts

with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Sources", width="content", anchor=False)
    parts.summary()

rows = parts.lines()
if not rows:
    screen.empty("No source yet", "Name one in connector.toml as [sources.NAME]; Settings shows what can be set")
    st.stop()

row = parts.pick(rows)
left, right = st.columns([6, 5], gap="medium")
with left, st.container(border=True, height="stretch"):
    parts.card(row)
    parts.missed(row)
    parts.became(row)
with right, st.container(border=True, height="stretch"):
    parts.can_do(row)
