"""The tables, their statuses, and which status may follow which.

SQLModel tables are the domain objects; `store.py` has the engine and the questions asked of them, `migrations/` the
way from one shape to the next.
"""

from __future__ import annotations

from connector.models.base import Table, Utc, now
from connector.models.deliveries import Delivery, Dispatch, DispatchPost, Reply, Ticket, TicketEvent
from connector.models.house import AuditEntry, OptOut, Setting, User, Worker
from connector.models.posts import (
    Alert,
    Gap,
    Match,
    Post,
    PostVersion,
    ReadCount,
    ReadHour,
    SampledPost,
    SourceState,
    Unseen,
)
from connector.models.rules import RequestType, Rule, RuleVersion
from connector.models.statuses import (
    DELIVERY_FOLLOWS,
    LIVE,
    OPEN,
    SUSPECT_FOLLOWS,
    AlertKind,
    DecisionKind,
    DeliveryStatus,
    DismissReason,
    GapCause,
    GapState,
    SuspectStatus,
    TicketStatus,
)
from connector.models.suspects import Apart, Decision, Draft, NearKey, Note, Suspect, SuspectPost

metadata = Table.metadata

__all__ = [
    "Alert",
    "AlertKind",
    "Apart",
    "AuditEntry",
    "DELIVERY_FOLLOWS",
    "Decision",
    "DecisionKind",
    "Delivery",
    "DeliveryStatus",
    "DismissReason",
    "Dispatch",
    "DispatchPost",
    "Draft",
    "Gap",
    "GapCause",
    "GapState",
    "LIVE",
    "Match",
    "NearKey",
    "Note",
    "OPEN",
    "OptOut",
    "Post",
    "PostVersion",
    "ReadCount",
    "ReadHour",
    "Reply",
    "RequestType",
    "Rule",
    "RuleVersion",
    "SUSPECT_FOLLOWS",
    "SampledPost",
    "Setting",
    "SourceState",
    "Suspect",
    "SuspectPost",
    "SuspectStatus",
    "Table",
    "Ticket",
    "TicketEvent",
    "TicketStatus",
    "Unseen",
    "User",
    "Utc",
    "Worker",
    "now",
    "metadata",
]
