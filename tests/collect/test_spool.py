"""The spool: batches on disk come back whole and in order, sealed, also after a crash."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connector.collect import spool as spools
from connector.collect.spool import Spool
from connector.errors import ConfigError
from connector.incoming import Arrived, Batch, Deleted, Edited, Event, Incoming, Missed, Refused
from connector.models import GapCause
from connector.sealing import Sealer
from tests.collect.invented import batch, decoded, post

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer([b"k" * 32])


def a_spool(folder: Path, sealer: Sealer) -> Spool:
    return Spool(folder / "spool", "x", sealer, decoded)


def said(given: tuple[Batch, bool] | Batch | None) -> object:
    assert given
    found = given if isinstance(given, Batch) else given[0]
    return found.cursor, found.surface, [_plain(event) for event in found.events]


def _plain(event: Event) -> object:
    if isinstance(event, Arrived | Edited):
        return type(event), event.post.source_id, event.post.text, event.post.raw, event.post.detail
    return event


def drained(spool: Spool) -> list[object]:
    out = []
    while found := spool.next():
        out.append(said(found))
        spool.stored()
    return out


def test_every_kind_of_event_comes_back(tmp_path: Path, sealer: Sealer) -> None:
    events = [
        Arrived(post("1")), Edited(post("2")), Deleted("3"), Refused("not JSON"),
        Missed(AT, AT, "slow", GapCause.BACK_PRESSURE, lost=True),
    ]  # fmt: skip
    whole = Batch(events, "c1", "search")
    spool = a_spool(tmp_path, sealer)
    spool.append(whole)
    assert said(spool.next()) == said(whole)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(actions=st.lists(st.sampled_from(["append", "take", "crash"]), max_size=40))
def test_nothing_is_skipped_or_changes_places_whatever_happens(
    actions: list[str], tmp_path_factory: pytest.TempPathFactory, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spools, "_FILE", 500)  # a file holds one or two batches
    folder = tmp_path_factory.mktemp("s")
    spool, waiting, number = a_spool(folder, sealer), list[str](), 0
    for action in actions:
        if action == "append":
            number += 1
            spool.append(batch(str(number)))
            waiting.append(str(number))
        elif action == "take":
            found = spool.next()
            assert (found[0].cursor if found else None) == (waiting[0] if waiting else None)
            if found:
                spool.stored()
                waiting.pop(0)
        else:
            spool = a_spool(folder, sealer)
            left = [found.cursor for found in _all(folder, sealer)]
            assert left[len(left) - len(waiting) :] == waiting  # what was stored may come again, before the rest
            waiting = left
        assert len(spool) == len(waiting)
    assert spool.last_cursor == (waiting[-1] if waiting else "")


def _all(folder: Path, sealer: Sealer) -> list[Batch]:
    """What a reader would find, without taking it."""
    looker, out = a_spool(folder, sealer), []
    files = sorted((folder / "spool").glob("*.spool"))
    for file in files:
        for sealed in spools._records(file):
            out.append(looker._unpacked(sealer.unseal_bytes(sealed, "spool", "x"))[0])
    return out


def test_the_first_one_after_a_failure_is_still_known_as_such(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    spool.append(batch("1"), first=True)
    spool.append(batch("2"))
    found = []
    while given := spool.next():
        found.append(given[1])
        spool.stored()
    assert found == [True, False]


def test_what_is_stored_leaves_the_disk(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    for number in range(3):
        spool.append(batch(str(number)))
    assert len(drained(spool)) == 3
    assert list((tmp_path / "spool").iterdir()) == []
    spool.append(batch("again"))
    assert len(drained(spool)) == 1


def test_nothing_on_disk_can_be_read_without_the_key(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    spool.append(Batch([Arrived(post("1", "a secret pothole of @ann_example"))], "c"))
    (file,) = (tmp_path / "spool").iterdir()
    assert b"secret" not in file.read_bytes()
    assert b"ann_example" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(ConfigError, match="CONNECTOR_KEY"):
        a_spool(tmp_path, Sealer([b"o" * 32])).next()


def test_a_record_that_was_half_written_never_came(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    spool.append(batch("1"))
    spool.append(batch("2"))
    (file,) = (tmp_path / "spool").iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    again = a_spool(tmp_path, sealer)
    assert again.last_cursor == "1"
    again.append(batch("3"))
    assert [found[0] for found in drained(again)] == ["1", "3"]  # type: ignore[index]


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes; the kernel writes what still fits, and then refuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_a_full_disk_refused_leaves_the_others_readable(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    spool.append(batch("1"))
    (file,) = (tmp_path / "spool").iterdir()
    whole = file.stat().st_size
    with full_disk(whole + 10), pytest.raises(OSError, match="File too large"):
        spool.append(batch("2"))
    assert (len(spool), file.stat().st_size) == (1, whole)
    spool.append(batch("3"))
    assert spool.last_cursor == "3"
    assert [found[0] for found in drained(spool)] == ["1", "3"]  # type: ignore[index]
    assert spool.next() is None


def test_a_piece_that_could_not_be_cut_off_has_nothing_written_behind_it(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    spool.append(batch("1"))
    (file,) = (tmp_path / "spool").iterdir()
    with file.open("ab") as out:
        out.write(b"\x00\x00\x01\x00half")
    spool.append(batch("2"))
    spool.append(batch("3"))
    assert [found[0] for found in drained(spool)] == ["1", "2", "3"]  # type: ignore[index]
    assert list((tmp_path / "spool").iterdir()) == []


def test_a_spool_whose_records_were_cut_off_meanwhile_is_empty_and_goes_on(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    spool.append(batch("1"))
    (file,) = (tmp_path / "spool").iterdir()
    file.write_bytes(file.read_bytes()[:-3])
    assert (spool.next(), len(spool)) == (None, 0)
    spool.append(batch("2"))
    assert [found[0] for found in drained(spool)] == ["2"]  # type: ignore[index]


def test_a_source_without_posts_from_the_disk_is_empty(tmp_path: Path, sealer: Sealer) -> None:
    spool = a_spool(tmp_path, sealer)
    assert (len(spool), spool.next(), spool.last_cursor) == (0, None, "")
    assert isinstance(decoded(post("1").raw), Incoming)
