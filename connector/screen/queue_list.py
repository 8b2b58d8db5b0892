"""The Queue page's list: nothing newer than when it was asked for, everybody in place, one row chosen or many ticked.

Asked anew at every drawing. A suspect that somebody decides leaves, and the next one is chosen; what came in since is
announced by `queue_header.py`. `pages/review.py` draws it beside `card.py`; `bar.py` has the keys that step through it,
`bulk.py` the row above it while rows are ticked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler
from sqlmodel import Session
from streamlit.runtime.scriptrunner import get_script_run_ctx

from connector import screen, sealing
from connector.models import SuspectStatus, now
from connector.screen import desk
from connector.screen.card import HEIGHT
from connector.screen.queue import day_in_short, mine, ss
from connector.screen.queue_states import loading
from connector.store import queue

PAGE = 30
ROW = 184
"""Height of the row of `bulk.py` above the list, whatever is chosen in it."""


def rows(where: queue.Filter) -> list[queue.QueueRow]:
    """The list, with skeletons in its place until the database first answers."""
    mine().settle()
    waiting, first = st.empty(), not mine().asked
    if first:
        with waiting.container():
            loading()
    found = _rows(where)
    mine().ids = [row.id for row in found]
    if first:
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
            my.picked, my.sure, my.searched, my.reach = set(), False, 0, queue.REACH
        found = _searched(session, where) if where.find else _page(session, where)
        for row in found:
            mine().rank.setdefault(row.id, len(mine().rank))
        my.arrived = False
        found.sort(key=lambda row: mine().rank[row.id])
        ids = [row.id for row in found]
        if my.chosen not in ids:
            linked = queue.card(session, my.chosen) if my.chosen and my.chosen == my.linked else None
            if linked:
                return [_row(linked), *found]
            if my.chosen and my.chosen == my.linked:
                screen.complain(f"There is no suspect {my.chosen}: its link may be of before a reset.")
                my.linked = None
            after = my.rank.get(my.chosen or 0, -1)
            below = [row for row in found if my.rank[row.id] > after]
            free = [row.id for row in below if not _is_held(row)]  # what a colleague has open is not put before anybody
            mine().chosen = next(iter([*free, *(row.id for row in below), *reversed(ids)]), None)
    return found


def _page(session: Session, where: queue.Filter) -> list[queue.QueueRow]:
    my = mine()
    found = queue.page(session, where, PAGE * my.pages + 1, up_to=my.up_to)
    my.more, my.reach = len(found) > PAGE * my.pages, 0
    return found[: PAGE * my.pages]


def _searched(session: Session, where: queue.Filter) -> list[queue.QueueRow]:
    """A search reads thousands of texts: once for a list, which afterwards asks for what it found."""
    my = mine()
    if my.searched == my.pages and (found := queue.among(session, list(my.rank), where)):
        return found
    limit = PAGE * my.pages
    answer = queue.search(session, where, limit + 1, my.up_to, my.reach or queue.REACH)
    my.more, my.searched = len(answer.rows) > limit, my.pages
    my.reach = 0 if answer.everywhere else my.reach
    return answer.rows[:limit]


def _further() -> None:
    my = mine()
    my.reach, my.searched = my.reach * 10, 0


def _row(card: queue.Card) -> queue.QueueRow:
    s, state = card.suspect, "" if card.suspect.status == SuspectStatus.WAITING else f" ({card.suspect.status})"
    text = card.posts[0].post.text[:220] if card.posts else ""
    return queue.QueueRow(
        s.id or 0, s.version, bool(s.urgent), card.type.title + state, text, s.place, s.people, s.first_posted_at,
        s.claimed_by, s.claimed_until, assigned_to=s.assigned_to, parked_until=s.parked_until,
    )  # fmt: skip


# -- choosing ------------------------------------------------------------------------------------------------------


def step(by: int) -> None:
    """Choose the next row, or the one before."""
    my = mine()
    at = (my.ids.index(my.chosen or 0) if my.chosen in my.ids else -1) + by
    if at >= len(my.ids) and my.more:
        more()
    if my.ids:
        my.go(my.ids[max(0, min(len(my.ids) - 1, at))])


def more() -> None:
    mine().pages += 1


def _from_the_top() -> None:
    mine().top = 0


def _chosen(key: str, drawn: Sequence[int]) -> None:
    """A click means the row that was on the screen, whatever the list has become since.

    It draws the whole page; a fragment that looks for news by itself only repeats what the browser showed by then.
    """
    context = get_script_run_ctx()
    alone = context is not None and context.fragment_ids_this_run
    if not alone and (at := screen.clicked(key)) is not None:
        mine().named = drawn[at]


def _ticked(key: str, drawn: Sequence[int]) -> None:
    """The one that was ticked last is on the card."""
    my, ticked = mine(), {drawn[at] for at in ss[key]["selection"]["rows"]}
    my.chosen = next(iter(ticked - my.picked), my.chosen)
    my.picked, my.sure = ticked, False


def _in_view(at: int) -> int:
    """The first row to draw, so that this one is seen."""
    my, seen = mine(), 4 if screen.phone() else 9
    if at < my.top:
        my.top = max(0, at - seen + 2)
    elif my.follow and at >= my.top + seen:
        my.top = at - 1
    my.follow = False
    return my.top


# -- drawing -------------------------------------------------------------------------------------------------------


def the_list(found: Sequence[queue.QueueRow], tick: Callable[[], None] | None = None) -> None:
    """Type, post, place, people, age; the chosen one marked. `tick`, if given, is offered: many rows at once."""
    my = mine()
    if my.picking:
        my.picked &= set(my.ids)
        # Another list is another table: a click that arrives late ticks none of its rows.
        key, ticked = f"queue_ticked_{hash(tuple(my.ids))}", [at for at, id_ in enumerate(my.ids) if id_ in my.picked]
        _grid(found, key, "multi-row", ticked)
    else:
        at = my.ids.index(my.chosen or 0)
        top = _in_view(at)
        _grid(found[top:], f"queue_list_{top}", screen.ONE_ROW, [at - top])
    with st.container(horizontal=True, gap="medium"):
        if my.top:
            label = f"{my.top} above"
            st.button(label, key="show_above", type="tertiary", icon=":material/expand_less:", on_click=_from_the_top)
        if my.more:
            label = f"Show {PAGE} more"
            st.button(label, key="show_more", type="tertiary", icon=":material/expand_more:", on_click=more)
        if my.reach:
            label = f"Looked through {my.reach:,}, look further"
            st.button(label, key="look_further", type="tertiary", icon=":material/search:", on_click=_further)
        if tick and not my.picking:
            letter = screen.key("x") if desk.desk().choosing[1] != my.chosen else None
            icon = ":material/checklist:"
            st.button("Tick several", key="tick", type="tertiary", icon=icon, shortcut=letter, on_click=tick)
        if my.last or screen.phone():  # in the bottom row stands what was decided
            st.markdown(f":gray[{day_in_short()}]", width="content")
    if screen.phone():
        screen.demo_foot()


def _grid(found: Sequence[queue.QueueRow], key: str, mode: Any, marked: list[int]) -> None:
    if key not in ss or sorted(ss[key]["selection"]["rows"]) != marked or ss[key]["selection"]["cells"]:
        ss[key] = screen.marked(*marked)
    then = _ticked if mode == "multi-row" else _chosen
    column = st.column_config
    st.dataframe(
        _styled(found), key=key, on_select=partial(then, key, [row.id for row in found]), hide_index=True,
        selection_mode=mode, row_height=57,  # above 4 rem the cells wrap
        height=screen.pane(min(_room(), 35 + 57 * len(found)), 300), alt="Suspects, urgent first",
        column_order=["type", "post"] if screen.phone() else None,
        column_config={
            "type": column.TextColumn("Type", width=96), "post": column.TextColumn("Post", width=222),
            "place": column.TextColumn("Place", width=110), "people": column.NumberColumn("People", width=56),
            "age": column.TextColumn("Age", width=54),
        },
    )  # fmt: skip


def _room() -> int:
    """What the line below and, while rows are ticked, the row above leave to the table."""
    return HEIGHT - 40 - (ROW + 16 if mine().picking else 0)


def _styled(found: Sequence[queue.QueueRow]) -> Styler:
    """The rows as the table shows them: urgent ones red, what is beside the point grey."""
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
    return frame.style.apply(
        lambda column: [urgent if row.urgent else "font-weight:600" for row in found], subset=["type"]
    ).apply(lambda column: [grey] * len(column), subset=["place", "people", "age"])


def _held(row: queue.QueueRow) -> str:
    """Who has it open, else whose it is to be, else until when it is parked."""
    if _is_held(row):
        return f" ({row.claimed_by} has it)"
    if row.assigned_to:
        return " (mine)" if row.assigned_to == screen.me() else f" (for {row.assigned_to.removeprefix('team:')})"
    return f" (until {screen.clock(row.parked_until)})" if row.parked_until else ""


def _is_held(row: queue.QueueRow) -> bool:
    return bool(desk.held_by(row.claimed_by, row.claimed_until, now()))


def _three_lines(text: str) -> str:
    text = " ".join(sealing.mask(re.sub(f"{sealing.OPEN}\\d*$", "…", text)).split())
    return text if len(text) < 98 else text[:96].rsplit(" ", 1)[0] + " …"
