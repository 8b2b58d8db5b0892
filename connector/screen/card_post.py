"""The leading post on the card: its text with the reasons marked, who wrote it, whether it can be answered, photos.

Words of rules are yellow, the place is underlined, danger is red, and what is personal stands in a dashed box, which
copying leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from connector import screen, sources
from connector.errors import ConnectorError
from connector.models import Post, Suspect
from connector.screen import card_photos
from connector.screen.card_names import NOBODY, Names
from connector.store import queue
from connector.triage import personal, urgency


def post(found: queue.Card, names: Mapping[int, Names]) -> None:
    """What it says, in the largest letters of the page; below it who says so and why it is here."""
    suspect = found.suspect
    if not found.posts:
        st.markdown(":gray[Its posts were deleted by their authors.]")
        return
    lead, first = found.posts[0], found.posts[0].post
    who = names.get(first.id or 0, NOBODY)
    paragraphs = [marked(lead, who, suspect.place_words, danger=bool(suspect.urgent))]
    if first.quoted_text:
        paragraphs.append([("quotes  ", "by"), (who.reveal(first.quoted_text), "")])
    if first.edits:
        paragraphs.append([("edited, was  ", "by"), (who.reveal(first.edits[-1].get("text", "")), "by")])
    screen.posts(paragraphs, large=True)
    _by(lead, who, suspect.id or 0)
    st.markdown(_why(suspect))
    card_photos.photos(suspect.id or 0, lead, who)


def marked(
    one: queue.CardPost, who: Names, place: str = "", by: str = "", danger: bool = False
) -> list[tuple[str, str]]:
    """A post's text, cut at its reasons."""
    text = who.reveal(one.post.text)
    country, where = screen.house().config.city.country, who.reveal(place)
    spans = [(start, end, "personal") for start, end, _ in personal.spans(text, country, where)]
    if danger and (told := urgency.find(text)):
        spans.insert(0, (told.start, told.end, "danger"))
    return screen.pieces(text, [who.reveal(word) for word in one.words if word], where, by, spans)


def _by(lead: queue.CardPost, who: Names, suspect_id: int) -> None:
    first = lead.post
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.badge(screen.SOURCES.get(lead.kind, lead.kind.capitalize()), color="gray")
        if first.kind != "post":
            st.badge(first.kind.capitalize(), color="gray")
        if first.lang and first.lang != "en":
            st.badge(screen.LANGUAGES.get(first.lang, "Other language"), color="gray")
        _answerable(lead.kind, first)
        if first.media:
            st.badge(_media(first), color="gray")
        if first.edits:
            st.badge("Edited", color="orange", icon=":material/edit:")
        screen.byline(f"{who.author or 'Author not shown'} · {screen.clock(first.posted_at)}")
        if who.link:
            st.link_button("Open post", who.link, type="tertiary", icon=":material/open_in_new:", width="content")
        st.page_link(
            "history.py", label="History", icon=":material/history:", query_params={"find": f"suspect {suspect_id}"}
        )


def _media(post: Post) -> str:
    """What hangs on the post: "Photo", "3 videos"."""
    media = post.media or []
    kinds = {"photo": "photo", "video": "video", "animated_gif": "film"}
    shown = kinds.get(media[0].get("kind", ""), "file")
    return f"{len(media)} {shown}s" if len(media) > 1 else shown.capitalize()


def _answerable(kind: str, post: Post) -> None:
    if kind == "sample":
        st.badge("Demo post, no answer", color="gray", icon=":material/block:")
    elif not answers(kind):
        st.badge("No answer from here", color="gray", icon=":material/block:")
    elif post.reply_settings in ("", "everyone"):
        st.badge("Can be answered", color="green", icon=":material/reply:")
    else:
        st.badge("No answer: author limits them", color="orange", icon=":material/block:")


def answers(kind: str) -> bool:
    """Whether posts of this kind of source can be answered from here."""
    try:
        return not sources.capabilities(kind).answers.startswith(("no", "not"))
    except (ConnectorError, LookupError, ImportError):
        return False


def _why(suspect: Suspect) -> str:
    """One person or several, and what brought it here."""
    reasons = suspect.why or []
    rule = next((reason["rule"] for reason in reasons if "rule" in reason), "")
    hand = next((reason for reason in reasons if "by_hand" in reason), None)
    said = []
    if hand:
        came = [hand["came_from"]] if hand["came_from"] != "Other" else []
        said += [screen.escaped(text) for text in (f"added by hand by {hand['by_hand']}", *came)]
    if rule:
        share = f", {suspect.score:.0%} accepted" if suspect.score is not None else ""
        said.append(f"rule “{screen.escaped(rule)}”{share}")
    if suspect.people == 1:
        return f"1 person :gray[· {' · '.join(said)}]" if said else "1 person"
    return f":gray[{' · '.join(said)}]"
