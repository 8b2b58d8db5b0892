"""Add a post, in the Queue: what a resident wrote or said elsewhere is pasted, and waits like any other.

While the text is pasted the rules and the city's map say what it seems to be and where; a person may know better.
`pages/review.py` says what adding does; the work is done by `connector/addpost.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import streamlit as st

from connector import screen
from connector.access import Right
from connector.addpost import CAME_FROM, LONGEST, Added, Guess, Guesser, Pasted
from connector.screen.queue import Last, kinds, mine, ss
from connector.store import queue

Add = Callable[[Pasted], Added]
_ROUND = "add_round"
"""Counts the posts added: each dialog has fields of its own, so that a second click on "Add" meets none."""


@st.cache_resource(show_spinner=False)
def _guesser() -> Guesser:
    house = screen.house()
    return Guesser(house.config, house.sealer, house.gazetteer)


def button(add: Add) -> None:
    """In the page's header: opens the dialog."""
    label, type_ = ("Add", "tertiary") if screen.phone() else ("Add a post", "secondary")
    if st.button(label, key="add_post", icon=":material/add:", shortcut=screen.key("shift+n"), type=type_):  # type: ignore[arg-type]
        _dialog(add)


@st.dialog("Add a post", width="medium")
def _dialog(add: Add) -> None:
    if ss.pop("add_closes", False):
        st.rerun()
    number = ss.setdefault(_ROUND, 0)
    text = st.text_area(
        "What was written or said", key=f"live_add_text_{number}", height=120,
        placeholder="Paste the post, or write what the caller told", persist_state="session",
    )  # fmt: skip
    guess = _guess(text or "")
    left, right = st.columns(2, gap="small")
    with left:
        link = st.text_input(
            "Link, if there is one", key=f"add_link_{number}", placeholder="https://", persist_state="session"
        )
    with right:
        came_from = _came_from(link or "", number)
    left, right = st.columns(2, gap="small")
    with left:
        type_code = _type(guess, number)
    with right:
        place = st.text_input(
            "Place, if not as found" if guess.place else "Place", key=f"add_place_{number}",
            placeholder=guess.place or "Street, crossing or landmark", persist_state="session",
        )  # fmt: skip
    _reason(text or "", guess, type_code)
    pasted = Pasted(text or "", link or "", came_from, type_code if type_code != guess.type_code else "", place or "")
    if st.button("Add", key=f"add_{number}", type="primary", icon=":material/check:"):
        _added(add, pasted)
    _complaint()


def _guess(text: str) -> Guess:
    with screen.reading() as session:
        return _guesser().guess(session, text[:LONGEST])


def _type(guess: Guess, number: int) -> str:
    """The type as the rules say until a person says otherwise."""
    titles = {kind.code: kind.title for kind in kinds()}
    key, theirs = f"add_type_{number}", f"add_type_chosen_{number}"
    if not ss.get(theirs):
        ss[key] = guess.type_code if guess.type_code in titles else None
    chosen = st.selectbox(
        "Type", list(titles), key=key, format_func=titles.__getitem__, placeholder="Choose a type",
        on_change=partial(ss.update, {theirs: True}),
    )  # fmt: skip
    return chosen or ""


def _came_from(link: str, number: int) -> str:
    """As the link says, else as this person said last, until they say otherwise."""
    key, theirs = f"add_came_{number}", f"add_came_chosen_{number}"
    host = (urlsplit(link).hostname or "") if link.lower().startswith("http") else ""
    told = "Nextdoor" if host.endswith("nextdoor.com") else "Group" if host.endswith("facebook.com") else ""
    if not ss.get(theirs):
        ss[key] = told or ss.get("add_came_last", "Other")
    return str(st.selectbox("Came from", CAME_FROM, key=key, on_change=partial(ss.update, {theirs: True})))


def _reason(text: str, guess: Guess, type_code: str) -> None:
    """One quiet line: what the rules and the map found."""
    if not text.strip():
        said = "The type and the place are found in the text, where it names them"
    elif guess.rule:
        said = f"Meets the rule “{screen.escaped(guess.rule)}”"
    else:
        said = "No rule meets it" + ("" if type_code else ": choose a type")
    st.markdown(f":gray[{said}{'' if not text.strip() or guess.place else ' · no place found yet'}]")


def _added(add: Add, pasted: Pasted) -> None:
    """Add it, put it on the card and close; what is wrong, or that it is here already, is said in the dialog."""
    done: list[Added] = []
    if not screen.act(Right.DECIDE, lambda: done.append(add(pasted))):
        ss["add_complaint"] = ss.pop("_said")
        return
    if done[0].is_new:
        ss["add_came_last"] = pasted.came_from
        _choose(done[0].suspect_id)
        _stands(done[0].suspect_id)
        st.rerun()
    ss["add_known"] = done[0].suspect_id


def _choose(suspect_id: int) -> None:
    mine().go_anyway(suspect_id)
    ss[_ROUND] += 1


def _stands(suspect_id: int) -> None:
    """It is on the card, in the list and in the bottom row, with the session's next drawing."""
    my = mine()
    my.moved += 1
    if my.up_to == suspect_id - 1:  # whoever added it need not be told that there is a new one
        my.up_to, my.rank[suspect_id] = suspect_id, -0.5
    with screen.reading() as session:
        found = queue.card(session, suspect_id)
    if found:
        my.last = Last(suspect_id, ", ".join(filter(None, (found.type.title, found.suspect.place))), "Added")


def _show(suspect_id: int) -> None:
    _choose(suspect_id)
    ss["add_closes"] = True


def _complaint() -> None:
    if known := ss.pop("add_known", None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Is here already", color="orange", icon=":material/info:")
            st.text("The same text with the same link was added before.", width="content")
            st.button("Show it", key=f"show_known_{known}", on_click=_show, args=(known,))
    elif said := ss.pop("add_complaint", ""):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Not added", color="orange", icon=":material/info:")
            st.text(said, width="content")
