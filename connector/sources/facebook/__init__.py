"""Posts from a Facebook Page of the city's: by visitors and the Page, comments on them, and posts that tag the Page.

By the Graph API over plain HTTP; the Page is looked at every minute, for nothing is told without asking. Read on in
`reading.py` (a look, and what it finds), `graph.py` (calls and errors) and `post.py` (a post's fields).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar

import msgspec
from pydantic import Field, SecretStr, field_validator

from connector import sources
from connector.incoming import Batch, Deleted, Fact
from connector.sources import PLAIN, Capabilities, Source, Stopping, waited
from connector.sources._http import StoppedError, address
from connector.sources.facebook.graph import ADDRESS, LARGEST_BATCH, Graph
from connector.sources.facebook.reading import Reading

_PACE = 5.0
"""Seconds between two batches of look-ups: each of its calls counts against the Page's limit."""

CAPABILITIES = Capabilities(
    reads="posts on a Page by visitors and the Page, comments on them, and posts that tag the Page",
    looks_back="as many days as `days` says, at every look; comments on older posts are not read",
    deletions="looked up; edits of posts are seen as long as these are looked at, those of comments seldom",
    terms=(
        "asks for an app that Meta has reviewed, and a Page access token with pages_read_engagement and "
        "pages_read_user_content; who wrote a post is often not told. Groups are not offered since April 2024: put "
        "what is said there into the Queue by “Add a post”"
    ),
    permalink="https://www.facebook.com/{id}",
    tells=(PLAIN - {Fact.LANGUAGE})
    | {Fact.AUTHOR_NAME, Fact.REFERENCES, Fact.CONVERSATION, Fact.POSITION, Fact.LINKED_PAGES},
    checks=True,
    media_hosts=(".fbcdn.net",),
)


class Facebook(Source):
    """Reads a Page of the city's, the comments there and the posts that tag it."""

    title = "Facebook Page"
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    class Settings(sources.Settings):
        page_id: str = Field(
            pattern=r"^\d{1,20}$", description="Number of the Page (About, Page transparency)", examples=["1234567890"]
        )
        access_token: SecretStr = Field(
            description="Page access token with pages_read_engagement and pages_read_user_content; one made from a "
            "long-lived token of a person does not expire"
        )
        app_secret: SecretStr | None = Field(None, description="Of the app, if it asks for proof with every call")
        version: str = Field("v26.0", pattern=r"^v\d{1,3}\.\d$", description="Of the Graph API")
        comments: bool = Field(True, description="Read comments on posts of the last `days`")
        mentions: bool = Field(True, description="Read posts elsewhere that tag the Page")
        every: float = Field(60, ge=10, description="Seconds between two looks")
        days: float = Field(14, gt=0, le=90, description="How old a post may be for edits and comments to be seen")
        server: str = Field(ADDRESS, description="Address of the Graph API")

        _address = field_validator("server")(address)

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._edges = ["feed", "tagged"] if self.settings.mentions else ["feed"]
        self._us = next(iter(self.config.city.accounts), self.settings.page_id).lstrip("@")
        """A post that tags the Page mentions the city's own account, whatever its number there."""

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        page, days, comments = self.settings.page_id, self.settings.days, self.settings.comments
        reading = Reading(page, self._us, self._edges, self.budget, cursor, stopping)
        while True:
            with self._graph(stopping) as graph, contextlib.suppress(StoppedError):
                yield from reading.look(graph, days, comments)
            if (yield from waited(self.settings.every, reading.cursor, stopping)):
                return

    def vanished(self, source_ids: Iterator[str], stopping: Stopping) -> Iterator[Sequence[Deleted]]:
        """Believed only while the Page itself can be read: a token that lost a right sees nothing any more."""
        controls = [f"{self.settings.page_id}/{edge}?fields=id&limit=1" for edge in self._edges]
        with self._graph() as graph:
            while part := list(islice(source_ids, LARGEST_BATCH - len(controls))):
                yield [Deleted(id) for id in graph.gone(part, controls)]
                if stopping(_PACE):
                    return

    def test(self) -> str:
        with self._graph() as graph:
            page = graph.get(self.settings.page_id, [("fields", "id,name")], _Named)
            for edge in self._edges:
                graph.get(f"{self.settings.page_id}/{edge}", [("fields", "id"), ("limit", "1")], msgspec.Raw)
        return f"Facebook lets us read the Page {' '.join(page.name.split())[:80]}."

    def _graph(self, stopping: Stopping | None = None) -> Graph:
        of = self.settings
        return Graph(self.name, of.server, of.version, of.access_token, of.app_secret, stopping)


class _Named(msgspec.Struct):
    name: str = ""
