"""This computer: its settings, folders, key, clock, and the city's files."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from connector import sealing
from connector.config import Config
from connector.doctor._finding import Finding
from connector.errors import ConfigError
from connector.triage import Gazetteer

_ENOUGH = 2**30
"""Bytes free on the disk: some 300,000 posts."""
_PLACES = ("streets", "landmarks", "districts")


def read_from(config: Config) -> str:
    if config.is_demo:
        return "No connector.toml here and CONNECTOR_CONFIG is not set: this is the demo city"
    return f"{config.file} is read; the city is {config.city.name}"


def _home(config: Config) -> Iterator[Finding]:
    home = config.home
    nearest = _nearest(home)
    if not os.access(nearest, os.W_OK | os.X_OK) or not nearest.is_dir():
        says = f"{nearest} cannot be written by this user; mend its rights, or name another by CONNECTOR_HOME"
        yield Finding("data directory", False, says)
    elif nearest != home:
        yield Finding("data directory", True, f"{home} is made at the first start")
    elif stat.S_IMODE(home.stat().st_mode) & 0o077:
        yield Finding("data directory", True, f"{home} can be written; others may look into it, so better: chmod 700")
    else:
        yield Finding("data directory", True, f"{home} can be written, by its owner alone")


def _disk(config: Config) -> Iterator[Finding]:
    free = shutil.disk_usage(_nearest(config.home)).free
    says = f"{free / 2**30:.1f} GB are free under {config.home}"
    yield Finding("disk", free >= _ENOUGH, says if free >= _ENOUGH else f"Only {says}; make room")


def _nearest(path: Path) -> Path:
    """The directory itself, or the one it would be made in."""
    path = path.absolute()
    return next(folder for folder in (path, *path.parents) if folder.exists())


def _key(config: Config) -> Iterator[Finding]:
    if config.is_demo and not os.environ.get(sealing.VARIABLE) and not (config.home / "demo.key").exists():
        yield Finding("key", True, "The demo makes itself a key at its first start")
        return
    sealer = sealing.load(config)
    sound = sealer.unseal(sealer.seal("x", "doctor", "1"), "doctor", "1") == "x"
    yield Finding("key", sound, "Names can be sealed and opened" if sound else "What is sealed does not open again")


def _zone(config: Config) -> Iterator[Finding]:
    here = datetime.now(config.city.zone)
    utc = " Is that the city's own? Set `timezone` in [city]." if config.city.timezone == "UTC" else ""
    yield Finding("time zone", True, f"{config.city.timezone}: it is {here:%H:%M} there.{utc}")


def _places(config: Config) -> Iterator[Finding]:
    for name in _PLACES:
        file: Path | None = getattr(config.city, name)
        if file is None:
            yield Finding(name, True, f"`{name}` in [city] is not set: none are recognised in posts")
            continue
        try:
            streets, landmarks, districts = (file if name == which else None for which in _PLACES)
            loaded = Gazetteer.load(streets, landmarks, districts, config.city.name)
        except ConfigError as error:
            yield Finding(name, False, str(error))
            continue
        count = len(getattr(loaded, name))
        yield Finding(name, count > 0, f"{file} holds {count} {name}" + ("" if count else "; is it the right file?"))


CHECKS = {"data directory": _home, "disk": _disk, "key": _key, "time zone": _zone, "places": _places}
"""What is looked at, in this order."""
