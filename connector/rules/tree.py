"""What a rule is: the table of operators, and the nodes that a rule's text becomes.

Everything here is data. `parser.py` makes nodes of text, `str(node)` makes canonical text of nodes, `check.py` reads
the kinds from `OPERATORS`, and the help on the Rules page, the README and the tests are drawn from the same rows.
Names, kinds and meanings follow X's operator reference (https://docs.x.com/x-api/posts/filtered-stream). Read on in
`parser.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

STANDALONE = "standalone"
CONJUNCTION = "conjunction"


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to say what a post must hold."""

    name: str
    """As it is written: `#`, `from:`, `is:reply`; `keyword` and `phrase` have no sign of their own."""
    kind: str
    """`standalone`, or `conjunction`: only beside at least one standalone operator."""
    argument: str
    """What follows the sign: word, phrase, tag, handle, language; empty: nothing."""
    help: str
    example: str
    """A whole rule that `check` finds nothing wrong with."""


OPERATORS: tuple[Operator, ...] = (
    Operator("keyword", STANDALONE, "word", "the post holds this word or emoji, whole, in any case", "pothole"),
    Operator("phrase", STANDALONE, "phrase", "these words follow each other", '"street light"'),
    Operator("#", STANDALONE, "tag", "exactly this hashtag", "#pothole"),
    Operator("@", STANDALONE, "handle", "the post mentions this account", "@cityhall pothole"),
    Operator("from:", STANDALONE, "handle", "this account wrote the post (a handle or a numeric id)", "from:cityhall"),
    Operator("lang:", CONJUNCTION, "language", "the post is in this language, as its platform says", "bache lang:es"),
    Operator("is:retweet", CONJUNCTION, "", "the post repeats another one", "pothole -is:retweet"),
    Operator("is:reply", CONJUNCTION, "", "the post answers another one", "pothole is:reply"),
    Operator("is:quote", CONJUNCTION, "", "the post quotes another one", "pothole is:quote"),
    Operator("has:links", CONJUNCTION, "", "there is a link; as on X, attached media count", "pothole -has:links"),
    Operator("has:media", CONJUNCTION, "", "there is a photo, a video or a GIF", "pothole has:media"),
    Operator("has:images", CONJUNCTION, "", "there is a photo", "pothole has:images"),
    Operator("has:hashtags", CONJUNCTION, "", "there is a hashtag", "pothole has:hashtags"),
    Operator("has:mentions", CONJUNCTION, "", "an account is mentioned", "pothole has:mentions"),
)

BY_NAME = {operator.name: operator for operator in OPERATORS}


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
class Hashtag:
    """`#tag`; `tag` without the sign."""

    tag: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"#{self.tag}"


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
    """`name:value`, such as `lang:en` or `has:images`."""

    name: str
    value: str
    position: int = field(default=0, compare=False)
    length: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}:{self.value}"


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


Leaf = Word | Phrase | Hashtag | Mention | Field
Node = Leaf | Not | And | Or


def quoted(text: str) -> str:
    """The text as a phrase in a rule."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def operator_of(leaf: Leaf) -> Operator | None:
    """The row of the table that this leaf uses; None for one that the parser could not read."""
    if isinstance(leaf, Field):
        return BY_NAME.get(f"{leaf.name}:") or BY_NAME.get(f"{leaf.name}:{leaf.value}")
    return BY_NAME[{Word: "keyword", Phrase: "phrase", Hashtag: "#", Mention: "@"}[type(leaf)]]
