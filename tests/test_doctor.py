"""What is wrong is said with what to do; nothing raises, nothing is changed; the example loads back."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connector import adapters, dispatch, doctor, sources, store
from connector import config as settings
from connector.config import Config
from connector.doctor import _connections
from connector.models import RequestType, Rule, Worker, now
from connector.store import catalogue
from tests.servers import Says, http_server, says_json

SECRET = "s3cret-s3cret"


def write(tmp_path: Path, toml: str) -> Path:
    file = tmp_path / "connector.toml"
    file.write_text(toml, "utf-8")
    return file


@pytest.fixture
def city(tmp_path: Path) -> Config:
    """A small city on SQLite, with one type, one rule and a worker that lives."""
    write(tmp_path, '[city]\nname = "Testville"\n[channels.outbox]\nkind = "outbox"\n')
    config = settings.load()
    database = store.open_database(config)
    with database.writing() as session:
        session.add(RequestType(code="pothole", title="Pothole", address="roads@testville.example"))
        session.add(Worker(name="w", heartbeat_at=now()))
        session.flush()
        catalogue.save_rule(session, Rule(request_type_id=1, name="Holes", expression="pothole"), "test")
    database.close()
    return config


def change(config: Config, sql: str) -> None:
    database = store.open_database(config)
    with database.engine.begin() as connection:
        connection.execute(text(sql))
    database.close()


def wrong() -> dict[str, str]:
    return {finding.what: finding.says for finding in doctor.examine() if not finding.ok}


def test_a_sound_city_has_nothing_to_mend(city: Config) -> None:
    assert wrong() == {}
    looked = {finding.what for finding in doctor.examine()}
    assert looked >= {"configuration", "data directory", "disk", "key", "time zone", "database", "rules", "worker"}


def test_a_broken_file_is_a_finding(tmp_path: Path) -> None:
    write(tmp_path, "[city\n")
    assert [(f.what, f.ok) for f in doctor.examine()] == [("configuration", False)]
    write(tmp_path, '[city]\nname = "T"\ntimezone = "Mars"\n')
    assert "timezone" in wrong()["configuration"]


def test_a_missing_file_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_CONFIG", "/nowhere/connector.toml")
    assert "--example" in wrong()["configuration"]


def test_looking_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, '[city]\nname = "T"\n[channels.outbox]\nkind = "outbox"\n')
    assert wrong() == {}
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("key", ["", "short", "c2hvcnQ="])
def test_a_bad_key_is_named_and_not_told(city: Config, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("CONNECTOR_KEY", key)
    assert "CONNECTOR_KEY" in wrong()["key"]
    assert not key or key not in wrong()["key"]


def test_each_file_of_places_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.geojson").write_text("{}")
    write(tmp_path, '[city]\nname = "T"\nstreets = "none.geojson"\nlandmarks = "bad.geojson"\n')
    assert "none.geojson" in wrong()["streets"]
    assert "bad.geojson" in wrong()["landmarks"]


def test_each_adapter_is_named_and_no_secret_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_KEY", SECRET)
    write(
        tmp_path,
        '[city]\nname = "T"\n[sources.s]\nkind = "smoke"\n[channels.a]\nkind = "open311"\nendpoint = "nonsense"\n'
        'api_key = "env:DESK_KEY"\n[channels.b]\nkind = "open311"\nendpoint = "http://127.0.0.1:1/v2"\n'
        'api_key = "env:DESK_KEY"\n[channels.c]\nkind = "open311"\napi_key = "env:NOT_SET"\n',
    )
    found = wrong()
    assert "smoke" in found["source s"]
    assert "endpoint" in found["channel a"]
    assert "reached" in found["channel b"]
    assert "NOT_SET" in found["channel c"]
    assert not any(SECRET in says for says in found.values())


def with_x(endpoint: str, *more: str) -> str:
    return "\n".join(
        [
            '[city]\nname = "T"\n[channels.outbox]\nkind = "outbox"\n[sources.birds]\nkind = "x"',
            f'bearer_token = "env:X_TOKEN"\nendpoint = "{endpoint}"',
            *more,
        ]
    )


def test_each_credential_is_tried_with_one_call_and_the_terms_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_TOKEN", SECRET)
    with http_server() as server:
        server.then(says_json({"title": "Unauthorized", "status": 401}, 401))
        write(tmp_path, with_x(server.url, '[sources.walkin]\nkind = "manual"'))
        found = doctor.examine()
        assert len(server.asked) == 1
    told = {finding.what: finding for finding in found}
    assert not told["source birds"].ok
    assert told["source walkin"].ok, "one that is refused keeps no other from being asked"
    assert "government" in told["terms of birds"].says
    assert told["terms of birds"].ok
    assert not any(SECRET in finding.says for finding in found)


def test_a_source_that_does_not_answer_keeps_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("X_TOKEN", SECRET)
    monkeypatch.setattr(_connections, "_PATIENCE", 0.5)
    with http_server() as server:
        server.then(Says(how="silence"))
        more = f'[sources.fish]\nkind = "x"\nbearer_token = "env:X_TOKEN"\nendpoint = "{server.url}"'
        write(tmp_path, with_x(server.url, more))
        begin = time.monotonic()
        found = wrong()
        assert time.monotonic() - begin < 5
    assert found.keys() == {"source birds", "source fish"}
    assert all("did not answer within" in says for says in found.values())


def test_who_is_mailed_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_KEY", SECRET)
    base = (
        '[city]\nname = "T"\n[notify]\nchannel = "NAME"\nto = "it@city.example"\n[channels.outbox]\nkind = "outbox"\n'
        '[channels.desk]\nkind = "open311"\nendpoint = "http://127.0.0.1:1/v2"\napi_key = "env:DESK_KEY"\n'
    )
    write(tmp_path, base.replace("NAME", "desk"))
    assert "mails nobody" in wrong()["notify"]
    write(tmp_path, base.replace("NAME", "outbox"))
    assert "notify" not in wrong()
    write(tmp_path, base.replace("NAME", "gone"))
    assert "names none of the channels" in wrong()["configuration"]


def test_a_database_of_another_mode_or_version_is_a_finding(city: Config) -> None:
    change(city, """UPDATE setting SET value = '"demo"' WHERE name = 'stamp'""")
    assert "belongs to a demo" in wrong()["database"]
    database = store.Database(city.database_url)
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    assert "newer version" in wrong()["database"]


@pytest.mark.parametrize("url", ["nonsense", "postgresql+psycopg://me:s3cret-s3cret@127.0.0.1:1/c"])
def test_a_database_that_does_not_answer_is_a_finding(city: Config, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    assert "DATABASE_URL" in wrong()["database"]
    assert SECRET not in wrong()["database"]


def test_a_broken_file_as_database_is_a_finding(city: Config, tmp_path: Path) -> None:
    (tmp_path / "home" / "city.db").write_bytes(b"no database, " * 1000)
    assert "does not answer" in wrong()["database"]


def test_what_stops_requests_rules_and_worker_is_told(city: Config) -> None:
    change(city, "UPDATE request_type SET channel = 'gone'")
    change(city, "UPDATE rule SET expression = '(pothole'")
    change(city, "UPDATE worker SET heartbeat_at = '2020-01-01 00:00:00.000000'")
    found = wrong()
    assert "'gone' is not configured" in found["request type pothole"]
    assert "Character" in found["rule 'Holes'"]
    assert "worker" in found["worker"]


def test_a_type_without_address_or_service_code_is_told(
    city: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESK_KEY", SECRET)
    write(
        tmp_path,
        '[city]\nname = "Testville"\n[channels.outbox]\nkind = "email"\nhost = "127.0.0.1"\nport = 1\n'
        'sender = "a@b.example"\n[channels.desk]\nkind = "open311"\nendpoint = "http://127.0.0.1:1/v2"\n'
        'api_key = "env:DESK_KEY"\n',
    )
    change(city, "UPDATE request_type SET address = ''")
    assert "address" in wrong()["request type pothole"]
    change(city, "UPDATE request_type SET channel = 'desk'")
    assert "service code" in wrong()["request type pothole"]


def test_a_key_that_does_not_open_what_is_stored_is_told(city: Config) -> None:
    columns = "source, source_id, version_id, kind, lang, conversation_id, reply_settings, place_name, own, mentions_us"
    change(
        city,
        f"INSERT INTO post ({columns}, author_key, author_sealed, posted_at, received_at) VALUES "
        "('x', '1', '1', 'post', '', '', '', '', 0, 0, '', x'00112233', '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
    )
    assert "key" in wrong()["names"]


# -- logging in ----------------------------------------------------------------------------------------------------


METADATA = {"issuer": "http://127.0.0.1/", "authorization_endpoint": "http://a", "token_endpoint": "http://t"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (says_json(METADATA), ""),
        (says_json(METADATA | {"prompt_values_supported": ["login", "none"]}), ""),
        (says_json(METADATA | {"prompt_values_supported": ["none"]}), "set `login.prompt` to one of none"),
        (says_json({"issuer": "http://127.0.0.1/"}), "no provider's metadata"),
        (says_json([METADATA]), "no provider's metadata"),
        (Says(200, b"<html>"), "no provider's metadata"),
        (says_json({}, 404), "(404) is no provider's metadata"),
    ],
)  # fmt: skip
def test_a_login_provider_that_is_none_is_told(answer: Says, says: str, city: Config, tmp_path: Path) -> None:
    with http_server() as server:
        server.then(answer)
        write(tmp_path, _with_login(server.url, 'administrators = ["a@b.example"]'))
        found = wrong()
    assert says in found.get("login", "")
    assert bool(says) == ("login" in found)
    told = {finding.what: finding.says for finding in doctor.examine()}
    assert "does not answer" in told["login"]
    assert told["login address"].startswith("Register http://127.0.0.1:8501/oauth2callback at the provider")
    assert not any(SECRET in says for says in told.values())


def test_a_login_that_would_let_nobody_in_or_is_not_https_is_told(city: Config, tmp_path: Path) -> None:
    write(
        tmp_path, _with_login("http://127.0.0.1:1", "").replace('Testville"', 'Testville"\nurl = "http://311.example"')
    )
    assert "Nobody is an administrator" in wrong()["people"]
    assert "not https" in wrong()["login address"]
    change(city, "INSERT INTO staff (login, name, role, language, active) VALUES ('a', '', 'administrator', 'en', 1)")
    assert "people" not in wrong()


def test_without_a_login_it_says_who_may_what(city: Config) -> None:
    told = {finding.what: finding.says for finding in doctor.examine()}
    assert "this computer alone" in told["login"]


def _with_login(provider: str, more: str) -> str:
    return (
        '[city]\nname = "Testville"\n[channels.outbox]\nkind = "outbox"\n'
        f'[login]\nmetadata_url = "{provider}/metadata"\nclient_id = "c"\nclient_secret = "{SECRET}"\n'
        f'cookie_secret = "{SECRET * 3}"\n{more}\n'
    )


def test_the_example_of_a_login_loads_and_explains_every_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = doctor.example()
    for name in re.findall(r'"env:(\w+)"', example):
        monkeypatch.setenv(name, SECRET)
    assert settings.load(write(tmp_path, example)).login is None
    part = example.split("# [login]\n")[1].split("\n\n")[0]
    wanted = "[login]\n" + re.sub(r"(?m)^(# )+(?=[a-z_]+ = )", "", part)
    login = settings.load(write(tmp_path, '[city]\nname = "Testville"\n' + wanted)).login
    assert login
    assert login.roles == {"311-admins": "administrator", "311-staff": "reviewer"}
    for name, field in settings.Login.model_fields.items():
        assert re.search(rf"(?m)^(# )*{name} = ", part)
        assert field.description
        assert field.description in part


def test_the_example_loads_with_all_it_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example = doctor.example()
    for name in re.findall(r'"env:(\w+)"', example):
        monkeypatch.setenv(name, SECRET)
    inner = re.sub(r"(?m)^# (\[sources|# |kind = )", r"\1", example)  # the invented source too
    config = settings.load(write(tmp_path, inner))
    assert set(config.sources) == set(adapters.kinds("connector.sources"))
    assert config.channels.keys() == dispatch.kinds().keys()
    for name, source in config.sources.items():
        sources.load(name, source, config)
    for name, channel in config.channels.items():
        dispatch.load(name, channel)
    assert "sample" not in settings.load(write(tmp_path, example)).sources
    assert config.notify
    assert config.notify.channel in config.channels


def test_the_example_explains_every_setting() -> None:
    example = doctor.example()
    parts: dict[str, Any] = {f"channels.{kind}": channel for kind, channel in dispatch.kinds().items()}
    for kind in adapters.kinds("connector.sources"):
        parts[f"sources.{kind}"] = adapters.load("connector.sources", sources.Source, kind)  # type: ignore[type-abstract]
    for head, adapter in parts.items():
        part = example.split(f"[{head}]")[1].split("\n\n")[0]
        for name, field in adapter.Settings.model_fields.items():
            assert re.search(rf"(?m)^(# )*{name} = ", part)
            assert field.description
            assert field.description in part
