"""A Mastodon server on loopback, as https://docs.joinmastodon.org/methods tells its API: timelines, notifications,
streams, look-ups. It can be told to misbehave.
"""

from __future__ import annotations

import contextlib
import html
import json
import queue
import re
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.contracts import HANDLE, SECRET
from tests.servers import Handler
from tests.source_contract import OURS, Peer

STREAMS = {
    "/api/v1/streaming/public": "public",
    "/api/v1/streaming/public/local": "public:local",
    "/api/v1/streaming/public/remote": "public:remote",
    "/api/v1/streaming/user/notification": "mentions",
}
ACCOUNTS = {OURS: "1"}
Said = tuple[int, Any, dict[str, str]]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up is no fault of the server's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Broken(Exception):
    """The connection is reset instead of an answer."""


class MastodonPeer(Peer):
    """`streams` False: streaming is refused. Posts are public and local unless they say otherwise."""

    def __init__(self, streams: bool = True, bulk: bool = True) -> None:
        self.offers_streams, self.bulk = streams, bulk
        self.statuses: dict[str, dict[str, Any]] = {}
        self.notifications: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = []
        self.elsewhere = ""
        """Address that streams are said to have."""
        self.refused: set[str] = set()
        """Timelines of which no stream is offered."""
        self.spoils = False
        """Whether streams tell only half of everything."""
        self.hides = False
        """Whether every second post of a page is left out, as of people whom our account has blocked."""
        self.tells_time = True
        """Whether ids begin with the time, as Mastodon's own do."""
        self._lock = threading.RLock()
        self._listeners: list[tuple[str, queue.Queue[bytes | None]]] = []
        self._fault = ""
        self._refuses = False
        self._last = 0
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def settings(self) -> dict[str, Any]:
        return {"server": self.url, "access_token": SECRET}

    @property
    def listening(self) -> list[str]:
        return [name for name, _ in self._listeners]

    def stop(self) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # -- what happens there ------------------------------------------------------------------------------------------

    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "", **fields: Any) -> str:
        with self._lock:
            status = self._status(text, author) | fields
            if "@" in author:
                status["url"] = f"https://{author.partition('@')[2]}/@{author.partition('@')[0]}/1"
            if repeats:
                status |= {"reblog": self.statuses[repeats], "content": "", "mentions": []}
            self.statuses[status["id"]] = status
            if status["visibility"] == "public":
                self._say("update", status, "public", "public:local")
                self._say("update", status, *(f"hashtag:{tag['name'].lower()}" for tag in status["tags"]))
            if OURS in [mention["acct"] for mention in status["mentions"]]:
                number = str(34_975_000 + len(self.notifications))
                told = {"id": number, "type": "mention", "created_at": status["created_at"], "status": status}
                self.notifications.append(told)
                self._say("notification", told, "mentions")
            return str(status["id"])

    def edit(self, id: str, text: str) -> None:
        with self._lock:
            self.statuses[id] |= {"content": as_html(text), "edited_at": _iso(time.time())}
            self._say("status.update", self.statuses[id], "public", "public:local")

    def delete(self, id: str) -> None:
        with self._lock:
            del self.statuses[id]
            self._say("delete", id, "public", "public:local")

    def refuse(self) -> None:
        self._refuses = True
        self.cut()

    def admit(self) -> None:
        self._refuses = False

    def fail(self, how: str) -> None:
        with self._lock:
            if how == "broken" and self._listeners:
                for _, said in self._listeners:
                    said.put(b'event: update\ndata: {"id": "1", "conte\n\n')
            else:
                self._fault = how
                self.cut()

    def cut(self) -> None:
        """End all streams."""
        with self._lock:
            for _, said in self._listeners:
                said.put(None)
            self._listeners.clear()

    def say(self, timeline: str, raw: bytes) -> None:
        """These bytes on a stream."""
        with self._lock:
            for name, said in self._listeners:
                if name == timeline:
                    said.put(raw)

    def _say(self, event: str, payload: Any, *timelines: str) -> None:
        data = payload if isinstance(payload, str) else json.dumps(payload)
        data = data[: len(data) // 2] if self.spoils else data
        for name in timelines:
            self.say(name, f"event: {event}\ndata: {data}\n\n".encode())

    def _status(self, text: str, author: str) -> dict[str, Any]:
        now = time.time()
        self._last = max(self._last + 1, int(now * 1000) << 16 if self.tells_time else 0)
        mentioned = list(dict.fromkeys(re.findall(r"(?<![\w@])@([\w.]*\w(?:@[\w.-]+\w)?)", text)))
        return {
            "id": str(self._last), "created_at": _iso(now), "in_reply_to_id": None, "in_reply_to_account_id": None,
            "sensitive": False, "spoiler_text": "", "visibility": "public", "language": "en",
            "uri": f"{self.url}/users/{author}/statuses/{self._last}", "url": f"{self.url}/@{author}/{self._last}",
            "replies_count": 0, "reblogs_count": 0, "favourites_count": 0, "edited_at": None,
            "content": as_html(text), "reblog": None, "application": {"name": "Web", "website": None},
            "account": self.account(author), "media_attachments": [],
            "mentions": [{k: v for k, v in self.account(name).items() if k in ("id", "username", "url", "acct")}
                         for name in mentioned],
            "tags": [{"name": tag.lower(), "url": f"{self.url}/tags/{tag}"} for tag in re.findall(r"#(\w+)", text)],
            "emojis": [], "card": None, "poll": None, "quote": None,
        }  # fmt: skip

    def account(self, acct: str) -> dict[str, Any]:
        number = ACCOUNTS.setdefault(acct, str(len(ACCOUNTS) + 1))
        return {
            "id": number, "username": acct.partition("@")[0], "acct": acct, "display_name": "A Person", "locked": False,
            "bot": False, "created_at": "2016-03-16T00:00:00.000Z", "note": "<p>About me</p>",
            "url": f"{self.url}/@{acct}", "followers_count": 7, "following_count": 8, "statuses_count": 9,
            "last_status_at": "2026-11-20", "emojis": [], "fields": [],
        }  # fmt: skip

    # -- what is answered --------------------------------------------------------------------------------------------

    def answer(self, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> Said:
        """Status, content and headers; content as bytes is no JSON."""
        with self._lock:
            self.asked.append((path, query, headers))
            if self._refuses or headers.get("Authorization") != f"Bearer {SECRET}":
                return 401, {"error": "The access token is invalid"}, {}
            fault, self._fault = self._fault, ""
            if fault == "reset":
                raise Broken
            if fault:
                return _fault(fault)
            return self._found(path, query)

    def _found(self, path: str, query: dict[str, list[str]]) -> Said:
        if path == "/api/v2/instance":
            urls = {"streaming": self.elsewhere or self.url.replace("http://", "ws://")}
            return 200, {"domain": "127.0.0.1", "version": "4.4.0", "configuration": {"urls": urls}}, {}
        if path == "/api/v1/accounts/verify_credentials":
            return 200, self.account(OURS), {}
        if path == "/api/v1/timelines/public":
            shown = [one for one in self.statuses.values() if one["visibility"] == "public"]
            if "true" in query.get("remote", []):
                shown = [one for one in shown if "@" in one["account"]["acct"]]
            return self._page(shown, query)
        if path.startswith("/api/v1/timelines/tag/"):
            tag = path.rpartition("/")[2].lower()
            shown = [one for one in self.statuses.values() if tag in [t["name"] for t in one["tags"]]]
            return self._page(shown, query) if shown else (404, {"error": "Record not found"}, {})
        if path == "/api/v1/notifications":
            return self._page(self.notifications, query)
        if path == "/api/v1/statuses" and self.bulk:
            wanted = query.get("id[]", [])
            if len(wanted) > 20:
                return 422, {"error": "Validation failed"}, {}
            return 200, [self.statuses[id] for id in wanted if id in self.statuses], {}
        if path.startswith("/api/v1/statuses/") and path.rpartition("/")[2] in self.statuses:
            return 200, self.statuses[path.rpartition("/")[2]], {}
        return 404, {"error": "Record not found"}, {}

    def _page(self, shown: list[dict[str, Any]], query: dict[str, list[str]]) -> Said:
        limit = min(40, int(query.get("limit", ["20"])[0]))
        ordered = sorted(shown, key=lambda one: int(one["id"]))
        if before := query.get("max_id"):
            ordered = [one for one in ordered if int(one["id"]) < int(before[0])]
        if after := query.get("min_id"):
            page = [one for one in ordered if int(one["id"]) > int(after[0])][:limit]
        else:
            page = ordered[-limit:]
        links = f'<{self.url}/?min_id={page[-1]["id"]}>; rel="prev"' if page else ""
        shown = [one for one in page if not self.hides or list(self.statuses).index(one["id"]) % 2 == 0]
        return 200, list(reversed(shown)), {"Link": links} if links else {}

    def listen(
        self, path: str, query: dict[str, list[str]], headers: dict[str, str]
    ) -> queue.Queue[bytes | None] | None:
        """What a new stream will say; None where none is offered."""
        name = STREAMS.get(path) or f"hashtag:{query.get('tag', [''])[0].lower()}"
        with self._lock:
            self.asked.append((path, query, headers))
            fine = not self._refuses and headers.get("Authorization") == f"Bearer {SECRET}"
            if not (self.offers_streams and fine) or name in self.refused:
                return None
            said: queue.Queue[bytes | None] = queue.Queue()
            self._listeners.append((name, said))
            return said

    def _handler(self) -> type[Handler]:
        peer = self

        class Answering(Handler):
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                query = parse_qs(parts.query)
                with contextlib.suppress(OSError):
                    if parts.path.startswith("/api/v1/streaming/"):
                        self._stream(parts.path, query)
                        return
                    try:
                        self._say(*peer.answer(parts.path, query, dict(self.headers)))
                    except Broken:
                        self.reset()

            def _say(self, status: int, content: Any, headers: dict[str, str]) -> None:
                body = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def _stream(self, path: str, query: dict[str, list[str]]) -> None:
                said = peer.listen(path, query, dict(self.headers))
                if said is None:
                    self._say(404, {"error": "Not found"}, {})
                    return
                self.close_connection = True
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                piece: bytes | None = b":)\n"
                while piece is not None:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                    try:
                        piece = said.get(timeout=1)
                    except queue.Empty:
                        piece = b":thump\n"
                self.wfile.write(b"0\r\n\r\n")

        return Answering


@contextlib.contextmanager
def mastodon_peer(**options: bool) -> Iterator[MastodonPeer]:
    peer = MastodonPeer(**options)
    try:
        yield peer
    finally:
        peer.stop()


def as_html(text: str) -> str:
    """As Mastodon writes it: mentions, hashtags and links are anchors."""
    written = html.escape(text, quote=False)
    written = re.sub(r"https?://\S+", lambda m: f'<a href="{m[0]}" rel="nofollow">{_parts(m[0])}</a>', written)
    written = re.sub(r"(?<![\w@/])@(\w+)((?:@[\w.-]+\w)?)", _mention, written)
    return f"<p>{written}</p>".replace("\n\n", "</p><p>").replace("\n", "<br />")


def _parts(url: str) -> str:
    host = url.partition("://")[2]
    return (
        f'<span class="invisible">{url[: len(url) - len(host)]}</span><span class="ellipsis">{host[:20]}</span>'
        f'<span class="invisible">{host[20:]}</span>'
    )


def _mention(found: re.Match[str]) -> str:
    return f'<span class="h-card"><a href="https://social.example/@{found[1]}" class="u-url mention">@<span>{found[1]}</span></a></span>'  # noqa: E501


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fault(how: str) -> Said:
    match how:
        case "rate limit":
            # `Throttled`, as rack-attack answers on Mastodon.
            return 429, {"error": "Too many requests"}, {"X-RateLimit-Reset": _iso(time.time() + 2)}
        case "unavailable":
            return 503, b"<html><body>Service unavailable</body></html>", {}
        case "error":
            return 500, {"error": "Something went wrong on our end"}, {}
        case _:
            return 200, b'[{"id": "1", "conte', {}
