"""The rows of the Rules page's list: what each rule found, how often people agreed, where it works, what is odd.

`rules.py` says which rules stand here and which one is chosen; `connector/store/insights.py` counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from connector import screen
from connector.screen import stored
from connector.share import Share
from connector.store.insights import DAYS, DECIDED_DAYS, Insight

HEIGHT = 740


def table(
    found: Sequence[Insight], view: str, key: str, then: Callable[[], None], new: bool = False, many: bool = False
) -> None:
    """The rules as rows, one or many of them to be chosen."""
    column = st.column_config
    what = "look" if view == "look" else "type"
    st.dataframe(
        _frame(found, view, new), key=key, on_select=then, hide_index=True, row_height=36,
        selection_mode="multi-row" if many else screen.ONE_ROW,
        height=min(screen.pane(HEIGHT, 250), 34 + 36 * (len(found) + new)),
        column_order=["name", "matched", "share"] if screen.phone()
        else ["name", what, "matched", "share", "last", "works", "wording"],
        alt=f"Rules with the posts they met in the last {DAYS} days and the share of suspects that was accepted",
        column_config={
            "name": column.TextColumn("Rule", width=166),
            "type": column.TextColumn("Type", width=88),
            "look": column.TextColumn("Why", width=88),
            "matched": column.NumberColumn(f"{DAYS} days", width=54, help="Posts met; a look back counts as well"),
            "share": column.TextColumn(
                "Accepted", width=110, help=f"Of the suspects decided on in {DECIDED_DAYS} days, with the interval "
                "in which the true share lies with 95 % confidence, and their number",
            ),
            "last": column.TextColumn("Last", width=54, help="When it last met a post"),
            "works": column.TextColumn("Works on", width=70, help="The city's sources on which every part is known"),
            "wording": column.TextColumn("Wording", width=600),
        },
    )  # fmt: skip


def _frame(found: Sequence[Insight], view: str, new: bool) -> Any:
    """The rows; on top the rule that is being written, if it is new. What is beside the point is grey."""
    names = {row.rule_id: row.name for row in found}
    rows = [("New rule", "–", "–", 0, "–", "–", "–", "")] * new + [
        (
            row.name if row.active == (view != "off") else f"{row.name} · {'on' if row.active else 'off'}",
            row.type, why(row, names), row.matched, short(row.accepted),
            screen.age(row.last_match_at) if row.last_match_at else "never", works(row.expression), row.expression,
        )
        for row in found
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["name", "type", "look", "matched", "share", "last", "works", "wording"])
    grey = f"color:{screen.colour('grey')}"
    return frame.style.apply(lambda column: [grey] * len(column), subset=["type", "look", "last", "works", "wording"])


def why(row: Insight, names: dict[int, str]) -> str:
    """What is pointed out about a rule, in few words."""
    if row.swallowed_by is not None:
        return f"within {names.get(row.swallowed_by, 'another')}"
    return "finds nothing" if row.never_fires else "dismissed" if row.mostly_dismissed else ""


def short(share: Share) -> str:
    """For example "84 % (78–89, 214)"."""
    if share.value is None:
        return "–"
    return f"{share.value:.0%} ({100 * share.low:.0f}–{100 * share.high:.0f}, {share.whole:,})".replace("%", " %")


def works(expression: str) -> str:
    """On which of the city's sources every part of a wording is decided."""
    sources = screen.house().config.sources
    whole = [name for name, source in sources.items() if not stored.undecided(expression, source.kind)]
    return "all" if len(whole) == len(sources) else ", ".join(whole) or "none"
