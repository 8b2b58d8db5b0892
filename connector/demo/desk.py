"""The demo city's 311 desk: a small, faithful Open311 GeoReport v2 server with a page for its clerks.

The supervisor starts it (`python -m connector.demo.desk`), the Open311 channel talks to it as to any
city's server. It never de-duplicates and counts raw POSTs in `/stats.json`, so that a double filing
shows. Read on in `desk_intake.py` (what is taken), `desk_store.py` (tickets), `desk_wire.py`
(JSON and XML) and `desk_pages.py` (the clerks' pages).
"""

import argparse
import asyncio
import contextlib
import hmac
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.demo import desk_wire
from connector.demo.desk_intake import Refused, Report, Service, date_span, load_services, read_report
from connector.demo.desk_look import SafeHeaders
from connector.demo.desk_pages import ClerkPages
from connector.demo.desk_store import ROW_LIMIT, DeskStore, PastTicket, Ticket, backfill, clear, wire_time
from connector.errors import ConfigError

__all__ = ["PastTicket", "Service", "backfill", "clear", "create_app", "load_services", "serve"]

JURISDICTION = "portalder.example"
LOOPBACK = ("127.0.0.1", "localhost")


class GeoReport:
    """The methods of GeoReport v2, over one store."""

    def __init__(
        self,
        store: DeskStore,
        services: Mapping[str, Service],
        api_key: str,
        public_url: str,
        token_delay_seconds: float,
        slow_seconds: float,
    ) -> None:
        self.store = store
        self.services = services
        self.api_key = api_key
        self.public_url = public_url
        self.token_delay_seconds = token_delay_seconds
        self.slow_seconds = slow_seconds

    def routes(self) -> list[Route]:
        """Every address of the service; `.json` and `.xml` are told apart by the handlers."""
        base = "/open311/v2"
        return [
            Route(f"{base}/services.{{form}}", self.list_services),
            Route(f"{base}/services/{{code}}.{{form}}", self.define_service),
            Route(f"{base}/requests.{{form}}", self.post_request, methods=["POST"]),
            Route(f"{base}/requests.{{form}}", self.list_requests),
            Route(f"{base}/requests/{{number}}.{{form}}", self.show_request),
            Route(f"{base}/tokens/{{token}}.{{form}}", self.show_token),
            Route("/stats.json", self.show_stats),
        ]

    def list_services(self, request: Request) -> Response:
        form = _form(request)
        rows = [desk_wire.service_row(service) for service in self.services.values()]
        return desk_wire.answer("services", rows, form)

    def define_service(self, request: Request) -> Response:
        form = _form(request)
        service = self.services.get(request.path_params["code"])
        if service is None:
            raise Refused(404, "service_code was not found")
        return desk_wire.answer("service_definition", desk_wire.definition(service), form)

    async def post_request(self, request: Request) -> Response:
        """Store, commit, wait `slow_seconds`, answer; a refused POST is counted, too.

        One whose sender died halfway never was a POST: nothing is stored, counted, or left to answer.
        """
        try:
            report = await self._checked(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except Refused:
            await run_in_threadpool(self.store.count_refused)
            raise
        ticket = await run_in_threadpool(self.store.take_in, report, self.token_delay_seconds)
        await asyncio.sleep(self.slow_seconds)
        name = {"token": ticket.token} if ticket.token else {"service_request_id": ticket.number}
        notice = "The desk has taken this in." if ticket.token else f"See {self.public_url}/tickets/{ticket.number}"
        row = {**name, "service_notice": notice, "account_id": report.account_id}
        return desk_wire.answer("service_requests", [row], _form(request))

    async def _checked(self, request: Request) -> Report:
        fields = await desk_wire.read_form(request)
        given = dict(fields)
        if not hmac.compare_digest(given.get("api_key", "").encode(), self.api_key.encode()):
            raise Refused(403, f"api_key was {'not valid' if given.get('api_key') else 'not provided'}")
        _form(request, given.get("jurisdiction_id"))
        return read_report(fields, self.services)

    def list_requests(self, request: Request) -> Response:
        """Newest first; `service_request_id` overrides every other filter, as the specification says."""
        form = _form(request)
        numbers = _listed(request.query_params, "service_request_id")
        found = self.store.by_numbers(numbers) if numbers else self._filtered(request.query_params)
        return self._tell([ticket for ticket in found if ticket.mature], form)

    def _filtered(self, query: Mapping[str, str]) -> list[Ticket]:
        start, end = date_span(query.get("start_date"), query.get("end_date"))
        where, values = "requested_at BETWEEN ? AND ?", [wire_time(start), wire_time(end)]
        for name in ("status", "service_code"):
            if wanted := _listed(query, name):
                where += f" AND {name} IN ({', '.join('?' * len(wanted))})"
                values += wanted
        return self.store.select(where, *values)

    def show_request(self, request: Request) -> Response:
        form = _form(request)
        found = [ticket for ticket in self.store.by_numbers([request.path_params["number"]]) if ticket.mature]
        if not found:
            raise Refused(404, "service_request_id was not found")
        return self._tell(found, form)

    def show_token(self, request: Request) -> Response:
        """The number behind a token; empty until the token has matured."""
        form = _form(request)
        ticket = self.store.by_token(request.path_params["token"])
        if ticket is None:
            raise Refused(404, "token was not found")
        row = {"service_request_id": ticket.number if ticket.mature else "", "token": ticket.token}
        return desk_wire.answer("service_requests", [row], form)

    def show_stats(self, request: Request) -> Response:
        return JSONResponse(self.store.stats())

    def _tell(self, tickets: list[Ticket], form: str) -> Response:
        rows = [desk_wire.request_row(ticket, self.services) for ticket in tickets]
        return desk_wire.answer("service_requests", rows, form)


def create_app(
    database: Path,
    services: list[Service],
    api_key: str,
    public_url: str,
    *,
    token_delay_seconds: float = 5,
    slow_seconds: float = 0,
    timezone: str = "America/Los_Angeles",
) -> Starlette:
    """Build the desk over its own SQLite file, which is made if it is missing.

    `public_url` is where people find the pages, without a slash at its end. A batch service's token
    matures after `token_delay_seconds`. `slow_seconds` makes every POST answer that long after its
    commit: for tests of a lost answer. `timezone` is the one the pages speak.
    """
    if not api_key:
        raise ConfigError("DESK_API_KEY: the desk needs an API key")
    store = DeskStore(database)
    offered = {service.service_code: service for service in services}
    public_url = public_url.rstrip("/")
    api = GeoReport(store, offered, api_key, public_url, token_delay_seconds, slow_seconds)
    return Starlette(
        routes=[*api.routes(), *ClerkPages(store, offered, timezone).routes()],
        middleware=[
            Middleware(SafeHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(LOOPBACK), www_redirect=False),
        ],
        exception_handlers={Refused: _refuse},
    )


def serve(
    database: Path,
    services: list[Service],
    api_key: str,
    host: str = "127.0.0.1",
    port: int = 8311,
    *,
    token_delay_seconds: float = 5,
    slow_seconds: float = 0,
    timezone: str = "America/Los_Angeles",
) -> None:
    """Run the desk until SIGTERM or SIGINT; loopback only, since its pages know no login."""
    if host not in LOOPBACK:
        raise ConfigError(f"--host {host}: the demo desk listens on loopback only, use 127.0.0.1")
    app = create_app(
        database,
        services,
        api_key,
        f"http://{host}:{port}",
        token_delay_seconds=token_delay_seconds,
        slow_seconds=slow_seconds,
        timezone=timezone,
    )
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,  # so that no query stands in a log
        ws="none",
        lifespan="off",
        timeout_graceful_shutdown=3,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line and serve; the API key comes from DESK_API_KEY, never from an argument."""
    parser = argparse.ArgumentParser(prog="python -m connector.demo.desk", description="The demo city's 311 desk.")
    parser.add_argument("--database", type=Path, required=True, help="the desk's own SQLite file")
    parser.add_argument("--services", type=Path, required=True, help="YAML list of the services it offers")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8311, help="default: %(default)s")
    parser.add_argument("--token-delay-seconds", type=float, default=5, help="default: %(default)s")
    parser.add_argument("--timezone", default="America/Los_Angeles", help="of the pages (default: %(default)s)")
    slow = os.environ.get("DESK_SLOW_SECONDS", "0")
    parser.add_argument("--slow-seconds", type=float, default=slow, help="answer a stored POST late; for tests")
    options = vars(parser.parse_args(arguments))
    # uvicorn raises the signal again after its shutdown; both are to end the process without a traceback.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        try:
            options["services"] = load_services(options["services"])
            serve(api_key=os.environ.get("DESK_API_KEY", ""), **options)
        except ConfigError as error:
            parser.error(str(error))


def _listed(query: Mapping[str, str], name: str) -> list[str]:
    """A comma-separated parameter, cut where an answer would be cut, too."""
    return [one.strip() for one in query.get(name, "").split(",") if one.strip()][:ROW_LIMIT]


def _form(request: Request, posted_jurisdiction: str | None = None) -> str:
    """The asked format; refuses an unknown one and another city's `jurisdiction_id`."""
    form: str = request.path_params["form"]
    if form not in ("json", "xml"):
        raise Refused(404, "the format is not known here, use json or xml")
    if (posted_jurisdiction or request.query_params.get("jurisdiction_id") or JURISDICTION) != JURISDICTION:
        raise Refused(404, "jurisdiction_id was not found")
    return form


def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return desk_wire.errors(error, "xml" if request.url.path.endswith(".xml") else "json")


if __name__ == "__main__":
    main()
