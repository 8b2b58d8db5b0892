"""Staff, settings, the audit trail and the workers' heartbeats."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from connector.models.base import Table, json_column, time_column


class User(Table, table=True):
    __tablename__ = "staff"
    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    name: str = ""
    role: str = ""
    """A key of `access.ROLES`; empty: none."""
    language: str = "en"
    active: bool = True
    team: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Suspects are assigned to a person or to a team."""
    login_at: datetime | None = time_column()
    """When the provider last vouched for them; a token issued before then changes nothing."""
    seen_at: datetime | None = time_column()
    """When they last looked at the queue."""
    seen_id: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """The newest suspect then."""


class OptOut(Table, table=True):
    """Who asked never to be answered."""

    __tablename__ = "opt_out"
    source: str = Field(primary_key=True)
    author_key: str = Field(primary_key=True)
    at: datetime = time_column(nullable=False)


class AuditEntry(Table, table=True):
    """Append-only: changes of settings, rules and people; who saw an author's name."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_at", "at"), Index("ix_audit_entry_suspect", "suspect_id"))
    id: int | None = Field(default=None, primary_key=True)
    suspect_id: int | None = None
    """What it is about, if it is about one."""
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
