"""A post of Mastodon's, from the fields of its API (https://docs.joinmastodon.org/entities/Status) to ours.

Called by `__init__.py`; the text comes from `plain.py`. Handles stand in clear here, as everywhere before the intake.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from connector.incoming import NOBODY, Detail, Incoming, Kind, Link, Media, More, Person, Reference
from connector.sources.mastodon.plain import plain

PUBLIC = ("public", "unlisted")
"""Visibilities that everybody may read."""
_MEDIA = {"image": "photo", "gifv": "animated_gif"}


class Account(msgspec.Struct):
    id: str
    acct: str
    """`user`, or `user@host` on another server."""
    display_name: str = ""
    followers_count: int | None = None
    following_count: int | None = None
    statuses_count: int | None = None


class Mention(msgspec.Struct):
    id: str
    acct: str


class Tag(msgspec.Struct):
    name: str


class Medium(msgspec.Struct):
    type: str = ""
    url: str | None = None
    description: str | None = None


class Option(msgspec.Struct):
    title: str = ""


class Poll(msgspec.Struct):
    options: Sequence[Option] = ()


class Card(msgspec.Struct):
    url: str = ""
    title: str = ""
    description: str = ""


class Application(msgspec.Struct):
    name: str = ""


class Quote(msgspec.Struct):
    state: str = ""
    quoted_status: Status | None = None
    quoted_status_id: str | None = None


class Status(msgspec.Struct):
    """The fields that we use; lists that are missing are empty."""

    id: str
    account: Account
    created_at: datetime
    content: str = ""
    visibility: str = ""
    spoiler_text: str = ""
    language: str | None = None
    edited_at: datetime | None = None
    in_reply_to_id: str | None = None
    in_reply_to_account_id: str | None = None
    reblog: Status | None = None
    quote: Quote | None = None
    media_attachments: Sequence[Medium] = ()
    mentions: Sequence[Mention] = ()
    tags: Sequence[Tag] = ()
    card: Card | None = None
    poll: Poll | None = None
    application: Application | None = None
    favourites_count: int | None = None
    replies_count: int | None = None
    reblogs_count: int | None = None

    @property
    def is_public(self) -> bool:
        return self.visibility in PUBLIC and (self.reblog is None or self.reblog.is_public)


class Notification(msgspec.Struct):
    id: str
    type: str = ""
    status: Status | None = None


def incoming(status: Status, at: datetime, server: str, us: str = "") -> Incoming:
    """The post, written or reworded at this time, as this server shows it; `us` is the id of our own account."""
    said = status.reblog or status
    text, urls = plain(said.content)
    # The warning stands above the text and is the author's, like the answers that a poll offers.
    options = [f"- {option.title}" for option in said.poll.options] if said.poll else []
    whole = "\n\n".join(filter(None, (said.spoiler_text.strip(), text, "\n".join(options))))

    def detail() -> Detail:
        found = _detail(status, said, urls, at, us)
        found.link = f"{server}/web/statuses/{status.id}"  # without the author's handle, which `url` holds
        return found

    return Incoming(status.id, whole, said.language or "", b"", detail, lambda _: _more(status, said, urls))


def _detail(status: Status, said: Status, urls: Sequence[str], at: datetime, us: str) -> Detail:
    quoted = _quoted(said)
    author = status.account
    mentioned = _once(mention.acct for mention in said.mentions)
    others = [said, *([quoted] if quoted else [])]
    references = _references(status, quoted)
    return Detail(
        kind=references[0].kind if references else Kind.POST,
        posted_at=at.astimezone(UTC),
        author=Person(author.acct, author.display_name, author.id),
        mentioned=mentioned,
        people=_once(name for one in others for name in (one.account.acct, *(m.acct for m in one.mentions))),
        hashtags=_once(tag.name for tag in said.tags),
        urls=urls,
        media=[Media(_MEDIA.get(m.type, m.type), m.url or "", m.description or "") for m in said.media_attachments],
        quoted_text=plain(quoted.content)[0] if quoted else "",
        references=references,
        reply_settings="everyone",
        own=bool(us) and author.id == us,
    )


def _references(status: Status, quoted: Status | None) -> list[Reference]:
    """The post's kind stands first: one that replies and quotes counts as a reply."""
    if status.reblog:
        return [Reference(Kind.REPOST, status.reblog.id)]
    found = [Reference(Kind.REPLY, status.in_reply_to_id)] if status.in_reply_to_id else []
    quoted_id = quoted.id if quoted else status.quote.quoted_status_id if status.quote else None
    return [*found, Reference(Kind.QUOTE, quoted_id)] if quoted_id else found


def _quoted(status: Status) -> Status | None:
    """The quoted post, if its author lets it be shown here."""
    quote = status.quote
    quoted = quote.quoted_status if quote and quote.state == "accepted" else None
    return quoted if quoted and quoted.is_public else None


def _more(status: Status, said: Status, urls: Sequence[str]) -> More:
    author = status.account
    return More(
        author_id=author.id,
        answered=_answered(status),
        repeated=Person(said.account.acct, "", said.account.id) if status.reblog else NOBODY,
        followers=author.followers_count,
        following=author.following_count,
        posts=author.statuses_count,
        likes=said.favourites_count,
        replies=said.replies_count,
        reposts=said.reblogs_count,
        app=status.application.name if status.application else None,
        links=[_link(url, said.card) for url in urls],
    )


def _answered(status: Status) -> Person:
    """The id is told, the handle only if the post mentions the account, or answers its own author."""
    if not status.in_reply_to_account_id:
        return NOBODY
    known = {status.account.id: status.account.acct} | {one.id: one.acct for one in status.mentions}
    return Person(known.get(status.in_reply_to_account_id, ""), "", status.in_reply_to_account_id)


def _link(url: str, card: Card | None) -> Link:
    """A post has one card at most, of its first link with a page behind it."""
    if card and card.url == url:
        return Link((url,), True, card.title, card.description)
    return Link((url,))


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
