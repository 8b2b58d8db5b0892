"""The demo city's first day: its catalogue, a month of posts of which most are decided, and the way back to it.

`prepare` fills an empty demo database; the worker, the pages and every command find it so. `reset` empties it again.
`trim` keeps the last posts of the endless replay. Tickets of the past stand at the demo's desk too (`desk.backfill`).
"""

from __future__ import annotations

import random
import shutil
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from operator import itemgetter
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy import update as sql_update
from sqlmodel import Session, SQLModel, col, select

from connector import catalogue_file, sealing, sources, workflow
from connector.collect import Collector
from connector.config import DEMO, Config
from connector.demo import desk
from connector.intake import Intake
from connector.models import (
    Apart,
    AuditEntry,
    Decision,
    DecisionKind,
    DeliveryStatus,
    Dispatch,
    DispatchPost,
    Draft,
    Match,
    NearKey,
    Note,
    Post,
    PostVersion,
    RequestType,
    Suspect,
    SuspectPost,
    SuspectStatus,
    Ticket,
    TicketEvent,
    TicketStatus,
    metadata,
    now,
)
from connector.sources.sample import base_id, read_posts
from connector.store import Database, catalogue, house
from connector.store import sources as questions
from connector.triage import Gazetteer

STAFF = ("Dana Ortiz", "Ben Kowalski", "Lucía Prado")
FRESH = timedelta(hours=6)
"""Younger posts of the first burst still wait."""
_CLOSING = (
    "Done, crew was out this morning.", "Repaired.", "Closed: work order completed.", "Cleared and cleaned up.",
    "Fixed and checked on site.", "Completed by the night shift.",
)  # fmt: skip


def intake(config: Config) -> Intake:
    """An intake with the city's keys and map."""
    city = config.city
    gazetteer = Gazetteer.load(city.streets, city.landmarks, city.districts, city.name)
    return Intake(config, sealing.load(config), gazetteer)


def desk_file(config: Config) -> Path:
    """Where the demo's 311 desk keeps its tickets."""
    return config.home / "desk.db"


def prepare(database: Database, config: Config) -> bool:
    """Fill an empty demo database: types, rules, a month of posts, decisions and tickets. Whether it was empty."""
    with database.reading() as session:
        if session.exec(select(RequestType.id).limit(1)).first() is not None:
            return False
    with database.writing() as session:
        text = (DEMO / "city.yaml").read_text("utf-8")
        catalogue_file.import_text(session, text, "demo", "data/demo/city.yaml")
    _burst(database, config)
    with database.writing() as session:
        _Past(session, config).decide()
    with database.writing() as session:
        _judge_fresh(session)
    return True


def _judge_fresh(session: Session) -> None:
    """What still waits was stored before the rules had a past: give it the shares they have now."""
    shares = {rule.id: rule.share for rule in catalogue.catalogue(session).rules.values()}
    for suspect in session.exec(select(Suspect).where(Suspect.status == SuspectStatus.WAITING)):
        rule = (suspect.why or [{}])[0].get("rule_id")  # none where a person added it meanwhile
        if rule in shares:
            suspect.score = shares[rule]
        session.add(suspect)
    catalogue.touch(session)


def _burst(database: Database, config: Config) -> None:
    found = {
        name: sources.load(name, source, config) for name, source in config.sources.items() if source.kind == "sample"
    }
    collector = Collector(database, config, intake(config), found)
    for name, source in found.items():
        with database.writing() as session:
            questions.state(session, name, "sample")
        for batch in source.events("", threading.Event().wait):
            collector.store(source, batch)
            if batch.cursor:
                break


@dataclass
class _Past:
    """Decides the older part of the burst as its writers meant it, by three people in their hours."""

    session: Session
    config: Config
    chance: random.Random = field(default_factory=lambda: random.Random(42))

    def decide(self) -> None:
        meant = {post.id: post for post in read_posts(DEMO / "posts.jsonl")}
        types = {kind.id: kind for kind in self.session.exec(select(RequestType))}
        query = (
            select(Suspect, Post)
            .join(Post, col(Post.id) == col(Suspect.lead_post_id))
            .where(Suspect.status == SuspectStatus.WAITING, col(Suspect.first_posted_at) < now() - FRESH)
            .order_by(col(Suspect.first_posted_at))
        )
        sent: list[tuple[Dispatch, Suspect, RequestType]] = []
        decided = []
        for suspect, post in self.session.exec(query).all():
            waited = timedelta(minutes=min(600, self.chance.lognormvariate(2.7, 0.9)))
            decided.append((suspect.first_posted_at + waited, self.chance.choice(STAFF), suspect, post))
        # In the order of the decisions: what was accepted later has the higher id, as it is ever after.
        for at, by, suspect, post in sorted(decided, key=itemgetter(0)):
            told = meant[base_id(post.source_id)]
            kind = types[suspect.request_type_id]
            if told.verdict == "accept":
                sent.append((self._accept(suspect, post, kind, at, by), suspect, kind))
            else:
                self._dismiss(suspect, told.reason or "no_problem", at, by)
        self.session.flush()
        self._came_then()
        self._file(sent)

    def _came_then(self) -> None:
        """What was decided came before it was: its rows are dated as its posts."""
        decided = select(Suspect.id).where(col(Suspect.decided_at).is_not(None)).scalar_subquery()
        posts = select(SuspectPost.post_id).where(col(SuspectPost.suspect_id).in_(decided)).scalar_subquery()
        posted = select(Post.posted_at)
        for change in (
            sql_update(Suspect).where(col(Suspect.id).in_(decided)).values(created_at=Suspect.first_posted_at),
            sql_update(Post).where(col(Post.id).in_(posts)).values(received_at=Post.posted_at),
            sql_update(Match)
            .where(col(Match.post_id).in_(posts))
            .values(matched_at=posted.where(Post.id == Match.post_id).scalar_subquery()),
            sql_update(SuspectPost)
            .where(col(SuspectPost.suspect_id).in_(decided))
            .values(joined_at=posted.where(Post.id == SuspectPost.post_id).scalar_subquery()),
        ):
            self.session.exec(change)

    def _dismiss(self, suspect: Suspect, reason: str, at: datetime, by: str) -> None:
        suspect.status, suspect.dismiss_reason = SuspectStatus.DISMISSED, reason
        self._decided(suspect, DecisionKind.DISMISS, at, by, reason)

    def _accept(self, suspect: Suspect, post: Post, kind: RequestType, at: datetime, by: str) -> Dispatch:
        suspect.status = SuspectStatus.ACCEPTED
        self._decided(suspect, DecisionKind.ACCEPT, at, by)
        reference = workflow.new_reference(self.session)
        request = workflow.request_of(self.session, self.config, suspect, kind, reference, at, None)
        took = timedelta(seconds=self.config.delivery.hold + self.chance.uniform(1, 9))
        dispatch = Dispatch(
            suspect_id=suspect.id or 0, channel=kind.channel, reference=reference, content=request.frozen(), by=by,
            status=DeliveryStatus.SENT, created_at=at, due_at=at, sent_at=at + took, settled_at=at + took, attempts=1,
        )  # fmt: skip
        self.session.add(dispatch)
        workflow.carry(self.session, dispatch)
        return dispatch

    def _decided(self, suspect: Suspect, kind: DecisionKind, at: datetime, by: str, reason: str = "") -> None:
        suspect.decided_at, suspect.decided_by, suspect.version = at, by, suspect.version + 1
        self.session.add(suspect)
        self.session.add(Decision(suspect_id=suspect.id or 0, kind=kind, reason=reason, by=by, at=at))

    def _file(self, sent: list[tuple[Dispatch, Suspect, RequestType]]) -> None:
        """Their tickets, at the desk and here; most of the older ones are closed."""
        rows: list[desk.PastTicket] = []
        filed: list[tuple[Dispatch, Suspect, datetime | None, str]] = []
        for dispatch, suspect, kind in sent:
            settled = dispatch.settled_at or now()
            took = timedelta(hours=kind.due_hours * self.chance.uniform(0.1, 1.4))
            closed = settled + took if settled + took < now() and self.chance.random() < 0.93 else None
            note = self.chance.choice(_CLOSING) if closed else ""
            filed.append((dispatch, suspect, closed, note))
            if self.config.channels[dispatch.channel].kind == "open311":
                rows.append(_past_ticket(dispatch, suspect, settled, closed, note))
        numbers = dict(zip((row["key"] for row in rows), desk.backfill(desk_file(self.config), rows), strict=True))
        for dispatch, suspect, closed, note in filed:
            self._ticket(dispatch, suspect, closed, note, numbers.get(dispatch.reference, ""))

    def _ticket(self, dispatch: Dispatch, suspect: Suspect, closed: datetime | None, note: str, number: str) -> None:
        settled = dispatch.settled_at or now()
        port = self.config.demo.desk_port
        ticket = Ticket(
            dispatch_id=dispatch.id or 0, suspect_id=suspect.id or 0, channel=dispatch.channel,
            number=number or dispatch.reference, opened_at=settled, closed_at=closed, notes=note,
            changed_at=closed or settled, status=TicketStatus.CLOSED if closed else TicketStatus.OPEN,
            check_at=now() if number else None, url=f"http://127.0.0.1:{port}/tickets/{number}" if number else "",
        )  # fmt: skip
        self.session.add(ticket)
        self.session.add(TicketEvent(dispatch_id=dispatch.id or 0, what=f"Sent: {ticket.number}", at=settled))
        if closed:
            self.session.add(TicketEvent(dispatch_id=dispatch.id or 0, what=f"Closed: {note}", at=closed))


def _past_ticket(
    dispatch: Dispatch, suspect: Suspect, settled: datetime, closed: datetime | None, note: str
) -> desk.PastTicket:
    content = dispatch.content or {}
    return {
        "key": dispatch.reference,
        "service_code": content["service_code"],
        "description": f"{content['text']}\n\nReference {dispatch.reference}",
        "lat": suspect.lat,
        "long": suspect.lon,
        "address": suspect.place,
        "requested_at": settled,
        "closed_at": closed,
        "status_notes": note,
    }


def trim(database: Database, config: Config) -> int:
    """Forget the oldest sample posts beyond the last `keep`, with all that hangs on them; how many went."""
    with database.writing() as session:
        query = select(Post.id).where(Post.source == "sample").order_by(col(Post.id).desc()).offset(config.demo.keep)
        old = [i for i in session.exec(query.limit(1000)) if i is not None]
        if not old:
            return 0
        suspects = list(session.exec(select(SuspectPost.suspect_id).where(col(SuspectPost.post_id).in_(old))))
        led = select(Suspect.id).where(col(Suspect.lead_post_id).in_(old))  # one that was merged holds no posts
        suspects += [i for i in session.exec(led) if i is not None]
        for name in ("follows_id", "merged_into_id"):
            earlier = getattr(Suspect, name).in_(suspects)
            session.exec(sql_update(Suspect).where(earlier).values({name: None}))
        dispatches = list(session.exec(select(Dispatch.id).where(col(Dispatch.suspect_id).in_(suspects))))
        _delete(session, TicketEvent, "dispatch_id", dispatches)
        _delete(session, DispatchPost, "dispatch_id", dispatches)
        for table, column in (
            (Ticket, "suspect_id"), (Dispatch, "suspect_id"), (Decision, "suspect_id"), (SuspectPost, "suspect_id"),
            (NearKey, "suspect_id"), (Apart, "suspect_id"), (Note, "suspect_id"), (Draft, "suspect_id"),
            (Suspect, "id"),
        ):  # fmt: skip
            _delete(session, table, column, suspects)
        _delete(session, Match, "post_id", old)
        for of_posts in (Apart, DispatchPost, PostVersion):
            _delete(session, of_posts, "post_id", old)
        _delete(session, Post, "id", old)
    return len(old)


def _delete(session: Session, table: type[SQLModel], column: str, values: list[int] | list[int | None]) -> None:
    session.exec(delete(table).where(getattr(table, column).in_(values)))


RESET = "reset_requested"


def request_reset(database: Database, by: str) -> None:
    """Ask the worker to put back the first day."""
    with database.writing() as session:
        house.keep_setting(session, RESET, True, by)


def reset_if_asked(database: Database, config: Config) -> bool:
    """A chore of the worker."""
    with database.reading() as session:
        if not house.setting(session, RESET):
            return False
    reset(database, config)
    return True


def reset(database: Database, config: Config) -> None:
    """The demo as on its first day; decisions made in it are lost."""
    if not config.is_demo:
        raise ValueError("Only a demo can be reset.")
    keep = ("setting", "worker", "audit_entry")
    with database.writing() as session:
        for table in reversed(metadata.sorted_tables):
            if table.name not in keep:
                session.connection().execute(delete(table))
        session.connection().execute(
            delete(metadata.tables["setting"]).where(metadata.tables["setting"].c.name != "stamp")
        )
        session.add(AuditEntry(what="demo reset"))
    desk.clear(desk_file(config))
    shutil.rmtree(config.home / "outbox", ignore_errors=True)
    prepare(database, config)
