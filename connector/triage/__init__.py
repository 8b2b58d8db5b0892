"""What is this post? Type and score, language, place, near-duplicates, urgency.

Called by whoever stores a post; knows neither tables nor pages. The place: `gazetteer.py` holds the city's own
streets, landmarks and districts, `place.py` reads them out of a text.
"""

from connector.triage.gazetteer import Gazetteer, Place

__all__ = ["Gazetteer", "Place"]
