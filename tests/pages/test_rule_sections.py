"""The Rules page by `AppTest`, below the editor and beside it: tests on the past, look back, versions, help, packs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, delete, select
from streamlit.testing.v1 import AppTest

from connector import catalogue_file, rulebook, rules
from connector.models import AuditEntry, Match, RequestType, Rule, RuleVersion, Suspect, now
from connector.store import catalogue, sources
from tests.builders import a_post, a_rule, a_suspect
from tests.pages.browser import City
from tests.pages.conftest import GOOD
from tests.pages.test_rules import (
    PAGE,
    button,
    html_of,
    listed,
    press,
    ran,
    rule_named,
    shown,
    stored,
    view,
    views,
    words,
    write,
)

NAME = "Pothole: street words"
PACKS = Path(__file__).resolve().parents[2] / "data" / "packs"


def section(page: AppTest, name: str) -> AppTest:
    return view(page, name, at=1)


def menu(page: AppTest, option: str) -> AppTest:
    next(one for one in page.menu_button if one.label == "More").click(option)
    return ran(page)


def tick(page: AppTest, *rows: int) -> AppTest:
    page.session_state[page.dataframe[0].key] = {"selection": {"rows": list(rows), "columns": [], "cells": []}}
    return ran(page)


def labels(page: AppTest) -> list[str]:
    return [one.label.replace("\\", "") for one in page.button]


def judged(city: City, text: str, status: str, **values: Any) -> None:
    with city.database.writing() as session:
        a_suspect(session, text, status=status, decided_at=now(), **values)


def versions(city: City, rule_id: int) -> list[tuple[int, str, str]]:
    with city.database.reading() as session:
        query = select(RuleVersion).where(RuleVersion.rule_id == rule_id).order_by(col(RuleVersion.version))
        return [(one.version, one.expression, one.by) for one in session.exec(query)]


# -- the list ------------------------------------------------------------------------------------------------------


def test_filters_and_order_stand_in_the_address_and_come_from_it(few: City) -> None:
    graffiti = stored(few, rule_named(few, "Tagging")).request_type_id
    page = shown()
    page.selectbox(key="rules_type").set_value(graffiti)
    ran(page)
    assert listed(page) == ["Tagging"]
    assert str(graffiti) in page.query_params["type"]
    assert listed(shown(type=graffiti, view="off")) == ["Old one"]
    page = shown(type="nonsense", view="nonsense", look="nonsense")
    assert listed(page) == ["Tagging", NAME]
    page.selectbox(key="rules_order").set_value("By name")
    assert listed(ran(page)) == [NAME, "Tagging"]


def test_the_search_finds_words_of_the_rule_and_its_type(few: City) -> None:
    page = shown(rule=rule_named(few, "Tagging"))
    for text in ("pot hole", "POTHOLE"):
        page.text_input(key="rules_find").set_value(text)
        assert NAME in listed(ran(page))


def test_what_speaks_against_a_rule_is_pointed_out(few: City) -> None:
    long_ago = now() - timedelta(days=40)
    with few.database.writing() as session:
        for version in session.exec(select(RuleVersion)):
            version.at = long_ago
            session.add(version)
        pothole = session.exec(select(Rule).where(Rule.name == NAME)).one()
        crater = a_rule(session, name="Crater", expression="crater")
        for number in range(10):
            suspect = a_suspect(session, f"pothole {number}", status="dismissed", decided_at=now())
            session.add(Match(post_id=suspect.lead_post_id, rule_id=crater.id, rule_version=1, words=["pothole"]))
    page = view(shown(), "Look at")
    rows = page.dataframe[0].value.set_index("name")["look"].to_dict()
    assert rows["Tagging"] == "finds nothing"
    assert {rows[NAME], rows["Crater"]} == {"dismissed", f"within {NAME}"}
    assert "Found nothing in 30 days" in words(shown(rule=rule_named(few, "Tagging")))
    assert "10 of 10 suspects were dismissed" in words(shown(rule=pothole.id))
    page = shown(view="look", look="never")
    assert listed(page) == ["Tagging"]


def test_chosen_rules_are_switched_together(few: City) -> None:
    page = tick(menu(shown(), "Choose several"), 0, 1)
    assert page.header[0].value == "2 chosen"
    assert button(page, "Switch 0 on").disabled
    page = press(page, "Switch 2 off")
    assert "2 switched off" in html_of(page)
    assert [stored(few, rule_named(few, name)).active for name in ("Tagging", NAME)] == [False, False]
    assert (page.dataframe.len, views(page)[0]) == (0, "On 0")
    page = press(tick(view(page, "Off"), 0, 1, 2), "Switch 3 on")
    assert views(page)[:2] == ["On 3", "Off 0"]
    assert press(page, "Back").header[0].value != "Choose several"


def test_a_forbidden_rule_is_switched_on_with_a_reason_alone(few: City) -> None:
    with few.database.writing() as session:
        a_rule(session, name="Follows", expression="from:someone", active=False)
    page = press(tick(view(menu(shown(), "Choose several"), "Off"), 1), "Switch 1 on")
    assert "Follows" in words(page)
    assert not stored(few, rule_named(few, "Follows")).active
    page = tick(page, 1)
    page.text_input(key="several_reason").set_value("It is the water works' account")
    press(ran(page), "Switch 1 on")
    assert stored(few, rule_named(few, "Follows")).active


def test_a_link_far_down_is_drawn(city: City) -> None:
    with city.database.writing() as session:
        rule = a_rule(session, name="Zebra", expression="zebra")
        session.get_one(RequestType, rule.request_type_id).title = "Zzz"
    page = shown(rule=rule.id)
    assert "Zebra" in listed(page)
    assert len(listed(page)) == 20
    above = next(label for label in labels(page) if label.endswith("above"))
    assert len(listed(press(page, above))) > 20
    assert page.header[0].value == "Zebra"


def test_a_source_that_does_not_tell_enough_is_named(few: City) -> None:
    rule_id = rule_named(few, NAME)
    page = write(shown(rule=rule_id), "pothole is:verified")
    assert "is\\:verified\\: unknown on sample" in words(page)
    page = press(page, "Save version 2")
    works = page.dataframe[0].value.set_index("name")["works"]
    assert (works[NAME], works["Tagging"]) == ("none", "all")


# -- the editor ----------------------------------------------------------------------------------------------------


def test_an_operator_is_completed_where_it_is_typed(few: City) -> None:
    page = write(shown(rule=rule_named(few, NAME)), '(pothole OR "pot hole" has:im) -is:retweet')
    assert "there is a photo" in words(page)
    page = press(page, "has:images")
    assert page.text_area[0].value == '(pothole OR "pot hole" has:images) -is:retweet'
    assert "has:images" not in labels(page)


def test_a_forbidden_wording_wants_an_administrators_reason(few: City) -> None:
    rule_id = rule_named(few, NAME)
    page = write(shown(rule=rule_id), "pothole OR from:someone")
    caret = page.code[0].value.splitlines()
    assert caret[1].index("^") == caret[0].index("from:someone")
    assert "follows a person" in words(page)
    assert button(page, "Save version 2").disabled
    page.text_input(key=f"rule_{rule_id}_override").set_value("the water works' own account")
    press(ran(page), "Save version 2")
    assert stored(few, rule_id).expression == "pothole OR from:someone"
    with few.database.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.what == "forbidden rule allowed")).one()
    assert entry.detail
    assert entry.detail["because"] == "the water works' own account"


def test_nobody_but_an_administrator_is_asked_for_a_reason(few: City, monkeypatch: pytest.MonkeyPatch) -> None:
    page = shown(rule=rule_named(few, NAME))
    monkeypatch.setattr("connector.screen.rule_card.administrator", lambda: False)
    page = write(page, "from:someone")
    assert "only an administrator may save it" in words(page)
    assert button(page, "Save version 2").disabled


def test_an_emptied_or_broken_wording_leaves_help_and_versions(few: City) -> None:
    page = write(shown(rule=rule_named(few, NAME)), "pothole (")
    assert "as soon as it reads well" in words(page)
    assert "in force" in words(section(page, "Versions"))
    assert page.segmented_control[1].value == "versions"


# -- posts ---------------------------------------------------------------------------------------------------------


def test_near_misses_say_what_is_missing(few: City) -> None:
    few.arrive("graffiti and tagged")
    with few.database.writing() as session:
        a_post(session, "pothole on the golf course")
        a_post(session, "crater, huge")
    page = write(shown(rule=rule_named(few, NAME)), "(pothole OR (crater road)) -golf")
    assert "Meets 0" in words(page)
    html = html_of(page)
    assert "excluded by -golf" in html
    assert "lacks road" in html
    assert html.index("rgba(220,60,60") < html.index(">golf<")


def test_the_rarest_near_misses_come_first(few: City) -> None:
    with few.database.writing() as session:
        a_post(session, "crater, huge", posted_at=now() - timedelta(days=9))
        for number in range(12):
            a_post(session, f"this road {number}")
    html = html_of(write(shown(rule=rule_named(few, NAME)), "crater road"))
    assert html.index("lacks road") < html.index("lacks crater")
    assert html.count("lacks crater") == 2


def test_a_pasted_post_says_which_part_is_true_false_or_unknown(few: City) -> None:
    rule_id = rule_named(few, NAME)
    page = section(write(shown(rule=rule_id), "pothole (street OR road) -golf lang:en"), "Try a post")
    page.text_area(key=f"rule_{rule_id}_tried").set_value("Pothole in the Street by the golf course <b>")
    said = words(ran(page))
    assert "The rule does not meet this post" in said
    assert "· golf" in said
    assert [value for value in ("true", "false", "unknown") if f":gray[{value}]" in said] == [
        "true",
        "false",
        "unknown",
    ]
    assert "&lt;b&gt;" in html_of(page)
    page.text_area(key=f"rule_{rule_id}_tried").set_value("pothole on my street")
    page.selectbox(key="tried_lang").set_value("en")
    assert "The rule meets this post" in words(ran(page))


# -- the past ------------------------------------------------------------------------------------------------------


def test_a_wording_is_tested_on_what_people_decided(few: City) -> None:
    judged(few, "pothole on Elm", "accepted")
    judged(few, "crater on Elm", "accepted")
    judged(few, "pothole luck", "dismissed")
    judged(few, "crater lake", "dismissed")
    page = section(write(shown(rule=rule_named(few, NAME)), "crater"), "Test on the past")
    figures = {one.label: (one.value, one.delta) for one in page.metric}
    assert figures["Caught"] == ("1 of 2", "")
    assert figures["Missed"] == ("1", "")
    assert figures["Wrongly caught"] == ("1", "")
    said = words(page)
    assert "4 posts that people decided on" in said
    assert "**Among posts seen**" in said
    assert "**50 % (9 %–91 %, 1 of 2)**" in said
    assert [option.replace(":blue[", "").rstrip("]") for option in page.segmented_control[2].options] == [
        "Newly caught 2", "No longer 2", "Wrongly caught 1", "Missed 1",
    ]  # fmt: skip
    assert ">crater</mark> lake" in html_of(page)
    assert "wrong " in html_of(page)
    assert ">pothole</mark> luck" in html_of(view(page, "No longer", at=2))
    page = write(page, "pothole OR crater")
    assert {one.label: one.delta for one in page.metric}["Caught"] == "1"


def test_reading_from_x_is_priced_where_there_is_x(few: City) -> None:
    page = section(shown(rule=rule_named(few, NAME)), "Test on the past")
    assert "from X" not in words(page)
    with few.database.writing() as session:
        sources.state(session, "official", "x")
        for days in (0, 10):
            a_post(session, "pothole", source="official", posted_at=now() - timedelta(days=days))
    # 2 posts in 10 days are 6 in 30, at half a cent
    assert "**Reading it from X** · \\$0.03 a month or more" in words(ran(page))


def test_many_posts_are_read_when_somebody_asks(few: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.screen.slow.FEW", 0)
    judged(few, "pothole on Elm", "accepted")
    page = section(shown(rule=rule_named(few, NAME)), "Test on the past")
    assert not page.metric
    page = press(page, "Test on the past")
    assert page.metric
    judged(few, "pothole on Oak", "accepted")
    assert {one.label: one.value for one in ran(page).metric}["Caught"] == "1 of 1"
    assert {one.label: one.value for one in press(page, "Ask again").metric}["Caught"] == "2 of 2"


def test_a_look_back_says_how_many_and_then_brings_them_in(few: City) -> None:
    with few.database.writing() as session:
        a_post(session, "crater in the road")
        a_post(session, "crater of last month", posted_at=now() - timedelta(days=20))
    page = AppTest.from_file(str(Path(PAGE).with_name("navigation.py")), default_timeout=60)
    page.switch_page("rules.py")  # by the navigation, for the link to the queue
    page.query_params["rule"] = str(rule_named(few, NAME))
    page = section(ran(page), "Look back")
    assert "**0 would enter the queue**" in words(page)
    page = write(page, "crater")
    assert "Save the rule first" in words(page)
    page = press(press(page, "Save version 2"), "Look back")
    assert "**2 would enter the queue**" in words(page)
    page.segmented_control(key="lookback_days").set_value(7)
    page = press(ran(page), "Put 1 into the queue")
    assert "1 entered the queue" in html_of(page)
    assert "**0 would enter the queue**" in words(page)
    with few.database.reading() as session:
        assert len(session.exec(select(Suspect)).all()) == 1


def test_a_rule_that_is_off_does_not_look_back(few: City) -> None:
    assert "Switch the rule on first" in words(section(shown(rule=rule_named(few, "Old one")), "Look back"))


# -- versions ------------------------------------------------------------------------------------------------------


def test_versions_are_compared_and_rolled_back(few: City) -> None:
    rule_id = rule_named(few, NAME)
    page = press(write(shown(rule=rule_id), "pothole OR crater"), "Save version 2")
    page = section(page, "Versions")
    assert "Version 2 · demo" in words(page)
    assert [code.value for code in page.code] == ["pothole OR crater", GOOD]
    assert "<ins" in html_of(page)
    assert "<del" in html_of(page)
    page = press(page, "Roll back to it")
    assert stored(few, rule_id).expression == GOOD
    assert versions(few, rule_id)[-1] == (3, GOOD, "demo")
    assert page.text_area[0].value == GOOD


def test_the_slower_roll_back_changes_nothing(few: City) -> None:
    rule_id = rule_named(few, NAME)
    page = section(press(write(shown(rule=rule_id), "pothole OR crater"), "Save version 2"), "Versions")
    with few.database.writing() as session:
        catalogue.change_rule(session, rule_id, None, "maria", expression="pothole OR hers")
    page = press(page, "Roll back to it")
    assert "maria saved version 3 meanwhile" in words(page)
    assert stored(few, rule_id).expression == "pothole OR hers"


def test_a_forbidden_version_comes_back_by_the_editor(few: City) -> None:
    rule_id = rule_named(few, NAME)
    wanted = rulebook.Wanted(NAME, "from:someone", stored(few, rule_id).request_type_id)
    rulebook.save(few.database, few.config, wanted, "demo", rule_id, 1, "ours")
    rulebook.save(few.database, few.config, rulebook.Wanted(NAME, GOOD, wanted.type_id), "demo", rule_id, 2)
    page = press(section(shown(rule=rule_id), "Versions"), "Edit it again")
    assert page.text_area[0].value == "from:someone"
    assert button(page, "Save version 4").disabled


# -- help ----------------------------------------------------------------------------------------------------------


def operators(page: AppTest) -> list[str]:
    return list(page.dataframe[-1].value["sign"])


def test_help_lists_every_operator_and_where_it_is_known(few: City) -> None:
    page = section(shown(rule=rule_named(few, NAME)), "Help")
    assert operators(page) == [operator.name for operator in rules.OPERATORS]
    assert "In this rule: **is:retweet**" in words(page).replace("\\", "")
    table = page.dataframe[-1].value.set_index("sign")
    assert table.loc["followers_count:", ["stream", "search", "x", "sample"]].to_list() == ["yes", "–", "yes", "–"]


def test_help_is_searched_and_inserts(few: City) -> None:
    page = section(shown(rule=rule_named(few, NAME)), "Help")
    page.text_input(key="operators_find").set_value("photo")
    assert operators(ran(page)) == ["has:media", "has:images"]
    page.session_state[page.dataframe[-1].key] = {"selection": {"rows": [1], "columns": [], "cells": []}}
    page = press(ran(page), "Insert has:images")
    assert page.text_area[0].value == f"{GOOD} has:images"


# -- packs ---------------------------------------------------------------------------------------------------------


def test_a_pack_is_looked_at_taken_over_and_changes_nothing_else(few: City) -> None:
    page = menu(shown(), "Packs and files")
    assert "Civic problems, English" in words(page)
    page = press(page, "See what it adds")
    added = "Pothole (en): the word"
    assert added in words(page)
    with few.database.reading() as session:
        assert len(session.exec(select(Rule)).all()) == 3
    page = press(page, "Take it over")
    assert "civic_en.yaml: " in html_of(page)
    assert stored(few, rule_named(few, added)).active
    assert stored(few, rule_named(few, NAME)).expression == GOOD
    assert "Take it over" not in labels(press(page, "See what it adds"))


def test_an_export_comes_back_by_a_file(few: City) -> None:
    with few.database.reading() as session:
        text = catalogue_file.export_text(session)
    page = menu(shown(), "Packs and files")
    page.file_uploader[0].upload("rules.yaml", text.replace("Tagging", "Tags").encode(), "application/yaml")
    page = ran(page)
    assert "rules.yaml · new rules: 1" in words(page)
    press(page, "Take it over")
    assert stored(few, rule_named(few, "Tags")).expression == "graffiti OR tagged"


def test_a_broken_file_says_what_is_wrong(few: City) -> None:
    page = menu(shown(), "Packs and files")
    page.file_uploader[0].upload("rules.yaml", b"pack: mine\ntitle: x\nrequest_types: 3\n", "application/yaml")
    assert "rules.yaml, request_types" in words(ran(page))
    assert "Take it over" not in labels(page)


def test_a_city_without_rules_is_led_to_the_packs(city: City) -> None:
    with city.database.writing() as session:
        session.exec(delete(RuleVersion))
        session.exec(delete(Rule))
        catalogue.touch(session)
    page = press(shown(), "See the packs")
    assert page.header[0].value == "Packs and files"


def test_a_city_without_types_is_told_where_they_come_from(few: City) -> None:
    with few.database.writing() as session:
        for table in (RuleVersion, Rule, RequestType):
            session.exec(delete(table))
        catalogue.touch(session)
    assert "add one in Settings" in words(press(shown(), "New rule"))
