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
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from connector import pool, rules, sealing, sources
from connector.config import Config
from connector.errors import ConfigError, RuleError
from connector.incoming import Arrived, Batch, Incoming
from connector.intake import From, Intake, Taken
from connector.pool import Pool
from connector.prepare import Prepared, Run
from connector.sources.x import CAPABILITIES
from connector.sources.x.lines import (
    LIMIT,
    Block,
    Raw,
    Span,
    blocks,
    looked_at,
    of_span,
    opened,
    parsed,
    raw,
    spans,
    whole_lines,
)
from connector.sources.x.payload import decode, is_one_plain_post, not_plain
from connector.sources.x.shapes import BOM
from connector.store import Database
from connector.store import sources as questions
from connector.triage import Gazetteer

_BATCH = 500
BLOCK = 5 * 2**18  # bytes that are looked into at once: some 1,000 posts
TOGETHER, SPANS = 125, 4
"""Posts that a part of a file shall give to be prepared together, and spans of which it is made at most: where few
meet a rule, a span's handful would cost a third more a post."""
ENOUGH, MOST = 500, 10
"""Rows of posts, and parts, that go into one commit: fewer make many, and with more others wait long for the lock."""
AHEAD = 3  # parts of a file that wait at each process, enough for the longest commit
LATE = 1.0  # seconds after which whatever came is stored
_LARGE = 2 * 2**20  # bytes of input from which on a pool is worth it
_WHOLE = re.compile(rb"\s*\{.*\}\s*\Z", re.DOTALL)
_NAMED = 20  # bad lines named one by one; of further ones only the number is told


_Part = Block | tuple[Span, ...]
"""What is looked into at once: of standard input what was read of it, of a file the places, one behind the other."""


class _Task(NamedTuple):
    part: _Part
    edition: int
    catalogue: bytes
    """The rules of that edition, pickled: read only by a process that holds another edition."""


class _Read(msgspec.Struct, array_like=True):
    """What was in a part: posts, prepared with the rules of that edition, and what is wrong with which line.

    The lines of spans are counted from their own first one.
    """

    edition: int
    runs: list[Run]
    problems: list[tuple[int, str]]
    lines: int


@dataclass(slots=True)
class _Found:
    """What was in a part so far."""

    posts: list[Incoming] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    passed_over: int = 0
    """Posts that surely meet no rule."""
    lines: int = 0


_ANSWER = msgspec.msgpack.Decoder(_Read)


def ingest(database: Database, config: Config, files: Sequence[Path], source: str) -> dict[str, int]:
    """Store what matches; {read, bad, matched, new, duplicate, updated}. `-` is standard input.

    More than about 2 MB are prepared by a few processes; this one reads, stores and commits. Raises `PoolError` if one
    of them fails; what was committed stays, and a second run counts it as duplicate.
    """
    kind = config.sources[source].kind if source in config.sources else "x"
    origin = From(source, kind, sources.capabilities(kind) if kind != "x" else CAPABILITIES)
    city = config.city
    gazetteer = Gazetteer.load(city.streets, city.landmarks, city.districts, city.name)
    intake = Intake(config, sealing.load(config), gazetteer)
    with database.writing() as session:
        questions.state(session, source, kind)
        intake.refresh(session)
    total, bad = Taken(), 0
    with _rare_collections(), _Reading(database, intake, origin, files) as reading, _progress() as progress:
        for file in files:
            bar, before = progress.add_task(file.name, total=_size(file) or None), 0
            for together in _enough(reading.read(file)):
                for part, read_ in together:
                    for number, problem in read_.problems:
                        bad += 1
                        _name(progress.console, file, number + before, problem, bad)
                    before += read_.lines if not isinstance(part, Block) else 0
                total.add(reading.store(together))
                progress.update(bar, completed=_end(together[-1][0]), refresh=True)
        reading.committed()
    if bad > _NAMED:
        progress.console.print(f"… and {bad - _NAMED} more bad lines", markup=False, highlight=False)
    return {"read": total.read, "bad": bad} | {
        name: getattr(total, name) for name in ("matched", "new", "duplicate", "updated")
    }


def helpers(size: int) -> int:
    """How many further processes prepare an input of so many bytes."""
    return pool.size() if size > _LARGE else 0


def spans_together(each: float) -> int:
    """How many spans of a file make a part, where so many posts of each meet a rule."""
    return min(max(round(TOGETHER / each), 1), SPANS) if each else SPANS


def _enough(found: Iterable[tuple[_Part, _Read]]) -> Iterator[list[tuple[_Part, _Read]]]:
    """Parts, as many as make a commit worth while."""
    together: list[tuple[_Part, _Read]] = []
    posts, since = 0, time.monotonic()
    for part, read in found:
        together.append((part, read))
        posts += sum(len(run.posts) for run in read.runs)
        if posts >= ENOUGH or len(together) == MOST or time.monotonic() - since > LATE:
            yield together
            together, posts, since = [], 0, time.monotonic()
    if together:
        yield together


class _Reading:
    """Files, prepared part by part here or in a pool, and stored."""

    def __init__(self, database: Database, intake: Intake, origin: From, files: Sequence[Path]) -> None:
        self._database, self._intake, self._origin = database, intake, origin
        self._size = sum(map(_size, files))
        self._seen = self._looked_into = self._met = 0
        """Bytes of what comes by a pipe; of a file spans, and their posts that met a rule."""
        self._pool: Pool[_Task, bytes] | None = None
        self._pickled = (-1, b"")
        self._commits, self._commit = ThreadPoolExecutor(1), Future[None]()
        self._commit.set_result(None)

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *told: object) -> None:
        self._commits.shutdown()
        if self._pool:
            self._pool.__exit__(*told)

    def committed(self) -> None:
        """Wait until all is on the disk that was stored; raises what went wrong there."""
        self._commit.result()

    def read(self, file: Path) -> Iterator[tuple[_Part, _Read]]:
        """The file's parts in order, each with what was in it."""
        if file.is_file():
            # Shorter at first: meanwhile whoever stores has nothing to do.
            self._looked_into = self._met = 0
            for part, read in self._each(self._parts(spans(file, BLOCK, BLOCK // 4)), AHEAD):
                self._looked_into += len(part)
                self._met += sum(len(run.posts) for run in read.runs)
                yield part, read
            return
        with opened(None if str(file) == "-" else file) as lines:
            found = blocks(lines, BLOCK)
            for block in found:
                self._seen += len(block.content)
                if self._has_pool():
                    yield from self._each(chain([block], found))
                else:
                    yield block, self._look_into(block)

    def _each(self, parts: Iterator[_Part], ahead: int = 0) -> Iterator[tuple[_Part, _Read]]:
        if self._has_pool():
            yield from self._together(parts, ahead)
        else:
            for part in parts:
                yield part, self._look_into(part)

    def _parts(self, found: Iterator[Span]) -> Iterator[_Part]:
        """Spans, as many as give enough posts by what was met so far."""
        while part := tuple(islice(found, spans_together(self._met / self._looked_into) if self._looked_into else 1)):
            yield part

    def store(self, together: Sequence[tuple[_Part, _Read]]) -> Taken:
        """In one commit; prepared anew if the rules changed meanwhile.

        With a pool a thread commits, and meanwhile the next parts are read: `committed` waits for it.
        """
        self.committed()
        intake = self._intake
        with ExitStack() as stack:
            session = stack.enter_context(self._database.writing())
            intake.refresh(session)
            edition = intake.preparer.edition
            found = [read if read.edition == edition else self._look_into(part) for part, read in together]
            runs = [run for read in found for run in read.runs]
            whole = Run(sum(run.read for run in runs), [post for run in runs for post in run.posts])
            taken = intake.store(session, self._origin, Prepared(edition, [whole]))
            questions.advance(session, self._origin.name, "", arrived=bool(taken.new))
            if self._pool:  # no thread before there is one: it is made by fork
                self._commit = self._commits.submit(stack.pop_all().close)
        return taken

    def _look_into(self, part: _Part) -> _Read:
        found = _Found()
        for block in self._blocks(part, found):
            odd = not_plain(block.content) if block.content.endswith(b"\n") and len(block.content) <= LIMIT else None
            if odd and not odd[1] and (kept := self._survivors_of(block.content, odd[0])) is not None:
                found.posts += [post for line in kept for post in decode(line.removeprefix(BOM).strip())]
                found.passed_over += odd[0] - len(kept)
                found.lines += odd[0]
            else:
                self._line_by_line(block, odd, found)
        prepared = self._intake.prepare(self._origin, Batch(list(map(Arrived, found.posts))))
        runs = [step for step in prepared.steps if isinstance(step, Run)]
        return _Read(prepared.edition, [Run(found.passed_over, []), *runs], found.problems, found.lines)

    def _blocks(self, part: _Part, found: _Found) -> Iterator[Block]:
        """Its lines, counted on from those found already."""
        if isinstance(part, Block):
            yield part
            return
        for span in part:
            before = found.lines
            for block in of_span(span):
                yield block._replace(number=block.number + before) if before else block

    def _line_by_line(self, block: Block, odd: tuple[int, list[int]] | None, found: _Found) -> None:
        """Lines that meet no rule are decoded too where they are no sound posts, or edits."""
        lines = whole_lines(block)
        may_match = self._intake.preparer.survivors(self._origin, lines, block.content)
        if len(may_match) == len(lines):
            places = may_match
        elif odd:
            places = sorted({*may_match, *odd[1]})
        else:
            kept = set(may_match)
            places = [at for at, line in enumerate(lines) if at in kept or not is_one_plain_post(line)]
        for line in looked_at(block, lines, places):
            if line.problem:
                found.problems.append((line.number, line.problem))
            found.posts += line.posts
        found.lines += len(lines)
        found.passed_over += len(lines) - len(places)

    def _survivors_of(self, content: bytes, count: int) -> Sequence[bytes] | None:
        return self._intake.preparer.survivors_of(self._origin, content, count)

    def _has_pool(self) -> bool:
        if not self._pool and (count := helpers(max(self._size, self._seen))):
            self._survivors_of(b"\n", 1)  # made here, once, is what the look needs
            self._database.close()  # its connections are not for other processes; they are made anew
            self._pool = Pool(self._do, count)
        return self._pool is not None

    def _together(self, found: Iterator[_Part], ahead: int) -> Iterator[tuple[_Part, _Read]]:
        assert self._pool
        under_way: deque[_Part] = deque()
        for answer in self._pool.results(map(self._task, _remembered(found, under_way)), ahead):
            yield under_way.popleft(), _ANSWER.decode(answer)

    def _task(self, part: _Part) -> _Task:
        preparer = self._intake.preparer
        if self._pickled[0] != preparer.edition:
            self._pickled = (preparer.edition, pickle.dumps(preparer.catalogue, 5))
        return _Task(part, *self._pickled)

    def _do(self, task: _Task) -> bytes:
        """In a process of the pool."""
        if task.edition != self._intake.preparer.edition:
            self._intake.preparer.use(pickle.loads(task.catalogue), task.edition)
        return msgspec.msgpack.encode(self._look_into(task.part))


def _remembered(found: Iterable[_Part], into: deque[_Part]) -> Iterator[_Part]:
    for part in found:
        into.append(part)
        yield part


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Rows are tuples without cycles: Python's collector would only walk them, a tenth of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(1_000_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.freeze()  # what came since goes to the old ones as well: the next collection would walk all of it
        gc.unfreeze()


def _end(part: _Part) -> int:
    """Bytes of the file up to where it ends."""
    return part.end if isinstance(part, Block) else part[-1].end


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
