"""What we write on a rule of X's stream: whose it is, and which of our rules it stands for.

X gives the tag back with every post that the rule met. One rule of X may stand for several of ours, since X takes an
expression only once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

LONGEST = 255
_TAG = re.compile(r"connector:([^\s:]*):(\d{1,18}\.\d{1,18}(?:,\d{1,18}\.\d{1,18})*)")


class Tag(NamedTuple):
    installation: str
    rules: tuple[tuple[int, int], ...]
    """Id and version of each."""


def write(installation: str, rules: Sequence[tuple[int, int]]) -> str:
    """As many of the rules as there is room for: the first at least."""
    tag = f"connector:{installation}:"
    for number, (id, version) in enumerate(rules):
        further = f"{',' if number else ''}{id}.{version}"
        if number and len(tag) + len(further) > LONGEST:
            break
        tag += further
    return tag


@lru_cache(4096)
def read(tag: str) -> Tag | None:
    """None: not of our making."""
    found = _TAG.fullmatch(tag)
    if not found:
        return None
    pairs = [pair.split(".") for pair in found[2].split(",")]
    return Tag(found[1], tuple((int(id), int(version)) for id, version in pairs))
