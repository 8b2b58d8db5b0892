"""The Rules page's card: one rule's fields, its problems with their places, its verbs, and what the wording meets.

Drawn from top to bottom by `pages/rules.py`. What is typed stands in `draft.py`; `stored.py` says which stored posts a
wording meets, and `connector/rules/check.py` what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from connector import rules, screen
from connector.models import RequestType
from connector.rules.check import LIMITS
from connector.screen.draft import bound, change_to, changed, drop, save, switch
from connector.screen.stored import Met, Stored, which_meet
from connector.store import catalogue
from connector.store import sources as post_questions
from connector.store.catalogue import RuleCard

_PROBLEMS = 3
_LONGEST = 280  # characters of a post in the list


def opened(rule_id: int) -> tuple[RuleCard | None, list[RequestType]]:
    """The chosen rule, None for a new one, and the types it can belong to."""
    with screen.house().database.reading() as session:
        return catalogue.rule_card(session, rule_id) if rule_id else None, catalogue.types(session)


def head(rule_id: int, card: RuleCard | None) -> None:
    """Name, version, and the switch."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(card.rule.name) if card else "New rule", width="content", anchor=False)
        if card:
            st.badge(f"Version {card.rule.version}", color="gray")
            st.space("stretch")
            key = f"rule_{rule_id}_on"
            st.session_state[key] = card.rule.active
            st.toggle("On", key=key, on_change=lambda: switch(rule_id))


def fields(rule_id: int, draft: dict[str, Any], types: Sequence[RequestType]) -> None:
    """Name, type and wording."""
    titles = {kind.id: kind.title for kind in types}
    left, right = st.columns(2, gap="small")
    left.text_input("Name", max_chars=120, **bound(rule_id, "name", draft))
    right.selectbox(
        "Request type", list(titles), format_func=lambda i: titles.get(i, "–"), **bound(rule_id, "type", draft)
    )
    st.text_area(
        "Expression, in X's rule syntax", height=100, placeholder='(pothole OR "pot hole") -is:retweet',
        **bound(rule_id, "expression", draft),
    )  # fmt: skip


def verdict(rule_id: int, text: str) -> bool:
    """Every problem with its place, or that it reads well; whether it does."""
    problems = rules.check(text)
    if not problems:
        limit = LIMITS["stream"] or 0
        works = "stream and search" if not rules.check(text, "search") else "the stream; too long for search"
        st.markdown(
            ":green[:material/check_circle:] Reads well "
            f":gray[· {len(text):,} of {limit:,} characters · works in {works}]"
        )
        return True
    if not text.strip():
        st.markdown(f":gray[{problems[0].message}]")
        return False
    for number, problem in enumerate(problems[:_PROBLEMS]):
        width = 36 if screen.phone() else 70
        st.code(rules.caret(text, problem.position, problem.length, width), language=None)
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f":red[:material/error: **Character {problem.position + 1}**]", width="content")
            st.text(problem.message, width="content")
            if problem.suggestion:
                better = problem.suggestion.strip()
                st.button(
                    screen.escaped(f"Change to {_short(better)}") if better else "Take it out", type="tertiary",
                    icon=":material/auto_fix_high:", key=f"mend_{rule_id}_{number}_{problem.position}",
                    on_click=lambda p=problem: change_to(rule_id, p),
                )  # fmt: skip
    if len(problems) > _PROBLEMS:
        st.markdown(f":gray[and {len(problems) - _PROBLEMS} more]")
    return False


def _short(text: str, longest: int = 48) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def overtaken(rule_id: int, draft: dict[str, Any], card: RuleCard | None) -> bool:
    """Whether somebody saved another wording since this draft was begun; then it shows it, and asks."""
    if card is None or card.rule.version == draft["base"]:
        return False
    newest = card.versions[0]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(f"Version {newest.version}", color="orange", icon=":material/info:")
            st.text(f"{newest.by or 'Somebody'} saved it at {screen.clock(newest.at)}, while you were writing:")
        st.code(newest.expression, language=None, wrap_lines=True)
        with st.container(horizontal=True, gap="small"):
            st.button("Take theirs", key=f"theirs_{rule_id}", on_click=drop, args=(rule_id,))
            st.button("Go on with mine", key=f"mine_{rule_id}", on_click=lambda: draft.update(base=newest.version))
    return True


def verbs(rule_id: int, draft: dict[str, Any], card: RuleCard | None, good: bool) -> None:
    """Save, which says what it makes, and the way back."""
    is_new = card is None
    wording = is_new or (card is not None and draft["expression"].strip() != card.rule.expression)
    label = f"Save version {draft['base'] + 1}" if wording else "Save"
    ready = good and changed(draft) and bool(draft["name"].strip())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(label, type="primary", disabled=not ready, key=f"save_{rule_id}", on_click=save, args=(rule_id,))
        if changed(draft):
            st.button("Drop changes", type="tertiary", key=f"drop_{rule_id}", on_click=drop, args=(rule_id,))
        if good and not draft["name"].strip():
            st.markdown(":gray[Give it a name to save it]", width="content")
        saved = st.session_state.pop("rule_saved", None)
        if saved and saved[0] == rule_id:
            st.markdown(
                f":green[:material/check:] Version {saved[1]} is saved :gray[· the worker uses it within seconds]",
                width="content",
            )


# -- what it meets -------------------------------------------------------------------------------------------------


@st.cache_resource(ttl=60, max_entries=2, show_spinner=False)
def _stored(database: str, newest: int) -> list[Stored]:
    house = screen.house()
    with house.database.reading() as session:
        return [Stored(post, house.sealer) for post in post_questions.newest_posts(session)]


@st.cache_data(ttl=60, max_entries=200, show_spinner=False)
def _meets(database: str, newest: int, expression: str) -> Met:
    return which_meet(_stored(database, newest), expression)


def meets(expression: str) -> Met:
    """Which of the newest stored posts this wording meets, as if it had stood when they came."""
    house = screen.house()
    with house.database.reading() as session:
        newest = post_questions.newest_post_id(session)
    return _meets(str(house.database.engine.url), newest, expression.strip())


def in_the_latest(draft: dict[str, Any], card: RuleCard | None) -> None:
    """What the wording in the editor finds, words marked, and how that differs from the version in force."""
    met = meets(draft["expression"])
    before = meets(card.rule.expression) if card else None
    line = f"**Meets {len(met.ids):,}** :gray[of the newest {met.looked_at:,} posts that are stored"
    if before is not None and card is not None and before.ids != met.ids:
        more, fewer = len(met.ids - before.ids), len(before.ids - met.ids)
        line += f" · {more:,} more and {fewer:,} fewer than version {card.rule.version}"
    st.markdown(line + "]")
    if not met.newest:
        st.markdown(":gray[None of them. Only posts that some rule met are stored, so rare words may still be right.]")
        return
    items = []
    for post_id, at, text, words in met.newest:
        is_new = before is not None and post_id not in before.ids
        when = f"{screen.age(at)}{' · new' if is_new else ''}   "
        items.append(screen.pieces(_short(text, _LONGEST), words, by=when))
    screen.posts(items)


# -- what else -----------------------------------------------------------------------------------------------------


def history(card: RuleCard) -> None:
    """Who wrote what, when."""
    count = len(card.versions)
    with st.expander(f"History · {count} {'version' if count == 1 else 'versions'}"):
        for version in card.versions:
            st.text(f"Version {version.version} · {version.by or 'unknown'} · {screen.clock(version.at)}")
            st.code(version.expression, language=None, wrap_lines=True)


def help_with_rules() -> None:
    """The table of operators."""
    with st.expander("What can stand in a rule"):
        st.markdown(
            "A space means *and* and binds tighter than `OR`; parentheses group; `-` excludes the next one. "
            "Words are met whole and in any case."
        )
        st.dataframe(
            pd.DataFrame([(o.name, o.help, o.example) for o in rules.OPERATORS], columns=["sign", "finds", "example"]),
            hide_index=True, height="content", row_height=30, alt="Operators of the rule language",
            column_config={
                "sign": st.column_config.TextColumn("Written", width=100),
                "finds": st.column_config.TextColumn("Finds posts where", width=290),
                "example": st.column_config.TextColumn("Example", width=150),
            },
        )  # fmt: skip
