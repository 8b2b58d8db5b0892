"""Taking back what joined or parted posts: a merge gives them back, a split and a second suspect go back where they
came from.

Both suspects of such a decision carry a line of it, so that U works on either; `undoing.py` calls this with both
locked.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select

from connector import membership
from connector.decide.groups import SAME, joins, lead, let_go
from connector.decide.record import as_before, record, settle, who
from connector.errors import AlreadyDecidedError
from connector.grouping import regroup
from connector.models import OPEN, Decision, DecisionKind, Note, RequestType, Suspect, SuspectPost, SuspectStatus, now
from connector.store import near


def others(made: Decision | None) -> list[int]:
    """The other suspect that a decision concerns, if there is one."""
    before = (made.before if made else None) or {}
    return [before[name] for name in ("into", "new", "from") if name in before]


def undo(session: Session, made: Decision, by: str) -> None:
    """Take it back on both suspects; AlreadyDecidedError when the other one went its own way since."""
    main, twin = _both(session, made)
    here, there = (session.get_one(Suspect, one.suspect_id, populate_existing=True) for one in (main, twin))
    if main.kind == DecisionKind.MERGE:
        _part(session, main, here, there, by)
    else:
        _join(session, main, here, there, by)
    for suspect, line in ((here, main), (there, twin)):
        was = {"version": suspect.version, "request_type_id": suspect.request_type_id, "undone": line.id}
        suspect.version += 1
        record(session, suspect, DecisionKind.UNDO, by, was)


def _both(session: Session, made: Decision) -> tuple[Decision, Decision]:
    """The line that remembers, and the one on the other suspect."""
    (other,) = others(made)
    lines = session.exec(select(Decision).where(Decision.suspect_id == other, Decision.kind == made.kind))
    twin = max((line for line in lines if others(line) == [made.suspect_id]), key=lambda line: line.id or 0)
    return (twin, made) if "from" in (made.before or {}) else (made, twin)


def _part(session: Session, main: Decision, suspect: Suspect, target: Suspect, by: str) -> None:
    """Undo a merge: posts and notes go back, and the suspect is what it was."""
    before = main.before or {}
    sent_since = target.status == SuspectStatus.ACCEPTED and (target.decided_at or main.at) > main.at
    if target.status not in (*OPEN, SuspectStatus.ACCEPTED) or sent_since:
        raise AlreadyDecidedError(_first_there(session, target))
    held = {join.post_id: join for join in joins(session, target.id or 0)}
    if not {post_id for post_id, *_ in before["posts"]} <= held.keys():
        raise AlreadyDecidedError("Some of its posts went elsewhere since: split off what belongs by itself.")
    for post_id, at, joined_by in before["posts"]:
        if post_id not in before["shared"]:
            session.delete(held[post_id])
        session.add(_joined(suspect, post_id, at, joined_by))
    session.exec(sql_update(Note).where(col(Note.id).in_(before["notes"])).values(suspect_id=suspect.id))
    for post_id, parted_by in before["apart"]:
        near.keep_apart(session, [post_id], target.id or 0, parted_by)
    session.flush()
    _urgent_without(session, target, suspect)
    let_go(session, target.id or 0)
    as_before(session, suspect, main, by)
    for one in (target, suspect):
        lead(session, one)
        regroup(session, one)


def _urgent_without(session: Session, target: Suspect, suspect: Suspect) -> None:
    """As urgent as its own posts, and those merged into it besides, leave it."""
    lines = select(Decision.before).where(Decision.suspect_id == target.id, Decision.kind == DecisionKind.MERGE)
    own = next(was for was in session.exec(lines.order_by(col(Decision.id))) if was and "from" in was)
    merged = select(Suspect.urgent, Suspect.urgent_why).where(Suspect.merged_into_id == target.id)
    others = session.exec(merged.where(Suspect.id != suspect.id).order_by(col(Suspect.decided_at))).all()
    dangers = (membership.danger_told(session, target), own["urgent_why"], *(why for _, why in others))
    target.urgent_why = next(filter(None, dangers), "")
    kind = session.get_one(RequestType, target.request_type_id)
    target.urgent = int(bool(kind.urgent or target.urgent_why or own["urgent"] or any(urgent for urgent, _ in others)))


def _join(session: Session, main: Decision, suspect: Suspect, made: Suspect, by: str) -> None:
    """Undo a split, or a second suspect: its posts go back, and what was made is merged."""
    if made.status not in OPEN:
        raise AlreadyDecidedError(_first_there(session, made))
    held = joins(session, made.id or 0)
    _nothing_came(session, main, suspect, made)
    if main.kind == DecisionKind.SPLIT:
        _give_back(session, main, suspect, made, held)
    for join in held:
        session.delete(join)
    session.exec(sql_update(Note).where(col(Note.suspect_id) == made.id).values(suspect_id=suspect.id))
    settle(made, SuspectStatus.MERGED, by, now())
    made.parked_until, made.merged_into_id = None, suspect.id
    session.flush()
    let_go(session, made.id or 0)
    if main.kind == DecisionKind.SPLIT:
        for one in (suspect, made):
            near.let_together(session, [join.post_id for join in joins(session, suspect.id or 0)], one.id or 0)
        regroup(session, suspect)


def _nothing_came(session: Session, main: Decision, suspect: Suspect, made: Suspect) -> None:
    """Posts that came there since belong nowhere else: taken back with it they would be in no suspect."""
    query = select(Decision).where(Decision.suspect_id == made.id, col(Decision.id) > main.id)
    lines = session.exec(query.order_by(col(Decision.id))).all()
    undone = {(line.before or {}).get("undone") for line in lines if line.kind == DecisionKind.UNDO}
    if any(line.kind == DecisionKind.MERGE and line.id not in undone for line in lines):
        raise AlreadyDecidedError("Another suspect was merged into it since: undo that first.")
    if main.kind == DecisionKind.ALSO:
        here = {join.post_id for join in joins(session, suspect.id or 0)}
        if not {join.post_id for join in joins(session, made.id or 0)} <= here:
            raise AlreadyDecidedError("Other posts joined the second request since: split them off, or dismiss it.")


def _give_back(session: Session, main: Decision, suspect: Suspect, made: Suspect, held: list[SuspectPost]) -> None:
    before = main.before or {}
    if suspect.status not in OPEN:
        raise AlreadyDecidedError(_first_there(session, suspect))
    known = {post_id: (at, joined_by) for post_id, at, joined_by in before["posts"]}
    for join in held:
        at, joined_by = known.get(join.post_id, (join.joined_at.isoformat(), join.joined_by))
        session.add(_joined(suspect, join.post_id, at, joined_by))
    came_back = made.lead_post_id == before["lead_post_id"]
    if came_back or (made.place_method and not suspect.place_method):
        for name in SAME if came_back else membership.NO_PLACE:
            setattr(suspect, name, getattr(made, name))


def _joined(suspect: Suspect, post_id: int, at: str, by: str) -> SuspectPost:
    return SuspectPost(
        suspect_id=suspect.id or 0, post_id=post_id, joined_at=datetime.fromisoformat(at), joined_by=by
    )  # fmt: skip


def _first_there(session: Session, other: Suspect) -> str:
    said = who(session, other).partition("; ")[0].removeprefix("It was ").rstrip(".")
    return f"The other suspect was {said}: undo that first."
