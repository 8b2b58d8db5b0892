"""The list of people: changes are kept together or not at all, and somebody is always left who can change it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlmodel import select

from connector import people
from connector.config import Config
from connector.errors import AlreadyDecidedError
from connector.models import AuditEntry, User
from connector.people import DEFAULTS, PersonChange
from connector.store import Database
from tests.builders import a_login, added

ADA, BO = "ada@testville.example", "bo@testville.example"


class Staff:
    """The list with its verbs; Ada is the administrator."""

    def __init__(self, database: Database, config: Config) -> None:
        self.database = database
        self.config = config.model_copy(update={"login": a_login()})
        with database.writing() as session:
            added(session, User(login=ADA, role="administrator"))
            added(session, User(login=BO, name="Bo", role="reviewer", team="Streets"))

    def change(self, login: str, **values: Any) -> PersonChange:
        with self.database.reading() as session:
            person = next(person for person in people.listed(session) if person.login == login)
        return PersonChange(login, {**person.shown, **values}, person.shown)

    def save(self, *changes: PersonChange) -> None:
        people.save(self.database, self.config, changes, ADA)

    def rows(self) -> dict[str, tuple[str, bool]]:
        with self.database.reading() as session:
            return {row.login: (row.role, row.active) for row in session.exec(select(User))}

    def audit(self) -> list[Any]:
        with self.database.reading() as session:
            return [entry.detail for entry in session.exec(select(AuditEntry)) if entry.by == ADA]


@pytest.fixture
def staff(database: Database, config: Config) -> Staff:
    return Staff(database, config)


def new(login: str, **values: Any) -> PersonChange:
    return PersonChange(login, DEFAULTS | values)


def test_people_are_added_and_changed_and_it_is_written_down(staff: Staff) -> None:
    staff.save(new(" Cy@Testville.example", role="analyst"), staff.change(BO, role="rule_editor", active=False))
    assert staff.rows() == {
        ADA: ("administrator", True), BO: ("rule_editor", False), "cy@testville.example": ("analyst", True),
    }  # fmt: skip
    assert staff.audit() == [
        {"login": "cy@testville.example", "from": {"role": None}, "to": {"role": "analyst"}},
        {"login": BO, "from": {"role": "reviewer", "active": True}, "to": {"role": "rule_editor", "active": False}},
    ]


def test_a_change_reads_as_a_sentence(staff: Staff) -> None:
    change = staff.change(BO, role="rule_editor", team="", active=False)
    assert change.in_words() == f"{BO}: role reviewer → rule editor, team Streets → –, switched off"
    assert new("cy", role="analyst").in_words() == "cy: new, analyst"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (new(""), "needs a login"), (new("BO@testville.example"), "in the list already"),
        (new("cy", role="boss"), "no role boss"), (new("not a login!!"), "holds no spaces"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_with_everything_beside_it(
    change: PersonChange, says: str, staff: Staff
) -> None:
    with pytest.raises(ValueError, match=says):
        staff.save(staff.change(BO, role="analyst"), change)
    assert staff.rows() == {ADA: ("administrator", True), BO: ("reviewer", True)}
    assert staff.audit() == []


def test_the_same_new_person_twice_is_refused(staff: Staff) -> None:
    with pytest.raises(ValueError, match="twice"):
        staff.save(new("cy@x.example"), new("CY@x.example"))


@pytest.mark.parametrize("values", [{"role": "reviewer"}, {"role": ""}, {"active": False}])
def test_the_last_administrator_stays_one(values: dict[str, Any], staff: Staff) -> None:
    with pytest.raises(ValueError, match="Nobody would be an administrator"):
        staff.save(staff.change(ADA, **values))
    assert staff.rows()[ADA] == ("administrator", True)
    staff.save(staff.change(ADA, **values), staff.change(BO, role="administrator"))
    assert staff.rows()[ADA] != ("administrator", True)


def test_two_administrators_cannot_take_each_others_role_at_the_same_moment(staff: Staff) -> None:
    staff.save(staff.change(BO, role="administrator"))
    changes = [staff.change(ADA, role="analyst"), staff.change(BO, role="analyst")]
    failures: list[Exception] = []

    def save(change: PersonChange) -> None:
        try:
            staff.save(change)
        except ValueError as error:
            failures.append(error)

    both = [threading.Thread(target=save, args=(change,)) for change in changes]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(failures) == 1
    assert sorted(role for role, _ in staff.rows().values()) == ["administrator", "analyst"]


def test_the_slower_of_two_changes_is_told(staff: Staff) -> None:
    slow = staff.change(BO, team="Lights")
    staff.save(staff.change(BO, role="analyst"))
    with pytest.raises(AlreadyDecidedError, match=BO):
        staff.save(slow)


def test_what_the_settings_or_the_provider_tell_is_not_changed_here(staff: Staff) -> None:
    staff.config = staff.config.model_copy(update={"login": a_login(administrators=[ADA])})
    with pytest.raises(ValueError, match="settings name them"):
        staff.save(staff.change(ADA, role="reviewer"))
    claim = a_login(role_claim="groups", roles={"desk": "reviewer"}, administrators=[ADA])
    staff.config = staff.config.model_copy(update={"login": claim})
    with pytest.raises(ValueError, match="claim groups"):
        staff.save(staff.change(BO, role="analyst"))
    staff.save(staff.change(BO, active=False, team="Lights"), new("cy@x.example", name="Cy"))
    assert staff.rows()[BO] == ("reviewer", False)


def test_without_a_login_the_list_can_be_made_ready(staff: Staff) -> None:
    staff.config = staff.config.model_copy(update={"login": None})
    staff.save(staff.change(ADA, role="analyst"))
    assert staff.rows()[ADA] == ("analyst", True)
