"""Three beats: claim and commit; talk with no session open; record. Then the ticket is followed until it is closed.

`Deliveries.step` is one round of the worker; the state that staff see is the state. A worker may be killed anywhere:
before the talk nothing has left, after it the claim runs out, the row becomes `unclear` and is looked up by its
reference – never sent again blindly. "Not found" counts only after the time-out plus a settling time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete as sql_delete
from sqlalchemy import update as sql_update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from connector import dispatch as channels
from connector import membership, privacy
from connector.config import Config
from connector.dispatch import Absent, Channel, Found, Receipt, Request
from connector.errors import AuthError, RefusedError, TemporaryError, UnclearError, whereabouts
from connector.followup import FollowUps
from connector.models import (
    Decision,
    DecisionKind,
    DeliveryStatus,
    Dispatch,
    Setting,
    Suspect,
    SuspectStatus,
    Ticket,
    TicketEvent,
    TicketStatus,
    now,
)
from connector.store import Database
from connector.store.house import pause, paused_until

log = structlog.get_logger()
D = DeliveryStatus
IN_VAIN = "It was taken back, and arrived all the same: withdraw it there"
_LOOKUPS = 8  # fruitless look-ups before a person is asked
_NEVER = timedelta(days=3650)
_LONGEST_ASKED = 86_400.0
"""Seconds that a server's `Retry-After` is obeyed: one that means a year (a slip, a parked domain) holds nothing up."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a worker needs to talk, with no session open."""

    dispatch_id: int
    suspect_id: int
    attempt: int
    channel: str
    request: Request
    sent_at: datetime
    until: datetime


class Deliveries:
    """Sends what is due and follows what is open, for one worker."""

    def __init__(self, database: Database, config: Config, ways: Mapping[str, Channel], worker: str) -> None:
        self.database, self.config, self.ways, self.worker = database, config, ways, worker
        self.follow_ups = FollowUps(database, config, ways)

    def step(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """One round: lost claims, look-ups, everything due, then tickets to look at. How many were handled."""
        self.forget()
        done = self.reclaim()
        for claim_next, talk in ((self._claim_lookup, self._look_up), (self._claim_due, self._send)):
            while not stopping() and (claim := claim_next()):
                talk(claim)
                done += 1
        if not stopping():
            done += self.follow_ups.step()
        return done

    # -- claim -----------------------------------------------------------------------------------------------------

    def reclaim(self) -> int:
        """`sending` of a dead worker → `unclear`: perhaps it arrived."""
        at = now()
        over = Dispatch.status == D.SENDING, col(Dispatch.claimed_until) < at
        with self.database.writing() as session:
            # The suspect first and then its dispatch, here as everywhere: so no two wait for each other.
            membership.locked(session, session.exec(select(Dispatch.suspect_id).where(*over)).all())
            lost = session.exec(select(Dispatch).where(*over).with_for_update(skip_locked=True)).all()
            for dispatch in lost:
                # The latest moment at which it can have begun to talk: the settling time counts from its end.
                dispatch.sent_at = (dispatch.claimed_until or at) - timedelta(seconds=self.config.delivery.timeout)
                dispatch.status, dispatch.claimed_by, dispatch.claimed_until = D.UNCLEAR, "", None
                dispatch.due_at, dispatch.lookups = at, 0
                dispatch.last_error = "The worker stopped while it was sending; looking it up"
                session.add(dispatch)
                session.add(TicketEvent(dispatch_id=dispatch.id or 0, what=dispatch.last_error))
                privacy.recheck(session, dispatch.id or 0)
        return len(lost)

    def _claim_due(self) -> Claim | None:
        at = now()
        with self.database.writing() as session:
            return self._claim(session, _due(D.QUEUED, at), self._usable(session, at), sending=True)

    def _claim_lookup(self) -> Claim | None:
        at = now()
        with self.database.writing() as session:
            free = _due(D.UNCLEAR, at).where(
                (col(Dispatch.claimed_until).is_(None)) | (col(Dispatch.claimed_until) < at)
            )
            return self._claim(session, free, self._usable(session, at), sending=False)

    def _claim(self, session: Session, due: SelectOfScalar[Dispatch], usable: list[str], sending: bool) -> Claim | None:
        while True:
            dispatch = _longest_due(session, due, usable)
            if dispatch is None or dispatch.id is None:
                return None
            if not sending or session.get_one(Suspect, dispatch.suspect_id).status == SuspectStatus.ACCEPTED:
                break
            # Nothing should leave one so; should it happen, it must not reach a department either.
            log.error("a request of a suspect that is not accepted was not sent", reference=dispatch.reference)
            dispatch.status, dispatch.last_error = D.CANCELLED, "Not sent: it is not accepted"
            session.add(dispatch)
            session.add(TicketEvent(dispatch_id=dispatch.id, what=dispatch.last_error))
            session.flush()
        at = now()  # not earlier: the lock may have been waited for
        if sending:
            dispatch.status, dispatch.attempts, dispatch.sent_at = D.SENDING, dispatch.attempts + 1, at
        dispatch.claimed_by = self.worker
        dispatch.claimed_until = until = at + timedelta(seconds=self.config.delivery.claim)
        session.add(dispatch)
        request = Request.thawed(dispatch.content or {})
        sent_at, to = dispatch.sent_at or at, dispatch.suspect_id
        return Claim(dispatch.id, to, dispatch.attempts, dispatch.channel, request, sent_at, until)

    def _usable(self, session: Session, at: datetime) -> list[str]:
        """Channels that are configured and not paused."""
        return [name for name in self.ways if not (until := paused_until(session, name)) or until <= at]

    # -- talk ------------------------------------------------------------------------------------------------------

    def _send(self, claim: Claim) -> None:
        started = now()
        if started > claim.until - timedelta(seconds=self.config.delivery.timeout):
            why = "Not sent: this computer stood still, and the claim would run out before an answer"
            self._move(claim, D.QUEUED, due_at=started, attempts=claim.attempt - 1, event=why)
            return
        try:
            receipt = self.ways[claim.channel].send(claim.request)
        except TemporaryError as error:
            self._later(claim, str(error), error.retry_after)
        except RefusedError as error:
            self._refused(claim, str(error))
        except AuthError as error:
            self._pause(claim, str(error))
        except UnclearError as error:
            self._unclear(claim, str(error), started)
        except Exception as error:  # noqa: BLE001 - whatever broke, it may have been delivered
            log.error("a channel broke while sending", channel=claim.channel, **whereabouts(error))
            self._unclear(claim, f"The channel broke: {type(error).__name__}.", started)
        else:
            self._sent(claim, receipt, "Sent")

    def _look_up(self, claim: Claim) -> None:
        way = self.ways[claim.channel]
        asked_at = now()
        try:
            answer = way.find(claim.request)
        except Exception as error:  # noqa: BLE001 - a failed look-up says nothing about the request
            log.error("a channel broke while looking up", channel=claim.channel, **whereabouts(error))
            answer = channels.Unknown(f"The look-up broke: {type(error).__name__}")
        delivery = self.config.delivery
        believed_at = claim.sent_at + timedelta(seconds=delivery.timeout + delivery.settle)
        if isinstance(answer, Found):
            self._sent(claim, answer.receipt, "Found by its reference")
        elif not isinstance(answer, Absent):
            self._ask_again(claim, answer.why, way.can_find)
        elif asked_at < believed_at:
            self._move(
                claim,
                D.UNCLEAR,
                due_at=believed_at,
                last_error="Not there yet; looked up once more before it is sent again",
            )
        elif claim.attempt >= delivery.tries:
            self._move(claim, D.EXHAUSTED, last_error=f"Not delivered after {claim.attempt} tries")
        else:
            self._move(claim, D.QUEUED, due_at=now(), last_error="It did not arrive; it is sent again")

    # -- record ----------------------------------------------------------------------------------------------------

    def _sent(self, claim: Claim, receipt: Receipt, what: str) -> None:
        """Knowledge beats state: an answer counts although the claim ran out meanwhile."""
        at = now()
        way = self.ways[claim.channel]
        with self.database.writing() as session:
            membership.locked(session, [claim.suspect_id])
            won = session.exec(
                sql_update(Dispatch)
                .where(
                    col(Dispatch.id) == claim.dispatch_id,
                    col(Dispatch.attempts) == claim.attempt,
                    col(Dispatch.status).in_((D.SENDING, D.UNCLEAR, D.QUEUED, D.EXHAUSTED)),
                )
                .values(status=D.SENT, settled_at=at, last_error="", claimed_by="", claimed_until=None)
            )
            if won.rowcount != 1:
                log.warning("an answer came for a delivery that had moved on", reference=claim.request.reference)
                late = f"A late answer: it stands there too, as {_told(receipt)}"
                session.add(TicketEvent(dispatch_id=claim.dispatch_id, what=late))
                self._taken_back_in_vain(session, claim, receipt)
                return
            follow = way.can_follow and receipt.trackable and bool(receipt.number or receipt.token)
            session.add(
                Ticket(
                    dispatch_id=claim.dispatch_id, suspect_id=claim.suspect_id, channel=claim.channel,
                    number=receipt.number, token=receipt.token, url=receipt.url, opened_at=at,
                    status=TicketStatus.OPEN if receipt.trackable else TicketStatus.UNTRACKABLE,
                    check_at=at + timedelta(seconds=self._soon(receipt)) if follow else None,
                )
            )  # fmt: skip
            session.add(TicketEvent(dispatch_id=claim.dispatch_id, what=f"{what}: {_told(receipt)}", at=at))
            privacy.recheck(session, claim.dispatch_id)

    def _taken_back_in_vain(self, session: Session, claim: Claim, receipt: Receipt) -> None:
        """It was cancelled while nobody knew that it had arrived: a person withdraws it over there."""
        dispatch = session.get_one(Dispatch, claim.dispatch_id, populate_existing=True)
        known = session.exec(select(Ticket.id).where(Ticket.dispatch_id == claim.dispatch_id)).first()
        if dispatch.status != D.CANCELLED or known is not None:
            return
        session.add(
            Ticket(
                dispatch_id=claim.dispatch_id, suspect_id=claim.suspect_id, channel=claim.channel,
                number=receipt.number, token=receipt.token, url=receipt.url, status=TicketStatus.UNTRACKABLE,
                flagged=IN_VAIN,
            )
        )  # fmt: skip
        session.flush()
        privacy.recheck(session, claim.dispatch_id)

    def _soon(self, receipt: Receipt) -> float:
        # A token matures within seconds or minutes; a number's state changes in hours.
        return self.config.delivery.follow_up if receipt.number else min(10, self.config.delivery.follow_up)

    def _later(self, claim: Claim, why: str, retry_after: float | None) -> None:
        delivery = self.config.delivery
        if claim.attempt >= delivery.tries:
            self._move(claim, D.EXHAUSTED, last_error=why, event=f"Tried: {why}; gives up after {claim.attempt} tries")
            return
        wait = min(delivery.retry_longest, delivery.retry_first * 2 ** (claim.attempt - 1))
        asked, event = retry_after or 0, f"Tried: {why}"
        wait = max(wait, min(asked, _LONGEST_ASKED))
        if asked > wait:
            event += f" They ask to wait {asked / 3600:,.0f} h; it is tried again after {wait / 3600:.0f} h."
        self._move(claim, D.QUEUED, due_at=now() + timedelta(seconds=wait), last_error=why, event=event)

    def _unclear(self, claim: Claim, why: str, started: datetime) -> None:
        can_find = self.ways[claim.channel].can_find
        due = now() if can_find else now() + _NEVER
        text = why if can_find else f"{why} A person must look whether it arrived."
        event = f"No clear answer: {why}"
        self._move(claim, D.UNCLEAR, due_at=due, sent_at=started, lookups=0, last_error=text, event=event)

    def _ask_again(self, claim: Claim, why: str, can_find: bool) -> None:
        with self.database.writing() as session:
            tried = session.get_one(Dispatch, claim.dispatch_id).lookups + 1
            session.exec(sql_update(Dispatch).where(col(Dispatch.id) == claim.dispatch_id).values(lookups=tried))
        wait = min(self.config.delivery.retry_longest, self.config.delivery.retry_first * 2 ** (tried - 1))
        gives_up = tried >= _LOOKUPS or not can_find
        due = now() + (_NEVER if gives_up else timedelta(seconds=wait))
        text = f"{why.removesuffix('.')}. A person must look whether it arrived." if gives_up else why
        self._move(claim, D.UNCLEAR, due_at=due, last_error=text)

    def _pause(self, claim: Claim, why: str) -> None:
        """The credential is refused: the try does not count, and the channel rests until somebody mends it."""
        until = now() + timedelta(seconds=self.config.delivery.retry_longest)
        with self.database.writing() as session:
            pause(session, claim.channel, why, until)
        self._move(
            claim, D.QUEUED, due_at=now(), last_error=why, attempts=claim.attempt - 1, event=f"Refused access: {why}"
        )

    def _refused(self, claim: Claim, why: str) -> None:
        """Their no goes back to the reviewer, with their reason."""
        with self.database.writing() as session:
            if not self._moved(session, claim, D.REFUSED, f"Refused: {why}", last_error=why, settled_at=now()):
                return
            suspect = session.get_one(Suspect, claim.suspect_id)
            if suspect.status != SuspectStatus.ACCEPTED:
                return
            why = session.get_one(Dispatch, claim.dispatch_id).last_error  # theirs, or what is left to say of it
            suspect.status = SuspectStatus.WAITING
            suspect.returned_because, suspect.decided_at, suspect.decided_by = why, None, ""
            suspect.version += 1
            session.add(suspect)
            session.add(Decision(suspect_id=suspect.id or 0, kind=DecisionKind.REFUSED, reason=why))

    def _move(self, claim: Claim, status: DeliveryStatus, event: str = "", **values: Any) -> None:
        with self.database.writing() as session:
            self._moved(session, claim, status, event or values.get("last_error", ""), **values)

    def _moved(self, session: Session, claim: Claim, status: DeliveryStatus, event: str, **values: Any) -> bool:
        """Only while it is still ours: the claim is the fence. What would be sent again although it is gone ends."""
        membership.locked(session, [claim.suspect_id])
        won = session.exec(
            sql_update(Dispatch)
            .where(
                col(Dispatch.id) == claim.dispatch_id,
                col(Dispatch.claimed_by) == self.worker,
                col(Dispatch.attempts) == claim.attempt,
                col(Dispatch.status).in_((D.SENDING, D.UNCLEAR)),
            )
            .values(status=status, claimed_by="", claimed_until=None, **values)
        )
        if won.rowcount != 1:
            return False
        if event:
            session.add(TicketEvent(dispatch_id=claim.dispatch_id, what=event))
        privacy.recheck(session, claim.dispatch_id)  # last, so that it finds their words too
        return True

    # -- forget ----------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """What `privacy.py` wrote down: what channels keep here of erased requests, and SQLite's log.

        A line is crossed out once it is done, so after a crash it is done again.
        """
        with self.database.reading() as session:
            query = select(Setting).where(col(Setting.name).startswith(privacy.FORGET, autoescape=True))
            due = {stored.name: stored.value for stored in session.exec(query)}
        done = [name for name, told in due.items() if self._forgotten(told)]
        if done:
            with self.database.writing() as session:
                session.exec(sql_delete(Setting).where(col(Setting.name).in_(done)))

    def _forgotten(self, told: Mapping[str, str]) -> bool:
        if not told:
            return self.database.empty_log()
        way = self.ways.get(told["channel"])
        if way is None:
            return False
        try:
            way.forget(told["reference"])
        except Exception as error:  # noqa: BLE001 - tried again in the next round
            log.error("a channel could not forget a request", channel=told["channel"], **whereabouts(error))
            return False
        return True


def _due(status: DeliveryStatus, at: datetime) -> SelectOfScalar[Dispatch]:
    return select(Dispatch).where(Dispatch.status == status, col(Dispatch.due_at) <= at)


def _longest_due(session: Session, due: SelectOfScalar[Dispatch], usable: list[str]) -> Dispatch | None:
    """Locked; channel by channel, so that what waits for one that is away is not read."""
    first: dict[str, datetime] = {}
    for name in usable if len(usable) > 1 else ():
        when = due.with_only_columns(col(Dispatch.due_at)).where(col(Dispatch.channel) == name)
        if at := session.scalars(when.order_by(col(Dispatch.due_at)).limit(1)).first():
            first[name] = at
    for name in sorted(first, key=first.__getitem__) if len(usable) > 1 else usable:
        here = due.where(Dispatch.channel == name).order_by(col(Dispatch.due_at)).limit(1)
        if dispatch := session.exec(here.with_for_update(skip_locked=True)).first():
            return dispatch
    return None


def _told(receipt: Receipt) -> str:
    return receipt.number or (f"token {receipt.token}" if receipt.token else "no number is told")
