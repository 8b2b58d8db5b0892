"""A batch of events becomes rows: the hot path between a source and the queue.

`Intake.take` runs inside the caller's writing session, so the posts share their commit with the cursor. Matching comes
first, on lean posts; only what matched is decoded, masked and sealed; rows go out as tuples through `store/bulk.py`.
`collect.py` and the command `ingest` call it; `privacy.py` erases what a platform says is gone.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session, col, select

from connector import rules, sealing
from connector.config import Config
from connector.errors import RuleError
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Incoming, Kind, Missed
from connector.models import Decision, DecisionKind, Gap, Match, Post, Suspect, SuspectPost, SuspectStatus, now
from connector.privacy import erase
from connector.sources import Capabilities
from connector.store import bulk, catalogue, sources
from connector.store.catalogue import Catalogue, RuleRow
from connector.triage import Gazetteer, Place

# X puts the history of edits into every post; a second id says that this one is an edit.
_WAS_EDITED = re.compile(rb'"edit_history_(?:tweet|post)_ids":\s*\[\s*"?\d+"?\s*,')
_SHARES_AGE = 900.0  # seconds
_POST = (
    "id", "source", "source_id", "version_id", "kind", "text", "quoted_text", "lang", "entities", "media", "refs",
    "edits", "conversation_id", "reply_settings", "place_name", "lat", "lon", "own", "mentions_us", "author_key",
    "author_sealed", "posted_at", "received_at",
)  # fmt: skip
_MATCH = ("post_id", "rule_id", "rule_version", "words", "matched_at")
_PLACE = ("place", "place_method", "place_words", "district", "lat", "lon")
_SUSPECT = (
    "id", "status", "request_type_id", "lead_post_id", "score", "why", "urgent", "language", *_PLACE, "people", "posts",
    "first_posted_at", "last_posted_at", "created_at",
    "decided_by", "dismiss_reason", "returned_because", "assigned_to", "claimed_by", "version",
)  # fmt: skip
_JOIN = ("suspect_id", "post_id", "joined_at", "joined_by")


@dataclass(slots=True)
class Taken:
    """What became of the posts of a batch; `matched` = new + duplicate + updated."""

    read: int = 0
    matched: int = 0
    new: int = 0
    duplicate: int = 0
    updated: int = 0
    deleted: int = 0
    suspects: list[int] = field(default_factory=list)
    """Ids of the suspects made."""

    def add(self, other: Taken) -> None:
        for name in ("read", "matched", "new", "duplicate", "updated", "deleted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.suspects += other.suspects


@dataclass(frozen=True, slots=True)
class From:
    """Which source the batch comes from, and what its kind declares."""

    name: str
    kind: str
    capabilities: Capabilities


class Intake:
    """Turns batches into rows with one set of rules; `refresh` swaps the set between two batches."""

    def __init__(self, config: Config, sealer: sealing.Sealer, gazetteer: Gazetteer) -> None:
        self._sealer, self._gazetteer = sealer, gazetteer
        self._zone = config.city.zone
        self._own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
        self._catalogue = Catalogue(version=-1)
        self._read_at = 0.0
        self._rules = rules.compile([])
        self._asks_reposts: frozenset[int] = frozenset()
        self.broken_rules: dict[int, str] = {}

    def refresh(self, session: Session) -> bool:
        """Read types and rules anew if they changed; a rule that cannot be read is left out and named.

        Now and then also without a change, since people's decisions move the rules' shares.
        """
        fresh = time.monotonic() - self._read_at < _SHARES_AGE
        if fresh and catalogue.version(session) == self._catalogue.version:
            return False
        self.use(catalogue.catalogue(session))
        self._read_at = time.monotonic()
        return True

    def use(self, found: Catalogue) -> None:
        """Match with these rules from now on."""
        sound: dict[int, RuleRow] = {}
        self.broken_rules = {}
        asks = set()
        for rule in found.rules.values():
            try:
                tree = rules.parse(rule.expression)
                rules.compile([(rule.id, rule.version, rule.expression)])
            except RuleError as error:
                self.broken_rules[rule.id] = str(error)
                continue
            sound[rule.id] = rule
            if _asks_for_reposts(tree):
                asks.add(rule.id)
        self._catalogue = found
        self._rules = rules.compile((r.id, r.version, r.expression) for r in sound.values())
        self._asks_reposts = frozenset(asks)

    def take(self, session: Session, source: From, batch: Batch) -> Taken:
        """Store what matches, update what was edited, erase what is gone, note what was missed.

        Order within the batch counts: a deletion after its post erases it.
        """
        taken = Taken()
        posts: list[tuple[Incoming, bool]] = []
        for event in batch.events:
            if isinstance(event, Arrived | Edited):
                posts.append((event.post, isinstance(event, Edited)))
                continue
            self._store(session, source, posts, taken)
            posts = []
            if isinstance(event, Deleted):
                taken.deleted += erase(session, source.name, [event.source_id], "deleted upstream")
            elif isinstance(event, Missed):
                session.add(Gap(source=source.name, from_at=event.from_at, to_at=event.to_at, why=event.why))
        self._store(session, source, posts, taken)
        self._count(session, source, taken)
        return taken

    def _count(self, session: Session, source: From, taken: Taken) -> None:
        outcomes = Counter(
            new=taken.new,
            duplicate=taken.duplicate,
            updated=taken.updated,
            deleted=taken.deleted,
            unmatched=taken.read - taken.matched,
        )
        sources.count_reads(session, source.name, datetime.now(self._zone).date(), +outcomes)

    def _store(self, session: Session, source: From, posts: Sequence[tuple[Incoming, bool]], taken: Taken) -> None:
        if not posts:
            return
        taken.read += len(posts)
        met = self._rules.match([post for post, _ in posts], source.capabilities.surface)
        wanted = []
        for (post, told), found in zip(posts, met, strict=True):
            edited = told or bool(_WAS_EDITED.search(post.raw))
            if found or edited:
                wanted.append((post, found, edited, told))
        known = self._known(session, source, [_first_id(post, edited) for post, _, edited, _ in wanted])
        fresh: dict[str, tuple[Incoming, Sequence[rules.Found]]] = {}
        for post, found, edited, told in wanted:
            key = _first_id(post, edited)
            if key in known or key in fresh:
                self._again(session, source, post, found, told, key, known, fresh, taken)
            elif found:
                fresh[key] = (post, found)
                taken.new += 1
        taken.matched = taken.new + taken.duplicate + taken.updated
        self._write(session, source, fresh, taken)

    def _known(self, session: Session, source: From, ids: Sequence[str]) -> dict[str, tuple[int, str, bool]]:
        """source_id → (our id, the version we hold, whether it is gone)."""
        if not ids:
            return {}
        query = select(Post.source_id, Post.id, Post.version_id, Post.gone_at).where(
            Post.source == source.name, col(Post.source_id).in_(ids)
        )
        return {key: (id_ or 0, version, gone is not None) for key, id_, version, gone in session.exec(query)}

    def _again(
        self,
        session: Session,
        source: From,
        post: Incoming,
        found: Sequence[rules.Found],
        told: bool,
        key: str,
        known: dict[str, tuple[int, str, bool]],
        fresh: dict[str, tuple[Incoming, Sequence[rules.Found]]],
        taken: Taken,
    ) -> None:
        """A post that we hold, or that came earlier in this batch: a duplicate, or a newer version of it.

        A version knows all before it: one that does not know the version we hold is older, in whatever order they came.
        Where edits have no ids of their own, the source's word (`told`) counts, if anything did change.
        """
        held = fresh[key][0].source_id if key in fresh else known[key][1]
        gone = key in known and known[key][2]
        edits = list(post.detail.edits)
        newer = edits.index(post.source_id) > edits.index(held) if {post.source_id, held} <= set(edits) else False
        if not gone and (newer or (told and not edits)):
            if key in fresh:
                self._write(session, source, {key: fresh.pop(key)}, taken)
                known |= self._known(session, source, [key])
            post_id = known[key][0]
            if self._update(session, source, post_id, post, found):
                known[key] = (post_id, post.source_id, False)
                taken.updated += 1
                return
        taken.duplicate += bool(found)

    def _write(
        self,
        session: Session,
        source: From,
        fresh: Mapping[str, tuple[Incoming, Sequence[rules.Found]]],
        taken: Taken,
    ) -> None:
        if not fresh:
            return
        at = now()
        post_ids = iter(bulk.next_ids(session, _table(Post), len(fresh)))
        rows: list[tuple[Any, ...]] = []
        matches: list[tuple[Any, ...]] = []
        cases: list[tuple[int, tuple[Any, ...], Detail, str, Sequence[rules.Found]]] = []
        for key, (post, found) in fresh.items():
            post_id = next(post_ids)
            row, detail, met = self._row(post_id, source.name, key, post, found, at)
            rows.append(row)
            matches += [(post_id, f.rule_id, f.version, f.words, at) for f in met]
            if self._is_case(detail, met):
                cases.append((post_id, row, detail, post.text, met))
        self._insert(session, Post, _POST, rows)
        self._insert(session, Match, _MATCH, matches)
        if cases:
            suspect_ids = bulk.next_ids(session, _table(Suspect), len(cases))
            pairs = list(zip(suspect_ids, cases, strict=True))
            self._insert(session, Suspect, _SUSPECT, [self._suspect(i, *case, at) for i, case in pairs])
            self._insert(session, SuspectPost, _JOIN, [(i, case[0], at, "") for i, case in pairs])
            taken.suspects += suspect_ids

    def _insert(self, session: Session, table: Any, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
        bulk.writer(_table(table), columns, session.connection().dialect).insert(session, rows)

    def _is_case(self, detail: Detail, found: Sequence[rules.Found]) -> bool:
        """Our own posts and, unless a rule asks for them, reposts are kept but never wait for a person."""
        if detail.own:
            return False
        return detail.kind is not Kind.REPOST or any(f.rule_id in self._asks_reposts for f in found)

    def _row(
        self, post_id: int, source: str, key: str, post: Incoming, found: Sequence[rules.Found], at: datetime
    ) -> tuple[tuple[Any, ...], Detail, list[rules.Found]]:
        """The row, and what was found with its words hidden: all of it before the handles are sealed."""
        detail = post.detail
        author = detail.author
        handle = author.handle if author else ""
        own = detail.own = detail.own or handle.lower() in self._own
        hiding = sealing.Hiding((handle, *detail.mentioned, *detail.people), self._own)
        hide = hiding.hide
        text, quoted = hide(post.text), hide(detail.quoted_text) if detail.quoted_text else ""
        entities: dict[str, Any] = {
            "hashtags": [hide(tag) for tag in detail.hashtags],
            "urls": [hide(url) for url in detail.urls],
            "mention_keys": [self._sealer.pseudonym(name) for name in detail.mentioned],
        }
        if detail.withheld:
            entities["withheld"] = True
        media = [{"kind": m.kind, "url": hide(m.url), "alt": hide(m.alt)} for m in detail.media]
        references = [{"kind": str(r.kind), "id": r.source_id} for r in detail.references]
        place = hide(detail.place_name) if detail.place_name else ""
        met = [rules.Found(f.rule_id, f.version, tuple([hide(word) for word in f.words])) for f in found]
        sealed = None
        if author or hiding.handles:
            names = {"handle": handle, "name": author.name if author else "", "handles": hiding.handles}
            sealed = self._sealer.seal(msgspec.json.encode(names).decode(), source, key)
        row: tuple[Any, ...] = (
            post_id, source, key, post.source_id, str(detail.kind), text, quoted, post.lang, entities, media,
            references, [], detail.conversation_id, detail.reply_settings, place, detail.lat, detail.lon, own,
            any(name.lower() in self._own for name in detail.mentioned),
            self._sealer.pseudonym(handle) if handle else "", sealed, detail.posted_at or at, at,
        )  # fmt: skip
        return row, detail, met

    def _suspect(
        self,
        suspect_id: int,
        post_id: int,
        row: tuple[Any, ...],
        detail: Detail,
        text: str,
        found: Sequence[rules.Found],
        at: datetime,
    ) -> tuple[Any, ...]:
        type_id, why, score = self.judge(found)
        place = self.place(text, detail)
        posted = row[21]
        return (
            suspect_id, str(SuspectStatus.WAITING), type_id, post_id, score, why,
            int(type_id in self._catalogue.urgent), row[7], *_place_columns(place, row[5]), 1, 1, posted, posted, at,
            "", "", "", "", "", 1,
        )  # fmt: skip

    def judge(self, found: Sequence[rules.Found]) -> tuple[int, list[dict[str, Any]], float]:
        """The type that most words speak for, urgent ones first; why, best rule first; the rules' share of accepted."""
        met = [(self._catalogue.rules[f.rule_id], f.words) for f in found]
        type_id = met[0][0].request_type_id
        if len(met) > 1:
            votes: dict[int, int] = {}
            for rule, words in met:
                votes[rule.request_type_id] = votes.get(rule.request_type_id, 0) + 1 + len(words)
            type_id = max(votes, key=lambda t: (t in self._catalogue.urgent, votes[t], -t))
            met.sort(key=lambda pair: (pair[0].request_type_id != type_id, -pair[0].share, pair[0].id))
        why = [{"rule_id": rule.id, "rule": rule.name, "words": list(words)} for rule, words in met]
        return type_id, why, max(rule.share for rule, _ in met if rule.request_type_id == type_id)

    def place(self, text: str, detail: Detail) -> Place | None:
        """A geotag is believed before words are."""
        if detail.lat is not None and detail.lon is not None:
            tagged = self._gazetteer.at(detail.lat, detail.lon)
            if tagged:
                return tagged
        return self._gazetteer.find(text)

    def _update(
        self, session: Session, source: From, post_id: int, post: Incoming, found: Sequence[rules.Found]
    ) -> bool:
        """A newer version: the wording changes, the old one is kept, waiting suspects are judged anew. False: it is the
        version that we hold."""
        at = now()
        stored = session.get_one(Post, post_id)
        row, detail, met = self._row(post_id, source.name, stored.source_id, post, found, at)
        fresh = dict(zip(_POST, row, strict=True))
        if all(fresh[name] == getattr(stored, name) for name in ("version_id", "text", "quoted_text", "media")):
            return False
        earlier = {
            "id": stored.version_id,
            "text": sealing.mask(stored.text),
            "at": _iso(stored.edited_at or stored.posted_at),
        }
        stored.edits = [*(stored.edits or []), earlier]
        for name in ("version_id", "text", "quoted_text", "lang", "entities", "media", "author_sealed"):
            setattr(stored, name, fresh[name])
        stored.edited_at = detail.posted_at or at
        session.add(stored)
        held = {match.rule_id: match for match in session.exec(select(Match).where(Match.post_id == post_id))}
        for f in met:
            match = held.get(f.rule_id) or Match(post_id=post_id, rule_id=f.rule_id, matched_at=at)
            match.rule_version, match.words = f.version, list(f.words)
            session.add(match)
        for gone in set(held) - {f.rule_id for f in met}:
            session.delete(held[gone])
        if met:
            self._judge_anew(session, stored, post.text, detail, met)
        return True

    def _judge_anew(
        self, session: Session, stored: Post, text: str, detail: Detail, found: Sequence[rules.Found]
    ) -> None:
        query = select(Suspect).where(Suspect.lead_post_id == stored.id, Suspect.status == SuspectStatus.WAITING)
        for suspect in session.exec(query):
            if suspect.place_method != "by hand":
                place = _place_columns(self.place(text, detail), stored.text)
                for name, value in zip(_PLACE, place, strict=True):
                    setattr(suspect, name, value)
            type_id, suspect.why, suspect.score = self.judge(found)
            if not _retyped(session, suspect):
                suspect.request_type_id, suspect.urgent = type_id, int(type_id in self._catalogue.urgent)
            suspect.version += 1
            session.add(suspect)


def _retyped(session: Session, suspect: Suspect) -> bool:
    """Whether a person said of what type it is."""
    query = select(Decision.id).where(Decision.suspect_id == suspect.id, Decision.kind == DecisionKind.RETYPE)
    return session.exec(query.limit(1)).first() is not None


def _place_columns(place: Place | None, masked: str) -> tuple[str, str, str, str, float | None, float | None]:
    """As `_PLACE`; the words are kept only if they stand in the masked text, so they never hold a handle."""
    if place is None:
        return "", "", "", "", None, None
    words = place.words if place.words in masked else ""
    return place.name, place.method, words, place.district, place.lat, place.lon


def _asks_for_reposts(tree: rules.Node) -> bool:
    """Whether `is:retweet` stands in the rule without a minus."""
    match tree:
        case rules.tree.Field(name="is", value="retweet"):
            return True
        case rules.tree.And(children=children) | rules.tree.Or(children=children):
            return any(_asks_for_reposts(child) for child in children)
        case _:
            return False


def _first_id(post: Incoming, edited: bool) -> str:
    return post.detail.edits[0] if edited and post.detail.edits else post.source_id


def _iso(at: datetime) -> str:
    return at.isoformat()


def _table(model: Any) -> Any:
    return model.__table__
