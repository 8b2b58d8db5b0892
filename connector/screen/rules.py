"""The Rules page's list: every rule with what it found lately, on or off, and which one is chosen.

`pages/rules.py` puts the page together; the chosen rule's editor stands in `rule_card.py`, what is typed in `draft.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from connector import screen, trends
from connector.store import catalogue
from connector.trends import RuleCount

HEIGHT = 740
NEW = 0
"""Stands for the rule that is not stored yet."""
DAYS = 30


def counted() -> list[RuleCount]:
    """Every rule with what it found in the last days; at most 20 seconds old, and new at once after a change."""
    house = screen.house()
    with house.database.reading() as session:
        return _counted(str(house.database.engine.url), catalogue.version(session))


@st.cache_data(ttl=20, max_entries=4, show_spinner=False)
def _counted(database: str, version: int) -> list[RuleCount]:
    house = screen.house()
    with house.database.reading() as session:
        return trends.by_rule(session, trends.last_days(DAYS, house.config.city.zone))


def views(rows: Sequence[RuleCount]) -> str:
    """On or off, with counts; a link to a rule (`?rule=ID`) opens the view that holds it."""
    ss, linked = st.session_state, st.query_params.get("rule", "")
    on = sum(row.active for row in rows)
    if linked.isdecimal() and linked != ss.get("rule_linked"):
        ss["rule_linked"], ss["rule_chosen"] = linked, int(linked)
        row = next((row for row in rows if row.rule_id == int(linked)), None)
        if row is not None:
            ss["Rules"] = ss["rules_view"] = "on" if row.active else "off"
    view = screen.views("Rules", {"on": f"On {on}", "off": f"Off {len(rows) - on}"}, "on")
    if ss.setdefault("rules_view", view) != view:
        ss["rules_view"] = view
        ss["rule_chosen"] = None
    return view


def find() -> str:
    """What is looked for in the names."""
    return st.text_input(
        "Search by name", key="rules_find", type="search", live=True, placeholder="Search by name",
        label_visibility="collapsed", width=200,
    ) or ""  # fmt: skip


def choose(rule_id: int | None) -> None:
    """Show this rule; the address will say so."""
    st.session_state["rule_chosen"], st.session_state["rule_picked"] = rule_id, True


def _say_in_address(rule_id: int) -> None:
    """After a choice alone, so that the browser's way back is not blocked; in the body, for a callback's is lost."""
    if st.session_state.pop("rule_picked", False):
        st.session_state["rule_linked"] = str(rule_id)
        if rule_id:
            st.query_params["rule"] = str(rule_id)
        else:
            st.query_params.pop("rule", None)


def begin() -> None:
    """An empty rule on the card."""
    choose(NEW)


def pick(rows: Sequence[RuleCount], view: str, find: str) -> int | None:
    """The list; which rule is chosen, NEW for a new one, None if there is nothing to choose.

    The chosen rule stays in the list while it is looked at, even when it is switched off: nothing moves under the hand.
    """
    chosen = st.session_state.get("rule_chosen")
    shown = [
        row
        for row in rows
        if row.rule_id == chosen or (row.active == (view == "on") and find.casefold() in row.name.casefold())
    ]
    ids = [NEW] * (chosen == NEW) + [row.rule_id for row in shown]
    if not ids:
        return None
    if chosen not in ids:
        chosen = st.session_state["rule_chosen"] = ids[0]
    _say_in_address(chosen)
    key = f"rules_{hash(tuple(ids))}"
    st.session_state[key] = {"selection": {"rows": [ids.index(chosen)]}}
    st.dataframe(
        _table(shown, view, chosen == NEW), key=key, on_select=lambda: _selected(key, ids), hide_index=True,
        selection_mode="single-row-required", height=screen.pane(HEIGHT, 250), row_height=36,
        column_order=["name", "matched", "share"] if screen.phone() else None,
        alt=f"Rules with the posts they met in the last {DAYS} days and the share that was accepted",
        column_config={
            "name": st.column_config.TextColumn("Rule", width=190),
            "type": st.column_config.TextColumn("Type", width=122),
            "matched": st.column_config.NumberColumn(f"{DAYS} days", width=56),
            "share": st.column_config.ProgressColumn(
                "Accepted", width=100, format="percent", min_value=0, max_value=1, color="gray"
            ),
        },
    )  # fmt: skip
    return int(chosen)


def _table(shown: Sequence[RuleCount], view: str, new: bool) -> pd.DataFrame:
    """The rules shown; on top the one that is being written, if it is new."""
    return pd.DataFrame(
        {
            "name": ["New rule"] * new + [_named(row, view) for row in shown],
            "type": ["–"] * new + [row.type for row in shown],
            "matched": [0] * new + [row.matched for row in shown],
            "share": [None] * new + [None if row.share is None else round(row.share, 2) for row in shown],
        }
    ).astype({"share": "float64"})


def _named(row: RuleCount, view: str) -> str:
    return row.name if row.active == (view == "on") else f"{row.name} · {'on' if row.active else 'off'}"


def _selected(key: str, ids: Sequence[int]) -> None:
    if at := st.session_state[key]["selection"]["rows"]:
        choose(ids[at[0]])
