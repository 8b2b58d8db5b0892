"""The history page's pieces: what is asked for, one post's story in one column, and what it means to find nothing.

`pages/history.py` puts them together; the lines stand in `history_lines.py`. It is drawn to be printed: no frame that
scrolls, nothing beside anything, every fact as text.
"""

from __future__ import annotations

import streamlit as st

from connector import finding, screen, sealing, sources
from connector.collect.alerts import CAUSES
from connector.errors import ConnectorError
from connector.models import Gap, GapState, Post, now
from connector.screen import card_names
from connector.screen.card_names import NOBODY, Names
from connector.screen.history_lines import Line, lines, moment, stands
from connector.store import history
from connector.store.history import Around, Found, Pasted, Story

_KEY, _TOLD, _HANDED = "History of", "_history_told", "_history_handed"
_WIDTH = 820
"""Pixels: about what a sheet of paper holds."""
_STATES = {
    GapState.OPEN: "not filled yet: see Sources",
    GapState.FILLED: "filled since",
    GapState.LOST: "its posts cannot be had any more",
}


def open_for(text: str) -> None:
    """Go to the page with this pasted; not by the address, since a link may hold a handle."""
    st.session_state[_HANDED] = text
    st.switch_page("history.py")


def asked() -> Pasted | None:
    """Title and field; what is looked for: handed over by another page, told by the address, or pasted here."""
    session, told = st.session_state, st.query_params.get("find", "")
    if told == session.get(_TOLD) and _KEY in session:
        told = ""
    if handed := session.pop(_HANDED, "") or told:
        session[_KEY] = handed
    with st.container(horizontal=True):
        st.title("What happened to this complaint?", width="content", anchor=False)
    text = st.text_input(
        "Find a post", key=_KEY, type="search", icon=":material/search:", label_visibility="collapsed", width=_WIDTH,
        placeholder="Link of a post, SC-…, ticket number, or “suspect 123”",
    )  # fmt: skip
    if text and text.strip():
        return finding.read(text, screen.house().config, screen.house().sealer)
    _address("")
    st.markdown(
        ":gray[Paste the link of a post, our reference, the ticket's number or a suspect's id: you get the whole way "
        "of that post, whatever became of it, on one page that can be printed.]",
        width=_WIDTH,
    )
    return None


def _address(find: str) -> None:
    """What a link to this page needs; never what was pasted."""
    st.session_state[_TOLD] = find
    if st.query_params.to_dict() != ({"find": find} if find else {}):
        st.query_params.from_dict({"find": find} if find else {})


def found(pasted: Pasted) -> list[Found]:
    """The posts that fit."""
    with screen.reading() as session:
        posts = history.find(session, pasted)
    _address(_spelled(posts[0]) if len(posts) == 1 else "")
    return posts


def _spelled(one: Found) -> str:
    return f"suspect {one.suspect_id}" if one.suspect_id else f"post {one.post_id}"


def choose(posts: list[Found]) -> None:
    """Several fit: each leads to its own story."""
    with screen.reading() as session:
        texts = history.texts(session, [one.post_id for one in posts])
    st.text(f"{len(posts)} posts fit:")
    for one in posts:
        _leads(texts[one.post_id], _spelled(one))


def _leads(post: Post, spelled: str) -> None:
    text = screen.shortened(sealing.mask(post.text), 160) or "Its text was erased."
    with st.container(gap=None, width=_WIDTH):
        screen.posts([[(f"{moment(post.posted_at)}  ", "by"), (text, "")]])
        # No link: to the page that is shown, Streamlit draws it as the chosen one.
        if st.button(f"Its story: {spelled}", key=f"to_{spelled}", type="tertiary", icon=":material/history:"):
            open_for(spelled)


# -- the story -----------------------------------------------------------------------------------------------------


def story(one: Found) -> None:
    """Where it stands, what it says, everything that happened, and who told of the same."""
    with screen.reading() as session:
        told = history.story(session, one.post_id, one.suspect_id, audit=screen.allowed(screen.Right.PEOPLE))
        if told is None:
            return
        others = history.together(session, [join.suspect_id for join in told.joins], one.post_id)
    names = _names(told)
    with st.container(width=_WIDTH, gap="small", key=f"story_{one.post_id}"):
        screen.posts([[(stands(told), "")]])
        _said(told, names)
        _ways(told)
        st.header("What happened", anchor=False)
        screen.posts([_drawn(line) for line in lines(told, names.reveal)])
        if others:
            st.header("Told together with it", anchor=False)
            for post in others:
                _leads(post, f"post {post.id}")
        city = screen.house().config.city
        screen.byline(f"{city.name} · made by {screen.me()}, {moment(now())} · times of {city.timezone}")


def _names(told: Story) -> Names:
    """Opened for who may see them, which is written down at the newest suspect."""
    if not told.suspects:
        return NOBODY
    post = told.post
    return card_names.opened(max(told.suspects), [(post, told.kind)]).get(post.id or 0, NOBODY)


def _said(told: Story, names: Names) -> None:
    post = told.post
    if post.gone_at:
        return
    paragraphs = [[(names.reveal(post.text), "")]]
    if post.quoted_text:
        paragraphs.append([("quotes  ", "by"), (names.reveal(post.quoted_text), "")])
    screen.posts(paragraphs, large=True)
    facts = [names.author, screen.SOURCES.get(told.kind, told.kind.capitalize()), moment(post.posted_at)]
    screen.byline(" · ".join(filter(None, [*facts, f"post {post.id}", _permalink(told) or post.source_id])))


def _permalink(told: Story) -> str:
    """Handle-free, so that it may be printed."""
    try:
        return sources.permalink(told.kind, told.post.version_id or told.post.source_id)
    except (ConnectorError, LookupError):
        return ""


def _ways(told: Story) -> None:
    """To the pages where something can be done about it."""
    with st.container(horizontal=True, gap="small"):
        for id_ in told.suspects:
            st.page_link("review.py", label=f"Suspect {id_} in the queue", query_params={"id": str(id_)})
        for sent in told.dispatches:
            st.page_link("tickets.py", label=f"{sent.reference} in Tickets", query_params={"find": sent.reference})


def _drawn(line: Line) -> list[tuple[str, str]]:
    what = ": ".join(filter(None, (line.what, line.said)))
    return [(f"{moment(line.at)}  ", "by"), (what, ""), (f"  {line.by}", "by")]


# -- nothing is found ----------------------------------------------------------------------------------------------


def nothing(pasted: Pasted) -> None:
    """What it can mean, and where to look."""
    with st.container(width=_WIDTH, gap="small", key="nothing"):
        screen.posts([[("Nothing is stored under this.", "")]], large=True)
        if not (pasted.kind or pasted.link):
            st.text("No suspect, ticket, reference or post has this id. If it was read out, compare each sign.")
        else:
            _not_here(pasted)


def _not_here(pasted: Pasted) -> None:
    at, zone = pasted.written_at, screen.house().config.city.zone
    with screen.reading() as session:
        near = history.around(session, pasted.kind, at, at.astimezone(zone).date() if at else None)
    platform = screen.SOURCES.get(pasted.kind, "")
    if platform and not near:
        st.text(
            f"No source of this city reads {platform}. What is written there comes in only when somebody adds it by "
            "hand: Queue, Add a post."
        )
        return
    if at:
        st.text(f"By its number it was written {moment(at)}. It can be one of these:")
    else:
        st.text("It can be one of these:")
    st.text("1  The source never delivered it.")
    _gaps([one for one in near if one.kind == pasted.kind or not pasted.kind], pasted)
    st.text("2  It met no rule. Such posts are counted and not kept; try its text on the Rules page.")
    _counts(near, pasted)
    st.text("3  Its author deleted it before it came, or it was kept under another id.")
    if pasted.kind == "mastodon" or not pasted.kind:
        st.text("A Mastodon post has another number on each server: open it on the server that we read.")
    if pasted.kind == "facebook" and "pfbid" in pasted.text:
        st.text("A Facebook link with “pfbid” tells no number: find the post by a word of its text in the Queue.")
    if screen.house().config.is_demo:
        st.text(f"The demo keeps its last {screen.house().config.demo.keep:,} posts.")


def _gaps(near: list[Around], pasted: Pasted) -> None:
    if not pasted.written_at:
        st.text("Sources shows the gaps of each, if you know when it was written.")
        return
    screen.posts([[(_gap(one.name, gap), "")] for one in near for gap in one.gaps])
    if quiet := [one.name for one in near if not one.gaps]:
        st.text(f"No gap is known around that time: {', '.join(quiet)}.")


def _gap(source: str, gap: Gap) -> str:
    until = f"until {moment(gap.to_at)}" if gap.to_at else "and it lasts"
    why = f" ({CAUSES[gap.cause]})" if gap.cause in CAUSES else ""
    return f"{source} had a gap from {moment(gap.from_at)} {until}{why}; {_STATES[GapState(gap.state)]}."


def _counts(near: list[Around], pasted: Pasted) -> None:
    for one in near:
        if one.counted:
            read = sum(count for outcome, count in one.counted.items() if outcome != "deleted")
            none = one.counted.get("unmatched", 0)
            st.text(f"On that day {one.name} delivered {read:,} posts; {none:,} of them met no rule.")
