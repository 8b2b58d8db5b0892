"""The source X: its settings, what it can do, and which module does it.

`live.py` reads the filtered stream, `search.py` asks recent search instead of it and for what was missed,
`compliance.py` asks which posts are gone. Those are imported when they are first needed: tweepy and requests take long
to load, and reading files of X's JSON (`lines.py`) needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from connector import sources
from connector.config import Config
from connector.errors import RefusedError, TemporaryError
from connector.incoming import Batch, Deleted, Fact, Incoming, Refused
from connector.models import now
from connector.sources import Capabilities, Source, Stopping, Wanted
from connector.sources.x.governor import SETTLED
from connector.sources.x.messages import End, message

if TYPE_CHECKING:
    from connector.sources.x.client import Client
    from connector.sources.x.live import Live
    from connector.sources.x.search import Search

CAPABILITIES = Capabilities(
    reads="posts that meet a rule, as X's filtered stream sends them or its recent search finds them; X's v2 JSON from "
    "files",
    looks_back="7 days, by recent search; files as far as they do",
    answers="no",
    deletions="asked for by batch compliance; files do not tell",
    costs="by X's price list: $0.005 a post read",
    terms="showing X content to government staff asks for an Enterprise plan, with each such use declared to X; "
    "deletions are followed within 24 h",
    surface="stream",
    permalink="https://x.com/i/web/status/{id}",
    tells=frozenset(Fact) - {Fact.UPSTREAM},
    resumes=False,
    pushes=True,
    fills=True,
    checks=True,
    media_hosts=("pbs.twimg.com", "video.twimg.com"),
)
QUERY_LENGTH = {"pay-per-use": 512, "enterprise": 4096}
"""Characters of a query for recent search, by plan."""
Told = TypeVar("Told")


@dataclass(frozen=True, slots=True)
class Pace:
    """How time passes; tests make it pass faster. Seconds, X's own where its time is the faster one."""

    now: Callable[[], datetime] = now
    """X's time, as far as we know it."""
    scale: float = 1.0
    """How many times faster X's time passes than ours."""
    flush: float = 0.5
    """That a post waits for others, to be stored together; ours."""
    stall: float = 45.0
    """Without a byte, after which a stream counts as dead: X sends a sign of life at least every 20 s."""
    settled: float = SETTLED
    """After which a stream has lived, see `governor.py`."""
    before: float = 10.0
    """From the beginning of a gap to the last sign of life: X takes some seconds to send a post, so one that was
    written shortly before the end may not have come; and our clock is not quite X's, by which posts are looked for."""
    after: float = 5.0
    """From a new connection to the end of the gap, for the difference of clocks. A post that is looked for and has come
    all the same is a duplicate, which X counts once in 24 h."""
    compare: float = 900.0
    """Between two looks at X's list of rules while nothing changed here."""
    indexed: float = 35.0
    """Until a post is surely found by search: X's index is 30 s behind, and clocks differ."""


class X(Source):
    """Posts from X that meet a rule, by its filtered stream or its recent search."""

    title = "X"
    capabilities = CAPABILITIES
    pace: ClassVar[Pace] = Pace()

    class Settings(sources.Settings):
        bearer_token: SecretStr = Field(description="Bearer token of an app in X's developer console")
        plan: Literal["pay-per-use", "enterprise"] = Field(
            "pay-per-use", description="The account's plan, which says how many rules there may be and how long"
        )
        mode: Literal["stream", "search"] = Field(
            "stream", description="stream: posts come within seconds; search: they are looked for every few minutes"
        )
        search_every: float = Field(300, ge=10, description="With mode search: seconds between two looks")
        fill: Literal["auto", "ask", "never"] = Field(
            "auto",
            description="Whether posts that were missed are looked for: by itself, when a person asks on the Sources "
            "page, or never; each one found costs as one read",
        )
        price_per_post: float = Field(0.005, ge=0, description="What one post read costs, in the account's currency")
        backfill_minutes: int = Field(
            0, ge=0, le=5, description="Enterprise only: minutes that X sends again after an interruption"
        )
        take_over: bool = Field(
            False,
            description="Remove rules that another installation of the connector left on the stream; only once that "
            "one is stopped for good",
        )
        endpoint: str = Field("https://api.x.com", description="Base address of X's API")

        @field_validator("backfill_minutes")
        @classmethod
        def _by_plan(cls, minutes: int, info: ValidationInfo) -> int:
            if minutes and info.data.get("plan") != "enterprise":
                raise ValueError('only the Enterprise plan has it; set plan = "enterprise", or leave it out')
            return minutes

        @field_validator("endpoint")
        @classmethod
        def _encrypted(cls, endpoint: str) -> str:
            from connector.sources._http import address

            return address(endpoint)

    def __init__(self, name: str, settings: Any, config: Config) -> None:
        super().__init__(name, settings, config)
        if settings.mode == "search":
            self.capabilities = replace(CAPABILITIES, resumes=True)  # type: ignore[misc]
        self.wanted: tuple[Wanted, ...] = ()

    @property
    def fills_by_itself(self) -> bool:
        return bool(self.settings.fill == "auto")

    @cached_property
    def client(self) -> Client:
        from connector.sources.x.client import Client

        return Client(self.name, self.settings.bearer_token, self.settings.endpoint)

    @cached_property
    def live(self) -> Live:
        from connector.sources.x.live import Live

        return Live(self)

    @cached_property
    def search(self) -> Search:
        from connector.sources.x.search import Search

        def tell(troubles: Sequence[str]) -> None:
            self.troubles = troubles

        longest = QUERY_LENGTH[self.settings.plan]
        return Search(self.client, longest, self.settings.search_every, self.pace.indexed, self.pace.now, tell)

    def want(self, rules: Sequence[Wanted]) -> None:
        self.wanted = tuple(rules)

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """See `live.py`, or `search.py` in that mode."""
        if self.settings.mode == "stream":
            return self._paced(lambda stopping: self.live.events(cursor, stopping), stopping)
        if "alive_at" in cursor:
            from connector.sources.x.live import Cursor

            cursor = Cursor.read(cursor).for_search
        return self._paced(
            lambda stopping: self.search.live(lambda: self.wanted, cursor, stopping, self.budget), stopping
        )

    def fill(self, from_at: datetime, to_at: datetime, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        if self.settings.fill == "never":
            raise RefusedError('Missed posts are not looked for: `fill = "never"` in the settings.', self.name)
        return self._paced(
            lambda stopping: self.search.between(self.wanted, from_at, to_at, cursor, stopping, self.budget), stopping
        )

    def vanished(self, source_ids: Iterator[str], stopping: Stopping) -> Iterator[Sequence[Deleted]]:
        from connector.sources.x import compliance

        few = 0 if self.settings.price_per_post else compliance.FEW
        return self._paced(
            lambda stopping: compliance.vanished(self.client, source_ids, stopping, self.budget, few), stopping
        )

    def _paced(self, read: Callable[[Stopping], Iterator[Told]], stopping: Stopping) -> Iterator[Told]:
        """Waits in X's seconds become waits in ours."""
        scale = self.pace.scale
        try:
            yield from read(lambda seconds: stopping(seconds / scale))
        except TemporaryError as error:
            if error.retry_after is not None:
                error.retry_after /= scale
            raise

    def decoded(self, raw: bytes) -> Incoming:
        """Raises ValueError for what is no post."""
        names = self.live.rules.standing.names if "live" in vars(self) else {}
        found = message(raw, self.name, self.installation, names)
        if isinstance(found, Refused | End):
            raise ValueError("no post of X")
        return found

    def test(self) -> str:
        """Asks for the number of rules, which reads no post and costs nothing; in mode search for compliance jobs,
        since a plan may have search and no stream."""
        if self.settings.mode == "search":
            self.client.get("compliance/jobs", {"type": "tweets"})
            return "X accepts the bearer token"
        from connector.sources.x.remote import cap_of, counts, held_of

        counted = counts(self.client)
        cap = cap_of(counted)
        return f"X accepts the bearer token; {held_of(counted):,} of {cap:,} rules are on its stream"
