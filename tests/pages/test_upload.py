"""A file through the browser: looked at, corrected, taken in; by `AppTest`."""

from __future__ import annotations

from pathlib import Path

from sqlmodel import select
from streamlit.testing.v1 import AppTest

from connector.models import Post
from tests.pages.browser import City
from tests.pages.test_review import HOSTILE

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "sources.py")
EXPORT = (
    "Ticket #,Description,Comment,Opened,User\n"
    '1001,"huge pothole on Quarry Road, says ann_example",street,25/03/2026 10:00,ann_example\n'
    "1002,,nothing,25/03/2026,x\n"
    "1003,a nice day at the park,pothole in the comment,26/03/2026,x\n"
)


def uploaded(text: str, name: str = "export.csv") -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    page.run()
    page.button(key="import_file").click().run()
    page.file_uploader[0].upload(name, text.encode()).run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    html = [element.proto.body for element in page.get("html")]
    return "\n".join([*(text.value for text in page.text), *(text.value for text in page.markdown), *html])


def texts(city: City) -> list[str]:
    with city.database.reading() as session:
        return [post.text for post in session.exec(select(Post).order_by(Post.id))]  # type: ignore[arg-type]


def take_in(page: AppTest) -> AppTest:
    page.button(key="take_in_upload").click().run()
    assert not page.exception
    return page


def test_a_file_is_looked_at_and_taken_in(city: City) -> None:
    page = uploaded(EXPORT)
    first = page.dataframe[0].value
    assert first["text"].tolist() == [
        "huge pothole on Quarry Road, says …", "Refused: no text", "a nice day at the park"
    ]  # fmt: skip
    assert first["date"].tolist()[0] == "25 Mar 2026, 10:00"
    assert page.button(key="take_in_upload").label == "Take in 3 rows"
    assert "ann_example" not in first.to_csv()
    take_in(page)
    assert "3 read, 1 met a rule, 1 new, 0 known, 1 row refused: line 3 no text" in said(page)
    (text,) = texts(city)
    assert text.startswith("huge pothole on Quarry Road")
    assert page.file_uploader[0].value is None


def test_a_column_that_was_guessed_wrong_is_corrected(city: City) -> None:
    page = uploaded(EXPORT)
    next(box for box in page.selectbox if box.label == "Text").set_value("Comment").run()
    assert page.dataframe[0].value["text"].tolist()[2] == "pothole in the comment"
    take_in(page)
    assert texts(city) == ["pothole in the comment"]


def test_dates_that_could_be_two_days_are_asked_about_first(city: City) -> None:
    page = uploaded("id,text,date\n1,a pothole,03/04/2026\n")
    assert page.button(key="take_in_upload").disabled
    assert page.dataframe[0].value["text"].tolist()[0].startswith("Refused: a date that could be two days")
    next(box for box in page.selectbox if "03/04/2026" in box.label).set_value("day first").run()
    assert page.dataframe[0].value["date"].tolist() == ["3 Apr 2026, 00:00"]
    assert not page.button(key="take_in_upload").disabled


def test_a_file_that_is_no_table_is_refused_in_a_sentence(city: City) -> None:
    page = uploaded("when\n1\n")
    assert "None of its columns seems to be the text: choose the one that is." in said(page)
    assert not [button for button in page.button if button.label.startswith("Take in")]


def test_hostile_cells_and_headings_stay_text(city: City) -> None:
    heading = HOSTILE[0].replace(",", "")
    page = uploaded(f'text,"{heading}"\n' + "".join(f'"{text.replace(chr(34), chr(39))}",x\n' for text in HOSTILE))
    take_in(page)
    assert all("![x]" not in element.value for element in page.markdown)
    assert all("<script>alert" not in element.proto.body for element in page.get("html"))
    assert len(texts(city)) == len(HOSTILE)
