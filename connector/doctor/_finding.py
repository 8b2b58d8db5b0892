"""What a check says; one that breaks says so like any other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from connector.errors import ConnectorError


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is well, and a sentence on it: if it is not well, what to do."""

    what: str
    ok: bool
    says: str


def guarded(what: str, check: Callable[..., Iterator[Finding]], *args: Any) -> list[Finding]:
    """What a check finds; an error ends it and is a finding itself."""
    found: list[Finding] = []
    try:
        for finding in check(*args):
            found.append(finding)
    except ConnectorError as error:
        found.append(Finding(what, False, str(error)))
    except OSError as error:
        found.append(Finding(what, False, f"{error.filename or 'The system'}: {error.strerror}"))
    except Exception as error:  # noqa: BLE001 - the text of a foreign exception may hold a secret
        found.append(Finding(what, False, f"The check itself broke ({type(error).__name__}); please report it"))
    return found
