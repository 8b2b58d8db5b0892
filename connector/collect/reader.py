"""One thread that reads one source: it hands batches over, and says of every failure what it means.

A source that fails is tried again, gently, and never takes another one down; a refused credential pauses it until
somebody mends it, a used-up budget until there is a new one. What a failure costs stands in the gap ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
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
        inbox: Inbox,
        begin: Callable[[], tuple[str, float] | None],
        behind: Reader | None = None,
    ) -> None:
        """`begin` tells the cursor and how many seconds to wait before the first try; None: it is not to be read.
        `behind`: the reader that was told to stop, so that a platform never sees two of us."""
        self.source, self.inbox = source, inbox
        self._database, self._kind, self._cursor = database, kind, ""
        self._stopping, self._woken = threading.Event(), threading.Event()
        self._begin, self._behind = begin, behind
        self.well = False
        """Whether it brings batches. Said before a failure is noted: what came before it is stored later perhaps, and
        must not say that all is well."""
        self._thread = threading.Thread(target=self._run, name=f"read {source.name}", daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Tell it to; `ended` says when it did."""
        self._stopping.set()
        self._woken.set()

    def wake(self) -> None:
        """Try again at once, if it rests after a failure and the platform named no wait."""
        self._woken.set()

    def _run(self) -> None:
        begun = self._begun()
        if begun is None:
            return
        self._cursor, wait = begun
        self._stopping.wait(wait)
        failures = 0
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
                wait, told = self._failed(error, failures)
                if not self._stopping.is_set():
                    # A person who asks twice must not knock at a platform that asked us to stay away.
                    (self._stopping if told else self._woken).wait(wait)

    def _begun(self) -> tuple[str, float] | None:
        """Once the one before has ended, and the database answers."""
        while self._behind and not self._behind.ended and not self._stopping.wait(0.05):
            pass
        self._behind = None
        while not self._stopping.is_set():
            try:
                return self._begin()
            except SQLAlchemyError as error:
                log.error("a source could not be started", source=self.source.name, kind=type(error).__name__)
                self._stopping.wait(FIRST_WAIT)
        return None

    def _failed(self, error: Exception, failures: int) -> tuple[float, bool]:
        """Say so; seconds until the next try, and whether the platform asked for them."""
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
        told = isinstance(error, TemporaryError) and error.retry_after is not None
        self._note(state, says, cause, wait if told else None)
        return wait, told

    def _note(self, state: str, says: str, cause: GapCause | None = None, told: float | None = None) -> None:
        """`told`: the seconds that the platform asked for, which bind the next worker too."""
        try:
            with self._database.writing() as session:
                stored = questions.state(session, self.source.name, self._kind)
                stored.state, stored.last_error = state, says
                if cause is not None:
                    stored.last_error_at = now()
                    stored.retry_at = now() + timedelta(seconds=told) if told is not None else None
                    gaps.began(session, stored.name, stored.alive_at or now(), cause, says)
                session.add(stored)
        except SQLAlchemyError as failed:
            log.error("the state of a source could not be written", source=self.source.name, kind=type(failed).__name__)
