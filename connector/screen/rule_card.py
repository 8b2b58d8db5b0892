"""The Rules page's card: one rule's fields, what is wrong with it and where, what can be written next, its verbs.

Drawn from top to bottom by `pages/rules.py`. What is typed stands in `draft.py`; `connector/rules/check.py` says what
does not work, `connector/rules/forbidden.py` what a city must not look for. What stands below it: `rule_sections.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from connector import rules, screen
from connector.access import Right
from connector.errors import RuleError
from connector.models import RequestType
from connector.rules.check import LIMITS
from connector.screen import stored
from connector.screen.draft import SECTION, Draft, Save, bound, complete, drop, go_on, mend, save
from connector.screen.rule_rows import HEIGHT, works
from connector.screen.rules import counted
from connector.store import catalogue
from connector.store.catalogue import RuleCard
from connector.store.insights import DAYS, DECIDED_DAYS, Insight

Switch = Callable[[list[int], bool, str], Sequence[int]]
_PROBLEMS = 3
_COMPLETIONS = 4
ss = st.session_state


@contextmanager
def frame() -> Iterator[None]:
    """The pane beside the list; the inner container keeps its fixed height from squeezing what stands in it."""
    with st.container(border=True, height=screen.pane(HEIGHT)), st.container(gap="small"):
        yield


def opened(rule_id: int) -> tuple[RuleCard | None, list[RequestType]]:
    """The chosen rule, None for a new one, and the types it can belong to."""
    with screen.reading() as session:
        return catalogue.rule_card(session, rule_id) if rule_id else None, catalogue.types(session)


def administrator() -> bool:
    return screen.allowed(Right.SETTINGS)


# -- what it is ----------------------------------------------------------------------------------------------------


def head(rule_id: int, card: RuleCard | None, switch: Switch) -> None:
    """Name, version, the switch, and what is pointed out about it."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(card.rule.name) if card else "New rule", width="content", anchor=False)
        if card is None:
            return
        st.badge(f"Version {card.rule.version}", color="gray")
        st.space("stretch")
        key = f"rule_{rule_id}_on"
        ss[key] = card.rule.active
        st.toggle("On", key=key, on_change=lambda: _switch(rule_id, switch))
    if not card.rule.active:
        _reason(f"rule_{rule_id}_allow", refusals(card.rule.expression), "switch it on")
    found = counted()
    if row := next((row for row in found if row.rule_id == rule_id), None):
        for sentence in _pointed_out(row, found):
            st.markdown(f":orange[:material/info:] {sentence}")


def _switch(rule_id: int, switch: Switch) -> None:
    reason = str(ss.get(f"rule_{rule_id}_allow") or "")
    screen.act(Right.RULES, lambda: switch([rule_id], bool(ss[f"rule_{rule_id}_on"]), reason))


def _pointed_out(row: Insight, rows: Sequence[Insight]) -> Iterator[str]:
    if row.never_fires:
        yield f"Found nothing in {DAYS} days: is a word missing, or the source it was made for?"
    if row.mostly_dismissed:
        yield (
            f"{row.dismissed:,} of {row.accepted.whole:,} suspects were dismissed in {DECIDED_DAYS} days: exclude "
            "what they have in common, or switch it off"
        )
    if row.swallowed_by is not None:
        other = next((one.name for one in rows if one.rule_id == row.swallowed_by), "another rule")
        yield f"Everything it found in {DAYS} days, “{screen.escaped(other)}” found as well"


def fields(rule_id: int, draft: Draft, types: Sequence[RequestType]) -> None:
    """Name, type and wording; what is typed in a container `live_…` comes whenever the typing rests (`web.keys`)."""
    titles = {kind.id: kind.title for kind in types}
    left, right = st.columns(2, gap="small")
    left.text_input("Name", **bound(rule_id, "name", draft))
    right.selectbox(
        "Request type", list(titles), format_func=lambda i: titles.get(i, "–"), **bound(rule_id, "type", draft)
    )
    with st.container(key=f"live_{rule_id}"):
        st.text_area(
            "Expression, in X's rule syntax", height=116, placeholder='(pothole OR "pot hole") -is:retweet',
            **bound(rule_id, "expression", draft),
        )  # fmt: skip


# -- what is wrong with it, and what can come next -----------------------------------------------------------------


def next_words(rule_id: int, draft: Draft) -> None:
    """What the operator that is being written can become, explained."""
    found = rules.completions(draft.expression, draft.cursor)
    for number, one in enumerate(found[:_COMPLETIONS]):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                screen.escaped(one.insert), key=f"complete_{rule_id}_{number}_{one.insert}", type="tertiary",
                icon=":material/add:", on_click=complete, args=(rule_id, one.insert),
            )  # fmt: skip
            st.markdown(f":gray[{screen.escaped(one.help)}]", width="content")
    if len(found) > _COMPLETIONS:
        more = ", ".join(one.insert for one in found[_COMPLETIONS:])
        st.markdown(f":gray[or {screen.escaped(more)}]")


def verdict(rule_id: int, draft: Draft) -> bool:
    """Every problem with its place, or that it reads well; whether it does."""
    text = draft.expression
    problems = rules.check(text)
    if not problems:
        limit = LIMITS["stream"] or 0
        reach = "stream and search" if not rules.check(text, "search") else "stream alone"
        everywhere = " · all our sources" if works(draft.text) == "all" else ""
        st.markdown(
            f":green[:material/check_circle:] Reads well :gray[· {len(text):,} of {limit:,} characters · X's {reach}"
            f"{everywhere}]"
        )
        _unknown(draft.text)
        return True
    if not text.strip():
        st.markdown(f":gray[{problems[0].message}]")
        return False
    for number, problem in enumerate(problems[:_PROBLEMS]):
        with _placed(text, problem):
            if problem.suggestion:
                better = screen.shortened(problem.suggestion.strip(), 48)
                st.button(
                    screen.escaped(f"Change to {better}") if better else "Take it out", type="tertiary",
                    icon=":material/auto_fix_high:", key=f"mend_{rule_id}_{number}_{problem.position}",
                    on_click=mend, args=(rule_id, problem),
                )  # fmt: skip
    if len(problems) > _PROBLEMS:
        st.markdown(f":gray[and {len(problems) - _PROBLEMS} more]")
    return False


def _unknown(text: str) -> None:
    """What of it some of the city's sources do not tell."""
    for name, source in screen.house().config.sources.items():
        if unknown := stored.undecided(text, source.kind):
            said = screen.escaped(f"{', '.join(unknown)}: unknown on {name}")
            st.markdown(f":gray[:material/question_mark: {said}, where a rule that needs it finds nothing]")


def _placed(text: str, problem: rules.Problem, colour: str = "red", icon: str = "error") -> DeltaGenerator:
    """The place under carets, and what is said of it; the line goes on with what helps."""
    width = 36 if screen.phone() else 66
    with st.container(gap="xxsmall"):
        st.code(rules.caret(text, problem.position, problem.length, width), language=None)
        line = st.container(horizontal=True, vertical_alignment="center", gap="xsmall")
        with line:
            st.markdown(f":{colour}[:material/{icon}: **Character {problem.position + 1}**]", width="content")
            st.text(problem.message, width="content")
    return line


def refusals(text: str) -> list[rules.Refusal]:
    """Why a city must not look for this; nothing for a wording that cannot be read."""
    try:
        return rules.forbidden(rules.parse(text), screen.house().config.city.accounts)
    except RuleError:
        return []


def allowed(rule_id: int, draft: Draft) -> bool:
    """Whether the wording may be saved: nothing forbids it, or an administrator says why it is right all the same."""
    found = refusals(draft.text) if draft.reworded else []
    for refusal in found[:_PROBLEMS]:
        _placed(draft.expression, refusal, "orange", "block")
    return not found or bool(_reason(f"rule_{rule_id}_override", found, "save it"))


def _reason(key: str, found: Sequence[rules.Refusal], what: str) -> str:
    """An administrator's reason to do it all the same."""
    if not found:
        return ""
    if not administrator():
        st.markdown(f":gray[This must not be looked for; only an administrator may {what} all the same.]")
        return ""
    label = f"Why it is right to {what} all the same (kept in the audit trail)"
    return (st.text_input(label, key=key, max_chars=300, live=True) or "").strip()


# -- saving --------------------------------------------------------------------------------------------------------


def overtaken(rule_id: int, draft: Draft, card: RuleCard | None) -> bool:
    """Whether somebody saved another wording since this draft was begun; then it shows it, and asks."""
    if card is None or card.rule.version == draft.base:
        return False
    newest = card.versions[0]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(f"Version {newest.version}", color="orange", icon=":material/info:")
            st.text(f"{newest.by or 'Somebody'} saved it at {screen.clock(newest.at)}, while you were writing:")
        st.code(newest.expression, language=None, wrap_lines=True)
        with st.container(horizontal=True, gap="small"):
            st.button("Take theirs", key=f"theirs_{rule_id}", on_click=drop, args=(rule_id,))
            st.button("Go on with mine", key=f"mine_{rule_id}", on_click=go_on, args=(rule_id, newest.version))
    return True


def verbs(rule_id: int, draft: Draft, ready: bool, keep: Save) -> None:
    """Save, which says what it makes, and the way back."""
    label = f"Save version {draft.base + 1}" if draft.reworded or not draft.base else "Save"
    named = bool(draft.name.strip())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            label, type="primary", disabled=not (ready and draft.changed and named), key=f"save_{rule_id}",
            on_click=save, args=(rule_id, keep),
        )  # fmt: skip
        if draft.changed:
            st.button("Drop changes", type="tertiary", key=f"drop_{rule_id}", on_click=drop, args=(rule_id,))
        if ready and not named:
            st.markdown(":gray[Give it a name to save it]", width="content")
        saved = ss.pop("rule_saved", None)
        if saved and saved[0] == rule_id:
            screen.status(f"Version {saved[1]} is saved; the worker uses it within seconds")
            st.button(
                "Look back", key=f"to_lookback_{rule_id}", type="tertiary", icon=":material/history:",
                on_click=lambda: ss.update({SECTION: "back"}),
            )  # fmt: skip
