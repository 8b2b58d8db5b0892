"""Who may do what: the table of roles, what a log-in leaves behind, and that the database has the last word."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from sqlmodel import select

from connector import access, login
from connector.access import ROLES, SEEN, Right
from connector.config import Config, Login, RoleName
from connector.errors import ConfigError, ForbiddenError
from connector.models import AuditEntry, User, now
from connector.store import Database
from tests.builders import a_login, a_suspect, added

ADA = "ada@testville.example"
MAY = {
    "reviewer": {"queue", "decide", "names", "trends", "sources"},
    "rule_editor": {"queue", "rules", "trends", "sources"},
    "analyst": {"trends", "sources"},
    "administrator": {"queue", "decide", "names", "rules", "trends", "sources", "settings", "people"},
}
BY_CLAIM = {"role_claim": "roles", "roles": {"chiefs": "administrator", "desk": "reviewer"}}


class Town:
    """A city with a login, whose people can be put in and looked at."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database, self.config = database, config
        self.login()

    def login(self, **values: Any) -> None:
        self.config = self.config.model_copy(update={"login": a_login(**values)})

    def put(self, login: str = ADA, role: str = "reviewer", **values: Any) -> None:
        with self.database.writing() as session:
            added(session, User(login=login, role=role, **values))

    def may(self, right: Right, login: str = ADA) -> bool:
        with self.database.reading() as session:
            return access.may(session, self.config, login, right)

    def why(self, right: Right, login: str = ADA) -> str:
        with self.database.reading() as session, pytest.raises(ForbiddenError) as told:
            access.require(session, self.config, login, right)
        return str(told.value)

    def comes(self, *groups: str, at: datetime | None = None, login_: str = ADA, **claims: Any) -> None:
        told = {"email": login_, "name": "Ada", "iat": int((at or now()).timestamp()), "roles": list(groups), **claims}
        assert self.config.login
        access.signed_in(self.database, self.config, login.identified(self.config.login, told))

    def people(self) -> list[tuple[str, str, bool]]:
        with self.database.reading() as session:
            return [(row.login, row.role, row.active) for row in session.exec(select(User).order_by(User.login))]

    def audit(self) -> list[tuple[str, str, Any]]:
        with self.database.reading() as session:
            return [(e.what, e.by, e.detail) for e in session.exec(select(AuditEntry).order_by(AuditEntry.id))]  # type: ignore[arg-type]


@pytest.fixture
def town(database: Database, config: Config) -> Town:
    return Town(database, config)


# -- roles and rights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("role", "right"), [(role, right) for role in MAY for right in Right])
def test_a_role_may_what_the_table_says_and_nothing_else(role: str, right: Right, town: Town) -> None:
    town.put(role=role)
    assert town.may(right) == (right in MAY[role])


def test_there_are_the_roles_that_the_settings_know_and_each_right_has_words() -> None:
    assert set(ROLES) == set(MAY) == set(get_args(RoleName))
    assert set(access.MEANINGS) == set(Right)


def test_without_a_login_the_one_user_is_an_administrator(database: Database, config: Config) -> None:
    with database.reading() as session:
        assert all(access.may(session, config, "local", right) for right in Right)


def test_whoever_is_not_in_the_list_may_nothing_and_is_told_whom_to_ask(town: Town) -> None:
    assert not any(town.may(right) for right in Right)
    assert ADA in town.why(Right.QUEUE)
    assert "administrator" in town.why(Right.QUEUE)
    assert "not logged in" in town.why(Right.QUEUE, login="")


@pytest.mark.parametrize("role", ["", "boss", "Reviewer"])
def test_a_role_that_does_not_exist_gives_no_right(role: str, town: Town) -> None:
    town.put(role=role)
    assert not any(town.may(right) for right in Right)


def test_a_refusal_names_the_role_and_what_it_may_not(town: Town) -> None:
    town.put(role="rule_editor")
    assert town.why(Right.DECIDE).startswith("The role of rule editor may not decide on suspects")


def test_a_change_in_the_database_counts_at_once(town: Town) -> None:
    town.put(role="reviewer")
    assert town.may(Right.DECIDE)
    _change(town, role="analyst")
    assert not town.may(Right.DECIDE)
    _change(town, role="administrator", active=False)
    assert not any(town.may(right) for right in Right)
    assert "switched off" in town.why(Right.TRENDS)


def test_those_whom_the_settings_name_are_administrators_until_they_are_switched_off(town: Town) -> None:
    town.login(administrators=["Ada@Testville.example"])
    assert town.may(Right.PEOPLE)
    town.put(role="analyst")
    assert town.may(Right.PEOPLE)
    _change(town, active=False)
    assert not town.may(Right.TRENDS)


def test_administrators_are_those_who_may_now(town: Town) -> None:
    town.login(administrators=[ADA, "bo@testville.example"])
    town.put("cy@testville.example", "administrator")
    town.put("di@testville.example", "administrator", active=False)
    town.put("bo@testville.example", "", active=False)
    with town.database.reading() as session:
        assert access.administrators(session, town.config) == ["cy@testville.example", ADA]


# -- who the provider says it is -----------------------------------------------------------------------------------


def test_an_address_is_the_same_person_in_any_capitals() -> None:
    assert _told(email=" Ada@Testville.EXAMPLE ").login == ADA


def test_another_claim_is_taken_to_the_letter() -> None:
    assert _told(a_login(person_claim="sub"), sub="U-7f").login == "U-7f"


@pytest.mark.parametrize("claims", [{"email": ""}, {"email": None}, {"email": ["a@b.example"]}, {"email": 7}])
def test_a_token_that_names_nobody_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(ForbiddenError, match="email"):
        _told(**claims)


def test_an_address_that_the_provider_has_not_verified_is_refused() -> None:
    assert _told(email_verified=True).login == ADA
    with pytest.raises(ForbiddenError, match="verified"):
        _told(email_verified=False)


def test_a_log_in_holds_for_some_hours_only() -> None:
    for issued in (None, "yesterday", 0, int(now().timestamp()) - 12 * 3600 - 60):
        with pytest.raises(ForbiddenError, match="12 hours"):
            _told(iat=issued)
    assert _told(iat=int(now().timestamp()) - 11 * 3600).issued_at < now()


@pytest.mark.parametrize(
    ("claim", "role"),
    [
        (["desk"], "reviewer"), ("desk", "reviewer"), (["desk", "chiefs"], "administrator"), (["elsewhere"], ""),
        ([], ""), (None, ""), ({"desk": 1}, ""), ("desk, chiefs", ""), ([["desk"]], ""), (7, ""),
    ],
)  # fmt: skip
def test_the_first_listed_value_of_the_claim_is_the_role(claim: Any, role: str) -> None:
    assert _told(a_login(**BY_CLAIM), roles=claim).role == role


def test_without_a_claim_in_the_settings_a_token_gives_no_role() -> None:
    assert _told(roles=["chiefs"], groups=["administrator"]).role == ""


# -- what a log-in leaves behind -----------------------------------------------------------------------------------


def test_the_claim_makes_a_person_and_their_role_follows_it_with_the_next_log_in(town: Town) -> None:
    town.login(**BY_CLAIM)
    town.comes("desk", at=now() - timedelta(hours=2))
    assert town.people() == [(ADA, "reviewer", True)]
    town.comes("chiefs", at=now() - timedelta(hours=1))
    assert town.may(Right.PEOPLE)
    town.comes(at=now())
    assert town.people() == [(ADA, "", True)]
    assert not town.may(Right.QUEUE)


def test_an_older_token_in_another_browser_brings_no_role_back(town: Town) -> None:
    town.login(**BY_CLAIM)
    early = now() - timedelta(hours=5)
    town.comes("chiefs", at=early)
    town.comes("desk", at=now())
    town.comes("chiefs", at=early)
    assert town.people() == [(ADA, "reviewer", True)]


def test_a_new_log_in_does_not_switch_on_whom_an_administrator_switched_off(town: Town) -> None:
    town.login(**BY_CLAIM)
    town.comes("chiefs", at=now() - timedelta(hours=1))
    _change(town, active=False)
    town.comes("chiefs")
    assert not any(town.may(right) for right in Right)


def test_without_a_claim_a_log_in_changes_no_role_and_makes_nobody(town: Town) -> None:
    town.comes("chiefs", login_="stranger@testville.example")
    assert town.people() == []
    town.put(role="analyst")
    town.comes("chiefs")
    assert town.people() == [(ADA, "analyst", True)]


def test_the_first_administrator_comes_into_the_list_with_the_first_log_in(town: Town) -> None:
    town.login(administrators=[ADA])
    town.comes()
    assert town.people() == [(ADA, "", True)]
    assert town.may(Right.PEOPLE)


def test_log_ins_and_changed_roles_are_written_down_once(town: Town) -> None:
    town.login(**BY_CLAIM)
    at = now() - timedelta(hours=1)
    for _ in range(3):  # F5 and another window bring the same token
        town.comes("desk", at=at)
    town.comes("chiefs")
    assert town.audit() == [
        ("role changed", "login provider", {"login": ADA, "from": "", "to": "reviewer"}),
        ("logged in", ADA, {"role": "reviewer"}),
        ("role changed", "login provider", {"login": ADA, "from": "reviewer", "to": "administrator"}),
        ("logged in", ADA, {"role": "administrator"}),
    ]


def test_a_stranger_who_knocks_is_written_down(town: Town) -> None:
    town.comes(login_="stranger@testville.example")
    assert town.audit() == [("logged in, without a role", "stranger@testville.example", None)]


def test_two_first_visits_at_the_same_moment_make_one_person(town: Town) -> None:
    town.login(**BY_CLAIM)
    at, failures = now(), list[Exception]()

    def come() -> None:
        try:
            town.comes("desk", at=at)
        except Exception as error:  # noqa: BLE001 - told by the main thread
            failures.append(error)

    both = [threading.Thread(target=come) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert (failures, town.people()) == ([], [(ADA, "reviewer", True)])


# -- names ---------------------------------------------------------------------------------------------------------


def test_a_sight_of_names_is_written_down_once_within_some_minutes(town: Town, suspects: list[int]) -> None:
    one, other = suspects
    for _ in range(3):
        access.saw_names(town.database, ADA, one)
    access.saw_names(town.database, ADA, other)
    access.saw_names(town.database, "bo@testville.example", one)
    assert _sights(town) == [(ADA, one), (ADA, other), ("bo@testville.example", one)]
    with town.database.writing() as session:
        for entry in session.exec(select(AuditEntry)):
            entry.at = now() - timedelta(minutes=11)
    access.saw_names(town.database, ADA, one)
    assert _sights(town)[3:] == [(ADA, one)]


def test_a_sight_in_the_callers_session_shares_its_commit(town: Town, suspects: list[int]) -> None:
    with town.database.writing() as session:
        access.saw_names(session, ADA, suspects[0])
        session.rollback()
    assert _sights(town) == []
    with town.database.writing() as session:
        access.saw_names(session, ADA, suspects[0])
        access.saw_names(session, ADA, suspects[0])
    assert _sights(town) == [(ADA, suspects[0])]


# -- settings ------------------------------------------------------------------------------------------------------


def test_streamlit_gets_the_provider_with_the_secrets_of_the_environment(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THEIRS", "client-secret")
    monkeypatch.setenv("OURS", "k" * 32)
    config = _with(config, client_secret="env:THEIRS", cookie_secret="env:OURS")
    assert login.for_streamlit(config) == {
        "redirect_uri": "http://127.0.0.1:8501/oauth2callback", "cookie_secret": "k" * 32, "client_id": "streamlit",
        "client_secret": "client-secret",
        "server_metadata_url": "http://127.0.0.1:8418/.well-known/openid-configuration",
        "client_kwargs": {"scope": "openid email profile", "prompt": "login"},
    }  # fmt: skip
    assert "client-secret" not in repr(config)
    monkeypatch.setenv("OURS", "short")
    with pytest.raises(ConfigError, match="5 characters.*openssl"):
        login.for_streamlit(config)
    monkeypatch.delenv("THEIRS")
    with pytest.raises(ConfigError, match="login.client_secret.*THEIRS"):
        login.for_streamlit(config)


def test_without_a_login_streamlit_gets_none(config: Config) -> None:
    assert login.for_streamlit(config) == {}


@pytest.mark.parametrize(
    "values",
    [{"role_claim": "groups"}, {"roles": {"desk": "reviewer"}}, {"role_claim": "g", "roles": {"desk": "boss"}}],
)
def test_a_claim_and_its_roles_belong_together_and_name_roles_that_exist(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="role"):
        a_login(**values)


# -- help ----------------------------------------------------------------------------------------------------------


def _told(settings: Login | None = None, **claims: Any) -> login.Identity:
    whole = {"email": ADA, "iat": int(datetime.now(UTC).timestamp()), **claims}
    return login.identified(settings or a_login(), whole)


def _change(town: Town, **values: Any) -> None:
    with town.database.writing() as session:
        session.add(session.exec(select(User).where(User.login == ADA)).one().sqlmodel_update(values))


def _sights(town: Town) -> list[tuple[str, int | None]]:
    with town.database.reading() as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.what == SEEN).order_by(AuditEntry.id))  # type: ignore[arg-type]
        return [(entry.by, entry.suspect_id) for entry in found]


def _with(config: Config, **values: Any) -> Config:
    return config.model_copy(update={"login": a_login(**values)})


@pytest.fixture
def suspects(town: Town) -> list[int]:
    with town.database.writing() as session:
        found = [a_suspect(session).id for _ in range(2)]
    return [id_ or 0 for id_ in found]
