"""A post as the tests of a rule see it: texts folded and split once, places and forms of words found on demand.

Made by `matcher.py` for the few posts that its index picks, read by the closures of `truth.py` and `operands.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from connector.incoming import Incoming
from connector.rules import tokens

Truth = bool | None
"""None: the source does not say."""
Test = Callable[["Reading"], Truth]
Hit = tuple[int, int, str]
"""Which text (0 the post's, 1 the quoted one's), where in it, and the form that stands there."""
Explain = Callable[["Reading"], list[Hit]]

NOT_IN_TEXT = 1 << 30


def any_of(truths: Iterable[Truth]) -> Truth:
    """True if one is, else unknown if one is."""
    unknown: Truth = False
    for one in truths:
        if one is True:
            return True
        if one is None:
            unknown = None
    return unknown


def shown(hits: list[Hit]) -> tuple[str, ...]:
    """The forms in the order of the text, each once."""
    if len(hits) > 1:
        return tuple(dict.fromkeys([form for _, _, form in sorted(hits)]))
    return (hits[0][2],) if hits else ()


def holding(value: str, accents: bool) -> Callable[[str], bool]:
    """Whether a text, a name or an address holds these words next to each other."""
    wanted = f" {' '.join(tokens.split(value, accents))} "
    return lambda text: wanted in f" {' '.join(tokens.split(text, accents))} "


class Text:
    """A text that is searched, the post's or the quoted one: folded and split once, positions on demand."""

    __slots__ = ("_accents", "_ascii", "_offsets", "folded", "text", "words")

    def __init__(self, text: str, folded: str, words: set[str], accents: bool) -> None:
        """`text` composed, its `folded` form and that form's words."""
        self.text, self.words = text, words
        self.folded = f" {folded} "
        """Every token has a blank before and after it."""
        self._accents = accents
        self._ascii = text.isascii()
        self._offsets: Sequence[int] | None = None

    @classmethod
    def of(cls, text: str, accents: bool) -> Text:
        composed = tokens.composed(text)
        folded = tokens.folded(composed, accents)
        return cls(composed, folded, set(folded.split()), accents)

    def places(self, wanted: Sequence[str]) -> list[tuple[int, int]]:
        """Where in `folded` these tokens, each between blanks, follow each other: first character, end."""
        find, first, others = self.folded.find, wanted[0], wanted[1:]
        length = len(first) - 1
        found = []
        at = find(first)
        while at >= 0:
            end = self._followed(at + length, others) if others else at + length
            if end:
                found.append((at + 1, end))
            at = find(first, at + 1)
        return found

    def _followed(self, end: int, words: Sequence[str]) -> int:
        """Where these tokens end if they follow what ends here, else 0."""
        folded = self.folded
        for word in words:
            while folded.startswith("  ", end):
                end += 1
            if not folded.startswith(word, end):
                return 0
            end += len(word) - 1
        return end

    def hit(self, number: int, start: int, end: int, written: str) -> Hit:
        """What stands at a place in `folded` of text `number`; `written` where that reaches into a handle."""
        text = self.text
        if self._ascii:
            start, end = start - 1, end - 1
        else:
            start, end = self.span(start, end)
        form = text[start:end]
        in_handle = "@" in form or (start and text[start - 1] == "@")
        return number, start, written if in_handle else form

    def span(self, start: int, end: int) -> tuple[int, int]:
        """A place in `folded` as a place in the text; accents and joiners belong to what they follow."""
        if self._offsets is None:
            self._offsets = tokens.offsets(self.text, self._accents)
        offsets, last = self._offsets, end - 2
        # An emoji has blanks of its own around it: the text goes on behind the second one.
        after = offsets[last + 1] if offsets[last + 1] != offsets[last] else offsets[last + 2]
        return offsets[start - 1], after


class Reading:
    """A post as the tests see it."""

    __slots__ = ("_accents", "_cashtags", "_forms", "_tags", "incoming", "more_tags", "present", "texts")

    def __init__(self, incoming: Incoming, accents: bool, text: Text, quoted: Text | None, more_tags: bool) -> None:
        self.incoming = incoming
        self.more_tags = more_tags
        """Whether the source may name hashtags that do not stand in the text."""
        self.texts = (text, quoted) if quoted else (text,)
        self.present = text.words | quoted.words if quoted else text.words
        self._accents = accents
        self._forms: dict[str, list[Hit]] = {}
        self._tags: dict[str, Hit] | None = None
        self._cashtags: dict[str, Hit] | None = None

    @property
    def quotes(self) -> bool:
        """Whether there is a quoted post that counts."""
        return len(self.texts) == 2

    def forms(self, written: str, wanted: Sequence[str]) -> list[Hit]:
        """The places of a rule's words, as they stand there; what reaches into a handle is given as the rule wrote it.

        `wanted` are the tokens of `written`. Rules about one thing share words, so each is looked up once.
        """
        hits = self._forms.get(written)
        if hits is None:
            hits = self._forms[written] = []
            for number, text in enumerate(self.texts):
                for start, end in text.places(wanted):
                    hits.append(text.hit(number, start, end, written))
        return hits

    def tags(self) -> dict[str, Hit]:
        """Folded hashtags: the post's own, as its source names them or as they stand in the text, and the quoted."""
        if self._tags is None:
            named = {tokens.fold_tag(tag, self._accents): tag for tag in self.incoming.detail.hashtags}
            found = {key: (0, NOT_IN_TEXT, f"#{tag}") for key, tag in named.items()}
            for number, body in reversed(self._bodies()):
                for at, tag in reversed(tokens.hashtags_in(body)):
                    key = tokens.fold_tag(tag, self._accents)
                    if key not in named if number else not named or key in named:
                        found[key] = (number, at, f"{body[at]}{tag}")
            self._tags = found
        return self._tags

    def cashtags(self) -> dict[str, Hit]:
        """Cashtags in lower case, the quoted post's too: as the source names them, else as they stand there."""
        if self._cashtags is None:
            more, found = self.incoming.more, dict[str, Hit]()
            for number, body in reversed(self._bodies()):
                of = more.quoted if number else more
                named = of.cashtags if of else None
                standing = {tag.lower(): (number, at, f"${tag}") for at, tag in reversed(tokens.cashtags_in(body))}
                keys = standing if named is None else [tag.lower() for tag in named]
                found |= {key: standing.get(key, (number, NOT_IN_TEXT, f"${key}")) for key in keys}
            self._cashtags = found
        return self._cashtags

    def _bodies(self) -> list[tuple[int, str]]:
        """The texts as they came, numbered."""
        own = (0, self.incoming.text)
        return [own, (1, self.incoming.detail.quoted_text)] if self.quotes else [own]
