"""Changing how the city works: request types, channels taken up again, whole catalogues.

The verbs of the Settings page, beside `workflow.py` in the layers. A change is checked in sentences, compared with the
version that was shown, written down, and told to the workers (`catalogue.touch`). What the file sets is not set here.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import access, catalogue_file, packs
from connector import dispatch as channels
from connector.access import Right
from connector.catalogue_file import Changes
from connector.config import Config
from connector.errors import AlreadyDecidedError, ConnectorError
from connector.models import AuditEntry, RequestType
from connector.store import Database, catalogue, house

FIELDS = {
    "title": "title", "department": "department", "due_hours": "due in hours", "channel": "channel",
    "service_code": "service code", "address": "address", "urgent": "urgent", "active": "on",
    "belongs": "belongs here", "not_belongs": "does not",
}  # fmt: skip
"""What can be changed of a request type, as sentences name it."""
DEFAULTS: dict[str, Any] = {
    "title": "", "department": "", "due_hours": 120, "channel": "", "service_code": "", "address": "",
    "urgent": False, "active": True, "belongs": "", "not_belongs": "",
}  # fmt: skip
_CODE = re.compile(r"[a-z0-9_]{1,60}")
_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+")
_SAVED = "request type saved"


@dataclass(frozen=True, slots=True)
class TypeChange:
    """A request type as somebody wants it: all its fields, and what they were when it was shown."""

    code: str
    wanted: Mapping[str, Any]
    shown: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    """The one that was shown; 0: a new type."""

    @property
    def changed(self) -> dict[str, Any]:
        """Field → its new value."""
        return {name: value for name, value in self.wanted.items() if value != self.shown.get(name)}

    @property
    def name(self) -> str:
        return str(self.shown.get("title") or self.wanted.get("title") or self.code or "The new type")

    def in_words(self) -> str:
        """For example "Pothole: due in hours 120 → 96"."""
        if not self.version:
            return f"{self.name}: new"
        return f"{self.name}: " + ", ".join(self._one(name, value) for name, value in self.changed.items())

    def _one(self, name: str, value: Any) -> str:
        old, label = self.shown.get(name), FIELDS[name]
        if isinstance(value, bool):
            return label if value else f"not {label}"
        if name in ("belongs", "not_belongs"):
            return f"{label} reworded"
        return f"{label} {old if old not in (None, '') else '–'} → {value if value != '' else '–'}"


def problems(config: Config, changes: Sequence[TypeChange], codes: Sequence[str] = ()) -> list[str]:
    """What is wrong with these changes, a sentence each; `codes` are those that exist."""
    found = []
    for change in changes:
        if not change.version:
            found += _bad_code(change, codes)
        found += [f"{change.name}: {what}" for what in _bad_values(config, change.wanted)]
    new = [change.code for change in changes if not change.version and change.code]
    found += [
        f"Two new types have the code {code}; give each its own." for code in sorted(set(new)) if new.count(code) > 1
    ]
    return found


def _bad_code(change: TypeChange, codes: Sequence[str]) -> list[str]:
    if not _CODE.fullmatch(change.code):
        return [f"{change.name}: give it a code of small letters, digits and _, like missed_garbage."]
    return [f"{change.name}: the code {change.code} is taken by another type."] if change.code in codes else []


def _bad_values(config: Config, wanted: Mapping[str, Any]) -> list[str]:
    found = []
    if not str(wanted["title"]).strip():
        found.append("give it a title; residents and reviewers read it.")
    if wanted["due_hours"] < 1:
        found.append("it must be due in 1 hour or more.")
    address = str(wanted["address"])
    if address and not _ADDRESS.fullmatch(address):
        found.append("the address is none that mail can go to; write one, like noise@example.gov.")
    adapter = config.channels.get(wanted["channel"])
    if adapter is None:
        known = ", ".join(config.channels) or "none yet"
        found.append(f"there is no channel {wanted['channel'] or 'chosen'}; the settings name: {known}.")
    elif wanted["active"]:
        if channels.kinds()[adapter.kind].needs_address and not address:
            found.append(f"{wanted['channel']} sends mail, so it needs an address.")
        if channels.kinds()[adapter.kind].needs_service_code and not wanted["service_code"]:
            found.append(f"{wanted['channel']} files by service, so it needs the service code that it has there.")
    return found


def save_types(database: Database, config: Config, changes: Sequence[TypeChange], by: str) -> None:
    """Keep all of the changes or none; they hold for what is accepted from now on.

    Raises ValueError with a sentence for each problem, AlreadyDecidedError if one was changed since it was shown.
    """
    with database.writing() as session:
        codes = session.exec(select(RequestType.code)).all()
        if wrong := problems(config, changes, codes):
            raise ValueError("\n".join(wrong))
        for change in changes:
            if change.version:
                _update(session, change)
            else:
                last = session.exec(select(func.max(RequestType.position))).one()
                session.add(RequestType(code=change.code, position=(last or 0) + 1, **change.wanted))
            old = {name: change.shown.get(name) for name in change.changed}
            catalogue.audit(session, _SAVED, {"type": change.code, "from": old, "to": change.changed}, by)
        catalogue.touch(session)


def _update(session: Session, change: TypeChange) -> None:
    """Compare and set: one row changed means that nobody was faster."""
    won = session.exec(
        sql_update(RequestType)
        .where(col(RequestType.code) == change.code, col(RequestType.version) == change.version)
        .values(version=col(RequestType.version) + 1, **change.changed)
    )
    if won.rowcount != 1:
        raise AlreadyDecidedError(
            f"{change.name} was changed meanwhile{_by_whom(session, change.code)}; nothing was saved. "
            "Discard shows what it is now."
        )


def _by_whom(session: Session, code: str) -> str:
    newest = select(AuditEntry).where(AuditEntry.what == _SAVED).order_by(col(AuditEntry.id).desc()).limit(50)
    entry = next((e for e in session.exec(newest) if (e.detail or {}).get("type") == code), None)
    return f" by {entry.by}" if entry and entry.by else ""


@dataclass(frozen=True, slots=True)
class Tested:
    """What a channel said to a test: a sentence, theirs in part."""

    well: bool
    sentence: str


def try_channel(config: Config, name: str) -> Tested:
    """Ask the channel for a sign of life, by its cheapest call; nothing is filed."""
    try:
        way = channels.load(name, config.channels[name], config.delivery.timeout, config.home)
        return Tested(True, way.test())
    except ConnectorError as error:
        return Tested(False, str(error))


def resume(database: Database, channel: str, by: str) -> None:
    """Use a paused channel again at once."""
    with database.writing() as session:
        house.resume(session, channel)
        catalogue.audit(session, "channel resumed", {"channel": channel}, by)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: in figures, line by line, and what would then be wrong."""

    changes: Changes
    diff: str
    problems: Sequence[str]


class _OnlyLooking(Exception):
    """Ends the trial transaction of a preview."""


def preview(database: Database, config: Config, text: str | bytes, name: str) -> Preview:
    """Import for trial and take it back; ConfigError where the file is wrong."""
    changes, before, after, wrong = Changes(), "", "", list[str]()
    try:
        with database.writing() as session:
            before = catalogue_file.export_text(session)
            changes = packs.import_text(session, text, "", name, own=config.city.accounts)
            after = catalogue_file.export_text(session)
            wrong = problems(config, [shown(kind) for kind in catalogue.types(session) if kind.active])
            raise _OnlyLooking
    except _OnlyLooking:
        pass
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), "now", name, lineterm="", n=2)
    return Preview(changes, "\n".join(lines), wrong)


def shown(kind: RequestType) -> TypeChange:
    """The type as it is, with nothing changed."""
    values = {name: getattr(kind, name) for name in FIELDS}
    return TypeChange(kind.code, values, values, kind.version)


def take_file(database: Database, config: Config, text: str | bytes, by: str, name: str) -> Changes:
    """Import request types and rules, or a pack's rules; all or nothing. Types are for who may change settings."""
    with database.writing() as session:
        changes = packs.import_text(session, text, by, name, own=config.city.accounts)
        if changes.types_added or changes.types_changed:
            access.require(session, config, by, Right.SETTINGS)
        return changes
