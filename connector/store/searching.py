"""Searching the texts of what waits: a scan of a bounded number of suspects that says how far it looked.

Urgent ones first, then in the filter's order. A full-text index would have to be kept by whoever stores a post:
SQLite's FTS5 costs four fifths of what inserting the post itself costs, PostgreSQL would want another, and neither
folds accents in ten languages without more. Reading and comparing the texts of 5,000 suspects takes about a tenth of a
second, with 1,000,000 posts stored as with few; most searches end far earlier, with a page full of hits.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from connector.models import Post, Suspect, SuspectPost
from connector.store.listing import Band, Filter, QueueRow, bands, in_band, read, rows

REACH = 5_000
"""Suspects whose texts one search looks through."""
EVERYWHERE = 10**9
_AT_ONCE = 500
_columns: Any = select  # sqlmodel's types end at four columns


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found, and how far it looked."""

    rows: list[QueueRow]
    looked_at: int
    everywhere: bool
    """Whether the limit or the last suspect ended it, not the reach: then looking further finds no more."""


def search(session: Session, where: Filter, limit: int = 50, up_to: int | None = None, reach: int = REACH) -> Searched:
    """Suspects with all words of `where.find` in their posts' texts or their place, capitals and accents apart.

    Looks through the first `reach` in the filter's order, urgent ones first; ask again with a larger one to go on.
    """
    ids, looked_at = [], 0
    for suspect_id in matching(session, where, bands(where), up_to, reach):
        looked_at += 1
        if suspect_id is not None:
            ids.append(suspect_id)
            if len(ids) == limit:
                break
    found = {row.id: row for row in read(session, rows().where(col(Suspect.id).in_(ids)))} if ids else {}
    shown = [found[id_] for id_ in ids if id_ in found]
    return Searched(shown, looked_at, looked_at < reach or len(ids) == limit)


def folded(text: str) -> str:
    """Without capitals and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def matching(
    session: Session, where: Filter, through: Sequence[Band], up_to: int | None, reach: int
) -> Iterator[int | None]:
    """The id of each suspect looked at whose texts have all the words, in order; None for each other one."""
    words = folded(where.find).split()
    for band in through:
        after: tuple[Any, ...] | None = None
        while reach > 0:
            portion = min(_AT_ONCE, reach)
            texts = _texts(session, where, band, after, up_to, portion)
            for key, (suspect_id, said) in texts:
                text = folded("\n".join(said))
                yield suspect_id if all(word in text for word in words) else None
                after = key
            reach -= len(texts)
            if len(texts) < portion:
                break


def _texts(
    session: Session, where: Filter, band: Band, after: tuple[Any, ...] | None, up_to: int | None, limit: int
) -> list[tuple[tuple[Any, ...], tuple[int, list[str]]]]:
    """The next suspects of a band: key, id, and place and texts of all posts."""
    columns = [getattr(Suspect, name) for name in dict.fromkeys(("id", "place", *band.order))]
    some = in_band(_columns(*columns), where, band, after, up_to).limit(limit).subquery()
    query = (
        _columns(some.c.id, some.c.place, Post.text, Post.quoted_text, *(some.c[name] for name in band.order))
        .select_from(some)
        .join(SuspectPost, col(SuspectPost.suspect_id) == some.c.id)
        .join(Post, col(Post.id) == col(SuspectPost.post_id))
    )
    said: dict[tuple[Any, ...], tuple[int, list[str]]] = {}
    for suspect_id, place, text, quoted, *key in session.exec(query):
        said.setdefault(tuple(key), (suspect_id, [place]))[1].extend((text, quoted))
    return sorted(said.items(), reverse=band.newest)
