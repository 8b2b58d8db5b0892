"""The Rules page by `AppTest`: what an author sees of a wording before it is saved, and what saving does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import delete, select
from streamlit.testing.v1 import AppTest

from connector import screen, sealing
from connector.errors import AlreadyDecidedError
from connector.models import AuditEntry, Rule, RuleVersion, now
from connector.store import catalogue
from tests.builders import a_post, a_rule, a_suspect
from tests.pages.browser import City
from tests.pages.conftest import GOOD
from tests.pages.test_review import marking, told

PAGE = str(Path(__file__).resolve().parents[2] / "pages" / "rules.py")
HOSTILE = '**bold** :red[x] ![i](http://127.0.0.1:9/x.png) <img src=x onerror="a()"> [l](javascript:1) :streamlit: =1+1'


def shown(**query: Any) -> AppTest:
    page = AppTest.from_file(PAGE, default_timeout=60)
    for name, value in query.items():
        page.query_params[name] = str(value)
    return ran(page)


def ran(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def listed(page: AppTest) -> list[str]:
    return list(page.dataframe[0].value["name"])


def words(page: AppTest) -> str:
    """Everything that is drawn as Markdown or as text, outside texts left out."""
    return "\n".join(element.value for element in [*page.header, *page.markdown, *page.text])


def html_of(page: AppTest) -> str:
    return "\n".join(element.proto.body for element in page.get("html"))


def write(page: AppTest, text: str) -> AppTest:
    page.text_area[0].set_value(text)
    return ran(page)


def button(page: AppTest, label: str) -> Any:
    return next(one for one in page.button if one.label.replace("\\", "") == label)


def press(page: AppTest, label: str) -> AppTest:
    button(page, label).click()
    return ran(page)


def view(page: AppTest, name: str, at: int = 0) -> AppTest:
    """Choose one of the views of the list, or of the sections with `at=1`."""
    choices = page.segmented_control[at]
    choices.set_value(next(label for label in choices.options if name in label))
    return ran(page)


def views(page: AppTest) -> list[str]:
    return [option.replace(":blue[", "").rstrip("]") for option in page.segmented_control[0].options]


def stored(city: City, rule_id: int) -> Rule:
    with city.database.reading() as session:
        return session.get_one(Rule, rule_id)


def rule_named(city: City, name: str) -> int:
    with city.database.reading() as session:
        return session.exec(select(Rule.id).where(Rule.name == name)).one() or 0


def save_elsewhere(city: City, rule_id: int, text: str) -> None:
    with city.database.writing() as session:
        catalogue.change_rule(session, rule_id, None, "maria", expression=text)


def test_the_list_counts_what_each_rule_found(few: City) -> None:
    with few.database.writing() as session:
        a_suspect(session, "pothole here", status="accepted", decided_at=now())
        a_suspect(session, "pothole there", status="accepted", decided_at=now())
        a_suspect(session, "pothole joke", status="dismissed", decided_at=now())
    page = shown()
    row = page.dataframe[0].value.set_index("name").loc["Pothole: street words"]
    assert (row["type"], row["matched"], row["share"]) == ("Pothole", 3, "67 % (21–94, 3)")
    assert (row["last"], row["works"], row["wording"]) == ("now", "all", GOOD)
    assert listed(page) == ["Tagging", "Pothole: street words"]
    assert views(page) == ["On 2", "Off 1", "Look at 0"]


def test_the_other_view_and_a_name_narrow_the_list(few: City) -> None:
    page = shown()
    view(page, "Off")
    assert listed(page) == ["Old one"]
    assert page.header[0].value == "Old one"
    view(page, "On")
    page.text_input(key="rules_find").set_value("POTHOLE")
    ran(page)
    assert listed(page) == ["Tagging", "Pothole: street words"], "the chosen one stays while it is looked at"
    page.text_input(key="rules_find").set_value("nothing like it")
    assert listed(ran(page)) == ["Tagging"]


def test_a_link_opens_its_rule_in_its_view(few: City) -> None:
    page = shown(rule=rule_named(few, "Old one"))
    assert page.header[0].value == "Old one"
    assert page.segmented_control[0].value == "off"
    assert shown(rule=99999).header[0].value == "Tagging"
    assert shown(rule="nonsense").header[0].value == "Tagging"


def test_every_problem_is_shown_with_its_place_and_one_is_mended(few: City) -> None:
    page = write(shown(rule=rule_named(few, "Pothole: street words")), "pothole -is:retwet AND road")
    codes = [code.value for code in page.code]
    assert codes[0].splitlines()[1].index("^") == codes[0].splitlines()[0].index("is:retwet")
    assert codes[1].splitlines()[1].index("^") == codes[1].splitlines()[0].index("AND")
    assert "Character 10" in words(page)
    assert button(page, "Save version 2").disabled
    page = press(page, "Change to is:retweet")
    assert page.text_area[0].value == "pothole -is:retweet AND road"
    page = press(page, "Take it out")
    assert "Reads well" in words(page)
    assert not button(page, "Save version 2").disabled


def test_an_unchanged_rule_cannot_be_saved(few: City) -> None:
    page = shown(rule=rule_named(few, "Pothole: street words"))
    assert f"{len(GOOD)} of 1,024 characters" in words(page)
    assert button(page, "Save").disabled


def test_the_author_sees_what_a_wording_meets_before_saving(few: City) -> None:
    with few.database.writing() as session:
        a_post(session, "the POTHOLE on Elm St")
        a_post(session, "a crater on Oak Ave")
        a_post(session, "pothole, said the city itself", own=True)
        a_post(session, "pothole gone", gone_at=now())
    page = shown(rule=rule_named(few, "Pothole: street words"))
    assert "**Meets 1** :gray[of the newest 2 posts that are stored]" in words(page)
    page = write(page, "crater")
    assert "1 more and 1 fewer than version 1" in words(page)
    assert ">crater</mark> on Oak Ave" in html_of(page)
    assert "POTHOLE" not in html_of(page)
    assert "None of them" in words(write(page, "earthquake"))
    assert stored(few, rule_named(few, "Pothole: street words")).expression == GOOD


def test_handles_are_masked_and_accounts_are_met_by_pseudonym(few: City) -> None:
    sealer = sealing.load(few.config)
    few.arrive("graffiti on the wall", handle="resident_zero")
    with few.database.writing() as session:
        a_post(session, "graffiti, \ufdd00\ufdd1", entities={"mention_keys": [sealer.pseudonym("Someone_Else")]})
    page = write(shown(rule=rule_named(few, "Tagging")), "from:resident_zero graffiti")
    assert "Meets 1" in words(page)
    assert "Meets 1" in words(write(page, "@someone_else graffiti"))
    assert "graffiti</mark>, …" in html_of(page)
    assert "Meets 0" in words(write(page, "@resident_zero graffiti"))


def test_saving_makes_a_version_and_keeps_the_old_one(few: City) -> None:
    rule_id = rule_named(few, "Pothole: street words")
    page = press(write(shown(rule=rule_id), "pothole OR crater"), "Save version 2")
    assert "Version 2 is saved" in html_of(page)
    rule = stored(few, rule_id)
    assert (rule.version, rule.expression) == (2, "pothole OR crater")
    with few.database.reading() as session:
        last = session.exec(select(AuditEntry).order_by(AuditEntry.id.desc())).first()  # type: ignore[union-attr]
        versions = session.exec(select(RuleVersion.by).where(RuleVersion.rule_id == rule_id)).all()
    assert last is not None
    assert (last.what, last.by) == ("rule saved", "demo")
    assert versions[-1] == "demo"


def test_a_new_name_makes_no_version(few: City) -> None:
    rule_id = rule_named(few, "Tagging")
    page = shown(rule=rule_id)
    page.text_input(key=f"rule_{rule_id}_name_0").set_value("Graffiti: words")
    page = press(ran(page), "Save")
    assert (stored(few, rule_id).name, stored(few, rule_id).version) == ("Graffiti: words", 1)
    assert "Graffiti: words" in listed(page)


def test_the_slower_of_two_people_is_told_and_loses_nothing(few: City) -> None:
    rule_id = rule_named(few, "Pothole: street words")
    page = write(shown(rule=rule_id), "pothole OR mine")
    save_elsewhere(few, rule_id, "pothole OR hers")
    page = press(page, "Save version 2")
    assert "maria saved version 2 meanwhile" in words(page)
    assert stored(few, rule_id).expression == "pothole OR hers"
    assert page.text_area[0].value == "pothole OR mine"
    assert "pothole OR hers" in [code.value for code in page.code]
    assert button(page, "Save version 2").disabled
    page = press(press(page, "Go on with mine"), "Save version 3")
    assert (stored(few, rule_id).version, stored(few, rule_id).expression) == (3, "pothole OR mine")


def test_theirs_can_be_taken(few: City) -> None:
    rule_id = rule_named(few, "Pothole: street words")
    page = write(shown(rule=rule_id), "pothole OR mine")
    save_elsewhere(few, rule_id, "pothole OR hers")
    page = press(ran(page), "Take theirs")
    assert page.text_area[0].value == "pothole OR hers"
    assert button(page, "Save").disabled


def test_an_untouched_editor_follows_what_others_save(few: City) -> None:
    rule_id = rule_named(few, "Pothole: street words")
    page = shown(rule=rule_id)
    save_elsewhere(few, rule_id, "pothole OR hers")
    assert ran(page).text_area[0].value == "pothole OR hers"


def test_compare_and_set_holds_in_the_store(few: City) -> None:
    rule_id = rule_named(few, "Tagging")
    save_elsewhere(few, rule_id, "graffiti")
    with pytest.raises(AlreadyDecidedError, match="maria saved version 2"), few.database.writing() as session:
        catalogue.change_rule(session, rule_id, 1, "ben", expression="tagged")
    assert stored(few, rule_id).expression == "graffiti"


def test_what_was_typed_survives_a_look_at_another_rule(few: City) -> None:
    first, second = rule_named(few, "Pothole: street words"), rule_named(few, "Tagging")
    page = write(shown(rule=first), "pothole OR draft")
    page.query_params["rule"] = str(second)
    assert ran(page).text_area[0].value == "graffiti OR tagged"
    page.query_params["rule"] = str(first)
    assert ran(page).text_area[0].value == "pothole OR draft"
    assert press(page, "Drop changes").text_area[0].value == GOOD


def test_a_row_counts_that_is_clicked_before_the_browser_has_the_address_of_the_last_one(few: City) -> None:
    first = rule_named(few, "Pothole: street words")
    with few.database.writing() as session:
        a_rule(session, name="Third", expression="sinkhole")
    page = shown(rule=first)
    names = listed(page)
    assert told(page, marking(page, names.index("Tagging"))).header[0].value == "Tagging"
    page.query_params.clear()
    page.query_params["rule"] = str(first)
    assert told(page, marking(page, names.index("Third"))).header[0].value == "Third"


def test_switching_off_takes_effect_and_leaves_the_card_in_place(few: City) -> None:
    rule_id = rule_named(few, "Tagging")
    page = shown(rule=rule_id)
    page.toggle[0].set_value(False)
    ran(page)
    assert not stored(few, rule_id).active
    assert page.header[0].value == "Tagging"
    assert "Tagging · off" in listed(page)
    with few.database.reading() as session:
        assert rule_id not in catalogue.catalogue(session).rules


def test_a_new_rule_wants_words_and_a_name(few: City) -> None:
    page = press(shown(), "New rule")
    assert page.header[0].value == "New rule"
    assert listed(page)[0] == "New rule"
    assert button(page, "Save version 1").disabled
    page = write(page, "bache lang:es")
    assert button(page, "Save version 1").disabled
    assert "Give it a name" in words(page)
    page.text_input(key="rule_0_name_0").set_value("Pothole: Spanish")
    page = press(ran(page), "Save version 1")
    assert page.header[0].value == screen.escaped("Pothole: Spanish")
    rule_id = rule_named(few, "Pothole: Spanish")
    assert (stored(few, rule_id).version, stored(few, rule_id).active) == (1, True)
    assert str(rule_id) in str(page.query_params["rule"])


def test_outside_text_stays_text(few: City) -> None:
    with few.database.writing() as session:
        a_post(session, f"pothole {HOSTILE}")
        rule = a_rule(session, name=HOSTILE, expression="pothole")
    page = shown(rule=rule.id)
    assert page.header[0].value == screen.escaped(HOSTILE)
    assert "<img" not in html_of(page).replace("&lt;img", "")
    drawn = "\n".join(element.value for element in page.markdown)
    assert "onerror" not in drawn
    assert "javascript" not in drawn
    page = write(page, 'pothole ![i](http://x/y.png) "<b>')
    assert "![i]" not in "\n".join(element.value for element in page.markdown)
    assert not [one.label for one in page.button if "![i]" in one.label]


def test_no_rule_yet(city: City) -> None:
    with city.database.writing() as session:
        session.exec(delete(RuleVersion))
        session.exec(delete(Rule))
        catalogue.touch(session)
    page = shown()
    assert "No rule here" in words(page)
    assert press(page, "New rule").header[0].value == "New rule"


def test_a_link_to_a_rule_that_is_not_there_says_so(few: City) -> None:
    page = shown(rule=99999)
    assert any("There is no such rule" in one.value for one in [*page.error, *page.warning, *page.markdown, *page.text])
