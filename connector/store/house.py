"""The house itself: workers' heartbeats, settings kept in the database, and the figures of `status`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from connector.models import Dispatch, Post, Setting, Suspect, Worker, now

ALIVE = timedelta(seconds=20)
"""A worker beats every few seconds; after this long without one it counts as stopped."""


def beat(session: Session, name: str, started_at: datetime) -> None:
    """This worker is alive."""
    session.merge(Worker(name=name, started_at=started_at, heartbeat_at=now(), stopped_at=None))


def stopped(session: Session, name: str) -> None:
    """This worker stopped as it was told to."""
    if worker := session.get(Worker, name):
        worker.stopped_at = now()
        session.add(worker)


def heartbeat(session: Session) -> tuple[bool, datetime | None]:
    """Whether any worker is alive, and when one last was."""
    worker = session.exec(select(Worker).order_by(col(Worker.heartbeat_at).desc()).limit(1)).first()
    if worker is None:
        return False, None
    return worker.stopped_at is None and now() - worker.heartbeat_at < ALIVE, worker.heartbeat_at


def setting(session: Session, name: str, default: Any = None) -> Any:
    stored = session.get(Setting, name)
    return stored.value if stored else default


def keep_setting(session: Session, name: str, value: Any, by: str = "") -> None:
    session.merge(Setting(name=name, value=value, by=by, at=now()))


def installation(session: Session) -> str:
    """A name for this database, made once: platforms that several could share tell us apart by it."""
    found = session.get(Setting, "installation")
    if found is None:
        found = Setting(name="installation", value=secrets.token_hex(4))
        session.add(found)
    return str(found.value)


@dataclass(frozen=True, slots=True)
class Pause:
    """A channel that rests, why, and until when."""

    why: str
    until: datetime


def pauses(session: Session) -> dict[str, Pause]:
    """Channel → its pause, of those that rest now."""
    query = select(Setting).where(col(Setting.name).startswith("paused.", autoescape=True))
    found = {
        stored.name.removeprefix("paused."): Pause(stored.value["why"], datetime.fromisoformat(stored.value["until"]))
        for stored in session.exec(query)
    }
    return {name: pause for name, pause in found.items() if pause.until > now()}


def pause(session: Session, channel: str, why: str, until: datetime) -> None:
    """Let a channel rest; shown on Settings and Tickets until `resume` or the time is over."""
    session.merge(Setting(name=f"paused.{channel}", value={"why": why, "until": until.isoformat()}, at=now()))


def resume(session: Session, channel: str) -> None:
    """Use the channel again at once."""
    if stored := session.get(Setting, f"paused.{channel}"):
        session.delete(stored)


def paused_until(session: Session, channel: str) -> datetime | None:
    stored = session.get(Setting, f"paused.{channel}")
    return datetime.fromisoformat(stored.value["until"]) if stored else None


def totals(session: Session) -> dict[str, Any]:
    """Posts, suspects by status, dispatches by status."""
    suspects = session.exec(select(Suspect.status, func.count()).group_by(col(Suspect.status))).all()
    dispatches = session.exec(select(Dispatch.status, func.count()).group_by(col(Dispatch.status))).all()
    posts = session.exec(select(func.count(col(Post.id)))).one()
    return {"posts": posts, "suspects": dict(suspects), "dispatches": dict(dispatches)}
