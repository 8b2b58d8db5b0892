"""Posts from X (formerly Twitter), live and from files, in the JSON shapes of its API v2.

Read on in `source.py` (the source, its settings and what it can do). Live: `live.py` (the stream from one connection to
the next), `stream.py` (one connection, through tweepy), `governor.py` (how long to wait before the next), `messages.py`
(what comes on it), `upkeep.py`, `remote.py` and `tags.py` (our rules at X), `search.py`, `packing.py` and `pages.py`
(recent search, gaps), `compliance.py` (posts that are gone), `client.py` and `problems.py` (calls, and what X says
instead of an answer).
Reading: `payload.py` (one line of JSON to posts), `detail.py` (what a post says besides its words), `more.py` (what
only few rules ask for), `shapes.py` (the fields of X that we use, read tolerantly) and `lines.py` (files of such lines,
for the command `ingest`).
"""

from connector.sources.x.source import CAPABILITIES, X

__all__ = ["CAPABILITIES", "X"]
