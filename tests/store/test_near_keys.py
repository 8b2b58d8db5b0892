"""What is stored of near-duplicates: keys go when they are too old to be asked for."""

from __future__ import annotations

from datetime import timedelta

from sqlmodel import select

from connector.models import NearKey, now
from connector.store import Database, near

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
