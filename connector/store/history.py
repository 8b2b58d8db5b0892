"""Find anything: which posts something pasted means, and everything that is known of one post, whatever became of it.

`find` asks by ids, references and numbers, each by its index; `story` reads one post with all suspects it ever stood
in; `around` tells, for one that is not here, what its sources did at that time. What was pasted is read by
`connector/finding.py`, told by `connector/screen/history.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, or_
from sqlmodel import Session, col, select

from connector.models import (
    AuditEntry,
    Decision,
    DecisionKind,
    Dispatch,
    Gap,
    Match,
    Note,
    Post,
    ReadCount,
    Reply,
    RequestType,
    Rule,
    SourceState,
    Suspect,
    SuspectPost,
    Ticket,
    TicketEvent,
)

MOST = 20
"""So many posts are shown where several fit."""
_AUDIT = 200
_NEAR = timedelta(minutes=10)
"""A source may bring a post so much later than it was written: gaps are looked for around that."""
_columns: Any = select  # sqlmodel's types end at four columns


@dataclass(frozen=True, slots=True)
class Pasted:
    """What somebody pasted may mean; handles are left out or hidden."""

    text: str
    kind: str = ""
    """Of the source that such a link comes from; empty: not known."""
    ids: tuple[str, ...] = ()
    """Theirs, of posts."""
    author_key: str = ""
    ending: str = ""
    """Of the id, where a link names the author by a handle: asked among the posts of `author_key`."""
    link: str = ""
    """As links are stored, without scheme; for LIKE, a percent sign for each handle."""
    numbers: tuple[str, ...] = ()
    """References or ticket numbers."""
    suspect_id: int | None = None
    post_id: int | None = None
    """Ours."""
    written_at: datetime | None = None
    """As the id itself tells."""


@dataclass(frozen=True, slots=True)
class Found:
    """A post that fits, and what it was found by."""

    post_id: int
    suspect_id: int | None
    """Of the reference, number or id that led to it."""
    by: str
    """post, reference, ticket, suspect"""


def find(session: Session, pasted: Pasted) -> list[Found]:
    """The posts that are meant, each once: by a link's or post's id, a reference, a ticket's number, a suspect's id."""
    found = [Found(id_, None, "post") for id_ in _by_ids(session, pasted)]
    found += [Found(id_, suspect, by) for id_, suspect, by in _by_numbers(session, pasted)]
    if pasted.suspect_id is not None:
        lead = _lead(session, pasted.suspect_id)
        found += [Found(lead, pasted.suspect_id, "suspect")] if lead else []
    if not found and pasted.link:
        found = [Found(id_, None, "post") for id_ in _by_link(session, pasted.link)]
    return list({(one.post_id, one.suspect_id): one for one in reversed(found)}.values())[::-1][:MOST]


def _by_ids(session: Session, pasted: Pasted) -> list[int]:
    found: list[int | None] = []
    if pasted.post_id is not None:
        found += session.exec(_columns(Post.id).where(Post.id == pasted.post_id))
    if pasted.ids:
        sources = list(session.exec(select(SourceState.name)))
        for column in (Post.source_id, Post.version_id):  # one index each; OR would use neither
            query = select(Post.id).where(col(Post.source).in_(sources), col(column).in_(pasted.ids))
            found += session.exec(query.limit(MOST)).all()
        found = found or list(_by_edit(session, sources, pasted.ids))
    if not found and pasted.author_key:
        theirs = _columns(Post.id).where(Post.author_key == pasted.author_key)
        found += session.exec(theirs.where(col(Post.source_id).endswith(pasted.ending, autoescape=True)).limit(MOST))
    return [id_ for id_ in dict.fromkeys(found) if id_ is not None]


def _by_edit(session: Session, sources: Sequence[str], ids: Collection[str]) -> list[int | None]:
    """By the id of a wording between the first and the last; edited posts are few, and have an index."""
    edited = _columns(Post.id, Post.edits).where(col(Post.source).in_(sources), col(Post.edited_at).is_not(None))
    return [id_ for id_, edits in session.exec(edited) if any(edit["id"] in ids for edit in edits or [])]


def _by_numbers(session: Session, pasted: Pasted) -> list[tuple[int, int | None, str]]:
    if not pasted.numbers:
        return []
    lead = (col(Suspect.lead_post_id), col(Suspect.id))
    sent = _columns(*lead).join(Dispatch, col(Dispatch.suspect_id) == col(Suspect.id))
    tickets = _columns(*lead).join(Ticket, col(Ticket.suspect_id) == col(Suspect.id))
    answered = select(Reply.post_id).where(col(Reply.reference).in_(pasted.numbers))
    found = [(*row, "reference") for row in session.exec(sent.where(col(Dispatch.reference).in_(pasted.numbers)))]
    found += [(id_, None, "reference") for id_ in session.exec(answered)]
    found += [(*row, "ticket") for row in session.exec(tickets.where(col(Ticket.number).in_(pasted.numbers)))]
    return [(post, suspect, by) for post, suspect, by in found if post is not None]


def _lead(session: Session, suspect_id: int) -> int | None:
    suspect = session.get(Suspect, suspect_id)
    return suspect.lead_post_id if suspect else None


def _by_link(session: Session, link: str) -> list[int]:
    """Posts of kinds whose ids no link tells; reads all of theirs, which are few beside a stream's."""
    kinds = col(SourceState.kind).in_(("manual", "file"))
    sources = list(session.exec(select(SourceState.name).where(kinds)))
    stored = cast(Post.entities, Text)
    same = [
        stored.like(f'%"link":"{scheme}://{link}{end}"%', escape="\\")
        for scheme in ("https", "http")
        for end in ("", "/")
    ]
    query = select(Post.id).where(col(Post.source).in_(sources), or_(*same)).limit(MOST)
    return [id_ for id_ in session.exec(query).all() if id_ is not None] if sources else []


# -- the story of one post -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that met the post."""

    rule: str
    type: str
    version: int
    now_version: int
    """Which the rule has today."""
    words: tuple[str, ...]
    at: datetime


@dataclass(slots=True)
class Story:
    """Everything that is known of one post and of the suspects it stood in."""

    post: Post
    kind: str
    """Of its source."""
    met: Sequence[Met] = ()
    joins: Sequence[SuspectPost] = ()
    suspects: dict[int, Suspect] = field(default_factory=dict)
    others: dict[int, Suspect] = field(default_factory=dict)
    """Suspects of other posts, which were merged with these or are named by them."""
    titles: dict[int, str] = field(default_factory=dict)
    """Request type → title."""
    codes: dict[str, str] = field(default_factory=dict)
    decisions: Sequence[Decision] = ()
    notes: Sequence[Note] = ()
    dispatches: Sequence[Dispatch] = ()
    tickets: dict[int, Ticket] = field(default_factory=dict)
    """By dispatch."""
    events: Sequence[TicketEvent] = ()
    replies: Sequence[Reply] = ()
    audit: Sequence[AuditEntry] = ()


def story(session: Session, post_id: int, suspect_id: int | None = None, audit: bool = False) -> Story | None:
    """The whole history of a post, with the suspect that led to it; `audit`: with who saw its author's name."""
    query = select(Post, SourceState.kind).join(SourceState, col(SourceState.name) == col(Post.source), isouter=True)
    row = session.exec(query.where(Post.id == post_id)).first()
    if row is None:
        return None
    told = Story(row[0], row[1] or row[0].source)
    told.met = _met(session, post_id)
    told.joins = session.exec(select(SuspectPost).where(SuspectPost.post_id == post_id)).all()
    led = session.exec(select(Suspect.id).where(Suspect.lead_post_id == post_id)).all()
    _gather(session, told, {join.suspect_id for join in told.joins} | {i for i in (*led, suspect_id) if i})
    types = session.exec(select(RequestType.id, RequestType.code, RequestType.title)).all()
    told.titles = {id_: title for id_, _, title in types if id_ is not None}
    told.codes = {code: title for _, code, title in types}
    _sent(session, told)
    ids = list(told.suspects)
    told.notes = session.exec(select(Note).where(col(Note.suspect_id).in_(ids)).order_by(col(Note.id))).all()
    told.replies = session.exec(select(Reply).where(Reply.post_id == post_id).order_by(col(Reply.id))).all()
    if audit:
        seen = select(AuditEntry).where(col(AuditEntry.suspect_id).in_(ids)).order_by(col(AuditEntry.id).desc())
        told.audit = session.exec(seen.limit(_AUDIT)).all()
    return told


def _met(session: Session, post_id: int) -> list[Met]:
    query = (
        _columns(Rule.name, RequestType.title, Match.rule_version, Rule.version, Match.words, Match.matched_at)
        .select_from(Match)
        .join(Rule, col(Rule.id) == col(Match.rule_id))
        .join(RequestType, col(RequestType.id) == col(Rule.request_type_id))
        .where(Match.post_id == post_id)
        .order_by(col(Match.id))
    )
    return [
        Met(rule, kind, was, is_, tuple(words or ()), at) for rule, kind, was, is_, words, at in session.exec(query)
    ]


def _gather(session: Session, told: Story, wanted: set[int]) -> None:
    """The suspects it stood in, and their decisions: those it came from by a merge or a split as well."""
    decisions: list[Decision] = []
    while wanted:
        for suspect in session.exec(select(Suspect).where(col(Suspect.id).in_(wanted))):
            told.suspects[suspect.id or 0] = suspect
        made = session.exec(select(Decision).where(col(Decision.suspect_id).in_(wanted))).all()
        decisions += made
        wanted = {id_ for one in made for id_ in _before_it(one)} - told.suspects.keys()
    told.decisions = sorted(decisions, key=lambda made: (made.at, made.id))
    _without_strangers(session, told)


def _before_it(made: Decision) -> list[int]:
    """The suspects that its posts came from."""
    came = (made.before or {}).get("from")
    return [came] if isinstance(came, int) else []


def _without_strangers(session: Session, told: Story) -> None:
    """A suspect that was merged into one of these without holding this post is named, and its own story left out."""
    for made in told.decisions:
        posts = [post for post, *_ in (made.before or {}).get("posts", [])]
        if made.kind == DecisionKind.MERGE and posts and told.post.id not in posts:
            held = {join.suspect_id for join in told.joins}
            if made.suspect_id not in held and (stranger := told.suspects.pop(made.suspect_id, None)):
                told.others[made.suspect_id] = stranger
    named = {id_ for one in told.suspects.values() for id_ in (one.merged_into_id, one.follows_id)}
    if missing := [id_ for id_ in named if id_ and id_ not in told.suspects and id_ not in told.others]:
        rows = session.exec(select(Suspect).where(col(Suspect.id).in_(missing)))
        told.others |= {one.id or 0: one for one in rows}
    told.decisions = [made for made in told.decisions if made.suspect_id in told.suspects]


def _sent(session: Session, told: Story) -> None:
    ids = list(told.suspects)
    query = select(Dispatch, Ticket).join(Ticket, col(Ticket.dispatch_id) == col(Dispatch.id), isouter=True)
    rows = session.exec(query.where(col(Dispatch.suspect_id).in_(ids)).order_by(col(Dispatch.id))).all()
    told.dispatches = [dispatch for dispatch, _ in rows]
    told.tickets = {dispatch.id or 0: ticket for dispatch, ticket in rows if ticket is not None}
    of = select(TicketEvent).where(col(TicketEvent.dispatch_id).in_([dispatch.id for dispatch, _ in rows]))
    told.events = session.exec(of.order_by(col(TicketEvent.id))).all() if rows else []


def together(session: Session, suspect_ids: Collection[int], post_id: int) -> list[Post]:
    """The other posts that stand in these suspects now, the earliest first; at most `MOST`."""
    held = select(SuspectPost.post_id).where(col(SuspectPost.suspect_id).in_(suspect_ids))
    query = select(Post).where(col(Post.id).in_(held), Post.id != post_id).order_by(col(Post.posted_at))
    return list(session.exec(query.limit(MOST)))


def texts(session: Session, post_ids: Collection[int]) -> dict[int, Post]:
    """These posts by their ids."""
    return {post.id or 0: post for post in session.exec(select(Post).where(col(Post.id).in_(post_ids)))}


# -- one that is not here ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Around:
    """What a source did about the time of a post."""

    name: str
    kind: str
    state: str
    gaps: Sequence[Gap]
    """That touch this time."""
    counted: dict[str, int]
    """Of that city day: what became of what it delivered."""


def around(session: Session, kind: str = "", at: datetime | None = None, day: date | None = None) -> list[Around]:
    """The sources of a kind, or all, and what is known of them at that time; without a time neither gap nor count."""
    states = select(SourceState).order_by(col(SourceState.name))
    found = []
    for state in session.exec(states.where(SourceState.kind == kind) if kind else states):
        gaps, counted = [], {}
        if at is not None and day is not None:
            reach = or_(col(Gap.to_at).is_(None), col(Gap.to_at) >= at - _NEAR)
            query = select(Gap).where(Gap.source == state.name, col(Gap.from_at) <= at + _NEAR, reach)
            gaps = list(session.exec(query.order_by(col(Gap.from_at)).limit(MOST)))
            sums = select(ReadCount.outcome, func.sum(ReadCount.count)).group_by(col(ReadCount.outcome))
            rows = session.exec(sums.where(ReadCount.source == state.name, ReadCount.day == day))
            counted = {outcome: int(count) for outcome, count in rows}
        found.append(Around(state.name, state.kind, state.state, gaps, counted))
    return found
