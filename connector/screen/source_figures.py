"""The Sources page's figures and facts: this month's budget, what became of the posts, what the kind can do.

`pages/sources.py` draws them. Counts come from `connector/store/sources.py`, the rest is declared by the adapters.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pandas as pd
import streamlit as st

from connector import adapters, screen, sources
from connector.errors import ConfigError
from connector.incoming import Fact
from connector.models import ReadCount, now
from connector.screen.sources import Line, declared, month
from connector.sources import Capabilities, Source
from connector.store import sources as questions

OUTCOMES = {
    "new": "Matched, stored", "updated": "Edited, updated", "duplicate": "Seen before", "unmatched": "No rule met",
    "late": "Deleted before it came", "deleted": "Deleted by the author",
}  # fmt: skip
_SURFACES = {"local": "by us, on every post", "stream": "by X's stream", "search": "by X's search"}


# -- the month's budget --------------------------------------------------------------------------------------------


def budget(row: Line) -> None:
    """Posts read and paid this month, and how far the limit is used."""
    limit, price = _set(row, "monthly_limit"), _set(row, "price_per_post")
    with st.container(horizontal=True):
        st.header(f"Read in {month():%B}", width="content", anchor=False)
    cost = f" · {row.cost_micros / 1_000_000:,.2f} in the account's currency" if row.cost_micros or price else ""
    st.markdown(f"**{row.read:,}** posts{cost}")
    if not limit:
        st.markdown(":gray[No monthly limit is set]")
        return
    over = row.read >= limit
    used = min(1.0, row.read / limit)
    st.progress(used, f"{100 * used:.0f} % of {limit:,.0f} posts a month")
    following = (month() + timedelta(days=32)).replace(day=1)
    then = "Reading has stopped" if over else "At the limit reading stops"
    st.markdown(f":gray[{then} until {following:%-d %B}, or until the limit in the settings is raised]")


def _set(row: Line, setting: str) -> float:
    """What the settings say, else what the adapter does; 0 where it knows no such thing."""
    adapter = screen.house().config.sources.get(row.name)
    if adapter is None:
        return 0
    try:
        declared = adapters.load(sources.__name__, Source, row.kind).Settings.model_fields.get(setting)  # type: ignore[type-abstract]
        return float(adapter.settings.get(setting, declared.default if declared else 0) or 0)
    except (ConfigError, TypeError, ValueError):
        return 0


# -- what became of the posts --------------------------------------------------------------------------------------


def became(row: Line) -> None:
    """What became of its posts, by outcome; days are city days."""
    today = now().astimezone(screen.house().config.city.zone).date()
    with screen.reading() as session:
        reads = questions.reads(session, row.name, today - timedelta(days=6))
    st.header("What became of its posts", anchor=False)
    if not reads:
        st.markdown(":gray[Nothing was read in the last 7 days]")
        return
    table = pd.DataFrame(_outcomes(reads, today), columns=["outcome", "today", "week"])
    st.dataframe(
        table, hide_index=True, row_height=30, height="content", alt="Posts read, by what became of them",
        column_config={
            "outcome": st.column_config.TextColumn("Outcome", width=150 if screen.phone() else 230),
            "today": st.column_config.NumberColumn("Today", width=80, format="localized"),
            "week": st.column_config.NumberColumn("7 days", width=80, format="localized"),
        },
    )  # fmt: skip


def _outcomes(reads: Sequence[ReadCount], today: date) -> list[tuple[str, int, int]]:
    """(in words, today, all), known outcomes first, and a total."""
    counts: dict[str, list[int]] = {}
    for read in reads:
        both = counts.setdefault(read.outcome, [0, 0])
        both[0] += read.count * (read.day == today)
        both[1] += read.count
    order = sorted(counts, key=lambda outcome: (list(OUTCOMES).index(outcome) if outcome in OUTCOMES else 99, outcome))
    names = [OUTCOMES.get(outcome, outcome[:1].upper() + outcome[1:]) for outcome in order]
    rows = [(name, counts[outcome][0], counts[outcome][1]) for name, outcome in zip(names, order, strict=True)]
    return [*rows, ("All", sum(row[1] for row in rows), sum(row[2] for row in rows))]


# -- what the kind can do ------------------------------------------------------------------------------------------


def can_do(row: Line) -> None:
    """What this kind of source declares of itself, and what its terms ask."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header("What it can do", width="content", anchor=False)
        st.badge(screen.escaped(row.kind), color="gray")
    can = declared(row.kind)
    if can is None:
        st.text("Nothing is known of this kind here: its adapter is not installed.")
        return
    st.table(
        pd.DataFrame(list(_facts(can).items()), columns=["", " "]).set_index(""), border="horizontal",
        hide_header=True, alt="What this kind of source can do",
    )  # fmt: skip


def _facts(can: Capabilities) -> dict[str, str]:
    asked = "; posts we hold are asked for daily" if can.checks else ""
    return {
        "Reads": can.reads,
        "How": "sends as it is written; while we are slow it is kept on disk, sealed" if can.pushes else "is asked",
        "After a break": "reads on from where it was" if can.resumes else "goes on with what is new; a gap is noted",
        "Gaps": "can be filled" if can.fills else "cannot be filled",
        "Looks back": can.looks_back,
        "Answers": can.answers,
        "Deletions": can.deletions + asked,
        "Rules are met": _SURFACES[can.surface],
        "Rules can ask for": _told(can),
        "Link to a post": "yes" if can.permalink else "none",
        "Unmatched posts": "a sample may be kept, without authors" if can.samples else "never kept",
        "Costs": can.costs,
        "Terms": can.terms or "none of their own",
    }


def _told(can: Capabilities) -> str:
    every = [fact for fact in Fact if fact is not Fact.UPSTREAM]
    lacking = [fact for fact in every if fact not in can.tells]
    if not lacking:
        return "everything"
    if len(lacking) < len(every) / 2:
        return f"all but {', '.join(lacking)}"
    return ", ".join(fact for fact in every if fact in can.tells)
