"""The table of operators: one row says all that parser, check, completion, help, README and tests know of each.

Names, kinds, surfaces and meanings follow X's operator pages (https://docs.x.com/x-api/posts/filtered-stream and
…/search, August 2026); where they are silent the row takes the stricter reading. What an operator asks of a post is a
`Fact`, and each kind of source declares the facts its posts tell (`Capabilities.tells`), so that `evaluated` can say
what works where. Read on in `arguments.py` (what may follow the colon) and `tree.py` (what a rule becomes).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from connector.incoming import Fact

STANDALONE = "standalone"
CONJUNCTION = "conjunction"

STREAM, SEARCH, LOCAL = "stream", "search", "local"
SURFACES = (STREAM, SEARCH, LOCAL)
"""Who evaluates a rule: X's filtered stream, X's search, or we ourselves."""
_NOT_SEARCH = (STREAM, LOCAL)
_NOT_STREAM = (SEARCH, LOCAL)

EITHER, NEVER, ALWAYS = "either", "never", "always"


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to say what a post must hold."""

    name: str
    """As it is written: `#`, `from:`, `is:reply`; `keyword`, `phrase` and `~` stand for a word, a phrase, `"a b"~3`."""
    kind: str
    """`standalone`, or `conjunction`: only beside at least one standalone operator."""
    argument: str
    """The form of what follows the sign, a name in `arguments.FORMS`; empty: nothing."""
    asks: Fact
    """What a post must tell for it to be evaluated here; `UPSTREAM`: only X's servers know."""
    help: str
    example: str
    """A whole rule that `check` finds nothing wrong with on the first of the surfaces."""
    surfaces: tuple[str, ...] = SURFACES
    minus: str = EITHER
    """Whether a `-` before it is possible: `either`, `never`, or `always` there."""
    aliases: tuple[str, ...] = ()
    """Other names that X takes for it; the canonical writing has the first one."""


def _standalone(name: str, argument: str, asks: Fact, help: str, example: str, *on: str, also: str = "") -> Operator:
    return Operator(name, STANDALONE, argument, asks, help, example, on or SURFACES, aliases=tuple(also.split()))


def _conjunction(name: str, argument: str, asks: Fact, help: str, example: str, *on: str, also: str = "") -> Operator:
    return Operator(name, CONJUNCTION, argument, asks, help, example, on or SURFACES, aliases=tuple(also.split()))


# fmt: off
OPERATORS: tuple[Operator, ...] = (
    _standalone("keyword", "word", Fact.TEXT, "the post holds this word or emoji, whole, in any case", "pothole"),
    _standalone("phrase", "phrase", Fact.TEXT, "these words follow each other", '"street light"'),
    _standalone("~", "near", Fact.TEXT, "these words stand within so many words of each other, at most 6",
                '"light out"~3', *_NOT_SEARCH),
    _standalone("#", "tag", Fact.TEXT, "exactly this hashtag", "#pothole"),
    _standalone("$", "cashtag", Fact.TEXT, "exactly this cashtag", "$twtr"),
    _standalone("@", "handle", Fact.MENTIONS, "the post mentions this account", "@cityhall pothole"),
    _standalone("from:", "handle", Fact.AUTHOR, "this account wrote the post (a handle or a numeric id)",
                "from:cityhall"),
    _standalone("to:", "handle", Fact.PARTNERS, "the post answers this account", "to:cityhall"),
    _standalone("retweets_of:", "handle", Fact.PARTNERS, "the post repeats one of this account",
                "retweets_of:cityhall", also="retweets_of_user:"),
    Operator("from_affiliate_of:", STANDALONE, "handle", Fact.UPSTREAM, "an affiliate of this account wrote the post",
             "from_affiliate_of:cityhall", (STREAM,)),
    Operator("to_affiliate_of:", STANDALONE, "handle", Fact.UPSTREAM, "the post answers an affiliate of this account",
             "to_affiliate_of:cityhall", (STREAM,)),
    Operator("list:", STANDALONE, "id", Fact.UPSTREAM, "a member of this list of X's wrote the post", "list:123",
             (SEARCH,)),
    _standalone("url:", "text", Fact.LINKS, "a link of the post holds these words", 'url:"example.org/streets"'),
    _standalone("url_contains:", "literal", Fact.LINKS, "a link of the post holds exactly these letters",
                'url_contains:"/report"', *_NOT_SEARCH),
    _standalone("url_title:", "text", Fact.LINKED_PAGES, "the title of a linked page holds these words",
                "url_title:pothole", *_NOT_SEARCH, also="within_url_title:"),
    _standalone("url_description:", "text", Fact.LINKED_PAGES, "the description of a linked page holds these words",
                "url_description:pothole", *_NOT_SEARCH, also="within_url_description:"),
    _standalone("conversation_id:", "id", Fact.CONVERSATION, "the post stands in the conversation under this one",
                "conversation_id:1334987486343299072"),
    _standalone("in_reply_to_tweet_id:", "id", Fact.REFERENCES, "the post answers this one",
                "in_reply_to_tweet_id:1539382664746020864", also="in_reply_to_status_id:"),
    _standalone("retweets_of_tweet_id:", "id", Fact.REFERENCES, "the post repeats this one",
                "retweets_of_tweet_id:1539382664746020864", also="retweets_of_status_id:"),
    _standalone("quotes_of_tweet_id:", "id", Fact.REFERENCES, "the post quotes this one",
                "quotes_of_tweet_id:1539382664746020864", *_NOT_STREAM, also="quotes_of_status_id:"),
    _standalone("context:", "context", Fact.ANNOTATIONS, "X annotated it so: domain and thing by number, * for any",
                "context:66.834828445238431744"),
    _standalone("entity:", "text", Fact.ANNOTATIONS, "X recognised a thing of this name", 'entity:"Main Street"'),
    _standalone("bio:", "text", Fact.PROFILE, "the author's description of themselves holds these words",
                "bio:plumber leak", *_NOT_SEARCH, also="user_bio:"),
    _standalone("bio_name:", "text", Fact.AUTHOR_NAME, "the author's display name holds these words",
                "bio_name:neighbors pothole", *_NOT_SEARCH),
    _standalone("bio_location:", "text", Fact.PROFILE, "the place in the author's profile holds these words",
                'bio_location:"new haven" pothole', *_NOT_SEARCH, also="user_bio_location:"),
    _standalone("place:", "text", Fact.PLACE, "the post carries this place, by name or X's id", 'place:"new haven"'),
    _standalone("place_country:", "country", Fact.PLACE, "the post carries a place in this country",
                "place_country:US"),
    _standalone("point_radius:", "point", Fact.POSITION, "its position or whole place lies so near a point",
                "point_radius:[2.355128 48.861118 16km]"),
    _standalone("bounding_box:", "box", Fact.POSITION, "its position or whole place lies within a box",
                "bounding_box:[-105.301758 39.964069 -105.178505 40.09455]", also="geo_bounding_box:"),
    _standalone("min_likes:", "number", Fact.REACTIONS, "at least so many liked the post", "pothole min_likes:10",
                *_NOT_STREAM),
    _standalone("min_replies:", "number", Fact.REACTIONS, "at least so many answered it", "pothole min_replies:2",
                *_NOT_STREAM),
    _standalone("min_reposts:", "number", Fact.REACTIONS, "at least so many repeated it", "pothole min_reposts:5",
                *_NOT_STREAM),
    Operator("embedding:", STANDALONE, "text", Fact.UPSTREAM, "the post is close in meaning (Enterprise plans only)",
             'embedding:"broken street light"', (STREAM,), NEVER),
    Operator("embedding_threshold:", CONJUNCTION, "share", Fact.UPSTREAM, "how close, from 0 to 1",
             'embedding:"broken street light" embedding_threshold:0.4', (STREAM,), NEVER),
    Operator("sample:", CONJUNCTION, "percent", Fact.UPSTREAM, "a random share of what the rule finds, in percent",
             "pothole sample:10", (STREAM,), NEVER),
    _conjunction("lang:", "language", Fact.LANGUAGE, "the post is in this language, as its platform says",
                 "bache lang:es"),
    _conjunction("is:retweet", "", Fact.KIND, "the post repeats another one", "pothole -is:retweet"),
    _conjunction("is:reply", "", Fact.KIND, "the post answers another one", "pothole is:reply"),
    _conjunction("is:quote", "", Fact.KIND, "the post quotes another one", "pothole is:quote"),
    _conjunction("is:verified", "", Fact.VERIFIED, "its platform verified the author", "pothole is:verified"),
    Operator("is:nullcast", CONJUNCTION, "", Fact.TEXT, "it was made for advertising only (always with a minus)",
             "pothole -is:nullcast", minus=ALWAYS),
    _conjunction("has:links", "", Fact.LINKS, "there is a link; as on X, attached media count", "pothole -has:links"),
    _conjunction("has:media", "", Fact.MEDIA, "there is a photo, a video or a GIF", "pothole has:media",
                 also="has:media_link"),
    _conjunction("has:images", "", Fact.MEDIA, "there is a photo", "pothole has:images"),
    _conjunction("has:video_link", "", Fact.MEDIA, "there is a video", "pothole has:video_link", also="has:videos"),
    _conjunction("has:hashtags", "", Fact.TEXT, "there is a hashtag", "pothole has:hashtags"),
    _conjunction("has:cashtags", "", Fact.TEXT, "there is a cashtag", "pothole -has:cashtags"),
    _conjunction("has:mentions", "", Fact.MENTIONS, "an account is mentioned", "pothole has:mentions"),
    _conjunction("has:geo", "", Fact.POSITION, "the post carries a place or a position", "pothole has:geo"),
    _conjunction("followers_count:", "count", Fact.FOLLOWERS, "so many follow the author: at least, or from..to",
                 "pothole followers_count:1000..10000", *_NOT_SEARCH),
    _conjunction("min_followers:", "number", Fact.FOLLOWERS, "at least so many follow the author",
                 "pothole min_followers:1000", *_NOT_SEARCH),
    _conjunction("following_count:", "count", Fact.FOLLOWERS, "so many are followed by the author",
                 "pothole following_count:10..500", *_NOT_SEARCH, also="friends_count:"),
    _conjunction("tweets_count:", "count", Fact.FOLLOWERS, "so many posts the author has written",
                 "pothole tweets_count:100", *_NOT_SEARCH, also="statuses_count:"),
    _conjunction("listed_count:", "count", Fact.FOLLOWERS, "so many lists the author is in",
                 "pothole listed_count:10..100", *_NOT_SEARCH, also="user_in_lists_count:"),
    _conjunction("source:", "literal", Fact.APP, "it was written with this program", 'pothole source:"X for iPhone"',
                 *_NOT_SEARCH),
)
# fmt: on

BY_NAME = {operator.name: operator for operator in OPERATORS}
_EVERY_NAME = BY_NAME | {alias: operator for operator in OPERATORS for alias in operator.aliases}


def named(name: str, value: str) -> Operator | None:
    """The row of `name:value`, by an alias too; both in lower case."""
    return _EVERY_NAME.get(f"{name}:") or _EVERY_NAME.get(f"{name}:{value}")


def evaluated(operator: Operator, tells: Collection[Fact]) -> bool:
    """Whether the operator is decided here on posts that tell so much; where it is not, its value is unknown."""
    return operator.asks in tells
