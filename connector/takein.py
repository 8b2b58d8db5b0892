"""A file of rows that somebody uploads: looked at first, then taken in, by the same intake as everything.

`look` reads it all and keeps a few rows; `take_in` stores it batch by batch. What a row holds and which column is which
is decided by `sources/file/`; `screen/upload.py` is the page around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from itertools import islice
from typing import cast

from connector import sources
from connector.config import Config
from connector.errors import ConnectorError
from connector.incoming import Batch, Incoming
from connector.intake import Intake, Taken
from connector.models import now
from connector.prepare import From
from connector.sealing import Hiding, Sealer, mask
from connector.sources.file import File, events_of
from connector.sources.file.columns import COLUMNS, Column, Reader, RowError, guessed, settled
from connector.sources.file.dates import Order, order_of
from connector.sources.file.table import Row, Table, TableError
from connector.store import Database, catalogue
from connector.store import sources as questions
from connector.triage import Gazetteer

KIND, UPLOAD = "file", "upload"
_BATCH = 500
_NAMED = 3  # refused rows that are told one by one
Progress = Callable[[int], None]
"""Told after each batch how many rows are done."""


class FileError(ConnectorError):
    """The uploaded file cannot be read as a whole."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which heading holds what, and how dates are meant that could be two days."""

    columns: Mapping[Column, str]
    order: Order = "clear"


@dataclass(frozen=True, slots=True)
class Shown:
    """A row as a post, for a list: without handles; or why it will be refused."""

    line: int
    post: Incoming | None
    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """What is in a file."""

    header: Sequence[str]
    rows: int
    choice: Choice
    """As it seems."""
    is_unclear: bool
    """Some dates could be two days."""


@dataclass(slots=True)
class Result:
    """What became of the rows."""

    read: int = 0
    met: int = 0
    new: int = 0
    known: int = 0
    changed: int = 0
    refused: int = 0
    named: list[tuple[int, str]] = field(default_factory=list)
    """The first refused rows: line and reason."""

    def in_words(self) -> str:
        """For example "1,234 read, 57 met a rule, 40 new, 17 known, 2 rows refused: line 18 no text"."""
        parts = [f"{self.read:,} read", f"{self.met:,} met a rule", f"{self.new:,} new", f"{self.known:,} known"]
        parts += [f"{self.changed:,} reworded"] * bool(self.changed)
        if not self.refused:
            return ", ".join(parts)
        lines = "; ".join(f"line {line} {why}" for line, why in self.named)
        more = f" and {self.refused - len(self.named):,} more" if self.refused > len(self.named) else ""
        rows = f"{self.refused:,} row{'s' if self.refused != 1 else ''} refused: {lines}{more}"
        return ", ".join([*parts, rows])


def look(config: Config, source: str, raw: bytes) -> Look:
    """What is in a file, and how it seems to be meant: by this source's settings, else by its header.

    Raises FileError.
    """
    table = _table(raw)
    told = _settings(config, source)
    columns = guessed(table.header) | {c: name for c, name in told.columns.items() if name in ("", *table.header)}
    columns = {column: name for column, name in columns.items() if name}
    rows, dates = 0, set[str]()
    for row in table:
        rows += 1
        dates.add(row.cells.get(columns.get("posted_at", ""), ""))
    if not rows:
        raise FileError(
            "It holds no row: a CSV file has a line of names and a row in each line below it, JSON lines have an object"
            " in each line."
        )
    order, is_unclear = order_of(dates)
    return Look(table.header, rows, Choice(columns, told.order if told.order != "clear" else order), is_unclear)


def preview(config: Config, source: str, raw: bytes, choice: Choice, rows: int = 5) -> list[Shown]:
    """The first rows as posts, without a handle. Raises FileError."""
    own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
    reader, table = _reader(config, source, raw, choice)
    return [_shown(reader, row, own) for row in islice(table, rows)]


def take_in(
    database: Database,
    config: Config,
    sealer: Sealer,
    gazetteer: Gazetteer,
    raw: bytes,
    source: str,
    choice: Choice,
    by: str,
    progress: Progress = lambda _: None,
) -> Result:
    """Store what meets a rule; broken off, it may simply be taken in again: what is known is not stored twice.

    Raises FileError.
    """
    reader, table = _reader(config, source, raw, choice)
    origin, intake = From(source, KIND, sources.capabilities(KIND)), Intake(config, sealer, gazetteer)
    result = Result()
    for rows in _batches(table):
        found, refused = events_of(reader, rows)
        _count(result, _stored(database, intake, origin, Batch(found), source in config.sources), refused)
        progress(result.read)
    with database.writing() as session:
        detail = {"source": source, "read": result.read, "new": result.new, "refused": result.refused}
        catalogue.audit(session, "file taken in", detail, by)
    return result


def _batches(table: Table) -> Iterator[list[Row]]:
    while rows := list(islice(table, _BATCH)):
        yield rows


def _stored(database: Database, intake: Intake, origin: From, batch: Batch, is_watched: bool) -> Taken:
    """In a commit of its own; the cursor of a folder that the source watches stays as it is."""
    prepared = intake.prepare(origin, batch)
    with database.writing() as session:
        if not intake.is_current(session, prepared):
            prepared = intake.prepare(origin, batch)
        state = questions.state(session, origin.name, origin.kind)
        state.state = state.state if is_watched else "stopped"
        taken = intake.store(session, origin, prepared)
        if taken.read:
            state.last_post_at = now()
    return taken


def _count(result: Result, taken: Taken, refused: Sequence[tuple[int, str]]) -> None:
    result.read += taken.read + len(refused)
    result.met += taken.matched
    result.new += taken.new
    result.known += taken.duplicate
    result.changed += taken.updated
    result.refused += len(refused)
    result.named += refused[: _NAMED - len(result.named)]


def _shown(reader: Reader, row: Row, own: frozenset[str]) -> Shown:
    try:
        post = reader.post(row)
    except RowError as error:
        return Shown(row.line, None, str(error))
    author = post.detail.author
    known = [author.handle] if author else []
    return Shown(row.line, post, mask(Hiding([*known, *post.detail.people], own).hide(post.text)))


def _settings(config: Config, source: str) -> Choice:
    """What the settings of a watched folder say of its columns and dates."""
    if source not in config.sources:
        return Choice({})
    told = _file(config, source).settings
    return Choice(told.columns, told.dates)


def _reader(config: Config, source: str, raw: bytes, choice: Choice) -> tuple[Reader, Table]:
    table = _table(raw)
    zone = _file(config, source).zone if source in config.sources else config.city.zone
    if not choice.columns.get("text"):
        raise FileError("None of its columns seems to be the text: choose the one that is.")
    every: dict[Column, str] = {column: choice.columns.get(column, "") for column in COLUMNS}
    try:
        return Reader(settled(every, table.header), zone, choice.order), table
    except TableError as error:
        raise FileError(f"The file cannot be taken in: {error}.") from None


def _file(config: Config, source: str) -> File:
    return cast(File, sources.load(source, config.sources[source], config))


def _table(raw: bytes) -> Table:
    try:
        return Table(BytesIO(raw))
    except TableError as error:
        raise FileError(f"The file cannot be read: {error}.") from None
