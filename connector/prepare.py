"""The first half of the intake: posts are matched, decoded, masked, sealed, placed and judged, in memory alone.

No session and no id of ours: what comes out are rows as the database's driver takes them, in plain tuples that travel
well between processes. `intake.py` stores them; `ingest.py` lets several processes prepare at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from connector import rules, sealing
from connector.config import Config
from connector.errors import RuleError
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Incoming, Kind, Missed
from connector.models import now
from connector.sources import Capabilities
from connector.store.bulk import json_text, time_text
from connector.store.catalogue import Catalogue, RuleRow
from connector.triage import Gazetteer, Place

POST = (
    "source_id", "version_id", "kind", "text", "quoted_text", "lang", "entities", "media", "refs", "conversation_id",
    "reply_settings", "place_name", "lat", "lon", "own", "mentions_us", "author_key", "author_sealed", "posted_at",
)  # fmt: skip
"""The columns of a post that are known before it is stored."""
PLACE = ("place", "place_method", "place_words", "district", "lat", "lon")
SUSPECT = (
    "request_type_id", "score", "why", "urgent", "language", *PLACE, "first_posted_at", "last_posted_at"
)  # fmt: skip
# X puts the history of edits into every post; a second id says that this one is an edit.
_EDIT_HISTORY = b'"edit_history_'
_WAS_EDITED = re.compile(rb'"edit_history_(?:tweet|post)_ids":\s*\[\s*"?\d+"?\s*,')
Met = tuple[int, int, list[str]]
"""A rule, its version, and the words that did it, hidden."""


class Ready(NamedTuple):
    """A post that met a rule, or a newer version of some post; times are the database's text, lists and dicts JSON."""

    key: str
    """The source_id of its first version."""
    version: str
    edits: tuple[str, ...]
    told: bool
    """The source itself says that this is an edit."""
    row: tuple[Any, ...]
    """As `POST`."""
    matches: list[tuple[int, int, str]]
    """Rule, its version, the words."""
    suspect: tuple[Any, ...]
    """As `SUSPECT`; empty where no rule met the post."""
    waits: bool
    """Whether a person shall see it."""


class Run(NamedTuple):
    """Posts with no deletion between them: how many there were, and those worth a look at the database."""

    read: int
    posts: list[Ready]


@dataclass(slots=True)
class Prepared:
    """A batch, ready to be stored in the order in which things happened."""

    edition: int
    """Of the rules that it was prepared with."""
    steps: list[Run | Deleted | Missed]


@dataclass(frozen=True, slots=True)
class From:
    """Which source the batch comes from, and what its kind declares."""

    name: str
    kind: str
    capabilities: Capabilities


class Preparer:
    """Prepares batches with one set of rules; `use` swaps the set between two batches."""

    def __init__(self, config: Config, sealer: sealing.Sealer, gazetteer: Gazetteer) -> None:
        self._sealer, self._gazetteer = sealer, gazetteer
        self._own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
        self.edition = 0
        """Counts the sets of rules used so far."""
        self.catalogue = Catalogue(version=-1)
        self.broken_rules: dict[int, str] = {}
        self._rules = rules.compile([])
        self._asks_reposts: frozenset[int] = frozenset()

    def use(self, found: Catalogue, edition: int | None = None) -> None:
        """Match with these rules from now on; one that cannot be read is left out and named."""
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
        self.catalogue = found
        self.edition = self.edition + 1 if edition is None else edition
        self._rules = rules.compile((r.id, r.version, r.expression) for r in sound.values())
        self._asks_reposts = frozenset(asks)

    def prepare(self, source: From, batch: Batch) -> Prepared:
        """Everything about a batch that needs no database."""
        steps: list[Run | Deleted | Missed] = []
        posts: list[tuple[Incoming, bool]] = []
        for event in batch.events:
            if isinstance(event, Arrived | Edited):
                posts.append((event.post, isinstance(event, Edited)))
                continue
            if posts:
                steps.append(self._run(source, posts))
                posts = []
            steps.append(event)
        if posts:
            steps.append(self._run(source, posts))
        return Prepared(self.edition, steps)

    def _run(self, source: From, posts: Sequence[tuple[Incoming, bool]]) -> Run:
        met = self._rules.match([post for post, _ in posts], source.capabilities.surface)
        at = time_text(now())
        ready = []
        for (post, told), found in zip(posts, met, strict=True):
            edited = told or _was_edited(post.raw)
            if found or edited:
                ready.append(self._ready(source.name, post, edited, told, found, at))
        return Run(len(posts), ready)

    def _ready(
        self, source: str, post: Incoming, edited: bool, told: bool, found: Sequence[rules.Found], at: str
    ) -> Ready:
        """Every text is hidden before the handles are sealed: only then all of them are known."""
        detail = post.detail
        author, edits = detail.author, tuple(detail.edits)
        key = edits[0] if edited and edits else post.source_id
        handle = author.handle if author else ""
        own = detail.own = detail.own or handle.lower() in self._own
        hiding = sealing.Hiding((handle, *detail.mentioned, *detail.people), self._own)
        said = self._said(post, detail, hiding)
        text, hide = said[0], hiding.hide  # a word that stands in the hidden text tells no more than that does
        met = [(f.rule_id, f.version, [w if w in text else hide(w) for w in f.words]) for f in found]
        sealed = None
        if author or hiding.handles:
            names = {"handle": handle, "name": author.name if author else "", "handles": hiding.handles}
            sealed = self._sealer.seal(json_text(names), source, key)
        posted = time_text(detail.posted_at) if detail.posted_at else at
        mentions_us = bool(self._own) and any(name.lower() in self._own for name in detail.mentioned)
        author_key = self._sealer.pseudonym(handle) if handle else ""
        row = (key, post.source_id, str(detail.kind), *said, own, mentions_us, author_key, sealed, posted)
        waits = bool(met) and self._waits(detail, met)
        suspect = self._suspect(post, detail, text, met, posted) if met and (waits or edited or edits) else ()
        matches = [(rule, version, json_text(words)) for rule, version, words in met]
        return Ready(key, post.source_id, edits, told, row, matches, suspect, waits)

    def _said(self, post: Incoming, detail: Detail, hiding: sealing.Hiding) -> tuple[Any, ...]:
        """What the post says, with its handles hidden: the columns from `text` to `lon`."""
        hide = hiding.hide
        text, quoted = hide(post.text), hide(detail.quoted_text) if detail.quoted_text else ""
        entities: dict[str, Any] = {
            "hashtags": [hide(tag) for tag in detail.hashtags],
            "urls": [hide(url) for url in detail.urls],
            "mention_keys": [self._sealer.pseudonym(name) for name in detail.mentioned],
        }
        if detail.withheld:
            entities["withheld"] = True
        media, refs = detail.media, detail.references
        return (
            text, quoted, post.lang, json_text(entities),
            json_text([{"kind": m.kind, "url": hide(m.url), "alt": hide(m.alt)} for m in media]) if media else "[]",
            json_text([{"kind": str(r.kind), "id": r.source_id} for r in refs]) if refs else "[]",
            detail.conversation_id, detail.reply_settings, hide(detail.place_name) if detail.place_name else "",
            detail.lat, detail.lon,
        )  # fmt: skip

    def _waits(self, detail: Detail, met: Sequence[Met]) -> bool:
        """Our own posts and, unless a rule asks for them, reposts are kept but never wait for a person."""
        if detail.own:
            return False
        return detail.kind is not Kind.REPOST or any(rule in self._asks_reposts for rule, _, _ in met)

    def _suspect(self, post: Incoming, detail: Detail, masked: str, met: Sequence[Met], posted: str) -> tuple[Any, ...]:
        type_id, why, score = self._judge(met)
        place = _place_columns(self._place(post.text, detail), masked)
        urgent = int(type_id in self.catalogue.urgent)
        return type_id, score, json_text(why), urgent, post.lang, *place, posted, posted

    def _judge(self, found: Sequence[Met]) -> tuple[int, list[dict[str, Any]], float]:
        """The type that most words speak for, urgent ones first; why, best rule first; the rules' share of accepted."""
        met = [(self.catalogue.rules[rule], words) for rule, _, words in found]
        rule, words = met[0]
        if len(met) == 1:
            return rule.request_type_id, [{"rule_id": rule.id, "rule": rule.name, "words": words}], rule.share
        votes: dict[int, int] = {}
        for rule, words in met:
            votes[rule.request_type_id] = votes.get(rule.request_type_id, 0) + 1 + len(words)
        type_id = max(votes, key=lambda t: (t in self.catalogue.urgent, votes[t], -t))
        met.sort(key=lambda pair: (pair[0].request_type_id != type_id, -pair[0].share, pair[0].id))
        why = [{"rule_id": rule.id, "rule": rule.name, "words": words} for rule, words in met]
        return type_id, why, max(rule.share for rule, _ in met if rule.request_type_id == type_id)

    def _place(self, text: str, detail: Detail) -> Place | None:
        """A geotag is believed before words are."""
        if detail.lat is not None and detail.lon is not None:
            tagged = self._gazetteer.at(detail.lat, detail.lon)
            if tagged:
                return tagged
        return self._gazetteer.find(text)


def _was_edited(raw: bytes) -> bool:
    at = raw.find(_EDIT_HISTORY)
    while at >= 0 and not _WAS_EDITED.match(raw, at):
        at = raw.find(_EDIT_HISTORY, at + 1)
    return at >= 0


def _place_columns(place: Place | None, masked: str) -> tuple[str, str, str, str, float | None, float | None]:
    """As `PLACE`; the words are kept only if they stand in the masked text, so they never hold a handle."""
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
