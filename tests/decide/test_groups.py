"""Merge, split and "also file as": which posts are one problem, and the way back; on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from connector import decide
from connector.config import Config
from connector.errors import AlreadyDecidedError
from connector.models import Apart, Decision, Draft, Match, Note, Post, Suspect, SuspectPost, now
from connector.privacy import erase
from connector.store import Database, queue
from tests.builders import a_post, a_rule, a_suspect, a_type
from tests.deliveries import Counter, a_worker, decisions, dispatches, the_suspect, time_passes

LATER = ("version", "opened_at", "opened_by", "near_keys", "claimed_by", "claimed_until")
"""What a way back does not put back."""


def of_several(database: Database, *authors: str, **values: Any) -> int:
    """A waiting suspect of a post by each of these, an hour between them; the first one leads."""
    with database.writing() as session:
        a_type(session, "pothole", channel="desk")
        a_type(session, "noise", channel="mail")
        posts = [
            a_post(session, f"pothole, says {author}", author_key=author, posted_at=now() - timedelta(hours=9 - at))
            for at, author in enumerate(authors)
        ]
        people = {"people": len(set(authors)), "posts": len(authors), "last_posted_at": posts[-1].posted_at}
        suspect = a_suspect(session, post=posts[0], text=posts[0].text, **(people | values))
        suspect_id = suspect.id or 0
        rule = a_rule(session)
        for post in posts[1:]:
            session.add(SuspectPost(suspect_id=suspect_id, post_id=post.id or 0))
            session.add(Match(post_id=post.id, rule_id=rule.id, words=["later"]))
    return suspect_id


def posts_of(database: Database, suspect_id: int) -> dict[int, str]:
    """Post → who put it there."""
    with database.reading() as session:
        query = select(SuspectPost).where(SuspectPost.suspect_id == suspect_id).order_by(col(SuspectPost.post_id))
        return {join.post_id: join.joined_by for join in session.exec(query)}


def kept(database: Database, suspect_id: int) -> dict[str, Any]:
    """Everything that a way back puts back."""
    return {k: v for k, v in the_suspect(database, suspect_id).model_dump().items() if k not in LATER}


def joined(database: Database) -> list[tuple[int, int, Any, str]]:
    with database.reading() as session:
        rows = session.exec(select(SuspectPost)).all()
        return sorted((row.suspect_id, row.post_id, row.joined_at, row.joined_by) for row in rows)


def apart(database: Database) -> set[tuple[int, int]]:
    with database.reading() as session:
        return {(one.post_id, one.suspect_id) for one in session.exec(select(Apart))}


# -- merge -------------------------------------------------------------------------------------------------------------


def test_merging_moves_the_posts_and_counts_people_once(database: Database) -> None:
    into, merged = of_several(database, "ann", "bob"), of_several(database, "bob", "cy", "cy")
    before = posts_of(database, merged)
    decide.merge(database, merged, into, "Dana", 1)
    target, gone = the_suspect(database, into), the_suspect(database, merged)
    assert (target.people, target.posts, target.status, target.version) == (3, 5, "waiting", 2)
    assert (gone.status, gone.merged_into_id, gone.decided_by) == ("merged", into, "Dana")
    assert posts_of(database, merged) == {}
    assert posts_of(database, into).items() >= dict.fromkeys(before, "Dana").items()
    assert [kind for kind, *_ in decisions(database, merged)] == ["merge"]
    assert [kind for kind, *_ in decisions(database, into)] == ["merge"]


def test_an_urgent_one_makes_what_it_is_merged_into_urgent(database: Database) -> None:
    into, merged = of_several(database, "ann"), of_several(database, "bob", urgent=1, urgent_why="gas")
    decide.merge(database, merged, into, "Dana")
    assert (the_suspect(database, into).urgent, the_suspect(database, into).urgent_why) == (1, "gas")
    decide.undo(database, merged, "Dana")
    assert (the_suspect(database, into).urgent, the_suspect(database, into).urgent_why) == (0, "")


def test_notes_go_along_and_come_back(database: Database) -> None:
    into, merged = of_several(database, "ann"), of_several(database, "bob")
    decide.note(database, merged, "Crew was there", "Dana")

    def notes(suspect_id: int) -> list[str]:
        with database.reading() as session:
            card = queue.card(session, suspect_id)
            return [note.text for note in card.notes] if card else []

    decide.merge(database, merged, into, "Dana")
    assert (notes(into), notes(merged)) == (["Crew was there"], [])
    decide.undo(database, into, "Ben")  # works on either
    assert (notes(into), notes(merged)) == ([], ["Crew was there"])


def test_it_can_be_merged_into_one_that_was_accepted_already(city: Config, database: Database) -> None:
    into, merged = of_several(database, "ann"), of_several(database, "bob")
    decide.accept(database, city, into, "Dana")
    decide.merge(database, merged, into, "Dana")
    assert (the_suspect(database, into).status, the_suspect(database, into).people) == ("accepted", 2)
    decide.undo(database, merged, "Dana")
    assert (the_suspect(database, into).status, the_suspect(database, into).people) == ("accepted", 1)
    assert the_suspect(database, merged).status == "waiting"


def test_nothing_is_merged_into_what_left_the_queue_or_into_itself(database: Database) -> None:
    into, merged = of_several(database, "ann"), of_several(database, "bob")
    with pytest.raises(ValueError, match="another suspect"):
        decide.merge(database, merged, merged, "Dana")
    decide.dismiss(database, into, "joke", "Ben")
    before = the_suspect(database, merged)
    with pytest.raises(AlreadyDecidedError, match="It was dismissed by Ben"):
        decide.merge(database, merged, into, "Dana")
    assert the_suspect(database, merged) == before


def test_who_looks_at_the_target_is_told_that_it_grew(city: Config, database: Database) -> None:
    into, merged = of_several(database, "ann"), of_several(database, "bob")
    decide.merge(database, merged, into, "Dana")
    with pytest.raises(AlreadyDecidedError, match="It was given another's posts by Dana, a moment ago"):
        decide.accept(database, city, into, "Ben", 1)
    with pytest.raises(AlreadyDecidedError, match="It was merged by Dana, a moment ago"):
        decide.accept(database, city, merged, "Ben", 1)


def test_a_merge_is_not_undone_once_its_posts_were_sent_with_the_other(city: Config, database: Database) -> None:
    into, merged = of_several(database, "ann"), of_several(database, "bob")
    decide.merge(database, merged, into, "Dana")
    decide.accept(database, city, into, "Ben")
    with pytest.raises(AlreadyDecidedError, match="other suspect was accepted by Ben, a moment ago: undo that first"):
        decide.undo(database, merged, "Dana")
    decide.undo(database, into, "Ben")
    decide.undo(database, merged, "Dana")
    assert [the_suspect(database, i).status for i in (into, merged)] == ["waiting", "waiting"]
    assert [d.content for d in dispatches(database, into)] == [None]  # what was frozen held the other's text


def test_two_people_who_merge_into_each_other_at_once(database: Database) -> None:
    for _ in range(5):
        one, other = of_several(database, "ann"), of_several(database, "bob")
        told = at_once(
            lambda a=one, b=other: decide.merge(database, a, b, "Dana", 1),
            lambda a=one, b=other: decide.merge(database, b, a, "Ben", 1),
        )
        assert sorted(map(bool, told)) == [False, True], told
        assert sorted(len(posts_of(database, i)) for i in (one, other)) == [0, 2]


def at_once(*verbs: Callable[[], object]) -> list[str]:
    """What each was told; empty: it did it."""
    together, told = threading.Barrier(len(verbs)), [""] * len(verbs)

    def run(at: int) -> None:
        together.wait()
        try:
            verbs[at]()
        except AlreadyDecidedError as error:
            told[at] = str(error)
        except BaseException as error:
            told[at] = repr(error)
            raise

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(verbs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


# -- split -------------------------------------------------------------------------------------------------------------


def test_chosen_posts_leave_into_one_that_waits(database: Database) -> None:
    suspect_id = of_several(database, "ann", "ann", "bob", "cy")
    first, *_, third, last = posts_of(database, suspect_id)
    new = decide.split(database, suspect_id, [third, last], "Dana", 1)
    old, made = the_suspect(database, suspect_id), the_suspect(database, new)
    assert (old.people, old.posts, old.lead_post_id) == (1, 2, first)
    assert (made.people, made.posts, made.lead_post_id, made.status) == (2, 2, third, "waiting")
    assert made.request_type_id == old.request_type_id
    assert posts_of(database, new) == {third: "Dana", last: "Dana"}
    assert made.first_posted_at > old.first_posted_at
    assert apart(database) >= {(third, suspect_id), (last, suspect_id), (first, new)}
    assert (made.why or [])[0]["words"] == ["later"]


def test_the_place_goes_with_the_post_that_told_it(database: Database) -> None:
    suspect_id = of_several(database, "ann", "bob", place="Elm Street", place_method="street", lat=1.0, lon=2.0)
    first, _ = posts_of(database, suspect_id)
    new = decide.split(database, suspect_id, [first], "Dana")
    assert (the_suspect(database, new).place, the_suspect(database, new).lat) == ("Elm Street", 1.0)
    assert (the_suspect(database, suspect_id).place, the_suspect(database, suspect_id).lat) == ("", None)
    decide.undo(database, suspect_id, "Dana")
    assert the_suspect(database, suspect_id).place == "Elm Street"


def test_a_place_that_a_person_said_holds_for_both(database: Database) -> None:
    suspect_id = of_several(database, "ann", "bob", place="Elm Street", place_method="by hand")
    _, second = posts_of(database, suspect_id)
    new = decide.split(database, suspect_id, [second], "Dana")
    assert [the_suspect(database, i).place for i in (suspect_id, new)] == ["Elm Street", "Elm Street"]


def test_what_is_split_off_something_urgent_stays_urgent(database: Database) -> None:
    suspect_id = of_several(database, "ann", "bob", urgent=1, urgent_why="wire")
    new = decide.split(database, suspect_id, list(posts_of(database, suspect_id))[1:], "Dana")
    assert [the_suspect(database, i).urgent_why for i in (suspect_id, new)] == ["wire", "wire"]


def test_neither_all_nor_none_nor_a_strange_post_is_split_off(database: Database) -> None:
    suspect_id, other = of_several(database, "ann", "bob"), of_several(database, "cy")
    for chosen in ([], list(posts_of(database, suspect_id)), list(posts_of(database, other))):
        with pytest.raises(ValueError, match="leave at least one"):
            decide.split(database, suspect_id, chosen, "Dana")
    assert the_suspect(database, suspect_id).version == 1


def test_a_split_is_undone_from_either_side_until_the_new_one_was_decided(city: Config, database: Database) -> None:
    suspect_id = of_several(database, "ann", "bob")
    before, posts = kept(database, suspect_id), joined(database)
    _, second = posts_of(database, suspect_id)
    new = decide.split(database, suspect_id, [second], "Dana")
    decide.accept(database, city, new, "Ben")
    with pytest.raises(AlreadyDecidedError, match="accepted by Ben, a moment ago: undo that first"):
        decide.undo(database, suspect_id, "Dana")
    decide.undo(database, new, "Ben")
    decide.undo(database, new, "Ben")
    assert kept(database, suspect_id) == before
    assert joined(database) == posts
    assert apart(database) == set()
    assert (the_suspect(database, new).status, the_suspect(database, new).merged_into_id) == ("merged", suspect_id)
    with pytest.raises(AlreadyDecidedError, match="nothing to undo"):
        decide.undo(database, suspect_id, "Dana")


# -- also file as ------------------------------------------------------------------------------------------------------


def test_a_second_request_of_the_same_posts_and_both_are_accepted(city: Config, database: Database) -> None:
    suspect_id = of_several(database, "ann", "bob", place="Elm Street")
    new = decide.also_file(database, suspect_id, "noise", "Dana", 1)
    made = the_suspect(database, new)
    assert (made.people, made.posts, made.place, made.status) == (2, 2, "Elm Street", "waiting")
    assert list(posts_of(database, new)) == list(posts_of(database, suspect_id))
    for one in (suspect_id, new):
        decide.accept(database, city, one, "Dana")
    time_passes(database, 31)
    desk, mail = Counter(), Counter(name="mail")
    worker = a_worker(database, city, desk, mail)
    while worker.step():
        pass
    assert ([r.type_code for r in desk.sent], [r.type_code for r in mail.sent]) == (["pothole"], ["noise"])


def test_a_second_request_is_of_another_type(database: Database) -> None:
    suspect_id = of_several(database, "ann")
    with pytest.raises(ValueError, match="filed as Pothole already"):
        decide.also_file(database, suspect_id, "pothole", "Dana")
    with pytest.raises(LookupError, match="no type 'nonsense'"):
        decide.also_file(database, suspect_id, "nonsense", "Dana")


def test_a_second_request_is_taken_back(city: Config, database: Database) -> None:
    suspect_id = of_several(database, "ann")
    before, posts = kept(database, suspect_id), joined(database)
    new = decide.also_file(database, suspect_id, "noise", "Dana")
    decide.undo(database, suspect_id, "Dana")
    assert kept(database, suspect_id) == before
    assert joined(database) == posts
    assert the_suspect(database, new).status == "merged"


# -- what holds always -------------------------------------------------------------------------------------------------

WORLD = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
KINDS = ("accept", "dismiss", "park", "merge", "split", "also", "expire")


@WORLD
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=4), st.sampled_from(KINDS), st.booleans(), st.data())
def test_undo_after_any_decision_restores_the_suspect(
    city: Config, database: Database, authors: list[str], kind: str, parked: bool, data: st.DataObject
) -> None:
    one, other = of_several(database, *authors), of_several(database, "a", "d")
    if parked and kind != "expire":
        decide.park(database, one, "Ben", until=now() + timedelta(days=2))
    before = [kept(database, i) for i in (one, other)]
    posts, parted = joined(database), apart(database)
    mine = list(posts_of(database, one))
    some = data.draw(st.lists(st.sampled_from(mine), min_size=1, max_size=len(mine) - 1, unique=True))
    {
        "accept": lambda: decide.accept(database, city, one, "Dana"),
        "dismiss": lambda: decide.dismiss(database, one, "joke", "Dana"),
        "park": lambda: decide.park(database, one, "Dana", until=now() + timedelta(days=1)),
        "merge": lambda: decide.merge(database, one, other, "Dana"),
        "split": lambda: decide.split(database, one, some, "Dana"),
        "also": lambda: decide.also_file(database, one, "noise", "Dana"),
        "expire": lambda: expired(database, one),
    }[kind]()
    decide.undo(database, one, "Dana")
    assert [kept(database, i) for i in (one, other)] == before
    assert joined(database) == posts
    assert apart(database) == parted


def expired(database: Database, suspect_id: int) -> None:
    from connector.decide.record import record, remembered, settle
    from connector.models import DecisionKind, SuspectStatus

    with database.writing() as session:
        suspect = session.get_one(Suspect, suspect_id)
        before = remembered(suspect)
        settle(suspect, SuspectStatus.EXPIRED, "", now())
        record(session, suspect, DecisionKind.EXPIRE, "", before)


@WORLD
@given(st.lists(st.sampled_from("abc"), min_size=2, max_size=5), st.data())
def test_splitting_and_merging_again_keeps_every_post(
    database: Database, authors: list[str], data: st.DataObject
) -> None:
    one = of_several(database, *authors)
    posts, people = list(posts_of(database, one)), the_suspect(database, one).people
    some = data.draw(st.lists(st.sampled_from(posts), min_size=1, max_size=len(posts) - 1, unique=True))
    new = decide.split(database, one, some, "Dana")
    assert sorted([*posts_of(database, one), *posts_of(database, new)]) == posts
    decide.merge(database, new, one, "Dana")
    assert list(posts_of(database, one)) == posts
    assert (the_suspect(database, one).people, the_suspect(database, one).posts) == (people, len(posts))
    assert {(post_id, suspect) for post_id, suspect in apart(database) if suspect == one and post_id in posts} == set()


# -- deletions upstream ------------------------------------------------------------------------------------------------


def said_of(database: Database, *suspects: int) -> str:
    """All that is stored of these, as text."""
    with database.reading() as session:
        rows: list[Any] = [session.get_one(Suspect, i) for i in suspects]
        for table in (Decision, Draft, Note):
            rows += session.exec(select(table).where(col(table.suspect_id).in_(suspects))).all()
        rows += [d for i in suspects for d in dispatches(database, i)]
        return " ".join(str(row.model_dump()) for row in rows)


@pytest.mark.parametrize("how", ["merge", "split", "also"])
def test_a_deletion_upstream_reaches_what_was_joined_or_parted(city: Config, database: Database, how: str) -> None:
    secret = {"place": "Secret Street", "place_method": "street", "place_words": "secret", "lat": 4.5, "lon": 4.5}
    one, other = of_several(database, "ann", "bob", **secret), of_several(database, "cy")
    first, _ = posts_of(database, one)
    decide.accept(database, city, one, "Dana")
    decide.undo(database, one, "Dana")
    decide.keep_draft(database, one, "Dana", {"text": "pothole, says ann"})
    suspects = [one, other]
    if how == "merge":
        decide.merge(database, one, other, "Dana")
    elif how == "split":
        suspects.append(decide.split(database, one, [first], "Dana"))
    else:
        suspects.append(decide.also_file(database, one, "noise", "Dana"))
        decide.undo(database, one, "Dana")
    with database.writing() as session:
        erase(session, "sample", [session.get_one(Post, first).source_id], "deleted upstream")
    said = said_of(database, *suspects)
    assert "says ann" not in said
    assert "ecret" not in said
    assert "4.5" not in said


@pytest.mark.parametrize("verb", ["also", "split"])
def test_what_was_made_is_not_taken_back_with_posts_that_came_there_since(database: Database, verb: str) -> None:
    with database.writing() as session:
        first, other = a_suspect(session), a_suspect(session, "graffiti of somebody else")
        post = a_post(session, "the same hole again")
        session.add(SuspectPost(suspect_id=first.id, post_id=post.id))
        a_type(session, "graffiti")
        one, came, second = first.id, other.id, post.id
    if verb == "also":
        new = decide.also_file(database, one, "graffiti", "Dana")
    else:
        new = decide.split(database, one, [second], "Dana")
    decide.merge(database, came, new, "Ben")
    with pytest.raises(AlreadyDecidedError, match="was merged into it since: undo that first"):
        decide.undo(database, one, "Dana")
    decide.undo(database, came, "Ben")
    decide.undo(database, one, "Dana")
    with database.reading() as session:
        assert {join.post_id for join in session.exec(select(SuspectPost))} == set(session.exec(select(Post.id)))


def test_a_second_request_that_other_posts_joined_is_not_taken_back(database: Database) -> None:
    with database.writing() as session:
        one = a_suspect(session).id
        a_type(session, "graffiti")
    new = decide.also_file(database, one, "graffiti", "Dana")
    with database.writing() as session:
        session.add(SuspectPost(suspect_id=new, post_id=a_post(session, "painted over and over").id))
    with pytest.raises(AlreadyDecidedError, match="Other posts joined the second request"):
        decide.undo(database, one, "Dana")


@pytest.mark.parametrize("second", [{"urgent": 1, "urgent_why": "wire"}, {"urgent": 1}])
def test_an_undone_merge_leaves_the_urgency_of_another(database: Database, second: dict[str, Any]) -> None:
    into, gas = of_several(database, "ann"), of_several(database, "bob", urgent=1, urgent_why="gas")
    other = of_several(database, "cy", **second)
    decide.merge(database, gas, into, "Dana")
    decide.merge(database, other, into, "Dana")
    decide.undo(database, gas, "Dana")
    assert the_suspect(database, into).urgent == 1
    decide.undo(database, other, "Dana")
    assert (the_suspect(database, into).urgent, the_suspect(database, into).urgent_why) == (0, "")


def test_an_undone_merge_leaves_the_danger_that_joined_since(database: Database) -> None:
    into, gas = of_several(database, "ann"), of_several(database, "bob", urgent=1, urgent_why="gas")
    decide.merge(database, gas, into, "Dana")
    with database.writing() as session:
        post = a_post(session, "pothole, and a live power line is down and sparking")
        session.add(SuspectPost(suspect_id=into, post_id=post.id))
    decide.undo(database, gas, "Dana")
    assert (the_suspect(database, into).urgent, the_suspect(database, into).urgent_why) == (1, "wire")
