"""The Trends page by `AppTest`: figures, the change against the period before, an empty city."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from connector import trends
from connector.models import now
from connector.screen import trends as parts
from tests.builders import a_dispatch, a_post, a_suspect, a_ticket
from tests.pages.browser import City

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "trends.py")


@pytest.fixture
def busy(city: City) -> City:
    """This week four accepted and two dismissed, one waiting; a day's worth more than 28 days ago, half as many."""
    with city.database.writing() as session:
        for number in range(7):
            posted = now() - timedelta(hours=2 + 20 * number)
            status = ["accepted"] * 4 + ["dismissed"] * 2 + ["waiting"]
            suspect = a_suspect(
                session, type_code="graffiti" if number % 2 else "pothole", status=status[number],
                post=a_post(session, posted_at=posted), lat=45.5, lon=-131.0, district="Dockside" if number else "",
                decided_at=posted + timedelta(minutes=30) if number < 6 else None,
            )  # fmt: skip
            if number == 0:
                accepted = posted + timedelta(minutes=30)
                dispatch = a_dispatch(session, suspect, created_at=accepted)
                a_ticket(session, dispatch, opened_at=accepted + timedelta(seconds=40))
        for number in range(4):
            posted = now() - timedelta(days=10 if number < 3 else 80)
            a_suspect(
                session, status="accepted", post=a_post(session, posted_at=posted),
                decided_at=posted + timedelta(minutes=20),
            )  # fmt: skip
    return city


def shown(period: str = "28", district: str = "") -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.session_state["Period"] = period
    page.run()
    if district:
        page.selectbox[0].set_value(district).run()
    assert not page.exception
    return page


def figures(page: AppTest) -> dict[str, tuple[str, str]]:
    return {metric.label: (metric.value, metric.delta) for metric in page.metric}


def said(page: AppTest) -> str:
    return "\n".join(element.value for element in page.markdown)


def test_five_figures_with_their_change(busy: City) -> None:
    page = shown("7")
    assert figures(page) == {
        "Posts matched": ("7", "133 %"),
        "Accepted": ("4", "33 %"),
        "Of decided, accepted": ("67 %", "-33 points"),
        "Post to decision, median": ("30 min", "10 min"),
        "Accept to ticket, median": ("40 s", ""),
    }
    assert "compared with the 7 days before" in said(page)


def test_without_earlier_posts_nothing_is_compared(city: City) -> None:
    with city.database.writing() as session:
        a_suspect(session)
    page = shown()
    assert "no earlier 28 days to compare with" in said(page)
    assert {delta for _, delta in figures(page).values()} == {""}


def test_the_city_zone_is_named_once(busy: City) -> None:
    assert said(shown()).count("America/Los_Angeles") == 1
    assert said(shown("364")).count("America/Los_Angeles") == 1


def test_a_year_is_shown_by_week(busy: City) -> None:
    page = shown("364")
    assert page.header[0].value == "By week"
    assert figures(page)["Posts matched"][0] == "11"


def test_a_district_narrows_the_figures(busy: City) -> None:
    assert figures(shown("7", "Dockside"))["Posts matched"][0] == "6"


def test_the_least_accepted_rules_come_first(busy: City) -> None:
    table = shown("7").dataframe[0].value
    assert list(table["share"].dropna()) == sorted(table["share"].dropna())
    assert sum(table["matched"]) == 7


def test_charts_and_tables_have_words_for_those_who_do_not_see_them(busy: City) -> None:
    page = shown("7")
    alts = [element.proto.alt for element in [*page.get("vega_lite_chart"), *page.dataframe]]
    assert len(alts) == 4
    assert all(alts)
    assert "7 posts matched" in alts[0]


def test_nothing_to_count_is_said(city: City) -> None:
    page = shown()
    assert "Nothing to count yet" in said(page)
    assert not page.metric


def test_the_csv_counts_days_when_it_is_asked_for(busy: City) -> None:
    shown("364")
    lines = parts.csv(364, "")().decode().splitlines()
    assert lines[0] == "day,district,posts,suspects,accepted"
    assert len(lines) == 365
    assert sum(int(line.split(",")[2]) for line in lines[1:]) == 11


def test_names_at_the_lines_do_not_lie_on_each_other() -> None:
    day = trends.Day(now().date(), 5, 5, 5)
    places = [row["count"] for row in parts._places(day, top=100)]
    assert places == sorted(places)
    assert min(b - a for a, b in zip(places, places[1:], strict=False)) >= 100 * parts._NAME_GAP


def test_period_and_district_stand_in_the_address_and_come_from_it(busy: City) -> None:
    page = shown("7", "Dockside")
    assert page.query_params["days"] in ("7", ["7"])
    assert page.query_params["district"] in ("Dockside", ["Dockside"])
    again = AppTest.from_file(PAGE, default_timeout=60)
    again.query_params["days"], again.query_params["district"] = "364", "Dockside"
    again.run()
    assert (again.session_state["Period"], again.selectbox[0].value) == ("364", "Dockside")


A_YEAR = """
from datetime import date, timedelta

from connector import trends
from connector.screen import trends as parts

parts.lines([trends.Day(date(2026, 1, 5) + timedelta(weeks=n), int(n > 3), 0, 0) for n in range(8)], True)
"""


def test_a_year_begins_with_the_first_post(busy: City) -> None:
    page = AppTest.from_string(A_YEAR, default_timeout=60).run()
    assert not page.exception
    (chart,) = page.get("vega_lite_chart") or page.get("arrow_vega_lite_chart")
    assert "from 2 Feb 2026" in chart.proto.alt
    axis = json.loads(chart.proto.spec)["layer"][0]["encoding"]["x"]["axis"]
    assert (axis["format"], len(axis["values"])) == ("%-d %b", 4), "a year that has only begun is told by its weeks"
