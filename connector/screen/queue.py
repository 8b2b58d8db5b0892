"""The Queue page: what this session knows of its queue, and the figures it shows.

`pages/review.py` puts the page together: `queue_header.py` and `queue_filters.py` on top, `queue_list.py` and `bulk.py`
on the left, `card.py` and `bar.py` for the one that is chosen. Who is on the card is an id in the session, never a row
number, and stands in the address. Read on in `queue_header.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import streamlit as st

from connector import screen
from connector.decide import expired_since
from connector.models import RequestType, now
from connector.store import catalogue, queue
from connector.store import sources as source_questions

POLL = 3
"""Seconds between two looks for new posts, and for what became of the last decision."""
VIEW, FIND = "Queue view", "Queue find"
ss = st.session_state


@dataclass(frozen=True, slots=True)
class Last:
    """What this session decided last."""

    id: int
    what: str
    how: str
    note: str = ""
    batch: str = ""
    """Of many that were decided by one key."""


_BACK = 50


@dataclass(slots=True)
class Mine:
    """What this session knows of its queue: ids and marks, no rows."""

    asked: queue.Filter | None = None
    up_to: int | None = None
    """The newest suspect when the list was made; younger ones are announced."""
    pages: int = 1
    more: bool = False
    rank: dict[int, float] = field(default_factory=dict)
    """Id → place in the list, kept when it leaves, so that it comes back where it was."""
    ids: list[int] = field(default_factory=list)
    """As last asked for."""
    top: int = 0
    """The first row drawn: the grid does not scroll to what J and K choose, so the rows above are left out."""
    follow: bool = False
    chosen: int | None = None
    named: int | None = None
    """Whose row the browser says is marked; what is `chosen` by then, see `settle`."""
    touched: bool = False
    """Something was pressed or chosen since the last drawing: then the message that told of it may be older than what
    was drawn, in everything else it tells."""
    linked: int | None = None
    """Shown even if it has no place in the list: by a link, by Undo; until something else is asked for."""
    arrived: bool = False
    """The link came just now."""
    done: set[tuple[int, int]] = field(default_factory=set)
    drawn: tuple[int, float] = (0, 0)
    """Whose card stands there, and since when on the monotonic clock."""
    last: Last | None = None
    earlier: list[Last] = field(default_factory=list)
    """What this session decided before, the latest last: U takes back one after the other."""
    moved: int = 0
    searched: int = 0
    """So many pages hold what a search found; 0: it is to be done."""
    reach: int = 0
    """How many a search looked through, if it ended before the last; else 0."""
    picking: bool = False
    """Rows are ticked, for one decision on many; no key decides a single one."""
    picked: set[int] = field(default_factory=set)
    sure: bool = False
    """A bulk accept was asked for once."""
    since: queue.Since | None = None
    """What came while this person was away, as it was when they came back."""
    seen: float = 0
    """When it was last written down that they look, on the monotonic clock."""
    told: dict[str, str] = field(default_factory=dict)
    """The address as last written."""
    looked_up: str = ""

    def did(self, last: Last) -> None:
        """This was decided just now."""
        if self.last:
            self.earlier = [*self.earlier[-_BACK:], self.last]
        self.last, self.moved = last, self.moved + 1

    def took_back(self) -> None:
        """What was decided last is as if it never was; the one before it is the last."""
        self.last, self.moved = self.earlier.pop() if self.earlier else None, self.moved + 1

    def go(self, suspect_id: int) -> None:
        """A key or a link chose it."""
        self.chosen, self.follow, self.touched = suspect_id, True, True

    def go_anyway(self, suspect_id: int) -> None:
        """The same, even if it has no place in the list."""
        self.go(suspect_id)
        self.linked = suspect_id

    def settle(self) -> None:
        """A row that the browser names is a click, unless it came along with a key: every message tells of it."""
        if self.named and not self.touched:
            self.chosen = self.named
        self.named, self.touched = None, False


def mine() -> Mine:
    state: Mine = ss.setdefault("_queue", Mine())
    return state


def touched() -> None:
    """Something was pressed or chosen; what the address still tells is older."""
    mine().touched = True


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _figures(by: str, of: tuple[str, ...], today: datetime, moved: int) -> tuple[dict[str, int], int]:
    """Counts of the views, and how many this person, `of` these teams, decided today; `moved` counts the session's own
    decisions."""
    with screen.house().database.reading() as session:
        return queue.counts(session, by, teams=of), queue.decided_since(session, by, today)


@st.cache_data(ttl=30, max_entries=2, show_spinner=False)
def _waited() -> tuple[queue.Waited | None, int]:
    """How old the queue is, and how many nobody opened in time, in a week."""
    with screen.house().database.reading() as session:
        return queue.waited(session), expired_since(session, now() - timedelta(days=7))


def teams() -> tuple[str, ...]:
    """Whose work is this person's too."""
    team = screen.person().team
    return (team,) if team else ()


@st.cache_data(ttl=10, max_entries=2, show_spinner=False)
def _kinds() -> list[RequestType]:
    with screen.house().database.reading() as session:
        return catalogue.types(session, only_active=True)


def kinds() -> list[RequestType]:
    """The types that are on, at most ten seconds old."""
    with screen.answering():
        return _kinds()


@st.cache_data(ttl=10, max_entries=2, show_spinner=False)
def _sources() -> dict[str, str]:
    house = screen.house()
    with house.database.reading() as session:
        brought = {state.name: state.kind for state in source_questions.all_states(session)}
    return {name: adapter.kind for name, adapter in house.config.sources.items()} | brought


def sources() -> dict[str, str]:
    """Name → kind of every source of the settings, and of those that brought posts otherwise: by a file, by hand."""
    with screen.answering():
        return _sources()


def titles() -> dict[str, str]:
    """Code → title of the same types."""
    return {kind.code: kind.title for kind in kinds()}


def counts() -> dict[str, int]:
    """How many each view holds."""
    with screen.answering():
        return _figures(screen.me(), teams(), screen.midnight(), mine().moved)[0]


def day() -> str:
    """This person's figure of the day, and how old the queue is."""
    done, waited, expired = _day()
    said = f"You decided {done:,} today."
    if waited:
        half = f", half over {_for(waited.half)}" if waited.half else ""
        said += f" Oldest {_for(waited.oldest)}{half}."
    if expired:
        said += f" {expired:,} expired unopened in 7 days."
    return said


def day_in_short() -> str:
    """The same where there is less room."""
    done, waited, _ = _day()
    return f"{done:,} decided today" + (f" · oldest {_for(waited.oldest)}" if waited else "")


def _day() -> tuple[int, queue.Waited | None, int]:
    with screen.answering():
        return _figures(screen.me(), teams(), screen.midnight(), mine().moved)[1], *_waited()


def _for(since: datetime) -> str:
    return screen.span((now() - since).total_seconds())


def capped(number: int) -> str:
    """A count, which the database does not carry on for ever."""
    return f"{number:,}" + ("+" if number >= queue.COUNT_CAP else "")
