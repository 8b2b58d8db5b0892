"""The Settings page by `AppTest`: types change by an explicit save, channels answer, files are looked at before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from connector import catalogue_file, config, settings
from connector.config import Adapter
from connector.dispatch.outbox import Outbox
from connector.errors import AlreadyDecidedError
from connector.models import AuditEntry, RequestType, now
from connector.settings import TypeChange
from connector.store import catalogue, house
from tests.builders import a_dispatch
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "settings.py")


def shown(section: str = "types") -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.session_state["Section of the settings"] = section
    return ran(page)


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return ran(page)


def typed(page: AppTest, edited: dict[int, dict[str, Any]], added: tuple[dict[str, Any], ...] = ()) -> AppTest:
    """As the editor's cells hand it over."""
    key = f"types_{page.session_state['types_round']}"
    page.session_state[key] = {"edited_rows": edited, "added_rows": list(added), "deleted_rows": []}
    return ran(page)


def texts(page: AppTest) -> str:
    return "\n".join(text.value for text in page.text)


def said(page: AppTest) -> str:
    parts = [*page.markdown, *page.text, *page.code, *page.warning]
    return "\n".join([*(part.value for part in parts), *(one.proto.body for one in page.get("html"))])


def the_type(city: City, code: str) -> RequestType:
    with city.database.reading() as session:
        return session.exec(select(RequestType).where(RequestType.code == code)).one()


def change(city: City, code: str = "pothole", **wanted: Any) -> TypeChange:
    before = settings.shown(the_type(city, code))
    return TypeChange(code, {**before.wanted, **wanted}, before.wanted, before.version)


# -- request types -------------------------------------------------------------------------------------------------


def test_nothing_is_saved_before_save(city: City) -> None:
    page = typed(shown(), {0: {"due_hours": 96}})
    assert the_type(city, "pothole").due_hours == 120
    assert "Pothole: due in hours 120 → 96" in texts(page)
    press(page, "Save 1 change")
    saved = the_type(city, "pothole")
    assert (saved.due_hours, saved.version) == (96, 2)


def test_discard_forgets_what_was_typed(city: City) -> None:
    page = press(typed(shown(), {0: {"due_hours": 96}}), "Discard")
    assert "Save" in [button.label for button in page.button]
    assert the_type(city, "pothole").due_hours == 120


def test_a_cell_typed_back_is_no_change(city: City) -> None:
    page = typed(shown(), {0: {"due_hours": 120}})
    assert [button.label for button in page.button][0] == "Save"


def test_a_new_type_is_added_with_its_code(city: City) -> None:
    row = {"title": "Sinkhole", "code": "sinkhole", "channel": "desk", "service_code": "020", "due_hours": 8}
    press(typed(shown(), {}, (row,)), "Save 1 change")
    made = the_type(city, "sinkhole")
    assert (made.title, made.due_hours, made.active) == ("Sinkhole", 8, True)
    with city.database.reading() as session:
        assert catalogue.types(session)[-1].code == "sinkhole"


def test_what_is_wrong_is_said_in_sentences_and_nothing_saved(city: City) -> None:
    page = press(typed(shown(), {0: {"due_hours": -4}, 1: {"service_code": None}}), "Save 2 changes")
    assert "Pothole: it must be due in 1 hour or more." in texts(page)
    assert "Missed garbage pickup: desk files by service, so it needs the service code" in texts(page)
    assert the_type(city, "pothole").version == the_type(city, "missed_garbage").version == 1


def test_of_two_who_save_the_slower_is_told_who_was_faster(city: City) -> None:
    page = typed(shown(), {0: {"due_hours": 96}})
    settings.save_types(city.database, city.config, [change(city, due_hours=72)], "Dana Ortiz")
    press(page, "Save 1 change")
    assert "Pothole was changed meanwhile by Dana Ortiz; nothing was saved." in texts(page)
    assert the_type(city, "pothole").due_hours == 72


def test_another_type_changed_by_somebody_else_is_no_conflict(city: City) -> None:
    page = typed(shown(), {0: {"due_hours": 96}})
    settings.save_types(city.database, city.config, [change(city, "graffiti", due_hours=72)], "Dana Ortiz")
    press(page, "Save 1 change")
    assert (the_type(city, "pothole").due_hours, the_type(city, "graffiti").due_hours) == (96, 72)


def test_all_changes_are_saved_or_none(city: City) -> None:
    stale = change(city, "graffiti", due_hours=1)
    settings.save_types(city.database, city.config, [change(city, "graffiti", due_hours=72)], "Dana Ortiz")
    with pytest.raises(AlreadyDecidedError):
        settings.save_types(city.database, city.config, [change(city, due_hours=96), stale], "Ben Kowalski")
    assert the_type(city, "pothole").due_hours == 120


def test_a_change_is_written_down_and_told_to_the_workers(city: City) -> None:
    with city.database.reading() as session:
        before = catalogue.version(session)
    settings.save_types(city.database, city.config, [change(city, urgent=True)], "Dana Ortiz")
    with city.database.reading() as session:
        assert catalogue.version(session) > before
        entry = session.exec(select(AuditEntry).where(AuditEntry.what == "request type saved")).one()
    assert (entry.by, entry.detail) == (
        "Dana Ortiz",
        {"type": "pothole", "from": {"urgent": False}, "to": {"urgent": True}},
    )


@pytest.mark.parametrize(
    ("wanted", "complaint"),
    [
        ({"title": " "}, "give it a title"),
        ({"due_hours": 0}, "1 hour or more"),
        ({"channel": "crm"}, "there is no channel crm; the settings name: desk, outbox, mail."),
        ({"channel": "mail"}, "mail sends mail, so it needs an address"),
        ({"channel": "mail", "address": "a@b, c@d"}, "none that mail can go to"),
        ({"service_code": ""}, "needs the service code"),
        ({"service_code": "", "active": False}, ""),
        ({"channel": "mail", "address": "streets@portalder.example"}, ""),
        ({"channel": "outbox", "service_code": ""}, ""),
    ],
)
def test_a_change_is_checked(city: City, wanted: dict[str, Any], complaint: str) -> None:
    mail = Adapter(kind="email", host="127.0.0.1", sender="311@portalder.example")  # type: ignore[call-arg]
    cities = city.config.model_copy(update={"channels": {**city.config.channels, "mail": mail}})
    found = settings.problems(cities, [change(city, **wanted)])
    assert [complaint in sentence for sentence in found] == ([True] if complaint else [])


@pytest.mark.parametrize(
    ("code", "complaint"), [("", "small letters"), ("Big Hole", "small letters"), ("pothole", "taken")]
)
def test_a_new_type_needs_a_code_of_its_own(city: City, code: str, complaint: str) -> None:
    new = TypeChange(code, {**settings.DEFAULTS, "title": "Hole", "channel": "outbox"})
    assert any(complaint in sentence for sentence in settings.problems(city.config, [new], ["pothole"]))


# -- channels ------------------------------------------------------------------------------------------------------


def test_every_channel_says_where_it_goes_and_what_goes_there(city: City) -> None:
    page = shown("channels")
    assert "http://127.0.0.1:8311/open311/v2" in texts(page)
    assert "12 request types go out by it" in [box.label for box in page.expander]
    addresses = next(frame.value for frame in page.dataframe if "Address" in frame.value and len(frame.value) == 4)
    assert "noise@portalder.example" in set(addresses["Address"])


def test_a_secret_is_never_shown(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    page = shown("channels")
    written = said(page) + "".join(frame.value.to_csv() for frame in page.dataframe)
    assert "port-alder-demo" not in written
    assert 'api_key,"set, not shown"' in written


def test_every_kind_explains_its_settings(city: City) -> None:
    page = shown("channels")
    assert {"E-mail, kind email", "Open311 GeoReport v2, kind open311"} <= {box.label for box in page.expander}
    assert "Name of the mail server" in "".join(frame.value.to_csv() for frame in page.dataframe)
    assert 'kind = "email"' in said(page)


def test_a_test_tells_what_the_channel_said(city: City) -> None:
    page = shown("channels")
    page.button(key="test_outbox").click()
    assert "0 mails are kept; nothing leaves this computer." in said(ran(page))


def test_a_channel_that_does_not_answer_is_told(city: City) -> None:
    dead = city.config.model_copy(update={"channels": {"desk": _desk("http://127.0.0.1:9/open311/v2")}})
    tested = settings.try_channel(dead, "desk")
    assert not tested.well
    assert tested.sentence


def test_a_channel_whose_variable_is_not_set_is_told(city: City) -> None:
    keyless = city.config.model_copy(update={"channels": {"desk": _desk("http://127.0.0.1:9", key="env:NO_SUCH_KEY")}})
    assert "NO_SUCH_KEY" in settings.try_channel(keyless, "desk").sentence


def test_a_paused_channel_is_taken_up_again(city: City) -> None:
    with city.database.writing() as session:
        house.pause(session, "desk", "**The key** is refused", now() + timedelta(hours=1))
    page = shown("channels")
    assert "paused until" in said(page)
    assert "**The key** is refused" in "".join(one.proto.body for one in page.get("html"))
    press(page, "Resume")
    with city.database.reading() as session:
        assert house.pauses(session) == {}


def test_what_waits_for_a_channel_is_told(city: City) -> None:
    with city.database.writing() as session:
        a_dispatch(session, channel="desk", attempts=2, last_error="The desk does not answer.")
    page = shown("channels")
    assert "1 not delivered, last error" in said(page)
    assert "no answer" in said(page)


def test_types_of_a_channel_that_is_gone_are_told(city: City) -> None:
    with city.database.writing() as session:
        session.exec(select(RequestType).where(RequestType.code == "pothole")).one().channel = "old_crm"
    assert any("old\\_crm" in box.value for box in shown("channels").warning)


# -- outbox, privacy, files, demo ----------------------------------------------------------------------------------


def test_the_outbox_shows_the_mail_as_text(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    with city.database.writing() as session:
        kept = session.exec(select(RequestType).where(RequestType.channel == "outbox")).first()
        assert kept
    way = Outbox("outbox", Outbox.Settings(), home=city.config.home)
    way.send(_request())
    page = AppTest.from_file(str(Path(PAGE).with_name("navigation.py")), default_timeout=60)
    page.switch_page("settings.py")
    page.session_state["Section of the settings"] = "outbox"
    ran(page)
    assert "SC-AAAAAA" in page.header[0].value
    assert "**not bold**" in page.code[0].value


def test_an_empty_outbox_says_so(city: City) -> None:
    assert "The outbox is empty" in said(shown("outbox"))


def test_privacy_shows_what_is_in_force_and_where_it_comes_from(city: City) -> None:
    frame = shown("privacy").dataframe[0].value
    assert set(frame["In force"]) == {"7 days", "730 days"}
    assert set(frame["Comes from"]) == {"the program's own default"}


def test_an_import_is_looked_at_before_and_changes_nothing_so(city: City) -> None:
    text = _exported(city, due_hours=9)
    found = settings.preview(city.database, city.config, text, "new.yaml")
    assert found.changes.types_changed == ["Pothole"]
    assert "-  due_hours: 120" in found.diff
    assert "+  due_hours: 9" in found.diff
    assert the_type(city, "pothole").due_hours == 120
    settings.take_file(city.database, city.config, text, "Dana Ortiz", "new.yaml")
    assert the_type(city, "pothole").due_hours == 9


def test_an_import_names_what_would_be_wrong(city: City) -> None:
    found = settings.preview(city.database, city.config, _exported(city, channel="crm"), "new.yaml")
    assert any("there is no channel crm" in sentence for sentence in found.problems)


def test_a_broken_file_is_told_and_an_equal_one_too(city: City) -> None:
    page = _uploaded(city, "request_types: [{code: Bad Code, title: x}]")
    assert "request_types.0.code" in texts(page)
    assert "nothing to import" in texts(_uploaded(city, _exported(city)))


def test_an_upload_is_imported_by_its_button(city: City) -> None:
    page = _uploaded(city, _exported(city, due_hours=9))
    assert "due_hours: 9" in page.code[0].value
    press(page, "Import 1 changed type")
    assert the_type(city, "pothole").due_hours == 9
    assert "Imported: 1 changed type." in texts(page)


def test_a_reset_is_asked_for_twice(city: City) -> None:
    page = press(shown("demo"), "Reset the demo")
    assert not _asked(city)
    press(page, "Yes, back to the first day")
    assert _asked(city)
    assert "The reset is asked for" in said(page)


def test_a_reset_can_be_thought_better_of(city: City) -> None:
    page = press(press(shown("demo"), "Reset the demo"), "Keep it")
    assert not _asked(city)
    assert [button.label for button in page.button] == ["Reset the demo"]


def test_only_a_demo_can_be_reset(city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "connector.toml").write_text('[city]\nname = "Testville"\n[channels.mail]\nkind = "outbox"\n')
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'city.db'}")
    assert not config.load().is_demo
    page = shown()
    assert "Demo" not in page.get("button_group")[0].options
    assert "connector\\.toml sets; change it there" in said(page)


def _asked(city: City) -> bool:
    with city.database.reading() as session:
        return bool(house.setting(session, "reset_requested"))


def _exported(city: City, **first: Any) -> str:
    with city.database.reading() as session:
        held = yaml.safe_load(catalogue_file.export_text(session))
    held["request_types"][0] |= first
    return yaml.safe_dump(held)


def _uploaded(city: City, text: str) -> AppTest:
    page = shown("file")
    page.file_uploader[0].upload("new.yaml", text.encode(), "application/yaml")
    return ran(page)


def _desk(endpoint: str, key: str = "k") -> Adapter:
    return Adapter(kind="open311", endpoint=endpoint, api_key=key)  # type: ignore[call-arg]


def _request() -> Any:
    from connector.dispatch import Request

    return Request(
        reference="SC-AAAAAA", type_code="noise", type_title="Noise", department="Code Enforcement",
        text="**not bold** at five", to="noise@portalder.example", city="Port Alder",
    )  # fmt: skip
