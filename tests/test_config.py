"""Settings: from one file and the environment, every mistake named with the setting and the file it stands in."""

from __future__ import annotations

from pathlib import Path

import pytest

from connector import config as settings
from connector import store
from connector.errors import ConfigError

MINIMAL = '[city]\nname = "Testville"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connector.toml"


def test_no_file_is_the_demo_city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECTOR_CONFIG")
    monkeypatch.chdir(tmp_path)
    config = settings.load()
    assert config.is_demo
    assert (config.city.name, config.city.timezone) == ("Port Alder", "America/Los_Angeles")
    assert config.database_url == f"sqlite:///{tmp_path / 'home' / 'demo.db'}"
    assert all(path.exists() for path in (config.city.streets, config.city.landmarks, config.city.districts) if path)


def test_file_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONNECTOR_CONFIG")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "connector.toml").write_text(MINIMAL)
    assert settings.load().city.name == "Testville"


def test_named_file_that_is_missing_is_never_the_demo(file: Path) -> None:
    with pytest.raises(ConfigError, match=r"connector\.toml does not exist; CONNECTOR_CONFIG names it"):
        settings.load()


def test_city_has_a_database_of_its_own(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(MINIMAL)
    assert settings.load().database_url == f"sqlite:///{tmp_path / 'home' / 'city.db'}"
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://db/city")
    assert settings.load().database_url == "postgresql+psycopg://db/city"


def test_data_directory_follows_the_environment(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(MINIMAL)
    monkeypatch.delenv("CONNECTOR_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/share")
    assert settings.load().home == Path("/srv/share/connector")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setenv("HOME", "/srv/somebody")
    assert settings.load().home == Path("/srv/somebody/.local/share/connector")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[city]\nname = ", "cannot be read"),
        ("[city]\n", "`city.name` in .*Field required"),
        (MINIMAL + "nmae = 'x'\n", "`city.nmae` in"),
        (MINIMAL + "timezone = 'Mars/Olympus'\n", "'Mars/Olympus' is no IANA time zone; write for example"),
        (MINIMAL + "timezone = '../etc'\n", "is no IANA time zone"),
        (MINIMAL + "[channels.desk]\nurl = 'x'\n", "`channels.desk.kind` in"),
        (MINIMAL + "[delivery]\nhold = -1\n", "`delivery.hold` in"),
        (MINIMAL + "[delivery]\ntimeout = 30\nclaim = 20\n", "must be longer than `timeout`"),
        ("mode = 'demo'\n" + MINIMAL, "`mode` in .* is not a setting of this file"),
        ("database_url = 'x'\n" + MINIMAL, "`database_url` in .* is not a setting of this file"),
        (MINIMAL + "[demo]\nevery = 1\n", "`demo` in .* is not a setting of this file"),
    ],
)
def test_mistake_is_named_with_its_setting_and_file(text: str, says: str, file: Path) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match=says) as caught:
        settings.load()
    assert str(file) in str(caught.value)


def test_file_that_is_not_utf8_is_named(file: Path) -> None:
    file.write_bytes(b'[city]\nname = "\xff"\n')
    with pytest.raises(ConfigError, match="cannot be read"):
        settings.load()


def test_wrong_value_is_not_repeated(file: Path) -> None:
    """It may be a secret in the wrong place."""
    file.write_text(MINIMAL + "[delivery]\nhold = 'hunter2'\n")
    with pytest.raises(ConfigError) as caught:
        settings.load()
    assert "hunter2" not in str(caught.value)


def test_paths_are_meant_from_the_files_folder(file: Path) -> None:
    file.write_text(MINIMAL + "streets = 'map/streets.geojson'\nlandmarks = '/srv/landmarks.geojson'\n")
    city = settings.load().city
    assert city.streets == file.parent / "map" / "streets.geojson"
    assert city.landmarks == Path("/srv/landmarks.geojson")


def test_adapters_settings_are_kept_for_the_adapter(file: Path) -> None:
    file.write_text(MINIMAL + "[channels.desk]\nkind = 'open311'\nendpoint = 'http://x'\n")
    adapter = settings.load().channels["desk"]
    assert (adapter.kind, adapter.settings) == ("open311", {"endpoint": "http://x"})


def test_notices_need_a_channel_that_is_there(file: Path) -> None:
    file.write_text(MINIMAL + "[notify]\nchannel = 'mail'\nto = 'it@city.example'\n[channels.desk]\nkind = 'open311'\n")
    with pytest.raises(ConfigError, match=r"`notify` in .*`channel` names none of the channels; there is: desk"):
        settings.load()
    file.write_text(file.read_text().replace("channels.desk", "channels.mail"))
    notify = settings.load().notify
    assert notify
    assert (notify.to, notify.an_hour) == ("it@city.example", 6)


def test_secret_comes_from_its_variable_in_nested_tables_too() -> None:
    found = settings.resolved({"a": "env:A_KEY", "b": {"c": "env:A_KEY"}, "d": 1}, "[channels.desk]", {"A_KEY": "s"})
    assert found == {"a": "s", "b": {"c": "s"}, "d": 1}


@pytest.mark.parametrize("environment", [{}, {"A_KEY": ""}])
def test_secret_whose_variable_is_not_set_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"`\[channels\.desk\]\.b\.key` is to come from .* A_KEY, which is not set"):
        settings.resolved({"b": {"key": "env:A_KEY"}}, "[channels.desk]", environment)


def test_demos_clock_and_delivery_can_be_set_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECTOR_DEMO_HOLD", "2")
    monkeypatch.setenv("CONNECTOR_DEMO_EVERY", "0.5")
    monkeypatch.setenv("CONNECTOR_DEMO_DESK_PORT", "9311")
    config = settings.demo_city()
    assert (config.delivery.hold, config.demo.every) == (2, 0.5)
    assert config.delivery.settle == 5, "demo.toml's own values stay"
    assert config.channels["desk"].settings["endpoint"] == "http://127.0.0.1:9311/open311/v2"


def test_demo_never_talks_to_anything_but_this_computer() -> None:
    addresses = [
        str(value) for adapter in settings.demo_city().channels.values() for value in adapter.settings.values()
    ]
    assert all(a.startswith("http://127.0.0.1:") for a in addresses if "://" in a)


def test_demo_and_city_never_share_a_database(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'one.db'}")
    file.write_text(MINIMAL)
    store.open_database(settings.load()).close()
    with pytest.raises(ConfigError, match="belongs to a city, and the program runs as demo"):
        store.open_database(settings.demo_city())
