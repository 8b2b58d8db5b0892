"""Files of JSON lines as they lie about, and every recorded file of the shared folder, counted exactly."""

from __future__ import annotations

import io
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.incoming import Kind
from connector.sources.x.lines import LIMIT, Line, blocks, looked_at, read, split, whole_lines

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).parents[2].parent / "shared")) / "data" / "x"


def a_line(number: int = 1, **fields: Any) -> bytes:
    return json.dumps({"data": {"id": str(number), "text": "Lamp out", **fields}}).encode()


def lines(content: bytes, **options: Any) -> list[Line]:
    return list(split(io.BytesIO(content), **options))


def ids(found: list[Line]) -> list[str]:
    return [post.source_id for line in found for post in line.posts]


def test_empty_file_has_no_lines() -> None:
    assert lines(b"") == lines(b"\n\r\n  \n\xef\xbb\xbf") == []


def test_lines_are_numbered_as_an_editor_does_and_blank_ones_skipped() -> None:
    found = lines(a_line(1) + b"\r\n\r\n\n" + a_line(2) + b"\r\n")
    assert [(line.number, line.problem) for line in found] == [(1, ""), (4, "")]
    assert ids(found) == ["1", "2"]


def test_end_counts_the_bytes_read() -> None:
    content = a_line(1) + b"\n\n" + a_line(2)
    assert [line.end for line in lines(content)] == [len(a_line(1)) + 1, len(content)]


def test_last_line_needs_no_newline() -> None:
    assert ids(lines(a_line(1) + b"\n" + a_line(2))) == ["1", "2"]


def test_truncated_last_line_is_bad_and_named() -> None:
    first, last = lines(a_line(1) + b"\n" + a_line(2)[:20])
    assert (first.problem, last.number, last.posts) == ("", 2, ())
    assert last.problem == "not JSON: it breaks off after 20 bytes (last line, truncated?)"


def test_bad_line_in_the_middle_stops_nothing() -> None:
    found = lines(a_line(1) + b"\nnonsense\n" + a_line(3) + b"\n")
    assert ids(found) == ["1", "3"]
    assert [(line.number, line.problem) for line in found if line.problem] == [(2, "not JSON: the fault is at byte 0")]


def test_byte_order_mark_is_accepted() -> None:
    assert ids(lines(b"\xef\xbb\xbf" + a_line(1) + b"\n")) == ["1"]


def test_page_that_is_bad_in_part_keeps_its_posts() -> None:
    (line,) = lines(json.dumps({"data": [{"id": "1", "text": "a"}, {"id": "2"}]}).encode())
    assert (ids([line]), line.problem) == (["1"], "1 of 2 entries: JSON, but no post: it has no text")


def test_line_of_a_megabyte_is_read() -> None:
    assert ids(lines(a_line(1, source="x" * 2**20) + b"\n" + a_line(2))) == ["1", "2"]


class Watched(io.BytesIO):
    """Remembers the longest piece that was asked for."""

    longest = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        self.longest = max(self.longest, sys.maxsize if size is None or size < 0 else size)
        return super().readline(size)


@pytest.mark.parametrize("end", [b"\n" + a_line(2), b""])
def test_line_beyond_the_limit_is_passed_over_and_never_held(end: bytes) -> None:
    limit = 2**20
    content = a_line(1, source="x" * (3 * limit)) + end
    file = Watched(content)
    found = list(split(file, limit))
    assert (found[0].number, found[0].problem) == (1, "longer than 1 MB")
    assert found[-1].end == len(content)
    assert ids(found) == (["2"] if end else [])
    assert file.longest == limit + 1
    assert LIMIT == 16 * 2**20


def test_line_of_exactly_the_limit_is_read() -> None:
    line = a_line(1)
    assert ids(lines(line + b"\n" + line, limit=len(line))) == ["1", "1"]


_LINES = st.sampled_from([a_line(1), a_line(2, source="x" * 40), b"nonsense", b"", b" ", b"\xef\xbb\xbf", b"x" * 300])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n"]))), _LINES, st.integers(1, 400))
def test_blocks_hold_the_same_lines(ended: list[tuple[bytes, bytes]], last: bytes, size: int) -> None:
    """However many together: the same posts, problems and numbers, also after a line beyond the limit."""
    content, limit = b"".join(line + end for line, end in ended) + last, 200
    cut = list(blocks(io.BytesIO(content), size, limit))
    found = [
        (line.number, line.problem, [post.source_id for post in line.posts])
        for block in cut
        for each in [whole_lines(block)]
        for line in looked_at(block, each, range(len(each)), limit)
    ]
    assert found == [(line.number, line.problem, ids([line])) for line in split(io.BytesIO(content), limit)]
    assert all(len(block.content) <= 2 * (size + limit + 2) for block in cut)
    assert [block.end for block in cut[-1:]] == ([len(content)] if content else [])


def test_file_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(a_line(1) + b"\n")
    assert ids(list(read(path))) == ["1"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(a_line(2))))
    assert ids(list(read(None))) == ["2"]


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read(tmp_path / "none.jsonl"))


COUNTS = {
    "edited.jsonl": (1, 0),
    "edited_after.jsonl": (1, 0),
    "edited_before.jsonl": (1, 0),
    "entities_test.jsonl": (474, 0),
    "flat.jsonl": (100, 0),
    "media_tweet.jsonl": (1, 0),
    "mentions_tweet.jsonl": (1, 0),
    "openapi-2.167.json": (0, 28933),
    "recorded_v2_exchanges.jsonl": (0, 165),
    "streaming_output_with_error.jsonl": (7, 1),
    "users_compliance.jsonl": (0, 2),
    "verified_type.jsonl": (1, 0),
    "withheld.jsonl": (215, 0),
}
"""Posts and bad lines. The description of the API, the recorded exchanges and the compliance events hold no posts."""

needs_recordings = pytest.mark.skipif(
    not SHARED.is_dir(), reason="no recorded files: CONNECTOR_SHARED/data/x is absent"
)


@needs_recordings
def test_every_recorded_file_is_counted() -> None:
    assert {path.name for path in SHARED.glob("*.json*")} == set(COUNTS)


@needs_recordings
@pytest.mark.parametrize("name", sorted(COUNTS))
def test_recorded_file_goes_through(name: str) -> None:
    found = list(read(SHARED / name))
    posts = [post for line in found for post in line.posts]
    assert (len(posts), sum(bool(line.problem) for line in found)) == COUNTS[name]
    for post in posts:
        detail = post.detail
        assert post.source_id.isdigit()
        assert detail.author is not None or name == "withheld.jsonl", "only a withheld author is missing"
        assert detail.posted_at is not None
        assert detail.posted_at.utcoffset() == timedelta(0)


@needs_recordings
def test_recorded_reposts_have_their_full_text() -> None:
    posts = [post for line in read(SHARED / "flat.jsonl") for post in line.posts if post.detail.kind == Kind.REPOST]
    assert len(posts) > 40
    assert not any(post.text.endswith("…") for post in posts)
