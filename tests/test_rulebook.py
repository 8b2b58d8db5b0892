"""Rules are saved, rolled back, switched and compared; what a city must not set is refused, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from connector import access, rulebook
from connector.config import Config
from connector.errors import AlreadyDecidedError, RuleError
from connector.models import AuditEntry, Rule, RuleVersion, User
from connector.rulebook import Change, Wanted, compared
from connector.store import Database, catalogue
from tests.builders import a_login, a_rule, a_type, added

PERSON = "from:ann_example"
"""Forbidden: it watches a person."""


class Book:
    """The verbs on one database, by Dana."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database, self.config = database, config
        with database.writing() as session:
            self.type_id = a_type(session).id or 0

    def save(self, expression: str, rule_id: int | None = None, seen: int | None = None, **more: Any) -> Rule:
        wanted = Wanted(more.pop("name", "holes"), expression, self.type_id)
        return rulebook.save(self.database, self.config, wanted, more.pop("by", "Dana"), rule_id, seen, **more)

    def roll_back(self, rule_id: int, to: int, seen: int, **more: Any) -> Rule:
        return rulebook.roll_back(self.database, self.config, rule_id, to, seen, "Maria", **more)

    def switch(self, rule_ids: list[int], active: bool, **more: Any) -> list[int]:
        return rulebook.switch(self.database, self.config, rule_ids, active, more.pop("by", "Dana"), **more)

    def rows(self, query: Any) -> list[Any]:
        with self.database.reading() as session:
            return list(session.exec(query).all())

    def versions(self) -> list[tuple[int, str, str]]:
        found = self.rows(select(RuleVersion).order_by(RuleVersion.rule_id, RuleVersion.version))  # type: ignore[arg-type]
        return [(version.version, version.expression, version.by) for version in found]

    def audit(self) -> list[tuple[str, str, dict[str, Any]]]:
        return [(entry.what, entry.by, entry.detail) for entry in self.rows(select(AuditEntry))]

    def edition(self) -> int:
        with self.database.reading() as session:
            return catalogue.version(session)

    def with_login(self, **roles: str) -> None:
        """From now on people are asked who they are."""
        self.config = self.config.model_copy(update={"login": a_login()})
        with self.database.writing() as session:
            for login, role in roles.items():
                added(session, User(login=login, role=role))


@pytest.fixture
def book(database: Database, config: Config) -> Book:
    return Book(database, config)


# -- saving ------------------------------------------------------------------------------------------------------------


def test_a_new_rule_and_its_changes_are_kept_as_versions(book: Book) -> None:
    rule = book.save("  pothole ")
    changed = book.save("pothole OR crater", rule.id, 1, by="Maria")
    assert (changed.id, changed.version, changed.active) == (rule.id, 2, True)
    assert book.versions() == [(1, "pothole", "Dana"), (2, "pothole OR crater", "Maria")]
    assert [(what, by) for what, by, _ in book.audit()] == [("rule saved", "Dana"), ("rule saved", "Maria")]


def test_a_change_of_the_name_alone_is_no_new_version(book: Book) -> None:
    rule = book.save("pothole")
    assert book.save("pothole", rule.id, 1, name="craters").version == 1
    assert [(rule.name, rule.version) for rule in book.rows(select(Rule))] == [("craters", 1)]


def test_the_slower_of_two_people_is_told(book: Book) -> None:
    rule = book.save("pothole")
    book.save("pothole OR crater", rule.id, 1, by="Maria")
    with pytest.raises(AlreadyDecidedError, match="Maria saved version 2"):
        book.save("pothole OR hole", rule.id, 1)
    assert len(book.versions()) == 2


def test_a_wording_that_does_not_work_is_not_saved(book: Book) -> None:
    with pytest.raises(RuleError) as raised:
        book.save("hole (pothole")
    assert (raised.value.position, book.versions(), book.audit()) == (5, [], [])


def test_a_rule_without_a_name_is_not_saved(book: Book) -> None:
    with pytest.raises(ValueError, match="name"):
        book.save("pothole", name=" ")


# -- what a city must not set ------------------------------------------------------------------------------------------


def test_a_forbidden_rule_is_refused_with_the_reason_and_its_place(book: Book) -> None:
    with pytest.raises(RuleError, match="follows a person") as raised:
        book.save(f"pothole OR {PERSON}")
    assert raised.value.position == 11
    assert (book.versions(), book.audit()) == ([], [])


def test_the_citys_own_account_may_be_watched(book: Book) -> None:
    assert book.save("from:Testville").id


def test_without_a_login_whoever_sits_here_may_override_and_it_is_written_down(book: Book) -> None:
    rule = book.save(PERSON, override=" our contractor's account ")
    assert book.audit()[-1] == (
        "forbidden rule allowed", "Dana",
        {"rule": rule.id, "version": 1, "forbidden": ["person"], "because": "our contractor's account"},
    )  # fmt: skip


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_override_needs_a_reason(reason: str, book: Book) -> None:
    with pytest.raises(RuleError):
        book.save(PERSON, override=reason)


@pytest.mark.parametrize("role", ["reviewer", "rule_editor", "analyst", ""])
def test_with_a_login_only_administrators_may_override(role: str, book: Book) -> None:
    book.with_login(ada="administrator", **({"dana": role} if role else {}))
    with pytest.raises(RuleError, match="Only an administrator"):
        book.save(PERSON, by="dana", override="because")
    assert book.audit() == []
    assert book.save(PERSON, by="ada", override="because").version == 1


def test_an_administrator_who_left_is_none(book: Book) -> None:
    book.with_login(ada="administrator")
    with book.database.writing() as session:
        session.exec(select(User)).one().active = False
        assert not access.may(session, book.config, "ada", access.Right.SETTINGS)


def test_an_override_of_nothing_forbidden_is_not_written_down(book: Book) -> None:
    book.save("pothole", override="to be sure")
    assert [what for what, _, _ in book.audit()] == ["rule saved"]


def test_what_was_allowed_may_be_renamed_but_not_reworded(book: Book) -> None:
    rule = book.save(PERSON, override="because")
    assert book.save(PERSON, rule.id, 1, name="contractor").name == "contractor"
    with pytest.raises(RuleError):
        book.save(f"{PERSON} OR from:bob_example", rule.id, 1)


# -- rolling back ------------------------------------------------------------------------------------------------------


def test_rolling_back_makes_a_new_version_of_the_old_wording(book: Book) -> None:
    rule = book.save("pothole")
    book.save("crater", rule.id, 1)
    before = book.edition()
    back = book.roll_back(rule.id or 0, to=1, seen=2)
    assert (back.version, back.expression) == (3, "pothole")
    assert book.versions()[-1] == (3, "pothole", "Maria")
    assert ("rule rolled back", "Maria", {"rule": rule.id, "version": 3, "to": 1}) in book.audit()
    assert book.edition() > before, "the workers are told"


def test_a_rule_that_changed_meanwhile_is_not_rolled_back(book: Book) -> None:
    rule = book.save("pothole")
    book.save("crater", rule.id, 1)
    book.save("hole", rule.id, 2)
    with pytest.raises(AlreadyDecidedError, match="Dana saved version 3"):
        book.roll_back(rule.id or 0, to=1, seen=2)
    assert len(book.versions()) == 3


def test_there_is_nothing_to_roll_back_to_the_same_wording(book: Book) -> None:
    rule = book.save("pothole")
    with pytest.raises(ValueError, match="nothing to roll back"):
        book.roll_back(rule.id or 0, to=1, seen=1)
    with pytest.raises(LookupError, match="no version 9"):
        book.roll_back(rule.id or 0, to=9, seen=1)
    assert [what for what, _, _ in book.audit()] == ["rule saved"]


def test_an_earlier_wording_that_would_be_refused_today_stays_earlier(book: Book) -> None:
    with book.database.writing() as session:
        rule = a_rule(session, expression=PERSON)
        broken = a_rule(session, expression="(pothole")
        for one in (rule, broken):
            catalogue.change_rule(session, one.id or 0, 1, "Dana", expression="pothole")
    with pytest.raises(RuleError, match="follows a person"):
        book.roll_back(rule.id or 0, to=1, seen=2)
    with pytest.raises(RuleError):
        book.roll_back(broken.id or 0, to=1, seen=2)
    assert book.roll_back(rule.id or 0, to=1, seen=2, override="because").expression == PERSON


# -- switching ---------------------------------------------------------------------------------------------------------


def test_many_rules_go_off_in_one_commit_and_one_line_of_the_audit(book: Book) -> None:
    ids = [book.save(f"pothole {n}", name=f"holes {n}").id or 0 for n in range(3)]
    already = book.save("crater", name="craters").id or 0
    book.switch([already], False)
    before = len(book.audit())
    edition = book.edition()
    assert book.switch([*ids, already], False) == ids
    assert book.audit()[before:] == [("rules switched", "Dana", {"switched": ids, "active": False})]
    assert book.edition() == edition + 1
    assert not any(rule.active for rule in book.rows(select(Rule)))
    assert book.switch(ids, False) == []
    assert len(book.audit()) == before + 1
    assert book.switch([ids[0]], True) == [ids[0]]


def test_saving_writes_down_what_went_on_or_off_by_it(book: Book) -> None:
    rule = book.save("pothole")
    with book.database.writing() as session:
        catalogue.change_rule(session, rule.id or 0, None, "Dana", active=True)
        catalogue.change_rule(session, rule.id or 0, None, "Dana", active=False)
    assert [detail.get("switched") for _, _, detail in book.audit()] == [None, None, [rule.id]]


def test_a_forbidden_rule_does_not_go_on_and_takes_no_other_with_it(book: Book) -> None:
    with book.database.writing() as session:
        sound = a_rule(session, active=False).id or 0
        person = a_rule(session, name="a person", expression=PERSON, active=False).id or 0
        on = a_rule(session, expression=PERSON).id or 0
    with pytest.raises(RuleError, match="^a person: .*follows a person"):
        book.switch([sound, person], True)
    assert [rule.active for rule in book.rows(select(Rule).order_by(Rule.id))] == [False, False, True]  # type: ignore[arg-type]
    assert book.switch([sound, on], True) == [sound], "one that is on is not judged anew"
    assert book.switch([person], True, override="because") == [person]
    book.switch([person, on], False)
    assert book.switch([person], True) == [person], "its wording was allowed once"
    with pytest.raises(RuleError):
        book.switch([on], True)


def test_a_rule_that_cannot_be_read_does_not_go_on(book: Book) -> None:
    with book.database.writing() as session:
        broken = a_rule(session, name="broken one", expression="(pothole", active=False).id or 0
    with pytest.raises(RuleError, match="^broken one: "):
        book.switch([broken], True)


# -- comparing ---------------------------------------------------------------------------------------------------------


def test_two_wordings_are_compared_by_their_words() -> None:
    pieces = compared('pothole "pot hole" -golf', 'crater "pot hole" -golf -song')
    assert [(piece.change, piece.text) for piece in pieces] == [
        (Change.GONE, "pothole"), (Change.NEW, "crater"), (Change.SAME, ' "pot hole" -golf'), (Change.NEW, " -song"),
    ]  # fmt: skip
    assert [piece.text for piece in compared('"a b"', '"a c"') if piece.change is Change.NEW] == ['"a c"']


@given(st.text('ab "()-~1\\\n', max_size=30), st.text('ab "()-~1\\\n', max_size=30))
def test_both_wordings_can_be_read_from_the_comparison(old: str, new: str) -> None:
    pieces = compared(old, new)
    assert "".join(piece.text for piece in pieces if piece.change is not Change.NEW) == old
    assert "".join(piece.text for piece in pieces if piece.change is not Change.GONE) == new
    assert all(piece.text for piece in pieces)


def test_two_rules_of_one_name_are_not_taken_for_each_other(book: Book) -> None:
    first, other = book.save("pothole"), book.save("crater", name="craters")
    for wanted in ("holes", " HOLES "):
        with pytest.raises(ValueError, match="There is a rule “holes” already"):
            book.save("sinkhole", name=wanted)
    with pytest.raises(ValueError, match="already"):
        book.save("crater", name="holes", rule_id=other.id, seen=1)
    book.save("pothole OR sinkhole", name="Holes", rule_id=first.id, seen=1)
    with pytest.raises(ValueError, match="holds 120 characters, this one has 121"):
        book.save("sinkhole", name="n" * 121)
