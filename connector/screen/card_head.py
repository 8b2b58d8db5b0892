"""The top of a card: type, state, how many people, danger, who else has it open, why it came back."""

from __future__ import annotations

import time

import streamlit as st

from connector import screen
from connector.models import RequestType, Suspect, SuspectStatus, now
from connector.screen import desk
from connector.screen.desk import Shown
from connector.store import around, queue

WAYS = {"open311": "goes to the 311 desk", "email": "goes by e-mail", "outbox": "goes to the outbox"}
DANGERS = {
    "gas": "Smell of gas", "wire": "Wire down", "fire": "Fire or smoke", "hurt": "Somebody hurt or trapped",
    "water": "People in rising water", "hole": "A hole one may fall into",
}  # fmt: skip
"""`Suspect.urgent_why` in words."""
_LOOK = 20  # seconds between two looks whether a colleague has it open


def head(found: queue.Card) -> None:
    """What it is, how many told of it, whose it is and by when."""
    suspect, kind = found.suspect, found.type
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(kind.title), width="content", anchor=False)
        if suspect.urgent:
            st.badge("Urgent", color="red", icon=":material/warning:")
        if suspect.status != SuspectStatus.WAITING:
            st.badge(screen.escaped(_state(suspect)), color="gray")
        st.markdown(_facts(suspect, kind), width="content")
    if suspect.urgent:
        told = ". ".join(filter(None, (DANGERS.get(suspect.urgent_why), _whom(suspect.urgent_why))))
        st.markdown(f":red[:material/call: **{screen.escaped(told)}**]")
    if suspect.returned_because and suspect.status == SuspectStatus.WAITING:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Came back", color="orange", icon=":material/undo:")
            st.text(suspect.returned_because, width="content")


def _whom(danger: str) -> str:
    return screen.house().config.oncall.whom(danger)


def _state(suspect: Suspect) -> str:
    by = f" by {suspect.decided_by}" if suspect.decided_by else ""
    if suspect.status == SuspectStatus.PARKED and suspect.parked_until:
        return f"Parked{by} until {screen.clock(suspect.parked_until)}"
    return f"{suspect.status.capitalize()}{by}"


def _facts(suspect: Suspect, kind: RequestType) -> str:
    channel = screen.house().config.channels.get(kind.channel)
    way = WAYS.get(channel.kind, f"goes to {kind.channel}") if channel else "has no way out: see Settings"
    given = f"given to {suspect.assigned_to.removeprefix('team:')}" if suspect.assigned_to else ""
    told = (given, kind.department, screen.due_in(kind.due_hours), way)
    facts = " · ".join(screen.escaped(text) for text in told if text)
    if suspect.people > 1:
        return f"**{suspect.people} people**, first {screen.clock(suspect.first_posted_at)} :gray[· {facts}]"
    return f":gray[{facts}]"


def held(shown: Shown, by: str) -> None:
    """Who else has it open, as it is now; looked at again while the card stands there, and our own claim renewed."""
    if shown.open:
        st.fragment(_held, run_every=_LOOK)(shown, by, time.monotonic())


def _held(shown: Shown, by: str, drawn: float) -> None:
    if time.monotonic() - drawn > _LOOK / 2:
        with screen.reading() as session:
            by = desk.held_by(*around.claim(session, shown.id), now())
        if not by:
            desk.hold(shown)
    if by:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Open elsewhere", color="orange", icon=":material/visibility:")
            st.text(f"{by} has it open. Look on, or decide: who is first counts.", width="content")
