"""Rules: what each one finds on the left; on the right an editor that shows what a wording does before it is saved.

The pieces stand in `connector/screen/`: `rules.py` (the list), `rule_card.py` (the editor), `rule_sections.py` (what
stands below it); what a change does in `connector/rulebook.py`.
"""

import streamlit as st

from connector import lookback, rulebook, screen, settings
from connector.access import Right
from connector.catalogue_file import Changes
from connector.lookback import Looked, Progress
from connector.models import Rule
from connector.rulebook import Wanted
from connector.screen import draft as drafts
from connector.screen import rule_card, rule_packs, rule_sections, rule_several
from connector.screen import rules as parts

screen.only(Right.RULES)
house, me = screen.house(), screen.me()
database, config = house.database, house.config


def save(wanted: Wanted, rule_id: int | None, seen: int | None, reason: str) -> Rule:
    return rulebook.save(database, config, wanted, me, rule_id, seen, reason)


def switch(rule_ids: list[int], active: bool, reason: str) -> list[int]:
    return rulebook.switch(database, config, rule_ids, active, me, reason)


def roll_back(rule_id: int, to: int, seen: int) -> Rule:
    return rulebook.roll_back(database, config, rule_id, to, seen, me)


def look_back(rule_id: int, days: int, progress: Progress) -> Looked:
    return lookback.apply(database, config, house.sealer, house.gazetteer, rule_id, days, me, progress)


def take(raw: bytes, name: str) -> Changes:
    return settings.take_file(database, config, raw, me, name)


def editor(rule_id: int) -> None:
    card, types = rule_card.opened(rule_id)
    if not types:
        st.text("A rule belongs to a request type, and there is none yet: add one in Settings.")
        return
    draft = drafts.draft_of(rule_id, card, types)
    rule_card.head(rule_id, card, verbs.switch)
    rule_card.fields(rule_id, draft, types)
    rule_card.next_words(rule_id, draft)
    reads = rule_card.verdict(rule_id, draft)
    ready = reads and rule_card.allowed(rule_id, draft)
    waits = rule_card.overtaken(rule_id, draft, card)
    rule_card.verbs(rule_id, draft, ready and not waits, verbs.save)
    rule_sections.below(rule_id, draft, card, reads, verbs)


verbs = rule_sections.Verbs(save, switch, roll_back, look_back)
rows = parts.counted()
parts.read_address(rows)
asked = parts.header(rows)
screen.said()
found = parts.shown(rows, asked)
left, right = st.columns([1, 1])
if parts.pane() == parts.SEVERAL:
    with left:
        chosen = rule_several.choose(found, asked)
    with right, rule_card.frame():
        rule_several.switches(chosen, switch)
elif parts.pane() == parts.PACKS:
    with left:
        if parts.pick(found, asked) is None:
            parts.nothing(rows)
    with right, rule_card.frame():
        rule_packs.packs_and_files(take)
else:
    with left:
        rule = parts.pick(found, asked)
    if rule is None:
        parts.nothing(rows)
    else:
        with right, rule_card.frame():
            editor(rule)
parts.write_address()
