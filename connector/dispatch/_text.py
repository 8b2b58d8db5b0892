"""Text from outside, made harmless before it goes into a ticket, a header or a sentence on the screen.

The adapters and their helpers call these; nothing here knows a channel. Read on in `_http.py`, which quotes a
server's answer, and in `_mail.py`, which writes headers.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import unquote

TURNERS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Characters that turn the direction of what follows them (Unicode UAX 9), and the byte order mark."""
HANDLE = re.compile(r"(?<![\w@])@\w[\w.-]*")
ECHO = 3
"""So many words in a row out of a post are an echo of it, not a coincidence."""


def plain(text: str) -> str:
    """The text with its line ends as line feeds, without control, direction and unpaired surrogate characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(
        c for c in lines if c in "\n\t" or (unicodedata.category(c) not in ("Cc", "Cs") and c not in TURNERS)
    )


def one_line(text: str, limit: int = 200) -> str:
    """The text on one line, every white space a single blank, at most `limit` characters."""
    return shortened(" ".join(plain(text).split()), limit)


def shortened(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, the count of the pickiest server, with an ellipsis where something is missing."""
    if units(text) <= limit:
        return text
    if limit < 1:
        return ""
    return text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore").rstrip() + "…"


def units(text: str) -> int:
    """Length in UTF-16 units: an emoji counts twice, as in Java, C# and JavaScript."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def quoted(words: str, secrets: Iterable[str] = (), posts: Iterable[str] = (), limit: int = 240) -> str:
    """Their words, fit for an error message: on one line, trimmed, without secrets, handles or what residents wrote."""
    said = one_line(unquote(html.unescape(words)), 2_000)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "…")
    for post in posts:
        said = _without_echo(said, one_line(html.unescape(post), 100_000))
    return shortened(HANDLE.sub("@…", said).strip(), limit)


def _without_echo(said: str, post: str) -> str:
    """`said` with every run of `ECHO` words that also stands in the post cut out, or the whole of a shorter post."""
    if 0 < len(post.split()) < ECHO:
        return said.replace(post, "…")
    words = [word.lower() for word in re.findall(r"\w+", post)]
    runs = {tuple(words[at : at + ECHO]) for at in range(len(words) - ECHO + 1)}
    found = list(re.finditer(r"\w+", said))
    echo: set[int] = set()
    for first in range(len(found) - ECHO + 1):
        run = found[first : first + ECHO]
        if tuple(word[0].lower() for word in run) in runs:
            echo.update(range(run[0].start(), run[-1].end()))
    return re.sub("\0+", "…", "".join("\0" if at in echo else c for at, c in enumerate(said)))
