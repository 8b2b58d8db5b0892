"""Mastodon's streams: one connection for each timeline, one queue for all that they say.

Server-sent events as https://docs.joinmastodon.org/methods/streaming tells them: `event:` and `data:`, a blank line,
and `:thump` as a sign of life. The queue is bounded: who reads slowly makes the connections wait, not the memory grow.
Called by `__init__.py`.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from connector.sources._http import LONGEST_LINE, Stream

_WAITING = 2000
"""Messages."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a timeline's stream said; without an event the stream has ended."""

    timeline: str
    event: str = ""
    data: bytes = field(default=b"", repr=False)


class Streams:
    """The streams that are open, each read by a thread of its own."""

    def __init__(self) -> None:
        self._said: queue.Queue[Message] = queue.Queue(_WAITING)
        self._open: dict[str, Stream] = {}
        self._closed = threading.Event()

    def __enter__(self) -> Streams:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        for stream in self._open.values():
            stream.shut()

    def __contains__(self, timeline: str) -> bool:
        return timeline in self._open

    def __len__(self) -> int:
        return len(self._open)

    def add(self, timeline: str, stream: Stream) -> None:
        self._open[timeline] = stream
        threading.Thread(target=self._pump, args=(timeline, stream), name=f"stream {timeline}", daemon=True).start()

    def end(self, timeline: str) -> None:
        """Its end will be told as if the server had ended it."""
        if stream := self._open.get(timeline):
            stream.shut()

    def take(self, seconds: float, most: int) -> list[Message]:
        """What was said, after so many seconds at the latest; a stream whose end is told is not among ours any more."""
        try:
            taken = [self._said.get(timeout=seconds)]
        except queue.Empty:
            return []
        while len(taken) < most and not self._said.empty():
            taken.append(self._said.get_nowait())
        for message in taken:
            if not message.event:
                self._open.pop(message.timeline, None)
        return taken

    def _pump(self, timeline: str, stream: Stream) -> None:
        for event, data in _events(stream.lines()):
            self._put(Message(timeline, event, data))
        self._put(Message(timeline))

    def _put(self, message: Message) -> None:
        while not self._closed.is_set():
            try:
                self._said.put(message, timeout=0.5)
            except queue.Full:
                continue
            return


def _events(lines: Iterator[bytes]) -> Iterator[tuple[str, bytes]]:
    event, data = "", b""
    for line in lines:
        if not line:
            if event:
                yield event, data
            event, data = "", b""
        elif line.startswith(b"event:"):
            event = line[6:].strip().decode("utf-8", "replace")
        elif line.startswith(b"data:") and len(data) < LONGEST_LINE:
            data += line[5:].strip()
