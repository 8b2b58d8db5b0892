"""How good a pack is on judged posts: which requests it catches, and which ordinary posts it alarms on.

The command `measure-pack` prints it. Posts are JSON lines of `text`, `label` (a request type, one of the pack's
`labels`, or `none`), `kind`, `source_repo` and `kw` (whether the text holds a civic word at all: the hard ones among
the ordinary posts). Each is matched as on sources that we evaluate ourselves. `packs.py` says what a pack is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from connector import rules
from connector.incoming import Incoming
from connector.packs import Pack
from connector.sources.x.lines import raw

NAIVE = (
    "pothole OR potholes OR trash OR garbage OR litter OR dumping OR dumped OR leak OR leaks OR leaking OR flood "
    "OR floods OR flooded OR flooding OR tree OR trees OR branch OR sidewalk OR sidewalks OR graffiti OR noise OR "
    "loud OR parking OR parked OR snow OR ice OR streetlight OR streetlights OR light OR lights OR signal OR "
    "traffic OR drain OR drains OR sewer OR dog OR dogs OR abandoned OR street OR streets"
)
"""Bare words that one would try first: what a pack has to be better than."""
NONE = "none"
"""The label of an ordinary post."""
_BATCH = 500


class Judged(msgspec.Struct):
    """A post and what somebody said it is."""

    text: str
    label: str
    kind: str = "post"
    source_repo: str = ""
    kw: bool | None = None


@dataclass
class Tally:
    """How many posts there were, and how many of them a rule met."""

    posts: int = 0
    met: int = 0
    own: int = 0
    """By a rule of the post's own type."""
    naive: int = 0

    def add(self, met: bool, own: bool, naive: bool) -> None:
        self.posts += 1
        self.met += met
        self.own += own
        self.naive += naive


class Group(NamedTuple):
    """Where judged posts come from."""

    kind: str
    repository: str


@dataclass
class RuleTally:
    """What one rule met: requests, and ordinary posts with and without a civic word."""

    type: str
    name: str
    labels: frozenset[str] = field(repr=False)
    caught: int = 0
    own: int = 0
    alarms_kw: int = 0
    alarms_others: int = 0

    def count(self, post: Judged) -> None:
        if post.label != NONE:
            self.caught += 1
            self.own += post.label in self.labels
        elif post.kw:
            self.alarms_kw += 1
        else:
            self.alarms_others += 1


@dataclass
class Figures:
    """What a pack did to a file of judged posts."""

    pack: str
    rules: list[RuleTally]
    """In the pack's order."""
    requests: dict[Group, Tally] = field(default_factory=dict)
    labels: dict[Group, dict[str, Tally]] = field(default_factory=dict)
    ordinary: dict[bool, Tally] = field(default_factory=lambda: {True: Tally(), False: Tally()})
    """By whether there is a civic word in them."""
    bad: int = 0


def measure(pack: Pack, file: Path | None, complain: Callable[[str], None]) -> Figures:
    """The figures of a pack on a file, or on standard input (None); a line that cannot be read is told and counted."""
    tallies = [
        RuleTally(kind.code, rule.name, frozenset((kind.code, *kind.labels)))
        for kind in pack.request_types
        for rule in kind.rules
    ]
    expressions = [rule.expression for kind in pack.request_types for rule in kind.rules]
    compiled = rules.compile((number, 1, text) for number, text in enumerate([*expressions, NAIVE]))
    figures = Figures(pack.pack, tallies)
    for batch in _batches(_judged(file, figures, complain)):
        found = compiled.match([Incoming("", post.text) for post in batch])
        for post, hits in zip(batch, found, strict=True):
            met = {hit.rule_id for hit in hits}
            _count(figures, post, [tallies[number] for number in met - {len(tallies)}], naive=len(tallies) in met)
    return figures


def _judged(file: Path | None, figures: Figures, complain: Callable[[str], None]) -> Iterator[Judged]:
    for line in raw(file):
        try:
            yield msgspec.json.decode(line.content, type=Judged)
        except msgspec.DecodeError as error:
            figures.bad += 1
            complain(f"{file or '-'}:{line.number}: {line.problem or error}")


def _batches(posts: Iterable[Judged]) -> Iterator[list[Judged]]:
    waiting = iter(posts)
    while batch := list(islice(waiting, _BATCH)):
        yield batch


def _count(figures: Figures, post: Judged, met: Sequence[RuleTally], naive: bool) -> None:
    for rule in met:
        rule.count(post)
    if post.label == NONE:
        figures.ordinary[bool(post.kw)].add(bool(met), own=False, naive=naive)
        return
    own = any(post.label in rule.labels for rule in met)
    group = Group(post.kind, post.source_repo)
    figures.requests.setdefault(group, Tally()).add(bool(met), own, naive)
    figures.labels.setdefault(group, {}).setdefault(post.label, Tally()).add(bool(met), own, naive)


def document(figures: Figures) -> dict[str, Any]:
    """For `--json`: counts, no shares."""
    return {
        "pack": figures.pack,
        "bad": figures.bad,
        "requests": [
            {
                "kind": group.kind, "source_repo": group.repository, **_caught(tally),
                "labels": [{"label": label, **_caught(one)} for label, one in _by_size(figures.labels[group])],
            }
            for group, tally in _by_size(figures.requests)
        ],
        "none": [
            {"kw": kw, "posts": tally.posts, "alarmed": tally.met, "naive": tally.naive}
            for kw, tally in figures.ordinary.items()
        ],
        "rules": [
            {name: value for name, value in asdict(rule).items() if name != "labels"} for rule in figures.rules
        ],
    }  # fmt: skip


def _caught(tally: Tally) -> dict[str, int]:
    return {"posts": tally.posts, "caught": tally.met, "own": tally.own, "naive": tally.naive}


def _by_size(tallies: dict[Any, Tally]) -> list[tuple[Any, Tally]]:
    return sorted(tallies.items(), key=lambda item: (-item[1].posts, item[0]))


def lines(figures: Figures) -> Iterator[str]:
    """The same for a terminal, as shares."""
    yield f"{'caught':<52} {'posts':>7} {'any rule':>9} {'own type':>9} {'bare words':>11}"
    for group, tally in _by_size(figures.requests):
        yield _row(f"{group.kind} of {group.repository or '–'}", tally, own=True)
        for label, one in _by_size(figures.labels[group]):
            yield _row(f"  {label}", one, own=True)
    yield f"\nalarms among posts labelled {NONE}"
    for kw, tally in figures.ordinary.items():
        yield _row("  with a civic word" if kw else "  others", tally, own=False)
    yield f"\n{'rule':<52} {'caught':>7} {'own type':>9} {'civic word':>11} {'others':>7}"
    for rule in figures.rules:
        yield f"{rule.name:<52} {rule.caught:>7,} {rule.own:>9,} {rule.alarms_kw:>11,} {rule.alarms_others:>7,}"
    if figures.bad:
        yield f"\n{figures.bad} lines could not be read"


def _row(name: str, tally: Tally, own: bool) -> str:
    shares = (_share(tally.met, tally), _share(tally.own, tally) if own else "", _share(tally.naive, tally))
    return "{:<52} {:>7,} {:>9} {:>9} {:>11}".format(name[:52], tally.posts, *shares)


def _share(count: int, tally: Tally) -> str:
    return f"{count / tally.posts:.2%}" if tally.posts else "–"
