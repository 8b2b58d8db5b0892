"""The Settings page's parts: request types in an editor, channels, kept mails, privacy, the catalogue as a file.

`pages/settings.py` puts them together; the verbs are in `settings.py`. Names and addresses that staff wrote are shown
as text or escaped; a channel's answer and a kept mail are outside text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

import pandas as pd
import streamlit as st
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connector import catalogue_file, screen, settings
from connector import dispatch as channels
from connector.config import Adapter
from connector.dispatch import Channel
from connector.dispatch.outbox import Outbox
from connector.errors import ConnectorError
from connector.models import RequestType
from connector.settings import FIELDS, TypeChange
from connector.store import catalogue, tickets
from connector.store import house as house_questions

SECTION = "Section of the settings"
LOCK = ":material/lock:"
_TYPES, _ROUND = "types_shown", "types_round"
_LIST_HEIGHT = 700


def header() -> str:
    """Title, sections, and what the lock means; which section is chosen."""
    config = screen.house().config
    sections = {"types": "Request types", "channels": "Channels"}
    if _outbox() is not None:
        sections["outbox"] = "Outbox"
    sections |= {"privacy": "Privacy", "file": "Import, export"}
    if config.is_demo:
        sections["demo"] = "Demo"
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Settings", width="content", anchor=False)
        chosen = screen.views(SECTION, sections, "types")
        if not screen.phone():
            st.space("stretch")
        st.markdown(f":gray[{LOCK} {_locked()}]", width="content")
    return chosen


def _file() -> str:
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
        column_order=(*FIELDS, "code"), column_config=_columns(before), alt="Request types",
    )  # fmt: skip
    changes = list(_changes(before, st.session_state.get(key) or {}))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        count = f"{len(changes)} change{'s' if len(changes) != 1 else ''}"
        if st.button(f"Save {count}" if changes else "Save", type="primary", disabled=not changes) and save(changes):
            discard()
            st.rerun()
        st.button("Discard", type="tertiary", disabled=not changes, on_click=discard)
        if not changes:
            st.markdown(":gray[Click into a cell to change it; the last row takes a new type.]", width="content")
    screen.said()
    if changes:
        st.text("\n".join(change.in_words() for change in changes))
        st.markdown(":gray[Holds for what is accepted from now on.]")


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
        "code": text("Code", width=120, help="Its name in files and rules; given once, for a new type"),
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


# -- channels ------------------------------------------------------------------------------------------------------


def ways(test: Callable[[str], settings.Tested], resume: Callable[[str], None]) -> None:
    """Every configured channel with its state; then the kinds that there are, and the times of delivery."""
    config = screen.house().config
    with screen.reading() as session:
        health = tickets.channel_health(session)
        pauses = house_questions.pauses(session)
        filed: dict[str, list[RequestType]] = {}
        for kind in catalogue.types(session):
            filed.setdefault(kind.channel, []).append(kind)
    for name, adapter in config.channels.items():
        with st.container(border=True, gap="small"):
            _way(name, adapter, health.get(name, tickets.ChannelHealth()), pauses.get(name), test, resume)
            _uses(name, adapter, filed.pop(name, []))
    for name, lost in filed.items():
        st.warning(
            f"{len(lost)} request types go to {screen.escaped(name)}, which {screen.escaped(_file())} does not name: "
            "give them another channel, or name it there."
        )
    st.header("Kinds of channels", anchor=False)
    st.markdown(":gray[A city names its channels in connector.toml; pages and worker read it when they start.]")
    for named, cls in channels.kinds().items():
        with st.expander(f"{cls.title}, kind {named}", type="compact"):
            _kind(named, cls)
    st.header("Times of delivery", anchor=False)
    _values("delivery", config.delivery)


def _way(
    name: str,
    adapter: Adapter,
    health: tickets.ChannelHealth,
    pause: house_questions.Pause | None,
    test: Callable[[str], settings.Tested],
    resume: Callable[[str], None],
) -> None:
    tested: settings.Tested | None = st.session_state.get(f"tested_{name}")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{screen.escaped(name)}** :gray[· {screen.escaped(adapter.kind)} · {LOCK}]", width="content")
        st.text(_where(adapter))
        st.space("stretch")
        word, colour = _state(health, pause, tested)
        st.badge(word, color=colour)  # type: ignore[arg-type]
        if pause:
            st.button("Resume", key=f"resume_{name}", type="primary", on_click=resume, args=(name,))
        if st.button("Test", key=f"test_{name}", help="Asks for a sign of life; files nothing"):
            with st.spinner("Asking …"):
                st.session_state[f"tested_{name}"] = test(name)
            st.rerun()
    lines = [("Test", tested.sentence)] if tested else []
    lines += [("Paused because", pause.why)] if pause else []
    if health.waiting:
        lines.append((f"{health.waiting} not delivered, last error", health.last_error))
    if lines:
        screen.posts([[(f"{label}  ", "by"), (text, "")] for label, text in lines])


def _state(
    health: tickets.ChannelHealth, pause: house_questions.Pause | None, tested: settings.Tested | None
) -> tuple[str, str]:
    if pause:
        return f"paused until {screen.clock(pause.until)}", "orange"
    if tested:
        return ("answers", "green") if tested.well else ("no answer", "red")
    if health.waiting:
        return "no answer", "red"
    if health.answered_at:
        return f"answered {screen.age(health.answered_at)}", "green"
    return "not used yet", "gray"


def _where(adapter: Adapter) -> str:
    told = adapter.settings
    where = told.get("endpoint") or told.get("host") or told.get("url")
    return str(where or (screen.house().config.home / "outbox" if adapter.kind == "outbox" else ""))


def _uses(name: str, adapter: Adapter, kinds: list[RequestType]) -> None:
    """What is set for it, and which request types go out by it, with their addresses."""
    cls = channels.kinds().get(adapter.kind)
    able = []
    if cls:
        able += [
            "finds a lost answer by its reference" if cls.can_find else "cannot find a lost answer: a person looks"
        ]
        able += ["tells when a ticket is closed" if cls.can_follow else "tells nothing later: staff close its tickets"]
        able += [] if cls.leaves_house else ["nothing leaves this computer"]
        st.markdown(f":gray[{'. '.join(part[:1].upper() + part[1:] for part in able)}.]")
    word = "type goes" if len(kinds) == 1 else "types go"
    left, right = st.columns([3, 2])
    with left, st.expander(f"{len(kinds)} request {word} out by it", type="compact", key=f"uses_{name}"):
        rows = [(kind.title, kind.department, kind.service_code or "–", kind.address or "–") for kind in kinds]
        _table(pd.DataFrame(rows, columns=["Type", "Department", "Service code", "Address"]), f"Types of {name}")
    with right, st.expander("What is set", type="compact", key=f"set_{name}"):
        known = {n for n, about in cls.Settings.model_fields.items() if not _secret(about)} if cls else set()
        told = [(n, str(value) if n in known else "set, not shown") for n, value in sorted(adapter.settings.items())]
        _table(pd.DataFrame(told, columns=["Setting", "Value"]), f"Settings of {name}")


def _kind(kind: str, cls: type[Channel]) -> None:
    """What it asks for, drawn from its declared settings, and how that is written down."""
    fields = cls.Settings.model_fields.items()
    rows = [(name, about.description or "", _default(about)) for name, about in fields]
    _table(pd.DataFrame(rows, columns=["Setting", "Meaning", "Without it"]), f"Settings of the kind {kind}")
    needed = [
        f'{name} = "env:NAME_OF_A_VARIABLE"' if _secret(about) else f'{name} = "…"'
        for name, about in fields
        if about.is_required()
    ]
    st.code("\n".join(["[channels.a_name_of_yours]", f'kind = "{kind}"', *needed]), language=None)


def _secret(about: FieldInfo) -> bool:
    return SecretStr.__name__ in repr(about.annotation)


def _default(about: FieldInfo) -> str:
    if about.is_required():
        return "must be set"
    value = about.get_default()
    if isinstance(value, SecretStr):
        return "none"
    return "none" if value in (None, "", PydanticUndefined) else str(value)


# -- outbox --------------------------------------------------------------------------------------------------------


def outbox() -> None:
    """The mails that were kept instead of sent: list left, the mail as text right."""
    way = _outbox()
    kept = way.messages()[:500] if way else []
    if not kept:
        screen.empty(
            "The outbox is empty", "Mails stand here that a channel of the kind outbox kept instead of sending."
        )
        return
    left, right = st.columns([6, 5])
    with left:
        frame = pd.DataFrame([(mail.subject, mail.to or "–", screen.age(mail.kept_at)) for mail in kept])
        frame.columns = pd.Index(["subject", "to", "age"])
        key = f"outbox_{kept[0].reference}_{len(kept)}"
        st.session_state.setdefault(key, {"selection": {"rows": [0]}})
        st.dataframe(
            frame, key=key, on_select="rerun", selection_mode="single-row-required", hide_index=True, row_height=36,
            height=screen.pane(min(_LIST_HEIGHT, 36 + 36 * len(kept)), min(250, 36 + 36 * len(kept))),
            alt="Kept mails, newest first",
            column_order=("subject",) if screen.phone() else None,
            column_config={
                "subject": st.column_config.TextColumn("Subject", width=280 if screen.phone() else 380),
                "to": st.column_config.TextColumn("To", width=120),
                "age": st.column_config.TextColumn("Kept", width=60),
            },
        )  # fmt: skip
    mail = kept[(st.session_state[key]["selection"]["rows"] or [0])[0]]
    with right, st.container(border=True, height=screen.pane(_LIST_HEIGHT), gap="small"):
        st.header(mail.reference, anchor=False)
        facts = [("Subject", mail.subject), ("To", mail.to or "–"), ("Kept", screen.clock(mail.kept_at))]
        screen.posts([[(f"{label}  ", "by"), (text, "")] for label, text in facts])
        st.code(mail.body, language=None, wrap_lines=True)
        st.page_link("tickets.py", label="Open in Tickets", query_params={"find": mail.reference})


def _outbox() -> Outbox | None:
    config = screen.house().config
    for name, adapter in config.channels.items():
        if adapter.kind == "outbox":
            try:
                way = channels.load(name, adapter, config.delivery.timeout, config.home)
            except ConnectorError:
                return None
            return way if isinstance(way, Outbox) else None
    return None


# -- privacy, files, demo ------------------------------------------------------------------------------------------


def privacy() -> None:
    """What is kept and for how long, as it is in force."""
    st.header("What is kept, and for how long", anchor=False)
    _values("privacy", screen.house().config.privacy)
    st.markdown(
        ":gray[These two are read and not acted upon yet: no sample is kept, and nothing is deleted for its age. "
        "That comes with a later version.]"
    )
    st.markdown(
        "Names and handles are sealed in one column and opened on the reviewer's card alone; tickets, mails, exports "
        "and logs carry a mask. A post that its author deletes is erased here, with the words and the place taken from "
        "it, and its ticket is flagged on Tickets."
    )


def _values(section: str, model: BaseModel) -> None:
    rows = [
        (about.description or name, f"{getattr(model, name):g}", f"[{section}] {name}", _from(model, name))
        for name, about in type(model).model_fields.items()
    ]
    _table(pd.DataFrame(rows, columns=["Meaning", "In force", "Setting", "Comes from"]), f"Values of {section}")


def _from(model: BaseModel, name: str) -> str:
    return _file() if name in model.model_fields_set else "the program's own default"


def files(take: Callable[[str, str], bool]) -> None:
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


def _preview(name: str, raw: bytes, take: Callable[[str, str], bool]) -> None:
    house = screen.house()
    try:
        text = raw.decode("utf-8-sig")
        found = settings.preview(house.database, house.config, text, name)
    except UnicodeDecodeError:
        st.text("The file is not written in UTF-8; save it so, and choose it again.")
        return
    except ConnectorError as error:
        st.text(str(error))
        return
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
    if st.button(f"Import {what}", type="primary") and take(text, name):
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


def _table(frame: pd.DataFrame, alt: str) -> None:
    st.dataframe(frame, hide_index=True, alt=alt, width="stretch")
