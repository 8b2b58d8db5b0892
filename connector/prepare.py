"""The first half of the intake: posts are matched, decoded, masked, sealed, placed and judged, in memory alone.

No session and no id of ours: what comes out are rows as the database's driver takes them, in plain values that travel
well between processes. `intake.py` stores them; `ingest.py` lets several processes prepare at once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connector import rules, sealing
from connector.config import Config
from connector.errors import RuleError
from connector.incoming import Arrived, Batch, Deleted, Detail, Edited, Incoming, Kind, Missed, Refused
from connector.models import now
from connector.sources import Capabilities
from connector.store.bulk import json_text, time_text
from connector.store.catalogue import Catalogue, RuleRow
from connector.triage import Gazetteer, Place, Said, language, urgency
from connector.triage.near_keys import bands_and_wordings
from connector.triage.text import Cut
from connector.triage.wording import Wording

POST = (
    "source_id", "version_id", "kind", "text", "quoted_text", "lang", "entities", "media", "refs", "about_id",
    "conversation_id", "reply_settings", "place_name", "lat", "lon", "own", "mentions_us", "author_key",
    "author_sealed", "posted_at",
)  # fmt: skip
"""The columns of a post that are known before it is stored."""
PLACE = ("place", "place_method", "place_words", "district", "lat", "lon", "place_sure")
SUSPECT = (
    "request_type_id", "score", "why", "urgent", "urgent_why", "language", *PLACE, "first_posted_at",
    "last_posted_at",
)  # fmt: skip
_TEXT = POST.index("text")
# X puts the history of edits into every post; a second id says that this one is an edit.
_EDIT_HISTORY = b'"edit_history_'
_X_CONVERSATION = re.compile(rb'"conversation_id"\s*:\s*"(\d+)"')
_SHOWN = (Kind.REPOST, Kind.QUOTE)
"""What another post says stands in these."""
_REPLY = "reply"
"""The method of a place that a later reply tells."""
Met = tuple[int, int, list[str]]
"""A rule, its version, and the words that did it, hidden."""


class Ready(msgspec.Struct, array_like=True, gc=False):
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
    """Whether a person shall see it; one that a person added waits even where no rule met it."""
    bands: tuple[int, ...] = ()
    """By which a suspect in other words, or a copy, is found: see `triage/near_keys.py`."""
    wording: Wording | None = None
    """Read already for the bands."""
    answer: tuple[Any, ...] = ()
    """As `PLACE`: what a reply says where a place was missing, see `answers.py`."""


class Run(msgspec.Struct, array_like=True, gc=False):
    """Posts with no deletion between them: how many there were, and those worth a look at the database."""

    read: int
    posts: list[Ready]


class Vanished(msgspec.Struct, array_like=True, gc=False):
    """Posts that the platform says are gone, between two runs."""

    source_ids: list[str]


Step = Run | Vanished | Refused | Missed


@dataclass(slots=True)
class Prepared:
    """A batch, ready to be stored in the order in which things happened."""

    edition: int
    """Of the rules that it was prepared with."""
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class From:
    """Which source the batch comes from, and what its kind declares."""

    name: str
    kind: str
    capabilities: Capabilities
    price: int = 0
    """Of a post read, in millionths of the account's currency."""
    fills: bool = False
    """Whether it fills its gaps by itself."""


@dataclass(slots=True)
class _Draft:
    """A post on its way to `Ready`: each stage adds what the next ones need."""

    post: Incoming
    told: bool
    found: Sequence[rules.Found]
    key: str = ""
    handle: str = ""
    posted: str = ""
    said: tuple[Any, ...] = ()
    """The columns from `text` to `lon`."""
    handles: Sequence[str] = ()
    met: Sequence[Met] = ()
    waits: bool = False
    answers: bool = False
    """Whether it is a reply in a conversation in which a place is missing."""
    cut: Cut | None = None
    """The words of a post whose place is looked for."""
    place: tuple[Any, ...] = ()
    """As `PLACE`; empty where no suspect comes of the post, nor an edit of one, and it answers nothing."""
    answer: tuple[Any, ...] = ()
    author_key: str = ""
    sealed: bytes | None = None


class Preparer:
    """Prepares batches with one set of rules; `use` swaps the set between two batches."""

    def __init__(self, config: Config, sealer: sealing.Sealer, gazetteer: Gazetteer) -> None:
        self.sealer, self._gazetteer = sealer, gazetteer
        self._own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
        self.edition = 0
        """Counts the sets of rules used so far."""
        self.catalogue = Catalogue(version=-1)
        self.broken_rules: dict[int, str] = {}
        self.asked: Mapping[str, str] = {}
        """Conversations in which a place is missing; a reply there is prepared although no rule meets it."""
        self.reads_languages = True
        """Whether the words say the language where the platform does not."""
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
            except RuleError as error:
                self.broken_rules[rule.id] = str(error)
                continue
            sound[rule.id] = rule
            if asks_for_reposts(tree):
                asks.add(rule.id)
        self.catalogue = found
        self.edition = self.edition + 1 if edition is None else edition
        self._rules = rules.compile((r.id, r.version, r.expression) for r in sound.values())
        self._asks_reposts = frozenset(asks)

    def survivors(self, source: From, lines: Sequence[bytes], together: bytes = b"") -> Sequence[int]:
        """Which of these lines of JSON may hold a post that meets a rule, by their places; see `RuleSet.survivors`."""
        return self._rules.survivors(lines, source.capabilities.surface, together)

    def survivors_of(self, source: From, block: bytes, count: int) -> Sequence[bytes] | None:
        """See `RuleSet.survivors_of`."""
        return self._rules.survivors_of(block, count, source.capabilities.surface)

    def prepare(self, source: From, batch: Batch) -> Prepared:
        """Everything about a batch that needs no database."""
        steps: list[Step] = []
        surface = batch.surface or source.capabilities.surface
        posts: list[Arrived | Edited] = []
        for event in batch.events:
            if isinstance(event, Arrived | Edited):
                posts.append(event)
                continue
            if posts:
                steps.append(self._run(source.name, surface, posts))
                posts = []
            if not isinstance(event, Deleted):
                steps.append(event)
            elif steps and isinstance(last := steps[-1], Vanished):
                last.source_ids.append(event.source_id)
            else:
                steps.append(Vanished([event.source_id]))
        if posts:
            steps.append(self._run(source.name, surface, posts))
        return Prepared(self.edition, steps)

    def _run(self, source: str, surface: str, events: Sequence[Arrived | Edited]) -> Run:
        posts = [event.post for event in events]
        met = self._rules.match(posts, surface)
        drafts = [
            _Draft(post, isinstance(event, Edited), self._with_named(post, found) if post.named else found)
            for event, post, found in zip(events, posts, met, strict=True)
            if found
            or post.named
            or isinstance(event, Edited)
            or _may_be_edited(post.raw)
            or (self.asked and self._may_answer(post))
        ]
        return Run(len(posts), self._staged(source, drafts))

    def _with_named(self, post: Incoming, found: Sequence[rules.Found]) -> Sequence[rules.Found]:
        """Also the rules that the platform names and we do not find: without words, and never dropped."""
        ours = {each.rule_id for each in found}
        named = dict(post.named)
        unfound = [id_ for id_ in named if id_ not in ours and id_ in self.catalogue.rules]
        return [*found, *(rules.Found(id_, named[id_], ()) for id_ in unfound)]

    def _staged(self, source: str, drafts: Sequence[_Draft]) -> list[Ready]:
        # Stage by stage, not post by post: the code of a stage stays in the processor's cache, which saves a quarter.
        at = time_text(now())
        for draft in drafts:
            self._decode(draft, at)
        for draft in drafts:
            self._hide(draft)
        self._find_places(drafts)
        self._seal(drafts, source)
        dangers = [urgency.find_in(d.post.text, d.cut.words) if d.cut and d.met else None for d in drafts]
        ready = [self._ready(draft, danger) for draft, danger in zip(drafts, dangers, strict=True)]
        waiting = [post for post in ready if post.waits]
        read = bands_and_wordings((post.suspect[0], post.row[_TEXT]) for post in waiting)
        for post, (keys, wording) in zip(waiting, read, strict=True):
            post.bands, post.wording = keys, wording
        return ready

    def _decode(self, draft: _Draft, at: str) -> None:
        detail = draft.post.detail
        draft.key = detail.edits[0] if detail.edits else draft.post.source_id
        draft.handle = detail.author.handle if detail.author else ""
        draft.posted = time_text(detail.posted_at) if detail.posted_at else at
        detail.own = detail.own or draft.handle.lower() in self._own

    def _hide(self, draft: _Draft) -> None:
        detail = draft.post.detail
        hiding = sealing.Hiding((draft.handle, *detail.mentioned, *detail.people), self._own)
        draft.said = self._said(draft.post, detail, hiding)
        text, hide = draft.said[0], hiding.hide  # a word that stands in the hidden text tells no more than that does
        draft.met = [(f.rule_id, f.version, [w if w in text else hide(w) for w in f.words]) for f in draft.found]
        draft.handles = hiding.handles

    def _find_places(self, drafts: Sequence[_Draft]) -> None:
        for draft in drafts:
            detail, met = draft.post.detail, draft.met
            draft.waits = bool(met) and self._waits(detail, met)
            draft.answers = bool(self.asked) and detail.kind is Kind.REPLY and detail.conversation_id in self.asked
        wanted = [d for d in drafts if d.waits or (d.met and (d.told or d.post.detail.edits)) or d.answers]
        for draft in wanted:
            draft.cut = Cut.of(draft.post.text)
        places = self._gazetteer.places([_told(draft) for draft in wanted])
        for draft, place in zip(wanted, places, strict=True):
            draft.place = place_columns(place, draft.said[0])
            if draft.answers and place and place.lat is not None:
                draft.answer = (draft.place[0], _REPLY, *draft.place[2:])

    def _seal(self, drafts: Sequence[_Draft], source: str) -> None:
        """Once every text is hidden: only then all handles are known."""
        names = []
        for draft in drafts:
            author = draft.post.detail.author
            draft.author_key = self.sealer.pseudonym(draft.handle) if draft.handle else ""
            if author or draft.handles:
                known = {"handle": draft.handle, "name": author.name if author else "", "handles": draft.handles}
                names.append((draft, json_text(known)))
        for draft, known_as in names:
            draft.sealed = self.sealer.seal(known_as, source, draft.key)

    def _ready(self, draft: _Draft, danger: urgency.Danger | None) -> Ready:
        post, detail, key = draft.post, draft.post.detail, draft.key
        mentions_us = not self._own.isdisjoint(map(str.lower, detail.mentioned))
        said, place, last = draft.said, draft.place, (draft.author_key, draft.sealed, draft.posted)
        row = (key, post.source_id, str(detail.kind), *said, detail.own, mentions_us, *last)
        suspect: tuple[Any, ...] = ()
        if place and draft.met:
            suspect = self._suspect(post.text, post.lang, draft.met, place, draft.posted, danger)
        matches = [(rule, version, json_text(words)) for rule, version, words in draft.met]
        edits, answer = tuple(detail.edits), draft.answer
        return Ready(key, post.source_id, edits, draft.told, row, matches, suspect, draft.waits, answer=answer)

    def _said(self, post: Incoming, detail: Detail, hiding: sealing.Hiding) -> tuple[Any, ...]:
        """What the post says, with its handles hidden: the columns from `text` to `lon`."""
        hide = hiding.hide
        text, quoted = hide(post.text), hide(detail.quoted_text) if detail.quoted_text else ""
        entities: dict[str, Any] = {
            "hashtags": list(map(hide, detail.hashtags)),
            "urls": list(map(hide, detail.urls)),
            "mention_keys": list(map(self.sealer.pseudonym, detail.mentioned)),
        }
        if detail.withheld:
            entities["withheld"] = True
        if detail.link:
            entities["link"] = hide(detail.link)
        media, refs = detail.media, detail.references
        return (
            text, quoted, post.lang, json_text(entities),
            json_text([{"kind": m.kind, "url": hide(m.url), "alt": hide(m.alt)} for m in media]) if media else "[]",
            json_text([{"kind": str(r.kind), "id": r.source_id} for r in refs]) if refs else "[]",
            next((r.source_id for r in refs if r.kind in _SHOWN), "") if refs else "",
            detail.conversation_id, detail.reply_settings, hide(detail.place_name) if detail.place_name else "",
            detail.lat, detail.lon,
        )  # fmt: skip

    def _waits(self, detail: Detail, met: Sequence[Met]) -> bool:
        """Our own posts and, unless a rule asks for them, reposts are kept but never wait for a person."""
        if detail.own:
            return False
        return detail.kind is not Kind.REPOST or any(rule in self._asks_reposts for rule, _, _ in met)

    def _suspect(
        self,
        text: str,
        lang: str,
        met: Sequence[Met],
        place: tuple[Any, ...],
        posted: str,
        danger: urgency.Danger | None,
    ) -> tuple[Any, ...]:
        type_id, why, score = self._judge(met)
        urgent = int(danger is not None or type_id in self.catalogue.urgent)
        told = language.of(text, lang) if self.reads_languages else lang
        said = (json_text(why), urgent, danger.kind if danger else "", told)
        return type_id, score, *said, *place, posted, posted

    def _judge(self, found: Sequence[Met]) -> tuple[int, list[dict[str, Any]], float]:
        """The type that most words speak for, urgent ones first; why, best rule first; the rules' share of accepted.

        A model that has learned from decisions would weigh the text here, beside the rules, and write its reason
        into the same list.
        """
        met = [(self.catalogue.rules[rule], words) for rule, _, words in found]
        if len(met) > 1:
            votes: dict[int, int] = {}
            for rule, words in met:
                votes[rule.request_type_id] = votes.get(rule.request_type_id, 0) + 1 + len(words)
            chosen = max(votes, key=lambda t: (t in self.catalogue.urgent, votes[t], -t))
            met.sort(key=lambda pair: (pair[0].request_type_id != chosen, -pair[0].share, pair[0].id))
        best = met[0][0]
        why = [{"rule_id": rule.id, "rule": rule.name, "words": words} for rule, words in met]
        return best.request_type_id, why, best.share

    def _may_answer(self, post: Incoming) -> bool:
        """Whether it is in one of the conversations asked in; what X sends is not decoded for it."""
        told = _X_CONVERSATION.search(post.raw)
        if told:
            return told[1].decode() in self.asked
        return post.detail.kind is Kind.REPLY and post.detail.conversation_id in self.asked

    def _place(self, text: str, detail: Detail) -> tuple[Any, ...]:
        """As `PLACE`: the best of geotag, words and place tag, for a text in which handles are hidden already."""
        return place_columns(self._gazetteer.place(text, detail.place_name, detail.lat, detail.lon), text)


def _told(draft: _Draft) -> Said:
    detail = draft.post.detail
    return Said(draft.post.text, detail.place_name, detail.lat, detail.lon, draft.answers, draft.cut)


def _may_be_edited(raw: bytes) -> bool:
    """Whether an edit history with more than one id stands in it: that of the post, or of one that it quotes."""
    at = raw.find(_EDIT_HISTORY)
    while at >= 0:
        if raw.find(b",", at, raw.find(b"]", at)) >= 0:
            return True
        at = raw.find(_EDIT_HISTORY, at + 1)
    return False


def place_columns(place: Place | None, masked: str) -> tuple[Any, ...]:
    """As `PLACE`; the words are kept only if they stand in the masked text, so they never hold a handle."""
    if place is None:
        return "", "", "", "", None, None, None
    words = place.words if place.words in masked else ""
    return place.name, place.method, words, place.district, place.lat, place.lon, place.sure


def asks_for_reposts(tree: rules.Node) -> bool:
    """Whether the rule looks for reposts: `is:retweet` or `retweets_of:` without a minus."""
    match tree:
        case rules.tree.Field("is", "retweet") | rules.tree.Field("retweets_of" | "retweets_of_tweet_id"):
            return True
        case rules.tree.And(children=children) | rules.tree.Or(children=children):
            return any(asks_for_reposts(child) for child in children)
        case _:
            return False
