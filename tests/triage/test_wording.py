"""The words of a post, folded."""

from __future__ import annotations

import pytest

from connector.triage.wording import wording


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
