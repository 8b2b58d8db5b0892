"""Near-duplicates become one suspect: each post that waits joins what is there, or makes a suspect of its own.

Whoever stores posts comes by here with a whole batch (`intake.py`, `lookback.py`). Four questions to the database find
the few suspects worth weighing, by place, wording, author and reference; `triage/near.py` weighs them. A suspect is
known by its first post, so its posts never chain; the result is the same for one batch and for its posts one by one.
What a person parted is never put together again; what they merged stays, and is joined where it went.

A post that joins leaves the suspect's version alone: what a person has on their screen still holds, and so does their
decision. Only what they must see first raises it: a danger, or a place where there was none. `growth.py` writes what
comes of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec
from sqlmodel import Session, col, select

from connector import growth
from connector.growth import AT_PLACE, DANGER, LAT, LON, METHOD, POSTED, TYPE, URGENT, Arrival, Growth, New
from connector.membership import BY_HAND
from connector.models import OPEN, Post, Suspect, SuspectPost, SuspectStatus, now
from connector.store import bulk, near
from connector.store.around import accepted_near
from connector.store.near import Facts
from connector.triage.near import FAR, SURE, Sight, is_spot, same
from connector.triage.near_keys import around, bands, cell
from connector.triage.wording import is_copy, remember

_JOIN = ("suspect_id", "post_id", "joined_at", "joined_by")
_SIMILAR = timedelta(weeks=8)


@dataclass(slots=True)
class Grouped:
    """What became of the posts."""

    new: list[int] = field(default_factory=list)
    """Suspects made."""
    joined: list[int] = field(default_factory=list)
    """For each post that joined the suspect that it joined."""


def group(session: Session, arrivals: Sequence[Arrival], days: float, at: str) -> Grouped:
    """Put these posts, in their order, into suspects; `at` is now, as the database's text."""
    grouped = Grouped()
    if arrivals:
        near.take_turns(session)
        grouping = _Grouping(session, arrivals, days)
        for arrival in arrivals:
            grouping.place(arrival, grouped)
        grouping.write(at)
    return grouped


def stored(session: Session, found: Sequence[tuple[int, tuple[Any, ...]]]) -> list[Arrival]:
    """Posts of before, each with the columns of `SUSPECT` that it would have, as they arrive in the queue now."""
    said = dict(found)
    posts = session.exec(select(Post).where(col(Post.id).in_(said)).order_by(col(Post.id))).all()
    keys = bands([(said[post.id or 0][TYPE], post.text) for post in posts])
    return [
        Arrival(
            post.id or 0,
            post.source,
            post.source_id,
            bulk.json_text(post.references or []),
            post.author_key,
            post.text,
            said[post.id or 0],
            found_by,
        )  # fmt: skip
        for post, found_by in zip(posts, keys, strict=True)
    ]


class _Grouping:
    """One batch on its way into suspects; what it made itself is found as what was there."""

    def __init__(self, session: Session, arrivals: Sequence[Arrival], days: float) -> None:
        self._session, self._days = session, days
        for arrival in arrivals:
            if arrival.wording:
                remember(arrival.text, arrival.wording)
        self._sights = {a.post_id: _sight(a) for a in arrivals}
        self._probes = {a.post_id: (*a.bands, *_around(a)) for a in arrivals}
        self._refs = {a.post_id: _references(a.refs) for a in arrivals}
        keys = Counter(chain.from_iterable(self._probes.values()))
        authors = Counter(a.author for a in arrivals if a.author)
        # What a single post of the batch has or asks for finds none of the others: most keys are of that kind.
        self._by_key: dict[int, list[int]] = {key: [] for key, posts in keys.items() if posts > 1}
        self._by_author: dict[str, list[int]] = {author: [] for author, posts in authors.items() if posts > 1}
        self._by_post: dict[tuple[str, str], list[int]] = {
            (a.source, ref): [] for a in arrivals for ref in self._refs[a.post_id]
        }
        self._find(keys, authors)
        self._facts = {f.id: f for f in near.facts(session, self._found())}
        self._parted = near.parted(session, self._facts)
        self._seen = {f.id: _seen(f) for f in self._facts.values() if f.lead}
        self._ids = iter(bulk.next_ids(session, Suspect.__table__, len(arrivals)))  # type: ignore[attr-defined]
        self._new: dict[int, New] = {}
        self._grown: dict[int, Growth] = defaultdict(Growth)
        self._joins: list[tuple[int, int]] = []
        self._keys: list[tuple[int, int, int]] = []

    def _find(self, keys: Collection[int], authors: Collection[str]) -> None:
        times = [sight.at for sight in self._sights.values()]
        wide = self._days * 86_400
        found = near.held(self._session, keys, min(times) - wide, max(times) + wide)
        for key, suspect, _ in sorted(found, key=itemgetter(2, 1)):
            self._by_key.setdefault(key, []).append(suspect)
        for author, suspect, _ in sorted(near.of_authors(self._session, authors), key=itemgetter(2, 1)):
            self._by_author.setdefault(author, []).append(suspect)
        for source in {source for source, _ in self._by_post}:
            wanted = [source_id for named, source_id in self._by_post if named == source]
            for source_id, suspect in near.of_posts(self._session, source, wanted):
                self._by_post[source, source_id].append(suspect)

    def _found(self) -> set[int]:
        tables: tuple[Iterable[list[int]], ...] = (
            self._by_key.values(), self._by_author.values(), self._by_post.values()
        )  # fmt: skip
        return {suspect for table in tables for found in table for suspect in found[-near.AT_MOST :]}

    def place(self, arrival: Arrival, grouped: Grouped) -> None:
        """Into the suspect that it resembles most, else into one of its own, which names what it follows."""
        into, follows = self._best(arrival)
        if into is None:
            into = self._make(arrival, follows)
            grouped.new.append(into)
        else:
            self._join(arrival, self._facts_of(into))
            grouped.joined.append(into)
        self._joins.append((into, arrival.post_id))
        for found in (self._by_author.get(arrival.author), self._by_post.get((arrival.source, arrival.source_id))):
            if found is not None:
                found.append(into)

    def _best(self, arrival: Arrival) -> tuple[int | None, int | None]:
        """The suspect to join, or the one to follow."""
        joins: list[tuple[float, bool, int]] = []
        follows: list[tuple[float, int]] = []
        sight, answered = self._sights[arrival.post_id], self._answered(arrival)
        for id_ in self._candidates(arrival, answered):
            sure = same(sight, self._seen[id_], self._days, refers=id_ in answered)
            if sure < SURE:
                continue
            facts = self._facts_of(id_)
            target = self._target(facts)
            if target is None or self._was_parted(arrival, id_, target.id):
                continue
            if _takes(target, arrival, is_copy(arrival.text, facts.text)):
                joins.append((sure, target.status in OPEN, -target.id))
            else:
                follows.append((sure, target.id))
        if joins:
            return -max(joins)[2], None
        return None, max(follows)[1] if follows else None

    def _answered(self, arrival: Arrival) -> set[int]:
        return {id_ for ref in self._refs[arrival.post_id] for id_ in self._by_post[arrival.source, ref]}

    def _candidates(self, arrival: Arrival, answered: Collection[int]) -> Iterable[int]:
        found = set(answered)
        for key in self._probes[arrival.post_id]:
            if suspects := self._by_key.get(key):
                found.update(suspects[-near.AT_MOST :])
        if suspects := self._by_author.get(arrival.author):
            found.update(suspects[-near.AT_MOST :])
        return found & self._seen.keys() if found else ()

    def _facts_of(self, id_: int) -> Facts:
        """Made when they are asked for: most suspects of a batch resemble nothing that comes behind them."""
        if facts := self._facts.get(id_):
            return facts
        lead, sight = self._new[id_].lead, self._seen[id_]
        facts = self._facts[id_] = Facts(
            id_, SuspectStatus.WAITING, sight.type_id, lead.suspect[URGENT], lead.suspect[DANGER], sight.lat, sight.lon,
            lead.suspect[METHOD], None, lead.post_id, sight.at, lead.text, lead.author, False,
        )  # fmt: skip
        return facts

    def _target(self, facts: Facts) -> Facts | None:
        """Where its posts are by now; None: nowhere."""
        seen: set[int] = set()
        while facts.merged_into and facts.id not in seen:
            seen.add(facts.id)
            facts = self._facts[facts.merged_into]
        return None if facts.status in (SuspectStatus.WITHDRAWN, SuspectStatus.MERGED) else facts

    def _was_parted(self, arrival: Arrival, *suspects: int) -> bool:
        texts = (text for suspect in suspects for text in self._parted.get(suspect, ()))
        return any(is_copy(arrival.text, text) for text in texts)

    def _make(self, arrival: Arrival, follows: int | None) -> int:
        id_, sight = next(self._ids), self._sights[arrival.post_id]
        keys = list(arrival.bands)
        if sight.lat is not None and sight.lon is not None:
            keys.append(cell(sight.type_id, sight.lat, sight.lon))
        self._new[id_] = New(arrival, follows, keys)
        self._seen[id_] = sight
        self._found_by(id_, keys)
        return id_

    def _found_by(self, suspect: int, keys: Iterable[int]) -> None:
        at = int(self._seen[suspect].at)
        for key in keys:
            self._keys.append((key, at, suspect))
            if key in self._by_key:
                self._by_key[key].append(suspect)

    def _join(self, arrival: Arrival, facts: Facts) -> None:
        new = self._new.get(facts.id)
        grown = new.growth() if new else self._grown[facts.id]
        grown.take(arrival)
        said = arrival.suspect
        if _is_graver(said, facts):
            facts.urgent, facts.danger = 1, said[DANGER] or facts.danger
            grown.urgent, grown.danger = True, facts.danger
            facts.status = SuspectStatus.WAITING
        if facts.lat is None and said[LAT] is not None and facts.method != BY_HAND:
            grown.place, grown.place_post = tuple(said[at] for at in AT_PLACE), growth.teller(arrival)
            facts.lat, facts.lon, facts.method = said[LAT], said[LON], said[METHOD]
            self._seen[facts.id] = _seen(facts)
            key = cell(facts.type_id, said[LAT], said[LON])
            self._by_key.setdefault(key, [])  # of the suspect's type, which may be another one than the post's
            self._found_by(facts.id, [key])
            if new:
                new.keys.append(key)

    def write(self, at: str) -> None:
        """Everything at once."""
        known = {
            (author, suspect)
            for author, suspect, _ in near.of_authors(
                self._session, {author for grown in self._grown.values() for author in grown.authors}, near.COUNTED
            )
        }
        growth.insert(self._session, self._new, at)
        joins = [(suspect, post, at, "") for suspect, post in self._joins]
        bulk.insert(self._session, SuspectPost, _JOIN, joins)
        near.insert_keys(self._session, self._keys)
        growth.grow(self._session, self._grown, known)


def _takes(target: Facts, arrival: Arrival, copy: bool) -> bool:
    """Whether a suspect that stands so takes this post in; urgent never hides in what nobody looks at any more."""
    hides = _is_graver(arrival.suspect, target)
    match target.status:
        case SuspectStatus.WAITING | SuspectStatus.PARKED:
            return True
        case SuspectStatus.ACCEPTED:
            return not target.closed and not hides
        case SuspectStatus.DISMISSED:
            return copy and not hides
        case _:
            return False


def _is_graver(said: tuple[Any, ...], facts: Facts) -> bool:
    """Whether a post brings what was not urgent yet, or a danger to what was urgent by its type alone."""
    return bool(said[URGENT] and not facts.urgent) or bool(said[DANGER] and not facts.danger)


def regroup(session: Session, suspect: Suspect) -> None:
    """After posts came or went, or place, type or wording changed: counted anew, and found by what it is now.

    For whoever merges, splits, erases, retypes or sets a place; the suspect's leading post must be right already.
    """
    session.flush()
    near.recount(session, suspect)
    near.delete_keys(session, suspect)
    lead = session.get(Post, suspect.lead_post_id) if suspect.lead_post_id else None
    if lead is None or lead.gone_at:
        return
    keys = list(bands([(suspect.request_type_id, lead.text)])[0])
    if suspect.lat is not None and suspect.lon is not None:
        keys.append(cell(suspect.request_type_id, suspect.lat, suspect.lon))
    near.insert_keys(session, [(key, int(lead.posted_at.timestamp()), suspect.id or 0) for key in keys])
    suspect.near_keys = near.packed(keys)
    session.add(suspect)


def similar(session: Session, suspect: Suspect) -> dict[int, float]:
    """Accepted suspects of its type at or near its place, of the last weeks, the newest first: their tickets may be on
    the same. Id → metres."""
    if suspect.lat is None or suspect.lon is None:
        return {}
    keys = around(suspect.request_type_id, suspect.lat, suspect.lon)
    return accepted_near(session, suspect, keys, now() - _SIMILAR, FAR)


def _sight(arrival: Arrival) -> Sight:
    said = arrival.suspect
    at = bulk.seconds_of(said[POSTED])
    return Sight(said[TYPE], at, arrival.text, said[LAT], said[LON], is_spot(said[METHOD]), arrival.author)


def _seen(facts: Facts) -> Sight:
    return Sight(facts.type_id, facts.at, facts.text, facts.lat, facts.lon, is_spot(facts.method), facts.author)


def _around(arrival: Arrival) -> tuple[int, ...]:
    said = arrival.suspect
    return around(said[TYPE], said[LAT], said[LON]) if said[LAT] is not None and said[LON] is not None else ()


def _references(refs: str) -> list[str]:
    return [ref["id"] for ref in msgspec.json.decode(refs)] if refs and refs != "[]" else []
