"""Questions that go through all stored posts: asked at once where there are few, else on a button, with a progress bar.

The answer stands in the session until something else is asked. `rule_backtest.py` and `rule_lookback.py` ask this way.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import streamlit as st

from connector import screen
from connector.lookback import Progress, unwatched
from connector.store import sources

FEW = 10_000
"""So many posts are read faster than anybody reaches for a button."""
Answer = TypeVar("Answer")


def newest_post() -> int:
    """Moves with every post that is stored."""
    with screen.reading() as session:
        return sources.newest_post_id(session)


def answer(name: str, about: Hashable, button: str, ask: Callable[[Progress], Answer]) -> Answer | None:
    """What `ask` found `about` this; None as long as nobody wants to know it. RuleError and the like are `ask`'s."""
    held = st.session_state.setdefault("_answers", {})
    newest = newest_post()
    few = newest <= FEW
    key = (about, newest if few else None)
    known, found = held.get(name, (None, None))
    if known == key and (few or not st.button("Ask again", key=f"again_{name}", type="tertiary")):
        return found  # type: ignore[no-any-return]
    if known != key and not few and not st.button(button, key=f"ask_{name}", icon=":material/history:"):
        return None
    found = watched(ask, few)
    held[name] = (key, found)
    return found


def watched(ask: Callable[[Progress], Answer], quietly: bool = False) -> Answer:
    """Do it under a progress bar."""
    if quietly:
        return ask(unwatched)
    bar = st.progress(0.0, "Reading the stored posts")

    def progress(done: int, total: int) -> None:
        bar.progress(min(1.0, done / max(1, total)), f"{done:,} of {total:,} posts")

    found = ask(progress)
    bar.empty()
    return found
