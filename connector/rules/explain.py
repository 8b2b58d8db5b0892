"""Why one post meets a rule, or what it lacks: the parts of the rule, each with its truth and the words that did it.

For the Rules page, one rule and few posts at a time; `matcher.py` does the same for all rules and every post, faster
and without reasons. Parts are decided by the same closures (`truth.py`), so that both always agree.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from connector.incoming import Incoming
from connector.rules.operators import LOCAL, SEARCH, STREAM
from connector.rules.parser import parse
from connector.rules.reading import Reading, Text, Truth, shown
from connector.rules.tree import And, Node, Not, Or
from connector.rules.truth import Explain, Test, compiled


class Part(NamedTuple):
    """A piece of a rule."""

    text: str
    """As it is written."""
    depth: int
    """0 for the whole rule."""
    joined: str
    """How the pieces below it belong together: `all` or `any`; empty where none is told apart."""
    truth: Truth
    """None: the post does not say."""
    words: tuple[str, ...]
    """What did it, as it stands in the post; of an exclusion what it found."""


class Lack(NamedTuple):
    """What a post lacks that a rule nearly meets."""

    words: tuple[str, ...]
    """The rule's words that it does hold."""
    part: str
    """The one piece that is not true, as it is written."""
    truth: Truth
    against: tuple[str, ...]
    """Where that piece is an exclusion: what stands in the post."""


class _Short(NamedTuple):
    """How far a node is from being true."""

    words: tuple[str, ...]
    parts: tuple[Node, ...]


class Explainer:
    """One rule, taken apart once for any number of posts."""

    def __init__(self, text: str, surface: str = LOCAL) -> None:
        """Raises RuleError for a rule that cannot be read."""
        self._tree, self._surface = parse(text), surface
        self._tests: dict[int, tuple[Test, Explain]] = {}

    def parts(self, post: Incoming) -> list[Part]:
        """The whole rule, and below each group what it consists of; alternatives that are single words are one part."""
        return list(self._parts(self._tree, 0, self._read(post)))

    def lack(self, post: Incoming) -> Lack | None:
        """What keeps the rule from meeting the post, if it is one piece only and some of its words stand there."""
        reading = self._read(post)
        short = self._short(self._tree, reading)
        if len(short.parts) != 1 or not short.words:
            return None
        (part,) = short.parts
        against = self._words(part.child, reading) if isinstance(part, Not) else ()
        return Lack(tuple(dict.fromkeys(short.words)), str(part), self._test(part)(reading), against)

    def _read(self, post: Incoming) -> Reading:
        accents = self._surface == STREAM
        quoted = post.detail.quoted_text if self._surface != SEARCH else ""
        own = Text.of(post.text, accents)
        return Reading(post, accents, own, Text.of(quoted, accents) if quoted else None, more_tags=True)

    def _parts(self, node: Node, depth: int, reading: Reading) -> Iterator[Part]:
        below = node.children if isinstance(node, And | Or) and not _plain(node) else ()
        joined = ("all" if isinstance(node, And) else "any") if below else ""
        found = node.child if isinstance(node, Not) else node
        yield Part(str(node), depth, joined, self._test(node)(reading), self._words(found, reading))
        for child in below:
            yield from self._parts(child, depth + 1, reading)

    def _short(self, node: Node, reading: Reading) -> _Short:
        if self._test(node)(reading) is True:
            return _Short(() if isinstance(node, Not) else self._words(node, reading), ())
        if isinstance(node, And):
            each = [self._short(child, reading) for child in node.children]
            return _Short(
                tuple(word for one in each for word in one.words), tuple(part for one in each for part in one.parts)
            )
        if isinstance(node, Or):
            begun = [one for child in node.children if (one := self._short(child, reading)).words]
            if begun:
                return min(begun, key=lambda one: len(one.parts))
        return _Short((), (node,))

    def _test(self, node: Node) -> Test:
        return self._made(node)[0]

    def _words(self, node: Node, reading: Reading) -> tuple[str, ...]:
        test, explain = self._made(node)
        return shown(explain(reading)) if test(reading) is True else ()

    def _made(self, node: Node) -> tuple[Test, Explain]:
        made = self._tests.get(id(node))
        if made is None:
            made = self._tests[id(node)] = compiled(node, self._surface == STREAM)
        return made


def _plain(node: Node) -> bool:
    """Alternatives of which none is a group: they read best in one line."""
    return isinstance(node, Or) and not any(isinstance(child, And | Or | Not) for child in node.children)
