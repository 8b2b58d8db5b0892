"""What a deletion upstream reaches, wherever a post's words went; and who is faster, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, select

from connector import decide, privacy, workflow
from connector.config import Config
from connector.decide import verdicts
from connector.deliver import IN_VAIN
from connector.dispatch import Absent, Receipt, Request, TicketRef, TicketState
from connector.errors import AlreadyDecidedError, RefusedError
from connector.followup import FollowUps
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Incoming, Kind, Reference
from connector.intake import From, Intake
from connector.models import (
    SUSPECT_FOLLOWS,
    Decision,
    Dispatch,
    Draft,
    Match,
    Note,
    Post,
    Rule,
    Setting,
    SourceState,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    TicketEvent,
    now,
)
from connector.sealing import Sealer
from connector.sources.x import CAPABILITIES
from connector.store import Database, tickets
from connector.triage import Gazetteer
from tests.builders import a_dispatch, a_post, a_rule, a_suspect, a_ticket, a_type
from tests.deliveries import (
    CLAIM,
    HOLD,
    SETTLE,
    TIMEOUT,
    Counter,
    SilentCounter,
    a_city,
    a_worker,
    dispatches,
    the_suspect,
    time_passes,
)

SECRET = "Big pothole, and the secretword of a resident"


@pytest.fixture
def city(config: Config) -> Config:
    return a_city(config, "outbox")


def erase(database: Database, *source_ids: str, source: str = "x") -> int:
    with database.writing() as session:
        return privacy.erase(session, source, source_ids, "deleted upstream")


def a_waiting(database: Database, *texts: str, **values: Any) -> int:
    """A suspect of posts x/1, x/2 …; the first one leads."""
    with database.writing() as session:
        known = len(session.exec(select(Post.id)).all())
        posts = [a_post(session, t, source="x", source_id=str(known + n)) for n, t in enumerate(texts or [SECRET], 1)]
        suspect = a_suspect(session, post=posts[0], text=posts[0].text, **values)
        session.add_all(SuspectPost(suspect_id=suspect.id, post_id=post.id) for post in posts[1:])
        return suspect.id or 0


def everything(database: Database) -> str:
    """All that the tables hold, as text."""
    with database.reading() as session:
        tables: tuple[Any, ...] = (Suspect, Post, Match, Dispatch, Draft, Note, Ticket, TicketEvent, Decision)
        return repr([row.model_dump() for table in tables for row in session.exec(select(table))])


def ticket_of(database: Database) -> Ticket:
    with database.reading() as session:
        return session.exec(select(Ticket)).one()


# -- what stands in other posts ----------------------------------------------------------------------------------------


def test_a_quote_of_it_stays_without_what_it_said(database: Database) -> None:
    a_waiting(database)
    with database.writing() as session:
        refs = [{"kind": "quote", "id": "1"}]
        quote = a_post(session, "Look at this hole", source="x", source_id="9", quoted_text=SECRET, references=refs)
        suspect = a_suspect(session, post=quote, text="secretword hole")
        suspect.why = [{"rule_id": 1, "rule": "holes", "words": ["secretword", "hole"]}]
    assert erase(database, "1") == 1
    with database.reading() as session:
        quote = session.exec(select(Post).where(Post.source_id == "9")).one()
        assert (quote.text, quote.quoted_text, quote.gone_at) == ("Look at this hole", "", None)
        assert session.get_one(Suspect, 2).why[0]["words"] == ["hole"]  # type: ignore[index]
    assert "secretword" not in everything(database)


def test_a_repost_of_it_goes_too(database: Database) -> None:
    with database.writing() as session:
        refs = [{"kind": "repost", "id": "1"}]
        repost = a_post(session, f"RT @…: {SECRET}", source="x", source_id="9", kind="repost", references=refs)
        suspect_id = a_suspect(session, post=repost).id or 0
    assert erase(database, "1") == 1
    assert the_suspect(database, suspect_id).status == "withdrawn"
    assert "secretword" not in everything(database)


def test_the_same_id_at_another_source_is_another_post(database: Database) -> None:
    suspect_id = a_waiting(database)
    assert erase(database, "1", source="bluesky") == 0
    assert the_suspect(database, suspect_id).status == "waiting"


# -- what a suspect knows ----------------------------------------------------------------------------------------------


def test_the_next_post_leads_with_its_own_source_language_and_words(database: Database) -> None:
    with database.writing() as session:
        first = a_post(session, SECRET, source="x", source_id="1", lang="en")
        suspect = a_suspect(session, post=first, source="x")
        other = a_suspect(session, post=a_post(session, "bache enorme", source="bluesky", source_id="2", lang="es"))
        session.flush()
        one, two = suspect.id or 0, other.id or 0
    decide.merge(database, two, one, "Dana")
    erase(database, "1")
    left = the_suspect(database, one)
    assert (left.source, left.language, [reason["words"] for reason in left.why or []]) == ("bluesky", "es", [["Big"]])


@pytest.mark.parametrize("how", ["merged", "split off"])
def test_a_place_goes_with_the_post_that_told_it_wherever_that_is_by_now(database: Database, how: str) -> None:
    place = {"place": "Elm Street & 9th Avenue", "place_method": "reply", "place_words": "Elm and 9th", "lat": 4.5}
    suspect_id = a_waiting(database, "A pothole ate my tire", "it is at Elm and 9th", **place)
    with database.writing() as session:
        suspect = session.get_one(Suspect, suspect_id)
        suspect.place_post_id = reply = session.exec(select(Post.id).where(Post.source_id == "2")).one() or 0
    if how == "merged":
        decide.merge(database, suspect_id, a_waiting(database, "another"), "Dana")
    else:
        decide.split(database, suspect_id, [reply], "Dana")
    erase(database, "2")
    assert "Elm" not in everything(database)
    assert "4.5" not in everything(database)


def test_a_place_stays_when_another_post_than_the_one_that_told_it_goes(database: Database) -> None:
    suspect_id = a_waiting(
        database, "A pothole ate my tire", "me too", "it is at Elm", place="Elm", place_method="reply"
    )
    with database.writing() as session:
        told = session.exec(select(Post.id).where(Post.source_id == "3")).one()
        session.get_one(Suspect, suspect_id).place_post_id = told
    erase(database, "1", "2")
    assert (the_suspect(database, suspect_id).place, the_suspect(database, suspect_id).posts) == ("Elm", 1)
    erase(database, "3")
    assert (the_suspect(database, suspect_id).place, the_suspect(database, suspect_id).status) == ("", "withdrawn")


@pytest.mark.parametrize("status", ["dismissed", "expired"])
def test_what_ended_stays_as_it_ended_and_is_not_brought_back_without_a_post(database: Database, status: str) -> None:
    suspect_id = a_waiting(database)
    if status == "dismissed":
        workflow.dismiss(database, suspect_id, "joke", "Ann")
    else:
        with database.writing() as session:
            suspect = session.get_one(Suspect, suspect_id)
            suspect.status, suspect.decided_at = status, now()
            session.add(Decision(suspect_id=suspect_id, kind="expire", before={"status": "waiting"}))
    erase(database, "1")
    assert the_suspect(database, suspect_id).status == status
    assert SuspectStatus.WITHDRAWN not in SUSPECT_FOLLOWS[SuspectStatus.EXPIRED]
    with pytest.raises(AlreadyDecidedError, match="were deleted by their authors"):
        workflow.undo(database, suspect_id, "Ann")


# -- drafts and notes --------------------------------------------------------------------------------------------------


def test_nothing_is_typed_onto_what_was_deleted(database: Database) -> None:
    suspect_id = a_waiting(database)
    erase(database, "1")
    with pytest.raises(AlreadyDecidedError, match="withdrawn"):
        workflow.keep_draft(database, suspect_id, "Ann", {"text": SECRET})
    with pytest.raises(AlreadyDecidedError, match="withdrawn"):
        workflow.note(database, suspect_id, SECRET, "Ann")
    assert "secretword" not in everything(database)


def test_nothing_is_typed_onto_what_was_merged(database: Database) -> None:
    suspect_id, into = a_waiting(database), a_waiting(database, "another")
    workflow.merge(database, suspect_id, into, "Ben")
    with pytest.raises(AlreadyDecidedError, match="merged by Ben"):
        workflow.keep_draft(database, suspect_id, "Ann", {"text": SECRET})
    with pytest.raises(AlreadyDecidedError, match="merged by Ben"):
        workflow.note(database, suspect_id, SECRET, "Ann")
    erase(database, "1")
    assert "secretword" not in everything(database)


@pytest.mark.parametrize("verb", ["also", "split"])
def test_a_note_on_what_is_taken_back_goes_where_its_posts_go(database: Database, verb: str) -> None:
    suspect_id = a_waiting(database, "Big pothole", "and another one")
    with database.writing() as session:
        a_type(session, "graffiti")
        second = session.exec(select(Post.id).where(Post.source_id == "2")).one() or 0
    if verb == "also":
        new = workflow.also_file(database, suspect_id, "graffiti", "Ann")
    else:
        new = workflow.split(database, suspect_id, [second], "Ann")
    workflow.note(database, new, "he says secretword", "Ann")
    workflow.undo(database, suspect_id, "Ann")
    with database.reading() as session:
        assert session.exec(select(Note.suspect_id)).all() == [suspect_id]
    erase(database, "1", "2")
    assert "secretword" not in everything(database)


def test_a_draft_left_on_a_withdrawn_one_goes_with_the_next_chore(database: Database) -> None:
    suspect_id = a_waiting(database, status="withdrawn")
    with database.writing() as session:
        session.add(Draft(suspect_id=suspect_id, by="Ann", content={"text": SECRET}))
    with database.writing() as session:
        assert workflow.drop_old_drafts(session) == 1


# -- what was sent -----------------------------------------------------------------------------------------------------


def a_sent(database: Database, *texts: str, **values: Any) -> int:
    """As `a_waiting`, accepted, with a ticket; its dispatch."""
    suspect_id = a_waiting(database, *texts, status="accepted", decided_at=now())
    with database.writing() as session:
        dispatch = a_dispatch(session, session.get_one(Suspect, suspect_id), **values)
        if dispatch.status == "queued":
            a_ticket(session, dispatch)
        return dispatch.id or 0


def test_each_deletion_flags_the_copy_over_there_again(database: Database) -> None:
    a_sent(database, SECRET, "me too")
    erase(database, "1")
    workflow.flag_done(database, ticket_of(database).id or 0, "Ann")
    assert ticket_of(database).flagged == ""
    erase(database, "2")
    assert ticket_of(database).flagged == privacy.FLAG


def test_what_is_filed_by_hand_after_a_deletion_is_flagged(database: Database) -> None:
    dispatch_id = a_sent(database, status="unclear", attempts=1, content={"text": SECRET})
    erase(database, "1")
    workflow.filed_by_hand(database, dispatch_id, "PA-1", "Ann")
    assert ticket_of(database).flagged == privacy.FLAG


def test_words_of_the_other_side_go_with_it_and_are_not_fetched_again(city: Config, database: Database) -> None:
    said = TicketState(
        TicketRef(number="PA-1"), number="PA-1", closed=False, status="open", notes=f"Resident: {SECRET}"
    )
    a_sent(database)
    with database.writing() as session:
        ticket = session.exec(select(Ticket)).one()
        ticket.number, ticket.check_at = "PA-1", now()
    follow = FollowUps(database, city, {"outbox": _Telling(said)})  # type: ignore[dict-item]
    follow.step()
    assert "secretword" in ticket_of(database).notes
    erase(database, "1")
    time_passes(database, 100_000)
    with database.writing() as session:
        session.exec(select(Ticket)).one().check_at = now()
    follow.step()
    assert ticket_of(database).notes == ""
    assert "secretword" not in everything(database)


class _Telling:
    can_follow = True

    def __init__(self, said: TicketState) -> None:
        self._said = said

    def status(self, refs: Any) -> list[TicketState]:
        return [self._said]


@pytest.mark.parametrize("line", ["Closed", "Note", "Refused", "Tried", "No clear answer"])
def test_a_line_of_the_history_keeps_what_happened_and_loses_whose_words_it_was(database: Database, line: str) -> None:
    dispatch_id = a_sent(database)
    with database.writing() as session:
        session.add(TicketEvent(dispatch_id=dispatch_id, what=f"{line}: about the secretword"))
        session.add(TicketEvent(dispatch_id=dispatch_id, what="Sent: PA-1"))
    erase(database, "1")
    with database.reading() as session:
        told = session.exec(select(TicketEvent.what).order_by(col(TicketEvent.id))).all()
    assert told == [line, "Sent: PA-1", "The author deleted the post"]


def test_a_request_that_carries_it_is_found_wherever_the_post_is_by_now(city: Config, database: Database) -> None:
    with database.writing() as session:
        a_type(session, "graffiti", channel="outbox")
        session.add(SourceState(name="x", kind="x"))
    target, other = a_waiting(database, "pothole one"), a_waiting(database, "pothole two")
    workflow.accept(database, city, target, "Ann")
    workflow.merge(database, other, target, "Ann")
    workflow.retype(database, city, target, "graffiti", "Ann")
    workflow.undo(database, other, "Ann")
    queued = next(dispatch for dispatch in dispatches(database) if dispatch.status == "queued")
    assert "/2" in str(queued.content), "the link of the post that was merged when it was retyped"
    erase(database, "2")
    assert [dispatch.status for dispatch in dispatches(database)] == ["cancelled", "cancelled"]
    assert (the_suspect(database, target).status, the_suspect(database, target).returned_because) == (
        "waiting", privacy.RETURNED,
    )  # fmt: skip
    assert the_suspect(database, other).status == "withdrawn"


def test_a_request_goes_on_without_what_was_deleted_before_it_was_accepted(city: Config, database: Database) -> None:
    suspect_id = a_waiting(database, SECRET, "pothole, me too")
    erase(database, "1")
    workflow.accept(database, city, suspect_id, "Ann")
    time_passes(database, HOLD + 1)
    worker = a_worker(database, city, counter := SilentCounter(name="outbox"))
    worker.step()
    assert [("secretword" in sent.text, "me too" in sent.text) for sent in counter.sent] == [(False, True)]
    with database.reading() as session:
        assert session.exec(select(Setting.name).where(col(Setting.name).startswith("forget.SC-"))).all() == []


# -- who is faster -----------------------------------------------------------------------------------------------------


def at_once(one: Callable[[Callable[[], None]], None], other: Callable[[], None]) -> None:
    """`one` calls what it is given when it is halfway: there `other` begins, and has a second before `one` goes on."""
    hands: list[threading.Thread] = []
    failed: list[BaseException] = []

    def quietly() -> None:
        try:
            other()
        except AlreadyDecidedError as error:
            failed.append(error)

    def halfway() -> None:
        if not hands:
            hands.append(threading.Thread(target=quietly))
            hands[0].start()
            hands[0].join(1)

    one(halfway)
    hands[0].join(30)
    assert not hands[0].is_alive()


def stands(database: Database, suspect_id: int) -> tuple[str, list[tuple[str, bool]]]:
    sent = [(dispatch.status, "secretword" in str(dispatch.content)) for dispatch in dispatches(database)]
    return the_suspect(database, suspect_id).status, sent


@pytest.mark.parametrize("posts", [1, 2])
def test_an_accept_while_its_post_is_erased_sends_nothing_of_it(city: Config, database: Database, posts: int) -> None:
    suspect_id = a_waiting(database, *[SECRET, "me too"][:posts])

    def erasing(halfway: Callable[[], None]) -> None:
        with database.writing() as session:
            privacy.erase(session, "x", ["1"], "deleted upstream")
            halfway()

    at_once(erasing, lambda: workflow.accept(database, city, suspect_id, "Ann"))
    # With a post left whoever accepts a moment later accepts that one.
    assert stands(database, suspect_id) == [("withdrawn", []), ("accepted", [("queued", False)])][posts - 1]


@pytest.mark.parametrize("posts", [1, 2])
def test_a_deletion_while_it_is_accepted_calls_it_back(city: Config, database: Database, posts: int) -> None:
    suspect_id = a_waiting(database, *[SECRET, "me too"][:posts])

    def accepting(halfway: Callable[[], None]) -> None:
        with database.writing() as session:
            verdicts.accept_in(session, city, suspect_id, "Ann", None, None)
            session.flush()
            halfway()

    at_once(accepting, lambda: erase(database, "1") and None)
    assert stands(database, suspect_id) == (["withdrawn", "waiting"][posts - 1], [("cancelled", False)])


def test_a_deletion_while_it_is_claimed_is_recorded_when_the_talk_ends(city: Config, database: Database) -> None:
    suspect_id = a_waiting(database)
    workflow.accept(database, city, suspect_id, "Ann")
    time_passes(database, HOLD + 1)
    worker = a_worker(database, city, SilentCounter(name="outbox"))
    claim = worker._claim_due()
    assert claim
    at_once(lambda halfway: (worker._send(claim), halfway())[1], lambda: erase(database, "1") and None)  # type: ignore[func-returns-value]
    assert (stands(database, suspect_id), ticket_of(database).flagged) == (
        ("accepted", [("sent", False)]), privacy.FLAG,
    )  # fmt: skip


def test_a_refusal_that_quotes_what_was_deleted_meanwhile_is_not_kept(city: Config, database: Database) -> None:
    suspect_id = a_waiting(database)
    workflow.accept(database, city, suspect_id, "Ann")
    time_passes(database, HOLD + 1)

    def refused(request: Request) -> Receipt:
        erase(database, "1")
        raise RefusedError(f"Not ours: {request.text}", "outbox")

    a_worker(database, city, SilentCounter(refused, name="outbox")).step()
    assert stands(database, suspect_id) == ("withdrawn", [("refused", False)])
    assert "secretword" not in everything(database)


def test_nothing_leaves_of_a_suspect_that_is_not_accepted(city: Config, database: Database) -> None:
    """Should a bug leave a request behind, it is ended and not sent; those behind it go on."""
    left, sound = a_waiting(database), a_waiting(database, "pothole two")
    workflow.accept(database, city, left, "Ann")
    workflow.accept(database, city, sound, "Ann")
    with database.writing() as session:
        session.get_one(Suspect, left).status = "withdrawn"
    time_passes(database, HOLD + 1)
    worker = a_worker(database, city, counter := SilentCounter(name="outbox"))
    worker.step()
    assert [dispatch.status for dispatch in dispatches(database)] == ["cancelled", "sent"]
    assert ["secretword" in sent.text for sent in counter.sent] == [False]


# -- what comes behind it ----------------------------------------------------------------------------------------------


def taken(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer, *events: Any) -> None:
    with database.writing() as session:
        if session.exec(select(Rule.id)).first() is None:
            a_rule(session, "pothole")
        intake = Intake(config, sealer, gazetteer)
        intake.refresh(session)
        intake.take(session, From("x", "x", CAPABILITIES), Batch(events))


def showing(source_id: str, kind: Kind, text: str = "Look at this pothole", of: str = "1") -> Incoming:
    refs = [Reference(kind, of)]
    detail = Detail(kind=kind, references=refs, quoted_text=SECRET if kind is Kind.QUOTE else "")
    return Incoming(source_id, SECRET if kind is Kind.REPOST else text, "en", b"", detail)


@pytest.mark.parametrize("held", [True, False])
def test_quotes_and_reposts_behind_a_deletion_bring_nothing_of_it(
    database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer, held: bool
) -> None:
    def take(*events: Any) -> None:
        taken(database, config, sealer, gazetteer, *events)

    if held:
        take(Arrived(Incoming("1", SECRET, "en")))
    take(Deleted("1"))
    take(Arrived(showing("8", Kind.REPOST)), Arrived(showing("9", Kind.QUOTE)))
    take(Edited(showing("9", Kind.QUOTE, "Look at this pothole!")))
    assert "secretword" not in everything(database)
    with database.reading() as session:
        assert session.exec(select(Post.text).where(Post.source_id == "9")).one() == "Look at this pothole!"
        assert session.exec(select(Post.id).where(Post.source_id == "8")).all() == []


def test_a_quote_of_one_version_goes_with_a_deletion_that_names_another(
    database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer
) -> None:
    versions = ["10", "11", "12"]
    raw = b'{"edit_history_tweet_ids": ["10", "11", "12"]}'
    edited = Incoming("12", SECRET, "en", raw, Detail(edits=versions))
    quote = Arrived(showing("19", Kind.QUOTE, of="11"))
    taken(database, config, sealer, gazetteer, Arrived(edited), quote, Deleted("10"))
    assert "secretword" not in everything(database)


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_refusal_that_quotes_one_of_two_posts_loses_its_words_with_it(
    city: Config, database: Database, when: str
) -> None:
    suspect_id = a_waiting(database, SECRET, "me too")
    workflow.accept(database, city, suspect_id, "Ann")
    time_passes(database, HOLD + 1)

    def refused(request: Request) -> Receipt:
        if when == "meanwhile":
            erase(database, "1")
        raise RefusedError(f"Not ours: {request.text}", "outbox")

    a_worker(database, city, SilentCounter(refused, name="outbox")).step()
    if when == "before":
        erase(database, "1")
    assert "secretword" not in everything(database)
    assert (the_suspect(database, suspect_id).status, the_suspect(database, suspect_id).returned_because) == (
        "waiting", privacy.REFUSED,
    )  # fmt: skip


def test_what_arrived_although_it_was_cancelled_is_flagged_and_shown(city: Config, database: Database) -> None:
    suspect_id = a_waiting(database)
    workflow.accept(database, city, suspect_id, "Ann")
    time_passes(database, HOLD + 1)
    slow, other = (a_worker(database, city, Counter(finds=[Absent()], name="outbox"), name=name) for name in "ab")
    claim = slow._claim_due()
    assert claim
    time_passes(database, CLAIM + 1)
    other.reclaim()
    time_passes(database, SETTLE + TIMEOUT + 5)
    looking = other._claim_lookup()
    assert looking
    other._look_up(looking)
    workflow.undo(database, suspect_id, "Ann")
    slow._sent(claim, Receipt(number="PA-77"), "Sent")
    assert ticket_of(database).flagged == IN_VAIN
    with database.reading() as session:
        assert [(row.number, row.status) for row in tickets.page(session, "needs you")] == [("PA-77", "cancelled")]
    erase(database, "1")
    assert ticket_of(database).flagged == privacy.FLAG


def test_a_note_fetched_while_its_post_is_erased_is_not_kept(city: Config, database: Database) -> None:
    """On PostgreSQL the two waited for each other, and one was broken off."""
    a_sent(database)
    with database.writing() as session:
        ticket = session.exec(select(Ticket)).one()
        ticket.number, ticket.check_at = "PA-1", now()
    said = TicketState(TicketRef("PA-1"), number="PA-1", closed=False, status="open", notes=f"Resident: {SECRET}")
    follow = FollowUps(database, city, {"outbox": _Telling(said)})  # type: ignore[dict-item]

    def erasing(halfway: Callable[[], None]) -> None:
        with database.writing() as session:
            privacy.erase(session, "x", ["1"], "deleted upstream")
            session.flush()
            halfway()

    at_once(erasing, lambda: follow.step() and None)
    assert "secretword" not in everything(database)
