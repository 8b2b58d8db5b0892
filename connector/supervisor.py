"""The processes: the worker alone, or `run`: demo desk, worker and pages under one supervisor.

`run` starts each as a process of its own, tells the address, and stops all of them at Ctrl-C, at SIGTERM, or when one
of them ends. A killed supervisor takes its children with it: they watch for its end (`child.py`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
from filelock import FileLock, Timeout

from connector import store, workflow
from connector.child import PARENT
from connector.config import DATA, DEMO, Config, demo_address, demo_city
from connector.demo import past
from connector.errors import ConfigError, WorkerRunningError
from connector.store import Database, house

ROOT = DATA.parent
log = structlog.get_logger()


def open_house(config: Config) -> Database:
    """The database, up to date; the demo's is filled if it is empty."""
    database = store.open_database(config)
    if config.is_demo:
        with _one_at_a_time(config.home / "prepare.lock"):
            past.prepare(database, config)
    return database


def work(config: Config, stopping: threading.Event | None = None) -> None:
    """Be the worker until SIGTERM or Ctrl-C; WorkerRunningError when SQLite has one already."""
    stopping = stopping or threading.Event()
    _stop_at_signals(stopping)
    database = open_house(config)
    with only_worker(database):
        chores = []
        if config.is_demo:
            chores = [lambda: void(past.reset_if_asked(database, config)), lambda: void(past.trim(database, config))]
        worker = workflow.Worker(database, config, past.intake(config), chores)
        log.info("the worker runs", sources=sorted(config.sources), channels=sorted(config.channels))
        worker.run(stopping)
    log.info("the worker stopped")


def void(_: Any) -> None:
    """Chores answer nothing."""


@contextlib.contextmanager
def only_worker(database: Database) -> Iterator[None]:
    """On SQLite one worker at a time, by a lock of the operating system: a killed one never blocks the next."""
    if database.file is None:
        yield
        return
    lock = FileLock(f"{database.file}.worker.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise WorkerRunningError(
            f"Another worker holds {database.file}: SQLite takes one. Stop it, or move to PostgreSQL by DATABASE_URL."
        ) from None
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True)
class Part:
    """A process under the supervisor."""

    name: str
    command: list[str]
    environment: dict[str, str]


def run(config: Config, port: int | None) -> int:
    """Everything under one supervisor until Ctrl-C; the exit code.

    `port` None: 8501 if it is free, else a free one.
    """
    stopping = threading.Event()
    _stop_at_signals(stopping)
    if config.is_demo and not _free(config.demo.desk_port):
        raise ConfigError(
            f"Port {config.demo.desk_port} is taken, and the demo's 311 desk keeps its port: stop what listens there "
            "(perhaps another demo), or set CONNECTOR_DEMO_DESK_PORT."
        )
    chosen = port if port is not None else next((p for p in (8501,) if _free(p)), None) or _any_free()
    if port is not None and not _free(port):
        raise ConfigError(f"Port {port} is taken; choose another with --port.")
    if config.is_demo:  # its links lead to these pages, whichever process writes them
        config.home.mkdir(parents=True, exist_ok=True)
        demo_address(config.home).write_text(f"http://127.0.0.1:{chosen}", "utf-8")
        config = demo_city()
    open_house(config).close()
    parts = _parts(config, chosen)
    children = [_started(part) for part in parts]
    try:
        if _answers(f"http://127.0.0.1:{chosen}/_stcore/health", stopping, children):
            _greet(config, chosen)
        while not stopping.wait(0.2):
            ended = [child for child in children if child.poll() is not None]
            if ended:
                which = parts[children.index(ended[0])].name
                log.error("a process ended, so the others are stopped", which=which, code=ended[0].returncode)
                return 1
    finally:
        _stop(children)
    return 0


def _parts(config: Config, port: int) -> list[Part]:
    # A command started elsewhere must find the same settings file and the same package.
    base = {**os.environ, PARENT: str(os.getpid()), "PYTHONPATH": str(ROOT)}
    if config.file:
        base["CONNECTOR_CONFIG"] = str(config.file.resolve())
    address = "127.0.0.1" if config.login is None else "0.0.0.0"  # without a login: this computer alone
    child = [sys.executable, "-m", "connector.child"]
    pages = [
        *child, "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}",
        f"--server.address={address}", "--server.headless=true",
    ]  # fmt: skip
    parts = [
        Part("worker", [*child, "connector", "worker"], base),
        Part("pages", pages, base),
    ]
    if config.is_demo:
        command = [
            *child, "connector.demo.desk", "--database", str(past.desk_file(config)),
            "--services", str(DEMO / "desk.yaml"), "--port", str(config.demo.desk_port),
            "--timezone", config.city.timezone,
        ]  # fmt: skip
        key = str(config.channels["desk"].settings["api_key"])
        parts.insert(0, Part("desk", command, {**base, "DESK_API_KEY": key}))
    return parts


def _started(part: Part) -> subprocess.Popen[bytes]:
    # Streamlit greets on stdout with an address of its own; what is wrong it says on stderr.
    quiet = subprocess.DEVNULL if part.name == "pages" else None
    return subprocess.Popen(part.command, env=part.environment, cwd=ROOT, stdout=quiet)


def _greet(config: Config, port: int) -> None:
    lines = [f"{config.city.name}: http://127.0.0.1:{port}"]
    if config.is_demo:
        lines.append(f"The city's 311 desk: http://127.0.0.1:{config.demo.desk_port}")
        lines.append("Demo city: nothing leaves this computer.")
    lines.append("Ctrl-C stops it.")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _answers(url: str, stopping: threading.Event, children: list[subprocess.Popen[bytes]]) -> bool:
    end = time.monotonic() + 120
    while time.monotonic() < end and not stopping.is_set() and all(child.poll() is None for child in children):
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=2):
            return True
        stopping.wait(0.2)
    return False


def _stop(children: list[subprocess.Popen[bytes]], patience: float = 30) -> None:
    for child in children:
        if child.poll() is None:
            child.terminate()
    end = time.monotonic() + patience
    for child in children:
        try:
            child.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _stop_at_signals(stopping: threading.Event) -> None:
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _any_free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock, timeout=120):
        yield


def reset_demo(config: Config) -> None:
    """By the worker, if one runs; else here and now."""
    if not config.is_demo:
        raise ConfigError("Only the demo can be reset, and this is a city's configuration.")
    database = open_house(config)
    try:
        with only_worker(database):
            past.reset(database, config)
    except WorkerRunningError:
        past.request_reset(database, "command line")
        _wait_for_reset(database)


def _wait_for_reset(database: Database) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.3)
        with database.reading() as session:
            if not house.setting(session, past.RESET):
                return
    raise ConfigError("The worker did not reset the demo within a minute; is it still running?")
