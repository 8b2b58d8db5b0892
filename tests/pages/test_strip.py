"""The line under the navigation: nothing while all is well, one line for worker and one for alerts, on every page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from connector import screen
from connector.models import Alert, AlertKind, now
from tests.builders import a_suspect
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "navigation.py")
HOSTILE = "**bold** ![x](http://127.0.0.1:9/x.png) <script>alert(1)</script>"


def shown() -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.run()
    assert not page.exception
    return page


def alert(
    city: City, kind: AlertKind, says: str = "Quiet for 2 h, usually 34 posts by now.", source: str = "sample"
) -> None:
    with city.database.writing() as session:
        session.add(Alert(source=source, kind=kind, says=says))


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def marks(page: AppTest) -> str:
    return "\n".join(element.value for element in page.markdown)


def test_while_all_is_well_nothing_is_said(city: City) -> None:
    with city.database.writing() as session:
        session.add(Alert(source="sample", kind=AlertKind.LOST, says="Long ago", closed_at=now()))
        session.add(Alert(source="no longer there", kind=AlertKind.REFUSED, says="Refused"))
    page = shown()
    assert len(page.get("page_link")) == 0
    assert not page.error


def test_a_database_that_does_not_answer_ends_the_page_with_a_sentence(city: City) -> None:
    page = shown()
    city.database.file.rename(city.config.home / "gone.db")  # type: ignore[union-attr]
    screen.house().database.close()
    st.cache_data.clear()
    page.run()
    assert not page.exception
    assert "The database does not answer." in texts(page)
    assert [button.label for button in page.button] == ["Try again"]


def test_one_alert_is_said_in_its_own_words_as_text_with_a_link(city: City) -> None:
    alert(city, AlertKind.SILENT, HOSTILE)
    page = shown()
    assert f"sample: {HOSTILE}" in texts(page)
    assert "Quiet" in marks(page)
    assert "script" not in marks(page)
    link = page.get("page_link")[0].proto
    assert (link.label, link.page, link.query_string) == ("Sources", "sources", "source=sample")


def test_several_share_one_line_the_gravest_first(city: City) -> None:
    alert(city, AlertKind.LOST)
    alert(city, AlertKind.REFUSED)
    page = shown()
    assert "sample: refused · sample: posts lost" in texts(page)
    assert "2 alerts" in marks(page)


def an_urgent_post(city: City, minutes: float = 6, **values: Any) -> int:
    """It waits for so long; nobody has opened it."""
    with city.database.writing() as session:
        waits = {"urgent": 1, "urgent_why": "gas", "created_at": now() - timedelta(minutes=minutes)}
        return a_suspect(session, "Smell of gas", **(waits | values)).id or 0


def test_urgent_posts_that_nobody_opened_stand_on_every_page_with_a_way_to_them(city: City) -> None:
    an_urgent_post(city)
    an_urgent_post(city, minutes=5.5)
    an_urgent_post(city, minutes=4)
    an_urgent_post(city, opened_at=now())
    page = shown()
    assert "2 urgent posts nobody has opened for 6 min" in texts(page)
    link = page.get("page_link")[0].proto
    assert (link.label, link.query_string) == ("Show", "view=urgent")


def test_who_takes_them_takes_those_that_were_shown(city: City) -> None:
    an_urgent_post(city, first_posted_at=now() + timedelta(hours=1), opened_at=now())  # stands on the card
    first = an_urgent_post(city)
    page = shown()
    second = an_urgent_post(city)
    next(button for button in page.button if button.label == "I take it").click().run()
    assert not page.exception
    assert (city.suspect(first).acknowledged_by, city.suspect(second).acknowledged_at) == ("demo", None)
    assert "1 urgent post nobody has opened for 6 min" in texts(page)


def test_no_worker_is_said_beside_it(city: City) -> None:
    alert(city, AlertKind.SILENT)
    city.beat(alive=False)
    page = shown()
    assert "The worker stopped at" in page.error[0].value
    assert any(text.startswith("sample: Quiet for 2 h") for text in texts(page))


@pytest.mark.parametrize("name", ["review", "tickets", "rules", "trends", "sources", "settings", "practice"])
def test_every_page_of_the_demo_says_that_nothing_leaves(name: str, city: City) -> None:
    page = shown()
    page.switch_page(f"{name}.py").run()
    assert not page.exception
    assert marks(page).count("Demo city: nothing leaves this computer.") == 1
