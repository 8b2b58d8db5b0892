"""A post that a person brings in by hand: from Nextdoor, a private group, a telephone call.

`guess` says live what the rules and the city's map make of a text; `add_post` stores post and suspect in one commit, by
the same intake as every other post, whether a rule meets it or not. `screen/add_post.py` asks in the Queue;
`workflow.py` hands the verb on.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from connector import sealing, sources
from connector.config import Config
from connector.errors import AlreadyDecidedError
from connector.incoming import Batch, Edited, Incoming
from connector.intake import Intake
from connector.membership import BY_HAND
from connector.models import Post, RequestType, SuspectPost, now
from connector.prepare import PLACE, POST, SUSPECT, From, Prepared, Ready, Run, place_columns
from connector.sources import manual
from connector.store import Database, bulk, catalogue
from connector.store import sources as questions
from connector.triage import Gazetteer, language, urgency
from connector.triage.near_keys import bands

CAME_FROM = ("Nextdoor", "Group", "Phone", "E-mail", "Other")
LONGEST = 10_000
"""Characters."""
_KIND = "manual"


@dataclass(frozen=True, slots=True)
class Pasted:
    """What a person gives; `type_code` and `place` only where they know better than the rules and the map."""

    text: str
    link: str = ""
    came_from: str = "Other"
    type_code: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the rules and the map make of a text; empty where they know nothing."""

    type_code: str = ""
    rule: str = ""
    words: tuple[str, ...] = ()
    place: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """The suspect that holds the post, and whether it was made just now."""

    suspect_id: int
    is_new: bool


class Guesser:
    """Guesses for all who are typing; one a process, because reading the rules takes longer than asking them."""

    def __init__(self, config: Config, sealer: sealing.Sealer, gazetteer: Gazetteer) -> None:
        self._intake, self._gazetteer = Intake(config, sealer, gazetteer), gazetteer
        self._intake.preparer.reads_languages = False  # nobody asks, and the models are large
        self._origin = origin(config)
        self._lock = threading.Lock()  # a set of rules is not for two threads at once

    def guess(self, session: Session, text: str) -> Guess:
        """What it seems to be, and where."""
        if not text.strip():
            return Guess()
        with self._lock:
            self._intake.refresh(session)
            ready = _first(self._intake.prepare(self._origin, _batch(manual.post(text, "", now()))))
        said = dict(zip(SUSPECT, ready.suspect, strict=bool(ready.suspect)))
        if not said:
            return Guess(place=place_columns(self._gazetteer.find(text), text)[0])
        best = msgspec.json.decode(said["why"])[0]
        code = session.exec(select(RequestType.code).where(RequestType.id == said["request_type_id"])).one()
        return Guess(code, best["rule"], tuple(best["words"]), said["place"])


def add_post(
    database: Database, config: Config, sealer: sealing.Sealer, gazetteer: Gazetteer, pasted: Pasted, by: str
) -> Added:
    """Store the post, and a suspect that waits; the same text with the same link is never stored twice.

    ValueError says what is missing – the text, or the type where no rule meets it – or that it is too long.
    """
    if len(pasted.text) > LONGEST:
        raise ValueError(f"A post holds {LONGEST:,} characters, this has {len(pasted.text):,}: keep what matters.")
    post, source = manual.post(pasted.text, pasted.link, now()), origin(config)
    intake = Intake(config, sealer, gazetteer)
    with database.reading() as session:
        intake.refresh(session)
    prepared = intake.prepare(source, _batch(post))
    place = _typed(config, gazetteer, pasted.place)
    try:
        with database.writing() as session:
            known = _known(session, source.name, post.source_id)
            if known is not None:
                return Added(known, False)
            _say(session, _first(prepared), pasted, place, gazetteer, by)
            state = questions.state(session, source.name, source.kind)
            taken = intake.store(session, source, prepared)
            (suspect_id,) = taken.suspects or taken.joined
            state.state = state.state if source.name in config.sources else "stopped"
            state.last_post_at = now()
            detail = {"suspect": suspect_id, "source": source.name, "came_from": pasted.came_from}
            catalogue.audit(session, "post added by hand", detail, by)
        return Added(suspect_id, True)
    except IntegrityError:  # the same post came from somebody else a moment ago, on a database with many writers
        with database.reading() as session:
            known = _known(session, source.name, post.source_id)
        if known is None:
            raise
        return Added(known, False)


def origin(config: Config) -> From:
    """The configured source of this kind, else one that bears the kind's name."""
    names = [name for name, adapter in config.sources.items() if adapter.kind == _KIND]
    return From(names[0] if names else _KIND, _KIND, sources.capabilities(_KIND))


def _batch(post: Incoming) -> Batch:
    """As an edit, since those come out of the preparing even where no rule meets them."""
    return Batch([Edited(post)])


def _first(prepared: Prepared) -> Ready:
    (run,) = prepared.steps
    assert isinstance(run, Run)
    return run.posts[0]


def _known(session: Session, source: str, source_id: str) -> int | None:
    """The newest suspect that holds this post."""
    post = session.exec(select(Post).where(Post.source == source, Post.source_id == source_id)).first()
    if post is None:
        return None
    if post.gone_at:
        raise AlreadyDecidedError("This post was here and was erased; it is not taken in again.")
    held = select(SuspectPost.suspect_id).where(SuspectPost.post_id == post.id)
    return session.exec(held.order_by(col(SuspectPost.suspect_id).desc())).first()


def _say(
    session: Session, ready: Ready, pasted: Pasted, place: tuple[Any, ...] | None, gazetteer: Gazetteer, by: str
) -> None:
    """Make it wait as a suspect of the type and at the place that this person means, with their name beside the why."""
    post = dict(zip(POST, ready.row, strict=True))
    said: dict[str, Any] = dict(zip(SUSPECT, ready.suspect, strict=True)) if ready.suspect else {"why": "[]"}
    if not said.get("request_type_id") or pasted.type_code:
        kind = _type(session, pasted.type_code)
        said |= {"request_type_id": kind.id, "urgent": int(kind.urgent)}
    danger = urgency.find(pasted.text)
    said |= {"urgent": said["urgent"] or int(danger is not None), "urgent_why": danger.kind if danger else ""}
    said["language"] = language.of(pasted.text)
    if place is None and not ready.suspect:
        place = place_columns(gazetteer.find(pasted.text), post["text"])
    said |= dict(zip(PLACE, place, strict=True)) if place else {}
    why = [*msgspec.json.decode(said["why"]), {"by_hand": by, "came_from": pasted.came_from}]
    at = post["posted_at"]
    said |= {"why": bulk.json_text(why), "first_posted_at": at, "last_posted_at": at}
    ready.suspect, ready.waits = tuple(said.get(name) for name in SUSPECT), True
    ready.bands = bands([(said["request_type_id"], post["text"])])[0]


def _type(session: Session, code: str) -> RequestType:
    if not code:
        raise ValueError("No rule meets it: choose a type.")
    kind = session.exec(select(RequestType).where(RequestType.code == code, RequestType.active)).first()
    if kind is None:
        raise LookupError(f"The type {code!r} is off, or there is none: choose another.")
    return kind


def _typed(config: Config, gazetteer: Gazetteer, name: str) -> tuple[Any, ...] | None:
    """The place that was typed, as the city writes it where it knows it; None if none was. As `PLACE`."""
    name = " ".join(name.split())
    if not name:
        return None
    if found := gazetteer.find(name, asked=True) or gazetteer.tagged(name):
        return found.name, BY_HAND, "", found.district, found.lat, found.lon, None
    own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
    return sealing.mask(sealing.Hiding((), own).hide(name)), BY_HAND, "", "", None, None, None
