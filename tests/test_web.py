"""What stands around the pages, over real connections: answers that leave at once, headers, scripts named ahead."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
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
from starlette.responses import HTMLResponse, JSONResponse, Response
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


@contextmanager
def served(middleware: list[Middleware]) -> Iterator[str]:
    """As Streamlit serves: by uvicorn and uvloop, on a socket that was made without naming TCP."""
    routes = [
        Route("/told", told),
        Route("/page", page, methods=["GET", "HEAD"]),
        Route("/file", file),
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
