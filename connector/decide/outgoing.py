"""An accepted suspect as it goes out: the frozen request, its dispatch, and calling that back while it is still here.

Called by `verdicts.py`, `details.py` and `undoing.py`; `deliver.py` carries the dispatch away.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import dispatch as channels
from connector import sources
from connector.config import Config
from connector.errors import AlreadyDecidedError, ConfigError
from connector.models import (
    DeliveryStatus,
    Dispatch,
    DispatchPost,
    Post,
    RequestType,
    SourceState,
    Suspect,
    SuspectPost,
    Ticket,
)
from connector.sealing import Hiding, mask
from connector.store.tickets import latest_dispatch
from connector.triage import personal

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: nothing that looks like something else
_TEXTS_IN_A_TICKET = 5


def new_reference(session: Session) -> str:
    """A short id that can be read out on the telephone, and that no dispatch has: `SC-7F3K9Q`.

    With a hundred thousand tickets one in ten thousand draws is taken: rare for a person, sure to come for a city.
    """
    while True:
        drawn = "SC-" + "".join(secrets.choice(_LETTERS) for _ in range(6))
        if session.exec(select(Dispatch.id).where(Dispatch.reference == drawn)).first() is None:
            return drawn


def send_later(
    session: Session, config: Config, suspect: Suspect, kind: RequestType, by: str, at: datetime, text: str | None,
    instead_of: Dispatch | None = None,
) -> str:  # fmt: skip
    """Queue it for after the hold; the reference that travels with it. `instead_of`: whose text it goes on with."""
    reference = new_reference(session)
    request = request_of(session, config, suspect, kind, reference, at, text)
    made = Dispatch(
        suspect_id=suspect.id or 0,
        channel=kind.channel,
        reference=reference,
        content=request.frozen(),
        status=DeliveryStatus.QUEUED,
        due_at=at + timedelta(seconds=config.delivery.hold),
        by=by,
    )
    session.add(made)
    carry(session, made, instead_of)
    return reference


def carry(session: Session, made: Dispatch, instead_of: Dispatch | None = None) -> None:
    """Write down whose words it carries: of its suspect's posts, and of those of the one that it goes on with."""
    session.flush()
    held = select(SuspectPost.post_id).where(SuspectPost.suspect_id == made.suspect_id)
    before = select(DispatchPost.post_id).where(DispatchPost.dispatch_id == (instead_of.id if instead_of else None))
    ids = col(Post.id).in_(held) | col(Post.id).in_(before)
    carried = session.exec(select(Post.id).where(ids, col(Post.gone_at).is_(None)))
    session.add_all(DispatchPost(dispatch_id=made.id or 0, post_id=post_id or 0) for post_id in carried)


def call_back(session: Session, suspect_id: int, sent: str = "") -> Dispatch:
    """Cancel the suspect's dispatch if it surely is not there: not claimed yet, or waiting for another try.

    Raises AlreadyDecidedError with `sent`, or "Already sent, ticket …".
    """
    last = latest_dispatch(session, suspect_id)
    if last is None:
        raise AlreadyDecidedError("There is nothing to take back.")
    cancelled = session.exec(
        sql_update(Dispatch)
        .where(
            col(Dispatch.id) == last.id,
            col(Dispatch.status).in_((DeliveryStatus.QUEUED, DeliveryStatus.DRAFTED, DeliveryStatus.EXHAUSTED)),
        )
        .values(status=DeliveryStatus.CANCELLED)
    )
    if cancelled.rowcount == 1:
        session.refresh(last)
        return last
    ticket = session.exec(select(Ticket).where(Ticket.dispatch_id == last.id)).first()
    number = f", ticket {ticket.number or ticket.token}" if ticket else f", reference {last.reference}"
    raise AlreadyDecidedError(sent or f"Already sent{number}.")


def request_of(
    session: Session,
    config: Config,
    suspect: Suspect,
    kind: RequestType,
    reference: str,
    at: datetime,
    text: str | None,
) -> channels.Request:
    """The suspect as it goes out: handles masked, links handle-free; what is personal only if the reviewer wrote it."""
    if _needs_address(config, kind) and not kind.address:
        raise ConfigError(f"{kind.title} goes out by mail, but names no address: set one in Settings, Request types.")
    posts = session.exec(
        select(Post, SourceState.kind)
        .join(SuspectPost, col(SuspectPost.post_id) == col(Post.id))
        .join(SourceState, col(SourceState.name) == col(Post.source), isouter=True)
        .where(SuspectPost.suspect_id == suspect.id, col(Post.gone_at).is_(None))
        .order_by(col(Post.posted_at))
    ).all()
    if not posts:
        raise AlreadyDecidedError("Its posts were deleted by their authors; there is nothing to send.")
    told = "\n\n".join(mask(post.text) for post, _ in posts[:_TEXTS_IN_A_TICKET])
    links = [link for post, of in posts if (link := _link(post, of))]
    return channels.Request(
        reference=reference,
        type_code=kind.code,
        type_title=kind.title,
        department=kind.department,
        text=_written(text, config) if text else personal.masked(told, config.city.country, suspect.place_words),
        place=suspect.place,
        lat=suspect.lat,
        lon=suspect.lon,
        district=suspect.district,
        urgent=bool(suspect.urgent),
        people=suspect.people,
        links=tuple(links),
        service_code=kind.service_code,
        attributes=dict(kind.attributes or {}),
        to=kind.address,
        accepted_at=at,
        due_at=at + timedelta(hours=kind.due_hours),
        ticket_page=f"{config.city.url.rstrip('/')}/tickets?find={reference}",
        city=config.city.name,
        timezone=config.city.timezone,
    )


def _written(text: str, config: Config) -> str:
    """What a person wrote, without the handles that they saw on the card: a ticket is read by many."""
    own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
    return mask(Hiding((), own).hide(mask(text)))


def _link(post: Post, kind: str | None) -> str:
    """The post's handle-free address, if it has one."""
    pattern = sources.permalink(kind, post.version_id or post.source_id) if kind else ""
    own = str((post.entities or {}).get("link", ""))
    return pattern or (own if mask(own) == own else "")


def _needs_address(config: Config, kind: RequestType) -> bool:
    adapter = config.channels.get(kind.channel)
    return bool(adapter and channels.kinds()[adapter.kind].needs_address)
