"""The card under a real hand: dialogs by key, drafts over F5, colleagues, narrow windows, and who uses it otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from connector import workflow
from connector.grouping import regroup
from connector.models import Dispatch, Draft, Note, Post, Suspect, SuspectPost, now
from tests.builders import a_dispatch, a_post, a_suspect, a_ticket
from tests.pages.browser import Site, settled, until, waits_for
from tests.pages.test_review_browser import potholes

pytestmark = pytest.mark.browser
DIALOGS = {"l": "Where is it?", "m": "Merge into", "n": "Note for colleagues", "g": "Give it to", "h": "Keys"}


def dialog(page: Any, title: str) -> Any:
    found = page.get_by_role("dialog").filter(has_text=title)
    found.wait_for()
    return found


def writing_in(page: Any, title: str) -> Any:
    """The dialog's first field, once it has the focus."""
    field = dialog(page, title).get_by_role("textbox")
    page.locator("[role=dialog] :is(input, textarea):focus").wait_for()
    return field


def guarded(page: Any) -> None:
    """Until `web.keys`, which comes last, is there."""
    while not page.evaluate("window.connectorOpens && window.connectorSees"):
        page.wait_for_timeout(200)
    settled(page)


def closed(page: Any) -> None:
    page.get_by_role("dialog").wait_for(state="detached")
    settled(page)


def kept(site: Site) -> dict[str, Any]:
    """What the one draft holds."""
    with site.city.database.reading() as session:
        return next((draft.content or {} for draft in session.exec(select(Draft))), {})


def of_several(site: Site) -> tuple[int, int]:
    """A suspect with everything a card can hold, and the id of its second post."""
    (one,) = site.city.arrive("huge pothole on Quarry Road, my tire is gone, call me at 206-555-0142")
    workflow.note(site.city.database, one, "The crew was there on Monday", "Ana")
    with site.city.database.writing() as session:
        suspect = session.get_one(Suspect, one)
        lead = session.get_one(Post, suspect.lead_post_id)
        lead.conversation_id = "talk"
        a_post(session, "is it still there?", conversation_id="talk", posted_at=now() - timedelta(hours=1))
        other = a_post(session, "hit the quarry rd hole, rim is toast")
        session.add(SuspectPost(suspect_id=one, post_id=other.id))
        suspect.people, suspect.posts, suspect.urgent, suspect.urgent_why = 2, 2, 1, "hole"
        return one, other.id


@pytest.mark.long
def test_what_is_typed_after_a_dialogs_key_decides_nothing(site: Site) -> None:
    first, *_ = potholes(site, 3)
    page = site.open()
    waits_for(page, first)
    guarded(page)
    for letter, title in DIALOGS.items():
        page.keyboard.press(letter)
        page.keyboard.type("a1p2t3j")  # before the dialog can be there
        dialog(page, title)
        page.wait_for_timeout(500)
        page.keyboard.type("a1p2")
        page.keyboard.press("Escape")
        closed(page)
        waits_for(page, first)
    assert site.city.decisions(first) == []
    page.keyboard.press("a")
    page.get_by_text("Accepted Pothole").wait_for()
    assert site.city.decisions(first) == [("accept", "")]
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
@pytest.mark.parametrize("by", ["key", "click"])
def test_a_dialog_that_was_opened_and_closed_swallows_no_later_key(site: Site, by: str) -> None:
    first, *_ = potholes(site, 2)
    page = site.open()
    waits_for(page, first)
    guarded(page)
    page.keyboard.press("m")
    writing_in(page, DIALOGS["m"]).fill("some street")
    if by == "key":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("button", name="Close").click()
    closed(page)
    # As it is when a part of the page renews itself just then.
    page.evaluate("document.querySelector('[data-testid=stApp]').dataset.testScriptState = 'running'")
    page.keyboard.press("n")
    assert dialog(page, DIALOGS["n"]).is_visible()


@pytest.mark.long
def test_a_note_and_a_description_outlive_f5(site: Site) -> None:
    (one,) = site.city.arrive("pothole on Birch Street")
    page = site.open()
    waits_for(page, one)
    page.keyboard.press("n")
    writing_in(page, "Note for colleagues")
    page.keyboard.type("call the crew")
    until(lambda: kept(site).get("note") == "call the crew")  # a rest hands it over; nobody saved it
    page.reload()
    waits_for(page, one)
    page.get_by_text("What Accept sends").click()
    page.get_by_label("Description").click()
    page.keyboard.type("By the bus stop: ")
    until(lambda: "By the bus stop:" in str(kept(site)))
    page.reload()
    waits_for(page, one)
    assert "By the bus stop:" in page.get_by_label("Description").input_value()
    page.keyboard.press("n")
    box = writing_in(page, "Note for colleagues")
    assert box.input_value() == "call the crew"
    page.get_by_role("button", name="Save note").click()
    closed(page)
    page.locator(".st-key-pane").get_by_text("call the crew").wait_for()
    with site.city.database.reading() as session:
        assert [note.text for note in session.exec(select(Note))] == ["call the crew"]
    assert "note" not in kept(site)
    assert site.complaints == []


@pytest.mark.long
def test_a_text_that_is_emptied_and_written_anew_keeps_the_hand_in_its_field(site: Site) -> None:
    one, _ = potholes(site, 2)
    page = site.open()
    waits_for(page, one)
    page.get_by_text("What Accept sends").click()
    for text in ("Tree", "A big tree 3"):
        page.get_by_label("Description").click()
        page.keyboard.press("Control+a")
        page.keyboard.press("Delete")
        page.wait_for_timeout(1500)  # a rest hands over that nothing stands there
        page.keyboard.type(text, delay=30)
        page.wait_for_timeout(1500)
    assert page.get_by_label("Description").input_value() == "A big tree 3"
    assert kept(site) == {"text": "A big tree 3"}
    assert site.city.decisions(one) == []


AT_ONCE = """keys => {
    for (const key of keys)
        for (const kind of ["keydown", "keyup"])
            document.body.dispatchEvent(new KeyboardEvent(kind, {key, code: `Key${key.toUpperCase()}`, bubbles: true}))
}"""


@pytest.mark.long
def test_a_letter_hit_too_early_after_t_does_nothing(site: Site) -> None:
    (one,) = site.city.arrive("pothole season is the only season")
    page = site.open()
    waits_for(page, one)
    for letter in "wx":
        # At once, however busy this computer: the types are not there yet; W asks where and parks, X ticks several.
        page.evaluate(AT_ONCE, ["t", letter])
        page.get_by_text("Type instead").wait_for()
        settled(page)
        page.keyboard.press("Escape")
        waits_for(page, one)
        settled(page)
    assert site.city.decisions(one) == []
    assert page.locator("[class*=st-key-bulk_]").count() == 0


@pytest.mark.long
@pytest.mark.parametrize("phone", [False, True], ids=["desktop", "phone"])
def test_each_card_begins_at_its_top(site: Site, phone: bool) -> None:
    long = "pothole number {} on Birch Street. " + "It has been there for weeks and nobody comes. " * 25
    first, second, third = site.city.queued(3, long)
    page = site.open(phone=phone)
    waits_for(page, first)
    top = page.locator(".st-key-pane").get_by_role("heading", name="Pothole")
    belongs = page.get_by_text("Belongs here:")
    belongs.scroll_into_view_if_needed()
    assert top.bounding_box()["y"] < 0 or not phone
    page.get_by_role("button", name="Accept").click()
    waits_for(page, second)
    settled(page)
    until(lambda: in_view(page, top))
    assert [site.city.status(one) for one in (first, second, third)] == ["accepted", "waiting", "waiting"]


def in_view(page: Any, what: Any) -> bool:
    """Whether it stands in the window and in the frame that scrolls it."""
    box, frame = what.bounding_box(), page.locator(".st-key-pane").bounding_box()
    return bool(box and frame and box["y"] >= max(0, frame["y"]))


@pytest.mark.long
def test_one_key_puts_a_post_to_the_open_ticket_on_the_same_and_files_none(site: Site) -> None:
    place = {"lat": 45.0, "lon": -122.0, "place": "Quarry Road"}
    with site.city.database.writing() as session:
        accepted = a_suspect(session, status="accepted", decided_at=now(), decided_by="demo", **place)
        regroup(session, accepted)
        ticket = a_ticket(session, a_dispatch(session, accepted)).number
        here, into = a_suspect(session, "the same hole again", **place).id, accepted.id
    (elsewhere,) = site.city.arrive("pothole on Birch Street")
    page = site.open(f"?id={elsewhere}")
    waits_for(page, elsewhere)
    page.keyboard.press("Shift+A")  # no ticket is named there: it is no Accept either
    page.keyboard.press("k")
    waits_for(page, here)
    page.locator(".st-key-pane").get_by_text(f"{ticket}, Quarry Road").wait_for()
    settled(page)
    page.keyboard.press("Shift+A")
    waits_for(page, elsewhere)
    page.get_by_text(f"to {ticket}").wait_for()
    assert site.city.decisions(elsewhere) == []
    assert (site.city.status(here), site.city.suspect(into).posts) == ("merged", 2)
    page.keyboard.press("u")
    waits_for(page, here)
    assert (site.city.status(here), site.city.suspect(into).posts) == ("waiting", 1)
    with site.city.database.reading() as session:
        assert len(session.exec(select(Dispatch)).all()) == 1
    assert site.complaints == []


@pytest.mark.long
def test_a_place_is_found_while_it_is_typed_and_what_is_typed_outlives_f5(site: Site) -> None:
    (one,) = site.city.arrive("pothole season is the only season")
    page = site.open()
    waits_for(page, one)
    page.keyboard.press("l")
    writing_in(page, "Where is it?")
    page.keyboard.type("harbor & 4")
    until(lambda: kept(site).get("place") == "harbor & 4")
    page.reload()  # as at the end of a shift: what was typed is still there
    waits_for(page, one)
    page.keyboard.press("l")
    assert writing_in(page, "Where is it?").input_value() == "harbor & 4"
    page.get_by_role("button", name="Harbor Street & 4th Avenue").click()
    closed(page)
    until(lambda: "place" not in kept(site))
    page.get_by_text("set by hand").wait_for()
    assert site.city.suspect(one).place == "Harbor Street & 4th Avenue"


@pytest.mark.long
def test_merge_split_and_also_file_and_their_undo(site: Site) -> None:
    one, other = of_several(site)
    (near,) = site.city.arrive("crater and pothole on Penhallow Street")
    page = site.open(f"?id={one}")
    waits_for(page, one)
    page.locator(f"[class*=st-key-split_{other}_] button").click()
    page.get_by_text("Split off Pothole").wait_for()
    waits_for(page, one)
    page.keyboard.press("u")
    page.locator(f"[class*=st-key-split_{other}_] button").wait_for()
    waits_for(page, one)
    page.keyboard.press("m")
    writing_in(page, "Merge into")
    page.keyboard.type(str(near))
    page.locator(f".st-key-merge_{one}_into_{near} button").click()
    waits_for(page, near)
    assert site.city.status(one) == "merged"
    page.keyboard.press("u")
    waits_for(page, one)
    assert site.city.status(one) == "waiting"
    page.get_by_role("button", name="More").click()
    page.get_by_text("Also file as another type").click()
    page.get_by_text("Also file as", exact=True).wait_for()
    settled(page)
    page.keyboard.press("g")
    page.get_by_text("Also filed Pothole").wait_for()
    waits_for(page, one)
    assert [kind for kind, _ in site.city.decisions(one)][-1] == "also"
    assert (site.complaints, site.strays) == ([], [])


@pytest.mark.long
def test_it_is_parked_until_a_day_and_given_to_me(site: Site) -> None:
    first, second = potholes(site, 2)
    page = site.open()
    waits_for(page, first)
    page.keyboard.press("g")
    dialog(page, "Give it to").get_by_role("button", name="Me").click()
    closed(page)
    assert site.city.suspect(first).assigned_to == "demo"
    page.get_by_role("button", name="More").click()
    page.get_by_text("Park until a date").click()
    dialog(page, "Park until").get_by_role("button", name="In a week").click()
    waits_for(page, second)
    assert site.city.suspect(first).parked_until is not None


@pytest.mark.long
def test_who_has_it_open_is_said_until_their_claim_runs_out(site: Site) -> None:
    first, second = potholes(site, 2)
    workflow.claim(site.city.database, first, "Ana")
    page = site.open(f"?id={first}")
    waits_for(page, first)
    page.get_by_text("Ana has it open").wait_for()
    with site.city.database.writing() as session:
        session.get_one(Suspect, first).claimed_until = now() - timedelta(seconds=1)
    page.get_by_text("Ana has it open").wait_for(state="detached", timeout=60_000)
    assert site.city.suspect(first).claimed_by == "demo"
    page.keyboard.press("j")
    waits_for(page, second)
    page.wait_for_timeout(500)
    assert (site.city.suspect(first).claimed_by, site.city.suspect(second).claimed_by) == ("", "demo")
    page.get_by_role("link", name="Tickets").click()
    page.get_by_role("heading", name="Tickets").wait_for()
    settled(page)
    assert site.city.suspect(second).claimed_by == ""


@pytest.mark.long
def test_in_a_narrow_window_the_card_is_in_view_when_a_key_decides(site: Site) -> None:
    first, second, *_ = potholes(site, 12)
    page = site.open()
    page.set_viewport_size({"width": 500, "height": 700})
    waits_for(page, first)
    guarded(page)
    card, grid = page.locator(f".st-key-card_{first}"), page.locator("[data-testid=stDataFrame]")
    assert card.bounding_box()["y"] < grid.bounding_box()["y"]
    grid.evaluate("grid => grid.scrollIntoView()")
    page.wait_for_timeout(500)
    assert card.bounding_box()["y"] < -500
    page.keyboard.press("a")
    page.wait_for_timeout(2000)
    assert site.city.decisions(first) == []
    assert abs(card.bounding_box()["y"]) < 100
    page.keyboard.press("a")
    waits_for(page, second)
    assert site.city.decisions(first) == [("accept", "")]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.long
def test_a_phone_reaches_all_of_it(site: Site) -> None:
    first, second = potholes(site, 2)
    page = site.open(phone=True)
    waits_for(page, first)
    page.get_by_role("button", name="More").click()
    for label in ("Park", "Park until a date", "Change type", "Place", "Merge", "Note", "Assign", "Also file"):
        assert page.get_by_role("menuitem", name=label).count() + page.get_by_text(label, exact=True).count(), label
    page.get_by_text("Note", exact=True).last.click()
    box = dialog(page, "Note for colleagues").get_by_role("textbox")
    box.fill("seen from the truck")
    box.blur()
    settled(page)
    page.get_by_role("button", name="Save note").click()
    page.locator(".st-key-pane").get_by_text("seen from the truck").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert site.city.decisions(first) == site.city.decisions(second) == []


@pytest.mark.long
@pytest.mark.parametrize("look", [{}, {"dark": True}, {"phone": True}], ids=["light", "dark", "phone"])
def test_nothing_bars_those_who_use_it_otherwise(site: Site, look: dict[str, bool]) -> None:
    """axe: WCAG 2.0 to 2.2, A and AA, and its best practice; on a full card, one without a place, and in a dialog."""
    from axe_playwright_python.sync_playwright import Axe

    one, _ = of_several(site)
    (nowhere,) = site.city.arrive("graffiti is what this town is known for")
    workflow.claim(site.city.database, nowhere, "Ana")
    for suspect in (one, nowhere):
        page = site.open(f"?id={suspect}", **look)
        waits_for(page, suspect)
        assert [found["id"] for found in Axe().run(page).response["violations"]] == [], suspect
        assert page.get_by_role("status").count() <= 1
    if not look.get("phone"):
        page.keyboard.press("l")
        dialog(page, "Where is it?")
        settled(page)
        assert [found["id"] for found in Axe().run(page).response["violations"]] == []
