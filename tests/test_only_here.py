"""Without a login, this computer alone: whoever asks, and whomever a proxy asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from connector.only_here import OnlyHere
from tests.conftest import LOGIN


def answered(kind: str, client: tuple[str, int] | None, headers: Sequence[tuple[bytes, bytes]] = ()) -> list[Any]:
    """What somebody at this address is sent: by the pages, "let in"."""
    sent: list[Any] = []

    async def pages(*_: Any) -> None:
        sent.append("let in")

    async def send(message: Any) -> None:
        sent.append(message.get("status", message.get("code", message.get("body"))))

    async def receive() -> dict[str, Any]:
        return {"type": f"{kind}.connect"}

    asked = OnlyHere(pages)({"type": kind, "client": client, "headers": headers}, receive, send)
    # In a thread of its own: in this one Playwright's loop runs, once a browser was open.
    with ThreadPoolExecutor(1) as aside:
        aside.submit(asyncio.run, asked).result()
    return sent


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_without_a_login_this_computer_is_let_in(address: str) -> None:
    assert answered("http", (address, 5000)) == answered("websocket", (address, 5000)) == ["let in"]


@pytest.mark.parametrize("client", [("203.0.113.9", 5000), ("192.168.1.7", 5000), ("fe80::1", 1), ("nobody", 1), None])
def test_without_a_login_nobody_else_is_whatever_address_the_pages_listen_on(client: tuple[str, int] | None) -> None:
    status, said = answered("http", client)
    assert (status, b"Set [login]" in said) == (403, True)
    assert answered("websocket", client) == [1008]


@pytest.mark.parametrize(
    ("header", "here"),
    [
        ("X-Forwarded-For: 203.0.113.9", False), ("X-Forwarded-For: 127.0.0.1, 203.0.113.9", False),
        ("X-Real-IP: 192.168.1.7", False), ("X-Forwarded-For: unknown", False), ("X-Forwarded-For:", False),
        ('Forwarded: for="[2001:db8::1]:4711";proto=http', False), ("Forwarded: proto=http;for=192.0.2.60", False),
        ("Forwarded: for=127.0.0.1, for=192.0.2.60", False), ("X-Forwarded-For: 127.0.0.1, ::1", True),
        ('Forwarded: For="[::1]";proto=http', True), ("X-Forwarded-Proto: https", True),
    ],
)  # fmt: skip
def test_without_a_login_whom_a_proxy_of_this_computer_names_is_asked_too(header: str, here: bool) -> None:
    name, _, value = header.partition(":")
    headers = [(name.lower().encode(), value.strip().encode())]
    assert (answered("http", ("127.0.0.1", 5000), headers) == ["let in"]) is here
    assert (answered("websocket", ("127.0.0.1", 5000), headers) == ["let in"]) is here


def test_with_a_login_all_are_let_in_to_log_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "connector.toml").write_text(LOGIN)
    monkeypatch.setenv("CONNECTOR_CONFIG", str(tmp_path / "connector.toml"))
    assert answered("http", ("203.0.113.9", 5000)) == ["let in"]
    (tmp_path / "connector.toml").write_text("[city\n")
    assert answered("http", ("203.0.113.9", 5000))[0] == 403, "settings that cannot be read name no login"
