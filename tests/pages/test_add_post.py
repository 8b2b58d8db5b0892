"""Add a post, by `AppTest`: what the dialog guesses, what it asks for, what stands on the card afterwards."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.pages.browser import City
from tests.pages.test_review import HOSTILE, POTHOLE, bodies, chosen, drawn, shown


def opened(page: AppTest | None = None) -> AppTest:
    """`AppTest` draws whole pages, which closes a dialog: it is opened anew in every step."""
    page = page or shown()
    page.button(key="add_post").click().run()
    assert not page.exception
    return page


def typed(page: AppTest, text: str, **fields: str) -> AppTest:
    """Into the dialog that is open; returns it as it then looks."""
    number = page.session_state["add_round"]
    page.text_area(key=f"live_add_text_{number}").set_value(text)
    opened(page)
    for name, value in fields.items():
        if name in ("type", "came"):
            page.selectbox(key=f"add_{name}_{number}").set_value(value)
        else:
            page.text_input(key=f"add_{name}_{number}").set_value(value)
        opened(page)
    return page


def added(page: AppTest) -> AppTest:
    page.button(key=f"add_{page.session_state['add_round']}").click()
    return opened(page)


def field(page: AppTest, name: str) -> str | None:
    value = page.selectbox(key=f"add_{name}_{page.session_state['add_round']}").value
    return None if value is None else str(value)


def test_a_post_is_guessed_added_and_stands_on_the_card(city: City) -> None:
    (other,) = city.arrive("pothole on Birch Street")
    page = typed(opened(), f"{POTHOLE}, thanks @old_neighbour")
    assert field(page, "type") == "pothole"
    assert "Meets the rule" in drawn(page)
    added(page)
    one = chosen(page)
    assert one != other
    assert page.session_state["_queue"].ids == [one, other]
    assert page.header[0].value == "Pothole"
    said = drawn(page)
    for part in ("Added Pothole, Quarry Road", "added by hand by demo", "@old_neighbour", "No answer from here"):
        assert part in said, part
    assert "new, show" not in "".join(button.label for button in page.button)


def test_without_a_rule_the_type_is_asked_for(city: City) -> None:
    page = typed(opened(), "it stinks of rotten eggs, somebody should come")
    assert field(page, "type") is None
    assert "No rule meets it: choose a type" in drawn(page)
    added(page)
    assert "Not added" in drawn(page)
    typed(page, "it stinks of rotten eggs, somebody should come", type="graffiti", place="elm st")
    added(page)
    assert page.header[0].value == "Graffiti"
    suspect = city.suspect(chosen(page))
    assert (suspect.place, suspect.place_method) == ("Elm Street", "by hand")


def test_a_chosen_type_stays_when_the_text_goes_on(city: City) -> None:
    page = typed(opened(), "it stinks", type="graffiti")
    typed(page, "it stinks, and there is a pothole on Elm Street")
    assert field(page, "type") == "graffiti"
    added(page)
    assert page.header[0].value == "Graffiti"


def test_the_link_tells_where_it_came_from(city: City) -> None:
    page = typed(opened(), POTHOLE, link="https://nextdoor.com/p/abc")
    assert field(page, "came") == "Nextdoor"
    added(page)
    (link,) = page.get("link_button")
    assert link.proto.url == "https://nextdoor.com/p/abc"
    assert "Nextdoor" in drawn(page)


def test_a_link_that_is_none_is_said(city: City) -> None:
    assert "it begins with https://" in drawn(added(typed(opened(), POTHOLE, link="javascript:alert(1)")))


def test_what_is_here_already_is_shown(city: City) -> None:
    page = added(typed(opened(), POTHOLE))
    first = chosen(page)
    (second,) = city.arrive("pothole on Birch Street")
    page = added(typed(opened(shown(id=str(second))), POTHOLE))
    assert "Is here already" in drawn(page)
    assert chosen(page) == second
    page.button(key=f"show_known_{first}").click()
    opened(page)
    assert chosen(page) == first


def test_the_next_dialog_is_empty_and_knows_where_the_last_one_came_from(city: City) -> None:
    page = added(typed(opened(), POTHOLE, came="Phone"))
    opened(page)
    assert page.text_area(key=f"live_add_text_{page.session_state['add_round']}").value in ("", None)
    assert field(page, "came") == "Phone"


def test_hostile_text_and_place_stay_text(city: City) -> None:
    for text in HOSTILE[1:3]:
        page = added(typed(opened(), text, place="**x** <script>alert(1)</script>"))
        assert "<script>alert" not in "".join(bodies(page))
        assert all("**x**" not in element.value for element in page.markdown)


def test_a_colleague_sees_it_as_one_more_that_is_new(city: City) -> None:
    city.arrive("pothole on Birch Street")
    colleague = shown()
    added(typed(opened(), POTHOLE))
    colleague.run()
    assert any("1 new, show" in button.label for button in colleague.button)
