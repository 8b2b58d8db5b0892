"""Sources for the collector's tests: they do as they are told, at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from connector.config import Adapter, Config
from connector.incoming import Arrived, Batch, Deleted, Detail, Incoming, Kind, Person
from connector.models import now
from connector.sources import Capabilities, Settings, Source, Stopping, Wanted

PULLS = Capabilities(reads="posts of a test", terms="none")
PUSHES = replace(PULLS, pushes=True, resumes=False, fills=True, checks=True)
Step = Batch | Exception | Callable[[], Any]


def post(id: str, text: str = "pothole on Elm St") -> Incoming:
    """As from a platform: raw bytes that say everything."""
    return decoded(msgspec.json.encode({"id": id, "text": text, "at": now()}))


def decoded(raw: bytes) -> Incoming:
    said = msgspec.json.decode(raw)
    detail = Detail(Kind.POST, datetime.fromisoformat(said["at"]), Person("ann_example", "Ann"))
    return Incoming(said["id"], said["text"], "en", raw, detail)


def batch(*ids: str, cursor: str = "") -> Batch:
    return Batch([Arrived(post(id)) for id in ids], cursor or (ids[-1] if ids else ""))


class Told(Source):
    """Yields the steps given, raising what is an error and calling what can be called; then waits until it is stopped.

    Each call of `events` goes on behind the last step that was yielded.
    """

    title, capabilities = "Told", PULLS

    def __init__(
        self, name: str, config: Config, steps: Sequence[Step] = (), capabilities: Capabilities = PULLS, **options: Any
    ) -> None:
        super().__init__(name, Settings(**options), config)
        self.steps: list[Step] = list(steps)
        self.capabilities = capabilities  # type: ignore[misc]
        self.began: list[str] = []
        """The cursors that `events` was called with."""
        self.wanted: list[Sequence[Wanted]] = []
        self.fills: list[Step] = []
        self.asked: list[tuple[datetime, datetime, str]] = []
        self.gone: set[str] = set()
        self.checking: Callable[[Stopping], object] = lambda stopping: None
        """What happens before it tells them."""
        self.more = threading.Event()

    def then(self, *steps: Step) -> None:
        self.steps += steps
        self.more.set()

    def want(self, rules: Sequence[Wanted]) -> None:
        self.wanted.append(list(rules))

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        self.began.append(cursor)
        while True:
            while self.steps:
                yield from self._done(self.steps.pop(0))
            if stopping(0.01):
                return

    def fill(self, from_at: datetime, to_at: datetime, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        self.asked.append((from_at, to_at, cursor))
        while self.fills:
            yield from self._done(self.fills.pop(0))

    def vanished(self, source_ids: Iterator[str], stopping: Stopping) -> Iterator[Sequence[Deleted]]:
        self.checking(stopping)
        yield [Deleted(id) for id in source_ids if id in self.gone]

    def decoded(self, raw: bytes) -> Incoming:
        return decoded(raw)

    def _done(self, step: Step) -> Iterator[Batch]:
        if isinstance(step, Exception):
            raise step
        if isinstance(step, Batch):
            yield step
        else:
            step()


def with_sources(config: Config, *names: str) -> Config:
    return config.model_copy(update={"sources": {name: Adapter(kind="sample") for name in names}})
