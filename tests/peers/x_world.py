"""What the simulated X knows: users, posts, stream rules, and an account of every post that was emitted.

Matching is the connector's own (`connector.rules`), on the surface that is asked. `x_simulator.py` puts it on the wire.
"""

from __future__ import annotations

import bisect
import html
import json
import threading
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.incoming import Incoming
from connector.rules import RuleSet, compile
from connector.sources.x.payload import decode
from tests.peers.x_clock import Clock, first_id, text_of
from tests.peers.x_posts import Json, Post, Shown, User, entities, new_user, shown

DAY = 86400.0
REPOST_LENGTH = 140
"""X cuts the text of a repost after so many characters."""


@dataclass
class Rule:
    """A rule of the stream; it matches from `since` until `until`, which lies a little after the request."""

    id: str
    value: str
    tag: str | None
    number: int
    since: float
    until: float | None = None

    @property
    def listed(self) -> bool:
        return self.until is None


@dataclass
class Emitted:
    """One line of the account. Every edit is a post of its own."""

    post: Post
    rules: list[Rule]
    """Those in force that met it."""
    written_to: list[int] = field(default_factory=list)
    """Numbers of the stream connections that it was written to in full."""
    found_at: list[float] = field(default_factory=list)
    """When recent search answered with it."""

    @property
    def id(self) -> str:
        return self.post.id

    @property
    def at(self) -> float:
        return self.post.at

    @property
    def reached(self) -> bool:
        return bool(self.written_to or self.found_at)


class World:
    """Safe between threads: every public method holds `lock`."""

    def __init__(self, clock: Clock, me: str, rule_delay: float) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.rule_delay = rule_delay
        self.users: dict[str, User] = {}
        self.posts: dict[str, Post] = {}
        self.account: list[Emitted] = []
        """By id, oldest first."""
        self.rules: list[Rule] = []
        self.listeners: list[Callable[[Emitted], None]] = []
        self._names: dict[str, User] = {}
        self._ids: list[int] = []
        self._incoming: dict[str, Incoming] = {}
        self._in_force: tuple[tuple[int, ...], RuleSet] = ((), compile(()))
        self._queries: dict[str, RuleSet] = {}
        self._last_rule = 0
        self._last_user = 1_600_000_000
        self.me = self.add_user(me)

    # Users.

    def add_user(self, username: str, **values: Any) -> User:
        """A new account, or the one of this name with other values."""
        with self.lock:
            known = self._names.get(username.lower())
            if known:
                known.payload.update(values)
                return known
            self._last_user += 1
            user = new_user(self._last_user, username, self.clock.now() - 900 * DAY, **values)
            self.users[user.id] = self._names[username.lower()] = user
            return user

    def user(self, username: str) -> User | None:
        return self._names.get(username.lower())

    def user_of(self, number: str) -> User | None:
        return self.users.get(number)

    def hide_user(self, username: str, why: str) -> None:
        """`deactivated`, `suspended` or `protected`; empty: seen again."""
        with self.lock:
            user = self._names[username.lower()]
            user.gone = why
            user.payload["protected"] = why == "protected"
            for post in self.posts.values():
                if post.author is user:
                    post.gone_at = self.clock.now()

    # Posts.

    def emit(
        self,
        text: str,
        author: str = "a_resident",
        *,
        reply_to: str = "",
        quote: str = "",
        repost_of: str = "",
        lang: str = "en",
        place: str = "",
        point: tuple[float, float] | None = None,
        media: Sequence[str] = (),
        at: float | None = None,
        **values: Any,
    ) -> Emitted:
        """A new post. `point` is longitude and latitude, `media` kinds (photo, video), `at` a time in the past.

        `values` replace fields of the payload; one that is None is left out.
        """
        with self.lock:
            moment = self.clock.now() if at is None else at
            who = self.add_user(author)
            number = str(self._new_id(moment))
            original = self.posts.get(repost_of) if repost_of else None
            if original:
                text = f"RT @{original.author.username}: {html.unescape(original.text)}"[:REPOST_LENGTH]
            post = Post(number, moment, who, {}, versions=[number])
            post.media = [_media(f"{3 if kind == 'photo' else 7}_{number}{n}", kind) for n, kind in enumerate(media)]
            post.place = _place(place) if place else None
            post.payload = _filled(self._payload(post, text, lang, reply_to, quote, repost_of, point) | values)
            return self._keep(post)

    def edit(self, number: str, text: str) -> Emitted:
        """A new version of a post, as a post of its own."""
        with self.lock:
            old = self.posts[number]
            moment = self.clock.now()
            new = str(self._new_id(moment))
            old.versions.append(new)
            payload = _filled({**old.payload, "id": new, "created_at": text_of(moment), **self._words(text)})
            return self._keep(Post(new, moment, old.author, payload, old.media, old.place, old.versions))

    def delete(self, number: str) -> None:
        """The post and all its versions are gone."""
        with self.lock:
            for version in self.posts[number].versions:
                self.posts[version].gone, self.posts[version].gone_at = "deleted", self.clock.now()

    def scrub_geo(self, number: str) -> None:
        with self.lock:
            self.posts[number].scrubbed_at = self.clock.now()

    def post_of(self, number: str) -> Post | None:
        return self.posts.get(number)

    def _new_id(self, moment: float) -> int:
        """Ids grow with time; a post that is dated back gets one of its own time."""
        number = first_id(moment)
        while str(number) in self.posts:
            number += 1
        return number

    def _words(self, text: str) -> Json:
        """Text and entities; X writes `&`, `<` and `>` as HTML does."""
        escaped = html.escape(text, quote=False)
        return {"text": escaped, "entities": entities(escaped, self._id_of) or None}

    def _id_of(self, username: str) -> str | None:
        known = self.user(username)
        return known.id if known else None

    def _payload(
        self, post: Post, text: str, lang: str, reply_to: str, quote: str, repost_of: str,
        point: tuple[float, float] | None,
    ) -> Json:  # fmt: skip
        kinds = (("replied_to", reply_to), ("quoted", quote), ("retweeted", repost_of))
        references = [{"type": kind, "id": number} for kind, number in kinds if number]
        answered = self.posts.get(reply_to)
        root = answered.payload.get("conversation_id", reply_to) if answered else reply_to
        payload: Json = {
            "id": post.id,
            **self._words(text),
            "author_id": post.author.id,
            "created_at": text_of(post.at),
            "conversation_id": root or post.id,
            "lang": lang,
            "reply_settings": "everyone",
            "possibly_sensitive": False,
            "source": "X Web App",
            "referenced_tweets": references or None,
            "in_reply_to_user_id": answered.author.id if answered else None,
            "public_metrics": {
                "retweet_count": 0, "reply_count": 0, "like_count": 0, "quote_count": 0, "bookmark_count": 0,
                "impression_count": 0,
            },
            "edit_controls": {
                "edits_remaining": 5, "is_edit_eligible": not references, "editable_until": text_of(post.at + 3600),
            },
        }  # fmt: skip
        if post.media:
            payload["attachments"] = {"media_keys": [media["media_key"] for media in post.media]}
        if post.place or point:
            payload["geo"] = {"place_id": post.place["id"]} if post.place else {}
            if point:
                payload["geo"]["coordinates"] = {"type": "Point", "coordinates": list(point)}
        return payload

    def _keep(self, post: Post) -> Emitted:
        self.posts[post.id] = post
        emitted = Emitted(post, self._met(post))
        at = bisect.bisect(self._ids, int(post.id))
        # Posts are dated back seldom, so that this is an append nearly always.
        self._ids.insert(at, int(post.id))
        self.account.insert(at, emitted)
        for listener in list(self.listeners):
            listener(emitted)
        return emitted

    # Matching.

    def incoming(self, post: Post) -> Incoming:
        """The post as the connector's matcher reads it, with everything that X knows of it."""
        if post.id not in self._incoming:
            everything = Shown.everything()
            data, includes, _ = shown([post], everything, self.post_of, self.user_of)
            self._incoming[post.id] = decode(json.dumps({"data": data[0], "includes": includes}).encode())[0]
        return self._incoming[post.id]

    def _met(self, post: Post) -> list[Rule]:
        now = self.clock.now()
        in_force = {rule.number: rule for rule in self.rules if rule.since <= now and (rule.until or now + 1) > now}
        if tuple(in_force) != self._in_force[0]:
            rules = compile((rule.number, 1, rule.value) for rule in in_force.values())
            self._in_force = (tuple(in_force), rules)
        if not in_force:
            return []
        (found,) = self._in_force[1].match([self.incoming(post)], "stream")
        return [in_force[one.rule_id] for one in found]

    def search(self, query: str, since: int, until: int) -> Iterable[Emitted]:
        """Posts that meet the query, newest first, with since < id < until; of edited ones the newest version."""
        rules = self._queries.setdefault(query, compile([(1, 1, query)]))
        with self.lock:
            low, high = bisect.bisect_right(self._ids, since), bisect.bisect_left(self._ids, until)
            window = self.account[low:high]
        for emitted in reversed(window):
            if emitted.post.why_gone or not emitted.post.newest:
                continue
            if rules.match([self.incoming(emitted.post)], "search")[0]:
                yield emitted

    # Rules.

    def new_rule(self, value: str, tag: str | None = None, delay: float | None = None) -> Rule:
        """A rule that takes effect after the delay that X needs, or another one, once it stands in `rules`."""
        with self.lock:
            self._last_rule += 1
            wait = self.rule_delay if delay is None else delay
            number = str(first_id(self.clock.now()) + self._last_rule)
            return Rule(number, value, tag, self._last_rule, self.clock.now() + wait)

    def remove_rule(self, rule: Rule) -> None:
        with self.lock:
            rule.until = self.clock.now() + self.rule_delay

    def listed_rules(self) -> list[Rule]:
        with self.lock:
            return [rule for rule in self.rules if rule.listed]


def _filled(payload: Json) -> Json:
    return {name: value for name, value in payload.items() if value is not None}


def _media(key: str, kind: str) -> Json:
    more: Json = {"url": f"https://pbs.example.org/{key}.jpg"} if kind == "photo" else {
        "preview_image_url": f"https://pbs.example.org/{key}.jpg", "duration_ms": 9000,
    }  # fmt: skip
    return {"media_key": key, "type": kind, "width": 1200, "height": 900, **more}


def _place(name: str) -> Json:
    return {
        "id": f"{zlib.crc32(name.encode()):016x}", "full_name": name, "name": name.split(",")[0],
        "country": "United States", "country_code": "US", "place_type": "city",
        "geo": {"type": "Feature", "bbox": [-72.99, 41.25, -72.86, 41.35], "properties": {}},
    }  # fmt: skip
