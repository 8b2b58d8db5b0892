"""The Tickets page by `AppTest`: what each state says, what its buttons do, and that their words stay text."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, select
from streamlit.testing.v1 import AppTest

from connector import workflow
from connector.models import Dispatch, Suspect, Ticket, TicketEvent, now
from connector.privacy import FLAG
from connector.screen import tickets as ticket_list
from connector.store import house, tickets
from tests.builders import a_dispatch, a_suspect, a_ticket, a_type
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "tickets.py")
HOSTILE = [
    "**bold** ![x](http://127.0.0.1:9/x.png) <img src=x onerror=alert(1)> :red[a] $x$ [l](javascript:1)",
    ":material/home: :streamlit: :smile: -> -- www.evil.example http://127.0.0.1:9/y a@evil.example",
    "] :red-background[x] </p></div><mark>fake</mark> <script>alert(1)</script><style>*{display:none}</style>",
]
ACCEPTED = {"status": "accepted", "decided_by": "Dana Ortiz", "place": "Quarry Road"}


def accepted(session: Session, text: str = "Big pothole on Quarry Rd") -> Suspect:
    return a_suspect(session, text, **ACCEPTED, decided_at=now())


def shown(**query: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = value
    return ran(page)


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return ran(page)


def said(page: AppTest) -> str:
    """Everything a person reads on the card."""
    parts = [*page.markdown, *page.text, *page.error, *page.warning, *page.code]
    return "\n".join([*(part.value for part in parts), *bodies(page)])


def bodies(page: AppTest) -> list[str]:
    """Outside texts as they are read."""
    return [html.unescape(re.sub("<[^>]*>", "", one.proto.body)) for one in page.get("html")]


def drawn_as_markdown(page: AppTest) -> str:
    """What Streamlit would interpret."""
    parts = [*page.markdown, *page.error, *page.warning, *page.header, *page.button, *page.expander]
    return "\n".join(str(getattr(part, "value", "") or getattr(part, "label", "")) for part in parts)


def state_of(city: City, reference: str) -> str:
    with city.database.reading() as session:
        return tickets.page(session, find=reference)[0].state


def one_dispatch(city: City, **values: object) -> Dispatch:
    with city.database.writing() as session:
        return a_dispatch(session, accepted(session), reference="SC-000ONE", **values)


def test_those_that_need_a_person_come_first(city: City) -> None:
    with city.database.writing() as session:
        for status in ("unclear", "exhausted", "queued", "sent"):
            a_dispatch(session, accepted(session), status=status)
    page = shown()
    assert [state for (state,) in page.dataframe[0].value["state"]] == ["exhausted", "unclear", "sent", "queued"]
    assert page.header[0].value == "Pothole"


def test_a_held_one_says_when_it_leaves_and_can_be_taken_back(city: City) -> None:
    with city.database.writing() as session:
        suspect = a_suspect(session)
    reference = workflow.accept(city.database, city.config, suspect.id or 0, "Dana Ortiz")
    page = shown()
    assert re.search(r"Leaves in \d+ s\. Until then it can be taken back without a trace\.", said(page))
    assert "Accepted as Pothole" in said(page)
    press(page, "Undo")
    assert city.status(suspect.id or 0) == "waiting"
    assert "Taken back before it left; nothing was sent." in said(page)
    assert reference not in [row.reference for row in _all(city)]


def test_undo_of_one_that_left_says_so(city: City) -> None:
    with city.database.writing() as session:
        suspect = a_suspect(session)
    workflow.accept(city.database, city.config, suspect.id or 0, "Dana Ortiz")
    page = shown()
    with city.database.writing() as session:
        dispatch = session.exec(select(Dispatch)).one()
        a_ticket(session, dispatch, number="PA-26-000001")
    press(page, "Undo")
    assert any("Already sent, ticket PA-26-000001" in text.value for text in page.text)


def test_an_exhausted_one_is_tried_again(city: City) -> None:
    one_dispatch(city, status="exhausted", attempts=8, last_error="The desk does not answer.")
    page = shown()
    assert "Not delivered after 8 tries" in page.error[0].value
    assert "The desk does not answer." in said(page)
    press(page, "Try again")
    assert state_of(city, "SC-000ONE") == "queued"
    assert "Tried again by hand" in said(page)


def test_filing_by_hand_asks_for_the_number(city: City) -> None:
    one_dispatch(city, status="exhausted", attempts=8, channel="desk")
    page = press(shown(), "Keep this number")
    assert any("Give the number" in text.value for text in page.text)
    page.text_input[1].set_value("PA-77")
    press(page, "Keep this number")
    row = _all(city)[0]
    assert (row.state, row.number) == ("open", "PA-77")


def test_an_unclear_one_is_looked_up_and_never_sent_blindly(city: City) -> None:
    dispatch = one_dispatch(city, status="unclear", attempts=1, sent_at=now(), due_at=now() + timedelta(minutes=2))
    page = shown()
    assert "looked up by its reference before anything is sent again" in page.warning[0].value
    assert "Try again" not in [button.label for button in page.button]
    press(page, "Look up now")
    with city.database.reading() as session:
        again = session.get_one(Dispatch, dispatch.id)
        assert (again.status, again.due_at <= now()) == ("unclear", True)


def test_a_refused_one_leads_back_to_the_queue(city: City) -> None:
    with city.database.writing() as session:
        suspect = a_suspect(session, returned_because="no such service")
        a_dispatch(session, suspect, status="refused", last_error="no such service")
    page = shown()
    assert "waits again in the queue" in page.error[0].value
    assert "Open in Queue" in [button.label for button in page.button]
    assert any("They said  no such service" in body for body in bodies(page))


def test_an_open_ticket_links_to_the_one_over_there(city: City) -> None:
    with city.database.writing() as session:
        dispatch = a_dispatch(session, accepted(session), channel="desk")
        a_ticket(session, dispatch, url="http://127.0.0.1:8311/tickets/1", number="PA-1")
    page = shown()
    assert "PA\\-1" in said(page)
    assert page.get("link_button")[0].proto.url == "http://127.0.0.1:8311/tickets/1"
    assert "Close it" not in [button.label for button in page.button]


def test_a_link_of_another_scheme_is_no_link(city: City) -> None:
    with city.database.writing() as session:
        a_ticket(session, a_dispatch(session, accepted(session), channel="desk"), url="javascript:alert(1)")
    assert not shown().get("link_button")


def test_without_a_system_over_there_it_is_closed_here_and_only_with_a_note(city: City) -> None:
    with city.database.writing() as session:
        a_ticket(session, a_dispatch(session, accepted(session), reference="SC-000ONE"))
    page = press(shown(), "Close it")
    assert any("Say in a few words what was done" in text.value for text in page.text)
    page.text_area[0].set_value("Filled on Friday")
    press(page, "Close it")
    assert state_of(city, "SC-000ONE") == "closed"
    assert any(body == "Said at closing  Filled on Friday" for body in bodies(page))


def test_a_flagged_ticket_needs_a_person_until_it_is_done_over_there(city: City) -> None:
    with city.database.writing() as session:
        a_ticket(session, a_dispatch(session, accepted(session)), flagged=FLAG, status="closed")
    page = shown()
    assert page.dataframe[0].value["state"][0] == ["flagged"]
    assert any("remove the text from the ticket" in box.value for box in page.warning)
    press(page, "Done at the CRM")
    with city.database.reading() as session:
        assert tickets.counts(session)["needs you"] == 0
        assert session.exec(select(TicketEvent.what)).all() == ["Done at the CRM"]


def test_a_link_in_a_mail_opens_its_ticket(city: City) -> None:
    with city.database.writing() as session:
        for reference in ("SC-AAAAAA", "SC-BBBBBB"):
            a_dispatch(session, accepted(session), reference=reference)
    page = shown(find="sc-aaaaaa")
    assert len(page.dataframe[0].value) == 1
    assert "SC-AAAAAA" in said(page)


@pytest.mark.parametrize("wanted", ["SC-AAAAAA", "aaaaaa", " PA-26-9 ", "http://127.0.0.1:8311/tickets/9"])
def test_search_takes_reference_number_or_link(city: City, wanted: str) -> None:
    with city.database.writing() as session:
        dispatch = a_dispatch(session, accepted(session), reference="SC-AAAAAA")
        a_ticket(session, dispatch, number="PA-26-9", url="http://127.0.0.1:8311/tickets/9")
        a_dispatch(session, accepted(session))
    page = shown()
    page.text_input[0].set_value(wanted)
    assert len(ran(page).dataframe[0].value) == 1


def test_search_for_nothing_says_so(city: City) -> None:
    one_dispatch(city)
    assert "No ticket has this reference, number or link" in said(shown(find="SC-ZZZZZZ"))


def test_an_empty_page_says_what_will_stand_here(city: City) -> None:
    assert "No tickets yet" in said(shown())


def test_a_view_counts_and_narrows(city: City) -> None:
    with city.database.writing() as session:
        a_ticket(session, a_dispatch(session, accepted(session)), status="closed")
        a_dispatch(session, accepted(session), status="exhausted")
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.session_state["Show tickets"] = "closed"
    assert [state for (state,) in ran(page).dataframe[0].value["state"]] == ["closed"]
    counts = ["All 2", ":red[Needs you 1]", "On the way 0", "Open 0", ":blue[Closed 1]"]
    assert page.get("button_group")[0].options == counts


def test_the_list_keeps_its_order_while_it_is_read(city: City) -> None:
    first = one_dispatch(city)
    page = shown()
    with city.database.writing() as session:
        a_dispatch(session, accepted(session), status="exhausted")
    assert page.session_state["tickets_list"].ids == [first.id]
    assert ran(page).session_state["tickets_list"].ids == [first.id]
    press(page, ":blue[1 new, show]")
    assert len(page.session_state["tickets_list"].ids) == 2


def test_a_click_means_the_row_that_was_seen(city: City) -> None:
    with city.database.writing() as session:
        for hours in (1, 2, 3):
            a_dispatch(session, accepted(session), created_at=now() - timedelta(hours=hours))
    page = shown()
    ids = page.session_state["tickets_list"].ids
    page.session_state["ticket_chosen"] = ids[2]
    ran(page)
    with city.database.reading() as session:
        third = session.get_one(Dispatch, ids[2])
    assert third.reference in said(page)


def test_older_ones_come_in_pages_none_twice_none_missing(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticket_list, "PAGE", 2)
    with city.database.writing() as session:
        old = a_dispatch(session, accepted(session), status="exhausted").id
        made = [a_dispatch(session, accepted(session)).id for _ in range(5)][::-1]
    page = shown()
    assert page.session_state["tickets_list"].ids == [old, *made[:2]]
    press(page, "2 older")
    press(page, "2 older")
    assert page.session_state["tickets_list"].ids == [old, *made]


@pytest.mark.parametrize("words", HOSTILE)
def test_their_words_stay_text(city: City, words: str) -> None:
    with city.database.writing() as session:
        suspect = a_suspect(session, words, place=words, status="waiting", returned_because=words)
        dispatch = a_dispatch(session, suspect, status="refused", last_error=words, content={"text": words})
        session.add(TicketEvent(dispatch_id=dispatch.id, what=f"Refused: {words}"))
        house.pause(session, "outbox", words, now() + timedelta(hours=1))
        noted = a_ticket(session, a_dispatch(session, accepted(session)), status="closed", notes=words)
    page = shown()
    for reference in (dispatch.reference, _reference(city, noted)):
        page.session_state["ticket_chosen"] = next(r.dispatch_id for r in _all(city) if r.reference == reference)
        ran(page)
        assert words not in drawn_as_markdown(page)
        assert any(words in body for body in bodies(page))
        for one in page.get("html"):
            assert set(re.findall(r"<(\w+)", one.proto.body)) <= {"p", "span", "mark"}


def test_no_handle_is_shown(city: City) -> None:
    (one,) = city.arrive("pothole here, tell @secret_neighbour", handle="secret_author")
    workflow.accept(city.database, city.config, one, "Dana Ortiz")
    page = shown()
    assert "secret" not in said(page)
    assert "pothole here, tell @…" in said(page)


def test_a_paused_channel_is_told_with_its_reason(city: City) -> None:
    one_dispatch(city, channel="desk")
    with city.database.writing() as session:
        house.pause(session, "desk", "The key is refused", now() + timedelta(hours=1))
    page = shown()
    assert "desk is paused until" in page.warning[0].value
    assert "Why  The key is refused" in bodies(page)


def test_a_channel_that_is_gone_is_told(city: City) -> None:
    one_dispatch(city, channel="old_crm")
    assert "name no channel" in shown().warning[0].value


def test_the_mail_that_was_kept_can_be_read(city: City) -> None:
    with city.database.writing() as session:
        kind = a_type(session, "noise")
        suspect = a_suspect(session, "Leaf blowers at five", "noise")
    assert kind.channel == "outbox"
    workflow.accept(city.database, city.config, suspect.id or 0, "Dana Ortiz")
    page = shown()
    assert "Leaf blowers at five" in page.code[0].value
    assert page.expander[0].label == "What it says"


def _all(city: City) -> list[tickets.TicketRow]:
    with city.database.reading() as session:
        return tickets.page(session)


def _reference(city: City, ticket: Ticket) -> str:
    with city.database.reading() as session:
        return session.exec(select(Dispatch.reference).where(col(Dispatch.id) == ticket.dispatch_id)).one()


def told(page: AppTest) -> dict[str, str]:
    """The address."""
    return {name: value if isinstance(value, str) else value[0] for name, value in page.query_params.items()}


def test_a_link_that_is_looked_for_stands_in_no_address(city: City) -> None:
    page = shown()
    page.text_input[0].set_value("https://x.com/jane_doe/status/1334987486343299072")
    assert told(ran(page)) == {}
    page.text_input[0].set_value("PA-26-000270")
    assert told(ran(page)) == {"find": "PA-26-000270"}


def test_the_view_stands_in_the_address_and_comes_from_it(city: City) -> None:
    with city.database.writing() as session:
        a_ticket(session, status="closed")
        a_ticket(session)
    page = shown(view="closed")
    assert [state for (state,) in page.dataframe[0].value["state"]] == ["closed"]
    for view, address in (("Open", {"view": "open"}), ("All", {})):
        views = page.segmented_control[0]
        views.set_value(next(label for label in views.options if view in label))
        assert told(ran(page)) == address
    assert len(shown(view="nonsense").dataframe[0].value) == 2


def test_what_the_history_page_left_in_the_address_is_not_looked_for(city: City) -> None:
    with city.database.writing() as session:
        a_ticket(session)
    page = shown(find="suspect 610")
    assert page.text_input[0].value == ""
    assert len(page.dataframe[0].value) == 1


def test_undo_takes_back_what_is_shown_and_nothing_that_came_since(city: City) -> None:
    with city.database.writing() as session:
        one, other = a_suspect(session).id or 0, a_suspect(session, "another hole").id or 0
    workflow.accept(city.database, city.config, one, "Dana Ortiz")
    page = shown()
    undo = next(button for button in page.button if button.label == "Undo")
    workflow.merge(city.database, other, one, "Ben")
    undo.click()
    assert "given another's posts by Ben" in said(ran(page))
    assert (city.status(one), city.status(other)) == ("accepted", "merged")
