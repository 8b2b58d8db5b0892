"""What is this post? Type and score, language, place, near-duplicates, urgency.

Called by whoever stores a post; knows neither tables nor pages. The place: `gazetteer.py` holds the city's own
streets, landmarks and districts, `place.py` reads them out of a text. Near-duplicates: `near_keys.py` finds what may
be one, `near.py` weighs it. Dangers: `urgency.py`; language: `language.py`; what is personal and must not travel:
`personal.py`.
"""

from connector.triage.gazetteer import OUTSIDE, Gazetteer, Place, Said

__all__ = ["OUTSIDE", "Gazetteer", "Place", "Said"]
