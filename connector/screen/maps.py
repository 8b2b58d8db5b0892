"""Two maps of the city's own streets: around one point, and of everything; no tile server is told where one looks.

`card_where.py` draws the small one, `pages/trends.py` the large one; the streets are `triage.Gazetteer.lines`.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from math import cos, radians
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
import streamlit as st

from connector import screen
from connector.triage.geometry import METRES_A_DEGREE, Box, Point, box_of

# -- around a point ------------------------------------------------------------------------------------------------

_WIDE, _HIGH = 300, 100
"""Of the small map, in its own units."""
_METRES = 4.5
"""That one of these units is."""
_APART = (150.0, 34.0)
"""How far two names stand from each other at least, across or down."""


class _Piece(NamedTuple):
    name: str
    main: bool
    points: list[Point]
    box: Box


@st.cache_resource(show_spinner=False)
def _pieces() -> list[_Piece]:
    lines = screen.house().gazetteer.lines()
    return [_Piece(name, main, points, box) for name, main, points in lines if (box := box_of(points))]


def small_map(lat: float, lon: float, label: str) -> None:
    """The streets around a point, as one picture, three times as wide as high.

    Drawn by us, not by Vega: the next card is there 0.1 s sooner.
    """
    pieces = _pieces()
    if not pieces:
        st.text(f"{lat:.5f}, {lon:.5f}")
        return
    st.image(_drawn(pieces, lat, lon), width="stretch", alt=f"Map around {label}")


def _drawn(pieces: Sequence[_Piece], lat: float, lon: float) -> str:
    up = METRES_A_DEGREE / _METRES
    across = up * cos(radians(lat))

    def at(point: Point) -> Point:
        return _WIDE / 2 + (point[0] - lon) * across, _HIGH / 2 - (point[1] - lat) * up

    west, east = lon - _WIDE / across / 2, lon + _WIDE / across / 2
    south, north = lat - _HIGH / up / 2, lat + _HIGH / up / 2
    near = [p for p in pieces if p.box[0] < east and p.box[2] > west and p.box[1] < north and p.box[3] > south]
    near.sort(key=lambda piece: piece.main)
    lines = "".join(_line([at(point) for point in piece.points], piece.main) for piece in near)
    names = "".join(_name(name, x, y) for name, x, y in _named(near, at))
    blue, middle = screen.colour("blue"), f'cx="{_WIDE / 2}" cy="{_HIGH / 2}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDE}" height="{_HIGH}" viewBox="0 0 {_WIDE} {_HIGH}">'
        f"{lines}{names}"
        f'<circle {middle} r="19" fill="{blue}" fill-opacity="0.18"/><circle {middle} r="5" fill="{blue}"/></svg>'
    )


def _line(points: Iterable[Point], main: bool) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    colour, width = (screen.colour("main"), 3) if main else (screen.colour("line"), 1.5)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'


def _name(name: str, x: float, y: float) -> str:
    grey = screen.colour("grey")
    at = f'x="{x:.0f}" y="{y - 6:.0f}" text-anchor="middle"'
    return f'<text {at} fill="{grey}" font-size="11" font-family="sans-serif">{html.escape(name)}</text>'


def _named(near: Sequence[_Piece], at: Any) -> Iterator[tuple[str, float, float]]:
    """Two street names and where they stand, main streets first, far enough apart to be read."""
    first: tuple[str, float, float] | None = None
    for piece in reversed(near):
        for x, y in map(at, piece.points):
            inside = _WIDE * 0.15 < x < _WIDE * 0.85 and 20 < y < _HIGH - 12
            here = abs(x - _WIDE / 2) < 60 and abs(y - 6 - _HIGH / 2) < 22  # on the dot
            if not inside or here or (first and piece.name == first[0]):
                continue
            if first is None:
                first = (piece.name, x, y)
                yield first
            elif abs(x - first[1]) > _APART[0] or abs(y - first[2]) > _APART[1]:
                yield piece.name, x, y
                return


# -- the whole city ------------------------------------------------------------------------------------------------


@st.cache_data(ttl=3600, max_entries=2, show_spinner=False)
def _streets() -> pd.DataFrame:
    rows = [
        (number, name, lon, lat, step)
        for number, (name, _, points) in enumerate(screen.house().gazetteer.lines())
        for step, (lon, lat) in enumerate(points)
    ]
    return pd.DataFrame(rows, columns=["line", "name", "lon", "lat", "step"])


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
    chart = _lines(streets, x, y, "line", 1)
    if spots:  # a layer without a mark has no name that a screen reader could say
        marks = alt.Chart(dots).mark_circle(size=26, opacity=0.55, color=screen.colour("blue"), clip=True)
        chart += marks.encode(x=x, y=y, tooltip=["type:N"])
    st.altair_chart(
        chart.configure_view(strokeWidth=0).properties(height=height, padding=0), alt="Accepted requests on the map"
    )


def _lines(data: pd.DataFrame, x: Any, y: Any, shade: str, width: float) -> Any:
    return (
        alt.Chart(data)
        .mark_line(color=screen.colour(shade), strokeWidth=width, clip=True)
        .encode(x=x, y=y, detail="line:N", order="step:Q")
    )
