"""Under the navigation of every page: urgent posts that nobody opens, no worker, what is the matter with sources.

`pages/navigation.py` draws it. It looks again by itself; what it draws is at most three seconds old.
What an alert says may quote a platform: it is outside text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from connector import screen, workflow
from connector.models import Alert, AlertKind, now
from connector.store import alerts, oncall
from connector.store import house as house_questions

EVERY, _KEPT = 15, 3  # seconds
WORDS = {
    AlertKind.REFUSED: ("Refused", "red", ":material/key_off:"),
    AlertKind.SPENT: ("Limit used up", "red", ":material/hourglass_disabled:"),
    AlertKind.SILENT: ("Quiet", "orange", ":material/notifications_paused:"),
    AlertKind.LOST: ("Posts lost", "orange", ":material/report:"),
}
"""Kind of an alert → word, colour and sign, the gravest first."""
_LONGEST = 120  # characters


@st.fragment(run_every=EVERY)
def strip() -> None:
    """A line for urgent posts, the worker, all alerts; whoever was switched off meanwhile leaves the page."""
    if not screen.person().role:
        st.rerun()
    with screen.answering():
        (alive, last), found, unopened = _matters()
    if unopened and screen.allowed(screen.Right.QUEUE):
        _urgent(unopened)
    if not alive:
        when = f"stopped at {screen.clock(last)}" if last else "has not started yet"
        st.error(
            f"**The worker {when}.** You can go on deciding: nothing is sent and no new posts arrive until it runs "
            "again. Tell IT: `python -m connector worker`",
            icon=":material/power_off:",
        )
    if found:
        _line(sorted(found, key=lambda alert: list(WORDS).index(AlertKind(alert.kind))))


@st.cache_data(ttl=_KEPT, max_entries=1, show_spinner=False)
def _matters() -> tuple[tuple[bool, datetime | None], list[Alert], list[tuple[int, datetime]]]:
    """The worker's sign of life, open alerts, urgent ones that nobody opened: asked once for all who look."""
    house = screen.house()
    with house.database.reading() as session:
        since = now() - timedelta(seconds=house.config.oncall.after)
        found = alerts.open_alerts(session, list(house.config.sources))
        return house_questions.heartbeat(session), found, oncall.unopened(session, since)


def again() -> None:
    """What it tells was changed just now: it is asked anew at the next drawing."""
    _matters.clear()


def _urgent(unopened: Sequence[tuple[int, datetime]]) -> None:
    """What nobody has opened yet, a way to it, and a way to say that one sees to it: to these, no newer ones."""
    ids = [id_ for id_, _ in unopened]
    many = f"{len(ids)}{'+' if len(ids) == oncall.MOST else ''} urgent {'posts' if len(ids) > 1 else 'post'}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="unopened"):
        st.badge("Urgent", color="red", icon=":material/warning:")
        st.text(f"{many} nobody has opened for {screen.span(_age(unopened[0][1]))}", width="content")
        st.page_link(
            "review.py", label="Show", query_params={"view": "urgent"}, icon=":material/arrow_forward:",
            icon_position="right",
        )  # fmt: skip
        if screen.allowed(screen.Right.DECIDE):
            told = "Nobody is mailed of them any more, and this line goes; they stay in the queue."
            st.button("I take it", key=f"take_{max(ids)}_{len(ids)}", help=told, on_click=_take, args=(ids,))


def _take(ids: Sequence[int]) -> None:
    screen.act(screen.Right.DECIDE, lambda: workflow.acknowledge(screen.house().database, ids, screen.me()))
    again()


def _age(at: datetime) -> float:
    return (now() - at).total_seconds()


def _line(found: Sequence[Alert]) -> None:
    first = found[0]
    word, colour, icon = WORDS[AlertKind(first.kind)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="alerts"):
        st.badge(word if len(found) == 1 else f"{len(found)} alerts", color=colour, icon=icon)  # type: ignore[arg-type]
        if not screen.phone():
            st.text(screen.shortened(_said(found), _LONGEST), width="content")
        elif len(found) == 1:
            st.text(screen.shortened(first.source, 20), width="content")
        st.page_link(
            "sources.py", label="Sources", query_params={"source": first.source}, icon=":material/arrow_forward:",
            icon_position="right",
        )  # fmt: skip


def _said(found: Sequence[Alert]) -> str:
    if len(found) == 1:
        return f"{found[0].source}: {found[0].says}"
    return " · ".join(f"{alert.source}: {WORDS[AlertKind(alert.kind)][0].lower()}" for alert in found)
