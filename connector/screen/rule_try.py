"""Below a rule's editor: a post is pasted, and every part of the rule says whether it is true, and by which words.

Nothing of it is stored. `connector/rules/explain.py` takes the rule apart; what the pasted text cannot tell, such as
who wrote it, is unknown, as it would be on a source that does not say.
"""

from __future__ import annotations

import re

import streamlit as st

from connector import screen
from connector.addpost import LONGEST
from connector.incoming import Detail, Incoming, Media
from connector.rules.explain import Explainer, Part
from connector.rules.operators import LOCAL, SEARCH, STREAM
from connector.rules.reading import Truth
from connector.screen.rule_posts import marked

_READ_BY = {LOCAL: "Any source but X", STREAM: "X's stream", SEARCH: "X's search"}
_TRUTHS: dict[Truth, tuple[str, str]] = {
    True: (":green[:material/check:]", "true"),
    False: (":red[:material/close:]", "false"),
    None: (":orange[:material/question_mark:]", "unknown"),
}
_LINK = re.compile(r"https?://\S+")
_MENTION = re.compile(r"(?<!\w)@(\w+)")


def pasted(rule_id: int, expression: str) -> None:
    """A box for a post; below it why the wording meets it, or not."""
    text = st.text_area(
        "Post", key=f"rule_{rule_id}_tried", height=96, placeholder="Paste or write a post here",
        persist_state="session",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        read_by = st.selectbox(
            "As it is read by", list(_READ_BY), format_func=_READ_BY.__getitem__, key="tried_surface", width=170
        )
        languages = {"": "not known", **screen.LANGUAGES}
        lang = st.selectbox("Language", list(languages), format_func=languages.__getitem__, key="tried_lang", width=130)
        photo = st.checkbox("With a photo", key="tried_photo")
    if not text or not text.strip():
        return
    if len(text) > LONGEST:
        st.markdown(f":gray[Looked at: the first {LONGEST:,} characters.]")
        text = text[:LONGEST]
    parts = Explainer(expression, read_by).parts(_post(text, lang, photo))
    whole = parts[0]
    words = [word for part in parts if part.truth is True for word in part.words]
    against = [word for part in parts if part.truth is False for word in part.words]
    st.markdown(f"{_TRUTHS[whole.truth][0]} **{_SAID[whole.truth]}**")
    screen.posts([marked(text, words, against)])
    with st.container(gap="xxsmall"):
        for part in parts[1:] or parts:
            _line(part)


_SAID: dict[Truth, str] = {
    True: "The rule meets this post",
    False: "The rule does not meet this post",
    None: "The rule does not meet this post: what would decide it is not known",
}


def _post(text: str, lang: str, photo: bool) -> Incoming:
    detail = Detail(mentioned=_MENTION.findall(text), urls=_LINK.findall(text), media=[Media("photo")] if photo else [])
    return Incoming("", text, lang, b"", detail)


def _line(part: Part) -> None:
    """One part of the rule: its truth, its writing, the words that did it."""
    sign, said = _TRUTHS[part.truth]
    group = {"all": "all of: ", "any": "any of: ", "": ""}[part.joined]
    with st.container(horizontal=True, gap="xsmall"):
        if part.depth > 1:
            st.space(16 * (part.depth - 1))
        st.markdown(f"{sign} :gray[{said}]", width="content")
        st.text(screen.shortened(group + part.text, 58), width="content")
        if part.words and not part.joined:
            st.text(f"· {', '.join(part.words)}", width="content")
