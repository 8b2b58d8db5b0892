"""The Tickets page's card: one delivery's state in a sentence, its verbs, its text, its history, what was sent.

`pages/tickets.py` draws it beside the list of `tickets.py`. What the other side wrote (a refusal, an error, a note) is
outside text: it goes through `screen.posts`, never into a coloured box. Read on in `ticket_verbs.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import streamlit as st

from connector import dispatch, screen
from connector.dispatch.outbox import Outbox
from connector.models import OPEN, Decision, DeliveryStatus, TicketStatus, now
from connector.screen import history
from connector.screen.ticket_verbs import followed, name_of, verbs, way_of
from connector.screen.tickets import COLOURS
from connector.sealing import mask
from connector.store import house as house_questions
from connector.store import tickets
from connector.store.tickets import TicketCard, TicketRow

FAR = 30 * 86400  # a next look later than this means: nobody looks but a person
_PULSE = {"queued": 1, "sending": 2, "unclear": 2, "open": 5, "untrackable": 5}
_DECIDED = {"park": "Parked", "undo": "Taken back", "merge": "Merged", "split": "Split", "assign": "Assigned"}


def card(dispatch_id: int) -> None:
    """State, verbs, text, history and content of one delivery."""
    with screen.reading() as session:
        found = tickets.card(session, dispatch_id)
        pause = house_questions.pauses(session).get(found.row.channel) if found else None
    if found is None:
        st.text("It is gone: its post was one of the demo's oldest, or the demo was reset.")
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(found.row.type), width="content", anchor=False)
        st.badge(found.row.state.replace("_", " "), color=COLOURS[found.row.state])  # type: ignore[arg-type]
        if found.row.place:
            st.text(found.row.place)
    st.markdown(_facts(found))
    _pulse(found.row)
    _their_words(found, pause)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        verbs(found)
    screen.said()
    if found.text:
        screen.posts([[(mask(found.text), "")]], large=True)
    else:
        st.markdown(":gray[The author deleted the post; its text is erased here too.]")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**What happened**", width="content")
        if st.button(
            "From the first post on", key=f"history_{dispatch_id}", type="tertiary", icon=":material/history:"
        ):
            history.open_for(found.row.reference)
    screen.posts([[(f"{screen.clock(at)}  ", "by"), (what, ""), (f"  {by}", "by")] for at, what, by in _history(found)])
    _content(found)


def _their_words(found: TicketCard, pause: house_questions.Pause | None) -> None:
    """Why the channel is paused, the last error or refusal, the note at closing."""
    row = found.row
    if pause and row.status in (DeliveryStatus.QUEUED, DeliveryStatus.UNCLEAR):
        st.warning(
            f"{name_of(row.channel)} is paused until {screen.clock(pause.until)}. Settings, Channels, has the button "
            "that takes it up again.",
            icon=":material/pause_circle:",
        )
        screen.posts([[("Why  ", "by"), (pause.why, "")]])
    if error := (found.ticket.last_error if found.ticket else row.last_error):
        label = "They said" if row.state == DeliveryStatus.REFUSED else "Last error"
        screen.posts([[(f"{label}  ", "by"), (error, "")]])
    if row.ticket_status == TicketStatus.CLOSED and found.ticket and found.ticket.notes:
        screen.posts([[("Said at closing  ", "by"), (found.ticket.notes, "")]])


def _facts(card: TicketCard) -> str:
    row, most = card.row, screen.house().config.delivery.tries
    tried = f":gray[· attempt {row.attempts} of {most}]" if row.attempts and not row.ticket_id else ""
    number = f":gray[· ticket] {screen.escaped(row.number)}" if row.number not in ("", row.reference) else ""
    due = (card.dispatch.content or {}).get("due_at")
    promised = f":gray[· due {screen.clock(datetime.fromisoformat(due))}]" if due and row.state != "closed" else ""
    parts = (f":gray[Reference] {row.reference}", number, f":gray[· to {name_of(row.channel)}]", promised, tried)
    return " ".join(part for part in parts if part)


def _pulse(row: TicketRow) -> None:
    """The sentence on the state, drawn anew by itself while the delivery moves; the page follows once it did."""
    st.fragment(_sentence, run_every=_PULSE.get(row.state))(row.dispatch_id, _print(row))


def _print(row: TicketRow) -> tuple[Any, ...]:
    return row.state, row.attempts, row.number, row.url, row.flagged, row.last_error


def _sentence(dispatch_id: int, drawn: tuple[Any, ...]) -> None:
    with screen.reading() as session:
        found = tickets.card(session, dispatch_id)
    if found is None or _print(found.row) != drawn:
        st.rerun()
    show, text = says(found)
    {"error": st.error, "warning": st.warning}.get(show, st.markdown)(text)
    if found.row.flagged:
        st.warning(f"{found.row.flagged}, then say so here.", icon=":material/delete:")


# -- the state in words --------------------------------------------------------------------------------------------


def says(card: TicketCard) -> tuple[str, str]:
    """How loud, and one sentence on what the state means and what comes next."""
    row, to = card.row, name_of(card.row.channel)
    match row.state:
        case DeliveryStatus.QUEUED:
            return _queued(row, to)
        case DeliveryStatus.SENDING:
            return "", f"It is being handed to {to}. The answer stands here in a moment."
        case DeliveryStatus.UNCLEAR:
            return "warning", _unclear(card, to)
        case DeliveryStatus.EXHAUSTED:
            return "error", f"Not delivered after {row.attempts} tries. Nothing more happens until a person acts."
        case DeliveryStatus.REFUSED:
            return _refused(card, to)
        case DeliveryStatus.CANCELLED:
            return "", "Taken back before it left; nothing was sent."
        case TicketStatus.CLOSED:
            at = card.ticket and (card.ticket.closed_at or card.ticket.changed_at)
            return "", f"Closed {screen.clock(at)}." if at else "Closed."
        case TicketStatus.UNTRACKABLE:
            return (
                "",
                f"{to} took it and tells no number: nobody can be asked how it stands. Close it here when it is done.",
            )
        case _ if not followed(row):
            return "", "No other system keeps it: close it here when you hear that it is done."
    looked = card.ticket and card.ticket.checked_at
    return "", f"Open over there, looked at {screen.clock(looked)}." if looked else "Open over there; looked at soon."


def _queued(row: TicketRow, to: str) -> tuple[str, str]:
    wait = (row.due_at - now()).total_seconds()
    if way_of(row.channel) is None:
        return "warning", f"It waits: the settings name no channel {to} any more."
    if row.attempts:
        when = f"in {screen.span(wait)}" if wait > 0 else "due now"
        tries = "once" if row.attempts == 1 else f"{row.attempts} times"
        return "", f"Tried {tries} without success; it is surely not there. The next try is {when}."
    when = f"Leaves in {screen.span(wait)}. Until then" if wait > 0 else "It leaves now. Until it does,"
    return "", f"{when} it can be taken back without a trace."


def _unclear(card: TicketCard, to: str) -> str:
    if (card.row.due_at - now()).total_seconds() > FAR:
        return f"Perhaps it arrived: nothing here can tell. Ask {to} for {card.row.reference}, then say so here."
    sent = f"Sent at {screen.clock(card.dispatch.sent_at)}, no" if card.dispatch.sent_at else "No"
    return f"{sent} clear answer came. It is looked up by its reference before anything is sent again."


def _refused(card: TicketCard, to: str) -> tuple[str, str]:
    if card.later:
        return "", f"Refused by {to}. The suspect was accepted again since, as {card.later}."
    if card.suspect.status in OPEN:
        return "error", f"Refused by {to}. The suspect waits again in the queue, with their reason."
    return "", f"Refused by {to}. The suspect was {card.suspect.status} since."


# -- what happened -------------------------------------------------------------------------------------------------


def _history(card: TicketCard) -> list[tuple[datetime, str, str]]:
    """What happened, newest first: events at the channel, decisions here, the post at the bottom."""
    lines = [(event.at, event.what, event.by) for event in card.events]
    lines += [(made.at, text, made.by) for made in card.decisions if (text := _decided(made, card))]
    people = card.suspect.people
    lines.append((card.suspect.first_posted_at, f"{people} people reported it" if people > 1 else "Posted", ""))
    return sorted(lines, key=lambda line: line[0], reverse=True)


def _decided(made: Decision, card: TicketCard) -> str:
    if made.kind == "accept":
        title = card.titles.get((made.before or {}).get("request_type_id", 0))
        return f"Accepted as {title}" if title else "Accepted"
    if made.kind == "dismiss":
        return f"Dismissed: {made.reason.replace('_', ' ')}"
    if made.kind == "retype":
        return f"Type changed to {card.codes.get(made.reason, made.reason)}"
    return _DECIDED.get(made.kind, "")  # a refusal and a withdrawal stand among the events


# -- what was sent -------------------------------------------------------------------------------------------------


def _content(card: TicketCard) -> None:
    left = card.row.status not in (DeliveryStatus.QUEUED, DeliveryStatus.CANCELLED)
    with st.expander("What was sent" if left else "What it says", type="compact", icon=":material/outgoing_mail:"):
        if not card.dispatch.content:
            st.markdown(":gray[Erased with the post.]")
            return
        st.code(_mail(card.row) or _as_text(card.dispatch.content), language=None, wrap_lines=True)


def _mail(row: TicketRow) -> str:
    """The mail as the outbox kept it, if this went there."""
    config = screen.house().config
    adapter = config.channels.get(row.channel)
    if adapter is None or adapter.kind != "outbox":
        return ""
    way = dispatch.load(row.channel, adapter, config.delivery.timeout, config.home)
    kept = way.read(row.reference) if isinstance(way, Outbox) else None
    return f"To: {kept.to or '–'}\nSubject: {kept.subject}\n\n{kept.body}" if kept else ""


def _as_text(content: dict[str, Any]) -> str:
    """The frozen request, in lines; one that an older version froze may lack a field."""
    told = content.get
    due, lat, lon = told("due_at"), told("lat"), told("lon")
    facts = {
        "Type": told("type_title"),
        "Service code": told("service_code"),
        "To": told("to"),
        "Department": told("department"),
        "Place": ", ".join(part for part in (told("place"), told("district")) if part),
        "Coordinates": f"{lat:.6f}, {lon:.6f}" if lat is not None and lon is not None else "",
        "Due": screen.clock(datetime.fromisoformat(due)) if due else "",
        "Urgent": "yes" if told("urgent") else "",
        **{f"Attribute {name}": str(value) for name, value in (told("attributes") or {}).items()},
        "People": str(told("people") or ""),
        "Reference": told("reference"),
    }
    lines = [f"{name}: {fact}" for name, fact in facts.items() if fact]
    return "\n\n".join(part for part in ("\n".join(lines), told("text"), "\n".join(told("links") or [])) if part)
