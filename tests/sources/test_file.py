"""A watched folder: what it brings, what it leaves, what it says of rows and files that cannot be read."""

from __future__ import annotations

import csv
import io
import json
import os
import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import config, sources
from connector.errors import ConfigError, TemporaryError
from connector.incoming import Arrived, Batch, Edited, Incoming, Refused
from connector.models import now
from connector.sources import Source
from connector.sources.file.columns import Reader, RowError, guessed, settled
from connector.sources.file.dates import DateError, order_of, read
from connector.sources.file.table import Row, Table, TableError
from tests.contracts import HANDLE
from tests.source_contract import Peer, SourceContract

ZONE = ZoneInfo("America/Los_Angeles")


class Folder(Peer):
    """One JSON line a post; an edit rewrites its line."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lines, self.numbers = folder, dict[str, dict[str, str]](), count(1)

    @property
    def settings(self) -> dict[str, Any]:
        return {"folder": str(self.folder)}

    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "") -> str:
        id = f"T-{next(self.numbers)}"
        if not repeats:  # nobody exports reposts
            self.lines[id] = {"Ticket #": id, "Description": text, "Opened": now().isoformat(), "User": f"@{author}"}
            with (self.folder / "inbox.jsonl").open("a") as file:
                file.write(json.dumps(self.lines[id]) + "\n")
        return id

    def edit(self, id: str, text: str) -> None:
        self.lines[id]["Description"] = text
        (self.folder / "inbox.jsonl").write_text("".join(json.dumps(line) + "\n" for line in self.lines.values()))


class TestFile(SourceContract):
    kind: ClassVar[str] = "file"

    @pytest.fixture
    def peer(self, tmp_path: Path) -> Peer:
        (tmp_path / "inbox").mkdir()
        return Folder(tmp_path / "inbox")


# -- the folder ----------------------------------------------------------------------------------------------------


def a_source(folder: Path, **settings: Any) -> Source:
    adapter = config.Adapter(kind="file", folder=str(folder), **settings)
    city = config.City(name="Port Alder", timezone="America/Los_Angeles", accounts=["portalder"])
    return sources.load("inbox", adapter, config.Config(city=city, sources={"inbox": adapter}))


class Looks:
    """A few looks into the folder, without waiting; `happens` is called before each."""

    def __init__(self, source: Source, cursor: str = "", looks: int = 3, happens: Any = None) -> None:
        self.left, self.happens = looks, happens
        self.batches: list[Batch] = []
        self.waits: list[float] = []
        self.batches += source.events(cursor, self.stopping)

    def stopping(self, seconds: float) -> bool:
        if seconds:
            self.waits.append(seconds)
            self.left -= 1
            if self.happens:
                self.happens(self.left)
        return self.left <= 0

    @property
    def posts(self) -> list[Incoming]:
        return [e.post for b in self.batches for e in b.events if isinstance(e, Arrived | Edited)]

    @property
    def texts(self) -> list[str]:
        return [post.text for post in self.posts]

    @property
    def refused(self) -> list[str]:
        return [e.why for b in self.batches for e in b.events if isinstance(e, Refused)]

    @property
    def cursor(self) -> str:
        return self.batches[-1].cursor


def write(folder: Path, name: str, text: str, age: float = 60) -> Path:
    file = folder / name
    file.write_bytes(text.encode())
    os.utime(file, (time.time() - age, time.time() - age))
    return file


def test_files_are_read_in_the_order_in_which_they_were_written_and_once(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "id,text\n3,third\n", age=10)
    write(tmp_path, "b.CSV", "id,text\n1,first\n2,second\n", age=20)
    for name in ("notes.pdf", ".hidden.csv", "~lock.csv"):
        write(tmp_path, name, "id,text\n9,never\n")
    write(tmp_path, "empty.csv", "")
    (tmp_path / "folder.csv").mkdir()
    looks = Looks(a_source(tmp_path))
    assert looks.texts == ["first", "second", "third"]
    assert Looks(a_source(tmp_path), looks.cursor).texts == []


def test_a_file_that_grows_is_left_until_its_size_rests(tmp_path: Path) -> None:
    write(tmp_path, "inbox.csv", "id,text\n1,first\n2,sec")

    def grows(left: int) -> None:
        if left == 4:
            write(tmp_path, "inbox.csv", "id,text\n1,first\n2,second\n", age=30)

    looks = Looks(a_source(tmp_path, every=100), looks=5, happens=grows)
    assert looks.texts == ["first", "second"], "the half row never came"
    assert looks.waits[:2] == [2, 2], "it is looked at again soon"


def test_a_changed_file_is_read_again_so_that_rewordings_are_seen(tmp_path: Path) -> None:
    write(tmp_path, "inbox.csv", "id,text\n1,first\n2,second\n")
    looks = Looks(a_source(tmp_path))
    write(tmp_path, "inbox.csv", "id,text\n1,first\n2,second thoughts\n", age=1)
    again = Looks(a_source(tmp_path), looks.cursor)
    assert [(post.source_id, post.text) for post in again.posts] == [("1", "first"), ("2", "second thoughts")]
    assert all(isinstance(event, Edited) for batch in again.batches for event in batch.events)


def test_a_cursor_goes_on_within_a_file(tmp_path: Path) -> None:
    rows = "".join(f"{n},post {n}\n" for n in range(1300))
    write(tmp_path, "inbox.csv", f"id,text\n{rows}")
    first = next(batch for batch in a_source(tmp_path).events("", lambda _: False) if batch.events)
    assert len(first.events) == 500
    rest = Looks(a_source(tmp_path), first.cursor)
    assert [len(batch.events) for batch in rest.batches if batch.events] == [500, 300]
    assert rest.texts[0] == "post 500"
    assert len(rest.cursor) < 100


def test_a_file_that_changed_meanwhile_begins_anew(tmp_path: Path) -> None:
    write(tmp_path, "inbox.csv", "id,text\n" + "".join(f"{n},post {n}\n" for n in range(700)))
    first = next(batch for batch in a_source(tmp_path).events("", lambda _: False) if batch.events)
    write(tmp_path, "inbox.csv", "id,text\n0,other\n")
    assert Looks(a_source(tmp_path), first.cursor).texts == ["other"]


def test_the_cursor_forgets_files_that_are_gone(tmp_path: Path) -> None:
    for number in range(50):
        write(tmp_path, f"{number}.csv", f"id,text\n{number},post\n")
    looks = Looks(a_source(tmp_path))
    for file in tmp_path.iterdir():
        file.unlink()
    assert len(Looks(a_source(tmp_path), looks.cursor).cursor) < 40 < len(looks.cursor)


def test_an_unreadable_file_is_named_while_the_others_are_read(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "when,who\n2026-03-01,someone\n")
    write(tmp_path, "b.csv", "id,text\n1,first\n", age=10)
    source = a_source(tmp_path)
    looks = Looks(source, looks=5)
    assert looks.texts == ["first"]
    assert len(looks.waits) == 5, "it goes on: no failure is noted, and no gap"
    (said,) = source.troubles
    assert said.startswith("The file a.csv cannot be read: no column of its header looks like the text")
    assert "someone" not in said
    write(tmp_path, "a.csv", "when,what\n2026-03-01,someone\n")
    Looks(source, looks.cursor)
    assert source.troubles, "still none"
    write(tmp_path, "a.csv", "when,text\n2026-03-01,mended\n")
    assert Looks(source, looks.cursor).texts == ["mended"]
    assert not source.troubles


def test_a_file_that_could_not_be_opened_is_tried_again(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "id,text\n1,first\n")
    b = write(tmp_path, "b.csv", "id,text\n2,second\n", age=10)
    source, said = a_source(tmp_path), list[str]()
    looks = iter([False] * 9 + [True])
    texts = []
    for batch in source.events("", lambda seconds: bool(seconds) and next(looks)):
        texts += [event.post.text for event in batch.events if isinstance(event, Arrived | Edited)]
        if texts == ["first"] and not said:
            if b.exists():
                b.rename(tmp_path / "b.away")
            else:
                said += source.troubles
                (tmp_path / "b.away").rename(b)
    assert said == ["The file b.csv cannot be read: No such file or directory. Mend it, or take it out of the folder."]
    assert texts == ["first", "second"]
    assert not source.troubles


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    for ask in (lambda s: s.test(), lambda s: next(s.events("", lambda _: False))):
        with pytest.raises(TemporaryError, match=r"`folder` .*gone cannot be read: No such file or directory"):
            ask(a_source(tmp_path / "gone"))


def test_the_test_counts_what_is_to_be_read(tmp_path: Path) -> None:
    write(tmp_path, "inbox.csv", "id,text\n1,first\n")
    assert a_source(tmp_path).test() == "The folder can be read; it holds 1 file to read"


def test_a_refused_row_stops_nothing_and_its_line_is_logged_without_its_text(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "inbox.csv", 'id,text,date\n1,,2026-03-01\n2,"secret,2026-03-01\n3,kept,2026-03-01\n4,dated,soon\n')
    looks = Looks(a_source(tmp_path))
    assert looks.texts == ["kept"]
    assert looks.refused == ["no text", "quotation marks that do not pair", "a date that cannot be read"]
    said = capsys.readouterr().out
    assert [f"line={n}" in said for n in (2, 3, 4, 5)] == [True, True, False, True]
    assert "secret" not in said


def test_a_monthly_limit_is_kept(tmp_path: Path) -> None:
    write(tmp_path, "a.csv", "id,text\n" + "".join(f"{n},post {n}\n" for n in range(30)), age=90)
    write(tmp_path, "b.csv", "id,text\n" + "".join(f"{n},post {n}\n" for n in range(30, 60)))
    source = a_source(tmp_path)
    source.budget = sources.Budget(50)
    batches: list[Batch] = []
    with pytest.raises(sources.SpentError):
        batches.extend(source.events("", lambda _: False))
    assert sum(len(batch.events) for batch in batches) == 50
    source.budget.renew(None)
    assert Looks(source, batches[-1].cursor).texts == [f"post {n}" for n in range(50, 60)]


def test_columns_zone_and_dates_are_settings(tmp_path: Path) -> None:
    head = "Text of it;Nr;When;Wrote it;Where N;Where E;Page\n"
    row = "hole @ann_x #road;7;03.04.2026 10:00;@ann_x;45,5;-122,5;https://example.org/7\n"
    write(tmp_path, "inbox.csv", head + row)
    names = {
        "text": "Text of it", "id": "Nr", "posted_at": "When", "author": "Wrote it", "lat": "Where N", "lon": "Where E",
        "url": "Page",
    }  # fmt: skip
    (post,) = Looks(a_source(tmp_path, columns=names, timezone="Europe/Berlin")).posts
    detail = post.detail
    assert (post.source_id, post.text) == ("7", "hole @ann_x #road")
    assert detail.posted_at == datetime(2026, 4, 3, 8, 0, tzinfo=UTC)
    assert (detail.author and detail.author.handle, detail.lat, detail.lon) == ("ann_x", 45.5, -122.5)
    assert (detail.mentioned, detail.hashtags, detail.link) == (["ann_x"], ["road"], "https://example.org/7")


@pytest.mark.parametrize(
    ("settings", "named"),
    [({"timezone": "Mars/North"}, "Mars/North"), ({"columns": {"title": "x"}}, "columns"), ({"dates": "us"}, "dates")],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        a_source(tmp_path, **settings)


def test_a_hundred_thousand_rows_take_little_memory(tmp_path: Path) -> None:
    with (tmp_path / "big.csv").open("w") as file:
        file.write("id,text,date\n")
        file.writelines(f"{n},something was seen at the park {n},2026-03-01 10:00\n" for n in range(100_000))
    source, seen = a_source(tmp_path), 0
    waits = iter([False, True])
    tracemalloc.start()
    try:
        for batch in source.events("", lambda seconds: bool(seconds) and next(waits)):
            seen += len(batch.events)
            assert len(batch.events) <= 500
            if seen > 3_000:  # the rest is the same again, slowly
                break
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


# -- rows ----------------------------------------------------------------------------------------------------------


def rows(raw: bytes) -> list[tuple[int, dict[str, str], str]]:
    return [(row.line, dict(row.cells), row.problem) for row in Table(io.BytesIO(raw))]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_letters_and_signs_are_found_out(encoding: str, sign: str) -> None:
    text = sign.join(["id", "text", "more"]) + "\r\n" + sign.join(["1", '"café ""à côté""\r\nrue; 5, droite"', "x"])
    assert rows(text.encode(encoding)) == [(2, {"id": "1", "text": 'café "à côté"\r\nrue; 5, droite', "more": "x"}, "")]


BAD = "letters that are neither UTF-8 nor Windows-1252"


@pytest.mark.parametrize(
    ("raw", "problems"),
    [
        ("id,text\n1,café\n2,né\n".encode() + b"3,\xff\n4,ok\n", [(4, BAD)]),
        (b"id,text\n1,caf\xe9\n2,\x81\n", [(3, BAD)]),
        ("id,text\n1,a\n".encode("utf-16") + b"x", [(3, "letters that end in the middle")]),
        (b'id,text\n1,"open\n2,b\n', [(2, "quotation marks that do not pair")]),
        (b"id,text\n1,a, and b\n2,b,\n", [(2, "more cells than headings: a text with the separating sign in it "
                                              "wants quotation marks")]),
        (b"id,text\n1," + b"x" * (2**20 + 1) + b"\n2,b\n", [(2, "a line longer than a million characters")]),
        (b"id,text\n1," + b"x" * 140_000 + b"\n2,b\n", [(2, "a cell longer than 131,072 characters")]),
        (b'{"id": 1}\nnope\n[1]\n\n{"id": 2}', [(2, "no JSON"), (3, "no JSON object")]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_its_line_and_the_rest_is_read(
    raw: bytes, problems: list[tuple[int, str]]
) -> None:
    found = rows(raw)
    assert [(line, problem) for line, _, problem in found if problem] == problems
    assert len(found) > len(problems)


@pytest.mark.parametrize(
    ("raw", "why"),
    [(b"", "empty"), (b"\n \n", "empty"), (b'[{"id": 1}]', "one object a line"), (b'id,"text\n', "line 1 is to name")],
)
def test_a_file_that_is_no_table_is_refused_as_a_whole(raw: bytes, why: str) -> None:
    with pytest.raises(TableError, match=why):
        Table(io.BytesIO(raw))


def test_headings_that_are_empty_or_stand_twice_are_told_apart() -> None:
    table = Table(io.BytesIO(b"text,,text, date \n1,2,3,4\n"))
    assert list(table.header) == ["text", "column 2", "text (3)", "date"]


def test_json_objects_inside_are_named_by_their_path() -> None:
    raw = b'{"text": "a", "user": {"name": "x", "tags": [1]}, "ok": true}\n{"text": "b", "lat": 1.5}'
    table = Table(io.BytesIO(raw))
    assert list(table.header) == ["text", "user.name", "lat"]
    assert [row.cells for row in table] == [{"text": "a", "user.name": "x"}, {"text": "b", "lat": "1.5"}]


cell = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@given(st.lists(st.tuples(cell, cell), max_size=8), st.sampled_from(",;\t"))
def test_what_a_spreadsheet_wrote_is_read_as_it_was(pairs: list[tuple[str, str]], sign: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=sign)
    writer.writerow(["number", "text"])
    writer.writerows(pairs)
    found = rows(out.getvalue().encode())
    assert [(cells["number"], cells["text"]) for _, cells, _ in found] == [pair for pair in pairs if any(pair)]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        table = Table(io.BytesIO(b"id,text\n" + raw))
    except TableError:
        return
    reader = Reader(guessed(table.header), ZONE)
    for row in table:
        try:
            post = reader.post(row)
        except RowError:
            continue
        post.text.encode()
        assert "\0" not in post.text


# -- posts ---------------------------------------------------------------------------------------------------------


def a_post(**cells: str) -> Incoming:
    return Reader(guessed(list(cells)), ZONE).post(Row(1, cells))


def test_usual_headings_are_known() -> None:
    header = ["Ticket #", "Opened", "Requester", "Description", "User Name", "Latitude", "Longitude", "Permalink"]
    assert guessed(header) == {
        "text": "Description", "id": "Ticket #", "posted_at": "Opened", "author": "User Name", "lat": "Latitude",
        "lon": "Longitude", "url": "Permalink",
    }  # fmt: skip


def test_what_is_told_wins_over_what_is_guessed() -> None:
    assert settled({"text": "note", "id": ""}, ["id", "text", "note"]) == {"text": "note"}
    with pytest.raises(TableError, match="no column “Body”, which `text` names"):
        settled({"text": "Body"}, ["id", "text"])


def test_a_row_without_an_id_is_the_same_row_when_it_is_read_again() -> None:
    first, again = a_post(text="a hole", date="2026-03-01"), a_post(date="2026-03-01", text="a hole")
    assert first.source_id == again.source_id
    assert a_post(text="a hole", date="2026-03-02").source_id != first.source_id


@pytest.mark.parametrize("id", ["https://x.com/ann_smith/status/7", "ann_smith-7", "@ann"])
def test_an_id_with_a_handle_in_it_is_hidden(id: str) -> None:
    assert a_post(id=id, text="a hole", author="ann_smith").source_id.startswith("row-")


def test_an_author_with_a_blank_is_a_name_and_hidden_in_the_text() -> None:
    post = a_post(text="a hole, says Ann Smith", author="Ann Smith")
    assert post.detail.author is not None
    assert (post.detail.author.handle, post.detail.author.name) == ("", "Ann Smith")
    assert list(post.detail.people) == ["Ann Smith"]


def test_a_handle_in_the_link_is_hidden_in_the_text_too() -> None:
    assert list(a_post(text="a hole, says ann", url="https://x.com/ann_x/status/7").detail.people) == ["ann_x"]


@pytest.mark.parametrize(("lat", "lon"), [("0", "0"), ("91", "0"), ("x", "1"), ("", "1"), ("nan", "1"), ("1", "181")])
def test_degrees_that_cannot_be_are_no_place(lat: str, lon: str) -> None:
    assert a_post(text="a hole", lat=lat, lon=lon).detail.lat is None


@pytest.mark.parametrize("link", ["javascript:alert(1)", "https://", "www.example.org", "https://a b", "ftp://x.org/"])
def test_only_pages_are_links(link: str) -> None:
    assert a_post(text="a hole", url=link).detail.link == ""


@pytest.mark.parametrize(("told", "lang"), [("en-US", "en"), ("ES", "es"), ("English", ""), ("", "")])
def test_languages_are_codes(told: str, lang: str) -> None:
    assert a_post(text="a hole", lang=told).lang == lang


# -- dates ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-03-25", "2026-03-25 07:00"),
        ("2026-03-25T14:30:00Z", "2026-03-25 14:30"),
        ("2026-03-25 14:30:00.123+02:00", "2026-03-25 12:30"),
        ("2026/3/5 8:05", "2026-03-05 16:05"),
        ("03/25/2026 02:30 PM", "2026-03-25 21:30"),
        ("12/31/2025 12:05 am", "2025-12-31 08:05"),
        ("25/03/2026", "2026-03-25 07:00"),
        ("4/4/26", "2026-04-04 07:00"),
        ("03.04.2026 14:30", "2026-04-03 21:30"),
        ("25 Mar 2026", "2026-03-25 07:00"),
        ("Mar 25, 2026 2:30 p.m.", "2026-03-25 21:30"),
        ("Wednesday, March 25th, 2026 at 14:30", "2026-03-25 21:30"),
        ("Wed, 25 Mar 2026 14:30:00 GMT", "2026-03-25 14:30"),
        ("Wed Mar 25 14:30:00 +0000 2026", "2026-03-25 14:30"),
        ("1774400000", "2026-03-25 00:53"),
        ("1774400000000", "2026-03-25 00:53"),
    ],
)
def test_common_dates_are_read_in_the_citys_zone(text: str, utc: str) -> None:
    assert f"{read(text, ZONE):%Y-%m-%d %H:%M}" == utc


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("03/04/2026", "two days"), ("3-4-26 10:00", "two days"), ("soon", "cannot be read"),
        ("2026-13-01", "cannot be read"), ("13/13/2026", "cannot be read"), ("2026-02-30", "cannot be read"),
        ("2026-03-01 13:00 PM", "cannot be read"), ("45992.5", "cannot be read"), ("2062-01-01", "lies ahead"),
        ("2026-03-01T10:00+99:99", "cannot be read"), ("25 Smarch 2026", "cannot be read"),
    ],
)  # fmt: skip
def test_other_dates_are_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(DateError, match=why):
        read(text, ZONE)


def test_a_setting_says_what_stands_first() -> None:
    assert read("03/04/2026", ZONE, "month first").day == 4
    assert read("03/04/2026", ZONE, "day first").day == 3


@pytest.mark.parametrize(
    ("texts", "order", "unclear"),
    [
        (["03/04/2026", "03/25/2026"], "month first", True),
        (["03/04/2026", "25/03/2026"], "day first", True),
        (["03/25/2026", "25/03/2026", "1/2/26"], "clear", True),
        (["03/04/2026"], "clear", True),
        (["03.04.2026", "2026-03-04", "4/4/2026"], "clear", False),
    ],
)
def test_a_column_tells_how_its_dates_are_meant(texts: list[str], order: str, unclear: bool) -> None:
    assert order_of(texts) == (order, unclear)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2026, 1, 1)))  # noqa: DTZ001
def test_iso_dates_come_back(at: datetime) -> None:
    moment = at.replace(tzinfo=ZONE, microsecond=0).astimezone(UTC)
    assert read(moment.isoformat(), ZONE) == moment
    assert abs(read(f"{at:%m/%d/%Y %I:%M %p}", ZONE, "month first") - moment) < timedelta(hours=1, minutes=1)
