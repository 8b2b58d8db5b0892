"""Looking back: what a rule would bring in, what it brings in, once, on both databases."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from connector import lookback, stored
from connector.config import Config, demo_city
from connector.errors import AlreadyDecidedError, RuleError
from connector.lookback import Looked
from connector.models import AuditEntry, Match, Post, Rule, Suspect, SuspectPost, now
from connector.sealing import CLOSE, OPEN, Sealer
from connector.store import Database, catalogue
from connector.triage import Gazetteer
from tests.builders import a_post, a_rule, a_suspect, a_type


class House:
    """A database with a rule `pothole` and posts; looks back with it."""

    def __init__(self, database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> None:
        self.database, self.config, self.sealer, self.gazetteer = database, config, sealer, gazetteer
        with database.writing() as session:
            rule = a_rule(session, name="holes", expression="pothole")
            self.rule_id, self.type_id = rule.id or 0, rule.request_type_id

    def post(self, text: str = "Big pothole", **values: Any) -> int:
        with self.database.writing() as session:
            return a_post(session, text, **values).id or 0

    def suspect(self, text: str = "Big pothole", type_code: str = "pothole", **values: Any) -> int:
        with self.database.writing() as session:
            return a_suspect(session, text, type_code, **values).lead_post_id or 0

    def count(self, text: str = "pothole", days: int = 30, **more: Any) -> Looked:
        return lookback.count(self.database, self.sealer, text, self.type_id, days, **more)

    def apply(self, days: int = 30, **more: Any) -> Looked:
        return lookback.apply(
            self.database, self.config, self.sealer, self.gazetteer, self.rule_id, days, "Dana", **more
        )

    def change(self, **values: Any) -> None:
        with self.database.writing() as session:
            catalogue.change_rule(session, self.rule_id, None, "Maria", **values)

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(query).all())

    def made(self) -> list[Suspect]:
        """Suspects of the rule's type, by their post."""
        return self.rows(
            select(Suspect).where(Suspect.request_type_id == self.type_id).order_by(Suspect.lead_post_id)  # type: ignore[arg-type]
        )


@pytest.fixture
def house(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> House:
    return House(database, config, sealer, gazetteer)


# -- what would enter --------------------------------------------------------------------------------------------------


def test_a_post_without_a_suspect_would_enter(house: House) -> None:
    house.post()
    house.post("hello")
    assert house.count() == Looked(2, 1, 1)


@pytest.mark.parametrize("status", ["waiting", "parked", "accepted", "dismissed", "merged", "withdrawn", "expired"])
def test_a_post_that_a_suspect_of_the_type_holds_would_not_whatever_became_of_it(status: str, house: House) -> None:
    house.suspect(status=status)
    assert house.count() == Looked(1, 1, 0)


def test_a_post_that_only_another_type_holds_would_enter(house: House) -> None:
    house.suspect("pothole and graffiti", "graffiti")
    assert house.count().entered == 1


def test_a_post_whose_type_was_weighed_before_would_not_enter_again(house: House) -> None:
    post = house.suspect("pothole and graffiti", "graffiti")
    with house.database.writing() as session:
        session.add(Match(post_id=post, rule_id=house.rule_id))
    assert house.count().entered == 0


def test_a_kept_repost_would_enter_only_if_the_rule_asks_for_reposts(house: House) -> None:
    post = house.post(kind="repost")
    with house.database.writing() as session:
        session.add(Match(post_id=post, rule_id=house.rule_id))
    assert house.count().entered == 0
    assert house.count("pothole is:retweet").entered == 1
    assert house.count("pothole OR (crater is:retweet)").entered == 1
    assert house.count("pothole -is:reply").entered == 0


def test_our_own_gone_and_older_posts_would_not_enter(house: House) -> None:
    house.post(own=True)
    house.post(gone_at=now())
    house.post(posted_at=now() - timedelta(days=31))
    house.post(posted_at=now() - timedelta(days=29))
    assert house.count() == Looked(2, 2, 1)
    assert house.count(days=40).entered == 2
    assert house.count(days=7) == Looked(1, 1, 0)


def test_a_wording_that_cannot_be_read_is_refused(house: House) -> None:
    with pytest.raises(RuleError):
        house.count("(pothole")


# -- what enters -------------------------------------------------------------------------------------------------------


def test_what_was_counted_enters_and_nothing_enters_twice(house: House) -> None:
    posts = [house.post(f"Big pothole {n}") for n in range(3)]
    house.suspect("pothole and graffiti", "graffiti")
    house.suspect("pothole, dismissed", status="dismissed")
    counted = house.count()
    assert counted == Looked(5, 5, 4)
    assert house.apply() == counted
    assert [suspect.lead_post_id for suspect in house.made()][:3] == posts
    assert len(house.made()) == 5
    matches = house.rows(select(Match))
    assert house.apply() == Looked(5, 5, 0)
    assert house.count().entered == 0
    assert len(house.made()) == 5
    assert len(house.rows(select(Match))) == len(matches) == 6


def test_a_suspect_comes_out_as_the_intake_would_have_made_it(house: House) -> None:
    at = now() - timedelta(days=3)
    house.change(expression='"big pothole"')
    post = house.post("A BIG  pothole!", posted_at=at, lang="es")
    house.suspect("pothole", status="accepted", decided_at=now())
    house.apply()
    (suspect,) = [one for one in house.made() if one.lead_post_id == post]
    (match,) = house.rows(select(Match).where(Match.post_id == post))
    assert (suspect.status, suspect.urgent, suspect.language, suspect.posts) == ("waiting", 0, "es", 1)
    assert suspect.why == [{"rule_id": house.rule_id, "rule": "holes", "words": ["BIG  pothole"]}]
    assert suspect.score == pytest.approx(2 / 3)
    assert (suspect.first_posted_at, suspect.last_posted_at) == (at, at)
    assert (match.rule_id, match.rule_version, match.words) == (house.rule_id, 2, ["BIG  pothole"])
    assert [join.post_id for join in house.rows(select(SuspectPost).where(SuspectPost.suspect_id == suspect.id))] == [
        post
    ]


def test_an_urgent_type_makes_urgent_suspects(house: House) -> None:
    with house.database.writing() as session:
        a_type(session).urgent = True
    house.post()
    house.apply()
    assert house.made()[0].urgent == 1


def test_its_place_is_read_from_the_text(house: House) -> None:
    city = demo_city().city
    house.gazetteer = Gazetteer.load(city.streets, city.landmarks, city.districts)
    house.post("pothole on Quarry Rd")
    house.apply()
    assert (house.made()[0].place_method, house.made()[0].place_words) == ("street", "Quarry Rd")


def test_posts_that_do_not_wait_are_kept_as_matches(house: House) -> None:
    ours, repost = house.post(own=True), house.post(kind="repost")
    assert house.apply() == Looked(2, 2, 0)
    assert {match.post_id for match in house.rows(select(Match))} == {ours, repost}
    assert house.made() == []


def test_no_handle_is_written_into_words(house: House, sealer: Sealer) -> None:
    house.change(expression="@ann_example pothole")
    text = f"@{OPEN}0{CLOSE} pothole"
    house.post(text, entities={"mention_keys": [sealer.pseudonym("ann_example")]})
    house.change(expression="(@ann_example OR @testville) pothole")
    house.post("@testville pothole", entities={"mention_keys": [sealer.pseudonym("testville")]})
    house.apply()
    assert [sorted(match.words) for match in house.rows(select(Match).order_by(Match.post_id))] == [  # type: ignore[arg-type]
        ["@…", "pothole"],
        ["@testville", "pothole"],
    ]


def test_it_is_written_down_who_looked_back(house: House) -> None:
    house.post()
    house.apply(days=7)
    begun, done = house.rows(select(AuditEntry).where(AuditEntry.by == "Dana"))
    assert (begun.what, done.what) == ("look back begun", "look back done")
    assert done.detail == {"rule": house.rule_id, "version": 1, "days": 7, "met": 1, "suspects": 1}


def test_a_rule_that_is_off_does_not_look_back(house: House) -> None:
    house.post()
    house.change(active=False)
    with pytest.raises(RuleError, match="switch it on"):
        house.apply()
    assert house.made() == []
    assert house.rows(select(AuditEntry).where(AuditEntry.by == "Dana")) == []


def test_a_stored_rule_that_cannot_be_read_does_not_look_back(house: House) -> None:
    with house.database.writing() as session:
        session.get_one(Rule, house.rule_id).expression = "(pothole"
    with pytest.raises(RuleError):
        house.apply()


# -- while others work -------------------------------------------------------------------------------------------------


def pages_of(house: House, count: int) -> list[int]:
    """Enough posts that one page does not hold them; the last ones are potholes."""
    first = house.post()
    with house.database.writing() as session:
        for _ in range(stored.PAGE):
            session.add(Post(source="sample", source_id=f"f{_}", text="hello"))
    return [first, *(house.post() for _ in range(count))]


def test_it_stops_when_somebody_changes_the_rule_and_goes_on_with_the_new_one(house: House) -> None:
    posts = pages_of(house, 1)
    told = []

    def progress(done: int, total: int) -> None:
        if not told:
            house.change(expression="pothole OR hello")
        told.append((done, total))

    with pytest.raises(AlreadyDecidedError, match="changed meanwhile"):
        house.apply(progress=progress)
    assert [suspect.lead_post_id for suspect in house.made()] == posts[:1], "what was made until then stays"
    assert told == [(stored.PAGE, stored.PAGE + 2)]
    assert house.apply().entered == stored.PAGE + 1


def test_what_is_erased_while_it_looks_does_not_enter(house: House) -> None:
    posts = pages_of(house, 2)

    def progress(done: int, total: int) -> None:
        with house.database.writing() as session:
            session.get_one(Post, posts[1]).gone_at = now()

    assert house.apply(progress=progress).entered == 2
    assert [suspect.lead_post_id for suspect in house.made()] == [posts[0], posts[2]]


def test_what_is_being_erased_does_not_enter(house: House) -> None:
    post = house.post()
    looking = threading.Thread(target=house.apply)
    with house.database.writing() as session:
        session.get_one(Post, post).gone_at = now()
        session.flush()
        looking.start()
        looking.join(timeout=0.5)  # it has seen the post and waits for this commit
    looking.join(timeout=30)
    assert not looking.is_alive()
    assert house.made() == []
    assert house.rows(select(Match)) == []


def test_two_that_look_back_at_once_make_each_suspect_once(house: House) -> None:
    for number in range(40):
        house.post(f"pothole {number}")
    entered, failed = [], []

    def look() -> None:
        try:
            entered.append(house.apply().entered)
        except Exception as error:  # noqa: BLE001 - told by the assertion below
            failed.append(error)

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert sum(entered) == len(house.made()) == 40
    assert len(house.rows(select(Match))) == 40
