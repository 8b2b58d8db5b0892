"""What goes out: dispatches, replies, and the tickets that came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from connector.models.base import Table, Utc, now, text_column, time_column
from connector.models.statuses import LIVE, DeliveryStatus, TicketStatus


class Delivery(SQLModel):
    """The columns that a dispatch and a reply share; `deliver.py` moves them through the three beats."""

    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)
    """Our short id that travels in the ticket, by which a lost answer is found again."""
    content: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    """Frozen when it was accepted; empty once its posts are gone."""
    status: str = DeliveryStatus.QUEUED
    due_at: datetime = Field(default_factory=now, sa_type=Utc)
    claimed_by: str = ""
    claimed_until: datetime | None = Field(default=None, sa_type=Utc)
    attempts: int = 0
    lookups: int = 0
    sent_at: datetime | None = Field(default=None, sa_type=Utc)
    """When the last try started."""
    settled_at: datetime | None = Field(default=None, sa_type=Utc)
    last_error: str = Field(default="", sa_type=Text)
    created_at: datetime = Field(default_factory=now, sa_type=Utc)


SETTLED, CHECKED = text("status = 'sent'"), text("last_error = ''")
"""What a channel answered, as dispatches and as tickets."""
FLAGGED, HAS_URL = text("flagged <> ''"), text("url <> ''")
_LIVE_TICKET = text("status IN (" + ", ".join(f"'{s.value}'" for s in LIVE) + ") AND kind = 'ticket'")


class Dispatch(Delivery, Table, table=True):
    """One delivery to a channel: a new ticket, or a comment on one."""

    __table_args__ = (
        Index("ix_dispatch_due", "status", "channel", "due_at"),
        Index("ix_dispatch_status", "status", "id"),
        Index("ix_dispatch_settled", "channel", "settled_at", sqlite_where=SETTLED, postgresql_where=SETTLED),
        Index("ix_dispatch_created", "created_at"),
        # Invariant 6, held by the database: one suspect, at most one live ticket per channel.
        Index(
            "ix_dispatch_one_live",
            "suspect_id",
            "channel",
            unique=True,
            sqlite_where=_LIVE_TICKET,
            postgresql_where=_LIVE_TICKET,
        ),
    )
    suspect_id: int = Field(foreign_key="suspect.id", index=True)
    channel: str
    kind: str = "ticket"
    """ticket or comment"""
    by: str = ""


class DispatchPost(Table, table=True):
    """Whose words a dispatch carries, wherever these posts are grouped by now: so that a deletion finds them."""

    __tablename__ = "dispatch_post"
    dispatch_id: int = Field(foreign_key="dispatch.id", primary_key=True)
    post_id: int = Field(foreign_key="post.id", primary_key=True, index=True)


class Reply(Delivery, Table, table=True):
    """Our public answer under a post."""

    __table_args__ = (UniqueConstraint("post_id", "kind"), Index("ix_reply_due", "status", "due_at"))
    post_id: int = Field(foreign_key="post.id")
    source: str
    kind: str
    """logged, addressed, ask_place, redirected, duplicate, follow_up"""
    source_id: str = Field(default="", index=True)


class Ticket(Table, table=True):
    """The record over there."""

    __table_args__ = (
        UniqueConstraint("dispatch_id"),
        Index("ix_ticket_check", "status", "channel", "check_at"),
        Index("ix_ticket_status", "status", "dispatch_id"),
        Index("ix_ticket_flagged", "dispatch_id", sqlite_where=FLAGGED, postgresql_where=FLAGGED),
        Index("ix_ticket_checked", "channel", "checked_at", sqlite_where=CHECKED, postgresql_where=CHECKED),
        Index("ix_ticket_url", "url", sqlite_where=HAS_URL, postgresql_where=HAS_URL),
        Index("ix_ticket_number", "number"),
    )
    id: int | None = Field(default=None, primary_key=True)
    dispatch_id: int = Field(foreign_key="dispatch.id")
    suspect_id: int = Field(foreign_key="suspect.id", index=True)
    channel: str
    number: str = ""
    token: str = ""
    """Stands for the number until it matures."""
    url: str = ""
    status: str = TicketStatus.OPEN
    notes: str = text_column()
    opened_at: datetime = time_column(nullable=False)
    changed_at: datetime | None = time_column()
    """When their side last changed it; an older state is ignored."""
    closed_at: datetime | None = time_column()
    check_at: datetime | None = time_column()
    """When it is looked at next; None: not by us."""
    checked_at: datetime | None = time_column()
    last_error: str = text_column()
    flagged: str = ""
    """What staff must do at the CRM: its copy holds text that the author deleted."""


class TicketEvent(Table, table=True):
    """Append-only."""

    __tablename__ = "ticket_event"
    id: int | None = Field(default=None, primary_key=True)
    dispatch_id: int = Field(foreign_key="dispatch.id", index=True)
    what: str = text_column()
    by: str = ""
    at: datetime = time_column(nullable=False)
