"""The Rules page under a real hand: a rule is checked as it is typed, tested, saved, and finds what comes next."""

from __future__ import annotations

from typing import Any

import pytest

from connector.models import RequestType, now
from connector.store import catalogue
from tests.builders import a_suspect
from tests.pages.browser import Site, settled
from tests.pages.test_rules import rule_named, stored

pytestmark = pytest.mark.browser
NAME = "Pothole: street words"


def opened(site: Site, name: str = NAME, **how: bool) -> Any:
    """The page of a rule by its link; what is complained of until then is Streamlit's probing for paths below it."""
    page = site.open(**how)
    page.goto(f"{site.url}/rules?rule={rule_named(site.city, name)}")
    page.get_by_label("Expression, in X's rule syntax").wait_for()
    settled(page)
    site.complaints.clear()
    return page


def types(page: Any, text: str) -> None:
    """At the end of the wording, like a hand; nobody presses Ctrl+Enter or leaves the field."""
    page.get_by_label("Expression, in X's rule syntax").click()
    page.keyboard.press("Control+End")
    page.keyboard.type(text, delay=30)


@pytest.mark.long
def test_a_wrong_rule_is_mended_tested_saved_and_finds_a_suspect(site: Site) -> None:
    with site.city.database.writing() as session:
        a_suspect(session, "a sinkhole has:images opened on Elm", status="accepted", decided_at=now())
    page = opened(site)
    wording = stored(site.city, rule_named(site.city, NAME)).expression
    types(page, " OR (sinkhole AND elm)")
    page.get_by_text("AND is not written").wait_for()
    line, caret = page.locator("[data-testid=stCode]").first.inner_text().splitlines()[:2]
    assert line[caret.index("^") :].startswith("AND")
    assert page.get_by_role("button", name="Save version 2").is_disabled()
    settled(page)
    page.get_by_role("button", name="Take it out").click()
    page.get_by_text("Reads well ·").wait_for()
    settled(page)
    page.get_by_text("Test on the past", exact=True).click()
    page.get_by_text("Newly caught 1").wait_for()
    settled(page)
    page.get_by_role("button", name="Save version 2").click()
    page.get_by_text("Version 2 is saved").wait_for()
    saved = stored(site.city, rule_named(site.city, NAME))
    assert (saved.version, saved.expression.split()) == (2, [*wording.split(), "OR", "(sinkhole", "elm)"])
    (suspect,) = site.city.arrive("Another sinkhole on Elm St")
    page.get_by_role("link", name="Queue").click()
    page.locator(f".st-key-card_{suspect}").get_by_text("Another").first.wait_for()
    assert page.locator(f".st-key-card_{suspect} mark").first.inner_text() == "sinkhole"
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_a_mend_pressed_while_the_typing_has_not_rested_stays(site: Site) -> None:
    page = opened(site)
    types(page, " OR (sinkhole AND elm)")
    page.get_by_text("AND is not written").wait_for()
    settled(page)
    page.get_by_label("Expression, in X's rule syntax").press("x")
    page.get_by_role("button", name="Take it out").click()
    page.get_by_text("Reads well ·").wait_for()
    page.wait_for_timeout(1_500)  # the rest of the typing would have been sent by now, over the mended wording
    settled(page)
    assert page.get_by_text("Reads well ·").is_visible()
    assert " AND " not in page.get_by_label("Expression, in X's rule syntax").input_value()


@pytest.mark.long
def test_typing_on_while_the_page_is_drawn_loses_nothing(site: Site) -> None:
    page = opened(site)
    wording = stored(site.city, rule_named(site.city, NAME)).expression
    for word in (" -one", " -two", " -three"):
        types(page, word)
        page.wait_for_timeout(530)  # the rest has just begun to be looked at
        page.keyboard.type("x", delay=5)
    page.get_by_text(f"{len(wording) + 19:,} of 1,024 characters").wait_for()
    area = page.get_by_label("Expression, in X's rule syntax")
    assert area.input_value() == f"{wording} -onex -twox -threex"
    page.get_by_role("button", name="Drop changes").click()
    page.get_by_text(f"{len(wording):,} of 1,024 characters").wait_for()
    assert area.input_value() == wording


@pytest.mark.long
def test_hostile_wordings_stay_text_and_a_phone_does_not_overflow(site: Site) -> None:
    hostile = '**b** :red[x] ![i](http://127.0.0.1:9/x.png) <img src=x onerror="alert(1)">'
    site.city.arrive("graffiti", "graffiti again")  # the pages remember for a minute what they read up to this post
    with site.city.database.writing() as session:
        kind = session.get_one(RequestType, stored(site.city, rule_named(site.city, NAME)).request_type_id)
        a_suspect(session, f"pothole {hostile}", kind.code)
        catalogue.touch(session)
    page = opened(site, phone=True, dark=True)
    page.get_by_text("![i]").first.wait_for()
    types(page, f" {hostile} has:im")
    page.get_by_text("there is a photo").wait_for()
    assert page.locator("img[src*='127.0.0.1:9'], img[src=x]").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_text("Help", exact=True).click()
    page.get_by_label("Find an operator").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert (site.complaints, site.strays) == ([], [])
