"""What Accept sends: the ticket's text, editable on the card, kept as a draft, with a word of warning where needed."""

from __future__ import annotations

from functools import partial

import streamlit as st

from connector import screen
from connector.screen import desk, drafts
from connector.screen.desk import Shown
from connector.triage import personal

_TYPED = "_sends_typed"
"""Under which the session knows on whose card somebody typed a text."""
_NOTHING = " "
"""The draft of somebody who took all of the text away."""
POSTS = 5
"""So many posts make up a ticket's text."""


def sends(shown: Shown, has_drafts: bool) -> None:
    """The text area, folded away until this person typed into it."""
    if not has_drafts:
        drafts.none(shown.id)
    draft = drafts.known(shown.id).get("text", "")
    # Once somebody typed here it neither folds nor changes its name: both would take the focus out of the writing hand,
    # and the next letter would be a key.
    typed = bool(draft) or st.session_state.get(_TYPED) == shown.id
    label = "What Accept sends :gray[· your draft]" if typed else "What Accept sends"
    folded = st.expander(label, expanded=typed, type="compact", icon=":material/outgoing_mail:")
    if typed:  # it is what a key sends
        with folded:
            _area(shown, draft)
    else:
        desk.follows(folded, partial(_area, shown, ""))


def _area(shown: Shown, draft: str) -> None:
    with st.container(key=f"live_send_{shown.id}", gap="xsmall"):
        text = st.text_area(
            "Description", draft or shown.sends, key=_key(shown), height=90, on_change=_keep, args=(shown,),
            persist_state="session",
        )  # fmt: skip
        if not (text or "").strip():
            st.markdown(":orange[:material/edit_off: Nothing stands here, so it cannot be accepted: write what to do.]")
            label, icon = "Put back what was posted", ":material/undo:"
            st.button(label, key=f"put_back_{shown.id}", icon=icon, type="tertiary", on_click=_put_back, args=(shown,))
        elif kinds := _listed(text or ""):
            st.markdown(f":orange[:material/privacy_tip: Holds {kinds}: better left out of a ticket.]")


def text_of(shown: Shown) -> str:
    """What goes into the ticket: exactly what stands here, whatever post has joined since the card was drawn.

    Empty where somebody took all of it away: nothing is sent then, least of all what they took away.
    """
    return str(st.session_state.get(_key(shown), shown.sends)).strip()


def _keep(shown: Shown) -> None:
    st.session_state[_TYPED] = shown.id
    text = text_of(shown)
    # That nothing is to stand there is kept as well: neither a reload nor a bulk sends what they took away.
    drafts.keep(shown.id, "text", "" if text == shown.sends.strip() else text or _NOTHING)


def _put_back(shown: Shown) -> None:
    st.session_state[_key(shown)] = shown.sends
    _keep(shown)


def _key(shown: Shown) -> str:
    return f"send_{shown.id}_{shown.version}"


def _listed(text: str) -> str:
    """What is personal in it, each kind once: "a phone number and a card number"."""
    found = personal.spans(text, screen.house().config.city.country)
    kinds = dict.fromkeys(personal.KINDS[kind] for _, _, kind in found if kind not in personal.STAYS)
    return " and ".join(f"an {kind}" if kind[0] in "aeiou" else f"a {kind}" for kind in kinds)
