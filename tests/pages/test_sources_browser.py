"""The Sources page under a real hand: one source well, one refused, one silent, two gaps; what is pressed is asked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import delete, select

from connector import config, store
from connector.collect.alerts import Alerts
from connector.models import Alert, Gap, GapCause, GapState, ReadHour, SourceState, now
from tests.conftest import KEY
from tests.pages.browser import Browser, City, Site, serving, settled

pytestmark = pytest.mark.browser
HOSTILE = "**b** ![i](http://127.0.0.1:9/x.png) <img src=x onerror='alert(1)'>"
TOML = """
[city]
name = "Testville"
timezone = "America/Los_Angeles"
[sources.birds]
kind = "x"
bearer_token = "env:NOT_SET"
[sources.faces]
kind = "x"
bearer_token = "env:NOT_SET"
[sources.skies]
kind = "x"
bearer_token = "env:NOT_SET"
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, chromium: Browser, sqlite_template: Path) -> Iterator[Site]:
    """A city of three sources on a free port."""
    home = tmp_path_factory.mktemp("town")
    file, url = home / "connector.toml", f"sqlite:///{home / 'town.db'}"
    file.write_text(TOML)
    shutil.copy(sqlite_template, home / "town.db")
    settings = config.load(file).model_copy(update={"home": home, "database_url": url})
    city = City(settings, store.open_database(settings))
    city.beat()
    with serving(home, chromium, CONNECTOR_KEY=KEY, CONNECTOR_CONFIG=str(file), DATABASE_URL=url) as running:
        yield replace(running, city=city)
    city.database.close()


@pytest.fixture
def site(served: Site) -> Iterator[Site]:
    """One well, one refused, one silent; a gap that waits and one that is tried later."""
    at, this = now(), now().replace(minute=0, second=0, microsecond=0)
    later = at + timedelta(hours=1)  # outlasts the test
    with served.city.database.writing() as session:
        for table in (Alert, Gap, ReadHour, SourceState):
            session.exec(delete(table))
        session.add(SourceState(name="birds", kind="x", state="running", alive_at=later, last_post_at=at))
        refused = {"last_error": f"X refuses the token {HOSTILE}", "last_error_at": at}
        session.add(SourceState(name="faces", kind="x", state="paused", **refused))
        silent_since = at - timedelta(hours=3)
        session.add(SourceState(name="skies", kind="x", state="running", alive_at=later, last_post_at=silent_since))
        for back in range(2, 24 * 5):
            session.add(ReadHour(source="skies", hour_at=this - timedelta(hours=back), count=30))
        begin = at - timedelta(hours=30)
        for number, cause in enumerate((GapCause.DISCONNECT, GapCause.RATE_LIMIT)):
            start = begin + number * timedelta(hours=5)
            due = at + timedelta(minutes=20) if number else None
            gap = Gap(source="birds", from_at=start, to_at=start + timedelta(minutes=17), cause=cause, due_at=due)
            session.add(gap)
    Alerts(served.city.database, served.city.config).review()
    fresh = replace(served, complaints=[], strays=[])
    yield fresh
    fresh.close()


def states(page: Any) -> list[str]:
    """The first column, from the table that the grid keeps for screen readers."""
    cells = page.locator("[data-testid=stDataFrame]").first.locator("canvas table tbody tr td:nth-child(1)")
    cells.first.wait_for(state="attached")
    return [str(text) for text in cells.all_text_contents()]


def of(site: Site, source: str) -> SourceState:
    with site.city.database.reading() as session:
        return session.get_one(SourceState, source)


def gaps(site: Site) -> list[Gap]:
    with site.city.database.reading() as session:
        return list(session.exec(select(Gap).order_by(Gap.from_at)))  # type: ignore[arg-type]


@pytest.mark.long
def test_from_the_line_on_every_page_to_a_source_tried_again_and_a_gap_filled(site: Site) -> None:
    page = site.open()
    line = page.locator(".st-key-alerts")
    line.get_by_text("faces: refused · skies: quiet").wait_for()
    line.get_by_role("link", name="Sources").click()
    page.get_by_text("The access is refused since").wait_for()
    assert states(page) == ["running", "refused", "quiet"]
    settled(page)
    page.get_by_role("button", name="Try again now").click()
    page.get_by_text("Trying again is asked for").wait_for()
    assert of(site, "faces").asked == "retry"
    with site.city.database.writing() as session:  # the worker hears it, and X lets it in
        state = session.get_one(SourceState, "faces")
        state.asked, state.state, state.last_error = "", "running", ""
    page.get_by_text("The access is refused since").wait_for(state="detached")
    assert page.locator("img[src*='127.0.0.1:9'], img[src=x]").count() == 0
    page.locator("[data-testid=stDataFrame]").first.click(position={"x": 16, "y": 36 + 18})
    page.get_by_text("Waits for you.").wait_for()
    settled(page)
    waiting, planned = gaps(site)
    page.locator(f".st-key-gap_{waiting.id}").get_by_role("button", name="Fill now").click()
    page.get_by_text("Is being filled.").wait_for()
    assert [gap.due_at is not None and gap.due_at <= now() for gap in gaps(site)] == [True, False]
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_gaps_are_said_to_be_lost_and_leave_as_the_worker_fills_them(site: Site) -> None:
    page = site.open("sources?source=birds")
    page.get_by_text("Waits for you.").wait_for()
    page.locator("[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg").first.wait_for()
    settled(page)
    waiting, planned = gaps(site)
    page.locator(f".st-key-gap_{planned.id}").get_by_role("button", name="Say it is lost").click()
    page.locator(f".st-key-gap_{planned.id}").wait_for(state="detached")
    assert [gap.state for gap in gaps(site)] == [GapState.OPEN, GapState.LOST]
    with site.city.database.writing() as session:  # the worker has brought the other
        gap = session.get_one(Gap, waiting.id)
        gap.state, gap.posts, gap.closed_at = GapState.FILLED, 1834, now()
    page.locator(f".st-key-gap_{waiting.id}").wait_for(state="detached")
    assert site.strays == []


@pytest.mark.long
def test_the_connection_is_tested_while_the_page_stays_usable(site: Site) -> None:
    page = site.open("sources?source=birds")
    settled(page)
    page.get_by_role("button", name="Test the connection").click()
    page.get_by_text("NOT_SET, which is not set").wait_for()


@pytest.mark.long
@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_nothing_bars_those_who_use_it_otherwise(site: Site, look: dict[str, bool]) -> None:
    """axe: WCAG 2.0 to 2.2, A and AA, and its best practice."""
    from axe_playwright_python.sync_playwright import Axe

    for source in ("birds", "faces", "skies"):
        page = site.open(f"sources?source={source}", **look)
        settled(page)
        page.wait_for_timeout(1000)
        assert [found["id"] for found in Axe().run(page).response["violations"]] == []


@pytest.mark.long
def test_a_phone_shows_all_of_it_without_overflow(site: Site) -> None:
    page = site.open("sources?source=faces", phone=True, dark=True)
    page.get_by_text("The access is refused since").wait_for()
    settled(page)
    for source in ("birds", "skies", "faces"):
        page.goto(f"{site.url}/sources?source={source}")
        page.get_by_role("heading", name=f"{source} · X").wait_for()
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), source
    assert page.locator("img[src*='127.0.0.1:9'], img[src=x]").count() == 0
