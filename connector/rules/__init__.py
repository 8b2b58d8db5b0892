"""The rule language: X's rule syntax, one table of operators, and `compile`, which makes one rule set of many.

`OPERATORS` feeds parser, check, help and documentation. Read on in `tree.py` (what a rule is), `parser.py` (text to
tree), `check.py` (what is doubtful, all at once) and `matcher.py` (which rules meet which posts).
"""

from connector.rules.check import caret, check
from connector.rules.matcher import Found, RuleSet, compile
from connector.rules.parser import Problem, canonical, parse
from connector.rules.tree import OPERATORS, Node, Operator

__all__ = [
    "OPERATORS",
    "Found",
    "Node",
    "Operator",
    "Problem",
    "RuleSet",
    "canonical",
    "caret",
    "check",
    "compile",
    "parse",
]
