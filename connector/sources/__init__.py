"""Where posts come from: `Source` is what an adapter offers, its capabilities are declared data.

An adapter is one file or folder beside this one, named by its kind. It yields batches of events with the cursor after
them; `collect/` runs it and saves both in one commit, so a crash repeats work and never skips any. What an adapter is
held to stands in `tests/source_contract.py`.
"""

from __future__ import annotations

import importlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from connector import adapters, config
from connector.errors import ConfigError, SpentError
from connector.incoming import Batch, Deleted, Fact, Incoming

PLAIN = frozenset({Fact.TEXT, Fact.LANGUAGE, Fact.AUTHOR, Fact.MENTIONS, Fact.LINKS, Fact.MEDIA, Fact.KIND})
"""What nearly every platform tells."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a kind of source can do and what its terms ask; shown on Sources, read by the code."""

    reads: str
    """In a few words, what it brings."""
    looks_back: str = "not at all"
    answers: str = "no"
    deletions: str = "not told"
    costs: str = "nothing"
    terms: str = ""
    surface: str = "local"
    """Whose verdict a rule match is: local, stream or search."""
    permalink: str = ""
    """Handle-free address of a post with `{id}`."""
    samples: bool = False
    """Whether the terms let us keep an authorless sample of unmatched posts."""
    tells: frozenset[Fact] = PLAIN
    """What its posts tell of themselves: operators that ask for anything else are unknown on them, never false."""
    resumes: bool = True
    """It reads on from its cursor: what was written while nobody read comes then. If not, the adapter itself says what
    it missed."""
    pushes: bool = False
    """It sends at its own pace and cuts off who is slow: what cannot be stored at once goes to disk, sealed."""
    fills: bool = False
    """`fill` brings the posts of an interval that was missed."""
    checks: bool = False
    """`vanished` tells which of the posts that we hold are gone."""
    media_hosts: tuple[str, ...] = ()
    """Where its photos lie, and nowhere else: `.example.com` means every host below it, `{server}` the one of the
    setting `server`."""


class Settings(adapters.Settings):
    """Base of a source's settings."""

    monthly_limit: int = Field(0, ge=0, description="Posts read in a calendar month before reading stops; 0: no limit")
    price_per_post: float = Field(0, ge=0, description="What one post read costs, in the account's currency")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A rule that is on, for platforms that look for posts on our behalf."""

    id: int
    version: int
    expression: str


class Budget:
    """How many posts may still be read this month; shared by all threads that read one source."""

    def __init__(self, left: int | None = None) -> None:
        """`left` None: no limit."""
        self._left, self._lock = left, threading.Lock()

    def take(self, wanted: int, adapter: str = "") -> int:
        """Up to so many may be read now; what is not used goes back by `give_back`. Raises SpentError at none."""
        if self._left is None:
            return wanted
        with self._lock:
            granted = min(wanted, self._left)
            self._left -= granted
        if granted <= 0 < wanted:
            raise SpentError("This month's limit of posts is reached. Raise `monthly_limit` to read on now.", adapter)
        return granted

    def give_back(self, unused: int) -> None:
        if self._left is not None:
            with self._lock:
                self._left += unused

    def renew(self, left: int | None) -> None:
        """A new month, or another limit."""
        with self._lock:
            self._left = left


Stopping = Callable[[float], bool]
"""Waits so many seconds, and tells whether to stop; an adapter that waits, waits by it."""
SIGN_OF_LIFE = 20.0
"""Seconds: a source that is silent for much longer is taken for dead."""


def waited(seconds: float, cursor: str, stopping: Stopping) -> Generator[Batch, None, bool]:
    """Wait, and say now and then that the source is well; returns whether to stop."""
    while seconds > SIGN_OF_LIFE:
        if stopping(SIGN_OF_LIFE):
            return True
        yield Batch([], cursor)
        seconds -= SIGN_OF_LIFE
    return stopping(seconds)


class Source(adapters.AdapterBase, ABC):
    """A configured place where posts come from.

    One object lives as long as its worker: what must be remembered between two calls of `events` (how often connecting
    failed) may stand in it. `events`, `fill` and `vanished` may run at the same time, each in a thread of its own.
    """

    capabilities: ClassVar[Capabilities]
    Settings: ClassVar[type[adapters.Settings]] = Settings

    def __init__(self, name: str, settings: Any, config: config.Config) -> None:
        super().__init__(name, settings)
        self.config = config
        self.budget = Budget()
        self.installation = ""
        """Of this database, for platforms where several could share an account."""
        self.troubles: Sequence[str] = ()
        """What a person should look at although it reads on, a sentence each: rules that the platform refuses …"""

    @property
    def fills_by_itself(self) -> bool:
        """Whether gaps are filled without being asked for."""
        return self.capabilities.fills

    @abstractmethod
    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """Batches from this cursor on, for ever or until there is no more.

        It returns within 2 seconds of being told to stop. Raises AdapterError; then it is called again with the cursor
        of the last batch, after the error's `retry_after` if it names one. It asks `budget` before it reads posts that
        cost.
        """

    def want(self, rules: Sequence[Wanted]) -> None:
        """The rules that are on; called before `events`, and from another thread whenever they changed."""
        return

    def fill(self, from_at: datetime, to_at: datetime, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """The posts of an interval that was missed; `cursor` is that of the last batch stored, empty at first.

        A part that cannot be had any more is told as `Missed(…, lost=True)`, from the interval's beginning on.
        """
        raise NotImplementedError(f"{self.title} fills no gaps")

    def vanished(self, source_ids: Iterator[str], stopping: Stopping) -> Iterator[Sequence[Deleted]]:
        """Which of these posts, that we hold, the platform does not show any more."""
        raise NotImplementedError(f"{self.title} cannot be asked for posts that are gone")

    def decoded(self, raw: bytes) -> Incoming:
        """The post from its `raw` bytes, as it came: what was spooled is read by it. For kinds that push."""
        raise NotImplementedError(f"{self.title} is never spooled")

    def test(self) -> str:
        """A sentence on the connection, by the cheapest call that shows the credential to be good; raises AdapterError.

        For `doctor` and the Sources page.
        """
        return "There is nothing to connect to"


def load(name: str, adapter: config.Adapter, settings: config.Config) -> Source:
    """The configured source; ConfigError names a wrong setting."""
    if adapter.kind in adapters.kinds(__name__) and not adapters.holds(__name__, Source, adapter.kind):  # type: ignore[type-abstract]
        raise ConfigError(f"[sources.{name}]: posts of kind {adapter.kind!r} come in by the command `ingest` so far.")
    cls = adapters.load(__name__, Source, adapter.kind)  # type: ignore[type-abstract]
    return cls(name, adapters.checked(cls, name, adapter, "sources"), settings)


def capabilities(kind: str) -> Capabilities:
    """What this kind declares, in its module's `CAPABILITIES`."""
    found = importlib.import_module(f"{__name__}.{kind}").CAPABILITIES
    assert isinstance(found, Capabilities)
    return found


def permalink(kind: str, post_id: str) -> str:
    """Handle-free address of a post, or nothing."""
    if kind not in adapters.kinds(__name__):
        return ""
    pattern = capabilities(kind).permalink
    return pattern.format(id=post_id) if pattern else ""
