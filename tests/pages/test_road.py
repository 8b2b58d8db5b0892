"""The whole road in a browser: accepted by keyboard, filed, closed at the desk, seen closed."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages.browser import Browser, settled

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str], float]]:
    """`run` as a newcomer starts it; its address, the process, and the seconds until the page answered."""
    port = free_port()
    environment = {
        k: v for k, v in os.environ.items() if k not in ("CONNECTOR_CONFIG", "DATABASE_URL", "CONNECTOR_KEY")
    }
    environment |= {"CONNECTOR_HOME": str(tmp_path / "home"), "CONNECTOR_DEMO_DESK_PORT": str(free_port())}
    started = time.monotonic()
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "connector", "run", "--port", str(port)],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert f"http://127.0.0.1:{port}" in first, (first, (tmp_path / "log").read_text())
            yield f"http://127.0.0.1:{port}", process, time.monotonic() - started
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout:
                process.stdout.close()


def _children(process: subprocess.Popen[str]) -> list[int]:
    done = subprocess.run(["ps", "-o", "pid=", "-g", str(process.pid)], capture_output=True, text=True, check=False)
    return [int(pid) for pid in done.stdout.split()]


@pytest.mark.browser
def test_a_suspect_becomes_a_ticket_and_is_closed(
    demo: tuple[str, subprocess.Popen[str], float], chromium: Browser
) -> None:
    url, process, seconds = demo
    page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    assert seconds < 60
    page.goto(url)
    page.get_by_role("heading", name="Queue").wait_for()
    accept = page.get_by_role("button", name="Accept")
    accept.wait_for(timeout=10_000)
    settled(page)
    accepted_at = time.monotonic()
    page.keyboard.press("a")
    number = page.get_by_text(re.compile(r"PA-\d\d-\d{6}|SC-[0-9A-Z]{6}")).first
    number.wait_for(timeout=45_000)
    assert time.monotonic() - accepted_at < 45
    found = re.search(r"PA-\d\d-\d{6}", number.inner_text())
    assert found, "the first suspect of the demo goes to the desk"

    page.goto(f"{url}/tickets?find={found[0]}")
    with page.expect_popup() as opened:
        page.get_by_role("link", name=re.compile("desk", re.IGNORECASE)).first.click()
    desk = opened.value
    desk.get_by_role("textbox").first.fill("Filled and rolled this morning")
    desk.get_by_role("button", name="Close ticket").click()
    desk.get_by_text("Filled and rolled this morning").first.wait_for()

    end = time.monotonic() + 40
    while time.monotonic() < end:
        page.goto(f"{url}/tickets?find={found[0]}")
        page.get_by_role("heading", name="Tickets").wait_for()
        try:
            page.get_by_text("Filled and rolled this morning").first.wait_for(timeout=4_000)
            break
        except Exception:  # noqa: BLE001 - not yet
            continue
    else:
        pytest.fail("the closing was not seen within 40 s")

    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=40) == 0
    assert _children(process) == []
