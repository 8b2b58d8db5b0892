"""Below a rule's editor: who wrote what and when, two versions laid over each other, and the way back to one.

`connector/rulebook.py` compares and rolls back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from connector import rulebook, screen
from connector.access import Right
from connector.models import RuleVersion
from connector.rulebook import Change
from connector.screen.draft import drop, write
from connector.screen.rule_card import refusals
from connector.store.catalogue import RuleCard

RollBack = Callable[[int, int, int], object]
"""Puts version `to` of a rule in force again, which was shown in version `seen`."""
_MARKS = {Change.SAME: "", Change.GONE: "gone", Change.NEW: "new"}
_SHOWN = 30


def history(rule_id: int, card: RuleCard, roll_back: RollBack) -> None:
    """The versions, newest first; before them two of them compared."""
    versions = {version.version: version for version in card.versions}
    if len(versions) > 1:
        _compare(rule_id, card.versions)
    for version in card.versions[:_SHOWN]:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(
                f"Version {version.version} · {version.by or 'unknown'} · {screen.clock(version.at)}", width="content"
            )
            if version.version == card.rule.version:
                st.markdown(":gray[in force]", width="content")
            else:
                _way_back(rule_id, version, card, roll_back)
        st.code(version.expression, language=None, wrap_lines=True)
    if len(versions) > _SHOWN:
        st.markdown(f":gray[and {len(versions) - _SHOWN} older]")


def _compare(rule_id: int, versions: Sequence[RuleVersion]) -> None:
    texts = {version.version: version.expression for version in versions}
    numbers = list(texts)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("Compare", width="content")
        old = _choice("Older", numbers, f"compare_{rule_id}_old", 1)
        st.markdown("with", width="content")
        new = _choice("Newer", numbers, f"compare_{rule_id}_new", 0)
    pieces = rulebook.compared(texts[old], texts[new])
    screen.posts([[(piece.text, _MARKS[piece.change]) for piece in pieces]])


def _choice(label: str, numbers: list[int], key: str, at: int) -> int:
    return int(
        st.selectbox(
            label, numbers, at, key=key, format_func=lambda number: f"Version {number}", label_visibility="collapsed",
            width=130,
        )
    )  # fmt: skip


def _way_back(rule_id: int, version: RuleVersion, card: RuleCard, roll_back: RollBack) -> None:
    """One press where nothing forbids it; else by the editor, which asks for a reason."""
    number = version.version
    if version.expression == card.rule.expression:
        return
    if refusals(version.expression):
        st.button("Edit it again", key=f"again_{rule_id}_{number}", type="tertiary", on_click=write,
                  args=(rule_id, version.expression))  # fmt: skip
        return
    st.button(
        "Roll back to it", key=f"roll_{rule_id}_{number}", type="tertiary", icon=":material/undo:",
        on_click=_rolled, args=(rule_id, number, card.rule.version, roll_back),
    )  # fmt: skip


def _rolled(rule_id: int, to: int, seen: int, roll_back: RollBack) -> None:
    if screen.act(Right.RULES, lambda: roll_back(rule_id, to, seen)):
        drop(rule_id)
        st.session_state["rule_saved"] = (rule_id, seen + 1)
