"""Every row of the table has a post that it meets, one that it does not, and one of which nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest

from connector import adapters, sources
from connector.config import demo_city
from connector.incoming import NOBODY, Detail, Fact, Incoming, Kind, Link, Media, More, Person, Reference, TaggedPlace
from connector.rules import OPERATORS, Operator, canonical, check, compile, evaluated, parse
from connector.rules.operators import ALWAYS, CONJUNCTION, NEVER, STANDALONE, SURFACES
from connector.rules.tree import And, Not, operator_of
from connector.sources.sample import Sample

BOX = (-73.99, 40.74, -73.97, 40.76)


def a_post(text: str = "pothole", lang: str = "en", more: More | None = None, **detail: Any) -> Incoming:
    return Incoming("1", text, lang, b"", Detail(**detail), (lambda raw: more) if more else None)


def told(**more: Any) -> Incoming:
    return a_post(more=More(**more))


def placed(**place: Any) -> Incoming:
    return told(located=True, place=TaggedPlace(**place))


LINK = Link(("https://t.co/x", "https://example.org/streets/report"), title="A pothole map", description="All holes")
OTHER = Link(("https://example.com/",), title="Weather", description="Sun")
ANN, CITY = Person("ann_example", id="7"), Person("CityHall", id="42")

ROWS: dict[str, tuple[str, Incoming, Incoming]] = {
    "keyword": ("pothole", a_post("a Pothole"), a_post("potholes")),
    "phrase": ('"street light"', a_post("the street light"), a_post("light street")),
    "~": ('"light out"~2', a_post("light is still out"), a_post("light is not yet out")),
    "#": ("#pothole", a_post(hashtags=["Pothole"]), a_post(hashtags=["potholes"])),
    "$": ("$twtr", a_post("buy $TWTR"), a_post("buy TWTR")),
    "@": ("@cityhall", a_post(mentioned=["CityHall"]), a_post("cityhall")),
    "from:": ("from:cityhall", a_post(author=Person("CityHall")), a_post(author=Person("resident"))),
    "to:": ("to:cityhall", told(answered=CITY), told(answered=ANN)),
    "retweets_of:": ("retweets_of:cityhall", told(repeated=CITY), told(repeated=NOBODY)),
    "url:": ('url:"example.org/streets"', told(links=[OTHER, LINK]), told(links=[OTHER])),
    "url_contains:": ("url_contains:eets", told(links=[LINK]), told(links=[OTHER])),
    "url_title:": ("url_title:pothole", told(links=[LINK]), told(links=[OTHER])),
    "url_description:": ('url_description:"all holes"', told(links=[LINK]), told(links=[OTHER])),
    "conversation_id:": ("conversation_id:12", a_post(conversation_id="12"), a_post(conversation_id="1")),
    "in_reply_to_tweet_id:": ("in_reply_to_tweet_id:12", a_post(references=[Reference(Kind.REPLY, "12")]), a_post()),
    "retweets_of_tweet_id:": ("retweets_of_tweet_id:12", a_post(references=[Reference(Kind.REPOST, "12")]), a_post()),
    "quotes_of_tweet_id:": ("quotes_of_tweet_id:12", a_post(references=[Reference(Kind.QUOTE, "12")]), a_post()),
    "context:": ("context:66.12", told(contexts=[("65", "1"), ("66", "12")]), told(contexts=[("65", "12")])),
    "entity:": ('entity:"Elm Street"', told(named=["elm street"]), told(named=["Elm Street North"])),
    "bio:": ('bio:"data engineer"', told(bio="Data engineer in Oslo"), told(bio="data science, engineer")),
    "bio_name:": ("bio_name:phd", told(name="Ann Example, PhD"), told(name="Phdann")),
    "bio_location:": ("bio_location:boulder", told(location="Boulder, CO"), told(location="Boulderado")),
    "place:": ('place:"new haven"', placed(names=("New Haven, CT",)), placed(names=("Newhaven",))),
    "place_country:": ("place_country:US", placed(country="us"), placed(country="CA")),
    "point_radius:": (
        "point_radius:[-73.98 40.75 2mi]",
        told(located=True, position=(-73.97, 40.74)),
        told(located=True, position=(-73.9, 40.75)),
    ),
    "bounding_box:": ("bounding_box:[-74 40.7 -73.9 40.8]", placed(box=BOX), placed(box=(-74.1, 40.74, -73.97, 40.76))),
    "min_likes:": ("min_likes:10", told(likes=10), told(likes=9)),
    "min_replies:": ("min_replies:2", told(replies=3), told(replies=0)),
    "min_reposts:": ("min_reposts:5", told(reposts=5), told(reposts=4)),
    "lang:": ("pothole lang:es", a_post(lang="es"), a_post(lang="en")),
    "is:retweet": ("pothole is:retweet", a_post(kind=Kind.REPOST), a_post(kind=Kind.QUOTE)),
    "is:reply": ("pothole is:reply", a_post(kind=Kind.REPLY), a_post()),
    "is:quote": ("pothole is:quote", a_post(kind=Kind.QUOTE), a_post(kind=Kind.REPOST)),
    "is:verified": ("pothole is:verified", told(verified=True), told(verified=False)),
    "is:nullcast": ("pothole is:nullcast", told(app="Twitter for Advertisers"), told(app="Twitter Web App")),
    "has:links": ("pothole has:links", a_post(urls=["https://example.com"]), a_post("pothole example")),
    "has:media": ("pothole has:media", a_post(media=[Media("video")]), a_post()),
    "has:images": ("pothole has:images", a_post(media=[Media("photo")]), a_post(media=[Media("video")])),
    "has:video_link": ("pothole has:video_link", a_post(media=[Media("video")]), a_post(media=[Media("photo")])),
    "has:hashtags": ("pothole has:hashtags", a_post("#pothole"), a_post("pothole", quoted_text="#pothole")),
    "has:cashtags": ("pothole has:cashtags", a_post("pothole $FB"), a_post("pothole $5")),
    "has:mentions": ("pothole has:mentions", a_post(mentioned=["a"]), a_post("pothole @")),
    "has:geo": ("pothole has:geo", a_post(lat=1.0, lon=2.0), told(located=False)),
    "followers_count:": ("pothole followers_count:1000..10000", told(followers=1000), told(followers=10_001)),
    "min_followers:": ("pothole min_followers:1000", told(followers=1000), told(followers=999)),
    "following_count:": ("pothole following_count:5", told(following=6), told(following=4)),
    "tweets_count:": ("pothole tweets_count:1..3", told(posts=3), told(posts=0)),
    "listed_count:": ("pothole listed_count:10", told(lists=10), told(lists=9)),
    "source:": ('pothole source:"X for iPhone"', told(app="X for iPhone"), told(app="X for iPad")),
}
"""Rule, a post that it meets, one that it spares; the operator stands last in the rule."""
DECIDED = [operator for operator in OPERATORS if operator.asks is not Fact.UPSTREAM]
# Decided by what every post tells: its text, its kind, what its source lists.
NEVER_UNKNOWN = {
    "keyword", "phrase", "~", "#", "$", "@", "url:", "in_reply_to_tweet_id:", "retweets_of_tweet_id:",
    "quotes_of_tweet_id:", "is:retweet", "is:reply", "is:quote", "is:nullcast", "has:links", "has:media", "has:images",
    "has:video_link", "has:hashtags", "has:cashtags", "has:mentions", "url_contains:", "url_title:", "url_description:",
}  # fmt: skip

every = pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator.name)
decided = pytest.mark.parametrize("operator", DECIDED, ids=lambda operator: operator.name)


def met(rule: str, *posts: Incoming) -> list[bool]:
    return [bool(found) for found in compile([(1, 1, rule)]).match(posts)]


def alone(operator: Operator, rule: str) -> str:
    """The rule without the word that keeps a conjunction company."""
    return rule.removeprefix("pothole ") if operator.kind == CONJUNCTION else rule


def test_every_decided_operator_has_its_row() -> None:
    assert ROWS.keys() == {operator.name for operator in DECIDED}
    assert len({operator.name for operator in OPERATORS}) == len(OPERATORS)


@decided
def test_operator_meets_and_spares(operator: Operator) -> None:
    rule, one, other = ROWS[operator.name]
    assert met(rule, one, other) == [True, False]


@decided
def test_excluding_turns_it_round(operator: Operator) -> None:
    rule, one, other = ROWS[operator.name]
    assert met(f"-{alone(operator, rule)}", one, other) == [False, True]


@decided
def test_what_a_post_does_not_tell_is_unknown_also_behind_a_minus(operator: Operator) -> None:
    rule = alone(operator, ROWS[operator.name][0])
    silent = a_post("", lang="")
    assert not met(rule, silent)[0]
    assert met(f"-{rule}", silent)[0] is (operator.name in NEVER_UNKNOWN)


@every
def test_rows_say_what_is_true(operator: Operator) -> None:
    assert operator.help
    assert check(operator.example, operator.surfaces[0]) == []
    assert canonical(operator.example) == operator.example
    tree = parse(operator.example)
    leaves = [part.child if isinstance(part, Not) else part for part in getattr(tree, "children", (tree,))]
    assert not any(isinstance(leaf, And) for leaf in leaves)
    assert operator in [operator_of(leaf) for leaf in leaves]


@decided
def test_kind_decides_whether_it_may_stand_alone(operator: Operator) -> None:
    if operator.minus == ALWAYS:
        return
    assert operator.kind in (STANDALONE, CONJUNCTION)
    rule = alone(operator, ROWS[operator.name][0])
    assert bool(check(rule, operator.surfaces[0])) is (operator.kind == CONJUNCTION)


@every
def test_a_surface_that_does_not_have_it_says_so(operator: Operator) -> None:
    for surface in SURFACES:
        told_so = [one for one in check(operator.example, surface) if " works on " in one.message]
        assert bool(told_so) is (surface not in operator.surfaces)


@every
def test_a_minus_stands_where_it_may(operator: Operator) -> None:
    leaf = next(one for one in _leaves(operator.example) if operator_of(one) is operator)
    for sign in ("", "-"):
        problems = check(f"pothole {sign}{leaf}", operator.surfaces[0])
        refused = operator.minus == (NEVER if sign else ALWAYS)
        assert bool(problems) is refused
        for problem in problems:
            assert not check(f"pothole {problem.suggestion}", operator.surfaces[0])


def _leaves(rule: str) -> list[Any]:
    tree = parse(rule)
    return [part.child if isinstance(part, Not) else part for part in getattr(tree, "children", (tree,))]


@pytest.mark.parametrize(
    "operator", [o for o in OPERATORS if o.asks is Fact.UPSTREAM], ids=lambda operator: operator.name
)
def test_what_only_x_knows_is_unknown_here_on_every_source(operator: Operator) -> None:
    leaf = next(one for one in _leaves(operator.example) if operator_of(one) is operator)
    everything = told(author_id="7", bio="x", followers=1)
    assert met(str(leaf), everything) == [False]
    assert met(f"-{leaf}", everything) == [False]
    assert met(f"pothole OR {leaf}", everything) == [True]
    assert not any(
        evaluated(operator, sources.capabilities(kind).tells) for kind in adapters.kinds("connector.sources")
    )


@pytest.mark.parametrize("operator", [o for o in OPERATORS if o.aliases], ids=lambda operator: operator.name)
def test_aliases_of_x_are_read_and_written_plainly(operator: Operator) -> None:
    for alias in operator.aliases:
        assert canonical(operator.example.replace(operator.name, alias)) == operator.example


@pytest.fixture(scope="module")
def demo_posts() -> list[Incoming]:
    batches = Sample("sample", Sample.Settings(), demo_city()).events("", lambda seconds: True)
    return [event.post for batch in batches for event in batch.events]


@decided
def test_the_demo_city_tells_what_it_declares_and_nothing_else(operator: Operator, demo_posts: list[Incoming]) -> None:
    """On its posts an operator is known somewhere if the table says so, and unknown everywhere if not."""
    rule = alone(operator, ROWS[operator.name][0])
    known = any(met(f"{rule} OR -{rule}", *demo_posts))
    # No link, so no title; a repeated post carries no place of its own: that much is known without being told.
    by_itself = {"url_title:", "url_description:", "place:", "place_country:"}
    assert known is (evaluated(operator, sources.capabilities("sample").tells) or operator.name in by_itself)
