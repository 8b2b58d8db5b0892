"""The Practice page under a real hand: cards by keyboard alone, on a phone, and for those who use it otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from connector import practice
from connector.practice import Answer
from tests.pages.browser import Site, settled

pytestmark = pytest.mark.browser
GAME = practice.load()
KEYS = {"no_problem": "1", "elsewhere": "2", "joke": "3", "news_ad": "4", "fixed": "5"}


def waits_for(page: Any, key: str) -> None:
    """Until this button is painted: an earlier key is lost."""
    page.locator(f".st-key-{key} button").first.wait_for()
    settled(page)


@pytest.mark.long
def test_cards_are_decided_by_keyboard_alone(site: Site) -> None:
    order = GAME.deal("demo")
    retyped = next(
        at for at, id_ in enumerate(order) if GAME.cards[id_].given.accept not in ("", GAME.cards[id_].proposed)
    )
    page = site.open("practice")
    for at, id_ in enumerate(order[: retyped + 1]):
        card = GAME.cards[id_]
        waits_for(page, f"accept_{id_}")
        if at == retyped:
            page.keyboard.press("t")
            title = GAME.types[card.given.accept].title
            button = page.locator(f".st-key-as_{card.given.accept}_{id_} button")
            button.wait_for()
            settled(page)
            page.keyboard.press(button.inner_text().split()[-1].lower())
            page.get_by_role("heading", name=title, exact=True).wait_for()
            waits_for(page, f"accept_{id_}")
        page.keyboard.press(KEYS[card.given.dismiss] if card.given.dismiss else "a")
        page.locator(f".st-key-verdict_{id_}").get_by_text("Right").wait_for()
        waits_for(page, f"next_{id_}")
        page.keyboard.press("j")
    page.get_by_text(f"{retyped + 1} of {retyped + 1} right").wait_for()
    assert site.strays == []


@pytest.mark.long
def test_mashing_a_key_decides_one_card(site: Site) -> None:
    first = GAME.deal("demo")[0]
    page = site.open("practice")
    waits_for(page, f"accept_{first}")
    for _ in range(5):
        page.keyboard.press("a")
        page.wait_for_timeout(200)
    waits_for(page, f"next_{first}")
    page.get_by_text("Card 1 of 40").wait_for()


@pytest.mark.long
def test_it_works_on_a_phone(site: Site) -> None:
    first = GAME.deal("demo")[0]
    page = site.open("practice", phone=True)
    waits_for(page, f"accept_{first}")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Dismiss").click()
    page.get_by_text("Elsewhere", exact=True).click()
    page.get_by_text("You: dismiss as Elsewhere").wait_for()
    waits_for(page, f"next_{first}")
    assert GAME.cards[first].given != Answer(dismiss="elsewhere")


@pytest.mark.long
@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_nothing_bars_those_who_use_it_otherwise(site: Site, look: dict[str, bool]) -> None:
    """axe: WCAG 2.0 to 2.2, A and AA, and its best practice."""
    from axe_playwright_python.sync_playwright import Axe

    first = GAME.deal("demo")[0]
    page = site.open("practice", **look)
    waits_for(page, f"accept_{first}")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
    page.get_by_role("button", name="Accept").click()
    waits_for(page, f"next_{first}")
    assert [found["id"] for found in Axe().run(page).response["violations"]] == []
