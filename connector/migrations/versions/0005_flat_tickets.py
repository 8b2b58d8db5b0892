"""Tickets, deliveries and what is parked are found by an index each, however many there are"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
_WIDER = (("dispatch", "ix_dispatch_due", "due_at"), ("ticket", "ix_ticket_check", "check_at"))
_NEW = (
    ("dispatch", "ix_dispatch_status", ["status", "id"], None),
    ("dispatch", "ix_dispatch_settled", ["channel", "settled_at"], "status = 'sent'"),
    ("ticket", "ix_ticket_status", ["status", "dispatch_id"], None),
    ("ticket", "ix_ticket_flagged", ["dispatch_id"], "flagged <> ''"),
    ("ticket", "ix_ticket_checked", ["channel", "checked_at"], "last_error = ''"),
    ("ticket", "ix_ticket_url", ["url"], "url <> ''"),
    ("suspect", "ix_suspect_returned", ["id"], "returned_because <> ''"),
    ("suspect", "ix_suspect_parked", ["status", "parked_until"], "parked_until IS NOT NULL"),
)


def upgrade() -> None:
    for table, name, time in _WIDER:
        op.drop_index(name, table)
        op.create_index(name, table, ["status", "channel", time], unique=False)
    for table, name, columns, where in _NEW:
        few = sa.text(where) if where else None
        op.create_index(name, table, columns, unique=False, sqlite_where=few, postgresql_where=few)
