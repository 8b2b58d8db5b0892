"""The operators of places: `place:`, `place_country:`, `point_radius:`, `bounding_box:`, `has:geo`.

Three-valued as in `operands.py`, which lists them. An exact position goes before the tagged place; a place must lie
within a region wholly, as on X.
"""

from __future__ import annotations

from collections.abc import Callable

from connector.incoming import Detail, Incoming, Kind, TaggedPlace
from connector.rules.geo import Box, Circle
from connector.rules.reading import Reading, Test, Truth, holding


def located(post: Incoming) -> Truth:
    """Whether the post carries a place or a position; those of a repeated post belong to the original."""
    detail = post.detail
    if detail.kind is Kind.REPOST:
        return False
    return True if detail.place_name or detail.lat is not None else post.more.located


def named(value: str, accents: bool) -> Test:
    holds = holding(value, accents)

    def of_place(post: Incoming) -> Truth:
        place, name = post.more.place, post.detail.place_name
        names = place.names if place else (name,) if name else ()
        if any(map(holds, names)) or (place and place.id.lower() == value.lower()):
            return True
        return False if names else None

    return _tagged(of_place)


def in_country(value: str, accents: bool) -> Test:
    def of_place(post: Incoming) -> Truth:
        place: TaggedPlace | None = post.more.place
        return place.country.upper() == value if place and place.country else None

    return _tagged(of_place)


def _tagged(of_place: Callable[[Incoming], Truth]) -> Test:
    def test(post: Reading) -> Truth:
        there = located(post.incoming)
        return of_place(post.incoming) if there else there

    return test


def within(region_of: Callable[[str], Circle | Box]) -> Callable[[str, bool], Test]:
    def make(value: str, accents: bool) -> Test:
        region = region_of(value)

        def of_place(post: Incoming) -> Truth:
            position, place = post.more.position, post.more.place
            if position is None and place is None:
                position = _position(post.detail)
            if position:
                return region.holds(*position)
            return region.holds_box(Box(*place.box)) if place and place.box else None

        return _tagged(of_place)

    return make


def _position(detail: Detail) -> tuple[float, float] | None:
    return (detail.lon, detail.lat) if detail.lon is not None and detail.lat is not None else None
