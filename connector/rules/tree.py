"""What a rule is: the nodes that a rule's text becomes.

Everything here is data. `parser.py` makes nodes of text, `str(node)` makes the plainest text of nodes, `check.py` and
`truth.py` take them apart. Which operators there are stands in `operators.py`. Read on in `parser.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from connector.incoming import Fact
from connector.rules.arguments import quoted, writing
from connector.rules.operators import BY_NAME, OPERATORS, Operator, evaluated

__all__ = [
    "BY_NAME", "OPERATORS", "And", "Cashtag", "Field", "Hashtag", "Leaf", "Mention", "Near", "Node", "Not", "Operator",
    "Or", "Phrase", "Word", "operator_of", "positive", "quoted", "walk",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A keyword or emoji without quotes."""

    text: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Phrase:
    """Text in double quotes; `text` is what stands between them, without escapes."""

    text: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True, slots=True)
class Near:
    """`"a b"~3`: the words of `text` within `distance` words of each other."""

    text: str
    distance: int
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{quoted(self.text)}~{self.distance}"


@dataclass(frozen=True, slots=True)
class Hashtag:
    """`#tag`; `tag` without the sign."""

    tag: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"#{self.tag}"


@dataclass(frozen=True, slots=True)
class Cashtag:
    """`$tag`; `tag` without the sign."""

    tag: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"${self.tag}"


@dataclass(frozen=True, slots=True)
class Mention:
    """`@handle`; `handle` without the sign, as written."""

    handle: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"@{self.handle}"


@dataclass(frozen=True, slots=True)
class Field:
    """`name:value`, such as `lang:en` or `has:images`; never an alias, and `value` without quotes and escapes."""

    name: str
    value: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        operator = BY_NAME.get(f"{self.name}:")
        return f"{self.name}:{writing(operator.argument, self.value) if operator else self.value}"


@dataclass(frozen=True, slots=True)
class Not:
    """`-child`."""

    child: Node
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"-({self.child})" if isinstance(self.child, And | Or | Not) else f"-{self.child}"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more children, none of them an `And`."""

    children: tuple[Node, ...]
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return " ".join(f"({child})" if isinstance(child, Or) else str(child) for child in self.children)


@dataclass(frozen=True, slots=True)
class Or:
    """Any of two or more children, none of them an `Or`."""

    children: tuple[Node, ...]
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return " OR ".join(f"({child})" if isinstance(child, And) else str(child) for child in self.children)


Leaf = Word | Phrase | Near | Hashtag | Cashtag | Mention | Field
Node = Leaf | Not | And | Or
_SIGNS = {Word: "keyword", Phrase: "phrase", Near: "~", Hashtag: "#", Cashtag: "$", Mention: "@"}


def operator_of(leaf: Leaf) -> Operator | None:
    """The row of the table that this leaf uses; None for one that the parser could not read."""
    if isinstance(leaf, Field):
        return BY_NAME.get(f"{leaf.name}:") or BY_NAME.get(f"{leaf.name}:{leaf.value}")
    return BY_NAME[_SIGNS[type(leaf)]]


def walk(node: Node) -> Iterator[Node]:
    """The node and everything below it, in the order of the text."""
    yield node
    if isinstance(node, Not):
        yield from walk(node.child)
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from walk(child)


def unknown(node: Node, tells: Collection[Fact]) -> tuple[str, ...]:
    """The operators of a rule, by name, that are not decided on posts that tell no more than this."""
    operators = (operator_of(leaf) for leaf in walk(node) if isinstance(leaf, Leaf))
    return tuple(dict.fromkeys(one.name for one in operators if one and not evaluated(one, tells)))


def positive(node: Node) -> Iterator[Leaf]:
    """The operators that are not excluded."""
    if isinstance(node, And | Or):
        for child in node.children:
            yield from positive(child)
    elif not isinstance(node, Not):
        yield node
