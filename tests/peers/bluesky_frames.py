"""What the small network sends on its streams: an entry of its log, in the words of each of the three protocols."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import libipld

Frame = str | bytes


@dataclass
class Entry:
    """Something that happened: create, update or delete of a record, identity, account; or broken, error: a frame;
    told: one that was."""

    at: int
    kind: str
    did: str
    path: str = ""
    record: dict[str, Any] = field(default_factory=dict)
    seq: int = 0

    @property
    def time(self) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.at)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    @property
    def is_record(self) -> bool:
        return self.kind in ("create", "update", "delete")


@dataclass(frozen=True)
class Way:
    """A protocol: where reading begins, and an entry as a frame; None: not told there."""

    begin: Callable[[Sequence[Entry], int | None, int], tuple[int | None, Sequence[Frame]]]
    frame: Callable[[Entry], Frame | None]


# -- Jetstream ---------------------------------------------------------------------------------------------------------


def jetstream(entry: Entry) -> str | None:
    """As `network.bsky.jetstream.subscribeEvents` says it, for posts alone."""
    if entry.kind == "broken":
        return '{"$type": "message", "payload": {"text": "'
    if entry.kind in ("error", "told"):
        return json.dumps({"$type": "error", "error": entry.did}) if entry.kind == "error" else None
    common = {"seq": entry.seq, "did": entry.did, "time": entry.time, "witnessedAt": entry.time}
    if entry.is_record:
        commit = _commit(entry)
        return _message("commit", common | commit) if commit["collection"] == "app.bsky.feed.post" else None
    inner = {"seq": 7, "did": entry.did, "time": entry.time} | entry.record
    return _message(entry.kind, common | {entry.kind: inner})


def older_jetstream(entry: Entry) -> str | None:
    """As `/subscribe` says it."""
    if entry.kind in ("broken", "error", "told"):
        return "{" if entry.kind == "broken" else None
    common = {"did": entry.did, "time_us": entry.at}
    if entry.is_record:
        commit = _commit(entry)
        return json.dumps(common | {"kind": "commit", "commit": commit}) if _is_post(entry) else None
    inner = {"seq": 7, "did": entry.did, "time": entry.time} | entry.record
    return json.dumps(common | {"kind": entry.kind, entry.kind: inner})


def _is_post(entry: Entry) -> bool:
    return entry.path.startswith("app.bsky.feed.post/")


def _commit(entry: Entry) -> dict[str, Any]:
    collection, _, rkey = entry.path.partition("/")
    told = {"record": entry.record, "cid": cid_text(cbor(entry.record))} if entry.kind != "delete" else {}
    return {"rev": "3l3qo2vutsw2b", "operation": entry.kind, "collection": collection, "rkey": rkey} | told


def _message(kind: str, payload: dict[str, Any]) -> str:
    return json.dumps(
        {"$type": "message", "payload": {"$type": f"network.bsky.jetstream.subscribeEvents#{kind}"} | payload}
    )


def _by_time(log: Sequence[Entry], cursor: int | None, floor: int) -> tuple[int, Sequence[Frame]]:
    if cursor is None:
        return len(log), ()
    first = next((index for index, entry in enumerate(log) if entry.at >= cursor), len(log))
    if first >= floor:
        return first, ()
    return floor, [_message("info", {"name": "OutdatedCursor", "message": "clamped"})]


def _by_time_silently(log: Sequence[Entry], cursor: int | None, floor: int) -> tuple[int, Sequence[Frame]]:
    return _by_time(log, cursor, floor)[0], ()


# -- firehose ----------------------------------------------------------------------------------------------------------


def firehose(entry: Entry) -> bytes | None:
    """As `com.atproto.sync.subscribeRepos` says it."""
    if entry.kind == "broken":
        return b"\xff\xff"
    if entry.kind in ("error", "told"):
        return cbor({"op": -1}) + cbor({"error": entry.did}) if entry.kind == "error" else None
    common = {"seq": entry.seq, "time": entry.time}
    if not entry.is_record:
        return cbor({"op": 1, "t": f"#{entry.kind}"}) + cbor(common | {"did": entry.did} | entry.record)
    record = cbor(linked(entry.record)) if entry.kind != "delete" else b""
    tree = cbor({"e": [], "l": None})
    blocks = [(cid(tree), tree)] + ([(cid(record), record)] if record else [])
    op = {"action": entry.kind, "path": entry.path, "cid": cid(record) if record else None}
    body = common | {
        "repo": entry.did, "commit": cid(tree), "rev": "3l3qo2vutsw2b", "since": None, "blocks": _car(blocks),
        "ops": [op], "blobs": [], "rebase": False, "tooBig": False,
    }  # fmt: skip
    return cbor({"op": 1, "t": "#commit"}) + cbor(body)


def _by_number(log: Sequence[Entry], cursor: int | None, floor: int) -> tuple[int | None, Sequence[Frame]]:
    if cursor is None:
        return len(log), ()
    last = log[-1].seq if log else 0
    if cursor > last:
        return None, [cbor({"op": -1}) + cbor({"error": "FutureCursor"})]
    first = next((index for index, entry in enumerate(log) if entry.seq > cursor), len(log))
    if first >= floor:
        return first, ()
    return floor, [cbor({"op": 1, "t": "#info"}) + cbor({"name": "OutdatedCursor"})]


def _car(blocks: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A content archive (https://ipld.io/specs/transport/car/carv1)."""
    head = cbor({"version": 1, "roots": [blocks[0][0]]})
    return _varint(len(head)) + head + b"".join(_varint(len(name) + len(b)) + name + b for name, b in blocks)


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def cbor(value: Any) -> bytes:
    return libipld.encode_dag_cbor(value)


def cid(block: bytes) -> bytes:
    return bytes([1, 0x71, 0x12, 0x20]) + hashlib.sha256(block).digest()


def cid_text(block: bytes) -> str:
    return "b" + base64.b32encode(cid(block)).decode().rstrip("=").lower()


def linked(value: Any) -> Any:
    """A record as CBOR holds it: links are bytes."""
    if isinstance(value, dict):
        return link(value["$link"]) if set(value) == {"$link"} else {k: linked(v) for k, v in value.items()}
    return [linked(one) for one in value] if isinstance(value, list) else value


def link(name: str) -> bytes:
    return base64.b32decode(name[1:].upper() + "=" * (-len(name[1:]) % 8))


WAYS = {
    "/xrpc/network.bsky.jetstream.subscribeEvents": Way(_by_time, jetstream),
    "/subscribe": Way(_by_time_silently, older_jetstream),
    "/xrpc/com.atproto.sync.subscribeRepos": Way(_by_number, firehose),
}
