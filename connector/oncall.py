"""Nobody has opened an urgent post for minutes: whoever is on call is mailed, again and again, until somebody does.

The worker calls `Alarms.look` among its chores. Opening the suspect counts as having seen it, and so does `acknowledge`
("I take it", in the red line on every page). A mail is claimed and committed before it is sent, so two workers never
both send it; one that does not leave is tried again. It holds nothing of what the post says, nor the place, which may
be somebody's address: no deletion would reach it. Which ones are due stands in `store/oncall.py`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError

from connector.collect.alerts import mailer
from connector.config import Config
from connector.dispatch import Channel
from connector.errors import AdapterError, UnclearError, whereabouts
from connector.models import now
from connector.store import Database
from connector.store import oncall as questions
from connector.store.oncall import Waiting

__all__ = ["Alarms", "acknowledge"]
log = structlog.get_logger()
_EVERY = 15.0  # seconds between two looks
_AFTER_FAILURE = 60.0  # seconds until a mail is tried again
_TOLD = 20
"""Suspects that one mail tells in full."""


def acknowledge(database: Database, suspect_ids: Sequence[int], by: str) -> int:
    """`by` sees to these urgent posts: nobody is mailed of them any more. How many of them were still to be seen."""
    with database.writing() as session:
        return questions.acknowledge(session, suspect_ids, by)


class Alarms:
    """Looks for urgent posts that nobody opens; any number of workers may do so."""

    def __init__(self, database: Database, config: Config) -> None:
        """ConfigError if [oncall] names a channel that cannot mail."""
        self.database, self.config = database, config
        self._settings = config.oncall
        self._way: Channel | None = mailer(config, config.oncall.channel, "oncall") if config.oncall.channel else None
        self._next = 0.0
        self._mailer: threading.Thread | None = None

    def look(self) -> None:
        """A few times a minute what is due is mailed, by a thread: a mail server may take its time."""
        if self._way is None or time.monotonic() < self._next or (self._mailer and self._mailer.is_alive()):
            return
        self._next = time.monotonic() + _EVERY
        self._mailer = threading.Thread(target=self._mail_quietly, name="mail on call", daemon=True)
        self._mailer.start()

    def mail(self) -> None:
        """Mail what is due now, in one mail. It counts as mailed before it is, and no more if it surely did not leave.

        Killed in between, the next mail is due after the time `again`.
        """
        if self._way is None:
            return
        at = now()
        since, again = at - timedelta(seconds=self._settings.after), timedelta(seconds=self._settings.again)
        with self.database.reading() as session:
            if not questions.waits_for_mail(session, since, again):
                return
        with self.database.writing() as session:
            waiting = questions.claim_mail(session, since, again, at)
        if not waiting:
            return
        try:
            self._way.notify(self._settings.to, self._subject(waiting), self._text(waiting))
        except UnclearError as error:
            log.warning("whoever is on call was perhaps not mailed", why=str(error))
        except AdapterError as error:
            log.error("whoever is on call could not be mailed; it is tried again", why=str(error))
            self._next = time.monotonic() + _AFTER_FAILURE
            with self.database.writing() as session:
                questions.put_back(session, waiting, at)

    def _mail_quietly(self) -> None:
        try:
            self.mail()
        except SQLAlchemyError as error:
            log.error("urgent posts could not be looked at", kind=type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the next look tries again
            log.error("mailing whoever is on call broke off", **whereabouts(error))

    def _subject(self, waiting: Sequence[Waiting]) -> str:
        first, city = waiting[0], self.config.city.name
        if len(waiting) > 1:
            return f"{city}: {len(waiting)} urgent posts nobody has opened"
        return f"{city}: urgent post nobody has opened, {first.type}"

    def _text(self, waiting: Sequence[Waiting]) -> str:
        parts = [self._told(one) for one in waiting[:_TOLD]]
        if len(waiting) > _TOLD:
            parts.append(f"And {len(waiting) - _TOLD} more: {self._page}?view=urgent")
        minutes = self._settings.again / 60
        parts.append(
            "Opening a post counts as having seen it. To take all of them at once, press “I take it” in the red line on"
            f" top of any page: {self._page}\nUntil somebody does, this is mailed again every {minutes:.0f} min."
        )
        return "\n\n".join(parts) + "\n"

    def _told(self, one: Waiting) -> str:
        since = one.since.astimezone(self.config.city.zone)
        minutes = (now() - one.since).total_seconds() / 60
        return (
            f"{one.type}\n"
            f"{self._settings.whom(one.danger)}\n"
            f"Here since {since:%H:%M %Z}, {minutes:.0f} min.\n"
            f"Open it: {self._page}?id={one.id}"
        )

    @property
    def _page(self) -> str:
        return f"{self.config.city.url.rstrip('/')}/"
