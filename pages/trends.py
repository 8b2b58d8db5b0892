"""Trends: how much comes in, what becomes of it, where, and which rules do badly; all figures from SQL."""

import streamlit as st

from connector import screen
from connector.access import Right
from connector.screen import maps
from connector.screen import trends as parts

screen.only(Right.TRENDS)
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Trends", width="content", anchor=False)
    days = int(screen.views("Period", parts.PERIODS, "28", address="days"))
    if not screen.phone():
        st.space("stretch")
    compared = st.container(width="content")
    district = parts.district()
    st.download_button(
        "CSV", parts.csv(days, district), "trends.csv", "text/csv", icon=":material/download:", type="tertiary",
        on_click="ignore", help="The daily figures: no author, no text",
    )  # fmt: skip

with st.skeleton(height=640):
    found = parts.counted(days, district)

period = parts.PERIODS[str(days)]
weekly = days > 60
compared.markdown(
    f":gray[compared with the {period} before]" if found.before else f":gray[no earlier {period} to compare with]"
)
if not found.figures.posts and not found.figures.decided:
    screen.empty("Nothing to count yet", "No post of these days met a rule: choose a longer period, or look at Sources")
    st.stop()

parts.metrics(found)
left, right = st.columns([3, 2], gap="medium")
zone = screen.house().config.city.timezone
with left, st.container(gap="xsmall"):
    note = f"city time, {zone}"
    parts.heading("By week" if weekly else "By day", note if weekly else f"{note}; today so far is dashed")
    parts.lines(found.days, weekly)
with right, st.container(gap="xsmall"):
    parts.heading("Where", "accepted, as far as a place is known")
    maps.city_map(found.spots, parts.HEIGHT)
left, right = st.columns([3, 2], gap="medium")
with left, st.container(gap="xsmall"):
    parts.heading("By type", "suspects")
    parts.types(found.types)
with right, st.container(gap="xsmall"):
    parts.heading("Accepted per rule", "lowest first")
    parts.rules(found.rules, 20 * len(found.types) + 66)
