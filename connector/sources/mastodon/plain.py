"""The text of a post as a person reads it, from the HTML in which Mastodon hands it over.

Called by `post.py`. Whatever the HTML holds, what comes out is text and is shown as text.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

_PARAGRAPHS = {"p", "blockquote", "pre", "ul", "ol", "h1", "h2", "h3", "h4", "h5", "h6"}
_LINES = {"br", "div", "li"}
_UNSEEN = {"script", "style"}
_VOID = {"br", "hr", "img", "wbr"}


def plain(html: str) -> tuple[str, list[str]]:
    """The text, and the addresses of its links, each once; links to accounts and hashtags are none."""
    parser = _Plain()
    parser.feed(html)
    parser.close()
    text = re.sub(r" *\n *", "\n", "".join(parser.pieces)).strip()
    return re.sub(r"\n{3,}", "\n\n", text).replace("\0", "\ufffd"), list(dict.fromkeys(parser.links))


class _Plain(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.links: list[str] = []
        self._unseen: list[str] = []
        """Elements that are open and not shown, from the outermost."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        classes = (named.get("class") or "").split()
        # Servers repeat a quoted post's address in a paragraph for apps that know no quotes.
        if self._unseen or tag in _UNSEEN or "quote-inline" in classes:
            self._unseen += [] if tag in _VOID else [tag]
            return
        self._break(tag)
        if tag == "li":
            self.pieces.append("- ")
        address = named.get("href") or ""
        if tag == "a" and not {"mention", "hashtag"} & set(classes) and address.startswith(("http://", "https://")):
            self.links.append(address)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif not self._unseen and tag not in _VOID:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            # Only `br` and paragraphs end a line; a line end of the source is white space.
            self.pieces.append(re.sub(r"\s*[\r\n]\s*", " ", data))

    def _break(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self.pieces.append("\n\n")
        elif tag in _LINES:
            self.pieces.append("\n")
