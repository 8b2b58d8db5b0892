"""The entry of the pages: `streamlit run app.py`. Headers, health and login stand around `pages/navigation.py`."""

from pathlib import Path

import streamlit as st

from connector.web import MIDDLEWARE, ROUTES, secrets

PAGES = Path(__file__).parent / "pages" / "navigation.py"
app = st.App(PAGES, routes=ROUTES, middleware=MIDDLEWARE, secrets=secrets())
