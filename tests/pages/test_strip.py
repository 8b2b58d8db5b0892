"""The line under the navigation: nothing while all is well, one line for worker and one for alerts, on every page."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from connector.models import Alert, AlertKind, now
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


def test_no_worker_is_said_beside_it(city: City) -> None:
    alert(city, AlertKind.SILENT)
    city.beat(alive=False)
    page = shown()
    assert "The worker stopped at" in page.error[0].value
    assert any(text.startswith("sample: Quiet for 2 h") for text in texts(page))
