"""Files of posts: stored by `ingest`, or only matched by `match`.

The same intake as the worker's, batch by batch in constant memory; a broken line is named and counted, and the rest
goes on. `sources/x/lines.py` reads the lines.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from connector import rules, sealing, sources
from connector.config import Config
from connector.errors import ConfigError, RuleError
from connector.incoming import Arrived, Batch, Incoming
from connector.intake import From, Intake, Taken
from connector.sources.x import CAPABILITIES
from connector.sources.x.lines import read
from connector.store import Database
from connector.store import sources as questions
from connector.triage import Gazetteer

_BATCH = 500
_NAMED = 20  # bad lines named one by one; of further ones only the number is told


def ingest(database: Database, config: Config, files: Sequence[Path], source: str) -> dict[str, int]:
    """Store what matches; {read, bad, matched, new, duplicate, updated}. `-` is standard input."""
    kind = config.sources[source].kind if source in config.sources else "x"
    origin = From(source, kind, sources.capabilities(kind) if kind != "x" else CAPABILITIES)
    city = config.city
    intake = Intake(config, sealing.load(config), Gazetteer.load(city.streets, city.landmarks, city.districts))
    with database.writing() as session:
        questions.state(session, source, kind)
    total, bad = Taken(), 0
    with _progress(files) as progress:
        for file in files:
            bar = progress.add_task(file.name, total=file.stat().st_size if str(file) != "-" else None)
            waiting: list[Incoming] = []
            for line in read(None if str(file) == "-" else file):
                if line.problem:
                    bad += 1
                    _name(progress.console, file, line.number, line.problem, bad)
                waiting += line.posts
                if len(waiting) >= _BATCH:
                    total.add(_store(database, intake, origin, waiting))
                    waiting = []
                    progress.update(bar, completed=line.end)
            total.add(_store(database, intake, origin, waiting))
    if bad > _NAMED:
        progress.console.print(f"… and {bad - _NAMED} more bad lines", markup=False, highlight=False)
    return {
        "read": total.read,
        "bad": bad,
        "matched": total.matched,
        "new": total.new,
        "duplicate": total.duplicate,
        "updated": total.updated,
    }


def _store(database: Database, intake: Intake, origin: From, posts: Sequence[Incoming]) -> Taken:
    if not posts:
        return Taken()
    with database.writing() as session:
        intake.refresh(session)
        taken = intake.take(session, origin, Batch([Arrived(post) for post in posts]))
        questions.advance(session, origin.name, "", arrived=bool(taken.new))
    return taken


def _name(console: Console, file: Path, number: int, problem: str, count: int) -> None:
    if count <= _NAMED:
        console.print(f"{file}:{number}: {problem}", markup=False, highlight=False, soft_wrap=True)


def _progress(files: Sequence[Path]) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def matches(rules_file: Path, posts_file: Path, surface: str) -> Iterator[bytes]:
    """A JSON line for each post that meets a rule; constant memory. Raises ConfigError for a bad rule."""
    names: list[str | int] = []
    expressions = []
    for number, line in enumerate(rules_file.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line, type=_RuleLine)
            rules.parse(entry.rule)
        except (msgspec.DecodeError, RuleError) as error:
            raise ConfigError(f"{rules_file}:{number}: {error}") from error
        expressions.append((len(names), 1, entry.rule))
        names.append(entry.id)
    compiled = rules.compile(expressions)
    waiting: list[Incoming] = []
    for read_line in read(None if str(posts_file) == "-" else posts_file):
        if read_line.problem:
            sys.stderr.write(f"{posts_file}:{read_line.number}: {read_line.problem}\n")
        waiting += read_line.posts
        if len(waiting) >= _BATCH:
            yield from _lines(compiled, waiting, names, surface)
            waiting = []
    yield from _lines(compiled, waiting, names, surface)


class _RuleLine(msgspec.Struct):
    id: str | int
    rule: str


def _lines(
    compiled: rules.RuleSet, posts: Sequence[Incoming], names: Sequence[str | int], surface: str
) -> Iterator[bytes]:
    for post, found in zip(posts, compiled.match(posts, surface), strict=True):
        if found:
            document = {"post_id": post.source_id, "rules": [names[f.rule_id] for f in found]}
            yield msgspec.json.encode(document) + b"\n"
