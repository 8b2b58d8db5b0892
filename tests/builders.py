"""Rows with full defaults for the tests: name only what matters. Each is added to the session and flushed."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from sqlmodel import Session, select

from connector.config import Login
from connector.decide import carry
from connector.models import (
    DeliveryStatus,
    Dispatch,
    Match,
    Post,
    RequestType,
    Rule,
    RuleVersion,
    Suspect,
    SuspectPost,
    Ticket,
    now,
)

_numbers = itertools.count(1)


def added(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row


def a_type(session: Session, code: str = "pothole", **values: Any) -> RequestType:
    """The request type of this code; made if there is none."""
    found = session.exec(select(RequestType).where(RequestType.code == code)).first()
    if found:
        return found
    defaults = {
        "title": code.replace("_", " ").capitalize(), "department": "Streets", "belongs": "Holes in city streets",
        "not_belongs": "Parking lots", "due_hours": 120, "channel": "outbox", "service_code": "001",
    }  # fmt: skip
    return added(session, RequestType(code=code, **(defaults | values)))


def a_rule(session: Session, type_code: str = "pothole", **values: Any) -> Rule:
    """A rule of this type, with its first version."""
    defaults = {"name": f"{type_code} {next(_numbers)}", "expression": type_code}
    kind = a_type(session, type_code)
    rule = added(session, Rule(request_type_id=kind.id, **(defaults | values)))
    added(session, RuleVersion(rule_id=rule.id, version=rule.version, expression=rule.expression))
    return rule


def a_post(session: Session, text: str = "Big pothole on Quarry Rd", **values: Any) -> Post:
    """A stored post of the source `sample`, without an author."""
    defaults = {"source": "sample", "source_id": f"p{next(_numbers)}", "lang": "en", "posted_at": now()}
    values = defaults | values
    values.setdefault("version_id", values["source_id"])
    shown = [ref["id"] for ref in values.get("references") or [] if ref["kind"] in ("quote", "repost")]
    values.setdefault("about_id", shown[0] if shown else "")
    return added(session, Post(text=text, **values))


def a_suspect(
    session: Session, text: str = "Big pothole on Quarry Rd", type_code: str = "pothole", **values: Any
) -> Suspect:
    """A waiting suspect of one post, which one rule of its type met by its first word."""
    kind = a_type(session, type_code)
    post = values.pop("post", None) or a_post(session, text)
    rule = session.exec(select(Rule).where(Rule.request_type_id == kind.id)).first() or a_rule(session, type_code)
    words = text.split()[:1]
    defaults = {
        "score": 0.5, "why": [{"rule_id": rule.id, "rule": rule.name, "words": words}], "urgent": int(kind.urgent),
        "language": post.lang, "first_posted_at": post.posted_at, "last_posted_at": post.posted_at,
        "place_post_id": post.id if values.get("place_method", "by hand") != "by hand" else None,
    }  # fmt: skip
    suspect = added(session, Suspect(request_type_id=kind.id, lead_post_id=post.id, **(defaults | values)))
    added(session, SuspectPost(suspect_id=suspect.id, post_id=post.id))
    added(session, Match(post_id=post.id, rule_id=rule.id, rule_version=rule.version, words=words))
    return suspect


def a_dispatch(session: Session, suspect: Suspect | None = None, **values: Any) -> Dispatch:
    """A queued dispatch of an accepted suspect, to the outbox."""
    suspect = suspect or a_suspect(session, status="accepted", decided_at=now(), decided_by="demo")
    defaults = {
        "channel": "outbox", "reference": f"SC-{next(_numbers):06d}", "status": DeliveryStatus.QUEUED,
        "due_at": now() + timedelta(seconds=30), "content": {"text": "Big pothole"}, "by": "demo",
    }  # fmt: skip
    dispatch = added(session, Dispatch(suspect_id=suspect.id, **(defaults | values)))
    carry(session, dispatch)
    session.flush()
    return dispatch


def a_ticket(session: Session, dispatch: Dispatch | None = None, **values: Any) -> Ticket:
    """An open ticket of a sent dispatch."""
    dispatch = dispatch or a_dispatch(session)
    dispatch.status, dispatch.sent_at, dispatch.attempts = DeliveryStatus.SENT, now(), 1
    session.add(dispatch)
    defaults = {"channel": dispatch.channel, "number": f"PA-26-{next(_numbers):06d}", "opened_at": now()}
    return added(session, Ticket(dispatch_id=dispatch.id, suspect_id=dispatch.suspect_id, **(defaults | values)))


def a_login(**values: Any) -> Login:
    """A login as a city sets it: people are named by their address, roles by the list of people."""
    defaults = {
        "metadata_url": "http://127.0.0.1:8418/.well-known/openid-configuration", "client_id": "streamlit",
        "client_secret": "streamlit-secret", "cookie_secret": "c" * 32,
    }  # fmt: skip
    return Login(**(defaults | values))
