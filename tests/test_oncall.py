"""Urgent posts that nobody opens are mailed, once a time for all workers, until somebody sees to them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlmodel import select

from connector import oncall
from connector.config import Adapter, Config, OnCall
from connector.dispatch import Channel
from connector.dispatch.outbox import KeptMail, Outbox
from connector.errors import AuthError, ConfigError, TemporaryError, UnclearError
from connector.models import AuditEntry, Suspect, SuspectStatus, now
from connector.store import Database
from connector.store import oncall as questions
from tests.builders import a_post, a_suspect, a_type
from tests.servers import free_port

MINUTE = timedelta(minutes=1)


@pytest.fixture
def config(config: Config) -> Config:
    """Whoever is on call is mailed by the outbox, after five minutes and then every ten."""
    city = config.city.model_copy(update={"url": "https://crm.city.example/"})
    return config.model_copy(update={"oncall": OnCall(channel="outbox", to="call@city.example"), "city": city})


@pytest.fixture
def alarms(database: Database, config: Config) -> oncall.Alarms:
    return oncall.Alarms(database, config)


def urgent(database: Database, minutes: float = 6, text: str = "Smell of gas at the school", **values: Any) -> int:
    """It came so many minutes ago, waits, and nobody has opened it."""
    defaults = {"urgent": 1, "urgent_why": "gas", "created_at": now() - minutes * MINUTE}
    with database.writing() as session:
        return a_suspect(session, text, **(defaults | values)).id or 0


def mails(alarms: oncall.Alarms) -> list[KeptMail]:
    assert isinstance(alarms._way, Outbox)
    return sorted(alarms._way.messages(), key=lambda mail: mail.kept_at)


def held(database: Database, suspect_id: int) -> Suspect:
    with database.reading() as session:
        return session.get_one(Suspect, suspect_id)


def later(database: Database, minutes: float) -> None:
    """So much time passes: everything that is written down is that much older."""
    with database.writing() as session:
        for suspect in session.exec(select(Suspect)):
            suspect.created_at -= minutes * MINUTE
            suspect.alarmed_at = suspect.alarmed_at and suspect.alarmed_at - minutes * MINUTE
            session.add(suspect)


# -- which are mailed ----------------------------------------------------------------------------------------------


def test_one_that_waits_too_long_is_mailed_with_what_to_do(database: Database, alarms: oncall.Alarms) -> None:
    suspect_id = urgent(database)
    alarms.mail()
    (mail,) = mails(alarms)
    assert mail.to == "call@city.example"
    assert mail.subject == "Testville: urgent post nobody has opened, Pothole"
    assert f"Open it: https://crm.city.example/?id={suspect_id}\n" in mail.body
    assert "the gas company's emergency number" in mail.body
    assert "I take it" in mail.body
    assert "every 10 min" in mail.body


@pytest.mark.parametrize("many", [1, 2])
def test_a_mail_holds_nothing_that_a_deletion_upstream_must_erase(
    database: Database, alarms: oncall.Alarms, many: int
) -> None:
    for _ in range(many):
        urgent(database, text="Gas by the swings", place="12 Oak Street", place_words="12 oak st", district="Ward 7")
    alarms.mail()
    (mail,) = mails(alarms)
    told = f"{mail.subject}\n{mail.body}".lower()
    assert [word for word in ("swings", "oak", "ward 7") if word in told] == []


@pytest.mark.parametrize(
    "values",
    [
        {"minutes": 4},
        {"urgent": 0},
        {"opened_at": now()},
        {"acknowledged_at": now()},
        {"status": SuspectStatus.ACCEPTED},
        {"status": SuspectStatus.PARKED},
        {"status": SuspectStatus.WITHDRAWN},
    ],
)
def test_nobody_is_called_for_one_that_is_young_seen_decided_or_not_urgent(
    database: Database, alarms: oncall.Alarms, values: dict[str, Any]
) -> None:
    urgent(database, **values)
    alarms.mail()
    assert mails(alarms) == []


def test_an_urgent_type_without_a_danger_in_the_text_is_mailed_too(database: Database, alarms: oncall.Alarms) -> None:
    urgent(database, urgent_why="")
    alarms.mail()
    assert "If anyone is in danger, call 911." in mails(alarms)[0].body


def test_several_are_told_in_one_mail_the_oldest_first(database: Database, alarms: oncall.Alarms) -> None:
    young, old = urgent(database, 6), urgent(database, 60)
    alarms.mail()
    (mail,) = mails(alarms)
    assert mail.subject == "Testville: 2 urgent posts nobody has opened"
    assert mail.body.index(f"?id={old}\n") < mail.body.index(f"?id={young}\n")


def test_a_storm_is_told_in_short(database: Database, alarms: oncall.Alarms) -> None:
    with database.writing() as session:
        kind, post = a_type(session), a_post(session)
        waits = {"request_type_id": kind.id, "lead_post_id": post.id, "urgent": 1, "created_at": now() - 9 * MINUTE}
        waits |= {"first_posted_at": now(), "last_posted_at": now()}
        session.add_all(Suspect(**waits) for _ in range(questions.MOST + 5))
    alarms.mail()
    (mail,) = mails(alarms)
    assert mail.body.count("Open it:") == 20
    assert "And 180 more: https://crm.city.example/?view=urgent" in mail.body


# -- until somebody sees to it -------------------------------------------------------------------------------------


def test_it_is_mailed_again_and_again_until_somebody_acknowledges(database: Database, alarms: oncall.Alarms) -> None:
    suspect_id = urgent(database)
    for _ in range(3):
        alarms.mail()
        later(database, 9)
        alarms.mail()
        later(database, 2)
    assert len(mails(alarms)) == 3
    assert oncall.acknowledge(database, [suspect_id], "ana") == 1
    alarms.mail()
    assert len(mails(alarms)) == 3
    assert held(database, suspect_id).acknowledged_by == "ana"
    with database.reading() as session:
        entry = session.exec(select(AuditEntry)).one()
        assert (entry.what, entry.suspect_id, entry.by) == ("urgent post taken", suspect_id, "ana")


def test_who_comes_second_takes_nothing_and_the_first_stays_named(database: Database) -> None:
    suspect_id, other = urgent(database), urgent(database)
    assert oncall.acknowledge(database, [suspect_id], "ana") == 1
    assert oncall.acknowledge(database, [suspect_id], "ben") == 0
    assert held(database, suspect_id).acknowledged_by == "ana"
    assert held(database, other).acknowledged_at is None
    with database.reading() as session:
        assert [id_ for id_, _ in questions.unopened(session, now())] == [other]


def test_two_mails_are_a_minute_apart(database: Database, alarms: oncall.Alarms) -> None:
    urgent(database)
    alarms.mail()
    second = urgent(database)
    alarms.mail()
    assert len(mails(alarms)) == 1
    later(database, 1.1)
    alarms.mail()
    assert len(mails(alarms)) == 2
    assert f"?id={second}\n" in mails(alarms)[1].body


# -- mails that do not leave ---------------------------------------------------------------------------------------


class Broken(Channel):
    """Counts what it was asked to mail, and fails at it."""

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    def send(self, request: Any) -> Any:
        raise NotImplementedError

    def notify(self, to: str, subject: str, text: str) -> None:
        self.asked += 1
        raise self.error


@pytest.mark.parametrize(
    ("error", "asked"),
    [(TemporaryError("full", "mail"), 2), (AuthError("password", "mail"), 2), (UnclearError("lost", "mail"), 1)],
)
def test_one_that_surely_did_not_leave_is_tried_again(
    database: Database, alarms: oncall.Alarms, error: Exception, asked: int
) -> None:
    suspect_id = urgent(database)
    broken = alarms._way = Broken(error)
    alarms.mail()
    alarms.mail()
    assert broken.asked == asked
    assert (held(database, suspect_id).alarmed_at is None) == (asked == 2)


def test_what_was_told_before_keeps_its_time_when_the_next_mail_fails(
    database: Database, alarms: oncall.Alarms
) -> None:
    before = now() - 20 * MINUTE
    suspect_id = urgent(database, 30, alarmed_at=before)
    alarms._way = Broken(TemporaryError("full", "mail"))
    alarms.mail()
    assert held(database, suspect_id).alarmed_at == before


def test_two_workers_never_both_mail(database: Database, config: Config) -> None:
    for _ in range(8):
        urgent(database)
    workers = [oncall.Alarms(database, config) for _ in range(4)]
    ready = threading.Barrier(4)

    def work(alarms: oncall.Alarms) -> None:
        ready.wait()
        alarms.mail()

    threads = [threading.Thread(target=work, args=(alarms,)) for alarms in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = "".join(mail.body for mail in mails(workers[0]))
    assert told.count("Open it:") == 8


# -- the way out ---------------------------------------------------------------------------------------------------


class _Handler:
    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.got.append(envelope.content)
        return "250 OK"


@pytest.fixture
def mail_server() -> Iterator[tuple[_Handler, int]]:
    handler = _Handler()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield handler, controller.port
    controller.stop()


def test_it_leaves_by_a_real_mail_server(database: Database, config: Config, mail_server: tuple[_Handler, int]) -> None:
    handler, port = mail_server
    mail = Adapter(**{"kind": "email", "host": "127.0.0.1", "port": port, "tls": "none", "sender": "311@city.example"})
    oncall_ = OnCall(channel="mail", to="call@city.example")
    alarms = oncall.Alarms(database, config.model_copy(update={"channels": {"mail": mail}, "oncall": oncall_}))
    with database.writing() as session:
        a_type(session, title="Gas\r\nBcc: everybody@example.org")
    urgent(database)
    alarms.look()
    assert alarms._mailer
    alarms._mailer.join()
    (got,) = handler.got
    head = got.partition(b"\r\n\r\n")[0]
    assert b"To: call@city.example" in head
    assert b"\nbcc:" not in head.lower()


def test_without_a_channel_nobody_is_mailed_and_nothing_is_asked(database: Database, config: Config) -> None:
    urgent(database)
    alarms = oncall.Alarms(database, config.model_copy(update={"oncall": OnCall()}))
    alarms.look()
    alarms.mail()
    assert alarms._mailer is None


def test_a_channel_that_mails_nobody_is_refused(database: Database, config: Config) -> None:
    desk = Adapter(**{"kind": "open311", "endpoint": "http://127.0.0.1:9/v2", "api_key": "k"})
    broken = config.model_copy(update={"channels": {"desk": desk}, "oncall": OnCall(channel="desk", to="a@b.example")})
    with pytest.raises(ConfigError, match=r"\[oncall\]: desk is of kind open311, which mails nobody"):
        oncall.Alarms(database, broken)


def test_the_settings_belong_together() -> None:
    with pytest.raises(ValueError, match="go together"):
        OnCall(channel="mail")
    with pytest.raises(ValueError, match="names none of the channels"):
        Config.model_validate({"city": {"name": "Testville"}, "oncall": {"channel": "mail", "to": "a@b.example"}})


def test_the_question_of_every_page_is_served_by_its_index(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("SQLite says its plan in a line")
    with database.reading() as session:
        query = select(Suspect.id).where(questions._UNOPENED, Suspect.created_at <= now())
        compiled = query.compile(database.engine, compile_kwargs={"literal_binds": False})
        rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", (now().isoformat(),)).all()
    assert "ix_suspect_unopened" in str(rows)
