"""What a deletion needs to find all that a post said: what quotes it, its versions, who carries it, what it told"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from connector.models.base import Utc

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
_PORTION = 2_000
_QUOTING = "(kind IN ('quote', 'repost') OR quoted_text <> '') AND gone_at IS NULL"
_CARRIED = (
    "INSERT INTO dispatch_post (dispatch_id, post_id) SELECT d.id, sp.post_id FROM dispatch d"
    " JOIN suspect_post sp ON sp.suspect_id = d.suspect_id AND sp.joined_at <= d.created_at"
)
_TOLD = (
    "UPDATE suspect SET place_post_id = coalesce((SELECT p.id FROM suspect_post sp JOIN post p ON p.id = sp.post_id"
    " WHERE sp.suspect_id IN (suspect.id, suspect.merged_into_id) AND p.gone_at IS NULL"
    " AND ((p.lat = suspect.lat AND p.lon = suspect.lon) OR (suspect.place_words <> '' AND {has}(p.text, suspect.place_words) > 0)) ORDER BY p.id LIMIT 1), lead_post_id)"
    " WHERE place_method NOT IN ('', 'by hand')"
)


def upgrade() -> None:
    about, told = sa.text("about_id <> ''"), sa.text("place_post_id <> lead_post_id")
    merged = sa.text("merged_into_id IS NOT NULL")
    with op.batch_alter_table("post", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about_id", sa.String(), server_default="", nullable=False))
        batch_op.create_index(
            "ix_post_about", ["source", "about_id"], unique=False, sqlite_where=about, postgresql_where=about
        )
        batch_op.drop_index("ix_post_edited")
    with op.batch_alter_table("suspect", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place_post_id", sa.Integer(), nullable=True))
        batch_op.create_index(
            "ix_suspect_told", ["place_post_id"], unique=False, sqlite_where=told, postgresql_where=told
        )
        batch_op.create_index(
            "ix_suspect_merged", ["merged_into_id"], unique=False, sqlite_where=merged, postgresql_where=merged
        )
    op.create_table(
        "post_version",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version_id", sa.String(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"]),
        sa.PrimaryKeyConstraint("source", "version_id"),
    )
    op.create_table(
        "unseen",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("source", "key"),
    )
    op.create_index("ix_unseen_at", "unseen", ["at"], unique=False)
    op.create_table(
        "dispatch_post",
        sa.Column("dispatch_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["dispatch_id"], ["dispatch.id"]),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"]),
        sa.PrimaryKeyConstraint("dispatch_id", "post_id"),
    )
    op.create_index(op.f("ix_dispatch_post_post_id"), "dispatch_post", ["post_id"], unique=False)
    connection = op.get_bind()
    _fill(connection)
    connection.exec_driver_sql(_CARRIED)
    _carry_what_was_moved(connection)
    connection.exec_driver_sql(_TOLD.format(has="instr" if connection.dialect.name == "sqlite" else "strpos"))


def _fill(connection: sa.Connection) -> None:
    """What stands in the posts' JSON becomes something that can be looked up."""
    for id_, _, refs in _posts(connection, "source", "refs", _QUOTING):
        about = next((ref["id"] for ref in refs if ref["kind"] in ("quote", "repost")), "")
        connection.execute(sa.text("UPDATE post SET about_id = :about WHERE id = :id"), {"about": about, "id": id_})
    for id_, source, edits in _posts(connection, "source", "edits", "edited_at IS NOT NULL AND gone_at IS NULL"):
        for version in {edit["id"] for edit in edits}:
            connection.execute(
                sa.text("INSERT INTO post_version (source, version_id, post_id) VALUES (:source, :version, :id)"
                        " ON CONFLICT DO NOTHING"),
                {"source": source, "version": version, "id": id_},
            )  # fmt: skip


def _carry_what_was_moved(connection: sa.Connection) -> None:
    """Posts that a merge or a split moved may stand in the requests of either side; one too many does no harm."""
    decisions = sa.text("SELECT suspect_id, before FROM decision WHERE kind IN ('merge', 'split')")
    carry = sa.text(
        "INSERT INTO dispatch_post (dispatch_id, post_id) SELECT d.id, p.id FROM dispatch d JOIN post p ON p.id = :post"
        " WHERE d.suspect_id = :suspect ON CONFLICT DO NOTHING"
    )
    for suspect_id, told in connection.execute(decisions).all():
        before = (json.loads(told) if isinstance(told, str) else told) or {}
        sides = {suspect_id, *(before[name] for name in ("into", "new") if name in before)}
        rows = [{"post": post[0], "suspect": side} for post in before.get("posts", ()) for side in sides]
        if rows:
            connection.execute(carry, rows)


def _posts(connection: sa.Connection, first: str, column: str, where: str) -> Any:
    """A portion at a time, so that millions of them fit into memory."""
    last = 0
    query = sa.text(f"SELECT id, {first}, {column} FROM post WHERE {where} AND id > :last ORDER BY id LIMIT {_PORTION}")
    while rows := connection.execute(query, {"last": last}).all():
        for id_, value, listed in rows:
            yield id_, value, (json.loads(listed) if isinstance(listed, str) else listed) or []
        last = rows[-1][0]
