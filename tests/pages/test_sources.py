"""The Sources page by `AppTest`: states, errors as text, gaps, what became of the posts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import delete
from streamlit.testing.v1 import AppTest

from connector.models import Gap, ReadCount, SourceState, now
from tests.builders import a_post
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "sources.py")
HOSTILE = "**bold** ![x](http://127.0.0.1:9/x.png) :red[a] <script>alert(1)</script> [l](javascript:1)"


def shown() -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.run()
    assert not page.exception
    return page


def change(city: City, **values: Any) -> None:
    with city.database.writing() as session:
        state = session.get_one(SourceState, "sample")
        for name, value in values.items():
            setattr(state, name, value)
        session.add(state)


def markdown(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.header, *page.error])


def test_a_running_source_and_what_became_of_its_posts(city: City) -> None:
    change(city, state="running", last_post_at=now() - timedelta(minutes=3))
    today = now().astimezone(city.config.city.zone).date()
    with city.database.writing() as session:
        a_post(session)
        for days, outcome, count in ((0, "new", 5), (0, "unmatched", 7), (2, "new", 10), (9, "new", 99)):
            session.add(ReadCount(source="sample", day=today - timedelta(days=days), outcome=outcome, count=count))
        session.add(ReadCount(source="sample", day=today, outcome="refused: no id", count=1))
    page = shown()
    assert "1 of 1 bring posts · worker alive, 0 s ago" in markdown(page)
    row = page.dataframe[0].value.iloc[0]
    assert (list(row["state"]), row["name"], row["last"], row["gaps"], row["flow"][-1]) == (
        ["running"], "Sample", "3 min", "–", 1
    )  # fmt: skip
    became = page.dataframe[-1].value
    assert became.values.tolist() == [
        ["Matched, stored", 5, 15], ["No rule met", 7, 7], ["Refused: no id", 1, 1], ["All", 13, 23]
    ]  # fmt: skip
    assert "No gap is known" in markdown(page)


def test_a_refused_credential_says_what_to_do_and_quotes_as_text(city: City) -> None:
    change(city, state="paused", last_error=HOSTILE, last_error_at=now())
    page = shown()
    assert "The access is refused since" in page.error[0].value
    assert HOSTILE in [element.value for element in page.text]
    assert "javascript" not in markdown(page)
    assert "Restart the worker" in markdown(page)
    assert page.dataframe[0].value.iloc[0]["error"] == HOSTILE
    assert "0 of 1 bring posts" in markdown(page)


def test_a_source_that_does_not_answer_needs_nobody(city: City) -> None:
    change(city, state="catching up", last_error="It answered 503", last_error_at=now())
    page = shown()
    assert not page.error
    assert "tried again by itself" in markdown(page)
    assert "It answered 503" in [element.value for element in page.text]


def test_gaps_are_listed_newest_first_in_city_time(city: City) -> None:
    at = now().replace(hour=20, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with city.database.writing() as session:
        session.add(Gap(source="sample", from_at=at - timedelta(days=1), to_at=at - timedelta(days=1), why=HOSTILE))
        session.add(Gap(source="sample", from_at=at, why="access refused", state="open"))
    page = shown()
    table = page.dataframe[1].value
    local = at.astimezone(city.config.city.zone)
    assert list(table["why"]) == ["access refused", HOSTILE]
    assert table["when"][0] == f"{local:%-d %b, %H:%M} to now"
    assert page.dataframe[0].value.iloc[0]["gaps"] == "2 open"
    assert "javascript" not in markdown(page)


def test_nothing_runs_without_a_worker(city: City) -> None:
    change(city, state="running")
    city.beat(alive=False)
    page = shown()
    assert list(page.dataframe[0].value.iloc[0]["state"]) == ["stopped"]
    assert "0 of 1 bring posts · worker stopped at" in markdown(page)


def test_a_source_that_left_the_settings_is_still_shown(city: City) -> None:
    with city.database.writing() as session:
        session.add(SourceState(name="old feed", kind="no_such_kind", state="running"))
    page = shown()
    assert list(page.dataframe[0].value["name"]) == ["old feed · no_such_kind", "Sample"]


def test_one_that_was_never_read_is_new(city: City) -> None:
    with city.database.writing() as session:
        session.exec(delete(SourceState))
    page = shown()
    assert list(page.dataframe[0].value.iloc[0]["state"]) == ["new"]
    assert "has not been read yet" in page.text[0].value


def test_what_the_kind_can_do_is_a_table(city: City) -> None:
    page = shown()
    told = page.table[0].value
    assert told.loc["Looks back"].iloc[0] == "30 days, once"
    assert told.loc["Rules are met"].iloc[0] == "by us, on every post"
