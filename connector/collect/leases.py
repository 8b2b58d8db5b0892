"""Which worker reads which source: a lease row each on PostgreSQL, since some platforms allow one connection.

A worker renews its leases every second; one that was killed loses them after `TERM`, and another takes over. Whoever
cannot renew stops reading before the term ends, and storing asks for the lease in the same commit as the posts: two
workers never both advance a cursor. Times are the database's own. On SQLite there is one worker, by a file lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

import structlog
from sqlalchemy import text as sql
from sqlalchemy.exc import SQLAlchemyError

from connector.errors import whereabouts
from connector.store import Database

log = structlog.get_logger()
TERM = 6.0  # seconds
RENEW = 1.0
_CAUTION = 0.7
"""Part of the term after which a worker that could not renew stops reading."""
_TAKE = sql(
    "UPDATE source_state SET lease_by = :worker, lease_until = clock_timestamp() + make_interval(secs => :term)"
    " WHERE name = :name AND (lease_by = :worker OR lease_until IS NULL OR lease_until < clock_timestamp())"
)
_LEAVE = sql("UPDATE source_state SET lease_until = NULL, lease_by = '' WHERE lease_by = :worker")


class Leases:
    """Takes and renews leases in a thread of its own, since storing may take long."""

    def __init__(
        self,
        database: Database,
        worker: str,
        names: Collection[str],
        gained: Callable[[str], None],
        lost: Callable[[str], None],
    ) -> None:
        """`gained` and `lost` are called in threads of this object, and return at once."""
        self._database, self._worker, self._names = database, worker, names
        self._gained, self._lost = gained, lost
        self._renewed: dict[str, float] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=run, name=name, daemon=True)
            for run, name in ((self._renew, "leases"), (self._watch, "leases that end"))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Leave all of them to others at once."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(TERM)
        try:
            with self._database.writing() as session:
                session.execute(_LEAVE, {"worker": self._worker})
        except SQLAlchemyError as error:
            log.warning("leases were not given back; they end by themselves", kind=type(error).__name__)

    def holds(self, name: str) -> bool:
        """Whether this worker may read this source now."""
        return name in self._renewed

    def _renew(self) -> None:
        while not self._stopping.is_set():
            for name in self._names:
                try:
                    self._look_after(name)
                except Exception as error:  # noqa: BLE001 - whoever renews no lease reads nothing any more
                    log.error("a lease could not be renewed", source=name, **whereabouts(error))
            self._stopping.wait(RENEW)

    def _look_after(self, name: str) -> None:
        begin = time.monotonic()
        with self._database.writing() as session:
            values = {"worker": self._worker, "name": name, "term": TERM}
            taken = session.connection().execute(_TAKE, values).rowcount == 1
        if not taken:
            self._give_up(name)
            return
        new = name not in self._renewed
        self._renewed[name] = begin
        if new:
            self._gained(name)

    def _watch(self) -> None:
        """Apart from renewing, which hangs when the database does."""
        while not self._stopping.wait(RENEW / 2):
            limit = time.monotonic() - TERM * _CAUTION
            for name in [name for name, at in list(self._renewed.items()) if at < limit]:
                self._give_up(name)

    def _give_up(self, name: str) -> None:
        if self._renewed.pop(name, None) is not None:
            self._lost(name)
