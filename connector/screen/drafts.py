"""What is typed on a card and not sent yet: kept in the database, so that F5 or the end of a shift loses nothing.

`card_send.py` keeps the ticket's text, `dialogs.py` the note and what a place is searched by. A text area in a
container named `live_…` hands its text over after half a second's rest (`connector/web.py`), so what stands here is at
most that old.
"""

from __future__ import annotations

from typing import Any

from connector import screen, workflow
from connector.screen.queue import ss


def known(suspect_id: int) -> dict[str, Any]:
    """What this person typed there and has not sent; asked of the database once a card."""
    held: tuple[int, dict[str, Any]] = ss.get("_draft") or (0, {})
    if held[0] != suspect_id:
        with screen.reading() as session:
            held = ss["_draft"] = (suspect_id, workflow.draft_of(session, suspect_id, screen.me()))
    return held[1]


def none(suspect_id: int) -> None:
    """Nobody typed anything there: what this session knows of another card, or of this one before, is gone."""
    ss["_draft"] = (suspect_id, {})


def keep(suspect_id: int, name: str, text: str) -> None:
    """From a callback: remember what was typed into `text`, `note` or `place`; empty: nothing any more."""
    content = known(suspect_id) | {name: text}
    content = {key: value for key, value in content.items() if value}
    ss["_draft"] = (suspect_id, content)
    screen.act(
        screen.Right.DECIDE,
        lambda: workflow.keep_draft(screen.house().database, suspect_id, screen.me(), content),
    )
