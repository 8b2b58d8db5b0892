"""A batch of events becomes rows, on both databases: nothing skipped, nothing twice, what is gone is gone."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, make_url
from sqlalchemy import text as sql
from sqlmodel import Session, col, select

from connector import privacy, store, workflow
from connector import sealing as sealing_
from connector.collect import Collector
from connector.config import Adapter, Config
from connector.deliver import Deliveries
from connector.dispatch import Request
from connector.dispatch.outbox import Outbox
from connector.errors import AlreadyDecidedError, TemporaryError, UnclearError
from connector.incoming import (
    Arrived,
    Batch,
    Deleted,
    Detail,
    Edited,
    Event,
    Incoming,
    Kind,
    Media,
    Missed,
    Person,
    Reference,
    Refused,
)
from connector.ingest import ingest
from connector.intake import From, Intake, Taken
from connector.models import (
    Decision,
    DeliveryStatus,
    Dispatch,
    Gap,
    GapCause,
    Match,
    Post,
    ReadCount,
    RequestType,
    Rule,
    Setting,
    SourceState,
    Suspect,
    SuspectPost,
    Ticket,
    Unseen,
    metadata,
    now,
)
from connector.sealing import Sealer
from connector.sources import Capabilities, Source
from connector.store import Database, catalogue
from connector.store import sources as questions
from connector.triage import Gazetteer
from tests.conftest import SHARED

ORIGIN = From("x", "x", Capabilities(reads="posts of a test"))
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_post(source_id: str, text: str = "Pothole on Elm Street", **detail: Any) -> Incoming:
    edits = detail.get("edits", ())
    raw = json.dumps({"edit_history_tweet_ids": edits}).encode() if edits else b""
    author = Person(handle="ann_example", name="Ann Example", id="7")
    return Incoming(source_id, text, "en", raw, Detail(**{"author": author, "posted_at": AT, **detail}))


def a_type(session: Session, code: str, *expressions: str, **values: Any) -> RequestType:
    kind = RequestType(code=code, title=code.title(), **values)
    session.add(kind)
    session.flush()
    for expression in expressions:
        rule = Rule(request_type_id=kind.id or 0, name=expression, expression=expression)
        catalogue.save_rule(session, rule, "test")
    return kind


class House:
    """An intake on a database with two types."""

    def __init__(self, database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> None:
        self.database, self.config, self.sealer = database, config, sealer
        self.intake = Intake(config, sealer, gazetteer)
        self.outbox = Outbox("outbox", Outbox.Settings(), home=config.home)
        self.deliveries = Deliveries(database, config, {"outbox": self.outbox}, "worker")
        with database.writing() as session:
            a_type(session, "pothole", "pothole OR crater")
            a_type(session, "gas", '"gas leak"', urgent=True)
            questions.state(session, "x", "x")

    def take(self, *events: Event | Incoming, cursor: str = "") -> Taken:
        found = [Arrived(event) if isinstance(event, Incoming) else event for event in events]
        with self.database.writing() as session:
            self.intake.refresh(session)
            taken = self.intake.take(session, ORIGIN, Batch(found, cursor))
            questions.advance(session, "x", cursor, arrived=True)
        return taken

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(query).all())

    def only(self, query: Any) -> Any:
        (row,) = self.rows(query)
        return row

    def accept(self) -> int:
        suspect = self.only(select(Suspect))
        workflow.accept(self.database, self.config, suspect.id, "Dana")
        return int(suspect.id)

    def outcomes(self) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for row in self.rows(select(ReadCount)):
            counts[row.outcome] += row.count
        return dict(counts)


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])]
)
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Database]]:
    """One database for all tests of this file: to make one takes longer than a test."""
    url = f"sqlite:///{tmp_path_factory.mktemp('intake') / 'test.db'}"
    if request.param == "postgres":
        server = make_url(request.getfixturevalue("postgres_server"))
        admin = create_engine(server, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(sql("CREATE DATABASE intake"))
        admin.dispose()
        url = server.set(database="intake").render_as_string(hide_password=False)
    config = Config.model_validate({"city": {"name": "Testville"}, "database_url": url})
    opened = store.open_database(config)
    yield url, opened
    opened.close()


@pytest.fixture
def database_url(opened: tuple[str, Database]) -> str:
    return opened[0]


@pytest.fixture
def database(opened: tuple[str, Database]) -> Database:
    """Emptied."""
    with opened[1].writing() as session:
        for table in reversed(metadata.sorted_tables):
            session.connection().execute(table.delete())
    return opened[1]


@pytest.fixture
def house(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> House:
    return House(database, config, sealer, gazetteer)


# -- what comes in ---------------------------------------------------------------------------------------------------


def test_matching_post_is_stored_with_its_words_and_waits_for_a_person(house: House) -> None:
    taken = house.take(a_post("1", "A POTHOLE again @bob_example", mentioned=["bob_example"]), cursor="7")
    post, suspect = house.only(select(Post)), house.only(select(Suspect))
    assert (taken.new, taken.read, taken.suspects) == (1, 1, [suspect.id])
    assert sealing_.mask(post.text) == "A POTHOLE again @…"
    assert house.only(select(Match)).words == ["POTHOLE"]
    assert (suspect.status, suspect.lead_post_id, suspect.first_posted_at) == ("waiting", post.id, AT)
    assert suspect.why[0]["words"] == ["POTHOLE"]
    assert house.only(select(SuspectPost)).post_id == post.id
    assert house.only(select(SourceState)).cursor == "7"


def test_card_can_reveal_what_the_tables_hide(house: House) -> None:
    house.take(a_post("1", "pothole, says @Bob_Example", mentioned=["Bob_Example"]))
    post = house.only(select(Post))
    names = json.loads(house.sealer.unseal(post.author_sealed, "x", "1"))
    assert names["handle"] == "ann_example"
    assert sealing_.reveal(post.text, names["handles"]) == "pothole, says @Bob_Example"
    assert post.author_key == house.sealer.pseudonym("ANN_EXAMPLE")
    assert post.entities["mention_keys"] == [house.sealer.pseudonym("bob_example")]


def test_words_of_a_match_hold_no_handle(house: House) -> None:
    with house.database.writing() as session:
        a_type(session, "person", "from:ann_example")
    house.take(a_post("1", "nothing"))
    words = [*house.only(select(Match)).words, *house.only(select(Suspect)).why[0]["words"]]
    assert [sealing_.mask(word) for word in words] == ["@…", "@…"]


def test_post_that_meets_no_rule_is_only_counted(house: House) -> None:
    taken = house.take(a_post("1", "good morning"))
    assert (taken.read, taken.matched) == (1, 0)
    assert house.rows(select(Post)) == []
    assert house.outcomes() == {"unmatched": 1}


def test_urgent_type_wins_though_more_words_speak_for_another(house: House) -> None:
    house.take(a_post("1", "pothole crater pothole and a gas leak"))
    suspect = house.only(select(Suspect))
    kind = house.only(select(RequestType).where(RequestType.id == suspect.request_type_id))
    assert (kind.code, suspect.urgent) == ("gas", 1)
    assert [reason["rule"] for reason in suspect.why] == ['"gas leak"', "pothole OR crater"]


def test_type_for_which_more_words_speak_wins(house: House) -> None:
    with house.database.writing() as session:
        a_type(session, "road", "road")
    house.take(a_post("1", "road with pothole and crater"))
    assert house.only(select(RequestType.code).join(Suspect)) == "pothole"


@pytest.mark.parametrize("how", ["by its source", "by its account"])
def test_own_post_is_kept_but_never_waits(how: str, house: House) -> None:
    detail = {"own": True} if how == "by its source" else {"author": Person("TestVille")}
    house.take(a_post("1", **detail))
    assert house.only(select(Post)).own
    assert house.rows(select(Suspect)) == []


def test_repost_is_kept_but_waits_only_if_a_rule_asks_for_reposts(house: House) -> None:
    house.take(a_post("1", kind=Kind.REPOST))
    assert len(house.rows(select(Post))) == 1
    assert house.rows(select(Suspect)) == []
    with house.database.writing() as session:
        a_type(session, "again", "crater is:retweet")
    house.take(a_post("2", kind=Kind.REPOST), a_post("3", "crater", kind=Kind.REPOST))
    assert house.only(select(Post.source_id).join(Suspect, col(Suspect.lead_post_id) == col(Post.id))) == "3"


def test_rule_that_excludes_reposts_does_not_ask_for_them(house: House) -> None:
    with house.database.writing() as session:
        a_type(session, "never", "bump -is:retweet")
    house.take(a_post("1", "pothole bump", kind=Kind.REPOST))
    assert house.rows(select(Suspect)) == []


@pytest.mark.parametrize(
    ("fills", "by_itself", "lost", "state", "due"),
    [
        (True, True, False, "open", True),
        (True, False, False, "open", False),
        (False, False, False, "lost", False),
        (True, True, True, "lost", False),
    ],
)
def test_missed_interval_is_a_gap_that_is_filled_waits_or_is_lost(
    house: House, fills: bool, by_itself: bool, lost: bool, state: str, due: bool
) -> None:
    origin = From("x", "x", replace(ORIGIN.capabilities, fills=fills), fills=by_itself)
    missed = Missed(AT, AT + timedelta(hours=1), "disconnected", GapCause.DISCONNECT, lost)
    with house.database.writing() as session:
        house.intake.take(session, origin, Batch([missed, missed]))
    gap = house.only(select(Gap))
    assert (gap.source, gap.from_at, gap.to_at, gap.why) == ("x", AT, AT + timedelta(hours=1), "disconnected")
    assert (gap.cause, gap.state, gap.due_at is not None) == ("disconnect", state, due)


def test_a_post_behind_its_own_deletion_is_counted_and_not_stored(house: House) -> None:
    house.take(Deleted("1"))
    house.take(a_post("1"), a_post("2"))
    assert [post.source_id for post in house.rows(select(Post))] == ["2"]
    assert house.only(select(ReadCount.count).where(ReadCount.outcome == "late")) == 1


def test_what_cannot_be_read_is_counted_with_its_reason(house: House) -> None:
    house.take(Refused("not JSON"), a_post("1"), Refused("not JSON"))
    assert house.only(select(ReadCount.count).where(ReadCount.outcome == "refused: not JSON")) == 2


def test_a_rule_that_the_platform_names_is_kept_without_words(house: House) -> None:
    rule = house.only(select(Rule).where(Rule.name == '"gas leak"'))
    post = Incoming("1", "it smells", detail=Detail(), named=[(rule.id or 0, 1), (999, 1)])
    house.take(Arrived(post))
    match = house.only(select(Match))
    assert (match.rule_id, match.words) == (rule.id, [])
    assert house.only(select(Suspect)).status == "waiting"


def test_reading_is_priced(house: House) -> None:
    with house.database.writing() as session:
        house.intake.refresh(session)
        origin = From("x", "x", ORIGIN.capabilities, price=5000)
        house.intake.take(session, origin, Batch([Arrived(a_post("1")), Arrived(a_post("2", "hello")), Deleted("1")]))
    costs = {row.outcome: row.cost_micros for row in house.rows(select(ReadCount))}
    assert costs == {"new": 5000, "unmatched": 5000, "deleted": 0}


# -- cursor, crash and repetition --------------------------------------------------------------------------------------


class Once(Source):
    """A source for the collector; what it yields does not matter here."""

    title, capabilities = "Once", ORIGIN.capabilities

    def events(self, cursor: str, stopping: Callable[[float], bool]) -> Any:
        raise NotImplementedError


@pytest.mark.parametrize("fails", [False, True])
def test_cursor_and_posts_share_a_commit(fails: bool, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    config = house.config.model_copy(update={"sources": {"x": Adapter(kind="x")}})
    collector = Collector(house.database, config, house.intake, {})
    if fails:
        monkeypatch.setattr("connector.store.sources.advance", _breaks)
    batch = Batch([Arrived(a_post("1"))], "after 1")
    try:
        collector.store(Once("x", None, config), batch)
    except RuntimeError:
        assert fails
    stored = (len(house.rows(select(Post))), len(house.rows(select(Suspect))), len(house.rows(select(ReadCount))))
    assert stored == ((0, 0, 0) if fails else (1, 1, 1))
    assert house.only(select(SourceState)).cursor == ("" if fails else "after 1")


def _breaks(*_: Any) -> None:
    raise RuntimeError("the power went")


def test_batch_that_fails_in_the_middle_leaves_neither(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.grouping.group", _breaks)
    with pytest.raises(RuntimeError):
        house.take(a_post("1"), cursor="after 1")
    assert house.rows(select(Post)) == []
    assert house.only(select(SourceState)).cursor == ""


def test_duplicates_within_and_across_batches_are_counted_not_stored(house: House) -> None:
    first = house.take(a_post("1"), a_post("1"), a_post("2"))
    again = house.take(a_post("1"), a_post("2"))
    assert (first.new, first.duplicate, again.new, again.duplicate) == (2, 1, 0, 2)
    assert len(house.rows(select(Post))) == len(house.rows(select(SuspectPost))) == 2


def test_same_id_of_another_source_is_another_post(house: House) -> None:
    house.take(a_post("1"))
    with house.database.writing() as session:
        taken = house.intake.take(session, From("y", "x", ORIGIN.capabilities), Batch([Arrived(a_post("1"))]))
    assert taken.new == 1


# -- edits -------------------------------------------------------------------------------------------------------------


def test_edit_updates_the_row_and_keeps_the_earlier_wording(house: House) -> None:
    house.take(a_post("1", "pothole @bob_example"))
    later = AT + timedelta(minutes=5)
    taken = house.take(a_post("2", "huge crater", edits=["1", "2"], posted_at=later))
    post = house.only(select(Post))
    assert (taken.updated, taken.new) == (1, 0)
    assert (post.source_id, post.version_id, post.text, post.edited_at) == ("1", "2", "huge crater", later)
    assert post.edits == [{"id": "1", "text": "pothole @…", "at": AT.isoformat()}]
    assert house.only(select(Match)).words == ["crater"]
    assert house.only(select(Suspect)).why[0]["words"] == ["crater"]


def test_edit_keeps_the_author_readable(house: House) -> None:
    house.take(a_post("1"), a_post("2", "pothole by @bob_example", edits=["1", "2"]))
    post = house.only(select(Post))
    names = json.loads(house.sealer.unseal(post.author_sealed, "x", "1"))
    assert sealing_.reveal(post.text, names["handles"]) == "pothole by @bob_example"


def test_edit_that_tells_of_an_emergency_makes_the_waiting_suspect_urgent(house: House) -> None:
    house.take(a_post("1"))
    version = house.only(select(Suspect)).version
    with house.database.writing() as session:
        session.exec(select(Suspect)).one().opened_at = now()
    house.take(a_post("2", "pothole, and now a gas leak", edits=["1", "2"]))
    suspect = house.only(select(Suspect))
    assert (suspect.urgent_why, suspect.opened_at) == ("gas", None), "nobody has seen the danger yet"
    assert (suspect.urgent, house.only(select(RequestType.code).join(Suspect))) == (1, "gas")
    assert suspect.version > version


def test_edit_does_not_overrule_a_persons_type(house: House) -> None:
    house.take(a_post("1"))
    with house.database.writing() as session:
        a_type(session, "other")
    workflow.retype(house.database, house.config, house.only(select(Suspect.id)), "other", "Dana")
    house.take(a_post("2", "pothole, and now a gas leak", edits=["1", "2"]))
    assert house.only(select(RequestType.code).join(Suspect)) == "other"
    suspect = house.only(select(Suspect))
    assert (suspect.urgent, suspect.urgent_why) == (1, "gas")


def test_edit_leaves_a_decided_suspect_and_what_was_frozen_as_they_were(house: House) -> None:
    house.take(a_post("1"))
    house.accept()
    before = house.only(select(Suspect))
    house.take(a_post("2", "crater", edits=["1", "2"]))
    assert house.only(select(Suspect)).model_dump() == before.model_dump()
    assert house.only(select(Dispatch)).content["text"] == "Pothole on Elm Street"


def test_edit_that_takes_the_words_away_leaves_the_suspect_for_the_person(house: House) -> None:
    house.take(a_post("1"))
    taken = house.take(a_post("2", "never mind", edits=["1", "2"]))
    assert (taken.updated, taken.read, house.outcomes()["updated"]) == (1, 1, 1)
    assert house.only(select(Post)).text == "never mind"
    assert house.rows(select(Match)) == []
    assert house.only(select(Suspect)).status == "waiting"


def test_edit_that_arrives_before_its_original_is_the_post(house: House) -> None:
    first = house.take(a_post("2", "crater", edits=["1", "2"]))
    second = house.take(a_post("1", "pothole"))
    post = house.only(select(Post))
    assert (first.new, second.duplicate) == (1, 1)
    assert (post.source_id, post.version_id, post.text, post.edits) == ("1", "2", "crater", [])


VERSIONS = {
    "1": a_post("1", "pothole one"),
    "2": a_post("2", "pothole two", edits=["1", "2"]),
    "3": a_post("3", "pothole three", edits=["1", "2", "3"]),
}


@pytest.mark.parametrize("together", [True, False])
def test_newest_version_stays_in_whatever_order_they_come(together: bool, house: House) -> None:
    orders = ["123", "132", "213", "231", "312", "321", "3123", "1321"]
    for number, order in enumerate(orders):
        ids = [f"{number}{version}" for version in range(3)]
        posts = {str(v + 1): a_post(ids[v], f"pothole {v + 1}", edits=ids[: v + 1] if v else ()) for v in range(3)}
        for part in [order] if together else order:
            house.take(*(posts[one] for one in part))
        post = house.only(select(Post).where(col(Post.source_id).in_(ids)))
        assert (post.source_id, post.version_id, post.text) == (ids[0], ids[2], "pothole 3"), order
    assert sum(house.outcomes().values()) == sum(map(len, orders))
    assert len(house.rows(select(Suspect))) == len(orders)


def test_edit_on_a_platform_that_keeps_the_id_updates_once(house: House) -> None:
    house.take(a_post("1"))
    first = house.take(Edited(a_post("1", "huge crater")))
    again = house.take(Edited(a_post("1", "huge crater")))
    post = house.only(select(Post))
    assert (first.updated, again.updated, again.duplicate) == (1, 0, 1)
    assert (post.text, len(post.edits)) == ("huge crater", 1)


# -- rules that change -------------------------------------------------------------------------------------------------


def test_changed_rule_holds_from_the_next_batch_on(house: House) -> None:
    house.take(a_post("1", "sinkhole"))
    with house.database.writing() as session:
        rule = session.exec(select(Rule).where(Rule.expression == "pothole OR crater")).one()
        catalogue.change_rule(session, rule.id or 0, None, "test", expression="sinkhole")
    house.take(a_post("1", "sinkhole"), a_post("2", "pothole"))
    assert house.only(select(Post)).source_id == "1"
    assert house.only(select(Match)).rule_version == 2


def test_rule_that_was_switched_off_matches_no_more(house: House) -> None:
    with house.database.writing() as session:
        rule = session.exec(select(Rule).where(Rule.expression == "pothole OR crater")).one()
        catalogue.change_rule(session, rule.id or 0, None, "test", active=False)
    assert house.take(a_post("1")).new == 0


def test_broken_stored_rule_is_named_and_the_others_go_on(house: House) -> None:
    with house.database.writing() as session:
        kind = session.exec(select(RequestType).where(RequestType.code == "pothole")).one()
        broken = catalogue.save_rule(session, Rule(request_type_id=kind.id or 0, name="b", expression="(pothole"), "t")
    taken = house.take(a_post("1"))
    assert taken.new == 1
    assert list(house.intake.broken_rules) == [broken.id]
    assert house.intake.broken_rules[broken.id or 0]


# -- every post is accounted for ---------------------------------------------------------------------------------------


@st.composite
def batches(draw: st.DrawFn) -> list[list[tuple[str, str, int]]]:
    one = st.tuples(
        st.sampled_from(["arrived", "arrived", "edited", "deleted"]),
        st.sampled_from(["1", "2", "3", "4"]),
        st.sampled_from([0, 0, 1]),
    )
    return draw(st.lists(st.lists(one, max_size=8), min_size=1, max_size=3))


class Model:
    """What must come of the events, said simply: id → versions held; texts with an odd last digit meet no rule."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.gone: set[str] = set()
        self.unseen: set[str] = set()
        """Deleted before they came."""
        self.counts: Counter[str] = Counter()

    def take(self, what: str, key: str, unmatched: int) -> None:
        if what == "deleted":
            if key in self.held and key not in self.gone:
                self.gone.add(key)
                self.counts["deleted"] += 1
            elif key not in self.held:
                self.unseen.add(key)
            return
        version = 1 if what == "arrived" else 2
        if key not in self.held and key in self.unseen and not unmatched:
            self.counts["late"] += 1
        elif key not in self.held:
            self.counts["unmatched" if unmatched else "new"] += 1
            if not unmatched:
                self.held[key] = version
        elif version > self.held[key] and key not in self.gone:
            self.held[key] = version
            self.counts["updated"] += 1
        else:
            self.counts["unmatched" if unmatched else "duplicate"] += 1


def _event(what: str, key: str, unmatched: int) -> Event:
    words = "good morning" if unmatched else "pothole"
    if what == "deleted":
        return Deleted(key)
    if what == "arrived":
        return Arrived(a_post(key, words))
    return Arrived(a_post(f"{key}00", words, edits=[key, f"{key}00"]))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches())
def test_every_delivered_post_is_counted_once(house: House, sequence: list[list[tuple[str, str, int]]]) -> None:
    _check_counts(house, sequence)


def _check_counts(house: House, sequence: Sequence[Sequence[tuple[str, str, int]]]) -> None:
    model, origin = Model(), From(f"s{uuid.uuid4().hex}", "x", ORIGIN.capabilities)
    delivered = 0
    for batch in sequence:
        for event in batch:
            model.take(*event)
        delivered += sum(what != "deleted" for what, _, _ in batch)
        with house.database.writing() as session:
            house.intake.refresh(session)
            house.intake.take(session, origin, Batch([_event(*event) for event in batch]))
    counted = {row.outcome: row.count for row in house.rows(select(ReadCount).where(ReadCount.source == origin.name))}
    assert counted == dict(+model.counts)
    assert sum(counted.values()) - counted.get("deleted", 0) == delivered
    stored = {post.source_id: post for post in house.rows(select(Post).where(Post.source == origin.name))}
    assert set(stored) == set(model.held)
    assert {key for key, post in stored.items() if post.gone_at} == model.gone


# -- what is gone ------------------------------------------------------------------------------------------------------


def test_deletion_erases_all_but_count_type_and_time(house: House) -> None:
    media = [Media("photo", "https://pbs.example/1.jpg", "a hole")]
    house.take(
        a_post("1", "pothole here", media=media, place_name="Elm", lat=1.0, lon=2.0, quoted_text="q", hashtags=["tag"]),
        a_post("2", "pothole there", edits=["1", "2"]),
    )
    assert house.take(Deleted("1")).deleted == 1
    post, suspect = house.only(select(Post)), house.only(select(Suspect))
    assert (post.text, post.quoted_text, post.place_name, post.author_key, post.author_sealed) == ("", "", "", "", None)
    assert (post.media, post.entities, post.references, post.edits, post.lat, post.lon) == ([], {}, [], [], None, None)
    assert house.only(select(Match)).words == []
    assert (suspect.status, suspect.place, suspect.place_words, suspect.lat) == ("withdrawn", "", "", None)
    assert suspect.why[0]["words"] == []
    assert house.only(select(RequestType.code).join(Suspect)) == "pothole"
    assert house.only(select(Decision)).kind == "withdraw"


def test_deletion_behind_its_post_in_one_batch_erases_it(house: House) -> None:
    house.take(a_post("1"), Deleted("1"), a_post("1"))
    post = house.only(select(Post))
    assert (post.text, bool(post.gone_at)) == ("", True)
    assert house.outcomes() == {"new": 1, "deleted": 1, "duplicate": 1}


@pytest.mark.parametrize("version", ["1", "2", "3"])
def test_deletion_by_the_id_of_any_version_erases_the_post(version: str, house: House) -> None:
    house.take(*VERSIONS.values(), a_post("9"))
    assert house.take(Deleted(version)).deleted == 1
    assert house.rows(select(Post.text).order_by(col(Post.id))) == ["", "Pothole on Elm Street"]


@pytest.mark.parametrize("version", ["2", "3"])
def test_deletion_names_a_version_that_never_came_by_itself(version: str, house: House) -> None:
    house.take(a_post("4", "pothole there", edits=["1", "2", "3", "4"]))
    assert house.take(Deleted(version)).deleted == 1


def test_post_behind_its_own_deletion_is_not_stored_by_any_process(house: House) -> None:
    house.take(Deleted("1"), Deleted("3"))
    house.intake = Intake(house.config, house.sealer, house.intake.preparer._gazetteer)  # the worker began anew
    taken = house.take(a_post("1"), a_post("2"), a_post("4", edits=["3", "4"]))
    assert (taken.new, taken.late) == (1, 2)
    assert house.rows(select(Post.source_id)) == ["2"]


def test_deletion_of_what_never_came_is_remembered_for_a_day_and_by_no_id(house: House) -> None:
    house.take(Deleted("1555"))
    with house.database.writing() as session:
        assert privacy.forget_unseen(session) == 0
        (row,) = session.exec(select(Unseen)).all()
        assert "1555" not in row.model_dump_json()
        row.at = now() - timedelta(days=2)
    with house.database.writing() as session:
        assert privacy.forget_unseen(session) == 1


def test_deletion_of_a_post_that_is_not_here_or_gone_changes_nothing(house: House) -> None:
    house.take(a_post("1"), Deleted("1"))
    at = house.only(select(Post)).gone_at
    assert house.take(Deleted("1"), Deleted("7")).deleted == 0
    assert house.only(select(Post)).gone_at == at


def test_deletion_of_a_queued_one_cancels_its_dispatch(house: House) -> None:
    house.take(a_post("1"))
    house.accept()
    house.take(Deleted("1"))
    dispatch = house.only(select(Dispatch))
    assert (dispatch.status, dispatch.content) == ("cancelled", None)
    assert house.only(select(Suspect)).status == "withdrawn"
    house.deliveries.step()
    assert house.outbox.messages() == []


def test_deletion_and_what_follows_from_it_share_a_commit(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.take(a_post("1"))
    house.accept()
    monkeypatch.setattr(Intake, "_count", _breaks)
    with pytest.raises(RuntimeError):
        house.take(Deleted("1"))
    assert house.only(select(Post)).text
    assert house.only(select(Dispatch)).status == "queued"


def test_deletion_of_a_sent_one_flags_the_ticket_and_keeps_its_number(house: House) -> None:
    house.take(a_post("1"))
    house.accept()
    house.deliveries.step()
    number = house.only(select(Ticket)).number
    house.take(Deleted("1"))
    ticket, dispatch = house.only(select(Ticket)), house.only(select(Dispatch))
    assert (ticket.flagged, ticket.number, ticket.notes) == (privacy.FLAG, number, "")
    assert (dispatch.status, dispatch.content) == ("sent", None)
    assert house.only(select(Suspect)).status == "accepted"


def test_deletion_while_it_is_being_sent_flags_the_ticket_afterwards(house: House) -> None:
    house.take(a_post("1"))
    house.accept()
    send = house.outbox.send

    def deleted_meanwhile(request: Request) -> Any:
        house.take(Deleted("1"))
        return send(request)

    house.outbox.send = deleted_meanwhile  # type: ignore[method-assign]
    house.deliveries.step()
    assert house.only(select(Ticket)).flagged == privacy.FLAG
    assert house.only(select(Dispatch)).content is None
    house.deliveries.step()
    assert house.outbox.messages() == []


@pytest.mark.parametrize(
    ("error", "status"), [(TemporaryError, DeliveryStatus.CANCELLED), (UnclearError, DeliveryStatus.UNCLEAR)]
)
def test_deletion_while_it_is_being_sent_is_not_sent_again(
    error: type[Exception], status: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.take(a_post("1", "pothole at the secretplace"))
    house.accept()

    def deleted_meanwhile(request: Request) -> Any:
        house.take(Deleted("1"))
        raise error("no answer")

    monkeypatch.setattr(house.outbox, "send", deleted_meanwhile)
    house.deliveries.step()
    dispatch = house.only(select(Dispatch))
    assert dispatch.status == status
    assert "secretplace" not in json.dumps(dispatch.content)
    monkeypatch.undo()
    with house.database.writing() as session:  # long after the time-out and the settling time
        session.connection().execute(
            sql("UPDATE dispatch SET sent_at = :then, due_at = :then"), {"then": _then(house.database)}
        )
    house.deliveries.step()
    house.deliveries.step()
    assert house.only(select(Dispatch)).status == "cancelled"
    assert house.only(select(Suspect)).status == "withdrawn"
    assert house.outbox.messages() == []


def _then(database: Database) -> Any:
    moment = now() - timedelta(hours=1)
    return moment.replace(tzinfo=None).isoformat(" ") if database.is_sqlite else moment


def test_refused_one_that_waits_again_is_withdrawn_with_its_post(house: House) -> None:
    house.take(a_post("1"))
    house.accept()
    with house.database.writing() as session:
        session.connection().execute(sql("UPDATE dispatch SET status = 'refused'"))
        session.connection().execute(sql("UPDATE suspect SET status = 'waiting', returned_because = 'no'"))
    house.take(Deleted("1"))
    suspect = house.only(select(Suspect))
    assert (suspect.status, suspect.returned_because) == ("withdrawn", "")


def test_deletion_of_one_of_two_posts_brings_a_queued_one_back_to_the_reviewer(house: House) -> None:
    answer = [Reference(Kind.REPLY, "1")]
    house.take(a_post("1", "pothole first"), a_post("2", "pothole second", references=answer))  # so one suspect
    first = house.only(select(Suspect))
    second = house.only(select(Post.id).where(Post.source_id == "2"))
    workflow.accept(house.database, house.config, first.id, "Dana")
    house.take(Deleted("1"))
    suspect = house.only(select(Suspect))
    assert (suspect.status, suspect.returned_because, suspect.lead_post_id, suspect.posts) == (
        "waiting", privacy.RETURNED, second, 1,
    )  # fmt: skip
    workflow.accept(house.database, house.config, first.id, "Dana")
    house.deliveries.step()
    (mail,) = house.outbox.messages()
    assert "second" in mail.body
    assert "first" not in mail.body


def test_outbox_forgets_what_was_erased_also_after_a_crash(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.take(a_post("1"), a_post("2", "crater that stays", author=Person("dan_example")))
    for suspect in house.rows(select(Suspect.id)):
        workflow.accept(house.database, house.config, suspect, "Dana")
    house.deliveries.step()
    house.take(Deleted("1"))
    monkeypatch.setattr(house.outbox, "forget", _breaks)
    house.deliveries.step()
    assert len(house.outbox.messages()) == 2
    monkeypatch.undo()
    Deliveries(house.database, house.config, {"outbox": house.outbox}, "the next worker").step()
    (mail,) = house.outbox.messages()
    assert "stays" in mail.body
    assert house.rows(select(Setting).where(col(Setting.name).startswith("forget."))) == []


def test_erased_one_cannot_be_accepted(house: House) -> None:
    house.take(a_post("1"))
    suspect = house.only(select(Suspect))
    house.take(Deleted("1"))
    with pytest.raises(AlreadyDecidedError):
        workflow.accept(house.database, house.config, suspect.id, "Dana")


# -- recorded files ----------------------------------------------------------------------------------------------------

RECORDED = SHARED / "data" / "x"
READ_AND_BAD = {
    "edited.jsonl": (1, 0), "edited_after.jsonl": (1, 0), "edited_before.jsonl": (1, 0),
    "entities_test.jsonl": (474, 0),
    "flat.jsonl": (100, 0), "media_tweet.jsonl": (1, 0), "mentions_tweet.jsonl": (1, 0),
    "openapi-2.167.json": (0, 28933), "recorded_v2_exchanges.jsonl": (0, 165),
    "streaming_output_with_error.jsonl": (7, 1), "users_compliance.jsonl": (0, 2), "verified_type.jsonl": (1, 0),
    "withheld.jsonl": (215, 0),
}  # fmt: skip
BROAD = "the OR a OR to OR de OR la OR i OR miss OR https OR lang:en the OR lang:ja の"
needs_recordings = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="no recorded files: CONNECTOR_SHARED/data/x is absent"
)


@pytest.fixture
def city(tmp_path: Path) -> House:
    """On SQLite alone: the files are large, and the other tests run on both."""
    config = Config.model_validate(
        {
            "city": {"name": "Testville"},
            "channels": {"outbox": {"kind": "outbox"}},
            "home": tmp_path,
            "database_url": f"sqlite:///{tmp_path / 'files.db'}",
        }
    )
    house = House(store.open_database(config), config, sealing_.load(config), Gazetteer.load(None, None, None))
    with house.database.writing() as session:
        a_type(session, "broad", BROAD)
    return house


@needs_recordings
@pytest.mark.long
def test_every_recorded_file_goes_through_and_a_second_time_stores_nothing(city: House) -> None:
    files = sorted(RECORDED.glob("*.json*"))
    assert {file.name for file in files} == set(READ_AND_BAD)
    first = {file.name: ingest(city.database, city.config, [file], "x") for file in files}
    assert {name: (got["read"], got["bad"]) for name, got in first.items()} == READ_AND_BAD
    assert sum(got["new"] for got in first.values()) >= 50
    assert all(got["matched"] == got["new"] + got["duplicate"] + got["updated"] for got in first.values())
    posts = [(post.id, post.text, post.version_id) for post in city.rows(select(Post))]
    for file in files:
        again = ingest(city.database, city.config, [file], "x")
        assert (again["new"], again["updated"]) == (0, 0), file.name
        assert again["duplicate"] == again["matched"] == first[file.name]["matched"], file.name
    assert [(post.id, post.text, post.version_id) for post in city.rows(select(Post))] == posts


@needs_recordings
def test_recorded_edit_updates_its_row_and_keeps_the_history(city: House) -> None:
    before = ingest(city.database, city.config, [RECORDED / "edited_before.jsonl"], "x")
    after = ingest(city.database, city.config, [RECORDED / "edited_after.jsonl"], "x")
    post = city.only(select(Post))
    assert (before["new"], after["new"], after["updated"]) == (1, 0, 1)
    assert post.version_id != post.source_id
    assert [earlier["id"] for earlier in post.edits] == [post.source_id]
    assert post.edits[0]["text"].startswith("i miss y")
