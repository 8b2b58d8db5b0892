"""Posts from X (formerly Twitter), in the JSON shapes of its API v2.

Read on in `payload.py` (one line of JSON to posts), `detail.py` (what a post says besides its words), `shapes.py`
(the fields of X that we use, read tolerantly) and `lines.py` (files of such lines, for the command `ingest`).
"""
