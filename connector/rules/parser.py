"""Text to tree: X's rule grammar, with the place of everything that cannot be read.

A space means "and" and binds tighter than `OR`; parentheses group; `-` excludes. `read` goes on after a mistake so that
all of them are found; `parse` stops at the first. Where X's documentation is silent the stricter reading is taken, so
that a rule that passes here passes there: a bare word holds letters, digits and underscores, or is an emoji; anything
else is put in quotes. Read on in `check.py`, which doubts what can be read, and `tree.py` for the nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache

from connector.errors import RuleError
from connector.rules.tokens import is_emoji, is_ignored, is_wordlike, split
from connector.rules.tree import BY_NAME, And, Field, Hashtag, Leaf, Mention, Node, Not, Or, Phrase, Word, quoted

MAX_DEPTH = 50
"""Parentheses within parentheses; X gives no number, nobody reads more."""
MAX_LENGTH = 10_000
"""Longer text is not read at all; X's longest limit is 4,096 characters."""
MAX_PROBLEMS = 30

_TOKEN = re.compile(
    r"""  (?P<open>\() | (?P<close>\)) | (?P<minus>-)
        | (?P<near>"(?:\\.|[^"\\])*"~[^\s()]*)
        | (?P<phrase>"(?:\\.|[^"\\])*")
        | (?P<unclosed>"(?s:.*))
        | (?P<foreign>'[^'"()]*'(?=[\s)]|\Z) | [“”„«][^“”»"()]*[“”»])
        | (?P<field>[A-Za-z_]+:(?:"(?:\\.|[^"\\])*" | \[[^\[\]]*\] | [^\s()"]*))
        | (?P<chunk>[^\s()"]+)""",
    re.VERBOSE | re.DOTALL,
)
_HANDLE = re.compile(r"[A-Za-z0-9_][\w.-]*(@[\w.-]+)?", re.ASCII)
_ARGUMENTS = {
    "handle": (_HANDLE, "an account's handle without @, or its number"),
    "language": (re.compile(r"[A-Za-z]{2,3}(-[A-Za-z]{2,4})?"), "a language code such as en or es"),
}
_AND = frozenset({"and", "&", "&&", "+"})
_OR = frozenset({"|", "||"})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a rule and where: `position` is 0-based, in characters."""

    position: int
    length: int
    message: str
    suggestion: str = ""
    """Text that could stand in place of the marked one; empty: none to offer."""


class _Enough(Exception):
    """Reading on makes no sense."""


def parse(text: str) -> Node:
    """The tree of a rule; raises RuleError at the first thing that cannot be read."""
    tree, problems = read(text)
    if problems or tree is None:
        first = problems[0]
        raise RuleError(first.message, first.position, first.length, first.suggestion)
    return tree


def canonical(text: str) -> str:
    """The rule in its plainest writing: the same tree, no needless blanks or parentheses."""
    return str(parse(text))


def read(text: str) -> tuple[Node | None, list[Problem]]:
    """The tree, as far as there is one, and everything that could not be read, in order; never raises."""
    if not text.strip():
        return None, [Problem(0, 1, "The rule is empty: write the words to look for")]
    if len(text) > MAX_LENGTH:
        return None, [Problem(MAX_LENGTH, len(text) - MAX_LENGTH, f"A rule over {MAX_LENGTH:,} characters is not read")]
    reader = _Reader(text)
    tree = reader.whole()
    return tree, sorted(reader.problems, key=lambda problem: problem.position)


class _Reader:
    """One pass over one rule; `at` is the token that comes next."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = list(_TOKEN.finditer(text))
        self.at = 0
        self.depth = 0
        self.problems: list[Problem] = []

    def whole(self) -> Node | None:
        parts: list[Node] = []
        try:
            while self.at < len(self.tokens):
                part = self.alternatives()
                if part is not None:
                    parts.append(part)
                if self.at < len(self.tokens):  # only a `)` that nobody opened stops the reading of alternatives
                    self.wrong("There is no ( for this )")
                    self.at += 1
        except _Enough:
            return None
        return _joined(And, parts) if parts else None

    def wrong(self, message: str, suggestion: str = "", position: int | None = None, length: int | None = None) -> None:
        """Note a problem, at the next token unless told otherwise."""
        token = self.tokens[min(self.at, len(self.tokens) - 1)]
        start = token.start() if position is None else position
        self.problems.append(Problem(start, len(token.group()) if length is None else length, message, suggestion))
        if len(self.problems) >= MAX_PROBLEMS:
            raise _Enough

    def kind(self) -> str:
        """Of the next token: the group's name, `or`, or empty at the end."""
        if self.at == len(self.tokens):
            return ""
        token = self.tokens[self.at]
        return "or" if token.group() == "OR" else str(token.lastgroup)

    def alternatives(self) -> Node | None:
        """Everything up to the closing parenthesis or the end: one or more conjunctions with OR between."""
        parts = [self.conjunction()]
        while self.kind() == "or":
            sign = self.tokens[self.at]
            self.at += 1
            parts.append(self.conjunction())
            if parts[-2] is None or parts[-1] is None:
                side = "before" if parts[-2] is None else "after"
                self.wrong(f"Something to look for is missing {side} OR", position=sign.start(), length=2)
        return _joined(Or, [part for part in parts if part is not None])

    def conjunction(self) -> Node | None:
        parts: list[Node] = []
        while self.kind() not in ("", "or", "close"):
            if (part := self.item()) is not None:
                parts.append(part)
        return _joined(And, parts)

    def item(self) -> Node | None:
        """One operand, group or exclusion; None where there was a sign that does not belong in a rule."""
        match self.kind():
            case "minus":
                return self.exclusion()
            case "open":
                return self.group()
            case _:
                return self.operand()

    def exclusion(self) -> Node | None:
        sign = self.tokens[self.at]
        self.at += 1
        after = self.tokens[self.at] if self.at < len(self.tokens) else None
        kind = self.kind()
        if kind in ("", "or", "close") or after is None or after.start() != sign.end():
            self.wrong("- stands right before what it excludes, without a blank", position=sign.start(), length=1)
            return None
        if kind == "minus":
            while self.kind() == "minus":
                self.at += 1
            length = self.tokens[self.at - 1].end() - sign.start()
            self.wrong("One - is enough", "-", sign.start(), length)
            if self.kind() in ("", "or", "close"):
                return None
        child = self.item()
        return child and Not(child, sign.start(), self.tokens[self.at - 1].end() - sign.start())

    def group(self) -> Node | None:
        opening = self.tokens[self.at]
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.wrong(f"Parentheses are nested more than {MAX_DEPTH} deep: write the rule flatter")
            raise _Enough
        self.at += 1
        inner = self.alternatives()
        self.depth -= 1
        if self.kind() != "close":
            self.wrong("This ( is never closed: add a )", position=opening.start(), length=1)
            return inner
        self.at += 1
        if inner is None and self.tokens[self.at - 2] is opening:
            self.wrong("There is nothing between the parentheses", position=opening.start(), length=2)
        return inner

    def operand(self) -> Node | None:
        token = self.tokens[self.at]
        chunk, start, length = token.group(), token.start(), len(token.group())
        if chunk.lower() in _AND:
            self.wrong(f"{chunk} is not written: a space means “and”; to find the word itself put it in quotes", " ")
        elif chunk in _OR:
            self.wrong(f"{chunk} is not written: use OR", "OR")
        else:
            leaf = self.leaf(token, chunk, start, length)
            self.at += 1
            return leaf
        self.at += 1
        return None

    def leaf(self, token: re.Match[str], chunk: str, start: int, length: int) -> Leaf:
        """What the token says; a placeholder where it cannot be read, so that later doubts do not multiply."""
        match token.lastgroup:
            case "phrase":
                return self.phrase(chunk, start, length)
            case "unclosed":
                self.wrong('This " is never closed: add a "', position=start, length=1)
            case "near":
                self.wrong("Words near each other (~) are not an operator here", chunk[: chunk.rindex("~")])
            case "foreign":
                self.wrong('Only straight double quotes (") make a phrase', quoted(chunk[1:-1]))
            case "field":
                return self.field(chunk, start, length)
            case _ if chunk[0] in "#＃":
                return self.hashtag(chunk, start, length)
            case _ if chunk[0] == "@":
                return self.mention(chunk, start, length)
            case _:
                self.word(chunk, start)
        return Word(chunk, start, length)

    def phrase(self, chunk: str, start: int, length: int) -> Leaf:
        text = re.sub(r'\\(["\\])', r"\1", chunk[1:-1])
        if not split(text, accents=False):
            self.wrong("There is no word to look for between the quotes")
        after = self.text[start + length : start + length + 1]
        before = self.text[start - 1 : start]
        if (after and not after.isspace() and after != ")") or (before and not before.isspace() and before not in "(-"):
            self.wrong("Put a space on both sides of a phrase; nothing else can be attached to it")
        return Phrase(text, start, length)

    def hashtag(self, chunk: str, start: int, length: int) -> Leaf:
        tag = chunk[1:]
        good = "".join(char for char in tag if is_wordlike(char) or is_ignored(char))
        if not split(tag, accents=False):
            self.wrong("A hashtag needs letters or digits after #")
        elif good != tag:
            self.wrong("A hashtag holds letters, digits and underscores only", f"#{good}")
        return Hashtag(tag, start, length)

    def mention(self, chunk: str, start: int, length: int) -> Leaf:
        if not _HANDLE.fullmatch(chunk[1:]):
            self.wrong("After @ stands a handle: letters, digits, underscores")
        return Mention(chunk[1:], start, length)

    def field(self, chunk: str, start: int, length: int) -> Leaf:
        written, value = chunk.split(":", 1)
        name = written.lower()
        operator = BY_NAME.get(f"{name}:") or BY_NAME.get(f"{name}:{value.lower()}")
        if operator is None:
            near = _did_you_mean(chunk)
            hint = f": did you mean {near}?" if near else ""
            shown = f"{name}:{value}" if any(known.startswith(f"{name}:") for known in BY_NAME) else f"{name}:"
            self.wrong(f"{shown[:40]} is not an operator here{hint}", near)
        elif operator.argument:
            pattern, expected = _ARGUMENTS[operator.argument]
            if not pattern.fullmatch(value):
                bare = value.strip('@"')
                self.wrong(f"{name}: takes {expected}", f"{name}:{bare}" if pattern.fullmatch(bare) else "")
        return Field(name, value if operator and operator.argument == "handle" else value.lower(), start, length)

    def word(self, chunk: str, start: int) -> None:
        """Note what keeps a chunk from being a bare word."""
        if not split(chunk, accents=False):
            self.wrong("There is no word to look for")
            return
        if chunk[0] != "_" and all((is_wordlike(char) and not is_ignored(char)) or is_emoji(char) for char in chunk):
            return
        trimmed = chunk.strip(".,;:!?'’…*")
        plain = all(is_wordlike(char) for char in trimmed)
        suggestion = trimmed if plain and trimmed[0] != "_" else quoted(chunk)
        self.wrong("A word with punctuation, or an emoji with a variant, is put in quotes", suggestion)


def _joined(kind: type[And] | type[Or], parts: list[Node]) -> Node | None:
    """One node of several, without nests of its own kind."""
    if len(parts) < 2:
        return parts[0] if parts else None
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.children if isinstance(part, kind) else (part,))
    first, last = flat[0], flat[-1]
    return kind(tuple(flat), first.position, last.position + last.length - first.position)


@lru_cache(maxsize=256)
def _did_you_mean(written: str) -> str:
    """The operator that was probably meant, with its argument, or empty."""
    short = written[:40].lower()
    if "://" in written:
        return quoted(written)
    name, value = short.split(":", 1)
    if near := get_close_matches(short, [known for known in BY_NAME if known[-1] != ":"], n=1, cutoff=0.75):
        return near[0]
    near = get_close_matches(f"{name}:", [known for known in BY_NAME if known[-1] == ":"], n=1, cutoff=0.75)
    return near[0] + written.split(":", 1)[1] if near and value else ""
