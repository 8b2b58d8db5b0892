"""Suspects and what people do with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, text
from sqlmodel import Field

from connector.models.base import Table, json_column, text_column, time_column
from connector.models.statuses import SuspectStatus

ASSIGNED, CLAIMED, SEVERAL = text("assigned_to <> ''"), text("claimed_by <> ''"), text("people > 1")
MERGED, TOLD_ELSEWHERE = text("merged_into_id IS NOT NULL"), text("place_post_id <> lead_post_id")
"""Its place was told by another post than the leading one."""
RETURNED, PARKED = text("returned_because <> ''"), text("parked_until IS NOT NULL")
UNOPENED = text("status = 'waiting' AND urgent = 1 AND opened_at IS NULL AND acknowledged_at IS NULL")
"""The urgent ones that somebody is mailed of: few, so that this index is written to seldom."""


class Suspect(Table, table=True):
    """Posts on one problem that wait for a person."""

    __table_args__ = (
        # What follows the id is no order: a filter is tested there, so that the rows it leaves out are never read.
        Index("ix_suspect_queue", "status", "urgent", "first_posted_at", "id", "district", "language", "source"),
        Index("ix_suspect_score", "status", "urgent", "score", "id", "district", "language", "source"),
        # Most suspects are one person's: those stand in the order of time behind the others.
        Index("ix_suspect_people", "status", "urgent", "people", "id", sqlite_where=SEVERAL, postgresql_where=SEVERAL),
        Index("ix_suspect_claimed", "claimed_by", sqlite_where=CLAIMED, postgresql_where=CLAIMED),
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
        Index("ix_suspect_returned", "id", sqlite_where=RETURNED, postgresql_where=RETURNED),
        Index("ix_suspect_parked", "status", "parked_until", sqlite_where=PARKED, postgresql_where=PARKED),
        Index("ix_suspect_merged", "merged_into_id", sqlite_where=MERGED, postgresql_where=MERGED),
        Index("ix_suspect_told", "place_post_id", sqlite_where=TOLD_ELSEWHERE, postgresql_where=TOLD_ELSEWHERE),
        # All its columns, else SQLite takes one of the larger indexes for the better one.
        Index(
            "ix_suspect_unopened",
            "status",
            "urgent",
            "opened_at",
            "acknowledged_at",
            "created_at",
            sqlite_where=UNOPENED,
            postgresql_where=UNOPENED,
        ),  # fmt: skip
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
    urgent_why: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The danger that the text tells of (`triage/urgency.py`): gas, wire, fire …; empty: only the type is urgent."""
    language: str = ""
    source: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of the leading post."""
    place: str = ""
    """As the city writes it; empty: not known."""
    place_method: str = ""
    """geotag, intersection, address, street, landmark, place tag, reply, or by hand"""
    place_words: str = ""
    """The words of the text that it came from."""
    place_post_id: int | None = None
    """The post that told it; None: nobody, or a person."""
    place_sure: float | None = None
    """0 to 1, rough; None: not known, or set by hand."""
    district: str = ""
    lat: float | None = None
    lon: float | None = None
    people: int = 1
    posts: int = 1
    first_posted_at: datetime = time_column(nullable=False)
    last_posted_at: datetime = time_column(nullable=False)
    created_at: datetime = time_column(nullable=False)
    opened_at: datetime | None = time_column()
    """When a person first had it on the card."""
    opened_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    alarmed_at: datetime | None = time_column()
    """When the on-call address was last told that nobody has opened it."""
    acknowledged_at: datetime | None = time_column()
    acknowledged_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    decided_at: datetime | None = time_column()
    decided_by: str = ""
    dismiss_reason: str = ""
    returned_because: str = text_column()
    """Why it waits again: what the other side said when it refused."""
    assigned_to: str = ""
    """A login, or `team:NAME`."""
    parked_until: datetime | None = time_column()
    claimed_by: str = ""
    claimed_until: datetime | None = time_column()
    merged_into_id: int | None = Field(default=None, foreign_key="suspect.id")
    follows_id: int | None = Field(default=None, foreign_key="suspect.id")
    """An earlier suspect on what seems the same problem, closed or dismissed."""
    near_keys: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    """Under which it stands in `near_key`, eight bytes each: they leave with it."""
    version: int = 1


class SuspectPost(Table, table=True):
    """Many to many: "also file as …" makes a second suspect of the same posts."""

    __tablename__ = "suspect_post"
    suspect_id: int = Field(foreign_key="suspect.id", primary_key=True)
    post_id: int = Field(foreign_key="post.id", primary_key=True, index=True)
    joined_at: datetime = time_column(nullable=False)
    joined_by: str = ""
    """Empty: the machine."""


class NearKey(Table, table=True):
    """What a suspect is found by when a post resembles it: its place, and bands of its text's MinHash, hashed."""

    __tablename__ = "near_key"
    # On SQLite the key is the table: one tree to write into, not two.
    __table_args__ = {"sqlite_with_rowid": False}
    key: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    at: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """When its first post was written, in seconds since 1970."""
    suspect_id: int = Field(primary_key=True)


class Apart(Table, table=True):
    """A person took this post out of this suspect: the machine never puts it, or a copy of it, back."""

    post_id: int = Field(foreign_key="post.id", primary_key=True)
    suspect_id: int = Field(foreign_key="suspect.id", primary_key=True, index=True)
    by: str = ""
    at: datetime = time_column(nullable=False)


class Decision(Table, table=True):
    """Append-only: who did what to a suspect, when, and what was before."""

    __table_args__ = (
        Index("ix_decision_at", "at"),
        Index("ix_decision_by", "by", "at"),
        Index("ix_decision_batch", "batch"),
    )
    id: int | None = Field(default=None, primary_key=True)
    suspect_id: int = Field(foreign_key="suspect.id", index=True)
    kind: str
    reason: str = text_column()
    by: str = ""
    at: datetime = time_column(nullable=False)
    batch: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The same for all that one key decided together; empty: decided alone."""
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
