"""The Sources page by `AppTest`: states, errors as text, gaps and their verbs, the budget, what became of posts."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import delete, select
from streamlit.testing.v1 import AppTest

from connector import config, screen, store
from connector.models import Alert, AlertKind, AuditEntry, Gap, GapCause, GapState, ReadCount, SourceState, now
from connector.screen import sources as parts
from tests.builders import a_post
from tests.pages.browser import City, forget

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "sources.py")
HOSTILE = "**bold** ![x](http://127.0.0.1:9/x.png) :red[a] <script>alert(1)</script> [l](javascript:1)"


def shown(**address: str) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    return page


def change(city: City, **values: Any) -> None:
    with city.database.writing() as session:
        state = session.get_one(SourceState, "sample")
        for name, value in values.items():
            setattr(state, name, value)
        session.add(state)


def a_gap(city: City, hours_ago: float = 30, minutes: float | None = 17, **values: Any) -> int:
    begin = now() - timedelta(hours=hours_ago)
    end = None if minutes is None else begin + timedelta(minutes=minutes)
    defaults = {"source": "sample", "from_at": begin, "to_at": end, "cause": GapCause.RATE_LIMIT}
    with city.database.writing() as session:
        gap = Gap(**(defaults | values))
        session.add(gap)
        session.flush()
        return gap.id or 0


def gap(city: City, gap_id: int) -> Gap:
    with city.database.reading() as session:
        return session.get_one(Gap, gap_id)


def markdown(page: AppTest) -> str:
    return "\n".join(element.value for element in [*page.markdown, *page.header, *page.error])


def texts(page: AppTest) -> list[str]:
    return [element.value for element in page.text]


def buttons(page: AppTest) -> set[str]:
    """Those of the chosen source."""
    return {button.label for button in page.button} - {"Import a file"}


def settled(tmp_path: Path, sources: str) -> Iterator[City]:
    """A city with these sources; made from a migrated file, without a catalogue, since no page here asks for one."""
    (tmp_path / "connector.toml").write_text(f'[city]\nname = "T"\ntimezone = "America/Los_Angeles"\n{sources}')
    forget()
    settings = config.load()
    made = City(settings, store.open_database(settings))
    made.beat()
    yield made
    made.database.close()
    forget()


@pytest.fixture(autouse=True)
def _migrated(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(sqlite_template, tmp_path / "town.db")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'town.db'}")


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    """One source, never read yet."""
    for made in settled(tmp_path, '[sources.sample]\nkind = "sample"\n'):
        with made.database.writing() as session:
            session.add(SourceState(name="sample", kind="sample"))
        yield made


@pytest.fixture
def town(tmp_path: Path) -> Iterator[City]:
    """X with a limit, and one source whose kind is not known here."""
    told = '[sources.x]\nkind = "x"\nmonthly_limit = 20000\nprice_per_post = 0.005\nbearer_token = "env:NOT_SET"\n'
    for made in settled(tmp_path, f'{told}[sources.odd]\nkind = "smoke"\n'):
        with made.database.writing() as session:
            session.add(SourceState(name="x", kind="x", state="running", last_post_at=now()))
        yield made


def test_a_running_source_and_what_became_of_its_posts(city: City) -> None:
    change(city, state="running", last_post_at=now() - timedelta(minutes=3))
    today = now().astimezone(city.config.city.zone).date()
    with city.database.writing() as session:
        a_post(session)
        for days, outcome, count in (
            (0, "new", 5), (0, "unmatched", 7), (0, "late", 2), (2, "new", 10), (9, "new", 99)
        ):  # fmt: skip
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
        ["Matched, stored", 5, 15], ["No rule met", 7, 7], ["Deleted before it came", 2, 2], ["Refused: no id", 1, 1],
        ["All", 15, 25],
    ]  # fmt: skip
    assert "No gap is known" in markdown(page)


def test_a_refused_credential_says_what_to_do_and_quotes_as_text(city: City) -> None:
    change(city, state="paused", last_error=HOSTILE, last_error_at=now())
    begun = gap(city, a_gap(city, 50, minutes=None, cause=GapCause.REFUSED)).from_at.astimezone(city.config.city.zone)
    page = shown()
    assert f"The access is refused since {begun:%-d %b, %H:%M}" in page.error[0].value, "not since the last try"
    assert HOSTILE in [element.value for element in page.text]
    assert "javascript" not in markdown(page)
    assert "both read the settings when they start" in markdown(page), "a new key is not in use before"
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
    for day in (1, 0):
        begin = at - timedelta(days=day)
        a_gap(city, from_at=begin, to_at=begin, why=HOSTILE if day else "busy", state=GapState.LOST, posts=day * 1834)
    a_gap(city, from_at=at, to_at=None, why=HOSTILE, cause=GapCause.REFUSED)
    page = shown()
    table = page.dataframe[1].value
    local = at.astimezone(city.config.city.zone)
    assert list(table["why"]) == ["busy", HOSTILE]
    assert list(table["posts"]) == ["–", "1,834"]
    assert table["when"][0] == f"{local:%-d %b, %H:%M} to {local:%H:%M}"
    assert f"**{local:%-d %b, %H:%M} to now** :gray[·" in markdown(page)
    assert f"Not over yet. {HOSTILE}" in texts(page)
    assert page.dataframe[0].value.iloc[0]["gaps"] == "1 open"
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


# -- states and verbs ----------------------------------------------------------------------------------------------


def test_each_state_is_told_apart_and_the_worst_is_chosen(city: City) -> None:
    with city.database.writing() as session:
        session.add(Alert(source="sample", kind=AlertKind.SILENT, says="Quiet for 2 h, usually 34 posts by now."))
    change(city, state="running", last_post_at=now())
    page = shown()
    assert list(page.dataframe[0].value.iloc[0]["state"]) == ["quiet"]
    assert "Quiet for 2 h, usually 34 posts by now." in texts(page)
    change(city, state="catching up", last_error="503", last_error_at=now())
    assert list(shown().dataframe[0].value.iloc[0]["state"]) == ["no answer"]
    change(city, state="catching up", last_error="")
    assert list(shown().dataframe[0].value.iloc[0]["state"]) == ["catching up"]
    change(city, state="paused", last_error="The limit is reached.")
    a_gap(city, minutes=None, cause=GapCause.CREDITS)
    page = shown()
    assert list(page.dataframe[0].value.iloc[0]["state"]) == ["limit used up"]
    assert "Its limit is used up" in page.error[0].value
    change(city, asked="pause")
    assert list(shown().dataframe[0].value.iloc[0]["state"]) == ["paused"]


def test_what_a_person_should_look_at_is_shown_as_soon_as_it_is_found(city: City) -> None:
    change(city, state="running")
    before = parts._signature()
    assert parts._signature() == before
    change(city, troubles=[HOSTILE])
    assert parts._signature() != before
    page = shown()
    assert HOSTILE in texts(page)
    assert page.dataframe[0].value.iloc[0]["error"] == HOSTILE


def test_a_source_is_tried_again_and_paused_by_a_button(city: City) -> None:
    change(city, state="paused", last_error="Refused")
    page = shown()
    assert buttons(page) == {"Try again now", "Pause", "Test the connection"}
    page.button(key="retry_sample").click().run()
    assert asked(city) == "retry"
    assert "Trying again is asked for" in markdown(page)
    change(city, state="running", last_error="", asked="")
    page = shown()
    assert buttons(page) == {"Pause", "Test the connection"}
    page.button(key="pause_sample").click().run()
    assert asked(city) == "pause"
    change(city, state="paused")
    page = shown()
    assert buttons(page) == {"Go on", "Test the connection"}
    with city.database.reading() as session:
        entries = session.exec(select(AuditEntry.what, AuditEntry.by)).all()
    assert [(what, by) for what, by in entries if what.startswith("source")] == [
        ("source: retry", "local"), ("source: pause", "local")
    ]  # fmt: skip


def test_while_the_platform_asks_to_wait_nobody_is_offered_to_try(city: City) -> None:
    at = now() + timedelta(minutes=9)
    change(city, state="catching up", last_error="X answers 429.", last_error_at=now(), retry_at=at)
    before = parts._signature()
    page = shown()
    assert f"tried again at {screen.clock(at)}, not sooner" in markdown(page)
    assert buttons(page) == {"Pause"}
    change(city, retry_at=now() - timedelta(seconds=1))
    assert parts._signature() != before, "the page is drawn anew when the wait is over"
    assert buttons(shown()) == {"Try again now", "Pause", "Test the connection"}
    change(city, retry_at=at, last_error="")
    assert f"tried again at {screen.clock(at)}, not sooner" in markdown(shown()), "paused and let go on meanwhile"


def asked(city: City) -> str:
    with city.database.reading() as session:
        return session.get_one(SourceState, "sample").asked


def test_the_connection_is_tested_without_waiting_for_it(town: City) -> None:
    page = shown(source="x")
    page.button(key="test_x").click().run()
    for _ in range(50):
        if any("NOT_SET" in text for text in texts(page)):
            break
        time.sleep(0.1)
        page.run()
    (said,) = [text for text in texts(page) if "NOT_SET, which is not set" in text]
    assert re.match(r"\d\d:\d\d: ", said), "an answer grows old"


def test_lost_posts_are_seen_by_a_button(city: City) -> None:
    with city.database.writing() as session:
        session.add(Alert(source="sample", kind=AlertKind.LOST, says=HOSTILE))
    page = shown()
    assert HOSTILE in texts(page)
    page.button(key="seen_1").click().run()
    assert HOSTILE not in texts(page)
    page.button(key="pause_sample").click().run()
    with city.database.reading() as session:
        assert session.get_one(Alert, 1).closed_at


# -- gaps ----------------------------------------------------------------------------------------------------------


def test_each_open_gap_says_what_happens_next(town: City) -> None:
    soon = now() + timedelta(minutes=20)
    a_gap(town, 50, source="x", due_at=soon, posts=112, error=HOSTILE)
    a_gap(town, 40, source="x")
    a_gap(town, 30, source="x", due_at=now())
    page = shown(source="x")
    local = soon.astimezone(town.config.city.zone)
    told = [text for text in texts(page) if "fill" in text or "Waits" in text]
    assert told[0] == "Is being filled."
    assert told[1] == "Waits for you."
    assert told[2].endswith(f"{local:%H:%M}. 112 posts so far. Last try: {HOSTILE}")
    assert "17 min · rate limit" in markdown(page)


def test_a_gap_is_filled_now_or_said_to_be_lost(town: City) -> None:
    older, newer = a_gap(town, 50, source="x"), a_gap(town, 40, source="x")
    page = shown(source="x")
    page.button(key=f"fill_{newer}").click().run()
    assert gap(town, newer).due_at
    assert gap(town, older).due_at is None
    page.button(key=f"lose_{older}").click().run()
    assert (gap(town, older).state, gap(town, newer).state) == (GapState.LOST, GapState.OPEN)
    assert list(page.dataframe[1].value["state"]) == ["lost"]


def test_who_is_slower_is_told_so(town: City) -> None:
    one = a_gap(town, source="x")
    page = shown(source="x")
    with town.database.writing() as session:
        session.get_one(Gap, one).state = GapState.FILLED
    page.button(key=f"fill_{one}").click().run()
    assert "It moved meanwhile; look again." in texts(page)


def test_what_cannot_be_filled_offers_no_filling(city: City) -> None:
    one = a_gap(city)
    page = shown()
    assert "Waits for you: this source cannot bring them later." in texts(page)
    assert "Fill now" not in buttons(page)
    page.button(key=f"lose_{one}").click().run()
    assert gap(city, one).state == GapState.LOST


def test_many_open_gaps_do_not_bury_the_page(town: City) -> None:
    for hours in range(20, 40):
        a_gap(town, hours, source="x")
    page = shown(source="x")
    assert len([button for button in page.button if button.label == "Fill now"]) == 6
    assert "and 14 more that are open" in markdown(page)


def test_the_timeline_tells_states_by_sign_and_names_them_in_words(town: City) -> None:
    a_gap(town, 50, source="x")
    a_gap(town, 60, source="x", state=GapState.LOST, cause=GapCause.BACK_PRESSURE)
    a_gap(town, 24 * 9, source="x", state=GapState.LOST)
    page = shown(source="x")
    chart = page.get("vega_lite_chart")[0].proto
    words = json.dumps(json.loads(chart.spec))
    assert '"shape": {"field": "state"' in words
    assert "strokeDash" in words
    (drawn,) = [data.data.data for data in chart.datasets if b"lost" in data.data.data]
    assert b"we were too slow" in drawn
    assert not shown().exception


def test_without_a_gap_there_is_no_timeline(city: City) -> None:
    assert len(shown().get("vega_lite_chart")) == 0


# -- figures -------------------------------------------------------------------------------------------------------


def test_the_months_budget_says_how_far_the_limit_is_used(town: City) -> None:
    today = now().astimezone(town.config.city.zone).date()
    with town.database.writing() as session:
        for outcome, count, cost in (("new", 1000, 5_000_000), ("unmatched", 4000, 20_000_000), ("deleted", 70, 0)):
            session.add(ReadCount(source="x", day=today, outcome=outcome, count=count, cost_micros=cost))
        before = today.replace(day=1) - timedelta(days=1)
        session.add(ReadCount(source="x", day=before, outcome="new", count=900, cost_micros=9_000_000))
    page = shown(source="x")
    assert "**5,000** posts · 25.00 in the account's currency" in markdown(page)
    assert page.get("progress")[0].proto.text == "25 % of 20,000 posts a month"
    assert "At the limit reading stops until 1 " in markdown(page)
    row = page.dataframe[0].value.set_index("name").loc["X"]
    assert (row["read"], row["cost"]) == (5000, "25.00")
    with town.database.writing() as session:
        session.add(ReadCount(source="x", day=today, outcome="own", count=15_000))
    assert "Reading has stopped until 1 " in markdown(shown(source="x"))


def test_without_a_limit_none_is_drawn(city: City) -> None:
    page = shown()
    assert "No monthly limit is set" in markdown(page)
    assert len(page.get("progress")) == 0


def test_terms_stand_where_x_is_configured(town: City) -> None:
    told = shown(source="x").table[0].value
    assert "government" in told.loc["Terms"].iloc[0]
    assert told.loc["Gaps"].iloc[0] == "can be filled"
    assert told.loc["Rules can ask for"].iloc[0] == "everything"


def test_a_kind_without_an_adapter_is_said_to_be_missing(town: City) -> None:
    page = shown(source="odd")
    assert "Nothing is known of this kind here: its adapter is not installed." in texts(page)
    assert "Fill now" not in buttons(page)


def test_a_source_that_left_the_settings_cannot_be_asked_for_anything(town: City) -> None:
    with town.database.writing() as session:
        session.add(SourceState(name="old", kind="x", state="running"))
    one = a_gap(town, source="old")
    page = shown(source="old")
    assert "The settings do not name it" in page.text[0].value
    assert buttons(page) == {"Say it is lost"}
    page.button(key=f"lose_{one}").click().run()
    assert gap(town, one).state == GapState.LOST


def test_no_source_at_all_says_how_to_name_one(town: City, tmp_path: Path) -> None:
    with town.database.writing() as session:
        session.exec(delete(SourceState))
    (tmp_path / "connector.toml").write_text('[city]\nname = "Testville"\n')
    assert "No source yet" in markdown(shown())
