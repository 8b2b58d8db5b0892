"""The social-media-to-CRM connector: from a resident's public post to a ticket, with a person in between.

The way of a post, each step a module:

1. `sources/` hand over batches of events; `collect/` runs them, one thread a source, cursor and posts in one commit.
2. `rules/` find the posts that meet a rule of a request type and keep the words that did it.
3. `prepare.py` masks every handle and seals the names, `triage/` says where it is, `intake.py` stores what matched.
4. A suspect waits in the queue (`pages/review.py`); a person accepts or dismisses it (`decide/`).
5. Accepting writes decision and dispatch in one commit; after a hold `deliver.py` sends it in three beats through an
   adapter of `dispatch/` and records the ticket.
6. `deliver.py` follows the ticket up until it is closed; `trends.py` counts all of it.

`workflow.py` tells the same story in code. `models.py` holds the tables, `store.py` the database and its questions.
"""
