"""What makes two posts tell of one problem: pure, without tables."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.triage.near import FAR, SURE, Sight, distance, same
from connector.triage.near_keys import around, cell
from connector.triage.wording import is_copy

DAY = 86_400
HERE = (45.0, -122.0)
HOLE = "Huge pothole in front of the bakery swallowed my front wheel"


def sight(text: str = HOLE, **values: object) -> Sight:
    given = {"type_id": 1, "at": 0.0, "lat": HERE[0], "lon": HERE[1], "author": "ann"} | values
    return Sight(text=text, **given)  # type: ignore[arg-type]


def nowhere(text: str, **values: object) -> Sight:
    return sight(text, lat=None, lon=None, **values)


def joins(a: Sight, b: Sight, days: float = 14, refers: bool = False) -> bool:
    return same(a, b, days, refers=refers) >= SURE


def test_two_people_on_one_spot_within_the_hour_tell_of_one_problem() -> None:
    assert joins(sight(), sight("blew a tire right here, what a crater", at=1800.0, author="bo"))


def test_other_words_days_later_do_not() -> None:
    assert not joins(sight(), sight("The asphalt was patched badly", at=9.0 * DAY, author="bo"))


def test_copies_join_without_a_place_whatever_handles_links_and_signs_they_hold() -> None:
    copy = f"RT @someone: {HOLE.upper()}!! https://example.org/1"
    assert is_copy(HOLE, copy)
    assert joins(nowhere(HOLE), nowhere(copy, author="bo", at=3.0 * DAY))


def test_two_words_are_no_copy() -> None:
    assert not joins(nowhere("Pothole!"), nowhere("pothole", author="bo"))


def test_near_copy_joins_without_a_place() -> None:
    assert joins(nowhere(HOLE), nowhere("Huge pothole in front of the bakery just swallowed my whole front wheel"))


def test_same_kind_of_thing_without_a_place_does_not() -> None:
    assert not joins(nowhere("There is a pothole"), nowhere("Another pothole today, I am so tired of it", author="bo"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Please replace the lamp at pole 4063, it is dark", "Please replace the lamp at pole 3014, it is dark"),
        ("Broken lamp at 120 Willow Street", "Broken lamp at 484 Willow Street"),
        ("A dead deer lies here on the road", "A dead raccoon lies here on the road"),
    ],
)
def test_what_contradicts_stays_apart(one: str, other: str) -> None:
    assert not joins(sight(one), sight(other, author="bo", at=60.0))


def test_who_answers_or_quotes_a_post_means_its_problem() -> None:
    reply = nowhere("Still there, saw it again", author="bo", at=5.0 * DAY)
    assert joins(sight(), reply, refers=True)
    assert not joins(sight(), reply)
    assert not joins(sight(), nowhere("We lost power too", type_id=2), refers=True)


def test_same_author_telling_again_joins() -> None:
    again = "reported this four days ago, my wheel did not survive that pothole by the bakery"
    assert joins(sight(), sight(again, at=4.0 * DAY))


def test_a_street_alone_is_no_spot() -> None:
    assert not joins(sight(spot=False), sight("blew a tire right here", author="bo", spot=False))


@given(st.floats(0, 60), st.floats(0.1, 30), st.booleans())
def test_nothing_joins_beyond_the_window(days: float, window: float, refers: bool) -> None:
    assume(abs(days - window) > 1e-6)
    assert (same(sight(), sight(at=days * DAY), window, refers=refers) >= SURE) == (days < window)


@given(st.floats(-89, 89), st.floats(-179, 179), st.floats(-300, 300), st.floats(-300, 300))
def test_nothing_joins_beyond_the_widest_distance_and_all_within_is_found(
    lat: float, lon: float, north: float, east: float
) -> None:
    a = sight(lat=lat, lon=lon)
    wide = max(0.05, 1 - (abs(lat) / 90) ** 2)  # about the cosine
    b = sight(lat=lat + north / 111_195, lon=lon + east / 111_195 / wide)
    metres = distance(a, b)
    assert metres is not None
    assert joins(a, b) == (metres <= FAR)
    if metres < FAR and abs(lat) < 85:
        assert cell(1, b.lat or 0, b.lon or 0) in around(1, lat, lon)


@given(st.text(), st.text(), st.floats(0, 100 * DAY))
def test_it_is_the_same_from_either_side(one: str, other: str, at: float) -> None:
    a, b = sight(one), sight(other, at=at)
    assert same(a, b, 14) == pytest.approx(same(b, a, 14))
    assert 0 <= same(a, b, 14) <= 1
