"""Stored posts as the matcher sees them, and which of them a wording meets; knows no Streamlit.

Posts are stored masked and with pseudonyms: `Stored` hands the matcher of `connector.rules` just that. `rule_card.py`
asks before a rule is saved, as if the wording had stood when the posts came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector import rules
from connector.errors import RuleError
from connector.incoming import Detail, Incoming, Kind, Media, Reference
from connector.models import Post
from connector.sealing import Sealer, mask

LIKE = 20
"""So many posts are shown."""


@dataclass(frozen=True, slots=True)
class Met:
    """The stored posts that a wording meets."""

    looked_at: int
    ids: frozenset[int]
    newest: tuple[tuple[int, datetime, str, tuple[str, ...]], ...]
    """Post id, when it was written, masked text, the words that did it; at most `LIKE`."""


class Stored(Incoming):
    """A stored post as the matcher sees it: masked text; accounts compared by pseudonym."""

    __slots__ = ("_author", "_mentioned", "_sealer", "id", "posted_at")

    def __init__(self, post: Post, sealer: Sealer) -> None:
        entities = post.entities or {}
        self._mentioned = tuple(entities.get("mention_keys", ()))
        detail = Detail(
            kind=Kind(post.kind),
            mentioned=self._mentioned,
            hashtags=[mask(tag) for tag in entities.get("hashtags", ())],
            urls=entities.get("urls", ()),
            media=[Media(item.get("kind", "photo")) for item in post.media or ()],
            quoted_text=mask(post.quoted_text),
            references=[Reference(Kind(r["kind"]), r["id"]) for r in post.references or ()],
        )
        super().__init__(post.source_id, mask(post.text), post.lang, b"", detail)
        self.id, self.posted_at, self._author, self._sealer = post.id or 0, post.posted_at, post.author_key, sealer

    def wrote(self, handle: str) -> bool:
        return bool(self._author) and self._sealer.pseudonym(handle) == self._author

    def mentions(self, handle: str) -> bool:
        return self._sealer.pseudonym(handle) in self._mentioned


def which_meet(posts: Sequence[Stored], expression: str) -> Met:
    """Those of the posts, the newest first, that this wording meets; none if it cannot be read."""
    try:
        found = rules.compile([(1, 1, expression)]).match(posts)
    except RuleError:
        return Met(len(posts), frozenset(), ())
    met = [(post, hits[0].words) for post, hits in zip(posts, found, strict=True) if hits]
    shown = tuple((post.id, post.posted_at, post.text, words) for post, words in met[:LIKE])
    return Met(len(posts), frozenset(post.id for post, _ in met), shown)
