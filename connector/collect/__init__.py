"""Running the sources: a thread each reads, one writer stores batch and cursor in one commit.

`Collector` starts a `reader.py` for every source that this worker holds (`leases.py`), stores what comes out of their
`inbox.py`, tells sources the rules that are on, and does what people ask of a source on its page. `filler.py` brings
what was missed, `alerts.py` says when a source is silent or refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial

import structlog
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlmodel import Session

from connector.collect.filler import Filler
from connector.collect.inbox import Handed, Inbox
from connector.collect.leases import Leases
from connector.collect.reader import Reader
from connector.collect.spool import Spool
from connector.config import Config
from connector.errors import ConnectorError, whereabouts
from connector.incoming import Arrived, Batch, Edited, Event, Missed, Refused
from connector.intake import From, Intake, Taken
from connector.models import GapCause, SourceState, now
from connector.sources import Source, Wanted
from connector.store import Database, gaps, house
from connector.store import sources as questions

__all__ = ["Collector"]
log = structlog.get_logger()
_GAP = 60.0  # seconds: a source that reads on from where it was has no gap worth a line if it was away for less
_PATIENCE = 0.5  # seconds between two tries to store while the database is locked
_OBEY = 1.0  # seconds between two looks at what people ask, and at the rules
PAUSE, RETRY = "pause", "retry"


class LeaseLostError(ConnectorError):
    """Another worker reads this source now."""


class Collector:
    """Reads all sources that this worker holds and stores what they hand over."""

    def __init__(
        self, database: Database, config: Config, intake: Intake, sources: Mapping[str, Source], worker: str = ""
    ) -> None:
        """`worker` names this one in leases."""
        self.database, self.config, self.intake, self.sources = database, config, intake, sources
        self._worker = "" if database.is_sqlite else worker
        self._arrived = threading.Condition()
        self._readers: dict[str, Reader] = {}
        self._told_to_stop: dict[str, Reader] = {}
        self._changing = threading.RLock()
        """Leases come and go in a thread of their own."""
        self._inboxes: list[tuple[Source, Inbox]] = []
        self._turn = 0
        self._told = -1
        self._troubles: dict[str, list[str]] = {}
        self._looked = self._failing_since = 0.0
        self._month: date | None = None
        self._filling = {name: Inbox(source, self._arrived) for name, source in sources.items()}
        self._filler = Filler(database, self._held, lambda source: self._filling[source.name])
        self._leases: Leases | None = None

    # -- starting and stopping ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to read; `store_next` must be called until `stop`."""
        with self.database.writing() as session:
            installation = house.installation(session)
            for name in self.sources:
                self._state(session, name)
        for name, source in self.sources.items():
            source.installation = installation
            inbox = Inbox(source, self._arrived)
            if not self._worker:  # else another worker may be filling it
                self._open_spool(inbox, source)
            self._inboxes += [(source, inbox), (source, self._filling[name])]
        self._renew_budgets()
        self._tell_rules()
        if self._worker:
            self._leases = Leases(self.database, self._worker, list(self.sources), self._begin, self._end)
            self._leases.start()
        else:
            for name in self.sources:
                self._begin(name)
        self._filler.start()

    def stop(self, seconds: float = 5) -> None:
        """Tell the readers to stop, and store what they handed over; what is left then is read again next time."""
        self._filler.stop()
        readers = list(self._readers.values())
        for reader in readers:
            reader.stop()
        end = time.monotonic() + seconds
        while time.monotonic() < end and (
            self.store_next(0.02) is not None or not (self._filler.ended and all(reader.ended for reader in readers))
        ):
            pass
        self._readers.clear()
        if self._leases:
            self._leases.stop()

    def _open_spool(self, inbox: Inbox, source: Source) -> None:
        if source.capabilities.pushes:
            folder = self.config.home / "spool" / source.name
            inbox.open(Spool(folder, source.name, self.intake.sealer, source.decoded))

    def _held(self) -> dict[str, Source]:
        return {name: reader.source for name, reader in list(self._readers.items()) if not reader.ended}

    def _begin(self, name: str) -> None:
        """Read this source, unless somebody paused it, and not before the platform asked to be tried again."""
        with self._changing:
            if name not in self._readers or self._readers[name].ended:
                kind, behind = self.config.sources[name].kind, self._told_to_stop.pop(name, None)
                begin = partial(self._where, name)
                self._readers[name] = Reader(
                    self.database, self.sources[name], kind, self._inbox(name), begin, behind
                )  # fmt: skip

    def _where(self, name: str) -> tuple[str, float] | None:
        """The cursor, while it is spooled that at the end of the spool, and how long to wait; None: it is paused."""
        inbox = self._inbox(name)
        with self.database.writing() as session:
            state = self._state(session, name)
        if state.asked == PAUSE:
            return None
        if self._worker:
            self._open_spool(inbox, self.sources[name])
        wait = (state.retry_at - now()).total_seconds() if state.retry_at else 0.0
        return inbox.last_cursor or state.cursor, max(0.0, wait)

    def _end(self, name: str) -> None:
        """Stop reading this source; another worker may go on."""
        with self._changing:
            reader = self._readers.pop(name, None)
            if reader:
                reader.stop()
                self._told_to_stop[name] = reader
                reader.inbox.forget()
                self._filling[name].forget()

    def _inbox(self, name: str) -> Inbox:
        return next(inbox for source, inbox in self._inboxes if source.name == name)

    def _state(self, session: Session, name: str) -> SourceState:
        return questions.state(session, name, self.config.sources[name].kind)

    # -- storing -----------------------------------------------------------------------------------------------------

    def store_next(self, seconds: float) -> Taken | None:
        """Store the next batch, waiting that long for one; None when none came, or the database is locked."""
        self._obey()
        found = self._next(seconds)
        if found is None:
            return None
        inbox, handed = found
        try:
            taken = self._stored(handed)
        except LeaseLostError:
            self._end(handed.source.name)
            return None
        except OperationalError as error:
            self._database_fails(error)
            return None
        self._failing_since = 0.0
        inbox.stored(handed)
        return taken

    def store(self, source: Source, batch: Batch, first: bool = False) -> Taken:
        """A batch and its cursor in one commit; a change of the rules holds from here on."""
        return self._commit(Handed(source, batch, first), batch.events)

    def _next(self, seconds: float) -> tuple[Inbox, Handed] | None:
        """The next batch, the sources taking turns; of a source that another worker reads, nothing."""
        end = time.monotonic() + seconds
        with self._arrived:
            while True:
                for offset in range(len(self._inboxes)):
                    at = (self._turn + offset) % len(self._inboxes)
                    source, inbox = self._inboxes[at]
                    ours = not self._worker or source.name in self._readers
                    if ours and (handed := inbox.next()):
                        self._turn = at + 1
                        return inbox, handed
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self._arrived.wait(left)

    def _stored(self, handed: Handed) -> Taken:
        try:
            return self._commit(handed, handed.batch.events)
        except (LeaseLostError, OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - one post that cannot be stored must not keep back the others
            log.error("a batch could not be stored, so its events are stored one by one", **whereabouts(error))
        taken = Taken()
        for event in handed.batch.events:
            taken.add(self._alone(handed, event))
        self._commit(handed, [])
        return taken

    def _alone(self, handed: Handed, event: Event) -> Taken:
        part = Handed(handed.source, Batch([event], handed.batch.cursor, handed.batch.surface), gap=handed.gap)
        try:
            return self._commit(part, [event], advance=False)
        except (LeaseLostError, OperationalError):
            raise
        except Exception as error:  # noqa: BLE001 - counted with its reason
            log.error("an event could not be stored", source=handed.source.name, **whereabouts(error))
            return self._commit(part, [Refused(f"cannot be stored ({type(error).__name__})")], advance=False)

    def _commit(self, handed: Handed, events: Sequence[Event], advance: bool = True) -> Taken:
        source, batch = handed.source, Batch(events, handed.batch.cursor, handed.batch.surface)
        price = round(getattr(source.settings, "price_per_post", 0) * 1_000_000)
        kind = self.config.sources[source.name].kind
        origin = From(source.name, kind, source.capabilities, price, source.fills_by_itself)
        prepared = self.intake.prepare(origin, batch)  # before the session: others may write meanwhile
        with self.database.writing() as session:
            if not self.intake.is_current(session, prepared):
                prepared = self.intake.prepare(origin, batch)
            taken = self.intake.store(session, origin, prepared)
            if advance and handed.gap is not None:
                self._brought(session, handed, taken)
            elif advance:
                self._advance(session, handed, taken)
        return taken

    def _advance(self, session: Session, handed: Handed, taken: Taken) -> None:
        source, batch = handed.source, handed.batch
        reader = self._readers.get(source.name)
        well = reader.well if reader else source.name not in self._told_to_stop
        if handed.first and source.capabilities.resumes:
            self._went_on(session, source.name)
        elif handed.first and well:
            gaps.over(session, source.name, source.capabilities.fills, source.fills_by_itself)
        arrived = any(isinstance(event, Arrived | Edited) for event in batch.events)
        if not questions.advance(session, source.name, batch.cursor, arrived, self._worker, well):
            raise LeaseLostError(f"Another worker reads {source.name} now.")
        if taken.read:
            questions.count_hour(session, source.name, taken.read)

    def _went_on(self, session: Session, name: str) -> None:
        """A source that reads on from where it was fills its gap by that."""
        if gaps.ended(session, name, "It read on from where it was", _GAP):
            return
        alive = self._state(session, name).alive_at
        if alive and (now() - alive).total_seconds() > _GAP:
            gaps.was_down(session, name, alive, "No worker ran; it read on from where it was")

    def _brought(self, session: Session, handed: Handed, taken: Taken) -> None:
        assert handed.gap is not None
        if not questions.is_held(session, handed.source.name, self._worker):
            raise LeaseLostError(f"Another worker fills the gaps of {handed.source.name} now.")
        if handed.last:
            gaps.filled(session, handed.gap)
            return
        lost = [event.to_at for event in handed.batch.events if isinstance(event, Missed) and event.lost]
        gaps.brought(session, handed.gap, handed.batch.cursor, taken.read, max(lost, default=None))

    def _database_fails(self, error: OperationalError) -> None:
        """What came stays in memory, or on disk, until it answers again."""
        if not self._failing_since:
            self._failing_since = time.monotonic()
            log.error("the database does not take what came; it is kept and tried again", kind=type(error).__name__)
        time.sleep(_PATIENCE)

    # -- what people and rules ask -----------------------------------------------------------------------------------

    def _obey(self) -> None:
        """Now and then: new rules for sources that look on our behalf, a new month, and what the Sources page asks."""
        if time.monotonic() - self._looked < _OBEY:
            return
        self._looked = time.monotonic()
        try:
            self._tell_rules()
            self._renew_budgets()
            self._tell_troubles()
            with self.database.reading() as session:
                asked = {state.name: state.asked for state in questions.all_states(session)}
            for name, wish in asked.items():
                if wish == PAUSE and name in self._readers:
                    self._pause(name)
                elif wish == RETRY and name in self.sources and self._may_read(name):
                    self._retry(name)
        except SQLAlchemyError as error:
            log.error("what people ask of sources waits for the database", kind=type(error).__name__)

    def _pause(self, name: str) -> None:
        with self.database.writing() as session:
            state = self._state(session, name)
            state.state, state.last_error = "paused", ""
            session.add(state)
            gaps.began(session, name, state.alive_at or now(), GapCause.PAUSED, "Paused on the Sources page")
        self._end(name)

    def _retry(self, name: str) -> None:
        with self.database.writing() as session:
            questions.heard(session, name)
        if name in self._readers and not self._readers[name].ended:
            self._readers[name].wake()
        else:
            self._begin(name)

    def _may_read(self, name: str) -> bool:
        return self._leases is None or self._leases.holds(name)

    def _tell_troubles(self) -> None:
        """For the Sources page: what a source found that a person should look at."""
        for name in list(self._readers):
            troubles = list(self.sources[name].troubles)
            if troubles != self._troubles.get(name, []):
                with self.database.writing() as session:
                    state = self._state(session, name)
                    state.troubles = troubles
                    session.add(state)
                self._troubles[name] = troubles

    def _tell_rules(self) -> None:
        with self.database.reading() as session:
            self.intake.refresh(session)
        preparer = self.intake.preparer
        if preparer.edition == self._told:
            return
        self._told = preparer.edition
        broken = self.intake.broken_rules
        rules = [
            Wanted(rule.id, rule.version, rule.expression)
            for rule in preparer.catalogue.rules.values()
            if rule.id not in broken
        ]
        for source in self.sources.values():
            source.want(rules)

    def _renew_budgets(self) -> None:
        today = datetime.now(self.config.city.zone).date()
        month = today.replace(day=1)
        if month == self._month:
            return
        with self.database.reading() as session:
            for name, source in self.sources.items():
                limit = getattr(source.settings, "monthly_limit", 0)
                source.budget.renew(limit - questions.read_since(session, name, month) if limit else None)
        self._month = month
        for reader in list(self._readers.values()):
            reader.wake()
