"""The processes of `run`: where the pages listen, where links lead, and that a killed supervisor leaves none behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from connector import config as settings
from connector import supervisor
from connector.child import PARENT
from tests.conftest import LOGIN

ROOT = Path(__file__).resolve().parents[1]
KILLED = """
import subprocess, sys, time, os
os.environ["{parent}"] = str(os.getpid())
started = subprocess.Popen([sys.executable, "-m", "connector.child", "http.server", "{port}", "--bind", "127.0.0.1"])
print(started.pid, flush=True)
time.sleep(60)
"""


def pages_command(config: settings.Config) -> list[str]:
    (part,) = [part for part in supervisor._parts(config, 8599) if part.name == "pages"]
    return part.command


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(happens: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_without_a_login_the_pages_listen_to_this_computer_alone() -> None:
    assert "--server.address=127.0.0.1" in pages_command(settings.demo_city())
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert told["server"]["address"] == "127.0.0.1", "for `streamlit run app.py`"


def test_with_a_login_the_pages_listen_to_the_network(tmp_path: Path) -> None:
    (tmp_path / "connector.toml").write_text(LOGIN)
    assert "--server.address=0.0.0.0" in pages_command(settings.load(tmp_path / "connector.toml"))


def test_links_of_the_demo_lead_to_where_its_pages_were_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_HOME", str(tmp_path))
    assert settings.demo_city().city.url == "http://127.0.0.1:8501"
    settings.demo_address(tmp_path).write_text("http://127.0.0.1:8733")
    assert settings.demo_city().city.url == "http://127.0.0.1:8733"


@pytest.mark.skipif(sys.platform == "win32", reason="there a process does not learn of its parent's end")
def test_a_child_ends_with_its_supervisor_also_with_a_killed_one() -> None:
    port = free_port()
    script = KILLED.format(parent=PARENT, port=port)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        try:
            until(lambda: listens(port))
            time.sleep(1.5)
            assert listens(port), "as long as the supervisor lives, so does the child"
            parent.kill()
            until(lambda: not listens(port), 10)
        finally:
            parent.kill()
            if listens(port):
                os.kill(child, signal.SIGKILL)


@pytest.mark.long
@pytest.mark.skipif(sys.platform == "win32", reason="there a process does not learn of its parent's end")
def test_a_killed_run_leaves_no_process_and_no_port_taken(tmp_path: Path) -> None:
    pages, desk = free_port(), free_port()
    environment = {
        k: v for k, v in os.environ.items() if k not in ("CONNECTOR_CONFIG", "DATABASE_URL", "CONNECTOR_KEY")
    }
    environment |= {"CONNECTOR_HOME": str(tmp_path / "home"), "CONNECTOR_DEMO_DESK_PORT": str(desk)}
    command = [sys.executable, "-m", "connector", "run", "--port", str(pages)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:  # fmt: skip
        try:
            assert process.stdout
            assert f"http://127.0.0.1:{pages}" in process.stdout.readline()
            assert (tmp_path / "home" / "demo.url").read_text() == f"http://127.0.0.1:{pages}"
            process.kill()
            until(lambda: not listens(pages) and not listens(desk), 30)
            until(lambda: not _of_group(process.pid), 30)
        finally:
            if _of_group(process.pid):
                os.killpg(process.pid, signal.SIGKILL)


def _of_group(group: int) -> list[str]:
    """Processes that live; one that nobody has buried yet does not."""
    asked = ["ps", "-o", "stat=", "-g", str(group)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return [state for state in done.stdout.split() if not state.startswith("Z")]
