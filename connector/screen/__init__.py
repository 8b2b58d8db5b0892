"""What the pages share: the house behind them, words for times, widgets; no other package here knows Streamlit.

Each page has its pieces in a module of this package, asked by `pages/`, which put them together and call one verb each.
Text from outside reaches a page by `text.py`, by `st.text` or by a dataframe's text cell. Read on in `text.py`, then
in `queue.py`.
"""

from __future__ import annotations

import gc
import html
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from connector import access, config, login, sealing, store
from connector.access import Right as Right
from connector.errors import ConnectorError, ForbiddenError
from connector.models import now
from connector.screen.text import byline as byline
from connector.screen.text import escaped as escaped
from connector.screen.text import heard as heard
from connector.screen.text import pieces as pieces
from connector.screen.text import posts as posts
from connector.screen.text import shortened as shortened
from connector.screen.text import status as status
from connector.triage import Gazetteer

SOURCES = {
    "x": "X", "bluesky": "Bluesky", "mastodon": "Mastodon", "facebook": "Facebook", "file": "File",
    "manual": "Added by hand", "sample": "Sample",
}  # fmt: skip
LANGUAGES = {
    "en": "English", "es": "Spanish", "zh": "Chinese", "tl": "Tagalog", "vi": "Vietnamese", "ar": "Arabic",
    "fr": "French", "ko": "Korean", "ru": "Russian", "pt": "Portuguese",
}  # fmt: skip
STATE_COLOURS = {
    "exhausted": "red", "refused": "red", "unclear": "orange", "queued": "violet", "sending": "violet", "sent": "blue",
    "open": "blue", "untrackable": "gray", "closed": "gray", "by_hand": "blue", "cancelled": "gray",
}  # fmt: skip
_NO_DATABASE = "The database does not answer."
_COLOURS = {
    "red": ("#A32020", "#F8A8A2"), "grey": ("#545D6B", "#A3ACBA"), "line": ("#D5DAE1", "#343B47"),
    "blue": ("#2557C7", "#7FA4F5"), "mid": ("#7C9BE3", "#4F6CA8"), "mute": ("#828C9B", "#7C8798"),
    "main": ("#AEB6C2", "#566072"),
}  # fmt: skip


@dataclass(frozen=True)
class House:
    """What every page stands on, made once per process."""

    config: config.Config
    database: store.Database
    sealer: sealing.Sealer
    gazetteer: Gazetteer


def house() -> House:
    """Settings, database, keys and the city's map; if they cannot be had, the page says why and ends."""
    try:
        return _house()
    except ConnectorError as error:
        broken(str(error))


@contextmanager
def answering() -> Iterator[None]:
    """A database that does not answer ends the page with a sentence instead of a traceback.

    Around what is kept by Streamlit's cache, not in it: there is no button in there.
    """
    try:
        yield
    except SQLAlchemyError:
        broken(_NO_DATABASE)


@contextmanager
def reading() -> Iterator[Session]:
    """A reading session of a database that is `answering`."""
    with answering(), house().database.reading() as session:
        yield session


def broken(why: str) -> NoReturn:
    """Say what is wrong and what to do, and end the page here."""
    with st.container(border=True, gap="small"):
        st.badge("The page cannot be shown", color="red", icon=":material/error:")
        st.text(why)
        st.text("Decisions that were confirmed are kept. Tell IT: python -m connector doctor")
        st.button("Try again", key="try_again")
    st.stop()


@st.cache_resource(show_spinner=False)
def _house() -> House:
    settings = config.load()
    login.for_streamlit(settings)  # a secret that is missing is said before anybody tries to log in
    city = settings.city
    return House(
        settings,
        store.open_database(settings),
        sealing.load(settings),
        Gazetteer.load(city.streets, city.landmarks, city.districts, city.name),
    )


# -- who is there --------------------------------------------------------------------------------------------------


def me() -> str:
    """The name that decisions carry: the login's, or this computer's one user; empty when nobody is logged in."""
    try:
        who = identity()
    except ForbiddenError:
        return ""
    return who.login if who else "demo" if house().config.is_demo else "local"


def identity() -> login.Identity | None:
    """What the login provider vouches for; None where no login is configured, ForbiddenError when nobody is there."""
    told = house().config.login
    if told is None:
        return None
    if not st.user.get("is_logged_in"):
        raise ForbiddenError("You are not logged in.")
    return login.identified(told, st.user)


def person() -> access.Person:
    """Whoever is at this page and what they may do now; nobody, without any right, when they may do nothing."""
    name = me()
    try:
        with reading() as session:
            return access.person(session, house().config, name)
    except ForbiddenError:
        return access.Person(name)


def allowed(right: Right) -> bool:
    """Whether they hold this right now: for what is drawn. What is done goes through `act`."""
    return person().may(right)


def only(right: Right) -> None:
    """End the page here, with a sentence, unless the person holds the right: a deep link leads anywhere."""
    try:
        with reading() as session:
            access.require(session, house().config, me(), right)
    except ForbiddenError as error:
        st.title("This page is not for you", anchor=False)
        st.text(str(error))
        st.stop()


def act(right: Right, verb: Callable[[], Any]) -> bool:
    """`say`, if the person holds the right at this moment; else nothing is done and `said` shows why."""

    def checked() -> None:
        with house().database.reading() as session:
            who = identity()
            access.require(session, house().config, who.login if who else me(), right)
        verb()

    return say(checked)


# -- time and words ------------------------------------------------------------------------------------------------


def midnight() -> datetime:
    """When the city's day began."""
    return now().astimezone(house().config.city.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def age(at: datetime) -> str:
    """An age up to a day, then the date in the city's zone."""
    seconds = (now() - at).total_seconds()
    if seconds < 60:
        return "now" if seconds < 10 else f"{int(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h"
    return f"{at.astimezone(house().config.city.zone):%-d %b}"


def ago(at: datetime) -> str:
    """The same inside a sentence: "8 min ago", "just now", "on 3 Nov"."""
    text = age(at)
    if text == "now":
        return "just now"
    return f"{text} ago" if (now() - at).total_seconds() < 86400 else f"on {text}"


def clock(at: datetime) -> str:
    """The time of day today, else day and time; the city's zone."""
    local, today = at.astimezone(house().config.city.zone), now().astimezone(house().config.city.zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%-d %b, %H:%M}"


def span(seconds: float | None) -> str:
    """A length of time in the largest fitting unit."""
    if seconds is None:
        return "–"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def due_in(hours: int) -> str:
    return f"due in {hours} h" if hours < 48 else f"due in {round(hours / 24)} days"


def say(action: Callable[[], Any]) -> bool:
    """Run a verb from a callback; its error is shown at the next drawing by `said`. Whether it went well."""
    try:
        action()
    except (ConnectorError, ValueError, LookupError) as error:
        complain(str(error))
        return False
    except SQLAlchemyError:
        complain(f"{_NO_DATABASE} Nothing was changed.")
        return False
    return True


def complain(sentence: str) -> None:
    """Have `said` show this."""
    st.session_state["_said"] = sentence


def said() -> bool:
    """Show what the last verb complained of; whether it did."""
    if message := st.session_state.pop("_said", ""):
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Not done", color="orange", icon=":material/info:")
            st.text(message)
    return bool(message)


# -- layout --------------------------------------------------------------------------------------------------------


def dark() -> bool:
    return st.context.theme.type == "dark"


def colour(name: str) -> str:
    return _COLOURS[name][dark()]


def demo() -> str:
    """What the demo says of itself; empty in a city."""
    return "Demo city: nothing leaves this computer." if house().config.is_demo else ""


def demo_foot() -> None:
    """The same as a page's last line."""
    if told := demo():
        st.markdown(f":gray[{told}]")


def phone() -> bool:
    """The server cannot see the width; a real phone says so in its user agent."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def pane(height: int, on_phone: int | str = "content") -> Any:
    return on_phone if phone() else height


def key(letter: str) -> str | None:
    """A shortcut, on computers only."""
    return None if phone() else letter


@st.cache_resource(show_spinner=False, max_entries=50)
def rest(page: str) -> None:
    """Once a page has been drawn: what it stands on stays, so that nobody looks through it for garbage any more.

    Streamlit collects garbage after every drawing, and what is still to be sent waits until it is done: 0.2 s for the
    modules alone.
    """
    gc.freeze()


def marked(*rows: int) -> dict[str, Any]:
    """What a table keeps in the session while these rows are marked, just as the browser tells it: told otherwise, it
    would pass for a click."""
    return {"selection": {"rows": [*rows], "columns": [], "cells": []}}


ONE_ROW: Any = ("single-row-required", "single-cell")
"""How a table lets one row be chosen: by its mark, or by a click on anything in it."""


def clicked(key: str) -> int | None:
    """From the callback of such a table: which row was meant; the mark goes there. None: no row."""
    selection = st.session_state[key]["selection"]
    rows = [row for row, _ in selection["cells"]] or selection["rows"]
    if not rows:
        return None
    st.session_state[key] = marked(rows[0])
    return int(rows[0])


def one_press_a_key() -> None:
    """A key held down counts once, on every page; the script is `web.keys`, so that the policy knows it."""
    with st.container(key="one_press_a_key", width=1, height=1, gap=None, border=False):
        st.html('<script src="keys.js"></script>', unsafe_allow_javascript=True)


def views(
    name: str, options: dict[str, str], first: str, then: Callable[[], None] | None = None, address: str = ""
) -> str:
    """One choice of a few, kept by the plain key while the labels' counts move; in the page's address as `address`."""
    told = st.query_params.get(address, "") if address else ""
    if told in options and told != st.session_state.get(f"_told_{address}"):  # by a link, or the browser's way back
        st.session_state[name] = st.session_state[f"_told_{address}"] = told
    st.session_state.setdefault(name, first)
    if st.session_state[name] not in options:
        st.session_state[name] = first

    def label(option: str) -> str:
        text = options[option]
        if option == st.session_state[name]:
            return f":blue[{text}]"
        return f":red[{text}]" if option in ("urgent", "needs you") and not text.endswith(" 0") else text

    chosen = st.segmented_control(
        name, list(options), key=name, required=True, label_visibility="collapsed", format_func=label,
        on_change=then,
    )  # fmt: skip
    if address:
        tell(address, str(chosen) if chosen != first else "")
    return str(chosen)


def tell(name: str, value: str) -> None:
    """Let the address say so, once it was chosen anew: else the browser's way back would be blocked. Empty: nothing."""
    if st.session_state.get(f"_told_{name}", "") == value:
        return
    st.session_state[f"_told_{name}"] = value
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def empty(title: str, text: str) -> Any:
    """Nothing to show: two lines, in the place of the list; returns the frame, for the one useful control."""
    frame = st.container(border=True, height=320, horizontal_alignment="center", vertical_alignment="center")
    with frame:
        st.markdown(f"**{title}**", text_alignment="center", width="content")
        st.markdown(f":gray[{text}]", text_alignment="center", width="content")
    return frame


def wordmark(name: str, demo: bool) -> str:
    """The city's name as a picture; one mid grey reads on both themes."""
    width = 28 + 8 * len(name)
    chip = (
        f'<rect x="{width}" y="5" width="48" height="18" rx="9" fill="none" stroke="#737D8C"/>'
        f'<text x="{width + 24}" y="18" text-anchor="middle" font-family="Segoe UI,sans-serif" font-size="11" '
        'fill="#737D8C">demo</text>'
        if demo
        else ""
    )
    total = width + (52 if demo else 4)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="28" viewBox="0 0 {total} 28" role="img">'
        f"<title>{html.escape(name)}</title>"
        '<rect x="0" y="6" width="16" height="16" rx="4" fill="#5B7FD6"/>'
        '<path d="M4 18V12l4-3 4 3v6z" fill="#fff"/>'
        '<text x="24" y="19" font-family="Source Sans Pro,Segoe UI,sans-serif" font-size="15" font-weight="600" '
        f'fill="#737D8C">{html.escape(name)}</text>{chip}</svg>'
    )
