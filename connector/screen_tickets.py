"""The Tickets page's parts: a list that keeps its order while it is read, and the card of one delivery.

`pages/tickets.py` puts them together. What the other side wrote (a refusal, an error, a note) is outside text: it goes
through `screen.posts`, never into a coloured box. Verbs are `workflow.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import streamlit as st

from connector import adapters, screen, workflow
from connector import dispatch as channels
from connector.dispatch import Channel
from connector.dispatch.outbox import Outbox
from connector.errors import ConfigError
from connector.models import Decision, DeliveryStatus, SuspectStatus, TicketStatus, now
from connector.sealing import mask
from connector.store import house as house_questions
from connector.store import tickets
from connector.store.tickets import TicketCard, TicketRow

VIEWS = {"all": "All", "needs you": "Needs you", "on the way": "On the way", "open": "Open", "closed": "Closed"}
COLOURS = screen.STATE_COLOURS | {"flagged": "orange"}
HEIGHT = 740
PAGE = 200
FAR = 30 * 86400  # a next look later than this means: nobody looks but a person
_LIST, _CHOSEN, _ASKED, _VIEW, _FIND = "tickets_list", "ticket_chosen", "ticket_asked", "Show tickets", "find"
_ASKS_A_PERSON = timedelta(days=365)  # a look-up that far away: nobody looks any more
_PULSE = {"queued": 1, "sending": 2, "unclear": 2, "open": 5, "untrackable": 5}
_EMPTY = {
    "all": (
        "No tickets yet",
        "Accept a suspect in the queue: it leaves after a short hold, and its ticket stands here.",
    ),
    "needs you": ("Nothing needs you", "Whatever fails, is refused or gets no clear answer appears here."),
    "on the way": ("Nothing is on the way", "What was accepted stands here until it has a ticket."),
    "open": ("No ticket is open", "What was filed stands here until it is closed over there."),
    "closed": ("No ticket was closed yet", "Closed tickets come with what was said at their closing."),
}
_DECIDED = {"park": "Parked", "undo": "Taken back", "merge": "Merged", "split": "Split", "assign": "Assigned"}


@dataclass
class Listing:
    """What the list shows: a snapshot, so that no row moves under a reader."""

    view: str
    find: str
    ids: list[int]
    newest: int
    more: tuple[datetime, int] | None
    """Where the next page starts; None at the end."""


# -- the list ------------------------------------------------------------------------------------------------------


def header() -> tuple[str, str]:
    """Title, views with counts, search; which view is chosen and what is looked for."""
    if _FIND not in st.session_state:  # widgets forget when the page is left: one comes back to a fresh list
        st.session_state.pop(_LIST, None)
        st.session_state[_FIND] = st.query_params.get("find", "")
    with screen.reading() as session:
        counts = tickets.counts(session)
    st.title("Tickets", width="content", anchor=False)
    view = screen.views(_VIEW, {name: f"{title} {counts[name]}" for name, title in VIEWS.items()}, "all")
    if view != "all" and st.session_state[_FIND]:  # a view is chosen: the search is over
        st.session_state[_FIND] = ""
        st.query_params.clear()
    _fresh()
    if not screen.phone():
        st.space("stretch")
    find = st.text_input(
        "Find", placeholder="Reference, number or link", icon=":material/search:", label_visibility="collapsed",
        width=260, key=_FIND, type="search", on_change=_looking,
    )  # fmt: skip
    return view, (find or "").strip()


def _looking() -> None:
    """Search goes through all tickets, and stands in the address, as the links in mails write it."""
    st.session_state[_VIEW] = "all"
    st.query_params.from_dict({"find": found} if (found := st.session_state[_FIND].strip()) else {})


@st.fragment(run_every=5)
def _fresh() -> None:
    listing: Listing | None = st.session_state.get(_LIST)
    if listing is None:
        return
    with screen.reading() as session:
        count = tickets.newer(session, listing.newest)
    if count and st.button(f":blue[{count} new, show]", icon=":material/arrow_upward:", type="tertiary", key="new"):
        st.session_state.pop(_LIST, None)
        st.rerun()


def rows(view: str, find: str) -> list[TicketRow]:
    """The rows of the list as they are now, in the order of the moment when it was opened."""
    listing: Listing | None = st.session_state.get(_LIST)
    with screen.reading() as session:
        if listing is None or (listing.view, listing.find) != (view, find):
            found = tickets.page(session, view, find, PAGE)
            newest = tickets.newest_id(session)
            listing = Listing(view, find, [row.dispatch_id for row in found], newest, _next(found))
            st.session_state[_LIST] = listing
            return found
        return tickets.rows(session, listing.ids)


def _next(page: list[TicketRow]) -> tuple[datetime, int] | None:
    return (page[-1].since, page[-1].dispatch_id) if len(page) >= PAGE else None


def older() -> None:
    """Put the next page under the list."""
    listing: Listing = st.session_state[_LIST]
    with screen.reading() as session:
        found = tickets.page(session, listing.view, listing.find, PAGE, listing.more)
    listing.ids += [row.dispatch_id for row in found]
    listing.more = _next(found)


def nothing(view: str, find: str) -> None:
    """No row: why, and what would change that."""
    if find:
        screen.empty(
            "No ticket has this reference, number or link", "What was taken back before it left has no ticket."
        )
    else:
        screen.empty(*_EMPTY[view])


def listing(found: list[TicketRow]) -> int:
    """The list; the id of the chosen delivery, the first one if none was chosen yet."""
    ids = [row.dispatch_id for row in found]
    if st.session_state.get(_CHOSEN) not in ids:
        st.session_state[_CHOSEN] = ids[0]
    at = ids.index(st.session_state[_CHOSEN])
    # The key holds what the rows are: a click that arrives late still means the row that was seen.
    key = f"tickets_{st.session_state[_LIST].view}_{ids[0]}_{len(ids)}_{st.session_state[_LIST].newest}"
    st.session_state.setdefault(key, {"selection": {"rows": [at]}})
    frame = pd.DataFrame(
        {
            "state": [["flagged" if row.flagged else row.state] for row in found],
            "what": [", ".join(part for part in (row.type, row.place) if part) for row in found],
            "number": [row.number or "–" for row in found],
            "since": [screen.age(row.since) for row in found],
        }
    )
    more, fits = st.session_state[_LIST].more is not None, 36 + 36 * len(ids)
    st.dataframe(
        frame, key=key, on_select=lambda: _choose(key, ids), selection_mode="single-row-required", hide_index=True,
        row_height=36, height=screen.pane(min(HEIGHT - 44 * more, fits), min(250, fits)),
        alt="Tickets, those that need a person first",
        column_order=("state", "what") if screen.phone() else None,
        column_config={
            "state": st.column_config.MultiselectColumn(
                "State", options=list(COLOURS), color=list(COLOURS.values()), width=90
            ),
            "what": st.column_config.TextColumn("Request", width=225 if screen.phone() else 295),
            "number": st.column_config.TextColumn("Ticket", width=100),
            "since": st.column_config.TextColumn("Since", width=65),
        },
    )  # fmt: skip
    if more:
        st.button(f"{PAGE} older", type="tertiary", icon=":material/expand_more:", on_click=older)
    return int(st.session_state[_CHOSEN])


def _choose(key: str, ids: list[int]) -> None:
    if chosen := st.session_state[key]["selection"]["rows"]:
        st.session_state[_CHOSEN] = ids[chosen[0]]


# -- the card ------------------------------------------------------------------------------------------------------


def card(dispatch_id: int) -> None:
    """State, verbs, text, history and content of one delivery."""
    with screen.reading() as session:
        found = tickets.card(session, dispatch_id)
        pause = house_questions.pauses(session).get(found.row.channel) if found else None
    if found is None:
        st.text("It is gone: its post was one of the demo's oldest, or the demo was reset.")
        return
    row = found.row
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(row.type), width="content", anchor=False)
        st.badge(row.state.replace("_", " "), color=COLOURS[row.state])  # type: ignore[arg-type]
        if row.place:
            st.text(row.place)
    st.markdown(_facts(found))
    _pulse(row)
    if pause and row.status in (DeliveryStatus.QUEUED, DeliveryStatus.UNCLEAR):
        st.warning(
            f"{_name(row.channel)} is paused until {screen.clock(pause.until)}. Settings, Channels, has the button "
            "that takes it up again.",
            icon=":material/pause_circle:",
        )
        screen.posts([[("Why  ", "by"), (pause.why, "")]])
    if error := (found.ticket.last_error if found.ticket else row.last_error):
        label = "They said" if row.state == DeliveryStatus.REFUSED else "Last error"
        screen.posts([[(f"{label}  ", "by"), (error, "")]])
    if row.ticket_status == TicketStatus.CLOSED and found.ticket and found.ticket.notes:
        screen.posts([[("Said at closing  ", "by"), (found.ticket.notes, "")]])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _verbs(found)
    screen.said()
    if found.text:
        screen.posts([[(mask(found.text), "")]], large=True)
    else:
        st.markdown(":gray[The author deleted the post; its text is erased here too.]")
    st.markdown("**What happened**")
    screen.posts([[(f"{screen.clock(at)}  ", "by"), (what, ""), (f"  {by}", "by")] for at, what, by in _history(found)])
    _content(found)


def _facts(card: TicketCard) -> str:
    row, most = card.row, screen.house().config.delivery.tries
    tried = f":gray[· attempt {row.attempts} of {most}]" if row.attempts and not row.ticket_id else ""
    number = f":gray[· ticket] {screen.escaped(row.number)}" if row.number not in ("", row.reference) else ""
    due = (card.dispatch.content or {}).get("due_at")
    promised = f":gray[· due {screen.clock(datetime.fromisoformat(due))}]" if due and row.state != "closed" else ""
    parts = (f":gray[Reference] {row.reference}", number, f":gray[· to {_name(row.channel)}]", promised, tried)
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


def says(card: TicketCard) -> tuple[str, str]:
    """How loud, and one sentence on what the state means and what comes next."""
    row, to = card.row, _name(card.row.channel)
    wait = (row.due_at - now()).total_seconds()
    match row.state:
        case DeliveryStatus.QUEUED if _way(row.channel) is None:
            return "warning", f"It waits: the settings name no channel {to} any more."
        case DeliveryStatus.QUEUED if row.attempts:
            when = f"in {screen.span(wait)}" if wait > 0 else "due now"
            tries = "once" if row.attempts == 1 else f"{row.attempts} times"
            return "", f"Tried {tries} without success; it is surely not there. The next try is {when}."
        case DeliveryStatus.QUEUED if wait > 0:
            return "", f"Leaves in {screen.span(wait)}. Until then it can be taken back without a trace."
        case DeliveryStatus.QUEUED:
            return "", "It leaves now. Until it does, it can be taken back without a trace."
        case DeliveryStatus.SENDING:
            return "", f"It is being handed to {to}. The answer stands here in a moment."
        case DeliveryStatus.UNCLEAR if wait > FAR:
            return (
                "warning",
                f"Perhaps it arrived: nothing here can tell. Ask {to} for {row.reference}, then say so here.",
            )
        case DeliveryStatus.UNCLEAR:
            sent = f"Sent at {screen.clock(card.dispatch.sent_at)}, no" if card.dispatch.sent_at else "No"
            return (
                "warning",
                f"{sent} clear answer came. It is looked up by its reference before anything is sent again.",
            )
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
        case _ if not _followed(row):
            return "", "No other system keeps it: close it here when you hear that it is done."
    looked = card.ticket and card.ticket.checked_at
    return "", f"Open over there, looked at {screen.clock(looked)}." if looked else "Open over there; looked at soon."


def _refused(card: TicketCard, to: str) -> tuple[str, str]:
    if card.later:
        return "", f"Refused by {to}. The suspect was accepted again since, as {card.later}."
    if card.suspect.status in (SuspectStatus.WAITING, SuspectStatus.PARKED):
        return "error", f"Refused by {to}. The suspect waits again in the queue, with their reason."
    return "", f"Refused by {to}. The suspect was {card.suspect.status} since."


def _verbs(card: TicketCard) -> None:
    """What a person can do now, the likely one first."""
    row, main = card.row, _likely()
    match row.state:
        case DeliveryStatus.QUEUED if not row.attempts:
            _button("Undo", row, main(), workflow.undo, row.suspect_id)
        case DeliveryStatus.QUEUED:
            _by_hand(row)
        case DeliveryStatus.UNCLEAR:
            if (way := _way(row.channel)) and way.can_find:
                _button("Look up now", row, main(), workflow.look_up_now, row.dispatch_id)
            _by_hand(row)
            if not (way and way.can_find) or card.dispatch.due_at > now() + _ASKS_A_PERSON:
                _button("It is not there, send again", row, "secondary", workflow.send_again, row.dispatch_id)
        case DeliveryStatus.EXHAUSTED:
            _button("Try again", row, main(), workflow.try_again, row.dispatch_id)
            _by_hand(row)
        case DeliveryStatus.REFUSED if card.suspect.status in (SuspectStatus.WAITING, SuspectStatus.PARKED):
            if st.button("Open in Queue", key=f"queue_{row.dispatch_id}", type=main()):
                st.switch_page("review.py", query_params={"id": str(row.suspect_id)})
        case TicketStatus.OPEN | TicketStatus.UNTRACKABLE if not _followed(row):
            _close(row)
    if row.flagged:
        _button("Done at the CRM", row, main(), workflow.flag_done, row.ticket_id or 0)
    if row.url.startswith(("http://", "https://")):
        st.link_button(f"Open at {_name(row.channel)}", row.url, icon=":material/open_in_new:")
    if links := (card.dispatch.content or {}).get("links"):
        st.link_button("Open post", links[0], type="tertiary", icon=":material/open_in_new:")


def _likely() -> Callable[[], Any]:
    kinds = iter(("primary",))
    return lambda: next(kinds, "secondary")


def _button(label: str, row: TicketRow, kind: Any, verb: Callable[..., Any], item: int) -> None:
    key = f"{label}_{row.dispatch_id}_{row.attempts}"
    st.button(label, key=key, type=kind, on_click=_act, args=(verb, item))


def _act(verb: Callable[..., Any], *what: Any) -> None:
    screen.say(lambda: verb(screen.house().database, *what, by=screen.me()))


def _by_hand(row: TicketRow) -> None:
    """A person filed it, or found it there: the number they give counts from now on."""
    known = "" if _followed(row) else row.reference

    def ask(key: str) -> None:
        st.text_input(f"Number that it has at {_name(row.channel)}", known, key=key)

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
    way = channels.load(row.channel, adapter, config.delivery.timeout, config.home)
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


def _name(channel: str) -> str:
    return screen.escaped(channel)


def _way(channel: str) -> type[Channel] | None:
    """What the channel can do; None if it is not configured any more."""
    adapter = screen.house().config.channels.get(channel)
    try:
        return adapters.load(channels.__name__, Channel, adapter.kind) if adapter else None  # type: ignore[type-abstract]
    except ConfigError:
        return None


def _followed(row: TicketRow) -> bool:
    """Whether their side is asked how the ticket stands; if not, staff close it here."""
    way = _way(row.channel)
    return bool(way and way.can_follow and row.state != TicketStatus.UNTRACKABLE)
