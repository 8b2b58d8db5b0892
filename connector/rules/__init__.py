"""The rule language: X's rule syntax, one table of operators, and `compile`, which makes one rule set of many.

`OPERATORS` feeds parser, check, completion, help and documentation. Read on in `operators.py` (the table), `parser.py`
(text to tree), `check.py` (what is doubtful, all at once), `forbidden.py` (what a city must not look for) and
`matcher.py` (which rules meet which posts).
"""

from connector.rules.check import caret, check
from connector.rules.complete import Completion, completions
from connector.rules.forbidden import Refusal, forbidden
from connector.rules.matcher import Found, RuleSet, compile
from connector.rules.operators import OPERATORS, Operator, evaluated
from connector.rules.parser import Problem, canonical, parse
from connector.rules.tree import Node, unknown

__all__ = [
    "OPERATORS",
    "Completion",
    "Found",
    "Node",
    "Operator",
    "Problem",
    "Refusal",
    "RuleSet",
    "canonical",
    "caret",
    "check",
    "compile",
    "completions",
    "evaluated",
    "forbidden",
    "parse",
    "unknown",
]
