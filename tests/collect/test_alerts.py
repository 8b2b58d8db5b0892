"""Alerts open once, close by themselves, are mailed once, and say nothing of any post."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from connector.collect.alerts import Alerts
from connector.config import Adapter, Config, Notify
from connector.dispatch.outbox import KeptMail, Outbox
from connector.errors import AuthError, ConfigError, TemporaryError
from connector.models import Alert, AlertKind, Gap, GapCause, GapState, ReadHour, SourceState, now
from connector.store import Database
from connector.store import alerts as questions

HOUR = timedelta(hours=1)


@pytest.fixture
def config(config: Config) -> Config:
    """Three sources; the operator is told by the outbox."""
    sources = {name: Adapter(kind="sample") for name in ("birds", "elephants", "faces")}
    city = config.city.model_copy(update={"url": "https://crm.city.example/"})
    notify = Notify(channel="outbox", to="it@city.example")
    return config.model_copy(update={"sources": sources, "notify": notify, "city": city})


@pytest.fixture
def alerts(database: Database, config: Config) -> Alerts:
    return Alerts(database, config)


def a_source(database: Database, name: str = "birds", **values: Any) -> None:
    """Runs, and was well just now."""
    defaults = {"kind": "sample", "state": "running", "alive_at": now(), "last_post_at": now()}
    with database.writing() as session:
        session.merge(SourceState(name=name, **(defaults | values)))


def a_usual_week(database: Database, name: str = "birds", each: int = 30, window: int = 0) -> None:
    """So many posts in every hour of eight days, and so many in the window that is judged."""
    this = now().replace(minute=0, second=0, microsecond=0)
    with database.writing() as session:
        for back in range(2, 24 * 8):
            session.add(ReadHour(source=name, hour_at=this - back * HOUR, count=each))
        if window:
            session.add(ReadHour(source=name, hour_at=this - HOUR, count=window))


def a_gap(database: Database, source: str = "birds", hours_ago: float = 3, **values: Any) -> int:
    begin = now() - hours_ago * HOUR
    defaults = {"from_at": begin, "to_at": begin + timedelta(minutes=17), "cause": GapCause.RATE_LIMIT}
    with database.writing() as session:
        gap = Gap(source=source, **(defaults | values))
        session.add(gap)
        session.flush()
        return gap.id or 0


def told(database: Database) -> dict[tuple[str, str], str]:
    """What is open."""
    with database.reading() as session:
        found = questions.all_open(session)
    assert len({(alert.source, alert.kind) for alert in found}) == len(found)
    return {(alert.source, alert.kind): alert.says for alert in found}


def ever(database: Database) -> list[Alert]:
    with database.reading() as session:
        return list(session.exec(select(Alert).order_by(Alert.id)))  # type: ignore[arg-type]


def mails(alerts: Alerts) -> list[KeptMail]:
    assert isinstance(alerts._way, Outbox)
    return alerts._way.messages()


# -- silent --------------------------------------------------------------------------------------------------------


def test_a_source_quieter_than_its_usual_hour_is_said_to_be(database: Database, alerts: Alerts) -> None:
    for name in ("birds", "elephants", "faces"):
        a_source(database, name, last_post_at=now() - 3 * HOUR)
    a_usual_week(database, "birds")
    a_usual_week(database, "elephants", window=60)
    a_usual_week(database, "faces", each=2)
    alerts.review()
    assert set(told(database)) == {("birds", "silent")}
    assert told(database)["birds", "silent"].startswith("Quiet for 3 h, usually ")


def test_silence_closes_by_itself_when_posts_come(database: Database, alerts: Alerts) -> None:
    a_source(database, last_post_at=now() - 2 * HOUR)
    a_usual_week(database)
    alerts.review()
    alerts.review()
    assert len(ever(database)) == 1
    this = now().replace(minute=0, second=0, microsecond=0)
    with database.writing() as session:
        session.merge(ReadHour(source="birds", hour_at=this, count=60))
    alerts.review()
    assert told(database) == {}
    assert len(ever(database)) == 1


def test_nothing_heard_at_all_is_silence_even_of_a_new_source(database: Database, config: Config) -> None:
    a_source(database, alive_at=now() - timedelta(minutes=6))
    alerts = Alerts(database, config)
    alerts.review()
    assert told(database) == {}, "this worker has just begun to listen"
    alerts._begun = now() - timedelta(minutes=7)
    alerts.review()
    assert "Nothing was heard of it since" in told(database)["birds", "silent"]
    a_source(database)
    alerts.review()
    assert told(database) == {}


def test_a_source_that_does_not_answer_for_long_is_said_to_be_silent(database: Database, config: Config) -> None:
    a_source(database, state="catching up", last_error="It answers 503.", alive_at=now() - timedelta(minutes=20))
    alerts = Alerts(database, config)
    alerts.review()
    assert told(database) == {}, "this worker has just begun to ask"
    alerts._begun = now() - timedelta(minutes=14)
    alerts.review()
    assert told(database) == {}
    alerts._begun = now() - timedelta(minutes=16)
    alerts.review()
    says = told(database)["birds", "silent"]
    assert says.startswith("It does not answer since ")
    assert says.endswith(". It answers 503.")
    Alerts(database, config).review()
    assert len(ever(database)) == 1, "a worker that begins anew neither closes it nor opens another"
    assert told(database)
    a_source(database, state="catching up", last_error="")
    alerts.review()
    assert told(database) == {}


@pytest.mark.parametrize("state", ["paused", "stopped", "catching up", "new"])
def test_what_does_not_run_is_not_silent(database: Database, alerts: Alerts, state: str) -> None:
    a_source(database, state=state, alive_at=now() - 5 * HOUR, last_post_at=now() - 5 * HOUR)
    a_usual_week(database)
    alerts._begun = now() - HOUR
    alerts.review()
    assert told(database) == {}


def test_a_source_that_was_away_meanwhile_is_not_silent(database: Database, alerts: Alerts) -> None:
    a_source(database, last_post_at=now() - 3 * HOUR)
    a_usual_week(database)
    a_gap(database, from_at=now() - 3 * HOUR, to_at=now() - timedelta(minutes=2), state=GapState.FILLED)
    alerts.review()
    assert told(database) == {}


# -- refused, spent ------------------------------------------------------------------------------------------------


def test_a_refused_credential_is_told_in_the_platforms_words(database: Database, alerts: Alerts) -> None:
    a_source(database, state="paused", last_error="X refuses the token (401).")
    a_gap(database, to_at=None, cause=GapCause.REFUSED)
    alerts.review()
    assert told(database) == {("birds", "refused"): "X refuses the token (401)."}
    a_source(database, last_error="")
    alerts.review()
    assert told(database) == {}


def test_a_used_up_limit_is_told_as_such(database: Database, alerts: Alerts) -> None:
    a_source(database, state="paused", last_error="This month's limit of posts is reached.")
    a_gap(database, to_at=None, cause=GapCause.CREDITS)
    alerts.review()
    assert told(database) == {("birds", "spent"): "This month's limit of posts is reached."}


def test_what_a_person_paused_is_no_alert(database: Database, alerts: Alerts) -> None:
    a_source(database, state="paused", asked="pause", last_error="")
    a_source(database, "faces", state="paused", asked="pause", last_error="An older error")
    alerts.review()
    assert told(database) == {}


def test_a_source_that_left_the_settings_alerts_no_longer(database: Database, config: Config) -> None:
    a_source(database, state="paused", last_error="Refused")
    Alerts(database, config).review()
    assert told(database)
    Alerts(database, config.model_copy(update={"sources": {}})).review()
    assert told(database) == {}


# -- lost ----------------------------------------------------------------------------------------------------------


def test_lost_gaps_are_told_until_somebody_has_seen_them(database: Database, config: Config, alerts: Alerts) -> None:
    a_source(database)
    gap = a_gap(database, state=GapState.LOST, closed_at=now(), from_at=datetime.fromisoformat("2026-01-05T18:02Z"),
                to_at=datetime.fromisoformat("2026-01-05T18:19Z"))  # fmt: skip
    alerts.review()
    assert told(database) == {
        ("birds", "lost"): "Posts may be lost for good, from 5 Jan, 10:02 to 5 Jan, 10:19 (rate limit)."
    }
    with database.writing() as session:
        assert questions.seen(session, ever(database)[0].id or 0)
        assert not questions.seen(session, ever(database)[0].id or 0)
    alerts.review()
    assert told(database) == {}
    a_gap(database, state=GapState.LOST, closed_at=now())
    alerts.review()
    assert "intervals" not in told(database)["birds", "lost"], "the one seen is not told again"
    a_gap(database, state=GapState.LOST, closed_at=now(), cause=GapCause.BACK_PRESSURE)
    alerts.review()
    assert "in 2 intervals (rate limit, we were too slow)" in told(database)["birds", "lost"]
    assert len(ever(database)) == 2
    assert gap


def test_a_lost_gap_is_told_for_a_week(database: Database, alerts: Alerts) -> None:
    a_source(database)
    a_gap(database, state=GapState.LOST, closed_at=now() - timedelta(days=6, hours=23))
    alerts.review()
    assert told(database)
    with database.writing() as session:
        gap = session.exec(select(Gap)).one()
        gap.closed_at = now() - timedelta(days=7, minutes=1)
        session.add(gap)
    alerts.review()
    assert told(database) == {}


def test_open_and_filled_gaps_are_no_alert(database: Database, alerts: Alerts) -> None:
    a_source(database)
    a_gap(database)
    a_gap(database, hours_ago=9, state=GapState.FILLED, closed_at=now())
    alerts.review()
    assert told(database) == {}


# -- looking -------------------------------------------------------------------------------------------------------


def test_looking_costs_nothing_within_the_minute(database: Database, alerts: Alerts) -> None:
    alerts.look()
    a_source(database, state="paused", last_error="Refused")
    alerts.look()
    assert told(database) == {}
    assert alerts._looked is not None
    alerts._looked -= 61
    alerts.look()
    assert told(database)
    assert alerts._mailer
    alerts._mailer.join(5)
    assert len(mails(alerts)) == 1


def test_two_workers_open_one_alert_and_mail_it_once(database: Database, config: Config) -> None:
    for name in ("birds", "elephants", "faces"):
        a_source(database, name, state="paused", last_error="Refused")
    workers = [Alerts(database, config) for _ in range(4)]
    start = threading.Barrier(len(workers))

    def work(alerts: Alerts) -> None:
        start.wait(5)
        alerts.review()
        alerts.mail()

    threads = [threading.Thread(target=work, args=(one,)) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    workers[0].mail()
    assert len(ever(database)) == 3
    assert len(mails(workers[0])) == 3


# -- mails ---------------------------------------------------------------------------------------------------------


def test_a_mail_says_what_is_the_matter_and_where_to_look(database: Database, alerts: Alerts) -> None:
    a_source(database, state="paused", last_error="X refuses the token (401).")
    alerts.review()
    alerts.mail()
    alerts.mail()
    (mail,) = mails(alerts)
    assert (mail.to, mail.subject) == ("it@city.example", "Testville: source birds is refused")
    assert "X refuses the token (401)." in mail.body
    assert "Make a new key" in mail.body
    assert "https://crm.city.example/sources?source=birds" in mail.body
    assert ever(database)[0].mailed_at


def test_a_mail_is_sent_with_no_session_open(database: Database, config: Config, alerts: Alerts) -> None:
    held = []

    class Watching(Outbox):
        def notify(self, to: str, subject: str, text: str) -> None:
            held.append(database.engine.pool.checkedout())  # type: ignore[attr-defined]

    alerts._way = Watching("outbox", Outbox.Settings(), home=config.home)
    a_source(database, state="paused", last_error="Refused")
    alerts.review()
    alerts.mail()
    assert held == [0]


def test_what_closed_before_it_was_mailed_is_not(database: Database, alerts: Alerts) -> None:
    a_source(database, state="paused", last_error="Refused")
    alerts.review()
    a_source(database)
    alerts.review()
    alerts.mail()
    assert mails(alerts) == []


def test_the_same_trouble_later_is_mailed_again(database: Database, alerts: Alerts) -> None:
    for _ in range(2):
        a_source(database, state="paused", last_error="Refused")
        alerts.review()
        alerts.mail()
        a_source(database)
        alerts.review()
    assert len(mails(alerts)) == 2


class Counter(Outbox):
    """Fails as often as it is told to, before it keeps anything."""

    fails: list[Exception] = []

    def notify(self, to: str, subject: str, text: str) -> None:
        if self.fails:
            raise self.fails.pop(0)
        super().notify(to, subject, text)


@pytest.mark.parametrize(
    ("error", "kept"), [(TemporaryError("The mail server is busy."), 1), (AuthError("The login is refused."), 0)]
)
def test_a_mail_that_surely_did_not_leave_is_tried_again(
    database: Database, config: Config, alerts: Alerts, error: Exception, kept: int
) -> None:
    alerts._way = way = Counter("outbox", Outbox.Settings(), home=config.home)
    way.fails = [error]
    a_source(database, state="paused", last_error="Refused")
    alerts.review()
    alerts.mail()
    assert mails(alerts) == []
    alerts.mail()
    assert len(mails(alerts)) == kept


def test_no_more_than_so_many_mails_an_hour_then_one_for_all(database: Database, config: Config) -> None:
    names = [f"s{n}" for n in range(10)]
    sources = {name: Adapter(kind="sample") for name in names}
    notify = Notify(channel="outbox", to="it@city.example", an_hour=3)
    alerts = Alerts(database, config.model_copy(update={"sources": sources, "notify": notify}))
    for name in names[:8]:
        a_source(database, name, state="paused", last_error="Refused")
    alerts.review()
    alerts.mail()
    subjects = [mail.subject for mail in mails(alerts)]
    assert sorted(subjects) == [
        "Testville: 6 alerts of sources", "Testville: source s0 is refused", "Testville: source s1 is refused"
    ]  # fmt: skip
    for name in names[8:]:
        a_source(database, name, state="paused", last_error="Refused")
    alerts.review()
    alerts.mail()
    assert len(mails(alerts)) == 3
    with database.writing() as session:
        for alert in session.exec(select(Alert)):
            if alert.mailed_at:
                alert.mailed_at -= HOUR
                session.add(alert)
    alerts.mail()
    assert len(mails(alerts)) == 5
    assert all(alert.mailed_at for alert in ever(database))


@given(st.integers(0, 60), st.integers(-3, 20))
def test_all_alerts_are_shared_out_over_the_mails_that_are_left(count: int, left: int) -> None:
    alerts = [Alert(id=n, source="s", kind=AlertKind.LOST) for n in range(count)]
    out = questions.shared_out(alerts, left)
    assert len(out) <= max(0, left)
    assert [alert.id for mail in out for alert in mail] == (list(range(count)) if left > 0 else [])
    assert all(len(mail) == 1 for mail in out[:-1])


def test_without_notify_nobody_is_mailed(database: Database, config: Config) -> None:
    alerts = Alerts(database, config.model_copy(update={"notify": None}))
    a_source(database, state="paused", last_error="Refused")
    alerts.review()
    alerts.mail()
    assert told(database)
    assert ever(database)[0].mailed_at is None


def test_a_channel_that_mails_nobody_is_a_config_error(database: Database, config: Config, tmp_path: Path) -> None:
    desk = Adapter.model_validate({"kind": "open311", "endpoint": "http://127.0.0.1:1/v2", "api_key": "k"})
    wrong = config.model_copy(
        update={"channels": {"desk": desk}, "notify": Notify(channel="desk", to="it@city.example")}
    )
    with pytest.raises(ConfigError, match="desk is of kind open311, which mails nobody"):
        Alerts(database, wrong)


# -- the question that every page asks ----------------------------------------------------------------------------


def test_every_page_asks_by_the_index(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("the plan is SQLite's")
    with database.reading() as session:
        plan = session.connection().exec_driver_sql(
            "EXPLAIN QUERY PLAN SELECT * FROM alert WHERE source IN ('a', 'b') AND kind IN ('silent', 'lost')"
            " AND closed_at IS NULL"
        )
        assert "ix_alert_open" in str(plan.all())
