"""The gap ledger knows causes and how far a gap is filled; what is usual each hour; alerts"""

import sqlalchemy as sa
from alembic import op

from connector.models.base import Utc

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("says", sa.Text(), server_default="", nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=True),
        sa.Column("mailed_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_open", ["source", "kind", "closed_at"], unique=False)
    op.create_table(
        "read_hour",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("hour_at", Utc(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("source", "hour_at"),
    )
    with op.batch_alter_table("gap", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cause", sa.String(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("cursor", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("due_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("tries", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("posts", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("error", sa.Text(), server_default="", nullable=False))
        batch_op.add_column(sa.Column("closed_at", Utc(), nullable=True))
    with op.batch_alter_table("source_state", schema=None) as batch_op:
        batch_op.add_column(sa.Column("alive_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("retry_at", Utc(), nullable=True))
        batch_op.add_column(sa.Column("troubles", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("asked", sa.String(), server_default="", nullable=False))
    with op.batch_alter_table("read_count", schema=None) as batch_op:
        batch_op.alter_column("cost_micros", existing_type=sa.Integer(), type_=sa.BigInteger(), existing_nullable=False)
