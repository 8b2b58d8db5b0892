"""How the city works: request types, ways out, people, privacy, the catalogue as a file, the demo's first day."""

import streamlit as st

from connector import people, screen, settings
from connector.access import Right
from connector.demo import past
from connector.people import PersonChange
from connector.screen import channels, outbox
from connector.screen import people as people_parts
from connector.screen import settings as parts
from connector.settings import Tested, TypeChange

screen.only(Right.SETTINGS)
house = screen.house()
database, config = house.database, house.config


def save(changes: list[TypeChange]) -> bool:
    return screen.act(Right.SETTINGS, lambda: settings.save_types(database, config, changes, screen.me()))


def save_people(changes: list[PersonChange]) -> bool:
    return screen.act(Right.PEOPLE, lambda: people.save(database, config, changes, screen.me()))


def ask(channel: str) -> Tested:
    return settings.try_channel(config, channel)


def resume(channel: str) -> None:
    screen.act(Right.SETTINGS, lambda: settings.resume(database, channel, screen.me()))


def take(raw: bytes, name: str) -> bool:
    return screen.act(Right.SETTINGS, lambda: settings.take_file(database, config, raw, screen.me(), name))


def reset() -> None:
    screen.act(Right.SETTINGS, lambda: past.request_reset(database, screen.me()))


match parts.header():
    case "types":
        parts.types(save)
    case "channels":
        channels.ways(ask, resume)
    case "outbox":
        outbox.outbox()
    case "people":
        people_parts.everybody(save_people)
    case "privacy":
        parts.privacy()
    case "file":
        parts.files(take)
    case "demo":
        parts.demo(reset)
st.space("small")
