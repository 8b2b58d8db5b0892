"""What every table stands on: a registry of its own, aware times, and three kinds of column.

The own registry lets Streamlit execute the modules again without "already defined" (sqlmodel #350).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Text
from sqlalchemy.orm import registry
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


class Utc(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps it as text without a zone, PostgreSQL as timestamptz."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(UTC)


class Table(SQLModel, registry=registry()):
    """Base of all tables, with a registry of its own (sqlmodel #350)."""


def json_column() -> Any:
    return Field(default=None, sa_column=Column(JSON))


def time_column(nullable: bool = True, index: bool = False) -> Any:
    if nullable:
        return Field(default=None, sa_column=Column(Utc, nullable=True, index=index))
    return Field(default_factory=now, sa_column=Column(Utc, nullable=False, index=index))


def text_column(default: str = "") -> Any:
    return Field(default=default, sa_column=Column(Text, nullable=False, server_default=default))
