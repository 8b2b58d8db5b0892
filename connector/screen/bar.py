"""The Queue page's bottom row: left what just happened, with Undo, and what else a card offers; right every decision.

Each decision is one key whose button is already there and holds the suspect's id; a button that decides nothing holds
none, so that the browser need not make it anew for each card. While a type is chosen, the types
stand in this row, each with a letter of its own. What a key means stands in `verbs.py`, the dialogs in `dialogs.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import streamlit as st

from connector import screen
from connector.models import DeliveryStatus, now
from connector.screen import bulk, card_send, desk, queue_header, verbs
from connector.screen.desk import Shown
from connector.screen.letters import letters
from connector.screen.queue import POLL, Last, day, kinds, mine, ss
from connector.screen.queue_list import step
from connector.store import tickets

DIALOGS = {"place": ("Place", "l"), "merge": ("Merge", "m"), "note": ("Note", "n"), "assign": ("Assign", "g")}
"""What opens a dialog from the row below: label and key."""
_ALSO, _PARK_UNTIL, _HELP = "Also file as another type", "Park until a date", "Help"


def bar(shown: Shown | None) -> None:
    """The whole bottom row."""
    if shown and desk.chosen_for(shown):
        _types(shown)
        return
    left, right = st.columns([1, 1], vertical_alignment="top")
    with right:  # first: the next key waits for these
        if shown:
            _actions(shown)
    desk.follows(left, partial(_beside, shown))


def _beside(shown: Shown | None) -> None:
    happened()
    if shown and not screen.phone():
        _further(shown)


# -- what happened -------------------------------------------------------------------------------------------------


def happened() -> None:
    """What just happened with Undo, or the day's figure."""
    if bulk.happened() or screen.said() or queue_header.returned():
        return
    last = mine().last
    if last:
        st.fragment(_became, run_every=POLL if last.how == "Accepted" else None)(last)
    elif not screen.phone():
        st.markdown(f":gray[{screen.demo()} {day()}]")


def _became(last: Last) -> None:
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
            st.markdown(f":gray[· {screen.escaped(last.note)}]", width="content")
        if on_the_way or (last.how != "Accepted" and last.how in verbs.UNDONE):
            st.button(
                "Undo", key=f"undo_{last.id}", shortcut=screen.key("u"), icon=":material/undo:",
                type="tertiary" if screen.phone() else "secondary", on_click=verbs.undo, args=(last,),
            )  # fmt: skip


# -- the keys ------------------------------------------------------------------------------------------------------


def _accept(shown: Shown) -> None:
    verbs.accept(shown, card_send.text_of(shown) if shown.sends else None)


def _park(shown: Shown) -> None:
    verbs.park(shown)


def _actions(shown: Shown) -> None:
    """Every decision, and the steps through the list far from them."""
    park = "Unpark" if shown.parked else "Park"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if shown.ended:
            st.button(
                "Take it back", key=f"take_back_{shown.id}_{shown.version}", icon=":material/undo:",
                on_click=verbs.take_back, args=(shown,), help="It waits again, if nothing was sent yet",
            )  # fmt: skip
        st.button(
            "Accept", type="primary", icon=":material/check:", key=f"accept_{shown.id}", shortcut=screen.key("a"),
            on_click=_accept, args=(shown,), disabled=not shown.open,
        )  # fmt: skip
        if screen.phone():
            _on_a_phone(shown, park)
            return
        st.button(
            park, key=f"{park.lower()}_{shown.id}", shortcut="p", on_click=_park, args=(shown,),
            disabled=not shown.open,
        )  # fmt: skip
        st.button(
            "Type", key="type_row", shortcut="t", on_click=desk.choose, args=("type", shown), disabled=not shown.open
        )  # fmt: skip
        steps = {_PARK_UNTIL: partial(desk.ask, "until", shown), _ALSO: partial(desk.choose, "also", shown)}
        desk.follows(st.container(width="content"), partial(_menu, shown, steps))
        st.space("stretch")
        for label, letter, by in (("Prev", "k", -1), ("Next", "j", 1)):
            name = f"step_{label.lower()}"
            st.button(label, key=name, shortcut=letter, type="tertiary", on_click=step, args=(by,))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown("Dismiss", width="content")
        for number, (reason, label) in enumerate(verbs.REASONS.items(), 1):
            st.button(
                label, key=f"dismiss_{reason}_{shown.id}", shortcut=str(number), type="tertiary",
                on_click=verbs.dismiss, args=(shown, reason), disabled=not shown.open,
            )  # fmt: skip


def _further(shown: Shown) -> None:
    """What decides nothing by itself: hit early, these open a dialog, no more."""
    with st.container(horizontal=True, vertical_alignment="center", gap="medium", key="further"):
        for name, (label, letter) in DIALOGS.items():
            st.button(
                label, key=f"opens_{letter}_{name}", shortcut=letter, type="tertiary", on_click=desk.ask,
                args=(name, shown), disabled=not shown.open,
            )  # fmt: skip
        st.button(_HELP, key="opens_h_help", shortcut="h", type="tertiary", on_click=desk.ask, args=("help", shown))


def _on_a_phone(shown: Shown, park: str) -> None:
    """Two menus: there is no room for buttons, and no keyboard for their letters."""
    st.menu_button(
        "Dismiss", list(verbs.REASONS), key=f"dismiss_{shown.id}", format_func=verbs.REASONS.__getitem__,
        on_click=lambda: verbs.dismiss(shown, ss[f"dismiss_{shown.id}"]), disabled=not shown.open,
    )  # fmt: skip
    steps: dict[str, Callable[[], None]] = {"Next": partial(step, 1), "Previous": partial(step, -1)}
    if shown.open:
        steps = {
            park: partial(_park, shown),
            _PARK_UNTIL: partial(desk.ask, "until", shown),
            "Change type": partial(desk.choose, "type", shown),
            **{label: partial(desk.ask, name, shown) for name, (label, _) in DIALOGS.items()},
            _ALSO: partial(desk.choose, "also", shown),
            **steps,
        }
    _menu(shown, steps)


def _menu(shown: Shown, steps: Mapping[str, Callable[[], None]]) -> None:
    key = f"more_{shown.id}" if screen.phone() else "more"  # on a phone it decides too
    st.menu_button(
        "More", list(steps), key=key, on_click=lambda: steps[ss[key]](),
        disabled=not (shown.open or screen.phone()),
    )  # fmt: skip


# -- another type --------------------------------------------------------------------------------------------------


def _types(shown: Shown) -> None:
    """The bottom row while a type is chosen: one key each, none of them a key that decides."""
    also = desk.chosen_for(shown) == "also"
    verb, title = (verbs.also, "Also file as") if also else (verbs.retype, "Type instead")
    every = kinds()
    keys = dict(zip((kind.code for kind in every), letters([kind.title for kind in every]), strict=True))
    found = [kind for kind in every if kind.code != shown.type_code]
    found.sort(key=lambda kind: kind.code not in shown.others)
    if screen.phone():
        names = {kind.code: kind.title for kind in found}
        st.selectbox(
            title, list(names), index=None, key=f"type_to_{shown.id}", format_func=names.__getitem__,
            on_change=lambda: verb(shown, ss[f"type_to_{shown.id}"]), placeholder="Choose another type",
            label_visibility="collapsed",
        )  # fmt: skip
        st.button("Back", key=f"back_{shown.id}", type="tertiary", on_click=desk.choose, args=("", None))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{title}**", width="content")
        for kind in found:
            st.button(
                screen.escaped(kind.title), key=f"type_{kind.code}_{shown.id}", shortcut=keys[kind.code] or None,
                type="secondary" if kind.code in shown.others else "tertiary", on_click=verb, args=(shown, kind.code),
            )  # fmt: skip
        st.button(
            "Back", key=f"back_{shown.id}", shortcut="Escape", type="tertiary", on_click=desk.choose, args=("", None)
        )  # fmt: skip
