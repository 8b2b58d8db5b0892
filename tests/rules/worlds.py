"""Posts as X would send them, made up by chance: what `test_exactness.py` compares on.

A world is a handful of words, accounts, places and links that its posts share, so that many rules meet many posts.
`lines` writes them as JSON in the shapes that X and twarc write, with everything that may hide a word. Read on in
`asked.py`, which makes rules of what stands there.
"""

from __future__ import annotations

import copy
import json
import random
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]

ORDINARY = [
    "pothole", "potholes", "Pothole", "pot", "hole", "LEAK", "leak", "leaking", "street", "light", "Main", "the", "on",
    "a", "5th", "311", "is", "out", "tree", "fallen", "x2",
]  # fmt: skip
ODD = [
    # accents, composed and apart, and letters that fold to others
    "café", "cafe\u0301", "CAFÉ", "cafe", "niño", "nino", "camión", "voilà", "voila", "ŁÓDŹ",
    "e\u0323\u0302", "ệ", "Việt", "đường",
    "straße", "STRASSE", "ẞ", "ﬁre", "fire", "tan\u212a", "tank", "İstanbul", "istanbul", "ı", "I", "ſtreet", "ΣΊΣΥΦΟΣ",
    "Σίσυφος", "ΐ", "ᾳ", "ᾼ", "ǰ", "J\u030c", "ŉ", "\u212b", "å", "œuvre", "\u00b5m", "μm", "дорога", "ДОРОГА", "й",
    "и\u0306",
    # signs within words, and signs without weight
    "don't", "don’t", "l’eau", "co-op", "up_down", "a.b", "R&amp;D", "caf&eacute;", "po&shy;thole", "&lt;3", "№5",
    "x²", "so\u00adft", "soft", "pot\u200bhole", "pot\u200dhole", "pot\u200fhole", "\u200bx", "\u200d", "＃ｐｏｔ",
    "１２", "½",
    "x#leak", "é#leak", "&amp;#leak", "/#leak", "-#leak", "＃leak", "x$fb", "-$fb", "$fb,", "$5",
    # emoji, with variants and skin tones
    "🕳", "🕳\ufe0f", "👍🏽", "👍", "👨\u200d👩\u200d👧", "☃\ufe0f", "☃", "1\ufe0f⃣", "🇲🇽", "⏰", "▶\ufe0f", "★",
    # other scripts
    "道路", "道", "坑", "ロード", "がれき", "か\u3099れき", "か", "도로", "도로에",
    "\u1103\u1169로", "गड्ढा", "ถนน", "¡hoyo!", "«bache»",
    # what JSON writes in its own way
    "\\u0070ot", "n", "t", "\u0301", "_", "(", '"', "\\", "/",
]  # fmt: skip
"""Words as X would write them in JSON's text."""
JOINTS = [
    *[" "] * 14, "  ", "\n", "\n\n", "\t", "-", "_", "/", ", ", ". ", "… ", " #", " &amp; ", "'", "’", "\u00a0",
    "\u3000", "—", "",
]  # fmt: skip
TAGS = [
    "pothole", "Pothole", "street_light", "café", "cafe\u0301", "道路", "5th", "leak", "niño", "ｐｏｔ", "up\u200ddown",
]  # fmt: skip
CASHTAGS = ["TWTR", "FB", "brk.a", "t"]
LANGUAGES = ["en", "es", "pt", "pt-BR", "in", "iw", "no", "tl", "und", "qme"]
APPS = ["X for iPhone", "Twitter Web App", "Twitter for Advertisers", "Twitter for Advertisers (legacy)", "Café Post"]
TITLES = ["A pothole map", "Café & streets", "All holes, all streets", "道路 report", "Street light out?", "Über uns"]
HOSTS = ["example.org", "www.example.com", "city.example.net"]
PATHS = ["/", "/pothole/1", "/report?id=5&pot=hole", "/street-light", "/caf%C3%A9", "/niño", "/Report#leak"]
BIOS = ["Data engineer in Oslo", "plumber, leak finder", "Café owner", "", "市民", "I like trees & parks"]
PLACES_OF_AUTHORS = ["Boulder, CO", "New Haven", "Ñuñoa, Chile", "", "here"]
DOMAINS, THINGS = ["10", "46", "66"], {"852262": "Main Street", "799022": "Potholes", "10038": "Café"}
NUMBERS = [0, 1, 2, 5, 9, 10, 11, 99, 100, 101, 1000, 10_000]


def lines(chance: random.Random, count: int) -> list[bytes]:
    """Lines of JSON about one small world, each with one post or a page of some."""
    world = World(chance)
    return [world.line() for _ in range(count)]


def short_lines(chance: random.Random, count: int) -> list[bytes]:
    """Posts by themselves, of few words, of which some are hidden in one way or another and most are not."""
    world, found = World(chance), []
    for _ in range(count):
        words = chance.choices([*ORDINARY * 20, *ODD * 2, *[f"#{tag}" for tag in TAGS]], k=chance.randint(1, 7))
        text = "".join(word + chance.choice(JOINTS if world.likely(0.3) else [" "]) for word in words)
        post = {"id": world.new_id(), "text": text.strip(" ") or "-"}
        found.append(world.written({"data": post} if world.likely(0.8) else post))
    return found


class World:
    """Everything that the posts of one world share."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.words = [*chance.sample(ORDINARY, 6), *chance.sample(ODD, 5), self._strange()]
        self.tags, self.cashtags = chance.sample(TAGS, 3), chance.sample(CASHTAGS, 2)
        self.languages, self.apps = chance.sample(LANGUAGES, 3), chance.sample(APPS, 2)
        self.users = [self._user(number) for number in range(3)]
        self.links = [self._link() for _ in range(3)]
        self.places = [self._place(number) for number in range(2)]
        self.numbers = chance.sample(NUMBERS, 4)
        self.next_id = 1000
        self.others = [self._other() for _ in range(4)]

    def _strange(self) -> str:
        """A word of characters from anywhere."""
        chance = random.Random(self.chance.random())  # its own, for which characters are known changes with Python
        codes = iter(lambda: chr(chance.randrange(160, 0x30000)), None)
        known = (char for char in codes if unicodedata.category(char) not in ("Cn", "Co", "Cs", "Cc"))
        return "".join(chance.choice([next(known), "e", "n"]) for _ in range(chance.randint(1, 4)))

    def likely(self, share: float) -> bool:
        return self.chance.random() < share

    def new_id(self) -> str:
        self.next_id += 1
        return str(self.next_id)

    def _user(self, number: int) -> Json:
        chance = self.chance
        counts = ("followers_count", "following_count", "tweet_count", "listed_count")
        user = {
            "id": str(40 + number),
            "username": chance.choice(["CityHall", "ann_example", "pothole", "resident"]) + str(number or ""),
            "name": " ".join(chance.sample(["Ann", "Café", "PhD", "City", "Hall 🕳", "R&amp;D"], 2)),
            "description": chance.choice(BIOS),
            "location": chance.choice(PLACES_OF_AUTHORS),
            "verified": self.likely(0.5),
            "verified_type": chance.choice(["none", "blue", "government"]),
            "public_metrics": {name: chance.choice(NUMBERS) for name in counts},
        }
        return self._thinned(user, ("id", "username"), 0.1)

    def _thinned(self, value: Json, needed: Iterable[str], share: float) -> Json:
        """Without some of its fields, as for somebody who did not ask for them, some of them empty instead."""
        kept = {name: one if name in needed or not self.likely(share) else None for name, one in value.items()}
        return {name: one for name, one in kept.items() if one is not None or self.likely(0.1)}

    def _link(self) -> Json:
        chance = self.chance
        whole = "https://" + chance.choice(HOSTS) + chance.choice(PATHS)
        link = {"expanded_url": whole, "unwound_url": whole + "&x=1", "title": chance.choice(TITLES)}
        link["description"] = chance.choice(TITLES)
        return {"url": f"https://t.co/{chance.choice('abcXYZ')}{chance.randrange(99)}q"} | self._thinned(link, (), 0.25)

    def _place(self, number: int) -> Json:
        west, south = round(-74 + self.chance.random() / 4, 6), round(40.6 + self.chance.random() / 4, 6)
        place = {
            "id": f"01a9a39529b27f3{number}",
            "full_name": self.chance.choice(["New Haven, CT", "Ñuñoa, Chile", "Café Elm"]),
            "name": self.chance.choice(["New Haven", "Ñuñoa", "Elm"]),
            "country_code": self.chance.choice(["US", "CL", "us"]),
            "geo": {"type": "Feature", "bbox": [west, south, round(west + 0.05, 6), round(south + 0.03, 6)]},
        }
        return self._thinned(place, ("id",), 0.15)

    def _other(self) -> Json:
        """A post that others quote or repeat."""
        other = {"id": self.new_id(), "author_id": self.chance.choice(self.users)["id"]} | self._words(6)
        if self.likely(0.3):
            other["in_reply_to_user_id"] = "40"
        if self.likely(0.3):
            other["referenced_tweets"] = [{"type": "replied_to", "id": "999"}]
        return other | self._attachments()

    def _words(self, most: int) -> Json:
        """A text and what X marks in it."""
        chance, marks, text, joint = self.chance, defaultdict[str, list[Json]](list), "", ""
        for _ in range(chance.randint(2, most)):
            if self.likely(0.25):
                text += f"{joint if joint.isspace() else joint + ' '}{self._sign(marks)}"
                joint = chance.choice([" ", "\n", ", ", "…", "!"])
            else:
                text += joint + chance.choice(self.words)
                joint = chance.choice(JOINTS)
        found: Json = {"text": text}
        if marks and self.likely(0.9) or self.likely(0.2):
            found["entities"] = dict(marks)
        return found

    def _sign(self, marks: dict[str, list[Json]]) -> str:
        chance = self.chance
        match chance.choice(["tag", "cashtag", "handle", "link", "link"]):
            case "tag":
                tag = chance.choice(self.tags)
                marks["hashtags"].append({"tag": tag})
                return f"#{tag}"
            case "cashtag":
                tag = chance.choice(self.cashtags)
                marks["cashtags"].append({"tag": tag})
                return f"${tag}"
            case "handle":
                user = chance.choice(self.users)
                marks["mentions"].append({"username": user["username"], "id": user["id"]})
                return f"@{user['username']}"
            case _:
                link = chance.choice(self.links)
                marks["urls"].append(link)
                return str(link["url"])

    def _attachments(self) -> Json:
        keys = self.chance.choice([[], [], ["3_1"], ["7_1"], ["16_1"], ["3_1", "13_2"], ["77_1"]])
        return {"attachments": {"media_keys": keys}} if keys else {}

    def post(self) -> Json:
        """A post by itself; what it refers to stands in `others`."""
        chance = self.chance
        words = self._words(9)
        if self.likely(0.08):  # a long one: the text is cut, the note is not
            words = {"text": words["text"][:12] + "…", "note_tweet": words}
        post = {"id": self.new_id()} | words | {
            "author_id": chance.choice(self.users)["id"],
            "lang": chance.choice(self.languages),
            "conversation_id": "1001",
            "source": chance.choice(self.apps),
            "created_at": "2026-03-01T10:00:00.000Z",
            "public_metrics": {
                name: chance.choice(self.numbers) for name in ("like_count", "reply_count", "retweet_count")
            },
            "possibly_sensitive": False,
            "reply_settings": "everyone",
        }  # fmt: skip
        post |= self._attachments() | self._geo() | self._annotations() | self._references(post)
        if self.likely(0.1):
            post["edit_history_tweet_ids"] = ["1", post["id"]]
        if self.likely(0.05):
            post["withheld"] = {"country_codes": ["XX"]}
        share = chance.choice([0, 0, 0, 0.2, 0.8])
        return self._thinned(post, ("id", "text", "note_tweet", "referenced_tweets"), share)

    def _geo(self) -> Json:
        geo: Json = {}
        if self.likely(0.5):
            geo["place_id"] = self.chance.choice(self.places)["id"]
        if self.likely(0.3):
            spot = [-74 + self.chance.random() / 4, 40.6 + self.chance.random() / 4]
            geo["coordinates"] = {"type": "Point", "coordinates": spot}
        return {"geo": geo} if geo else {}

    def _annotations(self) -> Json:
        if not self.likely(0.4):
            return {}
        pairs = [(self.chance.choice(DOMAINS), self.chance.choice(list(THINGS))) for _ in range(2)]
        return {
            "context_annotations": [
                {"domain": {"id": domain}, "entity": {"id": thing, "name": THINGS[thing]}} for domain, thing in pairs
            ]
        }

    def _references(self, post: Json) -> Json:
        chance = self.chance
        other = chance.choice(self.others)
        answers = {"in_reply_to_user_id": chance.choice(self.users)["id"]}
        match chance.choice(["post", "post", "post", "reply", "retweet", "quote", "both", "bare reply"]):
            case "reply":
                return answers | {"referenced_tweets": [{"type": "replied_to", "id": chance.choice(["999", "998"])}]}
            case "bare reply":
                return answers
            case "quote":
                return {"referenced_tweets": [{"type": "quoted", "id": other["id"]}]}
            case "both":
                kinds = [("replied_to", "999"), ("quoted", other["id"])]
                return answers | {"referenced_tweets": [{"type": kind, "id": id} for kind, id in kinds]}
            case "retweet":
                user = next(user for user in self.users if user["id"] == other["author_id"])
                mention = {"username": user["username"], "id": user["id"]}
                cut = other["text"] if len(other["text"]) < 30 else other["text"][:29] + "…"
                post.pop("note_tweet", None)
                return {
                    "text": f"RT @{user['username']}: {cut}",
                    "entities": {"mentions": [mention]},
                    "referenced_tweets": [{"type": "retweeted", "id": other["id"]}],
                }
        return {}

    def line(self) -> bytes:
        posts = [self.post() for _ in range(self.chance.choice([1, 1, 1, 1, 3]))]
        media = [{"media_key": "3_1", "type": "photo"}]
        around = {"users": self.users, "tweets": self.others, "places": self.places, "media": media}
        includes = self._thinned(around, (), self.chance.choice([0, 0, 0.3]))
        if len(posts) > 1:
            return self.written({"data": posts, "includes": includes})
        match self.chance.choice(["message", "message", "message", "bare", "flat", "new"]):
            case "bare":
                return self.written(posts[0])
            case "flat":
                return self.written(self._flat(posts[0], includes))
            case "new":
                return self.written(_renamed({"data": posts[0], "includes": includes}))
        return self.written({"data": posts[0], "includes": includes, "matching_rules": [{"id": "1", "tag": "leak"}]})

    def _flat(self, post: Json, includes: Json) -> Json:
        """As twarc writes it: everything stands where it is referred to."""
        flat = copy.deepcopy(post)
        users = {user["id"]: user for user in includes.get("users") or ()}
        if (author := users.get(flat.get("author_id"))) is not None:
            flat["author"] = author
        if (answered := users.get(flat.get("in_reply_to_user_id"))) is not None:
            flat["in_reply_to_user"] = answered
        others = {other["id"]: other for other in includes.get("tweets") or ()}
        for reference in flat.get("referenced_tweets") or ():
            reference |= others.get(reference["id"], {}) | {"type": reference["type"]}
        for place in includes.get("places") or ():
            if (flat.get("geo") or {}).get("place_id") == place["id"]:
                flat["geo"] = place | flat["geo"] | ({"geo": place["geo"]} if "geo" in place else {})
        return flat

    def written(self, value: Json) -> bytes:
        escaped = self.likely(0.15)
        if self.likely(0.02):
            escaped, value = True, json.loads(json.dumps(value).replace("leak", "lea\\ud83dk"))
        text = json.dumps(value, ensure_ascii=escaped, separators=self.chance.choice([(",", ":"), (", ", ": ")]))
        if self.likely(0.2):
            text = text.replace("/", "\\/")
        return text.encode() + self.chance.choice([b"", b"\n", b"\r\n"])


def _renamed(line: Json) -> Json:
    """As X's own description spells it since 2026."""
    text = json.dumps(line)
    for old, new in (
        ("referenced_tweets", "referenced_posts"), ("note_tweet", "note_post"), ("tweet_count", "post_count"),
        ("edit_history_tweet", "edit_history_post"), ("retweet_count", "repost_count"), ('"tweets":', '"posts":'),
    ):  # fmt: skip
        text = text.replace(old, new)
    return json.loads(text)
