"""What arrives on a stream, one frame at a time: Jetstream's JSON and the firehose's CBOR, both told alike.

Jetstream is spoken as `network.bsky.jetstream.subscribeEvents` and, where an older server offers only that, as
`/subscribe`; the firehose is `com.atproto.sync.subscribeRepos`. A frame of an unknown kind tells nothing and is no
fault. Called by `stream.py`; read on in `records.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import libipld
import msgspec

from connector.sources.bluesky.records import COLLECTION

_START = datetime(1970, 1, 1, tzinfo=UTC)


class CutError(Exception):
    """The server ends the stream; the text is its own name for why."""


@dataclass(frozen=True, slots=True)
class Change:
    """A post was made, changed or deleted; `raw` is JSON."""

    did: str
    rkey: str
    action: str
    record: Any = None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Told:
    """What a frame says; `seq` and `at` (microseconds since 1970) are 0 where it carries none."""

    seq: int = 0
    at: int = 0
    changes: Sequence[Change] = ()
    renamed: tuple[str, str] | None = None
    """A DID and its handle now; empty: it must be asked for."""
    notice: str = ""
    broken: str = ""
    """Why it cannot be read."""


def of_jetstream(message: bytes) -> Told:
    """Raises CutError."""
    try:
        frame = msgspec.json.decode(message)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Told(broken="a frame that is no JSON")
    if not isinstance(frame, dict):
        return Told(broken="a frame that is no object")
    if frame.get("$type") == "error":
        raise CutError(str(frame.get("error")))
    payload = frame.get("payload") if frame.get("$type") == "message" else frame
    if not isinstance(payload, dict):
        return Told(broken="a frame without content")
    kind = payload.get("kind") or str(payload.get("$type")).rpartition("#")[2]
    seq, at = _number(payload.get("seq")), _at(payload)
    match kind:
        case "commit":
            commit = payload.get("commit", payload)
            return Told(seq, at, _changes(payload.get("did"), commit, message))
        case "identity":
            return Told(seq, at, renamed=_renamed(payload.get("identity")))
        case "info":
            return Told(notice=str(payload.get("name")))
        case _:
            return Told(seq, at)


def _changes(did: Any, commit: Any, message: bytes) -> Sequence[Change]:
    if not isinstance(commit, dict) or commit.get("collection") != COLLECTION:
        return ()
    return [Change(str(did), str(commit.get("rkey")), str(commit.get("operation")), commit.get("record"), message)]


def of_firehose(message: bytes) -> Told:
    """Raises CutError."""
    try:
        header, body = libipld.decode_dag_cbor_multi(message)
    except (ValueError, RecursionError):
        return Told(broken="a frame that is no pair of CBOR objects")
    if not isinstance(header, dict) or not isinstance(body, dict):
        return Told(broken="a frame that is no pair of CBOR objects")
    if header.get("op") == -1:
        raise CutError(str(body.get("error")))
    seq, at = _number(body.get("seq")), _at(body)
    match header.get("t"):
        case "#commit":
            return _commit(seq, at, body)
        case "#identity":
            return Told(seq, at, renamed=_renamed(body))
        case "#info":
            return Told(notice=str(body.get("name")))
        case _:
            return Told(seq, at)


def _commit(seq: int, at: int, body: dict[str, Any]) -> Told:
    ops = body.get("ops")
    named = [(op, str(op.get("path"))) for op in (ops if isinstance(ops, list) else ()) if isinstance(op, dict)]
    wanted = [(op, path.rpartition("/")[2]) for op, path in named if path.startswith(f"{COLLECTION}/")]
    if not wanted:
        return Told(seq, at)
    records: dict[bytes, Any] = {}
    if any(op.get("action") != "delete" for op, _ in wanted):
        try:
            _, records = libipld.decode_car(body.get("blocks") or b"")
        except (TypeError, ValueError, RecursionError):
            return Told(seq, at, broken="a commit whose blocks cannot be read")
    return Told(seq, at, [_change(str(body.get("repo")), rkey, op, records) for op, rkey in wanted])


def _change(did: str, rkey: str, op: dict[str, Any], records: dict[bytes, Any]) -> Change:
    cid = op.get("cid")
    record = records.get(cid) if isinstance(cid, bytes) else None
    return Change(did, rkey, str(op.get("action")), record, _json(record))


def _json(record: Any) -> bytes:
    """Empty where it cannot be written so: then it is asked for its details instead."""
    try:
        return msgspec.json.encode(record)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return b""


def _renamed(identity: Any) -> tuple[str, str] | None:
    if not isinstance(identity, dict) or not isinstance(did := identity.get("did"), str):
        return None
    handle = identity.get("handle")
    return did, handle if isinstance(handle, str) and handle != "handle.invalid" else ""


def _at(payload: dict[str, Any]) -> int:
    return _number(payload.get("time_us")) or micros(payload.get("witnessedAt") or payload.get("time"))


def _number(value: Any) -> int:
    return value if isinstance(value, int) and 0 < value < 2**63 else 0


def micros(written: Any) -> int:
    """Microseconds since 1970 of a time written out; 0 where it is none."""
    try:
        moment = datetime.fromisoformat(written)
        return max(0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _START) // timedelta(microseconds=1))
    except (TypeError, ValueError, OverflowError):
        return 0


def moment(at: int) -> datetime:
    """The time of so many microseconds; that of now where they are none."""
    try:
        return _START + timedelta(microseconds=at) if at else datetime.now(UTC)
    except OverflowError:
        return datetime.now(UTC)
