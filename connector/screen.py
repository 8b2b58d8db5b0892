"""What the pages share: the house behind them, widgets, charts and maps; the only module here that knows Streamlit.

Text from outside reaches a page by `text`, by a dataframe's text cell or by `posts` – escaped, inside tags that are
ours alone – and never by Markdown. Read on in `pages/`, which ask one question and call one verb each.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

import altair as alt
import pandas as pd
import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from connector import config, sealing, store
from connector.errors import ConnectorError
from connector.models import now
from connector.store import house as house_questions
from connector.triage import Gazetteer

SOURCES = {
    "x": "X", "bluesky": "Bluesky", "mastodon": "Mastodon", "facebook": "Facebook", "file": "File",
    "manual": "Added by hand", "sample": "Sample",
}  # fmt: skip
LANGUAGES = {"en": "English", "es": "Spanish", "fr": "French", "zh": "Chinese", "vi": "Vietnamese", "tl": "Tagalog"}
STATE_COLOURS = {
    "exhausted": "red", "refused": "red", "unclear": "orange", "queued": "violet", "sending": "violet", "sent": "blue",
    "open": "blue", "untrackable": "gray", "closed": "gray", "by_hand": "blue", "cancelled": "gray",
}  # fmt: skip
_NO_DATABASE = "The database does not answer."
_COLOURS = {
    "red": ("#A32020", "#F8A8A2"), "grey": ("#545D6B", "#A3ACBA"), "line": ("#D5DAE1", "#343B47"),
    "blue": ("#2557C7", "#7FA4F5"), "mid": ("#7C9BE3", "#4F6CA8"), "mute": ("#828C9B", "#7C8798"),
    "main": ("#AEB6C2", "#566072"),
}  # fmt: skip
# Tags of outside text: no attribute is made from data, and the tints are translucent, so that they fit both themes.
_PARAGRAPH = (
    '<p dir="auto" style="margin:0;padding:{pad} 0;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45;'
    'font-size:{size};border-top:{line}">{body}</p>'
)
_TAGS = {
    "": "{}",
    "by": '<span style="opacity:.75">{}</span>',
    "word": '<mark style="background:rgba(255,190,0,.30);color:inherit;border-radius:3px;padding:0 2px">{}</mark>',
    "place": '<mark style="background:none;color:inherit;text-decoration:underline dotted 2px;'
    'text-underline-offset:4px">{}</mark>',
}


@dataclass(frozen=True)
class House:
    """What every page stands on, made once per process."""

    config: config.Config
    database: store.Database
    sealer: sealing.Sealer
    gazetteer: Gazetteer


def house() -> House:
    """Settings, database, keys and the city's map; if they cannot be had, the page says why and ends."""
    try:
        return _house()
    except ConnectorError as error:
        broken(str(error))


@contextmanager
def reading() -> Iterator[Session]:
    """A reading session; a database that does not answer ends the page with a sentence instead of a traceback."""
    try:
        with house().database.reading() as session:
            yield session
    except SQLAlchemyError:
        broken(_NO_DATABASE)


def broken(why: str) -> NoReturn:
    """Say what is wrong and what to do, and end the page here."""
    with st.container(border=True, gap="small"):
        st.badge("The page cannot be shown", color="red", icon=":material/error:")
        st.text(why)
        st.text("Decisions that were confirmed are kept. Tell IT: python -m connector doctor")
        st.button("Try again", key="try_again")
    st.stop()


@st.cache_resource(show_spinner=False)
def _house() -> House:
    settings = config.load()
    city = settings.city
    return House(
        settings,
        store.open_database(settings),
        sealing.load(settings),
        Gazetteer.load(city.streets, city.landmarks, city.districts),
    )


def me() -> str:
    """The name that decisions carry: the login's, or this computer's one user."""
    if house().config.login and st.user.is_logged_in:
        return str(st.user.get("email") or st.user.get("sub"))
    return "demo" if house().config.is_demo else "local"


# -- time and words ------------------------------------------------------------------------------------------------


def midnight() -> datetime:
    """When the city's day began."""
    return now().astimezone(house().config.city.zone).replace(hour=0, minute=0, second=0, microsecond=0)


def age(at: datetime) -> str:
    """An age up to a day, then the date in the city's zone."""
    seconds = (now() - at).total_seconds()
    if seconds < 60:
        return "now" if seconds < 10 else f"{int(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86400:
        return f"{int(seconds // 3600)} h"
    return f"{at.astimezone(house().config.city.zone):%-d %b}"


def ago(at: datetime) -> str:
    """The same inside a sentence: "8 min ago", "just now", "on 3 Nov"."""
    text = age(at)
    if text == "now":
        return "just now"
    return f"{text} ago" if (now() - at).total_seconds() < 86400 else f"on {text}"


def clock(at: datetime) -> str:
    """The time of day today, else day and time; the city's zone."""
    local, today = at.astimezone(house().config.city.zone), now().astimezone(house().config.city.zone)
    return f"{local:%H:%M}" if local.date() == today.date() else f"{local:%-d %b, %H:%M}"


def span(seconds: float | None) -> str:
    """A length of time in the largest fitting unit."""
    if seconds is None:
        return "–"
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def due_in(hours: int) -> str:
    return f"due in {hours} h" if hours < 48 else f"due in {round(hours / 24)} days"


def say(action: Callable[[], Any]) -> bool:
    """Run a verb from a callback; its error is shown at the next drawing by `said`. Whether it went well."""
    try:
        action()
    except (ConnectorError, ValueError, LookupError) as error:
        st.session_state["_said"] = str(error)
        return False
    except SQLAlchemyError:
        st.session_state["_said"] = f"{_NO_DATABASE} Nothing was changed."
        return False
    return True


def said() -> bool:
    """Show what the last verb complained of; whether it did."""
    if message := st.session_state.pop("_said", ""):
        with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Not done", color="orange", icon=":material/info:")
            st.text(message)
    return bool(message)


# -- outside text --------------------------------------------------------------------------------------------------


def pieces(text: str, words: Sequence[str] = (), place: str = "", by: str = "") -> list[tuple[str, str]]:
    """Cut a text at its reasons; joined again, the pieces are the text. `words` meet whole tokens, any case."""
    spans = [(m.start(), m.end(), "place") for m in re.finditer(re.escape(place), text)][:1] if place else []
    for word in words:
        whole = rf"(?<!\w){re.escape(word)}(?!\w)" if word[:1].isalnum() and word[-1:].isalnum() else re.escape(word)
        spans += [(m.start(), m.end(), "word") for m in re.finditer(whole, text, re.IGNORECASE)]
    out, at = [(by, "by")], 0
    for start, end, why in sorted(spans):
        if start >= at:
            out += [(text[at:start], ""), (text[start:end], why)]
            at = end
    return [piece for piece in [*out, (text[at:], "")] if piece[0]]


def posts(items: Sequence[Sequence[tuple[str, str]]], large: bool = False) -> None:
    """Outside texts as text, reasons marked; with its two neighbours the only place where the pages write HTML."""
    out = []
    for number, parts in enumerate(items):
        body = "".join(_TAGS[why].format(html.escape(text)) for text, why in parts)
        size, pad = "1.125rem" if large else "1rem", "0" if len(items) == 1 else ".4rem"
        line = "1px solid rgba(128,128,128,.25)" if number else "0"
        out.append(_PARAGRAPH.format(body=body or "&nbsp;", size=size, pad=pad, line=line))
    if out:
        st.html("".join(out))


def byline(text: str) -> None:
    """Who wrote it and when, in quiet letters."""
    st.html(f'<p dir="auto" style="margin:0;font-size:.93rem;opacity:.75">{html.escape(text)}</p>', width="content")


def status(text: str) -> None:
    """What just happened, where a screen reader hears of it."""
    tick = '<span aria-hidden="true" style="opacity:.75">✓ </span>'
    st.html(f'<p role="status" style="margin:0;font-size:1rem">{tick}{html.escape(text)}</p>', width="content")


def escaped(text: str) -> str:
    """Outside text inside a Markdown sentence of ours: every sign that Markdown knows is taken literally.

    For short names from the settings alone (a type's title, a channel); posts go through `posts`.
    """
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])", r"\\\1", text.replace("\n", " "))


# -- layout --------------------------------------------------------------------------------------------------------


def dark() -> bool:
    return st.context.theme.type == "dark"


def colour(name: str) -> str:
    return _COLOURS[name][dark()]


def phone() -> bool:
    """The server cannot see the width; a real phone says so in its user agent."""
    return "Mobi" in st.context.headers.get("User-Agent", "")


def pane(height: int, on_phone: int | str = "content") -> Any:
    return on_phone if phone() else height


def key(letter: str) -> str | None:
    """A shortcut, on computers only."""
    return None if phone() else letter


def views(name: str, options: dict[str, str], first: str) -> str:
    """One choice of a few, kept by the plain key while the labels' counts move; bound to the address."""
    st.session_state.setdefault(name, first)
    if st.session_state[name] not in options:
        st.session_state[name] = first

    def label(option: str) -> str:
        text = options[option]
        if option == st.session_state[name]:
            return f":blue[{text}]"
        return f":red[{text}]" if option in ("urgent", "needs you") and not text.endswith(" 0") else text

    chosen = st.segmented_control(
        name, list(options), key=name, required=True, label_visibility="collapsed", format_func=label
    )
    return str(chosen)


def empty(title: str, text: str) -> Any:
    """Nothing to show: two lines, in the place of the list; returns the frame, for the one useful control."""
    frame = st.container(border=True, height=320, horizontal_alignment="center", vertical_alignment="center")
    with frame:
        st.markdown(f"**{title}**", text_alignment="center", width="content")
        st.markdown(f":gray[{text}]", text_alignment="center", width="content")
    return frame


def wordmark(name: str, demo: bool) -> str:
    """The city's name as a picture; one mid grey reads on both themes."""
    width = 28 + 8 * len(name)
    chip = (
        f'<rect x="{width}" y="5" width="48" height="18" rx="9" fill="none" stroke="#737D8C"/>'
        f'<text x="{width + 24}" y="18" text-anchor="middle" font-family="Segoe UI,sans-serif" font-size="11" '
        'fill="#737D8C">demo</text>'
        if demo
        else ""
    )
    total = width + (52 if demo else 4)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="28" viewBox="0 0 {total} 28" role="img">'
        f"<title>{html.escape(name)}</title>"
        '<rect x="0" y="6" width="16" height="16" rx="4" fill="#5B7FD6"/>'
        '<path d="M4 18V12l4-3 4 3v6z" fill="#fff"/>'
        '<text x="24" y="19" font-family="Source Sans Pro,Segoe UI,sans-serif" font-size="15" font-weight="600" '
        f'fill="#737D8C">{html.escape(name)}</text>{chip}</svg>'
    )


def worker_banner() -> None:
    """Above every page when no worker is alive; the page stays usable."""
    with reading() as session:
        alive, last = house_questions.heartbeat(session)
    if alive:
        return
    when = f"stopped at {clock(last)}" if last else "has not started yet"
    st.error(
        f"**The worker {when}.** You can go on deciding: nothing is sent and no new posts arrive until it runs "
        "again. Tell IT: `python -m connector worker`",
        icon=":material/power_off:",
    )


# -- maps ----------------------------------------------------------------------------------------------------------


@st.cache_data(ttl=3600, max_entries=2, show_spinner=False)
def _streets() -> pd.DataFrame:
    rows = [
        (number, name, main, lon, lat, step)
        for number, (name, main, points) in enumerate(house().gazetteer.lines())
        for step, (lon, lat) in enumerate(points)
    ]
    return pd.DataFrame(rows, columns=["line", "name", "main", "lon", "lat", "step"])


def _lines(data: pd.DataFrame, x: Any, y: Any, shade: str, width: float) -> Any:
    return (
        alt.Chart(data)
        .mark_line(color=colour(shade), strokeWidth=width, clip=True)
        .encode(x=x, y=y, detail="line:N", order="step:Q")
    )


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
            "mark": {"type": "text", "fontSize": 11, "color": colour("grey"), "dy": -8},
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
    return {"type": "line", "color": colour(shade), "strokeWidth": width, "clip": True}


def _dot(size: int, opacity: float) -> dict[str, Any]:
    return {"type": "circle", "size": size, "opacity": opacity, "color": colour("blue")}


def _values(frame: pd.DataFrame) -> dict[str, Any]:
    return {"values": frame.to_dict("records")}


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
    marks = alt.Chart(dots).mark_circle(size=26, opacity=0.55, color=colour("blue"), clip=True)
    chart = _lines(streets, x, y, "line", 1) + marks.encode(x=x, y=y, tooltip=["type:N"])
    st.altair_chart(
        chart.configure_view(strokeWidth=0).properties(height=height, padding=0), alt="Accepted requests on the map"
    )
