"""The queue's questions: orders, filters, pages, counts, search, what is new; on both databases."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest
from sqlmodel import Session

from connector import decide
from connector.models import Match, Post, Suspect, SuspectPost, User, now
from connector.store import Database, queue
from connector.store.queue import SORTS, Filter
from tests.builders import a_post, a_rule, a_suspect, a_type, added
from tests.plans import asked, plans


def fill(database: Database, count: int = 60) -> list[Suspect]:
    """Suspects of everything, at the same times now and then."""
    chance = random.Random(7)
    start = now()
    with database.writing() as session:
        return [
            a_suspect(
                session, f"pothole {n}", chance.choice(("pothole", "noise")), urgent=int(n % 11 == 0),
                district=chance.choice(("North", "South")), language=chance.choice(("en", "es")),
                source=chance.choice(("x", "sample")), people=chance.choice((1, 1, 1, 2, 2, 5)),
                score=chance.choice((None, 0.2, 0.5, 0.9)),
                assigned_to=chance.choice(("", "", "Dana", "team:Streets", "Ben")),
                first_posted_at=start - timedelta(hours=chance.randrange(400)),
                status=chance.choice(("waiting", "waiting", "waiting", "parked", "dismissed")),
            )
            for n in range(count)
        ]  # fmt: skip


def order(sort: str, one: Suspect) -> tuple[Any, ...]:
    """What the naive list is sorted by, descending."""
    at = one.first_posted_at.timestamp()
    return (one.urgent, *{
        "urgent": (at, one.id),
        "oldest": (-at, -(one.id or 0)),
        "people": (one.people, one.id) if one.people > 1 else (1, at, one.id),
        "score": (one.score, one.id) if one.score is not None else (-1.0, at, one.id),
    }[sort])  # fmt: skip


FILTERS = [
    Filter(),
    Filter(type_code="noise"),
    Filter(district="North", language="es"),
    Filter(source="x", age="week"),
    Filter(age="over_week"),
    Filter("urgent"),
    Filter("parked"),
    Filter("parked", language="es"),
    Filter("mine", "Dana"),
    Filter("mine", "Dana", teams=("Streets",), district="South"),
]


def passes(where: Filter, one: Suspect, kinds: dict[int, str]) -> bool:
    if one.status != ("parked" if where.view == "parked" else "waiting"):
        return False
    if where.view == "urgent" and not one.urgent:
        return False
    names = ["", "Dana", *(f"team:{team}" for team in where.teams)]
    if where.view == "mine" and one.assigned_to not in (names if one.urgent else names[1:]):
        return False
    old = now() - one.first_posted_at
    narrow = [
        where.type_code in ("", kinds[one.request_type_id]),
        where.district in ("", one.district),
        where.language in ("", one.language),
        where.source in ("", one.source),
        {"": True, "week": old <= timedelta(weeks=1), "over_week": old > timedelta(weeks=1)}[where.age],
    ]
    return bool(one.urgent) or all(narrow)


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_and_filter_page_by_page_is_the_naive_list(database: Database, sort: str) -> None:
    suspects = fill(database)
    with database.reading() as session:
        kinds = {a_type(session, code).id or 0: code for code in ("pothole", "noise")}
        for where in FILTERS:
            where = Filter(**{f: getattr(where, f) for f in where.__dataclass_fields__} | {"sort": sort})
            wanted = [s for s in suspects if passes(where, s, kinds)]
            wanted.sort(key=lambda one: order(sort, one), reverse=True)
            found: list[int] = []
            after = None
            while page := queue.page(session, where, 7, after):
                found += [row.id for row in page]
                after = page[-1].key
            assert found == [s.id for s in wanted], where
            half = suspects[30].id or 0
            some = queue.page(session, where, 100, up_to=half)
            assert [row.id for row in some] == [s.id for s in wanted if (s.id or 0) <= half]


def test_urgent_suspects_pass_every_filter_and_lead_in_every_order(database: Database) -> None:
    with database.writing() as session:
        urgent = a_suspect(session, "gas", "noise", urgent=1, first_posted_at=now() - timedelta(days=30)).id
        for _ in range(3):
            a_suspect(session, district="North", people=9, score=1.0)
    with database.reading() as session:
        for where in (
            *(Filter(sort=sort) for sort in SORTS),
            Filter(type_code="pothole", district="North", language="en", source="x", age="hour"),
            Filter("mine", "Dana"),
        ):
            assert queue.page(session, where)[0].id == urgent, where


def test_what_somebody_else_was_given_is_not_mine_though_urgent(database: Database) -> None:
    with database.writing() as session:
        a_suspect(session, urgent=1, assigned_to="Ben")
    with database.reading() as session:
        assert queue.page(session, Filter("mine", "Dana")) == []


def test_counts_of_mine_are_a_persons_and_their_teams(database: Database) -> None:
    with database.writing() as session:
        for to in ("", "Dana", "team:Streets", "Ben"):
            a_suspect(session, assigned_to=to)
    with database.reading() as session:
        assert queue.counts(session, "Dana")["mine"] == 1
        assert queue.counts(session, "Dana", teams=("Streets",))["mine"] == 2


# -- search ------------------------------------------------------------------------------------------------------------


def test_search_finds_all_words_in_any_of_the_texts_and_the_place(database: Database) -> None:
    with database.writing() as session:
        tree = a_suspect(session, "Un ÁRBOL caído", place="Elm Street").id
        hole = a_suspect(session, "Яма НА дороге").id
        copy = a_post(session, "and a second hole", quoted_text="on Pine")
        added(session, SuspectPost(suspect_id=hole, post_id=copy.id))

    def found(find: str, **more: Any) -> list[int]:
        with database.reading() as session:
            return [row.id for row in queue.page(session, Filter(find=find, **more))]

    assert found("arbol") == found("CAIDO elm") == [tree]
    assert found("яма") == found("second") == found("pine") == [hole]
    assert found("arbol pine") == found("%") == found("ar_ol") == []
    assert found("arbol", view="parked") == []
    assert found("arbol", district="North") == []


def test_search_says_how_far_it_looked_and_goes_further(database: Database) -> None:
    with database.writing() as session:
        start = now()
        ids = [
            a_suspect(session, "needle" if n in (3, 20) else "hay", first_posted_at=start - timedelta(minutes=n)).id
            for n in range(30)
        ]
    with database.reading() as session:
        near = queue.search(session, Filter(find="needle"), reach=10)
        assert ([row.id for row in near.rows], near.looked_at, near.everywhere) == ([ids[3]], 10, False)
        far = queue.search(session, Filter(find="needle"), reach=40)
        assert ([row.id for row in far.rows], far.looked_at, far.everywhere) == ([ids[3], ids[20]], 30, True)
        full = queue.search(session, Filter(find="hay"), limit=5)
        assert (len(full.rows), full.looked_at, full.everywhere) == (5, 6, True)  # the fourth is no hay


# -- what is new -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listed", [True, False], ids=["in the list of people", "this computer's one user"])
def test_since_you_left(database: Database, listed: bool) -> None:
    def since() -> tuple[int, int]:
        with database.reading() as session:
            told = queue.since(session, "dana@example.gov")
            return told.new, told.urgent

    with database.writing() as session:
        if listed:
            added(session, User(login="dana@example.gov", role="reviewer"))
        a_suspect(session, urgent=1)
    assert since() == (0, 0)  # never looked: all would be new
    with database.writing() as session:
        queue.seen(session, "dana@example.gov")
    with database.writing() as session:
        for urgent in (0, 0, 1):
            a_suspect(session, urgent=urgent)
        a_suspect(session, status="dismissed")
    assert since() == (3, 1)
    with database.writing() as session:
        queue.seen(session, "dana@example.gov")
    assert since() == (0, 0)


def test_the_card_brings_notes_and_drafts(database: Database) -> None:
    with database.writing() as session:
        suspect_id = a_suspect(session).id or 0
    decide.note(database, suspect_id, "First", "Dana")
    decide.note(database, suspect_id, "Second", "Ben")
    decide.keep_draft(database, suspect_id, "Ben", {"text": "Half"})
    with database.reading() as session:
        card = queue.card(session, suspect_id)
        assert card is not None
        assert [(note.text, note.by) for note in card.notes] == [("Second", "Ben"), ("First", "Dana")]
        assert card.has_drafts
    decide.drop_draft(database, suspect_id, "Ben")
    with database.reading() as session:
        card = queue.card(session, suspect_id)
        assert card is not None
        assert not card.has_drafts


def test_the_card_names_every_type_that_a_rule_found(database: Database) -> None:
    with database.writing() as session:
        post = a_post(session, "Big pothole under water")
        suspect_id = a_suspect(session, post.text, post=post).id or 0
        other = a_rule(session, "flooding")
        added(session, Match(post_id=post.id, rule_id=other.id, rule_version=1, words=["water"]))
    with database.reading() as session:
        card = queue.card(session, suspect_id)
        assert card is not None
        assert list(card.codes) == ["flooding", "pothole"]
        assert set(card.posts[0].words) == {"Big", "water"}


# -- how the database goes about it ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", SORTS)
def test_sqlite_reads_every_order_from_an_index(sort: str, database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("its plans are written otherwise")
    fill(database)

    def ask(session: Session) -> None:
        first = queue.page(session, Filter(sort=sort, district="North"), 5)
        queue.page(session, Filter(sort=sort, district="North"), 5, after=first[-1].key)

    for step in chain.from_iterable(plans(database, asked(database, ask))):
        assert "USE TEMP B-TREE" not in step, step
        assert "SCAN" not in step, step


def test_texts_are_looked_through_without_reading_all(database: Database) -> None:
    with database.writing() as session:
        for n in range(1200):
            session.add(Post(source="sample", source_id=f"q{n}", version_id=f"q{n}", text="hay", posted_at=now()))
        kind = a_type(session).id
        session.flush()
        for n in range(1, 1201):
            session.add(Suspect(request_type_id=kind, lead_post_id=n, first_posted_at=now(), last_posted_at=now()))
        session.flush()
        session.add_all(SuspectPost(suspect_id=n, post_id=n) for n in range(1, 1201))
    with database.reading() as session:
        assert queue.search(session, Filter(find="hay"), limit=5).looked_at == 5
        assert queue.search(session, Filter(find="straw"), reach=600).looked_at == 600
        assert queue.search(session, Filter(find="straw")).looked_at == 1200
