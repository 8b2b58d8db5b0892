"""What can be written at the cursor: operators by the table, and their values where there are few of them.

Asked by the Rules page as one types.
"""

from __future__ import annotations

from typing import NamedTuple

from connector.rules.arguments import FORMS
from connector.rules.lexer import cut
from connector.rules.operators import ALWAYS, NEVER, OPERATORS, STREAM, Operator

MOST = 12


class Completion(NamedTuple):
    """One thing that could stand there."""

    operator: str
    """Its name in the table."""
    insert: str
    """What takes the place of the text from `begun` to the cursor."""
    help: str


def begun(text: str, cursor: int) -> int:
    """Where the operator starts that is being written at the cursor; the cursor itself if there is none."""
    for token in cut(text[:cursor]):
        if token.end() == cursor and token.lastgroup in ("field", "chunk"):
            return token.start()
    return cursor


def completions(text: str, cursor: int, surface: str = STREAM) -> list[Completion]:
    """What the text before the cursor can become, in the order of the table; empty inside quotes and behind blanks."""
    cursor = max(0, min(cursor, len(text)))
    start = begun(text, cursor)
    typed = text[start:cursor].lower()
    if not typed:
        return []
    excluded = text[start - 1 : start] == "-"
    found = []
    for operator in OPERATORS:
        if surface in operator.surfaces and not (excluded and operator.minus == NEVER):
            sign = "-" if operator.minus == ALWAYS and not excluded else ""
            found += [Completion(operator.name, sign + insert, operator.help) for insert in _inserts(operator, typed)]
    return found[:MOST]


def _inserts(operator: Operator, typed: str) -> list[str]:
    name = operator.name
    if ":" not in name:
        return []
    if name.startswith(typed) and typed != name:
        return [name]
    if operator.argument and typed.startswith(name):
        values = FORMS[operator.argument].values
        return [name + value for value in values if (name + value).lower().startswith(typed) and name + value != typed]
    return [name for alias in operator.aliases if alias.startswith(typed)][:1]
