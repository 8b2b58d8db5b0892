"""Files of JSON lines as they lie about, and every recorded file of the shared folder, counted exactly."""

from __future__ import annotations

import io
import json
import os
import tempfile
import tracemalloc
from collections.abc import Iterable
from datetime import timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.incoming import Kind
from connector.sources.x.lines import (
    CHUNK,
    LIMIT,
    Block,
    Line,
    blocks,
    looked_at,
    of_span,
    parsed,
    raw,
    spans,
    whole_lines,
)
from connector.sources.x.payload import LineError, decode

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).parents[2].parent / "shared")) / "data" / "x"


def a_line(number: int = 1, **fields: Any) -> bytes:
    return json.dumps({"data": {"id": str(number), "text": "Lamp out", **fields}}).encode()


def lines(content: bytes, size: int = CHUNK, limit: int = LIMIT) -> list[Line]:
    return looked(blocks(io.BytesIO(content), size, limit), limit)


def looked(cut: Iterable[Block], limit: int = LIMIT) -> list[Line]:
    found = [(block, whole_lines(block)) for block in cut]
    return [line for block, whole in found for line in looked_at(block, whole, range(len(whole)), limit)]


def read(path: Path | None) -> list[Line]:
    return [parsed(line) for line in raw(path)]


def ids(found: list[Line]) -> list[str]:
    return [post.source_id for line in found for post in line.posts]


def test_empty_file_has_no_lines() -> None:
    assert lines(b"") == lines(b"\n\r\n  \n\xef\xbb\xbf") == []


def test_lines_are_numbered_as_an_editor_does_and_blank_ones_skipped() -> None:
    found = lines(a_line(1) + b"\r\n\r\n\n" + a_line(2) + b"\r\n")
    assert [(line.number, line.problem) for line in found] == [(1, ""), (4, "")]
    assert ids(found) == ["1", "2"]


def test_end_counts_the_bytes_read() -> None:
    found = list(blocks(io.BytesIO(a_line(1) + b"\n\n" + a_line(2) + b"\n" + a_line(3)), 1))
    assert len(found) == 4
    assert [block.end for block in found] == list(accumulate(len(block.content) for block in found))


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


@pytest.mark.parametrize("end", [b"\n" + a_line(2), b""])
def test_line_beyond_the_limit_is_passed_over_and_never_held(end: bytes) -> None:
    limit = 2**20
    content = a_line(1, source="x" * (30 * limit)) + end
    tracemalloc.start()
    try:
        found = lines(content, limit=limit)
        assert tracemalloc.get_traced_memory()[1] < 6 * limit
    finally:
        tracemalloc.stop()
    assert (found[0].number, found[0].problem) == (1, "longer than 1 MB")
    assert ids(found) == (["2"] if end else [])
    assert LIMIT == 16 * 2**20


def test_line_of_exactly_the_limit_is_read() -> None:
    line = a_line(1)
    assert ids(lines(line + b"\n" + line, limit=len(line))) == ["1", "1"]


_LINES = st.sampled_from([a_line(1), a_line(2, source="x" * 40), b"nonsense", b"", b" ", b"\xef\xbb\xbf", b"x" * 300])


def naive(content: bytes, limit: int) -> list[tuple[int, str, list[str]]]:
    found: list[tuple[int, str, list[str]]] = []
    whole = content.split(b"\n")
    for number, line in enumerate(whole, 1):
        if len(line) > limit:
            found.append((number, "longer than 0 MB", []))
        elif plain := line.removeprefix(b"\xef\xbb\xbf").strip():
            try:
                found.append((number, "", [post.source_id for post in decode(plain)]))
            except LineError as error:
                found.append((number, f"{error}{' (last line, truncated?)' if number == len(whole) else ''}", []))
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n"]))), _LINES, st.integers(1, 400))
def test_blocks_hold_all_lines(ended: list[tuple[bytes, bytes]], last: bytes, size: int) -> None:
    """However many together: posts, problems and numbers, also after a line beyond the limit."""
    content, limit = b"".join(line + end for line, end in ended) + last, 200
    found = [(line.number, line.problem, ids([line])) for line in lines(content, size, limit)]
    assert found == naive(content, limit)
    cut = list(blocks(io.BytesIO(content), size, limit))
    assert all(len(block.content) <= 2 * (size + limit + 2) for block in cut)
    assert [block.end for block in cut[-1:]] == ([len(content)] if content else [])


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(_LINES, st.sampled_from([b"\n", b"\r\n"]))), _LINES, st.integers(1, 400), st.integers(1, 400))
def test_spans_hold_all_lines_each_whole(ended: list[tuple[bytes, bytes]], last: bytes, size: int, first: int) -> None:
    content = b"".join(line + end for line, end in ended) + last
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        cut = list(spans(Path(file.name), size, min(first, size)))
        found = [line for span in cut for block in of_span(span) for line in whole_lines(block)]
    assert found == (content.removesuffix(b"\n").split(b"\n") if content else [])
    assert [span.start for span in cut] == [0, *(span.end for span in cut)][: len(cut)]
    assert [span.end for span in cut[-1:]] == ([len(content)] if content else [])
    assert all(span.end - span.start <= size + 305 for span in cut)
    assert all(span.end - span.start <= min(first, size) + 305 for span in cut[:1])


def test_a_span_is_read_to_its_end_and_a_line_that_is_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(b"\n".join([a_line(1), a_line(2, source="x" * LIMIT), a_line(3), a_line(4)]))
    first, second = (list(of_span(span)) for span in spans(path, 100))
    assert [(line.number, line.problem) for line in looked(first)] == [(1, ""), (2, "longer than 16 MB")]
    assert ids(looked(second)) == ["3", "4"]


def test_file_and_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "posts.jsonl"
    path.write_bytes(a_line(1) + b"\n")
    assert ids(read(path)) == ["1"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(a_line(2))))
    assert ids(read(None)) == ["2"]


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.jsonl")


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
    found = read(SHARED / name)
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
