"""Recent search and counts over the API: the time that may be asked for, pages, and what X refuses.

X reaches back a week and leaves out the last seconds; here both are settings, in X's time.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from connector.rules import check
from tests.peers import x_answers
from tests.peers.x_answers import Answer
from tests.peers.x_clock import first_id, moment_of, moment_of_id, text_of
from tests.peers.x_posts import Json, Refused, Shown, shown
from tests.peers.x_rules import TOO_LONG, number

if TYPE_CHECKING:
    from tests.peers.x_endpoints import Asked
    from tests.peers.x_simulator import Simulator

GRAINS = {"minute": 60.0, "hour": 3600.0, "day": 86400.0}
MIXED = "Invalid use of 'since_id' or 'until_id' in conjunction with 'start_time' or 'end_time'."


class Search:
    """Every page that goes out stands in `Simulator.searched`, with what could be asked for then."""

    def __init__(self, x: Simulator) -> None:
        self._x = x

    def earliest(self) -> float:
        """The oldest moment that may be asked for."""
        settings = self._x.settings
        return max(self._x.clock.now() - settings.horizon, settings.forgotten_before)

    def reach(self) -> tuple[float, float]:
        """The oldest and the newest moment that may be asked for."""
        return self.earliest(), self._x.clock.now() - self._x.settings.newest

    def recent(self, asked: Asked) -> Answer:
        query, wanted = self._query(asked), Shown.of(asked.query)
        most = number(asked, "max_results", 10, 100, 10)
        since, until = self._window(asked)
        token = asked.query.get("next_token") or asked.query.get("pagination_token")
        if token:
            until = self._place(query, token)
        found = list(islice(self._x.world.search(query, since, until), most + 1))
        page, more = found[:most], found[most:]
        now = self._x.clock.now()
        for emitted in page:
            emitted.found_at.append(now)
        earliest, newest = self.reach()
        self._x.searched.append((now, earliest, newest, page[-1].at if more else earliest))
        world = self._x.world
        data, includes, errors = shown([one.post for one in page], wanted, world.post_of, world.user_of)
        meta: Json = {"result_count": len(page)}
        if page:
            meta |= {"newest_id": page[0].id, "oldest_id": page[-1].id}
        if more:
            meta["next_token"] = self._token(query, page[-1].id)
        parts = {"data": data, "includes": includes, "errors": errors}
        return Answer(200, {name: part for name, part in parts.items() if part} | {"meta": meta})

    def counted(self, asked: Asked) -> Answer:
        query = self._query(asked)
        since, until = self._window(asked)
        grain = GRAINS.get(asked.query.get("granularity", "hour"))
        if grain is None:
            raise Refused(x_answers.invalid(("granularity", asked.query["granularity"], "not one of minute,hour,day")))
        start, end = moment_of_id(since), moment_of_id(until)
        tally = Counter(math.floor(emitted.at / grain) for emitted in self._x.world.search(query, since, until))
        data = [
            {
                "start": text_of(max(slot * grain, start)),
                "end": text_of(min((slot + 1) * grain, end)),
                "tweet_count": tally[slot],
            }
            for slot in range(math.floor(start / grain), math.ceil(end / grain))
        ]
        return Answer(200, {"data": data, "meta": {"total_tweet_count": sum(tally.values())}})

    def _query(self, asked: Asked) -> str:
        query, longest = asked.query.get("query", ""), self._x.plan.query_length
        if not query:
            raise Refused(x_answers.invalid(("query", query, "The `query` query parameter can not be empty")))
        problems = [problem.message for problem in check(query, "search") if not problem.message.startswith(TOO_LONG)]
        if len(query) > longest:
            problems.append(f"Rules must be no longer than {longest} characters. This query has {len(query)}.")
        if problems:
            message = "There were errors processing your request: " + ", ".join(problems)
            raise Refused(x_answers.invalid(("query", query, message)))
        return query

    def _window(self, asked: Asked) -> tuple[int, int]:
        """Ids between which the answer lies, both exclusive."""
        query, now, earliest = asked.query, self._x.clock.now(), self.earliest()
        if {"since_id", "until_id"} & query.keys() and {"start_time", "end_time"} & query.keys():
            raise Refused(x_answers.invalid(("since_id", query.get("since_id", ""), MIXED)))
        start, end = self._time(asked, "start_time"), self._time(asked, "end_time")
        if start is not None and start < earliest:
            self._too_early("start_time", query["start_time"], earliest)
        if end is not None and end > now - self._x.settings.newest:
            self._too_late("end_time", query["end_time"])
        last = now - self._x.settings.lag if end is None else end
        if start is not None and start >= last:
            message = f"Invalid 'start_time':'{query['start_time']}'. 'end_time' must be later than 'start_time'."
            raise Refused(x_answers.invalid(("start_time", query["start_time"], message)))
        since = first_id(earliest if start is None else start) - 1
        until = first_id(last)
        if given := query.get("since_id"):
            self._known_id("since_id", given, earliest)
            since = int(given)
        if given := query.get("until_id"):
            self._known_id("until_id", given, earliest)
            until = min(until, int(given))
        return since, until

    def _time(self, asked: Asked, name: str) -> float | None:
        given = asked.query.get(name)
        if given is None:
            return None
        try:
            return moment_of(given)
        except ValueError:
            message = f"The `{name}` query parameter value [{given}] is not a valid RFC3339 date"
            raise Refused(x_answers.invalid((name, given, message))) from None

    def _too_early(self, name: str, given: str, earliest: float) -> None:
        message = f"Invalid '{name}':'{given}'. '{name}' must be on or after {_minute(earliest)}"
        raise Refused(x_answers.invalid((name, given, message)))

    def _too_late(self, name: str, given: str) -> None:
        seconds = round(self._x.settings.newest)
        message = (
            f"Invalid '{name}':'{given}'. '{name}' must be a minimum of {seconds} seconds prior to the request time."
        )
        raise Refused(x_answers.invalid((name, given, message)))

    def _known_id(self, name: str, given: str, earliest: float) -> None:
        if not given.isdigit():
            raise Refused(
                x_answers.invalid((name, given, f"The `{name}` query parameter value [{given}] is not valid"))
            )
        if int(given) < first_id(earliest):
            message = (
                f"'{name}' must be a tweet id created after {_minute(earliest)}. Please use a '{name}' that is larger "
                f"than {first_id(earliest)}"
            )
            raise Refused(x_answers.invalid((name, given, message)))

    def _token(self, query: str, last: str) -> str:
        return f"b26v89c{_digest(query)}{int(last):x}"

    def _place(self, query: str, token: str) -> int:
        head = f"b26v89c{_digest(query)}"
        try:
            return int(token.removeprefix(head), 16)
        except ValueError:
            raise Refused(x_answers.invalid(("next_token", token, "The `next_token` is not valid"))) from None


def _digest(query: str) -> str:
    return hashlib.sha256(query.encode()).hexdigest()[:10]


def _minute(moment: float) -> str:
    """As X names the earliest time: to the minute, the next one if this one has begun."""
    return text_of(math.ceil(moment / 60) * 60)[:16] + "Z"
