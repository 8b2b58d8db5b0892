"""kill -9 of real workers at any moment: every accepted suspect becomes one ticket at the desk, and none becomes two.

The desk, the worker and the database file are real. So that kills fall on work and not on the import of libraries,
most workers here are forks of a process that has imported them; the tests at the end start the command.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import random
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sqlmodel import select

from connector import config as settings
from connector import store, workflow
from connector.config import DEMO
from connector.models import Dispatch, Suspect, Ticket, Worker
from tests.builders import a_suspect, a_type
from tests.conftest import KEY

ROOT = DEMO.parent.parent
API_KEY = "desk-key"
PATIENCE = 180.0
"""Seconds that a slow machine may take for any one thing; none of them is slept through."""
KILLS, AIMED, COUNT = 20, 8, 100
SLOW = 0.05
"""Seconds between the desk's commit and its answer: the time between the sending and the recording."""
CITY = """
[city]
name = "Testville"
timezone = "America/Los_Angeles"

[channels.desk]
kind = "open311"
endpoint = "http://127.0.0.1:{port}/open311/v2"
api_key = "env:DESK_API_KEY"

[delivery]
hold = 0
timeout = 2
claim = 2.5
settle = 1.5
retry_first = 0.2
retry_longest = 1
tries = 50
"""


@dataclass(frozen=True)
class Town:
    """A configuration, its database, the desk's file, and the environment that its processes share."""

    config: settings.Config
    database: store.Database
    desk_url: str
    desk_file: Path
    environment: dict[str, str]
    log: Path

    @contextlib.contextmanager
    def asked(self, query: str, *values: object, file: Path | None = None) -> Iterator[list[tuple[Any, ...]]]:
        """Rows, read beside the program and without a lock."""
        path = file or self.database.file
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
            yield connection.execute(query, values).fetchall()

    def count(self, query: str, *values: object, file: Path | None = None) -> int:
        with self.asked(query, *values, file=file) as rows:
            return int(rows[0][0])

    def sent(self) -> int:
        return self.count("SELECT count(*) FROM dispatch WHERE status = 'sent'")

    def stored_but_not_recorded(self) -> set[str]:
        """References that stand at the desk while our row still says `sending`."""
        with self.asked("SELECT reference FROM dispatch WHERE status = 'sending'") as rows:
            sending = [row[0] for row in rows]
        at_desk = "SELECT count(*) FROM ticket WHERE instr(description, ?) > 0"
        return {reference for reference in sending if self.count(at_desk, reference, file=self.desk_file)}

    def command(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "connector", *words],
            cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def workers(self) -> int:
        """How many ever began to work."""
        return self.count("SELECT count(*) FROM worker")

    def stats(self) -> dict[str, int]:
        with urllib.request.urlopen(f"{self.desk_url}/stats.json", timeout=30) as answer:
            found: dict[str, int] = json.load(answer)
        return found


def until(happens: Callable[[], Any], alive: Callable[[], bool] = lambda: True) -> Any:
    """What it returns once it is true; fails when that takes too long, or when who should do it ended."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := happens():
            return found
        if not alive() and not (found := happens()):
            pytest.fail("the process ended before it was done")
        time.sleep(0.004)
    pytest.fail(f"not within {PATIENCE:g} s")


def accept_all(town: Town, count: int) -> None:
    with town.database.writing() as session:
        a_type(session, "pothole", channel="desk")
        place = {"place": "Alder St", "lat": 47.6, "lon": -122.3}
        ids = [a_suspect(session, f"Crater number {n} here", **place).id or 0 for n in range(count)]
    for suspect_id in ids:
        workflow.accept(town.database, town.config, suspect_id, "Dana")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The desk runs, the database is there, no worker runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "home"
    shared = {
        "CONNECTOR_CONFIG": str(tmp_path / "connector.toml"), "CONNECTOR_KEY": KEY, "CONNECTOR_HOME": str(home),
        "DATABASE_URL": f"sqlite:///{home / 'city.db'}", "DESK_API_KEY": API_KEY, "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    (tmp_path / "connector.toml").write_text(CITY.format(port=port), "utf-8")
    for name, value in shared.items():
        monkeypatch.setenv(name, value)
    environment = {**os.environ, **shared}
    desk_file = tmp_path / "desk.db"
    command = [
        sys.executable, "-m", "connector.demo.desk", "--database", str(desk_file), "--port", str(port),
        "--services", str(DEMO / "desk.yaml"), "--slow-seconds", str(SLOW),
    ]  # fmt: skip
    config = settings.load()
    desk = subprocess.Popen(command, cwd=ROOT, env=environment)
    database = store.open_database(config)
    try:
        url = f"http://127.0.0.1:{port}"
        until(lambda: _answers(f"{url}/stats.json"), lambda: desk.poll() is None)
        yield Town(config, database, url, desk_file, environment, tmp_path / "workers.log")
    finally:
        database.close()
        desk.terminate()
        desk.wait(PATIENCE)


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5):
        return True
    return False


# -- workers as forks --------------------------------------------------------------------------------------------------

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["connector.__main__", "connector.supervisor", "connector.dispatch.open311"])


def be_a_worker(environment: dict[str, str], log: str) -> None:
    """`python -m connector worker`, in a process of its own."""
    from connector.__main__ import main

    os.environ.clear()
    os.environ.update(environment)
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", 1), os.fdopen(2, "w", 1)
    sys.argv = ["connector", "worker"]
    main()


@contextlib.contextmanager
def nobody_is_main() -> Iterator[None]:
    """A page that AppTest ran earlier poses as `__main__`, and a fork would run it once more."""
    before = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    yield
    sys.modules["__main__"] = before


@contextlib.contextmanager
def a_fork(town: Town) -> Iterator[Any]:
    """A worker that has begun to work; killed at the end."""
    before = town.workers()
    process = FORKS.Process(target=be_a_worker, args=(town.environment, str(town.log)), daemon=True)
    with nobody_is_main():
        process.start()
    try:
        until(lambda: town.workers() > before, process.is_alive)
        yield process
    finally:
        kill(process)


def kill(process: Any) -> None:
    """kill -9, and wait until the kernel has buried it."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)
    assert process.exitcode is not None


def kill_at_random(town: Town, chance: random.Random) -> None:
    with a_fork(town) as worker:
        worker.join(chance.uniform(0, 12 * SLOW))


def kill_before_it_is_recorded(town: Town) -> None:
    with a_fork(town) as worker:
        until(town.stored_but_not_recorded, worker.is_alive)


SEEDS = [pytest.param(1), pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_at_any_moment_each_accepted_suspect_is_one_ticket(town: Town, seed: int) -> None:
    chance = random.Random(seed)
    accept_all(town, COUNT)
    kinds = ["aimed"] * AIMED + ["random"] * (KILLS - AIMED)
    chance.shuffle(kinds)
    killed: Counter[str] = Counter()
    left_unrecorded: set[str] = set()
    for kind in kinds:
        if kind == "aimed":
            kill_before_it_is_recorded(town)
        else:
            kill_at_random(town, chance)
        between = town.stored_but_not_recorded() - left_unrecorded
        left_unrecorded |= between
        killed["between sending and recording" if between else "at another moment"] += 1
    assert town.sent() < COUNT, "the kills were to fall on work"
    assert killed.total() == KILLS
    assert killed["between sending and recording"] >= 5

    with a_fork(town) as last:
        until(lambda: town.sent() == COUNT, last.is_alive)
    with town.database.reading() as session:
        dispatches = list(session.exec(select(Dispatch)))
        tickets = list(session.exec(select(Ticket)))
        suspects = list(session.exec(select(Suspect.status)))
    assert Counter(d.status for d in dispatches) == {"sent": COUNT}
    assert suspects == ["accepted"] * COUNT
    assert len({ticket.number for ticket in tickets}) == len({ticket.dispatch_id for ticket in tickets}) == COUNT
    assert len(tickets) == COUNT

    stats = town.stats()
    assert (stats["posts_stored"], stats["tickets"], stats["posts_refused"]) == (COUNT, COUNT, 0)
    references = {d.id: d.reference for d in dispatches}
    here = {references[ticket.dispatch_id]: ticket.number for ticket in tickets}
    with town.asked("SELECT description, number FROM ticket", file=town.desk_file) as rows:
        there = {re.findall(r"Reference: (SC-\w{6})", description)[-1]: number for description, number in rows}
    assert len(here) == COUNT
    assert here == there
    log = town.log.read_text("utf-8")
    assert "Traceback" not in log
    assert "Crater" not in log


# -- the command -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def the_command(town: Town) -> Iterator[subprocess.Popen[str]]:
    before = town.workers()
    process = town.command("worker")
    try:
        until(lambda: town.workers() > before, lambda: process.poll() is None)
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_worker_on_sqlite_is_refused_with_a_sentence(town: Town) -> None:
    with the_command(town) as first:
        second = town.command("worker")
        out, said = second.communicate(timeout=PATIENCE)
        assert (second.returncode, out) == (1, "")
        assert said == (
            f"Another worker holds {town.database.file}: SQLite takes one. "
            "Stop it, or move to PostgreSQL by DATABASE_URL.\n"
        )
        assert first.poll() is None


def test_a_killed_worker_does_not_block_the_next(town: Town) -> None:
    """The lock is the operating system's, so it dies with its process; the row of the dead one says no `stopped_at`."""
    accept_all(town, 1)
    with the_command(town) as first:
        os.kill(first.pid, signal.SIGKILL)
        first.wait(PATIENCE)
    with the_command(town) as second:
        until(lambda: town.sent() == 1, lambda: second.poll() is None)
        second.terminate()
        assert second.wait(PATIENCE) == 0
    with town.database.reading() as session:
        stopped = [worker.stopped_at for worker in session.exec(select(Worker).order_by(Worker.started_at))]
    assert stopped[0] is None
    assert stopped[1] is not None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_stops_cleanly_when_told_to(town: Town, number: signal.Signals) -> None:
    """In the midst of its work: what it sends is recorded, the rest waits."""
    accept_all(town, 60)
    with the_command(town) as worker:
        until(lambda: town.sent() >= 2, lambda: worker.poll() is None)
        told = time.monotonic()
        worker.send_signal(number)
        assert worker.wait(PATIENCE) == 0
        assert time.monotonic() - told < 5
    assert town.stats()["posts_stored"] == town.sent() < 60
    assert town.count("SELECT count(*) FROM dispatch WHERE status NOT IN ('sent', 'queued')") == 0
    with town.database.reading() as session:
        assert session.exec(select(Worker)).one().stopped_at is not None
