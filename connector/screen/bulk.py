"""Many at once, in the Queue: rows are ticked, or all that fit the filter; what will happen is said first.

While rows are ticked no key decides a single suspect. The decision runs beside the page, which counts along; what
became of it stands in the bottom row with Undo. What is done stands in `connector/decide/batches.py`; the rows are
drawn by `queue_list.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import streamlit as st

from connector import screen, workflow
from connector.decide.batches import Bulk, Progress
from connector.screen import Right
from connector.screen.queue import Last, mine, ss
from connector.screen.queue_list import ROW
from connector.screen.verbs import REASONS
from connector.store import around, queue

Which = Sequence[int] | queue.Filter
_VERBS = {"accept": "Accept", "dismiss": "Dismiss", "park": "Park", "assign": "Assign"}
_DONE = {"accept": "accepted", "dismiss": "dismissed", "park": "parked", "assign": "assigned", "undo": "put back"}
_SOON = 0.4  # seconds; what is done by then needs no progress bar


@dataclass(frozen=True, slots=True)
class Order:
    """One decision on many, as the button says it."""

    verb: str
    reason: str = ""
    note: str = ""
    """The reason, or to whom, in words."""

    def words(self, many: str) -> str:
        """ "Dismiss 297 as News, ad" """
        return f"{_VERBS[self.verb]} {many}{self._how()}"

    def past(self, many: str) -> str:
        """ "297 dismissed as News, ad" """
        return f"{many} {_DONE[self.verb]}{self._how()}"

    def _how(self) -> str:
        return f" {'to' if self.verb == 'assign' else 'as'} {self.note}" if self.note else ""


@dataclass(slots=True)
class Running:
    """A decision that goes on beside the page."""

    order: Order
    future: Future[Bulk] | None = None
    done: int = 0
    total: int = 0

    def count(self, done: int, total: int) -> None:
        self.done, self.total = done, total


@st.cache_resource(show_spinner=False)
def _hands() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(2, "bulk")


# -- the row above the list ----------------------------------------------------------------------------------------


def pick() -> None:
    """Rows are ticked from now on, and no key decides."""
    my = mine()
    my.picking, my.picked, my.sure, my.top = True, set(), False, 0
    ss["bulk_which"], ss["bulk_verb"] = "picked", None


def leave() -> None:
    mine().picking = False


def row(where: queue.Filter) -> None:
    """Which, what, what that will do, and the button that does it."""
    with st.container(border=True, height=screen.pane(ROW), gap="small", key="bulk"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            which = _which(where)
            verb = _one_of("Decision", "bulk_verb", _VERBS)
            st.space("stretch")
            st.button("Done", key="bulk_done", shortcut=screen.key("Escape"), type="tertiary", on_click=leave)
        if which and verb:
            _confirm(which, verb)
        else:
            st.markdown(":gray[Tick rows in the list, or take all that fit. No key decides until you are done.]")


def _which(where: queue.Filter) -> Which:
    """The ticked ones, or all that the list was narrowed to when it was made."""
    picked = sorted(mine().picked)
    words = {"picked": f"{len(picked):,} ticked", "all": "All that fit"}
    scope = _one_of("Which", "bulk_which", words)
    return where if scope == "all" else picked


def _one_of(label: str, key: str, words: dict[str, str]) -> str | None:
    """As `screen.views` does it: the chosen one is blue, for the theme's own colour is too faint in the dark."""
    return st.segmented_control(
        label, list(words), key=key, on_change=_unsure, label_visibility="collapsed", required=key == "bulk_which",
        format_func=lambda value: f":blue[{words[value]}]" if ss.get(key) == value else words[value],
    )  # fmt: skip


def _unsure() -> None:
    """Whatever else is chosen is asked for anew."""
    mine().sure = False


def _order(verb: str) -> Order | None:
    """With the reason, or to whom; None until that is chosen."""
    if verb in ("accept", "park"):
        return Order(verb)
    label, choices = ("As", REASONS) if verb == "dismiss" else ("To", _colleagues())
    chosen = st.selectbox(
        label, list(choices), index=None, key=f"bulk_{verb}_{label.lower()}", format_func=choices.__getitem__,
        placeholder="Choose a reason" if verb == "dismiss" else "Choose who", label_visibility="collapsed", width=180,
    )  # fmt: skip
    return Order(verb, chosen, choices[chosen]) if chosen else None


def _colleagues() -> dict[str, str]:
    with screen.reading() as session:
        found = around.colleagues(session)
    teams = {f"team:{user.team}": user.team for user in found if user.team}
    return {screen.me(): "me"} | teams | {u.login: u.name or u.login for u in found if u.login != screen.me()}


def _confirm(which: Which, verb: str) -> None:
    """First what will happen, then the button; accepting is asked for a second time, with the number."""
    with screen.reading() as session:
        seen = workflow.bulk_preview(session, screen.house().config, which, verb, screen.me(), mine().up_to)
    st.text(" ".join(seen.sentences))
    if not seen.count:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if order := _order(verb):
            _buttons(which, order, f"{seen.count:,}")


def _buttons(which: Which, order: Order, many: str) -> None:
    twice = order.verb == "accept" and not mine().sure
    label = f"{order.words(many)} …" if twice else order.words(many)
    if order.verb == "accept" and mine().sure:
        label = f"Yes, accept {many}"
    # The key holds what is decided: a click that arrives late meets no button, not another one.
    key = f"bulk_{order.verb}_{order.reason}_{_hash(which)}_{twice}"
    st.button(
        screen.escaped(label), key=key, type="secondary" if twice else "primary",
        on_click=_sure if twice else _begin, args=() if twice else (which, order),
    )  # fmt: skip
    if order.verb == "accept" and mine().sure:
        st.button("Not yet", key="bulk_not_yet", type="tertiary", on_click=_unsure)


def _hash(which: Which) -> int:
    return hash((which if isinstance(which, queue.Filter) else tuple(which), mine().up_to))


def _sure() -> None:
    mine().sure = True


# -- deciding ------------------------------------------------------------------------------------------------------


def _begin(which: Which, order: Order) -> None:
    """Start it, if this person may; a quick one is over before the page is drawn."""
    house, me, up_to = screen.house(), screen.me(), mine().up_to

    def decide(progress: Progress) -> Bulk:
        return workflow.bulk(house.database, house.config, which, order.verb, me, order.reason, up_to, progress)

    if screen.act(Right.DECIDE, lambda: _run(order, decide)):
        leave()


def _take_back(last: Last) -> None:
    database, me = screen.house().database, screen.me()

    def undo(progress: Progress) -> Bulk:
        return workflow.undo_batch(database, last.batch, me, progress)

    if mine().last == last:
        screen.act(Right.DECIDE, lambda: _run(Order("undo"), undo))


def _run(order: Order, verb: Callable[[Progress], Bulk]) -> None:
    if "_bulk" in ss:
        raise ValueError("The one before is not done yet: wait for it.")
    running = Running(order)
    running.future = _hands().submit(verb, running.count)
    wait([running.future], timeout=_SOON)
    ss["_bulk"] = running


# -- what happened -------------------------------------------------------------------------------------------------


def over() -> None:
    """What became of it, if it is over, is what this session did last; asked before the list is, so that no row is
    drawn that has left."""
    running: Running | None = ss.get("_bulk")
    if not (running and running.future and running.future.done()):
        return
    del ss["_bulk"]
    if screen.say(running.future.result):
        became, order = running.future.result(), running.order
        how = "" if became.broken_off else order.verb  # so that Undo stays for what it did not reach
        told = Last(0, order.past(f"{became.done:,}"), how, " ".join(became.says), became.batch)
        if order.verb == "undo":
            mine().last = told
        else:
            mine().did(told)
    mine().moved += 1


def happened() -> bool:
    """Bottom left: how far it is, or what became of it, with Undo; whether there is anything to tell."""
    running: Running | None = ss.get("_bulk")
    if running:
        screen.said()
        st.fragment(_counting, run_every=0.5)(running)
        return True
    last = mine().last
    if not (last and last.batch) or screen.said():
        return bool(last and last.batch)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        screen.status(last.what)
        if last.note:
            st.text(last.note, width="content")
        if last.how != "undo":
            st.button(
                "Undo", key=f"undo_{last.batch}", shortcut=screen.key("u"), icon=":material/undo:",
                type="tertiary" if screen.phone() else "secondary", on_click=_take_back, args=(last,),
            )  # fmt: skip
    return True


def _counting(running: Running) -> None:
    if running.future and running.future.done():
        st.rerun()
    share = running.done / running.total if running.total else 0.0
    st.progress(min(1.0, share), screen.escaped(running.order.past(f"{running.done:,} of {running.total:,}")))
