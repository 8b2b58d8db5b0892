"""The demo desk's memory: tickets, their history and the raw POST counters, in one SQLite file.

`desk.py` writes reports in and reads tickets out, `desk_pages.py` draws them. Nothing is ever
de-duplicated: two equal POSTs are two tickets, so that a client's double filing shows. Every
method commits before it returns; what was answered survives kill -9.
"""

import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from connector.demo.desk_intake import Report

NUMBER_PREFIX = "PA"
ROW_LIMIT = 1_000
"""GeoReport v2 answers at most this many requests."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS ticket (
    id INTEGER PRIMARY KEY AUTOINCREMENT, number TEXT UNIQUE, past_key TEXT UNIQUE,
    token TEXT UNIQUE, matures_at REAL NOT NULL DEFAULT 0,
    service_code TEXT NOT NULL, description TEXT, address TEXT, address_id TEXT, lat REAL, long REAL,
    media_url TEXT, attributes TEXT NOT NULL DEFAULT '{}', contact TEXT NOT NULL DEFAULT '{}',
    status TEXT NOT NULL, status_notes TEXT, requested_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ticket_newest ON ticket (requested_at, id);
CREATE TABLE IF NOT EXISTS event (
    ticket_id INTEGER NOT NULL REFERENCES ticket, at TEXT NOT NULL, status TEXT NOT NULL, note TEXT);
CREATE INDEX IF NOT EXISTS event_of_ticket ON event (ticket_id);
CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, count INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES ('posts_stored', 0), ('posts_refused', 0);
"""


class PastTicket(TypedDict):
    """A ticket that came in before the desk was started; both times are aware."""

    key: str
    """Stable over starts: the same key is never stored twice."""
    service_code: str
    description: str | None
    lat: float | None
    long: float | None
    address: str | None
    requested_at: datetime
    closed_at: datetime | None
    status_notes: str | None


@dataclass(frozen=True)
class Ticket:
    """One row; `requested_at` and `updated_at` are UTC in whole seconds, as they go over the wire."""

    id: int
    number: str
    past_key: str | None
    token: str | None
    matures_at: float
    """Unix time at which a batch service hands the number out; 0 for a realtime one."""
    service_code: str
    description: str | None
    address: str | None
    address_id: str | None
    lat: float | None
    long: float | None
    media_url: str | None
    attributes: str
    contact: str
    status: str
    status_notes: str | None
    requested_at: str
    updated_at: str

    @property
    def mature(self) -> bool:
        """Whether the number may be told; until then only the token is known outside."""
        return self.matures_at <= time.time()


@dataclass(frozen=True)
class Event:
    """One line of a ticket's history."""

    at: str
    status: str
    note: str | None


class DeskStore:
    """The desk's SQLite file; safe to share between threads, since each call has its own connection."""

    def __init__(self, database: Path) -> None:
        self.database = database
        database.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    def take_in(self, report: Report, token_delay_seconds: float) -> Ticket:
        """Store a report as a new ticket and count the POST, in one commit; never safe to repeat."""
        batch = report.service.type == "batch"
        now = wire_time(datetime.now(UTC))
        with self._writing() as connection:
            number = _insert(
                connection,
                service_code=report.service.service_code,
                token=secrets.token_hex(8) if batch else None,
                matures_at=time.time() + token_delay_seconds if batch else 0,
                description=report.description,
                address=report.address,
                address_id=report.address_id,
                lat=report.lat,
                long=report.long,
                media_url=report.media_url,
                attributes=json.dumps(report.attributes, ensure_ascii=False),
                contact=json.dumps(report.contact, ensure_ascii=False),
                status="open",
                requested_at=now,
                updated_at=now,
            )
            connection.execute("UPDATE counter SET count = count + 1 WHERE name = 'posts_stored'")
            return _tickets(connection, "WHERE number = ?", number)[0]

    def count_refused(self) -> None:
        """Count one POST that was not stored."""
        with self._writing() as connection:
            connection.execute("UPDATE counter SET count = count + 1 WHERE name = 'posts_refused'")

    def stats(self) -> dict[str, int]:
        """Count raw POSTs and tickets; tickets from `backfill` were never posted."""
        with self._open() as connection:
            counts = {row["name"]: row["count"] for row in connection.execute("SELECT name, count FROM counter")}
            tickets = connection.execute("SELECT count(*) FROM ticket").fetchone()[0]
        return {**counts, "tickets": tickets}

    def by_numbers(self, numbers: list[str]) -> list[Ticket]:
        """Tickets with these numbers, newest first; unknown ones are left out."""
        return self.select(f"number IN ({', '.join('?' * len(numbers))})", *numbers)

    def by_token(self, token: str) -> Ticket | None:
        """The ticket behind a token, mature or not."""
        return next(iter(self.select("token = ?", token)), None)

    def select(self, where: str, *values: object, limit: int = ROW_LIMIT, offset: int = 0) -> list[Ticket]:
        """Tickets that fit an SQL condition, newest first; `where` is our own text, never a visitor's."""
        with self._open() as connection:
            order = f"WHERE {where} ORDER BY requested_at DESC, id DESC LIMIT ? OFFSET ?"
            return _tickets(connection, order, *values, limit, offset)

    def counts(self) -> dict[str, int]:
        """How many tickets are open and closed."""
        with self._open() as connection:
            rows = connection.execute("SELECT status, count(*) FROM ticket GROUP BY status").fetchall()
        return {"open": 0, "closed": 0} | {row[0]: row[1] for row in rows}

    def history(self, ticket: Ticket) -> list[Event]:
        """What happened to a ticket, oldest first."""
        with self._open() as connection:
            query = "SELECT at, status, note FROM event WHERE ticket_id = ? ORDER BY rowid"
            return [Event(**row) for row in connection.execute(query, (ticket.id,))]

    def change(self, number: str, status: str, note: str | None) -> bool:
        """Close or reopen a ticket with a note; False if it is unknown or stands there already."""
        now = wire_time(datetime.now(UTC))
        with self._writing() as connection:
            changed = connection.execute(
                "UPDATE ticket SET status = ?, status_notes = ?, updated_at = ? WHERE number = ? AND status <> ?",
                (status, note, now, number, status),
            ).rowcount
            if changed:
                event = "INSERT INTO event SELECT id, ?, ?, ? FROM ticket WHERE number = ?"
                connection.execute(event, (now, status, note, number))
        return bool(changed)

    def add_past(self, rows: Iterable[PastTicket]) -> list[str]:
        """Store tickets as if they had come in earlier; numbers in the order of the rows."""
        with self._writing() as connection:
            return [_add_past(connection, row) for row in rows]

    def clear(self) -> None:
        """Forget every ticket and event; counters start again."""
        with self._writing() as connection:
            for table in ("event", "ticket"):
                connection.execute(f"DELETE FROM {table}")
            connection.execute("UPDATE counter SET count = 0")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.database, timeout=30, isolation_level=None)) as connection:
            connection.row_factory = sqlite3.Row
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Take the write lock at once: a read lock that turns into one cannot wait (SQLITE_BUSY)."""
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")


def backfill(database: Path, rows: Iterable[PastTicket]) -> list[str]:
    """Give the desk a past and return the ticket numbers; safe to repeat, one key is one ticket.

    Raw POST counters stay as they are. All rows share one commit.
    """
    return DeskStore(database).add_past(rows)


def clear(database: Path) -> None:
    """Forget every ticket; the counters start at nought again."""
    DeskStore(database).clear()


def wire_time(moment: datetime) -> str:
    """Write an aware time as UTC in whole seconds; such texts sort as the times do."""
    if moment.tzinfo is None:
        raise ValueError("the desk takes aware times only")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tickets(connection: sqlite3.Connection, order: str, *values: object) -> list[Ticket]:
    return [Ticket(**row) for row in connection.execute(f"SELECT * FROM ticket {order}", values)]


def _add_past(connection: sqlite3.Connection, row: PastTicket) -> str:
    known = _tickets(connection, "WHERE past_key = ?", row["key"])
    if known:
        return known[0].number
    requested, closed = wire_time(row["requested_at"]), row["closed_at"]
    number = _insert(
        connection,
        past_key=row["key"],
        service_code=row["service_code"],
        description=row["description"],
        address=row["address"],
        lat=row["lat"],
        long=row["long"],
        status="closed" if closed else "open",
        status_notes=row["status_notes"],
        requested_at=requested,
        updated_at=wire_time(closed) if closed else requested,
    )
    if closed:
        event = "INSERT INTO event SELECT id, updated_at, status, status_notes FROM ticket WHERE number = ?"
        connection.execute(event, (number,))
    return number


def _insert(connection: sqlite3.Connection, **columns: object) -> str:
    """Insert a ticket with its first event and return the number made from its id."""
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    made = connection.execute(f"INSERT INTO ticket ({names}) VALUES ({marks})", tuple(columns.values()))
    requested = str(columns["requested_at"])
    number = f"{NUMBER_PREFIX}-{requested[2:4]}-{made.lastrowid:06d}"
    connection.execute("UPDATE ticket SET number = ? WHERE id = ?", (number, made.lastrowid))
    connection.execute("INSERT INTO event VALUES (?, ?, 'open', NULL)", (made.lastrowid, requested))
    return number
