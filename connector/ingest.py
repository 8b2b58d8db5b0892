"""Files of posts: stored by `ingest`, or only matched by `match`.

The same intake as the worker's, block by block in constant memory; a broken line is named and counted, and the rest
goes on. `sources/x/lines.py` reads the lines.
"""

from __future__ import annotations

import gc
import pickle
import re
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from connector import pool, rules, sealing, sources
from connector.config import Config
from connector.errors import ConfigError, RuleError
from connector.incoming import Arrived, Batch, Event, Incoming
from connector.intake import From, Intake, Taken
from connector.pool import Pool
from connector.prepare import Prepared, Run
from connector.sources.x import CAPABILITIES
from connector.sources.x.lines import Block, Raw, blocks, looked_at, opened, parsed, raw, whole_lines
from connector.sources.x.payload import is_one_plain_post
from connector.store import Database
from connector.store import sources as questions
from connector.triage import Gazetteer

_BATCH = 500
BLOCK = 5 * 2**18  # bytes that are looked into together: some 1,000 posts
ENOUGH, MOST = 500, 10
"""Rows of posts, and blocks, that go into one commit: fewer make many, and with more others wait long for the lock."""
LATE = 1.0  # seconds after which whatever came is stored
_LARGE = 2 * 2**20  # bytes of input from which on a pool is worth it
_WHOLE = re.compile(rb"\s*\{.*\}\s*\Z", re.DOTALL)
_NAMED = 20  # bad lines named one by one; of further ones only the number is told


class _Task(NamedTuple):
    block: Block
    edition: int
    catalogue: bytes
    """The rules of that edition, pickled: read only by a process that holds another edition."""


class _Read(msgspec.Struct, array_like=True):
    """What was in a block: posts, prepared with the rules of that edition, and what is wrong with which line."""

    edition: int
    runs: list[Run]
    problems: list[tuple[int, str]]


_ANSWER = msgspec.msgpack.Decoder(_Read)


def ingest(database: Database, config: Config, files: Sequence[Path], source: str) -> dict[str, int]:
    """Store what matches; {read, bad, matched, new, duplicate, updated}. `-` is standard input.

    More than about 2 MB are prepared by a few processes; this one reads, stores and commits. Raises `PoolError` if one
    of them fails; what was committed stays, and a second run counts it as duplicate.
    """
    kind = config.sources[source].kind if source in config.sources else "x"
    origin = From(source, kind, sources.capabilities(kind) if kind != "x" else CAPABILITIES)
    city = config.city
    intake = Intake(config, sealing.load(config), Gazetteer.load(city.streets, city.landmarks, city.districts))
    with database.writing() as session:
        questions.state(session, source, kind)
        intake.refresh(session)
    total, bad = Taken(), 0
    with _rare_collections(), _Reading(database, intake, origin, files) as reading, _progress() as progress:
        for file in files:
            bar = progress.add_task(file.name, total=_size(file) or None)
            for together in _enough(reading.read(file)):
                for _, read_ in together:
                    for number, problem in read_.problems:
                        bad += 1
                        _name(progress.console, file, number, problem, bad)
                total.add(reading.store(together))
                progress.update(bar, completed=together[-1][0].end, refresh=True)
    if bad > _NAMED:
        progress.console.print(f"… and {bad - _NAMED} more bad lines", markup=False, highlight=False)
    return {"read": total.read, "bad": bad} | {
        name: getattr(total, name) for name in ("matched", "new", "duplicate", "updated")
    }


def helpers(size: int) -> int:
    """How many further processes prepare an input of so many bytes."""
    return pool.size() if size > _LARGE else 0


def _enough(found: Iterable[tuple[Block, _Read]]) -> Iterator[list[tuple[Block, _Read]]]:
    """Blocks, as many as make a commit worth while."""
    together: list[tuple[Block, _Read]] = []
    posts, since = 0, time.monotonic()
    for block, read in found:
        together.append((block, read))
        posts += sum(len(run.posts) for run in read.runs)
        if posts >= ENOUGH or len(together) == MOST or time.monotonic() - since > LATE:
            yield together
            together, posts, since = [], 0, time.monotonic()
    if together:
        yield together


class _Reading:
    """Blocks of files, prepared here or in a pool, and stored."""

    def __init__(self, database: Database, intake: Intake, origin: From, files: Sequence[Path]) -> None:
        self._database, self._intake, self._origin = database, intake, origin
        self._size = sum(map(_size, files))
        self._seen = 0
        self._pool: Pool[_Task, bytes] | None = None
        self._pickled = (-1, b"")

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *told: object) -> None:
        if self._pool:
            self._pool.__exit__(*told)

    def read(self, file: Path) -> Iterator[tuple[Block, _Read]]:
        """The file's blocks in order, each with what was in it."""
        with opened(None if str(file) == "-" else file) as lines:
            found = blocks(lines, BLOCK)
            for block in found:
                self._seen += len(block.content)
                if self._has_pool():
                    yield from self._together(chain([block], found))
                else:
                    yield block, self._look_into(block)

    def store(self, together: Sequence[tuple[Block, _Read]]) -> Taken:
        """In one commit; prepared anew if the rules changed meanwhile."""
        intake = self._intake
        with self._database.writing() as session:
            intake.refresh(session)
            edition = intake.preparer.edition
            found = [read if read.edition == edition else self._look_into(block) for block, read in together]
            runs = [run for read in found for run in read.runs]
            whole = Run(sum(run.read for run in runs), [post for run in runs for post in run.posts])
            taken = intake.store(session, self._origin, Prepared(edition, [whole]))
            questions.advance(session, self._origin.name, "", arrived=bool(taken.new))
        return taken

    def _look_into(self, block: Block) -> _Read:
        posts: list[Event] = []
        problems = []
        lines = whole_lines(block)
        places = self._worth_a_look(lines, block.content)
        for line in looked_at(block, lines, places):
            if line.problem:
                problems.append((line.number, line.problem))
            posts += map(Arrived, line.posts)
        prepared = self._intake.prepare(self._origin, Batch(posts))
        runs = [step for step in prepared.steps if isinstance(step, Run)]
        return _Read(prepared.edition, [Run(len(lines) - len(places), []), *runs], problems)

    def _worth_a_look(self, lines: Sequence[bytes], together: bytes) -> Sequence[int]:
        """Places of the lines to decode; each of the others holds one sound post that meets no rule and is no edit."""
        may_match = self._intake.preparer.survivors(self._origin, lines, together)
        if len(may_match) == len(lines):
            return may_match
        kept = set(may_match)
        return [at for at, line in enumerate(lines) if at in kept or not is_one_plain_post(line)]

    def _has_pool(self) -> bool:
        if not self._pool and (count := helpers(max(self._size, self._seen))):
            self._worth_a_look([b""], b"\n")  # made here, once, is what the look needs
            self._database.close()  # its connections are not for other processes; they are made anew
            self._pool = Pool(self._do, count)
        return self._pool is not None

    def _together(self, found: Iterator[Block]) -> Iterator[tuple[Block, _Read]]:
        assert self._pool
        under_way: deque[Block] = deque()
        for answer in self._pool.results(map(self._task, _remembered(found, under_way))):
            yield under_way.popleft(), _ANSWER.decode(answer)

    def _task(self, block: Block) -> _Task:
        preparer = self._intake.preparer
        if self._pickled[0] != preparer.edition:
            self._pickled = (preparer.edition, pickle.dumps(preparer.catalogue, 5))
        return _Task(block, *self._pickled)

    def _do(self, task: _Task) -> bytes:
        """In a process of the pool."""
        if task.edition != self._intake.preparer.edition:
            self._intake.preparer.use(pickle.loads(task.catalogue), task.edition)
        return msgspec.msgpack.encode(self._look_into(task.block))


def _remembered(found: Iterable[Block], into: deque[Block]) -> Iterator[Block]:
    for block in found:
        into.append(block)
        yield block


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Rows are tuples without cycles: Python's collector would only walk them, a tenth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _size(file: Path) -> int:
    """Bytes; 0 for standard input, whose size nobody knows."""
    return file.stat().st_size if str(file) != "-" else 0


def _name(console: Console, file: Path, number: int, problem: str, count: int) -> None:
    if count <= _NAMED:
        console.print(f"{file}:{number}: {problem}", markup=False, highlight=False, soft_wrap=True)


def _progress() -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    # No thread of its own draws it: the pool is made by fork, which wants none.
    return Progress(*columns, console=console, disable=not console.is_terminal, auto_refresh=False)


def matches(rules_file: Path, posts_file: Path, surface: str) -> Iterator[bytes]:
    """A JSON line for each post that meets a rule; constant memory. Raises ConfigError for a bad rule.

    Most lines are passed over undecoded: a fault in the middle of one is named only if it holds a word of a rule.
    """
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
    lines = raw(None if str(posts_file) == "-" else posts_file)
    while batch := list(islice(lines, _BATCH)):
        posts: list[Incoming] = []
        for found in map(parsed, _worth_a_look(compiled, batch, surface)):
            if found.problem:
                sys.stderr.write(f"{posts_file}:{found.number}: {found.problem}\n")
            posts += found.posts
        yield from _lines(compiled, posts, names, surface)


def _worth_a_look(compiled: rules.RuleSet, batch: Sequence[Raw], surface: str) -> Iterator[Raw]:
    """Lines that may match, and those that are no whole JSON value at first sight, so that they are named."""
    may = set(compiled.survivors([line.content for line in batch], surface))
    for at, line in enumerate(batch):
        if at in may or not _WHOLE.match(line.content):
            yield line


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
