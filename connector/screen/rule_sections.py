"""What stands below a rule's editor, one section at a time; `pages/rules.py` says what its verbs do.

Each section has a module: `rule_posts.py`, `rule_backtest.py`, `rule_try.py`, `rule_lookback.py`, `rule_history.py`,
`rule_help.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from connector import screen
from connector.screen import rule_backtest, rule_help, rule_history, rule_lookback, rule_posts, rule_try
from connector.screen.draft import SECTION, Draft, Save
from connector.screen.rule_card import Switch
from connector.store.catalogue import RuleCard

_NAMES = {
    "posts": "Posts",
    "test": "Test on the past",
    "try": "Try a post",
    "back": "Look back",
    "versions": "Versions",
    "help": "Help",
}


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the page's buttons do."""

    save: Save
    switch: Switch
    roll_back: rule_history.RollBack
    look_back: rule_lookback.Apply


def below(rule_id: int, draft: Draft, card: RuleCard | None, reads: bool, verbs: Verbs) -> None:
    """The section that is open; a new rule has no past, of a broken one only past and help can be seen."""
    names = {name: said for name, said in _NAMES.items() if card or name not in ("back", "versions")}
    match screen.views(SECTION, names, "posts"):
        case "help":
            rule_help.help_with_rules(rule_id, draft)
        case "versions" if card:
            rule_history.history(rule_id, card, verbs.roll_back)
        case "back":
            rule_lookback.back(rule_id, draft, card, verbs.look_back)
        case _ if not reads:
            st.markdown(":gray[What the rule does stands here as soon as it reads well.]")
        case "posts":
            rule_posts.in_the_latest(draft, card)
        case "test":
            rule_backtest.past(draft, card)
        case "try":
            rule_try.pasted(rule_id, draft.expression)
