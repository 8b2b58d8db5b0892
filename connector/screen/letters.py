"""A key for each of many buttons: one that the page's actions leave free, and that stands in the title if it can."""

from __future__ import annotations

from collections.abc import Sequence

FREE = "bdefgilmoqvwxyz67890"
"""What neither an action of the Queue has nor Streamlit keeps for itself."""


def letters(titles: Sequence[str], free: str = FREE) -> list[str]:
    """For each title its first letter, else one that it has, else any; empty where none is left."""
    out, left = [""] * len(titles), list(free)
    for wanted in (lambda title: title[:1], lambda title: title, lambda title: free):
        for at, title in enumerate(titles):
            if not out[at]:
                out[at] = next((letter for letter in wanted(title.lower()) if letter in left), "")
                left = [letter for letter in left if letter != out[at]]
    return out
