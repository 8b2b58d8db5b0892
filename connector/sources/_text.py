"""What a text says of itself, for sources that bring little more than a text: mentions, hashtags, links.

Asked by `file/`, `manual.py` and `facebook/`; other platforms tell it beside the text.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from connector.sealing import Hiding

_MENTION = re.compile(r"(?<![\w.+-])@(\w(?:[\w.-]*\w)?(?:@[\w-]+(?:\.[\w-]+)+)?)")
_HASHTAG = re.compile(r"(?<!\w)#(\w*[^\W\d_]\w*)")
_LINK = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_LONGEST_LINK = 2000


def mentions(text: str) -> list[str]:
    """Handles without `@`, each once."""
    return list(dict.fromkeys(_MENTION.findall(text)))


def hashtags(text: str) -> list[str]:
    """Without `#`, each once."""
    return list(dict.fromkeys(_HASHTAG.findall(text)))


def links(text: str) -> list[str]:
    """Addresses in the text, without the sentence's own punctuation behind them."""
    return list(dict.fromkeys(link.rstrip(".,;:!?)]}'’”") for link in _LINK.findall(text)))


def web_address(text: str) -> str:
    """The address of a page as it was given; empty if it is none."""
    text = text.strip()
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    is_one = parts.scheme.lower() in ("http", "https") and parts.hostname and len(text) <= _LONGEST_LINK
    return text if is_one and not re.search(r"[\s<>\"\x00-\x1f]", text) else ""


def handles_in(address: str) -> list[str]:
    """Handles that stand in an address, such as that of a profile: to be hidden wherever else they stand."""
    hiding = Hiding((), frozenset())
    hiding.hide(address)
    return hiding.handles
