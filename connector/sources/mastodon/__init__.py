"""Posts from a Mastodon server: public timelines, hashtags and mentions of the city's account.

Read on in `reading.py` (from the cursor on, for ever), `server.py` (what is asked of the server), `stream.py` (what its
streams say), `post.py` (a post's fields) and `plain.py` (its text).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from connector import sources
from connector.incoming import Batch, Deleted, Fact
from connector.sources import PLAIN, Capabilities, Source, Stopping
from connector.sources._http import Http, StoppedError, address
from connector.sources.mastodon.reading import Reading
from connector.sources.mastodon.server import LOOKUP, Server, timeline
from connector.sources.mastodon.stream import Streams

_PACE = 2.0
"""Seconds between two look-ups: half of the 300 calls that Mastodon allows in 5 minutes."""
_TOLD = re.compile(r"public(:local|:remote)?|mentions|hashtag:\w+|list:\d+")

CAPABILITIES = Capabilities(
    reads="public and unlisted posts of a server's timelines and hashtags, and mentions of our account",
    looks_back="at the first start as many days as `days` says, then from where it stopped, 40 posts a call",
    deletions="told as they happen, looked up later; edits are told only while we read",
    terms=(
        "each server has rules of its own: ask its operator before it is read for a city. Posts for followers and "
        "direct messages to our account are no public posts: they are counted and never stored"
    ),
    tells=PLAIN
    | {Fact.AUTHOR_NAME, Fact.PARTNERS, Fact.REFERENCES, Fact.LINKED_PAGES}
    | {Fact.REACTIONS, Fact.FOLLOWERS, Fact.APP},
    checks=True,
    media_hosts=("{server}",),
)


class Mastodon(Source):
    """Reads timelines of a Mastodon server, and mentions of the city's account there."""

    title = "Mastodon"
    capabilities: ClassVar[Capabilities] = CAPABILITIES

    class Settings(sources.Settings):
        server: str = Field(description="Address of the server", examples=["https://social.example"])
        access_token: SecretStr = Field(
            description="Of an application there (Preferences, Development), with the scopes read:statuses, "
            "read:accounts and, for mentions, read:notifications"
        )
        timelines: list[str] = Field(
            ["public:local"],
            min_length=1,
            description="Any of public, public:local, public:remote, hashtag:NAME, list:NUMBER, mentions",
        )
        streaming: bool = Field(True, description="Have posts sent at once, where the server offers it")
        every: float = Field(30, ge=5, description="Seconds between two looks at a timeline that is not streamed")
        days: float = Field(1, gt=0, le=30, description="How far back the very first reading goes")
        media_hosts: list[str] = Field(
            [], description="Further hosts that its photos are shown from", examples=[["files.social.example"]]
        )

        _address = field_validator("server")(address)

        @field_validator("timelines")
        @classmethod
        def _known(cls, timelines: list[str]) -> list[str]:
            for name in timelines:
                if not _TOLD.fullmatch(name):
                    raise ValueError(f"{name!r} is no timeline; write for example public:local or hashtag:pothole")
            return list(dict.fromkeys(timelines))

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._server = Server(self.name, self.settings.server, self.settings.access_token)
        self._timelines = [timeline(name) for name in self.settings.timelines]

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        reading = Reading(self._server, self._timelines, self.budget, cursor)
        options = self.settings
        with Streams() as streams, contextlib.suppress(StoppedError):
            yield from reading.batches(streams, options.streaming, options.every, options.days, stopping)

    def vanished(self, source_ids: Iterator[str], stopping: Stopping) -> Iterator[Sequence[Deleted]]:
        """Looked up together where the server can (Mastodon 4.3), else one by one."""
        with self._server.calls() as http:
            while part := list(islice(source_ids, LOOKUP)):
                held = self._server.held(http, part)
                if held is None:
                    held = self._held_one_by_one(http, part, stopping)
                yield [Deleted(id) for id in part if id not in held]
                if stopping(_PACE):
                    return

    def _held_one_by_one(self, http: Http, ids: Sequence[str], stopping: Stopping) -> set[str]:
        """What was not asked for any more, because it is to stop, counts as held."""
        held = set(ids)
        for id in ids:
            if not self._server.holds(http, id):
                held.discard(id)
            if stopping(_PACE):
                break
        return held

    def test(self) -> str:
        with self._server.calls() as http:
            for one in self._timelines:
                self._server.page(http, one, [("limit", "1")])
        number = len(self._timelines)
        return f"{urlsplit(self._server.address).hostname} lets us read {number} timeline{'s' * (number > 1)}."
