"""The Practice page's pieces: a demo post as a card, the queue's keys, and at once what was meant.

`pages/practice.py` puts them together. A round lives in the session; what is kept of it stands in
`connector/practice.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from connector import practice, screen
from connector.practice import Answer, Card
from connector.screen.letters import letters
from connector.screen.verbs import REASONS

Keep = Callable[[int, int], None]
"""Remembers a whole round: how many were right, of how many."""
_ROUND = "_practice"
_WIDTH = 820
"""Pixels."""


@dataclass(slots=True)
class Round:
    """Where this person stands: ids and answers."""

    order: list[str]
    number: int = 1
    """Of the rounds of this session."""
    whole: bool = True
    """All cards, not only those that were missed before."""
    at: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    """Card → the type chosen for it with T."""
    choosing: bool = False

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.order)

    @property
    def card(self) -> Card:
        return practice.load().cards[self.order[self.at]]

    @property
    def answer(self) -> Answer | None:
        """To the card that is shown; None until it is decided."""
        return self.answers.get(self.card.id)

    @property
    def right(self) -> int:
        return len(self.answers) - len(practice.load().missed(self.answers))


def current() -> Round:
    """This session's round; the first one has the same order for a person each time."""
    if _ROUND not in st.session_state:
        st.session_state[_ROUND] = Round(practice.load().deal(screen.me()))
    found: Round = st.session_state[_ROUND]
    return found


# -- what the keys do ----------------------------------------------------------------------------------------------


def _decide(card: Card, answer: Answer) -> None:
    """Once: what was answered stands."""
    current().answers.setdefault(card.id, answer)
    current().choosing = False


def _choose(chosen: bool) -> None:
    current().choosing = chosen


def _retype(card: Card, code: str) -> None:
    current().types[card.id], current().choosing = code, False


def _next(card: Card, keep: Keep) -> None:
    here = current()
    if here.is_over or here.card.id != card.id:
        return
    here.at += 1
    if here.is_over and here.whole:
        keep(here.right, len(here.order))


def _again(missed_only: bool) -> None:
    old, cards = current(), practice.load()
    order = cards.missed(old.answers) if missed_only else cards.deal(f"{screen.me()} {old.number}")
    st.session_state[_ROUND] = Round(order, old.number + 1, not missed_only)


# -- the card ------------------------------------------------------------------------------------------------------


def header() -> None:
    """Title, how far, how well."""
    here = current()
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.title("Practice", width="content", anchor=False)
        done = len(here.answers)
        said = f"Card {min(here.at + 1, len(here.order))} of {len(here.order)}" if not here.is_over else "All done"
        st.markdown(f":gray[{said}{f' · {here.right} of {done} right' if done else ''}]", width="content")
        if not screen.phone():
            st.space("stretch")
        st.page_link("review.py", label="To the queue", icon=":material/inbox:")
    if not here.answers:
        st.markdown(
            ":gray[Decide each post as in the queue, with the same keys. At once you see what was meant, and why. "
            "The posts are the demo city's: nothing here touches the queue.]"
        )


def card() -> None:
    """The post, why it is here and what its type means; once it is decided, what was meant."""
    here = current()
    shown, types = here.card, practice.load().types
    kind = types[here.types.get(shown.id, shown.proposed)]
    with st.container(border=True, gap="small", width=_WIDTH, key=f"practice_{shown.id}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.header(kind.title, width="content", anchor=False)
            if kind.urgent:
                st.badge("Urgent", color="red", icon=":material/warning:")
            st.markdown(f":gray[{kind.department} · {screen.due_in(kind.due_hours)}]", width="content")
        if shown.replies_to:
            screen.posts([[("answers  ", "by"), (shown.replies_to, "by")]])
        screen.posts([screen.pieces(shown.text, shown.words)], large=True)
        photo = f" · {shown.photos} photo" if shown.photos else ""
        st.markdown(f"1 person :gray[· demo post{photo} · rule “{screen.escaped(shown.rule)}”]")
        st.markdown(
            f":gray[**Belongs here:** {screen.escaped(kind.belongs)}. **Not:** {screen.escaped(kind.not_belongs)}.]"
        )
        if here.answer:
            _verdict(shown, here.answer)


def _verdict(shown: Card, answer: Answer) -> None:
    right = shown.given == answer
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"verdict_{shown.id}"):
        st.badge("Right" if right else "Not so", color="green" if right else "orange")
        screen.status(f"{'' if right else f'You: {in_words(answer)}. '}Given: {in_words(shown.given)}.", sign="")
    st.markdown(screen.escaped(shown.why))


def in_words(answer: Answer) -> str:
    """A decision as one says it."""
    if answer.accept:
        return f"accept as {practice.load().types[answer.accept].title}"
    return f"dismiss as {REASONS[answer.dismiss]}"


# -- the keys ------------------------------------------------------------------------------------------------------


def actions(keep: Keep) -> None:
    """The bottom row: the queue's keys, the types while one is chosen, or the way on."""
    here = current()
    shown = here.card
    if here.answer:
        last = here.at + 1 == len(here.order)
        st.button(
            "See how it went" if last else "Next", key=f"next_{shown.id}", type="primary",
            shortcut=screen.key("j"), on_click=_next, args=(shown, keep),
        )  # fmt: skip
    elif here.choosing:
        _types(shown)
    else:
        _decisions(shown)


def _decisions(shown: Card) -> None:
    code = current().types.get(shown.id, shown.proposed)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Accept", key=f"accept_{shown.id}", type="primary", icon=":material/check:", shortcut=screen.key("a"),
            on_click=_decide, args=(shown, Answer(accept=code)),
        )  # fmt: skip
        if screen.phone():
            key = f"dismiss_{shown.id}"
            st.menu_button(
                "Dismiss", list(REASONS), key=key, format_func=REASONS.__getitem__,
                on_click=lambda: _decide(shown, Answer(dismiss=st.session_state[key])),
            )  # fmt: skip
        st.button("Type", key=f"type_{shown.id}", shortcut=screen.key("t"), on_click=_choose, args=(True,))
        if screen.phone():
            return
        st.markdown("Dismiss", width="content")
        for number, (reason, label) in enumerate(REASONS.items(), 1):
            st.button(
                label, key=f"dismiss_{reason}_{shown.id}", shortcut=str(number), type="tertiary",
                on_click=_decide, args=(shown, Answer(dismiss=reason)),
            )  # fmt: skip


def _types(shown: Card) -> None:
    types = practice.load().types
    keys = dict(zip(types, letters([kind.title for kind in types.values()]), strict=True))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("**Type instead**", width="content")
        for code, kind in types.items():
            st.button(
                kind.title, key=f"as_{code}_{shown.id}", shortcut=screen.key(keys[code]) or None, type="tertiary",
                on_click=_retype, args=(shown, code),
            )  # fmt: skip
        st.button("Back", key=f"back_{shown.id}", shortcut=screen.key("Escape"), on_click=_choose, args=(False,))


# -- the end -------------------------------------------------------------------------------------------------------


def summary() -> None:
    """How it went by type, and the missed ones once more."""
    here, cards = current(), practice.load()
    missed = cards.missed(here.answers)
    screen.status(f"{here.right} of {len(here.order)} decided as given.")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if missed:
            st.button("The missed ones again", key="missed_again", type="primary", on_click=_again, args=(True,))
        st.button("All in another order", key="all_again", on_click=_again, args=(False,))
    left, right = st.columns([2, 3], gap="medium")
    with left:
        st.header("By type and reason", anchor=False)
        screen.posts(
            [
                [(in_words(given).capitalize(), ""), (f"  {well} of {of}", "by" if well == of else "word")]
                for given, well, of in cards.by_kind(here.answers)
            ]
        )
    with right:
        st.header("To look at again" if missed else "Nothing was missed", anchor=False)
        for id_ in missed:
            one = cards.cards[id_]
            with st.container(border=True, gap="xsmall"):
                screen.posts([screen.pieces(one.text, one.words)])
                st.markdown(
                    screen.escaped(f"You: {in_words(here.answers[id_])}. Given: {in_words(one.given)}. {one.why}")
                )


def who() -> None:
    """For those who say who may do what: who has been through all of it."""
    with screen.reading() as session:
        found = practice.practised(session)
    if found:
        st.header("Who has practised", anchor=False)
        screen.posts(
            [[(one.by, ""), (f"  {one.right} of {one.of} right, {screen.ago(one.at)}", "by")] for one in found]
        )
