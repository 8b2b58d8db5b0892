"""HTTP for the channels: one call, one connection, and every failure as the error that says what to do next.

Was the request delivered? Surely not while its body was never asked for: no connection, no TLS, a reset before. From
then on a failure is unclear. Connections are never reused, so a stale one cannot be mistaken for a lost answer, and
redirects are never followed, because they would turn a POST into a GET and carry the key to another host. Called by
`open311.py`; read on in `connector/errors.py`.
"""

from __future__ import annotations

import io
import re
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NoReturn
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import requests
import urllib3

from connector.dispatch._text import quoted
from connector.errors import AdapterError, AuthError, RefusedError, TemporaryError, UnclearError, causes

LARGEST = 16 * 1024 * 1024
"""Bytes; a longer answer is not read to its end."""
KEY_WORDS = re.compile(r"(?i)\bapi[ _-]?key\b|\b(credential|password|access token|authenticat|unauthori[sz]ed)")
DOWN_WORDS = re.compile(
    r"(?i)\b(is|are|currently|temporarily) (down|offline|unavailable|not available|overloaded)\b"
    r"|\bmaintenance\b|\btry again\b|\bservice unavailable\b|\brate limit|\btoo many requests\b"
)
UNSURE_WORDS = re.compile(r"(?i)\bgeneral service error\b|\binternal (server )?error\b|\btime(d)?[ -]?out\b")

SLOW = (TimeoutError, requests.Timeout, urllib3.exceptions.ReadTimeoutError)
"""Not urllib3's `TimeoutError`: there a refused connection is one, too."""

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said, read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class _Body(io.BytesIO):
    """A request body that knows whether it was asked for: only then can anything have arrived."""

    asked_for = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.asked_for = True
        return super().read(size)


class Http:
    """Calls for one channel; `name` is put into the errors, `timeout` is in seconds and for one whole answer."""

    def __init__(self, name: str, timeout: float) -> None:
        self.name, self.timeout = name, timeout

    def get(self, url: str, params: Fields = ()) -> Answer:
        """Their answer, whatever its status; TemporaryError when there is none, for nothing was to be delivered."""
        return self._call("GET", url, params, None)

    def post(self, url: str, fields: Fields, params: Fields = ()) -> Answer:
        """Their answer to a form; Temporary- or UnclearError when there is none."""
        return self._call("POST", url, params, _Body(urlencode(fields).encode("ascii")))

    def _call(self, method: str, url: str, params: Fields, body: _Body | None) -> Answer:
        started = time.monotonic()
        headers = {"Connection": "close", "Accept-Encoding": "identity", "User-Agent": "connector"}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        limits = (self.timeout / 4, self.timeout * 3 / 4)
        try:
            with requests.Session() as session:
                session.auth = _nobody  # else requests looks for a password in ~/.netrc
                with session.request(
                    method, url, params=list(params), data=body, headers=headers,
                    timeout=limits, allow_redirects=False, stream=True,
                ) as answer:  # fmt: skip
                    return Answer(answer.status_code, answer.headers, _read(answer, started + self.timeout))
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise self._lost(error, sent=body is not None and body.asked_for) from error

    def _lost(self, error: Exception, sent: bool) -> AdapterError:
        """No answer, or half of one."""
        below = list(causes(error))
        slow = any(isinstance(cause, SLOW) for cause in below)
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return AuthError("The server's address cannot be used; mend it in the settings.", self.name)
        if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in below):
            return AuthError(
                "The server's certificate is not trusted; nothing was sent. Mend it, then resume.", self.name
            )
        if sent:
            how = f"did not answer within {self.timeout:g} s" if slow else "broke off the connection"
            return UnclearError(f"The server {how}; the request may have arrived.", self.name)
        if isinstance(error, requests.exceptions.SSLError):
            return TemporaryError("No encrypted connection to the server came about.", self.name)
        how = f"did not answer within {self.timeout:g} s" if slow else "cannot be reached"
        return TemporaryError(f"The server {how}.", self.name)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Turns an answer that is no success into our error.

    `sending` says whether anything was to be delivered: else an unclear answer is merely temporary. `secrets` and
    `posts` are what their words must not repeat.
    """

    name: str
    sending: bool
    secrets: tuple[str, ...] = ()
    posts: tuple[str, ...] = ()

    def refuse(self, answer: Answer, words: str, code: int | None = None) -> NoReturn:
        """Raise by HTTP status, or by `code` in the body where the status is a general 2xx or 400."""
        status = code if code and (answer.status < 300 or answer.status == 400) else answer.status
        variants = {form(secret) for secret in self.secrets for form in (str, quote, quote_plus)}
        said = quoted(words, variants, self.posts)
        told = f"“{said}”" if said else "without a reason"
        if 300 <= status < 400:
            host = urlsplit(answer.headers.get("Location", "")).netloc.rpartition("@")[2] or "another address"
            if status in (301, 307, 308):
                raise AuthError(f"The server has moved to {quoted(host)}; mend its address in the settings.", self.name)
            self.unreadable(f"pointed elsewhere ({status})")
        if status in (408, 425, 429, 503):
            after = retry_after(answer.headers.get("Retry-After", ""))
            raise TemporaryError(f"The server asks to come back later ({status}, {told}).", self.name, after)
        if status in (401, 407) or (status == 403 and not said) or (status < 500 and KEY_WORDS.search(said)):
            raise AuthError(f"The server refuses our credential ({status}, {told}).", self.name)
        if status >= 500:
            self.unreadable(f"failed ({status}, {told})")
        if status == 400 and DOWN_WORDS.search(said):
            after = retry_after(answer.headers.get("Retry-After", ""))
            raise TemporaryError(f"The server cannot take requests now ({status}, {told}).", self.name, after)
        if status == 400 and UNSURE_WORDS.search(said):
            self.unreadable(f"failed ({status}, {told})")
        raise RefusedError(f"The server refused it ({status}, {told}).", self.name)

    def unreadable(self, how: str = "gave an answer that cannot be read") -> NoReturn:
        """Raise for an answer that leaves open what became of the request."""
        if self.sending:
            raise UnclearError(f"The server {how}; the request may have arrived.", self.name)
        raise TemporaryError(f"The server {how}.", self.name)


def retry_after(header: str) -> float | None:
    """Seconds to wait, from a number or a date (RFC 9110, section 10.2.3); None if it says nothing readable."""
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())


def _read(answer: requests.Response, deadline: float) -> bytes:
    """The body piece by piece, so that a server that drips cannot hold us."""
    body = b""
    while piece := answer.raw.read1(65_536, decode_content=True):
        body += piece
        if time.monotonic() > deadline:
            raise requests.ReadTimeout("the answer took too long")
        if len(body) > LARGEST:
            raise requests.ConnectionError("the answer is too long")
    return body


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
