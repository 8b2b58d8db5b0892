"""Why a post meets a rule or not: parts with their truth, and the one thing that is missing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import rules
from connector.incoming import Detail, Incoming, Kind
from connector.rules.explain import Explainer

RULE = '(pothole OR "pot hole" OR (crater (road OR street))) -golf lang:en'


def a_post(text: str, lang: str = "en", **detail: object) -> Incoming:
    return Incoming("1", text, lang, b"", Detail(**detail))  # type: ignore[arg-type]


def test_every_part_says_whether_it_is_true_and_by_which_words() -> None:
    found = Explainer(RULE).parts(a_post("Crater in our STREET"))
    assert [(part.depth, part.text, part.joined, part.truth, part.words) for part in found] == [
        (0, RULE, "all", True, ("Crater", "STREET")),
        (1, 'pothole OR "pot hole" OR (crater (road OR street))', "any", True, ("Crater", "STREET")),
        (2, "pothole", "", False, ()),
        (2, '"pot hole"', "", False, ()),
        (2, "crater (road OR street)", "all", True, ("Crater", "STREET")),
        (3, "crater", "", True, ("Crater",)),
        (3, "road OR street", "", True, ("STREET",)),
        (1, "-golf", "", True, ()),
        (1, "lang:en", "", True, ()),
    ]


def test_an_exclusion_names_what_it_found() -> None:
    found = {part.text: part for part in Explainer(RULE).parts(a_post("a pothole on the Golf course"))}
    assert (found[RULE].truth, found["-golf"].truth, found["-golf"].words) == (False, False, ("Golf",))


def test_what_the_post_does_not_say_is_unknown() -> None:
    found = Explainer("pothole -from:someone").parts(a_post("pothole"))
    assert [part.truth for part in found] == [None, True, None]


@pytest.mark.parametrize(
    ("text", "words", "part", "against"),
    [
        ("a crater, huge", ("crater",), "road OR street", ()),
        ("pothole at the Golf course", ("pothole",), "-golf", ("Golf",)),
    ],
)
def test_a_near_miss_names_the_one_part_that_is_missing(
    text: str, words: tuple[str, ...], part: str, against: tuple[str, ...]
) -> None:
    lack = Explainer(RULE).lack(a_post(text))
    assert lack is not None
    assert lack == (words, part, False, against)


@pytest.mark.parametrize("text", ["pothole", "crater at the golf course", "nothing of it"])
def test_a_match_and_a_far_miss_are_no_near_miss(text: str) -> None:
    assert Explainer(RULE).lack(a_post(text)) is None


def test_the_unknown_can_be_what_is_missing() -> None:
    lack = Explainer("pothole lang:en").lack(a_post("pothole", lang=""))
    assert lack is not None
    assert (lack.part, lack.truth) == ("lang:en", None)


def test_the_surface_decides_about_accents_and_quoted_text() -> None:
    quoting = a_post("look", quoted_text="señal rota", kind=Kind.QUOTE)
    assert [Explainer("senal", s).parts(quoting)[0].truth for s in rules_surfaces()] == [False, False, True]


def rules_surfaces() -> tuple[str, ...]:
    return ("stream", "search", "local")


@given(
    st.lists(st.sampled_from(["pothole", "crater", "road", "street", "golf", "pot", "hole"]), max_size=6).map(" ".join)
)
def test_the_whole_is_true_exactly_where_the_matcher_finds_it(text: str) -> None:
    post = a_post(text)
    met = bool(rules.compile([(1, 1, RULE)]).match([post])[0])
    explainer = Explainer(RULE)
    assert (explainer.parts(post)[0].truth is True) == met
    assert not (met and explainer.lack(post))
