"""Misspelt names, against every way of making one slip tried out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connector.triage.slips import Slips

LETTERS = "abcd"
NAMES = st.text(LETTERS, min_size=6, max_size=9)


def slipped(word: str) -> set[str]:
    """Every word that one slip makes of this one."""
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    added = {a + letter + b for a, b in halves for letter in LETTERS}
    left_out = {a + b[1:] for a, b in halves if b}
    changed = {a + letter + b[1:] for a, b in halves if b for letter in LETTERS}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1}
    return (added | left_out | changed | swapped) - {word}


def is_slip(word: str, name: str) -> bool:
    """As people err: the first letter is right, and an ending is grammar."""
    return word in slipped(name) and word[0] == name[0] and word[:-1] != name and word != name[:-1]


@given(NAMES, st.data())
def test_every_slip_of_a_name_is_known(name: str, data: st.DataObject) -> None:
    slips = Slips()
    slips.add(name)
    word = data.draw(st.sampled_from(sorted(w for w in slipped(name) if len(w) > 5)))
    assert slips.near(word) == (name if is_slip(word, name) else "")


@given(st.lists(NAMES, min_size=1, max_size=4), NAMES)
def test_a_word_near_to_several_names_means_one_of_them(names: list[str], word: str) -> None:
    slips = Slips()
    for name in names:
        slips.add(name)
    meant = [name for name in names if is_slip(word, name)]
    assert (slips.near(word) in meant) if meant else not slips.near(word)


def test_of_two_names_as_near_the_first_is_meant() -> None:
    for names in (["kowalski", "kowalsni"], ["kowalsni", "kowalski"]):
        slips = Slips()
        for name in names:
            slips.add(name)
        assert slips.near("kowalsti") == names[0]


def test_a_name_itself_and_its_plural_are_no_slips() -> None:
    slips = Slips()
    slips.add("cooper")
    assert slips.near("cooper") == ""
    assert slips.near("coopers") == ""
    assert slips.near("copoer") == "cooper", "two swapped in the middle"
