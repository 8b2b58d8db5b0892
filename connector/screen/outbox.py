"""The Settings page's Outbox: the mails that a channel of this kind kept instead of sending.

A kept mail is outside text and is shown as text. `settings.py` asks whether there is an outbox, `pages/settings.py`
draws it; the channel itself is `connector/dispatch/outbox.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from connector import dispatch, screen
from connector.dispatch.outbox import NOTICE, KeptMail, Outbox
from connector.errors import ConnectorError

_HEIGHT = 700


def outbox() -> None:
    """The mails that were kept instead of sent: list left, the mail as text right."""
    box = way()
    kept = box.messages()[:500] if box else []
    if not kept:
        screen.empty(
            "The outbox is empty", "Mails stand here that a channel of the kind outbox kept instead of sending."
        )
        return
    left, right = st.columns([6, 5])
    with left:
        mail = kept[_pick(kept)]
    with right, st.container(border=True, height=screen.pane(_HEIGHT), gap="small"):
        st.header(mail.reference, anchor=False)
        facts = [("Subject", mail.subject), ("To", mail.to or "–"), ("Kept", screen.clock(mail.kept_at))]
        screen.posts([[(f"{label}  ", "by"), (text, "")] for label, text in facts])
        st.code(mail.body, language=None, wrap_lines=True)
        if not mail.reference.startswith(NOTICE):
            st.page_link("tickets.py", label="Open in Tickets", query_params={"find": mail.reference})


def _pick(kept: Sequence[KeptMail]) -> int:
    """The list; which row is chosen."""
    frame = pd.DataFrame([(mail.subject, mail.to or "–", screen.age(mail.kept_at)) for mail in kept])
    frame.columns = pd.Index(["subject", "to", "age"])
    key = f"outbox_{kept[0].reference}_{len(kept)}"
    st.session_state.setdefault(key, screen.marked(0))
    st.dataframe(
        frame, key=key, on_select="rerun", selection_mode="single-row-required", hide_index=True, row_height=36,
        height=screen.pane(min(_HEIGHT, 36 + 36 * len(kept)), min(250, 36 + 36 * len(kept))),
        alt="Kept mails, newest first",
        column_order=("subject",) if screen.phone() else None,
        column_config={
            "subject": st.column_config.TextColumn("Subject", width=280 if screen.phone() else 380),
            "to": st.column_config.TextColumn("To", width=120),
            "age": st.column_config.TextColumn("Kept", width=60),
        },
    )  # fmt: skip
    return int((st.session_state[key]["selection"]["rows"] or [0])[0])


def way() -> Outbox | None:
    """The first channel of this kind; None if the city has none, or it cannot be had."""
    config = screen.house().config
    for name, adapter in config.channels.items():
        if adapter.kind == "outbox":
            try:
                box = dispatch.load(name, adapter, config.delivery.timeout, config.home)
            except ConnectorError:
                return None
            return box if isinstance(box, Outbox) else None
    return None
