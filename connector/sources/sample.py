"""The demo city's posts, replayed as if they came now; needs no account and no network.

First a burst that spreads all posts over the last 30 days, then one post every few seconds, for ever, with fresh ids.
The cursor says which round and which post comes next, so a restart goes on where it was.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from pydantic import Field

from connector import sources
from connector.config import DEMO
from connector.errors import ConfigError
from connector.incoming import Arrived, Batch, Detail, Fact, Incoming, Kind, Media, Person, Reference
from connector.models import now
from connector.sources import PLAIN, Capabilities, Source

PAST_DAYS = 30
_BATCH = 200
_APART = timedelta(minutes=2)
"""Between two posts on one incident, in the burst."""
_SHUFFLED, _SPREAD = 0.12, 0.02
"""Of a round: by how much a thread comes earlier or later than in other rounds, and how long it lasts."""


CAPABILITIES = Capabilities(
    reads="the demo city's posts, one every few seconds",
    looks_back="30 days, once",
    answers="no; nothing leaves this computer",
    deletions="none",
    terms="written for this demo; no real person",
    samples=True,
    tells=PLAIN | {Fact.AUTHOR_NAME, Fact.REFERENCES, Fact.CONVERSATION, Fact.POSITION},
)


class SamplePost(msgspec.Struct):
    """A line of data/demo/posts.jsonl; `verdict` and `place` are what its writer meant, never shown to the matcher."""

    id: str
    author: str
    text: str
    lang: str = "en"
    kind: Kind = Kind.POST
    type: str = ""
    verdict: str = "accept"
    reason: str = ""
    reply_to: str | None = None
    of: str | None = None
    media: list[str] = []
    geo: tuple[float, float] | None = None
    place: str | None = None
    incident: str = ""
    also: str = ""
    urgent: bool = False
    mentions_us: bool = False


class Sample(Source):
    """Replays the demo city's posts."""

    title = "Sample posts"
    capabilities = CAPABILITIES

    class Settings(sources.Settings):
        file: Path = Field(DEMO / "posts.jsonl", description="JSON lines of sample posts")
        authors: Path = Field(DEMO / "authors.json", description="Their invented authors")

    @cached_property
    def posts(self) -> list[SamplePost]:
        return read_posts(self.settings.file)

    @cached_property
    def _authors(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self.settings.authors.read_bytes())
        return found

    def events(self, cursor: str, stopping: Callable[[float], bool]) -> Iterator[Batch]:
        """The burst, then one post at a time; the cursor is `round:position`."""
        if not cursor:
            yield from self._burst()
            cursor = "1:0"
        number, position = (int(part) for part in cursor.split(":"))
        while True:
            order = self._order(number)
            while position < len(order):
                if stopping(self.config.demo.every):
                    return
                post = order[position]
                position += 1
                yield Batch([Arrived(self._incoming(post, number, now()))], f"{number}:{position}")
            number, position = number + 1, 0

    def _burst(self) -> Iterator[Batch]:
        """All posts over the last 30 days; more of them in daytime, and one stormy day."""
        chance = random.Random(311)
        threads: dict[str, list[SamplePost]] = {}
        for post in self._order(0):
            threads.setdefault(self._threads[post.id], []).append(post)
        ages = sorted((_moment(chance) for _ in threads), reverse=True)
        told = [
            (max(age - _APART * position, timedelta(minutes=1)), post)
            for age, thread in zip(ages, threads.values(), strict=True)
            for position, post in enumerate(thread)
        ]
        told.sort(key=lambda pair: -pair[0])
        end = now()
        events = [Arrived(self._incoming(post, 0, end - age)) for age, post in told]
        for start in range(0, len(events), _BATCH):
            part = events[start : start + _BATCH]
            yield Batch(part, "1:0" if start + _BATCH >= len(events) else "")

    def _order(self, number: int) -> list[SamplePost]:
        """Nearly the same in each round: what is told of one incident comes together, a reply behind its post.

        So the same post comes again only after most of a round.
        """
        always, chance = random.Random(311), random.Random(number)
        places: dict[str, float] = {}
        for post in self.posts:
            places.setdefault(self._threads[post.id], always.random() + chance.uniform(-_SHUFFLED, _SHUFFLED))
        found = {post.id: places[self._threads[post.id]] + always.uniform(0, _SPREAD) for post in self.posts}
        for post in self.posts:
            parent = post.reply_to or post.of
            if parent in found and found[parent] > found[post.id]:
                found[parent], found[post.id] = found[post.id], found[parent]
        return sorted(self.posts, key=lambda post: found[post.id])

    @cached_property
    def _threads(self) -> dict[str, str]:
        """Post → what it belongs to: an incident, else the post that it answers, else itself."""
        first = {post.id: post.incident or post.reply_to or post.of or post.id for post in self.posts}
        return {id_: first.get(thread, thread) for id_, thread in first.items()}

    def _incoming(self, post: SamplePost, number: int, at: datetime) -> Incoming:
        who = self._authors[post.author]
        parents = [(post.reply_to, Kind.REPLY), (post.of, post.kind)]
        words = [word for word in post.text.replace("\n", " ").split(" ") if word]
        detail = Detail(
            kind=post.kind,
            posted_at=at,
            author=Person(who["handle"], who.get("name", ""), post.author),
            mentioned=_tagged("@", words),
            hashtags=_tagged("#", words),
            urls=[word for word in words if word.startswith(("http://", "https://"))],
            media=[Media(kind) for kind in post.media],
            conversation_id=f"{number}-{post.reply_to or post.id}",
            references=[Reference(kind, f"{number}-{parent}") for parent, kind in parents if parent],
            lon=post.geo[0] if post.geo else None,
            lat=post.geo[1] if post.geo else None,
            reply_settings="everyone",
        )
        return Incoming(f"{number}-{post.id}", post.text, post.lang, b"", detail)


def read_posts(file: Path) -> list[SamplePost]:
    """The sample posts; ConfigError names file and line of a broken one."""
    posts = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            posts.append(msgspec.json.decode(line, type=SamplePost))
        except msgspec.DecodeError as error:
            raise ConfigError(f"{file}, line {number}: {error}") from error
    return posts


def base_id(source_id: str) -> str:
    """The id in the file of a replayed post."""
    return source_id.partition("-")[2]


def _moment(chance: random.Random) -> timedelta:
    """How long ago a post of the burst was written: one stormy day, and a busy morning that still waits."""
    if chance.random() < 0.13:
        return timedelta(seconds=chance.randrange(60, 5 * 3600))
    day = 13 if chance.random() < 0.12 else chance.randrange(PAST_DAYS)
    hour = chance.choices(range(24), weights=[1] * 6 + [4, 6, 7, 6, 5, 5, 6, 5, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2])[0]
    return timedelta(days=day, hours=23 - hour + 6, seconds=chance.randrange(60, 3600))


def _tagged(sign: str, words: list[str]) -> list[str]:
    found = (word.lstrip("(\"'¡¿") for word in words)
    names = (
        "".join(c if c.isalnum() or c == "_" else " " for c in word[1:]).split(" ")[0]
        for word in found
        if word.startswith(sign)
    )
    return list(dict.fromkeys(name for name in names if name))
