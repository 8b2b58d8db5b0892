"""Where posts come from: `Source` is what an adapter offers, its capabilities are declared data.

An adapter is one file or folder beside this one, named by its kind. It yields batches of events with the cursor after
them; `collect.py` runs it and saves both in one commit, so a crash repeats work and never skips any.
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from connector import adapters, config
from connector.errors import ConfigError
from connector.incoming import Batch, Fact

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


class Source(adapters.AdapterBase, ABC):
    """A configured place where posts come from."""

    capabilities: ClassVar[Capabilities]

    def __init__(self, name: str, settings: Any, config: config.Config) -> None:
        super().__init__(name, settings)
        self.config = config

    @abstractmethod
    def events(self, cursor: str, stopping: Callable[[float], bool]) -> Iterator[Batch]:
        """Batches from this cursor on, for ever or until there is no more.

        `stopping(seconds)` waits that long and tells whether to stop; an adapter that waits, waits by it.
        Raises AdapterError.
        """


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
