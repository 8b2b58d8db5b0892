"""Photos of posts, fetched when a reviewer asks for them, looked at once and never stored.

The browser talks to nobody but us, so the server fetches: only from hosts that the source's kind declares
(`Capabilities.media_hosts`) or its settings name, only over HTTPS, only from addresses that anybody on the internet
could reach, and only what is a picture. `connector/screen/card_photos.py` asks.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Sequence
from urllib.parse import urljoin, urlsplit

import urllib3
from PIL import Image

from connector import sources
from connector.config import Config
from connector.errors import RefusedError, TemporaryError

LARGEST = 5 * 1024 * 1024
"""Bytes of a picture."""
MOST_PIXELS = 50_000_000
"""A small file may unfold to more than the memory holds."""
PATIENCE = 5.0
"""Seconds for one picture, from the first packet to the last."""
_HOPS = 3
_CHUNK = 65_536
_SIGNS = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "GIF": b"GIF8", "WEBP": b"RIFF"}
"""How the files of each kind begin."""
Resolve = Callable[[str], tuple[str, int]]
"""The address and port to connect to for a host."""


def hosts(config: Config, source: str, kind: str) -> tuple[str, ...]:
    """Where photos of this source's posts may lie: `.example.com` stands for every host below it."""
    try:
        declared = sources.capabilities(kind).media_hosts
    except (ImportError, AttributeError):
        return ()
    adapter = config.sources.get(source)
    settings = adapter.settings if adapter else {}
    own = urlsplit(str(settings.get("server", ""))).hostname or ""
    named = [own if host == "{server}" else host for host in declared]
    return tuple(host.lower() for host in (*named, *settings.get("media_hosts", ())) if host)


def may_fetch(url: str, allowed: Sequence[str]) -> bool:
    """Whether a picture's address leads to one of these hosts, over HTTPS and at its usual port."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, (parts.hostname or "").lower()
    except ValueError:
        return False
    below = any(host.endswith(name) if name.startswith(".") else host == name for name in allowed)
    return bool(host and below and parts.scheme == "https" and port in (None, 443) and "@" not in parts.netloc)


def public(host: str) -> tuple[str, int]:
    """An address of a host that is nobody's inner network; RefusedError if one of its addresses is."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise TemporaryError("The photo's server cannot be found at the moment.") from None
    addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
    if not addresses or not all(one.is_global and not one.is_multicast for one in addresses):
        raise RefusedError("The photo lies at an address inside a network: it is not fetched.")
    return str(min(addresses, key=lambda one: one.version)), 443


def fetch(url: str, allowed: Sequence[str], resolve: Resolve = public, tls: ssl.SSLContext | None = None) -> bytes:
    """The picture's bytes; RefusedError or TemporaryError say in a sentence why there is none.

    The address that `resolve` gave is the one that is connected to: a name that changes its mind leads nowhere else.
    """
    ends = time.monotonic() + PATIENCE
    for _ in range(_HOPS):
        if not may_fetch(url, allowed):
            raise RefusedError("The photo lies where this source keeps none: it is not fetched.")
        body, onward = _asked(url, resolve, tls or ssl.create_default_context(), ends)
        if not onward:
            _looked_at(body)
            return body
        url = urljoin(url, onward)
    raise RefusedError("The photo's server sends us from one address to the next.")


def _asked(url: str, resolve: Resolve, tls: ssl.SSLContext, ends: float) -> tuple[bytes, str]:
    """What one request brings: a body, or where to go on."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    address, port = resolve(host)
    timeout = urllib3.Timeout(total=max(0.1, ends - time.monotonic()))
    pool = urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, retries=False, ssl_context=tls, server_hostname=host, assert_hostname=host
    )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": host, "Accept": "image/*", "Accept-Encoding": "identity", "User-Agent": "connector"}
    try:
        answer = pool.request("GET", path, headers=headers, preload_content=False, redirect=False)
        try:
            if answer.status in (301, 302, 303, 307, 308):
                return b"", answer.headers.get("Location", "") or "nowhere:"
            if answer.status != 200:
                raise RefusedError(f"The photo cannot be had any more ({answer.status}).")
            return _read(answer, ends), ""
        finally:
            answer.close()
    except (urllib3.exceptions.HTTPError, OSError, ValueError):
        raise TemporaryError("The photo's server does not answer as it should; try again.") from None
    finally:
        pool.close()


def _read(answer: urllib3.BaseHTTPResponse, ends: float) -> bytes:
    body = bytearray()
    while chunk := answer.read1(_CHUNK):
        body += chunk
        if len(body) > LARGEST:
            raise RefusedError(f"The photo is larger than {LARGEST // 1024 // 1024} MB: it is not shown.")
        if time.monotonic() > ends:
            raise TemporaryError("The photo takes too long; try again.")
    return bytes(body)


def _looked_at(body: bytes) -> None:
    """Raise RefusedError unless it is a whole picture of a kind that browsers show, and of a bearable size."""
    kind = next((name for name, sign in _SIGNS.items() if body.startswith(sign)), "")
    if not kind:
        raise RefusedError("What lies there is no picture: it is not shown.")
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(body), formats=[kind]) as picture:
            warnings.simplefilter("ignore")
            width, height = picture.size
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise RefusedError("What lies there is no picture that can be read: it is not shown.") from None
    if width * height > MOST_PIXELS:
        raise RefusedError("The photo has more pixels than a page can show.")
