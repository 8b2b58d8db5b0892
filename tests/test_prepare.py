"""The first half of the intake, without a database: what is decoded, and what is worth a look at it."""

from __future__ import annotations

import json

import pytest

from connector.config import Config
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Event, Incoming
from connector.intake import From
from connector.prepare import SUSPECT, Prepared, Preparer, Run, Vanished
from connector.sealing import Sealer
from connector.sources import Capabilities
from connector.store.catalogue import Catalogue, RuleRow
from connector.triage import Gazetteer

ORIGIN = From("x", "x", Capabilities(reads="posts of a test"))
RULES = (
    RuleRow(1, 1, "pothole", "pothole", 1, 0.3),
    RuleRow(2, 1, "hole", "pothole OR hole", 1, 0.6),
    RuleRow(3, 1, "lamp", "lamp dark", 2, 0.9),
    RuleRow(4, 1, "gas", "gas", 3, 0.1),
)


@pytest.fixture
def preparer(gazetteer: Gazetteer) -> Preparer:
    preparer = Preparer(Config.model_validate({"city": {"name": "Testville"}}), Sealer([b"k" * 32]), gazetteer)
    preparer.use(Catalogue(rules={rule.id: rule for rule in RULES}, urgent=frozenset({3})))
    return preparer


def prepared(preparer: Preparer, *events: Event) -> Prepared:
    return preparer.prepare(ORIGIN, Batch(events))


def keys(prepared: Prepared) -> list[str]:
    return [post.key for step in prepared.steps if isinstance(step, Run) for post in step.posts]


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"edit_history_tweet_ids":["7"],"tags":["a","b"]}', b'{"edit_history_tweet_ids":[]}']
)
def test_post_that_no_rule_met_is_not_even_decoded(preparer: Preparer, raw: bytes) -> None:
    asked: list[str] = []
    post = Incoming("7", "crater", "en", raw, lambda: asked.append("7") or Detail())
    assert prepared(preparer, Arrived(post)).steps == [Run(1, [])]
    assert asked == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"edit_history_tweet_ids":["7","8"]}',
        b'{"edit_history_post_ids": [\n "7" ,\n "8" ]}',
        b'{"referenced_tweets":[{"edit_history_tweet_ids":["5"]}],"edit_history_tweet_ids":[7,8]}',
    ],
)
def test_edit_that_no_rule_met_is_kept_under_the_id_of_the_first_version(preparer: Preparer, raw: bytes) -> None:
    post = Incoming("8", "crater", "en", raw, Detail(edits=("7", "8")))
    assert keys(prepared(preparer, Arrived(post))) == ["7"]


def test_edit_is_told_by_the_post_or_by_the_source(preparer: Preparer) -> None:
    told = prepared(preparer, Edited(Incoming("9", "crater")))
    assert keys(told) == ["9"]


def test_deletion_keeps_its_place_between_the_posts(preparer: Preparer) -> None:
    one, two = Arrived(Incoming("1", "pothole")), Arrived(Incoming("2", "pothole"))
    steps = prepared(preparer, one, Deleted("1"), two, Deleted("2"), Deleted("3")).steps
    told = [step.source_ids if isinstance(step, Vanished) else isinstance(step, Run) and step.read for step in steps]
    assert told == [1, ["1"], 1, ["2", "3"]]


@pytest.mark.parametrize(
    ("text", "type_id", "score", "why"),
    [
        ("pothole", 1, 0.6, ["hole", "pothole"]),
        ("a dark lamp", 2, 0.9, ["lamp"]),
        ("a dark lamp above the pothole", 1, 0.6, ["hole", "pothole", "lamp"]),
        ("gas from the pothole", 3, 0.1, ["gas", "hole", "pothole"]),
    ],
)
def test_most_words_decide_unless_a_type_is_urgent_and_the_best_rule_comes_first(
    preparer: Preparer, text: str, type_id: int, score: float, why: list[str]
) -> None:
    (step,) = prepared(preparer, Arrived(Incoming("1", text, "en", b"{}"))).steps
    assert isinstance(step, Run)
    suspect = dict(zip(SUSPECT, step.posts[0].suspect, strict=True))
    assert (suspect["request_type_id"], suspect["score"]) == (type_id, score)
    assert suspect["urgent"] == (type_id == 3)
    assert [rule["rule"] for rule in json.loads(suspect["why"])] == why


def suspect_of(preparer: Preparer, text: str, lang: str = "en") -> dict[str, object]:
    (step,) = prepared(preparer, Arrived(Incoming("1", text, lang, b"{}"))).steps
    assert isinstance(step, Run)
    return dict(zip(SUSPECT, step.posts[0].suspect, strict=True))


@pytest.mark.parametrize(
    ("text", "urgent", "why"),
    [
        ("big pothole", 0, ""),
        ("a pothole, and power lines down beside it", 1, "wire"),
        ("gas", 1, ""),
        ("strong smell of gas from the pothole", 1, "gas"),
    ],
)
def test_a_danger_in_the_text_is_urgent_whatever_the_type(preparer: Preparer, text: str, urgent: int, why: str) -> None:
    suspect = suspect_of(preparer, text)
    assert (suspect["urgent"], suspect["urgent_why"]) == (urgent, why)


def test_the_language_is_read_from_the_words_only_where_the_platform_does_not_say_it(preparer: Preparer) -> None:
    text = "El pothole enorme de la esquina sigue abierto y nadie viene"
    assert suspect_of(preparer, text, "en")["language"] == "en"
    assert suspect_of(preparer, text, "und")["language"] == "es"
    preparer.reads_languages = False
    assert suspect_of(preparer, text, "und")["language"] == "und"
