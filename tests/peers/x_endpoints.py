"""What each path of X's API answers; `ENDPOINTS` names them, and faults and limits use these names.

Rules, search and compliance have files of their own: `x_rules.py`, `x_search.py`, `x_compliance.py`.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.peers import x_answers
from tests.peers.x_answers import Answer
from tests.peers.x_compliance import Compliance
from tests.peers.x_posts import Json, Refused, Shown, shown, unseen
from tests.peers.x_rules import Rules
from tests.peers.x_search import Search
from tests.peers.x_stream import Connection

if TYPE_CHECKING:
    from tests.peers.x_simulator import Simulator

ENDPOINTS: dict[str, tuple[str, str]] = {
    "stream": ("GET", "/2/tweets/search/stream"),
    "rules": ("GET", "/2/tweets/search/stream/rules"),
    "change_rules": ("POST", "/2/tweets/search/stream/rules"),
    "rule_counts": ("GET", "/2/tweets/search/stream/rules/counts"),
    "search": ("GET", "/2/tweets/search/recent"),
    "counts": ("GET", "/2/tweets/counts/recent"),
    "lookup": ("GET", "/2/tweets"),
    "create": ("POST", "/2/tweets"),
    "me": ("GET", "/2/users/me"),
    "create_job": ("POST", "/2/compliance/jobs"),
    "jobs": ("GET", "/2/compliance/jobs"),
    "job": ("GET", "/2/compliance/jobs/{id}"),
    "upload": ("PUT", "/storage/{id}/submission"),
    "download": ("GET", "/storage/{id}/delivery"),
}
"""The method and path of each, by its name here; compliance jobs name those of `upload` and `download`."""
_PATHS = {name: (method, re.compile(path.replace("{id}", r"\w+"))) for name, (method, path) in ENDPOINTS.items()}
_IN_A_PERSONS_NAME = ("me", "create")
_WITHOUT_TOKEN = ("upload", "download")
LONGEST_LOOKUP = 100
_OF_POSTS = frozenset(
    ["tweet.fields", "post.fields", "expansions", "user.fields", "media.fields", "place.fields", "poll.fields"]
)
_OF_TIME = frozenset(["query", "start_time", "end_time", "since_id", "until_id", "next_token", "pagination_token"])
_PARAMETERS: dict[str, frozenset[str]] = {
    "stream": _OF_POSTS | {"backfill_minutes"},
    "rules": frozenset({"ids", "max_results", "pagination_token"}),
    "change_rules": frozenset({"dry_run", "delete_all"}),
    "rule_counts": frozenset({"rules_count.fields"}),
    "search": _OF_POSTS | _OF_TIME | {"max_results", "sort_order"},
    "counts": _OF_TIME | {"granularity", "search_count.fields"},
    "lookup": _OF_POSTS | {"ids"},
    "create": frozenset(),
    "me": frozenset({"tweet.fields", "post.fields", "expansions", "user.fields"}),
    "create_job": frozenset({"compliance_job.fields"}),
    "jobs": frozenset({"compliance_job.fields", "type", "status"}),
    "job": frozenset({"compliance_job.fields"}),
    "upload": frozenset({"signature"}),
    "download": frozenset({"signature"}),
}
"""X refuses parameters that it does not know."""
_BODIES: dict[str, frozenset[str]] = {
    "change_rules": frozenset({"add", "delete"}),
    "create": frozenset({"text", "reply", "quote_tweet_id", "made_with_ai"}),
    "create_job": frozenset({"type", "name", "resumable"}),
}


@dataclass(frozen=True)
class Asked:
    """A request as it arrived."""

    endpoint: str
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        """The body; raises Refused where it is not an object of JSON."""
        try:
            value = json.loads(self.body or b"{}")
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise Refused(x_answers.invalid(("", "", "Requests with bodies must be an object of JSON.")))
        for name in value.keys() - _BODIES[self.endpoint]:
            message = f"$.{name}: is not defined in the schema and the schema does not allow additional properties"
            raise Refused(x_answers.invalid(("", "", message)))
        return value


def endpoint_of(method: str, path: str) -> str:
    """Its name in `ENDPOINTS`; empty: none."""
    for name, (wanted, pattern) in _PATHS.items():
        if wanted == method and pattern.fullmatch(path):
            return name
    return ""


class Endpoints:
    """One method for each name of `ENDPOINTS`."""

    def __init__(self, x: Simulator) -> None:
        self._x = x
        rules, search, jobs = Rules(x), Search(x), Compliance(x)
        self.reach = search.reach
        self._answers: dict[str, Callable[[Asked], Answer]] = {
            "stream": self._may_stream,
            "rules": rules.listed,
            "change_rules": rules.changed,
            "rule_counts": rules.counted,
            "search": search.recent,
            "counts": search.counted,
            "lookup": self._lookup,
            "create": self._create,
            "me": self._me,
            "create_job": jobs.create,
            "jobs": jobs.listed,
            "job": jobs.one,
            "upload": jobs.upload,
            "download": jobs.download,
        }

    def answer(self, asked: Asked) -> Answer:
        """Raises Refused, too."""
        if not asked.endpoint:
            return x_answers.NOT_FOUND
        self._authorize(asked)
        for name in asked.query.keys() - _PARAMETERS[asked.endpoint]:
            known = ",".join(sorted(_PARAMETERS[asked.endpoint]))
            message = f"The query parameter [{name}] is not one of [{known}]"
            raise Refused(x_answers.invalid((name, asked.query[name], message)))
        answer = self._answers[asked.endpoint](asked)
        return Answer(answer.status, self.renamed(answer.body), answer.headers)

    def renamed(self, body: Any) -> Any:
        """In the words that the settings ask for."""
        return as_posts(body) if self._x.settings.words == "posts" else body

    def _authorize(self, asked: Asked) -> None:
        if asked.endpoint in _WITHOUT_TOKEN:
            return
        given = asked.headers.get("Authorization", "")
        personal = given.startswith("OAuth ") or given == f"Bearer {self._x.user_token}"
        if given.startswith("OAuth ") and f'oauth_token="{self._x.user_token}"' not in given:
            raise Refused(x_answers.UNAUTHORIZED)
        if not personal and given != f"Bearer {self._x.bearer}":
            raise Refused(x_answers.UNAUTHORIZED)
        if asked.endpoint in _IN_A_PERSONS_NAME and not personal:
            raise Refused(x_answers.UNSUPPORTED_AUTHENTICATION)

    # The stream.

    def _may_stream(self, asked: Asked) -> Answer:
        if not self._x.rules:
            raise Refused(x_answers.connection_issue("RuleConfigurationIssue"))
        Shown.of(asked.query)
        self._backfill(asked)
        return Answer(200, None, {"Content-Type": "application/json; charset=utf-8"})

    def _backfill(self, asked: Asked) -> float:
        """Seconds before now from which the stream is wanted."""
        given = asked.query.get("backfill_minutes", "0")
        if not re.fullmatch("[0-5]", given):
            message = f"The `backfill_minutes` query parameter value [{given}] is not between 0 and 5"
            raise Refused(x_answers.invalid(("backfill_minutes", given, message)))
        if given != "0" and not self._x.plan.backfill:
            message = "The `backfill_minutes` query parameter is not available to this client"
            raise Refused(x_answers.invalid(("backfill_minutes", given, message)))
        return int(given) * 60.0

    def stream(self, asked: Asked, number: int, sock: socket.socket) -> Connection:
        """A connection with what it must bring after a gap; raises Refused where all places are taken."""
        x = self._x
        if x.places_taken() >= x.plan.connections:
            raise Refused(x_answers.connection_issue("TooManyConnections"))
        stream = Connection(number, sock, x.world, x.faults, Shown.of(asked.query), x.settings, self.renamed)
        if since := self._backfill(asked):
            for emitted in x.account:
                if emitted.at >= x.clock.now() - since:
                    stream.offer(emitted)
        return stream

    # Posts and accounts.

    def _lookup(self, asked: Asked) -> Answer:
        ids = asked.query.get("ids", "").split(",")
        if len(ids) > LONGEST_LOOKUP:
            message = f"The number of values in the `ids` query parameter list [{len(ids)}] is not between 1 and 100"
            raise Refused(x_answers.invalid(("ids", asked.query["ids"], message)))
        for number in ids:
            if not re.fullmatch("[0-9]{1,19}", number):
                message = f"The `ids` query parameter value [{number}] is not valid"
                raise Refused(x_answers.invalid(("ids", number, message)))
        world = self._x.world
        found, errors = [], []
        for number in dict.fromkeys(ids):
            post = world.post_of(number)
            if post is None or post.why_gone:
                errors.append(unseen(post, "ids", number))
            else:
                found.append(post)
        data, includes, around = shown(found, Shown.of(asked.query), world.post_of, world.user_of)
        parts = {"data": data, "includes": includes, "errors": errors + around}
        return Answer(200, {name: part for name, part in parts.items() if part})

    def _me(self, asked: Asked) -> Answer:
        return Answer(200, {"data": Shown.of(asked.query).object("user", self._x.world.me.payload)})

    def _create(self, asked: Asked) -> Answer:
        body, world = asked.json, self._x.world
        text = body.get("text", "")
        reply = body.get("reply") or {}
        answered = reply.get("in_reply_to_tweet_id", "")
        quoted = body.get("quote_tweet_id", "")
        if not text:
            raise Refused(x_answers.invalid(("text", text, "text is required")))
        for number in filter(None, (answered, quoted)):
            self._may_answer(number)
        if any(one.text == text and not one.gone for one in world.posts.values() if one.author is world.me):
            raise Refused(x_answers.SAME_TEXT)
        post = self._x.emit(text, world.me.username, reply_to=answered, quote=quoted).post
        return Answer(201, {"data": {"id": post.id, "text": text, "edit_history_tweet_ids": [post.id]}})

    def _may_answer(self, number: str) -> None:
        """Raises Refused where X's plans for everyone forbid it."""
        world = self._x.world
        post = world.post_of(number)
        if post is None or post.why_gone:
            raise Refused(x_answers.REPLY_TO_NOTHING)
        if not self._x.plan.summoned_only or post.author is world.me:
            return
        mentioned = {mention.get("id") for mention in post.payload.get("entities", {}).get("mentions", ())}
        quoted = world.post_of(post.refers_to("quoted"))
        if world.me.id not in mentioned and (quoted is None or quoted.author is not world.me):
            raise Refused(x_answers.NOT_SUMMONED)


_WORDS = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "edit_history_tweet_id": "edit_history_post_id",
    "referenced_tweets": "referenced_posts",
    "tweets": "posts",
    "note_tweet": "note_post",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "total_tweet_count": "total_post_count",
    "pinned_tweet_id": "pinned_post_id",
    "most_recent_tweet_id": "most_recent_post_id",
}


def as_posts(value: Any) -> Any:
    """The same JSON with the names of fields that X's description of 2026 uses."""
    if isinstance(value, dict):
        return {_WORDS.get(name, name): as_posts(part) for name, part in value.items()}
    if isinstance(value, list):
        return [as_posts(part) for part in value]
    return value
