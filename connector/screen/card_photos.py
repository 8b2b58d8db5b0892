"""Photos on the card, on demand: fetched by the server when somebody asks, gone with the card, never stored.

What may be fetched, and from where, stands in `connector/media.py`.
"""

from __future__ import annotations

import streamlit as st

from connector import media, screen
from connector.errors import AdapterError
from connector.screen import desk
from connector.screen.card_names import Names
from connector.store import queue

_MOST = 4


def photos(suspect_id: int, lead: queue.CardPost, who: Names) -> None:
    """The button, or what it brought; nothing where a post has none, or none that we may fetch."""
    if not lead.post.media:
        return
    allowed = media.hosts(screen.house().config, lead.post.source, lead.kind)
    urls = [(who.reveal(one.get("url", "")), who.reveal(one.get("alt", ""))) for one in lead.post.media[:_MOST]]
    urls = [(url, alt) for url, alt in urls if media.may_fetch(url, allowed)]
    my = desk.desk()
    if my.photos_of != suspect_id:
        my.photos_of, my.photos = suspect_id, {}
    if urls and not my.photos:
        label = "Show photo" if len(urls) == 1 else f"Show {len(urls)} photos"
        if not st.button(label, key=f"photos_{suspect_id}", icon=":material/image:", type="tertiary"):
            return
        with st.spinner("Fetching"):
            my.photos = {url: _fetched(url, allowed) for url, _ in urls}
    with st.container(horizontal=True, gap="small"):
        for url, alt in urls:
            if isinstance(found := my.photos.get(url, ""), bytes):
                st.image(found, width=250, alt=alt or "Photo of the post")
            elif found:
                st.text(found)


def _fetched(url: str, allowed: tuple[str, ...]) -> bytes | str:
    """The picture, or why there is none."""
    try:
        return media.fetch(url, allowed)
    except AdapterError as error:
        return str(error)
