"""Alerts: what is open, opened and closed one per source and kind, and which of them is mailed by whom.

`collect/alerts.py` decides what is the matter; the line on every page and the Sources page read here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector.models import Alert, AlertKind, Gap, GapState, ReadHour, SourceState, now

Found = Mapping[tuple[str, str], str]
"""(source, kind) → what is the matter."""
Span = tuple[datetime, datetime]


def open_alerts(session: Session, sources: Collection[str]) -> list[Alert]:
    """Those of these sources that are open, the oldest first."""
    query = select(Alert).where(
        col(Alert.source).in_(sources), col(Alert.kind).in_(list(AlertKind)), col(Alert.closed_at).is_(None)
    )  # both lists, so that the index serves it
    return sorted(session.exec(query), key=lambda alert: (alert.opened_at, alert.id or 0))


def all_open(session: Session) -> list[Alert]:
    return list(session.exec(select(Alert).where(col(Alert.closed_at).is_(None))))


def keep(session: Session, sources: Collection[str], found: Found) -> None:
    """Open what was found, in these words; close what was not, and what belongs to other sources."""
    # Two workers may have found the same: the rows of the sources let one in after the other.
    states = select(SourceState.name).where(col(SourceState.name).in_(sources)).order_by(col(SourceState.name))
    session.exec(states.with_for_update()).all()
    still = set()
    for alert in all_open(session):
        says = found.get((alert.source, alert.kind))
        if says is None:
            alert.closed_at = now()
        else:
            alert.says = says
            still.add((alert.source, alert.kind))
        session.add(alert)
    for (source, kind), says in found.items():
        if (source, kind) not in still:
            session.add(Alert(source=source, kind=kind, says=says))


def seen(session: Session, alert_id: int) -> Alert | None:
    """A person knows of it now; None: it was closed before."""
    alert = session.get(Alert, alert_id, with_for_update=True)
    if alert is None or alert.closed_at is not None:
        return None
    alert.closed_at = now()
    session.add(alert)
    return alert


def known(session: Session, source: str, kind: AlertKind) -> None:
    """A person caused it, so nobody need be told; one that is open already stays."""
    mine = (Alert.source == source, Alert.kind == kind, col(Alert.closed_at).is_(None))
    if session.exec(select(Alert.id).where(*mine)).first() is None:
        at = now()
        session.add(Alert(source=source, kind=kind, opened_at=at, closed_at=at, mailed_at=at))


# -- what alerts are made of ---------------------------------------------------------------------------------------


def newly_lost(session: Session, source: str, since: datetime) -> list[Gap]:
    """Gaps that were lost since then and that nobody has said to have seen, the oldest first."""
    told = select(func.max(Alert.closed_at)).where(Alert.source == source, Alert.kind == AlertKind.LOST)
    last = session.exec(told).one()
    query = select(Gap).where(
        Gap.source == source, Gap.state == GapState.LOST, col(Gap.closed_at) > (max(last, since) if last else since)
    )
    return list(session.exec(query.order_by(col(Gap.from_at))))


def lasting(session: Session) -> dict[str, tuple[str, datetime]]:
    """Source → why it is not read now, and since when."""
    query = select(Gap.source, Gap.cause, Gap.from_at).where(col(Gap.to_at).is_(None))
    return {source: (cause, since) for source, cause, since in session.exec(query)}


def hours(session: Session, source: str, since: datetime) -> dict[datetime, int]:
    """Hour (UTC) → posts delivered in it; an hour that brought none has no entry."""
    query = select(ReadHour.hour_at, ReadHour.count).where(ReadHour.source == source, col(ReadHour.hour_at) >= since)
    return dict(session.exec(query).all())


def away(session: Session, source: str, since: datetime) -> list[Span]:
    """When it was not read, up to now."""
    at = now()
    query = select(Gap.from_at, Gap.to_at).where(
        Gap.source == source, col(Gap.to_at).is_(None) | (col(Gap.to_at) >= since)
    )
    return [(begin, end or at) for begin, end in session.exec(query)]


def silences(session: Session, source: str, since: datetime) -> list[Span]:
    """When it was known to be silent, up to now."""
    at = now()
    query = select(Alert.opened_at, Alert.closed_at).where(
        Alert.source == source, Alert.kind == AlertKind.SILENT,
        col(Alert.closed_at).is_(None) | (col(Alert.closed_at) >= since),
    )  # fmt: skip
    return [(begin, end or at) for begin, end in session.exec(query)]


# -- mails ---------------------------------------------------------------------------------------------------------


def waits_for_mail(session: Session) -> bool:
    """Whether any open alert has not been mailed."""
    query = select(Alert.id).where(col(Alert.closed_at).is_(None), col(Alert.mailed_at).is_(None)).limit(1)
    return session.exec(query).first() is not None


def claim_mails(session: Session, an_hour: int) -> list[list[Alert]]:
    """What this worker is to mail now, a list a mail; nobody else is given the same."""
    waiting = select(Alert).where(col(Alert.closed_at).is_(None), col(Alert.mailed_at).is_(None))
    alerts = list(session.exec(waiting.order_by(col(Alert.id)).with_for_update(skip_locked=True)))
    at = now()
    lately = select(func.count(func.distinct(Alert.mailed_at))).where(
        col(Alert.mailed_at) > at - timedelta(hours=1), col(Alert.mailed_at) != col(Alert.opened_at)
    )
    mails = shared_out(alerts, an_hour - session.exec(lately).one())
    for number, mail in enumerate(mails):
        for alert in mail:
            alert.mailed_at = at + timedelta(microseconds=number)  # a mail is told by its moment
            session.add(alert)
    return mails


def shared_out(alerts: Sequence[Alert], left: int) -> list[list[Alert]]:
    """One a mail as long as there are mails left; the last one tells of all the rest."""
    if left <= 0:
        return []
    mails = [[alert] for alert in alerts[: left - 1]]
    rest = list(alerts[left - 1 :])
    return [*mails, rest] if rest else mails


def put_back(session: Session, mail: Sequence[Alert]) -> None:
    """The mail surely did not leave: it is tried again."""
    for alert in mail:
        mine = (col(Alert.id) == alert.id, col(Alert.mailed_at) == alert.mailed_at)
        session.exec(sql_update(Alert).where(*mine).values(mailed_at=None))
