"""Files of JSON lines to posts, for the commands `ingest` and `match`; `payload.py` tells what a line may hold.

One line is in memory at a time, so a file may be of any length. Nothing stops the reading: a line that cannot be
read comes out with its number and the problem, and the next one follows. `blocks` looks into no line, so that another
process can do it (`whole_lines`, `looked_at`).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import BufferedIOBase, BufferedReader
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from connector.incoming import Incoming
from connector.sources.x.payload import LineError, decode
from connector.sources.x.shapes import BOM

LIMIT = 16 * 2**20
"""Bytes: X's largest page (500 posts with everything included) takes about 2 MB."""
CHUNK = 2**16
_LATE = 1.0  # seconds
_TOO_LONG = "longer than {} MB"


class Line(NamedTuple):
    """One line that is not blank, and what was in it."""

    number: int
    """Counted from 1, blank lines included, as an editor counts."""
    end: int
    """Bytes of the file read so far, this line included: against the file's size, the progress."""
    posts: tuple[Incoming, ...] = ()
    problem: str = ""
    """Why the line counts as bad, fit for a screen; a page may be bad in part and still have `posts`."""


class Raw(NamedTuple):
    """A line that nobody has looked into."""

    number: int
    end: int
    content: bytes
    """Empty if the line was too long."""
    problem: str = ""


class Block(NamedTuple):
    """Neighbouring lines that nobody has looked into."""

    number: int
    """Of the first one."""
    end: int
    content: bytes


def opened(path: Path | None) -> AbstractContextManager[BufferedReader]:
    """The file, or standard input (None). Raises `OSError` where it cannot be opened."""
    return nullcontext(cast(BufferedReader, sys.stdin.buffer)) if path is None else path.open("rb")


def read(path: Path | None) -> Iterator[Line]:
    """The lines of a file, or of standard input, as they come; raises as `opened` does."""
    return map(parsed, raw(path))


def raw(path: Path | None) -> Iterator[Raw]:
    """The same, not looked into."""
    with opened(path) as file:
        yield from cut(file)


def split(file: BinaryIO, limit: int = LIMIT) -> Iterator[Line]:
    """The lines of an open file."""
    return map(parsed, cut(file, limit))


def cut(file: BinaryIO, limit: int = LIMIT) -> Iterator[Raw]:
    """Its lines that are not blank, not looked into; one longer than `limit` bytes is passed over, never held whole."""
    number = end = 0
    while line := file.readline(limit + 1):
        number += 1
        end += len(line)
        if len(line) > limit and not line.endswith(b"\n"):
            end += _pass_over(file)
            yield Raw(number, end, b"", _TOO_LONG.format(limit // 2**20))
        elif not line.removeprefix(BOM).isspace() and line != BOM:
            yield Raw(number, end, line)


def blocks(file: BufferedIOBase, size: int, limit: int = LIMIT) -> Iterator[Block]:
    """Its lines, about so many bytes of them together; `whole_lines` cuts the content of each block.

    Fewer, if they come so slowly that the first one has waited for a second. A line longer than `limit` bytes is passed
    over, but for the beginning that shows that it is.
    """
    held: list[bytes] = []
    number = 1
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
            content = b"".join([*held, chunk[:cut]])
            chunk = chunk[cut:]
            yield Block(number, end - len(chunk), content)
            number += content.count(b"\n")
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
        yield Block(number, end, b"".join(held))


def whole_lines(block: Block) -> list[bytes]:
    """The lines of a block without their ends, blank ones too; for `looked_at`."""
    lines = block.content.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


def looked_at(block: Block, lines: Sequence[bytes], places: Iterable[int], limit: int = LIMIT) -> Iterator[Line]:
    """Of the block's `whole_lines` those at these places, but blank ones; the `end` of each is the block's."""
    open_end = len(lines) - (not block.content.endswith(b"\n"))
    for at in places:
        line = lines[at] if at == open_end else lines[at] + b"\n"
        number = block.number + at
        if len(lines[at]) > limit:
            yield Line(number, block.end, problem=_TOO_LONG.format(limit // 2**20))
        elif line.removeprefix(BOM).strip():
            yield parsed(Raw(number, block.end, line))


def parsed(raw: Raw) -> Line:
    """The posts of a line, or what is wrong with it."""
    number, end, line, problem = raw
    if problem:
        return Line(number, end, problem=problem)
    try:
        return Line(number, end, tuple(decode(line.removeprefix(BOM).strip())))
    except LineError as error:
        broken = not line.endswith(b"\n") and str(error).startswith("not JSON")
        return Line(number, end, error.posts, f"{error}{' (last line, truncated?)' if broken else ''}")


def _pass_over(file: BinaryIO) -> int:
    """To the end of the line; how many bytes that took."""
    passed = 0
    while chunk := file.readline(CHUNK):
        passed += len(chunk)
        if chunk.endswith(b"\n"):
            break
    return passed
