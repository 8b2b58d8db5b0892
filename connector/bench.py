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
from typing import Any

import msgspec
from sqlalchemy import event
from sqlmodel import Session

from connector import catalogue_file, sealing, store
from connector import ingest as reading
from connector.config import DEMO, Config, demo_city
from connector.deliver import Deliveries
from connector.dispatch import Channel, Receipt, Request
from connector.models import Dispatch, Post, Suspect, SuspectPost
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
    "playground swing pier ramp bridge tunnel gate fence wall pole cable sewer drain meter hose pump tank valve siren "
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
    shunned = {*_THINGS, *(f"{thing}s" for thing in _THINGS), "hiring", "golf"}
    told = (word for post in read_posts(DEMO / "posts.jsonl") for word in post.text.split())
    words = [w for w in told if "@" not in w and "#" not in w and not shunned & set(re.findall(r"\w+", w.lower()))]
    for number in range(count):
        starts = [chance.randrange(len(words) - 6) for _ in range(4)]
        text = [word for start in starts for word in words[start : start + 6]]
        if chance.random() < share:
            at = chance.randrange(len(_THINGS))
            found = _WOES[at % 5 == 2 : 3 if at % 5 == 1 else 5]  # words that one of the thing's two rules asks for
            text.insert(chance.randrange(len(text)), f"{chance.choice(found)} {_THINGS[at]}")
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
        includes["media"] = [
            {"media_key": f"3_{id_}", "type": "photo", "url": f"https://pbs.twimg.com/media/{id_}.jpg"}
        ]
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
        statements = {
            t: f"INSERT INTO {t} ({', '.join(c)}) VALUES ({', '.join('?' * len(c))})" for t, c in columns.items()
        }
        batches = -(-count // _BATCH)
        for at in range(batches):
            span = (at * stored // batches, (at + 1) * stored // batches)
            rows = {
                table: connection.execute(
                    f"SELECT {', '.join(columns[table])} FROM {table} WHERE {key} > ? AND {key} <= ? ORDER BY rowid",
                    span,
                ).fetchall()
                for table, key in _INGESTED.items()
            }
            found = connection.execute("SELECT source_id, author_sealed FROM post WHERE id > ? AND id <= ?", span)
            sealed = [(id_, sealer.unseal(value, "x", id_)) for id_, value in found if value]
            places = connection.execute("SELECT place FROM suspect WHERE lead_post_id > ? AND lead_post_id <= ?", span)
            yield _Written(rows, statements, sealed, [place for (place,) in places])


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


# -- queue ---------------------------------------------------------------------------------------------------------


def queue(small: int = 200, large: int = 200_000, turns: int = 40) -> dict[str, Any]:
    """The queue's pages with many waiting suspects against the same with few; ratios of CPU time, medians.

    `first_page` is what the page asks at its first drawing, its capped counts included (it keeps those for 10 s).
    """
    with _folder() as folder:
        template = _template(folder / "template")
        houses = {}
        for count in (small, large):
            config = _copy(template, folder / str(count))
            houses[count] = Database(config.database_url)
            _fill(houses[count], count)
        asked = {count: _questions(database) for count, database in houses.items()}
        spent: dict[tuple[str, int], list[float]] = {(name, count): [] for name in asked[small] for count in houses}
        for _ in range(turns):
            for name in asked[small]:
                for count, database in houses.items():
                    spent[name, count].append(_timed(database, asked[count][name]))
        result: dict[str, Any] = {
            "corpus": "generated suspects, 20 of them urgent", "seed": SEED, "waiting": [small, large], "turns": turns,
        }  # fmt: skip
        for name in asked[small]:
            few, many = median(spent[name, small]), median(spent[name, large])
            result[name] = f"{_us(few, 1)} us, {_us(many, 1)} us, ratio {many / few:.2f}"
        result["ratio"] = round(median(spent["first_page", large]) / median(spent["first_page", small]), 2)
        result["plans"] = {name: _plans(houses[large], ask) for name, ask in asked[large].items()}
        for database in houses.values():
            database.close()
    return result


def _fill(database: Database, count: int) -> None:
    """Waiting suspects of 16 types in 6 districts, each with a post, as the intake would leave them."""
    chance = random.Random(SEED)
    post = ("id", "source", "source_id", "version_id", "kind", "text", "lang", "conversation_id", "reply_settings",
            "place_name", "own", "mentions_us", "author_key", "posted_at", "received_at")  # fmt: skip
    suspect = ("id", "status", "request_type_id", "lead_post_id", "score", "urgent", "language", "place",
               "place_method", "place_words", "district", "people", "posts", "first_posted_at", "last_posted_at",
               "created_at", "decided_by", "dismiss_reason", "assigned_to", "claimed_by", "version")  # fmt: skip
    urgent = {round((n + 0.5) * count / 20) for n in range(20)}
    for start in range(1, count + 1, 5000):
        posts_, suspects = [], []
        for id_ in range(start, min(start + 5000, count + 1)):
            at = _START + timedelta(seconds=id_ - chance.randrange(3600))
            text = f"The street light at number {id_} has been broken for weeks, please send somebody. " * 2
            posts_.append((id_, "x", f"1{id_:018}", "", "post", text, "en", "", "", "", False, False,
                           f"{chance.getrandbits(128):032x}", at, at))  # fmt: skip
            suspects.append((id_, "waiting", 1 if id_ in urgent else 2 + id_ % 15, id_, 0.5, int(id_ in urgent), "en",
                             f"{id_ % 900} Birch Street", "address", "", f"District {id_ % 6}", 1, 1, at, at, at,
                             "", "", "", "", 1))  # fmt: skip
        with database.writing() as session:
            bulk.writer(_table(Post), post, database.dialect).insert(session, posts_)
            bulk.writer(_table(Suspect), suspect, database.dialect).insert(session, suspects)


Ask = Callable[[Session], Any]


def _questions(database: Database) -> dict[str, Ask]:
    page, narrow = questions.page, questions.Filter
    with database.reading() as session:
        newest = questions.newest_id(session)
        after = page(session)[-1].key
    return {
        "first_page": lambda s: (questions.counts(s, "me"), questions.newest_id(s), page(s, limit=50, up_to=newest)),
        "first_page_counts_cached": lambda s: (questions.newest_id(s), page(s, limit=50, up_to=newest)),
        "second_page": lambda s: page(s, limit=50, after=after, up_to=newest),
        "of_a_type": lambda s: page(s, narrow(type_code="type_7"), limit=50, up_to=newest),
        "of_a_district": lambda s: page(s, narrow(district="District 3"), limit=50, up_to=newest),
        "of_both": lambda s: page(s, narrow(type_code="type_7", district="District 3"), limit=50, up_to=newest),
    }


def _timed(database: Database, ask: Ask) -> float:
    with database.reading() as session:
        began = time.process_time()
        ask(session)
        return time.process_time() - began


def _plans(database: Database, ask: Ask) -> list[str]:
    """How SQLite goes about each statement of a question."""
    said: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("SELECT"):
            said.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    _timed(database, ask)
    event.remove(database.engine, "before_cursor_execute", listen)
    with database.engine.connect() as connection:
        explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p).all() for s, p in said]
    return [" | ".join(str(row[3]) for row in rows) for rows in explained]


# -- dispatch ------------------------------------------------------------------------------------------------------


class Null(Channel):
    """Answers at once, and does nothing."""

    title = "Null"

    def send(self, request: Request) -> Receipt:
        return Receipt(number=request.reference)


def dispatch(count: int = 500, turns: int = 3) -> dict[str, Any]:
    """Dispatches through `Deliveries.step` against the raw driver's statements and commits of the three beats."""
    with _folder() as folder:
        template = _template(folder / "template")
        database = Database(template.database_url)
        _fill(database, count)
        _accept_all(database, count)
        database.close()
        spent: dict[str, list[tuple[float, float]]] = {"measured": [], "floor": []}
        for turn in range(turns):
            for name, deliver in (("measured", _deliver), ("floor", _dispatch_floor)):
                spent[name].append(deliver(_copy(template, folder / f"{name}{turn}"), count))
        cpu = {name: min(cpu for cpu, _ in times) for name, times in spent.items()}
        wall = {name: min(wall for _, wall in times) for name, times in spent.items()}
    return {
        "dispatches": count, "seed": SEED, "turns": turns, "dispatches_a_second": round(count / wall["measured"]),
        "floor_a_second": round(count / wall["floor"]), "ratio": round(wall["measured"] / wall["floor"], 2),
        "measured_cpu_us": _us(cpu["measured"], count), "floor_cpu_us": _us(cpu["floor"], count),
        "cpu_ratio": round(cpu["measured"] / cpu["floor"], 2),
    }  # fmt: skip


def _accept_all(database: Database, count: int) -> None:
    with database.writing() as session:
        joins = ((id_, id_, _START, "") for id_ in range(1, count + 1))
        bulk.writer(_table(SuspectPost), ("suspect_id", "post_id", "joined_at", "joined_by"), database.dialect).insert(
            session, joins
        )
        session.connection().exec_driver_sql("UPDATE suspect SET status = 'accepted'")
        for id_ in range(1, count + 1):
            request = Request(f"SC-{id_:06}", "type_1", "Type 1", "Streets", "A street light is out. " * 8)
            session.add(Dispatch(suspect_id=id_, channel="null", reference=request.reference, content=request.frozen()))


def _deliver(config: Config, count: int) -> tuple[float, float]:
    """CPU seconds and seconds."""
    database = Database(config.database_url)
    ways = {"null": Null("null", Null.Settings())}
    deliveries = Deliveries(database, config, ways, "bench")
    began, at = time.process_time(), time.perf_counter()
    done = deliveries.step()
    spent = time.process_time() - began, time.perf_counter() - at
    database.close()
    if done != count:
        raise RuntimeError(f"{done} of {count} dispatches were handled")
    return spent


def _dispatch_floor(config: Config, count: int) -> tuple[float, float]:
    at_ = _START.strftime("%Y-%m-%d %H:%M:%S.%f")
    with _driver(config) as connection:
        began, at = time.process_time(), time.perf_counter()
        for id_ in range(1, count + 1):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE dispatch SET status = 'sending', attempts = 1, sent_at = ?, claimed_by = 'bench', "
                "claimed_until = ? WHERE id = ?", (at_, at_, id_),
            )  # fmt: skip
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE dispatch SET status = 'sent', settled_at = ?, last_error = '', claimed_by = '', "
                "claimed_until = NULL WHERE id = ?", (at_, id_),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO ticket (dispatch_id, suspect_id, channel, number, token, url, status, notes, opened_at, "
                "last_error, flagged) VALUES (?, ?, 'null', ?, '', '', 'open', '', ?, '', '')",
                (id_, id_, f"SC-{id_:06}", at_),
            )
            connection.execute(
                "INSERT INTO ticket_event (dispatch_id, what, \"by\", at) VALUES (?, ?, '', ?)",
                (id_, f"Sent: SC-{id_:06}", at_),
            )
            connection.execute("COMMIT")
        return time.process_time() - began, time.perf_counter() - at


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
    types = [{"code": f"type_{n}", "title": f"Type {n}", "urgent": n == 0, "rules": entries[n::16]} for n in range(16)]
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


def _table(model: Any) -> Any:
    return model.__table__


ALL: dict[str, Callable[..., dict[str, Any]]] = {"ingest": ingest, "queue": queue, "dispatch": dispatch}
"""By the name that the command line takes."""
