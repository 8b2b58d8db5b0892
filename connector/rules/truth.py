"""Whether a rule is true of one post, and by which words: closures made once a rule, exact and three-valued.

None means that the source does not say; it stays None under `-`, and a rule matches only where it is True. Made and
called by `matcher.py`, for the few rules that its index picks. An operator that needs more than words is one line in
`_FIELDS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connector.incoming import Incoming, Kind
from connector.rules import tokens
from connector.rules.tree import And, Field, Hashtag, Mention, Node, Not, Or, Phrase, Word

Truth = bool | None
Test = Callable[["Reading"], Truth]
Hit = tuple[int, int, str]
"""Which text (0 the post's, 1 the quoted one's), where in it, and the form that stands there."""
Explain = Callable[["Reading"], list[Hit]]

_NOT_IN_TEXT = 1 << 30


class Text:
    """A text that is searched, the post's or the quoted one: folded and split once, positions on demand."""

    __slots__ = ("_accents", "_ascii", "_offsets", "folded", "text", "words")

    def __init__(self, text: str, folded: str, words: list[str], accents: bool) -> None:
        """`text` composed, its `folded` form and that form's words."""
        self.text, self.words = text, words
        self.folded = f" {folded} "
        """Every token has a blank before and after it."""
        self._accents = accents
        self._ascii = text.isascii()
        self._offsets: list[int] | None = None

    @classmethod
    def of(cls, text: str, accents: bool) -> Text:
        composed = tokens.composed(text)
        folded = tokens.folded(composed, accents)
        return cls(composed, folded, folded.split(), accents)

    def places(self, wanted: Sequence[str]) -> list[tuple[int, int]]:
        """Where in `folded` these tokens, each between blanks, follow each other: first character, end."""
        folded, first = self.folded, wanted[0]
        found = []
        at = folded.find(first)
        while at >= 0:
            end = at + len(first) - 1
            for word in wanted[1:]:
                while folded.startswith("  ", end):
                    end += 1
                if not folded.startswith(word, end):
                    break
                end += len(word) - 1
            else:
                found.append((at + 1, end))
            at = folded.find(first, at + 1)
        return found

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A place in `folded` as a place in the text; accents and joiners belong to what they follow."""
        if self._ascii:
            return start - 1, end - 1
        if self._offsets is None:
            self._offsets = tokens.offsets(self.text, self._accents)
        offsets, last = self._offsets, end - 2
        # An emoji has blanks of its own around it: the text goes on behind the second one.
        after = offsets[last + 1] if offsets[last + 1] != offsets[last] else offsets[last + 2]
        return offsets[start - 1], after


class Reading:
    """A post as the tests see it."""

    __slots__ = ("_accents", "_forms", "_tags", "incoming", "more_tags", "present", "texts")

    def __init__(self, incoming: Incoming, accents: bool, text: Text, quoted: Text | None, more_tags: bool) -> None:
        self.incoming = incoming
        self.more_tags = more_tags
        """Whether the source may name hashtags that do not stand in the text."""
        self.texts = (text, quoted) if quoted else (text,)
        self.present = set(text.words)
        if quoted:
            self.present.update(quoted.words)
        self._accents = accents
        self._forms: dict[str, list[Hit]] = {}
        self._tags: dict[str, Hit] | None = None

    def forms(self, written: str, wanted: Sequence[str]) -> list[Hit]:
        """The places of a rule's words, as they stand there; what reaches into a handle is given as the rule wrote it.

        `wanted` are the tokens of `written`. Rules about one thing share words, so each is looked up once.
        """
        hits = self._forms.get(written)
        if hits is None:
            hits = self._forms[written] = []
            for number, text in enumerate(self.texts):
                for place in text.places(wanted):
                    start, end = text.span(*place)
                    form = text.text[start:end]
                    in_handle = "@" in form or (start and text.text[start - 1] == "@")
                    hits.append((number, start, written if in_handle else form))
        return hits

    def tags(self) -> dict[str, Hit]:
        """Folded hashtags: the post's own, as its source names them or as they stand in the text, and the quoted."""
        if self._tags is None:
            texts = (self.incoming.text, self.incoming.detail.quoted_text)[: len(self.texts)]
            standing = [(n, at, tag) for n, text in enumerate(texts) for at, tag in tokens.hashtags_in(text)]
            named = {tokens.fold_tag(tag, self._accents): tag for tag in self.incoming.detail.hashtags}
            found = {key: (0, _NOT_IN_TEXT, f"#{tag}") for key, tag in named.items()}
            for number, at, tag in reversed(standing):
                key = tokens.fold_tag(tag, self._accents)
                if key not in named if number else not named or key in named:
                    found[key] = (number, at, f"{texts[number][at]}{tag}")
            self._tags = found
        return self._tags


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
            ordered = sorted(children, key=_cost)
            pairs = [compiled(child, accents) for child in ordered]
            telling = [(test, tell) for test, tell in pairs if tell is not _nothing]
            single = [_only_word(child, accents) for child in ordered]
            others = [test for word, (test, _) in zip(single, pairs, strict=True) if word is None]
            if isinstance(node, Or):
                return _or_test(single, others), _explain_true(telling)
            unwanted = [_only_word(child.child, accents) for child in ordered if isinstance(child, Not)]
            return _and_test(single, unwanted, others), _explain_all([tell for _, tell in telling])


def _only_word(node: Node, accents: bool) -> str | None:
    """The token of a node that asks for just one."""
    wanted = tokens.split(node.text, accents) if isinstance(node, Word | Phrase) else []
    return wanted[0] if len(wanted) == 1 else None


def _nothing(post: Reading) -> list[Hit]:
    """The words of an operator that has none, of an exclusion too."""
    return []


def _explain_true(pairs: list[tuple[Test, Explain]]) -> Explain:
    return lambda post: [hit for test, tell in pairs if test(post) is True for hit in tell(post)]


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


def _and_test(single: list[str | None], unwanted: list[str | None], others: list[Test]) -> Test:
    """Plain words are never unknown, so they are decided first and all at once."""
    needed, forbidden = frozenset(filter(None, single)), frozenset(filter(None, unwanted))

    def all_of(post: Reading) -> Truth:
        if not (needed <= post.present and forbidden.isdisjoint(post.present)):
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


def _or_test(single: list[str | None], others: list[Test]) -> Test:
    words = frozenset(filter(None, single))

    def any_of(post: Reading) -> Truth:
        if not words.isdisjoint(post.present):
            return True
        truth: Truth = False
        for test in others:
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
    detail = post.detail
    return detail.kind is kind or (bool(detail.references) and any(one.kind is kind for one in detail.references))


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
