"""`bench dispatch`: the three beats through `Deliveries.step`, against their bare statements and commits."""

from __future__ import annotations

import time
from typing import Any

from connector.bench._house import copied, driver, empty, table, us, workspace
from connector.bench._posts import SEED, START
from connector.bench._queue import fill
from connector.config import Config
from connector.deliver import Deliveries
from connector.dispatch import Channel, Receipt, Request
from connector.models import Dispatch, SuspectPost
from connector.store import Database, bulk


class Null(Channel):
    """Answers at once, and does nothing."""

    title = "Null"

    def send(self, request: Request) -> Receipt:
        return Receipt(number=request.reference)


def dispatch(count: int = 500, turns: int = 3) -> dict[str, Any]:
    """Dispatches through `Deliveries.step` against the raw driver's statements and commits of the three beats."""
    with workspace() as folder:
        template = empty(folder / "template")
        database = Database(template.database_url)
        fill(database, count)
        _accept_all(database, count)
        database.close()
        spent: dict[str, list[tuple[float, float]]] = {"measured": [], "floor": []}
        for turn in range(turns):
            for name, deliver in (("measured", _deliver), ("floor", _dispatch_floor)):
                spent[name].append(deliver(copied(template, folder / f"{name}{turn}"), count))
        cpu = {name: min(cpu for cpu, _ in times) for name, times in spent.items()}
        wall = {name: min(wall for _, wall in times) for name, times in spent.items()}
    return {
        "dispatches": count, "seed": SEED, "turns": turns, "dispatches_a_second": round(count / wall["measured"]),
        "floor_a_second": round(count / wall["floor"]), "ratio": round(wall["measured"] / wall["floor"], 2),
        "measured_cpu_us": us(cpu["measured"], count), "floor_cpu_us": us(cpu["floor"], count),
        "cpu_ratio": round(cpu["measured"] / cpu["floor"], 2),
    }  # fmt: skip


def _accept_all(database: Database, count: int) -> None:
    with database.writing() as session:
        joins = [(id_, id_, START, "") for id_ in range(1, count + 1)]
        bulk.writer(table(SuspectPost), ("suspect_id", "post_id", "joined_at", "joined_by"), database.dialect).insert(
            session, joins
        )
        session.connection().exec_driver_sql("UPDATE suspect SET status = 'accepted'")
        for id_ in range(1, count + 1):
            request = Request(f"SC-{id_:06}", "type_1", "Type 1", "Streets", "A street light is out. " * 8)
            session.add(Dispatch(suspect_id=id_, channel="null", reference=request.reference, content=request.frozen()))


def _deliver(config: Config, count: int) -> tuple[float, float]:
    """CPU seconds and seconds."""
    database = Database(config.database_url)
    ways = {"null": Null("null", Null.Settings())}
    deliveries = Deliveries(database, config, ways, "bench")
    began, at = time.process_time(), time.perf_counter()
    done = deliveries.step()
    spent = time.process_time() - began, time.perf_counter() - at
    database.close()
    if done != count:
        raise RuntimeError(f"{done} of {count} dispatches were handled")
    return spent


def _dispatch_floor(config: Config, count: int) -> tuple[float, float]:
    at_ = START.strftime("%Y-%m-%d %H:%M:%S.%f")
    with driver(config) as connection:
        began, at = time.process_time(), time.perf_counter()
        for id_ in range(1, count + 1):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE dispatch SET status = 'sending', attempts = 1, sent_at = ?, claimed_by = 'bench', "
                "claimed_until = ? WHERE id = ?", (at_, at_, id_),
            )  # fmt: skip
            connection.execute("COMMIT")
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "UPDATE dispatch SET status = 'sent', settled_at = ?, last_error = '', claimed_by = '', "
                "claimed_until = NULL WHERE id = ?", (at_, id_),
            )  # fmt: skip
            connection.execute(
                "INSERT INTO ticket (dispatch_id, suspect_id, channel, number, token, url, status, notes, opened_at, "
                "last_error, flagged) VALUES (?, ?, 'null', ?, '', '', 'open', '', ?, '', '')",
                (id_, id_, f"SC-{id_:06}", at_),
            )
            connection.execute(
                "INSERT INTO ticket_event (dispatch_id, what, \"by\", at) VALUES (?, ?, '', ?)",
                (id_, f"Sent: SC-{id_:06}", at_),
            )
            connection.execute("COMMIT")
        return time.process_time() - began, time.perf_counter() - at
