"""What X sells, and the figures by which the simulator behaves: X's documented ones, unless a test says otherwise."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Plan:
    """The limits of a plan, after X's pages of August 2026."""

    name: str
    rules: int
    rule_length: int
    query_length: int
    connections: int
    backfill: bool
    summoned_only: bool
    """Replies only to who mentioned or quoted the account."""


PAY_PER_USE = Plan("pay-per-use", 1000, 1024, 512, 1, backfill=False, summoned_only=True)
ENTERPRISE = Plan("enterprise", 25_000, 2048, 4096, 2, backfill=True, summoned_only=False)
PLANS = {plan.name: plan for plan in (PAY_PER_USE, ENTERPRISE)}

WINDOW = 900.0
"""Seconds over which requests are counted."""
LIMITS = {
    "stream": 50, "rules": 450, "change_rules": 100, "rule_counts": 450, "search": 450, "counts": 300, "lookup": 300,
    "me": 75, "create": 200, "create_job": 150, "jobs": 150, "job": 150,
}  # fmt: skip


@dataclass
class Settings:
    """Seconds are X's."""

    keep_alive: float = 20.0
    rule_delay: float = 20.0
    """Until a rule that was added or removed has its effect."""
    horizon: float = 7 * 86400.0
    """How far recent search reaches back."""
    forgotten_before: float = 0.0
    """Seconds since 1970: what is older is out of its reach as well."""
    newest: float = 10.0
    """`end_time` lies at least so long before now."""
    lag: float = 30.0
    """Without `end_time`, search ends so long before now."""
    slow_after: float = 60.0
    """A reader to whom a message cannot be written for so long is disconnected."""
    queue: int = 100_000
    """So is one for whom more posts wait than this."""
    send_buffer: int = 65_536
    """Bytes that the system holds for a reader."""
    invalid_spoils_all: bool = True
    """Whether one invalid rule keeps the others of its request from being added; no source settles it."""
    upload_lives: float = 900.0
    download_lives: float = 7 * 86400.0
    job_takes: float = 30.0
    old_job_lines: bool = False
    """Compliance lines as in old recordings: dates with +00:00, no `redacted_at`."""
    words: str = "tweets"
    """`posts`: fields as X's description of 2026 names them; `tweets`: as recorded answers do."""
    client_gone_after: float = 0.0
    """For so long a vanished client's place on the stream counts as taken."""
    limits: dict[str, int] = field(default_factory=lambda: dict(LIMITS))
    """Requests for each endpoint in a window of 15 minutes."""
