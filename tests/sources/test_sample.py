"""The sample source: posts of a file as if they came now. What it ships is looked at in `test_demo_data.py`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector import config as settings
from connector import sources
from connector.errors import ConfigError
from connector.incoming import Arrived, Batch, Incoming, Kind
from connector.models import now


def a_line(id: str, **fields: Any) -> str:
    return json.dumps({"id": id, "author": "a1", "text": f"pothole {id}", **fields})


def a_source(folder: Path, *lines: str, every: float = 1) -> sources.Source:
    (folder / "posts.jsonl").write_text("\n".join(lines))
    (folder / "authors.json").write_text(json.dumps({"a1": {"handle": "ann_example", "name": "Ann"}}))
    table = {"kind": "sample", "file": str(folder / "posts.jsonl"), "authors": str(folder / "authors.json")}
    config = settings.demo_city()
    config = config.model_copy(update={"demo": config.demo.model_copy(update={"every": every})})
    return sources.load("sample", settings.Adapter.model_validate(table), config)


def post_of(batch: Batch) -> Incoming:
    (event,) = batch.events
    assert isinstance(event, Arrived)
    return event.post


def test_burst_is_dated_back_and_ends_with_the_cursor_of_the_first_round(tmp_path: Path) -> None:
    burst = next(a_source(tmp_path, *(a_line(str(n)) for n in range(50))).events("", lambda _: True))
    posted = [event.post.detail.posted_at for event in burst.events if isinstance(event, Arrived)]
    assert burst.cursor == "1:0"
    assert len(posted) == 50
    assert all(at is not None and at < now() for at in posted)
    assert posted == sorted(posted, key=lambda at: at or now())


def test_then_one_post_at_a_time_in_the_pace_of_the_demo(tmp_path: Path) -> None:
    waits: list[float] = []
    events = a_source(tmp_path, a_line("1"), a_line("2"), every=4).events("1:0", lambda s: bool(waits.append(s)))
    batches = [next(events) for _ in range(3)]
    assert waits == [4, 4, 4]
    assert [batch.cursor for batch in batches] == ["1:1", "1:2", "2:1"]


def test_post_carries_what_its_line_says(tmp_path: Path) -> None:
    line = a_line(
        "2", kind="reply", reply_to="1", lang="es", media=["photo"], geo=[-122.5, 45.5],
        text="@portalder (#bache) mira https://example.org/a y @Bob_B!",
    )  # fmt: skip
    events = a_source(tmp_path, a_line("1"), line).events("1:0", lambda _: False)
    post = next(p for p in (post_of(next(events)) for _ in range(2)) if p.source_id == "1-2")
    detail = post.detail
    assert (post.lang, detail.kind, detail.lat, detail.lon) == ("es", Kind.REPLY, 45.5, -122.5)
    assert (detail.author and detail.author.handle, detail.mentioned) == ("ann_example", ["portalder", "Bob_B"])
    assert (detail.hashtags, detail.urls) == (["bache"], ["https://example.org/a"])
    assert [(r.kind, r.source_id) for r in detail.references] == [(Kind.REPLY, "1-1")]
    assert [medium.kind for medium in detail.media] == ["photo"]


def test_broken_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"posts\.jsonl, line 2: "):
        next(a_source(tmp_path, a_line("1"), "{").events("", lambda _: False))
