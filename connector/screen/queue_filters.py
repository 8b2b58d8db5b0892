"""What the Queue's list is narrowed to and how it is sorted: in the address, in the popover, and in words.

All but the searched text stands in the address, so that a link opens this very list; what means nothing there counts as
not given. `queue_header.py` draws the popover, `queue_list.py` asks for what is chosen here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import streamlit as st

from connector import screen
from connector.screen.queue import FIND, VIEW, mine, sources, ss, teams, titles, touched
from connector.store.queue import NOWHERE, Filter

VIEWS = {"all": "All", "urgent": "Urgent", "mine": "Mine", "parked": "Parked"}
SORTS = {"urgent": "Urgent first", "oldest": "Oldest first", "people": "Most people first", "score": "Best score first"}
AGES = {
    "hour": "Last hour", "day": "Last day", "week": "Last week", "over_day": "Older than a day",
    "over_week": "Older than a week",
}  # fmt: skip
LABELS = {
    "sort": "Order", "type": "Type", "source": "Source", "lang": "Language", "district": "District", "age": "Age",
    "after": "New",
}  # fmt: skip
"""Name in the address → label in the popover."""
_OPEN = "queue_filters"
_ID = re.compile("[1-9][0-9]{0,17}")


def _key(name: str) -> str:
    return f"Queue {name}"


def choices() -> dict[str, dict[str, str]]:
    """Name in the address → value → words; the first value is what holds if nothing is said."""
    house = screen.house()
    used = [*(found := sources()).values()]
    titled = {name: screen.SOURCES.get(kind, name) if used.count(kind) == 1 else name for name, kind in found.items()}
    districts = {district.name: district.name for district in house.gazetteer.districts}
    return {
        "sort": SORTS,
        "type": {"": "Any", **titles()},
        "source": {"": "Any", **titled},
        "lang": {"": "Any", **screen.LANGUAGES},
        "district": {"": "Any", **districts, NOWHERE: "No place"},
        "age": {"": "Any", **AGES},
        "after": {"": "Any", **({after: "Since you left"} if (after := str(ss.get(_key("after"), ""))) else {})},
    }


def chosen(of: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """What is chosen of each; a value that is not there any more counts as not chosen."""
    return {name: ss[key] if ss.get(key := _key(name)) in values else next(iter(values)) for name, values in of.items()}


def narrowed(of: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Names of the filters in force; the order is none."""
    return [name for name, value in chosen(of).items() if name != "sort" and value]


# -- the address ---------------------------------------------------------------------------------------------------


def read_address() -> None:
    """Take view, order, filters and the chosen id from the address when somebody came by a link.

    With a key that is pressed before the browser has the address last written comes the one of before: no link.
    """
    told = st.query_params.to_dict()
    if not told or told == mine().told or mine().touched or mine().named:
        return
    ss[VIEW] = told["view"] if told.get("view") in VIEWS else "all"
    ss[_key("after")] = told["after"] if _ID.fullmatch(told.get("after", "")) else ""
    for name, values in choices().items():
        ss[_key(name)] = told[name] if told.get(name) in values else next(iter(values))
    if _ID.fullmatch(told.get("id", "")):
        link(int(told["id"]))


def link(suspect_id: int) -> None:
    """Put it on the card, whatever the list holds."""
    mine().go_anyway(suspect_id)
    mine().arrived = True


def write_address() -> None:
    """Keep in the address what a link to this very list needs; the searched text is nobody's business."""
    of = choices()
    said = {name: value for name, value in chosen(of).items() if value != next(iter(of[name]))}
    told = {"view": ss[VIEW] if ss[VIEW] != "all" else "", **said, "id": str(mine().chosen or "")}
    mine().told = {name: value for name, value in told.items() if value}
    if st.query_params.to_dict() != mine().told:
        st.query_params.from_dict(mine().told)


# -- the popover ---------------------------------------------------------------------------------------------------


def popover() -> None:
    """The button says what is in force; its fields are drawn while it is open. Beside it, one click clears all."""
    of, quiet = choices(), screen.phone()
    box = st.popover(
        _in_words(of), icon=":material/tune:", type="tertiary" if quiet else "secondary", key=_OPEN, on_change="rerun"
    )
    if box.open:
        with box:
            _fields(of)
    if narrowed(of):
        st.button("Clear", key="clear_filters", type="tertiary", on_click=clear)


def _in_words(of: Mapping[str, Mapping[str, str]]) -> str:
    """The order, and the filter or how many there are: the line on top has no room for more."""
    values, names = chosen(of), narrowed(of)
    said = [of[name][values[name]] for name in names] if len(names) < 2 else [f"{len(names)} filters"]
    return screen.escaped(" · ".join([SORTS[values["sort"]], *said]))


def _fields(of: Mapping[str, Mapping[str, str]]) -> None:
    for name, value in chosen(of).items():
        key, values = _key(name), of[name]
        if len(values) == 1:
            continue
        ss[key] = value
        st.selectbox(
            LABELS[name], list(values), key=key, format_func=values.__getitem__, persist_state="session",
            on_change=touched,
        )  # fmt: skip
    st.markdown(":gray[Urgent posts pass every filter.]")


def show_since(after: int) -> None:
    """Only what was made after this id."""
    ss.update({VIEW: "all", _key("after"): str(after)})
    touched()


def clear() -> None:
    """Show everything again; the order stays."""
    ss.update({VIEW: "all", FIND: "", **{_key(name): "" for name in LABELS if name != "sort"}})
    touched()


def asked(view: str, find: str) -> Filter:
    """What the list is to show."""
    value = chosen(choices())
    return Filter(
        view, screen.me(), type_code=value["type"], district=value["district"], language=value["lang"],
        find=find, source=value["source"], age=value["age"], sort=value["sort"], teams=teams(),
        made_after=int(value["after"] or 0),
    )  # fmt: skip
