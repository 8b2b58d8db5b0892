"""The story of a post in lines: what happened, when and by whom, the earliest first.

Each line is pieces of text with a sign, as `screen.posts` takes them: what residents, staff and other systems wrote
stays text. `history.py` draws them; where the facts come from stands in `connector/store/history.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from connector import screen
from connector.models import Decision, DecisionKind, DeliveryStatus, Dispatch, Suspect, SuspectStatus, TicketStatus
from connector.screen.verbs import REASONS
from connector.store.history import Story

Reveal = Callable[[str], str]
_LAG = 2.0
"""Seconds from a post to its coming that nobody needs to hear of."""
_TOGETHER = 60.0
"""Seconds within which a suspect and its first post are stored."""


@dataclass(frozen=True, slots=True)
class Line:
    at: datetime
    what: str
    said: str = ""
    """By somebody, or by another system."""
    by: str = ""


def lines(told: Story, reveal: Reveal) -> list[Line]:
    """Everything that happened, the earliest first."""
    found = [*_came(told, reveal), *_joined(told), *_handled(told), *_sent(told), *_answered(told)]
    found += [Line(note.at, "Note", note.text, note.by) for note in told.notes]
    found += [Line(entry.at, entry.what.capitalize(), by=entry.by) for entry in told.audit]
    return sorted(found, key=lambda line: line.at)


# -- the post ------------------------------------------------------------------------------------------------------


def _came(told: Story, reveal: Reveal) -> Iterator[Line]:
    post, source = told.post, screen.SOURCES.get(told.kind, told.kind.capitalize())
    yield Line(post.posted_at, f"Written ({source})")
    lag = (post.received_at - post.posted_at).total_seconds()
    late = f", {screen.span(lag)} after it was written" if lag > _LAG else ""
    yield Line(post.received_at, f"Received from {post.source}{late}")
    was = post.edits or []
    for number, edit in enumerate(was):
        later = datetime.fromisoformat(was[number + 1]["at"]) if number + 1 < len(was) else post.edited_at
        yield Line(later or post.received_at, "Edited by its author; before, it said", edit.get("text", ""))
    for met in told.met:
        version = f"version {met.version}" + (f", by now {met.now_version}" if met.now_version != met.version else "")
        words = ", ".join(reveal(word) for word in met.words)
        yield Line(
            met.at, f"Met the rule “{met.rule}” of {met.type} ({version})" + (", by the words" if words else ""), words
        )
    if post.gone_at:
        yield Line(post.gone_at, "Gone at its source: text, author, words and place were erased here")


# -- the suspects --------------------------------------------------------------------------------------------------


def _joined(told: Story) -> Iterator[Line]:
    for suspect_id, (at, by) in _joins(told).items():
        suspect = told.suspects[suspect_id]
        with_it = (at - suspect.created_at).total_seconds() < _TOGETHER
        title = told.titles.get(suspect.request_type_id, "")
        if suspect.lead_post_id == told.post.id and not by and with_it:
            urgent = ", urgent" if suspect.urgent else ""
            yield Line(at, f"Waits for a person as suspect {suspect.id}: {title}{urgent}")
            if earlier := told.others.get(suspect.follows_id or 0):
                yield Line(at, f"Resembles suspect {earlier.id}, which was {earlier.status}")
        elif by:
            yield Line(at, f"Put into suspect {suspect.id} by hand", by=by)
        else:
            yield Line(at, f"Joined suspect {suspect.id}, which tells of the same problem", by="the machine")


def _joins(told: Story) -> dict[int, tuple[datetime, str]]:
    """Suspect → when the post joined it, and by whom; one that it left remembers that in what took it away."""
    found = {join.suspect_id: (join.joined_at, join.joined_by) for join in told.joins}
    for made in told.decisions:
        for post, at, by in (made.before or {}).get("posts", []):
            if post == told.post.id:
                found.setdefault(made.suspect_id, (datetime.fromisoformat(at), by))
    return found


def _handled(told: Story) -> Iterator[Line]:
    for suspect in told.suspects.values():
        name = _which(told, suspect)
        if suspect.opened_at:
            yield Line(suspect.opened_at, f"Opened for the first time{name}", by=suspect.opened_by)
        if suspect.alarmed_at:
            yield Line(suspect.alarmed_at, f"Urgent and unopened: on call was told{name}")
        if suspect.acknowledged_at:
            yield Line(suspect.acknowledged_at, f"The alarm was acknowledged{name}", by=suspect.acknowledged_by)
    for made in told.decisions:
        if what := _decided(told, made):
            many = ", among many decided by one key" if made.batch else ""
            reason = made.reason if made.kind in _SAY_WHY else ""
            yield Line(made.at, f"{what}{many}{_which(told, told.suspects[made.suspect_id])}", reason, made.by)


_SAY_WHY = (DecisionKind.REFUSED, DecisionKind.WITHDRAW)
"""Whose reason is a sentence."""


def _which(told: Story, suspect: Suspect) -> str:
    return f" (suspect {suspect.id})" if len(told.suspects) > 1 else ""


def _decided(told: Story, made: Decision) -> str:
    before = made.before or {}
    match made.kind:
        case DecisionKind.ACCEPT:
            kind = told.titles.get(before.get("request_type_id", 0), "")
            return f"Accepted as {kind}" if kind else "Accepted"
        case DecisionKind.DISMISS:
            return f"Dismissed: {REASONS.get(made.reason, made.reason)}"
        case DecisionKind.PARK:
            return "Parked"
        case DecisionKind.UNDO:
            return "Taken back" if made.by else "Waits again"
        case DecisionKind.RETYPE:
            return f"Type changed to {told.codes.get(made.reason, made.reason)}"
        case DecisionKind.ASSIGN:
            return f"Assigned to {made.reason.removeprefix('team:')}" if made.reason else "Assigned to nobody"
        case DecisionKind.PLACE:
            return "Its place was set by hand"
        case DecisionKind.EXPIRE:
            return "Expired: nobody opened it for so long"
        case DecisionKind.REFUSED:
            return "Came back, because the other side refused it"
        case DecisionKind.WITHDRAW:
            return "Withdrawn"
        case _:
            return _regrouped(told, made)


def _regrouped(told: Story, made: Decision) -> str:
    """A merge, a split or a second request stands in both suspects; it is told once, where the post went."""
    before = made.before or {}
    posts = [post for post, *_ in before.get("posts", [])]
    match made.kind:
        case DecisionKind.MERGE if "from" in before:
            return "" if before["from"] in told.suspects else f"Suspect {before['from']} was merged into this one"
        case DecisionKind.MERGE:
            return f"Merged into suspect {before.get('into', '')}"
        case DecisionKind.SPLIT if "from" in before:
            return ""
        case DecisionKind.SPLIT:
            ours = told.post.id in posts
            return f"{'Split off' if ours else 'Other posts were split off'} into suspect {before.get('new', '')}"
        case DecisionKind.ALSO if "from" in before:
            return ""
        case DecisionKind.ALSO:
            return f"Also filed as {told.codes.get(made.reason, made.reason)}, suspect {before.get('new', '')}"
    return made.kind.capitalize()


# -- on the way out ------------------------------------------------------------------------------------------------


def _sent(told: Story) -> Iterator[Line]:
    for sent in told.dispatches:
        what = "A comment for its ticket" if sent.kind == "comment" else "A request"
        yield Line(sent.created_at, f"{what} goes to {sent.channel} as {sent.reference}", by=sent.by)
        which = sent.reference if len(told.dispatches) > 1 else ""
        for event in told.events:
            if event.dispatch_id == sent.id:
                yield Line(event.at, which, event.what, event.by)
        if tries := _tries(sent):
            yield Line(sent.settled_at or sent.sent_at or sent.due_at, f"{sent.reference}: {tries}", sent.last_error)
        ticket = told.tickets.get(sent.id or 0)
        if ticket and ticket.flagged:
            yield Line(told.post.gone_at or ticket.opened_at, f"Ticket {ticket.number}: {ticket.flagged}")


def _tries(sent: Dispatch) -> str:
    """What no event tells: how often it was tried, and that it was called back."""
    tries = f"{sent.attempts} tries" if sent.attempts > 1 else ""
    match sent.status:
        case DeliveryStatus.CANCELLED:
            return "called back before it left"
        case DeliveryStatus.EXHAUSTED:
            return f"not delivered after {sent.attempts} tries"
        case DeliveryStatus.QUEUED | DeliveryStatus.UNCLEAR if sent.attempts:
            return f"tried {sent.attempts} times, not surely there" if tries else "tried once, not surely there"
    return f"delivered after {tries}" if tries and sent.status == DeliveryStatus.SENT else ""


def _answered(told: Story) -> Iterator[Line]:
    for reply in told.replies:
        kind = reply.kind.replace("_", " ")
        yield Line(
            reply.sent_at or reply.created_at, f"Answer “{kind}”: {reply.status.replace('_', ' ')}", reply.last_error
        )


# -- where it stands -----------------------------------------------------------------------------------------------


def stands(told: Story) -> str:
    """What became of it, in a sentence or two."""
    gone = "It is gone at its source, and its text was erased here. " if told.post.gone_at else ""
    if not told.suspects:
        return gone + (
            "It met a rule and was kept, but never waited for a person: it is our own, or repeats another post."
            if told.met
            else "It is stored and met no rule, so it never waited for a person."
        )
    held = [told.suspects[join.suspect_id] for join in told.joins] or list(told.suspects.values())
    return gone + " ".join(_stands(told, suspect) for suspect in sorted(held, key=lambda one: one.id or 0))


def _stands(told: Story, suspect: Suspect) -> str:
    who = f" by {suspect.decided_by}" if suspect.decided_by else ""
    kind = told.titles.get(suspect.request_type_id, "")
    name = f"Suspect {suspect.id}, {kind}," if len(told.joins) > 1 else kind
    match suspect.status:
        case SuspectStatus.WAITING:
            return f"{name} waits in the queue for a person" + (
                ", returned by the other side." if suspect.returned_because else "."
            )
        case SuspectStatus.PARKED:
            until = f" until {moment(suspect.parked_until)}" if suspect.parked_until else ""
            return f"{name} was parked{who}{until}."
        case SuspectStatus.DISMISSED:
            return f"{name} was dismissed{who}: {REASONS.get(suspect.dismiss_reason, suspect.dismiss_reason)}."
        case SuspectStatus.ACCEPTED:
            return f"{name} was accepted{who}. {_delivered(told, suspect)}"
        case SuspectStatus.MERGED:
            return f"{name} was merged{who} into suspect {suspect.merged_into_id}."
        case SuspectStatus.EXPIRED:
            return f"{name} expired: nobody opened it."
    return f"{name} was {suspect.status}{who}."


def _delivered(told: Story, suspect: Suspect) -> str:
    sent = [one for one in told.dispatches if one.suspect_id == suspect.id and one.status != DeliveryStatus.CANCELLED]
    if not sent:
        return "Nothing was sent."
    last = sent[-1]
    ticket = told.tickets.get(last.id or 0)
    if ticket is None:
        return f"Its delivery {last.reference} to {last.channel} is {last.status.replace('_', ' ')}."
    number = ticket.number or last.reference
    if ticket.status == TicketStatus.CLOSED:
        when = f" since {moment(ticket.closed_at)}" if ticket.closed_at else ""
        return f"Ticket {number} is closed{when}."
    return f"Ticket {number} is {ticket.status}."


def moment(at: datetime) -> str:
    """Day and time in the city's zone, with the year: a print is read later."""
    return f"{at.astimezone(screen.house().config.city.zone):%-d %b %Y, %H:%M}"
