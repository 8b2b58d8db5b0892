"""Large files are prepared by several processes: the same rows as in one, and clear ends."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from connector import ingest as reading
from connector import pool, store
from connector.bench._posts import posts
from connector.config import Config
from connector.models import Match, Post, RequestType, Rule, Suspect, SuspectPost
from connector.pool import PoolError
from connector.store import Database, catalogue

ROOT = Path(__file__).resolve().parents[1]
RULES = ("pothole", "hydrant OR manhole OR sidewalk", "broken", "(graffiti OR fence) -golf")


class City:
    def __init__(self, folder: Path) -> None:
        values = {"city": {"name": "Testville"}, "database_url": f"sqlite:///{folder / 'test.db'}"}
        self.config = Config.model_validate(values)
        self.database: Database = store.open_database(self.config)
        with self.database.writing() as session:
            for code in ("one", "two"):
                kind = RequestType(code=code, title=code, urgent=code == "two")
                session.add(kind)
                session.flush()
                for expression in RULES[code == "two" :: 2]:
                    rule = Rule(request_type_id=kind.id or 0, name=expression, expression=expression)
                    catalogue.save_rule(session, rule, "test")

    def ingest(self, file: Path) -> dict[str, int]:
        return reading.ingest(self.database, self.config, [file], "x")

    def rows(self) -> dict[str, list[Any]]:
        """All that was stored, but for times of storing and what is sealed with a nonce."""
        with self.database.reading() as session:
            return {
                model.__name__: [
                    row.model_dump(exclude={"received_at", "matched_at", "created_at", "joined_at", "author_sealed"})
                    for row in session.exec(select(model).order_by(*model.__table__.primary_key))
                ]
                for model in (Post, Match, Suspect, SuspectPost)
            }


@pytest.fixture
def city(tmp_path: Path) -> City:
    return City(tmp_path)


def lines(count: int = 2400) -> list[bytes]:
    """Posts of which some come twice, are edited once or twice, or are no JSON."""
    chance = random.Random(7)
    found: list[bytes] = []
    for number, line in enumerate(posts(count, 0.7)):
        found.append(line)
        if number and chance.random() < 0.1:
            found.append(found[chance.randrange(len(found))])
        if chance.random() < 0.1:
            found.append(_edited(chance.choice(found), f"pothole number {number}, really"))
        if chance.random() < 0.005:
            found.append(b'{"data": {"id": "1", "te\n')
    return found


def _edited(line: bytes, text: str) -> bytes:
    try:
        message = json.loads(line)
    except ValueError:
        return line
    data = message["data"]
    data["id"] = str(int(data["id"]) + 10**15)
    data["edit_history_tweet_ids"].append(data["id"])
    data["text"] = text
    return json.dumps(message).encode() + b"\n"


def _with_processes(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(pool, "size", lambda: count)
    monkeypatch.setattr(reading, "BLOCK", 100 * 1300)
    monkeypatch.setattr(reading, "MOST", 1)  # a commit a block


@pytest.mark.long
def test_pool_stores_the_same_rows_as_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"".join(lines()) + b'{"data": {"id": "5"')
    monkeypatch.setattr(reading, "SPANS", 1)  # the same batches: an edit changes the order of ids within one
    found = []
    for count in (0, 3):
        (folder := tmp_path / str(count)).mkdir()
        _with_processes(monkeypatch, count)
        city = City(folder)
        counts, said = city.ingest(file), capsys.readouterr().err
        found.append((counts, city.rows(), said, city.ingest(file)))
        capsys.readouterr()
    alone, together = found
    assert together == alone
    counts, rows, said, again = alone
    assert min(counts.values()) > 0
    assert counts["new"] == len(rows["Post"]) > 400
    assert any(len(post["edits"]) == 2 for post in rows["Post"])
    bad = [number for number, line in enumerate(lines(), 1) if not line.endswith(b"}\n")]
    assert list(map(int, re.findall(r"posts\.jsonl:(\d+):", said))) == (bad + [len(lines()) + 1])[:20]
    assert counts["bad"] == len(bad) + 1
    assert (again["new"], again["updated"], again["matched"]) == (0, 0, counts["matched"])


def test_small_file_needs_no_further_process() -> None:
    assert reading.helpers(1000) == 0


def test_standard_input_gets_its_processes_once_it_is_long(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made = []
    _with_processes(monkeypatch, 2)
    monkeypatch.setattr(reading, "Pool", lambda do, count: made.append(count) or pool.Pool(do, count))
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"".join(posts(2400, 1)))
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert city.ingest(Path("-"))["read"] == 2400
    assert made == [2]


def test_rule_changed_meanwhile_holds_from_the_next_block_on(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _with_processes(monkeypatch, 3)
    file = tmp_path / "posts.jsonl"
    lines = [
        json.dumps({"id": str(n), "text": ("pothole", "crater")[n % 2], "source": "x" * 1200}) for n in range(1, 2001)
    ]
    file.write_text("\n".join(lines))
    stored = reading._Reading.store

    until: list[int] = []

    def then_change(self: Any, together: Any) -> Any:
        taken = stored(self, together)
        spans = together[0][0]
        if (line := file.read_bytes().count(b"\n", 0, spans[0].start) + 1) > 300 and not until:
            until.append(line + file.read_bytes().count(b"\n", spans[0].start, spans[-1].end))
            with city.database.writing() as session:
                _change(session)
        return taken

    monkeypatch.setattr(reading._Reading, "store", then_change)
    assert abs(city.ingest(file)["new"] - 1000) <= 1
    with city.database.reading() as session:
        found = [(int(post.source_id), post.text) for post in session.exec(select(Post))]
    assert {text for id_, text in found if id_ < until[0]} == {"pothole"}
    assert {text for id_, text in found if id_ >= until[0]} == {"crater"}


def test_blocks_with_few_matches_share_a_commit(city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "BLOCK", 300)
    file = tmp_path / "posts.jsonl"
    file.write_text(
        "\n".join(json.dumps({"id": str(n), "text": ("rain", "pothole")[n % 50 == 0]}) for n in range(1, 1601))
    )
    commits: list[int] = []
    stored = reading._Reading.store
    monkeypatch.setattr(
        reading._Reading, "store", lambda self, together: commits.append(len(together)) or stored(self, together)
    )
    told = city.ingest(file)
    assert (told["read"], told["new"]) == (1600, 32)
    assert max(commits) == reading.MOST
    assert len(commits) < sum(commits) / 5


def test_lines_that_meet_no_rule_are_counted_and_looked_at_for_edits_and_faults(city: City, tmp_path: Path) -> None:
    lines = [
        {"data": {"id": "1", "text": "pothole", "edit_history_tweet_ids": ["1"]}},
        {"data": {"id": "2", "text": "it rains", "edit_history_tweet_ids": ["2"]}},
        {"data": {"id": "3", "text": "mended, thank you", "edit_history_tweet_ids": ["1", "3"]}},
        {"data": {"id": "4"}},
        {"data": [{"id": "5", "text": "a page"}, {"id": "6", "text": "of two"}]},
    ]
    file = tmp_path / "posts.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)) + '\n{"data": {"id": "7", "text": "cut')
    told = city.ingest(file)
    assert told == {"read": 5, "bad": 2, "matched": 2, "new": 1, "duplicate": 0, "updated": 1}


def _change(session: Session) -> None:
    rule = session.exec(select(Rule).where(Rule.expression == "pothole")).one()
    catalogue.change_rule(session, rule.id or 0, None, "test", expression="crater")


@pytest.mark.parametrize("large", [0, 10**9], ids=["several processes", "one process"])
def test_where_few_match_spans_are_looked_into_together_and_lines_keep_their_numbers(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, large: int
) -> None:
    _with_processes(monkeypatch, 2)
    monkeypatch.setattr(reading, "BLOCK", 600)
    monkeypatch.setattr(reading, "_LARGE", large)
    file = tmp_path / "posts.jsonl"
    lines = [json.dumps({"id": str(n), "text": ("rain", "pothole")[n % 50 == 0]}) for n in range(1, 1001)]
    bad = range(7, 1000, 49)
    file.write_text("\n".join("{" if n in bad else line for n, line in enumerate(lines, 1)))
    parts: list[int] = []
    named: list[int] = []
    stored = reading._Reading.store
    monkeypatch.setattr(
        reading._Reading,
        "store",
        lambda self, together: parts.extend(len(part) for part, _ in together) or stored(self, together),
    )
    monkeypatch.setattr(reading, "_name", lambda console, file, number, problem, count: named.append(number))
    told = city.ingest(file)
    assert (told["read"], told["new"], told["bad"]) == (1000 - len(bad), 20 - sum(n % 50 == 0 for n in bad), len(bad))
    assert named == list(bad)
    assert (parts[0], max(parts)) == (1, reading.SPANS)


@pytest.mark.parametrize(("each", "together"), [(0, 4), (10, 4), (40, 3), (62, 2), (125, 1), (5000, 1)])
def test_a_part_of_a_file_gives_about_as_many_posts_whatever_share_of_them_match(each: float, together: int) -> None:
    assert reading.spans_together(each) == together


def test_killed_helper_is_an_error_and_a_second_run_makes_it_whole(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _with_processes(monkeypatch, 2)
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"".join(posts(2400, 1)))
    ours, look_into = os.getpid(), reading._Reading._look_into

    def dies(self: Any, part: Any) -> Any:
        if part[0].start > file.stat().st_size * 0.6 and os.getpid() != ours:  # what came before is stored by then
            os.kill(os.getpid(), signal.SIGKILL)
        return look_into(self, part)

    with monkeypatch.context() as patched:
        patched.setattr(reading._Reading, "_look_into", dies)
        with pytest.raises(PoolError, match="-9"):
            city.ingest(file)
    before = len(city.rows()["Post"])
    told = city.ingest(file)
    assert before > 0
    assert (told["read"], told["duplicate"], told["new"] + before) == (2400, before, len(city.rows()["Post"]))


@pytest.mark.parametrize("share", [0.3, 1], ids=["one of many", "the last"])
def test_commit_that_fails_is_an_error_and_a_second_run_makes_it_whole(
    city: City, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, share: float
) -> None:
    _with_processes(monkeypatch, 2)
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"".join(posts(2400, 1)))
    (other := tmp_path / "other").mkdir()
    new = City(other).ingest(file)["new"]
    writing = Database.writing

    @contextmanager
    def fails(self: Database) -> Iterator[Session]:
        with writing(self) as session:
            yield session
            if session.exec(select(func.count(col(Post.id)))).one() >= new * share:
                raise OSError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Database, "writing", fails)
        with pytest.raises(OSError, match="full"):
            city.ingest(file)
    before = len(city.rows()["Post"])
    told = city.ingest(file)
    assert 0 < before < new * share
    assert (told["duplicate"], told["new"], len(city.rows()["Post"])) == (before, new - before, new)


def test_ctrl_c_ends_all_processes(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "CONNECTOR_CONFIG"}
    env |= {"CONNECTOR_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "connector", "ingest", "-"]
    running = subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=tmp_path, env=env, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # tests in the background ignore it
    )  # fmt: skip
    assert running.stdin
    running.stdin.write(b"".join(posts(4000, 0.1)))
    running.stdin.flush()
    made: list[str] = []
    for _ in range(800):  # a busy machine imports for long; until then it is not yet the program that is interrupted
        if made := Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split():
            break
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(30) != 0
    running.stdin.close()
    assert made or (os.cpu_count() or 1) < 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in made)
