"""The list of people: who they are, which role they have where no claim tells it, and who is switched off.

The verbs of Settings, People, beside `settings.py` in the layers. A change is compared with what was shown and written
down; there is always an administrator left. What a role may do stands in `access.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import Session, col, select

from connector import access
from connector.config import Config, login_of
from connector.errors import AlreadyDecidedError
from connector.models import User
from connector.store import Database, catalogue

FIELDS = {"name": "name", "role": "role", "team": "team", "active": "on"}
"""What can be changed of a person, as sentences name it."""
DEFAULTS: dict[str, Any] = {"name": "", "role": "", "team": "", "active": True}
_SAVED = "person saved"


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person as somebody wants them, and what they were when they were shown; empty: a new one."""

    login: str
    wanted: Mapping[str, Any]
    shown: Mapping[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> dict[str, Any]:
        """Field → its new value."""
        before = self.shown or DEFAULTS
        return {name: value for name, value in self.wanted.items() if value != before[name]}

    def in_words(self) -> str:
        """For example "ada@example.gov: role reviewer → analyst"."""
        if not self.shown:
            return f"{self.login or 'A new person'}: new, {access.title(self.wanted['role']) or 'without a role'}"
        return f"{self.login}: " + ", ".join(self._one(name, value) for name, value in self.changed.items())

    def _one(self, name: str, value: Any) -> str:
        if name == "active":
            return "switched on" if value else "switched off"
        return f"{FIELDS[name]} {access.title(self.shown.get(name) or '–')} → {access.title(value or '–')}"


def listed(session: Session) -> list[PersonChange]:
    """Everybody as they are, with nothing changed."""
    found = session.exec(select(User).order_by(col(User.active).desc(), User.login))
    return [_as_is(row) for row in found]


def _as_is(row: User) -> PersonChange:
    values = {name: getattr(row, name) for name in FIELDS}
    return PersonChange(row.login, values, values)


def save(database: Database, config: Config, changes: Sequence[PersonChange], by: str) -> None:
    """Keep all of the changes or none; they count from the next click of whomever they are about.

    Raises ValueError with a sentence for each problem, AlreadyDecidedError if somebody was changed since they were
    shown.
    """
    with database.writing() as session:
        # All of them are held: two administrators may not take each other's role at the same moment.
        people = {row.login: row for row in session.exec(select(User).with_for_update())}
        if wrong := _problems(config, changes, people):
            raise ValueError("\n".join(wrong))
        for change in changes:
            _keep(session, change, people.get(login_of(change.login)))
            old = {name: change.shown.get(name) for name in change.changed}
            detail = {"login": login_of(change.login), "from": old, "to": change.changed}
            catalogue.audit(session, _SAVED, detail, by)
        session.flush()
        if config.login and not access.administrators(session, config):
            raise ValueError("Nobody would be an administrator any more; give the role to somebody else first.")


def _keep(session: Session, change: PersonChange, row: User | None) -> None:
    if row is None:
        row = User(login=login_of(change.login), **change.wanted)
    elif _as_is(row).shown != change.shown:
        raise AlreadyDecidedError(f"{row.login} was changed meanwhile; nothing was saved. Discard shows it as it is.")
    else:
        row.sqlmodel_update(change.changed)
    session.add(row)


def _problems(config: Config, changes: Sequence[PersonChange], known: Collection[str]) -> list[str]:
    new = [login_of(change.login) for change in changes if not change.shown]
    found = [f"{login} is in the list already; change them there." for login in new if login in known]
    found += [f"{login} stands there twice." for login in sorted(set(new)) if login and new.count(login) > 1]
    found += [f"{login}: a login holds no spaces." for login in new if len(login.split()) > 1]
    if "" in new:
        found.append("A new person needs a login: what the provider calls them, mostly an e-mail address.")
    for change in changes:
        role = change.wanted["role"]
        if role and role not in access.ROLES:
            found.append(f"{change.login}: there is no role {role}; there is: {', '.join(access.ROLES)}.")
        if "role" in change.changed and (why := fixed(config, change.login)):
            found.append(f"{change.login}: {why}")
    return found


def fixed(config: Config, login: str) -> str:
    """Why this person's role cannot be changed here; empty if it can."""
    if config.login is None:
        return ""
    if login_of(login) in config.login.administrators:
        return "the settings name them an administrator; take them out of `administrators` there."
    if config.login.role_claim:
        return f"the login provider tells the role, by the claim {config.login.role_claim}; change it there."
    return ""
