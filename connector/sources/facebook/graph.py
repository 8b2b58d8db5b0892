"""Calls to Facebook's Graph API, and what its errors mean (developers.facebook.com/docs/graph-api/guides).

The token travels in a header, or in the body of a batch, never in an address: hence of `paging.next`, which holds it,
only the parameters that say where to go on are taken. The proof of the app's secret, which is of no use without the
token, does stand there: Facebook takes it nowhere else. Called by `reading.py` and `__init__.py`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from pydantic import SecretStr

from connector.errors import AdapterError, AuthError, RefusedError, TemporaryError
from connector.models import GapCause
from connector.sources import Stopping
from connector.sources._http import LONGEST_WAIT, UNREADABLE, Answer, Fields, Http

ADDRESS = "https://graph.facebook.com"
LARGEST_BATCH = 50
"""Calls; https://developers.facebook.com/docs/graph-api/batch-requests."""
_RATE_WAIT = 300.0
"""Seconds, where they say that we call too often and not for how long."""
_RATES = {4, 17, 32, 341, 613, 80001}
_TOKEN = {102, 190}
_PASSING = {1, 2}
_OLD_VERSION = 2635
_BLOCKED = 368
_WHY_TOKEN = {
    458: "the person who made it has removed the app",
    459: "Facebook asks the person who made it to log in first",
    460: "the person who made it has changed their password",
    463: "it has expired",
    464: "the account of the person who made it is not confirmed",
    467: "it is not valid any more",
    492: "the person who made it has no role on the Page any more",
}
_SECRET = {"access_token", "appsecret_proof"}

T = TypeVar("T")


class GoneError(RefusedError):
    """There is no such object, or our token may not see it."""


class TooMuchError(TemporaryError):
    """The answer would have been too large: ask for less at once."""


class _Error(msgspec.Struct):
    code: int = 0
    error_subcode: int = 0
    message: str = ""
    is_transient: bool = False

    @property
    def is_gone(self) -> bool:
        return self.code == 803 or (self.code == 100 and self.error_subcode == 33)


class _Problem(msgspec.Struct):
    error: _Error


class _Called(msgspec.Struct):
    code: int = 0
    body: str = ""


class _Usage(msgspec.Struct):
    estimated_time_to_regain_access: float = 0
    """Minutes."""


class _Links(msgspec.Struct):
    next: str = ""


class Page(msgspec.Struct):
    """A part of an edge."""

    data: Sequence[msgspec.Raw] = ()
    paging: _Links = msgspec.field(default_factory=_Links)

    @property
    def onwards(self) -> Fields:
        """The parameters that bring the next part; none if this is the last."""
        return [(k, v) for k, v in parse_qsl(urlsplit(self.paging.next).query) if k not in _SECRET]


class Graph:
    """One chain of calls for one Page."""

    def __init__(
        self, name: str, address: str, version: str, token: SecretStr, app_secret: SecretStr | None,
        stopping: Stopping | None = None,
    ) -> None:  # fmt: skip
        self.name, self._version, self._token = name, version, token
        self._http = Http(name, address, token, stopping=stopping)
        self._proof: Fields = []
        if app_secret is not None:
            proof = hmac.new(app_secret.get_secret_value().encode(), token.get_secret_value().encode(), hashlib.sha256)
            self._proof = [("appsecret_proof", proof.hexdigest())]

    def __enter__(self) -> Graph:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, params: Fields, shape: type[T]) -> T:
        """An object or a part of an edge; `path` is relative to the version."""
        answer = self._http.get(f"/{self._version}/{path}", [*params, *self._proof])
        return self._http.decoded(self._well(answer), shape)

    def gone(self, ids: Sequence[str], controls: Sequence[str]) -> list[str]:
        """Which of these objects are not shown any more; the controls are calls that must succeed, else nobody knows.

        Facebook says the same of what is deleted and of what our token may not see.
        """
        calls = [*controls, *(f"{id}?{urlencode({'fields': 'id'})}" for id in ids)]
        batch = msgspec.json.encode([{"method": "GET", "relative_url": call} for call in calls]).decode()
        token = ("access_token", self._token.get_secret_value())
        fields = [("batch", batch), ("include_headers", "false"), token, *self._proof]
        answer = self._well(self._http.post(f"/{self._version}/", fields))
        told = self._http.decoded(answer, list[_Called | None])
        for control in told[: len(controls)]:
            if control is None:
                raise TemporaryError("Facebook left a call of a batch without an answer.", self.name)
            self._well(Answer(control.code, {}, control.body.encode()))
        pairs = zip(ids, told[len(controls) :], strict=False)
        return [id for id, called in pairs if called and called.code != 200 and _error(called.body.encode()).is_gone]

    def _well(self, answer: Answer) -> Answer:
        error = _error(answer.body) if answer.status != 200 or answer.body.startswith(b'{"error"') else None
        if error is not None and error.code:
            self._raise(error, answer.headers)
        if error is not None:
            self._http.refuse(answer)
        return answer

    def _raise(self, error: _Error, headers: Mapping[str, str]) -> NoReturn:
        """Their words are not repeated: they may quote an id, a parameter, a name."""
        code, says = error.code, f"(code {error.code})"
        if code in _RATES:
            wait, cause = regained(headers) or _RATE_WAIT, GapCause.RATE_LIMIT
            raise TemporaryError(f"Facebook asks us to call less often {says}.", self.name, wait, cause)
        if "reduce the amount of data" in error.message:
            raise TooMuchError(f"Facebook cannot answer at the moment {says}.", self.name)
        if code in _PASSING or error.is_transient:
            raise TemporaryError(f"Facebook cannot answer at the moment {says}.", self.name)
        raise self._lasting(error, says)

    def _lasting(self, error: _Error, says: str) -> AdapterError:
        code = error.code
        if code in _TOKEN:
            why = _WHY_TOKEN.get(error.error_subcode, "it has expired or was withdrawn")
            mend = "make a new Page access token, set it and resume."
            return AuthError(f"Facebook refuses our token {says}: {why}. Mend it: {mend}", self.name)
        if code in (3, 10) or 200 <= code <= 299:
            need = "pages_read_engagement and pages_read_user_content"
            return AuthError(f"Our token lacks a permission {says}: make one with {need}.", self.name)
        if "appsecret_proof" in error.message:
            return AuthError("Facebook refuses the proof: `app_secret` is not that of the token's app.", self.name)
        if error.is_gone:
            return GoneError("Facebook knows no such Page, or hides it from our token: mend `page_id`.", self.name)
        if code == _BLOCKED:
            return TemporaryError(f"Facebook has blocked the app for a while {says}.", self.name, LONGEST_WAIT)
        if code == _OLD_VERSION:
            return RefusedError("Facebook serves this version of its API no more: raise `version`.", self.name)
        return RefusedError(f"Facebook does not take what we ask for {says}.", self.name)


def _error(body: bytes) -> _Error:
    """The error of an answer; one without a code if it holds none."""
    try:
        return msgspec.json.decode(body, type=_Problem).error
    except UNREADABLE:
        return _Error()


def regained(headers: Mapping[str, str]) -> float | None:
    """Seconds until we may call again, by `X-Business-Use-Case-Usage`; None if it names no time."""
    try:
        told = msgspec.json.decode(headers.get("X-Business-Use-Case-Usage", ""), type=dict[str, list[_Usage]])
    except msgspec.DecodeError:
        return None
    minutes = max((usage.estimated_time_to_regain_access for kind in told.values() for usage in kind), default=0)
    return min(LONGEST_WAIT, minutes * 60) or None
