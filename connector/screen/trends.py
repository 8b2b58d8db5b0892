"""The pieces of the Trends page: the figures of a period, its lines, its types and its rules.

Everything comes from `trends.py`, counted once for a choice and kept for some seconds; nothing here holds an author or
a text. `pages/trends.py` puts the pieces together; `maps.py` has the map, `connector/trends.py` the questions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from connector import screen, trends
from connector.models import now
from connector.trends import Day, Figures, RuleCount, TypeCount

PERIODS = {"7": "7 days", "28": "28 days", "364": "12 months"}
WHOLE = "Whole city"
HEIGHT = 236
_SERIES = {"posts": ("Posts matched", "mute"), "suspects": ("Suspects", "mid"), "accepted": ("Accepted", "blue")}
_FEW = 5
"""Decisions of which a share says little."""
_MONTHS = 14
"""Weeks above which months stand below the lines; of fewer their first days."""
_NAME_GAP = 15 / 200  # of the plot's height, between two names at the lines


@dataclass(frozen=True)
class Counted:
    """A period, as the page shows it."""

    figures: Figures
    before: Figures | None
    """Of as many days before; None where nothing was kept yet."""
    days: Sequence[Day]
    """One a day, or one a week."""
    types: Sequence[TypeCount]
    rules: Sequence[RuleCount]
    spots: Sequence[tuple[float, float, str]]


def districts() -> list[str]:
    with screen.house().database.reading() as session:
        return trends.districts(session)


def district() -> str:
    """Which one is looked at, also by the address; empty: the whole city."""
    options, told = [WHOLE, *districts()], st.query_params.get("district", "")
    if told in options and told != st.session_state.get("_told_district"):
        st.session_state["trends_district"] = st.session_state["_told_district"] = told
    chosen = str(st.selectbox("District", options, label_visibility="collapsed", width=150, key="trends_district"))
    screen.tell("district", chosen if chosen != WHOLE else "")
    return "" if chosen == WHOLE else chosen


def counted(days: int, district: str) -> Counted:
    """The period that ends today, at most 20 seconds old."""
    house = screen.house()
    today = now().astimezone(house.config.city.zone).date()
    return _counted(str(house.database.engine.url), today, days, district)


@st.cache_data(ttl=20, max_entries=30, show_spinner=False)
def _counted(database: str, today: date, days: int, district: str) -> Counted:
    house = screen.house()
    zone = house.config.city.zone
    period = trends.last_days(days, zone, step=_step(days))
    before = trends.days_before(period, zone)
    with house.database.reading() as session:
        first = trends.first_post_at(session)
        known = first is not None and first < before.days[0][2]
        return Counted(
            trends.figures(session, period, district),
            trends.figures(session, before, district) if known else None,
            trends.daily(session, period, district),
            trends.by_type(session, period, district),
            trends.by_rule(session, period, district),
            trends.spots(session, period, district),
        )


def _step(days: int) -> int:
    return 7 if days > 60 else 1


def csv(days: int, district: str) -> Callable[[], bytes]:
    """Counts the period day by day, at the moment when somebody asks for it."""
    house = screen.house()

    def count() -> bytes:
        with house.database.reading() as session:
            period = trends.last_days(days, house.config.city.zone)
            return trends.as_csv(trends.daily(session, period, district), district).encode()

    return count


# -- the five figures ----------------------------------------------------------------------------------------------


def metrics(found: Counted) -> None:
    """Five figures, each with its change against the period before."""
    here, before = found.figures, found.before
    was = before or Figures(0, 0, 0, None, None)
    with st.container(horizontal=True, gap="medium"):
        _metric("Posts matched", f"{here.posts:,}", _percent(here.posts, was.posts))
        _metric("Accepted", f"{here.accepted:,}", _percent(here.accepted, was.accepted))
        share = "–" if here.share is None else f"{100 * here.share:.0f} %"
        points = None if here.share is None or was.share is None else round(100 * (here.share - was.share))
        _metric("Of decided, accepted", share, None if points is None else f"{points:+d} points".replace("+", ""))
        _metric("Post to decision, median", screen.span(here.to_decision), _longer(here.to_decision, was.to_decision))
        _metric("Accept to ticket, median", screen.span(here.to_ticket), _longer(here.to_ticket, was.to_ticket))


def _metric(label: str, value: str, change: str | None) -> None:
    still = change is not None and change.lstrip("-").startswith("0 ")
    st.metric(label, value, change, delta_color="off", delta_arrow="off" if still else "auto")


def _percent(here: int, before: int) -> str | None:
    return f"{round(100 * (here - before) / before)} %" if before else None


def _longer(here: float | None, before: float | None) -> str | None:
    if here is None or before is None:
        return None
    sign = "-" if here <= before - 0.5 else ""
    return sign + screen.span(abs(here - before))


def heading(title: str, note: str = "") -> None:
    """A section's name, and what to know of it beside it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(title, width="content", anchor=False)
        if note:
            st.markdown(f":gray[{note}]", width="content")


# -- the lines -----------------------------------------------------------------------------------------------------


def lines(days: Sequence[Day], weekly: bool) -> None:
    """Posts, suspects and accepted, names at the ends of the lines; today, which is not over, is dashed."""
    if weekly:  # before the first post nothing was counted, which is not the same as none
        began = next((at for at, day in enumerate(days) if day.posts or day.suspects or day.accepted), 0)
        days = days[min(began, len(days) - 2) :]
    first, last = days[0].day, days[-1].day
    data = pd.DataFrame(
        [(pd.Timestamp(d.day), getattr(d, field), name) for d in days for field, (name, _) in _SERIES.items()],
        columns=["day", "count", "what"],
    )
    top = max(1, int(data["count"].max()))
    x, y = _axes([d.day for d in days], top, weekly)
    shades = {name: screen.colour(shade) for name, shade in _SERIES.values()}
    shade = alt.Color("what:N", legend=None, scale=alt.Scale(domain=list(shades), range=list(shades.values())))
    over = data if weekly else data[data.day < pd.Timestamp(last)]
    chart = alt.Chart(over).mark_line(strokeWidth=2).encode(x=x, y=y, color=shade)
    if not weekly:
        still = data[data.day >= pd.Timestamp(days[-2].day)]
        chart += alt.Chart(still).mark_line(strokeWidth=2, strokeDash=[2, 3]).encode(x=x, y=y, color=shade)
    dots = alt.Chart(data).mark_circle(size=160, opacity=0).encode(
        x=x, y=y,
        tooltip=[
            alt.Tooltip("day:T", title="Week from" if weekly else "Day", format="%a %-d %b %Y"),
            alt.Tooltip("what:N", title="What"), alt.Tooltip("count:Q", title="Count"),
        ],
    )  # fmt: skip
    chart += dots + _names(days[-1], top).encode(x=x, y=y)
    each = "week" if weekly else "day"
    total = {field: sum(getattr(d, field) for d in days) for field in _SERIES}
    words = ", ".join(f"{total[field]:,} {name.lower()}" for field, (name, _) in _SERIES.items())
    st.altair_chart(
        chart.properties(height=HEIGHT), alt=f"Lines by {each} from {first:%-d %b %Y} to {last:%-d %b %Y}: {words}"
    )


def _axes(days: Sequence[date], top: int, weekly: bool) -> tuple[Any, Any]:
    """Days across, with room for the lines' names at the end; counts upwards."""
    first, last = days[0], days[-1]
    room = (last - first) * (0.42 if screen.phone() else 0.17)
    by_month = weekly and len(days) > _MONTHS
    ticks = _ticks(days, 4 if screen.phone() else 7, by_month)
    x = alt.X(
        "day:T", title=None, scale=alt.Scale(domain=[_at(first), _at(last + room)]),
        axis=alt.Axis(
            values=[_at(day) for day in ticks], format="%b %Y" if by_month else "%-d %b", grid=False,
            labelColor=screen.colour("grey"),
        ),
    )  # fmt: skip
    y = alt.Y(
        "count:Q", title=None, scale=alt.Scale(domain=[0, top], nice=True),
        axis=alt.Axis(tickCount=4, tickMinStep=1, labelColor=screen.colour("grey")),
    )  # fmt: skip
    return x, y


def _at(day: date) -> Any:
    """A day for Vega, which reads a plain date as UTC and draws local time."""
    return alt.DateTime(year=day.year, month=day.month, date=day.day)


def _ticks(days: Sequence[date], count: int, by_month: bool) -> list[date]:
    """About so many days evenly apart, the last one included; of a year the first days of months."""
    marks = list(days)
    if by_month:
        months = {(day.year, day.month) for day in days}
        marks = [first for year, month in sorted(months) if (first := date(year, month, 1)) >= days[0]]
    step = max(1, round(len(marks) / count))
    return marks[::-1][::step][::-1]


def _places(end: Day, top: int) -> list[dict[str, Any]]:
    """Where the lines' names stand: at the last points, moved apart where they would lie on each other."""
    places: list[dict[str, Any]] = []
    free = 0.0
    for field in reversed(_SERIES):
        name, _ = _SERIES[field]
        at = max(float(getattr(end, field)), free)
        places.append({"day": pd.Timestamp(end.day), "count": at, "what": name})
        free = at + top * _NAME_GAP
    return places


def _names(end: Day, top: int) -> Any:
    names = alt.Chart(pd.DataFrame(_places(end, top))).encode(text="what:N")
    return names.mark_text(align="left", dx=7, fontSize=12, fontWeight=600, color=screen.colour("grey"))


# -- types and rules -----------------------------------------------------------------------------------------------


def types(found: Sequence[TypeCount]) -> None:
    """What became of the suspects of each type."""
    shades = {"accepted": "blue", "dismissed": "line", "waiting": "main"}
    rows = [
        (kind.type, what, getattr(kind, what), number)
        for kind in found
        for number, what in enumerate(shades)
        if getattr(kind, what)
    ]
    data = pd.DataFrame(rows, columns=["type", "what", "count", "order"])
    grey = screen.colour("grey")
    chart = alt.Chart(data).mark_bar(height=11).encode(
        y=alt.Y(
            "type:N", sort=[kind.type for kind in found], title=None,
            axis=alt.Axis(labelColor=grey, labelLimit=170, ticks=False, domain=False),
        ),
        x=alt.X("count:Q", title=None, axis=alt.Axis(tickCount=5, tickMinStep=1, labelColor=grey)),
        order="order:Q",
        color=alt.Color(
            "what:N", scale=alt.Scale(domain=list(shades), range=[screen.colour(shade) for shade in shades.values()]),
            legend=alt.Legend(orient="top", direction="horizontal", title=None, labelColor=grey, offset=4),
        ),
        tooltip=[
            alt.Tooltip("type:N", title="Type"), alt.Tooltip("what:N", title="What"),
            alt.Tooltip("count:Q", title="Suspects"),
        ],
    )  # fmt: skip
    first = found[0]
    st.altair_chart(
        chart.properties(height=alt.Step(20)),
        alt=f"Bars of accepted, dismissed and waiting suspects for {len(found)} types; most: {first.type}, "
        f"{first.accepted} accepted, {first.dismissed} dismissed, {first.waiting} waiting",
    )


def rules(found: Sequence[RuleCount], height: int) -> None:
    """Every rule that met something, the least accepted first: that is where work is; then those with few decisions."""
    met = [rule for rule in found if rule.matched]
    met.sort(key=lambda rule: (rule.share is None, rule.decided < _FEW, rule.share or 0.0, -rule.matched))
    table = pd.DataFrame(
        {
            "name": [rule.name if rule.active else f"{rule.name} · off" for rule in met],
            "matched": [rule.matched for rule in met],
            "decided": [rule.decided for rule in met],
            "share": [None if rule.share is None else round(rule.share, 2) for rule in met],
        }
    ).astype({"share": "float64"})
    st.dataframe(
        table, hide_index=True, height=min(height, 38 + 30 * max(1, len(met))), row_height=30,
        alt="Rules with the posts they met and the share that was accepted, lowest first",
        column_order=("name", "decided", "share") if screen.phone() else None,
        column_config={
            "name": st.column_config.TextColumn("Rule", width=150 if screen.phone() else 170),
            "matched": st.column_config.NumberColumn("Matched", width=70, help="Posts"),
            "decided": st.column_config.NumberColumn("Decided", width=70, help="Suspects, of which that share"),
            "share": st.column_config.ProgressColumn(
                "Accepted", format="percent", min_value=0, max_value=1, width=100, color="gray"
            ),
        },
    )  # fmt: skip
