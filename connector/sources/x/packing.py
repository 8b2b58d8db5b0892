"""Many rules in few queries for X's recent search, each within the plan's length; pure, and the same every time.

Rules become alternatives of one query: `pothole OR (street light)`. What several rules ask for besides their words is
written once, `(pothole OR leak) -is:retweet`; of a rule that is too long each query asks for some of its alternatives.
Both mean the same as the rules by the law of distribution, unknown values included. A rule that search cannot be asked
for is named with the reason. Called by `search.py`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from connector.errors import RuleError
from connector.rules import check, parse
from connector.rules.operators import CONJUNCTION, SEARCH
from connector.rules.tree import And, Field, Leaf, Node, Not, Or, operator_of, walk
from connector.sources import Wanted

_OR = " OR "
_ONCE = frozenset({"list"})
"""Operators that a query holds once."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question to X's search, and the rules whose posts it brings, all of them or some."""

    text: str
    rules: tuple[Wanted, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A rule whose posts search cannot bring, and why."""

    rule: Wanted
    why: str


@dataclass(frozen=True, slots=True)
class Packed:
    """Every rule stands in one query, a long one in several, or it is left out."""

    queries: tuple[Query, ...]
    left_out: tuple[LeftOut, ...]


def packed(wanted: Iterable[Wanted], longest: int) -> Packed:
    """No more queries of at most `longest` characters than first-fit decreasing needs, in whatever order rules come."""
    parts: dict[tuple[str, str], _Part] = {}
    left_out: list[LeftOut] = []
    for rule in sorted(wanted, key=lambda rule: (rule.id, rule.version)):
        try:
            pieces = list(_pieces(parse(rule.expression), longest))
        except RuleError as error:
            left_out.append(LeftOut(rule, str(error)))
            continue
        if problems := [problem for piece in pieces for problem in check(str(piece), SEARCH, longest)]:
            left_out.append(LeftOut(rule, problems[0].message))
            continue
        for part in map(_part, pieces):
            parts.setdefault((part.words, part.shared), part).rules.append(rule)
    # Bin packing has its oddities: shorter parts now and then need one query more, so both ways are tried.
    drafts = min((_first_fit(parts.values(), longest, share) for share in (False, True)), key=_cost)
    return Packed(tuple(draft.query() for draft in drafts), tuple(left_out))


def _pieces(tree: Node, longest: int) -> Iterator[Node]:
    """The rule, or rules of which a post meets one if it meets the rule: cut at `OR` until each is short enough, or
    there is none left."""
    beside = tree.children if isinstance(tree, And) else (tree,)
    choices = [child for child in beside if isinstance(child, Or)]
    if len(str(tree)) <= longest or not choices:
        yield tree
        return
    widest = max(choices, key=lambda choice: len(str(choice)))
    for some in _cut(widest.children, longest - len(str(tree)) + len(str(widest))):
        chosen = some[0] if len(some) == 1 else Or(some)
        yield from _pieces(_all([chosen if child is widest else child for child in beside]), longest)


def _cut(nodes: tuple[Node, ...], longest: int) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """As many as fit with `OR` between, and the rest; two halves where not even one does. None is empty."""
    lengths = list(accumulate(len(_enclosed(node)) + len(_OR) for node in nodes))
    fitting = bisect_right(lengths, longest + len(_OR), hi=len(nodes) - 1) or len(nodes) // 2
    return nodes[:fitting], nodes[fitting:]


def _all(nodes: list[Node]) -> Node:
    """One rule that asks for all of them."""
    flat = [one for node in nodes for one in (node.children if isinstance(node, And) else (node,))]
    return flat[0] if len(flat) == 1 else And(tuple(flat))


@dataclass(slots=True)
class _Part:
    """What rules, or pieces of rules, of one meaning add to a query."""

    whole: str
    """All of it, as a query of its own."""
    enclosed: str
    """All of it, as one of several alternatives."""
    words: str
    """As one of several alternatives, without what may be shared."""
    shared: str
    """What may be written once for several; empty: nothing."""
    once: frozenset[str]
    rules: list[Wanted] = field(default_factory=list)


def _part(tree: Node) -> _Part:
    words, shared = tree, ""
    if isinstance(tree, And):
        aside = [child for child in tree.children if _may_be_shared(child)]
        kept = [child for child in tree.children if not _may_be_shared(child)]
        words = kept[0] if len(kept) == 1 else And(tuple(kept))
        shared = " ".join(sorted({str(child) for child in aside}))
    names = frozenset(node.name for node in walk(tree) if isinstance(node, Field))
    return _Part(str(tree), _enclosed(tree), _enclosed(words), shared, names & _ONCE)


def _may_be_shared(node: Node) -> bool:
    """Whether what stands beside it is a whole rule without it: so of exclusions, and of what never stands alone."""
    if isinstance(node, Not):
        return True
    operator = operator_of(node) if isinstance(node, Leaf) else None
    return operator is not None and operator.kind == CONJUNCTION


def _enclosed(tree: Node) -> str:
    return f"({tree})" if isinstance(tree, And) else str(tree)


class _Group:
    """Parts of a query that share something, or a part that shares nothing."""

    def __init__(self, shared: str) -> None:
        self.shared = shared
        self.parts: list[_Part] = []
        self._words = 0

    def length(self, alone: bool, more: _Part | None = None) -> int:
        """As it will be written, with one part more if one is given."""
        count = len(self.parts) + (more is not None)
        if count == 1:
            one = more or self.parts[0]
            return len(one.whole if alone else one.enclosed)
        words = self._words + (len(more.words) if more else 0)
        return words + len(_OR) * (count - 1) + len(f"() {self.shared}") + (0 if alone else len("()"))

    def add(self, part: _Part) -> None:
        self.parts.append(part)
        self._words += len(part.words)

    def text(self, alone: bool) -> str:
        if len(self.parts) == 1:
            return self.parts[0].whole if alone else self.parts[0].enclosed
        text = f"({_OR.join(part.words for part in self.parts)}) {self.shared}"
        return text if alone else f"({text})"


class _Draft:
    """A query that grows; its length is known without writing it."""

    def __init__(self) -> None:
        self.length = 0
        self._groups: dict[str, _Group] = {}
        self._sum = 0
        """Of all groups, each as one of several."""
        self._once: set[str] = set()

    def takes(self, part: _Part, longest: int, share: bool) -> bool:
        """Whether there is room for it; then it is in."""
        key = part.shared if share and part.shared else part.whole
        group = self._groups.get(key, _Group(part.shared))
        count = len(self._groups) + (not group.parts)
        total = self._sum + group.length(False, part) - (group.length(False) if group.parts else 0)
        length = group.length(True, part) if count == 1 else total + len(_OR) * (count - 1)
        if length > longest or not self._once.isdisjoint(part.once):
            return False
        group.add(part)
        self._groups[key] = group
        self.length, self._sum = length, total
        self._once |= part.once
        return True

    def query(self) -> Query:
        groups = list(self._groups.values())
        text = _OR.join(group.text(alone=len(groups) == 1) for group in groups)
        rules = (rule for group in groups for part in group.parts for rule in part.rules)
        return Query(text, tuple(dict.fromkeys(rules)))


def _first_fit(parts: Iterable[_Part], longest: int, share: bool) -> list[_Draft]:
    """The longest first, each into the first query with room for it; with `share` like beside like."""
    drafts: list[_Draft] = []
    for part in sorted(parts, key=lambda part: (part.shared if share else "", -len(part.whole), part.whole)):
        if not any(draft.takes(part, longest, share) for draft in drafts):
            drafts.append(_Draft())
            drafts[-1].takes(part, longest, share)
    return drafts


def _cost(drafts: list[_Draft]) -> tuple[int, int]:
    return len(drafts), sum(draft.length for draft in drafts)
