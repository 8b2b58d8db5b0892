"""Sources: how each one is, what it may have missed, what it costs, and what its kind can do."""

import streamlit as st

from connector import screen, sourcing
from connector.access import Right
from connector.screen import source_card as card
from connector.screen import source_figures as figures
from connector.screen import source_gaps as gaps
from connector.screen import sources as parts
from connector.screen import strip, upload

screen.only(Right.SOURCES)
house = screen.house()
database, config, me = house.database, house.config, screen.me()


def retry(name: str) -> None:
    screen.act(Right.SETTINGS, lambda: sourcing.retry(database, config, name, me))


def pause(name: str) -> None:
    screen.act(Right.SETTINGS, lambda: sourcing.pause(database, config, name, me))


def fill(gap: int) -> None:
    screen.act(Right.SETTINGS, lambda: sourcing.fill(database, gap, me))


def give_up(gap: int) -> None:
    screen.act(Right.SETTINGS, lambda: sourcing.give_up(database, gap, me))


def seen(alert: int) -> None:
    screen.act(Right.SETTINGS, lambda: sourcing.seen(database, alert, me))
    strip.again()


with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Sources", width="content", anchor=False)
    parts.summary()
    upload.button()
upload.pane()

parts.follow()
rows = parts.lines()
if not rows:
    screen.empty("No source yet", "Name one in connector.toml as [sources.NAME]; Settings shows what can be set")
    st.stop()

row = parts.pick(rows)
screen.said()
gaps.timeline(rows)
left, right = st.columns([6, 5], gap="medium")
with left, st.container(border=True, height="stretch"):
    card.card(row, card.Verbs(retry, pause, seen))
    if row.configured and row.kind == "file" and screen.allowed(Right.DECIDE):
        upload.panel(row.name)
    gaps.missed(row, fill, give_up)
    figures.became(row)
with right, st.container(border=True, height="stretch"):
    figures.budget(row)
    figures.can_do(row)
