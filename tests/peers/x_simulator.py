"""A server that speaks X's API v2 on loopback, as far as the connector uses it, and misbehaves as it is told.

`with x_simulator(scale=60) as x:` starts it; all times are X's (`x.clock`): a documented minute lasts a second then.
`python -m tests.peers.x_simulator` is the same as a process of its own, for `x_remote.py`. Read on in `x_endpoints.py`
(what each path answers), `x_world.py` (what X knows), `x_stream.py` (the stream), `x_faults.py` (what can go wrong).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from tests.peers import x_ledger
from tests.peers.x_answers import Answer
from tests.peers.x_clock import Clock
from tests.peers.x_endpoints import ENDPOINTS, Asked, Endpoints
from tests.peers.x_faults import ANSWERS, Due, Fault, Faults
from tests.peers.x_ledger import Interval
from tests.peers.x_limits import Limits
from tests.peers.x_plans import PAY_PER_USE, PLANS, Plan, Settings
from tests.peers.x_posts import Refused, User
from tests.peers.x_server import Attempt, Server
from tests.peers.x_stream import GONE, Connection
from tests.peers.x_world import Emitted, Rule, World

BEARER = "a-bearer-token"
USER_TOKEN = "a-user-token"
ME = "larkmere_city"


class Simulator:
    """What a test says to X and asks of it; the server runs from `start` to `stop`."""

    def __init__(
        self, scale: float = 1.0, plan: Plan = PAY_PER_USE, port: int = 0, seed: int = 0, **settings: Any
    ) -> None:
        self.clock = Clock(scale)
        self.plan = plan
        self.settings = Settings(**settings)
        self.world = World(self.clock, ME, self.settings.rule_delay)
        self.faults = Faults(seed)
        self.limits = Limits(self.clock, self.settings.limits)
        self.endpoints = Endpoints(self)
        self.bearer, self.user_token = BEARER, USER_TOKEN
        self.attempts: list[Attempt] = []
        self.streams: list[Connection] = []
        """Those that are open."""
        self.searched: list[tuple[float, float, float, float]] = []
        """When search was answered, the oldest and newest moment that could be asked for then, and how far the answer
        went back."""
        self.stopping = threading.Event()
        self.failures: list[BaseException] = []
        """What went wrong in the simulator itself."""
        self._streamed: list[Connection] = []
        self._vanished: list[float] = []
        self._lock = threading.RLock()
        self._port = port
        self._listener: Server | None = None
        self._control: Server | None = None
        self._opening: list[threading.Thread] = []
        self.world.listeners.append(self._offer)

    # The server.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> Simulator:
        self._listen()
        return self

    def listen_for_control(self) -> str:
        """The address that answers `/_control/`, even while nobody listens at `url`."""
        self._control = Server(self, 0, control=True)
        return f"http://127.0.0.1:{self._control.server_port}"

    def stop(self) -> None:
        self.stopping.set()
        for thread in self._opening:
            thread.join()
        self._stop_streams("the simulator stops")
        for server in (self._listener, self._control):
            if server:
                server.close()

    def refuse(self, seconds: float) -> None:
        """Nobody listens at `url` for so long, and what is open is cut off; of no effect while that is so already.

        Refused connections are not in `attempts`: no program is there to see them.
        """
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is None:
            return
        listener.stop_listening()  # first: who is cut off may be back at once
        self._stop_streams("refused")
        listener.close()
        thread = threading.Thread(target=self._listen, args=(seconds,))
        self._opening.append(thread)
        thread.start()

    def _listen(self, wait: float = 0.0) -> None:
        if not self.stopping.wait(self.clock.real(wait)):
            self._listener = Server(self, self._port)
            self._port = self._listener.server_port

    def _stop_streams(self, why: str) -> None:
        for stream in list(self.streams):
            stream.stop(why)

    # What a test says.

    def add_user(self, username: str, **values: Any) -> User:
        """An account; `values` are fields of X's user object, `followers` a short one."""
        return self.world.add_user(username, **values)

    def emit(self, text: str, author: str = "a_resident", **values: Any) -> Emitted:
        """A new post; `World.emit` lists what may be said of it."""
        return self.world.emit(text, author, **values)

    def edit(self, number: str, text: str) -> Emitted:
        return self.world.edit(number, text)

    def delete(self, number: str) -> None:
        self.world.delete(number)

    def add_rule(self, value: str, tag: str | None = None, delay: float = 0.0) -> Rule:
        """A rule as if it had been there before: in force at once, or after so long."""
        with self.world.lock:
            rule = self.world.new_rule(value, tag, delay)
            self.world.rules.append(rule)
            return rule

    def fail(
        self, endpoint: str, fault: Fault, times: int | None = 1, seconds: float | None = None, after: int = 0
    ) -> None:
        """Do this wrong `times` times, or for so many seconds of X's time, after so many posts on a connection."""
        if endpoint not in ENDPOINTS and endpoint != "all":
            raise ValueError(f"endpoint is one of {', '.join(ENDPOINTS)}, or all")
        until = None if seconds is None else self.clock.now() + seconds
        self.faults.order(Due(endpoint, fault, times if seconds is None else None, until, after))
        for stream in list(self.streams):
            stream.wake()

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self.faults.forget()

    def forget_before(self, moment: float) -> None:
        """Recent search reaches no further back than this, as if the week were over."""
        self.settings.forgotten_before = max(moment, self.settings.forgotten_before)

    # What a test asks.

    @property
    def rules(self) -> list[Rule]:
        return self.world.listed_rules()

    @property
    def account(self) -> list[Emitted]:
        """Every post that was emitted, by id."""
        with self.world.lock:
            return list(self.world.account)

    def tried(self, endpoint: str) -> list[Attempt]:
        """The requests of this endpoint so far."""
        return [attempt for attempt in self.attempts if attempt.endpoint == endpoint]

    def waits(self, endpoint: str = "stream") -> list[float]:
        """From the end of each request to the beginning of the next, in X's seconds."""
        return [wait for _, wait in self.returns(endpoint)]

    def returns(self, endpoint: str = "stream") -> list[tuple[Attempt, float]]:
        """Each request that another one followed, and how long after its end that was."""
        tried = self.tried(endpoint)
        pairs = zip(tried, tried[1:], strict=False)
        return [(before, later.at - before.ended_at) for before, later in pairs if before.ended_at is not None]

    def wait_for_stream(self, timeout: float = 5.0) -> Connection:
        """Until a stream is open; `timeout` on the wall."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.streams:
                return self.streams[-1]
            time.sleep(0.005)
        raise AssertionError("no stream was opened")

    def silences(self) -> list[Interval]:
        """When no stream was being written to, from the start until now; seconds since 1970."""
        now = self.clock.now()
        with self.world.lock:
            live = [(stream.live_from, stream.live_until or now) for stream in self._streamed]
        return x_ledger.silences(live, self.clock.origin, now)

    def lost(self) -> list[Interval]:
        """Intervals of which nobody could get the posts: no stream then, and out of search's reach afterwards."""
        earliest, newest = self.endpoints.reach()
        return x_ledger.lost(self.silences(), [*self.searched, (self.clock.now(), earliest, newest, earliest)])

    # What the server asks.

    def begin(self, asked: Asked) -> Attempt:
        with self._lock:
            number = len(self.attempts) + 1
            attempt = Attempt(number, asked.endpoint, asked.method, asked.path, asked.query, self.clock.now())
            self.attempts.append(attempt)
            return attempt

    def end(self, attempt: Attempt, ending: str, at: float | None = None) -> None:
        """Said before the client can know of it, so that no wait of its comes out too short."""
        attempt.ended_at, attempt.ending = self.clock.now() if at is None else at, ending

    def answer(self, asked: Asked) -> Answer:
        """What goes out, rate limit included; a stream's is 200 without a body."""
        fault = self.faults.take(asked.endpoint, (ANSWERS,), self.clock.now())
        if fault and fault.name == "rate_limited":
            return self.limits.exceeded(asked.endpoint, fault.value["reset"])
        if fault:
            answer = Answer(fault.value["status"], fault.value["body"], fault.value["headers"])
        else:
            try:
                answer = self.limits.count(asked.endpoint) or self.endpoints.answer(asked)
            except Refused as refusal:
                answer = refusal.answer
        return Answer(answer.status, answer.body, self.limits.headers(asked.endpoint) | answer.headers)

    def open_stream(self, asked: Asked, number: int, sock: socket.socket) -> Connection:
        """A place on the stream, taken from this moment on; raises Refused."""
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.settings.send_buffer)
        # A client that closed one stream and opens the next at once may be heard in the other order.
        for _ in range(10):
            if self.places_taken() < self.plan.connections:
                break
            time.sleep(0.005)
        with self.world.lock:
            stream = self.endpoints.stream(asked, number, sock)
            self.streams.append(stream)
            self._streamed.append(stream)
        return stream

    def close_stream(self, stream: Connection, attempt: Attempt, ending: str) -> None:
        stream.end()
        attempt.posts = stream.posts
        if ending == GONE:
            self._vanished.append(self.clock.now())
        self.end(attempt, ending, stream.over_at)
        with self.world.lock:
            self.streams.remove(stream)

    def places_taken(self) -> int:
        """On the stream, those of clients included that have gone without X's knowing yet."""
        oldest = self.clock.now() - self.settings.client_gone_after
        taken = sum(stream.takes_a_place for stream in self.streams)
        return taken + sum(moment > oldest for moment in self._vanished)

    def _offer(self, emitted: Emitted) -> None:
        for stream in list(self.streams):
            stream.offer(emitted)


@contextlib.contextmanager
def x_simulator(scale: float = 1.0, plan: Plan = PAY_PER_USE, **settings: Any) -> Iterator[Simulator]:
    """Runs for as long as the block does; `settings` are those of `x_plans.Settings`, and `seed`."""
    x = Simulator(scale, plan, **settings).start()
    try:
        yield x
    finally:
        x.stop()
    for failure in x.failures:
        raise failure


def main() -> None:
    """Prints its addresses and its clock as a line of JSON, and runs until standard input ends."""
    parser = argparse.ArgumentParser(description="A simulated X")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plan", choices=PLANS, default=PAY_PER_USE.name)
    parser.add_argument("--settings", type=json.loads, default={}, help="JSON of x_plans.Settings")
    given = parser.parse_args()
    x = Simulator(given.scale, PLANS[given.plan], given.port, given.seed, **given.settings).start()
    told = {"url": x.url, "control": x.listen_for_control(), "scale": x.clock.scale, "origin": x.clock.origin}
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    x.stop()


if __name__ == "__main__":
    main()
