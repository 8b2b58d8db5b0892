"""What a person mends on a suspect that still waits: its type, its place, who is to look at it, notes.

The keys T, L, G and N of the Queue page. None of them ends its waiting; each but a note is compare-and-set.
"""

from __future__ import annotations

from connector import membership
from connector.config import Config
from connector.decide.outgoing import call_back, send_later
from connector.decide.record import first, record, type_of, who
from connector.errors import AlreadyDecidedError
from connector.grouping import regroup
from connector.models import OPEN, DecisionKind, Note, SuspectStatus, now
from connector.store import Database
from connector.triage import Place

LONGEST_NOTE = 4_000
"""Characters."""


def retype(
    database: Database, config: Config, suspect_id: int, type_code: str, by: str, version: int | None = None
) -> None:
    """Say what kind of request it is; an accepted one that has not left starts its hold again.

    Raises AlreadyDecidedError when it has left ("correct it at the ticket").
    """
    with database.writing() as session:
        kind, at = type_of(session, type_code), now()
        suspect, before = first(session, suspect_id, version, (*OPEN, SuspectStatus.ACCEPTED))
        suspect.request_type_id = kind.id or 0
        membership.judge_urgency(session, suspect)
        record(session, suspect, DecisionKind.RETYPE, by, before, type_code, at=at)
        regroup(session, suspect)
        if suspect.status == SuspectStatus.ACCEPTED:
            old = call_back(session, suspect_id, "It has left already: correct it at the ticket.")
            send_later(session, config, suspect, kind, by, at, (old.content or {}).get("text"), old)


def assign(database: Database, suspect_id: int, to: str, by: str, version: int | None = None) -> None:
    """Give it to a login or `team:NAME`; empty: to nobody in particular. Raises AlreadyDecidedError."""
    with database.writing() as session:
        suspect, before = first(session, suspect_id, version)
        suspect.assigned_to = to
        record(session, suspect, DecisionKind.ASSIGN, by, before, to)


def set_place(database: Database, suspect_id: int, place: Place | None, by: str, version: int | None = None) -> None:
    """Say where it is, or with None that nobody knows. Raises AlreadyDecidedError."""
    with database.writing() as session:
        suspect, before = first(session, suspect_id, version)
        membership.forget_place(suspect)
        suspect.place_method = membership.BY_HAND
        if place:
            suspect.place, suspect.district, suspect.lat, suspect.lon = place.name, place.district, place.lat, place.lon
        record(session, suspect, DecisionKind.PLACE, by, before)
        regroup(session, suspect)


def note(database: Database, suspect_id: int, text: str, by: str) -> None:
    """Leave a note for colleagues; ValueError without a word, LookupError without a suspect.

    AlreadyDecidedError where no post is left: they were deleted, and what is noted of them now no deletion would reach.
    """
    if not text.strip():
        raise ValueError("Write a few words.")
    if len(text) > LONGEST_NOTE:
        raise ValueError(f"A note holds {LONGEST_NOTE:,} characters, this one has {len(text):,}: shorten it.")
    with database.writing() as session:
        held = membership.locked(session, [suspect_id])
        if not held:
            raise LookupError(f"There is no suspect {suspect_id}.")
        if not membership.is_alive(session, held[0]):
            raise AlreadyDecidedError(who(session, held[0]))
        session.add(Note(suspect_id=suspect_id, text=text.strip(), by=by))
