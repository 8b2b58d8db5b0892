"""Who is behind a DID: records name people by DID alone, their handles are asked for when a post is looked at.

A question costs the same for 25 people as for one, so the next authors of the same batch are asked for with it. What
is known is kept, bounded, and follows the stream's `#identity` events. Who cannot be found goes by the DID. Called by
`records.py`, also from threads that store posts.
"""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any

from connector.errors import AdapterError
from connector.incoming import Person
from connector.sources.bluesky.calls import Xrpc

KEPT = 2**15
"""People; about 10 MB."""
TOGETHER = 25
"""The most that `app.bsky.actor.getProfiles` takes."""
REST = 60.0
"""Seconds without questions after one that failed: posts must not wait for a server that is down."""
DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,200}")
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HANDLE = re.compile(rf"({_LABEL}\.)+(?=[A-Za-z]){_LABEL}")
"""As https://atproto.com/specs/handle says; a question with another one in it is refused as a whole."""


class People:
    """Names of accounts by DID; threads may share it."""

    def __init__(self, calls: Xrpc, accounts: Iterable[str] = ()) -> None:
        """`accounts` are ours, handles or DIDs: they come with the first answer."""
        self._calls = calls
        self._known: OrderedDict[str, Person] = OrderedDict()
        self._lock = threading.Lock()
        self._asks_again = 0.0
        self._accounts = [name for name in accounts if _HANDLE.fullmatch(name) or DID.fullmatch(name)]
        self._ours = {name for name in self._accounts if DID.fullmatch(name)}
        self._names_of_ours = frozenset(name.lower() for name in self._accounts)

    def of(self, did: str, crowd: Sequence[str] = ()) -> Person:
        """Asked of the network where it is not known yet, and some of the `crowd` with it."""
        person = self._held(did)
        if person is None and time.monotonic() >= self._asks_again:
            self._ask(did, crowd)
            person = self._held(did)
        return person or Person(did, "", did)

    def known(self, did: str) -> str:
        """The handle, as far as it is known already; else nothing."""
        person = self._held(did)
        return person.handle if person and person.handle != did else ""

    def is_ours(self, did: str) -> bool:
        return did in self._ours

    def learn(self, profile: Any) -> None:
        """Of a profile that came along."""
        if not isinstance(profile, dict):
            return
        did, handle, name = (profile.get(key) for key in ("did", "handle", "displayName"))
        if not isinstance(did, str) or not isinstance(handle, str) or not DID.fullmatch(did):
            return
        if handle == "handle.invalid" or not handle:
            handle = did
        if handle.lower() in self._names_of_ours:
            self._ours.add(did)
        self._keep(Person(handle, name if isinstance(name, str) else "", did))

    def renamed(self, did: str, handle: str) -> None:
        """The account has another handle; empty: one that must be asked for."""
        with self._lock:
            person = self._known.pop(did, None)
            if person is not None and handle:
                self._known[did] = Person(handle, person.name, did)

    def _held(self, did: str) -> Person | None:
        with self._lock:
            person = self._known.get(did)
            if person is not None:
                self._known.move_to_end(did)
            return person

    def _keep(self, person: Person) -> None:
        with self._lock:
            self._known[person.id] = person
            self._known.move_to_end(person.id)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)

    def _ask(self, did: str, crowd: Sequence[str]) -> None:
        accounts, later = self._accounts[: TOGETHER - 1], self._accounts[TOGETHER - 1 :]
        with self._lock:
            strangers = [one for one in dict.fromkeys(crowd) if one not in self._known and one != did]
        asked = [did, *accounts, *strangers][:TOGETHER]
        try:
            answer = self._calls.get("app.bsky.actor.getProfiles", [("actors", actor) for actor in asked])
        except AdapterError:
            self._asks_again = time.monotonic() + REST
            return
        self._accounts = later
        profiles = answer.get("profiles")
        for profile in profiles if isinstance(profiles, list) else ():
            self.learn(profile)
        for one in (did, *strangers[: TOGETHER - 1]):
            if one in asked and self._held(one) is None:
                self._keep(Person(one, "", one))
