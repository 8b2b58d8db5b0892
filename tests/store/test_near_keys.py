"""What is stored of near-duplicates: keys go when they are too old to be asked for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import select

from connector.models import NearKey, now
from connector.store import Database, near
from tests import builders

EDGES = [-(2**63), 2**63 - 1, -1, 0, 1, 2**54 - 1, 2**54, 123_456_789_012_345]


def test_each_old_key_goes_with_one_of_the_slices_and_no_younger_one(database: Database) -> None:
    old, young = (int((now() - near.KEPT + timedelta(days=days)).timestamp()) for days in (-1, 1))
    rows = [(key, at, suspect) for suspect, key in enumerate(EDGES, 1) for at in (old, young)]
    with database.writing() as session:
        near.insert_keys(session, rows)
    for slice_ in range(near.SLICES - 1):
        with database.writing() as session:
            near.forget(session, slice_)
    with database.reading() as session:
        left = {(one.key, one.at) for one in session.exec(select(NearKey))}
    assert left == {(key, young) for key in EDGES} | {(2**63 - 1, old)}, "that of the last slice, whose turn is next"
    with database.writing() as session:
        near.forget(session, 2 * near.SLICES - 1)
        assert {one.at for one in session.exec(select(NearKey))} == {young}


@pytest.mark.parametrize("few", [0, 10_000], ids=["very many", "few"])
def test_the_latest_behind_a_key_are_found_however_many_stand_there(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(near, "_FEW", few)
    crowd = [(7, 1_000 + number, number) for number in range(1, 101)]
    with database.writing() as session:
        near.insert_keys(session, [*crowd, (8, 1_050, 3), (9, 5_000, 4), (9, 10, 5)])
    with database.reading() as session:
        found = sorted(map(tuple, near.held(session, [7, 8, 9, 10], 1_000, 1_090)), key=lambda row: (row[0], row[2]))
        assert not list(near.held(session, [], 0, 9_000))
    behind = [suspect for key, suspect, _ in found if key == 7]
    assert behind[-near.AT_MOST :] == list(range(91 - near.AT_MOST + 1, 92)), "one second later is still looked at"
    assert few or len(behind) == near.AT_MOST or not database.is_sqlite
    assert found[len(behind) :] == [(8, 3, 1_050)]


@pytest.mark.parametrize("few", [0, 10_000], ids=["very many", "few"])
def test_the_latest_posts_of_an_author_are_found_however_many_there_are(
    database: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(near, "_FEW", few)
    with database.writing() as session:
        posts = [builders.a_post(session, author_key="once" if number == 20 else "busy") for number in range(40)]
        made = [builders.a_suspect(session, post=post).id for post in posts]
    with database.reading() as session:
        found = sorted(near.of_authors(session, ["busy", "once", "nobody"]), key=lambda row: row[2])
    assert [suspect for author, suspect, _ in found if author == "busy"][-near.AT_MOST :] == made[-near.AT_MOST :]
    assert [suspect for author, suspect, _ in found if author == "once"] == [made[20]]
    assert {author for author, _, _ in found} == {"busy", "once"}
