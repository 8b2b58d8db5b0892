"""A batch of events becomes rows: the hot path between a source and the queue, in two halves.

`prepare.py` does all that needs no database. `Intake.store` does the rest inside the caller's writing session, so the
posts share their commit with the cursor: what is known already, what is newer, whole columns out through
`store/bulk.py`. `collect/` and the command `ingest` call both; `privacy.py` erases what a platform says is gone.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlmodel import Session, select

from connector import grouping, growth, membership, sealing
from connector.answers import Asked
from connector.config import Config
from connector.incoming import Batch, Kind, Refused
from connector.models import (
    OPEN,
    Decision,
    DecisionKind,
    Gap,
    Match,
    Post,
    PostVersion,
    Suspect,
    SuspectPost,
    now,
)
from connector.prepare import PLACE, POST, SUSPECT, From, Prepared, Preparer, Ready, Run, Vanished
from connector.privacy import came_late, erase, erased, remember
from connector.store import bulk, catalogue, gaps, near, sources
from connector.triage import Gazetteer, urgency

__all__ = ["From", "Intake", "Taken", "insert_matches"]

_SHARES_AGE = 900.0  # seconds
_POST = ("id", "source", *POST, "edits", "received_at")
_VERSION = ("source", "version_id", "post_id")
_MATCH = ("post_id", "rule_id", "rule_version", "words", "matched_at")
_TEXT, _REFS, _AUTHOR, _KIND, _QUOTED, _ABOUT = (
    POST.index(name) for name in ("text", "refs", "author_key", "kind", "quoted_text", "about_id")
)
_HELD = "SELECT source_id, id, version_id, gone_at IS NOT NULL FROM post WHERE source = :source AND source_id"
_JUDGED = {"request_type_id", "urgent", "urgent_why", "status", *PLACE}
_REWORDED = ("version_id", "text", "quoted_text", "lang", "entities", "media", "author_sealed")


@dataclass(slots=True)
class Taken:
    """What became of the posts of a batch; `matched` = new + duplicate + updated."""

    read: int = 0
    matched: int = 0
    new: int = 0
    duplicate: int = 0
    updated: int = 0
    deleted: int = 0
    late: int = 0
    """Met a rule, but came behind their own deletion: not stored."""
    suspects: list[int] = field(default_factory=list)
    """Ids of the suspects made."""
    joined: list[int] = field(default_factory=list)
    """For each post that joined a suspect its id."""

    def add(self, other: Taken) -> None:
        for name in ("read", "matched", "new", "duplicate", "updated", "deleted", "late"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.suspects += other.suspects
        self.joined += other.joined


Known = dict[str, tuple[int, str, bool]]
"""source_id → (our id, the version we hold, whether it is gone)."""


class Intake:
    """Turns batches into rows with one set of rules; `refresh` swaps the set between two batches."""

    def __init__(self, config: Config, sealer: sealing.Sealer, gazetteer: Gazetteer) -> None:
        self.preparer = Preparer(config, sealer, gazetteer)
        self._zone, self._days = config.city.zone, config.queue.same_days
        self._read_at = 0.0
        self._asked = Asked()

    @property
    def sealer(self) -> sealing.Sealer:
        return self.preparer.sealer

    @property
    def broken_rules(self) -> dict[int, str]:
        """Id → what is wrong, of stored rules that cannot be read."""
        return self.preparer.broken_rules

    def refresh(self, session: Session) -> bool:
        """Read types and rules anew if they changed; a rule that cannot be read is left out and named.

        Now and then also without a change, since people's decisions move the rules' shares.
        """
        self._asked.refresh(session)
        self.preparer.asked = self._asked.conversations
        fresh = time.monotonic() - self._read_at < _SHARES_AGE
        if fresh and catalogue.version(session) == self.preparer.catalogue.version:
            return False
        self.preparer.use(catalogue.catalogue(session))
        self._read_at = time.monotonic()
        return True

    def prepare(self, source: From, batch: Batch) -> Prepared:
        """The first half; wants no session, so nobody waits for it."""
        return self.preparer.prepare(source, batch)

    def is_current(self, session: Session, prepared: Prepared) -> bool:
        """Whether the rules are still those it was prepared with; if not, the new ones hold from now on."""
        self.refresh(session)
        return prepared.edition == self.preparer.edition

    def take(self, session: Session, source: From, batch: Batch) -> Taken:
        """Both halves at once."""
        return self.store(session, source, self.prepare(source, batch))

    def store(self, session: Session, source: From, prepared: Prepared) -> Taken:
        """Store what matches, update what was edited, erase what is gone, note what was missed.

        Order within the batch counts: a deletion after its post erases it.
        """
        taken, refused = Taken(), Counter[str]()
        near.take_turns(session)  # before any suspect is held: who groups posts waits for these
        for step in prepared.steps:
            if isinstance(step, Run):
                _Storing(session, source, taken, self._days, self.sealer).run(step)
                self._asked.take(session, source.name, step.posts)
                self._asked.learn(source.name, step.posts)
            elif isinstance(step, Vanished):
                taken.deleted += erase(session, source.name, step.source_ids, "deleted upstream")
                remember(session, self.sealer, source.name, step.source_ids)
            elif isinstance(step, Refused):
                refused[f"refused: {step.why}"] += 1
            else:
                gap = Gap(
                    source=source.name, from_at=step.from_at, to_at=step.to_at, why=step.why, cause=step.cause
                )  # fmt: skip
                can_fill = source.capabilities.fills and not step.lost
                gaps.missed(session, gap, not step.lost, can_fill, source.fills)
        self._count(session, source, taken, refused)
        return taken

    def _count(self, session: Session, source: From, taken: Taken, refused: Counter[str]) -> None:
        priced = Counter(
            new=taken.new, duplicate=taken.duplicate, updated=taken.updated, late=taken.late,
            unmatched=taken.read - taken.matched - taken.late,
        )  # fmt: skip
        free = Counter(deleted=taken.deleted) + refused
        sources.count_reads(session, source.name, datetime.now(self._zone).date(), +priced, free, source.price)


class _Storing:
    """Stores one run of posts."""

    def __init__(self, session: Session, source: From, taken: Taken, days: float, sealer: sealing.Sealer) -> None:
        self.session, self.source, self.taken, self.days = session, source.name, taken, days
        self.sealer = sealer
        self.known: Known = {}
        self.fresh: dict[str, Ready] = {}

    def run(self, run: Run) -> None:
        taken = self.taken
        self.known = self._known([post.key for post in run.posts])
        ids = {id_ for post in run.posts if post.key not in self.known for id_ in (post.key, post.version, *post.edits)}
        gone = came_late(self.session, self.sealer, self.source, ids)
        gone |= self._shows_nothing(run.posts)
        for post in run.posts:
            if post.key in self.known or post.key in self.fresh:
                self._again(post)
            elif not gone.isdisjoint((post.key, post.version, *post.edits)):
                taken.late += bool(post.matches)
            elif post.matches or post.waits:
                self.fresh[post.key] = post
                taken.new += 1
            elif post.answer:
                self.fresh[post.key] = post  # stored for what it says, and not counted: no rule met it
        taken.read += run.read
        taken.matched = taken.new + taken.duplicate + taken.updated
        self._insert_posts(self.fresh.values())

    def _shows_nothing(self, posts: Sequence[Ready]) -> set[str]:
        """Of what was deleted already a quote shows nothing any more; a repost of it comes too late: their keys."""
        abouts = {about for post in posts if (about := post.row[_ABOUT])}
        erased_ones = erased(self.session, self.sealer, self.source, abouts)
        late = set()
        for post in posts:
            if post.row[_ABOUT] in erased_ones:
                row = list(post.row)
                row[_QUOTED] = row[_ABOUT] = ""
                post.row = tuple(row)
                if post.row[_KIND] == Kind.REPOST:
                    late.add(post.key)
        return late

    def _known(self, keys: Sequence[str]) -> Known:
        if not keys:
            return {}
        self.session.flush()  # what was updated just now
        found = bulk.among(self.session, _HELD, keys, source=self.source)
        return {key: (id_, version, bool(gone)) for key, id_, version, gone in found}

    def _again(self, post: Ready) -> None:
        """A post that we hold, or that came earlier in this batch: a duplicate, or a newer version of it.

        A version knows all before it: one that does not know the version we hold is older, in whatever order they came.
        Where edits have no ids of their own, the source's word (`told`) counts, if anything did change.
        """
        key, edits = post.key, post.edits
        earlier = self.fresh.get(key)
        _, held, gone = self.known[key] if earlier is None else (0, earlier.version, False)
        newer = edits.index(post.version) > edits.index(held) if {post.version, held} <= set(edits) else False
        if not gone and (newer or (post.told and not edits)):
            if earlier:
                self._insert_posts([self.fresh.pop(key)])
                self.known |= self._known([key])
            post_id = self.known[key][0]
            if self._update(post_id, post):
                self.known[key] = (post_id, post.version, False)
                self.taken.updated += 1
                return
        self.taken.duplicate += bool(post.matches)

    def _insert_posts(self, posts: Collection[Ready]) -> None:
        if not posts:
            return
        at = bulk.time_text(now())
        ids = bulk.next_ids(self.session, _table(Post), len(posts))
        rows = [(id_, self.source, *post.row, "[]", at) for id_, post in zip(ids, posts, strict=True)]
        bulk.insert(self.session, Post, _POST, rows)
        matches = [(id_, *match, at) for id_, post in zip(ids, posts, strict=True) for match in post.matches]
        insert_matches(self.session, matches)
        earlier = [
            (self.source, version, id_)
            for id_, post in zip(ids, posts, strict=True)
            if len(post.edits) > 2
            for version in sorted(set(post.edits) - {post.key, post.version})
        ]
        if earlier:
            versions = bulk.writer(_table(PostVersion), _VERSION, self.session.connection().dialect, True)
            versions.insert_bound(self.session, earlier)
        waiting = [arrival(id_, self.source, post) for id_, post in zip(ids, posts, strict=True) if post.waits]
        grouped = grouping.group(self.session, waiting, self.days, at)
        self.taken.suspects += grouped.new
        self.taken.joined += grouped.joined

    def _update(self, post_id: int, post: Ready) -> bool:
        """A newer version: the wording changes, the old one is kept, waiting suspects are judged anew. False: it is the
        version that we hold."""
        session, stored = self.session, self.session.get_one(Post, post_id)
        fresh = dict(zip(POST, post.row, strict=True))
        fresh |= {name: _decoded(fresh[name]) for name in ("entities", "media")}
        if all(fresh[name] == getattr(stored, name) for name in ("version_id", "text", "quoted_text", "media")):
            return False
        at = (stored.edited_at or stored.posted_at).isoformat()
        stored.edits = [*(stored.edits or []), {"id": stored.version_id, "text": sealing.mask(stored.text), "at": at}]
        self._remember_version(stored.version_id, post_id)
        for name in _REWORDED:
            setattr(stored, name, fresh[name])
        stored.edited_at = bulk.time_of(fresh["posted_at"])
        session.add(stored)
        self._match_anew(post_id, post)
        if self._judge_anew(stored, dict(zip(SUSPECT, post.suspect, strict=True)) if post.suspect else {}):
            at = bulk.time_text(now())
            grouped = grouping.group(session, [arrival(post_id, self.source, post)], self.days, at)
            self.taken.suspects += grouped.new
            self.taken.joined += grouped.joined
        return True

    def _remember_version(self, version: str, post_id: int) -> None:
        """A deletion may name any of them."""
        self.session.merge(PostVersion(source=self.source, version_id=version, post_id=post_id))

    def _match_anew(self, post_id: int, post: Ready) -> None:
        session = self.session
        held = {match.rule_id: match for match in session.exec(select(Match).where(Match.post_id == post_id))}
        for rule_id, version, words in post.matches:
            match = held.pop(rule_id, None) or Match(post_id=post_id, rule_id=rule_id, matched_at=now())
            match.rule_version, match.words = version, _decoded(words)
            session.add(match)
        for gone in held.values():
            session.delete(gone)

    def _judge_anew(self, post: Post, fresh: dict[str, Any]) -> bool:
        """The suspects with this post that can still be decided; `fresh`: as `SUSPECT`, empty if no rule met it.

        Whether it tells a danger that nobody would see there, since all of them were decided before it did.
        """
        session = self.session
        session.flush()
        holding = select(SuspectPost.suspect_id).where(SuspectPost.post_id == post.id)
        held = membership.locked(session, session.exec(holding).all())
        found = urgency.find(post.text)  # also where no rule meets it any more
        danger = fresh.get("urgent_why", "") or (found.kind if found else "")
        hidden = not any(suspect.status in OPEN or suspect.urgent_why for suspect in held)
        for suspect in held:
            if suspect.status not in OPEN:
                continue
            before = suspect.model_dump(include=_JUDGED)
            if fresh and suspect.lead_post_id == post.id:
                suspect.why, suspect.score, suspect.language = _decoded(fresh["why"]), fresh["score"], fresh["language"]
                if not _retyped(session, suspect):
                    suspect.request_type_id = fresh["request_type_id"]
            elif suspect.lead_post_id == post.id:  # no rule meets it any more
                suspect.why = [reason for reason in suspect.why or [] if "rule_id" not in reason]
            _placed_anew(suspect, post, fresh)
            _urgent_anew(session, suspect, danger)
            if suspect.lead_post_id == post.id or suspect.model_dump(include=_JUDGED) != before:
                suspect.version += 1
                session.add(suspect)
                grouping.regroup(session, suspect)
        return bool(held and hidden and fresh.get("urgent_why"))


def _placed_anew(suspect: Suspect, post: Post, fresh: dict[str, Any]) -> None:
    """Where its own words are what told the place, or where nobody did."""
    if suspect.place_method == membership.BY_HAND or suspect.place_post_id not in (post.id, None):
        return
    if not fresh:
        if suspect.place_post_id == post.id and suspect.place_words not in post.text:
            membership.forget_place(suspect)
        return
    for name in PLACE:
        setattr(suspect, name, fresh[name])
    suspect.place_post_id = post.id if fresh["place_method"] else None


def _urgent_anew(session: Session, suspect: Suspect, danger: str) -> None:
    """A danger comes with the wording that tells of it, and goes when none of its posts tells of one any more."""
    was, knew = suspect.urgent, suspect.urgent_why
    if not danger and knew:
        danger = membership.danger_told(session, suspect)
    suspect.urgent_why = danger or ""
    membership.judge_urgency(session, suspect)
    if suspect.urgent and (not was or (danger and not knew)):
        membership.alarm(suspect, suspect.urgent_why)


def insert_matches(session: Session, matches: Sequence[tuple[int, int, int, str, str]]) -> None:
    """Each (post, rule, its version, the words as JSON, when it was matched as the database's text)."""
    bulk.insert(session, Match, _MATCH, matches)


def arrival(post_id: int, source: str, ready: Ready) -> growth.Arrival:
    """A post that was stored just now, as `grouping.py` takes it."""
    row = ready.row
    refs, author, text = row[_REFS], row[_AUTHOR], row[_TEXT]
    return growth.Arrival(post_id, source, ready.key, refs, author, text, ready.suspect, ready.bands, ready.wording)


def _retyped(session: Session, suspect: Suspect) -> bool:
    """Whether a person said of what type it is."""
    query = select(Decision.id).where(Decision.suspect_id == suspect.id, Decision.kind == DecisionKind.RETYPE)
    return session.exec(query.limit(1)).first() is not None


def _decoded(text: str) -> Any:
    return msgspec.json.decode(text)


def _table(model: Any) -> Any:
    return model.__table__
