"""The Queue page's bottom row: left what just happened, with Undo; right every decision, one key each.

`pages/review.py` says what each key does (`Verbs`) and hands over what the card shows; here a decision is made once,
told, and the list moves on. While a type is chosen, the types stand in this row, each with a letter of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import streamlit as st

from connector import screen
from connector.models import DeliveryStatus, DismissReason, now
from connector.screen.card import Shown
from connector.screen.queue import POLL, Last, decided_today, kinds, mine, ss
from connector.screen.queue_list import step
from connector.store import tickets

REASONS: dict[str, str] = dict(
    zip(DismissReason, ("No problem", "Elsewhere", "Joke", "News, ad", "Fixed"), strict=True)
)
_BLINK = 0.4  # seconds
# Letters that no action of the page has, and Streamlit leaves free: for the choice of a type.
_FREE = "bdefgilmoqvwxyz67890"


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the page's keys do."""

    accept: Callable[[Shown], None]
    dismiss: Callable[[Shown, str], None]
    park: Callable[[Shown], None]
    retype: Callable[[Shown, str], None]
    undo: Callable[[Last], None]


# -- deciding ------------------------------------------------------------------------------------------------------


def drawn(shown: Shown | None) -> None:
    """The page is drawn with this card; its moment counts, not that of later drawings."""
    if shown and mine().drawn[0] != shown.id:
        mine().drawn = shown.id, time.monotonic()


def _unseen(shown: Shown) -> bool:
    """Whether the key was hit again before an eye can have met the card that came meanwhile."""
    whose, since = mine().drawn
    return whose != shown.id or time.monotonic() - since < _BLINK


def decide(shown: Shown, how: str, verb: Callable[[], Any], note: str = "") -> None:
    """Do it once, for a card that was seen: a repeated key does nothing."""
    if _unseen(shown):
        return
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


# -- what happened -------------------------------------------------------------------------------------------------


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


# -- the keys ------------------------------------------------------------------------------------------------------


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


# -- another type --------------------------------------------------------------------------------------------------


def choose(shown: Shown | None) -> None:
    """Put the types into the bottom row, or the actions back."""
    mine().choosing = shown.id if shown else None


def choosing(shown: Shown) -> bool:
    return bool(mine().choosing == shown.id and shown.open)


def types(shown: Shown, verbs: Verbs) -> None:
    """The bottom row while a type is chosen: one key each, none of them a key that decides."""
    every = kinds()
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
