"""The benchmarks run and say what they measured; how fast is not a test's business."""

from __future__ import annotations

import json
import random

import pytest

from connector import bench, rules
from connector.bench import _posts
from connector.sources.x.payload import decode


def test_the_corpus_is_the_same_each_time_and_as_large_as_told() -> None:
    state = random.getstate()
    lines = list(_posts.posts(50, 0.5))
    assert lines == list(_posts.posts(50, 0.5))
    assert random.getstate() == state
    assert 1000 <= sum(map(len, lines)) / 50 <= 2000
    assert len({post.source_id for line in lines for post in decode(line)}) == 50


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_share_of_the_posts_matches(share: float) -> None:
    texts = _posts.rule_texts()
    assert len(texts) == 100
    assert not any(rules.check(text) for text in texts)
    compiled = rules.compile((n, 1, text) for n, text in enumerate(texts))
    met = compiled.match([post for line in _posts.posts(300, share) for post in decode(line)], "stream")
    assert abs(sum(bool(found) for found in met) / 300 - share) < 0.07


def test_more_rules_are_valid_and_different() -> None:
    texts = _posts.rule_texts(200)
    assert len(set(texts)) == 200
    assert texts[:100] == _posts.rule_texts()
    assert not any(rules.check(text) for text in texts)


def test_ingest_compares_the_same_rows() -> None:
    told = bench.ingest(1, count=60, turns=1, burst=60)
    assert told["matched"] == told["rows"]["post"] == told["rows"]["suspect_post"] == 60
    assert 50 < told["rows"]["suspect"] <= 60
    assert told["rows"]["near_key"] >= told["rows"]["suspect"]
    assert told["rows"]["match"] >= 60
    assert told["ratio"] > 0
    assert 20 < told["worker_peak_mb"] < 1000
    assert json.dumps(told)


_TABLES = ("post", "match", "suspect", "suspect_post", "near_key")


def test_ingest_without_a_match_writes_nothing() -> None:
    assert bench.ingest(0, rules=200, count=60, turns=1, burst=0)["rows"] == dict.fromkeys(_TABLES, 0)


def test_queue_shows_its_plans_and_none_sorts_or_scans() -> None:
    told = bench.queue(small=60, large=600, turns=1)
    assert told["waiting"] == [60, 600]
    assert told["ratio"] > 0
    assert {"first_page", "second_page", "of_a_type", "of_a_district"} <= told["plans"].keys()
    steps = [step for plans in told["plans"].values() for plan in plans for step in plan.split(" | ")]
    assert not [step for step in steps if "TEMP B-TREE" in step or step.startswith("SCAN suspect")]
    assert any("ix_suspect_queue" in step for step in steps)
    assert any("ix_suspect_mine" in step for step in steps)


def test_dispatch_sends_all_of_them() -> None:
    told = bench.dispatch(count=5, turns=1)
    assert told["dispatches"] == 5
    assert told["ratio"] > 0
    assert told["floor_a_second"] > 0


def test_backtest_meets_the_posts_of_its_rule() -> None:
    told = bench.backtest(count=1200, turns=1)
    assert told["posts"] == 1200
    assert 0 < told["met"] < 120
    assert told["ratio"] > 0
    assert told["seconds_a_million"] > told["floor_seconds_a_million"] > 0


def test_near_searches_by_keys_alone() -> None:
    told = bench.near(stored=300, asked=5, together=5)
    assert told["key_rows"] > 300 * 4
    assert told["ms_a_post_p50"] > 0
    assert any("SEARCH n USING PRIMARY KEY (key=? AND at>? AND at<?)" in plan for plan in told["plans"])
    assert not [plan for plan in told["plans"] if "SCAN n" in plan or "SCAN p" in plan or "SCAN s" in plan]


def test_every_benchmark_has_its_name() -> None:
    assert bench.ALL.keys() == {"match", "ingest", "queue", "dispatch", "backtest", "near"}
