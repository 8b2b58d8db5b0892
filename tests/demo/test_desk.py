"""The demo desk over real HTTP on loopback: GeoReport v2 in both formats, its counters and its pages."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from defusedxml import ElementTree

from connector.demo.desk import PastTicket, Service, backfill, create_app, load_services, serve
from connector.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = (
    Path(os.environ.get("CONNECTOR_SHARED", ROOT.parent / "shared"))
    / "data/open311/open311+schema-validation/schema/georeport-v2"
)
KEY = "test-key"
SERVICES = """
- service_code: pothole
  service_name: Pothole
  description: A hole in the road
  metadata: true
  type: realtime
  keywords: road, hole
  group: Streets
  attributes:
    - {code: DEPTH, variable: true, datatype: number, required: false, order: 2, description: "How deep, in cm?"}
    - code: LANE
      variable: true
      datatype: singlevaluelist
      required: true
      datatype_description: Pick one
      order: 1
      description: Where in the road?
      values: [{key: bike, name: Bicycle lane}, {key: car, name: Car lane}]
    - {code: SIGNS, variable: true, datatype: multivaluelist, required: false, order: 3, description: Seen,
       values: [{key: a, name: Cone}, {key: b, name: Paint}]}
    - {code: HINT, variable: false, datatype: string, required: true, order: 4, description: Call 911 in danger}
- {service_code: graffiti, service_name: Graffiti, description: Paint, metadata: false, type: batch, group: Walls}
- {service_code: light, service_name: Street light, description: Dark, metadata: false, type: realtime}
"""
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NUMBER = r"PA-\d\d-\d{6}"


class Client:
    """A GeoReport v2 client of one desk, as small as it gets."""

    def __init__(self, url: str, database: Path) -> None:
        self.url = url
        self.database = database
        self.api = f"{url}/open311/v2"

    def post(self, form: str = "json", **fields: Any) -> requests.Response:
        sent = {"api_key": KEY, "service_code": "light", "lat": "47.6", "long": "-122.3", **fields}
        data = {name.replace("__", "[", 1) + "]" * ("__" in name): value for name, value in sent.items()}
        kept = {name: value for name, value in data.items() if value is not None}
        return requests.post(f"{self.api}/requests.{form}", data=kept, timeout=20)

    def file(self, **fields: Any) -> str:
        answer = self.post(**fields)
        assert answer.status_code == 200, answer.text
        return str(answer.json()[0]["service_request_id"])

    def get(self, path: str, **query: str) -> requests.Response:
        return requests.get(f"{self.api}/{path}", params=query, timeout=20)

    def numbers(self, **query: str) -> list[str]:
        return [row["service_request_id"] for row in self.get("requests.json", **query).json()]

    def page(self, path: str = "/") -> str:
        return requests.get(self.url + path, timeout=20).text

    def act(self, number: str, action: str, note: str = "", headers: dict[str, str] | None = None) -> requests.Response:
        data = {"action": action, "note": note}
        return requests.post(f"{self.url}/tickets/{number}", data, headers=headers, timeout=20, allow_redirects=False)

    def stats(self) -> dict[str, int]:
        answer: dict[str, int] = requests.get(f"{self.url}/stats.json", timeout=20).json()
        return answer


@pytest.fixture
def services(tmp_path: Path) -> list[Service]:
    path = tmp_path / "services.yaml"
    path.write_text(SERVICES, "utf-8")
    return load_services(path)


@contextmanager
def running(database: Path, services: list[Service], **options: float) -> Iterator[Client]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(database, services, KEY, url, **options)  # type: ignore[arg-type]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield Client(url, database)
        finally:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def desk(tmp_path: Path, services: list[Service]) -> Iterator[Client]:
    with running(tmp_path / "desk.sqlite", services, token_delay_seconds=0.5) as client:
        yield client


def a_past_ticket(key: str = "a", days: float = 10, **fields: Any) -> PastTicket:
    row: PastTicket = {
        "key": key,
        "service_code": "light",
        "description": "Lamp is out",
        "lat": 47.6,
        "long": -122.3,
        "address": "12 Pier St",
        "requested_at": datetime.now(UTC) - timedelta(days=days),
        "closed_at": None,
        "status_notes": None,
    }
    row.update(fields)  # type: ignore[typeddict-item]
    return row


def days_ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat(timespec="seconds")


# --- services and definitions


def test_services_are_listed_in_both_formats(desk: Client) -> None:
    answer = desk.get("services.json")
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json()[0] == {
        "service_code": "pothole",
        "service_name": "Pothole",
        "description": "A hole in the road",
        "metadata": True,
        "type": "realtime",
        "keywords": "road, hole",
        "group": "Streets",
    }
    answer = desk.get("services.xml")
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "services"
    assert [one.findtext("service_code") for one in root.findall("service")] == ["pothole", "graffiti", "light"]
    assert [one.findtext("metadata") for one in root.findall("service")] == ["true", "false", "false"]


def test_definition_names_attributes_in_order(desk: Client) -> None:
    definition = desk.get("services/pothole.json").json()
    assert definition["service_code"] == "pothole"
    assert [one["code"] for one in definition["attributes"]] == ["LANE", "DEPTH", "SIGNS", "HINT"]
    assert definition["attributes"][0] == {
        "code": "LANE",
        "variable": True,
        "datatype": "singlevaluelist",
        "required": True,
        "datatype_description": "Pick one",
        "order": 1,
        "description": "Where in the road?",
        "values": [{"key": "bike", "name": "Bicycle lane"}, {"key": "car", "name": "Car lane"}],
    }
    root = ElementTree.fromstring(desk.get("services/pothole.xml").content)
    assert root.tag == "service_definition"
    assert root.findtext("attributes/attribute/code") == "LANE"
    assert root.findtext("attributes/attribute/values/value/name") == "Bicycle lane"


# --- posting


def test_post_answers_with_a_number_that_can_be_read_back(desk: Client) -> None:
    answer = desk.post(
        service_code="pothole",
        description="Ein Loch – tief 🕳",
        address_string="12 Pier St",
        media_url="https://example.org/a.jpg",
        account_id="acc-1",
        email="ann@example.org",
        attribute__LANE="bike",
    )
    assert answer.status_code == 200
    (row,) = answer.json()
    assert re.fullmatch(NUMBER, row["service_request_id"])
    assert row["account_id"] == "acc-1"
    assert row["service_notice"] == f"See {desk.url}/tickets/{row['service_request_id']}"
    assert "token" not in row
    (ticket,) = desk.get(f"requests/{row['service_request_id']}.json").json()
    assert re.fullmatch(TIME, ticket.pop("requested_datetime"))
    assert re.fullmatch(TIME, ticket.pop("updated_datetime"))
    assert ticket == {
        "service_request_id": row["service_request_id"],
        "status": "open",
        "status_notes": None,
        "service_name": "Pothole",
        "service_code": "pothole",
        "description": "Ein Loch – tief 🕳",
        "agency_responsible": None,
        "service_notice": None,
        "expected_datetime": None,
        "address": "12 Pier St",
        "address_id": None,
        "zipcode": None,
        "lat": 47.6,
        "long": -122.3,
        "media_url": "https://example.org/a.jpg",
    }


def test_post_and_get_speak_xml(desk: Client) -> None:
    root = ElementTree.fromstring(desk.post("xml", description="a < b & \x0b c").content)
    assert root.tag == "service_requests"
    number = root.findtext("request/service_request_id")
    root = ElementTree.fromstring(desk.get(f"requests/{number}.xml").content)
    assert root.findtext("request/description") == "a < b & \ufffd c"
    assert root.findtext("request/status") == "open"
    assert root.findtext("request/lat") == "47.6"
    assert root.findtext("request/status_notes") == ""


def test_equal_posts_are_never_merged(desk: Client) -> None:
    numbers = {desk.file(description="the same [SC-7F3K9Q]") for _ in range(3)}
    assert len(numbers) == 3
    assert desk.stats() == {"posts_stored": 3, "posts_refused": 0, "tickets": 3}


def test_fifty_posts_at_once_are_all_stored(desk: Client) -> None:
    with ThreadPoolExecutor(50) as pool:
        numbers = set(pool.map(lambda n: desk.file(description=f"post {n}"), range(50)))
    assert len(numbers) == 50
    assert set(desk.numbers()) == numbers
    assert desk.stats() == {"posts_stored": 50, "posts_refused": 0, "tickets": 50}


def test_slow_desk_has_stored_before_it_answers(tmp_path: Path, services: list[Service]) -> None:
    with running(tmp_path / "desk.sqlite", services, slow_seconds=1.5) as desk, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(desk.file, description="slow")
        while not desk.numbers():
            time.sleep(0.02)
        assert not waiting.done()
        assert desk.stats()["posts_stored"] == 1
        assert [waiting.result(10)] == desk.numbers()


@pytest.mark.parametrize(
    ("fields", "status", "says"),
    [
        ({"api_key": None}, 403, "api_key was not provided"),
        ({"api_key": "wrong"}, 403, "api_key was not valid"),
        ({"jurisdiction_id": "elsewhere.example"}, 404, "jurisdiction_id was not found"),
        ({"service_code": None}, 400, "service_code was not provided"),
        ({"service_code": "nope"}, 400, "service_code is not known"),
        ({"lat": None, "long": None}, 400, "location is required"),
        ({"long": None}, 400, "location is required"),
        ({"long": None, "address_string": "12 Pier St"}, 400, "lat and long belong together"),
        ({"lat": "91"}, 400, "lat is not a coordinate"),
        ({"lat": "nan"}, 400, "lat is not a coordinate"),
        ({"description": "x" * 4001}, 400, "longer than 4000"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url is not a link"),
        ({"service_code": "pothole"}, 400, "attribute[LANE] is required"),
        ({"service_code": "pothole", "attribute__LANE": "air"}, 400, "attribute[LANE] has a value"),
        ({"service_code": "pothole", "attribute__LANE": ["bike", "car"]}, 400, "attribute[LANE] takes one value"),
        (
            {"service_code": "pothole", "attribute__LANE": "car", "attribute__DEPTH": "deep"},
            400,
            "attribute[DEPTH] is not a number",
        ),
        ({"attribute__LANE": "car"}, 400, "light has no attribute LANE"),
    ],
)
def test_refused_post_says_why_and_is_counted(desk: Client, fields: dict[str, Any], status: int, says: str) -> None:
    answer = desk.post(**fields)
    assert answer.status_code == status
    (row,) = answer.json()
    assert row["code"] == status
    assert says in row["description"]
    root = ElementTree.fromstring(desk.post("xml", **fields).content)
    assert root.tag == "errors"
    assert root.findtext("error/code") == str(status)
    assert says in (root.findtext("error/description") or "")
    assert desk.stats() == {"posts_stored": 0, "posts_refused": 2, "tickets": 0}


def test_all_problems_are_named_at_once(desk: Client) -> None:
    rows = desk.post(service_code="pothole", lat=None, long=None, description="x" * 4001).json()
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b'{"api_key": "test-key"}', "application/json", 400),
        (b"api_key=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"description=" + b"x" * 300_000, "application/x-www-form-urlencoded", 413),
    ],
)
def test_unreadable_body_is_refused(desk: Client, body: bytes, kind: str, status: int) -> None:
    answer = requests.post(f"{desk.api}/requests.json", body, headers={"content-type": kind}, timeout=20)
    assert answer.status_code == status
    assert answer.json()[0]["code"] == status
    assert desk.stats()["posts_refused"] == 1


def test_body_whose_sender_died_halfway_never_was_a_post(desk: Client) -> None:
    host, port = desk.url.removeprefix("http://").split(":")
    head = "POST /open311/v2/requests.json HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000\r\n"
    kind = "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    for begun in ("", "api_key=", "service_code=001&"):
        with socket.create_connection((host, int(port))) as sender:
            sender.sendall((head + kind + begun).encode())
    assert desk.post(description="a whole one").status_code == 200
    assert desk.stats() == {"posts_stored": 1, "posts_refused": 0, "tickets": 1}


def test_longest_description_and_places_without_coordinates_are_taken(desk: Client) -> None:
    assert desk.file(description="🕳" * 4000)
    assert desk.file(lat=None, long=None, address_string="12 Pier St")
    assert desk.file(lat=None, long=None, address_id="545483")
    assert desk.file(jurisdiction_id="portalder.example")


def test_list_attribute_takes_several_values(desk: Client) -> None:
    fields = [("api_key", KEY), ("service_code", "pothole"), ("address_id", "7"), ("attribute[LANE]", "car")]
    fields += [("attribute[SIGNS][]", "a"), ("attribute[SIGNS][]", "b")]
    answer = requests.post(f"{desk.api}/requests.json", fields, timeout=20)
    page = desk.page(f"/tickets/{answer.json()[0]['service_request_id']}")
    assert "Cone<br>Paint" in page
    assert "Car lane" in page


# --- tokens


def test_token_of_a_batch_service_matures(desk: Client) -> None:
    (row,) = desk.post(service_code="graffiti").json()
    token = row["token"]
    assert "service_request_id" not in row
    assert desk.get(f"tokens/{token}.json").json() == [{"service_request_id": "", "token": token}]
    root = ElementTree.fromstring(desk.get(f"tokens/{token}.xml").content)
    assert root.findtext("request/service_request_id") == ""
    assert root.findtext("request/token") == token
    assert desk.numbers() == [], "a number that has not matured is told to nobody"
    time.sleep(0.6)
    (row,) = desk.get(f"tokens/{token}.json").json()
    assert re.fullmatch(NUMBER, row["service_request_id"])
    assert desk.numbers() == [row["service_request_id"]]


# --- reading


def test_list_is_newest_first_and_filters(desk: Client) -> None:
    old, closed, new = backfill(
        desk.database,
        [
            a_past_ticket("a", 30),
            a_past_ticket("b", 20, closed_at=datetime.now(UTC), status_notes="Fixed"),
            a_past_ticket("c", 10, service_code="pothole"),
        ],
    )
    assert desk.numbers() == [new, closed, old]
    assert desk.numbers(status="open") == [new, old]
    assert desk.numbers(status="closed") == [closed]
    assert desk.numbers(status="open,closed") == [new, closed, old]
    assert desk.numbers(service_code="pothole") == [new]
    assert desk.numbers(start_date=days_ago(25)) == [new, closed]
    assert desk.numbers(end_date=days_ago(15)) == [closed, old]
    assert desk.numbers(start_date=days_ago(25), end_date=days_ago(15)) == [closed]
    assert desk.numbers(service_code="light", status="open", start_date=days_ago(40)) == [old]


def test_ninety_days_are_the_limit(desk: Client) -> None:
    ancient, recent = backfill(desk.database, [a_past_ticket("a", 100), a_past_ticket("b", 89)])
    assert desk.numbers() == [recent]
    assert desk.numbers(start_date=days_ago(101)) == [ancient, recent][::-1]
    assert desk.numbers(end_date=days_ago(95)) == [ancient]
    answer = desk.get("requests.json", start_date=days_ago(101), end_date=days_ago(0))
    assert answer.status_code == 400
    assert "90 days" in answer.json()[0]["description"]
    assert desk.numbers(service_request_id=ancient) == [ancient], "asked by number, dates do not count"


def test_start_with_fractions_of_a_second_finds_what_came_after_it(desk: Client) -> None:
    start = datetime.now(UTC).isoformat()
    number = desk.file()
    assert desk.numbers(start_date=start) == [number]


@pytest.mark.parametrize("bad", ["yesterday", "2026-01-01T00:00:00", "2026-01-01", "9999-12-31T23:59:59Z"])
def test_bad_date_is_refused(desk: Client, bad: str) -> None:
    assert desk.get("requests.json", start_date=bad).status_code == 400


def test_dates_in_the_wrong_order_are_refused(desk: Client) -> None:
    assert desk.get("requests.json", start_date=days_ago(1), end_date=days_ago(2)).status_code == 400


def test_several_numbers_are_answered_at_once(desk: Client) -> None:
    first, second, _ = [desk.file() for _ in range(3)]
    assert desk.numbers(service_request_id=f"{first}, {second},PA-26-999999") == [second, first]
    assert desk.numbers(service_request_id="PA-26-999999") == []


def test_list_ends_at_a_thousand(desk: Client) -> None:
    backfill(desk.database, [a_past_ticket(str(n)) for n in range(1005)])
    assert len(desk.numbers()) == 1000


@pytest.mark.parametrize("path", ["requests/PA-26-000009", "services/nope", "tokens/none"])
def test_unknown_things_are_not_found(desk: Client, path: str) -> None:
    answer = desk.get(f"{path}.json")
    assert answer.status_code == 404
    assert answer.json()[0]["code"] == 404
    answer = desk.get(f"{path}.xml")
    assert answer.status_code == 404
    assert ElementTree.fromstring(answer.content).findtext("error/code") == "404"


def test_other_jurisdiction_is_not_found(desk: Client) -> None:
    assert desk.get("services.json", jurisdiction_id="elsewhere.example").status_code == 404
    assert desk.get("services.json", jurisdiction_id="portalder.example").status_code == 200
    assert desk.get("services.yaml").status_code == 404


def test_answers_fit_the_published_schemas(desk: Client) -> None:
    if not SCHEMAS.is_dir():
        pytest.skip(f"no JSON schemas at {SCHEMAS}; CONNECTOR_SHARED names the folder that holds them")
    import jsonschema

    desk.file(description="open")
    backfill(desk.database, [a_past_ticket(closed_at=datetime.now(UTC), status_notes="Fixed", lat=None, long=None)])

    def check(answer: Any, schema: str) -> None:
        loaded = json.loads((SCHEMAS / schema).read_text("utf-8"))
        jsonschema.validate(answer, loaded, format_checker=jsonschema.FormatChecker())

    check(desk.get("services/pothole.json").json(), "service-definition.json")
    for path, schema in (("services", "service.json"), ("requests", "request.json")):
        rows = desk.get(f"{path}.json").json()
        assert isinstance(rows, list)
        assert rows
        for row in rows:
            check(row, schema)


# --- the clerks' pages


def test_closing_with_a_note_shows_up_in_the_interface(desk: Client) -> None:
    (number,) = backfill(desk.database, [a_past_ticket()])
    answer = desk.act(number, "close", "Lamp replaced.\r\nThank you")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/tickets/{number}"
    (ticket,) = desk.get(f"requests/{number}.json").json()
    assert ticket["status"] == "closed"
    assert ticket["status_notes"] == "Lamp replaced.\nThank you"
    assert ticket["updated_datetime"] > ticket["requested_datetime"]
    page = desk.page(f"/tickets/{number}")
    assert "Lamp replaced." in page
    assert "Reopen" in page
    assert desk.act(number, "reopen").status_code == 303
    assert desk.get(f"requests/{number}.json").json()[0]["status"] == "open"
    assert "Lamp replaced." in desk.page(f"/tickets/{number}"), "the history keeps the note"


def test_closing_needs_a_note_and_an_open_ticket(desk: Client) -> None:
    number = desk.file()
    answer = desk.act(number, "close", "  ")
    assert answer.status_code == 400
    assert "Write a note" in answer.text
    assert desk.act(number, "close", "x" * 2001).status_code == 400
    assert desk.act(number, "explode", "note").status_code == 400
    assert desk.get(f"requests/{number}.json").json()[0]["status"] == "open"
    assert desk.act(number, "close", "done").status_code == 303
    assert desk.act(number, "close", "done again").status_code == 409
    assert desk.act("PA-26-999999", "close", "done").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_form_of_a_foreign_site_is_refused(desk: Client, headers: dict[str, str]) -> None:
    number = desk.file()
    assert desk.act(number, "close", "gone", headers).status_code == 403
    assert desk.get(f"requests/{number}.json").json()[0]["status"] == "open"


def test_own_form_is_taken(desk: Client) -> None:
    number = desk.file()
    headers = {"Origin": desk.url, "Sec-Fetch-Site": "same-origin"}
    assert desk.act(number, "close", "done", headers).status_code == 303


def test_foreign_host_name_is_refused(desk: Client) -> None:
    assert requests.get(desk.url, headers={"Host": "evil.example"}, timeout=20).status_code == 400
    assert requests.get(desk.url.replace("127.0.0.1", "localhost"), timeout=20).status_code == 200


def test_hostile_text_stays_text(desk: Client) -> None:
    hostile = "\"><script>alert('x')</script><!--"
    number = desk.file(
        service_code="pothole",
        description=f"</p></textarea>{hostile}",
        address_string=hostile,
        address_id=hostile,
        media_url='https://x.example/"onmouseover="alert(1)',
        email=hostile,
        phone="<img src=x>",
        attribute__LANE="car",
    )
    desk.act(number, "close", f"note {hostile}")
    desk.act(number, "explode", f"</textarea>{hostile}")
    for page in (desk.page(), desk.page(f"/tickets/{number}"), desk.act(number, "x", f"</textarea>{hostile}").text):
        assert "<script" not in page
        assert "<img" not in page
        assert '"onmouseover' not in page
        assert page.count("</textarea>") <= 1
        assert "&lt;script&gt;" in page


def test_pages_load_nothing_and_say_so(desk: Client) -> None:
    answer = requests.get(desk.url, timeout=20)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert "src=" not in answer.text
    assert "<script" not in answer.text


def test_list_page_filters_and_turns(desk: Client) -> None:
    rows = [a_past_ticket(str(n), days=1 + n / 100) for n in range(60)]
    numbers = backfill(desk.database, rows)
    desk.act(numbers[0], "close", "done")
    first, second = desk.page(), desk.page("/?page=2")
    assert first.count("<tr>") == 51
    assert second.count("<tr>") == 11
    assert "Page 1 of 2" in first
    assert desk.page("/?status=closed").count("<tr>") == 2
    assert desk.page("/?status=nonsense&page=-7").count("<tr>") == 51
    assert desk.page("/?page=99999999999999999999").count("<tr>") == 51
    assert "There is no such ticket" in desk.page("/tickets/PA-26-999999")


# --- the past, the process, the settings


def test_backfill_is_safe_to_repeat_and_no_post(desk: Client) -> None:
    closed_at = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    requested_at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    rows = [
        a_past_ticket("a", requested_at=requested_at, closed_at=closed_at, status_notes="Duplicate"),
        a_past_ticket("b", 1),
    ]
    numbers = backfill(desk.database, rows)
    assert backfill(desk.database, [*rows, a_past_ticket("c", 2)])[:2] == numbers
    assert desk.stats() == {"posts_stored": 0, "posts_refused": 0, "tickets": 3}
    (ticket,) = desk.get(f"requests/{numbers[0]}.json").json()
    assert (ticket["status"], ticket["status_notes"]) == ("closed", "Duplicate")
    assert ticket["requested_datetime"] == "2026-03-01T08:00:00Z"
    assert ticket["updated_datetime"] == "2026-03-02T09:30:00Z"


def test_backfills_at_once_agree_on_the_numbers(desk: Client) -> None:
    rows = [a_past_ticket(str(n)) for n in range(20)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: backfill(desk.database, rows), range(8)))
    assert all(numbers == answers[0] for numbers in answers)
    assert desk.stats()["tickets"] == 20


def test_backfill_takes_aware_times_only_and_all_or_nothing(desk: Client) -> None:
    naive = datetime(2026, 3, 1, 8)  # noqa: DTZ001
    with pytest.raises(ValueError, match="aware"):
        backfill(desk.database, [a_past_ticket("a"), a_past_ticket("b", requested_at=naive)])
    assert desk.stats()["tickets"] == 0


@contextmanager
def process(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    path = tmp_path / "services.yaml"
    path.write_text(SERVICES, "utf-8")
    command = [sys.executable, "-m", "connector.demo.desk", "--port", str(port)]
    command += ["--database", str(tmp_path / "desk.sqlite"), "--services", str(path)]
    environment = {**os.environ, "DESK_API_KEY": KEY}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as child:
        try:
            for _ in range(200):
                try:
                    requests.get(f"http://127.0.0.1:{port}/stats.json", timeout=5)
                    break
                except requests.ConnectionError:
                    time.sleep(0.05)
            yield child
        finally:
            child.kill()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_what_was_answered_survives_a_kill_and_no_log_names_it(tmp_path: Path) -> None:
    port = free_port()
    client = Client(f"http://127.0.0.1:{port}", tmp_path / "desk.sqlite")
    with process(tmp_path, port) as child:
        number = client.file(description="secret words")
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    with process(tmp_path, port) as child:
        assert client.numbers() == [number]
        assert client.post(api_key="wrong", description="secret words").status_code == 403
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
        assert child.stderr is not None
        assert child.stderr.read() == ""


def test_interrupt_stops_it_cleanly(tmp_path: Path) -> None:
    with process(tmp_path, free_port()) as child:
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0


def test_desk_without_key_or_off_loopback_does_not_start(tmp_path: Path, services: list[Service]) -> None:
    with pytest.raises(ConfigError, match="DESK_API_KEY"):
        create_app(tmp_path / "desk.sqlite", services, "", "http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="loopback"):
        serve(tmp_path / "desk.sqlite", services, KEY, "0.0.0.0", 1)


@pytest.mark.parametrize(
    "text",
    [
        "- {service_code: a}",
        "- {service_code: a, service_name: A, colour: red}",
        "- {service_code: a, service_name: A, type: blackbox}",
        "- {service_code: a, service_name: A, attributes: [{code: X}]}",
        "- {service_code: a, service_name: A}\n- {service_code: a, service_name: B}",
        "[",
    ],
)
def test_wrong_service_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "services.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=re.escape(str(path))):
        load_services(path)
