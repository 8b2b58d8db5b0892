"""What reviewers work with: who opened a suspect, alarms, bulk decisions, teams, who saw a name"""

import sqlalchemy as sa
from alembic import op

from connector.models.base import Utc

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
UNOPENED = "status = 'waiting' AND urgent = 1 AND opened_at IS NULL AND acknowledged_at IS NULL"


def upgrade() -> None:
    with op.batch_alter_table("suspect", schema=None) as batch_op:
        batch_op.add_column(sa.Column("urgent_why", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("source", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("place_sure", sa.Float(), nullable=True))
        batch_op.add_column(sa.Column("opened_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("opened_by", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("alarmed_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("acknowledged_by", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("near_keys", sa.LargeBinary(), nullable=True))
        batch_op.create_index(
            "ix_suspect_unopened", ["status", "urgent", "opened_at", "acknowledged_at", "created_at"], unique=False,
            sqlite_where=sa.text(UNOPENED), postgresql_where=sa.text(UNOPENED),
        )  # fmt: skip
        batch_op.drop_index("ix_suspect_queue")
        batch_op.create_index(
            "ix_suspect_queue", ["status", "urgent", "first_posted_at", "id", "district", "language", "source"],
            unique=False,
        )  # fmt: skip
        batch_op.create_index(
            "ix_suspect_score", ["status", "urgent", "score", "id", "district", "language", "source"], unique=False
        )
        for name, columns, where in (
            ("ix_suspect_people", ["status", "urgent", "people", "id"], "people > 1"),
            ("ix_suspect_claimed", ["claimed_by"], "claimed_by <> ''"),
        ):
            batch_op.create_index(
                name, columns, unique=False, sqlite_where=sa.text(where), postgresql_where=sa.text(where)
            )
    op.create_table(
        "near_key",
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("suspect_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("key", "at", "suspect_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "apart",
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("suspect_id", sa.Integer(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["post_id"], ["post.id"]),
        sa.ForeignKeyConstraint(["suspect_id"], ["suspect.id"]),
        sa.PrimaryKeyConstraint("post_id", "suspect_id"),
    )
    with op.batch_alter_table("apart", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_apart_suspect_id"), ["suspect_id"], unique=False)
    with op.batch_alter_table("decision", schema=None) as batch_op:
        batch_op.add_column(sa.Column("batch", sa.String(), server_default="", nullable=False))
        batch_op.create_index("ix_decision_batch", ["batch"], unique=False)
    with op.batch_alter_table("staff", schema=None) as batch_op:
        batch_op.add_column(sa.Column("team", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("login_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("seen_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("seen_id", sa.Integer(), server_default="0", nullable=False))
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.add_column(sa.Column("suspect_id", sa.Integer(), nullable=True))
        batch_op.create_index("ix_audit_entry_at", ["at"], unique=False)
        batch_op.create_index("ix_audit_entry_suspect", ["suspect_id"], unique=False)
    suspect, post = (
        sa.table(
            "suspect",
            sa.column("source"),
            sa.column("lead_post_id"),
            sa.column("created_at"),
            sa.column("acknowledged_at"),
        ),
        sa.table("post", sa.column("id"), sa.column("source")),
    )
    lead = sa.select(post.c.source).where(post.c.id == suspect.c.lead_post_id).scalar_subquery()
    # Nobody is called out of bed for what waited before anybody could be.
    values = {"source": sa.func.coalesce(lead, ""), "acknowledged_at": suspect.c.created_at}
    op.execute(suspect.update().values(values))
