"""The Sources page: how each source is, in words and in a list of all; which one is chosen.

`pages/sources.py` puts it together with `source_card.py` (the chosen one and what can be done), `source_gaps.py` (what
it may have missed) and `source_figures.py`. What a platform says is outside text and reaches the page by `st.text` or a
table's text cell alone. The questions are in `connector/store/sources.py` and `connector/store/alerts.py`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pandas as pd
import streamlit as st

from connector import screen, sources
from connector.collect.alerts import what_stops
from connector.models import Alert, AlertKind, SourceState, now
from connector.store import alerts as alert_questions
from connector.store import house as house_questions
from connector.store import sources as questions

STATES = {
    "refused": "red", "limit used up": "red", "quiet": "orange", "no answer": "orange", "catching up": "orange",
    "running": "green", "paused": "gray", "stopped": "gray", "new": "gray",
}  # fmt: skip
"""How a source is, the worst first, and its colour."""
ADDRESS = "source"
"""In the page's address: which one is chosen."""
_CHANGES = 3  # seconds between two looks for a change


@dataclass(frozen=True)
class Line:
    """A source, configured or once read."""

    name: str
    kind: str
    state: str
    asked: str
    configured: bool
    last_post_at: datetime | None
    error: str
    failing_since: datetime | None
    flow: Sequence[int]
    open_gaps: int
    read: int
    """Posts of this month."""
    cost_micros: int
    alerts: Sequence[Alert]
    troubles: Sequence[str] = ()
    waits_until: datetime | None = None
    """The platform asked not to be tried before."""

    @property
    def titled(self) -> str:
        kind = screen.SOURCES.get(self.kind, self.kind)
        return kind if self.name == self.kind else f"{self.name} · {kind}"


def lines() -> list[Line]:
    """Every source: those of the settings, and others that brought posts once."""
    configured = screen.house().config.sources
    with screen.reading() as session:
        states = {state.name: state for state in questions.all_states(session)}
        gaps, flows = questions.open_gaps(session), questions.flows(session)
        lasting = alert_questions.lasting(session)
        read = questions.read_and_paid(session, month())
        alive, _ = house_questions.heartbeat(session)
        for name, adapter in configured.items():
            states.setdefault(name, SourceState(name=name, kind=adapter.kind))
        alerts = alert_questions.open_alerts(session, list(states))
    found = []
    for name, state in sorted(states.items()):
        mine = [alert for alert in alerts if alert.source == name]
        posts, cost = read.get(name, (0, 0))
        cause, since = lasting.get(name, ("", state.last_error_at))
        found.append(
            Line(
                name, state.kind, _state(state, alive and name in configured, cause, mine), state.asked,
                name in configured, state.last_post_at, state.last_error, since,
                flows.get(name, [0] * 24), gaps.get(name, 0), posts, cost, mine,
                state.troubles or (), _until(state),
            )
        )  # fmt: skip
    return found


def declared(kind: str) -> sources.Capabilities | None:
    """What this kind says of itself; None where its adapter or a library of it is not installed."""
    try:
        return sources.capabilities(kind)
    except (ImportError, AttributeError):
        return None


def month() -> date:
    """The first day of the city's month."""
    return now().astimezone(screen.house().config.city.zone).date().replace(day=1)


def _state(state: SourceState, read: bool, cause: str, alerts: Sequence[Alert]) -> str:
    """What the worker last said of it; nothing runs where no worker does."""
    stopped = {AlertKind.REFUSED: "refused", AlertKind.SPENT: "limit used up"}
    if kind := what_stops(state, cause):
        return stopped[kind]
    if not read and state.state in ("running", "catching up"):
        return "stopped"
    if state.state == "catching up" and (state.last_error or _until(state)):
        return "no answer"
    if state.state == "running" and any(alert.kind == AlertKind.SILENT for alert in alerts):
        return "quiet"
    return state.state if state.state in STATES else "new"


@st.fragment(run_every=10)
def summary() -> None:
    """How many bring posts, and whether anybody reads them; looked at every ten seconds."""
    with screen.reading() as session:
        alive, last = house_questions.heartbeat(session)
        states = questions.all_states(session)
    configured = screen.house().config.sources
    running = sum(state.state == "running" and state.name in configured for state in states)
    if alive and last:
        seconds = max(0, int((now() - last).total_seconds()))
        worker = f"worker alive, {seconds} s ago"
    else:
        worker = f"worker stopped at {screen.clock(last)}" if last else "no worker has run yet"
    st.markdown(f":gray[{running if alive else 0} of {len(configured)} bring posts · {worker}]", width="content")


def follow() -> None:
    """Draw the page anew when something changed that it shows; posts that come are no such thing. Before all else, so
    that no change is missed between reading and looking again."""
    drawn = _signature()

    @st.fragment(run_every=_CHANGES)
    def look() -> None:
        if _signature() != drawn:
            st.rerun()

    look()


def _signature() -> Hashable:
    with screen.reading() as session:
        states = questions.all_states(session)
        gaps = questions.ledger_mark(session)
        alerts = alert_questions.all_open(session)
        alive, _ = house_questions.heartbeat(session)
    return (
        alive, gaps, tuple(
            (state.name, state.state, state.asked, state.last_error, _until(state), *(state.troubles or ()))
            for state in states
        ),
        tuple((alert.id, alert.says) for alert in alerts),
    )  # fmt: skip


def _until(state: SourceState) -> datetime | None:
    """Until when the platform asked not to be tried; None: nothing keeps us."""
    return state.retry_at if state.retry_at and state.retry_at > now() else None


# -- the list ------------------------------------------------------------------------------------------------------


def pick(rows: Sequence[Line]) -> Line:
    """The table; which source is chosen, by the address, at first one that needs somebody."""
    names = [row.name for row in rows]
    chosen = st.query_params.get(ADDRESS)
    if chosen not in names:
        chosen = min(rows, key=lambda row: (list(STATES).index(row.state), -row.open_gaps)).name
    key = f"sources_{hash(tuple(names))}"
    st.session_state[key] = screen.marked(names.index(chosen))
    paid = any(row.cost_micros for row in rows)
    st.dataframe(
        _table(rows), key=key, on_select=lambda: _selected(key, names), selection_mode="single-row-required",
        hide_index=True, row_height=36, alt="Sources and their state",
        column_order=["state", "name", "last", "gaps"]
        if screen.phone()
        else ["state", "name", "last", "flow", "read", *(["cost"] if paid else []), "gaps", "error"],
        column_config={
            "state": st.column_config.MultiselectColumn(
                "State", options=list(STATES), color=list(STATES.values()), width=100
            ),
            "name": st.column_config.TextColumn("Source", width=110 if screen.phone() else 170),
            "last": st.column_config.TextColumn("Last post", width=76),
            "flow": st.column_config.AreaChartColumn("Posts an hour, 24 h", width=190, y_min=0, color="gray"),
            "read": st.column_config.NumberColumn("Read this month", width=110, format="localized"),
            "cost": st.column_config.TextColumn("Cost", width=64, alignment="right", help="In the account's currency"),
            "gaps": st.column_config.TextColumn("Gaps", width=60),
            "error": st.column_config.TextColumn("Last error", width=200),
        },
    )  # fmt: skip
    return next(row for row in rows if row.name == chosen)


def _table(rows: Sequence[Line]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "state": [[row.state] for row in rows],
            "name": [row.titled for row in rows],
            "last": [screen.age(row.last_post_at) if row.last_post_at else "–" for row in rows],
            "flow": [list(row.flow) for row in rows],
            "read": [row.read for row in rows],
            "cost": [f"{row.cost_micros / 1_000_000:,.2f}" if row.cost_micros else "–" for row in rows],
            "gaps": [f"{row.open_gaps} open" if row.open_gaps else "–" for row in rows],
            "error": [row.error or " ".join(row.troubles) for row in rows],
        }
    )


def _selected(key: str, names: Sequence[str]) -> None:
    if at := st.session_state[key]["selection"]["rows"]:
        st.query_params[ADDRESS] = names[at[0]]
