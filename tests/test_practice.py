"""Practice: the cards agree with what the demo's posts mean, are dealt in an order of one's own, and scored."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from connector import practice
from connector.config import DEMO
from connector.models import DismissReason, Setting, Suspect
from connector.practice import Answer
from connector.sources.sample import read_posts
from connector.store import Database

CARDS = practice.load().cards
TYPES = practice.load().types
POSTS = {post.id: post for post in read_posts(DEMO / "posts.jsonl")}
answers = st.one_of(
    st.sampled_from(list(TYPES)).map(lambda code: Answer(accept=code)),
    st.sampled_from(list(DismissReason)).map(lambda reason: Answer(dismiss=str(reason))),
)


def test_every_given_decision_is_the_one_that_the_post_s_writer_meant() -> None:
    for card in CARDS.values():
        post = POSTS[card.id]
        meant = Answer(accept=post.type) if post.verdict == "accept" else Answer(dismiss=post.reason)
        assert (card.text, card.given) == (post.text, meant), card.id


def test_forty_cards_of_every_type_and_reason_and_some_under_another_type() -> None:
    given = Counter(card.given for card in CARDS.values())
    assert sum(given.values()) == len(CARDS) == 40
    assert {answer.accept for answer in given} - {""} == set(TYPES)
    assert {answer.dismiss for answer in given} - {""} == set(map(str, DismissReason))
    assert sum(bool(card.given.accept) for card in CARDS.values()) == 20
    assert sum(bool(card.given.accept) and card.proposed != card.given.accept for card in CARDS.values()) >= 3
    assert any(card.replies_to for card in CARDS.values())


def test_every_card_says_why_it_is_there_and_why_it_was_decided_so() -> None:
    for card in CARDS.values():
        assert card.proposed in TYPES
        assert card.rule in {rule.name for rule in TYPES[card.proposed].rules}
        assert card.words
        assert all(word.lower() in card.text.lower() for word in card.words)
        assert card.why.endswith(".")


def test_the_same_person_is_dealt_the_same_order_and_others_another() -> None:
    deal = practice.load().deal
    assert deal("dana") == deal("dana")
    assert deal("dana") != deal("ben")
    assert sorted(deal("dana")) == sorted(CARDS)


@given(st.dictionaries(st.sampled_from(list(CARDS)), answers))
def test_right_and_missed_add_up_by_kind_as_by_card(given: dict[str, Answer]) -> None:
    game = practice.load()
    missed, by_kind = game.missed(given), game.by_kind(given)
    right = [id_ for id_ in given if game.is_right(id_, given[id_])]
    assert sorted([*missed, *right]) == sorted(given)
    assert sum(well for _, well, _ in by_kind) == len(right)
    assert sum(of for _, _, of in by_kind) == len(given)
    assert len({kind for kind, _, _ in by_kind}) == len(by_kind)


def test_another_reason_or_another_type_is_not_right() -> None:
    game = practice.load()
    card = next(card for card in CARDS.values() if card.given.dismiss == "joke")
    assert game.is_right(card.id, Answer(dismiss="joke"))
    assert not game.is_right(card.id, Answer(dismiss="no_problem"))
    assert not game.is_right(card.id, Answer(accept=card.proposed))


def test_a_card_must_name_one_decision_and_a_known_reason() -> None:
    for wrong in ({}, {"accept": "pothole", "dismiss": "joke"}, {"dismiss": "boring"}):
        with pytest.raises(ValueError, match="dismiss"):
            practice._Given.model_validate({"id": "a001", "why": "", **wrong})


def test_the_last_whole_round_of_each_person_is_kept_and_nothing_else(database: Database) -> None:
    for right, by in ((20, "dana"), (35, "ben"), (31, "dana")):
        practice.keep(database, right, 40, by)
    with database.reading() as session:
        assert [(one.by, one.right, one.of) for one in practice.practised(session)] == [
            ("dana", 31, 40), ("ben", 35, 40),
        ]  # fmt: skip
        assert list(session.exec(select(Suspect))) == []
        assert len([one for one in session.exec(select(Setting)) if one.name.startswith("practised.")]) == 2
