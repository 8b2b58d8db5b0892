"""The demo city is whole, reads like a city, has a past, and can be put back to its first day."""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text as sql
from sqlmodel import col, func, select

from connector import catalogue_file, rules, sources, store, workflow
from connector import config as settings
from connector.config import DEMO, Config
from connector.demo import past
from connector.incoming import Kind
from connector.models import Decision, Match, Post, Rule, Setting, Suspect, SuspectPost, Ticket, now
from connector.sources.sample import SamplePost, base_id, read_posts

POSTS = read_posts(DEMO / "posts.jsonl")
TYPES = catalogue_file.parse((DEMO / "city.yaml").read_text("utf-8"), "city.yaml").request_types
CHANNELS = settings.demo_city().channels
SERVICES = {service["service_code"]: service for service in yaml.safe_load((DEMO / "desk.yaml").read_text("utf-8"))}
MEANT = (
    "pothole missed_garbage illegal_dumping street_light traffic_signal graffiti flooding water_leak fallen_tree noise "
    "illegal_parking abandoned_vehicle sidewalk snow_ice animal code_violation"
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A demo on its first day; not to be changed."""
    home = tmp_path_factory.mktemp("demo")
    config = settings.demo_city().model_copy(update={"home": home, "database_url": f"sqlite:///{home / 'demo.db'}"})
    database = store.open_database(config)
    assert past.prepare(database, config)
    database.close()
    return config


@pytest.fixture
def demo(prepared: Config) -> Iterator[store.Database]:
    database = store.open_database(prepared)
    yield database
    database.close()


@pytest.fixture
def copy(prepared: Config, tmp_path: Path) -> Iterator[tuple[store.Database, Config]]:
    """The same, to be changed."""
    for name in ("demo.db", "desk.db", "demo.key"):
        if (prepared.home / name).exists():
            (tmp_path / name).write_bytes((prepared.home / name).read_bytes())
    demo = prepared.demo.model_copy(update={"keep": 100})
    config = prepared.model_copy(
        update={"home": tmp_path, "database_url": f"sqlite:///{tmp_path / 'demo.db'}", "demo": demo}
    )
    database = store.open_database(config)
    yield database, config
    database.close()


# -- what is shipped ---------------------------------------------------------------------------------------------------


def test_the_types_are_those_of_a_city_and_each_says_what_belongs_to_it() -> None:
    assert [kind.code for kind in TYPES] == MEANT.split()
    for kind in TYPES:
        assert all((kind.title, kind.department, kind.belongs, kind.not_belongs, kind.rules)), kind.code
    assert 0 < sum(kind.urgent for kind in TYPES) < len(TYPES)


def test_there_are_fifty_rules_and_each_is_valid() -> None:
    expressions = [rule.expression for kind in TYPES for rule in kind.rules]
    assert len(set(expressions)) == len(expressions) >= 50
    assert {e: rules.check(e) for e in expressions if rules.check(e)} == {}


def test_every_type_can_go_out() -> None:
    assert {kind.channel for kind in TYPES} <= set(CHANNELS)
    for kind in TYPES:
        if CHANNELS[kind.channel].kind == "open311":
            for attribute in SERVICES[kind.service_code]["attributes"]:
                given = kind.attributes.get(attribute["code"])
                assert given is not None or not attribute["required"], (kind.code, attribute["code"])
                allowed = [value["key"] for value in attribute["values"]]
                assert given is None or not allowed or given in allowed, (kind.code, given)


def test_the_posts_are_as_many_and_as_mixed_as_promised() -> None:
    kinds = Counter(post.kind for post in POSTS)
    assert len({post.id for post in POSTS}) == len(POSTS) >= 500
    assert min(kinds[Kind.REPLY], kinds[Kind.REPOST], kinds[Kind.QUOTE]) >= 5
    assert sum(post.lang == "es" for post in POSTS) >= 40
    assert sum(bool(post.media) for post in POSTS) >= 30
    assert sum(bool(post.also) for post in POSTS) >= 1
    assert sum(post.urgent for post in POSTS) >= 5
    assert sum(size >= 3 for name, size in Counter(post.incident for post in POSTS).items() if name) >= 5
    assert {post.verdict for post in POSTS} == {"accept", "dismiss"}
    assert {post.type for post in POSTS if post.verdict == "accept"} == set(MEANT.split())
    known = {post.id for post in POSTS}
    assert {parent for post in POSTS for parent in (post.reply_to, post.of) if parent} <= known
    assert {post.author for post in POSTS} <= set(json.loads((DEMO / "authors.json").read_text("utf-8")))


def test_no_two_posts_on_different_problems_share_half_of_their_five_word_runs() -> None:
    """A repost repeats its original, and people at one incident may say alike."""
    written = [post for post in POSTS if post.kind is not Kind.REPOST]
    runs = [_runs(post.text) for post in written]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, found in enumerate(runs):
        for run in found:
            holders[run].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        shared.update(itertools.combinations(numbers, 2))
    alike = [
        (written[a].id, written[b].id)
        for (a, b), count in shared.items()
        if 2 * count >= min(len(runs[a]), len(runs[b])) and not _same_problem(written[a], written[b])
    ]
    assert alike == []
    assert len({post.text for post in written}) == len(written)


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w'’]+", text.lower())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def _same_problem(a: SamplePost, b: SamplePost) -> bool:
    return bool(a.incident) and a.incident == b.incident


def test_the_map_has_streets_landmarks_and_districts() -> None:
    found = {}
    for name in ("streets", "landmarks", "districts"):
        features = json.loads((DEMO / f"{name}.geojson").read_text("utf-8"))["features"]
        found[name] = len({feature["properties"]["name"] for feature in features})
        assert found[name] == len(features)
    assert 110 <= found["streets"] <= 140
    assert 38 <= found["landmarks"] <= 50
    assert found["districts"] == 6


# -- what the rules make of it -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def caught(prepared: Config) -> set[str]:
    """Ids of the sample posts that some rule meets."""
    database = store.open_database(prepared)
    with database.reading() as session:
        found = {base_id(i) for i in session.exec(select(Post.source_id).join(Match, col(Match.post_id) == Post.id))}
    database.close()
    return found


def test_rules_catch_most_of_what_should_be_accepted(caught: set[str]) -> None:
    wanted = {post.id for post in POSTS if post.verdict == "accept" and post.kind is not Kind.REPOST}
    assert len(wanted & caught) >= 0.85 * len(wanted), sorted(wanted - caught)


def test_sixty_hard_negatives_meet_a_rule(caught: set[str]) -> None:
    hard = [post for post in POSTS if post.verdict == "dismiss" and post.id in caught]
    assert len(hard) >= 60
    assert {post.reason for post in hard} >= {"joke", "elsewhere", "news_ad", "no_problem"}


# -- the first day -----------------------------------------------------------------------------------------------------


def test_first_day_has_a_past_of_thirty_days_and_a_morning_that_waits(demo: store.Database) -> None:
    with demo.reading() as session:
        posted = list(session.exec(select(Post.posted_at)))
        suspects = list(session.exec(select(Suspect)))
        tickets = Counter(session.exec(select(Ticket.status)))
        decided_by = Counter(session.exec(select(Decision.kind)))
    age = now() - min(posted)
    assert timedelta(days=28) < age < timedelta(days=31)
    assert max(posted) <= now()
    assert len({at.date() for at in posted}) >= 25
    for suspect in suspects:
        fresh = now() - suspect.first_posted_at < past.FRESH - timedelta(minutes=10)
        old = now() - suspect.first_posted_at > past.FRESH + timedelta(minutes=10)
        assert suspect.status == "waiting" if fresh else suspect.status != "waiting" or not old
        assert suspect.decided_at is None or suspect.decided_at > suspect.first_posted_at
    statuses = Counter(suspect.status for suspect in suspects)
    assert min(statuses["waiting"], statuses["dismissed"], statuses["accepted"]) >= 20
    assert decided_by == {"accept": statuses["accepted"], "dismiss": statuses["dismissed"]}
    assert tickets["open"] + tickets["closed"] == statuses["accepted"]
    assert min(tickets["open"], tickets["closed"]) >= 10


def test_nothing_of_the_past_was_decided_before_it_came(demo: store.Database) -> None:
    with demo.reading() as session:
        query = (
            select(Decision.at, Suspect.created_at, Post.received_at, SuspectPost.joined_at, Match.matched_at)
            .join(Suspect, col(Suspect.id) == col(Decision.suspect_id))
            .join(SuspectPost, col(SuspectPost.suspect_id) == col(Suspect.id))
            .join(Post, col(Post.id) == col(Suspect.lead_post_id))
            .join(Match, col(Match.post_id) == col(Post.id))
            .where(SuspectPost.post_id == Post.id)
        )
        found = session.exec(query).all()  # type: ignore[call-overload]
    assert len(found) > 300
    assert all(came <= at for at, *steps in found for came in steps)


def test_preparing_again_changes_nothing(copy: tuple[store.Database, Config]) -> None:
    before = _counts(copy[0])
    assert not past.prepare(*copy)
    assert _counts(copy[0]) == before


def test_replay_goes_on_for_ever_with_fresh_ids(prepared: Config) -> None:
    source = sources.load("sample", prepared.sources["sample"], prepared)
    burst = list(itertools.takewhile(lambda batch: batch.cursor == "", source.events("", lambda _: False)))
    ids = [_id(event) for batch in burst for event in batch.events]
    rounds = source.events("1:0", lambda _: False)
    after = [next(rounds) for _ in range(2 * len(POSTS) + 1)]
    ids += [_id(event) for batch in after for event in batch.events]
    assert len(set(ids)) == len(ids)
    assert Counter(map(base_id, (_id(batch.events[0]) for batch in after[: len(POSTS)]))) == {p.id: 1 for p in POSTS}
    resumed = next(source.events(after[9].cursor, lambda _: False))
    assert _id(resumed.events[0]) == _id(after[10].events[0])


def _id(event: Any) -> str:
    return str(event.post.source_id)


def test_replay_shows_a_reply_after_the_post_it_answers(prepared: Config) -> None:
    source = sources.load("sample", prepared.sources["sample"], prepared)
    rounds = source.events("1:0", lambda _: False)
    order = {base_id(_id(next(rounds).events[0])): place for place in range(len(POSTS))}
    late = [p.id for p in POSTS if (parent := p.reply_to or p.of) and order[parent] > order[p.id]]
    assert late == []


def test_replay_stops_when_told(prepared: Config) -> None:
    source = sources.load("sample", prepared.sources["sample"], prepared)
    assert list(source.events("1:0", lambda _: True)) == []


# -- trim and reset ----------------------------------------------------------------------------------------------------


def test_trim_keeps_the_last_posts_and_leaves_nothing_dangling(copy: tuple[store.Database, Config]) -> None:
    database, config = copy
    with database.reading() as session:
        ids = list(session.exec(select(Post.id).order_by(col(Post.id))))
    assert past.trim(database, config) == len(ids) - 100
    with database.reading() as session:
        assert list(session.exec(select(Post.id).order_by(col(Post.id)))) == ids[-100:]
        assert session.connection().execute(sql("PRAGMA foreign_key_check")).all() == []
        orphans = "SELECT count(*) FROM suspect WHERE id NOT IN (SELECT suspect_id FROM suspect_post)"
        assert session.connection().execute(sql(orphans)).scalar() == 0
    assert past.trim(database, config) == 0


def test_reset_gives_the_first_day_again(copy: tuple[store.Database, Config]) -> None:
    database, config = copy
    first = _counts(database)
    with database.reading() as session:
        waiting = list(session.exec(select(Suspect.id).where(Suspect.status == "waiting").limit(3)))
        rule = session.exec(select(Rule)).first()
    for suspect in waiting:
        workflow.accept(database, config, suspect or 0, "Dana")
    assert rule is not None
    (config.home / "outbox").mkdir()
    (config.home / "outbox" / "SC-1.eml").write_text("kept")
    past.request_reset(database, "Dana")
    assert past.reset_if_asked(database, config)
    assert not past.reset_if_asked(database, config)
    again = _counts(database)
    assert again["post"] == first["post"]
    assert again["rule"] == first["rule"]
    assert again["dispatch"] == again["ticket"]
    assert not (config.home / "outbox").exists()
    with database.reading() as session:
        assert session.get_one(Setting, "stamp").value == "demo"


def test_a_citys_database_is_never_reset(copy: tuple[store.Database, Config]) -> None:
    database, config = copy
    with pytest.raises(ValueError, match="Only a demo"):
        past.reset(database, config.model_copy(update={"mode": "city"}))
    assert _counts(database)["post"] > 500


def _counts(database: store.Database) -> dict[str, int]:
    tables = (Post, Suspect, Rule, Decision, Ticket)
    with database.reading() as session:
        found = {table.__tablename__: session.exec(select(func.count()).select_from(table)).one() for table in tables}
        found["dispatch"] = session.connection().execute(sql("SELECT count(*) FROM dispatch")).scalar() or 0
    return {str(name): int(count) for name, count in found.items()}
