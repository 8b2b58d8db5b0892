"""Below a rule's editor: what can stand in a rule, what of it this one uses, and on which source it is decided.

All of it from `OPERATORS` (`connector/rules/operators.py`) and from what each kind of source declares to tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from connector import rules, screen, sources
from connector.errors import RuleError
from connector.rules.operators import ALWAYS, SEARCH, STREAM, Operator
from connector.rules.tree import Leaf, operator_of, walk
from connector.screen import stored
from connector.screen.draft import Draft, append

_SHOWN = "Operators shown"
_COLUMNS = {"means": ("sign", "finds", "example"), "where": ("sign", "stream", "search", *stored.kinds())}
_HINTS = {
    "means": "",
    "where": "Stream, Search: X's servers take it. On our sources “–” means that it is unknown, and a rule "
    "that needs it does not match.",
}
_GROUND = (
    "A space means *and* and binds tighter than `OR`; parentheses group; `-` excludes the next one. "
    "Words are met whole and in any case."
)


def help_with_rules(rule_id: int, draft: Draft) -> None:
    """The table of operators, to be searched and inserted from."""
    st.markdown(_GROUND)
    _used(draft.expression)
    find = st.text_input(
        "Find an operator", key="operators_find", type="search", live=True, icon=":material/search:",
        placeholder="photo, language, account …", label_visibility="collapsed",
    ) or ""  # fmt: skip
    found = [one for one in rules.OPERATORS if _fits(one, find)]
    key = f"operators_{rule_id}_{hash(tuple(one.name for one in found))}"
    picked = st.session_state.get(key, {}).get("selection", {}).get("rows", [])
    chosen = found[picked[0]] if picked and picked[0] < len(found) else None
    shown = screen.views(_SHOWN, {"means": "What they find", "where": "Where they are known"}, "means")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if chosen:
            insert = _insert(chosen)
            st.button(
                f"Insert {screen.escaped(insert)}", key=f"insert_{rule_id}_{chosen.name}", type="tertiary",
                icon=":material/add:", on_click=append, args=(rule_id, insert),
            )  # fmt: skip
            st.markdown(f":gray[{screen.escaped(chosen.help)}]", width="content")
        else:
            st.markdown(f":gray[{_HINTS[shown]} Choose a row to insert it.]")
    _table(found, key, _COLUMNS[shown])


def _insert(operator: Operator) -> str:
    """What is written of it before anybody knows its value."""
    if ":" not in operator.name:
        return operator.example
    return f"-{operator.name}" if operator.minus == ALWAYS else operator.name


def _fits(operator: Operator, find: str) -> bool:
    text = " ".join((operator.name, operator.help, operator.example, *operator.aliases)).casefold()
    return all(word in text for word in find.casefold().split())


def _used(expression: str) -> None:
    """What the operators of this wording mean, plain words left out."""
    try:
        tree = rules.parse(expression)
    except RuleError:
        return
    found = dict.fromkeys(operator_of(node) for node in walk(tree) if isinstance(node, Leaf))
    telling = [one for one in found if one and one.name not in ("keyword", "phrase")]
    if telling:
        said = " · ".join(f"**{screen.escaped(one.name)}** :gray[{screen.escaped(one.help)}]" for one in telling)
        st.markdown(f"In this rule: {said}")


def _table(found: list[Operator], key: str, shown: Sequence[str]) -> None:
    kinds = stored.kinds()
    yes = {True: "yes", False: "–"}
    rows = [
        (
            one.name,
            one.help,
            one.example,
            yes[STREAM in one.surfaces],
            yes[SEARCH in one.surfaces],
            *(yes[rules.evaluated(one, sources.capabilities(kind).tells)] for kind in kinds),
        )
        for one in found
    ]
    column = st.column_config
    st.dataframe(
        pd.DataFrame(rows, columns=["sign", "finds", "example", "stream", "search", *kinds]),
        key=key,
        hide_index=True,
        height=min(420, 36 + 30 * len(rows)) if rows else "auto",
        row_height=30,
        on_select="rerun",
        selection_mode="single-row",
        column_order=shown,
        alt="Operators of the rule language, and where each is decided",
        column_config={
            "sign": column.TextColumn("Written", width=118),
            "finds": column.TextColumn("Finds posts where", width=270),
            "example": column.TextColumn("Example", width=140),
            "stream": column.TextColumn("Stream", width=52, help="X's servers take it on their stream"),
            "search": column.TextColumn("Search", width=52, help="X's servers take it in their search"),
            **{kind: column.TextColumn(screen.SOURCES.get(kind, kind), width=46) for kind in kinds},
        },
    )
