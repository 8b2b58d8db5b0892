"""The Rules page with more rules than one: many are chosen in the list and switched on or off together.

`rules.py` draws the list, `connector/rulebook.py` switches all of them or none.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from connector import screen
from connector.access import Right
from connector.screen import rules as parts
from connector.screen.rule_card import Switch, administrator, refusals
from connector.screen.rule_rows import table
from connector.store.insights import Insight

_LISTED = 12
ss = st.session_state


def choose(found: Sequence[Insight], asked: parts.Asked) -> list[Insight]:
    """The list with a box before each rule; the chosen ones."""
    if not found:
        screen.empty("No rule here", "Another view, or other filters")
        return []
    key = f"several_{hash(tuple(row.rule_id for row in found))}_{ss.get('several_round', 0)}"
    table(found, asked.view, key, lambda: None, many=True)
    return [found[at] for at in ss.get(key, {}).get("selection", {}).get("rows", []) if at < len(found)]


def switches(chosen: Sequence[Insight], switch: Switch) -> None:
    """What is chosen, and the two buttons."""
    off = [row.rule_id for row in chosen if not row.active]
    on = [row.rule_id for row in chosen if row.active]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(f"{len(chosen)} chosen" if chosen else "Choose several", width="content", anchor=False)
        st.space("stretch")
        st.button("Back", key="several_back", type="tertiary", on_click=parts.beside, args=(parts.EDITOR,))
    if not chosen:
        st.markdown(":gray[Tick rules in the list; the box in its head ticks all. Search and filters narrow it.]")
    for row in chosen[:_LISTED]:
        st.text(f"{row.name} · {'on' if row.active else 'off'}")
    if len(chosen) > _LISTED:
        st.markdown(f":gray[and {len(chosen) - _LISTED} more]")
    reason = ""
    forbidden = [row.name for row in chosen if not row.active and refusals(row.expression)]
    if forbidden:
        st.text(f"Must not be looked for: {', '.join(forbidden)}")
        if administrator():
            label = "Why it is right to switch them on all the same (kept in the audit trail)"
            reason = (st.text_input(label, key="several_reason", max_chars=300) or "").strip()
    with st.container(horizontal=True, gap="small"):
        for label, ids, active in ((f"Switch {len(off)} on", off, True), (f"Switch {len(on)} off", on, False)):
            st.button(
                label, key=f"several_{active}", disabled=not ids, on_click=_switched, args=(ids, active, reason, switch)
            )
    if done := ss.pop("several_done", ""):
        screen.status(done)


def _switched(ids: list[int], active: bool, reason: str, switch: Switch) -> None:
    done: list[int] = []
    if screen.act(Right.RULES, lambda: done.extend(switch(ids, active, reason))):
        ss["several_done"] = f"{len(done)} switched {'on' if active else 'off'}"
        ss["several_round"] = ss.get("several_round", 0) + 1
