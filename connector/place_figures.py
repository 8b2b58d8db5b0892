"""How well places are read: on posts whose place a person said, and on ordinary posts, in which every place is false.

The command `figures places` prints it, by default for `data/figures/places.jsonl`: 200 posts by somebody who saw the
demo city's lists and not the code, half of them without a place. A line holds `text`, `replies` (the author's own,
later), `streets`, `landmark` and `method`. What is measured: `triage/place.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from connector.config import DATA
from connector.errors import ConfigError
from connector.triage import Gazetteer, Place

LABELLED = DATA / "figures" / "places.jsonl"
SURE = 0.85
"""From here on a place is called sure."""
_SHOWN = 20


class Labelled(msgspec.Struct):
    """A post and where a person says that it is: names as in the city's lists, both empty for nowhere."""

    text: str
    id: str | int = ""
    replies: list[str] = []
    streets: list[str] = []
    landmark: str | None = None
    number: str | int | None = None
    method: str | None = None

    @property
    def placed(self) -> bool:
        return bool(self.streets or self.landmark)


class _Ordinary(msgspec.Struct):
    text: str
    id: str | int = ""
    kind: str = ""


@dataclass
class Tally:
    """Posts of a kind: how many there are, have a place found, and have the right one found."""

    posts: int = 0
    found: int = 0
    right: int = 0


@dataclass
class Figures:
    """Precision is of the places found, recall of the posts with a place; a wrong place counts against both."""

    kinds: dict[str, Tally] = field(default_factory=dict)
    """By the label's `method`; `none`: without a place."""
    sure: Tally = field(default_factory=Tally)
    """Of the places found those that are called sure."""
    wrong: list[str] = field(default_factory=list)
    """Ids of posts with another place than the right one, or with one where there is none."""
    missed: list[str] = field(default_factory=list)
    tweets: int = 0
    false: list[str] = field(default_factory=list)
    """Ids of the tweets with a place, and how it was found."""
    methods: Counter[str] = field(default_factory=Counter)

    @property
    def precision(self) -> float:
        return _share(sum(kind.right for kind in self.kinds.values()), sum(kind.found for kind in self.kinds.values()))

    @property
    def recall(self) -> float:
        return _share(
            sum(kind.right for kind in self.kinds.values()),
            sum(kind.posts for name, kind in self.kinds.items() if name != "none"),
        )

    @property
    def f1(self) -> float:
        precision, recall = self.precision, self.recall
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def measure(gazetteer: Gazetteer, labelled: Path = LABELLED, tweets: Path | None = None) -> Figures:
    """The figures of both files; ConfigError names one that cannot be read."""
    figures = Figures()
    for number, post in enumerate(_lines(labelled, Labelled), 1):
        found = found_in(gazetteer, post.text, post.replies)
        name = str(post.id or f"line {number}")
        right = post.placed and found is not None and is_right(found, post)
        for tally in [figures.kinds.setdefault(_kind(post), Tally()), *([figures.sure] if _is_sure(found) else [])]:
            tally.posts += 1
            tally.found += found is not None
            tally.right += right
        if found and not right:
            figures.wrong.append(name)
        elif post.placed and not found:
            figures.missed.append(name)
    for tweet in _lines(tweets, _Ordinary) if tweets else ():
        if tweet.kind == "tweet":
            figures.tweets += 1
            if place := gazetteer.find(tweet.text):
                figures.false.append(f"{tweet.id} ({place.method})")
                figures.methods[place.method] += 1
    return figures


def found_in(gazetteer: Gazetteer, text: str, replies: Iterable[str]) -> Place | None:
    """The place of a post, or that of the first later reply of its author that names one: as the queue shows it."""
    found = (place for reply in replies if (place := gazetteer.find(reply, asked=True)))
    return gazetteer.find(text) or next(found, None)


def is_right(found: Place, post: Labelled) -> bool:
    """Whether the set of streets equals that of the label, or the landmark that of the label.

    A landmark with its street beside it ("the library on Quarry Road") is right for a label with either of the two. The
    house number does not count: this is measured by the street.
    """
    streets, told = {_plain(name) for name in found.streets}, {_plain(name) for name in post.streets}
    return bool(told and streets == told) or bool(post.landmark and _plain(found.landmark) == _plain(post.landmark))


def lines(figures: Figures) -> Iterator[str]:
    """The figures in words, posts by their ids alone."""
    yield f"precision {figures.precision:.3f}   recall {figures.recall:.3f}   F1 {figures.f1:.3f}"
    for name, kind in sorted(figures.kinds.items()):
        yield f"  {name:14} {kind.posts:4} posts   {kind.found:4} with a place found   {kind.right:4} right"
    yield f"  called sure ({SURE} and more): {figures.sure.found}, right {figures.sure.right}"
    yield f"  wrong: {_some(figures.wrong)}"
    yield f"  missed: {_some(figures.missed)}"
    if figures.tweets:
        share = _share(len(figures.false), figures.tweets)
        yield f"false places on {figures.tweets} tweets: {len(figures.false)} ({share:.2%}) {dict(figures.methods)}"
        yield f"  for example: {_some(figures.false)}"


def document(figures: Figures) -> dict[str, Any]:
    """The same for `--json`."""
    return {
        "precision": round(figures.precision, 4),
        "recall": round(figures.recall, 4),
        "f1": round(figures.f1, 4),
        "kinds": figures.kinds,
        "sure": figures.sure,
        "wrong": figures.wrong,
        "missed": figures.missed,
        "tweets": figures.tweets,
        "false": figures.false,
        "false_share": round(_share(len(figures.false), figures.tweets), 5),
    }


def _lines(file: Path, shape: type[Any]) -> Iterator[Any]:
    try:
        with file.open("rb") as content:
            for number, line in enumerate(content, 1):
                if line.strip():
                    try:
                        yield msgspec.json.decode(line, type=shape)
                    except msgspec.DecodeError as error:
                        raise ConfigError(f"{file}:{number}: {error}") from error
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from error


def _kind(post: Labelled) -> str:
    return (post.method or "other") if post.placed else "none"


def _is_sure(place: Place | None) -> bool:
    return place is not None and place.sure >= SURE


def _plain(name: str) -> str:
    return " ".join(name.lower().split())


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _some(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
