"""The Queue page under a real hand: keys, selection, two people at once, a phone."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlmodel import select

from connector.models import Dispatch
from tests.builders import a_ticket
from tests.pages.browser import Site, settled, until, waits_for
from tests.pages.test_review import HOSTILE, POTHOLE

pytestmark = pytest.mark.browser


def potholes(site: Site, number: int) -> list[int]:
    """Suspects, as the list shows them: the newest first."""
    return site.city.queued(number)


def drawn(page: Any) -> list[str]:
    """The post column, from the table that the grid keeps for screen readers."""
    cells = page.locator("[data-testid=stDataFrame] canvas table tbody tr td:nth-child(2)")
    cells.first.wait_for(state="attached")
    return [str(text) for text in cells.all_text_contents()]


@pytest.mark.long
def test_keys_decide_the_one_shown(site: Site) -> None:
    first, second, third, fourth = potholes(site, 4)
    page = site.open()
    waits_for(page, first)
    page.keyboard.press("j")
    waits_for(page, second)
    page.keyboard.press("k")
    waits_for(page, first)
    page.keyboard.press("a")
    waits_for(page, second)
    assert site.city.decisions(first) == [("accept", "")]
    page.get_by_text("sends in").wait_for()
    page.keyboard.press("3")
    waits_for(page, third)
    assert site.city.decisions(second) == [("dismiss", "joke")]
    page.get_by_text("Dismissed Pothole").wait_for()
    page.keyboard.press("u")
    waits_for(page, second)
    assert site.city.status(second) == "waiting"
    page.keyboard.press("p")
    waits_for(page, third)
    assert (site.city.status(second), site.city.status(third)) == ("parked", "waiting")
    page.keyboard.press("t")
    page.get_by_text("Type instead").wait_for()
    settled(page)
    page.keyboard.press("g")
    page.get_by_role("heading", name="Graffiti").wait_for()
    waits_for(page, third)
    assert site.city.decisions(third) == [("retype", "graffiti")]
    assert site.city.decisions(fourth) == []
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_mashing_decides_nothing_unseen_and_nothing_twice(site: Site) -> None:
    ids = potholes(site, 12)
    page = site.open()
    waits_for(page, ids[0])
    page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => {
            for (const e of document.querySelectorAll('[class*=st-key-card_]'))
                window.seen.add(Number(/st-key-card_(\\d+)/.exec(e.className)[1]));
        }).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['class']}) }"""
    )
    for pause in (0, 20, 60, 120, 200, 300, 500):
        for letter in "a2":
            page.keyboard.press(letter)
            page.wait_for_timeout(pause)
    page.wait_for_timeout(3000)
    assert page.get_by_text("Not done").count() == 0  # a second press before the next card came is not a mistake
    seen = {ids[0], *page.evaluate("[...window.seen]")}
    decided = [one for one in ids if site.city.decisions(one)]
    assert decided
    assert set(decided) <= seen
    assert decided == ids[: len(decided)]
    assert all(len(site.city.decisions(one)) == 1 for one in decided)


@pytest.mark.long
def test_holding_a_key_down_is_one_press(site: Site) -> None:
    ids = potholes(site, 6)
    page = site.open()
    waits_for(page, ids[0])
    for _ in range(50):
        page.keyboard.down("a")  # a repeat, since it was not let go
        page.wait_for_timeout(100)
    page.keyboard.up("a")
    waits_for(page, ids[1])
    assert [one for one in ids if site.city.decisions(one)] == ids[:1]


@pytest.mark.long
def test_new_posts_wait_until_they_are_asked_for(site: Site) -> None:
    ids = potholes(site, 3)
    page = site.open()
    waits_for(page, ids[0])
    settled(page)
    before, at = drawn(page), page.locator(".st-key-pane").bounding_box()
    site.city.arrive("a brand new pothole on Birch Street")
    page.get_by_text("1 new, show").wait_for()
    settled(page)
    assert page.locator(".st-key-pane").bounding_box() == at, "nothing moves under the hand"
    assert drawn(page) == before
    page.keyboard.press("s")
    page.get_by_text("1 new, show").wait_for(state="detached")
    until(lambda: drawn(page)[1:] == before)
    waits_for(page, ids[0])


@pytest.mark.long
def test_the_slower_hand_is_told_who_was_faster(site: Site) -> None:
    first, second = potholes(site, 2)
    one, other = site.open(), site.open()
    waits_for(one, first)
    waits_for(other, first)
    one.keyboard.press("a")
    waits_for(one, second)
    other.keyboard.press("5")
    other.get_by_text(re.compile("It was accepted by demo")).wait_for()
    waits_for(other, second)
    assert site.city.decisions(first) == [("accept", "")]


@pytest.mark.long
def test_the_ticket_number_comes_by_itself(site: Site) -> None:
    first, second = potholes(site, 2)
    page = site.open()
    waits_for(page, first)
    page.keyboard.press("a")
    waits_for(page, second)
    with site.city.database.writing() as session:
        sent = session.exec(select(Dispatch).where(Dispatch.suspect_id == first)).one()
        a_ticket(session, sent, number="PA-26-000123")
    page.get_by_text("ticket PA-26-000123").wait_for(timeout=15_000)


@pytest.mark.long
def test_hostile_posts_stay_text(site: Site) -> None:
    ids = site.city.arrive(*HOSTILE)[::-1]
    page = site.open()
    for one, text in zip(ids, reversed(HOSTILE), strict=True):
        waits_for(page, one)
        card = page.locator(f".st-key-card_{one}")
        said = card.locator("p[dir=auto]").first
        assert said.evaluate("e => e.textContent") == text
        assert said.locator("*:not(mark):not(span)").count() == 0
        assert page.locator("script:not([src]):has-text('alert'), img[src*='127.0.0.1:9'], iframe").count() == 0
        page.keyboard.press("j")
    page.wait_for_timeout(500)
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_a_link_and_a_click_choose(site: Site) -> None:
    ids = potholes(site, 5)
    page = site.open(f"?id={ids[3]}")
    waits_for(page, ids[3])
    grid = page.locator("[data-testid=stDataFrame]")
    grid.click(position={"x": 16, "y": 33 + 57 + 28})
    waits_for(page, ids[1])
    page.wait_for_url(f"**id={ids[1]}")
    page.keyboard.press("j")
    waits_for(page, ids[2])


@pytest.mark.long
def test_a_click_on_anything_in_a_row_chooses_it_and_the_keys_go_on_from_there(site: Site) -> None:
    ids = potholes(site, 6)
    page = site.open()
    waits_for(page, ids[0])
    grid = page.locator("[data-testid=stDataFrame]")
    for at in (3, 1, 4):
        grid.click(position={"x": 220, "y": 33 + 57 * at + 28})
        waits_for(page, ids[at])
    settled(page)
    grid.click(position={"x": 16, "y": 33 + 57 * 2 + 28})
    waits_for(page, ids[2])
    page.keyboard.press("j")
    waits_for(page, ids[3])
    grid.click(position={"x": 220, "y": 33 + 57 * 1 + 28})
    waits_for(page, ids[1])
    page.keyboard.press("2")
    until(lambda: site.city.decisions(ids[1]) == [("dismiss", "elsewhere")])
    waits_for(page, ids[2])
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_a_phone_shows_the_card_first_and_does_not_overflow(site: Site) -> None:
    first, second = potholes(site, 2)
    page = site.open(phone=True)
    waits_for(page, first)
    page.get_by_text("Next up").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    card = page.locator(f".st-key-card_{first}").bounding_box()
    grid = page.locator("[data-testid=stDataFrame]").bounding_box()
    assert card["y"] + card["height"] <= grid["y"]
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_text("Elsewhere").click()
    waits_for(page, second)
    assert site.city.decisions(first) == [("dismiss", "elsewhere")]
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Nothing waits").wait_for()
    assert site.city.decisions(second) == [("accept", "")]
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_a_typed_description_goes_out(site: Site) -> None:
    (one,) = site.city.arrive(POTHOLE)
    page = site.open()
    waits_for(page, one)
    page.get_by_text("What Accept sends").click()
    box = page.get_by_label("Description")
    box.fill("A hole, seen today")
    page.get_by_role("button", name="Accept").click()
    page.get_by_text("Nothing waits").wait_for()
    with site.city.database.reading() as session:
        sent = session.exec(select(Dispatch)).one()
    assert sent.content
    assert sent.content["text"] == "A hole, seen today"
