"""A source is silent when it brings far less than it usually does at this hour, and never for any other reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.collect.silence import CHANCE, History, Quiet, chance, judged, usual

ZONE = ZoneInfo("America/Los_Angeles")
AT = datetime(2026, 11, 18, 20, 30, tzinfo=UTC)  # a Wednesday, half past twelve there
HOUR = timedelta(hours=1)


def hours(days: int, each: int, last: datetime = AT) -> dict[datetime, int]:
    """So many posts in every hour of so many whole days, the window of `last` left empty; and a first hour to skip."""
    first = last.replace(minute=0) - timedelta(days=days) - 2 * HOUR
    return {first + HOUR * n: each for n in range(24 * days + 1)}


def test_nothing_for_an_hour_and_a_half_where_much_is_usual_is_silence() -> None:
    assert judged(History(hours(7, 20), []), AT, ZONE) == Quiet(posts=0, usual=30, minutes=90)


def test_as_much_as_usual_is_not() -> None:
    known = hours(7, 20) | {AT.replace(minute=0) - HOUR: 18, AT.replace(minute=0): 9}
    assert judged(History(known, []), AT, ZONE) is None


def test_too_few_days_say_nothing() -> None:
    assert judged(History(hours(2, 200), []), AT, ZONE) is None
    assert judged(History(hours(3, 200), []), AT, ZONE)
    assert judged(History({}, []), AT, ZONE) is None


def test_a_source_that_brings_little_is_never_called_silent() -> None:
    assert judged(History(hours(10, 3), []), AT, ZONE) is None


def test_a_slow_hour_of_a_busy_source_is_not_silence() -> None:
    """Poisson's law alone would call it so: 3,100 of 6,000."""
    known = hours(7, 4000) | {AT.replace(minute=0) - HOUR: 3100}
    assert chance(3100, 6000) < CHANCE
    assert judged(History(known, []), AT, ZONE) is None
    assert judged(History(known | {AT.replace(minute=0) - HOUR: 2900}, []), AT, ZONE)


def test_once_posts_come_again_it_is_over_though_the_hour_before_was_empty() -> None:
    known = hours(7, 20) | {AT.replace(minute=0): 6}
    assert judged(History(known, []), AT, ZONE) is None


def test_weekends_have_a_usual_of_their_own_once_three_such_days_are_known() -> None:
    saturday = AT + timedelta(days=3)
    known = {
        hour: count if hour.astimezone(ZONE).weekday() < 5 else 2 for hour, count in hours(9, 40, saturday).items()
    }
    noon = saturday.replace(minute=0)
    assert usual(History(known, []), noon, ZONE) == pytest.approx((7 * 40 + 2 * 2) / 9), "only two weekend days"
    known = {
        hour: count if hour.astimezone(ZONE).weekday() < 5 else 2 for hour, count in hours(14, 40, saturday).items()
    }
    assert usual(History(known, []), noon, ZONE) == 2
    assert judged(History(known, []), saturday, ZONE) is None


def test_the_hour_of_the_day_is_the_citys_across_a_change_of_clocks() -> None:
    """On 1 November 2026 the clocks went back there: noon was 19 o'clock UTC before, and 20 o'clock after."""
    at = datetime(2026, 11, 3, 20, 0, tzinfo=UTC)
    known = {at - timedelta(days=9, hours=20): 0}
    known |= {(at.astimezone(ZONE) - timedelta(days=d)).astimezone(UTC): 50 for d in range(1, 10)}
    assert usual(History(known, []), at, ZONE) == 50


def test_days_on_which_it_was_not_read_teach_nothing() -> None:
    known = hours(6, 20)
    noon = AT.replace(minute=0)
    outage = [(noon - timedelta(days=d, minutes=-20), noon - timedelta(days=d, minutes=-40)) for d in (1, 2)]
    known |= {noon - timedelta(days=1): 900, noon - timedelta(days=2): 0}  # after an outage much comes at once
    assert usual(History(known, outage), noon, ZONE) == 20
    assert usual(History(known, []), noon, ZONE) != 20


def test_time_in_which_it_was_not_read_is_no_silence() -> None:
    away = [(AT - timedelta(minutes=85), AT - timedelta(minutes=1))]
    assert judged(History(hours(7, 20), away), AT, ZONE) is None
    assert judged(History(hours(7, 20), [(AT - timedelta(minutes=30), AT)]), AT, ZONE) == Quiet(0, 20, 90)


def test_a_long_silence_does_not_become_usual() -> None:
    began = AT - timedelta(days=20)
    known = hours(10, 20, began)
    assert judged(History(known, [], silent=[(began, AT)]), AT, ZONE)
    assert judged(History(known, []), AT, ZONE) is None


@given(st.integers(0, 60), st.floats(0.01, 120))
def test_chance_is_poissons(posts: int, rate: float) -> None:
    naive = sum(math.exp(-rate) * rate**n / math.factorial(n) for n in range(posts + 1))
    assert chance(posts, rate) == pytest.approx(naive, rel=1e-6, abs=1e-12)


@given(st.integers(0, 5000), st.integers(0, 100), st.floats(0.1, 5000))
def test_more_posts_are_never_less_likely_to_be_exceeded(posts: int, more: int, rate: float) -> None:
    assert chance(posts, rate) <= chance(posts + more, rate) + 1e-9 <= 1 + 1e-8


@given(st.integers(0, 20), st.integers(0, 400), st.integers(0, 500), st.integers(0, 59))
def test_who_brings_half_of_the_usual_is_never_called_silent(days: int, each: int, here: int, minute: int) -> None:
    at = AT.replace(minute=minute)
    history = History(hours(days, each, at) | {at.replace(minute=0) - HOUR: here}, [])
    found = judged(history, at, ZONE)
    expected = each * (1 + minute / 60)
    assert found is None or (days >= 3 and expected >= 5 and found.posts < expected / 2)
    if days >= 3 and expected >= 14 and here == 0:
        assert found, "nothing at all where 14 are usual has a chance of one in a million"
