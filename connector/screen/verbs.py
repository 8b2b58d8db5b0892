"""What each key, button and dialog of the Queue page means, in the words of `connector/workflow.py`.

`bar.py`, `dialogs.py` and the card's own buttons call these; `desk.py` sees that each is done once, for a card that was
seen, by somebody who may.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from connector import screen, workflow
from connector.models import DismissReason, now
from connector.screen import desk
from connector.screen.desk import Shown
from connector.screen.queue import Last, kinds, mine
from connector.triage import Place

REASONS: dict[str, str] = dict(
    zip(DismissReason, ("No problem", "Elsewhere", "Joke", "News, ad", "Fixed"), strict=True)
)
ANSWERED_IN = timedelta(days=3)
"""So long a suspect is parked whose author was asked for the place."""
UNDONE = ("Accepted", "Dismissed", "Parked", "Merged", "Attached", "Split off", "Also filed")
"""What U takes back."""


def accept(shown: Shown, text: str | None) -> None:
    house = screen.house()
    desk.decide(
        shown, "Accepted",
        lambda: workflow.accept(house.database, house.config, shown.id, screen.me(), shown.version, text),
    )  # fmt: skip


def dismiss(shown: Shown, reason: str) -> None:
    database = screen.house().database
    desk.decide(
        shown, "Dismissed", lambda: workflow.dismiss(database, shown.id, reason, screen.me(), shown.version),
        REASONS[reason],
    )  # fmt: skip


def park(shown: Shown, until: datetime | None = None) -> bool:
    """Put it aside, until a time if one is given; one that is parked comes back."""
    database = screen.house().database
    if shown.parked and until is None:
        return desk.decide(
            shown, "Put back", lambda: workflow.unpark(database, shown.id, screen.me(), shown.version)
        )  # fmt: skip
    return desk.decide(
        shown, "Parked", lambda: workflow.park(database, shown.id, screen.me(), shown.version, until),
        f"until {day(until)}" if until else "",
    )  # fmt: skip


def ask_where(shown: Shown) -> None:
    """Put it aside until its author may have answered."""
    park(shown, answered_by())


def answered_by() -> datetime:
    return now() + ANSWERED_IN


def undo(last: Last) -> None:
    database = screen.house().database
    desk.undo(last, lambda: workflow.undo(database, last.id, screen.me(), own=True))


def take_back(shown: Shown) -> None:
    """What was decided on it, by whomever and whenever: for one that is looked up again."""
    database = screen.house().database
    desk.mend(shown, lambda: workflow.undo(database, shown.id, screen.me(), version=shown.version))


def retype(shown: Shown, code: str) -> None:
    house = screen.house()
    desk.mend(
        shown,
        lambda: workflow.retype(house.database, house.config, shown.id, code, screen.me(), shown.version),
    )  # fmt: skip
    desk.choose("", None)


def also(shown: Shown, code: str) -> None:
    """A second suspect of the same posts; the first stays on the card."""
    title = next((kind.title for kind in kinds() if kind.code == code), code)
    database = screen.house().database
    desk.decide(
        shown, "Also filed", lambda: workflow.also_file(database, shown.id, code, screen.me(), shown.version),
        f"as {title}", leaves=False,
    )  # fmt: skip
    desk.choose("", None)


def split(shown: Shown, post_id: int) -> None:
    """One post leaves into a suspect of its own; the others stay on the card."""
    database = screen.house().database
    desk.decide(
        shown, "Split off", lambda: workflow.split(database, shown.id, [post_id], screen.me(), shown.version),
        "one post stands by itself now", leaves=False,
    )  # fmt: skip


def merge(shown: Shown, into: int) -> bool:
    """Its posts go to another suspect, which comes onto the card."""
    database = screen.house().database
    done = desk.decide(
        shown, "Merged", lambda: workflow.merge(database, shown.id, into, screen.me(), shown.version)
    )  # fmt: skip
    if done:
        mine().go_anyway(into)
    return done


def attach(shown: Shown, to: int, number: str) -> None:
    """Its posts go to an accepted suspect, whose ticket tells of the same; nothing new is filed."""
    database = screen.house().database
    desk.decide(
        shown, "Attached", lambda: workflow.merge(database, shown.id, to, screen.me(), shown.version), f"to {number}"
    )  # fmt: skip


def set_place(shown: Shown, place: Place | None) -> bool:
    database = screen.house().database
    return desk.mend(
        shown, lambda: workflow.set_place(database, shown.id, place, screen.me(), shown.version)
    )  # fmt: skip


def assign(shown: Shown, to: str) -> bool:
    database = screen.house().database
    return desk.mend(
        shown, lambda: workflow.assign(database, shown.id, to, screen.me(), shown.version)
    )  # fmt: skip


def note(shown: Shown, text: str) -> bool:
    database = screen.house().database
    return desk.mend(shown, lambda: workflow.note(database, shown.id, text, screen.me()))


def day(at: datetime) -> str:
    """A day to come, in the city's zone: "Tue 24 Nov"."""
    return f"{at.astimezone(screen.house().config.city.zone):%a %-d %b}"
