"""No handle and no name leaves the sealed column: every byte that the program writes is searched for them."""

from __future__ import annotations

import json
import os
import random
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlmodel import col, select
from typer.testing import CliRunner

from connector import catalogue_file, sealing, store, workflow
from connector import config as settings
from connector.__main__ import app
from connector.deliver import Deliveries
from connector.dispatch import load
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Incoming, Person
from connector.intake import From, Intake
from connector.models import Post, Suspect
from connector.sources.x import CAPABILITIES
from connector.triage import Gazetteer
from tests.conftest import KEY

ROOT = Path(__file__).resolve().parents[1]
MESSAGES = 300
CITY = """
[city]
name = "Testville"
accounts = ["testville"]
[channels.outbox]
kind = "outbox"
[delivery]
hold = 0
timeout = 1
claim = 2
settle = 0
"""
CATALOGUE = {
    "request_types": [
        {"code": "pothole", "title": "Pothole", "rules": [{"name": "holes", "expression": "pothole"}]},
        {"code": "again", "title": "Again", "rules": [{"name": "reposts", "expression": "pothole is:retweet"}]},
        {
            "code": "seen",
            "title": "Seen",
            "rules": [{"name": "shown", "expression": "(pothole has:mentions) OR #road"}],
        },
    ]
}


@dataclass
class Crowd:
    """Invents people, and remembers what must never be seen."""

    chance: random.Random = field(default_factory=lambda: random.Random(311))
    handles: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def _letters(self) -> str:
        return "".join(self.chance.choice(string.ascii_letters) for _ in range(12))

    def handle(self) -> str:
        """Known to the payload, or so that its place says what it is."""
        self.handles.append(self._letters())
        return self.handles[-1]

    def person(self, id: str) -> dict[str, str]:
        self.names.append(self._letters())
        return {"id": id, "username": self.handle(), "name": f"{self.names[-1]} {self._letters()}"}


LINKS = (
    "https://twitter.com/{}/status/1{:018}", "https://x.com/{}", "https://instagram.com/{}", "https://bsky.app/profile/{}.bsky.social",
    "https://mastodon.social/@{}/1{:018}", "https://www.tiktok.com/@{}", "https://www.facebook.com/{}", "https://t.me/{}",
    "https://twitter.com/intent/user?screen_name={}", "https://www.youtube.com/@{}", "https://www.threads.net/@{}",
)  # fmt: skip


def a_message(crowd: Crowd, number: int) -> dict[str, Any]:
    """A stream message with people everywhere that X shows them."""
    author, asked, quoted, other = (crowd.person(f"{number}{n}") for n in range(4))
    spelt = crowd.chance.choice([str.lower, str.upper, str])
    link = LINKS[number % len(LINKS)].format(crowd.handle(), number)
    status = f"https://twitter.com/{other['username']}/status/{number}"
    parts = [
        f"@{spelt(asked['username'])} the pothole {number} is deep",
        f"@{crowd.handle()}",
        f"says {spelt(author['username'])}, and {quoted['username']}: look",
        f"#{spelt(author['username'])} #road #{quoted['username']}",
        f"(.@{crowd.handle()})",
        f"{crowd.handle()}@mastodon.social".join(["@", ""]),
        link,
        status,
    ]
    crowd.chance.shuffle(parts)
    text = " ".join(parts)
    kind = ("quoted", "replied_to", "retweeted")[number % 3]
    original = f"pothole {number} by {quoted['username']} and @{asked['username']} {status}"
    if kind == "retweeted":
        text = f"RT @{quoted['username']}: {original}"
    return {
        "data": {
            "id": f"15{number:017}",
            "text": text,
            "lang": "en",
            "author_id": author["id"],
            "created_at": f"2026-03-01T12:{number % 60:02}:00.000Z",
            "in_reply_to_user_id": asked["id"],
            "conversation_id": f"15{number:017}",
            "referenced_tweets": [{"type": kind, "id": f"14{number:017}"}],
            "entities": {
                "mentions": [{"start": 0, "end": 13, "username": asked["username"], "id": asked["id"]}],
                "hashtags": [{"tag": spelt(author["username"])}, {"tag": "road"}, {"tag": quoted["username"]}],
                "urls": [
                    {"url": "https://t.co/a", "expanded_url": link, "display_url": link[8:40]},
                    {
                        "url": "https://t.co/b",
                        "expanded_url": status,
                        "display_url": f"twitter.com/{other['username']}…",
                    },
                ],
            },
            "attachments": {"media_keys": [f"3_{number}"]},
            "geo": {"place_id": f"p{number}"},
        },
        "includes": {
            "users": [author, asked, quoted, other],
            "tweets": [{"id": f"14{number:017}", "text": original, "author_id": quoted["id"]}],
            "media": [
                {
                    "media_key": f"3_{number}",
                    "type": "photo",
                    "url": f"https://pbs.example/{number}.jpg",
                    "alt_text": f"the pothole, photographed by {author['username']} for @{crowd.handle()}",
                }
            ],
            "places": [{"id": f"p{number}", "full_name": f"House of {author['username']}", "name": other["username"]}],
        },
        "matching_rules": [{"id": 1, "tag": author["username"]}],
    }


@dataclass
class Town:
    """A configuration on disk, and the command line on it."""

    folder: Path
    environment: dict[str, str]
    said: list[bytes] = field(default_factory=list)

    def run(self, *arguments: str, stdin: bytes = b"", code: int = 0) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "connector", *arguments],
            cwd=self.folder, env=self.environment, input=stdin, capture_output=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == code, done.stderr.decode()
        self.said += [done.stdout, done.stderr]
        return done.stdout

    def written(self) -> Iterator[tuple[str, bytes]]:
        """Every file of the data directory."""
        for file in sorted((self.folder / "home").rglob("*")):
            if file.is_file():
                yield file.name, file.read_bytes()


@pytest.fixture
def town(tmp_path: Path) -> Town:
    (tmp_path / "connector.toml").write_text(CITY)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "CONNECTOR_HOME": str(tmp_path / "home"),
        "CONNECTOR_CONFIG": str(tmp_path / "connector.toml"),
        "CONNECTOR_KEY": KEY,
    }
    database = store.open_database(settings.load(tmp_path / "connector.toml"))
    with database.writing() as session:
        catalogue_file.import_text(session, yaml.safe_dump(CATALOGUE), "test")
    database.close()
    return Town(tmp_path, environment)


def test_no_handle_or_name_of_a_generated_input_is_anywhere_in_clear(town: Town) -> None:
    crowd = Crowd()
    messages = [a_message(crowd, number) for number in range(MESSAGES)]
    lines = [json.dumps(message).encode() for message in messages]
    secret = f"broken {crowd.handle()}"
    counts = json.loads(town.run("ingest", "-", "--json", stdin=b"\n".join([*lines, secret.encode(), *lines[:5]])))
    assert (counts["read"], counts["bad"], counts["new"], counts["duplicate"]) == (MESSAGES + 5, 1, MESSAGES, 5)

    waiting = json.loads(town.run("suspects", "--json"))
    assert sum(suspect["posts"] for suspect in waiting) == MESSAGES, "the reposts too, because a rule asks for them"
    town.run("decide", str(waiting[0]["id"]), "accept")
    config = settings.load(town.folder / "connector.toml")
    database = store.open_database(config)
    for suspect in waiting[1:25]:
        workflow.accept(database, config, suspect["id"], "Dana")
    ways = {"outbox": load("outbox", config.channels["outbox"], 1, config.home)}
    Deliveries(database, config, ways, "worker").step()
    town.run("tickets", "--json")
    town.run("export", str(town.folder / "home" / "export.yaml"))
    town.run("ingest", "missing.jsonl", code=2)
    for command in (["suspects"], ["suspects", "--json", "--status", "all"], ["tickets"], ["status", "--json"]):
        done = CliRunner().invoke(app, command, env=town.environment)
        town.said += [done.stdout.encode(), done.stderr.encode()]
        assert done.exit_code == 0

    # The write-ahead log is searched too, while the database is open.
    seen = dict(town.written())
    assert sum(name.endswith(".eml") for name in seen) == 25
    assert b"pothole" in seen["city.db"] + seen["city.db-wal"]
    everything = b"\0".join([*seen.values(), *town.said]).lower().replace(b"=\n", b"").replace(b"=\r\n", b"")
    assert _found(crowd.handles, everything) == []
    assert _found(crowd.names, everything) == []
    _reveals(database, sealing.load(config), messages)
    database.close()


def _found(needles: list[str], haystack: bytes) -> list[str]:
    assert len(needles) > MESSAGES
    return [needle for needle in needles if needle.lower().encode() in haystack]


def _reveals(database: store.Database, sealer: sealing.Sealer, messages: list[dict[str, Any]]) -> None:
    """What is searched for in vain is there all the same, for the reviewer's card."""
    with database.reading() as session:
        for message in messages:
            post = session.exec(select(Post).where(Post.source_id == message["data"]["id"])).one()
            names = json.loads(sealer.unseal(post.author_sealed or b"", post.source, post.source_id))
            author = message["includes"]["users"][0]
            assert (names["handle"], names["name"]) == (author["username"], author["name"])
            if not message["data"]["text"].startswith("RT @"):
                assert sealing.reveal(post.text, names["handles"]) == message["data"]["text"]


def test_search_would_find_a_handle_that_stands_in_clear(town: Town) -> None:
    """Positive control: a word of the text is in the files, so a handle that was not hidden would be."""
    message = {"data": {"id": "1", "text": "pothole near qqqqwwwwzzzz"}}
    town.run("ingest", "-", "--json", stdin=json.dumps(message).encode())
    assert b"qqqqwwwwzzzz" in b"".join(content for _, content in town.written())


# -- after a deletion --------------------------------------------------------------------------------------------------

MARKS = ("xylographerq", "vexillologyq", "quokkasnowq", "brontosaurq")


@pytest.mark.parametrize("sent", [False, True])
def test_words_of_a_deleted_post_are_nowhere_in_the_files(sent: bool, tmp_path: Path) -> None:
    config = settings.Config.model_validate(
        {
            "city": {"name": "Testville"},
            "channels": {"outbox": {"kind": "outbox"}},
            "delivery": {"hold": 0},
            "home": tmp_path / "home",
            "database_url": f"sqlite:///{tmp_path / 'home' / 'city.db'}",
        }
    )
    database = store.open_database(config)
    with database.writing() as session:
        catalogue_file.import_text(session, yaml.safe_dump(CATALOGUE), "test")
    intake = Intake(config, sealing.load(config), Gazetteer.load(None, None, None))
    deliveries = Deliveries(
        database, config, {"outbox": load("outbox", config.channels["outbox"], 1, config.home)}, "w"
    )

    def take(*events: Any) -> None:
        with database.writing() as session:
            intake.refresh(session)
            intake.take(session, From("x", "x", CAPABILITIES), Batch(events))

    filler = [Arrived(Incoming(f"9{n}", f"pothole number {n} " + "long " * 40, "en")) for n in range(50)]
    author = Person("somebody", MARKS[3])
    detail = Detail(author=author, quoted_text=f"{MARKS[1]} " * 300, hashtags=[MARKS[2]], posted_at=None)
    post = Incoming("1", f"pothole {MARKS[0]} " * 400, "en", b"", detail)
    take(*filler[:25], Arrived(post), *filler[25:])
    take(Edited(Incoming("1", f"pothole {MARKS[0]} {MARKS[1]}", "en", b"", detail)))
    with database.reading() as session:
        leading = select(Suspect.id).join(Post, col(Post.id) == col(Suspect.lead_post_id))
        suspect = session.exec(leading.where(Post.source_id == "1")).one()
    workflow.accept(database, config, suspect or 0, "Dana")
    if sent:
        deliveries.step()
    assert _marks(tmp_path)
    take(Deleted("1"))
    deliveries.step()
    assert _marks(tmp_path) == []
    assert b"pothole number 7" in (tmp_path / "home" / "city.db").read_bytes()
    database.close()


def _marks(folder: Path) -> list[str]:
    written = b"\0".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    return [mark for mark in MARKS[:3] if mark.encode() in written]
