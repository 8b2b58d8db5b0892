"""`bench ingest`: from lines of a file to rows, against the least that this can cost."""

from __future__ import annotations

import contextlib
import resource
import shutil
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from connector import ingest as reading
from connector import sealing
from connector.bench import _burst as _worker
from connector.bench._house import copied, driver, empty, us, workspace
from connector.bench._match import LEAN
from connector.bench._posts import SEED, posts, rule_texts
from connector.config import Config
from connector.sources.x.shapes import WholeLine, decoder
from connector.store import Database

_POSTS, _MANY, _DENSE = 80_000, 400_000, 0.2
"""It takes so many until starting the processes weighs little; the fewer match, the more."""
_TURNS = 7
"""Both cores of a shared machine are seldom free for a whole measured turn: of nine turns the threes gave ratios from
1.80 to 2.18."""
_INGESTED = {
    "post": "id", "match": "post_id", "suspect": "lead_post_id", "suspect_post": "post_id", "near_key": "suspect_id",
}  # fmt: skip
"""What a stored post leaves behind, and the column that holds its id, or its suspect's."""


def ingest(
    share: float, rules: int | None = None, count: int | None = None, turns: int = _TURNS, burst: int = 100_000
) -> dict[str, Any]:
    """The command `ingest` against the least: a full decode of what matches and a lean one of the rest, one seal a
    stored post, and a raw insert of the rows it wrote.

    The floor does that in one thread of this process, commits as many posts at once, into the same tables with their
    indexes; measured is the whole command, the start of its processes included. `ratio` is of wall time, `cpu_ratio`
    of the CPU time of all processes; floor and measured take turns, and the fastest of each counts. `burst`: so many
    posts at once, through the command and through the worker's one process.
    """
    count = count or (_POSTS if share >= _DENSE else _MANY)
    with workspace() as folder:
        file = folder / "posts.jsonl"
        file.write_bytes(b"".join(posts(count, share)))
        lines = file.read_bytes().splitlines(keepends=True)
        span = reading.BLOCK * len(lines) // file.stat().st_size
        part = span * reading.spans_together(span * share)
        together = min(reading.MOST, ceil(reading.ENOUGH / part / max(share, 0.001)))
        batch = part * together  # posts a commit, as `ingest`
        template = empty(folder / "template", rules)
        floor, measured = _Spent(), _Spent()
        for turn in range(turns):
            config = copied(template, folder / f"measured{turn}")
            database = Database(config.database_url)
            with measured.turn():
                told = reading.ingest(database, config, [file], "x")
            batches = list(_written(database, config, count, batch))
            database.close()
            config = copied(template, folder / f"floor{turn}")
            _ingest_floor(config, lines, batches, batch, floor)
            shutil.rmtree(folder / f"measured{turn}")
            shutil.rmtree(folder / f"floor{turn}")
        worker = _burst(template, folder, burst, share, min(floor.wall) / count) if burst else {}
    rows = {table: sum(len(batch.rows[table]) for batch in batches) for table in _INGESTED}
    placed = sum(bool(place) for batch in batches for place in batch.places)
    return {
        "corpus": "generated posts in X's v2 stream shape", "seed": SEED, "posts": count, "share": share,
        "bytes_a_post": round(sum(map(len, lines)) / count), "rules": len(rule_texts(rules)),
        "matched": told["matched"],
        "rules_a_match": round(rows["match"] / (told["matched"] or 1), 2), "rows": rows,
        "share_with_place": round(placed / (told["matched"] or 1), 2), "turns": turns,
        "processes": 1 + reading.helpers(sum(map(len, lines))),
        "floor_us_a_post": us(min(floor.wall), count), "measured_us_a_post": us(min(measured.wall), count),
        "floor_cpu_us_a_post": us(min(floor.cpu), count), "measured_cpu_us_a_post": us(min(measured.cpu), count),
        "ratio": round(min(measured.wall) / min(floor.wall), 2),
        "ratio_of_medians": round(median(measured.wall) / median(floor.wall), 2),
        "cpu_ratio": round(min(measured.cpu) / min(floor.cpu), 2),
    } | worker  # fmt: skip


def _burst(template: Config, folder: Path, count: int, share: float, floor: float) -> dict[str, Any]:
    file = folder / "burst.jsonl"
    with file.open("wb") as out:
        out.writelines(posts(count, share))
    together = _worker.ingested(copied(template, folder / "together").home, file)
    alone = _worker.measured(copied(template, folder / "alone").home, file, count)
    return {
        "burst_posts": count, "burst_peak_mb": together, "worker_us_a_post": us(alone["seconds"], count),
        "worker_ratio": round(alone["seconds"] / count / floor, 2), "worker_peak_mb": alone["peak_mb"],
        "worker_idle_mb": alone["idle_mb"],
    }  # fmt: skip


_MADE = ("post", "suspect")


@dataclass
class _Spent:
    """Seconds, a value for each turn."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Of this process and of those that it made, which must have ended."""

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        began, cpu = time.perf_counter(), _cpu()
        yield
        self.wall.append(time.perf_counter() - began)
        self.cpu.append(_cpu() - cpu)


def _cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


class _Written(msgspec.Struct):
    """What one batch of the measured run left behind."""

    rows: dict[str, list[tuple[Any, ...]]]
    statements: dict[str, str]
    sealed: list[tuple[str, str]]
    """Source id and what was sealed for it."""
    places: list[str]


def _written(database: Database, config: Config, count: int, batch: int) -> Iterator[_Written]:
    sealer = sealing.load(config)
    with contextlib.closing(database.engine.raw_connection()) as pooled:
        connection: sqlite3.Connection = pooled.driver_connection  # type: ignore[assignment]
        stored, made = (connection.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0 for table in _MADE)
        columns = {table: _columns(connection, table) for table in _INGESTED}
        statements = {
            t: f"INSERT INTO {t} ({', '.join(c)}) VALUES ({', '.join('?' * len(c))})" for t, c in columns.items()
        }
        batches = -(-count // batch)
        for at in range(batches):
            part = (at / batches, (at + 1) / batches)
            posts_, suspects = ([int(edge * most) for edge in part] for most in (stored, made))
            rows = {
                table: connection.execute(
                    f"SELECT {', '.join(columns[table])} FROM {table} WHERE {key} > ? AND {key} <= ? ORDER BY {key}",
                    suspects if key == "suspect_id" else posts_,
                ).fetchall()
                for table, key in _INGESTED.items()
            }
            found = connection.execute("SELECT source_id, author_sealed FROM post WHERE id > ? AND id <= ?", posts_)
            sealed = [(id_, sealer.unseal(value, "x", id_)) for id_, value in found if value]
            places = connection.execute(
                "SELECT place FROM suspect WHERE lead_post_id > ? AND lead_post_id <= ?", posts_
            )
            yield _Written(rows, statements, sealed, [place for (place,) in places])


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    """Those that were written: one that is empty in every row costs the floor nothing."""
    named = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    used = connection.execute(f"SELECT {', '.join(f'count({name})' for name in named)} FROM {table}").fetchone()
    return [name for name, count in zip(named, used, strict=True) if count or name == _INGESTED[table]]


def _ingest_floor(
    config: Config, lines: Sequence[bytes], batches: Sequence[_Written], size: int, spent: _Spent
) -> None:
    sealer, decode, lean = sealing.load(config), decoder(WholeLine).decode, LEAN.decode
    stored = {id_ for batch in batches for id_, _ in batch.sealed}
    decoders = [decode if _id(line) in stored else lean for line in lines]
    with driver(config) as connection, spent.turn():
        for at, batch in enumerate(batches):
            span = slice(at * size, (at + 1) * size)
            for line, decoded in zip(lines[span], decoders[span], strict=True):
                decoded(line)
            for id_, names in batch.sealed:
                sealer.seal(names, "x", id_)
            connection.execute("BEGIN IMMEDIATE")
            for table, rows in batch.rows.items():
                connection.executemany(batch.statements[table], rows)
            connection.execute("COMMIT")


def _id(line: bytes) -> str:
    return str(msgspec.json.decode(line)["data"]["id"])
