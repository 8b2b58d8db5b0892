"""How an operator is decided beyond its row in the table: unknown values, quoted posts, places, words near each other,
and what is shown of a match."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.incoming import NOBODY, Detail, Incoming, Kind, Link, More, Person, Quoted, Reference, TaggedPlace
from connector.rules import compile, near
from connector.rules.geo import MILE_KM, Box, Circle, distance_km


def a_post(text: str = "pothole", lang: str = "en", more: More | None = None, **detail: Any) -> Incoming:
    return Incoming("1", text, lang, b"", Detail(**detail), (lambda raw: more) if more else None)


def truth(rule: str, post: Incoming, surface: str = "local") -> bool | None:
    """True, False, or None where neither the rule nor its opposite matches."""
    found = compile([(1, 1, f"-({rule})"), (2, 1, rule)]).match([post], surface)[0]
    assert len(found) <= 1
    return bool(found[0].rule_id == 2) if found else None


def words(rule: str, post: Incoming) -> tuple[str, ...]:
    ((found,),) = compile([(1, 1, rule)]).match([post])
    return found.words


# -- accounts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("person", "handle", "number"),
    [
        (Person("Ann_Example", id="7"), True, True),
        (Person("bob_example", id="8"), False, False),
        (Person("ann_example"), True, None),
        (Person("bob_example"), False, None),
        (Person("", id="7"), None, True),
        (NOBODY, False, False),
        (None, None, None),
    ],
)
def test_an_account_is_known_by_handle_or_number(
    person: Person | None, handle: bool | None, number: bool | None
) -> None:
    post = a_post(more=More(answered=person, repeated=person))
    assert truth("to:ann_example", post) is truth("retweets_of:ann_example", post) is handle
    assert truth("to:7", post) is truth("retweets_of:7", post) is number


def test_the_author_is_known_by_number_even_where_the_handle_is_not_told() -> None:
    post = a_post(more=More(author_id="7"))
    assert (truth("from:7", post), truth("from:8", post), truth("from:ann", post)) == (True, False, None)
    named = a_post(author=Person("ann", id="7"))
    assert (truth("from:7", named), truth("from:8", named), truth("from:ANN", named)) == (True, False, True)
    assert truth("from:7", a_post(author=Person("ann"))) is None


def test_of_accounts_and_profiles_only_the_rules_own_writing_is_shown() -> None:
    more = More(
        answered=Person("Ann_Example", id="7"), bio="Plumber, 2 kids", name="Ann Private", location="Elm Street 5",
        links=[Link(("https://x.com/ann_example/status/1",))], followers=1,
    )  # fmt: skip
    post = a_post(more=more, author=Person("Ann_Example", "Ann Private"), conversation_id="9")
    assert words("from:ANN_example pothole", post) == ("pothole", "@ANN_example")
    assert words("to:7", post) == ("@7",)
    assert words("bio:plumber bio_name:private bio_location:elm", post) == (
        "bio:plumber", "bio_location:elm", "bio_name:private",
    )  # fmt: skip
    assert words('url:"x.com" pothole', post) == ("pothole", 'url:"x.com"')
    assert words("conversation_id:9", post) == ("conversation_id:9",)
    assert words("pothole followers_count:1 -is:reply", post) == ("pothole",)


# -- texts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lang", "rule", "expected"),
    [
        ("en", "lang:en", True),
        ("en", "lang:es", False),
        ("", "lang:es", None),
        ("und", "lang:es", False),
        ("pt-BR", "lang:pt", True),
        ("pt-BR", "lang:pt-br", True),
        ("pt-BR", "lang:pt-pt", False),
        ("pt", "lang:pt-br", None),
        ("zh", "lang:zh-CN", None),
        ("id", "lang:in", True),
        ("in", "lang:id", True),
        ("he", "lang:iw", True),
    ],
)
def test_languages(lang: str, rule: str, expected: bool | None) -> None:
    assert truth(rule, a_post(lang=lang)) is expected


LINKS = [Link(("https://t.co/Ab1", "https://Example.org/calle-año?x=Y"), title="Un Año", description=None)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ('url:"https://t.co"', True),
        ('url:"t.co/ab1"', True),
        ('url:"example.org/calle"', True),
        ("url:EXAMPLE", True),
        ("url:exam", False),
        ('url:"calle ano"', True),
        ("url_contains:exam", True),
        ('url_contains:"calle-AÑO"', True),
        ('url_contains:"calle-ano"', False),
        ('url_contains:"?x="', True),
        ('url_title:"un ano"', True),
        ("url_title:a", False),
        ("url_description:un", None),
    ],
)
def test_links(rule: str, expected: bool | None) -> None:
    assert truth(rule, a_post(more=More(links=LINKS))) is expected


def test_accents_of_links_and_profiles_count_on_the_stream() -> None:
    post = a_post(more=More(links=LINKS, bio="Peluquería"))
    assert truth("url_title:ano", post, "stream") is False
    assert truth("bio:peluqueria", post, "stream") is False
    assert truth("bio:peluqueria", post, "search") is True


def test_a_shortened_link_that_leads_nobody_knows_where_is_unknown() -> None:
    post = a_post(more=More(links=[Link(("https://t.co/Ab1",), complete=False)]))
    assert (truth('url:"t.co"', post), truth("url:example", post), truth("url_contains:x", post)) == (True, None, None)


def test_links_of_a_source_that_tells_no_more_are_those_of_the_detail() -> None:
    post = a_post(urls=["https://example.org/a"])
    assert (truth("url:example", post), truth("url:other", post), truth("url_title:a", post)) == (True, False, None)


def test_cashtags_are_those_that_the_source_names_or_else_those_of_the_text() -> None:
    assert truth("$twtr", a_post("buy $TWTR now")) is True
    assert truth("$twtr", a_post("buy $TWTR now", more=More(cashtags=[]))) is False
    assert truth("$twtr", a_post("buy $TWTR now", more=More(cashtags=["twtr"]))) is True
    assert words("$twtr", a_post("buy $TWTR now")) == ("$TWTR",)
    assert words("$twtr", a_post("buy ($TWTR)", more=More(cashtags=["TWTR"]))) == ("$twtr",)
    assert truth("has:cashtags", a_post("it costs $5")) is False


def test_what_stands_in_a_quoted_post_counts_except_on_search_and_never_for_has() -> None:
    more = More(quoted=Quoted(["CityHall"], ["FB"], [Link(("https://example.org/",))]), cashtags=[], links=[])
    post = a_post("look", quoted_text="sell $FB @CityHall", more=more, kind=Kind.QUOTE)
    for rule in ("@cityhall", "$fb", "url:example", "sell", '"sell fb"', '"sell cityhall"~2'):
        assert truth(rule, post) is truth(rule, post, "stream") is True, rule
        assert truth(rule, post, "search") is False, rule
    assert truth("has:cashtags OR has:mentions OR has:links", post) is False


def test_replies_inside_of_quoted_and_repeated_posts_are_replies_on_the_stream() -> None:
    inside = a_post(kind=Kind.QUOTE, more=More(answers_inside=True))
    assert truth("is:reply", inside, "stream") is True
    assert truth("is:reply", inside, "search") is truth("is:reply", inside) is False
    assert truth("is:reply", a_post(kind=Kind.QUOTE), "stream") is False
    assert truth("is:reply", a_post(more=More(answers_inside=True)), "stream") is False


def test_a_reply_that_does_not_say_to_what_is_unknown() -> None:
    assert truth("in_reply_to_tweet_id:5", a_post(kind=Kind.REPLY)) is None
    assert truth("in_reply_to_tweet_id:5", a_post(kind=Kind.REPLY, references=[Reference(Kind.REPLY, "6")])) is False
    assert truth("quotes_of_tweet_id:5", a_post(references=[Reference(Kind.REPLY, "5")])) is False


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("context:10.5", True),
        ("context:10.*", True),
        ("context:*.5", True),
        ("context:*.6", True),
        ("context:10.6", False),
        ("entity:barcelona", True),
        ("entity:Barcel", False),
        ('entity:"barcelona fc"', False),
    ],
)
def test_annotations(rule: str, expected: bool) -> None:
    post = a_post(more=More(contexts=[("10", "5"), ("11", "6")], named=["Barcelona"]))
    assert truth(rule, post) is expected


def test_advertising_is_known_by_its_program_and_never_unknown() -> None:
    for app, expected in [("Twitter for Advertisers (legacy)", True), ("Twitter Web App", False), (None, False)]:
        assert truth("is:nullcast", a_post(more=More(app=app))) is expected


# -- places ------------------------------------------------------------------------------------------------------------

MANHATTAN = TaggedPlace("01a9a39529b27f36", ("Manhattan, NY", "Manhattan"), "US", (-74.03, 40.68, -73.91, 40.88))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("place:manhattan", True),
        ('place:"manhattan ny"', True),
        ("place:manh", False),
        ("place:01A9A39529B27F36", True),
        ("place_country:US", True),
        ("place_country:CA", False),
        ("bounding_box:[-74.1 40.6 -73.8 40.9]", True),
        ("bounding_box:[-74.0 40.7 -73.9 40.9]", False),
        ("point_radius:[-73.97 40.78 20mi]", True),
        ("point_radius:[-73.98 40.75 2mi]", False),
        ("point_radius:[-74.03 40.78 8mi]", False),
        ("point_radius:[-73.91 40.78 8mi]", False),
        ("has:geo", True),
    ],
)
def test_a_place_lies_in_a_region_only_wholly(rule: str, expected: bool) -> None:
    assert truth(rule, a_post(more=More(located=True, place=MANHATTAN))) is expected


def test_an_exact_position_goes_before_the_place() -> None:
    post = a_post(more=More(located=True, place=MANHATTAN, position=(-73.98, 40.75)))
    assert truth("point_radius:[-73.98 40.75 2mi]", post) is True
    assert truth("bounding_box:[-73.99 40.74 -73.97 40.76]", post) is True


def test_a_place_that_did_not_come_along_is_unknown_in_all_but_its_number() -> None:
    post = a_post(more=More(located=True, place=TaggedPlace("01a9")))
    assert truth("has:geo", post) is truth("place:01a9", post) is True
    for rule in ("place:manhattan", "place_country:US", "point_radius:[0 0 2mi]", "bounding_box:[0 0 0.1 0.1]"):
        assert truth(rule, post) is None


def test_where_no_place_was_tagged_and_where_nobody_knows() -> None:
    for rule in ("has:geo", "place:manhattan", "place_country:US", "point_radius:[0 0 2mi]"):
        assert truth(rule, a_post(more=More(located=False))) is False
        assert truth(rule, a_post()) is None


def test_repeated_posts_have_no_place() -> None:
    post = a_post(kind=Kind.REPOST, more=More(located=True, place=MANHATTAN))
    assert truth("has:geo OR place:manhattan OR place_country:US", post) is False


def test_positions_and_place_names_of_other_sources_count() -> None:
    post = a_post(lat=40.75, lon=-73.98, place_name="Port Alder, Old Town")
    assert truth("point_radius:[-73.98 40.75 1km]", post) is truth('place:"old town"', post) is True
    assert truth("place:harbour", post) is False
    assert truth("place_country:US", post) is None


def test_distances_and_boxes_agree_with_known_ones() -> None:
    assert distance_km(2.3522, 48.8566, -0.1276, 51.5072) == pytest.approx(343.5, abs=1)  # Paris to London
    assert distance_km(179.9, 0, -179.9, 0) == pytest.approx(22.24, abs=0.1)
    assert Circle(0, 0, 112).holds(1, 0)
    assert not Circle(0, 0, 111).holds(1, 0)
    wide, high = Box(-106.301758, 39.964069, -105.178505, 40.09455).size()
    assert (round(wide / MILE_KM), round(high / MILE_KM)) == (59, 9)
    assert Box(0, -1, 1, 2).size()[0] == pytest.approx(111.2, abs=0.1)
    assert Box(0, 0, 2, 2).holds_box(Box(0, 0, 2, 1))
    assert not Box(0, 0, 2, 2).holds_box(Box(0, 0, 2.1, 1))


# -- words near each other ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ('"snowy mountain resort"~6', "a snowy and cold mountain with a resort", True),
        ('"snowy mountain resort"~3', "a snowy and cold mountain with a resort", False),
        ('"a b"~1', "a b", True),
        ('"a b"~1', "a x b", True),
        ('"a b"~1', "a x y b", False),
        ('"a b"~6', "a 1 2 3 4 5 6 b", True),
        ('"a b"~6', "a 1 2 3 4 5 6 7 b", False),
        ('"a b"~1', "b a", False),
        ('"a b"~2', "b a", True),
        ('"a b"~3', "b x a", True),
        ('"a b"~6', "b 1 2 3 4 a", True),
        ('"a b"~6', "b 1 2 3 4 5 a", False),
        ('"api"~3', "an API", True),
        ('"a a"~2', "a", False),
        ('"a a"~2', "a x a", True),
        ('"a b a"~2', "a b", False),
        ('"camión roto"~2', "roto el camion", False),
        ('"camión roto"~3', "roto el camion", True),
        ('"light #out"~2', "OUT, light", True),
    ],
)
def test_words_near_each_other(rule: str, text: str, expected: bool) -> None:
    assert truth(rule, a_post(text)) is expected


def test_words_near_each_other_are_shown_as_they_stand() -> None:
    assert words('"light out"~3', a_post("OUT: the Light, not out on @light")) == ("OUT", "Light", "out", "light")
    assert words('"ask light"~3', a_post("Ask @Light_City")) == ("Ask", "light")
    assert words('"agua fuga"~2', a_post("🕳 Fúga: agua")) == ("Fúga", "agua")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), max_size=9), st.lists(st.sampled_from("abc"), min_size=1, max_size=4),
    st.integers(1, 6),
)  # fmt: skip
def test_near_agrees_with_trying_every_choice_of_places(text: list[str], wanted: list[str], distance: int) -> None:
    """As Lucene: places of their own, each less the word's number, differ by the distance at most."""
    choices = itertools.permutations(range(len(text)), len(wanted))
    expected = any(
        all(text[at] == word for at, word in zip(places, wanted, strict=True))
        and max(at - n for n, at in enumerate(places)) - min(at - n for n, at in enumerate(places)) <= distance
        for places in choices
    )
    assert bool(near.windows(text, wanted, distance)) is expected
