"""The Open311 channel against a real loopback server: what it sends, what it makes of answers, how it finds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connector.dispatch import Absent, Found, Receipt, Service, TicketRef, Unknown
from connector.dispatch._georeport import LONGEST, description, moment
from connector.dispatch._text import units
from connector.dispatch.open311 import Open311
from connector.errors import AuthError, ConfigError, RefusedError, TemporaryError, UnclearError
from tests.contracts import SECRET, HttpChannelContract, a_request, assert_tells_nothing
from tests.servers import Asked, HttpServer, Says, http_server, loopback_certificate, says_json, says_xml

SERVICES = [{"service_code": "001", "service_name": "Pothole", "metadata": False, "type": "realtime"}]


class Desk:
    """A server that keeps what it is sent; `rows` may be filled by the test."""

    def __init__(self, *rows: dict[str, Any], cut: int = 1000, honours_dates: bool = True) -> None:
        self.rows, self.cut, self.honours_dates = list(rows), cut, honours_dates
        self.services: list[dict[str, Any]] = SERVICES

    def __call__(self, asked: Asked) -> Says:
        query = dict(asked.query)
        if asked.method == "POST":
            number = str(len(self.rows) + 1).zfill(3)
            at = datetime.now(UTC).isoformat()
            self.rows.append({"service_request_id": number, "requested_datetime": at, "status": "open"} | asked.field)
            return says_json([{"service_request_id": number}], 201)
        if asked.path.endswith("/services.json"):
            return says_json(self.services)
        if numbers := query.get("service_request_id"):
            return says_json([row for row in self.rows if row["service_request_id"] in numbers.split(",")])
        if "start_date" not in query:
            return says_json([{"code": 404, "description": "not found"}], 404)
        span = [datetime.fromisoformat(query[name]) for name in ("start_date", "end_date")]
        found = [
            row
            for row in self.rows
            if row["service_code"] == query["service_code"]
            and (not self.honours_dates or span[0] <= datetime.fromisoformat(row["requested_datetime"]) <= span[1])
        ]
        return says_json(found[::-1][: self.cut])


def rows_of(count: int, seconds_apart: float = 60) -> list[dict[str, Any]]:
    now = datetime.now(UTC)
    return [
        {
            "service_request_id": f"{at:04}",
            "service_code": "001",
            "requested_datetime": (now - timedelta(seconds=seconds_apart * (count - at))).isoformat(),
            "description": f"Report {at} of somebody else",
            "status": "open",
        }
        for at in range(count)
    ]


class TestOpen311(HttpChannelContract):
    kind = "open311"

    @property
    def created(self) -> Desk:
        return Desk()

    @pytest.fixture
    def settings(self, server: HttpServer) -> dict[str, Any]:
        return {"endpoint": f"{server.url}/open311/v2/", "api_key": SECRET}

    def test_the_form_is_as_specified(self, server: HttpServer, settings: Any, tmp_path: Path) -> None:
        channel = self.load(settings | {"jurisdiction_id": "city.example"}, tmp_path)
        answers = {"SIZE": "big", "KIND": ["a", "b"], "LIT": True, "NONE": None, "EMPTY": ""}
        channel.send(a_request(attributes=answers))
        (asked,) = server.asked
        assert (asked.method, asked.path) == ("POST", "/open311/v2/requests.json")
        assert asked.query == [("jurisdiction_id", "city.example")]
        assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
        field = asked.field
        assert field["api_key"] == SECRET
        assert field["jurisdiction_id"] == "city.example"
        assert field["service_code"] == "001"
        assert (field["lat"], field["long"]) == ("45.512345", "-122.658765")
        assert field["address_string"] == "Quarry Rd & Elm St"
        assert field["description"].endswith("\nReference: SC-7F3K9Q")
        assert [pair for pair in asked.fields if pair[0].startswith("attribute")] == [
            ("attribute[SIZE]", "big"),
            ("attribute[KIND][]", "a"),
            ("attribute[KIND][]", "b"),
            ("attribute[LIT]", "true"),
        ]
        assert not {"first_name", "last_name", "email", "phone", "device_id", "media_url"} & field.keys()

    def test_no_key_in_any_address(self, server: HttpServer, channel: Open311) -> None:
        channel.send(a_request())
        channel.find(a_request())
        channel.status([TicketRef(number="001"), TicketRef(token="t")])
        channel.services()
        assert all(SECRET not in json.dumps([asked.path, asked.query, asked.headers]) for asked in server.asked)

    @pytest.mark.parametrize(
        ("changes", "why"),
        [
            ({"service_code": ""}, "No service code"),
            ({"place": "", "lat": None}, "needs a place"),
        ],
    )
    def test_what_they_would_surely_refuse_is_not_sent(
        self, changes: dict[str, Any], why: str, server: HttpServer, channel: Open311
    ) -> None:
        with pytest.raises(RefusedError, match=why):
            channel.send(a_request(**changes))
        assert server.asked == []

    def test_a_post_without_a_place_is_filed_where_the_city_said(
        self, server: HttpServer, settings: dict[str, Any], tmp_path: Path
    ) -> None:
        channel = self.load(settings | {"no_place": "Testville, place not told"}, tmp_path)
        channel.send(a_request(place="", lat=None, lon=None))
        channel.send(a_request(place=""))
        assert [asked.field.get("address_string") for asked in server.asked] == ["Testville, place not told", None]

    @pytest.mark.parametrize(
        ("says", "receipt"),
        [
            (says_json([{"service_request_id": 638344}]), Receipt("638344", url="https://desk.example/638344")),
            (
                Says(200, b'[{"service_request_id":001,}]'.replace(b",}", b"}")),
                Receipt("001", url="https://desk.example/001"),
            ),
            (says_json([{"service_request_id": "a/1"}]), Receipt("a/1", url="https://desk.example/a%2F1")),
            (says_json([{"token": "12345"}]), Receipt(token="12345")),
            (says_json([{"service_request_id": None, "token": "12345"}]), Receipt(token="12345")),
            (
                says_json([{"service_request_id": "", "service_notice": "Thanks"}]),
                Receipt(notice="Thanks", trackable=False),
            ),
            (
                says_json([{"service_request_id": {}, "service_notice": "Thanks"}]),
                Receipt(notice="Thanks", trackable=False),
            ),
            (
                says_json({"service_requests": {"request": {"service_request_id": "7"}}}),
                Receipt("7", url="https://desk.example/7"),
            ),
            (
                says_xml(
                    "<service_requests><request><service_request_id>001</service_request_id></request></service_requests>"
                ),
                Receipt("001", url="https://desk.example/001"),
            ),
            (says_xml("<service_requests><request><token>9</token></request></service_requests>"), Receipt(token="9")),
            (
                says_xml("<service_requests><request><service_notice>Hi</service_notice></request></service_requests>"),
                Receipt(notice="Hi", trackable=False),
            ),
        ],
    )
    def test_receipts(self, says: Says, receipt: Receipt, server: HttpServer, settings: Any, tmp_path: Path) -> None:
        channel = self.load(settings | {"ticket_url": "https://desk.example/{number}"}, tmp_path)
        server.then(says)
        assert channel.send(a_request()) == receipt

    @pytest.mark.parametrize(
        ("says", "kind", "words"),
        [
            (says_json([{"code": 400, "description": "The CRM is down"}], 400), TemporaryError, "CRM is down"),
            (says_json([{"code": 400, "description": "Please try again later"}], 400), TemporaryError, "try again"),
            (says_json([{"code": 503, "description": "busy"}], 400), TemporaryError, "busy"),
            (says_json([{"code": 400, "description": "General service error"}], 400), UnclearError, "General"),
            (says_json([{"code": 400, "description": "lat is required"}], 400), RefusedError, "lat is required"),
            (says_json({"lat": ["This field is required."]}, 400), RefusedError, "lat: This field"),
            (says_json({"code": 400, "detail": ["Invalid API key"]}, 400), AuthError, "Invalid API key"),
            (says_json([{"code": 403, "description": "no"}], 400), RefusedError, "no"),
            (says_json([{"code": 403, "description": "api_key is not known"}], 403), AuthError, "api_key"),
            (says_json([{"code": 403, "description": "This service is closed"}], 403), RefusedError, "closed"),
            (says_json([{"code": 400, "description": "lat is required"}], 200), RefusedError, "lat is required"),
            (says_xml("<errors><error><description>No such service</description></error></errors>", 404),
             RefusedError, "No such service"),
            (says_json([], 200), UnclearError, "cannot be read"),
            (says_json([{}], 200), UnclearError, "cannot be read"),
            (says_json([{"service_request_id": "1"}, {"service_request_id": "2"}]), UnclearError, "cannot be read"),
            (says_json("thanks"), UnclearError, "cannot be read"),
            (says_xml("<!DOCTYPE x [<!ENTITY e 'e'>]><x>&e;</x>"), UnclearError, "cannot be read"),
        ],
    )  # fmt: skip
    def test_refusals(self, says: Says, kind: Any, words: str, server: HttpServer, channel: Open311) -> None:
        server.then(says)
        with pytest.raises(kind, match=words) as caught:
            channel.send(a_request())
        assert_tells_nothing(caught.value)

    def test_a_post_about_a_broken_server_is_no_broken_server(self, server: HttpServer, channel: Open311) -> None:
        text = "the stop sign is down and the api key is on the pole"
        server.then(says_json([{"code": 400, "description": f"Not allowed here: {text}"}], 400))
        with pytest.raises(RefusedError):
            channel.send(a_request(text=text))

    def test_finds_its_own_reference_only(self, channel: Open311) -> None:
        channel.send(a_request(reference="SC-OTHER1", text="see Reference: SC-7F3K9Q for more"))
        assert channel.find(a_request()) == Absent()
        channel.send(a_request())
        assert channel.find(a_request()) == Found(Receipt("002"))

    def test_looks_around_the_time_of_acceptance(self, server: HttpServer, channel: Open311) -> None:
        accepted = datetime.now(UTC) - timedelta(days=3)
        channel.find(a_request(accepted_at=accepted))
        query = dict(server.asked[0].query)
        assert query["service_code"] == "001"
        start, end = (datetime.fromisoformat(query[name]) for name in ("start_date", "end_date"))
        assert start < accepted < datetime.now(UTC) < end
        assert end - start <= timedelta(days=90)

    def test_nothing_is_absent_beyond_the_longest_span(self, channel: Open311) -> None:
        old = a_request(accepted_at=datetime.now(UTC) - timedelta(days=200))
        assert isinstance(channel.find(old), Unknown)

    @pytest.mark.parametrize("count", [20, 50, 1000])
    def test_a_cut_list_is_asked_for_in_halves(self, count: int, server: HttpServer, channel: Open311) -> None:
        desk = Desk(*rows_of(count * 2, seconds_apart=30), cut=count)
        server.then(desk)
        assert channel.find(a_request()) == Absent()
        desk.rows[0]["description"] = description(a_request())
        assert channel.find(a_request()) == Found(Receipt("0000"))

    def test_a_list_of_a_usual_length_may_be_whole(self, server: HttpServer, channel: Open311) -> None:
        server.then(Desk(*rows_of(50)))
        assert channel.find(a_request()) == Absent()

    def test_a_cut_list_that_ignores_dates_is_unknown(self, server: HttpServer, channel: Open311) -> None:
        server.then(Desk(*rows_of(60), cut=20, honours_dates=False))
        assert isinstance(channel.find(a_request()), Unknown)
        assert len(server.asked) < 50

    def test_pages_they_tell_of_are_believed(self, server: HttpServer, channel: Open311) -> None:
        server.then(says_json(rows_of(7), X_Page_Count="3"))
        assert isinstance(channel.find(a_request()), Unknown)
        server.then(says_json(rows_of(20), X_Page_Count="1"), says_json(SERVICES))
        assert channel.find(a_request()) == Absent()

    @pytest.mark.parametrize("hidden", ["", None, "Huge crater swallowed my bicycle wheel…", "Huge crater swallowed"])
    def test_a_list_without_whole_descriptions_proves_nothing(
        self, hidden: str | None, server: HttpServer, channel: Open311
    ) -> None:
        server.then(says_json([rows_of(1)[0] | {"description": hidden}]))
        assert isinstance(channel.find(a_request()), Unknown)
        far = {"lat": "45.7", "long": "-122.6"}
        server.then(says_json([rows_of(1)[0] | {"description": hidden} | far]), says_json(SERVICES))
        assert channel.find(a_request()) == Absent()

    def test_a_service_that_lists_late_proves_nothing(self, server: HttpServer, channel: Open311) -> None:
        desk = Desk()
        server.then(desk)
        desk.services = [SERVICES[0] | {"type": "batch"}]
        assert isinstance(channel.find(a_request()), Unknown)

    def test_a_readable_404_is_an_empty_list(self, server: HttpServer, channel: Open311) -> None:
        server.then(says_json([{"code": 404, "description": "none"}], 404))
        assert channel.find(a_request()) == Absent()
        server.then(Says(404, b"<!DOCTYPE html><html><p>wrong address</html>"))
        assert isinstance(channel.find(a_request()), Unknown)

    def test_follows_many_at_once(self, server: HttpServer, channel: Open311) -> None:
        row = {"status_notes": "Duplicate request.\u202e", "updated_datetime": "2026-11-20T10:00:00.123-08:00"}
        server.then(
            says_json(
                [
                    {"service_request_id": "001", "status": "Closed"} | row,
                    {"service_request_id": 2, "status": "in_progress", "updated_datetime": "2026-11-20T10:00:00"},
                ]
            )
        )
        one, two = channel.status([TicketRef("001"), TicketRef("2")])
        assert dict(server.asked[0].query) == {"service_request_id": "001,2"}
        assert len(server.asked) == 1
        assert (one.closed, one.status, one.notes) == (True, "Closed", "Duplicate request.")
        assert one.changed_at == datetime(2026, 11, 20, 18, tzinfo=UTC)
        assert (two.number, two.closed, two.status) == ("2", False, "in_progress")
        assert two.changed_at == datetime(2026, 11, 20, 10, tzinfo=UTC)

    def test_the_missing_ones_are_asked_singly(self, server: HttpServer, channel: Open311) -> None:
        def first_only(asked: Asked) -> Says:
            asked_for = dict(asked.query).get("service_request_id") or Path(asked.path).stem
            first = asked_for.split(",")[0]
            known = first in ("1", "2", "3")
            return says_json([{"service_request_id": first, "status": "open"}] if known else [], 200 if known else 404)

        server.then(first_only)
        states = channel.status([TicketRef(n) for n in ("1", "2", "gone", "3")])
        assert [state.number for state in states] == ["1", "2", "3"]
        assert len(server.asked) == 4

    def test_a_wrong_address_is_no_vanished_ticket(self, server: HttpServer, channel: Open311) -> None:
        server.then(Says(404, b"<html>not here</html>"))
        with pytest.raises(RefusedError):
            channel.status([TicketRef("1"), TicketRef("2")])

    def test_a_token_becomes_a_number(self, server: HttpServer, channel: Open311) -> None:
        ref = TicketRef(token="a b/1", reference="SC-7F3K9Q")
        server.then(says_json([{"service_request_id": "", "token": "a b/1"}]))
        (state,) = channel.status([ref])
        assert (state.ref, state.number, state.closed) == (ref, "", False)
        assert server.asked[0].path == "/open311/v2/tokens/a%20b%2F1.json"
        server.then(
            says_json([{"service_request_id": "638344", "token": "a b/1"}]),
            says_json([{"service_request_id": "638344", "status": "open"}]),
        )
        (state,) = channel.status([ref])
        assert (state.ref, state.number, state.status) == (ref, "638344", "open")

    def test_nothing_to_follow_asks_nothing(self, server: HttpServer, channel: Open311) -> None:
        assert channel.status([]) == []
        assert channel.status([TicketRef(reference="SC-7F3K9Q")]) == []
        assert server.asked == []

    def test_services_with_what_they_demand(self, server: HttpServer, channel: Open311) -> None:
        asks = [
            {"code": "SIZE", "required": True, "variable": True},
            {"code": "NOTE", "required": True, "variable": False},
            {"code": "HUE", "required": False, "variable": True},
            {"code": "404", "required": "true", "variable": "true"},
        ]
        server.then(
            says_json([*SERVICES, SERVICES[0] | {"service_code": "2", "metadata": True}]),
            says_json({"service_code": "2", "attributes": asks}),
        )
        assert channel.services() == [
            Service("001", "Pothole"),
            Service("2", "Pothole", needs=("SIZE", "404")),
        ]

    def test_an_untrusted_certificate_sends_nothing(self, settings: dict[str, Any], tmp_path: Path) -> None:
        with http_server(loopback_certificate(tmp_path)) as server:
            with pytest.raises(AuthError, match="certificate") as caught:
                self.load(settings | {"endpoint": server.url}, tmp_path).send(a_request())
            assert_tells_nothing(caught.value)
            assert server.asked == []

    def test_a_server_without_tls_is_sent_nothing(self, server: HttpServer, settings: Any, tmp_path: Path) -> None:
        there = server.url.replace("http:", "https:")
        with pytest.raises(TemporaryError, match="encrypted"):
            self.load(settings | {"endpoint": there}, tmp_path).send(a_request())
        assert server.asked == []

    @pytest.mark.parametrize(
        "endpoint",
        [
            "",
            "311.example.gov",
            "ftp://311.example.gov",
            "https://",
            "https://311.example.gov/?api_key=x",
            "https://a:b@c.example",
        ],
    )
    def test_the_endpoint_is_an_address(self, endpoint: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="endpoint"):
            self.load({"endpoint": endpoint, "api_key": SECRET}, tmp_path)


class TestDescription:
    def test_reads_well(self) -> None:
        request = a_request(text="Hole <b>here</b>\r\nreally\x00 deep\u202e", people=2)
        assert description(request) == (
            "Hole ‹b›here‹/b›\nreally deep\n\nReported by 2 people\n"
            "https://x.com/i/web/status/1\nhttps://x.com/i/web/status/2\nReference: SC-7F3K9Q"
        )

    @pytest.mark.parametrize("letter", ["a", "ä", "🕳", "<"])
    @pytest.mark.parametrize("links", [0, 3, 60, 1000])
    def test_keeps_reference_and_links_within_the_limit(self, letter: str, links: int) -> None:
        addresses = tuple(f"https://x.com/i/web/status/{at:019}" for at in range(links))
        told = description(a_request(text=letter * 10_000, links=addresses))
        assert units(told) <= LONGEST
        assert told.endswith("\nReference: SC-7F3K9Q")
        assert "…" in told
        kept = sum(address in told for address in addresses)
        assert kept == links or f"… and {links - kept} more" in told
        assert kept >= min(links, 60)
        told.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-11-20T10:00:00Z", 10),
        ("2026-11-20T10:00:00.999999+02:00", 8),
        ("2026-11-20T10:00:00", 10),
        ("", None),
        ("x", None),
    ],
)
def test_their_times_are_aware_utc(text: str, hour: int | None) -> None:
    read = moment(text)
    assert (read.hour if read else None) == hour
    assert read is None or (read.utcoffset() == timedelta(0) and read.microsecond == 0)
