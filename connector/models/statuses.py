"""The statuses and kinds, and which status may follow which (DESIGN: suspects, deliveries, tickets)."""

from __future__ import annotations

from enum import StrEnum


class SuspectStatus(StrEnum):
    """Where a suspect stands; only waiting and parked ones can be decided."""

    WAITING = "waiting"
    PARKED = "parked"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class GapCause(StrEnum):
    """Why a source may have missed posts."""

    DOWN = "down"
    """No worker ran."""
    DISCONNECT = "disconnect"
    RATE_LIMIT = "rate limit"
    REFUSED = "refused"
    """The credential."""
    CREDITS = "credits"
    """The platform's are used up, or our own monthly limit is reached."""
    BACK_PRESSURE = "back-pressure"
    """It was cut off because we did not take what it sent fast enough."""
    PAUSED = "paused"
    """By a person."""


class GapState(StrEnum):
    """Whether the posts of a gap are still wanted, were brought, or cannot be had."""

    OPEN = "open"
    FILLED = "filled"
    LOST = "lost"


class AlertKind(StrEnum):
    """What a person should know of a source without looking for it."""

    SILENT = "silent"
    """It is read, and brings far less than it usually does at this hour."""
    REFUSED = "refused"
    """The credential."""
    SPENT = "spent"
    """The platform's credits or our own monthly limit are used up."""
    LOST = "lost"
    """Posts of some interval cannot be had any more."""


class DeliveryStatus(StrEnum):
    """Where a dispatch or reply stands; `due_at` of a queued one is the hold or the wait before a retry."""

    DRAFTED = "drafted"
    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    EXHAUSTED = "exhausted"
    CANCELLED = "cancelled"
    BY_HAND = "by_hand"


class TicketStatus(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    UNTRACKABLE = "untrackable"


class DismissReason(StrEnum):
    """Why a suspect is none; five, because they stand on the keys 1 to 5."""

    NO_PROBLEM = "no_problem"
    ELSEWHERE = "elsewhere"
    JOKE = "joke"
    NEWS_AD = "news_ad"
    FIXED = "fixed"


class DecisionKind(StrEnum):
    ACCEPT = "accept"
    DISMISS = "dismiss"
    PARK = "park"
    UNDO = "undo"
    RETYPE = "retype"
    MERGE = "merge"
    SPLIT = "split"
    ASSIGN = "assign"
    ALSO = "also"
    """A second suspect of the same posts."""
    PLACE = "place"
    EXPIRE = "expire"
    """Nobody opened it for so long that it left by itself."""
    REFUSED = "refused"
    """Their side said no: the suspect waits again."""
    WITHDRAW = "withdraw"
    """Its posts vanished upstream."""


S, D = SuspectStatus, DeliveryStatus
SUSPECT_FOLLOWS: dict[SuspectStatus, frozenset[SuspectStatus]] = {
    S.WAITING: frozenset({S.PARKED, S.ACCEPTED, S.DISMISSED, S.MERGED, S.WITHDRAWN, S.EXPIRED}),
    S.PARKED: frozenset({S.WAITING, S.ACCEPTED, S.DISMISSED, S.MERGED, S.WITHDRAWN, S.EXPIRED}),
    # Undo gives back what was before: hence parked, too.
    S.ACCEPTED: frozenset({S.WAITING, S.PARKED, S.WITHDRAWN}),
    S.DISMISSED: frozenset({S.WAITING, S.PARKED, S.WITHDRAWN}),
    S.MERGED: frozenset({S.WAITING, S.PARKED}),
    S.EXPIRED: frozenset({S.WAITING}),
    S.WITHDRAWN: frozenset(),
}
OPEN = (S.WAITING, S.PARKED)
"""Statuses in which a suspect can be decided."""
DELIVERY_FOLLOWS: dict[DeliveryStatus, frozenset[DeliveryStatus]] = {
    D.DRAFTED: frozenset({D.QUEUED, D.CANCELLED}),
    # An answer that comes late counts wherever the delivery stands by then: hence sent after queued and exhausted.
    D.QUEUED: frozenset({D.SENDING, D.CANCELLED, D.BY_HAND, D.SENT}),
    D.SENDING: frozenset({D.SENT, D.QUEUED, D.REFUSED, D.UNCLEAR, D.EXHAUSTED, D.CANCELLED}),
    D.UNCLEAR: frozenset({D.SENT, D.QUEUED, D.EXHAUSTED, D.BY_HAND, D.CANCELLED}),
    D.EXHAUSTED: frozenset({D.QUEUED, D.BY_HAND, D.CANCELLED, D.SENT}),
    D.SENT: frozenset(),
    D.REFUSED: frozenset(),
    D.CANCELLED: frozenset(),
    D.BY_HAND: frozenset(),
}
LIVE = (D.DRAFTED, D.QUEUED, D.SENDING, D.SENT, D.UNCLEAR, D.EXHAUSTED, D.BY_HAND)
"""Statuses of which a suspect has at most one per channel."""
