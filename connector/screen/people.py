"""Settings, People: who works here, with which role, and what the roles may do.

`pages/settings.py` puts it beside the other sections; the verb is in `connector/people.py`. Names and logins come from
a person or the login provider: they are shown in the editor's text cells and by `st.text`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from connector import access, people, screen
from connector.access import Right
from connector.people import FIELDS, PersonChange
from connector.screen.settings import kept_by, set_in, table

_PEOPLE, _ROUND = "people_shown", "people_round"


def everybody(save: Callable[[list[PersonChange]], bool]) -> None:
    """The list in an editor; nothing is kept before Save, which says what it will change."""
    _told_elsewhere()
    key = f"people_{st.session_state.setdefault(_ROUND, 0)}"
    edits = st.session_state.get(key) or {}
    before = _shown(bool(edits.get("edited_rows") or edits.get("added_rows")))
    frame = pd.DataFrame([{"login": person.login, **person.shown} for person in before], columns=["login", *FIELDS])
    st.data_editor(
        frame.astype({"active": "boolean"}), key=key, num_rows="add", hide_index=True,
        height=min(480, 36 + 31 * (len(frame) + 1)), column_config=_columns(), alt="People",
    )  # fmt: skip
    changes = list(_changes(before, st.session_state.get(key) or {}))
    kept_by(changes, save, discard, "a new person", "Counts from the next click of whomever it is about.")
    st.header("What each role may do", anchor=False)
    table(_table(), "Roles and what each may do")


def discard() -> None:
    """Forget what was typed and show what is kept."""
    st.session_state[_ROUND] += 1
    st.session_state.pop(_PEOPLE, None)


def _told_elsewhere() -> None:
    """Where the list is not the last word, it says so."""
    login = screen.house().config.login
    if login is None:
        st.text("No login is configured: whoever sits at this computer is the administrator. The list counts with one.")
        return
    if login.role_claim:
        st.text(f"Roles come from the login provider, by the claim {login.role_claim}, with the next log-in.")
    if login.administrators:
        st.text(f"{set_in()} names as administrators: {', '.join(login.administrators)}")


def _shown(typing: bool) -> list[PersonChange]:
    """Everybody as they were when somebody began to type, else as they are."""
    kept: list[PersonChange] | None = st.session_state.get(_PEOPLE)
    if typing and kept is not None:
        return kept
    with screen.reading() as session:
        found = people.listed(session)
    st.session_state[_PEOPLE] = found
    return found


def _columns() -> dict[str, Any]:
    text, c = st.column_config.TextColumn, st.column_config
    roles = c.SelectboxColumn(
        "Role", width=130, options=["", *access.ROLES], default="", format_func=lambda role: access.title(str(role))
    )
    return {
        "login": text("Login", width=250, help="What the login provider calls them; given once"),
        "name": text("Name", width=190),
        "role": roles,
        "team": text("Team", width=150, help="Suspects are assigned to a person or to a team"),
        "active": c.CheckboxColumn("On", width=60, help="Off: they may do nothing from their next click on"),
    }


def _changes(before: list[PersonChange], edits: Mapping[str, Any]) -> Iterator[PersonChange]:
    for row, cells in (edits.get("edited_rows") or {}).items():
        person = before[int(row)]
        wanted = {**person.shown, **_cleaned(cells)}
        if wanted != person.shown:
            yield PersonChange(person.login, wanted, person.shown)
    for cells in edits.get("added_rows") or []:
        if any(value not in (None, "", False, True) for value in cells.values()):
            yield PersonChange(str(cells.get("login") or "").strip(), people.DEFAULTS | _cleaned(cells))


def _cleaned(cells: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value is not False if name == "active" else str(value or "").strip()
        for name, value in cells.items()
        if name in FIELDS
    }


def _table() -> pd.DataFrame:
    """Right by role."""
    rows = [
        {"May": access.MEANINGS[right]}
        | {access.title(role): "yes" if right in rights else "–" for role, rights in access.ROLES.items()}
        for right in Right
    ]
    return pd.DataFrame(rows)
