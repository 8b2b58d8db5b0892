"""The Sources page's gap ledger: the last seven days on a timeline, and each gap with what happens next.

A gap's state is told by its sign and by its bar's filling, not by colour alone. Why there is a gap is outside text. The
ledger is `connector/store/gaps.py`, its verbs `connector/sourcing.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from connector import screen
from connector.access import Right
from connector.collect.alerts import CAUSES
from connector.models import Gap, GapState, now
from connector.screen.sources import Line, declared
from connector.store import sources as questions

DAYS = 7
_STATES = {GapState.OPEN: "blue", GapState.FILLED: "mute", GapState.LOST: "red"}
_SIGNS = {GapState.OPEN: "diamond", GapState.FILLED: "circle", GapState.LOST: "cross"}
_OPEN_SHOWN = 6
_ROW = 26  # pixels


# -- the timeline --------------------------------------------------------------------------------------------------


def timeline(rows: Sequence[Line]) -> None:
    """The gaps of all sources in the last seven days, city time; nothing where there is none."""
    at = now()
    since = at - timedelta(days=DAYS)
    names = {row.name: row.titled for row in rows}
    with screen.reading() as session:
        found = [gap for gap in questions.lately_missed(session, since) if gap.source in names]
    if not found:
        return
    data = pd.DataFrame([_bar(gap, names[gap.source], since, at) for gap in found])
    grey = screen.colour("grey")
    x = alt.X(
        "from:T", title=None, scale=alt.Scale(domain=[_moment(since), _moment(at)]),
        axis=alt.Axis(format="%-d %b", tickCount="day", labelColor=grey, grid=True),
    )  # fmt: skip
    y = alt.Y(
        "source:N", title=None, sort=list(names.values()),
        axis=alt.Axis(labelColor=grey, labelLimit=90 if screen.phone() else 170, ticks=False, domain=False),
    )  # fmt: skip
    shade = alt.Color(
        "state:N", scale=alt.Scale(domain=list(_STATES), range=[screen.colour(one) for one in _STATES.values()]),
        legend=alt.Legend(orient="top", direction="horizontal", title=None, labelColor=grey, offset=2),
    )  # fmt: skip
    shape = alt.Shape("state:N", scale=alt.Scale(domain=list(_SIGNS), range=list(_SIGNS.values())))
    told = [alt.Tooltip(f"{name}:N", title=name.capitalize()) for name in ("source", "when", "long", "cause", "state")]
    whole = alt.condition("datum.state == 'lost'", alt.value(0.4), alt.value(0.12))
    dash = alt.condition("datum.state == 'open'", alt.value([3, 2]), alt.value([1, 0]))
    base = alt.Chart(data).encode(y=y, color=shade, tooltip=told)
    bars = base.mark_bar(height=12, strokeWidth=1.5).encode(
        x=x, x2="to:T", stroke=shade, fillOpacity=whole, strokeDash=dash
    )
    signs = base.mark_point(size=70, filled=True, opacity=1).encode(x=alt.X("middle:T", title=None), shape=shape)
    shown = data["source"].nunique()
    st.altair_chart((bars + signs).properties(height=alt.Step(_ROW)), alt=_told(data, shown))


def _bar(gap: Gap, source: str, since: datetime, at: datetime) -> dict[str, Any]:
    begin, end = max(gap.from_at, since), gap.to_at or at
    return {
        "source": source, "from": _wall(begin), "to": _wall(end), "middle": _wall(begin + (end - begin) / 2),
        "state": str(gap.state), "cause": CAUSES.get(gap.cause, gap.cause), "when": when(gap), "long": _long(gap),
    }  # fmt: skip


def _wall(at: datetime) -> pd.Timestamp:
    """What the city's clocks showed: the chart draws times without a zone as they are."""
    return pd.Timestamp(at.astimezone(screen.house().config.city.zone).replace(tzinfo=None))


def _moment(at: datetime) -> Any:
    there = at.astimezone(screen.house().config.city.zone)
    return alt.DateTime(
        year=there.year, month=there.month, date=there.day, hours=there.hour, minutes=there.minute
    )  # fmt: skip


def _told(data: pd.DataFrame, sources_shown: int) -> str:
    counts = data["state"].value_counts()
    words = ", ".join(f"{counts.get(str(state), 0)} {state}" for state in _STATES)
    return f"Gaps of the last {DAYS} days, by source and time: {words}, of {sources_shown} sources"


# -- the ledger ----------------------------------------------------------------------------------------------------


def missed(row: Line, fill: Callable[[int], None], give_up: Callable[[int], None]) -> None:
    """The open gaps with what can be done, the newest first, and a table of those that were closed."""
    with screen.reading() as session:
        found = questions.gaps(session, row.name, limit=200)
    st.header("Possibly missed", anchor=False)
    if not found:
        st.markdown(":gray[No gap is known]")
        return
    waiting = [gap for gap in found if gap.state == GapState.OPEN]
    can = declared(row.kind)
    can_fill = row.configured and can is not None and can.fills
    may = screen.allowed(Right.SETTINGS)
    for gap in waiting[:_OPEN_SHOWN]:
        _open(gap, can_fill, may, fill, give_up)
    if len(waiting) > _OPEN_SHOWN:
        st.markdown(f":gray[and {len(waiting) - _OPEN_SHOWN} more that are open; they move up as these are closed]")
    if closed := [gap for gap in found if gap.state != GapState.OPEN]:
        _closed(closed)


def _open(gap: Gap, can_fill: bool, may: bool, fill: Callable[[int], None], give_up: Callable[[int], None]) -> None:
    with st.container(key=f"gap_{gap.id}", gap="xxsmall"):
        cause = screen.escaped(CAUSES.get(gap.cause, gap.cause))
        st.markdown(f"**{when(gap)}** :gray[· {_long(gap)} · {cause}]")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(_next(gap, can_fill), width="stretch")
            if gap.to_at is not None and may:
                if can_fill:
                    st.button("Fill now", key=f"fill_{gap.id}", on_click=fill, args=(gap.id,))
                st.button(
                    "Say it is lost", key=f"lose_{gap.id}", type="tertiary", on_click=give_up, args=(gap.id,),
                    help="Its posts will not come; it stays in the ledger as lost",
                )  # fmt: skip


def _next(gap: Gap, can_fill: bool) -> str:
    """What happens next, and how far it is."""
    so_far = f" {gap.posts:,} posts so far." if gap.posts else ""
    tried = f" Last try: {gap.error}" if gap.error else ""
    if gap.to_at is None:
        return f"Not over yet. {gap.why}".strip()
    if not can_fill:
        return "Waits for you: this source cannot bring them later."
    if gap.due_at is None:
        return f"Waits for you.{so_far}{tried}"
    if gap.due_at <= now():
        return f"Is being filled.{so_far}{tried}"
    return f"Is filled at {screen.clock(gap.due_at)}.{so_far}{tried}"


def _closed(gaps: Sequence[Gap]) -> None:
    columns = ["when", "long", "cause", "state", "posts", "why"]
    table = pd.DataFrame(
        [
            (
                when(gap),
                _long(gap),
                CAUSES.get(gap.cause, gap.cause),
                str(gap.state),
                f"{gap.posts:,}" if gap.posts else "–",
                gap.error or gap.why,
            )
            for gap in gaps
        ],
        columns=columns,
    )
    st.dataframe(
        table, hide_index=True, height="content" if len(gaps) < 6 else 230, row_height=36,
        column_order=["when", "cause", "state"] if screen.phone() else columns,
        alt="Gaps that were filled or lost, the newest first",
        column_config={
            "when": st.column_config.TextColumn("When", width=160),
            "long": st.column_config.TextColumn("How long", width=64),
            "cause": st.column_config.TextColumn("Cause", width=116),
            "state": st.column_config.TextColumn("State", width=52),
            "posts": st.column_config.TextColumn("Brought", width=60, alignment="right"),
            "why": st.column_config.TextColumn("What they said", width=160),
        },
    )  # fmt: skip


def when(gap: Gap) -> str:
    zone = screen.house().config.city.zone
    start = gap.from_at.astimezone(zone)
    if gap.to_at is None:
        return f"{start:%-d %b, %H:%M} to now"
    end = gap.to_at.astimezone(zone)
    return f"{start:%-d %b, %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%-d %b, %H:%M'}}"


def _long(gap: Gap) -> str:
    return screen.span(((gap.to_at or now()) - gap.from_at).total_seconds())
