"""The story, in the order in which a post lives: collect → match → triage → decide → deliver → follow up.

`Worker` is the background process's round; what a person does stands in `decide/` and is handed on here, so that a page
finds all its verbs in one place. Read on in `collect/` and `intake.py` (a post comes in), `decide/` (a person decides),
`deliver.py` (a request goes out), `byhand.py` (what people mend).
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from sqlalchemy.exc import OperationalError

from connector import dispatch as channels
from connector import sources
from connector.addpost import add_post
from connector.byhand import close_by_hand, filed_by_hand, flag_done, look_up_now, send_again, try_again
from connector.collect import Collector
from connector.collect.alerts import Alerts
from connector.config import Config
from connector.decide import (
    accept,
    also_file,
    assign,
    bulk,
    bulk_preview,
    carry,
    claim,
    dismiss,
    draft_of,
    drop_draft,
    drop_old_drafts,
    expire,
    keep_draft,
    merge,
    new_reference,
    note,
    park,
    release,
    request_of,
    retype,
    set_place,
    split,
    undo,
    undo_batch,
    unpark,
    wake,
)
from connector.decide.expiry import PORTION
from connector.deliver import Deliveries
from connector.errors import whereabouts
from connector.intake import Intake
from connector.models import now
from connector.oncall import Alarms, acknowledge
from connector.privacy import forget_unseen
from connector.store import Database, house, near

__all__ = [
    "Worker",
    "accept",
    "acknowledge",
    "add_post",
    "also_file",
    "assign",
    "bulk",
    "bulk_preview",
    "carry",
    "claim",
    "close_by_hand",
    "dismiss",
    "draft_of",
    "drop_draft",
    "drop_old_drafts",
    "expire",
    "filed_by_hand",
    "flag_done",
    "keep_draft",
    "look_up_now",
    "merge",
    "new_reference",
    "note",
    "park",
    "release",
    "request_of",
    "retype",
    "send_again",
    "set_place",
    "split",
    "try_again",
    "undo",
    "undo_batch",
    "unpark",
    "wake",
]
log = structlog.get_logger()
_BEAT, _REST, _LOOK = 3.0, 5.0, 0.5  # seconds between heartbeats, chores, and looks for something to send
_EXPIRE = 60.0  # seconds; what is old by days does not need more


class Worker:
    """The background process: posts come in, requests go out, tickets are followed.

    One thread a source reads, this one stores, another delivers; they meet in the database. Killed at any moment, the
    next one goes on: cursors and posts share a commit, and a delivery is claimed before it is talked about.
    """

    def __init__(
        self, database: Database, config: Config, intake: Intake, chores: Sequence[Callable[[], None]] = ()
    ) -> None:
        self.database, self.config = database, config
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        self.chores = chores
        ways = {
            name: channels.load(name, way, config.delivery.timeout, config.home)
            for name, way in config.channels.items()
        }
        found = {name: sources.load(name, source, config) for name, source in config.sources.items()}
        self.collector = Collector(database, config, intake, found, self.name)
        self.deliveries = Deliveries(database, config, ways, self.name)
        self.alerts, self.alarms = Alerts(database, config), Alarms(database, config)
        self._expired, self._forgotten = float("-inf"), 0

    def run(self, stopping: threading.Event) -> None:
        """Work until told to stop."""
        started = now()
        self._beat(started)
        sender = threading.Thread(target=self._deliver, args=(stopping,), name="deliver", daemon=True)
        sender.start()
        self.collector.start()
        beaten = rested = time.monotonic()
        while not stopping.is_set():
            self.collector.store_next(0.5)
            if time.monotonic() - beaten > _BEAT:
                self._try("the heartbeat", lambda: self._beat(started))
                beaten = time.monotonic()
            if time.monotonic() - rested > _REST:
                self._try("the chores", self._chores)
                rested = time.monotonic()
        self.collector.stop()
        sender.join(timeout=self.config.delivery.timeout + 5)
        with self.database.writing() as session:
            house.stopped(session, self.name)

    def _try(self, what: str, do: Callable[[], None]) -> None:
        """A database that does not answer for a while ends no worker: what came is kept until it does."""
        try:
            do()
        except OperationalError as error:
            log.error("the database did not take it; tried again soon", what=what, kind=type(error).__name__)

    def _deliver(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            try:
                self.deliveries.step(stopping.is_set)
            except Exception as error:  # noqa: BLE001 - a worker that lives but delivers nothing would be worse
                log.error("a round of deliveries broke off", kind=type(error).__name__)
            stopping.wait(_LOOK)

    def _beat(self, started: datetime) -> None:
        with self.database.writing() as session:
            house.beat(session, self.name, started)

    def _chores(self) -> None:
        with self.database.writing() as session:
            wake(session)
            near.forget(session, self._forgotten)
            self._forgotten += 1
        if time.monotonic() - self._expired > _EXPIRE:
            with self.database.writing() as session:
                many = expire(session, self.config)
                drop_old_drafts(session)
                forget_unseen(session)
            # A full portion: the next one at the next chores.
            self._expired = time.monotonic() if many < PORTION else self._expired
            self._forget_notices()
        for chore in self.chores:
            chore()
        self.alerts.look()
        self.alarms.look()

    def _forget_notices(self) -> None:
        for name, way in self.deliveries.ways.items():
            try:
                way.forget_notices()
            except Exception as error:  # noqa: BLE001 - tried again in a minute; whoever stores posts goes on
                log.error("a channel could not forget old notices", channel=name, **whereabouts(error))
