"""A worker whose time is the simulator's: `python -m tests.chaos.worker SCALE ORIGIN`, killed as the test likes.

The real command in all but the clock: moments that are compared with X's are X's, and what waits for X waits in X's
seconds, as `Pace` has it.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from connector import config, supervisor
from connector.collect import filler, reader
from connector.sources.x import X
from connector.sources.x.source import Pace
from connector.store import sources as questions
from tests.peers.x_clock import Clock


def main(scale: str, origin: str) -> None:
    clock = Clock(float(scale), float(origin))

    def now() -> datetime:
        return datetime.fromtimestamp(clock.now(), UTC)

    questions.now = now  # type: ignore[assignment]
    X.pace = Pace(now, clock.scale, flush=0.05)
    reader.FIRST_WAIT /= clock.scale
    filler.FIRST_WAIT, filler.LOOK, filler.TRIES = filler.FIRST_WAIT / clock.scale, 0.2, 1000
    supervisor.work(config.load())


if __name__ == "__main__":
    main(*sys.argv[1:])
