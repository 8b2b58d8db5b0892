"""Before and beside the pages: logging in, why somebody may see nothing, and who is logged in with what rights.

`pages/navigation.py` calls `arrived` and `entrance` before any page is drawn, and adds `page` to the navigation where a
login is configured. What a log-in leaves behind is decided by `connector/access.py`.
"""

from __future__ import annotations

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from connector import access, screen
from connector.access import Right
from connector.errors import ForbiddenError

_ARRIVED = "arrived_as"
_LONGEST = 24  # characters of a name in the navigation


def arrived() -> None:
    """Keep what a new log-in says, once a session; a failing database ends the page."""
    try:
        who = screen.identity()
    except ForbiddenError:
        return
    if who is None or st.session_state.get(_ARRIVED) == who:
        return
    house = screen.house()
    try:
        access.signed_in(house.database, house.config, who)
    except SQLAlchemyError:
        screen.broken("The database does not answer.")
    st.session_state[_ARRIVED] = who


def entrance() -> None:
    """In place of a page, for whoever may see none: the way in, or why not and whom to ask."""
    city = screen.house().config.city.name
    with st.container(border=True, gap="small", width=560):
        st.title(screen.escaped(f"{city} requests"), anchor=False)
        try:
            who = screen.identity()
        except ForbiddenError as error:
            _log_in(str(error))
        else:
            _no_role(who.login if who else screen.me())


def _log_in(why: str) -> None:
    again = bool(st.user.get("is_logged_in"))
    st.text(why if again else "Log in to see the queue. What you may do there is set by your role.")
    if st.button("Log in again" if again else "Log in", type="primary", key="log_in", icon=":material/login:"):
        st.login()


def _no_role(login: str) -> None:
    config = screen.house().config
    with screen.reading() as session:
        try:
            access.person(session, config, login)
        except ForbiddenError as error:
            st.text(str(error))
        names = access.administrators(session, config)
    if names:
        st.text(f"Administrators: {', '.join(names[:5])}")
    _log_out()


def _log_out() -> None:
    st.button("Log out", key="log_out", icon=":material/logout:", on_click=st.logout)


def label(who: access.Person) -> str:
    """The name in the navigation, for Markdown."""
    return screen.escaped(screen.shortened(who.name or who.login, _LONGEST))


def page() -> None:
    """Who is logged in, what their role may do, and the way out."""
    who = screen.person()
    st.title("Your account", anchor=False)
    with st.container(border=True, gap="small", width=560):
        team = f" · team {who.team}" if who.team else ""
        st.text(f"{who.name or who.login}\n{who.login} · {access.title(who.role)}{team}")
        st.header("What you may do", anchor=False)
        st.text("\n".join(f"{'✓' if who.may(right) else '–'}  {access.MEANINGS[right]}" for right in Right))
        st.markdown(":gray[An administrator changes this in Settings, People, or the login provider does.]")
        _log_out()
        st.markdown(":gray[Close your other windows too: each stays logged in until it is closed or loaded again.]")
