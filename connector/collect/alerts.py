"""What a person should know of the sources without looking there: silent, refused, spent, lost; said and mailed once.

The worker calls `Alerts.look` every few seconds. An alert is open once per source and kind, and closes by itself when
its reason is gone. `silence.py` judges what is quiet, `store/alerts.py` keeps; a mail holds no post and no handle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from connector import dispatch
from connector.collect import silence
from connector.config import Config
from connector.dispatch import Channel
from connector.errors import AdapterError, ConfigError, TemporaryError, whereabouts
from connector.models import Alert, AlertKind, Gap, GapCause, SourceState, now
from connector.store import Database, alerts
from connector.store import sources as questions

__all__ = ["CAUSES", "NEXT", "Alerts", "mailer", "notifier", "what_stops"]
log = structlog.get_logger()
_EVERY = 60.0  # seconds between two looks
_UNHEARD = timedelta(minutes=5)
"""A source says at least every 20 seconds or so that it is well."""
_UNANSWERED = timedelta(minutes=15)
"""A platform that does not answer usually does so again by then."""
_LOST_SHOWN = timedelta(days=7)
NEXT = {
    AlertKind.SILENT: "See whether posts appear at the platform itself. If they do, press Try again now on Sources.",
    AlertKind.REFUSED: "Make a new key at the platform, put it where the settings name it, and restart the worker.",
    AlertKind.SPENT: "Raise what it names: `monthly_limit` in the settings, then restart the worker; or the limit at "
    "the platform, then press Try again now on Sources. Else it reads on with the new month.",
    AlertKind.LOST: "Look at the platform yourself if that time matters; then press Seen on Sources.",
}
"""What to do about it."""
CAUSES = {
    GapCause.DOWN: "no worker ran", GapCause.DISCONNECT: "connection lost", GapCause.RATE_LIMIT: "rate limit",
    GapCause.REFUSED: "access refused", GapCause.CREDITS: "limit used up",
    GapCause.BACK_PRESSURE: "we were too slow", GapCause.PAUSED: "paused by a person", "": "cause not known",
}  # fmt: skip
"""Why posts may be missing, in words for people."""
_TITLES = {
    AlertKind.SILENT: "is quiet", AlertKind.REFUSED: "is refused", AlertKind.SPENT: "has used up its limit",
    AlertKind.LOST: "lost posts",
}  # fmt: skip


class Alerts:
    """Looks at the sources of the settings; any number of workers may do so."""

    def __init__(self, database: Database, config: Config) -> None:
        """ConfigError if [notify] names a channel that cannot mail."""
        self.database, self.config = database, config
        self._way = notifier(config)
        self._begun = now()
        self._looked: float | None = None
        self._mailer: threading.Thread | None = None

    def look(self) -> None:
        """Once a minute what is the matter is written down and mailed; in between it costs nothing."""
        if self._looked is not None and time.monotonic() - self._looked < _EVERY:
            return
        self._looked = time.monotonic()
        try:
            self.review()
        except SQLAlchemyError as error:
            log.error("the sources could not be looked at", kind=type(error).__name__)
            return
        if self._way and not (self._mailer and self._mailer.is_alive()):
            # A mail server may take its time, and who calls us stores posts.
            self._mailer = threading.Thread(target=self._mail_quietly, name="mail alerts", daemon=True)
            self._mailer.start()

    # -- what is the matter ------------------------------------------------------------------------------------------

    def review(self) -> None:
        """Open and close alerts by how the sources are now."""
        names = list(self.config.sources)
        found: dict[tuple[str, str], str] = {}
        with self.database.reading() as session:
            known = alerts.all_open(session)
            lasting = alerts.lasting(session)
            silent = {alert.source for alert in known if alert.kind == AlertKind.SILENT}
            for state in questions.all_states(session):
                if state.name in self.config.sources:
                    cause, _ = lasting.get(state.name, ("", None))
                    found |= self._found(session, state, cause, state.name in silent)
        if found != {(alert.source, alert.kind): alert.says for alert in known}:
            with self.database.writing() as session:
                alerts.keep(session, names, found)

    def _found(self, session: Session, state: SourceState, cause: str, told: bool) -> dict[tuple[str, str], str]:
        """`told`: it is said to be silent already."""
        found = {}
        if stopped := what_stops(state, cause):
            found[stopped] = state.last_error
        elif says := self._silent(session, state, told):
            found[AlertKind.SILENT] = says
        if lost := alerts.newly_lost(session, state.name, now() - _LOST_SHOWN):
            found[AlertKind.LOST] = self._lost(lost)
        return {(state.name, str(kind)): says for kind, says in found.items()}

    def _silent(self, session: Session, state: SourceState, told: bool) -> str:
        """Empty: it brings what it usually does, or is not to be read."""
        at = now()
        heard = state.alive_at or self._begun
        if not told:  # while no worker ran it could not be heard
            heard = max(heard, self._begun)
        if state.state == "catching up" and state.last_error and at - heard > _UNANSWERED:
            return f"It does not answer since {self._clock(state.alive_at or heard)}. {state.last_error}"
        if state.state != "running":
            return ""
        if at - heard > _UNHEARD:
            return f"Nothing was heard of it since {self._clock(heard)}, not even that there is nothing new."
        since = at - timedelta(days=silence.FURTHEST + 1)
        history = silence.History(
            alerts.hours(session, state.name, since),
            alerts.away(session, state.name, since),
            alerts.silences(session, state.name, since),
        )
        quiet = silence.judged(history, at, self.config.city.zone)
        return _quiet(quiet, state.last_post_at, at) if quiet else ""

    def _lost(self, lost: Sequence[Gap]) -> str:
        whys = ", ".join(dict.fromkeys(CAUSES.get(gap.cause, gap.cause) for gap in lost))
        newest = lost[-1]
        when = f"{self._clock(newest.from_at)} to {self._clock(newest.to_at or now())}"
        if len(lost) == 1:
            return f"Posts may be lost for good, from {when} ({whys})."
        return f"Posts may be lost for good in {len(lost)} intervals ({whys}), the last from {when}."

    def _clock(self, at: datetime) -> str:
        return f"{at.astimezone(self.config.city.zone):%-d %b, %H:%M}"

    # -- mails -------------------------------------------------------------------------------------------------------

    def mail(self) -> None:
        """Mail what is open and was not mailed. It counts as mailed before it is: at most once, whatever crashes."""
        if self._way is None or self.config.notify is None:
            return
        with self.database.reading() as session:
            if not alerts.waits_for_mail(session):
                return
        with self.database.writing() as session:
            mails = alerts.claim_mails(session, self.config.notify.an_hour)
        for mail in mails:
            try:
                self._way.notify(self.config.notify.to, self._subject(mail), self._text(mail))
            except TemporaryError as error:
                log.warning("the operator could not be mailed; it is tried again", why=str(error))
                with self.database.writing() as session:
                    alerts.put_back(session, mail)
            except AdapterError as error:
                log.error("the operator could not be mailed", why=str(error))

    def _mail_quietly(self) -> None:
        try:
            self.mail()
        except Exception as error:  # noqa: BLE001 - the next look tries again
            log.error("mailing the operator broke off", **whereabouts(error))

    def _subject(self, mail: Sequence[Alert]) -> str:
        city = self.config.city.name
        if len(mail) > 1:
            return f"{city}: {len(mail)} alerts of sources"
        return f"{city}: source {mail[0].source} {_TITLES[AlertKind(mail[0].kind)]}"

    def _text(self, mail: Sequence[Alert]) -> str:
        page = f"{self.config.city.url.rstrip('/')}/sources"
        parts = [self._told(alert) for alert in mail]
        link = f"{page}?source={quote(mail[0].source, safe='')}" if len(mail) == 1 else page
        return "\n\n".join([*parts, f"The Sources page: {link}"]) + "\n"

    def _told(self, alert: Alert) -> str:
        kind = AlertKind(alert.kind)
        zone = f"{alert.opened_at.astimezone(self.config.city.zone):%Z}"
        return (
            f"Source {alert.source} {_TITLES[kind]}. {alert.says}\n"
            f"Noticed: {self._clock(alert.opened_at)} {zone}\n"
            f"What to do: {NEXT[kind]}"
        )


def what_stops(state: SourceState, cause: str) -> AlertKind | None:
    """What keeps a paused source from being read, if it is none of our people; `cause` is that of its lasting gap."""
    if state.state != "paused" or state.asked == "pause" or not state.last_error:
        return None
    return AlertKind.SPENT if cause == GapCause.CREDITS else AlertKind.REFUSED


def notifier(config: Config) -> Channel | None:
    """The channel that mails the operator, if the settings name one."""
    return mailer(config, config.notify.channel, "notify") if config.notify else None


def mailer(config: Config, name: str, section: str) -> Channel:
    """The channel of this name, which a section of the settings wants to mail by; ConfigError if it cannot."""
    way = dispatch.load(name, config.channels[name], config.delivery.timeout, config.home)
    if not way.can_notify:
        kind = config.channels[name].kind
        raise ConfigError(f"`channel` in [{section}]: {name} is of kind {kind}, which mails nobody.")
    return way


def _quiet(quiet: silence.Quiet, last_post_at: datetime | None, at: datetime) -> str:
    if quiet.posts:
        return f"{quiet.posts} posts in {quiet.minutes} min, usually {quiet.usual:.0f}."
    minutes = round((at - last_post_at).total_seconds() / 60) if last_post_at else quiet.minutes
    minutes = max(minutes, 60)
    span = f"{minutes} min" if minutes < 120 else f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} days"
    return f"Quiet for {span}, usually {quiet.usual:.0f} posts by now."
