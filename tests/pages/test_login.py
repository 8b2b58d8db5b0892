"""The pages for people with a role, by `AppTest`: what is shown, and that a callback of a forbidden verb does nothing.

`AppTest` stands in for the login provider with `AppTest.user`; the real one is asked in `test_login_browser.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from connector import config, sealing, settings, store
from connector.access import ROLES, SEEN, Right
from connector.errors import ForbiddenError
from connector.models import AuditEntry, Decision, Rule, SourceState, User, now
from connector.store import house
from connector.store import sources as questions
from tests.builders import a_dispatch, a_post, a_rule, a_suspect, added
from tests.pages.browser import City, forget

PAGES = Path(__file__).resolve().parents[2] / "pages"
ADA, BO = "ada@testville.example", "bo@testville.example"
TOML = """
[city]
name = "Testville"
[channels.outbox]
kind = "outbox"
[sources.files]
kind = "file"
folder = "."
[login]
metadata_url = "http://127.0.0.1:8418/.well-known/openid-configuration"
client_id = "streamlit"
client_secret = "some-secret"
cookie_secret = "cccccccccccccccccccccccccccccccccccccccc"
"""


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """A city with a login; Bo is its administrator, Ada is given roles."""
    file = tmp_path / "connector.toml"
    file.write_text(TOML)
    monkeypatch.chdir(tmp_path)
    forget()
    told = config.load()
    made = City(told, store.open_database(told))
    made.beat()
    with made.database.writing() as session:
        added(session, User(login=ADA, role="administrator"))
        added(session, User(login=BO, role="administrator"))
        questions.state(session, "files", "file")
        a_rule(session)
    yield made
    made.database.close()
    forget()


def is_now(town: City, **values: Any) -> None:
    with town.database.writing() as session:
        session.add(session.exec(select(User).where(User.login == ADA)).one().sqlmodel_update(values))


def opened(page: str, hours: float = 0, query: dict[str, str] | None = None, **claims: Any) -> AppTest:
    """The page as Ada sees it, who logged in so many hours ago."""
    shown = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60)
    issued = int(now().timestamp() - hours * 3600)
    shown.user = {"is_logged_in": True, "email": ADA, "name": "Ada", "iat": issued, **claims}
    for name, value in (query or {}).items():
        shown.query_params[name] = value
    return ran(shown)


def ran(page: AppTest) -> AppTest:
    """Drawn; a page outside the navigation finds no other to link to, and says so where it links."""
    page.run()
    assert [error.message for error in page.exception if "Could not find page" not in error.message] == []
    return page


def said(page: AppTest) -> str:
    parts = [*page.title, *page.text, *page.markdown]
    return "\n".join([*(part.value for part in parts), *(one.proto.body for one in page.get("html"))])


def labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


# -- what is shown -------------------------------------------------------------------------------------------------


def test_before_the_log_in_there_is_one_button(town: City) -> None:
    page = AppTest.from_file(str(PAGES / "navigation.py"), default_timeout=60)
    page.user = {"is_logged_in": False}
    assert labels(ran(page)) == ["Log in"]


RIGHTS = {
    "review": Right.QUEUE, "tickets": Right.QUEUE, "rules": Right.RULES, "trends": Right.TRENDS,
    "sources": Right.SOURCES, "settings": Right.SETTINGS, "history": Right.QUEUE, "practice": Right.QUEUE,
}  # fmt: skip


def test_no_page_is_left_out_here() -> None:
    assert set(RIGHTS) == {page.stem for page in PAGES.glob("*.py")} - {"navigation"}


@pytest.mark.parametrize("page", RIGHTS)
def test_a_page_by_itself_shows_nothing_to_nobody(page: str, town: City) -> None:
    shown = AppTest.from_file(str(PAGES / f"{page}.py"), default_timeout=60)
    shown.user = {"is_logged_in": False}
    assert said(ran(shown)) == "This page is not for you\nYou are not logged in."


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("page", RIGHTS)
def test_a_deep_link_opens_for_those_whose_role_may(page: str, role: str, town: City) -> None:
    is_now(town, role=role)
    closed = "This page is not for you" in said(opened(page))
    assert closed == (RIGHTS[page] not in ROLES[role])


def test_an_old_log_in_must_be_made_again(town: City) -> None:
    page = opened("navigation", hours=12.1)
    assert labels(page) == ["Log in again"]
    assert "more than 12 hours ago" in said(page)


def test_without_a_role_one_is_told_whom_to_ask(town: City) -> None:
    is_now(town, role="")
    page = opened("navigation")
    assert labels(page) == ["Log out"]
    assert ADA in said(page)
    assert f"Administrators: {BO}" in said(page)


def test_a_hostile_name_stays_text(town: City) -> None:
    is_now(town, role="", login="![x](http://127.0.0.1:9/x.png)@x")
    page = opened("navigation", email="![x](http://127.0.0.1:9/x.png)@x")
    assert not [part.value for part in page.markdown if "![x]" in part.value]


def test_names_are_shown_to_those_who_may_and_each_sight_is_written_down(town: City) -> None:
    sealer = sealing.load(town.config)
    with town.database.writing() as session:
        post = a_post(session, source_id="p-1", author_sealed=sealer.seal('{"handle": "pothole_pat"}', "sample", "p-1"))
        suspect = a_suspect(session, post=post).id
    seen = {}
    for role in ("rule_editor", "reviewer"):
        is_now(town, role=role)
        seen[role] = "pothole_pat" in said(opened("navigation", query={"id": str(suspect)}))
    assert seen == {"rule_editor": False, "reviewer": True}
    with town.database.reading() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.what == SEEN)).all()
        assert [(entry.by, entry.suspect_id) for entry in entries] == [(ADA, suspect)]


def test_whoever_may_not_act_sees_no_button_for_it(town: City) -> None:
    _accepted(town)
    is_now(town, role="rule_editor")
    assert "Undo" not in labels(opened("tickets"))
    assert not {"Pause", "Test the connection"} & set(labels(opened("sources")))
    is_now(town, role="administrator")
    assert "Undo" in labels(opened("tickets"))
    assert {"Pause", "Test the connection"} <= set(labels(opened("sources")))


# -- what a callback does ------------------------------------------------------------------------------------------


def _accepted(town: City) -> int:
    with town.database.writing() as session:
        suspect = a_suspect(session, "Hole in the road", status="accepted", decided_at=now(), decided_by=BO)
        session.add(Decision(suspect_id=suspect.id, kind="accept", by=BO))
        return a_dispatch(session, suspect).suspect_id


def _waits(town: City) -> int:
    with town.database.writing() as session:
        return a_suspect(session).id


def _press(label: str) -> Callable[[AppTest], None]:
    def press(page: AppTest) -> None:
        next(button for button in page.button if button.label == label).click()

    return press


def _paused_channel(town: City) -> int:
    with town.database.writing() as session:
        house.pause(session, "outbox", "full", now().replace(year=now().year + 1))
    return 0


def _state(town: City) -> tuple[Any, ...]:
    """All that a verb below could change."""
    with town.database.reading() as session:
        from connector.models import Dispatch, Suspect

        return (
            sorted((row.id or 0, row.status) for row in session.exec(select(Suspect))),
            sorted((row.id or 0, row.status) for row in session.exec(select(Dispatch))),
            [rule.active for rule in session.exec(select(Rule))],
            [row.asked for row in session.exec(select(SourceState))],
            list(house.pauses(session)),
            sorted((row.login, row.team) for row in session.exec(select(User))),
        )


def _on_settings(section: str) -> dict[str, Any]:
    return {"Section of the settings": section}


VERBS: list[tuple[str, Right, str, Callable[[City], int], dict[str, Any], Callable[[AppTest], None]]] = [
    ("an accept", Right.DECIDE, "navigation", _waits, {}, lambda page: _named(page, "accept_")),
    ("an undo of a ticket", Right.DECIDE, "tickets", _accepted, {}, _press("Undo")),
    ("a rule's switch", Right.RULES, "rules", lambda _: 0, {}, lambda page: page.toggle[0].set_value(False)),
    ("a source's pause", Right.SETTINGS, "sources", lambda _: 0, {}, _press("Pause")),
    ("a channel's resume", Right.SETTINGS, "settings", _paused_channel, _on_settings("channels"), _press("Resume")),
    ("a change of people", Right.PEOPLE, "settings", lambda _: 0, _on_settings("people"), _press("Save 1 change")),
]


def _named(page: AppTest, key: str) -> None:
    mine = page.session_state["_queue"]
    mine.drawn = mine.drawn[0], mine.drawn[1] - 10  # a person has seen the card for a while
    next(button for button in page.button if (button.key or "").startswith(key)).click()


@pytest.mark.parametrize("role", [*ROLES, "switched off"])
@pytest.mark.parametrize("verb", VERBS, ids=[verb[0] for verb in VERBS])
def test_a_callback_asks_the_database_anew_and_does_nothing_that_is_forbidden(
    verb: tuple[Any, ...], role: str, town: City
) -> None:
    _, right, name, prepare, state, press = verb
    id_ = prepare(town)
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=60)
    page.user = {"is_logged_in": True, "email": ADA, "iat": int(now().timestamp())}
    for key, value in state.items():
        page.session_state[key] = value
    if id_:
        page.query_params["id"] = str(id_)
    ran(page)
    if right == Right.PEOPLE:
        edits = {"edited_rows": {0: {"team": "Streets"}}, "added_rows": [], "deleted_rows": []}
        page.session_state[f"people_{page.session_state['people_round']}"] = edits
        ran(page)
    before = _state(town)
    press(page)  # the button was drawn for an administrator; now the role is another
    is_now(town, **({"active": False} if role == "switched off" else {"role": role}))
    ran(page)
    assert (_state(town) != before) == (right in ROLES.get(role, ()))


def test_a_file_with_request_types_needs_more_than_the_right_to_rules(town: City) -> None:
    is_now(town, role="rule_editor")
    types = b"request_types:\n- code: sinkhole\n  title: Sinkhole\n  channel: outbox\n"
    with pytest.raises(ForbiddenError, match="may not change settings"):
        settings.take_file(town.database, town.config, types, ADA, "types.yaml")
    settings.take_file(town.database, town.config, types, BO, "types.yaml")
