"""The simulator of X as a process of its own, which outlives the killing of the worker that talks to it.

`with x_process(scale=60) as x:` gives a `Remote`: the verbs of `x_control.py` as methods, with plain JSON for answers.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import requests

from tests.peers.x_clock import Clock

ROOT = Path(__file__).parents[2]


class Remote:
    """Calls `/_control/NAME` for each method; arguments by name."""

    def __init__(self, url: str, control: str, scale: float, origin: float) -> None:
        self.url = url
        self.clock = Clock(scale, origin)
        self._control = control
        self._session = requests.Session()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        def call(**values: Any) -> Any:
            plain = {key: asdict(value) if is_dataclass(value) else value for key, value in values.items()}
            answer = self._session.post(f"{self._control}/_control/{name}", json=plain, timeout=60)
            if answer.status_code != 200:
                raise ValueError(answer.json()["error"])
            return answer.json() if answer.content else None

        return call

    def close(self) -> None:
        self._session.close()


@contextlib.contextmanager
def x_process(
    scale: float = 1.0, port: int = 0, seed: int = 0, plan: str = "pay-per-use", **settings: Any
) -> Iterator[Remote]:
    """Runs for as long as the block does; `settings` are those of `x_plans.Settings`."""
    command = [
        sys.executable, "-m", "tests.peers.x_simulator", "--port", str(port), "--scale", str(scale),
        "--seed", str(seed), "--plan", plan, "--settings", json.dumps(settings),
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            remote = Remote(**json.loads(process.stdout.readline()))
            with contextlib.closing(remote):
                yield remote
        finally:
            process.stdin.close()
