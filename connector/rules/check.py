"""What is doubtful about a rule, all at once: X's conditions that the grammar alone does not hold, and `caret`.

Called by the Rules page as one types and by `check-rule`; never raises. The tree comes from `parser.read`; where
something could not be read, a placeholder stands in the tree, so that one mistake gives one problem. Read on in
`matcher.py`, which runs what passes here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from connector.rules.parser import Problem, read
from connector.rules.tree import STANDALONE, And, Leaf, Node, Not, Or, operator_of

LIMITS: dict[str, int | None] = {"stream": 1024, "search": 512, "local": None}
"""Longest rule in characters on X's pay-per-use plans; what we evaluate ourselves has no limit."""


def check(text: str, surface: str = "stream") -> list[Problem]:
    """Everything that keeps a rule from working on `stream`, `search` or `local`, in order; empty: it is valid."""
    tree, problems = read(text)
    problems = [*problems, *_length(text, surface)]
    if tree is not None:
        problems += [*_negated_groups(tree, text), *_nothing_to_look_for(tree)]
    return sorted(problems, key=lambda problem: problem.position)


def _length(text: str, surface: str) -> Iterator[Problem]:
    limit = LIMITS[surface]
    if limit is not None and len(text) > limit:
        yield Problem(limit, len(text) - limit, f"The rule has {len(text):,} characters; X's {surface} takes {limit:,}")


def _walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Not):
        yield from _walk(node.child)
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from _walk(child)


def _negated_groups(tree: Node, text: str) -> Iterator[Problem]:
    """X says not to negate groups; whether it refuses them is not documented, so they are refused here."""
    for node in _walk(tree):
        if isinstance(node, Not) and text[node.position + 1 : node.position + 2] == "(":
            opposite = _opposite(node.child)
            if isinstance(opposite, Or):
                yield Problem(
                    node.position,
                    node.length,
                    "- does not go before parentheses, and this group has no other writing: exclude single words",
                )
            else:
                message = "- does not go before parentheses: exclude each one by itself"
                yield Problem(node.position, node.length, message, str(opposite))


def _opposite(node: Node) -> Node:
    """The negation with every `-` before a single operator."""
    match node:
        case Not(child):
            return child
        case Or(children):
            return And(tuple(_opposite(child) for child in children))
        case And(children):
            return Or(tuple(_opposite(child) for child in children))
        case leaf:
            return Not(leaf)


def _nothing_to_look_for(tree: Node) -> Iterator[Problem]:
    """Rules, or alternatives in a rule, that say only what not to find or only how a post is made."""
    found = list(_positive(tree))
    if not found:
        yield Problem(
            tree.position, tree.length, "A rule of only exclusions matches nothing: say what to look for as well"
        )
    elif all(operator is not None and operator.kind != STANDALONE for operator in map(operator_of, found)):
        names = ", ".join(dict.fromkeys(str(leaf) for leaf in found))
        message = f"{names}: only together with a word, a phrase, a hashtag or an account to look for"
        yield Problem(tree.position, tree.length, message)
    else:
        yield from _negated_alternatives(tree)


def _positive(node: Node) -> Iterator[Leaf]:
    """The operators that are not excluded."""
    if isinstance(node, And | Or):
        for child in node.children:
            yield from _positive(child)
    elif not isinstance(node, Not):
        yield node


def _negated_alternatives(tree: Node) -> Iterator[Problem]:
    for node in _walk(tree):
        if not isinstance(node, Or):
            continue
        for child in node.children:
            if not any(_positive(child)):
                message = "An alternative of only exclusions would match almost every post: move it behind the words"
                yield Problem(child.position, child.length, f"{message}, as in (this OR that) -other")


def caret(text: str, position: int, length: int, width: int = 70) -> str:
    """Two lines: the part of the rule around a place, and carets under it; at most `width` characters wide."""
    line = "".join(char if char.isprintable() else " " for char in text) + " "
    position = max(0, min(position, len(text)))
    start = max(0, min(position - width // 3, len(text) - width + 1))
    end = min(len(text), start + width)
    shown = line[start:end]
    if start:
        shown = "…" + shown[1:]
    if end < len(text):
        shown = shown[:-1] + "…"
    marked = line[position : max(position + 1, min(position + length, end))]
    blank = sum(_columns(char) for char in line[start:position])
    return f"{shown}\n{' ' * blank}{'^' * max(1, sum(_columns(char) for char in marked))}"


def _columns(char: str) -> int:
    """How many columns a terminal gives the character."""
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
