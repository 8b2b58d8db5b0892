"""Text to tree: X's rule grammar, with the place of everything that cannot be read.

A space means "and" and binds tighter than `OR`; parentheses group; `-` excludes. `read` goes on after a mistake so that
all of them are found; `parse` stops at the first. Where X's documentation is silent the stricter reading is taken, so
that a rule that passes here passes there: a bare word holds letters, digits and underscores, or is an emoji; anything
else is put in quotes. Read on in `check.py`, which doubts what can be read, `arguments.py` for what follows a colon,
and `tree.py` for the nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from connector.errors import RuleError
from connector.rules.arguments import CASHTAG, FORMS, HANDLE, NEAR_MOST, bare, quoted, unquoted
from connector.rules.lexer import apart, cut
from connector.rules.operators import BY_NAME, named
from connector.rules.suggest import instead_of
from connector.rules.tokens import is_ignored, is_wordlike, split
from connector.rules.tree import And, Cashtag, Field, Hashtag, Leaf, Mention, Near, Node, Not, Or, Phrase, Word

MAX_DEPTH = 50
"""Parentheses within parentheses; X gives no number, nobody reads more."""
MAX_LENGTH = 8_000
"""Longer text is not read at all; X's longest limit is 4,096 characters."""
MAX_PROBLEMS = 30

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


@lru_cache(maxsize=20_000)
def parse(text: str) -> Node:
    """The tree of a rule; raises RuleError at the first thing that cannot be read."""
    tree, problems = read(text)
    if problems or tree is None:
        first = problems[0]
        raise RuleError(first.message, first.position, first.length, first.suggestion)
    return tree


def canonical(text: str) -> str:
    """The rule in its plainest writing: the same tree, no needless blanks, parentheses, quotes or aliases."""
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
        self.tokens = cut(text)
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
            self.wrong(f"{chunk} is not written: put a space, it means “and”; to find the word itself quote it", " ")
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
                self.stands_apart(start, start + length)
                return Phrase(self.quoted_words(chunk), start, length)
            case "near":
                return self.near(chunk, start, length)
            case "unclosed":
                self.wrong('This " is never closed: add a "', position=start, length=1)
            case "foreign":
                self.wrong('Only straight double quotes (") make a phrase', quoted(chunk[1:-1]))
            case "field":
                return self.field(chunk, start, length)
            case _ if chunk[0] in "#＃":
                return self.hashtag(chunk, start, length)
            case _ if chunk[0] == "@":
                if not HANDLE.fullmatch(chunk[1:]):
                    self.wrong("After @ stands a handle: letters, digits, underscores")
                return Mention(chunk[1:], start, length)
            case _ if chunk[0] == "$":
                if not CASHTAG.fullmatch(chunk[1:]):
                    better = quoted(chunk) if split(chunk, accents=False) else ""
                    self.wrong("After $ stand up to six letters, a share's name; an amount is quoted", better)
                return Cashtag(chunk[1:], start, length)
            case _:
                self.word(chunk)
        return Word(chunk, start, length)

    def stands_apart(self, start: int, end: int) -> None:
        if not apart(self.text, start, end):
            self.wrong("Put a space on both sides of what is quoted; nothing else can be attached to it")

    def quoted_words(self, chunk: str) -> str:
        text = unquoted(chunk)
        if not split(text, accents=False):
            self.wrong("There is no word to look for between the quotes")
        return text

    def near(self, chunk: str, start: int, length: int) -> Leaf:
        phrase, _, number = chunk.rpartition("~")
        text = self.quoted_words(phrase)
        distance = int(number) if re.fullmatch("[0-9]{1,9}", number) else 0
        if not 1 <= distance <= NEAR_MOST:
            better = f"{phrase}~{NEAR_MOST}" if distance else phrase
            self.wrong(f"After ~ stands how many words apart they may be, a number from 1 to {NEAR_MOST}", better)
        elif self.text[start - 1 : start].strip("(- \t\r\n"):
            self.stands_apart(start, start + length)
        return Near(text, distance, start, length)

    def hashtag(self, chunk: str, start: int, length: int) -> Leaf:
        tag = chunk[1:]
        good = "".join(char for char in tag if is_wordlike(char) or is_ignored(char))
        if not split(tag, accents=False):
            self.wrong("A hashtag needs letters or digits after #")
        elif good != tag:
            self.wrong("A hashtag holds letters, digits and underscores only", f"#{good}")
        return Hashtag(tag, start, length)

    def field(self, chunk: str, start: int, length: int) -> Leaf:
        written, argument = chunk.split(":", 1)
        operator = named(written.lower(), argument.lower())
        if operator is None:
            self.unknown(written.lower(), argument, chunk)
            return Field(written.lower(), argument, start, length)
        name, _, value = operator.name.partition(":")
        if operator.argument:
            value = self.argument(operator.argument, written, argument, start + length)
        if argument[-1:] in ('"', "]"):
            self.stands_apart(start, start + length)
        return Field(name, value, start, length)

    def argument(self, form: str, written: str, argument: str, end: int) -> str:
        """The value, checked; as it was written where something is wrong with it."""
        expects = FORMS[form].expects
        if not argument:
            if self.text[end : end + 1] == "(":
                self.wrong(f"{written}: takes one at a time: ({written}:… OR {written}:…)")
            else:
                self.wrong(f"{written}: takes {expects}, right behind the colon")
            return ""
        value, wrong, better = FORMS[form].read(argument)
        if wrong:
            message = f"{written}: takes {wrong}" if wrong == expects else f"{written}: {wrong}"
            self.wrong(message, f"{written}:{better}" if better else "")
        return value

    def unknown(self, name: str, argument: str, chunk: str) -> None:
        better, hint = instead_of(chunk)
        has_values = any(known.startswith(f"{name}:") for known in BY_NAME)
        shown = f"{name}:{argument}" if has_values else f"{name}:"
        self.wrong(f"{shown[:40]} is not an operator{f': {hint}' if hint else ''}", better)

    def word(self, chunk: str) -> None:
        """Note what keeps a chunk from being a bare word."""
        if not split(chunk, accents=False):
            self.wrong("There is no word to look for")
        elif not bare(chunk):
            trimmed = chunk.strip(".,;:!?'’…*")
            plain = bare(trimmed) and trimmed.lower() not in ("and", "or")
            suggestion = trimmed if plain else quoted(chunk)
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
