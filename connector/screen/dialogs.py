"""The dialogs of the card: place, merge, note, assign, park until, help; each named in the bottom row with its key.

While one is open no letter reaches the page behind it (`connector/web.py`), and Escape closes it. What is chosen here
is done by `verbs.py`, for exactly the card that was asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta

import streamlit as st

from connector import screen, sealing
from connector.models import now
from connector.screen import desk, drafts, verbs
from connector.screen.desk import Shown
from connector.screen.queue import ss
from connector.store import around, queue
from connector.triage import Place

_NUMBER = re.compile("[1-9][0-9]{0,17}")
_WORK_BEGINS = time(6, 0)
"""What is parked until a day waits again by then, city time."""
KEYS = (
    ("A", "accept: it leaves after the hold"),
    ("1 – 5", "dismiss, with the reason that stands there"),
    ("P", "park, or take out again"),
    ("U", "undo what was decided last"),
    ("J, K", "next, previous"),
    ("T", "another type"),
    ("L", "place: search the city's streets, crossings and landmarks"),
    ("M", "merge into another suspect"),
    ("Shift + A", "attach to the open ticket on the same problem that the card names"),
    ("N", "note for colleagues"),
    ("G", "give it to a person or a team"),
    ("W", "ask where it is, and park"),
    ("X", "tick several, for one decision on all"),
    ("S", "show what came in meanwhile"),
    ("Shift + N", "add a post"),
    ("H", "this list"),
    ("Esc", "close, or back"),
)
"""What every key of the Queue does, in the order of the hand."""


def dialogs(shown: Shown | None) -> None:
    """The one that was asked for, until it is dismissed or done: a drawing of the page closes none."""
    if shown is None:
        return
    found: Mapping[str, Callable[[Shown], None]] = {
        "place": _place, "merge": _merge, "note": _note, "assign": _assign, "until": _until, "help": _help,
    }  # fmt: skip
    if name := desk.asked(shown):
        found[name](shown)


def _close(_: bool = True) -> None:
    """After a verb; a complaint of it is said in the bottom row, where every other one is."""
    desk.dismiss()
    st.rerun()


@st.dialog("Where is it?", width="medium", on_dismiss=desk.dismiss)
def _place(shown: Shown) -> None:
    st.markdown(f":gray[Now: {screen.escaped(shown.place) or 'no place'}]")
    key = f"place_{shown.id}"
    typed = st.text_input(
        "Street, number, crossing or landmark", drafts.known(shown.id).get("place", ""), key=key, live=True,
        on_change=lambda: drafts.keep(shown.id, "place", str(ss.get(key) or "")), persist_state="session",
        placeholder="214 Birch, or two streets with & between",
    )  # fmt: skip
    found = screen.house().gazetteer.search(typed or "")
    for number, place in enumerate(found):
        label = " · ".join(screen.escaped(text) for text in (place.name, place.district) if text)
        if st.button(label, key=f"{key}_{number}_{place.name}", icon=":material/location_on:"):
            _placed(shown, place)
    if typed and len(typed.strip()) > 1 and not found:
        st.markdown(":gray[Nothing of that name stands in the city's files.]")
    if shown.place and st.button("Nobody knows", key=f"no_place_{shown.id}", type="tertiary"):
        _placed(shown, None)


def _placed(shown: Shown, place: Place | None) -> None:
    """Set it; what was typed to find it has served."""
    if verbs.set_place(shown, place):
        drafts.keep(shown.id, "place", "")
        ss.pop(f"place_{shown.id}", None)
    _close()


@st.dialog("Merge into", width="medium", on_dismiss=desk.dismiss)
def _merge(shown: Shown) -> None:
    number = st.text_input(
        "Number of a suspect, if it is not below", key=f"merge_{shown.id}", live=True, placeholder="1024"
    )
    with screen.reading() as session:
        found = queue.card(session, shown.id)
        if found is None:
            return
        wanted = (number or "").strip().lstrip("#")
        if wanted:
            one = around.one_beside(session, found.suspect, int(wanted)) if _NUMBER.fullmatch(wanted) else None
            candidates = [one] if one else []
        else:
            candidates = around.beside(session, found.suspect)
    if wanted == str(shown.id):
        st.markdown(":gray[That is this one: give the number of another.]")
    elif wanted and not candidates:
        st.markdown(":gray[No suspect of this number waits. Its number is at the end of the page's address.]")
    elif not candidates:
        st.markdown(":gray[No other suspect waits that could be the same.]")
    for one in candidates:
        with st.container(border=True, gap="xsmall"):
            far = f"{one.metres:.0f} m away" if one.metres is not None else ""
            told = (one.place, far, screen.age(one.first_posted_at), f"{one.people} people" if one.people > 1 else "")
            facts = " · ".join(screen.escaped(text) for text in told if text)
            st.markdown(f"**{screen.escaped(one.type)}** :gray[#{one.id} · {facts}]")
            st.text(screen.shortened(sealing.mask(one.text), 160))
            if st.button("Merge into this", key=f"merge_{shown.id}_into_{one.id}", icon=":material/merge:"):
                _close(verbs.merge(shown, one.id))


@st.dialog("Note for colleagues", width="medium", on_dismiss=desk.dismiss)
def _note(shown: Shown) -> None:
    key = f"note_{shown.id}"
    with st.container(key=f"live_{key}"):
        text = st.text_area(
            "Note", drafts.known(shown.id).get("note", ""), key=key, height=110,
            on_change=lambda: drafts.keep(shown.id, "note", str(ss.get(key) or "")), persist_state="session",
            placeholder="It stays in the house: neither the ticket nor the resident gets it",
        )  # fmt: skip
    if st.button("Save note", key=f"save_note_{shown.id}", type="primary", disabled=not (text or "").strip()):
        if verbs.note(shown, text or ""):
            drafts.keep(shown.id, "note", "")
            ss.pop(key, None)
        _close()


@st.dialog("Give it to", width="small", on_dismiss=desk.dismiss)
def _assign(shown: Shown) -> None:
    with screen.reading() as session:
        people = around.colleagues(session)
    teams = sorted({user.team for user in people if user.team})
    names = {f"team:{team}": f"Team {team}" for team in teams}
    names |= {user.login: user.name or user.login for user in people if user.login != screen.me()}
    st.markdown(f":gray[Now: {screen.escaped(names.get(shown.assigned_to, shown.assigned_to)) or 'nobody'}]")
    with st.container(horizontal=True, gap="small"):
        if st.button("Me", key=f"assign_me_{shown.id}", type="primary"):
            _close(verbs.assign(shown, screen.me()))
        if shown.assigned_to and st.button("Nobody", key=f"assign_nobody_{shown.id}"):
            _close(verbs.assign(shown, ""))
    if names:
        chosen = st.selectbox(
            "A person or a team", list(names), index=None, key=f"assign_{shown.id}", placeholder="Choose",
            format_func=names.__getitem__,
        )  # fmt: skip
        if chosen:
            _close(verbs.assign(shown, chosen))


@st.dialog("Park until", width="small", on_dismiss=desk.dismiss)
def _until(shown: Shown) -> None:
    today = now().astimezone(screen.house().config.city.zone).date()
    near = {"Tomorrow": 1, "In 3 days": 3, "In a week": 7, "In a month": 30}
    with st.container(horizontal=True, gap="small"):
        for label, days in near.items():
            if st.button(label, key=f"until_{days}_{shown.id}"):
                _close(verbs.park(shown, _morning(today + timedelta(days=days))))
    day = st.date_input(
        "Another day", None, key=f"until_{shown.id}", min_value=today + timedelta(days=1), format="YYYY-MM-DD"
    )
    if isinstance(day, date) and st.button("Park", key=f"until_day_{shown.id}", type="primary"):
        _close(verbs.park(shown, _morning(day)))


def _morning(day: date) -> datetime:
    return datetime.combine(day, _WORK_BEGINS, screen.house().config.city.zone)


@st.dialog("Keys", width="medium", on_dismiss=desk.dismiss)
def _help(_: Shown) -> None:
    rows = "\n".join(f"| **{keys}** | {what} |" for keys, what in KEYS)
    st.markdown(f"| key | does |\n|---|---|\n{rows}")
    st.markdown(":gray[A key does nothing while you write. It decides only what you have seen.]")
    st.page_link("practice.py", label="Practise on the demo city's posts", icon=":material/school:")
