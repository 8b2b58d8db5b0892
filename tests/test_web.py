"""What stands around the pages, over real connections: answers that leave at once, headers, scripts named ahead."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import streamlit
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from connector import web

PAGE = "<html><head><title>A page</title></head><body>" + "one two three " * 200 + "</body></html>"
SCRIPTS = Path(streamlit.__file__).parent / "static" / "static" / "js"


def waits(receive: Any) -> bool:
    """Whether Nagle's algorithm holds back what is sent on this connection."""
    found = receive.__self__.transport.get_extra_info("socket")
    return not found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def told(request: Request) -> Response:
    return JSONResponse({"waits": waits(request.receive)})


async def page(_: Request) -> Response:
    return HTMLResponse(PAGE)


async def file(_: Request) -> Response:
    return Response(PAGE, media_type="text/csv")


async def stream(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(str(waits(websocket._receive)))
    await websocket.close()


ASKED: list[str] = []
"""Files that were read."""


async def lasting(request: Request) -> Response:
    ASKED.append(request.path_params["name"])
    headers = {"cache-control": "public, immutable, max-age=31536000"}
    kind = "text/html" if request.path_params["name"] == "page" else "text/javascript"
    if "if-none-match" in request.headers:
        return Response(status_code=304, headers=headers)
    if "range" in request.headers:
        return Response("con", 206, headers, kind)
    if request.path_params["name"] == "cut":

        async def pieces() -> AsyncIterator[bytes]:
            yield b"const one = "

        return StreamingResponse(pieces(), headers=headers, media_type=kind)
    times = 300 if request.path_params["name"] == "long" else 30  # the long one is compressed
    return Response("const one = 1;" * times, headers=headers, media_type=kind)


@contextmanager
def served(middleware: list[Middleware]) -> Iterator[str]:
    """As Streamlit serves: by uvicorn and uvloop, on a socket that was made without naming TCP."""
    routes = [
        Route("/told", told),
        Route("/page", page, methods=["GET", "HEAD"]),
        Route("/file", file),
        Route("/lasting/{name}", lasting),
        WebSocketRoute("/stream", stream),
    ]
    app = Starlette(routes=routes, middleware=[*middleware, Middleware(GZipMiddleware)])
    listening = socket.socket(family=socket.AF_INET)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", ws="websockets-sansio", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop, which sees to it, does not run there")
def test_answers_and_messages_leave_at_once() -> None:
    """Streamlit makes its listening socket without naming TCP, so asyncio's own loop would leave Nagle's algorithm on,
    and every second answer on a connection would come 40 ms late."""
    with served(web.MIDDLEWARE) as address:
        assert requests.get(f"http://{address}/told", timeout=5).json() == {"waits": False}
        with connect(f"ws://{address}/stream") as opened:
            assert opened.recv(5) == "False"


def test_every_answer_tells_the_browser_to_trust_nobody_else() -> None:
    with served(web.MIDDLEWARE) as address:
        for path in ("told", "page", "nothing"):
            headers = requests.get(f"http://{address}/{path}", timeout=5).headers
            assert headers["x-frame-options"] == "DENY"
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "http" not in headers["content-security-policy"]


def test_a_file_that_never_changes_is_read_once_and_told_whole_to_all() -> None:
    ASKED.clear()
    with served(web.MIDDLEWARE) as address:
        plain = {"accept-encoding": "identity"}
        first, second = (requests.get(f"http://{address}/lasting/a", headers=plain, timeout=5) for _ in range(2))
        assert first.text == second.text == "const one = 1;" * 30
        assert first.headers.items() - {("date", first.headers["date"])} <= second.headers.items()
        assert second.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" not in second.headers, "it is for pages"
        assert ASKED == ["a"]
        assert requests.get(f"http://{address}/lasting/b", headers=plain, timeout=5).text == first.text
        assert ASKED == ["a", "b"]
        opened = requests.get(f"http://{address}/lasting/a", headers=plain | {"accept": "text/html,*/*"}, timeout=5)
        assert (opened.text, ASKED) == (first.text, ["a", "b"])


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        ("a", {"range": "bytes=0-2"}, 206),
        ("a", {"if-none-match": '"1"'}, 304),
        ("page", {}, 200),
        ("cut", {}, 200),
        ("long", {"accept-encoding": "gzip"}, 200),
    ],
    ids=["a part", "what is newer", "a page", "no length", "compressed"],
)
def test_what_is_no_whole_plain_file_is_asked_for_every_time(name: str, headers: dict[str, str], status: int) -> None:
    ASKED.clear()
    with served(web.MIDDLEWARE) as address:
        for _ in range(2):
            plain = {"accept-encoding": "identity"} | headers
            got = requests.get(f"http://{address}/lasting/{name}", headers=plain, timeout=5)
            assert got.status_code == status
            assert name != "page" or "default-src 'self'" in got.headers["content-security-policy"]
    assert ASKED.count(name) == 2


def test_files_are_kept_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    ASKED.clear()
    begun = web.KeptFiles.__init__

    def small(self: web.KeptFiles, app: Any) -> None:
        begun(self, app)
        self.room = 1_000

    monkeypatch.setattr(web.KeptFiles, "__init__", small)
    with served(web.MIDDLEWARE) as address:
        for name in ("a", "b", "c", "c", "b", "a"):
            requests.get(f"http://{address}/lasting/{name}", headers={"accept-encoding": "identity"}, timeout=5)
    assert ASKED == ["a", "b", "c", "c"], "420 bytes each"


def test_a_page_names_its_scripts_ahead_and_stays_whole() -> None:
    asked = {"accept": "text/html,*/*", "accept-encoding": "gzip"}
    with served(web.MIDDLEWARE) as address:
        got = requests.get(f"http://{address}/page", headers=asked, timeout=5)
        assert requests.get(f"http://{address}/page", headers={"accept": "*/*"}, timeout=5).text == PAGE
        assert requests.get(f"http://{address}/told", headers=asked, timeout=5).json() == {"waits": False}
        whole = requests.head(f"http://{address}/page", headers=asked | {"accept-encoding": "identity"}, timeout=5)
        assert whole.headers["content-length"] == str(len(PAGE))
        kept = requests.get(f"http://{address}/file", headers=asked, timeout=5).text
    head, tags, body = re.fullmatch("(.*<title>A page</title>)(.*)(</head>.*)", got.text, re.S).groups()  # type: ignore[union-attr]
    assert head + body == PAGE
    assert kept == PAGE, "a file is nobody's page, whatever stands in it"
    assert got.headers["content-length"] == str(len(got.content))
    fetched = re.findall(r'<link rel="modulepreload" crossorigin href="\./static/js/([^"]+)">', tags)
    read = re.findall(r'<script type="module" crossorigin src="\./static/js/([^"]+)"></script>', tags)
    assert len(fetched) == len(set(fetched)) > len(read) == tags.count("</script>")
    assert set(read) < set(fetched)
    assert all((SCRIPTS / name).is_file() for name in fetched)
    assert [name.partition(".")[0] for name in read] == list(web.DRAWN_FIRST)
