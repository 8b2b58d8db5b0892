"""Every verb of the Queue, called as its key calls it: by a person who may, by one who may not, too early, and twice.

What is drawn hides a button from those who may not press it; here the button's callback is called all the same.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from connector import workflow
from connector.access import ROLES, Right
from connector.addpost import Added, Pasted
from connector.models import Suspect, SuspectPost, now
from connector.screen import add_post, bulk, desk, drafts, strip, upload, verbs
from connector.screen.desk import Shown
from connector.screen.queue import Last, mine
from connector.takein import Choice
from connector.triage import Place
from tests.builders import a_post, a_suspect, a_type
from tests.pages.browser import City
from tests.pages.test_login import ADA, is_now, town

__all__ = ["town"]

MAY = [role for role in ROLES if Right.DECIDE in ROLES[role]]
MAY_NOT = [role for role in ROLES if Right.DECIDE not in ROLES[role]]


class Scene(SimpleNamespace):
    """What a verb is called with."""

    shown: Shown
    post: int
    other: int
    accepted: int
    dismissed: Shown
    undone: Last
    batch: Last
    urgent: int
    city: City


@pytest.fixture
def scene(town: City) -> Scene:
    """A suspect of two posts on the card, another one beside it, one parked, two dismissed at once."""
    with town.database.writing() as session:
        one, other, parked, *many = (a_suspect(session) for _ in range(5))
        urgent = a_suspect(session, danger="fire", urgent=1)
        post = a_post(session, "the same hole again")
        session.add(SuspectPost(suspect_id=one.id, post_id=post.id))
        a_type(session, "graffiti")
        accepted = a_suspect(session, status="accepted", decided_at=now(), decided_by=ADA)
        ids = [suspect.id or 0 for suspect in many]
        found = Scene(
            shown=Shown(one.id or 0, one.version, "Pothole", "pothole", True, False, ("graffiti",)),
            post=post.id, other=other.id, parked=parked.id, urgent=urgent.id,
            accepted=accepted.id, city=town,
        )  # fmt: skip
    workflow.park(town.database, found.parked, ADA)
    found.undone = Last(found.parked, "Pothole", "Parked")
    made = workflow.bulk(town.database, town.config, ids, "dismiss", ADA, "joke")
    found.dismissed = Shown(ids[0], 2, "Pothole", "pothole", False, False, (), ended=True)
    found.batch = Last(0, "2 dismissed", "dismiss", "", made.batch)
    return found


def _undoes(scene: Scene, verb: Callable[[Last], None], last: Last) -> None:
    mine().last = last
    verb(last)


def _adds(scene: Scene) -> None:
    def add(_: Pasted) -> Added:
        with scene.city.database.writing() as session:
            return Added(a_suspect(session).id or 0, True)

    add_post.ss["add_round"] = 0
    add_post._added(add, Pasted("a hole"))


CALLS: dict[str, Callable[[Scene], object]] = {
    "accept": lambda it: verbs.accept(it.shown, "a hole"),
    "dismiss": lambda it: verbs.dismiss(it.shown, "joke"),
    "park": lambda it: verbs.park(it.shown),
    "ask_where": lambda it: verbs.ask_where(it.shown),
    "undo": lambda it: _undoes(it, verbs.undo, it.undone),
    "take_back": lambda it: verbs.take_back(it.dismissed),
    "retype": lambda it: verbs.retype(it.shown, "graffiti"),
    "also": lambda it: verbs.also(it.shown, "graffiti"),
    "split": lambda it: verbs.split(it.shown, it.post),
    "merge": lambda it: verbs.merge(it.shown, it.other),
    "attach": lambda it: verbs.attach(it.shown, it.accepted, "PA-26-1"),
    "set_place": lambda it: verbs.set_place(it.shown, Place("Elm Street", 45.0, -122.0, "", "by hand", "", 1.0)),
    "assign": lambda it: verbs.assign(it.shown, ADA),
    "note": lambda it: verbs.note(it.shown, "call the crew"),
    "a draft": lambda it: drafts.keep(it.shown.id, "note", "call the"),
    "many at once": lambda it: bulk._begin([it.shown.id, it.other], bulk.Order("dismiss", "joke", "Joke")),
    "many taken back": lambda it: _undoes(it, bulk._take_back, it.batch),
    "seeing to what is urgent": lambda it: strip._take([it.urgent]),
    "adding a post": _adds,
    "taking in a file": lambda it: upload._take_in("a.csv", b"text\na pothole on Elm\n", Choice({"text": "text"}), 1),
}


def _script() -> None:
    import streamlit as st

    if call := st.session_state.pop("call", None):  # a verb may have the page drawn again
        call()


def called(call: Callable[[], object], who: str = ADA) -> Any:
    """Call it inside a session of this person, who has looked at the card for a while."""
    page = AppTest.from_function(_script, default_timeout=60)
    page.user = {"is_logged_in": True, "email": who, "iat": int(now().timestamp())}
    page.session_state["call"] = call
    page.run()
    assert not page.exception
    return page


def looked_at(shown: Shown, seconds: float = 10) -> None:
    mine().drawn = shown.id, time.monotonic() - seconds


def rows(city: City) -> dict[str, list[str]]:
    """All that stands in the database."""

    with city.database.reading() as session:
        return {
            name: sorted(repr(tuple(row)) for row in session.connection().execute(table.select()))
            for name, table in Suspect.metadata.tables.items()
        }


def test_every_verb_of_the_queue_stands_in_the_table() -> None:
    of_a_card = {
        name
        for name, verb in inspect.getmembers(verbs, inspect.isfunction)
        if verb.__module__ == verbs.__name__ and next(iter(inspect.signature(verb).parameters), "") in ("shown", "last")
    }
    assert of_a_card <= set(CALLS)
    assert len(of_a_card) == 14


@pytest.mark.parametrize("verb", CALLS)
def test_a_verb_does_nothing_for_those_who_may_not_decide_and_something_for_the_others(verb: str, scene: Scene) -> None:
    def call() -> None:
        looked_at(scene.shown)
        CALLS[verb](scene)

    for role in MAY_NOT:
        is_now(scene.city, role=role)
        kept = rows(scene.city)
        called(call)
        assert rows(scene.city) == kept, role
    is_now(scene.city, role=MAY[0])
    kept = rows(scene.city)
    called(call)
    assert rows(scene.city) != kept


# -- once, for what was seen ---------------------------------------------------------------------------------------


@pytest.fixture
def counted() -> list[int]:
    """Calls that came through, of a verb that only counts them."""
    return []


def test_a_key_that_comes_before_an_eye_can_have_met_the_card_is_lost(scene: Scene, counted: list[int]) -> None:
    def press() -> None:
        looked_at(scene.shown, 0.1)
        desk.decide(scene.shown, "Accepted", lambda: counted.append(1))
        assert counted == []
        looked_at(scene.shown, 1)
        desk.decide(scene.shown, "Accepted", lambda: counted.append(2))

    called(press)
    assert counted == [2]


def test_a_key_for_another_card_than_stands_there_is_lost(scene: Scene, counted: list[int]) -> None:
    def press() -> None:
        mine().drawn = scene.other, time.monotonic() - 10
        desk.decide(scene.shown, "Accepted", lambda: counted.append(1))

    called(press)
    assert counted == []


def test_a_second_key_for_the_same_card_is_lost(scene: Scene, counted: list[int]) -> None:
    def press() -> None:
        looked_at(scene.shown)
        desk.decide(scene.shown, "Dismissed", lambda: counted.append(1))
        desk.decide(scene.shown, "Dismissed", lambda: counted.append(2))

    called(press)
    assert counted == [1]


def test_what_was_refused_may_be_pressed_again(scene: Scene, counted: list[int]) -> None:
    def refuse() -> None:
        raise ValueError("not now")

    def press() -> None:
        looked_at(scene.shown)
        desk.decide(scene.shown, "Dismissed", refuse)
        desk.decide(scene.shown, "Dismissed", lambda: counted.append(1))

    called(press)
    assert counted == [1]


@pytest.mark.parametrize("verb", [verbs.undo, bulk._take_back])
def test_an_undo_of_what_is_not_the_last_decision_any_more_does_nothing(
    verb: Callable[[Last], None], scene: Scene
) -> None:
    last = scene.undone if verb is verbs.undo else scene.batch

    def press() -> None:
        mine().last = Last(scene.other, "Pothole", "Dismissed")
        verb(last)

    before = rows(scene.city)
    called(press)
    assert rows(scene.city) == before
