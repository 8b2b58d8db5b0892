"""What is asked of a Mastodon server, call by call (https://docs.joinmastodon.org/methods).

Called by `__init__.py` and `reading.py`; every failure leaves here as the error that says what to do.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import msgspec
from pydantic import SecretStr

from connector.errors import AdapterError, TemporaryError
from connector.sources import Stopping
from connector.sources._http import Answer, Fields, Http, Stream, is_loopback

PAGE, LOOKUP = 40, 20
"""Posts: the longest page of a timeline, and the longest look-up that Mastodon allows."""
_REFUSED = 900.0
"""Seconds before a stream that the server does not offer is asked for again."""
_PLACES = {
    "public": ("/api/v1/timelines/public", [], "/api/v1/streaming/public"),
    "public:local": ("/api/v1/timelines/public", [("local", "true")], "/api/v1/streaming/public/local"),
    "public:remote": ("/api/v1/timelines/public", [("remote", "true")], "/api/v1/streaming/public/remote"),
    # `include_filtered`: since Mastodon 4.3 mentions by strangers may wait in a list of their own.
    "mentions": (
        "/api/v1/notifications",
        [("types[]", "mention"), ("include_filtered", "true")],
        "/api/v1/streaming/user/notification",
    ),
}


@dataclass(frozen=True, slots=True)
class Timeline:
    """One of the configured timelines, and where it is read and streamed."""

    name: str
    path: str
    params: Fields
    stream: str
    stream_params: Fields = ()

    @property
    def is_mentions(self) -> bool:
        return self.name == "mentions"


def timeline(name: str) -> Timeline:
    """The timeline of this name, as in the settings."""
    kind, _, of = name.partition(":")
    if kind == "hashtag":
        return Timeline(name, f"/api/v1/timelines/tag/{quote(of)}", (), "/api/v1/streaming/hashtag", [("tag", of)])
    if kind == "list":
        return Timeline(name, f"/api/v1/timelines/list/{of}", (), "/api/v1/streaming/list", [("list", of)])
    return Timeline(name, *_PLACES[name])


class Server:
    """One server and our token for it; may be used by several threads."""

    def __init__(self, name: str, address: str, token: SecretStr) -> None:
        self.name, self.address, self._token = name, address, token
        self._not_before: dict[str, float] = {}

    def calls(self, address: str = "", stopping: Stopping | None = None) -> Http:
        """A chain of calls, for one thread."""
        return Http(self.name, address or self.address, self._token, stopping=stopping)

    def page(self, http: Http, timeline: Timeline, params: Fields) -> list[msgspec.Raw]:
        """Posts or notifications, newest first."""
        answer = http.get(timeline.path, [*timeline.params, *params])
        if answer.status == 404 and timeline.name.startswith("hashtag:"):
            return []  # a hashtag that nobody has used yet
        return http.decoded(_well(http, answer), list[msgspec.Raw])

    def us(self, http: Http) -> str:
        """The id of our own account; nothing if the token belongs to no account, or may not say."""
        answer = http.get("/api/v1/accounts/verify_credentials")
        if answer.status in (403, 404, 422):
            return ""
        return http.decoded(_well(http, answer), _Named).id

    def stream(self, http: Http, timeline: Timeline, stopping: Stopping) -> Stream | None:
        """A stream of this timeline, None if there is none at the moment: then it can be read page by page."""
        if time.monotonic() < self._not_before.get(timeline.name, 0):
            return None
        try:
            with self.calls(self._streaming_address(http), stopping) as there:
                stream = there.stream(timeline.stream, timeline.stream_params)
        except AdapterError:
            stream = None
        if stream is None:
            self.rest(timeline.name, _REFUSED)
        return stream

    def rest(self, timeline: str, seconds: float) -> None:
        """Ask for no stream of this timeline for so long."""
        self._not_before[timeline] = time.monotonic() + seconds

    def _streaming_address(self, http: Http) -> str:
        """Streams may have a host of their own; the server that made our token names it, so it may see the token."""
        answer = http.get("/api/v2/instance")
        if answer.status != 200:
            return self.address
        try:
            named = http.decoded(answer, _Instance).configuration.urls.streaming
        except TemporaryError:
            return self.address
        parts = urlsplit(named.replace("wss://", "https://", 1).replace("ws://", "http://", 1))
        safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
        return f"{parts.scheme}://{parts.netloc}" if safe and parts.netloc else self.address

    def held(self, http: Http, ids: Sequence[str]) -> set[str] | None:
        """Which of these posts it still shows, up to `LOOKUP` at once; None before Mastodon 4.3."""
        answer = http.get("/api/v1/statuses", [("id[]", id) for id in ids])
        if answer.status in (404, 405):
            return None
        return {one.id for one in http.decoded(_well(http, answer), list[_Named])}

    def holds(self, http: Http, id: str) -> bool:
        """Whether it still shows this post."""
        answer = http.get(f"/api/v1/statuses/{quote(id, safe='')}")
        if answer.status in (404, 410):
            # A page of something that stands before the server tells nothing of the post.
            http.decoded(answer, _Refusal)
            return False
        _well(http, answer)
        return True


class _Named(msgspec.Struct):
    id: str


class _Refusal(msgspec.Struct):
    error: str


class _Urls(msgspec.Struct):
    streaming: str = ""


class _Configuration(msgspec.Struct):
    urls: _Urls = msgspec.field(default_factory=_Urls)


class _Instance(msgspec.Struct):
    configuration: _Configuration = msgspec.field(default_factory=_Configuration)


def _well(http: Http, answer: Answer) -> Answer:
    if answer.status != 200:
        http.refuse(answer)
    return answer
