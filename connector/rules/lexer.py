"""A rule's text cut into signs, phrases, operators with their argument, and bare words; nothing is lost but blanks.

`parser.py` makes a tree of them, `complete.py` looks at the one under the cursor.
"""

from __future__ import annotations

import re

TOKEN = re.compile(
    r"""  (?P<open>\() | (?P<close>\)) | (?P<minus>-)
        | (?P<near>"(?:\\.|[^"\\])*"~[^\s()]*)
        | (?P<phrase>"(?:\\.|[^"\\])*")
        | (?P<unclosed>"(?s:.*))
        | (?P<foreign>'[^'"()]*'(?=[\s)]|\Z) | [“”„«][^“”»"()]*[“”»])
        | (?P<field>[A-Za-z_]+:(?:"(?:\\.|[^"\\])*" | \[[^\[\]()"]*\]? | [^\s()"]*))
        | (?P<chunk>[^\s()"]+)""",
    re.VERBOSE | re.DOTALL,
)
"""Each named group is a kind of token; a sign that is left out between two tokens is a blank."""


def cut(text: str) -> list[re.Match[str]]:
    """The tokens in order; the kind of each is its `lastgroup`."""
    return list(TOKEN.finditer(text))


def apart(text: str, start: int, end: int) -> bool:
    """Whether blanks, parentheses or a minus stand on both sides of this place."""
    before, after = text[start - 1 : start] if start else "", text[end : end + 1]
    return (not before or before.isspace() or before in "(-") and (not after or after.isspace() or after == ")")
