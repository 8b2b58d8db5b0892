"""The Queue page: what this session knows of its queue, and the line on top that asks – views, search, filters.

`pages/review.py` puts the page together from here, `queue_list.py`, `card.py` and `bar.py`. Who is on the card is an id
in the session, never a row number, and stands in the address. Read on in `queue_list.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

import streamlit as st

from connector import screen
from connector.models import RequestType
from connector.store import catalogue, queue, tickets

POLL = 3
"""Seconds between two looks for new posts, and for what became of the last decision."""
_ASKED = {"type": "Queue type", "district": "Queue district", "lang": "Queue language"}
VIEW, _FIND = "Queue view", "Queue find"
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
    up_to: int | None = None
    """The newest suspect when the list was made; younger ones are announced."""
    pages: int = 1
    more: bool = False
    rank: dict[int, float] = field(default_factory=dict)
    """Id → place in the list, kept when it leaves, so that it comes back where it was."""
    ids: list[int] = field(default_factory=list)
    """As last drawn."""
    top: int = 0
    """The first row drawn: the grid does not scroll to what J and K choose, so the rows above are left out."""
    follow: bool = False
    chosen: int | None = None
    linked: int | None = None
    """Shown even if it has no place in the list: by a link, by Undo; until something else is asked for."""
    arrived: bool = False
    """The link came just now."""
    done: set[tuple[int, int]] = field(default_factory=set)
    drawn: tuple[int, float] = (0, 0)
    """Whose card stands there, and since when on the monotonic clock."""
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
def kinds() -> list[RequestType]:
    """The types that are on, at most ten seconds old."""
    with screen.reading() as session:
        return catalogue.types(session, only_active=True)


def counts() -> dict[str, int]:
    """How many each view holds."""
    return _figures(screen.me(), screen.midnight(), mine().moved)[0]


def decided_today() -> int:
    """How many this person decided since midnight."""
    return _figures(screen.me(), screen.midnight(), mine().moved)[1]


# -- the address ---------------------------------------------------------------------------------------------------


def read_address() -> None:
    """Take view, filters and the chosen id from the address when somebody came by a link."""
    told = st.query_params.to_dict()
    if told and told != mine().told:
        ss[VIEW] = told.get("view", "all")
        for name, key in _ASKED.items():
            ss[key] = told.get(name, "")
        if told.get("id", "").isdigit():
            _show(int(told["id"]))


def _show(suspect_id: int) -> None:
    mine().chosen = mine().linked = suspect_id
    mine().arrived = mine().follow = True


def write_address() -> None:
    """Keep in the address what a link to this very picture needs; the searched text is nobody's business."""
    told = {"view": ss[VIEW] if ss[VIEW] != "all" else ""}
    told |= {name: ss.get(key, "") for name, key in _ASKED.items()} | {"id": str(mine().chosen or "")}
    mine().told = {name: value for name, value in told.items() if value}
    if st.query_params.to_dict() != mine().told:
        st.query_params.from_dict(mine().told)


# -- what is asked for ---------------------------------------------------------------------------------------------


def header(add: Callable[[], None]) -> queue.Filter:
    """Title, views, what is new, search, filters and `add`, the page's own button; returns what the list is to show."""
    many = counts()
    names = {"all": "All", "urgent": "Urgent", "mine": "Mine", "parked": "Parked"}
    if not (screen.house().config.login or many["mine"]):
        del names["mine"]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Queue", width="content", anchor=False)
        view = screen.views(VIEW, {name: f"{text} {capped(many[name])}" for name, text in names.items()}, "all")
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
        add()
    chosen = {name: ss.get(key, "") for name, key in _ASKED.items()}
    where = queue.Filter(view, screen.me(), chosen["type"], chosen["district"], chosen["lang"], (find or "").strip())
    return _looked_up(where)


def capped(number: int) -> str:
    """A count, which the database does not carry on for ever."""
    return f"{number:,}" + ("+" if number >= queue.COUNT_CAP else "")


@st.fragment(run_every=POLL)
def _announce() -> None:
    """How many came in since the list was made; the list itself stays as it is until somebody asks."""
    with screen.reading() as session:
        new = queue.newer(session, mine().up_to or 0) if mine().up_to is not None else 0
    label = f":blue[{new if new < 100 else '100+'} new, show]"
    icon, key = ":material/arrow_upward:", screen.key("s")
    if new and st.button(label, key="show_new", type="tertiary", icon=icon, shortcut=key, on_click=_start_anew):
        st.rerun()


def _start_anew() -> None:
    mine().asked = None


def _order() -> str:
    titles = {kind.code: kind.title for kind in kinds()}
    said = [titles.get(ss.get(_ASKED["type"], ""), ""), ss.get(_ASKED["district"], ""), ss.get(_ASKED["lang"], "")]
    said[2] = screen.LANGUAGES.get(said[2], said[2])
    return screen.escaped(" · ".join(text for text in said if text)) or ("Filter" if screen.phone() else "Urgent first")


def _filters() -> None:
    titles = {kind.code: kind.title for kind in kinds()}
    districts = {district.name: district.name for district in screen.house().gazetteer.districts}
    for name, label, options in (
        ("type", "Type", titles), ("district", "District", districts), ("lang", "Language", screen.LANGUAGES),
    ):  # fmt: skip
        key, shown = _ASKED[name], {"": "Any", **options}
        if ss.setdefault(key, "") not in shown:
            ss[key] = ""
        st.selectbox(label, list(shown), key=key, format_func=shown.__getitem__, persist_state="session")
    st.markdown(":gray[Urgent posts pass every filter.]")


def clear() -> None:
    """Show everything again."""
    ss.update({VIEW: "all", _FIND: "", **dict.fromkeys(_ASKED.values(), "")})


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
        _show(suspect)
        mine().looked_up = where.find
    for row in found:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.badge(row.state, color=screen.STATE_COLOURS.get(row.state, "gray"))  # type: ignore[arg-type]
            st.text(", ".join(filter(None, (row.number or row.reference, row.type, row.place))), width="content")
            st.page_link("tickets.py", label="Open in Tickets", query_params={"find": row.reference})
    return (
        queue.Filter(where.view, where.by, where.type_code, where.district, where.language)
        if suspect or found
        else where
    )


def _post_id(text: str) -> str:
    """The last part of a link's path that looks like an id."""
    if not text.lower().startswith(("http://", "https://")):
        return ""
    parts = [part for part in urlsplit(text).path.split("/") if part and part not in ("photo", "video")]
    return next((part for part in reversed(parts) if len(part) > 4), "")
