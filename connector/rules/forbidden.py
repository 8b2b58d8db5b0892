"""What a city must not look for, by X's terms and by what it promised its residents: persons, protests, politics.

A city watches for problems, so an account, a profile or a list needs the words of a problem beside it in every
alternative; the city's own accounts may stand alone. Protests, political persons and parties, and elections are known
by a short list of words, English and Spanish (`forbidden_words.py`), which cannot be complete: it stops what is done
without thinking, and an administrator can override it where a rule means something else. Asked before a rule is saved
and by `check-rule`; what is excluded with `-` never counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from connector.rules.forbidden_words import (
    ELECTION,
    GATHERINGS,
    PEOPLE_DOMAINS,
    POLITICAL_DOMAINS,
    POLITICS,
    PROTEST,
    STOP,
    TOPICS,
    in_company,
    in_tag,
    strong,
    weak,
)
from connector.rules.parser import Problem
from connector.rules.tokens import split
from connector.rules.tree import And, Field, Hashtag, Leaf, Mention, Near, Node, Not, Or, Phrase, Word, positive

PERSON = "person"
CODES = (PERSON, PROTEST, POLITICS, ELECTION)
"""The reasons, as they stand in `Refusal.code`."""

_WHY = {
    PERSON: "{0} follows a person whatever they write, which X's terms and the promise to residents forbid: put the "
    "words of a problem beside it, in every alternative",
    PROTEST: "{0}: watching protests and rallies is against X's terms and the promise to residents",
    POLITICS: "{0}: watching political persons and parties is against X's terms and the promise to residents",
    ELECTION: "{0}: watching elections is against the promise to residents",
}
_PROFILES = frozenset({"bio", "bio_name", "bio_location", "list"})
_ACCOUNTS = frozenset({"from", "to", "retweets_of", "from_affiliate_of", "to_affiliate_of"})
_WORDED = frozenset({"bio", "bio_name", "entity", "url", "url_contains", "url_title", "url_description", "embedding"})
_PROBLEM, _CIVIC, _GATHERING, _OTHER = "problem", "civic", "gathering", "other"
Alternative = dict[str, Leaf]
"""One way to match: what it holds, each with the first operator that makes it so."""


@dataclass(frozen=True, slots=True)
class Refusal(Problem):
    """Why a rule must not be set."""

    code: str = ""
    """One of `CODES`."""


def forbidden(tree: Node, own_accounts: Collection[str] = ()) -> list[Refusal]:
    """Every reason why a city must not set this rule, in the order of the text; `own_accounts` without `@`."""
    own = {account.lower().lstrip("@") for account in own_accounts}
    found: dict[tuple[str, int], Refusal] = {}
    for code, leaf in (*_in_alternatives(tree, own), *_together(tree)):
        refusal = Refusal(leaf.position, leaf.length, _WHY[code].format(leaf), "", code)
        found.setdefault((code, leaf.position), refusal)
    return sorted(found.values(), key=lambda refusal: (refusal.position, CODES.index(refusal.code)))


def _in_alternatives(tree: Node, own: Collection[str]) -> Iterator[tuple[str, Leaf]]:
    """Persons without a problem; words that say enough by themselves."""
    for one in _alternatives(tree, own):
        if PERSON in one and _PROBLEM not in one:
            yield PERSON, one[PERSON]
        if _GATHERING in one and _OTHER not in one:
            yield PROTEST, one[_GATHERING]
        for topic in TOPICS:
            if topic in one and (topic == PROTEST or _CIVIC not in one):
                yield topic, one[topic]


def _alternatives(node: Node, own: Collection[str]) -> list[Alternative]:
    """The ways to match, told apart only by what matters here, so that there are never many."""
    match node:
        case And(children):
            found: list[Alternative] = [{}]
            for child in children:
                found = _distinct({**two, **one} for one, two in product(found, _alternatives(child, own)))
            return found
        case Or(children):
            return _distinct(one for child in children for one in _alternatives(child, own))
        case Not():
            return [{}]
        case leaf:
            return [dict.fromkeys(_marks(leaf, own), leaf)]


def _distinct(alternatives: Iterable[Alternative]) -> list[Alternative]:
    first: dict[frozenset[str], Alternative] = {}
    for one in alternatives:
        first.setdefault(frozenset(one), one)
    return list(first.values())


def _marks(leaf: Leaf, own: Collection[str]) -> Iterator[str]:
    if _names_person(leaf, own):
        yield PERSON
    words = _words(leaf)
    if isinstance(leaf, Word | Phrase | Near | Hashtag):
        problems = {word for word in words if word not in STOP and (len(word) > 2 or not word.isascii())}
        if problems:
            yield _PROBLEM
        if problems - weak(PROTEST).keys() - weak(f"{PROTEST} company").keys():
            yield _OTHER
        if any(weak(PROTEST).get(word) in GATHERINGS for word in words):
            yield _GATHERING
        if any(word in weak(_CIVIC) for word in words):
            yield _CIVIC
    for topic in TOPICS:
        if _names(topic, leaf, words):
            yield topic
    if isinstance(leaf, Field) and leaf.name == "context" and leaf.value.partition(".")[0] in POLITICAL_DOMAINS:
        yield POLITICS


def _names_person(leaf: Leaf, own: Collection[str]) -> bool:
    match leaf:
        case Mention(handle):
            return handle.lower() not in own
        case Field("context", value):
            return value.partition(".")[0] in PEOPLE_DOMAINS
        case Field(name, value):
            return name in _PROFILES or (name in _ACCOUNTS and value.lower() not in own)
    return False


def _names(topic: str, leaf: Leaf, words: list[str]) -> bool:
    match leaf:
        case Hashtag():
            return in_tag(topic, words)
        case Near():  # its words do not follow each other
            return any(strong(topic, [word]) for word in words)
        case _:
            return strong(topic, words)


def _words(leaf: Leaf) -> list[str]:
    match leaf:
        case Word(text) | Phrase(text) | Near(text) | Hashtag(text):
            return split(text, accents=False)
        case Field(name, value) if name in _WORDED:
            return split(value, accents=False)
    return []


# -- words that tell only in company -----------------------------------------------------------------------------------


def _together(node: Node) -> Iterator[tuple[str, Leaf]]:
    """Words like march or party, beside one that says which sense is meant."""
    match node:
        case And(children) | Or(children):
            parts = [list(positive(child)) for child in children]
            for topic in TOPICS:
                if isinstance(node, And) or topic == PROTEST:
                    yield from _paired(topic, parts, isinstance(node, And))
            for child in children:
                yield from _together(child)
        case Not():
            return
        case leaf:
            for topic in TOPICS:
                if in_company(topic, _words(leaf)):
                    yield topic, leaf


def _paired(topic: str, parts: list[list[Leaf]], both: bool) -> Iterator[tuple[str, Leaf]]:
    """A weak word in one part, and in another one its company or, of protests, another weak word."""
    senses = [[(leaf, _senses(topic, leaf)) for leaf in part] for part in parts]
    for number, part in enumerate(senses):
        others = {sense for at, other in enumerate(senses) if at != number for _, found in other for sense in found}
        for leaf, found in part:
            mine = {sense for sense in found if sense}
            company = both and "" in others
            another = topic == PROTEST and any(sense and sense not in mine for sense in others)
            if mine and (company or another):
                yield topic, leaf


def _senses(topic: str, leaf: Leaf) -> set[str]:
    """The weak words of a topic in it, each by its stem; an empty one for company."""
    words = _words(leaf)
    if not isinstance(leaf, Word | Hashtag) and len(words) > 1:
        return set()  # a phrase says itself which sense is meant
    stems = weak(topic)
    company = {"" for word in words if word in weak(f"{topic} company")}
    return {stems[word] for word in words if word in stems} | company
