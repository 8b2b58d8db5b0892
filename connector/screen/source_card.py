"""The Sources page's card: how the chosen source is, what to do about it, and the verbs; a test that blocks nobody.

`pages/sources.py` draws it; the verbs are `connector/sourcing.py`'s. What a platform says goes by `st.text`.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from connector import screen, sourcing
from connector.access import Right
from connector.collect.alerts import NEXT
from connector.models import Alert, AlertKind, now
from connector.screen.sources import STATES, Line


@dataclass(frozen=True)
class Verbs:
    """What can be done; each takes the source's name, `seen` the id of an alert."""

    retry: Callable[[str], None]
    pause: Callable[[str], None]
    seen: Callable[[int], None]


def card(row: Line, verbs: Verbs) -> None:
    """Name and state; what they said; what to do."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(row.titled), width="content", anchor=False)
        st.badge(row.state, color=STATES[row.state])  # type: ignore[arg-type]
    _what(row)
    for trouble in row.troubles:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Look at this", color="orange", icon=":material/report:")
            st.text(trouble, width="stretch")
    lost = next((alert for alert in row.alerts if alert.kind == AlertKind.LOST), None)
    if lost:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Posts lost", color="orange", icon=":material/report:")
            st.text(lost.says, width="stretch")
    if screen.allowed(Right.SETTINGS):
        _buttons(row, verbs, lost)


def _what(row: Line) -> None:
    since = f" since {screen.clock(row.failing_since)}" if row.failing_since else ""
    last = f"Last post at {screen.clock(row.last_post_at)}." if row.last_post_at else "It has brought no post yet."
    match row.state:
        case "refused":
            st.error(
                f"**The access is refused{since}.** Nothing is read until it is mended.", icon=":material/key_off:"
            )
            st.text(row.error)
            st.markdown(
                "1. Make a new key or token at the platform.\n"
                f"2. Put it where `[sources.{row.name.replace('`', '')}]` in the settings names it.\n"
                "3. Restart the worker, and these pages: both read the settings when they start.\n\n"
                ":gray[If it was mended at the platform alone, press Try again now; the worker also tries by itself, "
                "ever more seldom.]"
            )
        case "limit used up":
            st.error(f"**Its limit is used up{since}.** Nothing is read.", icon=":material/hourglass_disabled:")
            st.text(row.error)
            st.markdown(f":gray[{NEXT[AlertKind.SPENT].replace('`', '')}]")
        case "no answer":
            tried = f"at {screen.clock(row.waits_until)}, not sooner" if row.waits_until else "by itself"
            st.markdown(f"**It does not answer{since}** :gray[· tried again {tried}]")
            st.text(row.error)
        case "quiet":
            st.text(next(alert.says for alert in row.alerts if alert.kind == AlertKind.SILENT))
            st.markdown(f":gray[It is read as always. {NEXT[AlertKind.SILENT]}]")
        case "stopped" if not row.configured:
            st.text(f"The settings do not name it, so nobody reads it. {last}")
        case state:
            st.text(_CALM[state].format(last=last))


_CALM = {
    "running": "It is read. {last}",
    "catching up": "It is reading what came while it was away. {last}",
    "paused": "Somebody paused it: nothing is read until it goes on. {last}",
    "stopped": "It is not read now: no worker runs, or it came to its end. {last}",
    "new": "It has not been read yet; the worker begins with it when it starts. {last}",
}


def _buttons(row: Line, verbs: Verbs, lost: Alert | None) -> None:
    """The next step first; where the settings name the source no longer, nothing can be asked of it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if row.configured:
            _asking(row, verbs)
        if lost:
            st.button(
                "Seen, posts are lost", key=f"seen_{lost.id}", on_click=verbs.seen, args=(lost.id,),
                help="Takes this alert off all pages; the ledger keeps the gap",
            )  # fmt: skip
    if row.asked and (row.asked, row.state) != ("pause", "paused"):
        what = "Trying again" if row.asked == "retry" else "Pausing"
        st.markdown(f":gray[{what} is asked for; the worker hears it within seconds, if one runs.]")
    _tested(row.name)


def _asking(row: Line, verbs: Verbs) -> None:
    if row.state == "paused":
        st.button("Go on", key=f"retry_{row.name}", type="primary", on_click=verbs.retry, args=(row.name,))
    else:
        if STATES[row.state] in ("red", "orange") and not row.waits_until:
            st.button("Try again now", key=f"retry_{row.name}", type="primary", on_click=verbs.retry, args=(row.name,))
        st.button("Pause", key=f"pause_{row.name}", on_click=verbs.pause, args=(row.name,))
    if not row.waits_until:
        st.button("Test the connection", key=f"test_{row.name}", on_click=_test, args=(row.name,))


# -- a test that nobody waits for ----------------------------------------------------------------------------------


_Test = tuple[Future[tuple[bool, str]], datetime]
"""The answer to come, and when it was asked for."""


@st.cache_resource(show_spinner=False)
def _testers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="test a source")


def _test(name: str) -> None:
    screen.act(Right.SETTINGS, lambda: _ask(name))


def _ask(name: str) -> None:
    """Begin to ask the platform; one question at a time."""
    begun: _Test | None = st.session_state.get(f"source_tested_{name}")
    if begun is None or begun[0].done():
        house = screen.house()
        asked = _testers().submit(sourcing.test, house.database, house.config, name)
        st.session_state[f"source_tested_{name}"] = asked, now()


def _tested(name: str) -> None:
    begun: _Test | None = st.session_state.get(f"source_tested_{name}")
    if begun is None:
        return
    asked, at = begun
    if asked.done():
        well, says = asked.result()
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("It answers" if well else "No", color="green" if well else "red")
            st.text(f"{screen.clock(at)}: {says}")
        return

    @st.fragment(run_every=0.5)
    def wait() -> None:
        st.markdown(":gray[Asking the platform …]")
        if asked.done():
            st.rerun()

    wait()
