"""Sources, the posts they gave us, and the rules these met."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from connector.models.base import Table, Utc, json_column, now, text_column, time_column
from connector.models.statuses import GapState


class SourceState(Table, table=True):
    """How far a source has been read, and how it is."""

    __tablename__ = "source_state"
    name: str = Field(primary_key=True)
    kind: str
    state: str = "new"
    """new, running, catching up, paused, stopped"""
    cursor: str = text_column()
    lease_by: str = ""
    """The worker that reads it; on PostgreSQL alone, where there may be several."""
    lease_until: datetime | None = time_column()
    alive_at: datetime | None = time_column()
    """When it was last well, with a post or without."""
    retry_at: datetime | None = time_column()
    """Not to be tried before, as the platform asked; a new worker keeps to it too."""
    asked: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What a person wants of it: retry, pause; empty: nothing."""
    last_post_at: datetime | None = time_column()
    troubles: list[str] | None = json_column()
    """What a person should look at although it is read on, a sentence each."""
    last_error: str = text_column()
    last_error_at: datetime | None = time_column()


class Gap(Table, table=True):
    """An interval in which a source may have missed posts."""

    id: int | None = Field(default=None, primary_key=True)
    source: str = Field(index=True)
    from_at: datetime = time_column(nullable=False)
    to_at: datetime | None = time_column()
    """None: it lasts."""
    why: str = text_column()
    cause: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """As `GapCause`; empty in gaps of before there were causes."""
    state: str = GapState.OPEN
    cursor: str = text_column()
    """How far it is filled, in the adapter's words."""
    due_at: datetime | None = time_column()
    """When filling it is tried next; None: when a person asks for it, or never."""
    tries: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    posts: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Brought by filling it, those known already included."""
    error: str = text_column()
    """Why the last try failed."""
    closed_at: datetime | None = time_column()


class ReadCount(Table, table=True):
    """What became of what a source delivered, per city day: no post is unaccounted for."""

    __tablename__ = "read_count"
    source: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    outcome: str = Field(primary_key=True)
    """new, duplicate, updated, unmatched, deleted, late (behind its own deletion), or refused: with its reason"""
    count: int = 0
    cost_micros: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    """Price of reading them, in millionths of the account's currency."""


class ReadHour(Table, table=True):
    """Posts that a source delivered in an hour (UTC), whatever became of them: what is usual, and what is silence."""

    __tablename__ = "read_hour"
    source: str = Field(primary_key=True)
    hour_at: datetime = Field(sa_column=Column(Utc, primary_key=True, nullable=False))
    count: int = 0


class Alert(Table, table=True):
    """Something about a source that a person should look at; on every page while it is open, mailed once."""

    __table_args__ = (Index("ix_alert_open", "source", "kind", "closed_at"),)
    id: int | None = Field(default=None, primary_key=True)
    source: str
    kind: str
    """As `AlertKind`."""
    says: str = text_column()
    """A sentence: what is the matter."""
    opened_at: datetime = time_column(nullable=False)
    closed_at: datetime | None = time_column()
    mailed_at: datetime | None = time_column()


_ABOUT = text("about_id <> ''")


class Post(Table, table=True):
    """What a source gave us, kept once; handles are placeholders, names stand in `author_sealed` alone."""

    __table_args__ = (
        UniqueConstraint("source", "source_id"),
        Index("ix_post_version", "source", "version_id"),
        Index("ix_post_posted", "posted_at"),
        Index("ix_post_author", "author_key"),
        Index("ix_post_about", "source", "about_id", sqlite_where=_ABOUT, postgresql_where=_ABOUT),
    )
    id: int | None = Field(default=None, primary_key=True)
    source: str
    source_id: str
    """Of the first version, where a platform gives each edit an id of its own."""
    version_id: str = ""
    """Of the version that `text` holds."""
    kind: str = "post"
    text: str = text_column()
    quoted_text: str = text_column()
    lang: str = ""
    entities: dict[str, Any] | None = json_column()
    """hashtags, urls, mention_keys (pseudonyms), withheld, link (the post's own address)"""
    media: list[dict[str, str]] | None = json_column()
    references: list[dict[str, str]] | None = Field(default=None, sa_column=Column("refs", JSON))
    about_id: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """Of the post that it quotes or reposts: what that one says goes with it."""
    edits: list[dict[str, str]] | None = json_column()
    """Earlier wordings, oldest first: id, text, at."""
    conversation_id: str = Field(default="", index=True)
    reply_settings: str = ""
    place_name: str = ""
    lat: float | None = None
    lon: float | None = None
    own: bool = False
    mentions_us: bool = False
    author_key: str = ""
    author_sealed: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    posted_at: datetime = Field(default_factory=now, sa_column=Column(Utc, nullable=False))
    received_at: datetime = time_column(nullable=False)
    edited_at: datetime | None = time_column()
    gone_at: datetime | None = time_column()


class PostVersion(Table, table=True):
    """An earlier wording's own id, where a platform gives it one: a deletion may name any of them."""

    __tablename__ = "post_version"
    source: str = Field(primary_key=True)
    version_id: str = Field(primary_key=True)
    post_id: int = Field(foreign_key="post.id")


class Unseen(Table, table=True):
    """A deletion whose post is not here: it may come behind it, and must not be stored then. Forgotten after a day."""

    source: str = Field(primary_key=True)
    key: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """The post's id, hashed."""
    at: datetime = time_column(nullable=False, index=True)


class Match(Table, table=True):
    """One rule, in one version, met one post; the words that did it."""

    __table_args__ = (UniqueConstraint("post_id", "rule_id"), Index("ix_match_rule", "rule_id", "matched_at"))
    id: int | None = Field(default=None, primary_key=True)
    post_id: int = Field(foreign_key="post.id")
    rule_id: int = Field(foreign_key="rule.id")
    rule_version: int = 1
    words: list[str] | None = json_column()
    matched_at: datetime = time_column(nullable=False)


class SampledPost(Table, table=True):
    """A capped random sample of posts that no rule met, without any author; for backtests."""

    __tablename__ = "sampled_post"
    id: int | None = Field(default=None, primary_key=True)
    source: str
    text: str = text_column()
    lang: str = ""
    entities: dict[str, Any] | None = json_column()
    posted_at: datetime = Field(default_factory=now, sa_column=Column(Utc, nullable=False, index=True))
