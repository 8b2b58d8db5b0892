"""A burst of posts, as fast as they can be read, until the last one is stored: through `ingest -`, and the worker.

Each in processes of its own, since it is their memory that is measured. The worker's source pushes, as X's stream does:
what cannot be stored at once goes through the sealed spool.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from connector import sealing, store
from connector.bench._house import at
from connector.collect import Collector
from connector.config import DATA, Adapter
from connector.incoming import Arrived, Batch, Incoming
from connector.ingest import ingest
from connector.intake import Intake
from connector.sources import Capabilities, Settings, Source, Stopping
from connector.sources.x.payload import decode
from connector.triage import Gazetteer

_BATCH = 500
_PATIENCE = 300.0  # seconds
_COMMAND = [sys.executable, "-c", "from connector.bench._burst import main; main()"]


class Burst(Source):
    """Lines of a file, as fast as the collector takes them."""

    title = "Burst"
    capabilities = Capabilities(reads="lines of a file", pushes=True, resumes=False, surface="stream")

    def __init__(self, file: Path, config: Any) -> None:
        super().__init__("x", Settings(), config)
        self._file = file

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        with self._file.open("rb") as lines:
            number = 0
            while part := list(islice(lines, _BATCH)):
                number += len(part)
                yield Batch([Arrived(post) for line in part for post in decode(line)], str(number))
        while not stopping(1):
            pass

    def decoded(self, raw: bytes) -> Incoming:
        return decode(raw)[0]


def ingested(home: Path, file: Path) -> float | None:
    """Megabytes that the command `ingest -` and its helpers hold at most together, shared pages counted once.

    None where the system does not tell.
    """
    command = [*_COMMAND, "ingest", str(home)]
    with file.open("rb") as lines, subprocess.Popen(command, cwd=DATA.parent, stdin=lines) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _held(process.pid))
            time.sleep(0.05)
    if process.returncode:
        raise RuntimeError(f"ingest ended with exit code {process.returncode}")
    return round(peak, 1) or None


def _held(pid: int) -> float:
    """Megabytes of this process and its children; 0 once it is gone."""
    with contextlib.suppress(OSError):
        children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        return own / 1024 + sum(map(_held, children))
    return 0.0


def measured(home: Path, file: Path, count: int) -> dict[str, Any]:
    """Seconds and megabytes of a worker that takes this file in one burst, in a process of its own."""
    command = [*_COMMAND, "worker", str(home), str(file), str(count)]
    done = subprocess.run(command, cwd=DATA.parent, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = msgspec.json.decode(done.stdout)
    return found


def _ingest(home: str) -> None:
    config = at(Path(home))
    database = store.open_database(config)
    ingest(database, config, [Path("-")], "x")
    database.close()


def _work(home: str, file: str, count: str) -> None:
    config = at(Path(home)).model_copy(update={"sources": {"x": Adapter(kind="x")}})
    database = store.open_database(config)
    city = config.city
    gazetteer = Gazetteer.load(city.streets, city.landmarks, city.districts, city.name)
    intake = Intake(config, sealing.load(config), gazetteer)
    collector = Collector(database, config, intake, {"x": Burst(Path(file), config)})
    idle = _peak_mb()
    began, read = time.perf_counter(), 0
    collector.start()
    while read < int(count):
        if taken := collector.store_next(0.1):
            read += taken.read
        if time.perf_counter() - began > _PATIENCE:
            raise SystemExit(f"only {read} of {count} posts were stored")
    spent = time.perf_counter() - began
    collector.stop()
    database.close()
    told = {"seconds": spent, "peak_mb": _peak_mb(), "idle_mb": idle}
    sys.stdout.write(msgspec.json.encode(told).decode())


def _peak_mb() -> float:
    """Of this process; what `getrusage` tells counts its parent's too."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def main() -> None:
    what, *arguments = sys.argv[1:]
    if what == "ingest":
        _ingest(*arguments)
    else:
        _work(*arguments)
