"""Many rows at once, past the ORM: plain tuples and the driver's own executemany.

The hot path of `intake.py`. SQLAlchemy writes the statement and says how a value is bound, once per table; then the
driver takes over. Measured: about 1.1 times the raw driver, where the ORM takes 17. `tuples` is the way back, for
`stored.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import JSON, Dialect, Executable, Table, bindparam
from sqlalchemy import text as sql
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine
from sqlmodel import Session

from connector.models import Utc

_JSON = msgspec.json.Encoder()


class Writer:
    """Inserts rows of one table, given as tuples in the order of `columns`; equal keys are left alone if told so."""

    def __init__(self, table: Table, columns: Sequence[str], dialect: Dialect, skip_known: bool = False) -> None:
        self.columns = tuple(columns)
        is_sqlite = dialect.name == "sqlite"
        self.sql = (_in_order if is_sqlite else _by_name)(table, columns, dialect, skip_known)
        self._named = not is_sqlite
        self._binders: list[tuple[int, Callable[[Any], Any]]] = []
        times = [at for at, name in enumerate(self.columns) if isinstance(table.c[name].type, Utc)]
        self._zoneless = [] if is_sqlite else times
        for at, name in enumerate(self.columns):
            if binder := _binder(table.c[name].type, dialect):
                self._binders.append((at, binder))

    def insert(self, session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
        """All rows in one call of the driver."""
        self._execute(session, _mapped(rows, self._binders))

    def insert_bound(self, session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
        """The same for prepared values: lists and dicts as `json_text`, times as `time_text`."""
        self._execute(session, _mapped(rows, [(at, _with_zone) for at in self._zoneless]))

    def _execute(self, session: Session, rows: Sequence[tuple[Any, ...]]) -> None:
        parameters: Any = [dict(zip(self.columns, row, strict=True)) for row in rows] if self._named else rows
        if parameters:
            session.connection().exec_driver_sql(self.sql, parameters)


def _in_order(table: Table, columns: Sequence[str], dialect: Dialect, skip_known: bool) -> str:
    # SQLAlchemy puts the columns in the table's order, and each row would have to be turned round for it.
    quote = dialect.identifier_preparer.quote
    named, values = ", ".join(map(quote, columns)), ", ".join("?" * len(columns))
    skip = " ON CONFLICT DO NOTHING" if skip_known else ""
    return f"INSERT INTO {quote(table.name)} ({named}) VALUES ({values}){skip}"


def _by_name(table: Table, columns: Sequence[str], dialect: Dialect, skip_known: bool) -> str:
    statement = postgresql.insert(table).values({column: bindparam(column) for column in columns})
    statement = statement.on_conflict_do_nothing() if skip_known else statement
    return str(statement.compile(dialect=dialect, column_keys=list(columns)))


def _mapped(
    rows: Sequence[tuple[Any, ...]], changes: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Sequence[tuple[Any, ...]]:
    """A column at a time: no Python code per value."""
    if not changes:
        return rows
    columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
    for at, change in changes if columns else ():
        columns[at] = map(change, columns[at])
    return list(zip(*columns, strict=True))


def _binder(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    # On SQLite what SQLAlchemy's own types write, without their general way of getting there.
    if isinstance(kind, Utc):
        return _or_null if dialect.name == "sqlite" else None
    if isinstance(kind, JSON) and dialect.name == "sqlite":
        return json_text
    return kind.dialect_impl(dialect).bind_processor(dialect)


def time_text(value: datetime) -> str:
    """A UTC time as SQLite keeps it."""
    text = json_text(value)  # '"2026-03-01T08:00:00Z"', in a tenth of the time that `isoformat` takes
    return f"{text[1:11]} {text[12:20]}.{value.microsecond:06}"


def time_of(text: str) -> datetime:
    """The way back."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def seconds_of(text: str) -> float:
    """The same in seconds since 1970."""
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


def json_text(value: Any) -> str:
    """JSON as both databases keep it."""
    return _JSON.encode(value).decode()


def _with_zone(text: str) -> str:
    return f"{text}+00"


def _or_null(value: datetime | None) -> str | None:
    return None if value is None else time_text(value)


def among(session: Session, statement: str, keys: Sequence[str], **values: Any) -> Iterable[Any]:
    """The rows whose last-named column is one of the keys; many of them cost one parameter, not one each."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        query = f"{statement} IN (SELECT value FROM json_each(:keys))"
        return connection.execute(sql(query), {"keys": json_text(keys), **values})
    return connection.execute(sql(f"{statement} = ANY(:keys)"), {"keys": list(keys), **values})


def tuples(session: Session, query: Executable, **values: Any) -> list[Any]:
    """The rows of a query as the driver gives them: no value is converted, and no row made that can do more."""
    result = session.connection().execute(query, values)
    assert result.cursor
    rows = list(result.cursor.fetchall())
    result.close()
    return rows


def next_ids(session: Session, table: Table, count: int) -> Sequence[int]:
    """Ids for `count` rows to come, so that rows which point to them can be written in the same go.

    In a writing session only: SQLite's write lock, PostgreSQL's sequence keep them ours.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        last = connection.exec_driver_sql(f"SELECT max(id) FROM {table.name}").scalar() or 0
        return range(last + 1, last + 1 + count)
    taken = connection.exec_driver_sql(
        f"SELECT nextval(pg_get_serial_sequence('{table.name}', 'id')) FROM generate_series(1, {int(count)})"
    )
    return [row[0] for row in taken]


def insert(session: Session, model: Any, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Rows of prepared values into the table of this model."""
    writer(model.__table__, names, session.connection().dialect).insert_bound(session, rows)


@lru_cache(maxsize=64)
def writer(table: Table, columns: tuple[str, ...], dialect: Dialect, skip_known: bool = False) -> Writer:
    """The writer of these columns, made once per database."""
    return Writer(table, columns, dialect, skip_known)
