"""What is typed into a rule: a draft in the browser's session, one a rule, kept until it is saved or dropped.

Saving compares the version that the draft started from with the one that stands, so that nobody overwrites unseen.
`rule_card.py` ties its widgets to the draft; `pages/rules.py` says what saving does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os.path import commonprefix
from typing import Any

import streamlit as st

from connector import rules, screen
from connector.access import Right
from connector.models import RequestType, Rule
from connector.rulebook import Wanted
from connector.rules.complete import begun
from connector.screen.rules import NEW, VIEW, choose
from connector.store.catalogue import RuleCard

ss = st.session_state
SECTION = "Rule section"
"""Where the session keeps what stands below the editor."""
Save = Callable[[Wanted, int | None, int | None, str], Rule]
"""Keeps what is wanted of a rule as it was shown in a version; the last one is an administrator's reason."""


@dataclass
class Draft:
    """What stands in the editor."""

    name: str
    type: int
    expression: str
    base: int
    """The version that it started from."""
    cursor: int = 0
    """Behind what was typed last."""
    stored: dict[str, Any] = field(default_factory=dict)
    """As it was when it was opened."""

    @property
    def text(self) -> str:
        return self.expression.strip()

    @property
    def changed(self) -> bool:
        return any(getattr(self, name) != value for name, value in self.stored.items())

    @property
    def reworded(self) -> bool:
        return bool(self.text != self.stored["expression"])


def draft_of(rule_id: int, card: RuleCard | None, types: Sequence[RequestType]) -> Draft:
    """The stored rule until somebody types, and then what they typed."""
    drafts: dict[int, Draft] = ss.setdefault("rule_drafts", {})
    draft = drafts.get(rule_id)
    if draft is None or not draft.changed:
        old = draft
        if card is None:
            draft = Draft("", types[0].id or 0, "", 0)
        else:
            rule = card.rule
            draft = Draft(rule.name, rule.request_type_id, rule.expression, rule.version)
        draft.cursor = old.cursor if old and old.expression == draft.expression else len(draft.expression)
        draft.stored = {"name": draft.name, "type": draft.type, "expression": draft.expression}
        drafts[rule_id] = draft
    return draft


def _mine(rule_id: int) -> Draft:
    found: Draft = ss["rule_drafts"][rule_id]
    return found


def _key(rule_id: int, name: str) -> str:
    return f"rule_{rule_id}_{name}_{ss.setdefault('rule_rewritten', {}).get((rule_id, name), 0)}"


def _kept(rule_id: int, name: str, key: str) -> None:
    if key != _key(rule_id, name):
        return
    draft, value = _mine(rule_id), ss[key]
    if name == "expression":
        draft.cursor = _behind_change(draft.expression, value)
    setattr(draft, name, value)


def _behind_change(old: str, new: str) -> int:
    """Where somebody typed who made the new text of the old one."""
    same = len(commonprefix([old, new]))
    after = len(commonprefix([old[same:][::-1], new[same:][::-1]]))
    return len(new) - after


def bound(rule_id: int, name: str, draft: Draft) -> dict[str, Any]:
    """The arguments that tie a widget to the draft.

    The widget is set only where it shows something else: what is typed while the page is drawn would be lost. What a
    button wrote gets a widget of its own, so that the browser's older text, sent late, does not undo it.
    """
    key, value = _key(rule_id, name), getattr(draft, name)
    if key in ss and ss[key] != value:
        ss["rule_rewritten"][rule_id, name] = ss["rule_rewritten"].get((rule_id, name), 0) + 1
        key = _key(rule_id, name)
    if ss.get(key) != value:
        ss[key] = value
    return {"key": key, "on_change": _kept, "args": (rule_id, name, key)}


def drop(rule_id: int) -> None:
    """Forget what was typed."""
    ss.get("rule_drafts", {}).pop(rule_id, None)


def mend(rule_id: int, problem: rules.Problem) -> None:
    """Put the suggestion in the place of what is wrong."""
    draft, end = _mine(rule_id), problem.position + problem.length
    draft.expression = draft.expression[: problem.position] + problem.suggestion + draft.expression[end:]
    draft.cursor = problem.position + len(problem.suggestion)


def complete(rule_id: int, insert: str) -> None:
    """Put a completion in the place of what is being written, or behind it."""
    draft = _mine(rule_id)
    start = begun(draft.expression, draft.cursor)
    before, after = draft.expression[:start], draft.expression[draft.cursor :]
    if start == draft.cursor and before and not before.endswith((" ", "(", "-")):
        before += " "
    draft.expression, draft.cursor = before + insert + after, len(before + insert)


def append(rule_id: int, text: str) -> None:
    """Put an operator at the end."""
    draft = _mine(rule_id)
    draft.expression = f"{draft.expression.rstrip()} {text}".lstrip()
    draft.cursor = len(draft.expression)


def write(rule_id: int, text: str) -> None:
    """Put another wording into the editor."""
    draft = _mine(rule_id)
    draft.expression, draft.cursor = text, len(text)


def go_on(rule_id: int, version: int) -> None:
    """Keep what was typed, though another version was saved meanwhile."""
    _mine(rule_id).base = version


def save(rule_id: int, keep: Save) -> None:
    """Store the draft; the slower of two people is told, and keeps what they typed."""
    draft = _mine(rule_id)
    wanted = Wanted(draft.name, draft.expression, draft.type)
    reason = str(ss.get(f"rule_{rule_id}_override") or "")
    saved: list[Rule] = []
    stands, seen = (None, None) if rule_id == NEW else (rule_id, draft.base)
    if screen.act(Right.RULES, lambda: saved.append(keep(wanted, stands, seen, reason))):
        drop(rule_id)
        rule = saved[0]
        ss["rule_saved"] = (rule.id, rule.version)
        choose(rule.id)
        ss[VIEW] = ss["rules_view"] = "on" if rule.active else "off"
