"""Two maps of the city's own streets: around one point, and of everything; no tile server is told where one looks.

`card.py` draws the small one, `pages/trends.py` the large one. The streets are `connector.triage.Gazetteer.lines`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from connector import screen


@st.cache_data(ttl=3600, max_entries=2, show_spinner=False)
def _streets() -> pd.DataFrame:
    rows = [
        (number, name, main, lon, lat, step)
        for number, (name, main, points) in enumerate(screen.house().gazetteer.lines())
        for step, (lon, lat) in enumerate(points)
    ]
    return pd.DataFrame(rows, columns=["line", "name", "main", "lon", "lat", "step"])


# -- around a point ------------------------------------------------------------------------------------------------


def small_map(lat: float, lon: float, height: int, label: str) -> None:
    """The streets around a point; no tile server is told where one looks.

    Plain Vega-Lite: Altair checks every part against its schema, which takes longer than the rest of a card.
    """
    up, wide = 0.0022, 0.0088
    streets = _streets()
    if streets.empty:
        st.text(f"{lat:.5f}, {lon:.5f}")
        return
    near = streets[(streets.lon - lon).abs().lt(wide * 1.6) & (streets.lat - lat).abs().lt(up * 2.5)]
    shown = streets[streets.line.isin(near.line)]
    inside = near[(near.lon - lon).abs().lt(wide * 0.75) & (near.lat - lat).abs().lt(up * 0.8)]
    names = _named(inside.sort_values("main", ascending=False), up, wide)
    x = _axis("lon", lon - wide, lon + wide)
    y = _axis("lat", lat - up, lat + up)
    line = {"x": x, "y": y, "detail": {"field": "line"}, "order": {"field": "step", "type": "quantitative"}}
    here = {"values": [{"lon": lon, "lat": lat}]}
    layers = [
        {"data": _values(shown[~shown.main]), "mark": _stroke("line", 1.5), "encoding": line},
        {"data": _values(shown[shown.main]), "mark": _stroke("main", 3), "encoding": line},
        {
            "data": _values(names),
            "mark": {"type": "text", "fontSize": 11, "color": screen.colour("grey"), "dy": -8},
            "encoding": {"x": x, "y": y, "text": {"field": "name"}},
        },
        *(
            {"data": here, "encoding": {"x": x, "y": y}, "mark": _dot(size, opacity)}
            for size, opacity in ((1500, 0.18), (110, 1))
        ),
    ]
    spec = {"layer": layers, "height": height, "padding": 0, "config": {"view": {"stroke": None}}}
    st.vega_lite_chart(spec, alt=f"Map around {label}")


def _named(inside: pd.DataFrame, up: float, wide: float) -> pd.DataFrame:
    """Two street names, main streets first, far enough apart to be read."""
    first: pd.DataFrame = inside.head(1)
    if first.empty:
        return first
    apart = (inside.lat - first.lat.iloc[0]).abs().gt(up * 0.4) | (inside.lon - first.lon.iloc[0]).abs().gt(wide * 0.9)
    second: pd.DataFrame = inside[apart & inside.name.ne(first.name.iloc[0])].head(1)
    both: pd.DataFrame = pd.concat([first, second])
    return both


def _axis(field: str, low: float, high: float) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "axis": None, "scale": {"domain": [low, high], "nice": False}}


def _stroke(shade: str, width: float) -> dict[str, Any]:
    return {"type": "line", "color": screen.colour(shade), "strokeWidth": width, "clip": True}


def _dot(size: int, opacity: float) -> dict[str, Any]:
    return {"type": "circle", "size": size, "opacity": opacity, "color": screen.colour("blue")}


def _values(frame: pd.DataFrame) -> dict[str, Any]:
    return {"values": frame.to_dict("records")}


# -- the whole city ------------------------------------------------------------------------------------------------


def city_map(spots: Sequence[tuple[float, float, str]], height: int) -> None:
    """All streets, and a dot for each spot (latitude, longitude, type)."""
    streets = _streets()
    dots = pd.DataFrame(spots, columns=["lat", "lon", "type"])
    everything = pd.concat([streets[["lat", "lon"]], dots[["lat", "lon"]]]) if streets.empty else streets
    if everything.empty:
        st.text("No place is known yet")
        return
    x = alt.X("lon:Q", axis=None, scale=alt.Scale(domain=[everything.lon.min(), everything.lon.max()], nice=False))
    y = alt.Y("lat:Q", axis=None, scale=alt.Scale(domain=[everything.lat.min(), everything.lat.max()], nice=False))
    marks = alt.Chart(dots).mark_circle(size=26, opacity=0.55, color=screen.colour("blue"), clip=True)
    chart = _lines(streets, x, y, "line", 1) + marks.encode(x=x, y=y, tooltip=["type:N"])
    st.altair_chart(
        chart.configure_view(strokeWidth=0).properties(height=height, padding=0), alt="Accepted requests on the map"
    )


def _lines(data: pd.DataFrame, x: Any, y: Any, shade: str, width: float) -> Any:
    return (
        alt.Chart(data)
        .mark_line(color=screen.colour(shade), strokeWidth=width, clip=True)
        .encode(x=x, y=y, detail="line:N", order="step:Q")
    )
