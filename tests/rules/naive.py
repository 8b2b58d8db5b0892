"""Rules decided in the plainest way, to hold the matcher against: on X's raw JSON, one character after the other.

It shares the parser's tree with the matcher and nothing else, neither the words nor the reading of a payload. What a
word is follows X's pages and what `connector/rules/tokens.py` says was decided; what a payload leaves unknown follows
`connector/sources/x/more.py`. No index, no table, nothing kept for later. `test_exactness.py` compares.
"""

from __future__ import annotations

import html
import itertools
import math
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from connector.rules.tree import And, Cashtag, Field, Hashtag, Mention, Near, Node, Not, Or, Phrase, Word

Truth = bool | None
"""None: the post does not tell."""
Json = dict[str, Any]

PICTOGRAPHS = "⌚⌛⌨⏏⏩⏪⏫⏬⏭⏮⏯⏰⏱⏲⏳⏸⏹⏺▪▫▶◀◻◼◽◾⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙"
"""The emoji outside the blocks of symbols and pictures."""
EAST_ASIAN = (
    "CJK UNIFIED", "CJK COMPATIBILITY IDEO", "HIRAGANA", "KATAKANA", "HALFWIDTH KATAKANA", "COMBINING KATAKANA",
    "HENTAIGANA", "HANGUL SYLLABLE",
)  # fmt: skip
"""How the names of letters begin that are a token each."""
OLD_LANGUAGES = {"in": "id", "iw": "he", "no": "nb", "tl": "fil"}
MEDIA_KEYS = {"3": "photo", "7": "video", "13": "video", "16": "animated_gif"}
ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
MILE_KM = 1.609344
EARTH_KM = 6371.0088


# -- words -------------------------------------------------------------------------------------------------------------


def is_ignored(char: str) -> bool:
    """Variant selectors, skin tones, joiners, soft hyphens, direction marks; a blank without width parts words."""
    if "\ufe00" <= char <= "\ufe0f" or "🏻" <= char <= "🏿":
        return True
    return unicodedata.category(char) == "Cf" and char != "\u200b"


def is_emoji(char: str) -> bool:
    in_block = "\u2600" <= char <= "\u27bf" or "\U0001f000" <= char <= "\U0001fbff"
    return char in PICTOGRAPHS or (in_block and unicodedata.category(char) == "So")


def is_one_each(char: str) -> bool:
    """Han, kana and Hangul: a token a character."""
    return char in "々〆〇" or unicodedata.name(char, "").startswith(EAST_ASIAN)


def is_letter_mark_or_digit(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN"


def is_wordlike(char: str) -> bool:
    return char == "_" or is_letter_mark_or_digit(char)


def fold(char: str, accents: bool) -> str:
    """Without case, and without accents where they do not count."""
    return char.casefold() if accents else bare(bare(char).casefold())


def bare(text: str) -> str:
    apart = [char for char in unicodedata.normalize("NFD", text) if not "\u0300" <= char <= "\u036f"]
    return unicodedata.normalize("NFC", "".join(apart))


def tokens(text: str, accents: bool) -> list[str]:
    found, word = [], ""
    for char in unicodedata.normalize("NFC", text):
        if is_ignored(char):
            continue
        if is_emoji(char):
            found += [word, char]
            word = ""
        elif not is_letter_mark_or_digit(char):
            found.append(word)
            word = ""
        elif is_one_each(char):
            found += [word, fold(char, accents)]
            word = ""
        else:
            word += fold(char, accents)
    return [one for one in [*found, word] if one]


def follow(wanted: list[str], words: list[str]) -> bool:
    """Whether the wanted words stand next to each other, in order."""
    return any(words[at : at + len(wanted)] == wanted for at in range(len(words)))


def near(wanted: list[str], words: list[str], distance: int) -> bool:
    """Whether each has a place of its own and none is moved further against another than so many words."""
    places = [[at for at, word in enumerate(words) if word == one] for one in wanted]
    for chosen in itertools.product(*places):
        moved = [at - number for number, at in enumerate(chosen)]
        if len(set(chosen)) == len(chosen) and max(moved) - min(moved) <= distance:
            return True
    return False


def whole(tag: str, accents: bool) -> str:
    """A hashtag as it is compared: never split."""
    found = ""
    for char in unicodedata.normalize("NFC", tag):
        if not is_ignored(char):
            found += fold(char, accents) if is_letter_mark_or_digit(char) else char
    return found


def hashtags_in(text: str) -> Iterator[str]:
    for at, sign in enumerate(text):
        before = text[at - 1] if at else " "
        if sign not in "#＃" or is_wordlike(before) or before == "&":
            continue
        tag = ""
        for char in text[at + 1 :]:
            if not is_wordlike(char) and char != "\u200d":
                break
            tag += char
        if any(unicodedata.category(char)[0] == "L" for char in tag):
            yield tag


def leading(text: str, allowed: str) -> str:
    """As much of the beginning as consists of these characters."""
    end = 0
    while end < len(text) and text[end] in allowed:
        end += 1
    return text[:end]


LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
HANDLE = LETTERS + "0123456789_"


def cashtags_in(text: str) -> Iterator[str]:
    """`$` behind a blank, up to six letters, perhaps a dot and two more, then a blank, a sign or the end."""
    for at, sign in enumerate(text):
        if sign != "$" or (at and not text[at - 1].isspace()):
            continue
        name = leading(text[at + 1 :], LETTERS)
        after = text[at + 1 + len(name) :]
        more = leading(after[1:], LETTERS) if after[:1] in (".", "_") else ""
        both = name + after[: 1 + len(more)]
        for tag in [both, name] if 1 <= len(more) <= 2 else [name]:
            end = text[at + 1 + len(tag) :][:1]
            if 1 <= len(name) <= 6 and (not end or end.isspace() or end in ASCII_PUNCTUATION):
                yield tag
                break


def handles_in(text: str) -> Iterator[str]:
    for at, sign in enumerate(text):
        if sign == "@" and (at == 0 or text[at - 1] not in HANDLE + "/."):
            name = leading(text[at + 1 :], HANDLE)
            if 1 <= len(name) <= 15:
                yield name


def links_in(text: str) -> Iterator[str]:
    for start in ("http://", "https://"):
        for piece in text.split(start)[1:]:
            rest = ""
            for char in piece:
                if char.isspace() or char in '<>"':
                    break
                rest += char
            while rest and rest[-1] in ".,;:!?)]}'…":
                rest = rest[:-1]
            if len(rest) > 1:
                yield start + rest


def plain(text: str) -> str:
    """Without the HTML entities that X writes for signs; NUL becomes U+FFFD."""
    found = ""
    while "&" in text:
        before, _, text = text.partition("&")
        name, sign, after = text.partition(";")
        inner = name.removeprefix("#")
        if sign and inner and all(char == "_" or char.isalnum() for char in inner):
            found += before + html.unescape(f"&{name};")
            text = after
        else:
            found += before + "&"
    return (found + text).replace("\0", "\ufffd")


# -- a payload ---------------------------------------------------------------------------------------------------------


def posts(line: Json, surface: str) -> list[Post]:
    """The posts of a line as X writes it: one in `data` or bare, or a page of them with `includes` in common."""
    line = whole_characters(line)
    data = line.get("data", line)
    return [Post(one, line.get("includes") or {}, surface) for one in (data if isinstance(data, list) else [data])]


def whole_characters(value: Any) -> Any:
    """With U+FFFD for every lone half of a surrogate pair, which JSON may write."""
    if isinstance(value, dict):
        return {name: whole_characters(one) for name, one in value.items()}
    if isinstance(value, list):
        return [whole_characters(one) for one in value]
    if not isinstance(value, str):
        return value
    return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)


def some(value: Json, *names: str) -> Any:
    """The first field that is there; X renames `tweet` to `post`, and both spellings occur."""
    return next((value[name] for name in names if value.get(name) is not None), None)


def text_of(post: Json) -> str:
    note = some(post, "note_tweet", "note_post") or {}
    return plain(note.get("text") or post.get("text") or "")


def marks(post: Json) -> Json | None:
    """What X marks in the text, in a long one too; None: it was not asked."""
    note = some(post, "note_tweet", "note_post") or {}
    return (note if note.get("text") else post).get("entities")


def marked(post: Json, kind: str, name: str) -> list[str] | None:
    found = marks(post)
    return None if found is None else [one[name] for one in found.get(kind) or () if one.get(name)]


def references(post: Json) -> list[tuple[str, Json]]:
    return [(one["type"], one) for one in some(post, "referenced_tweets", "referenced_posts") or ()]


def is_reply(post: Json) -> bool:
    return post.get("in_reply_to_user_id") is not None or any(kind == "replied_to" for kind, _ in references(post))


def mentions(post: Json) -> list[str]:
    found = marked(post, "mentions", "username")
    return list(handles_in(text_of(post))) if found is None else found


def hashtags(post: Json) -> list[str]:
    found = marked(post, "hashtags", "tag")
    return list(hashtags_in(text_of(post))) if found is None else found


def links(post: Json) -> list[Json]:
    found = marks(post)
    return [{"url": url} for url in links_in(text_of(post))] if found is None else found.get("urls") or []


def addresses(link: Json) -> list[str]:
    return [link[name] for name in ("url", "expanded_url", "unwound_url") if link.get(name)]


class Post:
    """A post with what stands beside it, read for one surface."""

    def __init__(self, post: Json, includes: Json, surface: str) -> None:
        self.post, self.surface = post, surface
        self.accents = surface == "stream"
        self.users = {str(user["id"]): user for user in includes.get("users") or ()}
        self.others = {str(one["id"]): one for one in some(includes, "tweets", "posts") or ()}
        self.media_around = {one["media_key"]: one for one in includes.get("media") or ()}
        self.places = {str(place["id"]): place for place in includes.get("places") or ()}
        self.id = str(post["id"])
        self.author = post.get("author") or self.users.get(str(post.get("author_id"))) or {}
        self.asked = post.get("conversation_id") is not None
        """X sends it to those who ask for fields, so that others which are empty for most posts were asked for too."""
        self.repeated, self.quoted = self._referred("retweeted"), self._referred("quoted")
        self.said = [post] if self.repeated is None else [post, self.repeated]
        """What counts as its own words: a repeated post's are."""
        self.text = self._text()
        self.quotes = [self.quoted] if self.quoted and surface != "search" else []
        self.texts = [tokens(text, self.accents) for text in (self.text, *map(text_of, self.quotes))]
        self.kinds = self._kinds()
        self.media = self._media()
        self.geo = post.get("geo")
        self.place = self._place()

    def _referred(self, kind: str) -> Json | None:
        for one, reference in references(self.post):
            if one == kind:
                found = reference if "text" in reference else self.others.get(str(reference["id"]))
                return found if found and found.get("text") is not None else None
        return None

    def _text(self) -> str:
        """X cuts a repost's text; the original in full goes behind its first words."""
        text = text_of(self.post)
        if self.repeated is None or not text.startswith("RT @"):
            return text
        handle = leading(text[4:], HANDLE)
        prefix = f"RT @{handle}: "
        return (prefix if handle and text.startswith(prefix) else "") + text_of(self.repeated)

    def _kinds(self) -> set[str]:
        kinds = {kind for kind, _ in references(self.post)}
        elsewhere = str(self.post.get("conversation_id") or self.id) != self.id
        answers = self.post.get("in_reply_to_user_id") is not None and elsewhere
        return {"replied_to"} if answers and not kinds else kinds

    def _media(self) -> list[str]:
        found = []
        for post in self.said:
            attached = post.get("attachments") or {}
            inlined = {one["media_key"]: one for one in attached.get("media") or () if one.get("media_key")}
            for key in {*(attached.get("media_keys") or ()), *inlined}:
                medium = inlined.get(key) or self.media_around.get(key) or {}
                found.append(medium.get("type") or MEDIA_KEYS.get(key.partition("_")[0], ""))
        return [kind for kind in found if kind]

    def _place(self) -> Json:
        geo = self.geo or {}
        if geo.get("full_name") or geo.get("name"):
            return geo
        id = geo.get("place_id")
        return self.places.get(str(id)) or ({"id": id} if id is not None else {})

    def located(self) -> Truth:
        """A repeated post's place is not its own."""
        if "retweeted" in self.kinds:
            return False
        if self.geo is None:
            return False if self.asked else None
        return any(self.geo.get(name) is not None for name in ("place_id", "coordinates", "id", "full_name", "name"))

    def position(self) -> list[float] | None:
        point = ((self.geo or {}).get("coordinates") or {}).get("coordinates")
        return point if point and len(point) == 2 else None

    def own_hashtags(self) -> list[str]:
        """As X marks them, else those that stand in the text."""
        return [tag for one in self.said for tag in hashtags(one)] or list(hashtags_in(self.text))

    def all_hashtags(self) -> list[str]:
        return self.own_hashtags() + [tag for one in self.quotes for tag in hashtags_in(text_of(one))]

    def own_cashtags(self) -> list[str]:
        found = [tags for one in self.said if (tags := marked(one, "cashtags", "tag")) is not None]
        return [tag for tags in found for tag in tags] if found else list(cashtags_in(self.text))

    def all_cashtags(self) -> list[str]:
        found = self.own_cashtags()
        for one in self.quotes:
            tags = marked(one, "cashtags", "tag")
            found += cashtags_in(text_of(one)) if tags is None else tags
        return found

    def own_mentions(self) -> list[str]:
        return [handle for one in self.said for handle in mentions(one)]

    def all_mentions(self) -> list[str]:
        return self.own_mentions() + [handle for one in self.quotes for handle in mentions(one)]

    def own_links(self) -> list[Json]:
        return [link for one in self.said for link in links(one)]

    def all_links(self) -> list[Json]:
        return self.own_links() + [link for one in self.quotes for link in links(one)]

    def names(self) -> list[str] | None:
        """Of the persons, places and things that X found in it."""
        contexts = [one.get("entity", {}).get("name") for one in self.post.get("context_annotations") or ()]
        found = contexts + (marked(self.post, "annotations", "normalized_text") or [])
        named = [plain(name) for name in found if name]
        return named if named or self.asked else None

    def count(self, name: str) -> int | None:
        """Of the author: followers_count and the like."""
        counts = self.author.get("public_metrics") or {}
        return some(counts, "tweet_count", "post_count") if name == "tweets_count" else counts.get(name)

    def reactions(self, name: str) -> int | None:
        names = {"likes": ["like_count"], "replies": ["reply_count"], "reposts": ["retweet_count", "repost_count"]}
        return some(self.post.get("public_metrics") or {}, *names[name])

    def has(self, value: str, text: str) -> bool:
        """Whether a text holds these words."""
        return follow(tokens(value, self.accents), tokens(text, self.accents))


# -- a rule ------------------------------------------------------------------------------------------------------------


def meets(node: Node, post: Post) -> bool:
    return truth(node, post) is True


def truth(node: Node, post: Post) -> Truth:
    match node:
        case Word(text) | Phrase(text):
            return any(follow(tokens(text, post.accents), words) for words in post.texts)
        case Near(text, distance):
            return any(near(tokens(text, post.accents), words, distance) for words in post.texts)
        case Hashtag(tag):
            return whole(tag, post.accents) in [whole(one, post.accents) for one in post.all_hashtags()]
        case Cashtag(tag):
            return tag.lower() in [one.lower() for one in post.all_cashtags()]
        case Mention(handle):
            return handle.lower() in [one.lower() for one in post.all_mentions()]
        case Field(name, value):
            return field(name, value, post)
        case Not(child):
            return {True: False, False: True, None: None}[truth(child, post)]
        case And(children):
            return all_of([truth(child, post) for child in children])
        case Or(children):
            return any_of([truth(child, post) for child in children])


def any_of(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    return True if True in truths else None if None in truths else False


def all_of(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    return False if False in truths else None if None in truths else True


def field(name: str, value: str, post: Post) -> Truth:
    match name:
        case "is":
            return is_(value, post)
        case "has":
            return has(value, post)
        case "from":
            return account(value, post.author.get("username"), post.author.get("id") or post.post.get("author_id"))
        case "to":
            return to(value, post)
        case "retweets_of":
            return retweets_of(value, post)
        case "url":
            return any_of(leads(link, lambda one: post.has(value, one)) for link in post.all_links())
        case "url_contains":
            return any_of(leads(link, lambda one: value.casefold() in one.casefold()) for link in post.all_links())
        case "url_title" | "url_description":
            texts = [link.get(name.removeprefix("url_")) for link in post.all_links()]
            return any_of(None if text is None else post.has(value, plain(text)) for text in texts)
        case "bio" | "bio_name" | "bio_location":
            text = post.author.get({"bio": "description", "bio_name": "name", "bio_location": "location"}[name])
            return None if text is None else post.has(value, plain(text))
        case "source":
            app = post.post.get("source")
            return None if app is None else app.casefold() == value.casefold()
        case "conversation_id":
            return str(post.post["conversation_id"]) == value if post.asked else None
        case "in_reply_to_tweet_id":
            return refers("replied_to", value, post)
        case "retweets_of_tweet_id":
            return refers("retweeted", value, post)
        case "quotes_of_tweet_id":
            return refers("quoted", value, post)
        case "context":
            return context(value, post)
        case "entity":
            found = post.names()
            wanted = tokens(value, post.accents)
            return None if found is None else wanted in [tokens(one, post.accents) for one in found]
        case "lang":
            return language(value, post.post.get("lang") or "")
        case "followers_count" | "following_count" | "listed_count" | "tweets_count":
            return between(value, post.count(name))
        case "min_followers":
            return between(value, post.count("followers_count"))
        case "min_likes" | "min_replies" | "min_reposts":
            return between(value, post.reactions(name.removeprefix("min_")))
        case "place" | "place_country" | "point_radius" | "bounding_box":
            there = post.located()
            return placed(name, value, post) if there else there
        case "from_affiliate_of" | "to_affiliate_of" | "list" | "embedding" | "embedding_threshold" | "sample":
            return None
    raise AssertionError(name)


def is_(value: str, post: Post) -> Truth:
    match value:
        case "retweet":
            return "retweeted" in post.kinds
        case "quote":
            return "quoted" in post.kinds
        case "reply":
            inside = post.quoted or post.repeated
            return "replied_to" in post.kinds or (post.surface == "stream" and inside is not None and is_reply(inside))
        case "verified":
            kind = post.author.get("verified_type")
            if post.author.get("verified") or (kind is not None and kind != "none"):
                return True
            return None if kind is None and post.author.get("verified") is None else False
        case "nullcast":
            app = (post.post.get("source") or "").lower()
            return app in ("twitter for advertisers", "twitter for advertisers (legacy)")
    raise AssertionError(value)


def has(value: str, post: Post) -> Truth:
    match value:
        case "hashtags":
            return bool(post.own_hashtags())
        case "cashtags":
            return bool(post.own_cashtags())
        case "mentions":
            return bool(post.own_mentions())
        case "links":
            return bool(post.own_links() or post.media or "://" in post.text)
        case "media":
            return bool(post.media)
        case "images":
            return "photo" in post.media
        case "video_link":
            return "video" in post.media
        case "geo":
            return post.located()
    raise AssertionError(value)


def account(wanted: str, handle: str | None, id: str | int | None) -> Truth:
    """Whether it is this account, by its handle or its number, of which one may be unknown."""
    if wanted.lower() in ((handle or "").lower(), "" if id is None else str(id)):
        return True
    is_number = all(char in "0123456789" for char in wanted)
    return None if (id if is_number else handle) in (None, "") else False


def to(wanted: str, post: Post) -> Truth:
    id = post.post.get("in_reply_to_user_id")
    if id is None:
        return None if any(kind == "replied_to" for kind, _ in references(post.post)) else False
    user = post.post.get("in_reply_to_user") or post.users.get(str(id)) or {}
    mentioned = {str(one.get("id")): one.get("username") for one in (marks(post.post) or {}).get("mentions") or ()}
    return account(wanted, user.get("username") or mentioned.get(str(id)), id)


def retweets_of(wanted: str, post: Post) -> Truth:
    if not any(kind == "retweeted" for kind, _ in references(post.post)):
        return False
    original = post.repeated or {}
    id = original.get("author_id")
    user = original.get("author") or post.users.get(str(id)) or {}
    text = post.post.get("text") or ""
    handle = leading(text[4:], HANDLE) if text.startswith("RT @") else ""
    written = handle if len(handle) <= 15 and text[4 + len(handle) :].startswith(":") else ""
    return account(wanted, user.get("username") or written, id)


def leads(link: Json, holds: Callable[[str], bool]) -> Truth:
    """Whether one of its addresses holds it; of a link that X only shortened nobody knows where it leads."""
    if any(holds(one) for one in addresses(link)):
        return True
    return None if all(one.startswith(("https://t.co/", "http://t.co/")) for one in addresses(link)) else False


def refers(kind: str, id: str, post: Post) -> Truth:
    ids = [str(one["id"]) for each, one in references(post.post) if each == kind]
    return None if not ids and kind in post.kinds else id in ids


def context(value: str, post: Post) -> Truth:
    found = post.post.get("context_annotations")
    if found is None:
        return False if post.asked else None
    domain, _, entity = value.partition(".")
    pairs = [(str(one["domain"]["id"]), str(one["entity"]["id"])) for one in found]
    return any(domain in ("*", one) and entity in ("*", other) for one, other in pairs)


def language(wanted: str, said: str) -> Truth:
    """`pt` takes pt-BR; of a post that says pt nobody knows whether it is pt-BR."""
    wanted, said = [today(code) for code in (wanted, said)]
    if not said:
        return None
    if said == wanted or said.startswith(f"{wanted}-"):
        return True
    return None if wanted.startswith(f"{said}-") else False


def today(code: str) -> str:
    """A language's code in lower case, an old one as it is now."""
    first, dash, region = code.lower().partition("-")
    return OLD_LANGUAGES.get(first, first) + dash + region


def between(value: str, number: int | None) -> Truth:
    if number is None:
        return None
    least, _, most = value.partition("..")
    return number >= int(least) and (not most or number <= int(most))


def placed(name: str, value: str, post: Post) -> Truth:
    place = post.place
    box = (place.get("geo") or {}).get("bbox")
    match name:
        case "place":
            names = [plain(place[one]) for one in ("full_name", "name") if place.get(one)]
            if any(post.has(value, one) for one in names) or str(place.get("id", "")).lower() == value.lower():
                return True
            return False if names else None
        case "place_country":
            code = place.get("country_code")
            return code.upper() == value if code else None
    corners = [post.position()] if post.position() else list(itertools.product(box[::2], box[1::2])) if box else []
    return all(inside(name, value, lon, lat) for lon, lat in corners) if corners else None


def inside(name: str, value: str, lon: float, lat: float) -> bool:
    parts = value[1:-1].split()
    if name == "bounding_box":
        west, south, east, north = map(float, parts)
        return west <= lon <= east and south <= lat <= north
    radius = float(parts[2][:-2]) * (MILE_KM if parts[2].endswith("mi") else 1)
    return kilometres(float(parts[0]), float(parts[1]), lon, lat) <= radius


def kilometres(lon: float, lat: float, other_lon: float, other_lat: float) -> float:
    """Along the globe: the angle between two directions from its middle."""
    first, second = direction(lon, lat), direction(other_lon, other_lat)
    chord = math.dist(first, second)
    return 2 * EARTH_KM * math.asin(min(1.0, chord / 2))


def direction(lon: float, lat: float) -> tuple[float, float, float]:
    east, north = math.radians(lon), math.radians(lat)
    return math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)
