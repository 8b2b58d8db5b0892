"""The Practice page by `AppTest`: what a decision is told, how a round ends, and that no suspect is touched."""

from __future__ import annotations

import html
import re
from pathlib import Path

from sqlmodel import func, select
from streamlit.testing.v1 import AppTest

from connector import practice
from connector.models import Decision, Suspect
from connector.practice import Answer
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "navigation.py")
GAME = practice.load()


def shown() -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.switch_page("practice.py")
    return ran(page)


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click()
    return ran(page)


def card(page: AppTest) -> practice.Card:
    card: practice.Card = page.session_state["_practice"].card
    return card


def answered(page: AppTest, answer: Answer) -> AppTest:
    """Decide the card that is shown as a hand would."""
    id_, proposed = card(page).id, card(page).proposed
    if answer.dismiss:
        return press(page, f"dismiss_{answer.dismiss}_{id_}")
    if answer.accept != proposed:
        page = press(press(page, f"type_{id_}"), f"as_{answer.accept}_{id_}")
    return press(page, f"accept_{id_}")


def said(page: AppTest) -> str:
    bodies = [html.unescape(re.sub("<[^>]*>", "", one.proto.body)) for one in page.get("html")]
    return "\n".join([*(part.value for part in page.markdown), *bodies])


def wrong(given: Answer) -> Answer:
    return Answer(dismiss="joke" if given.dismiss != "joke" else "fixed")


def dealt_until(page: AppTest, id_: str) -> AppTest:
    """Put this card on top, as another shuffle would."""
    page.session_state["_practice"].order.sort(key=lambda one: one != id_)
    return ran(page)


def test_the_first_round_is_dealt_in_the_same_order_each_time(city: City) -> None:
    assert card(shown()).id == card(shown()).id == GAME.deal("demo")[0]


def test_a_right_decision_is_told_with_its_reason(city: City) -> None:
    page = shown()
    one = card(page)
    page = answered(page, one.given)
    assert "Right" in said(page)
    assert one.why.split(".")[0].split(",")[0] in said(page).replace("\\", "")
    assert "1 of 1 right" in said(page)


def test_a_wrong_one_is_told_what_was_given(city: City) -> None:
    page = dealt_until(shown(), "a139")
    page = answered(page, Answer(accept="graffiti"))
    assert "You: accept as Graffiti. Given: dismiss as News, ad." in said(page)
    assert "0 of 1 right" in said(page)


def test_another_type_is_chosen_first_and_then_accepted(city: City) -> None:
    page = dealt_until(shown(), "a192")
    assert page.header[0].value == "Flooding"
    page = press(press(page, "type_a192"), "as_water_leak_a192")
    assert page.header[0].value == "Water leak"
    page = press(page, "accept_a192")
    assert "Given: accept as Water leak." in said(page)
    assert "1 of 1 right" in said(page)


def test_a_decision_is_made_once_and_the_next_card_waits_to_be_asked_for(city: City) -> None:
    page = shown()
    one = card(page)
    page = answered(page, one.given)
    assert {button.key for button in page.button} == {f"next_{one.id}"}
    page = press(page, f"next_{one.id}")
    assert card(page).id != one.id
    assert "Card 2 of 40" in said(page)


def test_a_whole_round_is_summed_up_by_kind_kept_and_touches_no_suspect(city: City) -> None:
    (waiting,) = city.arrive("pothole on Quarry Road")
    page = shown()
    here = page.session_state["_practice"]
    *before, last = here.order
    missed = before[3]
    here.answers = {id_: wrong(GAME.cards[id_].given) if id_ == missed else GAME.cards[id_].given for id_ in before}
    here.at = len(before)
    page = answered(ran(page), GAME.cards[last].given)
    assert page.button(key=f"next_{last}").label == "See how it went"
    page = press(page, f"next_{last}")
    told = said(page)
    assert "39 of 40 decided as given." in told
    assert GAME.cards[missed].text in told
    assert "Accept as pothole  1 of 1" in told
    assert "39 of 40 right" in told
    with city.database.reading() as session:
        assert [(one.by, one.right) for one in practice.practised(session)] == [("demo", 39)]
        assert session.exec(select(func.count()).select_from(Decision)).one() == 0
        assert session.exec(select(func.count()).select_from(Suspect)).one() == 1
    assert city.status(waiting) == "waiting"
    page = press(page, "missed_again")
    assert page.session_state["_practice"].order == [missed]
    page = press(answered(page, GAME.cards[missed].given), f"next_{missed}")
    assert "1 of 1 decided as given." in said(page)
    with city.database.reading() as session:
        assert [one.right for one in practice.practised(session)] == [39]
    page = press(page, "all_again")
    assert len(page.session_state["_practice"].order) == 40
    assert page.session_state["_practice"].order != GAME.deal("demo")
