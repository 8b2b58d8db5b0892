"""Posts from X (formerly Twitter), in the JSON shapes of its API v2; the live connection is not built yet.

Read on in `payload.py` (one line of JSON to posts), `detail.py` (what a post says besides its words), `more.py` (what
only few rules ask for), `shapes.py` (the fields of X that we use, read tolerantly) and `lines.py` (files of such lines,
for the command `ingest`).
"""

from connector.incoming import Fact
from connector.sources import Capabilities

CAPABILITIES = Capabilities(
    reads="posts in X's v2 JSON, from files",
    looks_back="as far as the file does",
    answers="no",
    deletions="not told by files",
    terms="showing X content to government staff asks for an Enterprise plan; deletions are followed within 24 h",
    surface="stream",
    permalink="https://x.com/i/web/status/{id}",
    tells=frozenset(Fact) - {Fact.UPSTREAM},
)
