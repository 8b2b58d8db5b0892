"""One open connection to the filtered stream: posts as chunks, keep-alives, and every way in which it can go wrong.

Made by `x_simulator.py` for each accepted request; runs in the thread of that request.
"""

from __future__ import annotations

import itertools
import json
import select
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.peers import x_answers
from tests.peers.x_clock import Clock
from tests.peers.x_faults import BENDS, CUTS, Fault, Faults
from tests.peers.x_plans import Settings
from tests.peers.x_posts import Json, Shown, shown
from tests.peers.x_world import Emitted, World

KEEP_ALIVE = b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"
GONE = "the client has gone"


class Over(Exception):
    """The connection has ended; its text says why."""


@dataclass
class Held:
    """A message that comes later than its turn."""

    emitted: Emitted
    data: bytes
    posts: int
    """How many others come before it."""


class Connection:
    """`serve` writes until the end; `offer` may be called from any thread."""

    def __init__(
        self, number: int, sock: socket.socket, world: World, faults: Faults, wanted: Shown, settings: Settings,
        rename: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        self.number = number
        self.posts = 0
        """Written in full."""
        self.live_from = world.clock.now()
        self.live_until: float | None = None
        """When it ended or fell silent."""
        self.over_at: float | None = None
        """When it ended; set before the client can know of it."""
        self._sock = sock
        self._world = world
        self._faults = faults
        self._wanted = wanted
        self._settings = settings
        self._rename = rename
        self._queue: deque[Emitted] = deque()
        self._held: list[Held] = []
        self._stop = ""
        self._bell, self._ring = socket.socketpair()
        self._ring.setblocking(False)

    @property
    def clock(self) -> Clock:
        return self._world.clock

    def offer(self, emitted: Emitted) -> None:
        """Write this post in its turn, if a rule met it."""
        if emitted.rules:
            self._queue.append(emitted)
            if len(self._queue) == 1:
                self.wake()

    def wake(self) -> None:
        """Look again at what is to do."""
        try:
            self._ring.send(b"!")
        except OSError:
            return  # full of bells already, or over

    def stop(self, why: str) -> None:
        """Reset the connection."""
        self._stop = why
        self.wake()

    def end(self) -> None:
        """Not served any more."""
        self._leave()
        self._bell.close()
        self._ring.close()

    @property
    def takes_a_place(self) -> bool:
        """Whether it is open, as far as can be told without its thread, which may not have noticed yet."""
        if self.over_at is not None:
            return False
        try:
            readable, _, _ = select.select([self._sock], [], [], 0)
            return not readable or bool(self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except (OSError, ValueError):
            return False

    def _leave(self) -> None:
        now = self.clock.now()
        self.live_until = now if self.live_until is None else self.live_until
        self.over_at = now if self.over_at is None else self.over_at

    def serve(self) -> str:
        """Until the end; returns why it came."""
        try:
            last = self.clock.now()
            while True:
                self._look(select.select([self._bell, self._sock], [], [], 0)[0])
                self._cut(self._faults.take("stream", (CUTS,), self.clock.now(), self.posts, but="cut_line"))
                if self._queue:
                    self._post(self._queue[0])
                    self._queue.popleft()
                    last = self.clock.now()
                    continue
                due = last + self._settings.keep_alive - self.clock.now()
                if due <= 0:
                    self._release(everything=True)
                    self._send_keep_alive()
                    last = self.clock.now()
                else:
                    self._wait(due)
        except Over as over:
            return str(over)
        except OSError:
            return GONE

    # Messages.

    def message(self, emitted: Emitted) -> Json:
        """As X writes it when nothing is wrong."""
        data, includes, errors = shown([emitted.post], self._wanted, self._world.post_of, self._world.user_of)
        rules = [{"id": rule.id} | ({} if rule.tag is None else {"tag": rule.tag}) for rule in emitted.rules]
        around = ({"includes": includes} if includes else {}) | ({"errors": errors} if errors else {})
        return self._rename({"data": data[0], **around, "matching_rules": rules})

    def _post(self, emitted: Emitted) -> None:
        now = self.clock.now()
        if self._faults.take("stream", (CUTS,), now, self.posts, name="cut_line"):
            line = self._line(self.message(emitted))
            self._leave()
            self._write(b"%x\r\n%b" % (len(line), line[: len(line) // 2]))
            raise Over("cut in the middle of a line")
        bends = self._faults.take_all("stream", (BENDS,), now, self.posts, but="split_keep_alive")
        named = {fault.name: fault for fault in bends}
        message = self.message(emitted)
        for name in named:
            _bend(name, message)
        data = self._framed(self._line(message), named)
        if slow := named.get("slow"):
            self._wait(slow.value["seconds"], only_stop=True)
        if hold := named.get("hold"):
            self._held.append(Held(emitted, data, hold.value["posts"]))
            return
        for _ in range(2 if "twice" in named else 1):
            self._write_post(emitted, data)
        self._release()

    def _framed(self, line: bytes, bends: dict[str, Fault]) -> bytes:
        """As chunks of HTTP."""
        before = b""
        if "broken_line" in bends:
            before += _chunk(line[: len(line) // 3] + KEEP_ALIVE)
        if "unknown_message" in bends:
            before += _chunk(self._line({"weather": {"kind": "notice", "of": ["nothing", 1, None]}}))
        if "extra_keep_alive" in bends:
            line = KEEP_ALIVE + line
        return before + b"".join(map(_chunk, self._parts(line, bends)))

    def _parts(self, line: bytes, bends: dict[str, Fault]) -> list[bytes]:
        if "split_anywhere" in bends:
            return _cut(line, [self._faults.chance.randint(1, 80) for _ in line])
        if split := bends.get("split"):
            sizes = split.value["sizes"]
            return _cut(line, sizes) if sizes else [line[:-1], line[-1:]]
        return [line]

    def _write_post(self, emitted: Emitted, data: bytes) -> None:
        self._write(data)
        emitted.written_to.append(self.number)
        self.posts += 1

    def _release(self, everything: bool = False) -> None:
        """Held messages whose turn has come."""
        for held in list(self._held):
            held.posts -= 1
            if everything or held.posts <= 0:
                self._held.remove(held)
                self._write_post(held.emitted, held.data)

    def _send_keep_alive(self) -> None:
        if self._faults.take("stream", (BENDS,), self.clock.now(), self.posts, name="split_keep_alive"):
            self._write(_chunk(b"\r") + _chunk(b"\n"))
        else:
            self._write(_chunk(KEEP_ALIVE))

    @staticmethod
    def _line(message: Any) -> bytes:
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\r\n"

    # Ends.

    def _cut(self, fault: Fault | None) -> None:
        if fault is None:
            return
        self.live_until = self.clock.now()
        if fault.name == "stall":
            while True:
                self._wait(3600.0, only_stop=True)
        self._leave()
        if fault.name == "disconnect":
            kind = fault.value["kind"]
            self._write(_chunk(self._line(x_answers.disconnect(kind))) + LAST_CHUNK)
            raise Over(kind)
        if fault.name == "end":
            self._write(LAST_CHUNK)
            raise Over("ended")
        reset(self._sock)
        raise Over("reset")

    def _too_slow(self, rest: memoryview) -> None:
        """Says so if the reader wakes up once more, and hangs up."""
        self._leave()
        last = bytes(rest) + _chunk(self._line(x_answers.disconnect("SlowReader"))) + LAST_CHUNK
        self._sock.settimeout(max(self.clock.real(self._settings.slow_after), 2.0))
        try:
            self._sock.sendall(last)
        except OSError:
            reset(self._sock)
        raise Over("SlowReader")

    # The socket.

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        until = self.clock.now() + self._settings.slow_after
        while rest:
            try:
                rest = rest[self._sock.send(rest, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                self._wait_for_room(rest, until)

    def _wait_for_room(self, rest: memoryview, until: float) -> None:
        left = until - self.clock.now()
        if left <= 0 or len(self._queue) > self._settings.queue:
            self._too_slow(rest)
        readable, _, _ = select.select([self._bell, self._sock], [self._sock], [], self.clock.real(left))
        self._look(readable)

    def _wait(self, seconds: float, only_stop: bool = False) -> None:
        """So long, or until there is something to do."""
        until = self.clock.now() + seconds
        while (left := until - self.clock.now()) > 0:
            readable, _, _ = select.select([self._bell, self._sock], [], [], self.clock.real(left))
            self._look(readable)
            if readable and not only_stop:
                return

    def _look(self, readable: list[socket.socket]) -> None:
        if self._bell in readable:
            self._bell.recv(4096)
        if self._stop:
            reset(self._sock)
            raise Over(self._stop)
        if self._sock in readable and not self._sock.recv(4096):
            raise Over(GONE)


def reset(sock: socket.socket) -> None:
    """Close so that the other side is told of a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _cut(line: bytes, sizes: list[int]) -> list[bytes]:
    """Into pieces of these sizes; the last size is repeated."""
    parts: list[bytes] = []
    at = 0
    for size in itertools.chain(sizes, itertools.repeat(sizes[-1])):
        if at >= len(line):
            return parts
        parts.append(line[at : at + size])
        at += size
    return parts


def _bend(name: str, message: Json) -> None:
    rules = message.get("matching_rules", [])
    if name == "without_tag":
        for rule in rules:
            rule.pop("tag", None)
    elif name == "null_tag":
        for rule in rules:
            rule["tag"] = None
    elif name == "int_rule_ids":
        for rule in rules:
            rule["id"] = int(rule["id"])
    elif name == "without_rules":
        message.pop("matching_rules", None)
    elif name == "unknown_fields":
        for part in (message, message["data"], *rules):
            part["weather_note"] = {"of": ["nothing", 1, None]}
    elif name == "partial_errors":
        message["errors"] = [x_answers.not_found("tweet", "referenced_tweets.id", "1000000000000000001")]
