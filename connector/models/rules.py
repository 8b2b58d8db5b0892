"""Request types and the rules that belong to them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from connector.models.base import Table, json_column, text_column, time_column


class RequestType(Table, table=True):
    """Open311's *service*, as the city words it."""

    __tablename__ = "request_type"
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    title: str
    department: str = ""
    belongs: str = text_column()
    not_belongs: str = text_column()
    due_hours: int = 120
    channel: str = "outbox"
    service_code: str = ""
    address: str = ""
    urgent: bool = False
    active: bool = True
    position: int = 0
    attributes: dict[str, Any] | None = json_column()
    templates: dict[str, Any] | None = json_column()
    version: int = 1


class Rule(Table, table=True):
    """An expression in X's rule syntax; its wording of each version stands in RuleVersion."""

    id: int | None = Field(default=None, primary_key=True)
    request_type_id: int = Field(foreign_key="request_type.id", index=True)
    name: str
    expression: str = text_column()
    active: bool = True
    version: int = 1


class RuleVersion(Table, table=True):
    """Append-only."""

    __tablename__ = "rule_version"
    __table_args__ = (UniqueConstraint("rule_id", "version"),)
    id: int | None = Field(default=None, primary_key=True)
    rule_id: int = Field(foreign_key="rule.id")
    version: int
    expression: str = text_column()
    by: str = ""
    at: datetime = time_column(nullable=False)
