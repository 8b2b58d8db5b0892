"""Posts that people bring, under a real hand: one by keyboard alone, while no key of the page behind the dialog does
anything, and a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.pages.browser import Site, settled, waits_for
from tests.pages.test_upload import EXPORT

pytestmark = pytest.mark.browser
STINKS = "it stinks of rotten eggs at number 12, please come and look"


def opened(page: Any) -> Any:
    """The dialog, by its key; the first field has the focus."""
    page.keyboard.press("Shift+N")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    settled(page)
    return dialog


@pytest.mark.long
def test_a_post_is_added_and_accepted_by_keyboard(site: Site) -> None:
    (first,) = site.city.arrive("pothole on Birch Street")
    page = site.open()
    waits_for(page, first)
    dialog = opened(page)
    page.keyboard.type("jump ")  # each of these letters is a key of the page, or of its types
    page.keyboard.insert_text("over a big pothole on Quarry Road")
    dialog.get_by_text("Meets the rule").wait_for()
    for name in ("Link", "Came from", "Type", "Place"):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.ariaLabel").startswith(name)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    page.get_by_text("Added Pothole, Quarry Road").wait_for()
    (added,) = [one for one in range(first + 1, first + 3) if page.locator(f".st-key-accept_{one}").count()]
    waits_for(page, added)
    page.keyboard.press("a")
    waits_for(page, first)
    assert site.city.decisions(added) == [("accept", "")]
    assert site.city.decisions(first) == []
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_no_letter_reaches_the_page_behind_and_what_was_typed_is_kept(site: Site) -> None:
    first, _ = site.city.arrive("pothole on Birch Street", "pothole on Pine Street")[::-1]
    page = site.open()
    waits_for(page, first)
    dialog = opened(page)
    page.keyboard.insert_text(STINKS)
    dialog.get_by_text("No rule meets it").wait_for()
    dialog.get_by_role("button", name="Add", exact=True).focus()
    for letter in "a1jpt":
        page.keyboard.press(letter)
        page.wait_for_timeout(100)
    assert dialog.is_visible()
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    waits_for(page, first)
    assert site.city.decisions(first) == []
    opened(page)
    assert page.get_by_label("What was written or said").input_value() == STINKS


@pytest.mark.long
def test_two_clicks_add_one(site: Site) -> None:
    (first,) = site.city.arrive("pothole on Birch Street")
    page = site.open()
    waits_for(page, first)
    dialog = opened(page)
    page.keyboard.insert_text("a big pothole on Quarry Road")
    dialog.get_by_text("Meets the rule").wait_for()
    dialog.get_by_role("button", name="Add", exact=True).dblclick()
    page.get_by_text("Added Pothole, Quarry Road").wait_for()
    page.wait_for_timeout(1500)
    assert page.get_by_role("dialog").count() == 0
    assert page.get_by_text("All 2").count() == 1


@pytest.mark.long
def test_an_export_is_uploaded_and_waits_in_the_queue(site: Site, tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(EXPORT)
    page = site.open()
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("button", name="Import a file").click()
    page.get_by_text("Take in a file").wait_for()
    page.locator("input[type=file]").set_input_files(tmp_path / "export.csv")
    page.get_by_role("button", name="Take in 3 rows").click()
    page.get_by_text("3 read, 1 met a rule, 1 new, 0 known, 1 row refused: line 3 no text").wait_for()
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("link", name="Queue").click()
    page.get_by_text("1 new, show").click()
    page.get_by_role("heading", name="Pothole").wait_for()
    page.get_by_text("@ann_example").wait_for()
    assert (site.complaints, site.strays) == ([], [])
