"""The demo city: everything it needs that a real city would bring along itself.

`desk.py` is its 311 desk, a small Open311 server on loopback, and may be read first.
Nothing here is imported when the connector works for a real city.
"""
