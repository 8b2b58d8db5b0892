"""A file of rows through the browser, for a source of kind file: looked at, columns corrected, taken in.

The Sources page shows `panel` on such a source's card, and, where there is none, for a source named `upload`. What a
file holds is outside text: it stands in a dataframe's cells and in drop-downs alone. The work is done by
`connector/takein.py`.
"""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from connector import screen, takein
from connector.access import Right
from connector.errors import ConnectorError
from connector.sources.file import SUFFIXES
from connector.sources.file.columns import COLUMNS, Column
from connector.sources.file.dates import Order
from connector.takein import Choice, Look, Result

_MEGABYTES = 50
_OPEN = "importing"
_ORDERS: tuple[Order, ...] = ("month first", "day first")
ss = st.session_state


def button() -> None:
    """In the page's header, where no source of this kind is configured: shows the pane, or puts it away."""
    configured = any(adapter.kind == takein.KIND for adapter in screen.house().config.sources.values())
    if not configured and screen.allowed(Right.DECIDE):
        st.space("stretch")
        label = "Close the import" if ss.get(_OPEN) else "Import a file"
        st.button(label, key="import_file", icon=":material/upload_file:", on_click=_turn)


def pane() -> None:
    """Below the header, if it was asked for."""
    if ss.get(_OPEN) and screen.allowed(Right.DECIDE):
        with st.container(border=True, gap="small"):
            panel(takein.UPLOAD)


def _turn() -> None:
    ss[_OPEN] = not ss.get(_OPEN)


def panel(name: str) -> None:
    """Choose a file, look at its first rows, take it in; `name` is the source that its posts belong to."""
    st.markdown("**Take in a file** :gray[· what meets a rule waits in the Queue, the rest is counted and not kept]")
    screen.said()
    if done := ss.pop(f"taken_in_{name}", ""):
        screen.status(done)
    given = st.file_uploader(
        "CSV or JSON lines with a header or names", type=[suffix[1:] for suffix in SUFFIXES],
        key=f"upload_{name}_{ss.get('upload_round', 0)}", max_upload_size=_MEGABYTES, label_visibility="collapsed",
    )  # fmt: skip
    if given is None:
        return
    raw = given.getvalue()
    try:
        look = _look(name, given.file_id, raw)
        with st.container(key=f"mapping_{name}", gap="small"):
            choice = _choice(look, f"{name}_{given.file_id}")
            _preview(name, raw, choice)
    except ConnectorError as error:
        st.text(str(error))
        return
    rows = f"{look.rows:,} row{'s' if look.rows != 1 else ''}"
    waits = look.is_unclear and choice.order == "clear"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(f"Take in {rows}", type="primary", key=f"take_in_{name}", disabled=waits or not look.rows):
            _take_in(name, raw, choice, look.rows)
        if waits:
            st.markdown(":gray[Say first how its dates are meant]", width="content")


def _look(name: str, file_id: str, raw: bytes) -> Look:
    """Read through once a file, not once a drawing."""
    known: tuple[str, Look] | None = ss.get("upload_looked_at")
    if known is None or known[0] != file_id:
        known = ss["upload_looked_at"] = (file_id, takein.look(screen.house().config, name, raw))
    return known[1]


def _choice(look: Look, key: str) -> Choice:
    """A drop-down for each column, as it was guessed until somebody corrects it."""
    columns: dict[Column, str] = {}
    options, order = ["", *look.header], look.choice.order
    with st.container(horizontal=True, gap="small"):
        for column, label in COLUMNS.items():
            guess = options.index(look.choice.columns.get(column, ""))
            columns[column] = st.selectbox(
                label,
                options,
                guess,
                key=f"column_{column}_{key}",
                format_func=lambda heading: heading or "–",
                width=132,
            )
        if look.is_unclear:
            seems = _ORDERS.index(order) if order in _ORDERS else None
            chosen = st.selectbox(
                "03/04/2026 has", _ORDERS, seems, key=f"order_{key}", placeholder="What first?",
                format_func=lambda order: f"the {order}", width=164,
            )  # fmt: skip
            order = chosen or "clear"
    return Choice(columns, order)


def _preview(name: str, raw: bytes, choice: Choice) -> None:
    zone = screen.house().config.city.zone
    rows = []
    for row in takein.preview(screen.house().config, name, raw, choice):
        if row.post is None:
            rows.append((row.line, f"Refused: {row.text}", "", "", "", ""))
            continue
        detail, id_ = row.post.detail, row.post.source_id
        at = f"{detail.posted_at.astimezone(zone):%-d %b %Y, %H:%M}" if detail.posted_at else "not told"
        who = "…" if detail.author else ""
        where = f"{detail.lat:.3f}, {detail.lon:.3f}" if detail.lat is not None else ""
        rows.append((row.line, row.text, at, "" if id_.startswith("row-") else id_, who, where))
    frame = pd.DataFrame(rows, columns=["line", "text", "date", "id", "author", "place"])
    text = st.column_config.TextColumn
    st.dataframe(
        frame, hide_index=True, row_height=36, height="content", alt="The first rows, as they will be taken in",
        column_order=["text", "date"] if screen.phone() else None,
        column_config={
            "line": st.column_config.NumberColumn("Line", width=45), "text": text("Text", width=190),
            "date": text("Date", width=128), "id": text("Number", width=70), "author": text("Author", width=52),
            "place": text("Position", width=92),
        },
    )  # fmt: skip


def _take_in(name: str, raw: bytes, choice: Choice, rows: int) -> None:
    house, done = screen.house(), list[Result]()
    bar = st.progress(0.0, "Taking in")

    def progress(count: int) -> None:
        bar.progress(min(1.0, count / max(1, rows)), f"{count:,} of {rows:,} rows")

    work = partial(
        takein.take_in, house.database, house.config, house.sealer, house.gazetteer, raw, name, choice, screen.me(),
        progress,
    )  # fmt: skip
    if screen.act(Right.DECIDE, lambda: done.append(work())):
        ss[f"taken_in_{name}"] = done[0].in_words()
        ss["upload_round"] = ss.get("upload_round", 0) + 1
    bar.empty()
    st.rerun()
