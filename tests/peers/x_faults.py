"""What the simulator of X can be told to do wrong, as small declarations; `Faults` keeps what is still to come.

A fault belongs to an endpoint by its name (`x_simulator.ENDPOINTS`), or to `all`. It strikes so many times (`times`),
or for so many seconds of X's time (`seconds`), after so many posts on a connection (`after`, streams only).
"""

from __future__ import annotations

import random
import threading
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.peers import x_answers
from tests.peers.x_answers import Answer

ANSWERS, BREAKS, CUTS, BENDS = "answers", "breaks", "cuts", "bends"
"""Whole answers instead of the right one, breaks on the way to it, ends of an open stream, changes to its messages."""

DISCONNECTS = (
    "OperationalDisconnect",
    "UpstreamOperationalDisconnect",
    "ForceDisconnect",
    "UpstreamUncleanDisconnect",
    "SlowReader",
    "InternalError",
    "ClientApplicationStateDegraded",
    "InvalidRules",
)


@dataclass(frozen=True)
class Fault:
    """One way to go wrong. Made by the class methods below; `name` is theirs."""

    name: str
    group: str
    value: dict[str, Any] = field(default_factory=dict)

    # Whole answers.

    @classmethod
    def answer(cls, status: int, body: Any = None, **headers: str) -> Fault:
        """Any status with any body; text goes out as it is, everything else as JSON."""
        return cls("answer", ANSWERS, {"status": status, "body": body, "headers": headers})

    @classmethod
    def _said(cls, answer: Answer) -> Fault:
        return cls("answer", ANSWERS, {"status": answer.status, "body": answer.body, "headers": answer.headers})

    @classmethod
    def unauthorized(cls) -> Fault:
        return cls._said(x_answers.UNAUTHORIZED)

    @classmethod
    def credits_depleted(cls) -> Fault:
        return cls._said(x_answers.CREDITS_DEPLETED)

    @classmethod
    def forbidden(cls) -> Fault:
        """As when the app stands in no project."""
        return cls._said(x_answers.CLIENT_FORBIDDEN)

    @classmethod
    def usage_capped(cls) -> Fault:
        """The project's monthly cap of posts."""
        return cls._said(x_answers.USAGE_CAPPED)

    @classmethod
    def rate_limited(cls, reset: float = 60.0) -> Fault:
        """429; `x-rate-limit-reset` lies so many seconds ahead."""
        return cls("rate_limited", ANSWERS, {"reset": reset})

    @classmethod
    def connection_issue(cls, kind: str) -> Fault:
        """TooManyConnections, ProvisioningSubscription, RuleConfigurationIssue or RulesInvalidIssue."""
        return cls._said(x_answers.connection_issue(kind))

    @classmethod
    def server_error(cls, status: int = 503) -> Fault:
        """500, 502, 503 or 504, of X's own making."""
        return cls._said(x_answers.server_error(status))

    @classmethod
    def page(cls, status: int = 503) -> Fault:
        """A web page where JSON belongs."""
        return cls("answer", ANSWERS, {"status": status, "body": x_answers.PAGE, "headers": {}})

    # Breaks on the way.

    @classmethod
    def reset(cls) -> Fault:
        """The request is read, then the connection reset."""
        return cls("reset", BREAKS)

    @classmethod
    def close(cls) -> Fault:
        """The request is read, then the connection closed without a word."""
        return cls("close", BREAKS)

    @classmethod
    def silence(cls, seconds: float = 3600.0) -> Fault:
        """The request is read and never answered; closed after so long."""
        return cls("silence", BREAKS, {"seconds": seconds})

    @classmethod
    def half(cls) -> Fault:
        """Half of the answer's body, then the end; on a stream, its head and no more."""
        return cls("half", BREAKS)

    @classmethod
    def late(cls, seconds: float) -> Fault:
        """The right answer, so much later."""
        return cls("late", BREAKS, {"seconds": seconds})

    # Ends of an open stream.

    @classmethod
    def disconnect(cls, kind: str = "OperationalDisconnect") -> Fault:
        """X says why and hangs up; one of `DISCONNECTS`."""
        return cls("disconnect", CUTS, {"kind": kind})

    @classmethod
    def end(cls) -> Fault:
        """The stream ends in good order, for no reason given. With `after=0`: accepted, then closed."""
        return cls("end", CUTS)

    @classmethod
    def drop(cls) -> Fault:
        """The connection is reset."""
        return cls("drop", CUTS)

    @classmethod
    def cut_line(cls) -> Fault:
        """The connection closes in the middle of a post, which counts as not written."""
        return cls("cut_line", CUTS)

    @classmethod
    def stall(cls) -> Fault:
        """Nothing comes any more, keep-alives neither; the connection stays open."""
        return cls("stall", CUTS)

    # Changes to messages.

    @classmethod
    def broken_line(cls) -> Fault:
        """A line of torn JSON before the next post."""
        return cls("broken_line", BENDS)

    @classmethod
    def split(cls, *sizes: int) -> Fault:
        """The message goes out in chunks of so many bytes, the last size repeated; `split(1)`: byte by byte.

        None given: the cut falls between the `\\r` and the `\\n` at its end.
        """
        return cls("split", BENDS, {"sizes": list(sizes)})

    @classmethod
    def split_anywhere(cls) -> Fault:
        """Chunks of random sizes, by the simulator's seed."""
        return cls("split_anywhere", BENDS)

    @classmethod
    def split_keep_alive(cls) -> Fault:
        """The next keep-alive comes in two chunks, `\\r` and `\\n`."""
        return cls("split_keep_alive", BENDS)

    @classmethod
    def extra_keep_alive(cls) -> Fault:
        """A keep-alive within the message's chunk, before it."""
        return cls("extra_keep_alive", BENDS)

    @classmethod
    def without_tag(cls) -> Fault:
        return cls("without_tag", BENDS)

    @classmethod
    def null_tag(cls) -> Fault:
        return cls("null_tag", BENDS)

    @classmethod
    def int_rule_ids(cls) -> Fault:
        """Rule ids as numbers, as in old recordings."""
        return cls("int_rule_ids", BENDS)

    @classmethod
    def without_rules(cls) -> Fault:
        """A message without `matching_rules`."""
        return cls("without_rules", BENDS)

    @classmethod
    def twice(cls) -> Fault:
        """The post comes two times."""
        return cls("twice", BENDS)

    @classmethod
    def hold(cls, posts: int = 1) -> Fault:
        """The post comes after so many later ones; at the latest with the next keep-alive."""
        return cls("hold", BENDS, {"posts": posts})

    @classmethod
    def unknown_message(cls) -> Fault:
        """A message of a kind that nobody documented, before the next post."""
        return cls("unknown_message", BENDS)

    @classmethod
    def unknown_fields(cls) -> Fault:
        """Fields that nobody documented, on every level of the message."""
        return cls("unknown_fields", BENDS)

    @classmethod
    def partial_errors(cls) -> Fault:
        """`errors` beside `data`: something that the post refers to cannot be seen."""
        return cls("partial_errors", BENDS)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """So long a wait before the message, without keep-alives."""
        return cls("slow", BENDS, {"seconds": seconds})


def of_requests() -> list[Fault]:
    """One of each that any request may meet."""
    return [
        Fault.unauthorized(),
        Fault.credits_depleted(),
        Fault.forbidden(),
        Fault.usage_capped(),
        Fault.rate_limited(),
        *(Fault.server_error(status) for status in (500, 502, 503, 504)),
        Fault.page(),
        Fault.reset(),
        Fault.close(),
        Fault.silence(),
        Fault.half(),
        Fault.late(5),
    ]


def of_streams() -> list[Fault]:
    """One of each that only a stream may meet."""
    issues = ("TooManyConnections", "ProvisioningSubscription", "RuleConfigurationIssue", "RulesInvalidIssue")
    return [
        *(Fault.connection_issue(kind) for kind in issues),
        *(Fault.disconnect(kind) for kind in DISCONNECTS),
        Fault.end(),
        Fault.drop(),
        Fault.cut_line(),
        Fault.stall(),
        Fault.broken_line(),
        Fault.split(),
        Fault.split(1),
        Fault.split_anywhere(),
        Fault.split_keep_alive(),
        Fault.extra_keep_alive(),
        Fault.without_tag(),
        Fault.null_tag(),
        Fault.int_rule_ids(),
        Fault.without_rules(),
        Fault.twice(),
        Fault.hold(),
        Fault.unknown_message(),
        Fault.unknown_fields(),
        Fault.partial_errors(),
        Fault.slow(5),
    ]


@dataclass
class Due:
    """A fault that has been ordered; `left` None: until its time is over or it is taken back."""

    endpoint: str
    fault: Fault
    left: int | None
    until: float | None
    after: int
    struck: int = 0


class Faults:
    """What is still to go wrong; safe between threads."""

    def __init__(self, seed: int = 0) -> None:
        self.chance = random.Random(seed)
        self._lock = threading.Lock()
        self._due: list[Due] = []
        self.struck: list[tuple[float, str, str]] = []
        """Moment, endpoint and name of every fault that happened."""

    def order(self, due: Due) -> None:
        with self._lock:
            self._due.append(due)

    def forget(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._due.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """What has not struck, or not often enough."""
        with self._lock:
            return [asdict(due) for due in self._due]

    def take(
        self, endpoint: str, groups: tuple[str, ...], now: float, posts: int = 0, name: str = "", but: str = ""
    ) -> Fault | None:
        """The next fault of these groups for this endpoint, of one name or of any but one, counted as struck."""
        with self._lock:
            self._due = [due for due in self._due if due.until is None or due.until > now]
            for due in self._due:
                named = due.fault.name == name if name else due.fault.name != but
                fits = due.fault.group in groups and named
                if fits and due.endpoint in (endpoint, "all") and posts >= due.after:
                    return self._strike(due, endpoint, now)
        return None

    def take_all(self, endpoint: str, groups: tuple[str, ...], now: float, posts: int, but: str = "") -> list[Fault]:
        """Every fault of these groups that is due, each counted as struck once."""
        with self._lock:
            self._due = [due for due in self._due if due.until is None or due.until > now]
            fitting = [
                due
                for due in self._due
                if due.fault.group in groups
                and due.fault.name != but
                and due.endpoint in (endpoint, "all")
                and posts >= due.after
            ]
            return [self._strike(due, endpoint, now) for due in fitting]

    def _strike(self, due: Due, endpoint: str, now: float) -> Fault:
        due.struck += 1
        if due.left is not None:
            due.left -= 1
            if due.left <= 0:
                self._due.remove(due)
        self.struck.append((now, endpoint, due.fault.name))
        return due.fault
