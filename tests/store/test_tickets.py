"""The questions of the Tickets page and of whoever delivers: what they answer, and that no table is read for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from connector import deliver
from connector.decide import wake
from connector.models import DeliveryStatus, Suspect, now
from connector.store import Database, tickets
from tests.builders import a_dispatch, a_suspect, a_ticket, a_type
from tests.plans import asked, plans

STATES = ("queued", "sending", "unclear", "exhausted", "cancelled", "refused", "drafted")


def fill(database: Database) -> None:
    """Of each state one; three tickets, of which one is flagged and one is closed; a refused one that came back."""
    with database.writing() as session:
        a_type(session)
        for state in STATES:
            a_dispatch(session, channel="desk", status=state)
        back = a_suspect(session, status="waiting", returned_because="No such street")
        a_dispatch(session, back, status="refused", reference="SC-BACK00")
        closed = {"status": "closed", "url": "http://desk.example/7", "number": "7"}
        for values in ({}, {"flagged": "Take it out"}, closed):
            a_ticket(session, **values)


def references(session: Session, **values: Any) -> list[str]:
    return [row.reference for row in tickets.page(session, **values)]


def test_each_view_counts_what_it_shows(database: Database) -> None:
    fill(database)
    with database.reading() as session:
        counted = tickets.counts(session)
        assert counted == {"all": 10, "needs you": 4, "on the way": 2, "open": 2, "closed": 1}
        assert {view: len(tickets.page(session, view)) for view in tickets.VIEWS} == counted
        states = {view: {row.state for row in tickets.page(session, view)} for view in tickets.VIEWS}
    assert states["on the way"] == {"queued", "sending"}
    assert states["needs you"] == {"exhausted", "unclear", "refused", "open"}
    assert "cancelled" not in states["all"]


def test_counting_ends_at_the_cap(database: Database) -> None:
    fill(database)
    with database.reading() as session:
        assert tickets.counts(session, cap=3) == {"all": 3, "needs you": 3, "on the way": 2, "open": 2, "closed": 1}


def test_who_needs_a_person_stands_first_and_nobody_twice(database: Database) -> None:
    fill(database)
    with database.reading() as session:
        states = [(row.state, bool(row.flagged)) for row in tickets.page(session)]
        assert states[:4] == [("exhausted", False), ("refused", False), ("open", True), ("unclear", False)]
        told = references(session)
        assert len(set(told)) == len(told) == 10
        paged, before = [], None
        while found := tickets.page(session, "on the way", limit=1, before=before):
            paged += found
            before = found[-1].dispatch_id
        assert [row.state for row in paged] == ["sending", "queued"]


@pytest.mark.parametrize("find", ["SC-BACK00", "sc-back00", "back00", " BACK00 "])
def test_a_reference_is_found_however_it_is_written(database: Database, find: str) -> None:
    fill(database)
    with database.reading() as session:
        assert references(session, find=find) == ["SC-BACK00"]


def test_a_number_and_a_link_are_found(database: Database) -> None:
    fill(database)
    with database.reading() as session:
        assert references(session, find="7") == references(session, find="http://desk.example/7") != []
        assert references(session, find="http://desk.example/8") == []


def test_a_channels_health_is_its_own(database: Database) -> None:
    fill(database)
    with database.writing() as session:
        a_dispatch(session, channel="desk", attempts=2, last_error="busy")
        a_dispatch(session, channel="desk", status="exhausted", attempts=3, last_error="It does not answer")
        settled = now()
        a_dispatch(session, channel="mail", status="sent", settled_at=settled)
    with database.reading() as session:
        health = tickets.channel_health(session, ["desk", "mail", "new"])
    assert (health["desk"].waiting, health["desk"].last_error) == (2, "It does not answer")
    assert (health["mail"].waiting, health["mail"].answered_at) == (0, settled)
    assert "new" not in health


# -- how the database goes about it ------------------------------------------------------------------------------------


def _due(session: Session) -> None:
    for status in (DeliveryStatus.QUEUED, DeliveryStatus.UNCLEAR):
        deliver._longest_due(session, deliver._due(status, now()), ["desk", "mail"])


QUESTIONS: dict[str, Callable[[Session], Any]] = {
    "counts": tickets.counts,
    "first page": tickets.page,
    "next page": lambda session: tickets.page(session, before=1_000),
    **{view: lambda session, view=view: tickets.page(session, view) for view in tickets.VIEWS},
    "reference": lambda session: tickets.page(session, find="SC-BACK00"),
    "link": lambda session: tickets.page(session, find="http://desk.example/7"),
    "health": lambda session: tickets.channel_health(session, ["desk", "mail"]),
    "due": _due,
    "wake": wake,
}


_BY_ID = ("first page", "next page", "all")
"""Newest first, by the id, the walk ends with the page."""


@pytest.mark.parametrize("question", QUESTIONS)
def test_sqlite_reads_no_table_for_it(question: str, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("its plans are written otherwise")
    fill(database)
    for plan in plans(database, asked(database, QUESTIONS[question])):
        scanned = [step for step in plan if step.startswith("SCAN") and not _is_small(step)]
        assert scanned == (["SCAN dispatch"] if question in _BY_ID and "SCAN dispatch" in plan else []), plan


def _is_small(step: str) -> bool:
    """What a subquery found, or a partial index that holds the few."""
    partial = "ix_suspect_returned", "ix_ticket_flagged"
    return "subquery" in step or "anon_" in step or any(name in step for name in partial)


def test_what_is_parked_until_later_is_not_looked_at(database: Database) -> None:
    with database.writing() as session:
        due, later = (
            a_suspect(session, status="parked", parked_until=now() + timedelta(hours=hours), decided_at=now()).id
            for hours in (-1, 1)
        )
    with database.writing() as session:
        assert wake(session) == 1
    with database.reading() as session:
        assert [session.get_one(Suspect, id_).status for id_ in (due, later)] == ["waiting", "parked"]


@pytest.mark.parametrize("find", ["PA-26-000270", "pa-26-000270"])
def test_a_number_is_found_however_it_is_written(database: Database, find: str) -> None:
    with database.writing() as session:
        a_ticket(session, number="PA-26-000270")
    with database.reading() as session:
        assert len(references(session, find=find)) == 1
