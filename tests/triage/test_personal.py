"""What is personal in a text is found by its kind, and where the problem is stays legible."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.triage import personal


def found(text: str, **told: str) -> list[tuple[str, str]]:
    return [(kind, text[start:end]) for start, end, kind in personal.spans(text, **told)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Call me at (206) 555-0142 about it", [("phone", "(206) 555-0142")]),
        ("text 206.555.0142 or +44 20 7946 0958", [("phone", "206.555.0142"), ("phone", "+44 20 7946 0958")]),
        ("mail ann.lee+city@example.org please", [("email", "ann.lee+city@example.org")]),
        ("abandoned van, license plate 7ABC123, Elm St", [("plate", "7ABC123")]),
        ("las placas son ABC-123-D y no se mueve", [("plate", "ABC-123-D")]),
        ("my card 4111 1111 1111 1111 was charged twice", [("card", "4111 1111 1111 1111")]),
        ("they asked for my social 219-09-9999", [("identity", "219-09-9999")]),
        ("driver's license number D1234567 was in the bag", [("identity", "D1234567")]),
        ("She was born on 04/12/1951 and cannot walk that far", [("birth", "04/12/1951")]),
        ("DOB: March 4, 1962", [("birth", "March 4, 1962")]),
        ("Mi hija nació el 4 de mayo de 2012", [("birth", "4 de mayo de 2012")]),
        ("I live at 12 Oak St, the noise is at the stadium", [("home", "12 Oak St")]),
        (
            "My address is 1400 N Cedar Avenue, Apt 4B. The pothole is on Mill",
            [("home", "1400 N Cedar Avenue, Apt 4B")],
        ),
        ("Vivo en la calle Roble 45 y el bache está en la plaza", [("home", "la calle Roble 45")]),
    ],
)
def test_each_kind_is_found_where_it_stands(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Pothole at 214 Birch Street, corner of 5th",
        "I live on Elm and the light at 12 Oak St is out",
        "I live at 12 Oak St and there is a pothole in front",
        "My house, 12 Oak St: the street is flooded outside",
        "Call 311 or 911",
        "case number 2065550142 is still open",
        "Ticket #206-555-0142 was closed",
        "The steel plate on 5th is loose since 2019",
        "Built in 1951, opened 04/12/1951",
        "Order 4111 1111 1111 1112",
        "bus 45 at 10:30, 3 times in 12 days",
        "47.6062, -122.3321",
        "@somebody look at this",
    ],
)
def test_places_times_and_our_own_numbers_are_nobodys(text: str) -> None:
    assert found(text) == []


def test_a_telephone_number_is_read_as_the_citys_country_writes_it() -> None:
    text = "Appelez le 01 42 68 53 00"
    assert found(text) == []
    assert found(text, country="FR") == [("phone", "01 42 68 53 00")]


def test_the_place_of_the_problem_is_never_masked() -> None:
    text = "I live at 12 Oak St. Huge pothole."
    assert personal.masked(text) == "I live at [home address]. Huge pothole."
    assert personal.masked(text, place="12 Oak St") == text


def test_what_leaves_says_what_was_there_and_a_plate_stays() -> None:
    text = "Van, plate 7ABC123, blocks the ramp. ann@example.org, 206-555-0142"
    assert personal.masked(text) == "Van, plate 7ABC123, blocks the ramp. [e-mail address], [phone number]"


@given(st.text(max_size=200) | st.from_regex(r"[\w @.:#+()-]{0,80}\d{3}-\d{2,3}-\d{4}[\w @.]{0,40}", fullmatch=True))
def test_spans_are_in_order_apart_and_within_the_text(text: str) -> None:
    spans = personal.spans(text)
    edges = [edge for start, end, _ in spans for edge in (start, end)]
    assert edges == sorted(edges)
    assert all(start < end <= len(text) and kind in personal.KINDS for start, end, kind in spans)


@given(st.text(alphabet="0123456789-. ()+@abc", max_size=60))
def test_masking_twice_changes_nothing_more(text: str) -> None:
    once = personal.masked(text)
    assert personal.masked(once) == once
