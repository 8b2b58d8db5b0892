"""The database: created by itself, upgraded under a lock, alike on SQLite and PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import col, select

from connector import privacy, store
from connector.config import Config, demo_city
from connector.errors import ConfigError
from connector.models import Alert, DispatchPost, Gap, Post, PostVersion, Setting, Suspect, metadata, now
from connector.store import bulk, house


def test_a_new_database_has_every_table_as_the_models_say(database: store.Database) -> None:
    with database.engine.connect() as connection, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    assert differences == []


def test_an_upgrade_from_the_first_shape_keeps_what_is_stored(config: Config, database: store.Database) -> None:
    """The database as the first release made it, with a gap in it."""
    with database.engine.begin() as connection:
        _at(connection, "0001")
        old = {"source": "sample", "from_at": "2026-03-01 08:00:00", "why": "it was down", "state": "open"}
        connection.execute(
            text("INSERT INTO gap (source, from_at, why, state) VALUES (:source, :from_at, :why, :state)"), old
        )
    again = store.open_database(config)
    with again.writing() as session:
        (gap,) = session.exec(select(Gap)).all()
        assert (gap.source, gap.why, gap.state, gap.cause, gap.tries) == ("sample", "it was down", "open", "", 0)
        session.add(Alert(source="sample", kind="silent"))
    again.close()


AT = "2026-03-01 08:00:00"
_QUOTED = {"quoted_text": "pothole, it is at Elm", "refs": '[{"kind":"reply","id":"9"},{"kind":"quote","id":"1"}]'}
OLD_POSTS: list[dict[str, Any]] = [
    {"text": "pothole, it is at Elm"},
    _QUOTED | {"kind": "quote"},
    _QUOTED | {"kind": "reply"},
    {"kind": "repost", "text": "RT pothole", "refs": '[{"kind":"repost","id":"1"}]'},
    {"text": "new words", "edited_at": AT, "edits": '[{"id":"50","text":"old","at":"x"}]'},
    {"text": "no place here"},
]


def test_an_upgrade_makes_what_stands_in_json_something_that_a_deletion_finds(
    config: Config, database: store.Database
) -> None:
    with database.engine.begin() as connection:
        _at(connection, "0003")
        for number, post in enumerate(OLD_POSTS, 1):
            _insert(
                connection, "post", **({"id": number, "source": "x", "source_id": str(number), "refs": "[]"} | post)
            )
        _insert(connection, "request_type", id=1)
        told = [("street", "at Elm"), ("by hand", ""), ("", ""), ("reply", "gone words")]
        for number, (method, words) in enumerate(told, 1):
            place = {"place": "Elm" if method else "", "place_method": method, "place_words": words}
            _insert(connection, "suspect", id=number, status="waiting", request_type_id=1, lead_post_id=6, **place)
            for post_id in (1, 6):
                _insert(connection, "suspect_post", suspect_id=number, post_id=post_id)
        _insert(connection, "suspect_post", suspect_id=1, post_id=5, joined_at="2026-03-02 08:00:00")
        _insert(connection, "dispatch", id=1, reference="SC-1", status="sent", suspect_id=1, kind="ticket")
    again = store.open_database(config)
    with again.writing() as session:
        about = {post.source_id: post.about_id for post in session.exec(select(Post))}
        assert about == {"1": "", "2": "1", "3": "1", "4": "1", "5": "", "6": ""}
        assert [(v.version_id, v.post_id) for v in session.exec(select(PostVersion))] == [("50", 5)]
        told_by = session.exec(select(Suspect.place_post_id).order_by(col(Suspect.id))).all()
        assert told_by == [1, None, None, 6]
        carried = session.exec(select(DispatchPost.post_id).order_by(col(DispatchPost.post_id))).all()
        assert carried == [1, 6], "what joined after it had left does not travel with it"
        assert privacy.erase(session, "x", ["1", "50"], "deleted upstream") == 3
    with again.reading() as session:
        posts = session.exec(select(Post)).all()
        assert {post.source_id for post in posts if post.gone_at} == {"1", "4", "5"}
        assert {post.quoted_text for post in posts} == {""}
        assert session.get_one(Suspect, 1).place == ""
    again.close()


def _at(connection: Connection, revision: str) -> None:
    """As a release of then made it."""
    metadata.drop_all(connection)
    connection.execute(text("DROP TABLE alembic_version"))
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(store.MIGRATIONS))
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


def _insert(connection: Connection, table: str, **values: Any) -> None:
    """A row with something in every column that must have something."""
    for column in inspect(connection).get_columns(table):
        if not column["nullable"] and column["default"] is None and column.get("autoincrement") is not True:
            kind = column["type"].python_type
            values.setdefault(column["name"], AT if kind is datetime else kind())
    names, bound = ", ".join(f'"{name}"' for name in values), ", ".join(f":{name}" for name in values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({bound})"), values)


def test_several_processes_that_start_at_once_migrate_once(config: Config) -> None:
    errors: list[BaseException] = []

    def start() -> None:
        try:
            store.open_database(config).close()
        except BaseException as error:  # noqa: BLE001 - reported below
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_a_demo_database_is_refused_by_a_city(config: Config, database: store.Database) -> None:
    with pytest.raises(ConfigError, match="belongs to a city"):
        store.open_database(config.model_copy(update={"mode": "demo"}))


def test_a_database_of_a_newer_program_is_refused(config: Config, database: store.Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer version"):
        store.open_database(config)


def test_a_url_that_cannot_be_used_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        store.Database("nonsense")


def test_times_come_back_aware_and_equal(database: store.Database) -> None:
    at = now()
    with database.writing() as session:
        session.add(Setting(name="when", value=None, at=at))
    with database.reading() as session:
        assert session.exec(select(Setting.at).where(Setting.name == "when")).one() == at


def test_a_naive_time_is_refused(database: store.Database) -> None:
    def naive() -> None:
        with database.writing() as session:
            session.add(Setting(name="when", value=None, at=now().replace(tzinfo=None)))

    with pytest.raises(StatementError, match="aware"):
        naive()


def test_a_failed_block_leaves_nothing(database: store.Database) -> None:
    def half() -> None:
        with database.writing() as session:
            house.keep_setting(session, "half", 1)
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        half()
    with database.reading() as session:
        assert house.setting(session, "half") is None


def test_two_writers_wait_for_each_other(database: store.Database) -> None:
    with database.writing() as session:
        house.keep_setting(session, "count", 0)

    def add() -> None:
        for _ in range(20):
            with database.writing() as session:
                stored = session.exec(select(Setting).where(Setting.name == "count").with_for_update()).one()
                stored.value += 1
                session.add(stored)

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert house.setting(session, "count") == 60


def test_tables_survive_being_executed_again() -> None:
    program = (
        "import sys\n"
        "for _ in range(3):\n"
        "    for name in [n for n in sys.modules if n.startswith('connector')]: del sys.modules[name]\n"
        "    from connector.models import Suspect, metadata\n"
        "    Suspect(request_type_id=1)\n"
        "print(len(metadata.tables))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 23
    assert done.stderr == ""


@given(st.datetimes(timezones=st.just(UTC)))
def test_time_is_written_as_sqlalchemy_writes_it_and_comes_back(time: datetime) -> None:
    assert bulk.time_text(time) == time.replace(tzinfo=None).isoformat(" ", "microseconds")
    assert bulk.time_of(bulk.time_text(time)) == time


def test_a_file_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "city.db").write_bytes(b"no database at all, but long enough to be taken for one" * 100)
    with pytest.raises(ConfigError, match=r"does not answer .*file is not a database"):
        store.open_database(demo_city().model_copy(update={"database_url": f"sqlite:///{tmp_path / 'city.db'}"}))


def test_an_error_quotes_nothing_that_was_to_be_written(database: store.Database) -> None:
    def twice() -> None:
        with database.writing() as session:
            for _ in range(2):
                session.add(Setting(name="twice", value="what a resident wrote"))
                session.flush()
                session.expunge_all()

    with pytest.raises(IntegrityError) as caught:
        twice()
    assert "what a resident wrote" not in str(caught.value)
