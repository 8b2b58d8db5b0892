"""Without a login the pages answer this computer alone: whoever reaches them is an administrator.

`web.py` puts `OnlyHere` around them; `login.py` has what opens them to others.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, MutableMapping
from ipaddress import ip_address
from typing import Any

from starlette.responses import Response

from connector import config
from connector.errors import ConnectorError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_FOR = re.compile(r"""(?i)\bfor="?\[?([^;,"\]\s]*)""")
"""Of the header `Forwarded` (RFC 7239)."""


class OnlyHere:
    """Plain ASGI: without a login whoever reaches the pages is an administrator, so they answer this computer alone.

    `run` and `.streamlit/config.toml` listen there only; a `--server.address` of somebody's own may not, and behind a
    proxy on this computer everybody comes from it: so whom a proxy names counts too.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app
        self.open = _has_login()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.open or scope["type"] not in ("http", "websocket") or all(map(_is_here, _askers(scope))):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            said = "Without a login these pages answer the computer alone on which they run. Set [login] to open them."
            await Response(said, 403, media_type="text/plain")(scope, receive, send)


def _has_login() -> bool:
    try:
        return config.load().login is not None
    except (ConnectorError, OSError):
        return False


def _askers(scope: Scope) -> list[str]:
    """Who asks, and for whom where a proxy says so."""
    client = scope.get("client")
    askers = [client[0] if client else ""]
    for name, value in scope.get("headers") or ():
        if name.lower() in (b"x-forwarded-for", b"x-real-ip"):
            askers += [one.strip() for one in value.decode("latin-1").split(",")]
        elif name.lower() == b"forwarded":
            askers += [found[1] for found in _FOR.finditer(value.decode("latin-1"))]
    return askers


def _is_here(told: str) -> bool:
    """Whether an address is this computer's own; one that nobody tells is not."""
    try:
        address = ip_address(told)
    except ValueError:
        return False
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
