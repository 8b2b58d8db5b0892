"""How the city works: request types, ways out, kept mails, privacy, the catalogue as a file, the demo's first day."""

import streamlit as st

from connector import screen, settings
from connector.demo import past
from connector.screen import channels, outbox
from connector.screen import settings as parts
from connector.settings import Tested, TypeChange

house = screen.house()
database, config = house.database, house.config


def save(changes: list[TypeChange]) -> bool:
    return screen.say(lambda: settings.save_types(database, config, changes, screen.me()))


def ask(channel: str) -> Tested:
    return settings.try_channel(config, channel)


def resume(channel: str) -> None:
    screen.say(lambda: settings.resume(database, channel, screen.me()))


def take(raw: bytes, name: str) -> bool:
    return screen.say(lambda: settings.take_file(database, config, raw, screen.me(), name))


def reset() -> None:
    past.request_reset(database, screen.me())


match parts.header():
    case "types":
        parts.types(save)
    case "channels":
        channels.ways(ask, resume)
    case "outbox":
        outbox.outbox()
    case "privacy":
        parts.privacy()
    case "file":
        parts.files(take)
    case "demo":
        parts.demo(reset)
st.space("small")
