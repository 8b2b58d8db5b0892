"""Users and posts of the simulated X, whole, and `Shown`: the part of them that a request asks for.

X tells of a post only id and text unless `tweet.fields` asks for more, and of what it refers to only what `expansions`
asks for; `shown` does the same. `x_world.py` makes the posts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.peers import x_answers
from tests.peers.x_answers import Answer
from tests.peers.x_clock import text_of

Json = dict[str, Any]

_TWEET_FIELDS = """article attachments author_id card_uri community_id context_annotations conversation_id created_at
display_text_range edit_controls edit_history_tweet_ids entities geo id in_reply_to_user_id lang media_metadata
non_public_metrics note_tweet organic_metrics paid_partnership possibly_sensitive promoted_metrics public_metrics
referenced_tweets reply_settings scopes source suggested_source_links text withheld"""
_USER_FIELDS = """affiliation confirmed_email connection_status created_at description entities id is_identity_verified
location most_recent_tweet_id name parody pinned_tweet_id profile_banner_url profile_image_url protected public_metrics
receives_your_dm subscription subscription_type url username verified verified_followers_count verified_type
withheld"""
_MEDIA_FIELDS = """alt_text duration_ms height media_key non_public_metrics organic_metrics preview_image_url
promoted_metrics public_metrics type url variants width"""
_PLACE_FIELDS = "contained_within country country_code full_name geo id name place_type"
_POLL_FIELDS = "duration_minutes end_datetime id options voting_status"
_EXPANSIONS = """article.cover_media article.media_entities attachments.media_keys attachments.media_source_tweet
attachments.poll_ids author_id edit_history_tweet_ids entities.mentions.username geo.place_id in_reply_to_user_id
entities.note.mentions.username referenced_tweets.id referenced_tweets.id.author_id
referenced_tweets.id.attachments.media_keys"""
_JOB_FIELDS = "created_at download_expires_at download_url id name resumable status type upload_expires_at upload_url"

KNOWN: dict[str, frozenset[str]] = {
    "tweet.fields": frozenset(_TWEET_FIELDS.split()),
    "user.fields": frozenset(_USER_FIELDS.split()),
    "media.fields": frozenset(_MEDIA_FIELDS.split()),
    "place.fields": frozenset(_PLACE_FIELDS.split()),
    "poll.fields": frozenset(_POLL_FIELDS.split()),
    "expansions": frozenset(_EXPANSIONS.split()),
    "compliance_job.fields": frozenset(_JOB_FIELDS.split()),
}
_ALWAYS = {
    "tweet.fields": ("id", "text", "edit_history_tweet_ids"),
    "user.fields": ("id", "name", "username"),
    "media.fields": ("media_key", "type"),
    "place.fields": ("id", "full_name"),
}
_OLD_WORDS = {
    "edit_history_post_ids": "edit_history_tweet_ids",
    "note_post": "note_tweet",
    "referenced_posts": "referenced_tweets.id",
}
"""What X's description of 2026 calls otherwise."""
_ENTITY = re.compile(
    r"(?<![\w@])@(?P<mention>\w{1,15})|(?<!\w)#(?P<tag>\w+)|(?P<url>https?://\S+)|\$(?P<cash>[A-Za-z]{1,6})\b"
)


class Refused(Exception):
    """A request that X answers otherwise than asked."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


@dataclass
class User:
    """An account; `gone` says why it cannot be seen: deactivated, suspended or protected."""

    id: str
    username: str
    payload: Json
    gone: str = ""


@dataclass
class Post:
    """A post as X keeps it, and what became of it."""

    id: str
    at: float
    """When it was made, in seconds since 1970 of X's time."""
    author: User
    payload: Json
    """All fields that X might show."""
    media: list[Json] = field(default_factory=list)
    place: Json | None = None
    versions: list[str] = field(default_factory=list)
    """Ids of all its versions, oldest first; one list shared by them."""
    gone: str = ""
    """Why it cannot be seen any more: deleted; empty: it can."""
    gone_at: float = 0.0
    scrubbed_at: float = 0.0
    """When its position was taken away."""

    @property
    def text(self) -> str:
        return str(self.payload["text"])

    @property
    def why_gone(self) -> str:
        return self.gone or self.author.gone

    @property
    def newest(self) -> bool:
        return self.versions[-1] == self.id

    def refers_to(self, kind: str) -> str:
        """The id of the post that it `replied_to`, `quoted` or `retweeted`; empty: none."""
        found = [there["id"] for there in self.payload.get("referenced_tweets", ()) if there["type"] == kind]
        return found[0] if found else ""


def entities(text: str, ids: Callable[[str], str | None]) -> Json:
    """Mentions, hashtags, cashtags and links of a text, with their places in it."""
    found: Json = {}
    for match in _ENTITY.finditer(text):
        at = {"start": match.start(), "end": match.end()}
        if name := match["mention"]:
            known = ids(name)
            found.setdefault("mentions", []).append({**at, "username": name, **({"id": known} if known else {})})
        elif match["tag"]:
            found.setdefault("hashtags", []).append({**at, "tag": match["tag"]})
        elif match["cash"]:
            found.setdefault("cashtags", []).append({**at, "tag": match["cash"]})
        else:
            url = match["url"]
            found.setdefault("urls", []).append(
                {**at, "url": url, "expanded_url": url, "display_url": url.split("//")[1]}
            )
    return found


@dataclass(frozen=True)
class Shown:
    """Which fields and expansions a request asks for."""

    fields: Mapping[str, frozenset[str]]
    expansions: frozenset[str]

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Shown:
        """From the parameters of a request; raises Refused for names that X does not know."""
        wanted = {name: _listed(query, name) for name in KNOWN}
        expansions = wanted.pop("expansions")
        fields = {name: frozenset(_ALWAYS.get(name, ())) | listed for name, listed in wanted.items()}
        for expansion, added in (
            ("author_id", "author_id"),
            ("in_reply_to_user_id", "in_reply_to_user_id"),
            ("attachments.media_keys", "attachments"),
            ("attachments.poll_ids", "attachments"),
            ("geo.place_id", "geo"),
            ("entities.mentions.username", "entities"),
            ("referenced_tweets.id", "referenced_tweets"),
            ("referenced_tweets.id.author_id", "referenced_tweets"),
        ):
            if expansion in expansions:
                fields["tweet.fields"] |= {added}
        return cls(fields, expansions)

    @classmethod
    def everything(cls) -> Shown:
        return cls(KNOWN, KNOWN["expansions"])

    def object(self, kind: str, whole: Json) -> Json:
        """The part of a payload that was asked for; `kind` is tweet, user, media, place or poll."""
        wanted = self.fields[f"{kind}.fields"]
        return {name: value for name, value in whole.items() if name in wanted}


def _listed(query: Mapping[str, str], name: str) -> frozenset[str]:
    given = query.get(name)
    if given is None and name == "tweet.fields":
        given = query.get("post.fields")
    listed = [_OLD_WORDS.get(value, value) for value in given.split(",")] if given else []
    for value in listed:
        if value not in KNOWN[name]:
            choices = ",".join(sorted(KNOWN[name]))
            message = f"The `{name}` query parameter value [{value}] is not one of [{choices}]"
            raise Refused(x_answers.invalid((name, value, message)))
    return frozenset(listed)


def shown(
    posts: Iterable[Post],
    wanted: Shown,
    post_of: Callable[[str], Post | None],
    user_of: Callable[[str], User | None],
) -> tuple[list[Json], Json, list[Json]]:
    """The posts as asked for, their `includes`, and `errors` for what they refer to and cannot be seen."""
    includes: dict[str, dict[str, Json]] = {"users": {}, "tweets": {}, "media": {}, "places": {}}
    errors: dict[str, Json] = {}

    def include_user(user: User | None) -> None:
        if user and not user.gone:
            includes["users"][user.id] = wanted.object("user", user.payload)

    def include_around(post: Post) -> None:
        """What stands in the post itself."""
        if "author_id" in wanted.expansions:
            include_user(post.author)
        if "in_reply_to_user_id" in wanted.expansions:
            include_user(user_of(post.payload.get("in_reply_to_user_id", "")))
        if "entities.mentions.username" in wanted.expansions:
            for mention in post.payload.get("entities", {}).get("mentions", ()):
                include_user(user_of(mention.get("id", "")))
        if "attachments.media_keys" in wanted.expansions:
            for media in post.media:
                includes["media"][media["media_key"]] = wanted.object("media", media)
        if "geo.place_id" in wanted.expansions and post.place and not post.scrubbed_at:
            includes["places"][post.place["id"]] = wanted.object("place", post.place)

    def include_references(post: Post) -> None:
        deep = "referenced_tweets.id.author_id" in wanted.expansions
        if not deep and "referenced_tweets.id" not in wanted.expansions:
            return
        for reference in post.payload.get("referenced_tweets", ()):
            there = post_of(reference["id"])
            if there is None or there.why_gone:
                errors[reference["id"]] = unseen(there, "referenced_tweets.id", reference["id"])
                continue
            includes["tweets"][there.id] = wanted.object("tweet", _payload(there))
            if deep:
                include_user(there.author)

    data = []
    for post in posts:
        data.append(wanted.object("tweet", _payload(post)))
        include_around(post)
        include_references(post)
    return data, {name: list(found.values()) for name, found in includes.items() if found}, list(errors.values())


def unseen(post: Post | None, parameter: str, number: str) -> Json:
    """Why a post that was asked for is not there."""
    if post is not None and not post.gone and post.author.gone in ("protected", "suspended"):
        return x_answers.not_authorized("tweet", parameter, number)
    return x_answers.not_found("tweet", parameter, number)


def _payload(post: Post) -> Json:
    payload = {**post.payload, "edit_history_tweet_ids": list(post.versions)}
    if post.scrubbed_at:
        payload.pop("geo", None)
    return payload


def new_user(number: int, username: str, made_at: float, **values: Any) -> User:
    """An account with everything that X tells of one; `values` replace what is made up."""
    followers = values.pop("followers", 40 + number % 500)
    payload = {
        "id": str(number),
        "username": username,
        "name": username.replace("_", " ").title(),
        "created_at": text_of(made_at),
        "description": "",
        "location": "",
        "protected": False,
        "verified": False,
        "verified_type": "none",
        "profile_image_url": f"https://pbs.example.org/{number}_normal.jpg",
        "public_metrics": {
            "followers_count": followers, "following_count": 90, "tweet_count": 700, "listed_count": 2,
            "like_count": 50, "media_count": 10,
        },
        **values,
    }  # fmt: skip
    return User(str(number), username, payload)
