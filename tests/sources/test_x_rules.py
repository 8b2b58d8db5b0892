"""Our rules at X: whatever stands there, afterwards it is what we want, and what is not ours is untouched."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from connector.errors import AuthError, RefusedError, TemporaryError
from connector.sources import Wanted
from connector.sources.x import tags
from connector.sources.x.client import Client
from connector.sources.x.remote import PLANS, Plan, Standing, cap_of, compared, held_of
from tests.peers.x_faults import Fault
from tests.peers.x_plans import ENTERPRISE
from tests.peers.x_simulator import BEARER, Simulator, x_simulator

OURS, THEIRS = "installation-1", "installation-2"
PLAN = Plan(1000, 1024, 100)


@pytest.fixture
def x() -> Iterator[Simulator]:
    with x_simulator(rule_delay=0.0) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def long_lived() -> Iterator[Simulator]:
    with x_simulator(rule_delay=0.0, limits={}) as simulator:
        yield simulator


def wanted(*expressions: str, version: int = 1) -> list[Wanted]:
    return [Wanted(id, version, expression) for id, expression in enumerate(expressions, 1)]


def compare(
    x: Simulator, rules: Sequence[Wanted], plan: Plan = PLAN, take_over: bool = False, installation: str = OURS
) -> Standing:
    client = Client("way-in", SecretStr(BEARER), x.url)
    return compared(client, installation, rules, plan, take_over, lambda _: False)


def listed(x: Simulator) -> dict[str, str | None]:
    return {rule.value: rule.tag for rule in x.rules}


def changes(x: Simulator) -> int:
    return len([attempt for attempt in x.tried("change_rules") if attempt.query.get("dry_run") != "true"])


def named_in(trouble: str) -> list[int]:
    """The rules that a sentence begins with."""
    head, _, rest = trouble.partition(":")
    return [int(number) for number in re.findall(r"\d+", head)] if rest and head.startswith("Rule") else []


def tag(*rules: tuple[int, int], installation: str = OURS) -> str:
    return tags.write(installation, rules)


# -- tags ------------------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 9999)), min_size=1, max_size=60))
def test_a_tag_says_whose_it_is_and_which_rules_and_fits(rules: list[tuple[int, int]]) -> None:
    written = tags.write("3f9a01bc", rules)
    assert len(written) <= 255
    found = tags.read(written)
    assert found is not None
    assert found.installation == "3f9a01bc"
    assert found.rules == tuple(rules[: len(found.rules)])
    assert found.rules
    assert len(found.rules) == len(rules) or len(written) > 230


@pytest.mark.parametrize("text", ["", "potholes", "connector:", "connector:a:", "connector:a:1", "connector:a:1.x"])
def test_what_others_write_is_no_tag_of_ours(text: str) -> None:
    assert tags.read(text) is None


# -- what stands there afterwards --------------------------------------------------------------------------------------


def test_rules_are_added_with_our_tag(x: Simulator) -> None:
    standing = compare(x, wanted("pothole", "water leak"))
    assert listed(x) == {"pothole": tag((1, 1)), "water leak": tag((2, 1))}
    assert {standing.names[rule.id] for rule in x.rules} == {((1, 1),), ((2, 1),)}
    assert (standing.added, standing.removed, standing.troubles) == (2, 0, [])


def test_what_stands_there_already_is_not_sent_again(x: Simulator) -> None:
    compare(x, wanted("pothole", "water leak"))
    before = len(x.tried("change_rules"))
    standing = compare(x, wanted("pothole", "water leak"))
    assert len(x.tried("change_rules")) == before
    assert sorted(standing.names.values()) == [((1, 1),), ((2, 1),)]


def test_a_changed_rule_takes_the_place_of_the_old_one_without_a_hole(x: Simulator) -> None:
    compare(x, [Wanted(1, 1, "pothole")])
    (old,) = x.rules
    compare(x, [Wanted(1, 2, "pothole OR crater")])
    (new,) = x.rules
    assert (new.value, new.tag) == ("pothole OR crater", tag((1, 2)))
    assert old.until is not None
    assert new.since < old.until


def test_a_new_version_of_the_same_words_stays_as_it_is(x: Simulator) -> None:
    compare(x, wanted("pothole", version=1))
    before = changes(x)
    standing = compare(x, wanted("pothole", version=2))
    assert changes(x) == before
    assert list(standing.names.values()) == [((1, 2),)]


def test_words_that_belong_to_another_rule_now_are_written_anew(x: Simulator) -> None:
    compare(x, [Wanted(1, 1, "pothole")])
    compare(x, [Wanted(2, 1, "pothole")])
    assert listed(x) == {"pothole": tag((2, 1))}


def test_rules_of_the_same_words_share_one_of_x(x: Simulator) -> None:
    standing = compare(x, [Wanted(4, 1, "pothole"), Wanted(9, 3, " pothole ")])
    assert listed(x) == {"pothole": tag((4, 1), (9, 3))}
    assert list(standing.names.values()) == [((4, 1), (9, 3))]
    assert not standing.troubles


def test_without_a_rule_ours_are_taken_off(x: Simulator) -> None:
    compare(x, wanted("pothole", "water leak"))
    x.add_rule("somebody else's", "their own")
    compare(x, [])
    assert listed(x) == {"somebody else's": "their own"}


def test_all_pages_of_the_list_are_read(x: Simulator) -> None:
    for number in range(1, 1101):
        x.add_rule(f"leak{number}", tag((number, 1)))
    plan = Plan(25_000, 1024, 1000)
    x.plan = type(x.plan)(**{**vars(x.plan), "rules": 25_000})
    compare(x, [Wanted(number, 1, f"leak{number}") for number in range(2, 1102)], plan)
    assert len(x.tried("rules")) == 2
    assert listed(x) == {f"leak{number}": tag((number, 1)) for number in range(2, 1102)}


words = st.sampled_from(["pothole", "leak", "crater", "graffiti lang:en", "street light", "-apple", "x" * 1100])
groups = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 2), words), max_size=6, unique_by=lambda rule: rule[0])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(before=groups, after=groups, others=st.sets(st.sampled_from(["leak", "crater", "weather"])))
def test_afterwards_it_is_what_we_want_whatever_was_there(
    long_lived: Simulator, before: list, after: list, others: set[str]
) -> None:
    x = long_lived
    for rule in x.rules:
        x.world.remove_rule(rule)
    for value in others:
        x.add_rule(value, None)
    compare(x, [Wanted(*rule) for rule in before])
    standing = compare(x, [Wanted(*rule) for rule in after])
    good = {value for _, _, value in after if value not in ("-apple", "x" * 1100)}
    assert set(listed(x)) == good | others
    assert {rule.value for rule in x.rules if rule.tag is None} == others
    for value in good:
        rules = {(id, version) for id, version, text in after if text == value}
        (rule,) = [rule for rule in x.rules if rule.value == value]
        assert set(standing.names[rule.id]) == rules
        if value not in others:
            told = tags.read(rule.tag or "")
            assert told is not None
            assert {id for id, _ in told.rules} == {id for id, _ in rules}
    named = {id for trouble in standing.troubles for id in named_in(trouble)}
    assert named == {id for id, _, value in after if value not in good}


# -- what is not ours ------------------------------------------------------------------------------------------------


def test_rules_of_another_installation_are_refused(x: Simulator) -> None:
    compare(x, wanted("pothole"), installation=THEIRS)
    before = listed(x)
    with pytest.raises(RefusedError, match=r"another installation.*take_over"):
        compare(x, wanted("pothole", "leak"))
    assert listed(x) == before


def test_they_are_taken_over_if_the_settings_say_so(x: Simulator) -> None:
    compare(x, wanted("pothole", "old words"), installation=THEIRS)
    compare(x, wanted("pothole", "leak"), take_over=True)
    assert listed(x) == {"pothole": tag((1, 1)), "leak": tag((2, 1))}


def test_rules_that_somebody_made_by_hand_are_left_alone_and_named(x: Simulator) -> None:
    by_hand = x.add_rule("weather", "by hand")
    standing = compare(x, wanted("pothole"))
    assert listed(x) == {"weather": "by hand", "pothole": tag((1, 1))}
    assert by_hand.id not in standing.names
    (trouble,) = standing.troubles
    assert "1 rule" in trouble
    assert "left alone" in trouble


def test_posts_of_words_that_somebody_else_has_on_the_stream_count_as_our_rules(x: Simulator) -> None:
    by_hand = x.add_rule("pothole", "by hand")
    standing = compare(x, wanted("pothole", "leak"))
    assert listed(x) == {"pothole": "by hand", "leak": tag((2, 1))}
    assert standing.names[by_hand.id] == ((1, 1),)


# -- what x refuses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spoils", [True, False])
def test_a_refused_rule_is_named_and_the_others_go_on(spoils: bool) -> None:
    with x_simulator(rule_delay=0.0, invalid_spoils_all=spoils) as x:
        standing = compare(x, wanted("pothole", "-apple", "leak"))
        assert set(listed(x)) == {"pothole", "leak"}
        (trouble,) = standing.troubles
        assert trouble.startswith("Rule 2: X does not take it (“")


@pytest.mark.parametrize("spoils", [True, False])
def test_a_rule_that_only_the_dry_run_takes_is_named_as_well(spoils: bool) -> None:
    with x_simulator(rule_delay=0.0, invalid_spoils_all=spoils) as x:
        x.fail("change_rules", Fault.answer(201, {"data": [], "meta": {}}))
        standing = compare(x, wanted("pothole", "-apple", "leak"))
        assert set(listed(x)) == {"pothole", "leak"}
        (trouble,) = standing.troubles
        assert trouble.startswith("Rule 2")


def test_rules_are_tried_before_any_is_changed(x: Simulator) -> None:
    compare(x, wanted("pothole"))
    assert [attempt.query.get("dry_run") for attempt in x.tried("change_rules")] == ["true", None]


def test_one_rule_that_spoils_a_whole_request_does_not_keep_back_the_others(x: Simulator) -> None:
    no = Fault.answer(400, {"title": "Invalid Request", "errors": [{"message": "no"}]})
    x.fail("change_rules", no, times=5)  # the dry run, all eight, four, two, and the first one alone
    standing = compare(x, wanted(*(f"leak{number}" for number in range(8))))
    assert set(listed(x)) == {f"leak{number}" for number in range(1, 8)}
    (trouble,) = standing.troubles
    assert trouble.startswith("Rule 1: X does not take it")


def test_an_answer_that_adds_nothing_and_says_nothing_ends_all_the_same(x: Simulator) -> None:
    x.fail("change_rules", Fault.answer(201, {"meta": {}}), times=None)
    standing = compare(x, wanted("pothole"))
    assert not x.rules
    assert standing.troubles == ["Rule 1: X does not take it (without a reason); its posts do not come from X."]


@pytest.mark.parametrize("errors", [None, "no list", ["no object"], [{}], [{"value": 7, "details": "no list"}]])
def test_odd_errors_in_an_answer_do_no_harm(x: Simulator, errors: Any) -> None:
    x.fail("change_rules", Fault.answer(201, {"meta": {}, "errors": errors}))
    compare(x, wanted("pothole"))
    assert set(listed(x)) == {"pothole"}


def test_a_rule_too_long_for_the_plan_is_named_and_not_sent(x: Simulator) -> None:
    standing = compare(x, wanted("pothole " + "a" * 1020, "leak"))
    assert set(listed(x)) == {"leak"}
    (trouble,) = standing.troubles
    assert trouble.startswith("Rule 1: longer than the 1,024 characters")


def test_handles_in_a_refusal_are_not_repeated(x: Simulator) -> None:
    error = {
        "value": "pothole",
        "title": "UnprocessableEntity",
        "details": ["no from:quarryhill_ana or @quarryhill_ana"],
    }
    x.fail("change_rules", Fault.answer(201, {"errors": [error]}))
    (trouble,) = compare(x, wanted("pothole")).troubles
    assert "quarryhill" not in trouble


# -- room ------------------------------------------------------------------------------------------------------------


def with_room(x: Simulator, rules: int) -> Plan:
    x.plan = type(x.plan)(**{**vars(x.plan), "rules": rules})
    return Plan(rules, 1024, 100)


def test_of_more_rules_than_there_is_room_for_the_oldest_are_taken_and_the_others_named(x: Simulator) -> None:
    plan = with_room(x, 3)
    x.add_rule("weather", "by hand")
    standing = compare(x, wanted("pothole", "leak", "crater", "graffiti"), plan)
    assert set(listed(x)) == {"weather", "pothole", "leak"}
    assert any(trouble.startswith("Rules 3, 4: no room") for trouble in standing.troubles)


def test_where_all_is_full_old_rules_make_room_first(x: Simulator) -> None:
    plan = with_room(x, 2)
    compare(x, wanted("pothole", "leak"), plan)
    standing = compare(x, [Wanted(3, 1, "crater"), Wanted(4, 1, "graffiti")], plan)
    assert set(listed(x)) == {"crater", "graffiti"}
    assert not standing.troubles


def test_the_room_is_what_x_counts_and_not_what_the_plan_says(x: Simulator) -> None:
    with_room(x, 1)
    standing = compare(x, wanted("pothole", "leak"))
    assert set(listed(x)) == {"pothole"}
    assert any("Rule 2: no room" in trouble for trouble in standing.troubles)


def test_where_x_does_not_count_the_plan_says(x: Simulator) -> None:
    x.fail("rule_counts", Fault.answer(404, {"title": "Not Found", "detail": "Not Found", "status": 404}))
    standing = compare(x, wanted("pothole", "leak"), Plan(1, 1024, 100))
    assert set(listed(x)) == {"pothole"}
    assert standing.troubles


def test_rules_of_other_apps_of_the_project_take_room_too() -> None:
    counted = {
        "cap_per_client_app": "1000", "cap_per_project": "1000", "project_rules_count": "900",
        "client_app_rules_count": {"client_app_id": "1", "rule_count": 100},
    }  # fmt: skip
    assert held_of(counted) == 100
    assert cap_of(counted) == 200
    assert cap_of({}) == 0


def test_old_rules_that_cannot_be_taken_off_are_said_and_keep_nothing_back(x: Simulator) -> None:
    compare(x, wanted("pothole", "leak"))
    x.fail("change_rules", Fault.answer(422, {"title": "No", "detail": "not now"}))
    standing = compare(x, wanted("pothole"))
    assert standing.troubles == [
        "There is 1 rule on X's stream that we could not take off: X refused it (422, “not now”)."
    ]
    assert list(standing.names.values()) == [((1, 1),)]


def test_as_many_rules_as_the_largest_plan_has_are_compared_in_seconds() -> None:
    rules = wanted(*(f"pothole{number}" for number in range(25_000)))
    with x_simulator(plan=ENTERPRISE) as x:
        for rule in rules:
            x.add_rule(rule.expression, tag((rule.id, rule.version)))
        begin = time.monotonic()
        standing = compare(x, rules, PLANS["enterprise"])
        assert time.monotonic() - begin < 30
    assert len(standing.names) == len(rules)
    assert not changes(x)


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "fault", "error"),
    [
        ("rules", Fault.unauthorized(), AuthError),
        ("rules", Fault.forbidden(), AuthError),
        ("change_rules", Fault.forbidden(), AuthError),
        ("rules", Fault.rate_limited(120), TemporaryError),
        ("rules", Fault.server_error(503), TemporaryError),
        ("change_rules", Fault.reset(), TemporaryError),
        ("change_rules", Fault.page(), TemporaryError),
        ("rules", Fault.answer(200, "no JSON"), TemporaryError),
    ],
)
def test_a_failure_is_raised_and_the_next_time_it_goes_on(
    x: Simulator, endpoint: str, fault: Fault, error: type[Exception]
) -> None:
    compare(x, wanted("old words"))
    x.fail(endpoint, fault)
    with pytest.raises(error):
        compare(x, wanted("pothole", "leak"))
    compare(x, wanted("pothole", "leak"))
    assert set(listed(x)) == {"pothole", "leak"}


def test_an_answer_lost_halfway_doubles_nothing(x: Simulator) -> None:
    compare(x, wanted("old words"))
    x.fail("change_rules", Fault.half(), times=2)
    for _ in range(4):
        try:
            standing = compare(x, wanted("pothole", "leak"))
        except TemporaryError:
            continue
    assert sorted(rule.value for rule in x.rules) == ["leak", "pothole"]
    assert sorted(standing.names.values()) == [((1, 1),), ((2, 1),)]
