"""The source of what people add by hand: it brings nothing by itself, and makes a post of what was pasted."""

from __future__ import annotations

import pytest

from connector import config, sources
from connector.incoming import Batch
from connector.models import now
from connector.sources import Source, manual


@pytest.fixture
def source() -> Source:
    adapter = config.Adapter(kind="manual")
    return sources.load("by-hand", adapter, config.Config(city=config.City(name="Port Alder")))


def test_it_is_well_and_brings_nothing(source: Source) -> None:
    waits: list[float] = []

    def stopping(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) > 3

    assert list(source.events("", stopping)) == [Batch([], "")] * 3
    assert max(waits) <= 20


def test_it_says_what_it_is_for(source: Source) -> None:
    can = source.capabilities
    assert can == sources.capabilities("manual")
    assert can.reads == "posts that staff add by hand: Nextdoor, a private group, a phone call"
    assert can.answers.startswith("no")
    assert can.terms
    assert source.test() == "There is nothing to connect to"


def test_a_post_says_of_itself_what_its_text_says() -> None:
    at = now()
    post = manual.post(" hole on #elmst, ask @ann_x: https://example.org/a.\0 ", " https://example.org/7 ", at)
    detail = post.detail
    assert post.text == "hole on #elmst, ask @ann_x: https://example.org/a."
    assert (detail.hashtags, detail.mentioned, detail.urls) == (["elmst"], ["ann_x"], ["https://example.org/a"])
    assert (detail.link, detail.posted_at, detail.author) == ("https://example.org/7", at, None)


def test_the_same_text_with_the_same_link_is_the_same_post() -> None:
    one = manual.post("a hole\non Elm", "", now()).source_id
    assert manual.post("  a hole on  Elm ", " ", now()).source_id == one
    assert manual.post("a hole on Elm", "https://example.org/7", now()).source_id != one
    assert manual.post("a hole on Oak", "", now()).source_id != one


@pytest.mark.parametrize(
    ("text", "link", "why"),
    [(" \n\0", "", "There is no text yet"), ("a hole", "example.org", "https://"), ("a", "javascript:x", "https://")],
)
def test_what_is_wrong_is_said(text: str, link: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        manual.post(text, link, now())
