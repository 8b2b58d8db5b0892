"""How each rule does, from SQL, on both databases: figures, what speaks against a rule, and no reading of all rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from connector.models import AuditEntry, Match, Rule, RuleVersion, Suspect, SuspectPost, now
from connector.share import Share
from connector.store import Database, catalogue
from connector.store.insights import DAYS, Insight, insights
from tests.builders import a_post, a_rule, a_suspect, a_type, added
from tests.plans import asked, plans

NOW = now()
LONG_AGO = NOW - timedelta(days=DAYS + 1)
LATELY = NOW - timedelta(days=2)


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    with database.writing() as opened:
        yield opened


def insight(session: Session, rule: Rule) -> Insight:
    session.flush()
    return next(one for one in insights(session, NOW) if one.rule_id == rule.id)


def met(session: Session, rule: Rule, at: datetime = LATELY, post: int | None = None) -> int:
    """A post that the rule met; its id."""
    post = post or a_post(session).id or 0
    added(session, Match(post_id=post, rule_id=rule.id, matched_at=at))
    return post


def decided(session: Session, rule: Rule, status: str, type_code: str = "pothole", **values: Any) -> Suspect:
    """A suspect that only this rule brought."""
    post = a_post(session)
    met(session, rule, post=post.id)
    values = {"decided_at": LATELY, **values}
    suspect = Suspect(request_type_id=a_type(session, type_code).id or 0, lead_post_id=post.id, status=status, **values)
    added(session, suspect)
    added(session, SuspectPost(suspect_id=suspect.id, post_id=post.id))
    return suspect


def an_old_rule(session: Session, type_code: str = "pothole", **values: Any) -> Rule:
    rule = a_rule(session, type_code, **values)
    session.exec(select(RuleVersion).where(RuleVersion.rule_id == rule.id)).one().at = LONG_AGO
    session.flush()
    return rule


def test_every_rule_is_listed_by_type_and_name(session: Session) -> None:
    a_rule(session, "pothole", name="b", expression="hole", active=False)
    a_rule(session, "pothole", name="a")
    a_rule(session, "graffiti", name="c")
    found = insights(session, NOW)
    assert [(one.type, one.name, one.active) for one in found] == [
        ("Graffiti", "c", True), ("Pothole", "a", True), ("Pothole", "b", False),
    ]  # fmt: skip
    assert (found[2].expression, found[2].version, found[2].matched, found[2].last_match_at) == ("hole", 1, 0, None)
    assert found[2].accepted == Share(0, 0)


def test_matches_of_the_last_days_are_counted_and_the_last_one_told(session: Session) -> None:
    rule, other = a_rule(session), a_rule(session)
    for at in (LONG_AGO, LATELY - timedelta(days=1), LATELY):
        met(session, rule, at)
    met(session, other, LONG_AGO)
    assert (insight(session, rule).matched, insight(session, rule).last_match_at) == (2, LATELY)
    assert (insight(session, other).matched, insight(session, other).last_match_at) == (0, LONG_AGO)


def test_the_share_counts_suspects_accepted_as_the_rules_type(session: Session) -> None:
    rule, other = a_rule(session), a_rule(session, "graffiti")
    for status in ("accepted", "accepted", "accepted", "dismissed", "waiting", "expired"):
        decided(session, rule, status)
    decided(session, rule, "accepted", "graffiti")
    decided(session, rule, "accepted", decided_at=NOW - timedelta(days=91))
    found = insight(session, rule)
    assert (found.accepted, found.dismissed) == (Share(3, 5), 1)
    assert insight(session, other).accepted == Share(0, 0)


def test_a_suspect_of_several_posts_counts_once(session: Session) -> None:
    rule = a_rule(session)
    suspect = decided(session, rule, "accepted")
    for _ in range(2):
        added(session, SuspectPost(suspect_id=suspect.id, post_id=met(session, rule)))
    assert insight(session, rule).accepted == Share(1, 1)


def test_of_very_many_decisions_the_newest_count(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = a_rule(session)
    for days, status in enumerate(["accepted", "dismissed", "accepted", "dismissed"]):
        decided(session, rule, status, decided_at=NOW - timedelta(days=days))
    monkeypatch.setattr(catalogue, "DECISIONS", 3)
    assert insight(session, rule).accepted == Share(2, 3)
    assert catalogue.shares(session) == {rule.id: (2, 3)}


@pytest.mark.parametrize(
    ("accepted", "dismissed", "pointed_out"), [(1, 9, True), (0, 10, True), (0, 9, False), (2, 9, False)]
)
def test_dismissed_nine_times_in_ten(accepted: int, dismissed: int, pointed_out: bool, session: Session) -> None:
    rule = a_rule(session)
    for status in ["accepted"] * accepted + ["dismissed"] * dismissed:
        decided(session, rule, status)
    assert insight(session, rule).mostly_dismissed is pointed_out


def test_accepted_as_another_type_is_not_dismissed(session: Session) -> None:
    rule = a_rule(session)
    for _ in range(10):
        decided(session, rule, "accepted", "graffiti")
    found = insight(session, rule)
    assert (found.mostly_dismissed, found.accepted) == (False, Share(0, 10))


# -- never fires -------------------------------------------------------------------------------------------------------


def test_a_rule_that_met_nothing_for_so_long_never_fires(session: Session) -> None:
    silent, met_long_ago, fires = an_old_rule(session), an_old_rule(session), an_old_rule(session)
    met(session, met_long_ago, LONG_AGO)
    met(session, fires)
    assert [insight(session, rule).never_fires for rule in (silent, met_long_ago, fires)] == [True, True, False]


def test_a_young_wording_has_not_had_its_time(session: Session) -> None:
    assert not insight(session, a_rule(session)).never_fires
    rule = an_old_rule(session)
    catalogue.change_rule(session, rule.id or 0, 1, "Dana", expression="hole")
    assert not insight(session, rule).never_fires


def test_a_rule_that_is_off_or_whose_type_is_cannot_fire(session: Session) -> None:
    off, of_type_off = an_old_rule(session, active=False), an_old_rule(session, "graffiti")
    a_type(session, "graffiti").active = False
    assert not insight(session, off).never_fires
    assert not insight(session, of_type_off).never_fires


def test_a_rule_that_was_switched_lately_has_not_had_its_time(session: Session) -> None:
    single, many, renamed, before = (an_old_rule(session, active=n == 2) for n in range(4))
    catalogue.change_rule(session, single.id or 0, None, "Dana", active=True)
    catalogue.switch_rules(session, [many.id or 0], True, "Dana")
    catalogue.change_rule(session, renamed.id or 0, None, "Dana", name="other")
    catalogue.switch_rules(session, [before.id or 0], True, "Dana")
    for entry in session.exec(select(AuditEntry)):
        if (entry.detail or {}).get("switched") == [before.id]:
            entry.at = LONG_AGO
    found = [insight(session, rule).never_fires for rule in (single, many, renamed, before)]
    assert found == [False, False, True, True]


# -- swallowed ---------------------------------------------------------------------------------------------------------


def both(session: Session, *rules: Rule, times: int = 5) -> None:
    """Posts that all of these rules met."""
    for number in range(times):
        post = a_post(session).id
        for rule in rules:
            met(session, rule, LATELY + timedelta(minutes=number), post)


def test_a_rule_whose_posts_another_one_met_too_is_swallowed(session: Session) -> None:
    wide, narrow = a_rule(session), a_rule(session)
    both(session, wide, narrow)
    met(session, wide)
    assert insight(session, narrow).swallowed_by == wide.id
    assert insight(session, wide).swallowed_by is None


@pytest.mark.parametrize("at", [NOW - timedelta(days=29), NOW - timedelta(minutes=1)])
def test_one_post_of_its_own_saves_it(at: datetime, session: Session) -> None:
    wide, narrow = a_rule(session), a_rule(session)
    both(session, wide, narrow)
    met(session, narrow, at)
    assert insight(session, narrow).swallowed_by is None


def test_what_it_met_alone_long_ago_does_not_save_it(session: Session) -> None:
    wide, narrow = a_rule(session), a_rule(session)
    both(session, wide, narrow)
    met(session, wide)
    met(session, narrow, LONG_AGO)
    assert insight(session, narrow).swallowed_by == wide.id


def test_four_posts_are_too_few_to_say(session: Session) -> None:
    wide, narrow = a_rule(session), a_rule(session)
    both(session, wide, narrow, times=4)
    met(session, wide)
    assert insight(session, narrow).swallowed_by is None


def test_two_rules_together_swallow_none(session: Session) -> None:
    narrow, one, two = a_rule(session), a_rule(session), a_rule(session)
    both(session, narrow, one, times=3)
    both(session, narrow, two, times=3)
    assert insight(session, narrow).swallowed_by is None


def test_of_two_alike_the_later_is_swallowed(session: Session) -> None:
    first, second, third = a_rule(session), a_rule(session), a_rule(session)
    both(session, first, second, third)
    assert [insight(session, rule).swallowed_by for rule in (first, second, third)] == [None, first.id, first.id]


def test_rules_of_another_type_and_rules_that_are_off_swallow_none(session: Session) -> None:
    narrow, other_type = a_rule(session), a_rule(session, "graffiti")
    off = a_rule(session, active=False)
    both(session, narrow, other_type, off)
    for rule in (other_type, off):
        met(session, rule)
    assert insight(session, narrow).swallowed_by is None
    assert insight(session, off).swallowed_by is None


# -- flat --------------------------------------------------------------------------------------------------------------


def test_the_list_takes_four_queries_and_none_reads_all_matches_or_suspects(database: Database) -> None:
    with database.writing() as session:
        for _ in range(3):
            a_suspect(session)
    said = asked(database, insights)
    assert len(said) == 4
    if not database.is_sqlite:
        return
    steps = [step for plan in plans(database, said) for step in plan]
    assert not [step for step in steps if step.startswith("SCAN") and "match" in step]
    assert not [step for step in steps if step.startswith(("SCAN suspect", "SCAN post"))]
    assert any("ix_suspect_decided" in step for step in steps)
    assert sum("ix_match_rule" in step for step in steps) >= 3
