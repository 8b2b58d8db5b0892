"""Rules about what stands in some lines of JSON, made by chance: each operator in its turn, alone and in company.

The values are taken from the lines, wherever these come from, written in one way or another and now and then changed a
little. `test_exactness.py` holds the matcher to them; `worlds.py` makes lines.
"""

from __future__ import annotations

import html
import json
import random
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from connector.rules.arguments import bare, quoted

UNKNOWN = ["sample:10", "list:123", "from_affiliate_of:cityhall", "to_affiliate_of:cityhall", "embedding:street"]
"""What only X's servers know."""


class NothingToAskFor(Exception):
    """The lines hold no such value."""


class Asker:
    """Makes rules about some lines."""

    def __init__(self, chance: random.Random, lines: Iterable[bytes], common: float = 0.5) -> None:
        """`common`: how often a word is one of those that most posts hold."""
        self.chance, self.share = chance, common
        self.values: dict[str, list[Any]] = defaultdict(list)
        """What stands in the lines, by the name of its field, also with the type or the name of what is around it."""
        for line in lines:
            self._collect(json.loads(line), "")
        self.texts = [html.unescape(text).split() for text in self.values["text"] if text.split()]
        met = Counter(word for text in self.texts for word in dict.fromkeys(text))
        self.common = [word for word, _ in met.most_common(12)]

    def _collect(self, value: Any, name: str) -> None:
        if isinstance(value, dict):
            around = value.get("type") or name.rpartition(".")[2]
            for key, one in value.items():
                self._collect(one, f"{around}.{key}")
        elif isinstance(value, list) and value and isinstance(value[0], dict | str):
            for one in value:
                self._collect(one, name)
        elif value not in (None, "", []):
            if isinstance(value, str):
                value = value.encode("utf-8", "ignore").decode()  # nobody types half a surrogate pair
            self.values[name].append(value)
            self.values[name.rpartition(".")[2]].append(value)

    # -- values

    def value(self, *names: str) -> Any:
        values = [value for name in names for value in self.values.get(name, ())]
        if not values:
            raise NothingToAskFor
        return self.chance.choice(values)

    def some(self, *names: str, most: int = 3) -> str:
        """All or some of the words of a title, a name, an address …"""
        words = str(self.value(*names)).replace("/", " / ").split()
        start = self.chance.randrange(len(words)) if words and self.chance.random() < 0.7 else 0
        return " ".join(words[start : start + self.chance.randint(1, most)])

    def number(self, *names: str) -> int:
        return int(self.value(*names))

    def changed(self, text: str) -> str:
        """The same in another writing, now and then not quite the same."""
        match self.chance.randrange(26):
            case 0:
                return text.upper()
            case 1:
                return text.lower()
            case 2:
                return text.swapcase()
            case 3:
                return unicodedata.normalize("NFD", text)
            case 4:
                return unicodedata.normalize("NFC", text)
            case 5:
                return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
            case 6:
                return f"{text}\ufe0f"
            case 7:
                return text.replace(" ", self.chance.choice(["-", ", ", "_", " # ", "\u00a0"]))
            case 8:
                return f"{text[:1]}\u00ad{text[1:]}"
            case 9:
                return f"{text}s"
            case 10:
                return text[:-1] or text
            case 11:
                return " ".join(reversed(text.split()))
        return text

    # -- words

    def words(self, most: int) -> str:
        """Some words that follow each other in a text, if one only perhaps one that many texts hold."""
        if not self.texts:
            raise NothingToAskFor
        text = self.chance.choice(self.texts)
        start, count = self.chance.randrange(len(text)), self.chance.randint(1, most)
        if count == 1 and self.chance.random() < self.share:
            return self.chance.choice(self.common)
        return " ".join(text[start : start + count])

    def word(self) -> str:
        text = self.changed(self.words(1))
        parts = [one for one in "".join(char if char.isalnum() else " " for char in text).split() if bare(one)]
        return plainest(self.chance.choice(parts) if parts and self.chance.random() < 0.8 else text)

    def near(self) -> str:
        if not self.texts:
            raise NothingToAskFor
        text = self.chance.choice(self.texts)
        start = self.chance.randrange(len(text))
        chosen = self.chance.sample(text[start : start + 9], min(len(text) - start, self.chance.choice([2, 2, 2, 3])))
        if self.chance.random() < 0.6:
            chosen.sort(key=text.index)
        return f"{quoted(' '.join(chosen))}~{self.chance.randint(1, 6)}"

    # -- values of operators

    def account(self, *names: str) -> str:
        handle = str(self.value(*names))
        return self.chance.choice([handle, handle, handle.lower(), handle.upper()])

    def letters(self) -> str:
        address = str(self.value("url", "expanded_url"))
        start = self.chance.randrange(max(1, len(address) - 5))
        return quoted(self.changed(address[start : start + self.chance.randint(2, 9)]))

    def least(self, *names: str) -> int:
        return max(0, self.number(*names) - self.chance.choice([-1, 0, 0, 1, 50]))

    def range(self, *names: str) -> str:
        number = self.number(*names)
        least = max(0, number - self.chance.choice([0, 0, 1, 20]))
        return self.chance.choice([str(least), f"{least}..{number}", f"{number + 1}..{number + 9}", f"0..{number}"])

    def spot(self) -> tuple[float, float]:
        lon, lat, *_ = self.value("coordinates", "bbox")
        return lon, lat

    def circle(self) -> str:
        lon, lat = self.spot()
        return f"[{lon:.6f} {lat:.6f} {self.chance.choice([0.5, 2, 9.5, 20])}{self.chance.choice(['mi', 'km'])}]"

    def box(self) -> str:
        if self.chance.random() < 0.3:  # exactly a place, whose sides belong to it
            return f"[{' '.join(map(str, self.value('bbox')))}]"
        lon, lat = self.spot()
        size = self.chance.choice([0.02, 0.2, 0.2])
        west, south = lon - self.chance.random() * size, lat - self.chance.random() * size
        return f"[{west:.6f} {south:.6f} {west + size * 1.6:.6f} {south + size * 1.6:.6f}]"

    def context(self) -> str:
        domain, entity = self.value("domain.id"), self.value("entity.id")
        return self.chance.choice([f"{domain}.{entity}", f"{domain}.*", f"*.{entity}"])

    def language(self) -> str:
        code = str(self.value("lang"))
        return self.chance.choice([code, code, code.lower(), code.partition("-")[0], f"{code[:2]}-BR", "id", "fil"])

    # -- rules

    def rules(self, names: Sequence[str] = ()) -> Iterator[str]:
        """Without end, each operator in its turn; some cannot be read, for the lines hold such things too."""
        while True:
            for name in names or (*LEAVES, *SELDOM_TRUE):
                try:
                    yield self.in_company(LEAVES[name](self))
                except NothingToAskFor:
                    continue

    def rules_of_words(self) -> Iterator[str]:
        """Without end, such as no post can meet that holds none of their words."""
        while True:
            for name in OF_WORDS:
                try:
                    leaf = LEAVES[name](self)
                    word, other, either = self.word(), self.other(), f"{self.word()} OR {self.word()}"
                    alternatives = ["", f"OR {word}", f"OR {either}", f"OR {leaf} {word}"]
                    beside = [*alternatives, other, f"({either})", f"-{word}", f"-{other}"]
                    yield f"{leaf} {self.chance.choice(beside)}"
                except NothingToAskFor:
                    continue

    def other(self) -> str:
        """Any operator."""
        for _ in range(9):
            try:
                return self.chance.choice(list(LEAVES.values()))(self)
            except NothingToAskFor:
                continue
        return self.word()

    def in_company(self, leaf: str) -> str:
        """The operator by itself, beside words, in alternatives or behind a minus."""
        word, other = self.word, self.other
        match self.chance.randrange(18):
            case 0 | 1 | 2 | 3:
                return leaf
            case 4 | 5:
                return f"({word()} OR {word()} OR {word()}) {leaf}"
            case 6:
                return f"{leaf} -{word()}"
            case 7:
                return f"({word()} OR {other()}) -{leaf}"
            case 8:
                return f"{word()} OR {leaf} {other()}"
            case 9:
                return f"{leaf} OR {word()} {word()} OR {other()}"
            case 10:
                return f"{leaf} ({word()} OR -{other()})"
            case 11:
                return f"{word()} -({leaf} {other()})"
            case 12:
                return f"({other()} OR {leaf}) -({word()} OR {other()})"
            case 13:
                return f"{leaf} OR {self.chance.choice(UNKNOWN)} {word()}"
            case 14:
                return f"-{other()} {leaf}"
            case 15:
                return f"{word()} -(-{leaf} {other()})"
            case 16:
                return f"{leaf} -({word()} OR {word()})"
        return f"({leaf} OR {other()}) ({word()} OR {other()} OR -{word()})"


def plainest(text: str) -> str:
    """A word or a value as it stands in a rule."""
    return text if bare(text) and text.lower() not in ("and", "or") else quoted(text)


def _written(operator: str, *names: str) -> Callable[[Asker], str]:
    return lambda asker: f"{operator}{asker.value(*names)}"


def _account(operator: str, *names: str) -> Callable[[Asker], str]:
    return lambda asker: f"{operator}{asker.account(*names)}"


def _words(operator: str, *names: str, most: int = 3) -> Callable[[Asker], str]:
    return lambda asker: operator + plainest(asker.changed(asker.some(*names, most=most)))


def _least(operator: str, *names: str) -> Callable[[Asker], str]:
    return lambda asker: f"{operator}{asker.least(*names)}"


def _range(operator: str, *names: str) -> Callable[[Asker], str]:
    return lambda asker: f"{operator}{asker.range(*names)}"


def _itself(operator: str) -> Callable[[Asker], str]:
    return lambda asker: operator


_ACCOUNTS = ("username", "users.id", "author.id")
LEAVES: dict[str, Callable[[Asker], str]] = {
    "keyword": Asker.word,
    "phrase": lambda asker: quoted(asker.changed(asker.words(most=4))),
    "~": Asker.near,
    "#": lambda asker: "#" + asker.changed(asker.value("hashtags.tag")),
    "$": _account("$", "cashtags.tag"),
    "@": _account("@", "mentions.username"),
    "from:": _account("from:", *_ACCOUNTS),
    "to:": _account("to:", *_ACCOUNTS),
    "retweets_of:": _account("retweets_of:", *_ACCOUNTS),
    "url:": _words("url:", "url", "expanded_url", "unwound_url"),
    "url_contains:": lambda asker: "url_contains:" + asker.letters(),
    "url_title:": _words("url_title:", "urls.title"),
    "url_description:": _words("url_description:", "urls.description"),
    "conversation_id:": _written("conversation_id:", "conversation_id"),
    "in_reply_to_tweet_id:": _written("in_reply_to_tweet_id:", "replied_to.id"),
    "retweets_of_tweet_id:": _written("retweets_of_tweet_id:", "retweeted.id"),
    "quotes_of_tweet_id:": _written("quotes_of_tweet_id:", "quoted.id"),
    "context:": lambda asker: f"context:{asker.context()}",
    "entity:": _words("entity:", "entity.name", "annotations.normalized_text", most=9),
    "bio:": _words("bio:", "users.description", "author.description"),
    "bio_name:": _words("bio_name:", "users.name", "author.name"),
    "bio_location:": _words("bio_location:", "users.location", "author.location"),
    "place:": _words("place:", "full_name", "places.name", "places.id"),
    "place_country:": lambda asker: f"place_country:{asker.value('country_code').upper()}",
    "point_radius:": lambda asker: f"point_radius:{asker.circle()}",
    "bounding_box:": lambda asker: f"bounding_box:{asker.box()}",
    "min_likes:": _least("min_likes:", "like_count"),
    "min_replies:": _least("min_replies:", "reply_count"),
    "min_reposts:": _least("min_reposts:", "retweet_count", "repost_count"),
    "lang:": lambda asker: f"lang:{asker.language()}",
    "is:retweet": _itself("is:retweet"),
    "is:reply": _itself("is:reply"),
    "is:quote": _itself("is:quote"),
    "is:verified": _itself("is:verified"),
    "is:nullcast": _itself("is:nullcast"),
    "has:links": _itself("has:links"),
    "has:media": _itself("has:media"),
    "has:images": _itself("has:images"),
    "has:video_link": _itself("has:video_link"),
    "has:hashtags": _itself("has:hashtags"),
    "has:cashtags": _itself("has:cashtags"),
    "has:mentions": _itself("has:mentions"),
    "has:geo": _itself("has:geo"),
    "followers_count:": _range("followers_count:", "followers_count"),
    "min_followers:": _least("min_followers:", "followers_count"),
    "following_count:": _range("following_count:", "following_count"),
    "tweets_count:": _range("tweets_count:", "tweet_count", "post_count"),
    "listed_count:": _range("listed_count:", "listed_count"),
    "source:": lambda asker: "source:" + quoted(asker.changed(asker.value("source"))),
}
"""How each operator that is evaluated is asked for."""
SELDOM_TRUE = [
    *["retweets_of:"] * 3, *["retweets_of_tweet_id:"] * 2, "quotes_of_tweet_id:", "point_radius:", "to:", "is:retweet",
    "place:", "entity:",
]  # fmt: skip
OF_TEXTS = ["keyword", "phrase", "~", "keyword", "lang:", "keyword", "has:hashtags", "has:mentions"]
"""Of these something stands in texts without a payload."""
OF_WORDS = ["keyword", "phrase", "~", "#", "$", "keyword", "phrase"]
