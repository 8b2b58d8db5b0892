"""Which posts that we hold are gone from X: by batch compliance, or by looking up a few.

A job of batch compliance reads no post and so costs nothing, but takes five calls and some minutes, and an account runs
one at a time. Up to a hundred posts can be looked up instead, by one call that is answered at once; those that still
stand count as reads. So a few are looked up where reads have no price and the month's limit leaves room for them; else
there is a job. Facts: https://docs.x.com/x-api/compliance/batch-compliance. Called by `source.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import msgspec
import structlog

from connector.errors import SpentError, TemporaryError
from connector.incoming import Deleted
from connector.models import GapCause
from connector.sources import Budget, Stopping
from connector.sources.x.client import Client, StoppedError, unreadable
from connector.sources.x.problems import ProblemError

log = structlog.get_logger()
FEW = 100
"""Posts that can be looked up at once."""
MANY = 100_000
"""Ids in one job. X names no most; so many are 2 MB, sent well within the 15 minutes that it gives."""
BATCH = 500
"""Posts told at once."""
FIRST_LOOK, LONGEST_LOOK = 5.0, 60.0
"""Seconds between two looks at a job."""
PATIENCE = 3600.0
"""Seconds that a job may take."""
JOBS = "compliance/jobs"
RUNNING = frozenset({"created", "in_progress"})
GONE = frozenset({"delete", "redact_geo"})
"""What X asks for. Where only the place of a post was taken back (`scrub_geo`) X's pages say `delete` as well: the post
is erased here, for the place may stand in notes and e-mails too, and we must not keep it."""
UNSEEN = frozenset({"resource-not-found", "not-authorized-for-resource"})
"""Problems of a looked-up post that mean that nobody may see it any more: deleted, or its author's account suspended,
deactivated or protected."""


class _Line(msgspec.Struct, gc=False):
    """Of a job's result; its dates are not asked for."""

    id: str | int
    action: str


def vanished(
    client: Client, ids: Iterator[str], stopping: Stopping, budget: Budget, few: int = FEW, many: int = MANY
) -> Iterator[Sequence[Deleted]]:
    """Which of these posts must go; up to `few` are looked up, `many` are in a job at most."""
    asked = (id for id in ids if id.isascii() and id.isdecimal())
    try:
        chunk = list(islice(asked, many))
        found = _looked_up(client, chunk, stopping, budget) if 0 < len(chunk) <= few else None
        while chunk:
            if found is None and (found := _by_job(client, chunk, stopping)) is None:
                return
            yield from (found[at : at + BATCH] for at in range(0, len(found), BATCH))
            chunk, found = list(islice(asked, many)), None
    except StoppedError:
        return


# -- looking up --------------------------------------------------------------------------------------------------------


def _looked_up(client: Client, ids: list[str], stopping: Stopping, budget: Budget) -> list[Deleted] | None:
    """None: the month's limit leaves no room for it."""
    try:
        granted = budget.take(len(ids), client.name)
    except SpentError:
        return None
    unused = granted
    try:
        if granted < len(ids):
            return None
        answer = client.get("tweets", {"ids": ",".join(ids)}, stopping)
        unused -= len(_list(answer.get("data")))
    finally:
        budget.give_back(unused)
    gone = [str(one.get("resource_id") or one.get("value")) for one in _list(answer.get("errors")) if _is_unseen(one)]
    return [Deleted(id) for id in gone if id in ids]


def _is_unseen(error: dict[str, Any]) -> bool:
    # Of a post that another one refers to nothing follows.
    return error.get("parameter") == "ids" and str(error.get("type")).rpartition("/")[2] in UNSEEN


# -- a job -------------------------------------------------------------------------------------------------------------


def _by_job(client: Client, ids: list[str], stopping: Stopping) -> list[Deleted] | None:
    """None: told to stop."""
    job = _created(client, stopping)
    if job is None:
        return None
    client.upload(_text(client, job, "upload_url"), "\n".join(ids).encode(), stopping)
    for waited in _looks():
        if stopping(waited):
            return None
        job = _object(client.get(f"{JOBS}/{_text(client, job, 'id')}", None, stopping).get("data")) or job
        if job.get("status") == "complete":
            result = client.download(_text(client, job, "download_url"), stopping)
            return _gone(client, result, frozenset(ids))
        if job.get("status") not in RUNNING:
            raise TemporaryError("X broke a compliance job off; it is asked again.", client.name)
    raise TemporaryError("X did not end a compliance job within an hour; it is asked again.", client.name)


def _created(client: Client, stopping: Stopping) -> dict[str, Any] | None:
    """A new job, after the account's other one, if there is one, has ended; None: told to stop."""
    refused: ProblemError | None = None
    for waited in _looks():
        try:
            return _object(client.post(JOBS, {"type": "tweets"}, None, stopping).get("data"))
        except ProblemError as error:
            refused = error
            # X does not document how it refuses a second job, so its list of jobs decides.
            jobs = _list(client.get(JOBS, {"type": "tweets"}, stopping).get("data"))
            if not any(job.get("status") in RUNNING for job in jobs):
                raise
        if stopping(waited):
            return None
    raise TemporaryError(
        "X runs another compliance job of this account for an hour now; it is asked again.",
        client.name, cause=GapCause.DISCONNECT,
    ) from refused  # fmt: skip


def _looks() -> Iterator[float]:
    """Seconds to wait before each look, growing, an hour in all."""
    total, wait = 0.0, FIRST_LOOK
    while total < PATIENCE:
        yield wait
        total, wait = total + wait, min(wait * 1.5, LONGEST_LOOK)


def _gone(client: Client, result: bytes, asked: frozenset[str]) -> list[Deleted]:
    """What stands in a job's result. Lines that cannot be read, or ask for something unknown, are counted: on a doubt
    nothing is erased."""
    lines = [line for line in result.splitlines() if line.strip()]
    read = [id for line in lines if (id := _id_of(line)) in asked]
    if len(read) < len(lines):
        log.warning(
            "lines of a compliance job were passed over", source=client.name, lines=len(lines) - len(read)
        )  # fmt: skip
    return [Deleted(id) for id in dict.fromkeys(read)]


def _id_of(line: bytes) -> str:
    """Of the post that this line says is gone; empty: it says something else."""
    try:
        found = msgspec.json.decode(line, type=_Line)
    except (msgspec.MsgspecError, ValueError):
        return ""
    return str(found.id) if found.action in GONE else ""


def _text(client: Client, job: dict[str, Any], name: str) -> str:
    value = job.get(name)
    if not isinstance(value, str) or not value:
        raise unreadable(client.name)
    return value


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
