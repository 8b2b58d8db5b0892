"""Request types and rules as one YAML file: the commands `import` and `export`, the demo city, a city's backup.

An import adds and updates by the types' codes and the rules' names, and removes nothing; it takes all or nothing.
Read on in `packs.py`: rules for any city, which change nothing that a city has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlmodel import Session, col, select

from connector import rules
from connector.errors import ConfigError
from connector.models import RequestType, Rule
from connector.store import catalogue


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


Shape = TypeVar("Shape", bound=Strict)


class RuleEntry(Strict):
    """A rule of a type."""

    name: str
    expression: str
    active: bool = True


class TypeEntry(Strict):
    """A request type with its rules."""

    code: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    department: str = ""
    belongs: str = ""
    not_belongs: str = ""
    due_hours: int = Field(120, ge=1)
    channel: str = "outbox"
    service_code: str = ""
    address: str = ""
    urgent: bool = False
    active: bool = True
    attributes: dict[str, Any] = {}
    rules: list[RuleEntry] = []


class CatalogueFile(Strict):
    request_types: list[TypeEntry]


@dataclass
class Changes:
    """What an import did, or would do."""

    types_added: list[str] = field(default_factory=list)
    types_changed: list[str] = field(default_factory=list)
    rules_added: list[str] = field(default_factory=list)
    rules_changed: list[str] = field(default_factory=list)
    types_skipped: list[str] = field(default_factory=list)
    """Of a pack: those that the city lacks, by code."""
    rules_kept: list[str] = field(default_factory=list)
    """Of a pack: those that the city has in its own wording."""

    def __bool__(self) -> bool:
        return bool(self.types_added or self.types_changed or self.rules_added or self.rules_changed)


def parse(text: str | bytes, name: str = "the file") -> CatalogueFile:
    """The file's content, every rule checked; ConfigError says where it is wrong."""
    return checked(shaped(loaded(text, name), CatalogueFile, name), name)


def loaded(text: str | bytes, name: str) -> Any:
    """The YAML as plain values; bytes are UTF-8."""
    try:
        return yaml.safe_load(text.decode("utf-8-sig") if isinstance(text, bytes) else text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{name} is not written in UTF-8; save it so, and choose it again.") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, at character {mark.column + 1}" if mark else ""
        why = getattr(error, "problem", None) or "it cannot be read"
        raise ConfigError(
            f"{name} is no YAML{where}: {why}. Mend that line, or export the types and rules anew."
        ) from error


def shaped(values: Any, shape: type[Shape], name: str) -> Shape:
    """The values in this shape; ConfigError names the first that does not fit."""
    try:
        return shape.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigError(f"{name}, {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def checked(found: CatalogueFile, name: str) -> CatalogueFile:
    """The same file if nothing stands there twice and every rule is valid."""
    if twice := _twice(kind.code for kind in found.request_types):
        raise ConfigError(f"{name}: the type {twice!r} stands there twice")
    for kind in found.request_types:
        if twice := _twice(rule.name for rule in kind.rules):
            raise ConfigError(f"{name}, type {kind.code!r}: the rule {twice!r} stands there twice")
        for rule in kind.rules:
            if problems := rules.check(rule.expression):
                first_problem = problems[0]
                raise ConfigError(
                    f"{name}, rule {rule.name!r}, character {first_problem.position + 1}: {first_problem.message}"
                )
    return found


def _twice(names: Iterable[str]) -> str | None:
    return next((name for name, count in Counter(names).items() if count > 1), None)


def import_text(
    session: Session, text: str | bytes, by: str, name: str = "the file", own: Collection[str] = ()
) -> Changes:
    """Add and update what the file holds, in the session's transaction; as `take`."""
    return take(session, parse(text, name), by, name, own)


def take(session: Session, file: CatalogueFile, by: str, name: str = "the file", own: Collection[str] = ()) -> Changes:
    """Add and update what a checked file holds.

    Raises ConfigError for a new wording that a city must not set; `own` are the city's accounts, which it may follow.
    """
    changes = Changes()
    known = {kind.code: kind for kind in session.exec(select(RequestType))}
    for position, entry in enumerate(file.request_types):
        values = entry.model_dump(exclude={"rules"})
        kind = known.get(entry.code)
        if kind is None:
            kind = RequestType(**values, position=position)
            changes.types_added.append(entry.title)
        elif changed := {name: value for name, value in values.items() if (getattr(kind, name) or "") != (value or "")}:
            for column, value in changed.items():
                setattr(kind, column, value)
            kind.version += 1
            changes.types_changed.append(entry.title)
        session.add(kind)
        session.flush()
        fresh = _take_rules(session, kind, entry.rules, by, changes)
        for rule in fresh:
            _permit(rule, name, own)
    if changes:
        catalogue.touch(session)
        catalogue.audit(session, "catalogue imported", {"changes": len(changes.types_added + changes.rules_added)}, by)
    return changes


def _permit(rule: RuleEntry, name: str, own: Collection[str]) -> None:
    if refused := rules.forbidden(rules.parse(rule.expression), own):
        raise ConfigError(
            f"{name}, rule {rule.name!r}: {refused[0].message}. On the Rules page an administrator can allow it."
        )


def _take_rules(
    session: Session, kind: RequestType, entries: list[RuleEntry], by: str, changes: Changes
) -> list[RuleEntry]:
    """Those whose wording is new here."""
    fresh = []
    held = {rule.name: rule for rule in session.exec(select(Rule).where(Rule.request_type_id == kind.id))}
    for entry in entries:
        rule = held.get(entry.name)
        if rule is None:
            rule = Rule(request_type_id=kind.id or 0, **entry.model_dump())
            changes.rules_added.append(entry.name)
            fresh.append(entry)
        elif (rule.expression, rule.active) != (entry.expression, entry.active):
            if rule.expression != entry.expression:
                fresh.append(entry)
            rule.expression, rule.active = entry.expression, entry.active
            changes.rules_changed.append(entry.name)
        else:
            continue
        catalogue.save_rule(session, rule, by)
    return fresh


def values_of(kind: RequestType) -> dict[str, Any]:
    """What a file says of a type, its rules left out."""
    values = {name: getattr(kind, name) for name in TypeEntry.model_fields if name != "rules"}
    return {**values, "attributes": values["attributes"] or {}}


def export_text(session: Session) -> str:
    """Everything as YAML; importing it again changes nothing."""
    held: dict[int, list[Rule]] = {}
    for rule in session.exec(select(Rule).order_by(col(Rule.id))):
        held.setdefault(rule.request_type_id, []).append(rule)
    types = []
    for kind in catalogue.types(session):
        entry = values_of(kind)
        entry["rules"] = [
            {"name": r.name, "expression": r.expression, "active": r.active} for r in held.get(kind.id or 0, [])
        ]
        types.append(entry)
    return yaml.safe_dump({"request_types": types}, sort_keys=False, allow_unicode=True, width=120)
