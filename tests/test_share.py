"""Shares with Wilson's interval: known values, and the laws that it obeys."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.share import Share

wholes = st.integers(1, 10_000)
shares = wholes.flatmap(lambda whole: st.integers(0, whole).map(lambda part: Share(part, whole)))


# By hand from Wilson's formula with 1.96.
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [(0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662), (1, 1, 0.2065, 1)],
)
def test_known_intervals(part: int, whole: int, low: float, high: float) -> None:
    assert (Share(part, whole).low, Share(part, whole).high) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_says_nothing() -> None:
    share = Share(0, 0)
    assert (share.value, share.low, share.high) == (None, 0, 1)
    assert str(share) == "unknown"


def test_a_share_is_told_with_its_interval_and_counts() -> None:
    assert str(Share(80, 90)) == "89 % (81 %–94 %, 80 of 90)"


@given(shares)
def test_the_interval_holds_the_share_and_lies_between_none_and_all(share: Share) -> None:
    assert share.value is not None
    assert 0 <= share.low <= share.value <= share.high <= 1


@given(shares)
def test_what_is_no_part_has_the_mirrored_interval(share: Share) -> None:
    rest = Share(share.whole - share.part, share.whole)
    assert (rest.low, rest.high) == pytest.approx((1 - share.high, 1 - share.low))


@given(shares, st.integers(2, 50))
def test_more_cases_of_the_same_share_are_surer(share: Share, times: int) -> None:
    more = Share(share.part * times, share.whole * times)
    assert more.high - more.low < share.high - share.low


@given(shares)
def test_the_ends_are_the_shares_that_a_test_would_just_not_reject(share: Share) -> None:
    assert share.value is not None
    for end in (share.low, share.high):
        if 0 < end < 1:
            assert abs(share.value - end) == pytest.approx(1.96 * math.sqrt(end * (1 - end) / share.whole))
