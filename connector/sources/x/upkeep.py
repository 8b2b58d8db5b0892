"""Keeping X's list of rules like ours: before the stream is opened, and beside it while it runs.

`live.py` asks for it; `remote.py` does the comparing, which takes a few calls.
"""

from __future__ import annotations

import time
from concurrent.futures import Future
from typing import TYPE_CHECKING

from connector.errors import AdapterError, TemporaryError
from connector.sources import Stopping, Wanted
from connector.sources.x import remote
from connector.sources.x.client import aside
from connector.sources.x.remote import PLANS, Standing

if TYPE_CHECKING:
    from connector.sources.x.source import X

RETRY = 60.0
"""Seconds until rules are compared again while the stream runs, after a failure that names no time."""


class Upkeep:
    """Of one source, as long as it lives."""

    def __init__(self, source: X) -> None:
        self.standing = Standing()
        self._source = source
        self._compared: tuple[Wanted, ...] | None = None
        self._due_at = self._not_before = 0.0
        self._running: Future[tuple[tuple[Wanted, ...], Standing]] | None = None

    def doubt(self) -> None:
        """What stands at X may not be what we left there."""
        self._compared = None

    def compare(self, stopping: Stopping) -> None:
        """Now, if anything changed or it is long ago; raises AdapterError."""
        self._running = None  # what was begun beside an earlier stream was stopped with it
        if self._is_due:
            self._keep(*self._look(stopping))

    def look_after(self, stopping: Stopping) -> None:
        """Beside the stream: begins to compare if it is due, and takes up what came of it. A failure ends no stream."""
        if self._running is None:
            if self._is_due and time.monotonic() >= self._not_before:
                self._running = aside(lambda: self._look(stopping))
            return
        if not self._running.done():
            return
        future, self._running = self._running, None
        try:
            self._keep(*future.result())
        except AdapterError as error:
            told = error.retry_after if isinstance(error, TemporaryError) else None
            self._not_before = time.monotonic() + (RETRY if told is None else told) / self._source.pace.scale
            self._source.troubles = [f"The rules on X's stream could not be compared with ours: {error}"]

    @property
    def _is_due(self) -> bool:
        return self._compared is not self._source.wanted or time.monotonic() >= self._due_at

    def _look(self, stopping: Stopping) -> tuple[tuple[Wanted, ...], Standing]:
        source, wanted = self._source, self._source.wanted
        plan, take_over = PLANS[source.settings.plan], source.settings.take_over
        return wanted, remote.compared(source.client, source.installation, wanted, plan, take_over, stopping)

    def _keep(self, wanted: tuple[Wanted, ...], standing: Standing) -> None:
        self._compared, self.standing = wanted, standing
        self._due_at = time.monotonic() + self._source.pace.compare / self._source.pace.scale
        self._source.troubles = standing.troubles
