"""Processes that work side by side: answers in order, failures told, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from connector.pool import Pool, PoolError


def _double(number: int) -> int:
    if number % 3 == 0:
        time.sleep(0.01)
    return 2 * number


def _fragile(number: int) -> int:
    if number == 5:
        raise ValueError("a secret text")
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_answers_come_in_the_order_of_the_tasks() -> None:
    with Pool(_double, 3) as pool:
        assert list(pool.results(range(50))) == [2 * number for number in range(50)]
        assert list(pool.results([1])) == [2]
        assert list(pool.results([])) == []


def test_no_more_tasks_are_taken_than_there_are_processes() -> None:
    taken = []

    def tasks() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    with Pool(_double, 2) as pool:
        for done, _ in enumerate(pool.results(tasks())):
            assert len(taken) <= done + 3


@pytest.mark.parametrize("ahead", [0, 3])
def test_large_tasks_and_answers_do_not_block_each_other(ahead: int) -> None:
    with Pool(bytes.upper, 2) as pool:
        assert all(len(found) == 2**20 for found in pool.results([b"a" * 2**20] * 20, ahead))


def test_processes_go_on_with_what_waits_there_while_nobody_takes_an_answer() -> None:
    with Pool(_moment, 2) as pool:
        found = pool.results(range(20), ahead=3)
        moments = [next(found)]
        time.sleep(0.3)
        taken = time.time()
        moments += found
    assert sum(moment < taken for moment in moments) == 1 + 8, "the one taken, two at work, and three that wait at each"
    assert moments[::2] == sorted(moments[::2]), "each process takes every second task, and they in turn"


def test_a_long_answer_that_nobody_reads_yet_keeps_no_process_waiting() -> None:
    with Pool(_long_answer, 2) as pool:
        found = pool.results(range(8), ahead=3)
        moments = [next(found)[0]]
        time.sleep(0.5)
        taken = time.time()
        moments += [moment for moment, _ in found]
    assert all(moment < taken for moment in moments)


def _long_answer(number: int) -> tuple[float, bytes]:
    return time.time(), bytes(200_000)


def test_error_in_a_process_is_one_here_and_repeats_no_text() -> None:
    with Pool(_fragile, 2) as pool, pytest.raises(PoolError, match="ValueError") as told:
        list(pool.results([1, 5, 2]))
    assert "secret" not in str(told.value)


def test_killed_process_is_an_error_and_no_wait() -> None:
    began = time.monotonic()
    with Pool(_fragile, 2) as pool, pytest.raises(PoolError, match="-9"):
        list(pool.results(iter([1, 2, 7, 3, 4, 8, 9])))
    assert time.monotonic() - began < 3


def test_processes_end_with_the_pool_even_in_the_middle() -> None:
    with Pool(_pid, 3) as pool:
        found = pool.results(range(9))
        pids = [next(found) for _ in range(3)]
    assert len(set(pids)) == 3
    assert not any(map(_lives, pids))


def test_processes_end_when_the_one_that_made_them_is_killed() -> None:
    script = (
        "import os, time\nfrom connector.pool import Pool\npool = Pool(lambda _: os.getpid(), 3)\n"
        "print(*pool.results(range(3)), flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as made:
        assert made.stdout
        pids = [int(word) for word in made.stdout.readline().split()]
        made.kill()
    for _ in range(100):
        if not any(map(_lives, pids)):
            break
        time.sleep(0.05)
    assert len(pids) == 3
    assert not any(map(_lives, pids))


def _moment(_: int) -> float:
    return time.time()


def _pid(_: int) -> int:
    return os.getpid()


def _lives(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
