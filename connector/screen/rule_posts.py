"""Below a rule's editor: the newest posts that its wording meets, words marked, and those that lack one piece of it.

Asked before the wording is saved, as if it had stood when the posts came; `stored.py` decides. `rule_try.py` does the
same for a post that somebody pastes.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from connector import screen
from connector import stored as posts
from connector.rules.explain import Lack
from connector.screen.draft import Draft
from connector.screen.slow import newest_post
from connector.screen.stored import Met, Shown, found_in, near_misses, which_meet
from connector.store.catalogue import RuleCard
from connector.stored import Stored

_LONGEST = 280  # characters of a post in the list


@st.cache_resource(ttl=60, max_entries=2, show_spinner=False)
def _stored(database: str, newest: int) -> tuple[list[Stored], dict[str, str]]:
    with screen.reading() as session:
        return posts.newest(session, screen.house().sealer), posts.surfaces(session)


@st.cache_data(ttl=60, max_entries=200, show_spinner=False)
def _meets(database: str, newest: int, expression: str) -> Met:
    stored, surfaces = _stored(database, newest)
    return which_meet(stored, expression, surfaces)


@st.cache_data(ttl=60, max_entries=50, show_spinner=False)
def _nearly(database: str, newest: int, expression: str) -> list[tuple[Shown, Lack]]:
    stored, surfaces = _stored(database, newest)
    return near_misses(stored, expression, surfaces)


def _asked(expression: str) -> tuple[str, int, str]:
    return str(screen.house().database.engine.url), newest_post(), expression.strip()


def in_the_latest(draft: Draft, card: RuleCard | None) -> None:
    """What the wording in the editor finds, words marked, how that differs from the version in force, near misses."""
    met = _meets(*_asked(draft.expression))
    before = _meets(*_asked(card.rule.expression)) if card else None
    line = f"**Meets {len(met.ids):,}** :gray[of the newest {met.looked_at:,} posts that are stored"
    if before is not None and card is not None and before.ids != met.ids:
        more, fewer = len(met.ids - before.ids), len(before.ids - met.ids)
        line += f" · {more:,} more and {fewer:,} fewer than version {card.rule.version}"
    st.markdown(line + "]")
    if met.newest:
        is_new = met.ids - before.ids if before is not None else frozenset()
        many = 6 if screen.phone() else len(met.newest)
        listed([(one, "new" if one.id in is_new else "") for one in met.newest[:many]])
    else:
        st.markdown(":gray[None of them. Only posts that some rule met are stored, so rare words may still be right.]")
    near = _nearly(*_asked(draft.expression))
    if near:
        st.markdown("**Nearly** :gray[· one piece of the rule is missing; red: what excludes it]")
        listed([(one, _lacking(lack)) for one, lack in near], [lack.against for _, lack in near])


def _lacking(lack: Lack) -> str:
    if lack.part.startswith("-"):
        return f"excluded by {screen.shortened(lack.part, 60)}"
    return f"{'perhaps ' if lack.truth is None else ''}lacks {screen.shortened(lack.part, 60)}"


def listed(found: Sequence[tuple[Shown, str]], against: Sequence[Sequence[str]] = ()) -> None:
    """Posts as text, the words of the rule marked, those `against` it too, a remark in front."""
    items = []
    for number, (one, remark) in enumerate(found):
        bad = against[number] if against else ()
        when = " · ".join(filter(None, (screen.age(one.at), remark)))
        items.append(marked(screen.shortened(one.text, _LONGEST), one.words, bad, f"{when}   "))
    screen.posts(items)


def marked(text: str, words: Sequence[str], against: Sequence[str] = (), by: str = "") -> list[tuple[str, str]]:
    """The text in pieces: why it is met, and what excludes it."""
    bad = {word.casefold() for word in against}
    pieces = screen.pieces(text, [*words, *against], by=by)
    return [(piece, "against" if why == "word" and piece.casefold() in bad else why) for piece, why in pieces]


def by_ids(ids: tuple[int, ...], expression: str) -> list[Shown]:
    """These posts, the newest first, with what the wording finds in them."""
    with screen.reading() as session:
        stored = posts.some(session, screen.house().sealer, ids)
        found = found_in(stored, expression, posts.surfaces(session))
    shown = [found.get(post.id, Shown(post.id, post.posted_at, post.text, ())) for post in stored]
    return sorted(shown, key=lambda one: one.at, reverse=True)
