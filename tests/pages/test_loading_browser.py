"""The first page's way into a browser: nothing that it is made of is found out late."""

from __future__ import annotations

import pytest
import requests

from tests.pages.browser import Site, settled

pytestmark = [pytest.mark.browser, pytest.mark.long]


def test_all_scripts_of_the_queue_are_named_before_it_is_known_what_to_draw(site: Site) -> None:
    site.city.arrive("Huge pothole on Elm", "graffiti at the library", "a couch was dumped on 5th")
    named = requests.get(site.url, headers={"accept": "text/html"}, timeout=10).text
    page = site.open()
    page.locator("[class*=st-key-accept_] button").first.wait_for()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    settled(page)
    loaded = page.evaluate('performance.getEntriesByType("resource").map((one) => one.name.split("/").pop())')
    scripts = [name for name in loaded if name.endswith(".js") and name != "keys.js"]
    assert len(scripts) > 50
    assert [name for name in scripts if name not in named] == []
    assert (site.complaints, site.strays) == ([], [])
