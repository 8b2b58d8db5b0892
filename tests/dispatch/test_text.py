"""Text from outside in error messages, tickets and headers."""

from __future__ import annotations

import pytest

from connector.dispatch._text import one_line, plain, quoted, shortened

POST = "There's a <huge> pothole on Quarry Rd, please & thank you"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("lat is required", "lat is required"),
        ("  two\r\nlines\x00 ", "two lines"),
        (f"Bad text: {POST}!", "Bad text: …!"),
        ("Bad: there&#39;s a &lt;huge&gt; POTHOLE on Quarry Rd", "Bad: …"),
        ("Bad: There's%20a%20%3Chuge%3E%20pothole", "Bad: …"),
        ("description=There%27s+a+%3Chuge%3E+pothole&lat=1", "description=…&lat=1"),
        ("a pothole is no service", "a pothole is no service"),
        ("key s3cr3t is bad, so is s3cr3t", "key … is bad, so is …"),
        ("ask @somebody_else or help@city.example", "ask @… or help@city.example"),
        ("x" * 500, "x" * 239 + "…"),
    ],
)
def test_their_words_fit_an_error_message(words: str, told: str) -> None:
    assert quoted(words, ["s3cr3t", ""], [POST, ""]) == told


def test_a_post_of_two_words_is_an_echo_as_a_whole() -> None:
    assert quoted("Bad: Deep hole, twice Deep hole", posts=["Deep hole"]) == "Bad: …, twice …"


@pytest.mark.parametrize(("limit", "told"), [(0, ""), (1, "…"), (2, "…"), (3, "🕳…"), (4, "🕳🕳")])
def test_an_emoji_counts_twice_and_is_never_halved(limit: int, told: str) -> None:
    assert shortened("🕳🕳", limit) == told


def test_plain_keeps_lines_and_joined_emoji() -> None:
    assert plain("a\r\nb\rc\u2028d\x07\u202e\ud800 👩‍🚒\tß") == "a\nb\nc\nd 👩‍🚒\tß"
    assert one_line(" a\n\tb ") == "a b"
