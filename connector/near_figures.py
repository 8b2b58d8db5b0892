"""How right the grouping of near-duplicates is: labelled pairs of posts against `triage/near.py`.

The command `figures duplicates` prints it. `data/figures/duplicates.jsonl` holds ids and what two people said of each
pair, neither knowing the other's answer nor the code; `same` is settled where they disagree. The texts are not ours to
keep: they are read from the files that are named. `candidate` pairs are reports of one type within 60 metres and 14
days, `random` ones only of one type: their places are not known. A fixed half (`held_out`) never served to choose
weights.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec

from connector.config import DATA
from connector.errors import ConfigError
from connector.share import Share
from connector.triage.near import SURE, Sight, same

LABELS = DATA / "figures" / "duplicates.jsonl"
_DAYS = 15.0
"""A hair more than the pairs were made with."""


class Pair(msgspec.Struct):
    """Two posts, how far apart, and whether they tell of one problem."""

    a: str
    b: str
    set: str
    metres: float | None
    hours: float | None
    first: int
    second: int
    same: int

    @property
    def held_out(self) -> bool:
        """Whether the pair is in the half that no weight was chosen by."""
        return bool(crc32(f"{self.a} {self.b}".encode()) & 1)


class _Text(msgspec.Struct):
    id: str
    text: str
    label: str = ""


class _PairTexts(msgspec.Struct):
    a: str
    b: str
    text_a: str
    text_b: str
    label: str


@dataclass(frozen=True)
class Figures:
    """What is to be said of some of the pairs."""

    name: str
    pairs: int
    precision: Share
    """Of those that would join."""
    recall: Share
    """Of those that are the same."""


@dataclass(frozen=True)
class Measured:
    """Everything that the command prints."""

    agreement: Share
    kappa: float
    figures: list[Figures]
    largest: int
    """Posts of the largest suspect that the pairs would make."""
    widest: float
    """Metres between its first post and one that joins it, at most."""


def measure(posts: Path, pairs: Path, labels: Path = LABELS) -> Measured:
    """The figures; ConfigError says which file or which text is missing."""
    found = [*_lines(labels, Pair)]
    texts = _texts(posts, pairs, {id_ for pair in found for id_ in (pair.a, pair.b)})
    sure = [_sure(pair, texts) for pair in found]
    joined = [value >= SURE for value in sure]
    parts: list[tuple[str, list[bool]]] = [
        ("all", [True] * len(found)),
        ("held out", [pair.held_out for pair in found]),
        ("the other half", [not pair.held_out for pair in found]),
        *((name, [pair.set == name for pair in found]) for name in sorted({pair.set for pair in found})),
    ]
    figures = [_figures(name, _some(found, chosen), _some(joined, chosen)) for name, chosen in parts]
    both = _some(found, joined)
    widest = max((pair.metres or 0.0 for pair in both), default=0.0)
    agreement = Share(sum(pair.first == pair.second for pair in found), len(found))
    return Measured(agreement, _kappa(found), figures, _largest(both), widest)


def _sure(pair: Pair, texts: dict[str, _Text]) -> float:
    a, b = texts[pair.a], texts[pair.b]
    kinds = {label: at for at, label in enumerate(sorted({a.label, b.label}))}
    hours = pair.hours or 0.0
    return same(
        Sight(kinds[a.label], 0, a.text), Sight(kinds[b.label], hours * 3600, b.text), _DAYS, metres=pair.metres
    )  # fmt: skip


def _figures(name: str, pairs: Sequence[Pair], joined: Sequence[bool]) -> Figures:
    right = sum(pair.same and join for pair, join in zip(pairs, joined, strict=True))
    return Figures(name, len(pairs), Share(right, sum(joined)), Share(right, sum(pair.same for pair in pairs)))


def _some(values: Iterable[Any], chosen: Iterable[bool]) -> list[Any]:
    return [value for value, take in zip(values, chosen, strict=True) if take]


def _kappa(pairs: Sequence[Pair]) -> float:
    """Cohen's kappa: how far two people agree beyond chance."""
    count = len(pairs)
    seen = sum(pair.first == pair.second for pair in pairs) / count
    yes, also = sum(pair.first for pair in pairs) / count, sum(pair.second for pair in pairs) / count
    chance = yes * also + (1 - yes) * (1 - also)
    return 1.0 if chance == 1 else (seen - chance) / (1 - chance)


def _largest(joined: Sequence[Pair]) -> int:
    """As the grouping does it: a post joins the first one, never one that joined."""
    near: dict[str, list[str]] = defaultdict(list)
    for pair in joined:
        near[pair.a].append(pair.b)
        near[pair.b].append(pair.a)
    taken: set[str] = set()
    largest = 1
    for post in sorted(near):
        if post not in taken:
            together = {post, *(other for other in near[post] if other not in taken)}
            taken |= together
            largest = max(largest, len(together))
    return largest


def _texts(posts: Path, pairs: Path, wanted: set[str]) -> dict[str, _Text]:
    found: dict[str, _Text] = {}
    for line in _lines(pairs, _PairTexts):
        found[line.a] = _Text(line.a, line.text_a, line.label)
        found[line.b] = _Text(line.b, line.text_b, line.label)
    for text in _lines(posts, _Text):
        if text.id in wanted:
            found.setdefault(text.id, text)
    if missing := wanted - found.keys():
        raise ConfigError(f"{len(missing)} posts of the labelled pairs are in neither {posts} nor {pairs}.")
    return found


def _lines(file: Path, kind: type[Any]) -> Iterator[Any]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}. It is needed to measure.") from error
    for number, line in enumerate(lines, 1):
        try:
            yield msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            raise ConfigError(f"{file}, line {number}: {error}") from error


def document(measured: Measured) -> dict[str, Any]:
    """For `--json`."""
    return {
        "agreement": _share(measured.agreement), "kappa": round(measured.kappa, 3),
        "sets": [
            {"set": one.name, "pairs": one.pairs, "precision": _share(one.precision), "recall": _share(one.recall)}
            for one in measured.figures
        ],
        "largest_suspect": measured.largest, "widest_metres": measured.widest,
    }  # fmt: skip


def _share(share: Share) -> dict[str, Any]:
    value = share.value
    return {
        "value": None if value is None else round(value, 3), "part": share.part, "whole": share.whole,
        "low": round(share.low, 3), "high": round(share.high, 3),
    }  # fmt: skip


def lines(measured: Measured) -> Iterator[str]:
    """The same for a terminal."""
    yield f"two people agree on {measured.agreement}; Cohen's kappa {measured.kappa:.2f}"
    yield f"{'':<16}{'pairs':>6}  {'precision':<34}recall"
    for one in measured.figures:
        yield f"{one.name:<16}{one.pairs:>6}  {one.precision!s:<34}{one.recall}"
    yield f"largest suspect {measured.largest} posts, widest {measured.widest:.0f} m"
