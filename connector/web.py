"""Around the pages: a health route, a script, the login's secrets, and headers that let a browser trust nobody else.

`app.py` hands them to Streamlit. The policy allows Streamlit's one inline script by its hash, computed from the
installed version, and nothing from another host.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
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

from connector import config, login, store
from connector.errors import ConnectorError
from connector.only_here import OnlyHere, Receive, Scope, Send

_STATIC = Path(streamlit.__file__).parent / "static"
DRAWN_FIRST = ("PageLink", "Button", "Html")
"""Streamlit's scripts for what the Queue shows first, beside those that its index names: its card and keys. What
follows the card, the list above all, wants more script than all the rest: a browser fetches that once the card
stands."""
_SWAPPED = """\
<style>[data-testid=stLayoutWrapper]:has(> .st-key-top_to_come):has(~ [data-testid=stLayoutWrapper] h1),
:root:has(.st-key-try_again) .st-key-top_to_come {display: none}
@media print {
.stAppHeader, .st-key-unopened, .st-key-alerts, .stTextInput, .stButton {display: none !important}
}</style>"""
"""The Queue's top line takes the place of what stood there for it in one frame, so that the card below stays.
Where the page cannot be shown, nothing is to come. On paper stands what a page tells, not what it asks or offers."""
_IMPORTED = re.compile(r"""from\s*["']\./([\w.-]+\.js)["']""")


def _index() -> str:
    return (_STATIC / "index.html").read_text("utf-8")


def scripts_of(kinds: Iterable[str]) -> tuple[list[str], list[str]]:
    """The files of Streamlit's scripts for these kinds of elements, and all that they import and its index names not,
    themselves included."""
    index, scripts = _index(), _STATIC / "static" / "js"
    drawn = [file.name for name in kinds for file in scripts.glob(f"{name}.*.js")]
    found, waiting = dict.fromkeys(drawn), list(drawn)
    while waiting:
        for name in _IMPORTED.findall((scripts / waiting.pop()).read_text("utf-8")[:20_000]):
            if name not in found and name not in index:
                found[name] = None
                waiting.append(name)
    return drawn, list(found)


def _ahead() -> bytes:
    """Tags for the scripts of the first card."""
    drawn, found = scripts_of(DRAWN_FIRST)
    fetched = (f'<link rel="modulepreload" crossorigin href="./static/js/{name}">' for name in found)
    read = (f'<script type="module" crossorigin src="./static/js/{name}"></script>' for name in drawn)
    return "".join([*fetched, *read, _SWAPPED]).encode()


def _policy() -> str:
    scripts = re.findall(r"<script>(.*?)</script>", _index(), re.S)
    hashes = " ".join(
        "'sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() + "'" for script in scripts
    )
    return (
        f"default-src 'self'; script-src 'self' {hashes} 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
    )


class SafeHeaders:
    """Plain ASGI, for http alone: the pages' websocket passes untouched.

    Files that never change are scripts, styles and fonts, for which the policy says nothing: a browser reads it in
    every answer, and with it in a hundred of them opens its first page noticeably later.
    """

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
                added = self.headers[:1] if _never_changes(message) else self.headers
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self.app(scope, receive, wrapped)


class KeptFiles:
    """Plain ASGI: a file of which Streamlit says that it never changes is read from the disk once.

    A browser that has never been here asks for a hundred of them before the first card, and reading each anew takes
    the server longer than all else about it.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app
        self.kept: dict[str, tuple[MutableMapping[str, Any], MutableMapping[str, Any]]] = {}
        self.room = 2**24
        """Bytes; a city's pages come to half of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or _asks_for_a_part(scope):
            await self.app(scope, receive, send)
            return
        for message in self.kept.get(scope["path"], ()):
            await send({**message})
        if scope["path"] in self.kept:
            return
        said: list[MutableMapping[str, Any]] = []

        async def wrapped(message: MutableMapping[str, Any]) -> None:
            if said or _never_changes(message):
                said.append({**message})
            await send(message)

        await self.app(scope, receive, wrapped)
        if said:
            self._keep(scope["path"], said[0], b"".join([message.get("body", b"") for message in said[1:]]))

    def _keep(self, path: str, start: MutableMapping[str, Any], body: bytes) -> None:
        whole = (b"content-length", str(len(body)).encode()) in start["headers"]
        if whole and len(body) <= self.room and path not in self.kept:
            self.room -= len(body)
            self.kept[path] = (start, {"type": "http.response.body", "body": body})


def _asks_for_a_part(scope: Scope) -> bool:
    """Or only for what is newer than what it has."""
    return any(name == b"range" or name.startswith(b"if-") for name, _ in scope["headers"])


def _never_changes(message: MutableMapping[str, Any]) -> bool:
    """Whether this begins an answer that is the same for ever, for everyone, and no page."""
    if message["type"] != "http.response.start" or message["status"] != 200:
        return False
    headers: dict[bytes, bytes] = dict(message["headers"])
    public = {b"public", b"immutable"} <= set(headers.get(b"cache-control", b"").replace(b" ", b"").split(b","))
    plain = not {b"content-encoding", b"vary", b"set-cookie"} & headers.keys()
    return public and plain and not headers.get(b"content-type", b"").startswith(b"text/html")


class ScriptsAhead:
    """Plain ASGI: the page names the scripts of what the Queue shows first, so that a browser fetches and reads them
    while the server still thinks; else it asks for them one after the other once it knows what to draw."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self.app = app
        self.tags = _ahead()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if scope["type"] != "http" or scope["method"] != "GET" or b"text/html" not in headers.get(b"accept", b""):
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        begun: MutableMapping[str, Any] = {}
        body = bytearray()

        async def wrapped(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start" and _is_page(message):
                begun.update(message)
                return
            if not begun:  # a file that somebody opens or keeps goes out as it is, piece by piece
                await send(message)
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                sent = bytes(body).replace(b"</head>", self.tags + b"</head>", 1)
                kept = [(name, value) for name, value in begun["headers"] if name != b"content-length"]
                await send({**begun, "headers": [*kept, (b"content-length", str(len(sent)).encode())]})
                await send({"type": "http.response.body", "body": sent})

        await self.app({**scope, "headers": plain}, receive, wrapped)


def _is_page(start: MutableMapping[str, Any]) -> bool:
    headers: dict[bytes, bytes] = dict(start["headers"])
    return bool(start["status"] == 200 and headers.get(b"content-type", b"").startswith(b"text/html"))


def secrets() -> dict[str, Any]:
    """The login's section for Streamlit, in memory alone; where the settings are wrong the pages say so."""
    try:
        return {"auth": found} if (found := login.for_streamlit(config.load())) else {}
    except (ConnectorError, OSError):
        return {}


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
# What is typed between the key that opens a dialog and its opening was meant for the dialog: it decides nothing behind.
# Nothing is decided that is not in view: a first press brings the card there, in a window of whatever width; where the
# columns stand below each other, the card comes first. Nothing on the server knows how wide a window is.
# A rule is checked as it is typed: Streamlit's text area hands its text over on Ctrl+Enter, so a rest does just that.
_KEYS = """\
window.connectorOpens ??= (() => {
  let since = 0, last = 0;
  const opens = "[class*=st-key-opens_] button, .st-key-add_post button", dialog = "[data-testid=stDialog]";
  const opening = () => {
    const at = Date.now(), app = document.querySelector("[data-testid=stApp]");
    const over = at - since > 1500 && at - last > 700 && app?.dataset.testScriptState === "notRunning";
    if (at - since > 10000 || over) {
      since = 0;
    }
    return since > 0;
  };
  const opened = () => {
    if (document.querySelector(dialog + ", [class*=st-key-back_]")) {  // also when it is typed into, else its key
      // would still count once it is gone
      since = 0;
    }
  };
  window.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, textarea, [contenteditable=true]");
    opened();
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !/^[a-z0-9]$/i.test(event.key)) {
      return;
    }
    if (opening()) {
      last = Date.now();
      event.stopImmediatePropagation();
    } else if (/[ghlmnt]/i.test(event.key) && document.querySelector("[class*=st-key-card_]")
        && !document.querySelector("[class*=st-key-back_]")) {  // there these letters are types
      since = Date.now();  // even if its button is not painted yet: what follows is text all the same
    }
  }, true);
  window.addEventListener("click", (event) => {
    opened();
    if (event.target instanceof Element && event.target.closest(opens)) {
      since = Date.now();
    }
  }, true);
  return true;
})();
window.connectorSees ??= (() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`@media (max-width: 640px) {
    [data-testid=stHorizontalBlock]:has(> [data-testid=stColumn] [class*=st-key-card_]) {flex-wrap: wrap-reverse}
  }`);
  document.adoptedStyleSheets.push(sheet);
  // Each card begins at its top, wherever the one before was left: a key must find its text in view.
  let stands = "";
  new MutationObserver(() => {
    const card = document.querySelector(".st-key-pane [class*=st-key-card_]");
    const name = card && /st-key-card_\\d+/.exec(card.className)[0];
    if (!name || name === stands) {
      return;
    }
    stands = name;
    for (let frame = card.parentElement; frame; frame = frame.parentElement) {
      frame.scrollTop = frame.closest(".st-key-pane") ? 0 : frame.scrollTop;
    }
    if (card.getBoundingClientRect().top < 0) {
      card.scrollIntoView({block: "start"});
    }
  }).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ["class"]});
  const decides = ["accept", "dismiss", "park", "ask_where"].map((name) => `[class*=st-key-${name}_] button`).join();
  const hidden = () => {
    const [card, pane, bar] = [".st-key-pane [class*=st-key-card_]", ".st-key-pane", "[data-testid=stBottom]"]
      .map((it) => document.querySelector(it));
    if (!card || !pane || !document.querySelector("[class*=st-key-accept_]")) {
      return false;
    }
    const box = pane.getBoundingClientRect(), says = card.getBoundingClientRect();
    const low = bar ? bar.getBoundingClientRect().top : innerHeight;
    const seen = Math.min(box.bottom, low) - Math.max(box.top, says.top, 0);
    if (seen >= Math.min(220, says.height)) {
      return false;
    }
    pane.scrollIntoView({block: "start"});
    return true;
  };
  window.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input, textarea, [contenteditable=true]");
    if (!typing && /^[apw1-5]$/i.test(event.key) && !document.querySelector("[data-testid=stDialog]") && hidden()) {
      event.stopImmediatePropagation();
    }
  }, true);
  window.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest(decides) && hidden()) {
      event.stopImmediatePropagation();
      event.preventDefault();
    }
  }, true);
  return true;
})();
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
window.connectorLeaves ??= window.addEventListener("focusout", (event) => {
  if (event.target instanceof HTMLTextAreaElement) {  // leaving sends it; a second sending would undo what came back
    clearTimeout(window.connectorRest);
  }
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
MIDDLEWARE = [Middleware(OnlyHere), Middleware(KeptFiles), Middleware(SafeHeaders), Middleware(ScriptsAhead)]
