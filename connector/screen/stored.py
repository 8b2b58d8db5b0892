"""Which stored posts a wording meets, which it nearly meets, and where it is decided at all; knows no Streamlit.

The Rules page asks before a rule is saved, as if the wording had stood when the posts came. `connector/stored.py` reads
the posts, `connector/rules/explain.py` says what one lacks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from connector import adapters, rules, sources, stored
from connector.errors import RuleError
from connector.rules.explain import Explainer, Lack
from connector.stored import Stored

LIKE = 20
"""So many posts are shown."""
NEAR = 8


@dataclass(frozen=True, slots=True)
class Shown:
    """A post with what the wording found in it."""

    id: int
    at: datetime
    text: str
    """Masked."""
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Met:
    """The stored posts that a wording meets."""

    looked_at: int
    ids: frozenset[int]
    newest: tuple[Shown, ...]
    """At most `LIKE`."""


def which_meet(posts: Sequence[Stored], expression: str, surfaces: Mapping[str, str]) -> Met:
    """Those of the posts, the newest first, that this wording meets; none if it cannot be read."""
    met = found_in(posts, expression, surfaces)
    return Met(len(posts), frozenset(met), tuple(met[post.id] for post in posts if post.id in met)[:LIKE])


def found_in(posts: Sequence[Stored], expression: str, surfaces: Mapping[str, str]) -> dict[int, Shown]:
    """Post id → the post as it is shown, of those that the wording meets."""
    try:
        decided = stored.decided(rules.compile([(1, 1, expression)]), posts, surfaces)
    except RuleError:
        return {}
    return {post.id: Shown(post.id, post.posted_at, post.text, hits[0].words) for post, hits in decided}


def near_misses(posts: Sequence[Stored], expression: str, surfaces: Mapping[str, str]) -> list[tuple[Shown, Lack]]:
    """Posts that lack one piece of the rule alone, and which one.

    Those whose case is rare come first: a post with "crater" that lacks the road tells more than each with "road" that
    lacks the crater.
    """
    try:
        by_surface = {surface: Explainer(expression, surface) for surface in {*surfaces.values(), "local"}}
    except RuleError:
        return []
    cases: dict[tuple[str, ...], list[tuple[Shown, Lack]]] = {}
    for post in posts:
        lack = by_surface[surfaces.get(post.source, "local")].lack(post)
        if lack is not None:
            case = (lack.part, *sorted(word.casefold() for word in lack.words))
            cases.setdefault(case, []).append((Shown(post.id, post.posted_at, post.text, lack.words), lack))
    return [one for case in sorted(cases.values(), key=len) for one in case[:2]][:NEAR]


@lru_cache(maxsize=4096)
def undecided(expression: str, kind: str) -> tuple[str, ...]:
    """The operators of a wording that are unknown on posts of this kind of source; empty: it works there whole."""
    try:
        tree = rules.parse(expression)
    except RuleError:
        return ()
    return rules.unknown(tree, sources.capabilities(kind).tells)


def kinds() -> tuple[str, ...]:
    """Every kind of source that there is."""
    return adapters.kinds("connector.sources")
