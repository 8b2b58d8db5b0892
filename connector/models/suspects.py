"""Suspects and what people do with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field

from connector.models.base import Table, json_column, text_column, time_column
from connector.models.statuses import SuspectStatus

ASSIGNED = text("assigned_to <> ''")


class Suspect(Table, table=True):
    """Posts on one problem that wait for a person."""

    __table_args__ = (
        Index("ix_suspect_queue", "status", "urgent", "first_posted_at", "id"),
        Index("ix_suspect_type", "status", "request_type_id", "urgent", "first_posted_at", "id"),
        # Few are assigned: without an index of their own all that wait are read to count them.
        Index(
            "ix_suspect_mine",
            "assigned_to",
            "status",
            "urgent",
            "first_posted_at",
            "id",
            sqlite_where=ASSIGNED,
            postgresql_where=ASSIGNED,
        ),
        Index("ix_suspect_decided", "decided_at"),
        Index("ix_suspect_created", "created_at"),
        Index("ix_suspect_lead", "lead_post_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    status: str = SuspectStatus.WAITING
    request_type_id: int = Field(foreign_key="request_type.id")
    lead_post_id: int | None = Field(default=None, foreign_key="post.id")
    score: float | None = None
    """How likely it is a request, 0 to 1; None until something says so."""
    why: list[dict[str, Any]] | None = json_column()
    """The rules that matched, best first: rule_id, rule, words."""
    urgent: int = 0
    """1: on top, always shown."""
    language: str = ""
    place: str = ""
    """As the city writes it; empty: not known."""
    place_method: str = ""
    """geotag, intersection, address, street, landmark, or by hand"""
    place_words: str = ""
    """The words of the text that it came from."""
    district: str = ""
    lat: float | None = None
    lon: float | None = None
    people: int = 1
    posts: int = 1
    first_posted_at: datetime = time_column(nullable=False)
    last_posted_at: datetime = time_column(nullable=False)
    created_at: datetime = time_column(nullable=False)
    decided_at: datetime | None = time_column()
    decided_by: str = ""
    dismiss_reason: str = ""
    returned_because: str = text_column()
    """Why it waits again: what the other side said when it refused."""
    assigned_to: str = ""
    parked_until: datetime | None = time_column()
    claimed_by: str = ""
    claimed_until: datetime | None = time_column()
    merged_into_id: int | None = Field(default=None, foreign_key="suspect.id")
    follows_id: int | None = Field(default=None, foreign_key="suspect.id")
    """An earlier suspect on what seems the same problem, closed or dismissed."""
    version: int = 1


class SuspectPost(Table, table=True):
    """Many to many: "also file as …" makes a second suspect of the same posts."""

    __tablename__ = "suspect_post"
    suspect_id: int = Field(foreign_key="suspect.id", primary_key=True)
    post_id: int = Field(foreign_key="post.id", primary_key=True, index=True)
    joined_at: datetime = time_column(nullable=False)
    joined_by: str = ""
    """Empty: the machine."""


class Decision(Table, table=True):
    """Append-only: who did what to a suspect, when, and what was before."""

    __table_args__ = (Index("ix_decision_at", "at"), Index("ix_decision_by", "by", "at"))
    id: int | None = Field(default=None, primary_key=True)
    suspect_id: int = Field(foreign_key="suspect.id", index=True)
    kind: str
    reason: str = text_column()
    by: str = ""
    at: datetime = time_column(nullable=False)
    before: dict[str, Any] | None = json_column()


class Note(Table, table=True):
    id: int | None = Field(default=None, primary_key=True)
    suspect_id: int = Field(foreign_key="suspect.id", index=True)
    text: str = text_column()
    by: str = ""
    at: datetime = time_column(nullable=False)


class Draft(Table, table=True):
    """What somebody typed and has not sent, so that a reload loses nothing."""

    suspect_id: int = Field(foreign_key="suspect.id", primary_key=True)
    by: str = Field(primary_key=True)
    content: dict[str, Any] | None = json_column()
    at: datetime = time_column(nullable=False)
