"""XRPC, the protocol's calls: JSON over HTTP, signed in or not, and every failure as the error that says what to do.

An account signs in once and is refreshed when its token has run out, because sign-ins are rationed (30 in five
minutes, 300 a day). Called by `people.py`, `mentions.py` and the package itself; read on in `sources/_http.py`.
"""

from __future__ import annotations

import threading
from typing import Any

import msgspec
from pydantic import SecretStr

from connector.errors import AuthError, TemporaryError
from connector.sources._http import UNREADABLE, Answer, Fields, Http

TIMEOUT = 10.0
_RUN_OUT = ("ExpiredToken", "InvalidToken")


class _RunOutError(AuthError):
    """The token, and not the credential behind it."""


class Xrpc:
    """Calls to one server, without an account."""

    def __init__(self, name: str, address: str, timeout: float = TIMEOUT) -> None:
        self.name, self._address, self._timeout = name, address.rstrip("/"), timeout

    def get(self, method: str, params: Fields, token: SecretStr | None = None) -> dict[str, Any]:
        """The answer to a query; raises AdapterError."""
        with Http(self.name, self._address, token, self._timeout) as http:
            return self._read(http.get(f"/xrpc/{method}", params), http)

    def post(self, method: str, content: dict[str, Any] | None, token: SecretStr | None = None) -> dict[str, Any]:
        """The answer to a procedure; raises AdapterError."""
        with Http(self.name, self._address, token, self._timeout) as http:
            return self._read(http.post_json(f"/xrpc/{method}", content), http)

    def _read(self, answer: Answer, http: Http) -> dict[str, Any]:
        if answer.status == 200:
            return http.decoded(answer, dict[str, Any])
        error = _error(answer)
        if error in _RUN_OUT:
            raise _RunOutError("The server does not take our session any longer.", self.name)
        if error in ("AccountTakedown", "AccountDeactivated", "RepoTakendown", "RepoDeactivated"):
            raise AuthError("Our account is closed there at present; see to it with the network's support.", self.name)
        if answer.status == 401:
            raise AuthError(
                "The handle or its app password is refused (401): make a new one, then set it and resume.", self.name
            )
        if answer.status == 400:
            raise TemporaryError(f"The server does not take what it is asked ({error or 400}).", self.name)
        return http.refuse(answer)


class Account:
    """Calls in the name of our account; signs in when it is first needed."""

    def __init__(self, calls: Xrpc, handle: str, password: SecretStr) -> None:
        self._calls, self._handle, self._password = calls, handle, password
        self._access: SecretStr | None = None
        self._refresh: SecretStr | None = None
        self._lock = threading.Lock()

    def get(self, method: str, params: Fields) -> dict[str, Any]:
        """As `Xrpc.get`; a token that has run out is changed for a new one, once."""
        with self._lock:
            if self._access is None:
                self._sign_in()
            try:
                return self._calls.get(method, params, self._access)
            except _RunOutError:
                self._renew()
            return self._calls.get(method, params, self._access)

    def _renew(self) -> None:
        try:
            self._keep(self._calls.post("com.atproto.server.refreshSession", None, self._refresh))
        except AuthError:
            self._sign_in()

    def _sign_in(self) -> None:
        who = {"identifier": self._handle, "password": self._password.get_secret_value()}
        self._keep(self._calls.post("com.atproto.server.createSession", who))

    def _keep(self, session: dict[str, Any]) -> None:
        access, refresh = session.get("accessJwt"), session.get("refreshJwt")
        if not isinstance(access, str) or not isinstance(refresh, str):
            raise TemporaryError("The server gave an answer that cannot be read.", self._calls.name)
        self._access, self._refresh = SecretStr(access), SecretStr(refresh)


def _error(answer: Answer) -> str:
    """The error's name, for a screen: one word, or nothing."""
    try:
        told = msgspec.json.decode(answer.body)
    except UNREADABLE:
        return ""
    name = told.get("error") if isinstance(told, dict) else ""
    return name if isinstance(name, str) and name.isascii() and name.isalpha() and len(name) < 60 else ""
