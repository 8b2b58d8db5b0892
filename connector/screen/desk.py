"""A decision on the Queue page, made once and told; and what this session knows of the card that stands there.

Keys (`bar.py`) and dialogs decide through here, what each of them means stands in `verbs.py`. Opening a card claims it,
so that colleagues see who has it; `hold` does that once the card is drawn, for no eye waits for it.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError
from streamlit.delta_generator import DeltaGenerator

from connector import screen, workflow
from connector.errors import ConnectorError
from connector.screen.queue import Last, mine, touched

_BLINK = 0.4  # seconds
SHOWING = {"first": 0.7, "next": 0.1}
"""Seconds that a browser is left to show a card before it is told what stands around it: of two busy cores nearly all
of the first ones."""
_RENEW = 60.0
"""Seconds after which a claim on the card that still stands there is renewed."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the card shows of a suspect, so that a key decides exactly this."""

    id: int
    version: int
    what: str
    type_code: str
    open: bool
    """Whether it can be decided, by this person."""
    parked: bool
    """It was put aside."""
    others: tuple[str, ...]
    """Codes of the other types whose rules matched too."""
    place: str = ""
    assigned_to: str = ""
    ended: bool = False
    """It was decided, and this person may take that back."""
    sends: str = ""
    """What its posts say, handles and what is personal masked: goes into the ticket if nobody types over it."""


@dataclass(slots=True)
class Desk:
    """Ids and marks of the card that stands there, no rows."""

    dialog: tuple[str, int] = ("", 0)
    """Which one is open, and for whom."""
    choosing: tuple[str, int] = ("", 0)
    """What the types in the bottom row are for (type, also), and for whom."""
    claimed: tuple[int, float] = (0, 0.0)
    """Whom this session holds, and since when on the monotonic clock."""
    photos: dict[str, bytes | str] = field(default_factory=dict)
    """By address: the picture, or why there is none; of one card only."""
    photos_of: int = 0
    following: list[tuple[DeltaGenerator, Callable[[], None]]] = field(default_factory=list)
    """What is still to be drawn beside the first card, and where."""


def desk() -> Desk:
    state: Desk = st.session_state.setdefault("_desk", Desk())
    return state


# -- drawing -------------------------------------------------------------------------------------------------------


def begins() -> bool:
    """The page begins to be drawn; whether for the first card of this session."""
    desk().following = []
    return not stands()


def stands() -> bool:
    """Whether a card was drawn in this session."""
    return mine().drawn[0] > 0


def drawn(shown: Shown | None) -> bool:
    """The card stands there with its keys; its moment counts, not that of later drawings. Before the first card there
    was none that an early key could be meant for. Whether it is another card."""
    if shown is None or mine().drawn[0] == shown.id:
        return False
    mine().drawn = shown.id, time.monotonic() if stands() else -_BLINK
    return True


def shows(first: bool) -> None:
    """Leave the browser alone while it shows a new card: what came meanwhile would be drawn with it, and it later.

    The `first` takes longest. A key that is hit meanwhile ends this drawing at once.
    """
    end = time.monotonic() + SHOWING["first" if first else "next"]
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, 0.02))
        desk()  # asked for what it keeps of the session, Streamlit looks whether there is something newer to do


def follows(place: DeltaGenerator, draw: Callable[[], None]) -> None:
    """Of a card what no key waits for: at once, but beside the first card not before `follow`.

    A browser that draws its first page takes as long as there are elements.
    """
    if stands():
        with place:
            draw()
    else:
        desk().following.append((place, draw))


def follow() -> None:
    """Draw what was put off."""
    for place, draw in desk().following:
        with place:
            draw()
    desk().following = []


# -- deciding ------------------------------------------------------------------------------------------------------


def _unseen(shown: Shown) -> bool:
    """Whether the key was hit again before an eye can have met the card that came meanwhile."""
    whose, since = mine().drawn
    return whose != shown.id or time.monotonic() - since < _BLINK


def decide(shown: Shown, how: str, verb: Callable[[], Any], note: str = "", leaves: bool = True) -> bool:
    """Do it once, for a card that was seen: a repeated key does nothing. Whether it was done.

    With `leaves` False the suspect stays on the card, as another version.
    """
    touched()
    if _unseen(shown) or (shown.id, shown.version) in mine().done:
        return False
    done = screen.act(screen.Right.DECIDE, verb)
    if done:
        mine().done.add((shown.id, shown.version))
        mine().did(Last(shown.id, shown.what, how, note))
    if not leaves:
        stay(shown)
    elif mine().linked == shown.id:
        mine().linked = None
        mine().rank.setdefault(shown.id, -0.5)  # it stood on top of the list
    return done


def mend(shown: Shown, verb: Callable[[], Any]) -> bool:
    """Change something about it that ends no waiting; the suspect stays on the card."""
    done = screen.act(screen.Right.DECIDE, verb)
    stay(shown)
    return done


def stay(shown: Shown) -> None:
    """Keep it on the card, whatever view it now belongs to."""
    mine().chosen = mine().linked = shown.id
    touched()


def undo(last: Last, verb: Callable[[], Any]) -> None:
    """Take it back and show it again."""
    if mine().last != last:
        return
    if screen.act(screen.Right.DECIDE, verb):
        mine().go_anyway(last.id)
        mine().took_back()


# -- choosing ------------------------------------------------------------------------------------------------------


def choose(what: str, shown: Shown | None) -> None:
    """Put the types into the bottom row, to be the suspect's `type` or another one for it `also`; or away again."""
    desk().choosing = (what, shown.id) if shown else ("", 0)
    touched()


def chosen_for(shown: Shown) -> str:
    """What the types in the bottom row are for; empty: the actions stand there."""
    what, whose = desk().choosing
    return what if whose == shown.id and shown.open else ""


def ask(dialog: str, shown: Shown) -> None:
    """Open a dialog."""
    desk().dialog = dialog, shown.id
    touched()


def asked(shown: Shown) -> str:
    """The dialog that is open for this card."""
    dialog, whose = desk().dialog
    return dialog if whose == shown.id else ""


def dismiss() -> None:
    """Close whatever dialog is open."""
    desk().dialog = "", 0


# -- claims --------------------------------------------------------------------------------------------------------


def hold(shown: Shown | None) -> None:
    """Claim what stands on the card, which lets go of what stood there; a claim forbids nobody anything."""
    whose, since = desk().claimed
    if shown is None or not shown.open:
        _let_go()
    elif whose != shown.id or time.monotonic() - since > _RENEW:
        house, at = screen.house(), time.monotonic()
        with contextlib.suppress(ConnectorError, LookupError, SQLAlchemyError):
            made = workflow.claim(house.database, shown.id, screen.me(), house.config.queue.claim_minutes)
            desk().claimed = (shown.id, at) if made.by == screen.me() else (0, 0.0)


def leave() -> None:
    """Let go of the card and close what is open; any page but the Queue asks for it."""
    mine().touched = False
    dismiss()
    _let_go()


def _let_go() -> None:
    whose, _ = desk().claimed
    if whose:
        desk().claimed = 0, 0.0
        with contextlib.suppress(ConnectorError, LookupError, SQLAlchemyError):
            workflow.release(screen.house().database, screen.me(), whose)


def held_by(claimed_by: str, until: datetime | None, at: datetime) -> str:
    """Who else has it open; empty if nobody, or this person."""
    return claimed_by if claimed_by and claimed_by != screen.me() and until and until > at else ""
