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


@given(intervals, st.lists(st.tuples(moments, moments, moments, moments), max_size=5))
def test_moment_is_lost_if_it_was_too_old_for_the_first_answer_that_could_tell_of_it(
    live: list[tuple[float, float]], asked: list[tuple[int, int, int, int]]
) -> None:
    searches, earliest = [], 0
    for at, ago, lag, page in sorted(asked):
        earliest = max(earliest, at - ago)  # the horizon never moves back
        searches.append((at, earliest, at - lag % 3, max(earliest, at - page)))
    quiet = silences(live, 0, 30)
    gone = lost(quiet, searches)
    for moment in range(30):
        half = moment + 0.5
        telling = (old for _, old, newest, back in searches if half < newest and (half < old or half > back))
        first = next(telling, None)
        assert inside(half, gone) == (inside(half, quiet) and first is not None and half < first)


def test_what_is_newer_than_every_search_is_not_lost_yet() -> None:
    assert lost([(10, 20)], [(15, 12, 15, 12)]) == [(10, 12)]


def test_what_lay_behind_a_page_and_was_forgotten_before_the_next_is_lost() -> None:
    assert lost([(10, 20)], [(21, 0, 21, 17), (22, 15, 22, 15)]) == [(10, 15)]
