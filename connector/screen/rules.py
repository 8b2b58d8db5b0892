"""The Rules page's list: every rule with what it found lately, narrowed and sorted, and which one is chosen.

`pages/rules.py` puts the page together; the chosen rule's editor stands in `rule_card.py`, what is typed in `draft.py`.
What is shown stands in the address, so that a link leads to it. Read on in `rule_rows.py` (the rows) and
`rule_several.py` (more rules than one).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from connector import screen
from connector.screen.rule_rows import table
from connector.store import catalogue, insights
from connector.store.insights import DAYS, Insight

NEW = 0
"""Stands for the rule that is not stored yet."""
EDITOR, SEVERAL, PACKS = "editor", "several", "packs"
"""What stands beside the list."""
VIEW, FIND, TYPE, LOOK, ORDER = "Rules", "rules_find", "rules_type", "rules_look", "rules_order"
_OLDEST = datetime.min.replace(tzinfo=UTC)
_ORDERS: dict[str, Callable[[Insight], Any]] = {
    "By type": lambda row: (row.type.casefold(), row.name.casefold()),
    "Most found": lambda row: (-row.matched, row.name.casefold()),
    "Lowest accepted": lambda row: (row.accepted.value is None, row.accepted.value or 0, -row.accepted.whole),
    "Last found": lambda row: -(row.last_match_at or _OLDEST).timestamp() if row.last_match_at else 0,
    "By name": lambda row: row.name.casefold(),
}
_LOOKS: dict[str, tuple[str, Callable[[Insight], bool]]] = {
    "": ("Any", lambda row: True),
    "never": (f"Found nothing in {DAYS} days", lambda row: row.never_fires),
    "dismissed": ("Dismissed nine times in ten", lambda row: row.mostly_dismissed),
    "swallowed": ("Swallowed by another rule", lambda row: row.swallowed_by is not None),
}
ss = st.session_state


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rules the list is to show."""

    view: str
    find: str
    type_id: int
    look: str
    order: str

    def __call__(self, row: Insight) -> bool:
        there = {"on": row.active, "off": not row.active, "look": pointed_out(row)}[self.view]
        text = f"{row.name}\n{row.type}\n{row.expression}".casefold()
        of_type = not self.type_id or row.type_id == self.type_id
        return there and of_type and _LOOKS[self.look][1](row) and self.find.strip().casefold() in text


def pointed_out(row: Insight) -> bool:
    return row.never_fires or row.mostly_dismissed or row.swallowed_by is not None


def counted() -> list[Insight]:
    """Every rule with what it found in the last days; at most 20 seconds old, and new at once after a change."""
    with screen.reading() as session:
        version = catalogue.version(session)
    with screen.answering():
        return _counted(str(screen.house().database.engine.url), version)


@st.cache_data(ttl=20, max_entries=4, show_spinner=False)
def _counted(database: str, version: int) -> list[Insight]:
    with screen.house().database.reading() as session:
        return insights.insights(session)


# -- the address ---------------------------------------------------------------------------------------------------


def read_address(rows: Sequence[Insight]) -> None:
    """Take the rule, the view and the filters from the address when somebody came by a link."""
    told = st.query_params.to_dict()
    if told == ss.get("rules_told", {}) or "rules_picked" in ss:  # with a choice by hand may come the address of before
        return
    ss["rules_told"] = told
    types = {str(row.type_id): row.type_id for row in rows}
    ss[TYPE] = types.get(told.get("type", ""), 0)
    ss[LOOK] = told["look"] if told.get("look") in _LOOKS else ""
    ss[VIEW] = told["view"] if told.get("view") in ("on", "off", "look") else ss.get(VIEW, "on")
    row = next((row for row in rows if str(row.rule_id) == told.get("rule")), None)
    if row is None and told.get("rule"):
        screen.complain("There is no such rule: its link may be of before a reset.")
    if row is not None:
        ss["rule_chosen"], ss["rules_pane"], ss["rules_linked"] = row.rule_id, EDITOR, True
        if "view" not in told:
            ss[VIEW] = "on" if row.active else "off"
    ss["rules_view"] = ss[VIEW]


def write_address() -> None:
    """After a choice by hand alone, so that the browser's way back is not blocked."""
    if not ss.pop("rules_picked", False):
        return
    told = {
        "view": ss[VIEW] if ss[VIEW] != "on" else "", "type": str(ss.get(TYPE) or ""), "look": ss.get(LOOK, ""),
        "rule": str(ss.get("rule_chosen") or ""),
    }  # fmt: skip
    ss["rules_told"] = {name: value for name, value in told.items() if value}
    st.query_params.from_dict(ss["rules_told"])


def choose(rule_id: int | None) -> None:
    """Show this rule; the address will say so."""
    ss["rule_chosen"], ss["rules_picked"], ss["rules_pane"] = rule_id, True, EDITOR


def pane() -> str:
    """What stands beside the list."""
    return str(ss.setdefault("rules_pane", EDITOR))


def beside(name: str) -> None:
    """Put something else beside the list."""
    ss["rules_pane"] = name


# -- what is asked for ---------------------------------------------------------------------------------------------


def header(rows: Sequence[Insight]) -> Asked:
    """Title, views with counts, search, filters, what else the page can do."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Rules", width="content", anchor=False)
        view = _views(rows)
        if not screen.phone():
            st.space("stretch")
        find = st.text_input(
            "Find a rule", key=FIND, type="search", live=True, placeholder="Name, type or wording",
            icon=":material/search:", label_visibility="collapsed", width="stretch" if screen.phone() else 210,
        )  # fmt: skip
        with st.popover(_narrowed(rows), icon=":material/tune:", type="tertiary" if screen.phone() else "secondary"):
            _filters(rows)
        more = {"Choose several": SEVERAL, "Packs and files": PACKS}
        st.menu_button("More", list(more), key="rules_more", on_click=lambda: beside(more[ss["rules_more"]]))
        st.button("New rule", icon=":material/add:", shortcut=screen.key("n"), on_click=choose, args=(NEW,))
    return Asked(view, find or "", ss[TYPE], ss[LOOK], ss[ORDER])


def _views(rows: Sequence[Insight]) -> str:
    on, look = sum(row.active for row in rows), sum(map(pointed_out, rows))
    names = {"on": f"On {on}", "off": f"Off {len(rows) - on}", "look": f"Look at {look}"}
    view = screen.views(VIEW, names, "on")
    if ss.setdefault("rules_view", view) != view:
        ss["rules_view"], ss["rules_picked"] = view, True
        if pane() == EDITOR:
            ss["rule_chosen"] = None
    return view


def _narrowed(rows: Sequence[Insight]) -> str:
    titles = {row.type_id: row.type for row in rows}
    if ss.get(TYPE) or ss.get(LOOK):
        said = [titles.get(ss.get(TYPE, 0), ""), _LOOKS[ss[LOOK]][0] if ss.get(LOOK) else ""]
        return screen.escaped(" · ".join(filter(None, said)))
    return "Filter" if screen.phone() else str(ss.get(ORDER, "By type"))


def _filters(rows: Sequence[Insight]) -> None:
    titles = {0: "Any", **{row.type_id: row.type for row in sorted(rows, key=lambda row: row.type.casefold())}}
    looks = {name: said for name, (said, _) in _LOOKS.items()}
    orders = {name: name for name in _ORDERS}
    for key, label, options in ((TYPE, "Type", titles), (LOOK, "Pointed out", looks), (ORDER, "Order", orders)):
        first = next(iter(options))
        if ss.setdefault(key, first) not in options:
            ss[key] = first
        st.selectbox(
            label, list(options), key=key, format_func=options.__getitem__, persist_state="session",
            on_change=lambda: ss.update(rules_picked=True),
        )  # fmt: skip


# -- the list ------------------------------------------------------------------------------------------------------


def shown(rows: Sequence[Insight], asked: Asked) -> list[Insight]:
    """The rules asked for, sorted.

    The chosen one stays in the list while it is looked at, even when it is switched off: nothing moves under the hand.
    """
    chosen = ss.get("rule_chosen") if pane() == EDITOR else None
    return sorted((row for row in rows if row.rule_id == chosen or asked(row)), key=_ORDERS[asked.order])


def pick(found: Sequence[Insight], asked: Asked) -> int | None:
    """The list; which rule is chosen, NEW for a new one, None if there is nothing to choose."""
    chosen = ss.get("rule_chosen")
    ids = [NEW] * (chosen == NEW) + [row.rule_id for row in found]
    if not ids:
        return None
    if chosen not in ids:
        chosen = ss["rule_chosen"] = ids[0]
    top = _top(ids, chosen)
    drawn, key = ids[top:], f"rules_{hash(tuple(ids[top:]))}"
    ss[key] = screen.marked(drawn.index(chosen))
    table(found[top:], asked.view, key, lambda: _selected(key, drawn), chosen == NEW)
    if top:
        st.button(f"Show {top} above", key="rules_above", type="tertiary", icon=":material/expand_less:",
                  on_click=lambda: ss.update(rules_top=None))  # fmt: skip
    return int(chosen)


def _top(ids: Sequence[int], chosen: int) -> int:
    """The first row drawn: the grid does not scroll to the rule that a link chose, so the rows above are left out."""
    seen = 6 if screen.phone() else 20
    if ss.pop("rules_linked", False):
        ss["rules_top"] = chosen if ids.index(chosen) >= seen else None
    first = ss.get("rules_top")
    top = max(0, min(ids.index(first) - 1, len(ids) - seen)) if first in ids else 0
    return top if ids.index(chosen) >= top else 0


def _selected(key: str, ids: Sequence[int]) -> None:
    at = screen.clicked(key)
    if at is not None and ids[at] != ss.get("rule_chosen"):
        choose(ids[at])


def nothing(rows: Sequence[Insight]) -> None:
    """No rule fits what is asked for, or there is none yet: the control that helps."""
    why = {"off": "No rule is off.", "look": "No rule asks to be looked at."} if not ss.get(FIND) else {}
    fits = why.get(ss.get(VIEW, ""), "No rule fits what is asked for.")
    frame = screen.empty("No rule here", fits if rows else "Begin with one, or with a pack.")
    with frame:
        if rows:
            st.button("Show all that are on", key="useful", on_click=_clear)
        else:
            st.button("See the packs", key="useful", on_click=beside, args=(PACKS,))


def _clear() -> None:
    ss.update({VIEW: "on", "rules_view": "on", FIND: "", TYPE: 0, LOOK: "", "rules_picked": True})
