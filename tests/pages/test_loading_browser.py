"""The first page's way into a browser: nothing that the card is made of is found out late, and the card comes first."""

from __future__ import annotations

import pytest
import requests

from connector import web
from tests.pages.browser import Site, painted, settled, waits_for

pytestmark = [pytest.mark.browser, pytest.mark.long]
LATER = ("DataFrame", "ButtonGroup", "TextInput", "ImageList", "TextArea", "MenuButton")
"""What the list, the page's top line and what follows the card are made of."""
_ORDER = """
window.order = [];
new MutationObserver(() => {
    const seen = {card: "[class*=st-key-accept_]", map: "[data-testid=stImage]", sends: "textarea",
        more: ".st-key-more", further: ".st-key-further", top: "h1", list: "[data-testid=stDataFrame]"};
    for (const [name, where] of Object.entries(seen))
        if (!window.order.includes(name) && document.querySelector(where)) window.order.push(name);
}).observe(document, {childList: true, subtree: true});
"""

_PLACES = """
window.places = new Set();
const look = () => {
    const card = document.querySelector(".st-key-pane");
    if (card) window.places.add(Math.round(card.getBoundingClientRect().y));
    requestAnimationFrame(look);
};
look();
"""


def test_all_scripts_of_the_card_are_named_before_it_is_known_what_to_draw(site: Site) -> None:
    site.city.arrive("Huge pothole on Elm", "graffiti at the library", "a couch was dumped on 5th")
    named = requests.get(site.url, headers={"accept": "text/html"}, timeout=10).text
    page = site.open()
    page.locator("[class*=st-key-accept_] button").first.wait_for()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    settled(page)
    loaded = page.evaluate('performance.getEntriesByType("resource").map((one) => one.name.split("/").pop())')
    scripts = {name for name in loaded if name.endswith(".js")} - {"keys.js"}
    _, later = web.scripts_of(LATER)
    assert len(scripts.intersection(later)) > 20
    assert len(scripts.difference(later)) > 20
    assert {name for name in scripts.difference(later) if name not in named} == set()
    assert (site.complaints, site.strays) == ([], [])


def test_the_card_stands_before_what_is_around_it_is_drawn(site: Site) -> None:
    site.city.arrive("Huge pothole on Elm", "graffiti at the library")
    page = site.open()  # the browser has the scripts now, as any day but the first
    settled(page)
    page.add_init_script(_ORDER)
    page.reload()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    order = page.evaluate("window.order")
    assert order[0] == "card"
    assert set(order[1:]) == {"map", "sends", "more", "further", "top", "list"}


def test_a_draft_stands_there_with_the_keys_for_it_is_what_they_send(site: Site) -> None:
    site.city.arrive("Huge pothole on Elm", "graffiti at the library")
    page = site.open()
    settled(page)
    page.get_by_text("What Accept sends").click()
    page.get_by_label("Description").fill("Pothole, half a metre wide")
    page.get_by_label("Description").blur()
    settled(page)
    page.add_init_script(_ORDER)
    page.reload()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    order = page.evaluate("window.order")
    assert set(order[:2]) == {"card", "sends"}
    assert page.get_by_label("Description").input_value() == "Pothole, half a metre wide"


def test_the_card_stays_where_it_is_while_the_rest_comes(site: Site) -> None:
    site.city.arrive("Huge pothole on Elm", "graffiti at the library")
    page = site.open()
    page.add_init_script(_PLACES)
    page.reload()
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for()
    settled(page)
    places = page.evaluate("[...window.places]")
    assert (
        max(places) - min(places) < 20
    )  # the top line is 35 high; the gap above it may close while the strip is empty


def test_where_the_page_cannot_be_shown_nothing_pretends_to_come(site: Site) -> None:
    site.city.arrive("Huge pothole on Elm")
    page = site.open()
    with site.city.database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE match RENAME TO no_match")  # what only the card asks for
    page.reload()
    page.get_by_text("The database does not answer.").wait_for()
    settled(page)
    assert page.locator(".st-key-top_to_come").count() == 1
    assert not page.locator(".st-key-top_to_come").is_visible()


def test_a_key_that_is_hit_before_the_list_is_there_counts(site: Site) -> None:
    first, second = site.city.queued(2)
    page = site.open()
    page.locator(f".st-key-accept_{first} button").wait_for()
    page.locator(".st-key-step_next button").wait_for()
    painted(page)
    page.keyboard.press("j")
    waits_for(page, second)
    page.keyboard.press("a")
    waits_for(page, first)
    assert site.city.decisions(second) == [("accept", "")]
    assert site.city.decisions(first) == []
