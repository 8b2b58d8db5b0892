"""The Queue's list by `AppTest`: filters, orders and the address, what came meanwhile, figures, many at once."""

from __future__ import annotations

import re
import time
from concurrent.futures import Future
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from streamlit import cache_data
from streamlit.runtime.scriptrunner import RerunData
from streamlit.testing.v1 import AppTest, local_script_runner

from connector import decide, workflow
from connector.decide.batches import Bulk
from connector.models import User, now
from connector.screen import bulk, queue_list
from connector.store import queue
from connector.store import sources as source_questions
from tests.builders import a_post, a_suspect
from tests.pages.browser import City
from tests.pages.test_review import address, bodies, chosen, drawn, marking, press, pressing, shown, told

NAMES = ("view", "sort", "type", "source", "lang", "district", "age", "after", "id")


def listed(page: AppTest) -> list[int]:
    ids: list[int] = page.session_state["_queue"].ids if page.dataframe else []
    return ids


def one(city: City, **values: Any) -> int:
    with city.database.writing() as session:
        return a_suspect(session, **values).id or 0


def label(page: AppTest) -> str:
    """What the button of the filters says."""
    return str(next(block.proto.popover.label for block in page.get("popover"))).replace("\\", "")


# -- filters, orders, address --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "fits", "not_fits", "said"),
    [
        ("type", "graffiti", {"type_code": "graffiti"}, {}, "Graffiti"),
        ("source", "sample", {"source": "sample"}, {"source": "birds"}, "Sample"),
        ("lang", "ko", {"language": "ko"}, {}, "Korean"),
        ("district", "Old Town", {"district": "Old Town"}, {}, "Old Town"),
        ("district", "-", {"place": ""}, {"place": "Birch Street"}, "No place"),
        ("age", "hour", {}, {"first_posted_at": now() - timedelta(hours=2)}, "Last hour"),
        ("age", "over_day", {"first_posted_at": now() - timedelta(days=2)}, {}, "Older than a day"),
        ("age", "over_week", {"first_posted_at": now() - timedelta(days=8)}, {}, "Older than a week"),
    ],
)
def test_a_filter_stands_in_the_address_and_on_the_button_and_urgent_ones_pass(
    city: City, name: str, value: str, fits: dict[str, Any], not_fits: dict[str, Any], said: str
) -> None:
    urgent = one(city, type_code="gas", urgent=1, first_posted_at=now() - timedelta(hours=3))
    wanted, _ = one(city, **fits), one(city, **not_fits)
    page = shown(**{name: value})
    assert listed(page) == [urgent, wanted]
    assert label(page) == f"Urgent first · {said}"
    assert address(page, name) == value
    press(page, "clear_filters")
    assert len(listed(page)) == 3
    assert name not in page.query_params
    assert "clear_filters" not in [button.key for button in page.button]


def test_a_source_that_brought_posts_by_a_file_can_be_chosen_though_no_setting_names_it(city: City) -> None:
    with city.database.writing() as session:
        source_questions.state(session, "storm of 2024", "file")
    from_file, _ = one(city, source="storm of 2024"), one(city)
    page = shown(source="storm of 2024")
    assert listed(page) == [from_file]
    assert label(page) == "Urgent first · File"


def test_orders_put_urgent_ones_first_and_are_in_the_address(city: City) -> None:
    hours = {name: now() - timedelta(hours=number) for number, name in enumerate(("young", "middle", "old"), 1)}
    urgent = one(city, type_code="gas", urgent=1, first_posted_at=hours["middle"])
    few = one(city, people=1, score=0.9, first_posted_at=hours["young"])
    many = one(city, people=9, score=0.1, first_posted_at=hours["middle"])
    some = one(city, people=4, score=0.5, first_posted_at=hours["old"])
    for sort, expected in {
        "urgent": [few, many, some], "oldest": [some, many, few], "people": [many, some, few],
        "score": [few, some, many],
    }.items():  # fmt: skip
        page = shown(sort=sort)
        assert listed(page) == [urgent, *expected], sort
        assert page.query_params.get("sort") in ((None, []) if sort == "urgent" else (sort, [sort]))


def test_what_is_chosen_in_the_popover_narrows_the_list_and_is_kept_when_it_closes(city: City) -> None:
    one(city)
    graffiti = one(city, type_code="graffiti")
    page = shown()
    assert not page.selectbox  # its fields are drawn while it is open
    page.session_state["queue_filters"] = True
    page.run()
    next(box for box in page.selectbox if box.label == "Type").set_value("graffiti").run()
    assert listed(page) == [graffiti]
    page.session_state["queue_filters"] = False
    page.run()
    assert listed(page) == [graffiti]
    assert label(page) == "Urgent first · Graffiti"


def test_many_filters_are_counted_on_the_button(city: City) -> None:
    page = shown(type="graffiti", lang="ko", age="hour", source="sample", sort="oldest")
    assert label(page) == "Oldest first · 4 filters"


def test_a_link_opens_the_very_list_that_somebody_saw(city: City) -> None:
    for type_code in ("graffiti", "pothole"):
        for place in ("", "Elm Street"):
            one(city, type_code=type_code, place=place, people=len(place))
    first = shown(type="graffiti", district="-", sort="people")
    again = shown(**{name: address(first, name) for name in first.query_params})
    assert listed(again) == listed(first) != []
    assert dict(again.query_params) == dict(first.query_params)


@pytest.fixture
def page(city: City) -> AppTest:
    city.queued(3)
    return shown()


sane = st.sampled_from(["all", "parked", "mine", "oldest", "graffiti", "ko", "-", "hour", "1", "2", ""])
odd = st.text(max_size=12) | st.sampled_from(["²", "-1", "0", "9" * 30, "1e3", "{}", "\x00", "٣", "' OR 1=1 --"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.dictionaries(st.sampled_from(NAMES) | st.text(min_size=1, max_size=5), sane | odd, max_size=5))
def test_no_address_breaks_the_page(page: AppTest, told: dict[str, str]) -> None:
    page.query_params = dict(told)  # type: ignore[assignment]
    page.run()
    assert not page.exception
    assert page.title[0].value == "Queue"
    assert set(page.query_params) <= set(NAMES)


def test_what_means_nothing_in_an_address_counts_as_not_given(city: City) -> None:
    ids = city.queued(2)
    page = shown(view="nonsense", type="nosuch", age="yesterday", sort="random", district="Nowhere", id="²")
    assert listed(page) == ids
    assert label(page) == "Urgent first"
    assert set(page.query_params) == {"id"}


# -- what came meanwhile -------------------------------------------------------------------------------------------


def test_the_day_opens_with_what_came_since_this_person_left(city: City) -> None:
    old = city.queued(2)
    first = shown()
    assert "Since you left" not in drawn(first)
    new = city.queued(3, "graffiti {}", type_code="graffiti")
    urgent = one(city, type_code="gas", urgent=1)
    page = shown()
    assert "Since you left: **4 new**, :red[**1 urgent**]" in drawn(page)
    assert listed(page) == [urgent, *new, *old] or set(listed(page)) == {urgent, *new, *old}
    press(page, "show_since")
    assert set(listed(page)) == {urgent, *new}
    assert label(page) == "Urgent first · Since you left"
    assert "Since you left:" not in drawn(page)
    press(page, "clear_filters")
    assert set(listed(page)) == {urgent, *new, *old}
    assert "Since you left:" not in drawn(shown())


def test_new_ones_are_announced_urgent_ones_red_and_the_list_stays(city: City) -> None:
    ids = city.queued(2)
    page = shown()
    city.queued(1, "graffiti {}")
    page.run()
    assert page.button(key="show_new").label == ":blue[1 new, show]"
    one(city, type_code="gas", urgent=1)
    page.run()
    assert page.button(key="show_new").label == ":red[**▲ 1 urgent**], :blue[2 new, show]"
    assert any("2 new posts, 1 of them urgent: press S" in one.proto.body for one in page.get("html")), "heard too"
    assert listed(page) == ids
    press(page, "show_new")
    assert len(listed(page)) == 4


def test_own_figures_tell_the_day_and_the_age_of_the_queue(city: City) -> None:
    for hours in (1, 2, 30):
        one(city, first_posted_at=now() - timedelta(hours=hours))
    assert "Demo city: nothing leaves this computer. You decided 0 today. Oldest 30 h, half over 2 h." in drawn(shown())


def test_own_figures_stay_in_sight_once_something_was_decided(city: City) -> None:
    first, _ = city.queued(2)
    one(city, first_posted_at=now() - timedelta(hours=30))
    page = shown(id=str(first))
    assert "decided today" not in drawn(page)
    press(page, f"dismiss_joke_{first}")
    assert "1 decided today · oldest 30 h" in drawn(page)
    press(page, f"undo_{first}")
    assert "You decided 0 today." in drawn(page), "what was taken back is no decision"


def test_what_expired_unopened_is_counted_where_the_age_of_the_queue_stands(city: City) -> None:
    one(city, first_posted_at=now() - timedelta(hours=1))
    assert "expired" not in drawn(shown())
    for days in (40, 50):
        old = now() - timedelta(days=days)
        one(city, first_posted_at=old, last_posted_at=old, created_at=old)
    with city.database.writing() as session:
        assert decide.expire(session, city.config) == 2
    cache_data.clear()
    assert " 2 expired unopened in 7 days." in drawn(shown())


def test_a_row_says_who_has_it_whose_it_is_and_until_when_it_is_parked(city: City) -> None:
    soon = now() + timedelta(minutes=4)
    one(city, claimed_by="dana", claimed_until=soon)
    one(city, claimed_by="dana", claimed_until=now() - timedelta(minutes=1))
    one(city, assigned_to="team:Streets")
    one(city, assigned_to="demo")
    page = shown()
    kinds = {str(kind) for kind in page.dataframe[0].value["type"]}
    assert kinds == {"Pothole", "Pothole (dana has it)", "Pothole (for Streets)", "Pothole (mine)"}
    one(city, status="parked", parked_until=now() + timedelta(days=3))
    (parked,) = shown(view="parked").dataframe[0].value["type"]
    assert "(until " in str(parked)


def test_a_search_keeps_what_it_found_while_it_is_worked_through(city: City) -> None:
    wet = city.queued(3, "flooded {} lane", type_code="flooding")
    city.queued(2)
    page = shown()
    page.text_input[0].set_value("LANE flooded").run()
    assert listed(page) == wet
    press(page, f"dismiss_joke_{wet[0]}")
    assert listed(page) == wet[1:]
    city.queued(1, "flooded {} lane", type_code="flooding")
    press(page, f"undo_{wet[0]}")
    assert listed(page) == wet


def test_a_search_says_how_far_it_looked_and_goes_on(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "REACH", 3)
    (old,) = city.queued(1, "flooded {} lane", first_posted_at=now() - timedelta(days=1))
    (young,) = city.queued(1, "flooded {} lane", first_posted_at=now())
    city.queued(5)
    page = shown()
    page.text_input[0].set_value("flooded").run()
    assert listed(page) == [young]
    assert page.button(key="look_further").label == "Looked through 3, look further"
    press(page, "look_further")
    assert listed(page) == [young, old]
    assert "look_further" not in [button.key for button in page.button]


# -- what the browser tells ----------------------------------------------------------------------------------------


def test_a_click_on_a_row_chooses_it(city: City) -> None:
    ids = city.queued(3)
    page = shown()
    assert chosen(told(page, marking(page, 2))) == ids[2]
    assert chosen(told(page, marking(page, 0))) == ids[0]


@pytest.mark.parametrize("first", ["the list", "the key"])
def test_a_key_counts_that_is_hit_before_the_browser_has_drawn_what_the_last_one_chose(city: City, first: str) -> None:
    ids = city.queued(4)
    page = shown()
    for at in (1, 2, 3):
        said = [marking(page, 0), pressing(page, "step_next")]  # it shows the first row as marked all the time
        told(page, *(said if first == "the list" else reversed(said)))
        assert chosen(page) == ids[at]
    told(page, *[pressing(page, "type_row"), marking(page, 0)][:: 1 if first == "the key" else -1])
    assert chosen(page) == ids[3]
    assert f"type_graffiti_{ids[3]}" in [str(button.key) for button in page.button]


def test_what_the_browser_tells_while_it_only_looks_for_news_is_no_click(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = city.queued(3)
    page = press(shown(), "step_next")
    late, tree = marking(page, 0), page._tree
    with monkeypatch.context() as patch:  # the run of a fragment alone; which one does not matter
        patch.setattr(local_script_runner, "RerunData", partial(RerunData, fragment_id_queue=["another"]))
        told(page, late)
    page._tree = tree
    assert chosen(page.run()) == ids[1]


def test_a_key_counts_that_is_hit_before_the_browser_has_the_address_of_what_the_last_one_chose(city: City) -> None:
    ids = city.queued(4)
    page = shown(view="all", id=str(ids[0]))
    press(page, "step_next")
    page.query_params["id"] = str(ids[0])
    press(page, "step_next")
    assert chosen(page) == ids[2]
    page.query_params["id"] = str(ids[0])  # by itself it is a link, or the way back
    page.run()
    assert chosen(page) == ids[0]


def test_filters_that_are_chosen_one_after_the_other_all_count_though_the_address_is_late(city: City) -> None:
    wanted = one(city, type_code="graffiti", language="ko")
    one(city, type_code="graffiti")
    city.queued(2)
    page = shown()
    for name, value in (("type", "graffiti"), ("lang", "ko")):
        page.session_state["queue_filters"] = True  # its fields are drawn while it is open
        page.run()
        page.query_params.clear()
        page.query_params["id"] = str(wanted)
        page.selectbox(key=f"Queue {name}").set_value(value).run()
    assert listed(page) == [wanted]


# -- many at once --------------------------------------------------------------------------------------------------


def tick(page: AppTest, *ids: int) -> AppTest:
    """As a hand does in the table, which AppTest cannot."""
    page.session_state["_queue"].picked = set(ids)
    page.run()
    assert not page.exception
    return page


def choose(page: AppTest, verb: str, which: str = "picked", to: str = "") -> AppTest:
    page.session_state["bulk_which"], page.session_state["bulk_verb"] = which, verb
    page.run()
    if to:
        next(box for box in page.selectbox if str(box.key).startswith("bulk_")).set_value(to).run()
    assert not page.exception
    return page


def the_button(page: AppTest, label: str) -> str:
    """Its key; once the page offers exactly this."""
    return str(next(button.key for button in page.button if button.label.replace("\\", "") == label))


def labels(page: AppTest) -> list[str]:
    return [button.label.replace("\\", "") for button in page.button]


def test_while_rows_are_ticked_no_key_decides_a_single_one(city: City) -> None:
    ids = city.queued(3)
    page = press(shown(), "tick")
    keys = [str(button.key) for button in page.button]
    assert not [key for key in keys if key.endswith(f"_{ids[0]}")]
    assert "ask_note" not in keys
    press(page, "bulk_done")
    assert f"accept_{ids[0]}" in [str(button.key) for button in page.button]


def test_ticked_ones_are_dismissed_together_and_come_back_by_one_key(city: City) -> None:
    ids = city.queued(4)
    page = choose(tick(press(shown(), "tick"), *ids[:3]), "dismiss", to="news_ad")
    assert "3 suspects will be dismissed." in drawn(page)
    press(page, the_button(page, "Dismiss 3 as News, ad"))
    assert [city.status(id_) for id_ in ids] == ["dismissed"] * 3 + ["waiting"]
    assert "3 dismissed as News, ad" in "".join(map(str, (element.proto.body for element in page.get("html"))))
    assert listed(page) == ids[3:]
    press(page, next(str(button.key) for button in page.button if str(button.key).startswith("undo_")))
    assert [city.status(id_) for id_ in ids] == ["waiting"] * 4
    assert "3 put back" in "".join(element.proto.body for element in page.get("html"))


def test_all_that_fit_means_the_list_as_it_was_made_without_the_urgent_ones(city: City) -> None:
    wanted = city.queued(60, type_code="graffiti")
    others = city.queued(2)
    urgent = one(city, type_code="gas", urgent=1)
    page = press(shown(type="graffiti"), "tick")
    late = one(city, type_code="graffiti")
    choose(page, "park", "all")
    assert "1 urgent one left out" in drawn(page)
    press(page, the_button(page, "Park 60"))
    assert {city.status(id_) for id_ in wanted} == {"parked"}
    assert {city.status(id_) for id_ in (*others, urgent, late)} == {"waiting"}


def test_accepting_many_is_asked_for_twice_with_the_number(city: City) -> None:
    ids = city.queued(3)
    page = choose(tick(press(shown(), "tick"), *ids), "accept")
    assert "3 to desk" in drawn(page)
    press(page, the_button(page, "Accept 3 …"))
    assert {city.status(id_) for id_ in ids} == {"waiting"}
    assert "Accept 3 …" not in labels(page)
    tick(page, *ids[:2])
    page.session_state["_queue"].sure = True
    page.run()
    press(page, the_button(page, "Yes, accept 2"))
    assert [city.status(id_) for id_ in ids] == ["accepted", "accepted", "waiting"]


def test_a_long_one_is_told_when_it_is_over(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_SOON", 0.0)
    city.queued(600)
    page = choose(press(shown(), "tick"), "dismiss", "all", to="fixed")
    press(page, the_button(page, "Dismiss 600 as Fixed"))
    end = time.monotonic() + 60
    while "600 dismissed as Fixed" not in "".join(bodies(page)) and time.monotonic() < end:
        counted = [element.proto.text for element in page.get("progress")]
        assert all(re.fullmatch(r"(0|250|500) of (0|600) dismissed as Fixed", text) for text in counted)
        page.run()
    assert "Nothing waits" in drawn(page)


def test_one_that_is_over_while_the_list_is_read_leaves_no_row_behind(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = city.queued(2)
    page, future, read = shown(), Future[Any](), queue_list._rows
    me = city.suspect(ids[0]).claimed_by

    def meanwhile(where: queue.Filter) -> list[queue.QueueRow]:
        found = read(where)
        if not future.done():
            done = workflow.bulk(city.database, city.config, where, "dismiss", me, "fixed")
            future.set_result(done)
        return found

    monkeypatch.setattr(queue_list, "_rows", meanwhile)
    page.session_state["_bulk"] = bulk.Running(bulk.Order("dismiss", "fixed"), future, 0, 2)
    page.run()
    assert "2 dismissed" in "".join(bodies(page))
    assert "Nothing waits" in drawn(page)


@pytest.mark.parametrize("broken_off", [True, False])
def test_undo_stays_while_it_was_broken_off(city: City, broken_off: bool) -> None:
    city.queued(2)
    page, future = shown(), Future[Any]()
    says = ("3 not done, since the database did not answer: try again.",) if broken_off else ()
    future.set_result(Bulk("b7", 250, len(says) * 3, says, broken_off))
    page.session_state["_bulk"] = bulk.Running(bulk.Order("undo"), future, 250, 253)
    page.run()
    assert "250 put back" in "".join(bodies(page))
    assert ("3 not done" in drawn(page)) is broken_off
    assert ("undo_b7" in [str(button.key) for button in page.button]) is broken_off


def test_no_second_one_starts_before_the_first_is_done(city: City) -> None:
    ids = city.queued(2)
    page = choose(tick(press(shown(), "tick"), *ids), "park")
    page.session_state["_bulk"] = bulk.Running(bulk.Order("park"), Future(), 250, 600)
    page.run()
    assert [element.proto.text for element in page.get("progress")] == ["250 of 600 parked"]
    press(page, the_button(page, "Park 2"))
    assert "The one before is not done yet" in drawn(page)
    assert {city.status(id_) for id_ in ids} == {"waiting"}


def test_many_are_assigned_to_a_team_and_the_team_finds_them_under_mine(city: City) -> None:
    ids = city.queued(2)
    with city.database.writing() as session:
        session.add(User(login="dana", name="Dana Ortiz", role="reviewer", team="Streets"))
    page = choose(tick(press(shown(), "tick"), *ids), "assign", to="team:Streets")
    press(page, the_button(page, "Assign 2 to Streets"))
    with city.database.reading() as session:
        assert queue.counts(session, "dana", teams=("Streets",))["mine"] == 2
    assert city.suspect(ids[0]).assigned_to == "team:Streets"


# -- what a link or a number leads to ------------------------------------------------------------------------------


def test_a_link_to_a_suspect_that_is_none_says_so(city: City) -> None:
    (one_,) = city.queued(1)
    page = shown(id="99999")
    assert "There is no suspect 99999" in drawn(page)
    assert address(page, "id") == str(one_)


@pytest.mark.parametrize("typed", ["#{}", "suspect {}", "Suspect #{}"])
def test_a_suspects_number_leads_to_it(city: City, typed: str) -> None:
    first, second = city.queued(2)
    page = shown(id=str(first))
    page.text_input(key="Queue find").set_value(typed.format(second)).run()
    assert address(page, "id") == str(second)


def test_a_link_to_a_post_that_came_by_a_file_leads_to_its_suspect(city: City) -> None:
    with city.database.writing() as session:
        source_questions.state(session, "x", "x")
        post = a_post(session, source="x", source_id="9000000000003")
        asked = a_suspect(session, post=post).id
    one(city)
    page = shown()
    page.text_input(key="Queue find").set_value("https://x.com/someone/status/9000000000003?s=20").run()
    assert address(page, "id") == str(asked)


def test_an_empty_view_of_an_empty_queue_offers_nothing(city: City) -> None:
    page = shown(view="parked")
    assert "Nothing is parked" in drawn(page)
    assert "useful" not in [button.key for button in page.button]
