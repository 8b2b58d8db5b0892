"""The pieces of the Queue page: what is asked for and chosen, the list, the card, the row of actions at the bottom.

`pages/review.py` puts them together and says what each key does. The list is asked anew at every drawing, but shows
nothing newer than the newest suspect it started with and keeps everybody in place; who is on the card is an id in the
session, never a row number. Beside `screen.py` the only module here that knows Streamlit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pandas as pd
import streamlit as st

from connector import screen, sealing, sources
from connector.errors import ConnectorError
from connector.models import DeliveryStatus, DismissReason, Post, RequestType, Suspect, SuspectStatus, now
from connector.store import catalogue, queue, tickets

PAGE = 50
HEIGHT = 626
"""Of list and card: with the header above and the actions below it fills 900 px."""
POLL = 3
"""Seconds between two looks for new posts, and for what became of the last decision."""
REASONS: dict[str, str] = dict(
    zip(DismissReason, ("No problem", "Elsewhere", "Joke", "News, ad", "Fixed"), strict=True)
)
EVIDENCE = {
    "geotag": "from the post's own geotag",
    "intersection": "from the underlined words: two streets that meet",
    "address": "from the underlined words: a house number",
    "street": "from the underlined words: a street, its middle",
    "landmark": "from the underlined words: a landmark",
    "by hand": "set by hand",
}
WAYS = {"open311": "goes to the 311 desk", "email": "goes by e-mail", "outbox": "goes to the outbox"}
_ASKED = {"type": "Queue type", "district": "Queue district", "lang": "Queue language"}
_VIEW, _FIND, _LIST = "Queue view", "Queue find", "queue_list"
# Letters that no action of the page has, and Streamlit leaves free: for the choice of a type.
_FREE = "bdefgilmnoqvwxyz67890"
ss = st.session_state


@dataclass(frozen=True, slots=True)
class Last:
    """What this session decided last."""

    id: int
    what: str
    how: str
    note: str = ""


@dataclass(slots=True)
class Mine:
    """What this session knows of its queue: ids and marks, no rows."""

    asked: queue.Filter | None = None
    up_to: int = 0
    """The newest suspect when the list was made; younger ones are announced."""
    pages: int = 1
    more: bool = False
    rank: dict[int, float] = field(default_factory=dict)
    """Id → place in the list, kept when it leaves, so that it comes back where it was."""
    ids: list[int] = field(default_factory=list)
    """As last drawn."""
    chosen: int | None = None
    linked: int | None = None
    """Shown even if it has no place in the list: by a link, by Undo."""
    done: set[tuple[int, int]] = field(default_factory=set)
    last: Last | None = None
    moved: int = 0
    choosing: int | None = None
    """Whose type is being chosen."""
    told: dict[str, str] = field(default_factory=dict)
    """The address as last written."""
    looked_up: str = ""


def mine() -> Mine:
    state: Mine = ss.setdefault("_queue", Mine())
    return state


@st.cache_data(ttl=10, max_entries=64, show_spinner=False)
def _figures(by: str, today: datetime, moved: int) -> tuple[dict[str, int], int]:
    """Counts of the views, and how many this person decided today; `moved` counts the session's own decisions."""
    with screen.reading() as session:
        return queue.counts(session, by), queue.decided_since(session, by, today)


@st.cache_data(ttl=10, max_entries=2, show_spinner=False)
def _types() -> list[RequestType]:
    with screen.reading() as session:
        return catalogue.types(session, only_active=True)


def _counts() -> dict[str, int]:
    return _figures(screen.me(), screen.midnight(), mine().moved)[0]


def decided_today() -> int:
    return _figures(screen.me(), screen.midnight(), mine().moved)[1]


# -- what is asked for ---------------------------------------------------------------------------------------------


def read_address() -> None:
    """Take view, filters and the chosen id from the address when somebody came by a link."""
    told = st.query_params.to_dict()
    if told and told != mine().told:
        ss[_VIEW] = told.get("view", "all")
        for name, key in _ASKED.items():
            ss[key] = told.get(name, "")
        if told.get("id", "").isdigit():
            mine().chosen = mine().linked = int(told["id"])


def write_address() -> None:
    """Keep in the address what a link to this very picture needs; the searched text is nobody's business."""
    told = {"view": ss[_VIEW] if ss[_VIEW] != "all" else ""}
    told |= {name: ss.get(key, "") for name, key in _ASKED.items()} | {"id": str(mine().chosen or "")}
    mine().told = {name: value for name, value in told.items() if value}
    if st.query_params.to_dict() != mine().told:
        st.query_params.from_dict(mine().told)


def header() -> queue.Filter:
    """Title, views, what is new, search and filters; returns what the list is to show."""
    counts = _counts()
    names = {"all": "All", "urgent": "Urgent", "mine": "Mine", "parked": "Parked"}
    if not (screen.house().config.login or counts["mine"]):
        del names["mine"]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Queue", width="content", anchor=False)
        view = screen.views(_VIEW, {name: f"{text} {_capped(counts[name])}" for name, text in names.items()}, "all")
        with st.container(width="content"):
            _announce()
        if not screen.phone():
            st.space("stretch")
        find = st.text_input(
            "Find in the queue", key=_FIND, placeholder="Text, link, reference or number", type="search",
            icon=":material/search:", label_visibility="collapsed", width="stretch" if screen.phone() else 250,
        )  # fmt: skip
        with st.popover(_order(), icon=":material/tune:", type="tertiary" if screen.phone() else "secondary"):
            _filters()
    chosen = {name: ss.get(key, "") for name, key in _ASKED.items()}
    where = queue.Filter(view, screen.me(), chosen["type"], chosen["district"], chosen["lang"], (find or "").strip())
    return _looked_up(where)


def _capped(number: int) -> str:
    return f"{number:,}" + ("+" if number >= queue.COUNT_CAP else "")


@st.fragment(run_every=POLL)
def _announce() -> None:
    """How many came in since the list was made; the list itself stays as it is until somebody asks."""
    with screen.reading() as session:
        new = queue.newer(session, mine().up_to) if mine().asked else 0
    label = f":blue[{new if new < 100 else '100+'} new, show]"
    icon, key = ":material/arrow_upward:", screen.key("s")
    if new and st.button(label, key="show_new", type="tertiary", icon=icon, shortcut=key, on_click=_start_anew):
        st.rerun()


def _start_anew() -> None:
    mine().asked = None


def _order() -> str:
    kinds = {kind.code: kind.title for kind in _types()}
    said = [kinds.get(ss.get(_ASKED["type"], ""), ""), ss.get(_ASKED["district"], ""), ss.get(_ASKED["lang"], "")]
    said[2] = screen.LANGUAGES.get(said[2], said[2])
    return screen.escaped(" · ".join(text for text in said if text)) or ("Filter" if screen.phone() else "Urgent first")


def _filters() -> None:
    kinds = {kind.code: kind.title for kind in _types()}
    districts = {district.name: district.name for district in screen.house().gazetteer.districts}
    for name, label, options in (
        ("type", "Type", kinds), ("district", "District", districts), ("lang", "Language", screen.LANGUAGES),
    ):  # fmt: skip
        key, shown = _ASKED[name], {"": "Any", **options}
        if ss.setdefault(key, "") not in shown:
            ss[key] = ""
        st.selectbox(label, list(shown), key=key, format_func=shown.__getitem__, persist_state="session")
    st.markdown(":gray[Urgent posts pass every filter.]")


def clear() -> None:
    """Show everything again."""
    ss.update({_VIEW: "all", _FIND: "", **dict.fromkeys(_ASKED.values(), "")})


def _looked_up(where: queue.Filter) -> queue.Filter:
    """A reference, number or link leads to its suspect or ticket, and is not searched as text."""
    if not where.find:
        mine().looked_up = ""
        return where
    with screen.reading() as session:
        found = tickets.page(session, find=where.find, limit=3)
        link = _post_id(where.find)
        suspect = queue.by_post(session, link, list(screen.house().config.sources)) if link else None
    if suspect and mine().looked_up != where.find:
        mine().chosen = mine().linked = suspect
        mine().looked_up = where.find
    for row in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(row.state, color=screen.STATE_COLOURS.get(row.state, "gray"))  # type: ignore[arg-type]
            st.text(", ".join(filter(None, (row.number or row.reference, row.type, row.place))), width="content")
            st.page_link("tickets.py", label="Open in Tickets", query_params={"find": row.reference})
    return queue.Filter(where.view, where.by, where.type_code, where.district, where.language) if suspect else where


def _post_id(text: str) -> str:
    """The last part of a link's path that looks like an id."""
    if not text.lower().startswith(("http://", "https://")):
        return ""
    parts = [part for part in urlsplit(text).path.split("/") if part and part not in ("photo", "video")]
    return next((part for part in reversed(parts) if len(part) > 4), "")


# -- the list ------------------------------------------------------------------------------------------------------


def rows(where: queue.Filter) -> list[queue.QueueRow]:
    """The list as it stands: nothing newer than when it was asked for, everybody where they were; finds who is chosen.

    A suspect that somebody decided leaves, and the next one moves up; one that a link or Undo asks for and that has
    no place in the list stands on top.
    """
    my = mine()
    with screen.reading() as session:
        if my.asked != where:
            my.asked, my.up_to, my.rank, my.pages = where, queue.newest_id(session), {}, 1
        found = queue.page(session, where, PAGE * mine().pages + 1, up_to=mine().up_to)
        mine().more, found = len(found) > PAGE * mine().pages, found[: PAGE * mine().pages]
        for row in found:
            mine().rank.setdefault(row.id, len(mine().rank))
        found.sort(key=lambda row: mine().rank[row.id])
        ids = [row.id for row in found]
        if my.chosen not in ids:
            linked = queue.card(session, my.chosen) if my.chosen and my.chosen == my.linked else None
            if linked:
                return [_row(linked), *found]
            after = my.rank.get(my.chosen or 0, -1)
            mine().chosen = next((id_ for id_ in ids if mine().rank[id_] > after), ids[-1] if ids else None)
    return found


def _row(card: queue.Card) -> queue.QueueRow:
    s, state = card.suspect, "" if card.suspect.status == SuspectStatus.WAITING else f" ({card.suspect.status})"
    text = card.posts[0].post.text[:220] if card.posts else ""
    return queue.QueueRow(
        s.id or 0, s.version, bool(s.urgent), card.type.title + state, text, s.place, s.people, s.first_posted_at,
        s.claimed_by, s.claimed_until,
    )  # fmt: skip


def step(by: int) -> None:
    """Choose the next row, or the one before."""
    ids = mine().ids
    at = (ids.index(mine().chosen or 0) if mine().chosen in ids else -1) + by
    if at >= len(ids) and mine().more:
        more()
        mine().chosen = ids[-1]
    elif ids:
        mine().chosen = ids[max(0, min(len(ids) - 1, at))]


def more() -> None:
    mine().pages += 1


def _picked() -> None:
    """A click means the row that was on the screen, whatever the list has become since."""
    picked, ids = ss[_LIST]["selection"]["rows"], mine().ids
    if picked and picked[0] < len(ids):
        mine().chosen = ids[picked[0]]


def the_list(found: Sequence[queue.QueueRow]) -> None:
    """Type, post, place, people, age; the chosen one marked."""
    mine().ids = [row.id for row in found]
    at = {"selection": {"rows": [mine().ids.index(mine().chosen or 0)]}}
    if _LIST not in ss or ss[_LIST]["selection"]["rows"] != at["selection"]["rows"]:
        ss[_LIST] = at
    frame = pd.DataFrame(
        {
            "type": [("▲ " if row.urgent else "") + row.type + _held(row) for row in found],
            "post": [_three_lines(row.text) for row in found],
            "place": [row.place or "–" for row in found],
            "people": [row.people for row in found],
            "age": [screen.age(row.first_posted_at) for row in found],
        }
    )
    urgent, grey = f"color:{screen.colour('red')};font-weight:600", f"color:{screen.colour('grey')}"
    style = frame.style.apply(
        lambda column: [urgent if row.urgent else "font-weight:600" for row in found], subset=["type"]
    ).apply(lambda column: [grey] * len(column), subset=["place", "people", "age"])
    column = st.column_config
    st.dataframe(
        style, key=_LIST, on_select=_picked, selection_mode="single-row-required", hide_index=True,
        row_height=57,  # above 4 rem the cells wrap
        height=screen.pane(HEIGHT - (40 if mine().more else 0), 300), alt="Suspects, urgent first, then the newest",
        column_order=["type", "post"] if screen.phone() else None,
        column_config={
            "type": column.TextColumn("Type", width=96), "post": column.TextColumn("Post", width=222),
            "place": column.TextColumn("Place", width=110), "people": column.NumberColumn("People", width=56),
            "age": column.TextColumn("Age", width=54),
        },
    )  # fmt: skip
    if mine().more:
        st.button(f"Show {PAGE} more", key="show_more", type="tertiary", icon=":material/expand_more:", on_click=more)


def _held(row: queue.QueueRow) -> str:
    held = row.claimed_by and row.claimed_by != screen.me() and row.claimed_until and row.claimed_until > now()
    return f" ({row.claimed_by} has it)" if held else ""


def _three_lines(text: str) -> str:
    text = " ".join(sealing.mask(re.sub(f"{sealing.OPEN}\\d*$", "…", text)).split())
    return text if len(text) < 98 else text[:96].rsplit(" ", 1)[0] + " …"


# -- the card ------------------------------------------------------------------------------------------------------


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


def card() -> Shown | None:
    """The chosen suspect, in reading order: what, says who, where, already known, who else."""
    with screen.reading() as session:
        found = queue.card(session, mine().chosen or 0)
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
            st.badge(screen.escaped(f"{suspect.status}{by}".capitalize()), color="gray")
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
            kinds = {"photo": "photo", "video": "video", "animated_gif": "film"}
            shown = kinds.get(first.media[0].get("kind", ""), "file")
            more_than_one = len(first.media) > 1
            st.badge(f"{len(first.media)} {shown}s" if more_than_one else shown.capitalize(), color="gray")
        if first.edits:
            st.badge("Edited", color="orange", icon=":material/edit:")
        st.markdown(_people(suspect), width="content")
    wrote = " ".join(filter(None, (names["name"], f"@{names['handle']}" if names["handle"] else "")))
    link = sources.permalink(lead.kind, first.version_id or first.source_id) if lead.kind in screen.SOURCES else ""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        screen.byline(f"{wrote or 'Author unknown'} · {screen.clock(first.posted_at)}")
        if link:
            st.link_button("Open post", link, type="tertiary", icon=":material/open_in_new:", width="content")


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
    why = (suspect.why or [{}])[0].get("rule", "")
    told = [f"**{suspect.people} people**", f"first {screen.clock(suspect.first_posted_at)}"]
    said = [*(told if suspect.people > 1 else ["1 person"])]
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
            screen.small_map(suspect.lat, suspect.lon, 110, suspect.place)


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
                st.page_link("tickets.py", label="Open", query_params={"find": row.reference})


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
    text = str(ss.get(f"send_{shown.id}_{shown.version}") or "").strip()
    with screen.reading() as session:
        found = queue.card(session, shown.id)
    return text if text and found and text != _sends(found).strip() else None


# -- deciding ------------------------------------------------------------------------------------------------------


def decide(shown: Shown, how: str, verb: Callable[[], Any], note: str = "") -> None:
    """Do it once: a key pressed twice before the next card came does nothing the second time."""
    done = mine().done
    if (shown.id, shown.version) in done:
        return
    if screen.say(verb):
        done.add((shown.id, shown.version))
        mine().last, mine().moved = Last(shown.id, shown.what, how, note), mine().moved + 1
    if mine().linked == shown.id:
        mine().linked = None
        mine().rank.setdefault(shown.id, -0.5)  # it stood on top of the list


def undo(last: Last, verb: Callable[[], Any]) -> None:
    """Take it back and show it again."""
    if mine().last != last:
        return
    if screen.say(verb):
        mine().chosen = mine().linked = last.id
        mine().last, mine().moved = None, mine().moved + 1


def retype(shown: Shown, verb: Callable[[], Any]) -> None:
    """Another type; the suspect stays on the card."""
    screen.say(verb)
    mine().chosen = mine().linked = shown.id
    mine().choosing = None


def happened(take_back: Callable[[Last], None]) -> None:
    """Bottom left: what just happened with Undo, or the day's figure."""
    if screen.said():
        return
    last = mine().last
    if last:
        st.fragment(_became, run_every=POLL if last.how == "Accepted" else None)(last, take_back)
    elif not screen.phone():
        demo = "Demo city: nothing leaves this computer. " if screen.house().config.is_demo else ""
        st.markdown(f":gray[{demo}You decided {decided_today():,} today.]")


def _became(last: Last, take_back: Callable[[Last], None]) -> None:
    row = None
    if last.how == "Accepted":
        with screen.reading() as session:
            row = next(iter(tickets.by_suspects(session, [last.id])[-1:]), None)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        number = f", ticket {row.number}" if row and row.number else ""
        screen.status(f"{last.how} {last.what}{number}")
        left = int((row.due_at - now()).total_seconds()) if row else 0
        on_the_way = row is not None and row.status == DeliveryStatus.QUEUED and row.attempts == 0
        if on_the_way:
            st.markdown(f":gray[· sends in {left} s]" if left > 0 else ":gray[· is being sent]", width="content")
        elif row and row.status == DeliveryStatus.SENDING:
            st.markdown(":gray[· is being sent]", width="content")
        elif row:
            st.page_link("tickets.py", label="Open" if number else "See Tickets", query_params={"find": row.reference})
        elif last.note:
            st.markdown(f":gray[· {last.note}]", width="content")
        if (row is None or on_the_way) and st.button(
            "Undo", key=f"undo_{last.id}_{mine().moved}", shortcut=screen.key("u"), icon=":material/undo:",
            type="tertiary" if screen.phone() else "secondary", on_click=take_back, args=(last,),
        ):  # fmt: skip
            st.rerun()


def actions(shown: Shown, verbs: Verbs) -> None:
    """Bottom right: every decision is one key whose button is already there. Each key holds the suspect's id."""
    accept = partial(st.button, "Accept", type="primary", icon=":material/check:", on_click=verbs.accept, args=(shown,))
    park = "Unpark" if shown.parked else "Park"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        accept(key=f"accept_{shown.id}", shortcut=screen.key("a"), disabled=not shown.open)
        if screen.phone():
            st.menu_button(
                "Dismiss", list(REASONS), key=f"dismiss_{shown.id}", format_func=REASONS.__getitem__,
                on_click=lambda: verbs.dismiss(shown, ss[f"dismiss_{shown.id}"]), disabled=not shown.open,
            )  # fmt: skip
            steps = {"Next": partial(step, 1), "Previous": partial(step, -1)}
            if shown.open:
                steps = {park: partial(verbs.park, shown), "Change type": partial(choose, shown), **steps}
            st.menu_button(
                "More", list(steps), key=f"more_{shown.id}", on_click=lambda: steps[ss[f"more_{shown.id}"]]()
            )
            return
        for label, letter, verb in ((park, "p", verbs.park), ("Type", "t", choose)):
            name = f"{label.lower()}_{shown.id}"
            st.button(label, key=name, shortcut=letter, on_click=verb, args=(shown,), disabled=not shown.open)
        st.space("stretch")
        for label, letter, by in (("Prev", "k", -1), ("Next", "j", 1)):
            name = f"{label.lower()}_{shown.id}"
            st.button(label, key=name, shortcut=letter, type="tertiary", on_click=step, args=(by,))
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.markdown("Dismiss", width="content")
        for number, (reason, label) in enumerate(REASONS.items(), 1):
            st.button(
                label, key=f"dismiss_{reason}_{shown.id}", shortcut=str(number), type="tertiary",
                on_click=verbs.dismiss, args=(shown, reason), disabled=not shown.open,
            )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verbs:
    """What the page's keys do."""

    accept: Callable[[Shown], None]
    dismiss: Callable[[Shown, str], None]
    park: Callable[[Shown], None]
    retype: Callable[[Shown, str], None]
    undo: Callable[[Last], None]


def choose(shown: Shown | None) -> None:
    """Put the types into the bottom row, or the actions back."""
    mine().choosing = shown.id if shown else None


def choosing(shown: Shown) -> bool:
    return bool(mine().choosing == shown.id and shown.open)


def types(shown: Shown, verbs: Verbs) -> None:
    """The bottom row while a type is chosen: one key each, none of them a key that decides."""
    found = [kind for kind in _types() if kind.code != shown.type_code]
    found.sort(key=lambda kind: kind.code not in shown.others)
    if screen.phone():
        names = {kind.code: kind.title for kind in found}
        st.selectbox(
            "Type instead", list(names), index=None, key=f"type_to_{shown.id}", format_func=names.__getitem__,
            on_change=lambda: verbs.retype(shown, ss[f"type_to_{shown.id}"]), placeholder="Type",
            label_visibility="collapsed",
        )  # fmt: skip
        st.button("Back", key=f"back_{shown.id}", type="tertiary", on_click=choose, args=(None,))
        return
    letters = _letters([kind.title for kind in found])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Type instead**", width="content")
        for kind, letter in zip(found, letters, strict=True):
            st.button(
                screen.escaped(kind.title), key=f"type_{kind.code}_{shown.id}", shortcut=letter,
                type="secondary" if kind.code in shown.others else "tertiary",
                on_click=verbs.retype, args=(shown, kind.code),
            )  # fmt: skip
        st.button("Back", key=f"back_{shown.id}", shortcut="Escape", type="tertiary", on_click=choose, args=(None,))


def _letters(titles: Sequence[str]) -> list[str | None]:
    """A free key for each title: a letter of its own if one is left, else any."""
    left, out = list(_FREE), []
    for title in titles:
        letter = next((c for c in title.lower() if c in left), left[0] if left else None)
        if letter:
            left.remove(letter)
        out.append(letter)
    return out


# -- states --------------------------------------------------------------------------------------------------------


def loading() -> None:
    """Skeletons in the shape of list and card, until the first answer of the database."""
    left, right = st.columns([1, 1])
    with left, st.container(border=True, height=screen.pane(HEIGHT), gap="xsmall"):
        for _ in range(12):
            st.skeleton(46)
    with right, st.container(border=True, height=screen.pane(HEIGHT)):
        for tall in (20, 70, 20, 110, 60, 100):
            st.skeleton(tall)


def nothing(where: queue.Filter) -> None:
    """The list is empty: why, and the one control that helps."""
    counts = _counts()
    narrowed = where.find or where.type_code or where.district or where.language
    if narrowed:
        screen.empty("Nothing found", "No waiting post fits the search and the filters.")
        label, then = "Clear search and filters", clear
    elif where.view == "all":
        screen.empty("Nothing waits", f"You decided {decided_today():,} today. New posts are announced here.")
        label, then = f"Show {_capped(counts['parked'])} parked", partial(ss.update, {_VIEW: "parked"})
        if not counts["parked"]:
            return
    else:
        texts = {"urgent": "Nothing urgent waits", "mine": "Nothing is assigned to you", "parked": "Nothing is parked"}
        screen.empty(texts[where.view], f"{_capped(counts['all'])} wait in all.")
        label, then = f"Show all {_capped(counts['all'])}", clear
    with st.container(horizontal_alignment="center"):
        st.button(label, key="useful", on_click=then)
