"""The given cases of X's rule language, and each operator met by a post that X really sent; neither is kept here.

Both stand beside this repository, where `CONNECTOR_SHARED` says; without them these tests are skipped. The arguments of
the operators are taken from the raw JSON, by a way that shares nothing with the adapter.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connector.incoming import Fact, Incoming
from connector.rules import OPERATORS, check, compile
from connector.rules.arguments import bare, quoted
from connector.sources.x.payload import LineError, decode

SHARED = Path(os.environ.get("CONNECTOR_SHARED", Path(__file__).parents[3] / "shared"))
CASES = SHARED / "data" / "rules" / "x_rule_cases.jsonl"
RECORDED = SHARED / "data" / "x"

OWN_POLICY = {
    "m088": "keywords do not look into expanded URLs: X's current page says the post's body only",
    "m095": "a phrase meets its words whatever stands between them: “street-light” is a street light",
    "m096": "as m095",
    "m097": "as m095",
}
"""Cases that no source settles, where we decided otherwise; the reasons stand in `tokens.py` too."""


@cache
def cases() -> list[dict[str, Any]]:
    return [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]


def agrees(case: dict[str, Any]) -> bool:
    if case["check"] == "valid":
        return (not check(case["rule"], case["surface"])) == case["expect"]
    (post,) = decode(json.dumps(case["post"]).encode())
    return bool(compile([(1, 1, case["rule"])]).match([post], case["surface"])[0]) == case["expect"]


@pytest.mark.skipif(not CASES.exists(), reason="the given rule cases are not beside this repository")
def test_given_cases_agree() -> None:
    disagree = {case["id"]: case["confidence"] for case in cases() if not agrees(case)}
    assert disagree.keys() == OWN_POLICY.keys()
    assert set(disagree.values()) == {"uncertain"}
    assert len(cases()) >= 96


# -- every operator, by a post that X really sent ----------------------------------------------------------------------


@cache
def recorded() -> list[tuple[dict[str, Any], dict[str, Any], Incoming]]:
    """Post and includes as X wrote them, and the same post as the adapter reads it."""
    found = []
    for file in sorted(RECORDED.glob("*.jsonl")):
        if file.name in ("recorded_v2_exchanges.jsonl", "users_compliance.jsonl"):
            continue
        for line in file.read_bytes().splitlines():
            try:
                posts, value = decode(line), json.loads(line)
            except (LineError, ValueError):
                continue
            raw = value.get("data", value)
            raws = raw if isinstance(raw, list) else [raw]
            found += [(one, value.get("includes", {}), post) for one, post in zip(raws, posts, strict=True)]
    return found


def written(value: str) -> str:
    return value if bare(value) else quoted(value)


def author(post: dict[str, Any], includes: dict[str, Any]) -> dict[str, Any]:
    users = {user["id"]: user for user in includes.get("users", [])}
    return post.get("author") or users.get(post.get("author_id")) or {}


def place(post: dict[str, Any], includes: dict[str, Any]) -> dict[str, Any]:
    geo = post.get("geo") or {}
    places = {one["id"]: one for one in includes.get("places", [])}
    return geo if "full_name" in geo else places.get(geo.get("place_id"), {})


def entities(post: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return (post.get("entities") or {}).get(kind) or []


def references(kind: str) -> Callable[[dict[str, Any], dict[str, Any]], list[str]]:
    return lambda post, includes: [one["id"] for one in post.get("referenced_tweets") or () if one["type"] == kind]


def words(post: dict[str, Any]) -> list[str]:
    return [word for word in post["text"].split() if word.isascii() and word.isalnum()]


def three_words(post: dict[str, Any]) -> list[str]:
    """The third word and the first, so one word lies between them in the reverse order."""
    first = post["text"].split()[:3]
    sound = len(first) == 3 and all(word.isascii() and word.isalnum() for word in first)
    return [f"{first[2]} {first[0]}"] if sound else []


def answered(post: dict[str, Any], includes: dict[str, Any]) -> list[str]:
    users = [*includes.get("users", []), post.get("in_reply_to_user") or {}]
    return [user["username"] for user in users if user.get("id", "-") == post.get("in_reply_to_user_id")]


def repeated(post: dict[str, Any], includes: dict[str, Any]) -> list[str]:
    mine = [one["id"] for one in post.get("referenced_tweets") or () if one["type"] == "retweeted"]
    writers = [one["author_id"] for one in includes.get("tweets", []) if one["id"] in mine]
    return [user["username"] for user in includes.get("users", []) if user["id"] in writers]


def titles(name: str) -> Callable[[dict[str, Any], dict[str, Any]], list[str]]:
    return lambda post, includes: [
        url[name] for url in entities(post, "urls") if url.get(name, "").isascii() and name in url
    ]


def spot(post: dict[str, Any], includes: dict[str, Any]) -> list[str]:
    point = ((post.get("geo") or {}).get("coordinates") or {}).get("coordinates")
    return [f"[{point[0]:f} {point[1]:f} 1mi]"] if point else []


def around(post: dict[str, Any], includes: dict[str, Any]) -> list[str]:
    box = (place(post, includes).get("geo") or {}).get("bbox")
    small = box and box[2] - box[0] < 0.2 and box[3] - box[1] < 0.2
    return [f"[{box[0] - 0.01:f} {box[1] - 0.01:f} {box[2] + 0.01:f} {box[3] + 0.01:f}]"] if small else []


def counts(name: str) -> Callable[[dict[str, Any], dict[str, Any]], list[str]]:
    def of(post: dict[str, Any], includes: dict[str, Any]) -> list[str]:
        number = author(post, includes).get("public_metrics", {}).get(name)
        return [str(number), f"{max(0, number - 1)}..{number}"] if number is not None else []

    return of


def reactions(name: str) -> Callable[[dict[str, Any], dict[str, Any]], list[str]]:
    return lambda post, includes: [str(n) for n in [(post.get("public_metrics") or {}).get(name)] if n]


def media(kind: str) -> Callable[[dict[str, Any], dict[str, Any]], list[str]]:
    def of(post: dict[str, Any], includes: dict[str, Any]) -> list[str]:
        keys = (post.get("attachments") or {}).get("media_keys", [])
        return [
            one["type"] for one in includes.get("media", []) if one["media_key"] in keys and kind in ("", one["type"])
        ]

    return of


FROM: dict[str, Callable[[dict[str, Any], dict[str, Any]], list[str]]] = {
    "keyword": lambda post, _: words(post)[:1],
    "phrase": lambda post, _: [post["text"][:40].rpartition(" ")[0]],
    "~": lambda post, _: three_words(post),
    "#": lambda post, _: [tag["tag"] for tag in entities(post, "hashtags")],
    "$": lambda post, _: [tag["tag"] for tag in entities(post, "cashtags")],
    "@": lambda post, _: [one["username"] for one in entities(post, "mentions")],
    "from:": lambda post, includes: [author(post, includes).get("username", ""), post.get("author_id", "")],
    "to:": answered,
    "retweets_of:": repeated,
    "url:": lambda post, _: [url["expanded_url"].partition("://")[2] for url in entities(post, "urls")],
    "url_contains:": lambda post, _: [url["url"][-6:] for url in entities(post, "urls")],
    "url_title:": titles("title"),
    "url_description:": titles("description"),
    "conversation_id:": lambda post, _: [post.get("conversation_id", "")],
    "in_reply_to_tweet_id:": references("replied_to"),
    "retweets_of_tweet_id:": references("retweeted"),
    "quotes_of_tweet_id:": references("quoted"),
    "context:": lambda post, _: [
        f"{one['domain']['id']}.{one['entity']['id']}" for one in post.get("context_annotations", ())
    ],
    "entity:": lambda post, _: [one["normalized_text"] for one in entities(post, "annotations")],
    "bio:": lambda post, includes: [author(post, includes).get("description", "").partition(" ")[0]],
    "bio_name:": lambda post, includes: [author(post, includes).get("name", "").partition(" ")[0]],
    "bio_location:": lambda post, includes: [author(post, includes).get("location", "")],
    "place:": lambda post, includes: [place(post, includes).get(name, "") for name in ("full_name", "id")],
    "place_country:": lambda post, includes: [place(post, includes).get("country_code", "")],
    "point_radius:": spot,
    "bounding_box:": around,
    "min_likes:": reactions("like_count"),
    "min_replies:": reactions("reply_count"),
    "min_reposts:": reactions("retweet_count"),
    "lang:": lambda post, _: [post.get("lang", "")],
    "is:retweet": references("retweeted"),
    "is:reply": references("replied_to"),
    "is:quote": references("quoted"),
    "is:verified": lambda post, includes: ["yes"] if author(post, includes).get("verified") else [],
    "is:nullcast": lambda post, _: [post["source"]] if post.get("source") == "Twitter for Advertisers" else [],
    "has:links": lambda post, _: [url["url"] for url in entities(post, "urls")],
    "has:media": media(""),
    "has:images": media("photo"),
    "has:video_link": media("video"),
    "has:hashtags": lambda post, _: [tag["tag"] for tag in entities(post, "hashtags")],
    "has:cashtags": lambda post, _: [tag["tag"] for tag in entities(post, "cashtags")],
    "has:mentions": lambda post, _: [one["username"] for one in entities(post, "mentions")],
    "has:geo": lambda post, _: ["yes"] if post.get("geo") else [],
    "followers_count:": counts("followers_count"),
    "min_followers:": counts("followers_count"),
    "following_count:": counts("following_count"),
    "tweets_count:": counts("tweet_count"),
    "listed_count:": counts("listed_count"),
    "source:": lambda post, _: [post.get("source", "")],
}
"""What to look for with an operator so that it meets this post; empty: nothing of that kind stands in it."""
PLACES = {"place:", "place_country:", "point_radius:", "bounding_box:", "has:geo"}
QUOTED_ARGUMENT = {
    "url:", "url_contains:", "url_title:", "url_description:", "entity:", "bio:", "bio_name:", "bio_location:",
    "place:", "source:",
}  # fmt: skip
NOT_RECORDED = {"$", "has:cashtags", "is:nullcast"}
"""Of these no recorded payload holds one."""


def rules_for(name: str, post: dict[str, Any], includes: dict[str, Any]) -> Iterator[str]:
    if name in PLACES and references("retweeted")(post, includes):
        return  # the place belongs to the original
    for value in FROM[name](post, includes):
        if not value or (name == "url:" and not bare(value[:1])):
            continue
        if ":" in name and name[-1] != ":":
            yield name
        elif name == "phrase":
            yield quoted(value)
        elif name == "~":
            yield f"{quoted(value)}~3"
        elif name == "min_followers:":
            yield name + value.partition("..")[0]
        else:
            yield ("" if name == "keyword" else name) + (written(value) if name in QUOTED_ARGUMENT else value)


@pytest.mark.skipif(not RECORDED.exists(), reason="no recorded payloads beside this repository")
@pytest.mark.parametrize("surface", ["stream", "local"])
@pytest.mark.parametrize("name", [one.name for one in OPERATORS if one.asks is not Fact.UPSTREAM])
def test_operators_meet_the_posts_that_x_sent(name: str, surface: str) -> None:
    """Whatever the payload holds is found again, and not found behind a minus."""
    tried = 0
    for post, includes, incoming in recorded():
        for rule in rules_for(name, post, includes):
            if check(rule, "local") and not any(" only together " in one.message for one in check(rule, "local")):
                continue  # what stands there cannot be written in a rule, such as a title of signs alone
            tried += 1
            if tried > 60:
                return
            both = compile([(1, 1, rule), (2, 1, f"-{rule}")])
            assert [one.rule_id for one in both.match([incoming], surface)[0]] == [1], (name, incoming.source_id)
    assert bool(tried) is (name not in NOT_RECORDED)


def test_every_operator_is_tried() -> None:
    assert FROM.keys() == {one.name for one in OPERATORS if one.asks is not Fact.UPSTREAM}
