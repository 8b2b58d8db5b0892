"""`bench near`: what finding a post's suspect costs with many stored posts, one post a commit and 500 a commit."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from connector import grouping
from connector.bench._house import empty, table, workspace
from connector.bench._posts import SEED, START
from connector.growth import Arrival
from connector.models import NearKey, Post, Suspect, SuspectPost
from connector.prepare import SUSPECT
from connector.store import Database, bulk
from connector.triage.near_keys import around, bands, cell

_DAYS = 365
"""Over which the stored posts are spread."""
_WINDOW = 14.0
_AUTHORS = 50_000
_STEP = 50_000
_LATER = 20_000_000
"""Ids beyond those of the stored posts."""
_WORDS = [f"{a}{b}" for a in ("ba", "do", "ki", "lu", "me", "pra", "sto", "tri") for b in "bcdfghjklmnpqrstvwxz"]
_JOIN = ("suspect_id", "post_id", "joined_at", "joined_by")
_POST = ("id", "source", "source_id", "version_id", "kind", "text", "quoted_text", "lang", "conversation_id",
         "reply_settings", "place_name", "own", "mentions_us", "author_key", "posted_at", "received_at")  # fmt: skip
_SUSPECT = ("id", "lead_post_id", "source", "request_type_id", "urgent", "language", "place", "place_method",
            "place_words", "district", "lat", "lon", "first_posted_at", "last_posted_at", "people", "posts", "status",
            "created_at", "decided_by", "dismiss_reason", "returned_because", "assigned_to", "claimed_by", "urgent_why",
            "opened_by", "acknowledged_by", "version")  # fmt: skip


def near(stored: int = 1_000_000, asked: int = 300, together: int = 500) -> dict[str, Any]:
    """Milliseconds of CPU time to group a new post: of 16 types, half of them placed, in a city of 15 by 15 km.

    `one_by_one`: a commit for each; `together`: so many in one commit. Both as the database's size leaves them, with
    `empty` as what the same costs before anything is stored; a post's own row is not counted.
    """
    with workspace() as folder:
        database = Database(empty(folder / "house").database_url)
        chance = random.Random(SEED)
        first = _one_by_one(database, chance, asked, 0)
        _fill(database, chance, stored)
        plans = _plans(database, chance)
        many = _one_by_one(database, chance, asked, _LATER)
        began = time.process_time()
        _group(database, [_arrival(chance, 2 * _LATER + n, _DAYS) for n in range(together)])
        batch = (time.process_time() - began) / together
        with database.reading() as session:
            rows = session.connection().exec_driver_sql("SELECT count(*) FROM near_key").scalar()
        database.close()
    return {
        "corpus": "generated posts without sense, half with a place", "seed": SEED, "stored": stored, "key_rows": rows,
        "ms_a_post_empty": _ms(median(first)), "ms_a_post_p50": _ms(median(many)),
        "ms_a_post_p95": _ms(sorted(many)[len(many) * 95 // 100]), "ms_a_post_together": _ms(batch), "plans": plans,
    }  # fmt: skip


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _one_by_one(database: Database, chance: random.Random, count: int, after: int) -> list[float]:
    spent = []
    for number in range(count):
        arrival = _arrival(chance, after + number + 1, _DAYS)
        with database.writing() as session:
            _store(session, [arrival])
        began = time.process_time()
        _group(database, [arrival], stored=True)
        spent.append(time.process_time() - began)
    return spent


def _group(database: Database, arrivals: Sequence[Arrival], stored: bool = False) -> None:
    with database.writing() as session:
        if not stored:
            _store(session, arrivals)
        grouping.group(session, arrivals, _WINDOW, bulk.time_text(START))


def _arrival(chance: random.Random, number: int, day: float) -> Arrival:
    """A post of this number, written on that day."""
    said: dict[str, Any] = {
        "request_type_id": chance.randint(1, 16), "score": 0.5, "why": "[]", "urgent": 0, "urgent_why": "",
        "language": "en", "place": "", "place_method": "", "place_words": "", "district": "", "lat": None, "lon": None,
    }  # fmt: skip
    if chance.random() < 0.5:
        lat, lon = 45 + chance.random() * 0.135, -122 + chance.random() * 0.19
        said |= {"place_method": "intersection", "lat": lat, "lon": lon}
    at = bulk.time_text(START + timedelta(days=day * (1 - chance.random() * 0.01)))
    said |= {"first_posted_at": at, "last_posted_at": at}
    text = " ".join(chance.choices(_WORDS, k=14))
    author = f"author {chance.randrange(_AUTHORS)}"
    row = tuple(said.get(name) for name in SUSPECT)
    return Arrival(number, "x", str(number), "[]", author, text, row, bands([(said["request_type_id"], text)])[0])


def _store(session: Session, arrivals: Sequence[Arrival]) -> None:
    bulk.writer(table(Post), _POST, session.connection().dialect).insert_bound(session, list(map(_post, arrivals)))


def _post(arrival: Arrival) -> tuple[Any, ...]:
    at, id_ = arrival.suspect[-1], arrival.source_id
    named = (arrival.post_id, "x", id_, id_, "post", arrival.text, "", "en", id_, "", "")
    return (*named, False, False, arrival.author, at, at)


def _fill(database: Database, chance: random.Random, count: int) -> None:
    """Suspects of the past year, each with a post, as the grouping would leave them if none resembled another."""
    low = 10_000  # ids that the first turn may have taken
    for start in range(low, low + count, _STEP):
        numbers = range(start, min(start + _STEP, low + count))
        arrivals = [_arrival(chance, number, _DAYS * (number - low) / count) for number in numbers]
        with database.writing() as session:
            _store(session, arrivals)
            for model, names, rows in (
                (Suspect, _SUSPECT, map(_suspect, arrivals)),
                (SuspectPost, _JOIN, ((a.post_id, a.post_id, a.suspect[-1], "") for a in arrivals)),
                (NearKey, ("key", "at", "suspect_id"), (row for a in arrivals for row in _keys(a))),
            ):
                bulk.insert(session, model, names, list(rows))


def _suspect(arrival: Arrival) -> tuple[Any, ...]:
    said = dict(zip(SUSPECT, arrival.suspect, strict=True))
    at = said["first_posted_at"]
    kept = (said[name] for name in _SUSPECT[3:14])
    return (arrival.post_id, arrival.post_id, "x", *kept, 1, 1, "waiting", at, *[""] * 8, 1)


def _keys(arrival: Arrival) -> Iterator[tuple[int, int, int]]:
    said = dict(zip(SUSPECT, arrival.suspect, strict=True))
    at = int(bulk.time_of(said["first_posted_at"]).timestamp())
    for key in arrival.bands:
        yield key, at, arrival.post_id
    if said["lat"] is not None:
        yield cell(said["request_type_id"], said["lat"], said["lon"]), at, arrival.post_id


def _plans(database: Database, chance: random.Random) -> list[str]:
    """How SQLite answers what the grouping asks."""
    asked: list[tuple[str, Any]] = []

    def listen(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.startswith("SELECT") and "max(id)" not in statement:
            asked.append((statement, parameters))

    arrival = _arrival(chance, 1, _DAYS)
    placed = around(arrival.suspect[0], 45.05, -121.9)
    arrival = arrival._replace(bands=(*arrival.bands, *placed), refs='[{"kind":"reply","id":"20000"}]')
    event.listen(database.engine, "before_cursor_execute", listen)
    with database.writing() as session:
        grouping.group(session, [arrival], _WINDOW, bulk.time_text(START))
        session.rollback()
    event.remove(database.engine, "before_cursor_execute", listen)
    plans = []
    with database.reading() as session:
        for statement, parameters in asked:
            rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append(f"{statement[:60]}… → {'; '.join(row[3] for row in rows)}")
    return plans
