"""Several workers on PostgreSQL: one of them reads a source, and another takes over soon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from sqlmodel import select

from connector.collect import leases
from connector.config import Config
from connector.models import SourceState
from connector.sealing import Sealer
from connector.store import Database
from connector.triage import Gazetteer
from tests.collect.invented import PUSHES, Told, batch
from tests.collect.test_collector import City, until
from tests.conftest import KEY

pytestmark = [pytest.mark.postgres, pytest.mark.long]


@pytest.fixture
def city(database: Database, config: Config, sealer: Sealer, gazetteer: Gazetteer) -> City:
    return City(database, config, sealer, gazetteer)


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_one_worker_reads_a_source_at_a_time(city: City) -> None:
    one, two = Told("a", city.config), Told("a", city.config)
    with city.running(one):
        until(lambda: bool(one.began))
        second = city.collector(two, worker="second")
        second.start()
        try:
            until(lambda: second._leases is not None and all(t.is_alive() for t in second._leases._threads))
            time.sleep(2 * leases.RENEW)
            assert two.began == []
            one.then(batch("1"))
            city.stored("1")
        finally:
            second.stop()
    assert city.state("a").lease_until is None, "a worker that stops leaves it at once"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_a_worker_that_lost_its_lease_stores_nothing_any_more(city: City) -> None:
    source = Told("a", city.config)
    collector = city.collector(source)
    collector.start()
    until(lambda: bool(source.began))
    source.then(batch("1"))
    until(lambda: not source.steps)
    with city.database.writing() as session:
        session.get_one(SourceState, "a").lease_by = "another"
    until(lambda: collector.store_next(0.1) is None and "a" not in collector._readers)
    assert city.ids() == []
    collector.stop()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_whoever_cannot_renew_stops_reading_before_the_term_ends(
    city: City, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database hangs: here somebody holds the row."""
    monkeypatch.setattr(leases, "TERM", 2.0)
    monkeypatch.setattr(leases, "RENEW", 0.2)
    city.was_alive("a", 1)
    gained, lost = list[str](), list[str]()
    held = leases.Leases(database, "one", ["a"], gained.append, lost.append)
    held.start()
    until(lambda: gained == ["a"])
    with database.writing() as session:
        session.exec(select(SourceState).where(SourceState.name == "a").with_for_update()).one()
        begin = time.monotonic()
        until(lambda: lost == ["a"])
        assert time.monotonic() - begin < 2.0
        assert not held.holds("a")
    until(lambda: gained == ["a", "a"])
    held.stop()


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_what_the_one_before_spooled_on_this_computer_is_stored_by_the_next(city: City) -> None:
    first, second = Told("x", city.config, [], PUSHES), Told("x", city.config, [], PUSHES)
    one, two = city.collector(first, worker="one"), city.collector(second, worker="two")
    one.start()
    until(lambda: bool(first.began))
    two.start()  # looks at the same folder, while the first still writes and empties it
    first.then(*(batch(str(n)) for n in range(8)))
    until(lambda: not first.steps)
    while one.store_next(0.1):
        pass
    first.then(*(batch(str(n)) for n in range(8, 16)))
    until(lambda: not first.steps)
    one._filler.stop()
    for reader in one._readers.values():
        reader.stop()
    assert one._leases
    one._leases.stop()  # as if it were killed: four in memory are gone, four stand on the disk
    until(lambda: second.began == ["15"])
    while two.store_next(0.1):
        pass
    two.stop()
    assert city.ids() == sorted(str(n) for n in [*range(8), *range(12, 16)])


_KILLED = """
import sys, time
from connector.collect.leases import Leases
from connector.store import Database
database = Database(sys.argv[1])
Leases(database, "killed", ["a"], lambda name: print("reads", name, flush=True), print).start()
time.sleep(120)
"""


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_another_takes_over_within_ten_seconds_of_a_kill(city: City, database: Database, database_url: str) -> None:
    city.was_alive("a", 1)
    environment = {**os.environ, "CONNECTOR_KEY": KEY}
    killed = subprocess.Popen(
        [sys.executable, "-c", _KILLED, database_url], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert killed.stdout
    assert killed.stdout.readline() == "reads a\n"
    source = Told("a", city.config, [batch("1")])
    with city.running(source):
        time.sleep(1.5 * leases.RENEW)
        assert source.began == []
        killed.send_signal(signal.SIGKILL)
        begin = time.monotonic()
        killed.wait()
        killed.stdout.close()
        until(lambda: bool(source.began))
        took = time.monotonic() - begin
        city.stored("1")
    assert took < 10
    with database.reading() as session:
        assert session.exec(select(SourceState.cursor)).one() == "1"
