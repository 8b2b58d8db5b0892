"""Files requests on an Open311 GeoReport v2 server, finds them again and follows them.

Called by `deliver.py` through `Channel`. How answers are read stands in `_georeport.py`, what a failure means in
`_http.py`. The server knows no idempotency key: after a lost answer the request is looked up by our reference, which
stands in the last line of its description (https://wiki.open311.org/GeoReport_v2/).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, field_validator

from connector import adapters
from connector.dispatch import Absent, Channel, Found, Receipt, Request, Service, TicketRef, TicketState, Unknown
from connector.dispatch import _georeport as georeport
from connector.dispatch._georeport import Row, value
from connector.dispatch._http import Answer, Http, Verdict
from connector.dispatch._text import one_line, plain
from connector.errors import AdapterError, RefusedError

LONGEST_SPAN = timedelta(days=89)
"""`start_date` to `end_date` may be 90 days at most."""
AT_ONCE = 50
"""Ticket numbers in one question; keeps the address under 2,000 characters."""
SECOND = timedelta(seconds=1)


class Open311(Channel):
    """One endpoint of one city."""

    title = "Open311 GeoReport v2"
    can_find = True
    can_follow = True
    needs_service_code = True

    class Settings(adapters.Settings):
        endpoint: str = Field(description="Base address of the server, without /requests.json at its end")
        api_key: SecretStr = Field(description="Write key issued by the operator of the server")
        jurisdiction_id: str = Field("", description="Only where the endpoint serves several cities")
        format: Literal["json", "xml"] = Field("json", description="xml for a server that speaks no JSON")
        no_place: str = Field("", description="Address for posts that name no place; empty: such a request is refused")
        ticket_url: str = Field("", description="Address of a ticket's page for staff, with {number} in it")

        @field_validator("endpoint")
        @classmethod
        def _base_address(cls, endpoint: str) -> str:
            parts = urlsplit(endpoint)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
                raise ValueError("write an address like https://311.example.gov/open311/v2")
            if parts.username or parts.password:
                raise ValueError("a password does not belong into an address")
            return endpoint.rstrip("/")

    def __init__(self, name: str, settings: Settings, timeout: float = 20, home: Path = Path()) -> None:
        super().__init__(name, settings, timeout, home)
        self.http = Http(name, timeout)
        self._longest_list = 0

    def send(self, request: Request) -> Receipt:
        """File it. What the server would surely refuse, or has been seen to choke on, is refused here."""
        if not request.service_code:
            raise RefusedError(f"No service code is set for “{request.type_title}”; set it in Settings.", self.name)
        if not self._address(request) and (request.lat is None or request.lon is None):
            raise RefusedError("Open311 needs a place: coordinates or an address.", self.name)
        answer = self.http.post(self._url("requests"), self._fields(request), self._params())
        verdict = self._verdict(True, request.text, request.place)
        found = [row for row in self._rows(answer, verdict, "request") if row]
        if len(found) != 1:
            verdict.unreadable()
        return self._receipt(found[0])

    def find(self, request: Request) -> Found | Absent | Unknown:
        """Ask for the service's requests since acceptance and look for our reference in their descriptions."""
        now = datetime.now(UTC)
        start = (request.accepted_at or now - LONGEST_SPAN) - timedelta(days=1)
        end = min(now + timedelta(days=1), start + LONGEST_SPAN)
        try:
            seen, whole = self._between(start, end, request.service_code)
            if ours := next((row for row in seen if georeport.bears(row, request)), None):
                return Found(self._receipt(ours))
            if end < now:
                return Unknown("It was accepted so long ago that the server's list no longer reaches so far")
            if not whole:
                return Unknown("The server cut its list off before our request could be ruled out")
            if any(georeport.may_hide(row, request) for row in seen):
                return Unknown("The server's list does not show descriptions in full, so our reference may be hidden")
            if self._service_type(request.service_code) in ("batch", "blackbox"):
                return Unknown("The server lists requests of this service late or never")
        except AdapterError as error:
            return Unknown(f"The look-up failed: {error}")
        return Absent()

    def status(self, refs: Sequence[TicketRef]) -> list[TicketState]:
        """As promised by `Channel`; a token that stands for no number yet comes back without number and status."""
        states = []
        numbers = {ref.number: ref for ref in refs if ref.number}
        for ref in refs:
            if ref.token and not ref.number:
                if number := self._number(ref.token):
                    numbers[number] = ref
                else:
                    states.append(TicketState(ref, number="", closed=False, status=""))
        known = self._rows_by_number(list(numbers)) if numbers else {}
        return states + [self._state(numbers[number], row) for number, row in known.items()]

    def services(self) -> list[Service]:
        """What can be filed, with the attributes that each demands."""
        return [
            Service(
                code=value(row, "service_code"),
                name=value(row, "service_name"),
                description=value(row, "description"),
                needs=self._needs(value(row, "service_code")) if georeport.truth(row, "metadata") else (),
            )
            for row in self._service_rows()
        ]

    def test(self) -> str:
        """Reads the list of services; whether the key is taken shows only when something is filed."""
        offered = len(self._service_rows())
        open_line = "" if self.settings.endpoint.startswith("https:") else "; the connection is not encrypted"
        return f"{urlsplit(self.settings.endpoint).hostname} answers and offers {offered} services{open_line}."

    def _url(self, *parts: str) -> str:
        path = "/".join(quote(part, safe="") for part in parts)
        return f"{self.settings.endpoint}/{path}.{self.settings.format}"

    def _params(self, **more: str) -> list[tuple[str, str]]:
        jurisdiction = {"jurisdiction_id": self.settings.jurisdiction_id} if self.settings.jurisdiction_id else {}
        return list((jurisdiction | more).items())

    def _address(self, request: Request) -> str:
        known = request.place or (request.lat is not None and request.lon is not None)
        return str(request.place if known else self.settings.no_place)

    def _fields(self, request: Request) -> list[tuple[str, str]]:
        """The form; some servers read `jurisdiction_id` from the body, others from the query string alone."""
        fields = [("api_key", self.settings.api_key.get_secret_value()), *self._params()]
        fields.append(("service_code", request.service_code))
        if request.lat is not None and request.lon is not None:
            fields += [("lat", f"{request.lat:.6f}"), ("long", f"{request.lon:.6f}")]
        if address := self._address(request):
            fields.append(("address_string", one_line(address)))
        fields.append(("description", georeport.description(request)))
        for code, answer in request.attributes.items():
            many = isinstance(answer, list | tuple)
            for one in answer if many else [answer]:
                if one not in (None, ""):
                    text = str(one).lower() if isinstance(one, bool) else plain(str(one))
                    fields.append((f"attribute[{code}]{'[]' if many else ''}", text))
        return fields

    def _verdict(self, sending: bool, *posts: str) -> Verdict:
        return Verdict(self.name, sending, (self.settings.api_key.get_secret_value(),), posts)

    def _rows(self, answer: Answer, verdict: Verdict, kind: str) -> list[Row]:
        """The rows of a good answer; anything else raises, a refusal printed under a 200 included."""
        try:
            document = georeport.read(answer.body)
        except georeport.Unreadable:
            if answer.status < 300:
                verdict.unreadable()
            verdict.refuse(answer, "")
        found = georeport.rows(document, kind)
        words, code = georeport.refusal(document)
        filed = kind != "request" or any("service_request_id" in row or "token" in row for row in found)
        if answer.status >= 300 or (code and not filed):
            verdict.refuse(answer, words, code)
        return found

    def _ask(self, kind: str, *path: str, **params: str) -> tuple[list[Row], Answer]:
        """Rows of a GET. A readable 404 is how some servers say "none"; one with a page means a wrong address."""
        answer = self.http.get(self._url(*path), self._params(**params))
        if answer.status == 404:
            with contextlib.suppress(georeport.Unreadable):
                georeport.read(answer.body)
                return [], answer
        return self._rows(answer, self._verdict(False), kind), answer

    def _between(self, start: datetime, end: datetime, service_code: str) -> tuple[list[Row], bool]:
        """The rows, and whether that is surely all: where a list looks cut off, each half of the time is asked for."""
        span = {"start_date": _wire(start), "end_date": _wire(end)}
        found, answer = self._ask("request", "requests", service_code=service_code, **span)
        self._longest_list = max(self._longest_list, len(found))
        if not georeport.looks_cut(found, answer.headers, self._longest_list):
            return found, True
        requested = [georeport.moment(value(row, "requested_datetime")) or start for row in found]
        ignores_dates = not all(start - SECOND <= moment <= end + SECOND for moment in requested)
        if ignores_dates or end - start < 4 * SECOND:
            return found, False
        middle = start + (end - start) / 2
        older, older_whole = self._between(start, middle, service_code)
        newer, newer_whole = self._between(middle - SECOND, end, service_code)
        return found + older + newer, older_whole and newer_whole

    def _number(self, token: str) -> str:
        """The number behind a token, '' while there is none: then it is asked for again, and nothing filed anew."""
        try:
            found, _ = self._ask("request", "tokens", token)
        except RefusedError:
            return ""
        return value(found[0], "service_request_id") if found else ""

    def _rows_by_number(self, numbers: list[str]) -> dict[str, Row]:
        """Each ticket they know; what a list leaves out is asked for singly, as one server answers only the first."""
        told: dict[str, Row] = {}
        refusals: list[RefusedError] = []

        def ask(*path: str, **params: str) -> None:
            try:
                found, _ = self._ask("request", *path, **params)
                told.update({value(row, "service_request_id"): row for row in found})
            except RefusedError as error:
                refusals.append(error)

        for at in range(0, len(numbers), AT_ONCE):
            ask("requests", service_request_id=",".join(numbers[at : at + AT_ONCE]))
        for number in numbers:
            if number not in told:
                ask("requests", number)
        if refusals and not told:
            raise refusals[0]
        return {number: told[number] for number in numbers if number in told}

    def _service_rows(self) -> list[Row]:
        return [row for row in self._ask("service", "services")[0] if value(row, "service_code")]

    def _service_type(self, code: str) -> str:
        return next((value(row, "type") for row in self._service_rows() if value(row, "service_code") == code), "")

    def _needs(self, code: str) -> tuple[str, ...]:
        """Codes of the attributes that must be answered; `variable=false` is text to read, never a question."""
        asked = [row for row in self._ask("attribute", "services", code)[0] if value(row, "code")]
        return tuple(
            value(r, "code") for r in asked if georeport.truth(r, "required") and georeport.truth(r, "variable")
        )

    def _receipt(self, row: Row) -> Receipt:
        number, token = value(row, "service_request_id"), value(row, "token")
        notice = one_line(value(row, "service_notice"), 500)
        return Receipt(number, token, self._page(number), notice, trackable=bool(number or token))

    def _page(self, number: str) -> str:
        return self.settings.ticket_url.replace("{number}", quote(number, safe="")) if number else ""

    def _state(self, ref: TicketRef, row: Row) -> TicketState:
        """ "Closed" is the one word that ends a request; in_progress, assigned and others are open."""
        number, status = value(row, "service_request_id"), one_line(value(row, "status"), 60)
        changed = georeport.moment(value(row, "updated_datetime"))
        notes = plain(value(row, "status_notes"))
        return TicketState(ref, number, status.lower() == "closed", status, notes, self._page(number), changed)


def _wire(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
