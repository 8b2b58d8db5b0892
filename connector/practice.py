"""Practice: posts of the demo city with the decision that was meant, dealt to a newcomer and scored.

The posts, types and rules are the demo's in every installation, so a city's own posts are never shown and its suspects
never touched. What is kept is one figure a person, which says who has practised. `data/demo/practice.yaml` holds the
given decisions; read on in `screen/practice.py`, which asks.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from pydantic import model_validator
from sqlmodel import Session, col, select

from connector import catalogue_file, rules
from connector.catalogue_file import Strict, TypeEntry
from connector.config import DEMO
from connector.incoming import Detail, Incoming, Media
from connector.models import DismissReason, Setting
from connector.sources.sample import SamplePost, read_posts
from connector.store import Database, house

_KEPT = "practised."


class _Given(Strict):
    """A card of the file."""

    id: str
    accept: str = ""
    dismiss: DismissReason | None = None
    why: str

    @model_validator(mode="after")
    def _one_of_the_two(self) -> _Given:
        if bool(self.accept) == bool(self.dismiss):
            raise ValueError("say either `accept` or `dismiss`")
        return self


class _File(Strict):
    cards: list[_Given]


@dataclass(frozen=True, slots=True)
class Answer:
    """A decision: a request type's code or one of the reasons, never both."""

    accept: str = ""
    dismiss: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """A post as the queue would show it, and what was meant."""

    id: str
    text: str
    replies_to: str
    """The text of the post that it answers; empty where it answers none."""
    photos: int
    proposed: str
    """Code of the type that the rules propose."""
    rule: str
    """The name of the rule that did."""
    words: tuple[str, ...]
    given: Answer
    why: str


@dataclass(frozen=True, slots=True)
class Practice:
    """All cards, and the types that they may be accepted as, by code."""

    cards: Mapping[str, Card]
    types: Mapping[str, TypeEntry]

    def deal(self, seed: str) -> list[str]:
        """Ids of the cards, shuffled; the same seed gives the same order."""
        order = list(self.cards)
        random.Random(seed).shuffle(order)
        return order

    def is_right(self, card_id: str, answer: Answer) -> bool:
        return self.cards[card_id].given == answer

    def missed(self, answers: Mapping[str, Answer]) -> list[str]:
        """Ids of the cards that were decided otherwise than given, in the order in which they were decided."""
        return [id_ for id_, answer in answers.items() if not self.is_right(id_, answer)]

    def by_kind(self, answers: Mapping[str, Answer]) -> list[tuple[Answer, int, int]]:
        """Of every given decision among those answered: how many were right, of how many; types first."""
        asked: dict[Answer, list[bool]] = {}
        for id_, answer in answers.items():
            asked.setdefault(self.cards[id_].given, []).append(self.is_right(id_, answer))
        order = [Answer(accept=code) for code in self.types] + [Answer(dismiss=str(reason)) for reason in DismissReason]
        return [(given, sum(asked[given]), len(asked[given])) for given in order if given in asked]


@cache
def load() -> Practice:
    """The cards as shipped; ConfigError says what is wrong in a file."""
    text = (DEMO / "practice.yaml").read_text("utf-8")
    file = catalogue_file.shaped(catalogue_file.loaded(text, "practice.yaml"), _File, "practice.yaml")
    types = catalogue_file.parse((DEMO / "city.yaml").read_text("utf-8"), "city.yaml").request_types
    posts = {post.id: post for post in read_posts(DEMO / "posts.jsonl")}
    proposals = _proposed(types, [posts[given.id] for given in file.cards])
    cards = [_card(given, posts, proposal) for given, proposal in zip(file.cards, proposals, strict=True)]
    return Practice({card.id: card for card in cards}, {kind.code: kind for kind in types})


def _card(given: _Given, posts: Mapping[str, SamplePost], proposal: tuple[str, str, tuple[str, ...]]) -> Card:
    post = posts[given.id]
    answered = posts[post.reply_to].text if post.reply_to else ""
    answer = Answer(given.accept, str(given.dismiss or ""))
    return Card(post.id, post.text, answered, len(post.media), *proposal, answer, given.why)


def _proposed(types: Sequence[TypeEntry], posts: Sequence[SamplePost]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Of each post: the type that most words speak for, urgent ones first; its rule; all words."""
    ours = [(kind, rule) for kind in types for rule in kind.rules]
    compiled = rules.compile((number, 1, rule.expression) for number, (_, rule) in enumerate(ours))
    out = []
    for found in compiled.match([_incoming(post) for post in posts]):
        votes: dict[str, tuple[bool, int]] = {}
        for met in found:
            kind = ours[met.rule_id][0]
            votes[kind.code] = kind.urgent, votes.get(kind.code, (False, 0))[1] + 1 + len(met.words)
        code = max(votes, key=votes.__getitem__)
        name = next(ours[met.rule_id][1].name for met in found if ours[met.rule_id][0].code == code)
        out.append((code, name, tuple(dict.fromkeys(word for met in found for word in met.words))))
    return out


def _incoming(post: SamplePost) -> Incoming:
    """As far as the demo's rules ask."""
    return Incoming(post.id, post.text, post.lang, b"", Detail(kind=post.kind, media=[Media(k) for k in post.media]))


# -- who has practised ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Practised:
    """The last whole round of a person."""

    by: str
    right: int
    of: int
    at: datetime


def keep(database: Database, right: int, of: int, by: str) -> None:
    """Remember how a person's last whole round went, in place of the one before."""
    with database.writing() as session:
        house.keep_setting(session, f"{_KEPT}{by}", {"right": right, "of": of}, by)


def practised(session: Session) -> list[Practised]:
    """Who went through all cards, the latest first."""
    query = select(Setting).where(col(Setting.name).startswith(_KEPT, autoescape=True)).order_by(col(Setting.at).desc())
    return [Practised(one.by, one.value["right"], one.value["of"], one.at) for one in session.exec(query)]
