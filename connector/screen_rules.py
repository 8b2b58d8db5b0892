"""The pieces of the Rules page: its list, the editor with its checks, and what a wording meets before it is saved.

What is typed is a draft in the browser's session, one a rule, kept until it is saved or dropped; saving compares the
version it started from with the one that stands. `pages/rules.py` puts the pieces together; `screen.py` has the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from connector import rules, screen, trends
from connector.errors import RuleError
from connector.incoming import Detail, Incoming, Kind, Media, Reference
from connector.models import Post, RequestType, Rule
from connector.rules.check import LIMITS
from connector.sealing import Sealer, mask
from connector.store import catalogue
from connector.store import sources as post_questions
from connector.store.catalogue import RuleCard
from connector.trends import RuleCount

HEIGHT = 740
NEW = 0
"""Stands for the rule that is not stored yet."""
DAYS = 30
LIKE = 20
"""So many posts are shown."""
_PROBLEMS = 3
_LONGEST = 280  # characters of a post in the list


# -- the list ------------------------------------------------------------------------------------------------------


def counted() -> list[RuleCount]:
    """Every rule with what it found in the last days; at most 20 seconds old, and new at once after a change."""
    house = screen.house()
    with house.database.reading() as session:
        return _counted(str(house.database.engine.url), catalogue.version(session))


@st.cache_data(ttl=20, max_entries=4, show_spinner=False)
def _counted(database: str, version: int) -> list[RuleCount]:
    house = screen.house()
    with house.database.reading() as session:
        return trends.by_rule(session, trends.last_days(DAYS, house.config.city.zone))


def views(rows: Sequence[RuleCount]) -> str:
    """On or off, with counts; a link to a rule (`?rule=ID`) opens the view that holds it."""
    ss, linked = st.session_state, st.query_params.get("rule", "")
    on = sum(row.active for row in rows)
    if linked.isdecimal() and linked != ss.get("rule_linked"):
        ss["rule_linked"], ss["rule_chosen"] = linked, int(linked)
        row = next((row for row in rows if row.rule_id == int(linked)), None)
        if row is not None:
            ss["Rules"] = ss["rules_view"] = "on" if row.active else "off"
    view = screen.views("Rules", {"on": f"On {on}", "off": f"Off {len(rows) - on}"}, "on")
    if ss.setdefault("rules_view", view) != view:
        ss["rules_view"] = view
        ss["rule_chosen"] = None
    return view


def find() -> str:
    """What is looked for in the names."""
    return st.text_input(
        "Search by name", key="rules_find", type="search", live=True, placeholder="Search by name",
        label_visibility="collapsed", width=200,
    ) or ""  # fmt: skip


def choose(rule_id: int | None) -> None:
    """Show this rule; the address will say so."""
    st.session_state["rule_chosen"], st.session_state["rule_picked"] = rule_id, True


def _say_in_address(rule_id: int) -> None:
    """After a choice alone, so that the browser's way back is not blocked; in the body, for a callback's is lost."""
    if st.session_state.pop("rule_picked", False):
        st.session_state["rule_linked"] = str(rule_id)
        if rule_id:
            st.query_params["rule"] = str(rule_id)
        else:
            st.query_params.pop("rule", None)


def begin() -> None:
    """An empty rule on the card."""
    choose(NEW)


def pick(rows: Sequence[RuleCount], view: str, find: str) -> int | None:
    """The list; which rule is chosen, NEW for a new one, None if there is nothing to choose.

    The chosen rule stays in the list while it is looked at, even when it is switched off: nothing moves under the hand.
    """
    chosen = st.session_state.get("rule_chosen")
    shown = [
        row
        for row in rows
        if row.rule_id == chosen or (row.active == (view == "on") and find.casefold() in row.name.casefold())
    ]
    ids = [NEW] * (chosen == NEW) + [row.rule_id for row in shown]
    if not ids:
        return None
    if chosen not in ids:
        chosen = st.session_state["rule_chosen"] = ids[0]
    _say_in_address(chosen)
    names = ["New rule"] * (chosen == NEW) + [_named(row, view) for row in shown]
    fresh = int(chosen == NEW)
    table = pd.DataFrame(
        {
            "name": names,
            "type": ["–"] * fresh + [row.type for row in shown],
            "matched": [0] * fresh + [row.matched for row in shown],
            "share": [None] * fresh + [None if row.share is None else round(row.share, 2) for row in shown],
        }
    ).astype({"share": "float64"})
    key = f"rules_{hash(tuple(ids))}"
    st.session_state[key] = {"selection": {"rows": [ids.index(chosen)]}}
    st.dataframe(
        table, key=key, on_select=lambda: _selected(key, ids), selection_mode="single-row-required", hide_index=True,
        height=screen.pane(HEIGHT, 250), row_height=36,
        column_order=["name", "matched", "share"] if screen.phone() else None,
        alt=f"Rules with the posts they met in the last {DAYS} days and the share that was accepted",
        column_config={
            "name": st.column_config.TextColumn("Rule", width=190),
            "type": st.column_config.TextColumn("Type", width=122),
            "matched": st.column_config.NumberColumn(f"{DAYS} days", width=56),
            "share": st.column_config.ProgressColumn(
                "Accepted", width=100, format="percent", min_value=0, max_value=1, color="gray"
            ),
        },
    )  # fmt: skip
    return int(chosen)


def _named(row: RuleCount, view: str) -> str:
    return row.name if row.active == (view == "on") else f"{row.name} · {'on' if row.active else 'off'}"


def _selected(key: str, ids: Sequence[int]) -> None:
    if at := st.session_state[key]["selection"]["rows"]:
        choose(ids[at[0]])


# -- the draft -----------------------------------------------------------------------------------------------------


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


def _bound(rule_id: int, field: str, draft: dict[str, Any]) -> dict[str, Any]:
    """The arguments that tie a widget to the draft."""
    key = f"rule_{rule_id}_{field}"
    st.session_state[key] = draft[field]
    return {"key": key, "on_change": lambda: _kept(rule_id, field)}


def drop(rule_id: int) -> None:
    """Forget what was typed."""
    st.session_state.get("rule_drafts", {}).pop(rule_id, None)


def _change_to(rule_id: int, problem: rules.Problem) -> None:
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


def _switch(rule_id: int) -> None:
    active, house = bool(st.session_state[f"rule_{rule_id}_on"]), screen.house()

    def verb() -> None:
        with house.database.writing() as session:
            catalogue.change_rule(session, rule_id, None, screen.me(), active=active)

    screen.say(verb)


# -- the card ------------------------------------------------------------------------------------------------------


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
            st.toggle("On", key=key, on_change=lambda: _switch(rule_id))


def fields(rule_id: int, draft: dict[str, Any], types: Sequence[RequestType]) -> None:
    """Name, type and wording."""
    titles = {kind.id: kind.title for kind in types}
    left, right = st.columns(2, gap="small")
    left.text_input("Name", max_chars=120, **_bound(rule_id, "name", draft))
    right.selectbox(
        "Request type", list(titles), format_func=lambda i: titles.get(i, "–"), **_bound(rule_id, "type", draft)
    )
    st.text_area(
        "Expression, in X's rule syntax", height=100, placeholder='(pothole OR "pot hole") -is:retweet',
        **_bound(rule_id, "expression", draft),
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
                    on_click=lambda p=problem: _change_to(rule_id, p),
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


@dataclass(frozen=True, slots=True)
class Met:
    """The stored posts that a wording meets."""

    looked_at: int
    ids: frozenset[int]
    newest: tuple[tuple[int, Any, str, tuple[str, ...]], ...]
    """Post id, when it was written, masked text, the words that did it; at most `LIKE`."""


class Stored(Incoming):
    """A stored post as the matcher sees it: masked text; accounts compared by pseudonym."""

    __slots__ = ("_author", "_mentioned", "_sealer", "id", "posted_at")

    def __init__(self, post: Post, sealer: Sealer) -> None:
        entities = post.entities or {}
        self._mentioned = tuple(entities.get("mention_keys", ()))
        detail = Detail(
            kind=Kind(post.kind),
            mentioned=self._mentioned,
            hashtags=[mask(tag) for tag in entities.get("hashtags", ())],
            urls=entities.get("urls", ()),
            media=[Media(item.get("kind", "photo")) for item in post.media or ()],
            quoted_text=mask(post.quoted_text),
            references=[Reference(Kind(r["kind"]), r["id"]) for r in post.references or ()],
        )
        super().__init__(post.source_id, mask(post.text), post.lang, b"", detail)
        self.id, self.posted_at, self._author, self._sealer = post.id or 0, post.posted_at, post.author_key, sealer

    def wrote(self, handle: str) -> bool:
        return bool(self._author) and self._sealer.pseudonym(handle) == self._author

    def mentions(self, handle: str) -> bool:
        return self._sealer.pseudonym(handle) in self._mentioned


@st.cache_resource(ttl=60, max_entries=2, show_spinner=False)
def _stored(database: str, newest: int) -> list[Stored]:
    house = screen.house()
    with house.database.reading() as session:
        return [Stored(post, house.sealer) for post in post_questions.newest_posts(session)]


@st.cache_data(ttl=60, max_entries=200, show_spinner=False)
def _meets(database: str, newest: int, expression: str) -> Met:
    posts = _stored(database, newest)
    try:
        found = rules.compile([(1, 1, expression)]).match(posts)
    except RuleError:
        return Met(len(posts), frozenset(), ())
    met = [(post, hits[0].words) for post, hits in zip(posts, found, strict=True) if hits]
    shown = tuple((post.id, post.posted_at, post.text, words) for post, words in met[:LIKE])
    return Met(len(posts), frozenset(post.id for post, _ in met), shown)


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
