"""Which rules meet which posts, and by which words.

All rules together are one set. For each rule the rarest words that any match must hold are its anchors; a post's
tokens pick the rules whose anchors it holds, and only these are decided, exactly. The rest of a post (`detail`) is
decoded only if such a rule asks for it, or nearly always would; of raw lines, `survivors` passes over those without an
anchor undecoded. Read on in `truth.py` (how one rule is decided), `sieve.py` (raw lines) and `tokens.py` (what a word
is).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence, Set
from functools import cached_property

import msgspec

from connector.errors import RuleError
from connector.incoming import Incoming
from connector.rules import sieve, tokens
from connector.rules.parser import parse
from connector.rules.reading import Reading, Text, shown
from connector.rules.tree import And, Cashtag, Field, Hashtag, Mention, Near, Node, Not, Or, Phrase, Word
from connector.rules.truth import compiled

SURFACES = ("stream", "search", "local")
_TOGETHER = 64  # posts, whose words stay in the processor's cache until they are decided

# Words that stand in very many posts: poor anchors, in a city's usual languages.
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """a an and are at be been by can do for from get has have i in is it its me my no not of on or our out so that
        the there they this to up was we when with you your road street st ave city please need
        al con de del el en es esta hay la las lo los me mi no para por que se si su un una y calle ciudad""",
    )
)


class Found(msgspec.Struct, frozen=True):
    """A rule that met a post, and the words that did it."""

    rule_id: int
    version: int
    words: tuple[str, ...]
    """As they stand in the text, each form once, in order; an account only as `@` and the handle the rule names."""


def compile(rules: Iterable[tuple[int, int, str]]) -> RuleSet:
    """One rule set of (rule id, version, expression); raises RuleError, naming the rule, for one that cannot be read.

    What `check` doubts beyond that is evaluated as it stands: whoever stores a rule asks `check` first.
    """
    parsed = []
    for rule_id, version, expression in rules:
        try:
            parsed.append((rule_id, version, parse(expression)))
        except RuleError as error:
            message = f"Rule {rule_id}: {error}"
            raise RuleError(message, error.position, error.length, error.suggestion) from None
    return RuleSet(sorted(parsed, key=lambda rule: rule[:2]))


class RuleSet:
    """Compiled rules; immutable, to be made anew when a rule changes and swapped between batches."""

    def __init__(self, rules: Sequence[tuple[int, int, Node]]) -> None:
        self._rules = tuple(rules)

    def __len__(self) -> int:
        return len(self._rules)

    @cached_property
    def _with_accents(self) -> _Index:
        return _Index(self._rules, accents=True)

    @cached_property
    def _without_accents(self) -> _Index:
        return _Index(self._rules, accents=False)

    def match(self, posts: Sequence[Incoming], surface: str = "local") -> list[list[Found]]:
        """For each post the rules that meet it, by rule id; `surface` says by whose reading of text."""
        quotes = surface != "search"
        return self._index(surface).match(posts, quotes)

    def survivors(self, lines: Sequence[bytes], surface: str = "local", together: bytes = b"") -> Sequence[int]:
        """Which of these lines of JSON may hold a post that meets a rule; the others need not be decoded.

        `together`: the same lines in one piece with line feeds between them, where that is at hand.
        """
        index = self._index(surface)
        return range(len(lines)) if index.sieve is None else index.sieve.kept(lines, together)

    def survivors_of(self, block: bytes, count: int, surface: str = "local") -> Sequence[bytes] | None:
        """The same of so many lines in one piece, each ended by a line feed: the lines themselves, None for all."""
        index = self._index(surface)
        return None if index.sieve is None else index.sieve.kept_of(block, count)

    def _index(self, surface: str) -> _Index:
        if surface not in SURFACES:
            raise ValueError(f"surface is one of {', '.join(SURFACES)}")
        return self._with_accents if surface == "stream" else self._without_accents


class _Index:
    """The rules by their anchors, for one way of reading accents."""

    def __init__(self, rules: Sequence[tuple[int, int, Node]], accents: bool) -> None:
        self.accents = accents
        self.rules = [(rule_id, version, *compiled(tree, accents)) for rule_id, version, tree in rules]
        self.always: set[int] = set()
        self.asking: set[int] = set()
        """Those of the others that ask most posts with their words for more."""
        self.by_anchor: dict[str, list[tuple[frozenset[str], int]]] = {}
        """Of each anchor the rules, by number, and what must stand beside it; an empty set: nothing."""
        self.tags = any(_uses_tags(tree) for _, _, tree in rules)
        asked = Counter(word for _, _, tree in rules for word in _asked(tree, accents))
        self._pairs: set[sieve.Anchor] = set()
        for number, (_, _, tree) in enumerate(rules):
            anchors = _anchors(tree, accents, lambda word: _commonness(word) * asked[word])
            if anchors is None:
                self.always.add(number)
            elif _asks(tree):
                self.asking.add(number)
            for anchor, beside in (anchors or {}).items():
                self.by_anchor.setdefault(anchor, []).append((beside, number))
                self._pairs.add((anchor, beside))
        self.anchors = frozenset(self.by_anchor)

    @cached_property
    def sieve(self) -> sieve.Sieve | None:
        """None where a look at raw bytes would pass nothing over."""
        helps = not self.always and sieve.available()
        return sieve.Sieve(self._pairs, self.accents) if helps else None

    def match(self, posts: Sequence[Incoming], quotes: bool) -> list[list[Found]]:
        found: list[list[Found]] = [[] for _ in posts]
        for start in range(0, len(posts), _TOGETHER):
            some = posts[start : start + _TOGETHER]
            picked = [(at, *one) for at, post in enumerate(some, start) if (one := self._picked(post, quotes))]
            # By themselves: decoded in turns with the rest, they push its code out of the processor's cache.
            for _, post, numbers in picked:
                if not self.asking.isdisjoint(numbers):
                    _ = post.incoming.detail
            for at, post, numbers in picked:
                found[at] = self._decide(post, numbers)
        return found

    def _picked(self, post: Incoming, quotes: bool) -> tuple[Reading, Collection[int]] | None:
        """The post, and the rules that may meet it; None: there is none."""
        text = tokens.composed(post.text)
        folded = tokens.folded(text, self.accents)
        words = there = set(folded.split())
        quoted = None
        raw = post.raw
        # X's and Mastodon's key; without raw bytes nothing is decoded
        if quotes and (not raw or b'"quoted' in raw) and post.detail.quoted_text:
            quoted = Text.of(post.detail.quoted_text, self.accents)
            there = there | quoted.words
        more_tags = self.tags and (not raw or b'"tags"' in raw)  # Bluesky's key for those that are not in the text
        if more_tags:
            there = there.union(*[tokens.split(tag, self.accents) for tag in post.detail.hashtags])
        numbers = self._candidates(there)
        if not numbers:
            return None
        return Reading(post, self.accents, Text(text, folded, words, self.accents), quoted, more_tags), numbers

    def _candidates(self, words: Set[str]) -> Collection[int]:
        """The rules that may meet a post with these words."""
        met = self.anchors & words
        if not met:
            return self.always
        found = set(self.always)
        for anchor in met:
            for beside, number in self.by_anchor[anchor]:
                if not beside or not beside.isdisjoint(words):
                    found.add(number)
        return found

    def _decide(self, post: Reading, numbers: Collection[int]) -> list[Found]:
        found = []
        for number in sorted(numbers):
            rule_id, version, test, explain = self.rules[number]
            if test(post) is True:
                found.append(Found(rule_id, version, shown(explain(post))))
        return found


def _asked(node: Node, accents: bool) -> set[str]:
    """The tokens that a rule asks for."""
    match node:
        case Word(text) | Phrase(text) | Near(text) | Hashtag(text) | Cashtag(text):
            return set(tokens.split(text, accents))
        case And(children) | Or(children):
            return set().union(*(_asked(child, accents) for child in children))
        case _:
            return set()


def _anchors(node: Node, accents: bool, common: Callable[[str], float]) -> dict[str, frozenset[str]] | None:
    """Tokens of which a post must hold at least one for the node to be true; None: no such tokens.

    Each with tokens of which the post must then hold one as well; none: it need not.
    """
    match node:
        case Word(text) | Phrase(text) | Near(text) | Hashtag(text) | Cashtag(text):
            rarest = sorted(set(tokens.split(text, accents)), key=lambda word: (common(word), word))
            return {rarest[0]: frozenset(rarest[1:2])} if rarest else None
        case And(children):
            choices = [anchors for child in children if (anchors := _anchors(child, accents, common))]
            choices.sort(key=lambda anchors: sum(map(common, anchors)))
            if len(choices) > 1:
                return dict.fromkeys(choices[0], frozenset(choices[1]))
            return choices[0] if choices else None
        case Or(children):
            union: dict[str, frozenset[str]] = {}
            for child in children:
                anchors = _anchors(child, accents, common)
                if anchors is None:
                    return None
                for anchor, beside in anchors.items():
                    held = union.get(anchor, beside)
                    union[anchor] = held | beside if held and beside else frozenset()
            return union
        case _:
            return None


def _commonness(word: str) -> float:
    """A guess at the share of posts that hold a word: the shorter the more, except that the commonest are known."""
    return 0.1 if word in _COMMON else 0.1 / 2 ** min(len(word), 12)


def _asks(node: Node) -> bool:
    """Whether a post that holds the words of this node is, as a rule, asked for more; of an `OR` words come first."""
    match node:
        case And(children):
            return any(map(_asks, children))
        case Or(children):
            return any(_asks(child) for child in children if not isinstance(child, Field | Mention))
        case Not(child):
            return _asks(child)
        case Field(name):
            return name != "lang"
        case _:
            return isinstance(node, Hashtag | Mention)


def _uses_tags(node: Node) -> bool:
    match node:
        case And(children) | Or(children):
            return any(_uses_tags(child) for child in children)
        case Not(child):
            return _uses_tags(child)
        case _:
            return isinstance(node, Hashtag)
