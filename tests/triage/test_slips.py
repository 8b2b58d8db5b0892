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


@given(NAMES, st.data())
def test_far_also_knows_a_wrong_ending(name: str, data: st.DataObject) -> None:
    slips = Slips()
    slips.add(name)
    word = data.draw(st.sampled_from(sorted(w for w in slipped(name) if w[:1] == name[0])))
    assert slips.far(word) == name


@given(st.text(LETTERS, min_size=9, max_size=11), st.data())
def test_two_slips_in_a_long_name_are_known_where_its_beginning_stays(name: str, data: st.DataObject) -> None:
    slips = Slips()
    slips.add(name)
    places = data.draw(st.sets(st.integers(4, len(name) - 1), min_size=2, max_size=2))
    kind = data.draw(st.sampled_from(["changed", "left out", "doubled"]))
    how = {"changed": "z", "left out": "", "doubled": "zz"}[kind]
    word = "".join(how if at in places else letter for at, letter in enumerate(name))
    if len(word) >= 8 and kind != "doubled":
        assert slips.far(word) == name
    elif kind == "doubled":
        assert slips.far(word) == "", "four slips"


def test_short_words_and_three_slips_are_other_words() -> None:
    slips = Slips()
    for name in ("birch", "nightingale"):
        slips.add(name)
    assert slips.far("brich") == "birch"
    assert slips.far("brihc") == "", "two slips in a short word"
    assert slips.far("nihgtengale") == "nightingale"
    assert slips.far("nihgtengal") == "", "three"
    assert slips.near("brich") == "", "only with its suffix"
    assert slips.far("nightingale") == ""
