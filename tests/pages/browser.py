"""A demo city to fill, its pages on a free port, and Chromium looking at them; for the tests of every page.

`City.arrive` brings posts in through the real intake, without a worker. `Site.open` gives a page that keeps what went
wrong in it: `complaints` of the console, `strays` for requests that would have left this computer. One server serves a
whole module, for it starts slowly; `City.emptied` puts its database back to the first day for each test.
"""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import streamlit as st

from connector import catalogue_file, config, sources, store
from connector.config import DEMO, Config
from connector.demo import past
from connector.incoming import Arrived, Batch, Detail, Incoming, Person
from connector.intake import From
from connector.models import Worker, now
from connector.store import Database, house, queue
from connector.store import sources as questions
from tests.builders import a_suspect

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130 Mobile Safari/537.36"
PATIENCE = 30_000  # milliseconds; the machine may be busy
Browser = Any  # playwright's, which need not be installed
_numbers = itertools.count(1)


def forget() -> None:
    """What this process keeps of another city."""
    st.cache_resource.clear()
    st.cache_data.clear()


@dataclass
class City:
    """The demo city's catalogue in a database of its own, and a way to bring posts in."""

    config: Config
    database: Database

    @classmethod
    def founded(cls, home: Path, like: Path | None = None) -> City:
        """In this directory; `like` a city that was kept, which is faster than reading the catalogue again."""
        settings = config.demo_city().model_copy(update={"home": home, "database_url": f"sqlite:///{home / 'demo.db'}"})
        if like:
            home.mkdir(parents=True)
            shutil.copy(like, home / "demo.db")
        city = cls(settings, store.open_database(settings))
        if not like:
            with city.database.writing() as session:
                catalogue_file.import_text(session, (DEMO / "city.yaml").read_text("utf-8"), "test")
                questions.state(session, "sample", "sample")
        city.beat()
        return city

    def beat(self, alive: bool = True) -> None:
        """A worker's heartbeat: an hour ahead, so that it outlasts the test; or one that stopped."""
        with self.database.writing() as session:
            if alive:
                house.beat(session, "test", now())
                session.flush()
                session.get_one(Worker, "test").heartbeat_at = now() + timedelta(hours=1)
            else:
                house.stopped(session, "test")

    def kept(self) -> Path:
        """Remember the database as it is now, in this file."""
        first = self._file.with_suffix(".first")
        self._copied(self._file, first)
        return first

    def emptied(self) -> None:
        """Put the database back as it was kept, at once for everybody who has it open."""
        self._copied(self._file.with_suffix(".first"), self._file)

    @property
    def _file(self) -> Path:
        return self.config.home / "demo.db"

    @staticmethod
    def _copied(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target, timeout=30)) as there:
            here.backup(there)

    def arrive(self, *texts: str, handle: str = "nobody_there", posted_at: datetime | None = None) -> list[int]:
        """Posts come in; returns the ids of the suspects made, in the order of the texts (each a second younger)."""
        taking, start = past.intake(self.config), posted_at or now() - timedelta(minutes=5)
        posts = [
            Incoming(
                f"t-{next(_numbers)}", text, "en", b"",
                Detail(posted_at=start + timedelta(seconds=at), author=Person(handle, "Nobody There")),
            )
            for at, text in enumerate(texts)
        ]  # fmt: skip
        origin = From("sample", "sample", sources.capabilities("sample"))
        with self.database.writing() as session:
            taking.refresh(session)
            taken = taking.take(session, origin, Batch([Arrived(post) for post in posts]))
        return taken.suspects

    def queued(self, number: int, text: str = "pothole {} on Birch Street", **values: Any) -> list[int]:
        """So many suspects wait, each by itself; their ids as the list shows them, the newest first."""
        with self.database.writing() as session:
            at = values.pop("first_posted_at", now() - timedelta(minutes=30))
            made = [
                a_suspect(session, text.format(one), first_posted_at=at + timedelta(seconds=one), **values)
                for one in range(number)
            ]
            return [suspect.id or 0 for suspect in reversed(made)]

    def status(self, suspect_id: int) -> str:
        return self.suspect(suspect_id).status

    def suspect(self, suspect_id: int) -> Any:
        with self.database.reading() as session:
            found = queue.card(session, suspect_id)
            assert found
            return found.suspect

    def decisions(self, suspect_id: int) -> list[tuple[str, str]]:
        """(kind, reason), oldest first."""
        with self.database.reading() as session:
            return [(one.kind, one.reason) for one in reversed(queue.decisions(session, suspect_id))]


@dataclass
class Site:
    """The pages on loopback."""

    url: str
    city: City
    browser: Browser
    complaints: list[str] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)

    def open(self, path: str = "", phone: bool = False, dark: bool = False) -> Any:
        """A page in a fresh context, whose first button has come."""
        context = self.browser.new_context(
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
            color_scheme="dark" if dark else "light",
            **({"user_agent": PHONE} if phone else {}),
        )
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: (self.complaints.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda asked: self._at_home(asked.url) or self.strays.append(asked.url))
        page.goto(f"{self.url}/{path}")
        page.get_by_role("heading", level=1).wait_for()
        return page

    def close(self) -> None:
        """Every page that a test opened; nobody looks any more."""
        for context in self.browser.contexts:
            context.close()

    def _at_home(self, url: str) -> bool:
        return url.startswith((self.url, self.url.replace("http", "ws", 1), "data:", "blob:"))


_QUIET = """([rest, patience]) => new Promise((done, fail) => {
    const over = Date.now() + patience;
    const still = () => document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]");
    let timer;
    const look = () => {
        const late = Date.now() > over;
        if (!late && !still()) return again();
        watch.disconnect();
        late ? fail(new Error("the page never came to rest")) : done();
    };
    const again = () => { clearTimeout(timer); timer = setTimeout(look, rest) };
    const watch = new MutationObserver(() => { if (Date.now() < over) again() });
    watch.observe(document.body, {subtree: true, childList: true, attributes: true});
    again();
})"""
_REST = 400  # milliseconds


def settled(page: Any) -> None:
    """Until the script has run and what it drew has been at rest for a while, however busy the machine is: a key
    pressed before its button is painted is lost."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    page.evaluate(_QUIET, [_REST, PATIENCE])


def painted(page: Any) -> None:
    """Until what stands there has been drawn and listens; it need not be at rest."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def until(happens: Callable[[], bool]) -> None:
    """Until it holds; AssertionError if it never does."""
    end = time.monotonic() + PATIENCE / 1000
    while not happens():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.1)


def waits_for(page: Any, suspect_id: int) -> None:
    """Until this suspect's card and all its keys are on the screen."""
    page.locator(f".st-key-accept_{suspect_id} button").wait_for()
    settled(page)


@contextmanager
def launched() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def serving(
    home: Path, browser: Browser, port: int = 0, city: City | None = None, **environment: str
) -> Iterator[Site]:
    """`streamlit run app.py` with this data directory, until the block ends; for a demo city, on a free port."""
    if city is None:
        city = City.founded(home)
        city.kept()
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if name != "CONNECTOR_CONFIG"}
    env |= {"CONNECTOR_HOME": str(home), "PYTHONPATH": str(ROOT), **environment}
    log = home / "pages.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), f"--server.port={port}",
                "--server.address=127.0.0.1", "--server.headless=true",
            ],
            cwd=ROOT, env=env, stdout=out, stderr=out,
        )  # fmt: skip
        try:
            _answers(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            yield Site(f"http://127.0.0.1:{port}", city, browser)
        finally:
            process.terminate()
            process.wait(20)
            city.database.close()


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"The pages did not start: {log.read_text()[-2000:]}")
