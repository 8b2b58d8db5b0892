"""The ways out: `Channel` is what an adapter offers, `Request` what it is given, `Receipt` what it answers.

An adapter is one file beside this one (`open311`, `email`, `outbox`), named by its kind. It talks, with no database
session open, and raises the `AdapterError` that says what to do next; what it cannot do it declares. `deliver.py`
calls it in three beats.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from connector import adapters, config


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted suspect as it goes out, frozen; texts hold no handle and no author."""

    reference: str
    type_code: str
    type_title: str
    department: str
    text: str
    """What residents wrote, masked; what the reviewer edited, if so."""
    place: str = ""
    lat: float | None = None
    lon: float | None = None
    """Degrees, WGS 84."""
    district: str = ""
    urgent: bool = False
    people: int = 1
    links: tuple[str, ...] = ()
    """Handle-free addresses of the posts."""
    service_code: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    to: str = ""
    """The designated person's address, for mail."""
    accepted_at: datetime | None = None
    due_at: datetime | None = None
    """When the city promises to have dealt with it; aware, UTC."""
    ticket_page: str = ""
    """Where staff close it, for channels that keep no state of their own."""
    city: str = ""
    timezone: str = "UTC"

    def frozen(self) -> dict[str, Any]:
        """As JSON, for `Dispatch.content`."""
        content = asdict(self)
        for name in ("accepted_at", "due_at"):
            content[name] = content[name].isoformat() if content[name] else None
        return content

    @classmethod
    def thawed(cls, content: dict[str, Any]) -> Request:
        """The inverse of `frozen`."""
        times = {n: datetime.fromisoformat(content[n]) if content.get(n) else None for n in ("accepted_at", "due_at")}
        return cls(**(content | times | {"links": tuple(content.get("links", ()))}))


@dataclass(frozen=True, slots=True)
class Receipt:
    """Their answer to a request: a number, or a token that stands for it until it matures."""

    number: str = ""
    token: str = ""
    url: str = ""
    notice: str = ""
    """What they say to the person who reports, if anything."""
    trackable: bool = True
    """False: they will never tell a number (a black box)."""


@dataclass(frozen=True, slots=True)
class Found:
    """The request stands there."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Absent:
    """The request is surely not there now; believed only after the settling time."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say, and why: a sentence fit for a screen."""

    why: str


@dataclass(frozen=True, slots=True)
class TicketRef:
    """Which ticket is meant: the number, or the token while there is none."""

    number: str = ""
    token: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class TicketState:
    """A ticket as they describe it now; `ref` is the question it answers."""

    ref: TicketRef
    number: str
    closed: bool
    status: str
    """Their word."""
    notes: str = ""
    url: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """One of the services that the other side offers."""

    code: str
    name: str
    description: str = ""
    needs: tuple[str, ...] = ()
    """Codes of required attributes."""


class Channel(adapters.AdapterBase, ABC):
    """A configured way out."""

    can_find: ClassVar[bool] = False
    """Whether a lost answer can be looked up by our reference."""
    can_follow: ClassVar[bool] = False
    """Whether the ticket's state can be asked; if not, staff close it on Tickets."""
    needs_address: ClassVar[bool] = False
    """Whether a request type must name a person to write to."""
    needs_service_code: ClassVar[bool] = False
    """Whether a request type must name the service that it is filed under."""
    leaves_house: ClassVar[bool] = True
    """False for channels that only write into the data directory."""
    can_notify: ClassVar[bool] = False
    """Whether the operator can be told of something by it."""

    def __init__(self, name: str, settings: Any, timeout: float = 20, home: Path = Path()) -> None:
        super().__init__(name, settings)
        self.timeout, self.home = timeout, home

    @abstractmethod
    def send(self, request: Request) -> Receipt:
        """Hand the request over once; raises Temporary-, Unclear-, Refused- or AuthError."""

    def find(self, request: Request) -> Found | Absent | Unknown:
        """Look a request up by its reference after a lost answer; never raises for a failed look-up."""
        return Unknown(f"{self.title} offers no way to look a request up")

    def status(self, refs: Sequence[TicketRef]) -> list[TicketState]:
        """The states of those tickets that they still know; raises AdapterError."""
        return []

    def services(self) -> list[Service]:
        """What can be filed there; raises AdapterError."""
        return []

    def test(self) -> str:
        """A sentence on the state of the connection, by the cheapest call; raises AdapterError."""
        return "Nothing to test"

    def notify(self, to: str, subject: str, text: str) -> None:
        """Mail a plain text to the operator, once; raises AdapterError."""
        raise NotImplementedError(f"{self.title} mails nobody")

    def forget(self, reference: str) -> None:
        """Erase what this computer still holds of the request."""

    def forget_notices(self) -> None:
        """Erase what this computer still holds of notices that nobody needs any more; a chore, safe to repeat."""


def load(name: str, adapter: config.Adapter, timeout: float = 20, home: Path = Path()) -> Channel:
    """The configured channel, ready to talk; ConfigError names a wrong setting."""
    cls = adapters.load(__name__, Channel, adapter.kind)  # type: ignore[type-abstract]
    return cls(name, adapters.checked(cls, name, adapter, "channels"), timeout, home)


def kinds() -> dict[str, type[Channel]]:
    """Every kind that is shipped."""
    return {kind: adapters.load(__name__, Channel, kind) for kind in adapters.kinds(__name__)}  # type: ignore[type-abstract]
