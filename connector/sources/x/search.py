"""X's recent search: it brings what was missed, and does for the stream where there is none.

Both are walks through an interval of time: query after query (`packing.py`), page after page, newest first. Times are
told to X as ids, since an id holds its moment to the millisecond, and X takes no times beside ids. The index is behind:
a search without an end ends 30 s ago, so nothing younger is asked for. Facts: https://docs.x.com/x-api/posts/search,
and X's own words of refusal. Called by `source.py`; read on in `pages.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from connector.errors import SpentError, TemporaryError
from connector.incoming import Batch, Event, Missed
from connector.models import GapCause, now
from connector.rules.operators import SEARCH
from connector.sources import Budget, Stopping, Wanted
from connector.sources.x.client import FIELDS, Client, StoppedError, unreadable
from connector.sources.x.packing import LeftOut, Packed, Query, packed
from connector.sources.x.pages import Page, read
from connector.sources.x.payload import LineError
from connector.sources.x.problems import ProblemError

PATH = "tweets/search/recent"
MOST, LEAST = 100, 10
"""Posts on a page, as X lets one ask."""
LAG = 30.0
"""Seconds that X's index is behind, by X's own default for the end of a search."""
SETTLED = LAG + 5
"""Seconds before an interval is asked for; some of them for clocks that differ."""
WORD = 15.0
"""Seconds between two words that all is well, while nothing is asked."""
WINDOW, CALLS = 900.0, 60
"""X counts calls in 15 minutes; so many are allowed on self-serve plans, until an answer tells another number."""
REACH = re.compile(r"created after ([0-9T:.-]+Z)\b(?:.*larger than '?([0-9]{1,19}))?")
"""X's words for an id that is too old: it names the earliest time, and an id."""

EPOCH = datetime(2010, 11, 4, 1, 42, 54, 657_000, UTC)
"""When X's ids begin: above their lowest 22 bits stand the milliseconds since then."""
_MS = timedelta(milliseconds=1)
_BITS = 22


def first_id(moment: datetime) -> int:
    """The smallest id that X gives at this moment."""
    return max((moment - EPOCH) // _MS, 0) << _BITS


def moment_of(id: int) -> datetime:
    """When X gave this id."""
    return EPOCH + (id >> _BITS) * _MS


class Place(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far a walk has come: what a cursor says."""

    since: int = 0
    """The first id that is wanted."""
    to: int = 0
    """The first that is not; 0: no interval is begun."""
    queries: str = ""
    """A digest of them: the rest holds for these queries only."""
    number: int = 0
    """Queries that are done with."""
    until: int = 0
    """Of the next query all posts from this id on are stored; 0: none is."""

    @property
    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()

    @classmethod
    def of(cls, cursor: str) -> Place:
        """Nothing is known from one that cannot be read."""
        try:
            return msgspec.json.decode(cursor, type=cls)
        except (msgspec.MsgspecError, ValueError):
            return cls()


class Search:
    """Recent search for one source. `between` and `live` may run at the same time, each in a thread of its own."""

    def __init__(
        self,
        client: Client,
        longest: int,
        every: float = 300.0,
        settled: float = SETTLED,
        clock: Callable[[], datetime] = now,
        tell: Callable[[Sequence[str]], None] = lambda troubles: None,
    ) -> None:
        """`longest`: characters of a query, by the plan; `every`: seconds between two rounds of `live`; `tell` is told
        after each look at the rules which of them search cannot be asked for."""
        self.client, self.longest, self.every, self.settled = client, longest, every, settled
        self._clock, self._tell = clock, tell
        self._refused: dict[str, str] = {}
        """Rules that passed our check and X does not search for, with X's reason."""
        self._calls, self._asked = CALLS, 0
        """That are allowed in a window, and that were made since the beginning."""

    def packed(self, wanted: Iterable[Wanted]) -> Packed:
        """The queries for these rules, and the rules that search cannot be asked for."""
        rules = sorted(wanted, key=lambda rule: rule.id)
        whole = packed([rule for rule in rules if rule.expression not in self._refused], self.longest)
        refused = [LeftOut(rule, self._refused[rule.expression]) for rule in rules if rule.expression in self._refused]
        return Packed(whole.queries, (*whole.left_out, *refused))

    def between(
        self, wanted: Sequence[Wanted], from_at: datetime, to_at: datetime, cursor: str, stopping: Stopping,
        budget: Budget,
    ) -> Iterator[Batch]:  # fmt: skip
        """The posts of an interval, a page a batch; `cursor` is that of the last batch stored, empty at first.

        What X does not reach back to is told as lost, from the beginning on; rules that search cannot be asked for are
        told last, because their posts are lost in the whole interval: nothing is asked of an empty one.
        """
        early = (to_at - self._clock()).total_seconds() + self.settled
        if from_at >= to_at or (early > 0 and stopping(early)):
            return
        queries = list(self.packed(wanted).queries)
        stored, digest = Place.of(cursor), _digest(queries)
        place = Place(first_id(from_at), first_id(to_at + _MS), digest)
        if stored.queries == digest:
            place = msgspec.structs.replace(place, number=stored.number, until=stored.until)
        walk = self._walk(queries, place, stopping, budget)
        try:
            for events, place in walk:
                yield Batch(events, place.cursor, SEARCH)
        except StoppedError:
            return
        if left_out := self.packed(wanted).left_out:
            yield Batch([Missed(from_at, to_at, _says(left_out), lost=True)], place.cursor, SEARCH)

    def live(
        self, wanted: Callable[[], Sequence[Wanted]], cursor: str, stopping: Stopping, budget: Budget
    ) -> Iterator[Batch]:
        """New posts for ever, in rounds; each round asks for the rules that `wanted` gives then.

        Without a cursor it begins now. A new rule is asked for from the last round on, no further back.
        """
        place = Place.of(cursor)
        if not place.since:
            # Kept before anything is asked: what comes while X refuses us is then looked for as soon as it does not.
            place = Place(first_id(self._newest() - timedelta(seconds=1)))
            yield Batch([], place.cursor, SEARCH)
        try:
            while True:
                whole = self.packed(wanted())
                self._tell([_says([one]) for one in whole.left_out])
                queries, digest = list(whole.queries), _digest(whole.queries)
                if not place.to or place.queries != digest:
                    to = max(first_id(self._newest()), place.since)
                    place = Place(place.since, to, digest)
                before, walk = self._asked, self._walk(queries, place, stopping, budget)
                for events, place in walk:
                    yield Batch(events, place.cursor, SEARCH)
                place = Place(place.to)
                yield Batch([], place.cursor, SEARCH)
                left = max(self.every, WINDOW * (self._asked - before) / self._calls)
                while left > 0:
                    if stopping(min(left, WORD)):
                        return
                    left -= WORD
                    yield Batch([], place.cursor, SEARCH)
        except StoppedError:
            return

    def _newest(self) -> datetime:
        return self._clock() - timedelta(seconds=self.settled)

    def _walk(
        self, queries: list[Query], place: Place, stopping: Stopping, budget: Budget
    ) -> Iterator[tuple[list[Event], Place]]:
        """Each page with the place after it, which names interval and queries as they were given."""
        token, until, spare = "", 0, 0.25
        while place.number < len(queries) and place.since < place.to:
            query = queries[place.number]
            until = until if token else place.until or place.to
            try:
                page = self._page(_params(query, place.since, until, token), place.to, stopping, budget)
            except ProblemError as error:
                reach, token = _reach(error, spare), ""
                if reach is not None and reach > place.since:
                    lost = _lost(place, reach, len(queries))
                    place, spare = _from(place, min(reach, place.to)), spare * 2
                    yield [lost], place
                elif "query" in error.parameters:
                    queries[place.number : place.number + 1] = self._apart(query, error)
                    place = msgspec.structs.replace(place, queries=_digest(queries), until=0)
                else:
                    raise
                continue
            if token and page.more == token:
                raise unreadable(self.client.name)  # it leads in a circle
            token, place = page.more, _after(place, page)
            yield page.events, place

    def _page(self, params: dict[str, str | int], to: int, stopping: Stopping, budget: Budget) -> Page:
        """As many posts as the budget grants; `to` is where the interval ends."""
        name = self.client.name
        granted = budget.take(MOST, name)
        unused = granted
        try:
            if granted < LEAST:
                raise SpentError(
                    f"Fewer than {LEAST} posts are left of this month's limit, and X's search gives no fewer. Raise "
                    "`monthly_limit` to read on now.",
                    name,
                )
            self._asked += 1
            answer = self.client.ask(PATH, params | {"max_results": granted}, stopping)
            self._learn(answer.headers, moment_of(to))
            try:
                page = read(answer.body)
            except LineError:
                raise unreadable(name) from None
            unused -= len(page.events)
            return page
        finally:
            budget.give_back(unused)

    def _learn(self, headers: Mapping[str, str], to_at: datetime) -> None:
        """From an answer: how many calls are allowed, and whether X's index had come to this moment by X's clock."""
        told = {name.lower(): value for name, value in headers.items()}
        limit = told.get("x-rate-limit-limit", "")
        if limit.isdecimal() and int(limit) > 0:
            self._calls = int(limit)
        try:
            clock = parsedate_to_datetime(told["date"])
        except (KeyError, ValueError):
            return
        # `Date` has no fractions, which makes it up to a second early; it is always in UTC.
        early = (to_at - clock.replace(tzinfo=UTC)).total_seconds() + min(self.settled, LAG) - 1
        if early > 0:
            raise TemporaryError(
                "This machine's clock is ahead of X's. Set it by a time server.",
                self.client.name, early, GapCause.DISCONNECT,
            )  # fmt: skip

    def _apart(self, query: Query, error: ProblemError) -> Sequence[Query]:
        """The rules of a query that X refuses, each by itself; one that is refused by itself is not asked for again."""
        if len({rule.expression for rule in query.rules}) > 1:
            return [one for rule in query.rules for one in packed([rule], self.longest).queries]
        self._refused[query.rules[0].expression] = str(error)
        return []


def _params(query: Query, since: int, until: int, token: str) -> dict[str, str | int]:
    """A page by its token is asked for with everything else as in the request that it goes on from."""
    params = {"query": query.text, "since_id": str(max(since - 1, 1)), "until_id": str(until), **FIELDS}
    return {**params, "next_token": token} if token else {**params}


def _after(place: Place, page: Page) -> Place:
    if not page.more:
        return msgspec.structs.replace(place, number=place.number + 1, until=0)
    if not page.oldest:
        return place
    # Within a second X does not say in which order posts come, so a restart asks for all of it once more.
    second = moment_of(page.oldest).replace(microsecond=0) + timedelta(seconds=1)
    return msgspec.structs.replace(place, until=min(first_id(second), place.until or place.to))


def _from(place: Place, since: int) -> Place:
    """The same with an interval that begins later; a query that has come past it is done."""
    past = 0 < place.until <= since
    number = place.number + past
    return msgspec.structs.replace(place, since=since, number=number, until=0 if past else place.until)


def _lost(place: Place, reach: int, queries: int) -> Missed:
    """Nothing from `reach` on, nor what the last query has brought already: it goes from new to old."""
    brought = place.until if place.number == queries - 1 and place.until else place.to
    why = "X's search reaches back no further"
    return Missed(moment_of(place.since), moment_of(min(reach, brought)), why, GapCause.DOWN, lost=True)


def _reach(error: ProblemError, spare: float) -> int | None:
    """The first id that can be asked for, and so many seconds more, for X's reach moves on; None: that is not it."""
    if not error.parameters & {"since_id", "until_id"} or not (found := REACH.search(error.said)):
        return None
    try:
        named = int(found[2]) if found[2] else first_id(datetime.fromisoformat(found[1]))
    except ValueError:
        return None
    return first_id(moment_of(named) + timedelta(seconds=spare) + _MS)


def _says(left_out: Sequence[LeftOut]) -> str:
    named = "; ".join(f"rule {one.rule.id}: {one.why}" for one in left_out[:3])
    others = f"; and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    return f"X's search cannot be asked for {named}{others}."


def _digest(queries: Iterable[Query]) -> str:
    return hashlib.sha256("\n".join(query.text for query in queries).encode()).hexdigest()[:16]
