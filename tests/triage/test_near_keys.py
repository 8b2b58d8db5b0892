"""The addresses under which suspects that may tell of one problem are found."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.triage.near_keys import around, bands, bands_and_wordings, cell
from connector.triage.wording import is_copy, remember, told, wording

HERE = (45.0, -122.0)
HOLE = "Huge pothole in front of the bakery swallowed my front wheel"


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
from connector.triage.near_keys import bands
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
