"""Looking back: one rule is applied to what is stored, as if it had stood when the posts came.

A stored post *would enter the queue* when the rule meets it, no suspect of the rule's type holds it, whatever its
status, and it is neither gone nor our own, nor a repost unless the rule asks for those. One that some suspect holds and
that a rule of this type met before would not: its type was weighed then, by the machine or by a person who retyped it.
`count` says how many there are, `apply` makes them; both are safe to repeat. Read on in `stored.py` and `intake.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, exists
from sqlmodel import Session, col, select

from connector import grouping, intake, rules, stored
from connector.config import Config
from connector.errors import AlreadyDecidedError, RuleError
from connector.incoming import Kind
from connector.models import Match, Post, RequestType, Rule, Suspect, SuspectPost, now
from connector.prepare import Preparer, asks_for_reposts
from connector.rules import Found, RuleSet
from connector.sealing import Hiding, Sealer, mask
from connector.store import Database, bulk, catalogue
from connector.store.catalogue import Catalogue, RuleRow
from connector.stored import Matched, Stored
from connector.triage import Gazetteer, urgency

Progress = Callable[[int, int], None]
"""Told after each page of posts: how many were looked at, of how many."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look back finds."""

    posts: int
    """Looked at."""
    met: int
    entered: int
    """Those that would enter the queue, or did."""


def unwatched(done: int, total: int) -> None:
    """The progress that nobody looks at."""


def count(
    database: Database, sealer: Sealer, text: str, type_id: int, days: int, progress: Progress = unwatched
) -> Looked:
    """What a rule of this wording and type would find among the posts written in the last days.

    Raises RuleError for a wording that cannot be read.
    """
    reposts = asks_for_reposts(rules.parse(text))
    looking = _Looking(database, sealer, rules.compile([(0, 0, text)]), days, progress)
    entered = sum(
        len(entering(session, type_id, [post for post, _ in met], reposts)) for session, met in looking.pages()
    )
    return Looked(looking.posts, looking.met, entered)


def apply(
    database: Database,
    config: Config,
    sealer: Sealer,
    gazetteer: Gazetteer,
    rule_id: int,
    days: int,
    by: str,
    progress: Progress = unwatched,
) -> Looked:
    """Keep the matches of a stored rule with the posts of the last days, and make the suspects that come of them.

    A page of posts is a commit; broken off, it may simply be run again. Raises RuleError when the rule is off or cannot
    be read, AlreadyDecidedError when somebody changes it meanwhile: what was made until then stays.
    """
    with database.writing() as session:
        found = catalogue.catalogue(session)
        rule = found.rules.get(rule_id)
        if rule is None:
            raise RuleError("The rule is off, or its type is: switch it on before it looks back.")
        catalogue.audit(session, "look back begun", {"rule": rule_id, "version": rule.version, "days": days}, by)
    keeping = _Keeping(config, sealer, gazetteer, rule, found.urgent)
    looking = _Looking(database, sealer, keeping.compiled, days, progress)
    entered = 0
    for _, met in looking.pages():
        with database.writing() as session:
            entered += keeping.keep(session, [post.id for post, _ in met])
    with database.writing() as session:
        detail = {"rule": rule_id, "version": rule.version, "days": days, "met": looking.met, "suspects": entered}
        catalogue.audit(session, "look back done", detail, by)
    return Looked(looking.posts, looking.met, entered)


def entering(session: Session, type_id: int | None, posts: Sequence[Stored], reposts: bool) -> set[int]:
    """Ids of those of these posts, met by one rule, that would enter the queue.

    `reposts`: the rule asks for them. Without a type: those that no suspect holds.
    """
    values: dict[str, Any] = {"ids": [post.id for post in posts if reposts or post.detail.kind is not Kind.REPOST]}
    query = _UNHELD
    if type_id is not None:
        query, values["type_id"] = _ENTERING, type_id
    return {row[0] for row in bulk.tuples(session, query, **values)}


_HELD = exists().where(col(SuspectPost.post_id) == col(Post.id))
_OF_ITS_TYPE = _HELD.where(
    col(Suspect.id) == col(SuspectPost.suspect_id), col(Suspect.request_type_id) == bindparam("type_id")
)
_WEIGHED = exists().where(
    col(Match.post_id) == col(Post.id),
    col(Rule.id) == col(Match.rule_id),
    col(Rule.request_type_id) == bindparam("type_id"),
)
_OURS_TO_JUDGE = select(Post.id).where(
    col(Post.id).in_(bindparam("ids", expanding=True)), col(Post.own).is_(False), col(Post.gone_at).is_(None)
)
_UNHELD = _OURS_TO_JUDGE.where(~_HELD)
_ENTERING = _OURS_TO_JUDGE.where(~_OF_ITS_TYPE, ~(_HELD & _WEIGHED))


class _Looking:
    """Goes through the posts of the last days; counts while it goes."""

    def __init__(self, database: Database, sealer: Sealer, compiled: RuleSet, days: int, progress: Progress) -> None:
        self._database, self._sealer, self._compiled, self._progress = database, sealer, compiled, progress
        self._since = now() - timedelta(days=days)
        self.posts = self.met = 0

    def pages(self) -> Iterator[tuple[Session, Matched]]:
        """Of each page the posts that the rule meets, if any."""
        with stored.reading(self._database) as session:
            total, surfaces = stored.count(session, self._since), stored.surfaces(session)
            for page in stored.pages(session, self._since):
                met = stored.matching(session, self._sealer, self._compiled, page, surfaces)
                self.posts += len(page)
                self.met += len(met)
                if met:
                    yield session, met
                self._progress(self.posts, max(self.posts, total))


class _Keeping(Preparer):
    """Makes the rows that the intake would have made, had there been this one rule."""

    def __init__(
        self, config: Config, sealer: Sealer, gazetteer: Gazetteer, rule: RuleRow, urgent: frozenset[int]
    ) -> None:
        super().__init__(config, sealer, gazetteer)
        self._days = config.queue.same_days
        self.use(Catalogue(rules={rule.id: rule}, urgent=urgent))
        if wrong := self.broken_rules.get(rule.id):
            raise RuleError(wrong)
        self.rule = rule
        self.compiled = rules.compile([(rule.id, rule.version, rule.expression)])

    def keep(self, session: Session, ids: Sequence[int]) -> int:
        """Matches and suspects of these posts, as far as they are not there yet; how many entered."""
        self._lock(session)
        # Read and decided anew under a lock: meanwhile one may have been edited or erased.
        posts = stored.some(session, self.sealer, ids, locked=True)
        met = stored.decided(self.compiled, posts, stored.surfaces(session))
        waiting = entering(session, self.rule.request_type_id, [post for post, _ in met], bool(self._asks_reposts))
        of_rule = select(Match.post_id).where(Match.rule_id == self.rule.id, col(Match.post_id).in_(ids))
        known = set(session.exec(of_rule))
        matches, suspects, at = [], [], bulk.time_text(now())
        for post, (found,) in met:
            words = self._words(post, found)
            if post.id not in known:
                matches.append((post.id, found.rule_id, found.version, bulk.json_text(words), at))
            if post.id in waiting:
                suspects.append((post.id, self._columns(post, found, words)))
        intake.insert_matches(session, matches)
        grouped = grouping.group(session, grouping.stored(session, suspects), self._days, at)
        return len(grouped.new) + len(grouped.joined)

    def _lock(self, session: Session) -> None:
        """Two look backs of one type take turns; the lock is the lightest that does it, so that the intake goes on."""
        of_type = select(RequestType.id).where(RequestType.id == self.rule.request_type_id)
        session.exec(of_type.with_for_update(key_share=True)).one()
        stands = session.get_one(Rule, self.rule.id)
        if not stands.active or stands.version != self.rule.version:
            raise AlreadyDecidedError("The rule was changed meanwhile, so the look back stopped; look back again.")

    def _words(self, post: Stored, found: Found) -> list[str]:
        """As the intake keeps them: no handle but the city's own."""
        hiding = Hiding((), self._own)
        return [word if word in post.text else mask(hiding.hide(word)) for word in found.words]

    def _columns(self, post: Stored, found: Found, words: list[str]) -> tuple[Any, ...]:
        met = [(found.rule_id, found.version, words)]
        place = self._place(post.text, post.detail)
        posted, danger = bulk.time_text(post.posted_at), urgency.find(post.text)
        return self._suspect(post.text, post.lang, met, place, posted, danger)
