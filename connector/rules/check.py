"""What is doubtful about a rule, all at once: X's conditions that the grammar alone does not hold, and `caret`.

Called by the Rules page as one types and by `check-rule`; never raises. The tree comes from `parser.read`; where
something could not be read, a placeholder stands in the tree, so that one mistake gives one problem. What a city must
not look for is another question, asked by `forbidden.py`. Read on in `matcher.py`, which runs what passes here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from connector.rules.operators import ALWAYS, LOCAL, NEVER, SEARCH, STANDALONE, STREAM
from connector.rules.parser import MAX_PROBLEMS, Problem, read
from connector.rules.tree import And, Field, Leaf, Node, Not, Or, operator_of, positive, walk

LIMITS: dict[str, int | None] = {STREAM: 1024, SEARCH: 512, LOCAL: None}
"""Longest rule in characters on X's pay-per-use plans; what we evaluate ourselves has no limit."""
_ON = {STREAM: "X's stream", SEARCH: "X's search", LOCAL: "what is evaluated here"}
_IN_COMPANY = "only together with a word, a phrase, a hashtag or an account to look for"


def check(text: str, surface: str = STREAM, longest: int | None = None) -> list[Problem]:
    """Everything that keeps a rule from working on `stream`, `search` or `local`, in order; empty: it is valid.

    `longest` is the length that another plan than pay-per-use allows. Never more problems than anyone reads at once.
    """
    tree, problems = read(text)
    problems = [*problems, *_length(text, surface, longest or LIMITS[surface])]
    if tree is not None:
        problems += [
            *_negated_groups(tree, text),
            *_nothing_to_look_for(tree),
            *_misplaced(tree, surface, negated=False),
            *_for_the_whole_rule(tree),
        ]
    return sorted(problems, key=lambda problem: problem.position)[:MAX_PROBLEMS]


def _length(text: str, surface: str, limit: int | None) -> Iterator[Problem]:
    if limit is not None and len(text) > limit:
        yield Problem(limit, len(text) - limit, f"The rule has {len(text):,} characters; X's {surface} takes {limit:,}")


def _negated_groups(tree: Node, text: str) -> Iterator[Problem]:
    """X says not to negate groups; whether it refuses them is not documented, so they are refused here."""
    for node in walk(tree):
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
    if not any(positive(tree)):
        message = "A rule of only exclusions matches nothing: say what to look for as well"
        yield Problem(tree.position, tree.length, message)
        return
    for node in walk(tree):
        for child in node.children if isinstance(node, Or) else ():
            if not any(positive(child)):
                message = "An alternative of only exclusions would match almost every post: move it behind the words"
                yield Problem(child.position, child.length, f"{message}, as in (this OR that) -other")
    for part in _unsupported(tree):
        names = ", ".join(dict.fromkeys(str(leaf) for leaf in positive(part)))
        yield Problem(part.position, part.length, f"{names}: {_IN_COMPANY}")


def _unsupported(node: Node) -> list[Node]:
    """The widest parts that would match by operators which must not stand alone, without any other beside them."""
    match node:
        case Or(children):
            parts = [part for child in children for part in _unsupported(child)]
            return [node] if len(parts) == len(children) and parts == list(children) else parts
        case And(children):
            found = [(child, _unsupported(child)) for child in children if any(positive(child))]
            if any(not parts for _, parts in found):
                return []
            return next((parts for child, parts in found if parts != [child]), [node] if found else [])
        case Not():
            return []
        case leaf:
            operator = operator_of(leaf)
            return [leaf] if operator is not None and operator.kind != STANDALONE else []


def _misplaced(node: Node, surface: str, negated: bool) -> Iterator[Problem]:
    """Operators that this surface does not have, or that must or must not stand behind a minus."""
    if isinstance(node, Not):
        yield from _misplaced_excluded(node, surface) if _is_leaf(node.child) else _misplaced(node.child, surface, True)
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from _misplaced(child, surface, negated)
    elif (operator := operator_of(node)) is not None:
        if operator.minus == ALWAYS and not negated:
            yield Problem(node.position, node.length, f"{node} is written with a minus only", f"-{node}")
        yield from _elsewhere(node, surface)


def _is_leaf(node: Node) -> bool:
    return not isinstance(node, Not | And | Or)


def _misplaced_excluded(node: Not, surface: str) -> Iterator[Problem]:
    assert not isinstance(node.child, Not | And | Or)
    operator = operator_of(node.child)
    if operator is not None and operator.minus == NEVER:
        yield Problem(node.position, node.length, f"{operator.name} takes no minus", str(node.child))
    yield from _elsewhere(node.child, surface)


def _elsewhere(leaf: Leaf, surface: str) -> Iterator[Problem]:
    operator = operator_of(leaf)
    if operator is not None and surface not in operator.surfaces:
        where = " and ".join(_ON[one] for one in operator.surfaces)
        name = '"…"~N' if operator.name == "~" else operator.name
        yield Problem(leaf.position, leaf.length, f"{name} works on {where}, not on {_ON[surface]}")


def _for_the_whole_rule(tree: Node) -> Iterator[Problem]:
    """`sample:` stands once, beside everything else; `list:` stands once."""
    beside = tree.children if isinstance(tree, And) else (tree,)
    seen: set[str] = set()
    for leaf in positive(tree):
        if not isinstance(leaf, Field) or leaf.name not in ("sample", "list"):
            continue
        if leaf.name in seen:
            yield Problem(leaf.position, leaf.length, f"{leaf.name}: stands in a rule once")
        elif leaf.name == "sample" and not any(leaf is one for one in beside):
            message = (
                "sample: counts for the whole rule: put alternatives in parentheses, as in (this OR that) sample:10"
            )
            yield Problem(leaf.position, leaf.length, message)
        seen.add(leaf.name)


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
