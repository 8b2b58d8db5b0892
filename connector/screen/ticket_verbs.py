"""What a person can do with a delivery, the likely thing first; each button is a verb of `connector/workflow.py`.

`ticket_card.py` draws them and asks here what the channel can do. A complaint of a verb is said on the card, or beside
the field that it asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import streamlit as st

from connector import adapters, dispatch, screen, workflow
from connector.access import Right
from connector.dispatch import Channel
from connector.errors import ConfigError
from connector.models import OPEN, DeliveryStatus, TicketStatus, now
from connector.store.tickets import TicketCard, TicketRow

_ASKED = "ticket_asked"
_ASKS_A_PERSON = timedelta(days=365)  # a look-up that far away: nobody looks any more


def verbs(card: TicketCard) -> None:
    """What this person can do now, the likely one first."""
    row = card.row
    if screen.allowed(Right.DECIDE):
        _steps(card, _likely())
    if row.url.startswith(("http://", "https://")):
        st.link_button(f"Open at {name_of(row.channel)}", row.url, icon=":material/open_in_new:")
    if links := (card.dispatch.content or {}).get("links"):
        st.link_button("Open post", links[0], type="tertiary", icon=":material/open_in_new:")


def _steps(card: TicketCard, main: Callable[[], Any]) -> None:
    row = card.row
    match row.state:
        case DeliveryStatus.QUEUED if not row.attempts:
            as_shown = partial(workflow.undo, version=card.suspect.version)
            _button("Undo", row, main(), as_shown, row.suspect_id)
        case DeliveryStatus.QUEUED:
            _by_hand(row)
        case DeliveryStatus.UNCLEAR:
            if (way := way_of(row.channel)) and way.can_find:
                _button("Look up now", row, main(), workflow.look_up_now, row.dispatch_id)
            _by_hand(row)
            if not (way and way.can_find) or card.dispatch.due_at > now() + _ASKS_A_PERSON:
                _button("It is not there, send again", row, "secondary", workflow.send_again, row.dispatch_id)
        case DeliveryStatus.EXHAUSTED:
            _button("Try again", row, main(), workflow.try_again, row.dispatch_id)
            _by_hand(row)
        case DeliveryStatus.REFUSED if card.suspect.status in OPEN:
            if st.button("Open in Queue", key=f"queue_{row.dispatch_id}", type=main()):
                st.switch_page("review.py", query_params={"id": str(row.suspect_id)})
        case TicketStatus.OPEN | TicketStatus.UNTRACKABLE if not followed(row):
            _close(row)
    if row.flagged:
        _button("Done at the CRM", row, main(), workflow.flag_done, row.ticket_id or 0)


def _likely() -> Callable[[], Any]:
    kinds = iter(("primary",))
    return lambda: next(kinds, "secondary")


def _button(label: str, row: TicketRow, kind: Any, verb: Callable[..., Any], item: int) -> None:
    key = f"{label}_{row.dispatch_id}_{row.attempts}"
    st.button(label, key=key, type=kind, on_click=_act, args=(verb, item))


def _act(verb: Callable[..., Any], *what: Any) -> None:
    screen.act(Right.DECIDE, lambda: verb(screen.house().database, *what, by=screen.me()))


def _by_hand(row: TicketRow) -> None:
    """A person filed it, or found it there: the number they give counts from now on."""
    known = "" if followed(row) else row.reference

    def ask(key: str) -> None:
        st.text_input(f"Number that it has at {name_of(row.channel)}", known, key=key)

    _asking("By hand", ask, "Keep this number", f"number_{row.dispatch_id}", workflow.filed_by_hand, row.dispatch_id)


def _close(row: TicketRow) -> None:
    """Close a ticket that no other system keeps."""

    def ask(key: str) -> None:
        st.text_area("What was done, in words that a resident may read", key=key, height=90)

    _asking("Close with a note", ask, "Close it", f"note_{row.ticket_id}", workflow.close_by_hand, row.ticket_id)


def _asking(
    label: str, ask: Callable[[str], None], done: str, key: str, verb: Callable[..., None], item: int | None
) -> None:
    """A verb that needs a word: asked for behind a button, complaints beside the field."""

    def act() -> None:
        _act(verb, item, st.session_state[key])
        st.session_state[_ASKED] = key

    main = "primary" if verb is workflow.close_by_hand else "secondary"
    with st.popover(label, type=main):  # type: ignore[arg-type]
        with st.form(f"form_{key}", border=False):
            ask(key)
            st.form_submit_button(done, type="primary", on_click=act)
        if st.session_state.pop(_ASKED, "") == key:
            screen.said()


# -- the channel ---------------------------------------------------------------------------------------------------


def name_of(channel: str) -> str:
    return screen.escaped(channel)


def way_of(channel: str) -> type[Channel] | None:
    """What the channel can do; None if it is not configured any more."""
    adapter = screen.house().config.channels.get(channel)
    try:
        return adapters.load(dispatch.__name__, Channel, adapter.kind) if adapter else None  # type: ignore[type-abstract]
    except ConfigError:
        return None


def followed(row: TicketRow) -> bool:
    """Whether their side is asked how the ticket stands; if not, staff close it here."""
    way = way_of(row.channel)
    return bool(way and way.can_follow and row.state != TicketStatus.UNTRACKABLE)
