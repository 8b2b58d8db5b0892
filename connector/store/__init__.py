"""The database: engine, sessions, upgrades. The named questions stand beside this file, one module a subject.

`Database.reading()` and `Database.writing()` are the only ways in; a writing session commits at its end. On SQLite a
writer takes the write lock at once (BEGIN IMMEDIATE), so that two of them wait for each other and never deadlock.
Read on in `queue.py`, `tickets.py`, `catalogue.py`, `insights.py`, `sources.py`; the hot path goes through `bulk.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy import text as sql
from sqlalchemy.exc import ArgumentError, DatabaseError
from sqlmodel import Session

from connector.config import Config
from connector.errors import ConfigError
from connector.models import Setting

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
_UPGRADE_LOCK = 7_311_311  # any number of our own: PostgreSQL's advisory lock of the migrator


class Database:
    """One deployment's database. Make it with `open_database`, which brings it up to date first."""

    def __init__(self, url: str) -> None:
        try:
            self.engine: Engine = create_engine(
                url,
                hide_parameters=True,  # an error's message would quote what residents wrote
                pool_pre_ping=not url.startswith("sqlite"),
                json_serializer=lambda value: msgspec.json.encode(value).decode(),
                json_deserializer=msgspec.json.decode,
            )
        except (ArgumentError, ModuleNotFoundError) as error:
            raise ConfigError(f"DATABASE_URL cannot be used: {type(error).__name__}: {error}") from error
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        if self.is_sqlite:
            event.listen(self.engine, "connect", _sqlite_settings)
            event.listen(self.engine, "begin", _sqlite_begin)
        self._writers = self.engine.execution_options(writes=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        name = self.engine.url.database
        return Path(name) if self.is_sqlite and name and name != ":memory:" else None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one consistent state; nothing is committed."""
        with Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that commits when the block ends well, and rolls back otherwise."""
        with Session(self._writers, expire_on_commit=False) as session, session.begin():
            yield session

    def empty_log(self) -> bool:
        """Whether SQLite's write-ahead log holds nothing any more: until then, what was erased still stands there."""
        if self.file is None:
            return True
        connection = sqlite3.connect(self.file, timeout=1)
        try:
            return bool(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        finally:
            connection.close()

    @cached_property
    def dialect(self) -> Any:
        return self.engine.dialect

    def close(self) -> None:
        self.engine.dispose()


def open_database(config: Config) -> Database:
    """The database of this configuration, created or upgraded; ConfigError when it is another mode's."""
    database = Database(config.database_url)
    if database.file:
        database.file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with _one_migrator(database) as connection:
            _upgrade(connection)
            _stamp(connection, config)
    except DatabaseError as error:  # also of a file that is none
        database.close()
        raise ConfigError(f"The database does not answer ({_address(database)}): {error.orig}") from error
    except BaseException:
        database.close()
        raise
    return database


def _address(database: Database) -> str:
    return database.engine.url.render_as_string(hide_password=True)


def _sqlite_settings(connection: Any, record: Any) -> None:
    # Transactions are ours to begin: the driver's own way would take the write lock too late.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _one_migrator(database: Database) -> Iterator[Connection]:
    """A connection under a lock that one process holds at a time; the others wait."""
    if database.file:
        with (
            FileLock(f"{database.file}.upgrade.lock", timeout=120),
            database.engine.execution_options(writes=True).begin() as connection,
        ):
            yield connection
        return
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        yield connection


def _upgrade(connection: Connection) -> None:
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(settings)
    here = MigrationContext.configure(connection).get_current_revision()
    if here == scripts.get_current_head():
        return
    known = {script.revision for script in scripts.walk_revisions()}
    if here is not None and here not in known:
        raise ConfigError(f"The database is of a newer version ({here}) than this program; upgrade the program.")
    settings.attributes["connection"] = connection
    command.upgrade(settings, "head")


def _stamp(connection: Connection, config: Config) -> None:
    with Session(connection) as session:
        stamp = session.get(Setting, "stamp")
        if stamp is None:
            session.add(Setting(name="stamp", value=config.mode))
            session.flush()
        elif stamp.value != config.mode:
            raise ConfigError(
                f"This database belongs to a {stamp.value}, and the program runs as {config.mode}: "
                "give each its own with DATABASE_URL or CONNECTOR_HOME."
            )
        session.commit()
