"""The way back: what was decided last is taken back, and the suspect is as it was.

The key U of the Queue page; `batches.py` does it for many. What has left the house is not called back: "already sent,
ticket …". Taking back what joined or parted posts stands in `regrouping.py`.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from connector.decide import regrouping
from connector.decide.outgoing import call_back
from connector.decide.record import as_before, record, who
from connector.errors import AlreadyDecidedError
from connector.membership import is_alive, locked
from connector.models import Decision, DecisionKind, Suspect, SuspectStatus
from connector.store import Database

_ENDED = {
    DecisionKind.ACCEPT: SuspectStatus.ACCEPTED,
    DecisionKind.DISMISS: SuspectStatus.DISMISSED,
    DecisionKind.PARK: SuspectStatus.PARKED,
    DecisionKind.EXPIRE: SuspectStatus.EXPIRED,
}
"""What ended the waiting → the status it gave; one of another status ended otherwise since."""
_REGROUPED = (DecisionKind.MERGE, DecisionKind.SPLIT, DecisionKind.ALSO)


def undo(database: Database, suspect_id: int, by: str, own: bool = False, version: int | None = None) -> None:
    """Take the last decision back – accept, dismiss, park, merge, split, also file as, expire – as if it never was.

    `own`: only what this person decided; `version`: only as it was shown. Raises AlreadyDecidedError when that is not
    so, when it was sent meanwhile ("already sent, ticket …"), or when there is nothing to undo.
    """
    with database.writing() as session:
        _undo(session, suspect_id, by, own, version)


def _undo(session: Session, suspect_id: int, by: str, own: bool, version: int | None) -> None:
    suspect = session.get(Suspect, suspect_id)
    if suspect is None:
        raise LookupError(f"There is no suspect {suspect_id}.")
    last = _last(session, suspect)
    locked(session, [suspect_id, *regrouping.others(last)])
    if last != _last(session, suspect):
        raise AlreadyDecidedError("It changed meanwhile: look at it again.")
    if last is None:
        raise AlreadyDecidedError(f"There is nothing to undo: it is {suspect.status}.")
    if (own and last.by != by) or (version is not None and version != suspect.version):
        raise AlreadyDecidedError(who(session, suspect))
    if last.kind in _REGROUPED:
        regrouping.undo(session, last, by)
    else:
        take_back(session, suspect, last, by)


def take_back(session: Session, suspect: Suspect, last: Decision, by: str, batch: str = "") -> None:
    """Let what this decision ended wait again; it is locked.

    AlreadyDecidedError when it has left the house, or when its authors deleted what there was to decide.
    """
    if not is_alive(session, suspect):
        raise AlreadyDecidedError("Its posts were deleted by their authors; there is nothing left to decide.")
    if last.kind == DecisionKind.ACCEPT:
        call_back(session, last.suspect_id)
    was = {"version": suspect.version, "request_type_id": suspect.request_type_id, "undone": last.id}
    as_before(session, suspect, last, by)
    suspect.version += 1
    record(session, suspect, DecisionKind.UNDO, by, was, batch=batch)


def _last(session: Session, suspect: Suspect) -> Decision | None:
    """The newest decision that is still in force and can be taken back."""
    in_force = (kind for kind, status in _ENDED.items() if status == suspect.status)
    kinds = (*in_force, *_REGROUPED, DecisionKind.UNDO)
    query = select(Decision).where(Decision.suspect_id == suspect.id, col(Decision.kind).in_(kinds))
    undone = set()
    for made in session.exec(query.order_by(col(Decision.id).desc())):
        if made.kind == DecisionKind.UNDO:
            undone.add((made.before or {}).get("undone"))
        elif made.id not in undone:
            return made
    return None
