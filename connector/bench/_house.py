"""What the benchmarks share: databases to measure in, the raw driver, and how figures are written."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from connector import catalogue_file, sealing, store
from connector.bench._posts import rule_texts
from connector.config import Config, demo_city
from connector.store import Database


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="connector-bench-") as name:
        yield Path(name)


def empty(folder: Path, rules: int | None = None) -> Config:
    """A database with types and rules and no post, in the demo city: its gazetteer, a key of its own."""
    config = at(folder)
    database = store.open_database(config)
    entries = [{"name": f"Rule {n}", "expression": text} for n, text in enumerate(rule_texts(rules))]
    types = [{"code": f"type_{n}", "title": f"Type {n}", "urgent": n == 0, "rules": entries[n::16]} for n in range(16)]
    with database.writing() as session:
        catalogue_file.import_text(session, msgspec.json.encode({"request_types": types}).decode(), "bench")
    sealing.load(config)
    database.close()
    return config


def at(folder: Path) -> Config:
    """The demo city with its data in this folder."""
    database = f"sqlite:///{folder / 'bench.db'}"
    return demo_city().model_copy(update={"home": folder, "database_url": database})


def copied(template: Config, folder: Path) -> Config:
    shutil.copytree(template.home, folder)
    return at(folder)


@contextlib.contextmanager
def driver(config: Config) -> Iterator[sqlite3.Connection]:
    """The raw driver's connection, with the pragmas that ours has."""
    database = Database(config.database_url)
    with contextlib.closing(database.engine.raw_connection()) as pooled:
        connection = pooled.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        yield connection
    database.close()


def us(seconds: float, count: int) -> float:
    return round(seconds * 1e6 / count, 1)


def table(model: Any) -> Any:
    return model.__table__
