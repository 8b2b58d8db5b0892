"""Who may do what: rights, the roles that hold them, and what a log-in leaves behind.

`require` asks the database each time, because a login cookie outlives a role by weeks; the pages call it through
`screen.act` in every callback. A role comes from the provider's claim where one is configured (`signed_in` keeps what
a log-in brought), else from the list of people (`people.py`); `[login] administrators` are administrators in any
case. Whoever is switched off may do nothing, whatever else is said. Without a login the one user is an administrator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from types import MappingProxyType

from sqlalchemy import insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from connector.config import Config
from connector.errors import ForbiddenError
from connector.login import Identity
from connector.models import AuditEntry, User, now
from connector.store import Database


class Right(StrEnum):
    """What a role may hold; `MEANINGS` says each in words."""

    QUEUE = "queue"
    DECIDE = "decide"
    NAMES = "names"
    RULES = "rules"
    TRENDS = "trends"
    SOURCES = "sources"
    SETTINGS = "settings"
    PEOPLE = "people"


MEANINGS: Mapping[Right, str] = MappingProxyType(
    {
        Right.QUEUE: "see the queue and the tickets",
        Right.DECIDE: "decide on suspects and tickets, and bring posts in",
        Right.NAMES: "see the names of authors",
        Right.RULES: "see and change the rules",
        Right.TRENDS: "see the trends",
        Right.SOURCES: "see how the sources are",
        Right.SETTINGS: "change settings, sources and channels",
        Right.PEOPLE: "say who may do what",
    }
)
"""Each right as it stands behind "may"."""

ROLES: Mapping[str, frozenset[Right]] = MappingProxyType(
    {
        "reviewer": frozenset({Right.QUEUE, Right.DECIDE, Right.NAMES, Right.TRENDS, Right.SOURCES}),
        "rule_editor": frozenset({Right.QUEUE, Right.RULES, Right.TRENDS, Right.SOURCES}),
        "analyst": frozenset({Right.TRENDS, Right.SOURCES}),
        "administrator": frozenset(Right),
    }
)
"""Role → its rights; the pages, the README and the tests read this table."""

ADMINISTRATOR = "administrator"
SEEN = "author's name seen"
"""How the audit calls it."""
_ONE_SIGHT = timedelta(minutes=10)
"""A card is drawn at every click: what one person sees of one suspect within this time is one sight."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the pages; without a role they may do nothing."""

    login: str
    name: str = ""
    role: str = ""
    team: str = ""

    def may(self, right: Right) -> bool:
        return right in ROLES.get(self.role, ())


def title(role: str) -> str:
    """The role as people read it: "rule editor"."""
    return role.replace("_", " ")


# -- asked anew each time ------------------------------------------------------------------------------------------


def person(session: Session, config: Config, login: str) -> Person:
    """Who this is now; ForbiddenError says why somebody may do nothing at all."""
    if config.login is None:
        return Person(login, role=ADMINISTRATOR)
    if not login:
        raise ForbiddenError("You are not logged in.")
    row = session.exec(select(User.name, User.role, User.team, User.active).where(User.login == login)).first()
    name, role, team, active = row or ("", "", "", True)
    if not active:
        raise ForbiddenError(f"{login} is switched off; ask an administrator.")
    if login in config.login.administrators:
        role = ADMINISTRATOR
    if role not in ROLES:
        raise ForbiddenError(f"Nobody gave {login} a role; ask an administrator.")
    return Person(login, name, role, team)


def require(session: Session, config: Config, login: str, right: Right) -> Person:
    """Who this is, if they hold the right now; else ForbiddenError, with a sentence to show."""
    who = person(session, config, login)
    if not who.may(right):
        raise ForbiddenError(f"The role of {title(who.role)} may not {MEANINGS[right]}; ask an administrator.")
    return who


def may(session: Session, config: Config, login: str, right: Right) -> bool:
    """The same as a question."""
    try:
        require(session, config, login, right)
    except ForbiddenError:
        return False
    return True


def administrators(session: Session, config: Config) -> list[str]:
    """The logins of all who are administrators now."""
    named = config.login.administrators if config.login else []
    query = select(User.login, User.role, User.active).order_by(User.login)
    people = {login: (role, active) for login, role, active in session.exec(query)}
    found = [login for login, (role, active) in people.items() if active and (role == ADMINISTRATOR or login in named)]
    return found + [login for login in named if login not in people]


# -- logging in ----------------------------------------------------------------------------------------------------


def signed_in(database: Database, config: Config, who: Identity) -> None:
    """Keep what a new log-in says: the role of the claim, the name, and that they came; an older token says nothing.

    Safe to call again: a token counts once.
    """
    assert config.login is not None
    told = bool(config.login.role_claim)
    with database.reading() as session:
        row = session.exec(select(User).where(User.login == who.login)).first()
        if row and row.login_at and row.login_at >= who.issued_at:
            return
    with database.writing() as session:
        if row is None and (who.role or who.login in config.login.administrators):
            _added(session, database, who.login)
        row = session.exec(select(User).where(User.login == who.login).with_for_update()).first()
        if row is None:
            session.add(AuditEntry(what="logged in, without a role", by=who.login))
        elif row.login_at is None or row.login_at < who.issued_at:
            if told and row.role != who.role:
                change = {"login": row.login, "from": row.role, "to": who.role}
                session.add(AuditEntry(what="role changed", detail=change, by="login provider"))
                row.role = who.role
            row.name, row.login_at = row.name or who.name, who.issued_at
            session.add(row)
            session.add(AuditEntry(what="logged in", detail={"role": row.role}, by=who.login))


def _added(session: Session, database: Database, login: str) -> None:
    """A row without a role; two first visits at the same moment make one."""
    insert_ = (sqlite if database.is_sqlite else postgresql).insert
    session.connection().execute(insert_(User).values(login=login).on_conflict_do_nothing())


# -- names ---------------------------------------------------------------------------------------------------------


def saw_names(where: Database | Session, login: str, suspect_id: int) -> None:
    """Write down that this person saw the names of this suspect's authors; once within some minutes.

    A writing session of the caller's takes it into its own commit; a database is written to only if need be.
    """
    if isinstance(where, Database):
        with where.reading() as session:
            known = _seen(session, login, suspect_id)
        if not known:
            with where.writing() as session:
                _see(session, login, suspect_id)
    elif not _seen(where, login, suspect_id):
        _see(where, login, suspect_id)


def _seen(session: Session, login: str, suspect_id: int) -> bool:
    entry = col(AuditEntry.suspect_id) == suspect_id, col(AuditEntry.what) == SEEN, col(AuditEntry.by) == login
    query = select(AuditEntry.id).where(*entry, col(AuditEntry.at) > now() - _ONE_SIGHT).limit(1)
    return session.exec(query).first() is not None


def _see(session: Session, login: str, suspect_id: int) -> None:
    values = {"what": SEEN, "suspect_id": suspect_id, "by": login, "at": now()}
    session.connection().execute(insert(AuditEntry), values)
