"""The six pages, the city's name, and what is the matter with worker and sources, if anything is."""

from pathlib import Path

import streamlit as st

from connector import screen
from connector.screen import strip

HERE = Path(__file__).parent
CITY = screen.house().config.city.name

st.set_page_config(page_title=f"{CITY} requests", page_icon="📮", layout="wide")
st.logo(screen.wordmark(CITY, screen.house().config.is_demo), size="medium")
page = st.navigation(
    [
        st.Page(HERE / "review.py", title="Queue", icon=":material/inbox:", default=True),
        st.Page(HERE / "tickets.py", title="Tickets", icon=":material/confirmation_number:"),
        st.Page(HERE / "rules.py", title="Rules", icon=":material/filter_alt:"),
        st.Page(HERE / "trends.py", title="Trends", icon=":material/monitoring:"),
        st.Page(HERE / "sources.py", title="Sources", icon=":material/cell_tower:"),
        st.Page(HERE / "settings.py", title="Settings", icon=":material/settings:"),
    ],
    position="top",
)
strip.strip()
page.run()
screen.one_press_a_key()
