"""Files of JSON lines to posts, for the commands `ingest` and `match`; `payload.py` tells what a line may hold.

One line is in memory at a time, so a file may be of any length. Nothing stops the reading: a line that cannot be
read comes out with its number and the problem, and the next one follows. `cut` only finds the lines and `parsed` reads
one, so that another process can do the second.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from connector.incoming import Incoming
from connector.sources.x.payload import LineError, decode
from connector.sources.x.shapes import BOM

LIMIT = 16 * 2**20
"""Bytes: X's largest page (500 posts with everything included) takes about 2 MB."""
CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class Line:
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


def read(path: Path | None) -> Iterator[Line]:
    """The lines of a file, or of standard input (None), as they come. Raises `OSError` where it cannot be opened."""
    return map(parsed, raw(path))


def raw(path: Path | None) -> Iterator[Raw]:
    """The same, not looked into."""
    if path is None:
        yield from cut(sys.stdin.buffer)
        return
    with path.open("rb") as file:
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
            yield Raw(number, end, b"", f"longer than {limit // 2**20} MB")
        elif not line.removeprefix(BOM).isspace() and line != BOM:
            yield Raw(number, end, line)


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
