"""A small network of the AT Protocol on loopback: a Jetstream, a firehose, an AppView and a server with our account.

Shapes are those of the official lexicons (`tests/sources/test_bluesky_real.py` checks them where these stand). Every
post that somebody else writes is a notification for our account. Read on in `bluesky_frames.py`.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.contracts import HANDLE, SECRET
from tests.peers import bluesky_frames as frames
from tests.peers.bluesky_frames import Entry
from tests.servers import Asked, HttpServer, Says, says_json
from tests.source_contract import OURS, Peer

_SILENT = logging.Logger("websocket server")
_SILENT.disabled = True
STATUS = {"rate limit": 429, "unavailable": 503, "error": 500}


def did_of(handle: str) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz234567"
    return "did:plc:" + "".join(letters[byte % 32] for byte in hashlib.sha256(handle.encode()).digest()[:24])


def tid(at: int) -> str:
    """A record's key that tells when it was made."""
    letters, number, key = "234567abcdefghijklmnopqrstuvwxyz", at << 10, ""
    for _ in range(13):
        key, number = letters[number % 32] + key, number // 32
    return key


class Network:
    """What is there: accounts, posts and all that ever happened."""

    def __init__(self) -> None:
        self.log: list[Entry] = []
        self.handles: dict[str, str] = {}
        """DID → handle."""
        self.records: dict[str, dict[str, Any]] = {}
        """By the address of each post that is there."""
        self.labels: dict[str, list[str]] = {}
        self.closed: set[str] = set()
        self.asked: list[Asked] = []
        self.refuses = self.run_out = self.overloaded = False
        """Our account, its token, or the calls that sign in."""
        self.sign_ins = 0
        self.floor = 0
        """How many of the oldest events are not kept any longer."""
        self.changed = threading.Condition()
        self._sessions = 0
        self._fault = ""
        self._over = False
        self._cut = 0
        self.next_status = 0
        self._sockets: set[ServerConnection] = set()
        self.http = HttpServer().then(self._answer)
        self._server = serve(
            self._stream, "127.0.0.1", 0, process_request=self._admit, logger=_SILENT, compression=None,
            subprotocols=None, ping_interval=None, select_subprotocol=lambda _, offered: next(iter(offered), None),
        )  # fmt: skip
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.join(OURS)

    @property
    def relay(self) -> str:
        return f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def stop(self) -> None:
        with self.changed:
            self._over = True
            self.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self.http.stop()

    # -- what happens there ------------------------------------------------------------------------------------------

    def join(self, handle: str) -> str:
        self.handles.setdefault(did_of(handle), handle)
        return did_of(handle)

    def write(self, author: str, record: dict[str, Any], collection: str = "app.bsky.feed.post", key: str = "") -> str:
        """The `at://` address of what is new."""
        did = self.join(author)
        with self.changed:
            now = self._now()
            key = key or tid(now - 86_400_000_000)
            uri = f"at://{did}/{collection}/{key}"
            created = datetime.fromtimestamp(now / 1e6, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            self.records[uri] = {"$type": collection, "createdAt": created} | record
            self._tell(Entry(now, "create", did, f"{collection}/{key}", self.records[uri]))
        return uri

    def rewrite(self, uri: str, **fields: Any) -> None:
        with self.changed:
            self.records[uri] = self.records[uri] | fields
            did, path = _parts(uri)
            self._tell(Entry(self._now(), "update", did, path, self.records[uri]))

    def remove(self, uri: str) -> None:
        with self.changed:
            del self.records[uri]
            did, path = _parts(uri)
            self._tell(Entry(self._now(), "delete", did, path))

    def rename(self, did: str, handle: str) -> None:
        with self.changed:
            self.handles[did] = handle
            self._tell(Entry(self._now(), "identity", did, record={"handle": handle}))

    def close_account(self, did: str) -> None:
        with self.changed:
            self.closed.add(did)
            self._tell(Entry(self._now(), "account", did, record={"active": False, "status": "deactivated"}))

    def break_down(self, how: str) -> None:
        """The next answer, and the running streams."""
        with self.changed:
            self._fault = how
            if how in STATUS:
                self.next_status = STATUS[how]
            if how == "broken":
                self._tell(Entry(self._now(), "broken", ""))
            else:
                self._cut += 1
            if how == "reset":
                for one in self._sockets:
                    one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    one.socket.shutdown(socket.SHUT_RDWR)
            self.changed.notify_all()

    def cut(self, why: str) -> None:
        """End the streams by an error frame."""
        with self.changed:
            self._tell(Entry(self._now(), "error", why))

    def _tell(self, entry: Entry) -> None:
        entry.seq = self.log[-1].seq + 1 if self.log else 1
        self.log.append(entry)
        self.changed.notify_all()

    def _now(self) -> int:
        now = time.time_ns() // 1000
        return max(now, self.log[-1].at + 1) if self.log else now

    # -- streams -----------------------------------------------------------------------------------------------------

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.asked.append(Asked("GET", request.path, [], dict(request.headers), b""))
        status, self.next_status = self.next_status, 0
        if "subscribeEvents" in request.path and request.headers.get("Sec-WebSocket-Protocol") != "xrpc.v1.json":
            status = 400
        return connection.respond(status, "not now") if status else None

    def _stream(self, connection: ServerConnection) -> None:
        assert connection.request
        parts = urlsplit(connection.request.path)
        query = parse_qs(parts.query)
        way = frames.WAYS[parts.path]
        first, notes = way.begin(self.log, int(query["cursor"][0]) if "cursor" in query else None, self.floor)
        self._sockets.add(connection)
        with contextlib.suppress(ConnectionClosed, OSError):
            for note in notes:
                connection.send(note)
            if first is not None:
                self._follow(connection, way, first, frozenset(query.get("kinds", ())))
        self._sockets.discard(connection)

    def _follow(self, connection: ServerConnection, way: frames.Way, at: int, kinds: frozenset[str]) -> None:
        cut = self._cut
        while True:
            with self.changed:
                if len(self.log) == at and not self._over and self._cut == cut:
                    self.changed.wait(0.2)
                if self._over or self._cut != cut:
                    return
                fresh = self.log[at:]
            at += len(fresh)
            for entry in fresh:
                wanted = not kinds or entry.kind not in ("identity", "account") or entry.kind in kinds
                if wanted and (frame := way.frame(entry)) is not None:
                    connection.send(frame)
                if entry.kind == "error":
                    entry.kind = "told"
                    return
            if not fresh:
                connection.ping()

    # -- calls -------------------------------------------------------------------------------------------------------

    def _answer(self, asked: Asked) -> Says:
        self.asked.append(asked)
        method = asked.path.removeprefix("/xrpc/")
        with self.changed:
            if self._fault and method == "app.bsky.notification.listNotifications":
                return self._faulty()
            calls: dict[str, Callable[[Asked], Says]] = {
                "app.bsky.actor.getProfiles": self._profiles,
                "app.bsky.feed.getPosts": self._posts,
                "com.atproto.server.createSession": self._sign_in,
                "com.atproto.server.refreshSession": self._refresh,
                "app.bsky.notification.listNotifications": self._notifications,
                "app.bsky.notification.getUnreadCount": self._unread,
            }
            return calls[method](asked)

    def _faulty(self) -> Says:
        how, self._fault = self._fault, ""
        if how in STATUS:
            reset = str(int(time.time()) + 2)
            return says_json({"error": "Failed", "message": HANDLE}, STATUS[how], RateLimit_Reset=reset)
        return Says(how="reset") if how == "reset" else Says(200, b'{"notifications": [', {})

    def _profiles(self, asked: Asked) -> Says:
        by_handle = {handle: did for did, handle in self.handles.items()}
        dids = [by_handle.get(actor, actor) for name, actor in asked.query if name == "actors"]
        assert 0 < len(dids) <= 25
        return says_json({"profiles": [self._profile(did) for did in dict.fromkeys(dids) if self._is_open(did)]})

    def _profile(self, did: str) -> dict[str, Any]:
        return {"did": did, "handle": self.handles[did], "displayName": f"{self.handles[did].title()} of Port Alder"}

    def _posts(self, asked: Asked) -> Says:
        uris = [uri for name, uri in asked.query if name == "uris"]
        assert 0 < len(uris) <= 25
        return says_json({"posts": [self._post(uri) for uri in uris if uri in self.records and self._is_open(uri)]})

    def _post(self, uri: str) -> dict[str, Any]:
        did, record = _parts(uri)[0], self.records[uri]
        labels = [
            {"src": did_of("moderation"), "uri": uri, "val": value, "cts": record["createdAt"]}
            for value in self.labels.get(uri, [])
        ]
        return {
            "uri": uri, "cid": frames.cid_text(frames.cbor(record)), "author": self._profile(did), "record": record,
            "indexedAt": record["createdAt"], "labels": labels,
        }  # fmt: skip

    def _is_open(self, name: str) -> bool:
        did = name.removeprefix("at://").partition("/")[0]
        return did in self.handles and did not in self.closed

    def _sign_in(self, asked: Asked) -> Says:
        self.sign_ins += 1
        if self.refuses or f'"password": "{SECRET}"' not in asked.body.decode():
            return says_json({"error": "AuthenticationRequired", "message": "Invalid identifier or password"}, 401)
        return self._session()

    def _refresh(self, asked: Asked) -> Says:
        if self.overloaded:
            return says_json({"error": "NotAvailable", "message": "overloaded"}, 503)
        if self.refuses or asked.headers.get("Authorization") != f"Bearer refresh-{self._sessions}":
            return says_json({"error": "ExpiredToken", "message": "Token has been revoked"}, 400)
        return self._session()

    def _session(self) -> Says:
        self._sessions, self.run_out = self._sessions + 1, False
        names = {"handle": OURS, "did": did_of(OURS), "active": True}
        return says_json({"accessJwt": f"access-{self._sessions}", "refreshJwt": f"refresh-{self._sessions}"} | names)

    def _is_signed_in(self, asked: Asked) -> bool:
        told = asked.headers.get("Authorization") == f"Bearer access-{self._sessions}"
        return told and not self.refuses and not self.run_out

    def _unread(self, asked: Asked) -> Says:
        return says_json({"count": 0}) if self._is_signed_in(asked) else _expired()

    def _notifications(self, asked: Asked) -> Says:
        if not self._is_signed_in(asked):
            return _expired()
        query = dict(asked.query)
        start, limit = int(query.get("cursor", 0)), int(query["limit"])
        notes = sorted(
            (uri for uri in self.records if "/app.bsky.feed.post/" in uri and not uri.startswith(f"at://{did_of(OURS)}/")),
            key=lambda uri: self.records[uri]["createdAt"], reverse=True,
        )  # fmt: skip
        page = [self._post(uri) | {"reason": "mention", "isRead": False} for uri in notes[start : start + limit]]
        more = {"cursor": str(start + limit)} if len(notes) > start + limit else {}
        return says_json({"notifications": page} | more)


def _expired() -> Says:
    return says_json({"error": "ExpiredToken", "message": "Token has expired"}, 400)


def _parts(uri: str) -> tuple[str, str]:
    did, _, path = uri.removeprefix("at://").partition("/")
    return did, path


def id_of(uri: str) -> str:
    return uri.removeprefix("at://").replace("/app.bsky.feed.", "/")


class StreamPeer(Peer):
    """Everything, by `jetstream`, the `older` form of it, or `firehose`."""

    def __init__(self, network: Network, way: str) -> None:
        self.network, self.way = network, way

    @property
    def settings(self) -> dict[str, Any]:
        relay = self.network.relay + ("/subscribe" if self.way == "older" else "")
        stream = "firehose" if self.way == "firehose" else "jetstream"
        return {"stream": stream, "relay": relay, "appview": self.network.http.url}

    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "") -> str:
        if repeats:
            uri = "at://" + repeats.replace("/post/", "/app.bsky.feed.post/")
            subject = {"uri": uri, "cid": frames.cid_text(frames.cbor(self.network.records[uri]))}
            return id_of(self.network.write(author, {"subject": subject}, "app.bsky.feed.repost"))
        return id_of(self.network.write(author, {"text": text, "langs": ["en"]}))

    def edit(self, id: str, text: str) -> None:
        self.network.rewrite(_uri(id), text=text)

    def delete(self, id: str) -> None:
        self.network.remove(_uri(id))

    def fail(self, how: str) -> None:
        self.network.break_down(how)


class MentionsPeer(Peer):
    """Our account's notifications."""

    def __init__(self, network: Network) -> None:
        self.network = network

    @property
    def settings(self) -> dict[str, Any]:
        url = self.network.http.url
        signs_in = {"handle": OURS, "app_password": SECRET}
        return {"reads": "mentions", "service": url, "appview": url, "every": 5} | signs_in

    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "") -> str:
        """A repost notifies nobody here."""
        return "none" if repeats else id_of(self.network.write(author, {"text": text, "langs": ["en"]}))

    def delete(self, id: str) -> None:
        self.network.remove(_uri(id))

    def refuse(self) -> None:
        self.network.refuses = True

    def admit(self) -> None:
        self.network.refuses = False

    def fail(self, how: str) -> None:
        self.network.break_down(how)


def _uri(id: str) -> str:
    return "at://" + id.replace("/post/", "/app.bsky.feed.post/")


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """Runs for as long as the block does."""
    one = Network()
    try:
        yield one
    finally:
        one.stop()
