"""The seat for the city's own geocoder: an ArcGIS locator, or Nominatim on the city's own server.

Nothing implements it yet, on purpose: the city's lists (`gazetteer.py`) answer without a network. One that is built
asks for what the lists do not hold, a house number without a range for instance, from the card's search and never while
posts are taken in.
"""

from __future__ import annotations

from typing import Protocol

from connector.triage.gazetteer import Place


class Locator(Protocol):
    """Finds places by what a person typed."""

    def locate(self, text: str, limit: int) -> list[Place]:
        """At most `limit` places inside the city, the best first, each with the locator's own certainty as `sure`.

        Talks to a server, so it is called with no session open; raises the errors of an adapter (`errors.py`): a
        `TemporaryError` where asking again later may help. Nothing but `text` leaves the house, and neither does a
        post's author.
        """
        ...
