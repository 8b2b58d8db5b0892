"""Chaos between X and the database: faults, kills, outages, a search that forgets; and an account of every post.

The simulator of X runs as a process and keeps the account, a worker reads it and is killed again and again. At the
end each post that was emitted is stored exactly once, or lies in an interval that the ledger says is lost.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from connector import config as settings
from connector import store
from connector.models import Gap, GapState, Post, SourceState
from connector.sources.x.governor import BACK_OFFS, Failure
from connector.store import Database
from tests.builders import a_rule
from tests.conftest import KEY
from tests.peers.x_faults import DISCONNECTS, Fault
from tests.peers.x_remote import ROOT, Remote, x_process
from tests.peers.x_simulator import BEARER

SLACK = 0.95
"""Of a documented wait: clocks of two processes are compared."""
CITY = """
[city]
name = "Larkmere"

[sources.x]
kind = "x"
bearer_token = "{token}"
endpoint = "{url}"

[channels.outbox]
kind = "outbox"
"""


@dataclass(frozen=True)
class Size:
    """How much chaos; times are X's seconds."""

    posts: int
    faults: int
    kills: int
    outages: int
    lost: int
    """Outages whose first half search has forgotten before it is asked."""
    scale: float
    pause: float
    """Between two posts."""


SHORT = Size(posts=400, faults=9, kills=2, outages=2, lost=1, scale=60, pause=2)
LONG = Size(posts=20_000, faults=70, kills=10, outages=8, lost=2, scale=30, pause=0.4)


def faults(chance: random.Random, count: int) -> list[Fault]:
    """So many, of every kind that the stream knows."""
    kinds = [
        *(Fault.disconnect(kind) for kind in DISCONNECTS if kind != "InvalidRules"),
        Fault.connection_issue("TooManyConnections"), Fault.connection_issue("ProvisioningSubscription"),
        Fault.end(), Fault.drop(), Fault.cut_line(), Fault.stall(), Fault.broken_line(), Fault.split(), Fault.split(1),
        Fault.split_anywhere(), Fault.split_keep_alive(), Fault.extra_keep_alive(), Fault.without_tag(),
        Fault.null_tag(), Fault.int_rule_ids(), Fault.without_rules(), Fault.twice(), Fault.hold(3),
        Fault.unknown_message(), Fault.unknown_fields(), Fault.partial_errors(), Fault.slow(5),
        Fault.server_error(500), Fault.server_error(503), Fault.page(), Fault.reset(), Fault.close(), Fault.half(),
        Fault.rate_limited(90), Fault.rate_limited(20), Fault.unauthorized(), Fault.credits_depleted(),
    ]  # fmt: skip
    chance.shuffle(kinds)
    return [kinds[number % len(kinds)] for number in range(count)]


@dataclass
class Town:
    """The city's side: its database, and a worker that is started, killed and watched over."""

    database: Database
    environment: dict[str, str]
    clock: tuple[float, float]
    log: Path
    worker: subprocess.Popen[bytes] | None = None
    kills: int = 0
    asked: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.chaos.worker", *map(str, self.clock)]
        with self.log.open("ab") as out:
            self.worker = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=out, stderr=out)

    def kill(self) -> None:
        assert self.worker
        self.worker.send_signal(signal.SIGKILL)
        self.worker.wait()
        self.kills += 1

    def stop(self) -> None:
        if self.worker and self.worker.poll() is None:
            self.worker.terminate()
            self.worker.wait(30)

    def watch(self) -> None:
        """What an operator does: a source that waits for a person is told to try again, once the cause is gone."""
        assert self.worker
        assert self.worker.poll() is None, f"the worker ended by itself: {self.log.read_text('utf-8')[-2000:]}"
        with self.database.writing() as session:
            state = session.get(SourceState, "x")
            if state and state.state == "paused" and not state.asked:
                self.asked[state.last_error] += 1
                state.asked = "retry"

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(query).all())


@contextmanager
def town(folder: Path, x: Remote, size: Size) -> Iterator[Town]:
    home = folder / "home"
    (folder / "connector.toml").write_text(CITY.format(token=BEARER, url=x.url), "utf-8")
    shared = {
        "CONNECTOR_CONFIG": str(folder / "connector.toml"), "CONNECTOR_KEY": KEY, "CONNECTOR_HOME": str(home),
        "DATABASE_URL": f"sqlite:///{home / 'city.db'}", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    environment = {**os.environ, **shared}
    config = settings.load(folder / "connector.toml").model_copy(
        update={"home": home, "database_url": shared["DATABASE_URL"]}
    )
    database = store.open_database(config)
    with database.writing() as session:
        a_rule(session, "pothole", expression="pothole OR crater")
    made = Town(database, environment, (size.scale, x.clock.origin), folder / "worker.log")
    try:
        made.start()
        yield made
    finally:
        made.stop()
        database.close()


def until(done: Callable[[], bool], seconds: float, meanwhile: Callable[[], None]) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not within {seconds} s"
        meanwhile()
        time.sleep(0.2)


def live_through(x: Remote, there: Town, size: Size, seed: int) -> None:
    """Emit all posts while everything goes wrong, each thing at its own moment."""
    chance = random.Random(seed)
    steps = range(50, size.posts - 50)
    due: dict[int, list[Callable[[], None]]] = {}

    def at(step: int, do: Callable[[], None]) -> None:
        due.setdefault(step, []).append(do)

    for number, fault in enumerate(faults(chance, size.faults)):
        step = steps[(number * len(steps)) // size.faults]
        at(step, lambda fault=fault: x.fail(endpoint="stream", fault=fault))
    for step in sorted(chance.sample(steps, size.kills)):
        at(step, there.kill)
        at(step + 10, there.start)
    for number, step in enumerate(sorted(chance.sample(steps, size.outages))):
        seconds = 100.0
        at(step, lambda seconds=seconds: x.refuse(seconds=seconds))
        if number < size.lost:
            # What was emitted in its first third is out of search's reach when somebody can ask again.
            at(step + 1, lambda moment=0.0, s=seconds: x.forget_before(moment=x.clock.now() + s / 3))
    began, step = x.clock.now(), 0
    while step < size.posts or (x.faults()["waiting"] and step < 1.1 * size.posts):
        for do in due.pop(step, []):
            do()
        word = "crater" if step % 3 else "pothole"
        x.emit(text=f"{word} number {step} on Tannery Row", author=f"resident{step % 50}")
        step += 1
        if step % 25 == 0 and there.worker and there.worker.poll() is None:
            there.watch()
        x.clock.sleep(max(0.0, began + step * size.pause - x.clock.now()))
    assert not due


def settled(there: Town, x: Remote) -> bool:
    """The stream runs, and no gap waits to be filled."""
    (state,) = there.rows(select(SourceState).where(SourceState.name == "x"))
    open_gaps = there.rows(select(Gap.id).where(Gap.state == GapState.OPEN))
    return state.state == "running" and not open_gaps


def check_account(x: Remote, there: Town) -> dict[str, float]:
    """Every post is stored once or lies in an interval that is marked lost; figures for the note."""
    posts = Counter(there.rows(select(Post.source_id)))
    assert not [id for id, count in posts.items() if count > 1]
    lost = [(gap.from_at, gap.to_at) for gap in there.rows(select(Gap).where(Gap.state == GapState.LOST))]
    account = [one for one in x.account() if one["rules"]]
    missing = [one for one in account if one["id"] not in posts]
    unexplained = [
        one["at"] for one in missing
        if not any(begin.timestamp() <= one["at"] <= end.timestamp() for begin, end in lost)
    ]  # fmt: skip
    assert not unexplained, f"{len(unexplained)} of {len(account)} posts are neither stored nor said to be lost"
    marked, could_not = total(lost), sum(end - begin for begin, end in x.lost())
    assert marked <= 2 * could_not, (
        f"{marked:.0f} s are marked as lost, {could_not:.0f} s were out of reach: "
        f"{[(begin.timestamp(), end.timestamp()) for begin, end in lost]} for {x.lost()}"
    )
    late = [one for one in account if not one["written_to"]]
    return {
        "emitted": len(account), "stored": len(posts), "not_on_the_stream": len(late), "missing": len(missing),
        "marked_lost_s": round(marked), "unrecoverable_s": round(could_not), "gaps": len(there.rows(select(Gap.id))),
    }  # fmt: skip


def total(intervals: list[tuple[datetime, datetime]]) -> float:
    """Seconds that they cover together."""
    seconds, at = 0.0, 0.0
    for begin, end in sorted((begin.timestamp(), end.timestamp()) for begin, end in intervals):
        seconds += max(0.0, end - max(at, begin))
        at = max(at, end)
    return seconds


def check_waits(x: Remote) -> int:
    """No reconnect came earlier than documented for what ended the one before; how many were looked at."""
    tried = [attempt for attempt in x.attempts() if attempt["endpoint"] == "stream"]
    looked_at = 0
    for before, after in zip(tried, tried[1:], strict=False):
        wait = after["at"] - before["ended_at"]
        least = 0.0
        if before["status"] == 429:
            least = BACK_OFFS[Failure.RATE].first
        elif before["status"] >= 500:
            least = BACK_OFFS[Failure.SERVER].first
        assert wait >= least * SLACK, f"{wait:.1f} s after {before['status']} {before['ending']}, at least {least} s"
        looked_at += 1
    return looked_at


def storm(x: Remote) -> int:
    """The most connections within any minute of X's."""
    moments = [attempt["at"] for attempt in x.attempts() if attempt["endpoint"] == "stream"]
    return max(sum(moment <= other < moment + 60 for other in moments) for moment in moments)


@pytest.mark.parametrize("size", [SHORT, pytest.param(LONG, marks=pytest.mark.long)], ids=["short", "long"])
def test_every_post_is_stored_once_or_said_to_be_lost(size: Size, tmp_path: Path) -> None:
    seed = int(os.environ.get("CONNECTOR_CHAOS_SEED", "7"))
    with x_process(scale=size.scale, seed=seed) as x, town(tmp_path, x, size) as there:
        until(lambda: any(a["endpoint"] == "stream" for a in x.attempts()), 60, there.watch)
        x.clock.sleep(30)  # the rules take effect
        live_through(x, there, size, seed)
        x.mend()
        until(lambda: settled(there, x), 300, there.watch)
        x.clock.sleep(120)
        until(lambda: settled(there, x), 300, there.watch)
        struck = x.faults()["struck"]
        figures: dict[str, Any] = dict(check_account(x, there))
        figures |= {"faults": len(struck) + size.outages, "kills": there.kills, "reconnects": check_waits(x)}
        figures["most_in_a_minute"] = storm(x)
    print(figures, dict(there.asked))  # noqa: T201 - shown with -s
    assert there.kills == size.kills
    assert figures["faults"] >= 0.85 * (size.faults + size.outages)
    assert figures["most_in_a_minute"] <= 25
