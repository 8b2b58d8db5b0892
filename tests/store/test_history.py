"""Find anything: a post is found by all that names it, its story is whole, and each question has its index."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from connector import workflow
from connector.config import Config
from connector.models import (
    AuditEntry,
    Gap,
    Note,
    Post,
    ReadCount,
    Reply,
    SourceState,
    Suspect,
    SuspectPost,
    TicketEvent,
    now,
)
from connector.store import Database
from connector.store.history import Found, Pasted, Story, around, find, story, together
from tests.builders import a_dispatch, a_post, a_rule, a_suspect, a_ticket, added
from tests.plans import asked, plans

NOW = now()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.writing() as opened:
        for name, kind in (("sample", "sample"), ("birds", "x"), ("hands", "manual")):
            added(opened, SourceState(name=name, kind=kind))
        yield opened


def posts(session: Session, **pasted: Any) -> list[int]:
    return [one.post_id for one in find(session, Pasted("", **pasted))]


# -- finding -------------------------------------------------------------------------------------------------------


def test_a_post_is_found_by_the_id_of_any_of_its_wordings(session: Session) -> None:
    edits = [{"id": "11", "text": "a", "at": NOW.isoformat()}, {"id": "12", "text": "b", "at": NOW.isoformat()}]
    post = a_post(session, source="birds", source_id="11", version_id="13", edits=edits, edited_at=NOW)
    a_post(session, source="birds", source_id="21")
    assert [posts(session, ids=(id_,)) for id_ in ("11", "12", "13", "14")] == [[post.id], [post.id], [post.id], []]


def test_the_same_id_at_two_sources_gives_both(session: Session) -> None:
    ours = [a_post(session, source=source, source_id="11").id for source in ("birds", "sample")]
    assert sorted(posts(session, ids=("11",))) == sorted(ours)


def test_a_link_that_names_its_author_is_found_by_pseudonym_and_ending(session: Session) -> None:
    post = a_post(session, source="birds", source_id="did:plc:a/post/k1", author_key="key")
    a_post(session, source="birds", source_id="did:plc:b/post/k1", author_key="other")
    a_post(session, source="birds", source_id="did:plc:a/post/k_", author_key="key")
    assert posts(session, author_key="key", ending="/post/k1") == [post.id]
    assert posts(session, author_key="key", ending="/post/%") == []


def test_a_reference_a_number_and_an_id_lead_to_the_suspect_and_its_first_post(session: Session) -> None:
    suspect = a_suspect(session, status="accepted")
    a_ticket(session, a_dispatch(session, suspect, reference="SC-7F3K9Q"), number="PA-1")
    wanted = suspect.lead_post_id, suspect.id
    assert find(session, Pasted("", numbers=("SC-7F3K9Q",))) == [Found(*wanted, "reference")]
    assert find(session, Pasted("", numbers=("PA-1",))) == [Found(*wanted, "ticket")]
    assert find(session, Pasted("", suspect_id=suspect.id)) == [Found(*wanted, "suspect")]
    assert find(session, Pasted("", suspect_id=(suspect.id or 0) + 1)) == []
    assert posts(session, post_id=suspect.lead_post_id) == [suspect.lead_post_id]


def test_the_reference_of_an_answer_leads_to_the_post(session: Session) -> None:
    post = a_post(session)
    added(session, Reply(reference="SC-ANSWER", post_id=post.id, source="sample", kind="logged"))
    assert posts(session, numbers=("SC-ANSWER",)) == [post.id]


def test_what_fits_twice_is_given_once(session: Session) -> None:
    suspect = a_suspect(session, status="accepted")
    a_ticket(session, a_dispatch(session, suspect, reference="SC-111111"), number="PA-1")
    assert len(find(session, Pasted("", numbers=("SC-111111", "PA-1"), suspect_id=suspect.id))) == 1


def test_a_post_added_by_hand_is_found_by_its_link_with_the_handle_left_out(session: Session) -> None:
    link = "https://nextdoor.example/@\ufdd00\ufdd1/p/1_2/"
    post = a_post(session, source="hands", entities={"link": link, "urls": ["https://other.example/x"]})
    assert posts(session, link="nextdoor.example/@%/p/1\\_2") == [post.id]
    assert posts(session, link="nextdoor.example/@%/p/1\\_") == []
    assert posts(session, link="other.example/x") == []


# -- the story -----------------------------------------------------------------------------------------------------


def told(session: Session, post: Post, suspect: Suspect | None = None, audit: bool = False) -> Story:
    found = story(session, post.id or 0, suspect.id if suspect else None, audit)
    assert found is not None
    return found


def test_a_post_that_met_no_rule_has_a_story_without_suspects(session: Session) -> None:
    post = a_post(session, source="birds")
    found = told(session, post)
    assert (found.kind, found.met, found.suspects, found.dispatches) == ("x", [], {}, [])
    assert story(session, (post.id or 0) + 1) is None


def test_everything_hangs_together(session: Session) -> None:
    rule = a_rule(session, name="Holes", version=3)
    suspect = a_suspect(session, status="accepted")
    post = session.get_one(Post, suspect.lead_post_id)
    dispatch = a_dispatch(session, suspect)
    ticket = a_ticket(session, dispatch)
    added(session, TicketEvent(dispatch_id=dispatch.id, what="Sent"))
    added(session, Note(suspect_id=suspect.id, text="told twice", by="Dana"))
    added(session, Reply(reference="SC-ANSWER", post_id=post.id, source="sample", kind="logged"))
    added(session, AuditEntry(suspect_id=suspect.id, what="author's name seen", by="Dana"))
    stranger = a_suspect(session, "another hole", status="accepted")
    a_dispatch(session, stranger)
    added(session, Note(suspect_id=stranger.id, text="not this one"))
    found = told(session, post)
    assert [(met.rule, met.type, met.version, met.now_version, met.words) for met in found.met] == [
        (rule.name, "Pothole", 3, 3, ("Big",))
    ]
    assert list(found.suspects) == [suspect.id]
    assert [one.id for one in found.dispatches] == [dispatch.id]
    assert found.tickets == {dispatch.id: ticket}
    assert [one.what for one in found.events] == ["Sent"]
    assert [one.text for one in found.notes] == ["told twice"]
    assert [one.reference for one in found.replies] == ["SC-ANSWER"]
    assert found.audit == ()
    assert [one.what for one in told(session, post, audit=True).audit] == ["author's name seen"]


def suspects(database: Database, number: int) -> list[tuple[int, int]]:
    """(suspect, post)"""
    with database.writing() as session:
        made = [a_suspect(session, f"hole {n}") for n in range(number)]
        return [(one.id or 0, one.lead_post_id or 0) for one in made]


def story_of(database: Database, post: int) -> Story:
    with database.reading() as session:
        found = story(session, post)
        assert found is not None
        session.expunge_all()
        return found


def kinds(found: Story) -> list[tuple[int, str]]:
    return [(made.suspect_id, made.kind) for made in found.decisions]


def test_a_merged_post_keeps_what_it_was_before(database: Database) -> None:
    (first, post), (second, other) = suspects(database, 2)
    workflow.merge(database, first, second, "Dana")
    found = story_of(database, post)
    assert set(found.suspects) == {first, second}
    assert kinds(found) == [(first, "merge"), (second, "merge")]
    assert [join.suspect_id for join in found.joins] == [second]


def test_one_that_others_were_merged_into_names_them_and_leaves_their_story_out(database: Database) -> None:
    (first, post), (second, other) = suspects(database, 2)
    workflow.retype(database, Config.model_construct(), first, "pothole", "Ben")
    workflow.merge(database, first, second, "Dana")
    found = story_of(database, other)
    assert (set(found.suspects), set(found.others)) == ({second}, {first})
    assert kinds(found) == [(second, "merge")]


def test_a_post_that_was_split_off_keeps_the_story_of_the_whole(database: Database) -> None:
    (first, post), (second, other) = suspects(database, 2)
    workflow.merge(database, first, second, "Dana")
    new = workflow.split(database, second, [post], "Ben")
    found = story_of(database, post)
    assert set(found.suspects) == {first, second, new}
    assert (new, "split") in kinds(found)
    stayed = story_of(database, other)
    assert set(stayed.suspects) == {second}


def test_a_second_request_of_the_same_post_is_in_its_story(database: Database) -> None:
    ((first, post),) = suspects(database, 1)
    with database.writing() as session:
        a_rule(session, "graffiti")
    second = workflow.also_file(database, first, "graffiti", "Dana")
    assert set(story_of(database, post).suspects) == {first, second}


def test_an_earlier_suspect_that_it_resembles_is_named(session: Session) -> None:
    earlier = a_suspect(session, status="dismissed")
    suspect = a_suspect(session, "the same hole again", follows_id=earlier.id)
    assert set(told(session, session.get_one(Post, suspect.lead_post_id)).others) == {earlier.id}


def test_others_who_tell_of_it_are_given_the_earliest_first(session: Session) -> None:
    suspect = a_suspect(session)
    texts = ["second", "first"]
    for number, text in enumerate(texts):
        post = a_post(session, text, posted_at=NOW - timedelta(hours=number))
        added(session, SuspectPost(suspect_id=suspect.id, post_id=post.id))
    assert [post.text for post in together(session, [suspect.id or 0], suspect.lead_post_id or 0)] == texts[::-1]
    assert together(session, [], 1) == []


# -- one that is not here ------------------------------------------------------------------------------------------


def test_of_one_that_is_not_here_the_gaps_and_counts_of_its_time_are_told(session: Session) -> None:
    day = NOW.date()
    near = Gap(source="birds", from_at=NOW - timedelta(hours=1), to_at=NOW - timedelta(minutes=5), why="")
    lasting = Gap(source="birds", from_at=NOW - timedelta(minutes=30), to_at=None, why="")
    far = Gap(source="birds", from_at=NOW - timedelta(hours=9), to_at=NOW - timedelta(hours=8), why="")
    later = Gap(source="birds", from_at=NOW + timedelta(hours=1), to_at=NOW + timedelta(hours=2), why="")
    for gap in (near, lasting, far, later):
        added(session, gap)
    added(session, ReadCount(source="birds", day=day, outcome="unmatched", count=90))
    added(session, ReadCount(source="birds", day=day - timedelta(days=1), outcome="unmatched", count=7))
    (birds,) = around(session, "x", NOW, day)
    assert [gap.id for gap in birds.gaps] == [near.id, lasting.id]
    assert birds.counted == {"unmatched": 90}
    assert [one.name for one in around(session)] == ["birds", "hands", "sample"]
    assert around(session, "bluesky", NOW, day) == []
    assert all(not one.gaps and not one.counted for one in around(session))


# -- flat ----------------------------------------------------------------------------------------------------------


def test_no_question_reads_a_whole_table(database: Database) -> None:
    (first, post), (second, _) = suspects(database, 2)
    workflow.merge(database, first, second, "Dana")
    with database.writing() as session:
        added(session, SourceState(name="sample", kind="sample"))
        a_ticket(session, a_dispatch(session, session.get_one(Suspect, second), reference="SC-7F3K9Q"))

    def ask(session: Session) -> None:
        find(session, Pasted("", ids=("11",), numbers=("SC-7F3K9Q",), suspect_id=first, author_key="a", ending="b"))
        story(session, post, second, audit=True)
        together(session, [second], post)

    said = asked(database, ask)
    assert len(said) <= 26
    if not database.is_sqlite:
        return
    scanned = {step.split()[1] for plan in plans(database, said) for step in plan if step.startswith("SCAN")}
    assert scanned <= {"source_state", "request_type"}
