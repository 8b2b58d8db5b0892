"""The Rules page's packs: rules for common request types to take over, a file of one's own, and the city's as a file.

What would change is shown before anything does. `connector/packs.py` takes a pack over, `connector/settings.py` tries
an import without keeping it; the Settings page brings whole catalogues in and out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import streamlit as st

from connector import catalogue_file, packs, screen, settings
from connector.access import Right
from connector.catalogue_file import Changes
from connector.errors import ConnectorError
from connector.models import now
from connector.screen import rules as parts

Take = Callable[[bytes, str], Changes]
"""Takes over the text of a file of this name."""
_FOLDER = Path(__file__).resolve().parents[2] / "data" / "packs"
ss = st.session_state


@st.cache_data(max_entries=2, show_spinner=False)
def _shipped(folder: str) -> dict[str, tuple[str, int, int]]:
    """File name → title, types and rules of each pack that ships."""
    found = {}
    for file in sorted(Path(folder).glob("*.yaml")):
        pack = packs.read(file.read_text("utf-8"), file.name)
        found[file.name] = pack.title, len(pack.request_types), sum(len(kind.rules) for kind in pack.request_types)
    return found


def packs_and_files(take: Take) -> None:
    """Packs by name, a file of one's own, the city's rules as a file."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.header("Packs and files", width="content", anchor=False)
        st.space("stretch")
        st.button("Back", key="packs_back", type="tertiary", on_click=parts.beside, args=(parts.EDITOR,))
    st.markdown(
        ":gray[A pack adds the rules that are missing to the request types that stand here, and changes nothing that "
        "the city worded itself.]"
    )
    if done := ss.pop("pack_done", ""):
        screen.status(done)
    for name, (title, types, rules) in _shipped(str(_FOLDER)).items():
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(f"{title} · {rules} rules for {types} types", width="content")
            st.space("stretch")
            st.button("See what it adds", key=f"pack_{name}", on_click=_look, args=(name,))
    given = st.file_uploader(
        "A pack or an export of another city", type=["yaml", "yml"], max_upload_size=5,
        key=f"pack_file_{ss.get('pack_round', 0)}",
    )  # fmt: skip
    with screen.reading() as session:
        text = catalogue_file.export_text(session)
    day = now().astimezone(screen.house().config.city.zone)
    st.download_button(
        "Export the city's types and rules", text, f"rules-{day:%Y-%m-%d}.yaml", "application/yaml",
        icon=":material/download:", on_click="ignore",
    )  # fmt: skip
    if given is not None:
        _preview(given.name, given.getvalue(), take)
    elif looked := str(ss.get("pack_looked_at") or ""):
        _preview(looked, (_FOLDER / looked).read_bytes(), take)


def _look(name: str) -> None:
    ss["pack_looked_at"], ss["pack_round"] = name, ss.get("pack_round", 0) + 1


def _preview(name: str, raw: bytes, take: Take) -> None:
    """What would change, and the button that does it."""
    house = screen.house()
    with st.container(border=True, gap="small"):
        try:
            found = settings.preview(house.database, house.config, raw, name)
        except ConnectorError as error:
            st.text(str(error))
            return
        named = {label: names for label, names in _named(found.changes).items() if names}
        counts = ", ".join(f"{label}: {len(names)}" for label, names in named.items()) or "nothing new"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(f"{name} · {counts}", width="content")
            if named:
                st.space("stretch")
                st.button("Take it over", type="primary", key="pack_take", on_click=_taken, args=(raw, name, take))
        for remark in packs.remarks(found.changes):
            st.text(remark)
        for problem in found.problems:
            st.text(f"To mend in Settings afterwards: {problem}")
        for label, names in named.items():
            st.markdown(f"**{label.capitalize()}**")
            st.text(", ".join(names))


def _named(changes: Changes) -> Mapping[str, list[str]]:
    return {
        "new request types": changes.types_added, "changed request types": changes.types_changed,
        "new rules": changes.rules_added, "changed rules": changes.rules_changed,
    }  # fmt: skip


def _taken(raw: bytes, name: str, take: Take) -> None:
    done: list[Changes] = []
    if screen.act(Right.RULES, lambda: done.append(take(raw, name))):
        changes = done[0]
        added, changed = len(changes.rules_added), len(changes.rules_changed)
        said = [f"{added} rules added"] + [f"{changed} changed"] * bool(changed)
        said += [f"{len(changes.types_skipped)} types skipped"] * bool(changes.types_skipped)
        ss["pack_done"] = f"{name}: {', '.join(said)}"
        ss["pack_looked_at"], ss["pack_round"] = "", ss.get("pack_round", 0) + 1
