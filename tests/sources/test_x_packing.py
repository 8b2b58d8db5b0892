"""Rules become few queries for X's search: each rule in exactly one, none too long, and nothing means anything else."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connector import rules
from connector.errors import RuleError
from connector.incoming import Incoming
from connector.rules.tree import And
from connector.sources import Wanted
from connector.sources.x.packing import Packed, packed
from connector.sources.x.payload import decode
from tests.rules import worlds
from tests.rules.asked import Asker

PAY_PER_USE, ENTERPRISE = 512, 4096
PLAIN = ("pothole", "street light", "(leak OR flood) -is:retweet", "bache lang:es", "tree fallen -is:retweet", "noise")


def wanted(*expressions: str) -> list[Wanted]:
    return [Wanted(number, 1, text) for number, text in enumerate(expressions, 1)]


def texts(found: Packed) -> list[str]:
    return [query.text for query in found.queries]


# -- examples ----------------------------------------------------------------------------------------------------------


def test_rules_become_alternatives_of_one_query() -> None:
    assert texts(packed(wanted("pothole", "street light", "leak OR flood"), PAY_PER_USE)) == [
        "leak OR flood OR (street light) OR pothole"
    ]


def test_a_rule_by_itself_is_asked_as_it_stands() -> None:
    assert texts(packed(wanted("street light -is:retweet"), PAY_PER_USE)) == ["street light -is:retweet"]


def test_what_rules_have_in_common_is_written_once() -> None:
    found = packed(wanted("pothole -is:retweet", "-is:retweet street light", "(leak OR flood) -is:retweet"), 60)
    assert texts(found) == ["(leak OR flood OR (street light) OR pothole) -is:retweet"]


def test_rules_of_different_company_keep_their_own() -> None:
    found = packed(
        wanted("pothole lang:en", "bache lang:es", "hoyo lang:es -is:retweet", "hole lang:en", "fuga lang:es"), 512
    )
    assert texts(found) == ["(hoyo lang:es -is:retweet) OR ((pothole OR hole) lang:en) OR ((bache OR fuga) lang:es)"]


def test_words_are_never_taken_for_company() -> None:
    (text,) = texts(packed(wanted("street pothole", "street leak"), 512))
    assert text == "(street pothole) OR (street leak)"


def test_the_same_words_in_other_company_are_another_rule() -> None:
    (text,) = texts(packed(wanted("pothole lang:en", "pothole lang:es", "pothole"), 512))
    assert text == "(pothole lang:en) OR (pothole lang:es) OR pothole"


def test_rules_of_one_meaning_are_asked_for_once() -> None:
    found = packed(wanted("pothole  lang:en", "(pothole lang:EN)"), PAY_PER_USE)
    assert texts(found) == ["pothole lang:en"]
    assert [rule.id for rule in found.queries[0].rules] == [1, 2]


@pytest.mark.parametrize(
    "expression", ["pothole bio:plumber", '"light out"~3', "pothole sample:10", "a OR url_title:b"]
)
def test_a_rule_that_only_the_stream_knows_is_named_with_its_reason(expression: str) -> None:
    found = packed(wanted("pothole", expression), PAY_PER_USE)
    assert texts(found) == ["pothole"]
    (left_out,) = found.left_out
    assert left_out.rule.id == 2
    assert "not on X's search" in left_out.why


def test_a_rule_that_is_too_long_is_asked_for_in_pieces() -> None:
    words = [f"pothole{number}" for number in range(60)]
    found = packed(wanted("noise", f"({' OR '.join(words)}) (street OR road) -is:retweet"), PAY_PER_USE)
    assert not found.left_out
    assert len(found.queries) == 2
    assert [
        sum(word in text.replace("(", " ").replace(")", " ").split() for text in texts(found)) for word in words
    ] == [1] * 60
    assert all("(street OR road)" in text and "-is:retweet" in text for text in texts(found))
    assert len(packed(wanted("noise", " OR ".join(words)), ENTERPRISE).queries) == 1


def test_two_long_lists_beside_each_other_are_cut_both() -> None:
    lists = [" OR ".join(f"{word}{number}" for number in range(50)) for word in ("pothole", "street")]
    found = packed(wanted(f"({lists[0]}) ({lists[1]})"), PAY_PER_USE)
    assert not found.left_out
    assert 4 <= len(found.queries) <= 8
    assert all(len(query.rules) == 1 for query in found.queries)


def test_a_rule_of_too_many_words_is_named() -> None:
    long = " ".join(f"pothole{number}" for number in range(60))
    found = packed(wanted("pothole", long), PAY_PER_USE)
    assert texts(found) == ["pothole"]
    assert "X's search takes 512" in found.left_out[0].why
    assert not packed(wanted("pothole", long), ENTERPRISE).left_out


def test_a_rule_is_as_long_as_its_plainest_writing() -> None:
    assert texts(packed(wanted(f"(({'pothole'}){' ' * 600})"), PAY_PER_USE)) == ["pothole"]


def test_a_rule_that_cannot_be_read_is_named() -> None:
    assert [one.rule.id for one in packed(wanted("pothole", "(leak"), PAY_PER_USE).left_out] == [2]


def test_lists_are_asked_for_one_at_a_time() -> None:
    found = packed(wanted("pothole list:1", "leak list:2", "noise"), PAY_PER_USE)
    assert len(found.queries) == 2
    assert all(text.count("list:") == 1 for text in texts(found))


def test_without_rules_there_is_nothing_to_ask() -> None:
    assert packed([], PAY_PER_USE) == Packed((), ())


# -- laws --------------------------------------------------------------------------------------------------------------


@cache
def a_world(seed: int) -> tuple[list[Incoming], list[str]]:
    """Posts, and rules about them that can be read; most of them can be searched for."""
    chance = random.Random(seed)
    lines = worlds.lines(chance, 30)
    readable = (in_company(chance, rule) for rule in Asker(chance, lines, 0.6).rules() if is_readable(rule))
    others, searched = itertools.tee(readable)
    chosen = itertools.islice((rule for rule in searched if not rules.check(rule, "search", ENTERPRISE)), 50)
    return [post for line in lines for post in decode(line)], [*chosen, *itertools.islice(others, 8)]


def is_readable(rule: str) -> bool:
    try:
        return bool(rules.parse(rule))
    except RuleError:
        return False


def in_company(chance: random.Random, rule: str) -> str:
    """As people write rules: with the same few conditions behind many."""
    company = chance.choice(["", "", " -is:retweet", " -is:retweet lang:en", " has:media", " -is:nullcast"])
    return f"({rule}){company}" if company else rule


@st.composite
def sets_of_rules(draw: st.DrawFn) -> tuple[int, list[Wanted]]:
    """A world's number, and some of the rules about it."""
    seed = draw(st.integers(0, 7))
    chosen = draw(st.lists(st.sampled_from(a_world(seed)[1]) | st.sampled_from(PLAIN), max_size=40))
    return seed, wanted(*chosen)


LIMITS = st.sampled_from([60, 128, PAY_PER_USE, ENTERPRISE])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sets_of_rules(), LIMITS)
def test_every_rule_is_in_exactly_one_query_or_left_out_and_only_long_ones_in_several(
    drawn: tuple[int, list[Wanted]], longest: int
) -> None:
    found = packed(drawn[1], longest)
    times = Counter(rule.id for query in found.queries for rule in query.rules)
    left_out = {one.rule.id for one in found.left_out}
    assert times.keys().isdisjoint(left_out)
    assert times.keys() | left_out == {rule.id for rule in drawn[1]}
    for rule in drawn[1]:
        text = rules.canonical(rule.expression)
        if rules.check(text, "search", ENTERPRISE):
            assert rule.id in left_out
        elif len(text) <= longest:
            assert times[rule.id] == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sets_of_rules(), LIMITS)
def test_every_query_is_one_that_search_takes(drawn: tuple[int, list[Wanted]], longest: int) -> None:
    for query in packed(drawn[1], longest).queries:
        assert len(query.text) <= longest
        assert len(set(query.rules)) == len(query.rules) > 0
        assert not rules.check(query.text, "search", longest)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sets_of_rules(), LIMITS)
def test_queries_find_what_their_rules_find_and_nothing_else(drawn: tuple[int, list[Wanted]], longest: int) -> None:
    posts, queries = a_world(drawn[0])[0], packed(drawn[1], longest).queries
    searched = {rule.id: rule for query in queries for rule in query.rules}
    each = rules.compile((rule.id, 1, rule.expression) for rule in searched.values()).match(posts, "search")
    asked = rules.compile((number, 1, query.text) for number, query in enumerate(queries)).match(posts, "search")
    for met, answered in zip(each, asked, strict=True):
        met_ids, answering = {one.rule_id for one in met}, [queries[one.rule_id] for one in answered]
        assert all(met_ids.intersection(rule.id for rule in query.rules) for query in answering)
        assert met_ids <= {rule.id for query in answering for rule in query.rules}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sets_of_rules(), LIMITS)
@example((0, wanted(*["pothole -is:retweet", "street light -is:retweet"] * 9)), 60)
def test_first_fit_decreasing_needs_no_fewer_queries(drawn: tuple[int, list[Wanted]], longest: int) -> None:
    searched = [rule for rule in drawn[1] if not rules.check(rules.canonical(rule.expression), "search", longest)]
    assert len(packed(searched, longest).queries) <= first_fit_decreasing(searched, longest)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sets_of_rules(), LIMITS, st.randoms())
def test_the_order_of_rules_changes_nothing(
    drawn: tuple[int, list[Wanted]], longest: int, chance: random.Random
) -> None:
    mixed = list(drawn[1])
    chance.shuffle(mixed)
    assert packed(mixed, longest) == packed(drawn[1], longest)


def first_fit_decreasing(searched: Sequence[Wanted], longest: int) -> int:
    """How many queries there are if nothing is shared: each rule in its plainest writing, in parentheses."""
    alternatives = {str(tree): tree for tree in (rules.parse(rule.expression) for rule in searched)}
    queries: list[list[str]] = []
    for text in sorted(alternatives, key=lambda text: (-len(text), text)):
        enclosed = f"({text})" if isinstance(alternatives[text], And) else text
        for query in queries:
            if len(" OR ".join([*query, enclosed])) <= longest and "list:" not in text:
                query.append(enclosed)
                break
        else:
            queries.append([enclosed])
    return len(queries)
