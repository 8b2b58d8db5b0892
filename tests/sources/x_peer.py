"""X as the contract of sources wants it, and sources that read the simulator of X (`tests/peers/x_simulator.py`)."""

from __future__ import annotations

from typing import Any

from connector import config, sources
from connector.sources import Wanted
from connector.sources.x import X
from connector.sources.x.source import Pace
from tests.contracts import HANDLE, SECRET
from tests.peers.x_faults import Fault
from tests.peers.x_simulator import Simulator
from tests.source_contract import Peer

RULES = (Wanted(1, 1, "crater OR pothole"),)
QUICK: dict[str, Any] = {"keep_alive": 0.05, "rule_delay": 0.0, "job_takes": 0.0}
"""The simulator's times, in seconds, where a test does not ask for the documented ones."""
QUICK_PACE = Pace(flush=0.02)
FAILURES = {  # what the next connection meets is ordered before this one ends
    "rate limit": (Fault.rate_limited(60), Fault.end()),
    "unavailable": (Fault.server_error(503), Fault.end()),
    "error": (Fault.server_error(500), Fault.end()),
    "broken": (Fault.broken_line(),),
    "reset": (Fault.drop(),),
}


class XPeer(Peer):
    """The stream of an app whose token is `SECRET`."""

    def __init__(self, x: Simulator) -> None:
        self.x = x
        x.bearer = SECRET

    @property
    def settings(self) -> dict[str, Any]:
        return {"bearer_token": SECRET, "endpoint": self.x.url}

    def post(self, text: str, author: str = HANDLE[1:], repeats: str = "") -> str:
        return self.x.emit(text, author, repost_of=repeats).id

    def edit(self, id: str, text: str) -> None:
        self.x.edit(id, text)

    def delete(self, id: str) -> None:
        self.x.delete(id)

    def refuse(self) -> None:
        self.x.bearer = "another token"
        self.x.fail("stream", Fault.end())

    def admit(self) -> None:
        self.x.mend()
        self.x.bearer = SECRET

    def fail(self, how: str) -> None:
        for fault in FAILURES[how]:
            self.x.fail("stream", fault)


def a_source(
    x: Simulator, *rules: Wanted, installation: str = "installation-1", pace: Pace | None = None, **settings: Any
) -> X:
    """Reads this simulator; with other `pace`, time passes faster."""
    adapter = config.Adapter(kind="x", **{"bearer_token": x.bearer, "endpoint": x.url} | settings)
    city = config.City(name="Port Alder", accounts=["portalder311"])
    source = sources.load("way-in", adapter, config.Config(city=city, sources={"way-in": adapter}))
    assert isinstance(source, X)
    source.installation = installation
    if pace:
        source.pace = pace  # type: ignore[misc]
    source.want(rules or RULES)
    return source
