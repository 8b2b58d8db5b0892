"""Near-duplicates become one suspect: through the intake, on both databases."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, col, delete, select

from connector import growth, workflow
from connector.config import Config
from connector.errors import AlreadyDecidedError
from connector.grouping import regroup, similar
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Incoming, Kind, Person, Reference
from connector.intake import From, Intake, Taken
from connector.models import (
    Apart,
    Match,
    NearKey,
    Post,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    TicketStatus,
    now,
)
from connector.sealing import Sealer
from connector.sources.x import CAPABILITIES
from connector.store import Database, bulk, near
from connector.triage import Gazetteer
from tests.builders import a_dispatch, a_rule, a_suspect, a_ticket, a_type
from tests.builders import a_post as stored_post

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ORIGIN = From("x", "x", CAPABILITIES)
HOLE = "Huge pothole in front of the bakery swallowed my front wheel"
OTHER = "That crater ate a tire of my neighbour's car, watch out"
HERE = {"lat": 45.0, "lon": -122.0}


def a_post(number: int, text: str = HOLE, author: str = "", minutes: float = 0, **detail: Any) -> Incoming:
    person = Person(author or f"person{number}_example")
    at = AT + timedelta(minutes=minutes)
    return Incoming(str(number), text, "en", b"", Detail(**{"author": person, "posted_at": at, **detail}))


class House:
    """An intake on a database with an ordinary type and an urgent one."""

    def __init__(self, database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> None:
        self.database, self.config = database, config
        self._parts = (config, sealer, gazetteer)
        with database.writing() as session:
            a_rule(session, "pothole", expression="pothole OR crater")
            a_type(session, "gas", urgent=True)
            a_rule(session, "gas", expression="gas")
        self.restart()

    def restart(self) -> None:
        self.intake = Intake(*self._parts)

    def take(self, *posts: Incoming | Deleted) -> Taken:
        events = [Arrived(post) if isinstance(post, Incoming) else post for post in posts]
        with self.database.writing() as session:
            self.intake.refresh(session)
            return self.intake.take(session, ORIGIN, Batch(events))

    def suspects(self) -> list[Suspect]:
        with self.database.reading() as session:
            return list(session.exec(select(Suspect).order_by(col(Suspect.id))))

    def only(self) -> Suspect:
        (suspect,) = self.suspects()
        return suspect

    def groups(self) -> list[list[str]]:
        """Source ids of the posts, suspect by suspect."""
        with self.database.reading() as session:
            query = select(SuspectPost.suspect_id, Post.source_id).join(Post, col(Post.id) == col(SuspectPost.post_id))
            found: dict[int, list[str]] = {}
            for suspect, source_id in session.exec(query.order_by(col(Post.id))):
                found.setdefault(suspect, []).append(source_id)
        return sorted(found.values())

    def change(self, **values: Any) -> Suspect:
        with self.database.writing() as session:
            suspect = session.exec(select(Suspect)).one()
            for name, value in values.items():
                setattr(suspect, name, value)
            session.add(suspect)
        return suspect

    def empty(self) -> None:
        with self.database.writing() as session:
            for table in (Apart, Match, SuspectPost, NearKey, Suspect, Post):
                session.exec(delete(table))


@pytest.fixture
def house(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> House:
    return House(database, config, sealer, gazetteer)


# -- joining ----------------------------------------------------------------------------------------------------------


def test_people_on_one_spot_are_one_suspect(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, OTHER, minutes=20, **HERE))
    taken = house.take(a_post(3, OTHER + "!", minutes=-20, **HERE))
    suspect = house.only()
    assert taken.joined == [suspect.id]
    assert (suspect.people, suspect.posts) == (3, 3)
    assert (suspect.first_posted_at, suspect.last_posted_at) == (AT - timedelta(minutes=20), AT + timedelta(minutes=20))


def test_one_person_twice_is_one_person(house: House) -> None:
    house.take(a_post(1, author="ann_example"))
    house.take(a_post(2, author="ann_example", minutes=5), a_post(3, author="bo_example"))
    house.take(a_post(4, author="bo_example"))
    assert (house.only().people, house.only().posts) == (2, 4)


def test_a_suspect_of_another_type_that_gets_a_place_is_found_by_it_in_the_same_batch(house: House) -> None:
    posts = (a_post(2, author="ann_example", **HERE), a_post(3, "gas at the hole on Elm Street", minutes=9, **HERE))
    for batches in ([posts], [[one] for one in posts]):
        house.empty()
        house.take(a_post(1, author="ann_example"))
        retyped = house.change(request_type_id=2)
        with house.database.writing() as session:
            regroup(session, session.get_one(Suspect, retyped.id))
        joined = [id_ for batch in batches for id_ in house.take(*batch).joined]
        assert joined == [retyped.id] * 2, len(batches)


def test_posts_far_apart_are_two(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, lat=45.01, lon=-122.0))
    assert len(house.suspects()) == 2


def test_posts_never_chain_away_from_the_first(house: House) -> None:
    steps = [a_post(n, minutes=n, lat=45 + n * 0.0009, lon=-122.0) for n in range(6)]  # 100 metres each
    for step in steps:
        house.take(step)
    assert house.groups() == [["0", "1"], ["2", "3"], ["4", "5"]]


def test_the_window_counts_from_the_first_post(house: House) -> None:
    day = 24 * 60
    house.take(*[a_post(n, minutes=n * 6 * day) for n in range(5)])
    assert house.groups() == [["0", "1", "2"], ["3", "4"]]


def test_what_was_stored_is_found_after_a_restart(house: House) -> None:
    house.take(a_post(1))
    house.restart()
    house.take(a_post(2, minutes=30))
    assert house.groups() == [["1", "2"]]


def test_who_quotes_or_answers_a_post_joins_its_suspect(house: House) -> None:
    house.take(a_post(1))
    house.take(a_post(2, "same pothole", references=[Reference(Kind.QUOTE, "1")]))
    house.take(a_post(3, "crater? canyon!", references=[Reference(Kind.REPLY, "2")]))
    assert house.groups() == [["1", "2", "3"]]


def test_a_place_is_taken_over_where_there_was_none(house: House) -> None:
    house.take(a_post(1))
    before = house.only()
    house.take(a_post(2, minutes=1, **HERE))
    placed = house.only()
    assert (before.lat, placed.lat, placed.place_method) == (None, 45.0, "geotag")
    assert placed.version == before.version + 1
    house.take(a_post(3, OTHER, minutes=2, **HERE))
    assert house.only().posts == 3, "it is found by its new place"


def test_the_first_place_stays(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, lat=45.0005, lon=-122.0))
    assert (house.only().lat, house.only().posts) == (45.0, 2)


# -- what a person has decided, or looks at ---------------------------------------------------------------------------


def test_who_looks_at_a_suspect_can_decide_it_though_one_joined(house: House) -> None:
    house.take(a_post(1))
    shown = house.only()
    house.take(a_post(2))
    workflow.dismiss(house.database, shown.id or 0, "joke", "dana", shown.version)
    assert house.only().status == SuspectStatus.DISMISSED


def test_parked_one_takes_posts_in_and_stays_parked(house: House) -> None:
    house.take(a_post(1))
    house.change(status=SuspectStatus.PARKED)
    house.take(a_post(2))
    assert (house.only().status, house.only().posts) == (SuspectStatus.PARKED, 2)


def test_accepted_one_takes_posts_in_while_its_ticket_is_open(house: House) -> None:
    house.take(a_post(1))
    suspect = house.change(status=SuspectStatus.ACCEPTED)
    house.take(a_post(2))
    with house.database.writing() as session:
        a_ticket(session, a_dispatch(session, suspect))
    house.take(a_post(3))
    assert (house.only().posts, house.only().status) == (3, SuspectStatus.ACCEPTED)


def test_after_its_ticket_is_closed_a_new_one_names_it(house: House) -> None:
    house.take(a_post(1))
    old = house.change(status=SuspectStatus.ACCEPTED)
    with house.database.writing() as session:
        a_ticket(session, a_dispatch(session, old))
        session.exec(select(Ticket)).one().status = TicketStatus.CLOSED
    house.take(a_post(2), a_post(3))
    first, new = house.suspects()
    assert (first.posts, new.posts, new.follows_id, new.status) == (1, 2, old.id, SuspectStatus.WAITING)


def test_dismissed_one_absorbs_exact_copies_alone(house: House) -> None:
    house.take(a_post(1, **HERE))
    old = house.change(status=SuspectStatus.DISMISSED)
    taken = house.take(a_post(2, **HERE))
    assert (taken.suspects, house.only().posts, house.only().status) == ([], 2, SuspectStatus.DISMISSED)
    house.take(a_post(3, OTHER, minutes=5, **HERE))
    assert [suspect.follows_id for suspect in house.suspects()] == [None, old.id]


@pytest.mark.parametrize("status", [SuspectStatus.DISMISSED, SuspectStatus.ACCEPTED])
def test_urgent_never_hides_in_what_nobody_looks_at_any_more(house: House, status: SuspectStatus) -> None:
    house.take(a_post(1, "Strong smell of gas all over the lane behind the school"))
    house.change(status=status, urgent=0)
    house.take(a_post(2, "Strong smell of gas all over the lane behind the school"))
    first, new = house.suspects()
    assert (first.posts, new.urgent, new.follows_id) == (1, 1, first.id)


def test_urgent_one_makes_its_suspect_urgent_unopened_and_awake(house: House) -> None:
    text = "Strong smell of gas all over the lane behind the school"
    house.take(a_post(1, text))
    before = house.change(status=SuspectStatus.PARKED, urgent=0, urgent_why="", opened_at=AT, opened_by="dana")
    house.take(a_post(2, text))
    suspect = house.only()
    assert (suspect.urgent, suspect.status, suspect.opened_at) == (1, SuspectStatus.WAITING, None)
    assert suspect.version == before.version + 1


def test_merged_one_is_joined_where_it_went(house: House) -> None:
    house.take(a_post(1), a_post(2, "The road by the mill has a crater as deep as a bath"))
    one, other = house.suspects()
    workflow.merge(house.database, one.id or 0, other.id or 0, "dana")
    house.take(a_post(3))
    assert house.groups() == [["1", "2", "3"]]
    assert {suspect.id: suspect.posts for suspect in house.suspects()}[other.id] == 3


def test_what_was_parted_by_hand_is_not_put_together_again(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, OTHER, minutes=5, **HERE))
    suspect = house.only()
    with house.database.reading() as session:
        second = session.exec(select(Post.id).where(Post.source_id == "2")).one()
    workflow.split(house.database, suspect.id or 0, [second or 0], "dana")
    house.take(a_post(3, OTHER, minutes=6, **HERE))
    assert house.groups() == [["1"], ["2", "3"]]


def test_what_was_parted_joins_again_once_that_is_taken_back(house: House) -> None:
    house.take(a_post(1, **HERE))
    with house.database.writing() as session:
        post, suspect = session.exec(select(Post.id)).one(), session.exec(select(Suspect.id)).one()
        near.keep_apart(session, [post or 0], suspect or 0, "dana")
    house.take(a_post(2, **HERE))
    with house.database.writing() as session:
        near.let_together(session, [post or 0], suspect or 0)
    house.take(a_post(3, **HERE))
    assert house.groups() == [["1", "3"], ["2"]]


# -- deletions --------------------------------------------------------------------------------------------------------


def test_deleted_post_leaves_its_suspect_and_people_are_counted_anew(house: House) -> None:
    house.take(*[a_post(n, minutes=n) for n in (1, 2, 3)])
    house.take(Deleted("1"))
    suspect = house.only()
    assert (suspect.people, suspect.posts, suspect.status) == (2, 2, SuspectStatus.WAITING)
    assert suspect.first_posted_at == AT + timedelta(minutes=2)


def test_place_that_came_from_a_deleted_post_goes_with_it(house: House) -> None:
    house.take(a_post(1), a_post(2, **HERE))
    assert house.only().lat == 45.0
    house.take(Deleted("2"))
    assert (house.only().lat, house.only().place_method, house.only().posts) == (None, "", 1)


def test_nothing_of_a_deleted_text_is_left_to_find_it_by(house: House) -> None:
    house.take(a_post(1, **HERE))
    house.take(Deleted("1"))
    with house.database.reading() as session:
        assert session.exec(select(NearKey)).all() == []
    assert house.only().near_keys is None


def test_new_first_post_is_what_others_are_weighed_against(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, OTHER, minutes=10, **HERE))
    house.take(Deleted("1"))
    house.take(a_post(3, OTHER, minutes=5))
    assert house.groups() == [["1", "2", "3"]]


def test_regrouping_changes_nothing_where_nothing_changed(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, **HERE))
    with house.database.writing() as session:
        keys = _keys(session)
        regroup(session, session.exec(select(Suspect)).one())
        session.flush()
        assert _keys(session) == keys
    assert (house.only().people, house.only().posts) == (2, 2)


def _keys(session: Session) -> set[tuple[int, int, int]]:
    return {(row.key, row.at, row.suspect_id) for row in session.exec(select(NearKey))}


# -- laws -------------------------------------------------------------------------------------------------------------

_TEXTS = (HOLE, OTHER, "pothole pothole", f"{HOLE} again", "gas smell near the pothole")
_ANY = st.tuples(
    st.sampled_from(_TEXTS), st.sampled_from(("ann_example", "bo_example", "cy_example")), st.integers(0, 30 * 24),
    st.sampled_from((None, 0, 60, 119, 300)), st.integers(0, 11),
)  # fmt: skip


def _posts(drawn: Sequence[tuple[str, str, int, int | None, int]]) -> list[Incoming]:
    posts = []
    for number, (text, author, hours, metres, ref) in enumerate(drawn):
        place = {} if metres is None else {"lat": 45 + metres / 111_195, "lon": -122.0}
        refs = [Reference(Kind.REPLY, str(ref))] if ref < number else []
        posts.append(a_post(number, text, author, hours * 60, references=refs, **place))
    return posts


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_ANY, min_size=1, max_size=12), st.integers(1, 5))
def test_one_batch_several_or_a_restart_after_each_post_group_alike(
    house: House, drawn: list[tuple[str, str, int, int | None, int]], size: int
) -> None:
    posts = _posts(drawn)
    seen = []
    for step in (len(posts), size, 1):
        house.empty()
        for start in range(0, len(posts), step):
            if step == 1:
                house.restart()
            house.take(*posts[start : start + step])
        counted = sorted(
            (s.people, s.posts, s.urgent, s.lat or 0, bulk.time_text(s.first_posted_at)) for s in house.suspects()
        )
        seen.append((house.groups(), counted))
    assert seen[0] == seen[1] == seen[2]
    with house.database.writing() as session:
        for suspect in session.exec(select(Suspect)):
            before = (suspect.people, suspect.posts, suspect.first_posted_at, suspect.last_posted_at)
            near.recount(session, suspect)
            assert (suspect.people, suspect.posts, suspect.first_posted_at, suspect.last_posted_at) == before


# -- tickets on what seems the same --------------------------------------------------------------------------------


def standing(session: Session, days: float = 1, metres: float = 0, **values: Any) -> Suspect:
    """An accepted suspect so many days old, so many metres north of `HERE`, found by its keys."""
    written = now() - timedelta(days=days)
    place = {"lat": HERE["lat"] + metres / 111_195, "lon": HERE["lon"], "place": "Birch Street"}
    post = stored_post(session, HOLE, posted_at=written)
    suspect = a_suspect(session, post=post, **({"status": "accepted"} | place | values))
    regroup(session, suspect)
    return suspect


def test_tickets_are_similar_of_one_type_near_by_in_the_last_weeks(house: House) -> None:
    with house.database.writing() as session:
        here = standing(session, status="waiting")
        wanted = [standing(session, days, metres).id for days, metres in ((2, 0), (5, 100), (50, 60))]
        standing(session, days=60)
        standing(session, metres=130)
        standing(session, type_code="gas")
        for status in ("waiting", "dismissed", "parked"):
            standing(session, status=status)
        found = similar(session, here)
        assert list(found) == wanted
        assert [round(metres) for metres in found.values()] == [0, 100, 60]
        assert here.id not in similar(session, standing(session, days=0.5))


def test_without_a_place_no_ticket_is_similar(house: House) -> None:
    with house.database.writing() as session:
        standing(session)
        nowhere = standing(session, lat=None, lon=None, place="", status="waiting")
        assert similar(session, nowhere) == {}


def test_a_danger_that_another_post_tells_outlives_an_edit_of_the_first(house: House) -> None:
    house.take(a_post(1, HOLE, **HERE))
    house.take(a_post(2, HOLE + ". A live power line is down and sparking", minutes=2, **HERE))
    (suspect,) = house.suspects()
    assert (suspect.posts, suspect.urgent) == (2, 1)
    with house.database.writing() as session:
        house.intake.refresh(session)
        house.intake.take(session, ORIGIN, Batch([Edited(a_post(1, HOLE + " today", minutes=5, **HERE))]))
    (after,) = house.suspects()
    assert (after.urgent, after.urgent_why) == (1, suspect.urgent_why)


WIRE = HOLE + ". A live power line is down and sparking"


def edited(house: House, number: int, text: str, **detail: Any) -> None:
    with house.database.writing() as session:
        house.intake.refresh(session)
        house.intake.take(session, ORIGIN, Batch([Edited(a_post(number, text, minutes=5, **(HERE | detail)))]))


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("parked", [False, True])
def test_a_danger_that_an_edit_tells_is_seen_wherever_it_stands(house: House, number: int, parked: bool) -> None:
    house.take(a_post(1, **HERE), a_post(2, minutes=1, **HERE))
    suspect = house.change(opened_at=now(), opened_by="Ann")
    assert suspect.posts == 2
    if parked:
        workflow.park(house.database, suspect.id or 0, "Ann")
    edited(house, number, WIRE)
    after = house.only()
    assert (after.status, after.urgent, after.urgent_why, after.opened_at) == ("waiting", 1, "wire", None)
    assert after.version > suspect.version, "who has it on the screen must look again"
    edited(house, number, HOLE)
    assert (house.only().urgent, house.only().urgent_why) == (0, "")


def test_a_danger_that_joins_what_is_urgent_by_its_type_is_written_down(house: House) -> None:
    house.take(a_post(1, **HERE))
    house.change(urgent=1, opened_at=now())
    house.take(a_post(2, WIRE, minutes=2, **HERE))
    assert (house.only().urgent_why, house.only().opened_at) == ("wire", None)
    workflow.retype(house.database, house.config, house.only().id or 0, "pothole", "Dana")
    assert house.only().urgent == 1


def test_an_edit_of_another_post_than_the_one_that_told_the_place_leaves_it(house: House) -> None:
    house.take(a_post(1, **HERE), a_post(2, minutes=1, **HERE))
    edited(house, 2, HOLE + " again", lat=47.0, lon=-121.0)
    assert (house.only().lat, house.only().version) == (45.0, 1)
    edited(house, 1, HOLE + " again", lat=47.0, lon=-121.0)
    assert (house.only().lat, house.only().version) == (47.0, 2)


@pytest.mark.parametrize("status", ["dismissed", "accepted", "expired"])
def test_a_danger_that_an_edit_tells_after_the_decision_waits_by_itself(house: House, status: str) -> None:
    house.take(a_post(1, **HERE))
    first = house.change(status=status, decided_at=now(), decided_by="Ann")
    edited(house, 1, WIRE)
    decided, made = house.suspects()
    assert (decided.status, decided.urgent) == (status, 0)
    assert (made.status, made.urgent, made.urgent_why, made.follows_id) == ("waiting", 1, "wire", first.id)
    assert house.groups() == [["1"], ["1"]]
    edited(house, 1, WIRE + " still")
    assert len(house.suspects()) == 2


@pytest.mark.parametrize("verb", ["dismiss", "merge", "park"])
def test_a_post_that_joins_what_is_decided_at_this_moment_is_seen(
    house: House, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """On PostgreSQL it stood in what was merged or dismissed, and in no queue."""
    house.take(a_post(1, **HERE), a_post(7, "gas everywhere in the harbour"))
    one, other = (suspect.id or 0 for suspect in house.suspects())
    grow, hands = growth.grow, list[threading.Thread]()

    def decide() -> None:
        with contextlib.suppress(AlreadyDecidedError):  # where the post came first, and its danger
            if verb == "dismiss":
                workflow.dismiss(house.database, one, "joke", "Ann", 1)
            elif verb == "merge":
                workflow.merge(house.database, one, other, "Ann", 1)
            else:
                workflow.park(house.database, one, "Ann", 1)

    def with_a_hand_between(*told: Any) -> None:
        hands.append(threading.Thread(target=decide))
        hands[0].start()
        hands[0].join(1)
        grow(*told)

    monkeypatch.setattr(growth, "grow", with_a_hand_between)
    house.take(a_post(2, WIRE, minutes=2, **HERE))
    hands[0].join(30)
    holding = next(suspect for suspect in house.suspects() if suspect.urgent_why == "wire")
    assert (holding.status, holding.posts) == ("waiting", 2)
