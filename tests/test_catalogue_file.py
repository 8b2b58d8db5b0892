"""Types and rules as a file: what is exported comes back the same, what is broken is named, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sqlmodel import select

from connector import catalogue_file
from connector.config import DEMO
from connector.errors import ConfigError
from connector.models import AuditEntry, RequestType, Rule, RuleVersion
from connector.store import Database, catalogue

FILE: dict[str, Any] = {
    "request_types": [
        {
            "code": "pothole",
            "title": "Pothole",
            "due_hours": 24,
            "urgent": True,
            "attributes": {"PROBLEM": "out"},
            "rules": [
                {"name": "English", "expression": "pothole"},
                {"name": "off", "expression": "hole", "active": False},
            ],
        },
        {
            "code": "noise",
            "title": "Noise: loud, ünïcode",
            "rules": [{"name": "noise", "expression": '"so loud" -party'}],
        },
    ]
}


def take(database: Database, content: Any = FILE) -> catalogue_file.Changes:
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    with database.writing() as session:
        return catalogue_file.import_text(session, text, "Dana", "types.yaml")


def exported(database: Database) -> str:
    with database.reading() as session:
        return catalogue_file.export_text(session)


def version(database: Database) -> int:
    with database.reading() as session:
        return catalogue.version(session)


def changed(**values: Any) -> dict[str, Any]:
    first, second = FILE["request_types"]
    return {"request_types": [{**first, **values}, second]}


def test_import_adds_types_and_rules_in_the_files_order(database: Database) -> None:
    changes = take(database)
    assert (changes.types_added, changes.rules_added) == (
        ["Pothole", "Noise: loud, ünïcode"],
        ["English", "off", "noise"],
    )
    with database.reading() as session:
        kinds = catalogue.types(session)
        rules = {rule.name: rule for rule in session.exec(select(Rule))}
        assert len(session.exec(select(RuleVersion)).all()) == 3
        assert "catalogue imported" in [entry.what for entry in session.exec(select(AuditEntry))]
    assert [(kind.code, kind.due_hours, kind.urgent, kind.attributes) for kind in kinds] == [
        ("pothole", 24, True, {"PROBLEM": "out"}),
        ("noise", 120, False, {}),
    ]
    assert (rules["English"].active, rules["off"].active) == (True, False)


def test_importing_what_was_exported_changes_nothing(database: Database) -> None:
    take(database)
    take(database, (DEMO / "city.yaml").read_text("utf-8"))
    text, before = exported(database), version(database)
    assert not take(database, text)
    assert (exported(database), version(database)) == (text, before)


def test_export_into_an_empty_database_gives_the_same_export(database: Database) -> None:
    take(database)
    text = exported(database)
    with database.writing() as session:
        for table in (RuleVersion, Rule, RequestType):
            for row in session.exec(select(table)):
                session.delete(row)
            session.flush()
    take(database, text)
    assert exported(database) == text


def test_changed_entries_are_updated_by_code_and_name_and_nothing_is_removed(database: Database) -> None:
    take(database)
    changes = take(
        database,
        {
            "request_types": [
                changed(title="Hole", rules=[{"name": "English", "expression": "holes"}])["request_types"][0]
            ]
        },
    )
    assert (changes.types_changed, changes.rules_changed) == (["Hole"], ["English"])
    assert (changes.types_added, changes.rules_added) == ([], [])
    with database.reading() as session:
        kind = session.exec(select(RequestType).where(RequestType.code == "pothole")).one()
        rule = session.exec(select(Rule).where(Rule.name == "English")).one()
        assert (kind.title, kind.version, rule.expression, rule.version) == ("Hole", 2, "holes", 2)
        assert len(session.exec(select(Rule)).all()) == 3


def test_workers_notice_an_import(database: Database) -> None:
    before = version(database)
    take(database)
    assert version(database) > before
    before = version(database)
    take(database, changed(urgent=False))
    assert version(database) > before


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("request_types: [", "types.yaml is no YAML in line 1, at character 17: expected the node content"),
        ({"request_types": FILE["request_types"] * 2}, "types.yaml: the type 'pothole' stands there twice"),
        (changed(rules=[{"name": "n", "expression": "a"}] * 2), "type 'pothole': the rule 'n' stands there twice"),
        ("", "types.yaml, .*"),
        ("[1, 2]", "types.yaml, .*"),
        (changed(code="Pot Hole"), r"types\.yaml, request_types\.0\.code: "),
        (changed(colour="red"), r"types\.yaml, request_types\.0\.colour: Extra inputs"),
        (changed(due_hours=0), r"types\.yaml, request_types\.0\.due_hours: "),
        (changed(rules=[{"name": "x"}]), r"types\.yaml, request_types\.0\.rules\.0\.expression: "),
        (changed(rules=[{"name": "Bad one", "expression": "hole (pothole"}]), r"rule 'Bad one', character 6: "),
    ],
)  # fmt: skip
def test_mistake_is_named_with_its_place(content: Any, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        catalogue_file.parse(content if isinstance(content, str) else yaml.safe_dump(content), "types.yaml")


def test_import_takes_all_or_nothing(database: Database) -> None:
    take(database)
    text, before = exported(database), version(database)
    broken = changed(title="New", rules=[{"name": "New", "expression": "new"}])
    broken["request_types"].append({"code": "last", "title": "Last", "rules": [{"name": "x", "expression": "("}]})
    with pytest.raises(ConfigError):
        take(database, broken)
    assert (exported(database), version(database)) == (text, before)


def test_a_wording_that_a_city_must_not_set_is_refused_unless_it_was_allowed_before(database: Database) -> None:
    follows = changed(rules=[{"name": "follows", "expression": "from:somebody_there"}])
    with pytest.raises(ConfigError, match="rule 'follows'.*administrator"):
        take(database, follows)
    with database.writing() as session:
        take_in = catalogue_file.import_text(session, yaml.safe_dump(follows), "Dana", "f", own=["somebody_there"])
    assert take_in.rules_added == ["follows", "noise"]
    assert not take(database, follows)


def test_a_file_in_another_encoding_is_told_and_a_byte_order_mark_is_none(database: Database) -> None:
    text = yaml.safe_dump(FILE, allow_unicode=True)
    with database.writing() as session:
        with pytest.raises(ConfigError, match="UTF-8"):
            catalogue_file.import_text(session, text.encode("latin-1"), "Dana")
        assert catalogue_file.import_text(session, b"\xef\xbb\xbf" + text.encode(), "Dana").types_added
