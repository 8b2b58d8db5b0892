"""What a person does with a source on its page: try again, pause, fill a gap or call it lost, have seen an alert.

The page writes a wish; the worker that reads the source hears it within seconds (`collect/__init__.py`, `_obey`). Every
verb stands in the audit trail. `test` asks the platform itself, without the worker.
"""

from __future__ import annotations

from sqlmodel import Session

from connector import sources
from connector.config import Config
from connector.errors import AlreadyDecidedError, ConnectorError
from connector.models import AlertKind, Gap, SourceState, now
from connector.store import Database, alerts, catalogue, gaps

_MOVED = "It moved meanwhile; look again."


def retry(database: Database, config: Config, name: str, by: str) -> None:
    """Read the source now: at once after a failure, or again after a pause; but not before the time that a platform
    asked to be tried again."""
    _ask(database, config, name, "retry", by)


def pause(database: Database, config: Config, name: str, by: str) -> None:
    """Read it no more until somebody says so."""
    _ask(database, config, name, "pause", by)


def _ask(database: Database, config: Config, name: str, what: str, by: str) -> None:
    adapter = config.sources.get(name)
    if adapter is None:
        raise LookupError(f"The settings name no source {name}; nobody reads it.")
    with database.writing() as session:
        state = session.get(SourceState, name, with_for_update=True) or SourceState(name=name, kind=adapter.kind)
        if what == "retry" and state.asked == "pause":
            state.state = "catching up"  # until its first word, which may take some seconds
        state.asked = what
        session.add(state)
        catalogue.audit(session, f"source: {what}", {"source": name}, by)


def fill(database: Database, gap_id: int, by: str) -> None:
    """Bring the posts of this gap now; raises AlreadyDecidedError if it is not open any more."""
    with database.writing() as session:
        if not gaps.fill_now(session, gap_id):
            raise AlreadyDecidedError(_MOVED)
        catalogue.audit(session, "gap: fill now", _about(session, gap_id), by)


def give_up(database: Database, gap_id: int, by: str) -> None:
    """Say that its posts will not come; raises AlreadyDecidedError if it is not open any more, or still lasts."""
    with database.writing() as session:
        if not gaps.give_up(session, gap_id):
            raise AlreadyDecidedError(_MOVED)
        about = _about(session, gap_id)
        alerts.known(session, about["source"], AlertKind.LOST)
        catalogue.audit(session, "gap: said to be lost", about, by)


def _about(session: Session, gap_id: int) -> dict[str, str]:
    gap = session.get_one(Gap, gap_id)
    return {"gap": str(gap_id), "source": gap.source, "from": gap.from_at.isoformat()}


def seen(database: Database, alert_id: int, by: str) -> None:
    """This person knows of it: the alert is taken off the pages."""
    with database.writing() as session:
        alert = alerts.seen(session, alert_id)
        if alert is None:
            raise AlreadyDecidedError("Somebody has seen it, or it is over.")
        catalogue.audit(session, "alert: seen", {"source": alert.source, "kind": alert.kind}, by)


def test(database: Database, config: Config, name: str) -> tuple[bool, str]:
    """Whether the platform lets us in, and a sentence on it, by the cheapest call; takes seconds, never raises.

    Not before the time that a platform asked to be tried again: who knocks meanwhile may have to wait longer.
    """
    try:
        with database.reading() as session:
            state = session.get(SourceState, name)
        if state and state.retry_at and state.retry_at > now():
            at = state.retry_at.astimezone(config.city.zone)
            return False, f"It asked not to be tried before {at:%H:%M}; test it then."
        return True, sources.load(name, config.sources[name], config).test()
    except ConnectorError as error:
        return False, str(error)
    except Exception as error:  # noqa: BLE001 - the text of a foreign exception may hold a secret
        return False, f"The test itself broke ({type(error).__name__}); please report it."
