"""The one place where names and handles are opened: for who may see them, and never without writing the sight down.

`card.py` asks once a card; who may not see names gets dots in the texts, no author and no link to the original.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec
from sqlalchemy.exc import SQLAlchemyError

from connector import access, screen, sealing, sources
from connector.errors import ConnectorError
from connector.models import Post


@dataclass(frozen=True, slots=True)
class Names:
    """Author and handles of a post, as far as this person may see them."""

    name: str = ""
    handle: str = ""
    handles: tuple[str, ...] = ()
    link: str = ""
    """To the original."""

    def reveal(self, text: str) -> str:
        return sealing.reveal(text, self.handles)

    @property
    def author(self) -> str:
        return " ".join(filter(None, (self.name, f"@{self.handle}" if self.handle else "")))


NOBODY = Names()


def opened(suspect_id: int, posts: Iterable[tuple[Post, str]]) -> Mapping[int, Names]:
    """Id of a post → its names, for posts with the kinds of their sources; empty for who may not see them.

    What cannot be written down is not shown.
    """
    if not screen.allowed(screen.Right.NAMES):
        return {}
    found = {post.id or 0: _opened(post, kind) for post, kind in posts}
    if any(one.author or one.handles for one in found.values()):
        try:
            access.saw_names(screen.house().database, screen.me(), suspect_id)
        except SQLAlchemyError:
            return {}
    return found


def _opened(post: Post, kind: str) -> Names:
    """A lost key leaves dots, not an error."""
    told: dict[str, str] = {}
    if post.author_sealed:
        try:
            told = msgspec.json.decode(screen.house().sealer.unseal(post.author_sealed, post.source, post.source_id))
        except (ConnectorError, msgspec.DecodeError):
            told = {}
    handles = tuple(told.get("handles", ()))
    return Names(told.get("name", ""), told.get("handle", ""), handles, _link(kind, post, handles))


def _link(kind: str, post: Post, handles: tuple[str, ...]) -> str:
    """By the kind's pattern, else the one that came with the post; it is stored without the handles in it."""
    own = sealing.reveal(str((post.entities or {}).get("link", "")), handles)
    try:
        return sources.permalink(kind, post.version_id or post.source_id) or own
    except (ConnectorError, LookupError):
        return own
