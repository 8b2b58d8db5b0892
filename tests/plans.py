"""What a database is asked, and how SQLite goes about it: for the tests that nothing grows with a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import event
from sqlmodel import Session

from connector.store import Database


def asked(database: Database, ask: Callable[[Session], Any]) -> list[tuple[str, Any]]:
    """The questions of `ask` with their parameters."""
    said: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("SELECT"):
            said.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    try:
        with database.reading() as session:
            ask(session)
    finally:
        event.remove(database.engine, "before_cursor_execute", listen)
    return said


def plans(database: Database, said: list[tuple[str, Any]]) -> list[list[str]]:
    """The steps by which SQLite answers each of them."""
    with database.engine.connect() as connection:
        return [
            [str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
            for statement, values in said
        ]
