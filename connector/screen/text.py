"""Outside text on a page: cut at its reasons, escaped, inside tags that are ours alone; never as Markdown.

The only module that writes HTML. Everything here is asked for as `screen.posts`, `screen.escaped` and so on, by the
other modules of this package; texts without a mark go by `st.text` or a dataframe's text cell as well.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import groupby

import streamlit as st

# Tags of outside text: no attribute is made from data, and the tints are translucent, so that they fit both themes.
_PARAGRAPH = (
    '<p dir="auto" style="margin:0;padding:{pad} 0;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45;'
    'font-size:{size};border-top:{line}">{body}</p>'
)
_TAGS = {
    "": "{}",
    "by": '<span style="opacity:.75">{}</span>',
    "word": '<mark style="background:rgba(255,190,0,.30);color:inherit;border-radius:3px;padding:0 2px">{}</mark>',
    "against": '<mark style="background:rgba(220,60,60,.22);color:inherit;border-radius:3px;padding:0 2px">{}</mark>',
    "gone": '<del style="background:rgba(220,60,60,.16);border-radius:3px">{}</del>',
    "new": '<ins style="background:rgba(40,160,90,.20);text-decoration:none;border-radius:3px">{}</ins>',
    "place": '<mark style="background:none;color:inherit;text-decoration:underline dotted 2px;'
    'text-underline-offset:4px">{}</mark>',
    "danger": '<mark style="background:rgba(220,60,60,.22);color:inherit;border-radius:3px;padding:0 2px;'
    'font-weight:600">{}</mark>',
    # Left out when the text is selected: what a resident told of themselves is not carried on by copying.
    "personal": '<mark title="Personal: not for the ticket" style="background:none;color:inherit;border-radius:3px;'
    'border:1px dashed;padding:0 2px;user-select:none;-webkit-user-select:none">{}</mark>',
}
Span = tuple[int, int, str]
"""From, to (without), and the sign of a part of a text."""


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def pieces(
    text: str, words: Sequence[str] = (), place: str = "", by: str = "", spans: Sequence[Span] = ()
) -> list[tuple[str, str]]:
    """Cut a text at its reasons; joined again, the pieces are the text. `words` meet whole tokens, any case.

    A word inside the place stays marked as a word: it is why the post is here. `spans` are laid over both.
    """
    why = [""] * len(text)
    if place and (start := text.find(place)) >= 0:
        why[start : start + len(place)] = ["place"] * len(place)
    for word in words:
        whole = rf"(?<!\w){re.escape(word)}(?!\w)" if word[:1].isalnum() and word[-1:].isalnum() else re.escape(word)
        for found in re.finditer(whole, text, re.IGNORECASE):
            why[found.start() : found.end()] = ["word"] * len(found[0])
    for start, end, sign in spans:
        why[start:end] = [sign] * len(why[start:end])
    out, at = [(by, "by")], 0
    for reason, same in groupby(why):
        end = at + sum(1 for _ in same)
        out.append((text[at:end], reason))
        at = end
    return [piece for piece in out if piece[0]]


def posts(items: Sequence[Sequence[tuple[str, str]]], large: bool = False) -> None:
    """Outside texts as text, reasons marked; with its two neighbours the only place where the pages write HTML."""
    out = []
    for number, parts in enumerate(items):
        body = "".join(_TAGS[why].format(html.escape(text)) for text, why in parts)
        size, pad = "1.125rem" if large else "1rem", "0" if len(items) == 1 else ".4rem"
        line = "1px solid rgba(128,128,128,.25)" if number else "0"
        out.append(_PARAGRAPH.format(body=body or "&nbsp;", size=size, pad=pad, line=line))
    if out:
        st.html("".join(out))


def byline(text: str) -> None:
    """Who wrote it and when, in quiet letters."""
    st.html(f'<p dir="auto" style="margin:0;font-size:.93rem;opacity:.75">{html.escape(text)}</p>', width="content")


def status(text: str, sign: str = "✓ ") -> None:
    """What just happened, where a screen reader hears of it."""
    tick = f'<span aria-hidden="true" style="opacity:.75">{html.escape(sign)}</span>'
    st.html(f'<p role="status" style="margin:0;font-size:1rem">{tick}{html.escape(text)}</p>', width="content")


def heard(text: str) -> None:
    """For screen readers alone: they tell when this changes, so it stands there empty before."""
    hidden = "position:absolute;width:1px;height:1px;margin:0;overflow:hidden;clip-path:inset(50%)"
    st.html(f'<p role="status" style="{hidden}">{html.escape(text)}</p>', width="content")


def escaped(text: str) -> str:
    """Outside text inside a Markdown sentence of ours: every sign that Markdown knows is taken literally.

    For short names from the settings alone (a type's title, a channel); posts go through `posts`.
    """
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&^=])", r"\\\1", text.replace("\n", " "))
