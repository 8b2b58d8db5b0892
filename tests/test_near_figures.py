"""The figures of the near-duplicates: counted right, from made pairs and from the shipped labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from connector import near_figures
from connector.__main__ import app
from connector.config import DATA
from connector.errors import ConfigError
from connector.share import Share
from tests.conftest import SHARED

HOLE = "Huge pothole in front of the bakery swallowed my front wheel"
TEXTS = {
    "hole": HOLE, "copy": f"{HOLE}!", "again": f"rt {HOLE}", "swings": "The swings in the park are rusty and squeak",
    "patch": "The asphalt was patched badly, it is all bumps",
}  # fmt: skip


def pair(a: str, b: str, first: int, second: int, same: int, **values: Any) -> dict[str, Any]:
    given = {"a": a, "b": b, "set": "candidate", "metres": 12.0, "hours": 300.0}
    return given | {"first": first, "second": second, "same": same} | values


PAIRS = (
    pair("hole", "copy", 1, 1, 1),
    pair("hole", "again", 1, 1, 0, metres=40.0),  # the copy was meant of another hole
    pair("hole", "patch", 1, 0, 1),
    pair("hole", "swings", 0, 0, 0, metres=None, set="random"),
)


def written(file: Path, *lines: dict[str, Any]) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Posts, pairs and labels: two of the texts stand with their pair alone."""
    alone = {"a": "hole", "b": "copy", "text_a": TEXTS["hole"], "text_b": TEXTS["copy"], "label": "pothole"}
    posts = [
        {"id": id_, "text": text, "label": "pothole"} for id_, text in TEXTS.items() if id_ not in ("hole", "copy")
    ]
    return (
        written(tmp_path / "posts.jsonl", *posts),
        written(tmp_path / "pairs.jsonl", alone),
        written(tmp_path / "labels.jsonl", *PAIRS),
    )


def test_precision_is_of_what_would_join_and_recall_of_what_is_the_same(files: tuple[Path, Path, Path]) -> None:
    measured = near_figures.measure(*files)
    of = {figures.name: figures for figures in measured.figures}
    assert (of["all"].pairs, of["all"].precision, of["all"].recall) == (4, Share(1, 2), Share(1, 2))
    assert (of["candidate"].pairs, of["random"].pairs) == (3, 1)
    assert of["random"].precision == Share(0, 0)
    assert of["held out"].pairs + of["the other half"].pairs == 4
    assert (measured.largest, measured.widest) == (2, 40.0), "a post joins the first, not one that joined"


def test_two_people_agree_beyond_chance_or_not(files: tuple[Path, Path, Path]) -> None:
    measured = near_figures.measure(*files)
    assert measured.agreement == Share(3, 4)
    assert measured.kappa == pytest.approx(0.5)  # 3/4 seen, 3/4 · 1/2 + 1/4 · 1/2 = 1/2 by chance


def test_a_text_that_stands_nowhere_and_a_line_that_is_none_are_named(files: tuple[Path, Path, Path]) -> None:
    posts, pairs, labels = files
    with pytest.raises(ConfigError, match="3 posts of the labelled pairs are in neither"):
        near_figures.measure(written(posts), pairs, labels)
    pairs.write_text('{"a": 1}\n')
    with pytest.raises(ConfigError, match="line 1"):
        near_figures.measure(posts, pairs, labels)
    with pytest.raises(ConfigError, match="cannot be read"):
        near_figures.measure(posts, pairs.with_name("nowhere"), labels)


def test_the_shipped_labels_are_those_that_were_agreed_on() -> None:
    found = [near_figures.Pair(**json.loads(line)) for line in near_figures.LABELS.read_text("utf-8").splitlines()]
    sets = [pair.set for pair in found]
    assert (len(found), sets.count("candidate"), sets.count("random")) == (608, 408, 200)
    assert all({pair.first, pair.second, pair.same} <= {0, 1} for pair in found)
    assert all(pair.same == pair.first for pair in found if pair.first == pair.second), "settled where they disagree"
    assert sum(pair.held_out for pair in found) == 303
    assert all("text" not in json.loads(line) for line in near_figures.LABELS.read_text("utf-8").splitlines())


def test_what_the_readme_says_of_them_is_what_the_command_prints() -> None:
    folder = SHARED / "data" / "posts"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: the posts are not ours to keep")
    files = ["--posts", str(folder / "civic_dev.jsonl"), "--pairs", str(folder / "duplicate_pairs_dev.jsonl")]
    done = CliRunner().invoke(app, ["figures", "duplicates", *files, "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    held = next(one for one in told["sets"] if one["set"] == "held out")
    (line,) = [
        line for line in (DATA.parent / "README.md").read_text("utf-8").splitlines() if "near-duplicates:" in line
    ]

    def said(share: dict[str, Any]) -> str:
        return " ".join([f"{share['value']:.2f}", f"({share['low']:.2f}–{share['high']:.2f})"]).replace("0.", ".")

    assert f"precision {said(held['precision'])}, recall {said(held['recall'])}" in line
    assert f"widest {told['widest_metres']:.0f} m" in line
    assert (
        f"{told['agreement']['value']:.0%} alike, kappa {told['kappa']:.2f}".replace("0.", ".").replace("%", " %")
        in line
    )
