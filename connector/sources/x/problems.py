"""What X says instead of an answer, as the error that says what to do next.

`client.py` and `stream.py` hand over status, headers and body; `refusal` gives the error, in our own words: X's
details name accounts and quote rules. Times are counted by X's own clock, which it tells with every answer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from connector.errors import AdapterError, AuthError, RefusedError, SpentError, TemporaryError
from connector.models import GapCause
from connector.sources._http import LONGEST_WAIT, Answer
from connector.sources.x.governor import SOON

PERSONAL = re.compile(r"(?i)@\w+|\b(from|to|retweets_of|from_affiliate_of|to_affiliate_of|bio|bio_name):\S+")
NUMBERS = re.compile(r"\d{9,}")
NOT_ENROLLED = frozenset({"client-forbidden", "unsupported-authentication", "client-not-enrolled"})


class ProblemError(RefusedError):
    """X said no to this one request; `said` is X's own wording, never to be shown: it may quote a rule."""

    def __init__(
        self, message: str, adapter: str, status: int, kind: str, parameters: frozenset[str], said: str = ""
    ) -> None:
        super().__init__(message, adapter)
        self.status, self.kind, self.parameters, self.said = status, kind, parameters, said


class Problem(msgspec.Struct):
    """X's problem body, as far as it is used; `kind` is the last part of its type."""

    kind: str = ""
    title: str = ""
    detail: str = ""
    reason: str = ""
    connection_issue: str = ""
    """Why no stream was opened; `messages.py` knows what they mean."""
    said: str = ""
    """Of its `errors`, the first message."""
    parameters: frozenset[str] = frozenset()


def refusal(answer: Answer, name: str) -> AdapterError:
    """The error for an answer that is no success; `name` is the source's."""
    status, problem = answer.status, problem_of(answer.body)
    if 300 <= status < 400:
        return AuthError(f"X's address has moved ({status}); mend `endpoint` in the settings.", name)
    if status == 401:
        return AuthError("X refuses the bearer token (401). Put a valid one into `bearer_token`.", name)
    if status == 402 or problem.title == "CreditsDepleted":
        return SpentError("X's credits are used up (402). Buy some in X's developer console.", name)
    if status == 403:
        return _forbidden(problem, name)
    if status == 429:
        return _too_many(answer, problem, name)
    if status >= 500 or status == 408:
        return TemporaryError(f"X fails at the moment ({status}).", name, cause=GapCause.DISCONNECT)
    told = f"“{plain(problem.said or problem.detail or problem.title)}”" if problem.title else "without a reason"
    return ProblemError(
        f"X refused it ({status}, {told}).", name, status, problem.kind, problem.parameters, problem.said
    )


def _forbidden(problem: Problem, name: str) -> AdapterError:
    if problem.kind in NOT_ENROLLED or problem.reason in NOT_ENROLLED:
        return AuthError(
            "X says that this app may not use this part of its API (403). In X's developer console, put the app into "
            "a project whose plan has it, and use the bearer token of that app.",
            name,
        )
    if not (problem.detail or problem.said):
        return AuthError("X forbids it without a reason (403). Look at the app in X's developer console.", name)
    told = plain(problem.said or problem.detail)
    return ProblemError(f"X forbids it (403, “{told}”).", name, 403, problem.kind, problem.parameters)


def _too_many(answer: Answer, problem: Problem, name: str) -> AdapterError:
    if problem.kind == "usage-capped":
        return SpentError("X's cap on posts in a month is reached (429). Raise it in X's developer console.", name)
    wait = until_reset(answer.headers)
    return TemporaryError(
        "X asks to come back later: too many calls (429).", name, SOON if wait is None else wait, GapCause.RATE_LIMIT
    )


def until_reset(headers: Mapping[str, str]) -> float | None:
    """Seconds until calls are allowed again; None if X does not say, or if calls are left."""
    told = {name.lower(): value for name, value in headers.items()}
    try:
        if int(told.get("x-rate-limit-remaining", "0")) > 0:
            return None
        wait = float(told["x-rate-limit-reset"]) - parsedate_to_datetime(told["date"]).timestamp()
    except (KeyError, ValueError):
        return None
    # `Date` has no fractions: a second more is never too early.
    return min(max(wait, 0.0) + 1, LONGEST_WAIT) if math.isfinite(wait) else None


def problem_of(body: bytes) -> Problem:
    """What can be understood of a problem body; nothing of a web page."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return Problem()
    if not isinstance(value, dict):
        return Problem()
    errors = value.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    top = value if "title" in value or "type" in value else first
    parameters = first.get("parameters")
    return Problem(
        kind=_text(top, "type").rpartition("/")[2],
        title=_text(top, "title"),
        detail=_text(top, "detail"),
        reason=_text(top, "reason"),
        connection_issue=_text(top, "connection_issue"),
        said=_text(first, "message"),
        parameters=frozenset(map(str, parameters)) if isinstance(parameters, dict) else frozenset(),
    )


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def plain(words: str, limit: int = 200) -> str:
    """X's words, fit for a screen: on one line, without handles or long numbers."""
    said = NUMBERS.sub("…", PERSONAL.sub("…", " ".join("".join(c if c.isprintable() else " " for c in words).split())))
    return said if len(said) <= limit else said[: limit - 1].rstrip() + "…"
