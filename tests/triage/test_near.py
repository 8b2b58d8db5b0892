"""What makes two posts tell of one problem: pure, without tables."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connector.triage.near import (
    FAR,
    SURE,
    Sight,
    around,
    bands,
    bands_and_wordings,
    cell,
    distance,
    is_copy,
    remember,
    same,
    told,
    wording,
)

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


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert told(text).words == set(wording(text).telling.split())
    assert len(bands([(1, text)])[0]) in (0, 4)


def test_copies_meet_in_every_band_and_likenesses_in_some() -> None:
    one, copy, like, other, typed = bands(
        [(1, HOLE), (1, f"{HOLE} @bo"), (1, f"{HOLE} yesterday"), (1, "The swings in the park are rusty"), (2, HOLE)]
    )
    assert one == copy
    assert set(one) & set(like)
    assert not set(one) & set(other)
    assert not set(one) & set(typed)


def test_keys_are_those_under_which_suspects_are_stored() -> None:
    assert bands([(3, HOLE)]) == [
        (1513334077544704136, 5477334550428954418, -7885992275477386105, 3913321119702734268)
    ]  # fmt: skip
    assert cell(3, *HERE) == 3320367650464947632
    assert around(3, *HERE) == (
        3320367650464947632, -3725661582696903671, -1269212232298920327, -3960555890724931810
    )  # fmt: skip
    assert cell(3, -33.9, 151.2) == 4925692169623392708


@given(st.lists(st.tuples(st.integers(-1, 10**6), st.sampled_from([HOLE, "Pothole!", "The swings in the park rust"]))))
def test_a_batch_has_the_keys_of_its_texts_one_by_one(texts: list[tuple[int, str]]) -> None:
    assert bands(texts) == [bands([one])[0] for one in texts]


@pytest.mark.parametrize(
    ("text", "copy"),
    [
        ("See https://t.co/aB1 and www.example.org/x, it's BROKEN", "see and it's broken"),
        ("t.co/aB1 www.http://example.org gone", "gone"),
        ("nothing://\nhere/there", "nothing here there"),
        ("RT @ann_b: 'Tis the café's _old_ rock'n'roll @bo.example.org", "tis the cafe's old rock'n'roll"),
        ("the bar''s sign'", "the bar s sign"),
        ("\ufdd012\ufdd1 Straße x_y 5th", "straße x y 5th"),
    ],
)
def test_a_copy_is_told_by_its_words_alone(text: str, copy: str) -> None:
    assert wording(text).copy == copy


def test_what_another_process_read_out_of_a_text_is_not_read_again() -> None:
    text = "A hole as deep as a bathtub, seen by nobody else"
    [(keys, read)] = bands_and_wordings([(3, text)])
    assert (keys, read) == (bands([(3, text)])[0], wording(text))
    remember("sent from elsewhere", read)
    assert is_copy("sent from elsewhere", text)


def test_neighbouring_squares_are_told_apart() -> None:
    squares = {cell(kind, 45 + n * 0.01, -122 + e * 0.01) for kind, n, e in product((1, 2), range(9), range(9))}
    assert len(squares) == 2 * 81
    assert all(-(2**63) <= square < 2**63 for square in squares)


_FORKS = """
import os, sys
from connector.triage.near import bands
texts = [(1, f"pothole number {number} on Elm Street is deep") for number in range(400)]
told = bands(texts)
child = os.fork()
if not child:
    os._exit(bands(texts) != told)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_finds_bands_as_its_parent_did() -> None:
    done = subprocess.run([sys.executable, "-c", _FORKS], timeout=30, cwd=Path(__file__).parents[2])
    assert done.returncode == 0
