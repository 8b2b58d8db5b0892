"""Changing what the city looks for: rules are saved, rolled back to an earlier wording, switched, compared.

The verbs of the Rules page, beside `workflow.py` in the layers. A wording is checked and, where X's terms or the city's
promise to its residents forbid it, refused with the reason; an administrator may override that, which is written down.
Read on in `store/catalogue.py` (rules as rows) and `rules/forbidden.py` (what is refused).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum

from sqlmodel import Session, col, select

from connector import access, rules
from connector.access import Right
from connector.config import Config
from connector.errors import RuleError
from connector.models import AuditEntry, Rule, RuleVersion
from connector.store import Database, catalogue

_LONGEST_NAME = 120
"""Characters."""
_ALLOWED = "forbidden rule allowed"
_ROLLED_BACK = "rule rolled back"
_PARTS = re.compile(r'-?"(?:[^"\\]|\\.)*"(?:~\d+)?|[()]|[^\s()"]+|\s+|.', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule as somebody wants it."""

    name: str
    expression: str
    type_id: int


def save(
    database: Database,
    config: Config,
    wanted: Wanted,
    by: str,
    rule_id: int | None = None,
    seen: int | None = None,
    override: str = "",
) -> Rule:
    """Keep a new rule, or a change of rule `rule_id` as it was shown in version `seen`.

    Raises RuleError for a wording that does not work or is forbidden, ValueError without a name, AlreadyDecidedError
    when somebody saved another wording meanwhile. `override` is an administrator's reason to set a forbidden one.
    """
    name, expression = wanted.name.strip(), wanted.expression.strip()
    if not name:
        raise ValueError("Give the rule a name; reviewers read it beside what it found.")
    if len(name) > _LONGEST_NAME:
        raise ValueError(f"A name holds {_LONGEST_NAME} characters, this one has {len(name)}: shorten it.")
    with database.writing() as session:
        held = session.get_one(Rule, rule_id) if rule_id is not None else None
        if held is None or held.name.casefold() != name.casefold():
            _alone(session, name, rule_id)
        refusals = _sound(config, expression) if held is None or held.expression != expression else []
        _override(session, config, refusals, by, override)
        if rule_id is None:
            rule = Rule(name=name, expression=expression, request_type_id=wanted.type_id)
            rule = catalogue.save_rule(session, rule, by)
        else:
            values = {"name": name, "expression": expression, "request_type_id": wanted.type_id}
            rule = catalogue.change_rule(session, rule_id, seen, by, **values)
        _write_down(session, rule, refusals, by, override)
    return rule


def _alone(session: Session, name: str, rule_id: int | None) -> None:
    """Reviewers and Trends know a rule by its name: two of one name are taken for each other."""
    for other, known in session.exec(select(Rule.id, Rule.name)):
        if other != rule_id and known.casefold() == name.casefold():
            raise ValueError(f"There is a rule “{known}” already: give this one another name.")


def roll_back(
    database: Database, config: Config, rule_id: int, to: int, seen: int, by: str, override: str = ""
) -> Rule:
    """Put an earlier wording in force again, as a new version.

    Raises AlreadyDecidedError unless `seen` is still the version in force, RuleError where the earlier wording would be
    refused today, ValueError where it is the present one, LookupError where there is none.
    """
    with database.writing() as session:
        found = select(RuleVersion).where(RuleVersion.rule_id == rule_id, RuleVersion.version == to)
        earlier = session.exec(found).one_or_none()
        if earlier is None:
            raise LookupError(f"The rule has no version {to}.")
        refusals = _sound(config, earlier.expression)
        _override(session, config, refusals, by, override)
        rule = catalogue.change_rule(session, rule_id, seen, by, expression=earlier.expression)
        if rule.version == seen:
            raise ValueError(f"Version {to} says what version {seen} says: there is nothing to roll back.")
        catalogue.audit(session, _ROLLED_BACK, {"rule": rule_id, "version": rule.version, "to": to}, by)
        _write_down(session, rule, refusals, by, override)
    return rule


def switch(
    database: Database, config: Config, rule_ids: Collection[int], active: bool, by: str, override: str = ""
) -> list[int]:
    """Switch all of these rules on or off, or none; the ids of those that were not so before.

    Raises RuleError, naming the rule, when one is to go on that is forbidden and that nobody allowed.
    """
    with database.writing() as session:
        refused = _refused(session, config, rule_ids) if active else []
        for rule, refusals in refused:
            _override(session, config, refusals, by, override, f"{rule.name}: ")
        switched = catalogue.switch_rules(session, rule_ids, active, by)
        for rule, refusals in refused:
            _write_down(session, rule, refusals, by, override)
    return switched


def _sound(config: Config, expression: str) -> list[rules.Refusal]:
    """Why a wording is forbidden; RuleError for the first thing that keeps it from working."""
    if problems := rules.check(expression):
        first = problems[0]
        raise RuleError(first.message, first.position, first.length, first.suggestion)
    return rules.forbidden(rules.parse(expression), config.city.accounts)


def _refused(session: Session, config: Config, rule_ids: Collection[int]) -> list[tuple[Rule, list[rules.Refusal]]]:
    """Those of these rules that are off, forbidden, and not allowed in their present version."""
    found = []
    entries = session.exec(select(AuditEntry.detail).where(AuditEntry.what == _ALLOWED))
    allowed = {(detail["rule"], detail["version"]) for detail in entries if detail}
    for rule in session.exec(select(Rule).where(col(Rule.id).in_(rule_ids), col(Rule.active).is_(False))):
        try:
            refusals = rules.forbidden(rules.parse(rule.expression), config.city.accounts)
        except RuleError as error:
            raise RuleError(f"{rule.name}: {error}", error.position, error.length, error.suggestion) from None
        if refusals and (rule.id, rule.version) not in allowed:
            found.append((rule, refusals))
    return found


def _override(
    session: Session, config: Config, refusals: Collection[rules.Refusal], by: str, reason: str, whose: str = ""
) -> None:
    for refusal in refusals:
        if not reason.strip():
            raise RuleError(f"{whose}{refusal.message}.", refusal.position, refusal.length)
        if not access.may(session, config, by, Right.SETTINGS):
            message = f"{whose}{refusal.message}. Only an administrator may set it all the same."
            raise RuleError(message, refusal.position, refusal.length)


def _write_down(session: Session, rule: Rule, refusals: Collection[rules.Refusal], by: str, reason: str) -> None:
    if refusals:
        codes = sorted({refusal.code for refusal in refusals})
        detail = {"rule": rule.id, "version": rule.version, "forbidden": codes, "because": reason.strip()}
        catalogue.audit(session, _ALLOWED, detail, by)


class Change(StrEnum):
    """What became of a piece of a wording."""

    SAME = "same"
    GONE = "gone"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Piece:
    change: Change
    text: str


def compared(old: str, new: str) -> list[Piece]:
    """Two wordings laid over each other, word by word: what is not new makes the old one, what is not gone the new."""
    before, after = _PARTS.findall(old), _PARTS.findall(new)
    pieces = []
    for tag, start, end, from_, to in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, new = "".join(before[start:end]), "".join(after[from_:to])
        if tag == "equal":
            pieces.append(Piece(Change.SAME, gone))
        else:
            pieces += [Piece(change, text) for change, text in ((Change.GONE, gone), (Change.NEW, new)) if text]
    return pieces
