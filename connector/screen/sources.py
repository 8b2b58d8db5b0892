"""The pieces of the Sources page: how each source is, what it may have missed, what became of its posts.

`pages/sources.py` puts the pieces together. What a platform says – an error, the reason of a gap – is outside text and
reaches the page by `st.text` or a table's text cell alone. The questions are in `connector/store/sources.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pandas as pd
import streamlit as st

from connector import screen, sources
from connector.errors import ConfigError
from connector.models import Gap, ReadCount, SourceState, now
from connector.store import house as house_questions
from connector.store import sources as questions

STATES = {"running": "green", "catching up": "orange", "paused": "red", "stopped": "gray", "new": "gray"}
OUTCOMES = {
    "new": "Matched, stored", "updated": "Edited, updated", "duplicate": "Seen before", "unmatched": "No rule met",
    "deleted": "Deleted by the author", "own": "The city's own",
}  # fmt: skip

_SURFACES = {"local": "by us, on every post", "stream": "by X's stream", "search": "by X's search"}


@dataclass(frozen=True)
class Line:
    """A source, configured or once read."""

    name: str
    kind: str
    state: str
    last_post_at: datetime | None
    error: str
    error_at: datetime | None
    flow: Sequence[int]
    open_gaps: int


def lines() -> list[Line]:
    """Every source: those of the settings, and others that brought posts once."""
    house = screen.house()
    with house.database.reading() as session:
        states = {state.name: state for state in questions.all_states(session)}
        gaps, flows = questions.open_gaps(session), questions.flows(session)
        alive, _ = house_questions.heartbeat(session)
    for name, adapter in house.config.sources.items():
        states.setdefault(name, SourceState(name=name, kind=adapter.kind))
    return [
        Line(
            state.name, state.kind, _state(state, alive and name in house.config.sources), state.last_post_at,
            state.last_error, state.last_error_at, flows.get(name, [0] * 24), gaps.get(name, 0),
        )
        for name, state in sorted(states.items())
    ]  # fmt: skip


def _state(state: SourceState, read: bool) -> str:
    """What the worker last said of it; nothing runs where no worker does."""
    if not read and state.state in ("running", "catching up"):
        return "stopped"
    return state.state if state.state in STATES else "new"


@st.fragment(run_every=10)
def summary() -> None:
    """How many bring posts, and whether anybody reads them; looked at every ten seconds."""
    with screen.house().database.reading() as session:
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


def pick(rows: Sequence[Line]) -> Line:
    """The table; which source is chosen, at first one that needs somebody."""
    names = [row.name for row in rows]
    chosen = st.session_state.get("source_chosen")
    if chosen not in names:
        worst = min(rows, key=lambda row: ["paused", "catching up"].index(row.state) if _troubled(row) else 9)
        chosen = st.session_state["source_chosen"] = worst.name
    key = f"sources_{hash(tuple(names))}"
    st.session_state[key] = {"selection": {"rows": [names.index(chosen)]}}
    st.dataframe(
        _table(rows), key=key, on_select=lambda: _selected(key, names), selection_mode="single-row-required",
        hide_index=True, row_height=36, alt="Sources and their state",
        column_order=["state", "name", "last", "gaps"] if screen.phone() else None,
        column_config={
            "state": st.column_config.MultiselectColumn(
                "State", options=list(STATES), color=list(STATES.values()), width=100
            ),
            "name": st.column_config.TextColumn("Source", width=110 if screen.phone() else 190),
            "last": st.column_config.TextColumn("Last post", width=90),
            "flow": st.column_config.AreaChartColumn("Posts an hour, 24 h", width=210, y_min=0, color="gray"),
            "gaps": st.column_config.TextColumn("Gaps", width=70),
            "error": st.column_config.TextColumn("Last error", width=220),
        },
    )  # fmt: skip
    return next(row for row in rows if row.name == chosen)


def _table(rows: Sequence[Line]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "state": [[row.state] for row in rows],
            "name": [_titled(row) for row in rows],
            "last": [screen.age(row.last_post_at) if row.last_post_at else "–" for row in rows],
            "flow": [list(row.flow) for row in rows],
            "gaps": [f"{row.open_gaps} open" if row.open_gaps else "–" for row in rows],
            "error": [row.error for row in rows],
        }
    )


def _selected(key: str, names: Sequence[str]) -> None:
    if at := st.session_state[key]["selection"]["rows"]:
        st.session_state["source_chosen"] = names[at[0]]


def _troubled(row: Line) -> bool:
    return row.state in ("paused", "catching up") and bool(row.error)


def _titled(row: Line) -> str:
    kind = screen.SOURCES.get(row.kind, row.kind)
    return kind if row.name == row.kind else f"{row.name} · {kind}"


def card(row: Line) -> None:
    """Name and state; when it has an error, what they said and what to do."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(_titled(row)), width="content", anchor=False)
        st.badge(row.state, color=STATES[row.state])  # type: ignore[arg-type]
    if not row.error:
        last = f"Last post at {screen.clock(row.last_post_at)}." if row.last_post_at else "It has brought no post yet."
        st.text(_CALM[row.state].format(last=last))
        return
    since = f" since {screen.clock(row.error_at)}" if row.error_at else ""
    if row.state == "paused":
        st.error(f"**The access is refused{since}.** Nothing is read until it is mended.", icon=":material/key_off:")
        st.text(row.error)
        st.markdown(
            "1. Make a new key or token at the platform.\n"
            f"2. Put it where `[sources.{row.name.replace('`', '')}]` in the settings names it.\n"
            "3. Restart the worker; by itself it tries again every 15 minutes."
        )
    else:
        st.markdown(f"**It cannot be reached{since}** :gray[· tried again by itself, at most five minutes apart]")
        st.text(row.error)


_CALM = {
    "running": "It is read. {last}",
    "catching up": "It is reading what came while it was away. {last}",
    "paused": "It is paused. {last}",
    "stopped": "It is not read now: no worker runs, it came to its end, or the settings name it no longer. {last}",
    "new": "It has not been read yet; the worker begins with it when it starts. {last}",
}


def missed(row: Line) -> None:
    """The gap ledger."""
    st.markdown("**Possibly missed**")
    with screen.house().database.reading() as session:
        gaps = questions.gaps(session, row.name)
    if not gaps:
        st.markdown(":gray[No gap is known]")
        return
    table = pd.DataFrame([(_when(gap), gap.why, gap.state) for gap in gaps], columns=["when", "why", "state"])
    st.dataframe(
        table, hide_index=True, height="content" if len(gaps) < 6 else 220, row_height=36,
        alt="Intervals in which posts may have been missed",
        column_config={
            "when": st.column_config.TextColumn("When", width=170),
            "why": st.column_config.TextColumn("Why", width=210),
            "state": st.column_config.TextColumn("State", width=70),
        },
    )  # fmt: skip


def _when(gap: Gap) -> str:
    zone = screen.house().config.city.zone
    start = gap.from_at.astimezone(zone)
    if gap.to_at is None:
        return f"{start:%-d %b, %H:%M} to now"
    end = gap.to_at.astimezone(zone)
    return f"{start:%-d %b, %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%-d %b, %H:%M'}}"


def became(row: Line) -> None:
    """What became of its posts, by outcome; days are city days."""
    today = now().astimezone(screen.house().config.city.zone).date()
    with screen.house().database.reading() as session:
        reads = questions.reads(session, row.name, today - timedelta(days=6))
    st.markdown("**What became of its posts**")
    if not reads:
        st.markdown(":gray[Nothing was read in the last 7 days]")
        return
    table = pd.DataFrame(_outcomes(reads, today), columns=["outcome", "today", "week"])
    st.dataframe(
        table, hide_index=True, row_height=36, height="content", alt="Posts read, by what became of them",
        column_config={
            "outcome": st.column_config.TextColumn("Outcome", width=150 if screen.phone() else 230),
            "today": st.column_config.NumberColumn("Today", width=90, format="localized"),
            "week": st.column_config.NumberColumn("7 days", width=90, format="localized"),
        },
    )  # fmt: skip


def _outcomes(reads: Sequence[ReadCount], today: date) -> list[tuple[str, int, int]]:
    """(in words, today, all), known outcomes first, and a total."""
    counts: dict[str, list[int]] = {}
    for read in reads:
        both = counts.setdefault(read.outcome, [0, 0])
        both[0] += read.count * (read.day == today)
        both[1] += read.count
    order = sorted(counts, key=lambda outcome: (list(OUTCOMES).index(outcome) if outcome in OUTCOMES else 99, outcome))
    names = [OUTCOMES.get(outcome, outcome[:1].upper() + outcome[1:]) for outcome in order]
    rows = [(name, counts[outcome][0], counts[outcome][1]) for name, outcome in zip(names, order, strict=True)]
    return [*rows, ("All", sum(row[1] for row in rows), sum(row[2] for row in rows))]


def can_do(row: Line) -> None:
    """What this kind of source declares of itself."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("What it can do", width="content", anchor=False)
        st.badge(screen.escaped(row.kind), color="gray")
    try:
        can = sources.capabilities(row.kind)
    except (ConfigError, ImportError):
        st.text("Nothing is known of this kind here: its adapter is not installed.")
        return
    told = {
        "Reads": can.reads, "Looks back": can.looks_back, "Answers": can.answers, "Deletions": can.deletions,
        "Rules are met": _SURFACES[can.surface], "Link to a post": "yes" if can.permalink else "none",
        "Unmatched posts": "a sample may be kept, without authors" if can.samples else "never kept",
        "Costs": can.costs, "Terms": can.terms or "none of their own",
    }  # fmt: skip
    st.table(
        pd.DataFrame(list(told.items()), columns=["", " "]).set_index(""), border="horizontal", hide_header=True,
        alt="What this kind of source can do",
    )  # fmt: skip
