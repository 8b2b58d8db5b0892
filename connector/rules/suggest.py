"""What was probably meant by an operator that X does not have: names of its website and of older interfaces, and slips.

Asked by `parser.py` for the suggestion beside a problem.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache

from connector.rules.arguments import FORMS, quoted
from connector.rules.operators import BY_NAME

_DATES = "a rule has no dates, it looks at each post as it comes"
# What X's website, PowerTrack or other search boxes write; `*` is the value as it was written.
_ELSEWHERE: dict[str, str] = {
    "min_faves:": "min_likes:*",
    "min_favorites:": "min_likes:*",
    "min_retweets:": "min_reposts:*",
    "min_replies_count:": "min_replies:*",
    "language:": "lang:*",
    "twitter_lang:": "lang:*",
    "contains:": '"*"',
    "hashtag:": "#*",
    "mentions:": "@*",
    "user:": "from:*",
    "author:": "from:*",
    "username:": "from:*",
    "reply_to:": "to:*",
    "in_reply_to:": "to:*",
    "country:": "place_country:*",
    "profile_country:": "place_country:*",
    "place_contains:": 'place:"*"',
    "bio_contains:": 'bio:"*"',
    "filter:links": "has:links",
    "filter:media": "has:media",
    "filter:images": "has:images",
    "filter:videos": "has:video_link",
    "filter:verified": "is:verified",
    "filter:replies": "is:reply",
    "filter:retweets": "is:retweet",
    "filter:quote": "is:quote",
    "has:image": "has:images",
    "has:photo": "has:images",
    "has:photos": "has:images",
    "has:video": "has:video_link",
    "has:link": "has:links",
    "has:url": "has:links",
    "has:urls": "has:links",
    "has:symbols": "has:cashtags",
    "is:rt": "is:retweet",
    "is:repost": "is:retweet",
    "is:original": "-is:retweet",
}
_WITHOUT: dict[str, str] = {
    **dict.fromkeys(("since:", "until:", "after:", "before:", "since_id:", "until_id:", "since_time:"), _DATES),
    "near:": "write point_radius:[longitude latitude radius]",
    "geocode:": "write point_radius:[longitude latitude radius]",
    "within:": "write point_radius:[longitude latitude radius]",
}
_WITH_VALUES = [name for name in BY_NAME if name[-1] != ":" and ":" in name]
_NAMES = [name for name in BY_NAME if name[-1] == ":"]


@lru_cache(maxsize=256)
def instead_of(written: str) -> tuple[str, str]:
    """For `name:value` that is no operator: what could stand there, and what to say of it; both may be empty."""
    name, value = written[:200].split(":", 1)
    name, plain = name.lower(), value.strip('"')
    if "://" in written:
        return quoted(written), f"to find the address in the text, write {quoted(written)[:60]}"
    if reason := _WITHOUT.get(f"{name}:"):
        return "", reason
    known = _ELSEWHERE.get(f"{name}:{plain.lower()}") or _ELSEWHERE.get(f"{name}:")
    meant = (known.replace("*", value if "*" in known[-1:] else plain) if known else "") or _alike(name, value)
    if not meant or not plain:
        return "", ""
    sound = _is_sound(meant)
    return meant if sound else "", f"did you mean {meant if sound else meant.partition(':')[0] + ':'}?"


def _alike(name: str, value: str) -> str:
    """The operator that looks most like it, with the value as it was written."""
    short = f"{name}:{value.lower()}"[:40]
    if near := get_close_matches(short, _WITH_VALUES, n=1, cutoff=0.75):
        return near[0]
    near = get_close_matches(f"{name}:"[:40], _NAMES, n=1, cutoff=0.75)
    return near[0] + value if near else ""


def _is_sound(meant: str) -> bool:
    operator = BY_NAME.get(f"{meant.partition(':')[0]}:")
    return operator is None or not FORMS[operator.argument].read(meant.partition(":")[2]).wrong
