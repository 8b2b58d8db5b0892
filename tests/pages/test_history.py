"""The history page by `AppTest`: how a post is found, what its story tells to whom, and what finding nothing means."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from connector import access, privacy, workflow
from connector.models import (
    AuditEntry,
    Decision,
    Dispatch,
    Gap,
    Note,
    Post,
    ReadCount,
    SourceState,
    Suspect,
    TicketEvent,
    now,
)
from tests.builders import a_dispatch, a_post, a_suspect, a_ticket, added
from tests.pages.browser import City
from tests.pages.test_review import HOSTILE, POTHOLE

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "navigation.py")


def shown(find: str = "") -> AppTest:
    """By the navigation, for the links to other pages."""
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.switch_page("history.py")
    if find:
        page.query_params["find"] = find
    return ran(page)


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def looked_for(page: AppTest, text: str) -> AppTest:
    page.text_input[0].set_value(text)
    return ran(page)


def read(page: AppTest) -> list[str]:
    """Every paragraph as a person reads it."""
    bodies = [part for one in page.get("html") for part in re.findall(r"<p.*?>(.*?)</p>", one.proto.body, re.S)]
    texts = [html.unescape(re.sub("<[^>]*>", "", body)) for body in bodies]
    return [*texts, *(one.value for one in page.text)]


def said(page: AppTest) -> str:
    return "\n".join(read(page))


def address(page: AppTest) -> Any:
    value = page.query_params.get("find", "")
    return value if isinstance(value, str) else value[0]


def the_post(city: City, suspect_id: int) -> Post:
    with city.database.reading() as session:
        return session.get_one(Post, session.get_one(Suspect, suspect_id).lead_post_id)


def a_bird(city: City, **values: Any) -> None:
    with city.database.writing() as session:
        added(session, SourceState(name="birds", kind="x", **values))


# -- the way of a post ---------------------------------------------------------------------------------------------


def test_the_whole_way_of_a_post_is_told_in_order(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    reference = workflow.accept(city.database, city.config, one, "Dana Ortiz")
    with city.database.writing() as session:
        sent = session.exec(select(Dispatch)).one()
        a_ticket(session, sent, number="PA-26-000123")
        session.add(TicketEvent(dispatch_id=sent.id, what="Sent: PA-26-000123"))
        session.add(Note(suspect_id=one, text="seen it myself", by="Ben Kowalski"))
    page = shown(reference)
    story = said(page)
    steps = [
        "Written (Sample)", "Received from sample, 5 min after it was written", "Met the rule “Pothole: street words”",
        f"Waits for a person as suspect {one}: Pothole", "Accepted as Pothole  Dana Ortiz",
        f"goes to desk as {reference}", "Sent: PA-26-000123", "Note: seen it myself  Ben Kowalski",
    ]  # fmt: skip
    places = [story.find(step) for step in steps]
    assert -1 not in places
    assert places == sorted(places)
    assert read(page)[0] == "Pothole was accepted by Dana Ortiz. Ticket PA-26-000123 is open."


@pytest.mark.parametrize("how", ["reference", "number", "their id", "suspect", "bare id"])
def test_it_is_found_by_anything_and_the_address_leads_back_to_it(city: City, how: str) -> None:
    city.arrive("another pothole, far away on Birch Street")
    (one,) = city.arrive(POTHOLE)
    reference = workflow.accept(city.database, city.config, one, "Dana Ortiz")
    with city.database.writing() as session:
        a_ticket(session, session.exec(select(Dispatch)).one(), number="PA-26-000123")
    asked = {
        "reference": reference.lower(), "number": "PA-26-000123", "their id": the_post(city, one).source_id,
        "suspect": f"suspect {one}", "bare id": str(one),
    }  # fmt: skip
    page = looked_for(shown(), asked[how])
    assert POTHOLE in said(page)
    again = shown(address(page))
    assert POTHOLE in said(again)


def test_what_was_decided_taken_back_and_decided_by_one_key_is_told(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    workflow.dismiss(city.database, one, "news_ad", "Dana Ortiz")
    workflow.undo(city.database, one, "Ben Kowalski")
    workflow.retype(city.database, city.config, one, "graffiti", "Ben Kowalski")
    with city.database.writing() as session:
        session.add(Decision(suspect_id=one, kind="park", by="Lucía Prado", batch="b1", at=now() + timedelta(hours=1)))
        session.add(Decision(suspect_id=one, kind="refused", reason="No such type", at=now() + timedelta(hours=2)))
    story = said(shown(f"suspect {one}"))
    for line in (
        "Dismissed: News, ad  Dana Ortiz", "Taken back  Ben Kowalski", "Type changed to Graffiti  Ben Kowalski",
        "Parked, among many decided by one key  Lucía Prado", "the other side refused it: No such type",
    ):  # fmt: skip
        assert line in story


def test_a_merge_a_split_and_a_second_request_are_told_where_the_post_went(city: City) -> None:
    first, second = city.arrive(POTHOLE, "pothole on Birch Street at Pine Street swallowed a scooter")
    workflow.merge(city.database, first, second, "Dana Ortiz")
    story = said(shown(f"suspect {first}"))
    assert f"Merged into suspect {second} (suspect {first})  Dana Ortiz" in story
    assert f"Put into suspect {second} by hand  Dana Ortiz" in story
    assert f"Waits for a person as suspect {first}: Pothole" in story
    new = workflow.split(city.database, second, [the_post(city, first).id or 0], "Ben Kowalski")
    story = said(shown(f"suspect {new}"))
    assert f"Split off into suspect {new} (suspect {second})  Ben Kowalski" in story
    story = said(shown(f"suspect {second}"))
    assert f"Other posts were split off into suspect {new}  Ben Kowalski" in story
    assert f"Suspect {first} was merged into this one  Dana Ortiz" in story
    also = workflow.also_file(city.database, second, "graffiti", "Dana Ortiz")
    assert f"Also filed as Graffiti, suspect {also}" in said(shown(f"suspect {second}"))


def test_an_edit_is_told_with_what_it_said_before(city: City) -> None:
    edits = [{"id": "1", "text": "first wording", "at": (now() - timedelta(hours=2)).isoformat()}]
    with city.database.writing() as session:
        post = a_post(session, POTHOLE, edits=edits, edited_at=now() - timedelta(hours=1))
        a_suspect(session, post=post)
    assert "Edited by its author; before, it said: first wording" in said(shown(f"post {post.id}"))


def test_of_a_deleted_post_no_word_is_left_and_the_page_says_so(city: City) -> None:
    (one,) = city.arrive("pothole with a secretword in it")
    with city.database.writing() as session:
        post = the_post(city, one)
        privacy.erase(session, post.source, [post.source_id], "deleted upstream")
    story = said(shown(f"suspect {one}"))
    assert "It is gone at its source, and its text was erased here." in story
    assert "text, author, words and place were erased here" in story
    assert "Withdrawn" in story
    assert "secretword" not in story


def test_a_failed_delivery_tells_its_tries_and_the_last_error(city: City) -> None:
    with city.database.writing() as session:
        suspect = a_suspect(session, POTHOLE, status="accepted", decided_by="Dana Ortiz", decided_at=now())
        a_dispatch(
            session, suspect, status="exhausted", attempts=8, last_error="The desk does not answer", due_at=now()
        )
    assert "not delivered after 8 tries: The desk does not answer" in said(shown(f"suspect {suspect.id}"))


def test_an_alarm_is_told_with_who_acknowledged_it(city: City) -> None:
    at = now()
    alarm = {"alarmed_at": at, "acknowledged_at": at, "acknowledged_by": "Ben Kowalski", "opened_at": at}
    with city.database.writing() as session:
        suspect = a_suspect(session, POTHOLE, urgent=1, opened_by="Dana Ortiz", **alarm)
    story = said(shown(f"suspect {suspect.id}"))
    assert "Urgent and unopened: on call was told" in story
    assert "The alarm was acknowledged  Ben Kowalski" in story
    assert "Opened for the first time  Dana Ortiz" in story


def test_others_who_tell_of_it_lead_to_their_own_story(city: City) -> None:
    first, second = city.arrive(POTHOLE, "pothole on Birch Street at Pine Street swallowed a scooter")
    workflow.merge(city.database, first, second, "Dana Ortiz")
    assert "swallowed a scooter" in said(shown(f"post {the_post(city, first).id}"))


def test_several_that_fit_are_offered(city: City) -> None:
    a_bird(city)
    with city.database.writing() as session:
        for source, text in (("sample", "the one"), ("birds", "the other")):
            a_post(session, text, source=source, source_id="4711-x")
    page = shown("4711-x")
    assert "2 posts fit:" in said(page)
    page.button[-1].click()
    page = ran(page)
    assert address(page).startswith("post ")
    page = shown("4711-x")
    assert {"the one", "the other"} <= {line.split("  ")[1] for line in read(page) if "  " in line}


def test_hostile_words_stay_words(city: City) -> None:
    for text in HOSTILE:
        (one,) = city.arrive(text)
        with city.database.writing() as session:
            session.add(Note(suspect_id=one, text=text, by=text))
        page = shown(f"suspect {one}")
        assert text in said(page)
        markdown = "\n".join(part.value for part in page.markdown)
        assert "evil" not in markdown
        assert "alert" not in markdown
        for part in [one for one in page.get("html") if "keys.js" not in one.proto.body]:
            assert set(re.findall(r"<(\w+)", part.proto.body)) <= {"p", "span", "mark"}


# -- names ---------------------------------------------------------------------------------------------------------


def test_a_name_is_shown_to_whoever_may_see_it_and_the_sight_is_written_down(city: City) -> None:
    (one,) = city.arrive("pothole here, tell @secret_neighbour", handle="secret_author")
    story = said(shown(f"suspect {one}"))
    assert "@secret_author" in story
    assert "tell @secret_neighbour" in story
    with city.database.reading() as session:
        assert [(entry.what, entry.suspect_id) for entry in session.exec(select(AuditEntry))][-1] == (access.SEEN, one)
    assert "Author's name seen  demo" in said(shown(f"suspect {one}"))


def test_who_may_not_see_names_gets_dots_and_no_audit(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = city.arrive("pothole here, tell @secret_neighbour", handle="secret_author")
    shown(f"suspect {one}")
    monkeypatch.setattr(access, "ROLES", {"administrator": access.ROLES["rule_editor"]})
    story = said(shown(f"suspect {one}"))
    assert "secret" not in story
    assert "tell @…" in story
    assert "name seen" not in story


# -- nothing -------------------------------------------------------------------------------------------------------

LINK = "https://x.com/secret_author/status/1541815603606036480"
WRITTEN = "28 Jun 2022, 09:07"


def test_a_pasted_link_with_a_handle_never_stands_in_the_address(city: City) -> None:
    a_bird(city)
    assert address(shown(LINK)) == ""
    with city.database.writing() as session:
        post = a_post(session, POTHOLE, source="birds", source_id="1541815603606036480")
    assert address(shown(LINK)) == f"post {post.id}"


def test_a_platform_that_nobody_reads_is_named(city: City) -> None:
    assert "No source of this city reads X." in said(shown(LINK))


def test_nothing_found_says_what_it_can_mean_and_what_the_source_did_then(city: City) -> None:
    a_bird(city)
    at = now().replace(year=2022, month=6, day=28, hour=16, minute=7)
    with city.database.writing() as session:
        gap = {"source": "birds", "why": "", "state": "lost", "cause": "disconnect"}
        added(session, Gap(from_at=at - timedelta(minutes=20), to_at=at + timedelta(minutes=20), **gap))
        for outcome, count in (("unmatched", 960), ("new", 40), ("deleted", 3)):
            added(session, ReadCount(source="birds", day=at.date(), outcome=outcome, count=count))
    story = said(shown(LINK))
    assert f"written {WRITTEN}" in story
    assert (
        "birds had a gap from 28 Jun 2022, 08:47 until 28 Jun 2022, 09:27 (connection lost); its posts cannot" in story
    )
    assert "On that day birds delivered 1,000 posts; 960 of them met no rule." in story


def test_without_a_gap_at_that_time_the_page_says_so(city: City) -> None:
    a_bird(city)
    assert "No gap is known around that time: birds." in said(shown(LINK))


def test_an_unknown_reference_says_so_without_guessing(city: City) -> None:
    story = said(shown("SC-000000"))
    assert "No suspect, ticket, reference or post has this id." in story
    assert "met no rule" not in story


def test_a_post_that_is_kept_without_a_suspect_says_why(city: City) -> None:
    with city.database.writing() as session:
        post = a_post(session, POTHOLE)
    assert "met no rule, so it never waited for a person" in said(shown(f"post {post.id}"))


def test_an_empty_field_explains_itself(city: City) -> None:
    page = looked_for(looked_for(shown(), "suspect 1"), "  ")
    assert any("Paste the link of a post" in part.value for part in page.markdown)
    assert address(page) == ""
