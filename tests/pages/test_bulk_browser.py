"""Many suspects under a real hand: a hundred by keyboard alone, a whole filter by one button and back by one key."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import func, select

from connector.models import Suspect
from tests.builders import a_suspect
from tests.pages.browser import Site, settled, waits_for

pytestmark = [pytest.mark.browser, pytest.mark.long]
DONE = {"a": "accepted", "2": "dismissed", "5": "dismissed", "p": "parked"}


def standing(site: Site) -> dict[str, int]:
    """How many suspects of each status."""
    with site.city.database.reading() as session:
        return dict(session.exec(select(Suspect.status, func.count()).group_by(Suspect.status)).all())


def many(page: Any, verb: str, reason: str = "") -> None:
    """All that fit, and what is to become of them."""
    settled(page)
    page.keyboard.press("x")
    row = page.locator(".st-key-bulk")
    row.wait_for()
    row.get_by_role("radio", name="All that fit").click()
    row.get_by_role("radio", name=verb).or_(row.get_by_role("button", name=verb, exact=True)).first.click()
    if reason:
        row.get_by_role("combobox").click()
        page.get_by_role("option", name=reason).click()


def test_a_hundred_are_decided_by_keyboard_alone(site: Site) -> None:
    ids = site.city.queued(100)
    page = site.open()
    for at, (one, then) in enumerate(zip(ids, [*ids[1:], 0], strict=True)):
        waits_for(page, one)
        if at % 10 == 3 and then:
            page.keyboard.press("j")
            waits_for(page, then)
            page.keyboard.press("k")
            waits_for(page, one)
        page.keyboard.press("a2p5"[at % 4])
    page.get_by_text("Nothing waits").wait_for()
    assert [site.city.status(one) for one in ids] == [DONE["a2p5"[at % 4]] for at in range(100)]
    assert {len(site.city.decisions(one)) for one in ids} == {1}
    assert (site.complaints, site.strays) == ([], [])


def test_ten_fast_presses_decide_only_what_was_on_the_screen(site: Site) -> None:
    ids = site.city.queued(15)
    page = site.open()
    waits_for(page, ids[0])
    page.evaluate(
        """() => { window.seen = new Set(); new MutationObserver(() => {
            for (const e of document.querySelectorAll('[class*=st-key-card_]'))
                window.seen.add(Number(/st-key-card_(\\d+)/.exec(e.className)[1]));
        }).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['class']}) }"""
    )
    for _ in range(10):
        page.keyboard.press("a")
        page.wait_for_timeout(90)
    page.wait_for_timeout(3000)
    decided = [one for one in ids if site.city.decisions(one)]
    assert decided == ids[: len(decided)] != []
    assert set(decided) <= {ids[0], *page.evaluate("[...window.seen]")}


def test_a_storm_is_dismissed_by_one_button_and_comes_back_by_one_key(site: Site) -> None:
    storm = site.city.queued(320, "flood {}", type_code="flooding")
    kept = site.city.queued(3)
    page = site.open(f"?type=flooding&id={storm[0]}")
    waits_for(page, storm[0])
    many(page, "Dismiss", "News, ad")
    page.get_by_text("320 suspects will be dismissed.").wait_for()
    settled(page)
    page.get_by_role("heading", level=1).click()  # out of the field, where letters are text
    page.keyboard.press("a")  # no key decides a single one meanwhile
    page.keyboard.press("1")
    page.wait_for_timeout(1500)
    assert standing(site) == {"waiting": 323}
    page.get_by_role("button", name="Dismiss 320 as News, ad").click()
    page.get_by_text("320 dismissed as News, ad").wait_for()
    settled(page)
    assert standing(site) == {"waiting": 3, "dismissed": 320}
    page.keyboard.press("u")
    page.get_by_text("320 put back").wait_for()
    assert standing(site) == {"waiting": 323}
    assert not site.city.decisions(kept[0])
    assert (site.complaints, site.strays) == ([], [])


def test_rows_are_ticked_in_the_table_and_accepting_them_is_asked_twice(site: Site) -> None:
    ids = site.city.queued(6)
    page = site.open()
    waits_for(page, ids[0])
    page.keyboard.press("x")
    grid, row = page.locator("[data-testid=stDataFrame]"), page.locator(".st-key-bulk")
    row.wait_for()
    for at in (1, 3):
        settled(page)
        grid.click(position={"x": 16, "y": 35 + 57 * at + 28})
        row.get_by_text(f"{(at + 1) // 2} ticked").wait_for()
    page.get_by_text("Accept", exact=True).first.click()
    page.get_by_role("button", name="Accept 2 …").click()
    page.get_by_role("button", name="Yes, accept 2").click()
    page.get_by_text("2 accepted").wait_for()
    assert [site.city.status(one) for one in ids] == ["waiting", "accepted"] * 2 + ["waiting"] * 2
    settled(page)
    page.keyboard.press("u")
    page.get_by_text("2 put back").wait_for()
    assert standing(site) == {"waiting": 6}
    assert (site.complaints, site.strays) == ([], [])


def test_a_link_opens_the_same_list_in_another_browser(site: Site) -> None:
    site.city.queued(2, "spray {}", type_code="graffiti", place="Elm Street")
    wanted = site.city.queued(3, "tag {}", type_code="graffiti", people=2)
    site.city.queued(3)
    page = site.open(f"?type=graffiti&district=-&sort=people&id={wanted[1]}")
    waits_for(page, wanted[1])
    other = site.open(page.url.removeprefix(site.url).lstrip("/"))
    waits_for(other, wanted[1])
    assert other.url == page.url
    other.get_by_text("Most people first · 2 filters").wait_for()
    other.keyboard.press("k")
    waits_for(other, wanted[0])
    assert f"id={wanted[0]}" in other.url


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_nothing_bars_those_who_use_it_otherwise(site: Site, look: dict[str, bool]) -> None:
    """axe: WCAG 2.0 to 2.2, A and AA, and its best practice; and nothing is wider than the window."""
    from axe_playwright_python.sync_playwright import Axe

    site.city.queued(60)
    with site.city.database.writing() as session:
        a_suspect(session, "Smell of gas", type_code="gas", urgent=1, urgent_why="gas")
    page = site.open("?lang=en&age=week&sort=oldest", **look)
    for step in ("list", "filters", "ticking", "asking"):
        if step == "filters":
            page.get_by_test_id("stPopoverButton").first.click()
            page.get_by_text("Urgent posts pass every filter.").wait_for()
        if step == "ticking":
            page.keyboard.press("Escape")
            settled(page)
            page.get_by_role("button", name="Tick several").click()
            page.locator(".st-key-bulk").wait_for()
        if step == "asking":
            page.get_by_role("radio", name="All that fit").click()
            page.locator(".st-key-bulk").get_by_text("Accept", exact=True).click()
            page.get_by_role("button", name="Accept 60 …").wait_for()
        settled(page)
        assert [found["id"] for found in Axe().run(page).response["violations"]] == [], step
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), step
