"""One thread that reads one source: it hands batches over, and says of every failure what it means.

A source that fails is tried again, gently, and never takes another one down; a refused credential pauses it until
somebody mends it, a used-up budget until there is a new one. What a failure costs stands in the gap ledger.
"""

from __future__ import annotations

import threading
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.collect.inbox import Handed, Inbox
from connector.errors import AdapterError, AuthError, SpentError, TemporaryError, whereabouts
from connector.models import GapCause, now
from connector.sources import Source
from connector.store import Database, gaps
from connector.store import sources as questions

log = structlog.get_logger()
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0  # seconds between two tries of a failing source
REFUSED_WAIT, LONGEST_REFUSED_WAIT = 900.0, 6 * 3600.0
SPENT_WAIT = 3600.0


class Reader:
    """Reads one source until it is told to stop."""

    def __init__(
        self,
        database: Database,
        source: Source,
        kind: str,
        cursor: str,
        inbox: Inbox,
        wait: float = 0.0,
        behind: Reader | None = None,
    ) -> None:
        """`wait`: seconds before the first try, where the last one was told when to come back; `behind`: the reader
        that was told to stop, so that a platform never sees two of us."""
        self.source, self.inbox = source, inbox
        self._database, self._kind, self._cursor = database, kind, cursor
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._wait, self._behind = wait, behind
        self.well = False
        """Whether it brings batches. Said before a failure is noted: what came before it is stored later perhaps, and
        must not say that all is well."""
        self._thread = threading.Thread(target=self._run, name=f"read {source.name}", daemon=True)
        self._thread.start()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Tell it to; `ended` says when it did."""
        self._stopping.set()
        self._woken.set()

    def wake(self) -> None:
        """Try again at once, if it rests after a failure."""
        self._woken.set()

    def _run(self) -> None:
        failures = 0
        while self._behind and not self._behind.ended and not self._stopping.wait(0.05):
            pass
        self._behind = None
        self._woken.wait(self._wait)
        while not self._stopping.is_set():
            try:
                first = True
                for batch in self.source.events(self._cursor, self._stopping.wait):
                    self.well = True
                    if not self.inbox.put(Handed(self.source, batch, first), self._stopping.is_set):
                        return
                    self._cursor, first, failures = batch.cursor, False, 0
                if not self._stopping.is_set():
                    self._note("stopped", "")
                return
            except Exception as error:  # noqa: BLE001 - one broken source must not stop the others
                failures += 1
                self.well = False
                self._woken.clear()
                wait = self._failed(error, failures)
            if not self._stopping.is_set():
                self._woken.wait(wait)

    def _failed(self, error: Exception, failures: int) -> float:
        """Say so; seconds until the next try."""
        growing: float = FIRST_WAIT * 2 ** min(failures - 1, 10)
        wait, state, cause, says = min(growing, LONGEST_WAIT), "catching up", GapCause.DISCONNECT, str(error)
        match error:
            case AuthError():
                state, cause = "paused", GapCause.REFUSED
                wait = min(growing * REFUSED_WAIT / FIRST_WAIT, LONGEST_REFUSED_WAIT)
            case SpentError():
                state, cause, wait = "paused", GapCause.CREDITS, SPENT_WAIT
            case TemporaryError():
                cause = GapCause(error.cause or cause)
                wait = wait if error.retry_after is None else error.retry_after
            case AdapterError():
                pass
            case _:
                log.error("a source broke", source=self.source.name, **whereabouts(error))
                says = f"The source broke: {type(error).__name__}"
        self._note(state, says, cause, wait)
        return wait

    def _note(self, state: str, says: str, cause: GapCause | None = None, wait: float = 0.0) -> None:
        try:
            with self._database.writing() as session:
                stored = questions.state(session, self.source.name, self._kind)
                stored.state, stored.last_error = state, says
                if cause is not None:
                    stored.last_error_at = now()
                    # Only what a platform asks for binds the next worker: a mended token may be tried at once.
                    stored.retry_at = now() + timedelta(seconds=wait) if state == "catching up" else None
                    gaps.began(session, stored.name, stored.alive_at or now(), cause, says)
                session.add(stored)
        except SQLAlchemyError as failed:
            log.error("the state of a source could not be written", source=self.source.name, kind=type(failed).__name__)
