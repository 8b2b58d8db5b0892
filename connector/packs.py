"""Packs: rules for common request types that any city takes over; the command `import` knows them by their `pack:`.

A pack never changes what a city has: it adds the rules that are missing to the types that are there, so that importing
it twice changes nothing. `data/packs/` holds those that ship. Read on in `pack_figures.py`, which measures one, and
`catalogue_file.py`, whose checks and transaction hold here too.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, select

from connector import catalogue_file
from connector.catalogue_file import CatalogueFile, Changes, RuleEntry, Strict, TypeEntry
from connector.models import RequestType, Rule


class PackRule(Strict):
    """A rule, with a post that it is meant to find."""

    name: str
    expression: str
    example: str


class PackType(Strict):
    """A request type as a pack words it: its title is used only where a city lacks the type and asks for it."""

    code: str
    title: str
    belongs: str = ""
    labels: list[str] = []
    """Further names under which judged posts may keep this type."""
    rules: list[PackRule]


class Pack(Strict):
    pack: str
    title: str
    request_types: list[PackType]


def read(text: str | bytes, name: str = "the pack") -> Pack:
    """The pack, every rule checked; ConfigError says where it is wrong."""
    pack = catalogue_file.shaped(catalogue_file.loaded(text, name), Pack, name)
    catalogue_file.checked(CatalogueFile(request_types=[_new(kind) for kind in pack.request_types]), name)
    return pack


def import_text(
    session: Session,
    text: str | bytes,
    by: str,
    name: str = "the file",
    add_types: bool = False,
    own: Collection[str] = (),
) -> Changes:
    """Take over a pack, or any other file of types and rules, in the session's transaction.

    Of a pack, types that the city lacks are skipped and named, or added with `add_types`. Raises as
    `catalogue_file.take`; `own` are the city's accounts.
    """
    found = catalogue_file.loaded(text, name)
    if not (isinstance(found, dict) and "pack" in found):
        return catalogue_file.import_text(session, text, by, name, own)
    left = Changes()
    changes = catalogue_file.take(session, _for_city(session, read(text, name), add_types, left), by, name, own)
    changes.types_skipped, changes.rules_kept = left.types_skipped, left.rules_kept
    return changes


def remarks(changes: Changes) -> list[str]:
    """What an import left alone, a sentence each."""
    said = []
    if changes.types_skipped:
        said.append(f"Skipped, for there is no such request type here: {', '.join(changes.types_skipped)}.")
    if changes.rules_kept:
        said.append(f"Left as they are worded here: {', '.join(changes.rules_kept)}.")
    return said


def _for_city(session: Session, pack: Pack, add_types: bool, left: Changes) -> CatalogueFile:
    """What the pack has and the city lacks; what is passed over is written into `left`."""
    known = {kind.code: kind for kind in session.exec(select(RequestType))}
    entries = []
    for kind in pack.request_types:
        if held := known.get(kind.code):
            missing = _missing(session, held, kind.rules, left)
            entries.append(TypeEntry(**catalogue_file.values_of(held), rules=missing))
        elif add_types:
            entries.append(_new(kind))
        else:
            left.types_skipped.append(kind.code)
    return CatalogueFile(request_types=entries)


def _missing(session: Session, kind: RequestType, rules: list[PackRule], left: Changes) -> list[RuleEntry]:
    """Those that this type has neither by name nor, X takes no rule twice, by wording."""
    held = {rule.name: rule.expression for rule in session.exec(select(Rule).where(Rule.request_type_id == kind.id))}
    left.rules_kept += [rule.name for rule in rules if held.get(rule.name, rule.expression) != rule.expression]
    return [_entry(rule) for rule in rules if rule.name not in held and rule.expression not in held.values()]


def _new(kind: PackType) -> TypeEntry:
    return TypeEntry(
        code=kind.code, title=kind.title, belongs=kind.belongs, rules=[_entry(rule) for rule in kind.rules]
    )


def _entry(rule: PackRule) -> RuleEntry:
    return RuleEntry(name=rule.name, expression=rule.expression)
