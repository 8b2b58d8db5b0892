"""A folder of CSV and JSON lines that is watched: other tools' exports, a 311 inbox.

The cursor names the files that were read, by name, size and time of change, and the row of the one that is being read;
a changed file is read again. Read on in `table.py` (bytes to rows) and `columns.py` (rows to posts). An upload goes
through `connector/takein.py`, with the same reading.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import structlog
from pydantic import Field, field_validator

from connector import sources
from connector.errors import TemporaryError
from connector.incoming import Arrived, Batch, Edited, Event, Fact, Refused
from connector.sources import PLAIN, Capabilities, Source, Stopping
from connector.sources.file.columns import Column, Reader, RowError, settled
from connector.sources.file.dates import Order
from connector.sources.file.table import Format, Row, Table, TableError

log = structlog.get_logger()
SUFFIXES = (".csv", ".tsv", ".txt", ".jsonl", ".ndjson", ".json")
_BATCH = 500
_REST = 2.0  # seconds in which a file that is complete does not change
_WELL = 20.0  # seconds after which we say that there is nothing new
_NAMED = 20  # refused rows of a file named in the log
_TOLD = 5  # files that cannot be read told at once
CAPABILITIES = Capabilities(
    reads="rows of CSV and JSON lines files, from a folder or an upload",
    looks_back="all that is in the files",
    answers="no",
    deletions="not told; a row that is gone from a file stays",
    terms="the city's own data: its own rules of privacy and retention hold",
    samples=True,
    tells=(PLAIN - {Fact.MEDIA}) | {Fact.AUTHOR_NAME, Fact.POSITION},
)


class _Cursor(msgspec.Struct):
    """Files read whole and still there; of one that is being read, how many rows are done."""

    read: list[str] = []
    at: str = ""
    row: int = 0

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class File(Source):
    """Reads the files of a folder, and what changes in them."""

    title = "Files in a folder"
    capabilities = CAPABILITIES

    class Settings(sources.Settings):
        folder: Path = Field(description="Folder whose .csv, .tsv, .txt, .jsonl, .ndjson and .json files are read")
        columns: dict[Column, str] = Field(
            {},
            description='Which column holds what, as {id = "Ticket #", text = "Description", posted_at = "Opened"}; '
            'also author, lang, lat, lon, url. What is not named is guessed from the header, "" is none',
        )
        format: Format = Field("auto", description="How the files are written")
        every: float = Field(15, gt=0, description="Seconds between two looks into the folder")
        timezone: str = Field("", description="IANA name of the zone of times without one; empty: the city's")
        dates: Order = Field("clear", description="How 03/04/2026 is read; clear: such a row is refused")

        @field_validator("timezone")
        @classmethod
        def _known_zone(cls, name: str) -> str:
            try:
                ZoneInfo(name or "UTC")
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise ValueError(f"{name!r} is no IANA time zone; write for example America/Chicago") from error
            return name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.settings.timezone) if self.settings.timezone else self.config.city.zone

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """Files that rest, oldest first, then a look every few seconds.

        A file that cannot be read at all stands in `troubles` until it is mended or gone.
        """
        done = msgspec.json.decode(cursor, type=_Cursor) if cursor else _Cursor()
        seen: dict[str, str] = {}
        no_table: dict[str, str] = {}
        while True:
            found = self._found()
            done.read = [stamp for stamp in done.read if stamp in found]
            no_table = {stamp: said for stamp, said in no_table.items() if stamp in found}
            known, troubles = {*done.read, *no_table}, list[str]()
            unread = [(stamp, file) for stamp, file in found.items() if stamp not in known]
            for stamp, file in unread:
                if seen.get(file.name) != stamp:
                    continue  # perhaps it is still being written
                try:
                    yield from self._batches(file, stamp, done, stopping)
                except TableError as error:
                    no_table[stamp] = _cannot_be_read(file, str(error))
                except OSError as error:  # rights, for example, are mended without a trace in the stamp
                    troubles.append(_cannot_be_read(file, error.strerror))
                if stopping(0):
                    return
            resting = all(seen.get(file.name) == stamp for stamp, file in unread)
            seen = {file.name: stamp for stamp, file in found.items()}
            self.troubles = [*troubles, *no_table.values()][:_TOLD]
            yield Batch([], done.text)
            if (yield from self._waited(self.settings.every if resting else _REST, done, stopping)):
                return

    def test(self) -> str:
        """How many files there are."""
        count = len(self._found())
        return f"The folder can be read; it holds {count} file{'s' if count != 1 else ''} to read"

    def _waited(self, seconds: float, done: _Cursor, stopping: Stopping) -> Generator[Batch, None, bool]:
        """Whether to stop."""
        while seconds > _WELL:
            if stopping(_WELL):
                return True
            yield Batch([], done.text)
            seconds -= _WELL
        return stopping(seconds)

    def _found(self) -> dict[str, Path]:
        """Stamp → file, in the order in which they were written."""
        folder = self.settings.folder
        try:
            found = [
                (entry.stat(), entry.name)
                for entry in os.scandir(folder)
                if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith((".", "~")) and entry.is_file()
            ]
        except OSError as error:
            raise TemporaryError(
                f"`folder` {folder} cannot be read: {error.strerror}. Make it, or name another", self.name
            ) from None
        found.sort(key=lambda pair: (pair[0].st_mtime_ns, pair[1]))
        return {_stamp(name, stat): folder / name for stat, name in found if stat.st_size}

    def _batches(self, file: Path, stamp: str, done: _Cursor, stopping: Stopping) -> Iterator[Batch]:
        """The rows that are not done yet."""
        with file.open("rb") as opened:
            found = Table(opened, self.settings.format)
            reader = Reader(settled(self.settings.columns, found.header), self.zone, self.settings.dates)
            if done.at != stamp:
                done.at, done.row = stamp, 0
            for start in range(0, done.row, _BATCH):
                deque(islice(found, min(_BATCH, done.row - start)), maxlen=0)
                if stopping(0):
                    return
            said = 0
            while True:
                granted = self.budget.take(_BATCH, self.name)
                rows = list(islice(found, granted))
                self.budget.give_back(granted - len(rows))
                events, refused = events_of(reader, rows)
                for line, why in refused[: max(0, _NAMED - said)]:
                    log.info("a row was refused", source=self.name, file=file.name, line=line, why=why)
                said += len(refused)
                done.row += len(rows)
                whole = len(rows) < granted
                if whole:
                    done.at, done.row = "", 0
                    done.read.append(stamp)  # if it changed meanwhile, it bears another stamp by now
                yield Batch(events, done.text)
                if whole or stopping(0):
                    return


def events_of(reader: Reader, rows: Sequence[Row]) -> tuple[list[Event], list[tuple[int, str]]]:
    """Posts and refusals in order; the refusals once more, with their lines.

    A row with an id of its own may be one that was read before, in this file or another, and reworded since: only the
    intake knows what we hold.
    """
    events: list[Event] = []
    refused = []
    for row in rows:
        try:
            post = reader.post(row)
        except RowError as error:
            refused.append((row.line, str(error)))
            events.append(Refused(str(error)))
        else:
            events.append(Edited(post) if reader.has_ids else Arrived(post))
    return events, refused


def _cannot_be_read(file: Path, why: str | None) -> str:
    return f"The file {file.name} cannot be read: {why}. Mend it, or take it out of the folder."


def _stamp(name: str, stat: os.stat_result) -> str:
    told = f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}".encode(errors="surrogateescape")
    return base64.urlsafe_b64encode(hashlib.blake2b(told, digest_size=6).digest()).decode()
