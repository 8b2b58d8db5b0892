"""A share of what was counted, with how sure it is: Wilson's interval.

Few cases say little: 3 of 3 accepted is not "100 %". Pages and commands show a share with its interval and its counts.
Used by `backtest.py` (precision, recall) and `store/insights.py` (how often a rule is right).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_Z = 1.96
"""Standard deviations on each side of 95 % of a normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """`part` of `whole` cases; the true share lies between `low` and `high` with 95 % confidence."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """None where nothing was counted."""
        return self.part / self.whole if self.whole else None

    def __str__(self) -> str:
        """For example "89 % (81–94 %, 80 of 90)"."""
        if self.value is None:
            return "unknown"
        return f"{self.value:.0%} ({self.low:.0%}–{self.high:.0%}, {self.part:,} of {self.whole:,})".replace("%", " %")

    @property
    def low(self) -> float:
        return max(0.0, self._centre - self._reach) if self.part else 0.0

    @property
    def high(self) -> float:
        return min(1.0, self._centre + self._reach) if self.part < self.whole else 1.0

    # E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    @property
    def _centre(self) -> float:
        return (self.part + _Z**2 / 2) / (self.whole + _Z**2)

    @property
    def _reach(self) -> float:
        spread = self.part * (self.whole - self.part) / self.whole + _Z**2 / 4
        return _Z * math.sqrt(spread) / (self.whole + _Z**2)
