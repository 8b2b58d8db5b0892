"""Many at once: said first, compare-and-set each, undone by one key; expiry; on both databases."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text as sql
from sqlmodel import col, select

from connector import decide
from connector.config import Config
from connector.config import Queue as QueueSettings
from connector.decide import batches, expiry
from connector.errors import AlreadyDecidedError, TemporaryError
from connector.models import Decision, Suspect, SuspectPost, now
from connector.store import Database
from connector.store.queue import Filter
from tests.builders import a_dispatch, a_post, a_suspect, a_type
from tests.deliveries import (
    Counter,
    a_worker,
    decisions,
    dispatches,
    numbered,
    seconds_until,
    the_suspect,
    time_passes,
    waiting,
)  # fmt: skip


def mixed(database: Database) -> tuple[list[int], int, int]:
    """Four potholes that wait, an urgent one, and one that Ben has open."""
    suspects = waiting(database, 4)
    urgent, open_one = waiting(database, 2)
    with database.writing() as session:
        suspect = session.get_one(Suspect, urgent)
        suspect.urgent = 1
        session.add(suspect)
    decide.claim(database, open_one, "Ben")
    return suspects, urgent, open_one


def statuses(database: Database, *suspects: int) -> list[str]:
    return [the_suspect(database, i).status for i in suspects]


def preview(database: Database, city: Config, which: Any, verb: str) -> decide.Preview:
    with database.reading() as session:
        return decide.bulk_preview(session, city, which, verb, "Dana")


def test_it_says_first_what_will_happen(city: Config, database: Database) -> None:
    suspects, urgent, open_one = mixed(database)
    said = preview(database, city, Filter(type_code="pothole"), "accept")
    assert (said.count, said.urgent, said.open_by_others, said.channels) == (4, 1, 1, {"desk": 4})
    assert said.sentences == (
        "4 suspects will be accepted.",
        "1 urgent one left out: tick urgent ones themselves.",
        "1 left out, since somebody has them open.",
        "They leave in 30 s: 4 to desk.",
    )
    said = preview(database, city, [*suspects, urgent, open_one], "dismiss")
    assert (said.count, said.channels) == (6, {})
    assert said.sentences == (
        "6 suspects will be dismissed.",
        "1 of them urgent.",
        "1 of them open at somebody else's.",
    )
    assert statuses(database, *suspects) == ["waiting"] * 4


def test_a_filter_decides_neither_urgent_ones_nor_what_somebody_has_open(city: Config, database: Database) -> None:
    suspects, urgent, open_one = mixed(database)
    (other,) = waiting(database, type_code="noise")
    done = decide.bulk(database, city, Filter(type_code="pothole"), "dismiss", "Dana", "joke")
    assert (done.done, done.left_out) == (4, 0)
    assert statuses(database, *suspects, urgent, open_one, other) == ["dismissed"] * 4 + ["waiting"] * 3
    assert the_suspect(database, suspects[0]).dismiss_reason == "joke"
    with database.reading() as session:
        made = session.exec(select(Decision).where(Decision.batch == done.batch)).all()
    assert {(d.kind, d.reason, d.by) for d in made} == {("dismiss", "joke", "Dana")}
    assert len(made) == 4


def test_what_is_selected_itself_is_decided_urgent_or_not(city: Config, database: Database) -> None:
    _, urgent, open_one = mixed(database)
    assert decide.bulk(database, city, [urgent, open_one], "park", "Dana").done == 2
    assert statuses(database, urgent, open_one) == ["parked", "parked"]


def test_a_searched_text_narrows_it_too(city: Config, database: Database) -> None:
    with database.writing() as session:
        hit = a_suspect(session, "An ÁRBOL fell").id or 0
        miss = a_suspect(session, "A hole").id or 0
    assert preview(database, city, Filter(find="arbol"), "dismiss").count == 1
    decide.bulk(database, city, Filter(find="arbol"), "dismiss", "Dana", "joke")
    assert statuses(database, hit, miss) == ["dismissed", "waiting"]


def test_accepting_many_keeps_the_hold_and_is_taken_back_by_one_key(city: Config, database: Database) -> None:
    suspects = waiting(database, 5)
    done = decide.bulk(database, city, suspects, "accept", "Dana")
    queued = dispatches(database)
    assert len(queued) == done.done == 5
    assert all(25 < seconds_until(one.due_at) <= 30 for one in queued)
    back = decide.undo_batch(database, done.batch, "Ben")
    assert (back.done, back.left_out) == (5, 0)
    assert statuses(database, *suspects) == ["waiting"] * 5
    assert {one.status for one in dispatches(database)} == {"cancelled"}
    again = decide.undo_batch(database, done.batch, "Ben")
    assert (again.done, again.left_out) == (0, 5)


def test_what_has_left_the_house_stays_and_is_said(city: Config, database: Database) -> None:
    suspects = waiting(database, 3)
    done = decide.bulk(database, city, suspects, "accept", "Dana")
    time_passes(database, 31)
    desk = Counter(numbered, TemporaryError("Come back later.", "desk"))
    a_worker(database, city, desk).step()
    (sent,) = [d.suspect_id for d in dispatches(database) if d.status == "sent"]
    kept, back_already = (i for i in suspects if i != sent)
    decide.undo(database, back_already, "Dana")
    back = decide.undo_batch(database, done.batch, "Dana")
    assert (back.done, back.left_out) == (1, 2)
    assert sorted(back.says) == ["1 changed meanwhile.", "1 were sent already."]
    assert statuses(database, sent, kept) == ["accepted", "waiting"]
    assert [d.status for d in dispatches(database) if d.suspect_id == sent] == ["sent"]


def test_the_hold_counts_from_the_last_of_many(
    city: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_AT_ONCE", 2)
    suspects = waiting(database, 6)
    moments: list[float] = []
    decide.bulk(
        database,
        city,
        suspects,
        "accept",
        "Dana",
        progress=lambda *_: (time.sleep(0.2), moments.append(time.time()))[0],
    )
    due = [dispatch.due_at.timestamp() for dispatch in dispatches(database)]
    assert len(due) == 6
    assert min(due) >= moments[-1] + city.delivery.hold
    assert max(due) - min(due) < 0.001


def test_what_cannot_be_accepted_leaves_no_trace_and_the_others_go(city: Config, database: Database) -> None:
    fine = waiting(database, 2)
    with database.writing() as session:
        a_type(session, "flood", channel="letters")
        nowhere = a_suspect(session, type_code="flood").id or 0
    letters = city.model_copy(
        update={"channels": city.channels | {"letters": type(city.channels["desk"])(kind="email")}}
    )
    done = decide.bulk(database, letters, [*fine, nowhere], "accept", "Dana")
    assert (done.done, done.left_out) == (2, 1)
    assert "names no address" in done.says[0]
    assert statuses(database, nowhere) == ["waiting"]
    assert decisions(database, nowhere) == []


def test_what_changed_since_the_key_was_pressed_is_left_out(city: Config, database: Database) -> None:
    suspects = waiting(database, 3)
    with database.reading() as session:
        chosen = batches._chosen(session, suspects, "Dana", None).versions
    decide.retype(database, city, suspects[0], "pothole", "Ben")
    decide.dismiss(database, suspects[1], "joke", "Ben")
    with database.writing() as session:
        assert [s.id for s in batches._still(session, chosen)] == [suspects[2]]


def test_assigning_many_and_back(city: Config, database: Database) -> None:
    suspects = waiting(database, 3)
    decide.assign(database, suspects[0], "Ben", "Ben")
    done = decide.bulk(database, city, suspects, "assign", "Dana", "team:Streets")
    assert {the_suspect(database, i).assigned_to for i in suspects} == {"team:Streets"}
    decide.assign(database, suspects[1], "Cy", "Cy")
    back = decide.undo_batch(database, done.batch, "Dana")
    assert (back.done, back.left_out) == (2, 1)
    assert [the_suspect(database, i).assigned_to for i in suspects] == ["Ben", "Cy", ""]


def test_only_what_is_for_many_is_done_to_many(city: Config, database: Database) -> None:
    suspects = waiting(database, 2)
    with pytest.raises(ValueError, match="choose one of accept, dismiss, park, assign"):
        decide.bulk(database, city, suspects, "merge", "Dana")
    with pytest.raises(ValueError, match="boring"):
        decide.bulk(database, city, suspects, "dismiss", "Dana", "boring")
    assert statuses(database, *suspects) == ["waiting", "waiting"]


def test_three_thousand_are_dismissed_and_taken_back_in_seconds(city: Config, database: Database) -> None:
    with database.writing() as session:
        kind, post = a_type(session).id, a_post(session).id
        made = [Suspect(request_type_id=kind, first_posted_at=now(), last_posted_at=now()) for _ in range(3000)]
        session.add_all(made)
        session.flush()
        session.add_all(SuspectPost(suspect_id=suspect.id, post_id=post) for suspect in made)
    began = time.process_time()
    done = decide.bulk(database, city, Filter(type_code="pothole"), "dismiss", "Dana", "news_ad")
    dismissed = time.process_time() - began
    assert (done.done, done.left_out) == (3000, 0)
    assert decide.undo_batch(database, done.batch, "Dana").done == 3000
    assert dismissed < 5
    with database.reading() as session:
        assert {s.status for s in session.exec(select(Suspect))} == {"waiting"}


# -- what fails on the way ---------------------------------------------------------------------------------------------


def test_one_that_cannot_be_accepted_as_it_was_written_does_not_stop_the_others(
    city: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_AT_ONCE", 2)
    suspects = waiting(database, 5)
    decide.keep_draft(database, suspects[2], "Dana", {"text": "   "})
    done = decide.bulk(database, city, suspects, "accept", "Dana")
    assert (done.done, done.left_out, done.broken_off) == (4, 1, False)
    assert "1 The ticket has no text" in done.says[0]
    assert statuses(database, *suspects) == ["accepted", "accepted", "waiting", "accepted", "accepted"]
    assert decisions(database, suspects[2]) == []
    assert decide.undo_batch(database, done.batch, "Dana").done == 4


def test_one_that_clashes_in_the_database_leaves_no_trace_and_the_others_go(city: Config, database: Database) -> None:
    suspects = waiting(database, 3)
    with database.writing() as session:
        a_dispatch(session, session.get_one(Suspect, suspects[1]), channel="desk")
    done = decide.bulk(database, city, suspects, "accept", "Dana")
    assert (done.done, done.left_out) == (2, 1)
    assert done.says == ("1 clashed with what is stored already.",)
    assert statuses(database, *suspects) == ["accepted", "waiting", "accepted"]
    assert decisions(database, suspects[1]) == []


def test_one_that_cannot_be_taken_back_does_not_stop_the_others(city: Config, database: Database) -> None:
    suspects = waiting(database, 3)
    done = decide.bulk(database, city, suspects, "park", "Dana")
    with database.writing() as session:
        line = session.exec(select(Decision).where(Decision.suspect_id == suspects[1])).one()
        line.before = (line.before or {}) | {"decided_at": "no time"}
    back = decide.undo_batch(database, done.batch, "Dana")
    assert (back.done, back.left_out) == (2, 1)
    assert statuses(database, *suspects) == ["waiting", "parked", "waiting"]
    assert decisions(database, suspects[1]) == [("park", "", "Dana")]


@contextmanager
def breaking_down(database: Database, after: int) -> Iterator[batches.Progress]:
    """The database takes no decision any more once that many were looked at; until the block ends."""

    def renamed(before: str, now: str) -> None:
        with database.engine.begin() as connection:
            connection.execute(sql(f"ALTER TABLE {before} RENAME TO {now}"))

    yield lambda done, _: renamed("decision", "away") if done == after else None
    renamed("away", "decision")


@pytest.mark.parametrize(("verb", "status"), [("accept", "accepted"), ("dismiss", "dismissed"), ("park", "parked")])
def test_what_was_done_before_the_database_failed_can_be_taken_back(
    city: Config, database: Database, monkeypatch: pytest.MonkeyPatch, verb: str, status: str
) -> None:
    monkeypatch.setattr(batches, "_AT_ONCE", 2)
    suspects = waiting(database, 7)
    with breaking_down(database, after=4) as progress:
        done = decide.bulk(database, city, suspects, verb, "Dana", "joke", progress=progress)
    assert (done.done, done.left_out, done.broken_off) == (4, 3, True)
    assert done.says == ("3 not done, since the database did not answer: try again.",)
    assert statuses(database, *suspects) == [status] * 4 + ["waiting"] * 3
    assert decide.undo_batch(database, done.batch, "Dana").done == 4
    assert statuses(database, *suspects) == ["waiting"] * 7


def test_taking_back_goes_on_where_the_database_failed(
    city: Config, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_AT_ONCE", 2)
    suspects = waiting(database, 5)
    done = decide.bulk(database, city, suspects, "park", "Dana")
    with breaking_down(database, after=2) as progress:
        back = decide.undo_batch(database, done.batch, "Dana", progress)
    assert (back.done, back.left_out, back.broken_off) == (2, 3, True)
    assert statuses(database, *suspects) == ["waiting"] * 2 + ["parked"] * 3
    assert decide.undo_batch(database, back.batch, "Dana").done == 3
    assert statuses(database, *suspects) == ["waiting"] * 5


# -- expiry ------------------------------------------------------------------------------------------------------------


def old(database: Database, **values: Any) -> int:
    ago = now() - timedelta(days=40)
    times = {"first_posted_at": ago, "last_posted_at": ago, "created_at": ago}
    with database.writing() as session:
        return a_suspect(session, **(times | values)).id or 0


def expired(database: Database, config: Config, days: int = 30) -> int:
    with database.writing() as session:
        return decide.expire(session, config.model_copy(update={"queue": QueueSettings(expire_days=days)}))


@pytest.mark.parametrize("how", ["undone", "bulk"])
def test_what_a_person_brought_back_does_not_expire_at_once(city: Config, database: Database, how: str) -> None:
    suspect_id = old(database)
    if how == "undone":
        assert expired(database, city) == 1
        decide.undo(database, suspect_id, "Dana")
    else:
        parked = decide.bulk(database, city, [suspect_id], "park", "Dana")
        decide.undo_batch(database, parked.batch, "Dana")
    assert expired(database, city) == 0
    with database.reading() as session:
        back = session.get_one(Suspect, suspect_id)
        assert (back.status, back.opened_by) == ("waiting", "Dana")


def test_what_nobody_opened_for_long_expires_and_is_counted(city: Config, database: Database) -> None:
    suspect_id, (young,) = old(database), waiting(database)
    assert expired(database, city, days=0) == 0
    assert expired(database, city, days=50) == 0
    assert expired(database, city) == 1
    assert statuses(database, suspect_id, young) == ["expired", "waiting"]
    assert decisions(database, suspect_id) == [("expire", "", "")]
    with database.reading() as session:
        assert decide.expired_since(session, now() - timedelta(hours=1)) == 1
        assert decide.expired_since(session, now() + timedelta(hours=1)) == 0
    with pytest.raises(AlreadyDecidedError, match="It was expired, a moment ago"):
        decide.accept(database, city, suspect_id, "Dana")
    decide.undo(database, suspect_id, "Dana")
    assert statuses(database, suspect_id) == ["waiting"]


@pytest.mark.parametrize(
    "value",
    [
        {"urgent": 1},
        {"opened_at": now(), "opened_by": "Dana"},
        {"assigned_to": "Dana"},
        {"returned_because": "No such street."},
        {"last_posted_at": now()},
        {"created_at": now()},
        {"status": "parked"},
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_is_urgent_or_somebodys_never_expires(city: Config, database: Database, value: dict[str, Any]) -> None:
    suspect_id = old(database, **value)
    assert expired(database, city) == 0
    assert statuses(database, suspect_id) != ["expired"]


def test_it_expires_in_portions(city: Config, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "PORTION", 2)
    for _ in range(3):
        old(database)
    assert [expired(database, city) for _ in range(3)] == [2, 1, 0]
    with database.reading() as session:
        assert len(session.exec(select(Suspect).where(col(Suspect.status) == "expired")).all()) == 3
