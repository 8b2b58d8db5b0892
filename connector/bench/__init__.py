"""The benchmarks behind `python -m connector bench`: what we measure against a floor in the same run, as ratios.

Machines differ and are shared, so a figure alone says little: floor and measured take turns, the fastest turn of each
counts, and time is the process's own CPU time where nothing waits for another process. Input is generated from a fixed
seed (`_posts.py`); what is measured are `ingest.py`, `store/queue.py` and `deliver.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from connector.bench._dispatch import dispatch
from connector.bench._ingest import ingest
from connector.bench._queue import queue

__all__ = ["ALL", "dispatch", "ingest", "queue"]

ALL: dict[str, Callable[..., dict[str, Any]]] = {"ingest": ingest, "queue": queue, "dispatch": dispatch}
"""By the name that the command line takes."""
