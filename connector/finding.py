"""What something pasted may mean: a post's link, our reference, a ticket's number, a suspect's id.

`read` looks at the text alone and asks nobody; `store/history.py` asks the database. A link may name its author: that
handle is compared by its pseudonym or left out, and goes neither into an address nor into a log.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from connector.config import Config
from connector.sealing import PLACEHOLDER, Hiding, Sealer
from connector.store.history import Pasted

_REFERENCE = re.compile(r"(?i)(?:SC-?)?([0-9A-Z]{6})")
_OURS = re.compile(r"(?i)(suspect|post)?\s*#?\s*(\d{1,20})")
_ADDRESS = re.compile(r"(?i)(?:[a-z]+://)?[\w-]+(?:\.[\w-]+)+(?::\d+)?/\S+|at://\S+")
_HEARD = str.maketrans("OIL", "011")
"""What a reference never holds, as it is heard on the telephone."""
_HOSTS = {
    "x.com": "x", "twitter.com": "x", "bsky.app": "bluesky", "facebook.com": "facebook", "fb.com": "facebook",
}  # fmt: skip
_SHORTEST_ID = 5
_MOST_OURS = 2**31
_X_DIGITS, _MASTODON_DIGITS = range(15, 20), range(17, 20)
_X_BEGAN = 1288834974657  # milliseconds since 1970: X's ids count from there


def read(text: str, config: Config, sealer: Sealer) -> Pasted:
    """Everything that it may mean; nothing is looked up."""
    text = " ".join(text.split())
    if _ADDRESS.fullmatch(text):
        return _link(text, config, sealer)
    if found := _OURS.fullmatch(text):
        return _number(text, found[1] or "", found[2])
    numbers = [text, text.upper()]
    if found := _REFERENCE.fullmatch(text):
        letters = found[1].upper()
        numbers += [f"SC-{letters}", f"SC-{letters.translate(_HEARD)}"]
    return Pasted(text, ids=(text,), numbers=tuple(dict.fromkeys(numbers)))


def _number(text: str, word: str, digits: str) -> Pasted:
    ours = int(digits) if int(digits) < _MOST_OURS else None
    if word.lower() == "post":
        return Pasted(text, post_id=ours)
    if word or "#" in text:
        return Pasted(text, suspect_id=ours)
    kind = "x" if len(digits) in _X_DIGITS else ""
    at = written_at(kind, digits)
    numbers = (digits, f"SC-{digits}")  # a reference may be six digits by chance
    return Pasted(text, kind, ids=(digits,), numbers=numbers, suspect_id=ours, written_at=at)


# -- links ---------------------------------------------------------------------------------------------------------


def _link(text: str, config: Config, sealer: Sealer) -> Pasted:
    parts = urlsplit(text if "://" in text else f"https://{text}")
    host = re.sub(r"^(www|m|mobile)\.", "", (parts.hostname or "").lower())
    path = [part for part in parts.path.split("/") if part]
    kind = "bluesky" if parts.scheme == "at" else _HOSTS.get(host, "")
    if host and host in _servers(config):
        kind = "mastodon"
    match kind:
        case "bluesky":
            return _bluesky(text, parts.netloc if parts.scheme == "at" else "", path, sealer)
        case "facebook":
            return Pasted(text, kind, ids=_facebook([*path, *(value for _, value in parse_qsl(parts.query))], config))
    values = [value for _, value in parse_qsl(parts.query)]
    ids = tuple(part for part in path if part.isdecimal() and len(part) >= _SHORTEST_ID)
    at = next((at for id_ in ids if (at := written_at(kind, id_))), None)
    numbers = () if kind else (*path[-1:], *values)
    return Pasted(text, kind, ids=ids, link=_as_stored(text, config), numbers=numbers, written_at=at)


def _servers(config: Config) -> set[str]:
    told = [str(source.settings.get("server", "")) for source in config.sources.values() if source.kind == "mastodon"]
    return {urlsplit(server).hostname or server for server in told if server}


def _bluesky(text: str, author: str, path: list[str], sealer: Sealer) -> Pasted:
    """`bsky.app/profile/AUTHOR/post/KEY`, or `at://AUTHOR/app.bsky.feed.post/KEY`; the author by handle or by DID."""
    author, key = author or (path[1] if len(path) > 1 else ""), path[-1] if path else ""
    ending = f"/post/{key}"
    at = written_at("bluesky", f"{author}{ending}")
    if author.startswith("did:"):
        return Pasted(text, "bluesky", ids=(f"{author}{ending}",), written_at=at)
    return Pasted(text, "bluesky", author_key=sealer.pseudonym(author), ending=ending, written_at=at)


def _facebook(parts: Iterable[str], config: Config) -> tuple[str, ...]:
    """Its ids are `PAGE_POST`, and links tell either together, apart, or the page by name."""
    numbers = [number for part in parts for number in re.findall(r"\d{5,}", part)]
    pages = [str(source.settings.get("page_id", "")) for source in config.sources.values() if source.kind == "facebook"]
    pairs = [f"{page}_{post}" for page in (*pages, *numbers) for post in numbers if page and page != post]
    return tuple(dict.fromkeys([*numbers, *pairs]))


def _as_stored(text: str, config: Config) -> str:
    """For LIKE, escaped by a backslash: without scheme and last slash, with a percent sign where a handle stands."""
    own = frozenset(account.lower().lstrip("@") for account in config.city.accounts)
    bare = re.sub(r"^[a-z]+://", "", text, flags=re.IGNORECASE).rstrip("/")
    hidden = Hiding((), own).hide(f"https://{bare}").removeprefix("https://")
    return PLACEHOLDER.sub("%", re.sub(r"([%_\\])", r"\\\1", hidden))


def written_at(kind: str, id_: str) -> datetime | None:
    """When a post of this id was written, where the platform's ids tell it."""
    if kind == "bluesky":
        from connector.sources.bluesky.records import made_at  # only here: it brings the adapter's libraries along

        return made_at(id_)
    if not id_.isdecimal():
        return None
    if kind == "x" and len(id_) in _X_DIGITS:
        return datetime.fromtimestamp(((int(id_) >> 22) + _X_BEGAN) / 1000, UTC)
    if kind == "mastodon" and len(id_) in _MASTODON_DIGITS:
        return datetime.fromtimestamp((int(id_) >> 16) / 1000, UTC)
    return None
