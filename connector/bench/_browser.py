"""`bench queue` in a real browser: how long a key takes to the next card, and opening the page to the first.

Floor is a bare Streamlit app with one button, served the same way; both are looked at in turn by one headless Chromium
on this computer. Times are those of the browser's own clock, up to the second frame after everything asked for is
there. Skipped, with the reason, where Chromium or playwright is missing.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from sqlmodel import col, update

from connector import store
from connector.bench._house import at, copied, workspace
from connector.bench._queue import fill
from connector.config import DATA, Config
from connector.demo import past
from connector.models import Suspect, SuspectStatus, Worker, now
from connector.store import Database, house

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
_PATIENCE = 90.0  # seconds
_BETWEEN = (
    0.6  # seconds; a key hit earlier than an eye can meet the new card is meant for the old one, and does nothing
)
_REST = 1.0  # seconds before a page is opened: the one before goes on drawing its list and map, and slowed the next
_ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
_BARE = """\
import streamlit as st

st.title("Bare")
st.session_state.setdefault("n", 0)


def press():
    st.session_state.n += 1


st.button("Press", key="press", shortcut="a", on_click=press)
st.container(key=f"count_{st.session_state.n}").text("pressed")
"""
# What stands there, by name, once a key can decide it; nothing before. Asked in every frame.
_STANDS = {
    "bare": """() => {
        const count = document.querySelector("[class*=st-key-count_]");
        const button = document.querySelector(".st-key-press button");
        return count && button && !button.disabled ? /st-key-(count_\\d+)/.exec(count.className)[1] : "";
    }""",
    "queue": """() => {
        const card = document.querySelector("[class*=st-key-card_]");
        const id = card ? /st-key-card_(\\d+)/.exec(card.className)[1] : "";
        return id && document.querySelector(`.st-key-accept_${id} button:not([disabled])`) ? id : "";
    }""",
}
_WATCH = """
window.benchStands = %s;
window.benchUntil = (old) => {
    window.benchTook = 0;
    const look = () => {
        if (!window.benchStands() || window.benchStands() === old) {
            requestAnimationFrame(look);
        } else {
            requestAnimationFrame(() => requestAnimationFrame(() => window.benchTook = performance.now()));
        }
    };
    look();
};
window.benchUntil("");
window.addEventListener("keydown", () => window.benchPressed ??= performance.now(), true);
"""
# Not by `wait_for_function`: it wants `eval`, which our policy forbids.
_TOOK = """() => new Promise((tell) => {
    const look = () => window.benchTook ? tell(window.benchTook) : requestAnimationFrame(look);
    look();
})"""


def pages(turns: int = 25, loads: int = 11) -> dict[str, Any]:
    """Ratios to the bare app: `a_key` from the key to the next card, `cold` and `warm` from the address to the first.

    p50 and p95 of each, in milliseconds. `volume`: the same page, warm, over 1,000,000 posts and 100,000 that wait,
    against 1,000 of both.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return {"browser": "not measured: playwright is not installed"}
    if not Path(CHROMIUM).exists():
        return {"browser": f"not measured: {CHROMIUM} is not installed"}
    with workspace() as folder, sync_playwright() as playwright, ExitStack() as stack:
        template = _city(folder / "city")
        bare = stack.enter_context(_bare(folder))
        queue = stack.enter_context(_queue(copied(template, folder / "few")))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_ARGUMENTS))
        stack.callback(browser.close)
        looks = {"bare": _Look(browser, bare, "bare"), "queue": _Look(browser, queue, "queue")}
        found = {"a_key": _compared(looks, _Look.pressed, turns)}
        found |= {"cold": _compared(looks, _Look.cold, loads), "warm": _compared(looks, _Look.warm, loads)}
        sizes = {
            name: stack.enter_context(_queue(_filled(template, folder / name, waiting, posts)))
            for name, waiting, posts in (("thousand", 1000, 1000), ("million", 100_000, 1_000_000))
        }
        many = {name: _Look(browser, address, "queue") for name, address in sizes.items()}
        found["volume"] = _compared(many, _Look.warm, loads)
        return found


def _compared(looks: dict[str, _Look], measure: Callable[[_Look], float], turns: int) -> dict[str, Any]:
    """In turns; the first of each is not counted, for it meets empty caches of ours."""
    floor, ours = looks
    spent: dict[str, list[float]] = {name: [] for name in looks}
    for turn in range(turns + 1):
        for name, look in looks.items():
            took = measure(look)
            if turn:
                spent[name].append(took)
    return {
        "ratio": round(median(spent[ours]) / median(spent[floor]), 2),
        "ratio_p95": round(_p95(spent[ours]) / _p95(spent[floor]), 2),
        **{f"{name}_ms": [round(median(took)), round(_p95(took))] for name, took in spent.items()},
        "turns": turns,
    }


def _p95(spent: list[float]) -> float:
    return quantiles(spent, n=20, method="inclusive")[-1]


class _Look:
    """One app, looked at by a browser."""

    def __init__(self, browser: Any, address: str, kind: str) -> None:
        self._browser, self._address, self._kind = browser, address, kind
        self._page: Any = None

    def cold(self) -> float:
        """Milliseconds in a browser that has never been here."""
        if self._page:
            self._page.context.close()
        time.sleep(_REST)
        self._page = self._browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        self._page.add_init_script(_WATCH % _STANDS[self._kind])
        self._page.goto(self._address, wait_until="commit")
        return self._took()

    def warm(self) -> float:
        """Milliseconds where the browser has the app's own files."""
        if not self._page:
            self.cold()
        time.sleep(_REST)
        self._page.reload(wait_until="commit")
        return self._took()

    def pressed(self) -> float:
        """Milliseconds from the key A to what comes of it."""
        if not self._page:
            self.cold()
        time.sleep(_BETWEEN)
        self._page.evaluate("() => { window.benchPressed = null; window.benchUntil(window.benchStands()); }")
        self._page.keyboard.press("a")
        return self._took() - float(self._page.evaluate("window.benchPressed"))

    def _took(self) -> float:
        return float(self._page.evaluate(_TOOK))


# -- what is served --------------------------------------------------------------------------------------------------


def _city(folder: Path) -> Config:
    """The demo city after a month, nothing of it decided."""
    folder.mkdir()
    config = at(folder)
    database = store.open_database(config)
    past.prepare(database, config)
    with database.writing() as session:
        session.exec(
            update(Suspect)
            .where(col(Suspect.status) == SuspectStatus.DISMISSED)
            .values(status=SuspectStatus.WAITING, decided_at=None, decided_by="", dismiss_reason="")
        )
        house.beat(session, "bench", now())
        session.flush()
        session.get_one(Worker, "bench").heartbeat_at = now() + timedelta(hours=6)
    database.close()
    return config


def _filled(template: Config, folder: Path, waiting: int, posts: int) -> Config:
    config = copied(template, folder)
    database = Database(config.database_url)
    fill(database, posts, waiting)
    database.close()
    return config


@contextmanager
def _bare(folder: Path) -> Iterator[str]:
    script = folder / "bare.py"
    script.write_text(_BARE)
    with _served(script, {}) as address:
        yield address


@contextmanager
def _queue(config: Config) -> Iterator[str]:
    environment = {"CONNECTOR_HOME": str(config.home), "DATABASE_URL": config.database_url}
    with _served(DATA.parent / "app.py", environment) as address:
        yield address


@contextmanager
def _served(script: Path, environment: dict[str, str]) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {name: value for name, value in os.environ.items() if name != "CONNECTOR_CONFIG"} | environment
    command = [sys.executable, "-m", "streamlit", "run", str(script), f"--server.port={port}"]
    process = subprocess.Popen(
        [*command, "--server.address=127.0.0.1"], cwd=DATA.parent, env=env, stdout=subprocess.DEVNULL, stderr=None
    )
    try:
        _answers(f"http://127.0.0.1:{port}/_stcore/health", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("The pages did not start.")
