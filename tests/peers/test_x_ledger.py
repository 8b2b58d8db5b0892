"""The simulator's account of what nobody could get, against a naive reading moment by moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.peers.x_ledger import lost, silences

moments = st.integers(0, 30)
intervals = st.lists(st.tuples(moments, moments).map(sorted).map(tuple), max_size=5)


def inside(half: float, among: list[tuple[float, float]]) -> bool:
    return any(begin <= half < end for begin, end in among)


@given(intervals)
def test_silences_are_all_that_no_connection_covers(live: list[tuple[float, float]]) -> None:
    quiet = silences(live, 0, 30)
    for moment in range(30):
        assert inside(moment + 0.5, quiet) != inside(moment + 0.5, live)


@given(intervals, st.lists(st.tuples(moments, moments, moments), max_size=5))
def test_moment_is_lost_if_it_was_too_old_for_the_first_search_that_was_late_enough(
    live: list[tuple[float, float]], asked: list[tuple[int, int, int]]
) -> None:
    searches, earliest = [], 0
    for at, back, lag in sorted(asked):
        earliest = max(earliest, at - back)  # the horizon never moves back
        searches.append((at, earliest, at - lag % 3))
    quiet = silences(live, 0, 30)
    gone = lost(quiet, searches)
    for moment in range(30):
        half = moment + 0.5
        first = next((earliest for _, earliest, newest in searches if newest > half), None)
        assert inside(half, gone) == (inside(half, quiet) and first is not None and half < first)


def test_what_is_newer_than_every_search_is_not_lost_yet() -> None:
    assert lost([(10, 20)], [(15, 12, 15)]) == [(10, 12)]
