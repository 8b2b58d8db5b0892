"""What can go wrong, named by what to do next.

Every module raises these, the pages and the command line show them: a message is a sentence fit for a
screen, without a secret, a handle or the text of a post. Read on in `deliver.py`, which decides by these
classes whether a request is tried again, looked up or handed back.

    ConnectorError
    ├─ ConfigError           the operator mends the settings
    ├─ RuleError             the author mends the rule
    ├─ AlreadyDecidedError   someone was faster
    ├─ ForbiddenError        this person's role may not do it
    ├─ WorkerRunningError    another worker holds this database
    └─ AdapterError
       ├─ TemporaryError     surely not delivered; try again
       ├─ UnclearError       perhaps delivered; look it up, never send blindly
       ├─ RefusedError       they said no to this one
       ├─ AuthError          the credential is refused; pause the adapter
       └─ SpentError         the month's budget is used up; read on when there is a new one
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from typing import Any


class ConnectorError(Exception):
    """The root; its text can be shown to a person as it is."""


class ConfigError(ConnectorError):
    """A setting is missing or wrong: the text names the setting and the file or variable it stands in."""


class RuleError(ConnectorError):
    """A rule cannot be read: `position` (0-based, in characters) and `length` say where."""

    def __init__(self, message: str, position: int = 0, length: int = 1, suggestion: str = "") -> None:
        super().__init__(message)
        self.position, self.length, self.suggestion = position, length, suggestion


class AlreadyDecidedError(ConnectorError):
    """Someone else decided first: the text says who, what and when."""


class ForbiddenError(ConnectorError):
    """Whoever asks may not do it, or is not known: the text says what they may not, and whom to ask."""


class WorkerRunningError(ConnectorError):
    """Another worker holds this database."""


class AdapterError(ConnectorError):
    """A source or channel failed; `adapter` is its configured name."""

    def __init__(self, message: str, adapter: str = "") -> None:
        super().__init__(message)
        self.adapter = adapter


class TemporaryError(AdapterError):
    """Surely not delivered: safe to try again, after `retry_after` seconds if they named a time.

    A source may add why posts may be missed meanwhile: the value of a `models.GapCause`.
    """

    def __init__(self, message: str, adapter: str = "", retry_after: float | None = None, cause: str = "") -> None:
        super().__init__(message, adapter)
        self.retry_after, self.cause = retry_after, cause


class UnclearError(AdapterError):
    """Perhaps delivered: the answer was lost or unreadable."""


class RefusedError(AdapterError):
    """They said no to this one; the text is their reason."""


class AuthError(AdapterError):
    """The credential is refused."""


class SpentError(AdapterError):
    """The platform's credits or our own monthly limit are used up."""


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what lies below it: libraries wrap each other's."""
    seen: set[int] = set()
    waiting: list[Any] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]


def whereabouts(error: Exception) -> dict[str, str]:
    """Kind and place of a foreign error, for a log line."""
    # The message of a foreign exception may quote a post or a key: its kind and place must do.
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return {"kind": type(error).__name__, "at": f"{frame.filename}:{frame.lineno}"}
