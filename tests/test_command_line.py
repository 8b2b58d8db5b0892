"""The command line as other tools call it: the shape of its JSON, its exit codes, and what goes to which stream."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import structlog
import yaml
from typer.testing import CliRunner, Result

from connector import catalogue_file, store
from connector import config as settings
from connector.__main__ import app
from connector.models import now
from connector.store import house
from tests.builders import a_dispatch, a_suspect
from tests.conftest import KEY, SHARED

ROOT = Path(__file__).resolve().parents[1]
CITY = '[city]\nname = "Testville"\n[channels.outbox]\nkind = "outbox"\n[delivery]\nhold = 30\n'
CATALOGUE = """
request_types:
- {code: pothole, title: Pothole, rules: [{name: holes, expression: pothole}]}
"""


def a_line(id: str, text: str = "a pothole") -> bytes:
    post = {"id": id, "text": text, "author_id": "7", "created_at": "2026-03-01T12:00:00.000Z"}
    user = {"id": "7", "username": "ann_example", "name": "Ann"}
    return json.dumps({"data": post, "includes": {"users": [user]}}).encode() + b"\n"


def run(*arguments: str, code: int = 0, stdin: bytes = b"") -> Result:
    done = CliRunner().invoke(app, arguments, input=stdin)
    assert done.exit_code == code, done.output
    return done


def document(*arguments: str, **options: Any) -> Any:
    return json.loads(run(*arguments, **options).stdout)


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city with one rule, in its folder."""
    (tmp_path / "connector.toml").write_text(CITY)
    monkeypatch.chdir(tmp_path)
    database = store.open_database(settings.load())
    with database.writing() as session:
        catalogue_file.import_text(session, CATALOGUE, "test")
    database.close()
    return tmp_path


# -- ingest and match --------------------------------------------------------------------------------------------------


def test_ingest_counts_what_became_of_the_posts(city: Path) -> None:
    (city / "posts.jsonl").write_bytes(a_line("1") + b"nonsense\n" + a_line("2", "hello") + a_line("1"))
    expected = {"read": 3, "bad": 1, "matched": 2, "new": 1, "duplicate": 1, "updated": 0}
    done = run("ingest", "posts.jsonl", "--json")
    assert json.loads(done.stdout) == expected
    assert "posts.jsonl:2: not JSON" in done.stderr
    assert "nonsense" not in done.output
    assert run("ingest", "posts.jsonl").stdout == "3 read, 1 bad, 2 matched, 0 new, 2 duplicate, 0 updated\n"


def test_ingest_reads_several_files_and_standard_input(city: Path) -> None:
    (city / "one.jsonl").write_bytes(a_line("1"))
    assert document("ingest", "one.jsonl", "-", "--json", stdin=a_line("2"))["new"] == 2


def test_ingest_keeps_sources_apart(city: Path) -> None:
    for name in ("x", "archive"):
        assert document("ingest", "-", "--json", "--source", name, stdin=a_line("1"))["new"] == 1
    assert [source["name"] for source in document("status", "--json")["sources"]] == ["archive", "x"]


@pytest.mark.parametrize("file", ["missing.jsonl", "."])
@pytest.mark.parametrize("command", [["ingest"], ["match", "--rules", "rules.jsonl"]])
def test_file_that_is_none_is_wrong_use(command: list[str], file: str, city: Path) -> None:
    (city / "rules.jsonl").write_text("")
    done = run(*command, file, code=2)
    assert (done.stdout, done.stderr) == ("", f"{file} is no file.\n")


def test_match_prints_a_line_for_each_post_that_matches_and_stores_nothing(city: Path) -> None:
    (city / "rules.jsonl").write_text('{"id": "r1", "rule": "pothole"}\n\n{"id": 2, "rule": "a"}\n')
    lines = a_line("1") + a_line("2", "hello") + b"nonsense\n" + a_line("3", "a b")
    done = run("match", "--rules", "rules.jsonl", "-", stdin=lines)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"post_id": "1", "rules": ["r1", 2]},
        {"post_id": "3", "rules": [2]},
    ]
    assert "-:3: not JSON" in done.stderr
    assert document("status", "--json")["posts"] == 0


def test_match_passes_over_lines_without_a_word_of_a_rule_but_names_those_that_break_off(city: Path) -> None:
    (city / "rules.jsonl").write_text('{"id": 1, "rule": "pothole"}\n')
    broken = [b'{"data": {"id": "1", "text": "hello"\n', b'{"data": "pothole" "id"}\n', b"\xff\xfe{\x00\n"]
    lines = [a_line("1", "hello")] * 600 + broken + [a_line("2", "a P\u00f3thole, a POTHOLE")]
    done = run("match", "--rules", "rules.jsonl", "-", stdin=b"".join(lines))
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"post_id": "2", "rules": [1]}]
    assert [line.split(" ")[0] for line in done.stderr.splitlines()] == ["-:601:", "-:602:", "-:603:"]


def test_match_names_a_broken_rule(city: Path) -> None:
    (city / "rules.jsonl").write_text('{"id": 1, "rule": "pothole"}\n{"id": 2, "rule": "("}\n')
    done = run("match", "--rules", "rules.jsonl", "-", code=1)
    assert done.stderr.startswith("rules.jsonl:2: ")
    assert done.stdout == ""


# -- check-rule --------------------------------------------------------------------------------------------------------


def test_valid_rule_is_told_in_its_canonical_form() -> None:
    assert document("check-rule", "pothole  OR   crater", "--json") == {
        "valid": True, "canonical": "pothole OR crater", "problems": [],
    }  # fmt: skip
    assert run("check-rule", "pothole").stdout == "pothole\n"


def test_problem_of_a_rule_is_told_with_position_and_caret() -> None:
    told = document("check-rule", "hole (pothole", "--json", code=2)
    assert (told["valid"], told["canonical"]) == (False, None)
    (problem,) = told["problems"]
    assert set(problem) == {"position", "length", "message", "suggestion"}
    assert problem["position"] == 5
    lines = run("check-rule", "hole (pothole", code=2).stdout.splitlines()
    assert lines[0] == f"Character 6: {problem['message']}"
    rule = lines.index("hole (pothole")
    assert lines[rule + 1].startswith("     ^")


def test_rule_that_a_city_must_not_set_is_refused_with_the_reason(city: Path) -> None:
    told = document("check-rule", "pothole OR from:bob_example", "--json", code=2)
    assert (told["valid"], told["canonical"]) == (True, "pothole OR from:bob_example")
    (problem,) = told["problems"]
    assert (problem["position"], problem["length"], problem["code"]) == (11, 16, "person")
    lines = run("check-rule", "pothole OR from:bob_example", code=2).stdout.splitlines()
    assert lines[1].startswith("Character 12: from:bob_example follows a person")
    assert "           ^^^^^^^^^^^^^^^^" in lines
    (city / "connector.toml").write_text(CITY.replace("[city]\n", '[city]\naccounts = ["Bob_Example"]\n'))
    assert document("check-rule", "pothole OR from:bob_example", "--json")["problems"] == []


def test_surface_says_how_long_a_rule_may_be() -> None:
    long = " OR ".join(["pothole"] * 60)
    assert document("check-rule", long, "--json", "--surface", "stream")["valid"]
    assert not document("check-rule", long, "--json", "--surface", "search", code=2)["valid"]
    assert run("check-rule", "a", "--surface", "radio", code=2).stderr == "--surface is stream, search or local.\n"


# -- backtest ----------------------------------------------------------------------------------------------------------


def test_backtest_lays_a_rule_beside_what_people_decided(city: Path) -> None:
    run("ingest", "-", stdin=a_line("1") + a_line("2", "a pothole song") + a_line("3", "a pothole, again"))
    run("decide", "1", "accept")
    run("decide", "2", "dismiss")
    told = document("backtest", "pothole -song", "--type", "pothole", "--json")
    assert set(told) == {
        "looked_at", "days", "met", "a_day", "new_suspects", "new_suspects_a_day", "judged", "present",
        "newly_caught", "no_longer_caught", "dollars_a_month", "unknown",
    }  # fmt: skip
    assert (told["looked_at"], told["met"], told["new_suspects"]) == (3, 2, 0)
    judged = told["judged"]
    assert (judged["caught"]["ids"], judged["rightly_left"], judged["precision"]["part"]) == ([1], 1, 1)
    assert (told["present"], told["newly_caught"]) == (None, None)
    assert told["dollars_a_month"] == 0.3, "two a day for thirty days, half a cent each"
    words = run("backtest", "pothole").stdout
    assert "1 caught, 0 missed, 1 wrongly caught" in words


def test_backtest_names_the_posts_that_a_rule_would_change(city: Path) -> None:
    run("ingest", "-", stdin=a_line("1") + a_line("2", "a pothole song"))
    told = document("backtest", "song OR crater", "--rule", "1", "--json")
    assert (told["newly_caught"]["ids"], told["no_longer_caught"]["ids"]) == ([], [1])
    assert told["present"]["rightly_left"] == 0


def test_backtest_draws_a_caret_under_what_is_wrong(city: Path) -> None:
    done = run("backtest", "hole (pothole", "--json", code=2)
    assert done.stdout == ""
    rule, carets = done.stderr.splitlines()[1:3] if "Write" not in done.stderr else done.stderr.splitlines()[2:4]
    assert (rule.rstrip(), carets.rstrip("^")) == ("hole (pothole", "     ")


@pytest.mark.parametrize("arguments", [["--type", "flood"], ["--rule", "77"]])
def test_backtest_needs_a_type_and_a_rule_that_exist(arguments: list[str], city: Path) -> None:
    done = run("backtest", "pothole", *arguments, code=1)
    assert (done.stdout, done.stderr.startswith("There is no ")) == ("", True)


# -- suspects, decide, tickets, status ---------------------------------------------------------------------------------


def test_suspect_is_listed_decided_undone_and_its_ticket_shown(city: Path) -> None:
    run("ingest", "-", stdin=a_line("1", "a pothole, says @bob_example"))
    (suspect,) = document("suspects", "--json")
    assert set(suspect) == {"id", "status", "type", "score", "posts", "text", "place", "first_posted_at"}
    assert (suspect["status"], suspect["type"], suspect["posts"]) == ("waiting", "pothole", 1)
    assert (suspect["text"], suspect["first_posted_at"]) == ("a pothole, says @…", "2026-03-01T12:00:00Z")
    reference = run("decide", str(suspect["id"]), "accept", "--by", "Dana").stdout.strip()
    assert document("suspects", "--json") == []
    assert document("suspects", "--json", "--status", "accepted")[0]["id"] == suspect["id"]
    assert document("tickets", "--json") == [
        {
            "suspect_id": suspect["id"], "channel": "outbox", "reference": reference, "status": "queued",
            "number": None, "url": None, "ticket_status": None,
        }
    ]  # fmt: skip
    run("decide", str(suspect["id"]), "undo")
    run("decide", str(suspect["id"]), "dismiss", "--reason", "joke")
    assert document("suspects", "--json", "--status", "all")[0]["status"] == "dismissed"
    assert document("tickets", "--json") == []


def test_all_are_listed_and_no_more_than_asked_for(city: Path) -> None:
    many = 1_100
    run("ingest", "-", stdin=a_line("1") + a_line("2", "another pothole"))
    database = store.open_database(settings.load())
    with database.writing() as session:
        for _ in range(many - 2):
            a_suspect(session, type_code="pothole")
        for _ in range(3):
            a_dispatch(session)
    database.close()
    listed = document("suspects", "--json")
    assert len({suspect["id"] for suspect in listed}) == many
    assert document("suspects", "--json", "--limit", "2") == listed[:2]
    assert len(document("tickets", "--json")) == 3
    assert len(document("tickets", "--json", "--limit", "2")) == 2


def test_decision_that_comes_too_late_is_a_sentence_and_exit_code_1(city: Path) -> None:
    run("ingest", "-", stdin=a_line("1"))
    run("decide", "1", "dismiss", "--by", "Dana")
    done = run("decide", "1", "accept", code=1)
    assert done.stdout == ""
    assert done.stderr.startswith("It was dismissed by Dana, ")
    assert "There is no suspect 77" in run("decide", "77", "accept", code=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [["decide", "1", "destroy"], ["decide", "1", "dismiss", "--reason", "bored"], ["decide", "one", "accept"],
     ["suspects", "--status", "lost"], ["unheard-of"], ["ingest"], ["suspects", "--jason"]],
)  # fmt: skip
def test_wrong_use_is_exit_code_2_and_nothing_on_stdout(arguments: list[str], city: Path) -> None:
    done = run(*arguments, code=2)
    assert done.stdout == ""
    assert done.stderr


def test_status_tells_posts_suspects_dispatches_sources_and_worker(city: Path) -> None:
    empty = {
        "posts": 0,
        "suspects": {},
        "dispatches": {},
        "sources": [],
        "worker": {"alive": False, "heartbeat_at": None},
    }
    assert document("status", "--json") == empty
    run("ingest", "-", stdin=a_line("1") + a_line("2"))
    run("decide", "1", "accept")
    database = store.open_database(settings.load())
    with database.writing() as session:
        house.beat(session, "worker", now())
    database.close()
    told = document("status", "--json")
    assert (told["posts"], told["suspects"], told["dispatches"]) == (2, {"waiting": 1, "accepted": 1}, {"queued": 1})
    (source,) = told["sources"]
    assert (set(source), source["name"], source["gaps"]) == ({"name", "state", "last_post_at", "gaps"}, "x", 0)
    assert told["worker"]["alive"]
    words = run("status").stdout
    assert all(part in words for part in ("2 posts", "1 waiting", "source x: running, 0 open gaps", "worker: alive"))


# -- import, export, and what is wrong with the house ------------------------------------------------------------------


def test_export_is_what_import_takes(city: Path) -> None:
    text = run("export", "-").stdout
    assert yaml.safe_load(text)["request_types"][0]["code"] == "pothole"
    assert run("export", "types.yaml").stdout == ""
    assert (city / "types.yaml").read_text("utf-8") == text
    assert run("import", "types.yaml").stdout == "0 added, 0 changed\n"
    (city / "types.yaml").write_text(text.replace("expression: pothole", "expression: crater"), "utf-8")
    assert run("import", "types.yaml").stdout == "0 added, 1 changed\n"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"request_types: [", "types.yaml is no YAML"), (b"request_types: \xff", "types.yaml is not written in UTF-8")],
)
def test_broken_catalogue_is_a_sentence(content: bytes, sentence: str, city: Path) -> None:
    (city / "types.yaml").write_bytes(content)
    done = run("import", "types.yaml", code=1)
    assert done.stderr.startswith(sentence)
    assert run("import", "missing.yaml", code=2).stdout == ""


def test_configuration_that_is_wrong_is_a_sentence(city: Path) -> None:
    (city / "connector.toml").write_text("[city]\n")
    done = run("status", "--json", code=1)
    assert done.stdout == ""
    assert done.stderr.startswith("`city.name` in ")


def test_only_a_demo_can_be_reset(city: Path) -> None:
    assert "Only the demo can be reset" in run("reset-demo", code=1).stderr


# -- the process -------------------------------------------------------------------------------------------------------


def _process(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CONNECTOR_KEY": KEY}
    return subprocess.run(
        [sys.executable, "-m", "connector", *arguments], cwd=folder, env=environment, timeout=60, **options
    )


@pytest.mark.long
def test_progress_is_shown_on_a_terminal_alone_and_never_on_stdout(city: Path) -> None:
    (city / "posts.jsonl").write_bytes(b"".join(a_line(str(n)) for n in range(1500)))
    quiet = _process(city, "ingest", "posts.jsonl", "--json", capture_output=True)
    assert (quiet.returncode, quiet.stderr) == (0, b"")
    assert json.loads(quiet.stdout)["new"] == 1500
    ours, theirs = pty.openpty()
    shown = _process(city, "ingest", "posts.jsonl", "--json", stdout=subprocess.PIPE, stderr=theirs)
    assert json.loads(shown.stdout)["duplicate"] == 1500
    assert b"posts.jsonl" in os.read(ours, 100_000)
    shown = _process(city, "backtest", "pothole", "--json", stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert json.loads(shown.stdout)["met"] == 1500
    assert b"stored posts" in os.read(ours, 100_000)
    os.close(ours)
    quiet = _process(city, "backtest", "pothole", "--json", capture_output=True)
    assert (quiet.returncode, quiet.stderr) == (0, b"")


def test_logs_go_to_stderr(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from connector import __main__ as command_line

    monkeypatch.setattr(command_line, "app", lambda: structlog.get_logger().info("a line"))
    command_line.main()
    structlog.reset_defaults()
    said = capsys.readouterr()
    assert said.out == ""
    assert "a line" in said.err


RECORDED = SHARED / "data" / "x"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="no recorded files: CONNECTOR_SHARED/data/x is absent")
@pytest.mark.parametrize(("name", "read", "bad"), [("streaming_output_with_error.jsonl", 7, 1), ("flat.jsonl", 100, 0)])
def test_recorded_file_is_counted(name: str, read: int, bad: int, city: Path) -> None:
    counts = document("ingest", str(RECORDED / name), "--json")
    assert (counts["read"], counts["bad"]) == (read, bad)
