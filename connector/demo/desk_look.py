"""The frame, the style sheet and the response headers of the demo desk's pages.

`desk_pages.py` fills the frame; `desk.py` puts `SafeHeaders` around the whole desk.
"""

import base64
import hashlib
from html import escape

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f8; --card: #fff; --ink: #1c2329; --soft: #56616b;
  --line: #dde2e6; --link: #0b5c94; --open: #7a4b00; --open-ground: #fff1d6; --closed: #1c5e3a;
  --closed-ground: #e0f3e7; --problem: #9c1c1c; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14181b; --card: #1c2226; --ink: #e4e8eb; --soft: #9ba7b1; --line: #333c43;
    --link: #7cc0f2; --open: #f5c97a; --open-ground: #3c2f14; --closed: #8fd6ac; --closed-ground: #173524;
    --problem: #ff9c94; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
header, main { max-width: 62rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: .8rem; padding-bottom: .2rem; }
header a { color: var(--soft); text-decoration: none; font-weight: 600; }
header a:hover { text-decoration: underline; }
main { padding-bottom: 3rem; }
a { color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.35rem; margin: .5rem 0 .9rem; display: flex; align-items: center; gap: .6rem; }
h2 { font-size: 1rem; margin: 1.6rem 0 .5rem; }
time, .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.tabs { display: flex; gap: .3rem; margin-bottom: .8rem; }
.tabs a { padding: .3rem .75rem; border-radius: 999px; color: var(--soft); text-decoration: none; }
.tabs a:hover { color: var(--ink); }
.tabs a[aria-current] { background: var(--card); color: var(--ink); box-shadow: 0 0 0 1px var(--line); }
.tabs b { font-weight: 400; color: var(--soft); }
table, dl, .history, form { background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
table { width: 100%; border-collapse: separate; border-spacing: 0; table-layout: fixed; }
th { text-align: left; font-size: .8rem; font-weight: 500; color: var(--soft); padding: .5rem .75rem; }
td { padding: .45rem .75rem; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th:nth-child(1) { width: 8.5rem; } th:nth-child(2) { width: 6rem; }
th:nth-child(4) { width: 30%; } th:nth-child(5) { width: 11.5rem; }
.about small { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
small, .since, .history time { color: var(--soft); }
.badge { display: inline-block; font-size: .78rem; font-weight: 500; line-height: 1.5; padding: 0 .55rem;
  border-radius: 999px; background: var(--open-ground); color: var(--open); }
.badge.closed { background: var(--closed-ground); color: var(--closed); }
.empty { color: var(--soft); }
.pager { display: grid; grid-template-columns: 1fr auto 1fr; margin-top: .9rem; color: var(--soft); }
.pager > :last-child { text-align: right; }
dl { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; margin: 0; padding: .35rem 1rem; }
dt, dd { margin: 0; padding: .35rem 0; overflow-wrap: anywhere; }
dt { color: var(--soft); padding-right: 1rem; }
.text { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; max-width: 42rem; }
.history { list-style: none; margin: 0; padding: .35rem 1rem; }
.history li { padding: .35rem 0; }
.history .badge { margin-left: .35rem; }
.history li + li { border-top: 1px solid var(--line); }
.history .text { margin-top: .2rem; }
form { display: grid; gap: .5rem; justify-items: start; margin-top: 1.2rem; padding: .8rem 1rem 1rem; }
label { font-weight: 500; }
textarea { width: 100%; font: inherit; color: inherit; background: var(--ground); border: 1px solid var(--soft);
  border-radius: 6px; padding: .5rem .6rem; resize: vertical; }
button { font: inherit; font-weight: 600; padding: .45rem 1.1rem; border: 0; border-radius: 6px;
  background: var(--link); color: var(--card); cursor: pointer; }
.problem { margin: 0; color: var(--problem); }
@media (max-width: 46rem) {
  thead { display: none; }
  table, tbody { display: block; }
  tr { display: grid; grid-template-columns: 1fr auto; gap: .1rem .75rem; padding: .6rem .9rem; }
  tr + tr { border-top: 1px solid var(--line); }
  td { padding: 0; border: 0; }
  .about, .place { grid-column: 1 / -1; }
  .about small { white-space: normal; display: -webkit-box; -webkit-line-clamp: 2; -webkit-box-orient: vertical; }
  .since { grid-column: 1 / -1; font-size: .85rem; }
  .tabs a, button { padding-top: .55rem; padding-bottom: .55rem; }
  dl { grid-template-columns: 1fr; }
  dt { padding-bottom: 0; font-size: .85rem; }
  dd { padding-top: 0; }
}
"""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    + "'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not "no-referrer": that would turn the Origin of our own form into "null".
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class SafeHeaders:
    """Puts the security headers on every answer of the desk, refusals included."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await self.app(scope, receive, send_safely)


def frame(title: str, body: str) -> str:
    """A whole page; `body` is HTML that is safe already, `title` is not."""
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Port Alder 311 desk</title><style>{STYLE}</style></head>"
        f'<body><header><a href="/">Port Alder 311 desk</a></header><main>{body}</main></body></html>'
    )
