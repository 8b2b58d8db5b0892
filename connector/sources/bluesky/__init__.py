"""Posts from Bluesky and other networks of the AT Protocol: all that is posted, or our account's mentions alone.

Everything comes over a websocket (`stream.py`), by default from a Jetstream, which needs no account; mentions are
asked for in our account's name (`mentions.py`). Of the protocol's own library only its decoder is used (libipld): the
rest costs 1.1 s and 38 MB to import and sleeps and reconnects on its own. Read on in `records.py` (what a post says)
and `people.py` (who is behind a DID).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from connector import config, sources
from connector.errors import TemporaryError
from connector.incoming import Batch, Deleted, Fact
from connector.models import now
from connector.sources import PLAIN, Capabilities, Source, Stopping
from connector.sources._http import StoppedError, address
from connector.sources.bluesky.calls import Account, Xrpc
from connector.sources.bluesky.mentions import Mentions
from connector.sources.bluesky.people import People
from connector.sources.bluesky.position import Position
from connector.sources.bluesky.records import id_of, labels_in_force, made_at, uri_of
from connector.sources.bluesky.stream import Stream

CAPABILITIES = Capabilities(
    reads="everything that is posted, or mentions of our account, answers and quotes alone",
    looks_back="after an interruption as far as the server keeps: 36 hours on Bluesky's own",
    deletions="told at once by the stream; once a day all posts held are asked for",
    terms="public posts that anybody may read; deletions are to be followed",
    permalink="https://bsky.app/profile/{id}",
    tells=PLAIN | {Fact.AUTHOR_NAME, Fact.PARTNERS, Fact.REFERENCES, Fact.CONVERSATION},
    checks=True,
    media_hosts=("cdn.bsky.app", "video.bsky.app"),
)
AT_ONCE = 25
"""The most posts that a call asks for."""
SETTLED = timedelta(hours=6)
"""A younger post may not be shown yet: the pages of a network can lag behind it for hours."""
PAUSE = 0.2
"""Seconds between two calls: half of what the network allows everybody."""


class Bluesky(Source):
    """Reads posts of Bluesky, or of another network of its kind."""

    title = "Bluesky"
    capabilities = CAPABILITIES

    class Settings(sources.Settings):
        reads: Literal["everything", "mentions"] = Field(
            "everything", description="All that is posted there, or only what mentions, answers or quotes our account"
        )
        stream: Literal["jetstream", "firehose"] = Field(
            "jetstream", description="How everything is read: as JSON, or from a relay or server itself"
        )
        relay: str = Field("", description="Address of the stream, wss://…; empty: Bluesky's own")
        appview: str = Field(
            "https://public.api.bsky.app", description="Where names and posts are asked for without an account"
        )
        service: str = Field("https://bsky.social", description="The server of our account")
        handle: str = Field("", description="Our account, for mentions")
        app_password: SecretStr | None = Field(
            None, validate_default=True, description="An app password of it, made under Privacy and Security"
        )
        every: float = Field(20, gt=0, description="Seconds between two looks for mentions")

        @field_validator("relay")
        @classmethod
        def _is_stream(cls, written: str) -> str:
            parts = urlsplit(written)
            if written and (parts.scheme not in ("ws", "wss") or not parts.hostname or "@" in parts.netloc):
                raise ValueError("write it as wss://jetstream.example")
            return written

        @field_validator("appview", "service")
        @classmethod
        def _is_safe(cls, written: str) -> str:
            return address(written)

        @field_validator("app_password")
        @classmethod
        def _may_sign_in(cls, password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
            if info.data.get("reads") == "mentions" and not (password and info.data.get("handle")):
                raise ValueError('`reads = "mentions"` needs `handle` and `app_password`')
            return password

    def __init__(self, name: str, settings: Any, config: config.Config) -> None:
        super().__init__(name, settings, config)
        self._network = Xrpc(name, settings.appview, timeout=5)
        self._people = People(self._network, (settings.handle, *config.city.accounts))
        self._account: Account | None = None
        if settings.handle and settings.app_password:
            self._account = Account(Xrpc(name, settings.service), settings.handle, settings.app_password)
        self._stream = Stream(name, settings.stream, settings.relay, self._people)

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """From the stream, or from our notifications; the cursor of one leads on with the other, by its time."""
        try:
            if self._account is not None and self.settings.reads == "mentions":
                host = urlsplit(self.settings.service).netloc
                mentions = Mentions(self.name, self._account, host, self._people, self.budget, self.settings.every)
                yield from mentions.read(cursor, stopping)
            else:
                yield from self._stream.read(cursor, self.budget, stopping)
        except StoppedError:
            return

    def vanished(self, source_ids: Iterator[str], stopping: Stopping) -> Iterator[Sequence[Deleted]]:
        """Those not shown any more: deleted, taken down or hidden by moderation, or of an account that is closed."""
        settled = now() - SETTLED
        ids = (id for id in source_ids if (made_at(id) or settled) <= settled and uri_of(id))
        while asked := list(islice(ids, AT_ONCE)):
            shown = self._shown(asked)
            yield [Deleted(id) for id in asked if id not in shown]
            if stopping(PAUSE):
                return

    def _shown(self, asked: Sequence[str]) -> set[str]:
        posts = self._listed("app.bsky.feed.getPosts", "uris", [uri_of(id) for id in asked], "posts")
        shown = {id_of(post.get("uri")) for post in posts if _is_shown(post)}
        authors = {id.partition("/")[0] for id in asked}
        if not shown and len(authors) > 1 and not self._listed(
            "app.bsky.actor.getProfiles", "actors", sorted(authors), "profiles"
        ):  # fmt: skip
            says = "None of our posts nor their authors is known there: look at `appview`. Nothing was erased."
            raise TemporaryError(says, self.name)
        return shown

    def _listed(self, method: str, asks: str, values: Sequence[str], tells: str) -> list[dict[str, Any]]:
        found = self._network.get(method, [(asks, value) for value in values]).get(tells)
        if not isinstance(found, list):
            raise TemporaryError("The server gave an answer that cannot be read.", self.name)
        return [one for one in found if isinstance(one, dict)]

    def test(self) -> str:
        """Signs in where there is an account, and opens the stream where that is read."""
        said = []
        if self._account is not None:
            self._account.get("app.bsky.notification.getUnreadCount", [])
            said.append("signed in")
        if self.settings.reads == "everything":
            at = Position.of("", self.settings.stream, "", time.time_ns() // 1000)
            self._stream.connect(at, live=True).close()
            said.append("the stream answers")
        return " and ".join(said).capitalize()


def _is_shown(post: dict[str, Any]) -> bool:
    """Not hidden by moderation; posts for those alone who are signed in are shown."""
    author = post.get("author")
    labels = labels_in_force(post.get("labels"))
    labels |= labels_in_force(author.get("labels")) if isinstance(author, dict) else set()
    return not labels & {"!hide", "!takedown"}
