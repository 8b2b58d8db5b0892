"""What came faster than it could be stored: batches on disk, sealed, in order, until the database takes them.

For platforms that cut off a slow reader (`Capabilities.pushes`). A record is sealed as a whole, so no post and no
handle can be read from the disk; a file is removed once all of it is stored. After a crash the records are stored
again, which repeats work and skips none; one that was half written counts as never received, since the cursor that
was to follow it never was saved, and nothing is ever written behind it: it would be read as a part of it. `inbox.py`
fills and empties it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from connector.errors import ConfigError
from connector.incoming import Arrived, Batch, Deleted, Edited, Event, Incoming, Missed, Refused
from connector.models import GapCause
from connector.sealing import Sealer

_FILE = 8 * 2**20
"""Bytes after which a new file is begun: as long as one of them stays, all of it does."""
_SPARE = 2**30
"""Bytes of the disk that are left to others."""
_LENGTH = struct.Struct(">I")
_COLUMN = "spool"


class Spool:
    """One source's spool; one thread appends, another reads."""

    def __init__(self, folder: Path, source: str, sealer: Sealer, decoded: Callable[[bytes], Incoming]) -> None:
        """`decoded` makes a post of its raw bytes again."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder, self._source, self._sealer, self._decoded = folder, source, sealer, decoded
        self._lock = threading.Lock()
        self._files = sorted(folder.glob("*.spool"))
        self._number = int(self._files[-1].stem) + 1 if self._files else 1
        self._out: Path | None = None
        self._whole = 0
        """Bytes of whole records in it."""
        self._left = sum(1 for file in self._files for _ in _records(file))
        self._reading: tuple[Path, Iterator[bytes]] | None = None

    def __len__(self) -> int:
        """Batches that wait."""
        return self._left

    @property
    def is_full(self) -> bool:
        """The disk has no room to spare."""
        return shutil.disk_usage(self._folder).free < _SPARE

    @property
    def last_cursor(self) -> str:
        """That of the newest batch that waits; empty: none does."""
        with self._lock:
            last = next((sealed for file in reversed(self._files) for sealed in reversed(list(_records(file)))), None)
        if last is None:
            return ""
        return str(msgspec.msgpack.decode(self._sealer.unseal_bytes(last, _COLUMN, self._source))[0])

    def append(self, batch: Batch, first: bool = False) -> None:
        """Keep it on disk; it survives the end of this process. `first`: it was the first one after a failure.

        OSError when the disk does not take it: then nothing of it is kept.
        """
        data = msgspec.msgpack.encode((batch.cursor, batch.surface, list(map(_packed, batch.events)), first))
        sealed = self._sealer.seal_bytes(data, _COLUMN, self._source)
        record = _LENGTH.pack(len(sealed)) + sealed
        with self._lock:
            if self._out is None or self._whole > _FILE or self._out.stat().st_size != self._whole:
                self._out, self._whole = self._new_file(), 0
            try:
                with self._out.open("ab") as out:
                    out.write(record)
            except OSError:
                with contextlib.suppress(OSError):  # else the next one begins a new file
                    os.truncate(self._out, self._whole)
                raise
            self._whole += len(record)
            self._left += 1

    def next(self) -> tuple[Batch, bool] | None:
        """The oldest batch that was not given out yet, and whether it was a first one; on disk until `stored`."""
        with self._lock:
            if self._left == 0:
                return None
            while (sealed := self._record()) is None:
                if not self._files:  # somebody cut them off
                    self._left = 0
                    return None
                self._drop()
        return self._unpacked(self._sealer.unseal_bytes(sealed, _COLUMN, self._source))

    def stored(self) -> None:
        """What `next` gave is in the database; with the last one the files go."""
        with self._lock:
            self._left -= 1
            if self._left == 0:
                while self._files:
                    self._drop()

    def _record(self) -> bytes | None:
        """The next one of the oldest file; None: it is done, or there is no file."""
        if self._reading is None:
            if not self._files:
                return None
            self._reading = self._files[0], _records(self._files[0])
        return next(self._reading[1], None)

    def _new_file(self) -> Path:
        path = self._folder / f"{self._number:08}.spool"
        self._number += 1
        path.touch(mode=0o600)
        self._files.append(path)
        return path

    def _drop(self) -> None:
        """The oldest file is done."""
        file = self._files.pop(0)
        if file == self._out:
            self._out = None
        file.unlink(missing_ok=True)
        self._reading = None

    def _unpacked(self, data: bytes) -> tuple[Batch, bool]:
        cursor, surface, events, first = msgspec.msgpack.decode(data)
        return Batch([self._event(*each) for each in events], cursor, surface), first

    def _event(self, kind: str, *said: Any) -> Event:
        match kind:
            case "arrived":
                return Arrived(self._decoded(said[0]))
            case "edited":
                return Edited(self._decoded(said[0]))
            case "deleted":
                return Deleted(said[0])
            case "refused":
                return Refused(said[0])
            case "missed":
                begin, end, why, cause, lost = said
                return Missed(datetime.fromisoformat(begin), datetime.fromisoformat(end), why, GapCause(cause), lost)
        raise ConfigError(f"The spool holds {kind!r}, which this version does not know: upgrade the program.")


def _packed(event: Event) -> tuple[Any, ...]:
    match event:
        case Arrived(post):
            return "arrived", post.raw
        case Edited(post):
            return "edited", post.raw
        case Deleted(source_id):
            return "deleted", source_id
        case Refused(why):
            return "refused", why
        case Missed(begin, end, why, cause, lost):
            return "missed", begin.isoformat(), end.isoformat(), why, str(cause), lost


def _records(file: Path) -> Iterator[bytes]:
    """Whole records; a half-written one at the end is none. Records that are appended meanwhile are read too."""
    with file.open("rb") as content:
        while True:
            at = content.tell()
            head = content.read(_LENGTH.size)
            length = _LENGTH.unpack(head)[0] if len(head) == _LENGTH.size else 0
            sealed = content.read(length)
            if not head or len(sealed) < length or not length:
                content.seek(at)
                return
            yield sealed
