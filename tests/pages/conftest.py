"""What the pages' tests may ask for: a demo city of their own, and a real browser on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from sqlmodel import delete
from streamlit.components.v2 import manifest_scanner

from connector.models import Rule, RuleVersion
from connector.screen import desk
from connector.store import catalogue
from tests.builders import a_rule
from tests.conftest import KEY, missing
from tests.pages.browser import CHROMIUM, Browser, City, Site, forget, launched, serving


@pytest.fixture(scope="session")
def first_day(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo city's database on its first day, to copy."""
    made = City.founded(tmp_path_factory.mktemp("first_day") / "home")
    made.database.close()
    return made.kept()


@pytest.fixture(scope="session", autouse=True)
def _packages_looked_through_once() -> Iterator[None]:
    """Each `AppTest` reads what every installed package says of itself, for components; nobody installs any here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture
def city(first_day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """The demo city without a single post, in this process, for `AppTest`; its worker beats."""
    monkeypatch.delenv("CONNECTOR_CONFIG")
    monkeypatch.chdir(tmp_path)
    for which in desk.SHOWING:  # there is no browser to leave alone
        monkeypatch.setitem(desk.SHOWING, which, 0)
    forget()
    made = City.founded(tmp_path / "home", like=first_day)
    yield made
    made.database.close()
    forget()


GOOD = '(pothole OR "pot hole") -is:retweet'


@pytest.fixture
def few(city: City) -> City:
    """Three rules in place of the demo's."""
    with city.database.writing() as session:
        session.exec(delete(RuleVersion))
        session.exec(delete(Rule))
        a_rule(session, name="Pothole: street words", expression=GOOD)
        a_rule(session, "graffiti", name="Tagging", expression="graffiti OR tagged")
        a_rule(session, "graffiti", name="Old one", expression="spraycan", active=False)
        catalogue.touch(session)
    return city


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One headless Chromium for all tests."""
    if not Path(CHROMIUM).exists():
        missing(f"{CHROMIUM} is not installed")
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Site]:
    """The pages on a free port, one server for a module's tests; no worker, but a fresh heartbeat."""
    with serving(tmp_path_factory.mktemp("pages") / "home", chromium, CONNECTOR_KEY=KEY) as running:
        yield running


@pytest.fixture
def site(server: Site) -> Iterator[Site]:
    """The same pages with an empty demo city, seen by nobody else."""
    server.city.emptied()
    fresh = replace(server, complaints=[], strays=[])
    yield fresh
    fresh.close()
