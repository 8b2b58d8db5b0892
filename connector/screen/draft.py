"""What is typed into a rule: a draft in the browser's session, one a rule, kept until it is saved or dropped.

Saving compares the version that the draft started from with the one that stands, so that nobody overwrites unseen.
`rule_card.py` ties its widgets to the draft; `pages/rules.py` asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from connector import rules, screen
from connector.models import RequestType, Rule
from connector.screen.rules import NEW, choose
from connector.store import catalogue
from connector.store.catalogue import RuleCard


def draft_of(rule_id: int, card: RuleCard | None, types: Sequence[RequestType]) -> dict[str, Any]:
    """What stands in the editor: the stored rule until somebody types, and then what they typed."""
    drafts: dict[int, dict[str, Any]] = st.session_state.setdefault("rule_drafts", {})
    if card is None:
        stored = {"base": 0, "name": "", "type": types[0].id, "expression": ""}
    else:
        rule = card.rule
        stored = {
            "base": rule.version, "name": rule.name, "type": rule.request_type_id, "expression": rule.expression,
        }  # fmt: skip
    draft = drafts.get(rule_id)
    if draft is None or not changed(draft):
        draft = drafts[rule_id] = stored | {"stored": stored}
    return draft


def changed(draft: dict[str, Any]) -> bool:
    return any(draft[field] != draft["stored"][field] for field in ("name", "type", "expression"))


def _kept(rule_id: int, field: str) -> None:
    st.session_state["rule_drafts"][rule_id][field] = st.session_state[f"rule_{rule_id}_{field}"]


def bound(rule_id: int, field: str, draft: dict[str, Any]) -> dict[str, Any]:
    """The arguments that tie a widget to the draft."""
    key = f"rule_{rule_id}_{field}"
    st.session_state[key] = draft[field]
    return {"key": key, "on_change": lambda: _kept(rule_id, field)}


def drop(rule_id: int) -> None:
    """Forget what was typed."""
    st.session_state.get("rule_drafts", {}).pop(rule_id, None)


def change_to(rule_id: int, problem: rules.Problem) -> None:
    draft = st.session_state["rule_drafts"][rule_id]
    text = draft["expression"]
    draft["expression"] = text[: problem.position] + problem.suggestion + text[problem.position + problem.length :]


def save(rule_id: int) -> None:
    """Store the draft; the slower of two people is told, and keeps what they typed."""
    draft, house = st.session_state["rule_drafts"][rule_id], screen.house()
    values = {
        "name": draft["name"].strip(),
        "expression": draft["expression"].strip(),
        "request_type_id": draft["type"],
    }
    saved: list[Rule] = []

    def verb() -> None:
        with house.database.writing() as session:
            if rule_id == NEW:
                saved.append(catalogue.save_rule(session, Rule(**values), screen.me()))
            else:
                saved.append(catalogue.change_rule(session, rule_id, draft["base"], screen.me(), **values))

    if screen.say(verb):
        drop(rule_id)
        st.session_state["rule_saved"] = (saved[0].id, saved[0].version)
        choose(saved[0].id)
        st.session_state["Rules"] = st.session_state["rules_view"] = "on" if saved[0].active else "off"


def switch(rule_id: int) -> None:
    active, house = bool(st.session_state[f"rule_{rule_id}_on"]), screen.house()

    def verb() -> None:
        with house.database.writing() as session:
            catalogue.change_rule(session, rule_id, None, screen.me(), active=active)

    screen.say(verb)
