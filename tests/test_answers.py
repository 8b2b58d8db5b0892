"""A later reply of the same author says where: through a real intake, on the demo city's streets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from connector import answers, workflow
from connector.config import DEMO, Config
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Event, Incoming, Kind, Person
from connector.intake import From, Intake, Taken
from connector.models import Post, Rule, Suspect, SuspectPost, SuspectStatus, now
from connector.sealing import Sealer
from connector.sources import Capabilities
from connector.store import Database, catalogue
from connector.store import sources as questions
from connector.triage import Gazetteer
from tests.builders import a_post, a_suspect, a_type

ORIGIN = From("x", "x", Capabilities(reads="posts of a test"))
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


class City:
    def __init__(self, database: Database, config: Config, sealer: Sealer) -> None:
        self.database, self.config, self.sealer = database, config, sealer
        self.city = Gazetteer.load(DEMO / "streets.geojson", DEMO / "landmarks.geojson", DEMO / "districts.geojson")
        with database.writing() as session:
            kind = a_type(session, "pothole")
            catalogue.save_rule(session, Rule(request_type_id=kind.id, name="p", expression="pothole"), "test")
            questions.state(session, "x", "x")
        self.intake = self.an_intake()

    def an_intake(self) -> Intake:
        return Intake(self.config, self.sealer, self.city)

    def take(self, *events: Event, intake: Intake | None = None) -> Taken:
        with self.database.writing() as session:
            intake = intake or self.intake
            intake.refresh(session)
            return intake.take(session, ORIGIN, Batch(events))

    def suspects(self) -> list[Suspect]:
        with self.database.reading() as session:
            return list(session.exec(select(Suspect).order_by(Suspect.id)))

    def posts(self) -> list[str]:
        with self.database.reading() as session:
            return list(session.exec(select(Post.source_id).order_by(Post.id)))


@pytest.fixture
def city(database: Database, config: Config, sealer: Sealer) -> City:
    return City(database, config, sealer)


def said(source_id: str, text: str, handle: str = "ann", **detail: Any) -> Arrived:
    told = {"author": Person(handle), "posted_at": AT + timedelta(minutes=int(source_id)), "conversation_id": "1"}
    raw = b'{"conversation_id": "%s"}' % str(detail.get("conversation_id", "1")).encode()
    return Arrived(Incoming(source_id, text, "en", raw, Detail(**(told | detail))))


def answered(source_id: str, text: str, handle: str = "ann", **detail: Any) -> Arrived:
    return said(source_id, text, handle, **({"kind": Kind.REPLY} | detail))


def test_the_authors_reply_gives_the_place(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    taken = city.take(answered("2", "oh, it is at Elm and 9th"))
    (suspect,) = city.suspects()
    assert (suspect.place, suspect.place_method) == ("Elm Street & 9th Avenue", "reply")
    assert (suspect.place_words, suspect.district != "") == ("Elm and 9th", True)
    assert suspect.lat is not None
    assert suspect.place_sure is not None
    assert (suspect.posts, suspect.people, suspect.version) == (2, 1, 2)
    assert (taken.read, taken.matched, taken.new) == (1, 0, 0), "no rule met the reply"


def test_a_parked_suspect_gets_it_too(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    with city.database.writing() as session:
        session.exec(select(Suspect)).one().status = SuspectStatus.PARKED
    city.take(answered("2", "the library"))
    assert (city.suspects()[0].place, city.suspects()[0].place_method) == ("Central Library", "reply")


@pytest.mark.parametrize(
    "reply",
    [
        answered("2", "it is at Elm and 9th", handle="bob"),
        answered("2", "it is at Elm and 9th", conversation_id="77"),
        said("2", "it is at Elm and 9th"),
        answered("2", "no idea where, sorry"),
        answered("2", "no idea where, sorry", place_name="Old Town"),
    ],
)
def test_nothing_else_gives_a_place(city: City, reply: Arrived) -> None:
    city.take(said("1", "A pothole ate my tire"))
    city.take(reply)
    assert city.suspects()[0].place == ""


def test_a_reply_elsewhere_is_not_stored(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    city.take(answered("2", "at Elm and 9th", conversation_id="77"), answered("3", "no idea"))
    assert city.posts() == ["1"]


def test_a_place_that_is_known_stays(city: City) -> None:
    city.take(said("1", "pothole on Quarry Rd"))
    city.take(answered("2", "it is at Elm and 9th"))
    (suspect,) = city.suspects()
    assert (suspect.place, suspect.place_method) == ("Quarry Road", "street")
    assert city.posts() == ["1"]


def test_a_place_that_a_person_set_meanwhile_stays(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    with city.database.writing() as session:
        suspect = session.exec(select(Suspect)).one()
        suspect.place, suspect.place_method = "Quarry Road", "by hand"
    city.take(answered("2", "it is at Elm and 9th"))
    assert city.suspects()[0].place == "Quarry Road"


def test_what_was_decided_stays(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    with city.database.writing() as session:
        session.exec(select(Suspect)).one().status = SuspectStatus.DISMISSED
    city.take(answered("2", "it is at Elm and 9th"))
    assert city.suspects()[0].place == ""


def test_another_process_knows_what_waits(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    city.take(answered("2", "it is at Elm and 9th"), intake=city.an_intake())
    assert city.suspects()[0].place_method == "reply"


def test_the_place_goes_with_the_reply(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    city.take(answered("2", "it is at Elm and 9th"))
    city.take(Deleted("2"))
    (suspect,) = city.suspects()
    assert (suspect.place, suspect.place_words, suspect.lat, suspect.status) == ("", "", None, "waiting")
    with city.database.reading() as session:
        texts = session.exec(select(Post.text).join(SuspectPost).order_by(Post.id)).all()
    assert texts == ["A pothole ate my tire", ""]


def test_a_reply_that_comes_twice_is_stored_once(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    for _ in range(2):
        city.take(answered("2", "it is at Elm and 9th"))
    assert city.posts() == ["1", "2"]
    assert city.suspects()[0].posts == 2


def test_only_so_many_conversations_are_remembered(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "_MOST", 2)
    for number in range(1, 5):
        city.take(said(str(number), f"pothole number {number} ate my tire {'x' * number}", conversation_id=str(number)))
    assert len(city.intake.preparer.asked) == 2


def test_a_person_who_says_that_nobody_knows_where_is_not_overruled(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    workflow.set_place(city.database, city.suspects()[0].id or 0, None, "Dana")
    city.take(answered("2", "it is at Elm and 9th"), intake=city.an_intake())
    city.take(answered("3", "it is at Elm and 9th"))
    assert (city.suspects()[0].place, city.suspects()[0].place_method) == ("", "by hand")


def test_an_edit_of_what_asked_leaves_the_place_that_the_answer_gave(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    city.take(answered("2", "it is at Elm and 9th"))
    city.take(Edited(said("1", "A pothole ate my tire!!").post))
    assert city.suspects()[0].place == "Elm Street & 9th Avenue"


def test_a_place_goes_when_the_answer_does_not_tell_it_any_more(city: City) -> None:
    city.take(said("1", "A pothole ate my tire"))
    city.take(answered("2", "it is at Elm and 9th"))
    city.take(Edited(answered("2", "never mind").post))
    assert (city.suspects()[0].place, city.suspects()[0].lat) == ("", None)


def test_the_oldest_conversations_are_given_up_first(
    city: City, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_MOST", 3)
    with database.writing() as session:
        for hours in (3, 2, 1):
            at = now() - timedelta(hours=hours)
            post = a_post(session, conversation_id=f"{hours} h ago", author_key="k", posted_at=at)
            a_suspect(session, post=post, created_at=at)
    asked = answers.Asked()
    with database.reading() as session:
        asked.refresh(session)
    asked.conversations["now"] = "x"
    asked.learn("x", [])
    assert list(asked.conversations) == ["2 h ago", "1 h ago", "now"]
