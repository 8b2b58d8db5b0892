"""A rule is changed while posts come: the worker takes it up between two batches and loses none of them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func
from sqlmodel import select

from connector import rulebook, sources, workflow
from connector.config import Adapter, Config
from connector.intake import Intake
from connector.models import AuditEntry, Match, NearKey, Post, ReadCount, Rule, SourceState, Utc, now
from connector.rulebook import Wanted
from connector.sealing import Sealer
from connector.sources.sample import Sample
from connector.store import Database, near
from connector.triage import Gazetteer
from tests.builders import a_rule

POSTS = 16


@pytest.fixture
def stream(config: Config, tmp_path: Path) -> Config:
    """The sample source, with a post every hundredth of a second: potholes and craters in turn."""
    lines = [
        {"id": f"p{n}", "author": "a", "text": f"a {'crater' if n % 2 else 'pothole'} at number {n}"}
        for n in range(POSTS)
    ]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "authors.json").write_text('{"a": {"handle": "ann_example", "name": "Ann"}}')
    files = {"file": tmp_path / "posts.jsonl", "authors": tmp_path / "authors.json"}
    source = Adapter.model_validate({"kind": "sample", **files})
    demo = config.demo.model_copy(update={"every": 0.01})
    return config.model_copy(update={"sources": {"sample": source}, "demo": demo})


@contextmanager
def running(database: Database, config: Config, intake: Intake) -> Iterator[None]:
    """A worker, as the command `worker` runs it."""
    stopping = threading.Event()
    worker = workflow.Worker(database, config, intake)
    thread = threading.Thread(target=worker.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(timeout=30)
    assert not thread.is_alive()


def delivered(config: Config, cursor: str) -> list[str]:
    """The ids of all posts up to this cursor, in their order."""
    source = sources.load("sample", config.sources["sample"], config)
    assert isinstance(source, Sample)
    round_, position = map(int, cursor.split(":"))
    whole = [f"{number}-{post.id}" for number in range(round_) for post in source._order(number)]
    return whole + [f"{round_}-{post.id}" for post in source._order(round_)[:position]]


def expected(came: list[str], switch: int) -> list[tuple[str, int]]:
    """What is kept if the rule changed before the post at this place: potholes before it, craters from it on."""
    return [
        (id_, 2 if at >= switch else 1)
        for at, id_ in enumerate(came)
        if (int(id_.rpartition("p")[2]) % 2 == 1) is (at >= switch)
    ]


def kept_by(database: Database, version: int) -> int:
    with database.reading() as session:
        return session.exec(select(func.count()).select_from(Match).where(Match.rule_version == version)).one()


def wait_for(database: Database, version: int, count: int) -> None:
    until = time.monotonic() + 20
    while kept_by(database, version) < count:
        assert time.monotonic() < until, "nothing came by this version of the rule"
        time.sleep(0.02)


def test_a_changed_rule_holds_from_the_next_batch_and_no_post_is_lost_or_read_twice(
    database: Database, stream: Config, sealer: Sealer, gazetteer: Gazetteer
) -> None:
    with database.writing() as session:
        rule = a_rule(session, expression="pothole")
        rule_id, type_id = rule.id or 0, rule.request_type_id
    with running(database, stream, Intake(stream, sealer, gazetteer)):
        wait_for(database, 1, POSTS)
        rulebook.save(database, stream, Wanted("craters", "crater", type_id), "Dana", rule_id, 1)
        wait_for(database, 2, POSTS)
    with database.reading() as session:
        cursor = session.get_one(SourceState, "sample").cursor
        read = session.exec(select(func.sum(ReadCount.count))).one()
        kept = session.exec(select(Post.source_id, Match.rule_version).join(Match).order_by(Post.id)).all()  # type: ignore[arg-type]
        taken_up_at = session.exec(select(func.min(Match.matched_at, type_=Utc)).where(Match.rule_version == 2)).one()
        changed_at = session.exec(select(AuditEntry.at).where(AuditEntry.what == "rule saved")).one()
        assert session.exec(select(Rule.version)).one() == 2
    came = delivered(stream, cursor)
    assert read == len(came), "every post was counted once"
    assert any(list(kept) == expected(came, switch) for switch in range(len(came)))
    assert taken_up_at - changed_at < timedelta(seconds=2)


@pytest.mark.long
def test_a_worker_forgets_meanwhile_by_what_old_suspects_were_found(
    database: Database, stream: Config, sealer: Sealer, gazetteer: Gazetteer
) -> None:
    old, first_slice = int((now() - near.KEPT).timestamp()) - 60, -(2**63)
    with database.writing() as session:
        near.insert_keys(session, [(first_slice, old, 1)])
    with running(database, stream, Intake(stream, sealer, gazetteer)):
        until = time.monotonic() + 30
        while True:
            with database.reading() as session:
                if session.exec(select(func.count()).select_from(NearKey)).one() == 0:
                    break
            assert time.monotonic() < until, "the key is still there"
            time.sleep(0.2)
