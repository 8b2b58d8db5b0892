"""`bench queue`: the queue's pages with many waiting suspects, against the same with few."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import event, func
from sqlmodel import Session, select

from connector.bench._house import copied, empty, table, us, workspace
from connector.bench._posts import SEED, START
from connector.models import Post, Suspect
from connector.store import Database, bulk
from connector.store import queue as questions


def queue(small: int = 200, large: int = 200_000, turns: int = 40) -> dict[str, Any]:
    """The queue's pages with many waiting suspects against the same with few; ratios of CPU time, medians.

    `first_page` is what the page asks at its first drawing, its capped counts included (it keeps those for 10 s).
    """
    with workspace() as folder:
        template = empty(folder / "template")
        houses = {}
        for count in (small, large):
            config = copied(template, folder / str(count))
            houses[count] = Database(config.database_url)
            fill(houses[count], count)
        asked = {count: _questions(database) for count, database in houses.items()}
        spent: dict[tuple[str, int], list[float]] = {(name, count): [] for name in asked[small] for count in houses}
        for _ in range(turns):
            for name in asked[small]:
                for count, database in houses.items():
                    spent[name, count].append(_timed(database, asked[count][name]))
        result: dict[str, Any] = {
            "corpus": "generated suspects, 20 of them urgent", "seed": SEED, "waiting": [small, large], "turns": turns,
        }  # fmt: skip
        for name in asked[small]:
            few, many = median(spent[name, small]), median(spent[name, large])
            result[name] = f"{us(few, 1)} us, {us(many, 1)} us, ratio {many / few:.2f}"
        result["ratio"] = round(median(spent["first_page", large]) / median(spent["first_page", small]), 2)
        result["plans"] = {name: _plans(houses[large], ask) for name, ask in asked[large].items()}
        for database in houses.values():
            database.close()
    return result


def fill(database: Database, count: int, waiting: int | None = None) -> None:
    """Suspects of 16 types in 6 districts, each with a post, as the intake would leave them; so many wait, all by
    default, and the older ones are dismissed."""
    chance = random.Random(SEED)
    post = ("id", "source", "source_id", "version_id", "kind", "text", "lang", "conversation_id", "reply_settings",
            "place_name", "own", "mentions_us", "author_key", "posted_at", "received_at")  # fmt: skip
    suspect = ("id", "status", "request_type_id", "lead_post_id", "score", "urgent", "urgent_why", "language", "source",
               "place", "place_method", "place_words", "district", "people", "posts", "first_posted_at",
               "last_posted_at", "created_at", "opened_by", "acknowledged_by", "decided_by", "dismiss_reason",
               "assigned_to", "claimed_by", "version")  # fmt: skip
    waiting = count if waiting is None else waiting
    urgent = {round((n + 0.5) * count / 20) for n in range(20)}
    with database.reading() as session:
        before = max(session.exec(select(func.max(model.id))).one() or 0 for model in (Post, Suspect))
    for start in range(1, count + 1, 5000):
        posts_, suspects = [], []
        for number in range(start, min(start + 5000, count + 1)):
            id_ = before + number
            at = START + timedelta(seconds=number - chance.randrange(3600))
            text = f"The street light at number {number} has been broken for weeks, please send somebody. " * 2
            status = "waiting" if number > count - waiting else "dismissed"
            posts_.append((id_, "x", f"1{number:018}", "", "post", text, "en", "", "", "", False, False,
                           f"{chance.getrandbits(128):032x}", at, at))  # fmt: skip
            suspects.append((id_, status, 1 if number in urgent else 2 + number % 15, id_, 0.5, int(number in urgent),
                             "", "en", "x", f"{number % 900} Birch Street", "address", "", f"District {number % 6}", 1,
                             1, at, at, at, "", "", "", "", "", "", 1))  # fmt: skip
        with database.writing() as session:
            bulk.writer(table(Post), post, database.dialect).insert(session, posts_)
            bulk.writer(table(Suspect), suspect, database.dialect).insert(session, suspects)


Ask = Callable[[Session], Any]


def _questions(database: Database) -> dict[str, Ask]:
    page, narrow = questions.page, questions.Filter
    with database.reading() as session:
        newest = questions.newest_id(session)
        after = page(session)[-1].key
    return {
        "first_page": lambda s: (questions.counts(s, "me"), questions.newest_id(s), page(s, limit=50, up_to=newest)),
        "first_page_counts_cached": lambda s: (questions.newest_id(s), page(s, limit=50, up_to=newest)),
        "second_page": lambda s: page(s, limit=50, after=after, up_to=newest),
        "of_a_type": lambda s: page(s, narrow(type_code="type_7"), limit=50, up_to=newest),
        "of_a_district": lambda s: page(s, narrow(district="District 3"), limit=50, up_to=newest),
        "of_both": lambda s: page(s, narrow(type_code="type_7", district="District 3"), limit=50, up_to=newest),
    }


def _timed(database: Database, ask: Ask) -> float:
    with database.reading() as session:
        began = time.process_time()
        ask(session)
        return time.process_time() - began


def _plans(database: Database, ask: Ask) -> list[str]:
    """How SQLite goes about each statement of a question."""
    said: list[tuple[str, Any]] = []

    def listen(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith("SELECT"):
            said.append((statement, parameters))

    event.listen(database.engine, "before_cursor_execute", listen)
    _timed(database, ask)
    event.remove(database.engine, "before_cursor_execute", listen)
    with database.engine.connect() as connection:
        explained = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", p).all() for s, p in said]
    return [" | ".join(str(row[3]) for row in rows) for rows in explained]
