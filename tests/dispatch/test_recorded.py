"""Answers recorded from real Open311 servers, replayed over HTTP at the adapter: each read, or refused with a reason.

The recordings are nobody's to ship; they lie outside the repository in `$CONNECTOR_SHARED/data/open311` (default:
`../shared`). Run with `-s` to see a line for each.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft4Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from connector import config, dispatch
from connector.dispatch import TicketRef
from connector.dispatch.open311 import Open311
from connector.errors import AdapterError
from tests.contracts import SECRET, a_request, assert_tells_nothing
from tests.servers import Asked, HttpServer, Says, http_server, says_json

ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(os.environ.get("CONNECTOR_SHARED") or ROOT.parent / "shared") / "data" / "open311"
pytestmark = pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded answers at $CONNECTOR_SHARED/data/open311")

LIVE, STATUS, CFA = (
    "6aika-live-recorded",
    "bensheldon+open311status/spec/fixtures",
    "codeforamerica+open311/spec/fixtures",
)
SCHEMA = "open311+schema-validation/schema/georeport-v2"
VERDICTS = {
    f"{LIVE}/services_json": "services 3",
    f"{LIVE}/services_xml": "services 3",
    f"{LIVE}/definition": "definition RefusedError",
    f"{LIVE}/post_json": "send mh4hm9c2",
    f"{LIVE}/post_xml": "send lyy9bvnu",
    f"{LIVE}/post_badkey": "send AuthError",
    f"{LIVE}/post_badservice": "send RefusedError",
    f"{LIVE}/post_noaddr_500": "send UnclearError",
    f"{LIVE}/post_nokey": "send UnclearError",
    f"{LIVE}/requests_json": "status mh4hm9c2 open, rdkzcvgx open",
    f"{LIVE}/requests_xml": "status lyy9bvnu open, mh4hm9c2 open, rdkzcvgx open",
    f"{LIVE}/one_json": "status mh4hm9c2 open",
    f"{LIVE}/one_404": "status none",
    f"{STATUS}/service_list.json": "services 3",
    f"{STATUS}/files/services_giessen.xml": "services 8",
    f"{STATUS}/service_requests.json": "status 14-01100669 open, 14-01100627 open",
    f"{STATUS}/files/requests_many.xml": "status 101005420892 open, 101005420894 open",
    f"{STATUS}/files/requests_single.xml": "status 101005420892 open",
    f"{CFA}/services.xml": "services 36",
    f"{CFA}/service_definition.xml": "definition WHISHETN",
    f"{CFA}/post_service_request.xml": "send 293944",
    f"{CFA}/403.xml": "send AuthError",
    f"{CFA}/get_service_request.xml": "status 638344 closed",
    f"{CFA}/get_service_request_not_found.xml": "status none",
    f"{CFA}/service_requests.xml": "status 638344 closed, 638349 open",
    f"{CFA}/service_requests_empty.xml": "status none",
    f"{CFA}/request_id_from_token.xml": "token 638344",
    "6aika+issue-reporting/issues_hel/tests/taskful_request.json": "status 3qp16kaphhsc78uc422l closed",
    "6aika+issue-reporting/issues/tests/insert_requests.json": "status none",
}
"""What the adapter makes of each; the last is a database dump, whose rows are no requests."""
NO_ANSWERS = ("COMMIT", "LICENSE.txt", "LICENSE.md")


def answers() -> list[str]:
    """Every recorded answer: a file, or a pair of `.headers` and `.body`."""
    files = [file for file in RECORDED.rglob("*") if file.is_file() and file.name not in NO_ANSWERS]
    names = {file.relative_to(RECORDED).as_posix().removesuffix(".headers").removesuffix(".body") for file in files}
    return sorted(name for name in names if not name.startswith(SCHEMA))


def recorded(name: str) -> Says:
    """The answer with its own status and content type."""
    if (RECORDED / f"{name}.body").exists():
        head = (RECORDED / f"{name}.headers").read_text("latin-1")
        body = (RECORDED / f"{name}.body").read_bytes()
    else:
        body = (RECORDED / name).read_bytes()
        kind = "text/xml" if name.endswith("xml") else "application/json"
        head = f"HTTP/1.1 {404 if 'not_found' in name else 200} OK\nContent-Type: {kind}"
        if body.startswith(b"HTTP/1.1 "):
            head, _, rest = body.decode("utf-8").partition("\n\n")
            body = rest.encode("utf-8")
    status, *lines = head.strip().splitlines()
    told = dict(line.split(": ", 1) for line in lines if ": " in line)
    kept = {key: value for key, value in told.items() if key.startswith(("Content-Type", "X-"))}
    return Says(int(status.split()[1]), body, kept)


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


def channel(server: HttpServer, form: str = "json") -> Open311:
    adapter = config.Adapter(kind="open311", endpoint=server.url, api_key=SECRET, format=form)
    loaded = dispatch.load("recorded", adapter, timeout=5)
    assert isinstance(loaded, Open311)
    return loaded


def _send(server: HttpServer, says: Says) -> str:
    receipt = channel(server.then(says)).send(a_request())
    return receipt.number or receipt.token


def _services(server: HttpServer, says: Says) -> str:
    def only_the_list(asked: Asked) -> Says:
        return says if asked.path == "/services.json" else says_json({"attributes": []})

    offered = channel(server.then(only_the_list)).services()
    assert all(service.code and service.name for service in offered)
    return str(len(offered))


def _definition(server: HttpServer, says: Says) -> str:
    one = says_json([{"service_code": "x", "service_name": "X", "metadata": True, "type": "realtime"}])
    (service,) = channel(server.then(one, says)).services()
    return " ".join(service.needs)


def _status(server: HttpServer, says: Says) -> str:
    """As if every ticket in the file had been asked for."""
    numbers = re.findall(rb'service_request_id"?>?[: "]*([\w-]+)', says.body) or [b"1"]
    server.then(lambda asked: says if asked.path == "/requests.json" else Says(404, b"[]"))
    states = channel(server).status([TicketRef(number.decode()) for number in numbers])
    assert all(state.changed_at is None or state.changed_at.utcoffset() is not None for state in states)
    return ", ".join(f"{state.number} {state.status}" for state in states) or "none"


def _token(server: HttpServer, says: Says) -> str:
    server.then(says, says_json([{"service_request_id": "638344", "status": "open"}]))
    return channel(server).status([TicketRef(token="12345")])[0].number


WAYS: dict[str, Callable[[HttpServer, Says], str]] = {
    "send": _send,
    "services": _services,
    "definition": _definition,
    "status": _status,
    "token": _token,
}


@pytest.mark.parametrize("name", answers())
def test_each_is_read_or_refused_with_a_reason(name: str, server: HttpServer) -> None:
    assert name in VERDICTS, "a new recording: say in VERDICTS what is to become of it"
    way, _, wanted = VERDICTS[name].partition(" ")
    reason = ""
    try:
        verdict = WAYS[way](server, recorded(name))
    except AdapterError as error:
        assert_tells_nothing(error)
        verdict, reason = type(error).__name__, f": {error}"
    print(f"{name}: {'refused' if reason else 'read'}, {way} {verdict}{reason}")  # noqa: T201
    assert verdict == wanted


def test_no_verdict_stands_for_nothing() -> None:
    assert set(VERDICTS) <= set(answers())


def schema(name: str) -> Draft4Validator:
    """A GeoReport v2 schema whose references lead to its neighbours."""
    loaded = {file.name: json.loads(file.read_text("utf-8")) for file in (RECORDED / SCHEMA).glob("*.json")}
    known = [(file, Resource(contents=content, specification=DRAFT4)) for file, content in loaded.items()]
    registry: Registry[Any] = Registry().with_resources(known)
    return Draft4Validator(loaded[f"{name}.json"], registry=registry)


def test_what_we_send_is_a_request_by_the_schema(server: HttpServer) -> None:
    """Our form as a server would print it back, and the parameters that the specification's Swagger file declares."""
    server.then(says_json([{"service_request_id": "1"}]))
    channel(server).send(a_request(text="long " * 2_000, attributes={"SIZE": "big", "KIND": ["a", "b"]}))
    sent = server.asked[0].field
    row = {"service_request_id": "1", "status": "open", "requested_datetime": "2026-11-21T20:25:13Z"}
    printed = {name: value for name, value in sent.items() if name not in ("api_key", "address_string")}
    printed |= {"address": sent["address_string"], "lat": float(sent["lat"]), "long": float(sent["long"])}
    schema("requests").validate([row | printed])
    swagger = json.loads((RECORDED / SCHEMA / "swagger.json").read_text("utf-8"))
    path = next(path for path in swagger["paths"] if path.startswith("/requests") and "post" in swagger["paths"][path])
    declared = {one["name"]: one for one in swagger["paths"][path]["post"]["parameters"] if "name" in one}
    # The file forgets `description`, which the specification itself names.
    own = {name for name in sent if not name.startswith("attribute[")} - {"api_key", "description"}
    assert own <= declared.keys()
    assert {name for name, one in declared.items() if one.get("required")} <= own | {"jurisdiction_id", "api_key"}


def test_definitions_by_the_schema_are_read(server: HttpServer) -> None:
    definition = {
        "service_code": "x",
        "attributes": [
            {"variable": True, "code": "A", "datatype": "string", "required": True, "order": 1, "description": "?"},
            {"variable": False, "code": "B", "datatype": "text", "required": True, "order": 2, "description": "Read"},
            {"variable": True, "code": "C", "datatype": "number", "required": False, "order": 3, "description": "?"},
        ],
    }
    schema("service-definition").validate(definition)
    assert _definition(server, says_json(definition)) == "A"
