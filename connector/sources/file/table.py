"""Files of CSV or JSON lines as rows, in constant memory; nothing in a row stops the reading of the next.

Signs between the cells and the way the letters are written are found out by looking. A row that cannot be read comes
out with its line and the reason. `columns.py` makes posts of rows.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO, Literal, NamedTuple, TextIO

import msgspec

Format = Literal["auto", "csv", "jsonl"]
LONGEST = 2**20
"""Characters in a line."""
_LOOKED_AT = 64 * 2**20  # bytes: after so many it is known how the letters are written
_PEEKED = 50  # rows of JSON whose names make the header
_UNREADABLE = re.compile("[\ud800-\udfff]")
_TOO_LONG = "a line longer than a million characters"


class TableError(ValueError):
    """The file as a whole cannot be read: why, in a sentence that quotes nothing of it."""


class Row(NamedTuple):
    """One row: its first line, as an editor counts, and its cells by heading; or why it cannot be read."""

    line: int
    cells: Mapping[str, str]
    problem: str = ""


class _Line(NamedTuple):
    number: int
    text: str
    problem: str = ""


class Table:
    """An open file: its header, and its rows once."""

    def __init__(self, file: BinaryIO, format: Format = "auto") -> None:
        """Raises TableError."""
        self.encoding = _encoding(file)
        file.seek(0)
        # What cannot be decoded stays in the text as a surrogate, so that its row can be named.
        errors = "surrogatepass" if self.encoding.startswith("utf-16") else "surrogateescape"
        self._text = io.TextIOWrapper(file, self.encoding, errors, newline="")
        lines = _lines(self._text)
        first = next((line for line in lines if line.text.strip() or line.problem), None)
        if first is None:
            raise TableError("it is empty")
        start = first.text.lstrip()
        if start.startswith("[") and format != "csv":
            raise TableError("it is one JSON array: write one object a line")
        self.is_json = format == "jsonl" or (format == "auto" and start.startswith("{"))
        lines = chain([first], lines)
        self.header: Sequence[str]
        self._rows: Iterator[Row]
        if self.is_json:
            self.header, self._rows = _peeked(_objects(lines))
        else:
            self.header, self._rows = _records(lines, _delimiter(first.text))

    def __iter__(self) -> Iterator[Row]:
        return self._rows


# -- letters -------------------------------------------------------------------------------------------------------


def _encoding(file: BinaryIO) -> str:
    """UTF-8, UTF-16 or Windows-1252; of a file that is mostly one of them, the few other rows are refused."""
    file.seek(0)
    start = file.read(4096)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    odd, even = start[1::2].count(0), start[::2].count(0)
    if max(odd, even) * 4 > len(start):
        return "utf-16-le" if odd > even else "utf-16-be"
    file.seek(0)
    as_utf_8 = otherwise = 0
    while file.tell() < _LOOKED_AT and (line := file.readline(LONGEST)):
        if not line.isascii():
            try:
                line.decode()
                as_utf_8 += 1
            except UnicodeDecodeError:
                otherwise += 1
    return "utf-8-sig" if as_utf_8 >= otherwise else "cp1252"


def _lines(text: TextIO) -> Iterator[_Line]:
    number = 0
    try:
        while line := text.readline(LONGEST + 1):
            number += 1
            if len(line) > LONGEST:
                while (rest := text.readline(LONGEST)) and not rest.endswith(("\n", "\r")):
                    pass
                yield _Line(number, "", _TOO_LONG)
            else:
                yield _Line(number, line)
    except UnicodeDecodeError:
        yield _Line(number + 1, "", "letters that end in the middle")


def _readable(line: int, cells: Mapping[str, str]) -> Row:
    if any(not cell.isascii() and _UNREADABLE.search(cell) for cell in cells.values()):
        return Row(line, {}, "letters that are neither UTF-8 nor Windows-1252")
    return Row(line, cells)


# -- CSV -----------------------------------------------------------------------------------------------------------


def _delimiter(line: str) -> str:
    """The sign that cuts the header into most cells."""

    def cells(sign: str) -> int:
        try:
            return len(next(csv.reader([line], delimiter=sign)))
        except csv.Error:
            return 0

    return max(",;\t|", key=cells)


def _records(lines: Iterator[_Line], delimiter: str) -> tuple[Sequence[str], Iterator[Row]]:
    records = _cut(lines, delimiter)
    line, names, problem = next(records)
    if problem or _UNREADABLE.search("".join(names)):
        raise TableError(f"line {line} is to name the columns and has {problem or 'letters that cannot be read'}")
    header: list[str] = []
    for at, told in enumerate(names, 1):
        name = " ".join(told.replace("\0", "").split()) or f"column {at}"
        header.append(name if name not in header else f"{name} ({at})")
    return header, _named(records, header)


def _named(records: Iterator[tuple[int, list[str], str]], header: Sequence[str]) -> Iterator[Row]:
    for line, cells, problem in records:
        if not problem and any(cell.strip() for cell in cells[len(header) :]):
            problem = "more cells than headings: a text with the separating sign in it wants quotation marks"
        yield Row(line, {}, problem) if problem else _readable(line, dict(zip(header, cells, strict=False)))


def _cut(lines: Iterator[_Line], delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Records, each with its first line; after one that cannot be read it goes on with that one's second line."""
    back: deque[_Line] = deque()
    held: list[_Line] = []

    def feed() -> Iterator[str]:
        while line := (back.popleft() if back else next(lines, None)):
            held.append(line)
            if line.problem:
                raise csv.Error(line.problem)
            yield line.text

    while True:
        held.clear()
        try:
            cells = next(csv.reader(feed(), delimiter=delimiter, strict=True), None)
        except csv.Error as error:
            back.extendleft(reversed(held[1:]))
            long = len(held) == 1 and "limit" in str(error)
            why = (
                f"a cell longer than {csv.field_size_limit():,} characters"
                if long
                else "quotation marks that do not pair"
            )
            yield held[0].number, [], held[0].problem or why
            continue
        if cells is None:
            return
        if any(cells):
            yield held[0].number, cells, ""


# -- JSON lines ----------------------------------------------------------------------------------------------------


def _objects(lines: Iterator[_Line]) -> Iterator[Row]:
    for number, text, problem in lines:
        if problem:
            yield Row(number, {}, problem)
        elif text.strip():
            yield _object(number, text)


def _object(number: int, text: str) -> Row:
    if not text.isascii() and _UNREADABLE.search(text):
        return Row(number, {}, "letters that are neither UTF-8 nor Windows-1252")
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return Row(number, {}, "no JSON")
    if not isinstance(found, dict):
        return Row(number, {}, "no JSON object")
    return Row(number, dict(_flat(found)))


def _flat(found: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Names and values; those of an object inside go by `outer.inner`."""
    for name, value in found.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield f"{above}{name}", str(value)


def _peeked(rows: Iterator[Row]) -> tuple[Sequence[str], Iterator[Row]]:
    first = list(islice(rows, _PEEKED))
    return list(dict.fromkeys(name for row in first for name in row.cells)), chain(first, rows)
