"""What a person does with a suspect, and what is done in their name; `workflow.py` hands these verbs on.

Every decision is compare-and-set on the suspect's version, writes a `Decision` with what was before, and tells the
slower of two people who was faster (`record.py`). Read on in `verdicts.py` (accept, dismiss, park), `details.py` (type,
place, assignment, notes), `groups.py` (merge, split, also file as), `undoing.py`, `batches.py` (many at once),
`claims.py` (who has it open), `drafts.py`, `expiry.py`; what leaves the house is made in `outgoing.py`.
"""

from connector.decide.batches import Bulk, Preview, bulk, bulk_preview, undo_batch
from connector.decide.claims import Claim, claim, release
from connector.decide.details import assign, note, retype, set_place
from connector.decide.drafts import draft_of, drop_draft, drop_old_drafts, keep_draft
from connector.decide.expiry import expire, expired_since
from connector.decide.groups import also_file, merge, split
from connector.decide.outgoing import carry, new_reference, request_of
from connector.decide.undoing import undo
from connector.decide.verdicts import accept, dismiss, park, unpark, wake

__all__ = [
    "Bulk",
    "Claim",
    "Preview",
    "accept",
    "also_file",
    "assign",
    "bulk",
    "bulk_preview",
    "carry",
    "claim",
    "dismiss",
    "draft_of",
    "drop_draft",
    "drop_old_drafts",
    "expire",
    "expired_since",
    "keep_draft",
    "merge",
    "new_reference",
    "note",
    "park",
    "release",
    "request_of",
    "retype",
    "set_place",
    "split",
    "undo",
    "undo_batch",
    "unpark",
    "wake",
]
