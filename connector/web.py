"""Around the pages: a health route, a script, and the headers that keep a browser from trusting anybody else.

`app.py` hands them to Streamlit. The policy allows Streamlit's one inline script by its hash, computed from the
installed version, and nothing from another host.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import streamlit
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector import config, store
from connector.errors import ConnectorError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def _policy() -> str:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text("utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    hashes = " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'" for script in scripts
    )
    return (
        f"default-src 'self'; script-src 'self' {hashes} 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    )


class SafeHeaders:
    """Plain ASGI, for http alone: the pages' websocket passes untouched."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app
        self.headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"x-frame-options", b"DENY"),
            (b"referrer-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
            (b"content-security-policy", _policy().encode()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def wrapped(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self.headers]
            await send(message)

        await self.app(scope, receive, wrapped)


def _answers() -> bool:
    database = store.Database(config.load().database_url)
    try:
        with Session(database.engine) as session:
            session.exec(select(1)).one()
    except (SQLAlchemyError, ConnectorError):
        return False
    finally:
        database.close()
    return True


async def health(_: Request) -> Response:
    """200 when the database answers, else 503; for a load balancer."""
    if await run_in_threadpool(_answers):
        return JSONResponse({"status": "ok"})
    return JSONResponse({"status": "the database does not answer"}, status_code=503)


# A key held down repeats into every card that comes: only J and K, which decide nothing, may run on. While a dialog is
# open no letter reaches the page behind it; it takes the focus itself when it opens, and hands it to its first field.
# A rule is checked as it is typed: Streamlit's text area hands its text over on Ctrl+Enter, so a rest does just that.
_KEYS = """\
window.connectorKeys ??= window.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, [contenteditable=true]");
  const kept = document.querySelector("[data-testid=stDialog]") ? /^[a-z0-9]$/i : event.repeat && /^[a-il-z0-9]$/i;
  if (!typing && kept && kept.test(event.key)) {
    event.stopImmediatePropagation();
  }
}, true) ?? true;
window.connectorRests ??= window.addEventListener("input", (event) => {
  const area = event.target;
  if (!(area instanceof HTMLTextAreaElement && area.closest("[class*=st-key-live_]"))) {
    return;
  }
  clearTimeout(window.connectorRest);
  window.connectorRest = setTimeout(() => {
    for (const kind of ["keydown", "keyup"]) {  // a key that stayed down would keep every shortcut from working
      area.dispatchEvent(new KeyboardEvent(kind, {key: "Enter", code: "Enter", ctrlKey: true, bubbles: true}));
    }
  }, event.isComposing ? 2000 : 500);
}, true) ?? true;
window.connectorDialogs ??= window.addEventListener("focusin", (event) => {
  const dialog = event.target, begun = Date.now();
  if (!(dialog instanceof Element && dialog.matches("[role=dialog]")) || dialog.contains(event.relatedTarget)) {
    return;
  }
  const pass = () => {
    const field = dialog.querySelector("textarea, input");
    if (document.activeElement === dialog && Date.now() - begun < 3000) {
      field ? field.focus() : setTimeout(pass, 50);
    }
  };
  pass();
}, true) ?? true;
"""


async def keys(_: Request) -> Response:
    """The script that lets a held key press once; `pages/navigation.py` asks for it."""
    return Response(_KEYS, media_type="text/javascript", headers={"cache-control": "max-age=3600"})


ROUTES = [Route("/healthz", health), Route("/keys.js", keys)]
MIDDLEWARE = [Middleware(SafeHeaders)]
