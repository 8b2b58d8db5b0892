"""The demo desk's two pages: the list of tickets, and one ticket with its history and a form.

Plain HTML without JavaScript or anything loaded from elsewhere; every text from outside passes
`html.escape`. `desk.py` mounts them, `desk_look.py` holds their frame and style sheet.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from html import escape
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from connector.demo.desk_intake import Refused, Service
from connector.demo.desk_look import frame
from connector.demo.desk_store import DeskStore, Ticket
from connector.demo.desk_wire import read_form

PAGE_ROWS = 50
NOTE_LIMIT = 2_000
FILTERS = {"": "All", "open": "Open", "closed": "Closed"}


class ClerkPages:
    """What the desk's clerks see and do."""

    def __init__(self, store: DeskStore, services: Mapping[str, Service], timezone: str) -> None:
        self.store = store
        self.services = services
        self.zone = ZoneInfo(timezone)

    def routes(self) -> list[Route]:
        """The list, a ticket, and the form under a ticket."""
        return [
            Route("/", self.list_tickets),
            Route("/tickets/{number}", self.show_ticket, methods=["GET"]),
            Route("/tickets/{number}", self.change_ticket, methods=["POST"]),
        ]

    def list_tickets(self, request: Request) -> Response:
        status = request.query_params.get("status", "")
        status = status if status in FILTERS else ""
        counts = self.store.counts()
        total = counts[status] if status else sum(counts.values())
        page = _page_number(request.query_params.get("page", ""), last=max(1, -(-total // PAGE_ROWS)))
        where = ("status = ?", status) if status else ("1 = 1",)
        tickets = self.store.select(*where, limit=PAGE_ROWS, offset=(page - 1) * PAGE_ROWS)
        rows = "".join(self._row(ticket) for ticket in tickets)
        names = ("Ticket", "Status", "Service", "Address", "Since")
        heads = f"<tr>{''.join(f'<th scope=col>{name}</th>' for name in names)}</tr>"
        table = f"<table><thead>{heads}</thead><tbody>{rows}</tbody></table>"
        nothing = "<p class=empty>No tickets here yet.</p>"
        body = _tabs(status, counts) + (table if tickets else nothing) + _pager(status, page, total)
        return HTMLResponse(frame("Tickets", f"<h1>Tickets</h1>{body}"))

    def show_ticket(self, request: Request) -> Response:
        return self._ticket_page(request.path_params["number"])

    async def change_ticket(self, request: Request) -> Response:
        """Close or reopen; a form that came from a foreign page is refused."""
        if not _from_own_page(request):
            return HTMLResponse(frame("Refused", "<h1>Refused</h1><p>This form came from another site.</p>"), 403)
        try:
            fields = dict(await read_form(request))
        except Refused as refused:
            return HTMLResponse(frame("Refused", f"<h1>Refused</h1><p>{escape(refused.problems[0])}</p>"), 400)
        return await run_in_threadpool(self._change, request.path_params["number"], fields)

    def _change(self, number: str, fields: Mapping[str, str]) -> Response:
        note = fields.get("note", "").strip().replace("\r\n", "\n")
        status = {"close": "closed", "reopen": "open"}.get(fields.get("action", ""))
        if status is None:
            return self._ticket_page(number, note, "Choose “Close ticket” or “Reopen”.", 400)
        if status == "closed" and not note:
            return self._ticket_page(number, note, "Write a note: the resident is told why it was closed.", 400)
        if len(note) > NOTE_LIMIT:
            return self._ticket_page(number, note, f"A note takes {NOTE_LIMIT} characters at most.", 400)
        if not self.store.change(number, status, note or None):
            return self._ticket_page(number, note, f"Nothing was changed: the ticket is {status} already.", 409)
        return RedirectResponse(f"/tickets/{number}", 303)

    def _ticket_page(self, number: str, note: str = "", problem: str = "", status: int = 200) -> Response:
        found = self.store.by_numbers([number])
        if not found:
            return HTMLResponse(frame("Not found", "<h1>Not found</h1><p>There is no such ticket.</p>"), 404)
        ticket = found[0]
        head = f"<h1>{escape(ticket.number)} {_badge(ticket.status)}</h1>"
        facts = "".join(f"<dt>{escape(name)}</dt><dd>{shown}</dd>" for name, shown in self._facts(ticket) if shown)
        body = f"{head}<dl>{facts}</dl><h2>History</h2>{self._history(ticket)}{_form(ticket, note, problem)}"
        return HTMLResponse(frame(ticket.number, body), status)

    def _row(self, ticket: Ticket) -> str:
        number = escape(ticket.number)
        about = f"<small>{escape(ticket.description)}</small>" if ticket.description else ""
        return (
            f'<tr><td class=number><a href="/tickets/{number}">{number}</a></td><td>{_badge(ticket.status)}</td>'
            f"<td class=about>{escape(self._service_name(ticket))}{about}</td>"
            f"<td class=place>{escape(_place(ticket))}</td><td class=since>{self._time(ticket.requested_at)}</td></tr>"
        )

    def _facts(self, ticket: Ticket) -> list[tuple[str, str]]:
        """Names and ready HTML; the empty ones are left out."""
        media = escape(ticket.media_url or "")
        facts = [
            ("Service", escape(f"{self._service_name(ticket)} ({ticket.service_code})")),
            ("Description", f"<p class=text>{escape(ticket.description)}</p>" if ticket.description else ""),
            ("Address", escape(ticket.address or "")),
            ("Address id", escape(ticket.address_id or "")),
            ("Coordinates", "" if ticket.lat is None else f"{ticket.lat:.6f}, {ticket.long:.6f}"),
            ("Media", f'<a href="{media}" rel="noreferrer noopener">{media}</a>' if media else ""),
        ]
        facts += [(self._question(ticket, code), self._choices(ticket, code, given)) for code, given in _given(ticket)]
        contact = json.loads(ticket.contact)
        facts.append(("Contact", "<br>".join(escape(value) for value in contact.values())))
        facts.append(("Token", escape(ticket.token or "") + ("" if ticket.mature else " (not mature yet)")))
        facts.append(("Reported", self._time(ticket.requested_at)))
        facts.append(("Last change", f"{self._time(ticket.updated_at)} <small>({escape(self.zone.key)})</small>"))
        return facts

    def _question(self, ticket: Ticket, code: str) -> str:
        service = self.services.get(ticket.service_code)
        asked = [one.description for one in service.attributes if one.code == code] if service else []
        return (asked[0] if asked else None) or code

    def _choices(self, ticket: Ticket, code: str, given: list[str]) -> str:
        service = self.services.get(ticket.service_code)
        asked = [one for one in service.attributes if one.code == code] if service else []
        names = {value.key: value.name for one in asked for value in one.values}
        return "<br>".join(escape(names.get(answer, answer)) for answer in given)

    def _history(self, ticket: Ticket) -> str:
        lines = [
            f"<li>{self._time(event.at)} {_badge(event.status)}"
            + (f"<p class=text>{escape(event.note)}</p>" if event.note else "")
            for event in reversed(self.store.history(ticket))
        ]
        return f"<ol class=history>{''.join(lines)}</ol>"

    def _service_name(self, ticket: Ticket) -> str:
        service = self.services.get(ticket.service_code)
        return service.service_name if service else ticket.service_code

    def _time(self, wire: str) -> str:
        local = datetime.fromisoformat(wire).astimezone(self.zone)
        return f'<time datetime="{wire}">{local:%-d %b %Y, %H:%M}</time>'


def _from_own_page(request: Request) -> bool:
    """Browsers name a form's origin; a client that names none is no browser and carries no visitor along."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    own = f"{request.url.scheme}://{request.headers['host']}"
    return request.headers.get("origin", own) == own


def _given(ticket: Ticket) -> list[tuple[str, list[str]]]:
    return list(json.loads(ticket.attributes).items())


def _page_number(text: str, last: int) -> int:
    return min(max(int(text), 1), last) if text.isdecimal() and len(text) < 9 else 1


def _place(ticket: Ticket) -> str:
    if ticket.address or ticket.address_id:
        return ticket.address or f"Address id {ticket.address_id}"
    return f"{ticket.lat:.5f}, {ticket.long:.5f}" if ticket.lat is not None else "–"


def _badge(status: str) -> str:
    return f'<span class="badge {escape(status)}">{escape(status)}</span>'


def _address(status: str, page: int) -> str:
    query = {"status": status} if status else {}
    return "/?" + urlencode(query | ({"page": str(page)} if page > 1 else {}))


def _tabs(status: str, counts: Mapping[str, int]) -> str:
    shown = {"": sum(counts.values()), **counts}
    links = [
        f'<a href="{_address(key, 1)}"{" aria-current=page" if key == status else ""}>{name} <b>{shown[key]}</b></a>'
        for key, name in FILTERS.items()
    ]
    return f"<nav class=tabs aria-label=Filter>{''.join(links)}</nav>"


def _pager(status: str, page: int, total: int) -> str:
    if total <= PAGE_ROWS:
        return ""
    last = -(-total // PAGE_ROWS)
    newer = f'<a href="{_address(status, page - 1)}" rel=prev>‹ Newer</a>' if page > 1 else "<span></span>"
    older = f'<a href="{_address(status, page + 1)}" rel=next>Older ›</a>' if page < last else "<span></span>"
    return f"<nav class=pager aria-label=Pages>{newer}<span>Page {page} of {last}</span>{older}</nav>"


def _form(ticket: Ticket, note: str, problem: str) -> str:
    closing = ticket.status == "open"
    action, button, hint = (
        ("close", "Close ticket", "Note (required; the resident may be told this)")
        if closing
        else ("reopen", "Reopen", "Note (optional)")
    )
    warning = f"<p class=problem role=alert>{escape(problem)}</p>" if problem else ""
    return (
        f'<form method=post action="/tickets/{escape(ticket.number)}"><label for=note>{hint}</label>{warning}'
        f"<textarea id=note name=note rows=3 maxlength={NOTE_LIMIT}{' required' if closing else ''}>\n"
        f"{escape(note)}</textarea><button name=action value={action}>{button}</button></form>"
    )
