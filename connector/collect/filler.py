"""Behind the readers: filling gaps, oldest first, and asking platforms which of our posts are gone.

A thread for each of the two, for all sources of this worker: asking may take an hour, and no gap waits for it. What
they bring goes the way of every batch; how far a gap is filled shares the commit with the posts, so a crash goes on
with the next page. The ledger is `store/gaps.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.collect.inbox import Handed, Inbox
from connector.errors import AdapterError, AuthError, SpentError, TemporaryError, whereabouts
from connector.incoming import Batch
from connector.models import Gap, now
from connector.sources import Source
from connector.store import Database, gaps, house
from connector.store import sources as questions

log = structlog.get_logger()
LOOK = 2.0  # seconds between two looks for something to do
FIRST_WAIT, LONGEST_WAIT, SPENT_WAIT = 30.0, 3600.0, 3600.0
TRIES = 20
"""After these a gap waits for a person."""
CHECK_EVERY, CHECK_AGAIN = timedelta(hours=20), timedelta(hours=1)
"""Platforms allow a day; a round that did not come to its end is repeated soon."""
_CHECKED = "checked."


class Filler:
    """Works for the sources that `held` names at any moment."""

    def __init__(
        self, database: Database, held: Callable[[], Mapping[str, Source]], inbox_of: Callable[[Source], Inbox]
    ) -> None:
        self._database, self._held, self._inbox_of = database, held, inbox_of
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
            for work, name in ((self._fill_next, "fill gaps"), (self._check_next, "ask for posts that are gone"))
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()

    @property
    def ended(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, work: Callable[[], bool]) -> None:
        while not self._stopping.is_set():
            try:
                busy = work()
            except SQLAlchemyError as error:
                log.error("the database did not answer; tried again soon", kind=type(error).__name__)
                busy = False
            if not busy:
                self._stopping.wait(LOOK)

    # -- gaps --------------------------------------------------------------------------------------------------------

    def _fill_next(self) -> bool:
        able = {name: source for name, source in self._held().items() if source.capabilities.fills}
        if not able:
            return False
        with self._database.reading() as session:
            gap = gaps.due(session, list(able))
        if gap is None:
            return False
        source = able[gap.source]
        try:
            self._fill(source, gap)
        except Exception as error:  # noqa: BLE001 - the gap stays open, and is tried again
            # The pages before it first: the next try goes on behind what is stored.
            inbox = self._inbox_of(source)
            self._until(lambda: not inbox.waits or self._is_over(source))
            self._put_off(gap, error)
        return True

    def _fill(self, source: Source, gap: Gap) -> None:
        assert gap.id is not None
        assert gap.to_at is not None
        inbox = self._inbox_of(source)
        for batch in source.fill(gap.from_at, gap.to_at, gap.cursor, self._wait_for(source)):
            if not inbox.put(Handed(source, batch, gap=gap.id), self._stopping.is_set):
                return
        if not self._is_over(source):
            done = Handed(source, Batch([], ""), gap=gap.id, last=True)
            if inbox.put(done, self._stopping.is_set):
                self._until(lambda: not inbox.waits)

    def _put_off(self, gap: Gap, error: Exception) -> None:
        assert gap.id is not None
        wait: float | None = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(gap.tries, 10))
        says = str(error) if isinstance(error, AdapterError) else f"Filling broke: {type(error).__name__}"
        match error:
            case TemporaryError():
                wait = wait if error.retry_after is None else error.retry_after
            case SpentError() | AuthError():
                wait = SPENT_WAIT
            case AdapterError():
                pass
            case _:
                log.error("filling a gap broke", source=gap.source, **whereabouts(error))
        if gap.tries + 1 >= TRIES:
            wait = None
        with self._database.writing() as session:
            gaps.put_off(session, gap.id, now() + timedelta(seconds=wait) if wait is not None else None, says)

    # -- posts that are gone -----------------------------------------------------------------------------------------

    def _check_next(self) -> bool:
        for name, source in self._held().items():
            if source.capabilities.checks and self._is_due(name):
                # First, and not at its end alone: a crash asks again soon, and not at every start.
                self._keep_checked(name, now() - CHECK_EVERY + CHECK_AGAIN)
                try:
                    self._check(source)
                except Exception as error:  # noqa: BLE001 - asked again soon
                    log.warning("posts that are gone could not be asked for", source=name, **whereabouts(error))
                else:
                    if not self._is_over(source):  # else it was cut short, however quietly
                        self._keep_checked(name, now())
                return True
        return False

    def _is_due(self, name: str) -> bool:
        with self._database.reading() as session:
            last = house.setting(session, _CHECKED + name)
        return last is None or now() - datetime.fromisoformat(last) > CHECK_EVERY

    def _keep_checked(self, name: str, at: datetime) -> None:
        with self._database.writing() as session:
            house.keep_setting(session, _CHECKED + name, at.isoformat(), "worker")

    def _check(self, source: Source) -> None:
        """Until what is gone is erased here, or it is told to stop."""
        inbox = self._inbox_of(source)
        for gone in source.vanished(self._ids(source.name), self._wait_for(source)):
            if gone and not inbox.put(Handed(source, Batch(list(gone))), self._stopping.is_set):
                return
        self._until(lambda: not inbox.waits or self._is_over(source))

    def _ids(self, name: str) -> Iterator[str]:
        after = 0
        while True:
            with self._database.reading() as session:
                page = questions.held_posts(session, name, after)
            if not page:
                return
            yield from (source_id for _, source_id in page)
            after = page[-1][0]

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _is_over(self, source: Source) -> bool:
        return self._stopping.is_set() or source.name not in self._held()

    def _wait_for(self, source: Source) -> Callable[[float], bool]:
        """Waits, and tells to stop also when another worker reads this source now."""

        def stopping(seconds: float) -> bool:
            return self._stopping.wait(seconds) or source.name not in self._held()

        return stopping

    def _until(self, done: Callable[[], bool]) -> None:
        while not done() and not self._stopping.wait(0.05):
            pass
