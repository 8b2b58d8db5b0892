"""Whether a rule is true of one post, and by which words: closures made once a rule, exact and three-valued.

None means that the source does not say; it stays None under `-`, and a rule matches only where it is True. Made and
called by `matcher.py`, for the few rules that its index picks. Read on in `reading.py` (the post as it is asked) and
`operands.py` (an operator that asks for more than words).
"""

from __future__ import annotations

from collections.abc import Sequence

from connector.rules import near, operands, tokens
from connector.rules.operators import STANDALONE
from connector.rules.reading import NOT_IN_TEXT, Explain, Hit, Reading, Test, Text, Truth, any_of
from connector.rules.tree import (
    And,
    Cashtag,
    Field,
    Hashtag,
    Mention,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Word,
    operator_of,
)

__all__ = ["Explain", "Hit", "Reading", "Test", "Text", "Truth", "compiled"]


def compiled(node: Node, accents: bool) -> tuple[Test, Explain]:
    """How a node is decided, and what is shown for it where it is true."""
    match node:
        case Word(text) | Phrase(text):
            words = tokens.split(text, accents)
            wanted = [f" {word} " for word in words]
            return _words_test(text, words, wanted), lambda post: post.forms(text, wanted)
        case Hashtag(tag):
            key = tokens.fold_tag(tag, accents)
            needed = frozenset(tokens.split(tag, accents))
            return (
                lambda post: (needed <= post.present or post.more_tags) and key in post.tags(),
                lambda post: [post.tags()[key]],
            )
        case Near(text, distance):
            words = tokens.split(text, accents)
            needed = frozenset(words)
            return (
                lambda post: needed <= post.present and near.meets(post, words, distance),
                lambda post: near.hits(post, words, distance),
            )
        case Cashtag(tag):
            symbol = tag.lower()
            needed = frozenset(tokens.split(tag, accents))
            return (
                lambda post: needed <= post.present and symbol in post.cashtags(),
                lambda post: [post.cashtags()[symbol]],
            )
        case Mention(handle):
            return operands.mentions(handle.lower()), _written(f"@{handle}")
        case Field("from" | "to" | "retweets_of", handle):
            return operands.decider(node, accents), _written(f"@{handle}")
        case Field():
            operator = operator_of(node)
            tells = operator is not None and operator.kind == STANDALONE
            return operands.decider(node, accents), _written(str(node)) if tells else _nothing
        case Not(child):
            return _not_test(compiled(child, accents)[0]), _nothing
        case And(children) | Or(children):
            ordered = sorted(children, key=_cost)
            pairs = [compiled(child, accents) for child in ordered]
            tests = [(child, test) for child, (test, _) in zip(ordered, pairs, strict=True)]
            if isinstance(node, Or):
                return _or_test(tests, accents), _explain_true(ordered, pairs, accents)
            return _and_test(tests, accents), _explain_all([tell for _, tell in pairs if tell is not _nothing])


def _plain_words(node: Node, accents: bool) -> frozenset[str]:
    """The tokens of which a post must hold one, if the node asks for no more than that; else none."""
    if isinstance(node, Or):
        each = [_plain_words(child, accents) for child in node.children]
        return frozenset().union(*each) if all(each) else frozenset()
    wanted = tokens.split(node.text, accents) if isinstance(node, Word | Phrase) else []
    return frozenset(wanted) if len(wanted) == 1 else frozenset()


def _written(own: str) -> Explain:
    """Of an account, a profile or a place only the rule's own writing is shown, never what the post says."""
    return lambda post: [(0, NOT_IN_TEXT, own)]


def _nothing(post: Reading) -> list[Hit]:
    """The words of an operator that has none, of an exclusion too."""
    return []


def _explain_true(children: Sequence[Node], pairs: Sequence[tuple[Test, Explain]], accents: bool) -> Explain:
    """Of words the places tell whether they are there, so these are looked for at once."""
    wordings: list[tuple[str, frozenset[str], list[str]]] = []
    others: list[tuple[Test, Explain]] = []
    for child, (test, tell) in zip(children, pairs, strict=True):
        if isinstance(child, Word | Phrase):
            words = tokens.split(child.text, accents)
            wordings.append((child.text, frozenset(words), [f" {word} " for word in words]))
        elif tell is not _nothing:
            others.append((test, tell))

    def true_ones(post: Reading) -> list[Hit]:
        found: list[Hit] = []
        present = post.present
        for written, needed, wanted in wordings:
            if needed <= present:
                found += post.forms(written, wanted)
        for test, tell in others:
            if test(post) is True:
                found += tell(post)
        return found

    return true_ones


def _explain_all(telling: list[Explain]) -> Explain:
    """Of children that must all be true: none needs a second look."""
    if len(telling) == 1:
        return telling[0]
    return lambda post: [hit for tell in telling for hit in tell(post)]


def _words_test(written: str, words: list[str], wanted: list[str]) -> Test:
    first = words[0]
    if len(words) == 1:
        return lambda post: first in post.present
    needed = frozenset(words)
    return lambda post: needed <= post.present and bool(post.forms(written, wanted))


def _not_test(test: Test) -> Test:
    def negated(post: Reading) -> Truth:
        truth = test(post)
        return None if truth is None else not truth

    return negated


def _and_test(tests: Sequence[tuple[Node, Test]], accents: bool) -> Test:
    """Plain words are never unknown, so they are decided first and all at once."""
    needed: set[str] = set()
    forbidden: set[str] = set()
    choices: list[frozenset[str]] = []
    others: list[Test] = []
    for node, test in tests:
        if isinstance(node, Not) and (unwanted := _plain_words(node.child, accents)):
            forbidden |= unwanted
        elif len(wanted := _plain_words(node, accents)) == 1:
            needed |= wanted
        elif wanted:
            choices.append(wanted)
        else:
            others.append(test)

    def all_of(post: Reading) -> Truth:
        present = post.present
        if not (needed <= present and forbidden.isdisjoint(present)):
            return False
        for wanted in choices:
            if wanted.isdisjoint(present):
                return False
        truth: Truth = True
        for test in others:
            one = test(post)
            if one is False:
                return False
            if one is None:
                truth = None
        return truth

    return all_of


def _or_test(tests: Sequence[tuple[Node, Test]], accents: bool) -> Test:
    plain = [_plain_words(node, accents) for node, _ in tests]
    words = frozenset().union(*plain)
    others = [test for (_, test), single in zip(tests, plain, strict=True) if not single]

    def one_of(post: Reading) -> Truth:
        if not words.isdisjoint(post.present):
            return True
        return any_of(test(post) for test in others) if others else False  # lazily: a later one may decode the post

    return one_of


def _cost(node: Node) -> int:
    """Order of deciding: words first, then hashtags, then what decodes the rest of the post."""
    match node:
        case Not(child):
            return _cost(child)
        case And(children) | Or(children):
            return max(_cost(child) for child in children)
        case Field(name, _):
            return {"lang": 0, "is": 2, "has": 2, "from": 2}.get(name, 3)
        case _:
            return {Near: 1, Hashtag: 1, Cashtag: 2, Mention: 2}.get(type(node), 0)
