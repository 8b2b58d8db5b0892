"""How each rule does: what it met lately, how often people agreed, and what speaks against keeping it.

A fixed few queries for all rules together, none of which reads more than an index holds of the last days, or more than
`catalogue.DECISIONS` decisions: as fast with a million posts as with a thousand. Asked by the Rules page. Read on in
`../backtest.py`, which says the same of a wording that nobody saved yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, exists, func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from connector.models import (
    AuditEntry,
    Match,
    RequestType,
    Rule,
    RuleVersion,
    SuspectPost,
    SuspectStatus,
    Utc,
    now,
)
from connector.share import Share
from connector.store import catalogue
from connector.store.catalogue import SAVED, SWITCHED

_columns: Any = select  # sqlmodel's types end at four columns
DAYS = 30
DECIDED_DAYS = 90
"""The days whose decisions say how often a rule is right; the scores of suspects take the same (`catalogue.shares`)."""
ENOUGH_DECISIONS, DISMISSED_TOO_OFTEN = 10, 0.9
ENOUGH_MATCHES = 5
_COMPARED = 2_000  # a rule's newest matches, laid beside another rule's


@dataclass(frozen=True, slots=True)
class Insight:
    """A rule in the list."""

    rule_id: int
    name: str
    type_id: int
    type: str
    expression: str
    active: bool
    version: int
    matched: int
    """In the last `DAYS` days; a look back counts on the day it was made."""
    last_match_at: datetime | None
    accepted: Share
    """Suspects accepted as the rule's type, of all that it brought and people decided on in `DECIDED_DAYS` days."""
    dismissed: int
    never_fires: bool
    """On for `DAYS` days or more with the same wording, and met nothing in them."""
    swallowed_by: int | None
    """Another rule of its type, which is on and met every post that this one met in the last days."""

    @property
    def mostly_dismissed(self) -> bool:
        """Nine times in ten, of ten decisions or more."""
        decided = self.accepted.whole
        return decided >= ENOUGH_DECISIONS and self.dismissed >= DISMISSED_TOO_OFTEN * decided


@dataclass(frozen=True, slots=True)
class _Verdicts:
    accepted: int = 0
    dismissed: int = 0
    decided: int = 0


def insights(session: Session, at: datetime | None = None) -> list[Insight]:
    """All rules, by type and name."""
    since = (at or now()) - timedelta(days=DAYS)
    verdicts = _verdicts(session, (at or now()) - timedelta(days=DECIDED_DAYS))
    changed = _changed(session, since)
    swallowed = _swallowed(session, since)
    found = []
    for rule, kind, worded_at, matched, last_at in _rules(session, since):
        id_, on = rule.id or 0, rule.active and kind.active
        seen = verdicts.get(id_, _Verdicts())
        found.append(
            Insight(
                rule_id=id_,
                name=rule.name,
                type_id=rule.request_type_id,
                type=kind.title,
                expression=rule.expression,
                active=rule.active,
                version=rule.version,
                matched=matched,
                last_match_at=last_at,
                accepted=Share(seen.accepted, seen.decided),
                dismissed=seen.dismissed,
                never_fires=on and not matched and worded_at <= since and id_ not in changed,
                swallowed_by=swallowed.get(id_) if on and matched >= ENOUGH_MATCHES else None,
            )  # fmt: skip
        )
    return found


def _rules(session: Session, since: datetime) -> Any:
    """Each rule with its type, when its wording was saved, its matches since, and the last one ever."""
    of_rule = col(Match.rule_id) == col(Rule.id)
    matched = select(func.count()).where(of_rule, col(Match.matched_at) >= since).correlate(Rule).scalar_subquery()
    last = select(func.max(Match.matched_at, type_=Utc)).where(of_rule).correlate(Rule).scalar_subquery()
    worded = (col(RuleVersion.rule_id) == col(Rule.id)) & (col(RuleVersion.version) == col(Rule.version))
    query = _columns(Rule, RequestType, RuleVersion.at, matched, last)
    return session.exec(
        query.join(RequestType, col(RequestType.id) == col(Rule.request_type_id))
        .join(RuleVersion, worded)
        .order_by(col(RequestType.title), col(Rule.name), col(Rule.id))
    )


def _verdicts(session: Session, since: datetime) -> dict[int, _Verdicts]:
    """Rule → what people decided on the suspects that hold a post which it met."""
    newest = catalogue.newest_decided(since)
    brought = (
        select(Match.rule_id, newest.c.id, newest.c.status, newest.c.request_type_id)
        .select_from(newest)
        .join(SuspectPost, col(SuspectPost.suspect_id) == newest.c.id)
        .join(Match, col(Match.post_id) == col(SuspectPost.post_id))
        .where(newest.c.status.in_((SuspectStatus.ACCEPTED, SuspectStatus.DISMISSED)))
        .distinct()
        .subquery()
    )
    accepted = brought.c.status == SuspectStatus.ACCEPTED
    as_its_type = accepted & (brought.c.request_type_id == col(Rule.request_type_id))
    query = (
        select(
            brought.c.rule_id,
            func.sum(case((as_its_type, 1), else_=0)),
            func.sum(case((accepted, 0), else_=1)),
            func.count(),
        )
        .select_from(brought)
        .join(Rule, col(Rule.id) == brought.c.rule_id)
        .group_by(brought.c.rule_id)
    )
    return {rule: _Verdicts(int(yes), int(no), int(all_)) for rule, yes, no, all_ in session.exec(query)}


def _changed(session: Session, since: datetime) -> set[int]:
    """The rules that were switched on or off since."""
    query = select(AuditEntry).where(col(AuditEntry.what).in_((SAVED, SWITCHED)), col(AuditEntry.at) >= since)
    details = [entry.detail or {} for entry in session.exec(query)]
    return {rule for detail in details for rule in detail.get("switched", ())}


def _swallowed(session: Session, since: datetime) -> dict[int, int]:
    """Rule → another one of its type that met all that it met since, of its newest `_COMPARED`; of two alike the later.

    Only those rules are tried that met its newest post, and each until the first post that it did not meet.
    """
    other: Any = aliased(Rule)
    beside: Any = aliased(Match)
    its: Any = aliased(Match)
    theirs: Any = aliased(Match)
    newest = select(its.post_id).where(its.matched_at >= since).order_by(its.matched_at.desc())
    last = newest.where(its.rule_id == Rule.id).limit(1).correlate(Rule).scalar_subquery()
    pair = (  # distinct, so that they are found before any is tried
        _columns(col(Rule.id).label("rule"), other.id.label("by"))
        .distinct()
        .select_from(Rule)
        .join(beside, beside.post_id == last)
        .join(other, (other.id == beside.rule_id) & (other.id != Rule.id))
        # Written so that no database tries all rules of the type instead of the few that met the post.
        .where(Rule.active, other.active, other.request_type_id - Rule.request_type_id == 0)
        .subquery()
    )
    compared = newest.where(its.rule_id == pair.c.rule).limit(_COMPARED).correlate(pair).subquery()
    met_too = exists().where(theirs.post_id == compared.c.post_id, theirs.rule_id == pair.c.by)
    lacking = select(compared.c.post_id).where(~met_too.correlate(compared, pair)).correlate(pair).exists()
    query = _columns(pair.c.rule, pair.c.by).where(~lacking)
    pairs: set[tuple[int, int]] = {(rule, by) for rule, by in session.exec(query)}
    return {rule: by for rule, by in sorted(pairs, reverse=True) if rule > by or (by, rule) not in pairs}
