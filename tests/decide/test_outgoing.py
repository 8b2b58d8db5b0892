"""What leaves for the CRM holds nothing personal unless the reviewer wrote it, and always the place."""

from __future__ import annotations

import secrets

import pytest
from sqlmodel import select

from connector import workflow
from connector.config import Config
from connector.models import Dispatch
from connector.store import Database
from tests.builders import a_dispatch, a_suspect

POST = "Pothole at 214 Birch Street. I live at 12 Oak St, call 206-555-0142 or ann@example.org"


def sent(database: Database, config: Config, text: str | None = None, post: str = POST, words: str = "") -> str:
    with database.writing() as session:
        suspect_id = a_suspect(session, post, place_words=words).id or 0
    workflow.accept(database, config, suspect_id, "dana", text=text)
    with database.reading() as session:
        content = session.exec(select(Dispatch.content).where(Dispatch.suspect_id == suspect_id)).one()
    return str((content or {})["text"])


def test_what_is_personal_stays_here(database: Database, config: Config) -> None:
    assert sent(database, config) == (
        "Pothole at 214 Birch Street. I live at [home address], call [phone number] or [e-mail address]"
    )


def test_what_the_reviewer_wrote_leaves_as_written(database: Database, config: Config) -> None:
    assert sent(database, config, "Call her at 206-555-0142") == "Call her at 206-555-0142"


def test_a_handle_that_the_reviewer_copied_from_the_card_stays_here(database: Database, config: Config) -> None:
    typed = "Ask @ann_example, see https://x.com/bob_example/status/1, tell @testville or crew@city.example"
    told = "Ask @…, see https://x.com/…/status/1, tell @testville or crew@city.example"
    assert sent(database, config, typed) == told


def test_the_place_of_the_problem_is_sent_though_somebody_lives_there(database: Database, config: Config) -> None:
    post = "I live at 12 Oak St. Huge pothole."
    assert sent(database, config, post=post, words="12 Oak St") == post


def test_telephone_numbers_are_those_of_the_citys_country(database: Database, config: Config) -> None:
    french = config.model_copy(update={"city": config.city.model_copy(update={"country": "FR"})})
    assert sent(database, french, post="Nid-de-poule, 01 42 68 53 00") == "Nid-de-poule, [phone number]"
    assert sent(database, config, post="Nid-de-poule, 01 42 68 53 00") == "Nid-de-poule, 01 42 68 53 00"


# -- references ----------------------------------------------------------------------------------------------------


def draws(monkeypatch: pytest.MonkeyPatch, letters: str) -> None:
    """Chance brings these, and then what it likes."""
    told, chance = iter(letters), secrets.choice
    monkeypatch.setattr(secrets, "choice", lambda among: next(told, None) or chance(among))


def test_a_reference_that_is_taken_is_drawn_again(
    database: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        a_dispatch(session, reference="SC-AAAAAA")
        suspect_id = a_suspect(session).id or 0
    draws(monkeypatch, "AAAAAAAAAAAABCDEFG")
    assert workflow.accept(database, config, suspect_id, "dana") == "SC-BCDEFG"


def test_many_that_are_accepted_in_one_commit_never_share_a_reference(
    database: Database, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.writing() as session:
        suspects = [a_suspect(session).id or 0 for _ in range(3)]
    draws(monkeypatch, "AAAAAAAAAAAABBBBBBBBBBBBCCCCCC")
    assert workflow.bulk(database, config, suspects, "accept", "dana").done == 3
    with database.reading() as session:
        assert sorted(session.exec(select(Dispatch.reference))) == ["SC-AAAAAA", "SC-BBBBBB", "SC-CCCCCC"]
