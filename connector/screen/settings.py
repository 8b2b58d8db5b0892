"""The Settings page: its sections, request types in an editor, privacy, the catalogue as a file, the demo's first day.

`pages/settings.py` puts them together with `channels.py` and `outbox.py`; the verbs are in `connector/settings.py`.
Names and addresses that staff wrote are shown as text or escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel

from connector import catalogue_file, packs, screen, settings
from connector.errors import ConnectorError
from connector.screen import outbox
from connector.settings import FIELDS, TypeChange
from connector.store import catalogue
from connector.store import house as house_questions

SECTION = "Section of the settings"
LOCK = ":material/lock:"
_HOLDS = "Holds for what is accepted from now on; a new name stands with what was accepted before as well."
_TYPES, _ROUND = "types_shown", "types_round"


def header() -> str:
    """Title, sections, and what the lock means; which section is chosen."""
    config = screen.house().config
    sections = {"types": "Request types", "channels": "Channels"}
    if outbox.way() is not None:
        sections["outbox"] = "Outbox"
    if screen.allowed(screen.Right.PEOPLE):
        sections["people"] = "People"
    sections |= {"privacy": "Privacy", "file": "Import, export"}
    if config.is_demo:
        sections["demo"] = "Demo"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Settings", width="content", anchor=False)
        chosen = screen.views(SECTION, sections, "types", address="section")
        if not screen.phone():
            st.space("stretch")
        st.markdown(f":gray[{LOCK} {_locked()}]", width="content")
    return chosen


def set_in() -> str:
    file = screen.house().config.file
    return file.name if file else "the demo"


def _locked() -> str:
    file = screen.house().config.file
    return f"marks what {screen.escaped(file.name)} sets; change it there" if file else "marks what the demo city sets"


# -- request types -------------------------------------------------------------------------------------------------


def types(save: Callable[[list[TypeChange]], bool]) -> None:
    """All request types in an editor; nothing is kept before Save, which says what it will change."""
    key = f"types_{st.session_state.setdefault(_ROUND, 0)}"
    edits = st.session_state.get(key) or {}
    before = _shown(bool(edits.get("edited_rows") or edits.get("added_rows")))
    frame = pd.DataFrame([{"code": kind.code, **kind.shown} for kind in before], columns=["code", *FIELDS])
    frame = frame.astype({"due_hours": "Int64", "urgent": "boolean", "active": "boolean"})  # a new row has gaps
    st.data_editor(
        frame, key=key, num_rows="add", hide_index=True, height=min(640, 36 + 31 * (len(frame) + 1)),
        column_order=("title", "code", *(name for name in FIELDS if name != "title")), column_config=_columns(before),
        alt="Request types",
    )  # fmt: skip
    changes = list(_changes(before, st.session_state.get(key) or {}))
    kept_by(changes, save, discard, "a new type", _HOLDS)


def kept_by(
    changes: Sequence[Any], save: Callable[[Any], bool], discard: Callable[[], None], last: str, holds: str
) -> None:
    """The row below an editor: Save and Discard, and the changes in words; `last` is what its last row takes."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        count = f"{len(changes)} change{'s' if len(changes) != 1 else ''}"
        if st.button(f"Save {count}" if changes else "Save", type="primary", disabled=not changes) and save(changes):
            discard()
            st.rerun()
        st.button("Discard", type="tertiary", disabled=not changes, on_click=discard)
        if not changes:
            st.markdown(f":gray[Click into a cell to change it; the last row takes {last}.]", width="content")
    screen.said()
    if changes:
        st.text("\n".join(change.in_words() for change in changes))
        st.markdown(f":gray[{holds}]")


def discard() -> None:
    """Forget what was typed and show what is kept."""
    st.session_state[_ROUND] += 1
    st.session_state.pop(_TYPES, None)


def _shown(typing: bool) -> list[TypeChange]:
    """The types as they were when somebody began to type, else as they are."""
    kept: list[TypeChange] | None = st.session_state.get(_TYPES)
    if typing and kept is not None:
        return kept
    with screen.reading() as session:
        found = [settings.shown(kind) for kind in catalogue.types(session)]
    st.session_state[_TYPES] = found
    return found


def _columns(before: list[TypeChange]) -> dict[str, Any]:
    known = [*screen.house().config.channels]
    known += sorted({kind.shown["channel"] for kind in before} - set(known))
    text, c = st.column_config.TextColumn, st.column_config
    return {
        "title": text("Type", width=150),
        "department": text("Department", width=115),
        "due_hours": c.NumberColumn("Due, h", width=76, step=1, help="Hours from accepting until it is to be done"),
        "channel": c.SelectboxColumn("Channel", width=86, options=known, help="The way out, from Channels"),
        "service_code": text("Service", width=84, help="The service code that it has at an Open311 server"),
        "address": text("Address", width=124, help="Who gets the mail; for channels that send mail"),
        "urgent": c.CheckboxColumn("Urgent", width=84, help="On top of the queue, always shown"),
        "active": c.CheckboxColumn("On", width=60, help="Off: its rules find nothing, nothing can be filed as it"),
        "belongs": text("Belongs here", width=190),
        "not_belongs": text("Does not", width=170),
        "code": text("Code", width=110, help="Its name in files and rules; given once, for a new type"),
    }


def _changes(before: list[TypeChange], edits: Mapping[str, Any]) -> Iterator[TypeChange]:
    for row, cells in (edits.get("edited_rows") or {}).items():
        kind = before[int(row)]
        wanted = {**kind.shown, **{name: _clean(name, value) for name, value in cells.items() if name in FIELDS}}
        if wanted != kind.shown:
            yield TypeChange(kind.code, wanted, kind.shown, kind.version)
    for cells in edits.get("added_rows") or []:
        if any(value not in (None, "", False) for value in cells.values()):
            told = {name: _clean(name, value) for name, value in cells.items() if name in FIELDS}
            yield TypeChange(str(cells.get("code") or "").strip(), settings.DEFAULTS | told)


def _clean(name: str, value: Any) -> Any:
    if name == "due_hours":
        return int(value) if value is not None else 0
    if name in ("urgent", "active"):
        return bool(value)
    return str(value or "").strip()


# -- what is in force ----------------------------------------------------------------------------------------------


def privacy() -> None:
    """What is kept and for how long, as it is in force."""
    st.header("What is kept, and for how long", anchor=False)
    values("privacy", screen.house().config.privacy, "days")
    st.markdown(
        ":gray[These two are read and not acted upon yet: no sample is kept, and nothing is deleted for its age. "
        "That comes with a later version.]"
    )
    st.markdown(
        "Names and handles are sealed in one column and opened on the reviewer's card alone; tickets, mails, exports "
        "and logs carry a mask. A post that its author deletes is erased here, with the words and the place taken from "
        "it, and its ticket is flagged on Tickets."
    )


def values(section: str, model: BaseModel, unit: str) -> None:
    """Every value of the section; `unit` is that of all but counts, which are whole numbers among seconds."""
    rows = [
        (
            about.description or name,
            f"{getattr(model, name):g}" + ("" if unit == "s" and about.annotation is int else f" {unit}"),
            f"[{section}] {name}",
            _from(model, name),
        )
        for name, about in type(model).model_fields.items()
    ]
    table(pd.DataFrame(rows, columns=["Meaning", "In force", "Setting", "Comes from"]), f"Values of {section}")


def _from(model: BaseModel, name: str) -> str:
    return set_in() if name in model.model_fields_set else "the program's own default"


def table(frame: pd.DataFrame, alt: str) -> None:
    st.dataframe(frame, hide_index=True, alt=alt, width="stretch")


# -- the catalogue as a file ---------------------------------------------------------------------------------------


def files(take: Callable[[bytes, str], bool]) -> None:
    """Types and rules as one YAML file: out at once, in after a look at what would change."""
    with screen.reading() as session:
        text = catalogue_file.export_text(session)
    st.header("Export", anchor=False)
    st.markdown(":gray[All request types and rules, as one file to keep, to compare or to bring to another city.]")
    st.download_button(
        "Export YAML", text, f"request-types-{date.today():%Y-%m-%d}.yaml", "application/yaml",  # noqa: DTZ011
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    st.header("Import", anchor=False)
    st.markdown(":gray[Adds and changes what the file holds, by code and name; removes nothing. First you see what.]")
    round_ = st.session_state.setdefault("import_round", 0)
    given = st.file_uploader(
        "YAML file", type=["yaml", "yml"], key=f"import_{round_}", max_upload_size=5, label_visibility="collapsed"
    )
    screen.said()
    if st.session_state.get("imported"):
        st.text(st.session_state.pop("imported"))
    if given is not None:
        _preview(given.name, given.getvalue(), take)


def _preview(name: str, raw: bytes, take: Callable[[bytes, str], bool]) -> None:
    house = screen.house()
    try:
        found = settings.preview(house.database, house.config, raw, name)
    except ConnectorError as error:
        st.text(str(error))
        return
    for remark in packs.remarks(found.changes):
        st.text(remark)
    if not found.changes:
        st.text("Everything in the file stands here already; there is nothing to import.")
        return
    what = _counted(found.changes)
    if found.problems:
        st.text(
            "\n".join(
                ["This would then be wrong; mend it in the file, or in Request types afterwards:", *found.problems]
            )
        )
    if st.button(f"Import {what}", type="primary") and take(raw, name):
        st.session_state["imported"] = f"Imported: {what}."
        st.session_state["import_round"] += 1
        st.rerun()
    st.code(found.diff, language="diff", height=420)


def _counted(changes: catalogue_file.Changes) -> str:
    parts = [
        (len(changes.types_added), "new type"), (len(changes.types_changed), "changed type"),
        (len(changes.rules_added), "new rule"), (len(changes.rules_changed), "changed rule"),
    ]  # fmt: skip
    return ", ".join(f"{n} {word}{'s' if n != 1 else ''}" for n, word in parts if n)


# -- the demo ------------------------------------------------------------------------------------------------------


def demo(reset: Callable[[], None]) -> None:
    """Back to the first day, after a second look."""
    st.markdown("The demo city lives in its own database. A reset puts back its first day: your decisions are lost.")
    with screen.reading() as session:
        asked = house_questions.setting(session, "reset_requested")
        alive, _ = house_questions.heartbeat(session)
    if asked:
        st.markdown(
            "The reset is asked for; " + ("it takes some seconds." if alive else "the worker does it when it runs.")
        )
        st.button("Look again", icon=":material/refresh:")
        return
    if not st.session_state.get("sure"):
        st.button("Reset the demo", icon=":material/restart_alt:", on_click=_sure, args=(True,))
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button("Yes, back to the first day", type="primary"):
            reset()
            _sure(False)
            st.rerun()
        st.button("Keep it", on_click=_sure, args=(False,))


def _sure(sure: bool) -> None:
    st.session_state["sure"] = sure
