"""The card of a suspect: what, says who, where, is it known already, who else, and what Accept sends.

The one place where names and handles are opened; everything a post says is shown as text. `pages/review.py` draws it
beside the list of `queue_list.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import streamlit as st

from connector import screen, sealing, sources
from connector.errors import ConnectorError
from connector.models import DeliveryStatus, Post, RequestType, Suspect, SuspectStatus
from connector.screen import maps
from connector.store import queue, tickets

HEIGHT = 626
"""Of list and card: with the header above and the actions below it fills 900 px."""
EVIDENCE = {
    "geotag": "from the post's own geotag",
    "intersection": "from the underlined words: two streets that meet",
    "address": "from the underlined words: a house number",
    "street": "from the underlined words: a street, its middle",
    "landmark": "from the underlined words: a landmark",
    "by hand": "set by hand",
}
WAYS = {"open311": "goes to the 311 desk", "email": "goes by e-mail", "outbox": "goes to the outbox"}


@dataclass(frozen=True, slots=True)
class Shown:
    """What the card shows of a suspect, so that a key decides exactly this."""

    id: int
    version: int
    what: str
    type_code: str
    open: bool
    parked: bool
    others: tuple[str, ...]
    """Codes of the other types whose rules matched too."""


def card(suspect_id: int | None) -> Shown | None:
    """The suspect in reading order; returns what a key may decide."""
    with screen.reading() as session:
        found = queue.card(session, suspect_id or 0)
        if not found:
            return None
        suspect, kind = found.suspect, found.type
        known = [*(earlier.id for earlier in queue.similar(session, suspect)), suspect.follows_id]
        filed = tickets.by_suspects(session, [id_ for id_ in dict.fromkeys(known) if id_])
        matched = queue.types_of(session, suspect)
    with st.container(border=True, height=screen.pane(HEIGHT), gap="small", key=f"card_{suspect.id}"):
        _what(suspect, kind)
        _who(found)
        _where(suspect)
        _known(filed)
        _others(found)
        if suspect.status in (SuspectStatus.WAITING, SuspectStatus.PARKED):
            with st.expander("What Accept sends", type="compact", icon=":material/outgoing_mail:"):
                st.text_area("Description", _sends(found), key=_typed(suspect), height=90, persist_state="session")
        if kind.belongs or kind.not_belongs:
            belongs = [(text, screen.escaped(said.rstrip("."))) for text, said in (
                ("Belongs here", kind.belongs), ("Not", kind.not_belongs)) if said]  # fmt: skip
            st.markdown(":gray[" + " ".join(f"**{text}:** {said}." for text, said in belongs) + "]")
    what = ", ".join(filter(None, (kind.title, suspect.place)))
    is_open = suspect.status in (SuspectStatus.WAITING, SuspectStatus.PARKED)
    parked = suspect.status == SuspectStatus.PARKED
    others = tuple(code for code in matched if code != kind.code)
    return Shown(suspect.id or 0, suspect.version, what, kind.code, is_open, parked, others)


def _what(suspect: Suspect, kind: RequestType) -> None:
    channel = screen.house().config.channels.get(kind.channel)
    way = WAYS.get(channel.kind, f"goes to {kind.channel}") if channel else "has no way out: see Settings"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header(screen.escaped(kind.title), width="content", anchor=False)
        if suspect.urgent:
            st.badge("Urgent", color="red", icon=":material/warning:")
        if suspect.status != SuspectStatus.WAITING:
            by = f" by {suspect.decided_by}" if suspect.decided_by else ""
            st.badge(screen.escaped(f"{suspect.status.capitalize()}{by}"), color="gray")
        facts = [screen.escaped(text) for text in (kind.department, screen.due_in(kind.due_hours), way) if text]
        st.markdown(f":gray[{' · '.join(facts)}]", width="content")
    if suspect.returned_because and suspect.status == SuspectStatus.WAITING:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge("Came back", color="orange", icon=":material/undo:")
            st.text(suspect.returned_because, width="content")


def _who(found: queue.Card) -> None:
    suspect = found.suspect
    if not found.posts:
        st.markdown(":gray[Its posts were deleted by their authors.]")
        return
    lead, first = found.posts[0], found.posts[0].post
    names = _names(first)
    paragraphs = [_marked(lead, names, suspect.place_words)]
    if first.quoted_text:
        paragraphs.append([("quotes  ", "by"), (sealing.reveal(first.quoted_text, names["handles"]), "")])
    if first.edits:
        paragraphs.append([("edited, was  ", "by"), (first.edits[-1].get("text", ""), "by")])
    screen.posts(paragraphs, large=True)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.badge(screen.SOURCES.get(lead.kind, lead.kind.capitalize()), color="gray")
        if first.kind != "post":
            st.badge(first.kind.capitalize(), color="gray")
        if first.lang and first.lang != "en":
            st.badge(screen.LANGUAGES.get(first.lang, "Other language"), color="gray")
        _answerable(lead.kind, first)
        if first.media:
            st.badge(_media(first.media), color="gray")
        if first.edits:
            st.badge("Edited", color="orange", icon=":material/edit:")
        wrote = " ".join(filter(None, (names["name"], f"@{names['handle']}" if names["handle"] else "")))
        screen.byline(f"{wrote or 'Author unknown'} · {screen.clock(first.posted_at)}")
        if link := _link(lead.kind, first, names["handles"]):
            st.link_button("Open post", link, type="tertiary", icon=":material/open_in_new:", width="content")
    st.markdown(_people(suspect))


def _media(media: Sequence[dict[str, Any]]) -> str:
    """What hangs on the post: "Photo", "3 videos"."""
    kinds = {"photo": "photo", "video": "video", "animated_gif": "film"}
    shown = kinds.get(media[0].get("kind", ""), "file")
    return f"{len(media)} {shown}s" if len(media) > 1 else shown.capitalize()


def _link(kind: str, post: Post, handles: Sequence[str]) -> str:
    """By the kind's pattern, else the one that came with the post; it is stored without the handles in it."""
    own = sealing.reveal(str((post.entities or {}).get("link", "")), handles)
    try:
        return sources.permalink(kind, post.version_id or post.source_id) or own
    except (ConnectorError, LookupError):
        return own


def _names(post: Post) -> dict[str, Any]:
    """Author and handles of a post, opened for the reviewer; a lost key leaves dots, not an error."""
    empty: dict[str, Any] = {"handle": "", "name": "", "handles": []}
    if not post.author_sealed:
        return empty
    try:
        opened = screen.house().sealer.unseal(post.author_sealed, post.source, post.source_id)
        return empty | dict(msgspec.json.decode(opened))
    except (ConnectorError, msgspec.DecodeError):
        return empty


def _marked(one: queue.CardPost, names: dict[str, Any], place: str = "", by: str = "") -> list[tuple[str, str]]:
    def reveal(text: str) -> str:
        return sealing.reveal(text, names["handles"])

    return screen.pieces(reveal(one.post.text), [reveal(word) for word in one.words if word], reveal(place), by)


def _answerable(kind: str, post: Post) -> None:
    try:
        answers = sources.capabilities(kind).answers
    except (ConnectorError, LookupError):
        answers = "no"
    if kind == "sample":
        st.badge("Demo post, no answer", color="gray", icon=":material/block:")
    elif answers.startswith(("no", "not")):
        st.badge("No answer from here", color="gray", icon=":material/block:")
    elif post.reply_settings in ("", "everyone"):
        st.badge("Can be answered", color="green", icon=":material/reply:")
    else:
        st.badge("No answer: author limits them", color="orange", icon=":material/block:")


def _people(suspect: Suspect) -> str:
    reasons = suspect.why or []
    why = next((reason["rule"] for reason in reasons if "rule" in reason), "")
    hand = next((reason for reason in reasons if "by_hand" in reason), None)
    told = [f"**{suspect.people} people**", f"first {screen.clock(suspect.first_posted_at)}"]
    said = [*(told if suspect.people > 1 else ["1 person"])]
    if hand:
        came = [hand["came_from"]] if hand["came_from"] != "Other" else []
        said += [screen.escaped(text) for text in (f"added by hand by {hand['by_hand']}", *came)]
    if why:
        share = f", {suspect.score:.0%} accepted" if suspect.score is not None else ""
        said.append(f"rule “{screen.escaped(why)}”{share}")
    return f"{said[0]} :gray[· {' · '.join(said[1:])}]" if said[1:] else said[0]


def _where(suspect: Suspect) -> None:
    if not suspect.place:
        st.markdown(":material/wrong_location: **No place yet** :gray[· neither the text nor a geotag says where]")
        return
    left, right = st.columns([1, 1], gap="medium", vertical_alignment="center")
    facts = " · ".join(
        screen.escaped(text) for text in (suspect.district, EVIDENCE.get(suspect.place_method, "")) if text
    )
    with left:
        st.markdown(f":material/location_on: **{screen.escaped(suspect.place)}**  \n:gray[{facts}]")
    with right, st.container(height=124, border=False):  # a fixed place: nothing jumps when the map is drawn
        if suspect.lat is not None and suspect.lon is not None:
            maps.small_map(suspect.lat, suspect.lon, 110, suspect.place)


def _known(filed: Sequence[tickets.TicketRow]) -> None:
    shown = [row for row in reversed(filed) if row.status != DeliveryStatus.CANCELLED][:3]
    if not shown:
        return
    with st.container(gap="xxsmall"):
        st.markdown("**Similar tickets**")
        for row in shown:
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.badge(row.state, color=screen.STATE_COLOURS.get(row.state, "gray"))  # type: ignore[arg-type]
                st.text(f"{row.number or row.reference}, {row.place}, {screen.ago(row.since)}", width="content")
                st.page_link("tickets.py", label="See ticket", query_params={"find": row.reference})


def _others(found: queue.Card) -> None:
    others = found.posts[1:]
    if not others:
        return
    st.markdown(f"**{len(others)} more {'posts' if len(others) > 1 else 'post'}**")
    screen.posts(
        [
            _marked(
                one, _names(one.post), by=f"{screen.clock(one.post.posted_at)}  {screen.SOURCES.get(one.kind, '')}  "
            )
            for one in others
        ]
    )


def _typed(suspect: Suspect) -> str:
    return f"send_{suspect.id}_{suspect.version}"


def _sends(found: queue.Card) -> str:
    posts = sorted((one.post for one in found.posts if not one.post.gone_at), key=lambda post: post.posted_at)
    return "\n\n".join(sealing.mask(post.text) for post in posts[:5])


def typed(shown: Shown) -> str | None:
    """What the reviewer wrote for the ticket; None when the posts' own words stand."""
    text = str(st.session_state.get(f"send_{shown.id}_{shown.version}") or "").strip()
    with screen.reading() as session:
        found = queue.card(session, shown.id)
    return text if text and found and text != _sends(found).strip() else None
