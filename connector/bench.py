"""The benchmarks behind `python -m connector bench`: what we measure against a floor in the same run, as ratios.

Machines differ and are shared, so a figure alone says little: floor and measured take turns, the fastest turn of each
counts, and time is the process's own CPU time where nothing waits for another process. Input is generated from a fixed
seed. `ingest.py`, `store/queue.py` and `deliver.py` are what is measured.
"""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, ClassVar

import msgspec
from sqlalchemy import event
from sqlmodel import Session

from connector import catalogue_file, sealing, store
from connector import ingest as reading
from connector.config import DEMO, Config, demo_city
from connector.deliver import Deliveries
from connector.dispatch import Channel, Receipt, Request
from connector.models import Dispatch, Post, Suspect
from connector.sources.sample import read_posts
from connector.sources.x.shapes import WholeLine, decoder
from connector.store import Database, bulk
from connector.store import queue as questions

SEED = 311
_BATCH = 500
_START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_THINGS = (
    "pothole streetlight hydrant sidewalk dumpster manhole crosswalk guardrail culvert stoplight graffiti sinkhole curb "
    "bollard gutter billboard hedge stump raccoon billiard mattress scooter sofa tire needle bus shelter fountain bench "
    "playground swingset kerb pier ramp bridge tunnel gate fence wall pole cable sewer drain meter hose pump tank valve siren "
    "horn plow"
).split()
_WOES = ("broken", "blocked", "flooded", "leaking", "smashed")
_INGESTED = {"post": "id", "match": "post_id", "suspect": "lead_post_id", "suspect_post": "post_id"}
"""What a stored post leaves behind, and the column that holds its id."""


# -- generated input -----------------------------------------------------------------------------------------------


def rules_of(things: Sequence[str] = _THINGS) -> list[str]:
    """Two rules a thing, in the shapes that cities write."""
    shapes = (
        "{0} -is:retweet", '"broken {0}" OR "{0} is broken"', "({0} OR {0}s) (blocked OR flooded) -hiring",
        "{0} (leaking OR smashed) lang:en -is:retweet", "(#{0} OR {0}) -golf -is:quote",
    )  # fmt: skip
    return [shapes[(at + step) % len(shapes)].format(thing) for at, thing in enumerate(things) for step in (0, 1)]


def posts(count: int, share: float) -> Iterator[bytes]:
    """Lines of X's stream, 1 to 2 KB each; about `share` of them hold words of a rule.

    The words around are runs out of the demo city's posts, so that its streets turn up as often as people name them.
    """
    chance = random.Random(SEED)
    shunned = {*_THINGS, *(f"{thing}s" for thing in _THINGS)}
    told = (word for post in read_posts(DEMO / "posts.jsonl") for word in post.text.split())
    words = [w for w in told if "@" not in w and "#" not in w and not shunned & set(re.findall(r"\w+", w.lower()))]
    for number in range(count):
        starts = [chance.randrange(len(words) - 6) for _ in range(4)]
        text = [word for start in starts for word in words[start : start + 6]]
        if chance.random() < share:
            text.insert(chance.randrange(len(text)), f"{chance.choice(_WOES)} {chance.choice(_THINGS)}")
        yield msgspec.json.encode(_message(chance, number, text)) + b"\n"


def _message(chance: random.Random, number: int, words: list[str]) -> dict[str, Any]:
    id_ = str(1_990_000_000_000_000_000 + number)
    at = (_START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    author, other = _user(chance.randrange(200_000), at), _user(chance.randrange(200_000), at)
    entities: dict[str, Any] = {"annotations": [{"start": 0, "end": 9, "probability": 0.71, "type": "Place"}]}
    users, more, includes = [author], {}, {}
    if chance.random() < 0.3:
        words.insert(0, f"@{other['username']}")
        entities["mentions"] = [{"start": 0, "end": 12, "username": other["username"], "id": other["id"]}]
        users.append(other)
        if chance.random() < 0.5:
            more = {"in_reply_to_user_id": other["id"]}
            more["referenced_tweets"] = [{"type": "replied_to", "id": str(int(id_) - 7)}]
    if chance.random() < 0.2:
        tag = chance.choice(("portalder", "fixit", "traffic", "news"))
        words.append(f"#{tag}")
        entities["hashtags"] = [{"start": 140, "end": 148, "tag": tag}]
    urls = []
    if chance.random() < 0.15:
        urls.append({"expanded_url": f"https://example.org/news/{number}", "display_url": "example.org/news/…"})
    if chance.random() < 0.25:
        link = f"https://x.com/{author['username']}/status/{id_}/photo/1"
        urls.append({"expanded_url": link, "display_url": "pic.x.com/a1b2c3d4e5", "media_key": f"3_{id_}"})
        more["attachments"] = {"media_keys": [f"3_{id_}"]}
        includes["media"] = [{"media_key": f"3_{id_}", "type": "photo", "url": f"https://pbs.twimg.com/media/{id_}.jpg"}]
    if urls:
        entities["urls"] = [{"start": 150, "end": 173, "url": "https://t.co/a1b2c3d4e5", **url} for url in urls]
        words += ["https://t.co/a1b2c3d4e5"] * len(urls)
    counts = dict.fromkeys(("retweet_count", "reply_count", "like_count", "quote_count", "impression_count"), 0)
    data = {
        "id": id_, "text": " ".join(words), "author_id": author["id"], "created_at": at, "conversation_id": id_,
        "edit_history_tweet_ids": [id_], "entities": entities, "lang": "en", "possibly_sensitive": False,
        "public_metrics": counts, "reply_settings": "everyone", **more,
    }  # fmt: skip
    return {"data": data, "includes": {"users": users, **includes}, "matching_rules": [{"id": "1", "tag": "bench"}]}


def _user(number: int, at: str) -> dict[str, Any]:
    return {
        "id": str(10_000_000 + number), "username": f"resident_{number:06d}", "name": f"Resident {number}",
        "created_at": at, "verified": False, "description": "Neighbour, gardener, cyclist. Views are my own.",
        "profile_image_url": f"https://pbs.twimg.com/profile_images/{number}/a_normal.jpg",
        "public_metrics": {"followers_count": 120, "following_count": 80, "tweet_count": 2100, "listed_count": 1},
    }  # fmt: skip


# -- ingest --------------------------------------------------------------------------------------------------------


def ingest(share: float, count: int = 20_000, turns: int = 3) -> dict[str, Any]:
    """The command `ingest` against full decode, one seal a stored post and a raw insert of the rows it wrote.

    The floor commits batches of 500 too, into the same tables with their indexes. Ratio of CPU time.
    """
    with _folder() as folder:
        file = folder / "posts.jsonl"
        file.write_bytes(b"".join(posts(count, share)))
        lines = file.read_bytes().splitlines(keepends=True)
        template = _template(folder / "template")
        measured, floor, wall = [], [], []
        for turn in range(turns):
            config = _copy(template, folder / f"measured{turn}")
            database = Database(config.database_url)
            began, at = time.process_time(), time.perf_counter()
            told = reading.ingest(database, config, [file], "x")
            measured.append(time.process_time() - began)
            wall.append(time.perf_counter() - at)
            batches = list(_written(database, config, count))
            database.close()
            config = _copy(template, folder / f"floor{turn}")
            floor.append(_ingest_floor(config, lines, batches))
            shutil.rmtree(folder / f"measured{turn}")
            shutil.rmtree(folder / f"floor{turn}")
    rows = {table: sum(len(batch.rows[table]) for batch in batches) for table in _INGESTED}
    return {
        "corpus": "generated posts in X's v2 stream shape", "seed": SEED, "posts": count, "share": share,
        "bytes_a_post": round(sum(map(len, lines)) / count), "rules": len(rules_of()), "matched": told["matched"],
        "rows": rows, "with_place": sum(bool(place) for batch in batches for place in batch.places), "turns": turns,
        "floor_us_a_post": _us(min(floor), count), "measured_us_a_post": _us(min(measured), count),
        "measured_wall_us_a_post": _us(min(wall), count), "ratio": round(min(measured) / min(floor), 2),
        "ratio_of_medians": round(median(measured) / median(floor), 2),
    }  # fmt: skip


class _Written(msgspec.Struct):
    """What one batch of the measured run left behind."""

    rows: dict[str, list[tuple[Any, ...]]]
    statements: dict[str, str]
    sealed: list[tuple[str, str]]
    """Source id and what was sealed for it."""
    places: list[str]


def _written(database: Database, config: Config, count: int) -> Iterator[_Written]:
    sealer = sealing.load(config)
    with contextlib.closing(database.engine.raw_connection()) as pooled:
        connection: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
        stored = connection.execute("SELECT count(*) FROM post").fetchone()[0]
        columns = {table: _columns(connection, table) for table in _INGESTED}
        statements = {t: f"INSERT INTO {t} ({', '.join(c)}) VALUES ({', '.join('?' * len(c))})" for t, c in columns.items()}
        batches = -(-count // _BATCH)
        for at in range(batches):
            span = (at * stored // batches, (at + 1) * stored // batches)
            rows = {
                table: connection.execute(
                    f"SELECT {', '.join(columns[table])} FROM {table} WHERE {key} > ? AND {key} <= ? ORDER BY rowid", span
                ).fetchall()
                for table, key in _INGESTED.items()
            }
            found = connection.execute("SELECT source_id, author_sealed FROM post WHERE id > ? AND id <= ?", span)
            sealed = [(id_, sealer.unseal(value, "x", id_)) for id_, value in found if value]
            places = connection.execute("SELECT place FROM suspect WHERE lead_post_id > ? AND lead_post_id <= ?", span)
            yield _Written(rows, statements, sealed, [place for place, in places])


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Those that were written: one that is empty in every row costs the floor nothing."""
    named = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    used = connection.execute(f"SELECT {', '.join(f'count({name})' for name in named)} FROM {table}").fetchone()
    return [name for name, count in zip(named, used, strict=True) if count or name == "id"]


def _ingest_floor(config: Config, lines: Sequence[bytes], batches: Sequence[_Written]) -> float:
    """CPU seconds."""
    sealer, decode = sealing.load(config), decoder(WholeLine).decode
    with _driver(config) as connection:
        began = time.process_time()
        for at, batch in enumerate(batches):
            for line in lines[at * _BATCH : (at + 1) * _BATCH]:
                decode(line)
            for id_, names in batch.sealed:
                sealer.seal(names, "x", id_)
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in batch.rows.items():
                connection.executemany(batch.statements[table], rows)
            connection.execute("COMMIT")
        return time.process_time() - began


# -- shared --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as name:
        yield Path(name)


def _template(folder: Path) -> Config:
    """A database with types and rules and no post, in the demo city: its gazetteer, a key of its own."""
    config = _at(folder)
    database = store.open_database(config)
    entries = [{"name": f"Rule {n}", "expression": text} for n, text in enumerate(rules_of())]
    types = [
        {"code": f"type_{n}", "title": f"Type {n}", "urgent": n == 0, "rules": entries[n::16]} for n in range(16)
    ]
    with database.writing() as session:
        catalogue_file.import_text(session, msgspec.json.encode({"request_types": types}).decode(), "bench")
    sealing.load(config)
    database.close()
    return config


def _at(folder: Path) -> Config:
    database = f"sqlite:///{folder / 'bench.db'}"
    return demo_city().model_copy(update={"home": folder, "database_url": database})


def _copy(template: Config, folder: Path) -> Config:
    shutil.copytree(template.home, folder)
    return _at(folder)


@contextlib.contextmanager
def _driver(config: Config) -> Iterator[sqlite3.Connection]:
    """The raw driver's connection, with the pragmas that ours has."""
    database = Database(config.database_url)
    with contextlib.closing(database.engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        yield connection
    database.close()


def _us(seconds: float, count: int) -> float:
    return round(seconds * 1e6 / count, 1)
