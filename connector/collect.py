"""Running the sources: one thread each, a short queue, and one writer that stores batch and cursor in one commit.

A source that fails is tried again, gently, and never takes another one down; a refused credential pauses it until
somebody mends it. The queue is short on purpose: a slow database holds the sources back instead of filling memory.
"""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Mapping

import structlog
from sqlalchemy.exc import OperationalError

from connector.config import Config
from connector.errors import AdapterError, AuthError
from connector.incoming import Arrived, Batch, Edited
from connector.intake import From, Intake, Taken
from connector.models import now
from connector.sources import Source
from connector.store import Database
from connector.store import sources as questions

log = structlog.get_logger()
_WAITING_BATCHES = 4
_FIRST_WAIT, _LONGEST_WAIT = 2.0, 300.0  # seconds between two tries of a failing source
_REFUSED_WAIT = 900.0


class Collector:
    """Reads all sources of this worker and stores what they hand over."""

    def __init__(self, database: Database, config: Config, intake: Intake, sources: Mapping[str, Source]) -> None:
        self.database, self.config, self.intake, self.sources = database, config, intake, sources
        self._batches: queue.Queue[tuple[Source, Batch]] = queue.Queue(_WAITING_BATCHES)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Begin to read; `store_next` must be called until `stop`."""
        for name, source in self.sources.items():
            with self.database.writing() as session:
                cursor = questions.state(session, name, self.config.sources[name].kind).cursor
            thread = threading.Thread(target=self._read, args=(source, cursor), name=f"read {name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float = 5) -> None:
        """Tell the readers to stop, and wait for them; what they still hold is read again next time."""
        self._stopping.set()
        for thread in self._threads:
            while thread.is_alive() and seconds > 0:
                self._drain()
                thread.join(0.1)
                seconds -= 0.1

    def store_next(self, seconds: float) -> Taken | None:
        """Store the next batch, waiting that long for one; None when none came."""
        try:
            source, batch = self._batches.get(timeout=seconds)
        except queue.Empty:
            return None
        return self.store(source, batch)

    def store(self, source: Source, batch: Batch) -> Taken:
        """A batch and its cursor in one commit; a change of the rules holds from here on."""
        origin = From(source.name, self.config.sources[source.name].kind, source.capabilities)
        prepared = self.intake.prepare(origin, batch)  # before the session: others may write meanwhile
        with self.database.writing() as session:
            if not self.intake.is_current(session, prepared):
                prepared = self.intake.prepare(origin, batch)
            taken = self.intake.store(session, origin, prepared)
            arrived = any(isinstance(event, Arrived | Edited) for event in batch.events)
            questions.advance(session, source.name, batch.cursor, arrived)
        return taken

    def _drain(self) -> None:
        while not self._batches.empty():
            self._batches.get_nowait()

    def _read(self, source: Source, cursor: str) -> None:
        wait = _FIRST_WAIT
        while not self._stopping.is_set():
            try:
                for batch in source.events(cursor, self._stopping.wait):
                    if not self._hand_over(source, batch):
                        return
                    cursor, wait = batch.cursor, _FIRST_WAIT
                self._note(source.name, "stopped", "")
                return
            except AuthError as error:
                self._note(source.name, "paused", str(error))
                wait = _REFUSED_WAIT
            except AdapterError as error:
                self._note(source.name, "catching up", str(error))
            except Exception as error:  # noqa: BLE001 - one broken source must not stop the others
                frame = traceback.extract_tb(error.__traceback__)[-1]
                log.error(
                    "a source broke",
                    source=source.name,
                    kind=type(error).__name__,
                    at=f"{frame.filename}:{frame.lineno}",
                )
                self._note(source.name, "catching up", f"The source broke: {type(error).__name__}")
            self._stopping.wait(wait)
            wait = min(_LONGEST_WAIT, wait * 2)

    def _hand_over(self, source: Source, batch: Batch) -> bool:
        while not self._stopping.is_set():
            try:
                self._batches.put((source, batch), timeout=0.5)
            except queue.Full:
                continue
            return True
        return False

    def _note(self, name: str, state: str, error: str) -> None:
        try:
            with self.database.writing() as session:
                stored = questions.state(session, name, self.config.sources[name].kind)
                stored.state, stored.last_error = state, error
                stored.last_error_at = now() if error else stored.last_error_at
                session.add(stored)
        except OperationalError as failed:
            log.error("the state of a source could not be written", source=name, kind=type(failed).__name__)
