"""Rules that a city must not set are refused with the reason; those of a city's service desk are not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from connector.config import DEMO, demo_city
from connector.rules import OPERATORS, forbidden, parse
from connector.rules.forbidden import CODES, ELECTION, PERSON, POLITICS, PROTEST

OWN = ["CityHall", "@PortAlder"]


def refused(rule: str) -> list[tuple[str, int]]:
    return [(one.code, one.position) for one in forbidden(parse(rule), OWN)]


@pytest.mark.parametrize(
    ("rule", "position"),
    [
        ("from:bob", 0),
        ("@bob", 0),
        ("to:bob has:images", 0),
        ("retweets_of:bob lang:en", 0),
        ("from_affiliate_of:bob", 0),
        ("to_affiliate_of:bob", 0),
        ("list:5", 0),
        ('bio_name:"ann example"', 0),
        ("bio:teacher", 0),
        ("bio_location:boulder", 0),
        ("context:10.799022225751871488", 0),
        ("from:12345", 0),
        ("from:bob OR pothole", 0),
        ("pothole OR from:bob", 11),
        ("(from:bob OR leak) (pothole OR @ann)", 1),
        ("@cityhall @bob", 10),
        ("from:bob -pothole", 0),
        ("from:bob (the OR is)", 0),
        ('from:bob "of the"', 0),
        ("from:bob has:geo place:seattle", 0),
        ("from:bob -from:ann", 0),
    ],
)
def test_watching_a_person_is_refused_without_a_problem_beside_it(rule: str, position: int) -> None:
    assert refused(rule) == [(PERSON, position)]


@pytest.mark.parametrize(
    "rule",
    [
        "@cityhall",
        "to:CITYHALL",
        "from:portalder OR @portalder",
        "@utility (outage OR leak)",
        "from:bob pothole",
        "(from:bob OR @ann) #pothole",
        'bio:plumber "burst pipe"~3',
        "@bob 道路",
        "pothole -@bob -from:ann",
        "conversation_id:12",
        "pothole context:10.5",
    ],
)
def test_own_accounts_and_problems_with_names_beside_them_are_fine(rule: str) -> None:
    assert refused(rule) == []


def test_without_own_accounts_none_is_excepted() -> None:
    (only,) = forbidden(parse("@cityhall"))
    assert (only.code, only.position, only.length) == (PERSON, 0, 9)
    assert "@cityhall" in only.message
    assert "beside it" in only.message


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("protest", PROTEST),
        ("protesters downtown", PROTEST),
        ("graffiti protest", PROTEST),
        ("#NYCprotests", PROTEST),
        ("#WomensMarch", PROTEST),
        ("#BlackLivesMatter", PROTEST),
        ('"black lives matter"', PROTEST),
        ('"women\'s march"', PROTEST),
        ("march OR rally", PROTEST),
        ("march police", PROTEST),
        ("rally", PROTEST),
        ("(rally OR rallies) lang:en", PROTEST),
        ('"march for justice"', PROTEST),
        ("union strike", PROTEST),
        ("huelga general", PROTEST),
        ("manifestación", PROTEST),
        ("manifestantes calle", PROTEST),
        ("url_title:protest", PROTEST),
        ('"protest road"~4', PROTEST),
        ("trump", POLITICS),
        ("republicans pothole", POLITICS),
        ('"democratic party"', POLITICS),
        ("mayor corrupt", POLITICS),
        ("alcalde corrupción", POLITICS),
        ('"partido popular"', POLITICS),
        ("bio:socialist leak", POLITICS),
        ('entity:"Donald Trump"', POLITICS),
        ("context:35.88 pothole", POLITICS),
        ("#Trump2028", POLITICS),
        ("election", ELECTION),
        ("pothole OR ballots", ELECTION),
        ('"polling place"', ELECTION),
        ("vote mayor", ELECTION),
        ("elecciones", ELECTION),
        ("#ElectionDay", ELECTION),
    ],
)
def test_protests_politics_and_elections_are_refused(rule: str, code: str) -> None:
    found = forbidden(parse(rule), OWN)
    assert {one.code for one in found} == {code}
    assert all(rule[one.position : one.position + one.length] in one.message for one in found)


@pytest.mark.parametrize(
    "rule",
    [
        "party trash",
        "(loud OR noisy) (party OR parties OR music)",
        '"Rally Street" pothole',
        '"protest avenue" pothole',
        '"trump tower" trash',
        '"obama parkway" (pothole OR crater)',
        '"calle del partido popular" bache',
        "rally car noise",
        '"march madness" noise',
        "snow (february OR march)",
        '"lightning strike" tree',
        "(truck OR car) (strike OR struck) pole",
        '"union street" pothole',
        '"picket fence" sidewalk',
        "bush sidewalk",
        "trumpet noise",
        '"election signs" (median OR pole)',
        '"campaign signs" sidewalk',
        "election (trash OR litter)",
        "basura elecciones",
        "mayor pothole",
        "alcalde bache",
        '"job candidate"',
        '"ad campaign" billboard',
        "candidate tree",
        '"primary school" crosswalk',
        '"poll" light',
        "-protest -election pothole",
        "pothole -(march rally)",
        "huelga basura",
        "marcha ruido",
        "police noise",
        "strike OR union",
        "(march OR police) pothole",
        "crowd noise bar",
        "demonstration garden water",
        "#MarchMadness",
        "bloqueo alcantarilla",
    ],
)
def test_words_of_a_service_desk_are_not_refused(rule: str) -> None:
    assert refused(rule) == []


def test_everything_wrong_is_told_at_once_in_order() -> None:
    assert refused("(from:bob OR protest) OR trump") == [(PERSON, 1), (PROTEST, 13), (POLITICS, 25)]
    assert set(CODES) == {PERSON, PROTEST, POLITICS, ELECTION}


def test_no_rule_that_is_shipped_and_no_example_is_refused() -> None:
    files = [DEMO / "city.yaml", *sorted((DEMO.parent / "packs").glob("*.yaml"))]
    rules = [rule for file in files for rule in expressions(file)]
    assert len(rules) >= 58
    assert [rule for rule in rules if forbidden(parse(rule), demo_city().city.accounts)] == []
    people = {"retweets_of:", "from_affiliate_of:", "to_affiliate_of:", "list:", "from:", "to:"}
    examples = {one.name for one in OPERATORS if forbidden(parse(one.example), ["cityhall"])}
    assert examples == {"list:"} <= people


def expressions(file: Path) -> list[str]:
    types = yaml.safe_load(file.read_text("utf-8")).get("request_types", [])
    return [rule["expression"] for kind in types for rule in kind["rules"]]
