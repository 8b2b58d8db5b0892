"""Under the navigation of every page: that no worker is alive, and what is the matter with sources; else nothing.

`pages/navigation.py` draws it. It looks again by itself, and costs one question by an index and one for the heartbeat.
What an alert says may quote a platform: it is outside text.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from connector import screen
from connector.models import Alert, AlertKind
from connector.store import alerts
from connector.store import house as house_questions

EVERY = 15  # seconds
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
    """One line for the worker, one for all alerts."""
    with screen.reading() as session:
        alive, last = house_questions.heartbeat(session)
        found = alerts.open_alerts(session, list(screen.house().config.sources))
    if not alive:
        when = f"stopped at {screen.clock(last)}" if last else "has not started yet"
        st.error(
            f"**The worker {when}.** You can go on deciding: nothing is sent and no new posts arrive until it runs "
            "again. Tell IT: `python -m connector worker`",
            icon=":material/power_off:",
        )
    if found:
        _line(sorted(found, key=lambda alert: list(WORDS).index(AlertKind(alert.kind))))


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
