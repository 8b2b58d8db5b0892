"""Facebook's Graph API on loopback, as developers.facebook.com/docs/graph-api tells it: one Page with its feed, its
comments, posts that tag it, batches and errors. It can be told to misbehave.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.contracts import HANDLE, SECRET
from tests.servers import Asked, HttpServer, Says, says_json
from tests.source_contract import OURS, Peer

PAGE_ID = "104455667788990"
VERSION = "v26.0"
TOKEN_HEADER = f"Bearer {SECRET}"
Said = tuple[int, Any]
"""Status and content."""


class FacebookPeer(Peer):
    """`names` False: it does not say who wrote what; `app_secret`: every call must bring the proof of it."""

    def __init__(self, names: bool = True, app_secret: str = "") -> None:
        self.names, self.app_secret = names, app_secret
        self.feed: dict[str, dict[str, Any]] = {}
        self.tagged: dict[str, dict[str, Any]] = {}
        self.comments: dict[str, dict[str, dict[str, Any]]] = {}
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.lacks: set[str] = set()
        """Edges that our token may not read."""
        self.lists: dict[str, dict[str, Any]] = {}
        """Posts that the feed lists although they are gone."""
        self.batched: dict[str, Any] = {}
        """Answers of a batch, by the id that is asked for."""
        self.sorts = True
        """Newest first; else as they were written."""
        self.too_much = 0
        """More posts than this at once are too much for it; 0: none."""
        self._error: dict[str, Any] = {}
        self._fault = ""
        self._lock = threading.RLock()
        self._number = 0
        self._server = HttpServer().then(self._answer)

    @property
    def settings(self) -> dict[str, Any]:
        proof = {"app_secret": self.app_secret} if self.app_secret else {}
        return {"server": self._server.url, "page_id": PAGE_ID, "access_token": SECRET} | proof

    def stop(self) -> None:
        self._server.stop()

    # -- what happens there ------------------------------------------------------------------------------------------

    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "", **fields: Any) -> str:
        """On the Page's feed; a repost is one that the Page shares."""
        with self._lock:
            made = self._object(f"{PAGE_ID}_", text, author) | fields
            if repeats:
                made |= {"parent_id": repeats, "message": "", "from": self._from(OURS)}
            self.feed[made["id"]] = made
            return str(made["id"])

    def tag(self, text: str, author: str = HANDLE[1:]) -> str:
        """Elsewhere, but it tags the Page."""
        with self._lock:
            made = self._object("998877_", text, author)
            made["message_tags"] = [{"id": PAGE_ID, "name": "Port Alder", "type": "page", "offset": 0, "length": 10}]
            self.tagged[made["id"]] = made
            return str(made["id"])

    def comment(self, post: str, text: str, author: str = HANDLE[1:], parent: str = "", ago: float = 0) -> str:
        with self._lock:
            made = self._object(f"{post.rpartition('_')[2]}_", text, author, ago)
            made |= {"parent": {"id": parent}} if parent else {}
            del made["updated_time"]
            self.comments.setdefault(post, {})[made["id"]] = made
            self.feed[post]["updated_time"] = _time()
            return str(made["id"])

    def edit(self, id: str, text: str) -> None:
        with self._lock:
            self.feed[id] |= {"message": text, "updated_time": _time()}

    def delete(self, id: str) -> None:
        with self._lock:
            for held in (self.feed, self.tagged, *self.comments.values()):
                held.pop(id, None)

    def refuse(self, code: int = 190, subcode: int = 463, **more: Any) -> None:
        says = {"message": f"Error validating {SECRET} of {HANDLE}", "type": "OAuthException", "code": code}
        self._error = says | {"error_subcode": subcode, "fbtrace_id": "EJplcsCHuLu"} | more

    def admit(self) -> None:
        self._error = {}

    def fail(self, how: str) -> None:
        self._fault = how

    def _object(self, prefix: str, text: str, author: str, ago: float = 0) -> dict[str, Any]:
        self._number += 1
        at = _time(ago)
        made = {"id": f"{prefix}{2_000_000 + self._number}", "message": text, "created_time": at, "updated_time": at}
        return made | ({"from": self._from(author)} if self.names or author == OURS else {})

    def _from(self, author: str) -> dict[str, str]:
        return {"id": PAGE_ID, "name": "Port Alder"} if author == OURS else {"id": author, "name": "A Person"}

    # -- what is answered --------------------------------------------------------------------------------------------

    def _answer(self, asked: Asked) -> Says:
        query = parse_qs(urlencode(asked.query))
        if asked.method == "POST":
            assert asked.field["access_token"] == SECRET
            query = {name: [value] for name, value in asked.fields if name == "appsecret_proof"}
        with self._lock:
            self.asked.append((asked.path, query))
            fault, self._fault = self._fault, ""
            if fault:
                return _fault(fault)
            status, content = self._said(asked, query)
            return says_json(content, status)

    def _said(self, asked: Asked, query: dict[str, list[str]]) -> Said:
        if self._error:
            return 400, {"error": self._error}
        if asked.headers.get("Authorization") != TOKEN_HEADER:
            return _error(190, "Invalid OAuth access token - Cannot parse access token", 401)
        if self.app_secret and query.get("appsecret_proof") != [proof(self.app_secret)]:
            return _error(100, "Invalid appsecret_proof provided in the API argument")
        if asked.method == "POST":
            return 200, self._batch(asked.field)
        return self._found(asked.path.removeprefix(f"/{VERSION}/"), query)

    def _batch(self, fields: dict[str, str]) -> list[dict[str, Any] | None]:
        told: list[dict[str, Any] | None] = []
        calls = json.loads(fields["batch"])
        assert len(calls) <= 50
        for call in calls:
            parts = urlsplit(call["relative_url"])
            if parts.path in self.batched:
                told.append(self.batched[parts.path])
                continue
            status, content = self._found(parts.path, parse_qs(parts.query))
            told.append({"code": status, "body": json.dumps(content)})
        return told

    def _found(self, path: str, query: dict[str, list[str]]) -> Said:
        of, _, edge = path.partition("/")
        if edge in self.lacks:
            return _error(10, "(#10) This endpoint requires the 'pages_read_user_content' permission", 403)
        if of == PAGE_ID and not edge:
            return 200, {"id": PAGE_ID, "name": "Port Alder"}
        if of == PAGE_ID and edge == "feed":
            return self._part(
                path, [*self.lists.values(), *(self._listed(one, query) for one in self.feed.values())], query
            )
        if of == PAGE_ID and edge == "tagged":
            return self._part(path, list(self.tagged.values()), query)
        if edge == "comments" and of in self.feed:
            assert query["order"] == ["reverse_chronological"]
            assert query["filter"] == ["stream"]
            return self._part(path, list(self.comments.get(of, {}).values()), query)
        for held in (self.feed, self.tagged, *self.comments.values()):
            if not edge and of in held:
                return 200, {"id": of}
        return _error(100, f"Unsupported get request. Object with ID '{of}' does not exist", 400, 33)

    def _listed(self, post: dict[str, Any], query: dict[str, list[str]]) -> dict[str, Any]:
        if "summary(true)" not in query.get("fields", [""])[0]:
            return post
        number = len(self.comments.get(post["id"], {}))
        return post | {"comments": {"data": [], "summary": {"total_count": number, "can_comment": True}}}

    def _part(self, path: str, shown: list[dict[str, Any]], query: dict[str, list[str]]) -> Said:
        """Newest first, up to 100; `next` names the rest and, as Facebook does, our token."""
        since = datetime.fromtimestamp(int(query.get("since", ["0"])[0]), UTC)
        limit = min(100, int(query.get("limit", ["25"])[0]))
        if self.too_much and limit > self.too_much:
            return _error(1, "Please reduce the amount of data you're asking for, then retry your request", 500)
        if self.sorts:
            shown = [one for one in shown if datetime.fromisoformat(one["created_time"]) >= since]
            shown.sort(key=lambda one: (one["created_time"], int(one["id"].rpartition("_")[2])), reverse=True)
        start = int(query.get("after", ["0"])[0])
        part = shown[start : start + limit]
        paging: dict[str, Any] = {}
        if part:
            paging = {"cursors": {"before": str(start), "after": str(start + limit)}}
        if len(shown) > start + limit:
            onwards = {"access_token": SECRET, "limit": limit, "after": start + limit}
            paging["next"] = f"https://elsewhere.example/{VERSION}/{path}?{urlencode(onwards)}"
        return 200, {"data": part, "paging": paging}


@contextlib.contextmanager
def facebook_peer(**options: Any) -> Iterator[FacebookPeer]:
    peer = FacebookPeer(**options)
    try:
        yield peer
    finally:
        peer.stop()


def proof(app_secret: str) -> str:
    return hmac.new(app_secret.encode(), SECRET.encode(), hashlib.sha256).hexdigest()


def _time(ago: float = 0) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%S+0000")


def _error(code: int, message: str, status: int = 400, subcode: int = 0) -> Said:
    says: dict[str, Any] = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A1b2C3d4"}
    return status, {"error": says | ({"error_subcode": subcode} if subcode else {})}


def _fault(how: str) -> Says:
    match how:
        case "rate limit":
            usage = {"type": "pages", "call_count": 100, "total_cputime": 25, "total_time": 25}
            told = {PAGE_ID: [usage | {"estimated_time_to_regain_access": 1}]}
            status, content = _error(80001, "(#80001) There have been too many calls to this Page account.")
            return says_json(content, status, X_Business_Use_Case_Usage=json.dumps(told))
        case "unavailable":
            return Says(503, b"<html><body>Sorry, something went wrong.</body></html>")
        case "error":
            status, content = _error(2, "An unexpected error has occurred. Please retry your request later.", 500)
            return says_json(content, status)
        case "reset":
            return Says(how="reset")
        case _:
            return Says(200, b'{"data": [{"id": "1_2", "mess')
