"""The history page under a real hand: a link pasted in the queue leads to it, and a sheet of paper holds all of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from connector import workflow
from connector.models import Note, Post, SourceState, Suspect, now
from tests.builders import a_post, a_suspect, added
from tests.pages.browser import Site, settled
from tests.pages.test_review import HOSTILE

pytestmark = pytest.mark.browser
ID = "1541815603606036480"
LINK = f"https://x.com/some_neighbour/status/{ID}"


def a_complaint(site: Site, text: str = "huge pothole on Quarry Road, told on X") -> int:
    """A suspect of a post from X, accepted."""
    with site.city.database.writing() as session:
        added(session, SourceState(name="birds", kind="x"))
        post = a_post(session, text, source="birds", source_id=ID, posted_at=now() - timedelta(hours=2))
        suspect = a_suspect(session, post=post)
    workflow.accept(site.city.database, site.city.config, suspect.id or 0, "Dana Ortiz")
    return suspect.id or 0


def paste(page: Any, field: str, text: str) -> None:
    box = page.get_by_label(field)
    box.fill(text)
    box.press("Enter")


@pytest.mark.long
def test_a_link_pasted_in_the_queue_leads_to_its_whole_history(site: Site) -> None:
    suspect = a_complaint(site)
    page = site.open()
    settled(page)
    paste(page, "Find in the queue", LINK)
    page.get_by_role("button", name="What happened to it?").click()
    page.get_by_role("heading", name="What happened to this complaint?").wait_for()
    page.get_by_text("huge pothole on Quarry Road, told on X").wait_for()
    page.get_by_text("Accepted as Pothole").wait_for()
    page.wait_for_url("**/history?find=post*")
    assert "some_neighbour" not in page.url
    page.get_by_role("link", name=f"Suspect {suspect} in the queue").click()
    page.get_by_role("heading", name="Queue").wait_for()
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_the_card_leads_to_the_history_of_what_it_shows(site: Site) -> None:
    (one,) = site.city.arrive("pothole on Quarry Road at Elm Street")
    page = site.open(f"?id={one}")
    page.get_by_role("link", name="History").click()
    page.get_by_text(f"Waits for a person as suspect {one}: Pothole").wait_for()
    page.wait_for_url(f"**/history?find=suspect*{one}")


@pytest.mark.long
def test_on_paper_stands_the_story_alone(site: Site) -> None:
    (one,) = site.city.arrive("pothole on Quarry Road")
    with site.city.database.writing() as session:
        suspect = session.get_one(Suspect, one)
        suspect.urgent, suspect.created_at = 1, now() - timedelta(hours=1)
    page = site.open(f"history?find=suspect+{one}")
    told = page.get_by_text("Received from sample")
    around = (
        page.get_by_text("nobody has opened"),
        page.get_by_label("Find a post"),
        page.get_by_role("link", name="Queue", exact=True),
    )
    for part in (told, *around):
        part.first.wait_for()
    page.emulate_media(media="print")
    assert told.first.is_visible()
    assert [part.first.is_visible() for part in around] == [False, False, False]


@pytest.mark.long
def test_one_story_after_another(site: Site) -> None:
    first, second = site.city.arrive("pothole on Quarry Road", "pothole on Birch Street at Pine Street, by the shop")
    page = site.open(f"history?find=suspect+{first}")
    page.get_by_text(f"as suspect {first}: Pothole").wait_for()
    paste(page, "Find a post", f"suspect {second}")
    page.get_by_text(f"as suspect {second}: Pothole").wait_for()
    page.wait_for_url(f"**find=suspect*{second}")
    page.reload()
    page.get_by_text(f"as suspect {second}: Pothole").wait_for()
    paste(page, "Find a post", "SC-000000")
    page.get_by_text("Nothing is stored under this.").wait_for()
    page.get_by_role("link", name="Queue").click()
    page.get_by_role("heading", name="Queue").wait_for()


@pytest.mark.long
def test_nothing_is_cut_off_on_paper(site: Site) -> None:
    suspect = a_complaint(site)
    with site.city.database.writing() as session:
        for number in range(100):
            session.add(Note(suspect_id=suspect, text=f"note {number} " + "and so on " * 12, by="Dana Ortiz"))
    page = site.open(f"history?find=suspect+{suspect}")
    page.get_by_text("note 99").wait_for()
    settled(page)
    paper = page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) >= 4
    page.emulate_media(media="print")
    cut = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter(e => e.querySelector("p[dir=auto]")
            && getComputedStyle(e).overflowY != "visible" && e.scrollHeight > e.clientHeight + 1).length"""
    )
    assert cut == 0


@pytest.mark.long
def test_hostile_words_stay_words(site: Site) -> None:
    for text in HOSTILE:
        (one,) = site.city.arrive(text)
        with site.city.database.writing() as session:
            session.add(Note(suspect_id=one, text=text, by="Dana Ortiz"))
        page = site.open(f"history?find=suspect+{one}")
        page.get_by_text("made by demo").wait_for()
        settled(page)
        said = page.locator("p[dir=auto]").all_inner_texts()
        assert sum("pothole" in words for words in said) >= 2
        assert page.locator("script:not([src]):has-text('alert'), img[src*='127.0.0.1:9'], iframe").count() == 0
    assert site.strays == []


@pytest.mark.long
@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_nothing_bars_those_who_use_it_otherwise(site: Site, look: dict[str, bool]) -> None:
    """axe: WCAG 2.0 to 2.2, A and AA, and its best practice."""
    from axe_playwright_python.sync_playwright import Axe

    suspect = a_complaint(site)
    with site.city.database.reading() as session:
        post = session.get_one(Post, session.get_one(Suspect, suspect).lead_post_id).id
    for path in ("history", f"history?find=suspect+{suspect}", f"history?find=post+{post}", "history?find=nothing"):
        page = site.open(path, **look)
        settled(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert [found["id"] for found in Axe().run(page).response["violations"]] == []
