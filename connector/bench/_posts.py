"""Generated posts in X's stream shape and rules for them, always the same: what `bench ingest` reads."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connector.config import DEMO
from connector.sources.sample import read_posts

SEED = 311
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
_TWICE = 0.3  # of the matching posts: with it one meets 1.33 rules on average, as in the corpus of facts/matcher.md
_THINGS = re.findall(
    r"\w+",
    """pothole streetlight hydrant sidewalk dumpster manhole crosswalk guardrail culvert stoplight graffiti sinkhole
    curb bollard gutter billboard hedge stump raccoon turnstile mattress scooter sofa tire needle bus shelter
    fountain bench playground swing pier ramp bridge tunnel gate fence wall pole cable sewer drain meter hose pump
    tank valve siren horn plow""",
)
_WOES = re.findall(
    r"\w+",
    """broken blocked flooded leaking smashed cracked dented rusty wobbly missing overflowing stuck loose burst clogged
    jammed crooked flickering collapsed vandalised""",
)


def rule_texts(count: int | None = None) -> list[str]:
    """Two rules a thing, in the shapes that cities write: a broad one, and one that asks for something special.

    With `count`, further special ones until there are so many, or fewer.
    """
    broad = (
        "{0} -is:retweet", '"{1} {0}" OR "{0} is {1}"', "({0} OR {0}s) ({1} OR {2}) -hiring",
        "{0} ({1} OR {2}) lang:en -is:retweet", "(#{0} OR {0}) -golf -is:quote",
    )  # fmt: skip
    special = (
        '"{3} {0}"', "({0} OR {0}s) {3} -hiring", "(#{0} OR {0}) {3} -golf", '"{3} {0}" OR "{0} is {3}" -is:quote',
    )  # fmt: skip
    texts = [
        shapes[at % len(shapes)].format(thing, *_woes(at))
        for at, thing in enumerate(_THINGS)
        for shapes in (broad, special)
    ]
    for number in range(len(texts), count or 0):
        at = number % len(_THINGS)
        thing, other = _THINGS[at], _WOES[number // len(_THINGS) % len(_WOES)]
        texts.append(special[number % len(special)].format(thing, other, "", f"{other}ly"))
    return texts[:count]


def _woes(at: int) -> list[str]:
    """What may be wrong with a thing; the last of them is in its special rule alone."""
    return [_WOES[(at * 7 + step * 3) % len(_WOES)] for step in range(3)]


def posts(count: int, share: float) -> Iterator[bytes]:
    """Lines of X's stream, 1 to 2 KB each; about `share` of them hold words of a rule, a third of those of two.

    The words around are runs out of the demo city's posts, so that its streets turn up as often as people name them.
    """
    chance = random.Random(SEED)
    shunned = {*_THINGS, *(f"{thing}s" for thing in _THINGS), "hiring", "golf"}
    told = (word for post in read_posts(DEMO / "posts.jsonl") for word in post.text.split())
    words = [w for w in told if "@" not in w and "#" not in w and not shunned & set(re.findall(r"\w+", w.lower()))]
    for number in range(count):
        starts = [chance.randrange(len(words) - 6) for _ in range(4)]
        text = [word for start in starts for word in words[start : start + 6]]
        if chance.random() < share:
            at = chance.randrange(len(_THINGS))
            for woe in (0, 2)[: 1 + (chance.random() < _TWICE)]:
                text.insert(chance.randrange(len(text)), f"{_woes(at)[woe]} {_THINGS[at]}")
        yield msgspec.json.encode(_message(chance, number, text)) + b"\n"


def _message(chance: random.Random, number: int, words: list[str]) -> dict[str, Any]:
    id_ = str(1_990_000_000_000_000_000 + number)
    at = (START + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    author, other = _user(chance.randrange(200_000), at), _user(chance.randrange(200_000), at)
    entities: dict[str, Any] = {"annotations": [{"start": 0, "end": 9, "probability": 0.71, "type": "Place"}]}
    users, more, includes = [author], {}, {}
    if chance.random() < 0.3:
        words.insert(0, f"@{other['username']}")
        entities["mentions"] = [{"start": 0, "end": 12, "username": other["username"], "id": other["id"]}]
        users.append(other)
        if chance.random() < 0.5:
            more = {"in_reply_to_user_id": other["id"]}
            more["referenced_tweets"] = [{"type": "replied_to", "id": str(int(id_) - 7)}]
    if chance.random() < 0.2:
        tag = chance.choice(("portalder", "fixit", "traffic", "news"))
        words.append(f"#{tag}")
        entities["hashtags"] = [{"start": 140, "end": 148, "tag": tag}]
    urls = []
    if chance.random() < 0.15:
        urls.append({"expanded_url": f"https://example.org/news/{number}", "display_url": "example.org/news/…"})
    if chance.random() < 0.25:
        link = f"https://x.com/{author['username']}/status/{id_}/photo/1"
        urls.append({"expanded_url": link, "display_url": "pic.x.com/a1b2c3d4e5", "media_key": f"3_{id_}"})
        more["attachments"] = {"media_keys": [f"3_{id_}"]}
        includes["media"] = [
            {"media_key": f"3_{id_}", "type": "photo", "url": f"https://pbs.twimg.com/media/{id_}.jpg"}
        ]
    if urls:
        entities["urls"] = [{"start": 150, "end": 173, "url": "https://t.co/a1b2c3d4e5", **url} for url in urls]
        words += ["https://t.co/a1b2c3d4e5"] * len(urls)
    counts = dict.fromkeys(("retweet_count", "reply_count", "like_count", "quote_count", "impression_count"), 0)
    data = {
        "id": id_, "text": " ".join(words), "author_id": author["id"], "created_at": at, "conversation_id": id_,
        "edit_history_tweet_ids": [id_], "entities": entities, "lang": "en", "possibly_sensitive": False,
        "public_metrics": counts, "reply_settings": "everyone", **more,
    }  # fmt: skip
    return {"data": data, "includes": {"users": users, **includes}, "matching_rules": [{"id": "1", "tag": "r1"}]}


def _user(number: int, at: str) -> dict[str, Any]:
    return {
        "id": str(10_000_000 + number), "username": f"resident_{number:06d}", "name": f"Resident {number}",
        "created_at": at, "verified": False, "description": "Neighbour, gardener, cyclist. Views are my own.",
        "profile_image_url": f"https://pbs.twimg.com/profile_images/{number}/a_normal.jpg",
        "public_metrics": {"followers_count": 120, "following_count": 80, "tweet_count": 2100, "listed_count": 1},
    }  # fmt: skip
