"""Files of JSON lines to posts, for the commands `ingest` and `match`; `payload.py` tells what a line may hold.

One block of lines is in memory at a time, so a file may be of any length. Nothing stops the reading: a line that
cannot be read comes out with its number and the problem, and the next one follows. `blocks` and `spans` look into no
line, so that another process can do it (`whole_lines`, `looked_at`); a span is not even read before.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BufferedReader, FileIO
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from connector.incoming import Incoming
from connector.sources.x.payload import LineError, decode
from connector.sources.x.shapes import BOM

LIMIT = 16 * 2**20
"""Bytes: X's largest page (500 posts with everything included) takes about 2 MB."""
CHUNK = 2**16
_NEAR = 2**12  # bytes within which a line ends
_LATE = 1.0  # seconds


class Line(NamedTuple):
    """One line that is not blank, and what was in it."""

    number: int
    """Counted from 1, blank lines included, as an editor counts."""
    posts: tuple[Incoming, ...] = ()
    problem: str = ""
    """Why the line counts as bad, fit for a screen; a page may be bad in part and still have `posts`."""


class Raw(NamedTuple):
    """A line that nobody has looked into."""

    number: int
    content: bytes
    """Without its end; empty if the line was too long."""
    is_whole: bool = True
    """False: the file ends in it."""
    problem: str = ""


class Block(NamedTuple):
    """Neighbouring lines that nobody has looked into."""

    number: int
    """Of the first one."""
    end: int
    """Bytes of the file read so far, these lines included: against the file's size, the progress."""
    content: bytes


class Span(NamedTuple):
    """Neighbouring lines of a file that nobody has read; as long as `blocks` would make it, or one line longer."""

    file: Path
    start: int
    end: int
    """In bytes; the place behind a line's end, or the file's."""


class Bytes(Protocol):
    """What `blocks` reads: at most so many bytes, whatever there is by then; none at the end."""

    def read1(self, size: int, /) -> bytes: ...


def opened(path: Path | None) -> AbstractContextManager[BufferedReader]:
    """The file, or standard input (None). Raises `OSError` where it cannot be opened."""
    return nullcontext(cast(BufferedReader, sys.stdin.buffer)) if path is None else path.open("rb")


def raw(path: Path | None) -> Iterator[Raw]:
    """The lines of a file, or of standard input, that are not blank, as they come; raises as `opened` does."""
    with opened(path) as file:
        for block in blocks(file, CHUNK):
            lines = whole_lines(block)
            yield from _at(block, lines, range(len(lines)), LIMIT)


def blocks(file: Bytes, size: int, limit: int = LIMIT) -> Iterator[Block]:
    """Its lines, about so many bytes of them together; `whole_lines` cuts the content of each block.

    Fewer, if they come so slowly that the first one has waited for a second. A line longer than `limit` bytes is passed
    over, but for the beginning that shows that it is.
    """
    held: list[bytes] = []
    number, content = 1, b""
    end = have = unended = 0  # bytes: read so far, held, and those of the line whose end has not come yet
    passing, since = False, time.monotonic()
    while chunk := file.read1(size):
        end += len(chunk)
        if passing:
            behind = chunk.find(b"\n") + 1
            chunk, passing = chunk[behind:], not behind
            if passing:
                continue
        cut = chunk.rfind(b"\n") + 1
        is_whole = cut or (have and not unended)
        if is_whole and (have + cut >= size or time.monotonic() - since > _LATE):
            number += content.count(b"\n")  # of the block before: few are asked for a second one
            content = b"".join([*held, chunk[:cut]])
            chunk = chunk[cut:]
            yield Block(number, end - len(chunk), content)
            held, have, unended, cut, since = [], 0, 0, 0, time.monotonic()
        if not chunk:
            continue
        held.append(chunk)
        have += len(chunk)
        unended = len(chunk) - cut if cut else unended + len(chunk)
        if unended > limit:
            held.append(b"\n")
            passing, unended = True, 0
    if have:
        yield Block(number + content.count(b"\n"), end, b"".join(held))


def spans(path: Path, size: int, first: int | None = None) -> Iterator[Span]:
    """All lines that the file holds now, about so many bytes of them together; raises `OSError` as `opened` does.

    `first`: of the first one, and then half as many again in each, so that somebody can begin with them soon.
    """
    with path.open("rb", buffering=0) as file:
        start, length, wanted = 0, os.fstat(file.fileno()).st_size, float(first or size)
        while start < length:
            end = min(_behind_a_line(file, start + int(wanted)), length)
            yield Span(path, start, end)
            start, wanted = end, min(wanted * 1.5, size)


def of_span(span: Span) -> Iterator[Block]:
    """The span's lines, counted from 1: one block, unless a line is very long."""
    with span.file.open("rb", buffering=0) as file:
        file.seek(span.start)
        yield from blocks(_Stretch(file, span.end - span.start), span.end - span.start)


class _Stretch:
    """A file, up to a place in it."""

    def __init__(self, file: FileIO, length: int) -> None:
        self._file, self._left = file, length

    def read1(self, size: int, /) -> bytes:
        found = self._file.read(min(size, LIMIT, self._left)) or b""
        self._left -= len(found)
        return found


def _behind_a_line(file: FileIO, at: int) -> int:
    """The first place from here on that follows a line feed; the file's end where there is none."""
    at -= 1
    file.seek(at)
    while chunk := file.read(_NEAR):
        if (found := chunk.find(b"\n")) >= 0:
            return at + found + 1
        at += len(chunk)
    return at


def whole_lines(block: Block) -> list[bytes]:
    """The lines of a block without their ends, blank ones too; for `looked_at`."""
    lines = block.content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def looked_at(block: Block, lines: Sequence[bytes], places: Iterable[int], limit: int = LIMIT) -> Iterator[Line]:
    """Of the block's `whole_lines` those at these places, but blank ones."""
    return map(parsed, _at(block, lines, places, limit))


def _at(block: Block, lines: Sequence[bytes], places: Iterable[int], limit: int) -> Iterator[Raw]:
    open_end = -1 if block.content.endswith(b"\n") else len(lines) - 1
    for at in places:
        line = lines[at]
        if len(line) > limit:
            yield Raw(block.number + at, b"", problem=f"longer than {limit // 2**20} MB")
        elif line.removeprefix(BOM).strip():
            yield Raw(block.number + at, line, at != open_end)


def parsed(raw: Raw) -> Line:
    """The posts of a line, or what is wrong with it."""
    if raw.problem:
        return Line(raw.number, problem=raw.problem)
    try:
        return Line(raw.number, tuple(decode(raw.content.removeprefix(BOM).strip())))
    except LineError as error:
        broken = not raw.is_whole and str(error).startswith("not JSON")
        return Line(raw.number, error.posts, f"{error}{' (last line, truncated?)' if broken else ''}")
