"""Every page for those who use it otherwise, light, dark and at 390 px: axe finds nothing, nothing is wider than the
window, no error stands in the browser's console. What stands in cards and dialogs is looked at beside their own tests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connector import workflow
from connector.models import DeliveryStatus, now
from tests.builders import a_dispatch, a_suspect, a_ticket
from tests.pages.browser import Site, settled

pytestmark = [pytest.mark.browser, pytest.mark.long]
OF_STREAMLIT = ("presentation-role-conflict", True)
"""Its field for files can be focused and says that it is for the eye alone; what stands in it has its names."""
LOOKS: dict[str, dict[str, bool]] = {"light": {}, "dark": {"dark": True}, "phone": {"phone": True}}


def fill(site: Site) -> None:
    """Posts that wait, that were dismissed, and tickets in every state."""
    city = site.city
    first, *_ = city.queued(8, place="Birch Street", lat=47.6, lon=-122.3, district="Old Town")
    workflow.dismiss(city.database, first, "joke", "demo")
    with city.database.writing() as session:
        for status in DeliveryStatus:
            accepted: dict[str, Any] = {"status": "accepted", "decided_at": now(), "decided_by": "demo"}
            accepted |= {"lat": 47.6, "lon": -122.3} if status == "sent" else {}
            suspect = a_suspect(session, f"pothole number {status}", **accepted)
            a_dispatch(session, suspect, status=status, last_error="The desk does not answer.")
        a_ticket(session)
        a_ticket(session, status="closed", closed_at=now())


def nothing(site: Site) -> None:
    """A first day."""


def heard(site: Site) -> list[str]:
    """Errors in the browser's console; at a page's own address Streamlit first asks below it whether it is there."""
    return [said for said in site.complaints if "404 (Not Found)" not in said]


def complaints_of(page: Any) -> list[str]:
    """WCAG 2.0 to 2.2, A and AA, and axe's best practice; then what is wider than the window."""
    from axe_playwright_python.sync_playwright import Axe

    found = [
        f"{one['id']}: {node['html'][:200]}"
        for one in Axe().run(page).response["violations"]
        for node in one["nodes"]
        if (one["id"], "stFileUploaderDropzone" in node["html"]) != OF_STREAMLIT
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*found, *([f"{wide} px too wide"] if wide > 0 else [])]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("filled", [fill, nothing], ids=["full", "empty"])
@pytest.mark.parametrize("name", ["", "tickets", "rules", "trends"])
def test_a_page_bars_nobody(name: str, filled: Callable[[Site], None], look: str, site: Site) -> None:
    filled(site)
    page = site.open(name, **LOOKS[look])
    settled(page)
    assert complaints_of(page) == []
    assert (heard(site), site.strays) == ([], [])


@pytest.mark.parametrize("look", LOOKS)
def test_no_section_of_the_settings_bars_anybody(look: str, site: Site) -> None:
    fill(site)
    page = site.open("settings", **LOOKS[look])
    settled(page)
    labels = page.locator("[data-testid=stButtonGroup] button").all_inner_texts()
    assert len(labels) >= 6
    for label in labels:
        page.locator("[data-testid=stButtonGroup]").get_by_text(label, exact=True).click()
        settled(page)
        assert complaints_of(page) == [], label
    assert (heard(site), site.strays) == ([], [])
