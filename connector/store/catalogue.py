"""Request types and rules: what the city looks for, as tables and as the plain values that the hot path reads.

`version` tells cheaply whether anything changed; `catalogue` reads all of it at once. Changes go through `save_rule`
and `save_type`, which keep the old wording and move the version on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Subquery, case, func, inspect
from sqlmodel import Session, col, select

from connector.errors import AlreadyDecidedError
from connector.models import (
    AuditEntry,
    Match,
    RequestType,
    Rule,
    RuleVersion,
    Setting,
    Suspect,
    SuspectPost,
    SuspectStatus,
    now,
)

SAVED, SWITCHED = "rule saved", "rules switched"
"""What the audit trail says of rules; `switched` in the detail names those that went on or off by it."""
DECISIONS = 20_000
"""So many of the newest decisions say how often rules are right; most cities make fewer in three months."""
_VERSION = "catalogue_version"


@dataclass(frozen=True, slots=True)
class RuleRow:
    """A rule that is on, with the share of its suspects that people accepted (one success and one failure added)."""

    id: int
    version: int
    name: str
    expression: str
    request_type_id: int
    share: float


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything that storing a post needs to know of types and rules."""

    version: int = 0
    rules: Mapping[int, RuleRow] = field(default_factory=dict)
    urgent: frozenset[int] = frozenset()
    """Ids of the urgent request types."""


def version(session: Session) -> int:
    """A number that moves with every change of a type or rule."""
    stored = session.get(Setting, _VERSION)
    return int(stored.value) if stored else 0


def touch(session: Session) -> None:
    """Say that a type or rule changed; workers read the catalogue anew between two batches."""
    stored = session.get(Setting, _VERSION, populate_existing=True)
    if stored:
        stored.value, stored.at = int(stored.value) + 1, now()
        session.add(stored)
    else:
        session.add(Setting(name=_VERSION, value=1))


def catalogue(session: Session) -> Catalogue:
    """The rules and types that are on."""
    query = (
        select(Rule)
        .join(RequestType, col(RequestType.id) == col(Rule.request_type_id))
        .where(Rule.active, RequestType.active)
        .order_by(col(Rule.id))
    )
    verdicts = shares(session)
    rules = {}
    for rule in session.exec(query):
        accepted, decided = verdicts.get(rule.id or 0, (0, 0))
        share = (accepted + 1) / (decided + 2)
        rules[rule.id or 0] = RuleRow(
            rule.id or 0, rule.version, rule.name, rule.expression, rule.request_type_id, share
        )
    urgent = frozenset(i for i in session.exec(select(RequestType.id).where(RequestType.urgent)) if i is not None)
    return Catalogue(version(session), rules, urgent)


def shares(session: Session, days: int = 90) -> dict[int, tuple[int, int]]:
    """Rule id → how many of its suspects were accepted, how many were decided, in the last days."""
    newest = newest_decided(now() - timedelta(days=days))
    accepted = func.sum(case((newest.c.status == SuspectStatus.ACCEPTED, 1), else_=0))
    query = (
        select(Match.rule_id, accepted, func.count())
        .select_from(newest)
        .join(SuspectPost, col(SuspectPost.suspect_id) == newest.c.id)
        .join(Match, col(Match.post_id) == col(SuspectPost.post_id))
        .where(newest.c.status.in_((SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED)))
        .group_by(col(Match.rule_id))
    )
    return {rule_id: (int(yes or 0), int(all_)) for rule_id, yes, all_ in session.exec(query)}


def newest_decided(since: datetime) -> Subquery:
    """Id, status and type of the suspects decided since, at most `DECISIONS` of them: to be asked at any size."""
    newest = select(Suspect.id, Suspect.status, Suspect.request_type_id).where(col(Suspect.decided_at) >= since)
    return newest.order_by(col(Suspect.decided_at).desc()).limit(DECISIONS).subquery()


def types(session: Session, only_active: bool = False) -> list[RequestType]:
    """All request types in the city's order."""
    query = select(RequestType).order_by(col(RequestType.position), col(RequestType.title))
    return list(session.exec(query.where(RequestType.active) if only_active else query))


def meant(session: Session, type_code: str = "", rule_id: int | None = None) -> tuple[int | None, str | None]:
    """The request type and the present wording that a wording is laid beside, as far as they are named.

    A rule brings its type along. Raises LookupError where there is no such type or rule.
    """
    rule = session.get(Rule, rule_id) if rule_id is not None else None
    if rule_id is not None and rule is None:
        raise LookupError(f"There is no rule {rule_id}.")
    if not type_code:
        return (rule.request_type_id, rule.expression) if rule else (None, None)
    type_id = session.exec(select(RequestType.id).where(RequestType.code == type_code)).first()
    if type_id is None:
        codes = ", ".join(kind.code for kind in types(session))
        raise LookupError(f"There is no type {type_code!r}; there are: {codes}.")
    return type_id, rule.expression if rule else None


@dataclass(frozen=True, slots=True)
class RuleCard:
    """A rule with what stands around it."""

    rule: Rule
    type: RequestType
    versions: Sequence[RuleVersion]
    """Newest first."""


def rule_card(session: Session, rule_id: int) -> RuleCard | None:
    """One rule with its request type and every wording it had."""
    found = session.exec(select(Rule, RequestType).join(RequestType).where(Rule.id == rule_id)).first()
    if found is None:
        return None
    query = select(RuleVersion).where(RuleVersion.rule_id == rule_id).order_by(col(RuleVersion.version).desc())
    return RuleCard(*found, list(session.exec(query)))


def change_rule(session: Session, rule_id: int, seen: int | None, by: str, **values: Any) -> Rule:
    """Change a rule as it stands now; `seen` is the version that was shown, None for whichever it is.

    Raises AlreadyDecidedError when another wording was saved meanwhile, and changes nothing.
    """
    rule = session.get_one(Rule, rule_id, with_for_update=True, populate_existing=True)
    if seen is not None and rule.version != seen:
        newest = session.exec(
            select(RuleVersion).where(RuleVersion.rule_id == rule_id, RuleVersion.version == rule.version)
        ).one()
        raise AlreadyDecidedError(
            f"{newest.by or 'Somebody'} saved version {rule.version} meanwhile; yours is not saved yet."
        )
    for name, value in values.items():
        setattr(rule, name, value)
    return save_rule(session, rule, by)


def save_rule(session: Session, rule: Rule, by: str) -> Rule:
    """Keep a new or changed rule; a changed expression makes a new version. The caller has checked the wording."""
    switched = rule.id is not None and inspect(rule).attrs.active.history.has_changes()
    if rule.id is None:
        rule.version = 1
        session.add(rule)
        session.flush()
        session.add(RuleVersion(rule_id=_id(rule), version=1, expression=rule.expression, by=by))
    else:
        newest = session.exec(
            select(RuleVersion.expression).where(RuleVersion.rule_id == rule.id, RuleVersion.version == rule.version)
        ).one()
        if newest != rule.expression:
            rule.version += 1
            session.add(RuleVersion(rule_id=_id(rule), version=rule.version, expression=rule.expression, by=by))
        session.add(rule)
        session.flush()
    detail = {"rule": rule.id, "version": rule.version, "active": rule.active}
    audit(session, SAVED, detail | ({"switched": [rule.id]} if switched else {}), by)
    touch(session)
    return rule


def switch_rules(session: Session, rule_ids: Collection[int], active: bool, by: str) -> list[int]:
    """Switch all of these on or off; the ids of those that were not so before, which are written down."""
    query = select(Rule).where(col(Rule.id).in_(rule_ids), col(Rule.active).is_not(active)).order_by(col(Rule.id))
    rules = session.exec(query.with_for_update()).all()
    for rule in rules:
        rule.active = active
        session.add(rule)
    switched = [_id(rule) for rule in rules]
    if switched:
        audit(session, SWITCHED, {"switched": switched, "active": active}, by)
        touch(session)
    return switched


def _id(rule: Rule) -> int:
    if rule.id is None:
        raise LookupError("the rule has not been stored yet")
    return rule.id


def audit(session: Session, what: str, detail: dict[str, Any], by: str) -> None:
    """Write down who changed what."""
    session.add(AuditEntry(what=what, detail=detail, by=by))
