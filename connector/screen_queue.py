"""The pieces of the Queue page: what is asked for and chosen, the list, the row of actions at the bottom.

`pages/review.py` puts them together and says what each key does. The list is asked anew at every drawing, but shows
nothing newer than the newest suspect it started with and keeps everybody in place; who is on the card is an id in the
session, never a row number. The card itself stands in `screen_card.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import streamlit as st

from connector import screen, sealing
from connector.models import DeliveryStatus, DismissReason, RequestType, SuspectStatus, now
from connector.screen_card import HEIGHT, Shown
from connector.store import catalogue, queue, tickets

PAGE = 50
POLL = 3
"""Seconds between two looks for new posts, and for what became of the last decision."""
REASONS: dict[str, str] = dict(
    zip(DismissReason, ("No problem", "Elsewhere", "Joke", "News, ad", "Fixed"), strict=True)
)
_ASKED = {"type": "Queue type", "district": "Queue district", "lang": "Queue language"}
_VIEW, _FIND = "Queue view", "Queue find"
# Letters that no action of the page has, and Streamlit leaves free: for the choice of a type.
_FREE = "bdefgilmnoqvwxyz67890"
ss = st.session_state


@dataclass(frozen=True, slots=True)
class Last:
    """What this session decided last."""

    id: int
    what: str
    how: str
    note: str = ""


@dataclass(slots=True)
class Mine:
    """What this session knows of its queue: ids and marks, no rows."""

    asked: queue.Filter | None = None
    up_to: int | None = None
    """The newest suspect when the list was made; younger ones are announced."""
    pages: int = 1
    more: bool = False
    rank: dict[int, float] = field(default_factory=dict)
    """Id → place in the list, kept when it leaves, so that it comes back where it was."""
    ids: list[int] = field(default_factory=list)
    """As last drawn."""
    top: int = 0
    """The first row drawn: the grid does not scroll to what J and K choose, so the rows above are left out."""
    follow: bool = False
    chosen: int | None = None
    linked: int | None = None
    """Shown even if it has no place in the list: by a link, by Undo; until something else is asked for."""
    arrived: bool = False
    """The link came just now."""
    done: set[tuple[int, int]] = field(default_factory=set)
    last: Last | None = None
    moved: int = 0
    choosing: int | None = None
    """Whose type is being chosen."""
    told: dict[str, str] = field(default_factory=dict)
    """The address as last written."""
    looked_up: str = ""


def mine() -> Mine:
    state: Mine = ss.setdefault("_queue", Mine())
    return state


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _figures(by: str, today: datetime, moved: int) -> tuple[dict[str, int], int]:
    """Counts of the views, and how many this person decided today; `moved` counts the session's own decisions."""
    with screen.reading() as session:
        return queue.counts(session, by), queue.decided_since(session, by, today)


@st.cache_data(ttl=10, max_entries=2, show_spinner=False)
def _types() -> list[RequestType]:
    with screen.reading() as session:
        return catalogue.types(session, only_active=True)


def _counts() -> dict[str, int]:
    return _figures(screen.me(), screen.midnight(), mine().moved)[0]


def decided_today() -> int:
    return _figures(screen.me(), screen.midnight(), mine().moved)[1]


# -- what is asked for ---------------------------------------------------------------------------------------------


def read_address() -> None:
    """Take view, filters and the chosen id from the address when somebody came by a link."""
    told = st.query_params.to_dict()
    if told and told != mine().told:
        ss[_VIEW] = told.get("view", "all")
        for name, key in _ASKED.items():
            ss[key] = told.get(name, "")
        if told.get("id", "").isdigit():
            _show(int(told["id"]))


def _show(suspect_id: int) -> None:
    mine().chosen = mine().linked = suspect_id
    mine().arrived = mine().follow = True


def write_address() -> None:
    """Keep in the address what a link to this very picture needs; the searched text is nobody's business."""
    told = {"view": ss[_VIEW] if ss[_VIEW] != "all" else ""}
    told |= {name: ss.get(key, "") for name, key in _ASKED.items()} | {"id": str(mine().chosen or "")}
    mine().told = {name: value for name, value in told.items() if value}
    if st.query_params.to_dict() != mine().told:
        st.query_params.from_dict(mine().told)


def header() -> queue.Filter:
    """Title, views, what is new, search and filters; returns what the list is to show."""
    counts = _counts()
    names = {"all": "All", "urgent": "Urgent", "mine": "Mine", "parked": "Parked"}
    if not (screen.house().config.login or counts["mine"]):
        del names["mine"]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Queue", width="content", anchor=False)
        view = screen.views(_VIEW, {name: f"{text} {_capped(counts[name])}" for name, text in names.items()}, "all")
        with st.container(width="content"):
            _announce()
        if not screen.phone():
            st.space("stretch")
        find = st.text_input(
            "Find in the queue", key=_FIND, placeholder="Text, link, reference or number", type="search",
            icon=":material/search:", label_visibility="collapsed", width="stretch" if screen.phone() else 250,
        )  # fmt: skip
        with st.popover(_order(), icon=":material/tune:", type="tertiary" if screen.phone() else "secondary"):
            _filters()
    chosen = {name: ss.get(key, "") for name, key in _ASKED.items()}
    where = queue.Filter(view, screen.me(), chosen["type"], chosen["district"], chosen["lang"], (find or "").strip())
    return _looked_up(where)


def _capped(number: int) -> str:
    return f"{number:,}" + ("+" if number >= queue.COUNT_CAP else "")


@st.fragment(run_every=POLL)
def _announce() -> None:
    """How many came in since the list was made; the list itself stays as it is until somebody asks."""
    with screen.reading() as session:
        new = queue.newer(session, mine().up_to or 0) if mine().up_to is not None else 0
    label = f":blue[{new if new < 100 else '100+'} new, show]"
    icon, key = ":material/arrow_upward:", screen.key("s")
    if new and st.button(label, key="show_new", type="tertiary", icon=icon, shortcut=key, on_click=_start_anew):
        st.rerun()


def _start_anew() -> None:
    mine().asked = None


def _order() -> str:
    kinds = {kind.code: kind.title for kind in _types()}
    said = [kinds.get(ss.get(_ASKED["type"], ""), ""), ss.get(_ASKED["district"], ""), ss.get(_ASKED["lang"], "")]
    said[2] = screen.LANGUAGES.get(said[2], said[2])
    return screen.escaped(" · ".join(text for text in said if text)) or ("Filter" if screen.phone() else "Urgent first")


def _filters() -> None:
    kinds = {kind.code: kind.title for kind in _types()}
    districts = {district.name: district.name for district in screen.house().gazetteer.districts}
    for name, label, options in (
        ("type", "Type", kinds), ("district", "District", districts), ("lang", "Language", screen.LANGUAGES),
    ):  # fmt: skip
        key, shown = _ASKED[name], {"": "Any", **options}
        if ss.setdefault(key, "") not in shown:
            ss[key] = ""
        st.selectbox(label, list(shown), key=key, format_func=shown.__getitem__, persist_state="session")
    st.markdown(":gray[Urgent posts pass every filter.]")


def clear() -> None:
    """Show everything again."""
    ss.update({_VIEW: "all", _FIND: "", **dict.fromkeys(_ASKED.values(), "")})


def _looked_up(where: queue.Filter) -> queue.Filter:
    """A reference, number or link leads to its suspect or ticket, and is not searched as text."""
    if not where.find:
        mine().looked_up = ""
        return where
    with screen.reading() as session:
        found = tickets.page(session, find=where.find, limit=3)
        link = _post_id(where.find)
        suspect = queue.by_post(session, link, list(screen.house().config.sources)) if link else None
    if suspect and mine().looked_up != where.find:
        _show(suspect)
        mine().looked_up = where.find
    for row in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(row.state, color=screen.STATE_COLOURS.get(row.state, "gray"))  # type: ignore[arg-type]
            st.text(", ".join(filter(None, (row.number or row.reference, row.type, row.place))), width="content")
            st.page_link("tickets.py", label="Open in Tickets", query_params={"find": row.reference})
    return (
        queue.Filter(where.view, where.by, where.type_code, where.district, where.language)
        if suspect or found
        else where
    )


def _post_id(text: str) -> str:
    """The last part of a link's path that looks like an id."""
    if not text.lower().startswith(("http://", "https://")):
        return ""
    parts = [part for part in urlsplit(text).path.split("/") if part and part not in ("photo", "video")]
    return next((part for part in reversed(parts) if len(part) > 4), "")


# -- the list ------------------------------------------------------------------------------------------------------


def rows(where: queue.Filter) -> list[queue.QueueRow]:
    """The list, with skeletons in its place until the database first answers."""
    waiting = st.empty()
    if not mine().asked:
        with waiting.container():
            loading()
    found = _rows(where)
    waiting.empty()
    return found


def _rows(where: queue.Filter) -> list[queue.QueueRow]:
    """The list as it stands: nothing newer than when it was asked for, everybody where they were; finds who is chosen.

    A suspect that somebody decided leaves, and the next one moves up; one that a link or Undo asks for and that has
    no place in the list stands on top.
    """
    my = mine()
    with screen.reading() as session:
        if my.asked != where:
            my.linked = my.linked if my.arrived or my.asked is None else None
            my.asked, my.up_to, my.rank, my.pages, my.top = where, queue.newest_id(session), {}, 1, 0
        found = queue.page(session, where, PAGE * mine().pages + 1, up_to=mine().up_to)
        mine().more, found = len(found) > PAGE * mine().pages, found[: PAGE * mine().pages]
        for row in found:
            mine().rank.setdefault(row.id, len(mine().rank))
        my.arrived = False
        found.sort(key=lambda row: mine().rank[row.id])
        ids = [row.id for row in found]
        if my.chosen not in ids:
            linked = queue.card(session, my.chosen) if my.chosen and my.chosen == my.linked else None
            if linked:
                return [_row(linked), *found]
            after = my.rank.get(my.chosen or 0, -1)
            mine().chosen = next((id_ for id_ in ids if mine().rank[id_] > after), ids[-1] if ids else None)
    return found


def _row(card: queue.Card) -> queue.QueueRow:
    s, state = card.suspect, "" if card.suspect.status == SuspectStatus.WAITING else f" ({card.suspect.status})"
    text = card.posts[0].post.text[:220] if card.posts else ""
    return queue.QueueRow(
        s.id or 0, s.version, bool(s.urgent), card.type.title + state, text, s.place, s.people, s.first_posted_at,
        s.claimed_by, s.claimed_until,
    )  # fmt: skip


def step(by: int) -> None:
    """Choose the next row, or the one before."""
    my = mine()
    at = (my.ids.index(my.chosen or 0) if my.chosen in my.ids else -1) + by
    if at >= len(my.ids) and my.more:
        more()
    if my.ids:
        my.chosen, my.follow = my.ids[max(0, min(len(my.ids) - 1, at))], True


def more() -> None:
    mine().pages += 1


def _from_the_top() -> None:
    mine().top = 0


def _picked(key: str, drawn: Sequence[int]) -> None:
    """A click means the row that was on the screen, whatever the list has become since."""
    if picked := ss[key]["selection"]["rows"]:
        mine().chosen = drawn[picked[0]]


def _in_view(at: int) -> int:
    """The first row to draw, so that this one is seen."""
    my, seen = mine(), 4 if screen.phone() else 9
    if at < my.top:
        my.top = max(0, at - seen + 2)
    elif my.follow and at >= my.top + seen:
        my.top = at - 1
    my.follow = False
    return my.top


def the_list(found: Sequence[queue.QueueRow]) -> None:
    """Type, post, place, people, age; the chosen one marked."""
    my = mine()
    my.ids = [row.id for row in found]
    at = my.ids.index(my.chosen or 0)
    top = _in_view(at)
    found, key, chosen = found[top:], f"queue_list_{top}", {"selection": {"rows": [at - top]}}
    if key not in ss or ss[key]["selection"]["rows"] != chosen["selection"]["rows"]:
        ss[key] = chosen
    frame = pd.DataFrame(
        {
            "type": [("▲ " if row.urgent else "") + row.type + _held(row) for row in found],
            "post": [_three_lines(row.text) for row in found],
            "place": [row.place or "–" for row in found],
            "people": [row.people for row in found],
            "age": [screen.age(row.first_posted_at) for row in found],
        }
    )
    urgent, grey = f"color:{screen.colour('red')};font-weight:600", f"color:{screen.colour('grey')}"
    style = frame.style.apply(
        lambda column: [urgent if row.urgent else "font-weight:600" for row in found], subset=["type"]
    ).apply(lambda column: [grey] * len(column), subset=["place", "people", "age"])
    column, height = st.column_config, min(HEIGHT - (40 if my.more or top else 0), 35 + 57 * len(found))
    st.dataframe(
        style, key=key, on_select=partial(_picked, key, my.ids[top:]), selection_mode="single-row-required",
        hide_index=True, row_height=57,  # above 4 rem the cells wrap
        height=screen.pane(height, 300), alt="Suspects, urgent first, then the newest",
        column_order=["type", "post"] if screen.phone() else None,
        column_config={
            "type": column.TextColumn("Type", width=96), "post": column.TextColumn("Post", width=222),
            "place": column.TextColumn("Place", width=110), "people": column.NumberColumn("People", width=56),
            "age": column.TextColumn("Age", width=54),
        },
    )  # fmt: skip
    with st.container(horizontal=True, gap="medium"):
        if top:
            st.button(
                f"{top} above", key="show_above", type="tertiary", icon=":material/expand_less:", on_click=_from_the_top
            )
        if my.more:
            st.button(
                f"Show {PAGE} more", key="show_more", type="tertiary", icon=":material/expand_more:", on_click=more
            )


def _held(row: queue.QueueRow) -> str:
    held = row.claimed_by and row.claimed_by != screen.me() and row.claimed_until and row.claimed_until > now()
    return f" ({row.claimed_by} has it)" if held else ""


def _three_lines(text: str) -> str:
    text = " ".join(sealing.mask(re.sub(f"{sealing.OPEN}\\d*$", "…", text)).split())
    return text if len(text) < 98 else text[:96].rsplit(" ", 1)[0] + " …"


# -- deciding ------------------------------------------------------------------------------------------------------


def decide(shown: Shown, how: str, verb: Callable[[], Any], note: str = "") -> None:
    """Do it once: a key pressed twice before the next card came does nothing the second time."""
    done = mine().done
    if (shown.id, shown.version) in done:
        return
    if screen.say(verb):
        done.add((shown.id, shown.version))
        mine().last, mine().moved = Last(shown.id, shown.what, how, note), mine().moved + 1
    if mine().linked == shown.id:
        mine().linked = None
        mine().rank.setdefault(shown.id, -0.5)  # it stood on top of the list


def undo(last: Last, verb: Callable[[], Any]) -> None:
    """Take it back and show it again."""
    if mine().last != last:
        return
    if screen.say(verb):
        mine().chosen = mine().linked = last.id
        mine().follow = True
        mine().last, mine().moved = None, mine().moved + 1


def retype(shown: Shown, verb: Callable[[], Any]) -> None:
    """Another type; the suspect stays on the card."""
    screen.say(verb)
    mine().chosen = mine().linked = shown.id
    mine().choosing = None


def happened(take_back: Callable[[Last], None]) -> None:
    """Bottom left: what just happened with Undo, or the day's figure."""
    if screen.said():
        return
    last = mine().last
    if last:
        st.fragment(_became, run_every=POLL if last.how == "Accepted" else None)(last, take_back)
    elif not screen.phone():
        demo = "Demo city: nothing leaves this computer. " if screen.house().config.is_demo else ""
        st.markdown(f":gray[{demo}You decided {decided_today():,} today.]")


def _became(last: Last, take_back: Callable[[Last], None]) -> None:
    row = None
    if last.how == "Accepted":
        with screen.reading() as session:
            row = next(iter(tickets.by_suspects(session, [last.id])[-1:]), None)
    if mine().last != last:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        number = f", ticket {row.number}" if row and row.number else ""
        screen.status(f"{last.how} {last.what}{number}")
        left = int((row.due_at - now()).total_seconds()) if row else 0
        on_the_way = row is not None and row.status == DeliveryStatus.QUEUED and row.attempts == 0
        if on_the_way:
            when = f"sends in {left} s" if left > 0 else "is being sent" if left > -15 else "waits for the worker"
            st.markdown(f":gray[· {when}]", width="content")
        elif row and row.status == DeliveryStatus.SENDING:
            st.markdown(":gray[· is being sent]", width="content")
        elif row:
            st.page_link(
                "tickets.py", label="See ticket" if number else "See Tickets", query_params={"find": row.reference}
            )
        elif last.note:
            st.markdown(f":gray[· {last.note}]", width="content")
        if on_the_way or last.how in ("Dismissed", "Parked"):
            st.button(
                "Undo", key=f"undo_{last.id}", shortcut=screen.key("u"), icon=":material/undo:",
                type="tertiary" if screen.phone() else "secondary", on_click=take_back, args=(last,),
            )  # fmt: skip


def actions(shown: Shown, verbs: Verbs) -> None:
    """Bottom right: every decision is one key whose button is already there. Each key holds the suspect's id."""
    accept = partial(st.button, "Accept", type="primary", icon=":material/check:", on_click=verbs.accept, args=(shown,))
    park = "Unpark" if shown.parked else "Park"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        accept(key=f"accept_{shown.id}", shortcut=screen.key("a"), disabled=not shown.open)
        if screen.phone():
            st.menu_button(
                "Dismiss", list(REASONS), key=f"dismiss_{shown.id}", format_func=REASONS.__getitem__,
                on_click=lambda: verbs.dismiss(shown, ss[f"dismiss_{shown.id}"]), disabled=not shown.open,
            )  # fmt: skip
            steps = {"Next": partial(step, 1), "Previous": partial(step, -1)}
            if shown.open:
                steps = {park: partial(verbs.park, shown), "Change type": partial(choose, shown), **steps}
            st.menu_button(
                "More", list(steps), key=f"more_{shown.id}", on_click=lambda: steps[ss[f"more_{shown.id}"]]()
            )
            return
        for label, letter, verb in ((park, "p", verbs.park), ("Type", "t", choose)):
            name = f"{label.lower()}_{shown.id}"
            st.button(label, key=name, shortcut=letter, on_click=verb, args=(shown,), disabled=not shown.open)
        st.space("stretch")
        for label, letter, by in (("Prev", "k", -1), ("Next", "j", 1)):
            name = f"{label.lower()}_{shown.id}"
            st.button(label, key=name, shortcut=letter, type="tertiary", on_click=step, args=(by,))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown("Dismiss", width="content")
        for number, (reason, label) in enumerate(REASONS.items(), 1):
            st.button(
                label, key=f"dismiss_{reason}_{shown.id}", shortcut=str(number), type="tertiary",
                on_click=verbs.dismiss, args=(shown, reason), disabled=not shown.open,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the page's keys do."""

    accept: Callable[[Shown], None]
    dismiss: Callable[[Shown, str], None]
    park: Callable[[Shown], None]
    retype: Callable[[Shown, str], None]
    undo: Callable[[Last], None]


def choose(shown: Shown | None) -> None:
    """Put the types into the bottom row, or the actions back."""
    mine().choosing = shown.id if shown else None


def choosing(shown: Shown) -> bool:
    return bool(mine().choosing == shown.id and shown.open)


def types(shown: Shown, verbs: Verbs) -> None:
    """The bottom row while a type is chosen: one key each, none of them a key that decides."""
    every = _types()
    keys = dict(zip((kind.code for kind in every), _letters([kind.title for kind in every]), strict=True))
    found = [kind for kind in every if kind.code != shown.type_code]
    found.sort(key=lambda kind: kind.code not in shown.others)
    if screen.phone():
        names = {kind.code: kind.title for kind in found}
        st.selectbox(
            "Type instead", list(names), index=None, key=f"type_to_{shown.id}", format_func=names.__getitem__,
            on_change=lambda: verbs.retype(shown, ss[f"type_to_{shown.id}"]), placeholder="Choose another type",
            label_visibility="collapsed",
        )  # fmt: skip
        st.button("Back", key=f"back_{shown.id}", type="tertiary", on_click=choose, args=(None,))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Type instead**", width="content")
        for kind in found:
            st.button(
                screen.escaped(kind.title), key=f"type_{kind.code}_{shown.id}", shortcut=keys[kind.code] or None,
                type="secondary" if kind.code in shown.others else "tertiary",
                on_click=verbs.retype, args=(shown, kind.code),
            )  # fmt: skip
        st.button("Back", key=f"back_{shown.id}", shortcut="Escape", type="tertiary", on_click=choose, args=(None,))


def _letters(titles: Sequence[str]) -> list[str]:
    """A free key for each title: its first letter, else one that it has, else any."""
    out, left = [""] * len(titles), list(_FREE)
    for wanted in (lambda title: title[:1], lambda title: title, lambda title: _FREE):
        for at, title in enumerate(titles):
            if not out[at]:
                out[at] = next((letter for letter in wanted(title.lower()) if letter in left), "")
                left = [letter for letter in left if letter != out[at]]
    return out


# -- states --------------------------------------------------------------------------------------------------------


def loading() -> None:
    """Skeletons in the shape of list and card, until the first answer of the database."""
    left, right = st.columns([1, 1])
    with left, st.container(border=True, height=screen.pane(HEIGHT), gap="xsmall"):
        for _ in range(12):
            st.skeleton(46)
    with right, st.container(border=True, height=screen.pane(HEIGHT)):
        for tall in (20, 70, 20, 110, 60, 100):
            st.skeleton(tall)


def nothing(where: queue.Filter) -> None:
    """The list is empty: why, and the one control that helps."""
    counts = _counts()
    narrowed = where.find or where.type_code or where.district or where.language
    if narrowed:
        frame = screen.empty("Nothing found", "No post fits the search and the filters.")
        label, then = "Clear search and filters", clear
    elif where.view == "all":
        frame = screen.empty("Nothing waits", "New posts are announced here as they come in.")
        label, then = f"Show {_capped(counts['parked'])} parked", partial(ss.update, {_VIEW: "parked"})
        if not counts["parked"]:
            return
    else:
        texts = {"urgent": "Nothing urgent waits", "mine": "Nothing is assigned to you", "parked": "Nothing is parked"}
        frame = screen.empty(texts[where.view], f"{_capped(counts['all'])} wait in all.")
        label, then = f"Show all {_capped(counts['all'])}", clear
    with frame:
        st.button(label, key="useful", on_click=then)
