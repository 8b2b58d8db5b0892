"""Posts that staff add by hand: from Nextdoor, a private group, a telephone call.

It reads nothing by itself; it is there so that such posts have a source that says what it can do. `post` makes one of
what was pasted, for `connector/addpost.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from connector.incoming import Batch, Detail, Fact, Incoming
from connector.sources import PLAIN, Capabilities, Source, Stopping
from connector.sources._text import handles_in, hashtags, links, mentions, web_address

_WELL = 20.0  # seconds
CAPABILITIES = Capabilities(
    reads="posts that staff add by hand: Nextdoor, a private group, a phone call",
    answers="no; whoever took it answers there",
    deletions="not told",
    terms="add only what concerns a request; names of residents do not belong into the text",
    tells=PLAIN - {Fact.AUTHOR, Fact.LANGUAGE, Fact.MEDIA},
)


class Manual(Source):
    """Takes what people add in the Queue; nothing is read from anywhere."""

    title = "Added by hand"
    capabilities = CAPABILITIES

    def events(self, cursor: str, stopping: Stopping) -> Iterator[Batch]:
        """Never any."""
        while not stopping(_WELL):
            yield Batch([], cursor)


def post(text: str, link: str, at: datetime) -> Incoming:
    """What was pasted, as a post; the same text with the same link is the same post. ValueError says what is wrong."""
    text, link = text.replace("\0", "").strip(), link.strip()
    if not text:
        raise ValueError("There is no text yet: paste what was written, or write what was said.")
    if link and not web_address(link):
        raise ValueError("The link is no address of a page: it begins with https://, or stays empty.")
    same = hashlib.blake2b("\0".join((" ".join(text.split()), link)).encode(), digest_size=12).hexdigest()
    detail = Detail(
        posted_at=at, mentioned=mentions(text), people=handles_in(link), hashtags=hashtags(text), urls=links(text),
        link=link,
    )  # fmt: skip
    return Incoming(f"hand-{same}", text, "", b"", detail)
