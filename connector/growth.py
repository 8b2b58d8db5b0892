"""A suspect as its posts make it: a new one of a batch, and one of before that further posts join.

`grouping.py` decides which post goes where and hands it here; the rows are written at the end of a batch, in one go.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import text as sql
from sqlmodel import Session

from connector import membership
from connector.models import Suspect, SuspectStatus
from connector.prepare import PLACE, SUSPECT
from connector.store import bulk, near
from connector.triage.near_keys import cell
from connector.triage.wording import Wording

_SUSPECT = (
    "id", "lead_post_id", "source", *SUSPECT, "people", "posts", "follows_id", "near_keys", "status", "created_at",
    "decided_by", "dismiss_reason", "returned_because", "assigned_to", "claimed_by", "opened_by", "acknowledged_by",
    "version", "place_post_id",
)  # fmt: skip
_AT = {name: at for at, name in enumerate(SUSPECT)}
TYPE, URGENT, DANGER, LAT, LON, METHOD, POSTED, _LAST = (
    _AT[name]
    for name in (
        "request_type_id", "urgent", "urgent_why", "lat", "lon", "place_method", "first_posted_at", "last_posted_at"
    )
)  # fmt: skip
AT_PLACE = [_AT[name] for name in PLACE]
"""Where the columns of `SUSPECT` stand that grouping looks at, and those of the place."""
_GROWN = {
    "sqlite": "first_posted_at = min(first_posted_at, :first), last_posted_at = max(last_posted_at, :last)",
    "postgresql": (
        "first_posted_at = least(first_posted_at, CAST(:first || '+00' AS timestamptz)),"
        " last_posted_at = greatest(last_posted_at, CAST(:last || '+00' AS timestamptz))"
    ),
}


class Arrival(NamedTuple):
    """A post that waits for a person; it is stored already."""

    post_id: int
    source: str
    source_id: str
    refs: str
    """What it answers, quotes or reposts, as JSON."""
    author: str
    text: str
    suspect: tuple[Any, ...]
    """As `SUSPECT`: what it would be on its own."""
    bands: tuple[int, ...]
    wording: Wording | None = None
    """Where somebody has read it already."""


@dataclass(slots=True)
class Growth:
    """How a stored suspect, or one of this batch, grows."""

    posts: int = 0
    authors: set[str] = field(default_factory=set)
    unnamed: int = 0
    first: str = ""
    last: str = ""
    urgent: bool = False
    danger: str = ""
    place: tuple[Any, ...] = ()
    place_post: int | None = None
    """Who told it; None: a person."""

    def take(self, arrival: Arrival) -> None:
        """One more post."""
        posted = arrival.suspect[POSTED]
        self.posts += 1
        self.first, self.last = min(self.first or posted, posted), max(self.last, posted)
        if arrival.author:
            self.authors.add(arrival.author)
        else:
            self.unnamed += 1

    @property
    def people(self) -> int:
        return len(self.authors) + self.unnamed


@dataclass(slots=True)
class New:
    """A suspect of this batch."""

    lead: Arrival
    follows: int | None
    keys: list[int]
    grown: Growth | None = None
    """By all its posts, once a second one joined."""

    def growth(self) -> Growth:
        """Of all its posts."""
        if self.grown is None:
            self.grown = Growth()
            self.grown.take(self.lead)
        return self.grown


def insert(session: Session, new: Mapping[int, New], at: str) -> None:
    """New suspects, by the ids that they are to have; `at` is now, as the database's text."""
    waiting = (str(SuspectStatus.WAITING), at, *[""] * 7, 1)
    rows = []
    for id_, made in new.items():
        lead, said, people, posts = made.lead, made.lead.suspect, 1, 1
        told = teller(lead)
        if made.grown:
            told = made.grown.place_post if made.grown.place else told
            said, people, posts = _said_by_all(made.grown, said), made.grown.people, made.grown.posts
        keys = near.packed(made.keys)
        rows.append((id_, lead.post_id, lead.source, *said, people, posts, made.follows, keys, *waiting, told))
    bulk.insert(session, Suspect, _SUSPECT, rows)


def teller(arrival: Arrival) -> int | None:
    """The post, where its own words or position tell the place, and no person did."""
    return arrival.post_id if arrival.suspect[METHOD] not in ("", membership.BY_HAND) else None


def grow(session: Session, growing: Mapping[int, Growth], known: Collection[tuple[str, int]]) -> None:
    """Suspects that are stored, by their ids; `known`: which authors have a post in which of them already."""
    if not growing:
        return
    session.flush()
    connection = session.connection()
    values = [
        {
            "id": id_, "posts": grown.posts, "first": grown.first, "last": grown.last,
            "people": grown.unnamed + sum((author, id_) not in known for author in grown.authors),
        }
        for id_, grown in growing.items()
    ]  # fmt: skip
    columns = f"posts = posts + :posts, people = people + :people, {_GROWN[connection.dialect.name]}"
    connection.execute(sql(f"UPDATE suspect SET {columns} WHERE id = :id"), values)
    session.expire_all()
    for id_, grown in growing.items():
        if grown.urgent or grown.place:
            _change(session, session.get_one(Suspect, id_), grown)


def _said_by_all(grown: Growth, said: tuple[Any, ...]) -> tuple[Any, ...]:
    """The columns of `SUSPECT` after others joined its first post."""
    columns = list(said)
    columns[POSTED], columns[_LAST] = grown.first, grown.last
    if grown.urgent:
        columns[URGENT], columns[DANGER] = 1, grown.danger
    for column, value in zip(AT_PLACE, grown.place, strict=False):
        columns[column] = value
    return tuple(columns)


def _change(session: Session, suspect: Suspect, grown: Growth) -> None:
    """What a person must see before they decide."""
    if grown.urgent:
        membership.alarm(suspect, grown.danger)
    if grown.place:
        for name, value in zip(PLACE, grown.place, strict=True):
            setattr(suspect, name, value)
        suspect.place_post_id = grown.place_post
        assert suspect.lat is not None
        assert suspect.lon is not None
        key = cell(suspect.request_type_id, suspect.lat, suspect.lon)
        suspect.near_keys = near.packed((*near.unpacked(suspect.near_keys), key))
    suspect.version += 1
    session.add(suspect)
