"""Staff, settings, the audit trail and the workers' heartbeats."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column
from sqlmodel import Field

from connector.models.base import Table, json_column, time_column


class User(Table, table=True):
    __tablename__ = "staff"
    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    name: str = ""
    role: str = "reviewer"
    """reviewer, rule_editor, analyst, administrator"""
    language: str = "en"
    active: bool = True


class OptOut(Table, table=True):
    """Who asked never to be answered."""

    __tablename__ = "opt_out"
    source: str = Field(primary_key=True)
    author_key: str = Field(primary_key=True)
    at: datetime = time_column(nullable=False)


class AuditEntry(Table, table=True):
    """Append-only: changes of settings, rules and people."""

    __tablename__ = "audit_entry"
    id: int | None = Field(default=None, primary_key=True)
    what: str
    detail: dict[str, Any] | None = json_column()
    by: str = ""
    at: datetime = time_column(nullable=False)


class Setting(Table, table=True):
    """One value by name; `stamp` says whether this is a demo's or a city's database."""

    name: str = Field(primary_key=True)
    value: Any = Field(default=None, sa_column=Column(JSON))
    by: str = ""
    at: datetime = time_column(nullable=False)


class Worker(Table, table=True):
    name: str = Field(primary_key=True)
    started_at: datetime = time_column(nullable=False)
    heartbeat_at: datetime = time_column(nullable=False)
    stopped_at: datetime | None = time_column()
