"""Below a rule's editor: the wording against the past, before it is trusted.

`connector/backtest.py` counts, on posts that people decided on and on everything stored; here stand its figures, how
sure they are, and the posts behind each of them, masked. The command `backtest` prints the same.
"""

from __future__ import annotations

import streamlit as st

from connector import backtest, screen
from connector.backtest import DOLLARS_A_POST, Backtest, Listed
from connector.screen import slow
from connector.screen.draft import Draft
from connector.screen.rule_posts import by_ids, listed
from connector.share import Share
from connector.store.catalogue import RuleCard

_SHOWN = 20
_LIST = "Posts of the test"


def past(draft: Draft, card: RuleCard | None) -> None:
    """What the wording would have done, beside the version in force."""
    house, text = screen.house(), draft.text
    present = card.rule.expression if card and card.rule.expression != text else None
    found = slow.answer(
        "backtest", (text, draft.type, present), "Test on the past",
        lambda progress: backtest.backtest(
            house.database, house.config, house.sealer, text, draft.type, present, progress
        ),
    )  # fmt: skip
    if found is None:
        st.markdown(":gray[Goes through everything that is stored; what people decided is the measure.]")
        return
    _figures(found, card)
    _words(found)
    _lists(found, text, present or "")


def _figures(found: Backtest, card: RuleCard | None) -> None:
    judged, before = found.judged, found.difference.present if found.difference else None
    all_right = judged.caught.count + judged.missed.count
    decided = all_right + judged.wrong.count + judged.left
    against = f" · against version {card.rule.version}" if before and card else ""
    st.markdown(f"**{decided:,} posts that people decided on** :gray[{against}]")
    caught, missed, wrong, daily = st.columns([5, 4, 5, 5], gap="small")
    with caught:
        _metric("Caught", f"{judged.caught.count:,} of {all_right:,}", judged.caught, before.caught if before else None)
    with missed:
        _metric("Missed", f"{judged.missed.count:,}", judged.missed, before.missed if before else None, "inverse")
    with wrong:
        _metric("Wrongly caught", f"{judged.wrong.count:,}", judged.wrong, before.wrong if before else None, "inverse")
    with daily:
        st.metric("Meets a day", f"{found.a_day:,.1f}", _more_a_day(found), delta_color="off")


def _more_a_day(found: Backtest) -> str | None:
    if found.difference is None or found.difference.newly.count == found.difference.no_longer.count:
        return None
    return f"{(found.difference.newly.count - found.difference.no_longer.count) / found.days:,.1f}"


def _metric(label: str, value: str, now: Listed, before: Listed | None, colour: str = "normal") -> None:
    delta = now.count - before.count if before else 0
    st.metric(label, value, delta or None, delta_color=colour)  # type: ignore[arg-type]


def _words(found: Backtest) -> None:
    """The same in sentences: how sure the shares are, what the queue gets, what it costs."""
    judged = found.judged
    said = [
        f"**Among posts seen** · right when it catches (precision) {_share(judged.precision)} · "
        f"catches of what is right (recall) {_share(judged.recall)}",
        f"**On everything stored** · meets {found.met.count:,} of {found.looked_at:,} posts in {_days(found.days)} · "
        + _queue(found),
    ]
    if found.dollars_a_month is not None:
        said.append(
            f"**Reading it from X** · ${found.dollars_a_month:,.2f} a month or more, at ${DOLLARS_A_POST} a post"
        )
    for one in said:
        st.markdown(one.replace("$", "\\$").replace("~", "\\~"))


def _queue(found: Backtest) -> str:
    if not found.new_suspects:
        return "none of them would be new in the queue"
    return f"{found.new_suspects:,} of them would be new in the queue, {found.new_suspects_a_day:,.1f} a day"


def _share(share: Share) -> str:
    return f"**{share}**" if share.value is not None else "not known yet"


def _days(days: float) -> str:
    return f"{days:,.0f} days" if days >= 1.5 else "a day"


def _lists(found: Backtest, text: str, present: str) -> None:
    """The posts behind the figures, one list at a time."""
    lists = {"wrong": ("Wrongly caught", found.judged.wrong), "missed": ("Missed", found.judged.missed)}
    if found.difference:
        newly, gone = found.difference.newly, found.difference.no_longer
        lists = {"newly": ("Newly caught", newly), "gone": ("No longer", gone), **lists}
    filled = [name for name, (_, posts) in lists.items() if posts.count]
    if not filled:
        return
    names = {name: f"{label} {posts.count:,}" for name, (label, posts) in lists.items()}
    chosen = screen.views(_LIST, names, filled[0])
    posts = lists[chosen][1]
    if not posts.count:
        st.markdown(":gray[None]")
        return
    shown = by_ids(posts.ids[:_SHOWN], present if chosen == "gone" else text)
    said = _verdicts(found) if chosen in ("newly", "gone") else {}
    listed([(one, said.get(one.id, "")) for one in shown])
    if posts.count > len(shown):
        st.markdown(f":gray[and {posts.count - len(shown):,} more]")


def _verdicts(found: Backtest) -> dict[int, str]:
    """Post → whether people found it right, of those that one of the two wordings catches."""
    both = [found.judged, *([found.difference.present] if found.difference else [])]
    right = {post: "right" for judged in both for post in judged.caught.ids}
    return right | {post: "wrong" for judged in both for post in judged.wrong.ids}
