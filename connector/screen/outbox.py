"""The Settings page's Outbox: the mails that a channel of this kind kept instead of sending.

A kept mail is outside text and is shown as text. `settings.py` asks whether there is an outbox, `pages/settings.py`
draws it; the channel itself is `connector/dispatch/outbox.py`.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from connector import dispatch, screen
from connector.dispatch.outbox import Outbox
from connector.errors import ConnectorError

_LIST_HEIGHT = 700


def outbox() -> None:
    """The mails that were kept instead of sent: list left, the mail as text right."""
    way = way()
    kept = way.messages()[:500] if way else []
    if not kept:
        screen.empty(
            "The outbox is empty", "Mails stand here that a channel of the kind outbox kept instead of sending."
        )
        return
    left, right = st.columns([6, 5])
    with left:
        frame = pd.DataFrame([(mail.subject, mail.to or "–", screen.age(mail.kept_at)) for mail in kept])
        frame.columns = pd.Index(["subject", "to", "age"])
        key = f"outbox_{kept[0].reference}_{len(kept)}"
        st.session_state.setdefault(key, {"selection": {"rows": [0]}})
        st.dataframe(
            frame, key=key, on_select="rerun", selection_mode="single-row-required", hide_index=True, row_height=36,
            height=screen.pane(min(_LIST_HEIGHT, 36 + 36 * len(kept)), min(250, 36 + 36 * len(kept))),
            alt="Kept mails, newest first",
            column_order=("subject",) if screen.phone() else None,
            column_config={
                "subject": st.column_config.TextColumn("Subject", width=280 if screen.phone() else 380),
                "to": st.column_config.TextColumn("To", width=120),
                "age": st.column_config.TextColumn("Kept", width=60),
            },
        )  # fmt: skip
    mail = kept[(st.session_state[key]["selection"]["rows"] or [0])[0]]
    with right, st.container(border=True, height=screen.pane(_LIST_HEIGHT), gap="small"):
        st.header(mail.reference, anchor=False)
        facts = [("Subject", mail.subject), ("To", mail.to or "–"), ("Kept", screen.clock(mail.kept_at))]
        screen.posts([[(f"{label}  ", "by"), (text, "")] for label, text in facts])
        st.code(mail.body, language=None, wrap_lines=True)
        st.page_link("tickets.py", label="Open in Tickets", query_params={"find": mail.reference})


def way() -> Outbox | None:
    config = screen.house().config
    for name, adapter in config.channels.items():
        if adapter.kind == "outbox":
            try:
                way = dispatch.load(name, adapter, config.delivery.timeout, config.home)
            except ConnectorError:
                return None
            return way if isinstance(way, Outbox) else None
    return None
