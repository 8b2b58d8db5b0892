"""Stored posts read back as the matcher sees posts: masked texts, accounts compared by pseudonym.

`pages` reads all of them in constant memory, and of each only where words may stand; `matching` reads the few that may
meet a rule whole, and decides them by the surface that their source declares. Asked by `backtest.py`, `lookback.py`
and the Rules page, for which a wording shall do on the past what it would have done when the posts came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import JSON, Select, Text, bindparam, func, select
from sqlalchemy import cast as sql_cast
from sqlmodel import Session
from sqlmodel import select as typed_select

from connector import adapters, sources
from connector.incoming import Detail, Fact, Incoming, Kind, Media, Reference
from connector.models import Post, SourceState, Utc
from connector.rules import Found, RuleSet
from connector.sealing import OPEN, Sealer, mask
from connector.store import Database, bulk

PAGE = 1000
_P = Post.__table__.c  # type: ignore[attr-defined]
_JSON = msgspec.json.Encoder()


Words = tuple[int, str, str, str, str | None]
"""What is read of every post, in the order of `_WORDS`; a plain tuple, for a million of them."""
_WORDS = ("id", "source", "text", "quoted_text", "entities")


class _Row(NamedTuple):
    """What is read of a post that may meet a rule; lists and dicts as the database's JSON."""

    id: int
    source: str
    source_id: str
    kind: str
    text: str
    quoted_text: str
    lang: str
    entities: str | None
    media: str | None
    refs: str | None
    conversation_id: str
    reply_settings: str
    place_name: str
    lat: float | None
    lon: float | None
    own: bool
    author_key: str
    posted_at: str | datetime


def _reading(names: Sequence[str]) -> Select[Any]:
    """JSON is read as text: PostgreSQL's driver would decode every one."""
    columns = [sql_cast(_P[name], Text) if isinstance(_P[name].type, JSON) else _P[name] for name in names]
    return select(*columns).where(_P.gone_at.is_(None))


_PAGE = _reading(_WORDS).where(_P.id > bindparam("last")).order_by(_P.id).limit(PAGE)
_PAGE_SINCE = _PAGE.where(_P.posted_at >= bindparam("since", type_=Utc))
_SOME = _reading(_Row._fields).where(_P.id.in_(bindparam("ids", expanding=True))).order_by(_P.id)
_NEWEST = _reading(_Row._fields).where(_P.own.is_(False)).order_by(_P.posted_at.desc(), _P.id.desc())


class Stored(Incoming):
    """A stored post as the matcher sees it; needs no session."""

    __slots__ = ("_row", "_sealer", "id", "source")

    def __init__(self, row: _Row, sealer: Sealer) -> None:
        super().__init__(row.source_id, mask(row.text) if OPEN in row.text else row.text, row.lang)
        self.id, self.source, self._row, self._sealer = row.id, row.source, row, sealer
        # The same attributes, each decoded when it is asked for: all of them would cost more than matching does.
        self._detail = cast(Detail, _Later(row))

    @property
    def posted_at(self) -> datetime:
        return _time(self._row)

    def wrote(self, handle: str) -> bool | None:
        key = self._row.author_key
        return self._sealer.pseudonym(handle) == key if key else None

    def mentions(self, handle: str) -> bool:
        return self._sealer.pseudonym(handle) in self.detail.mentioned


class _Later:
    """The `Detail` of a stored post."""

    __slots__ = ("_row",)

    def __init__(self, row: _Row) -> None:
        self._row = row

    def __getattr__(self, name: str) -> Any:
        read = _READ.get(name)
        return read(self._row) if read else getattr(_NOTHING, name)


_NOTHING = Detail()
"""What is not stored."""
_READ: dict[str, Callable[[_Row], Any]] = {
    "kind": lambda row: Kind(row.kind),
    "posted_at": lambda row: _time(row),
    "mentioned": lambda row: _entity(row, "mention_keys"),
    "hashtags": lambda row: [mask(tag) for tag in _entity(row, "hashtags")],
    "urls": lambda row: [mask(url) for url in _entity(row, "urls")],
    "media": lambda row: [Media(one.get("kind", "photo"), one.get("url", "")) for one in _list(row.media)],
    "quoted_text": lambda row: mask(row.quoted_text) if row.quoted_text else "",
    "conversation_id": lambda row: row.conversation_id,
    "references": lambda row: [Reference(Kind(one["kind"]), one["id"]) for one in _list(row.refs)],
    "place_name": lambda row: mask(row.place_name),
    "lat": lambda row: row.lat,
    "lon": lambda row: row.lon,
    "reply_settings": lambda row: row.reply_settings,
    "own": lambda row: bool(row.own),
}


def _time(row: _Row) -> datetime:
    at = row.posted_at  # as text on SQLite
    return bulk.time_of(at) if isinstance(at, str) else at.astimezone(UTC)


def _entity(row: _Row, name: str) -> Sequence[str]:
    text = row.entities
    if not text or f'"{name}":[]' in text:
        return ()
    found = msgspec.json.decode(text) or {}
    return tuple(found.get(name, ()))


def _list(text: str | None) -> Sequence[dict[str, str]]:
    return (msgspec.json.decode(text) or ()) if text and text != "[]" else ()


TELLS = frozenset(
    (Fact.TEXT, Fact.LANGUAGE, Fact.AUTHOR, Fact.MENTIONS, Fact.LINKS, Fact.MEDIA, Fact.KIND, Fact.REFERENCES,
     Fact.CONVERSATION, Fact.PLACE, Fact.POSITION)
)  # fmt: skip
"""What is stored of a post; an operator that asks for anything else is unknown here, whatever the source told."""


@contextmanager
def reading(database: Database) -> Iterator[Session]:
    """A session for many pages: all of them show the posts of one moment."""
    with database.reading() as session:
        if not database.is_sqlite:  # which has it by itself
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        yield session


def pages(session: Session, since: datetime | None = None) -> Iterator[list[Words]]:
    """All posts that are not gone, by id, in constant memory; `since`: those written from then on."""
    last, query, values = 0, _PAGE, {}
    if since is not None:
        first = select(func.min(_P.id)).where(_P.posted_at >= since)
        last = (session.connection().execute(first).scalar() or 1) - 1
        query, values = _PAGE_SINCE, {"since": since}
    while rows := bulk.tuples(session, query, last=last, **values):
        last = rows[-1][0]
        yield rows


def count(session: Session, since: datetime | None = None) -> int:
    """About how many posts `pages` will give: gone ones are counted too."""
    query = select(func.count()).select_from(Post)
    if since is not None:
        query = query.where(_P.posted_at >= since)
    return session.connection().execute(query).scalar() or 0


def some(session: Session, sealer: Sealer, ids: Collection[int], locked: bool = False) -> list[Stored]:
    """These posts by id, without those that are gone; `locked`: nobody changes or erases them before the commit."""
    rows = bulk.tuples(session, _SOME.with_for_update(read=True) if locked else _SOME, ids=list(ids))
    return [Stored(_Row(*row), sealer) for row in rows]


def newest(session: Session, sealer: Sealer, limit: int = 2000) -> list[Stored]:
    """The posts written last that are still there, newest first; not our own."""
    return [Stored(_Row(*row), sealer) for row in bulk.tuples(session, _NEWEST.limit(limit))]


def surfaces(session: Session) -> dict[str, str]:
    """Source → whose reading of a text counts for its posts."""
    known = adapters.kinds("connector.sources")
    states = session.exec(typed_select(SourceState.name, SourceState.kind))
    return {name: sources.capabilities(kind).surface for name, kind in states if kind in known}


Matched = list[tuple[Stored, list[Found]]]
"""Posts that met a rule, by id, and what met them."""


def matching(
    session: Session, sealer: Sealer, compiled: RuleSet, page: Sequence[Words], surfaces: Mapping[str, str]
) -> Matched:
    """Those of the page's posts that meet a rule."""
    by_surface: dict[str, list[Words]] = {}
    for row in page:
        by_surface.setdefault(surfaces.get(row[1], "local"), []).append(row)
    likely: list[int] = []
    for surface, rows in by_surface.items():
        lines = [_JSON.encode(row[2:]) for row in rows]
        likely += [rows[at][0] for at in compiled.survivors(lines, surface)]
    return decided(compiled, some(session, sealer, likely), surfaces) if likely else []


def decided(compiled: RuleSet, posts: Sequence[Stored], surfaces: Mapping[str, str]) -> Matched:
    """The same for posts that were read whole."""
    found: Matched = []
    by_surface: dict[str, list[Stored]] = {}
    for post in posts:
        by_surface.setdefault(surfaces.get(post.source, "local"), []).append(post)
    for surface, part in by_surface.items():
        met = compiled.match(part, surface)
        found += [(post, hits) for post, hits in zip(part, met, strict=True) if hits]
    return sorted(found, key=lambda pair: pair[0].id)
