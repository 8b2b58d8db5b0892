"""The benchmarks behind `python -m connector bench`: what we measure against a floor in the same run, as ratios.

Machines differ and are shared, so a figure alone says little: floor and measured take turns, the fastest turn of each
counts, and time is the process's own CPU time where nothing waits for another process. Input is generated from a fixed
seed (`_posts.py`); what is measured are `rules/`, `ingest.py`, `store/queue.py`, `deliver.py`,
`backtest.py` and `grouping.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.bench._backtest import backtest
from connector.bench._browser import pages
from connector.bench._dispatch import dispatch
from connector.bench._ingest import ingest
from connector.bench._match import match
from connector.bench._near import near
from connector.bench._queue import queue

__all__ = ["ALL", "SHARES", "backtest", "dispatch", "ingest", "match", "near", "pages", "queue"]


def _queue() -> dict[str, Any]:
    return queue() | pages()


ALL: dict[str, Callable[..., dict[str, Any]]] = {
    "match": match, "ingest": ingest, "queue": _queue, "dispatch": dispatch, "backtest": backtest, "near": near,
}  # fmt: skip
"""By the name that the command line takes."""
SHARES = {"match": 0.01, "ingest": 0.2}
"""The share of matching posts, where the benchmark takes one and none is named."""
