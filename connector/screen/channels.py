"""The Settings page's Channels: each way out with its state, test and types; the kinds there are; times of delivery.

`pages/settings.py` draws it with two verbs of `connector/settings.py`. A channel's answer is outside text. What a kind
asks for is drawn from its declared settings: read on in `connector/dispatch/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from connector import dispatch, screen
from connector.config import Adapter
from connector.dispatch import Channel
from connector.models import RequestType
from connector.screen.settings import LOCK, set_in, table, values
from connector.settings import Tested
from connector.store import catalogue, tickets
from connector.store import house as house_questions


def ways(test: Callable[[str], Tested], resume: Callable[[str], None]) -> None:
    """Every configured channel with its state; then the kinds that there are, and the times of delivery."""
    config = screen.house().config
    with screen.reading() as session:
        health = tickets.channel_health(session, config.channels)
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
            f"{len(lost)} request types go to {screen.escaped(name)}, which {screen.escaped(set_in())} does not name: "
            "give them another channel, or name it there."
        )
    st.header("Kinds of channels", anchor=False)
    st.markdown(":gray[A city names its channels in connector.toml; pages and worker read it when they start.]")
    for named, cls in dispatch.kinds().items():
        with st.expander(f"{cls.title}, kind {named}", type="compact"):
            _kind(named, cls)
    st.header("Times of delivery", anchor=False)
    values("delivery", config.delivery, "s")


def _way(
    name: str,
    adapter: Adapter,
    health: tickets.ChannelHealth,
    pause: house_questions.Pause | None,
    test: Callable[[str], Tested],
    resume: Callable[[str], None],
) -> None:
    tested: Tested | None = st.session_state.get(f"tested_{name}")
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
    health: tickets.ChannelHealth, pause: house_questions.Pause | None, tested: Tested | None
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
    cls = dispatch.kinds().get(adapter.kind)
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
        table(pd.DataFrame(rows, columns=["Type", "Department", "Service code", "Address"]), f"Types of {name}")
    with right, st.expander("What is set", type="compact", key=f"set_{name}"):
        known = {n for n, about in cls.Settings.model_fields.items() if not _secret(about)} if cls else set()
        told = [(n, str(value) if n in known else "set, not shown") for n, value in sorted(adapter.settings.items())]
        table(pd.DataFrame(told, columns=["Setting", "Value"]), f"Settings of {name}")


def _kind(kind: str, cls: type[Channel]) -> None:
    """What it asks for, drawn from its declared settings, and how that is written down."""
    fields = cls.Settings.model_fields.items()
    rows = [(name, about.description or "", _default(about)) for name, about in fields]
    table(pd.DataFrame(rows, columns=["Setting", "Meaning", "Without it"]), f"Settings of the kind {kind}")
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
