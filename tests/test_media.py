"""Photos of posts: fetched over HTTPS from the hosts a kind declares, from public addresses, and only pictures."""

from __future__ import annotations

import io
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from connector import config as settings
from connector import media
from connector.errors import AdapterError, RefusedError, TemporaryError
from tests.servers import HttpServer, Says, http_server, loopback_certificate

HERE = "https://127.0.0.1/photo"


def a_picture(kind: str = "PNG", size: tuple[int, int] = (8, 6)) -> bytes:
    out = io.BytesIO()
    Image.new("1" if size[0] > 1000 else "RGB", size).save(out, kind)
    return out.getvalue()


@dataclass
class Photos:
    """A real server that speaks HTTPS, whom our look-up finds for every name."""

    server: HttpServer
    tls: ssl.SSLContext
    looked_up: list[str]

    def fetch(self, url: str = HERE, *allowed: str) -> bytes:
        return media.fetch(url, allowed or ("127.0.0.1",), self._resolve, self.tls)

    def _resolve(self, host: str) -> tuple[str, int]:
        self.looked_up.append(host)
        return "127.0.0.1", int(self.server.url.rpartition(":")[2])


@pytest.fixture
def photos(tmp_path: Path) -> Iterator[Photos]:
    certificate = loopback_certificate(tmp_path)
    tls = ssl.create_default_context(cafile=certificate)
    with http_server(certificate) as server:
        yield Photos(server, tls, [])


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_a_picture_comes_as_it_is(photos: Photos, kind: str) -> None:
    photos.server.then(Says(200, a_picture(kind)))
    assert photos.fetch(f"{HERE}?size=large") == a_picture(kind)
    asked = photos.server.asked[0]
    assert (asked.path, asked.query) == ("/photo", [("size", "large")])
    assert asked.headers["Host"] == "127.0.0.1"
    assert not {"Cookie", "Authorization", "Referer"} & set(asked.headers)


@pytest.mark.parametrize(
    "url",
    [
        "http://pbs.example/x.jpg", "https://evil.example/x.jpg", "https://pbs.example.evil.example/x.jpg",
        "https://pbs.example@evil.example/x.jpg", "https://pbs.example:8443/x.jpg", "file:///etc/passwd", "",
        "https://xfb.example/x.jpg", "https://[::1]/x.jpg", "https://pbs.example:port/x.jpg", "//pbs.example/x.jpg",
    ],
)  # fmt: skip
def test_nothing_is_asked_of_another_host(photos: Photos, url: str) -> None:
    with pytest.raises(RefusedError):
        photos.fetch(url, "pbs.example", ".fb.example")
    assert (photos.looked_up, photos.server.asked) == ([], [])


def test_a_host_below_a_declared_one_counts() -> None:
    assert media.may_fetch("https://a.b.FB.example/x.jpg?y=1", [".fb.example"])
    assert not media.may_fetch("https://a.pbs.example/x.jpg", ["pbs.example"])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "100.64.0.1"])
def test_an_inner_address_is_never_connected_to(host: str) -> None:
    with pytest.raises(RefusedError, match="inside a network"):
        media.public(host)


def test_a_redirect_within_the_hosts_is_followed_and_one_beyond_is_not(photos: Photos) -> None:
    photos.server.then(Says(302, headers={"Location": "/there"}), Says(200, a_picture()))
    assert photos.fetch() == a_picture()
    for beyond in ("https://evil.example/x.png", "http://127.0.0.1/x.png", ""):
        photos.server.then(Says(302, headers={"Location": beyond}), Says(200, a_picture()))
        with pytest.raises(RefusedError):
            photos.fetch()
    photos.server.then(Says(301, headers={"Location": "/round"}))
    with pytest.raises(RefusedError, match="one address to the next"):
        photos.fetch()
    assert set(photos.looked_up) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>not here</html>", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"GIF89a not one",
        a_picture("BMP"), a_picture("PNG")[:-20], b"\xff\xd8\xff" + b"0" * 100,
    ],
)  # fmt: skip
def test_what_is_no_picture_is_not_shown(photos: Photos, body: bytes) -> None:
    photos.server.then(Says(200, body, {"Content-Type": "image/png"}))
    with pytest.raises(RefusedError, match="no picture"):
        photos.fetch()


def test_a_large_file_is_not_read_to_its_end(photos: Photos) -> None:
    photos.server.then(Says(200, b"\xff\xd8\xff" + b"0" * media.LARGEST))
    with pytest.raises(RefusedError, match="larger than 5 MB"):
        photos.fetch()


def test_a_small_file_that_unfolds_to_a_huge_picture_is_refused(photos: Photos) -> None:
    photos.server.then(Says(200, a_picture("PNG", (10_000, 6_000))))
    with pytest.raises(RefusedError, match="pixels"):
        photos.fetch()


@pytest.mark.parametrize("says", [Says(how="reset"), Says(200, a_picture(), how="cut")])
def test_a_broken_answer_may_be_asked_for_again(photos: Photos, says: Says) -> None:
    photos.server.then(says)
    with pytest.raises(TemporaryError):
        photos.fetch()


def test_a_photo_that_is_gone_is_a_sentence(photos: Photos) -> None:
    photos.server.then(Says(404))
    with pytest.raises(RefusedError, match="cannot be had any more"):
        photos.fetch()


def test_a_server_that_dawdles_is_left(photos: Photos, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "PATIENCE", 0.4)
    for dawdling in (Says(how="silence"), Says(200, b"\xff\xd8\xff" + b"0" * 200, how="drip")):
        photos.server.then(dawdling)
        began = time.monotonic()
        with pytest.raises(TemporaryError):
            photos.fetch()
        assert time.monotonic() - began < 3


def test_a_server_nobody_vouches_for_is_not_believed(photos: Photos) -> None:
    photos.server.then(Says(200, a_picture()))
    photos.tls = ssl.create_default_context()
    with pytest.raises(AdapterError):
        photos.fetch()
    assert photos.server.asked == []


@pytest.mark.parametrize(
    ("kind", "adapter", "there", "not_there"),
    [
        ("x", {}, "https://pbs.twimg.com/media/a.jpg", "https://x.com/a.jpg"),
        ("bluesky", {}, "https://cdn.bsky.app/img/a", "https://bsky.app/a"),
        ("facebook", {}, "https://scontent-a.xx.fbcdn.net/a.jpg", "https://fbcdn.net.evil.example/a.jpg"),
        ("mastodon", {"server": "https://social.example"}, "https://social.example/a.png", "https://files.example/a"),
        ("mastodon", {"server": "https://a.example", "media_hosts": ["files.example"]}, "https://files.example/a", ""),
        ("sample", {}, "", "https://pbs.twimg.com/media/a.jpg"),
        ("manual", {}, "", "https://pbs.twimg.com/media/a.jpg"),
        ("no_such_kind", {}, "", "https://pbs.twimg.com/media/a.jpg"),
    ],
)  # fmt: skip
def test_each_kind_declares_where_its_photos_lie(
    kind: str, adapter: dict[str, Any], there: str, not_there: str
) -> None:
    table = {"one": settings.Adapter.model_validate({"kind": kind, **adapter})}
    config = settings.Config(city=settings.City(name="Testville"), sources=table)
    allowed = media.hosts(config, "one", kind)
    assert media.may_fetch(there, allowed) is bool(there)
    assert not media.may_fetch(not_there, allowed)


def test_a_source_that_is_configured_no_more_keeps_its_kinds_hosts() -> None:
    config = settings.Config(city=settings.City(name="Testville"))
    assert media.hosts(config, "gone", "x") == ("pbs.twimg.com", "video.twimg.com")
    assert media.hosts(config, "gone", "mastodon") == ()
