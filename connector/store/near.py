"""What is stored of near-duplicates: the keys by which suspects are found, who is in them, and what people parted.

`grouping.py` asks for a whole batch at once; each question is one statement, whatever the number of posts. The keys
themselves are made in `triage/near_keys.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy import text as sql
from sqlmodel import Session, col, select

from connector.models import Apart, NearKey, Post, Suspect, SuspectPost, now
from connector.store import bulk

AT_MOST = 16
"""Suspects that are looked at behind one key, the latest; in a storm a thousand may stand on one corner."""
KEPT = timedelta(days=90)
"""Age at which a key goes; posts that arrive with an older date find nobody."""
SLICES = 1_024
_FEW = 1_000  # rows
COUNTED = 1_000
"""Posts of an author that are looked at to see whether they are in a suspect already."""
_ONE_AT_A_TIME = 7_311_312  # any number of our own: PostgreSQL's advisory lock of whoever groups

# CROSS JOIN: the keys first, always.
_FEW_HELD = (
    "SELECT k.value, n.suspect_id, n.at FROM json_each(:keys) k CROSS JOIN near_key n"
    " ON n.key = k.value AND n.at BETWEEN :since AND :until LIMIT :most"
)
# A key has its latest suspects in a row of the tree: one search each.
_HELD = {
    "sqlite": (
        "SELECT k.value, n.suspect_id, n.at FROM json_each(:keys) k CROSS JOIN near_key n"
        " ON n.key = k.value AND n.at <= :until AND n.at >= coalesce((SELECT m.at FROM near_key m"
        " WHERE m.key = k.value AND m.at BETWEEN :since AND :until ORDER BY m.at DESC LIMIT 1 OFFSET :last), :since)"
    ),
    "postgresql": (
        "SELECT k.value, n.suspect_id, n.at FROM unnest(CAST(:keys AS bigint[])) AS k(value) CROSS JOIN LATERAL"
        " (SELECT m.suspect_id, m.at FROM near_key m WHERE m.key = k.value AND m.at BETWEEN :since AND :until"
        " ORDER BY m.at DESC LIMIT :last + 1) n"
    ),
}
_FEW_BY_AUTHOR = (
    "SELECT k.value, sp.suspect_id, p.id FROM json_each(:keys) k CROSS JOIN post p ON p.author_key = k.value"
    " CROSS JOIN suspect_post sp ON sp.post_id = p.id LIMIT :most"
)
_BY_AUTHOR = {
    "sqlite": (
        "SELECT k.value, sp.suspect_id, p.id FROM json_each(:keys) k CROSS JOIN post p ON p.author_key = k.value"
        " AND p.id >= coalesce((SELECT q.id FROM post q WHERE q.author_key = k.value"
        " ORDER BY q.id DESC LIMIT 1 OFFSET :last), 0) CROSS JOIN suspect_post sp ON sp.post_id = p.id"
    ),
    "postgresql": (
        "SELECT k.value, sp.suspect_id, p.id FROM unnest(CAST(:keys AS text[])) AS k(value) CROSS JOIN LATERAL"
        " (SELECT q.id FROM post q WHERE q.author_key = k.value ORDER BY q.id DESC LIMIT :last + 1) p"
        " JOIN suspect_post sp ON sp.post_id = p.id"
    ),
}
_BY_POST = (
    "SELECT p.source_id, sp.suspect_id FROM post p JOIN suspect_post sp ON sp.post_id = p.id"
    " WHERE p.source = :source AND p.source_id"
)
_FACTS = (
    "SELECT s.id, s.status, s.request_type_id, s.urgent, s.urgent_why, s.lat, s.lon, s.place_method, s.merged_into_id,"
    " p.id, p.posted_at, p.text, p.author_key, s.status = 'accepted'"
    " AND EXISTS (SELECT 1 FROM ticket t WHERE t.suspect_id = s.id)"
    " AND NOT EXISTS (SELECT 1 FROM ticket t WHERE t.suspect_id = s.id AND t.status <> 'closed')"
    " FROM suspect s LEFT JOIN post p ON p.id = s.lead_post_id AND p.gone_at IS NULL"
)

_STILL = " ORDER BY s.id FOR NO KEY UPDATE OF s"
_PARTED = "SELECT a.suspect_id, p.text FROM apart a JOIN post p ON p.id = a.post_id"


@dataclass(slots=True)
class Facts:
    """A suspect as a post is weighed against it."""

    id: int
    status: str
    type_id: int
    urgent: int
    danger: str
    lat: float | None
    lon: float | None
    method: str
    merged_into: int | None
    lead: int | None
    """Its first post; None: gone."""
    at: float
    """When that was written, in seconds since 1970."""
    text: str
    author: str
    closed: bool
    """Accepted, and all its tickets are closed."""


def take_turns(session: Session) -> None:
    """Until this session ends nobody else groups posts: two workers would each make a suspect of one problem.

    On SQLite there is one writer anyway.
    """
    if session.connection().dialect.name == "postgresql":
        session.connection().execute(sql("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})


def held(session: Session, keys: Collection[int], since: float, until: float) -> Iterable[tuple[int, int, int]]:
    """Key, suspect and its time, for the suspects behind each key that began between these seconds.

    All of them or, where there are very many, the latest `AT_MOST` of each key.
    """
    values = {"since": int(since), "until": int(until) + 1, "last": AT_MOST - 1}
    return _asked(session, _FEW_HELD, _HELD, keys, **values)


def of_authors(session: Session, authors: Collection[str], at_most: int = AT_MOST) -> Iterable[tuple[str, int, int]]:
    """Author, suspect and post, for the posts of each author; likewise."""
    return _asked(session, _FEW_BY_AUTHOR, _BY_AUTHOR, authors, last=at_most - 1)


def of_posts(session: Session, source: str, source_ids: Sequence[str]) -> Iterable[tuple[str, int]]:
    """Source id and suspect."""
    return bulk.among(session, _BY_POST, source_ids, source=source) if source_ids else ()


def _asked(session: Session, few: str, latest: dict[str, str], keys: Collection[Any], **values: int) -> Iterable[Any]:
    """On SQLite the search for the latest takes longer than all rows of keys that have few: so these are asked for."""
    if not keys:
        return ()
    name = session.connection().dialect.name
    asked = sorted(keys)  # neighbours in the tree are looked up one after the other
    if name != "sqlite":
        return bulk.tuples(session, sql(latest[name]), keys=asked, **values)
    listed, most = bulk.json_text(asked), max(_FEW, 2 * len(asked))
    rows = bulk.tuples(session, sql(few), keys=listed, most=most, **values)
    return rows if len(rows) < most else bulk.tuples(session, sql(latest[name]), keys=listed, **values)


def facts(session: Session, ids: Collection[int]) -> list[Facts]:
    """Of these suspects and of those that they were merged into.

    Nobody changes them until the session ends: what is decided by these facts would be wrong by then.
    """
    found: dict[int, Facts] = {}
    held = _STILL if session.connection().dialect.name == "postgresql" else ""
    wanted = set(ids)
    while wanted:
        known = ",".join(map(str, sorted(wanted)))  # our own whole numbers
        for row in bulk.tuples(session, sql(f"{_FACTS} WHERE s.id IN ({known}){held}")):
            found[row[0]] = Facts(
                row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9],
                _seconds(row[10]), row[11] or "", row[12] or "", bool(row[13]),
            )  # fmt: skip
        wanted = {f.merged_into for f in found.values() if f.merged_into} - found.keys()
    return list(found.values())


def _seconds(value: Any) -> float:
    if value is None:
        return 0.0
    return value.timestamp() if isinstance(value, datetime) else bulk.seconds_of(value)


def insert_keys(session: Session, rows: Collection[tuple[int, int, int]]) -> None:
    """Each (key, seconds, suspect)."""
    names, dialect = ("key", "at", "suspect_id"), session.connection().dialect
    table: Any = NearKey.__table__  # type: ignore[attr-defined]
    # In their order: neighbours in the tree are written one after the other.
    bulk.writer(table, names, dialect, True).insert_bound(session, sorted(rows))


def delete_keys(session: Session, suspect: Suspect) -> None:
    """Nothing is found to resemble it any more."""
    keys = unpacked(suspect.near_keys)
    if keys:
        session.exec(delete(NearKey).where(col(NearKey.key).in_(keys), col(NearKey.suspect_id) == suspect.id))
    suspect.near_keys = None


def forget(session: Session, slice_: int) -> None:
    """Delete what is too old of one of the slices: keys are hashes, so each holds as many, and none takes long."""
    width = 2**64 // SLICES
    low = slice_ % SLICES * width - 2**63
    old = int((now() - KEPT).timestamp())
    session.exec(delete(NearKey).where(col(NearKey.key).between(low, low + width - 1), col(NearKey.at) < old))


def packed(keys: Sequence[int]) -> bytes:
    """As `Suspect.near_keys` holds them."""
    return struct.pack(f">{len(keys)}q", *keys)


def unpacked(kept: bytes | None) -> tuple[int, ...]:
    return struct.unpack(f">{len(kept) // 8}q", kept) if kept else ()


def recount(session: Session, suspect: Suspect) -> None:
    """People, posts and times from the posts that are there; as it was where none is left.

    Posts whose author nobody knows count as one person each.
    """
    named = func.count(func.distinct(func.nullif(col(Post.author_key), "")))
    unnamed = func.count(1) - func.count(func.nullif(col(Post.author_key), ""))
    query = (
        select(func.count(1), named + unnamed, func.min(Post.posted_at), func.max(Post.posted_at))
        .join(SuspectPost, col(SuspectPost.post_id) == col(Post.id))
        .where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
    )
    posts, people, first, last = session.exec(query).one()
    if posts:
        suspect.posts, suspect.people, suspect.first_posted_at, suspect.last_posted_at = posts, people, first, last
        session.add(suspect)


def keep_apart(session: Session, post_ids: Iterable[int], suspect_id: int, by: str) -> None:
    """A person took these posts out of this suspect."""
    for post_id in post_ids:
        session.merge(Apart(post_id=post_id, suspect_id=suspect_id, by=by, at=now()))


def let_together(session: Session, post_ids: Iterable[int], suspect_id: int) -> None:
    """They took that back."""
    parted = delete(Apart).where(col(Apart.suspect_id) == suspect_id, col(Apart.post_id).in_(list(post_ids)))
    session.exec(parted)


def parted(session: Session, suspect_ids: Collection[int]) -> dict[int, list[str]]:
    """Suspect → texts of the posts that a person took out of it."""
    found: dict[int, list[str]] = {}
    if suspect_ids:
        known = ",".join(map(str, sorted(suspect_ids)))  # our own whole numbers
        for suspect_id, text in session.connection().exec_driver_sql(f"{_PARTED} WHERE a.suspect_id IN ({known})"):
            found.setdefault(suspect_id, []).append(text)
    return found
