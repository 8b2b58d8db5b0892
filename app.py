"""The entry of the pages: `streamlit run app.py`. Headers and the health route stand around `pages/navigation.py`."""

from pathlib import Path

import streamlit as st

from connector.web import MIDDLEWARE, ROUTES

app = st.App(Path(__file__).parent / "pages" / "navigation.py", routes=ROUTES, middleware=MIDDLEWARE)
