"""The six pages, as far as this person may see them, the city's name, and what is the matter, if anything is."""

from pathlib import Path

import streamlit as st

from connector import screen
from connector.screen import Right, account, desk, strip

HERE = Path(__file__).parent
CONFIG = screen.house().config
CITY = CONFIG.city.name
PAGES = {
    "review": ("Queue", "inbox", Right.QUEUE),
    "tickets": ("Tickets", "confirmation_number", Right.QUEUE),
    "rules": ("Rules", "filter_alt", Right.RULES),
    "trends": ("Trends", "monitoring", Right.TRENDS),
    "sources": ("Sources", "cell_tower", Right.SOURCES),
    "settings": ("Settings", "settings", Right.SETTINGS),
}
ASIDE = {  # reached by links alone
    "history": ("What happened to it", "history", Right.QUEUE),
    "practice": ("Practice", "school", Right.QUEUE),
}

st.set_page_config(page_title=f"{CITY} requests", page_icon="📮", layout="wide")
st.logo(screen.wordmark(CITY, CONFIG.is_demo), size="medium")
account.arrived()
who = screen.person()
pages = [
    st.Page(
        HERE / f"{name}.py",
        title=title,
        icon=f":material/{icon}:",
        default=name == "review",
        visibility="visible" if name in PAGES and who.may(right) else "hidden",
    )
    for name, (title, icon, right) in (PAGES | ASIDE).items()
]
if CONFIG.login and who.role:
    pages.append(st.Page(account.page, title=account.label(who), icon=":material/account_circle:", url_path="account"))
page = st.navigation(pages, position="top" if who.role else "hidden")
if not who.role:
    account.entrance()
else:
    if page is pages[0] and not who.may(Right.QUEUE):
        st.switch_page(next(one for one in pages if one.visibility == "visible"))
    strip.strip()
    if page is pages[0]:
        page.run()
    else:
        desk.leave()
        above = st.container()
        screen.demo_foot()  # before the page, which may end early; the Queue says it in its bottom row
        with above:
            page.run()
    screen.one_press_a_key()
screen.rest(page.title)
