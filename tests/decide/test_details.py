"""Type, place, assignment and notes: what a person mends on a suspect that still waits; on both databases."""

from __future__ import annotations

import pytest

from connector import workflow
from connector.config import Config
from connector.dispatch import Request
from connector.errors import (
    AlreadyDecidedError,
)
from connector.store import Database
from tests.builders import a_type
from tests.deliveries import (
    HOLD,
    Counter,
    a_worker,
    accepted,
    decisions,
    dispatches,
    seconds_until,
    the_suspect,
    time_passes,
    waiting,
)

# -- retype ------------------------------------------------------------------------------------------------------------


def test_retyping_a_waiting_suspect(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        flood = a_type(session, "flooding", channel="mail", urgent=True).id
    workflow.retype(database, city, suspect_id, "flooding", "Dana", 1)
    suspect = the_suspect(database, suspect_id)
    assert (suspect.status, suspect.request_type_id, suspect.urgent, suspect.version) == ("waiting", flood, 1, 2)
    assert decisions(database, suspect_id) == [("retype", "flooding", "Dana")]
    assert dispatches(database) == []


def test_retyping_an_accepted_suspect_makes_its_delivery_anew_and_the_hold_starts_again(
    city: Config, database: Database
) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        a_type(session, "flooding", channel="mail", service_code="007")
    workflow.accept(database, city, suspect_id, "Dana", text="As I word it")
    time_passes(database, HOLD - 5)
    workflow.retype(database, city, suspect_id, "flooding", "Ben")
    old, new = dispatches(database)
    assert (old.status, new.status, new.channel, new.by) == ("cancelled", "queued", "mail", "Ben")
    assert HOLD - 5 < seconds_until(new.due_at) <= HOLD
    request = Request.thawed(new.content or {})
    assert (request.type_code, request.service_code, request.text) == ("flooding", "007", "As I word it")
    assert request.reference == new.reference != old.reference
    time_passes(database, HOLD + 1)
    desk, mail = Counter(), Counter(name="mail")
    a_worker(database, city, desk, mail).step()
    assert (desk.references, mail.references) == ([], [new.reference])


def test_retyping_within_one_channel(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    with database.writing() as session:
        a_type(session, "flooding", channel="desk")
    workflow.accept(database, city, suspect_id, "Dana")
    workflow.retype(database, city, suspect_id, "flooding", "Dana")
    assert [d.status for d in dispatches(database)] == ["cancelled", "queued"]


def test_retyping_after_it_left_is_refused(city: Config, database: Database) -> None:
    suspect_id = accepted(database, city)
    with database.writing() as session:
        a_type(session, "flooding", channel="mail")
    a_worker(database, city, Counter()).step()
    before = the_suspect(database, suspect_id)
    with pytest.raises(AlreadyDecidedError, match="It has left already: correct it at the ticket"):
        workflow.retype(database, city, suspect_id, "flooding", "Dana")
    assert the_suspect(database, suspect_id) == before
    assert [d.status for d in dispatches(database)] == ["sent"]
    assert [kind for kind, _, _ in decisions(database, suspect_id)] == ["accept"]


def test_retyping_a_dismissed_suspect_is_refused(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    workflow.dismiss(database, suspect_id, "joke", "Dana")
    before = the_suspect(database, suspect_id)
    with pytest.raises(AlreadyDecidedError, match="dismissed by Dana"):
        workflow.retype(database, city, suspect_id, "pothole", "Ben")
    assert the_suspect(database, suspect_id) == before


def test_a_note_that_is_too_long_is_refused_and_not_cut(database: Database) -> None:
    (suspect_id,) = waiting(database)
    with pytest.raises(ValueError, match="A note holds 4,000 characters, this one has 4,001"):
        workflow.note(database, suspect_id, "n" * 4_001, "Dana")
