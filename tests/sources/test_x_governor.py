"""The waits before X's stream is opened again: X's documented ones, and no way around them."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sources.x.governor import Failure, Governor

DOCUMENTED = {
    Failure.NETWORK: [0.0, 0.25, 0.5, 0.75, 1.0],
    Failure.SERVER: [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 320.0],
    Failure.RATE: [60.0, 120.0, 240.0, 480.0],
}
LONGEST = {Failure.NETWORK: 16.0, Failure.SERVER: 320.0, Failure.RATE: 960.0}
SETTLED = 60.0


@dataclass
class Time:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Setting:
    time: Time = field(default_factory=Time)

    def __post_init__(self) -> None:
        self.governor = Governor(self.time, SETTLED)

    def stream(self, lasts: float, brings: bool = True) -> None:
        self.governor.accepted()
        if brings:
            self.governor.heard()
        self.time.now += lasts


@pytest.mark.parametrize("failure", Failure)
def test_waits_grow_as_documented(failure: Failure) -> None:
    governor = Setting().governor
    assert [governor.failed(failure) for _ in DOCUMENTED[failure]] == DOCUMENTED[failure]


@pytest.mark.parametrize("failure", Failure)
def test_waits_grow_up_to_the_longest_and_no_further(failure: Failure) -> None:
    governor = Setting().governor
    waits = [governor.failed(failure) for _ in range(2000)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST[failure]


def test_a_network_failure_waits_a_quarter_of_a_second_more_each_time() -> None:
    governor = Setting().governor
    waits = [governor.failed(Failure.NETWORK) for _ in range(65)]
    assert {round(b - a, 6) for a, b in zip(waits, waits[1:], strict=False)} == {0.25}
    assert waits[-1] == 16.0


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("named", [0.1, 7.0, 75.0, 900.0])
def test_the_time_that_x_names_is_honoured_if_it_is_later(failure: Failure, named: float) -> None:
    governor = Setting().governor
    for documented in DOCUMENTED[failure]:
        assert governor.failed(failure, named) == max(documented, named)


def test_a_stream_that_has_lived_puts_the_waits_back() -> None:
    it = Setting()
    for failure in Failure:
        for _ in range(3):
            it.governor.failed(failure)
    it.stream(SETTLED)
    assert it.governor.failed(Failure.NETWORK) == 0
    assert it.governor.failed(Failure.SERVER) == 5
    assert it.governor.failed(Failure.RATE) == 60


@pytest.mark.parametrize(("lasts", "brings"), [(0.0, True), (SETTLED - 1, True), (SETTLED + 1, False), (9999, False)])
def test_a_stream_that_ends_early_or_brings_nothing_does_not(lasts: float, brings: bool) -> None:
    it = Setting()
    assert [it.governor.failed(Failure.SERVER) for _ in range(2)] == [5, 10]
    it.stream(lasts, brings)
    assert it.governor.failed(Failure.SERVER) == 20


def test_what_one_stream_brought_does_not_count_for_the_next() -> None:
    it = Setting()
    it.stream(1)
    it.governor.failed(Failure.NETWORK)
    it.stream(SETTLED + 1, brings=False)
    assert it.governor.failed(Failure.NETWORK) == 0.25


def test_accepting_and_closing_is_no_storm() -> None:
    """tweepy 4.17.0 alone connects 242 times in 3 seconds."""
    it = Setting()
    end, connections = it.time.now + 900, 0
    while it.time.now < end:
        connections += 1
        it.stream(0.01)
        it.time.now += it.governor.failed(Failure.NETWORK)
    assert connections < 100


steps = st.lists(
    st.tuples(
        st.sampled_from(Failure),
        st.floats(0, 1000),
        st.sampled_from([None, (0.0, True), (1.0, True), (59.0, True), (61.0, True), (61.0, False)]),
    ),
    max_size=40,
)


@given(steps)
def test_no_wait_is_shorter_than_documented_whatever_happens(told: list[tuple[Failure, float, tuple | None]]) -> None:
    it = Setting()
    since = dict.fromkeys(Failure, 0)  # how many failures of a kind there were since a stream has lived
    for failure, named, stream in told:
        if stream is not None:
            it.stream(*stream)
            if stream[0] >= SETTLED and stream[1]:
                since = dict.fromkeys(Failure, 0)
        since[failure] += 1
        table = DOCUMENTED[failure]
        least = table[min(since[failure], len(table)) - 1]
        wait = it.governor.failed(failure, named)
        assert wait >= max(least, named)
        assert wait <= max(LONGEST[failure], named)
