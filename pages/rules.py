"""Rules: what each one finds on the left; on the right an editor that shows what a wording does before it is saved."""

import streamlit as st

from connector import screen
from connector.screen import draft as drafts
from connector.screen import rule_card
from connector.screen import rules as parts

rows = parts.counted()
with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
    st.title("Rules", width="content", anchor=False)
    view = parts.views(rows)
    if not screen.phone():
        st.space("stretch")
    find = parts.find()
    st.button("New rule", icon=":material/add:", shortcut=screen.key("n"), on_click=parts.begin)
screen.said()

left, right = st.columns([5, 6])
with left:
    chosen = parts.pick(rows, view, find)
if chosen is None:
    screen.empty("No rule here", "Another name, the other view, or New rule" if rows else "Begin with New rule")
else:
    card, types = rule_card.opened(chosen)
    # The inner container keeps the fixed height of the outer one from squeezing the text area.
    with right, st.container(border=True, height=screen.pane(parts.HEIGHT)), st.container(gap="small"):
        if types:
            draft = drafts.draft_of(chosen, card, types)
            rule_card.head(chosen, card)
            rule_card.fields(chosen, draft, types)
            good = rule_card.verdict(chosen, draft["expression"])
            waits = rule_card.overtaken(chosen, draft, card)
            rule_card.verbs(chosen, draft, card, good and not waits)
            if good:
                rule_card.in_the_latest(draft, card)
            if card:
                rule_card.history(card)
            rule_card.help_with_rules()
        else:
            st.text("A rule belongs to a request type, and there is none yet: add one in Settings.")
