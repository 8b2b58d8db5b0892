"""What something pasted may mean: links of every platform, references as they are heard, numbers, our own ids."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector import config as settings
from connector.finding import read, written_at
from connector.sealing import Sealer
from connector.store.history import Pasted

SEALER = Sealer([b"k" * 32])
CITY = settings.Config(
    city=settings.City(name="Testville", accounts=["testville"]),
    sources={
        "toots": settings.Adapter.model_validate({"kind": "mastodon", "server": "https://social.example"}),
        "page": settings.Adapter.model_validate({"kind": "facebook", "page_id": "555000111"}),
    },
    home=Path(),
)
STATUS = "1541815603606036480"
"""Whose time is told where snowflakes are explained (https://en.wikipedia.org/wiki/Snowflake_ID)."""


def meant(text: str) -> Pasted:
    return read(text, CITY, SEALER)


@pytest.mark.parametrize(
    "link",
    [
        f"https://x.com/some_neighbour/status/{STATUS}",
        f"https://twitter.com/some_neighbour/status/{STATUS}?s=20",
        f"http://mobile.twitter.com/some_neighbour/status/{STATUS}/photo/1",
        f"x.com/i/web/status/{STATUS}",
        f"  https://www.x.com/some_neighbour/status/{STATUS}#m\n",
    ],
)
def test_every_spelling_of_a_link_of_x_leads_to_its_id_and_time(link: str) -> None:
    found = meant(link)
    assert (found.kind, found.ids) == ("x", (STATUS,))
    assert found.written_at == datetime(2022, 6, 28, 16, 7, 40, 105000, tzinfo=UTC)


def test_a_link_of_bluesky_by_did_or_by_address_leads_to_the_id() -> None:
    for link in (
        "https://bsky.app/profile/did:plc:abc123/post/3k2akkbmz6c2y",
        "at://did:plc:abc123/app.bsky.feed.post/3k2akkbmz6c2y",
    ):
        found = meant(link)
        assert (found.kind, found.ids) == ("bluesky", ("did:plc:abc123/post/3k2akkbmz6c2y",))
        assert found.written_at is not None
        assert found.written_at.year == 2023


def test_a_handle_in_a_link_of_bluesky_is_compared_by_its_pseudonym() -> None:
    found = meant("https://bsky.app/profile/Neighbour.bsky.social/post/3k2akkbmz6c2y")
    assert (found.ids, found.ending) == ((), "/post/3k2akkbmz6c2y")
    assert found.author_key == SEALER.pseudonym("neighbour.bsky.social")


def test_a_link_of_our_mastodon_server_is_one_of_mastodon() -> None:
    found = meant("https://social.example/@neighbour/113000000000000000")
    assert (found.kind, found.ids) == ("mastodon", ("113000000000000000",))
    assert found.written_at is not None
    assert found.written_at.year == 2024
    assert meant("https://elsewhere.example/@neighbour/113000000000000000").kind == ""


@pytest.mark.parametrize(
    "link",
    [
        "https://www.facebook.com/555000111_777888999",
        "https://www.facebook.com/555000111/posts/777888999",
        "https://www.facebook.com/permalink.php?story_fbid=777888999&id=555000111",
        "https://m.facebook.com/cityhall/posts/a-hole-in-the-road/777888999",
    ],
)
def test_every_spelling_of_a_link_of_facebook_leads_to_page_and_post(link: str) -> None:
    assert "555000111_777888999" in meant(link).ids


def test_a_stored_link_is_compared_without_the_handle_in_it() -> None:
    found = meant("https://nextdoor.example/@some_neighbour/p/1_2%/")
    assert found.link == "nextdoor.example/@%/p/1\\_2\\%"


@pytest.mark.parametrize("text", ["SC-7F3K9Q", "sc-7f3k9q", "7F3K9Q", "sc7f3k9q", " SC-7F3K9Q "])
def test_a_reference_is_known_in_every_spelling(text: str) -> None:
    assert "SC-7F3K9Q" in meant(text).numbers


def test_letters_that_no_reference_holds_are_taken_as_they_were_heard() -> None:
    assert "SC-70119Q" in meant("SC-7OIL9Q").numbers


def test_a_ticket_s_link_leads_to_its_number_and_our_mail_s_to_its_reference() -> None:
    assert "PA-26-000123" in meant("http://127.0.0.1:8311/tickets/PA-26-000123").numbers
    assert "SC-7F3K9Q" in meant("https://requests.example.gov/tickets?find=SC-7F3K9Q").numbers


def test_a_bare_number_may_be_a_suspect_a_ticket_or_a_post() -> None:
    found = meant("123456")
    assert (found.suspect_id, found.ids, found.numbers) == (123456, ("123456",), ("123456", "SC-123456"))
    assert meant(STATUS).written_at == written_at("x", STATUS)
    assert meant(STATUS).suspect_id is None


@pytest.mark.parametrize("text", ["suspect 12", "Suspect #12", "#12", "suspect12"])
def test_a_suspect_can_be_named(text: str) -> None:
    assert meant(text) == Pasted(text, suspect_id=12)


def test_a_post_of_ours_can_be_named() -> None:
    assert meant("post 12") == Pasted("post 12", post_id=12)


@given(st.text(max_size=60))
def test_anything_can_be_pasted(text: str) -> None:
    found = meant(text)
    assert found.suspect_id is None or found.suspect_id < 2**31
    assert found.post_id is None or found.post_id < 2**31
