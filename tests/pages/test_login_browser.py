"""Logging in at a real OpenID provider, and what each role may not do, in Chromium; run by `pytest -m long`.

The provider is the one of `shared/real/oidc` (npm's oidc-provider): it answers at 127.0.0.1:8418, lets any name in, and
sends people back to port 8501 alone. It is started if it does not run; the test is skipped where it cannot be had.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from connector import config, sealing, store
from connector.access import SEEN
from connector.models import AuditEntry, Decision, User
from tests.builders import a_post, a_suspect
from tests.conftest import KEY, SHARED
from tests.pages.browser import Browser, City, Site, serving, settled, until, waits_for

pytestmark = [pytest.mark.long, pytest.mark.browser]
PROVIDER = "http://127.0.0.1:8418"
METADATA = f"{PROVIDER}/.well-known/openid-configuration"
PORT = 8501
AUTHOR = "pothole_pat"
BY_CLAIM = '\nrole_claim = "roles"\nroles = { admin = "administrator", reviewer = "reviewer" }\n'
BY_LIST = '\nadministrators = ["admin@city311.test"]\n'


def provider_answers() -> bool:
    try:
        with urllib.request.urlopen(METADATA, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False


@pytest.fixture(scope="module")
def _provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    if provider_answers():
        yield
        return
    script = SHARED / "real" / "oidc" / "start.sh"
    if not script.is_file() or not shutil.which("npm"):
        pytest.skip(f"no provider at {PROVIDER}, and {script.name} of shared/real/oidc or npm is missing")
    home = Path(os.environ.get("REAL_HOME") or tmp_path_factory.mktemp("oidc"))
    subprocess.run(["bash", str(script)], env={**os.environ, "REAL_HOME": str(home)}, check=True, timeout=300)
    if not provider_answers():
        pytest.skip(f"the provider did not start: {(home / 'run' / 'oidc.log').read_text()[-500:]}")
    yield
    with contextlib.suppress(ProcessLookupError):
        os.kill(int((home / "run" / "oidc.pid").read_text()), signal.SIGTERM)


@dataclass
class Town:
    """A city with a login, one suspect whose author is known, and its pages on the one port that may be."""

    city: City
    site: Site
    suspect: int

    def staff(self, who: str, **values: Any) -> None:
        with self.city.database.writing() as session:
            login = f"{who}@city311.test"
            row = session.exec(select(User).where(User.login == login)).first() or User(login=login)
            session.add(row.sqlmodel_update(values))

    def logs_in(self, name: str, path: str = "") -> Any:
        """A page of a fresh browser after the provider sent this person back."""
        page = self.site.open(path)
        page.get_by_role("button", name="Log in").click()
        page.locator("[name=login]").fill(name)
        page.locator("[name=password]").fill("any")
        page.locator("[type=submit]").click()
        page.locator("[type=submit]").click()  # the provider asks whether we may know the address
        page.wait_for_url(f"http://127.0.0.1:{PORT}/**")
        page.get_by_role("heading", level=1).wait_for()
        settled(page)
        return page

    def goes(self, page: Any, path: str) -> None:
        page.goto(f"{self.site.url}/{path}")
        page.get_by_role("heading", level=1).wait_for()
        settled(page)

    def decisions(self) -> list[tuple[str, str]]:
        with self.city.database.reading() as session:
            return [(one.kind, one.by) for one in session.exec(select(Decision))]

    def audit(self, *whats: str) -> list[tuple[str, str]]:
        with self.city.database.reading() as session:
            entries = session.exec(select(AuditEntry).order_by(AuditEntry.id))  # type: ignore[arg-type]
            return [(entry.what, entry.by) for entry in entries if entry.what in whats]


@pytest.fixture
def opened(
    tmp_path: Path, chromium: Browser, monkeypatch: pytest.MonkeyPatch, _provider: None
) -> Callable[[str], contextlib.AbstractContextManager[Town]]:
    """Opens the town with these lines in its `[login]`."""

    @contextmanager
    def town(lines: str) -> Iterator[Town]:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", PORT)) == 0:
                pytest.skip(f"port {PORT}, the only one that the provider sends people back to, is taken")
        file = tmp_path / "connector.toml"
        file.write_text(
            '[city]\nname = "Testville"\n[channels.outbox]\nkind = "outbox"\n[sources.manual]\nkind = "manual"\n'
            f'[login]\nmetadata_url = "{METADATA}"\nclient_id = "streamlit"\nclient_secret = "env:OIDC_SECRET"\n'
            f'cookie_secret = "env:COOKIE_SECRET"{lines}'
        )
        monkeypatch.setenv("CONNECTOR_CONFIG", str(file))
        secrets = {"OIDC_SECRET": "streamlit-secret", "COOKIE_SECRET": "s" * 40}
        settings = config.load()
        city = City(settings, store.open_database(settings))
        city.beat()
        given = {"CONNECTOR_CONFIG": str(file), "CONNECTOR_KEY": KEY, **secrets}
        with serving(settings.home, chromium, PORT, city, **given) as site:
            yield Town(city, site, _reported(city, settings))
            site.close()

    return town


def _reported(city: City, settings: config.Config) -> int:
    sealer = sealing.load(settings)
    sealed = sealer.seal(f'{{"handle": "{AUTHOR}"}}', "sample", "p-1")
    with city.database.writing() as session:
        post = a_post(session, "Big pothole on Quarry Rd", source_id="p-1", author_sealed=sealed)
        return a_suspect(session, post.text, post=post).id


def menu(page: Any) -> list[str]:
    """The pages that the navigation offers."""
    links = page.get_by_test_id("stTopNavLink")
    return [text.split("\n")[-1].strip() for text in links.all_inner_texts()]


def text(page: Any) -> str:
    return str(page.locator("[data-testid=stMain]").inner_text())


# -- each role -----------------------------------------------------------------------------------------------------


def test_nobody_sees_anything_before_the_log_in(opened: Any) -> None:
    with opened(BY_LIST) as town:
        for path in ("", "rules", "settings", f"?id={town.suspect}", "account"):
            page = town.site.open(path)
            page.get_by_role("button", name="Log in").wait_for()
            settled(page)
            assert menu(page) == []
            assert "pothole" not in page.content().lower()


def test_each_role_sees_its_pages_and_no_other_by_a_deep_link(opened: Any) -> None:
    with opened(BY_LIST) as town:
        town.staff("rita", role="reviewer", name="Rita")
        town.staff("anna", role="analyst", name="Anna")
        town.staff("eddi", role="rule_editor", name="Eddi")
        pages = {
            "rita": ["Queue", "Tickets", "Trends", "Sources", "Rita"],
            "anna": ["Trends", "Sources", "Anna"],
            "eddi": ["Queue", "Tickets", "Rules", "Trends", "Sources", "Eddi"],
            "admin": ["Queue", "Tickets", "Rules", "Trends", "Sources", "Settings", "admin"],
        }
        for name, names in pages.items():
            page = town.logs_in(name)
            assert [one for one in menu(page) if one in {*sum(pages.values(), [])}] == names
            for path in ("rules", "settings", f"?id={town.suspect}"):
                town.goes(page, path)
                title = {"rules": "Rules", "settings": "Settings"}.get(path, "Queue")
                closed = "This page is not for you" in text(page)
                assert closed == (title not in names) or (name, title) == ("anna", "Queue"), (name, path)
            if "Queue" in names:
                page.get_by_text("Belongs here").wait_for()  # the card's last line
            if name in ("rita", "admin"):
                page.get_by_text(AUTHOR).first.wait_for()
            seen = AUTHOR in page.content()
            assert seen == (name in ("rita", "admin")), name
            town.site.close()
        assert {by for _, by in town.audit(SEEN)} == {"rita@city311.test", "admin@city311.test"}
        assert [by for _, by in town.audit("logged in")] == [f"{name}@city311.test" for name in pages]


def test_a_stranger_is_told_whom_to_ask_and_can_log_out(opened: Any) -> None:
    with opened(BY_LIST) as town:
        page = town.logs_in("stranger")
        assert "stranger@city311.test" in text(page)
        assert "admin@city311.test" in text(page)
        assert menu(page) == []
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(f"{PROVIDER}/**")
        town.goes(page, "")
        page.get_by_role("button", name="Log in").wait_for()


# -- while logged in -----------------------------------------------------------------------------------------------


def test_whoever_loses_the_role_meanwhile_decides_nothing_by_a_key_that_is_still_there(opened: Any) -> None:
    with opened(BY_LIST) as town:
        town.staff("rita", role="reviewer")
        page = town.logs_in("rita", f"?id={town.suspect}")
        waits_for(page, town.suspect)
        town.staff("rita", role="rule_editor")
        page.keyboard.press("a")
        page.get_by_text("may not decide").first.wait_for()
        assert town.decisions() == []
        assert town.city.status(town.suspect) == "waiting"
        town.staff("rita", role="reviewer")
        town.goes(page, f"?id={town.suspect}")
        waits_for(page, town.suspect)
        page.keyboard.press("a")
        until(lambda: town.decisions() == [("accept", "rita@city311.test")])


def test_whoever_is_switched_off_meanwhile_is_shown_the_door_in_every_window(opened: Any) -> None:
    with opened(BY_LIST) as town:
        town.staff("rita", role="reviewer")
        page = town.logs_in("rita", f"?id={town.suspect}")
        waits_for(page, town.suspect)
        second = page.context.new_page()
        town.goes(second, "tickets")
        town.staff("rita", active=False)
        page.keyboard.press("a")
        page.get_by_text("is switched off").wait_for()
        assert town.decisions() == []
        assert menu(page) == []
        second.get_by_text("is switched off").wait_for()  # by itself: nobody touches that window
        town.goes(page, "rules")
        assert "is switched off" in text(page)


def test_an_administrator_gives_a_stranger_a_role_and_cannot_take_the_last_one_away(opened: Any) -> None:
    with opened(BY_LIST) as town:
        stranger = town.logs_in("stranger")
        town.staff("stranger", role="analyst")
        stranger.reload()
        stranger.get_by_role("heading", name="Trends", level=1).wait_for()
        admin = town.logs_in("admin", "settings")
        town.goes(admin, "settings")
        admin.get_by_text("People", exact=True).click()
        admin.get_by_role("heading", name="What each role may do").wait_for()
        assert "names as administrators: admin@city311.test" in text(admin)


# -- roles by the provider's claim ---------------------------------------------------------------------------------


def test_the_claim_tells_the_role_and_switching_off_wins_over_it(opened: Any) -> None:
    with opened(BY_CLAIM) as town:
        page = town.logs_in("admin7")
        assert "Settings" in menu(page)
        town.staff("admin7", active=False)
        page.reload()
        page.get_by_text("is switched off").wait_for()
        town.site.close()
        page = town.logs_in("admin7")
        assert "is switched off" in text(page)
        town.site.close()
        page = town.logs_in("rita")
        assert "Settings" not in menu(page)
        assert "Queue" in menu(page)
        with town.city.database.reading() as session:
            people = {row.login: (row.role, row.active) for row in session.exec(select(User))}
        assert people == {
            "admin7@city311.test": ("administrator", False), "rita@city311.test": ("reviewer", True),
        }  # fmt: skip


def test_nothing_secret_is_written_to_the_disk(opened: Any, tmp_path: Path) -> None:
    with opened(BY_CLAIM) as town:
        town.logs_in("rita")
        time.sleep(1)
        files = [file for file in tmp_path.rglob("*") if file.is_file()]
        assert len(files) > 2
        assert [
            file for file in files if b"streamlit-secret" in file.read_bytes() or b"s" * 40 in file.read_bytes()
        ] == []
