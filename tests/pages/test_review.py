"""The Queue page by `AppTest`: what it shows of a seeded database, and what its buttons do."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.testing.v1 import AppTest

from connector import workflow
from connector.models import Dispatch, Post, Suspect, now
from tests.builders import a_dispatch, a_suspect, a_ticket
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "navigation.py")
POTHOLE = "huge pothole on Quarry Road at Elm Street"
SIGNAL = "the traffic light is out on Pine Street, cars everywhere"
HOSTILE = [
    "pothole **bold** ![x](http://127.0.0.1:9/x.png) <img src=x onerror=alert(1)> :red[a] $x$ [l](javascript:1)",
    "pothole :material/home: :streamlit: :smile: -> -- www.evil.example http://127.0.0.1:9/y a(at)evil.example",
    "pothole ] :red-background[x] </p></div><mark>fake</mark> <script>alert(1)</script><style>*{display:none}</style>",
    "pothole     four spaces\n# h1\n| a | b |\n|---|---|\n```js\n<!-- c --> <svg onload=alert(1)> \u202erev",
]


def shown(**query: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def chosen(page: AppTest) -> int:
    return int(address(page, "id"))


def address(page: AppTest, name: str) -> str:
    """AppTest hands out what was put in as a list, what the page wrote as a string."""
    value: Any = page.query_params[name]
    return value if isinstance(value, str) else value[0]


def press(page: AppTest, key: str) -> AppTest:
    """As a person does: some time after the last press and the last card."""
    mine = page.session_state["_queue"]
    mine.drawn = mine.drawn[0], mine.drawn[1] - 10
    page.button(key=key).click().run()
    assert not page.exception
    return page


def told(page: AppTest, *said: WidgetState) -> AppTest:
    """One message of the browser, which names these first."""
    states = page._tree.get_widget_states()
    ids = {state.id for state in said}
    others = [state for state in states.widgets if state.id not in ids]
    page._run(WidgetStates(widgets=[*said, *others]))
    assert not page.exception
    return page


def marking(page: AppTest, row: int) -> WidgetState:
    """How the browser says which row of the first table is marked."""
    marked = {"selection": {"rows": [row], "columns": [], "cells": []}}
    return WidgetState(id=page.dataframe[0].proto.id, string_value=json.dumps(marked))


def pressing(page: AppTest, key: str) -> WidgetState:
    return WidgetState(id=page.button(key=key).proto.id, trigger_value=True)


def drawn(page: AppTest) -> str:
    """Everything outside text can be in, as written."""
    return "\n".join([*(t.value for t in page.text), *(t.value for t in page.markdown), *bodies(page)])


def bodies(page: AppTest) -> list[str]:
    """Outside texts, and what else stands there as HTML for an eye; not what a screen reader alone is told."""
    return [element.proto.body for element in page.get("html") if "clip-path" not in element.proto.body]


def test_urgent_types_come_first_and_the_rest_by_age(city: City) -> None:
    first, second = city.arrive(POTHOLE, "another pothole, this one on Birch Street")
    (signal,) = city.arrive(SIGNAL, posted_at=now() - timedelta(days=1))
    page = shown()
    assert [str(t) for t in page.dataframe[0].value["type"]][0].startswith("▲")
    assert page.session_state["_queue"].ids == [signal, second, first]
    assert chosen(page) == signal


def test_the_card_tells_what_who_where_and_why(city: City) -> None:
    city.arrive(f"{POTHOLE}, thanks @old_neighbour", handle="quiet_resident")
    page = shown()
    assert page.header[0].value == "Pothole"
    text = html.unescape(re.sub("<[^>]*>", "", bodies(page)[0]))
    assert text == f"{POTHOLE}, thanks @old_neighbour"
    assert "<mark" in bodies(page)[0]
    said = drawn(page)
    for part in ("Quarry Road", "@quiet_resident", "Demo post, no answer", "Streets", "311 desk", "Belongs here"):
        assert part in said, part


def test_names_stand_on_the_card_alone(city: City) -> None:
    city.arrive("pothole, tell @secret_neighbour", handle="secret_author")
    page = shown()
    listed = page.dataframe[0].value.to_csv()
    assert "secret" not in listed
    assert "secret" not in page.text_area[0].value


def test_accept_sends_what_was_typed(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown()
    page.text_area[0].set_value("Deep hole before number 12").run()
    press(page, f"accept_{one}")
    with city.database.reading() as session:
        sent = session.exec(select(Dispatch).where(Dispatch.suspect_id == one)).one()
    assert sent.content
    assert sent.content["text"] == "Deep hole before number 12"
    assert city.status(one) == "accepted"


def test_a_post_that_joins_unseen_is_not_sent(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown()
    assert city.arrive(f"{POTHOLE} and it is growing", handle="somebody_else") == [], "it joins"
    press(page, f"accept_{one}")
    with city.database.reading() as session:
        sent = session.exec(select(Dispatch).where(Dispatch.suspect_id == one)).one()
    assert sent.content
    assert sent.content["text"] == POTHOLE
    assert sent.content["people"] == 2


def test_the_next_one_moves_up_and_undo_brings_it_back(city: City) -> None:
    third, second, first = city.arrive(POTHOLE, "pothole on Birch Street", "pothole on Pine Street")
    page = press(shown(), "step_next")
    press(page, f"dismiss_joke_{second}")
    assert city.decisions(second) == [("dismiss", "joke")]
    assert chosen(page) == third
    press(page, f"undo_{second}")
    page.run()
    assert (chosen(page), city.status(second)) == (second, "waiting")
    assert page.session_state["_queue"].ids == [first, second, third]


def test_accept_decides_the_one_shown_and_no_other(city: City) -> None:
    second, first = city.arrive(POTHOLE, "pothole on Birch Street")
    page = press(shown(), f"accept_{first}")
    assert city.decisions(first) == [("accept", "")]
    assert city.status(second) == "waiting"
    assert chosen(page) == second


def test_the_slower_of_two_is_told_who_was_faster(city: City) -> None:
    second, first = city.arrive(POTHOLE, "pothole on Birch Street")
    page = shown()
    workflow.dismiss(city.database, first, "news_ad", "Dana Ortiz")
    press(page, f"accept_{first}")
    assert any("dismissed by Dana Ortiz" in text.value for text in page.text)
    assert (city.status(first), chosen(page)) == ("dismissed", second)


def test_another_type_keeps_the_suspect_on_the_card(city: City) -> None:
    second, first = city.arrive(POTHOLE, "pothole on Birch Street")
    page = press(shown(), "type_row")
    assert f"accept_{first}" not in [button.key for button in page.button]
    press(page, f"type_flooding_{first}")
    assert (page.header[0].value, chosen(page)) == ("Flooding", first)
    assert city.decisions(first) == [("retype", "flooding")]
    press(page, f"accept_{first}")
    assert chosen(page) == second


def test_no_key_of_the_types_is_a_key_that_decides(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = press(shown(), "type_row")
    keys = [button.proto.shortcut for button in page.button if (button.key or "").startswith("type_")]
    assert len(keys) == len(set(keys)) >= 15
    assert not {key.lower() for key in keys} & set("aptkjus12345rc")


def test_parked_ones_have_a_view_and_come_back(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = press(shown(), f"park_{one}")
    assert city.status(one) == "parked"
    assert "Nothing waits" in drawn(page)
    press(page, "useful")
    assert (chosen(page), address(page, "view")) == (one, "parked")
    press(page, f"unpark_{one}")
    assert city.status(one) == "waiting"
    assert f"undo_{one}" not in [button.key for button in page.button]


def test_new_ones_are_announced_and_the_list_stays(city: City) -> None:
    (old,) = city.arrive(POTHOLE)
    page = shown()
    (new,) = city.arrive("pothole on Birch Street")
    page.run()
    assert page.session_state["_queue"].ids == [old]
    assert "1 new" in page.button(key="show_new").label
    press(page, "show_new")
    page.run()
    assert page.session_state["_queue"].ids == [new, old]
    assert chosen(page) == old


def test_more_rows_follow_without_a_shuffle(city: City) -> None:
    ids = city.queued(60)
    page = shown()
    assert page.session_state["_queue"].ids == ids[:30]
    press(page, "show_more")
    assert page.session_state["_queue"].ids == ids


def test_what_j_chooses_is_drawn(city: City) -> None:
    ids = city.queued(14)
    page = shown()
    for _ in ids[:11]:
        press(page, "step_next")
    assert chosen(page) == ids[11]
    assert len(page.dataframe[0].value) == 14 - page.session_state["_queue"].top <= 6
    for _ in ids[11:4:-1]:
        press(page, "step_prev")
    assert chosen(page) == ids[4]
    assert page.session_state["_queue"].top <= 4


def test_a_link_opens_the_suspect_even_if_it_is_decided(city: City) -> None:
    first, second = city.arrive(POTHOLE, "pothole on Birch Street")
    workflow.dismiss(city.database, first, "joke", "Dana Ortiz")
    page = shown(id=str(first))
    assert chosen(page) == first
    assert page.button(key=f"accept_{first}").disabled
    assert "Dismissed by Dana Ortiz" in drawn(page)
    press(page, "step_next")
    assert chosen(page) == second


def test_view_and_filters_are_in_the_address_and_the_search_is_not(city: City) -> None:
    city.arrive(POTHOLE, "someone sprayed graffiti on the wall at Pine Street", SIGNAL)
    page = shown(type="graffiti", view="all")
    kinds = [str(kind) for kind in page.dataframe[0].value["type"]]
    assert [kind.lstrip("▲ ") for kind in kinds] == ["Traffic signal", "Graffiti"]  # urgent ones pass every filter
    page.text_input[0].set_value("sprayed").run()
    assert len(page.dataframe[0].value) == 1
    assert address(page, "type") == "graffiti"
    assert "sprayed" not in str(dict(page.query_params))


def test_a_reference_or_number_is_told_where_it_is(city: City) -> None:
    with city.database.writing() as session:
        ticket = a_ticket(session, a_dispatch(session, reference="SC-7F3K9Q"), number="PA-26-000123")
    page = shown()
    for wanted in ("SC-7F3K9Q", ticket.number):
        page.text_input[0].set_value(wanted).run()
        assert any("PA-26-000123" in text.value for text in page.text)


def test_a_link_in_the_search_finds_the_suspect(city: City) -> None:
    first, _ = city.arrive(POTHOLE, "pothole on Birch Street")
    with city.database.writing() as session:
        post = session.get_one(Post, city.suspect(first).lead_post_id)
        post.source_id = post.version_id = "1990000000000000001"
        session.add(post)
    page = shown()
    page.text_input[0].set_value("https://x.com/somebody/status/1990000000000000001/photo/1").run()
    assert chosen(page) == first


def test_the_ticket_number_shows_once_it_is_there(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = press(shown(), f"accept_{one}")
    assert "sends in" in drawn(page)
    with city.database.writing() as session:
        sent = session.exec(select(Dispatch).where(Dispatch.suspect_id == one)).one()
        a_ticket(session, sent, number="PA-26-000777")
    page.run()
    assert "ticket PA-26-000777" in drawn(page)
    assert f"undo_{one}" not in [button.key for button in page.button]


def test_a_refusal_is_said_on_the_card(city: City) -> None:
    with city.database.writing() as session:
        one = a_suspect(session, returned_because="service_code 014 **is** not active").id
    page = shown(id=str(one))
    assert any(text.value == "service_code 014 **is** not active" for text in page.text)


def test_an_edit_shows_what_it_said_before(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    with city.database.writing() as session:
        post = session.get_one(Post, city.suspect(one).lead_post_id)
        post.edits = [{"id": "0", "text": "huge hole <b>there</b>", "at": ""}]
        session.add(post)
    assert "edited, was" in bodies(shown())[0]
    assert "huge hole &lt;b&gt;there" in bodies(shown())[0]


@pytest.mark.parametrize("text", HOSTILE)
def test_outside_text_stays_text(city: City, text: str) -> None:
    city.arrive(text)
    page = shown()
    body = bodies(page)[0]
    assert set(re.findall(r"<(\w+)", body)) <= {"p", "mark", "span"}
    assert html.unescape(re.sub("<[^>]*>", "", body)) == text
    probe = text[8:30]
    for element in (*page.markdown, *page.button, *page.header, *page.get("badge"), *page.get("expander")):
        assert probe not in str(getattr(element, "value", "") or getattr(element, "label", ""))


def test_an_empty_queue_says_so_in_two_lines(city: City) -> None:
    page = shown()
    assert "Nothing waits" in drawn(page)
    assert not page.dataframe
    assert not [button for button in page.button if (button.key or "").startswith("accept")]


def test_a_search_without_a_hit_offers_the_way_back(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown(id=str(one))
    page.text_input[0].set_value("zebra").run()
    assert "Nothing found" in drawn(page)
    press(page, "useful")
    assert len(page.dataframe[0].value) == 1


def test_a_stopped_worker_is_said_and_the_page_goes_on(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    city.beat(alive=False)
    page = shown()
    assert "worker stopped" in page.error[0].value
    press(page, f"accept_{one}")
    assert city.status(one) == "accepted"


def test_a_broken_database_is_a_sentence(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy.exc import OperationalError

    from connector.store import queue

    def gone(*_: Any, **__: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("disk I/O error"))

    city.arrive(POTHOLE)
    shown()
    monkeypatch.setattr(queue, "page", gone)
    page = shown()
    assert any(text.value == "The database does not answer." for text in page.text)
    assert "secret" not in drawn(page)


def test_suspects_of_another_version_are_not_decided_unseen(city: City) -> None:
    (one,) = city.arrive(POTHOLE)
    page = shown()
    with city.database.writing() as session:
        suspect = session.get_one(Suspect, one)
        suspect.version += 1
        session.add(suspect)
    press(page, f"accept_{one}")
    assert city.status(one) == "waiting"
    assert any("look at it again" in text.value for text in page.text)
