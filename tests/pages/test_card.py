"""The card of the Queue by `AppTest`: what it tells in which words, and what its buttons and dialogs do."""

from __future__ import annotations

import html
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlmodel import select
from streamlit.testing.v1 import AppTest

from connector import access, media, screen, workflow
from connector.grouping import regroup
from connector.models import (
    AuditEntry,
    Decision,
    Dispatch,
    Draft,
    Note,
    Post,
    SourceState,
    Suspect,
    SuspectPost,
    User,
    now,
)
from tests.builders import a_dispatch, a_post, a_suspect, a_ticket, added
from tests.pages.browser import City
from tests.pages.test_review import bodies, chosen, drawn, press, shown

POTHOLE = "huge pothole on Quarry Road, my tire is gone"
PHONE = "206-555-0142"


def said(page: AppTest) -> str:
    """All that stands there, without our own tags."""
    return html.unescape(re.sub("<[^>]*>", "", drawn(page)))


def change(city: City, suspect_id: int, **values: Any) -> None:
    with city.database.writing() as session:
        suspect = session.get_one(Suspect, suspect_id)
        for name, value in values.items():
            setattr(suspect, name, value)
        session.add(suspect)


def rows(city: City, table: Any) -> list[Any]:
    with city.database.reading() as session:
        return list(session.exec(select(table)))


def with_posts(city: City, *texts: str) -> tuple[int, list[int]]:
    """A suspect of several posts, and the ids of the further ones."""
    with city.database.writing() as session:
        suspect = a_suspect(session, POTHOLE)
        posts = [a_post(session, text) for text in texts]
        session.add_all(SuspectPost(suspect_id=suspect.id, post_id=post.id) for post in posts)
        suspect.people = suspect.posts = 1 + len(texts)
        session.add(suspect)
        return suspect.id, [post.id for post in posts]


# -- what it tells -------------------------------------------------------------------------------------------------


def test_how_many_told_of_it_leads_the_card(city: City) -> None:
    one, _ = with_posts(city, "Quarry Road crater, my rim is toast", "that hole on quarry rd again")
    page = shown(id=str(one))
    facts = page.markdown[
        [m.value for m in page.markdown].index(next(m.value for m in page.markdown if "due" in m.value))
    ]
    assert facts.value.startswith("**3 people**, first ")
    assert "3 people" not in drawn(shown(id=str(one))).replace(facts.value, "")


def test_tickets_of_the_last_weeks_near_by_are_named_with_their_state(city: City) -> None:
    place = {"lat": 45.0, "lon": -122.0, "place": "Quarry Road"}
    with city.database.writing() as session:
        one = a_suspect(session, POTHOLE, **place)
        numbers = []
        for text, status in ((POTHOLE, "open"), ("the hole again", "closed")):
            accepted = a_suspect(session, text, status="accepted", decided_at=now(), decided_by="demo", **place)
            regroup(session, accepted)
            numbers.append(a_ticket(session, a_dispatch(session, accepted), status=status).number)
        a_ticket(session, number="PA-26-ELSEWHERE")
        id_ = one.id
    told = drawn(shown(id=str(id_)))
    assert "Similar tickets" in told
    assert all(f"{number}, Quarry Road, just now" in told for number in numbers)
    assert "ELSEWHERE" not in told
    page = shown(id=str(id_))
    assert [link.proto.query_string for link in page.get("page_link") if link.proto.label == "See ticket"] == [
        f"find={reference}" for reference in reversed([row.reference for row in rows(city, Dispatch)][:2])
    ]


def test_danger_stands_in_red_with_whom_to_call(city: City) -> None:
    (one,) = city.arrive("there is a strong smell of gas by the pothole on Quarry Road")
    change(city, one, urgent=1, urgent_why="gas")
    page = shown(id=str(one))
    line = next(m.value for m in page.markdown if m.value.startswith(":red[:material/call:"))
    assert "Smell of gas" in line
    assert screen.escaped(city.config.oncall.gas) in line
    assert re.search(r"<mark[^>]*220,60,60[^>]*>[^<]*gas", bodies(page)[0])
    change(city, one, urgent=0, urgent_why="")
    assert not [m for m in shown(id=str(one)).markdown if "material/call" in m.value]


def test_what_is_personal_is_marked_and_stays_out_of_the_ticket(city: City) -> None:
    (one,) = city.arrive(f"pothole on Quarry Road, call me at {PHONE}")
    page = shown()
    assert re.search(rf"<mark[^>]*user-select:none[^>]*>{PHONE}</mark>", bodies(page)[0])
    assert PHONE not in page.text_area[0].value
    press(page, f"accept_{one}")
    assert PHONE not in str([sent.content for sent in rows(city, Dispatch)])


def test_a_description_with_personal_data_is_warned_of(city: City) -> None:
    city.arrive(POTHOLE)
    page = shown()
    assert "better left out" not in drawn(page)
    page.text_area[0].set_value(f"Ask the caller, {PHONE}").run()
    assert "Holds a phone number: better left out" in drawn(page)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"place_sure": 0.95, "place_method": "address"}, "a house number · sure"),
        ({"place_sure": 0.7, "place_method": "street"}, "its middle · likely"),
        ({"place_sure": 0.4, "place_method": "street"}, "its middle · a guess"),
        ({"place_sure": None, "place_method": "by hand"}, "set by hand]"),
        ({"district": "", "lat": 1.0, "lon": 1.0}, "outside the city · "),
    ],
)
def test_the_place_comes_with_how_it_is_known(city: City, values: dict[str, Any], expected: str) -> None:
    (one,) = city.arrive(POTHOLE)
    change(city, one, **values)
    assert expected in drawn(shown())


def test_without_a_place_the_author_is_asked_in_their_language(city: City) -> None:
    (one,) = city.arrive("pothole season is the only season")
    change(city, one, language="es")
    page = shown()
    assert any("esquina" in text.value for text in page.text)
    press(page, f"ask_where_{one}")
    suspect = city.suspect(one)
    assert suspect.status == "parked"
    assert timedelta(days=2) < suspect.parked_until - now() < timedelta(days=4)
    assert "Parked Pothole" in said(page)


def test_the_thread_around_it_is_told_oldest_first(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    with city.database.writing() as session:
        lead = session.get_one(Post, city.suspect(one).lead_post_id)
        lead.conversation_id = "talk"
        session.add(lead)
        for text, hours, source in (("second one", 1, "sample"), ("first one", 2, "sample"), ("elsewhere", 3, "x")):
            a_post(session, text, conversation_id="talk", source=source, posted_at=now() - timedelta(hours=hours))
    told = said(shown())
    assert "Thread around it" in told
    assert told.index("first one") < told.index("second one")
    assert "elsewhere" not in told
    assert told.count(POTHOLE) == 1


def test_notes_tell_who_and_when(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    workflow.note(city.database, one, "the **crew** was there", "Dana Ortiz")
    assert re.search(r"Dana Ortiz, \d\d:\d\d  the \*\*crew\*\* was there", said(shown()))


# -- names ---------------------------------------------------------------------------------------------------------


def test_every_sight_of_a_name_is_written_down_once(city: City) -> None:
    second, first = city.arrive(POTHOLE, "pothole on Birch Street")
    page = shown()
    page.run()
    assert [(e.what, e.suspect_id, e.by) for e in rows(city, AuditEntry) if e.suspect_id] == [
        (access.SEEN, first, "demo")
    ]
    press(page, "step_next")
    assert [e.suspect_id for e in rows(city, AuditEntry) if e.what == access.SEEN] == [first, second]


def test_a_post_without_an_author_is_no_sight(city: City) -> None:
    city.queued(1)
    shown()
    assert not [e for e in rows(city, AuditEntry) if e.what == access.SEEN]


def test_who_may_not_see_names_sees_none_and_no_link(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = city.arrive("pothole here, tell @secret_neighbour", handle="secret_author")
    with city.database.writing() as session:
        post = session.get_one(Post, city.suspect(one).lead_post_id)
        post.entities = {"link": "https://example.org/post/1"}
        session.add(post)
    assert "https://example.org/post/1" in str(shown().get("link_button")[0].proto)
    monkeypatch.setattr(screen, "allowed", lambda right: right != screen.Right.NAMES)
    page = shown()
    assert "secret" not in drawn(page)
    assert "Nobody There" not in drawn(page)
    assert not page.get("link_button")


def test_who_may_only_look_finds_no_key_that_decides(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    (one,) = city.arrive(POTHOLE)
    monkeypatch.setattr(screen, "allowed", lambda right: right == screen.Right.QUEUE)
    page = shown()
    assert chosen(page) == one
    able = {b.key for b in page.button if not b.disabled}
    assert not {key for key in able if key and key.endswith(f"_{one}") and not key.startswith(("next", "prev"))}
    assert city.suspect(one).claimed_by == ""


# -- its posts -----------------------------------------------------------------------------------------------------


def test_one_click_splits_a_post_off_and_undo_brings_it_back(city: City) -> None:
    one, (other, stays) = with_posts(city, "a hole in front of the bakery", "hole on quarry rd")
    page = shown(id=str(one))
    version = city.suspect(one).version
    press(page, f"split_{other}_{one}_{version}")
    assert chosen(page) == one
    whose = {row.post_id: row.suspect_id for row in rows(city, SuspectPost)}
    assert whose[stays] == one != whose[other]
    assert "Split off" in said(page)
    press(page, f"undo_{one}")
    assert {row.suspect_id for row in rows(city, SuspectPost) if row.post_id == other} == {one}


def test_many_posts_are_shown_on_demand(city: City) -> None:
    one, others = with_posts(city, *(f"crater number {n}" for n in range(9)))
    page = shown(id=str(one))
    assert said(page).count("crater number") == 4
    press(page, f"show_all_posts_{one}")
    assert said(page).count("crater number") == len(others)


def test_photos_come_on_demand_and_leave_with_the_card(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fetching itself is tested over real HTTPS in `test_media.py`."""
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    asked: list[str] = []

    def fetch(url: str, allowed: Any) -> bytes:
        asked.append(url)
        if url.endswith("gone"):
            raise media.RefusedError("The photo cannot be had any more (404).")
        return out.getvalue()

    monkeypatch.setattr(media, "fetch", fetch)
    urls = [f"https://pbs.twimg.com/media/{name}" for name in ("a", "gone")] + ["https://evil.example/c"]
    with city.database.writing() as session:
        pictures = [{"kind": "photo", "url": url, "alt": "![x](y)"} for url in urls]
        added(session, SourceState(name="x", kind="x"))
        post = a_post(session, POTHOLE, source="x", media=pictures)
        one = a_suspect(session, POTHOLE, post=post).id
    page = shown(id=str(one))
    assert asked == []
    page.button(key=f"photos_{one}").click().run()
    assert asked == urls[:2]
    assert len(page.get("image")) == 1
    assert "cannot be had any more" in said(page)
    page.run()
    assert asked == urls[:2]


# -- what is typed -------------------------------------------------------------------------------------------------


def test_a_draft_outlives_the_session_and_the_undo_of_the_decision(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    shown().text_area[0].set_value("Deep, by the bus stop").run()
    assert [row.content for row in rows(city, Draft)] == [{"text": "Deep, by the bus stop"}]
    again = shown()
    assert again.text_area[0].value == "Deep, by the bus stop"
    press(again, f"accept_{one}")
    assert rows(city, Dispatch)[0].content["text"] == "Deep, by the bus stop"
    press(again, f"undo_{one}")
    assert again.text_area[0].value == "Deep, by the bus stop"


def test_a_text_that_was_emptied_is_not_sent_in_its_old_words(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown()
    page.text_area[0].set_value("").run()
    assert "Nothing stands here, so it cannot be accepted" in drawn(page)
    press(page, f"accept_{one}")
    assert "The ticket has no text" in drawn(page)
    assert (rows(city, Dispatch), city.status(one)) == ([], "waiting")
    page.text_area[0].set_value("Fill the hole").run()
    press(page, f"accept_{one}")
    assert rows(city, Dispatch)[0].content["text"] == "Fill the hole"


def test_a_text_that_was_emptied_stays_so_over_a_reload_and_in_a_bulk(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    shown().text_area[0].set_value("").run()
    (draft,) = rows(city, Draft)
    done = workflow.bulk(city.database, city.config, [one], "accept", draft.by)
    assert (done.done, rows(city, Dispatch)) == (0, [])
    page = shown()
    assert "Nothing stands here, so it cannot be accepted" in drawn(page)
    press(page, f"put_back_{one}")
    assert page.text_area[0].value == POTHOLE
    assert rows(city, Draft) == []


def test_one_undo_after_the_other_takes_back_what_this_session_decided(city: City) -> None:
    first, second = city.queued(2)
    page = shown(id=str(first))
    press(page, f"dismiss_joke_{first}")
    press(page, f"dismiss_fixed_{second}")
    press(page, f"undo_{second}")
    assert (city.status(first), city.status(second)) == ("dismissed", "waiting")
    press(page, f"undo_{first}")
    assert (city.status(first), city.status(second)) == ("waiting", "waiting")
    assert not [button.key for button in page.button if (button.key or "").startswith("undo_")]


def test_a_decision_is_taken_back_on_the_card_by_who_looks_it_up_again(city: City) -> None:
    first, second = city.queued(2)
    workflow.dismiss(city.database, first, "joke", "demo")
    workflow.accept(city.database, city.config, second, "demo")
    page = shown(id=str(first))
    press(page, next(button.key for button in page.button if button.label == "Take it back"))
    assert city.status(first) == "waiting"
    assert not [button for button in page.button if button.label == "Take it back"]
    with city.database.writing() as session:
        a_ticket(session, session.exec(select(Dispatch)).one(), number="PA-26-000001")
    page = shown(id=str(second))
    press(page, next(button.key for button in page.button if button.label == "Take it back"))
    assert "Already sent, ticket PA-26-000001" in drawn(page)
    assert city.status(second) == "accepted"


@pytest.mark.parametrize("typed", ["²", "9" * 30, "0", "abc"])
def test_what_is_no_number_of_a_suspect_finds_none_to_merge_into(city: City, typed: str) -> None:
    first, *_ = city.queued(2)
    page = press(shown(id=str(first)), "opens_m_merge")
    page.text_input(key=f"merge_{first}").set_value(typed).run()
    assert not page.exception
    assert "No suspect of this number waits." in drawn(page)
    page.text_input(key=f"merge_{first}").set_value(str(first)).run()
    assert "That is this one" in drawn(page)


def test_putting_the_own_words_back_drops_the_draft(city: City) -> None:
    city.arrive(POTHOLE)
    page = shown()
    before = page.text_area[0].value
    page.text_area[0].set_value("something else").run()
    page.text_area[0].set_value(before).run()
    assert rows(city, Draft) == []


def test_a_note_is_kept_while_it_is_written_and_saved_by_a_click(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = press(shown(), "opens_n_note")
    page.text_area(key=f"note_{one}").set_value("call the crew").run()
    assert [row.content for row in rows(city, Draft)] == [{"note": "call the crew"}]
    again = press(shown(), "opens_n_note")
    assert again.text_area(key=f"note_{one}").value == "call the crew"
    press(again, f"save_note_{one}")
    assert [(note.text, note.by) for note in rows(city, Note)] == [("call the crew", "demo")]
    assert rows(city, Draft) == []
    assert "call the crew" in said(again)


# -- dialogs -------------------------------------------------------------------------------------------------------


def test_a_place_is_searched_and_set_by_hand(city: City) -> None:
    (one,) = city.arrive("pothole season is the only season")
    page = press(shown(), "opens_l_place")
    page.text_input(key=f"place_{one}").set_value("harbor & 4").run()
    found = next(b for b in page.button if (b.key or "").startswith(f"place_{one}_0"))
    assert "Harbor Street & 4th Avenue" in found.label.replace("\\", "")
    press(page, found.key)
    suspect = city.suspect(one)
    assert (suspect.place, suspect.place_method) == ("Harbor Street & 4th Avenue", "by hand")
    assert suspect.district
    assert "set by hand" in said(page)
    assert chosen(page) == one


def test_nobody_knows_the_place(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = press(shown(), "opens_l_place")
    press(page, f"no_place_{one}")
    assert city.suspect(one).place == ""
    assert "a colleague found none" in said(page)


def test_merge_offers_what_is_near_and_takes_a_number(city: City) -> None:
    (far,) = city.arrive("pothole on Penhallow Street")
    with city.database.writing() as session:
        near = a_suspect(session, "crater on quarry road", place="Quarry Road", lat=0.0, lon=0.0).id
        one = a_suspect(session, POTHOLE, place="Quarry Road", lat=0.0, lon=0.001).id
    page = press(shown(id=str(one)), "opens_m_merge")
    assert f"merge_{one}_into_{near}" in {b.key for b in page.button}
    assert f"merge_{one}_into_{far}" not in {b.key for b in page.button}
    assert "111 m away" in said(page)
    page.text_input(key=f"merge_{one}").set_value(str(far)).run()
    press(page, f"merge_{one}_into_{far}")
    assert (city.status(one), chosen(page)) == ("merged", far)
    press(page, f"undo_{one}")
    assert (city.status(one), chosen(page)) == ("waiting", one)


def test_it_is_given_to_me_to_a_team_and_to_nobody(city: City) -> None:
    with city.database.writing() as session:
        added(session, User(login="dana", name="Dana Ortiz", role="reviewer", team="Streets"))
        added(session, User(login="gone", name="Gone", role="reviewer", active=False))
    (one,) = city.arrive(POTHOLE)
    page = press(shown(), "opens_g_assign")
    assert page.selectbox(key=f"assign_{one}").options == ["Team Streets", "Dana Ortiz"]
    press(page, f"assign_me_{one}")
    assert city.suspect(one).assigned_to == "demo"
    press(page, "opens_g_assign")
    page.selectbox(key=f"assign_{one}").select("team:Streets").run()
    assert city.suspect(one).assigned_to == "team:Streets"
    assert "given to Streets" in said(page)
    press(page, "opens_g_assign")
    press(page, f"assign_nobody_{one}")
    assert city.suspect(one).assigned_to == ""
    assert chosen(page) == one


def test_it_is_parked_until_a_day(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown()
    page.session_state["_desk"].dialog = ("until", one)
    page.run()
    press(page, f"until_7_{one}")
    suspect = city.suspect(one)
    assert suspect.status == "parked"
    local = suspect.parked_until.astimezone(city.config.city.zone)
    assert (local.date() - now().astimezone(city.config.city.zone).date()).days == 7
    assert local.hour == 6
    assert "until " in said(page)


def test_another_request_of_the_same_post(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown()
    page.session_state["_desk"].choosing = ("also", one)
    page.run()
    assert "Also file as" in said(page)
    press(page, f"type_street_light_{one}")
    assert chosen(page) == one
    made = [row for row in rows(city, Suspect) if row.id != one]
    assert [row.status for row in made] == ["waiting"]
    assert city.status(one) == "waiting"
    assert [d.kind for d in rows(city, Decision) if d.suspect_id == one] == ["also"]
    press(page, f"undo_{one}")
    assert [row.status for row in rows(city, Suspect) if row.id != one] != ["waiting"]


def test_help_lists_every_key_of_the_page(city: City) -> None:
    (one,) = city.arrive("pothole season is the only season")
    page = press(press(press(shown(), f"park_{one}"), "useful"), "opens_h_help")
    table = next(m.value for m in page.markdown if m.value.startswith("| key"))
    listed = set(re.findall(r"\*\*(.*?)\*\*", table))
    assert len(set(listed)) == len(listed), "each key stands there once"
    told = {key.strip().lower() for keys in listed for key in re.split(r"[,–]", keys)}
    keys = {b.proto.shortcut for b in page.button if b.proto.shortcut}
    assert {key.lower().replace("+", " + ") for key in keys} <= told | set("1234")


# -- two people ----------------------------------------------------------------------------------------------------


def test_opening_claims_and_the_next_one_lets_go(city: City) -> None:
    second, first = city.arrive(POTHOLE, "pothole on Birch Street")
    page = shown()
    assert city.suspect(first).claimed_by == "demo"
    assert city.suspect(first).opened_by == "demo"
    press(page, "step_next")
    assert (city.suspect(first).claimed_by, city.suspect(second).claimed_by) == ("", "demo")
    page.switch_page("tickets.py").run()
    assert city.suspect(second).claimed_by == ""


def test_the_card_says_who_has_it_open_until_they_leave(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    workflow.claim(city.database, one, "Ana")
    page = shown()
    assert "Ana has it open" in said(page)
    assert not page.button(key=f"accept_{one}").disabled
    assert city.suspect(one).claimed_by == "Ana"
    workflow.release(city.database, "Ana")
    assert "Ana" not in said(shown())
    assert city.suspect(one).claimed_by == "demo"


def test_a_claim_runs_out(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    workflow.claim(city.database, one, "Ana")
    change(city, one, claimed_until=now() - timedelta(seconds=1))
    assert "Ana" not in said(shown())
    assert city.suspect(one).claimed_by == "demo"


def test_what_a_colleague_has_open_is_not_put_before_anybody(city: City) -> None:
    third, second, first = city.arrive(POTHOLE, "pothole on Birch Street", "pothole on Pine Street")
    page = shown()
    workflow.claim(city.database, second, "Ana")
    press(page, f"dismiss_joke_{first}")
    assert chosen(page) == third
