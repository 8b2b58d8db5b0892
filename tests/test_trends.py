"""Counts over time: a day is a day of the city, sums agree with raw SQL, on both databases."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from connector import trends
from connector.models import SuspectPost, SuspectStatus
from connector.store import Database
from connector.store import sources as questions
from tests.builders import a_dispatch, a_post, a_rule, a_suspect, a_ticket

LOS_ANGELES = ZoneInfo("America/Los_Angeles")
UTC_ZONE = ZoneInfo("UTC")


def at(zone: ZoneInfo, *when: int) -> datetime:
    return datetime(*when, tzinfo=zone).astimezone(UTC)  # type: ignore[arg-type]


# In 2026 Los Angeles turned its clocks on 8 March and on 1 November; both days are between two of these nights.
CHANGES = [(2026, 3, 7), (2026, 3, 8), (2026, 10, 31), (2026, 11, 1)]


@pytest.mark.parametrize("zone", [LOS_ANGELES, UTC_ZONE], ids=str)
@pytest.mark.parametrize("evening", CHANGES, ids=str)
def test_a_minute_before_and_after_midnight_are_two_days(
    database: Database, zone: ZoneInfo, evening: tuple[int, int, int]
) -> None:
    day = date(*evening)
    morning = day + timedelta(days=1)
    with database.writing() as session:
        a_suspect(session, post=a_post(session, posted_at=at(zone, *evening, 23, 59)))
        for _ in range(2):
            late = a_post(session, posted_at=at(zone, morning.year, morning.month, morning.day, 0, 1))
            a_suspect(session, post=late)
    period = trends.last_days(5, zone, at(zone, *evening, 12) + timedelta(days=2))
    with database.reading() as session:
        counted = {found.day: (found.posts, found.suspects) for found in trends.daily(session, period) if found.posts}
    assert counted == {day: (1, 1), morning: (2, 2)}


def test_the_same_posts_fall_on_other_days_elsewhere(database: Database) -> None:
    with database.writing() as session:
        a_post(session, posted_at=datetime(2026, 11, 2, 7, 59, tzinfo=UTC))
        a_post(session, posted_at=datetime(2026, 11, 2, 8, 1, tzinfo=UTC))
    noon = datetime(2026, 11, 2, 20, tzinfo=UTC)
    with database.reading() as session:
        here = [d.posts for d in trends.daily(session, trends.last_days(2, LOS_ANGELES, noon))]
        there = [d.posts for d in trends.daily(session, trends.last_days(2, UTC_ZONE, noon))]
    assert here == [1, 1]
    assert there == [0, 2]


def test_days_of_23_and_25_hours_are_whole_days() -> None:
    spring = trends.last_days(1, LOS_ANGELES, at(LOS_ANGELES, 2026, 3, 8, 12))
    autumn = trends.last_days(1, LOS_ANGELES, at(LOS_ANGELES, 2026, 11, 1, 12))
    assert (spring.end - spring.start, autumn.end - autumn.start) == (timedelta(hours=23), timedelta(hours=25))


@pytest.mark.parametrize("step", [1, 7])
def test_the_period_before_ends_where_this_one_begins(step: int) -> None:
    period = trends.last_days(28, LOS_ANGELES, at(LOS_ANGELES, 2026, 11, 20, 12), step)
    before = trends.days_before(period, LOS_ANGELES)
    assert before.end == period.start
    assert len(before.days) == len(period.days) == 28 // step
    assert before.days[0][0] == date(2026, 9, 26)


def test_weeks_hold_what_their_days_hold(database: Database) -> None:
    end = at(LOS_ANGELES, 2026, 11, 20, 12)
    with database.writing() as session:
        for back in range(28):
            a_post(session, posted_at=end - timedelta(days=back))
    with database.reading() as session:
        days = trends.daily(session, trends.last_days(28, LOS_ANGELES, end))
        weeks = trends.daily(session, trends.last_days(28, LOS_ANGELES, end, 7))
    assert [d.posts for d in days] == [1] * 28
    assert [w.posts for w in weeks] == [7] * 4
    assert [w.day for w in weeks] == [days[n].day for n in (0, 7, 14, 21)]


NOON = datetime(2026, 11, 20, 20, tzinfo=UTC)
PERIOD = trends.last_days(7, LOS_ANGELES, NOON)


@pytest.fixture
def decided(database: Database) -> Database:
    """Eight suspects of two rules: five accepted, two dismissed, one waiting; and one that is too old to count."""
    with database.writing() as session:
        a_rule(session, name="holes")
        a_rule(session, "missed_garbage", name="trash")
        for number in range(8):
            posted = NOON - timedelta(hours=13 * number)
            status = ([SuspectStatus.ACCEPTED] * 5 + [SuspectStatus.DISMISSED] * 2 + [SuspectStatus.WAITING])[number]
            suspect = a_suspect(
                session, type_code="missed_garbage" if number % 4 == 3 else "pothole", status=status,
                post=a_post(session, posted_at=posted), lat=45.5, lon=-131.0,
                district="Old Town" if number % 2 else "Dockside",
                decided_at=None if number == 7 else posted + timedelta(minutes=10),
            )  # fmt: skip
            if number < 3:
                accepted = posted + timedelta(minutes=10)
                dispatch = a_dispatch(session, suspect, created_at=accepted)
                a_ticket(session, dispatch, opened_at=accepted + timedelta(seconds=30))
        old = a_post(session, posted_at=NOON - timedelta(days=30))
        a_suspect(session, post=old, status=SuspectStatus.DISMISSED, decided_at=NOON - timedelta(days=30))
        a_rule(session, name="never")
    return database


def test_sums_agree_with_raw_sql(decided: Database) -> None:
    raw = "SELECT count(*) FROM {} WHERE {} >= :start AND {} < :end {}"
    bounds = {"start": PERIOD.start, "end": PERIOD.end}
    if decided.is_sqlite:
        bounds = {name: f"{moment:%Y-%m-%d %H:%M:%S.%f}" for name, moment in bounds.items()}  # type: ignore[misc]

    def count(table: str, column: str, more: str = "") -> int:
        with decided.engine.connect() as connection:
            return int(connection.execute(text(raw.format(table, column, column, more)), bounds).scalar() or 0)

    with decided.reading() as session:
        days = trends.daily(session, PERIOD)
        figures = trends.figures(session, PERIOD)
        types = trends.by_type(session, PERIOD)
        rules = trends.by_rule(session, PERIOD)
    accepted = count("suspect", "decided_at", "AND status = 'accepted'")
    assert sum(day.posts for day in days) == figures.posts == count("post", "posted_at") == 8
    assert sum(day.suspects for day in days) == count("suspect", "first_posted_at") == 8
    assert sum(day.accepted for day in days) == figures.accepted == accepted == 5
    assert figures.decided == count("suspect", "decided_at", "AND status IN ('accepted', 'dismissed')") == 7
    assert sum(kind.accepted + kind.dismissed + kind.waiting for kind in types) == 8
    assert sum(rule.matched for rule in rules) == 8
    assert sum(rule.accepted for rule in rules) == 5


def test_figures_say_how_long_it_took(decided: Database) -> None:
    with decided.reading() as session:
        figures = trends.figures(session, PERIOD)
        nothing = trends.figures(session, trends.last_days(3, LOS_ANGELES, NOON - timedelta(days=90)))
    assert figures.to_decision == pytest.approx(600, abs=0.01)
    assert figures.to_ticket == pytest.approx(30, abs=0.01)
    assert figures.share == pytest.approx(5 / 7)
    assert nothing == trends.Figures(0, 0, 0, None, None)
    assert nothing.share is None


def test_parking_is_no_decision(database: Database) -> None:
    with database.writing() as session:
        post = a_post(session, posted_at=NOON)
        a_suspect(session, post=post, status=SuspectStatus.PARKED, decided_at=NOON + timedelta(hours=1))
    with database.reading() as session:
        figures = trends.figures(session, PERIOD)
    assert (figures.decided, figures.to_decision) == (0, None)


def test_types_and_rules_tell_what_became_of_them(decided: Database) -> None:
    with decided.reading() as session:
        types = {kind.type: kind for kind in trends.by_type(session, PERIOD)}
        rules = {rule.name: rule for rule in trends.by_rule(session, PERIOD)}
    assert types["Pothole"] == trends.TypeCount("Pothole", 4, 2, 0)
    assert types["Missed garbage"] == trends.TypeCount("Missed garbage", 1, 0, 1)
    holes, never = rules["holes"], rules["never"]
    assert (holes.matched, holes.accepted, holes.decided, holes.share) == (6, 4, 6, pytest.approx(4 / 6))
    assert (never.matched, never.share, never.last_match_at) == (0, None, None)
    assert holes.last_match_at is not None
    assert holes.last_match_at.tzinfo is UTC


def test_a_rule_counts_a_post_once_however_many_suspects_it_is_in(database: Database) -> None:
    with database.writing() as session:
        first = a_suspect(session, post=a_post(session, posted_at=NOON))
        second = a_suspect(session, post=a_post(session, posted_at=NOON))
        session.add(SuspectPost(suspect_id=second.id or 0, post_id=first.lead_post_id or 0))
    with database.reading() as session:
        assert [rule.matched for rule in trends.by_rule(session, PERIOD)] == [2]


def test_a_district_narrows_everything(decided: Database) -> None:
    with decided.reading() as session:
        assert trends.districts(session) == ["Dockside", "Old Town"]
        days = trends.daily(session, PERIOD, "Old Town")
        figures = trends.figures(session, PERIOD, "Old Town")
        types = trends.by_type(session, PERIOD, "Old Town")
        rules = trends.by_rule(session, PERIOD, "Old Town")
        spots = trends.spots(session, PERIOD, "Old Town")
    assert sum(day.posts for day in days) == sum(day.suspects for day in days) == figures.posts == 4
    assert sum(day.accepted for day in days) == figures.accepted == len(spots) == 2
    assert sum(kind.accepted + kind.dismissed + kind.waiting for kind in types) == 4
    assert sum(rule.matched for rule in rules) == 4
    assert spots[0][:2] == (45.5, -131.0)


def test_the_oldest_post_says_whether_there_is_a_before(decided: Database) -> None:
    with decided.reading() as session:
        assert trends.first_post_at(session) == NOON - timedelta(days=30)


def test_nothing_at_all(database: Database) -> None:
    with database.reading() as session:
        assert trends.first_post_at(session) is None
        assert [day.posts for day in trends.daily(session, PERIOD)] == [0] * 7
        assert trends.by_type(session, PERIOD) == []
        assert trends.by_rule(session, PERIOD) == []
        assert trends.spots(session, PERIOD) == []


def test_the_csv_holds_figures_and_no_formula() -> None:
    days = [trends.Day(date(2026, 11, 20), 3, 2, 1)]
    rows = list(csv.reader(io.StringIO(trends.as_csv(days))))
    assert rows == [
        ["day", "district", "posts", "suspects", "accepted"],
        ["2026-11-20", "whole city", "3", "2", "1"],
    ]
    for sign in "=+-@\t":
        cell = list(csv.reader(io.StringIO(trends.as_csv(days, f"{sign}SUM(A1)"))))[1][1]
        assert cell == f"'{sign}SUM(A1)"


def test_posts_an_hour_by_source(database: Database) -> None:
    with database.writing() as session:
        for minutes in (1, 59, 61, 23 * 60 + 30, 24 * 60 + 30):
            a_post(session, received_at=NOON - timedelta(minutes=minutes))
        a_post(session, source="other", received_at=NOON - timedelta(minutes=1))
    with database.reading() as session:
        flow = questions.hourly(session, "sample", at=NOON)
        flows = questions.flows(session, at=NOON)
        nothing = questions.hourly(session, "none", at=NOON)
    assert flow == flows["sample"]
    assert (flow[-1], flow[-2], flow[0], sum(flow)) == (2, 1, 1, 4)
    assert flows["other"][-1] == 1
    assert nothing == [0] * 24
