"""Names and handles at rest: sealed, pseudonymous, or masked.

`Sealer` holds the keys. Authors and handles stand sealed (AES-256-GCM) in one column; equality is asked of an HMAC
pseudonym; a text keeps a numbered placeholder where a handle stood, which `reveal` fills for a reviewer's card and
`mask` turns into dots for everybody else. `prepare.py` hides, `screen.py` reveals, everything that leaves is masked.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from connector.config import Config
from connector.errors import ConfigError

VARIABLE = "CONNECTOR_KEY"
# U+FDD0 and U+FDD1 are noncharacters (Unicode 16, section 23.7): no text from outside may hold them.
OPEN, CLOSE = "\ufdd0", "\ufdd1"
PLACEHOLDER = re.compile(f"{OPEN}(\\d+){CLOSE}")
_FOREIGN_MARKS = str.maketrans({OPEN: "\ufffd", CLOSE: "\ufffd"})
# A handle in a text: X's letters, Bluesky's dots, Mastodon's @user@server; not the @ inside an e-mail address. The sign
# stands before the looks back from it, since the search for a fixed beginning is fast.
_MENTION = re.compile(r"[@\uff20](?<!\w.)(?<!\w[.+-].)(\w(?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?)")
# Links of social networks carry a handle in their path, also escaped inside another link; of what is matched only the
# handle's group is hidden.
_PROFILE = re.compile(
    r"""(?xi)(?:(?<![^\W_])|(?<=%2F))(?:
    (?:(?:twitter|x|instagram|tiktok|threads|youtube|facebook|fb|nextdoor|snapchat|pinterest|twitch|linktr)
        \.(?:com|net|tv|ee)|(?:t|fb)\.me)(?:/|%2F)
        (?:\#!/|@|%40|(?:user|c|channel|add|people|profile|stories|s)(?:/|%2F)|profile\.php\?id=)?
        (?!(?:i|intent|search|hashtag|share|sharer|watch|shorts|p|reel|groups|home|explore|status)\b)
    |bsky\.app/profile/|linkedin\.com/in/|reddit\.com/(?:u|user)/|screen_name=@?
    |https?://[\w.-]+/(?:@|%40|users/)
    )(did:[a-z]+:[\w.:-]*\w|[\w.-]*\w(?:@[\w.-]+)?)"""
)
# What each of them holds, and few texts besides: it takes a tenth of the time to see that there is none. The signs
# stand before the looks back from them, as above.
_SIGN_OF_PROFILE = re.compile(
    r"(?i)\.(?<!twimg\.)(?:com|net|tv|ee|me|app)(?:/|%2F)|=(?<=screen_name=)|/(?:@|%40|users/)"
)
# How X's own links begin, to pages and to pictures: their slashes lead to no handle.
_SHORT_LINK, _PICTURE = "https://t.co/", "https://pbs.twimg.com/media/"
# Shorter ones are ordinary words too often; with an @ before them they are hidden all the same.
_SHORTEST_BARE = 4


class Sealer:
    """Seals, opens and pseudonymises with the keys given, newest first.

    The first key seals, every key opens, the last one makes the pseudonyms: put a new key in front and keep the
    oldest at the end, and nothing becomes unreadable.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {hashlib.sha256(b"id" + key).digest()[:4]: AESGCM(_derived(key, b"seal")) for key in keys}
        self._newest = next(iter(self._ciphers))
        self._cipher = self._ciphers[self._newest]
        self._pseudonym_key = HMAC(_derived(keys[-1], b"pseudonym"), SHA256())
        self._pseudonym_of = lru_cache(maxsize=2**14)(self._mac)

    def seal(self, value: str, source: str, source_id: str, column: str = "post.author_sealed") -> bytes:
        """Opens again only for the same column, source and id: a sealed value cannot be moved to another row."""
        nonce = os.urandom(12)
        return self._newest + nonce + self._cipher.encrypt(nonce, value.encode(), _where(column, source, source_id))

    def unseal(self, sealed: bytes, source: str, source_id: str, column: str = "post.author_sealed") -> str:
        """Raises ConfigError when the key is not among ours, or the value belongs to another row."""
        cipher = self._ciphers.get(bytes(sealed[:4]))
        if cipher is None:
            raise ConfigError(
                f"A stored name was sealed with a key that {VARIABLE} no longer holds; add it at the end."
            )
        try:
            return cipher.decrypt(bytes(sealed[4:16]), bytes(sealed[16:]), _where(column, source, source_id)).decode()
        except InvalidTag:
            raise ConfigError("A stored name cannot be opened: it was changed, or moved from another row.") from None

    def seal_bytes(self, data: bytes, column: str, source: str) -> bytes:
        """As `seal`, for what belongs to a source as a whole."""
        nonce = os.urandom(12)
        return self._newest + nonce + self._cipher.encrypt(nonce, data, _where(column, source, ""))

    def unseal_bytes(self, sealed: bytes, column: str, source: str) -> bytes:
        """As `unseal`."""
        cipher = self._ciphers.get(sealed[:4])
        if cipher is None:
            raise ConfigError(f"What was kept on disk was sealed with a key that {VARIABLE} no longer holds; add it.")
        try:
            return cipher.decrypt(sealed[4:16], sealed[16:], _where(column, source, ""))
        except InvalidTag:
            raise ConfigError("What was kept on disk cannot be opened: it was changed, or moved.") from None

    def pseudonym(self, handle: str) -> str:
        """The same for every spelling of a handle; not reversible without the key. 32 hexadecimal digits."""
        return self._pseudonym_of(handle.lower())

    def number(self, name: str) -> int:
        """The same for this name and key, not reversible without it: 64 bits, signed, as databases keep them."""
        return int.from_bytes(bytes.fromhex(self._mac(name)[:16]), signed=True)

    def _mac(self, name: str) -> str:
        mac = self._pseudonym_key.copy()
        mac.update(name.encode())
        return mac.finalize().hex()[:32]


def load(config: Config) -> Sealer:
    """The keys of `$CONNECTOR_KEY` (base64 of 32 bytes each, by comma); the demo makes itself a file of mode 600."""
    written = os.environ.get(VARIABLE, "")
    if not written and config.is_demo:
        written = _demo_key(config.home / "demo.key")
    if not written:
        raise ConfigError(
            f"{VARIABLE} is not set: names cannot be sealed. Make a key with "
            '`python -c "import secrets,base64;print(base64.b64encode(secrets.token_bytes(32)).decode())"` '
            "and keep it where the database is not."
        )
    try:
        keys = [base64.b64decode(part, validate=True) for part in written.split(",")]
    except ValueError:
        keys = [b""]
    if any(len(key) != 32 for key in keys):
        raise ConfigError(f"{VARIABLE} must hold base64 of 32 bytes; several keys are separated by commas.")
    return Sealer(keys)


def _demo_key(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    with os.fdopen(handle, "w") as out:
        out.write(key)
    return key


def _derived(key: bytes, purpose: bytes) -> bytes:
    return hmac.new(key, b"connector/" + purpose, hashlib.sha256).digest()


def _where(column: str, source: str, source_id: str) -> bytes:
    return "\0".join((column, source, source_id)).encode()


class Hiding:
    """Replaces the handles of one post by placeholders; `handles` is what they point to, sealed with the author.

    `own` accounts (lower case) stay in clear. One `Hiding` serves every text and link of one post.
    """

    __slots__ = ("_names", "_number", "_own")

    def __init__(self, known: Iterable[str], own: frozenset[str]) -> None:
        self._number: dict[str, int] = {}
        self._own = own
        self._names = [
            name for handle in known if len(handle) >= _SHORTEST_BARE and (name := handle.lower()) not in own
        ]

    @property
    def handles(self) -> list[str]:
        return list(self._number)

    def hide(self, text: str) -> str:
        """The text with `@handle`, profile links and known handles hidden; foreign placeholders are defused."""
        if not text:
            return text
        if OPEN in text or CLOSE in text:
            text = text.translate(_FOREIGN_MARKS)
        if "@" in text or "\uff20" in text:
            text = _MENTION.sub(self._placeholder, text)
        if _may_hold_profile(text):
            text = _PROFILE.sub(self._placeholder, text)
        if self._names:
            lower = text.lower()
            if found := [name for name in self._names if name in lower]:
                text = _any_of(found).sub(self._placeholder, text)
        return text

    def _placeholder(self, found: re.Match[str]) -> str:
        """What was found, its handle hidden: the pattern's group, or all of it."""
        group = found.lastindex or 0
        handle = found[group]
        if handle.lower() in self._own:
            return found[0]
        number = self._number.setdefault(handle, len(self._number))
        start = found.start(group) - found.start(0)
        return f"{found[0][:start]}{OPEN}{number}{CLOSE}{found[0][start + len(handle) :]}"


def _may_hold_profile(text: str) -> bool:
    """Asked first, since `_PROFILE` is slow: each of its alternatives needs one of these, or a slash of its own."""
    if "%" in text or "=" in text or ("/" in text and _has_own_slash(text)):
        return _SIGN_OF_PROFILE.search(text) is not None
    return False


def _has_own_slash(text: str) -> bool:
    return "/@" in text or text.count("/") != 3 * text.count(_SHORT_LINK) + 4 * text.count(_PICTURE)


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(
        r"(?i)(?:(?<![^\W_])|(?<=%[0-9A-F]{2}))(?:" + "|".join(map(re.escape, longest_first)) + r")(?![^\W_])"
    )


def reveal(text: str, handles: Sequence[str]) -> str:
    """The text as it was written; for the reviewer's card alone."""
    return PLACEHOLDER.sub(lambda m: handles[int(m[1])] if int(m[1]) < len(handles) else "…", text)


def mask(text: str) -> str:
    """The text for everybody else: a handle is an ellipsis."""
    return PLACEHOLDER.sub("…", text)
