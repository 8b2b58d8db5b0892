"""Claims and drafts: who has it open, for how long, and what they typed; on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from connector import decide
from connector.config import Config
from connector.decide import Claim
from connector.models import Suspect, now
from connector.store import Database, queue
from tests.deliveries import the_suspect, waiting


def run_out(database: Database, suspect_id: int) -> None:
    with database.writing() as session:
        suspect = session.get_one(Suspect, suspect_id)
        suspect.claimed_until = now() - timedelta(seconds=1)
        session.add(suspect)


def test_opening_claims_it_for_some_minutes_and_others_see_it(database: Database) -> None:
    (suspect_id,) = waiting(database)
    mine = decide.claim(database, suspect_id, "Dana", minutes=5)
    assert mine.by == "Dana"
    assert timedelta(minutes=4) < mine.until - now() <= timedelta(minutes=5)
    assert decide.claim(database, suspect_id, "Ben") == mine
    suspect = the_suspect(database, suspect_id)
    assert (suspect.claimed_by, suspect.opened_by, suspect.version) == ("Dana", "Dana", 1)
    with database.reading() as session:
        card = queue.card(session, suspect_id)
        assert card is not None
        assert card.claimed_by == "Dana"


def test_the_first_to_open_it_stays_known(database: Database) -> None:
    (suspect_id,) = waiting(database)
    decide.claim(database, suspect_id, "Dana")
    opened = the_suspect(database, suspect_id).opened_at
    run_out(database, suspect_id)
    assert decide.claim(database, suspect_id, "Ben").by == "Ben"
    suspect = the_suspect(database, suspect_id)
    assert (suspect.claimed_by, suspect.opened_by, suspect.opened_at) == ("Ben", "Dana", opened)


def test_ones_own_claim_is_renewed_before_it_runs_out(database: Database) -> None:
    (suspect_id,) = waiting(database)
    first = decide.claim(database, suspect_id, "Dana", minutes=2)
    assert decide.claim(database, suspect_id, "Dana", minutes=2) == first  # still fresh: nothing is written
    assert decide.claim(database, suspect_id, "Dana", minutes=60).until > first.until


def test_leaving_releases(database: Database) -> None:
    one, two = waiting(database, 2)
    decide.claim(database, one, "Dana")
    decide.release(database, "Ben", one)
    decide.release(database, "Dana", two)
    assert the_suspect(database, one).claimed_by == "Dana"
    decide.release(database, "Dana", one)
    assert (the_suspect(database, one).claimed_by, the_suspect(database, one).claimed_until) == ("", None)
    decide.claim(database, one, "Dana")
    decide.claim(database, two, "Dana")  # opening the next one leaves this one
    assert [the_suspect(database, i).claimed_by for i in (one, two)] == ["", "Dana"]
    decide.release(database, "Dana")
    assert the_suspect(database, two).claimed_by == ""


def test_looking_at_what_another_has_open_leaves_ones_own(database: Database) -> None:
    one, two = waiting(database, 2)
    decide.claim(database, one, "Dana")
    decide.claim(database, two, "Ben")
    assert decide.claim(database, two, "Dana").by == "Ben"
    assert the_suspect(database, one).claimed_by == ""


def test_a_claim_forbids_no_decision_and_ends_with_it(city: Config, database: Database) -> None:
    (suspect_id,) = waiting(database)
    decide.claim(database, suspect_id, "Dana")
    decide.accept(database, city, suspect_id, "Ben", 1)
    assert the_suspect(database, suspect_id).claimed_by == ""
    assert decide.claim(database, suspect_id, "Dana").by == ""  # nobody claims what is decided
    with pytest.raises(LookupError, match="no suspect 999"):
        decide.claim(database, 999, "Dana")


def test_of_two_who_open_it_at_once_one_has_it_and_both_are_told(database: Database) -> None:
    suspects = waiting(database, 10)
    together, told = threading.Barrier(2), dict[str, list[Claim]]()

    def open_all(by: str) -> None:
        told[by] = []
        for suspect_id in suspects:
            together.wait()
            told[by].append(decide.claim(database, suspect_id, by))
            together.wait()

    threads = [threading.Thread(target=open_all, args=(by,)) for by in ("Dana", "Ben")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for dana, ben in zip(told["Dana"], told["Ben"], strict=True):
        assert dana == ben
        assert dana.by in ("Dana", "Ben")


def test_what_was_typed_is_kept_a_person(database: Database) -> None:
    (suspect_id,) = waiting(database)
    decide.keep_draft(database, suspect_id, "Dana", {"text": "Half a sent", "note": ""})
    decide.keep_draft(database, suspect_id, "Dana", {"text": "Half a sentence"})
    decide.keep_draft(database, suspect_id, "Ben", {"note": "Look"})

    def drafts() -> list[dict[str, str]]:
        with database.reading() as session:
            return [decide.draft_of(session, suspect_id, by) for by in ("Dana", "Ben")]

    assert drafts() == [{"text": "Half a sentence"}, {"note": "Look"}]
    decide.keep_draft(database, suspect_id, "Ben", {"note": ""})
    assert drafts() == [{"text": "Half a sentence"}, {}]
    decide.drop_draft(database, suspect_id, "Dana")
    assert drafts() == [{}, {}]
    decide.keep_draft(database, suspect_id, "Ben", {"note": "Look"})
    decide.dismiss(database, suspect_id, "joke", "Dana")
    decide.undo(database, suspect_id, "Dana")
    assert drafts() == [{}, {"note": "Look"}], "it comes back with Undo"
