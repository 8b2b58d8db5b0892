"""`bench backtest`: a wording against all that is stored, in times what reading the same rows alone costs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from connector import backtest as testing
from connector import sealing
from connector.bench._house import driver, empty, table, us, workspace
from connector.bench._posts import SEED, START, posts
from connector.config import Config
from connector.models import Match, Post, SourceState, Suspect, SuspectPost
from connector.store import Database, bulk
from connector.stored import PAGE

_RULE, _PRESENT = "(pothole OR potholes) (broken OR blocked OR flooded) -is:retweet", "(pothole OR hydrant) -is:retweet"
_FILLED = 5_000  # posts in a commit of the filling
_POST = (
    "id", "source", "source_id", "version_id", "kind", "text", "quoted_text", "lang", "entities", "media", "refs",
    "edits", "conversation_id", "reply_settings", "place_name", "own", "mentions_us", "author_key", "author_sealed",
    "posted_at", "received_at",
)  # fmt: skip
_SUSPECT = (
    "id", "status", "request_type_id", "lead_post_id", "why", "urgent", "language", "place", "place_method",
    "place_words", "district", "people", "posts", "first_posted_at", "last_posted_at", "created_at", "decided_at",
    "decided_by", "dismiss_reason", "assigned_to", "claimed_by", "version", "source", "urgent_why", "opened_by",
    "acknowledged_by",
)  # fmt: skip

Row = tuple[Any, ...]


def backtest(count: int = 100_000, turns: int = 3) -> dict[str, Any]:
    """CPU time of one core; floor and measured take turns, and the fastest of each counts.

    Measured is a rule beside its present wording, with four posts in ten decided on; the floor reads texts by the raw
    driver, in the same pages.
    """
    with workspace() as folder:
        config = empty(folder)
        database = Database(config.database_url)
        fill(database, count)
        sealer, floor, measured = sealing.load(config), list[float](), list[float]()
        for _ in range(turns):
            floor.append(_spent(lambda: _read(config)))
            measured.append(_spent(lambda: testing.backtest(database, config, sealer, _RULE, 1, _PRESENT)))
        found = testing.backtest(database, config, sealer, _RULE, 1, _PRESENT)
        database.close()
    return {
        "corpus": "generated posts, as the intake would store them", "seed": SEED, "posts": count, "turns": turns,
        "rule": _RULE, "present": _PRESENT, "met": found.met.count,
        "floor_seconds_a_million": us(min(floor), count), "seconds_a_million": us(min(measured), count),
        "ratio": round(min(measured) / min(floor), 2),
    }  # fmt: skip


def _spent(work: Callable[[], Any]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _read(config: Config) -> None:
    last = 0
    with driver(config) as connection:
        query = f"SELECT id, text FROM post WHERE id > ? ORDER BY id LIMIT {PAGE}"
        while rows := connection.execute(query, (last,)).fetchall():
            last = rows[-1][0]


def fill(database: Database, count: int) -> None:
    """Posts a minute apart, each with a match and a suspect of one of 16 types."""
    with database.writing() as session:
        session.add(SourceState(name="x", kind="x"))
    chance = random.Random(SEED)
    waiting: list[tuple[int, str]] = []
    for number, line in enumerate(posts(count, 1), 1):
        waiting.append((number, msgspec.json.decode(line)["data"]["text"]))
        if len(waiting) == _FILLED or number == count:
            _keep(database, waiting, chance)
            waiting = []


def _keep(database: Database, texts: Sequence[tuple[int, str]], chance: random.Random) -> None:
    posts_: list[Row] = []
    suspects: list[Row] = []
    joins: list[Row] = []
    matches: list[Row] = []
    entities: dict[str, list[str]] = {"hashtags": [], "urls": [], "mention_keys": []}
    for id_, text in texts:
        at = START + timedelta(minutes=id_)
        status = chance.choices(("waiting", "accepted", "dismissed"), (6, 2, 2))[0]
        posts_.append((id_, "x", f"1{id_:018}", f"1{id_:018}", "post", text, "", "en", entities, [], [], [],
                       f"1{id_:018}", "everyone", "", False, False, f"{chance.getrandbits(128):032x}",
                       chance.randbytes(130), at, at))  # fmt: skip
        why = [{"rule_id": 1, "rule": "Rule 0", "words": ["pothole"]}]
        suspects.append((id_, status, 1 + id_ % 16, id_, why, 0, "en", "12 Birch Street", "address", "", "", 1, 1, at,
                         at, at, None if status == "waiting" else at, "", "", "", "", 1, "x", "", "", ""))  # fmt: skip
        joins.append((id_, id_, at, ""))
        matches.append((id_, 1 + id_ % 100, 1, ["pothole"], at))
    with database.writing() as session:
        for model, columns, rows in (
            (Post, _POST, posts_), (Suspect, _SUSPECT, suspects),
            (SuspectPost, ("suspect_id", "post_id", "joined_at", "joined_by"), joins),
            (Match, ("post_id", "rule_id", "rule_version", "words", "matched_at"), matches),
        ):  # fmt: skip
            bulk.writer(table(model), columns, database.dialect).insert(session, rows)
