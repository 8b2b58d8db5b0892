"""The Queue page's list: nothing newer than when it was asked for, everybody in place, one row chosen.

Asked anew at every drawing. A suspect that somebody decides leaves, and the next one is chosen; what came in since is
announced by `queue.py`. `pages/review.py` draws it beside `card.py`, and `bar.py` has the keys that step through it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from connector import screen, sealing
from connector.models import SuspectStatus, now
from connector.screen.card import HEIGHT
from connector.screen.queue import VIEW, capped, clear, counts, mine, ss
from connector.store import queue

PAGE = 50


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


# -- choosing ------------------------------------------------------------------------------------------------------


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


# -- drawing -------------------------------------------------------------------------------------------------------


def the_list(found: Sequence[queue.QueueRow]) -> None:
    """Type, post, place, people, age; the chosen one marked."""
    my = mine()
    my.ids = [row.id for row in found]
    at = my.ids.index(my.chosen or 0)
    top = _in_view(at)
    found, key, chosen = found[top:], f"queue_list_{top}", {"selection": {"rows": [at - top]}}
    if key not in ss or ss[key]["selection"]["rows"] != chosen["selection"]["rows"]:
        ss[key] = chosen
    column, height = st.column_config, min(HEIGHT - (40 if my.more or top else 0), 35 + 57 * len(found))
    st.dataframe(
        _styled(found), key=key, on_select=partial(_picked, key, my.ids[top:]), hide_index=True,
        selection_mode="single-row-required", row_height=57,  # above 4 rem the cells wrap
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
    held = row.claimed_by and row.claimed_by != screen.me() and row.claimed_until and row.claimed_until > now()
    return f" ({row.claimed_by} has it)" if held else ""


def _three_lines(text: str) -> str:
    text = " ".join(sealing.mask(re.sub(f"{sealing.OPEN}\\d*$", "…", text)).split())
    return text if len(text) < 98 else text[:96].rsplit(" ", 1)[0] + " …"


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
    many = counts()
    narrowed = where.find or where.type_code or where.district or where.language
    if narrowed:
        frame = screen.empty("Nothing found", "No post fits the search and the filters.")
        label, then = "Clear search and filters", clear
    elif where.view == "all":
        frame = screen.empty("Nothing waits", "New posts are announced here as they come in.")
        label, then = f"Show {capped(many['parked'])} parked", partial(ss.update, {VIEW: "parked"})
        if not many["parked"]:
            return
    else:
        texts = {"urgent": "Nothing urgent waits", "mine": "Nothing is assigned to you", "parked": "Nothing is parked"}
        frame = screen.empty(texts[where.view], f"{capped(many['all'])} wait in all.")
        label, then = f"Show all {capped(many['all'])}", clear
    with frame:
        st.button(label, key="useful", on_click=then)
