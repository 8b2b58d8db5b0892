"""Whether a rule is true of one post, and by which words: closures made once a rule, exact and three-valued.

None means that the source does not say; it stays None under `-`, and a rule matches only where it is True. Made and
called by `matcher.py`, for the few rules that its index picks. An operator that needs more than words is one line in
`_FIELDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from connector.incoming import Incoming, Kind
from connector.rules import tokens
from connector.rules.tree import And, Field, Hashtag, Mention, Node, Not, Or, Phrase, Word

Truth = bool | None
Test = Callable[["Reading"], Truth]
Hit = tuple[int, int, str]
"""Which text (0 the post's, 1 the quoted one's), where in it, and the form that stands there."""
Explain = Callable[["Reading"], list[Hit]]

_NOT_IN_TEXT = 1 << 30


@dataclass(slots=True)
class Reading:
    """A post as the tests see it: split once, everything else on demand."""

    incoming: Incoming
    accents: bool
    words: list[str]
    quoted: str
    more_tags: bool
    """Whether the source may name hashtags that do not stand in the text."""
    texts: list[list[str]] = field(init=False)
    present: frozenset[str] = field(init=False)
    _spans: list[tuple[str, list[tuple[int, int]]]] = field(init=False, default_factory=list)
    _tags: dict[str, Hit] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.texts = [self.words]
        if self.quoted:
            self.texts.append(tokens.split(self.quoted, self.accents))
        self.present = frozenset(word for words in self.texts for word in words)

    def where(self, wanted: Sequence[str]) -> list[tuple[int, int]]:
        """Each place (text, token) where these tokens follow each other."""
        found = []
        for number, words in enumerate(self.texts):
            at = -1
            for _ in range(words.count(wanted[0])):
                at = words.index(wanted[0], at + 1)
                if words[at : at + len(wanted)] == wanted:
                    found.append((number, at))
        return found

    def forms(self, wanted: Sequence[str], written: str) -> list[Hit]:
        """The same places with the form of the text; one that reaches into a handle is given as the rule wrote it."""
        if not self._spans:
            texts = [tokens.composed(text) for text in (self.incoming.text, self.quoted)]
            self._spans = [(text, tokens.spans(text, self.accents)) for text in texts]
        hits = []
        for number, at in self.where(wanted):
            text, spans = self._spans[number]
            start, end = spans[at][0], spans[at + len(wanted) - 1][1]
            in_handle = "@" in text[max(0, start - 1) : end]
            hits.append((number, start, written if in_handle else text[start:end]))
        return hits

    def tags(self) -> dict[str, Hit]:
        """Folded hashtags: the post's own, as its source names them or as they stand in the text, and the quoted."""
        if self._tags is None:
            texts = (self.incoming.text, self.quoted)
            standing = [(n, at, tag) for n, text in enumerate(texts) for at, tag in tokens.hashtags_in(text)]
            named = {tokens.fold_tag(tag, self.accents): tag for tag in self.incoming.detail.hashtags}
            found = {key: (0, _NOT_IN_TEXT, f"#{tag}") for key, tag in named.items()}
            for number, at, tag in reversed(standing):
                key = tokens.fold_tag(tag, self.accents)
                if number or not named or key in named:
                    found[key] = (number, at, f"{texts[number][at]}{tag}")
            self._tags = found
        return self._tags


def compiled(node: Node, accents: bool) -> tuple[Test, Explain]:
    """How a node is decided, and what is shown for it where it is true."""
    match node:
        case Word(text) | Phrase(text):
            wanted = tokens.split(text, accents)
            return _words_test(wanted), lambda post: post.forms(wanted, text)
        case Hashtag(tag):
            key = tokens.fold_tag(tag, accents)
            needed = frozenset(tokens.split(tag, accents))
            return (
                lambda post: (needed <= post.present or post.more_tags) and key in post.tags(),
                lambda post: [post.tags()[key]],
            )
        case Mention(handle):
            account = handle.lower()
            return lambda post: post.incoming.mentions(account), lambda post: [(0, _NOT_IN_TEXT, f"@{handle}")]
        case Field("from", handle):
            return _from_test(handle.lower()), lambda post: [(0, _NOT_IN_TEXT, f"@{handle}")]
        case Field(name, value):
            return _lang_test(value) if name == "lang" else _FIELDS[f"{name}:{value}"], _nothing
        case Not(child):
            return _not_test(compiled(child, accents)[0]), _nothing
        case And(children) | Or(children):
            pairs = [compiled(child, accents) for child in sorted(children, key=_cost)]
            tests = [test for test, _ in pairs]
            telling = [(test, tell) for test, tell in pairs if tell is not _nothing]
            return _and_test(tests) if isinstance(node, And) else _or_test(tests), _explain_true(telling)


def _nothing(post: Reading) -> list[Hit]:
    """The words of an operator that has none, of an exclusion too."""
    return []


def _explain_true(pairs: list[tuple[Test, Explain]]) -> Explain:
    return lambda post: [hit for test, tell in pairs if test(post) is True for hit in tell(post)]


def _words_test(wanted: list[str]) -> Test:
    first = wanted[0]
    if len(wanted) == 1:
        return lambda post: first in post.present
    needed = frozenset(wanted)
    return lambda post: needed <= post.present and bool(post.where(wanted))


def _from_test(account: str) -> Test:
    def test(post: Reading) -> Truth:
        if post.incoming.wrote(account):
            return True
        author = post.incoming.detail.author if account.isdigit() else None
        return author is not None and author.id == account

    return test


def _lang_test(wanted: str) -> Test:
    """`lang:pt` takes pt-BR too; X names the bare language."""

    def test(post: Reading) -> Truth:
        lang = post.incoming.lang.lower()
        return lang == wanted or lang.split("-")[0] == wanted if lang else None

    return test


def _not_test(test: Test) -> Test:
    def negated(post: Reading) -> Truth:
        truth = test(post)
        return None if truth is None else not truth

    return negated


def _and_test(tests: list[Test]) -> Test:
    def all_of(post: Reading) -> Truth:
        truth: Truth = True
        for test in tests:
            one = test(post)
            if one is False:
                return False
            if one is None:
                truth = None
        return truth

    return all_of


def _or_test(tests: list[Test]) -> Test:
    def any_of(post: Reading) -> Truth:
        truth: Truth = False
        for test in tests:
            one = test(post)
            if one is True:
                return True
            if one is None:
                truth = None
        return truth

    return any_of


def _cost(node: Node) -> int:
    """Order of deciding: words first, then hashtags, then what decodes the rest of the post."""
    match node:
        case Not(child):
            return _cost(child)
        case And(children) | Or(children):
            return max(_cost(child) for child in children)
        case Field(name, _):
            return 0 if name == "lang" else 2
        case _:
            return {Hashtag: 1, Mention: 2}.get(type(node), 0)


def _is(post: Incoming, kind: Kind) -> bool:
    """A post that replies and quotes is both; its kind names one, its references name both."""
    return post.detail.kind is kind or any(reference.kind is kind for reference in post.detail.references)


def _has_links(post: Incoming) -> bool:
    # X's t.co link of attached media counts as a link there; a source that names no links may still show them.
    return bool(post.detail.urls or post.detail.media) or "://" in post.text


_FIELDS: dict[str, Test] = {
    "is:retweet": lambda post: _is(post.incoming, Kind.REPOST),
    "is:reply": lambda post: _is(post.incoming, Kind.REPLY),
    "is:quote": lambda post: _is(post.incoming, Kind.QUOTE),
    "has:links": lambda post: _has_links(post.incoming),
    "has:media": lambda post: bool(post.incoming.detail.media),
    "has:images": lambda post: any(media.kind == "photo" for media in post.incoming.detail.media),
    "has:hashtags": lambda post: any(text == 0 for text, _, _ in post.tags().values()),
    "has:mentions": lambda post: bool(post.incoming.detail.mentioned),
}
