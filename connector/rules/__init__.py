"""The rule language: X's rule syntax, one table of operators, and `compile`, which makes one rule set of many.

`OPERATORS` feeds parser, check, help and documentation. Read on in `tree.py` (what a rule is), `parser.py` (text to
tree), `check.py` (what is doubtful, all at once) and `matcher.py` (which rules meet which posts).
"""
