"""A few processes that do one kind of work side by side; `ingest.py` prepares posts in them.

Made by fork, so that they start at once and hold what this process holds already; each has two pipes of its own,
answers come in the order of the tasks. They end with the pool, and also when this process is killed: their pipe ends
then.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

if sys.platform == "linux":
    from fcntl import F_SETPIPE_SZ, fcntl

from connector.errors import ConnectorError

Task = TypeVar("Task")
Result = TypeVar("Result")

MOST = 4
_PATIENCE = 5.0  # seconds that a process gets to end by itself
_WIDE = 2**20
"""Bytes of answers that wait in a pipe, the most that Linux gives to everybody; of the usual 64 kB a process would wait
with a long answer until somebody reads it."""


def size() -> int:
    """How many processes are worth it here; 0 where fork is not safe, or there is one core."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1
    return min(cores, MOST) if cores > 1 and threading.active_count() == 1 else 0


class PoolError(ConnectorError):
    """A process of the pool failed or vanished; never a word of what it worked on."""


class Pool(Generic[Task, Result]):
    """`count` processes that each do `do(task)`, one task at a time."""

    def __init__(self, do: Callable[[Task], Result], count: int) -> None:
        self._workers: list[_Worker] = []
        # Ctrl-C that came within a fork would be raised in one of its hooks, where Python drops it: it waits.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            for _ in range(count):
                self._workers.append(_Worker(do, [end for worker in self._workers for end in worker.pipes]))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def __enter__(self) -> Pool[Task, Result]:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.close()
        for worker in self._workers:
            worker.end()

    def results(self, tasks: Iterable[Task], ahead: int = 0) -> Iterator[Result]:
        """In the order of the tasks, of which only as many are under way as there are processes.

        `ahead`: so many more wait at each process, which then need not wait for whoever takes the answers; none for
        tasks that come slowly, since an answer is looked at when all are given. Raises `PoolError` when one of them
        fails, or its process is gone.
        """
        idle, busy = deque(self._workers * (1 + ahead)), deque[_Worker]()
        for task in tasks:
            result = None if idle else busy[0].result()
            worker = idle.popleft() if idle else busy.popleft()
            worker.give(task)
            busy.append(worker)
            if result is not None:
                yield result[0]
        while busy:
            yield busy.popleft().result()[0]


class _Worker:
    """One process and our ends of its pipes."""

    def __init__(self, do: Callable[[Any], Any], others: Sequence[Connection]) -> None:
        fork = multiprocessing.get_context("fork")
        tasks, self._tasks = fork.Pipe(duplex=False)
        self._answers, answers = fork.Pipe(duplex=False)
        self.pipes = (self._tasks, self._answers)
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # the user has many pipes already: the usual size does too
                fcntl(answers.fileno(), F_SETPIPE_SZ, _WIDE)
        self._process = fork.Process(target=_serve, args=(do, tasks, answers, [*others, *self.pipes]), daemon=True)
        self._process.start()
        tasks.close()
        answers.close()

    def close(self) -> None:
        for pipe in self.pipes:
            pipe.close()

    def give(self, task: Any) -> None:
        try:
            self._tasks.send_bytes(pickle.dumps(task, 5))
        except OSError:
            raise self._vanished() from None

    def result(self) -> tuple[Any]:
        try:
            failed, answer = pickle.loads(self._answers.recv_bytes())
        except (EOFError, OSError):
            raise self._vanished() from None
        if failed:
            raise PoolError(f"A process of the pool failed: {answer}")
        return (answer,)

    def end(self) -> None:
        self._process.join(_PATIENCE)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _vanished(self) -> PoolError:
        self._process.join(_PATIENCE)
        return PoolError(f"A process of the pool ended early, with exit code {self._process.exitcode}")


def _serve(do: Callable[[Any], Any], given: Connection, answers: Connection, others: Iterable[Connection]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches us all; the one who started us ends us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for other in others:  # held open here, they would keep our siblings waiting for ever
        other.close()
    tasks = SimpleQueue[bytes | None]()
    threading.Thread(target=_receive, args=(given, tasks), daemon=True).start()
    while (task := tasks.get()) is not None:
        try:
            answer = (False, do(pickle.loads(task)))
        except Exception as error:  # noqa: BLE001 - told to the one who asked
            frame = traceback.extract_tb(error.__traceback__)[-1]
            answer = (True, f"{type(error).__name__} at {frame.filename}:{frame.lineno}")
        try:
            answers.send_bytes(pickle.dumps(answer, 5))
        except OSError:
            return


def _receive(pipe: Connection, tasks: SimpleQueue[bytes | None]) -> None:
    """By itself, so that whoever gives a task never waits for one who waits for an answer to be read."""
    try:
        while True:
            tasks.put(pipe.recv_bytes())
    except (EOFError, OSError):
        tasks.put(None)
