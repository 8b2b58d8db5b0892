"""Below a rule's editor: the saved rule is applied to what is stored, after saying how many would enter the queue.

`connector/lookback.py` counts and does it; it is safe to repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import streamlit as st

from connector import lookback, screen
from connector.access import Right
from connector.lookback import Looked, Progress
from connector.screen import slow
from connector.screen.draft import Draft
from connector.store.catalogue import RuleCard

_DAYS = {7: "7 days", 30: "30 days", 90: "90 days"}
Apply = Callable[[int, int, Progress], Looked]
"""Applies a rule to the posts of so many days."""


def back(rule_id: int, draft: Draft, card: RuleCard | None, apply: Apply) -> None:
    """How many posts of the last days would enter the queue, and the button that puts them there."""
    if card is None or draft.reworded or draft.type != card.rule.request_type_id:
        st.markdown(":gray[Save the rule first: a look back applies the version in force.]")
        return
    if not card.rule.active:
        st.markdown(":gray[Switch the rule on first: a look back applies rules that are on.]")
        return
    days = int(
        st.segmented_control("Posts of the last", list(_DAYS), key="lookback_days", default=30, required=True,
                             format_func=_DAYS.__getitem__) or 30
    )  # fmt: skip
    house, rule = screen.house(), card.rule
    about = (rule_id, rule.version, rule.request_type_id, days, st.session_state.get("looked_back", 0))
    count = partial(lookback.count, house.database, house.sealer, rule.expression, rule.request_type_id, days)
    found = slow.answer("lookback", about, "Count them", count)
    _happened(rule_id)
    if found is None:
        return
    st.markdown(
        f"**{found.entered:,} would enter the queue** :gray[· of {found.posts:,} posts of {_DAYS[days]} it meets "
        f"{found.met:,}; the others wait or were decided on already, or are gone]"
    )
    button = f"Put {found.entered:,} into the queue"
    if found.entered and st.button(button, key=f"lookback_{rule_id}_{days}", type="primary"):
        _do(partial(apply, rule_id, days), rule_id)


def _do(apply: Callable[[Progress], Looked], rule_id: int) -> None:
    done: list[Looked] = []
    if screen.act(Right.RULES, lambda: done.append(slow.watched(apply))):
        st.session_state["looked_at"] = (rule_id, done[0].entered)
        st.session_state["looked_back"] = st.session_state.get("looked_back", 0) + 1
    st.rerun()


def _happened(rule_id: int) -> None:
    done = st.session_state.pop("looked_at", None)
    if done and done[0] == rule_id:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            screen.status(f"{done[1]:,} entered the queue")
            st.page_link("review.py", label="See the queue")
